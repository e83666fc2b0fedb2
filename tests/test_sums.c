// SPDX-License-Identifier: MIT
// Sums, means and variances against exact ones: no element of any size, number or order may cost
// more than the doc blocks say. Batch norm and gradients of data far from zero. What reductions
// need of memory.
#include "testing.h"

#include <float.h>

#ifdef __SIZEOF_FLOAT128__
__extension__ typedef __float128 exact;
#else
typedef long double exact;
#endif

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

// Distance of two neighbours at v.
static double ulp(clg_dtype t, double v)
{
    int e;
    if (!isfinite(v))
        return 0;
    frexp(v, &e);
    const int low = t == CLG_F64 ? DBL_MIN_EXP : FLT_MIN_EXP;
    return ldexp(1, (e < low ? low : e) - (t == CLG_F64 ? DBL_MANT_DIG : FLT_MANT_DIG));
}

typedef struct tally {
    exact sum, size; // of elements, of magnitudes
    exact squares;   // of deviations
    int64_t n;
} tally;

enum { UNIFORM, MIXED, TENTHS, FAR, WIDE, TINY, FAR_WIDE, DATA };
static const char *const data_names[DATA] = {
    "uniform", "mixed signs", "equal", "far from zero", "any size", "tiny", "1e19 +- 1e18"};

static double draw(int kind, clg_dtype t, int64_t i)
{
    const double far = t == CLG_F64 ? 1e15 : 1e7;
    switch (kind) {
    case UNIFORM:
        return 0.5 + 0.5 * rnd();
    case MIXED:
        return rnd();
    case TENTHS:
        return 255.3;
    case FAR:
        return far + 2 * (rnd() + rnd() + rnd());
    case WIDE:
        return rnd() * pow(10, 30 * rnd());
    case TINY:
        return 1e-25 * (1 + 0.1 * rnd());
    default:
        return 1e19 + (i & 1 ? 1e18 : -1e18) * (1 + 0.01 * rnd());
    }
}

// x [a,b,c] over the axes of the mask (bits a, b, c)
static tally *tallies(const double *x, const int64_t dim[3], int mask, int64_t *n)
{
    const int64_t kept[3] = {mask & 4 ? 1 : dim[0], mask & 2 ? 1 : dim[1], mask & 1 ? 1 : dim[2]};
    *n = kept[0] * kept[1] * kept[2];
    tally *t = calloc((size_t)*n, sizeof *t);
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < dim[0] * dim[1] * dim[2]; i++) {
            const int64_t k = i % dim[2], j = i / dim[2] % dim[1], h = i / dim[2] / dim[1];
            tally *to = &t[((mask & 4 ? 0 : h) * kept[1] + (mask & 2 ? 0 : j)) * kept[2] +
                           (mask & 1 ? 0 : k)];
            if (pass == 0) {
                to->sum += (exact)x[i];
                to->size += (exact)fabs(x[i]);
                to->n++;
            } else {
                const exact d = (exact)x[i] - to->sum / (exact)to->n;
                to->squares += d * d;
            }
        }
    }
    return t;
}

static double off(clg_dtype t, double got, exact want)
{
    const exact d = (exact)got - want;
    return (double)(d < 0 ? -d : d) / ulp(t, (double)want);
}

