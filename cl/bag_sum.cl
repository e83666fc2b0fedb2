// SPDX-License-Identifier: MIT
// cl/bag_sum_cpu.cl for GPUs: a work-item has an element of a sum.
#include "element.clh"
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
#define BAGS long K, long n, long B, long D, long length, long starts, long skips, long skip
#define LISTS
#define WEIGHTED
#define COUNTS
#endif
#define CHUNK 512 // terms that are added in order before they join the rest

#ifdef WEIGHTED
#define WEIGHT_PARAM __global const ACC *restrict weight, long weight_offset,
#define ADD_ROW(sum, x, place) sum = fma(weight[weight_offset + place], x, sum)
#else
#define WEIGHT_PARAM
#define ADD_ROW(sum, x, place) sum += x
#endif
#ifdef COUNTS
#define COUNT_PARAM __global ACC *restrict count,
#else
#define COUNT_PARAM
#endif
#ifdef ORDER
#define LIST_PARAM __global const T *restrict order, __global const T *restrict start,
#define PLACE(i) order[i]
#define FIRST(b) start[b]
#else
#define PLACE(i) (i)
#ifdef LISTS
#define LIST_PARAM __global const S *restrict start, long start_offset,
#define FIRST(b) ((b) < starts ? clamp((long)start[start_offset + (b)], 0L, n) : n)
#else
#define LIST_PARAM
#define FIRST(b) min((b) * length, n)
#endif
#endif

__kernel void NAME(bag_sum)(__global const E *restrict table, long table_offset, __global const I *restrict index,
                            long index_offset, LIST_PARAM WEIGHT_PARAM __global ACC *restrict y, COUNT_PARAM BAGS)
{
    const long to = get_global_id(0);
    if (to >= B * D)
        return;
    const long b = to / D, c = to % D, first = FIRST(b), last = FIRST(b + 1);
    long kept = 0;
    bool lost = false;
    ACC total = (ACC)0;
    for (long i0 = first; i0 < last; i0 += CHUNK) {
        ACC sum = (ACC)0;
        for (long i = i0; i < min(last, i0 + CHUNK); i++) {
            const long place = PLACE(i);
            const I k = index[index_offset + place]; // compared as it is, as in gather.cl
            if (skips && k == (I)skip)
                continue;
            kept++;
            if (k < 0 || k >= K) {
                lost = true;
                continue;
            }
            const ACC x = GET(table[table_offset + k * D + c]);
            ADD_ROW(sum, x, place);
        }
        total += sum;
    }
    y[to] = lost ? (ACC)NAN : total;
#ifdef COUNTS
    if (c == 0)
        count[b] = (ACC)kept;
#endif
}
