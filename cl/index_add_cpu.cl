// SPDX-License-Identifier: MIT
// The transpose of index_select over a sorted list, CPU class: out [outer][axis][inner], row k the sum of g's rows
// (g [outer][n][inner]) that the list sends there, in the order of the list. Lanes are columns.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#ifndef T
#define T int
#endif
#ifndef ADD // width: columns of a work-group
#define ADD long outer, long axis, long n, long inner, long width
#endif
#define WIDE 4 // vectors that are summed side by side

// The first position whose index is at least k.
static inline T NAME(first_of)(__global const T *key, T n, long k)
{
    T low = 0, high = n;
    while (low < high) {
        const T mid = low + (high - low) / 2;
        if (key[mid] < k)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

// The first row of a part: parts have as many rows and positions, taken together.
static inline long NAME(cut)(__global const T *key, long n, long axis, long part, long parts)
{
    const long want = (axis + n) / parts * part + (axis + n) % parts * part / parts;
    long low = 0, high = axis;
    while (low < high) {
        const long mid = low + (high - low) / 2;
        if (mid + NAME(first_of)(key, (T)n, mid) < want)
            low = mid + 1;
        else
            high = mid;
    }
    return part == parts ? axis : low;
}

// Columns c0 to c1 of one row.
static inline void NAME(add_row)(__global const E *restrict g, __global const T *restrict order, T first, T last,
                                 __global E *restrict y, long inner, long c0, long c1)
{
    if (c1 - c0 < VL) {
        for (long c = c0; c < c1; c++) {
            ACC s = (ACC)0;
            ROLLED for (T i = first; i < last; i++) s += GET(g[order[i] * inner + c]);
            y[c] = PUT(s);
        }
        return;
    }
    long c = c0;
    for (; c + WIDE * VL <= c1; c += WIDE * VL) {
        VEC s[WIDE];
        UNROLL for (int v = 0; v < WIDE; v++) s[v] = (VEC)((ACC)0);
        ROLLED for (T i = first; i < last; i++)
        {
            __global const E *a = g + order[i] * inner + c;
            UNROLL for (int v = 0; v < WIDE; v++) s[v] += NAME(load)(a + v * VL);
        }
        UNROLL for (int v = 0; v < WIDE; v++) NAME(store)(s[v], y + c + v * VL);
    }
    for (; c < c1; c += VL) { // the last vector may begin in the one before
        const long at = min(c, c1 - VL);
        VEC s = (VEC)((ACC)0);
        ROLLED for (T i = first; i < last; i++) s += NAME(load)(g + order[i] * inner + at);
        NAME(store)(s, y + at);
    }
}

CPU_KERNEL void NAME(index_add_rows)(__global const E *restrict g, long offset, __global const T *restrict key,
                                     __global const T *restrict order, __global E *restrict out, ADD)
{
    const long part = get_group_id(0), parts = get_num_groups(0), o_ = get_group_id(1), os_ = get_num_groups(1);
    const long k0 = NAME(cut)(key, n, axis, part, parts), k1 = NAME(cut)(key, n, axis, part + 1, parts);
    const long c0 = get_group_id(2) * width, c1 = min(c0 + width, inner);
    const T begin = NAME(first_of)(key, (T)n, k0);
    for (long o = outer / os_ * o_ + outer % os_ * o_ / os_, e = outer / os_ * (o_ + 1) + outer % os_ * (o_ + 1) / os_;
         o < e; o++) {
        T first = begin;
        for (long k = k0; k < k1; k++) {
            T last = first;
            while (last < n && key[last] == k)
                last++;
            NAME(add_row)(g + offset + o * n * inner, order, first, last, out + (o * axis + k) * inner, inner, c0, c1);
            first = last;
        }
    }
}
