// SPDX-License-Identifier: MIT
// IDX and safetensors: what is written is read again; every hostile file gets an error, none a crash.
#include <check.h>
#include <clgrad/io.h>

#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>
#include <zlib.h>

static char folder[] = "/tmp/clgrad_io_XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(in_folder(name), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

START_TEST(idx_round_trip)
{
    const char *names[] = { "a.idx", "a.idx.gz" };
    const float v[6] = { 1, -2, 3.5f, 0, 1e30f, -1e-30f };
    char error[500];
    for (int i = 0; i < 2; i++) {
        clg_idx x;
        ck_assert_msg(clg_idx_write(in_folder(names[i]), CLG_F32, CLG_SHAPE(2, 3), v, error, 500) == 0,
                      "%s", error);
        ck_assert_msg(clg_idx_open(&x, in_folder(names[i]), error, 500) == 0, "%s", error);
        ck_assert_int_eq(x.shape.rank, 2);
        ck_assert_int_eq(x.shape.dim[1], 3);
        ck_assert_mem_eq(x.data, v, sizeof v);
        clg_idx_close(&x);
    }
}
END_TEST

START_TEST(idx_hostile)
{
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
        { "", 0 }, { "\0\0", 2 }, { "abcd", 4 }, { "\0\0\x08\x01", 4 }, { "\0\0\x07\x01\0\0\0\0", 8 },
        { "\0\0\x08\x09", 4 }, { "\0\0\x08\x01\xff\xff\xff\xff", 8 }, { "\0\0\x08\x01\0\0\0\2x", 9 },
        { "\0\0\x08\x01\0\0\0\1xy", 10 }, { "\0\0\x09\x01\0\0\0\1x", 9 },
        { "\0\0\x0e\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16 },
        { "\x1f\x8b\x08\0garbage", 11 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        clg_idx x;
        char error[500] = "";
        put("bad.idx", bad[i].bytes, bad[i].n);
        ck_assert_msg(clg_idx_open(&x, in_folder("bad.idx"), error, 500) < 0, "case %zu", i);
        ck_assert_ptr_null(x.data);
        ck_assert_ptr_nonnull(strstr(error, "bad.idx"));
    }
    clg_idx x;
    ck_assert_int_eq(clg_idx_open(&x, in_folder("absent"), NULL, 0), CLG_EIO);
}
END_TEST

START_TEST(safetensors_round_trip)
{
    const float a[4] = { 1, 2, 3, 4 };
    const int64_t b = 7;
    const clg_safetensor t[] = { { "w.b", true, CLG_F32, CLG_SHAPE(2, 2), a, sizeof a },
                                 { "n", true, CLG_I64, CLG_SCALAR, &b, sizeof b },
                                 { "none", true, CLG_U8, CLG_SHAPE(0, 3), NULL, 0 } };
    const char *meta[] = { "step", "12", NULL };
    char error[500];
    clg_safetensors f;
    for (int i = 0; i < 2; i++) // the second replaces the first
        ck_assert_msg(clg_safetensors_write(in_folder("s"), t, 3, meta, error, 500) == 0, "%s", error);
    ck_assert_msg(clg_safetensors_open(&f, in_folder("s"), error, 500) == 0, "%s", error);
    ck_assert_int_eq(clg_safetensors_count(f), 3);
    ck_assert_str_eq(clg_safetensors_metadata(f, "step"), "12");
    ck_assert_mem_eq(clg_safetensors_find(f, "w.b")->data, a, sizeof a);
    ck_assert_str_eq(clg_safetensors_at(f, 0)->name, "n"); // widest type first
    clg_safetensors_close(&f);
}
END_TEST

static void put_header(const char *json, size_t data)
{
    unsigned char file[4096] = { 0 };
    const size_t n = strlen(json);
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char) (n >> (8 * i));
    memcpy(file + 8, json, n);
    put("bad", file, 8 + n + data);
}

