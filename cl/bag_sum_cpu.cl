// SPDX-License-Identifier: MIT
// Sums of those rows of a table [K][D] that an index takes, in bags: y [B][D] of ACC, and how many each is of. A bag is
// places one after another of the index and of weights. ORDER, the transpose: bag b is what a list sorted by key has of b, and
// `order` says where index and weight have it. CPU class: lanes are columns, a work-group has some bags and `width` columns.
#include "common.clh"
#ifndef I // of the index
#define I long
#endif
#ifndef S // of starts
#define S long
#endif
#ifndef T // of keys and places of a sorted list
#define T int
#endif
#ifndef BAGS // length > 0: of every bag; else `starts` numbers say where bags begin. skips: indices `skip` take no part
#define BAGS long K, long n, long B, long D, long length, long starts, long skips, long skip, long width
#define LISTS
#define WEIGHTED
#define COUNTS
#endif
#define WIDE 4    // vectors that are added up side by side
#define CHUNK 512 // terms that are added in order before they join the rest

#ifdef WEIGHTED
#define WEIGHT_PARAM __global const ACC *restrict weight, long weight_offset,
#define WEIGHT weight + weight_offset
#define ADD_ROW(sum, x, place) sum = fma((VEC)(weight[place]), x, sum)
#else
#define WEIGHT_PARAM
#define WEIGHT 0
#define ADD_ROW(sum, x, place) sum += x
#endif
#ifdef COUNTS
#define COUNT_PARAM __global ACC *restrict count,
#else
#define COUNT_PARAM
#endif

#ifdef ORDER
#define LIST_PARAM __global const T *restrict key, __global const T *restrict order,
#define ORDER_OF order
#define PLACE(i) order[i]
#define FIRST(b) NAME(first_of)(key, n, b)
// The first place whose key is at least b.
static inline long NAME(first_of)(__global const T *key, long n, long b)
{
    long low = 0, high = n;
    while (low < high) {
        const long mid = low + (high - low) / 2;
        if (key[mid] < b)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}
#else
#define ORDER_OF 0
#define PLACE(i) (i)
#ifdef LISTS
#define LIST_PARAM __global const S *restrict start, long start_offset,
#define FIRST(b) ((b) < starts ? clamp((long)start[start_offset + (b)], 0L, n) : n)
#else
#define LIST_PARAM
#define FIRST(b) min((b) * length, n)
#endif
#endif

// The columns from c on that `many` vectors hold, or `few`, if they are less than one; how many rows were added.
static inline long NAME(add_rows)(__global const E *restrict table, __global const I *restrict index,
                                  __global const ACC *restrict weight, __global const T *restrict order, long first, long last,
                                  __global ACC *restrict y, long K, long D, long skips, long skip, const int many, long c,
                                  long c1)
{
    VEC total[WIDE];
    long at[WIDE], kept = 0;
    const int few = (int)min((long)VL, c1 - c);
    bool lost = false;
    UNROLL for (int v = 0; v < many; v++)
    {
        total[v] = (VEC)((ACC)0);
        at[v] = few < VL ? c : min(c + v * VL, c1 - VL); // the last ones may begin in those before
    }
    for (long i0 = first; i0 < last; i0 += CHUNK) {
        VEC sum[WIDE];
        UNROLL for (int v = 0; v < many; v++) sum[v] = (VEC)((ACC)0);
        ROLLED for (long i = i0; i < min(last, i0 + CHUNK); i++)
        {
            const long place = PLACE(i);
            const I k = index[place]; // compared as it is, as in gather.cl
            if (skips && k == (I)skip)
                continue;
            kept++;
            if (k < 0 || k >= K) {
                lost = true;
                continue;
            }
            __global const E *row = table + k * D;
            UNROLL for (int v = 0; v < many; v++)
            {
                const VEC x = many > 1 ? NAME(load)(row + at[v]) : NAME(load_part)(row + at[v], few);
                ADD_ROW(sum[v], x, place);
            }
        }
        UNROLL for (int v = 0; v < many; v++) total[v] += sum[v];
    }
    UNROLL for (int v = 0; v < many; v++)
    {
        const VEC x = lost ? (VEC)((ACC)NAN) : total[v];
        if (few == VL)
            NAME(store_acc)(x, y + at[v]);
        else
            EDGE for (int l = 0; l < few; l++) y[at[v] + l] = ((const ACC *)&x)[l];
    }
    return kept;
}

CPU_KERNEL void NAME(bag_sum)(__global const E *restrict table, long table_offset, __global const I *restrict index,
                              long index_offset, LIST_PARAM WEIGHT_PARAM __global ACC *restrict y, COUNT_PARAM BAGS)
{
    const long parts = get_num_groups(0), c0 = get_group_id(1) * width, c1 = min(c0 + width, D);
    long cut[2]; // parts have as many bags and places, taken together
    for (int k = 0; k < 2; k++) {
        const long part = get_group_id(0) + k, want = (B + n) / parts * part + (B + n) % parts * part / parts;
        long low = 0, high = B;
        while (low < high) {
            const long mid = low + (high - low) / 2;
            if (mid + FIRST(mid) < want)
                low = mid + 1;
            else
                high = mid;
        }
        cut[k] = part == parts ? B : low;
    }
#ifdef ORDER
    long last = FIRST(cut[0]);
#endif
    for (long b = cut[0]; b < cut[1]; b++) {
#ifdef ORDER
        const long first = last;
        while (last < n && key[last] == b)
            last++;
#else
        const long first = FIRST(b), last = FIRST(b + 1);
#endif
        long kept = 0;
        for (long c = c0; c < c1; c += WIDE * VL) {
            if (c1 - c > VL)
                kept = NAME(add_rows)(table + table_offset, index + index_offset, WEIGHT, ORDER_OF, first, last, y + b * D, K, D,
                                      skips, skip, WIDE, c, c1);
            else
                kept = NAME(add_rows)(table + table_offset, index + index_offset, WEIGHT, ORDER_OF, first, last, y + b * D, K, D,
                                      skips, skip, 1, c, c1);
        }
#ifdef COUNTS
        if (c0 == 0)
            count[b] = (ACC)kept;
#endif
    }
}
