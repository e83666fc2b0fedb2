// SPDX-License-Identifier: MIT
// Kernel ops, each as its formula says, summed in double. Their numbers come from what identifies them:
// the bytes of the op's key.
#include "reference.h"

#include "base/alloc.h"

#include "checks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBERS = 40 };

typedef struct call {
    int64_t p[MAX_NUMBERS];
    const ref_value *const *in;
    ref_value *out;
} call;

// Dimension d of three of the batch of a matrix, whose rank may be less.
static int64_t batch_dim(const clg_shape *s, int d)
{
    const int at = s->rank - 5 + d;
    return at < 0 ? 1 : s->dim[at];
}

// Where the matrix of batch `index` starts; one that a dimension repeats is there once.
static int64_t matrix_at(const clg_shape *s, const int64_t index[3])
{
    int64_t at = 0;
    for (int d = 0; d < 3; d++)
        at = at * batch_dim(s, d) + (batch_dim(s, d) == 1 ? 0 : index[d]);
    return at * s->dim[s->rank - 2] * s->dim[s->rank - 1];
}

// Dimensions of the batch that the result has not are summed over.
static void matmul(const call *c)
{
    const ref_value *a = c->in[0], *b = c->in[1];
    const int last = a->shape.rank - 1;
    const int64_t m = a->shape.dim[last - 1], k = a->shape.dim[last], n = b->shape.dim[b->shape.rank - 1];
    int64_t all[3], own[3], sums = 1;
    for (int d = 0; d < 3; d++) {
        all[d] = batch_dim(&a->shape, d) == 1 ? batch_dim(&b->shape, d) : batch_dim(&a->shape, d);
        own[d] = batch_dim(&c->out->shape, d);
        sums *= own[d] == all[d] ? 1 : all[d];
    }
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t col = at % n, row = at / n % m;
        double sum = 0;
        int64_t whole = 0;
        for (int64_t g = 0; g < sums; g++) {
            int64_t index[3], rest = at / n / m, more = g;
            for (int d = 2; d >= 0; d--) {
                const bool is_own = own[d] == all[d];
                index[d] = is_own ? rest % own[d] : more % all[d];
                rest /= own[d];
                more /= is_own ? 1 : all[d];
            }
            const int64_t x = matrix_at(&a->shape, index) + row * k, y = matrix_at(&b->shape, index) + col;
            for (int64_t i = 0; i < k; i++) {
                if (a->f)
                    sum += a->f[x + i] * b->f[y + i * n];
                else
                    whole += a->i[x + i] * b->i[y + i * n];
            }
        }
        if (a->f)
            c->out->f[at] = sum;
        else
            c->out->i[at] = reference_wrap(c->out->dtype, whole);
    }
}

// ---- windows, their numbers in the order of clg__window_key

enum { N, C, O, GROUPS, IN = 4, OUT = 7, K = 10, STRIDE = 13, LO = 16, HI = 19, DILATION = 22, NEXT = 25 };

static int64_t volume(const int64_t *p, int what)
{
    return p[what] * p[what + 1] * p[what + 2];
}

// The place of tap k of the window at result `at`, within an image; -1 where that is padding. Both count
// within one image and one window.
static int64_t place(const int64_t *p, int64_t at, int64_t k)
{
    int64_t to = 0, step = 1;
    for (int d = 2; d >= 0; d--) {
        const int64_t a = at % p[OUT + d] * p[STRIDE + d] - p[LO + d] + k % p[K + d] * p[DILATION + d];
        if (a < 0 || a >= p[IN + d])
            return -1;
        to += a * step;
        step *= p[IN + d];
        at /= p[OUT + d];
        k /= p[K + d];
    }
    return to;
}

