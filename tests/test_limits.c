// SPDX-License-Identifier: MIT
// Devices of small work-groups, hashes that collide, what compilers say of pasted texts, and how much the
// caches hold: the pool of buffers and the programs on disk.
#include "base/alloc.h"
#include "base/kplan.h"
#include "device/internal.h"
#include "graph/build.h"
#include "graph/node.h"
#include "sched/cache.h"

#include "testing.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static clg_device open_as(const char *class)
{
    char error[1100] = "", before[16] = "";
    const char *had = getenv("CLGRAD_CLASS");
    clg_device d = NULL;
    snprintf(before, sizeof before, "%s", had ? had : "");
    if (class)
        setenv("CLGRAD_CLASS", class, 1);
    ck_assert_msg(clg_device_open(&d, clg_device_params(.error = error, .error_size = sizeof error)) >= 0, "%s",
                  error);
    setenv("CLGRAD_CLASS", before, 1);
    return d;
}

static clg_tensor noise(clg_device d, clg_shape s)
{
    return clg_uniform(d, CLG_F32, s, -1, 1);
}

enum { RESULTS = 9, MOST = 600 };

// Kernels of each kind, and their gradients.
static void all_kinds(clg_device d, float got[RESULTS][MOST], int count[RESULTS])
{
    clg_scope s = clg_scope_push(d);
    clg_manual_seed(d, 3);
    clg_tensor x = clg_track(noise(d, CLG_SHAPE(2, 4, 9, 7))), w = clg_track(noise(d, CLG_SHAPE(6, 2, 3, 3)));
    clg_tensor a = clg_track(noise(d, CLG_SHAPE(2, 19, 23))), b = noise(d, CLG_SHAPE(23, 11));
    clg_tensor y = clg_conv2d(x, w, NULL, clg_conv2d_params(.padding = 1, .groups = 2));
    clg_tensor p = clg_max_pool2d(y, clg_pool2d_params(.kernel = 3)), m = clg_matmul(a, b), g[3];
    clg_tensor index = clg_upload(d, CLG_I32, CLG_SHAPE(3), (int32_t[]) { 5, 0, 5 });
    clg_tensor loss = clg_add(clg_sum(clg_square(p), CLG_ALL, false), clg_sum(clg_exp(m), CLG_ALL, false));
    ck_assert_msg(clg_grad_n(loss, (clg_tensor[]) { x, w, a }, 3, g) >= 0, "%s", clg_error(d, 0));
    clg_tensor t[RESULTS] = { y, p, m, g[0], g[1], g[2], clg_softmax(m, 2), clg_index_select(b, 0, index),
                              clg_sum(clg_expand(noise(d, CLG_SHAPE(1, 500)), CLG_SHAPE(300, 500)), CLG_AXES(0), false) };
    ck_assert_msg(clg_eval_n(t, RESULTS) >= 0, "%s", clg_error(d, 0));
    for (int i = 0; i < RESULTS; i++) {
        clg_tensor flat = clg_reshape(t[i], CLG_SHAPE(-1));
        count[i] = (int) clg_numel(flat->shape) > MOST ? MOST : (int) clg_numel(flat->shape);
        ck_assert_msg(clg_read(clg_slice(flat, 0, 0, MOST, 1), got[i], (size_t) count[i] * 4) >= 0, "%s",
                      clg_error(d, 0));
    }
    clg_scope_pop(s);
}

START_TEST(devices_of_small_groups_run_everything)
{
    TAKES_TURNS(2);
    static const int sizes[] = { 48, 1 };
    static float want[RESULTS][MOST], got[RESULTS][MOST];
    int count[RESULTS];
    clg_device d = open_as("gpu");
    all_kinds(d, want, count);
    clg_device_close(&d);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        d = open_as("gpu");
        ((clg__gpu *) d->gpu)->caps.max_work_group = sizes[k];
        all_kinds(d, got, count);
        for (int i = 0; i < RESULTS; i++) {
            for (int j = 0; j < count[i]; j++) // sums have another order, products have not
                ck_assert_msg(fabsf(got[i][j] - want[i][j]) <= (i < 3 ? 0 : 2e-5f * (1 + fabsf(want[i][j]))),
                              "groups of %d, result %d, element %d: %g, expected %g", sizes[k], i, j,
                              (double) got[i][j], (double) want[i][j]);
        }
        clg_device_close(&d);
    }
}
END_TEST

