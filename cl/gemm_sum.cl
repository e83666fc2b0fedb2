// SPDX-License-Identifier: MIT
// The parts of a product whose sum over k was cut, added in order, CPU class; with the product's epilogue.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "gemm_parts.clh"

// `rows` x `lanes` results of each product of a batch .. x n1 x n2, in `parts` parts of `part` elements: vectors of
// lanes in steps of `across`, rows in steps of `down`. Blocks of 16 x 16, shared by the work-groups.
#ifndef GEMM
#define GEMM                                                                                       \
    long c_s0, long c_s1, long c_s2, long c_sm, long n1, long n2, long part, long product, long across, long down, \
        int parts, int batches, int rows, int lanes, int swapped
#define GEMM_READ
#endif
CPU_KERNEL void NAME(gemm_sum)(__global const ACC *restrict P, __global EPI_OUT *restrict C, GEMM EPI_PARAMS)
{
    GEMM_READ
    const int blocks_down = DIV_UP(rows, VL), blocks_across = DIV_UP(lanes, VL);
    const long blocks = (long)batches * blocks_down * blocks_across, g = get_group_id(0), gs = get_num_groups(0);
    for (long at = blocks * g / gs; at < blocks * (g + 1) / gs; at++) {
        const long z = at / (blocks_down * blocks_across);
        const int in = at % (blocks_down * blocks_across), r = in / blocks_across * VL, n = in % blocks_across * VL;
        const int some = min(VL, rows - r);
        __global const ACC *p = P + z * product + n / VL * across + r * down;
        const long4 in_batch = (long4)(z / n2 / n1, z / n2 % n1, z % n2, 0);
        const long c_at = BATCH_AT(z, n1, n2, c_s0, c_s1, c_s2);
        VEC t[VL];
        EDGE for (int i = 0; i < VL; i++)
        {
            VEC sum = (VEC)(0);
            if (i < some) {
                sum = NAME(load_acc)(p + i * down);
                EDGE for (int k = 1; k < parts; k++) sum += NAME(load_acc)(p + k * part + i * down);
            }
            t[i] = sum;
        }
        STORE_BLOCK(t, r, some, n, min(VL, lanes - n), swapped, c_at, in_batch)
    }
}
