// SPDX-License-Identifier: MIT
// Direct convolution, NCHW or NCDHW, CPU class: forward, and backward-data, of any stride, in groups.
//
//   y[n,o,i,j] = sum_{c,r,s} x[n, c, (i*ih + r*dh - ph) / uh, (j*STRIDE + s*dw - pw) / uw] * w[o,c,r,s]
//
// over the taps whose divisions are exact. Forward: u is 1, ih and STRIDE are the strides. Backward-data: x is
// the cotangent, ih and STRIDE are 1, u are the strides, w is turned (cl/conv_pack.cl), and the padding is
// (K-1)*d - p, which may be negative. Results then fall into uh*uw phases, each a dense convolution of stride 1
// with a part of the window; a work-group makes all phases of its rows, so that it writes whole rows.
//
// The lanes are output channels: input scalars are broadcast from a padded strip in local memory, one
// loop runs over all taps (c, r, s) with a table of their offsets, a register transpose leads back to
// NCHW. STRIDE is a define: it is the distance of a tile's scalars.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_strip.clh"
#ifndef PART // what a work-group makes: rows x cols pixels of `per` blocks of outputs, from cb channels at a time
#define PART int rows, int cols, int per, int cb, int back
#endif

// The table of the taps of channels 0 to count - 1 of a phase: where they lie from a result's first element.
SELDOM void NAME(list_taps)(__local int *taps, int count, int depth, int4 ty, int py, int uh, int step,
                            int4 tx, int px, int uw, int height, int width, int dh, int dw)
{
    const int tn = depth * ty.y * tx.y;
    int k = 0;
    EDGE for (int q = 0; q < depth; q++)
        EDGE for (int r = 0; r < ty.y; r++)
            EDGE for (int s = 0; s < tx.y; s++)
                taps[k++] = (q * height + (py + (ty.x + r * ty.z) * dh) / uh / step) * width +
                            (px + (tx.x + s * tx.z) * dw) / uw;
    EDGE for (int c = 1; c < count; c++)
        EDGE for (int i = 0; i < tn; i++)
            taps[k++] = taps[i] + c * depth * height * width;
}

// A register tile of MR pixels, all taps of some channels; added to what is there, if there is.
SELDOM void NAME(multiply)(__local const ACC *a, __global const ACC *b, __local const int *taps, int tap_count,
                           __local ACC *out, int out_plane, int out_step, int there)
{
    VEC acc[MR][NV];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++)
            acc[i][v] = there ? NAME(load_local)(out + v * out_plane + i * out_step) : (VEC)(0);
    ROLLED for (int k = 0; k < tap_count; k++, b += NR)
    {
        __local const ACC *at = a + taps[k];
        VEC w[NV];
        UNROLL for (int v = 0; v < NV; v++) w[v] = NAME(load_acc)(b + v * VL);
        UNROLL for (int i = 0; i < MR; i++)
        {
            const VEC s = (VEC)(at[i * STRIDE]);
            UNROLL for (int v = 0; v < NV; v++) acc[i][v] = MAD(s, w[v], acc[i][v]);
        }
    }
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) NAME(store_local)(acc[i][v], out + v * out_plane + i * out_step);
}