START_TEST(safetensors_hostile)
{
    static const struct {
        const char *json;
        size_t data;
    } bad[] = {
        { "[]", 0 }, { " {}", 0 }, { "{", 0 }, { "{}", 1 }, { "{\"a\":1}", 0 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4 },
        { "{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
          "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
          "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
          "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}", 12 },
        { "{\"__metadata__\":{\"a\":1}}", 0 }, { "{\"\xff\":{}}", 0 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        clg_safetensors f;
        char error[500] = "";
        put_header(bad[i].json, bad[i].data);
        ck_assert_msg(clg_safetensors_open(&f, in_folder("bad"), error, 500) < 0, "case %zu", i);
        ck_assert_ptr_null(f);
        ck_assert_ptr_nonnull(strstr(error, "bad"));
    }
    static const char *const short_files[] = { "", "1234567", "\xff\xff\xff\xff\xff\xff\xff\xff{}",
                                               "\x05\0\0\0\0\0\0\0{}" };
    static const size_t sizes[] = { 0, 7, 10, 10 };
    for (int i = 0; i < 4; i++) {
        clg_safetensors f;
        put("bad", short_files[i], sizes[i]);
        ck_assert_int_lt(clg_safetensors_open(&f, in_folder("bad"), NULL, 0), 0);
    }
}
END_TEST

START_TEST(a_bool_is_0_or_1)
{
    const char *json = "{\"a\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]}}";
    unsigned char file[200] = { (unsigned char) strlen(json) }, *at = file + 8 + strlen(json);
    memcpy(file + 8, json, strlen(json));
    for (int last = 0; last < 256; last++) {
        clg_safetensors f;
        char error[500] = "";
        at[1] = 1;
        at[2] = (unsigned char) last;
        put("bool", file, 8 + strlen(json) + 3);
        const clg_status st = clg_safetensors_open(&f, in_folder("bool"), error, 500);
        ck_assert_int_eq(st, last < 2 ? CLG_OK : CLG_EFORMAT);
        ck_assert(last < 2 || strstr(error, "'a' has BOOL elements"));
        clg_safetensors_close(&f);
        const clg_safetensor t = { "a", true, CLG_BOOL, CLG_SHAPE(3), at, 3 };
        ck_assert_int_eq(clg_safetensors_write(in_folder("bool"), &t, 1, NULL, NULL, 0),
                         last < 2 ? CLG_OK : CLG_EINVAL);
    }
}
END_TEST

enum { WRITERS = 4, WRITES = 30, LENGTH = 5000 };

// Writes files of one letter.
static void *write_often(void *letter)
{
    char bytes[LENGTH], error[500];
    memset(bytes, *(const char *) letter, sizeof bytes);
    for (int i = 0; i < WRITES; i++) {
        if (clg_write_atomic(in_folder("shared"), bytes, sizeof bytes, error, 500) < 0) {
            fprintf(stderr, "%s\n", error);
            return letter;
        }
    }
    return NULL;
}

static int count_temps(const char *name)
{
    char pattern[300];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s.tmp-*", in_folder(name));
    const int n = glob(pattern, 0, NULL, &found) == 0 ? (int) found.gl_pathc : 0;
    if (n)
        globfree(&found);
    return n;
}

START_TEST(writers_of_one_path_do_not_disturb_each_other)
{
    pthread_t thread[WRITERS];
    const char letters[] = "abcdefgh";
    in_folder("shared"); // the threads write the same text to its buffer
    const pid_t child = fork();
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, write_often,
                                        (void *) (uintptr_t) &letters[i + (child ? 0 : WRITERS)]), 0);
    bool failed = false;
    for (int i = 0; i < WRITERS; i++) {
        void *bad;
        pthread_join(thread[i], &bad);
        failed |= bad != NULL;
    }
    if (child == 0)
        _exit(failed);
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(!failed && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    char got[LENGTH + 1];
    FILE *f = fopen(in_folder("shared"), "rb");
    ck_assert_uint_eq(fread(got, 1, sizeof got, f), LENGTH);
    fclose(f);
    for (int i = 1; i < LENGTH; i++)
        ck_assert_int_eq(got[i], got[0]);
    ck_assert_int_eq(count_temps("shared"), 0);
}
END_TEST

