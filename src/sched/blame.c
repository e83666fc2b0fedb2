// SPDX-License-Identifier: MIT
// Which operation was to blame: the nodes of an evaluation are computed once more, one after another in the order of the
// graph, each out of what was found before, and read. Grouping changes no bit, so the first one that is not finite is it.
#include "sched/watch.h"

#include "device/gpu.h"

#include "base/alloc.h"
#include "base/dtype.h"
#include "base/str.h"
#include "graph/build.h"

#include <math.h>
#include <string.h>

static bool has_numbers(const clg__node *n)
{
    return clg_dtype_is_float(n->pub.dtype) && clg_numel(n->pub.shape) > 0;
}

// ---- what is in a node

typedef struct found {
    int64_t nan, inf;  // how many
    int64_t at;        // the first of those
    double first, lo, hi; // its number; the range of the finite ones
    double *all;       // every number, or NULL
} found;

static bool look_at(const clg__node *n, found *f, clg__err *e)
{
    const int64_t count = clg_numel(n->pub.shape);
    const size_t size = clg_dtype_size(n->pub.dtype);
    char *raw = clg__malloc((size_t) count * size + 1);
    *f = (found) { .at = -1, .lo = (double) INFINITY, .hi = -(double) INFINITY };
    f->all = clg__malloc(((size_t) count + 1) * sizeof *f->all);
    const bool ok = raw && f->all &&
                    clg__buf_read(n->buf, (size_t) n->offset * size, raw, (size_t) count * size, e) >= 0;
    for (int64_t i = 0; i < count && ok; i++) {
        const double v = clg_element_get(n->pub.dtype, raw + (size_t) i * size);
        f->all[i] = v;
        f->nan += isnan(v) != 0;
        f->inf += isinf(v) != 0;
        if (!isfinite(v) && f->at < 0) {
            f->at = i;
            f->first = v;
        }
        if (isfinite(v)) {
            f->lo = v < f->lo ? v : f->lo;
            f->hi = v > f->hi ? v : f->hi;
        }
    }
    clg__free(raw);
    return ok;
}

static void add_number(clg__str *s, double v)
{
    if (isnan(v)) // without a sign
        clg__str_add(s, "NaN");
    else
        clg__str_printf(s, "%g", v);
}

static void add_place(clg__str *s, const clg_shape *shape, int64_t at)
{
    int64_t index[CLG_MAX_RANK];
    for (int d = shape->rank - 1; d >= 0; d--) {
        index[d] = at % shape->dim[d];
        at /= shape->dim[d];
    }
    for (int d = 0; d < shape->rank; d++)
        clg__str_printf(s, "%s%lld", d ? ", " : " at [", (long long) index[d]);
    clg__str_add(s, shape->rank ? "]" : "");
}

static void add_name(clg__str *s, const clg__node *n)
{
    const bool output = n->op->kind == CLG__OUT;
    clg__str_add(s, output && n->n_in ? n->in[0]->op->name : n->op->kind == CLG__LEAF ? "a tensor" : n->op->name);
    if (n->label)
        clg__str_printf(s, " \"%.100s\"", n->label);
    if (n->derivative)
        clg__str_add(s, n->layer ? ", in the gradient of" : ", in a gradient");
    if (n->layer)
        clg__str_printf(s, " '%.200s'", n->layer);
    if (n->file)
        clg__str_printf(s, " at %.200s:%d", n->file, n->line);
    else if (n->scope && n->scope->file)
        clg__str_printf(s, " (scope of %s:%d)", n->scope->file, n->scope->line);
}

