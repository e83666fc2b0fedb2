// SPDX-License-Identifier: MIT
// What CLGRAD_LOG=plan prints: kernels, launches, bytes and peak memory of a new plan.
#include "sched/planner.h"

#include "base/log.h"
#include "graph/build.h"

static void describe(const clg__planner *f, int k, clg__str *out)
{
    const clg__group *g = &f->groups[k];
    char shape[128];
    if (g->kind == CLG__GROUP_KERNEL) {
        const clg__value *v = &f->w->values[g->kernel];
        clg__str_printf(out, "%s (%s) -> %s", v->op->name, g->variant->name,
                        clg__shape_text(&v->shape, shape));
    } else if (g->body) {
        clg__str_printf(out, "%s over %s", g->kind == CLG__GROUP_REDUCE ? "reduce" : "pointwise",
                        clg__shape_text(&g->body->shape, shape));
    }
    for (int i = 0; g->body && i < g->body->n_insns; i++) {
        const clg__insn *in = &g->body->insns[i];
        if (in->kind == CLG__I_EW)
            clg__str_printf(out, " %s", in->op->name);
    }
    for (int i = 0; i < g->n_reductions; i++)
        clg__str_printf(out, " %s", f->w->values[g->reductions[i]].op->name);
    if (g->body)
        clg__str_printf(out, " (%d loads, %d results)", g->body->n_operands, g->body->n_outputs);
}

void clg__plan_log(const clg__plan *p, const clg__planner *f)
{
    clg__log(CLG__LOG_PLAN, "%d nodes: %d launches of %d kernels, %.2f MB moved, %.1f MFLOP, "
                            "%.2f MB of memory, %.2f MB alive at once",
             f->w->n_nodes, p->n_steps, p->n_kernels, 1e-6 * (double) p->bytes,
             1e-6 * (double) p->flops, 1e-6 * (double) p->peak, 1e-6 * (double) p->live);
    for (int l = 0; l < f->n_launches; l++) {
        clg__str s = { 0 };
        const int n = f->launch_start[l + 1] - f->launch_start[l];
        describe(f, f->order[f->launch_start[l]], &s);
        if (n > 1)
            clg__str_printf(&s, " and %d more alike", n - 1);
        clg__log(CLG__LOG_PLAN, "%4d  %s", l, clg__str_text(&s));
        clg__str_free(&s);
    }
}
