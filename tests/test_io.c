// SPDX-License-Identifier: MIT
// IDX and safetensors: what is written is read again; every hostile file gets an error, none a crash.
#include "folder.h"
#include <clgrad/io.h>

#include <errno.h>
#include <locale.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

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
        { "\0\0\x08\x01\0\0\0\1xy", 10 }, { "\0\0\x0a\x01\0\0\0\1x", 9 },
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

// Each type of clg_dtype by the name that the format has for it; IDX has some of them.
START_TEST(every_type_round_trips)
{
    const unsigned char raw[24] = { 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1 };
    for (int k = 0; k < CLG_DTYPE_COUNT; k++) {
        const clg_dtype_info *info = clg_dtype_get_info((clg_dtype) k);
        const clg_safetensor t = { "t", true, (clg_dtype) k, CLG_SHAPE(3), raw, 3 * info->bytes };
        char error[500];
        clg_safetensors f;
        ck_assert_msg(clg_safetensors_write(in_folder("t"), &t, 1, NULL, error, 500) == 0, "%s", error);
        ck_assert_msg(clg_safetensors_open(&f, in_folder("t"), error, 500) == 0, "%s", error);
        ck_assert(clg_safetensors_at(f, 0)->known && clg_safetensors_at(f, 0)->dtype == (clg_dtype) k);
        ck_assert_mem_eq(clg_safetensors_at(f, 0)->data, raw, t.bytes);
        clg_safetensors_close(&f);
        clg_idx x;
        const clg_status st = clg_idx_write(in_folder("t.idx"), (clg_dtype) k, t.shape, raw, error, 500);
        ck_assert_int_eq(st, info->idx ? CLG_OK : CLG_EINVAL);
        if (st < 0)
            continue;
        ck_assert_msg(clg_idx_open(&x, in_folder("t.idx"), error, 500) == 0, "%s", error);
        ck_assert(x.dtype == (clg_dtype) k);
        ck_assert_mem_eq(x.data, raw, t.bytes);
        clg_idx_close(&x);
    }
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
    ck_assert_str_eq(clg_safetensors_metadata_key(f, 0), "step");
    for (int i = -1; i < 2; i += 2)
        ck_assert_ptr_null(clg_safetensors_metadata_key(i < 0 ? f : NULL, i));
    ck_assert_ptr_null(clg_safetensors_metadata_key(f, 1));
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
        { "{\"a\":{\"dtype\":\"F32\\u0000\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4 },
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
    for (size_t back = 2; back <= 6; back += 4) { // the length, the checksum
        file[n - back] ^= 1;
        put("cut.gz", file, n);
        ck_assert_int_eq(clg_idx_open(&x, in_folder("cut.gz"), error, 500), CLG_EFORMAT);
        ck_assert_msg(strstr(error, "checksum") != NULL, "%s", error);
        file[n - back] ^= 1;
    }
    put("cut.gz", file, n - 9);
    ck_assert_int_eq(clg_idx_open(&x, in_folder("cut.gz"), error, 500), CLG_EFORMAT);
    ck_assert_msg(strstr(error, "cut short") != NULL, "%s", error);
    ck_assert_int_eq(clg_idx_open(&x, folder, error, 500), CLG_EIO);
    ck_assert_msg(strstr(error, strerror(EISDIR)) != NULL, "%s", error);
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

// ---- what a writer takes, its reader gives back

static uint64_t state = 12345;

static uint64_t draw(uint64_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
}

// Unicode's table of well-formed sequences.
static bool is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *) text;
    while (*p) {
        const unsigned char c = *p++;
        const int more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2
                                                       : c >= 0xf0 && c < 0xf5 ? 3 : -1;
        if (more < 0 || (c == 0xe0 && *p < 0xa0) || (c == 0xed && *p > 0x9f) ||
            (c == 0xf0 && *p < 0x90) || (c == 0xf4 && *p > 0x8f))
            return false;
        for (int i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80)
                return false;
        }
    }
    return true;
}

static const char *const hostile[] = {
    "", "w", "__metadata__", "__metadata__ ", "a.b", "a/b", "../../a", "\"", "\\", "\\u0000", "\n\r\t\b\f",
    "\x01\x1f\x7f", "{\"a\":1}", "'; --", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\xa0\x80",
    "\xed\xbf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xc0\x80", "\xff", "a\xff", "\x80",
    "\xe2\x82", "\xef\xbb\xbf", "dtype", "shape", "data_offsets", "optim.m.w", "optim.step", "%s%n", " w ", "w ",
};
enum { HOSTILE = (int) (sizeof hostile / sizeof hostile[0]), MOST = 6 };

