// SPDX-License-Identifier: MIT
// What is stored and what is computed inline: bottom-up, every pointwise value is inlined where it is used,
// unless it is a result, is used several times and costs more to repeat than to load, does not fit, or cannot be
// reached through a view. Reductions and kernels are groups of their own.
#include "sched/planner.h"

#include "graph/build.h"

bool clg__emit_storing(clg__planner *f, int group, clg__body *body)
{
    for (;;) {
        const clg__emit_result r = clg__emit(f, group, body);
        if (r.ok)
            return true;
        if (r.to_store < 0 || f->w->values[r.to_store].stored)
            return false;
        if (!clg__group_store(f, r.to_store))
            return false;
    }
}

// Is it worth storing for its users?
static bool is_worth(const clg__planner *f, const clg__value *v)
{
    int loads = 0;
    size_t bytes = 0;
    for (int i = 0; i < f->emitted->n_operands; i++) {
        const clg__operand *o = &f->emitted->operands[i];
        if (o->kind != CLG__FROM_BUFFER || !clg__cost_big(f->w->values[o->input / CLG__MAX_OUTPUTS].numel, v->numel))
            continue;
        loads++;
        bytes += clg_dtype_size(o->dtype);
    }
    return clg__cost_stores(&f->cost, clg_dtype_size(v->dtype), f->emitted->n_insns, loads, bytes);
}

static bool is_straight(const clg__planner *f, const clg__value *v)
{
    for (int i = 0; i < v->n_src; i++) {
        const clg__value *s = &f->w->values[v->src[i].value];
        if (s->op->kind == CLG__KERNEL && s->uses == 1 && s->numel == v->numel &&
            f->groups[s->group].variant && f->groups[s->group].variant->epilogue)
            return true;
    }
    return false;
}

// Its elements come from a kernel that can apply it as an epilogue and has no other user: straight, or where a
// smaller type is stored, through what is inlined in it.
static bool is_epilogue(const clg__planner *f, const clg__value *v)
{
    const clg__value *inner = v->op->kind == CLG__CAST ? &f->w->values[v->src[0].value] : v;
    for (int i = 0; i < CLG__BODY_INSNS && inner != v && clg__is_pointwise(inner) && !inner->stored; i++) {
        if (clg_dtype_size(inner->dtype) <= clg_dtype_size(v->dtype) || inner->uses > 1 || inner->numel != v->numel)
            return false;
        if (is_straight(f, inner))
            return true;
        inner = &f->w->values[inner->src[0].value];
    }
    return is_straight(f, v);
}

static bool is_kept(const clg__planner *f, const clg__value *v)
{
    if (v->must_store || v->is_result || !f->w->fuse)
        return true;
    return v->uses > 1 && (is_worth(f, v) || is_epilogue(f, v));
}

static bool does_not_fit(clg__planner *f, const clg__value *v)
{
    if (!f->failed)
        clg__fail(f->w->err, CLG_EBUILD, "eval: %s does not fit a kernel", v->op->name);
    return false;
}

static bool decide_pointwise(clg__planner *f, int value)
{
    clg__value *v = &f->w->values[value];
    if (v->n_src > CLG__INSN_SOURCES) {
        clg__fail(f->w->err, CLG_EINVAL, "eval: %s has %d inputs, an instruction has at most %d",
                  v->op->name, v->n_src, CLG__INSN_SOURCES);
        return false;
    }
    const int k = clg__group_new(f, CLG__GROUP_POINTWISE);
    if (k < 0)
        return false;
    f->groups[k].results[0] = value;
    f->groups[k].n_results = 1;
    // A trial: as a group of its own its body is known, what that takes decides, and groups are made of the inputs
    // that do not fit in it. Those stay.
    v->stored = true;
    v->group = k;
    if (!clg__emit_storing(f, k, f->emitted))
        return does_not_fit(f, v);
    v->n_insns = f->emitted->n_insns;
    if (is_kept(f, v))
        return true;
    v->stored = false;
    v->group = -1;
    clg__group_drop(f, k);
    return true;
}

static bool decide_kernel(clg__planner *f, int value)
{
    clg__value *v = &f->w->values[value];
    const int k = clg__group_new(f, CLG__GROUP_KERNEL);
    if (k < 0)
        return false;
    v->stored = true;
    v->group = k;
    f->groups[k].kernel = value;
    f->groups[k].variant = clg__choose_variant(f->w, v, true);
    return f->groups[k].variant && clg__group_set_loads(f, k);
}

static bool decide_reduction(clg__planner *f, int value)
{
    clg__value *v = &f->w->values[value];
    const int k = clg__group_new(f, CLG__GROUP_REDUCE);
    if (k < 0)
        return false;
    v->stored = true;
    v->group = k;
    f->groups[k].reductions[0] = value;
    f->groups[k].n_reductions = 1;
    if (!f->w->fuse && clg__is_pointwise(&f->w->values[v->src[0].value]) && !clg__group_store(f, v->src[0].value))
        return false;
    return clg__emit_storing(f, k, f->emitted) || does_not_fit(f, v);
}

bool clg__pass_decide(clg__planner *f)
{
    clg__work *w = f->w;
    for (int i = 0; i < w->n_values; i++) {
        const clg__op_kind kind = w->values[i].op->kind;
        if (w->values[i].dead)
            continue;
        const bool ok = clg__is_pointwise(&w->values[i]) ? decide_pointwise(f, i)
                        : kind == CLG__KERNEL        ? decide_kernel(f, i)
                        : kind == CLG__REDUCE        ? decide_reduction(f, i)
                                                     : true;
        if (!ok)
            return false;
    }
    return true;
}
