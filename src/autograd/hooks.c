// SPDX-License-Identifier: MIT
// Hooks of nodes, which the sweep calls (grad.c), and whether gradients are recorded at all.
#include "base/alloc.h"
#include "graph/build.h"
#include "graph/node.h"
#include <clgrad/autograd.h>

clg_status clg_register_hook(clg_tensor t, clg_hook hook, void *user, int *id)
{
    clg__call c;
    if (!clg__call_begin(&c, "register_hook", "t", 1, &t))
        return clg__call_poison(&c)->status;
    if (!hook)
        return clg__call_fail(&c, CLG_EINVAL, "hook is NULL")->status;
    if (!clg_dtype_is_float(t->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types have gradients")->status;
    clg__node *n = clg__node_of(t);
    clg__hooks *h = n->hooks ? n->hooks : clg__calloc(1, sizeof *h);
    if (h && !n->hooks)
        h->refs = 1;
    if (!h || !clg__grow((void **) &h->all, &h->capacity, h->n + 1, sizeof *h->all)) {
        if (h && !n->hooks)
            clg__hooks_unref(h);
        return clg__call_fail(&c, CLG_ENOMEM, "out of host memory")->status;
    }
    n->hooks = h;
    h->all[h->n] = (struct clg__hook) { hook, user };
    if (id)
        *id = h->n;
    h->n++;
    return CLG_OK;
}

clg_status clg_remove_hook(clg_tensor t, int id)
{
    clg__call c;
    if (!clg__call_begin(&c, "remove_hook", "t", 1, &t))
        return clg__call_poison(&c)->status;
    clg__hooks *h = clg__node_of(t)->hooks;
    if (!h || id < 0 || id >= h->n || !h->all[id].hook)
        return clg__call_fail(&c, CLG_EINVAL, "there is no hook %d", id)->status;
    h->all[id].hook = NULL;
    return CLG_OK;
}

bool clg_set_grad_enabled(clg_device dev, bool enabled)
{
    if (!clg__is_open(dev))
        return true;
    const bool was = !dev->no_grad;
    dev->no_grad = !enabled;
    return was;
}

bool clg_is_grad_enabled(clg_device dev)
{
    return !clg__is_open(dev) || !dev->no_grad;
}
