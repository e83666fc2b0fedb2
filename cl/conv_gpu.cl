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
#include "element.clh"
#include "window.clh"
#ifndef MAD // of integers: what wraps
#define MAD(a, b, c) fma(a, b, c)
#endif
#if !defined(CONV_Y) && !defined(CONV_DX) && !defined(CONV_DW)
#define CONV_Y
#endif
#ifdef CONV_DW // parts of sums
#define OUT ACC
#else
#define OUT EPI_OUT
#endif
#ifndef SIDE
#define SIDE 16
#endif
#define TILE (2 * SIDE)
#define DEEP 16

// a[m][k] and b[k][n] of the product, zero outside.
static inline ACC NAME(get_a)(__global const E *a, INDEX m, INDEX k, INDEX group, INDEX CG, INDEX OG, WINDOW)
{
#if defined(CONV_DW)
    const INDEX pixels = (INDEX)OD * OH * OW;
    return GET(a[((long)(k / pixels) * O + group * OG + m) * pixels + k % pixels]);
#else
    const INDEX window = (INDEX)KD * KH * KW;
#if defined(CONV_Y)
    return GET(a[((long)(group * OG + m) * CG) * window + k]);
#else
    return GET(a[((long)(group * OG + k / window) * CG + m) * window + k % window]);
#endif
#endif
}

static inline ACC NAME(get_b)(__global const E *b, INDEX k, INDEX n, INDEX group, INDEX CG, INDEX OG, WINDOW)
{
    const INDEX window = (INDEX)KD * KH * KW;
#if defined(CONV_DX)
    const INDEX image = n / ((INDEX)D * H * W), at = n % ((INDEX)D * H * W), t = k % window;
    const int r = t / KW % KH, s = t % KW;
    const int y = at / W % H + ph - r * dh, x = at % W + pw - s * dw;
    if (y < 0 || x < 0 || y % sh || x % sw || y / sh >= OH || x / sw >= OW)
        return (ACC)0;
    const long channel = (long)image * O + group * OG + k / window;
#if ND > 2
    const int z = at / W / H + pd - (int)(t / KW / KH) * dd;
    if (z < 0 || z % sd || z / sd >= OD)
        return (ACC)0;
    return GET(b[((channel * OD + z / sd) * OH + y / sh) * OW + x / sw]);
#else
    return GET(b[(channel * OH + y / sh) * OW + x / sw]);
#endif
#else
#if defined(CONV_Y)
    const INDEX tap = k, pixel = n;
#else
    const INDEX tap = n, pixel = k;
#endif
    const INDEX pixels = (INDEX)OD * OH * OW;
    const INDEX c = tap / window, t = tap % window, image = pixel / pixels, p = pixel % pixels;
#if ND > 2
    const int r = t / KW % KH, i = p / OW % OH, z = p / OW / OH * sd + t / KW / KH * dd - pd;
    if (z < 0 || z >= D)
        return (ACC)0;
#else
    const int r = t / KW, i = p / OW, z = 0;
#endif
    const int y = i * sh + r * dh - ph, x = p % OW * sw + t % KW * dw - pw;
    if (y < 0 || x < 0 || y >= H || x >= W)
        return (ACC)0;
    return GET(b[((((long)image * C + group * CG + c) * D + z) * H + y) * W + x]);
#endif
}

__attribute__((reqd_work_group_size(SIDE, SIDE, 1))) __kernel void NAME(conv)(
    __global const E *restrict a, long a_offset, __global const E *restrict b, long b_offset,
    __global OUT *restrict out, int parts, WINDOW EPI_PARAMS)
{
    __local ACC as[DEEP][TILE + 1], bs[DEEP][TILE + 1];
    const int x = get_local_id(0), y = get_local_id(1), item = y * SIDE + x;
    const INDEX CG = C / G, OG = O / G, window = (INDEX)KD * KH * KW;
#if defined(CONV_Y)
    const INDEX pixels = (INDEX)OD * OH * OW, nm = OG, nn = N * pixels, nk = CG * window;
#elif defined(CONV_DX)
    const INDEX pixels = (INDEX)D * H * W, nm = CG, nn = N * pixels, nk = OG * window;
#else
    const INDEX nm = OG, nn = CG * window, nk = (INDEX)N * OD * OH * OW;
#endif
    const INDEX across = (nn - 1) / TILE + 1, down = (nm - 1) / TILE + 1;
    const long tile = get_group_id(0) / across;
    const INDEX n0 = (INDEX)(get_group_id(0) % across) * TILE, m0 = (INDEX)(tile % down) * TILE;
    const INDEX group = (INDEX)(tile / down) / parts, part = (INDEX)(tile / down) % parts;
    const INDEX k_from = (long)nk * part / parts, k_to = (long)nk * (part + 1) / parts;
    ACC acc[2][2] = { { 0, 0 }, { 0, 0 } };
    for (INDEX k0 = k_from; k0 < k_to; k0 += DEEP) {
        for (int e = item; e < TILE * DEEP; e += SIDE * SIDE) {
            const int k = e / TILE, i = e % TILE;
            const int in_k = k0 + k < k_to;
            as[k][i] = in_k && m0 + i < nm
                           ? NAME(get_a)(a + a_offset, m0 + i, k0 + k, group, CG, OG, WINDOW_NAMES)
                           : (ACC)0;
            bs[k][i] = in_k && n0 + i < nn
                           ? NAME(get_b)(b + b_offset, k0 + k, n0 + i, group, CG, OG, WINDOW_NAMES)
                           : (ACC)0;
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
            const INDEX m = m0 + y + SIDE * i, n = n0 + x + SIDE * j;
            if (m >= nm || n >= nn)
                continue;
#if defined(CONV_Y)
            const INDEX p = n % pixels, o = group * OG + m;
            const long at = ((long)(n / pixels) * O + o) * pixels + p;
            EPI_STORE(acc[i][j], out, at, n / pixels, o, p, 1);
#elif defined(CONV_DX)
            const INDEX p = n % pixels, c = group * CG + m;
            const long at = ((long)(n / pixels) * C + c) * pixels + p;
            EPI_STORE(acc[i][j], out, at, n / pixels, c, p, 1);
#else
            out[((long)part * O + group * OG + m) * nn + n] = acc[i][j];
#endif
        }
    }
}

// Sum of the parts of CONV_DW, in order. One item per weight.
__kernel void NAME(conv_sum)(__global const ACC *restrict part, __global E *restrict out, long size,
                             int parts)
{
    const long i = get_global_id(0);
    if (i >= size)
        return;
    ACC sum = (ACC)0;
    for (int k = 0; k < parts; k++)
        sum += part[k * size + i];
    out[i] = PUT(sum);
}
