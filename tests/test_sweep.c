// SPDX-License-Identifier: MIT
// Pointwise operations over all magnitudes: value, first and second derivative against exact values, and
// every lane of a vector beside every kind of neighbour. The rows come from elementwise.def, so that a
// new one is swept by existing; sweep_truth.c knows exact values. CLGRAD_SWEEP=1 prints the worst errors.
#include "reference.h"
#include "sweep_truth.h"
#include "testing.h"

#include <float.h>

typedef struct unary {
    const char *name;
    clg_tensor (*f)(clg_tensor x);
} unary;

typedef struct binary {
    const char *name;
    clg_tensor (*f)(clg_tensor a, clg_tensor b);
} binary;

// Rows with numbers: those that sweep_truth.c knows.
static clg_tensor leaky_relu(clg_tensor x) { return clg_leaky_relu(x, 0.25); }
static clg_tensor elu(clg_tensor x) { return clg_elu(x, 1.5); }
static clg_tensor softplus(clg_tensor x) { return clg_softplus(x, 2, 120); }
static clg_tensor clamp(clg_tensor x) { return clg_clamp(x, -2, 50); }

#define EW1(id, domain, result, value, da) { #id, clg_##id },
#define EW2(id, domain, result, value, da, db)
#define EW3(id, domain, result, value, da, db, dc)
#define EWP(id, n, domain, value, da)
#define D1(id, value, da)
#define D2(id, value, da, db)
static const unary unaries[] = {
#include "ops/elementwise.def"
    { "leaky_relu", leaky_relu }, { "elu", elu }, { "softplus", softplus }, { "clamp", clamp }
};
#undef EW1
#undef EW2
#define EW1(id, domain, result, value, da)
#define FLOATING(id) { #id, clg_##id },
#define NUMERIC FLOATING
#define ANY FLOATING
#define BOOLEAN FLOATING
#define INTEGRAL(id)
#define WHOLE(id)
#define EW2(id, domain, result, value, da, db) domain(id)
static const binary binaries[] = {
#include "ops/elementwise.def"
};
enum { UNARIES = sizeof unaries / sizeof unaries[0], BINARIES = sizeof binaries / sizeof binaries[0] };

static bool printing(void)
{
    return getenv("CLGRAD_SWEEP") != NULL;
}

// ---- numbers of a type

static const clg_dtype dtypes[2] = { CLG_F32, CLG_F64 };

static bool has(clg_dtype t)
{
    return t == CLG_F32 || clg_device_get_info(dev)->fp64;
}

static double least(clg_dtype t)
{
    return t == CLG_F32 ? FLT_MIN : DBL_MIN;
}

static double most(clg_dtype t)
{
    return t == CLG_F32 ? FLT_MAX : DBL_MAX;
}

static double rounded(clg_dtype t, double x)
{
    return t == CLG_F32 ? (double) (float) x : x;
}

// The distance of numbers of type t at x; below the smallest normal number as there.
static long double ulp(clg_dtype t, long double x)
{
    const int bits = t == CLG_F32 ? 24 : 53, low = t == CLG_F32 ? -125 : -1021;
    int e;
    frexpl(x, &e);
    return ldexpl(1, (e < low ? low : e) - bits);
}

static clg_tensor upload_as(clg_dtype t, const double *x, int n)
{
    if (t == CLG_F64)
        return clg_upload(dev, t, CLG_SHAPE(n), x);
    float *f = malloc((size_t) n * sizeof f[0]);
    for (int i = 0; i < n; i++)
        f[i] = (float) x[i];
    clg_tensor y = clg_upload(dev, t, CLG_SHAPE(n), f);
    free(f);
    return y;
}

// Any type, as doubles; BOOL as 0 and 1.
static void read_as(clg_tensor y, double *out, int n)
{
    ck_assert_msg(y->status >= 0, "%s", clg_error(dev, y->status));
    ck_assert_int_eq(clg_numel(y->shape), n);
    float *f = malloc((size_t) n * sizeof f[0]);
    uint8_t *b = malloc((size_t) n);
    if (y->dtype == CLG_F64)
        ok(clg_read(y, out, (size_t) n * sizeof out[0]));
    else if (y->dtype == CLG_F32)
        ok(clg_read(y, f, (size_t) n * sizeof f[0]));
    else
        ok(clg_read(y, b, (size_t) n));
    for (int i = 0; i < n && y->dtype != CLG_F64; i++)
        out[i] = y->dtype == CLG_F32 ? (double) f[i] : b[i];
    free(f);
    free(b);
}

