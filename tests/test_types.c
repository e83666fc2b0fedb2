// SPDX-License-Identifier: MIT
// Element types: every value of those of 16 bits through memory, registers and host, casts between all of them
// against PyTorch (data/casts.txt, made by golden_torch.py), wrapping, and sums that are wider than their elements.
#include "base/dtype.h"
#include "testing.h"

enum { ALL = 1 << 16, PER = 8, CASTS = 8000 };

static bool is_half(int t)
{
    return clg_dtype_is_float((clg_dtype) t) && clg_dtype_size((clg_dtype) t) == 2;
}

// ---- conversions of our own, by another way than the library's: numbers, not bits

typedef struct form {
    int digits, exponent; // of the significand; of the least normal number
} form;

static form form_of(clg_dtype t)
{
    return t == CLG_F16 ? (form) { 11, -14 } : (form) { 8, -126 };
}

static double value_of(form f, unsigned bits)
{
    const int stored = f.digits - 1, top = (1 << (15 - stored)) - 1;
    const int e = (int) (bits & 0x7fff) >> stored, m = (int) bits & ((1 << stored) - 1);
    double v = ldexp(e ? m + (1 << stored) : m, f.exponent - stored + (e ? e - 1 : 0));
    if (e == top)
        v = m ? (double) NAN : (double) INFINITY;
    return bits & 0x8000 ? -v : v;
}

// To nearest even: of an f32, since wider numbers become one first, as in PyTorch.
static double rounded(form f, double x)
{
    if (isnan(x) || isinf(x) || x == 0)
        return x;
    int e;
    frexp(x, &e);
    const int step = (e - 1 < f.exponent ? f.exponent : e - 1) - f.digits + 1;
    const double y = ldexp(rint(ldexp(x, -step)), step), most = ldexp(2 - ldexp(1, 1 - f.digits), -f.exponent + 1);
    return fabs(y) > most ? copysign((double) INFINITY, x) : y;
}

static bool same_number(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

static uint16_t *patterns(void)
{
    uint16_t *p = malloc(ALL * sizeof *p);
    ck_assert_ptr_nonnull(p);
    for (int i = 0; i < ALL; i++)
        p[i] = (uint16_t) i;
    return p;
}

START_TEST(every_value_of_16_bits_is_read_exactly)
{
    uint16_t *bits = patterns();
    float *f = malloc(ALL * sizeof *f);
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        if (!is_half(t))
            continue;
        const form way = form_of((clg_dtype) t);
        clg_scope s = clg_scope_push(dev);
        memset(f, 0x5a, ALL * sizeof *f);
        ok(clg_read(clg_cast(clg_upload(dev, (clg_dtype) t, CLG_SHAPE(ALL), bits), CLG_F32), f, ALL * sizeof *f));
        for (int i = 0; i < ALL; i++) {
            const double v = value_of(way, (unsigned) i), host = clg_element_get((clg_dtype) t, &bits[i]);
            ck_assert_msg(same_number(v, (double) f[i]) && same_number(v, host), "%s %04x is %.9g, host %.9g, expected %.9g",
                          clg_dtype_name((clg_dtype) t), (unsigned) i, (double) f[i], host, v);
        }
        clg_scope_pop(s);
    }
    free(f);
    free(bits);
}
END_TEST

