// SPDX-License-Identifier: MIT
// Opening devices: none at all, unknown names, bad settings, caches that cannot be used or are damaged, two
// at once, many in a row. What needs another environment runs this program again as a child.
#include "testing.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

static const char *self;
static char folder[] = "/tmp/clgrad_device_XXXXXX";

static clg_status open_one(clg_device *d, const char *select, char error[1100])
{
    error[0] = '\0';
    return clg_device_open(d, clg_device_params(.select = select, .error = error, .error_size = 1100));
}

static double work(clg_device d)
{
    clg_scope s = clg_scope_push(d);
    clg_status st;
    clg_tensor x = clg_upload(d, CLG_F32, CLG_SHAPE(3), (float[]) { 1, 2, 3 });
    const double v = clg_item(clg_sum(clg_mul(x, x), CLG_ALL, false), &st);
    ck_assert_msg(st >= 0, "%s", clg_error(d, st));
    clg_scope_pop(s);
    return v;
}

START_TEST(no_platform_is_one_clear_sentence)
{
    char command[600], line[1200] = "";
    snprintf(command, sizeof command, "OCL_ICD_VENDORS=/nonexistent OPENCL_LAYERS= '%s' open", self);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    const int code = pclose(f);
    ck_assert_int_eq(code, 0);
    ck_assert_msg(atoi(line) == CLG_ENODEV, "%s", line);
    ck_assert_ptr_nonnull(strstr(line, "no OpenCL device found: install"));
}
END_TEST

START_TEST(unknown_names_are_refused_with_what_there_is)
{
    char error[1100];
    clg_device d = dev;
    ck_assert_int_eq(open_one(&d, "no such device", error), CLG_EINVAL);
    ck_assert_ptr_null(d);
    ck_assert_ptr_nonnull(strstr(error, "no device matches 'no such device'. The "));
    ck_assert_msg(strstr(error, "evice: 0 is ") || strstr(error, "evices: 0 is "), "%s", error);
    ck_assert_int_eq(open_one(&d, "99", error), CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "no device has number '99'. The "));
    ck_assert_int_eq(open_one(&d, " ", error), CLG_EINVAL);
    ck_assert_int_eq(open_one(&d, "-1", error), CLG_EINVAL);
    ck_assert_int_lt(open_one(&d, "99999999999999999999", error), 0);
    ck_assert_int_eq(clg_device_open(&d, clg_device_params(.select = "?")), CLG_EINVAL); // no buffer
    ck_assert_int_eq(open_one(&d, "0", error), CLG_OK);
    ck_assert_double_eq(work(d), 14);
    clg_device_close(&d);
    clg_device_close(&d);
    clg_device_close(NULL);
}
END_TEST

START_TEST(a_class_that_is_none_is_refused)
{
    char error[1100];
    const char *const had = getenv("CLGRAD_CLASS");
    char *before = had ? strdup(had) : NULL;
    clg_device d;
    setenv("CLGRAD_CLASS", "tpu", 1);
    ck_assert_int_eq(open_one(&d, NULL, error), CLG_EINVAL);
    ck_assert_ptr_null(d);
    ck_assert_ptr_nonnull(strstr(error, "CLGRAD_CLASS is 'tpu', expected cpu or gpu"));
    for (int i = 0; i < 3; i++) {
        setenv("CLGRAD_CLASS", i == 0 ? "cpu" : i == 1 ? "gpu" : "", 1);
        ck_assert_int_eq(open_one(&d, NULL, error), CLG_OK);
        ck_assert_double_eq(work(d), 14);
        clg_device_close(&d);
    }
    if (before)
        setenv("CLGRAD_CLASS", before, 1);
    else
        unsetenv("CLGRAD_CLASS");
    free(before);
}
END_TEST

START_TEST(every_device_of_the_list_says_what_it_is)
{
    char error[1100] = "";
    clg_device_info *list;
    int n = 0, defaults = 0;
    ck_assert_msg(clg_device_list(&list, &n, error, sizeof error) >= 0, "%s", error);
    ck_assert_int_ge(n, 1);
    for (int i = 0; i < n; i++) {
        ck_assert(list[i].name[0] && list[i].platform[0] && list[i].type[0]);
        ck_assert_int_ge(list[i].compute_units, 1);
        ck_assert(list[i].is_default || list[i].passed_over);
        defaults += list[i].is_default;
    }
    ck_assert_int_le(defaults, 1);
    clg_device_list_free(&list);
    ck_assert_ptr_null(list);
    clg_device_list_free(&list);
    clg_device_list_free(NULL);
}
END_TEST

static void *list_often(void *index)
{
    for (int i = 0; i < 20; i++) {
        clg_device_info *list;
        int n = 0;
        if (clg_device_list(&list, &n, NULL, 0) < 0)
            return "no list";
        for (int k = 0; k < n; k++) {
            if (list[k].is_default != (k == *(const int *) index))
                return "another default";
        }
        clg_device_list_free(&list);
    }
    return NULL;
}