// The statistics of one tensor; `worst` in ulp: sum, mean, variance, std.
static void statistics(clg_dtype t, const char *what, const double *x, const int64_t dim[3],
                       int mask)
{
    clg_scope scope = clg_scope_push(dev);
    clg_shape axes = {0};
    int64_t n, count = dim[0] * dim[1] * dim[2];
    float *few = calloc((size_t)count + 1, sizeof *few);
    for (int64_t i = 0; i < count; i++)
        few[i] = (float)x[i];
    clg_tensor a =
        clg_upload(dev, t, CLG_SHAPE(dim[0], dim[1], dim[2]), t == CLG_F64 ? (const void *)x : few);
    for (int d = 0; d < 3; d++) {
        if (mask & (4 >> d))
            axes.dim[axes.rank++] = d;
    }
    tally *want = tallies(x, dim, mask, &n);
    clg_tensor out[4] = {clg_sum(a, axes, false), clg_mean(a, axes, false),
                         clg_variance(a, axes, 1, false), clg_std(a, axes, 0.5, false)};
    ok(clg_eval_n(out, 4));
    double *got[4];
    for (int k = 0; k < 4; k++)
        got[k] = read_all(out[k]);
    const double tiny = t == CLG_F64 ? 0x1p-80 : 0x1p-30,
                 most = t == CLG_F64 ? DBL_MAX : (double)FLT_MAX;
    for (int64_t i = 0; i < n; i++) {
        const double slack = tiny * (double)want[i].size;
        const exact mean = want[i].sum / (exact)want[i].n;
        const exact variance = want[i].n > 1 ? want[i].squares / (exact)(want[i].n - 1) : 0;
        const double std = sqrt((double)(want[i].squares / ((exact)want[i].n - (exact)0.5)));
        double e[4] = {off(t, got[0][i], want[i].sum) - slack / ulp(t, (double)want[i].sum),
                       off(t, got[1][i], mean) - slack / (double)want[i].n / ulp(t, (double)mean),
                       off(t, got[2][i], variance), off(t, got[3][i], (exact)std)};
        if ((double)want[i].size > most)
            e[0] = 0;
        if (want[i].n == 1 || (double)variance > most)
            e[2] = 0;
        if (std > most)
            e[3] = 0;
        ck_assert_msg(e[0] <= 1 && e[1] <= 0.51 && e[2] <= 4 && e[3] <= 4,
                      "%s %s [%d,%d,%d] over %d: %g %g %g %g ulp, got %.9g %.9g %.9g %.9g for %.9g "
                      "%.9g %.9g %.9g",
                      clg_dtype_name(t), what, (int)dim[0], (int)dim[1], (int)dim[2], mask, e[0],
                      e[1], e[2], e[3], got[0][i], got[1][i], got[2][i], got[3][i],
                      (double)want[i].sum, (double)mean, (double)variance, std);
    }
    for (int k = 0; k < 4; k++)
        free(got[k]);
    free(want);
    free(few);
    scope_end(scope);
}

// _i: F32, F64
START_TEST(statistics_are_exact)
{
    static const int64_t dims[][3] = {{1, 1, 1},   {1, 1, 15},    {3, 5, 17},    {1, 1, 1000},
                                      {40, 3, 70}, {1, 2000, 33}, {2, 3, 20011}, {1, 1, 300007}};
    const clg_dtype t = _i ? CLG_F64 : CLG_F32;
    if (t == CLG_F64 && !fp64)
        return;
    for (size_t k = 0; k < sizeof dims / sizeof dims[0]; k++) {
        const int64_t n = dims[k][0] * dims[k][1] * dims[k][2];
        double *x = calloc((size_t)n, sizeof *x);
        for (int kind = 0; kind < DATA; kind++) {
            for (int64_t i = 0; i < n; i++) {
                x[i] = draw(kind, t, i);
                x[i] = t == CLG_F32 ? (double)(float)x[i] : x[i];
            }
            for (int mask = 1; mask < 8; mask++) {
                if (k < 3 || (mask & 1) ||
                    dims[k][2] < 100) // many results of few elements prove no more
                    statistics(t, data_names[kind], x, dims[k], mask);
            }
        }
        free(x);
    }
}
END_TEST

static double number(clg_tensor t)
{
    clg_status st = CLG_OK;
    const double v = clg_item(t, &st);
    ok(st);
    return v;
}

