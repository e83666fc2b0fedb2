// SPDX-License-Identifier: MIT
// Computing again instead of keeping. What f records is a region of the graph: nodes between its results and where it
// begins (its inputs, and what else was recorded before). Its results are aliases of what one node joins, which knows where
// the region begins. When that is differentiated, the region's nodes are copied onto inputs that wait for the results'
// cotangents, and the copy is differentiated in place of the region. Copies read other values, so the planner takes nothing
// of the two for equal, and the cotangents, which come late, keep them from running early.
#include "autograd/sweep.h"

#include "base/alloc.h"
#include "base/format.h"
#include "graph/build.h"
#include "graph/walk.h"
#include <clgrad/autograd.h>
#include <clgrad/ops.h>

#include <string.h>

typedef struct region {
    clg_device dev;
    uint64_t start;    // recorded when it began; 0: it ends at the stamped nodes alone
    clg__node **order; // inputs before users
    int n, capacity;
    clg__node **border; // where it begins: what it reads from outside
    int n_border, cap_border;
    clg__node **copy; // of order[], each with a reference
    bool failed;
} region;

static void end_region(region *r)
{
    for (int i = 0; i < r->n && r->copy; i++) {
        if (r->copy[i])
            clg__node_unref(r->copy[i]);
    }
    clg__free(r->copy);
    clg__free(r->order);
    clg__free(r->border);
}

static clg__node *dependency(const clg__node *n, int k)
{
    return k < n->n_in ? n->in[k] : k == n->n_in ? n->base : NULL;
}

static bool is_leaf(const clg__node *n)
{
    return n->buf || n->op == &clg__op_value || n->op == &clg__op_track;
}

// Of a node in the region: what it reads from outside of it joins the border, and is walked over no further.
static bool look_out(region *r, clg__node *n, uint32_t stamp)
{
    for (int k = 0; dependency(n, k); k++) {
        clg__node *in = dependency(n, k);
        if (in->stamp == stamp || (in->serial > r->start && !is_leaf(in)))
            continue;
        if (!clg__grow((void **) &r->border, &r->cap_border, r->n_border + 1, sizeof *r->border))
            return false;
        r->border[r->n_border++] = in;
        in->stamp = stamp;
    }
    return true;
}

// Its own stack, since what a node reads has to be looked at before it is walked to.
static bool find_border(region *r, clg__node *y, uint32_t stamp)
{
    clg__node **stack = NULL;
    int n = 0, capacity = 0;
    bool ok = clg__grow((void **) &stack, &capacity, 1, sizeof *stack);
    if (ok && y->stamp != stamp) {
        y->stamp = stamp;
        stack[n++] = y;
    }
    while (ok && n > 0) {
        clg__node *at = stack[--n];
        ok = look_out(r, at, stamp);
        for (int k = 0; ok && dependency(at, k); k++) {
            clg__node *in = dependency(at, k);
            if (in->stamp == stamp)
                continue;
            in->stamp = stamp;
            ok = clg__grow((void **) &stack, &capacity, n + 1, sizeof *stack);
            if (ok)
                stack[n++] = in;
        }
    }
    clg__free(stack);
    return ok;
}

// ---- copies

static bool visit(void *user, clg__node *n)
{
    region *r = user;
    if (!clg__grow((void **) &r->order, &r->capacity, r->n + 1, sizeof *r->order))
        return false;
    n->index = r->n;
    r->order[r->n++] = n;
    return true;
}

// b is not used, but has to be there first.
static clg_tensor after_vjp(const clg__vjp *v, int i)
{
    return i == 0 ? v->g : NULL;
}
static const clg__op op_after = { .name = "after", .kind = CLG__POINTWISE, .text = "a", .arity = 2, .domain = CLG__ANY,
                                  .vjp = after_vjp };

// One number that is there when the first elements of all cotangents are; NULL: they have none.
static clg_tensor when_computed(const clg_tensor *gs, int m)
{
    clg_tensor all = NULL;
    for (int k = 0; k < m; k++) {
        clg_tensor g = gs[k];
        if (!g || clg_numel(g->shape) == 0)
            continue;
        for (int d = 0; d < g->shape.rank; d++)
            g = clg_slice(g, d, 0, 1, 1);
        g = clg_reshape(g, CLG_SCALAR);
        all = all ? clg_add(all, g) : g;
    }
    return all;
}

