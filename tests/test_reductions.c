// SPDX-License-Identifier: MIT
// Reductions read views as they are and copy nothing; conventions at ties, limits and nothing.
#include "testing.h"

#define fp64 (clg_device_get_info(dev)->fp64)

// A device on which a hundred million elements are more than a moment's work.
static bool slow(void)
{
    return strstr(clg_device_get_info(dev)->name, "llvmpipe") != NULL;
}

static void scope_end(clg_scope s)
{
    clg_scope_pop(s);
    clg_error_clear(dev);
}

static double number(clg_tensor t)
{
    clg_status st = CLG_OK;
    const double v = clg_item(t, &st);
    ok(st);
    return v;
}

// ---- views

enum { VIEWS = 14 };

// Views of x [6,5,4,7] and of what is computed from it.
static clg_tensor view(int k, clg_tensor x)
{
    clg_tensor row = clg_slice(x, 3, 0, 1, 1); // [6,5,4,1]
    switch (k) {
    case 0:
        return x;
    case 1:
        return clg_permute(x, CLG_SHAPE(3, 0, 2, 1));
    case 2:
        return clg_permute(x, CLG_SHAPE(1, 0, 3, 2));
    case 3:
        return clg_slice(x, 3, 1, 6, 2);
    case 4:
        return clg_flip(clg_slice(x, 1, 1, 5, 1), CLG_SHAPE(0, 3));
    case 5:
        return clg_expand(row, CLG_SHAPE(6, 5, 4, 37));
    case 6:
        return clg_pad(x, CLG_SHAPE(0, 1, 0, 2), CLG_SHAPE(1, 0, 0, 3), 0.5);
    case 7:
        return clg_pad(clg_permute(x, CLG_SHAPE(0, 2, 3, 1)), CLG_SHAPE(0, 0, 2, 1),
                       CLG_SHAPE(0, 0, 0, 1), -1);
    case 8:
        return clg_mul(x, clg_slice(x, 0, 2, 3, 1)); // [1,5,4,7] repeated
    case 9:
        return clg_add(clg_permute(x, CLG_SHAPE(0, 3, 2, 1)),
                       clg_permute(row, CLG_SHAPE(0, 3, 2, 1)));
    case 10:
        return clg_permute(clg_reshape(clg_arange(dev, CLG_F32, 0, 840, 1), x->shape),
                           CLG_SHAPE(2, 1, 0, 3));
    case 11:
        return clg_expand(clg_slice(x, 0, 1, 2, 1), CLG_SHAPE(6, 5, 4, 7));
    case 12:
        return clg_permute(clg_exp(clg_expand(row, CLG_SHAPE(6, 5, 4, 20))), CLG_SHAPE(3, 1, 0, 2));
    default:
        return clg_slice(clg_pad(x, CLG_SHAPE(1, 0, 0, 0), CLG_SHAPE(1, 0, 0, 0), 3), 0, 0, 1,
                         1); // the fill alone
    }
}

static clg_tensor reduction(int k, clg_tensor t, clg_shape axes)
{
    switch (k) {
    case 0:
        return clg_sum(t, axes, false);
    case 1:
        return clg_mean(t, axes, false);
    case 2:
        return clg_std(t, axes, 1, false);
    case 3:
        return clg_amax(t, axes, false);
    case 4:
        return clg_sum(clg_cast(t, CLG_I32), axes, false);
    default:
        return clg_argmin(t, axes.rank == 1 ? axes : CLG_ALL, false);
    }
}

static void same_bits(const char *what, int k, int mask, int op, clg_tensor a, clg_tensor b)
{
    const size_t bytes = (size_t)clg_numel(a->shape) * clg_dtype_size(a->dtype);
    char *x = calloc(1, bytes + 1), *y = calloc(1, bytes + 1);
    ok(a->status), ok(b->status);
    ok(clg_read(a, x, bytes)), ok(clg_read(b, y, bytes));
    ck_assert_msg(memcmp(x, y, bytes) == 0, "%s: view %d, axes %d, reduction %d", what, k, mask,
                  op);
    free(x), free(y);
}

