// SPDX-License-Identifier: MIT
// Evaluation as users see it: eval, read, item, and uploads.
#include "sched/cache.h"

#include "base/alloc.h"
#include "base/dtype.h"
#include "base/fp.h"
#include "base/hash.h"
#include "base/log.h"
#include "graph/build.h"

#include <math.h>
#include <string.h>

enum { MANY_MISSES = 100,
       PASSING = 200 }; // runs of a size that came by: one that stays is worth kernels of its own

// A program that makes plans all the time is told so, once, with what its last two evaluations differ in first.
static void note_miss(clg__sched *s, const clg__work *w)
{
    clg__str what = { 0 };
    if (s->misses_in_a_row < 0 || ++s->misses_in_a_row <= MANY_MISSES || !s->newest || !clg__log_on(CLG__LOG_PLAN))
        return;
    clg__work_difference(w, &s->newest->key, &s->newest->positions, &what);
    clg__log(CLG__LOG_PLAN, "%d evaluations in a row had no plan yet; the last differs from the one before in %s",
             s->misses_in_a_row, clg__str_text(&what));
    clg__str_free(&what);
    s->misses_in_a_row = -1;
}

static void note_hit(clg__sched *s)
{
    s->hits++;
    if (s->misses_in_a_row > 0)
        s->misses_in_a_row = 0;
}

// As it was before anything was collected.
static void begin_again(clg__work *w)
{
    clg__work again = { .dev = w->dev, .err = w->err, .outputs = w->outputs, .n_outputs = w->n_outputs,
                        .overwritten = w->overwritten, .n_overwritten = w->n_overwritten, .fuse = w->fuse,
                        .n_struck = w->n_struck };
    memcpy(again.struck, w->struck, sizeof again.struck);
    clg__work_free(w);
    *w = again;
}

static clg__plan *find_plan(clg__sched *s, clg__work *w, const clg__ahead *ahead, bool *known)
{
    *known = false;
    clg__str_clear(&s->key.bytes);
    if (w->n_nodes == 0 && !clg__work_collect(w)) // one that is watched is collected already
        return NULL;
    if (!clg__work_key(w, &s->key)) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
        return NULL;
    }
    const uint64_t hash = clg__hash(s->key.bytes.text, s->key.bytes.length, 0);
    clg__plan *p = clg__cache_find(s, &s->key, hash, w);
    if (p && p->stands_in && ++p->runs > PASSING) {
        clg__cache_remove(s, p);
        w->own_variants = true;
        p = NULL;
    }
    *known = p != NULL;
    if (p)
        return p;
    s->misses++;
    note_miss(s, w);
    p = clg__plan_make(w, s->gpu, ahead);
    if (p) {
        p->hash = hash;
        clg__str_add_n(&p->key, s->key.bytes.text, s->key.bytes.length);
    }
    return p;
}

// The plan of the work: one that is known, or a new one, which is then not in the cache yet.
static clg__plan *plan_of(clg__sched *s, clg__work *w, const clg__ahead *ahead, bool *known)
{
    clg__plan *p;
    while (!(p = find_plan(s, w, ahead, known)) && clg__strike(w))
        begin_again(w);
    return p;
}

static void keep_plan(clg__sched *s, clg__plan *p)
{
    if (p->key.failed)
        clg__plan_free(p);
    else
        clg__cache_add(s, p);
}

static clg_status run_once(clg__sched *s, clg__work *w)
{
    bool known;
    clg__plan *p = plan_of(s, w, NULL, &known);
    if (!p)
        return w->err->status;
    if (known)
        note_hit(s);
    const clg_status st = clg__plan_run(p, w);
    if (!known)
        keep_plan(s, p);
    return st;
}

// Out of memory: what plans hold is ours to give. None of them runs now.
static bool give_up_plans(clg__sched *s, clg__err *e)
{
    if (e->status != CLG_ENOMEM || s->n == 0)
        return false;
    clg__cache_clear(s);
    if (!clg__gpu_make_room(s->gpu))
        return false;
    e->status = CLG_OK;
    return true;
}