START_TEST(movement_keeps_every_bit)
{
    uint16_t *bits = patterns(), *got = malloc(ALL * sizeof *got);
    int32_t order[256];
    for (int i = 0; i < 256; i++)
        order[i] = (i * 77 + 5) % 256;
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        if (clg_dtype_size((clg_dtype) t) != 2)
            continue;
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_upload(dev, (clg_dtype) t, CLG_SHAPE(256, 256), bits);
        clg_tensor index = clg_upload(dev, CLG_I32, CLG_SHAPE(256), order);
        clg_tensor way[4] = { clg_transpose(x, 0, 1), clg_index_select(x, 0, index),
                              clg_slice(clg_pad(x, CLG_SHAPE(3, 1), CLG_SHAPE(0, 2), 1), 0, 3, 259, 1),
                              clg_flip(x, CLG_AXES(0, 1)) };
        way[2] = clg_slice(way[2], 1, 1, 257, 1);
        for (int k = 0; k < 4; k++) {
            memset(got, 0x5a, ALL * sizeof *got);
            ok(clg_read(way[k], got, ALL * sizeof *got));
            for (int i = 0; i < 256; i++) {
                for (int j = 0; j < 256; j++) {
                    const int at[4] = { j * 256 + i, order[i] * 256 + j, i * 256 + j, (255 - i) * 256 + 255 - j };
                    ck_assert_msg(got[i * 256 + j] == bits[at[k]], "%s way %d: %04x became %04x",
                                  clg_dtype_name((clg_dtype) t), k, (unsigned) bits[at[k]], (unsigned) got[i * 256 + j]);
                }
            }
        }
        clg_scope_pop(s);
    }
    free(got);
    free(bits);
}
END_TEST

// Of every value: itself, the middle to the next one, what is beside the middle, and bits at random.
static void numbers_between(form way, float *f)
{
    for (int i = 0; i < ALL; i++) {
        const double a = value_of(way, (unsigned) i), b = value_of(way, (unsigned) (i + 1) & 0xffff);
        float *p = f + PER * i;
        p[0] = (float) a;
        p[1] = (float) ((a + b) / 2);
        p[2] = nextafterf(p[1], INFINITY);
        p[3] = nextafterf(p[1], -INFINITY);
        for (int k = 4; k < PER; k++) {
            const uint32_t u = (uint32_t) (rnd() * 2147483647.0) * 2u + (uint32_t) (k & 1);
            memcpy(&p[k], &u, sizeof u);
        }
    }
}

START_TEST(rounding_is_to_nearest_even)
{
    const int n = ALL * PER;
    float *f = malloc((size_t) n * sizeof *f);
    uint16_t *got = malloc((size_t) n * sizeof *got);
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        if (!is_half(t))
            continue;
        const form way = form_of((clg_dtype) t);
        clg_scope s = clg_scope_push(dev);
        numbers_between(way, f);
        memset(got, 0x5a, (size_t) n * sizeof *got);
        clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(n), f);
        ok(clg_read(clg_cast(x, (clg_dtype) t), got, (size_t) n * sizeof *got));
        for (int i = 0; i < n; i++) {
            uint16_t host;
            clg_element_set((clg_dtype) t, &host, (double) f[i]);
            const double want = rounded(way, (double) f[i]), v = value_of(way, got[i]);
            ck_assert_msg(same_number(v, want) && same_number(value_of(way, host), want),
                          "%s of %.9g is %04x, host %04x, expected %.9g", clg_dtype_name((clg_dtype) t), (double) f[i],
                          got[i], host, want);
        }
        // arithmetic rounds as storing does: x + 0 through a register, then doubled and halved
        clg_tensor y = clg_cast(clg_mul_scalar(clg_cast(x, (clg_dtype) t), 1), CLG_F32);
        float *z = malloc((size_t) n * sizeof *z);
        ok(clg_read(y, z, (size_t) n * sizeof *z));
        for (int i = 0; i < n; i++)
            ck_assert_msg(same_number((double) z[i], rounded(way, (double) f[i])), "%s: %.9g times 1 is %.9g",
                          clg_dtype_name((clg_dtype) t), (double) f[i], (double) z[i]);
        free(z);
        clg_scope_pop(s);
    }
    free(got);
    free(f);
}
END_TEST

// ---- casts

static clg_dtype type_named(const char *name)
{
    for (int k = 0; k < CLG_DTYPE_COUNT; k++) {
        if (strcmp(clg_dtype_name((clg_dtype) k), name) == 0)
            return (clg_dtype) k;
    }
    ck_abort_msg("no type %s", name);
    return CLG_F32;
}

// A number of the file as an element: integers exactly.
static void element(clg_dtype t, const char *text, void *p)
{
    const int64_t whole = text[0] == '-' ? strtoll(text, NULL, 10) : (int64_t) strtoull(text, NULL, 10);
    memset(p, 0, 8);
    if (clg_dtype_is_float(t))
        clg_element_set(t, p, strtod(text, NULL));
    else
        memcpy(p, &whole, clg_dtype_size(t)); // little-endian hosts
}

