// SPDX-License-Identifier: MIT
// Errors in units of the last place, for test_floats.c and ulp.c.
#ifndef CLG_TESTS_ULPS_H
#define CLG_TESTS_ULPS_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct worst {
    double ulps, a, b, got, want;
} worst;

static inline float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// What rounding of arguments and of terms that cancel leaves, in ulps of 1: of gamma's relatives left of 0 (digamma also
// what sweep_truth.c has of its zero), of logit at 1/2, of logaddexp of the difference and of the larger argument.
static inline double terms(const char *name, double a, double b)
{
    if (strcmp(name, "digamma") == 0)
        return a < 0 ? 4 + 6 * log(1 - a) : 0.05;
    if (strcmp(name, "lgamma") == 0)
        return a < 0 ? 4 + 2 * log(1 - a) * (1 - a) : 0;
    if (strcmp(name, "logit") == 0)
        return 2;
    const double far = fabs(a - b), m = fmax(a, b);
    return strncmp(name, "logaddexp", 9) == 0 && isfinite(far) ? far * exp2(-far) + (m < 0 ? fmin(2 * fabs(m), 2) : 0) : 0;
}

// In units of the last place of F64 (wide) or F32; `size` of what cancels. Of exact values below `flushed` anything that
// is not larger will do, since devices may flush what is below the least normal number, also on the way.
static inline double ulps_between(double got, long double want, double size, bool wide, long double flushed)
{
    const int digits = wide ? 53 : 24, least = wide ? -1022 : -126;
    const long double most = wide ? DBL_MAX : FLT_MAX, edge = 0.9999999L * most;
    if (isnan(want))
        return isnan(got) ? 0 : INFINITY;
    if (fabsl(want) > edge)
        return fabs(got) > 0.999L * most && (got > 0) == (want > 0) ? 0 : INFINITY;
    if (!isfinite(got) || (want == 0 && got == 0 && !signbit(got) != !signbit(want)))
        return INFINITY;
    int e;
    frexpl(want, &e);
    const long double error = fmaxl(0, fabsl(got - want) - ldexpl(size, -digits)), unit = ldexpl(1, (e <= least ? least + 1 : e) - digits);
    return fabsl(want) < flushed && error < flushed ? 0 : (double) (error / unit);
}
#endif
