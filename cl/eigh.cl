// SPDX-License-Identifier: MIT
// Symmetric matrices, of which the lower triangle is read: a = V diag(w) V^T, w rising. Householder's reflections make a
// tridiagonal matrix, implicit QL steps its eigenvalues; what they turn are rows of V^T. At most 30 steps for each, info
// 1 after more, or where a is not finite: then all is NaN. scratch of each group: a, V, and six rows. [batch][n][n]
// Without `vectors` these are neither turned nor written.
#include "linalg.clh"
#include "reflect.clh"
#ifndef EIGH // these are for a file read alone: src/ops/linalg_eigen.c gives names and order
#define EIGH long batch, int n, int stride, int vectors, long room
#endif
#ifndef EPSILON
#define EPSILON 1.1920929e-7f
#endif
#define LEAST 1e-10f // beside elements of about 1: what is smaller has squares that vanish

// Row i and its next turn by c[i], s[i], i falling to first; columns are shared.
static void NAME(turn)(__global E *v, int stride, __global const E *c, __global const E *s, int first, int last)
{
#if ITEMS > 1
    EACH(j, 0, stride)
    {
        E h = v[last * stride + j];
        for (int i = last - 1; i >= first; i--) {
            const E g = v[i * stride + j];
            v[(i + 1) * stride + j] = s[i] * g + c[i] * h;
            h = c[i] * g - s[i] * h;
        }
        v[first * stride + j] = h;
    }
#else
    for (int j = 0; j < stride; j += VL) {
        VEC h = NAME(load)(v + last * stride + j);
        ROLLED for (int i = last - 1; i >= first; i--)
        {
            const VEC g = NAME(load)(v + i * stride + j), a = (VEC)(c[i]), b = (VEC)(s[i]);
            NAME(store)(b * g + a * h, v + (i + 1) * stride + j);
            h = a * g - b * h;
        }
        NAME(store)(h, v + first * stride + j);
    }
#endif
}

// One step on the first block that is not diagonal yet: its ends in at, whose second is -1 where there is none.
static void NAME(step)(__global E *d, __global E *e, __global E *cs, __global E *ss, int n, __local int *at)
{
    int l = at[0], m = l;
    for (; l < n; l++) {
        for (m = l; m < n - 1 && !(fabs(e[m]) <= (E)EPSILON * (fabs(d[m]) + fabs(d[m + 1]) + (E)LEAST)); m++)
            ;
        if (m > l)
            break;
    }
    at[0] = at[2] = l;
    at[1] = l < n ? m : -1;
    if (l >= n)
        return;
    E g = (d[l + 1] - d[l]) / ((E)2 * e[l]), r = sqrt(g * g + (E)1), s = (E)1, c = (E)1, p = (E)0;
    g = d[m] - d[l] + e[l] / (g < (E)0 ? g - r : g + r);
    for (int i = m - 1; i >= l; i--) {
        const E f = s * e[i], b = c * e[i];
        r = sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r == (E)0) {
            d[i + 1] -= p;
            e[m] = (E)0;
            at[2] = i + 1;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + (E)2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        cs[i] = c;
        ss[i] = s;
    }
    d[l] -= p;
    e[l] = g;
    e[m] = (E)0;
}

MATRICES void NAME(eigh)(__global const E *restrict x_in, long offset, __global E *restrict w_out, __global E *restrict v_out,
                         __global int *restrict info_out, __global E *restrict scratch, EIGH)
{
    __local int at[3];
    __global E *a = scratch + get_group_id(0) * room, *v = a + n * stride, *d = v + n * stride, *e = d + stride, *factor = e + stride,
               *row = factor + stride, *c = row + stride, *s = c + stride;
    EACH_MATRIX(m, batch)
    {
        __global const E *x = x_in + offset + m * n * n;
        __global E *w = w_out + m * n, *y = v_out + m * n * n;
        E most = (E)0;
        int bad = 0;
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++) {
                const E t = fabs(x[i * n + j]);
                bad |= isnan(t) || isinf(t);
                most = t > most ? t : most;
            }
        const E size = most > (E)0 && !bad ? most : (E)1;
        EACH(i, 0, n *stride)
        {
            const int r = i / stride, q = i % stride;
            a[i] = q < n && !bad ? x[q <= r ? r * n + q : q * n + r] / size : (E)0;
            v[i] = q == r ? (E)1 : (E)0;
        }
        MEET;
        for (int k = 0; k < n - 2; k++) {
            const int left = n - k - 1;
            __global E *u = a + k * stride + k + 1, *rest = a + (k + 1) * stride + k + 1;
            const E beta = NAME(reflection)(u, left, factor + k), f = factor[k];
            ONCE e[k] = beta;
            EACH(i, 0, left) row[i] = f * NAME(dot)(rest + i * stride, u, left);
            MEET;
            const E half_of = (E)0.5 * f * NAME(dot)(row, u, left);
            MEET;
            EACH(i, 0, left) row[i] -= half_of * u[i];
            MEET;
            for (int i = 0; i < left; i++) {
                NAME(add)(rest + i * stride, row, -u[i], left);
                NAME(add)(rest + i * stride, u, -row[i], left);
            }
            MEET;
        }
        ONCE
        {
            if (n > 1)
                e[n - 2] = a[(n - 2) * stride + n - 1];
            for (int i = 0; i < n; i++)
                d[i] = a[i * stride + i];
            at[0] = 0;
            at[1] = 0;
        }
        MEET;
        for (int k = n - 3; k >= 0 && vectors; k--) {
            NAME(reflect)(v + (k + 1) * stride + k + 1, stride, a + k * stride + k + 1, factor[k], row, n - k - 1, n - k - 1);
            MEET;
        }
        if (vectors)
            EACH(i, 0, n *stride) a[i] = i % stride < n ? v[(i % stride) * stride + i / stride] : (E)0;
        MEET;
        int going = bad ? 0 : 30 * n, last = 0;
        while (going > 0) {
            ONCE NAME(step)(d, e, c, s, n, at);
            MEET;
            last = at[1];
            going = last < 0 ? 0 : going - 1;
            if (last > at[2] && vectors)
                NAME(turn)(a, stride, c, s, at[2], last);
            MEET;
        }
        const int failed = bad || last > 0;
        EACH(j, 0, n)
        {
            int rank = 0;
            for (int i = 0; i < n; i++)
                rank += d[i] < d[j] || (d[i] == d[j] && i < j);
            w[rank] = d[j] * size;
            for (int i = 0; i < n && vectors; i++)
                y[i * n + rank] = a[j * stride + i];
        }
        MEET;
        if (failed) {
            EACH(i, 0, vectors * n * n) y[i] = (E)NAN;
            EACH(i, 0, n) w[i] = (E)NAN;
        }
        ONCE info_out[m] = failed;
        MEET;
    }
}
