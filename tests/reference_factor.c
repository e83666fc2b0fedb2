// SPDX-License-Identifier: MIT
// Factorisations and systems in double, by the plain loops. How far a right result may be: by the condition of what is
// inverted, in the largest elements.
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UPPER, UNIT, TURNED, FACTORS };

static double most_of(const double *v, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; v && i < n; i++)
        most = fabs(v[i]) > most ? fabs(v[i]) : most;
    return most;
}

static void swap_rows(double *m, int64_t columns, int64_t r, int64_t s)
{
    for (int64_t j = 0; j < columns; j++) {
        const double v = m[r * columns + j];
        m[r * columns + j] = m[s * columns + j];
        m[s * columns + j] = v;
    }
}

// In place, pivots from 1; the first that is 0, or 0.
static int64_t eliminate(double *m, int64_t rows, int64_t columns, int64_t *pivots)
{
    int64_t info = 0;
    for (int64_t k = 0; k < rows && k < columns; k++) {
        int64_t at = k;
        for (int64_t i = k + 1; i < rows; i++)
            at = fabs(m[i * columns + k]) > fabs(m[at * columns + k]) ? i : at;
        pivots[k] = at + 1;
        swap_rows(m, columns, k, at);
        const double pivot = m[k * columns + k];
        info = pivot == 0 && info == 0 ? k + 1 : info;
        for (int64_t i = k + 1; i < rows && pivot != 0; i++) {
            const double f = m[i * columns + k] /= pivot;
            for (int64_t j = k + 1; j < columns; j++)
                m[i * columns + j] -= f * m[k * columns + j];
        }
    }
    return info;
}

static double element(const double *t, int64_t n, int64_t i, int64_t j, bool turned)
{
    return turned ? t[j * n + i] : t[i * n + j];
}

static void triangle(const double *t, double *x, int64_t n, int64_t k, bool upper, bool unit, bool turned)
{
    const bool down = upper == turned;
    for (int64_t step = 0; step < n; step++) {
        const int64_t r = down ? step : n - 1 - step;
        for (int64_t j = 0; j < k; j++) {
            double s = x[r * k + j];
            for (int64_t q = down ? 0 : r + 1; q < (down ? r : n); q++)
                s -= element(t, n, r, q, turned) * x[q * k + j];
            x[r * k + j] = unit ? s : s / t[r * n + r];
        }
    }
}

static void solve(const double *t, const int64_t *pivots, double *x, int64_t n, int64_t k, const int64_t *p)
{
    if (!p[FACTORS]) {
        triangle(t, x, n, k, p[UPPER], p[UNIT], p[TURNED]);
        return;
    }
    for (int64_t i = 0; i < n && !p[TURNED]; i++)
        swap_rows(x, k, i, pivots[i] - 1);
    triangle(t, x, n, k, p[TURNED], !p[TURNED], p[TURNED]);
    triangle(t, x, n, k, !p[TURNED], p[TURNED], p[TURNED]);
    for (int64_t i = n - 1; i >= 0 && p[TURNED]; i--)
        swap_rows(x, k, i, pivots[i] - 1);
}

// n times the largest element of the inverse, of t as p says; 10 where it has none.
static double inverse_of(const double *t, const int64_t *pivots, int64_t n, const int64_t *p)
{
    double *x = calloc((size_t) (n * n) + 1, sizeof *x);
    for (int64_t i = 0; i < n; i++)
        x[i * n + i] = 1;
    solve(t, pivots, x, n, n, p);
    const double most = (double) n * most_of(x, n * n);
    free(x);
    return isfinite(most) ? most : 10;
}

static void bound(ref_value *out, int64_t first, int64_t n, double relative)
{
    const double e = relative * most_of(out->f + first, n);
    for (int64_t i = 0; out->e && i < n; i++)
        out->e[first + i] = isfinite(e) ? e + reference_tiny(out->dtype) : 0;
}

