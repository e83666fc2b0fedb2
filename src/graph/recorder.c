// SPDX-License-Identifier: MIT
// The recording half of a device: error text, random counter, tear-down.
#include "graph/node.h"

#include "base/alloc.h"
#include "base/dtype.h"
#include "base/format.h"
#include "graph/build.h"
#include <clgrad/ops.h>

#include <pthread.h>
#include <stdarg.h>
#include <string.h>

// How many ends a dead handle is sure to be told from a live one. Nodes: some 10 MB at most.
enum { NODES_WAIT = 16384, SCOPES_WAIT = 1024, VARS_WAIT = 1024, CUSTOMS_WAIT = 16 };

clg_status clg__recorder_init(clg_device dev)
{
    clg__slots_init(&dev->node_slots, sizeof(clg__node), NODES_WAIT);
    clg__slots_init(&dev->scope_slots, sizeof(struct clg_scope_t), SCOPES_WAIT);
    clg__slots_init(&dev->var_slots, sizeof(struct clg_var_t), VARS_WAIT);
    clg__slots_init(&dev->custom_slots, sizeof(struct clg_custom_t), CUSTOMS_WAIT);
    dev->magic = CLG__OPEN;
    dev->scope = clg__scope_new(dev, NULL, 0);
    return dev->scope ? CLG_OK : CLG_ENOMEM;
}

// Whatever is still held: nothing is counted any more, everything ends.
void clg__recorder_free(clg_device dev)
{
    for (struct clg_scope_t *s = dev->scope; s; s = s->parent)
        clg__free(s->handles);
    dev->scope = NULL;
    dev->vars = NULL;
    clg__nodes_end(dev);
    clg__layers_end(dev);
    clg__observers_end(dev);
    clg__free(dev->ops);
    dev->ops = NULL;
    dev->n_ops = dev->cap_ops = 0;
    clg__free(dev->pending);
    dev->pending = NULL;
    dev->n_pending = 0;
    clg__slots_park(&dev->node_slots);
    clg__slots_park(&dev->scope_slots);
    clg__slots_park(&dev->var_slots);
    clg__slots_park(&dev->custom_slots);
    if (dev->customs)
        dev->customs_free(dev->customs);
    dev->customs = NULL;
    dev->magic = 0;
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
    if (!clg__is_open(dev))
        return st;
    char all[CLG__ERR_TEXT];
    dev->last.status = CLG_OK;
    clg__fail(&dev->last, st, "%s", clg__with_place(text, all));
    if (dev->first.status == CLG_OK)
        dev->first = dev->last;
    return st;
}

const char *clg_error(clg_device dev, clg_status st)
{
    if (dev && !clg__is_open(dev))
        return clg__why_no_device(dev);
    if (!dev || dev->first.status == CLG_OK)
        return clg_status_text(st);
    if (st >= 0 || st == dev->first.status)
        return dev->first.text;
    return st == dev->last.status ? dev->last.text : clg_status_text(st);
}

clg_status clg_error_status(clg_device dev)
{
    return clg__is_open(dev) ? dev->first.status : CLG_EINVAL;
}

void clg_error_clear(clg_device dev)
{
    if (clg__is_open(dev))
        dev->first.status = dev->last.status = CLG_OK;
}

static void message(char text[CLG__ERR_TEXT], clg_status st, const char *format, va_list ap)
{
    if (format)
        clg__vformat(text, CLG__ERR_TEXT, format, ap);
    else
        clg__format(text, CLG__ERR_TEXT, "%s", clg_status_text(st));
}

clg_status clg_fail(clg_device dev, clg_status st, const char *format, ...)
{
    char text[CLG__ERR_TEXT];
    va_list ap;
    st = st < 0 ? st : CLG_EINVAL;
    va_start(ap, format);
    message(text, st, format, ap);
    va_end(ap);
    return clg__publish(dev, st, text);
}

clg_tensor clg_poison(clg_device dev, clg_status st, const char *format, ...)
{
    char text[CLG__ERR_TEXT];
    va_list ap;
    st = st < 0 ? st : CLG_EINVAL;
    va_start(ap, format);
    message(text, st, format, ap);
    va_end(ap);
    return clg__poison(dev, st, text);
}

const clg_device_info *clg_device_get_info(clg_device dev)
{
    return clg__is_open(dev) ? dev->info : NULL;
}

bool clg_device_has(clg_device dev, clg_dtype t)
{
    return clg__is_open(dev) && clg_dtype_size(t) > 0 && (!clg__dtype_of(t)->needs_fp64 || dev->caps->fp64);
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
        *seed = clg__is_open(dev) ? dev->seed : 0;
    if (counter)
        *counter = clg__is_open(dev) ? dev->counter : 0;
}

void clg_random_set_state(clg_device dev, uint64_t seed, uint64_t counter)
{
    if (!clg__is_open(dev))
        return;
    dev->seed = seed;
    dev->counter = counter;
}
