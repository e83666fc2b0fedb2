// SPDX-License-Identifier: MIT
// Direct convolution, NCHW, CPU class: forward, and backward-data of stride 1 with flipped weights.
//
//   y[n,o,i,j] = sum_{c,r,s} x[n, c, i*STRIDE + r*dh - ph, j*STRIDE + s*dw - pw] * w[o,c,r,s]
//
// The lanes are output channels: input scalars are broadcast from a padded strip in local memory, one
// loop runs over all taps (c, r, s) with a table of their offsets, a register transpose leads back to
// NCHW. STRIDE is a define: it is the distance of a tile's scalars.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#ifndef MR
#define MR 14
#define NV 2
#endif
#ifndef STRIDE
#define STRIDE 1
#endif
#ifndef EPI
#define EPI(v, idx, row, col, n) (v)
#define EPI_PARAMS
#endif
#define NR (NV * VL)

// w -> P[block of NR outputs][tap][NR]. Taps are (c, r, s) in order. flip: of backward-data, where w is
// [C,O,KH,KW] as seen from here, and the window is turned. Grid: blocks x C.
CPU_KERNEL void NAME(conv_pack)(__global const E *restrict w, long offset, __global E *restrict P,
                                int C, int O, int KH, int KW, int flip)
{
    const int block = get_group_id(0), c = get_group_id(1), window = KH * KW;
    __global E *p = P + ((long)block * C + c) * window * NR;
    for (int t = 0; t < window; t++) {
        for (int i = 0; i < NR; i++) {
            const int o = block * NR + i;
            const long at = flip ? ((long)c * O + o) * window + window - 1 - t
                                 : ((long)o * C + c) * window + t;
            p[t * NR + i] = o < O ? w[offset + at] : (E)0;
        }
    }
}

// Rows of one image with their padding: strip[C][height][width], row 0 is input row y0.
static inline void NAME(load_strip)(__global const E * x, __local E * strip, int C,
                  int H, int W, int y0, int height, int width, int pad)
{
    const int cols = min(W, width - pad);
    for (int c = 0; c < C; c++) {
        for (int i = 0; i < height; i++) {
            __local E *s = strip + ((long)c * height + i) * width;
            const int y = y0 + i, inside = y >= 0 && y < H;
            __global const E *row = x + ((long)c * H + (inside ? y : 0)) * W;
            int j = 0;
            for (; j < min(pad, width); j++)
                s[j] = (E)0;
            if (inside) {
                int k = 0;
                for (; k + VL <= cols; k += VL)
                    vstore16(vload16(0, row + k), 0, s + pad + k);
                for (; k < cols; k++)
                    s[pad + k] = row[k];
                j = max(pad + cols, min(pad, width));
            }
            for (; j < width; j++)
                s[j] = (E)0;
        }
    }
}

// Grid: ceil(OH / rows) x N x ceil(O / NR). Scratch: strip, pixels NV * round_up(rows*OW, 16) * 16,
// taps C*KH*KW ints.
CPU_KERNEL void NAME(conv)(__global const E *restrict X, long offset, __global const E *restrict P,
                           __global E *restrict Y, __local E *restrict strip,
                           __local E *restrict pixels, __local int *restrict taps, int C, int H,
                           int W, int O, int OH, int OW, int KH, int KW, int ph, int pw, int dh,
                           int dw, int rows EPI_PARAMS)
{
    const int y0 = get_group_id(0) * rows, y1 = min(y0 + rows, OH), n = get_group_id(1);
    const int block = get_group_id(2);
    const int height = (rows - 1) * STRIDE + (KH - 1) * dh + 1;
    const int width = (ROUND_UP(OW, MR) - 1) * STRIDE + (KW - 1) * dw + 1;
    const int tap_count = C * KH * KW, plane = ROUND_UP(rows * OW, VL) * VL;
    for (int c = 0, k = 0; c < C; c++)
        for (int r = 0; r < KH; r++)
            for (int s = 0; s < KW; s++)
                taps[k++] = (c * height + r * dh) * width + s * dw;
    NAME(load_strip)(X + offset + (long)n * C * H * W, strip, C, H, W, y0 * STRIDE - ph, height,
                     width, pw);
    for (int y = y0; y < y1; y++) {
        for (int x = 0; x < OW; x += MR) {
            __local const E *a = strip + ((y - y0) * width + x) * STRIDE;
            __global const E *b = P + (long)block * tap_count * NR;
            VEC acc[MR][NV];
            UNROLL for (int i = 0; i < MR; i++)
                UNROLL for (int v = 0; v < NV; v++) acc[i][v] = (VEC)(0);
            ROLLED for (int k = 0; k < tap_count; k++, b += NR)
            {
                __local const E *at = a + taps[k];
                VEC w[NV];
                UNROLL for (int v = 0; v < NV; v++) w[v] = vload16(v, b);
                UNROLL for (int i = 0; i < MR; i++)
                {
                    const VEC s = (VEC)(at[i * STRIDE]);
                    UNROLL for (int v = 0; v < NV; v++) acc[i][v] = fma(s, w[v], acc[i][v]);
                }
            }
            __local E *out = pixels + ((y - y0) * OW + x) * VL;
            UNROLL for (int i = 0; i < MR; i++) if (x + i < OW)
                UNROLL for (int v = 0; v < NV; v++) vstore16(acc[i][v], i, out + v *plane);
        }
    }
    const int count = (y1 - y0) * OW;
    for (int v = 0; v < NV; v++) {
        for (int p = 0; p < count; p += VL) {
            const int left = min(VL, count - p), col = y0 * OW + p;
            VEC r[VL];
            UNROLL for (int j = 0; j < VL; j++) r[j] = vload16(p + j, pixels + v *plane);
            TRANSPOSE16(r)
            UNROLL for (int j = 0; j < VL; j++)
            {
                const int o = block * NR + v * VL + j;
                const long at = ((long)n * O + o) * OH * OW + col;
                if (o < O)
                    NAME(store_part)(EPI(r[j], at, o, col, left), Y + at, left);
            }
        }
    }
}

