// SPDX-License-Identifier: MIT
// Mean and variance of groups, GPU class: cl/norm_stats.clh says what they are. A work-group of ITEMS per part, which is one
// chunk.
#pragma OPENCL FP_CONTRACT OFF
#include "element.clh"
#include "norm_stats.clh"
#ifndef ITEMS
#define ITEMS 64
#endif

static inline ACC NAME(total)(ACC v, __local ACC *t)
{
    const int lid = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    t[lid] = v;
    for (int h = ITEMS / 2; h > 0; h /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lid < h)
            t[lid] += t[lid + h];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return t[0];
}

// The elements of chunk `part` that are this item's.
#define EACH(WORK)                                                                                 \
    {                                                                                              \
        long r = r0 + lid / wide, p = p0 + lid % wide;                                             \
        while (r < r1) {                                                                           \
            const ACC v = GET(a[r * step + p]);                                                    \
            WORK                                                                                   \
            r += ITEMS / wide;                                                                     \
            p += ITEMS % wide;                                                                     \
            if (p >= p1) {                                                                         \
                p -= wide;                                                                         \
                r++;                                                                               \
            }                                                                                      \
        }                                                                                          \
    }

__attribute__((reqd_work_group_size(ITEMS, 1, 1))) __kernel void NAME(norm_stats)(
    __global const E *restrict x, long offset, RESULTS, __global ACC *restrict some, GROUPS)
{
    __local ACC sums[ITEMS];
    const long u = get_group_id(0), g = u / parts, c = u % parts, step = groups * inner;
    const long r0 = c / pieces * runs, r1 = min(r0 + runs, outer);
    const long p0 = c % pieces * length, p1 = min(p0 + length, inner), wide = p1 - p0;
    const ACC n = (ACC)((r1 - r0) * wide);
    const int lid = get_local_id(0);
    __global const E *a = x + offset + g * inner;
    ACC m = (ACC)0, d = (ACC)0, q = (ACC)0;
#ifdef CENTRED
    EACH(d += v;)
    m = NAME(total)(d, sums) / n;
    d = (ACC)0;
#endif
    EACH(const ACC w = v - m; d += w; q = fma(w, w, q);)
    q = NAME(total)(q, sums);
#ifdef CENTRED
    NAME(moments) t = NAME(about)(m, NAME(total)(d, sums), q, n);
#else
    NAME(moments) t = { (ACC)0, (ACC)0, q };
#endif
    if (lid > 0)
        return;
    if (parts == 1) {
        NAME(finish)(a, g, t, RESULTS_NAMES, GROUPS_NAMES);
    } else {
        some[3 * u] = t.base;
        some[3 * u + 1] = t.off;
        some[3 * u + 2] = t.m2;
    }
}
