// SPDX-License-Identifier: MIT
// From groups to a plan: kernel descriptions, memory by liveness, one build for all that is missing.
#include "sched/plan.h"

#include "base/alloc.h"
#include "base/log.h"
#include "sched/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct maker {
    clg__work *w;
    clg__fusion f;
    clg__plan *p;
    clg__kplan *kp;   // per launch
    clg__kplan *spare; // per launch: the text of a smaller batch, or nothing
    int *place_of;    // per value, -1
    int *last_use;    // per value: launch
    int *scratch_of;  // per launch: place of its first scratch
    clg__span *spans; // of temporaries
    clg__place_in *views;
    int n_views;
    clg__unit *units;
    int n_units, cap_units;
} maker;

static bool oom(maker *m)
{
    clg__fail(m->w->err, CLG_ENOMEM, "eval: out of host memory while planning");
    return false;
}

static size_t value_bytes(const clg__work *w, int value)
{
    const clg__ir *v = &w->ir[value / CLG__MAX_OUTPUTS];
    const int out = value % CLG__MAX_OUTPUTS;
    const int64_t n = out ? clg_numel(v->node->outs->shape[out]) : v->numel;
    return (size_t) n * clg_dtype_size(out ? v->node->outs->dtype[out] : v->dtype);
}

// ---- describing the kernels

static void describe_kernel(maker *m, int group, clg__kplan *kp)
{
    const clg__grp *g = &m->f.g[group];
    clg__kernel_call c;
    void *memory;
    clg__kernel_call_of(m->w, &m->w->ir[g->kernel], &c, &memory);
    if (!memory) {
        clg__fail(&kp->err, CLG_ENOMEM, "eval: out of host memory while planning");
        return;
    }
    kp->variant = g->variant->name;
    g->variant->plan(&c, kp);
    for (int i = 0; i < kp->n_launches; i++) {
        clg__launch *l = &kp->launches[i];
        for (int a = 0; a < l->n_args; a++) {
            if (l->args[a].kind != CLG__ARG_EPILOGUE)
                continue;
            if (g->n_roots)
                clg__body_open(g->body, m->f.room);
            clg__codegen_epilogue(g->n_roots ? m->f.room : NULL, m->w->dev->caps->cpu_class ? 16 : 1,
                                  m->w->ir[g->kernel].dtype, kp, l);
            break;
        }
    }
    clg__kernel_call_free(memory);
}

// Numbers per sample make rows as long as the batch. The short rows of a small last batch have a text of
// their own, which is built with the rest so that this batch builds nothing.
static void describe_short(maker *m, const clg__group *const *texts, int n, clg__kplan *spare)
{
    clg__group *g = clg__malloc((size_t) n * sizeof *g);
    const clg__group *smaller[CLG__LAUNCH_GROUPS];
    bool all = g != NULL;
    for (int i = 0; i < n && all; i++) {
        all = clg__codegen_short(texts[i], m->w->dev->caps, &g[i]);
        smaller[i] = &g[i];
    }
    clg__kplan_init(spare);
    if (all)
        clg__codegen(smaller, n, m->w->dev->caps, spare);
    if (spare->err.status < 0) // nothing depends on it
        clg__kplan_free(spare);
    clg__free(g);
}

// One launch; room for as many groups as it has.
static bool describe_launch(maker *m, int l, clg__group *room)
{
    const clg__fusion *f = &m->f;
    clg__kplan *kp = &m->kp[l];
    const int start = f->launch_start[l], n = f->launch_start[l + 1] - start;
    clg__kplan_init(kp);
    if (f->g[f->order[start]].kind == CLG__GRP_KERNEL) {
        describe_kernel(m, f->order[start], kp);
    } else {
        const clg__group *texts[CLG__LAUNCH_GROUPS];
        for (int i = 0; i < n; i++) {
            clg__body_open(f->g[f->order[start + i]].body, &room[i]);
            texts[i] = &room[i];
        }
        clg__codegen(texts, n, m->w->dev->caps, kp);
        describe_short(m, texts, n, &m->spare[l]);
    }
    if (kp->err.status < 0)
        clg__fail(m->w->err, kp->err.status, "%s", kp->err.text);
    return kp->err.status >= 0;
}

