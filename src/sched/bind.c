// SPDX-License-Identifier: MIT
// The steps of a plan: what is bound once, what in every run, and where results are found.
#include "sched/planner.h"

#include "base/alloc.h"

#include <string.h>

static bool bind(clg__planner *f, clg__step *s, clg__bound b)
{
    if (b.kind == CLG__BOUND_PLACE && b.index < 0) {
        clg__fail(f->w->err, CLG_EINVAL, "eval: a kernel reads a value that is not stored");
        return false;
    }
    if (b.kind == CLG__BOUND_PLACE && f->plan->places[b.index].kind == CLG__PLACE_TEMP) {
        if (!clg__grow((void **) &s->fixed, &s->cap_fixed, s->n_fixed + 1, sizeof *s->fixed))
            return clg__planner_oom(f);
        s->fixed[s->n_fixed++] = b;
        return true;
    }
    if (!clg__grow((void **) &s->bound, &s->cap_bound, s->n_bound + 1, sizeof *s->bound))
        return clg__planner_oom(f);
    s->bound[s->n_bound++] = b;
    return true;
}

int clg__arg_value(const clg__planner *f, int group, const clg__arg *a)
{
    const clg__group *g = &f->groups[group];
    if (g->kind != CLG__GROUP_KERNEL)
        return a->index;
    if (a->index >= CLG__EPILOGUE_BASE)
        return a->index - CLG__EPILOGUE_BASE;
    if (a->kind == CLG__ARG_OUT)
        return g->n_results ? g->body->outputs[0].output - CLG__EPILOGUE_BASE : CLG__BINDING(g->kernel, a->index);
    const clg__use *r = &f->w->values[g->kernel].src[a->index];
    return CLG__BINDING(r->value, r->out);
}

static int64_t offset_of(const clg__planner *f, const clg__use *r)
{
    return r->access.offset + f->w->values[r->value].offset;
}

static const clg__use *input_of(const clg__planner *f, int group, int input)
{
    return &f->w->values[f->groups[group].kernel].src[input];
}

static int64_t position_now(const clg__planner *f, int position)
{
    return position ? f->w->positions.all[position].now : 0;
}

// One more term of the number that was added last, or of a new one.
static bool add_term(clg__planner *f, bool first, clg__moving m, int position, int64_t by)
{
    clg__plan *p = f->plan;
    if (!clg__grow((void **) &p->terms, &p->cap_terms, p->n_terms + 1, sizeof *p->terms) ||
        !clg__grow((void **) &p->moving, &p->cap_moving, p->n_moving + 1, sizeof *p->moving))
        return clg__planner_oom(f);
    if (first) {
        m.first = p->n_terms;
        p->moving[p->n_moving++] = m;
    }
    p->terms[p->n_terms++] = (clg__term) { .position = position, .by = by };
    clg__moving *last = &p->moving[p->n_moving - 1];
    last->n++;
    last->rest -= by * position_now(f, position);
    return true;
}

// An argument of the last step, a long of which two positions are parts.
static bool set_offset(clg__planner *f, clg__step *s, int arg, int64_t now, int position, int also)
{
    const int two[2] = { position, also };
    const clg__moving m = { .step = f->plan->n_steps - 1, .arg = arg, .rest = now, .set = now };
    bool first = true;
    if (clg__kernel_set(s->kernel, arg, &now, sizeof now, f->w->err) < 0)
        return false;
    for (int i = 0; i < 2; i++) {
        if (two[i] && !add_term(f, first, m, two[i], 1))
            return false;
        first = first && !two[i];
    }
    return true;
}

static bool add_table_terms(clg__planner *f, int table, const clg__kplan *kp)
{
    for (int i = 0; i < kp->n_terms; i++) {
        const clg__term *t = &kp->terms[i];
        const bool first = i == 0 || t[-1].geo != t->geo;
        const clg__moving m = { .step = -1, .table = table, .geo = t->geo, .rest = kp->geo[t->geo],
                                .set = kp->geo[t->geo] };
        if (!add_term(f, first, m, t->position, t->by))
            return false;
    }
    return true;
}

static bool note_write(clg__planner *f, clg__step *s, int place)
{
    if (f->plan->places[place].kind != CLG__PLACE_RESULT)
        return true;
    if (!clg__grow((void **) &s->writes, &s->cap_writes, s->n_writes + 1, sizeof *s->writes))
        return clg__planner_oom(f);
    s->writes[s->n_writes++] = place;
    if (s->n_writes > f->plan->most_writes)
        f->plan->most_writes = s->n_writes;
    return true;
}

int64_t clg__input_offset(const clg__planner *f, int group, int input)
{
    return offset_of(f, input_of(f, group, input));
}

typedef struct temps {
    int place[CLG__MAX_TEMPS];
    int geo; // of the plan's, -1
} temps;

