// SPDX-License-Identifier: MIT
// Two axes of x [planes][H][W], each by a sparse matrix, CPU class: the sums of cl/separable.cl. The lanes of sums down
// are columns. Across they are columns too where two neighbours make one, or one is copied; else sixteen rows: blocks of
// 16x16 are turned in registers, there and back. Where there are more rows than in x, those of x go across first.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "separable.clh"
#include "pairs.clh"
#include "separable_across.clh"
#define THERE(n) ((int)min((long)(n), (long)VL)) // lanes

// A row of sums down: `n` rows of `from`, which are `pitch` apart, times their weights. room: elements from `from` on that
// may be read.
#define SUM_ROW(name, from_type, load, to_type, store)                                             \
    SELDOM void NAME(name)(__global const from_type *restrict from, long pitch, __global const int *column, \
                           __global const ACC *weight, int n, __global to_type *restrict to, long W, long room) \
    {                                                                                              \
        long w = 0;                                                                                \
        for (; w + RUN * VL <= W; w += RUN * VL) {                                                 \
            VEC sum[RUN];                                                                          \
            UNROLL for (int v = 0; v < RUN; v++) sum[v] = (VEC)(n > 0 ? -(ACC)0 : (ACC)0);         \
            ROLLED for (int k = 0; k < n; k++)                                                     \
            {                                                                                      \
                __global const from_type *a = from + column[k] * pitch + w;                        \
                UNROLL for (int v = 0; v < RUN; v++)                                               \
                    sum[v] += weight[k] * NAME(load)(a + v * VL, VL);                              \
            }                                                                                      \
            UNROLL for (int v = 0; v < RUN; v++) NAME(store)(sum[v], to + w + v * VL, VL);         \
        }                                                                                          \
        for (; w < W; w += VL) {                                                                   \
            VEC sum = (VEC)(n > 0 ? -(ACC)0 : (ACC)0); /* -0 changes no sum, also none that is -0 */ \
            EDGE for (int k = 0; k < n; k++)                                                       \
                sum += weight[k] * NAME(load)(from + column[k] * pitch + w,                        \
                                              THERE(room - column[k] * pitch - w));                \
            NAME(store)(sum, to + w, THERE(W - w));                                                \
        }                                                                                          \
    }
#define RUN 4 // vectors
// of scratch, whose rows are whole vectors
static inline VEC NAME(load_whole)(__global const ACC *p, int n)
{
    return NAME(load_acc)(p);
}

static inline void NAME(store_whole)(VEC x, __global ACC *p, int n)
{
    NAME(store_acc)(x, p);
}
SUM_ROW(down, E, load_part, ACC, store_whole)
SUM_ROW(down_last, ACC, load_whole, E, store_part)
SUM_ROW(down_only, E, load_part, E, store_part)

// 16x16 elements turned: r[i].lane[j] <-> r[j].lane[i].
SELDOM void NAME(turn)(VEC *restrict edge)
{
    VEC r[VL];
    UNROLL for (int q = 0; q < VL; q++) r[q] = edge[q];
    TRANSPOSE16(r)
    UNROLL for (int q = 0; q < VL; q++) edge[q] = r[q];
}

// `count` rows of sums or, where there are none (0), of x, up to 16, turned: to[W][VL].
SELDOM void NAME(turn_rows)(__global const ACC *restrict sums, long pitch, __global const E *restrict from, long W,
                            int count, __global ACC *restrict to, long room)
{
    VEC r[VL];
    for (long w = 0; w < W; w += VL, to += VL * VL) {
        EDGE for (int q = 0; q < VL; q++)
            r[q] = q >= count ? (VEC)(0)
                   : sums     ? NAME(load_acc)(sums + q * pitch + w)
                              : NAME(load_part)(from + q * W + w, THERE(room - q * W - w));
        NAME(turn)(r);
        EDGE for (int q = 0; q < VL; q++) NAME(store_acc)(r[q], to + q * VL);
    }
}

// Sixteen columns of the result, from j on, of sixteen turned rows: r[row]. Where all have as many entries (each, else 0)
// they are summed side by side.
SELDOM void NAME(sum_across)(__global const ACC *turned, __global const int *begins, __global const int *column,
                             __global const ACC *weight, int each, long j, long WO, VEC *restrict to)
{
    VEC r[VL], edge[VL];
    if (each && j + VL <= WO) {
        __global const int *c = column + j * each;
        __global const ACC *w = weight + j * each;
        UNROLL for (int q = 0; q < VL; q++) r[q] = (VEC)(-(ACC)0);
        ROLLED for (int k = 0; k < each; k++)
            UNROLL for (int q = 0; q < VL; q++)
                r[q] += w[q * each + k] * NAME(load_acc)(turned + c[q * each + k] * (long)VL);
    } else {
        int l = begins[j];
        EDGE for (int q = 0; q < VL; q++)
        {
            const int end = begins[min(j + q + 1, WO)];
            VEC sum = (VEC)(l < end ? -(ACC)0 : (ACC)0);
            EDGE for (; l < end; l++) sum += weight[l] * NAME(load_acc)(turned + column[l] * (long)VL);
            edge[q] = sum;
        }
        UNROLL for (int q = 0; q < VL; q++) r[q] = edge[q];
    }
    TRANSPOSE16(r)
    UNROLL for (int q = 0; q < VL; q++) to[q] = r[q];
}

// A row of x as ACC: itself, or converted to `room_for`.
static inline __global const ACC *NAME(row_of)(__global const E *from, long W, __global ACC *room_for, long room)
{
#ifdef AS_STORED
    return from;
#else
    for (long w = 0; w < W; w += VL)
        NAME(store_acc)(NAME(load_part)(from + w, THERE(room - w)), room_for + w);
    return room_for;
#endif
}