// Of a matrix, relative to its largest element: what the arithmetic and what it was given leave.
static double doubt(const ref_value *v, int64_t first, int64_t n, int64_t size)
{
    const double most = most_of(v->f + first, n), given = v->e ? most_of(v->e + first, n) : 0;
    return 4 * (double) (size + 2) * reference_unit(v->dtype) + (most > 0 ? given / most : 0);
}

static void lu(const ref_value *const *in, ref_value *out)
{
    const clg_shape *s = &in[0]->shape;
    const int64_t rows = s->dim[1], columns = s->dim[2], n = rows < columns ? rows : columns, all = rows * columns;
    memcpy(out[0].f, in[0]->f, (size_t) in[0]->n * sizeof *out[0].f);
    for (int64_t m = 0; m < s->dim[0]; m++) {
        double *y = out[0].f + m * all;
        int64_t *pivots = out[1].i + m * n, *order = out[3].i + m * rows;
        out[2].i[m] = eliminate(y, rows, columns, pivots);
        for (int64_t i = 0; i < rows; i++)
            order[i] = i;
        for (int64_t k = 0; k < n; k++) {
            const int64_t from = order[pivots[k] - 1];
            order[pivots[k] - 1] = order[k];
            order[k] = from;
        }
        double condition = 10;
        if (rows == columns && out[2].i[m] == 0)
            condition = inverse_of(y, pivots, n, (int64_t[]) { 0, 0, 0, 1 }) * most_of(in[0]->f + m * all, all);
        bound(&out[0], m * all, all, 4 * fmax(condition, 10) * doubt(in[0], m * all, all, n));
    }
}

static void system_of(const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const clg_shape *s = &out->shape;
    const int64_t n = s->dim[1], k = s->dim[2];
    const ref_value *t = in[0], *b = in[p[FACTORS] ? 2 : 1];
    memcpy(out->f, b->f, (size_t) b->n * sizeof *out->f);
    for (int64_t m = 0; m < s->dim[0]; m++) {
        const int64_t *pivots = p[FACTORS] ? in[1]->i + m * n : NULL;
        solve(t->f + m * n * n, pivots, out->f + m * n * k, n, k, p);
        const double inverse = inverse_of(t->f + m * n * n, pivots, n, p);
        // of factors: the condition of both, by that of what they make, at least
        const double condition = fmax(inverse * most_of(t->f + m * n * n, n * n) * (p[FACTORS] ? (double) n : 1), 4);
        bound(out, m * n * k, n * k, condition * doubt(t, m * n * n, n * n, n));
        const double given = b->e ? 2 * inverse * most_of(b->e + m * n * k, n * k) : 0;
        for (int64_t i = 0; out->e && i < n * k; i++)
            out->e[m * n * k + i] += isfinite(given) ? given : 0;
    }
}

static void cholesky(const ref_value *const *in, ref_value *out)
{
    const int64_t n = in[0]->shape.dim[1];
    for (int64_t m = 0; m < in[0]->shape.dim[0]; m++) {
        const double *a = in[0]->f + m * n * n;
        double *y = out[0].f + m * n * n;
        for (int64_t j = 0; j < n; j++) {
            double d = a[j * n + j];
            for (int64_t k = 0; k < j; k++)
                d -= y[j * n + k] * y[j * n + k];
            out[1].i[m] = !(d > 0) && out[1].i[m] == 0 ? j + 1 : out[1].i[m];
            y[j * n + j] = d > 0 ? sqrt(d) : NAN;
            for (int64_t i = j + 1; i < n; i++) {
                double v = a[i * n + j];
                for (int64_t k = 0; k < j; k++)
                    v -= y[i * n + k] * y[j * n + k];
                y[i * n + j] = v / y[j * n + j];
            }
        }
        const double inverse = inverse_of(y, NULL, n, (int64_t[]) { 0, 0, 0, 0 }), most = most_of(y, n * n);
        bound(&out[0], m * n * n, n * n, fmax(inverse * inverse * most * most, 4) * doubt(in[0], m * n * n, n * n, n));
    }
}