// One of the hostile, or a few random bytes.
static const char *draw_name(char room[12])
{
    if (draw(4) > 0)
        return hostile[draw(HOSTILE)];
    const int n = (int) draw(9);
    for (int i = 0; i < n; i++)
        room[i] = (char) (draw(3) ? 'a' + (char) draw(26) : (char) (1 + draw(255)));
    room[n] = '\0';
    return room;
}

static clg_safetensor draw_tensor(char room[12], const unsigned char *data, size_t limit)
{
    clg_safetensor t = { draw_name(room), true, (clg_dtype) draw(CLG_DTYPE_COUNT + (draw(20) == 0)),
                         { .rank = (int) draw(CLG_MAX_RANK + 1 + (draw(20) == 0)) }, data, 0 };
    size_t n = clg_dtype_size(t.dtype);
    bool zero = false;
    for (int d = 0; d < t.shape.rank && d < CLG_MAX_RANK; d++) {
        t.shape.dim[d] = draw(8) ? 1 + (int64_t) draw(3) : 0;
        zero |= t.shape.dim[d] == 0;
        n *= (size_t) t.shape.dim[d];
    }
    if (zero && draw(3) == 0)
        t.shape.dim[0] = draw(2) ? INT64_MAX : (int64_t) 1 << 40;
    if (draw(30) == 0 && t.shape.rank > 0 && t.shape.rank <= CLG_MAX_RANK)
        t.shape.dim[0] = -1;
    ck_assert_uint_le(n, limit);
    for (int d = 0; d < t.shape.rank && d < CLG_MAX_RANK; d++)
        n = t.shape.dim[d] == 0 ? 0 : n;
    t.bytes = draw(30) ? n : n + 1;
    return t;
}

// Whether the rules allow it; what cannot be told here is left to the writer (-1).
static int may_be_written(const clg_safetensor *t, int n, const char *const *meta)
{
    bool open = false;
    for (int i = 0; i < n; i++) {
        size_t bytes = clg_dtype_size(t[i].dtype);
        if (bytes == 0 || t[i].shape.rank > CLG_MAX_RANK || !is_utf8(t[i].name) ||
            strcmp(t[i].name, "__metadata__") == 0)
            return 0;
        for (int d = 0; d < t[i].shape.rank; d++) {
            if (t[i].shape.dim[d] < 0)
                return 0;
            open |= t[i].shape.dim[d] > 1000;
            bytes *= (size_t) t[i].shape.dim[d];
        }
        for (int d = 0; d < t[i].shape.rank; d++)
            bytes = t[i].shape.dim[d] == 0 ? 0 : bytes;
        if (bytes != t[i].bytes)
            return 0;
        for (int k = 0; k < i; k++) {
            if (strcmp(t[k].name, t[i].name) == 0)
                return 0;
        }
    }
    for (int i = 0; meta[i]; i++) {
        if (!is_utf8(meta[i]))
            return 0;
        for (int k = i % 2 ? i : 0; k < i; k += 2) {
            if (strcmp(meta[k], meta[i]) == 0)
                return 0;
        }
    }
    return open ? -1 : 1;
}

static void same_tensors(clg_safetensors f, const clg_safetensor *t, int n, const char *const *meta)
{
    ck_assert_int_eq(clg_safetensors_count(f), n);
    for (int i = 0; i < n; i++) {
        const clg_safetensor *got = clg_safetensors_find(f, t[i].name);
        ck_assert_msg(got && got->known && got->dtype == t[i].dtype && got->shape.rank == t[i].shape.rank &&
                          got->bytes == t[i].bytes && strcmp(got->name, t[i].name) == 0,
                      "'%s' comes back otherwise", t[i].name);
        for (int d = 0; d < t[i].shape.rank; d++)
            ck_assert_int_eq(got->shape.dim[d], t[i].shape.dim[d]);
        ck_assert(t[i].bytes == 0 || memcmp(got->data, t[i].data, t[i].bytes) == 0);
    }
    for (int i = 0; meta[i]; i += 2)
        ck_assert_str_eq(clg_safetensors_metadata(f, meta[i]), meta[i + 1]);
}

