// SPDX-License-Identifier: MIT
// ctc_loss and its gradient, in double, by the plain recurrences.
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLANK, ROW, TOTAL };

typedef struct line {
    int64_t states, steps, first;
    const int64_t *label;
    const ref_value *x;
    int64_t n, blank;
} line;

static line line_of(const int64_t *p, const ref_value *const *in, int64_t n)
{
    line l = { .first = p[ROW] < 0 ? 0 : n * p[ROW], .x = in[0], .n = n, .blank = p[BLANK] };
    for (int64_t k = 0; p[ROW] < 0 && k < n; k++)
        l.first += in[3]->i[k] > 0 ? in[3]->i[k] : 0;
    l.first = l.first < p[TOTAL] ? l.first : p[TOTAL];
    const int64_t most = p[ROW] < 0 ? p[TOTAL] - l.first : p[ROW], length = in[3]->i[n], t = in[2]->i[n];
    l.states = 2 * (length < 0 ? 0 : length < most ? length : most) + 1;
    l.steps = t < 0 ? 0 : t < in[0]->shape.dim[0] ? t : in[0]->shape.dim[0];
    l.label = in[1]->i + l.first;
    return l;
}

static int64_t class_of(const line *l, int64_t s)
{
    return s % 2 ? l->label[s / 2] : l->blank;
}

static double at(const line *l, int64_t t, int64_t c)
{
    const clg_shape *s = &l->x->shape;
    return c < 0 || c >= s->dim[2] ? -INFINITY : l->x->f[(t * s->dim[1] + l->n) * s->dim[2] + c];
}

static double log_sum(double a, double b)
{
    const double m = a > b ? a : b;
    return m == -INFINITY ? m : m + log(exp(a - m) + exp(b - m));
}

// Logarithms of all ways to a state (or from it), the state's own part included. way: 1 or -1
static double *ways(const line *l, int way)
{
    double *a = malloc((size_t) (l->steps * l->states + 1) * sizeof *a);
    for (int64_t k = 0; k < l->steps; k++) {
        const int64_t t = way > 0 ? k : l->steps - 1 - k;
        for (int64_t j = 0; j < l->states; j++) {
            const int64_t s = way > 0 ? j : l->states - 1 - j;
            double v = k == 0 ? (j < 2 ? 0 : -INFINITY) : a[(t - way) * l->states + s];
            if (k > 0 && j > 0)
                v = log_sum(v, a[(t - way) * l->states + s - way]);
            if (k > 0 && j > 1 && s % 2 && class_of(l, s) != class_of(l, s - 2 * way))
                v = log_sum(v, a[(t - way) * l->states + s - 2 * way]);
            a[t * l->states + s] = v + at(l, t, class_of(l, s));
        }
    }
    return a;
}

static double loss_of(const line *l, const double *a)
{
    if (l->steps == 0)
        return l->states == 1 ? 0 : INFINITY;
    const double *last = a + l->steps * l->states - 1;
    return -log_sum(last[0], l->states > 1 ? last[-1] : -INFINITY);
}

// How far rounding and the errors of x may take a sum over a row's steps.
static double step_errors(const line *l, double u)
{
    double size = 0, e = 0;
    for (int64_t t = 0; t < l->steps; t++) {
        double largest = 0, most = 0;
        for (int64_t c = 0; c < l->x->shape.dim[2]; c++) {
            const double v = at(l, t, c);
            largest = isfinite(v) && fabs(v) > largest ? fabs(v) : largest;
            most = fmax(most, reference_error(l->x, (t * l->x->shape.dim[1] + l->n) * l->x->shape.dim[2] + c));
        }
        size += 16 + 2 * largest;
        e += most;
    }
    return e + u * size;
}

static void forward(const int64_t *p, const ref_value *const *in, ref_value *out)
{
    for (int64_t n = 0; n < out->n; n++) {
        const line l = line_of(p, in, n);
        double *a = ways(&l, 1);
        out->f[n] = loss_of(&l, a);
        if (out->e)
            out->e[n] = isfinite(out->f[n]) ? step_errors(&l, reference_unit(out->dtype)) + 2 * reference_unit(out->dtype) * fabs(out->f[n]) : 0;
        free(a);
    }
}

static void backward(const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const clg_shape *s = &out->shape;
    for (int64_t n = 0; n < s->dim[1]; n++) {
        const line l = line_of(p, in, n);
        double *a = ways(&l, 1), *b = ways(&l, -1), *share = malloc((size_t) (s->dim[2] + 1) * sizeof *share);
        const double loss = loss_of(&l, a), g = in[6]->f[n], far = expm1(4 * step_errors(&l, reference_unit(out->dtype)));
        for (int64_t t = 0; t < l.steps; t++) {
            memset(share, 0, (size_t) s->dim[2] * sizeof *share);
            for (int64_t k = 0; k < l.states; k++) {
                const int64_t c = class_of(&l, k);
                if (c >= 0 && c < s->dim[2] && at(&l, t, c) != -INFINITY)
                    share[c] += exp(a[t * l.states + k] + b[t * l.states + k] - at(&l, t, c) + loss);
            }
            for (int64_t c = 0; c < s->dim[2]; c++) {
                const int64_t to = (t * s->dim[1] + n) * s->dim[2] + c;
                const double own = exp(at(&l, t, c)), v = own - share[c];
                out->f[to] = loss < INFINITY ? v * g : g == 0 ? 0 : NAN;
                if (out->e)
                    out->e[to] = fabs(g) * far * (own + share[c]) + reference_error(in[6], n) * fabs(v) +
                                 4 * reference_unit(out->dtype) * fabs(g) * (own + share[c]) + reference_tiny(out->dtype);
            }
        }
        free(a);
        free(b);
        free(share);
    }
}

bool reference_ctc(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const bool back = strcmp(name, "ctc_back") == 0;
    if (!back && strcmp(name, "ctc") != 0)
        return false;
    if (out && back)
        backward(p, in, out);
    else if (out)
        forward(p, in, out);
    return true;
}
