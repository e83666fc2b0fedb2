// SPDX-License-Identifier: MIT
// Averages of weights, and their use in the weights' place.
#include "nn/fp.h"
#include "nn/store.h"

#include <clgrad/grad.h>
#include <clgrad/schedule.h>

#include <stdlib.h>

static bool is_low(clg_dtype t)
{
    return t == CLG_F16 || t == CLG_BF16;
}

static bool is_averaged(const struct entry *e)
{
    return e->role == PARAMETER && !e->frozen;
}

// One weight's average; it is w where there was none.
static bool average_one(clg_store s, int i, clg_tensor share, clg_var *v, clg_tensor *t, int *n)
{
    const struct entry e = s->entry[i];
    const clg_dtype type = is_low(e.dtype) ? CLG_F32 : e.dtype;
    clg_tensor w = clg_detach(clg_var_value(e.var));
    w = type == e.dtype ? w : clg_cast(w, type);
    const bool known = clg__store_has_state(s, "average", e.name);
    clg_var a = clg__store_state(s, "average", e.name, type, e.shape, 0, w);
    if (!a || !known)
        return a != NULL;
    clg_tensor old = clg_var_value(a);
    v[*n] = a;
    t[(*n)++] = clg_add(old, clg_mul(type == CLG_F64 ? clg_cast(share, CLG_F64) : share, clg_sub(w, old)));
    return true;
}

clg_status clg_store_average(clg_store s, const struct clg_average_params *given)
{
    struct clg_average_params p;
    if (!clg__store_usable(s, "store_average"))
        return CLG_EINVAL;
    DEFAULT_FP;
    const char *wrong = clg_params_read(&p, sizeof p, given);
    if (!wrong && !(p.decay >= 0 && p.decay <= 1))
        wrong = "decay is not from 0 to 1";
    if (!wrong && s->averaged)
        wrong = "the averages are in use";
    if (wrong)
        return clg_fail(s->dev, CLG_EINVAL, "store_average: %s", wrong);
    const int claimed = s->claimed, count = s->n;
    clg_var *v = calloc((size_t) count + 1, sizeof *v);
    clg_tensor *t = calloc((size_t) count + 1, sizeof *t);
    s->refused = CLG_OK;
    clg_var times = v && t ? clg__store_state(s, "averages", NULL, CLG_F32, CLG_SCALAR, 0, NULL) : NULL;
    bool ok = times != NULL;
    int n = 0;
    if (ok) {
        clg_tensor one = clg_scalar(s->dev, CLG_F32, 1), after = clg_detach(clg_add(clg_var_value(times), one));
        clg_tensor share = p.equal ? clg_div(one, after)
                                   : clg_scalar(s->dev, CLG_F32, 1 - (p.decay != 0 ? p.decay : 0.999));
        v[n] = times;
        t[n++] = after;
        for (int i = 0; i < s->n && ok; i++) // states that are made here stand behind what was claimed
            ok = i >= claimed || !is_averaged(&s->entry[i]) || average_one(s, i, share, v, t, &n);
    }
    clg_status st = ok ? clg_assign_n(v, t, n) : s->refused;
    if (!ok && st >= 0)
        st = clg_fail(s->dev, CLG_ENOMEM, "store_average: out of host memory");
    if (st < 0)
        clg__store_back(s, claimed);
    free(v);
    free(t);
    return st;
}

void clg__store_forget_kept(clg_store s)
{
    for (int i = 0; i < s->n; i++) {
        if (s->entry[i].kept)
            clg_var_destroy(&s->entry[i].kept);
    }
    s->averaged = false;
}

// What parameter i becomes. On: its average, and the weight is kept beside it; off: the weight.
static clg_tensor swapped(clg_store s, int i, bool on)
{
    struct entry *e = &s->entry[i];
    if (!on)
        return clg_var_value(e->kept);
    clg_var a = clg__store_state(s, "average", e->name, is_low(e->dtype) ? CLG_F32 : e->dtype, e->shape, 0, NULL);
    e->kept = a ? clg_var_create(clg_var_value(e->var)) : NULL;
    if (!e->kept)
        return NULL;
    return is_low(e->dtype) ? clg_cast(clg_var_value(a), e->dtype) : clg_var_value(a);
}

clg_status clg_store_use_average(clg_store s, bool on)
{
    if (!clg__store_usable(s, "store_use_average"))
        return CLG_EINVAL;
    if (on == s->averaged)
        return CLG_OK;
    const int claimed = s->claimed;
    clg_var *v = calloc((size_t) s->n + 1, sizeof *v);
    clg_tensor *t = calloc((size_t) s->n + 1, sizeof *t);
    int n = 0;
    bool ok = v && t;
    s->refused = CLG_OK;
    for (int i = 0; i < claimed && ok; i++) {
        const struct entry *e = &s->entry[i];
        if (on ? e->role != PARAMETER || !clg__store_has_state(s, "average", e->name) : !e->kept)
            continue;
        v[n] = e->var;
        t[n] = swapped(s, i, on);
        ok = t[n++] != NULL;
    }
    clg_status st = s->refused;
    if (!ok && st >= 0)
        st = clg_fail(s->dev, CLG_ENOMEM, "store_use_average: out of host memory");
    else if (ok && n == 0)
        st = clg_fail(s->dev, CLG_EINVAL, "store_use_average: there are no averages");
    if (st >= 0)
        st = clg_assign_n(v, t, n);
    if (st >= 0 ? !on : on)
        clg__store_forget_kept(s);
    s->averaged = on && st >= 0;
    free(v);
    free(t);
    return st;
}
