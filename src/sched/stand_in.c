// SPDX-License-Identifier: MIT
// Kernels that are built stand in for kernels that are not and that would give the same bits, so that a batch of one
// compiles nothing where larger ones ran: its dimension stays one of the loops, with steps like theirs. Bodies that were
// compiled for are kept as examples of that. What is made of them lives in the plan alone: another history has other
// kernels and the same values.
#include "sched/stand_in.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "graph/build.h"

#include <string.h>

enum { MOST = 512, BUCKETS = 256, TRIES = 8 };

typedef struct example {
    clg__compact_body *body;
    uint64_t structure;
    int next; // of the same bucket, -1
} example;

struct clg__examples {
    example all[MOST];
    int n, bucket[BUCKETS]; // 1 + the first of each; 0: none
};

clg__examples *clg__examples_new(void)
{
    return clg__calloc(1, sizeof(clg__examples));
}

static void forget(clg__examples *e)
{
    for (int i = 0; i < e->n; i++)
        clg__free(e->all[i].body);
    *e = (clg__examples) { .n = 0 };
}

void clg__examples_free(clg__examples *e)
{
    if (e)
        forget(e);
    clg__free(e);
}

// All of a body but sizes, steps and what it is bound to.
static uint64_t structure_of(const clg__body *b)
{
    const int head[6] = { b->shape.rank, b->n_operands, b->n_insns, b->n_per_element, b->n_outputs, b->n_reductions };
    uint64_t h = clg__hash(head, sizeof head, 0);
    h = clg__hash(b->reduced, (size_t) b->shape.rank * sizeof b->reduced[0], h);
    for (int i = 0; i < b->n_operands; i++) {
        const clg__operand *o = &b->operands[i];
        const int what[4] = { (int) o->kind, (int) o->dtype, (int) o->random, o->access.windowed };
        h = clg__hash(what, sizeof what, h);
    }
    for (int i = 0; i < b->n_insns; i++) {
        const clg__insn *in = &b->insns[i];
        const int what[6] = { (int) in->kind, (int) in->dtype, in->src[0], in->src[1], in->src[2], in->operand };
        h = clg__hash(what, sizeof what, h);
        h = clg__hash(&in->op, sizeof in->op, h);
        h = clg__hash(&in->value, sizeof in->value, h);
    }
    for (int i = 0; i < b->n_outputs; i++) {
        const int what[2] = { b->outputs[i].insn, (int) b->outputs[i].dtype };
        h = clg__hash(what, sizeof what, h);
    }
    for (int i = 0; i < b->n_reductions; i++) {
        const int what[3] = { (int) b->reductions[i].kind, b->reductions[i].src, (int) b->reductions[i].dtype };
        h = clg__hash(what, sizeof what, h);
    }
    return h;
}

static bool same_places(const clg__compact_body *a, const clg__body *b)
{
    bool same = clg__shape_equal(&a->shape, &b->shape) && a->n_operands == b->n_operands;
    for (int i = 0; i < b->n_operands && same; i++)
        same = memcmp(a->operands[i].access.stride, b->operands[i].access.stride,
                      (size_t) b->shape.rank * sizeof b->operands[i].access.stride[0]) == 0;
    return same;
}

void clg__examples_add(clg__examples *e, const clg__body *body)
{
    if (!e)
        return;
    const uint64_t structure = structure_of(body);
    for (int i = e->bucket[structure % BUCKETS] - 1; i >= 0; i = e->all[i].next) {
        if (e->all[i].structure == structure && same_places(e->all[i].body, body))
            return;
    }
    if (e->n == MOST)
        forget(e);
    example *x = &e->all[e->n];
    *x = (example) { .body = clg__body_compact(body), .structure = structure };
    if (!x->body)
        return;
    int *bucket = &e->bucket[x->structure % BUCKETS];
    x->next = *bucket - 1;
    *bucket = ++e->n;
}

bool clg__is_built(const clg__planner *f, const clg__kplan *kp)
{
    bool is = f->plan->gpu != NULL;
    for (int i = 0; i < kp->n_launches && is; i++) {
        const clg__launch *k = &kp->launches[i];
        const clg__source s = { .file = k->file, .entry = k->entry, .defines = clg__str_text(&k->defines),
                                .text = clg__str_text(&k->text) };
        is = k->blas.used || kp->err.status < 0 || k->defines.failed || k->text.failed || clg__gpu_has_built(f->plan->gpu, &s);
    }
    return is;
}

