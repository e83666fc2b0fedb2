// SPDX-License-Identifier: MIT
// What index_select takes, and what its gradient adds up, against loops along the index list, bit for bit: tables and lists
// of any size, lists that name one row again and again, indices out of range, all types, pieces of larger tensors.
#include "testing.h"

typedef struct spread {
    const char *name;
    int64_t outer, axis, n, inner;
    int hot; // of 100 indices, so many name one row
} spread;

// clg_element_get and _set guard the floating-point environment, which costs when millions are f32.
static double get(clg_dtype t, const char *at)
{
    float v = 0;
    memcpy(&v, at, t == CLG_F32 ? sizeof v : 0);
    return t == CLG_F32 ? (double) v : clg_element_get(t, at);
}

static void set(clg_dtype t, char *at, double v)
{
    const float few = t == CLG_F32 ? (float) v : 0;
    if (t == CLG_F32)
        memcpy(at, &few, sizeof few);
    else
        clg_element_set(t, at, v);
}

// f32 sums round at each step; those of 16 bits are f32's, rounded once.
static void add_up(clg_dtype t, const spread *p, const int64_t *index, const char *g, char *out)
{
    const size_t e = clg_dtype_size(t);
    const int64_t results = p->outer * p->axis * p->inner;
    const bool f64 = t == CLG_F64;
    float *sum = calloc(f64 ? 1 : (size_t) results + 1, sizeof *sum);
    double *wide = calloc(f64 ? (size_t) results + 1 : 1, sizeof *wide);
    for (int64_t o = 0; o < p->outer; o++)
        for (int64_t i = 0; i < p->n; i++)
            for (int64_t c = 0; index[i] >= 0 && index[i] < p->axis && c < p->inner; c++) {
                const int64_t at = (o * p->axis + index[i]) * p->inner + c;
                const double v = get(t, g + (size_t) ((o * p->n + i) * p->inner + c) * e);
                if (f64)
                    wide[at] += v;
                else
                    sum[at] += (float) v;
            }
    for (int64_t k = 0; k < results; k++)
        set(t, out + (size_t) k * e, f64 ? wide[k] : (double) sum[k]);
    free(sum);
    free(wide);
}

static int64_t *indices(const spread *p)
{
    int64_t *index = calloc((size_t) p->n + 1, sizeof *index);
    const int64_t favourite = (int64_t) (fabs(rnd()) * (double) p->axis) % p->axis;
    for (int64_t i = 0; i < p->n; i++) {
        index[i] = (int64_t) ((rnd() + 1) / 2 * (double) (p->axis + 4)) - 2;
        if (rnd() * 50 + 50 < p->hot)
            index[i] = favourite;
        else if (i % 97 == 5)
            index[i] = i % 2 ? INT32_MIN : INT32_MAX;
    }
    return index;
}

static void check(clg_dtype t, clg_dtype index_type, const spread *p)
{
    clg_scope s = clg_scope_push(dev);
    const size_t e = clg_dtype_size(t);
    const int64_t results = p->outer * p->axis * p->inner, given = p->outer * p->n * p->inner;
    int64_t *index = indices(p);
    char *g = calloc((size_t) given + 1, e), *want = calloc((size_t) results + 1, e), *got = calloc((size_t) results + 1, e);
    for (int64_t i = 0; i < given; i++)
        set(t, g + (size_t) i * e, i % 1001 == 7 ? -0.0 : rnd() * pow(2, 12 * rnd()));
    add_up(t, p, index, g, want);

    clg_tensor x = clg_track(clg_zeros(dev, t, CLG_SHAPE(p->outer, p->axis, p->inner)));
    clg_tensor w = clg_upload(dev, t, CLG_SHAPE(p->outer, p->n, p->inner), g);
    clg_tensor k = clg_cast(clg_upload(dev, CLG_I64, CLG_SHAPE(p->n), index), index_type);
    clg_tensor y = clg_mul(clg_index_select(x, 1, k), w);
    memset(got, 0x5a, (size_t) results * e);
    ok(clg_read(clg_grad(clg_sum(y, CLG_ALL, false), x), got, (size_t) results * e));
    for (int64_t i = 0; i < results; i++)
        if (memcmp(got + (size_t) i * e, want + (size_t) i * e, e) != 0) // each assertion is a system call
            ck_abort_msg("%s, %s: [%lld,%lld,%lld] of %lld indices: element %lld is %.17g, expected %.17g", p->name,
                         clg_dtype_name(t), (long long) p->outer, (long long) p->axis, (long long) p->inner,
                         (long long) p->n, (long long) i, get(t, got + (size_t) i * e),
                         get(t, want + (size_t) i * e));
    free(index);
    free(g);
    free(want);
    free(got);
    clg_scope_pop(s);
}

