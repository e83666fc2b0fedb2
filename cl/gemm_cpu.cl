// SPDX-License-Identifier: MIT
// C[b] = A[b] * B[b], CPU class, any strides: pack both operands into panels, then multiply register
// tiles of MR x (16*NV). The sum over k runs in one chain per element, whatever the work-groups.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#ifndef MR
#define MR 6
#define NV 4
#endif
#ifndef EPI
#define EPI(v, idx, row, col, n) (v)
#define EPI_PARAMS
#endif
#define NR (NV * VL)

// A -> P[b][tile][k][MR], rows past M are zero. Grid: tiles x batch.
CPU_KERNEL void NAME(gemm_pack_a)(__global const E *restrict A, long offset, long sb, long sm,
                                  long sk, __global E *restrict P, int M, int K)
{
    const int tile = get_group_id(0), m0 = tile * MR;
    const int tiles = get_num_groups(0);
    __global const E *a = A + offset + get_group_id(1) * sb + m0 * sm;
    __global E *p = P + ((long)get_group_id(1) * tiles + tile) * K * MR;
    const int rows = min(MR, M - m0);
    for (int i = 0; i < MR; i++) {
        __global const E *r = a + i * sm;
        if (i < rows)
            for (int k = 0; k < K; k++)
                p[(long)k * MR + i] = r[k * sk];
        else
            for (int k = 0; k < K; k++)
                p[(long)k * MR + i] = (E)0;
    }
}

// B -> P[b][panel][k][NR], columns past N are zero. Grid: panels x k blocks of 16 x batch.
CPU_KERNEL void NAME(gemm_pack_b)(__global const E *restrict B, long offset, long sb, long sk,
                                  long sn, __global E *restrict P, int N, int K)
{
    const int panel = get_group_id(0), k0 = get_group_id(1) * VL, n0 = panel * NR;
    const int kn = min(VL, K - k0);
    __global const E *b = B + offset + get_group_id(2) * sb + k0 * sk;
    __global E *p = P + (((long)get_group_id(2) * get_num_groups(0) + panel) * K + k0) * NR;
    for (int v = 0; v < NV; v++) {
        const int c0 = n0 + v * VL, left = min(VL, N - c0);
        if (sn == 1) {
            for (int k = 0; k < kn; k++)
                vstore16(left > 0 ? NAME(load_part)(b + k * sk + c0, left) : (VEC)(0), v,
                         p + k * NR);
        } else if (sk == 1) {
            VEC r[VL];
            UNROLL for (int j = 0; j < VL; j++) r[j] =
                j < left ? NAME(load_part)(b + (c0 + j) * sn, kn) : (VEC)(0);
            TRANSPOSE16(r)
            UNROLL for (int k = 0; k < VL; k++) if (k < kn) vstore16(r[k], v, p + k * NR);
        } else {
            for (int k = 0; k < kn; k++)
                for (int j = 0; j < VL; j++)
                    p[k * NR + v * VL + j] = j < left ? b[k * sk + (c0 + j) * sn] : (E)0;
        }
    }
}

// Grid: panels x blocks of `block` tiles x batch.
CPU_KERNEL void NAME(gemm)(__global const E *restrict PA, __global const E *restrict PB,
                           __global E *restrict C, int M, int N, int K, int block EPI_PARAMS)
{
    const int panel = get_group_id(0), tiles = DIV_UP(M, MR);
    const int t0 = get_group_id(1) * block, t1 = min(tiles, t0 + block);
    const long batch = get_group_id(2);
    __global const E *bp = PB + (batch * get_num_groups(0) + panel) * K * NR;
    for (int t = t0; t < t1; t++) {
        __global const E *a = PA + (batch * tiles + t) * K * MR;
        __global const E *b = bp;
        VEC acc[MR][NV];
        UNROLL for (int i = 0; i < MR; i++)
            UNROLL for (int v = 0; v < NV; v++) acc[i][v] = (VEC)(0);
        ROLLED for (int k = 0; k < K; k++)
        {
            VEC w[NV];
            UNROLL for (int v = 0; v < NV; v++) w[v] = vload16(v, b);
            UNROLL for (int i = 0; i < MR; i++)
            {
                const VEC s = (VEC)(a[i]);
                UNROLL for (int v = 0; v < NV; v++) acc[i][v] = fma(s, w[v], acc[i][v]);
            }
            a += MR;
            b += NR;
        }
        UNROLL for (int i = 0; i < MR; i++)
        {
            const int m = t * MR + i;
            if (m < M)
                UNROLL for (int v = 0; v < NV; v++)
                {
                    const int n = panel * NR + v * VL, left = min(VL, N - n);
                    const long at = (batch * M + m) * N + n;
                    if (left > 0)
                        NAME(store_part)(EPI(acc[i][v], at, m, n, left), C + at, left);
                }
        }
    }
}
