// SPDX-License-Identifier: MIT
// Systems of triangles, t x = b for each of the k columns of b; and of t that holds both factors of lu.cl, whose rows
// changed places as pivots say. Turned: of t transposed. [batch][n][n], [batch][n][k], pivots [batch][n]
#include "linalg.clh"
#ifndef SOLVE // these are for a file read alone: src/ops/linalg_lu.c gives names and order
#define SOLVE long batch, int n, int k, int upper, int unit, int turned, int factors
#endif
#ifdef FACTORS
#define PIVOTS __global const int *restrict pivots, long pivots_offset,
#else
#define PIVOTS
#endif

// Rows first to end of x, which depend on no others any more.
static void NAME(block)(__global const E *t, int sr, int sc, __global E *x, int k, int first, int end, int down, int unit)
{
    for (int step = 0; step < end - first; step++) {
        const int r = down ? first + step : end - 1 - step;
        if (!unit) {
            const E d = t[r * sr + r * sc];
            EACH(j, 0, k) x[r * k + j] /= d;
            MEET;
        }
        const int from = down ? r + 1 : first, to = down ? end : r;
        NAME(subtract)(x + from * k, k, t + from * sr + r * sc, sr, sc, x + r * k, k, to - from, k, 1);
        MEET;
    }
}

static void NAME(triangle)(__global const E *t, int sr, int sc, __global E *x, int n, int k, int down, int unit)
{
    for (int done = 0; done < n; done += BLOCK) {
        const int many = min(BLOCK, n - done), first = down ? done : n - done - many, end = first + many;
        NAME(block)(t, sr, sc, x, k, first, end, down, unit);
        const int from = down ? end : 0, to = down ? n : first;
        NAME(subtract)(x + from * k, k, t + from * sr + first * sc, sr, sc, x + first * k, k, to - from, k, many);
        MEET;
    }
}

MATRICES void NAME(solve)(__global const E *restrict t_in, long t_offset, PIVOTS __global const E *restrict b, long b_offset,
                          __global E *restrict out, SOLVE)
{
    EACH_MATRIX(m, batch)
    {
        __global const E *t = t_in + t_offset + m * n * n;
        __global E *x = out + m * n * k;
        EACH(i, 0, n *k) x[i] = b[b_offset + m * n * k + i];
        MEET;
        for (int stage = 0; stage < 1 + 2 * factors; stage++) { // a change of places, L and U, or turned the other way
#ifdef FACTORS
            if (stage == (turned ? 2 : 0))
            {
                for (int step = 0; step < n; step++) {
                    const int r = turned ? n - 1 - step : step, s = clamp(pivots[pivots_offset + m * n + r] - 1, 0, n - 1);
                    EACH(j, 0, k) // each item has its columns
                    {
                        const E v = x[r * k + j];
                        x[r * k + j] = x[s * k + j];
                        x[s * k + j] = v;
                    }
                }
            } else
#endif
            {
                const int up = factors ? stage == (turned ? 0 : 2) : upper;
                NAME(triangle)(t, turned ? 1 : n, turned ? n : 1, x, n, k, up == turned, factors ? !up : unit);
            }
            MEET;
        }
    }
}
