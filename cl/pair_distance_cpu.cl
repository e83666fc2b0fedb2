// SPDX-License-Identifier: MIT
// Distances of rows of a [B][M][D] from columns of b [B][D][P], P a multiple of 32 and at least N: y [B][M][N] is the sum of
// |a - b| (SQUARES: the root of the sum of squares); what comes back, CPU class. Lanes are columns.
#include "common.clh"
#ifndef PAIRS
#define PAIRS long B, long M, long D, long N, long P
#define SQUARES
#define DOWN 0x1p-64f
#define UP 0x1p64f
#define LARGE 0x1p120f
#define SMALL 0x1p-90f
#endif
#define ROWS 4
#define RUN 2     // vectors
#define CHUNK 512 // terms that are added in order before they join the rest
#ifdef SQUARES
#define ADD_TERM(sum, d) sum = fma(d, d, sum)
#define ADD_SLOPE(sum, w, d) sum = fma(w, d, sum)
#else
#define ADD_TERM(sum, d) sum += fabs(d)
#define ADD_SLOPE(sum, w, d) sum += d > (VEC)(0) ? w : d < (VEC)(0) ? -w : w * d // NaN stays
#endif

#ifdef SQUARES
// Sums that are too large or too small for their squares, once more: of numbers that are scaled.
SELDOM VEC NAME(scaled)(__global const E *a, __global const E *b, long D, long P, VEC sum)
{
    VEC down = (VEC)(0), up = (VEC)(0);
    EDGE for (long k = 0; k < D; k++)
    {
        const VEC d = a[k] - NAME(load)(b + k * P), low = d * (VEC)(DOWN), high = d * (VEC)(UP);
        down = fma(low, low, down);
        up = fma(high, high, up);
    }
    const VEC root = sqrt(sum), large = sqrt(down) * (VEC)(UP), small = sqrt(up) * (VEC)(DOWN);
    return sum <= (VEC)(LARGE) ? (sum < (VEC)(SMALL) ? small : root) : large;
}
#endif

SELDOM void NAME(distance_tile)(__global const E *a, __global const E *b, long D, long P, int rows, VEC *restrict to)
{
    VEC total[ROWS * RUN];
    __global const E *row[ROWS];
    UNROLL for (int r = 0; r < ROWS; r++) row[r] = a + min(r, rows - 1) * D;
    UNROLL for (int t = 0; t < ROWS * RUN; t++) total[t] = (VEC)(0);
    for (long k0 = 0; k0 < D; k0 += CHUNK) {
        VEC sum[ROWS * RUN];
        UNROLL for (int t = 0; t < ROWS * RUN; t++) sum[t] = (VEC)(0);
        ROLLED for (long k = k0; k < min(D, k0 + CHUNK); k++)
        {
            VEC column[RUN];
            UNROLL for (int v = 0; v < RUN; v++) column[v] = NAME(load)(b + k * P + v * VL);
            UNROLL for (int r = 0; r < ROWS; r++)
            {
                const E x = row[r][k];
                UNROLL for (int v = 0; v < RUN; v++)
                {
                    const VEC d = x - column[v];
                    ADD_TERM(sum[r * RUN + v], d);
                }
            }
        }
        UNROLL for (int t = 0; t < ROWS * RUN; t++) total[t] += sum[t];
    }
    UNROLL for (int t = 0; t < ROWS * RUN; t++) to[t] = total[t];
}

CPU_KERNEL void NAME(pair_distance)(__global const E *restrict x, long x_offset, __global const E *restrict z, long z_offset,
                                    __global E *restrict y, PAIRS)
{
    const long high = DIV_UP(M, ROWS), wide = DIV_UP(N, RUN * VL), tiles = B * high * wide;
    const long part = get_group_id(0), parts = get_num_groups(0);
    for (long t = tiles * part / parts, last = tiles * (part + 1) / parts; t < last; t++) {
        const long batch = t / (high * wide), i = t / wide % high * ROWS, j = t % wide * RUN * VL;
        const int rows = (int)min((long)ROWS, M - i);
        __global const E *a = x + x_offset + (batch * M + i) * D, *b = z + z_offset + batch * D * P + j;
        VEC sum[ROWS * RUN];
        NAME(distance_tile)(a, b, D, P, rows, sum);
#ifdef SQUARES
        VEC off = (VEC)(0);
        UNROLL for (int q = 0; q < ROWS * RUN; q++) off = sum[q] <= (VEC)(LARGE) && sum[q] >= (VEC)(SMALL) ? off : (VEC)(1);
        ACC some = 0;
        for (int l = 0; l < VL; l++)
            some += ((const ACC *)&off)[l];
        UNROLL for (int q = 0; q < ROWS * RUN; q++)
        {
            if (some == 0)
                sum[q] = sqrt(sum[q]);
            else
                sum[q] = NAME(scaled)(a + min(q / RUN, rows - 1) * D, b + q % RUN * VL, D, P, sum[q]);
        }
#endif
        EDGE for (int q = 0; q < rows * RUN; q++)
        {
            const long column = j + q % RUN * VL;
            if (column < N)
                NAME(store_part)(sum[q], y + (batch * M + i + q / RUN) * N + column, (int)min((long)VL, N - column));
        }
    }
}

// g[i][k] = sum over j of w[i][j] times the slope of |a[i][k] - b[k][j]|; w [B][M][P] is 0 from N on.
SELDOM void NAME(slope_tile)(__global const E *a, __global const E *b, __global const E *w, long P, long N, int many,
                             VEC *restrict to)
{
    VEC sum[RUN * 4];
    UNROLL for (int t = 0; t < RUN * 4; t++) sum[t] = (VEC)(0);
    ROLLED for (long j = 0; j < N; j += RUN * VL)
    {
        UNROLL for (int v = 0; v < RUN; v++)
        {
            const VEC weight = NAME(load)(w + j + v * VL);
            UNROLL for (int k = 0; k < 4; k++)
            {
                const VEC d = a[min(k, many - 1)] - NAME(load)(b + min(k, many - 1) * P + j + v * VL);
                ADD_SLOPE(sum[k * RUN + v], weight, d);
            }
        }
    }
    UNROLL for (int k = 0; k < 4; k++)
    {
        VEC s = sum[k * RUN];
        UNROLL for (int v = 1; v < RUN; v++) s += sum[k * RUN + v];
        to[k] = s;
    }
}

CPU_KERNEL void NAME(pair_slopes)(__global const E *restrict x, long x_offset, __global const E *restrict z, long z_offset,
                                  __global const E *restrict weights, long weights_offset, __global E *restrict y, PAIRS)
{
    const long wide = DIV_UP(D, 4), tiles = B * M * wide, part = get_group_id(0), parts = get_num_groups(0);
    for (long t = tiles * part / parts, last = tiles * (part + 1) / parts; t < last; t++) {
        const long row = t / wide, k = t % wide * 4, batch = row / M;
        const int many = (int)min(4L, D - k);
        VEC sum[4];
        NAME(slope_tile)(x + x_offset + row * D + k, z + z_offset + (batch * D + k) * P, weights + weights_offset + row * P, P,
                         N, many, sum);
        EDGE for (int q = 0; q < many; q++)
        {
            const ACC *lane = (const ACC *)&sum[q];
            ACC s = lane[0];
            EDGE for (int l = 1; l < VL; l++) s += lane[l];
            y[row * D + k + q] = s;
        }
    }
}
