// SPDX-License-Identifier: MIT
// Kernel ops, each as its formula says, summed in double. Their numbers come from what identifies them:
// the bytes of the op's key.
#include "reference.h"

#include "base/alloc.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBERS = 20 };

typedef struct call {
    int64_t p[MAX_NUMBERS];
    const ref_value *const *in;
    ref_value *out;
} call;

static void matmul(const call *c)
{
    const ref_value *a = c->in[0], *b = c->in[1];
    const int last = a->shape.rank - 1;
    const int64_t m = a->shape.dim[last - 1], k = a->shape.dim[last], n = b->shape.dim[b->shape.rank - 1];
    const bool shared = b->shape.rank < a->shape.rank; // one matrix for the batch
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t col = at % n, row = at / n % m, batch = at / n / m, of_b = shared ? 0 : batch;
        double sum = 0;
        for (int64_t i = 0; i < k; i++)
            sum += a->f[(batch * m + row) * k + i] * b->f[(of_b * k + i) * n + col];
        c->out->f[at] = sum;
    }
}

// ---- convolution: y, dx and dw are one loop that adds to a different tensor

enum { N, C, H, W, O, OH, OW, KH, KW, GROUPS, SH, SW, PH, PW, DH, DW };

// what: which of y, dx, dw is the result; the other two are given
static void conv(const call *c, int what, const double *y, const double *x, const double *w)
{
    const int64_t *p = c->p;
    const int64_t cg = p[C] / p[GROUPS], og = p[O] / p[GROUPS];
    memset(c->out->f, 0, (size_t) c->out->n * sizeof(double));
    for (int64_t at = 0; at < p[N] * p[O] * p[OH] * p[OW]; at++) {
        const int64_t j = at % p[OW], i = at / p[OW] % p[OH], o = at / p[OW] / p[OH] % p[O],
                      n = at / p[OW] / p[OH] / p[O];
        for (int64_t k = 0; k < cg * p[KH] * p[KW]; k++) {
            const int64_t v = k % p[KW], u = k / p[KW] % p[KH], ch = k / p[KW] / p[KH];
            const int64_t a = i * p[SH] - p[PH] + u * p[DH], b = j * p[SW] - p[PW] + v * p[DW];
            if (a < 0 || b < 0 || a >= p[H] || b >= p[W])
                continue;
            const int64_t xi = ((n * p[C] + o / og * cg + ch) * p[H] + a) * p[W] + b;
            const int64_t wi = o * cg * p[KH] * p[KW] + k;
            if (what == 0)
                c->out->f[at] += x[xi] * w[wi];
            else if (what == 1)
                c->out->f[xi] += y[at] * w[wi];
            else
                c->out->f[wi] += y[at] * x[xi];
        }
    }
}

static void conv2d(const call *c)
{
    conv(c, 0, NULL, c->in[0]->f, c->in[1]->f);
}

static void conv2d_dx(const call *c)
{
    conv(c, 1, c->in[0]->f, NULL, c->in[1]->f);
}

static void conv2d_dw(const call *c)
{
    conv(c, 2, c->in[0]->f, c->in[1]->f, NULL);
}

// ---- pooling

enum { Q_PLANES, Q_H, Q_W, Q_OH, Q_OW, Q_KH, Q_KW, Q_SH, Q_SW, Q_PH, Q_PW, Q_DH, Q_DW, Q_EXCLUDE };

static void max_pool2d(const call *c)
{
    const int64_t *p = c->p, plane = p[Q_H] * p[Q_W];
    for (int64_t at = 0; at < c->out[0].n; at++) {
        const int64_t j = at % p[Q_OW], i = at / p[Q_OW] % p[Q_OH], from = at / p[Q_OW] / p[Q_OH] * plane;
        double best = -INFINITY;
        int64_t winner = -1;
        for (int64_t k = 0; k < p[Q_KH] * p[Q_KW]; k++) {
            const int64_t a = i * p[Q_SH] - p[Q_PH] + k / p[Q_KW] * p[Q_DH],
                          b = j * p[Q_SW] - p[Q_PW] + k % p[Q_KW] * p[Q_DW];
            if (a < 0 || b < 0 || a >= p[Q_H] || b >= p[Q_W])
                continue;
            const double v = c->in[0]->f[from + a * p[Q_W] + b];
            if (winner < 0 || v > best || isnan(v)) {
                best = v;
                winner = a * p[Q_W] + b;
            }
        }
        c->out[0].f[at] = best;
        c->out[1].i[at] = winner;
    }
}