// Read through the view, or copied before: the order of a sum follows from the shape alone. _i: the
// view
START_TEST(reductions_read_views_as_they_are)
{
    float host[840];
    for (int m = 0; m < (slow() || only_wide() ? 2 : 4); m++) {
        if (!in_turn(_i + m, 3))
            continue;
        const int mask = (int[]){15, 5, 13, 10}[m];
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = upload(CLG_SHAPE(6, 5, 4, 7), host), v = view(_i, x);
        float *all = calloc((size_t)clg_numel(v->shape) + 1, sizeof *all);
        ok(clg_read(clg_mul_scalar(v, 1), all, (size_t)clg_numel(v->shape) * sizeof *all));
        clg_tensor copy = clg_upload(dev, CLG_F32, v->shape, all);
        clg_shape axes = {0};
        for (int d = 0; d < 4; d++) {
            if (mask & (8 >> d))
                axes.dim[axes.rank++] = d;
        }
        clg_tensor a[6], b[6];
        for (int op = 0; op < 6; op++) {
            a[op] = reduction(op, view(_i, x), axes);
            b[op] = reduction(op, copy, axes);
        }
        ok(clg_eval_n(a, 6));
        ok(clg_eval_n(b, 6));
        for (int op = 0; op < 6; op++)
            same_bits("in place", _i, mask, op, a[op], b[op]);
        free(all);
        scope_end(s);
    }
}
END_TEST

// Bytes beyond the inputs that a reduction takes. _i: the case
START_TEST(reductions_copy_nothing)
{
    enum { R = 600, C = 700 };
    static float host[R * C];
    static uint8_t bytes[R * C];
    char error[1100] = "";
    clg_device mine = dev, d;
    ck_assert_msg(
        clg_device_open(&d, clg_device_params(.error = error, .error_size = sizeof error)) >= 0,
        "%s", error);
    dev = d;
    clg_scope s = clg_scope_push(d);
    clg_tensor x = clg_upload(d, CLG_F32, CLG_SHAPE(R, C), host),
               t = clg_upload(d, CLG_F32, CLG_SHAPE(R, C), host);
    clg_tensor row = clg_upload(d, CLG_F32, CLG_SHAPE(C), host),
               u = clg_upload(d, CLG_U8, CLG_SHAPE(R, C), bytes);
    clg_tensor few = clg_upload(d, CLG_U8, CLG_SHAPE(3, 1), (uint8_t[]){1, 2, 3}), y = NULL;
    const int64_t many = slow() ? 1 << 20 : 1 << 28;
    double want = 0;
    switch (_i) {
    case 0:
        y = clg_mse_loss(clg_add(x, row), t, CLG_REDUCE_MEAN);
        break;
    case 1:
        y = clg_sum(clg_transpose(u, 0, 1), CLG_ALL, false);
        break;
    case 2:
        y = clg_sum(clg_mul(clg_reshape(row, CLG_SHAPE(C, 1)), row), CLG_ALL, false);
        break;
    case 3:
        y = clg_sum(clg_expand(few, CLG_SHAPE(3, many)), CLG_ALL, false), want = 6 * (double)many;
        break;
    case 4:
        y = clg_variance(clg_pad(x, CLG_SHAPE(1, 1), CLG_SHAPE(1, 1), 0), CLG_ALL, 1, false);
        break;
    default:
        y = clg_amax(clg_permute(clg_reshape(x, CLG_SHAPE(20, 30, 70, 10)), CLG_SHAPE(3, 1, 0, 2)),
                     CLG_AXES(0, 2), false);
    }
    ok(clg_sync(d));
    const uint64_t before = clg_device_get_stats(d).bytes_peak;
    ok(clg_eval(y));
    ok(clg_sync(d));
    const uint64_t after = clg_device_get_stats(d).bytes_peak;
    ck_assert_msg(after - before < 100000, "case %d took %llu bytes", _i,
                  (unsigned long long)(after - before));
    if (_i < 4)
        ck_assert_double_eq(number(y), want);
    clg_scope_pop(s);
    clg_device_close(&d);
    dev = mine;
}
END_TEST

// ---- conventions, as PyTorch 2.15

static void near(const char *what, clg_tensor t, const double *want, int n)
{
    double *got = read_all(t);
    ck_assert_int_eq(clg_numel(t->shape), n);
    for (int i = 0; i < n; i++)
        ck_assert_msg(isnan(want[i])
                          ? isnan(got[i])
                          : got[i] == want[i] || fabs(got[i] - want[i]) <= 1e-6 * fabs(want[i]),
                      "%s: element %d is %.9g, expected %.9g", what, i, got[i], want[i]);
    free(got);
}
#define NEAR(what, t, ...) \
    near(what, t, (double[]){__VA_ARGS__}, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)))

