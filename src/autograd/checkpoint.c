// SPDX-License-Identifier: MIT
// Computing again instead of keeping. What f records is a region of the graph: nodes between its result and where it
// begins (its inputs, and what else was recorded before). Its result is an alias that knows where the region begins. When
// it is differentiated, the region's nodes are copied onto inputs that wait for the result's cotangent, and the copy is
// differentiated in place of the region. Copies read other values, so the planner takes nothing of the two for equal, and
// the cotangent, which comes late, keeps them from running early.
#include "autograd/sweep.h"

#include "base/alloc.h"
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

// x, once the first element of g is computed.
static clg_tensor after(clg_tensor x, clg_tensor g)
{
    clg__call c;
    if (clg_numel(x->shape) == 0 || clg_numel(g->shape) == 0)
        return clg_add_scalar(x, 0);
    for (int d = 0; d < g->shape.rank; d++)
        g = clg_slice(g, d, 0, 1, 1);
    g = clg_expand(clg_reshape(g, CLG_SCALAR), x->shape);
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
    r->copy = clg__calloc((size_t) r->n + 1, sizeof *r->copy);
    bool ok = r->copy != NULL;
    for (int i = 0; i < r->n && ok; i++) {
        r->copy[i] = waiting(copy_of(r, stamp, r->order[i]), g);
        ok = r->copy[i] != NULL;
    }
    r->dev->node_layer = layer;
    return ok;
}

// ---- the derivative

static void recompute(const clg__vjp *v, const bool *needed, clg_tensor *d)
{
    clg_device dev = v->y->dev;
    clg__node *y = clg__node_of(v->y)->in[0];
    region r = { .dev = dev };
    clg_tensor *target = clg__calloc(2 * (size_t) v->n_in + 1, sizeof *target), *out = target + v->n_in, bad = NULL;
    clg__node **now = clg__calloc((size_t) v->n_in + 1, sizeof *now);
    int n = 0;
    if (!target || !now)
        bad = clg_poison(dev, CLG_ENOMEM, "checkpoint: out of host memory");
    for (int i = 0; i < v->n_in && !bad; i++) { // before the walk: to record may leave other numbers behind
        const bool waits = !is_leaf(clg__node_of(v->in[i]));
        const clg_tensor t = waits ? after(v->in[i], v->g) : v->in[i];
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
    if (!bad && (!clg__walk(y, stamp, dependency, visit, &r) || !make_copies(&r, stamp, v->g)))
        bad = clg_poison(dev, CLG_ENOMEM, "checkpoint: out of host memory");
    if (!bad) {
        const clg_tensor again = &mapped(&r, stamp, y)->pub;
        for (int i = 0; i < v->n_in; i++) {
            if (needed[i])
                target[n++] = &now[i]->pub;
        }
        const clg_status st = clg__sweep_back(&(clg__sweep) { .op = "checkpoint", .m = 1, .y = &again, .g = &v->g, .n = n,
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

static const clg__op op_checkpoint = { .name = "checkpoint", .kind = CLG__ALIAS, .vjp_all = recompute };

// ---- recording

static clg_tensor pass(const clg__vjp *v, int i)
{
    (void) i;
    return v->g;
}
static const clg__op op_enter = { .name = "enter", .kind = CLG__ALIAS, .vjp = pass };

static clg_tensor check_result(clg__call *c, clg_tensor y)
{
    char text[CLG__ERR_TEXT];
    if (!y)
        return clg__call_fail(c, CLG_EINVAL, "f returned NULL");
    const char *dead = y->dev ? clg__why_dead(y, text) : NULL;
    if (dead)
        return clg__call_fail(c, CLG_EINVAL, "what f returned %s", dead);
    if (y->status < 0)
        return clg__poison_from(y);
    return y->dev == c->dev ? NULL : clg__call_fail(c, CLG_EINVAL, "what f returned belongs to another device");
}

// The alias that has y's value and knows where its region begins: at the inputs, and at the border.
static clg_tensor close_region(clg__call *c, clg_tensor y, const clg_tensor *x, int n, uint64_t start)
{
    region r = { .dev = c->dev, .start = start };
    const uint32_t stamp = clg__stamp(c->dev);
    for (int i = 0; i < n; i++)
        clg__node_of(x[i])->stamp = stamp;
    clg__node *of = clg__node_of(y);
    // an old tensor, or an input itself: nothing is to be computed again
    const bool none = of->stamp == stamp || of->serial <= start || is_leaf(of);
    clg_tensor t = y;
    if (!none && find_border(&r, of, stamp)) {
        const size_t all = (size_t) n + (size_t) r.n_border;
        clg_tensor *in = clg__malloc(all * sizeof *in + 1);
        for (int i = 0; in && i < n; i++)
            in[i] = x[i];
        for (int i = 0; in && i < r.n_border; i++)
            in[n + i] = &r.border[i]->pub;
        c->dev->internal++; // of what lies at the border the user may have no handle
        t = in ? clg__custom_vjp(&op_checkpoint, y, (int) all, in, NULL) : clg__call_fail(c, CLG_ENOMEM, "out of host memory");
        c->dev->internal--;
        clg__free(in);
    } else if (!none) {
        t = clg__call_fail(c, CLG_ENOMEM, "out of host memory");
    }
    end_region(&r);
    return t;
}

clg_tensor clg_checkpoint(clg_tensor (*f)(const clg_tensor *x, int n, void *user), void *user, const clg_tensor *x, int n)
{
    clg__call c;
    if (!clg__call_begin(&c, "checkpoint", "x[]", n, x))
        return clg__call_poison(&c);
    if (!f)
        return clg__call_fail(&c, CLG_EINVAL, "f is NULL");
    clg_tensor few[16], *z = n <= 16 ? few : clg__malloc((size_t) n * sizeof *z), bad = NULL;
    if (!z)
        return clg__call_fail(&c, CLG_ENOMEM, "out of host memory");
    for (int i = 0; i < n && !bad; i++) { // another place in the graph, where the region begins
        z[i] = clg__handle(c.dev, clg__node_new(c.dev, &op_enter, x[i]->dtype, &x[i]->shape, 1, &x[i], NULL));
        bad = z[i]->status < 0 ? z[i] : NULL;
    }
    const uint64_t start = c.dev->serial;
    clg_tensor y = bad ? bad : f(z, n, user);
    if (!bad)
        bad = check_result(&c, y);
    if (!bad)
        y = clg_dtype_is_float(y->dtype) ? close_region(&c, y, z, n, start) : y;
    if (z != few)
        clg__free(z);
    return bad ? bad : y;
}