typedef struct pair {
    char from[8], to[8], value[32], result[32];
} pair;

static clg_tensor record_pair(const pair *p, int n)
{
    const clg_dtype a = type_named(p->from);
    char *in = calloc((size_t) n + 1, 8);
    for (int i = 0; i < n; i++)
        element(a, p[i].value, in + (size_t) i * clg_dtype_size(a));
    clg_tensor y = clg_cast(clg_upload(dev, a, CLG_SHAPE(n), in), type_named(p->to));
    free(in);
    return y;
}

static void check_pair(const pair *p, int n, clg_tensor cast)
{
    const clg_dtype b = type_named(p->to);
    const size_t sb = clg_dtype_size(b);
    char *got = calloc((size_t) n + 1, 8), want[8];
    ok(clg_read(cast, got, (size_t) n * sb));
    for (int i = 0; i < n; i++) {
        const void *y = got + (size_t) i * sb;
        element(b, p[i].result, want);
        const bool same = clg_dtype_is_float(b) ? same_number(clg_element_get(b, y), clg_element_get(b, want))
                                                : memcmp(y, want, sb) == 0;
        ck_assert_msg(same, "%s to %s: %s is %.17g, PyTorch %s", p->from, p->to, p[i].value, clg_element_get(b, y),
                      p[i].result);
    }
    free(got);
}

START_TEST(casts_are_those_of_pytorch)
{
    static pair all[CASTS];
    const char *path = getenv("CLGRAD_CASTS");
    FILE *f = fopen(path ? path : "tests/data/casts.txt", "r");
    int n = 0, pairs = 0;
    ck_assert_msg(f != NULL, "casts.txt is missing");
    while (n < CASTS && fscanf(f, "%7s %7s %31s %31s", all[n].from, all[n].to, all[n].value, all[n].result) == 4)
        n++;
    fclose(f);
    ck_assert_int_lt(n, CASTS);
    c_numbers(true);
    static clg_tensor casts[CLG_DTYPE_COUNT * CLG_DTYPE_COUNT];
    static int first[CLG_DTYPE_COUNT * CLG_DTYPE_COUNT + 1];
    clg_scope s = clg_scope_push(dev);
    for (int i = 0, k; i < n; i = k) {
        for (k = i; k < n && !strcmp(all[k].from, all[i].from) && !strcmp(all[k].to, all[i].to);)
            k++;
        ck_assert_int_lt(pairs, CLG_DTYPE_COUNT * CLG_DTYPE_COUNT);
        const bool wide = !strcmp(all[i].from, "f64") || !strcmp(all[i].to, "f64");
        first[pairs + 1] = k;
        casts[pairs] = wide && !clg_device_has(dev, CLG_F64) ? clg_ones(dev, CLG_F32, CLG_SCALAR)
                                                             : record_pair(all + i, k - i);
        pairs++;
    }
    ck_assert_int_eq(pairs, CLG_DTYPE_COUNT * CLG_DTYPE_COUNT);
    ok(clg_eval_n(casts, pairs));
    for (int k = 0; k < pairs; k++) {
        if (casts[k]->shape.rank > 0)
            check_pair(all + first[k], first[k + 1] - first[k], casts[k]);
    }
    clg_scope_pop(s);
    c_numbers(false);
}
END_TEST

// ---- arithmetic