START_TEST(more_correction_than_elements)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(3), (float[]){1, 2, 4}));
    const clg_shape axis = CLG_AXES(0);
    NEAR("var 0.5", clg_variance(x, axis, 0.5, false), 4.66666667 / 2.5);
    NEAR("var -1.5", clg_variance(x, axis, -1.5, false), 4.66666667 / 4.5);
    NEAR("var 3", clg_variance(x, axis, 3, false), INFINITY);
    NEAR("var' 2.5", clg_grad(clg_variance(x, axis, 2.5, false), x), -5.33333333, -1.33333333,
         6.66666667);
    NEAR("var' 3", clg_grad(clg_variance(x, axis, 3, false), x), -INFINITY, -INFINITY, INFINITY);
    NEAR("var' 5", clg_grad(clg_variance(x, axis, 5, false), x), 1.33333333, 0.333333333,
         -1.66666667);
    NEAR("var' 5, all", clg_grad(clg_variance(x, CLG_ALL, 5, false), x), INFINITY, INFINITY,
         INFINITY);
    NEAR("std' 5", clg_grad(clg_std(x, axis, 5, false), x), 0, 0, 0);
    NEAR("std' 1.5", clg_grad(clg_std(x, axis, 1.5, false), x), -0.503952563, -0.125988126,
         0.629940808);
    clg_tensor one = clg_track(clg_ones(dev, CLG_F32, CLG_SHAPE(3)));
    NEAR("std' of equal ones", clg_grad(clg_std(one, axis, 1, false), one), 0, 0, 0);
    ck_assert_int_eq(clg_variance(x, axis, NAN, false)->status, CLG_EINVAL);
    scope_end(s);
}
END_TEST

START_TEST(reductions_of_nothing_and_of_one_number)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor none = clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 3)),
               x = clg_full(dev, CLG_F32, CLG_SCALAR, 3);
    const clg_shape axis = CLG_AXES(0);
    NEAR("sum", clg_sum(none, axis, false), 0, 0, 0);
    NEAR("mean", clg_mean(none, axis, false), NAN, NAN, NAN);
    NEAR("variance", clg_variance(none, axis, 1, false), NAN, NAN, NAN);
    NEAR("std", clg_std(none, axis, 0, false), NAN, NAN, NAN);
    NEAR("logsumexp", clg_logsumexp(none, axis, false), -INFINITY, -INFINITY, -INFINITY);
    NEAR("logsumexp of all", clg_logsumexp(none, CLG_ALL, false), -INFINITY);
    NEAR("integers", clg_logsumexp(clg_ones(dev, CLG_I32, CLG_SHAPE(3)), axis, false),
         2.0986122887);
    ck_assert_int_eq(clg_logsumexp(clg_ones(dev, CLG_BOOL, CLG_SHAPE(3)), axis, false)->dtype,
                     CLG_F32);
    ck_assert_int_eq(clg_amax(none, axis, false)->status, CLG_ESHAPE);
    ck_assert_int_eq(clg_argmin(none, CLG_ALL, false)->status, CLG_ESHAPE);
    ck_assert_int_eq(clg_amin(clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 0)), CLG_AXES(1), false)->status,
                     CLG_ESHAPE);
    ck_assert_int_eq(clg_mean(clg_ones(dev, CLG_I32, CLG_SHAPE(3)), axis, false)->status,
                     CLG_EDTYPE);
    for (int a = -1; a < 1; a++) {
        const clg_shape of = CLG_AXES(a);
        NEAR("0-d sum", clg_sum(x, of, false), 3);
        NEAR("0-d mean", clg_mean(x, of, true), 3);
        NEAR("0-d amax", clg_amax(x, of, false), 3);
        NEAR("0-d argmin", clg_argmin(x, of, false), 0);
        NEAR("0-d any", clg_any(x, of, false), 1);
        NEAR("0-d variance", clg_variance(x, of, 1, false), NAN);
        NEAR("0-d std", clg_std(x, of, 0, false), 0);
        NEAR("0-d logsumexp", clg_logsumexp(x, of, false), 3);
        NEAR("0-d softmax", clg_softmax(x, a), 1);
        NEAR("0-d log_softmax", clg_log_softmax(x, a), 0);
    }
    ck_assert_int_eq(clg_sum(x, CLG_AXES(1), false)->status, CLG_ESHAPE);
    ck_assert_int_eq(clg_sum(x, CLG_AXES(0, -1), false)->status, CLG_ESHAPE);
    scope_end(s);
}
END_TEST

