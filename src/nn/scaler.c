// SPDX-License-Identifier: MIT
// Loss scaling, decided on the device: a step whose gradients are not finite assigns what was there. And the sums of
// gradients of the parts of a batch.
#include "nn/fp.h"
#include "nn/optim.h"

#include <clgrad/amp.h>
#include <clgrad/grad.h>

#include <math.h>

clg_status clg_optim_scale(clg_optim o, const struct clg_scaler_params *given)
{
    struct clg_scaler_params p;
    if (!clg__optim_usable(o, "optim_scale") || !clg__store_usable(o->store, "optim_scale"))
        return CLG_EINVAL;
    const char *wrong = clg_params_read(&p, sizeof p, given);
    if (!wrong) {
        p.init = p.init != 0 ? p.init : 65536;
        p.growth = p.growth != 0 ? p.growth : 2;
        p.backoff = p.backoff != 0 ? p.backoff : 0.5;
        p.interval = p.interval != 0 ? p.interval : 2000;
        wrong = !(p.init > 0 && isfinite(p.init))          ? "init is not above 0 and finite"
                : !(p.growth >= 1 && isfinite(p.growth))   ? "growth is not 1 or more and finite"
                : !(p.backoff > 0 && p.backoff <= 1)       ? "backoff is not above 0 and at most 1"
                : p.interval < 1 || p.interval > 1 << 24   ? "interval is not from 1 to 2^24"
                                                           : NULL;
    }
    if (wrong)
        return clg_fail(o->dev, CLG_EINVAL, "optim_scale: %s", wrong);
    o->scaler = p;
    return CLG_OK;
}

bool clg__scaler_states(clg_optim o)
{
    if (o->scaler.interval == 0 || o->scale)
        return true;
    const unsigned changes = o->store->changes;
    o->scale = clg__store_state(o->store, "scale", NULL, CLG_F32, CLG_SCALAR, o->scaler.init, NULL);
    o->good_steps = o->scale ? clg__store_state(o->store, "good_steps", NULL, CLG_F32, CLG_SCALAR, 0, NULL) : NULL;
    if (o->good_steps && o->seen == changes)
        o->seen = o->store->changes;
    return o->good_steps != NULL;
}

clg_tensor clg_optim_loss_scale(clg_optim o)
{
    if (!clg__optim_usable(o, "optim_loss_scale") || !clg__store_usable(o->store, "optim_loss_scale"))
        return clg_poison(o && clg_device_get_info(o->dev) ? o->dev : NULL, CLG_EINVAL, "optim_loss_scale: %s",
                          !o                          ? "the optimizer is NULL"
                          : !clg__object_alive(o)     ? "the optimizer was destroyed"
                                                      : clg__store_dead(o->store));
    clg_var scale = o->scaler.interval ? clg_store_find(o->store, "optim.scale") : NULL;
    return scale ? clg_detach(clg_var_value(scale)) : clg_scalar(o->dev, CLG_F32, o->scaler.interval ? o->scaler.init : 1);
}

static clg_tensor wide(clg_tensor t)
{
    return t->dtype == CLG_F16 || t->dtype == CLG_BF16 ? clg_cast(t, CLG_F32) : t;
}

// 65536 is no F16, nor are most losses times that.
clg_tensor clg__scaled_loss(clg_optim o, clg_tensor loss)
{
    return o->scale ? clg_mul(wide(loss), clg_detach(clg_var_value(o->scale))) : loss;
}

void clg__scaler_forget(clg_optim o)
{
    if (o->finite && clg_device_get_info(o->dev))
        clg_drop(&o->finite);
    o->finite = NULL;
}

static clg_tensor all_finite(const clg_tensor *grads, int n)
{
    clg_tensor all = NULL;
    for (int i = 0; i < n; i++) {
        clg_tensor one = grads[i] ? clg_all(clg_is_finite(grads[i]), CLG_ALL, false) : NULL;
        all = all && one ? clg_logical_and(all, one) : one ? one : all;
    }
    return all;
}

void clg__unscale(clg_optim o, clg_tensor *grads, int n)
{
    clg__scaler_forget(o);
    if (!o->scale)
        return;
    clg_tensor by = clg_reciprocal(clg_detach(clg_var_value(o->scale)));
    for (int i = 0; i < n; i++)
        grads[i] = grads[i] ? clg_mul(wide(grads[i]), by) : NULL;
    clg_tensor finite = all_finite(grads, n);
    o->finite = finite ? clg_keep(finite) : NULL; // clipping by value would hide an infinity
}

void clg__scaler_step(clg__step *s, const clg_tensor *grads, int n)
{
    if (s->o->scale)
        s->take = s->o->finite ? s->o->finite : all_finite(grads, n);
}

void clg__scaler_update(clg__step *s)
{
    const clg_optim o = s->o;
    if (!o->scale || !s->take)
        return;
    const struct clg_scaler_params *p = &o->scaler;
    clg_tensor take = s->take, scale = clg_var_value(o->scale), zero = clg_scalar(s->dev, CLG_F32, 0);
    clg_tensor good = clg_add(clg_var_value(o->good_steps), clg_scalar(s->dev, CLG_F32, 1));
    clg_tensor grows = clg_ge(good, clg_scalar(s->dev, CLG_F32, (double) p->interval));
    clg_tensor more = clg_mul(scale, clg_scalar(s->dev, CLG_F32, p->growth));
    more = clg_where(clg_logical_and(grows, clg_is_finite(more)), more, scale);
    s->take = NULL; // these change in any case
    clg__step_put(s, o->scale, clg_detach(clg_where(take, more, clg_mul(scale, clg_scalar(s->dev, CLG_F32, p->backoff)))));
    clg__step_put(s, o->good_steps, clg_detach(clg_where(clg_logical_and(take, clg_logical_not(grows)), good, zero)));
    s->take = take;
    clg__scaler_forget(o);
}

// ---- parts of a batch

clg_status clg_optim_accumulate(clg_optim o, clg_tensor loss, double weight)
{
    clg_status st = clg__optim_begin(o, "optim_accumulate", loss);
    if (st < 0)
        return st;
    st = clg__optim_sweep(o, "optim_accumulate", clg_mul_scalar(loss, weight));
    for (int i = 0; st >= 0 && i < o->n; i++) {
        clg__param *p = &o->param[i];
        if (!o->grad[i])
            continue;
        clg_tensor g = clg_detach(wide(o->grad[i]));
        if (!p->sum) {
            p->sum = clg_var_create(g);
            st = p->sum ? CLG_OK : clg_error_status(o->dev);
        } else {
            st = clg_var_assign(p->sum, p->summed ? clg_add(clg_detach(clg_var_value(p->sum)), g) : g);
        }
        p->summed = st >= 0;
    }
    return st;
}

clg_status clg_optim_accumulated(clg_optim o, clg_tensor **grads, int *n)
{
    if (!clg__optim_usable(o, "optim_accumulated") || !clg__store_usable(o->store, "optim_accumulated"))
        return CLG_EINVAL;
    const clg_status st = clg__optim_params(o, "optim_accumulated");
    if (st < 0)
        return st;
    int some = 0;
    for (int i = 0; i < o->n; i++) {
        clg__param *p = &o->param[i];
        o->grad[i] = p->summed ? clg_detach(clg_var_value(p->sum)) : NULL;
        some += p->summed;
        p->summed = false;
    }
    if (some == 0)
        return clg_fail(o->dev, CLG_EINVAL, "optim_accumulated: nothing was added up");
    clg__unscale(o, o->grad, o->n);
    if (grads)
        *grads = o->grad;
    if (n)
        *n = o->n;
    return CLG_OK;
}
