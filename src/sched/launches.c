// SPDX-License-Identifier: MIT
// The order of groups, and which of them share a launch: level by level, those of one text together.
#include "sched/planner.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>

typedef struct entry { // a pointwise group that others may join
    int level, text;
    uint64_t scalars;
    int group;
} entry;

// Sinks run last, so that the updates of all parameters share launches.
static bool sink_last(clg__planner *f, int top)
{
    char *read = clg__calloc((size_t) f->n_groups + 1, 1);
    if (!read)
        return false;
    for (int k = 0; k < f->n_groups; k++) {
        for (int i = 0; clg__group_alive(f, k) && i < f->groups[k].n_loads; i++) {
            const int d = clg__group_dep(f, k, i);
            if (d >= 0)
                read[d] = 1;
        }
    }
    for (int k = 0; k < f->n_groups; k++) {
        if (clg__group_alive(f, k) && f->groups[k].kind == CLG__GROUP_POINTWISE && !read[k])
            f->groups[k].level = top;
    }
    clg__free(read);
    return true;
}

// Draws are a kernel's own; scalars are arguments once, so that they must be the same.
static bool may_share(const clg__compact_body *b, uint64_t *scalars)
{
    *scalars = 0;
    for (int i = 0; i < b->n_operands; i++) {
        const clg__operand *o = &b->operands[i];
        const int what[2] = { i, o->input };
        if (o->kind == CLG__FROM_RANDOM)
            return false;
        if (o->kind == CLG__FROM_SCALAR)
            *scalars = clg__hash(what, sizeof what, *scalars);
    }
    return true;
}

static bool same_scalars(const clg__compact_body *a, const clg__compact_body *b)
{
    bool same = a->n_operands == b->n_operands && a->n_outputs == b->n_outputs;
    for (int i = 0; i < a->n_operands && same; i++) {
        const clg__operand *x = &a->operands[i], *y = &b->operands[i];
        same = x->kind == y->kind && (x->kind != CLG__FROM_SCALAR || x->input == y->input);
    }
    return same;
}

// May n groups like b share a launch? Slots are arguments once, buffers for every group.
static bool arguments_fit(const clg__planner *f, const clg__compact_body *b, int n)
{
    int bytes = 16 + n * b->n_outputs * 8;
    for (int k = 0; k < b->n_operands; k++) {
        const clg__operand_kind kind = b->operands[k].kind;
        bytes += kind == CLG__FROM_BUFFER ? n * 8 : kind == CLG__FROM_RANDOM ? 16 : 8;
    }
    return n <= CLG__LAUNCH_BODIES && bytes <= f->cost.argument_bytes &&
           n * (b->n_operands + b->n_outputs) <= f->cost.launch_buffers;
}

static int by_text(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->level != y->level)
        return x->level < y->level ? -1 : 1;
    if (x->text != y->text)
        return x->text < y->text ? -1 : 1;
    if (x->scalars != y->scalars)
        return x->scalars < y->scalars ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

// Sorted: those that may share a launch follow each other. Their place goes to next; -1: alone.
static bool find_entries(clg__planner *f, entry **out, int *n)
{
    entry *all = clg__malloc(((size_t) f->n_groups + 1) * sizeof *all);
    bool ok = all != NULL;
    *n = 0;
    for (int k = 0; k < f->n_groups && ok; k++) {
        clg__group *g = &f->groups[k];
        uint64_t scalars;
        int text = -1;
        g->next = -1;
        if (!f->w->fuse || !clg__group_alive(f, k) || g->kind != CLG__GROUP_POINTWISE || !may_share(g->body, &scalars))
            continue;
        ok = clg__text_number(f->texts, g->body, f->emitted, &text);
        if (ok && text >= 0)
            all[(*n)++] = (entry) { g->level, text, scalars, k };
    }
    if (ok)
        qsort(all, (size_t) *n, sizeof *all, by_text);
    for (int i = 0; i < *n && ok; i++)
        f->groups[all[i].group].next = i;
    *out = all;
    return ok;
}

// Those of its text on its level, as many as fit.
static void fill_launch(clg__planner *f, const entry *all, int n, int k, int *at)
{
    const clg__group *g = &f->groups[k];
    int groups = 1;
    for (int i = g->next + 1; g->next >= 0 && i < n && arguments_fit(f, g->body, groups + 1); i++) {
        const entry *e = &all[i], *of = &all[g->next];
        if (e->level != of->level || e->text != of->text || e->scalars != of->scalars)
            break;
        clg__group *o = &f->groups[e->group];
        if (o->launch >= 0 || !same_scalars(g->body, o->body))
            continue;
        o->launch = g->launch;
        f->order[(*at)++] = e->group;
        groups++;
    }
}

// Groups by level, in order within one.
static bool sort_by_level(const clg__planner *f, int top, int *sorted, int *n)
{
    int *start = clg__calloc((size_t) top + 2, sizeof *start);
    if (!start)
        return false;
    *n = 0;
    for (int k = 0; k < f->n_groups; k++) {
        if (clg__group_alive(f, k))
            start[f->groups[k].level + 1]++;
    }
    for (int l = 0; l <= top; l++)
        start[l + 1] += start[l];
    for (int k = 0; k < f->n_groups; k++) {
        if (!clg__group_alive(f, k))
            continue;
        sorted[start[f->groups[k].level]++] = k;
        (*n)++;
    }
    clg__free(start);
    return true;
}

bool clg__pass_launches(clg__planner *f)
{
    entry *all = NULL;
    int top = 0, at = 0, n_all, n = 0;
    f->order = clg__malloc(((size_t) f->n_groups + 1) * sizeof *f->order);
    f->launch_start = clg__malloc(((size_t) f->n_groups + 1) * sizeof *f->launch_start);
    int *sorted = clg__malloc(((size_t) f->n_groups + 1) * sizeof *sorted);
    bool ok = f->order && f->launch_start && sorted && clg__groups_levels(f);
    for (int k = 0; k < f->n_groups; k++)
        top = f->groups[k].level > top ? f->groups[k].level : top;
    ok = ok && sink_last(f, top) && find_entries(f, &all, &n_all) && sort_by_level(f, top, sorted, &n);
    for (int i = 0; i < n && ok; i++) {
        const int k = sorted[i];
        if (f->groups[k].launch >= 0)
            continue;
        f->launch_start[f->n_launches] = at;
        f->groups[k].launch = f->n_launches++;
        f->order[at++] = k;
        fill_launch(f, all, n_all, k, &at);
    }
    if (ok)
        f->launch_start[f->n_launches] = at;
    clg__free(all);
    clg__free(sorted);
    return ok;
}
