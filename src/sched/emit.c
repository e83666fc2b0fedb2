// SPDX-License-Identifier: MIT
// One group as the instruction list that codegen takes: inlines what is not stored, composes the
// accesses on the way down.
#include "sched/planner.h"

#include "base/alloc.h"
#include "graph/build.h"

#include <stddef.h>
#include <string.h>

typedef struct memo {
    int value, out, insn;
    int next; // of its bucket, -1
    clg__access access;
} memo;

// A value whose inputs are being emitted.
typedef struct frame {
    int value, out, next; // input
    clg__access access;
    clg__insn insn;
} frame;

enum { BUCKETS = 64, WAITING = -1 };

// Its own stack: a value is as deep as it has instructions.
typedef struct emitter {
    clg__planner *f;
    int group;
    clg__body *to;
    clg_shape shape; // iterated now: all elements, or what a reduction keeps
    bool epilogue;
    int binding_base;
    bool failed;
    int to_store;
    int root; // being emitted
    int n_memo, depth;
    int bucket[BUCKETS];
    memo memo[CLG__BODY_INSNS];
    frame stack[CLG__BODY_INSNS];
} emitter;

static int fail(emitter *e, int to_store)
{
    if (!e->failed)
        e->to_store = to_store;
    e->failed = true;
    return 0;
}

// The input of the root that takes most instructions: once it is stored, the body fits.
static int largest_input(const emitter *e)
{
    const clg__work *w = e->f->w;
    int best = -1;
    if (e->root < 0)
        return -1;
    const clg__value *v = &w->values[e->root];
    for (int i = 0; i < v->n_src; i++) {
        const clg__value *s = &w->values[v->src[i].value];
        if (clg__is_pointwise(s) && !s->stored &&
            (best < 0 || s->n_insns > w->values[best].n_insns))
            best = v->src[i].value;
    }
    return best;
}

static int add_insn(emitter *e, clg__insn in)
{
    const int n = e->to->n_insns;
    const bool split = n >= e->f->cost.split_insns && e->root >= 0 && !e->epilogue && largest_input(e) >= 0;
    if (n >= CLG__BODY_INSNS || split)
        return fail(e, largest_input(e));
    e->to->insns[e->to->n_insns] = in;
    return e->to->n_insns++;
}

static bool same_access(const clg__access *a, const clg__access *b, int rank)
{
    const size_t bytes = (size_t) rank * sizeof a->stride[0];
    return a->offset == b->offset && a->windowed == b->windowed && clg__same_positions(a, b, rank) &&
           memcmp(a->stride, b->stride, bytes) == 0 &&
           (!a->windowed || (memcmp(a->lo, b->lo, bytes) == 0 && memcmp(a->hi, b->hi, bytes) == 0));
}

static int add_load(emitter *e, clg__operand o)
{
    clg__body *body = e->to;
    for (int d = 0; d < e->shape.rank; d++) {
        if (e->shape.dim[d] == 1)
            o.access.stride[d] = 0;
    }
    int k = 0;
    for (; k < body->n_operands; k++) {
        const clg__operand *p = &body->operands[k];
        if (p->kind == o.kind && p->input == o.input && p->dtype == o.dtype &&
            p->origin == o.origin && same_access(&p->access, &o.access, e->shape.rank) &&
            (!o.access.windowed || memcmp(&p->fill, &o.fill, sizeof o.fill) == 0))
            break;
    }
    if (k == body->n_operands) {
        if (k >= CLG__BODY_OPERANDS)
            return fail(e, largest_input(e));
        body->operands[body->n_operands++] = o;
    }
    return add_insn(e, (clg__insn) { .kind = CLG__I_LOAD, .dtype = o.dtype, .operand = k });
}

static int load_generated(emitter *e, const clg__value *v, int value, const clg__access *access)
{
    const double *params = v->node->params;
    clg__operand o = { .dtype = v->dtype, .access = *access, .input = CLG__BINDING(value, 0) + e->binding_base };
    switch (v->op->kind) {
    case CLG__CONST:
        return add_insn(e, (clg__insn) { .kind = CLG__I_CONST, .dtype = v->dtype,
                                         .value = params[0] });
    case CLG__SCALAR:
        o.kind = CLG__FROM_SCALAR;
        memset(&o.access, 0, sizeof o.access);
        break;
    case CLG__IOTA:
        o.kind = CLG__FROM_IOTA;
        o.a = params[0];
        o.b = params[1];
        break;
    default:
        o.kind = CLG__FROM_RANDOM;
        o.random = ((const clg__random *) v->node->params)->kind;
        break;
    }
    if (e->binding_base && o.kind != CLG__FROM_SCALAR)
        return fail(e, -1);
    return add_load(e, o);
}

// Any steps but along C, where lanes are neighbours or repeat one element.
static bool epilogue_access(const clg_shape *s, const clg__access *g)
{
    const int c = s->rank - 1;
    return !g->windowed && (s->dim[c] == 1 || g->stride[c] == 0 || g->stride[c] == 1);
}