// y, dx and dw are one loop that adds to a different tensor. what: which of them is the result
static void conv(const call *c, int what)
{
    const int64_t *p = c->p, cg = p[C] / p[GROUPS], og = p[O] / p[GROUPS];
    const int64_t pixels = volume(p, OUT), plane = volume(p, IN), window = volume(p, K);
    const ref_value *a = c->in[0], *b = c->in[1];
    if (c->out->f)
        memset(c->out->f, 0, (size_t) c->out->n * sizeof(double));
    else
        memset(c->out->i, 0, (size_t) c->out->n * sizeof(int64_t));
    for (int64_t at = 0; at < p[N] * p[O] * pixels; at++) {
        const int64_t o = at / pixels % p[O], n = at / pixels / p[O];
        for (int64_t k = 0; k < cg * window; k++) {
            const int64_t from = place(p, at % pixels, k % window);
            const int64_t xi = (n * p[C] + o / og * cg + k / window) * plane + from, wi = o * cg * window + k;
            const int64_t to = what == 0 ? at : what == 1 ? xi : wi;
            const int64_t i = what == 0 ? xi : at, j = what == 2 ? xi : wi;
            if (from >= 0 && c->out->f)
                c->out->f[to] += a->f[i] * b->f[j];
            else if (from >= 0)
                c->out->i[to] = reference_wrap(c->out->dtype, c->out->i[to] + a->i[i] * b->i[j]);
        }
    }
}

static void conv_y(const call *c)
{
    conv(c, 0);
}

static void conv_dx(const call *c)
{
    conv(c, 1);
}

static void conv_dw(const call *c)
{
    conv(c, 2);
}

// ---- pooling

enum { ADAPTIVE = NEXT, EXCLUDE, DIVISOR };

// The windows of an adaptive pooling: where one begins and ends in dimension d.
static void span(const int64_t *p, int d, int64_t i, int64_t *from, int64_t *to)
{
    *from = i * p[IN + d] / p[OUT + d];
    *to = ((i + 1) * p[IN + d] + p[OUT + d] - 1) / p[OUT + d];
}

// Calls f for every place of the window at result `at` of its plane, in order; how many there are.
static int64_t each_place(const call *c, int64_t at, void (*f)(const call *c, int64_t at, int64_t place, int64_t n),
                          int64_t n)
{
    const int64_t *p = c->p, pixels = volume(p, OUT), plane = volume(p, IN);
    int64_t count = 0, i = at % pixels, span_from[3], span_to[3];
    if (!p[ADAPTIVE]) {
        for (int64_t k = 0; k < volume(p, K); k++) {
            const int64_t from = place(p, i, k);
            if (from >= 0 && f)
                f(c, at, at / pixels * plane + from, n);
            count += from >= 0;
        }
        return count;
    }
    for (int d = 2; d >= 0; d--, i /= p[OUT + d + 1])
        span(p, d, i % p[OUT + d], &span_from[d], &span_to[d]);
    for (int64_t q = span_from[0]; q < span_to[0]; q++)
        for (int64_t r = span_from[1]; r < span_to[1]; r++)
            for (int64_t s = span_from[2]; s < span_to[2]; s++, count++)
                if (f)
                    f(c, at, at / pixels * plane + (q * p[IN + 1] + r) * p[IN + 2] + s, n);
    return count;
}

static void larger(const call *c, int64_t at, int64_t from, int64_t n)
{
    const double v = reference_item(c->in[0], from);
    (void) n;
    if (c->out[1].i[at] < 0 || v > reference_item(&c->out[0], at) || isnan(v)) {
        reference_put(&c->out[0], at, v);
        c->out[1].i[at] = from % volume(c->p, IN);
    }
}

static void max_pool(const call *c)
{
    for (int64_t at = 0; at < c->out[0].n; at++) {
        reference_put(&c->out[0], at, c->out[0].f ? -INFINITY : 0);
        c->out[1].i[at] = -1;
        each_place(c, at, larger, 0);
    }
}

static void max_pool_scatter(const call *c)
{
    const int64_t *p = c->p;
    memset(c->out->f, 0, (size_t) c->out->n * sizeof(double));
    for (int64_t at = 0; at < c->in[0]->n; at++) {
        if (c->in[1]->i[at] >= 0)
            c->out->f[at / volume(p, OUT) * volume(p, IN) + c->in[1]->i[at]] += c->in[0]->f[at];
    }
}

