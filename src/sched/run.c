// SPDX-License-Identifier: MIT
// Replaying a plan: memory, arguments, launches. A plan writes fresh buffers alone, so that it may fail at
// any call without harm, and run again from its beginning.
#include "sched/plan.h"

#include "base/dtype.h"
#include "graph/build.h"

static void release(clg__plan *p)
{
    for (int i = 0; i < p->n_places; i++) {
        if (p->places[i].kind == CLG__PLACE_TEMP)
            continue;
        if (p->bufs[i])
            clg__buf_unref(p->bufs[i]);
        p->bufs[i] = NULL;
    }
    clg__scratch_end(p->scratch);
}

static bool allocate(clg__plan *p, const clg__work *w)
{
    for (int i = 0; i < p->n_places; i++) {
        const clg__place *place = &p->places[i];
        if (place->kind == CLG__PLACE_TEMP)
            continue;
        if (place->kind == CLG__PLACE_LEAF) {
            p->bufs[i] = w->nodes[place->node_index]->buf;
            clg__buf_ref(p->bufs[i]);
        } else {
            p->bufs[i] = clg__buf_alloc(p->gpu, place->bytes, w->err);
        }
        if (!p->bufs[i])
            return false;
    }
    return !p->scratch || clg__scratch_begin(p->scratch, w->err) >= 0;
}

// As what registers hold.
static clg_status set_scalar(clg__kernel *k, const clg__bound *b, double v, clg__err *e)
{
    const clg_dtype as = clg__dtype_of(b->dtype)->as;
    int64_t element;
    clg_element_set(as, &element, clg__fit(b->dtype, v));
    return clg__kernel_set(k, b->arg, &element, clg_dtype_size(as), e);
}

static clg_status set_bound(const clg__plan *p, const clg__work *w, clg__kernel *k,
                            const clg__bound *b)
{
    if (b->kind == CLG__BOUND_PLACE)
        return clg__kernel_set_buf(k, b->arg, p->bufs[b->index], w->err);
    const clg__node *n = w->nodes[b->index];
    if (b->kind == CLG__BOUND_SCALAR)
        return set_scalar(k, b, *(const double *) n->params, w->err);
    const clg__random *r = n->params;
    if (clg__kernel_set(k, b->arg, &r->seed, sizeof r->seed, w->err) < 0)
        return w->err->status;
    return clg__kernel_set(k, b->arg + 1, &r->counter, sizeof r->counter, w->err);
}

static clg_status launch(const clg__plan *p, const clg__step *s, clg__err *e)
{
    const clg__blas *b = &s->blas;
    for (int i = 0; i < s->n_writes; i++)
        p->written[i] = p->bufs[s->writes[i]];
    if (!b->used)
        return clg__kernel_launch(s->kernel, s->dims, s->grid, s->group, p->written,
                                  s->n_writes, e);
    return clg__gpu_blas_gemm(p->gpu, b->dtype, b->ta, b->tb, b->m, b->n, b->k,
                              p->bufs[s->blas_place[0]], (size_t) b->a_offset, b->lda,
                              p->bufs[s->blas_place[1]], (size_t) b->b_offset, b->ldb,
                              p->bufs[s->blas_place[2]], 0, b->ldc, s->profile_row, e);
}

// What n is a whole view of, or another name for, has the same elements in the same order.
static clg__node *same_elements(const clg__node *n)
{
    if (n->op->kind == CLG__ALIAS)
        return n->n_in > 0 ? n->in[0] : NULL;
    const bool whole = n->base && n->access.offset == 0 &&
                       clg__access_is_contiguous(&n->access, &n->pub.shape) &&
                       clg_numel(n->pub.shape) == clg_numel(n->base->pub.shape);
    return whole ? n->base : NULL;
}

static bool is_cheap(const clg__node *n)
{
    const clg__op_kind k = n->op->kind;
    return k == CLG__SCALAR || k == CLG__CONST || k == CLG__IOTA || k == CLG__RANDOM;
}

