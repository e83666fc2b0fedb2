// SPDX-License-Identifier: MIT
// Weights of 3x3 windows, packed by cl/conv_pack.cl, transformed for cl/conv_winograd.cl, CPU class.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_winograd.clh"

// P[pack][channel][9][NR] -> U[pack][point][channel][NR], points u_step apart. Grid: packs x ceil(channels / some).
CPU_KERNEL void NAME(winograd_weights)(__global const ACC *restrict P, __global ACC *restrict U, int channels, int some,
                                       int u_step)
{
    const int pack = get_group_id(0), c0 = get_group_id(1) * some, c1 = min(c0 + some, channels);
    for (int i = c0 * NV; i < c1 * NV; i++) {
        __global const ACC *p = P + ((long)pack * channels * 9 + i / NV * 9) * NR + i % NV * VL;
        __global ACC *u = U + (long)pack * POINTS * u_step + (long)i * VL;
        VEC mid[PLACES][3];
        UNROLL for (int s = 0; s < 3; s++)
        {
            VEC g[3], o[PLACES];
            UNROLL for (int r = 0; r < 3; r++) g[r] = NAME(load_acc)(p + (r * 3 + s) * NR);
            NAME(wino_weights)(g, o);
            UNROLL for (int r = 0; r < PLACES; r++) mid[r][s] = o[r];
        }
        UNROLL for (int r = 0; r < PLACES; r++)
        {
            VEC o[PLACES];
            NAME(wino_weights)(mid[r], o);
            UNROLL for (int s = 0; s < PLACES; s++) NAME(store_acc)(o[s], u + (long)(r * PLACES + s) * u_step);
        }
    }
}
