// SPDX-License-Identifier: MIT
// Sums over listed places with weights, and their derivatives, in double.
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// a b is added to out[to], by all (n, c, t, p); outside there is no element a, b or out.
typedef enum kind { SAMPLE, SCATTER, WEIGHTS } kind;

static void add_product(ref_value *out, double *terms, int64_t to, const ref_value *a, int64_t i, const ref_value *b, int64_t j)
{
    const double x = i < 0 ? 0 : a->f[i], y = b->f[j];
    out->f[to] += x * y;
    if (!out->e)
        return;
    const double ex = i < 0 ? 0 : reference_error(a, i), ey = reference_error(b, j);
    terms[to]++;
    out->e[to] += fabs(x) * ey + ex * fabs(y) + ex * ey + 4 * sqrt(terms[to]) * reference_unit(out->dtype) * fabs(x * y) +
                  reference_tiny(out->dtype);
}

// Bilinear between rows and columns in[1] of planes of p[0] x p[1]. A place that errs moves the result by as much of what is
// around it, also where it is another element then.
static void bilinear(const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const int64_t channels = out->shape.dim[1], points = out->shape.dim[2], height = p[0], width = p[1];
    for (int64_t at = 0; at < out->n; at++) {
        const int64_t plane = at / points, place = plane / channels * 2 * points + at % points;
        const double y = in[1]->f[place], x = in[1]->f[place + points], row = floor(y), column = floor(x);
        const double moved = out->e ? reference_error(in[1], place) + reference_error(in[1], place + points) : 0;
        double largest = 0;
        out->f[at] = 0;
        if (out->e)
            out->e[at] = reference_tiny(out->dtype);
        for (int i = -1; i < 3; i++) {
            for (int j = -1; j < 3; j++) {
                const bool there = row + i >= 0 && row + i < (double) height && column + j >= 0 && column + j < (double) width;
                const int64_t from = there ? (plane * height + (int64_t) row + i) * width + (int64_t) column + j : -1;
                const double v = there ? in[0]->f[from] : 0;
                largest = fmax(largest, fabs(v));
                if (i < 0 || i > 1 || j < 0 || j > 1)
                    continue;
                const double w = (i ? y - row : 1 - (y - row)) * (j ? x - column : 1 - (x - column));
                out->f[at] += w * v;
                if (out->e && there)
                    out->e[at] += fabs(w) * reference_error(in[0], from);
            }
        }
        if (out->e)
            out->e[at] += 2 * largest * (moved + 8 * reference_unit(out->dtype));
    }
}

// The other way: what in[0] at each point sends to planes of p[0] x p[1].
static void bilinear_scatter(const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const int64_t channels = out->shape.dim[1], points = in[0]->shape.dim[2], height = p[0], width = p[1];
    for (int64_t i = 0; i < out->n; i++) {
        out->f[i] = 0;
        if (out->e)
            out->e[i] = reference_tiny(out->dtype);
    }
    for (int64_t at = 0; at < in[0]->n; at++) {
        const int64_t plane = at / points, place = plane / channels * 2 * points + at % points;
        const double y = in[1]->f[place], x = in[1]->f[place + points], row = floor(y), column = floor(x), v = in[0]->f[at];
        const double moved = out->e ? reference_error(in[1], place) + reference_error(in[1], place + points) : 0;
        for (int k = 0; k < 16; k++) {
            const double i = row + k / 4 - 1, j = column + k % 4 - 1;
            if (!(i >= 0 && i < (double) height && j >= 0 && j < (double) width))
                continue;
            const int64_t to = (plane * height + (int64_t) i) * width + (int64_t) j;
            const double w = fmax(0, 1 - fabs(y - i)) * fmax(0, 1 - fabs(x - j));
            out->f[to] += w * v;
            if (out->e)
                out->e[to] += w * reference_error(in[0], at) + 2 * fabs(v) * (moved + 16 * reference_unit(out->dtype));
        }
    }
}

// An axis by weights in[2] of elements from in[1] on.
static void resample(const ref_value *const *in, ref_value *out)
{
    const int64_t *s = out->shape.dim, taps = in[2]->shape.dim[1], size = in[0]->shape.dim[2];
    double *terms = calloc((size_t) out->n + 1, sizeof *terms);
    for (int64_t at = 0; at < out->n; at++) {
        const int64_t row = at / s[3] / s[2], o = at / s[3] % s[2], n = row / s[1], said = in[1]->i[n * s[2] + o];
        const int64_t first = said < 0 ? 0 : said < size - taps ? said : size - taps;
        out->f[at] = 0;
        if (out->e)
            out->e[at] = reference_error(in[1], n * s[2] + o) > 0 ? INFINITY : 0;
        for (int64_t k = 0; k < taps; k++)
            add_product(out, terms, at, in[0], (row * size + first + k) * s[3] + at % s[3], in[2], (n * taps + k) * s[2] + o);
    }
    free(terms);
}

bool reference_taps(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out)
{
    static const char *const names[] = { "grid_sample", "grid_scatter", "grid_weights" };
    int k = 0;
    if (strcmp(name, "bilinear_sample") == 0) {
        if (out)
            bilinear(p, in, out);
        return true;
    }
    if (strcmp(name, "bilinear_scatter") == 0) {
        if (out)
            bilinear_scatter(p, in, out);
        return true;
    }
    if (strcmp(name, "resample") == 0) {
        if (out)
            resample(in, out);
        return true;
    }
    while (k < 3 && strcmp(names[k], name) != 0)
        k++;
    if (k == 3 || !out)
        return k < 3;
    const ref_value *index = in[2], *planes = k == SCATTER ? out : in[0];
    const int64_t taps = index->shape.dim[1], places = index->shape.dim[2];
    const int64_t channels = planes->shape.dim[1], size = planes->shape.dim[2];
    double *terms = calloc((size_t) out->n + 1, sizeof *terms), unsure = 0;
    for (int64_t i = 0; i < out->n; i++) {
        out->f[i] = 0;
        if (out->e)
            out->e[i] = 0;
    }
    for (int64_t n = 0; n < index->shape.dim[0]; n++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t t = 0; t < taps; t++)
                for (int64_t q = 0; q < places; q++) {
                    const int64_t list = (n * taps + t) * places + q, y = (n * channels + c) * places + q;
                    const int64_t at = index->i[list] < 0 ? -1 : (n * channels + c) * size + index->i[list];
                    const int64_t to = k == SAMPLE ? y : k == SCATTER ? at : list;
                    unsure = fmax(unsure, reference_error(index, list));
                    if (k == SAMPLE)
                        add_product(out, terms, to, in[0], at, in[1], list);
                    else if (at >= 0 && k == SCATTER)
                        add_product(out, terms, to, in[1], list, in[0], y);
                    else if (at >= 0)
                        add_product(out, terms, to, in[0], at, in[1], y);
                    if (out->e && k != SCATTER && reference_error(index, list) > 0)
                        out->e[to] = INFINITY;
                }
    for (int64_t i = 0; i < out->n && out->e && k == SCATTER && unsure > 0; i++)
        out->e[i] = INFINITY;
    free(terms);
    return true;
}
