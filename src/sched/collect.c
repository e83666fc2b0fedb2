// SPDX-License-Identifier: MIT
// What an evaluation needs, in order, and its key.
#include "sched/work.h"

#include "base/alloc.h"
#include "graph/build.h"
#include "graph/walk.h"

static int n_dependencies(const clg__node *n)
{
    if (n->buf)
        return 0;
    if (n->base)
        return 1;
    const bool one = n->op->kind == CLG__ALIAS || n->op->kind == CLG__OUT;
    return one && n->n_in > 1 ? 1 : n->n_in;
}

static clg__node *dependency(const clg__node *n, int k)
{
    return k >= n_dependencies(n) ? NULL : n->base ? n->base : n->in[k];
}

static bool visit(void *user, clg__node *n)
{
    clg__work *w = user;
    if (!clg__grow((void **) &w->nodes, &w->cap_nodes, w->n_nodes + 1, sizeof *w->nodes)) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
        return false;
    }
    n->index = w->n_nodes;
    w->nodes[w->n_nodes++] = n;
    return true;
}

bool clg__work_collect(clg__work *w)
{
    const uint32_t stamp = clg__stamp(w->dev);
    for (int i = 0; i < w->n_outputs; i++) {
        if (w->outputs[i] && !clg__walk(w->outputs[i], stamp, dependency, visit, w))
            return false;
    }
    int kept = 0; // what nothing reads is not computed
    for (int i = 0; i < w->n_overwritten; i++) {
        if (w->overwritten[i]->stamp == stamp)
            w->overwritten[kept++] = w->overwritten[i];
    }
    w->n_overwritten = kept;
    return true;
}

// All but positions, which are arguments: see positions.c.
static void key_access(clg__key *k, const clg__access *g, const clg_shape *s, double fill)
{
    clg__str_add_n(&k->bytes, g->stride, (size_t) s->rank * sizeof g->stride[0]);
    clg__key_i64(k, g->windowed);
    if (!g->windowed)
        return;
    for (int d = 0; d < s->rank; d++) {
        const bool moves = clg__access_moves(g, s, d);
        const int64_t window[3] = { moves, moves ? 0 : g->lo[d], moves ? g->hi[d] - g->lo[d] : g->hi[d] };
        clg__str_add_n(&k->bytes, window, sizeof window);
    }
    clg__key_f64(k, fill);
}

static void key_type(clg__key *k, uint32_t op, int n_deps, clg_dtype t, const clg_shape *s)
{
    const int32_t head[4] = { (int32_t) op, n_deps, (int32_t) t, s->rank };
    clg__str_add_n(&k->bytes, head, sizeof head);
    clg__str_add_n(&k->bytes, s->dim, (size_t) s->rank * sizeof s->dim[0]);
}

static void key_node(clg__key *k, const clg__node *n)
{
    const int n_deps = n_dependencies(n);
    key_type(k, n->buf ? 0 : n->number, n_deps, n->pub.dtype, &n->pub.shape);
    if (n->buf)
        return;
    for (int d = 0; d < n_deps; d++)
        clg__str_add_n(&k->bytes, &dependency(n, d)->index, sizeof n->index);
    if (n->base)
        key_access(k, &n->access, &n->pub.shape, n->fill);
    else if (n->op->key && n->op->kind != CLG__ALIAS)
        n->op->key(n->params, k);
}

static void key_head(clg__key *k, const clg__work *w)
{
    const int64_t head[4] = { w->fuse, w->n_nodes, w->n_outputs, w->n_overwritten };
    clg__str_add_n(&k->bytes, head, sizeof head);
}

// No key is the beginning of another: whatever varies in length stands behind its length.
bool clg__work_key(const clg__work *w, clg__key *k)
{
    key_head(k, w);
    for (int i = 0; i < w->n_nodes; i++)
        key_node(k, w->nodes[i]);
    for (int i = 0; i < w->n_outputs; i++)
        clg__key_i64(k, w->outputs[i] ? w->outputs[i]->index : -1);
    for (int i = 0; i < w->n_overwritten; i++)
        clg__key_i64(k, w->overwritten[i]->index);
    return !k->bytes.failed;
}

// ---- what differs

// Of a node whose part of the key begins to differ at byte `at`.
static const char *field_of(const clg__node *n, size_t at)
{
    const size_t head = 4 * sizeof(int32_t), dims = head + (size_t) n->pub.shape.rank * sizeof n->pub.shape.dim[0];
    const size_t edges = dims + (size_t) n_dependencies(n) * sizeof n->index;
    return at < head ? "operation, type or rank" : at < dims ? "shape" : n->buf || at < edges ? "inputs" : n->base ?
           "strides or window" : "parameters";
}

static void say(const clg__work *w, int node, const char *field, clg__str *out)
{
    const clg__node *n = w->nodes[node];
    char shape[128];
    clg__str_printf(out, "node %d of %d, %s %s %s%s%s: %s", node, w->n_nodes, n->buf ? "leaf" : n->op->name,
                    clg_dtype_name(n->pub.dtype), clg__shape_text(&n->pub.shape, shape), n->label ? " " : "",
                    n->label ? n->label : "", field);
}

void clg__work_difference(const clg__work *w, const clg__str *key, const clg__positions *p, clg__str *out)
{
    clg__key k = { { 0 } };
    key_head(&k, w);
    for (int i = 0; i < w->n_nodes && !k.bytes.failed; i++) {
        const size_t start = k.bytes.length;
        key_node(&k, w->nodes[i]);
        size_t at = start;
        while (at < k.bytes.length && at < key->length && k.bytes.text[at] == key->text[at])
            at++;
        if (at < k.bytes.length) {
            say(w, i, field_of(w->nodes[i], at - start), out);
            clg__str_free(&k.bytes);
            return;
        }
    }
    clg__str_free(&k.bytes);
    const int guard = clg__guard_failed(p, w->nodes);
    if (key->length != k.bytes.length && guard < 0)
        clg__str_add(out, "what is asked for");
    else if (guard >= 0)
        say(w, p->guards[guard].node, "where it starts", out);
}
