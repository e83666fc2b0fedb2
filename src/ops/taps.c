// SPDX-License-Identifier: MIT
// Sums over listed places with weights, and their derivatives: three ops, each linear in both of its floating
// inputs, of which the derivatives are made of the same three. Kernels: cl/grid_sample.cl.
#include "ops/taps.h"

#include "graph/build.h"
#include "ops/element.h"
#include "ops/index_sort.h"
#include "ops/registry.h"

typedef struct plane {
    int64_t size;
} plane;

static void key_plane(const void *params, clg__key *k)
{
    const plane *s = params;
    clg__key_i64(k, s->size);
}

typedef struct sizes {
    int64_t n, c, hw, taps, p;
} sizes;

// From shapes of what has the channels' planes, a list, and planes of the result.
static sizes sizes_of(const clg_shape *x, const clg_shape *list, int64_t c)
{
    return (sizes) { list->dim[0], c, x->dim[2], list->dim[1], list->dim[2] };
}

static void arg_sizes(clg__kplan *p, clg__launch *l, const sizes *s, int64_t total)
{
    CLG__ARG_BLOCK(p, l, "GRID", { "total", total, true }, { "C", s->c, true }, { "HW", s->hw, true },
                   { "taps", s->taps, false }, { "P", s->p, true });
}

static clg__launch *kernel(const clg__kernel_call *c, clg__kplan *p, const char *entry)
{
    clg__launch *l = clg__kplan_kernel(p, "grid_sample", entry);
    clg__define_element(p, l, c->out_dtype[0]);
    return l;
}

static void plan_each(const clg__kernel_call *c, clg__kplan *p, const sizes *s, const char *items, const char *blocks)
{
    enum { FEW = 1 << 12 }; // products that are not worth another group
    const int64_t total = clg_numel(*c->out_shape);
    if (total == 0)
        return;
    const bool cpu = c->caps->cpu_class;
    clg__launch *l = kernel(c, p, cpu ? blocks : items);
    clg__arg_buffers(p, l, 3, 1);
    arg_sizes(p, l, s, cpu ? s->n : total);
    if (cpu) {
        const int64_t most = 4 * (int64_t) c->caps->compute_units, worth = (s->n * s->p * s->taps * (s->c + 1) + FEW - 1) / FEW;
        clg__kplan_grid(l, (size_t) (worth < most ? worth : most), 1, 1, 1, 1, 1);
    } else {
        clg__kplan_items(l, total);
    }
}

static void plan_sample(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_of(&c->in_shape[0], &c->in_shape[1], c->in_shape[0].dim[1]);
    plan_each(c, p, &s, "grid_sample_items", "grid_sample_blocks");
}

static void plan_weights(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_of(&c->in_shape[0], &c->in_shape[2], c->in_shape[0].dim[1]);
    plan_each(c, p, &s, "grid_weights_items", "grid_weights_blocks");
}

static sizes scatter_sizes(const clg__kernel_call *c)
{
    return sizes_of(c->out_shape, &c->in_shape[1], c->out_shape->dim[1]);
}

static void plan_planes(const clg__kernel_call *c, clg__kplan *p)
{
    enum { WIDTH = 4 }; // channels for which a list is read once
    const sizes s = scatter_sizes(c);
    if (clg_numel(*c->out_shape) == 0)
        return;
    const int64_t width = s.n * s.c < (int64_t) WIDTH * c->caps->compute_units ? 1 : WIDTH;
    clg__launch *l = kernel(c, p, "grid_scatter_planes");
    clg__arg_buffers(p, l, 3, 1);
    arg_sizes(p, l, &s, width);
    clg__kplan_grid(l, (size_t) ((s.c + width - 1) / width), (size_t) s.n, 1, 1, 1, 1);
}

static const char *accepts_sorted(const clg__kernel_call *c)
{
    const sizes s = scatter_sizes(c);
    if (c->caps->cpu_class)
        return "for GPU-class devices";
    if (s.n * s.taps * s.p == 0 || !clg__sort_takes(s.n * s.hw))
        return "nothing, or more places than three passes sort";
    return NULL;
}

