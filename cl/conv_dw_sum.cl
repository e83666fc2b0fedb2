// SPDX-License-Identifier: MIT
// The partial results of cl/conv_dw_cpu.cl, added in order, CPU class.
#include "common.clh"
#ifndef PARTS // of the sums for O outputs in each group, which lie `apart`
#define PARTS int chunks, int taps, int groups, int O, int apart
#endif

// dw[group][o][tap] = sum over the chunks, in order, of partial[chunk][tap][group][o]. Grid: work-groups share the
// taps.
CPU_KERNEL void NAME(conv_dw_sum)(__global const ACC *restrict partial, __global E *restrict dw, PARTS)
{
    const int g = get_group_id(0), gs = get_num_groups(0);
    for (int t = (long)taps * g / gs; t < (long)taps * (g + 1) / gs; t++) {
        for (int group = 0; group < groups; group++) {
            for (int o = 0; o < O; o += VL) {
                VEC sum = (VEC)(0);
                for (int k = 0; k < chunks; k++)
                    sum += NAME(load_acc)(partial + (((long)k * taps + t) * groups + group) * apart + o);
                EDGE for (int i = 0; i < min(VL, O - o); i++)
                    dw[((long)group * O + o + i) * taps + t] = PUT(((ACC *)&sum)[i]);
            }
        }
    }
}
