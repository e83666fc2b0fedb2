// SPDX-License-Identifier: MIT
// Operands of cl/gemm_cpu.cl in panels, CPU class, from any strides.
#include "common.clh"
#ifndef MR
#define MR 6
#define NV 4
#endif
#define NR (NV * VL)
#ifndef PACK // a batch of dimensions .. x n1 x n2, in steps of s0, s1 and s2, of matrices [rows][columns]; to panels
// that are panel_step apart, in steps of p0, p1 and p2 along the batch
#define PACK                                                                                       \
    long s0, long s1, long s2, long row_step, long column_step, long p0, long p1, long p2, long panel_step, long n1, \
        long n2, int rows, int columns
#define PACK_READ
#endif

// A [M][K] -> P[tile][k][MR], rows past M are zero. Grid: tiles x batch.
CPU_KERNEL void NAME(gemm_pack_a)(__global const E *restrict A, long offset, __global ACC *restrict P, PACK)
{
    PACK_READ
    const int M = rows, K = columns, tile = get_group_id(0), m0 = tile * MR;
    const long sm = row_step, sk = column_step;
    __global const E *a = A + offset + BATCH_AT((long)get_group_id(1), n1, n2, s0, s1, s2) + m0 * sm;
    __global ACC *p = P + BATCH_AT((long)get_group_id(1), n1, n2, p0, p1, p2) + tile * panel_step;
    const int some = min(MR, M - m0);
    if (sm == 1) { // whole vectors, of which the next ones overwrite what is too much
        const int whole = K - DIV_UP(VL, MR);
        for (int k = 0; k < K; k++) {
            const VEC v = NAME(load_part)(a + k * sk, M - m0);
            if (k <= whole)
                NAME(store_acc)(v, p + (long)k * MR);
            else
                EDGE for (int i = 0; i < MR; i++) p[(long)k * MR + i] = ((const ACC *)&v)[i];
        }
        return;
    }
    for (int i = 0; i < MR; i++) {
        __global const E *r = a + i * sm;
        if (i < some)
            EDGE for (int k = 0; k < K; k++)
                p[(long)k * MR + i] = GET(r[k * sk]);
        else
            EDGE for (int k = 0; k < K; k++)
                p[(long)k * MR + i] = (ACC)0;
    }
}

// B [K][N] -> P[panel][k][NR], columns past N are zero. Grid: panels x k blocks of 16 x batch.
CPU_KERNEL void NAME(gemm_pack_b)(__global const E *restrict B, long offset, __global ACC *restrict P, PACK)
{
    PACK_READ
    const int K = rows, N = columns, panel = get_group_id(0), k0 = get_group_id(1) * VL, n0 = panel * NR;
    const int kn = min(VL, K - k0);
    const long sk = row_step, sn = column_step;
    __global const E *b = B + offset + BATCH_AT((long)get_group_id(2), n1, n2, s0, s1, s2) + k0 * sk;
    __global ACC *p = P + BATCH_AT((long)get_group_id(2), n1, n2, p0, p1, p2) + panel * panel_step + (long)k0 * NR;
    ROLLED for (int v = 0; v < NV; v++)
    {
        const int c0 = n0 + v * VL, left = min(VL, N - c0);
        if (sn == 1) {
            for (int k = 0; k < kn; k++)
                NAME(store_acc)(left > 0 ? NAME(load_part)(b + k * sk + c0, left) : (VEC)(0),
                                p + k * NR + v * VL);
        } else if (sk == 1) {
            VEC r[VL];
            VEC edge[VL];
            if (left == VL && kn == VL) {
                UNROLL for (int j = 0; j < VL; j++) r[j] = NAME(load)(b + (c0 + j) * sn);
            } else {
                EDGE for (int j = 0; j < VL; j++)
                    edge[j] = j < left ? NAME(load_part)(b + (c0 + j) * sn, kn) : (VEC)(0);
                UNROLL for (int j = 0; j < VL; j++) r[j] = edge[j];
            }
            TRANSPOSE16(r)
            UNROLL for (int k = 0; k < VL; k++) edge[k] = r[k];
            EDGE for (int k = 0; k < kn; k++) NAME(store_acc)(edge[k], p + k * NR + v * VL);
        } else {
            for (int k = 0; k < kn; k++)
                EDGE for (int j = 0; j < VL; j++)
                    p[k * NR + v * VL + j] = j < left ? GET(b[k * sk + (c0 + j) * sn]) : (ACC)0;
        }
    }
}
