// SPDX-License-Identifier: MIT
// C[b] = A[b] * B[b], CPU class, both operands packed into panels by cl/gemm_pack.cl: register
// tiles of MR x (16*NV). The sum over k runs in one chain per element, whatever the work-groups.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "gemm_parts.clh"
#ifndef MR
#define MR 6
#define NV 4
#endif
#define NR (NV * VL)

// A register tile of MR rows.
SELDOM void NAME(multiply)(__global const ACC *a, __global const ACC *b, VEC *out, int K)
{
    VEC acc[MR][NV];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) acc[i][v] = (VEC)(0);
    ROLLED for (int k = 0; k < K; k++)
    {
        VEC w[NV];
        UNROLL for (int v = 0; v < NV; v++) w[v] = NAME(load_acc)(b + v * VL);
        UNROLL for (int i = 0; i < MR; i++)
        {
            const VEC s = (VEC)(a[i]);
            UNROLL for (int v = 0; v < NV; v++) acc[i][v] = MAD(s, w[v], acc[i][v]);
        }
        a += MR;
        b += NR;
    }
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) out[i * NV + v] = acc[i][v];
}

// The batch has dimensions .. x n1 x n2; a_s and b_s are steps along them in packed matrices, 0 where
// one is repeated; c_s and c_sm are steps of C along the batch and along rows, whose columns are neighbours. Grid:
// panels x blocks of `block` tiles x batch and parts, of `chunk` of K each.
#ifndef GEMM
#define GEMM                                                                                       \
    long a_s0, long a_s1, long a_s2, long b_s0, long b_s1, long b_s2, long c_s0, long c_s1,        \
        long c_s2, long c_sm, long n1, long n2, int M, int N, int K, int block, long batches, int chunk
#define GEMM_READ
#endif
CPU_KERNEL void NAME(gemm)(__global const ACC *restrict PA, __global const ACC *restrict PB,
                           __global RESULT *restrict C, GEMM EPI_PARAMS)
{
    GEMM_READ
    const int panel = get_group_id(0), tiles = DIV_UP(M, MR);
    const int t0 = get_group_id(1) * block, t1 = min(tiles, t0 + block);
    const long batch = get_group_id(2) % batches;
    const int k0 = get_group_id(2) / batches * chunk, k_end = min(K, k0 + chunk);
    __global const ACC *ap = PA + BATCH_AT(batch, n1, n2, a_s0, a_s1, a_s2) * tiles * K * MR;
    __global const ACC *bp = PB + (BATCH_AT(batch, n1, n2, b_s0, b_s1, b_s2) * get_num_groups(0) + panel) * K * NR;
    const long4 in_batch = (long4)(batch / n2 / n1, batch / n2 % n1, batch % n2, 0);
    const long c_at = BATCH_AT(batch, n1, n2, c_s0, c_s1, c_s2);
    for (int t = t0; t < t1; t++) {
        VEC tile[MR * NV]; // through memory, so that the epilogue stands in the text once
        NAME(multiply)(ap + ((long)t * K + k0) * MR, bp + (long)k0 * NR, tile, k_end - k0);
        const int rows = min(MR, M - t * MR), vectors = min(NV, DIV_UP(N - panel * NR, VL));
        EDGE for (int i = 0; i < rows; i++)
        {
            EDGE for (int v = 0; v < vectors; v++)
            {
                const int m = t * MR + i, n = panel * NR + v * VL;
                STORE_ROW(tile[i * NV + v], (long)get_group_id(2), c_at, in_batch, m, n);
            }
        }
    }
}