START_TEST(threads_find_the_same_default)
{
    clg_device_info *list;
    int n = 0, best = -1;
    ck_assert_int_ge(clg_device_list(&list, &n, NULL, 0), 0);
    for (int k = 0; k < n; k++)
        best = list[k].is_default ? k : best;
    clg_device_list_free(&list);
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, list_often, &best), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        ck_assert_msg(!wrong, "%s", (const char *) wrong);
    }
}
END_TEST

START_TEST(two_devices_do_not_mix)
{
    char error[1100];
    clg_device d;
    ck_assert_int_eq(open_one(&d, NULL, error), CLG_OK);
    ck_assert_double_eq(work(d), 14);
    ck_assert_double_eq(work(dev), 14);
#ifndef CLG_DEBUG // there it traps
    clg_scope a = clg_scope_push(d), b = clg_scope_push(dev);
    clg_tensor t = clg_add(clg_ones(d, CLG_F32, CLG_SHAPE(1)), clg_ones(dev, CLG_F32, CLG_SHAPE(1)));
    ck_assert_int_eq(t->status, CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(clg_error(t->dev, 0), "belongs to another device"));
    clg_scope_pop(b);
    clg_scope_pop(a);
    clg_error_clear(dev);
#endif
    clg_device_close(&d);
    ck_assert_double_eq(work(dev), 14);
}
END_TEST

START_TEST(opening_often_leaks_nothing)
{
    char error[1100];
    uint64_t before = 0;
    for (int i = 0; i < 50; i++) {
        clg_device d;
        ck_assert_msg(open_one(&d, "0", error) >= 0, "%s", error);
        clg_scope s = clg_scope_push(d);
        clg_tensor t = clg_keep(clg_exp(clg_ones(d, CLG_F32, CLG_SHAPE(5)))); // left to the device
        clg_var v = clg_var_create(t);
        ck_assert(v && clg_eval(t) >= 0);
        if (i % 2)
            clg_scope_pop(s);
        clg_device_close(&d);
        const uint64_t now = clg_device_get_stats(dev).host_bytes;
        if (i > 0)
            ck_assert_uint_eq(now, before);
        before = now;
    }
}
END_TEST

static long cache_files(const char *path, int damage)
{
    long n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        char file[600];
        if (!strstr(e->d_name, ".clbin"))
            continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        struct stat st;
        ck_assert_int_eq(stat(file, &st), 0);
        if (damage == 1)
            ck_assert_int_eq(truncate(file, n % 2 ? 3 : st.st_size / 2), 0);
        FILE *f = damage == 2 ? fopen(file, "r+b") : NULL;
        for (long i = 4; f && i < st.st_size; i++) // past the mark at its head
            fputc(0x55, f);
        if (f)
            fclose(f);
        n++;
    }
    if (d)
        closedir(d);
    return n;
}

START_TEST(a_damaged_cache_entry_is_rebuilt)
{
    char error[1100], path[100];
    snprintf(path, sizeof path, "%s/cache/deep", folder);
    setenv("CLGRAD_CACHE_DIR", path, 1);
    // what killed writers left: goes after an hour
    static const char *const left[] = { "0.clbin.7-0", "1.clbin.7-0", "2.clbin.mine" };
    char name[160];
    ck_assert(mkdir(strcat(strcpy(name, folder), "/cache"), 0700) == 0 && mkdir(path, 0700) == 0);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s/%s", path, left[i]);
        fclose(fopen(name, "w"));
        const struct utimbuf old = { time(NULL) - 4000, time(NULL) - 4000 };
        ck_assert_int_eq(utime(name, i == 1 ? NULL : &old), 0);
    }
    for (int round = 0; round < 4; round++) {
        clg_device d;
        for (int i = 0; i < 3 && round == 1; i++) {
            snprintf(name, sizeof name, "%s/%s", path, left[i]);
            ck_assert_int_eq(access(name, F_OK), i == 0 ? -1 : 0);
            unlink(name);
        }
        ck_assert_msg(open_one(&d, NULL, error) >= 0, "%s", error);
        ck_assert_double_eq(work(d), 14);
        const clg_device_stats st = clg_device_get_stats(d);
        clg_device_close(&d);
        ck_assert_int_ge(cache_files(path, 0), 1);
        // built, found, and built again after each damage
        if (round == 1)
            ck_assert_msg(st.programs_cached >= 1 && st.programs_built == 0, "not found again");
        else
            ck_assert_msg(st.programs_built >= 1 && st.programs_cached == 0, "round %d: not rebuilt", round);
        if (round >= 1)
            cache_files(path, round == 1 ? 1 : 2);
        if (round == 2)
            continue;
    }
    unsetenv("CLGRAD_CACHE_DIR");
}
END_TEST

