// SPDX-License-Identifier: MIT
// Two axes of x [planes][H][W], each by a sparse matrix: y[p][i][j] = sum over its row's entries k, l of
// vertical[i][k] horizontal[j][l] x[p][h[k]][w[l]], first down, then across. A table is, in words of 4 bytes: where each
// row of the matrix begins (rows + 1 of them), then the columns of all its entries, then their weights (ACC, after a
// word more where that aligns them). A matrix with no rows is the identity. COPY: rows have one entry of weight 1.
#pragma OPENCL FP_CONTRACT OFF
#include "element.clh"
#ifndef SEPARABLE // v_at, h_at: places of the tables in the words, v_n, h_n: entries; each: in every row across, 0: they differ
#define SEPARABLE                                                                                  \
    __global const long *restrict table, long planes, long H, long W, long HO, long WO, int v_rows, long v_at, long v_n, \
        int h_rows, long h_at, long h_n, int each
#endif
#define ROWS 32 // of the result, at a time
#define BEGINS(at, i) words[(at) + (i)]
#define COLUMN(at, rows, e) words[(at) + (rows) + 1 + (e)]
#define WEIGHTS(at, rows, n) ((__global const ACC *)(words + ((at) + (rows) + 1 + (n) + 1) / 2 * 2))

__kernel void NAME(separable_items)(__global const E *restrict x, long offset, __global E *restrict y, SEPARABLE)
{
    const long at = get_global_id(0);
    if (at >= planes * HO * WO)
        return;
    __global const int *words = (__global const int *)table;
    const long j = at % WO, i = at / WO % HO;
    __global const E *from = x + offset + at / WO / HO * H * W;
    const int k0 = v_rows ? BEGINS(v_at, i) : 0, k1 = v_rows ? BEGINS(v_at, i + 1) : 1;
    const int l0 = h_rows ? BEGINS(h_at, j) : 0, l1 = h_rows ? BEGINS(h_at, j + 1) : 1;
#ifdef COPY
    const long h = v_rows ? COLUMN(v_at, v_rows, k0) : i, w = h_rows ? COLUMN(h_at, h_rows, l0) : j;
    y[at] = from[h * W + w];
#else
    __global const ACC *vw = WEIGHTS(v_at, v_rows, v_n), *hw = WEIGHTS(h_at, h_rows, h_n);
    ACC sum = (ACC)0;
    for (int l = l0; l < l1; l++) {
        const long w = h_rows ? COLUMN(h_at, h_rows, l) : j;
        ACC down = (ACC)0;
        for (int k = k0; k < k1; k++) {
            const ACC v = GET(from[(v_rows ? COLUMN(v_at, v_rows, k) : i) * W + w]);
            down += v_rows ? vw[k] * v : v;
        }
        sum += h_rows ? hw[l] * down : down;
    }
    y[at] = PUT(sum);
#endif
}

#ifndef COPY
// W sums of rows, of those of a plane or of scratch.
#define DOWN(name, from_type, get, to_type, put)                                                   \
    static inline void NAME(name)(__global const from_type *restrict from, long W, __global const int *column, \
                                  __global const ACC *weight, int n, __global to_type *restrict to) \
    {                                                                                              \
        if (n == 2) {                                                                              \
            __global const from_type *a = from + column[0] * W, *b = from + column[1] * W;         \
            const ACC p = weight[0], q = weight[1];                                                \
            for (long w = 0; w < W; w++)                                                           \
                to[w] = put(p * get(a[w]) + q * get(b[w]));                                        \
            return;                                                                                \
        }                                                                                          \
        for (long w0 = 0; w0 < W; w0 += BLOCK) {                                                   \
            ACC sum[BLOCK];                                                                        \
            const int many = min((long)BLOCK, W - w0);                                             \
            for (int w = 0; w < many; w++)                                                         \
                sum[w] = (ACC)0;                                                                   \
            for (int k = 0; k < n; k++) {                                                          \
                __global const from_type *a = from + column[k] * W + w0;                           \
                const ACC p = weight[k];                                                           \
                for (int w = 0; w < many; w++)                                                     \
                    sum[w] += p * get(a[w]);                                                       \
            }                                                                                      \
            for (int w = 0; w < many; w++)                                                         \
                to[w0 + w] = put(sum[w]);                                                          \
        }                                                                                          \
    }
#define BLOCK 64
#define SAME(x) (x)
DOWN(down, E, GET, ACC, SAME)
DOWN(down_last, ACC, SAME, E, PUT)

