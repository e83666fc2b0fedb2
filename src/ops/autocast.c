// SPDX-License-Identifier: MIT
// Autocast: inputs of some operations get another type while it is on. The table is autocast.def.
#include "graph/build.h"
#include "graph/node.h"
#include <clgrad/ops.h>

#include <string.h>

static const struct row {
    const char *name;
    clg_autocast_policy policy;
} rows[] = {
#define LOW(name) { #name, CLG_AUTOCAST_LOW },
#define WIDE(name) { #name, CLG_AUTOCAST_WIDE },
#include "ops/autocast.def"
};

enum { ROWS = sizeof rows / sizeof rows[0] };

const char *clg_autocast_row(int i, clg_autocast_policy *policy)
{
    if (i < 0 || i >= ROWS)
        return NULL;
    if (policy)
        *policy = rows[i].policy;
    return rows[i].name;
}

clg_autocast clg_autocast_set(clg_device dev, clg_autocast a)
{
    if (!clg__is_open(dev)) {
        clg__caller_bug(dev ? "autocast_set: the device was closed" : "autocast_set: the device is NULL");
        return (clg_autocast) { false, CLG_F32 };
    }
    const clg_autocast old = { dev->autocast != 0, dev->autocast ? (clg_dtype) dev->autocast : CLG_F32 };
    if (a.on && a.type != CLG_F16 && a.type != CLG_BF16)
        clg_fail(dev, CLG_EDTYPE, "autocast_set: a type that is neither f16 nor bf16");
    else
        dev->autocast = a.on ? (int) a.type : 0;
    return old;
}

static clg_autocast_policy policy_of(const char *op)
{
    for (int i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, op) == 0)
            return rows[i].policy;
    }
    return CLG_AUTOCAST_AS_IS;
}

clg_tensor clg_autocast_input(const char *op, clg_tensor t)
{
    if (!t || t->status < 0 || !op || !clg__is_open(t->dev) || !t->dev->autocast || t->dev->sweeping > 0)
        return t;
    const bool low = t->dtype == CLG_F16 || t->dtype == CLG_BF16;
    if (!low && t->dtype != CLG_F32)
        return t;
    const clg_autocast_policy policy = policy_of(op);
    const clg_dtype to = policy == CLG_AUTOCAST_LOW ? (clg_dtype) t->dev->autocast : CLG_F32;
    return policy == CLG_AUTOCAST_AS_IS || to == t->dtype || (policy == CLG_AUTOCAST_WIDE && !low) ? t : clg_cast(t, to);
}