START_TEST(a_cache_that_cannot_be_written_is_none)
{
    char error[1100], path[100];
    snprintf(path, sizeof path, "%s/file", folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    const char *const bad[] = { path, "/proc/nowhere", "", "/dev/null/x" };
    char *before = getenv("XDG_CACHE_HOME") ? strdup(getenv("XDG_CACHE_HOME")) : NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0] + 1; i++) {
        clg_device d;
        if (i < sizeof bad / sizeof bad[0]) {
            setenv("CLGRAD_CACHE_DIR", bad[i], 1);
        } else {
            unsetenv("CLGRAD_CACHE_DIR");
            setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
        }
        ck_assert_msg(open_one(&d, NULL, error) >= 0, "%s", error);
        ck_assert_double_eq(work(d), 14);
        ck_assert_int_eq(clg_error_status(d), CLG_OK);
        clg_device_close(&d);
    }
    unsetenv("CLGRAD_CACHE_DIR");
    if (before)
        setenv("XDG_CACHE_HOME", before, 1);
    else
        unsetenv("XDG_CACHE_HOME");
    free(before);
}
END_TEST

START_TEST(too_large_says_how_large)
{
    clg_scope s = clg_scope_push(dev);
    const clg_device_info *info = clg_device_get_info(dev);
    const int64_t n = (int64_t) (info->max_alloc_bytes / 4) + 1024;
    clg_tensor t = clg_full(dev, CLG_F32, CLG_SHAPE(n), 1);
    char number[32];
    snprintf(number, sizeof number, "%llu", (unsigned long long) n * 4);
    ck_assert_int_eq(clg_eval(t), CLG_ENOMEM);
    ck_assert_msg(strstr(clg_error(dev, 0), number), "%s", clg_error(dev, 0));
    snprintf(number, sizeof number, "%llu", (unsigned long long) info->max_alloc_bytes);
    ck_assert_msg(strstr(clg_error(dev, 0), number), "%s", clg_error(dev, 0));
    clg_error_clear(dev);
    ck_assert_double_eq(work(dev), 14);
    clg_scope_pop(s);
}
END_TEST

START_TEST(the_pool_gives_back_before_it_gives_up)
{
    char error[1100];
    clg_device d;
    ck_assert_msg(clg_device_open(&d, clg_device_params(.memory_cap = 8 << 20, .error = error,
                                                        .error_size = sizeof error)) >= 0,
                  "%s", error);
    for (int round = 0; round < 3; round++) {
        for (int64_t n = 1000; n <= 1 << 20; n += 61111) { // sizes of many classes fill the pool
            clg_scope s = clg_scope_push(d);
            ck_assert_msg(clg_eval(clg_full(d, CLG_F32, CLG_SHAPE(n), 1)) >= 0, "%s", clg_error(d, 0));
            clg_scope_pop(s);
        }
        const clg_device_stats st = clg_device_get_stats(d);
        ck_assert_uint_le(st.bytes_used + st.bytes_pooled, 8 << 20);
    }
    clg_scope s = clg_scope_push(d);
    clg_tensor big = clg_full(d, CLG_F32, CLG_SHAPE(4 << 20), 1);
    ck_assert_int_eq(clg_eval(big), CLG_ENOMEM);
    ck_assert_ptr_nonnull(strstr(clg_error(d, 0), "cap 8388608"));
    clg_scope_pop(s);
    clg_error_clear(d);
    ck_assert_double_eq(work(d), 14);
    clg_device_close(&d);
}
END_TEST

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1) { // as a child: what opening says
        char error[1100] = "";
        const clg_status st = open_one(&dev, NULL, error);
        printf("%d %s\n", st, error);
        clg_device_close(&dev);
        return 0;
    }
    if (!mkdtemp(folder))
        return 77;
    Suite *s = suite_create("device");
    TCase *c = tcase_create("open");
    tcase_add_test(c, no_platform_is_one_clear_sentence);
    tcase_add_test(c, unknown_names_are_refused_with_what_there_is);
    tcase_add_test(c, a_class_that_is_none_is_refused);
    tcase_add_test(c, every_device_of_the_list_says_what_it_is);
    tcase_add_test(c, threads_find_the_same_default);
    tcase_add_test(c, two_devices_do_not_mix);
    tcase_add_test(c, opening_often_leaks_nothing);
    tcase_add_test(c, a_damaged_cache_entry_is_rebuilt);
    tcase_add_test(c, a_cache_that_cannot_be_written_is_none);
    tcase_add_test(c, too_large_says_how_large);
    tcase_add_test(c, the_pool_gives_back_before_it_gives_up);
    suite_add_tcase(s, c);
    const int rc = run_suite(s);
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 || rc ? (rc ? rc : 1) : 0;
}
