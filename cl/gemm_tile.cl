// SPDX-License-Identifier: MIT
// C[b] = A[b] * B[b], CPU class, in one launch: for products that are too small, too thin or too many for panels that a
// launch of its own packs (cl/gemm_cpu.cl). A is read where it lies, a number at a time; B goes to local memory in
// vectors. Register tiles of MR x (16*NV). The sum over k runs in one chain per element, whatever the work-groups.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "gemm_parts.clh"
#ifndef MR
#define MR 8
#define NV 3
#endif
#include "gemm_copy.clh"
#ifdef TILED_A // computed in another type than stored: a tile's rows go to local memory too
#define A_SPACE __local
#else
#define A_SPACE __global
#endif

// The product runs over `count` of what is summed, from `first` on, counted over K of each of the matrices that are
// summed over. A run is what lies in one of them: run_at, its start in it, and `run`.
#define SUM_AT(g, s0, s1, s2) ((long)((g) / k2 / k1) * (s0) + (long)((g) / k2 % k1) * (s1) + (long)((g) % k2) * (s2))
#define RUN(at, end)                                                                               \
    int g = 0, run_at = (at), run = (end) - (at);                                                  \
    if ((end) > K) {                                                                               \
        g = (at) / K;                                                                              \
        run_at -= g * K;                                                                           \
        run = min(K - run_at, run);                                                                \
    }

// nv vectors of `rows` rows. p: the copy of B, whose vectors are `apart`.
#define TILE_IN A_SPACE const ACC *a, long sm, long sk, __local const ACC *p, int apart, VEC *out, int rows, long s0, \
                long s1, long s2, int k1, int k2, int K, int first, int count
static inline __attribute__((always_inline)) void NAME(tile)(const int nv, TILE_IN)
{
    VEC acc[MR][NV];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) acc[i][v] = (VEC)(0);
    for (int at = first, end = first + count; at < end;) {
        RUN(at, end)
        A_SPACE const ACC *r[MR], *row = a + (g ? SUM_AT(g, s0, s1, s2) : 0) + run_at * sk;
        UNROLL for (int i = 0; i < MR; i++) r[i] = row + min(i, rows - 1) * sm;
        long ka = 0;
        ROLLED for (int k = 0; k < run; k++)
        {
            VEC w[NV];
            UNROLL for (int v = 0; v < NV; v++) if (v < nv) w[v] = NAME(load_local)(p + v * apart);
            UNROLL for (int i = 0; i < MR; i++)
            {
                const VEC s = (VEC)(r[i][ka]);
                UNROLL for (int v = 0; v < NV; v++) if (v < nv) acc[i][v] = MAD(s, w[v], acc[i][v]);
            }
            ka += sk;
            p += VL;
        }
        at += run;
    }
    // through memory, so that the epilogue stands in the text once
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) if (v < nv) out[i * NV + v] = acc[i][v];
}

