// SPDX-License-Identifier: MIT
// Convolution with few outputs in a group, NCHW, CPU class: forward, and backward-data of stride 1, for which w is turned.
// The lanes are pixels.
//
//   y[n,o,i,j] = sum_{c,r,s} x[n, c, i*sh + r*dh - ph, j*STRIDE + s*dw - pw] * w[o,c,r,s]
//
// A strip of padded rows lies in local memory with one pitch; with strides one for each phase of the window's taps, whose
// elements are those that one tap sees. Pixel (i, j) of a work-group's results is place i*pitch + j of it, so that a tap
// is one distance for all pixels, and vectors run over the ends of rows: what they make of the halo is nobody's. Of small
// images several lie below one another in each phase.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_strip.clh"
#ifndef OB // a register tile: outputs, vectors of pixels
#define OB 4
#define NX 6
#endif
#ifndef PART // what a work-group makes: rows x cols pixels of IB images and all outputs of a group, from CB channels at a time
#define PART int rows, int cols, int IB, int CB, int back
#endif

// Rows of `width` elements, `pitch` apart, one after another; the surplus of a row falls on the next.
SELDOM void NAME(join_rows)(__local const ACC *from, __local ACC *to, int rows, int pitch, int width)
{
    for (int i = 0; i < rows; i++)
        ROLLED for (int j = 0; j < width; j += VL)
            NAME(store_local)(NAME(load_local)(from + i * pitch + j), to + i * width + j);
}

// Grid: ceil(OH/rows)*ceil(OW/cols) x ceil(N/IB) x G, whose outputs are at most OB. Scratch: strip
// [CB][phases][IB][height][pitch] + NX*VL; made [OB][IB*height*pitch rounded up to NX*VL] + VL; joined [rows*cols] + VL; taps KH*KW ints.
CPU_KERNEL void NAME(conv_lanes)(__global const E *restrict X, long x_offset, __global const E *restrict w, long w_offset,
                                 __global EPI_OUT *restrict Y, __local ACC *restrict strip, __local ACC *restrict made,
                                 __local ACC *restrict joined, __local int *restrict taps, PART, WINDOW EPI_PARAMS)
{
    const int og = O / G, cg = C / G, window = KH * KW, n0 = get_group_id(1) * IB, group = get_group_id(2);
    const int y0 = get_group_id(0) / DIV_UP(OW, cols) * rows, yn = min(rows, OH - y0);
    const int x0 = get_group_id(0) % DIV_UP(OW, cols) * cols, xn = min(cols, OW - x0);
    const int step_h = NAME(step_of)(sh, dh), step_w = NAME(step_of)(STRIDE, dw), ups = PHASES(KH, step_h);
    const int sides = PHASES(KW, step_w), height = yn + LAST_OF(KH, step_h, sh, dh);
    const int pitch = min(cols, OW) + LAST_OF(KW, step_w, STRIDE, dw), images = min(IB, N - n0);
    const int plane = ups * sides * images * height * pitch;
    const int count = ((images - 1) * height + yn - 1) * pitch + xn, apart = ROUND_UP(count, NX * VL);
    const long image = (long)C * H * W;
    // steps of w from output to output, channel to channel, tap to tap
    const long so = back ? window : (long)cg * window, sc = back ? (long)og * window : window;
    const int st = back ? -1 : 1;
    __global const E *wo[OB], *from = w + w_offset + (long)group * og * cg * window + (back ? window - 1 : 0);
    UNROLL for (int o = 0; o < OB; o++) wo[o] = from + min(o, og - 1) * so;
    NAME(store_local)((VEC)(0), made + OB * apart);
    for (int t = 0; t < window; t++)
        taps[t] = NAME(place_of)(t / KW, t % KW, step_h, step_w, sides, images * height, pitch, WINDOW_NAMES);
    for (int c0 = 0; c0 < cg; c0 += CB) {
        const int cn = min(CB, cg - c0);
        for (int c = 0; c < cn; c++) {
            const long at = n0 * image + (group * cg + c0 + c) * ((long)H * W);
            NAME(load_phases)(X + x_offset + at, N * image - at, strip + c * plane, images, images, image, ups, sides,
                              y0 * sh - ph, x0 * STRIDE - pw, height, pitch, H, W, sh, dh, dw);
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
    for (int k = 0; k < images * og; k++) {
        const int n = n0 + k / og, o = k % og;
        NAME(join_rows)(made + o * apart + k / og * height * pitch, joined, yn, pitch, xn);
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
