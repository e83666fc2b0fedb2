// SPDX-License-Identifier: MIT
// The reverse sweep: from y back to the targets, each node's cotangent complete before it is used.
// Un-broadcasting and accumulation happen here and nowhere else.
#include "autograd/sweep.h"

#include "base/alloc.h"
#include "base/fp.h"
#include "graph/build.h"
#include "graph/walk.h"
#include <clgrad/grad.h>
#include <clgrad/ops.h>

#include <stdio.h>
#include <string.h>

typedef struct sweep {
    clg_device dev;
    clg__node **order; // inputs before users
    int n, capacity;
    bool *needed;      // on a path to a target
    bool *end;         // a target behind which nothing is looked at
    clg_tensor *cot;   // cotangent of each node
    bool *zero;        // reached through an op whose derivative is zero everywhere
    struct part {
        clg__node *join;
        int result;
        clg_tensor g;
    } *parts; // cotangents of results that one derivative is for
    int n_parts, cap_parts;
    clg_tensor failed; // a poison met on the way
    uint32_t stamp;    // of the walk that numbered the nodes last
} sweep;

// Gradients do not look behind these: a variable's value, what the user tracks, and what is recorded without gradients.
static bool is_gradient_leaf(const clg__node *n)
{
    return n->stop || n->op == &clg__op_value || n->op == &clg__op_track || n->op == &clg__op_detach;
}

static int first_input(const clg__node *n)
{
    if (n->op->joins)
        return *(const int *) n->params;
    return n->op->kind == CLG__ALIAS && (n->op->vjp || n->op->vjp_all) && n->op != &clg__op_detach && n->n_in > 1;
}

static clg__node *dependency(const clg__node *n, int k)
{
    return k < n->n_in && !is_gradient_leaf(n) ? n->in[k] : NULL;
}

static bool visit(void *user, clg__node *n)
{
    sweep *s = user;
    if (!clg__grow((void **) &s->order, &s->capacity, s->n + 1, sizeof *s->order))
        return false;
    s->order[s->n] = n;
    clg__node_hold(n); // a derivative may evaluate
    n->index = s->n++;
    return true;
}

static bool collect(sweep *s, const clg_tensor *roots, int n)
{
    bool ok = true;
    s->stamp = clg__stamp(s->dev);
    for (int k = 0; k < n && ok; k++)
        ok = clg__walk(clg__node_of(roots[k]), s->stamp, dependency, visit, s);
    return ok;
}

// A derivative may walk the graph, as one that differentiates does, and leave its own numbers behind.
static void renumber(sweep *s)
{
    if (s->stamp == s->dev->stamp)
        return;
    for (int i = 0; i < s->n; i++)
        s->order[i]->index = i;
    s->stamp = s->dev->stamp;
}

static void mark_needed(sweep *s, const clg_tensor *wrt, int n, bool ends)
{
    for (int i = 0; i < n; i++) {
        clg__node *t = clg__node_of(wrt[i]);
        if (t->index < s->n && t->index >= 0 && s->order[t->index] == t)
            s->needed[t->index] = true;
        if (ends && t->index < s->n && t->index >= 0 && s->order[t->index] == t)
            s->end[t->index] = true;
    }
    for (int i = 0; i < s->n; i++) {
        const clg__node *t = s->order[i];
        if (is_gradient_leaf(t))
            continue;
        for (int k = first_input(t); k < t->n_in; k++)
            s->needed[i] |= s->needed[t->in[k]->index];
    }
}

// Sum a cotangent over what was broadcast. What is left has the rank of `to` or less and broadcasts to it
// (a literal is smaller than the input).
static clg_tensor unbroadcast(clg_tensor g, const clg_shape *to)
{
    clg_shape axes = { 0 }, rest = { .rank = to->rank };
    const int lead = g->shape.rank - to->rank;
    for (int d = 0; d < g->shape.rank; d++) {
        if (d < lead || (to->dim[d - lead] == 1 && g->shape.dim[d] != 1))
            axes.dim[axes.rank++] = d;
    }
    if (axes.rank > 0)
        g = clg_sum(g, axes, true);
    if (lead <= 0 || g->status < 0)
        return g;
    for (int d = 0; d < rest.rank; d++)
        rest.dim[d] = g->shape.dim[d + lead];
    return clg_reshape(g, rest);
}

