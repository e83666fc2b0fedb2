// SPDX-License-Identifier: MIT
// What a kernel op does at its end: pointwise work on its value, in one or more results, stored in its own order or
// another one.
#include "sched/planner.h"

#include "base/alloc.h"

#include <string.h>

clg_shape clg__epilogue_shape(const clg__value *kernel)
{
    const int rank = kernel->shape.rank, axis = rank - kernel->op->row_axis_from_end;
    const int batch = axis > 0 ? axis : 1;
    clg_shape s = { .rank = batch + 2 };
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = 1;
    for (int d = 0; d < rank; d++)
        s.dim[d < axis ? d : d == axis ? batch : batch + 1] *= kernel->shape.dim[d];
    return s;
}

// ---- another order

typedef struct step {
    int64_t step, dim, own; // of an element in the kernel's value, and in the result
} step;

// The dimensions of a result that reads each of n elements once, by falling steps. false: it does not.
static bool sorted_steps(const clg_shape *s, const clg__access *a, int64_t n, step *out, int *count)
{
    const clg__access own = clg__access_contiguous(s);
    *count = 0;
    for (int d = 0; d < s->rank; d++) {
        int at = *count;
        if (s->dim[d] == 1)
            continue;
        for (; at > 0 && out[at - 1].step < a->stride[d]; at--)
            out[at] = out[at - 1];
        out[at] = (step) { a->stride[d], s->dim[d], own.stride[d] };
        (*count)++;
    }
    int64_t all = 1;
    for (int i = *count - 1; i >= 0; i--) {
        if (out[i].step != all)
            return false;
        all *= out[i].dim;
    }
    return a->offset == 0 && !a->windowed && all == n;
}

// Where the elements of a result of shape s, which reads the kernel's value by `a`, are stored: over the epilogue's
// shape. false: no steps say so, or columns are no neighbours.
static bool place_of(const clg__value *kernel, const clg_shape *s, const clg__access *a, clg__access *place)
{
    const clg_shape to = clg__epilogue_shape(kernel);
    step steps[CLG_MAX_RANK];
    clg_shape sorted = { 0 };
    clg__access by = { 0 };
    if (!sorted_steps(s, a, kernel->numel, steps, &sorted.rank))
        return false;
    for (int i = 0; i < sorted.rank; i++) {
        sorted.dim[i] = steps[i].dim;
        by.stride[i] = steps[i].own;
    }
    *place = by;
    return clg__access_reshape(place, &sorted, &to) && (to.dim[to.rank - 1] == 1 || place->stride[to.rank - 1] == 1);
}

// ---- merging

// Does any other group read the kernel's value? Several may have inlined its users.
static bool read_elsewhere(clg__planner *f, int kernel_group, int user)
{
    const int value = CLG__BINDING(f->groups[kernel_group].kernel, 0);
    for (int i = f->user_start[value]; i < f->user_start[value + 1]; i++) {
        const int k = clg__group_find(f, f->user[i]);
        for (int j = 0; k != user && k != kernel_group && j < f->groups[k].n_loads; j++) {
            if (f->groups[k].loads[j] == value)
                return true;
        }
    }
    return false;
}

// How the body reads a value, where it does; all such operands alike.
static bool reads_as(const clg__compact_body *b, int binding, const clg__access **out)
{
    const clg__access *a = NULL;
    for (int i = 0; i < b->n_operands; i++) {
        const clg__operand *o = &b->operands[i];
        if (o->kind != CLG__FROM_BUFFER || o->input != binding)
            continue;
        if (a && (o->access.windowed || a->offset != o->access.offset || a->at != o->access.at ||
                  memcmp(a->stride, o->access.stride, (size_t) b->shape.rank * sizeof a->stride[0]) != 0))
            return false;
        a = &o->access;
    }
    *out = a;
    return true;
}