enum { POINTS = 4096 };

// Every magnitude with both signs, whole ranges where functions bend, and what is special.
static int points(clg_dtype t, double *x)
{
    static const double special[] = { 0, 1, 2, 3, 4, 6, 0.5, 1 - 0x1p-24, 1 - 0x1p-53, 1 + 0x1p-23, 88.72, 88.8,
                                      89, 103.9, 104, 128, 20, 17.33, 9.01, 60, 1e7, 709.7, 710, 745.1,
                                      1.5707963267948966, 3.1415926535897931, 0.7853981633974483, 1000, 1e15 };
    const double low = t == CLG_F32 ? -37.9 : -307.6, high = t == CLG_F32 ? 38.53 : 308.25;
    int n = 0;
    for (double e = low; e < high; e += t == CLG_F32 ? 0.21 : 1.37)
        x[n++] = pow(10, e);
    for (double v = 0.013; v < 12; v += 0.0371)
        x[n++] = v;
    for (double v = 12.1; v < (t == CLG_F32 ? 130 : 800); v += t == CLG_F32 ? 0.77 : 5.3)
        x[n++] = v;
    for (size_t k = 0; k < sizeof special / sizeof special[0]; k++)
        x[n++] = special[k];
    x[n++] = most(t);
    x[n++] = least(t);
    for (int i = 0; i < n; i++)
        x[i] = rounded(t, x[i]);
    for (int i = 0; i < n; i++)
        x[n + i] = -x[i];
    n *= 2;
    x[n++] = INFINITY;
    x[n++] = -INFINITY;
    x[n++] = NAN;
    ck_assert_int_lt(n, POINTS);
    return n;
}

// ---- value and derivatives

// y, dy/dx, d2y/dx2, as far as there are any; the number of them.
static int derivatives(const unary *u, clg_tensor x, clg_tensor out[3])
{
    x = clg_track(x);
    out[0] = u->f(x);
    int n = 1;
    for (; n < 3; n++) {
        clg_tensor one = clg_ones(dev, out[n - 1]->dtype, out[n - 1]->shape);
        if (!clg_dtype_is_float(out[n - 1]->dtype) ||
            clg_vjp_n(out[n - 1], one, &x, 1, false, &out[n]) < 0)
            break;
    }
    clg_error_clear(dev);
    return n;
}

// What a row without exact values is compared with: its own expression, and differences.
static long double own_truth(const char *name, int order, double x)
{
    double v[3] = { x }, y[3] = { NAN, NAN, NAN };
    const double h = order == 1 ? 1e-6 * fabs(x) : 1e-4 * fabs(x);
    if (order == 0)
        return reference_row_f(name, v, &y[0]) ? y[0] : NAN;
    for (int k = -1; k <= 1; k++) {
        v[0] = x + k * h;
        if (!reference_row_f(name, v, &y[k + 1]))
            return NAN;
    }
    return order == 1 ? (y[2] - y[0]) / (2 * h) : (y[2] - 2 * y[1] + y[0]) / (h * h);
}

typedef struct worst {
    double ulps, x, got, want;
} worst;

// The size of what cancels near a function's zeros left of 0
static long double terms(const char *name, double x)
{
    return x < 0 && (strcmp(name, "lgamma") == 0 || strcmp(name, "digamma") == 0) ? 4 + 2 * logl(1 - x) * (name[0] == 'l' ? 1 - x : 1) : 0;
}

