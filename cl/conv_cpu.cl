// SPDX-License-Identifier: MIT
// Direct convolution, NCHW or NCDHW, CPU class: forward, and backward-data of stride 1 with flipped weights.
//
//   y[n,o,i,j] = sum_{c,r,s} x[n, c, i*STRIDE + r*dh - ph, j*STRIDE + s*dw - pw] * w[o,c,r,s]
//
// The lanes are output channels: input scalars are broadcast from a padded strip in local memory, one
// loop runs over all taps (c, r, s) with a table of their offsets, a register transpose leads back to
// NCHW. STRIDE is a define: it is the distance of a tile's scalars.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_strip.clh"

// Grid: ceil(OH / rows) x N*OD x ceil(O / NR). Scratch: strip [C*KD][height][width], pixels
// [NV][round_up(rows*OW, 16) + MR][16], taps C*KD*KH*KW ints.
CPU_KERNEL void NAME(conv)(__global const E *restrict X, long offset, __global const ACC *restrict P,
                           __global EPI_OUT *restrict Y, __local ACC *restrict strip,
                           __local ACC *restrict pixels, __local int *restrict taps, int rows,
                           WINDOW EPI_PARAMS)
{
    const int y0 = get_group_id(0) * rows, y1 = min(y0 + rows, OH);
    const int n = get_group_id(1) / OD, z = get_group_id(1) % OD;
    const int block = get_group_id(2);
    const int height = (rows - 1) * STRIDE + (KH - 1) * dh + 1;
    const int width = (ROUND_UP(OW, MR) - 1) * STRIDE + (KW - 1) * dw + 1;
    // MR more than the pixels: a tile at the end of a row writes past it, and the next row writes over that
    const int planes = C * KD, tap_count = planes * KH * KW, plane = (ROUND_UP(rows * OW, VL) + MR) * VL;
    for (int c = 0, k = 0; c < planes; c++)
        for (int r = 0; r < KH; r++)
            for (int s = 0; s < KW; s++)
                taps[k++] = (c * height + r * dh) * width + s * dw;
    NAME(load_strip)(X + offset + (long)n * C * D * H * W, strip, 0, planes, z, y0 * STRIDE - ph, height, width,
                     WINDOW_NAMES);
    for (int y = y0; y < y1; y++) {
        for (int x = 0; x < OW; x += MR) {
            __local const ACC *a = strip + ((y - y0) * width + x) * STRIDE;
            __global const ACC *b = P + (long)block * tap_count * NR;
            VEC acc[MR][NV];
            UNROLL for (int i = 0; i < MR; i++)
                UNROLL for (int v = 0; v < NV; v++) acc[i][v] = (VEC)(0);
            ROLLED for (int k = 0; k < tap_count; k++, b += NR)
            {
                __local const ACC *at = a + taps[k];
                VEC w[NV];
                UNROLL for (int v = 0; v < NV; v++) w[v] = NAME(load_acc)(b + v * VL);
                UNROLL for (int i = 0; i < MR; i++)
                {
                    const VEC s = (VEC)(at[i * STRIDE]);
                    UNROLL for (int v = 0; v < NV; v++) acc[i][v] = fma(s, w[v], acc[i][v]);
                }
            }
            __local ACC *out = pixels + ((y - y0) * OW + x) * VL;
            UNROLL for (int i = 0; i < MR; i++)
                UNROLL for (int v = 0; v < NV; v++) 
                    NAME(store_local)(acc[i][v], out + v * plane + i * VL);
        }
    }
    // of few pixels a vector reads more than the tiles wrote
    const int count = (y1 - y0) * OW, written = count - OW + ROUND_UP(OW, MR);
    EDGE for (int v = 0; v < NV; v++)
        EDGE for (int p = written; p < ROUND_UP(count, VL); p++)
            NAME(store_local)((VEC)(0), pixels + v * plane + p * VL);
    ROLLED for (int v = 0; v < NV; v++)
    {
        for (int p = 0; p < count; p += VL) {
            const int left = min(VL, count - p), col = y0 * OW + p;
            __local ACC *tile = pixels + v * plane + p * VL;
            VEC r[VL];
            UNROLL for (int j = 0; j < VL; j++) r[j] = NAME(load_local)(tile + j * VL);
            TRANSPOSE16(r)
            UNROLL for (int j = 0; j < VL; j++) NAME(store_local)(r[j], tile + j * VL);
            // through memory, so that the epilogue stands in the text once
            EDGE for (int j = 0; j < min(VL, O - block * NR - v * VL); j++)
            {
                const int o = block * NR + v * VL + j;
                const long at = (((long)n * O + o) * OD + z) * OH * OW + col;
                EPI_STORE(NAME(load_local)(tile + j * VL), Y, at, n, o, z * OH * OW + col, left);
            }
        }
    }
}
