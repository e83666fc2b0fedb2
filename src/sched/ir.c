// SPDX-License-Identifier: MIT
// From recorded nodes to values and accesses: order, key, view folding, common subexpressions.
#include "sched/ir.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "graph/build.h"

#include <string.h>

static int n_dependencies(const clg__node *n)
{
    if (n->buf)
        return 0;
    if (n->base)
        return 1;
    const bool one = n->op->kind == CLG__ALIAS || n->op->kind == CLG__OUT;
    return one && n->n_in > 1 ? 1 : n->n_in;
}

// The node that node n needs k-th, NULL when there are no more.
static clg__node *dependency(const clg__node *n, int k)
{
    return k >= n_dependencies(n) ? NULL : n->base ? n->base : n->in[k];
}

static bool visit(clg__work *w, clg__node *root, uint32_t stamp)
{
    if (root->stamp == stamp)
        return true;
    clg__node *top = root;
    top->stamp = stamp;
    top->index = 0;
    top->aux = NULL;
    while (top) {
        clg__node *next = dependency(top, top->index++);
        if (next && next->stamp == stamp)
            continue;
        if (next) {
            next->stamp = stamp;
            next->index = 0;
            next->aux = top;
            top = next;
            continue;
        }
        clg__node *done = top;
        top = top->aux;
        if (!clg__grow((void **) &w->order, &w->cap_order, w->n_order + 1, sizeof *w->order)) {
            clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
            return false;
        }
        done->index = w->n_order;
        w->order[w->n_order++] = done;
    }
    return true;
}

bool clg__work_collect(clg__work *w)
{
    const uint32_t stamp = clg__stamp(w->dev);
    for (int i = 0; i < w->n_roots; i++) {
        if (w->roots[i] && !visit(w, w->roots[i], stamp))
            return false;
    }
    return true;
}

static void key_geom(clg__key *k, const clg__geom *g, int rank, double fill)
{
    clg__key_i64(k, g->offset);
    clg__str_add_n(&k->bytes, g->stride, (size_t) rank * sizeof g->stride[0]);
    clg__key_i64(k, g->windowed);
    if (g->windowed) {
        clg__str_add_n(&k->bytes, g->lo, (size_t) rank * sizeof g->lo[0]);
        clg__str_add_n(&k->bytes, g->hi, (size_t) rank * sizeof g->hi[0]);
        clg__key_f64(k, fill);
    }
}

static void key_type(clg__key *k, uint32_t op, int n_deps, clg_dtype t, const clg_shape *s)
{
    const int32_t head[4] = { (int32_t) op, n_deps, (int32_t) t, s->rank };
    clg__str_add_n(&k->bytes, head, sizeof head);
    clg__str_add_n(&k->bytes, s->dim, (size_t) s->rank * sizeof s->dim[0]);
}

// No key is the beginning of another: whatever varies in length stands behind its length.
bool clg__work_key(const clg__work *w, clg__key *k)
{
    const int64_t head[3] = { w->fuse, w->n_order, w->n_roots };
    clg__str_add_n(&k->bytes, head, sizeof head);
    for (int i = 0; i < w->n_order; i++) {
        const clg__node *n = w->order[i];
        const int n_deps = n_dependencies(n);
        key_type(k, n->buf ? 0 : n->number, n_deps, n->pub.dtype, &n->pub.shape);
        if (n->buf) {
            clg__key_i64(k, n->offset);
            continue;
        }
        for (int d = 0; d < n_deps; d++)
            clg__str_add_n(&k->bytes, &dependency(n, d)->index, sizeof n->index);
        if (n->base)
            key_geom(k, &n->geom, n->pub.shape.rank, n->fill);
        else if (n->op->key && n->op->kind != CLG__ALIAS)
            n->op->key(n->params, k);
    }
    for (int i = 0; i < w->n_roots; i++)
        clg__key_i64(k, w->roots[i] ? w->roots[i]->index : -1);
    return !k->bytes.failed;
}

static int add_ir(clg__work *w, const clg__op *op, clg_dtype t, const clg_shape *s, int n_src)
{
    if (w->n_ir >= CLG__MAX_VALUES) {
        clg__fail(w->err, CLG_ENOMEM, "eval: more than %d values in one evaluation", CLG__MAX_VALUES);
        return -1;
    }
    if (!clg__grow((void **) &w->ir, &w->cap_ir, w->n_ir + 1, sizeof *w->ir)) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
        return -1;
    }
    clg__ir *v = &w->ir[w->n_ir];
    memset(v, 0, sizeof *v);
    v->op = op;
    v->dtype = t;
    v->shape = *s;
    v->numel = clg_numel(*s);
    v->order = v->group = -1;
    v->n_src = n_src;
    if (n_src && !(v->src = clg__calloc((size_t) n_src, sizeof *v->src))) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
        return -1;
    }
    return w->n_ir++;
}