// How far got is from the exact value, in parts of what is allowed.
static void compare(const unary *u, clg_dtype t, int order, double x, double got, worst *w)
{
    const truth *true_value = truth_of(u->name);
    const long double want = true_value ? true_value->f[order](x) : own_truth(u->name, order, x);
    if (isinf(x) && isnan(want))
        return; // no limit to speak of
    if (isnan(x) && order > 0)
        return; // a convention: specials.txt
    if (!true_value && order > 0)
        return;
    if (order > 0 && x == 0 && isinf(want))
        return; // the sign of an infinite slope at -0 is a convention
    if (order > 0 && fabsl(true_value->f[0](x)) > most(t))
        return; // what is infinite has no slope
    const double as = rounded(t, (double) want);
    double ulps = INFINITY;
    if (isnan(want) || isinf(as) || isinf(want)) {
        const bool near = isinf(as) && fabsl(want) < 1.001L * most(t) && fabs(got) > 0.999 * most(t);
        ulps = (isnan(want) ? isnan(got) : got == as || near) ? 0 : INFINITY;
    } else if (isfinite(got) || (isinf(got) && fabsl(want) > 0.999L * most(t))) {
        // Derivatives may be those of a number beside x.
        long double slack = order == 0 ? 2 * ulp(t, 1) * terms(u->name, x) : 0;
        if (order > 0) {
            const long double e = t == CLG_F32 ? 0x1p-23L : 0x1p-52L;
            const long double a = true_value->f[order](x * (1 + e)), b = true_value->f[order](x * (1 - e));
            slack = isfinite(a) && isfinite(b) ? fabsl(a - b) : 0;
            slack = !isfinite(a) && isfinite(b) ? 2 * fabsl(b - want) : slack; // at the end of what it is defined for
            slack += true_value->absolute * ulp(t, 1);
        }
        // Numbers below the smallest normal one may be flushed, also on the way.
        const long double flush = least(t) * (order == 2 ? 5000 : order ? 4 * fminl(1 + fabsl(x), 1000) : 4);
        long double e = isinf(got) ? 0 : fabsl(got - want) - slack;
        if (fabsl(want) < flush && e <= flush)
            e = 0;
        ulps = (double) (fmaxl(e, 0) / ulp(t, want));
    }
    if (ulps > w->ulps || isnan(ulps))
        *w = (worst) { ulps, x, got, (double) want };
}

static double allowed(const char *name, int order)
{
    const truth *t = truth_of(name);
    const double value = t ? t->ulps : 16;
    return order == 0 ? value : order == 1 ? 2 * value + 6 : 4 * value + 12;
}

static int failures;

static void sweep(const unary *u, clg_dtype t)
{
    static double x[POINTS], y[POINTS];
    clg_scope s = clg_scope_push(dev);
    const int n = points(t, x);
    clg_tensor out[3];
    const int orders = derivatives(u, upload_as(t, x, n), out);
    ok(clg_eval_n(out, orders));
    for (int k = 0; k < orders && clg_dtype_is_float(out[0]->dtype); k++) {
        worst w = { 0 };
        read_as(out[k], y, n);
        for (int i = 0; i < n; i++)
            compare(u, t, k, x[i], y[i], &w);
        const bool bad = !(w.ulps <= allowed(u->name, k));
        failures += bad;
        if (bad || printing())
            printf("%s%s %s order %d: %.3g ulp at %.9g: %.9g, exact %.9g\n", bad ? "WRONG " : "", clg_dtype_name(t),
                   u->name, k, w.ulps, w.x, w.got, w.want);
    }
    clg_scope_pop(s);
}

// _i: F32, F64
START_TEST(values_and_derivatives_of_all_magnitudes)
{
    failures = 0;
    for (int k = 0; k < UNARIES && has(dtypes[_i]); k++)
        sweep(&unaries[k], dtypes[_i]);
    ck_assert_int_eq(failures, 0);
}
END_TEST

// ---- neighbours in a vector

static const double kinds[] = { 0.7, -0.0, 0, 1e-5, -1e-5, 1e-42, -1e-42, 1e-38, 0.3, -0.9, 1, -1, 2.5, -12, 30, -95, 200,
                                1e-310, 1e-300, 1e305, 750, -800, 1.5e4, 70000, -1e6, 4.3e6, 2e7, -1e9, 1e15, 3e38, -3e38, INFINITY, -INFINITY, NAN };
enum { KINDS = sizeof kinds / sizeof kinds[0], LANES = 16 };