// A call that failed harmed nothing. Once more when what is queued has run and the pool is released, then
// without plans too.
static bool try_again(clg__sched *s, clg__err *e, int attempt, uint64_t failures)
{
    if (attempt > 0)
        return attempt == 1 && give_up_plans(s, e);
    if (clg__gpu_failures(s->gpu) == failures)
        return give_up_plans(s, e);
    if (!clg__gpu_make_room(s->gpu))
        return false;
    e->status = CLG_OK;
    return true;
}

static void run_work(clg__sched *s, clg__work *w)
{
    for (int attempt = 0;; attempt++) {
        const uint64_t failures = clg__gpu_failures(s->gpu);
        if (run_once(s, w) >= 0)
            break;
        if (!try_again(s, w->err, attempt, failures)) {
            if (!clg__strike(w)) { // a launch that the device keeps refusing
                clg__strikes_undo(w);
                break;
            }
            clg__cache_clear(s); // plans with what was struck
            attempt = -1;
        }
        begin_again(w);
    }
    clg__gpu_evaluated(s->gpu);
}

typedef enum pending { NONE, CREATIONS, ALL } pending;

// What is evaluated: t[], and of the assignments those that are `which`. One that a later one overwrites, and
// whose value the user does not hold, is only passed through.
static bool add_outputs(clg__work *w, const clg_tensor *t, int n, pending which)
{
    const clg_device dev = w->dev;
    w->outputs = clg__malloc((size_t) (n + dev->n_pending + 2) * sizeof *w->outputs); // and one that watches
    w->overwritten = clg__malloc((size_t) (dev->n_pending + 1) * sizeof *w->overwritten);
    if (!w->outputs || !w->overwritten) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
        return false;
    }
    for (int i = 0; i < n; i++)
        w->outputs[w->n_outputs++] = clg__node_of(t[i]);
    for (int i = 0; i < dev->n_pending; i++) {
        if (dev->pending[i].var)
            dev->pending[i].var->latest = i; // the last one stays
    }
    for (int i = 0; i < dev->n_pending && which != NONE; i++) {
        const clg__pending *p = &dev->pending[i];
        if (!p->var || (which == CREATIONS && !p->creation))
            continue;
        if (which == ALL && p->var->latest != i && p->value->handles == 0)
            w->overwritten[w->n_overwritten++] = p->value;
        else
            w->outputs[w->n_outputs++] = p->value;
    }
    return true;
}

static void free_outputs(clg__work *w)
{
    clg__free(w->outputs);
    clg__free(w->overwritten);
}

// read: the caller reads t[0], and looks at it
static clg_status evaluate_outputs(clg_device dev, const clg_tensor *t, int n, pending which, bool read)
{
    clg__err err = { 0 };
    clg__sched *s = dev->sched;
    clg__work w = { .dev = dev, .err = &err, .fuse = s->fuse };
    clg__watched q = { 0 };
    clg__enter(dev);
    if (add_outputs(&w, t, n, which)) {
        if (!dev->watch || clg__watch_begin(&q, &w, n))
            run_work(s, &w);
        if (dev->watch && err.status >= 0)
            clg__watch_look(&s->watch, &q, &w, read);
    }
    clg__work_free(&w);
    free_outputs(&w);
    clg__leave(dev);
    // the device has work now, while the evaluation before is judged
    clg_status st = clg__watch_settle(dev, false);
    if (st < 0 || err.status < 0) {
        if (q.flag)
            clg__watch_forget_flags(&s->watch);
        clg__watched_free(&q);
        if (which != NONE)
            clg__pending_discard(dev);
        return st < 0 ? st : clg__publish(dev, err.status, err.text);
    }
    if (dev->watch) {
        s->watch.open = q;
        s->watch.is_open = true;
        s->watch.before = false;
        st = clg__watch_tell(dev, read, which == ALL && q.n_outputs > n, &err);
        if (st < 0) {
            if (which != NONE)
                clg__pending_discard(dev);
            return st;
        }
        s->watch.before = true;
    }
    if (which != NONE)
        clg__pending_commit(dev, which == CREATIONS, s->watch.is_open);
    return CLG_OK;
}

clg_status clg__eval_for_watch(clg__node *n)
{
    const clg_tensor t = &n->pub;
    return evaluate_outputs(t->dev, &t, 1, NONE, false);
}

static clg_status evaluate_creations(clg_device dev)
{
    bool creations = false;
    for (int i = 0; i < dev->n_pending; i++)
        creations |= dev->pending[i].creation;
    return creations ? evaluate_outputs(dev, NULL, 0, CREATIONS, false) : CLG_OK;
}

