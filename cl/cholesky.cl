// SPDX-License-Identifier: MIT
// a = L L^T, of which the lower triangle is read: y is L, zeros above. info is 0, or k where the leading matrix of order k
// is the first that is not positive: from its column on there are NaN. [batch][n][n]
#include "linalg.clh"
#ifndef CHOLESKY // these are for a file read alone: src/ops/linalg_solve.c gives names and order
#define CHOLESKY long batch, int n
#endif

// Above the diagonal lies L turned meanwhile, whose rows the product wants.
MATRICES void NAME(cholesky)(__global const E *restrict x, long offset, __global E *restrict out, __global int *restrict info_out,
                             CHOLESKY)
{
    EACH_MATRIX(m, batch)
    {
        __global E *y = out + m * n * n;
        int info = 0;
        EACH(i, 0, n *n) y[i] = x[offset + m * n * n + i];
        MEET;
        for (int k = 0; k < n; k += BLOCK) {
            const int end = min(k + BLOCK, n);
            for (int c = k; c < end; c++) {
                const E square = y[c * n + c];
                MEET;
                info = !(square > (E)0) && info == 0 ? c + 1 : info;
                const E d = square > (E)0 ? sqrt(square) : (E)NAN;
                ONCE y[c * n + c] = d;
                EACH(i, c + 1, n)
                {
                    const E v = y[i * n + c] / d;
                    y[i * n + c] = v;
                    y[c * n + i] = v;
                }
                MEET;
                // the block's other columns; what stands above the diagonal is written again later
                NAME(rank_one)(y, n, c, n, end);
                MEET;
            }
            for (int r = end; r < n; r += BLOCK) {
                const int to = min(r + BLOCK, n);
                NAME(subtract)(y + r * n + end, n, y + r * n + k, n, 1, y + k * n + end, n, to - r, to - end, end - k);
            }
            MEET;
        }
        for (int i = 0; i < n; i++)
            EACH(j, i + 1, n) y[i * n + j] = (E)0;
        ONCE info_out[m] = info;
        MEET;
    }
}