static clg__ref whole(const clg__work *w, int ir, int out)
{
    const clg__ir *v = &w->ir[ir];
    const clg_shape *s = out ? &v->node->outs->shape[out] : &v->shape;
    return (clg__ref) { .ir = ir, .out = out, .geom = clg__geom_contiguous(s) };
}

static bool is_whole(const clg__work *w, const clg__ref *r, const clg_shape *s)
{
    const clg__ir *v = &w->ir[r->ir];
    const int64_t n = r->out ? clg_numel(v->node->outs->shape[r->out]) : v->numel;
    return r->geom.offset == 0 && clg__geom_is_contiguous(&r->geom, s) && clg_numel(*s) == n;
}

static const clg__op op_gather_copy = { .name = "copy", .kind = CLG__POINTWISE, .text = "a",
                                        .arity = 1, .domain = CLG__ANY };

// A value of its own, row-major, for an access that something cannot take as it is.
static bool copy_of(clg__work *w, clg__ref *r, clg_dtype t, const clg_shape *s)
{
    const int k = add_ir(w, &op_gather_copy, t, s, 1);
    if (k < 0)
        return false;
    w->ir[k].src[0] = *r;
    w->ir[k].need = true;
    *r = whole(w, k, 0);
    return true;
}

// Make the access one of a buffer; strided: any strides will do.
static bool as_buffer(clg__work *w, clg__ref *r, clg_dtype t, const clg_shape *s, bool strided)
{
    const bool fits = !clg__is_virtual(&w->ir[r->ir]) && !r->geom.windowed &&
                      (strided || clg__geom_is_contiguous(&r->geom, s));
    if (!fits)
        return copy_of(w, r, t, s);
    w->ir[r->ir].need = true;
    return true;
}

// The access to `base` seen through a view of it.
static bool through_view(clg__work *w, const clg__node *n, clg__ref *out)
{
    clg__ref b = w->at[n->base->index];
    const clg_shape *bs = &n->base->pub.shape;
    if (is_whole(w, &b, bs)) {
        b.geom = n->geom;
        b.fill = n->fill;
        *out = b;
        return true;
    }
    clg__geom g;
    if (clg__geom_compose(&n->geom, &n->pub.shape, &b.geom, bs, &g)) {
        b.geom = g;
        *out = b;
        return true;
    }
    if (!copy_of(w, &b, n->base->pub.dtype, bs))
        return false;
    w->at[n->base->index] = b;
    b.geom = n->geom;
    b.fill = n->fill;
    *out = b;
    return true;
}

static bool lower_op(clg__work *w, const clg__node *n, int order)
{
    const int k = add_ir(w, n->buf ? &clg__op_leaf : n->op, n->pub.dtype, &n->pub.shape,
                         n->buf ? 0 : n->n_in);
    if (k < 0)
        return false;
    w->ir[k].node = n;
    w->ir[k].order = order;
    w->ir[k].offset = n->buf ? n->offset : 0;
    w->ir[k].stored = n->buf != NULL;
    for (int i = 0; i < w->ir[k].n_src; i++)
        w->ir[k].src[i] = w->at[n->in[i]->index];
    if (!n->buf && n->op->kind == CLG__KERNEL) {
        // Copies must come before the value in ir: move it behind them.
        clg__ir self = w->ir[k];
        w->n_ir--;
        for (int i = 0; i < self.n_src; i++) {
            const clg_tensor in = &n->in[i]->pub;
            if (!as_buffer(w, &self.src[i], in->dtype, &in->shape,
                           i < 32 && (n->op->strided_inputs >> i) & 1)) {
                clg__free(self.src);
                return false;
            }
        }
        if (!clg__grow((void **) &w->ir, &w->cap_ir, w->n_ir + 1, sizeof *w->ir)) {
            clg__free(self.src);
            clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
            return false;
        }
        w->ir[w->n_ir++] = self;
    }
    w->at[order] = whole(w, w->n_ir - 1, 0);
    return true;
}

static bool equal_refs(const clg__ref *a, const clg__ref *b, int rank)
{
    const size_t bytes = (size_t) rank * sizeof a->geom.stride[0];
    if (a->ir != b->ir || a->out != b->out || a->geom.offset != b->geom.offset ||
        a->geom.windowed != b->geom.windowed ||
        memcmp(a->geom.stride, b->geom.stride, bytes) != 0)
        return false;
    return !a->geom.windowed ||
           (memcmp(a->geom.lo, b->geom.lo, bytes) == 0 &&
            memcmp(a->geom.hi, b->geom.hi, bytes) == 0 &&
            memcmp(&a->fill, &b->fill, sizeof a->fill) == 0);
}

// Rank of the shape that src[i] is read over.
static int src_rank(const clg__ir *v, int i)
{
    return v->node && i < v->node->n_in ? v->node->in[i]->pub.shape.rank : v->shape.rank;
}

