// SPDX-License-Identifier: MIT
// Pooling over windows of planes [planes][H][W] -> [planes][OH][OW], any window: one work-item per
// result, both classes; and for windows of 2x2 that tile the plane, CPU-class kernels with vectors.
// Indices are those of the winner within its plane. NaN wins, else the first maximum.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"

__kernel void NAME(max_pool)(__global const E *restrict x, long offset, __global E *restrict y,
                             __global int *restrict index, long total, int H, int W, int OH, int OW,
                             int kh, int kw, int sh, int sw, int ph, int pw, int dh, int dw)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int j = at % OW, i = at / OW % OH;
    __global const E *p = x + offset + at / OW / OH * H * W;
    E best = (E)(-INFINITY);
    int winner = -1;
    for (int r = 0; r < kh; r++) {
        for (int s = 0; s < kw; s++) {
            const int a = i * sh - ph + r * dh, b = j * sw - pw + s * dw;
            if (a < 0 || b < 0 || a >= H || b >= W)
                continue;
            const E v = p[a * W + b];
            if (winner < 0 || v > best || (v != v && best == best)) {
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

// Number of inputs that a window's average divides by.
static inline int NAME(count)(int i, int j, int H, int W, int kh, int kw, int sh, int sw, int ph,
                              int pw, int exclude)
{
    const int a = i * sh - ph, b = j * sw - pw;
    if (exclude)
        return (min(a + kh, H) - max(a, 0)) * (min(b + kw, W) - max(b, 0));
    return (min(a + kh, H + ph) - a) * (min(b + kw, W + pw) - b);
}

__kernel void NAME(avg_pool)(__global const E *restrict x, long offset, __global E *restrict y,
                             long total, int H, int W, int OH, int OW, int kh, int kw, int sh,
                             int sw, int ph, int pw, int exclude)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int j = at % OW, i = at / OW % OH;
    __global const E *p = x + offset + at / OW / OH * H * W;
    E sum = (E)0;
    for (int r = 0; r < kh; r++) {
        for (int s = 0; s < kw; s++) {
            const int a = i * sh - ph + r, b = j * sw - pw + s;
            if (a >= 0 && b >= 0 && a < H && b < W)
                sum += p[a * W + b];
        }
    }
    y[at] = sum / (E)NAME(count)(i, j, H, W, kh, kw, sh, sw, ph, pw, exclude);
}

__kernel void NAME(avg_pool_back)(__global const E *restrict g, long offset, __global E *restrict dx,
                                  long total, int H, int W, int OH, int OW, int kh, int kw, int sh,
                                  int sw, int ph, int pw, int exclude)
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
                   (E)NAME(count)(i / sh, j / sw, H, W, kh, kw, sh, sw, ph, pw, exclude);
        }
    }
    dx[at] = sum;
}

#define PICK(v, i, w, k)                                                                           \
    {                                                                                              \
        const MASK better = (v > best) | ((v != v) & (best == best));                              \
        best = better ? v : best;                                                                  \
        win = better ? (MASK)(k) + 2 * lane : win;                                                 \
    }
#define MASK int16

// 2x2 windows with stride 2 and no padding, f32, OW any. Grid: work-groups share the planes.
CPU_KERNEL void NAME(max_pool_2x2)(__global const float *restrict x, long offset,
                                   __global float *restrict y, __global int *restrict index,
                                   int planes, int H, int W, int OH, int OW)
{
    const int g = get_group_id(0), gs = get_num_groups(0);
    const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (long p = (long)planes * g / gs; p < (long)planes * (g + 1) / gs; p++) {
        for (int i = 0; i < OH; i++) {
            for (int j = 0; j < OW; j += 16) {
                const int m = min(16, OW - j), at = 2 * i * W + 2 * j;
                __global const float *a = x + offset + p * H * W + at;
                float16 v[4];
                for (int r = 0; r < 2; r++) {
                    float16 lo, hi;
                    if (m == 16) {
                        lo = vload16(0, a + r * W);
                        hi = vload16(1, a + r * W);
                    } else {
                        float t[32];
                        for (int k = 0; k < 32; k++)
                            t[k] = k < 2 * m ? a[r * W + k] : 0.0f;
                        lo = vload16(0, t);
                        hi = vload16(1, t);
                    }
                    v[2 * r] = EVENS(float16, lo, hi);
                    v[2 * r + 1] = ODDS(float16, lo, hi);
                }
                float16 best = v[0];
                int16 win = (int16)(at) + 2 * lane;
                PICK(v[1], i, win, at + 1)
                PICK(v[2], i, win, at + W)
                PICK(v[3], i, win, at + W + 1)
                const long o = (p * OH + i) * OW + j;
                if (m == 16) {
                    vstore16(best, 0, y + o);
                    vstore16(win, 0, index + o);
                } else {
                    float t[16];
                    int u[16];
                    vstore16(best, 0, t);
                    vstore16(win, 0, u);
                    for (int k = 0; k < m; k++) {
                        y[o + k] = t[k];
                        index[o + k] = u[k];
                    }
                }
            }
        }
    }
}

CPU_KERNEL void NAME(max_pool_scatter_2x2)(__global const float *restrict g, long offset,
                                           __global const int *restrict index, long index_offset,
                                           __global float *restrict dx, int planes, int H, int W,
                                           int OH, int OW)
{
    const int grp = get_group_id(0), gs = get_num_groups(0);
    for (long p = (long)planes * grp / gs; p < (long)planes * (grp + 1) / gs; p++) {
        __global float *d = dx + p * H * W;
        for (int i = 0; i < OH; i++) {
            __global const float *gr = g + offset + (p * OH + i) * OW;
            __global const int *ir = index + index_offset + (p * OH + i) * OW;
            for (int r = 0; r < 2; r++) {
                __global float *q = d + (2 * i + r) * W;
                const int first = (2 * i + r) * W;
                int j = 0;
                for (; j + 16 <= OW; j += 16) {
                    const float16 v = vload16(0, gr + j);
                    const int16 k = vload16(0, ir + j) - first - 2 * j;
                    const int16 lane = (int16)(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                    const float16 e = k == lane ? v : (float16)(0.0f);
                    const float16 o = k == lane + 1 ? v : (float16)(0.0f);
                    vstore16((float16)(e.s0, o.s0, e.s1, o.s1, e.s2, o.s2, e.s3, o.s3, e.s4, o.s4,
                                       e.s5, o.s5, e.s6, o.s6, e.s7, o.s7), 0, q + 2 * j);
                    vstore16((float16)(e.s8, o.s8, e.s9, o.s9, e.sa, o.sa, e.sb, o.sb, e.sc, o.sc,
                                       e.sd, o.sd, e.se, o.se, e.sf, o.sf), 1, q + 2 * j);
                }
                for (; j < OW; j++) {
                    q[2 * j] = ir[j] == first + 2 * j ? gr[j] : 0.0f;
                    q[2 * j + 1] = ir[j] == first + 2 * j + 1 ? gr[j] : 0.0f;
                }
                for (j = 2 * OW; j < W; j++)
                    q[j] = 0.0f;
            }
        }
        for (int k = 2 * OH * W; k < H * W; k++)
            d[k] = 0.0f;
    }
}
