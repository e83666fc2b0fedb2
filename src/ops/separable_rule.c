// SPDX-License-Identifier: MIT
// The matrices of rules: which elements an element of the result is made of. Coordinates are computed as PyTorch does it,
// in float or double, whichever the device computes in.
#include "ops/separable.h"

#include "base/alloc.h"
#include "base/fp.h"

#include <math.h>
#include <string.h>

typedef struct entries {
    clg__sparse *m;
    int64_t capacity;
    bool failed;
} entries;

static void add(entries *e, int64_t column, double weight)
{
    clg__sparse *m = e->m;
    if (m->n == e->capacity && !e->failed) {
        const int64_t more = 2 * e->capacity + 64;
        int32_t *c = clg__malloc((size_t) more * sizeof *c);
        double *w = clg__malloc((size_t) more * sizeof *w);
        if (!c || !w) {
            clg__free(c);
            clg__free(w);
            e->failed = true;
            return;
        }
        if (m->n) {
            memcpy(c, m->column, (size_t) m->n * sizeof *c);
            memcpy(w, m->weight, (size_t) m->n * sizeof *w);
        }
        clg__free(m->column);
        clg__free(m->weight);
        m->column = c;
        m->weight = w;
        e->capacity = more;
    }
    if (e->failed)
        return;
    m->column[m->n] = (int32_t) column;
    m->weight[m->n++] = weight;
}

static int64_t within(int64_t v, int64_t n)
{
    return v < 0 ? 0 : v >= n ? n - 1 : v;
}

static int64_t padded(const clg__rule *r, int64_t i)
{
    int64_t k = i - r->pad;
    if (r->kind == CLG__RULE_REPLICATE)
        return within(k, r->in);
    if (r->kind == CLG__RULE_REFLECT)
        k = k < 0 ? -k : k >= r->in ? 2 * (r->in - 1) - k : k;
    else
        k = k < 0 ? k + r->in : k >= r->in ? k - r->in : k;
    return within(k, r->in); // a crop says that it is not read
}

// Numbers are rounded to float where PyTorch has float.
static double rounded(double v, bool in_double)
{
    return in_double ? v : (double) (float) v;
}

#define R(v) rounded(v, in_double)

static double scale_of(const clg__rule *r, bool in_double)
{
    if (r->align_corners)
        return r->out > 1 ? R((double) (r->in - 1) / (double) (r->out - 1)) : 0;
    return r->scale > 0 ? R(1 / r->scale) : R((double) r->in / (double) r->out);
}

static void nearest(const clg__rule *r, bool in_double, int64_t i, double scale, entries *e)
{
    const double at = r->kind == CLG__RULE_NEAREST ? R((double) i * scale) : R(R((double) i + 0.5) * scale);
    (void) in_double;
    add(e, within((int64_t) floor(at), r->in), 1);
}

// Of an output element, not cut at 0.
static double source(const clg__rule *r, bool in_double, int64_t i, double scale)
{
    return r->align_corners ? R(scale * (double) i) : R(R(scale * R((double) i + 0.5)) - 0.5);
}

static void linear(const clg__rule *r, bool in_double, int64_t i, double scale, entries *e)
{
    double at = source(r, in_double, i, scale);
    if (r->out == r->in) // as PyTorch, whatever the scale
        at = (double) i;
    at = at < 0 ? 0 : at;
    const int64_t low = within((int64_t) at, r->in), high = low + (low < r->in - 1);
    double t = R(at - (double) low);
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    add(e, low, R(1 - t));
    add(e, high, t);
}

static void cubic(const clg__rule *r, bool in_double, int64_t i, double scale, entries *e)
{
    const double at = source(r, in_double, i, scale), low = floor(at), a = -0.75;
    double t = R(at - low);
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    for (int k = 0; k < 4; k++) {
        const double x = R(k < 2 ? t + (1 - k) : k == 2 ? 1 - t : 2 - t);
        const double near = R(R(R(R((a + 2) * x) - (a + 3)) * R(x * x)) + 1);
        const double far = R(R(R(R(R(R(a * x) - 5 * a) * x) + 8 * a) * x) - 4 * a);
        add(e, within((int64_t) low - 1 + k, r->in), k == 1 || k == 2 ? near : far);
    }
}

