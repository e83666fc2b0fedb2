// SPDX-License-Identifier: MIT
// Which kernel of a kernel op: the first of its ordered list that accepts.
#include "sched/planner.h"

#include "base/alloc.h"
#include "base/log.h"
#include "graph/build.h"

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

const clg__variant *clg__choose_variant(const clg__work *w, const clg__value *v, bool log)
{
    clg__kernel_call c;
    void *memory;
    char shape[128];
    const clg__variant *found = NULL;
    clg__kernel_call_of(w, v, &c, &memory);
    if (!memory) {
        clg__fail(w->err, CLG_ENOMEM, "eval: out of host memory");
        return NULL;
    }
    const bool say = log && clg__log_on(CLG__LOG_DISPATCH);
    if (say)
        clg__log(CLG__LOG_DISPATCH, "%s -> %s", v->op->name, clg__shape_text(&v->shape, shape));
    for (int i = 0; i < v->op->n_variants && !found; i++) {
        const char *why = v->op->variants[i].accepts ? v->op->variants[i].accepts(&c) : NULL;
        if (!why)
            found = &v->op->variants[i];
        if (say)
            clg__log(CLG__LOG_DISPATCH, "    %s: %s", v->op->variants[i].name,
                     why ? why : "taken");
    }
    clg__kernel_call_free(memory);
    if (!found)
        clg__fail(w->err, CLG_EDEVICE, "%s: no kernel for %s %s on this device", v->op->name,
                  clg__shape_text(&v->shape, shape), clg_dtype_name(v->dtype));
    return found;
}
