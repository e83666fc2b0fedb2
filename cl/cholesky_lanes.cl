// SPDX-License-Identifier: MIT
// Cholesky's factors of small matrices, as cl/cholesky.cl, one a lane: column by column, what lies left of it subtracted first.
// scratch of a lane: n x n
#include "lanes.clh"
#ifndef CHOLESKY // these are for a file read alone: src/ops/linalg_cholesky.c gives names and order
#define CHOLESKY long batch, int n, long room
#endif

LANES_KERNEL void NAME(cholesky_lanes)(__global const E *restrict x, long offset, __global E *restrict out,
                                       __global int *restrict info_out, __global E *restrict scratch, CHOLESKY)
{
    __global V *y = SCRATCH(scratch, room);
    EACH_LOT(m, batch)
    {
        NAME(take)(y, x + offset, m, batch, n * n);
        M info = PLACE(0);
        for (int c = 0; c < n; c++) {
            NAME(less_products)(&AT(y, c * n + c), n, &AT(y, c * n), n, 1, &AT(y, c * n), 1, n - c, c);
            const V square = AT(y, c * n + c);
            info = (!(square > ALL(0)) && info == PLACE(0)) ? PLACE(c + 1) : info;
            const V d = square > ALL(0) ? sqrt(square) : ALL(NAN);
            AT(y, c * n + c) = d;
            for (int i = c + 1; i < n; i++) {
                AT(y, i * n + c) /= d;
                AT(y, c * n + i) = ALL(0);
            }
        }
        NAME(give)(out, y, m, batch, n * n);
        EACH_LANE(l, m, batch) info_out[m + l] = (int)LANE(info, l);
    }
}