static void max_pool_gather(const call *c)
{
    const int64_t *p = c->p;
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t k = c->in[1]->i[at];
        c->out->f[at] = k < 0 ? 0 : c->in[0]->f[at / volume(p, OUT) * volume(p, IN) + k];
    }
}

// What the sum of a window is divided by.
static int64_t divisor(const call *c, int64_t at)
{
    const int64_t *p = c->p;
    int64_t count = 1, i = at % volume(p, OUT);
    if (p[DIVISOR])
        return p[DIVISOR];
    if (p[EXCLUDE] || p[ADAPTIVE])
        return each_place(c, at, NULL, 0);
    for (int d = 2; d >= 0; d--, i /= p[OUT + d + 1]) { // padding counts, what hangs over its end does not
        const int64_t from = i % p[OUT + d] * p[STRIDE + d] - p[LO + d], end = p[IN + d] + p[HI + d];
        count *= (from + p[K + d] < end ? from + p[K + d] : end) - from;
    }
    return count;
}

static void add_forward(const call *c, int64_t at, int64_t from, int64_t n)
{
    if (c->out->f)
        c->out->f[at] += c->in[0]->f[from] / (double) n;
    else
        c->out->i[at] += c->in[0]->i[from];
}

static void add_back(const call *c, int64_t at, int64_t from, int64_t n)
{
    c->out->f[from] += c->in[0]->f[at] / (double) n;
}

static void avg_pool(const call *c)
{
    for (int64_t at = 0; at < c->out->n; at++) {
        reference_put(c->out, at, 0);
        each_place(c, at, add_forward, divisor(c, at));
        if (!c->out->f)
            c->out->i[at] /= divisor(c, at);
    }
}

static void avg_pool_back(const call *c)
{
    memset(c->out->f, 0, (size_t) c->out->n * sizeof(double));
    for (int64_t at = 0; at < c->in[0]->n; at++)
        each_place(c, at, add_back, divisor(c, at));
}

// ---- unfold, fold and unpooling

// back: columns are added up
static void fold_columns(const call *c, bool back)
{
    const int64_t *p = c->p, window = volume(p, K), pixels = volume(p, OUT), plane = volume(p, IN);
    ref_value *columns = back ? (ref_value *) (uintptr_t) c->in[0] : c->out;
    for (int64_t i = 0; i < c->out->n; i++)
        reference_put(c->out, i, 0);
    for (int64_t at = 0; at < columns->n; at++) {
        const int64_t from = place(p, at % pixels, at / pixels % window);
        const int64_t image = at / pixels / window * plane + from;
        const int64_t to = back ? image : at, i = back ? at : image;
        if (from >= 0 && c->out->f)
            c->out->f[to] += c->in[0]->f[i];
        else if (from >= 0)
            c->out->i[to] = reference_wrap(c->out->dtype, c->out->i[to] + c->in[0]->i[i]);
    }
}

static void unfold(const call *c)
{
    fold_columns(c, false);
}

static void fold(const call *c)
{
    fold_columns(c, true);
}

enum { U_PLANES, U_IMAGE, U_POOLED };

static void unpool_owners(const call *c)
{
    const int64_t *p = c->p;
    for (int64_t at = 0; at < c->out[0].n; at++)
        c->out[0].i[at] = -1;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t at = 0; at < c->out[1].n; at++) {
            const int64_t k = c->in[0]->i[at], plane = at / p[U_POOLED] * p[U_IMAGE];
            const bool inside = k >= 0 && k < p[U_IMAGE];
            if (pass == 0 && inside)
                c->out[0].i[plane + k] = at % p[U_POOLED];
            else if (pass == 1)
                c->out[1].i[at] = inside && c->out[0].i[plane + k] == at % p[U_POOLED] ? k : -1;
        }
    }
}

static void pick(const call *c)
{
    const int64_t n = c->in[0]->shape.dim[1], m = c->out->shape.dim[1];
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t k = c->in[1]->i[at];
        if (c->out->f)
            c->out->f[at] = k < 0 ? 0 : c->in[0]->f[at / m * n + k];
        else
            c->out->i[at] = k < 0 ? 0 : c->in[0]->i[at / m * n + k];
    }
}

