// SPDX-License-Identifier: MIT
// Distances of all rows from all others (cdist, pdist), p = 1 and p = 2, without the differences in memory. Kernels:
// cl/pair_distance_cpu.cl, cl/pair_distance.cl.
#include "ops/pair_distance.h"

#include "graph/build.h"
#include "ops/element.h"
#include "ops/registry.h"
#include <clgrad/create.h>
#include <clgrad/grad.h>
#include <clgrad/ops.h>

enum { WIDTH = 32 }; // columns of a tile on CPUs: rows of b lie this many, or a multiple, apart

typedef struct pairs {
    int64_t n;       // columns that count
    int64_t squares; // p is 2, else 1
} pairs;

static void key(const void *params, clg__key *k)
{
    const pairs *s = params;
    clg__key_i64(k, s->n);
    clg__key_i64(k, s->squares);
}

static void plan_as(const clg__kernel_call *c, clg__kplan *p, const char *entry, int inputs, int64_t work)
{
    const pairs *s = c->params;
    const bool cpu = c->caps->cpu_class, wide = c->out_dtype[0] == CLG_F64;
    const clg_shape *a = &c->in_shape[0], *b = &c->in_shape[1];
    enum { FEW = 1 << 14 }; // terms that are not worth another group
    if (work == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, cpu ? "pair_distance_cpu" : "pair_distance", entry);
    clg__define_element(p, l, c->out_dtype[0]);
    if (s->squares) {
        clg__kplan_define(p, l, "SQUARES", "1");
        clg__kplan_define(p, l, "DOWN", wide ? "0x1p-512" : "0x1p-64f");
        clg__kplan_define(p, l, "UP", wide ? "0x1p512" : "0x1p64f");
        clg__kplan_define(p, l, "LARGE", wide ? "0x1p1000" : "0x1p120f");
        clg__kplan_define(p, l, "SMALL", wide ? "0x1p-900" : "0x1p-90f");
    }
    clg__arg_buffers(p, l, inputs, 1);
    CLG__ARG_BLOCK(p, l, "PAIRS", { "B", a->dim[0], true }, { "M", a->dim[1], true }, { "D", a->dim[2], true },
                   { "N", s->n, true }, { "P", b->dim[2], true });
    const int64_t most = 4 * (int64_t) c->caps->compute_units, worth = (work + FEW - 1) / FEW;
    if (cpu)
        clg__kplan_grid(l, (size_t) (worth < most ? worth : most), 1, 1, 1, 1, 1);
    else
        clg__kplan_items(l, clg_numel(*c->out_shape));
}

static void plan_distance(const clg__kernel_call *c, clg__kplan *p)
{
    plan_as(c, p, "pair_distance", 2, clg_numel(*c->out_shape) * (c->in_shape[0].dim[2] + 1));
}

static void plan_slopes(const clg__kernel_call *c, clg__kplan *p)
{
    plan_as(c, p, "pair_slopes", 3, clg_numel(*c->out_shape) * (((const pairs *) c->params)->n + 1));
}

static clg_tensor turned(clg_tensor a)
{
    return clg_transpose(a, -1, -2);
}

// The last axis with zeros up to a multiple of WIDTH; and without what was added.
static clg_tensor widened(clg_tensor a)
{
    const int64_t n = a->shape.dim[2], more = (n + WIDTH - 1) / WIDTH * WIDTH - n;
    return more ? clg_pad(a, CLG_SHAPE(0, 0, 0), CLG_SHAPE(0, 0, more), 0) : a;
}

static clg_tensor columns(clg_tensor a, int64_t n)
{
    return clg_slice(a, 2, 0, n, 1);
}

static clg_tensor slopes(clg_tensor a, clg_tensor b, clg_tensor w, const pairs *s);

static clg_tensor distance_vjp(const clg__vjp *v, int i)
{
    const pairs *s = v->params;
    const clg_tensor a = v->in[0], b = v->in[1];
    clg_tensor w = v->g;
    if (s->squares) { // nothing comes from equal rows
        const clg_tensor zero = clg__lit(a->dev, v->y->dtype, 0);
        w = clg_where(clg_eq(v->y, zero), zero, clg_div(v->g, v->y));
    }
    if (i == 0)
        return slopes(a, b, widened(w), s);
    const pairs back = { a->shape.dim[1], s->squares };
    return widened(turned(slopes(turned(columns(b, s->n)), widened(turned(a)), widened(turned(w)), &back)));
}