// What it was computed from: the number at the same place, or the first few; and the range.
static void add_input(clg__str *s, const clg__node *in, const clg__node *of, int64_t at, clg__err *e)
{
    while (!in->buf && !in->base && in->op->kind == CLG__ALIAS && in->n_in > 0) // tracked, say
        in = in->in[0];
    char shape[128];
    found f = { 0 };
    const bool floating = clg_dtype_is_float(in->pub.dtype);
    clg__str_printf(s, "%s %s", clg__shape_text(&in->pub.shape, shape), clg_dtype_name(in->pub.dtype));
    if (!floating || !in->buf || clg_numel(in->pub.shape) == 0)
        return;
    if (look_at(in, &f, e)) {
        const bool same = clg__shape_equal(&in->pub.shape, &of->pub.shape);
        if (same || clg_numel(in->pub.shape) == 1) {
            clg__str_add(s, ": ");
            add_number(s, f.all[same ? at : 0]);
            clg__str_add(s, same ? " there" : "");
        }
        for (int64_t i = 0; i < clg_numel(in->pub.shape) && i < 4 && !same && clg_numel(in->pub.shape) > 1; i++) {
            clg__str_add(s, i ? " " : ": ");
            add_number(s, f.all[i]);
        }
        if (!same && clg_numel(in->pub.shape) > 4)
            clg__str_add(s, " ...");
        if (f.lo <= f.hi && clg_numel(in->pub.shape) > 1)
            clg__str_printf(s, ", %g to %g", f.lo, f.hi);
        if (f.nan + f.inf > 0)
            clg__str_printf(s, ", %lld not finite", (long long) (f.nan + f.inf));
    }
    clg__free(f.all);
}

// ---- the first that is not finite

// A node as the search sees it; numbers of nodes are places in the evaluation's order.
typedef struct seen {
    int first, n;     // in `from`: what it reads
    int last;         // that reads it, through views too
    int gone_with;    // next of those that are read last by the same one, -1
    int goes;         // the first that is read last by this one, -1
    bool made;        // computed by the search
    bool nan, bad;    // it has such numbers
} seen;

typedef struct search {
    const clg__watched *q;
    clg__err *err; // of looking
    seen *node;
    int *from;
    bool nan; // the results have some
    bool failed; // to look or to compute: what comes after would be blamed for what came before
    clg__str text;
} search;

// It has no memory of its own: its readers read through it.
static bool is_read_through(const clg__node *n)
{
    return !n->buf && (n->base || n->op->kind == CLG__ALIAS || n->outs);
}

static bool is_given(const clg__node *n)
{
    const clg__op_kind k = n->op->kind;
    return k == CLG__LEAF || k == CLG__SCALAR || k == CLG__CONST || k == CLG__IOTA;
}

static bool is_here(const search *s, const clg__node *n)
{
    return n->index >= 0 && n->index < s->q->n && s->q->nodes[n->index] == n;
}

static bool find_readers(search *s)
{
    const int n = s->q->n;
    int edges = 0;
    for (int i = 0; i < n; i++) {
        s->q->nodes[i]->index = i;
        edges += s->q->nodes[i]->n_in + 1;
    }
    s->node = clg__calloc((size_t) n + 1, sizeof *s->node);
    s->from = clg__malloc(((size_t) edges + 1) * sizeof *s->from);
    if (!s->node || !s->from)
        return false;
    for (int i = 0, at = 0; i < n; i++) {
        const clg__node *x = s->q->nodes[i];
        seen *z = &s->node[i];
        *z = (seen) { .first = at, .last = i, .goes = -1, .gone_with = -1 };
        const bool one = x->op->kind == CLG__ALIAS || x->op->kind == CLG__OUT;
        for (int k = 0; !(x->base && !x->buf) && k < (one && x->n_in > 1 ? 1 : x->n_in); k++) {
            if (!x->buf || is_here(s, x->in[k])) // a result, or what was there before
                s->from[at++] = x->in[k]->index;
        }
        if (x->base && !x->buf)
            s->from[at++] = x->base->index;
        z->n = at - z->first;
    }
    for (int i = n - 1; i >= 0; i--) {
        const seen *z = &s->node[i];
        const int reader = is_read_through(s->q->nodes[i]) ? z->last : i;
        for (int k = z->first; k < z->first + z->n; k++) {
            seen *in = &s->node[s->from[k]];
            in->last = in->last > reader ? in->last : reader;
        }
    }
    for (int i = 0; i < n; i++) {
        s->node[i].gone_with = s->node[s->node[i].last].goes;
        s->node[s->node[i].last].goes = i;
    }
    return true;
}