// ---- rows

// The axis is 1, of [rows, n] or of [outer, n, inner]: how far apart a row's elements are, and where row r begins.
static int64_t row_step(const call *c)
{
    return c->out->shape.rank > 2 ? c->out->shape.dim[2] : 1;
}

static int64_t row_start(const call *c, int64_t r)
{
    const int64_t step = row_step(c);
    return r / step * c->out->shape.dim[1] * step + r % step;
}

static void rows(const call *c, bool logarithm)
{
    const int64_t n = c->out->shape.dim[1], step = row_step(c);
    for (int64_t r = 0; r < c->out->shape.dim[0] * step; r++) {
        const double *x = c->in[0]->f + row_start(c, r);
        double *y = c->out->f + row_start(c, r), top = -INFINITY, sum = 0;
        for (int64_t i = 0; i < n; i++)
            top = x[i * step] > top || isnan(x[i * step]) ? x[i * step] : top;
        for (int64_t i = 0; i < n; i++)
            sum += exp(x[i * step] - top);
        for (int64_t i = 0; i < n; i++)
            y[i * step] = logarithm ? x[i * step] - top - log(sum) : exp(x[i * step] - top) / sum;
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

// Element 0 of row r of the logits, whose steps are *step.
static int64_t logits_at(const call *c, int64_t r, int64_t *step)
{
    const clg_shape *s = &c->in[0]->shape;
    *step = s->rank > 2 ? s->dim[2] : 1;
    return r / *step * s->dim[1] * *step + r % *step;
}

// Of each row the maximum, the logarithm of the sum of exponentials, the label's element.
static void softmax_stats(const call *c)
{
    const int64_t n = c->in[0]->shape.dim[1];
    for (int64_t r = 0; r < c->out->n; r++) {
        int64_t step;
        const double *x = c->in[0]->f + logits_at(c, r, &step);
        const int64_t label = c->in[1]->i[r];
        double top = -INFINITY, sum = 0;
        for (int64_t i = 0; i < n; i++)
            top = x[i * step] > top ? x[i * step] : top;
        for (int64_t i = 0; i < n; i++)
            sum += exp(x[i * step] - (top == -INFINITY ? 0 : top));
        c->out[0].f[r] = top;
        c->out[1].f[r] = log(sum);
        c->out[2].f[r] = label >= 0 && label < n ? x[label * step] - top : 0;
    }
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
    for (int64_t at = 0; at < c->out->n; at++) {
        if (c->out->f)
            c->out->f[at] = 0;
        else
            c->out->i[at] = 0;
    }
    for (int64_t at = 0; at < c->in[0]->n; at++) {
        const int64_t k = c->in[1]->i[at / p[G_INNER] % p[G_N]];
        const int64_t to = (at / p[G_INNER] / p[G_N] * p[G_AXIS] + k) * p[G_INNER] + at % p[G_INNER];
        if (k < 0 || k >= p[G_AXIS])
            continue;
        if (c->out->f)
            c->out->f[to] += c->in[0]->f[at];
        else
            c->out->i[to] = reference_wrap(c->out->dtype, c->out->i[to] + c->in[0]->i[at]);
    }
}

// By the keys of src/ops/scatter.c.
enum { S_OUTER, S_AXIS, S_N, S_INNER, S_KIND, S_SELF };
enum { SET, ADD, MUL, MAX, MIN };

// Where element `at` of [outer][n][inner] is in [outer][axis][inner], -1: nowhere.
static int64_t scatter_place(const call *c, int64_t at)
{
    const int64_t *p = c->p, k = c->in[1]->i[at];
    return k < 0 || k >= p[S_AXIS] ? -1 : (at / p[S_INNER] / p[S_N] * p[S_AXIS] + k) * p[S_INNER] + at % p[S_INNER];
}

static void gather(const call *c)
{
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t from = scatter_place(c, at);
        if (c->out->f)
            c->out->f[at] = from >= 0 ? c->in[0]->f[from] : c->p[S_KIND] ? 0 : NAN;
        else
            c->out->i[at] = from >= 0 ? c->in[0]->i[from] : 0;
    }
}

static void scatter(const call *c)
{
    const int64_t kind = c->p[S_KIND];
    for (int64_t at = 0; at < c->out->n; at++)
        reference_put(c->out, at, 0);
    for (int64_t at = 0; c->p[S_SELF] && at < c->out->n; at++) {
        if (c->out->f)
            c->out->f[at] = c->in[2]->f[at];
        else
            c->out->i[at] = c->in[2]->i[at];
    }
    for (int64_t at = 0; at < c->in[0]->n; at++) {
        const int64_t to = scatter_place(c, at);
        if (to < 0)
            continue;
        if (c->out->f) {
            const double v = c->in[0]->f[at], old = c->out->f[to];
            c->out->f[to] = kind == ADD ? old + v : kind == MUL ? old * v : kind == SET ? v
                            : isnan(v) || (kind == MAX ? v > old : v < old) ? v : old;
        } else {
            const int64_t v = c->in[0]->i[at], old = c->out->i[to];
            c->out->i[to] = reference_wrap(c->out->dtype, kind == ADD ? old + v : kind == MUL ? old * v : kind == SET ? v
                                                          : (kind == MAX ? v > old : v < old) ? v : old);
        }
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
    LOG_ROW,
    STATS,
    SCATTERED // of gather and scatter: what arrives, added or multiplied
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

// The bound of the chosen one, and of its place: none when the choice is unsure.
static void choice_errors(const call *c)
{
    double e = 0;
    for (int64_t k = 0; k < c->in[0]->n; k++)
        e = fmax(e, reference_error(c->in[0], k));
    for (int64_t k = 0; k < c->out[0].n; k++)
        c->out[0].e[k] = e;
    for (int64_t k = 0; k < c->out[1].n; k++)
        c->out[1].e[k] = e > 0 ? INFINITY : 0;
}

static void row_errors(const call *c, bool logarithm)
{
    const int64_t n = c->out->shape.dim[1], step = row_step(c);
    const double u = reference_unit(c->out->dtype);
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t start = row_start(c, at / (n * step) * step + at % step);
        const double y = c->out->f[at];
        double range = 0, e = 0; // of the exponents, whose rounding is theirs
        for (int64_t i = 0; i < n; i++) {
            range = fmax(range, fabs(c->in[0]->f[start + i * step] - c->in[0]->f[at]));
            e = fmax(e, reference_error(c->in[0], start + i * step));
        }
        if (logarithm)
            c->out->e[at] = 2 * e + u * (2 * fabs(y) + range + 20) + reference_tiny(c->out->dtype);
        else
            c->out->e[at] = fabs(y) * (expm1(2 * e) + u * (2 * range + 24)) + reference_tiny(c->out->dtype);
    }
}

static void stats_errors(const call *c)
{
    const double u = reference_unit(c->out->dtype);
    for (int64_t r = 0; r < c->out->n; r++) {
        int64_t step;
        const int64_t start = logits_at(c, r, &step);
        double range = 0, e = 0;
        for (int64_t i = 0; i < c->in[0]->shape.dim[1]; i++) {
            range = fmax(range, fabs(c->in[0]->f[start + i * step] - c->out[0].f[r]));
            e = fmax(e, reference_error(c->in[0], start + i * step));
        }
        c->out[0].e[r] = e;
        c->out[1].e[r] = 2 * e + u * (2 * fabs(c->out[1].f[r]) + range + 20);
        c->out[2].e[r] = 2 * e + u * 2 * fabs(c->out[2].f[r]);
    }
}

// What was there and all that came, by their sizes; a product's relative errors add up.
static void scatter_errors(const call *c, bool is_gather)
{
    const double u = reference_unit(c->out->dtype);
    const int64_t kind = is_gather ? SET : c->p[S_KIND];
    for (int64_t at = 0; at < c->out->n; at++) {
        const int64_t from = is_gather ? scatter_place(c, at) : -1;
        c->out->e[at] = from >= 0 ? reference_error(c->in[0], from)
                        : c->p[S_SELF] && !is_gather ? reference_error(c->in[2], at) : 0;
    }
    double *size = calloc((size_t) c->out->n + 1, sizeof *size);
    for (int64_t at = 0; at < c->out->n && c->p[S_SELF] && !is_gather; at++)
        size[at] = fabs(c->in[2]->f[at]);
    for (int64_t at = 0; at < c->in[0]->n && !is_gather; at++) {
        const int64_t to = scatter_place(c, at);
        if (to < 0)
            continue;
        const double v = fabs(c->in[0]->f[at]), e = reference_error(c->in[0], at);
        double *sum = &c->out->e[to];
        if (kind == MUL)
            *sum = *sum * (v + e) + size[to] * e + u * size[to] * v, size[to] *= v;
        else if (kind == ADD)
            size[to] += v, *sum += e + u * size[to];
        else
            *sum = kind == SET ? e : *sum + e;
    }
    free(size);
}

static void count(const call *c)
{
    memset(c->out->i, 0, (size_t) c->out->n * sizeof *c->out->i);
    for (int64_t k = 0; k < c->in[0]->n; k++) {
        const int64_t at = c->in[0]->i[k];
        if (at >= 0 && at < c->out->n)
            c->out->i[at]++;
    }
}

static const struct {
    const char *name;
    void (*run)(const call *c);
    growth error;
} kernels[] = {
#define KERNEL(id, error) { #id, id, error }
    KERNEL(count, PLACES), KERNEL(matmul, PRODUCT), { "conv2d", conv_y, PRODUCT }, { "conv2d_dx", conv_dx, PRODUCT },
    { "conv2d_dw", conv_dw, PRODUCT }, { "conv3d", conv_y, PRODUCT }, { "conv3d_dx", conv_dx, PRODUCT },
    { "conv3d_dw", conv_dw, PRODUCT }, KERNEL(max_pool, CHOICE), KERNEL(max_pool_scatter, LINEAR),
    KERNEL(max_pool_gather, PLACES), KERNEL(avg_pool, LINEAR), KERNEL(avg_pool_back, LINEAR), KERNEL(softmax, ROW),
    KERNEL(unfold, PLACES), KERNEL(fold, LINEAR), KERNEL(unpool_owners, PLACES), KERNEL(pick, PLACES),
    KERNEL(log_softmax, LOG_ROW), KERNEL(softmax_stats, STATS), KERNEL(index_select, PLACES), KERNEL(index_add, LINEAR),
    KERNEL(gather, SCATTERED), KERNEL(scatter, SCATTERED),
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
    else if (error == STATS)
        stats_errors(c);
    else if (error == SCATTERED)
        scatter_errors(c, run == gather);
    else
        linear_errors(c, run, error == LINEAR ? 8 : 0);
}

bool reference_has_kernel(const char *name)
{
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++) {
        if (strcmp(kernels[k].name, name) == 0)
            return true;
    }
    return reference_order(name, NULL, NULL, NULL) || reference_norm(name, NULL, NULL, NULL) ||
           reference_ctc(name, NULL, NULL, NULL) || reference_taps(name, NULL, NULL, NULL) ||
           reference_factor(name, NULL, NULL, NULL) || reference_separable(name, NULL, NULL, NULL) ||
           reference_poisson(name, NULL, NULL) || reference_pairs(name, NULL, NULL, NULL) || reference_bags(name, NULL, NULL, NULL) || reference_attention(name, NULL, NULL, NULL);
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
    if (reference_order(n->op->name, c.p, in, out) || reference_norm(n->op->name, c.p, in, out) ||
        reference_ctc(n->op->name, c.p, in, out) || reference_taps(n->op->name, c.p, in, out) ||
        reference_factor(n->op->name, c.p, in, out) || reference_separable(n->op->name, c.p, in, out) ||
        reference_poisson(n->op->name, in, out) || reference_pairs(n->op->name, c.p, in, out) ||
        reference_bags(n->op->name, c.p, in, out) || reference_attention(n->op->name, c.p, in, out))
        return;
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