// How many rows of a matrix, from row i on, have entries in at most 16 columns, at most `rows`; low: the first of the
// columns, many: how many.
SELDOM int NAME(rows_within)(__global const int *begins, __global const int *column, long i, int rows, int *low, int *many)
{
    int first = 0, last = -1, n = 0;
    for (; n < rows; n++) {
        int a = first, b = last;
        EDGE for (int e = begins[i + n]; e < begins[i + n + 1]; e++)
        {
            a = b < a ? column[e] : min(a, column[e]);
            b = max(b, column[e]);
        }
        if (b - a >= VL)
            break;
        first = a;
        last = b;
    }
    *low = first;
    *many = last - first + 1;
    return n;
}

// A work-group has some rows of the result, or some columns of them where rows are few. Scratch of each, in vectors: W
// rounded up to 16 for sixteen rows of sums down, as many for turned rows, and WO rounded up for rows that went across.
CPU_KERNEL void NAME(separable_rows)(__global const E *restrict x, long offset, __global ACC *restrict scratch,
                                     __global E *restrict y, SEPARABLE)
{
    enum { FEW = VL, MANY = 256 }; // rows
    const long part = get_group_id(0), parts = get_num_groups(0), all = planes * HO;
    const long first = all / parts * part + all % parts * part / parts;
    const long last = all / parts * (part + 1) + all % parts * (part + 1) / parts;
    const long block = get_group_id(1), blocks = get_num_groups(1);
    const long j0 = WO / blocks * block + WO % blocks * block / blocks;
    const long j1 = WO / blocks * (block + 1) + WO % blocks * (block + 1) / blocks;
    __global const int *words = (__global const int *)table;
    __global const int *h_begins = words + h_at, *h_column = h_begins + h_rows + 1;
    __global const int *v_begins = words + v_at, *v_column = v_begins + v_rows + 1;
    __global const ACC *h_weight = WEIGHTS(h_at, h_rows, h_n), *v_weight = WEIGHTS(v_at, v_rows, v_n);
    const long wide = ROUND_UP(WO, VL);
    __global ACC *turned = scratch + part * (2 * ROUND_UP(W, VL) + wide) * VL, *sums = turned + ROUND_UP(W, VL) * VL;
    __global ACC *across = sums + ROUND_UP(W, VL) * VL;
    const bool along = each == 2 || run0 < run1; // rows go across one by one
    VEC t[VL];
    for (long r = first, next; r < last; r = next) {
        const long i = r % HO, plane = r / HO * H * W, room = planes * H * W - plane;
        __global const E *from = x + offset + plane;
        __global E *to = y + r * WO;
        const int left = min(v_rows ? min(HO - i, last - r) : last - r, (long)MANY);
        int rows = 1, low = 0, many = 0;
        if (h_rows == 0) {
            const int e = v_begins[i];
            NAME(down_only)(from, W, v_column + e, v_weight + e, v_begins[i + 1] - e, to, W, room);
        } else if (v_rows && HO > H && (rows = NAME(rows_within)(v_begins, v_column, i, left, &low, &many)) > 0) {
            for (int q = 0; q < (along ? many : 0); q++) {
                const long at = (low + q) * W;
                NAME(row_across_acc)(NAME(row_of)(from + at, W, turned, room - at), h_begins, h_column, h_weight, each, run0,
                                     run1, across + q * wide, 0, WO);
            }
            if (!along)
                NAME(turn_rows)(0, 0, from + low * W, W, many, turned, room - low * W);
            for (long j = 0; j < (along ? 0 : WO); j += VL) {
                NAME(sum_across)(turned, h_begins, h_column, h_weight, each, j, WO, t);
                EDGE for (int q = 0; q < many; q++) NAME(store_acc)(t[q], across + q * wide + j);
            }
            for (int k = 0; k < rows; k++) {
                const int e = v_begins[i + k];
                NAME(down_last)(across - low * wide, wide, v_column + e, v_weight + e, v_begins[i + k + 1] - e, to + k * WO,
                                WO, 0);
            }
        } else if (v_rows == 0 && (all < FEW || along)) {
            NAME(row_across)(NAME(row_of)(from + i * W, W, turned, room - i * W), h_begins, h_column, h_weight, each, run0, run1,
                             to, j0, j1);
        } else if (along) {
            const int e = v_begins[i], n = v_begins[i + 1] - e;
            __global const ACC *row = sums;
            if (n == 1 && v_weight[e] == (ACC)1)
                row = NAME(row_of)(from + v_column[e] * W, W, sums, room - v_column[e] * W);
            else
                NAME(down)(from, W, v_column + e, v_weight + e, n, sums, W, room);
            NAME(row_across)(row, h_begins, h_column, h_weight, each, run0, run1, to, 0, WO);
        } else { // a row alone that is made of too many is one, whoever has its neighbours: the same bits
            rows = v_rows && HO > H ? 1 : min(left, VL);
            for (int k = 0; k < (v_rows ? rows : 0); k++) {
                const int e = v_begins[i + k];
                NAME(down)(from, W, v_column + e, v_weight + e, v_begins[i + k + 1] - e, sums + k * ROUND_UP(W, VL), W, room);
            }
            NAME(turn_rows)(v_rows ? sums : 0, ROUND_UP(W, VL), from + i * W, W, rows, turned, room - i * W);
            for (long j = 0; j < WO; j += VL) {
                j = max(min(j, WO - VL), 0L);
                NAME(sum_across)(turned, h_begins, h_column, h_weight, each, j, WO, t);
                EDGE for (int q = 0; q < rows; q++) NAME(store_part)(t[q], to + q * WO + j, THERE(WO - j));
            }
        }
        next = r + rows;
    }
}