static void plan_sorted(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = scatter_sizes(c);
    const clg__sort sort = { s.n * s.taps * s.p, s.n * s.hw, CLG_I64 };
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__sorted list = clg__sort_begin(p, &sort);
    clg__launch *l = kernel(c, p, "grid_keys");
    clg__sort_define(p, l, &sort);
    clg__arg_in(p, l, 2);
    clg__arg_in_offset(p, l, 2);
    clg__arg_temp(p, l, list.key);
    clg__arg_temp(p, l, list.order);
    clg__arg_i64(p, l, sort.axis);
    arg_sizes(p, l, &s, sort.n);
    clg__kplan_items(l, sort.n);
    list = clg__sort_run(c->caps, p, &sort, list);
    const int start = clg__sort_starts(c->caps, p, &sort, list);
    l = kernel(c, p, "grid_scatter_sorted");
    clg__sort_define(p, l, &sort);
    for (int i = 0; i < 2; i++) {
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
    }
    clg__arg_temp(p, l, list.order);
    clg__arg_temp(p, l, start);
    clg__arg_out(p, l, 0);
    arg_sizes(p, l, &s, clg_numel(*c->out_shape));
    clg__kplan_items(l, clg_numel(*c->out_shape));
}

static clg_tensor sample_vjp(const clg__vjp *v, int i);
static clg_tensor scatter_vjp(const clg__vjp *v, int i);
static clg_tensor weights_vjp(const clg__vjp *v, int i);
static const clg__variant sample_variants[] = { { "each", NULL, plan_sample, false } };
static const clg__variant weights_variants[] = { { "each", NULL, plan_weights, false } };
static const clg__variant scatter_variants[] = {
    { "sorted_gpu", accepts_sorted, plan_sorted, false },
    { "planes", NULL, plan_planes, false },
};
static const clg__op op_sample = { .name = "grid_sample", .kind = CLG__KERNEL, .vjp = sample_vjp,
                                   .variants = sample_variants, .n_variants = 1 };
static const clg__op op_scatter = { .name = "grid_scatter", .kind = CLG__KERNEL, .vjp = scatter_vjp, .key = key_plane,
                                    .params_bytes = sizeof(plane), .variants = scatter_variants, .n_variants = 2 };
static const clg__op op_weights = { .name = "grid_weights", .kind = CLG__KERNEL, .vjp = weights_vjp,
                                    .variants = weights_variants, .n_variants = 1 };

const clg__op *const clg__taps_ops[] = { &op_sample, &op_scatter, &op_weights, NULL };

static clg_tensor node(const clg__op *op, clg_tensor a, clg_tensor b, clg_tensor index, clg_shape s)
{
    clg__call c;
    const plane size = { s.dim[2] };
    if (!clg__call_begin(&c, op->name, "a b index", 3, (clg_tensor[]) { a, b, index }))
        return clg__call_poison(&c);
    return clg__call_node(&c, op, a->dtype, &s, op->key ? &size : NULL);
}

clg_tensor clg__taps(clg_tensor x, clg_tensor w, clg_tensor index)
{
    return node(&op_sample, x, w, index, CLG_SHAPE(x->shape.dim[0], x->shape.dim[1], index->shape.dim[2]));
}

clg_tensor clg__taps_scatter(clg_tensor g, clg_tensor w, clg_tensor index, int64_t size)
{
    return node(&op_scatter, g, w, index, CLG_SHAPE(g->shape.dim[0], g->shape.dim[1], size));
}

clg_tensor clg__taps_weights(clg_tensor x, clg_tensor g, clg_tensor index)
{
    return node(&op_weights, x, g, index, index->shape);
}

static clg_tensor sample_vjp(const clg__vjp *v, int i)
{
    if (i == 0)
        return clg__taps_scatter(v->g, v->in[1], v->in[2], v->in[0]->shape.dim[2]);
    return i == 1 ? clg__taps_weights(v->in[0], v->g, v->in[2]) : NULL;
}

static clg_tensor scatter_vjp(const clg__vjp *v, int i)
{
    if (i == 0)
        return clg__taps(v->g, v->in[1], v->in[2]);
    return i == 1 ? clg__taps_weights(v->g, v->in[0], v->in[2]) : NULL;
}

static clg_tensor weights_vjp(const clg__vjp *v, int i)
{
    if (i == 0)
        return clg__taps_scatter(v->in[1], v->g, v->in[2], v->in[0]->shape.dim[2]);
    return i == 1 ? clg__taps(v->in[0], v->g, v->in[2]) : NULL;
}