START_TEST(what_a_killed_writer_left_goes)
{
    // of this process, which lives; of one that is dead; of an unknown one, new and two days old
    ck_assert_int_eq(clg_write_atomic(in_folder("left"), "a", 1, NULL, 0), CLG_OK);
    char host[256] = "", name[80];
    unsigned hash = 2166136261u;
    gethostname(host, sizeof host - 1);
    for (const char *p = host; *p; p++)
        hash = (hash ^ (unsigned char) *p) * 16777619u;
    const pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    waitpid(dead, NULL, 0);
    const long pids[] = { (long) getpid(), (long) dead };
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "left.tmp-%08x-%ld-0", hash, pids[i]);
        put(name, "x", 1);
    }
    put("left.tmp-00000000-1-0", "x", 1);
    put("left.tmp-77", "x", 1);
    const struct utimbuf old = { time(NULL) - 200000, time(NULL) - 200000 };
    ck_assert_int_eq(utime(in_folder("left.tmp-77"), &old), 0);
    ck_assert_int_eq(count_temps("left"), 4);
    ck_assert_int_eq(clg_write_atomic(in_folder("left"), "b", 1, NULL, 0), CLG_OK);
    ck_assert_int_eq(count_temps("left"), 2);
    ck_assert_int_ne(access(in_folder(name), F_OK), 0);
}
END_TEST

// Headers that lie about gzip data, cut and damaged streams: an error each, no time and no memory lost.
START_TEST(idx_hostile_gzip)
{
    static unsigned char zeros[1 << 20];
    char error[500];
    clg_idx x;
    ck_assert_msg(clg_idx_write(in_folder("z.idx.gz"), CLG_U8, CLG_SHAPE(1 << 20), zeros, error, 500) == 0, "%s",
                  error);
    unsigned char file[8192];
    FILE *f = fopen(in_folder("z.idx.gz"), "rb");
    const size_t n = fread(file, 1, sizeof file, f);
    fclose(f);
    ck_assert_uint_lt(n, sizeof file);
    for (size_t k = 1; k < n; k += 37) { // cut
        put("cut.gz", file, k);
        ck_assert_int_lt(clg_idx_open(&x, in_folder("cut.gz"), NULL, 0), 0);
        ck_assert_ptr_null(x.data);
    }
    put("cut.gz", file, n - 1);
    ck_assert_int_lt(clg_idx_open(&x, in_folder("cut.gz"), NULL, 0), 0);
    file[n - 6] ^= 1; // the checksum
    put("cut.gz", file, n);
    ck_assert_int_lt(clg_idx_open(&x, in_folder("cut.gz"), NULL, 0), 0);
    // a bomb: a header that asks for one element, a megabyte behind it
    gzFile z = gzopen(in_folder("bomb.gz"), "wb");
    ck_assert_int_eq(gzwrite(z, "\0\0\x08\x01\0\0\0\1", 8), 8);
    for (int i = 0; i < 64; i++)
        gzwrite(z, zeros, sizeof zeros);
    gzclose(z);
    const clock_t start = clock();
    ck_assert_int_eq(clg_idx_open(&x, in_folder("bomb.gz"), error, 500), CLG_EFORMAT);
    ck_assert_ptr_nonnull(strstr(error, "after its last element"));
    ck_assert_int_lt(clock() - start, CLOCKS_PER_SEC);
}
END_TEST