START_TEST(what_is_written_is_read_again)
{
    static unsigned char data[60000]; // 0 and 1, so that it is BOOL too
    char room[2 * MOST + 4][12], error[500];
    int written = 0, refused = 0;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char) draw(2);
    put("s", "old", 3);
    for (int round = 0; round < 600; round++) {
        clg_safetensor t[MOST];
        const char *meta[MOST + 1] = { NULL };
        const int n = (int) draw(MOST), pairs = (int) draw(3);
        for (int i = 0; i < n; i++)
            t[i] = draw_tensor(room[i], data + draw(sizeof data - 53000), 53000);
        for (int i = 0; i < 2 * pairs; i++)
            meta[i] = draw_name(room[MOST + i]);
        struct stat before, after;
        clg_safetensors f;
        const int allowed = may_be_written(t, n, meta);
        ck_assert_int_eq(stat(in_folder("s"), &before), 0);
        const clg_status st = clg_safetensors_write(in_folder("s"), t, n, meta, error, 500);
        ck_assert_msg(allowed < 0 || (st >= 0) == (allowed == 1), "round %d: %d %s", round, st, error);
        ck_assert_int_eq(stat(in_folder("s"), &after), 0);
        if (st >= 0) {
            ck_assert_msg(clg_safetensors_open(&f, in_folder("s"), error, 500) == 0, "%s", error);
            same_tensors(f, t, n, meta);
            clg_safetensors_close(&f);
            written++;
        } else {
            ck_assert_int_eq(st, CLG_EINVAL);
            ck_assert_msg(strncmp(error, "safetensors: ", 13) == 0, "%s", error);
            ck_assert_uint_eq(before.st_ino, after.st_ino);
            refused++;
        }
    }
    ck_assert_msg(written > 100 && refused > 100, "%d and %d", written, refused);
    // what an open file calls unknown is not written as something else
    put_header("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1);
    clg_safetensors f;
    ck_assert_int_eq(clg_safetensors_open(&f, in_folder("bad"), NULL, 0), CLG_OK);
    ck_assert(!clg_safetensors_at(f, 0)->known);
    ck_assert_int_eq(clg_safetensors_write(in_folder("s"), clg_safetensors_at(f, 0), 1, NULL, NULL, 0),
                     CLG_EINVAL);
    clg_safetensors_close(&f);
}
END_TEST

START_TEST(safetensors_headers_have_a_limit)
{
    char error[500];
    char *name = malloc(100000001);
    clg_safetensors f;
    ck_assert_ptr_nonnull(name);
    memset(name, 'n', 100000000);
    const clg_safetensor t = { name, true, CLG_U8, CLG_SHAPE(1), "", 1 };
    name[100000000] = '\0';
    ck_assert_int_eq(clg_safetensors_write(in_folder("long"), &t, 1, NULL, error, 500), CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "100 MB"));
    ck_assert_int_ne(access(in_folder("long"), F_OK), 0);
    name[1000000] = '\0';
    ck_assert_int_eq(clg_safetensors_write(in_folder("long"), &t, 1, NULL, error, 500), CLG_OK);
    ck_assert_int_eq(clg_safetensors_open(&f, in_folder("long"), error, 500), CLG_OK);
    ck_assert_ptr_nonnull(clg_safetensors_find(f, name));
    clg_safetensors_close(&f);
    free(name);
    const char *const odd[] = { "key", NULL };
    ck_assert_int_eq(clg_safetensors_write(in_folder("s"), NULL, 0, odd, error, 500), CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "'key'"));
    ck_assert_int_eq(clg_safetensors_write(in_folder("s"), NULL, 1, NULL, error, 500), CLG_EINVAL);
    ck_assert_int_eq(clg_safetensors_write(in_folder("s"), &t, -1, NULL, error, 500), CLG_EINVAL);
    ck_assert_int_eq(clg_safetensors_write(NULL, &t, 0, NULL, error, 500), CLG_EINVAL);
}
END_TEST

