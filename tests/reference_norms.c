// SPDX-License-Identifier: MIT
// Kernel ops of normalisation: values and bounds together.
#include "reference.h"

#include <math.h>
#include <string.h>

typedef struct call {
    const int64_t *p;
    const ref_value *const *in;
    ref_value *out;
} call;

// ---- statistics of groups: [outer, groups, inner]; numbers: eps, whether centred

static double group_moment(const call *c, int64_t g, double about, int power)
{
    const clg_shape *s = &c->in[0]->shape;
    double sum = 0;
    for (int64_t o = 0; o < s->dim[0]; o++) {
        for (int64_t i = 0; i < s->dim[2]; i++)
            sum += pow(c->in[0]->f[(o * s->dim[1] + g) * s->dim[2] + i] - about, power);
    }
    return sum / (double) (s->dim[0] * s->dim[2]);
}

static void norm_stats(const call *c)
{
    double eps;
    memcpy(&eps, &c->p[0], sizeof eps);
    for (int64_t g = 0; g < c->in[0]->shape.dim[1]; g++) {
        ref_value *out = c->out;
        double mean = 0;
        if (c->p[1]) {
            mean = group_moment(c, g, 0, 1);
            out[0].f[g] = mean;
            out[1].f[g] = 0;
            out += 2;
        }
        out[0].f[g] = group_moment(c, g, mean, 2);
        out[1].f[g] = 1 / sqrt(out[0].f[g] + eps);
    }
}

// The derivative of rows [1, groups, inner]: x, g, where centred mean and rest, rstd, where there is one a weight.
// What it is made of, at element k of row i: h, and xhat; with their bounds.
typedef struct slope_at {
    double h, eh, xhat, ex;
} slope_at;

static slope_at slope_of(const call *c, int64_t i, int64_t k)
{
    const int64_t n = c->out->shape.dim[2], at = i * n + k;
    const ref_value *const *in = c->in + 2, *rstd = c->in[c->p[0] ? 4 : 2], *w = c->p[1] ? c->in[c->p[0] ? 5 : 3] : NULL;
    const double u = reference_unit(c->out->dtype), g = c->in[1]->f[at], x = c->in[0]->f[at], r = rstd->f[i];
    const double mean = c->p[0] ? in[0]->f[i] + in[1]->f[i] : 0;
    const double em = c->p[0] ? reference_error(in[0], i) + reference_error(in[1], i) : 0;
    slope_at s = { g, reference_error(c->in[1], at), (x - mean) * r, 0 };
    if (w) {
        s.h = g * w->f[k];
        s.eh = s.eh * fabs(w->f[k]) + fabs(g) * reference_error(w, k) + u * fabs(s.h);
    }
    s.ex = r * (reference_error(c->in[0], at) + em) + fabs(x - mean) * reference_error(rstd, i) + 4 * u * fabs(s.xhat);
    return s;
}

static void norm_slope(const call *c)
{
    const int64_t n = c->out->shape.dim[2];
    const ref_value *rstd = c->in[c->p[0] ? 4 : 2];
    const double u = reference_unit(c->out->dtype);
    for (int64_t i = 0; i < c->out->shape.dim[1]; i++) {
        const double r = rstd->f[i], some = u * (4 + sqrt((double) n)) / (double) n;
        double sum = 0, dot = 0, es = 0, ed = 0;
        for (int64_t k = 0; k < n; k++) {
            const slope_at s = slope_of(c, i, k);
            sum += c->p[0] ? s.h / (double) n : 0;
            dot += s.h * s.xhat / (double) n;
            es += s.eh / (double) n + fabs(s.h) * some;
            ed += (s.eh * fabs(s.xhat) + fabs(s.h) * s.ex) / (double) n + fabs(s.h * s.xhat) * some;
        }
        for (int64_t k = 0; k < n; k++) {
            const slope_at s = slope_of(c, i, k);
            const double y = s.h - sum - s.xhat * dot, parts = fabs(s.h) + fabs(sum) + fabs(s.xhat * dot);
            c->out->f[i * n + k] = r * y;
            if (c->out->e)
                c->out->e[i * n + k] = r * (s.eh + (c->p[0] ? es : 0) + fabs(s.xhat) * ed + s.ex * fabs(dot) + 4 * u * parts) +
                                       reference_error(rstd, i) * fabs(y) + reference_tiny(c->out->dtype);
        }
    }
}

static void moment_errors(const call *c)
{
    const clg_shape *s = &c->in[0]->shape;
    const double u = reference_unit(c->out->dtype);
    for (int64_t g = 0; g < s->dim[1]; g++) {
        ref_value *out = c->out;
        double e = 0, mean = 0;
        for (int64_t k = 0; k < s->dim[0] * s->dim[2]; k++)
            e = fmax(e, reference_error(c->in[0], (k / s->dim[2] * s->dim[1] + g) * s->dim[2] + k % s->dim[2]));
        if (c->p[1]) {
            mean = fabs(out[0].f[g]);
            out[0].e[g] = e + 2 * u * (mean + sqrt(out[2].f[g]));
            out[1].e[g] = 2 * u * (mean + sqrt(out[2].f[g]));
            out += 2;
        }
        const double v = out[0].f[g], r = out[1].f[g];
        out[0].e[g] = 2 * sqrt(v) * e + e * e + u * 8 * v + u * u * mean * mean + reference_tiny(c->out->dtype);
        out[1].e[g] = r * fmin(r * r * out[0].e[g] + 4 * u, 1);
    }
}

bool reference_norm(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const bool stats = strcmp(name, "norm_stats") == 0;
    if (!stats && strcmp(name, "norm_slope") != 0)
        return false;
    const call c = { p, in, out };
    if (p && stats) {
        norm_stats(&c);
        if (out->e)
            moment_errors(&c);
    } else if (p) {
        norm_slope(&c);
    }
    return true;
}