// Householder's reflections, with LAPACK's signs.
static void qr(const ref_value *const *in, ref_value *out)
{
    const clg_shape *s = &in[0]->shape;
    const int64_t rows = s->dim[1], columns = s->dim[2], n = rows < columns ? rows : columns, kq = out[0].shape.dim[2], kr = out[1].shape.dim[1];
    double *y = malloc((size_t) (rows * columns + 1) * sizeof *y), *q = malloc((size_t) (rows * rows + 1) * sizeof *q), *v = malloc((size_t) (rows + 1) * sizeof *v);
    for (int64_t m = 0; m < s->dim[0]; m++) {
        memcpy(y, in[0]->f + m * rows * columns, (size_t) (rows * columns) * sizeof *y);
        for (int64_t i = 0; i < rows * rows; i++)
            q[i] = i / rows == i % rows;
        double least = INFINITY, most = 0;
        for (int64_t k = 0; k < n; k++) {
            double below = 0;
            for (int64_t i = k; i < rows; i++)
                below += i > k ? y[i * columns + k] * y[i * columns + k] : 0;
            const double alpha = y[k * columns + k], beta = below > 0 ? -copysign(sqrt(alpha * alpha + below), alpha) : alpha;
            for (int64_t i = k; i < rows; i++)
                v[i] = i == k ? 1 : below > 0 ? y[i * columns + k] / (alpha - beta) : 0;
            const double f = below > 0 ? (beta - alpha) / beta : 0;
            for (int64_t j = 0; j < columns; j++) {
                double d = 0;
                for (int64_t i = k; i < rows; i++)
                    d += v[i] * y[i * columns + j];
                for (int64_t i = k; i < rows; i++)
                    y[i * columns + j] -= f * d * v[i];
            }
            for (int64_t j = 0; j < rows; j++) { // q times the reflection
                double d = 0;
                for (int64_t i = k; i < rows; i++)
                    d += v[i] * q[j * rows + i];
                for (int64_t i = k; i < rows; i++)
                    q[j * rows + i] -= f * d * v[i];
            }
            least = fmin(least, fabs(y[k * columns + k]));
            most = fmax(most, fabs(y[k * columns + k]));
        }
        for (int64_t i = 0; i < rows * kq; i++)
            out[0].f[m * rows * kq + i] = q[i / kq * rows + i % kq];
        for (int64_t i = 0; i < kr * columns; i++)
            out[1].f[m * kr * columns + i] = i % columns >= i / columns ? y[i] : 0;
        const double relative = 8 * (least > 0 ? most / least : 1) * doubt(in[0], m * rows * columns, rows * columns, rows + columns);
        bound(&out[0], m * rows * kq, rows * kq, relative);
        bound(&out[1], m * kr * columns, kr * columns, relative);
    }
    free(y), free(q), free(v);
}

// a = u diag(s) v of a [rows, columns], rows <= columns, by turning rows; s is not in order yet.
static void jacobi(double *y, double *u, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < rows * rows; i++)
        u[i] = i / rows == i % rows;
    for (int sweep = 0; sweep < 60; sweep++) {
        for (int64_t p = 0; p < rows; p++)
            for (int64_t q = p + 1; q < rows; q++) {
                double *x = y + p * columns, *z = y + q * columns, xx = 0, zz = 0, xz = 0;
                for (int64_t j = 0; j < columns; j++) {
                    xx += x[j] * x[j];
                    zz += z[j] * z[j];
                    xz += x[j] * z[j];
                }
                if (fabs(xz) <= 1e-15 * sqrt(xx * zz))
                    continue;
                const double zeta = (zz - xx) / (2 * xz), t = copysign(1, zeta) / (fabs(zeta) + hypot(1, zeta)), c = 1 / hypot(1, t), s = c * t;
                for (int64_t j = 0; j < columns; j++) {
                    const double a = x[j];
                    x[j] = c * a - s * z[j];
                    z[j] = s * a + c * z[j];
                }
                for (int64_t j = 0; j < rows; j++) {
                    const double a = u[p * rows + j];
                    u[p * rows + j] = c * a - s * u[q * rows + j];
                    u[q * rows + j] = s * a + c * u[q * rows + j];
                }
            }
    }
}