static bool describe(maker *m)
{
    const clg__fusion *f = &m->f;
    int most = 1;
    for (int l = 0; l < f->n_launches; l++)
        most = f->launch_start[l + 1] - f->launch_start[l] > most ? f->launch_start[l + 1] - f->launch_start[l] : most;
    clg__group *room = clg__malloc((size_t) most * sizeof *room);
    m->kp = clg__calloc((size_t) f->n_launches + 1, sizeof *m->kp);
    m->spare = clg__calloc((size_t) f->n_launches + 1, sizeof *m->spare);
    bool ok = room && m->kp && m->spare;
    if (!ok)
        oom(m);
    for (int l = 0; l < f->n_launches && ok; l++)
        ok = describe_launch(m, l, room);
    clg__free(room);
    return ok;
}

// ---- memory

static int new_place(maker *m, clg__place p)
{
    clg__plan *plan = m->p;
    if (!clg__grow((void **) &plan->places, &plan->cap_places, plan->n_places + 1,
                   sizeof *plan->places)) {
        oom(m);
        return -1;
    }
    plan->places[plan->n_places] = p;
    return plan->n_places++;
}

static int temp_place(maker *m, size_t bytes, int from, int until)
{
    return new_place(m, (clg__place) { .kind = CLG__PLACE_TEMP, .order = -1, .bytes = bytes, .from = from,
                                       .until = until });
}

static void find_last_uses(maker *m)
{
    const clg__fusion *f = &m->f;
    for (int l = 0; l < f->n_launches; l++) {
        for (int i = f->launch_start[l]; i < f->launch_start[l + 1]; i++) {
            const int n = clg__group_n_loads(f, f->order[i]);
            for (int k = 0; k < n; k++) {
                const int value = clg__group_load(f, f->order[i], k);
                if (value >= 0)
                    m->last_use[value] = l;
            }
        }
    }
}

static bool place_value(maker *m, int value, int launch)
{
    const clg__ir *v = &m->w->ir[value / CLG__MAX_OUTPUTS];
    const size_t bytes = value_bytes(m->w, value);
    if (v->asked >> value % CLG__MAX_OUTPUTS & 1)
        m->place_of[value] = new_place(m, (clg__place) { .kind = CLG__PLACE_RESULT, .order = -1, .bytes = bytes });
    else
        m->place_of[value] = temp_place(m, bytes, launch,
                                        m->last_use[value] > launch ? m->last_use[value] : launch);
    return m->place_of[value] >= 0;
}

static bool place_group(maker *m, int group, int launch)
{
    const clg__grp *g = &m->f.g[group];
    for (int i = 0; g->body && i < g->body->n_outputs; i++) {
        if (!place_value(m, g->body->outputs[i].output, launch))
            return false;
    }
    if (g->kind != CLG__GRP_KERNEL || g->n_roots)
        return true;
    const clg__ir *v = &m->w->ir[g->kernel];
    for (int k = 0; k < (v->node->outs ? v->node->outs->n : 1); k++) {
        if (!place_value(m, CLG__VALUE(g->kernel, k), launch))
            return false;
    }
    return true;
}

static size_t scratch_align(const clg__caps *c)
{
    size_t align = 128; // a cache line, and a vector of doubles
    while (align < (size_t) c->base_align)
        align *= 2;
    return align;
}

static bool check_sizes(maker *m)
{
    const uint64_t most = m->w->dev->caps->max_alloc_bytes;
    for (int i = 0; i < m->p->n_places && most; i++) {
        if (m->p->places[i].bytes > most) {
            clg__fail(m->w->err, CLG_ENOMEM, "a tensor of %zu bytes is larger than the device allows (%llu)",
                      m->p->places[i].bytes, (unsigned long long) most);
            return false;
        }
    }
    return true;
}

typedef struct spot {
    size_t offset, bytes;
    int place;
} spot;

static int by_offset(const void *a, const void *b)
{
    const spot *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->bytes != y->bytes ? (x->bytes < y->bytes ? -1 : 1) : x->place - y->place;
}