// The first result may be in another order, when the kernel's own value is then stored nowhere.
static bool find_place(clg__planner *f, int a, int b, bool alone, clg__access **out)
{
    const clg__group *g = &f->groups[a];
    const clg__value *v = &f->w->values[g->kernel];
    const clg__compact_body *body = f->groups[b].body;
    const clg__access *by;
    clg__access place;
    *out = NULL;
    if (!reads_as(body, CLG__BINDING(g->kernel, 0), &by))
        return false;
    if (!by || (by->offset == 0 && clg__access_is_contiguous(by, &body->shape)))
        return true;
    if (!alone || g->n_results > 0 || !place_of(v, &body->shape, by, &place))
        return false;
    *out = clg__malloc(sizeof **out);
    if (!*out)
        f->failed = true;
    else
        **out = place;
    return *out != NULL;
}

static bool can_work(const clg__planner *f, const clg__group *g)
{
    const clg__value *v = &f->w->values[g->kernel];
    return g->variant->epilogue && v->op->row_axis_from_end > 0 && !v->node->outs;
}

int clg__epilogue_level(clg__planner *f, int k, const int *from)
{
    for (int i = 0; i < f->groups[k].n_loads; i++) {
        const int d = clg__group_dep(f, k, i);
        if (d < 0 || clg__group_numel(f, d) != clg__group_numel(f, k))
            continue;
        const bool kernel = f->groups[d].kind == CLG__GROUP_KERNEL && can_work(f, &f->groups[d]);
        const int level = kernel ? f->groups[d].level : d < k && f->groups[d].kind == CLG__GROUP_POINTWISE ? from[d] : -1;
        if (level >= 0 && f->groups[k].level <= level + f->cost.epilogue_levels)
            return level;
    }
    return -1;
}

bool clg__epilogue_merge(clg__planner *f, int a, int b)
{
    enum { LARGE = 16 << 20 }; // bytes: a millisecond of a step or more
    clg__group *g = &f->groups[a];
    clg__value *v = &f->w->values[g->kernel];
    if (!can_work(f, g) || f->groups[b].kind != CLG__GROUP_POINTWISE || f->groups[b].n_results != 1)
        return false;
    const bool first = g->n_results == 0, alone = first && !v->is_result && !read_elsewhere(f, a, b);
    clg__access *place;
    // A further result saves a load: not worth a long walk, nor to wait for what comes much later, nor a kernel more
    // where its text is needed anyway, as that of the updates of all parameters, unless it is many bytes.
    const bool large = v->numel >= LARGE / (int64_t) clg_dtype_size(v->dtype);
    if (!alone && ((f->groups[b].text_stays && !large) || f->groups[b].level > g->level + f->cost.epilogue_levels ||
                   g->n_results + 1 >= f->cost.epilogue_outputs))
        return false;
    if (!find_place(f, a, b, alone, &place))
        return false;
    v->stored = v->stored && !alone;
    if (place)
        g->place = place;
    if (clg__groups_try_merge(f, a, b))
        return true;
    v->stored = v->stored || alone;
    if (place)
        g->place = NULL;
    clg__free(place);
    return false;
}

// ---- stores alone

bool clg__epilogue_is_store(const clg__planner *f, int group, clg__access *access)
{
    const clg__group *g = &f->groups[group];
    const clg__value *v = &f->w->values[g->kernel];
    const clg__compact_body *b = g->body;
    if (!b || b->n_outputs != 1 || b->outputs[0].dtype != v->dtype || (g->place && !v->op->strided_output))
        return false;
    for (int i = b->outputs[0].insn; b->insns[i].kind != CLG__I_REDUCED; i = b->insns[i].src[0]) {
        if (b->insns[i].kind != CLG__I_EW || strcmp(b->insns[i].op->text, "a") != 0 || b->insns[i].op->arity != 1)
            return false;
    }
    *access = clg__access_contiguous(&v->shape);
    const int more = b->shape.rank - v->shape.rank;
    for (int d = 0; d < v->shape.rank && g->place; d++)
        access->stride[d] = g->place->stride[d + more];
    return true;
}
