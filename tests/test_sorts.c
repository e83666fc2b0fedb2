// SPDX-License-Identifier: MIT
// Orders against the C library's sort, with ties, NaN and both zeros: rows of every size at which kernels change, both
// ways, of several types, and of pieces of larger tensors.
#include "testing.h"

static const double *numbers;
static bool down;

// NaN is the largest, equal ones stay in their order.
static int compare(const void *p, const void *q)
{
    const int64_t i = *(const int64_t *) p, j = *(const int64_t *) q;
    const double x = numbers[i], y = numbers[j];
    const int way = isnan(x) || isnan(y) ? isnan(x) - isnan(y) : (x > y) - (x < y);
    return way ? (down ? -way : way) : (i > j) - (i < j);
}

static void order_of(clg_dtype t, int64_t outer, int64_t n, int64_t inner, bool falling)
{
    const int64_t all = outer * n * inner;
    double *x = malloc((size_t) (all + 3) * sizeof *x), *row = malloc((size_t) (n + 1) * sizeof *row);
    int64_t *got = malloc((size_t) (all + 1) * sizeof *got), *want = malloc((size_t) (n + 1) * sizeof *want);
    char *raw = calloc((size_t) all + 3, 8);
    for (int64_t i = 0; i < all + 3; i++) {
        x[i] = clg_dtype_is_float(t) ? rnd() : floor(100 * rnd());
        if (clg_dtype_is_float(t) && rnd() > 0.8)
            x[i] = rnd() > 0 ? NAN : rnd() > 0 ? 0.0 : -0.0;
        if (t == CLG_U8 || t == CLG_U64)
            x[i] = fabs(x[i]);
        clg_element_set(t, raw + (size_t) i * clg_dtype_size(t), x[i]);
        x[i] = clg_element_get(t, raw + (size_t) i * clg_dtype_size(t));
    }
    clg_scope s = clg_scope_push(dev);
    clg_tensor k, a = clg_slice(clg_upload(dev, t, CLG_SHAPE(all + 3), raw), 0, 3, INT64_MAX, 1);
    clg_tensor y = clg_sort(clg_reshape(a, CLG_SHAPE(outer, n, inner)), 1, falling, &k);
    ok(clg_read(k, got, (size_t) all * sizeof *got));
    double *sorted = read_all(y);
    for (int64_t r = 0; r < outer * inner; r++) {
        const int64_t first = r / inner * n * inner + r % inner;
        for (int64_t i = 0; i < n; i++) {
            row[i] = x[3 + first + i * inner];
            want[i] = i;
        }
        numbers = row;
        down = falling;
        qsort(want, (size_t) n, sizeof *want, compare);
        for (int64_t i = 0; i < n; i++) {
            const double v = sorted[first + i * inner], w = row[want[i]];
            ck_assert_msg(got[first + i * inner] == want[i] && (v == w || (isnan(v) && isnan(w))),
                          "sort of %s %lldx%lldx%lld, row %lld: place %lld is %lld, expected %lld", clg_dtype_name(t),
                          (long long) outer, (long long) n, (long long) inner, (long long) r, (long long) i,
                          (long long) got[first + i * inner], (long long) want[i]);
        }
    }
    clg_scope_pop(s);
    free(sorted);
    free(x);
    free(row);
    free(got);
    free(want);
    free(raw);
}