// Up to 1e8 of them, made of one.
START_TEST(the_mean_of_equal_elements_is_that_element)
{
    TAKES_TURNS(2);
    static const double values[] = {255.3, 3.3e7, 0.1, 1.0 / 3, -7e-30, 3.3e38, 1e-36};
    static const int64_t counts[] = {2, 3, 7, 100, 999, 12345, 1 << 24, (1 << 24) + 1, 99999989};
    for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            if (counts[i] > 100000 && (k > (only_wide() ? 0 : 1) || slow()))
                continue;
            clg_scope s = clg_scope_push(dev);
            clg_tensor one = clg_full(dev, CLG_F32, CLG_SHAPE(1), values[k]);
            ok(clg_eval(one));
            clg_tensor x = clg_expand(one, CLG_SHAPE(counts[i]));
            const double want = (double)(float)values[k], got = number(clg_mean(x, CLG_ALL, false));
            ck_assert_msg(got == want, "%lld times %.9g: mean %.9g", (long long)counts[i], want,
                          got);
            ck_assert_double_eq(number(clg_variance(x, CLG_ALL, 1, false)), 0);
            ck_assert_double_eq(number(clg_std(x, CLG_ALL, 0, false)), 0);
            scope_end(s);
        }
    }
}
END_TEST

// 0 + 1 + 2 + ... and 1 + 1/3 a hundred million times
START_TEST(a_hundred_million_elements)
{
    TAKES_TURNS(2);
    const double n = slow() ? 3e5 : 1e8;
    clg_scope s = clg_scope_push(dev);
    clg_tensor i = clg_arange(dev, CLG_F32, 0, n, 1); // elements round to 24 bits, to even
    clg_tensor exact_sum = clg_sum(clg_cast(i, CLG_I64), CLG_ALL, false);
    const double want = number(exact_sum), got = number(clg_sum(i, CLG_ALL, false));
    ck_assert_msg(fabs(got - want) <= ulp(CLG_F32, want), "%.9g, expected %.9g", got, want);
    clg_tensor columns = clg_reshape(i, CLG_SHAPE((int64_t)n / 20, 20));
    clg_tensor first = clg_slice(clg_sum(columns, CLG_AXES(0), false), 0, 0, 1, 1);
    clg_tensor whole =
        clg_slice(clg_sum(clg_cast(columns, CLG_I64), CLG_AXES(0), false), 0, 0, 1, 1);
    const double w = number(clg_sum(whole, CLG_ALL, false));
    const double g = number(clg_sum(first, CLG_ALL, false));
    ck_assert_msg(fabs(g - w) <= ulp(CLG_F32, w), "%.9g, expected %.9g", g, w);
    scope_end(s);
}
END_TEST

// Not a number, infinities, and what overflows on the way, in rows and in columns beside ordinary
// data.
START_TEST(infinities_pass_and_overflow_comes_back)
{
    TAKES_TURNS(2);
    enum { N = 40, CASES = 9 };
    const float big = 3e38f, inf = INFINITY;
    static const char *const names[CASES] = {
        "inf", "-inf", "inf - inf", "nan", "big - big", "all big", "big and 1", "plain", "tiny"};
    float x[CASES][N], y[N][CASES];
    double want[CASES][3] = {{0}};
    for (int c = 0; c < CASES; c++) {
        for (int i = 0; i < N; i++)
            x[c][i] = c == 4   ? (i % 4 < 2 ? big : -big)
                      : c == 5 ? big
                      : c == 8 ? 1e-30f
                               : (float)(i % 5);
    }
    x[0][3] = x[2][7] = inf;
    x[1][20] = x[2][30] = -inf;
    x[3][39] = NAN;
    x[6][0] = big, x[6][1] = big, x[6][2] = -big, x[6][35] = -big;
    for (int c = 0; c < CASES; c++) {
        double sum = 0;
        for (int i = 0; i < N; i++) {
            sum += (double)x[c][i];
            y[i][c] = x[c][i];
        }
        sum = c == 6 ? 2 + 4 * 37 - 37 * 2 : sum; // replaced below: exact integers
        want[c][0] = sum;
        want[c][1] = sum / N;
    }
    want[6][0] = 0;
    for (int i = 0; i < N; i++)
        want[6][0] += fabs(x[6][i]) < 1e30f ? (double)x[6][i] : 0;
    want[6][1] = want[6][0] / N;
    clg_scope s = clg_scope_push(dev);
    clg_tensor a = clg_upload(dev, CLG_F32, CLG_SHAPE(CASES, N), x);
    clg_tensor b = clg_upload(dev, CLG_F32, CLG_SHAPE(N, CASES), y);
    for (int k = 0; k < 4; k++) {
        clg_tensor t = k % 2 ? b : a;
        const clg_shape axis = CLG_AXES(k % 2 ? 0 : 1);
        double *got = read_all(k < 2 ? clg_sum(t, axis, false) : clg_mean(t, axis, false));
        for (int c = 0; c < CASES; c++) {
            const double w = (double)(float)want[c][k / 2];
            const bool fine =
                isnan(w) ? isnan(got[c]) : got[c] == w || fabs(got[c] - w) <= ulp(CLG_F32, w);
            ck_assert_msg(fine, "%s, %s of %s: %.9g, expected %.9g", names[c],
                          k < 2 ? "sum" : "mean", k % 2 ? "columns" : "rows", got[c], w);
        }
        free(got);
    }
    scope_end(s);
}
END_TEST

