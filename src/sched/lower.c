// SPDX-License-Identifier: MIT
// From recorded nodes to values and accesses: views are folded, equal values are one.
#include "sched/planner.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "graph/build.h"

#include <stdlib.h>
#include <string.h>

static bool oom(clg__work *w)
{
    clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
    return false;
}

// ---- values

static const clg__op op_copy = { .name = "copy", .kind = CLG__POINTWISE, .text = "a", .arity = 1,
                                 .domain = CLG__ANY };

// The shape that src[i] is read over.
static const clg_shape *src_shape(const clg__value *v, int i)
{
    return v->node && i < v->node->n_in ? &v->node->in[i]->pub.shape : &v->shape;
}

static bool equal_uses(const clg__use *a, const clg__use *b, int rank)
{
    const size_t bytes = (size_t) rank * sizeof a->access.stride[0];
    if (a->value != b->value || a->out != b->out || a->access.offset != b->access.offset ||
        a->access.windowed != b->access.windowed || memcmp(a->access.stride, b->access.stride, bytes) != 0)
        return false;
    if (!clg__same_positions(&a->access, &b->access, rank))
        return false;
    return !a->access.windowed ||
           (memcmp(a->access.lo, b->access.lo, bytes) == 0 &&
            memcmp(a->access.hi, b->access.hi, bytes) == 0 &&
            memcmp(&a->fill, &b->fill, sizeof a->fill) == 0);
}

// The params of a value; *k is cleared first.
static void key_of(const clg__value *v, clg__key *k)
{
    clg__str_clear(&k->bytes);
    if (v->op->key && v->node)
        v->op->key(v->node->params, k);
}

// key: of b
static bool equal_values(clg__work *w, const clg__value *a, const clg__value *b)
{
    if (a->hash != b->hash || a->op != b->op || a->dtype != b->dtype || a->n_src != b->n_src ||
        !clg__shape_equal(&a->shape, &b->shape))
        return false;
    for (int i = 0; i < a->n_src; i++) {
        const clg_shape *s = src_shape(a, i);
        if (!clg__shape_equal(s, src_shape(b, i)) || !equal_uses(&a->src[i], &b->src[i], s->rank))
            return false;
    }
    clg__key *ka = &w->keys[0], *kb = &w->keys[1];
    key_of(a, ka);
    key_of(b, kb);
    return !ka->bytes.failed && !kb->bytes.failed && ka->bytes.length == kb->bytes.length &&
           (ka->bytes.length == 0 || memcmp(ka->bytes.text, kb->bytes.text, ka->bytes.length) == 0);
}

// Run-time numbers and random draws are places, not values: never one.
static bool is_mergeable(const clg__value *v)
{
    const clg__op_kind k = v->op->kind;
    return k != CLG__LEAF && k != CLG__RANDOM && (k != CLG__SCALAR || v->op->key);
}

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
    return clg__hash(bytes, n, h);
}

static uint64_t hash_of(clg__work *w, const clg__value *v)
{
    clg__key *k = &w->keys[0];
    const uint64_t head[4] = { (uintptr_t) v->op, (uint64_t) v->dtype, (uint64_t) v->shape.rank,
                               (uint64_t) v->n_src };
    uint64_t h = mix(1, head, sizeof head);
    h = mix(h, v->shape.dim, (size_t) v->shape.rank * sizeof v->shape.dim[0]);
    for (int i = 0; i < v->n_src; i++) {
        const clg__use *r = &v->src[i];
        const clg_shape *s = src_shape(v, i);
        const int64_t at[3] = { r->value, r->out, r->access.offset };
        h = mix(h, at, sizeof at);
        h = mix(h, r->access.stride, (size_t) s->rank * sizeof r->access.stride[0]);
        h = mix(h, s->dim, (size_t) s->rank * sizeof s->dim[0]);
    }
    key_of(v, k);
    return k->bytes.length ? mix(h, k->bytes.text, k->bytes.length) : h;
}

