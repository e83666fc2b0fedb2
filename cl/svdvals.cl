// SPDX-License-Identifier: MIT
// Singular values alone, falling, of a [rows, columns] with rows <= columns: Householder's bidiagonal matrix, the last row and
// column first, then bisection for the upper half of the eigenvalues of [0 b; b^T 0], which permuted is tridiagonal with
// zeros on its diagonal (Golub and Kahan 1965). It always ends; where a is not finite all is NaN. scratch of each group: a,
// and eight rows, of rows + columns. CPU class.
#include "bisect.clh"
#include "tridiagonal.clh"
#ifndef SVD // these are for a file read alone: src/ops/linalg_eigen.c gives names and order
#define SVD long batch, int rows, int columns, int stride, int room_of, long room
#endif

// a[m, n] less u y^T + z v^T; then z = a x. u and z have zeros from m on to a multiple of four.
SELDOM void NAME(update)(__global E *a, int stride, int m, int n, __global const E *u, __global const E *y, __global E *z, __global const E *v,
                         __global const E *x)
{
    for (int i = 0; i < m; i += 4) {
        __global E *row = a + i * stride;
        VEC s[4];
        E ui[4], zi[4];
        UNROLL for (int r = 0; r < 4; r++)
        {
            s[r] = (VEC)((E)0);
            ui[r] = -u[i + r];
            zi[r] = -z[i + r];
        }
        ROLLED for (int j = 0; j < n; j += VL)
        {
            const VEC yj = NAME(load)(y + j), vj = NAME(load)(v + j), xj = NAME(load)(x + j);
            UNROLL for (int r = 0; r < 4; r++)
            {
                const VEC t = fma((VEC)(zi[r]), vj, fma((VEC)(ui[r]), yj, NAME(load)(row + r * stride + j)));
                NAME(store)(t, row + r * stride + j);
                s[r] = fma(t, xj, s[r]);
            }
        }
        UNROLL for (int r = 0; r < 4; r++) z[i + r] = NAME(fold_sum)(s[r]);
    }
}

// y = u^T a, of m rows; u has zeros from m on to a multiple of eight, where a has rows too.
SELDOM void NAME(gather)(__global const E *a, int stride, int m, int n, __global const E *u, __global E *y)
{
    for (int j = 0; j < n; j += VL)
        NAME(store)((VEC)((E)0), y + j);
    for (int i = 0; i < m; i += 8) {
        __global const E *row = a + i * stride;
        E ui[8];
        UNROLL for (int r = 0; r < 8; r++) ui[r] = u[i + r];
        ROLLED for (int j = 0; j < n; j += VL)
        {
            VEC even = NAME(load)(y + j), odd = (VEC)((E)0);
            UNROLL for (int r = 0; r < 8; r += 2)
            {
                even = fma((VEC)(ui[r]), NAME(load)(row + r * stride + j), even);
                odd = fma((VEC)(ui[r + 1]), NAME(load)(row + (r + 1) * stride + j), odd);
            }
            NAME(store)(even + odd, y + j);
        }
    }
}

// square[1..2 rows): those of the bidiagonal's elements, one of the diagonal first, each followed by its neighbour.
static void NAME(bidiagonal)(__global E *a, int stride, int rows, int columns, __global E *square, __global E *more, int room)
{
    __global E *u = more, *z = u + room, *y = z + room, *v = y + room, *x = v + room, *own = x + room;
    for (int j = 0; j < 6 * room; j += VL)
        NAME(store)((VEC)((E)0), more + j);
    for (int k = rows - 1, at = 1; k >= 0; k--, at += 2) {
        const int n = k + columns - rows + 1; // columns that are left
        __global E *row = a + k * stride;
        const VEC uk = (VEC)(-u[k]), zk = (VEC)(-z[k]);
        E f, g;
        for (int j = 0; j < n; j += VL)
            NAME(store)(fma(zk, NAME(load)(v + j), fma(uk, NAME(load)(y + j), NAME(load)(row + j))), row + j);
        const E alpha = NAME(reflection)(row, n, x, &f);
        square[at] = alpha * alpha;
        if (k == 0)
            break;
        for (int i = k; i < DIV_UP(k, 8) * 8; i++)
            u[i] = z[i] = (E)0;
        u[k] = z[k] = (E)0;
        NAME(update)(a, stride, k, n, u, y, z, v, x);
        for (int i = 0; i < k; i++) {
            z[i] *= f;
            own[i] = a[i * stride + n - 1] - z[i];
        }
        const E beta = NAME(reflection)(own, k, u, &g);
        square[at + 1] = beta * beta;
        NAME(gather)(a, stride, k, n, u, y);
        VEC sum = (VEC)((E)0);
        for (int i = 0; i < k; i += VL)
            sum = fma(NAME(load)(z + i), NAME(load)(u + i), sum);
        const VEC by = (VEC)(g), part = (VEC)(-NAME(fold_sum)(sum));
        for (int j = 0; j < n; j += VL)
            NAME(store)(by * fma(part, NAME(load)(x + j), NAME(load)(y + j)), y + j);
        __global E *swap = v;
        v = x;
        x = swap;
    }
}

CPU_KERNEL void NAME(svdvals)(__global const E *restrict x_in, long offset, __global E *restrict u_out, __global E *restrict s_out,
                              __global E *restrict v_out, __global int *restrict info_out, __global E *restrict scratch, SVD)
{
    const int high = DIV_UP(rows, 8) * 8;
    __global E *a = scratch + get_group_id(0) * room, *d = a + high * stride, *square = d + 2 * room_of, *more = square + 2 * room_of;
    EACH_MATRIX(m, batch)
    {
        __global const E *in = x_in + offset + m * rows * columns;
        __global E *s = s_out + m * rows;
        const E most = NAME(largest)(in, rows, columns, 0), size = most > (E)0 ? most : (E)1;
        info_out[m] = isnan(most);
        if (isnan(most)) {
            for (int i = 0; i < rows; i++)
                s[i] = (E)NAN;
            continue;
        }
        for (int i = 0; i < high; i++)
            for (int j = 0; j < columns; j += VL)
                NAME(store)(i < rows ? NAME(load_part)(in + i * columns + j, columns - j) / (VEC)(size) : (VEC)((E)0), a + i * stride + j);
        for (int i = 0; i < 2 * rows; i++)
            d[i] = square[i] = (E)0;
        NAME(bidiagonal)(a, stride, rows, columns, square, more, room_of);
        E bound = (E)0;
        for (int i = 0; i < 2 * rows; i++)
            bound = fmax(bound, sqrt(square[i]) + (i < 2 * rows - 1 ? sqrt(square[i + 1]) : (E)0));
        NAME(bisect)(d, square, 2 * rows, rows, rows, (E)0, bound * (E)1.01f + (E)16 * (E)TINY, s + rows - 1, -1, size);
    }
}
