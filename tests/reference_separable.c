// SPDX-License-Identifier: MIT
// Reference of src/ops/separable.c and separable_bytes.c: images along two axes by sparse matrices, by their formulas.
#include "reference.h"

#include "ops/separable.h"

#include "checks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct call {
    const int64_t *p;
    const ref_value *const *in;
    ref_value *out;
} call;

// By the key of src/ops/separable.c, whose matrices are those of separable_rule.c: golden has PyTorch's numbers.
static clg__sparse matrix(const call *c, int at, int64_t n)
{
    clg__rule r = { .kind = (clg__rule_kind) c->p[at], .transposed = c->p[at + 1], .align_corners = c->p[at + 2],
                    .in = c->p[at + 3], .out = c->p[at + 4], .pad = c->p[at + 5] };
    memcpy(&r.scale, &c->p[at + 6], sizeof r.scale);
    if (r.kind == CLG__RULE_NONE)
        r.in = r.out = n;
    clg__sparse m;
    ck_assert(clg__rule_matrix(&r, c->out->dtype == CLG_F64, &m));
    return m;
}

static void separable(const call *c)
{
    const int64_t *from = c->in[0]->shape.dim, *to = c->out->shape.dim;
    clg__sparse v = matrix(c, 0, from[1]), h = matrix(c, 7, from[2]);
    const double coordinates = 2 * (double) ((c->p[0] >= CLG__RULE_LINEAR ? c->p[3] : 0) + // rounded as PyTorch does
                                             (c->p[7] >= CLG__RULE_LINEAR ? c->p[10] : 0));
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t j = at % to[2], i = at / to[2] % to[1], plane = at / to[2] / to[1] * from[1] * from[2];
        double sum = 0, bound = 0;
        for (int32_t k = v.begins[i]; k < v.begins[i + 1]; k++)
            for (int32_t l = h.begins[j]; l < h.begins[j + 1]; l++) {
                const int64_t x = plane + v.column[k] * from[2] + h.column[l];
                const double w = v.weight[k] * h.weight[l];
                sum += w * reference_item(c->in[0], x);
                if (c->out->e && c->out->f)
                    bound += fabs(w) * reference_error(c->in[0], x) +
                             (16 * fabs(w) + coordinates) * reference_unit(c->out->dtype) * fabs(c->in[0]->f[x]);
            }
        reference_put(c->out, at, sum);
        if (c->out->e && c->out->f)
            c->out->e[at] = bound;
    }
    clg__sparse_free(&v);
    clg__sparse_free(&h);
}

// One axis of bytes by the rule at c->p[at] in weights of 16 bits: y[outer][out][inner] of x[outer][in][inner].
static double *bytes_by(const call *c, int at, const double *x, int64_t outer, int64_t in, int64_t inner)
{
    clg__rule r = { .kind = (clg__rule_kind) c->p[at], .align_corners = c->p[at + 1], .in = c->p[at + 2], .out = c->p[at + 3] };
    memcpy(&r.scale, &c->p[at + 4], sizeof r.scale);
    if (r.kind == CLG__RULE_NONE)
        r.in = r.out = in;
    clg__sparse m;
    ck_assert(clg__rule_matrix(&r, true, &m));
    double *w = calloc((size_t) (r.out * in) + 1, sizeof *w), *y = calloc((size_t) (outer * r.out * inner) + 1, sizeof *y);
    double most = 0;
    int p = 0;
    for (int64_t i = 0; i < r.out; i++)
        for (int32_t e = m.begins[i]; e < m.begins[i + 1]; e++)
            w[i * in + m.column[e]] += m.weight[e];
    for (int64_t k = 0; k < r.out * in; k++)
        most = fmax(most, w[k]);
    while (p < 22 && (int64_t) (0.5 + most * (double) (2 << p)) < 32768)
        p++;
    for (int64_t o = 0; o < outer * r.out * inner; o++) {
        double sum = 0.5;
        for (int64_t k = 0; k < in; k++)
            sum += trunc(ldexp(w[o / inner % r.out * in + k], p) + copysign(0.5, w[o / inner % r.out * in + k])) *
                   x[(o / inner / r.out * in + k) * inner + o % inner] / (1 << p);
        y[o] = r.kind == CLG__RULE_NONE ? x[o] : fmin(fmax(floor(sum), 0), 255);
    }
    clg__sparse_free(&m);
    free(w);
    return y;
}

// By the key of src/ops/separable_bytes.c.
static void separable_bytes(const call *c)
{
    const int64_t *from = c->in[0]->shape.dim, *to = c->out->shape.dim;
    double *x = calloc((size_t) c->in[0]->n + 1, sizeof *x);
    for (int64_t i = 0; i < c->in[0]->n; i++)
        x[i] = (double) c->in[0]->i[i];
    double *across = bytes_by(c, 5, x, from[0] * from[1], from[2], 1);
    double *y = bytes_by(c, 0, across, from[0], from[1], to[2]);
    for (int64_t i = 0; i < c->out->n; i++)
        c->out->i[i] = (int64_t) y[i];
    free(x);
    free(across);
    free(y);
}

bool reference_separable(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const bool bytes = strcmp(name, "separable_bytes") == 0;
    const call c = { p, in, out };
    if (!bytes && strcmp(name, "separable") != 0)
        return false;
    if (p)
        (bytes ? separable_bytes : separable)(&c);
    return true;
}