// The step along dimension d, which has one element, that makes the text what it is for the example. Any does for the
// values.
static int64_t step_like(const clg__access *like, const clg_shape *of, const clg__access *a, const clg__body *b, int d)
{
    int e = d + 1;
    while (e < b->shape.rank && b->shape.dim[e] == 1 && !b->ones[e])
        e++;
    const int64_t step = like->stride[d];
    if (e == b->shape.rank || step == 0)
        return step;
    const int64_t joined = a->stride[e] * b->shape.dim[e];
    if (step == like->stride[e] * of->dim[e])
        return joined;
    return step == joined ? step + 1 : step;
}

// Gives b the dimensions of size 1 that the example has larger. false: there are none, or it is no example of b.
static bool become_like(clg__body *b, const clg__compact_body *x)
{
    bool some = false;
    if (b->shape.rank != x->shape.rank || b->n_operands != x->n_operands)
        return false;
    for (int d = 0; d < b->shape.rank; d++) {
        b->ones[d] = b->shape.dim[d] == 1 && x->shape.dim[d] > 1;
        some |= b->ones[d];
        if (b->shape.dim[d] != 1 && x->shape.dim[d] == 1)
            return false;
    }
    for (int d = b->shape.rank - 1; d >= 0 && some; d--) {
        for (int i = 0; i < b->n_operands && b->ones[d]; i++) {
            clg__operand *o = &b->operands[i];
            if (o->kind != CLG__FROM_SCALAR)
                o->access.stride[d] = step_like(&x->operands[i].access, &x->shape, &o->access, b, d);
        }
    }
    return some;
}

// A launch's bodies have one text.
static bool same_texts(clg__planner *f, const clg__body *const *bodies, int n)
{
    const clg__caps *caps = f->w->dev->caps;
    clg__str first = { 0 }, other = { 0 };
    bool same = n == 1 || clg__codegen_text(bodies[0], caps, &first);
    for (int i = 1; i < n && same; i++) {
        clg__str_clear(&other);
        same = clg__codegen_text(bodies[i], caps, &other) && other.length == first.length &&
               memcmp(clg__str_text(&first), clg__str_text(&other), first.length) == 0;
    }
    clg__str_free(&first);
    clg__str_free(&other);
    return same;
}

static bool stands_in(clg__planner *f, const clg__compact_body *x, const clg__body *const *bodies, int n,
                      clg__body *room, clg__kplan *kp)
{
    const clg__caps *caps = f->w->dev->caps;
    const clg__body *tried[CLG__LAUNCH_BODIES];
    clg__kplan other;
    for (int i = 0; i < n; i++) {
        room[i] = *bodies[i];
        tried[i] = &room[i];
        if (!become_like(&room[i], x) || !clg__codegen_same_order(bodies[i], &room[i], caps))
            return false;
    }
    clg__kplan_init(&other);
    clg__codegen(tried, n, caps, &other);
    bool does = other.err.status >= 0 && clg__is_built(f, &other) && same_texts(f, tried, n);
    for (int i = 0; i < other.n_launches; i++)
        does &= !other.launches[i].text.failed;
    clg__kplan_free(does ? kp : &other);
    if (does)
        *kp = other;
    return does;
}

bool clg__stand_in(clg__planner *f, const clg__examples *e, const clg__body *const *bodies, int n, clg__kplan *kp)
{
    bool some = false, done = false;
    for (int d = 0; d < bodies[0]->shape.rank; d++)
        some |= bodies[0]->shape.dim[d] == 1;
    clg__body *room = e && some ? clg__malloc((size_t) n * sizeof *room) : NULL;
    if (!room)
        return false;
    const uint64_t structure = structure_of(bodies[0]);
    int tries = 0;
    for (int i = e->bucket[structure % BUCKETS] - 1; i >= 0 && !done && tries < TRIES; i = e->all[i].next) {
        if (e->all[i].structure != structure)
            continue;
        tries++;
        done = stands_in(f, e->all[i].body, bodies, n, room, kp);
    }
    clg__free(room);
    return done;
}
