// SPDX-License-Identifier: MIT
// Scans of rows of less than 256 elements, CPU class: cl/scan.clh says of what. Sixteen at a time, one in each lane.
#pragma OPENCL FP_CONTRACT OFF
#include "scan_cpu.clh"

// Sixteen rows lie in a tile as they do in memory, which is read and written in its order. They are taken by windows of
// sixteen places. What the first has beside the few elements that it takes, it writes too: the next window writes
// there again or, of rows that are shorter, the row behind it.
#define TILE (VL * 256 + VL)
#define READ_TILE(v, tile)                                                                         \
    UNROLL for (int i = 0; i < VL; i++) v[NTH(i)] = LOAD16(__private, acc_at, (tile) + at + NTH(i) * (int)n); \
    TRANSPOSE16(v)
#define WRITE_TILE(T, as, v, tile)                                                                 \
    TURN(T, v)                                                                                     \
    UNROLL for (int i = 0; i < VL; i++) STORE16(__private, as, v[i], (tile) + at + i * (int)n);
// Up to `end`, which is behind what windows see.
static inline void NAME(read_rows)(ACC *to, __global const E *from, int n, int end)
{
    for (int i = 0; i < end; i += VL) STORE16(__private, acc_at, NAME(load_or)(from + i, n - i, (ACC)0), to + i);
}

static inline void NAME(write_rows)(const ACC *from, __global E *to, int n)
{
    for (int i = 0; i < n; i += VL) NAME(store_part)(LOAD16(__private, acc_at, from + i), to + i, n - i);
}

CPU_KERNEL void NAME(scan_short)(INPUTS, OUTPUTS, SCAN)
{
    ACC tile[TILE];
#if KIND == 2
    ACC factors[TILE];
#elif KIND == 5
    ACC seconds[TILE];
#elif KIND >= 3
    PLACE seconds[TILE];
#endif
    const long g = get_group_id(1), gs = get_num_groups(1), blocks = DIV_UP(many, VL);
    const long end = min(many, blocks * (g + 1) / gs * VL);
    for (long r = blocks * g / gs * VL; r < end; r += VL) {
        const int all = (int)(min((long)VL, end - r) * n);
        NAME(read_rows)(tile, x + offset + r * n, all, VL * (int)n + VL);
#if KIND == 2
        NAME(read_rows)(factors, factor + factor_offset + r * n, all, VL * (int)n + VL);
#endif
        NAME(runs) s = NAME(spread)(NAME(none)());
        int count = (int)((n - 1) % VL) + 1;
        for (int from = 0; from < n; from += count, count = VL) {
            const int at = max(0, (int)FROM(from, VL)), low = LOW_OF((int)n, count);
            VEC v[VL];
            READ_TILE(v, tile)
#if KIND == 2
            VEC f[VL];
            READ_TILE(f, factors)
#endif
            SECOND u[VL];
            UNROLL for (int i = 0; i < VL; i++)
            {
                if (NTH(i) >= low && NTH(i) < low + count) {
                    TAKE(s, v[NTH(i)], FACTOR(f[NTH(i)]), (NAME(places))((PLACE)(from + i)))
                    v[NTH(i)] = OF_W16(VALUE(s));
                }
                u[NTH(i)] = SECOND_OF(s);
            }
            WRITE_TILE(VEC, acc_at, v, tile)
#if KIND == 5
            WRITE_TILE(VEC, acc_at, u, seconds)
#elif KIND >= 3
            WRITE_TILE(NAME(places), place_at, u, seconds)
#endif
        }
        NAME(write_rows)(tile, y + r * n, all);
#if KIND == 5
        NAME(write_rows)(seconds, second + r * n, all);
#elif KIND >= 3
        for (int i = 0; i < all; i += VL)
            NAME(store_places)(LOAD16(__private, place_at, seconds + i), second + r * n + i, all - i);
#endif
    }
}