// Grid: ceil(OH/rows)*ceil(OW/cols) x N*OD x G*ceil(blocks of NR outputs / per). Scratch: strip
// [cb*KD][height][width] + VL; pixels [NV][rows*cols + VL][VL], spare [max(MR*NV, VL)][VL]; taps cb*KD*KH*KW ints.
CPU_KERNEL void NAME(conv)(__global const E *restrict X, long offset, __global const ACC *restrict P,
                           __global EPI_OUT *restrict Y, __local ACC *restrict strip, __local ACC *restrict pixels,
                           __local ACC *restrict spare, __local int *restrict taps, PART,
                           WINDOW EPI_PARAMS)
{
    const int uh = back ? sh : 1, uw = back ? sw : 1, ih = back ? 1 : sh;
    const int y0 = get_group_id(0) / DIV_UP(OW, cols) * rows, yn = min(rows, OH - y0);
    const int x0 = get_group_id(0) % DIV_UP(OW, cols) * cols, xn = min(cols, OW - x0);
    const int n = get_group_id(1) / OD, z = get_group_id(1) % OD;
    const int og = O / G, cg = C / G, blocks = DIV_UP(og, NR), parts = DIV_UP(blocks, per);
    const int group = get_group_id(2) / parts, block0 = get_group_id(2) % parts * per;
    const int step = KH == 1 ? ih : 1; // of a window of one row only its rows are loaded
    const int height = ((rows - 1) * (ih / step) + uh - 1 + (KH - 1) * dh) / uh + 1;
    const int seen = ((yn - 1) * (ih / step) + uh - 1 + (KH - 1) * dh) / uh + 1; // rows that are loaded
    const int width = (ROUND_UP(DIV_UP(cols, uw), MR) - 1) * STRIDE + (uw - 1 + (KW - 1) * dw) / uw + 1 + (uw > 1);
    const int top = NAME(base)(y0 * ih - ph, uh), left = NAME(base)(x0 * STRIDE - pw, uw);
    const int plane = (rows * cols + VL) * VL;
    const long image = (long)D * H * W;
#if ND > 2
    const int ud = back ? sd : 1, depth_at = z * (back ? 1 : sd) - pd;
    const int4 tz = NAME(taps_of)(KD, ud, dd, NAME(phase)(depth_at, ud));
#else
    const int4 tz = (int4)(0, 1, 1, 0);
#endif
    for (int block = block0; block < min(block0 + per, blocks); block++) {
        for (int c0 = 0; c0 < cg; c0 += cb) {
            const int cn = min(cb, cg - c0), anew = block == block0 || cb < cg;
            for (int k = 0; anew && k < cn * tz.y; k++) {
                const int c = group * cg + c0 + k / tz.y;
#if ND > 2
                const int depth = NAME(base)(depth_at + (tz.x + k % tz.y * tz.z) * dd, ud);
                const int there = depth >= 0 && depth < D;
                const long at = ((long)n * C + c) * image + (there ? (long)depth * H * W : 0);
#else
                const int there = 1;
                const long at = ((long)n * C + c) * image;
#endif
                NAME(load_plane)(X + offset + at, (long)N * C * image - at, strip + (long)k * height * width, there,
                                 top, step, left, seen, width, H, W);
            }
            for (int f = 0; f < min(uh, yn) * min(uw, xn); f++) { // phases, by their first pixels
                const int fy = f / min(uw, xn), fx = f % min(uw, xn);
                const int py = NAME(phase)((y0 + fy) * ih - ph, uh), vx = (x0 + fx) * STRIDE - pw;
                const int px = NAME(phase)(vx, uw), count = DIV_UP(xn - fx, uw);
                const int4 ty = NAME(taps_of)(KH, uh, dh, py), tx = NAME(taps_of)(KW, uw, dw, px);
                const int tn = tz.y * ty.y * tx.y, tap_count = cn * tn;
                if (anew || uh * uw > 1)
                    NAME(list_taps)(taps, cn, tz.y, ty, py, uh, step, tx, px, uw, height, width, dh, dw);
                const long before = tz.w * (long)(KH * KW) + tz.y * (ty.w * (long)KW + ty.y * tx.w);
                __global const ACC *b0 = P + ((long)(group * blocks + block) * KD * KH * KW * cg + before * cg +
                                              (long)c0 * tn) * NR;
                for (int y = fy; y < yn; y += uh) {
                    __local const ACC *a0 = strip + (NAME(base)((y0 + y) * ih - ph, uh) - top) / step * width +
                                            NAME(base)(vx, uw) - left;
                    for (int x = 0; x < count; x += MR) {
                        // a tile that ends beyond its row lies in `spare`
                        __local ACC *to = pixels + (y * xn + fx + x * uw) * VL;
                        const int own = min(MR, count - x), whole = own == MR;
                        __local ACC *out = whole ? to : spare;
                        const int out_step = whole ? uw * VL : VL, out_plane = whole ? plane : MR * VL;
                        EDGE for (int i = 0; c0 > 0 && !whole && i < own * NV; i++)
                            NAME(store_local)(NAME(load_local)(to + i % NV * plane + i / NV * uw * VL),
                                              spare + (i % NV * MR + i / NV) * VL);
                        NAME(multiply)(a0 + x * STRIDE, b0, taps, tap_count, out, out_plane, out_step, c0 > 0);
                        EDGE for (int i = 0; !whole && i < own * NV; i++)
                            NAME(store_local)(NAME(load_local)(spare + (i % NV * MR + i / NV) * VL),
                                              to + i % NV * plane + i / NV * uw * VL);
                    }
                }
            }
        }
        // Back to NCHW: whole rows are one run of pixels, parts of rows one run each. The last vector of a run
        // overlaps the one before; a run that is shorter than a vector reads more than there is.
        const int runs = xn == OW ? 1 : yn, length = xn == OW ? yn * OW : xn;
        EDGE for (int i = 0; i < NV * VL; i++)
            NAME(store_local)((VEC)(0), pixels + i / VL * plane + (yn * xn + i % VL) * VL);
        for (int i = 0; i < NV * runs; i++) {
            const int v = i / runs, run = i % runs, o0 = block * NR + v * VL;
            for (int p = 0; p < length; p += VL) {
                p = max(min(p, length - VL), 0);
                const int count = min(VL, length - p), col = (y0 + run) * OW + x0 + p;
                NAME(turn)(pixels + v * plane + (run * length + p) * VL, spare);
                // through memory, so that the epilogue stands in the text once
                EDGE for (int j = 0; j < min(VL, og - o0); j++)
                {
                    const int o = group * og + o0 + j;
                    const long at = (((long)n * O + o) * OD + z) * OH * OW + col;
                    EPI_STORE(NAME(load_local)(spare + j * VL), Y, at, n, o, z * OH * OW + col, count);
                }
            }
        }
    }
}
