// SPDX-License-Identifier: MIT
// The one comparison of what a device gives with what is right: every element has a bound of its own. A bound
// relative to the largest element of a tensor would let an element 1e-5 of it be anything.
#ifndef CLG_TESTS_COMPARE_H
#define CLG_TESTS_COMPARE_H

#include "checks.h"
#include <clgrad/clgrad.h>
#include <math.h>
#include <string.h>

static inline double element_at(clg_dtype t, const void *raw, int64_t i)
{
    return clg_element_get(t, (const char *) raw + (size_t) i * clg_dtype_size(t));
}

// NaN is NaN, an infinity itself; where the bound reaches beyond a type's range, infinity is right too.
static inline bool is_within(clg_dtype t, double got, double want, double bound)
{
    const double most = t == CLG_F64   ? 1.7976931348623157e308
                        : t == CLG_F16 ? 65504
                                       : 3.3e38; // F32 and BF16
    if (isnan(want))
        return isnan(got);
    if (bound == INFINITY || got == want)
        return true;
    if (isinf(got))
        return !isinf(want) && fabs(want) + bound >= most && (got > 0) == (want > 0);
    return fabs(got - want) <= bound;
}

// want and bound as doubles; bound NULL: exact. The first difference, both values and the count.
static inline void expect_within(const char *what, clg_dtype t, const void *raw, const double *want,
                                 const double *bound, int64_t n)
{
    int64_t bad = 0, first = -1;
    for (int64_t i = 0; i < n; i++) {
        const double b = bound ? bound[i] : 0;
        if (!is_within(t, element_at(t, raw, i), want[i], b) && bad++ == 0)
            first = i;
    }
    ck_assert_msg(bad == 0,
                  "%s: element %lld of %lld is %.17g, expected %.17g within %.3g; %lld differ", what,
                  (long long) first, (long long) n, first < 0 ? 0 : element_at(t, raw, first),
                  first < 0 ? 0 : want[first], first < 0 || !bound ? 0 : bound[first], (long long) bad);
}
#endif
