// SPDX-License-Identifier: MIT
// Groups become one where one pass over the same elements makes both: a consumer with its producer (also as
// epilogue of a reduction or kernel), siblings that read the same tensor, sibling reductions.
#include "sched/planner.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "graph/build.h"

#include <stdlib.h>
#include <string.h>

// A group under something that it reads, and that siblings would read too.
typedef struct sibling {
    uint64_t key;
    int group;
    int from; // of the first of a key: those before it take no more
} sibling;

typedef struct merger {
    clg__planner *f;
    sibling *all; // by key, then group
    int n;
} merger;

// ---- one merge

static void set_group(clg__work *w, const clg__group *members, int k)
{
    for (int i = 0; i < members->n_results; i++)
        w->values[members->results[i]].group = k;
    for (int i = 0; i < members->n_reductions; i++)
        w->values[members->reductions[i]].group = k;
}

bool clg__groups_try_merge(clg__planner *f, int a, int b)
{
    clg__group *ga = &f->groups[a], *gb = &f->groups[b];
    const int n_results = ga->n_results, n_reductions = ga->n_reductions;
    if (n_results + gb->n_results > CLG__BODY_OUTPUTS || n_reductions + gb->n_reductions > CLG__BODY_REDUCTIONS ||
        clg__groups_cycle(f, a, b))
        return false;
    for (int i = 0; i < gb->n_results; i++)
        ga->results[ga->n_results++] = gb->results[i];
    for (int i = 0; i < gb->n_reductions; i++)
        ga->reductions[ga->n_reductions++] = gb->reductions[i];
    set_group(f->w, gb, a);
    const bool fits = clg__emit(f, a, f->emitted).ok &&
                      f->emitted->n_operands + f->emitted->n_outputs <=
                          (ga->kind == CLG__GROUP_KERNEL ? f->cost.epilogue_buffers : f->cost.max_buffers);
    if (fits && clg__group_set_body(f, a, f->emitted)) {
        clg__groups_merged(f, a, b);
        return true;
    }
    ga->n_results = n_results;
    ga->n_reductions = n_reductions;
    set_group(f->w, gb, b);
    return false;
}

// ---- producers

static bool merge_into_producer(clg__planner *f, int k)
{
    for (int i = 0; i < f->groups[k].n_loads; i++) {
        const int d = clg__group_dep(f, k, i);
        if (d < 0 || clg__group_numel(f, d) != clg__group_numel(f, k))
            continue;
        // at the end of a reduction it would save nothing, and make each reduction a kernel of its own
        if (f->groups[d].kind == CLG__GROUP_REDUCE && f->groups[k].same_body)
            continue;
        const bool kernel = f->groups[d].kind == CLG__GROUP_KERNEL;
        if (kernel ? clg__epilogue_merge(f, d, k) : clg__groups_try_merge(f, d, k))
            return true;
    }
    return false;
}

// ---- siblings

static const clg__node *reduction_of(const clg__planner *f, int k)
{
    return f->groups[k].kind == CLG__GROUP_REDUCE ? f->w->values[f->groups[k].reductions[0]].node : NULL;
}

// Elements that the group walks.
static int64_t walked(const clg__planner *f, int k)
{
    const clg__node *r = reduction_of(f, k);
    return r ? clg_numel(r->in[0]->pub.shape) : clg__group_numel(f, k);
}

static bool alike(const clg__planner *f, int a, int b)
{
    if (f->groups[a].kind != f->groups[b].kind || clg__group_numel(f, a) != clg__group_numel(f, b))
        return false;
    const clg__node *x = reduction_of(f, a), *y = reduction_of(f, b);
    if (!x)
        return true;
    const clg__reduce *rx = x->params, *ry = y->params;
    return clg__shape_equal(&x->in[0]->pub.shape, &y->in[0]->pub.shape) &&
           memcmp(rx->axis, ry->axis, sizeof rx->axis) == 0;
}

static bool share_a_load(const clg__planner *f, int a, int b)
{
    const clg__group *x = &f->groups[a], *y = &f->groups[b];
    for (int i = 0; i < x->n_loads; i++) {
        for (int j = 0; j < y->n_loads; j++) {
            if (x->loads[i] == y->loads[j] &&
                clg__cost_big(f->w->values[x->loads[i] / CLG__MAX_OUTPUTS].numel, walked(f, b)))
                return true;
        }
    }
    return false;
}