// A channel of equal elements is its bias; data far from zero are normalised as the same data near
// it.
START_TEST(batch_norm_far_from_zero)
{
    TAKES_TURNS(2);
    enum { B = 33, C = 4, H = 7, N = B * H };
    static const double offset[C] = {255.3, 1e7, 0, 1e19}, scale[C] = {0, 1, 1e-3, 1e18};
    float x[B][C][H], g[B][C][H];
    for (int b = 0; b < B; b++) {
        for (int c = 0; c < C; c++) {
            for (int h = 0; h < H; h++) {
                x[b][c][h] = (float)(offset[c] + 2 * scale[c] * rnd());
                g[b][c][h] = (float)rnd();
            }
        }
    }
    clg_scope s = clg_scope_push(dev);
    const float bias[C] = {0.7f, 0, 0.25f, 0}, weight[C] = {2, 1, 1.5f, 1};
    clg_tensor m, v, tx = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(B, C, H), x));
    clg_tensor w = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(C), weight));
    clg_tensor y = clg_batch_norm(
        tx, w, clg_upload(dev, CLG_F32, CLG_SHAPE(C), bias), clg_zeros(dev, CLG_F32, CLG_SHAPE(C)),
        clg_ones(dev, CLG_F32, CLG_SHAPE(C)),
        clg_batch_norm_params(.training = true, .momentum = 1, .new_mean = &m, .new_var = &v));
    clg_tensor grad[2], wrt[2] = {tx, w};
    ok(clg_vjp_n(y, clg_upload(dev, CLG_F32, CLG_SHAPE(B, C, H), g), wrt, 2, false, grad));
    double *gy = read_all(y), *gm = read_all(m), *gv = read_all(v), *gx = read_all(grad[0]),
           *gw = read_all(grad[1]);
    for (int c = 0; c < C; c++) {
        long double sum = 0, sq = 0, sg = 0, sgx = 0;
        for (int i = 0; i < N; i++)
            sum += (long double)x[i / H][c][i % H];
        const long double mean = sum / N;
        for (int i = 0; i < N; i++)
            sq +=
                ((long double)x[i / H][c][i % H] - mean) * ((long double)x[i / H][c][i % H] - mean);
        const long double r = 1 / sqrtl(sq / N + 1e-5L);
        for (int i = 0; i < N; i++) {
            sg += (long double)g[i / H][c][i % H];
            sgx += (long double)g[i / H][c][i % H] * ((long double)x[i / H][c][i % H] - mean) * r;
        }
        ck_assert_msg(fabs(gm[c] - (double)mean) <= ulp(CLG_F32, (double)mean), "mean %d: %.9g", c,
                      gm[c]);
        const double var = (double)(sq / (N - 1));
        ck_assert_msg(fabs(gv[c] - var) <= 4 * ulp(CLG_F32, var),
                      "variance %d: %.9g, expected %.9g", c, gv[c], var);
        ck_assert_msg(fabs(gw[c] - (double)sgx) <= 1e-5 * sqrt(N), "dw %d: %g, expected %g", c,
                      gw[c], (double)sgx);
        for (int i = 0; i < N; i++) {
            const int at = (i / H * C + c) * H + i % H;
            const long double xhat = ((long double)x[i / H][c][i % H] - mean) * r;
            const double want = (double)(xhat * (long double)weight[c] + (long double)bias[c]);
            const double dx = (double)((long double)weight[c] * r *
                                       ((long double)g[i / H][c][i % H] - sg / N - xhat * sgx / N));
            ck_assert_msg(fabs(gy[at] - want) <= 2e-6 * (1 + fabs(want)),
                          "y %d %d: %.9g, expected %.9g", c, i, gy[at], want);
            ck_assert_msg(fabs(gx[at] - dx) <= 4e-6 * (double)r * (double)weight[c] * 2,
                          "dx %d %d: %.9g, expected %.9g", c, i, gx[at], dx);
            if (c == 0)
                ck_assert_double_eq(gy[at], (double)bias[0]);
        }
    }
    free(gy), free(gm), free(gv), free(gx), free(gw);
    scope_end(s);
}
END_TEST

