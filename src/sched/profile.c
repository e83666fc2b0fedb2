// SPDX-License-Identifier: MIT
// What a step of a plan is for, in words and numbers, for the profile of a device.
#include "sched/planner.h"

int clg__profile_row(const clg__planner *f, int launch, int i, const clg__step *s)
{
    if (!clg__gpu_profiles(f->plan->gpu))
        return -1;
    const clg__kplan *kp = &f->kp[launch];
    const clg__group *g = &f->groups[f->order[f->launch_start[launch]]];
    const clg__value *v = &f->w->values[clg__group_first(g)];
    clg__str op = { 0 }, shape = { 0 };
    clg__launch_ops(f, launch, &op);
    clg__launch_shape(f, launch, &shape);
    const clg_kernel_profile p = {
        .kernel = s->kernel ? clg__kernel_name(s->kernel) : "CLBlast",
        .op = clg__str_text(&op),
        .variant = clg__launch_variant(f, launch),
        .layer = v->node && v->node->layer ? v->node->layer : "",
        .shape = clg__str_text(&shape),
        .flops = i ? 0 : (double) kp->flops,
        .bytes = i ? 0 : (double) kp->bytes,
        .bytes_least = i ? 0 : (double) kp->least,
    };
    const int row = op.failed || shape.failed ? -1 : clg__gpu_profile_row(f->plan->gpu, &p);
    clg__str_free(&op);
    clg__str_free(&shape);
    return row;
}
