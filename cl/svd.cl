// SPDX-License-Identifier: MIT
// a = U diag(s) V^T, a [batch][rows][columns] with rows <= columns, s falling: one-sided Jacobi turns pairs of rows until they
// are orthogonal, and those of U^T with them. Rows meet in rounds of disjoint pairs, which items share in the GPU class.
// At most 40 sweeps, info 1 after more; where a is not finite all is NaN. What is 0 is completed to an orthogonal
// set. scratch of each group: a, U^T, rows' sizes. Without `vectors` the values alone.
#include "linalg.clh"
#include "svd.clh"
#ifndef SVD // these are for a file read alone: src/ops/linalg_eigen.c gives names and order
#define SVD long batch, int rows, int columns, int across, int down, int vectors, long room
#endif
#ifndef EPSILON
#define EPSILON 1.1920929e-7f
#endif

#if ITEMS > 1
#define STEP 1
#define TAKE(p) (*(p))
#define GIVE(x, p) (*(p) = (x))
#define V_ E
#define WHOLE(v) (v)
#else
#define STEP VL
#define TAKE(p) NAME(load)(p)
#define GIVE(x, p) NAME(store)(x, p)
#define V_ VEC
#define WHOLE(v) NAME(total)(v)
#endif

static void NAME(turn)(__global E *x, __global E *y, int n, E c, E s)
{
    for (int j = 0; j < n; j += STEP) {
        const V_ a = TAKE(x + j), b = TAKE(y + j);
        GIVE((V_)(c) * a - (V_)(s) * b, x + j);
        GIVE((V_)(s) * a + (V_)(c) * b, y + j);
    }
}

// Rows p and q of y become orthogonal; were they not?
static int NAME(pair)(__global E *y, __global E *u, int across, int down, int vectors, int p, int q, E tolerance)
{
    __global E *x = y + p * across, *z = y + q * across;
    V_ xx = (V_)((E)0), zz = (V_)((E)0), xz = (V_)((E)0);
    for (int j = 0; j < across; j += STEP) {
        const V_ a = TAKE(x + j), b = TAKE(z + j);
        xx = fma(a, a, xx);
        zz = fma(b, b, zz);
        xz = fma(a, b, xz);
    }
    const E alpha = WHOLE(xx), beta = WHOLE(zz), gamma = WHOLE(xz);
    if (!(fabs(gamma) > tolerance * sqrt(alpha) * sqrt(beta)))
        return 0;
    const E zeta = (beta - alpha) / ((E)2 * gamma), big = fabs(zeta);
    const E t = (big > (E)1e8f ? (E)0.5 / big : (E)1 / (big + sqrt((E)1 + big * big))) * (zeta < (E)0 ? (E)-1 : (E)1);
    const E c = (E)1 / sqrt((E)1 + t * t), s = c * t;
    NAME(turn)(x, z, across, c, s);
    NAME(turn)(u + p * down, u + q * down, vectors ? down : 0, c, s);
    return 1;
}

MATRICES void NAME(svd)(__global const E *restrict x_in, long offset, __global E *restrict u_out, __global E *restrict s_out,
                        __global E *restrict v_out, __global int *restrict info_out, __global E *restrict scratch, SVD)
{
    __local int changed[ITEMS];
    __global E *y = scratch + get_group_id(0) * room, *u = y + rows * across, *size = u + rows * down;
    const int even = rows + (rows & 1);
    const E tolerance = (E)(4 * EPSILON) * sqrt((E)columns);
    EACH_MATRIX(m, batch)
    {
        __global const E *x = x_in + offset + m * rows * columns;
        E most = (E)0;
        int bad = 0;
        for (int i = 0; i < rows * columns; i++) {
            const E t = fabs(x[i]);
            bad |= isnan(t) || isinf(t);
            most = t > most ? t : most;
        }
        const E unit = most > (E)0 && !bad ? most : (E)1;
        EACH(i, 0, rows *across) y[i] = i % across < columns && !bad ? x[i / across * columns + i % across] / unit : (E)0;
        EACH(i, 0, rows *down) u[i] = i / down == i % down ? (E)1 : (E)0;
        MEET;
        int going = bad ? 0 : 40, left = bad;
        while (going > 0) {
            int own = 0;
            for (int round = 0; round < even - 1; round++) { // the last one stays, the others go round
                EACH(i, 0, even / 2)
                {
                    const int a = i == 0 ? even - 1 : (round + i) % (even - 1), b = (round + even - 1 - i) % (even - 1);
                    const int p = min(a, b), q = max(a, b);
                    if (q < rows)
                        own |= NAME(pair)(y, u, across, down, vectors, p, q, tolerance);
                }
                MEET;
            }
            changed[SELF] = own;
            MEET;
            left = 0;
            for (int i = 0; i < ITEMS; i++)
                left |= changed[i];
            going = left ? going - 1 : 0;
            MEET;
        }
        EACH(r, 0, rows)
        {
            E all = (E)0;
            for (int j = 0; j < columns; j++)
                all = fma(y[r * across + j], y[r * across + j], all);
            all = sqrt(all);
            size[r] = all;
            for (int j = 0; j < columns && all > (E)0; j++)
                y[r * across + j] /= all;
        }
        MEET;
        if (vectors)
            ONCE NAME(complete)(y, size, rows, columns, across, 1);
        MEET;
        EACH(r, 0, rows)
        {
            int rank = 0;
            for (int i = 0; i < rows; i++)
                rank += size[i] > size[r] || (size[i] == size[r] && i < r);
            s_out[m * rows + rank] = bad ? (E)NAN : size[r] * unit;
            for (int j = 0; j < columns && vectors; j++)
                v_out[(m * rows + rank) * columns + j] = bad ? (E)NAN : y[r * across + j];
            for (int j = 0; j < rows && vectors; j++)
                u_out[(m * rows + j) * rows + rank] = bad ? (E)NAN : u[r * down + j];
        }
        ONCE info_out[m] = left != 0;
        MEET;
    }
}
