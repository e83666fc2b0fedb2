// SPDX-License-Identifier: MIT
// The gradient of a convolution for its weights, NCHW or NCDHW, CPU class, in groups. The lanes are output
// channels.
//
//   dw[o,c,r,s] = sum_{n,i,j} g[n,o,i,j] * x[n, c, i*sh + r*dh - ph, j*STRIDE + s*dw - pw]
#pragma OPENCL FP_CONTRACT OFF
#include "conv_strip.clh"
#ifndef PART // what a work-group holds at a time: rows x cols pixels of CB input planes
#define PART int rows, int cols, int CB
#endif

// The cotangent of `count` of a row's pixels, or of all of several rows, transposed: pixels[count][NR].
SELDOM void NAME(load_pixels)(__global const E *from, long channel, __local ACC *pixels, int count, int o_left)
{
    ROLLED for (int i = 0; i < NV * DIV_UP(count, VL); i++)
    {
        const int v = i % NV, p = i / NV * VL, left = count - p, own = o_left - v * VL;
        VEC r[VL];
        if (left >= VL && own >= VL) {
            UNROLL for (int j = 0; j < VL; j++) r[j] = NAME(load)(from + (v * VL + j) * channel + p);
        } else {
            VEC edge[VL];
            EDGE for (int j = 0; j < VL; j++)
                edge[j] = j < own ? NAME(load_part)(from + (v * VL + j) * channel + p, left) : (VEC)(0);
            UNROLL for (int j = 0; j < VL; j++) r[j] = edge[j];
        }
        TRANSPOSE16(r)
        UNROLL for (int j = 0; j < VL; j++) NAME(store_local)(r[j], pixels + (p + j) * NR + v * VL);
    }
}

// A register tile of MR taps, from t0 on, over all pixels; added to `out`.
SELDOM void NAME(multiply)(__local const ACC *strip, __local const ACC *g, __global ACC *out, int t0, int taps, int KH,
                           int KW, int height, int width, int dh, int dw, int step, int yn, int xn, int OB)
{
    __local const ACC *at[MR];
    VEC acc[MR][NV];
    UNROLL for (int i = 0; i < MR; i++)
    {
        const int t = min(t0 + i, taps - 1), c = t / (KH * KW), k = t % (KH * KW);
        at[i] = strip + (c * height + k / KW * dh) * width + k % KW * dw;
        UNROLL for (int v = 0; v < NV; v++) acc[i][v] = (VEC)(0);
    }
    for (int y = 0; y < yn; y++) {
        const int row = y * step;
        ROLLED for (int x = 0; x < xn; x++)
        {
            VEC w[NV];
            UNROLL for (int v = 0; v < NV; v++) w[v] = NAME(load_local)(g + v * VL);
            UNROLL for (int i = 0; i < MR; i++)
            {
                const VEC s = (VEC)(at[i][row + x * STRIDE]);
                UNROLL for (int v = 0; v < NV; v++) acc[i][v] = MAD(s, w[v], acc[i][v]);
            }
            g += NR;
        }
    }
    UNROLL for (int i = 0; i < MR; i++) if (t0 + i < taps)
        UNROLL for (int v = 0; v < NV; v++)
    {
        __global ACC *q = out + (long)i * OB;
        NAME(store_acc)(NAME(load_acc)(q + v * VL) + acc[i][v], q + v * VL);
    }
}

// Backward-weights, stride STRIDE: partial[chunk][tap][group][O] = sum over the chunk's images. A work-group
// keeps MR taps x NR outputs in registers while it runs over some rows and columns of pixels of an image.
// Grid: chunks x G * o blocks x c blocks, of the C/G*KD planes that a result sees. Scratch: strip
// [CB][height][width] + VL, pixels [rows*cols + VL][NR].
CPU_KERNEL void NAME(conv_dw)(__global const E *restrict GY, long g_offset,
                              __global const E *restrict X, long x_offset,
                              __global ACC *restrict partial, __local ACC *restrict strip,
                              __local ACC *restrict pixels, PART, WINDOW)
{
    const int chunk = get_group_id(0), chunks = get_num_groups(0), cg = C / G, og = O / G, blocks = DIV_UP(og, NR);
    const int group = get_group_id(1) / blocks, block = get_group_id(1) % blocks;
    const int planes = cg * KD, first = get_group_id(2) * CB, cn = min(CB, planes - first), window = KH * KW;
    const int n0 = (long)N * chunk / chunks, n1 = (long)N * (chunk + 1) / chunks;
    const int taps = cn * window, OB = get_num_groups(1) * NR;
    const long image = (long)D * H * W, results = (long)OD * OH * OW;
    __global ACC *out = partial + ((long)chunk * planes * window + (long)first * window) * OB + get_group_id(1) * NR;
    for (int t = 0; t < taps; t++)
        for (int v = 0; v < NV; v++)
            NAME(store_acc)((VEC)(0), out + (long)t * OB + v * VL);
    for (int m = n0 * OD; m < n1 * OD; m++) { // images, and their results in depth
        const int n = m / OD, z = m % OD;
        for (int y0 = 0; y0 < OH; y0 += rows) {
            for (int x0 = 0; x0 < OW; x0 += cols) {
                const int yn = min(rows, OH - y0), xn = min(cols, OW - x0);
                const int height = (yn - 1) * sh + (KH - 1) * dh + 1, width = (xn - 1) * STRIDE + (KW - 1) * dw + 1;
                for (int c = 0; c < cn; c++) {
#if ND > 2
                    const int depth = z * sd - pd + (first + c) % KD * dd, there = depth >= 0 && depth < D;
                    const long at = ((long)n * C + group * cg + (first + c) / KD) * image +
                                    (there ? (long)depth * H * W : 0);
#else
                    const int there = 1;
                    const long at = ((long)n * C + group * cg + first + c) * image;
#endif
                    NAME(load_plane)(X + x_offset + at, (long)N * C * image - at, strip + (long)c * height * width,
                                     there, y0 * sh - ph, 1, x0 * STRIDE - pw, height, width, H, W);
                }
                const int runs = xn == OW ? 1 : yn, length = xn == OW ? yn * OW : xn;
                for (int run = 0; run < runs; run++)
                    NAME(load_pixels)(GY + g_offset + ((long)n * O + group * og + block * NR) * results +
                                      ((long)z * OH + y0 + run) * OW + x0, results, pixels + run * length * NR, length,
                                      og - block * NR);
                for (int t0 = 0; t0 < taps; t0 += MR)
                    NAME(multiply)(strip, pixels, out + (long)t0 * OB, t0, taps, KH, KW, height, width, dh, dw, sh * width,
                                   yn, xn, OB);
            }
        }
    }
}
