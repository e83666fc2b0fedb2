// SPDX-License-Identifier: MIT
// Rows and columns of x [planes][H][W] chosen, CPU class: sparse matrices whose rows have one entry of weight 1. Columns
// that follow each other are copied as vectors, a row that is chosen again from where it was written.
#include "common.clh"
#include "separable.clh"
// Loads one by one: what compilers make of them as vectors are gathers, which are slow.
#define APART _Pragma("clang loop vectorize(disable) unroll_count(8)")

static inline void NAME(copy)(__global const E *from, __global E *to, long n)
{
    if (n < VL) {
        EDGE for (int i = 0; i < n; i++) to[i] = from[i];
        return;
    }
    for (long i = 0; i + VL <= n; i += VL)
        STORE16(__global, e_at, LOAD16(__global, e_at, from + i), to + i);
    STORE16(__global, e_at, LOAD16(__global, e_at, from + n - VL), to + n - VL); // over some of those before
}

// A work-item has some rows of the result, or some columns of them where rows are few.
CPU_KERNEL void NAME(separable_copies)(__global const E *restrict x, long offset, __global E *restrict y, SEPARABLE)
{
    const long part = get_group_id(0), parts = get_num_groups(0), all = planes * HO;
    const long first = all / parts * part + all % parts * part / parts;
    const long last = all / parts * (part + 1) + all % parts * (part + 1) / parts;
    const long block = get_group_id(1), blocks = get_num_groups(1);
    const long j0 = WO / blocks * block + WO % blocks * block / blocks;
    const long j1 = WO / blocks * (block + 1) + WO % blocks * (block + 1) / blocks;
    const long r0 = h_rows ? clamp((long)run0, j0, j1) : j0, r1 = h_rows ? clamp((long)run1, r0, j1) : j1;
    __global const int *words = (__global const int *)table, *column = words + h_at + h_rows + 1;
    long before = -1;
    for (long r = first; r < last; r++) {
        const long i = r % HO, row = r / HO * H + (v_rows ? COLUMN(v_at, v_rows, i) : i);
        __global const E *from = x + offset + row * W;
        __global E *to = y + r * WO;
        if (row == before) {
            NAME(copy)(to - WO + j0, to + j0, j1 - j0);
            continue;
        }
        before = row;
        APART for (long j = j0; j < r0; j++) to[j] = from[column[j]];
        if (r0 < r1)
            NAME(copy)(from + (h_rows ? column[r0] : r0), to + r0, r1 - r0);
        APART for (long j = r1; j < j1; j++) to[j] = from[column[j]];
    }
}
