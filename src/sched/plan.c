// SPDX-License-Identifier: MIT
// Making a plan, or only seeing what it would take.
#include "sched/planner.h"

#include "base/alloc.h"
#include "base/log.h"

clg__plan *clg__plan_make(clg__work *w, clg__gpu *gpu, const clg__ahead *ahead)
{
    clg__planner f = { .w = w, .ahead = ahead };
    bool ok = clg__planner_begin(&f, gpu) && clg__planner_run(&f, CLG__PASS_BIND);
    clg__plan *p = f.plan;
    if (ok && clg__log_on(CLG__LOG_PLAN))
        clg__plan_log(p, &f);
    clg__planner_end(&f);
    if (ok)
        return p;
    clg__plan_free(p);
    return NULL;
}

bool clg__plan_estimate(clg__work *w, clg_plan_info *info)
{
    clg__planner f = { .w = w };
    const bool ok = clg__planner_begin(&f, NULL) && clg__planner_run(&f, CLG__PASS_MEMORY);
    *info = (clg_plan_info) { .nodes = (uint64_t) w->n_nodes };
    for (int l = 0; l < f.n_launches && ok; l++)
        info->launches += (uint64_t) f.kp[l].n_launches;
    for (int l = 0; l < f.n_launches && ok; l++) {
        info->bytes_moved += f.kp[l].bytes;
        info->flops += f.kp[l].flops;
    }
    if (ok) {
        info->bytes_least = clg__traffic_least(w);
        info->bytes_peak = f.plan->peak;
        info->bytes_live = f.plan->live;
    }
    clg__plan *p = f.plan;
    clg__planner_end(&f);
    clg__plan_free(p);
    return ok;
}

void clg__plan_free(clg__plan *p)
{
    if (!p)
        return;
    clg__kept_free(p); // reads places, buffers and scratch
    for (int i = 0; i < p->n_steps; i++) {
        clg__kernel_free(p->steps[i].kernel);
        clg__free(p->steps[i].bound);
        clg__free(p->steps[i].fixed);
        clg__free(p->steps[i].writes);
    }
    for (int i = 0; i < p->n_geo; i++)
        clg__buf_unref(p->geo[i]);
    clg__free(p->geo);
    clg__free(p->steps);
    clg__free(p->places);
    clg__free(p->output_place);
    clg__free(p->output_offset);
    clg__free(p->output_position);
    clg__free(p->moving);
    clg__free(p->terms);
    clg__positions_free(&p->positions);
    clg__free(p->bufs);
    clg__scratch_free(p->scratch);
    clg__free(p->written);
    clg__str_free(&p->key);
    clg__free(p);
}
