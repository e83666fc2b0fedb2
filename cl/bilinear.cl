// SPDX-License-Identifier: MIT
// Images between their elements: y[n][c][p] is bilinear between the four elements around row at[n][0][p] and column
// at[n][1][p] of x[n][c]; elements outside count as 0. Where a place is infinite or NaN, so is a weight: NaN.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "pairs.clh"
#ifndef IMAGE
#define IMAGE long images, long C, long P, int H, int W
#endif
#define BLOCK 64

// Along one axis: the element before a place, and how far behind it the place is. What is far outside is at -2 or n.
#define BEFORE(at, n, low, rest)                                                                   \
    const E near_##low = (at) >= (E)-2 ? ((at) <= (E)(n) ? (at) : (E)(n)) : (E)-2;                 \
    int low = (int)near_##low;                                                                     \
    low -= (E)low > near_##low;                                                                    \
    const E rest = near_##low - (E)low + ((at) - (at));
#define IN(k, n) ((k) >= 0 && (k) < (n))

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

// ---- CPU class: a work-item has some blocks of points, whose taps serve all channels

typedef struct {
    int top[BLOCK], bottom[BLOCK]; // two neighbours in a row each, in the image
    E row[BLOCK], shift[BLOCK]; // the row before a point; how far the column before it is from the first of two
    E weight[4 * BLOCK];
    int whole[BLOCK / VL]; // all taps of sixteen points are those that are loaded
} NAME(taps);

static void NAME(taps_of)(__global const E *place, long P, int many, int H, int W, NAME(taps) *restrict to)
{
    for (int p = 0; p < many; p++) {
        BEFORE(place[p], H, row, down)
        BEFORE(place[P + p], W, column, across)
        const E up = (E)1 - down, back = (E)1 - across;
        const int first = min(max(column, 0), W - 2);
        to->top[p] = min(max(row, 0), H - 1) * W + first;
        to->bottom[p] = min(max(row + 1, 0), H - 1) * W + first;
        to->row[p] = (E)row;
        to->shift[p] = (E)(column - first);
        to->weight[p] = up * back;
        to->weight[BLOCK + p] = up * across;
        to->weight[2 * BLOCK + p] = down * back;
        to->weight[3 * BLOCK + p] = down * across;
    }
    for (int p = many; p < ROUND_UP(many, VL); p++) {
        to->top[p] = to->bottom[p] = 0;
        to->row[p] = to->shift[p] = (E)0;
        UNROLL for (int t = 0; t < 4; t++) to->weight[t * BLOCK + p] = (E)0;
    }
    for (int v = 0; v * VL < many; v++) {
        int outside = 0;
        for (int p = v * VL; p < v * VL + VL; p++)
            outside |= to->shift[p] != (E)0 || to->row[p] < (E)0 || to->row[p] >= (E)(H - 1);
        to->whole[v] = !outside;
    }
}

EIGHT_PAIRS(pairs, __private, 1)
#define PAIRS(k, first, second)                                                                    \
    {                                                                                              \
        const VEC low_ = NAME(pairs)(from, k), high_ = NAME(pairs)(from, (k) + VL / 2);            \
        first = EVENS(VEC, low_, high_);                                                           \
        second = ODDS(VEC, low_, high_);                                                           \
    }

static inline VEC NAME(sum_taps)(__global const E *restrict from, const NAME(taps) *restrict taps, int v, int H)
{
    VEC a, b, c, d;
    PAIRS(taps->top + v * VL, a, b)
    PAIRS(taps->bottom + v * VL, c, d)
    if (!taps->whole[v]) {
        const VEC shift = vload16(v, taps->shift), row = vload16(v, taps->row), none = (VEC)((E)0);
        const VEC a0 = a, c0 = c, last = (VEC)((E)(H - 1));
        a = row >= none && row <= last ? (shift == none ? a : shift == (VEC)((E)1) ? b : none) : none;
        b = row >= none && row <= last ? (shift == none ? b : shift == (VEC)((E)-1) ? a0 : none) : none;
        c = row >= (VEC)((E)-1) && row < last ? (shift == none ? c : shift == (VEC)((E)1) ? d : none) : none;
        d = row >= (VEC)((E)-1) && row < last ? (shift == none ? d : shift == (VEC)((E)-1) ? c0 : none) : none;
    }
    VEC sum = (VEC)((E)0) + vload16(v, taps->weight) * a;
    sum += vload16(v, taps->weight + BLOCK) * b;
    sum += vload16(v, taps->weight + 2 * BLOCK) * c;
    sum += vload16(v, taps->weight + 3 * BLOCK) * d;
    return sum;
}

// W is 2 or more.
CPU_KERNEL void NAME(bilinear_blocks)(__global const E *restrict x, long x_offset, __global const E *restrict places,
                                      long places_offset, __global E *restrict y, IMAGE)
{
    const long blocks = (P + BLOCK - 1) / BLOCK, all = images * blocks, part = get_group_id(0), parts = get_num_groups(0);
    NAME(taps) taps;
    for (long b = all * part / parts, last = all * (part + 1) / parts; b < last; b++) {
        const long n = b / blocks, p0 = b % blocks * BLOCK;
        const int many = (int)min((long)BLOCK, P - p0);
        NAME(taps_of)(places + places_offset + n * 2 * P + p0, P, many, H, W, &taps);
        for (long c = 0; c < C; c++) {
            __global const E *from = x + x_offset + (n * C + c) * H * W;
            __global E *to = y + (n * C + c) * P + p0;
            ROLLED for (int v = 0; v * VL < many; v++)
                NAME(store_part)(NAME(sum_taps)(from, &taps, v, H), to + v * VL, many - v * VL);
        }
    }
}

// A work-item has up to `width` planes of an image, into which it sends everything in one order; images, C and P are g's.
CPU_KERNEL void NAME(bilinear_scatter)(__global const E *restrict g, long g_offset, __global const E *restrict places,
                                       long places_offset, __global E *restrict x, IMAGE, long width)
{
    const long n = get_group_id(1), c0 = get_group_id(0) * width, planes = min(width, C - c0), size = (long)H * W;
    __global E *to = x + (n * C + c0) * size;
    int k[4 * BLOCK];
    E weight[4 * BLOCK];
    for (long i = 0; i < planes * size; i++)
        to[i] = (E)0;
    for (long p0 = 0; p0 < P; p0 += BLOCK) {
        const int many = (int)min((long)BLOCK, P - p0);
        __global const E *place = places + places_offset + n * 2 * P + p0;
        for (int p = 0; p < many; p++) {
            BEFORE(place[p], H, row, down)
            BEFORE(place[P + p], W, column, across)
            UNROLL for (int t = 0; t < 4; t++)
            {
                const int i = row + t / 2, j = column + t % 2;
                k[t * BLOCK + p] = IN(i, H) && IN(j, W) ? i * W + j : -1;
                weight[t * BLOCK + p] = (t / 2 ? down : (E)1 - down) * (t % 2 ? across : (E)1 - across);
            }
        }
        __global const E *from = g + g_offset + (n * C + c0) * P + p0;
        ROLLED for (int p = 0; p < many; p++)
            for (long c = 0; c < planes; c++) {
                const E v = from[c * P + p];
                __global E *plane = to + c * size;
                UNROLL for (int t = 0; t < 4; t++)
                {
                    const int at = k[t * BLOCK + p];
                    if (at >= 0)
                        plane[at] += weight[t * BLOCK + p] * v;
                }
            }
    }
}
