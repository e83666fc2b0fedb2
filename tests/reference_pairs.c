// SPDX-License-Identifier: MIT
// Distances of all rows from all others and what comes back, in double, with bounds that follow the sums.
#include "reference.h"

#include <math.h>
#include <string.h>

// |x|, or half of x's square, whose slope is x
typedef struct term {
    double d, e;
} term;

static term less(const ref_value *a, int64_t i, const ref_value *b, int64_t j)
{
    const double d = a->f[i] - b->f[j];
    return (term) { d, reference_error(a, i) + reference_error(b, j) + reference_unit(a->dtype) * fabs(d) };
}

// a [B,M,D], b [B,D,P]; out [B,M,N]
static void distance(bool squares, const ref_value *const *in, ref_value *out)
{
    const int64_t m = out->shape.dim[1], n = out->shape.dim[2], depth = in[0]->shape.dim[2], pitch = in[1]->shape.dim[2];
    const double u = reference_unit(out->dtype) * (2 + 2 * sqrt((double) depth));
    for (int64_t at = 0; at < out->n; at++) {
        const int64_t row = at / n;
        double sum = 0, e = 0;
        for (int64_t k = 0; k < depth; k++) {
            const term t = less(in[0], row * depth + k, in[1], (row / m * depth + k) * pitch + at % n);
            sum += squares ? t.d * t.d : fabs(t.d);
            e += squares ? (2 * fabs(t.d) + t.e) * t.e : t.e;
        }
        e += u * sum;
        const double root = sqrt(sum);
        out->f[at] = squares ? root : sum;
        if (out->e)
            out->e[at] = reference_tiny(out->dtype) + (!squares ? e : (root > 0 ? fmin(e / root, sqrt(e)) : sqrt(e)) +
                                                       4 * reference_unit(out->dtype) * root);
    }
}

// a [B,M,D], b [B,D,P], w [B,M,P]; out [B,M,D]
static void slopes(bool squares, int64_t n, const ref_value *const *in, ref_value *out)
{
    const int64_t m = out->shape.dim[1], depth = out->shape.dim[2], pitch = in[1]->shape.dim[2];
    const double u = reference_unit(out->dtype) * (2 + 2 * sqrt((double) n));
    for (int64_t at = 0; at < out->n; at++) {
        const int64_t row = at / depth, of_b = (row / m * depth + at % depth) * pitch;
        double sum = 0, size = 0, e = 0;
        for (int64_t j = 0; j < n; j++) {
            const term t = less(in[0], at, in[1], of_b + j);
            const double w = in[2]->f[row * pitch + j], ew = reference_error(in[2], row * pitch + j);
            const double slope = squares ? t.d : isnan(t.d) ? t.d : (t.d > 0) - (t.d < 0);
            sum += w * slope;
            size += fabs(w * slope);
            e += squares ? fabs(w) * t.e + ew * (fabs(t.d) + t.e) : ew + (t.e >= fabs(t.d) && t.e > 0 ? 2 * fabs(w) : 0);
        }
        out->f[at] = sum;
        if (out->e)
            out->e[at] = e + u * size + reference_tiny(out->dtype);
    }
}

bool reference_pairs(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const bool is_distance = strcmp(name, "pair_distance") == 0;
    if (!is_distance && strcmp(name, "pair_slopes") != 0)
        return false;
    if (out && is_distance)
        distance(p[1], in, out);
    else if (out)
        slopes(p[1], p[0], in, out);
    return true;
}