static double filter(bool is_cubic, double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (!is_cubic)
        return x < 1 ? 1 - x : 0;
    return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static void smooth(const clg__rule *r, bool in_double, int64_t i, double scale, entries *e)
{
    const bool is_cubic = r->kind == CLG__RULE_CUBIC_SMOOTH;
    const double wide = scale >= 1 ? scale : 1, support = R((is_cubic ? 2 : 1) * wide);
    const double center = R(scale * R((double) i + 0.5)), inverse = R(1 / wide);
    int64_t from = (int64_t) R(R(center - support) + 0.5), to = (int64_t) R(R(center + support) + 0.5);
    from = from < 0 ? 0 : from;
    to = to > r->in ? r->in : to;
    double sum = 0;
    for (int64_t k = from; k < to; k++)
        sum = R(sum + R(filter(is_cubic, R(R(R((double) (k - from) + R((double) from - center)) + 0.5) * inverse))));
    for (int64_t k = from; k < to; k++) {
        const double w = R(filter(is_cubic, R(R(R((double) (k - from) + R((double) from - center)) + 0.5) * inverse)));
        add(e, k, sum != 0 ? R(w / sum) : w);
    }
}

static bool by_rows(const clg__rule *r, bool in_double, clg__sparse *m)
{
    entries e = { .m = m };
    const double scale = scale_of(r, in_double);
    *m = (clg__sparse) { .rows = r->out, .columns = r->in };
    m->begins = clg__malloc(((size_t) r->out + 1) * sizeof *m->begins);
    if (!m->begins)
        return false;
    for (int64_t i = 0; i < r->out; i++) {
        m->begins[i] = (int32_t) m->n;
        if (r->kind <= CLG__RULE_CIRCULAR)
            add(&e, r->kind == CLG__RULE_NONE ? i : padded(r, i), 1);
        else if (r->kind <= CLG__RULE_NEAREST_EXACT)
            nearest(r, in_double, i, scale, &e);
        else if (r->kind == CLG__RULE_LINEAR)
            linear(r, in_double, i, scale, &e);
        else if (r->kind == CLG__RULE_CUBIC)
            cubic(r, in_double, i, scale, &e);
        else
            smooth(r, in_double, i, scale, &e);
    }
    m->begins[r->out] = (int32_t) m->n;
    m->copies = r->kind <= CLG__RULE_NEAREST_EXACT;
    return !e.failed;
}

// Entries by column; those of one column by rising row.
static bool turned(const clg__sparse *m, clg__sparse *t)
{
    *t = (clg__sparse) { .rows = m->columns, .columns = m->rows, .n = m->n };
    t->begins = clg__calloc((size_t) m->columns + 2, sizeof *t->begins);
    t->column = clg__malloc(((size_t) m->n + 1) * sizeof *t->column);
    t->weight = clg__malloc(((size_t) m->n + 1) * sizeof *t->weight);
    if (!t->begins || !t->column || !t->weight)
        return false;
    for (int64_t e = 0; e < m->n; e++)
        t->begins[m->column[e] + 2]++;
    for (int64_t k = 0; k < m->columns; k++)
        t->begins[k + 1] += t->begins[k];
    for (int64_t i = 0; i < m->rows; i++) {
        for (int32_t e = m->begins[i]; e < m->begins[i + 1]; e++) {
            const int32_t to = t->begins[m->column[e] + 1]++;
            t->column[to] = (int32_t) i;
            t->weight[to] = m->weight[e];
        }
    }
    return true;
}

bool clg__rule_matrix(const clg__rule *r, bool in_double, clg__sparse *m)
{
    CLG__DEFAULT_FP;
    clg__sparse rows;
    bool ok = by_rows(r, in_double, &rows);
    if (!ok || !r->transposed) {
        *m = rows;
        return ok;
    }
    ok = turned(&rows, m);
    clg__sparse_free(&rows);
    return ok;
}

void clg__sparse_free(clg__sparse *m)
{
    clg__free(m->begins);
    clg__free(m->column);
    clg__free(m->weight);
    *m = (clg__sparse) { 0 };
}
