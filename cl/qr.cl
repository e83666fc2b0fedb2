// SPDX-License-Identifier: MIT
// a = Q R by Householder's reflections, with LAPACK's signs. q [batch][rows][kq], of which kq columns are made; r [batch][kr][columns];
// scratch of each group: a copy of a, the reflections as rows of length rows, their factors, a row. [batch][rows][columns]
#include "linalg.clh"
#include "reflect.clh"
#ifndef QR // these are for a file read alone: src/ops/linalg_qr.c gives names and order
#define QR long batch, int rows, int columns, int kq, int kr, long room
#endif

MATRICES void NAME(qr)(__global const E *restrict x, long offset, __global E *restrict q_out, __global E *restrict r_out,
                       __global E *restrict scratch, QR)
{
    const int n = min(rows, columns);
    __global E *y = scratch + get_group_id(0) * room, *v = y + rows * columns, *factor = v + n * rows, *row = factor + n;
    EACH_MATRIX(m, batch)
    {
        __global E *q = q_out + m * rows * kq, *r = r_out + m * kr * columns;
        EACH(i, 0, rows *columns) y[i] = x[offset + m * rows * columns + i];
        MEET;
        for (int k = 0; k < n; k++) {
            __global E *own = v + k * rows;
            EACH(i, k, rows) own[i] = y[i * columns + k];
            MEET;
            const E beta = NAME(reflection)(own + k, rows - k, factor + k);
            NAME(reflect)(y + k * columns + k + 1, columns, own + k, factor[k], row, rows - k, columns - k - 1);
            ONCE y[k * columns + k] = beta;
            MEET;
        }
        EACH(i, 0, kr *columns) r[i] = i % columns >= i / columns ? y[i] : (E)0;
        EACH(i, 0, rows *kq) q[i] = i / max(kq, 1) == i % max(kq, 1) ? (E)1 : (E)0;
        MEET;
        for (int k = n - 1; k >= 0 && kq > 0; k--) {
            NAME(reflect)(q + k * kq + k, kq, v + k * rows + k, factor[k], row, rows - k, kq - k);
            MEET;
        }
    }
}