START_TEST(rows_of_any_size)
{
    static const int64_t sizes[][3] = { { 1, 1, 1 },   { 17, 3, 1 },   { 5, 16, 1 },     { 3, 33, 2 },    { 2, 255, 1 },
                                        { 2, 256, 1 }, { 1, 257, 1 },  { 3, 1000, 1 },   { 2, 300, 3 },   { 1, 5003, 1 },
                                        { 1, 0, 2 },   { 0, 300, 1 },  { 2049, 260, 1 }, { 1, 20000, 1 },
                                        { 19, 37, 1 }, { 33, 1024, 1 }, { 18, 1025, 1 } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        order_of(CLG_F32, sizes[i][0], sizes[i][1], sizes[i][2], i % 2);
}
END_TEST

START_TEST(all_types)
{
    static const clg_dtype types[] = { CLG_F64, CLG_I64, CLG_F16, CLG_U8, CLG_I8, CLG_U64, CLG_I32 };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if ((types[i] == CLG_F64 && !clg_device_get_info(dev)->fp64) || (i > 1 && !in_turn((int) i, 3)))
            continue;
        order_of(types[i], 19, 35, 1, i % 2);
        order_of(types[i], 2, 400, 1, (i + 1) % 2);
    }
}
END_TEST

// What is selected is what the sorted row begins with, in parts too.
static void select_from(clg_dtype t, int64_t rows, int64_t n, int64_t k, bool ties, bool smallest)
{
    const int64_t all = rows * n;
    char *raw = calloc((size_t) all + 3, 8);
    int64_t *got = malloc((size_t) (rows * k) * sizeof *got), *want = malloc((size_t) (rows * k) * sizeof *want);
    for (int64_t i = 0; i < all + 3; i++) {
        const double v = clg_dtype_is_float(t) && !ties ? rnd() : floor(10 * fabs(rnd()));
        clg_element_set(t, raw + (size_t) i * clg_dtype_size(t), clg_dtype_is_float(t) && rnd() > 0.99 ? NAN : v);
    }
    clg_scope s = clg_scope_push(dev);
    clg_tensor a = clg_reshape(clg_slice(clg_upload(dev, t, CLG_SHAPE(all + 3), raw), 0, 3, INT64_MAX, 1), CLG_SHAPE(rows, n));
    clg_tensor at, place;
    clg_tensor y = clg_topk(a, k, 1, smallest, &at), one = clg_kthvalue(a, k, 1, true, &place);
    ok(clg_read(at, got, (size_t) (rows * k) * sizeof *got));
    ok(clg_read(clg_slice(clg_argsort(a, 1, !smallest), 1, 0, k, 1), want, (size_t) (rows * k) * sizeof *want));
    double *values = read_all(y), *kth = read_all(one);
    for (int64_t i = 0; i < rows * k; i++) {
        const double v = clg_element_get(t, raw + (size_t) (3 + i / k * n + want[i]) * clg_dtype_size(t));
        ck_assert_msg(got[i] == want[i] && (values[i] == v || (isnan(v) && isnan(values[i]))),
                      "topk %lld of %s %lldx%lld: %lld is %lld, expected %lld", (long long) k, clg_dtype_name(t),
                      (long long) rows, (long long) n, (long long) i, (long long) got[i], (long long) want[i]);
        if (smallest && i % k == k - 1)
            ck_assert(kth[i / k] == v || (isnan(v) && isnan(kth[i / k])));
    }
    clg_scope_pop(s);
    free(values);
    free(kth);
    free(raw);
    free(got);
    free(want);
}

START_TEST(few_are_selected)
{
    static const int64_t sizes[][3] = { { 3, 300, 10 }, { 1, 30011, 5 }, { 2, 9000, 64 }, { 5, 19, 4 }, { 2, 40, 10 },
                                        { 1, 257, 64 }, { 70, 16, 1 },   { 2, 300, 65 } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        select_from(CLG_F32, sizes[i][0], sizes[i][1], sizes[i][2], i % 3 == 0, i % 2);
    select_from(CLG_I64, 2, 300, 10, true, false);
    if (in_turn(0, 2))
        select_from(CLG_U8, 2, 300, 10, true, true);
    if (in_turn(1, 2))
        select_from(CLG_F16, 2, 300, 10, true, false);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sorts");
    TCase *c = tcase_create("sorts");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, rows_of_any_size);
    tcase_add_test(c, all_types);
    tcase_add_test(c, few_are_selected);
    suite_add_tcase(s, c);
    return run_suite(s);
}
