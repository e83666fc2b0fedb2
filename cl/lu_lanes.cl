// SPDX-License-Identifier: MIT
// Factors of small matrices with pivots, as cl/lu.cl, one a lane. A column's pivot is another row in every lane, so rows change
// places under a mask; then its products are subtracted from the columns that follow. scratch of a lane: rows x columns
#include "lanes.clh"
#ifndef LU // these are for a file read alone: src/ops/linalg_lu.c gives names and order
#define LU long batch, int rows, int columns, long room
#endif

// Row k changes places with that in `at`.
static void NAME(change)(__global V *y, M at, int k, int rows, int columns)
{
#if ITEMS > 1
    for (int j = 0; j < columns && at != k; j++) {
        const V v = AT(y, k * columns + j);
        AT(y, k * columns + j) = AT(y, at * columns + j);
        AT(y, at * columns + j) = v;
    }
#else
    for (int i = k + 1; i < rows; i++) {
        const M here = at == PLACE(i);
        if (ANY(here))
            for (int j = 0; j < columns; j++) {
                const V a = y[k * columns + j], b = y[i * columns + j];
                y[k * columns + j] = here ? b : a;
                y[i * columns + j] = here ? a : b;
            }
    }
#endif
}

// From column c what stands left of it and above: U's part, four rows at a time, and what is left below.
static void NAME(column)(__global V *y, int c, int rows, int columns)
{
    const int end = min(c + 1, rows);
    for (int i = 0; i < end; i += 4) {
        const int to = min(i + 4, end);
        NAME(less_products)(&AT(y, i * columns + c), columns, &AT(y, i * columns), columns, 1, &AT(y, c), columns, to - i, i);
        for (int r = i + 1; r < to; r++)
            NAME(less_products)(&AT(y, r * columns + c), columns, &AT(y, r * columns + i), columns, 1, &AT(y, i * columns + c), columns, 1,
                                r - i);
    }
    NAME(less_products)(&AT(y, end * columns + c), columns, &AT(y, end * columns), columns, 1, &AT(y, c), columns, rows - end, c);
}

LANES_KERNEL void NAME(lu_lanes)(__global const E *restrict x, long offset, __global E *restrict out, __global int *restrict pivots,
                                 __global int *restrict info_out, __global long *restrict order_out, __global E *restrict scratch, LU)
{
    const int n = min(rows, columns);
    __global V *y = SCRATCH(scratch, room);
    EACH_LOT(m, batch)
    {
        NAME(take)(y, x + offset, m, batch, rows * columns);
        M info = PLACE(0);
        for (int k = 0; k < n; k++) {
            M at = PLACE(k);
            V best = fabs(AT(y, k * columns + k));
            for (int i = k + 1; i < rows; i++) {
                const V v = fabs(AT(y, i * columns + k));
                at = v > best ? PLACE(i) : at;
                best = v > best ? v : best;
            }
            EACH_LANE(l, m, batch) pivots[(m + l) * n + k] = (int)LANE(at, l) + 1;
            NAME(change)(y, at, k, rows, columns);
            const V pivot = AT(y, k * columns + k);
            info = (pivot == ALL(0) && info == PLACE(0)) ? PLACE(k + 1) : info;
            const V by = pivot == ALL(0) ? ALL(1) : pivot;
            for (int i = k + 1; i < rows; i++)
                AT(y, i * columns + k) /= by;
            if (k + 1 < columns)
                NAME(column)(y, k + 1, rows, columns);
        }
        for (int c = n + 1; c < columns; c++)
            NAME(column)(y, c, rows, columns);
        NAME(give)(out, y, m, batch, rows * columns);
        EACH_LANE(l, m, batch)
        {
            info_out[m + l] = (int)LANE(info, l);
            __global long *order = order_out + (m + l) * rows;
            for (int i = 0; i < rows; i++)
                order[i] = i;
            for (int k = 0; k < n; k++) {
                const int p = pivots[(m + l) * n + k] - 1;
                const long from = order[p];
                order[p] = order[k];
                order[k] = from;
            }
        }
    }
}