// x, once g is computed.
static clg_tensor after(clg_tensor x, clg_tensor g)
{
    clg__call c;
    if (clg_numel(x->shape) == 0 || !g)
        return clg_add_scalar(x, 0);
    g = clg_expand(g, x->shape);
    if (!clg__call_begin(&c, "checkpoint", "x g", 2, (clg_tensor[]) { x, g }))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_after, x->dtype, &x->shape, NULL);
}

// What a node of the region reads in the copy: that of the border is in its aux.
static clg__node *mapped(const region *r, uint32_t stamp, clg__node *n)
{
    if (n->stamp != stamp)
        return n;
    return n->index < 0 ? n->aux : r->copy[n->index];
}

// With a reference. NULL: out of memory.
static clg__node *copy_of(region *r, uint32_t stamp, const clg__node *n)
{
    clg_tensor few[16], *in = n->n_in <= 16 ? few : clg__malloc((size_t) n->n_in * sizeof *in);
    for (int i = 0; in && i < n->n_in; i++)
        in[i] = &mapped(r, stamp, n->in[i])->pub;
    r->dev->node_layer = n->layer;
    clg__here = (clg_place) { n->file, n->line };
    clg__node *c = in ? clg__node_new(r->dev, n->op, n->pub.dtype, &n->pub.shape, n->n_in, in, n->params) : NULL;
    if (in != few)
        clg__free(in);
    if (!c)
        return NULL;
    c->stop |= n->stop;
    c->tracked &= !c->stop;
    c->access = n->access;
    c->fill = n->fill;
    if (n->base) {
        c->base = mapped(r, stamp, n->base);
        c->base->refs++;
    }
    if (n->hooks) {
        c->hooks = n->hooks;
        c->hooks->refs++;
    }
    if (n->outs) {
        c->outs = clg__malloc(sizeof *c->outs);
        if (!c->outs) {
            clg__node_unref(c);
            return NULL;
        }
        *c->outs = *n->outs;
    }
    return c;
}

// Draws are pure functions of their numbers: the copy is the same draw. It waits too, or a mask would be kept.
static clg__node *waiting(clg__node *c, clg_tensor g)
{
    if (!c || c->op->kind != CLG__RANDOM)
        return c;
    clg_tensor t = after(&c->pub, g);
    clg__node_unref(c);
    if (t->status < 0)
        return NULL;
    clg__node_ref(clg__node_of(t));
    return clg__node_of(t);
}

static bool make_copies(region *r, uint32_t stamp, clg_tensor g)
{
    const char *layer = r->dev->node_layer;
    const clg_place here = clg__here;
    r->copy = clg__calloc((size_t) r->n + 1, sizeof *r->copy);
    bool ok = r->copy != NULL;
    for (int i = 0; i < r->n && ok; i++) {
        r->copy[i] = waiting(copy_of(r, stamp, r->order[i]), g);
        ok = r->copy[i] != NULL;
    }
    r->dev->node_layer = layer;
    clg__here = here;
    return ok;
}

// ---- the derivative