static void max_pool_scatter(const call *c)
{
    const int64_t *p = c->p;
    memset(c->out->f, 0, (size_t) c->out->n * sizeof(double));
    for (int64_t at = 0; at < c->in[0]->n; at++) {
        const int64_t plane = at / p[Q_OW] / p[Q_OH];
        if (c->in[1]->i[at] >= 0)
            c->out->f[plane * p[Q_H] * p[Q_W] + c->in[1]->i[at]] += c->in[0]->f[at];
    }
}

static void max_pool_gather(const call *c)
{
    const int64_t *p = c->p;
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t plane = at / p[Q_OW] / p[Q_OH], k = c->in[1]->i[at];
        c->out->f[at] = c->in[0]->f[plane * p[Q_H] * p[Q_W] + (k < 0 ? 0 : k)];
    }
}

// Average of every window; back: the window's cotangent shared by its inputs.
static void avg(const call *c, bool back)
{
    const int64_t *p = c->p, plane = p[Q_H] * p[Q_W];
    const ref_value *x = c->in[0];
    memset(c->out->f, 0, (size_t) c->out->n * sizeof(double));
    for (int64_t at = 0; at < p[Q_PLANES] * p[Q_OH] * p[Q_OW]; at++) {
        const int64_t j = at % p[Q_OW], i = at / p[Q_OW] % p[Q_OH], from = at / p[Q_OW] / p[Q_OH] * plane;
        int64_t count = 0;
        for (int pass = 0; pass < 2; pass++) {
            for (int64_t k = 0; k < p[Q_KH] * p[Q_KW]; k++) {
                const int64_t a = i * p[Q_SH] - p[Q_PH] + k / p[Q_KW],
                              b = j * p[Q_SW] - p[Q_PW] + k % p[Q_KW];
                const bool inside = a >= 0 && b >= 0 && a < p[Q_H] && b < p[Q_W];
                const bool counts = p[Q_EXCLUDE] ? inside
                                                 : a < p[Q_H] + p[Q_PH] && b < p[Q_W] + p[Q_PW];
                if (pass == 0)
                    count += counts;
                else if (inside && back)
                    c->out->f[from + a * p[Q_W] + b] += x->f[at] / (double) count;
                else if (inside)
                    c->out->f[at] += x->f[from + a * p[Q_W] + b] / (double) count;
            }
        }
    }
}

static void avg_pool2d(const call *c)
{
    avg(c, false);
}

static void avg_pool_back(const call *c)
{
    avg(c, true);
}

// ---- rows

static void rows(const call *c, bool logarithm)
{
    const int64_t n = c->out->shape.dim[1];
    for (int64_t row = 0; row < c->out->shape.dim[0]; row++) {
        const double *x = c->in[0]->f + row * n;
        double *y = c->out->f + row * n, top = -INFINITY, sum = 0;
        for (int64_t i = 0; i < n; i++)
            top = x[i] > top || isnan(x[i]) ? x[i] : top;
        for (int64_t i = 0; i < n; i++)
            sum += exp(x[i] - top);
        for (int64_t i = 0; i < n; i++)
            y[i] = logarithm ? x[i] - top - log(sum) : exp(x[i] - top) / sum;
    }
}

static void softmax(const call *c)
{
    rows(c, false);
}

static void log_softmax(const call *c)
{
    rows(c, true);
}

// ---- gather

enum { G_OUTER, G_AXIS, G_N, G_INNER };

static void index_select(const call *c)
{
    const int64_t *p = c->p;
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t k = c->in[1]->i[at / p[G_INNER] % p[G_N]];
        const bool inside = k >= 0 && k < p[G_AXIS];
        const int64_t from = (at / p[G_INNER] / p[G_N] * p[G_AXIS] + k) * p[G_INNER] + at % p[G_INNER];
        if (c->out->f)
            c->out->f[at] = inside ? c->in[0]->f[from] : NAN;
        else
            c->out->i[at] = inside ? c->in[0]->i[from] : 0;
    }
}