// Many tensors that overlap, and a length that no header has: refused quickly.
START_TEST(safetensors_hostile_sizes)
{
    enum { N = 100000 };
    char *json = malloc(N * 70 + 16), *at = json + 8, error[500];
    ck_assert_ptr_nonnull(json);
    at += sprintf(at, "{");
    for (int i = 0; i < N; i++)
        at += sprintf(at, "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}", i ? "," : "", i);
    at += sprintf(at, "}");
    const uint64_t n = (uint64_t) (at - json - 8);
    for (int i = 0; i < 8; i++)
        json[i] = (char) (n >> (8 * i));
    memset(at, 0, 8);
    put("many", json, (size_t) n + 16);
    clg_safetensors s;
    const clock_t start = clock();
    ck_assert_int_eq(clg_safetensors_open(&s, in_folder("many"), error, 500), CLG_EFORMAT);
    ck_assert_ptr_nonnull(strstr(error, "overlap"));
    ck_assert_int_lt(clock() - start, 3 * CLOCKS_PER_SEC);
    free(json);
    // lengths: beyond the file, beyond any file, the largest number
    static const uint64_t lengths[] = { 100, 100000001, (uint64_t) 1 << 40, INT64_MAX, UINT64_MAX, UINT64_MAX - 7 };
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        unsigned char head[32] = { 0 };
        for (int i = 0; i < 8; i++)
            head[i] = (unsigned char) (lengths[k] >> (8 * i));
        head[8] = '{';
        put("length", head, sizeof head);
        ck_assert_int_eq(clg_safetensors_open(&s, in_folder("length"), NULL, 0), CLG_EFORMAT);
        ck_assert_ptr_null(s);
    }
    // deep nesting and numbers that no integer holds
    static char deep[8 + 3000];
    memset(deep + 8, '[', 3000);
    memcpy(deep + 8, "{\"a\":", 5);
    deep[0] = (char) (3000 & 255);
    deep[1] = 3000 >> 8;
    put("deep", deep, sizeof deep);
    ck_assert_int_eq(clg_safetensors_open(&s, in_folder("deep"), NULL, 0), CLG_EFORMAT);
    static const char *const far[] = {
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[18446744073709551615,18446744073709551616]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[9223372036854775806,9223372036854775807]}}",
        "{\"a\":{\"dtype\":\"F64\",\"shape\":[3037000500,3037000500],\"data_offsets\":[0,0]}}",
        "{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[0,9223372036854775807,9223372036854775807],\"data_offsets\":[0,1]}}",
    };
    for (size_t k = 0; k < sizeof far / sizeof far[0]; k++) {
        put_header(far[k], 1);
        ck_assert_msg(clg_safetensors_open(&s, in_folder("bad"), NULL, 0) < 0, "case %zu", k);
    }
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    const float a[4] = { 1, 2, 3, 4 };
    const clg_safetensor t = { "x", true, CLG_F32, CLG_SHAPE(4), a, sizeof a };
    ck_assert_int_eq(clg_safetensors_write(in_folder("t"), &t, 1, NULL, NULL, 0), 0);
    unsigned char file[512];
    FILE *f = fopen(in_folder("t"), "rb");
    const size_t n = fread(file, 1, sizeof file, f);
    fclose(f);
    for (size_t k = 0; k < n; k++) {
        clg_safetensors s;
        put("cut", file, k);
        ck_assert_int_lt(clg_safetensors_open(&s, in_folder("cut"), NULL, 0), 0);
    }
}
END_TEST

START_TEST(writing_fails_cleanly)
{
    char error[500] = "";
    ck_assert_int_eq(clg_write_atomic("/nonexistent/x", "a", 1, error, 500), CLG_EIO);
    ck_assert_ptr_nonnull(strstr(error, "/nonexistent/x"));
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 77;
    Suite *s = suite_create("io");
    TCase *c = tcase_create("files");
    tcase_add_test(c, idx_round_trip);
    tcase_add_test(c, idx_hostile);
    tcase_add_test(c, safetensors_round_trip);
    tcase_add_test(c, safetensors_hostile);
    tcase_add_test(c, a_bool_is_0_or_1);
    tcase_add_test(c, writers_of_one_path_do_not_disturb_each_other);
    tcase_add_test(c, what_a_killed_writer_left_goes);
    tcase_add_test(c, idx_hostile_gzip);
    tcase_add_test(c, safetensors_hostile_sizes);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, every_truncation_is_refused);
    tcase_add_test(c, writing_fails_cleanly);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