// New variables get their first values before all else: the step that made them then has the structure,
// and the plan, of those that follow.
static clg_status evaluate(clg_device dev, const clg_tensor *t, int n, bool all, bool read)
{
    const clg_status st = all ? evaluate_creations(dev) : CLG_OK;
    if (st < 0)
        return st;
    return n > 0 || (all && dev->n_pending > 0) ? evaluate_outputs(dev, t, n, all ? ALL : NONE, read) : CLG_OK;
}

clg_status clg_prepare_n(clg_device dev, const clg_tensor *t, int n, const struct clg_prepare_params *p)
{
    CLG__DEFAULT_FP;
    clg__call c;
    struct clg_prepare_params q;
    if (!clg__is_open(dev))
        return clg__misuse(NULL, "prepare: %s", clg__why_no_device(dev));
    const char *wrong = clg_params_read(&q, sizeof q, p);
    if (wrong)
        return clg__misuse(dev, "prepare: %s", wrong);
    if (n > 0 && !clg__call_begin(&c, "prepare", "t[]", n, t))
        return clg__call_poison(&c)->status;
    if (n > 0 && c.dev != dev)
        return clg__misuse(dev, "prepare: t[] belongs to another device");
    clg__err err = { 0 };
    clg__sched *s = dev->sched;
    clg__work w = { .dev = dev, .err = &err, .fuse = s->fuse };
    const clg__ahead ahead = { q.progress, q.user };
    const clg_status st = evaluate_creations(dev);
    if (st < 0)
        return st;
    bool known;
    clg__enter(dev);
    clg__plan *plan = add_outputs(&w, t, n > 0 ? n : 0, ALL) && w.n_outputs ? plan_of(s, &w, &ahead, &known) : NULL;
    if (plan && !known)
        keep_plan(s, plan);
    if (!plan)
        clg__strikes_undo(&w);
    clg__work_free(&w);
    free_outputs(&w);
    clg__leave(dev);
    return err.status >= 0 ? CLG_OK : clg__publish(dev, err.status, err.text);
}

clg_status clg_eval_n(const clg_tensor *t, int n)
{
    CLG__DEFAULT_FP;
    clg__call c;
    bool done = true;
    if (n <= 0)
        return CLG_OK;
    if (!clg__call_begin(&c, "eval", "t[]", n, t)) {
        if (c.dev)
            clg__pending_discard(c.dev);
        return clg__call_poison(&c)->status;
    }
    for (int i = 0; i < n; i++)
        done &= clg__node_of(t[i])->buf != NULL;
    if (done && c.dev->n_pending == 0)
        return CLG_OK;
    return evaluate(c.dev, t, n, true, false);
}

clg_status clg_eval_alone(clg_tensor t)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "eval", "t", 1, &t))
        return clg__call_poison(&c)->status;
    return clg__node_of(t)->buf ? CLG_OK : evaluate(c.dev, &t, 1, false, false);
}

clg_status clg_eval_assigned(clg_device dev)
{
    CLG__DEFAULT_FP;
    if (!clg__is_open(dev))
        return clg__misuse(NULL, "eval_assigned: %s", clg__why_no_device(dev));
    return dev->n_pending ? evaluate(dev, NULL, 0, true, false) : CLG_OK;
}

clg_status clg_plan_n(clg_device dev, const clg_tensor *t, int n, clg_plan_info *out)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg__err err = { 0 };
    if (out)
        *out = (clg_plan_info) { 0 };
    if (!clg__is_open(dev))
        return clg__misuse(NULL, "plan: %s", clg__why_no_device(dev));
    if (n > 0 && !clg__call_begin(&c, "plan", "t[]", n, t))
        return clg__call_poison(&c)->status;
    if (n > 0 && c.dev != dev)
        return clg__misuse(dev, "plan: t[] belongs to another device");
    if (!out)
        return clg__misuse(dev, "plan: out is NULL");
    n = n > 0 ? n : 0;
    clg__work w = { .dev = dev, .err = &err, .fuse = ((clg__sched *) dev->sched)->fuse };
    clg__enter(dev);
    if (add_outputs(&w, t, n, ALL) && clg__work_collect(&w))
        clg__plan_estimate(&w, out);
    clg__work_free(&w);
    free_outputs(&w);
    clg__leave(dev);
    if (err.status >= 0)
        return CLG_OK;
    *out = (clg_plan_info) { 0 };
    return clg__publish(dev, err.status, err.text);
}

