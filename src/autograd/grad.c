// SPDX-License-Identifier: MIT
// The reverse sweep: from y back to the targets, each node's cotangent complete before it is used.
// Un-broadcasting and accumulation happen here and nowhere else.
#include <clgrad/grad.h>

#include "base/alloc.h"
#include "base/fp.h"
#include "graph/build.h"
#include "graph/walk.h"
#include <clgrad/ops.h>

#include <stdio.h>
#include <string.h>

typedef struct sweep {
    clg_device dev;
    clg__node **order; // inputs before users
    int n, capacity;
    bool *needed;      // on a path to a target
    clg_tensor *cot;   // cotangent of each node
    bool *zero;        // reached through an op whose derivative is zero everywhere
    clg_tensor failed; // a poison met on the way
    uint32_t stamp;    // of the walk that numbered the nodes last
} sweep;

// Gradients do not look behind these: a variable's value and what the user tracks.
static bool is_gradient_leaf(const clg__node *n)
{
    return n->op == &clg__op_value || n->op == &clg__op_track || n->op == &clg__op_detach;
}

static int first_input(const clg__node *n)
{
    return n->op->kind == CLG__ALIAS && n->op->vjp && n->op != &clg__op_detach && n->n_in > 1;
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

static bool collect(sweep *s, clg__node *root)
{
    s->stamp = clg__stamp(s->dev);
    return clg__walk(root, s->stamp, dependency, visit, s);
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

static void mark_needed(sweep *s, const clg_tensor *wrt, int n)
{
    for (int i = 0; i < n; i++) {
        clg__node *t = clg__node_of(wrt[i]);
        if (t->index < s->n && t->index >= 0 && s->order[t->index] == t)
            s->needed[t->index] = true;
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

static void step_back(sweep *s, clg__node *y, clg_tensor g)
{
    clg__node *n = computed_by(y);
    const int skip = first_input(n), end = n->n_in;
    clg_tensor in[CLG_MAX_RANK * 4];
    const clg_tensor *ins = in;
    clg_tensor *many = NULL;
    if (end > (int) (sizeof in / sizeof in[0])) {
        many = clg__calloc((size_t) end, sizeof *many);
        if (!many) {
            s->failed = clg_poison(s->dev, CLG_ENOMEM, "grad: out of host memory");
            return;
        }
        ins = many;
    }
    for (int i = skip; i < end; i++)
        ((clg_tensor *) (uintptr_t) ins)[i - skip] = &n->in[i]->pub;
    const clg__vjp v = { .y = &y->pub, .g = g, .in = ins, .n_in = end - skip,
                         .params = n->params, .out = n == y ? 0 : *(const int *) y->params };
    const clg__vjp_fn vjp = n->op->vjp;
    for (int i = skip; i < end && !s->failed; i++) {
        clg__node *to = clg__node_of(ins[i - skip]);
        if (!needs_cotangent(s, to))
            continue;
        if (!vjp) {
            s->failed = clg__no_grad(&v, "no gradient is defined for this operation");
            break;
        }
        const clg_tensor d = vjp(&v, i - skip);
        renumber(s);
        if (d)
            accumulate(s, to, d);
        else
            s->zero[to->index] = true;
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
        if (!n->op->vjp)
            s->failed = clg__no_grad(&(clg__vjp) { .y = &y->pub },
                                     "no gradient is defined for this operation");
        s->zero[n->in[i]->index] = true;
    }
}

// What a target without a path gets.
typedef enum missing { REFUSED, ZEROS, NOTHING } missing;

static clg_status finish(sweep *s, const clg_tensor *wrt, int n, missing without, clg_tensor *out)
{
    for (int i = 0; i < n && !s->failed; i++) {
        const clg__node *t = clg__node_of(wrt[i]);
        const bool met = t->index >= 0 && t->index < s->n && s->order[t->index] == t;
        out[i] = met ? s->cot[t->index] : NULL;
        if (!out[i] && (without == ZEROS || (met && s->zero[t->index])))
            out[i] = clg_zeros(s->dev, wrt[i]->dtype, wrt[i]->shape);
        if (!out[i] && without == REFUSED) {
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

static void run(sweep *s, clg_tensor g)
{
    clg__node *root = s->order[s->n - 1];
    const char *layer = clg_set_layer(s->dev, NULL);
    s->dev->sweeping++;
    s->dev->internal++; // nodes on the way may have no handle any more
    accumulate(s, root, g);
    for (int i = s->n - 1; i >= 0 && !s->failed; i--) {
        clg__node *t = s->order[i];
        s->dev->node_layer = t->layer;
        if (s->cot[i] && s->needed[i] && !is_gradient_leaf(t))
            step_back(s, t, s->cot[i]);
        else if (s->zero[i] && s->needed[i] && !is_gradient_leaf(t))
            step_back_zero(s, t);
    }
    s->dev->internal--;
    s->dev->sweeping--;
    s->dev->node_layer = NULL;
    clg_set_layer(s->dev, layer);
}

static clg_tensor check(const char *op, clg_tensor y, clg_tensor g, const clg_tensor *wrt, int n)
{
    clg_device dev = y->dev;
    if (!clg_dtype_is_float(y->dtype))
        return clg_poison(dev, CLG_EDTYPE, "%s: y is %s, only floating types have gradients", op,
                          clg_dtype_name(y->dtype));
    if (!clg__shape_equal(&y->shape, &g->shape) || y->dtype != g->dtype) {
        char a[128], b[128];
        return clg_poison(dev, CLG_ESHAPE, "%s: the cotangent is %s %s, y is %s %s", op,
                          clg__shape_text(&g->shape, a), clg_dtype_name(g->dtype),
                          clg__shape_text(&y->shape, b), clg_dtype_name(y->dtype));
    }
    for (int i = 0; i < n; i++) {
        if (!clg_dtype_is_float(wrt[i]->dtype))
            return clg_poison(dev, CLG_EDTYPE,
                              "%s: wrt[%d] is %s, only floating types have gradients", op, i,
                              clg_dtype_name(wrt[i]->dtype));
    }
    return NULL;
}

static clg_status give_up(clg_tensor why, int n, clg_tensor *out)
{
    for (int i = 0; i < n && out; i++)
        out[i] = why;
    return why->status;
}

// op: of the function that was called, for messages
static clg_status sweep_back(const char *op, clg_tensor y, clg_tensor g, const clg_tensor *wrt, int n,
                             missing without, clg_tensor *out)
{
    CLG__DEFAULT_FP;
    clg__call c, d = { 0 };
    if (!clg__call_begin(&c, op, "y g", 2, (clg_tensor[]) { y, g }))
        return give_up(clg__call_poison(&c), n, out);
    if (n > 0 && !clg__call_begin(&d, op, "wrt[]", n, wrt))
        return give_up(clg__call_poison(&d), n, out);
    if (n > 0 && d.dev != c.dev) {
        clg__caller_bug("grad: wrt belongs to another device than y");
        return give_up(clg_poison(c.dev, CLG_EINVAL, "%s: wrt belongs to another device than y", op), n, out);
    }
    clg_tensor bad = n > 0 && !out ? clg_poison(c.dev, CLG_EINVAL, "%s: out is NULL", op)
                                   : check(op, y, g, wrt, n);
    if (bad)
        return give_up(bad, n, out);
    for (int i = 0; i < n; i++)
        clg__node_of(wrt[i])->index = -1;
    sweep s = { .dev = y->dev };
    const bool ok = collect(&s, clg__node_of(y));
    s.needed = ok ? clg__calloc((size_t) s.n, sizeof *s.needed) : NULL;
    s.cot = ok ? clg__calloc((size_t) s.n, sizeof *s.cot) : NULL;
    s.zero = ok ? clg__calloc((size_t) s.n, sizeof *s.zero) : NULL;
    clg_status st = CLG_ENOMEM;
    if (s.needed && s.cot && s.zero) {
        mark_needed(&s, wrt, n);
        run(&s, g);
        st = finish(&s, wrt, n, without, out);
    } else {
        give_up(clg_poison(y->dev, CLG_ENOMEM, "grad: out of host memory"), n, out);
    }
    for (int i = 0; i < s.n; i++)
        clg__node_release(s.order[i]);
    clg__free(s.order);
    clg__free(s.needed);
    clg__free(s.cot);
    clg__free(s.zero);
    return st;
}

clg_status clg_vjp_n(clg_tensor y, clg_tensor g, const clg_tensor *wrt, int n, bool zero_missing,
                     clg_tensor *out)
{
    return sweep_back("vjp", y, g, wrt, n, zero_missing ? ZEROS : REFUSED, out);
}

static clg_status grad_of(clg_tensor y, const clg_tensor *wrt, int n, missing without, clg_tensor *out)
{
    clg__call c;
    char shape[128];
    if (!clg__call_begin(&c, "grad", "y", 1, &y))
        return give_up(clg__call_poison(&c), n, out);
    if (clg_numel(y->shape) != 1)
        return give_up(clg_poison(y->dev, CLG_EINVAL,
                                  "grad: y has shape %s, expected one element (see clg_vjp_n)",
                                  clg__shape_text(&y->shape, shape)),
                       n, out);
    if (!clg_dtype_is_float(y->dtype))
        return give_up(clg_poison(y->dev, CLG_EDTYPE,
                                  "grad: y is %s, only floating types have gradients",
                                  clg_dtype_name(y->dtype)),
                       n, out);
    clg_tensor one = clg__lit(y->dev, y->dtype, 1);
    if (one->status >= 0 && y->shape.rank > 0)
        one = clg_expand(one, y->shape);
    return sweep_back("grad", y, one, wrt, n, without, out);
}

clg_status clg_grad_n(clg_tensor y, const clg_tensor *wrt, int n, clg_tensor *out)
{
    return grad_of(y, wrt, n, REFUSED, out);
}

clg_status clg_grad_some_n(clg_tensor y, const clg_tensor *wrt, int n, clg_tensor *out)
{
    return grad_of(y, wrt, n, NOTHING, out);
}

clg_tensor clg_grad(clg_tensor y, clg_tensor wrt)
{
    clg_tensor out;
    clg_grad_n(y, &wrt, 1, &out);
    return out;
}