static bool same_bits(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

// alone[] has one vector of equal lanes per kind; mixed[] one kind among another, at each place.
static void compare_lanes(const char *name, clg_dtype t, int order, const double *alone, const double *mixed)
{
    for (int v = 0; v < KINDS; v++) {
        for (int w = 0; w < KINDS; w++) {
            for (int at = 0; at < LANES; at++) {
                const double *row = mixed + ((v * KINDS + w) * LANES + at) * LANES;
                for (int lane = 0; lane < LANES; lane++) {
                    const int self = lane == at ? v : w;
                    if (same_bits(row[lane], alone[self * LANES]))
                        continue;
                    failures++;
                    printf("WRONG %s %s order %d: %.9g beside %.9g in lane %d of 16 gives %.9g, alone %.9g\n",
                           clg_dtype_name(t), name, order, kinds[self], kinds[self == v ? w : v], lane,
                           row[lane], alone[self * LANES]);
                    return;
                }
            }
        }
    }
}

START_TEST(a_lane_does_not_see_its_neighbours)
{
    const clg_dtype t = dtypes[_i];
    const int n = KINDS * KINDS * LANES * LANES, few = KINDS * LANES;
    double *mixed = malloc((size_t) n * sizeof mixed[0]), *alone = malloc((size_t) few * sizeof alone[0]);
    failures = 0;
    for (int k = 0; k < UNARIES && has(t); k++) {
        if (!in_turn(k, on_pocl() ? 2 : 3)) // a GPU's lanes are apart
            continue;
        clg_scope s = clg_scope_push(dev);
        for (int i = 0; i < n; i++) {
            const int lane = i % LANES, at = i / LANES % LANES, w = i / LANES / LANES % KINDS;
            mixed[i] = kinds[lane == at ? i / LANES / LANES / KINDS : w];
        }
        for (int i = 0; i < few; i++)
            alone[i] = kinds[i / LANES];
        clg_tensor one[3], all[3];
        const int orders = derivatives(&unaries[k], upload_as(t, alone, few), one);
        derivatives(&unaries[k], upload_as(t, mixed, n), all);
        ok(clg_eval_n(one, orders));
        ok(clg_eval_n(all, orders));
        for (int order = 0; order < orders; order++) {
            read_as(one[order], alone, few);
            read_as(all[order], mixed, n);
            compare_lanes(unaries[k].name, t, order, alone, mixed);
        }
        clg_scope_pop(s);
    }
    free(mixed);
    free(alone);
    ck_assert_int_eq(failures, 0);
}
END_TEST

// ---- two numbers

// y, da, db, daa, dab, dbb; dba instead of dab where mixed. The number of them: 1, 3 or 6.
static int derivatives2(const binary *u, clg_tensor a, clg_tensor b, bool mixed, clg_tensor out[6])
{
    clg_tensor in[2] = { clg_track(a), clg_track(b) }, dd[2];
    out[0] = u->f(in[0], in[1]);
    if (!clg_dtype_is_float(out[0]->dtype))
        return 1;
    clg_tensor one = clg_ones(dev, out[0]->dtype, out[0]->shape);
    int n = 1;
    if (clg_vjp_n(out[0], one, in, 2, false, out + 1) >= 0 &&
        clg_vjp_n(out[1], one, in, 2, true, dd) >= 0) {
        out[3] = dd[0];
        out[4] = dd[1];
        ok(clg_vjp_n(out[2], one, in, 2, true, dd));
        out[4] = mixed ? dd[0] : out[4];
        out[5] = dd[1];
        n = 6;
    }
    clg_error_clear(dev);
    return n;
}

typedef struct worst2 {
    double ulps, a, b, got, want;
} worst2;

static void compare2(const truth2 *u, clg_dtype t, int k, double a, double b, double got, worst2 *w)
{
    const long double want = u->f[k](a, b), e = t == CLG_F32 ? 0x1p-23L : 0x1p-52L;
    long double slack = 0, error = INFINITY;
    if (k > 0 && (!(fabsl(u->f[0](a, b)) <= most(t)) || isnan(want) || isinf(want) || a == 0 || b == 0))
        return; // no slope, or a convention: golden.txt
    if (isnan(want))
        error = isnan(got) ? 0 : INFINITY;
    else if (fabsl(want) > 0.999L * most(t))
        error = fabs(got) > 0.998 * most(t) && (got > 0) == (want > 0) ? 0 : INFINITY;
    else if (isfinite(got))
        error = fabsl(got - want);
    for (int i = 0; i < 4 && k > 0; i++) { // derivatives may be those of numbers beside a and b
        const long double at = u->f[k](a * (i == 0 ? 1 + e : i == 1 ? 1 - e : 1), b * (i == 2 ? 1 + e : i == 3 ? 1 - e : 1));
        slack += isfinite(at) ? 2 * fabsl(at - want) : 0;
    }
    if (k > 0 && strcmp(u->name, "pow") == 0) { // exponents are b - 1 and b - 2, rounded; powers may overflow
        slack += 2 * e * fabsl(want * logl(fabsl((long double) a)));
        if (k >= 3 && fabsl(powl(a, b - 2)) > most(t))
            return;
    }
    // what is smaller than all normal numbers may be flushed, also on the way
    if (k > 0 && (fabsl(want) < 64 * least(t) || fabsl(u->f[0](a, b)) < least(t)))
        slack += 64 * least(t);
    if (fabsl(want) < least(t))
        slack += least(t);
    const double ulps = (double) (fmaxl(error - slack, 0) / ulp(t, want));
    if (!(ulps <= w->ulps))
        *w = (worst2) { ulps, a, b, got, (double) want };
}

static int pair_points(clg_dtype t, double *x)
{
    static const double near[] = { 0, 1, 2, 0.5, 3, 0.001, 10, 1.0000001, 0.999, 17.5, 89, 120 };
    int n = 0;
    for (int k = -7; k <= 7; k++)
        x[n++] = pow(10, (t == CLG_F32 ? 5.31 : 43.7) * k);
    for (size_t k = 0; k < sizeof near / sizeof near[0]; k++)
        x[n++] = near[k];
    for (int i = 0; i < n; i++) {
        x[i] = rounded(t, x[i]);
        x[n + i] = -x[i];
    }
    return 2 * n;
}

// _i: F32, F64
START_TEST(values_and_derivatives_of_pairs)
{
    const clg_dtype t = dtypes[_i];
    static double x[POINTS], a[POINTS], b[POINTS], y[POINTS];
    const int m = pair_points(t, x), n = m * m;
    ck_assert_int_lt(n, POINTS);
    for (int i = 0; i < n; i++) {
        a[i] = x[i / m];
        b[i] = x[i % m];
    }
    failures = 0;
    for (int r = 0; r < BINARIES && has(t); r++) {
        const truth2 *u = truth2_of(binaries[r].name);
        clg_scope s = clg_scope_push(dev);
        clg_tensor out[6];
        const int orders = u ? derivatives2(&binaries[r], upload_as(t, a, n), upload_as(t, b, n), r % 2, out) : 0;
        ok(clg_eval_n(out, orders));
        for (int k = 0; k < orders; k++) {
            worst2 w = { 0 };
            read_as(out[k], y, n);
            for (int i = 0; i < n; i++)
                compare2(u, t, k, a[i], b[i], y[i], &w);
            const bool bad = !(w.ulps <= (k == 0 ? u->ulps : k < 3 ? 2 * u->ulps + 8 : 4 * u->ulps + 16));
            failures += bad;
            if (bad || printing())
                printf("%s%s %s %s: %.3g ulp at %.9g, %.9g: %.9g, exact %.9g\n", bad ? "WRONG " : "",
                       clg_dtype_name(t), u->name, &"y\0 \0da\0db\0aa\0ab\0bb"[k == 0 ? 0 : 4 + 3 * (k - 1)], w.ulps,
                       w.a, w.b, w.got, w.want);
        }
        clg_scope_pop(s);
    }
    ck_assert_int_eq(failures, 0);
}
END_TEST

static const double pair_kinds[][2] = { { 0.7, 1.3 }, { -0.0, 2 }, { 1e-5, -1e-5 }, { 1e-42, 3 }, { 3e38, -3e38 },
                                        { INFINITY, 1 }, { 1, INFINITY }, { NAN, 1 }, { 2.5, NAN }, { 0, 0 },
                                        { 1, 0 }, { -7, 2 }, { 7, -0.1 }, { -8, 3 }, { 1e-30, 2 }, { 2, -1e9 } };
enum { PAIR_KINDS = sizeof pair_kinds / sizeof pair_kinds[0] };

// One pair among others of one kind, at one place of the vector; every row, integers and comparisons too.
START_TEST(a_pair_does_not_see_its_neighbours)
{
    const clg_dtype t = dtypes[_i];
    enum { N = PAIR_KINDS * PAIR_KINDS * LANES, FEW = PAIR_KINDS * LANES };
    static double a[N], b[N], alone_a[FEW], alone_b[FEW], got[N], want[FEW];
    for (int i = 0; i < N; i++) {
        const int v = i / LANES / PAIR_KINDS, w = i / LANES % PAIR_KINDS;
        const int k = i % LANES == (3 * v + w) % LANES ? v : w;
        a[i] = pair_kinds[k][0];
        b[i] = pair_kinds[k][1];
    }
    for (int i = 0; i < FEW; i++) {
        alone_a[i] = pair_kinds[i / LANES][0];
        alone_b[i] = pair_kinds[i / LANES][1];
    }
    failures = 0;
    for (int r = 0; r < BINARIES && has(t); r++) {
        clg_scope s = clg_scope_push(dev);
        clg_tensor one[6], all[6];
        const int orders = derivatives2(&binaries[r], upload_as(t, alone_a, FEW), upload_as(t, alone_b, FEW), false, one);
        derivatives2(&binaries[r], upload_as(t, a, N), upload_as(t, b, N), false, all);
        ok(clg_eval_n(one, orders));
        ok(clg_eval_n(all, orders));
        for (int k = 0; k < orders; k++) {
            read_as(one[k], want, FEW);
            read_as(all[k], got, N);
            for (int i = 0; i < N; i++) {
                const int v = i / LANES / PAIR_KINDS, w = i / LANES % PAIR_KINDS;
                const int self = i % LANES == (3 * v + w) % LANES ? v : w;
                if (same_bits(got[i], want[self * LANES]))
                    continue;
                failures++;
                printf("WRONG %s %s order %d: (%.9g, %.9g) beside (%.9g, %.9g) gives %.9g, alone %.9g\n",
                       clg_dtype_name(t), binaries[r].name, k, a[i], b[i], pair_kinds[self == v ? w : v][0],
                       pair_kinds[self == v ? w : v][1], got[i], want[self * LANES]);
                break;
            }
        }
        clg_scope_pop(s);
    }
    ck_assert_int_eq(failures, 0);
}
END_TEST

// ---- losses

enum { ROWS = 64, CLASSES = 5 };

// Rows of logits of every size, equal ones, and classes that are ruled out.
static void fill_logits(clg_dtype t, double *x)
{
    static const double shape[CLASSES] = { 0, 1, -1, 0.5, 0.999 };
    const double step = (t == CLG_F32 ? 76.0 : 614.0) / (ROWS - 4);
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < CLASSES; k++) {
            const double size = pow(10, (i - (ROWS - 4) / 2) * step);
            x[i * CLASSES + k] = rounded(t, i < ROWS - 4 ? shape[k] * size : i == ROWS - 4 ? most(t)
                                         : i == ROWS - 3 ? -most(t) : k % 2 ? (double) -INFINITY : k * 3.0);
        }
    }
}