// Of the slopes' sums: by products, and for p = 1 by the signs.
static clg_tensor slopes_vjp(const clg__vjp *v, int i)
{
    const pairs *s = v->params;
    const clg_tensor a = v->in[0], b = v->in[1], w = v->in[2], h = v->g;
    if (i == 2 && !s->squares) {
        const clg_tensor d = clg_sign(clg_sub(clg_unsqueeze(a, 2), clg_unsqueeze(turned(b), 1)));
        return clg_sum(clg_mul(clg_unsqueeze(h, 2), d), CLG_AXES(3), false);
    }
    if (i == 2)
        return clg_sub(clg_sum(clg_mul(h, a), CLG_AXES(2), true), clg_matmul(h, b));
    if (!s->squares)
        return clg_zeros(a->dev, a->dtype, i ? b->shape : a->shape);
    return i == 0 ? clg_mul(h, clg_sum(w, CLG_AXES(2), true)) : clg_neg(clg_matmul(turned(h), w));
}

static const clg__variant distance_variants[] = { { "tiles", NULL, plan_distance, false } };
static const clg__variant slopes_variants[] = { { "tiles", NULL, plan_slopes, false } };
static const clg__op op_distance = { .name = "pair_distance", .kind = CLG__KERNEL, .vjp = distance_vjp, .key = key,
                                     .params_bytes = sizeof(pairs), .variants = distance_variants, .n_variants = 1 };
static const clg__op op_slopes = { .name = "pair_slopes", .kind = CLG__KERNEL, .vjp = slopes_vjp, .key = key,
                                   .params_bytes = sizeof(pairs), .variants = slopes_variants, .n_variants = 1 };

const clg__op *const clg__pair_ops[] = { &op_distance, &op_slopes, NULL };

static clg_tensor slopes(clg_tensor a, clg_tensor b, clg_tensor w, const pairs *s)
{
    clg__call c;
    if (!clg__call_begin(&c, "cdist", "a b w", 3, (clg_tensor[]) { a, b, w }))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_slopes, a->dtype, &a->shape, s);
}

// [B,M,D] of the batch's dimensions.
static clg_tensor flat(clg_tensor a, clg_dtype t, clg_shape s)
{
    const int r = a->shape.rank;
    s.dim[s.rank - 2] = a->shape.dim[r - 2];
    s.dim[s.rank - 1] = a->shape.dim[r - 1];
    return clg_reshape(clg_expand(clg_cast(a, t), s), CLG_SHAPE(-1, a->shape.dim[r - 2], a->shape.dim[r - 1]));
}

clg_tensor clg__pair_distance(clg_tensor a, clg_tensor b, int p)
{
    clg__call c;
    const int ra = a->shape.rank, rb = b->shape.rank;
    const clg_dtype t = clg_promote_types(a->dtype, b->dtype);
    clg_shape batch[2] = { a->shape, b->shape }, s;
    for (int k = 0; k < 2; k++)
        batch[k].dim[batch[k].rank - 2] = batch[k].dim[batch[k].rank - 1] = 1;
    if (!clg__call_begin(&c, "cdist", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    if (!clg__broadcast(&batch[0], &batch[1], &s))
        return clg__call_fail(&c, CLG_ESHAPE, "batches do not broadcast");
    const clg_dtype in = t == CLG_F64 ? t : CLG_F32;
    const pairs of = { b->shape.dim[rb - 2], p == 2 };
    const clg_tensor x = flat(a, in, s), z = widened(turned(flat(b, in, s)));
    clg__call own;
    if (!clg__call_begin(&own, "cdist", "a b", 2, (clg_tensor[]) { x, z }))
        return clg__call_poison(&own);
    s.dim[s.rank - 2] = a->shape.dim[ra - 2];
    s.dim[s.rank - 1] = of.n;
    const clg_tensor y = clg__call_node(&own, &op_distance, in, &CLG_SHAPE(x->shape.dim[0], s.dim[s.rank - 2], of.n), &of);
    return clg_cast(clg_reshape(y, s), t);
}