START_TEST(sides_of_groups_fit)
{
    TAKES_TURNS(2);
    ck_assert_int_eq(clg__kplan_side(16, 256, true), 16);
    ck_assert_int_eq(clg__kplan_side(16, 255, true), 8);
    ck_assert_int_eq(clg__kplan_side(16, 1, true), 1);
    ck_assert_int_eq(clg__kplan_side(64, 48, false), 32);
}
END_TEST

// ---- kernels are found by their text

START_TEST(texts_of_one_hash_are_told_apart)
{
    clg_device d = open_as(NULL);
    ((clg__gpu *) d->gpu)->name_digits = 0; // all of one hash
    for (int round = 0; round < 2; round++) {
        for (int i = 1; i <= 6; i++) {
            clg_scope s = clg_scope_push(d);
            clg_tensor x = clg_upload(d, CLG_F32, CLG_SHAPE(4), (float[]) { 1, 2, 3, 4 }), y = x, z = x;
            for (int k = 0; k < i; k++) {
                y = clg_add(y, y);
                z = clg_mul(z, z);
            }
            // several in one program, too
            clg_tensor both[2] = { clg_sum(y, CLG_ALL, false), clg_neg(z) };
            ck_assert_msg(clg_eval_n(both, 2) >= 0, "%s", clg_error(d, 0));
            ck_assert_double_eq(clg_item(both[0], NULL), 10 * (1 << i));
            float got[4];
            ck_assert_int_ge(clg_read(both[1], got, sizeof got), 0);
            ck_assert_float_eq(got[0], -1);
            ck_assert_float_eq(got[1], -powf(2, (float) (1 << i)));
            clg_scope_pop(s);
        }
        clg_device_trim(d); // new plans find what was built, or loaded
        if (round == 0)
            ck_assert_uint_gt(clg_device_get_stats(d).programs_built + clg_device_get_stats(d).programs_cached, 0);
    }
    const clg_device_stats st = clg_device_get_stats(d);
    ck_assert_uint_eq(st.programs_built + st.programs_cached, 6);
    clg_device_close(&d);
}
END_TEST

// What is kept of earlier builds has a limit; what one plan needs has none.
START_TEST(a_plan_has_as_many_kernels_as_it_needs)
{
    clg_device d = open_as(NULL);
    ((clg__gpu *) d->gpu)->max_built = 4;
    for (int round = 0; round < 2; round++) {
        clg_scope s = clg_scope_push(d);
        clg_tensor x = clg_upload(d, CLG_F32, CLG_SHAPE(4), (float[]) { 1, 2, 3, 4 }), y = x, all[12];
        for (int k = 0; k < 12; k++) {
            all[k] = clg_sum(y, CLG_ALL, false);
            y = clg_add(y, y);
        }
        ck_assert_msg(clg_eval_n(all, 12) >= 0, "%s", clg_error(d, 0));
        for (int k = 0; k < 12; k++)
            ck_assert_double_eq(clg_item(all[k], NULL), 10 * (1 << k));
        clg_scope_pop(s);
        clg_device_trim(d);
        ck_assert_int_le(((clg__gpu *) d->gpu)->n_built, 4);
        ck_assert_uint_le(clg_device_get_stats(d).programs, 4);
    }
    clg_device_close(&d);
}
END_TEST

static void plan_broken(const clg__kernel_call *c, clg__kplan *p)
{
    (void) c;
    clg__launch *l = clg__kplan_kernel(p, NULL, "broken");
    clg__str_add(&l->text, "kernel void NAME(broken)(global const float *a, global float *y)\n{\n"
                           "    y[0] = no_such_name;\n}\n");
    clg__arg_in(p, l, 0);
    clg__arg_out(p, l, 0);
    clg__kplan_grid(l, 1, 1, 1, 1, 1, 1);
}
static const clg__variant broken_variants[] = { { "items", NULL, plan_broken, false } };
static const clg__op op_broken = { .name = "broken", .kind = CLG__KERNEL, .variants = broken_variants,
                                   .n_variants = 1 };