static uint64_t key_of(const clg__planner *f, int k, int load, int band)
{
    const clg__node *r = reduction_of(f, k);
    const int64_t head[5] = { load, f->groups[k].kind, clg__group_numel(f, k), band, 0 };
    uint64_t h = clg__hash(head, sizeof head, 0);
    if (r) {
        const clg_shape *s = &r->in[0]->pub.shape;
        h = clg__hash(s->dim, (size_t) s->rank * sizeof s->dim[0], h);
        h = clg__hash(((const clg__reduce *) r->params)->axis, sizeof ((clg__reduce *) 0)->axis, h);
    }
    return h;
}

static bool is_big_load(const clg__planner *f, int k, int i)
{
    return clg__cost_big(f->w->values[f->groups[k].loads[i] / CLG__MAX_OUTPUTS].numel, walked(f, k));
}

static int by_key(const void *a, const void *b)
{
    const sibling *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : (x->group > y->group) - (x->group < y->group);
}

static bool find_siblings(merger *m)
{
    clg__planner *f = m->f;
    size_t most = 0;
    for (int k = 0; k < f->n_groups; k++)
        most += f->groups[k].kind == CLG__GROUP_KERNEL ? 0 : (size_t) f->groups[k].n_loads;
    m->all = clg__malloc((most + 1) * sizeof *m->all);
    if (!m->all)
        return false;
    for (int k = 0; k < f->n_groups; k++) {
        if (!clg__group_alive(f, k) || f->groups[k].kind == CLG__GROUP_KERNEL)
            continue;
        const int band = f->groups[k].level / f->cost.band_levels;
        for (int i = 0; i < f->groups[k].n_loads; i++) {
            if (is_big_load(f, k, i))
                m->all[m->n++] = (sibling) { key_of(f, k, f->groups[k].loads[i], band), k, 0 };
        }
    }
    qsort(m->all, (size_t) m->n, sizeof *m->all, by_key);
    return true;
}