static bool near(clg_dtype t, double got, long double want, long double size)
{
    if (fabsl(want) > 0.9999L * most(t))
        return isinf(got) || fabs(got) > 0.999 * most(t);
    return fabsl(got - want) <= 6 * ulp(t, size) + 4 * least(t);
}

// Value, gradient, and the gradient of a weighted gradient, p (w - sum p w).
static void check_row(clg_dtype t, const double *x, int label, const double *value, const double *g, const double *h)
{
    long double top = x[0], sum = 0, p[CLASSES], mean = 0;
    for (int k = 1; k < CLASSES; k++)
        top = fmaxl(top, x[k]);
    for (int k = 0; k < CLASSES; k++)
        sum += p[k] = expl(x[k] - top);
    for (int k = 0; k < CLASSES; k++)
        mean += (p[k] /= sum) * (k + 1);
    const long double loss = top - x[label] + logl(sum);
    if (!near(t, *value, loss, fmaxl(1, fabsl(loss)))) {
        failures++;
        printf("WRONG %s loss of %.9g %.9g ...: %.9g, exact %.9Lg\n", clg_dtype_name(t), x[0], x[1], *value, loss);
    }
    for (int k = 0; k < CLASSES; k++) {
        const long double want = p[k] - (k == label), bend = p[k] * (k + 1 - mean);
        // a logarithm as large as the logits knows its exponential no better than that
        const long double scale = 1 + (p[k] > 1e-6L && p[k] < 0.999L ? fminl(fabsl(x[k] - top), 100) : 0);
        if (near(t, g[k], want, scale) && near(t, h[k], bend, 4 * scale))
            continue;
        failures++;
        printf("WRONG %s loss of %.9g %.9g ... class %d: gradient %.9g, exact %.9Lg; second %.9g, %.9Lg\n",
               clg_dtype_name(t), x[0], x[1], k, g[k], want, h[k], bend);
    }
}

