// SPDX-License-Identifier: MIT
// The recording half of a device: error text, random counter, tear-down.
#include "graph/node.h"

#include "base/alloc.h"
#include "base/format.h"
#include "graph/build.h"
#include <clgrad/ops.h>

#include <pthread.h>
#include <stdarg.h>

clg_status clg__recorder_init(clg_device dev)
{
    dev->scope = clg__calloc(1, sizeof *dev->scope);
    if (!dev->scope)
        return CLG_ENOMEM;
    dev->scope->dev = dev;
    return CLG_OK;
}

void clg__recorder_free(clg_device dev)
{
    while (dev->vars) {
        clg_var v = dev->vars;
        clg_var_destroy(&v);
    }
    clg__pending_discard(dev); // of no variable any more: all go
    while (dev->scope && dev->scope->parent)
        clg_scope_pop(dev->scope);
    struct clg_scope_t *root = dev->scope;
    if (root) {
        for (int i = root->n - 1; i >= 0; i--)
            clg__node_unref(root->handles[i]);
        clg__free(root->handles);
        clg__free(root);
    }
    // What is left are kept handles: their owners are gone with the device. The newest comes first, and
    // nothing older needs it.
    for (clg__node *n = dev->nodes; n; n = dev->nodes) {
        while (n && !n->kept)
            n = n->next;
        if (!n)
            n = dev->nodes;
        n->refs = n->refs > n->kept ? n->refs - n->kept + 1 : 1;
        n->kept = 0;
        clg__node_unref(n);
    }
    clg__bury(dev, 0);
    clg__free(dev->pending);
}

#ifdef CLG_DEBUG
void clg__enter(clg_device dev)
{
    const uintptr_t self = (uintptr_t) pthread_self();
    uintptr_t owner = 0;
    if (!__atomic_compare_exchange_n(&dev->thread, &owner, self, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_ACQUIRE) && owner != self)
        clg__caller_bug("two threads in one device");
    dev->depth++;
}

void clg__leave(clg_device dev)
{
    if (--dev->depth == 0)
        __atomic_store_n(&dev->thread, (uintptr_t) 0, __ATOMIC_RELEASE);
}
#endif

clg_status clg__publish(clg_device dev, clg_status st, const char *text)
{
    if (dev && dev->first.status == CLG_OK)
        clg__fail(&dev->first, st, "%s", text);
    return st;
}

const char *clg_error(clg_device dev, clg_status st)
{
    if (dev && dev->first.status < 0)
        return dev->first.text;
    return clg_status_text(st);
}

clg_status clg_error_status(clg_device dev)
{
    return dev ? dev->first.status : CLG_EINVAL;
}

void clg_error_clear(clg_device dev)
{
    if (dev)
        dev->first.status = CLG_OK;
}

clg_status clg_fail(clg_device dev, clg_status st, const char *format, ...)
{
    char text[CLG__ERR_TEXT];
    va_list ap;
    va_start(ap, format);
    clg__vformat(text, sizeof text, format, ap);
    va_end(ap);
    return clg__publish(dev, st, text);
}

clg_tensor clg_poison(clg_device dev, clg_status st, const char *format, ...)
{
    char text[CLG__ERR_TEXT];
    va_list ap;
    va_start(ap, format);
    clg__vformat(text, sizeof text, format, ap);
    va_end(ap);
    return clg__poison(dev, st < 0 ? st : CLG_EINVAL, text);
}

const char *clg_set_layer(clg_device dev, const char *name)
{
    const char *old = dev ? dev->layer : NULL;
    if (dev)
        dev->layer = name;
    return old;
}

const clg_device_info *clg_device_get_info(clg_device dev)
{
    return dev ? dev->info : NULL;
}

bool clg_device_has(clg_device dev, clg_dtype t)
{
    return dev && clg_dtype_size(t) > 0 && (t != CLG_F64 || dev->caps->fp64);
}

uint32_t clg__stamp(clg_device dev)
{
    if (++dev->stamp == 0) { // wrapped: no old mark may look new
        for (clg__node *n = dev->nodes; n; n = n->next)
            n->stamp = 0;
        dev->stamp = 1;
    }
    return dev->stamp;
}

void clg__random_next(clg_device dev, uint64_t *seed, uint64_t *counter)
{
    *seed = dev->seed;
    *counter = dev->counter++;
}

void clg_manual_seed(clg_device dev, uint64_t seed)
{
    clg_random_set_state(dev, seed, 0);
}

void clg_random_get_state(clg_device dev, uint64_t *seed, uint64_t *counter)
{
    if (seed)
        *seed = dev ? dev->seed : 0;
    if (counter)
        *counter = dev ? dev->counter : 0;
}

void clg_random_set_state(clg_device dev, uint64_t seed, uint64_t counter)
{
    if (!dev)
        return;
    dev->seed = seed;
    dev->counter = counter;
}
