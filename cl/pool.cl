// SPDX-License-Identifier: MIT
// Pooling over windows of planes [N][D][H][W] -> [N][OD][OH][OW], any window: one work-item per result, both
// classes. Windows of 2x2 that tile the plane have CPU-class kernels in cl/pool_2x2.cl. Places are those of
// the winner within its plane: the last NaN, else the first maximum; -1 where a window sees padding alone.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "window.clh"
#ifndef LOWEST // of integers also SUM, in which averages are added, and how
#define LOWEST (-INFINITY)
#endif
#ifndef SUM
#define SUM ACC
#define PLUS(a, b) ((a) + (b))
#define OVER(a, b) ((a) / (b))
#endif
#ifndef POOL // total: elements of the result. Averages leave padding out, and are divided by this unless it is 0.
#define POOL long total, int exclude, int divisor
#endif

__kernel void NAME(max_pool)(__global const E *restrict x, long offset, __global E *restrict y,
                             __global INDEX *restrict index, POOL, WINDOW)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int4 b = NAME(places)(at % OW, IMAGE_W), a = NAME(places)(at / OW % OH, IMAGE_H);
    const int4 c = NAME(places)(DEPTH(at / OW, OH, OD), IMAGE_D);
    __global const E *p = x + offset + OUT_PLANE(at) * D * H * W;
    ACC best = (ACC)(LOWEST);
    INDEX winner = -1;
    for (int q = c.x; q < c.y; q += c.z) {
        for (int r = a.x; r < a.y; r += a.z) {
            for (int s = b.x; s < b.y; s += b.z) {
                const INDEX k = ((INDEX)q * H + r) * W + s;
                const ACC v = GET(p[k]);
                if (winner < 0 || v > best || v != v) {
                    best = v;
                    winner = k;
                }
            }
        }
    }
    y[at] = PUT(best);
    index[at] = winner;
}

// dx: each input sums the cotangents of the windows that chose it.
__kernel void NAME(max_pool_scatter)(__global const E *restrict g, long offset,
                                     __global const INDEX *restrict index, long index_offset,
                                     __global E *restrict dx, POOL, WINDOW)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const INDEX plane = (INDEX)D * H * W, k = at % plane;
    const int b = k % W, a = k / W % H, c = DEPTH(k / W, H, D);
    const int2 wb = NAME(windows)(b, IMAGE_W), wa = NAME(windows)(a, IMAGE_H), wc = NAME(windows)(c, IMAGE_D);
    const long from = at / plane * OD * OH * OW;
    ACC sum = (ACC)0;
    for (int q = wc.x; q >= wc.y; q--) {
        for (int r = wa.x; r >= wa.y; r--) {
            for (int s = wb.x; s >= wb.y; s--) {
                const long o = from + ((long)q * OH + r) * OW + s;
                sum += index[index_offset + o] == k ? GET(g[offset + o]) : (ACC)0;
            }
        }
    }
    dx[at] = PUT(sum);
}

__kernel void NAME(max_pool_gather)(__global const E *restrict x, long offset,
                                    __global const INDEX *restrict index, long index_offset,
                                    __global E *restrict y, POOL, WINDOW)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const INDEX k = index[index_offset + at];
    y[at] = k < 0 ? (E)0 : x[offset + OUT_PLANE(at) * D * H * W + k];
}

// What a window's sum is divided by: a number for all of them, or its places in the image, with or without padding. In
// gradients a number for all divides what has been added up.
static inline long NAME(count)(int q, int r, int s, int exclude, int divisor, WINDOW)
{
    if (divisor)
        return divisor;
#ifndef ADAPTIVE
    if (!exclude) {
        const int c = q * sd - pd, a = r * sh - ph, b = s * sw - pw;
        return (long)(min(c + KD, D + ed) - c) * (min(a + KH, H + eh) - a) * (min(b + KW, W + ew) - b);
    }
#endif
    const int4 c = NAME(places)(q, IMAGE_D), a = NAME(places)(r, IMAGE_H), b = NAME(places)(s, IMAGE_W);
    return (long)(c.y - c.x) * (a.y - a.x) * (b.y - b.x);
}

__kernel void NAME(avg_pool)(__global const E *restrict x, long offset, __global E *restrict y,
                             POOL, WINDOW)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int j = at % OW, i = at / OW % OH, h = DEPTH(at / OW, OH, OD);
    const int4 b = NAME(places)(j, IMAGE_W), a = NAME(places)(i, IMAGE_H), c = NAME(places)(h, IMAGE_D);
    __global const E *p = x + offset + OUT_PLANE(at) * D * H * W;
    SUM sum = (SUM)0;
    for (int q = c.x; q < c.y; q++)
        for (int r = a.x; r < a.y; r++)
            for (int s = b.x; s < b.y; s++)
                sum = PLUS(sum, GET(p[((INDEX)q * H + r) * W + s]));
    y[at] = PUT((ACC)OVER(sum, (SUM)NAME(count)(h, i, j, exclude, divisor, WINDOW_NAMES)));
}

__kernel void NAME(avg_pool_back)(__global const E *restrict g, long offset, __global E *restrict dx,
                                  POOL, WINDOW)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int2 wb = NAME(windows)(at % W, IMAGE_W), wa = NAME(windows)(at / W % H, IMAGE_H);
    const int2 wc = NAME(windows)(DEPTH(at / W, H, D), IMAGE_D);
    __global const E *p = g + offset + IN_PLANE(at) * OD * OH * OW;
    ACC sum = (ACC)0;
    for (int q = wc.x; q >= wc.y; q--)
        for (int r = wa.x; r >= wa.y; r--)
            for (int s = wb.x; s >= wb.y; s--)
                sum += GET(p[((INDEX)q * OH + r) * OW + s]) /
                       (divisor ? (ACC)1 : (ACC)NAME(count)(q, r, s, exclude, 0, WINDOW_NAMES));
    dx[at] = PUT(divisor ? sum / (ACC)divisor : sum);
}