static int load_stored(emitter *e, const clg__value *v, int value, int out, const clg__access *access,
                       double fill)
{
    clg__operand o = { .kind = CLG__FROM_BUFFER,
                       .dtype = out ? v->node->outs->dtype[out] : v->dtype,
                       .input = CLG__BINDING(value, out) + e->binding_base,
                       .access = *access,
                       .origin = v->position,
                       .fill = fill };
    o.access.offset += v->offset;
    if (e->binding_base && !epilogue_access(&e->shape, access))
        return fail(e, -1);
    return add_load(e, o);
}

// Its inputs come first.
static int begin_pointwise(emitter *e, int value, int out, const clg__access *access)
{
    const clg__value *v = &e->f->w->values[value];
    if (e->depth >= CLG__BODY_INSNS) // each of them makes an instruction
        return fail(e, largest_input(e));
    e->stack[e->depth++] = (frame) {
        .value = value, .out = out, .access = *access,
        .insn = { .kind = v->op->kind == CLG__CAST ? CLG__I_CAST : CLG__I_EW, .dtype = v->dtype, .op = v->op },
    };
    return WAITING;
}

static bool is_identity(const emitter *e, const clg__value *v, int out, const clg__access *access)
{
    const int64_t n = out ? clg_numel(v->node->outs->shape[out]) : v->numel;
    return access->offset == 0 && clg_numel(e->shape) == n &&
           clg__access_is_contiguous(access, &e->shape);
}

// Is it read where the group computes it? Results of a kernel may lie in another order than its own value.
static bool is_own_place(const emitter *e, const clg__value *v, int out, const clg__access *access)
{
    const clg__access *own = e->f->groups[e->group].place;
    if (!own || v->op->kind == CLG__KERNEL)
        return is_identity(e, v, out, access);
    bool same = access->offset == 0 && !access->windowed && clg_numel(e->shape) == v->numel;
    for (int d = 0; d < e->shape.rank && same; d++)
        same = e->shape.dim[d] == 1 || access->stride[d] == own->stride[d];
    return same;
}

// A value that this very group computes.
static int emit_member(emitter *e, int value, int out, const clg__access *access)
{
    const clg__value *v = &e->f->w->values[value];
    const clg__group *g = &e->f->groups[e->group];
    if (!is_own_place(e, v, out, access))
        return fail(e, -1);
    if (v->op->kind == CLG__REDUCE) {
        if (!e->epilogue)
            return fail(e, -1);
        for (int k = 0; k < g->n_reductions; k++) {
            if (g->reductions[k] == value)
                return add_insn(e, (clg__insn) { .kind = CLG__I_REDUCED, .dtype = v->dtype,
                                                 .operand = k });
        }
    }
    if (v->op->kind == CLG__KERNEL)
        return out == 0 ? 0 : fail(e, -1);
    if (g->kind == CLG__GROUP_REDUCE && !e->epilogue)
        return fail(e, -1);
    // a constant or random draw that is stored because a padded view reads it
    return clg__is_generated(v) ? load_generated(e, v, value, access) : begin_pointwise(e, value, out, access);
}

static const memo *find_memo(const emitter *e, int value, int out, const clg__access *access)
{
    if (access->windowed)
        return NULL;
    for (int i = e->bucket[(unsigned) CLG__BINDING(value, out) % BUCKETS]; i >= 0; i = e->memo[i].next) {
        const memo *m = &e->memo[i];
        if (m->value == value && m->out == out && same_access(&m->access, access, e->shape.rank))
            return m;
    }
    return NULL;
}

static void remember(emitter *e, int value, int out, const clg__access *access, int insn)
{
    if (e->failed || e->n_memo >= CLG__BODY_INSNS)
        return;
    int *bucket = &e->bucket[(unsigned) CLG__BINDING(value, out) % BUCKETS];
    e->memo[e->n_memo] = (memo) { value, out, insn, *bucket, *access };
    *bucket = e->n_memo++;
}

static void forget(emitter *e)
{
    e->n_memo = 0;
    for (int i = 0; i < BUCKETS; i++)
        e->bucket[i] = -1;
}

// The instruction of a value; WAITING: its inputs are to be emitted first.
static int begin_value(emitter *e, int value, int out, const clg__access *access, double fill)
{
    const clg__value *v = &e->f->w->values[value];
    const memo *m = find_memo(e, value, out, access);
    int k;
    if (m)
        return m->insn;
    if (v->group == e->group && v->group >= 0) {
        k = emit_member(e, value, out, access);
    } else if (v->stored) {
        k = load_stored(e, v, value, out, access, fill);
    } else if (access->windowed) {
        return fail(e, value);
    } else if (clg__is_generated(v)) {
        k = load_generated(e, v, value, access);
    } else if (!clg__is_pointwise(v)) { // the value inside another kernel
        return fail(e, -1);
    } else {
        // Broadcasting repeats the work: what costs more than a load is computed once. One number always
        // is, so that a batch of two has the kernels of others.
        const clg__cost *c = &e->f->cost;
        const int64_t n = clg_numel(e->shape);
        if ((n >= c->broadcast_factor * v->numel || (v->numel == 1 && n > 1)) && v->n_insns > c->broadcast_insns)
            return fail(e, value);
        k = begin_pointwise(e, value, out, access);
    }
    if (k != WAITING)
        remember(e, value, out, access, k);
    return k;
}

