// SPDX-License-Identifier: MIT
// An index list sorted by counting, DIGITS values at a time from the lowest: equal indices stay in the list's
// order. Groups share the list in parts. A tile's elements find their rank among equals by comparing, so that there
// are no atomics, and places depend on the list alone. In the CPU class a group is one work-item.
#ifndef NAME
#define NAME(x) x
#endif
#ifndef LANES // items of a group; T: of rows and of positions in the list; I: of the caller's indices
#define LANES 64
#define T int
#define I long
#endif
#ifndef SORT
#define SORT long n, int parts, int shift, int digits
#endif
#define DIGITS 2048
#define DIGIT(k) ((int)((k) >> shift) & (DIGITS - 1))
#if LANES > 1
#define SYNC barrier(CLK_LOCAL_MEM_FENCE)
#else
#define SYNC
#endif
#define GROUP __kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
#define MY_PART                                                                                    \
    const int part = get_group_id(0), lane = get_local_id(0);                                      \
    const long first = n * part / parts, last = n * (part + 1) / parts;

// Indices out of range come behind all rows.
__kernel void NAME(sort_keys)(__global const I *restrict index, long index_offset, __global T *restrict key,
                              __global T *restrict order, long n, long axis)
{
    const long i = get_global_id(0);
    if (i >= n)
        return;
    const I k = index[index_offset + i]; // compared as it is, as in gather.cl
    key[i] = k < 0 || k >= axis ? (T)axis : (T)k;
    order[i] = (T)i;
}

// How many of the tile's equals stand before this lane, and whether any stands behind.
static inline int NAME(rank)(__local const int *tile, int lane, int d, int *behind)
{
    int before = 0, after = 0;
    for (int j = 0; j < LANES; j++) {
        before += j < lane && tile[j] == d;
        after += j > lane && tile[j] == d;
    }
    *behind = after > 0;
    return before;
}

// count[part][digit]
GROUP void NAME(sort_count)(__global const T *restrict key, __global T *restrict count, SORT)
{
    __local T sum[DIGITS];
    __local int tile[LANES];
    MY_PART
    for (int d = lane; d < digits; d += LANES)
        sum[d] = 0;
    for (long at = first; at < last; at += LANES) {
        const int d = at + lane < last ? DIGIT(key[at + lane]) : -1;
        int behind;
        tile[lane] = d;
        SYNC;
        const int before = NAME(rank)(tile, lane, d, &behind);
        SYNC;
        if (d >= 0 && !behind)
            sum[d] += before + 1;
    }
    SYNC;
    for (int d = lane; d < digits; d += LANES)
        count[(long)part * digits + d] = sum[d];
}

// Where each part's first of a digit goes among all of that digit, and how many there are.
__kernel void NAME(sort_scan)(__global const T *restrict count, __global T *restrict start,
                              __global T *restrict all, SORT)
{
    const int d = get_global_id(0);
    if (d >= digits)
        return;
    T at = 0;
    for (int p = 0; p < parts; p++) {
        start[(long)p * digits + d] = at;
        at += count[(long)p * digits + d];
    }
    all[d] = at;
}

GROUP void NAME(sort_place)(__global const T *restrict key, __global const T *restrict order,
                            __global const T *restrict start, __global const T *restrict all,
                            __global T *restrict to_key, __global T *restrict to_order, SORT)
{
    __local T next[DIGITS], share[LANES];
    __local int tile[LANES];
    MY_PART
    const int d0 = digits * lane / LANES, d1 = digits * (lane + 1) / LANES;
    T at_digit = 0;
    for (int d = d0; d < d1; d++)
        at_digit += all[d];
    share[lane] = at_digit;
    SYNC;
    at_digit = 0;
    for (int j = 0; j < lane; j++)
        at_digit += share[j];
    for (int d = d0; d < d1; d++) {
        next[d] = at_digit + start[(long)part * digits + d];
        at_digit += all[d];
    }
    for (long at = first; at < last; at += LANES) {
        const bool mine = at + lane < last;
        const T k = mine ? key[at + lane] : 0;
        const int d = mine ? DIGIT(k) : -1;
        int behind;
        tile[lane] = d;
        SYNC;
        const int before = NAME(rank)(tile, lane, d, &behind);
        const T to = mine ? next[d] + before : 0;
        SYNC;
        if (mine) {
            to_key[to] = k;
            to_order[to] = order[at + lane];
            if (!behind)
                next[d] = to + 1;
        }
    }
}

// start[k]: the first position in the sorted list whose index is at least k.
__kernel void NAME(sort_starts)(__global const T *restrict key, __global T *restrict start, long n, long axis)
{
    const long k = get_global_id(0);
    if (k > axis)
        return;
    T low = 0, high = (T)n;
    while (low < high) {
        const T mid = low + (high - low) / 2;
        if (key[mid] < k)
            low = mid + 1;
        else
            high = mid;
    }
    start[k] = low;
}
