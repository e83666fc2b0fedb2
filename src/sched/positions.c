// SPDX-License-Identifier: MIT
// Positions: where a view starts in what it shows, where a leaf starts in its buffer. They are arguments of a plan,
// not of its key. What the planner finds out by the value of one is a guard: the plan serves where that holds.
#include "sched/plan.h"

#include "base/alloc.h"
#include "base/hash.h"

enum { MOST_POSITIONS = UINT16_MAX }; // what is beyond has its value in a guard

// axis < 0: the offset, of a view as if all of its windows that may move started at 0.
static int64_t value_of(const clg__node *n, int axis)
{
    if (axis >= 0)
        return n->access.lo[axis];
    if (n->buf)
        return n->offset;
    int64_t offset = n->access.offset;
    for (int d = 0; d < n->pub.shape.rank && n->access.windowed; d++) {
        if (clg__access_moves(&n->access, &n->pub.shape, d))
            offset += n->access.lo[d] * n->access.stride[d];
    }
    return offset;
}

static bool add_guard(clg__work *w, clg__guard g)
{
    clg__positions *p = &w->positions;
    if (!clg__grow((void **) &p->guards, &p->cap_guards, p->n_guards + 1, sizeof *p->guards)) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
        return false;
    }
    p->guards[p->n_guards++] = g;
    return true;
}

static clg__guard guard_of(const clg__work *w, int node, int axis)
{
    return (clg__guard) { .node = node, .axis = axis, .other = -1, .value = value_of(w->nodes[node], axis) };
}

static uint64_t hash_of(const clg__position *p)
{
    const int64_t what[3] = { p->of, p->axis, p->now };
    return clg__hash(what, sizeof what, 0);
}

static bool grow_table(clg__work *w)
{
    clg__positions *p = &w->positions;
    const int size = p->table_size ? 2 * p->table_size : 64;
    int *table = clg__calloc((size_t) size, sizeof *table);
    if (!table) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
        return false;
    }
    for (int k = 1; k <= p->n; k++) {
        size_t at = hash_of(&p->all[k]) & (uint64_t) (size - 1);
        while (table[at])
            at = (at + 1) & (size_t) (size - 1);
        table[at] = k;
    }
    clg__free(p->table);
    p->table = table;
    p->table_size = size;
    return true;
}

// Views of one tensor that start at one place are equal values, which are to be one: that they start there together is
// a guard.
static bool find_or_add(clg__work *w, int node, int axis, int64_t of, int *out)
{
    clg__positions *p = &w->positions;
    const clg__position new = { .node = node, .axis = axis, .of = of, .now = value_of(w->nodes[node], axis) };
    *out = 0;
    if (p->n >= MOST_POSITIONS)
        return add_guard(w, guard_of(w, node, axis));
    if (2 * p->n >= p->table_size && !grow_table(w))
        return false;
    const size_t mask = (size_t) p->table_size - 1;
    size_t at = hash_of(&new) & mask;
    for (; p->table[at]; at = (at + 1) & mask) {
        const clg__position *o = &p->all[p->table[at]];
        if (o->of != of || o->axis != axis || o->now != new.now)
            continue;
        *out = p->table[at];
        return o->node == node || add_guard(w, (clg__guard) { .node = node, .axis = axis, .other = o->node });
    }
    if (!clg__grow((void **) &p->all, &p->cap, p->n + 2, sizeof *p->all)) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
        return false;
    }
    p->table[at] = *out = ++p->n;
    p->all[p->n] = new;
    return true;
}

bool clg__position_of_leaf(clg__work *w, int node, int *out)
{
    return find_or_add(w, node, -1, -1 - node, out);
}

// A view that shows all of its base has one place where it can start.
static bool is_free(const clg__node *n)
{
    int64_t reach = 0;
    for (int d = 0; d < n->pub.shape.rank; d++) {
        const int64_t extent = n->access.windowed ? n->access.hi[d] - n->access.lo[d] : n->pub.shape.dim[d];
        const int64_t stride = n->access.stride[d];
        reach += extent > 0 ? (extent - 1) * (stride < 0 ? -stride : stride) : 0;
    }
    return reach + 1 < clg_numel(n->base->pub.shape);
}

bool clg__position_access(clg__work *w, int node, int64_t of, clg__access *out)
{
    const clg__node *n = w->nodes[node];
    int k = 0;
    *out = n->access;
    if (is_free(n) && !find_or_add(w, node, -1, of, &k))
        return false;
    out->at = (uint16_t) k;
    for (int d = 0; d < n->pub.shape.rank; d++) {
        if (!clg__access_moves(&n->access, &n->pub.shape, d))
            continue;
        if (!find_or_add(w, node, d, of, &k))
            return false;
        out->begins[d] = (uint16_t) k;
    }
    return true;
}

bool clg__position_pin(clg__work *w, int position)
{
    clg__position *p = position ? &w->positions.all[position] : NULL;
    if (!p || p->pinned)
        return true;
    p->pinned = add_guard(w, guard_of(w, p->node, p->axis));
    return p->pinned;
}

static int64_t remainder_of(int64_t v, int64_t modulus)
{
    return (v % modulus + modulus) % modulus;
}

static bool pin_remainder(clg__work *w, int position, int64_t modulus)
{
    clg__position *p = &w->positions.all[position];
    if (p->pinned || (p->modulus && p->modulus % modulus == 0))
        return true;
    clg__guard g = guard_of(w, p->node, p->axis);
    g.modulus = modulus;
    g.value = remainder_of(g.value, modulus);
    p->modulus = modulus;
    return add_guard(w, g);
}

bool clg__compose(clg__work *w, const clg__access *outer, const clg_shape *os, const clg__access *inner,
                  const clg_shape *ms, clg__access *out)
{
    clg__looked looked;
    const bool ok = clg__access_compose(outer, os, inner, ms, out, &looked);
    for (int i = 0; i < looked.n; i++) {
        if (!(looked.modulus[i] ? pin_remainder(w, looked.position[i], looked.modulus[i])
                                : clg__position_pin(w, looked.position[i])))
            return false;
    }
    return ok;
}

void clg__positions_free(clg__positions *p)
{
    clg__free(p->all);
    clg__free(p->guards);
    clg__free(p->table);
    *p = (clg__positions) { 0 };
}

int clg__guard_failed(const clg__positions *p, clg__node *const *nodes)
{
    for (int i = 0; i < p->n_guards; i++) {
        const clg__guard *g = &p->guards[i];
        const int64_t v = value_of(nodes[g->node], g->axis), is = g->modulus ? remainder_of(v, g->modulus) : v;
        if (is != (g->other < 0 ? g->value : value_of(nodes[g->other], g->axis)))
            return i;
    }
    return -1;
}

bool clg__positions_update(clg__positions *p, clg__node *const *nodes)
{
    bool changed = false;
    for (int k = 1; k <= p->n; k++) {
        const int64_t now = value_of(nodes[p->all[k].node], p->all[k].axis);
        changed |= now != p->all[k].now;
        p->all[k].now = now;
    }
    return changed;
}
