// SPDX-License-Identifier: MIT
// Weights of a convolution in the order in which cl/conv_cpu.cl walks them, CPU class.
#include "common.clh"
#include "window.clh"
#ifndef NV
#define NV 2
#endif
#define NR (NV * VL)

// w -> P[block of NR outputs][tap][NR]. Taps are (c, q, r, s) in order. flip: of backward-data, where w is
// [C,O,KD,KH,KW] as seen from here, and the window is turned. Grid: blocks x C.
CPU_KERNEL void NAME(conv_pack)(__global const E *restrict w, long offset, __global ACC *restrict P,
                                int flip, WINDOW)
{
    const int block = get_group_id(0), c = get_group_id(1), window = KD * KH * KW;
    __global ACC *p = P + ((long)block * C + c) * window * NR;
    for (int t = 0; t < window; t++) {
        for (int i = 0; i < NR; i++) {
            const int o = block * NR + i;
            const long at = flip ? ((long)c * O + o) * window + window - 1 - t
                                 : ((long)o * C + c) * window + t;
            p[t * NR + i] = o < O ? GET(w[offset + at]) : (ACC)0;
        }
    }
}