// _i: F32, F64
START_TEST(losses_of_all_magnitudes)
{
    enum { N = ROWS * CLASSES };
    static double x[N], g[N], h[N], value[ROWS], w[N], lse[ROWS], p[N], d[N];
    static int64_t label[ROWS];
    const clg_dtype t = dtypes[_i];
    if (!has(t))
        return;
    clg_scope s = clg_scope_push(dev);
    fill_logits(t, x);
    for (int i = 0; i < N; i++)
        w[i] = i % CLASSES + 1;
    for (int i = 0; i < ROWS; i++)
        label[i] = i >= ROWS - 2 ? 2 : i % CLASSES;
    clg_tensor a = clg_track(clg_reshape(upload_as(t, x, N), CLG_SHAPE(ROWS, CLASSES)));
    clg_tensor target = clg_upload(dev, CLG_I64, CLG_SHAPE(ROWS), label);
    clg_tensor each = clg_cross_entropy(a, target, clg_cross_entropy_params(.reduction = CLG_REDUCE_NONE));
    clg_tensor grad = clg_grad(clg_sum(each, CLG_ALL, false), a);
    clg_tensor weights = clg_reshape(upload_as(t, w, N), CLG_SHAPE(ROWS, CLASSES));
    clg_tensor second = clg_grad(clg_sum(clg_mul(grad, weights), CLG_ALL, false), a);
    clg_tensor all = clg_logsumexp(a, CLG_AXES(1), false), slope = clg_grad(clg_sum(all, CLG_ALL, false), a);
    read_as(each, value, ROWS);
    read_as(grad, g, N);
    read_as(second, h, N);
    read_as(all, lse, ROWS);
    read_as(clg_softmax(a, 1), p, N);
    read_as(slope, d, N);
    failures = 0;
    for (int i = 0; i < ROWS; i++) {
        check_row(t, x + i * CLASSES, (int) label[i], value + i, g + i * CLASSES, h + i * CLASSES);
        for (int k = 0; k < CLASSES; k++) { // the others agree with it
            const double want = g[i * CLASSES + k] + (k == label[i]);
            ck_assert_msg(near(t, p[i * CLASSES + k], want, 2) && near(t, d[i * CLASSES + k], want, 2),
                          "row %d class %d: softmax %.9g, slope of logsumexp %.9g, expected %.9g", i, k,
                          p[i * CLASSES + k], d[i * CLASSES + k], want);
        }
        const double size = fmax(fabs(lse[i]), fabs(x[i * CLASSES + label[i]]));
        ck_assert_msg(isinf(value[i]) || near(t, lse[i] - x[i * CLASSES + label[i]], value[i], fmax(1, size)),
                      "row %d: logsumexp %.9g, loss %.9g", i, lse[i], value[i]);
    }
    clg_scope_pop(s);
    ck_assert_int_eq(failures, 0);
}
END_TEST