// What other writers write and the format allows.
START_TEST(safetensors_of_other_writers)
{
    static const struct {
        const char *json;
        size_t data;
        int n;
    } good[] = {
        { "{}", 0, 0 }, { "{}     \n\t ", 0, 0 }, { "{\"__metadata__\":null}", 0, 0 },
        { "{\"__metadata__\":{\"a\":\"x\\u0000y\",\"b\":\"\"}}", 0, 0 },
        { "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
          "\"a\":{\"shape\":[1],\"data_offsets\":[0,4],\"dtype\":\"I32\"},\"__metadata__\":{}}", 8, 2 },
        { "{\"c\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[1,9]},"
          "\"u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 9, 2 },
        { "{\"z\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[4,4]},"
          "\"y\":{\"dtype\":\"F32\",\"shape\":[2,0],\"data_offsets\":[0,0]},"
          "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, 3 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"note\":{\"by\":[1]}}}", 4, 1 },
        { "{\"\\ud83d\\ude00\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]},"
          "\"\":{\"dtype\":\"U16\",\"shape\":[0],\"data_offsets\":[0,0]}}", 4, 2 },
    };
    char error[500];
    clg_safetensors f;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        put_header(good[i].json, good[i].data);
        ck_assert_msg(clg_safetensors_open(&f, in_folder("bad"), error, 500) == 0, "case %zu: %s", i, error);
        ck_assert_int_eq(clg_safetensors_count(f), good[i].n);
        ck_assert_ptr_null(clg_safetensors_metadata(f, "a")); // never cut short
        clg_safetensors_close(&f);
    }
    ck_assert_int_eq(clg_safetensors_open(&f, folder, error, 500), CLG_EIO);
    ck_assert_msg(strstr(error, strerror(EISDIR)) != NULL, "%s", error);
    ck_assert_int_eq(clg_safetensors_open(&f, "/dev/zero", error, 500), CLG_EFORMAT); // and ends
}
END_TEST

START_TEST(idx_gives_back_what_it_takes)
{
    static const double data[81] = { 1, -2, 0.5 };
    char error[500];
    int written = 0;
    clg_idx x;
    put("i", "old", 3);
    for (int round = 0; round < 300; round++) {
        const clg_dtype t = (clg_dtype) draw(CLG_DTYPE_COUNT + 1);
        const char *name = draw(2) ? "i" : "i.gz";
        clg_shape s = { .rank = (int) draw(CLG_MAX_RANK + 2) - (draw(20) == 0) };
        int64_t n = 1, huge = 0;
        for (int d = 0; d < s.rank && d < CLG_MAX_RANK; d++) {
            s.dim[d] = d < 4 ? (int64_t) draw(4) : 1;
            n *= s.dim[d];
        }
        if (s.rank > 1 && n == 0 && draw(2))
            s.dim[draw(2)] = huge = draw(2) ? (int64_t) 1 << 40 : UINT32_MAX;
        const bool type = t == CLG_U8 || t == CLG_I32 || t == CLG_F32 || t == CLG_F64;
        const clg_status st = clg_idx_write(in_folder(name), t, s, data, error, 500);
        if (st < 0) {
            ck_assert_int_eq(st, CLG_EINVAL);
            ck_assert(!type || s.rank < 0 || s.rank > CLG_MAX_RANK || huge);
            continue;
        }
        written++;
        ck_assert_msg(clg_idx_open(&x, in_folder(name), error, 500) == 0, "%s", error);
        ck_assert(x.dtype == t && x.shape.rank == s.rank);
        n = 1;
        for (int d = 0; d < s.rank; d++) {
            ck_assert_int_eq(x.shape.dim[d], s.dim[d]);
            n = s.dim[d] == 0 ? 0 : n * (n ? s.dim[d] : 1);
        }
        ck_assert(n == 0 || memcmp(x.data, data, (size_t) n * clg_dtype_size(t)) == 0);
        clg_idx_close(&x);
    }
    ck_assert_int_gt(written, 50);
}
END_TEST

int main(void)
{
    setlocale(LC_ALL, "");
    if (!folder_made())
        return 77;
    Suite *s = suite_create("io");
    TCase *c = tcase_create("files");
    tcase_set_timeout(c, 30);
    tcase_add_test(c, idx_round_trip);
    tcase_add_test(c, idx_hostile);
    tcase_add_test(c, every_type_round_trips);
    tcase_add_test(c, safetensors_round_trip);
    tcase_add_test(c, safetensors_hostile);
    tcase_add_test(c, a_bool_is_0_or_1);
    tcase_add_test(c, idx_hostile_gzip);
    tcase_add_test(c, safetensors_hostile_sizes);
    tcase_add_test(c, every_truncation_is_refused);
    tcase_add_test(c, writing_fails_cleanly);
    tcase_add_test(c, what_is_written_is_read_again);
    tcase_add_test(c, safetensors_headers_have_a_limit);
    tcase_add_test(c, safetensors_of_other_writers);
    tcase_add_test(c, idx_gives_back_what_it_takes);
    suite_add_tcase(s, c);
    return run_in_folder(s);
}
