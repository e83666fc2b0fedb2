// SPDX-License-Identifier: MIT
// The largest errors of functions of one number: of all floats, and of doubles over all exponents, for each class of
// kernels that is asked for. ulp.py runs this on every implementation and writes docs/results/2026-11-28-ulp.md's table.
//
//   ulp [--classes cpu,gpu] [--step N] [--rest N] [--doubles N] [--binades] [FUNCTION...]
//
// step     every Nth float (1) of those where a function bends: `bends` below; 0: none
// rest     every Nth of the others (61), of which it makes numbers of one kind: 0, 1, its argument, a pole, NaN
// doubles  so many doubles (0)
// binades  also the largest error between any two powers of two
#include "float_truth.h"
#include "sweep_truth.h"
#include "ulps.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK = 1 << 22, BLOCK = 4096, BINADES = 512, MOST_CLASSES = 2 };

typedef struct device {
    const char *class;
    clg_device dev;
    float *y;
    double *wide;
    worst all, below, binade[BINADES]; // below: where the exact value is less than the least normal float
} device;

static device devices[MOST_CLASSES];
static int n_devices;
static float *x;
static double *want, *x_wide;
static uint64_t seed = 20261128;

static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double) (int64_t) seed * 0x1p-63;
}

static void fail(const char *what)
{
    fprintf(stderr, "ulp: %s\n", what);
    exit(1);
}

static void apply(device *d, const float_truth *f, clg_dtype type, const void *in, void *out, int n)
{
    const size_t size = type == CLG_F64 ? sizeof(double) : sizeof(float);
    clg_scope s = clg_scope_push(d->dev);
    const clg_status st = clg_read(f->f(clg_upload(d->dev, type, CLG_SHAPE(n), in)), out, (size_t) n * size);
    if (st < 0)
        fail(clg_error(d->dev, st));
    clg_scope_pop(s);
}

static void look(device *d, const float_truth *f, double a, double got, bool wide)
{
    const long double exact = truth_of(f->name)->f[0](a), least = wide ? DBL_MIN : FLT_MIN;
    if (isinf(a) && isnan(exact))
        return; // a formula without a limit
    const bool below = fabsl(exact) < least;
    const double ulps = ulps_between(got, exact, isfinite(a) ? terms(f->name, a, 0) : 0, wide, 0);
    worst *w = below ? &d->below : &d->all;
    const worst now = { ulps, a, 0, got, (double) exact };
    if (!(ulps <= w->ulps))
        *w = now;
    if (!wide && !below) {
        const float single = (float) a;
        uint32_t bits;
        memcpy(&bits, &single, sizeof bits);
        if (!(ulps <= d->binade[bits >> 23].ulps))
            d->binade[bits >> 23] = now;
    }
}

