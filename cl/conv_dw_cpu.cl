// SPDX-License-Identifier: MIT
// The gradient of a convolution for its weights, NCHW or NCDHW, CPU class. The lanes are output channels.
//
//   dw[o,c,r,s] = sum_{n,i,j} g[n,o,i,j] * x[n, c, i*STRIDE + r*dh - ph, j*STRIDE + s*dw - pw]
#pragma OPENCL FP_CONTRACT OFF
#include "conv_strip.clh"

// Backward-weights, stride STRIDE: partial[chunk][tap][O] = sum over the chunk's images. A work-group
// keeps MR taps x NR outputs in registers while it runs over the pixels of some rows of an image.
// Grid: chunks x o blocks x c blocks, of the C*KD planes that a result sees. Scratch: strip
// [CB][height][width], pixels [round_up(rows*OW, 16)][NR].
CPU_KERNEL void NAME(conv_dw)(__global const E *restrict GY, long g_offset,
                              __global const E *restrict X, long x_offset,
                              __global ACC *restrict partial, __local ACC *restrict strip,
                              __local ACC *restrict pixels, int rows, int CB, WINDOW)
{
    const int chunk = get_group_id(0), chunks = get_num_groups(0), block = get_group_id(1);
    const int planes = C * KD, c0 = get_group_id(2) * CB, cn = min(CB, planes - c0), window = KH * KW;
    const int height = (rows - 1) * STRIDE + (KH - 1) * dh + 1;
    const int width = (OW - 1) * STRIDE + (KW - 1) * dw + 1;
    const int n0 = (long)N * chunk / chunks, n1 = (long)N * (chunk + 1) / chunks;
    const int taps = cn * window, OB = get_num_groups(1) * NR;
    __global ACC *out = partial + ((long)chunk * planes * window + (long)c0 * window) * OB + block * NR;
    for (int t = 0; t < taps; t++)
        for (int v = 0; v < NV; v++)
            NAME(store_acc)((VEC)(0), out + (long)t * OB + v * VL);
    for (int m = n0 * OD; m < n1 * OD; m++) { // images, and their results in depth
        const int n = m / OD, z = m % OD;
        for (int y0 = 0; y0 < OH; y0 += rows) {
            const int yn = min(rows, OH - y0), count = yn * OW;
            NAME(load_strip)(X + x_offset + (long)n * C * D * H * W, strip, c0, cn, z, y0 * STRIDE - ph, height,
                             width, WINDOW_NAMES);
            ROLLED for (int v = 0; v < NV; v++)
            {
                for (int p = 0; p < count; p += VL) {
                    VEC r[VL];
                    __global const E *from = GY + g_offset +
                                             (((long)n * O + block * NR + v * VL) * OD + z) * OH * OW + y0 * OW + p;
                    const int left = count - p, o_left = O - block * NR - v * VL;
                    if (left >= VL && o_left >= VL) {
                        UNROLL for (int j = 0; j < VL; j++) 
                            r[j] = NAME(load)(from + (long)j * OD * OH * OW);
                    } else {
                        VEC edge[VL];
                        EDGE for (int j = 0; j < VL; j++)
                            edge[j] = j < o_left ? NAME(load_part)(from + (long)j * OD * OH * OW, left)
                                                 : (VEC)(0);
                        UNROLL for (int j = 0; j < VL; j++) r[j] = edge[j];
                    }
                    TRANSPOSE16(r)
                    UNROLL for (int j = 0; j < VL; j++) 
                        NAME(store_local)(r[j], pixels + (p + j) * NR + v * VL);
                }
            }
            for (int t0 = 0; t0 < taps; t0 += MR) {
                __local const ACC *at[MR];
                VEC acc[MR][NV];
                UNROLL for (int i = 0; i < MR; i++)
                {
                    const int t = min(t0 + i, taps - 1), c = t / window, k = t % window;
                    at[i] = strip + (c * height + k / KW * dh) * width + k % KW * dw;
                    UNROLL for (int v = 0; v < NV; v++) acc[i][v] = (VEC)(0);
                }
                __local const ACC *g = pixels;
                for (int y = 0; y < yn; y++) {
                    const int row = y * STRIDE * width;
                    ROLLED for (int x = 0; x < OW; x++)
                    {
                        VEC w[NV];
                        UNROLL for (int v = 0; v < NV; v++) w[v] = NAME(load_local)(g + v * VL);
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
                    __global ACC *q = out + (long)(t0 + i) * OB;
                    NAME(store_acc)(NAME(load_acc)(q + v * VL) + acc[i][v], q + v * VL);
                }
            }
        }
    }
}
