// SPDX-License-Identifier: MIT
// Functions over many numbers: every 8,191st float (with CLGRAD_TEST_FULL=1 every one, with CLGRAD_FLOATS_STEP=N every Nth),
// pairs of floats and doubles of all sizes, against double or long double. What is allowed stands in sweep_truth.c, ulps.h
// and below; ulp.c looks at all floats, test_sweep.c at derivatives and at neighbours in a vector. CLGRAD_SWEEP=1 prints the worst errors.
#include "float_truth.h"
#include "sweep_truth.h"
#include "testing.h"
#include "ulps.h"

enum { CHUNK = 1 << 20, STRIDE = 8191 };

// Devices may flush denormals, also on the way.
static void compare(const char *name, double a, double b, double got, long double want, bool wide, worst *w)
{
    const long double flushed = 16 * (wide ? (long double) DBL_MIN : (long double) FLT_MIN);
    const double ulps = ulps_between(got, want, isfinite(a) ? terms(name, a, b) : 0, wide, flushed);
    if (!(ulps <= w->ulps))
        *w = (worst) { ulps, a, b, got, (double) want };
}

static int failures;

static void report(const char *type, const char *name, double allowed, const worst *w)
{
    const bool bad = !(w->ulps <= allowed);
    failures += bad;
    if (bad || getenv("CLGRAD_SWEEP"))
        printf("%s%s %s: %.3f ulp at %a, %a: %a, exact %a\n", bad ? "WRONG " : "", type, name, w->ulps, w->a, w->b,
               w->got, w->want);
}

enum { ALWAYS = 23 }; // the others take turns

static bool has_turn(int i)
{
    return in_turn(i, 4);
}

// _i: the function
START_TEST(values_of_floats)
{
    if (_i >= ALWAYS && !has_turn(_i))
        return;
    const char *given = getenv("CLGRAD_FLOATS_STEP"), *name = float_truths[_i].name;
    const uint64_t step = given && atoi(given) > 0 ? (uint64_t) atoi(given) : everything() ? 1 : STRIDE;
    float *x = malloc(CHUNK * sizeof *x), *y = malloc(CHUNK * sizeof *y);
    double *want = malloc(CHUNK * sizeof *want);
    worst w = { 0 };
    failures = 0;
    for (uint64_t at = (uint64_t) _i % step; at < (uint64_t) 1 << 32;) {
        int n = 0;
        for (; n < CHUNK && at < (uint64_t) 1 << 32; n++, at += step)
            x[n] = of_bits((uint32_t) at);
        clg_scope s = clg_scope_push(dev);
        ok(clg_read(float_truths[_i].f(clg_upload(dev, CLG_F32, CLG_SHAPE(n), x)), y, (size_t) n * sizeof *y));
        clg_scope_pop(s);
        float_truths[_i].of(x, want, n);
        for (int i = 0; i < n; i++) {
            if (!isinf(x[i]) || !isnan(want[i])) // formulas that have no limit there
                compare(name, (double) x[i], 0, (double) y[i], want[i], false, &w);
        }
    }
    report("f32", name, truth_of(name)->ulps, &w);
    free(x);
    free(y);
    free(want);
    ck_assert_int_eq(failures, 0);
}
END_TEST

// Any bits, whole ranges where functions bend, and numbers near one.
static double any_double(void)
{
    const double kind = rnd(), u = rnd();
    if (kind < -0.5)
        return ldexp(u, (int) (1100 * rnd()));
    return kind < 0 ? u * 6 : kind < 0.5 ? u * 700 : kind < 0.75 ? 1 + u * 0.5 : u * 0x1p53;
}

// _i: the function
START_TEST(values_of_doubles)
{
    const int n = 1 << (everything() ? 20 : 14);
    const truth *t = truth_of(float_truths[_i].name);
    if (!clg_device_get_info(dev)->fp64 || (_i >= ALWAYS && !has_turn(_i)))
        return;
    double *x = malloc((size_t) n * sizeof *x), *y = malloc((size_t) n * sizeof *y);
    worst w = { 0 };
    failures = 0;
    for (int i = 0; i < n; i++)
        x[i] = any_double();
    clg_scope s = clg_scope_push(dev);
    ok(clg_read(float_truths[_i].f(clg_upload(dev, CLG_F64, CLG_SHAPE(n), x)), y, (size_t) n * sizeof *y));
    clg_scope_pop(s);
    for (int i = 0; i < n; i++) {
        const long double want = t->f[0](x[i]);
        if (!isinf(x[i]) || !isnan(want))
            compare(t->name, x[i], 0, y[i], want, true, &w);
    }
    report("f64", t->name, t->ulps, &w);
    free(x);
    free(y);
    ck_assert_int_eq(failures, 0);
}
END_TEST

// ---- two numbers

static long double xlogy_of(long double a, long double b)
{
    return isnan(b) ? b : a == 0 ? 0 : a * logl(b);
}

static long double logaddexp_of(long double a, long double b)
{
    return isnan(a + b) && !isinf(a) ? a + b : isnan(a) || isnan(b) ? NAN : a == b && isinf(a) ? a : fmaxl(a, b) + log1pl(expl(-fabsl(a - b)));
}

