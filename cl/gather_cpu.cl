// SPDX-License-Identifier: MIT
// index_select, and its transpose over a sorted list, CPU class: rows of `inner` elements of a table [outer][axis][inner],
// and of what is selected, [outer][n][inner]. Lanes are columns; a work-group has some rows and `width` columns.
#pragma OPENCL FP_CONTRACT OFF
#ifndef EPI_STORE
#define PLAIN // nothing is done to a sum but to store it
#endif
#include "common.clh"
#ifndef T
#define T int
#endif
#ifndef I
#define I long
#define FILL NAN
#endif
#ifndef ROWS
#define ROWS long outer, long axis, long n, long inner, long width
#endif
#define WIDE 4 // vectors that are moved or summed side by side

static inline void NAME(copy_row)(__global const E *restrict a, __global E *restrict y, long c0, long c1)
{
    long c = c0;
    if (c1 - c0 < VL) {
        for (; c < c1; c++)
            y[c] = a[c];
        return;
    }
    for (; c + VL <= c1; c += VL)
        STORE16(__global, e_at, LOAD16(__global, e_at, a + c), y + c);
    if (c < c1) // the last vector may begin in the one before
        STORE16(__global, e_at, LOAD16(__global, e_at, a + c1 - VL), y + c1 - VL);
}

// A row of fewer elements than a vector: what is written behind it, `room` and so many are left of y and of a, are rows that
// are written later.
static inline void NAME(copy_short)(__global const E *restrict a, __global E *restrict y, long n, long room)
{
    if (n > 8 && room >= VL)
        STORE16(__global, e_at, LOAD16(__global, e_at, a), y);
    else if (n > 4 && n <= 8 && room >= 8)
        STORE_PIECE(8, LOAD_PIECE(8, a), y);
    else if (n <= 4 && room >= 4)
        STORE_PIECE(4, LOAD_PIECE(4, a), y);
    else
        EDGE for (long c = 0; c < n; c++) y[c] = a[c];
}

// An index out of range gives FILL.
CPU_KERNEL void NAME(index_select_rows)(__global const E *restrict a, long offset, __global const I *restrict index,
                                        long index_offset, __global E *restrict y, ROWS)
{
    const long part = get_group_id(0), parts = get_num_groups(0), rows = outer * n;
    const long first = rows / parts * part + rows % parts * part / parts;
    const long last = rows / parts * (part + 1) + rows % parts * (part + 1) / parts;
    const long c0 = get_group_id(1) * width, c1 = min(c0 + width, inner);
    long o = first / n, i = first % n;
    if (inner == 1) { // elements, checked once for all rows of them
        bool within = true;
        for (long j = 0; j < n && last - first >= n; j++)
            within &= index[index_offset + j] >= 0 && index[index_offset + j] < axis;
        for (long r = first, next; last - first >= n && within && r < last; r = next, i = 0, o++) {
            next = min(last, r + n - i);
            __global const I *k = index + index_offset + i;
            __global const E *from = a + offset + o * axis;
            _Pragma("unroll 8") for (long j = 0; j < next - r; j++) y[r + j] = from[k[j]];
        }
        if (last - first >= n && within)
            return;
    }
    const bool is_short = inner > 2 && inner < VL;
    const long all = outer * axis * inner, end = last * inner;
    for (long r = first; r < last; r++) {
        const I k = index[index_offset + i]; // compared as it is, as in gather.cl
        if (k < 0 || k >= axis)
            for (long c = c0; c < c1; c++)
                y[r * inner + c] = PUT((ACC)(FILL));
        else if (is_short)
            NAME(copy_short)(a + offset + (o * axis + k) * inner, y + r * inner, inner,
                             min(all - (o * axis + k) * inner, end - r * inner));
        else
            NAME(copy_row)(a + offset + (o * axis + k) * inner, y + r * inner, c0, c1);
        if (++i == n) {
            i = 0;
            o++;
        }
    }
}

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

