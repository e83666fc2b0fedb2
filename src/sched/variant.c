// SPDX-License-Identifier: MIT
// Which kernel of a kernel op: the first of its ordered list that accepts, those that CLGRAD_VARIANT names before the
// others.
#include "sched/cache.h"
#include "sched/planner.h"

#include "base/alloc.h"
#include "base/log.h"
#include "graph/build.h"

#include <string.h>

void clg__kernel_call_of(const clg__work *w, const clg__value *v, clg__kernel_call *c, void **memory)
{
    const int n = v->n_src, m = v->node->outs ? v->node->outs->n : 1;
    clg_shape *shapes = clg__calloc((size_t) (n + m), sizeof *shapes);
    clg__access *accesses = clg__calloc((size_t) n + 1, sizeof *accesses);
    clg_dtype *types = clg__calloc((size_t) (n + m), sizeof *types);
    void **all = clg__malloc(3 * sizeof *all);
    *memory = all;
    if (!all || !shapes || !accesses || !types) {
        clg__free(shapes);
        clg__free(accesses);
        clg__free(types);
        clg__free(all);
        *memory = NULL;
        return;
    }
    all[0] = shapes;
    all[1] = accesses;
    all[2] = types;
    for (int i = 0; i < n; i++) {
        const clg_tensor in = &v->node->in[i]->pub;
        shapes[i] = in->shape;
        types[i] = in->dtype;
        accesses[i] = v->src[i].access;
        accesses[i].offset += w->values[v->src[i].value].offset;
    }
    for (int k = 0; k < m; k++) {
        shapes[n + k] = k ? v->node->outs->shape[k] : v->shape;
        types[n + k] = k ? v->node->outs->dtype[k] : v->dtype;
    }
    *c = (clg__kernel_call) { .caps = w->dev->caps, .params = v->node->params, .n_in = n,
                              .n_out = m, .in_shape = shapes, .in_dtype = types,
                              .in_access = accesses, .out_shape = shapes + n, .out_dtype = types + n };
}

void clg__kernel_call_free(void *memory)
{
    void **all = memory;
    for (int i = 0; all && i < 3; i++)
        clg__free(all[i]);
    clg__free(all);
}

static const clg__choices *choices_of(const clg__work *w)
{
    static const clg__choices none;
    const clg__sched *s = w->dev->sched;
    return s ? &s->choices : &none;
}

static bool is_struck(const clg__work *w, const clg__variant *v)
{
    return w->dev->gpu && clg__gpu_is_struck(w->dev->gpu, v);
}

void clg__kernel_call_set(const clg__work *w, const clg__op *op, const clg__variant *v, clg__kernel_call *c)
{
    const clg__choice *choice = clg__choices_find(choices_of(w), op, (int) (v - op->variants));
    c->forced = choice != NULL;
    memset(c->set, 0, sizeof c->set);
    if (choice)
        memcpy(c->set, choice->set, sizeof c->set);
}

// Why not variant i of op; NULL: it can be taken.
static const char *declines(const clg__work *w, const clg__op *op, int i, clg__kernel_call *c)
{
    const clg__variant *v = &op->variants[i];
    if (is_struck(w, v))
        return "struck: this device could not build or launch it";
    clg__kernel_call_set(w, op, v, c);
    return v->accepts ? v->accepts(c) : NULL;
}

// The first that can be taken, of those that are forced or of the others.
static const clg__variant *first_of(const clg__work *w, const clg__op *op, bool forced, clg__kernel_call *c, bool say)
{
    for (int i = 0; i < op->n_variants; i++) {
        if ((clg__choices_find(choices_of(w), op, i) != NULL) != forced)
            continue;
        const char *why = declines(w, op, i, c);
        if (say)
            clg__log(CLG__LOG_DISPATCH, "    %s%s: %s", op->variants[i].name, forced ? ", forced" : "",
                     why ? why : "taken");
        if (!why)
            return &op->variants[i];
    }
    return NULL;
}

// When all that could be are struck: then the reason that they were is this evaluation's error.
static const clg__variant *first_struck(const clg__op *op, clg__kernel_call *c)
{
    c->forced = false;
    memset(c->set, 0, sizeof c->set);
    for (int i = 0; i < op->n_variants; i++) {
        if (!op->variants[i].accepts || !op->variants[i].accepts(c))
            return &op->variants[i];
    }
    return NULL;
}

const clg__variant *clg__choose_variant(const clg__work *w, const clg__value *v, bool log)
{
    clg__kernel_call c;
    void *memory;
    char shape[128];
    clg__kernel_call_of(w, v, &c, &memory);
    if (!memory) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
        return NULL;
    }
    const bool say = log && clg__log_on(CLG__LOG_DISPATCH);
    if (say)
        clg__log(CLG__LOG_DISPATCH, "%s -> %s", v->op->name, clg__shape_text(&v->shape, shape));
    const clg__variant *found = first_of(w, v->op, true, &c, say);
    if (!found)
        found = first_of(w, v->op, false, &c, say);
    if (!found)
        found = first_struck(v->op, &c);
    clg__kernel_call_free(memory);
    if (!found)
        clg__fail(w->err, CLG_EDEVICE, "%s: no kernel for %s %s on this device", v->op->name,
                  clg__shape_text(&v->shape, shape), clg_dtype_name(v->dtype));
    return found;
}