static uint32_t bits_of(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

// Blocks that may hold a larger error than those before are looked at with more digits.
static void compare_floats(device *d, const float_truth *f, int n, const double *cancels)
{
    static float_errors rough[CHUNK / BLOCK];
    const double least = 1e-5; // far above what the truth is wrong by
    const int blocks = (n + BLOCK - 1) / BLOCK;
    for (int b = 0; b < blocks; b++) {
        const int at = b * BLOCK, count = n - at < BLOCK ? n - at : BLOCK;
        rough[b] = float_errors_of(d->y + at, want + at, cancels ? cancels + at : NULL, count);
    }
    for (int b = 0; b < blocks; b++) {
        const int at = b * BLOCK, end = n - at < BLOCK ? n : at + BLOCK;
        const uint32_t first = bits_of(x[at]) >> 23, last = bits_of(x[end - 1]) >> 23;
        bool more = last - first > 1 || rough[b].below > d->below.ulps + least;
        for (uint32_t i = first; i <= last && !more; i++)
            more = rough[b].all > d->binade[i].ulps + least;
        for (int i = at; i < end && more; i++) {
            const float_errors one = float_errors_of(d->y + i, want + i, cancels ? cancels + i : NULL, 1);
            if (one.all > d->binade[bits_of(x[i]) >> 23].ulps + least || one.below > d->below.ulps + least)
                look(d, f, (double) x[i], (double) d->y[i], false);
        }
    }
}

static void print(const device *d, const char *type, const char *name, const char *part, const worst *w)
{
    printf("%s %s %s %s %.2f %a %a %a\n", d->class, type, name, part, w->ulps, w->a, w->got, w->want);
}

static void report(const char *type, const char *name, bool binades)
{
    for (device *d = devices; d < devices + n_devices; d++) {
        print(d, type, name, "all", &d->all);
        print(d, type, name, "below", &d->below);
        for (int i = 0; i < BINADES && binades; i++)
            print(d, type, name, "binade", &d->binade[i]);
        d->all = d->below = (worst) { 0 };
        memset(d->binade, 0, sizeof d->binade);
    }
    fflush(stdout);
}

// Every step-th of the floats from one to another, by their bits
static void floats_between(const float_truth *f, uint64_t from, uint64_t to, uint64_t step, double *cancels)
{
    for (uint64_t at = from; at < to;) {
        int n = 0;
        for (; n < CHUNK && at < to; n++, at += step)
            x[n] = of_bits((uint32_t) at);
        for (int b = 0; b < n; b += BLOCK)
            f->of(x + b, want + b, n - b < BLOCK ? n - b : BLOCK);
        for (int i = 0; i < n && cancels; i++)
            cancels[i] = isfinite(x[i]) ? terms(f->name, (double) x[i], 0) : 0;
        for (device *d = devices; d < devices + n_devices; d++) {
            apply(d, f, CLG_F32, x, d->y, n);
            compare_floats(d, f, n, cancels);
        }
    }
}

// Between which powers of two, of either sign, all floats are looked at; others from 2^-13 to 2^7
static const struct {
    const char *name;
    int low, high;
} bends[] = {
    { "asin", -13, 0 }, { "acos", -13, 0 }, { "erfinv", -13, 0 }, { "logit", -13, 0 }, { "atanh", -13, 0 }, { "acosh", 0, 13 }, { "atan", -13, 13 },
    { "softsign", -13, 13 }, { "sin", -13, 12 }, { "cos", -13, 12 }, { "tan", -13, 12 }, { "sinc", -13, 10 },
    { "lgamma", -13, 10 }, { "digamma", -13, 10 }, { "log1p", -13, 13 }, { "log", -13, 13 }, { "log2", -13, 13 },
    { "log10", -13, 13 }, { "sqrt", -2, 2 }, { "rsqrt", -2, 2 }, { "reciprocal", -2, 2 }, { "square", -2, 2 },
};

static void floats(const float_truth *f, uint64_t step, uint64_t rest, bool binades)
{
    double *cancels = terms(f->name, -3, 0) > 0 ? malloc(CHUNK * sizeof *cancels) : NULL;
    int low = -13, high = 7;
    for (size_t i = 0; i < sizeof bends / sizeof bends[0]; i++) {
        low = strcmp(bends[i].name, f->name) == 0 ? bends[i].low : low;
        high = strcmp(bends[i].name, f->name) == 0 ? bends[i].high : high;
    }
    for (uint64_t sign = 0; sign < 2; sign++) {
        const uint64_t zero = sign << 31, first = zero + ((uint64_t) (127 + low) << 23), last = zero + ((uint64_t) (127 + high) << 23) + 1;
        floats_between(f, zero, first, rest, cancels);
        floats_between(f, first, last, step, cancels);
        floats_between(f, last, zero + 0x7fc00000, rest, cancels);
    }
    free(cancels);
    report("f32", f->name, binades);
}

// Any bits, whole ranges where functions bend, and numbers near one
static double any_double(void)
{
    const double kind = uniform(), u = uniform();
    if (kind < -0.5)
        return ldexp(u, (int) (1100 * uniform()));
    return kind < 0 ? u * 6 : kind < 0.5 ? u * 700 : kind < 0.75 ? 1 + u * 0.5 : u * 0x1p53;
}

static void doubles(const float_truth *f, int64_t count)
{
    enum { PART = CHUNK / 4 };
    for (int64_t at = 0; at < count; at += PART) {
        for (int i = 0; i < PART; i++)
            x_wide[i] = any_double();
        for (device *d = devices; d < devices + n_devices; d++)
            apply(d, f, CLG_F64, x_wide, d->wide, PART);
        for (int i = 0; i < PART; i++)
            want[i] = (double) truth_of(f->name)->f[0](x_wide[i]);
        for (device *d = devices; d < devices + n_devices; d++) {
            for (int i = 0; i < PART; i++) { // an error is at least this less a half, whichever way the truth was rounded
                if (!(ulps_between(d->wide[i], want[i], 0, true, 0) + 0.5 <= d->all.ulps))
                    look(d, f, x_wide[i], d->wide[i], true);
            }
        }
    }
    report("f64", f->name, false);
}

static bool wanted(const char *name, int n, char **names)
{
    bool any = n == 0;
    for (int i = 0; i < n; i++)
        any = any || strcmp(names[i], name) == 0;
    return any;
}

int main(int argc, char **argv)
{
    const char *classes = "cpu";
    uint64_t step = 1, rest = 61;
    int64_t count = 0;
    bool binades = false;
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--binades") == 0)
            binades = true;
        else if (i + 1 == argc)
            fail("an option lacks its value");
        else if (strcmp(argv[i], "--classes") == 0)
            classes = argv[++i];
        else if (strcmp(argv[i], "--step") == 0)
            step = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--rest") == 0)
            rest = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--doubles") == 0)
            count = strtoll(argv[++i], NULL, 10);
        else
            fail("options: --classes, --step, --rest, --doubles, --binades");
    }
    for (const char *class = strtok(strdup(classes), ","); class && n_devices < MOST_CLASSES; class = strtok(NULL, ",")) {
        char error[1100] = "";
        device *d = &devices[n_devices++];
        d->class = class;
        setenv("CLGRAD_CLASS", class, 1);
        if (clg_device_open(&d->dev, clg_device_params(.error = error, .error_size = sizeof error)) < 0)
            fail(error);
        d->y = malloc(CHUNK * sizeof *d->y);
        d->wide = malloc(CHUNK / 4 * sizeof *d->wide);
    }
    x = malloc(CHUNK * sizeof *x);
    want = malloc(CHUNK * sizeof *want);
    x_wide = malloc(CHUNK / 4 * sizeof *x_wide);
    for (int k = 0; k < float_truth_count; k++) {
        if (!wanted(float_truths[k].name, argc - i, argv + i))
            continue;
        if (!truth_of(float_truths[k].name))
            fail(float_truths[k].name);
        if (step)
            floats(&float_truths[k], step, rest, binades);
        if (count && clg_device_get_info(devices[0].dev)->fp64)
            doubles(&float_truths[k], count);
    }
    for (device *d = devices; d < devices + n_devices; d++) {
        clg_device_close(&d->dev);
        free(d->y);
        free(d->wide);
    }
    free(x);
    free(want);
    free(x_wide);
    return 0;
}
