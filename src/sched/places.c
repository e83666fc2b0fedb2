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

static int new_place(clg__planner *m, clg__place p)
{
    clg__plan *plan = m->plan;
    if (!clg__grow((void **) &plan->places, &plan->cap_places, plan->n_places + 1,
                   sizeof *plan->places)) {
        clg__planner_oom(m);
        return -1;
    }
    plan->places[plan->n_places] = p;
    return plan->n_places++;
}

static int temp_place(clg__planner *m, size_t bytes, int from, int until)
{
    return new_place(m, (clg__place) { .kind = CLG__PLACE_TEMP, .node_index = -1, .bytes = bytes, .from = from,
                                       .until = until });
}

static void find_last_uses(clg__planner *m)
{
    for (int l = 0; l < m->n_launches; l++) {
        for (int i = m->launch_start[l]; i < m->launch_start[l + 1]; i++) {
            const int n = clg__group_n_loads(m, m->order[i]);
            for (int k = 0; k < n; k++) {
                const int value = clg__group_load(m, m->order[i], k);
                if (value >= 0)
                    m->last_use[value] = l;
            }
        }
    }
}

static bool place_value(clg__planner *m, int value, int launch)
{
    const clg__value *v = &m->w->values[value / CLG__MAX_OUTPUTS];
    const size_t bytes = value_bytes(m->w, value);
    if (v->asked >> value % CLG__MAX_OUTPUTS & 1)
        m->place_of[value] = new_place(m, (clg__place) { .kind = CLG__PLACE_RESULT, .node_index = -1, .bytes = bytes });
    else
        m->place_of[value] = temp_place(m, bytes, launch,
                                        m->last_use[value] > launch ? m->last_use[value] : launch);
    return m->place_of[value] >= 0;
}

static bool place_group(clg__planner *m, int group, int launch)
{
    const clg__grp *g = &m->g[group];
    for (int i = 0; g->body && i < g->body->n_outputs; i++) {
        if (!place_value(m, g->body->outputs[i].output, launch))
            return false;
    }
    if (g->kind != CLG__GRP_KERNEL || g->n_results)
        return true;
    const clg__value *v = &m->w->values[g->kernel];
    for (int k = 0; k < (v->node->outs ? v->node->outs->n : 1); k++) {
        if (!place_value(m, CLG__BINDING(g->kernel, k), launch))
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

static bool check_sizes(clg__planner *m)
{
    const uint64_t most = m->w->dev->caps->max_alloc_bytes;
    for (int i = 0; i < m->plan->n_places && most; i++) {
        if (m->plan->places[i].bytes > most) {
            clg__fail(m->w->err, CLG_ENOMEM, "a tensor of %zu bytes is larger than the device allows (%llu)",
                      m->plan->places[i].bytes, (unsigned long long) most);
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
static bool make_views(clg__planner *m, int n, size_t part)
{
    clg__plan *p = m->plan;
    spot *all = clg__malloc(((size_t) n + 1) * sizeof *all);
    if (!all)
        return clg__planner_oom(m);
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

static bool place_temps(clg__planner *m)
{
    clg__plan *p = m->plan;
    const clg__caps *caps = m->w->dev->caps;
    const size_t align = scratch_align(caps), part = (size_t) caps->max_alloc_bytes;
    size_t total, live;
    int n = 0;
    if (!check_sizes(m))
        return false;
    m->spans = clg__malloc(((size_t) p->n_places + 1) * sizeof *m->spans);
    m->views = clg__malloc(((size_t) p->n_places + 1) * sizeof *m->views);
    if (!m->spans || !m->views)
        return clg__planner_oom(m);
    for (int i = 0; i < p->n_places; i++) {
        const clg__place *c = &p->places[i];
        p->results += c->kind == CLG__PLACE_RESULT ? c->bytes : 0;
        if (c->kind == CLG__PLACE_TEMP)
            m->spans[n++] = (clg__span) { .bytes = c->bytes, .from = c->from, .until = c->until };
    }
    if (!clg__memory_place(m->spans, n, m->n_launches, align, part, &total, &live))
        return clg__planner_oom(m);
    p->peak = p->results + total;
    p->live = p->results + live;
    return make_views(m, n, clg__memory_part(part, align));
}

bool clg__pass_memory(clg__planner *m)
{
    const size_t values = (size_t) (m->w->n_values + 1) * CLG__MAX_OUTPUTS;
    m->place_of = clg__malloc(values * sizeof *m->place_of);
    m->last_use = clg__malloc(values * sizeof *m->last_use);
    m->scratch_of = clg__malloc(((size_t) m->n_launches + 1) * sizeof *m->scratch_of);
    if (!m->place_of || !m->last_use || !m->scratch_of)
        return clg__planner_oom(m);
    for (int i = 0; i < m->w->n_values * CLG__MAX_OUTPUTS; i++)
        m->place_of[i] = m->last_use[i] = -1;
    find_last_uses(m);
    for (int i = 0; i < m->w->n_values; i++) {
        const clg__value *v = &m->w->values[i];
        if (v->op->kind != CLG__LEAF)
            continue;
        m->place_of[CLG__BINDING(i, 0)] =
            new_place(m, (clg__place) { .kind = CLG__PLACE_LEAF, .node_index = v->node_index });
        if (m->place_of[CLG__BINDING(i, 0)] < 0)
            return false;
    }
    for (int l = 0; l < m->n_launches; l++) {
        for (int i = m->launch_start[l]; i < m->launch_start[l + 1]; i++) {
            if (!place_group(m, m->order[i], l))
                return false;
        }
        m->scratch_of[l] = m->plan->n_places;
        for (int i = 0; i < m->kp[l].n_temps; i++) {
            if (temp_place(m, m->kp[l].temp_bytes[i], l, l) < 0)
                return false;
        }
    }
    return place_temps(m);
}