static void accumulate(sweep *s, clg__node *to, clg_tensor g)
{
    if (g->status < 0) {
        if (!s->failed)
            s->failed = g;
        return;
    }
    if (clg__node_of(g) != to && g->dtype != to->pub.dtype)
        g = clg_cast(g, to->pub.dtype);
    if (g->status >= 0 && !clg__shape_equal(&g->shape, &to->pub.shape))
        g = unbroadcast(g, &to->pub.shape);
    if (g->status >= 0)
        g = clg_expand(g, to->pub.shape);
    clg_tensor *cot = &s->cot[to->index];
    *cot = *cot ? clg_add(*cot, g) : g;
    if ((*cot)->status < 0 && !s->failed)
        s->failed = *cot;
}

static bool needs_cotangent(const sweep *s, const clg__node *in)
{
    return s->needed[in->index] && clg_dtype_is_float(in->pub.dtype);
}

// What computed n, as its derivative sees it: an output's is the operation that has it.
static clg__node *computed_by(clg__node *n)
{
    return n->op->kind == CLG__OUT && n->n_in ? n->in[0] : n;
}

static bool has_derivative(const clg__node *n)
{
    return n->op->vjp || n->op->vjp_all;
}

static void take(sweep *s, clg__node *to, clg_tensor d)
{
    if (d)
        accumulate(s, to, d);
    else
        s->zero[to->index] = true;
}

static void no_memory(sweep *s)
{
    s->failed = clg_poison(s->dev, CLG_ENOMEM, "grad: out of host memory");
}

// One call for all inputs.
static void step_back_all(sweep *s, const clg__vjp *v, const clg__op *op)
{
    bool few[CLG_MAX_RANK * 4] = { false }, *needed = few, any = false;
    clg_tensor few_d[CLG_MAX_RANK * 4] = { NULL }, *d = few_d;
    if (v->n_in > (int) (sizeof few / sizeof few[0])) {
        needed = clg__calloc((size_t) v->n_in, sizeof *needed);
        d = clg__calloc((size_t) v->n_in, sizeof *d);
    }
    for (int i = 0; i < v->n_in && needed && d; i++) {
        needed[i] = needs_cotangent(s, clg__node_of(v->in[i]));
        any |= needed[i];
    }
    if (!needed || !d)
        no_memory(s);
    else if (any)
        op->vjp_all(v, needed, d);
    renumber(s);
    for (int i = 0; i < v->n_in && !s->failed && any; i++) {
        if (needed[i])
            take(s, clg__node_of(v->in[i]), d[i]);
    }
    if (needed != few)
        clg__free(needed);
    if (d != few_d)
        clg__free(d);
}

// A result's cotangent is kept until those of all results are complete.
static void keep_part(sweep *s, const clg__node *y, clg_tensor g)
{
    clg__node *join = y->in[1];
    if (!s->needed[join->index])
        return;
    if (!clg__grow((void **) &s->parts, &s->cap_parts, s->n_parts + 1, sizeof *s->parts)) {
        no_memory(s);
        return;
    }
    s->parts[s->n_parts++] = (struct part) { join, *(const int *) y->params, g };
    s->cot[join->index] = g;
}

static bool is_part(const clg__node *n)
{
    return n->op->kind == CLG__ALIAS && n->n_in == 2 && n->in[1]->op->joins;
}

static void step_back_join(sweep *s, clg__node *y)
{
    const int m = first_input(y), n = y->n_in - m;
    clg_tensor *gs = clg__calloc((size_t) y->n_in + 1, sizeof *gs), *in = gs ? gs + m : NULL;
    if (!gs) {
        no_memory(s);
        return;
    }
    for (int i = 0; i < s->n_parts; i++) {
        if (s->parts[i].join == y)
            gs[s->parts[i].result] = s->parts[i].g;
    }
    for (int i = 0; i < n; i++)
        in[i] = &y->in[m + i]->pub;
    step_back_all(s, &(clg__vjp) { .y = &y->pub, .g = s->cot[y->index], .in = in, .n_in = n, .params = y->params, .gs = gs },
                  y->op);
    clg__free(gs);
}