clg_status clg_read(clg_tensor t, void *dst, size_t bytes)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg__err err = { 0 };
    if (!clg__call_begin(&c, "read", "t", 1, &t)) {
        if (c.dev)
            clg__pending_discard(c.dev);
        return clg__call_poison(&c)->status;
    }
    const size_t size = clg_dtype_size(t->dtype), want = (size_t) clg_numel(t->shape) * size;
    if (!dst && want)
        return clg__call_fail(&c, CLG_EINVAL, "dst is NULL")->status;
    if (bytes != want)
        return clg__call_fail(&c, CLG_EINVAL, "%zu bytes given, the tensor has %zu", bytes,
                              want)->status;
    const clg__node *n = clg__node_of(t);
    clg__watch *v = &((clg__sched *) t->dev->sched)->watch;
    const bool fresh = !n->buf;
    clg_status st = CLG_OK;
    if (fresh)
        st = evaluate(t->dev, &t, 1, true, true);
    else if (clg__watch_waits(v, n))
        st = clg__watch_settle(t->dev, false);
    if (st < 0)
        return st;
    if (!n->buf)
        return clg__call_fail(&c, CLG_EDEVICE, "the evaluation left no value")->status;
    if (clg__buf_read(n->buf, (size_t) n->offset * size, dst, bytes, &err) < 0)
        return clg__publish(t->dev, err.status, err.text);
    const bool bad = fresh && v->is_open && clg__watch_asked(v, n) && !clg__all_finite(t->dtype, dst, clg_numel(t->shape));
    return bad || (fresh && !v->open.flag) ? clg__watch_settle(t->dev, bad) : CLG_OK;
}

double clg_item(clg_tensor t, clg_status *st)
{
    CLG__DEFAULT_FP;
    union {
        double d;
        int64_t i;
    } v = { 0 };
    clg_status rc;
    clg__call c;
    if (!clg__call_begin(&c, "item", "t", 1, &t)) {
        if (c.dev)
            clg__pending_discard(c.dev);
        rc = clg__call_poison(&c)->status;
    } else if (clg_numel(t->shape) != 1)
        rc = clg__call_fail(&c, CLG_ESHAPE, "expected one element")->status;
    else
        rc = clg_read(t, &v, clg_dtype_size(t->dtype));
    if (st)
        *st = rc;
    return rc < 0 ? (double) NAN : clg_element_get(t->dtype, &v);
}

clg_tensor clg_upload(clg_device dev, clg_dtype t, clg_shape shape, const void *data)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg__err err = { 0 };
    clg__call_source(&c, dev, "upload");
    const double zero = 0;
    clg_tensor out = clg__call_node(&c, &clg__op_scalar, t, &shape, &zero); // checks type and shape
    if (out->status < 0)
        return out;
    clg__node *n = clg__node_of(out);
    const size_t bytes = (size_t) clg_numel(shape) * clg_dtype_size(t);
    if (!data && bytes)
        return clg__call_fail(&c, CLG_EINVAL, "data is NULL");
    clg__buf *b = clg__buf_alloc(dev->gpu, bytes, &err);
    if (!b && give_up_plans(dev->sched, &err))
        b = clg__buf_alloc(dev->gpu, bytes, &err);
    if (b && clg__buf_write(b, 0, data, bytes, &err) < 0) {
        clg__buf_unref(b);
        b = NULL;
    }
    if (!b)
        return clg__call_fail(&c, err.status, "%s", err.text);
    n->op = &clg__op_leaf;
    clg__node_set_buffer(n, b, 0);
    return out;
}

clg_status clg_sync(clg_device dev)
{
    CLG__DEFAULT_FP;
    clg__err err = { 0 };
    if (!clg__is_open(dev))
        return clg__misuse(NULL, "sync: %s", clg__why_no_device(dev));
    const clg_status st = clg__watch_settle(dev, false);
    if (clg__gpu_finish(dev->gpu, &err) < 0)
        return clg__publish(dev, err.status, err.text);
    return st;
}