// Outputs u, s falling, v; or, of a symmetric matrix, values rising and vectors: those of a shifted one, which is positive.
static void spectrum(const ref_value *const *in, ref_value *out, bool symmetric)
{
    const clg_shape *s = &in[0]->shape;
    const int64_t rows = s->dim[1], columns = s->dim[2], all = rows * columns;
    const bool vectors = out[symmetric ? 1 : 0].shape.dim[1] > 0; // else values alone are asked for
    double *y = malloc((size_t) (all + 1) * sizeof *y), *u = malloc((size_t) (rows * rows + 1) * sizeof *u), *size = malloc((size_t) (rows + 1) * sizeof *size);
    for (int64_t m = 0; m < s->dim[0]; m++) {
        const double *a = in[0]->f + m * all, shift = symmetric ? 2 * (double) rows * most_of(a, all) + 1 : 0;
        for (int64_t i = 0; i < all; i++) {
            const int64_t r = i / columns, c = i % columns;
            y[i] = (symmetric && c > r ? a[c * columns + r] : a[i]) + (r == c ? shift : 0);
        }
        jacobi(y, u, rows, columns);
        double gap = INFINITY, most = 0;
        for (int64_t r = 0; r < rows; r++) {
            size[r] = 0;
            for (int64_t j = 0; j < columns; j++)
                size[r] += y[r * columns + j] * y[r * columns + j];
            size[r] = sqrt(size[r]);
            for (int64_t i = 0; i < r; i++)
                gap = fmin(gap, fabs(size[r] - size[i]));
            most = fmax(most, size[r] - shift);
            gap = symmetric ? gap : fmin(gap, size[r]);
        }
        for (int64_t r = 0; r < rows; r++) {
            int64_t rank = 0;
            for (int64_t i = 0; i < rows; i++)
                rank += symmetric ? size[i] < size[r] : size[i] > size[r];
            out[symmetric ? 0 : 1].f[m * rows + rank] = size[r] - shift;
            for (int64_t j = 0; j < rows && vectors; j++)
                out[symmetric ? 1 : 0].f[(m * rows + j) * rows + rank] = u[r * rows + j];
            for (int64_t j = 0; j < columns && !symmetric && vectors; j++)
                out[2].f[(m * rows + rank) * columns + j] = y[r * columns + j] / size[r];
        }
        const double own = 8 * doubt(in[0], m * all, all, columns) * fmax(most_of(a, all), 1), relative = own * (double) rows * fmax(1 / gap, 1);
        for (int64_t i = 0; i < rows && out[0].e; i++)
            out[symmetric ? 0 : 1].e[m * rows + i] = own * (double) rows;
        if (vectors)
            bound(&out[symmetric ? 1 : 0], m * rows * rows, rows * rows, relative);
        if (!symmetric && vectors)
            bound(&out[2], m * all, all, relative);
    }
    free(y), free(u), free(size);
}

bool reference_factor(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out)
{
    if (strcmp(name, "lu") == 0) {
        if (out)
            lu(in, out);
        return true;
    }
    if (strcmp(name, "solve") == 0) {
        if (out)
            system_of(p, in, out);
        return true;
    }
    if (strcmp(name, "qr") == 0) {
        if (out)
            qr(in, out);
        return true;
    }
    if (strcmp(name, "eigh") == 0 || strcmp(name, "svd") == 0) {
        if (out)
            spectrum(in, out, name[0] == 'e');
        return true;
    }
    if (strcmp(name, "cholesky") == 0) {
        if (out)
            cholesky(in, out);
        return true;
    }
    return false;
}
