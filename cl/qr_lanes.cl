// SPDX-License-Identifier: MIT
// Orthogonal triangular factors of small matrices, as cl/qr.cl, one a lane. scratch of a lane: a, in which the reflections stay
// below the diagonal, q, their factors.
#include "lanes.clh"
#ifndef QR // these are for a file read alone: src/ops/linalg_qr.c gives names and order
#define QR long batch, int rows, int columns, int kq, int kr, long room
#endif

LANES_KERNEL void NAME(qr_lanes)(__global const E *restrict x, long offset, __global E *restrict q_out, __global E *restrict r_out,
                                 __global E *restrict scratch, QR)
{
    const int n = min(rows, columns);
    __global V *y = SCRATCH(scratch, room), *q = &AT(y, rows * columns), *factor = &AT(q, rows * kq);
    EACH_LOT(m, batch)
    {
        NAME(take)(y, x + offset, m, batch, rows * columns);
        for (int k = 0; k < n; k++) {
            V f;
            const V beta = NAME(reflection)(&AT(y, k * columns + k), columns, rows - k, &f);
            AT(factor, k) = f;
            NAME(reflect)(&AT(y, k * columns + k + 1), columns, &AT(y, k * columns + k), columns, f, rows - k, columns - k - 1);
            AT(y, k * columns + k) = beta;
        }
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < kq; j++)
                AT(q, i * kq + j) = ALL(i == j);
        for (int k = n - 1; k >= 0 && kq > 0; k--)
            NAME(reflect)(&AT(q, k * kq + k), kq, &AT(y, k * columns + k), columns, AT(factor, k), rows - k, kq - k);
        for (int i = 1; i < kr; i++)
            for (int j = 0; j < min(i, columns); j++)
                AT(y, i * columns + j) = ALL(0);
        NAME(give)(q_out, q, m, batch, rows * kq);
        NAME(give)(r_out, y, m, batch, kr * columns);
    }
}
