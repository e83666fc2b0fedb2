// SPDX-License-Identifier: MIT
// Launches without their data, for drivers that compile at first launches: with all numbers, and with buffers of the
// right sizes.
#include "sched/planner.h"

#include "base/alloc.h"
#include "base/dtype.h"

#include <string.h>

// Launches of more work are left to be compiled when they are launched: the trial, on one core, would take too long.
static const uint64_t most_flops = 4000000000u, most_bytes = 2000000000u;

static clg__trial_arg number(const void *value, size_t bytes)
{
    clg__trial_arg a = { .kind = CLG__TRIAL_VALUE, .bytes = bytes };
    memcpy(&a.value, value, bytes);
    return a;
}

static clg__trial_arg whole_number(int64_t v, size_t bytes)
{
    const int32_t i32 = (int32_t) v;
    return bytes == sizeof i32 ? number(&i32, sizeof i32) : number(&v, sizeof v);
}

static clg__trial_arg buffer(size_t bytes, const void *data)
{
    return (clg__trial_arg) { .kind = CLG__TRIAL_BUFFER, .bytes = bytes, .data = data };
}

// -1: it is not stored, which binding will tell.
static bool buffer_of_value(const clg__planner *f, int value, clg__trial_arg *a)
{
    const int place = value < 0 ? -1 : f->place_of[value];
    if (place < 0)
        return false;
    const clg__place *p = &f->plan->places[place];
    *a = buffer(p->kind == CLG__PLACE_LEAF ? clg__buf_bytes(f->w->nodes[p->node_index]->buf) : p->bytes, NULL);
    return true;
}

static clg__trial_arg scalar(clg_dtype t)
{
    const clg_dtype as = clg__dtype_of(t)->as;
    int64_t element = 0;
    clg_element_set(as, &element, 1);
    return number(&element, clg_dtype_size(as));
}

static bool add(const clg__planner *f, int launch, const clg__arg *a, clg__trial *t)
{
    const clg__kplan *kp = &f->kp[launch];
    const int group = f->order[f->launch_start[launch]];
    clg__trial_arg *to = &t->args[t->n_args];
    t->n_args++;
    switch (a->kind) {
    case CLG__ARG_IN:
    case CLG__ARG_OUT:
        return buffer_of_value(f, clg__arg_value(f, group, a), to);
    case CLG__ARG_TEMP:
        *to = buffer(kp->temp_bytes[a->index], NULL);
        return true;
    case CLG__ARG_GEO:
        *to = buffer((size_t) kp->n_geo * sizeof kp->geo[0], kp->geo);
        return true;
    case CLG__ARG_SCALAR:
        *to = scalar(a->dtype);
        return true;
    case CLG__ARG_SEED:
        to[0] = to[1] = whole_number(0, 8);
        t->n_args++;
        return true;
    case CLG__ARG_IN_OFFSET:
        *to = whole_number(clg__input_offset(f, group, a->index), 8);
        return true;
    case CLG__ARG_OFFSET:
        *to = whole_number(a->i, 8);
        return true;
    case CLG__ARG_I32:
        *to = whole_number(a->i, 4);
        return true;
    case CLG__ARG_I64:
        *to = whole_number(a->i, 8);
        return true;
    case CLG__ARG_LOCAL:
        *to = (clg__trial_arg) { .kind = CLG__TRIAL_LOCAL, .bytes = a->i > 0 ? (size_t) a->i : 4 };
        return true;
    case CLG__ARG_EPILOGUE:
        t->n_args--; // expanded: identity
        return true;
    }
    return false;
}

bool clg__trial_of(const clg__planner *f, int launch, const clg__launch *k, clg__trial *t)
{
    const clg__kplan *kp = &f->kp[launch];
    *t = (clg__trial) { .dims = k->dims };
    if (kp->flops > most_flops || kp->bytes > most_bytes)
        return true;
    t->args = clg__calloc((size_t) k->n_args * 2 + 1, sizeof *t->args);
    if (!t->args)
        return false;
    memcpy(t->groups, k->grid, sizeof t->groups);
    memcpy(t->items, k->group, sizeof t->items);
    bool ok = true;
    for (int a = 0; a < k->n_args && ok; a++)
        ok = add(f, launch, &k->args[a], t);
    if (!ok)
        t->n_args = 0;
    return true;
}