// The next input of the value on top, or its instruction where there is none.
static int continue_value(emitter *e)
{
    frame *t = &e->stack[e->depth - 1];
    const clg__value *v = &e->f->w->values[t->value];
    if (t->next == v->n_src) {
        const int k = add_insn(e, t->insn);
        remember(e, t->value, t->out, &t->access, k);
        e->depth--;
        return k;
    }
    clg__access g;
    const clg__use *s = &v->src[t->next];
    const bool direct = clg__shape_equal(&e->shape, &v->shape) && t->access.offset == 0 &&
                        clg__access_is_contiguous(&t->access, &v->shape);
    if (direct)
        g = s->access;
    else if (!clg__compose(e->f->w, &t->access, &e->shape, &s->access, &v->shape, &g)) {
        e->f->failed |= e->f->w->err->status < 0;
        return fail(e, t->value);
    }
    return begin_value(e, s->value, s->out, &g, s->fill);
}

static int emit_value(emitter *e, int value, int out, const clg__access *access, double fill)
{
    if (e->failed)
        return 0;
    int done = begin_value(e, value, out, access, fill);
    while (e->depth > 0 && !e->failed) {
        if (done != WAITING) {
            frame *t = &e->stack[e->depth - 1];
            t->insn.src[t->next++] = done;
        }
        done = continue_value(e);
    }
    return done;
}

static void store(emitter *e, int value, int insn)
{
    clg__body *body = e->to;
    if (e->failed)
        return;
    if (body->n_outputs >= CLG__BODY_OUTPUTS) {
        fail(e, -1);
        return;
    }
    body->outputs[body->n_outputs++] = (clg__output) { .insn = insn, .output = CLG__BINDING(value, 0) + e->binding_base,
                                                       .dtype = e->f->w->values[value].dtype };
}

static void emit_reductions(emitter *e, const clg__group *g)
{
    const clg__work *w = e->f->w;
    const clg__value *first = &w->values[g->reductions[0]];
    const clg_shape in = first->node->in[0]->pub.shape;
    const clg__reduce *r = first->node->params;
    memcpy(e->to->reduced, r->axis, sizeof e->to->reduced);
    e->shape = e->to->shape = in;
    for (int k = 0; k < g->n_reductions; k++) {
        const clg__value *v = &w->values[g->reductions[k]];
        e->root = g->reductions[k];
        const int src = emit_value(e, v->src[0].value, v->src[0].out, &v->src[0].access,
                                   v->src[0].fill);
        e->to->reductions[e->to->n_reductions++] =
            (clg__reduction) { ((const clg__reduce *) v->node->params)->kind, src, v->dtype,
                               ((const clg__reduce *) v->node->params)->divisor };
    }
    e->to->n_per_element = e->to->n_insns;
    e->epilogue = true;
    forget(e);
    e->shape = first->shape;
    const clg__access whole = clg__access_contiguous(&e->shape);
    for (int k = 0; k < g->n_reductions; k++) {
        const int insn = emit_value(e, g->reductions[k], 0, &whole, 0);
        if (w->values[g->reductions[k]].stored)
            store(e, g->reductions[k], insn);
    }
}

static void begin_epilogue(emitter *e, const clg__group *g)
{
    const clg__value *v = &e->f->w->values[g->kernel];
    e->shape = e->to->shape = clg__epilogue_shape(v);
    e->epilogue = true;
    e->binding_base = CLG__EPILOGUE_BASE;
    const int insn = add_insn(e, (clg__insn) { .kind = CLG__I_REDUCED, .dtype = v->dtype });
    if (v->stored)
        store(e, g->kernel, insn);
}

clg__emit_result clg__emit(clg__planner *f, int group, clg__body *out)
{
    const clg__group *g = &f->groups[group];
    emitter *e = f->emitter;
    e->f = f;
    e->group = group;
    e->to = out;
    e->epilogue = e->failed = false;
    e->binding_base = e->depth = 0;
    e->to_store = e->root = -1;
    forget(e);
    memset(out, 0, offsetof(clg__body, operands));
    if (g->kind == CLG__GROUP_REDUCE)
        emit_reductions(e, g);
    else if (g->kind == CLG__GROUP_KERNEL)
        begin_epilogue(e, g);
    else
        e->shape = out->shape = f->w->values[g->results[0]].shape;
    const clg__access place = g->place ? *g->place : clg__access_contiguous(&e->shape);
    for (int k = 0; k < g->n_results && !e->failed; k++) {
        e->root = g->results[k];
        const int insn = emit_value(e, g->results[k], 0, &place, 0);
        if (f->w->values[g->results[k]].stored)
            store(e, g->results[k], insn);
    }
    if (g->kind == CLG__GROUP_POINTWISE)
        out->n_per_element = out->n_insns;
    if (g->kind == CLG__GROUP_KERNEL)
        out->n_per_element = 0;
    return (clg__emit_result) { !e->failed, e->to_store };
}

void *clg__emitter_new(void)
{
    return clg__malloc(sizeof(emitter));
}