// Of values by their hash; at most half of it is used.
static bool grow_table(clg__work *w)
{
    const int size = w->table_size ? 2 * w->table_size : 1024;
    int *table = clg__malloc((size_t) size * sizeof *table);
    if (!table)
        return oom(w);
    for (int i = 0; i < size; i++)
        table[i] = -1;
    for (int k = 0; k < w->n_values; k++) {
        if (!is_mergeable(&w->values[k]))
            continue;
        size_t at = w->values[k].hash & (uint64_t) (size - 1);
        while (table[at] >= 0)
            at = (at + 1) & (size_t) (size - 1);
        table[at] = k;
    }
    clg__free(w->table);
    w->table = table;
    w->table_size = size;
    return true;
}

static int fail_value(clg__work *w)
{
    oom(w);
    return -1;
}

// The only way to make a value: an equal one that is there already, or a new one. -1: w->err.
// node has the params, and is what inputs are read over; NULL: they are read over `shape`.
static int intern(clg__work *w, const clg__op *op, clg_dtype t, const clg_shape *shape, int n_src,
                  const clg__use *src, const clg__node *node, int order)
{
    if (w->n_values >= CLG__MAX_VALUES) {
        clg__fail(w->err, CLG_ENOMEM, "eval: more than %d values in one evaluation", CLG__MAX_VALUES);
        return -1;
    }
    if (!clg__grow((void **) &w->values, &w->cap_values, w->n_values + 1, sizeof *w->values) ||
        (2 * w->n_values >= w->table_size && !grow_table(w)))
        return fail_value(w);
    clg__value *v = &w->values[w->n_values];
    *v = (clg__value) { .op = op, .dtype = t, .shape = *shape, .numel = clg_numel(*shape), .node = node,
                     .node_index = order, .group = -1, .n_src = n_src };
    v->src = (clg__use *) (uintptr_t) src; // the caller's, until it is known to be new
    size_t at = 0;
    if (is_mergeable(v)) {
        v->hash = hash_of(w, v);
        if (w->keys[0].bytes.failed)
            return fail_value(w);
        const size_t mask = (size_t) w->table_size - 1;
        for (at = v->hash & mask; w->table[at] >= 0; at = (at + 1) & mask) {
            if (equal_values(w, &w->values[w->table[at]], v))
                return w->table[at];
        }
    }
    v->src = NULL;
    if (n_src > 0) {
        v->src = clg__malloc((size_t) n_src * sizeof *v->src);
        if (!v->src)
            return fail_value(w);
        memcpy(v->src, src, (size_t) n_src * sizeof *v->src);
    }
    if (is_mergeable(v))
        w->table[at] = w->n_values;
    return w->n_values++;
}

static clg__use whole(const clg__work *w, int value, int out)
{
    const clg__value *v = &w->values[value];
    const clg_shape *s = out ? &v->node->outs->shape[out] : &v->shape;
    return (clg__use) { .value = value, .out = out, .access = clg__access_contiguous(s) };
}

static bool is_whole(const clg__work *w, const clg__use *r, const clg_shape *s)
{
    const clg__value *v = &w->values[r->value];
    const int64_t n = r->out ? clg_numel(v->node->outs->shape[r->out]) : v->numel;
    return r->access.offset == 0 && clg__access_is_contiguous(&r->access, s) && clg_numel(*s) == n;
}

// A value of its own, row-major, for an access that something cannot take as it is.
static bool copy_of(clg__work *w, clg__use *r, clg_dtype t, const clg_shape *s)
{
    const clg__use from = *r;
    const int k = intern(w, &op_copy, t, s, 1, &from, NULL, -1);
    if (k < 0)
        return false;
    w->values[k].must_store = true;
    *r = whole(w, k, 0);
    return true;
}