static void recompute(const clg__vjp *v, const bool *needed, clg_tensor *d)
{
    clg_device dev = v->y->dev;
    clg__node *const *y = clg__node_of(v->y)->in;
    const int m = *(const int *) v->params;
    region r = { .dev = dev };
    clg_tensor *target = clg__calloc(2 * (size_t) v->n_in + 2 * (size_t) m, sizeof *target), bad = NULL;
    clg_tensor *out = target ? target + v->n_in : NULL, *again = target ? out + v->n_in : NULL, *g = target ? again + m : NULL;
    clg__node **now = clg__calloc((size_t) v->n_in + 1, sizeof *now);
    int n = 0, many = 0;
    if (!target || !now)
        bad = clg_poison(dev, CLG_ENOMEM, "checkpoint: out of host memory");
    const clg_tensor computed = bad ? NULL : when_computed(v->gs, m);
    if (computed && computed->status < 0)
        bad = computed;
    for (int i = 0; i < v->n_in && !bad; i++) { // before the walk: to record may leave other numbers behind
        const bool waits = !is_leaf(clg__node_of(v->in[i]));
        const clg_tensor t = waits ? after(v->in[i], computed) : v->in[i];
        bad = t->status < 0 ? t : NULL;
        now[i] = clg__node_of(t);
    }
    const uint32_t stamp = clg__stamp(dev);
    for (int i = 0; i < v->n_in && !bad; i++) {
        clg__node *in = clg__node_of(v->in[i]);
        in->stamp = stamp;
        in->index = -1;
        in->aux = now[i];
    }
    bool ok = true;
    for (int k = 0; k < m && ok && !bad; k++)
        ok = !v->gs[k] || clg__walk(y[k], stamp, dependency, visit, &r);
    if (!bad && (!ok || !make_copies(&r, stamp, computed)))
        bad = clg_poison(dev, CLG_ENOMEM, "checkpoint: out of host memory");
    if (!bad) {
        for (int k = 0; k < m; k++) {
            if (v->gs[k]) {
                again[many] = &mapped(&r, stamp, y[k])->pub;
                g[many++] = v->gs[k];
            }
        }
        for (int i = 0; i < v->n_in; i++) {
            if (needed[i])
                target[n++] = &now[i]->pub;
        }
        const clg_status st = clg__sweep_back(&(clg__sweep) { .op = "checkpoint", .m = many, .y = again, .g = g, .n = n,
                                                              .wrt = target, .missing = CLG__MISSING_NULL, .ends = true },
                                              out);
        bad = st < 0 ? (n > 0 ? out[0] : NULL) : NULL;
    }
    for (int i = 0, k = 0; i < v->n_in; i++) {
        if (needed[i])
            d[i] = bad ? bad : out[k++];
    }
    end_region(&r);
    clg__free(target);
    clg__free(now);
}

static clg_tensor pass(const clg__vjp *v, int i)
{
    (void) i;
    return v->g;
}

static const clg__op op_checkpoint = { .name = "checkpoint", .kind = CLG__ALIAS, .vjp_all = recompute, .joins = true,
                                       .params_bytes = sizeof(int) };
static const clg__op op_result = { .name = "checkpoint", .kind = CLG__ALIAS, .vjp = pass, .params_bytes = sizeof(int) };
static const clg__op op_enter = { .name = "enter", .kind = CLG__ALIAS, .vjp = pass };

// ---- recording

// NULL: fine.
static clg_tensor check_result(const clg__call *c, clg_tensor y, int k, int m)
{
    char text[CLG__ERR_TEXT], which[40] = "";
    if (m > 1)
        clg__format(which, sizeof which, " as result %d", k);
    if (!y)
        return clg__call_fail(c, CLG_EINVAL, "f returned NULL%s", which);
    const char *dead = y->dev ? clg__why_dead(y, text) : NULL;
    if (dead)
        return clg__call_fail(c, CLG_EINVAL, "what f returned%s %s", which, dead);
    if (y->status < 0)
        return clg__poison_from(y);
    return y->dev == c->dev ? NULL : clg__call_fail(c, CLG_EINVAL, "what f returned%s belongs to another device", which);
}

// The node that joins results y, and knows where their region begins: at the inputs, and at the border.
static clg_tensor join(clg__call *c, region *r, const clg_tensor *y, int m, const clg_tensor *x, int n, uint32_t stamp)
{
    for (int k = 0; k < m; k++) {
        if (!find_border(r, clg__node_of(y[k]), stamp))
            return clg__call_fail(c, CLG_ENOMEM, "out of host memory");
    }
    const size_t all = (size_t) m + (size_t) n + (size_t) r->n_border;
    clg_tensor *in = clg__malloc(all * sizeof *in + 1), t;
    if (!in)
        return clg__call_fail(c, CLG_ENOMEM, "out of host memory");
    for (int k = 0; k < m; k++)
        in[k] = y[k];
    for (int i = 0; i < n; i++)
        in[m + i] = x[i];
    for (int i = 0; i < r->n_border; i++)
        in[m + n + i] = &r->border[i]->pub;
    clg__call own;
    c->dev->internal++; // of what lies at the border the user may have no handle
    if (clg__call_begin(&own, "checkpoint", NULL, (int) all, in))
        t = clg__call_node(&own, &op_checkpoint, y[0]->dtype, &y[0]->shape, &m);
    else
        t = clg__call_poison(&own);
    c->dev->internal--;
    clg__free(in);
    return t;
}