static void check_select(clg_dtype t, clg_dtype index_type, const spread *p)
{
    clg_scope s = clg_scope_push(dev);
    const size_t e = clg_dtype_size(t);
    const int64_t taken = p->outer * p->n * p->inner, given = p->outer * p->axis * p->inner;
    int64_t *index = indices(p);
    char *table = calloc((size_t) given + 1, e), *got = calloc((size_t) taken + 1, e), none[8];
    for (int64_t i = 0; i < given; i++)
        set(t, table + (size_t) i * e, floor(rnd() * 100));
    set(t, none, clg_dtype_is_float(t) ? NAN : 0);
    clg_tensor x = clg_upload(dev, t, CLG_SHAPE(p->outer, p->axis, p->inner), table);
    clg_tensor k = clg_cast(clg_upload(dev, CLG_I64, CLG_SHAPE(p->n), index), index_type);
    memset(got, 0x5a, (size_t) taken * e);
    ok(clg_read(clg_index_select(x, 1, k), got, (size_t) taken * e));
    for (int64_t i = 0; i < taken; i++) {
        const int64_t from = index[i / p->inner % p->n], o = i / p->inner / p->n;
        const bool inside = from >= 0 && from < p->axis;
        const char *at = inside ? table + (size_t) ((o * p->axis + from) * p->inner + i % p->inner) * e : none;
        const char *v = got + (size_t) i * e;
        if (inside || !clg_dtype_is_float(t) ? memcmp(v, at, e) != 0 : !isnan(get(t, v)))
            ck_abort_msg("%s, %s: [%lld,%lld,%lld] at %lld indices: element %lld is %g, expected %g", p->name,
                         clg_dtype_name(t), (long long) p->outer, (long long) p->axis, (long long) p->inner,
                         (long long) p->n, (long long) i, get(t, v), get(t, at));
    }
    free(index);
    free(table);
    free(got);
    clg_scope_pop(s);
}

static const spread spreads[] = {
    { "few indices", 1, 30, 5, 7, 0 },
    { "none", 2, 30, 0, 7, 0 },
    { "one digit", 1, 2047, 3000, 3, 0 },
    { "one digit, full", 3, 2048, 1500, 2, 0 },
    { "two digits", 1, 2049, 9001, 1, 0 },
    { "two digits, wide rows", 2, 5003, 700, 67, 0 },
    { "whole vectors", 1, 3000, 999, 64, 0 },
    { "ends of vectors", 1, 1001, 2111, 31, 0 },
    { "long rows", 1, 301, 801, 1043, 30 },
    { "one hot row", 2, 777, 20011, 17, 97 },
    { "all equal", 1, 5000, 30000, 3, 100 },
    { "three digits", 1, 4200001, 3001, 1, 10 },
    { "one row", 3, 1, 36001, 40, 0 },
    { "last axis", 500, 301, 257, 1, 20 },
};

START_TEST(sums_along_the_list)
{
    for (size_t i = 0; i < sizeof spreads / sizeof spreads[0]; i++)
        check(CLG_F32, i % 2 ? CLG_I32 : CLG_I64, &spreads[i]);
}
END_TEST

START_TEST(sums_of_any_size)
{
    for (int i = 0; i < (everything() ? 60 : 10); i++) {
        spread p = { "random", 1 + (int64_t) (fabs(rnd()) * 4), 1 + (int64_t) pow(2, fabs(rnd()) * 14),
                     1 + (int64_t) pow(2, fabs(rnd()) * 14), 1 + (int64_t) pow(2, fabs(rnd()) * 7),
                     rnd() < 0 ? 0 : (int) (fabs(rnd()) * 100) };
        while (p.outer * p.inner * (p.axis + p.n) > 1000000)
            p.inner = (p.inner + 1) / 2;
        check(CLG_F32, rnd() < 0 ? CLG_I32 : CLG_I64, &p);
        check_select(CLG_F32, rnd() < 0 ? CLG_I32 : CLG_I64, &p);
    }
}
END_TEST