static long double logaddexp2_of(long double a, long double b)
{
    return isnan(a) || isnan(b) ? NAN : a == b && isinf(a) ? a : fmaxl(a, b) + log1pl(exp2l(-fabsl(a - b))) * 1.442695040888963407359924681001892137L;
}

static const struct {
    const char *name;
    clg_tensor (*f)(clg_tensor a, clg_tensor b);
    long double (*of)(long double a, long double b); // NULL: that of sweep_truth.c
    double ulps;
} pairs[] = {
    { "pow", clg_pow, NULL, 0 },         { "atan2", clg_atan2, NULL, 0 },
    { "div", clg_div, NULL, 0 },         { "hypot", clg_hypot, NULL, 0 },
    { "fmod", clg_fmod, NULL, 0 },       { "remainder", clg_remainder, NULL, 0 },
    { "xlogy", clg_xlogy, xlogy_of, 3.5 }, { "logaddexp", clg_logaddexp, logaddexp_of, 3 },
    { "logaddexp2", clg_logaddexp2, logaddexp2_of, 3 }
};
enum { N_PAIRS = sizeof pairs / sizeof pairs[0] };

static clg_tensor upload_as(clg_dtype t, const double *x, int n)
{
    float *f = malloc((size_t) n * sizeof *f);
    for (int i = 0; i < n; i++)
        f[i] = (float) x[i];
    clg_tensor y = clg_upload(dev, t, CLG_SHAPE(n), t == CLG_F64 ? (const void *) x : f);
    free(f);
    return y;
}

static const double corners[] = { 0, 1, 2, 3, 0.5, 1.5, 2.5, INFINITY, NAN, 1e-40, 1e-310, 16777215, 16777216, 8388607.5, 8388608,
                                  4503599627370495.5, 9007199254740991, 9007199254740992, 1e300, 3e38, 1 - 0x1p-24,
                                  1 + 0x1p-23, 1 - 0x1p-53, 1 + 0x1p-52, 127, 128, 149, 1074, 4294967295, 1e-20 };
enum { CORNERS = 2 * sizeof corners / sizeof corners[0], PAIRS = 1 << 16 };

static double corner(int i)
{
    return i % 2 ? -corners[i / 2] : corners[i / 2];
}

// A pair whose power is a number of any size; range: the logarithm of the largest number
static void any_pair(int i, double range, double *a, double *b)
{
    const double u = rnd(), v = rnd();
    if (i < CORNERS * CORNERS) {
        *a = corner(i / CORNERS);
        *b = corner(i % CORNERS);
        return;
    }
    *a = i % 4 == 0 ? exp(u * range) : i % 4 == 1 ? 1.25 + u * 0.75 : i % 4 == 2 ? 10 + 10 * u : 1 + 0.01 * u;
    *b = i % 4 == 2 ? 10 * v : 1.05 * v * range / fabs(log(*a));
    if (i % 16 < 4) {
        *a = -*a;
        *b = i % 8 < 4 ? rint(*b) : *b;
    }
}

// _i: F32, F64
START_TEST(values_of_pairs)
{
    const bool wide = _i == 1;
    const int n = everything() ? 64 * PAIRS : PAIRS;
    if (wide && !clg_device_get_info(dev)->fp64)
        return;
    double *a = malloc((size_t) n * sizeof *a), *b = malloc((size_t) n * sizeof *b), *y;
    failures = 0;
    for (int i = 0; i < n; i++) {
        any_pair(i, wide ? 709 : 88, &a[i], &b[i]);
        a[i] = wide ? a[i] : (double) (float) a[i];
        b[i] = wide ? b[i] : (double) (float) b[i];
    }
    for (int k = 0; k < N_PAIRS; k++) {
        const char *name = pairs[k].name;
        const truth2 *t = pairs[k].of ? NULL : truth2_of(name);
        worst w = { 0 };
        if (k >= 2 && !has_turn(k + _i)) // the first two have kernels of many lines, whose places matter
            continue;
        clg_scope s = clg_scope_push(dev);
        const clg_dtype type = wide ? CLG_F64 : CLG_F32;
        y = read_all(pairs[k].f(upload_as(type, a, n), upload_as(type, b, n)));
        clg_scope_pop(s);
        for (int i = 0; i < n; i++)
            compare(name, a[i], b[i], y[i], t ? t->f[0](a[i], b[i]) : pairs[k].of(a[i], b[i]), wide, &w);
        report(wide ? "f64" : "f32", name, t ? t->ulps : pairs[k].ulps, &w);
        free(y);
    }
    free(a);
    free(b);
    ck_assert_int_eq(failures, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("floats");
    TCase *t = tcase_create("floats");
    tcase_set_timeout(t, 0);
    tcase_add_loop_test(t, values_of_floats, 0, float_truth_count);
    tcase_add_loop_test(t, values_of_doubles, 0, float_truth_count);
    tcase_add_loop_test(t, values_of_pairs, 0, 2);
    suite_add_tcase(s, t);
    return run_suite(s);
}