// Aliases in place of those results that are to be computed again: others are old, inputs themselves, or have no gradient.
static clg_tensor close_region(clg__call *c, clg_tensor *y, int m, const clg_tensor *x, int n, uint64_t start)
{
    region r = { .dev = c->dev, .start = start };
    clg_tensor *within = clg__malloc((size_t) m * sizeof *within), t = NULL;
    const uint32_t stamp = clg__stamp(c->dev);
    int many = 0;
    for (int i = 0; i < n; i++)
        clg__node_of(x[i])->stamp = stamp;
    for (int k = 0; k < m && within; k++) {
        const clg__node *of = clg__node_of(y[k]);
        if (of->stamp != stamp && of->serial > start && !is_leaf(of) && clg_dtype_is_float(y[k]->dtype))
            within[many++] = y[k];
    }
    if (!within)
        t = clg__call_fail(c, CLG_ENOMEM, "out of host memory");
    else if (many > 0)
        t = join(c, &r, within, many, x, n, stamp);
    for (int k = 0, at = 0; k < m && at < many && t->status >= 0; k++) {
        if (y[k] != within[at])
            continue;
        y[k] = clg__custom_vjp(&op_result, y[k], 1, &t, &at);
        at++;
        if (y[k]->status < 0)
            t = y[k];
    }
    clg__free(within);
    end_region(&r);
    return t && t->status < 0 ? t : NULL;
}

// Records f's results in y; NULL, or what is wrong.
static clg_tensor record(clg__call *c, clg_checkpoint_fn f, void *user, const clg_tensor *x, int n, clg_tensor *y, int m)
{
    clg_tensor few[16], *z = n <= 16 ? few : clg__malloc((size_t) n * sizeof *z), bad = NULL;
    if (!z)
        return clg__call_fail(c, CLG_ENOMEM, "out of host memory");
    for (int i = 0; i < n && !bad; i++) { // another place in the graph, where the region begins
        z[i] = clg__handle(c->dev, clg__node_new(c->dev, &op_enter, x[i]->dtype, &x[i]->shape, 1, &x[i], NULL));
        bad = z[i]->status < 0 ? z[i] : NULL;
    }
    const uint64_t start = c->dev->serial;
    const clg_status st = bad ? bad->status : f(z, n, y, m, user);
    if (!bad && st < 0)
        bad = clg__call_fail(c, st, "f failed: %s", c->dev->last.status == st ? c->dev->last.text : clg_status_text(st));
    for (int k = 0; k < m && !bad; k++)
        bad = check_result(c, y[k], k, m);
    if (!bad)
        bad = close_region(c, y, m, z, n, start);
    if (z != few)
        clg__free(z);
    return bad;
}

clg_status clg_checkpoint_n(clg_checkpoint_fn f, void *user, const clg_tensor *x, int n, clg_tensor *y, int m)
{
    clg__call c;
    clg_tensor bad = NULL;
    if (!clg__call_begin(&c, "checkpoint", "x[]", n, x))
        bad = clg__call_poison(&c);
    else if (!f || !y || m < 1)
        bad = clg__call_fail(&c, CLG_EINVAL, "%s", !f ? "f is NULL" : !y ? "y is NULL" : "no results");
    for (int k = 0; k < m && y; k++)
        y[k] = NULL;
    if (!bad)
        bad = record(&c, f, user, x, n, y, m);
    for (int k = 0; k < m && y && bad; k++)
        y[k] = bad;
    return bad ? bad->status : CLG_OK;
}

typedef struct single {
    clg_tensor (*f)(const clg_tensor *x, int n, void *user);
    void *user;
} single;

static clg_status call_single(const clg_tensor *x, int n, clg_tensor *y, int m, void *user)
{
    const single *s = user;
    (void) m;
    y[0] = s->f(x, n, s->user);
    return CLG_OK;
}

clg_tensor clg_checkpoint(clg_tensor (*f)(const clg_tensor *x, int n, void *user), void *user, const clg_tensor *x, int n)
{
    single s = { f, user };
    clg_tensor y = NULL;
    clg_checkpoint_n(f ? call_single : NULL, &s, x, n, &y, 1);
    return y;
}
