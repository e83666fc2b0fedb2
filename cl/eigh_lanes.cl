// SPDX-License-Identifier: MIT
// Eigenvalues and vectors of small symmetric matrices, as cl/eigh.cl, one a lane: each lane's QL step is on a block of its own,
// and where it has nothing to do it turns by nothing. scratch of a lane: a, V^T, and six rows.
#include "lanes.clh"
#ifndef EIGH // these are for a file read alone: src/ops/linalg_eigen.c gives names and order
#define EIGH long batch, int n, int vectors, long room
#endif
#ifndef EPSILON
#define EPSILON 1.1920929e-7f
#endif
#define LEAST 1e-10f // as in cl/eigh.cl

// The lower triangle of a becomes d and e; with vectors, v the transpose of what turned it.
static void NAME(tridiagonal)(__global V *a, __global V *v, __global V *d, __global V *e, __global V *p, __global V *factor, int n,
                              int vectors)
{
    for (int k = 0; k < n - 2; k++) {
        const int left = n - k - 1;
        __global V *u = &AT(a, k * n + k + 1), *rest = &AT(a, (k + 1) * n + k + 1);
        V f, s = ALL(0);
        AT(e, k) = NAME(reflection)(u, 1, left, &f);
        AT(u, 0) = ALL(1);
        AT(factor, k) = f;
        for (int i = 0; i < left; i++)
            AT(p, i) = ALL(0);
        NAME(less_products)(p, 1, rest, n, 1, u, 1, left, left);
        for (int i = 0; i < left; i++) {
            AT(p, i) *= -f;
            s = fma(AT(p, i), AT(u, i), s);
        }
        s *= ALL(-0.5f) * f;
        for (int i = 0; i < left; i++)
            AT(p, i) = fma(s, AT(u, i), AT(p, i));
        for (int i = 0; i < left; i++) {
            const V x = -AT(u, i), z = -AT(p, i);
            for (int j = 0; j < left; j++)
                AT(rest, i * n + j) = fma(z, AT(u, j), fma(x, AT(p, j), AT(rest, i * n + j)));
        }
    }
    if (n > 1)
        AT(e, n - 2) = AT(a, (n - 2) * n + n - 1);
    AT(e, n - 1) = ALL(0);
    for (int i = 0; i < n; i++)
        AT(d, i) = AT(a, i * n + i);
    if (!vectors)
        return;
    for (int i = 0; i < n * n; i++)
        AT(v, i) = ALL(i / n == i % n);
    // v as a matrix of columns: its rows are reflected from the right, so turned it is a reflection from the left
    for (int k = n - 3; k >= 0; k--)
        NAME(reflect)(&AT(v, (k + 1) * n + k + 1), n, &AT(a, k * n + k + 1), 1, AT(factor, k), n - k - 1, n - k - 1);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) {
            const V t = AT(v, i * n + j);
            AT(v, i * n + j) = AT(v, j * n + i);
            AT(v, j * n + i) = t;
        }
}

// One step on each lane's first block that is not diagonal yet. False: there is none in any. low is where they begin at the
// earliest, and what turned rows low to *high is in c and s.
static int NAME(step)(__global V *d, __global V *e, __global V *c, __global V *s, int n, int *low, int *high)
{
    M l = PLACE(n), m = PLACE(n - 1);
    V dl = ALL(0), next = ALL(0), el = ALL(1), dm = AT(d, n - 1);
    M before = PLACE(0) != PLACE(0), within = before; // has a block begun? is it still going on?
    int first = n, last = 0;
    for (int i = *low; i < n - 1; i++) {
        const V x = AT(d, i), y = AT(d, i + 1), off = AT(e, i);
        const M whole = !(fabs(off) <= ALL(EPSILON) * (fabs(x) + fabs(y) + ALL(LEAST)));
        const M begins = whole && !before, ends = within && !whole;
        l = begins ? PLACE(i) : l;
        dl = begins ? x : dl;
        next = begins ? y : next;
        el = begins ? off : el;
        m = ends ? PLACE(i) : m;
        dm = ends ? x : dm;
        within = begins || (within && !ends);
        before = before || begins;
        first = first == n && ANY(begins) ? i : first;
        last = ANY(within) ? i + 1 : last;
    }
    *low = first;
    *high = last;
    if (first == n)
        return 0;
    V g = (next - dl) / (ALL(2) * el), r = sqrt(fma(g, g, ALL(1))), sine = ALL(1), cosine = ALL(1), p = ALL(0);
    g = dm - dl + el / (g < ALL(0) ? g - r : g + r);
    M going = before;
    for (int i = last - 1; i >= first; i--) {
        const M here = going && l <= PLACE(i) && PLACE(i) < m;
        const V x = AT(d, i), y = AT(d, i + 1), off = AT(e, i), f = sine * off, b = cosine * off;
        r = sqrt(fma(f, f, g * g));
        const M stops = here && r == ALL(0), turns = here && !stops;
        const V by = turns ? r : ALL(1), si = f / by, co = g / by, h = y - p, t = fma(x - h, si, ALL(2) * co * b), q = si * t;
        AT(e, i + 1) = here ? r : AT(e, i + 1);
        AT(d, i + 1) = turns ? h + q : stops ? h : y;
        AT(c, i) = turns ? co : ALL(1);
        AT(s, i) = turns ? si : ALL(0);
        g = turns ? fma(co, t, -b) : g;
        sine = turns ? si : sine;
        cosine = turns ? co : cosine;
        p = turns ? q : p;
        going = going && !stops;
    }
    for (int i = first; i <= last; i++) {
        const M at = going && l == PLACE(i);
        AT(d, i) = at ? AT(d, i) - p : AT(d, i);
        AT(e, i) = at ? g : (before && m == PLACE(i)) ? ALL(0) : AT(e, i);
    }
    return 1;
}

