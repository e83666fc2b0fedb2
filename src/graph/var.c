// SPDX-License-Identifier: MIT
// Variables and assignments. A variable holds the node recorded last and the one evaluated last; an
// evaluation makes them equal or, on failure, falls back to the latter.
#include "graph/node.h"

#include "base/alloc.h"
#include "base/format.h"
#include "graph/build.h"
#include <clgrad/grad.h>

#include <string.h>

// The value of a variable: what in[0] computes, but gradients end here.
const clg__op clg__op_value = { .name = "variable", .kind = CLG__ALIAS };
static clg_tensor detach_vjp(const clg__vjp *v, int i)
{
    (void) v;
    (void) i;
    return NULL;
}
const clg__op clg__op_detach = { .name = "detach", .kind = CLG__ALIAS, .vjp = detach_vjp };
const clg__op clg__op_track = { .name = "track", .kind = CLG__ALIAS };

static clg__node *alias(const clg__op *op, clg_tensor t, bool tracked)
{
    clg__node *n = clg__node_new(t->dev, op, t->dtype, &t->shape, 1, &t, NULL);
    if (n)
        n->tracked = tracked;
    return n;
}

clg_tensor clg_detach(clg_tensor t)
{
    clg__call c;
    if (!clg__call_begin(&c, "detach", "t", 1, &t))
        return clg__call_poison(&c);
    return clg__handle(t->dev, alias(&clg__op_detach, t, false));
}

