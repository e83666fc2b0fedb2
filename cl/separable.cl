// SPDX-License-Identifier: MIT
// Two axes of x [planes][H][W], each by a sparse matrix: y[p][i][j] = sum over its row's entries k, l of
// vertical[i][k] horizontal[j][l] x[p][h[k]][w[l]], first down, then across; one work-item an element. COPY: rows have
// one entry of weight 1. The CPU class has cl/separable_copies.cl and cl/separable_cpu.cl.
#pragma OPENCL FP_CONTRACT OFF
#include "element.clh"
#include "separable.clh"

__kernel void NAME(separable_items)(__global const E *restrict x, long offset, __global E *restrict y, SEPARABLE)
{
    const long at = get_global_id(0);
    if (at >= planes * HO * WO)
        return;
    __global const int *words = (__global const int *)table;
    const long j = at % WO, i = at / WO % HO;
    __global const E *from = x + offset + at / WO / HO * H * W;
    const int k0 = v_rows ? BEGINS(v_at, i) : 0, k1 = v_rows ? BEGINS(v_at, i + 1) : 1;
    const int l0 = h_rows ? BEGINS(h_at, j) : 0, l1 = h_rows ? BEGINS(h_at, j + 1) : 1;
#ifdef COPY
    const long h = v_rows ? COLUMN(v_at, v_rows, k0) : i, w = h_rows ? COLUMN(h_at, h_rows, l0) : j;
    y[at] = from[h * W + w];
#else
    __global const ACC *vw = WEIGHTS(v_at, v_rows, v_n), *hw = WEIGHTS(h_at, h_rows, h_n);
    ACC sum = (ACC)0;
    for (int l = l0; l < l1; l++) {
        const long w = h_rows ? COLUMN(h_at, h_rows, l) : j;
        ACC down = (ACC)0;
        for (int k = k0; k < k1; k++) {
            const ACC v = GET(from[(v_rows ? COLUMN(v_at, v_rows, k) : i) * W + w]);
            down += v_rows ? vw[k] * v : v;
        }
        sum += h_rows ? hw[l] * down : down;
    }
    y[at] = PUT(sum);
#endif
}