static void step_back(sweep *s, clg__node *y, clg_tensor g)
{
    if (is_part(y)) {
        keep_part(s, y, g);
        return;
    }
    if (y->op->joins) {
        step_back_join(s, y);
        return;
    }
    clg__node *n = computed_by(y);
    const int skip = first_input(n), end = n->n_in;
    clg_tensor in[CLG_MAX_RANK * 4];
    const clg_tensor *ins = in;
    clg_tensor *many = NULL;
    if (end > (int) (sizeof in / sizeof in[0])) {
        many = clg__calloc((size_t) end, sizeof *many);
        if (!many) {
            no_memory(s);
            return;
        }
        ins = many;
    }
    for (int i = skip; i < end; i++)
        ((clg_tensor *) (uintptr_t) ins)[i - skip] = &n->in[i]->pub;
    const clg__vjp v = { .y = &y->pub, .g = g, .in = ins, .n_in = end - skip,
                         .params = n->params, .out = n == y ? 0 : *(const int *) y->params };
    const clg__vjp_fn vjp = n->op->vjp;
    if (n->op->vjp_all)
        step_back_all(s, &v, n->op);
    for (int i = skip; i < end && !s->failed && !n->op->vjp_all; i++) {
        clg__node *to = clg__node_of(ins[i - skip]);
        if (!needs_cotangent(s, to))
            continue;
        if (!vjp) {
            s->failed = clg__no_grad(&v, "no gradient is defined for this operation");
            break;
        }
        const clg_tensor d = vjp(&v, i - skip);
        renumber(s);
        take(s, to, d);
    }
    clg__free(many);
}

// A cotangent of zeros, without the arithmetic.
static void step_back_zero(sweep *s, clg__node *y)
{
    clg__node *n = computed_by(y);
    const int skip = first_input(n);
    for (int i = skip; i < n->n_in && !s->failed; i++) {
        if (!needs_cotangent(s, n->in[i]))
            continue;
        if (!has_derivative(n))
            s->failed = clg__no_grad(&(clg__vjp) { .y = &y->pub },
                                     "no gradient is defined for this operation");
        s->zero[n->in[i]->index] = true;
    }
}

static clg_status finish(sweep *s, const clg__sweep *q, clg_tensor *out)
{
    const clg_tensor *wrt = q->wrt;
    const int n = q->n;
    for (int i = 0; i < n && !s->failed; i++) {
        const clg__node *t = clg__node_of(wrt[i]);
        const bool met = t->index >= 0 && t->index < s->n && s->order[t->index] == t;
        out[i] = met ? s->cot[t->index] : NULL;
        if (!out[i] && (q->missing == CLG__MISSING_ZEROS || (met && s->zero[t->index])))
            out[i] = clg_zeros(s->dev, wrt[i]->dtype, wrt[i]->shape);
        if (!out[i] && q->missing == CLG__MISSING_FAILS) {
            char shape[128];
            s->failed = clg_poison(s->dev, CLG_EGRAD,
                                   "grad: y does not depend on wrt[%d] (%s %s) through "
                                   "differentiable operations",
                                   i, clg__shape_text(&wrt[i]->shape, shape),
                                   clg_dtype_name(wrt[i]->dtype));
        }
    }
    if (!s->failed)
        return CLG_OK;
    for (int i = 0; i < n; i++)
        out[i] = s->failed;
    clg__publish(s->dev, s->failed->status, clg__cause_text(s->failed));
    return s->failed->status;
}

// The node's cotangent is complete: whoever waits for it may put another one in its place.
static void call_hooks(sweep *s, int i)
{
    clg__node *t = s->order[i];
    clg__hooks *h = t->hooks;
    h->refs++; // a hook may remove itself
    for (int k = 0; k < h->n && !s->failed; k++) {
        if (!h->all[k].hook)
            continue;
        char text[CLG__ERR_TEXT], got[128], want[128];
        const clg_tensor g = h->all[k].hook(s->cot[i], h->all[k].user);
        renumber(s);
        if (!g)
            continue;
        const char *dead = g->dev ? clg__why_dead(g, text) : NULL;
        if (!dead && g->status >= 0 && g->dev != s->dev)
            dead = "belongs to another device";
        if (dead)
            s->failed = clg_poison(s->dev, CLG_EINVAL, "hook: what it returned %s", dead);
        else if (g->status < 0)
            s->failed = g;
        else if (!clg__shape_equal(&g->shape, &t->pub.shape) || g->dtype != t->pub.dtype)
            s->failed = clg_poison(s->dev, CLG_ESHAPE, "hook: it returned %s %s, expected %s %s",
                                   clg__shape_text(&g->shape, got), clg_dtype_name(g->dtype),
                                   clg__shape_text(&t->pub.shape, want), clg_dtype_name(t->pub.dtype));
        else
            s->cot[i] = g;
    }
    clg__hooks_unref(h);
}

