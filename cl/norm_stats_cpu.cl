// SPDX-License-Identifier: MIT
// Mean and variance of groups, CPU class: cl/norm_stats.clh says what they are. A work-item per work-group, lanes along
// `inner`, which is VL or more.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "fold.clh"
#include "norm_stats.clh"

// Four vectors at a time, then one, then what is left of the piece: the last lanes of its last vector.
#define EACH(WORK)                                                                                 \
    ROLLED for (long r = r0; r < r1; r++)                                                          \
    {                                                                                              \
        __global const E *a = x + r * step;                                                        \
        long j = p0;                                                                               \
        ROLLED for (; j + 4 * VL <= p1; j += 4 * VL)                                               \
        {                                                                                          \
            WORK(0, NAME(load)(a + j), )                                                           \
            WORK(1, NAME(load)(a + j + VL), )                                                      \
            WORK(2, NAME(load)(a + j + 2 * VL), )                                                  \
            WORK(3, NAME(load)(a + j + 3 * VL), )                                                  \
        }                                                                                          \
        ROLLED for (; j + VL <= p1; j += VL) WORK(0, NAME(load)(a + j), )                          \
        if (j < p1)                                                                                \
            WORK(1, NAME(load)(a + p1 - VL), lane < (VEC)((ACC)(VL - (p1 - j))) ? (VEC)(0) :)      \
    }
#define ADD(k, v, only) s[k] += only v;
#define SQUARE(k, v, only)                                                                         \
    {                                                                                              \
        const VEC d_ = only(v - (VEC)(m));                                                         \
        s[k] += d_;                                                                                \
        q[k % 2] = fma(d_, d_, q[k % 2]);                                                          \
    }

static inline NAME(moments) NAME(chunk)(__global const E *x, long c, GROUPS)
{
    const VEC lane = (VEC)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const long at = pieces == 1 ? c : c / pieces, step = groups * inner;
    const long r0 = at * runs, r1 = min(r0 + runs, outer);
    const long p0 = (c - at * pieces) * length, p1 = min(p0 + length, inner);
    const ACC n = (ACC)((r1 - r0) * (p1 - p0));
    VEC s[4] = { (VEC)(0), (VEC)(0), (VEC)(0), (VEC)(0) }, q[2] = { (VEC)(0), (VEC)(0) };
#ifdef CENTRED
    EACH(ADD)
    const ACC m = NAME(fold_sum)((s[0] + s[1]) + (s[2] + s[3])) / n;
    s[0] = s[1] = s[2] = s[3] = (VEC)(0);
    EACH(SQUARE)
    return NAME(about)(m, NAME(fold_sum)((s[0] + s[1]) + (s[2] + s[3])), NAME(fold_sum)(q[0] + q[1]), n);
#else
    const ACC m = (ACC)0;
    EACH(SQUARE)
    NAME(moments) t = { (ACC)0, (ACC)0, NAME(fold_sum)(q[0] + q[1]) };
    return t;
#endif
}

CPU_KERNEL void NAME(norm_stats)(__global const E *restrict x, long offset, RESULTS, __global ACC *restrict some, GROUPS)
{
    const long id = get_group_id(0), ids = get_num_groups(0), units = groups * parts;
    for (long u = units * id / ids; u < units * (id + 1) / ids; u++) {
        const long g = parts == 1 ? u : u / parts, part = u - g * parts;
        const long from = parts == 1 ? 0 : NAME(first_chunk)(part, GROUPS_NAMES);
        const long until = parts == 1 ? chunks : NAME(first_chunk)(part + 1, GROUPS_NAMES);
        __global const E *a = x + offset + g * inner;
        NAME(moments) t = NAME(chunk)(a, from, GROUPS_NAMES);
        ACC n = until > from + 1 ? (ACC)NAME(chunk_size)(from, GROUPS_NAMES) : (ACC)0;
        for (long c = from + 1; c < until; c++) {
            const ACC own = (ACC)NAME(chunk_size)(c, GROUPS_NAMES);
            t = NAME(joined)(t, n, NAME(chunk)(a, c, GROUPS_NAMES), own);
            n += own;
        }
        if (parts == 1) {
            NAME(finish)(a, g, t, RESULTS_NAMES, GROUPS_NAMES);
        } else {
            some[3 * u] = t.base;
            some[3 * u + 1] = t.off;
            some[3 * u + 2] = t.m2;
        }
    }
}
