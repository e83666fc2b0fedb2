// SPDX-License-Identifier: MIT
// Products with few rows, or few columns, CPU class, matrix times vector among them: C = X * Y where X has at most 16
// rows, or that transposed (swapped: the result's rows lie along the lanes). X goes to local memory, sums stay there,
// and Y is read once, sixteen vectors at a time: along its rows where they are contiguous, else down its columns, turned
// in registers. The sum over k runs in one chain per element.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "gemm_parts.clh"

// X, sixteen columns at a time, to P[k/16][rows][16]; beyond K zero.
SELDOM void NAME(pack_rows)(__global const E *restrict x, long sr, long sk, __local ACC *restrict p, int K, int rows)
{
    for (int k = 0; k < K; k += VL, p += rows * VL) {
        const int left = min(VL, K - k);
        VEC r[VL], edge[VL];
        if (sk == 1) {
            EDGE for (int i = 0; i < rows; i++)
                NAME(store_local)(NAME(load_part)(x + i * sr + k, left), p + i * VL);
            continue;
        }
        if (sr != 1) {
            EDGE for (int i = 0; i < rows; i++)
                EDGE for (int j = 0; j < VL; j++)
                    p[i * VL + j] = j < left ? GET(x[i * sr + (k + j) * sk]) : (ACC)0;
            continue;
        }
        EDGE for (int j = 0; j < VL; j++)
            edge[j] = j < left ? NAME(load_part)(x + (k + j) * sk, rows) : (VEC)(0);
        UNROLL for (int j = 0; j < VL; j++) r[j] = edge[j];
        TRANSPOSE16(r)
        UNROLL for (int j = 0; j < VL; j++) edge[j] = r[j];
        EDGE for (int i = 0; i < rows; i++) NAME(store_local)(edge[i], p + i * VL);
    }
}

// Sixteen vectors of Y, of which `count` are there with `part` lanes each, times X's columns s[rows][16], added to
// c[rows][16].
SELDOM void NAME(multiply)(__global const E *from, long step, int count, int part, int turned, __local const ACC *s,
                           __local ACC *c, int rows)
{
    VEC w[VL], edge[VL];
    if (count == VL && part == VL) {
        UNROLL for (int j = 0; j < VL; j++) w[j] = NAME(load)(from + j * step);
    } else { // beyond K -1, which times X's zero there changes no sum, also none that is -0
        EDGE for (int j = 0; j < VL; j++)
            edge[j] = j < count ? NAME(load_or)(from + j * step, part, (ACC)-1) : (VEC)((ACC)-1);
        UNROLL for (int j = 0; j < VL; j++) w[j] = edge[j];
    }
    if (turned) {
        TRANSPOSE16(w)
    }
    ROLLED for (int i = 0; i < rows; i++)
    {
        VEC acc = NAME(load_local)(c + i * VL);
        UNROLL for (int j = 0; j < VL; j++) acc = MAD((VEC)(s[i * VL + j]), w[j], acc);
        NAME(store_local)(acc, c + i * VL);
    }
}

// Steps of X along rows and k, of Y along k and lanes; a strip of lanes in a work-group, `deep` columns of X at a time.
// Grid: strips x parts x batch.
#ifndef GEMM
#define GEMM                                                                                       \
    long x_s0, long x_s1, long x_s2, long x_sr, long x_sk, long y_s0, long y_s1, long y_s2, long y_sk, long y_sl, \
        long c_s0, long c_s1, long c_s2, long c_sm, long n1, long n2, int rows, int lanes, int K, int chunk, int strip, \
        int deep, int swapped
#define GEMM_READ
#endif
CPU_KERNEL void NAME(gemm_thin)(__global const E *restrict X, long x_offset, __global const E *restrict Y, long y_offset,
                                __global RESULT *restrict C, __local ACC *restrict xp, __local ACC *restrict sums,
                                GEMM EPI_PARAMS)
{
    GEMM_READ
    const int n0 = get_group_id(0) * strip, wide = min(strip, lanes - n0), vectors = DIV_UP(wide, VL);
    const int k0 = get_group_id(1) * chunk, k_end = min(K, k0 + chunk), turned = y_sl != 1;
    const long z = get_group_id(2);
    __global const E *x = X + x_offset + BATCH_AT(z, n1, n2, x_s0, x_s1, x_s2);
    __global const E *y = Y + y_offset + BATCH_AT(z, n1, n2, y_s0, y_s1, y_s2) + n0 * y_sl;
    const long step = turned ? y_sl : y_sk, k_step = turned ? 1 : y_sk;
    EDGE for (int i = 0; i < vectors * rows; i++) NAME(store_local)((VEC)(0), sums + i * VL);
    for (int k_at = k0; k_at < k_end; k_at += deep) {
        const int some = min(deep, k_end - k_at);
        NAME(pack_rows)(x + k_at * x_sk, x_sr, x_sk, xp, some, rows);
        for (int n = 0; n < wide; n += VL) {
            __local ACC *c = sums + n * rows;
            for (int k = 0; k < some; k += VL) {
                const int left = min(VL, some - k), columns = min(VL, wide - n);
                const int count = turned ? columns : left, part = turned ? left : columns;
                __global const E *from = y + (k_at + k) * k_step + n * y_sl;
                NAME(multiply)(from, step, count, part, turned, xp + k * rows, c, rows);
            }
        }
    }
#ifdef PARTS // [part][batch][vector][rows][16]
    __global ACC *to = C + ((get_group_id(1) * (long)get_num_groups(2) + z) * DIV_UP(lanes, VL) + n0 / VL) * rows * VL;
    EDGE for (int i = 0; i < vectors * rows; i++) NAME(store_acc)(NAME(load_local)(sums + i * VL), to + i * VL);
#else
    const long4 in_batch = (long4)(z / n2 / n1, z / n2 % n1, z % n2, 0);
    const long c_at = BATCH_AT(z, n1, n2, c_s0, c_s1, c_s2);
    for (int n = 0; n < wide; n += VL) {
        VEC t[VL];
        EDGE for (int i = 0; i < VL; i++)
            t[i] = i < rows ? NAME(load_local)(sums + (long)n * rows + i * VL) : (VEC)(0);
        STORE_BLOCK(t, 0, rows, n0 + n, min(VL, wide - n), swapped, c_at, in_batch)
    }
#endif
}