START_TEST(gradients_of_extremes)
{
    clg_scope s = clg_scope_push(dev);
    const float host[] = {1, NAN, 3, NAN, 3, 3, 1, 0};
    clg_tensor x = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(2, 4), host));
    NEAR("amax", clg_grad(clg_sum(clg_amax(x, CLG_AXES(1), false), CLG_ALL, false), x), NAN, NAN,
         NAN, NAN, 0.5, 0.5, 0, 0);
    NEAR("amin", clg_grad(clg_sum(clg_amin(x, CLG_AXES(1), false), CLG_ALL, false), x), NAN, NAN,
         NAN, NAN, 0, 0, 0, 1);
    NEAR("argmax", clg_argmax(x, CLG_AXES(1), false), 1, 0);
    scope_end(s);
}
END_TEST

// Narrow matrices less a row of their own, of any length about the blocks in which they are summed: whole numbers, so
// that every sum is exact. _i: columns.
START_TEST(narrow_matrices_less_a_row)
{
    enum { MOST = 4 * 1024 };
    const int columns = _i;
    static const int lengths[] = {1, 2, 4, 7, 1023, 1024, 1025, 1026, 1027, 1028, 1029, 1033, 2047, 2050, 3074, 3075, 3079};
    float *x = calloc((size_t)(2 * MOST * columns), sizeof *x), row[16], got[16];
    for (int k = 0; k < (int)(sizeof lengths / sizeof *lengths); k++) {
        clg_scope s = clg_scope_push(dev);
        const int n = lengths[k];
        double want[16] = {0};
        for (int j = 0; j < 2 * columns; j++)
            row[j] = (float)(int)(rnd() * 9);
        for (int i = 0; i < 2 * n * columns; i++) {
            x[i] = (float)(int)(rnd() * 9);
            const int at = i / (n * columns) * columns + i % columns;
            want[at] += fabs((double)x[i] - row[at]);
        }
        clg_tensor a = clg_upload(dev, CLG_F32, CLG_SHAPE(2, n, columns), x),
                   b = clg_upload(dev, CLG_F32, CLG_SHAPE(2, 1, columns), row),
                   y = clg_sum(clg_abs(clg_sub(a, b)), CLG_AXES(1), false);
        ok(clg_read(y, got, (size_t)(2 * columns) * sizeof *got));
        for (int j = 0; j < 2 * columns; j++)
            ck_assert_msg(got[j] == want[j], "[2,%d,%d], sum %d: %g, expected %g", n, columns, j, got[j], want[j]);
        scope_end(s);
    }
    free(x);
}
END_TEST

// Many short rows, cut out of longer ones, the last of which end with the memory; whole numbers, every sum is exact.
START_TEST(many_short_rows)
{
    static const int lengths[] = {5, 7, 15, 16, 17, 20, 31, 33, 64};
    const int k = lengths[_i], wide = k + _i % 3, n = 140000 / k + 3, skip = wide - k;
    float *x = calloc((size_t)n * (size_t)wide, sizeof *x), column[64], *got = malloc((size_t)n * sizeof *got);
    int64_t *at = malloc((size_t)n * sizeof *at);
    for (int64_t i = 0; i < (int64_t)n * wide; i++)
        x[i] = (float)(int)(rnd() * 9999);
    for (int j = 0; j < k; j++)
        column[j] = (float)(int)(rnd() * 99);
    clg_scope s = clg_scope_push(dev);
    clg_tensor a = clg_slice(clg_upload(dev, CLG_F32, CLG_SHAPE(n, wide), x), 1, skip, wide, 1),
               y = clg_sub(a, clg_upload(dev, CLG_F32, CLG_SHAPE(k), column)),
               sum = clg_sum(clg_abs(y), CLG_AXES(1), false), most = clg_argmax(y, CLG_AXES(1), false);
    ok(clg_eval(sum, most));
    ok(clg_read(sum, got, (size_t)n * sizeof *got));
    ok(clg_read(most, at, (size_t)n * sizeof *at));
    for (int i = 0; i < n; i++) {
        double want = 0;
        int best = 0;
        for (int j = 0; j < k; j++) {
            const float *row = x + (int64_t)i * wide + skip;
            want += fabs((double)row[j] - column[j]);
            best = row[j] - column[j] > row[best] - column[best] ? j : best;
        }
        ck_assert_msg(got[i] == want && at[i] == best, "row %d of %d x %d: sum %g at %d, expected %g at %d", i, n, k,
                      got[i], (int)at[i], want, best);
    }
    scope_end(s);
    free(x);
    free(got);
    free(at);
}
END_TEST

