// SPDX-License-Identifier: MIT
// Convolution for any stride, padding, dilation and groups, GPU class: implicit matrix products with a
// tile in local memory. One body, three uses by define:
//
//   CONV_Y   M = outputs of a group, N = pixels of all images, K = taps          y  = w * x
//   CONV_DX  M = inputs of a group,  N = input pixels,         K = outputs x taps dx = w^T * g
//   CONV_DW  M = outputs of a group, N = taps,                 K = pixels         dw = g * x^T
//
// 32x32 tiles, 16 deep, 16x16 work-items of 2x2 results; on devices of smaller groups SIDE x SIDE items. One
// dimension of groups, since others have limits: tiles of N, then of M, then groups and parts.
#pragma OPENCL FP_CONTRACT OFF
#ifndef NAME
#define NAME(x) x
#endif
#ifndef E
#define E float
#endif
#ifndef MAD // of integers: what wraps
#define MAD(a, b, c) fma(a, b, c)
#endif
#ifndef EPI
#define EPI(v, idx, row, col, n) (v)
#define EPI_PARAMS
#endif
#if !defined(CONV_Y) && !defined(CONV_DX) && !defined(CONV_DW)
#define CONV_Y
#endif
#ifndef SIDE
#define SIDE 16
#endif
#define TILE (2 * SIDE)
#define DEEP 16

// a[m][k] and b[k][n] of the product, zero outside.
static inline E NAME(get_a)(__global const E * a, int m, int k, int group, int N, int CG,
              int OG, int window, int O, int OHW)
{
#if defined(CONV_Y)
    return a[((long)(group * OG + m) * CG) * window + k];
#elif defined(CONV_DX)
    return a[((long)(group * OG + k / window) * CG + m) * window + k % window];
#else
    return a[((long)(k / OHW) * O + group * OG + m) * OHW + k % OHW];
#endif
}

static inline E NAME(get_b)(__global const E * b, int k, int n, int group, int CG, int OG,
              int C, int H, int W, int O, int OH, int OW, int KH, int KW, int sh,
              int sw, int ph, int pw, int dh, int dw)
{
    const int window = KH * KW;
#if defined(CONV_DX)
    const int pixel = n % (H * W), image = n / (H * W), t = k % window;
    const int y = pixel / W + ph - t / KW * dh, x = pixel % W + pw - t % KW * dw;
    if (y < 0 || x < 0 || y % sh || x % sw || y / sh >= OH || x / sw >= OW)
        return (E)0;
    return b[(((long)image * O + group * OG + k / window) * OH + y / sh) * OW + x / sw];
#else
#if defined(CONV_Y)
    const int tap = k, pixel = n;
#else
    const int tap = n, pixel = k;
#endif
    const int c = tap / window, t = tap % window, image = pixel / (OH * OW), p = pixel % (OH * OW);
    const int y = p / OW * sh + t / KW * dh - ph, x = p % OW * sw + t % KW * dw - pw;
    if (y < 0 || x < 0 || y >= H || x >= W)
        return (E)0;
    return b[(((long)image * C + group * CG + c) * H + y) * W + x];
#endif
}

__attribute__((reqd_work_group_size(SIDE, SIDE, 1))) __kernel void NAME(conv)(
    __global const E *restrict A, long a_offset, __global const E *restrict B, long b_offset,
    __global E *restrict out, int N, int C, int H, int W, int O, int OH, int OW, int KH, int KW,
    int groups, int sh, int sw, int ph, int pw, int dh, int dw, int parts EPI_PARAMS)
{
    __local E as[DEEP][TILE + 1], bs[DEEP][TILE + 1];
    const int x = get_local_id(0), y = get_local_id(1), item = y * SIDE + x;
    const int CG = C / groups, OG = O / groups, window = KH * KW;
#if defined(CONV_Y)
    const int nm = OG, nn = N * OH * OW, nk = CG * window;
#elif defined(CONV_DX)
    const int nm = CG, nn = N * H * W, nk = OG * window;
#else
    const int nm = OG, nn = CG * window, nk = N * OH * OW;
#endif
    const int across = (nn - 1) / TILE + 1, down = (nm - 1) / TILE + 1;
    const long tile = get_group_id(0) / across;
    const int n0 = (int)(get_group_id(0) % across) * TILE, m0 = (int)(tile % down) * TILE;
    const int group = (int)(tile / down) / parts, part = (int)(tile / down) % parts;
    const int k_from = (long)nk *part / parts, k_to = (long)nk * (part + 1) / parts;
    E acc[2][2] = { { 0, 0 }, { 0, 0 } };
    for (int k0 = k_from; k0 < k_to; k0 += DEEP) {
        for (int e = item; e < TILE * DEEP; e += SIDE * SIDE) {
            const int k = e / TILE, i = e % TILE;
            const int in_k = k0 + k < k_to;
            as[k][i] = in_k && m0 + i < nm
                           ? NAME(get_a)(A + a_offset, m0 + i, k0 + k, group, N, CG, OG, window, O,
                                         OH * OW)
                           : (E)0;
            bs[k][i] = in_k && n0 + i < nn
                           ? NAME(get_b)(B + b_offset, k0 + k, n0 + i, group, CG, OG, C, H, W, O,
                                         OH, OW, KH, KW, sh, sw, ph, pw, dh, dw)
                           : (E)0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < DEEP; k++)
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 2; j++)
                    acc[i][j] = MAD(as[k][y + SIDE * i], bs[k][x + SIDE * j], acc[i][j]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            const int m = m0 + y + SIDE * i, n = n0 + x + SIDE * j;
            if (m >= nm || n >= nn)
                continue;
#if defined(CONV_Y)
            const int p = n % (OH * OW), o = group * OG + m;
            const long at = ((long)(n / (OH * OW)) * O + o) * OH * OW + p;
            out[at] = EPI(acc[i][j], at, o, p, 1);
#elif defined(CONV_DX)
            const int p = n % (H * W), c = group * CG + m;
            const long at = ((long)(n / (H * W)) * C + c) * H * W + p;
            out[at] = EPI(acc[i][j], at, c, p, 1);
#else
            out[((long)part * O + group * OG + m) * nn + n] = acc[i][j];
#endif
        }
    }
}

// Sum of the parts of CONV_DW, in order. One item per weight.
__kernel void NAME(conv_sum)(__global const E *restrict part, __global E *restrict out, long size,
                             int parts)
{
    const long i = get_global_id(0);
    if (i >= size)
        return;
    E sum = (E)0;
    for (int k = 0; k < parts; k++)
        sum += part[k * size + i];
    out[i] = sum;
}