enum { MOST_NESTED = 64 }; // derivatives and hooks that differentiate

static void run(sweep *s, const clg__sweep *q)
{
    if (s->dev->sweeping >= MOST_NESTED) {
        s->failed = clg_poison(s->dev, CLG_EGRAD, "%s: more than %d gradients within each other", q->op, MOST_NESTED);
        return;
    }
    const char *layer = clg_set_layer(s->dev, NULL);
    s->dev->sweeping++;
    s->dev->internal++; // nodes on the way may have no handle any more
    const char *node_layer = s->dev->node_layer; // of the sweep that this one is in
    const clg_place here = clg__here;
    for (int k = 0; k < q->m; k++)
        accumulate(s, clg__node_of(q->y[k]), q->g[k]);
    for (int i = s->n - 1; i >= 0 && !s->failed; i--) {
        clg__node *t = s->order[i];
        s->dev->node_layer = t->layer;
        clg__here = t->file ? (clg_place) { t->file, t->line } : here;
        if (t->hooks && s->cot[i] && s->needed[i])
            call_hooks(s, i);
        if (s->failed || s->end[i])
            continue;
        if (s->cot[i] && s->needed[i] && !is_gradient_leaf(t))
            step_back(s, t, s->cot[i]);
        else if (s->zero[i] && s->needed[i] && !is_gradient_leaf(t))
            step_back_zero(s, t);
    }
    s->dev->internal--;
    s->dev->sweeping--;
    s->dev->node_layer = node_layer;
    clg__here = here;
    clg_set_layer(s->dev, layer);
}

// NULL: nothing is wrong.
static clg_tensor check_result(const char *op, clg_tensor y, clg_tensor g)
{
    char a[128], b[128];
    if (!clg_dtype_is_float(y->dtype))
        return clg_poison(y->dev, CLG_EDTYPE, "%s: y is %s, only floating types have gradients", op,
                          clg_dtype_name(y->dtype));
    if (clg__shape_equal(&y->shape, &g->shape) && y->dtype == g->dtype)
        return NULL;
    return clg_poison(y->dev, CLG_ESHAPE, "%s: the cotangent is %s %s, y is %s %s", op, clg__shape_text(&g->shape, a),
                      clg_dtype_name(g->dtype), clg__shape_text(&y->shape, b), clg_dtype_name(y->dtype));
}

static clg_tensor check(const clg__sweep *q, clg_device dev)
{
    for (int k = 0; k < q->m; k++) {
        const clg_tensor bad = check_result(q->op, q->y[k], q->g[k]);
        if (bad)
            return bad;
    }
    for (int i = 0; i < q->n; i++) {
        if (!clg_dtype_is_float(q->wrt[i]->dtype))
            return clg_poison(dev, CLG_EDTYPE, "%s: wrt[%d] is %s, only floating types have gradients", q->op, i,
                              clg_dtype_name(q->wrt[i]->dtype));
    }
    return NULL;
}

clg_status clg__grad_give_up(clg_tensor why, int n, clg_tensor *out)
{
    for (int i = 0; i < n && out; i++)
        out[i] = why;
    return why->status;
}

// Of all tensors that are given; NULL: fine. A single result is called y, as in the documentation.
static clg_tensor check_handles(const clg__sweep *q, clg_device *dev)
{
    clg__call c, d = { 0 };
    if (q->m == 1 && !clg__call_begin(&c, q->op, "y g", 2, (clg_tensor[]) { q->y[0], q->g[0] }))
        return clg__call_poison(&c);
    if (q->m != 1 && (!clg__call_begin(&c, q->op, "y[]", q->m, q->y)))
        return clg__call_poison(&c);
    *dev = c.dev;
    if (q->m != 1 && !clg__call_begin(&d, q->op, "g[]", q->m, q->g))
        return clg__call_poison(&d);
    if (q->m != 1 && d.dev != c.dev)
        return clg_poison(c.dev, CLG_EINVAL, "%s: g belongs to another device than y", q->op);
    if (q->n > 0 && !clg__call_begin(&d, q->op, "wrt[]", q->n, q->wrt))
        return clg__call_poison(&d);
    if (q->n > 0 && d.dev != c.dev) {
        clg__caller_bug("grad: wrt belongs to another device than y");
        return clg_poison(c.dev, CLG_EINVAL, "%s: wrt belongs to another device than y", q->op);
    }
    return NULL;
}