static void tell(search *s, const clg__node *n, const found *f, const char *what)
{
    char shape[128];
    clg__str *t = &s->text;
    clg__str_add(t, what);
    add_name(t, n);
    clg__str_add(t, ": ");
    add_number(t, f->first);
    add_place(t, &n->pub.shape, f->at);
    clg__str_printf(t, " of %s %s", clg__shape_text(&n->pub.shape, shape), clg_dtype_name(n->pub.dtype));
    if (f->nan + f->inf > 1)
        clg__str_printf(t, " (%lld of %lld numbers)", (long long) (f->nan + f->inf), (long long) clg_numel(n->pub.shape));
    for (int i = 0; i < n->n_in && i < 3 && !n->base; i++) {
        clg__str_add(t, i ? "; " : ", from ");
        add_input(t, n->in[i], n, f->at, s->err);
    }
}

static void drop_value(clg__node *n)
{
    if (n->buf)
        n->pub.dev->buf_unref(n->buf);
    n->buf = NULL;
}

static void let_go_after(search *s, int i)
{
    for (int k = s->node[i].goes; k >= 0; k = s->node[k].gone_with) {
        if (s->node[k].made)
            drop_value(s->q->nodes[k]);
    }
}

// Its numbers, where it has some of its own. true: f
static bool numbers_of(search *s, int i, found *f)
{
    clg__node *n = s->q->nodes[i];
    if (is_read_through(n))
        return false;
    if (!n->buf) {
        s->node[i].made = true;
        s->failed = clg__eval_for_watch(n) < 0;
    }
    if (!s->failed && has_numbers(n))
        s->failed = !look_at(n, f, s->err);
    return !s->failed && has_numbers(n);
}

// The first infinity out of finite numbers, then the first NaN out of numbers, where there is one among the results.
static void search_nodes(search *s)
{
    bool done = false, infinite = false, given = false;
    for (int i = 0; i < s->q->n && !done && !s->failed; i++) {
        seen *z = &s->node[i];
        const clg__node *n = s->q->nodes[i];
        bool bad_input = false, nan_input = false;
        found f = { 0 };
        for (int k = z->first; k < z->first + z->n; k++) {
            bad_input |= s->node[s->from[k]].bad;
            nan_input |= s->node[s->from[k]].nan;
        }
        if (numbers_of(s, i, &f)) {
            z->nan = f.nan > 0;
            z->bad = f.at >= 0;
            if (is_given(n)) {
                if (z->bad && !given)
                    tell(s, n, &f, s->text.length ? "; given is " : "given is ");
                given |= z->bad;
            } else if (z->nan && !nan_input && s->nan) {
                tell(s, n, &f, s->text.length ? "; the first NaN by " : "the first by ");
                done = true;
            } else if (z->bad && !bad_input && !infinite) {
                tell(s, n, &f, s->text.length ? "; the first infinity by " : "the first by ");
                infinite = true;
                done = !s->nan;
            }
        } else if (is_read_through(n)) {
            z->nan = nan_input;
            z->bad = bad_input;
        }
        clg__free(f.all);
        let_go_after(s, i);
    }
}

static void look_for_nan(search *s)
{
    for (int i = 0; i < s->q->n_outputs && !s->failed; i++) {
        const clg__node *n = s->q->outputs[i];
        found f = { 0 };
        if (n && n->buf && has_numbers(n))
            s->failed = !look_at(n, &f, s->err);
        s->nan |= f.nan > 0;
        clg__free(f.all);
    }
}

void clg__blame(clg_device dev, const clg__watched *q, bool before, clg__err *e)
{
    const clg__err first = dev->first, last = dev->last;
    const bool on = dev->watch;
    clg__err looking = { 0 };
    search s = { .q = q, .err = &looking };
    dev->watch = false;
    dev->internal++;
    look_for_nan(&s);
    if (!s.failed && find_readers(&s))
        search_nodes(&s);
    for (int i = 0; i < q->n && s.node; i++) {
        if (s.node[i].made)
            drop_value(q->nodes[i]);
    }
    dev->internal--;
    dev->watch = on;
    dev->first = first; // of looking
    dev->last = last;
    clg__fail(e, CLG_ENUMERIC, "eval: a result%s is %s; %s", before ? " of the evaluation before" : "",
              s.nan ? "NaN" : s.failed ? "not finite" : "infinite",
              s.text.length && !s.text.failed ? clg__str_text(&s.text)
              : s.failed                      ? "the search for what made it failed"
                                              : "what made it was not found");
    clg__str_free(&s.text);
    clg__free(s.node);
    clg__free(s.from);
}
