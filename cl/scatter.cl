// SPDX-License-Identifier: MIT
// Elements sent along an axis, each to an index of its own: out[o][index[o][i][c]][c] becomes OP(itself, src[o][i][c])
// for i from 0 on, in this order whatever the number of groups. out starts as `self`, or as zeros. src and index have any
// strides. An index out of range takes part in nothing.
#include "element.clh"
#ifndef I
#define I long
#define SELF
#endif
#ifndef OP
#define OP(a, b) (a) + (b)
#endif
#ifndef T
#define T int
#endif
#ifndef SCATTER // s0.., i0..: steps of src and index; width: columns of a group
#define SCATTER                                                                                    \
    long outer, long axis, long n, long inner, long s0, long s1, long s2, long i0, long i1, long i2, long width
#endif
#ifdef SELF
#define SELF_IN __global const E *restrict self, long self_offset,
#define START(at) self[self_offset + (at)]
#else
#define SELF_IN
#define START(at) PUT((ACC)0)
#endif

#define BLOCK 256 // of a list
// A group has some outer indices, a block of columns, and of the axis a range: it reads all of the index for it.
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
NAME(scatter_lines)(__global const E *restrict src, long offset, __global const I *restrict index, long index_offset,
                    SELF_IN __global E *restrict out, SCATTER)
{
    const long g = get_group_id(0), gs = get_num_groups(0), part = get_group_id(2), parts = get_num_groups(2);
    const long c0 = get_group_id(1) * width, c1 = min(c0 + width, inner);
    const long k0 = axis / parts * part + axis % parts * part / parts;
    const long k1 = axis / parts * (part + 1) + axis % parts * (part + 1) / parts;
    for (long o = outer / gs * g + outer % gs * g / gs, e = outer / gs * (g + 1) + outer % gs * (g + 1) / gs; o < e; o++) {
        __global E *to = out + o * axis * inner;
        __global const E *from = src + offset + o * s0;
        __global const I *list = index + index_offset + o * i0;
        if (c1 - c0 == inner) { // whole rows are one
            for (long at = k0 * inner; at < k1 * inner; at++)
                to[at] = START(o * axis * inner + at);
        } else {
            for (long k = k0; k < k1; k++)
                for (long c = c0; c < c1; c++)
                    to[k * inner + c] = START((o * axis + k) * inner + c);
        }
        if (c1 - c0 == 1 && parts > 1) { // whose range an index is in no branch foretells
            for (long first = 0; first < n; first += BLOCK) {
                int taken[BLOCK], many = 0;
                __global const I *some = list + first * i1 + c0 * i2;
                for (int i = 0; i < (int)min((long)BLOCK, n - first); i++) {
                    const I k = some[i * i1];
                    taken[many] = i;
                    many += k >= k0 && k < k1;
                }
                for (int j = 0; j < many; j++) {
                    const I k = some[taken[j] * i1];
                    to[k * inner + c0] = OP(to[k * inner + c0], from[(first + taken[j]) * s1 + c0 * s2]);
                }
            }
        } else if (c1 - c0 == 1) {
            for (long i = 0; i < n; i++) {
                const I k = list[i * i1 + c0 * i2]; // compared as it is, as in gather.cl
                if (k >= k0 && k < k1)
                    to[k * inner + c0] = OP(to[k * inner + c0], from[i * s1 + c0 * s2]);
            }
        } else if (i2 == 0) { // rows
            for (long i = 0; i < n; i++) {
                const I k = list[i * i1];
                if (k >= k0 && k < k1)
                    for (long c = c0; c < c1; c++)
                        to[k * inner + c] = OP(to[k * inner + c], from[i * s1 + c * s2]);
            }
        } else {
            for (long i = 0; i < n; i++)
                for (long c = c0; c < c1; c++) {
                    const I k = list[i * i1 + c * i2];
                    if (k >= k0 && k < k1)
                        to[k * inner + c] = OP(to[k * inner + c], from[i * s1 + c * s2]);
                }
        }
    }
}

// A work-item has a column of one outer index.
__kernel void NAME(scatter_columns)(__global const E *restrict src, long offset, __global const I *restrict index,
                                    long index_offset, SELF_IN __global E *restrict out, SCATTER)
{
    const long at = get_global_id(0);
    if (at >= outer * inner)
        return;
    const long o = at / inner, c = at % inner;
    for (long k = 0; k < axis; k++)
        out[(o * axis + k) * inner + c] = START((o * axis + k) * inner + c);
    for (long i = 0; i < n; i++) {
        const I k = index[index_offset + o * i0 + i * i1 + c * i2];
        if (k >= 0 && k < axis) {
            const long to = (o * axis + k) * inner + c;
            out[to] = OP(out[to], src[offset + o * s0 + i * s1 + c * s2]);
        }
    }
}

// Where each element goes in all of out, for cl/index_sort.cl; out of range: behind.
__kernel void NAME(scatter_keys)(__global const I *restrict index, long index_offset, __global T *restrict key,
                                 __global T *restrict order, SCATTER)
{
    const long at = get_global_id(0);
    if (at >= outer * n * inner)
        return;
    const long c = at % inner, i = at / inner % n, o = at / inner / n;
    const I k = index[index_offset + o * i0 + i * i1 + c * i2];
    key[at] = k >= 0 && k < axis ? (T)((o * axis + k) * inner + c) : (T)(outer * axis * inner);
    order[at] = (T)at;
}

// Result `at` takes order[start[at]] to order[start[at + 1]].
__kernel void NAME(scatter_sorted)(__global const E *restrict src, long offset, __global const T *restrict order,
                                   __global const T *restrict start, SELF_IN __global E *restrict out, SCATTER)
{
    const long at = get_global_id(0);
    if (at >= outer * axis * inner)
        return;
    E v = START(at);
    const T last = start[at + 1];
    for (T e = start[at]; e < last; e++) {
        const long j = order[e], c = j % inner, i = j / inner % n, o = j / inner / n;
        v = OP(v, src[offset + o * s0 + i * s1 + c * s2]);
    }
    out[at] = v;
}