static bool equal_ir(const clg__ir *a, const clg__ir *b)
{
    if (a->op != b->op || a->dtype != b->dtype || a->n_src != b->n_src ||
        !clg__shape_equal(&a->shape, &b->shape))
        return false;
    for (int i = 0; i < a->n_src; i++) {
        if (src_rank(a, i) != src_rank(b, i) || !equal_refs(&a->src[i], &b->src[i], src_rank(a, i)))
            return false;
    }
    if (!a->op->key || !a->node || !b->node)
        return a->node != NULL || a->op == &op_gather_copy;
    clg__key ka = { 0 }, kb = { 0 };
    a->op->key(a->node->params, &ka);
    a->op->key(b->node->params, &kb);
    const bool same = !ka.bytes.failed && !kb.bytes.failed &&
                      ka.bytes.length == kb.bytes.length &&
                      (ka.bytes.length == 0 ||
                       memcmp(ka.bytes.text, kb.bytes.text, ka.bytes.length) == 0);
    clg__str_free(&ka.bytes);
    clg__str_free(&kb.bytes);
    return same;
}

// Run-time numbers and random draws are places, not values: never merged.
static bool mergeable(const clg__ir *v)
{
    const clg__op_kind k = v->op->kind;
    return k != CLG__LEAF && k != CLG__RANDOM && (k != CLG__SCALAR_SLOT || v->op->key);
}

static uint64_t ir_hash(const clg__ir *v)
{
    uint64_t h[6] = { (uintptr_t) v->op, (uint64_t) v->dtype, (uint64_t) v->numel,
                      (uint64_t) v->n_src, 0, 0 };
    for (int i = 0; i < v->n_src; i++)
        h[4 + (i & 1)] = h[4 + (i & 1)] * 31 + (uint64_t) v->src[i].ir * 7 +
                         (uint64_t) v->src[i].geom.offset;
    return clg__hash(h, sizeof h, 1);
}

// Merge the newest value with an equal older one; its accesses follow through `at`.
static void merge_last(clg__work *w, int *table, int size, int order)
{
    const int k = w->n_ir - 1;
    if (!mergeable(&w->ir[k]))
        return;
    uint64_t h = ir_hash(&w->ir[k]) % (uint64_t) size;
    while (table[h] >= 0) {
        const int other = table[h];
        if (other != k && equal_ir(&w->ir[other], &w->ir[k])) {
            w->ir[other].need |= w->ir[k].need;
            clg__free(w->ir[k].src);
            w->n_ir--;
            w->at[order].ir = other;
            return;
        }
        h = (h + 1) % (uint64_t) size;
    }
    table[h] = k;
}

static bool lower_nodes(clg__work *w, int *table, int size)
{
    for (int i = 0; i < w->n_order; i++) {
        const clg__node *n = w->order[i];
        if (!n->buf && n->base) {
            if (!through_view(w, n, &w->at[i]))
                return false;
        } else if (!n->buf && n->op->kind == CLG__ALIAS) {
            w->at[i] = w->at[n->in[0]->index];
        } else if (!n->buf && n->op->kind == CLG__OUT) {
            const clg__ref of = w->at[n->in[0]->index];
            w->at[i] = whole(w, of.ir, *(const int *) n->params);
        } else {
            if (!lower_op(w, n, i))
                return false;
            merge_last(w, table, size, i);
        }
    }
    return true;
}

static bool lower_roots(clg__work *w)
{
    for (int i = 0; i < w->n_roots; i++) {
        const clg__node *n = w->roots[i];
        if (!n || n->buf)
            continue;
        w->root_ref[i] = w->at[n->index];
        if (!as_buffer(w, &w->root_ref[i], n->pub.dtype, &n->pub.shape, false))
            return false;
        w->ir[w->root_ref[i].ir].wanted = true;
        w->ir[w->root_ref[i].ir].asked |= 1u << w->root_ref[i].out;
    }
    return true;
}

bool clg__work_lower(clg__work *w)
{
    const int size = 4 * w->n_order + 17;
    int *table = clg__malloc((size_t) size * sizeof *table);
    w->at = clg__calloc((size_t) w->n_order + 1, sizeof *w->at);
    w->root_ref = clg__calloc((size_t) w->n_roots + 1, sizeof *w->root_ref);
    bool ok = table && w->at && w->root_ref;
    if (!ok)
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
    for (int i = 0; i < size && table; i++)
        table[i] = -1;
    ok = ok && lower_nodes(w, table, size) && lower_roots(w);
    clg__free(table);
    for (int i = 0; i < w->n_ir && ok; i++) {
        for (int k = 0; k < w->ir[i].n_src; k++)
            w->ir[w->ir[i].src[k].ir].uses++;
        w->ir[i].uses += w->ir[i].wanted;
    }
    return ok;
}

void clg__work_free(clg__work *w)
{
    for (int i = 0; i < w->n_ir; i++)
        clg__free(w->ir[i].src);
    clg__free(w->ir);
    clg__free(w->at);
    clg__free(w->root_ref);
    clg__free(w->order);
}