clg_status clg__sweep_back(const clg__sweep *q, clg_tensor *out)
{
    CLG__DEFAULT_FP;
    clg_device dev = NULL;
    clg_tensor bad = check_handles(q, &dev);
    if (!bad)
        bad = q->n > 0 && !out ? clg_poison(dev, CLG_EINVAL, "%s: out is NULL", q->op) : check(q, dev);
    if (bad)
        return clg__grad_give_up(bad, q->n, out);
    for (int i = 0; i < q->n; i++)
        clg__node_of(q->wrt[i])->index = -1;
    sweep s = { .dev = dev };
    const bool ok = collect(&s, q->y, q->m);
    s.needed = ok ? clg__calloc((size_t) s.n, sizeof *s.needed) : NULL;
    s.cot = ok ? clg__calloc((size_t) s.n, sizeof *s.cot) : NULL;
    s.zero = ok ? clg__calloc((size_t) s.n, sizeof *s.zero) : NULL;
    s.end = ok ? clg__calloc((size_t) s.n, sizeof *s.end) : NULL;
    clg_status st = CLG_ENOMEM;
    if (s.needed && s.cot && s.zero && s.end) {
        mark_needed(&s, q->wrt, q->n, q->ends);
        run(&s, q);
        st = finish(&s, q, out);
    } else {
        clg__grad_give_up(clg_poison(dev, CLG_ENOMEM, "grad: out of host memory"), q->n, out);
    }
    for (int i = 0; i < s.n; i++)
        clg__node_release(s.order[i]);
    clg__free(s.order);
    clg__free(s.needed);
    clg__free(s.cot);
    clg__free(s.zero);
    clg__free(s.end);
    clg__free(s.parts);
    return st;
}

clg_status clg_vjp_n(clg_tensor y, clg_tensor g, const clg_tensor *wrt, int n, bool zero_missing,
                     clg_tensor *out)
{
    return clg__sweep_back(&(clg__sweep) { .op = "vjp", .m = 1, .y = &y, .g = &g, .n = n, .wrt = wrt,
                                           .missing = zero_missing ? CLG__MISSING_ZEROS : CLG__MISSING_FAILS },
                           out);
}

static clg_status grad_of(clg_tensor y, const clg_tensor *wrt, int n, bool some, clg_tensor *out)
{
    clg__call c;
    char shape[128];
    if (!clg__call_begin(&c, "grad", "y", 1, &y))
        return clg__grad_give_up(clg__call_poison(&c), n, out);
    if (clg_numel(y->shape) != 1)
        return clg__grad_give_up(clg_poison(y->dev, CLG_EINVAL, "grad: y has shape %s, expected one element (see clg_vjp_n)",
                                            clg__shape_text(&y->shape, shape)),
                                 n, out);
    if (!clg_dtype_is_float(y->dtype))
        return clg__grad_give_up(clg_poison(y->dev, CLG_EDTYPE, "grad: y is %s, only floating types have gradients",
                                            clg_dtype_name(y->dtype)),
                                 n, out);
    clg_tensor one = clg__lit(y->dev, y->dtype, 1);
    if (one->status >= 0 && y->shape.rank > 0)
        one = clg_expand(one, y->shape);
    return clg__sweep_back(&(clg__sweep) { .op = "grad", .m = 1, .y = &y, .g = &one, .n = n, .wrt = wrt,
                                           .missing = some ? CLG__MISSING_NULL : CLG__MISSING_FAILS },
                           out);
}

clg_status clg_grad_n(clg_tensor y, const clg_tensor *wrt, int n, clg_tensor *out)
{
    return grad_of(y, wrt, n, false, out);
}

clg_status clg_grad_some_n(clg_tensor y, const clg_tensor *wrt, int n, clg_tensor *out)
{
    return grad_of(y, wrt, n, true, out);
}

clg_tensor clg_grad(clg_tensor y, clg_tensor wrt)
{
    clg_tensor out;
    clg_grad_n(y, &wrt, 1, &out);
    return out;
}
