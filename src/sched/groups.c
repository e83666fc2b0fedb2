// SPDX-License-Identifier: MIT
// The graph of groups: what each reads, who reads it, and an order that merges keep.
//
// Ranks are levels with room between them: a merge moves only groups between the two that are merged, not
// all that comes after.
#include "sched/planner.h"

#include "base/alloc.h"

#include <string.h>

#define RANKS ((int64_t) 1 << 24) // between levels

int clg__group_new(clg__planner *f, clg__group_kind kind)
{
    if (!clg__grow((void **) &f->groups, &f->cap_groups, f->n_groups + 1, sizeof *f->groups)) {
        f->failed = true;
        return -1;
    }
    f->groups[f->n_groups] = (clg__group) { .kind = kind, .kernel = -1, .merged_into = -1, .launch = -1 };
    return f->n_groups++;
}

void clg__group_drop(clg__planner *f, int k)
{
    if (k == f->n_groups - 1)
        f->n_groups--;
    else
        f->groups[k].merged_into = k; // no number moves
}

bool clg__group_store(clg__planner *f, int value)
{
    clg__value *v = &f->w->values[value];
    if (v->stored && v->group >= 0)
        return true;
    const int k = clg__group_new(f, CLG__GROUP_POINTWISE);
    if (k < 0)
        return false;
    f->groups[k].results[0] = value;
    f->groups[k].n_results = 1;
    v->stored = true;
    v->group = k;
    return true;
}

int clg__group_n_loads(const clg__planner *f, int k)
{
    return f->groups[k].n_loads;
}

int clg__group_load(const clg__planner *f, int k, int i)
{
    return f->groups[k].loads[i];
}

int clg__group_dep(const clg__planner *f, int k, int i)
{
    const int d = f->w->values[f->groups[k].loads[i] / CLG__MAX_OUTPUTS].group;
    return d == k ? -1 : d;
}

static bool reads(const int *loads, int n, int value)
{
    for (int i = 0; i < n; i++) {
        if (loads[i] == value)
            return true;
    }
    return false;
}

bool clg__group_set_loads(clg__planner *f, int k)
{
    clg__group *g = &f->groups[k];
    const clg__value *v = g->kind == CLG__GROUP_KERNEL ? &f->w->values[g->kernel] : NULL;
    const int most = (g->body ? g->body->n_operands : 0) + (v ? v->n_src : 0);
    int *loads = clg__malloc(((size_t) most + 1) * sizeof *loads);
    if (!loads) {
        f->failed = true;
        return false;
    }
    int n = 0;
    for (int i = 0; g->body && i < g->body->n_operands; i++) {
        const clg__operand *o = &g->body->operands[i];
        const int value = o->input % CLG__EPILOGUE_BASE;
        if (o->kind == CLG__FROM_BUFFER && !reads(loads, n, value))
            loads[n++] = value;
    }
    for (int i = 0; v && i < v->n_src; i++)
        loads[n++] = CLG__BINDING(v->src[i].value, v->src[i].out);
    clg__free(g->loads);
    g->loads = loads;
    g->n_loads = n;
    return true;
}

bool clg__group_set_body(clg__planner *f, int k, const clg__body *body)
{
    clg__compact_body *b = clg__body_compact(body);
    if (!b) {
        f->failed = true;
        return false;
    }
    clg__free(f->groups[k].body);
    f->groups[k].body = b;
    return clg__group_set_loads(f, k);
}

int64_t clg__group_numel(const clg__planner *f, int k)
{
    return f->w->values[clg__group_first(&f->groups[k])].numel;
}

int clg__group_find(clg__planner *f, int k)
{
    while (f->groups[k].merged_into >= 0 && f->groups[k].merged_into != k) {
        const int to = f->groups[k].merged_into;
        if (f->groups[to].merged_into >= 0)
            f->groups[k].merged_into = f->groups[to].merged_into;
        k = to;
    }
    return k;
}

// ---- levels

// One walk in depth, each load looked at once.
bool clg__groups_levels(clg__planner *f)
{
    enum { UNKNOWN = -1 };
    for (int k = 0; k < f->n_groups; k++) {
        f->groups[k].level = UNKNOWN;
        f->groups[k].next = 0;
    }
    for (int k = 0; k < f->n_groups; k++) {
        int top = 0;
        if (!clg__group_alive(f, k) || f->groups[k].level != UNKNOWN)
            continue;
        for (f->stack[top++] = k; top > 0;) {
            const int at = f->stack[top - 1];
            clg__group *g = &f->groups[at];
            int missing = -1;
            for (; g->next < g->n_loads && missing < 0; g->next++) {
                const int d = clg__group_dep(f, at, g->next);
                missing = d >= 0 && f->groups[d].level == UNKNOWN ? d : -1;
            }
            if (missing >= 0 && top < f->n_groups) {
                f->stack[top++] = missing;
                continue;
            }
            int level = 0;
            for (int i = 0; i < g->n_loads; i++) {
                const int d = clg__group_dep(f, at, i);
                level = d >= 0 && f->groups[d].level >= level ? f->groups[d].level + 1 : level;
            }
            g->level = level;
            top--;
        }
    }
    return true;
}