// Temporaries of one offset and size are one view.
static bool make_views(maker *m, int n, size_t part)
{
    clg__plan *p = m->p;
    spot *all = clg__malloc(((size_t) n + 1) * sizeof *all);
    if (!all)
        return oom(m);
    for (int i = 0, k = 0; i < p->n_places; i++) {
        if (p->places[i].kind == CLG__PLACE_TEMP) {
            all[k] = (spot) { m->spans[k].offset, m->spans[k].bytes ? m->spans[k].bytes : 1, i };
            k++;
        }
    }
    qsort(all, (size_t) n, sizeof *all, by_offset);
    for (int k = 0; k < n; k++) {
        const spot *s = &all[k];
        if (k == 0 || s->offset != s[-1].offset || s->bytes != s[-1].bytes)
            m->views[m->n_views++] = (clg__place_in) { (int) (s->offset / part), s->offset % part, s->bytes };
        p->places[s->place].view = m->n_views - 1;
    }
    clg__free(all);
    return true;
}

static bool place_temps(maker *m)
{
    clg__plan *p = m->p;
    const clg__caps *caps = m->w->dev->caps;
    const size_t align = scratch_align(caps), part = (size_t) caps->max_alloc_bytes;
    size_t total, live;
    int n = 0;
    if (!check_sizes(m))
        return false;
    m->spans = clg__malloc(((size_t) p->n_places + 1) * sizeof *m->spans);
    m->views = clg__malloc(((size_t) p->n_places + 1) * sizeof *m->views);
    if (!m->spans || !m->views)
        return oom(m);
    for (int i = 0; i < p->n_places; i++) {
        const clg__place *c = &p->places[i];
        p->results += c->kind == CLG__PLACE_RESULT ? c->bytes : 0;
        if (c->kind == CLG__PLACE_TEMP)
            m->spans[n++] = (clg__span) { .bytes = c->bytes, .from = c->from, .until = c->until };
    }
    if (!clg__memory_place(m->spans, n, m->f.n_launches, align, part, &total, &live))
        return oom(m);
    p->peak = p->results + total;
    p->live = p->results + live;
    return make_views(m, n, clg__memory_part(part, align));
}

static bool plan_memory(maker *m)
{
    const clg__fusion *f = &m->f;
    for (int i = 0; i < m->w->n_ir * CLG__MAX_OUTPUTS; i++)
        m->place_of[i] = m->last_use[i] = -1;
    find_last_uses(m);
    for (int i = 0; i < m->w->n_ir; i++) {
        const clg__ir *v = &m->w->ir[i];
        if (v->op->kind != CLG__LEAF)
            continue;
        m->place_of[CLG__VALUE(i, 0)] =
            new_place(m, (clg__place) { .kind = CLG__PLACE_LEAF, .order = v->order });
        if (m->place_of[CLG__VALUE(i, 0)] < 0)
            return false;
    }
    for (int l = 0; l < f->n_launches; l++) {
        for (int i = f->launch_start[l]; i < f->launch_start[l + 1]; i++) {
            if (!place_group(m, f->order[i], l))
                return false;
        }
        m->scratch_of[l] = m->p->n_places;
        for (int i = 0; i < m->kp[l].n_temps; i++) {
            if (temp_place(m, m->kp[l].temp_bytes[i], l, l) < 0)
                return false;
        }
    }
    return place_temps(m);
}

// ---- arguments

static bool bind(maker *m, clg__step *s, clg__bound b)
{
    if (b.kind == CLG__BOUND_PLACE && b.index < 0) {
        clg__fail(m->w->err, CLG_EINVAL, "eval: a kernel reads a value that is not stored");
        return false;
    }
    if (b.kind == CLG__BOUND_PLACE && m->p->places[b.index].kind == CLG__PLACE_TEMP) {
        if (!clg__grow((void **) &s->fixed, &s->cap_fixed, s->n_fixed + 1, sizeof *s->fixed))
            return oom(m);
        s->fixed[s->n_fixed++] = b;
        return true;
    }
    if (!clg__grow((void **) &s->bound, &s->cap_bound, s->n_bound + 1, sizeof *s->bound))
        return oom(m);
    s->bound[s->n_bound++] = b;
    return true;
}

// The value that argument index means, in a generated kernel or in a kernel op's.
static int value_of(const maker *m, int group, const clg__arg *a)
{
    const clg__grp *g = &m->f.g[group];
    if (g->kind != CLG__GRP_KERNEL)
        return a->index;
    if (a->index >= CLG__EPILOGUE_BASE)
        return a->index - CLG__EPILOGUE_BASE;
    if (a->kind == CLG__ARG_OUT)
        return a->index == 0 && g->n_roots ? CLG__VALUE(g->roots[0], 0)
                                           : CLG__VALUE(g->kernel, a->index);
    const clg__ref *r = &m->w->ir[g->kernel].src[a->index];
    return CLG__VALUE(r->ir, r->out);
}

