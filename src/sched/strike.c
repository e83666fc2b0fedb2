// SPDX-License-Identifier: MIT
// A variant that a device cannot build or launch is struck for as long as the device is open, and the plan made again
// with what comes after it. A strike that did not help is taken back.
#include "sched/planner.h"

#include "base/log.h"

// What failed to build: the first launch whose kernels alone do not, either.
void clg__find_unfit(clg__planner *f)
{
    clg__work *w = f->w;
    if (w->err->status != CLG_EBUILD)
        return;
    for (int l = 0, at = 0; l < f->n_launches && !w->unfit; l++) {
        const clg__group *g = &f->groups[f->order[f->launch_start[l]]];
        int n = 0;
        for (int i = 0; i < f->kp[l].n_launches; i++)
            n += !f->kp[l].launches[i].blas.used;
        clg__err err = { 0 };
        const bool others = g->kind == CLG__GROUP_KERNEL && w->values[g->kernel].op->n_variants > 1;
        if (others && n > 0 && !clg__gpu_is_struck(f->plan->gpu, g->variant) &&
            clg__gpu_build(f->plan->gpu, f->sources + at, n, NULL, &err) == CLG_EBUILD)
            w->unfit = g->variant;
        for (int i = at; i < at + n; i++) {
            clg__kernel_free(f->sources[i].kernel);
            f->sources[i].kernel = NULL;
        }
        at += n;
    }
}

bool clg__strike(clg__work *w)
{
    const clg__variant *v = w->unfit;
    clg__gpu *gpu = w->dev->gpu;
    w->unfit = NULL;
    for (int i = 0; i < w->n_struck; i++) {
        if (w->struck[i] == v) // there was no other
            return false;
    }
    if (!v || w->n_struck == CLG__MOST_STRUCK)
        return false;
    const bool known = clg__gpu_is_struck(gpu, v); // by another recorder, after this one's plan was made
    if (!known && !clg__gpu_strike(gpu, v))
        return false;
    w->struck[w->n_struck++] = v;
    if (!known)
        clg__log(CLG__LOG_DISPATCH, "variant %s struck, planned again without it: %s", v->name, w->err->text);
    w->err->status = CLG_OK;
    return true;
}

void clg__strikes_undo(clg__work *w)
{
    for (int i = 0; i < w->n_struck; i++)
        clg__gpu_unstrike(w->dev->gpu, w->struck[i]);
    w->n_struck = 0;
}