// Make the access one of a buffer; strided: any strides will do.
static bool as_buffer(clg__work *w, clg__use *r, clg_dtype t, const clg_shape *s, bool strided)
{
    const bool fits = !clg__is_generated(&w->values[r->value]) && !r->access.windowed &&
                      (strided || clg__access_is_contiguous(&r->access, s));
    if (!fits)
        return copy_of(w, r, t, s);
    w->values[r->value].must_store = true;
    return true;
}

// ---- views that reductions read

// What reductions read, straight or through pointwise operations, node by node.
static bool *read_by_reductions(const clg__work *w)
{
    bool *is = clg__calloc((size_t) w->n_nodes + 1, sizeof *is);
    for (int i = w->n_nodes - 1; is && i >= 0; i--) {
        const clg__node *n = w->nodes[i];
        if (n->buf || n->base)
            continue;
        const bool reduces = n->op->kind == CLG__REDUCE;
        if (!reduces && !(is[i] && (n->op->kind == CLG__POINTWISE || n->op->kind == CLG__CAST || n->op->kind == CLG__ALIAS)))
            continue;
        for (int k = 0; k < n->n_in; k++)
            is[n->in[k]->index] |= reduces || clg__shape_equal(&n->in[k]->pub.shape, &n->pub.shape);
    }
    return is;
}

// Are neighbours along the last dimension far apart, and those along another one side by side? Reductions go along
// dimensions as they are, so that their order is the same from wherever they read, and would read a line of memory
// for each element: thirty times slower than a copy in the other order, which goes by tiles, and its reduction.
static bool is_turned(const clg__access *g, const clg_shape *s, clg_dtype t)
{
    enum { LARGE = 1 << 20, FAR = 512, MANY = 256 }; // bytes, and lines: what caches do not make good
    const int64_t size = (int64_t) clg_dtype_size(t);
    int last = s->rank - 1;
    while (last > 0 && s->dim[last] == 1)
        last--;
    if (g->windowed || last < 1 || clg_numel(*s) * size < LARGE || llabs(g->stride[last]) * size < FAR || s->dim[last] < MANY)
        return false;
    for (int d = 0; d < last; d++) {
        if (llabs(g->stride[d]) == 1 && s->dim[d] >= 16)
            return true;
    }
    return false;
}

// ---- nodes

// The access to `base` seen through a view of it.
static bool through_view(clg__work *w, const clg__node *n, clg__use *out)
{
    clg__use b = w->at[n->base->index];
    const clg_shape *bs = &n->base->pub.shape;
    clg__access own, g;
    const bool all = is_whole(w, &b, bs);
    if (!clg__position_access(w, n->index, all ? (int64_t) CLG__BINDING(b.value, b.out) : -1 - n->base->index, &own))
        return false;
    if (all) {
        b.access = own;
        b.fill = n->fill;
        *out = b;
        return true;
    }
    if (clg__compose(w, &own, &n->pub.shape, &b.access, bs, &g)) {
        b.access = g;
        *out = b;
        return true;
    }
    if (w->err->status < 0 || !copy_of(w, &b, n->base->pub.dtype, bs))
        return false;
    w->at[n->base->index] = b;
    b.access = own;
    b.fill = n->fill;
    *out = b;
    return true;
}

static bool lower_leaf(clg__work *w, const clg__node *n, int order)
{
    const int k = intern(w, &clg__op_leaf, n->pub.dtype, &n->pub.shape, 0, NULL, n, order);
    if (k < 0)
        return false;
    w->values[k].offset = n->offset;
    if (!clg__position_of_leaf(w, order, &w->values[k].position))
        return false;
    w->values[k].stored = true;
    w->at[order] = whole(w, k, 0);
    return true;
}