// The node whose numbers an argument is. What a kernel op reads of a draw is a copy of it.
static int node_of(const clg__planner *f, int group, const clg__arg *a)
{
    const clg__value *v = &f->w->values[clg__arg_value(f, group, a) / CLG__MAX_OUTPUTS];
    return v->node_index < 0 && v->n_src == 1 ? f->w->values[v->src[0].value].node_index : v->node_index;
}

static bool set_arg(clg__planner *f, clg__step *s, int group, const clg__arg *a, const temps *t, int *at)
{
    clg__err *e = f->w->err;
    const int32_t i32 = (int32_t) a->i;
    const int64_t i64 = a->i;
    switch (a->kind) {
    case CLG__ARG_IN:
    case CLG__ARG_OUT: {
        const int place = f->place_of[clg__arg_value(f, group, a)];
        if (place >= 0 && a->kind == CLG__ARG_OUT && !note_write(f, s, place))
            return false;
        return bind(f, s, (clg__bound) { CLG__BOUND_PLACE, (*at)++, place, CLG_F32 });
    }
    case CLG__ARG_TEMP:
        return bind(f, s, (clg__bound) { CLG__BOUND_PLACE, (*at)++, t->place[a->index], CLG_F32 });
    case CLG__ARG_SCALAR:
        return bind(f, s, (clg__bound) { CLG__BOUND_SCALAR, (*at)++, node_of(f, group, a), a->dtype });
    case CLG__ARG_SEED:
        *at += 2;
        return bind(f, s, (clg__bound) { CLG__BOUND_SEED, *at - 2, node_of(f, group, a), CLG_I64 });
    case CLG__ARG_GEO:
        return clg__kernel_set_buf(s->kernel, (*at)++, f->plan->geo[t->geo], e) >= 0;
    case CLG__ARG_IN_OFFSET:
        return set_offset(f, s, (*at)++, offset_of(f, input_of(f, group, a->index)),
                          f->w->values[input_of(f, group, a->index)->value].position,
                          input_of(f, group, a->index)->access.at);
    case CLG__ARG_OFFSET:
        return set_offset(f, s, (*at)++, a->i, a->index, a->also);
    case CLG__ARG_I32:
        return clg__kernel_set(s->kernel, (*at)++, &i32, sizeof i32, e) >= 0;
    case CLG__ARG_I64:
        return clg__kernel_set(s->kernel, (*at)++, &i64, sizeof i64, e) >= 0;
    case CLG__ARG_LOCAL:
        if (clg__kernel_local_fits(s->kernel, (size_t) a->i, e) >= 0)
            return clg__kernel_set_local(s->kernel, (*at)++, (size_t) a->i, e) >= 0;
        f->w->unfit = s->variant;
        return false;
    case CLG__ARG_EPILOGUE:
        return true; // expanded: identity
    }
    return true;
}

static size_t argument_bytes(const clg__arg *a)
{
    switch (a->kind) {
    case CLG__ARG_SEED:
        return 16;
    case CLG__ARG_I32:
        return 4;
    case CLG__ARG_LOCAL:
    case CLG__ARG_EPILOGUE:
        return 0;
    default: // buffers, and numbers of 8 bytes at most
        return 8;
    }
}

static bool blas_step(clg__planner *f, clg__step *s, int group, const clg__launch *l)
{
    s->blas = l->blas;
    const clg__value *v = &f->w->values[f->groups[group].kernel];
    s->blas_place[0] = f->place_of[CLG__BINDING(v->src[0].value, v->src[0].out)];
    s->blas_place[1] = f->place_of[CLG__BINDING(v->src[1].value, v->src[1].out)];
    s->blas_place[2] = f->place_of[CLG__BINDING(f->groups[group].kernel, 0)];
    s->blas.a_offset += offset_of(f, &v->src[0]);
    s->blas.b_offset += offset_of(f, &v->src[1]);
    for (int i = 0; i < 2; i++) {
        if (!clg__position_pin(f->w, f->w->values[v->src[i].value].position) ||
            !clg__position_pin(f->w, v->src[i].access.at))
            return false;
    }
    return note_write(f, s, s->blas_place[2]);
}

// The last step, if it brings an input of its operation that is a leaf into another order.
static bool note_prepared(clg__planner *f, int group, const clg__launch *l, const temps *t)
{
    const clg__use *u = l->prepares ? input_of(f, group, l->prepares - 1) : NULL;
    const clg__value *v = u ? &f->w->values[u->value] : NULL;
    if (!v || v->op->kind != CLG__LEAF || u->access.windowed)
        return true;
    const clg__kept k = { .leaf = f->place_of[CLG__BINDING(u->value, 0)], .position = { v->position, u->access.at } };
    for (int a = 0; a < l->n_args; a++) {
        if (l->args[a].kind == CLG__ARG_TEMP && !clg__kept_add(f->plan, k, t->place[l->args[a].index]))
            return clg__planner_oom(f);
    }
    return true;
}

