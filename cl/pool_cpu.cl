// SPDX-License-Identifier: MIT
// Pooling over any window, CPU class: what cl/pool.cl computes, to the bit, by rows (cl/pool_cpu.clh).
#pragma OPENCL FP_CONTRACT OFF
#include "pool_cpu.clh"
#ifndef LOWEST
#define LOWEST (-INFINITY)
#endif

SELDOM void NAME(store_few_ints)(int16 x, __global int *p, int n)
{
    EDGE for (int i = 0; i < n; i++) p[i] = ((int *)&x)[i];
}

// Of the windows j to j + 15 of m: the places x to y - 1 at which some are inside the image.
static inline int2 NAME(reach)(int j, int n, int m, int k, int s, int p, int d)
{
    const int first = j * s - p, last = min(j + VL, m) * s - s - p;
    return (int2)(last < 0 ? DIV_UP(-last, d) : 0, first < n ? min(k, (n - 1 - first) / d + 1) : 0);
}

CPU_KERNEL void NAME(max_pool_cpu)(__global const E *restrict x, long offset, __global E *restrict y,
                                   __global int *restrict index, POOL, WINDOW)
{
    const long all = (long)N * D * H * W;
    const int16 lane = LANE * sw;
    EACH_ROW(OD, OH)
    {
        const int4 a = NAME(places)(in_plane, IMAGE_H), c = PLACES_D(DEPTH_OF(above, OD));
        const long plane = (long)PLANE(above, OD) * D * H * W, end = (long)row1 * OW;
        for (int j = 0; j < OW; j += VL) {
            const int2 span = NAME(reach)(j, W, OW, KW, sw, pw, dw);
            VEC best = (VEC)((ACC)(LOWEST));
            int16 winner = (int16)(-1);
            for (int q = c.x; q < c.y; q += c.z) {
                for (int r = a.x; r < a.y; r += a.z) {
                    const int from = (q * H + r) * W;
                    ROLLED for (int s = span.x; s < span.y; s++)
                    {
                        const int b = j * sw - pw + s * dw;
                        const VEC v = NAME(load_columns)(x + offset, plane + from + b, sw, all);
                        const int16 place = b + lane, inside = INSIDE(place, W);
                        const JOIN(MASK, 16) take = (TO_MASK(winner < 0) | (v > best) | (v != v)) & TO_MASK(inside);
                        best = take ? v : best;
                        winner = convert_int16(take) ? from + place : winner;
                    }
                }
            }
            const long at = (long)row * OW + j;
            NAME(store_near)(best, y, at, OW - j, end);
            if (at + VL <= end)
                STORE16(__global, int_at, winner, index + at);
            else
                NAME(store_few_ints)(winner, index + at, OW - j);
        }
    }
}

CPU_KERNEL void NAME(avg_pool_cpu)(__global const E *restrict x, long offset, __global E *restrict y, POOL, WINDOW)
{
    const long all = (long)N * D * H * W;
    const int16 lane = LANE * sw;
    EACH_ROW(OD, OH)
    {
        const int i = in_plane, h = DEPTH_OF(above, OD);
        const int4 a = NAME(places)(i, IMAGE_H), c = PLACES_D(h);
        const long plane = (long)PLANE(above, OD) * D * H * W, end = (long)row1 * OW;
        for (int j = 0; j < OW; j += VL) {
            const int2 span = NAME(reach)(j, W, OW, KW, sw, pw, 1);
            VEC sum = (VEC)(0);
            for (int q = c.x; q < c.y; q++) {
                for (int r = a.x; r < a.y; r++) {
                    ROLLED for (int s = span.x; s < span.y; s++)
                    {
                        const int b = j * sw - pw + s;
                        const VEC v = NAME(load_columns)(x + offset, plane + (q * H + r) * W + b, sw, all);
                        sum += TO_MASK(INSIDE(b + lane, W)) ? v : (VEC)(0);
                    }
                }
            }
            const int16 count = NAME(counts)(h, i, j, exclude, divisor, WINDOW_NAMES);
            NAME(store_near)(sum / TO_VEC(count), y, (long)row * OW + j, OW - j, end);
        }
    }
}
