// SPDX-License-Identifier: MIT
// The look at what an evaluation resulted in, and its verdict. Kernel: cl/finite.cl
#include "sched/cache.h"

#include "base/alloc.h"
#include "base/dtype.h"
#include "graph/build.h"

#include <stdint.h>
#include <string.h>

enum { TOGETHER = 16,     // buffers that a kernel looks at
       ARGS = 4,          // of each of them
       ITEMS = 64,        // of a group, in the GPU class
       FEW = 1 << 13,     // elements that one group looks at
       MOST_ON_HOST = 4 };

static bool has_numbers(const clg__node *n)
{
    return clg_dtype_is_float(n->pub.dtype) && clg_numel(n->pub.shape) > 0;
}

// What was there before, or a view of it: nothing became NaN by this evaluation.
static bool is_given(const clg__node *n)
{
    while (!n->buf && (n->base || (n->op->kind == CLG__ALIAS && n->n_in > 0)))
        n = n->base ? n->base : n->in[0];
    return n->buf != NULL;
}

bool clg__watch_begin(clg__watched *q, clg__work *w, int n_asked)
{
    if (!clg__work_collect(w))
        return false;
    q->nodes = clg__malloc(((size_t) w->n_nodes + 1) * sizeof *q->nodes);
    q->outputs = clg__malloc(((size_t) w->n_outputs + 1) * sizeof *q->outputs);
    if (!q->nodes || !q->outputs) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory while watching for NaN");
        return false;
    }
    for (; q->n < w->n_nodes; q->n++) {
        q->nodes[q->n] = w->nodes[q->n];
        clg__node_hold(q->nodes[q->n]);
    }
    for (; q->n_outputs < w->n_outputs; q->n_outputs++) {
        clg__node *n = w->outputs[q->n_outputs];
        q->outputs[q->n_outputs] = n && has_numbers(n) && !is_given(n) ? n : NULL;
    }
    q->n_asked = n_asked;
    q->contents = clg__gpu_contents(w->dev->gpu);
    return true;
}

static bool prepare(clg__watch *v, clg_device dev, clg__err *e)
{
    const int32_t zero = 0;
    const bool cpu = dev->caps->cpu_class;
    if (!v->look) {
        clg__source s = { .file = "finite", .entry = "finite", .defines = cpu ? "#define ITEMS 1\n" : "#define ITEMS 64\n" };
        if (clg__gpu_build(dev->gpu, &s, 1, NULL, e) < 0)
            return false;
        v->look = s.kernel;
    }
    clg__buf **flag = &v->flag[v->next];
    if (*flag)
        return true;
    *flag = clg__buf_alloc(dev->gpu, sizeof zero, e);
    if (*flag && clg__buf_write(*flag, 0, &zero, sizeof zero, e) < 0) {
        clg__buf_unref(*flag);
        *flag = NULL;
    }
    return *flag != NULL;
}

static int32_t kind_of(clg_dtype t)
{
    return t == CLG_F16 ? 1 : t == CLG_BF16 ? 2 : t == CLG_F32 ? 3 : 4;
}

static bool set_buffer(clg__kernel *k, int i, clg__buf *b, int64_t at, int64_t n, int32_t kind, clg__err *e)
{
    const int arg = 1 + ARGS * i;
    return clg__kernel_set_buf(k, arg, b, e) >= 0 && clg__kernel_set(k, arg + 1, &at, sizeof at, e) >= 0 &&
           clg__kernel_set(k, arg + 2, &n, sizeof n, e) >= 0 && clg__kernel_set(k, arg + 3, &kind, sizeof kind, e) >= 0;
}

static bool launch(clg__watch *v, clg_device dev, clg__node *const *list, int n, clg__err *e)
{
    const bool cpu = dev->caps->cpu_class;
    clg__buf *flag = v->flag[v->next];
    int64_t most = 0;
    bool ok = clg__kernel_set_buf(v->look, 0, flag, e) >= 0;
    for (int i = 0; i < TOGETHER && ok; i++) {
        const clg__node *x = list[i < n ? i : 0];
        const int64_t numel = clg_numel(x->pub.shape);
        most = numel > most ? numel : most;
        ok = set_buffer(v->look, i, x->buf, x->offset, i < n ? numel : 0, kind_of(x->pub.dtype), e);
    }
    const int64_t wanted = most / FEW + 1, limit = (cpu ? 4 : 16) * (int64_t) dev->caps->compute_units;
    const size_t groups[3] = { (size_t) (wanted < limit ? wanted : limit), (size_t) n, 1 };
    const size_t items[3] = { cpu ? 1 : ITEMS, 1, 1 };
    return ok && clg__kernel_launch(v->look, 2, groups, items, &flag, 1, e) >= 0;
}

static bool on_host(const clg__watched *q)
{
    int n = 0;
    bool small = true;
    for (int i = 0; i < q->n_asked; i++) {
        const clg__node *x = q->outputs[i];
        n += x != NULL;
        small &= !x || clg_numel(x->pub.shape) * (int64_t) clg_dtype_size(x->pub.dtype) <= CLG__WATCH_ON_HOST;
    }
    return small && n <= MOST_ON_HOST;
}