START_TEST(squares_of_all_magnitudes)
{
    static double x[POINTS], y[POINTS], g[POINTS];
    const clg_dtype t = dtypes[_i];
    if (!has(t))
        return;
    clg_scope s = clg_scope_push(dev);
    const int n = points(t, x) - 3; // but what is special
    clg_tensor a = clg_track(upload_as(t, x, n)), zero = clg_zeros(dev, t, CLG_SHAPE(n));
    clg_tensor each = clg_mse_loss(a, zero, CLG_REDUCE_NONE);
    read_as(each, y, n);
    read_as(clg_grad(clg_sum(each, CLG_ALL, false), a), g, n);
    for (int i = 0; i < n; i++) {
        const long double want = (long double) x[i] * x[i];
        ck_assert_msg(near(t, y[i], want, want) && near(t, g[i], 2 * (long double) x[i], x[i]), "%.9g: %.9g, slope %.9g",
                      x[i], y[i], g[i]);
    }
    clg_scope_pop(s);
}
END_TEST

// What only F32 shows: quotients that rounding raised, where the golden file has doubles.
START_TEST(the_quotient_that_the_value_used)
{
    const float x[] = { 1, -0.5f, 1, 6, -6, 2.5f, 3e38f, -1e-30f };
    const float y[] = { 0.1f, INFINITY, -0.1f, 0.2f, 0.2f, INFINITY, -3, 3e38f };
    const float rem[] = { -9, 1, 10, -29, 30, -0.0f, 1e38f, 1 };
    const float mod[] = { -10, 0, 10, -30, 30, 0, 1e38f, 0 };
    clg_scope s = clg_scope_push(dev);
    clg_tensor a = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(8), x));
    clg_tensor b = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(8), y)), g;
    float got[8];
    for (int k = 0; k < 3; k++) {
        if (k < 2)
            g = clg_grad(clg_sum(k ? clg_fmod(a, b) : clg_remainder(a, b), CLG_ALL, false), b);
        else
            g = clg_neg(clg_floor_divide(a, b));
        ok(clg_read(g, got, sizeof got));
        for (int i = 0; i < 8; i++)
            ck_assert_msg(fabsf(got[i] - (k == 1 ? mod : rem)[i]) <= 1e-6f * fabsf(got[i]),
                          "%d: %.9g by %.9g: %.9g", k, (double) x[i], (double) y[i], (double) got[i]);
    }
    clg_scope_pop(s);
}
END_TEST