// Blocks of 2 x 3 of an image, as of a smaller one's gradient, and of the same image that lies turned: the same bits.
START_TEST(blocks_of_images)
{
    enum { N = 6, H = 19, W = 21, A = 2, B = 3, ALL = N * H * A * W * B };
    float *host = calloc(ALL, sizeof *host), *turned = calloc(ALL, sizeof *turned), got[2][N * H * W];
    for (int i = 0; i < ALL; i++) {
        host[i] = (float) rnd();
        const int x = i % (W * B), y = i / (W * B) % (H * A), plane = i / (W * B * H * A);
        turned[(plane * W * B + x) * H * A + y] = host[i];
    }
    clg_scope s = clg_scope_push(dev);
    for (int k = 0; k < 2; k++) {
        clg_tensor x = k ? clg_transpose(clg_upload(dev, CLG_F32, CLG_SHAPE(N, W * B, H * A), turned), 1, 2)
                         : clg_upload(dev, CLG_F32, CLG_SHAPE(N, H * A, W * B), host);
        clg_tensor y = clg_sum(clg_square(clg_reshape(x, CLG_SHAPE(N, H, A, W, B))), CLG_AXES(2, 4), false);
        ok(clg_read(y, got[k], sizeof got[k]));
    }
    for (int i = 0; i < N * H * W; i++) {
        double want = 0;
        for (int e = 0; e < A * B; e++) {
            const double v = host[((i / W) * A + e / B) * W * B + i % W * B + e % B];
            want += v * v;
        }
        ck_assert_msg(fabs(got[0][i] - want) <= 1e-6 * want && got[0][i] == got[1][i], "block %d: %g, turned %g, expected %g", i,
                      got[0][i], got[1][i], want);
    }
    scope_end(s);
    free(host);
    free(turned);
}
END_TEST

// Short rows of planes in falling order: their elements rise nevertheless.
START_TEST(short_rows_of_falling_planes)
{
    enum { N = 401, H = 7, W = 7 };
    float *host = calloc(N * H * W, sizeof *host), got[H];
    for (int i = 0; i < N * H * W; i++)
        host[i] = (float) rnd();
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_flip(clg_upload(dev, CLG_F32, CLG_SHAPE(N, H, W), host), CLG_AXES(0));
    ok(clg_read(clg_sum(clg_square(x), CLG_AXES(0, 2), false), got, sizeof got));
    for (int h = 0; h < H; h++) {
        double want = 0;
        for (int i = 0; i < N * W; i++) {
            const double v = host[(i / W * H + h) * W + i % W];
            want += v * v;
        }
        ck_assert_msg(fabs(got[h] - want) <= 1e-6 * want, "row %d: %.9g, expected %.9g", h, got[h], want);
    }
    scope_end(s);
    free(host);
}
END_TEST

// Large views in another order are read by tiles, with the bits of what was put in that order before.
START_TEST(turned_views_are_reduced_as_their_copies)
{
    enum { R = 523, C = 601 };
    float *host = calloc(R * C, sizeof *host), got[2][C], row[R];
    for (int i = 0; i < R * C; i++)
        host[i] = (float)rnd();
    for (int j = 0; j < R; j++)
        row[j] = (float)rnd();
    clg_scope s = clg_scope_push(dev);
    for (int k = 0; k < 2; k++) {
        clg_tensor x = clg_transpose(clg_upload(dev, CLG_F32, CLG_SHAPE(R, C), host), 0, 1), m = clg_upload(dev, CLG_F32, CLG_SHAPE(R), row);
        if (k)
            ok(clg_eval(x));
        ok(clg_read(clg_sum(clg_square(clg_sub(x, m)), CLG_AXES(1), false), got[k], sizeof got[k]));
    }
    for (int i = 0; i < C; i++) {
        double want = 0;
        for (int j = 0; j < R; j++)
            want += ((double)host[j * C + i] - row[j]) * ((double)host[j * C + i] - row[j]);
        ck_assert_msg(got[0][i] == got[1][i], "row %d: %.9g of the view, %.9g of the copy", i, got[0][i], got[1][i]);
        ck_assert_double_eq_tol(got[0][i], want, 1e-5 * want);
    }
    scope_end(s);
    free(host);
}
END_TEST