// A row, across: each: entries of every row of the matrix, 0: they differ.
#define ACROSS(name, from_type, get, to_type, put)                                                 \
    static inline void NAME(name)(__global const from_type *restrict from, __global const int *begins, \
                                  __global const int *restrict column, __global const ACC *restrict weight, int each, \
                                  __global to_type *restrict to, long j0, long j1)                 \
    {                                                                                              \
        if (each == 2)                                                                             \
            for (long j = j0; j < j1; j++)                                                         \
                to[j] = put(weight[2 * j] * get(from[column[2 * j]]) +                             \
                            weight[2 * j + 1] * get(from[column[2 * j + 1]]));                     \
        else                                                                                       \
            for (long j = j0; j < j1; j++) {                                                       \
                ACC sum = (ACC)0;                                                                  \
                const int l1 = begins[j + 1];                                                      \
                for (int l = begins[j]; l < l1; l++)                                               \
                    sum += weight[l] * get(from[column[l]]);                                       \
                to[j] = put(sum);                                                                  \
            }                                                                                      \
    }
ACROSS(across, E, GET, ACC, SAME)
ACROSS(across_last, ACC, SAME, E, PUT)
ACROSS(across_row, E, GET, E, PUT)
#endif

// A work-item has some rows of the result, or some columns of them where rows are few. Where there are more rows than in
// x, rows of x go across first, some at a time. `rows` is scratch for a row of W sums, or for H rows of WO.
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
NAME(separable_rows)(__global const E *restrict x, long offset, __global ACC *restrict rows, __global E *restrict y,
                     SEPARABLE)
{
    const long part = get_group_id(0), parts = get_num_groups(0), all = planes * HO;
    const long first = all / parts * part + all % parts * part / parts;
    const long last = all / parts * (part + 1) + all % parts * (part + 1) / parts;
    const long block = get_group_id(1), blocks = get_num_groups(1);
    const long j0 = WO / blocks * block + WO % blocks * block / blocks;
    const long j1 = WO / blocks * (block + 1) + WO % blocks * (block + 1) / blocks;
    __global const int *words = (__global const int *)table;
    __global const int *begins = words + h_at, *column = words + h_at + h_rows + 1;
#ifndef COPY
    __global const ACC *weight = WEIGHTS(h_at, h_rows, h_n), *down_weight = WEIGHTS(v_at, v_rows, v_n);
    __global const int *v_begins = words + v_at, *v_column = words + v_at + v_rows + 1;
    const bool across_first = v_rows && h_rows && HO > H;
    const long many = across_first ? ROWS : 1;
#else
    const long many = 1;
#endif
    for (long r = first, next; r < last; r = next) {
        const long i = r % HO, end = min(min(i + many, HO), i + last - r);
        next = r + end - i;
        __global const E *from = x + offset + r / HO * H * W;
        __global E *to = y + r * WO;
#ifdef COPY
        from += (v_rows ? COLUMN(v_at, v_rows, i) : i) * W;
        if (h_rows)
            for (long j = j0; j < j1; j++)
                to[j] = from[column[j]];
        else
            for (long j = j0; j < j1; j++)
                to[j] = from[j];
#else
        if (across_first) {
            __global ACC *wide = rows + part * H * WO;
            int h0 = H, h1 = -1;
            for (int e = v_begins[i]; e < v_begins[end]; e++) {
                h0 = min(h0, v_column[e]);
                h1 = max(h1, v_column[e]);
            }
            for (int h = h0; h <= h1; h++)
                NAME(across)(from + h * W, begins, column, weight, each, wide + h * WO, 0, WO);
            for (long k = i; k < end; k++)
                NAME(down_last)(wide, WO, v_column + v_begins[k], down_weight + v_begins[k], v_begins[k + 1] - v_begins[k],
                                to + (k - i) * WO);
        } else if (v_rows) {
            __global ACC *sums = rows + part * W;
            NAME(down)(from, W, v_column + v_begins[i], down_weight + v_begins[i], v_begins[i + 1] - v_begins[i], sums);
            if (h_rows)
                NAME(across_last)(sums, begins, column, weight, each, to, 0, WO);
            else
                for (long j = 0; j < WO; j++)
                    to[j] = PUT(sums[j]);
        } else { // a matrix across: else there is nothing to compute
            NAME(across_row)(from + i * W, begins, column, weight, each, to, j0, j1);
        }
#endif
    }
}
