// SPDX-License-Identifier: MIT
// Kernel ops, each as its formula says, summed in double. Their numbers come from what identifies them:
// the bytes of the op's key.
#include "reference.h"

#include "base/alloc.h"

#include <check.h>
#include <math.h>
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
    const int64_t m = a->shape.dim[1], k = a->shape.dim[2], n = b->shape.dim[2];
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t col = at % n, row = at / n % m, batch = at / n / m;
        double sum = 0;
        for (int64_t i = 0; i < k; i++)
            sum += a->f[(batch * m + row) * k + i] * b->f[(batch * k + i) * n + col];
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

static const struct {
    const char *name;
    void (*run)(const call *c);
} kernels[] = {
#define KERNEL(id) { #id, id }
    KERNEL(matmul), KERNEL(conv2d), KERNEL(conv2d_dx), KERNEL(conv2d_dw), KERNEL(max_pool2d),
    KERNEL(max_pool_scatter), KERNEL(max_pool_gather), KERNEL(avg_pool2d), KERNEL(avg_pool_back),
    KERNEL(softmax), KERNEL(log_softmax), KERNEL(index_select), KERNEL(index_add),
#undef KERNEL
};

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
            return;
        }
    }
    ck_abort_msg("reference: no kernel op '%s': add it to reference_kernels.c", n->op->name);
}
