// SPDX-License-Identifier: MIT
// Weights of a convolution in the order in which cl/conv_cpu.cl walks them, CPU class.
#include "conv_strip.clh"

// Where tap r of a window of K lies in dimension-wise order: x its place in its phase, y the phase's taps, z the
// taps of phases before.
static inline int4 NAME(place)(int r, int K, int u, int d)
{
    const int step = NAME(apart)(u, d), first = r % step;
    return (int4)(r / step, DIV_UP(K - first, step), first * (K / step) + min(first, K % step), 0);
}

// w -> P[group][block of NR outputs][phase in depth][of rows][of columns][channel][taps][NR]. back: of
// backward-data, where w is [C,O/G,KD,KH,KW] as seen from here, and the window is turned; else there is one
// phase. Grid: G * blocks x channels of a group.
CPU_KERNEL void NAME(conv_pack)(__global const E *restrict w, long offset, __global ACC *restrict P,
                                int back, WINDOW)
{
    const int og = O / G, cg = C / G, blocks = DIV_UP(og, NR), block = get_group_id(0) % blocks;
    const int group = get_group_id(0) / blocks, c = get_group_id(1), window = KD * KH * KW;
    __global ACC *p = P + (long)get_group_id(0) * cg * window * NR;
    for (int q = 0, t = 0; q < KD; q++) {
        const int4 z = NAME(place)(q, KD, back ? sd : 1, dd);
        for (int r = 0; r < KH; r++) {
            const int4 y = NAME(place)(r, KH, back ? sh : 1, dh);
            for (int s = 0; s < KW; s++, t++) {
                const int4 x = NAME(place)(s, KW, back ? sw : 1, dw);
                const long start = z.z * (long)(KH * KW) + z.y * (y.z * (long)KW + y.y * x.z);
                const long at = cg * start + (long)c * z.y * y.y * x.y + (z.x * y.y + y.x) * x.y + x.x;
                for (int i = 0; i < NR; i++) {
                    const int o = block * NR + i;
                    const long from = back ? (((long)group * cg + c) * og + o) * window + window - 1 - t
                                           : (((long)group * og + o) * cg + c) * window + t;
                    p[at * NR + i] = o < og ? GET(w[offset + from]) : (ACC)0;
                }
            }
        }
    }
}
