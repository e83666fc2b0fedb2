// SPDX-License-Identifier: MIT
// Systems of small triangles and factors, as cl/solve.cl, one a lane. scratch of a lane: t, then x. [batch][n][n], [batch][n][k]
#include "lanes.clh"
#ifndef SOLVE // these are for a file read alone: src/ops/linalg_lu.c gives names and order
#define SOLVE long batch, int n, int k, int upper, int unit, int turned, int factors, long room
#endif
#ifdef FACTORS
#define PIVOTS __global const int *restrict pivots, long pivots_offset,
#else
#define PIVOTS
#endif

#ifdef FACTORS
static void NAME(change)(__global V *x, __global const int *pivots, long m, long batch, int r, int n, int k)
{
#if ITEMS > 1
    const int at = clamp(pivots[min(m, batch - 1) * n + r] - 1, 0, n - 1);
    for (int j = 0; j < k && at != r; j++) {
        const V v = AT(x, r * k + j);
        AT(x, r * k + j) = AT(x, at * k + j);
        AT(x, at * k + j) = v;
    }
#else
    // lane by lane, as elements: masks would read all rows
    EDGE EACH_LANE(l, m, batch)
    {
        const int at = clamp(pivots[(m + l) * n + r] - 1, 0, n - 1);
        __global E *own = OF_LANE(x, l);
        if (at != r)
            EDGE for (int j = 0; j < k; j++)
            {
                const E v = own[(r * k + j) * VL];
                own[(r * k + j) * VL] = own[(at * k + j) * VL];
                own[(at * k + j) * VL] = v;
            }
    }
#endif
}
#endif

static void NAME(triangle)(__global const V *t, int sr, int sc, __global V *x, int n, int k, int down, int unit)
{
    for (int step = 0; step < n; step++) {
        const int r = down ? step : n - 1 - step, from = down ? 0 : r + 1;
        // its columns are the rows of a product
        NAME(less_products)(&AT(x, r * k), 1, &AT(x, from * k), 1, k, &AT(t, r * sr + from * sc), sc, k, step);
        if (!unit) {
            const V d = AT(t, r * sr + r * sc);
            for (int j = 0; j < k; j++)
                AT(x, r * k + j) /= d;
        }
    }
}

LANES_KERNEL void NAME(solve_lanes)(__global const E *restrict t_in, long t_offset, PIVOTS __global const E *restrict b, long b_offset,
                                    __global E *restrict out, __global E *restrict scratch, SOLVE)
{
    __global V *t = SCRATCH(scratch, room), *x = &AT(t, n * n);
    EACH_LOT(m, batch)
    {
        NAME(take)(t, t_in + t_offset, m, batch, n * n);
        NAME(take)(x, b + b_offset, m, batch, n * k);
        for (int stage = 0; stage < 1 + 2 * factors; stage++) { // a change of places, L and U, or turned the other way
#ifdef FACTORS
            if (stage == (turned ? 2 : 0))
            {
                for (int step = 0; step < n; step++)
                    NAME(change)(x, pivots + pivots_offset, m, batch, turned ? n - 1 - step : step, n, k);
            } else
#endif
            {
                const int up = factors ? stage == (turned ? 0 : 2) : upper;
                NAME(triangle)(t, turned ? 1 : n, turned ? n : 1, x, n, k, up == turned, factors ? !up : unit);
            }
        }
        NAME(give)(out, x, m, batch, n * k);
    }
}