// Integers of every type wrap, whatever the vectors' width.
START_TEST(integers_wrap)
{
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        const clg_dtype type = (clg_dtype) t;
        const clg_dtype_info *info = clg_dtype_get_info(type);
        if (info->kind == CLG_KIND_FLOAT || info->kind == CLG_KIND_BOOL)
            continue;
        enum { N = 37 };
        uint64_t raw[2][N], want[4][N];
        char in[2][N * 8], got[N * 8];
        const size_t e = info->bytes;
        for (int i = 0; i < N; i++) {
            for (int k = 0; k < 2; k++) {
                raw[k][i] = (uint64_t) (rnd() * 9e18);
                memcpy(in[k] + (size_t) i * e, &raw[k][i], e);
            }
            want[0][i] = raw[0][i] + raw[1][i];
            want[1][i] = raw[0][i] - raw[1][i];
            want[2][i] = raw[0][i] * raw[1][i];
            want[3][i] = raw[0][i] * raw[0][i] * raw[0][i];
        }
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_upload(dev, type, CLG_SHAPE(N), in[0]), y = clg_upload(dev, type, CLG_SHAPE(N), in[1]);
        clg_tensor z[4] = { clg_add(x, y), clg_sub(x, y), clg_mul(x, y), clg_pow_scalar(x, 3) };
        for (int k = 0; k < 4; k++) {
            ck_assert_int_eq(z[k]->dtype, type);
            memset(got, 0x5a, sizeof got);
            ok(clg_read(z[k], got, N * e));
            for (int i = 0; i < N; i++)
                ck_assert_msg(memcmp(got + (size_t) i * e, &want[k][i], e) == 0, "%s op %d of %llx and %llx",
                              info->name, k, (unsigned long long) raw[0][i], (unsigned long long) raw[1][i]);
        }
        clg_scope_pop(s);
    }
}
END_TEST

// 5,000 ones: beyond what f16 counts one by one, and what bytes hold.
START_TEST(sums_are_wider_than_their_elements)
{
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        const clg_dtype type = (clg_dtype) t;
        if (!clg_device_has(dev, type))
            continue;
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_ones(dev, type, CLG_SHAPE(5000)), y = clg_sum(x, CLG_ALL, false);
        clg_status st;
        const double v = clg_item(y, &st), want = clg__fit(type, 5000);
        ok(st);
        ck_assert_int_eq(y->dtype, clg_dtype_is_float(type) ? type : CLG_I64);
        ck_assert_double_eq(v, clg_dtype_is_float(type) ? want : 5000);
        clg_tensor m = clg_mean(x, CLG_ALL, false);
        if (clg_dtype_is_float(type))
            ck_assert_double_eq(clg_item(m, &st), 1);
        else
            ck_assert_int_eq(m->status, CLG_EDTYPE);
        clg_error_clear(dev);
        clg_scope_pop(s);
    }
}
END_TEST

// One rounding: the sum of products and the mean of numbers whose f16 partial sums would lose all but the first.
START_TEST(packed_types_round_once)
{
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        const clg_dtype type = (clg_dtype) t;
        if (!is_half(t))
            continue;
        enum { M = 5, K = 300, N = 21 };
        const form way = form_of(type);
        uint16_t *a = malloc(M * K * 2), *b = malloc(K * N * 2), got[M * N];
        for (int i = 0; i < M * K; i++)
            clg_element_set(type, &a[i], rnd());
        for (int i = 0; i < K * N; i++)
            clg_element_set(type, &b[i], rnd());
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_upload(dev, type, CLG_SHAPE(M, K), a), y = clg_upload(dev, type, CLG_SHAPE(K, N), b);
        clg_tensor p = clg_matmul(x, y);
        ck_assert_int_eq(p->dtype, type);
        ok(clg_read(p, got, sizeof got));
        for (int i = 0; i < M * N; i++) {
            double sum = 0;
            for (int k = 0; k < K; k++)
                sum += value_of(way, a[i / N * K + k]) * value_of(way, b[k * N + i % N]);
            const double half = fabs(sum) * ldexp(1, -way.digits), v = value_of(way, got[i]);
            ck_assert_msg(fabs(v - sum) <= half * 1.001 + 1e-4, "%s: %.9g, expected %.9g", clg_dtype_name(type), v, sum);
        }
        clg_scope_pop(s);
        free(a);
        free(b);
    }
}
END_TEST