static int64_t input_offset(const maker *m, int group, int input)
{
    const clg__ref *r = &m->w->ir[m->f.g[group].kernel].src[input];
    return r->geom.offset + m->w->ir[r->ir].offset;
}

static bool note_write(maker *m, clg__step *s, int place)
{
    if (m->p->places[place].kind != CLG__PLACE_RESULT)
        return true;
    if (!clg__grow((void **) &s->writes, &s->cap_writes, s->n_writes + 1, sizeof *s->writes))
        return oom(m);
    s->writes[s->n_writes++] = place;
    if (s->n_writes > m->p->most_writes)
        m->p->most_writes = s->n_writes;
    return true;
}

typedef struct temps {
    int place[CLG__MAX_TEMPS];
    int geo; // of the plan's, -1
} temps;

static bool set_arg(maker *m, clg__step *s, int group, const clg__arg *a, const temps *t, int *at)
{
    clg__err *e = m->w->err;
    const int32_t i32 = (int32_t) a->i;
    const float f32 = (float) a->f;
    int64_t i64 = a->i;
    switch (a->kind) {
    case CLG__ARG_IN:
    case CLG__ARG_OUT: {
        const int place = m->place_of[value_of(m, group, a)];
        if (place >= 0 && a->kind == CLG__ARG_OUT && !note_write(m, s, place))
            return false;
        return bind(m, s, (clg__bound) { CLG__BOUND_PLACE, (*at)++, place, CLG_F32 });
    }
    case CLG__ARG_TEMP:
        return bind(m, s, (clg__bound) { CLG__BOUND_PLACE, (*at)++, t->place[a->index], CLG_F32 });
    case CLG__ARG_SLOT:
        return bind(m, s, (clg__bound) { CLG__BOUND_SLOT, (*at)++,
                                         m->w->ir[value_of(m, group, a) / CLG__MAX_OUTPUTS].order,
                                         a->dtype });
    case CLG__ARG_SEED:
        *at += 2;
        return bind(m, s, (clg__bound) { CLG__BOUND_SEED, *at - 2,
                                         m->w->ir[value_of(m, group, a) / CLG__MAX_OUTPUTS].order,
                                         CLG_I64 });
    case CLG__ARG_GEO:
        return clg__kernel_set_buf(s->kernel, (*at)++, m->p->geo[t->geo], e) >= 0;
    case CLG__ARG_IN_OFFSET:
        i64 = input_offset(m, group, a->index);
        return clg__kernel_set(s->kernel, (*at)++, &i64, sizeof i64, e) >= 0;
    case CLG__ARG_I32:
        return clg__kernel_set(s->kernel, (*at)++, &i32, sizeof i32, e) >= 0;
    case CLG__ARG_I64:
        return clg__kernel_set(s->kernel, (*at)++, &i64, sizeof i64, e) >= 0;
    case CLG__ARG_F32:
        return clg__kernel_set(s->kernel, (*at)++, &f32, sizeof f32, e) >= 0;
    case CLG__ARG_F64:
        return clg__kernel_set(s->kernel, (*at)++, &a->f, sizeof a->f, e) >= 0;
    case CLG__ARG_LOCAL:
        return clg__kernel_set_local(s->kernel, (*at)++, (size_t) a->i, e) >= 0;
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
    case CLG__ARG_F32:
        return 4;
    case CLG__ARG_LOCAL:
    case CLG__ARG_EPILOGUE:
        return 0;
    default: // buffers, and numbers of 8 bytes at most
        return 8;
    }
}

static bool blas_step(maker *m, clg__step *s, int group, const clg__launch *l)
{
    s->blas = l->blas;
    const clg__ir *v = &m->w->ir[m->f.g[group].kernel];
    s->blas_place[0] = m->place_of[CLG__VALUE(v->src[0].ir, v->src[0].out)];
    s->blas_place[1] = m->place_of[CLG__VALUE(v->src[1].ir, v->src[1].out)];
    s->blas_place[2] = m->place_of[CLG__VALUE(m->f.g[group].kernel, 0)];
    s->blas.a_offset += input_offset(m, group, 0);
    s->blas.b_offset += input_offset(m, group, 1);
    return note_write(m, s, s->blas_place[2]);
}

