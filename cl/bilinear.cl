// SPDX-License-Identifier: MIT
// Images between their elements: y[n][c][p] is bilinear between the four elements around row at[n][0][p] and column
// at[n][1][p] of x[n][c]; elements outside count as 0. Where a place is infinite or NaN, so is a weight: NaN.
#pragma OPENCL FP_CONTRACT OFF
#include "element.clh"
#ifndef IMAGE
#define IMAGE long images, long C, long P, int H, int W
#endif
#define BLOCK 64
#define UNROLL _Pragma("unroll")

// Along one axis: the element before a place, and how far behind it the place is. What is far outside is at -2 or n.
#define BEFORE(at, n, low, rest)                                                                   \
    const E near_##low = (at) >= (E)-2 ? ((at) <= (E)(n) ? (at) : (E)(n)) : (E)-2;                 \
    int low = (int)near_##low;                                                                     \
    low -= (E)low > near_##low;                                                                    \
    const E rest = near_##low - (E)low + ((at) - (at));
#define IN(k, n) ((k) >= 0 && (k) < (n))
#define TAP(t, row, rows, column, columns)                                                         \
    k[(t)*BLOCK + p] = IN(row, H) && IN(column, W) ? (row)*W + (column) : -1;                      \
    weight[(t)*BLOCK + p] = (rows) * (columns);

__kernel void NAME(bilinear_items)(__global const E *restrict x, long x_offset, __global const E *restrict places,
                                   long places_offset, __global E *restrict y, IMAGE)
{
    const long at = get_global_id(0);
    if (at >= images * C * P)
        return;
    const long p = at % P, plane = at / P;
    __global const E *from = x + x_offset + plane * H * W, *place = places + places_offset + plane / C * 2 * P + p;
    BEFORE(place[0], H, row, down)
    BEFORE(place[P], W, column, across)
    E sum = (E)0;
    for (int t = 0; t < 4; t++) {
        const int i = row + t / 2, j = column + t % 2, there = IN(i, H) && IN(j, W);
        const E w = (t / 2 ? down : (E)1 - down) * (t % 2 ? across : (E)1 - across);
        sum += w * (there ? from[there ? (long)i * W + j : 0] : (E)0);
    }
    y[at] = sum;
}

// A work-item has some blocks of points, whose taps serve all channels.
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
NAME(bilinear_blocks)(__global const E *restrict x, long x_offset, __global const E *restrict places, long places_offset,
                      __global E *restrict y, IMAGE)
{
    const long blocks = (P + BLOCK - 1) / BLOCK, all = images * blocks, part = get_group_id(0), parts = get_num_groups(0);
    int k[4 * BLOCK];
    E weight[4 * BLOCK];
    for (long b = all * part / parts, last = all * (part + 1) / parts; b < last; b++) {
        const long n = b / blocks, p0 = b % blocks * BLOCK;
        const int many = (int)min((long)BLOCK, P - p0);
        __global const E *place = places + places_offset + n * 2 * P + p0;
        for (int p = 0; p < many; p++) {
            BEFORE(place[p], H, row, down)
            BEFORE(place[P + p], W, column, across)
            const E up = (E)1 - down, back = (E)1 - across;
            TAP(0, row, up, column, back)
            TAP(1, row, up, column + 1, across)
            TAP(2, row + 1, down, column, back)
            TAP(3, row + 1, down, column + 1, across)
        }
        for (long c = 0; c < C; c++) {
            __global const E *from = x + x_offset + (n * C + c) * H * W;
            __global E *to = y + (n * C + c) * P + p0;
            for (int p = 0; p < many; p++) {
                E sum = (E)0;
                UNROLL for (int t = 0; t < 4; t++)
                {
                    const int at = k[t * BLOCK + p];
                    const E v = from[max(at, 0)]; // read in any case, so that this becomes vectors
                    sum += weight[t * BLOCK + p] * (at < 0 ? (E)0 : v);
                }
                to[p] = sum;
            }
        }
    }
}
