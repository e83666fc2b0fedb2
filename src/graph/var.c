// SPDX-License-Identifier: MIT
// Variables and assignments. A variable holds the node recorded last and the one evaluated last; an
// evaluation makes them equal or, on failure, falls back to the latter.
#include "graph/node.h"

#include "base/alloc.h"
#include "base/format.h"
#include "graph/build.h"
#include <clgrad/grad.h>


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
    clg_var v = clg__calloc(1, sizeof *v);
    clg__node *n = v ? alias(&clg__op_value, t, clg_dtype_is_float(t->dtype)) : NULL;
    if (!n || !add_pending(t->dev, v, n, t->dev->n_groups)) {
        if (n)
            clg__node_unref(n);
        clg__free(v);
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

void clg_var_destroy(clg_var *pv)
{
    if (!pv || !*pv)
        return;
    clg_var v = *pv;
    clg_device dev = v->dev;
    *pv = NULL;
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
    clg__free(v);
}

clg_tensor clg_var_value(clg_var v)
{
    if (!v) {
        clg__caller_bug("NULL variable");
        return clg__poison(NULL, CLG_EINVAL, "");
    }
    if (v->frozen) {
        clg_tensor t = &v->value->pub;
        return t->status < 0 ? clg__poison_from(t) : clg_detach(t);
    }
    v->value->refs++;
    return clg__handle(v->dev, v->value);
}

void clg_var_freeze(clg_var v, bool frozen)
{
    if (v)
        v->frozen = frozen;
}

static clg_status check_assign(clg_var v, clg_tensor t)
{
    char a[128], b[128], text[400];
    if (!v || !t) {
        clg__caller_bug("NULL variable or tensor");
        return v ? clg__publish(v->dev, CLG_EINVAL, "assign: the tensor is NULL") : CLG_EINVAL;
    }
    if (t->status < 0)
        return clg__publish(v->dev, t->status, clg__cause_text(t));
    if (t->dev != v->dev) {
        clg__caller_bug("foreign device");
        return clg__publish(v->dev, CLG_EINVAL, "assign: the tensor belongs to another device");
    }
    const clg_tensor old = &v->value->pub;
    if (!clg__shape_equal(&old->shape, &t->shape)) {
        clg__format(text, sizeof text, "assign: value has shape %s, the variable has %s",
                 clg__shape_text(&t->shape, a), clg__shape_text(&old->shape, b));
        return clg__publish(v->dev, CLG_ESHAPE, text);
    }
    if (old->dtype != t->dtype) {
        clg__format(text, sizeof text, "assign: value is %s, the variable is %s",
                 clg_dtype_name(t->dtype), clg_dtype_name(old->dtype));
        return clg__publish(v->dev, CLG_EDTYPE, text);
    }
    return CLG_OK;
}

clg_status clg_assign_n(const clg_var *v, const clg_tensor *t, int n)
{
    for (int i = 0; i < n; i++) {
        const clg_status st = check_assign(v[i], t[i]);
        if (st < 0)
            return st;
        if (v[i]->dev != v[0]->dev) {
            char text[120];
            clg__caller_bug("foreign device");
            clg__format(text, sizeof text, "assign: variable %d belongs to another device than variable 0", i);
            return clg__publish(v[0]->dev, CLG_EINVAL, text);
        }
    }
    if (n <= 0)
        return CLG_OK;
    clg_device dev = v[0]->dev;
    const int start = dev->n_pending, group = dev->n_groups;
    for (int i = 0; i < n; i++) {
        clg__node *a = alias(&clg__op_value, t[i], clg_dtype_is_float(t[i]->dtype));
        if (!a || !add_pending(dev, v[i], a, group)) {
            if (a)
                clg__node_unref(a);
            while (dev->n_pending > start)
                clg__node_unref(dev->pending[--dev->n_pending].value);
            return clg__publish(dev, CLG_ENOMEM, "assign: out of host memory");
        }
    }
    dev->n_groups++;
    for (int i = 0; i < n; i++)
        set_value(v[i], dev->pending[start + i].value);
    return CLG_OK;
}

clg_status clg_var_assign(clg_var v, clg_tensor t)
{
    return clg_assign_n(&v, &t, 1);
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

void clg__pending_commit(clg_device dev, bool creations)
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
            if (p.var->committed)
                clg__node_unref(p.var->committed);
            p.var->committed = p.value;
        }
        clg__node_unref(p.value);
    }
    dev->n_pending = kept;
    if (kept == 0)
        dev->n_groups = 0;
}
