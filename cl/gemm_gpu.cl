// SPDX-License-Identifier: MIT
// C[b] = A[b] * B[b], GPU class, any strides: 64x64 tile in local memory, DEEP deep, 16x16 work-items of
// 4x4 results each; on devices of smaller groups SIDE x SIDE items. One dimension of groups, since others
// have limits: tiles of N, then of M, then the batch, of dimensions .. x n1 x n2. Columns of C are neighbours.
// Matrices of `sums` more batches, .. x k1 x k2 in the same steps, are added up.
#pragma OPENCL FP_CONTRACT OFF
#include "element.clh"
#ifndef MAD // of integers: what wraps
#define MAD(a, b, c) fma(a, b, c)
#endif
#ifndef SIDE
#define SIDE 16
#endif
#define TILE (4 * SIDE)
#ifndef DEEP
#define DEEP 16
#endif
#ifndef GEMM // steps along the batch, rows and columns; `sums` products of dimensions .. x k1 x k2 are added
#define GEMM                                                                                       \
    long a_s0, long a_s1, long a_s2, long a_sm, long a_sk, long b_s0, long b_s1, long b_s2,        \
        long b_sk, long b_sn, long c_s0, long c_s1, long c_s2, long c_sm, long n1, long n2,        \
        long sums, long k1, long k2, int M, int N, int K
#endif

__attribute__((reqd_work_group_size(SIDE, SIDE, 1))) __kernel void NAME(gemm)(
    __global const E *restrict A, long a_offset, __global const E *restrict B, long b_offset,
    __global EPI_OUT *restrict C, GEMM EPI_PARAMS)
{
    __local ACC as[DEEP][TILE + 1], bs[DEEP][TILE + 1];
    const int x = get_local_id(0), y = get_local_id(1), item = y * SIDE + x;
    const int across = (N - 1) / TILE + 1, down = (M - 1) / TILE + 1;
    const long tile = get_group_id(0) / across, batch = tile / down;
    const int n0 = (int)(get_group_id(0) % across) * TILE, m0 = (int)(tile % down) * TILE;
    const long i0 = batch / n2 / n1, i1 = batch / n2 % n1, i2 = batch % n2;
    ACC acc[4][4];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            acc[i][j] = (ACC)0;
    for (long g = 0; g < sums; g++) {
        const long j0 = i0 + g / k2 / k1, j1 = i1 + g / k2 % k1, j2 = i2 + g % k2;
        __global const E *a = A + a_offset + j0 * a_s0 + j1 * a_s1 + j2 * a_s2;
        __global const E *b = B + b_offset + j0 * b_s0 + j1 * b_s1 + j2 * b_s2;
        for (int k0 = 0; k0 < K; k0 += DEEP) {
            for (int e = item; e < TILE * DEEP; e += SIDE * SIDE) {
                // neighbours in memory go to neighbouring items
                const int ak = a_sk == 1 ? e % DEEP : e / TILE, am = a_sk == 1 ? e / DEEP : e % TILE;
                const int bk = b_sn == 1 ? e / TILE : e % DEEP, bn = b_sn == 1 ? e % TILE : e / DEEP;
                as[ak][am] = m0 + am < M && k0 + ak < K ? GET(a[(m0 + am) * a_sm + (k0 + ak) * a_sk]) : (ACC)0;
                bs[bk][bn] = n0 + bn < N && k0 + bk < K ? GET(b[(k0 + bk) * b_sk + (n0 + bn) * b_sn]) : (ACC)0;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int k = 0; k < DEEP; k++) {
                for (int i = 0; i < 4; i++)
                    for (int j = 0; j < 4; j++)
                        acc[i][j] = MAD(as[k][y + SIDE * i], bs[k][x + SIDE * j], acc[i][j]);
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
    }
    const long4 in_batch = (long4)(i0, i1, i2, 0);
    const long c_at = i0 * c_s0 + i1 * c_s1 + i2 * c_s2;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            const int m = m0 + y + SIDE * i, n = n0 + x + SIDE * j;
            if (m < M && n < N)
                EPI_STORE(acc[i][j], C, c_at + m * c_sm + n, in_batch, m, n, 1);
        }
    }
}