static bool add_steps(maker *m, int launch, int *unit)
{
    const clg__kplan *kp = &m->kp[launch];
    const int group = m->f.order[m->f.launch_start[launch]];
    temps t = { .geo = -1 };
    for (int i = 0; i < kp->n_temps; i++)
        t.place[i] = m->scratch_of[launch] + i;
    clg__plan *p = m->p;
    if (kp->n_geo > 0) {
        const size_t bytes = (size_t) kp->n_geo * sizeof kp->geo[0];
        if (!clg__grow((void **) &p->geo, &p->cap_geo, p->n_geo + 1, sizeof *p->geo))
            return oom(m);
        p->geo[p->n_geo] = clg__buf_alloc(p->gpu, bytes, m->w->err);
        if (!p->geo[p->n_geo])
            return false;
        t.geo = p->n_geo++;
        if (clg__buf_write(p->geo[t.geo], 0, kp->geo, bytes, m->w->err) < 0)
            return false;
    }
    for (int i = 0; i < kp->n_launches; i++) {
        const clg__launch *l = &kp->launches[i];
        if (!clg__grow((void **) &p->steps, &p->cap_steps, p->n_steps + 1, sizeof *p->steps))
            return oom(m);
        clg__step *s = &p->steps[p->n_steps++];
        *s = (clg__step) { .dims = l->dims };
        memcpy(s->grid, l->grid, sizeof s->grid);
        memcpy(s->group, l->group, sizeof s->group);
        if (l->blas.used) {
            if (!blas_step(m, s, group, l))
                return false;
            continue;
        }
        s->kernel = m->units[*unit].kernel;
        m->units[(*unit)++].kernel = NULL;
        int at = 0;
        size_t bytes = 0;
        for (int a = 0; a < l->n_args; a++) {
            if (!set_arg(m, s, group, &l->args[a], &t, &at))
                return false;
            bytes += argument_bytes(&l->args[a]);
        }
        if (clg__kernel_fit(s->kernel, s->dims, s->grid, s->group, bytes, m->w->err) < 0)
            return false;
    }
    p->bytes += kp->bytes;
    p->flops += kp->flops;
    return true;
}

