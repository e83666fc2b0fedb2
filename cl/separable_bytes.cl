// SPDX-License-Identifier: MIT
// An axis of bytes by a sparse matrix of whole numbers, whose rows are of neighbouring columns:
// y = (half + sum over a row of weight times x) >> precision, between 0 and 255. Rows across or sums down, one launch
// each. CPU class: the lanes across are sixteen rows, of blocks of 16x16 that are turned in registers, there and back;
// the lanes down are columns.
//
// A table, in words of 4 bytes: the first column of each row, where its weights begin (and, behind the last, end), the
// weights of all, of 2 bytes each. Before the table of the sums down, where only some rows of x are looked at: which.
#ifndef E
#define E uchar
#define VEC uchar16
#endif
#include "common.clh"
#ifndef BYTES // at: the table's word; picked: of the list of rows, or below 0; N: rows or columns before, NO: after
#define BYTES                                                                                      \
    __global const long *restrict table, long planes, long H, long W, long HO, long WO, long at, long picked, int precision
#endif
#define TABLE(rows)                                                                                \
    __global const int *words = (__global const int *)table, *low = words + at, *begins = low + (rows); \
    __global const short *weight = (__global const short *)(begins + (rows) + 1);                  \
    const int half_one = 1 << (precision - 1);
#define ROW_OF(r) (picked < 0 ? (r) : (r) / HO * H + words[picked + (r) % HO])
#if defined(__clang__) && !defined(BY_LANES)
#define WIDE(x) __builtin_convertvector(x, int16)
#define BACK(x) __builtin_convertvector(x, VEC)
#else
#define WIDE(x) convert_int16(x)
#define BACK(x) convert_uchar16(x)
#endif
#define WHOLE(sum) BACK(clamp((sum) >> precision, 0, 255))

// Of [planes][H][W] the rows that are picked, [planes][HO][WO].
__kernel void NAME(bytes_across_items)(__global const E *restrict x, long offset, __global E *restrict y, BYTES)
{
    const long i = get_global_id(0);
    if (i >= planes * HO * WO)
        return;
    TABLE(WO)
    const long j = i % WO, r = i / WO;
    __global const E *from = x + offset + ROW_OF(r) * W + low[j];
    int sum = half_one;
    for (int k = begins[j]; k < begins[j + 1]; k++)
        sum += (int)weight[k] * (int)*from++;
    y[i] = (E)clamp(sum >> precision, 0, 255);
}

__kernel void NAME(bytes_down_items)(__global const E *restrict x, long offset, __global E *restrict y, BYTES)
{
    const long at_y = get_global_id(0);
    if (at_y >= planes * HO * WO)
        return;
    TABLE(HO)
    const long i = at_y / WO % HO;
    __global const E *from = x + offset + (at_y / WO / HO * H + low[i]) * W + at_y % WO;
    int sum = half_one;
    for (int k = begins[i]; k < begins[i + 1]; k++, from += W)
        sum += (int)weight[k] * (int)*from;
    y[at_y] = (E)clamp(sum >> precision, 0, 255);
}

// Sixteen rows from r on, of which there are `all`, turned: to[w][VL], of 16 columns at least.
SELDOM void NAME(turn_bytes)(__global const E *from, __global const int *words, long H, long HO, long picked, long r,
                             long all, long W, __global E *to)
{
    VEC v[VL], edge[VL];
    long row[VL];
    EDGE for (int q = 0; q < VL; q++) row[q] = ROW_OF(min(r + q, all - 1)) * W;
    for (long w = 0; w < W; w += VL) {
        const long first = max(min(w, W - VL), 0L); // the last sixteen columns lie over those before
        EDGE for (int q = 0; q < VL; q++) edge[q] = NAME(load_part)(from + row[q] + first, (int)min(W, (long)VL));
        UNROLL for (int q = 0; q < VL; q++) v[q] = edge[q];
        TRANSPOSE16(v)
        UNROLL for (int q = 0; q < VL; q++) NAME(store)(v[q], to + (first + q) * VL);
    }
}

// Scratch of a work-group: sixteen times W, or 256.
CPU_KERNEL void NAME(bytes_across)(__global const E *restrict x, long offset, __global E *restrict scratch,
                                   __global E *restrict y, BYTES)
{
    TABLE(WO)
    const long part = get_group_id(0), parts = get_num_groups(0), all = planes * HO, blocks = DIV_UP(all, VL);
    __global E *turned = scratch + part * max(W, (long)VL) * VL;
    for (long b = blocks * part / parts, last = blocks * (part + 1) / parts; b < last; b++) {
        const long r = b * VL;
        NAME(turn_bytes)(x + offset, words, H, HO, picked, r, all, W, turned);
        for (long j = 0; j < WO; j += VL) {
            VEC v[VL], edge[VL];
            const long first = max(min(j, WO - VL), 0L);
            EDGE for (int q = 0; q < VL; q++)
            {
                const long o = min(first + q, WO - 1);
                __global const E *a = turned + (long)low[o] * VL;
                int16 sum = (int16)(half_one);
                EDGE for (int k = begins[o]; k < begins[o + 1]; k++, a += VL) sum += (int16)((int)weight[k]) * WIDE(NAME(load)(a));
                edge[q] = WHOLE(sum);
            }
            UNROLL for (int q = 0; q < VL; q++) v[q] = edge[q];
            TRANSPOSE16(v)
            UNROLL for (int q = 0; q < VL; q++) edge[q] = v[q];
            EDGE for (int q = 0; q < VL && r + q < all; q++)
                NAME(store_part)(edge[q], y + (r + q) * WO + first, (int)min(WO, (long)VL));
        }
    }
}

CPU_KERNEL void NAME(bytes_down)(__global const E *restrict x, long offset, __global E *restrict y, BYTES)
{
    enum { RUN = 4 }; // vectors
    TABLE(HO)
    const long part = get_group_id(0), parts = get_num_groups(0), all = planes * HO;
    for (long r = all * part / parts, last = all * (part + 1) / parts; r < last; r++) {
        const long i = r % HO;
        __global const E *from = x + offset + (r / HO * H + low[i]) * W;
        __global const short *begin = weight + begins[i];
        const int n = begins[i + 1] - begins[i];
        __global E *to = y + r * WO;
        long w = 0;
        for (; w + RUN * VL <= W; w += RUN * VL) {
            int16 sum[RUN];
            UNROLL for (int v = 0; v < RUN; v++) sum[v] = (int16)(half_one);
            ROLLED for (int k = 0; k < n; k++)
                UNROLL for (int v = 0; v < RUN; v++)
                    sum[v] += (int16)((int)begin[k]) * WIDE(NAME(load)(from + k * W + w + v * VL));
            UNROLL for (int v = 0; v < RUN; v++) NAME(store)(WHOLE(sum[v]), to + w + v * VL);
        }
        for (; w < W; w += VL) {
            const long first = max(min(w, W - VL), 0L);
            const int many = (int)min(W, (long)VL);
            int16 sum = (int16)(half_one);
            EDGE for (int k = 0; k < n; k++)
                sum += (int16)((int)begin[k]) * WIDE(NAME(load_part)(from + k * W + first, many));
            NAME(store_part)(WHOLE(sum), to + first, many);
        }
    }
}
