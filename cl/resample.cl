// SPDX-License-Identifier: MIT
// One axis of each image by weights of its own: y[n][r][o][i] is the sum over k of weight[n][k][o] x[n][r][first[n][o] + k][i],
// in this order in every kernel here; `first` is moved to where all K elements are.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "pairs.clh"
#ifndef RESAMPLE
#define RESAMPLE long N, long R, int IN, int OUT, long INNER, int K
#endif
#define RESAMPLE_OF                                                                                   \
    __global const E *restrict x, long x_offset, __global const int *restrict firsts, long firsts_offset, \
        __global const E *restrict weights, long weights_offset, __global E *restrict y, RESAMPLE

__kernel void NAME(resample_items)(RESAMPLE_OF)
{
    const long at = get_global_id(0);
    if (at >= N * R * OUT * INNER)
        return;
    const long row = at / INNER / OUT, n = row / R;
    const int o = at / INNER % OUT;
    const int first = clamp(firsts[firsts_offset + n * OUT + o], 0, IN - K);
    __global const E *from = x + x_offset + (row * IN + first) * INNER + at % INNER;
    __global const E *weight = weights + weights_offset + n * K * OUT + o;
    E sum = (E)0;
    for (int k = 0; k < K; k++) sum += weight[k * OUT] * from[k * INNER];
    y[at] = sum;
}

// CPU class: sixteen neighbours behind the axis at a time.
CPU_KERNEL void NAME(resample_rows)(RESAMPLE_OF)
{
    const long all = N * R * OUT, part = get_group_id(0), parts = get_num_groups(0);
    for (long at = all * part / parts, last = all * (part + 1) / parts; at < last; at++) {
        const long row = at / OUT, n = row / R;
        const int o = at % OUT;
        const int first = clamp(firsts[firsts_offset + n * OUT + o], 0, IN - K);
        __global const E *from = x + x_offset + (row * IN + first) * INNER;
        __global const E *weight = weights + weights_offset + n * K * OUT + o;
        ROLLED for (long i = 0; i < INNER; i += VL)
        {
            const int many = (int)min((long)VL, INNER - i);
            VEC sum = (VEC)((E)0);
            ROLLED for (int k = 0; k < K; k++) sum += (VEC)(weight[k * OUT]) * NAME(load_part)(from + k * INNER + i, many);
            NAME(store_part)(sum, y + at * INNER + i, many);
        }
    }
}

EIGHT_PAIRS(pairs, __private, 1)

static inline VEC NAME(one_each)(__global const E *from, const int *first)
{
    VEC t;
    UNROLL for (int i = 0; i < VL; i++) ((E *)&t)[i] = from[first[i]];
    return t;
}

// Along the last axis: sixteen results of a row at a time. PAIRED: K is even, and two neighbours are loaded at once.
CPU_KERNEL void NAME(resample_turned)(RESAMPLE_OF)
{
    const long all = N * R, part = get_group_id(0), parts = get_num_groups(0);
    for (long row = all * part / parts, last = all * (part + 1) / parts; row < last; row++) {
        const long n = row / R;
        __global const E *from = x + x_offset + row * IN;
        __global const int *first = firsts + firsts_offset + n * OUT;
        __global const E *weight = weights + weights_offset + n * K * OUT;
        int o = 0;
        ROLLED for (; o + VL <= OUT; o += VL)
        {
            int at[VL];
            UNROLL for (int i = 0; i < VL; i++) at[i] = clamp(first[o + i], 0, IN - K);
            VEC sum = (VEC)((E)0);
#ifdef PAIRED
            ROLLED for (int k = 0; k < K; k += 2)
            {
                const VEC low = NAME(pairs)(from + k, at), high = NAME(pairs)(from + k, at + VL / 2);
                sum += NAME(load)(weight + k * OUT + o) * EVENS(VEC, low, high);
                sum += NAME(load)(weight + (k + 1) * OUT + o) * ODDS(VEC, low, high);
            }
#else
            ROLLED for (int k = 0; k < K; k++)
                sum += NAME(load)(weight + k * OUT + o) * NAME(one_each)(from + k, at);
#endif
            NAME(store)(sum, y + row * OUT + o);
        }
        EDGE for (; o < OUT; o++)
        {
            const int at = clamp(first[o], 0, IN - K);
            E sum = (E)0;
            EDGE for (int k = 0; k < K; k++) sum += weight[k * OUT + o] * from[at + k];
            y[row * OUT + o] = sum;
        }
    }
}