static bool add_units(maker *m, const clg__kplan *kp)
{
    for (int i = 0; i < kp->n_launches; i++) {
        const clg__launch *k = &kp->launches[i];
        if (k->blas.used)
            continue;
        if (k->defines.failed || k->text.failed ||
            !clg__grow((void **) &m->units, &m->cap_units, m->n_units + 1, sizeof *m->units))
            return oom(m);
        m->units[m->n_units++] = (clg__unit) { .file = k->file, .entry = k->entry,
                                               .defines = clg__str_text(&k->defines),
                                               .text = clg__str_text(&k->text) };
    }
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static bool build(maker *m)
{
    for (int l = 0; l < m->f.n_launches; l++) {
        if (!add_units(m, &m->kp[l]))
            return false;
    }
    const int n = m->n_units; // the steps take theirs in order
    for (int l = 0; l < m->f.n_launches; l++) {
        if (!add_units(m, &m->spare[l]))
            return false;
    }
    if (m->n_units == 0)
        return true;
    if (clg__gpu_build(m->p->gpu, m->units, m->n_units, m->w->err) < 0)
        return false;
    const char **names = clg__malloc((size_t) n * sizeof *names);
    if (!names)
        return oom(m);
    for (int i = 0; i < n; i++)
        names[i] = clg__kernel_name(m->units[i].kernel);
    qsort(names, (size_t) n, sizeof *names, by_text);
    for (int i = 0; i < n; i++)
        m->p->n_kernels += i == 0 || strcmp(names[i - 1], names[i]) != 0;
    clg__free(names);
    return true;
}

static bool make_roots(maker *m)
{
    clg__work *w = m->w;
    clg__plan *p = m->p;
    p->n_roots = w->n_roots;
    p->root_place = clg__malloc(((size_t) w->n_roots + 1) * sizeof *p->root_place);
    p->root_offset = clg__calloc((size_t) w->n_roots + 1, sizeof *p->root_offset);
    p->bufs = clg__calloc((size_t) p->n_places + 1, sizeof *p->bufs);
    p->written = clg__calloc((size_t) p->most_writes + 1, sizeof *p->written);
    if (!p->root_place || !p->root_offset || !p->bufs || !p->written)
        return oom(m);
    if (m->n_views > 0) {
        p->scratch = clg__scratch_new(p->gpu, m->views, m->n_views, w->err);
        if (!p->scratch)
            return false;
    }
    for (int i = 0; i < p->n_places && p->scratch; i++) {
        if (p->places[i].kind == CLG__PLACE_TEMP)
            p->bufs[i] = clg__scratch_view(p->scratch, p->places[i].view);
    }
    for (int i = 0; i < w->n_roots; i++) {
        p->root_place[i] = -1;
        if (!w->roots[i] || w->roots[i]->buf)
            continue;
        const clg__ref *r = &w->root_ref[i];
        p->root_place[i] = m->place_of[CLG__VALUE(r->ir, r->out)];
        p->root_offset[i] = r->geom.offset + w->ir[r->ir].offset;
    }
    return true;
}

// All that needs no OpenCL object.
static bool prepare(maker *m)
{
    clg__work *w = m->w;
    if (!clg__fuse(&m->f))
        return false;
    const size_t values = (size_t) (w->n_ir + 1) * CLG__MAX_OUTPUTS;
    m->place_of = clg__malloc(values * sizeof *m->place_of);
    m->last_use = clg__malloc(values * sizeof *m->last_use);
    m->scratch_of = clg__malloc(((size_t) m->f.n_launches + 1) * sizeof *m->scratch_of);
    if (!m->place_of || !m->last_use || !m->scratch_of)
        return oom(m);
    return describe(m) && plan_memory(m);
}

static bool make(maker *m)
{
    if (!prepare(m) || !build(m))
        return false;
    int unit = 0;
    for (int l = 0; l < m->f.n_launches; l++) {
        if (!add_steps(m, l, &unit))
            return false;
    }
    return make_roots(m);
}

static bool begin(maker *m, clg__gpu *gpu)
{
    m->p = clg__calloc(1, sizeof *m->p);
    if (!m->p)
        return oom(m);
    m->p->gpu = gpu;
    return true;
}

// Everything but the plan itself.
static void end(maker *m)
{
    for (int i = 0; i < m->n_units; i++)
        clg__kernel_free(m->units[i].kernel);
    clg__free(m->units);
    for (int l = 0; m->kp && m->spare && l < m->f.n_launches; l++) {
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
    clg__fusion_free(&m->f);
}

clg__plan *clg__plan_make(clg__work *w, clg__gpu *gpu)
{
    maker m = { .w = w, .f = { .w = w } };
    const bool ok = begin(&m, gpu) && make(&m);
    if (ok && clg__log_on(CLG__LOG_PLAN))
        clg__plan_log(m.p, &m.f);
    end(&m);
    if (!ok) {
        clg__plan_free(m.p);
        return NULL;
    }
    return m.p;
}

bool clg__plan_estimate(clg__work *w, clg_plan_info *info)
{
    maker m = { .w = w, .f = { .w = w } };
    const bool ok = begin(&m, NULL) && prepare(&m);
    *info = (clg_plan_info) { .nodes = (uint64_t) w->n_order };
    for (int l = 0; l < m.f.n_launches && ok; l++)
        info->launches += (uint64_t) m.kp[l].n_launches;
    if (ok)
        info->bytes_peak = m.p->peak;
    if (ok)
        info->bytes_live = m.p->live;
    end(&m);
    clg__plan_free(m.p);
    return ok;
}

void clg__plan_free(clg__plan *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->n_steps; i++) {
        clg__kernel_free(p->steps[i].kernel);
        clg__free(p->steps[i].bound);
        clg__free(p->steps[i].fixed);
        clg__free(p->steps[i].writes);
    }
    for (int i = 0; i < p->n_geo; i++)
        clg__buf_unref(p->geo[i]);
    clg__free(p->geo);
    clg__free(p->steps);
    clg__free(p->places);
    clg__free(p->root_place);
    clg__free(p->root_offset);
    clg__free(p->bufs);
    clg__scratch_free(p->scratch);
    clg__free(p->written);
    clg__str_free(&p->key);
    clg__free(p);
}
