// SPDX-License-Identifier: MIT
// Weights of a convolution in the order in which cl/conv_cpu.cl walks them, CPU class.
#include "conv_strip.clh"

// Where tap r of a window of K lies in dimension-wise order: x its place in its phase, y the phase's taps, z the
// taps of phases before.
SELDOM int4 NAME(place)(int r, int K, int u, int d)
{
    const int step = NAME(step_of)(u, d), first = r % step;
    return (int4)(r / step, DIV_UP(K - first, step), first * (K / step) + min(first, K % step), 0);
}

#define CHANNELS 8 // packed by a work-group

// w -> P[group][block of NR outputs][phase in depth][of rows][of columns][channel][taps][NR]. back: of
// backward-data, where w is [C,O/G,KD,KH,KW] as seen from here, and the window is turned; else there is one
// phase. Grid: G * blocks x ceil(channels of a group / CHANNELS). Scratch: at and step, an int for each tap;
// tile [VL][VL].
CPU_KERNEL void NAME(conv_pack)(__global const E *restrict w, long offset, __global ACC *restrict P,
                                __local int *restrict at, __local int *restrict step, __local ACC *tile,
                                int back, WINDOW)
{
    const int og = O / G, cg = C / G, blocks = DIV_UP(og, NR), block = get_group_id(0) % blocks;
    const int group = get_group_id(0) / blocks, c0 = get_group_id(1) * CHANNELS, cn = min(CHANNELS, cg - c0);
    const int window = KD * KH * KW;
    // tap t of channel c, as they lie in w, goes to at + c*step
    for (int q = 0, t = 0; q < KD; q++) {
        const int4 z = NAME(place)(q, KD, back ? sd : 1, dd);
        for (int r = 0; r < KH; r++) {
            const int4 y = NAME(place)(r, KH, back ? sh : 1, dh);
            for (int s = 0; s < KW; s++, t++) {
                const int4 x = NAME(place)(s, KW, back ? sw : 1, dw);
                const int start = z.z * (KH * KW) + z.y * (y.z * KW + y.y * x.z), from = back ? window - 1 - t : t;
                at[from] = cg * start + (z.x * y.y + y.x) * x.y + x.x;
                step[from] = z.y * y.y * x.y;
            }
        }
    }
    // Of one output: all channels' taps are neighbours, or, backward, those of one channel. Sixteen of each of
    // sixteen outputs are transposed.
    const int runs = back ? cn : 1, length = back ? window : cn * window;
    const long lane = back ? window : (long)cg * window, total = (long)O * cg * window;
    __global ACC *p = P + (long)get_group_id(0) * cg * window * NR;
    for (int i = 0; i < NV * runs; i++) {
        const int v = i % NV, first = c0 + i / NV, o = block * NR + v * VL, own = clamp(og - o, 0, VL);
        const long from = (back ? ((long)group * cg + first) * og + o : ((long)group * og + o) * cg + first) * window;
        for (int e = 0; e < length; e += VL) {
            const int n = min(VL, length - e);
            // through memory, so that all this stands in the text once
            EDGE for (int j = 0; j < (lane > 1 ? VL : 1); j++)
            {
                const long row = from + j * lane + e;
                const int all = own == VL && row + VL <= total;
                NAME(store_local)(j < own ? NAME(load_part)(w + offset + row, all ? VL : lane > 1 ? n : own) : (VEC)(0),
                                  tile + j * VL);
            }
            if (lane > 1)
                NAME(turn)(tile, tile);
            EDGE for (int j = 0; j < n; j++)
            {
                const int t = (e + j) % window, c = first + (e + j) / window;
                NAME(store_acc)(NAME(load_local)(tile + j * VL), p + ((long)at[t] + (long)c * step[t]) * NR + v * VL);
            }
        }
    }
}
