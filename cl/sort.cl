// SPDX-License-Identifier: MIT
// What stands around a sort by counting (cl/index_sort.cl) of rows of n elements, all in one list: keys of a word
// of an element, or of the row's number, and the order as places in the rows. And, GPU class, short rows, whose
// elements are counted that come before each. cl/sort_cpu.cl is the other class's.
#include "sort.clh"
#ifndef T // of keys and places
#define T long
#endif
#ifndef SORT
#define SORT long rows, long n, int word // the first bit of a word
#endif
#define WORD_MASK 0x3fffff // WORD_BITS of src/ops/sort.c
#ifdef FIRST
#define PLACE(i) (i)
#define LIST
#else
#define PLACE(i) order_in[order_offset + (i)]
#define LIST __global const long *restrict order_in, long order_offset,
#endif

__kernel void NAME(sort_words)(__global const E *restrict x, long offset, LIST __global T *restrict key,
                               __global T *restrict order, SORT)
{
    const long i = get_global_id(0);
    if (i >= rows * n)
        return;
    const long at = PLACE(i);
    const ulong k = NAME(key_of)(GET(x[offset + at]));
    key[i] = (T)(k >> word & WORD_MASK);
    order[i] = (T)at;
}

__kernel void NAME(sort_lines)(__global const E *restrict x, long offset, LIST __global T *restrict key,
                               __global T *restrict order, SORT)
{
    const long i = get_global_id(0);
    if (i >= rows * n)
        return;
    const long at = PLACE(i);
    key[i] = (T)(at / n);
    order[i] = (T)at;
}

__kernel void NAME(sort_places)(__global const T *restrict order, __global long *restrict y, SORT)
{
    const long i = get_global_id(0);
    if (i < rows * n)
        y[i] = word ? order[i] % n : order[i];
}

__kernel void NAME(sort_rank)(__global const E *restrict x, long offset, __global long *restrict y, SORT)
{
    const long i = get_global_id(0);
    if (i >= rows * n)
        return;
    const long row = i / n * n, own = i % n;
    const KEY k = NAME(key_of)(GET(x[offset + i]));
    long rank = 0;
    for (long j = 0; j < n; j++) {
        const KEY other = NAME(key_of)(GET(x[offset + row + j]));
        rank += other < k || (other == k && j < own);
    }
    y[row + rank] = own;
}