bool clg__watch_look(clg__watch *v, clg__watched *q, clg__work *w, bool read)
{
    q->at_once = !read && !on_host(q);
    // small ones and large ones: the groups of a launch are as many for each
    for (int large = 0; large < 2; large++) {
        clg__node *list[TOGETHER];
        int n = 0;
        for (int i = q->at_once ? 0 : q->n_asked; i <= q->n_outputs; i++) {
            clg__node *x = i < q->n_outputs ? q->outputs[i] : NULL;
            if (x && x->buf && (clg_numel(x->pub.shape) > FEW) == large)
                list[n++] = x;
            if (n == 0 || (n < TOGETHER && i < q->n_outputs))
                continue;
            if (!prepare(v, w->dev, w->err) || !launch(v, w->dev, list, n, w->err))
                return false;
            q->flag = v->flag[v->next];
            n = 0;
        }
    }
    if (q->flag)
        v->next = 1 - v->next;
    return true;
}

bool clg__all_finite(clg_dtype t, const void *data, int64_t n)
{
    const uint16_t mask = t == CLG_F16 ? 0x7c00 : 0x7f80;
    const uint16_t *h = data;
    const uint32_t *f = data;
    const uint64_t *d = data;
    unsigned bad = 0;
    if (t == CLG_F32) {
        for (int64_t i = 0; i < n; i++)
            bad |= (f[i] & 0x7f800000) == 0x7f800000;
    } else if (t == CLG_F64) {
        for (int64_t i = 0; i < n; i++)
            bad |= (d[i] & 0x7ff0000000000000) == 0x7ff0000000000000;
    } else if (t == CLG_F16 || t == CLG_BF16) {
        for (int64_t i = 0; i < n; i++)
            bad |= (h[i] & mask) == mask;
    }
    return !bad;
}

bool clg__watch_asked(const clg__watch *v, const clg__node *n)
{
    bool is = false;
    for (int i = 0; i < v->open.n_asked; i++)
        is |= v->open.outputs[i] == n;
    return is;
}

bool clg__watch_waits(const clg__watch *v, const clg__node *n)
{
    return v->is_open && clg__buf_content(n->buf) > v->open.contents && !clg__watch_asked(v, n);
}

void clg__watched_free(clg__watched *q)
{
    for (int i = 0; i < q->n; i++)
        clg__node_release(q->nodes[i]);
    clg__free(q->nodes);
    clg__free(q->outputs);
    *q = (clg__watched) { 0 };
}

void clg__watch_forget_flags(clg__watch *v)
{
    for (int i = 0; i < 2; i++)
        clg__buf_unref(v->flag[i]);
    v->flag[0] = v->flag[1] = NULL;
}

// ---- the verdict

clg_status clg__watch_settle(clg_device dev, bool bad)
{
    clg__watch *v = &((clg__sched *) dev->sched)->watch;
    clg__watched q = v->open;
    const bool before = v->before && !bad, assigned = q.n_outputs > q.n_asked;
    clg__err e = { 0 };
    int32_t flag = 0;
    if (!v->is_open)
        return CLG_OK;
    v->is_open = false;
    v->open = (clg__watched) { 0 };
    if (!bad && q.flag)
        clg__buf_read(q.flag, 0, &flag, sizeof flag, &e);
    if (bad || flag)
        clg__blame(dev, &q, before, &e);
    clg__watched_free(&q);
    if (e.status < 0) // one is set, or nobody can tell
        clg__watch_forget_flags(v);
    if (e.status < 0 && assigned) // what could not be judged does not stand either
        clg__vars_revert(dev);
    else
        clg__vars_stand(dev);
    return e.status < 0 ? clg__publish(dev, e.status, e.text) : CLG_OK;
}

// Reads what was asked for, where the look was not at that.
static bool asked_are_finite(const clg__watched *q, clg__err *e)
{
    bool finite = true;
    for (int i = 0; i < q->n_asked && !q->at_once && finite && e->status >= 0; i++) {
        const clg__node *n = q->outputs[i];
        const size_t size = n ? clg_dtype_size(n->pub.dtype) : 0, bytes = n ? (size_t) clg_numel(n->pub.shape) * size : 0;
        char data[CLG__WATCH_ON_HOST];
        if (n && n->buf && clg__buf_read(n->buf, (size_t) n->offset * size, data, bytes, e) >= 0)
            finite = clg__all_finite(n->pub.dtype, data, clg_numel(n->pub.shape));
    }
    return finite;
}

clg_status clg__watch_tell(clg_device dev, bool read, bool for_good, clg__err *e)
{
    clg__watch *v = &((clg__sched *) dev->sched)->watch;
    const bool bad = !read && !asked_are_finite(&v->open, e);
    if (e->status < 0) {
        clg__watched_free(&v->open);
        clg__watch_forget_flags(v); // which may be set by now
        v->is_open = false;
        return clg__publish(dev, e->status, e->text);
    }
    return bad || v->open.at_once || (!for_good && !read) ? clg__watch_settle(dev, bad) : CLG_OK;
}

void clg__watch_end(clg__watch *v)
{
    clg__watched_free(&v->open);
    clg__watch_forget_flags(v);
    if (v->look)
        clg__kernel_free(v->look);
    *v = (clg__watch) { 0 };
}