// Exact in every integer type, and nothing traps.
START_TEST(integer_divisions)
{
    const int64_t x[] = { INT64_MIN, INT64_MIN, INT64_MAX, -7, 7, -7, 7, 5, INT64_MIN, 9007199254740993, -9007199254740993, 0 };
    const int64_t y[] = { -1, 1, 2, 2, -2, -2, 2, 0, 0, 2, 2, -3 };
    const int64_t down[] = { INT64_MIN, INT64_MIN, INT64_MAX / 2, -4, -4, 3, 3, 0, 0, 4503599627370496, -4503599627370497, 0 };
    const int64_t zero[] = { INT64_MIN, INT64_MIN, INT64_MAX / 2, -3, -3, 3, 3, 0, 0, 4503599627370496, -4503599627370496, 0 };
    clg_scope s = clg_scope_push(dev);
    clg_tensor a = clg_upload(dev, CLG_I64, CLG_SHAPE(12), x), b = clg_upload(dev, CLG_I64, CLG_SHAPE(12), y);
    int64_t got[12];
    ok(clg_read(clg_floor_divide(a, b), got, sizeof got));
    for (int i = 0; i < 12; i++)
        ck_assert_int_eq(got[i], down[i]);
    ok(clg_read(clg_trunc_divide(a, b), got, sizeof got));
    for (int i = 0; i < 12; i++)
        ck_assert_int_eq(got[i], zero[i]);
    const int32_t p[] = { INT32_MIN, INT32_MIN, -7, 7 }, q[] = { -1, 3, 2, 0 };
    const int32_t d[] = { INT32_MIN, -715827883, -4, 0 };
    int32_t small[4];
    ok(clg_read(clg_floor_divide(clg_upload(dev, CLG_I32, CLG_SHAPE(4), p), clg_upload(dev, CLG_I32, CLG_SHAPE(4), q)),
                small, sizeof small));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(small[i], d[i]);
    const uint8_t u[] = { 255, 7, 0, 200 }, v[] = { 2, 0, 5, 255 }, w[] = { 127, 0, 0, 0 };
    uint8_t bytes[4];
    ok(clg_read(clg_floor_divide(clg_upload(dev, CLG_U8, CLG_SHAPE(4), u), clg_upload(dev, CLG_U8, CLG_SHAPE(4), v)),
                bytes, sizeof bytes));
    ck_assert_mem_eq(bytes, w, sizeof w);
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sweep");
    TCase *t = tcase_create("sweep");
    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, values_and_derivatives_of_all_magnitudes, 0, 2);
    tcase_add_loop_test(t, a_lane_does_not_see_its_neighbours, 0, 2);
    tcase_add_loop_test(t, values_and_derivatives_of_pairs, 0, 2);
    tcase_add_loop_test(t, a_pair_does_not_see_its_neighbours, 0, 2);
    tcase_add_loop_test(t, losses_of_all_magnitudes, 0, 2);
    tcase_add_loop_test(t, squares_of_all_magnitudes, 0, 2);
    tcase_add_test(t, the_quotient_that_the_value_used);
    tcase_add_test(t, integer_divisions);
    suite_add_tcase(s, t);
    return run_suite(s);
}
