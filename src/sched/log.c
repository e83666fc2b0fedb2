// SPDX-License-Identifier: MIT
// What CLGRAD_LOG=plan prints: kernels, launches, bytes and peak memory of a new plan.
#include "sched/planner.h"

#include "base/log.h"
#include "graph/build.h"

static const clg__group *first_group(const clg__planner *f, int launch)
{
    return &f->groups[f->order[f->launch_start[launch]]];
}

static void add_name(clg__str *out, const char *name)
{
    clg__str_printf(out, "%s%s", out->length ? " " : "", name);
}

void clg__launch_ops(const clg__planner *f, int launch, clg__str *out)
{
    const clg__group *g = first_group(f, launch);
    const bool kernel = g->kind == CLG__GROUP_KERNEL;
    if (kernel)
        add_name(out, f->w->values[g->kernel].op->name);
    int after = g->body ? g->body->n_insns : 0;
    if (g->body && g->n_reductions)
        after = g->body->n_per_element;
    bool plus = false;
    for (int i = 0; g->body && i < g->body->n_insns; i++) {
        const clg__insn *in = &g->body->insns[i];
        if (i == after) {
            for (int r = 0; r < g->n_reductions; r++)
                add_name(out, f->w->values[g->reductions[r]].op->name);
        }
        if (in->kind != CLG__I_EW && in->kind != CLG__I_CAST)
            continue;
        if ((kernel || i >= after) && !plus)
            add_name(out, "+");
        plus |= kernel || i >= after;
        add_name(out, in->kind == CLG__I_CAST ? "cast" : in->op->name);
    }
    if (g->body && after == g->body->n_insns) {
        for (int r = 0; r < g->n_reductions; r++)
            add_name(out, f->w->values[g->reductions[r]].op->name);
    }
    if (!out->length)
        add_name(out, "copy");
}

void clg__launch_shape(const clg__planner *f, int launch, clg__str *out)
{
    char shape[128];
    const clg__group *g = first_group(f, launch);
    const clg_shape *s = g->kind == CLG__GROUP_KERNEL || !g->body ? &f->w->values[clg__group_first(g)].shape
                                                                  : &g->body->shape;
    clg__str_add(out, clg__shape_text(s, shape));
}

const char *clg__launch_variant(const clg__planner *f, int launch)
{
    const clg__group *g = first_group(f, launch);
    return g->kind == CLG__GROUP_KERNEL ? f->kp[launch].variant : g->kind == CLG__GROUP_REDUCE ? "reduce" : "pointwise";
}

void clg__plan_log(const clg__plan *p, const clg__planner *f)
{
    clg__log(CLG__LOG_PLAN, "%d nodes: %d launches of %d kernels, %.2f MB moved of at least %.2f, %.1f MFLOP, "
                            "%.2f MB of memory, %.2f MB alive at once",
             f->w->n_nodes, p->n_steps, p->n_kernels, 1e-6 * (double) p->bytes, 1e-6 * (double) clg__traffic_least(f->w),
             1e-6 * (double) p->flops, 1e-6 * (double) p->peak, 1e-6 * (double) p->live);
    for (int l = 0; l < f->n_launches; l++) {
        clg__str ops = { 0 }, shape = { 0 };
        const int n = f->launch_start[l + 1] - f->launch_start[l];
        const clg__group *g = first_group(f, l);
        clg__launch_ops(f, l, &ops);
        clg__launch_shape(f, l, &shape);
        if (n > 1)
            clg__str_printf(&shape, ", and %d more alike", n - 1);
        clg__log(CLG__LOG_PLAN, "%4d  %-10s %s over %s (%d loads, %d results, %.3f MB moved of at least %.3f)", l,
                 clg__launch_variant(f, l), clg__str_text(&ops), clg__str_text(&shape), clg__group_n_loads(f, f->order[f->launch_start[l]]),
                 g->body ? g->body->n_outputs : 1, 1e-6 * (double) f->kp[l].bytes, 1e-6 * (double) f->kp[l].least);
        clg__str_free(&ops);
        clg__str_free(&shape);
    }
}
