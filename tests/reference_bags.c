// SPDX-License-Identifier: MIT
// Sums of a table's rows in bags and their transpose, in double, with bounds that follow the sums.
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MANY, LENGTH, SKIPS, SKIP, COUNTS, ROWS, WEIGHTED }; // of the key

typedef struct place { // adds w times row `from` to sum `to`
    int64_t from, to;
} place;

// A from below 0 has no row and makes the sum NaN.
static void add(const place *at, int64_t n, const ref_value *x, const ref_value *w, ref_value *out)
{
    const int64_t width = out->shape.dim[1];
    double *terms = calloc((size_t) out->shape.dim[0] + 1, sizeof *terms);
    for (int64_t i = 0; i < n; i++)
        terms[at[i].to < 0 ? out->shape.dim[0] : at[i].to]++;
    for (int64_t k = 0; k < out->n; k++) {
        out->f[k] = 0;
        if (out->e)
            out->e[k] = reference_tiny(out->dtype);
    }
    for (int64_t i = 0; i < n; i++) {
        if (at[i].to < 0)
            continue;
        const double u = reference_unit(out->dtype) * (2 + 2 * sqrt(terms[at[i].to])), factor = w ? w->f[i] : 1,
                     wrong = w ? reference_error(w, i) : 0;
        for (int64_t c = 0; c < width; c++) {
            const int64_t k = at[i].from * width + c, to = at[i].to * width + c;
            const double v = at[i].from < 0 ? NAN : x->f[k], e = at[i].from < 0 ? 0 : reference_error(x, k);
            out->f[to] += factor * v;
            if (out->e)
                out->e[to] += fabs(factor) * e + wrong * (fabs(v) + e) + u * fabs(factor * v);
        }
    }
    free(terms);
}

// in: table, index, [start], [weight]
static void sums(const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const int64_t n = in[1]->n, rows = in[0]->shape.dim[0];
    const ref_value *start = p[LENGTH] ? NULL : in[2], *w = p[WEIGHTED] ? in[start ? 3 : 2] : NULL;
    place *at = calloc((size_t) n + 1, sizeof *at);
    for (int64_t i = 0; i < n; i++)
        at[i].to = -1;
    for (int64_t b = 0; b < p[MANY]; b++) {
        const int64_t first = start ? start->i[b] : b * p[LENGTH],
                      last = !start ? first + p[LENGTH] : b + 1 < start->n ? start->i[b + 1] : n;
        int64_t kept = 0;
        for (int64_t i = first; i < last && i < n; i++) {
            const int64_t k = in[1]->i[i];
            if (p[SKIPS] && k == p[SKIP])
                continue;
            at[i] = (place) { k < 0 || k >= rows ? -1 : k, b };
            kept++;
        }
        if (p[COUNTS])
            out[1].f[b] = (double) kept;
        if (p[COUNTS] && out[1].e)
            out[1].e[b] = 0;
    }
    add(at, n, in[0], w, out);
    free(at);
}

// in: g, list, bag, [start], [weight]
static void scatter(const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const int64_t n = in[1]->n;
    const ref_value *w = p[WEIGHTED] ? in[p[LENGTH] ? 3 : 4] : NULL;
    place *at = calloc((size_t) n + 1, sizeof *at);
    for (int64_t i = 0; i < n; i++) {
        const int64_t k = in[1]->i[i];
        at[i] = (place) { in[2]->i[i], in[2]->i[i] < 0 || k < 0 || k >= p[ROWS] ? -1 : k };
    }
    add(at, n, in[0], w, out);
    free(at);
}

bool reference_bags(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const bool is_sum = strcmp(name, "bag_sum") == 0;
    if (!is_sum && strcmp(name, "bag_scatter") != 0)
        return false;
    if (out && is_sum)
        sums(p, in, out);
    else if (out)
        scatter(p, in, out);
    return true;
}