static void NAME(turn)(__global V *v, int n, __global const V *c, __global const V *s, int first, int last)
{
    for (int j = 0; j < n; j++) {
        V h = AT(v, last * n + j);
        for (int i = last - 1; i >= first; i--) {
            const V g = AT(v, i * n + j), a = AT(c, i), b = AT(s, i);
            AT(v, (i + 1) * n + j) = fma(b, g, a * h);
            h = fma(a, g, -b * h);
        }
        AT(v, first * n + j) = h;
    }
}

LANES_KERNEL void NAME(eigh_lanes)(__global const E *restrict x, long offset, __global E *restrict w_out, __global E *restrict v_out,
                                   __global int *restrict info_out, __global E *restrict scratch, EIGH)
{
    __global V *a = SCRATCH(scratch, room), *v = &AT(a, n * n), *d = &AT(v, n * n), *e = &AT(d, n), *p = &AT(e, n), *factor = &AT(p, n),
               *c = &AT(factor, n), *s = &AT(c, n);
    EACH_LOT(m, batch)
    {
        NAME(take)(a, x + offset, m, batch, n * n);
        V most = ALL(0);
        M bad = PLACE(0) != PLACE(0);
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++) {
                const V t = fabs(AT(a, i * n + j));
                bad = bad || !(t < ALL(INFINITY));
                most = t > most ? t : most;
            }
        const V size = most > ALL(0) && !bad ? most : ALL(1);
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++) {
                const V t = bad ? ALL(0) : AT(a, i * n + j) / size;
                AT(a, i * n + j) = t;
                AT(a, j * n + i) = t;
            }
        NAME(tridiagonal)(a, v, d, e, p, factor, n, vectors);
        int low = 0, high = 0, going = 30 * n;
        while (going > 0 && NAME(step)(d, e, c, s, n, &low, &high)) {
            if (vectors)
                NAME(turn)(v, n, c, s, low, high);
            going--;
        }
        if (going == 0) // too many steps, of those lanes that still have a block
            for (int i = 0; i < n - 1; i++)
                bad = bad || !(fabs(AT(e, i)) <= ALL(EPSILON) * (fabs(AT(d, i)) + fabs(AT(d, i + 1)) + ALL(LEAST)));
        for (int j = 0; j < n; j++) {
            M rank = PLACE(0);
            const V own = AT(d, j);
            for (int i = 0; i < n; i++)
                rank += (AT(d, i) < own || (i < j && AT(d, i) == own)) ? PLACE(1) : PLACE(0);
            const V value = bad ? ALL(NAN) : own * size;
            EACH_LANE(l, m, batch)
            {
                const int to = (int)LANE(rank, l), wrong = (int)LANE(bad, l);
                w_out[(m + l) * n + to] = ((const E *)&value)[l];
                for (int i = 0; i < n && vectors; i++)
                    v_out[((m + l) * n + i) * n + to] = wrong ? (E)NAN : OF_LANE(&AT(v, j * n + i), l)[0];
            }
        }
        EACH_LANE(l, m, batch) info_out[m + l] = LANE(bad, l) != 0;
    }
}
