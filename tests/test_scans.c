// SPDX-License-Identifier: MIT
// Scans against loops in double: rows and columns around every size at which kernels change, pieces of larger tensors,
// NaN where it starts, and bits that do not depend on what else is evaluated.
#include "testing.h"

static void sums_of(int64_t outer, int64_t n, int64_t inner)
{
    const int64_t all = outer * n * inner;
    float *x = malloc((size_t) (all + 3) * sizeof *x), *got = malloc((size_t) (all + 1) * sizeof *got);
    double *want = malloc((size_t) (all + 1) * sizeof *want), *size = malloc((size_t) (all + 1) * sizeof *size);
    char what[96];
    clg_scope s = clg_scope_push(dev);
    clg_tensor whole = upload(CLG_SHAPE(all + 3), x), a = clg_slice(whole, 0, 3, INT64_MAX, 1);
    clg_tensor k, y = clg_cumsum(clg_reshape(a, CLG_SHAPE(outer, n, inner)), 1);
    clg_tensor m = clg_cummax(clg_reshape(a, CLG_SHAPE(outer, n, inner)), 1, &k);
    double largest = 0;
    for (int64_t r = 0; r < outer * inner; r++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) {
            const int64_t at = (r / inner * n + i) * inner + r % inner;
            sum += x[3 + at];
            want[at] = sum;
            largest = fmax(largest, fabs(sum));
        }
    }
    snprintf(what, sizeof what, "cumsum of %lldx%lldx%lld", (long long) outer, (long long) n, (long long) inner);
    ok(clg_read(y, got, (size_t) all * sizeof *got));
    same_beside(what, got, want, all, 1e-6, 1e-3 + 1e-3 * largest);
    // The gradient of sum(y * a), a held fixed: sums from the other end.
    clg_tensor t = clg_track(clg_reshape(a, CLG_SHAPE(outer, n, inner)));
    clg_tensor back = clg_grad(clg_sum(clg_mul(clg_cumsum(t, 1), clg_detach(t)), CLG_ALL, false), t);
    for (int64_t r = 0; r < outer * inner; r++) {
        double sum = 0;
        for (int64_t i = n - 1; i >= 0; i--) {
            const int64_t at = (r / inner * n + i) * inner + r % inner;
            sum += x[3 + at];
            want[at] = sum;
            largest = fmax(largest, fabs(sum));
        }
    }
    ok(clg_read(back, got, (size_t) all * sizeof *got));
    same_beside(what, got, want, all, 1e-6, 1e-3 + 1e-3 * largest);
    int64_t *place = malloc((size_t) (all + 1) * sizeof *place);
    ok(clg_read(m, got, (size_t) all * sizeof *got));
    ok(clg_read(k, place, (size_t) all * sizeof *place));
    for (int64_t r = 0; r < outer * inner; r++) {
        int64_t best = 0;
        for (int64_t i = 0; i < n; i++) {
            const int64_t at = (r / inner * n + i) * inner + r % inner, first = r / inner * n * inner + r % inner;
            best = x[3 + at] >= x[3 + first + best * inner] ? i : best;
            ck_assert_msg(place[at] == best && got[at] == x[3 + first + best * inner], "%s: the maximum at %lld", what,
                          (long long) at);
        }
    }
    clg_scope_pop(s);
    free(x);
    free(got);
    free(want);
    free(size);
    free(place);
}

START_TEST(rows_and_columns)
{
    static const int64_t sizes[][3] = { { 1, 1, 1 },    { 17, 3, 1 },   { 5, 127, 1 },  { 5, 129, 1 },   { 33, 255, 1 },
                                        { 3, 256, 1 },  { 2, 511, 1 },  { 1, 2047, 1 }, { 1, 4097, 1 },  { 3, 70001, 1 },
                                        { 2, 7, 16 },   { 1, 600, 37 }, { 1, 9, 300 },  { 2, 1100, 19 }, { 3, 40, 5 },
                                        { 40, 300, 1 }, { 35, 10, 1 },  { 20, 48, 1 },  { 1, 9, 1100 }, { 0, 3, 1 },    { 3, 0, 1 } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        sums_of(sizes[i][0], sizes[i][1], sizes[i][2]);
}
END_TEST

// As exact as a sum: 1 and many small ones, which single precision would lose.
START_TEST(small_parts_are_kept)
{
    enum { N = 1 << 20 };
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    for (int i = 0; i < N; i++)
        x[i] = i ? 0x1p-26f : 1;
    clg_scope s = clg_scope_push(dev);
    clg_tensor t = clg_cumsum(clg_upload(dev, CLG_F32, CLG_SHAPE(N), x), 0);
    ok(clg_read(t, y, N * sizeof *y));
    for (int i = 0; i < N; i++) {
        const double want = 1 + (double) i * 0x1p-26;
        ck_assert_msg(fabs(y[i] - want) <= 0x1p-24 * want, "sum %d is %.9g, expected %.9g", i, (double) y[i], want);
    }
    clg_scope_pop(s);
    free(x);
    free(y);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("scans");
    TCase *c = tcase_create("scans");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, rows_and_columns);
    tcase_add_test(c, small_parts_are_kept);
    suite_add_tcase(s, c);
    return run_suite(s);
}
