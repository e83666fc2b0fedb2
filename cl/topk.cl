// SPDX-License-Identifier: MIT
// The first k elements of rows in order, as places, without sorting the rest: a part of a row keeps its first k in a
// sorted list, which few elements enter once it is good. Equal elements stay in their order. Parts are exact, so that how
// many there are does not matter: topk_parts gives the places of each, -1 for none, topk_merge the first of all parts.
#include "sort.clh"
#ifndef SELECT
#define SELECT long rows, long n, long k, long parts
#endif
#define MOST 64 // of src/ops/topk.c
#define BLOCK 16
#ifdef CPU // a part lies together, blocks of its keys are compared at once
#define FROM(p) (n / parts * (p) + n % parts * (p) / parts)
#define TO(p) FROM((p) + 1)
#define STEP 1
#else // neighbours read neighbours
#define FROM(p) (p)
#define TO(p) n
#define STEP parts
#endif

// A key that is before the last of `size` in the list enters it, behind those that are equal. Gives the new size.
static inline int NAME(enter)(KEY *key, long *place, int size, int most, KEY own, long at)
{
    int i = size < most ? size : most - 1;
    for (; i > 0 && (own < key[i - 1] || (own == key[i - 1] && at < place[i - 1])); i--) {
        key[i] = key[i - 1];
        place[i] = place[i - 1];
    }
    key[i] = own;
    place[i] = at;
    return min(size + 1, most);
}

__kernel void NAME(topk_parts)(__global const E *restrict x, long offset, __global long *restrict out, SELECT)
{
    KEY key[MOST];
    long place[MOST];
    for (long g = get_global_id(0); g < rows * parts; g += get_global_size(0)) {
        __global const E *row = x + offset + g / parts * n;
        const long part = g % parts, end = TO(part);
        const int most = (int)k;
        int size = 0;
        long i = FROM(part);
        for (; i < end && size < most; i += STEP)
            size = NAME(enter)(key, place, size, most, NAME(key_of)(GET(row[i])), i);
#ifdef CPU
        for (; i + BLOCK <= end; i += BLOCK) {
            KEY block[BLOCK], some = 0;
            const KEY last = key[most - 1];
            for (int j = 0; j < BLOCK; j++)
                block[j] = NAME(key_of)(GET(row[i + j]));
            for (int j = 0; j < BLOCK; j++)
                some |= block[j] < last ? (KEY)1 : (KEY)0;
            if (!some)
                continue;
            for (int j = 0; j < BLOCK; j++)
                if (block[j] < key[most - 1])
                    size = NAME(enter)(key, place, size, most, block[j], i + j);
        }
#endif
        for (; i < end; i += STEP) {
            const KEY own = NAME(key_of)(GET(row[i]));
            if (own < key[most - 1])
                size = NAME(enter)(key, place, size, most, own, i);
        }
        for (int j = 0; j < most; j++)
            out[g * k + j] = j < size ? place[j] : -1;
    }
}

__kernel void NAME(topk_merge)(__global const E *restrict x, long offset, __global const long *restrict found,
                               __global long *restrict out, SELECT)
{
    KEY key[MOST];
    long place[MOST];
    for (long r = get_global_id(0); r < rows; r += get_global_size(0)) {
        const int most = (int)k;
        int size = 0;
        for (long i = 0; i < parts * k; i++) {
            const long at = found[r * parts * k + i];
            if (at < 0)
                continue;
            const KEY own = NAME(key_of)(GET(x[offset + r * n + at]));
            if (size < most || own < key[most - 1] || (own == key[most - 1] && at < place[most - 1]))
                size = NAME(enter)(key, place, size, most, own, at);
        }
        for (int j = 0; j < most; j++)
            out[r * k + j] = place[j];
    }
}