#ifdef PLAIN
// Columns c0 to c1 of one row of the sum. `all`: elements of g; room: what is left of rows that are written later.
static inline void NAME(add_row)(__global const E *restrict g, __global const T *restrict order, T first, T last,
                                 __global E *restrict y, long inner, long c0, long c1, long all, long room)
{
    if (inner < VL && inner > 2 && room >= VL) {
        VEC s = (VEC)((ACC)0);
        ROLLED for (T i = first; i < last; i++)
        {
            const long at = order[i] * inner;
            s += NAME(load_part)(g + at, at + VL <= all ? VL : (int)inner);
        }
        NAME(store)(s, y);
        return;
    }
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

static inline void NAME(clear)(__global E *restrict y, long n)
{
    long i = 0;
    for (; i + VL <= n; i += VL)
        NAME(store)((VEC)((ACC)0), y + i);
    for (; i < n; i++)
        y[i] = PUT((ACC)0);
}
#else
// Columns of one row of the sum: vectors from c on, the last of which may begin in the one before, if `wide` is so many.
static inline void NAME(add_row)(__global const E *restrict g, __global const T *restrict order, T first, T last,
                                 long inner, long c, long c1, bool wide, VEC *out)
{
    VEC s[WIDE];
    UNROLL for (int v = 0; v < WIDE; v++) s[v] = (VEC)((ACC)0);
    if (c + WIDE * VL <= c1) {
        ROLLED for (T i = first; i < last; i++)
        {
            __global const E *a = g + order[i] * inner + c;
            UNROLL for (int v = 0; v < WIDE; v++) s[v] += NAME(load)(a + v * VL);
        }
        UNROLL for (int v = 0; v < WIDE; v++) out[v] = s[v];
        return;
    }
    for (int v = 0; c + v * VL < c1; v++) {
        const long at = wide ? min(c + v * VL, c1 - VL) : c;
        VEC t = (VEC)((ACC)0);
        ROLLED for (T i = first; i < last; i++) t += NAME(load_part)(g + order[i] * inner + at, wide ? VL : c1 - c);
        out[v] = t;
    }
}
#endif

// Row k is the sum of the rows of g that the list sends there, in the order of the list, zeros where it sends none.
CPU_KERNEL void NAME(index_add_rows)(__global const E *restrict g, long offset, __global const T *restrict key,
                                     __global const T *restrict order, __global EPI_OUT *restrict out, ROWS EPI_PARAMS)
{
    const long part = get_group_id(0), parts = get_num_groups(0), o_ = get_group_id(1), os_ = get_num_groups(1);
    const long k0 = NAME(cut)(key, n, axis, part, parts), k1 = NAME(cut)(key, n, axis, part + 1, parts);
    const long c0 = get_group_id(2) * width, c1 = min(c0 + width, inner);
    const T begin = NAME(first_of)(key, (T)n, k0);
#ifndef PLAIN
    const bool wide = c1 - c0 >= VL;
    VEC s[WIDE];
    bool zero = false; // s is
#endif
    for (long o = outer / os_ * o_ + outer % os_ * o_ / os_, e = outer / os_ * (o_ + 1) + outer % os_ * (o_ + 1) / os_;
         o < e; o++) {
        T first = begin;
        for (long k = k0; k < k1; k++) {
#ifdef PLAIN
            const long next = first < n ? min((long)key[first], k1) : k1; // to it, rows that nothing goes to
            if (k < next && c1 - c0 == inner)
                NAME(clear)(out + (o * axis + k) * inner, (next - k) * inner);
            else
                for (; k < next; k++)
                    NAME(clear)(out + (o * axis + k) * inner + c0, c1 - c0);
            k = next;
            if (k == k1)
                break;
#endif
            T last = first;
            while (last < n && key[last] == k)
                last++;
#ifdef PLAIN
            NAME(add_row)(g + offset + o * n * inner, order, first, last, out + (o * axis + k) * inner, inner, c0, c1,
                          (outer - o) * n * inner, (k1 - k) * inner);
#else
            if (first == last && !zero)
                UNROLL for (int v = 0; v < WIDE; v++) s[v] = (VEC)((ACC)0);
            zero = first == last;
            for (long c = c0; c < c1; c += WIDE * VL) {
                if (!zero)
                    NAME(add_row)(g + offset + o * n * inner, order, first, last, inner, c, c1, wide, s);
                const int vectors = min((long)WIDE, DIV_UP(c1 - c, VL));
                EDGE for (int v = 0; v < vectors; v++)
                {
                    const long at = wide ? min(c + v * VL, c1 - VL) : c;
                    EPI_STORE(s[v], out, (o * axis + k) * inner + at, o, k, at, wide ? VL : (int)(c1 - c));
                }
            }
#endif
            first = last;
        }
    }
}
