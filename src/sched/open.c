// SPDX-License-Identifier: MIT
// Opening and closing a device: the recorder, its plans and the OpenCL side come together here.
#include "sched/cache.h"
#include "sched/stand_in.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/format.h"
#include "base/fp.h"
#include "base/log.h"
#include "base/signals.h"

#include <string.h>

static void buf_ref(void *b)
{
    clg__buf_ref(b);
}

static void buf_unref(void *b)
{
    clg__buf_unref(b);
}

// What is left of it says that it was closed.
static void destroy(clg_device dev)
{
    clg__sched *s = dev->sched;
    if (s)
        clg__watch_end(&s->watch);
    clg__recorder_free(dev);
    if (s) {
        clg__cache_clear(s);
        clg__examples_free(s->examples);
        clg__str_free(&s->key.bytes);
        clg__choices_free(&s->choices);
        clg__free(s);
    }
    clg__gpu_unref(dev->gpu);
    clg__block_park(dev);
}

static clg_status open_gpu(clg_device dev, const struct clg_device_params *p, clg__err *e)
{
    clg__gpu *gpu = NULL;
    if (p->share) {
        gpu = p->share->gpu;
        clg__gpu_ref(gpu);
    } else if (clg__gpu_open(&gpu, p, e) < 0) {
        return e->status;
    }
    dev->gpu = gpu;
    dev->info = clg__gpu_info(gpu);
    dev->caps = clg__gpu_caps(gpu);
    return CLG_OK;
}

clg_status clg_device_open(clg_device *out, const struct clg_device_params *p)
{
    CLG__DEFAULT_FP;
    CLG__QUIET_THREADS;
    clg__err e = { 0 };
    struct clg_device_params q;
    clg__log_read();
    if (!out) {
        clg__caller_bug("NULL");
        return CLG_EINVAL;
    }
    *out = NULL;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    if (wrong) { // a size of 0 is this version's struct, filled without the macro
        if (p->size == 0 || p->size >= sizeof q)
            q = *p;
        if (q.error && q.error_size)
            clg__format(q.error, q.error_size, "device open: %s", wrong);
        return CLG_EINVAL;
    }
    p = &q;
    if (p->share && !clg__is_open(p->share)) {
        clg__caller_bug("device open: .share was closed");
        if (p->error && p->error_size)
            clg__format(p->error, p->error_size, "device open: .share is a device that was closed");
        return CLG_EINVAL;
    }
    clg_device dev = clg__block_new(sizeof *dev);
    clg__sched *s = dev ? clg__calloc(1, sizeof *s) : NULL;
    if (dev) {
        dev->sched = s;
        dev->buf_ref = buf_ref;
        dev->buf_unref = buf_unref;
    }
    if (!s || clg__recorder_init(dev) < 0)
        clg__fail(&e, CLG_ENOMEM, "device open: out of host memory");
    else if (clg__choices_read(&s->choices, clg__env(CLG__CLGRAD_VARIANT), &e))
        open_gpu(dev, p, &e);
    if (e.status < 0) {
        if (dev)
            destroy(dev);
        if (p->error && p->error_size)
            clg__format(p->error, p->error_size, "%s", e.text);
        return e.status;
    }
    const char *fuse = clg__env(CLG__CLGRAD_FUSE);
    s->fuse = !fuse || strcmp(fuse, "0") != 0;
    s->gpu = dev->gpu;
    s->examples = clg__examples_new(); // none: nothing stands in
    *out = dev;
    return CLG_OK;
}

void clg_device_close(clg_device *dev)
{
    CLG__DEFAULT_FP;
    if (!dev || !*dev)
        return;
    clg_device d = *dev;
    *dev = NULL;
    if (clg__is_open(d))
        destroy(d);
    else
        clg__caller_bug("device close: it was closed already");
}

clg_device_stats clg_device_get_stats(clg_device dev)
{
    clg_device_stats st = { 0 };
    if (!clg__is_open(dev))
        return st;
    const clg__sched *s = dev->sched;
    clg__gpu_stats(dev->gpu, &st);
    st.plans = (uint64_t) s->n;
    st.plan_hits = s->hits;
    st.plan_misses = s->misses;
    st.nodes = (uint64_t) dev->n_nodes;
    st.handles = (uint64_t) dev->n_handles;
    st.host_bytes = clg__alloc_live() - clg__blocks_bytes() + (uint64_t) dev->n_nodes * sizeof(clg__node);
    return st;
}

bool clg_device_watch(clg_device dev, bool on)
{
    if (!clg__is_open(dev))
        return false;
    const bool was = dev->watch;
    dev->watch = on;
    return was;
}

void clg_device_trim(clg_device dev)
{
    CLG__DEFAULT_FP;
    if (!clg__is_open(dev))
        return;
    clg__cache_clear(dev->sched);
    if (!((clg__sched *) dev->sched)->watch.is_open)
        clg__watch_forget_flags(&((clg__sched *) dev->sched)->watch);
    clg__gpu_trim(dev->gpu);
}

clg_status clg_device_profile(clg_device dev,
                              void (*each)(void *user, const clg_kernel_profile *row),
                              void *user)
{
    CLG__DEFAULT_FP;
    clg__err e = { 0 };
    if (!clg__is_open(dev))
        return clg__misuse(NULL, "device_profile: %s", clg__why_no_device(dev));
    if (clg__gpu_profile(dev->gpu, each, user, &e) < 0)
        return clg__publish(dev, e.status, e.text);
    return CLG_OK;
}