static bool add_steps(clg__planner *f, int launch, int *source)
{
    const clg__kplan *kp = &f->kp[launch];
    const int group = f->order[f->launch_start[launch]];
    temps t = { .geo = -1 };
    for (int i = 0; i < kp->n_temps; i++)
        t.place[i] = f->scratch_of[launch] + i;
    clg__plan *p = f->plan;
    if (kp->n_geo > 0) {
        const size_t bytes = (size_t) kp->n_geo * sizeof kp->geo[0];
        if (!clg__grow((void **) &p->geo, &p->cap_geo, p->n_geo + 1, sizeof *p->geo))
            return clg__planner_oom(f);
        p->geo[p->n_geo] = clg__buf_alloc(p->gpu, bytes, f->w->err);
        if (!p->geo[p->n_geo])
            return false;
        t.geo = p->n_geo++;
        if (clg__buf_write(p->geo[t.geo], 0, kp->geo, bytes, f->w->err) < 0 || !add_table_terms(f, t.geo, kp))
            return false;
    }
    for (int i = 0; i < kp->n_launches; i++) {
        const clg__launch *l = &kp->launches[i];
        if (!clg__grow((void **) &p->steps, &p->cap_steps, p->n_steps + 1, sizeof *p->steps))
            return clg__planner_oom(f);
        clg__step *s = &p->steps[p->n_steps++];
        *s = (clg__step) { .dims = l->dims, .variant = f->groups[group].kind == CLG__GROUP_KERNEL ? f->groups[group].variant : NULL };
        memcpy(s->grid, l->grid, sizeof s->grid);
        memcpy(s->group, l->group, sizeof s->group);
        s->profile_row = -1;
        if (l->blas.used) {
            s->profile_row = clg__profile_row(f, launch, i, s);
            if (!blas_step(f, s, group, l))
                return false;
            continue;
        }
        s->kernel = f->sources[*source].kernel;
        f->sources[(*source)++].kernel = NULL;
        clg__kernel_profile_as(s->kernel, clg__profile_row(f, launch, i, s));
        int at = 0;
        size_t bytes = 0;
        for (int a = 0; a < l->n_args; a++) {
            if (!set_arg(f, s, group, &l->args[a], &t, &at))
                return false;
            bytes += argument_bytes(&l->args[a]);
        }
        if (!note_prepared(f, group, l, &t))
            return false;
        if (clg__kernel_fit(s->kernel, s->dims, s->grid, s->group, bytes, f->w->err) < 0) {
            f->w->unfit = s->variant;
            return false;
        }
    }
    p->bytes += kp->bytes;
    p->flops += kp->flops;
    return true;
}

static bool make_outputs(clg__planner *f)
{
    clg__work *w = f->w;
    clg__plan *p = f->plan;
    p->n_outputs = w->n_outputs;
    p->output_place = clg__malloc(((size_t) w->n_outputs + 1) * sizeof *p->output_place);
    p->output_offset = clg__calloc((size_t) w->n_outputs + 1, sizeof *p->output_offset);
    p->output_position = clg__calloc((size_t) w->n_outputs + 1, sizeof *p->output_position);
    p->bufs = clg__calloc((size_t) p->n_places + 1, sizeof *p->bufs);
    p->written = clg__calloc((size_t) p->most_writes + 1, sizeof *p->written);
    if (!p->output_place || !p->output_offset || !p->output_position || !p->bufs || !p->written)
        return clg__planner_oom(f);
    if (f->n_views > 0) {
        p->scratch = clg__scratch_new(p->gpu, f->views, f->n_views, w->err);
        if (!p->scratch)
            return false;
    }
    for (int i = 0; i < p->n_places && p->scratch; i++) {
        if (p->places[i].kind == CLG__PLACE_TEMP)
            p->bufs[i] = clg__scratch_view(p->scratch, p->places[i].view);
    }
    for (int i = 0; i < w->n_outputs; i++) {
        p->output_place[i] = -1;
        if (!w->outputs[i] || w->outputs[i]->buf)
            continue;
        const clg__use *r = &w->output_use[i];
        p->output_place[i] = f->place_of[CLG__BINDING(r->value, r->out)];
        const int two[2] = { w->values[r->value].position, r->access.at };
        p->output_offset[i] = offset_of(f, r);
        for (int k = 0; k < 2; k++) {
            p->output_position[i][k] = two[k];
            p->output_offset[i] -= position_now(f, two[k]);
        }
    }
    p->positions = w->positions; // the plan's from here on
    w->positions = (clg__positions) { 0 };
    clg__free(p->positions.table);
    p->positions.table = NULL;
    return true;
}

bool clg__pass_bind(clg__planner *f)
{
    int source = 0;
    for (int l = 0; l < f->n_launches; l++) {
        if (!add_steps(f, l, &source))
            return false;
    }
    return make_outputs(f);
}