// Rows of data near zero and far from it, equal ones, and ones whose squares or sums no float holds; short ones, and one
// long enough to be shared.
START_TEST(layer_norm_far_from_zero)
{
    TAKES_TURNS(2);
    enum { R = 8, LONGEST = 70001 };
    static const double offset[R] = {0, 255.3, 1e7, -3, 1e19, 2e38, 0, 1e-28};
    static const double scale[R] = {1, 0, 1, 1e-3, 1e18, 5e37, 1e30, 1e-28};
    static const int64_t lengths[] = {1, 2, 3, 7, 15, 17, 33, 4099, LONGEST};
    float *x = malloc(sizeof *x * R * LONGEST);
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        const int64_t n = lengths[k], rows = n == LONGEST ? 3 : n < 64 ? 3 * R - 1 : R;
        for (int64_t i = 0; i < rows * n; i++)
            x[i] = (float)(offset[i / n % R] + 2 * scale[i / n % R] * rnd());
        clg_scope s = clg_scope_push(dev);
        double *y = read_all(clg_layer_norm(clg_upload(dev, CLG_F32, CLG_SHAPE(rows, n), x), CLG_SHAPE(n), NULL, NULL,
                                            clg_norm_params(.eps = 1e-12)));
        double *z = read_all(clg_rms_norm(clg_upload(dev, CLG_F32, CLG_SHAPE(rows, n), x), CLG_SHAPE(n), NULL,
                                          clg_norm_params(.no_eps = true)));
        for (int64_t r = 0; r < rows; r++) {
            long double mean = 0, sq = 0, all = 0;
            for (int64_t i = 0; i < n; i++)
                mean += (long double)x[r * n + i] / n;
            for (int64_t i = 0; i < n; i++) {
                const long double v = (long double)x[r * n + i], d = v - mean;
                sq += d * d / n;
                all += v * v / n;
            }
            for (int64_t i = 0; i < n; i++) {
                const long double v = (long double)x[r * n + i];
                const double want = (double)((v - mean) / sqrtl(sq + 1e-12L)), root = (double)(v / sqrtl(all));
                ck_assert_msg(fabs(y[r * n + i] - want) <= 4e-6 * (1 + fabs(want)), "%d: row %d, %d: %.9g, expected %.9g",
                              (int)n, (int)r, (int)i, y[r * n + i], want);
                ck_assert_msg(fabs(z[r * n + i] - root) <= 4e-6 * (1 + fabs(root)),
                              "%d: rms of row %d, %d: %.9g, expected %.9g", (int)n, (int)r, (int)i, z[r * n + i], root);
            }
        }
        free(y);
        free(z);
        scope_end(s);
    }
    free(x);
}
END_TEST