// Elements some steps apart, whose last is the memory's; vectors, and what is left of them. _i: the step.
START_TEST(steps_of_every_type)
{
    enum { ROWS = 311, N = 53 };
    const int64_t step = _i, wide = (N - 1) * step + 1;
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        const clg_dtype type = (clg_dtype) t;
        if (type == CLG_BOOL || (type == CLG_F64 && !clg_device_has(dev, CLG_F64)) || !in_turn(t + _i, 8))
            continue;
        char *raw = calloc((size_t) (ROWS * wide), 8);
        for (int64_t i = 0; i < ROWS * wide; i++)
            clg_element_set(type, raw + (size_t) i * clg_dtype_size(type), (double) (i * 7 % 101));
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_slice(clg_upload(dev, type, CLG_SHAPE(ROWS, wide), raw), 1, 0, wide, step),
                   sums = clg_sum(x, CLG_AXES(1), false), y = clg_add(x, x);
        ok(clg_eval(y, sums));
        double *got = read_all(y), *sum = read_all(sums);
        for (int64_t r = 0; r < ROWS; r++) {
            double want = 0;
            for (int64_t i = 0; i < N; i++) {
                const double v = (double) ((r * wide + i * step) * 7 % 101);
                want += v;
                ck_assert_msg(got[r * N + i] == v + v || (v + v > 127 && clg_dtype_size(type) == 1), "%s, step %d: %g at %d, expected %g",
                              clg_dtype_name(type), (int) step, got[r * N + i], (int) (r * N + i), v + v);
            }
            ck_assert_msg(fabs(sum[r] - want) <= (clg_dtype_is_float(type) ? want * 0.004 : 0), "%s, step %d: sum %g, expected %g",
                          clg_dtype_name(type), (int) step, sum[r], want);
        }
        clg_scope_pop(s);
        free(got);
        free(sum);
        free(raw);
    }
}
END_TEST

// Planes that become pixels, a number for each pixel, one for each plane, where pixels are a few numbers. _i: of them.
START_TEST(rows_of_few_numbers)
{
    enum { MOST = 32785 };
    const int few = _i;
    static const int lengths[] = { 4096, 8197, 16389, 32785 };
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        const clg_dtype type = (clg_dtype) t;
        if (type == CLG_BOOL || (type == CLG_F64 && !clg_device_has(dev, CLG_F64)) || !in_turn(t + _i, 8))
            continue;
        for (int l = 0; l < (int) (sizeof lengths / sizeof *lengths); l++) {
            const int n = lengths[l], all = 2 * few * n;
            char *raw = calloc(2 * 9 * (size_t) MOST, 8);
            for (int i = 0; i < all; i++)
                clg_element_set(type, raw + (size_t) i * clg_dtype_size(type), (double) (i * 7 % 23));
            clg_scope s = clg_scope_push(dev);
            clg_tensor planes = clg_upload(dev, type, CLG_SHAPE(2, few, n), raw), bias = clg_upload(dev, type, CLG_SHAPE(few), raw),
                       scale = clg_upload(dev, type, CLG_SHAPE(2, n, 1), raw);
            clg_tensor y = clg_add(clg_mul(clg_permute(planes, CLG_SHAPE(0, 2, 1)), clg_scalar(dev, type, 2)), clg_add(scale, bias));
            double *got = read_all(y);
            for (int i = 0; i < all; i++) {
                const int b = i / few / n, row = i / few % n, k = i % few;
                const double want = (b * few * n + k * n + row) * 7 % 23 * 2 + (b * n + row) * 7 % 23 + k * 7 % 23;
                ck_assert_msg(got[i] == want, "%s, [2,%d,%d]: %g at %d, expected %g", clg_dtype_name(type), n, few, got[i], i, want);
            }
            clg_scope_pop(s);
            free(got);
            free(raw);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("types");
    TCase *c = tcase_create("types");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, every_value_of_16_bits_is_read_exactly);
    tcase_add_test(c, movement_keeps_every_bit);
    tcase_add_test(c, rounding_is_to_nearest_even);
    tcase_add_test(c, casts_are_those_of_pytorch);
    tcase_add_test(c, integers_wrap);
    tcase_add_test(c, sums_are_wider_than_their_elements);
    tcase_add_test(c, packed_types_round_once);
    tcase_add_loop_test(c, steps_of_every_type, 2, 10);
    tcase_add_loop_test(c, rows_of_few_numbers, 2, 10);
    suite_add_tcase(s, c);
    return run_suite(s);
}
