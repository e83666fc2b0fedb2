// SPDX-License-Identifier: MIT
// Where everything lies: leaves, results, and temporaries by liveness.
#include "sched/planner.h"

#include "base/alloc.h"

#include <stdlib.h>

static size_t value_bytes(const clg__work *w, int value)
{
    const clg__value *v = &w->values[value / CLG__MAX_OUTPUTS];
    const int out = value % CLG__MAX_OUTPUTS;
    const int64_t n = out ? clg_numel(v->node->outs->shape[out]) : v->numel;
    return (size_t) n * clg_dtype_size(out ? v->node->outs->dtype[out] : v->dtype);
}

static int new_place(clg__planner *f, clg__place p)
{
    clg__plan *plan = f->plan;
    if (!clg__grow((void **) &plan->places, &plan->cap_places, plan->n_places + 1,
                   sizeof *plan->places)) {
        clg__planner_oom(f);
        return -1;
    }
    plan->places[plan->n_places] = p;
    return plan->n_places++;
}

static int temp_place(clg__planner *f, size_t bytes, int from, int until)
{
    return new_place(f, (clg__place) { .kind = CLG__PLACE_TEMP, .node_index = -1, .bytes = bytes, .from = from,
                                       .until = until });
}

static void find_last_uses(clg__planner *f)
{
    for (int l = 0; l < f->n_launches; l++) {
        for (int i = f->launch_start[l]; i < f->launch_start[l + 1]; i++) {
            const int n = clg__group_n_loads(f, f->order[i]);
            for (int k = 0; k < n; k++) {
                const int value = clg__group_load(f, f->order[i], k);
                if (value >= 0)
                    f->last_use[value] = l;
            }
        }
    }
}

static bool place_value(clg__planner *f, int value, int launch)
{
    const clg__value *v = &f->w->values[value / CLG__MAX_OUTPUTS];
    const size_t bytes = value_bytes(f->w, value);
    if (v->result_outputs >> value % CLG__MAX_OUTPUTS & 1)
        f->place_of[value] = new_place(f, (clg__place) { .kind = CLG__PLACE_RESULT, .node_index = -1, .bytes = bytes });
    else
        f->place_of[value] = temp_place(f, bytes, launch,
                                        f->last_use[value] > launch ? f->last_use[value] : launch);
    return f->place_of[value] >= 0;
}

static bool place_group(clg__planner *f, int group, int launch)
{
    const clg__group *g = &f->groups[group];
    for (int i = 0; g->body && i < g->body->n_outputs; i++) {
        if (!place_value(f, g->body->outputs[i].output % CLG__EPILOGUE_BASE, launch))
            return false;
    }
    if (g->kind != CLG__GROUP_KERNEL || g->n_results)
        return true;
    const clg__value *v = &f->w->values[g->kernel];
    for (int k = 0; k < (v->node->outs ? v->node->outs->n : 1); k++) {
        if (!place_value(f, CLG__BINDING(g->kernel, k), launch))
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

static bool check_sizes(clg__planner *f)
{
    const uint64_t most = f->w->dev->caps->max_alloc_bytes;
    for (int i = 0; i < f->plan->n_places && most; i++) {
        if (f->plan->places[i].bytes > most) {
            clg__fail(f->w->err, CLG_ENOMEM, "a tensor of %zu bytes is larger than the device allows (%llu)",
                      f->plan->places[i].bytes, (unsigned long long) most);
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
static bool make_views(clg__planner *f, int n, size_t part)
{
    clg__plan *p = f->plan;
    spot *all = clg__malloc(((size_t) n + 1) * sizeof *all);
    if (!all)
        return clg__planner_oom(f);
    for (int i = 0, k = 0; i < p->n_places; i++) {
        if (p->places[i].kind == CLG__PLACE_TEMP) {
            all[k] = (spot) { f->spans[k].offset, f->spans[k].bytes ? f->spans[k].bytes : 1, i };
            k++;
        }
    }
    qsort(all, (size_t) n, sizeof *all, by_offset);
    for (int k = 0; k < n; k++) {
        const spot *s = &all[k];
        if (k == 0 || s->offset != s[-1].offset || s->bytes != s[-1].bytes)
            f->views[f->n_views++] = (clg__place_in) { (int) (s->offset / part), s->offset % part, s->bytes };
        p->places[s->place].view = f->n_views - 1;
    }
    clg__free(all);
    return true;
}

static bool place_temps(clg__planner *f)
{
    clg__plan *p = f->plan;
    const clg__caps *caps = f->w->dev->caps;
    const size_t align = scratch_align(caps), part = (size_t) caps->max_alloc_bytes;
    size_t total, live;
    int n = 0;
    if (!check_sizes(f))
        return false;
    f->spans = clg__malloc(((size_t) p->n_places + 1) * sizeof *f->spans);
    f->views = clg__malloc(((size_t) p->n_places + 1) * sizeof *f->views);
    if (!f->spans || !f->views)
        return clg__planner_oom(f);
    for (int i = 0; i < p->n_places; i++) {
        const clg__place *c = &p->places[i];
        p->results += c->kind == CLG__PLACE_RESULT ? c->bytes : 0;
        if (c->kind == CLG__PLACE_TEMP)
            f->spans[n++] = (clg__span) { .bytes = c->bytes, .from = c->from, .until = c->until };
    }
    if (!clg__memory_place(f->spans, n, f->n_launches, align, part, &total, &live))
        return clg__planner_oom(f);
    p->peak = p->results + total;
    p->live = p->results + live;
    return make_views(f, n, clg__memory_part(part, align));
}

bool clg__pass_memory(clg__planner *f)
{
    const size_t values = (size_t) (f->w->n_values + 1) * CLG__MAX_OUTPUTS;
    f->place_of = clg__malloc(values * sizeof *f->place_of);
    f->last_use = clg__malloc(values * sizeof *f->last_use);
    f->scratch_of = clg__malloc(((size_t) f->n_launches + 1) * sizeof *f->scratch_of);
    if (!f->place_of || !f->last_use || !f->scratch_of)
        return clg__planner_oom(f);
    for (int i = 0; i < f->w->n_values * CLG__MAX_OUTPUTS; i++)
        f->place_of[i] = f->last_use[i] = -1;
    find_last_uses(f);
    for (int i = 0; i < f->w->n_values; i++) {
        const clg__value *v = &f->w->values[i];
        if (v->op->kind != CLG__LEAF)
            continue;
        f->place_of[CLG__BINDING(i, 0)] =
            new_place(f, (clg__place) { .kind = CLG__PLACE_LEAF, .node_index = v->node_index });
        if (f->place_of[CLG__BINDING(i, 0)] < 0)
            return false;
    }
    for (int l = 0; l < f->n_launches; l++) {
        for (int i = f->launch_start[l]; i < f->launch_start[l + 1]; i++) {
            if (!place_group(f, f->order[i], l))
                return false;
        }
        f->scratch_of[l] = f->plan->n_places;
        for (int i = 0; i < f->kp[l].n_temps; i++) {
            if (temp_place(f, f->kp[l].temp_bytes[i], l, l) < 0)
                return false;
        }
    }
    return place_temps(f);
}
