// SPDX-License-Identifier: MIT
// The kernels of each launch: text and arguments, from codegen or from the op's variant.
#include "sched/cache.h"
#include "sched/stand_in.h"

#include "base/alloc.h"

static void plan_variant(clg__planner *f, int group, const clg__variant *variant, const clg__kernel_call *c,
                         bool is_store, clg__kplan *kp)
{
    const clg__group *g = &f->groups[group];
    kp->variant = variant->name;
    variant->plan(c, kp);
    for (int i = 0; i < kp->n_launches; i++) {
        clg__launch *l = &kp->launches[i];
        for (int a = 0; a < l->n_args; a++) {
            if (l->args[a].kind != CLG__ARG_EPILOGUE)
                continue;
            if (!is_store)
                clg__body_expand(g->body, f->emitted);
            clg__codegen_epilogue(is_store ? NULL : f->emitted, g->place, f->w->dev->caps->cpu_class ? 16 : 1,
                                  f->w->values[g->kernel].dtype, kp, l);
            break;
        }
    }
}

// One that comes later in the list of variants, accepts the call, and is built.
static void stand_in_variant(clg__planner *f, int group, clg__kernel_call *c, bool is_store, clg__kplan *kp)
{
    clg__group *g = &f->groups[group];
    const clg__op *op = f->w->values[g->kernel].op;
    for (const clg__variant *v = g->variant + 1; v < op->variants + op->n_variants; v++) {
        clg__kplan other;
        clg__kernel_call_set(f->w, op, v, c);
        if (c->forced || clg__gpu_is_struck(f->plan->gpu, v) || (v->accepts && v->accepts(c)) ||
            (!is_store && !v->epilogue))
            continue;
        clg__kplan_init(&other);
        plan_variant(f, group, v, c, is_store, &other);
        if (clg__is_built(f, &other)) {
            clg__kplan_free(kp);
            *kp = other;
            g->variant = v;
            f->plan->stands_in = true;
            return;
        }
        clg__kplan_free(&other);
    }
}

static void describe_kernel(clg__planner *f, int group, clg__kplan *kp)
{
    const clg__group *g = &f->groups[group];
    const clg__op *op = f->w->values[g->kernel].op;
    clg__kernel_call c;
    void *memory;
    clg__kernel_call_of(f->w, &f->w->values[g->kernel], &c, &memory);
    if (!memory) {
        clg__fail(&kp->err, CLG_ENOMEM, "eval: out of host memory while planning");
        return;
    }
    clg__access access = clg__access_contiguous(c.out_shape);
    const bool is_store = g->n_results == 0 || clg__epilogue_is_store(f, group, &access);
    c.out_access = &access;
    clg__kernel_call_set(f->w, op, g->variant, &c);
    plan_variant(f, group, g->variant, &c, is_store, kp);
    if (op->variants_agree && !c.forced && !f->w->own_variants && f->plan->gpu && kp->err.status >= 0 &&
        !clg__is_built(f, kp))
        stand_in_variant(f, group, &c, is_store, kp);
    clg__kernel_call_free(memory);
}

// Numbers per sample make rows as long as the batch. The short rows of a small last batch have a text of
// their own, which is built with the rest so that this batch builds nothing.
static void describe_short(clg__planner *f, const clg__body *const *bodies, int n, clg__kplan *spare)
{
    clg__body *room = clg__malloc((size_t) n * sizeof *room);
    const clg__body *smaller[CLG__LAUNCH_BODIES];
    bool all = room != NULL;
    for (int i = 0; i < n && all; i++) {
        all = clg__codegen_short(bodies[i], f->w->dev->caps, &room[i]);
        smaller[i] = &room[i];
    }
    clg__kplan_init(spare);
    if (all)
        clg__codegen(smaller, n, f->w->dev->caps, spare);
    if (spare->err.status < 0) // nothing depends on it
        clg__kplan_free(spare);
    clg__free(room);
}

// One launch; room for as many groups as it has.
static bool describe_launch(clg__planner *f, int l, clg__body *room)
{
    clg__kplan *kp = &f->kp[l];
    const int start = f->launch_start[l], n = f->launch_start[l + 1] - start;
    clg__kplan_init(kp);
    if (f->groups[f->order[start]].kind == CLG__GROUP_KERNEL) {
        describe_kernel(f, f->order[start], kp);
    } else {
        const clg__body *bodies[CLG__LAUNCH_BODIES];
        for (int i = 0; i < n; i++) {
            clg__body_expand(f->groups[f->order[start + i]].body, &room[i]);
            bodies[i] = &room[i];
        }
        clg__codegen(bodies, n, f->w->dev->caps, kp);
        clg__examples *examples = f->plan->gpu ? ((clg__sched *) f->w->dev->sched)->examples : NULL;
        if (kp->err.status >= 0 && !clg__is_built(f, kp) && !clg__stand_in(f, examples, bodies, n, kp)) {
            describe_short(f, bodies, n, &f->spare[l]);
            clg__examples_add(examples, bodies[0]);
        }
    }
    if (kp->err.status < 0)
        clg__fail(f->w->err, kp->err.status, "%s", kp->err.text);
    else
        clg__traffic_of_launch(f, l, kp);
    return kp->err.status >= 0;
}

bool clg__pass_describe(clg__planner *f)
{
    int most = 1;
    for (int l = 0; l < f->n_launches; l++)
        most = f->launch_start[l + 1] - f->launch_start[l] > most ? f->launch_start[l + 1] - f->launch_start[l] : most;
    clg__body *room = clg__malloc((size_t) most * sizeof *room);
    f->kp = clg__calloc((size_t) f->n_launches + 1, sizeof *f->kp);
    f->spare = clg__calloc((size_t) f->n_launches + 1, sizeof *f->spare);
    bool ok = room && f->kp && f->spare;
    if (!ok)
        clg__planner_oom(f);
    for (int l = 0; l < f->n_launches && ok; l++)
        ok = describe_launch(f, l, room);
    clg__free(room);
    return ok;
}
