// SPDX-License-Identifier: MIT
// Short rows in order, CPU class: sixteen rows side by side, a lane each, through the network of Knuth's merge exchange
// (The Art of Computer Programming 3, 5.2.2, algorithm M), which has no branches. An element's number stands above its
// place, so that equal ones keep their order; where both need more than 64 bits (APART) places lie behind the numbers.
// y: the places of the elements.
#include "common.clh"
#include "sort.clh"
#ifndef SORT
#define SORT long rows, long n, int word
#endif
#define PLACE_BITS 31
#ifdef APART
typedef ulong16 NAME(items);
#else
typedef long16 NAME(items);
#endif
#if defined(__clang__) && !defined(BY_LANES)
typedef long NAME(long_at) __attribute__((ext_vector_type(16), aligned(sizeof(long))));
#endif

// p[i].lane[j] <-> p[j].lane[i]
#define TURN_PLACES(p, d, EVEN, ODD)                                                               \
    UNROLL for (int i_ = 0; i_ < VL; i_++) if (!(i_ & (d)))                                        \
    {                                                                                              \
        const int16 even_ = EVEN(int16, p[i_], p[i_ + (d)]), odd_ = ODD(int16, p[i_], p[i_ + (d)]); \
        p[i_] = even_;                                                                             \
        p[i_ + (d)] = odd_;                                                                        \
    }

// Elements c to c + many of sixteen rows, the last of which is row `last` of x as well where there are fewer.
SELDOM void NAME(rows_in)(__global const E *restrict x, long n, long row, long last, long c, int many,
                          __local NAME(items) *restrict item)
{
    VEC r[VL];
    UNROLL for (int i = 0; i < VL; i++) r[i] = NAME(load_part)(x + min(row + i, last) * n + c, many);
    TRANSPOSE16(r)
    UNROLL for (int i = 0; i < VL; i++)
    {
        if (i < many) {
            const KEYS k = NAME(keys_of)(r[i]);
#ifdef APART
            item[c + i] = convert_ulong16(k);
            item[n + c + i] = (ulong16)((ulong)(c + i));
#else
            item[c + i] = convert_long16(k) << PLACE_BITS | (long16)(c + i);
#endif
        }
    }
}

// Places c to c + many of the order of `lines` rows.
SELDOM void NAME(rows_out)(__local const NAME(items) *restrict item, long n, long c, int many, int lines,
                           __global long *restrict y)
{
    int16 p[VL];
    UNROLL for (int i = 0; i < VL; i++)
    {
        const int at = min(i, many - 1);
#ifdef APART
        p[i] = convert_int16(item[n + c + at]);
#else
        p[i] = convert_int16(item[c + at] & (long16)(((long)1 << PLACE_BITS) - 1));
#endif
    }
    TURN_PLACES(p, 1, EVEN1, ODD1)
    TURN_PLACES(p, 2, EVEN2, ODD2)
    TURN_PLACES(p, 4, EVEN4, ODD4)
    TURN_PLACES(p, 8, EVEN8, ODD8)
    UNROLL for (int i = 0; i < VL; i++)
    {
        if (i < lines) {
            if (many == VL) {
                STORE16(__global, long_at, convert_long16(p[i]), y + i * n + c);
            } else {
                EDGE for (int j = 0; j < many; j++) y[i * n + c + j] = ((const int *)&p[i])[j];
            }
        }
    }
}

// Elements i and j change places where the second comes before.
static inline void NAME(exchange)(__local NAME(items) *restrict item, int i, int j, int n)
{
    const NAME(items) a = item[i], b = item[j];
#ifdef APART
    const NAME(items) p = item[n + i], q = item[n + j];
    const long16 swap = (b < a) | ((b == a) & (q < p));
    item[i] = swap ? b : a;
    item[j] = swap ? a : b;
    item[n + i] = swap ? q : p;
    item[n + j] = swap ? p : q;
#else
    item[i] = a < b ? a : b;
    item[j] = a < b ? b : a;
#endif
}

// item: n vectors, or 2 n
CPU_KERNEL void NAME(sort_rank)(__global const E *restrict x, long offset, __global long *restrict y,
                                __local NAME(items) *restrict item, SORT)
{
    const long g = get_group_id(0), gs = get_num_groups(0), blocks = DIV_UP(rows, VL);
    const int m = (int)n;
    for (long block = blocks * g / gs; block < blocks * (g + 1) / gs; block++) {
        const long row = block * VL;
        for (int c = 0; c < m; c += VL)
            NAME(rows_in)(x + offset, n, row, rows - 1, c, min(m - c, VL), item);
        int most = 1;
        while (2 * most < m)
            most *= 2;
        for (int p = most; p > 0; p /= 2) {
            int r = 0, d = p;
            for (int q = most; q >= p; q /= 2) {
                ROLLED for (int from = r; from < m - d; from += 2 * p)
                {
                    const int to = min(from + p, m - d);
                    for (int i = from; i < to; i++)
                        NAME(exchange)(item, i, i + d, m);
                }
                d = q - p;
                r = p;
            }
        }
        for (int c = 0; c < m; c += VL)
            NAME(rows_out)(item, n, c, min(m - c, VL), (int)min(rows - row, (long)VL), y + row * n);
    }
}
