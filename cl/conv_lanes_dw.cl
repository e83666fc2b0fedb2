// SPDX-License-Identifier: MIT
// The gradient of a convolution with few outputs in a group for its weights, NCHW, CPU class. The lanes are pixels.
//
//   dw[o,c,r,s] = sum_{n,i,j} g[n,o,i,j] * x[n, c, i*sh + r*dh - ph, j*STRIDE + s*dw - pw]
//
// The image's strip has phases, as in cl/conv_lanes.cl. The cotangent's has its pitch, zeros in the halo.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_strip.clh"
#ifndef OB // a register tile: outputs, taps
#define OB 4
#define TB 6
#endif
#ifndef PART // what a work-group holds at a time: rows x cols pixels of CB channels of IB images
#define PART int rows, int cols, int IB, int CB, int apart
#endif

SELDOM ACC NAME(sum_of)(VEC v)
{
    ACC t[VL];
    *(VEC *)t = v;
    EDGE for (int n = VL / 2; n > 0; n /= 2)
        EDGE for (int i = 0; i < n; i++) t[i] += t[i + n];
    return t[0];
}

// One weight's sum over a chunk, by true pairs of places alone.
SELDOM ACC NAME(plain_sum)(__global const E *GY, __global const E *X, long from, long end, int o, int c, int tap, int rows,
                           int cols, int IB, WINDOW)
{
    const int across = DIV_UP(OW, cols), blocks = DIV_UP(OH, rows) * across;
    ACC sum = (ACC)0;
    for (long unit = from; unit < end; unit++) {
        const int y0 = unit % blocks / across * rows, x0 = unit % blocks % across * cols, n0 = unit / blocks * IB;
        for (int n = n0; n < min(n0 + IB, N); n++)
            sum += NAME(plain_part)(GY + ((long)n * O + o) * OH * OW, X + ((long)n * C + c) * H * W, y0,
                                    min(rows, OH - y0), x0, min(cols, OW - x0), tap / KW, tap % KW, WINDOW_NAMES);
    }
    return sum;
}

// partial[chunk][tap][group][apart] = sum over the chunk's blocks of rows x cols pixels of IB images. Grid: chunks x G *
// ceil(outputs of a group / OB) x ceil(channels of a group / CB). Scratch: strip [CB][phases][IB][height][pitch] + VL; gs [OB]
// [IB*height*pitch rounded up to VL] + VL; sums [OB][CB*KH*KW][VL]; taps CB*KH*KW ints.
CPU_KERNEL void NAME(conv_lanes_dw)(__global const E *restrict GY, long g_offset, __global const E *restrict X,
                                    long x_offset, __global ACC *restrict partial, __local ACC *restrict strip,
                                    __local ACC *restrict gs, __local ACC *restrict sums, __local int *restrict taps, PART,
                                    WINDOW)
{
    const int og = O / G, cg = C / G, window = KH * KW, o_blocks = DIV_UP(og, OB), group = get_group_id(1) / o_blocks;
    const int o0 = get_group_id(1) % o_blocks * OB, on = min(OB, og - o0);
    const int c0 = get_group_id(2) * CB, cn = min(CB, cg - c0), tn = cn * window;
    const int step_h = NAME(step_of)(sh, dh), step_w = NAME(step_of)(STRIDE, dw), ups = PHASES(KH, step_h);
    const int sides = PHASES(KW, step_w), height = rows + LAST_OF(KH, step_h, sh, dh);
    const int pitch = cols + LAST_OF(KW, step_w, STRIDE, dw), plane = ups * sides * IB * height * pitch;
    const int g_plane = ROUND_UP(IB * height * pitch, VL), across = DIV_UP(OW, cols), blocks = DIV_UP(OH, rows) * across;
    const long units = (long)DIV_UP(N, IB) * blocks, chunk = get_group_id(0), chunks = get_num_groups(0);
    const long image = (long)C * H * W, results = (long)O * OH * OW;
    // what nobody loads, but zeros are multiplied with
    for (int i = 0; i < CB * plane + VL; i += VL)
        NAME(store_local)((VEC)(0), strip + min(i, CB * plane));
    for (int i = 0; i < OB * g_plane; i += VL)
        NAME(store_local)((VEC)(0), gs + i);
    for (int i = 0; i < OB * tn; i++)
        NAME(store_local)((VEC)(0), sums + i * VL);
    for (int t = 0; t < tn; t++)
        taps[t] = t / window * plane +
                  NAME(place_of)(t % window / KW, t % KW, step_h, step_w, sides, IB * height, pitch, WINDOW_NAMES);
    for (long unit = units * chunk / chunks; unit < units * (chunk + 1) / chunks; unit++) {
        const int n0 = unit / blocks * IB, images = min(IB, N - n0), y0 = unit % blocks / across * rows;
        const int x0 = unit % blocks % across * cols;
        const int yn = min(rows, OH - y0), xn = min(cols, OW - x0);
        const int count = ((images - 1) * height + yn - 1) * pitch + xn;
        for (int c = 0; c < cn; c++) {
            const long at = n0 * image + (group * cg + c0 + c) * ((long)H * W);
            NAME(load_phases)(X + x_offset + at, N * image - at, strip + c * plane, images, IB, image, ups, sides,
                              y0 * sh - ph, x0 * STRIDE - pw, height, pitch, H, W, sh, dh, dw);
        }
        for (int o = 0; o < on; o++) {
            // zeros right of each row and below an image; what a vector has beyond is written again
            __local ACC *to = gs + o * g_plane;
            for (int row = 0; row < (images - 1) * height + yn; row++, to += pitch) {
                const int i = row % height;
                const long at = (n0 + row / height) * results + ((long)(group * og + o0 + o) * OH + y0 + i) * OW + x0;
                int j = 0;
                ROLLED for (; i < yn && j < xn; j += VL)
                    NAME(store_local)(NAME(load_part)(GY + g_offset + at + j, at + j + VL <= N * results ? VL : xn - j), to + j);
                ROLLED for (j = min(j, xn); j < pitch; j += VL) NAME(store_local)((VEC)(0), to + j);
            }
            NAME(store_local)((VEC)(0), to);
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
        for (int o = 0; o < on; o++) {
            ACC sum = NAME(sum_of)(NAME(load_local)(sums + (o * tn + t) * VL));
            // Zeros times what lies in the halo are nothing, or not a number: then only the true pairs tell.
            if (!(sum - sum == (ACC)0))
                sum = NAME(plain_sum)(GY + g_offset, X + x_offset, units * chunk / chunks, units * (chunk + 1) / chunks,
                                      group * og + o0 + o, group * cg + c0 + t / window, t % window, rows, cols, IB,
                                      WINDOW_NAMES);
            partial[((chunk * cg * window + c0 * window + t) * G + group) * apart + o0 + o] = sum;
        }
}
