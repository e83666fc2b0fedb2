// SPDX-License-Identifier: MIT
// A recorder that knows what a device can do and has none: for tests of plans.
#ifndef CLG_TESTS_PLANNED_H
#define CLG_TESTS_PLANNED_H

#include "base/caps.h"
#include "graph/build.h"
#include "graph/node.h"

#include "checks.h"

static const clg_device_info info = { .name = "none" };
static clg__caps caps;
static struct clg_device_t recorder;
static const clg_device dev = &recorder;
static char memory; // what leaves are said to be in

static inline void none(void *buf)
{
    (void) buf;
}

static inline void begin(bool cpu, int align)
{
    caps = (clg__caps) { .cpu_class = cpu, .is_cpu = cpu, .fp64 = true, .compute_units = 4,
                         .max_work_group = cpu ? 4096 : 256, .max_parameter_bytes = 1024, .local_bytes = 32 << 10,
                         .global_bytes = (uint64_t) 8 << 30, .max_alloc_bytes = (uint64_t) 2 << 30,
                         .base_align = align, .local_is_dedicated = !cpu, .lanes = 16, .registers = 32,
                         .cache_bytes = 1 << 20 };
    recorder = (struct clg_device_t) { .info = &info, .caps = &caps, .buf_ref = none, .buf_unref = none };
    ck_assert_int_eq(clg__recorder_init(dev), CLG_OK);
}

static inline clg_tensor leaf(clg_dtype t, clg_shape s)
{
    clg_tensor x = clg_zeros(dev, t, s);
    ck_assert_int_eq(x->status, CLG_OK);
    clg__node_set_buffer(clg__node_of(x), &memory, 0);
    return x;
}

static inline clg_tensor weight(clg_shape s)
{
    return clg_track(leaf(CLG_F32, s));
}

// As if the first values of all variables had been evaluated.
static inline void variables_are_made(void)
{
    for (int i = 0; i < dev->n_pending; i++) {
        if (dev->pending[i].creation)
            clg__node_set_buffer(dev->pending[i].value, &memory, 0);
    }
    clg__pending_commit(dev, true, false);
}
#endif