// reduced: a reduction reads what this op makes, or it is one
static bool lower_op(clg__work *w, const clg__node *n, int order, bool reduced)
{
    if (!clg__grow((void **) &w->src, &w->cap_src, n->n_in, sizeof *w->src))
        return oom(w);
    for (int i = 0; i < n->n_in; i++) {
        const clg_tensor in = &n->in[i]->pub;
        w->src[i] = w->at[n->in[i]->index];
        const bool number = i < 32 && (n->op->scalar_inputs >> i) & 1;
        if (n->op->kind == CLG__KERNEL && !number &&
            !as_buffer(w, &w->src[i], in->dtype, &in->shape, i < 32 && (n->op->strided_inputs >> i) & 1))
            return false;
        if (reduced && is_turned(&w->src[i].access, &in->shape, in->dtype) && !copy_of(w, &w->src[i], in->dtype, &in->shape))
            return false;
    }
    const int k = intern(w, n->op, n->pub.dtype, &n->pub.shape, n->n_in, w->src, n, order);
    if (k < 0)
        return false;
    w->at[order] = whole(w, k, 0);
    return true;
}

static bool lower_nodes(clg__work *w, const bool *reduced)
{
    for (int i = 0; i < w->n_nodes; i++) {
        const clg__node *n = w->nodes[i];
        bool ok = true;
        if (n->buf)
            ok = lower_leaf(w, n, i);
        else if (n->base)
            ok = through_view(w, n, &w->at[i]);
        else if (n->op->kind == CLG__ALIAS)
            w->at[i] = w->at[n->in[0]->index];
        else if (n->op->kind == CLG__OUT)
            w->at[i] = whole(w, w->at[n->in[0]->index].value, *(const int *) n->params);
        else
            ok = lower_op(w, n, i, n->op->kind == CLG__REDUCE || (reduced[i] && n->op->kind != CLG__KERNEL));
        if (!ok)
            return false;
    }
    return true;
}

static bool lower_outputs(clg__work *w)
{
    for (int i = 0; i < w->n_outputs; i++) {
        const clg__node *n = w->outputs[i];
        if (!n || n->buf)
            continue;
        w->output_use[i] = w->at[n->index];
        if (!as_buffer(w, &w->output_use[i], n->pub.dtype, &n->pub.shape, false))
            return false;
        w->values[w->output_use[i].value].is_result = true;
        w->values[w->output_use[i].value].result_outputs |= 1u << w->output_use[i].out;
    }
    return true;
}

// In memory, as if each had been evaluated in its turn: the kernels of one step are those of many.
static void lower_passed(clg__work *w)
{
    for (int i = 0; i < w->n_overwritten; i++) {
        clg__value *v = &w->values[w->at[w->overwritten[i]->index].value];
        v->must_store |= !clg__is_generated(v);
    }
}

bool clg__pass_lower(clg__planner *f)
{
    clg__work *w = f->w;
    w->at = clg__calloc((size_t) w->n_nodes + 1, sizeof *w->at);
    w->output_use = clg__calloc((size_t) w->n_outputs + 1, sizeof *w->output_use);
    bool *reduced = read_by_reductions(w);
    if (!w->at || !w->output_use || !reduced) {
        clg__free(reduced);
        return oom(w);
    }
    const bool ok = lower_nodes(w, reduced) && lower_outputs(w);
    clg__free(reduced);
    if (!ok)
        return false;
    lower_passed(w);
    for (int i = 0; i < w->n_values; i++) {
        for (int k = 0; k < w->values[i].n_src; k++)
            w->values[w->values[i].src[k].value].uses++;
        w->values[i].uses += w->values[i].is_result;
    }
    return true;
}

void clg__work_free(clg__work *w)
{
    for (int i = 0; i < w->n_values; i++)
        clg__free(w->values[i].src);
    clg__free(w->values);
    clg__free(w->table);
    clg__positions_free(&w->positions);
    clg__free(w->src);
    clg__free(w->at);
    clg__free(w->output_use);
    clg__free(w->nodes);
    clg__str_free(&w->keys[0].bytes);
    clg__str_free(&w->keys[1].bytes);
}
