// SPDX-License-Identifier: MIT
// The passes in order, and what they share.
#include "sched/planner.h"

#include "base/alloc.h"
#include "base/log.h"

static const clg__pass passes[] = {
    [CLG__PASS_LOWER] = { "lower", clg__pass_lower },
    [CLG__PASS_DECIDE] = { "decide", clg__pass_decide },
    [CLG__PASS_MERGE] = { "merge", clg__pass_merge },
    [CLG__PASS_REGISTERS] = { "registers", clg__pass_registers },
    [CLG__PASS_LAUNCHES] = { "launches", clg__pass_launches },
    [CLG__PASS_DESCRIBE] = { "describe", clg__pass_describe },
    [CLG__PASS_MEMORY] = { "memory", clg__pass_memory },
    [CLG__PASS_BUILD] = { "build", clg__pass_build },
    [CLG__PASS_BIND] = { "bind", clg__pass_bind },
};

bool clg__planner_oom(clg__planner *m)
{
    clg__fail(m->w->err, CLG_ENOMEM, "eval: out of host memory while planning");
    return false;
}

static bool show(const clg__planner *m, const char *pass)
{
    clg__str text = { 0 }, *to = m->passes ? m->passes : &text;
    if (!m->passes && !clg__log_on(CLG__LOG_PASS))
        return true;
    const size_t start = to->length;
    clg__dump(m, pass, to);
    clg__log(CLG__LOG_PASS, "%s", clg__str_text(to) + start);
    const bool ok = !to->failed;
    clg__str_free(&text);
    return ok;
}

bool clg__planner_begin(clg__planner *m, clg__gpu *gpu)
{
    m->cost = clg__cost_of(m->w->dev->caps);
    m->emitter = clg__emitter_new();
    m->room = clg__malloc(sizeof *m->room);
    m->texts = clg__texts_new(m->w->dev->caps);
    m->plan = clg__calloc(1, sizeof *m->plan);
    if (!m->emitter || !m->room || !m->texts || !m->plan)
        return clg__planner_oom(m);
    m->plan->gpu = gpu;
    return true;
}

bool clg__planner_run(clg__planner *m, clg__pass_name last)
{
    for (int i = 0; i <= (int) last; i++) {
        // what has no other reason has no memory
        if (!passes[i].run(m) || (i <= CLG__PASS_MEMORY && i != CLG__PASS_DESCRIBE && !show(m, passes[i].name)))
            return clg__planner_oom(m);
    }
    return true;
}

void clg__planner_end(clg__planner *m)
{
    for (int i = 0; i < m->n_units; i++)
        clg__kernel_free(m->units[i].kernel);
    clg__free(m->units);
    for (int l = 0; m->kp && m->spare && l < m->n_launches; l++) {
        clg__kplan_free(&m->kp[l]);
        clg__kplan_free(&m->spare[l]);
    }
    clg__free(m->kp);
    clg__free(m->spare);
    clg__free(m->place_of);
    clg__free(m->last_use);
    clg__free(m->scratch_of);
    clg__free(m->spans);
    clg__free(m->views);
    for (int k = 0; k < m->n; k++) {
        clg__free(m->g[k].body);
        clg__free(m->g[k].loads);
    }
    clg__free(m->g);
    clg__free(m->emitter);
    clg__free(m->room);
    clg__texts_free(m->texts);
    clg__free(m->user_start);
    clg__free(m->user);
    clg__free(m->stack);
    clg__free(m->order);
    clg__free(m->launch_start);
}
