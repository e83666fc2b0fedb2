// SPDX-License-Identifier: MIT
// Work that test_faults.c lets fail at every allocation and call.
#include "fault_work.h"

#include <string.h>

// What stands around a step: a group, a schedule, loss scaling, parts of a batch, averages.
clg_status around_a_step(clg_device dev)
{
    clg_scope s = clg_scope_push(dev);
    if (!s)
        return CLG_ENOMEM;
    clg_store w = clg_store_create(dev, 1);
    clg_var v = w ? clg_store_param(w, "w", CLG_SHAPE(3), (clg_init) { CLG_INIT_CONSTANT, 1, 0 }, 0) : NULL;
    clg_optim o = v ? clg_optim_create(w, clg_optim_params(.rule = CLG_OPTIM_RMSPROP)) : NULL;
    clg_schedule part[2] = { NULL, NULL };
    clg_tensor *g;
    char text[2000];
    int n;
    clg_status st = o ? clg_optim_group(o, "v*", clg_optim_params(.lr = 1)) : clg_error_status(dev);
    for (int i = 0; i < 2 && st >= 0; i++) {
        part[i] = clg_schedule_create(o, clg_schedule_params(CLG_SCHEDULE_EXPONENTIAL, .gamma = 0.5));
        st = part[i] ? CLG_OK : clg_error_status(dev);
    }
    clg_schedule both = st >= 0 ? clg_schedule_chained(part, 2) : NULL;
    if (st >= 0)
        st = both ? clg_schedule_step(both) : clg_error_status(dev);
    if (st >= 0)
        st = clg_schedule_save(both, text, sizeof text) > 0 ? clg_schedule_load(both, text) : CLG_ENOMEM;
    if (st >= 0)
        st = clg_optim_scale(o, NULL);
    for (int i = 0; i < 2 && st >= 0; i++)
        st = clg_optim_accumulate(o, clg_sum(clg_mul_scalar(clg_var_value(v), 1), CLG_ALL, false), 1);
    if (st >= 0)
        st = clg_optim_accumulated(o, &g, &n);
    if (st >= 0)
        st = clg_optim_apply(o, g, n);
    if (st >= 0)
        st = clg_store_average(w, NULL);
    if (st >= 0)
        st = clg_store_use_average(w, true);
    if (st >= 0)
        st = clg_store_use_average(w, false);
    for (int i = 0; i < 2; i++)
        clg_schedule_destroy(&part[i]);
    clg_schedule_destroy(&both);
    clg_optim_destroy(&o);
    clg_store_destroy(&w);
    clg_scope_pop(s);
    return st;
}

// v0 and v1 get numbers that are not finite, which the watch undoes, then twice what they have: not even a step whose
// verdict could not be had, for a fault, changes them.
clg_status watched_steps(clg_device dev, const clg_var v[2])
{
    clg_status st = CLG_OK;
    clg_device_watch(dev, true);
    for (int step = 0; step < 3 && st >= 0; step++) {
        clg_scope s = clg_scope_push(dev);
        clg_tensor a = clg_var_value(v[0]), b = clg_var_value(v[1]);
        clg_tensor x = clg_add(clg_log(clg_add_scalar(clg_mul_scalar(a, 0), step > 0)), b);
        st = s ? clg_assign_n(v, (clg_tensor[]) { x, x }, 2) : CLG_ENOMEM;
        if (st >= 0)
            st = clg_eval(clg_sum(b, CLG_ALL, false));
        if (st >= 0)
            st = clg_sync(dev);
        if (step == 0 && st == CLG_ENUMERIC) {
            clg_error_clear(dev);
            st = CLG_OK;
        } else if (step == 0 && st >= 0)
            st = clg_fail(dev, CLG_EDEVICE, "the watch saw nothing");
        clg_scope_pop(s);
    }
    clg_device_watch(dev, false);
    return st;
}

clg_status multiply(clg_device d, float out[3 * 70])
{
    static float a[3 * 300], b[300 * 70];
    for (int i = 0; i < 3 * 300; i++)
        a[i] = (float) (i % 7 - 3);
    for (int i = 0; i < 300 * 70; i++)
        b[i] = (float) (i % 5 - 2);
    clg_scope s = clg_scope_push(d);
    clg_tensor y = clg_matmul(clg_upload(d, CLG_F32, CLG_SHAPE(3, 300), a), clg_upload(d, CLG_F32, CLG_SHAPE(300, 70), b));
    memset(out, 0xff, 3 * 70 * sizeof *out);
    const clg_status st = clg_read(y, out, 3 * 70 * sizeof *out);
    clg_scope_pop(s);
    return st;
}
