// SPDX-License-Identifier: MIT
// Rows of middle length in order, CPU class: each by counting, a byte of its elements after the other, from the lowest
// on, which keeps the order of equal ones. A row, its numbers and both lists of places stay in a core's cache. y: the
// places of the elements.
#include "common.clh"
#include "sort.clh"
#ifndef SORT
#define SORT long rows, long n, int word
#endif
#ifndef BYTES
#define BYTES 4
#endif
#define DIGIT(k, byte) ((uint)((k) >> (8 * (byte))) & 255)

// key: n for each work-group, places: 2 n
CPU_KERNEL void NAME(sort_digits)(__global const E *restrict x, long offset, __global KEY *restrict key,
                                  __global uint *restrict places, __global long *restrict y, SORT)
{
    uint count[256 * BYTES];
    const long g = get_group_id(0), gs = get_num_groups(0);
    const int m = (int)n;
    key += g * n;
    for (long r = rows * g / gs; r < rows * (g + 1) / gs; r++) {
        __global uint *to = places + 2 * g * n, *from = to + n;
        __global long *out = y + r * n;
        int sorted = 0;
        for (int i = 0; i < 256 * BYTES; i++)
            count[i] = 0;
        for (int i = 0; i < m; i++) {
            const KEY k = NAME(key_of)(GET(x[offset + r * n + i]));
            key[i] = k;
            UNROLL for (int byte = 0; byte < BYTES; byte++)
                count[256 * byte + DIGIT(k, byte)]++;
        }
        for (int byte = 0; byte < BYTES; byte++) {
            uint *next = count + 256 * byte, before = 0;
            if (next[DIGIT(key[0], byte)] == (uint)m) // all have it
                continue;
            for (int i = 0; i < 256; i++) {
                const uint many = next[i];
                next[i] = before;
                before += many;
            }
            if (sorted) {
                for (int i = 0; i < m; i++) {
                    const uint at = from[i];
                    to[next[DIGIT(key[at], byte)]++] = at;
                }
            } else {
                for (int i = 0; i < m; i++)
                    to[next[DIGIT(key[i], byte)]++] = (uint)i;
            }
            __global uint *const done = to;
            to = from;
            from = done;
            sorted = 1;
        }
        for (int i = 0; i < m; i++)
            out[i] = sorted ? (long)from[i] : (long)i;
    }
}