#define TILE_OF(nv)                                                                                \
    SELDOM void NAME(tile_##nv)(TILE_IN)                                                           \
    {                                                                                              \
        NAME(tile)(nv, a, sm, sk, p, apart, out, rows, s0, s1, s2, k1, k2, K, first, count);       \
    }
TILE_OF(1)
#if NV > 1
TILE_OF(2)
#endif
#if NV > 2
TILE_OF(3)
#endif

// A batch of .. x n1 x n2 products, `together` in a work-group, of which it makes m_block rows and n_block columns; K is
// cut into chunks for as many parts. What is summed over has dimensions .. x k1 x k2 x K. Grid: blocks of columns x
// blocks of rows x batch and parts.
#ifndef GEMM
#define GEMM                                                                                       \
    long a_s0, long a_s1, long a_s2, long a_sm, long a_sk, long b_s0, long b_s1, long b_s2, long b_sk, long b_sn, \
        long b_end, \
        long c_s0, long c_s1, long c_s2, long c_sm, int n1, int n2, int k1, int k2, int batches, int together, \
        int parts, int chunk, int sums, int M, int N, int K, int m_block, int n_block
#define GEMM_READ
#endif
CPU_KERNEL void NAME(gemm_tile)(__global const E *restrict A, long a_offset, __global const E *restrict B,
                                long b_offset, __global RESULT *restrict C, __local ACC *restrict copy, GEMM EPI_PARAMS)
{
    GEMM_READ
    const int n0 = get_group_id(0) * n_block, n_end = min(N, n0 + n_block);
    const int m0 = get_group_id(1) * m_block, m_end = min(M, m0 + m_block);
    const int part = get_group_id(2) % parts, z0 = get_group_id(2) / parts * together;
    const int first = part * chunk, count = min(chunk, sums - first), apart = count * VL;
#ifdef TILED_A
    const int step = ROUND_UP(count, VL);
    __local ACC *rows_at = copy + ROUND_UP(n_block, VL) * chunk;
#endif
    VEC out[MR * NV + 1]; // and what a store of its last lanes reads on
    int i0 = z0 / n2 / n1, i1 = z0 / n2 % n1, i2 = z0 % n2;
    for (int z = z0; z < min(batches, z0 + together); z++) {
        const long4 in_batch = (long4)(i0, i1, i2, 0);
        const long c_at = i0 * c_s0 + i1 * c_s1 + i2 * c_s2;
        __global const E *b = B + b_offset + i0 * b_s0 + i1 * b_s1 + i2 * b_s2;
        for (int at = first; at < first + count;) {
            RUN(at, first + count)
#ifndef FLAT
            __global const E *from = b + (g ? SUM_AT(g, b_s0, b_s1, b_s2) : 0) + run_at * b_sk;
#endif
            for (int n = n0; n < n_end; n += VL) {
#ifdef FLAT
                const int columns = min(VL, n_end - n), image = n / n2, first_of = n % n2;
                if (first_of + columns > n2) {
                    NAME(copy_across)(b + image * b_s2 + at * b_sk, b_sk, b_s2, n2, first_of,
                                      copy + (n - n0) / VL * apart + (at - first) * VL, run, columns, B + b_offset + b_end);
                    continue;
                }
                __global const E *from = b + image * b_s2 + at * b_sk - n + first_of;
#endif
                NAME(copy_columns)(from + n * b_sn, b_sk, b_sn, copy + (n - n0) / VL * apart + (at - first) * VL, run,
                                   min(VL, n_end - n), B + b_offset + b_end);
            }
            at += run;
        }
        for (int m = m0; m < m_end; m += MR) {
            const int rows = min(MR, m_end - m);
            __global const E *a = A + a_offset + i0 * a_s0 + i1 * a_s1 + i2 * a_s2 + m * a_sm;
#ifdef TILED_A
            NAME(copy_rows)(a + first * a_sk, a_sm, a_sk, rows_at, count, rows, step);
#define TILE(nv) NAME(tile_##nv)(rows_at, step, 1, p, apart, out, rows, 0, 0, 0, k1, k2, K, 0, count)
#else
#define TILE(nv) NAME(tile_##nv)(a, a_sm, a_sk, p, apart, out, rows, a_s0, a_s1, a_s2, k1, k2, K, first, count)
#endif
            // vectors of a row, evenly over panels of at most NV
            int left = DIV_UP(n_end - n0, VL), n = n0;
            for (int panels = DIV_UP(left, NV); panels > 0; panels--) {
                const int nv = DIV_UP(left, panels);
                __local const ACC *p = copy + (n - n0) / VL * apart;
#if NV > 2
                if (nv == 3)
                    TILE(3);
                else
#endif
#if NV > 1
                if (nv == 2)
                    TILE(2);
                else
#endif
                    TILE(1);
#ifdef FLAT
                EDGE for (int v = 0; v < nv; v++)
                {
                    const int at = n + v * VL, columns = min(VL, N - at), image = at / n2, first_of = at % n2;
                    EDGE for (int i = 0; i < rows; i++)
                        EDGE for (int j = 0, q = image, r = first_of; j < columns; q++, r = 0)
                    {
                        const int some = min(columns - j, n2 - r);
                        EPI_STORE(NAME(load_private)((const ACC *)&out[i * NV + v] + j), C, q * c_s2 + (m + i) * c_sm + r, q,
                                  m + i, r, some);
                        j += some;
                    }
                }
#else
                EDGE for (int i = 0; i < rows; i++)
                {
                    EDGE for (int v = 0; v < nv; v++)
                        STORE_ROW(out[i * NV + v], (long)part * batches + z, c_at, in_batch, m + i, n + v * VL);
                }
#endif
                left -= nv;
                n += nv * VL;
            }
        }
        if (++i2 == n2) {
            i2 = 0;
            i1 = i1 + 1 == n1 ? 0 : i1 + 1;
            i0 += i1 == 0;
        }
    }
}
