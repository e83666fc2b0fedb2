// SPDX-License-Identifier: MIT
// Sums over listed places ("taps"), and the two derivatives, which are sums of the same kind:
//   grid_sample   y[n][c][p] = sum over t of w[n][t][p] x[n][c][index[n][t][p]]
//   grid_scatter  x[n][c][k] = sum over t, p whose index is k of w[n][t][p] g[n][c][p]
//   grid_weights  w[n][t][p] = sum over c of g[n][c][p] x[n][c][index[n][t][p]]
// An index below 0 is outside: x is 0 there, so that a weight that is NaN is felt, and nothing is sent there.
#include "element.clh"
#ifndef T
#define T int // of keys and places, see index_sort.cl
#endif
#ifndef GRID // HW: elements of a plane of x; P: of y
#define GRID long total, long C, long HW, int taps, long P
#endif
#define BLOCK 64
#define AT(from, k) ((k) < 0 ? (E)0 : (from)[k])
// Loops of loads one by one: what compilers make of them as vectors are gathers, which are slow.
#define APART _Pragma("clang loop vectorize(disable) unroll_count(4)")

// ---- one work-item for each element

__kernel void NAME(grid_sample_items)(__global const E *restrict x, long x_offset, __global const E *restrict w, long w_offset,
                                      __global const int *restrict index, long index_offset, __global E *restrict y, GRID)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const long list = at / P / C * taps * P + at % P;
    __global const E *from = x + x_offset + at / P * HW;
    E sum = (E)0;
    for (int t = 0; t < taps; t++) {
        const int k = index[index_offset + list + t * P];
        sum += w[w_offset + list + t * P] * AT(from, k);
    }
    y[at] = sum;
}

__kernel void NAME(grid_weights_items)(__global const E *restrict x, long x_offset, __global const E *restrict g, long g_offset,
                                       __global const int *restrict index, long index_offset, __global E *restrict w, GRID)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const long n = at / P / taps, p = at % P;
    const int k = index[index_offset + at];
    E sum = (E)0;
    for (long c = 0; c < C && k >= 0; c++)
        sum += g[g_offset + (n * C + c) * P + p] * x[x_offset + (n * C + c) * HW + k];
    w[at] = sum;
}

// Which element of all planes of one channel each tap goes to, for index_sort.cl; outside: behind.
__kernel void NAME(grid_keys)(__global const int *restrict index, long index_offset, __global T *restrict key,
                              __global T *restrict order, long behind, GRID)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int k = index[index_offset + at];
    key[at] = k < 0 ? (T)behind : (T)(at / P / taps * HW + k);
    order[at] = (T)at;
}

__kernel void NAME(grid_scatter_sorted)(__global const E *restrict g, long g_offset, __global const E *restrict w, long w_offset,
                                        __global const T *restrict order, __global const T *restrict start,
                                        __global E *restrict to, GRID)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const long plane = at / HW, k = plane / C * HW + at % HW;
    __global const E *from = g + g_offset + plane * P;
    E sum = (E)0;
    for (long i = start[k], end = start[k + 1]; i < end; i++)
        sum += w[w_offset + order[i]] * from[order[i] % P];
    to[at] = sum;
}

// ---- CPU class: a work-item has some blocks of P; each block is summed up in registers and cache

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
NAME(grid_sample_blocks)(__global const E *restrict x, long x_offset, __global const E *restrict w, long w_offset,
                         __global const int *restrict index, long index_offset, __global E *restrict y, GRID)
{
    const long blocks = (P + BLOCK - 1) / BLOCK, all = total * blocks, part = get_group_id(0), parts = get_num_groups(0);
    for (long b = all * part / parts, last = all * (part + 1) / parts; b < last; b++) {
        const long n = b / blocks, p0 = b % blocks * BLOCK;
        const int many = (int)min((long)BLOCK, P - p0);
        __global const E *weight = w + w_offset + n * taps * P + p0;
        __global const int *list = index + index_offset + n * taps * P + p0;
        for (long c = 0; c < C; c++) {
            __global const E *from = x + x_offset + (n * C + c) * HW;
            __global E *to = y + (n * C + c) * P + p0;
            E sum[BLOCK];
            for (int p = 0; p < many; p++)
                sum[p] = (E)0;
            for (int t = 0; t < taps; t++)
                APART for (int p = 0; p < many; p++)
                {
                    const int k = list[t * P + p];
                    sum[p] += weight[t * P + p] * AT(from, k);
                }
            for (int p = 0; p < many; p++)
                to[p] = sum[p];
        }
    }
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
NAME(grid_weights_blocks)(__global const E *restrict x, long x_offset, __global const E *restrict g, long g_offset,
                          __global const int *restrict index, long index_offset, __global E *restrict w, GRID)
{
    const long blocks = (P + BLOCK - 1) / BLOCK, all = total * blocks, part = get_group_id(0), parts = get_num_groups(0);
    for (long b = all * part / parts, last = all * (part + 1) / parts; b < last; b++) {
        const long n = b / blocks, p0 = b % blocks * BLOCK;
        const int many = (int)min((long)BLOCK, P - p0);
        for (int t = 0; t < taps; t++) {
            __global const int *list = index + index_offset + (n * taps + t) * P + p0;
            __global E *to = w + (n * taps + t) * P + p0;
            E sum[BLOCK];
            for (int p = 0; p < many; p++)
                sum[p] = (E)0;
            for (long c = 0; c < C; c++) {
                __global const E *from = x + x_offset + (n * C + c) * HW, *of = g + g_offset + (n * C + c) * P + p0;
                for (int p = 0; p < many; p++) {
                    const E v = from[max(list[p], 0)];
                    sum[p] += of[p] * v;
                }
            }
            for (int p = 0; p < many; p++)
                to[p] = list[p] < 0 ? (E)0 : sum[p];
        }
    }
}

// A work-item has up to `total` planes of an image, into which it sends everything in one order.
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
NAME(grid_scatter_planes)(__global const E *restrict g, long g_offset, __global const E *restrict w, long w_offset,
                          __global const int *restrict index, long index_offset, __global E *restrict x, GRID)
{
    const long n = get_group_id(1), c0 = get_group_id(0) * total, many = min(total, C - c0);
    __global const E *from = g + g_offset + (n * C + c0) * P, *weight = w + w_offset + n * taps * P;
    __global const int *list = index + index_offset + n * taps * P;
    __global E *to = x + (n * C + c0) * HW;
    for (long i = 0; i < many * HW; i++)
        to[i] = (E)0;
    for (long p = 0; p < P; p++)
        for (int t = 0; t < taps; t++) {
            const int k = list[t * P + p];
            const E v = weight[t * P + p];
            for (long c = 0; c < many && k >= 0; c++)
                to[c * HW + k] += v * from[c * P + p];
        }
}
