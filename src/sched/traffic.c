// SPDX-License-Identifier: MIT
// Bytes between kernels and memory: what a launch reads and writes, and the least that any plan of an evaluation could.
// For people alone: nothing is decided by them.
#include "sched/planner.h"

#include "base/alloc.h"

// Elements that an access reaches: no more than its places, nor than lie between the first and the last.
static uint64_t reached(const clg__access *a, const clg_shape *s)
{
    double places = 1, span = 1;
    for (int d = 0; d < s->rank; d++) {
        const int64_t n = a->windowed ? a->hi[d] - a->lo[d] : s->dim[d];
        const double step = a->stride[d] < 0 ? -(double) a->stride[d] : (double) a->stride[d];
        if (n <= 0)
            return 0;
        places *= step > 0 ? (double) n : 1;
        span += step * (double) (n - 1);
    }
    return (uint64_t) (places < span ? places : span);
}

static uint64_t bytes_of(const clg__work *w, int binding)
{
    const clg__value *v = &w->values[binding / CLG__MAX_OUTPUTS];
    const int out = binding % CLG__MAX_OUTPUTS;
    return out ? (uint64_t) clg_numel(v->node->outs->shape[out]) * clg_dtype_size(v->node->outs->dtype[out])
               : (uint64_t) v->numel * clg_dtype_size(v->dtype);
}

static bool is_memory(const clg__work *w, const clg__use *u)
{
    return !clg__is_generated(&w->values[u->value]);
}

static uint64_t kernel_inputs(const clg__work *w, const clg__value *v)
{
    const uint64_t result = (uint64_t) v->numel * clg_dtype_size(v->dtype);
    uint64_t bytes = 0;
    for (int i = 0; i < v->n_src; i++) {
        const clg__use *u = &v->src[i];
        const clg__value *of = &w->values[u->value];
        uint64_t all = bytes_of(w, CLG__BINDING(u->value, u->out));
        const clg_dtype t = u->out ? of->node->outs->dtype[u->out] : of->dtype;
        const uint64_t some = reached(&u->access, &v->node->in[i]->pub.shape) * clg_dtype_size(t);
        all = some < all ? some : all;
        if (is_memory(w, u))
            bytes += i < 32 && (v->op->picked_inputs >> i & 1) && result < all ? result : all;
    }
    return bytes;
}

static uint64_t kernel_outputs(const clg__work *w, int value)
{
    const clg__value *v = &w->values[value];
    uint64_t bytes = 0;
    for (int k = 0; k < (v->node->outs ? v->node->outs->n : 1); k++)
        bytes += bytes_of(w, CLG__BINDING(value, k));
    return bytes;
}

// Of a body: each operand, each value that operands are of once, and results.
static void add_body(const clg__work *w, const clg__compact_body *b, uint64_t *moved, uint64_t *least)
{
    for (int i = 0; i < b->n_operands; i++) {
        const clg__operand *o = &b->operands[i];
        if (o->kind != CLG__FROM_BUFFER)
            continue;
        const uint64_t all = bytes_of(w, o->input % CLG__EPILOGUE_BASE);
        uint64_t bytes = reached(&o->access, &b->shape) * clg_dtype_size(o->dtype), before = 0;
        bytes = bytes < all ? bytes : all;
        for (int k = 0; k < i; k++) {
            if (b->operands[k].kind == CLG__FROM_BUFFER && b->operands[k].input == o->input)
                before += reached(&b->operands[k].access, &b->shape) * clg_dtype_size(o->dtype);
        }
        *moved += bytes;
        *least += before >= all ? 0 : all - before < bytes ? all - before : bytes;
    }
    for (int i = 0; i < b->n_outputs; i++) {
        *moved += bytes_of(w, b->outputs[i].output % CLG__EPILOGUE_BASE);
        *least += bytes_of(w, b->outputs[i].output % CLG__EPILOGUE_BASE);
    }
}

void clg__traffic_of_launch(const clg__planner *f, int launch, clg__kplan *kp)
{
    uint64_t moved = 0, least = 0;
    for (int i = f->launch_start[launch]; i < f->launch_start[launch + 1]; i++) {
        const clg__group *g = &f->groups[f->order[i]];
        if (g->kind == CLG__GROUP_KERNEL) {
            const uint64_t bytes = kernel_inputs(f->w, &f->w->values[g->kernel]) +
                                   (g->n_results ? 0 : kernel_outputs(f->w, g->kernel));
            moved += bytes;
            least += bytes;
        }
        if (g->body)
            add_body(f->w, g->body, &moved, &least);
    }
    for (int i = 0; i < kp->n_temps; i++)
        moved += 2 * (uint64_t) kp->temp_bytes[i];
    kp->bytes = moved;
    kp->least = least;
}

// Each kernel op reads its inputs once, and everything else is part of kernel ops: in memory is what they read, what the
// evaluation starts from, which is read, and what was asked for, which is written. What a plan cannot avoid, such as
// reading once more what a statistic was made of, is above it.
uint64_t clg__traffic_least(const clg__work *w)
{
    uint64_t bytes = 0;
    unsigned char *in_memory = clg__calloc((size_t) w->n_values + 1, 1); // per value: outputs that kernel ops read
    for (int i = 0; i < w->n_values && in_memory; i++) {
        const clg__value *v = &w->values[i];
        if (v->dead || v->op->kind != CLG__KERNEL)
            continue;
        bytes += kernel_inputs(w, v);
        for (int k = 0; k < v->n_src; k++) {
            if (is_memory(w, &v->src[k]))
                in_memory[v->src[k].value] |= (unsigned char) (1u << v->src[k].out);
        }
    }
    for (int i = 0; i < w->n_values && in_memory; i++) {
        const clg__value *v = &w->values[i];
        const unsigned written = in_memory[i] | v->result_outputs;
        if (v->dead)
            continue;
        if (v->op->kind == CLG__LEAF) {
            bytes += v->uses > 0 && !in_memory[i] ? bytes_of(w, CLG__BINDING(i, 0)) : 0;
            continue;
        }
        for (int k = 0; k < CLG__MAX_OUTPUTS; k++)
            bytes += written >> k & 1 ? bytes_of(w, CLG__BINDING(i, k)) : 0;
    }
    clg__free(in_memory);
    return bytes;
}
