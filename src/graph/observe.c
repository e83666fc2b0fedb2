// SPDX-License-Identifier: MIT
// Functions that see what is recorded. They are called for what a program computes: not for derivatives, not for what the
// library does for itself, and not for what they record.
#include "graph/node.h"

#include "base/alloc.h"
#include "graph/build.h"
#include <clgrad/observe.h>

struct clg__observer {
    clg_observer call; // NULL: removed
    void *user;
};

void clg__observed(clg_tensor y, const char *op)
{
    clg_device dev = y->dev;
    if (y->status < 0 || !dev || dev->observing || dev->sweeping > 0 || dev->internal > 0)
        return;
    dev->observing = true;
    for (int i = 0; i < dev->n_observers; i++) {
        const struct clg__observer o = dev->observers[i];
        if (o.call)
            o.call(y, op, o.user);
    }
    dev->observing = false;
    int kept = 0; // those that ended meanwhile go
    for (int i = 0; i < dev->n_observers; i++) {
        if (dev->observers[i].call)
            dev->observers[kept++] = dev->observers[i];
    }
    dev->n_observers = kept;
}

const char *clg_tensor_op(clg_tensor t)
{
    return clg__is_usable(t) ? clg__node_of(t)->op->name : "";
}

clg_status clg_observe(clg_device dev, clg_observer observer, void *user)
{
    if (!clg__is_open(dev))
        return clg__misuse(NULL, "observe: %s", clg__why_no_device(dev));
    if (!observer)
        return clg__publish(dev, CLG_EINVAL, "observe: the function is NULL");
    if (!clg__grow((void **) &dev->observers, &dev->cap_observers, dev->n_observers + 1, sizeof *dev->observers))
        return clg__publish(dev, CLG_ENOMEM, "observe: out of host memory");
    dev->observers[dev->n_observers++] = (struct clg__observer) { observer, user };
    return CLG_OK;
}

clg_status clg_unobserve(clg_device dev, clg_observer observer, void *user)
{
    if (!clg__is_open(dev))
        return clg__misuse(NULL, "unobserve: %s", clg__why_no_device(dev));
    for (int i = dev->n_observers - 1; i >= 0; i--) {
        struct clg__observer *o = &dev->observers[i];
        if (!observer || o->call != observer || o->user != user)
            continue;
        o->call = NULL;
        for (int k = i; k + 1 < dev->n_observers && !dev->observing; k++)
            dev->observers[k] = dev->observers[k + 1];
        dev->n_observers -= !dev->observing;
        return CLG_OK;
    }
    return clg__publish(dev, CLG_EINVAL, "unobserve: it was not observing");
}

void clg__observers_end(clg_device dev)
{
    clg__free(dev->observers);
    dev->observers = NULL;
    dev->n_observers = dev->cap_observers = 0;
}