static void index_add(const call *c)
{
    const int64_t *p = c->p;
    memset(c->out->f, 0, (size_t) c->out->n * sizeof(double));
    for (int64_t at = 0; at < c->in[0]->n; at++) {
        const int64_t k = c->in[1]->i[at / p[G_INNER] % p[G_N]];
        if (k >= 0 && k < p[G_AXIS])
            c->out->f[(at / p[G_INNER] / p[G_N] * p[G_AXIS] + k) * p[G_INNER] + at % p[G_INNER]] +=
                c->in[0]->f[at];
    }
}

// ---- bounds of the error

// How a kernel op's error follows from its inputs'.
typedef enum growth {
    PLACES,  // elements of the first input, moved
    LINEAR,  // sums of the first input's elements with fixed weights
    PRODUCT, // sums of products of the first two inputs' elements
    CHOICE,  // one of several elements of the first input
    ROW,     // exponentials of a row by its sum
    LOG_ROW
} growth;

// The same op on other numbers in the first two inputs, NULL: those of the call.
static ref_value again(const call *c, void (*run)(const call *), const double *a, const double *b)
{
    ref_value x[2] = { *c->in[0], c->in[1] ? *c->in[1] : *c->in[0] };
    const ref_value *in[REF_INPUTS] = { &x[0], &x[1] };
    ref_value out[CLG__MAX_OUTPUTS] = { { 0 } };
    call d = *c;
    if (a)
        x[0].f = (double *) (uintptr_t) a;
    if (b)
        x[1].f = (double *) (uintptr_t) b;
    out[0] = reference_new(c->out->dtype, &c->out->shape);
    d.in = in;
    d.out = out;
    run(&d);
    return out[0];
}

static double *sizes(const ref_value *v)
{
    double *a = calloc((size_t) v->n + 1, sizeof *a);
    for (int64_t k = 0; k < v->n; k++)
        a[k] = fabs(v->f[k]);
    return a;
}

static double *errors(const ref_value *v)
{
    double *e = calloc((size_t) v->n + 1, sizeof *e);
    for (int64_t k = 0; k < v->n; k++)
        e[k] = reference_error(v, k);
    return e;
}

static double *ones(const ref_value *v)
{
    double *a = calloc((size_t) v->n + 1, sizeof *a);
    for (int64_t k = 0; k < v->n; k++)
        a[k] = 1;
    return a;
}

// Adds what the op makes of two lists of numbers to the bounds, times a factor.
static void add_errors(const call *c, void (*run)(const call *), const double *a, const double *b,
                       double factor)
{
    ref_value v = again(c, run, a, b);
    for (int64_t k = 0; k < v.n; k++)
        c->out->e[k] += factor * fabs(v.f[k]);
    reference_drop(&v);
}

// The sum of |a||b| by the rounding of n terms: in order it grows like n at worst and like its root as
// a rule; a few times that is far from the size of a wrong term.
static void product_errors(const call *c, void (*run)(const call *))
{
    double *a = sizes(c->in[0]), *b = sizes(c->in[1]), *ea = errors(c->in[0]), *eb = errors(c->in[1]);
    double *one[2] = { ones(c->in[0]), ones(c->in[1]) };
    const double u = reference_unit(c->out->dtype);
    ref_value terms = again(c, run, one[0], one[1]), all = again(c, run, a, b);
    add_errors(c, run, a, eb, 1);
    add_errors(c, run, ea, b, 1);
    for (int64_t k = 0; k < all.n; k++)
        c->out->e[k] += u * (2 + 2 * sqrt(terms.f[k])) * all.f[k] +
                        (terms.f[k] > 0 ? reference_tiny(c->out->dtype) : 0);
    reference_drop(&terms);
    reference_drop(&all);
    double *const arrays[] = { a, b, ea, eb, one[0], one[1] };
    for (int k = 0; k < 6; k++)
        free(arrays[k]);
}

