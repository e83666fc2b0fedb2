// SPDX-License-Identifier: MIT
// Singular values and vectors of small matrices by Jacobi's method, as cl/svd.cl, one a lane: a pair of rows is turned if it is
// not orthogonal yet in some lane, and by nothing in the others. scratch of a lane: a, U^T, rows' sizes
#include "lanes.clh"
#include "svd.clh"
#ifndef SVD // these are for a file read alone: src/ops/linalg_eigen.c gives names and order
#define SVD long batch, int rows, int columns, int vectors, long room
#endif
#ifndef EPSILON
#define EPSILON 1.1920929e-7f
#endif

static void NAME(turn)(__global V *x, __global V *z, int n, V c, V s)
{
    for (int j = 0; j < n; j++) {
        const V a = AT(x, j), b = AT(z, j);
        AT(x, j) = fma(c, a, -s * b);
        AT(z, j) = fma(s, a, c * b);
    }
}

// Rows p and q of y become orthogonal; were they not?
static M NAME(pair)(__global V *y, __global V *u, int vectors, int rows, int columns, int p, int q, V tolerance)
{
    __global V *x = &AT(y, p * columns), *z = &AT(y, q * columns);
    V alpha = ALL(0), beta = ALL(0), gamma = ALL(0);
    for (int j = 0; j < columns; j++) {
        const V a = AT(x, j), b = AT(z, j);
        alpha = fma(a, a, alpha);
        beta = fma(b, b, beta);
        gamma = fma(a, b, gamma);
    }
    const M turns = fabs(gamma) > tolerance * sqrt(alpha) * sqrt(beta);
    if (!ANY(turns))
        return turns;
    const V zeta = (beta - alpha) / (turns ? ALL(2) * gamma : ALL(1)), big = fabs(zeta);
    const V small = big > ALL(1e8f) ? ALL(0.5f) / big : ALL(1) / (big + sqrt(fma(big, big, ALL(1))));
    const V t = turns ? (zeta < ALL(0) ? -small : small) : ALL(0), c = ALL(1) / sqrt(fma(t, t, ALL(1)));
    NAME(turn)(x, z, columns, c, c * t);
    NAME(turn)(&AT(u, p * rows), &AT(u, q * rows), vectors ? rows : 0, c, c * t);
    return turns;
}

LANES_KERNEL void NAME(svd_lanes)(__global const E *restrict x, long offset, __global E *restrict u_out, __global E *restrict s_out,
                                  __global E *restrict v_out, __global int *restrict info_out, __global E *restrict scratch, SVD)
{
    __global V *y = SCRATCH(scratch, room), *u = &AT(y, rows * columns), *size = &AT(u, rows * rows);
    const V tolerance = ALL((E)(4 * EPSILON) * sqrt((E)columns));
    EACH_LOT(m, batch)
    {
        NAME(take)(y, x + offset, m, batch, rows * columns);
        V most = ALL(0);
        M bad = PLACE(0) != PLACE(0), left = bad;
        for (int i = 0; i < rows * columns; i++) {
            const V t = fabs(AT(y, i));
            bad = bad || !(t < ALL(INFINITY));
            most = t > most ? t : most;
        }
        const V unit = most > ALL(0) && !bad ? most : ALL(1);
        for (int i = 0; i < rows * columns; i++)
            AT(y, i) = bad ? ALL(0) : AT(y, i) / unit;
        for (int i = 0; i < rows * rows; i++)
            AT(u, i) = ALL(i / rows == i % rows);
        for (int going = 40; going > 0; going--) {
            left = PLACE(0) != PLACE(0);
            for (int p = 0; p < rows - 1; p++)
                for (int q = p + 1; q < rows; q++)
                    left = left || NAME(pair)(y, u, vectors, rows, columns, p, q, tolerance);
            if (!ANY(left))
                break;
        }
        M none = PLACE(0) != PLACE(0);
        for (int r = 0; r < rows; r++) {
            V all = ALL(0);
            for (int j = 0; j < columns; j++)
                all = fma(AT(y, r * columns + j), AT(y, r * columns + j), all);
            all = sqrt(all);
            AT(size, r) = all;
            none = none || !(all > ALL(0));
            for (int j = 0; j < columns; j++)
                AT(y, r * columns + j) = all > ALL(0) ? AT(y, r * columns + j) / all : AT(y, r * columns + j);
        }
        EACH_LANE(l, m, batch)
            if (LANE(none, l) && vectors)
                NAME(complete)(OF_LANE(y, l), OF_LANE(size, l), rows, columns, columns, LANES);
        for (int r = 0; r < rows; r++) {
            M rank = PLACE(0);
            const V own = AT(size, r);
            for (int i = 0; i < rows; i++)
                rank += (AT(size, i) > own || (i < r && AT(size, i) == own)) ? PLACE(1) : PLACE(0);
            const V value = bad ? ALL(NAN) : own * unit;
            EACH_LANE(l, m, batch)
            {
                const int to = (int)LANE(rank, l), wrong = (int)LANE(bad, l);
                s_out[(m + l) * rows + to] = ((const E *)&value)[l];
                for (int j = 0; j < columns && vectors; j++)
                    v_out[((m + l) * rows + to) * columns + j] = wrong ? (E)NAN : OF_LANE(&AT(y, r * columns + j), l)[0];
                for (int j = 0; j < rows && vectors; j++)
                    u_out[((m + l) * rows + j) * rows + to] = wrong ? (E)NAN : OF_LANE(&AT(u, r * rows + j), l)[0];
            }
        }
        left = left || bad;
        EACH_LANE(l, m, batch) info_out[m + l] = LANE(left, l) != 0;
    }
}
