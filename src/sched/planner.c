// SPDX-License-Identifier: MIT
// The passes in order, and what they share.
#include "sched/planner.h"

#include "base/alloc.h"
#include "base/log.h"

static const clg__pass passes[] = {
    [CLG__PASS_LOWER] = { "lower", clg__pass_lower },
    [CLG__PASS_SIMPLIFY] = { "simplify", clg__pass_simplify },
    [CLG__PASS_DECIDE] = { "decide", clg__pass_decide },
    [CLG__PASS_MERGE] = { "merge", clg__pass_merge },
    [CLG__PASS_REGISTERS] = { "registers", clg__pass_registers },
    [CLG__PASS_LAUNCHES] = { "launches", clg__pass_launches },
    [CLG__PASS_DESCRIBE] = { "describe", clg__pass_describe },
    [CLG__PASS_MEMORY] = { "memory", clg__pass_memory },
    [CLG__PASS_BUILD] = { "build", clg__pass_build },
    [CLG__PASS_BIND] = { "bind", clg__pass_bind },
};

bool clg__planner_oom(clg__planner *f)
{
    clg__fail(f->w->err, CLG_ENOMEM, "eval: out of host memory while planning");
    return false;
}

static bool show(const clg__planner *f, const char *pass)
{
    clg__str text = { 0 }, *to = f->passes ? f->passes : &text;
    if (!f->passes && !clg__log_on(CLG__LOG_PASS))
        return true;
    const size_t start = to->length;
    clg__dump(f, pass, to);
    clg__log(CLG__LOG_PASS, "%s", clg__str_text(to) + start);
    const bool ok = !to->failed;
    clg__str_free(&text);
    return ok;
}

bool clg__planner_begin(clg__planner *f, clg__gpu *gpu)
{
    f->cost = clg__cost_of(f->w->dev->caps);
    f->emitter = clg__emitter_new();
    f->emitted = clg__malloc(sizeof *f->emitted);
    f->texts = clg__texts_new(f->w->dev->caps);
    f->plan = clg__calloc(1, sizeof *f->plan);
    if (!f->emitter || !f->emitted || !f->texts || !f->plan)
        return clg__planner_oom(f);
    f->plan->gpu = gpu;
    return true;
}

bool clg__planner_run(clg__planner *f, clg__pass_name last)
{
    for (int i = 0; i <= (int) last; i++) {
        // what has no other reason has no memory
        if (!passes[i].run(f) || (i <= CLG__PASS_MEMORY && i != CLG__PASS_DESCRIBE && !show(f, passes[i].name)))
            return clg__planner_oom(f);
    }
    return true;
}

void clg__planner_end(clg__planner *f)
{
    for (int i = 0; i < f->n_sources; i++) {
        clg__kernel_free(f->sources[i].kernel);
        clg__free(f->sources[i].trial.args);
    }
    clg__free(f->sources);
    for (int l = 0; f->kp && f->spare && l < f->n_launches; l++) {
        clg__kplan_free(&f->kp[l]);
        clg__kplan_free(&f->spare[l]);
    }
    clg__free(f->kp);
    clg__free(f->spare);
    clg__free(f->place_of);
    clg__free(f->last_use);
    clg__free(f->scratch_of);
    clg__free(f->spans);
    clg__free(f->views);
    for (int k = 0; k < f->n_groups; k++) {
        clg__free(f->groups[k].body);
        clg__free(f->groups[k].loads);
        clg__free(f->groups[k].place);
    }
    clg__free(f->groups);
    clg__free(f->emitter);
    clg__free(f->emitted);
    clg__texts_free(f->texts);
    clg__free(f->user_start);
    clg__free(f->user);
    clg__free(f->stack);
    clg__free(f->order);
    clg__free(f->launch_start);
}
