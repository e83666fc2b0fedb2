// SPDX-License-Identifier: MIT
// The first k elements of rows in order, as places, without sorting the rest: a part of a row keeps its first k in a
// sorted list, which few elements enter once it is good. Equal elements stay in their order. Parts are exact, so that how
// many there are does not matter: topk_parts gives the places of each, -1 for none, topk_merge the first of all parts.
#ifdef CPU
#include "common.clh"
#endif
#include "sort.clh"
#ifndef SELECT
#define SELECT long rows, long n, long k, long parts
#endif
#define MOST 64 // of src/ops/topk.c
#ifdef CPU // a part lies together, sixteen of its keys are compared at once
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

#ifdef CPU
#define WORTH 4   // vectors for each lane's best
#define LOOK 4    // vectors that are looked at together

static inline KEY NAME(least)(KEYS v)
{
#ifdef BY_LANES
    KEY first = v.s0;
    for (int i = 1; i < VL; i++)
        first = min(first, ((const KEY *)&v)[i]);
    return first;
#else
    const KEYS_IN(8) a = v.lo < v.hi ? v.lo : v.hi;
    const KEYS_IN(4) b = a.lo < a.hi ? a.lo : a.hi;
    const KEYS_IN(2) c = b.lo < b.hi ? b.lo : b.hi;
    return c.lo < c.hi ? c.lo : c.hi;
#endif
}

// A key behind which none of a part's first k is: the k-th of the best of each lane.
static inline KEY NAME(bound_of)(__global const E *row, long from, long end, int k)
{
    const int many = (k + VL - 1) / VL, step = many * VL;
    KEYS best[MOST / VL];
    if (end - from < WORTH * step)
        return LAST;
    KEY bound = 0;
    for (int v = 0; v < many; v++) {
        KEYS t = NAME(keys_of)(NAME(load)(row + from + v * VL));
        for (long i = from + step + v * VL; i + VL <= end; i += step) {
            const KEYS own = NAME(keys_of)(NAME(load)(row + i));
            t = own < t ? own : t;
        }
        best[v] = t;
    }
    for (int v = 0; v < many; v++) {
        KEYS before = (KEYS)((KEY)0);
        for (int j = 0; j < step; j++)
            before += (KEYS)(((const KEY *)best)[j]) < best[v] ? (KEYS)((KEY)1) : (KEYS)((KEY)0);
        const KEYS no = before < (KEYS)((KEY)k) ? ~best[v] : (KEYS)(~(KEY)0);
        bound = max(bound, ~NAME(least)(no));
    }
    return bound;
}
#endif

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
#ifdef CPU
        KEY bound = NAME(bound_of)(row, i, end, most); // what is behind cannot be among the first
        for (; i + LOOK * VL <= end; i += LOOK * VL) {
            KEYS block[LOOK], first = (KEYS)(LAST);
            UNROLL for (int v = 0; v < LOOK; v++)
            {
                block[v] = NAME(keys_of)(NAME(load)(row + i + v * VL));
                first = block[v] < first ? block[v] : first;
            }
            if (NAME(least)(first) > bound)
                continue;
            for (int v = 0; v < LOOK; v++) {
                int found[VL], many = 0;
                if (NAME(least)(block[v]) > bound)
                    continue;
                for (int j = 0; j < VL; j++) {
                    found[many] = j;
                    many += ((const KEY *)&block[v])[j] <= bound;
                }
                for (int f = 0; f < many; f++) {
                    const KEY own = ((const KEY *)&block[v])[found[f]];
                    if (size < most || own < key[most - 1])
                        size = NAME(enter)(key, place, size, most, own, i + v * VL + found[f]);
                }
                bound = size == most ? min(bound, key[most - 1]) : bound;
            }
        }
#endif
        for (; i < end; i += STEP) {
            const KEY own = NAME(key_of)(GET(row[i]));
            if (size < most || own < key[most - 1])
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
