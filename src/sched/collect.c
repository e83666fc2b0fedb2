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

static void key_access(clg__key *k, const clg__access *g, int rank, double fill)
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
    const int64_t head[4] = { w->fuse, w->n_nodes, w->n_outputs, w->n_overwritten };
    clg__str_add_n(&k->bytes, head, sizeof head);
    for (int i = 0; i < w->n_nodes; i++) {
        const clg__node *n = w->nodes[i];
        const int n_deps = n_dependencies(n);
        key_type(k, n->buf ? 0 : n->number, n_deps, n->pub.dtype, &n->pub.shape);
        if (n->buf) {
            clg__key_i64(k, n->offset);
            continue;
        }
        for (int d = 0; d < n_deps; d++)
            clg__str_add_n(&k->bytes, &dependency(n, d)->index, sizeof n->index);
        if (n->base)
            key_access(k, &n->access, n->pub.shape.rank, n->fill);
        else if (n->op->key && n->op->kind != CLG__ALIAS)
            n->op->key(n->params, k);
    }
    for (int i = 0; i < w->n_outputs; i++)
        clg__key_i64(k, w->outputs[i] ? w->outputs[i]->index : -1);
    for (int i = 0; i < w->n_overwritten; i++)
        clg__key_i64(k, w->overwritten[i]->index);
    return !k->bytes.failed;
}