static int first_of(const merger *m, uint64_t key)
{
    int lo = 0, hi = m->n;
    while (lo < hi) {
        const int mid = lo + (hi - lo) / 2;
        if (m->all[mid].key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->n && m->all[lo].key == key ? lo : -1;
}

// Can it take no more, whatever comes?
static bool is_closed(const clg__planner *f, int k)
{
    const clg__group *g = &f->groups[k];
    return g->refusals >= f->cost.max_refusals ||
           (g->kind == CLG__GROUP_REDUCE ? g->n_reductions >= CLG__BODY_REDUCTIONS : g->n_results >= CLG__BODY_OUTPUTS);
}

typedef struct cursor {
    uint64_t key;
    int at;
} cursor;
enum { CURSORS = 256 };

// Where siblings of k may stand: under each of its loads, in its band and those near.
static int open_cursors(merger *m, int k, cursor *c)
{
    const clg__planner *f = m->f;
    const int band = f->groups[k].level / f->cost.band_levels, near = f->cost.near_bands;
    int n = 0;
    for (int i = 0; i < f->groups[k].n_loads; i++) {
        for (int b = band - near; b <= band + near && is_big_load(f, k, i) && n < CURSORS; b++) {
            const uint64_t key = key_of(f, k, f->groups[k].loads[i], b);
            const int first = b < 0 ? -1 : first_of(m, key);
            if (first < 0)
                continue;
            int *from = &m->all[first].from; // what is closed stays so
            while (first + *from < m->n && m->all[first + *from].key == key &&
                   is_closed(f, clg__group_find(m->f, m->all[first + *from].group)))
                (*from)++;
            c[n++] = (cursor) { key, first + *from };
        }
    }
    return n;
}

// The first of what the cursors stand on, in order of groups; -1: they are at their ends.
static int next_group(const merger *m, cursor *c, int n)
{
    int best = -1;
    for (int i = 0; i < n; i++) {
        const bool is = c[i].at < m->n && m->all[c[i].at].key == c[i].key;
        if (is && (best < 0 || m->all[c[i].at].group < m->all[c[best].at].group))
            best = i;
    }
    return best < 0 ? -1 : m->all[c[best].at++].group;
}

static bool merge_sibling(merger *m, int k)
{
    clg__planner *f = m->f;
    cursor c[CURSORS];
    if (is_closed(f, k))
        return false;
    const int n = open_cursors(m, k, c);
    for (int at = next_group(m, c, n); at >= 0; at = next_group(m, c, n)) {
        const int a = clg__group_find(f, at);
        if (a == k || f->groups[a].next == k || is_closed(f, a))
            continue;
        f->groups[a].next = k; // was tried
        if (!alike(f, a, k) || !share_a_load(f, a, k))
            continue;
        if (clg__groups_try_merge(f, a, k))
            return true;
        f->groups[a].refusals++;
        if (f->failed)
            return false;
    }
    return false;
}

// ---- the pass

static bool make_bodies(clg__planner *f)
{
    for (int k = 0; k < f->n_groups; k++) {
        if (!clg__group_alive(f, k) || f->groups[k].kind == CLG__GROUP_KERNEL)
            continue;
        if (!clg__emit_storing(f, k, f->emitted) || !clg__group_set_body(f, k, f->emitted)) {
            if (!f->failed)
                clg__fail(f->w->err, CLG_EBUILD, "eval: a group does not fit a kernel");
            return false;
        }
    }
    return true;
}

// Groups of one text share a launch, as the updates of all parameters do.
static bool find_same_bodies(clg__planner *f)
{
    const size_t n = (size_t) f->n_groups + 1;
    int *first = clg__malloc(n * sizeof *first); // group by number of its text
    int *text = clg__malloc(n * sizeof *text), *level = clg__malloc(n * sizeof *level);
    bool *stays = clg__calloc(n, sizeof *stays); // by text
    bool ok = first && text && level && stays;
    for (int k = 0; k < f->n_groups && ok; k++)
        first[k] = text[k] = level[k] = -1;
    for (int k = 0; k < f->n_groups && ok; k++) {
        if (!clg__group_alive(f, k) || f->groups[k].kind != CLG__GROUP_POINTWISE)
            continue;
        ok = clg__text_number(f->texts, f->groups[k].body, f->emitted, &text[k]);
        level[k] = clg__epilogue_level(f, k, level);
        if (!ok || text[k] < 0)
            continue;
        stays[text[k]] |= level[k] < 0;
        if (first[text[k]] < 0)
            first[text[k]] = k;
        else
            f->groups[first[text[k]]].same_body = f->groups[k].same_body = true;
    }
    for (int k = 0; k < f->n_groups && ok; k++)
        f->groups[k].text_stays = text[k] >= 0 && f->groups[k].same_body && stays[text[k]];
    clg__free(first);
    clg__free(text);
    clg__free(level);
    clg__free(stays);
    return ok;
}

static void merge_all(merger *m)
{
    clg__planner *f = m->f;
    for (int k = 0; k < f->n_groups; k++)
        f->groups[k].next = -1;
    // Values come in dependency order, groups nearly so: walk the values.
    for (int i = 0; i < f->w->n_values && !f->failed; i++) {
        const int k = f->w->values[i].group;
        if (k < 0 || !f->w->values[i].stored || f->groups[k].kind == CLG__GROUP_KERNEL)
            continue;
        if (f->groups[k].kind == CLG__GROUP_POINTWISE && f->groups[k].n_results == 1 && f->groups[k].results[0] == i &&
            merge_into_producer(f, k))
            continue;
        merge_sibling(m, k);
    }
}

bool clg__pass_registers(clg__planner *f)
{
    char *read = clg__calloc((size_t) f->w->n_values + 1, 1);
    if (!read)
        return false;
    for (int k = 0; k < f->n_groups; k++) {
        for (int i = 0; clg__group_alive(f, k) && i < f->groups[k].n_loads; i++)
            read[f->groups[k].loads[i] / CLG__MAX_OUTPUTS] = 1;
    }
    for (int k = 0; k < f->n_groups && !f->failed; k++) {
        clg__group *g = &f->groups[k];
        bool changed = false;
        const int n = !clg__group_alive(f, k) ? 0 : g->n_results + g->n_reductions;
        for (int i = 0; i < n + (n > 0 && g->kind == CLG__GROUP_KERNEL); i++) {
            const int id = i == n ? g->kernel : i < g->n_results ? g->results[i] : g->reductions[i - g->n_results];
            clg__value *v = &f->w->values[id];
            if (v->stored && !read[id] && !v->is_result) {
                v->stored = false;
                changed = true;
            }
        }
        if (changed && clg__emit(f, k, f->emitted).ok)
            clg__group_set_body(f, k, f->emitted);
    }
    clg__free(read);
    return !f->failed;
}

bool clg__pass_merge(clg__planner *f)
{
    merger m = { .f = f };
    bool ok = make_bodies(f) && clg__groups_link(f);
    if (ok && f->w->fuse) {
        ok = find_same_bodies(f) && find_siblings(&m);
        if (ok)
            merge_all(&m);
    }
    clg__free(m.all);
    return ok && !f->failed;
}