clg_tensor clg_track(clg_tensor t)
{
    clg__call c;
    if (!clg__call_begin(&c, "track", "t", 1, &t))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(t->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types have gradients");
    return clg__handle(t->dev, alias(&clg__op_track, t, true));
}

// pending
static bool add_pending(clg_device dev, clg_var v, clg__node *value, int group)
{
    if (!clg__grow((void **) &dev->pending, &dev->cap_pending, dev->n_pending + 1,
                   sizeof *dev->pending))
        return false;
    dev->pending[dev->n_pending++] = (clg__pending) { v, value, group, v->value == NULL };
    return true;
}

static void set_value(clg_var v, clg__node *n)
{
    n->refs++;
    if (v->value)
        clg__node_unref(v->value);
    v->value = n;
}

clg_var clg_var_create(clg_tensor t)
{
    clg__call c;
    if (!clg__call_begin(&c, "var_create", "t", 1, &t)) {
        clg__call_poison(&c);
        return NULL;
    }
    clg_var v = clg__slot_new(&t->dev->var_slots);
    if (v)
        memset(v, 0, sizeof *v);
    clg__node *n = v ? alias(&clg__op_value, t, clg_dtype_is_float(t->dtype)) : NULL;
    if (!n || !add_pending(t->dev, v, n, t->dev->n_groups)) {
        if (n)
            clg__node_unref(n);
        if (v)
            clg__slot_end(&t->dev->var_slots, v);
        clg__publish(t->dev, CLG_ENOMEM, "var_create: out of host memory");
        return NULL;
    }
    t->dev->n_groups++;
    v->dev = t->dev;
    v->value = n;
    n->refs++; // one for the pending list, one for the variable
    v->next = v->dev->vars;
    if (v->next)
        v->next->prev = v;
    v->dev->vars = v;
    return v;
}

// NULL: v lives; else why it cannot be used.
static const char *why_dead(clg_var v)
{
    return !v                        ? "the variable is NULL"
           : !clg__is_open(v->dev)   ? "the variable belongs to a device that was closed"
           : !clg__slot_alive(v)     ? "the variable was destroyed"
                                     : NULL;
}

void clg_var_destroy(clg_var *pv)
{
    if (!pv || !*pv)
        return;
    clg_var v = *pv;
    clg_device dev = v->dev;
    *pv = NULL;
    if (!clg__is_open(dev)) // it ended with its device
        return;
    if (!clg__slot_alive(v)) {
        clg__misuse(dev, "var_destroy: the variable was destroyed already");
        return;
    }
    for (int i = 0; i < dev->n_pending; i++) {
        if (dev->pending[i].var == v)
            dev->pending[i].var = NULL;
    }
    if (v->prev)
        v->prev->next = v->next;
    else
        dev->vars = v->next;
    if (v->next)
        v->next->prev = v->prev;
    clg__node_unref(v->value);
    if (v->committed)
        clg__node_unref(v->committed);
    if (v->before)
        clg__node_unref(v->before);
    clg__slot_end(&dev->var_slots, v);
}

static clg_tensor frozen_value(clg_var v)
{
    clg_tensor t = &v->value->pub;
    v->dev->internal++;
    t = t->status < 0 ? clg__poison_from(t) : clg_detach(t);
    v->dev->internal--;
    return t;
}

clg_tensor clg_var_value(clg_var v)
{
    const char *why = why_dead(v);
    if (why) {
        char text[120];
        clg__format(text, sizeof text, "var_value: %s", why);
        clg__caller_bug(text);
        return clg__poison(v ? v->dev : NULL, CLG_EINVAL, text);
    }
    if (v->frozen)
        return frozen_value(v);
    v->value->refs++;
    return clg__handle(v->dev, v->value);
}

void clg_var_freeze(clg_var v, bool frozen)
{
    const char *why = v ? why_dead(v) : NULL;
    if (why)
        clg__misuse(v->dev, "var_freeze: %s", why);
    else if (v)
        v->frozen = frozen;
}

// op: "var_assign" or "assign_n", whose messages number the pairs
static clg_status check_assign(const char *op, int i, clg_var v, clg_tensor t, clg_device dev)
{
    char a[128], b[128], text[CLG__ERR_TEXT], at[32] = "";
    if (strcmp(op, "assign_n") == 0)
        clg__format(at, sizeof at, "pair %d: ", i);
    const char *why = why_dead(v);
    if (why)
        return clg__misuse(clg__is_open(dev) ? dev : v ? v->dev : NULL, "%s: %s%s", op, at, why);
    if (!t)
        return clg__misuse(v->dev, "%s: %sthe tensor is NULL", op, at);
    why = clg__why_dead(t, text);
    if (why)
        return clg__misuse(v->dev, "%s: %sthe tensor %s", op, at, why);
    if (t->status < 0)
        return clg__publish(v->dev, t->status, clg__cause_text(t));
    if (t->dev != v->dev)
        return clg__misuse(v->dev, "%s: %sthe tensor belongs to another device than the variable", op, at);
    if (v->dev != dev)
        return clg__misuse(dev, "%s: variable %d belongs to another device than variable 0", op, i);
    const clg_tensor old = &v->value->pub;
    if (!clg__shape_equal(&old->shape, &t->shape)) {
        clg__format(text, sizeof text, "%s: %sthe tensor has shape %s, the variable has %s", op, at,
                 clg__shape_text(&t->shape, a), clg__shape_text(&old->shape, b));
        return clg__publish(v->dev, CLG_ESHAPE, text);
    }
    if (old->dtype != t->dtype) {
        clg__format(text, sizeof text, "%s: %sthe tensor is %s, the variable is %s", op, at,
                 clg_dtype_name(t->dtype), clg_dtype_name(old->dtype));
        return clg__publish(v->dev, CLG_EDTYPE, text);
    }
    return CLG_OK;
}

static clg_status assign(const char *op, const clg_var *v, const clg_tensor *t, int n)
{
    if (n <= 0)
        return CLG_OK;
    clg_device dev = why_dead(v[0]) ? NULL : v[0]->dev;
    for (int i = 0; i < n; i++) {
        const clg_status st = check_assign(op, i, v[i], t[i], dev);
        if (st < 0)
            return st;
    }
    const int start = dev->n_pending, group = dev->n_groups;
    for (int i = 0; i < n; i++) {
        clg__node *a = alias(&clg__op_value, t[i], clg_dtype_is_float(t[i]->dtype));
        if (!a || !add_pending(dev, v[i], a, group)) {
            if (a)
                clg__node_unref(a);
            while (dev->n_pending > start)
                clg__node_unref(dev->pending[--dev->n_pending].value);
            return clg__publish(dev, CLG_ENOMEM, op[0] == 'v' ? "var_assign: out of host memory"
                                                              : "assign_n: out of host memory");
        }
    }
    dev->n_groups++;
    for (int i = 0; i < n; i++)
        set_value(v[i], dev->pending[start + i].value);
    return CLG_OK;
}

clg_status clg_assign_n(const clg_var *v, const clg_tensor *t, int n)
{
    if (n > 0 && (!v || !t))
        return clg__misuse(NULL, "assign_n: v or t is NULL");
    return assign("assign_n", v, t, n);
}

clg_status clg_var_assign(clg_var v, clg_tensor t)
{
    return assign("var_assign", &v, &t, 1);
}

void clg__pending_discard(clg_device dev)
{
    int kept = 0;
    for (int i = 0; i < dev->n_pending; i++) {
        const clg__pending p = dev->pending[i];
        if (p.var && p.creation)
            set_value(p.var, p.value);
        else if (p.var && p.var->committed)
            set_value(p.var, p.var->committed);
        if (p.var && p.creation)
            dev->pending[kept++] = p;
        else
            clg__node_unref(p.value);
    }
    dev->n_pending = kept;
}

void clg__pending_commit(clg_device dev, bool creations, bool revertible)
{
    int kept = 0;
    for (int i = 0; i < dev->n_pending; i++) {
        const clg__pending p = dev->pending[i];
        if (creations && !p.creation) {
            dev->pending[kept++] = p;
            continue;
        }
        if (p.var) {
            p.value->refs++;
            if (revertible && !p.var->before)
                p.var->before = p.var->committed;
            else if (p.var->committed)
                clg__node_unref(p.var->committed);
            p.var->committed = p.value;
        }
        clg__node_unref(p.value);
    }
    dev->n_pending = kept;
    if (kept == 0)
        dev->n_groups = 0;
}

void clg__vars_stand(clg_device dev)
{
    for (clg_var v = dev->vars; v; v = v->next) {
        if (v->before)
            clg__node_unref(v->before);
        v->before = NULL;
    }
}

void clg__vars_revert(clg_device dev)
{
    for (clg_var v = dev->vars; v; v = v->next) {
        if (!v->before)
            continue;
        clg__node_unref(v->committed);
        v->committed = v->before;
        v->before = NULL;
        set_value(v, v->committed);
    }
    clg__pending_discard(dev);
}