START_TEST(a_compiler_names_the_text_that_is_wrong)
{
    clg_scope s = clg_scope_push(dev);
    clg__call c;
    clg_error_clear(dev);
    clg_tensor x = noise(dev, CLG_SHAPE(5, 5)), m = clg_matmul(x, x); // a kernel file before it
    ck_assert(clg__call_begin(&c, "broken", "a", 1, &m));
    ck_assert_int_eq(clg_eval(clg__call_node(&c, &op_broken, CLG_F32, &x->shape, NULL)), CLG_EBUILD);
    const char *text = clg_error(dev, 0), *at = strstr(text, "broken_");
    ck_assert_msg(at && strstr(at, ":3:") && strstr(at, "no_such_name"), "%s", text);
    clg_error_clear(dev);
    ok(clg_eval(clg_matmul(x, x)));
    clg_scope_pop(s);
}
END_TEST

// ---- the pool

static double held(clg_device d)
{
    const clg_device_stats st = clg_device_get_stats(d);
    return 1e-6 * (double) (st.bytes_used + st.bytes_pooled);
}

// Two results of n megabytes at once.
static void use(clg_device d, double n)
{
    clg_scope s = clg_scope_push(d);
    clg_tensor x = clg_full(d, CLG_F32, CLG_SHAPE((int64_t) (n * 250000)), 1);
    ck_assert_msg(clg_eval(clg_exp(x), clg_sin(x)) >= 0, "%s", clg_error(d, 0));
    clg_scope_pop(s);
}

START_TEST(the_pool_holds_twice_what_is_used)
{
    clg_device d = open_as(NULL);
    double peak = 0;
    for (int i = 0; i < 40; i++) { // each size of a class of its own
        use(d, 2 + 17 * (i * 7 % 40) / 40.0);
        peak = 1e-6 * (double) clg_device_get_stats(d).bytes_peak;
        ck_assert_msg(held(d) <= 2 * peak + 1, "after %d sizes: %.1f MB held, %.1f used at most", i + 1, held(d), peak);
    }
    ck_assert_double_gt(held(d), 30);
    for (int i = 0; i < 40; i++) // small ones for a while: the large ones go
        use(d, 1);
    ck_assert_msg(held(d) <= 8, "%.1f MB are held", held(d));
    for (int i = 0; i < 300; i++)
        use(d, 0.001);
    ck_assert_msg(held(d) <= 0.1, "%.3f MB are held", held(d));
    const clg_device_stats st = clg_device_get_stats(d);
    ck_assert_uint_le(st.bytes_peak, (uint64_t) (1e6 * peak) + 1);
    clg_device_trim(d);
    ck_assert_uint_eq(clg_device_get_stats(d).bytes_pooled, 0);
    ck_assert_uint_eq(clg_device_get_stats(d).buffers_pooled, 0);
    ck_assert_uint_eq(clg_device_get_stats(d).bytes_used, 0);
    use(d, 1);
    clg_device_close(&d);
}
END_TEST

START_TEST(a_steady_loop_allocates_nothing)
{
    clg_device d = open_as(NULL);
    uint64_t after = 0;
    for (int i = 0; i < (on_pocl() ? 400 : 80); i++) { // two plans whose buffers have nothing in common
        use(d, i & 1 ? 3 : 7);
        if (i == 10)
            after = clg_device_get_stats(d).allocations;
    }
    ck_assert_uint_eq(clg_device_get_stats(d).allocations, after);
    clg_device_close(&d);
}
END_TEST

