// SPDX-License-Identifier: MIT
// a = P L U with the largest element of a column for a pivot, as LAPACK's getrf: y holds U and, below, L without its
// ones; pivots[k] is the row, from 1, that changed places with row k; info is 0, or k where pivot k, from 1, was the
// first that is 0; order[i] is the row of a that became row i. [batch][rows][columns]
#include "linalg.clh"
#ifndef LU // these are for a file read alone: src/ops/linalg_lu.c gives names and order
#define LU long batch, int rows, int columns
#endif

// Columns k0 to k1, of all rows from k0 on; rows change places whole. What is not 0 is a pivot.
static int NAME(panel)(__global E *y, __global int *pivots, int rows, int columns, int k0, int k1)
{
    int info = 0;
    for (int k = k0; k < k1; k++) {
        int at = k;
        E best = fabs(y[k * columns + k]);
        for (int i = k + 1; i < rows; i++) { // every item by itself: all know the place then
            const E v = fabs(y[i * columns + k]);
            at = v > best ? i : at;
            best = v > best ? v : best;
        }
        MEET;
        ONCE pivots[k] = at + 1;
        if (at != k)
            EACH(j, 0, columns)
            {
                const E v = y[k * columns + j];
                y[k * columns + j] = y[at * columns + j];
                y[at * columns + j] = v;
            }
        MEET;
        const E pivot = y[k * columns + k];
        info = pivot == (E)0 && info == 0 ? k + 1 : info;
        if (pivot != (E)0)
            EACH(i, k + 1, rows) y[i * columns + k] /= pivot;
        MEET;
        NAME(rank_one)(y, columns, k, rows, k1);
        MEET;
    }
    return info;
}

MATRICES void NAME(lu)(__global const E *restrict x, long offset, __global E *restrict out, __global int *restrict pivots_out,
                       __global int *restrict info_out, __global long *restrict order_out, LU)
{
    const int n = min(rows, columns);
    EACH_MATRIX(m, batch)
    {
        __global E *y = out + m * rows * columns;
        __global int *pivots = pivots_out + m * n;
        int info = 0;
        EACH(i, 0, rows *columns) y[i] = x[offset + m * rows * columns + i];
        MEET;
        for (int k = 0; k < n; k += BLOCK) {
            const int end = min(k + BLOCK, n);
            const int found = NAME(panel)(y, pivots, rows, columns, k, end);
            info = info ? info : found;
            for (int r = k + 1; r < end; r++) { // U's rows of the block, beyond it
                NAME(subtract)(y + r * columns + end, columns, y + r * columns + k, columns, 1, y + k * columns + end, columns, 1,
                               columns - end, r - k);
                MEET;
            }
            NAME(subtract)(y + end * columns + end, columns, y + end * columns + k, columns, 1, y + k * columns + end, columns,
                           rows - end, columns - end, end - k);
            MEET;
        }
        ONCE
        {
            info_out[m] = info;
            __global long *order = order_out + m * rows;
            for (int i = 0; i < rows; i++)
                order[i] = i;
            for (int k = 0; k < n; k++) {
                const long from = order[pivots[k] - 1];
                order[pivots[k] - 1] = order[k];
                order[k] = from;
            }
        }
    }
}