// Beyond what a variance can be, and with no eps.
START_TEST(batch_norm_of_any_size)
{
    TAKES_TURNS(2);
    static const double sizes[] = {1e25, 1e-25, 1e-3, 1e37};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        clg_scope s = clg_scope_push(dev);
        const float a = (float)sizes[k], x[4] = {a, -a, a, -a};
        clg_tensor t = clg_upload(dev, CLG_F32, CLG_SHAPE(4, 1), x);
        double *y = read_all(
            clg_batch_norm(t, NULL, NULL, NULL, NULL, clg_batch_norm_params(.no_eps = true)));
        for (int i = 0; i < 4; i++)
            ck_assert_msg(fabs(y[i] - (i % 2 ? -1 : 1)) < 1e-6, "%g: %.9g", sizes[k], y[i]);
        free(y);
        if (sizes[k] > 1) {
            y = read_all(clg_batch_norm(t, NULL, NULL, NULL, NULL, NULL));
            for (int i = 0; i < 4; i++)
                ck_assert_msg(fabs(y[i] - (i % 2 ? -1 : 1)) < 1e-6, "%g with eps: %.9g", sizes[k],
                              y[i]);
            free(y);
        }
        scope_end(s);
    }
}
END_TEST

START_TEST(batch_norm_takes_its_numbers_as_they_are)
{
    TAKES_TURNS(2);
    static const struct {
        double eps, momentum;
        bool no_eps, no_momentum;
        const char *says; // NULL: allowed
    } t[] = {{-1e-5, 0, 0, 0, "eps is -1e-05"},
             {NAN, 0, 0, 0, "eps is nan"},
             {INFINITY, 0, 0, 0, "eps is inf"},
             {0, -0.1, 0, 0, "momentum is -0.1"},
             {0, NAN, 0, 0, "momentum is nan"},
             {1e-3, 0, 1, 0, "no_eps is set"},
             {0, 0.5, 0, 1, "no_momentum is set"},
             {0, 0, 0, 0, NULL},
             {0, 0, 1, 1, NULL},
             {1e-3, 1.5, 0, 0, NULL}};
    const float x[4] = {1, 3, 5, 7}; // mean 4, variance 20/3
    for (size_t k = 0; k < sizeof t / sizeof t[0]; k++) {
        clg_scope s = clg_scope_push(dev);
        clg_tensor m = NULL, v = NULL;
        clg_tensor y = clg_batch_norm(
            clg_upload(dev, CLG_F32, CLG_SHAPE(4, 1), x), NULL, NULL,
            clg_full(dev, CLG_F32, CLG_SHAPE(1), 2), clg_full(dev, CLG_F32, CLG_SHAPE(1), 3),
            clg_batch_norm_params(.training = true, .eps = t[k].eps, .momentum = t[k].momentum,
                                  .no_eps = t[k].no_eps, .no_momentum = t[k].no_momentum,
                                  .new_mean = &m, .new_var = &v));
        if (t[k].says) {
            ck_assert_int_eq(y->status, CLG_EINVAL);
            ck_assert_msg(strstr(clg_error(dev, y->status), t[k].says) != NULL, "%s",
                          clg_error(dev, y->status));
            scope_end(s);
            continue;
        }
        const double momentum = t[k].no_momentum ? 0 : t[k].momentum == 0 ? 0.1 : t[k].momentum;
        const double eps = t[k].no_eps ? 0 : t[k].eps == 0 ? 1e-5 : t[k].eps;
        double *gm = read_all(m), *gv = read_all(v), *gy = read_all(y);
        ck_assert_double_eq_tol(gm[0], 2 + momentum * 2, 1e-5);
        ck_assert_double_eq_tol(gv[0], 3 + momentum * (20.0 / 3 - 3), 1e-5);
        ck_assert_double_eq_tol(gy[0], -3 / sqrt(5 + eps), 1e-5 * 1e-2);
        free(gm), free(gv), free(gy);
        scope_end(s);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sums");
    TCase *c = tcase_create("sums");
    tcase_add_loop_test(c, statistics_are_exact, 0, 2);
    tcase_add_test(c, the_mean_of_equal_elements_is_that_element);
    tcase_add_test(c, a_hundred_million_elements);
    tcase_add_test(c, infinities_pass_and_overflow_comes_back);
    tcase_add_test(c, batch_norm_far_from_zero);
    tcase_add_test(c, layer_norm_far_from_zero);
    tcase_add_test(c, batch_norm_of_any_size);
    tcase_add_test(c, batch_norm_takes_its_numbers_as_they_are);
    suite_add_tcase(s, c);
    return run_suite(s);
}
