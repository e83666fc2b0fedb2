// SPDX-License-Identifier: MIT
// Eigenvalues alone of symmetric matrices, of which the lower triangle is read, rising: Householder's tridiagonal matrix,
// then bisection, sixty-four of them at a time. It always ends; where a is not finite all is NaN and info 1. scratch of each
// group: a, and eight rows. CPU class. [batch][n][n]
#include "bisect.clh"
#include "tridiagonal.clh"
#ifndef EIGH // these are for a file read alone: src/ops/linalg_eigen.c gives names and order
#define EIGH long batch, int n, int stride, long room
#endif

CPU_KERNEL void NAME(eigvalsh)(__global const E *restrict x_in, long offset, __global E *restrict w_out, __global E *restrict v_out,
                               __global int *restrict info_out, __global E *restrict scratch, EIGH)
{
    __global E *a = scratch + get_group_id(0) * room, *d = a + DIV_UP(n, VL) * VL * stride, *e = d + stride, *factor = e + stride,
               *more = factor + stride;
    EACH_MATRIX(m, batch)
    {
        __global const E *x = x_in + offset + m * n * n;
        __global E *w = w_out + m * n;
        const E most = NAME(largest)(x, n, n, 1), size = most > (E)0 ? most : (E)1;
        for (int i = 0; i < DIV_UP(n, VL) * VL; i++)
            for (int j = 0; j <= i; j += VL)
                NAME(store)(i < n ? NAME(load_part)(x + i * n + j, i + 1 - j) / (VEC)(size) : (VEC)((E)0), a + i * stride + j);
        for (int i = 0; i < n; i++)
            for (int j = i + 1; j < min(n, DIV_UP(i + 1, VL) * VL); j++)
                a[i * stride + j] = a[j * stride + i];
        info_out[m] = isnan(most);
        if (isnan(most)) {
            for (int i = 0; i < n; i++)
                w[i] = (E)NAN;
            continue;
        }
        const E bound = NAME(tridiagonal)(a, stride, n, d, e, factor, more);
        for (int i = 0; i < n; i++)
            e[i] *= e[i];
        NAME(bisect)(d, e, n, 0, n, -bound, bound, w, 1, size);
    }
}