START_TEST(what_is_selected)
{
    const clg_dtype types[] = { CLG_BOOL, CLG_U8, CLG_I8, CLG_I16, CLG_I32, CLG_I64, CLG_F16, CLG_BF16, CLG_F32, CLG_F64 };
    const int64_t inner[] = { 1, 7, 16, 45, 300, 0 };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (size_t k = 0; k < sizeof inner / sizeof inner[0]; k++) {
            const spread p = { "selected", 1 + (int64_t) (k % 3), 1 + (int64_t) (fabs(rnd()) * 60), (int64_t) k * 33 + 1,
                               inner[k], 0 };
            if (types[i] != CLG_F64 || clg_device_get_info(dev)->fp64)
                check_select(types[i], k % 2 ? CLG_I32 : CLG_I64, &p);
        }
    for (size_t i = 0; i < sizeof spreads / sizeof spreads[0]; i++)
        if (spreads[i].n * spreads[i].inner > 0)
            check_select(CLG_F32, i % 2 ? CLG_I64 : CLG_I32, &spreads[i]);
    // nothing to take from, and nothing that is taken
    clg_scope s = clg_scope_push(dev);
    float nan[6], nothing[1];
    clg_tensor k = clg_upload(dev, CLG_I64, CLG_SHAPE(3), (int64_t[]) { 0, -1, 7 });
    ok(clg_read(clg_index_select(clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 2)), 0, k), nan, sizeof nan));
    for (int i = 0; i < 6; i++)
        ck_assert(isnan(nan[i]));
    ok(clg_read(clg_index_select(clg_zeros(dev, CLG_F32, CLG_SHAPE(4, 0)), 0, k), nothing, 0));
    ok(clg_read(clg_index_select(clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 4)), 1, k), nothing, 0));
    clg_scope_pop(s);
}
END_TEST

START_TEST(sums_of_all_types)
{
    const spread p = { "types", 2, 2500, 1999, 21, 20 };
    check(CLG_F16, CLG_I64, &p);
    check(CLG_BF16, CLG_I64, &p);
    if (clg_device_get_info(dev)->fp64)
        check(CLG_F64, CLG_I64, &p);
}
END_TEST

// Gradient and index list begin in the middle of larger tensors; the table is seen transposed.
START_TEST(pieces_of_larger_tensors)
{
    const spread p = { "pieces", 1, 3001, 1234, 24, 10 };
    clg_scope s = clg_scope_push(dev);
    int64_t *index = indices(&p), results = p.axis * p.inner;
    float *g = calloc((size_t) (2 * p.n * p.inner), sizeof *g), *want = calloc((size_t) results, sizeof *want);
    float *got = calloc((size_t) results, sizeof *got);
    fill(g, 2 * p.n * p.inner);
    add_up(CLG_F32, &p, index, (const char *) (g + p.n * p.inner), (char *) want);

    clg_tensor x = clg_track(clg_zeros(dev, CLG_F32, CLG_SHAPE(p.inner, p.axis)));
    clg_tensor list = clg_upload(dev, CLG_I64, CLG_SHAPE(p.n), index);
    list = clg_slice(clg_concat(0, list, list), 0, p.n, 2 * p.n, 1);
    clg_tensor w = clg_upload(dev, CLG_F32, CLG_SHAPE(2 * p.n, p.inner), g);
    clg_tensor y = clg_index_select(clg_transpose(x, 0, 1), 0, list);
    clg_tensor both = clg_concat(0, clg_zeros(dev, CLG_F32, CLG_SHAPE(p.n, p.inner)), y);
    clg_tensor dx = clg_grad(clg_sum(clg_mul(both, w), CLG_ALL, false), x);
    ok(clg_read(clg_transpose(dx, 0, 1), got, (size_t) results * sizeof *got));
    for (int64_t i = 0; i < results; i++)
        if (memcmp(got + i, want + i, sizeof *got) != 0)
            ck_abort_msg("element %lld is %.9g, expected %.9g", (long long) i, (double) got[i],
                         (double) want[i]);
    free(index);
    free(g);
    free(want);
    free(got);
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gather");
    TCase *c = tcase_create("gather");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, what_is_selected);
    tcase_add_test(c, sums_along_the_list);
    tcase_add_test(c, sums_of_any_size);
    tcase_add_test(c, sums_of_all_types);
    tcase_add_test(c, pieces_of_larger_tensors);
    suite_add_tcase(s, c);
    return run_suite(s);
}
