// SPDX-License-Identifier: MIT
// The gradient of a convolution of stride 1 with few outputs in a group for its weights, NCHW, CPU class. The lanes are
// pixels.
//
//   dw[o,c,r,s] = sum_{n,i,j} g[n,o,i,j] * x[n, c, i + r*dh - ph, j + s*dw - pw]
//
// The cotangent's strip has the pitch of the image's, zeros in the halo.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_strip.clh"
#ifndef OB // a register tile: outputs, taps
#define OB 4
#define TB 6
#endif
#ifndef PART // what a work-group holds at a time: rows x cols pixels of CB channels
#define PART int rows, int cols, int CB, int apart
#endif

SELDOM ACC NAME(sum_of)(VEC v)
{
    ACC t[VL];
    *(VEC *)t = v;
    EDGE for (int n = VL / 2; n > 0; n /= 2)
        EDGE for (int i = 0; i < n; i++) t[i] += t[i + n];
    return t[0];
}

// partial[chunk][tap][group][apart] = sum over the chunk's blocks of rows x cols pixels of an image. Grid: chunks x G *
// ceil(outputs of a group / OB) x ceil(channels of a group / CB). Scratch: strip [CB][height][pitch] + VL; gs [OB][rows*pitch
// rounded up to VL]; sums [OB][CB*KH*KW][VL]; taps CB*KH*KW ints.
CPU_KERNEL void NAME(conv_lanes_dw)(__global const E *restrict GY, long g_offset, __global const E *restrict X,
                                    long x_offset, __global ACC *restrict partial, __local ACC *restrict strip,
                                    __local ACC *restrict gs, __local ACC *restrict sums, __local int *restrict taps, PART,
                                    WINDOW)
{
    const int og = O / G, cg = C / G, window = KH * KW, o_blocks = DIV_UP(og, OB), group = get_group_id(1) / o_blocks;
    const int o0 = get_group_id(1) % o_blocks * OB, on = min(OB, og - o0);
    const int c0 = get_group_id(2) * CB, cn = min(CB, cg - c0), tn = cn * window;
    const int height = rows + (KH - 1) * dh, pitch = cols + (KW - 1) * dw, plane = height * pitch;
    const int g_plane = ROUND_UP(rows * pitch, VL), across = DIV_UP(OW, cols), blocks = DIV_UP(OH, rows) * across;
    const long units = (long)N * blocks, chunk = get_group_id(0), chunks = get_num_groups(0);
    // what nobody loads, but zeros are multiplied with
    for (int i = 0; i < CB * plane + VL; i += VL)
        NAME(store_local)((VEC)(0), strip + min(i, CB * plane));
    for (int i = 0; i < OB * g_plane; i += VL)
        NAME(store_local)((VEC)(0), gs + i);
    for (int i = 0; i < OB * tn; i++)
        NAME(store_local)((VEC)(0), sums + i * VL);
    for (int t = 0; t < tn; t++)
        taps[t] = (t / window * height + t % window / KW * dh) * pitch + t % KW * dw;
    for (long unit = units * chunk / chunks; unit < units * (chunk + 1) / chunks; unit++) {
        const int n = unit / blocks, y0 = unit % blocks / across * rows, x0 = unit % blocks % across * cols;
        const int yn = min(rows, OH - y0), xn = min(cols, OW - x0), count = (yn - 1) * pitch + xn;
        for (int c = 0; c < cn; c++) {
            const long at = ((long)n * C + group * cg + c0 + c) * H * W;
            NAME(load_plane)(X + x_offset + at, (long)N * C * H * W - at, strip + c * plane, 1, y0 - ph, 1, x0 - pw, height,
                             pitch, H, W);
        }
        for (int o = 0; o < on; o++) {
            // zeros right of each row and below the last one
            __local ACC *to = gs + o * g_plane;
            __global const E *from = GY + g_offset + (((long)n * O + group * og + o0 + o) * OH + y0) * OW + x0;
            for (int i = 0; i < yn; i++, to += pitch, from += OW)
                for (int j = 0; j < pitch; j += VL) {
                    const VEC v = NAME(load_part)(from + j, min(VL, xn - j));
                    if (i * pitch + j + VL <= g_plane)
                        NAME(store_local)(v, to + j);
                    else
                        EDGE for (int k = 0; k < pitch - j; k++) to[j + k] = ((const ACC *)&v)[k];
                }
            for (int i = yn * pitch; i < min(ROUND_UP(count, VL), g_plane); i++) gs[o * g_plane + i] = (ACC)0;
        }
        for (int t0 = 0; t0 < tn; t0 += TB) {
            __local const ACC *at[TB];
            VEC acc[OB][TB];
            UNROLL for (int i = 0; i < TB; i++)
            {
                at[i] = strip + taps[min(t0 + i, tn - 1)];
                UNROLL for (int o = 0; o < OB; o++) acc[o][i] = (VEC)(0);
            }
            ROLLED for (int f = 0; f < count; f += VL)
            {
                VEC g[OB];
                UNROLL for (int o = 0; o < OB; o++) g[o] = NAME(load_local)(gs + o * g_plane + f);
                UNROLL for (int i = 0; i < TB; i++)
                {
                    const VEC x = NAME(load_local)(at[i] + f);
                    UNROLL for (int o = 0; o < OB; o++) acc[o][i] = MAD(g[o], x, acc[o][i]);
                }
            }
            UNROLL for (int i = 0; i < TB; i++) if (t0 + i < tn)
                UNROLL for (int o = 0; o < OB; o++)
            {
                __local ACC *s = sums + (o * tn + t0 + i) * VL;
                NAME(store_local)(NAME(load_local)(s) + acc[o][i], s);
            }
        }
    }
    for (int t = 0; t < tn; t++)
        for (int o = 0; o < on; o++)
            partial[((chunk * cg * window + c0 * window + t) * G + group) * apart + o0 + o] =
                NAME(sum_of)(NAME(load_local)(sums + (o * tn + t) * VL));
}
