// SPDX-License-Identifier: MIT
// Short rows in order, CPU class: how many elements come before each is counted, sixteen at a time, which has no branches
// and keeps the order of equal ones. y: the places of the elements.
#include "common.clh"
#include "sort.clh"
#ifndef SORT
#define SORT long rows, long n, int word
#endif
#define MOST 256
#define VECTOR_(t) t##16
#define VECTOR(t) VECTOR_(t)

CPU_KERNEL void NAME(sort_rank)(__global const E *restrict x, long offset, __global long *restrict y, SORT)
{
    KEY key[MOST + VL];
    const long g = get_group_id(0), gs = get_num_groups(0);
    const VECTOR(KEY) lane = (VECTOR(KEY))(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const int m = (int)n;
    for (int i = 0; i < MOST + VL; i++)
        key[i] = 0;
    for (long r = rows * g / gs; r < rows * (g + 1) / gs; r++) {
        __global long *out = y + r * n;
        for (int i = 0; i < m; i++)
            key[i] = NAME(key_of)(GET(x[offset + r * n + i]));
        for (int i = 0; i < m; i += VL) {
            const VECTOR(KEY) own = vload16(0, key + i);
            VECTOR(KEY) rank = (VECTOR(KEY))(0);
            const int end = min(i + VL, m);
            for (int j = 0; j < i; j++)
                rank += (VECTOR(KEY))(key[j]) <= own ? (VECTOR(KEY))(1) : (VECTOR(KEY))(0);
            for (int j = i; j < end; j++)
                rank += (((VECTOR(KEY))(key[j]) < own) | (((VECTOR(KEY))(key[j]) == own) &
                        ((VECTOR(KEY))((KEY)(j - i)) < lane))) ? (VECTOR(KEY))(1) : (VECTOR(KEY))(0);
            for (int j = end; j < m; j++)
                rank += (VECTOR(KEY))(key[j]) < own ? (VECTOR(KEY))(1) : (VECTOR(KEY))(0);
            for (int j = 0; j < end - i; j++)
                out[((const KEY *)&rank)[j]] = i + j;
        }
    }
}
