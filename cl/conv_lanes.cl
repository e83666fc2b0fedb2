// SPDX-License-Identifier: MIT
// Convolution of stride 1 with few outputs in a group, NCHW, CPU class: forward, and backward-data, for which w is turned.
// The lanes are pixels.
//
//   y[n,o,i,j] = sum_{c,r,s} x[n, c, i + r*dh - ph, j + s*dw - pw] * w[o,c,r,s]
//
// A strip of padded rows lies in local memory with one pitch. Pixel (i, j) of a work-group's results is place i*pitch + j
// of it, so that a tap is one distance for all pixels, and vectors run over the ends of rows: what they make of the halo
// is nobody's.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_strip.clh"
#ifndef OB // a register tile: outputs, vectors of pixels
#define OB 4
#define NX 6
#endif
#ifndef PART // what a work-group makes: rows x cols pixels of all outputs of a group, from CB channels at a time
#define PART int rows, int cols, int CB, int back
#endif

// Rows of `width` elements, `pitch` apart, one after another; the surplus of a row falls on the next.
SELDOM void NAME(join_rows)(__local const ACC *from, __local ACC *to, int rows, int pitch, int width)
{
    for (int i = 0; i < rows; i++)
        ROLLED for (int j = 0; j < width; j += VL)
            NAME(store_local)(NAME(load_local)(from + i * pitch + j), to + i * width + j);
}

// Grid: ceil(OH/rows)*ceil(OW/cols) x N x G, whose outputs are at most OB. Scratch: strip [CB][height][pitch] + NX*VL; made [OB][rows*pitch rounded up
// to NX*VL] + VL; joined [rows*cols] + VL; taps KH*KW ints.
CPU_KERNEL void NAME(conv_lanes)(__global const E *restrict X, long x_offset, __global const E *restrict w, long w_offset,
                                 __global EPI_OUT *restrict Y, __local ACC *restrict strip, __local ACC *restrict made,
                                 __local ACC *restrict joined, __local int *restrict taps, PART, WINDOW EPI_PARAMS)
{
    const int og = O / G, cg = C / G, window = KH * KW, n = get_group_id(1), group = get_group_id(2);
    const int y0 = get_group_id(0) / DIV_UP(OW, cols) * rows, yn = min(rows, OH - y0);
    const int x0 = get_group_id(0) % DIV_UP(OW, cols) * cols, xn = min(cols, OW - x0);
    const int height = yn + (KH - 1) * dh, pitch = min(cols, OW) + (KW - 1) * dw, plane = height * pitch;
    const int apart = ROUND_UP(rows * pitch, NX * VL), count = (yn - 1) * pitch + xn;
    // steps of w from output to output, channel to channel, tap to tap
    const long so = back ? window : (long)cg * window, sc = back ? (long)og * window : window;
    const int st = back ? -1 : 1;
    __global const E *wo[OB], *from = w + w_offset + (long)group * og * cg * window + (back ? window - 1 : 0);
    UNROLL for (int o = 0; o < OB; o++) wo[o] = from + min(o, og - 1) * so;
    NAME(store_local)((VEC)(0), made + OB * apart);
    for (int t = 0; t < window; t++)
        taps[t] = t / KW * dh * pitch + t % KW * dw;
    for (int c0 = 0; c0 < cg; c0 += CB) {
        const int cn = min(CB, cg - c0);
        for (int c = 0; c < cn; c++) {
            const long at = ((long)n * C + group * cg + c0 + c) * H * W;
            NAME(load_plane)(X + x_offset + at, (long)N * C * H * W - at, strip + c * plane, 1, y0 - ph, 1, x0 - pw, height,
                             pitch, H, W);
        }
        // what is read for nobody
        for (int v = 0; v < NX; v++)
            NAME(store_local)((VEC)(0), strip + cn * plane + v * VL);
        for (int f = 0; f < count; f += NX * VL) {
            VEC acc[OB][NX];
            UNROLL for (int o = 0; o < OB; o++)
                UNROLL for (int v = 0; v < NX; v++)
                    acc[o][v] = c0 > 0 ? NAME(load_local)(made + o * apart + f + v * VL) : (VEC)(0);
            for (int c = 0; c < cn; c++) {
                __local const ACC *xc = strip + c * plane + f;
                long k = (c0 + c) * sc;
                ROLLED for (int t = 0; t < window; t++, k += st)
                {
                    __local const ACC *x = xc + taps[t];
                    VEC u[OB];
                    UNROLL for (int o = 0; o < OB; o++) u[o] = (VEC)(GET(wo[o][k]));
                    UNROLL for (int v = 0; v < NX; v++)
                    {
                        const VEC s = NAME(load_local)(x + v * VL);
                        UNROLL for (int o = 0; o < OB; o++) acc[o][v] = MAD(u[o], s, acc[o][v]);
                    }
                }
            }
            UNROLL for (int o = 0; o < OB; o++)
                UNROLL for (int v = 0; v < NX; v++) NAME(store_local)(acc[o][v], made + o * apart + f + v * VL);
        }
    }
    // whole rows are one run of pixels, parts of rows one run each
    const int runs = xn == OW ? 1 : yn, length = xn == OW ? yn * OW : xn;
    for (int o = 0; o < og; o++) {
        NAME(join_rows)(made + o * apart, joined, yn, pitch, xn);
        for (int run = 0; run < runs; run++)
            EDGE for (int p = 0; p < length; p += VL)
            {
                p = max(min(p, length - VL), 0); // the last vector overlaps the one before
                const int m = group * og + o, col = (y0 + run) * OW + x0 + p;
                EPI_STORE(NAME(load_local)(joined + run * length + p), Y, ((long)n * O + m) * OH * OW + col, n, m, col,
                          min(VL, length - p));
            }
    }
}