// The nodes behind it get the buffer too, so that nothing computes them again.
static void give(clg__node *n, clg__buf *b, int64_t offset)
{
    clg__node_ref(n);
    while (n) {
        clg__node *next = same_elements(n);
        if (next && (next->buf || is_cheap(next)))
            next = NULL;
        if (next)
            clg__node_ref(next);
        clg__buf_ref(b);
        clg__node_set_buffer(n, b, offset);
        clg__node_unref(n);
        n = next;
    }
}

// Of temporaries: they stay from run to run, until the arena is another.
static bool set_fixed(clg__plan *p, const clg__work *w)
{
    const uint64_t now = p->scratch ? clg__scratch_generation(p->scratch) : 0; // never CLG__UNBOUND
    if (p->bound_generation == now)
        return true;
    for (int i = 0; i < p->n_steps; i++) {
        const clg__step *s = &p->steps[i];
        for (int k = 0; k < s->n_fixed; k++) {
            if (set_bound(p, w, s->kernel, &s->fixed[k]) < 0)
                return false;
        }
    }
    p->bound_generation = now;
    return true;
}

static int64_t number_of(const clg__plan *p, const clg__moving *m)
{
    int64_t v = m->rest;
    for (int i = m->first; i < m->first + m->n; i++)
        v += p->terms[i].by * p->positions.all[p->terms[i].position].now;
    return v;
}

// Argument m, or the numbers of its geometry table that follow each other from it on, in one write. How many that is;
// 0: e.
static int set_moving(const clg__plan *p, clg__moving *m, int left, clg__err *e)
{
    int64_t v[32];
    int n = 0;
    for (; n < left && n < 32 && m[n].step == m->step && m[n].table == m->table && m[n].geo == m->geo + n; n++)
        v[n] = number_of(p, &m[n]);
    const clg_status st = m->step < 0 ? clg__buf_write(p->geo[m->table], (size_t) m->geo * sizeof v[0], v,
                                                       (size_t) n * sizeof v[0], e)
                                      : clg__kernel_set(p->steps[m->step].kernel, m->arg, v, sizeof v[0], e);
    n = m->step < 0 ? n : 1;
    for (int i = 0; i < n && st >= 0; i++)
        m[i].set = v[i];
    return st >= 0 ? n : 0;
}

// Where views start, if that is elsewhere than in the run before.
static bool set_positions(clg__plan *p, const clg__work *w)
{
    if (!clg__positions_update(&p->positions, w->nodes) && !p->positions_unset)
        return true;
    p->positions_unset = true;
    for (int i = 0, n; i < p->n_moving; i += n) {
        n = number_of(p, &p->moving[i]) == p->moving[i].set ? 1 : set_moving(p, &p->moving[i], p->n_moving - i, w->err);
        if (n == 0)
            return false;
    }
    p->positions_unset = false;
    return true;
}

clg_status clg__plan_run(clg__plan *p, clg__work *w)
{
    bool ok = clg__gpu_lost(p->gpu, w->err) >= 0 && allocate(p, w) && set_positions(p, w);
    if (ok)
        clg__kept_begin(p, w);
    ok = ok && set_fixed(p, w);
    for (int i = 0; i < p->n_steps && ok; i++) {
        const clg__step *s = &p->steps[i];
        for (int k = 0; k < s->n_bound && ok; k++)
            ok = set_bound(p, w, s->kernel, &s->bound[k]) >= 0;
    }
    for (int i = 0; i < p->n_steps && ok; i++) {
        if (p->steps[i].kept && p->kept[p->steps[i].kept - 1].valid)
            continue;
        ok = launch(p, &p->steps[i], w->err) >= 0;
        w->unfit = ok ? NULL : p->steps[i].variant;
    }
    ok = ok && clg__gpu_flush(p->gpu, w->err) >= 0 && clg__gpu_settle(p->gpu, w->err) >= 0;
    clg__kept_end(p, ok);
    for (int i = 0; i < p->n_outputs && ok; i++) {
        if (p->output_place[i] < 0 || w->outputs[i]->buf)
            continue;
        int64_t offset = p->output_offset[i];
        for (int k = 0; k < 2; k++)
            offset += p->output_position[i][k] ? p->positions.all[p->output_position[i][k]].now : 0;
        give(w->outputs[i], p->bufs[p->output_place[i]], offset);
    }
    release(p);
    return ok ? CLG_OK : w->err->status;
}