// The first NaN of a row, else the first extreme.
static int64_t first_extreme(const float *x, int64_t n, int64_t step, bool max)
{
    int64_t at = 0;
    for (int64_t i = 1; i < n; i++) {
        const float a = x[i * step], b = x[at * step];
        if (!isnan(b) && (isnan(a) || (max ? a > b : a < b)))
            at = i;
    }
    return at;
}

// Long ones, which are found in parts; beside a sum, in one kernel. kind 0: no two equal; 1: ties everywhere; 2: and
// NaN. _i: the shape.
START_TEST(extremes_of_many_elements)
{
    static const int64_t dims[][3] = {{1, 170003, 1}, {3, 50021, 1}, {1, 9001, 5}, {2, 8191, 37}, {40, 3001, 1}};
    const int64_t *dim = dims[_i], n = dim[0] * dim[1] * dim[2], results = dim[0] * dim[2];
    float *host = calloc((size_t)n, sizeof *host);
    int64_t *at = calloc((size_t)results, sizeof *at);
    clg_scope outside = clg_scope_push(dev);
    setenv("CLGRAD_FUSE", "0", 1);
    clg_device unfused;
    ok(clg_device_open(&unfused, clg_device_params(.share = dev)));
    unsetenv("CLGRAD_FUSE");
    for (int kind = 0; kind < 3; kind++) {
        clg_scope s = clg_scope_push(dev);
        for (int64_t i = 0; i < n; i++) {
            const double u = fabs(rnd());
            host[i] = (float)(kind ? floor(u * 50) : (u - 0.5) * exp(40 * rnd()));
            host[i] = kind == 2 && u < 2e-5 ? NAN : host[i];
        }
        clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(dim[0], dim[1], dim[2]), host);
        clg_tensor y = clg_upload(unfused, CLG_F32, x->shape, host);
        clg_tensor sum = clg_sum(x, CLG_AXES(1), false), alone = clg_sum(y, CLG_AXES(1), false),
                   arg[2] = {clg_argmax(x, CLG_AXES(1), false), clg_argmin(x, CLG_AXES(1), false)};
        ok(clg_eval(sum, arg[0], arg[1]));
        for (int k = 0; k < 2; k++) {
            ok(clg_read(arg[k], at, (size_t)results * sizeof *at));
            for (int64_t r = 0; r < results; r++) {
                const int64_t want = first_extreme(host + r / dim[2] * dim[1] * dim[2] + r % dim[2], dim[1], dim[2], k == 0);
                ck_assert_msg(at[r] == want, "kind %d, %s, result %lld: %lld, expected %lld", kind,
                              k ? "argmin" : "argmax", (long long)r, (long long)at[r], (long long)want);
            }
        }
        float *a = calloc((size_t)results, sizeof *a), *b = calloc((size_t)results, sizeof *b);
        ok(clg_read(sum, a, (size_t)results * sizeof *a));
        if (clg_read(alone, b, (size_t)results * sizeof *b) < 0)
            ck_abort_msg("%s", clg_error(unfused, 0));
        for (int64_t r = 0; r < results; r++)
            ck_assert_msg(memcmp(a + r, b + r, sizeof *a) == 0 || (isnan(a[r]) && isnan(b[r])),
                          "kind %d, sum %lld: %.9g beside argmax, %.9g alone", kind, (long long)r, a[r], b[r]);
        free(a), free(b);
        scope_end(s);
    }
    clg_device_close(&unfused);
    scope_end(outside);
    free(host), free(at);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("reductions");
    TCase *c = tcase_create("reductions");
    tcase_add_loop_test(c, reductions_read_views_as_they_are, 0, VIEWS);
    tcase_add_loop_test(c, reductions_copy_nothing, 0, 6);
    tcase_add_test(c, more_correction_than_elements);
    tcase_add_test(c, reductions_of_nothing_and_of_one_number);
    tcase_add_test(c, gradients_of_extremes);
    tcase_add_loop_test(c, narrow_matrices_less_a_row, 2, 8);
    tcase_add_loop_test(c, many_short_rows, 0, 9);
    tcase_add_test(c, blocks_of_images);
    tcase_add_test(c, short_rows_of_falling_planes);
    tcase_add_test(c, turned_views_are_reduced_as_their_copies);
    tcase_add_loop_test(c, extremes_of_many_elements, 0, 5);
    suite_add_tcase(s, c);
    return run_suite(s);
}