static bool find_users(clg__planner *f)
{
    const int values = f->w->n_values * CLG__MAX_OUTPUTS;
    int total = 0;
    f->user_start = clg__calloc((size_t) values + 2, sizeof *f->user_start);
    if (!f->user_start)
        return false;
    for (int k = 0; k < f->n_groups; k++) {
        for (int i = 0; clg__group_alive(f, k) && i < f->groups[k].n_loads; i++, total++)
            f->user_start[f->groups[k].loads[i] + 2]++;
    }
    f->user = clg__malloc(((size_t) total + 1) * sizeof *f->user);
    if (!f->user)
        return false;
    for (int v = 0; v < values; v++)
        f->user_start[v + 2] += f->user_start[v + 1];
    for (int k = 0; k < f->n_groups; k++) { // what was one to the right comes to its place
        for (int i = 0; clg__group_alive(f, k) && i < f->groups[k].n_loads; i++)
            f->user[f->user_start[f->groups[k].loads[i] + 1]++] = k;
    }
    return true;
}

bool clg__groups_link(clg__planner *f)
{
    f->stack = clg__malloc(((size_t) f->n_groups + 1) * sizeof *f->stack);
    if (!f->stack || !find_users(f) || !clg__groups_levels(f)) {
        f->failed = true;
        return false;
    }
    for (int k = 0; k < f->n_groups; k++)
        f->groups[k].rank = f->groups[k].level * RANKS;
    return true;
}

// ---- merges

// Does `from` need `target`, whose rank is lower; where direct edges do not count, by way of another group?
// Only what ranks above the target can.
static bool needs(clg__planner *f, int from, int target, bool direct)
{
    const uint32_t stamp = ++f->stamp;
    int top = 0, walked = 0;
    f->stack[top++] = from;
    f->groups[from].seen = stamp;
    while (top > 0) {
        const int at = f->stack[--top];
        if (++walked > f->cost.max_walk)
            return true;
        for (int i = 0; i < f->groups[at].n_loads; i++) {
            const int d = clg__group_dep(f, at, i);
            if (d < 0 || f->groups[d].seen == stamp)
                continue;
            if (d == target && (direct || at != from))
                return true;
            if (d == target || f->groups[d].rank <= f->groups[target].rank)
                continue;
            f->groups[d].seen = stamp;
            f->stack[top++] = d;
        }
    }
    return false;
}

typedef void (*each_user)(clg__planner *f, int user, int64_t rank, int *top);

static void users_of_value(clg__planner *f, int value, int k, int64_t rank, int *top, each_user each)
{
    const int end = f->user_start[(value + 1) * CLG__MAX_OUTPUTS];
    for (int i = f->user_start[value * CLG__MAX_OUTPUTS]; i < end; i++) {
        const int u = clg__group_find(f, f->user[i]);
        if (u != k)
            each(f, u, rank, top);
    }
}

static void users_of(clg__planner *f, int k, int64_t rank, int *top, each_user each)
{
    const clg__group *g = &f->groups[k];
    for (int i = 0; i < g->n_results; i++)
        users_of_value(f, g->results[i], k, rank, top, each);
    for (int i = 0; i < g->n_reductions; i++)
        users_of_value(f, g->reductions[i], k, rank, top, each);
    if (g->kind == CLG__GROUP_KERNEL)
        users_of_value(f, g->kernel, k, rank, top, each);
}

static void add_cone(clg__planner *f, int user, int64_t rank, int *top)
{
    if (f->groups[user].seen == f->stamp || f->groups[user].rank > rank)
        return;
    f->groups[user].seen = f->stamp;
    f->stack[(*top)++] = user;
}

// Are there few enough groups that would have to move when `low` gets this rank?
static bool few_move(clg__planner *f, int low, int64_t rank)
{
    int top = 0;
    f->stamp++;
    f->groups[low].seen = f->stamp;
    users_of(f, low, rank, &top, add_cone);
    for (int at = 0; at < top; at++) {
        if (top > f->cost.max_walk)
            return false;
        users_of(f, f->stack[at], rank, &top, add_cone);
    }
    return true;
}

bool clg__groups_cycle(clg__planner *f, int a, int b)
{
    const int high = f->groups[a].rank > f->groups[b].rank ? a : b, low = high == a ? b : a;
    if (f->groups[a].rank == f->groups[b].rank)
        return false;
    // a merged group stands where its higher part stands. A consumer may go into its producer.
    return needs(f, high, low, high == a) || !few_move(f, low, f->groups[high].rank);
}

// A group that is on the stack, waiting to move, is marked.
static void add_move(clg__planner *f, int user, int64_t rank, int *top)
{
    if (f->groups[user].seen == f->stamp || f->groups[user].rank > rank)
        return;
    f->groups[user].seen = f->stamp;
    f->stack[(*top)++] = user;
}

void clg__groups_merged(clg__planner *f, int a, int b)
{
    clg__group *g = &f->groups[a];
    const int64_t rank = g->rank > f->groups[b].rank ? g->rank : f->groups[b].rank;
    int top = 0;
    f->groups[b].merged_into = a;
    g->rank = rank;
    f->stamp++;
    users_of(f, a, rank, &top, add_move);
    while (top > 0) {
        const int at = f->stack[--top];
        int64_t above = f->groups[at].rank;
        f->groups[at].seen = f->stamp - 1;
        for (int i = 0; i < f->groups[at].n_loads; i++) {
            const int d = clg__group_dep(f, at, i);
            above = d >= 0 && f->groups[d].rank >= above ? f->groups[d].rank + 1 : above;
        }
        if (above == f->groups[at].rank)
            continue;
        f->groups[at].rank = above;
        users_of(f, at, above, &top, add_move);
    }
}
