// SPDX-License-Identifier: MIT
// Pooling over windows of planes [planes][H][W] -> [planes][OH][OW], any window: one work-item per
// result, both classes. Windows of 2x2 that tile the plane have CPU-class kernels in cl/pool_2x2.cl.
// Indices are those of the winner within its plane: the last NaN, else the first maximum.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#ifndef LOWEST // of integers also SUM, in which averages are added, and how
#define LOWEST (-INFINITY)
#endif
#ifndef SUM
#define SUM E
#define PLUS(a, b) ((a) + (b))
#define OVER(a, b) ((a) / (b))
#endif

__kernel void NAME(max_pool)(__global const E *restrict x, long offset, __global E *restrict y,
                             __global int *restrict index, long total, int H, int W, int OH, int OW,
                             int kh, int kw, int sh, int sw, int ph, int pw, int dh, int dw)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int j = at % OW, i = at / OW % OH;
    __global const E *p = x + offset + at / OW / OH * H * W;
    E best = (E)(LOWEST);
    int winner = -1;
    for (int r = 0; r < kh; r++) {
        for (int s = 0; s < kw; s++) {
            const int a = i * sh - ph + r * dh, b = j * sw - pw + s * dw;
            if (a < 0 || b < 0 || a >= H || b >= W)
                continue;
            const E v = p[a * W + b];
            if (winner < 0 || v > best || v != v) {
                best = v;
                winner = a * W + b;
            }
        }
    }
    y[at] = best;
    index[at] = winner;
}

// dx: each input sums the cotangents of the windows that chose it.
__kernel void NAME(max_pool_scatter)(__global const E *restrict g, long offset,
                                     __global const int *restrict index, long index_offset,
                                     __global E *restrict dx, long total, int H, int W, int OH,
                                     int OW, int kh, int kw, int sh, int sw, int ph, int pw, int dh,
                                     int dw)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int b = at % W, a = at / W % H;
    const long plane = at / W / H * OH * OW;
    E sum = (E)0;
    for (int r = 0; r < kh; r++) {
        for (int s = 0; s < kw; s++) {
            const int i = a + ph - r * dh, j = b + pw - s * dw;
            if (i < 0 || j < 0 || i % sh || j % sw || i / sh >= OH || j / sw >= OW)
                continue;
            const long o = plane + i / sh * OW + j / sw;
            sum += index[index_offset + o] == a * W + b ? g[offset + o] : (E)0;
        }
    }
    dx[at] = sum;
}

__kernel void NAME(max_pool_gather)(__global const E *restrict x, long offset,
                                    __global const int *restrict index, long index_offset,
                                    __global E *restrict y, long total, int HW, int OHW)
{
    const long at = get_global_id(0);
    if (at < total)
        y[at] = x[offset + at / OHW * HW + max(index[index_offset + at], 0)];
}

// What a window's sum is divided by: its inputs, with or without padding, or the caller's number.
static inline int NAME(count)(int i, int j, int H, int W, int kh, int kw, int sh, int sw, int ph,
                              int pw, int exclude, int divisor)
{
    const int a = i * sh - ph, b = j * sw - pw;
    if (divisor)
        return divisor;
    if (exclude)
        return (min(a + kh, H) - max(a, 0)) * (min(b + kw, W) - max(b, 0));
    return (min(a + kh, H + ph) - a) * (min(b + kw, W + pw) - b);
}

__kernel void NAME(avg_pool)(__global const E *restrict x, long offset, __global E *restrict y,
                             long total, int H, int W, int OH, int OW, int kh, int kw, int sh,
                             int sw, int ph, int pw, int exclude, int divisor)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int j = at % OW, i = at / OW % OH;
    __global const E *p = x + offset + at / OW / OH * H * W;
    SUM sum = (SUM)0;
    for (int r = 0; r < kh; r++) {
        for (int s = 0; s < kw; s++) {
            const int a = i * sh - ph + r, b = j * sw - pw + s;
            if (a >= 0 && b >= 0 && a < H && b < W)
                sum = PLUS(sum, p[a * W + b]);
        }
    }
    const SUM n = (SUM)NAME(count)(i, j, H, W, kh, kw, sh, sw, ph, pw, exclude, divisor);
    y[at] = (E)OVER(sum, n);
}

__kernel void NAME(avg_pool_back)(__global const E *restrict g, long offset, __global E *restrict dx,
                                  long total, int H, int W, int OH, int OW, int kh, int kw, int sh,
                                  int sw, int ph, int pw, int exclude, int divisor)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int b = at % W, a = at / W % H;
    __global const E *p = g + offset + at / W / H * OH * OW;
    E sum = (E)0;
    for (int r = 0; r < kh; r++) {
        for (int s = 0; s < kw; s++) {
            const int i = a + ph - r, j = b + pw - s;
            if (i < 0 || j < 0 || i % sh || j % sw || i / sh >= OH || j / sw >= OW)
                continue;
            sum += p[i / sh * OW + j / sw] /
                   (E)NAME(count)(i / sh, j / sw, H, W, kh, kw, sh, sw, ph, pw, exclude,
                                    divisor);
        }
    }
    dx[at] = sum;
}