static void linear_errors(const call *c, void (*run)(const call *), double roundings)
{
    double *a = sizes(c->in[0]), *e = errors(c->in[0]);
    add_errors(c, run, e, NULL, 1);
    if (roundings > 0)
        add_errors(c, run, a, NULL, roundings * reference_unit(c->out->dtype));
    free(a);
    free(e);
}

static double largest_error(const ref_value *v, int64_t from, int64_t n)
{
    double e = 0;
    for (int64_t k = 0; k < n; k++)
        e = fmax(e, reference_error(v, from + k));
    return e;
}

// The bound of the chosen one, and of its place: none when the choice is unsure.
static void choice_errors(const call *c)
{
    const double e = largest_error(c->in[0], 0, c->in[0]->n);
    for (int64_t k = 0; k < c->out[0].n; k++)
        c->out[0].e[k] = e;
    for (int64_t k = 0; k < c->out[1].n; k++)
        c->out[1].e[k] = e > 0 ? INFINITY : 0;
}

static void row_errors(const call *c, bool logarithm)
{
    const int64_t n = c->out->shape.dim[1];
    const double u = reference_unit(c->out->dtype);
    for (int64_t at = 0; at < c->out->n; at++) {
        const double y = c->out->f[at], e = largest_error(c->in[0], at / n * n, n);
        double range = 0; // of the exponents, whose rounding is theirs
        for (int64_t i = 0; i < n; i++)
            range = fmax(range, fabs(c->in[0]->f[at / n * n + i] - c->in[0]->f[at]));
        if (logarithm)
            c->out->e[at] = 2 * e + u * (2 * fabs(y) + range + 20) + reference_tiny(c->out->dtype);
        else
            c->out->e[at] = fabs(y) * (expm1(2 * e) + u * (2 * range + 24)) + reference_tiny(c->out->dtype);
    }
}

static const struct {
    const char *name;
    void (*run)(const call *c);
    growth error;
} kernels[] = {
#define KERNEL(id, error) { #id, id, error }
    KERNEL(matmul, PRODUCT), KERNEL(conv2d, PRODUCT), KERNEL(conv2d_dx, PRODUCT), KERNEL(conv2d_dw, PRODUCT),
    KERNEL(max_pool2d, CHOICE), KERNEL(max_pool_scatter, LINEAR), KERNEL(max_pool_gather, PLACES),
    KERNEL(avg_pool2d, LINEAR), KERNEL(avg_pool_back, LINEAR), KERNEL(softmax, ROW),
    KERNEL(log_softmax, LOG_ROW), KERNEL(index_select, PLACES), KERNEL(index_add, LINEAR),
#undef KERNEL
};

static void bound_errors(const call *c, void (*run)(const call *), growth error)
{
    if (!c->out->f) // integers
        return;
    if (error == PRODUCT)
        product_errors(c, run);
    else if (error == CHOICE)
        choice_errors(c);
    else if (error == ROW || error == LOG_ROW)
        row_errors(c, error == LOG_ROW);
    else
        linear_errors(c, run, error == LINEAR ? 8 : 0);
}

bool reference_has_kernel(const char *name)
{
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++) {
        if (strcmp(kernels[k].name, name) == 0)
            return true;
    }
    return false;
}

void reference_kernel(const clg__node *n, const ref_value *const *in, ref_value *out)
{
    call c = { .in = in, .out = out };
    clg__key key = { 0 };
    if (n->op->key)
        n->op->key(n->params, &key);
    ck_assert_msg(key.bytes.length <= sizeof c.p, "reference: %s has too many numbers", n->op->name);
    if (key.bytes.length)
        memcpy(c.p, key.bytes.text, key.bytes.length);
    clg__str_free(&key.bytes);
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++) {
        if (strcmp(kernels[k].name, n->op->name) == 0) {
            kernels[k].run(&c);
            if (out->e)
                bound_errors(&c, kernels[k].run, kernels[k].error);
            return;
        }
    }
    ck_abort_msg("reference: no kernel op '%s': add it to reference_kernels.c", n->op->name);
}
