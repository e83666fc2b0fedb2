// SPDX-License-Identifier: MIT
// What layers share: the store's parameters under the layer's name, and a failing call that leaves none behind.
#include "nn/layer.h"

#include "nn/monitor.h"

#include <stdio.h>
#include <string.h>

const char *clg__layer_wrong_store(clg_store s, clg_tensor x)
{
    const char *why = clg__store_dead(s);
    return why ? why : s->dev != x->dev ? "x belongs to another device than the store" : NULL;
}

clg_tensor clg__layer_misuse(clg_device dev, const char *what, const char *why)
{
    clg__object_misuse(dev, "%s: %s", what, why);
    return clg_poison(dev, CLG_EINVAL, "%s: %s", what, why);
}

// NULL, or the poison that the call is.
clg_tensor clg__layer_begin(clg__layer *l, const char *what, clg_store s, const char *name, clg_tensor x)
{
    *l = (clg__layer) { what, name, s, x, 0, NULL };
    char full[200];
    snprintf(full, sizeof full, "%s '%.150s'", what, name ? name : "?");
    clg_tensor bad = clg_check_inputs(full, "x", &x, 1);
    if (bad)
        return bad;
    const char *why = clg__layer_wrong_store(s, x);
    if (why || !name)
        return clg__layer_misuse(x->dev, full, why ? why : "the name is NULL");
    l->claimed = s->claimed;
    s->refused = CLG_OK;
    return NULL;
}

clg_tensor clg__layer_refuse(const clg__layer *l, clg_status st, const char *why)
{
    clg__store_back(l->s, l->claimed);
    return clg_poison(l->x->dev, st, "%s '%.200s': %s", l->what, l->name, why);
}

// A parameter is not to be had.
clg_tensor clg__layer_missing(const clg__layer *l)
{
    const char *why = l->s->why;
    const size_t prefix = strlen("store: "); // the layer speaks
    if (strncmp(why, "store: ", prefix) == 0)
        why += prefix;
    return clg__layer_refuse(l, l->s->refused < 0 ? l->s->refused : CLG_ENOMEM, why);
}

// "conv1.weight"; cut short it could be another's.
static bool join(const clg__layer *l, const char *part, char full[256])
{
    const int n = snprintf(full, 256, "%s.%s", l->name, part);
    if (n < 0 || n >= 256)
        clg__store_refuse(l->s, CLG_EINVAL, "the name is longer than 255 bytes");
    return n >= 0 && n < 256;
}

clg_var clg__layer_param(const clg__layer *l, const char *part, clg_shape shape, clg_init in, int64_t fan_in)
{
    char full[256];
    if (l->s->refused < 0) // the first refusal is the one to tell
        return NULL;
    l->s->quiet = true;
    clg_var v = join(l, part, full) ? clg_store_param(l->s, full, shape, in, fan_in) : NULL;
    l->s->quiet = false;
    return v;
}

clg_var clg__layer_buffer(const clg__layer *l, const char *part, clg_shape shape, double value)
{
    char full[256];
    if (l->s->refused < 0) // the first refusal is the one to tell
        return NULL;
    l->s->quiet = true;
    clg_var v = join(l, part, full) ? clg_store_buffer(l->s, full, CLG_F32, shape, value) : NULL;
    l->s->quiet = false;
    return v;
}

void clg__layer_enter(clg__layer *l)
{
    l->before = clg_set_layer(l->x->dev, l->name);
    clg__monitor_enter(l->s);
}

clg_tensor clg__layer_leave(clg__layer *l, clg_tensor y)
{
    clg_set_layer(l->x->dev, l->before);
    if (y->status < 0)
        clg__store_back(l->s, l->claimed);
    clg__monitor_output(l->s, l->name, y);
    return y;
}