// Backward-weights, stride STRIDE: partial[chunk][tap][O] = sum over the chunk's images. A work-group
// keeps MR taps x NR outputs in registers while it runs over the pixels of some rows of an image.
// Grid: chunks x o blocks x c blocks. Scratch: strip [CB][height][width], pixels [rows*OW][NR].
CPU_KERNEL void NAME(conv_dw)(__global const E *restrict G, long g_offset,
                              __global const E *restrict X, long x_offset,
                              __global E *restrict partial, __local E *restrict strip,
                              __local E *restrict pixels, int N, int C, int H, int W, int O, int OH,
                              int OW, int KH, int KW, int ph, int pw, int dh, int dw, int rows,
                              int CB)
{
    const int chunk = get_group_id(0), chunks = get_num_groups(0), block = get_group_id(1);
    const int c0 = get_group_id(2) * CB, cn = min(CB, C - c0), window = KH * KW;
    const int height = (rows - 1) * STRIDE + (KH - 1) * dh + 1;
    const int width = (OW - 1) * STRIDE + (KW - 1) * dw + 1;
    const int n0 = (long)N * chunk / chunks, n1 = (long)N * (chunk + 1) / chunks;
    const int taps = cn * window, OB = get_num_groups(1) * NR;
    __global E *out = partial + ((long)chunk * C * window + (long)c0 * window) * OB + block * NR;
    for (int t = 0; t < taps; t++)
        for (int v = 0; v < NV; v++)
            vstore16((VEC)(0), v, out + (long)t * OB);
    for (int n = n0; n < n1; n++) {
        for (int y0 = 0; y0 < OH; y0 += rows) {
            const int yn = min(rows, OH - y0), count = yn * OW;
            NAME(load_strip)(X + x_offset + ((long)n * C + c0) * H * W, strip, cn, H, W,
                             y0 * STRIDE - ph, height, width, pw);
            for (int v = 0; v < NV; v++) {
                for (int p = 0; p < count; p += VL) {
                    VEC r[VL];
                    UNROLL for (int j = 0; j < VL; j++)
                    {
                        const int o = block * NR + v * VL + j;
                        r[j] = o < O ? NAME(load_part)(G + g_offset + ((long)n * O + o) * OH * OW +
                                                           y0 * OW + p, count - p) : (VEC)(0);
                    }
                    TRANSPOSE16(r)
                    UNROLL for (int j = 0; j < VL; j++) if (p + j < count)
                        vstore16(r[j], v, pixels + (p + j) * NR);
                }
            }
            for (int t0 = 0; t0 < taps; t0 += MR) {
                __local const E *at[MR];
                VEC acc[MR][NV];
                UNROLL for (int i = 0; i < MR; i++)
                {
                    const int t = min(t0 + i, taps - 1), c = t / window, k = t % window;
                    at[i] = strip + (c * height + k / KW * dh) * width + k % KW * dw;
                    UNROLL for (int v = 0; v < NV; v++) acc[i][v] = (VEC)(0);
                }
                __local const E *g = pixels;
                for (int y = 0; y < yn; y++) {
                    const int row = y * STRIDE * width;
                    ROLLED for (int x = 0; x < OW; x++)
                    {
                        VEC w[NV];
                        UNROLL for (int v = 0; v < NV; v++) w[v] = vload16(v, g);
                        UNROLL for (int i = 0; i < MR; i++)
                        {
                            const VEC s = (VEC)(at[i][row + x * STRIDE]);
                            UNROLL for (int v = 0; v < NV; v++) acc[i][v] = fma(s, w[v], acc[i][v]);
                        }
                        g += NR;
                    }
                }
                UNROLL for (int i = 0; i < MR; i++) if (t0 + i < taps)
                    UNROLL for (int v = 0; v < NV; v++)
                {
                    __global E *q = out + (long)(t0 + i) * OB;
                    vstore16(vload16(v, q) + acc[i][v], v, q);
                }
            }
        }
    }
}

// dw[o][tap] = sum over the chunks, in order. Grid: work-groups share the taps.
CPU_KERNEL void NAME(conv_dw_sum)(__global const E *restrict partial, __global E *restrict dw,
                                  int taps, int O, int OB, int chunks)
{
    const int g = get_group_id(0), gs = get_num_groups(0);
    for (int t = (long)taps * g / gs; t < (long)taps * (g + 1) / gs; t++) {
        for (int o = 0; o < O; o += VL) {
            VEC sum = (VEC)(0);
            for (int k = 0; k < chunks; k++)
                sum += vload16(0, partial + ((long)k * taps + t) * OB + o);
            E lanes[VL];
            vstore16(sum, 0, lanes);
            for (int i = 0; i < min(VL, O - o); i++)
                dw[(long)(o + i) * taps + t] = lanes[i];
        }
    }
}