START_TEST(the_cap_counts_what_is_idle_and_gives_it_up_piece_by_piece)
{
    clg_device d = NULL;
    ck_assert_int_ge(clg_device_open(&d, clg_device_params(.memory_cap = 24 << 20)), 0);
    for (int i = 0; i < 30; i++) {
        use(d, 2 + i * 5 % 8);
        ck_assert_double_le(held(d), 24 * 1.048576);
    }
    const uint64_t idle = clg_device_get_stats(d).bytes_pooled;
    use(d, 9);
    ck_assert_uint_gt(idle, 0);
    clg_scope s = clg_scope_push(d);
    ck_assert_int_eq(clg_eval(clg_full(d, CLG_F32, CLG_SHAPE(7 << 20), 1)), CLG_ENOMEM);
    ck_assert_ptr_nonnull(strstr(clg_error(d, 0), "over the cap"));
    clg_scope_pop(s);
    clg_error_clear(d);
    use(d, 9);
    clg_device_close(&d);
}
END_TEST

// ---- programs on disk

static char folder[] = "/tmp/clgrad_limits_XXXXXX";

static int files(double *bytes, const char *with)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[400];
        struct stat st;
        snprintf(path, sizeof path, "%s/%.300s", folder, e->d_name);
        if (!strstr(e->d_name, with) || stat(path, &st) != 0)
            continue;
        n++;
        *bytes += (double) st.st_size;
    }
    if (d)
        closedir(d);
    return n;
}

static void *compile_some(void *which)
{
    clg_device d = open_as(NULL);
    for (int i = 0; i < 4; i++) {
        clg_scope s = clg_scope_push(d);
        clg_tensor y = clg_full(d, CLG_F32, CLG_SHAPE(40), 0.5);
        for (int k = 0; k <= i; k++)
            y = clg_sin(y);
        if (clg_eval(y) < 0)
            *(int *) which = -1;
        clg_scope_pop(s);
    }
    clg_device_close(&d);
    return NULL;
}

START_TEST(the_disk_cache_is_bounded_and_shared_by_threads)
{
    pthread_t thread[3];
    int which[3] = { 0 };
    double bytes = 0;
    setenv("CLGRAD_CACHE_DIR", folder, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, compile_some, &which[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(which[i], 0);
    const int n = files(&bytes, ".clbin");
    ck_assert_int_eq(n, 4);
    clg_device d = open_as(NULL);
    clg_scope s = clg_scope_push(d);
    const float half = sinf(0.5f);
    clg_tensor y = clg_sin(clg_full(d, CLG_F32, CLG_SHAPE(40), 0.5)); // loaded: now the newest
    ck_assert_double_eq_tol(clg_item(clg_slice(y, 0, 3, 4, 1), NULL), (double) half, 1e-6);
    char stray[100];
    snprintf(stray, sizeof stray, "%s/not-ours.txt", folder);
    FILE *f = fopen(stray, "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    clg__gpu *g = d->gpu;
    bytes = 0;
    const int all = files(&bytes, ".clbin");
    g->cache_bytes = (uint64_t) bytes - 1;
    clg__cache_prune(g);
    double left = 0;
    ck_assert_int_lt(files(&left, ".clbin"), all);
    ck_assert_double_le(left, 0.75 * bytes);
    ck_assert_int_ge(files(&left, ".clbin"), 1);
    ck_assert_int_eq(files(&left, "not-ours"), 1);
    clg_scope_pop(s);
    clg_device_close(&d);
    unsetenv("CLGRAD_CACHE_DIR");
}
END_TEST

static void remove_folder(void)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(folder);
}

int main(void)
{
    Suite *s = suite_create("limits");
    TCase *c = tcase_create("limits");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, devices_of_small_groups_run_everything);
    tcase_add_test(c, sides_of_groups_fit);
    tcase_add_test(c, texts_of_one_hash_are_told_apart);
    tcase_add_test(c, a_plan_has_as_many_kernels_as_it_needs);
    tcase_add_test(c, a_compiler_names_the_text_that_is_wrong);
    tcase_add_test(c, the_pool_holds_twice_what_is_used);
    tcase_add_test(c, a_steady_loop_allocates_nothing);
    tcase_add_test(c, the_cap_counts_what_is_idle_and_gives_it_up_piece_by_piece);
    tcase_add_test(c, the_disk_cache_is_bounded_and_shared_by_threads);
    suite_add_tcase(s, c);
    if (!mkdtemp(folder))
        return 1;
    const int failed = run_suite(s);
    remove_folder();
    return failed;
}
