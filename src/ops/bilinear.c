// SPDX-License-Identifier: MIT
// Images between their elements, bilinear, in one kernel: weights and places follow from where each point lies, and are
// made as lists (ops/taps.c) for the derivatives alone. Kernel: cl/bilinear.cl.
#include "graph/build.h"
#include "ops/element.h"
#include "ops/registry.h"
#include "ops/taps.h"
#include <clgrad/create.h>
#include <clgrad/grad.h>
#include <clgrad/ops.h>

typedef struct image {
    int64_t height, width;
} image;

static void key(const void *params, clg__key *k)
{
    const image *s = params;
    clg__key_i64(k, s->height);
    clg__key_i64(k, s->width);
}

static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    enum { FEW = 1 << 10 }; // elements that are not worth another group
    const image *s = c->params;
    const int64_t total = clg_numel(*c->out_shape), most = 4 * (int64_t) c->caps->compute_units, worth = (total + FEW - 1) / FEW;
    const bool cpu = c->caps->cpu_class;
    if (total == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "bilinear", cpu ? "bilinear_blocks" : "bilinear_items");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__arg_buffers(p, l, 2, 1);
    CLG__ARG_BLOCK(p, l, "IMAGE", { "images", c->out_shape->dim[0], true }, { "C", c->out_shape->dim[1], true },
                   { "P", c->out_shape->dim[2], true }, { "H", s->height, false }, { "W", s->width, false });
    if (cpu)
        clg__kplan_grid(l, (size_t) (worth < most ? worth : most), 1, 1, 1, 1, 1);
    else
        clg__kplan_items(l, total);
}

static clg_tensor literal(clg_tensor a, double v)
{
    return clg__num(a->dev, a->dtype, v);
}

// Of one axis, [N,1,P] places: weights of the element before and of the one behind, [N,2,P], and these as integers and
// whether they are in the image.
typedef struct ends {
    clg_tensor weight, place, inside;
} ends;

static ends ends_of(clg_tensor at, int64_t size)
{
    const clg_tensor low = clg_floor(clg_detach(at)), rest = clg_sub(at, low);
    const clg_tensor step = clg_reshape(clg_arange(at->dev, at->dtype, 0, 2, 1), CLG_SHAPE(1, 2, 1));
    const clg_tensor place = clg_round(clg_add(low, step)), zero = literal(at, 0);
    const clg_tensor inside = clg_logical_and(clg_ge(place, zero), clg_le(place, literal(at, (double) (size - 1))));
    return (ends) { clg_where(clg_eq(step, zero), clg_sub(literal(at, 1), rest), rest),
                    clg_cast(clg_where(inside, place, zero), CLG_I32), inside };
}

static clg_tensor vjp(const clg__vjp *v, int i)
{
    const image *s = v->params;
    const clg_tensor at = v->in[1];
    const int64_t n = at->shape.dim[0], points = at->shape.dim[2];
    ends e[2];
    for (int d = 0; d < 2; d++)
        e[d] = ends_of(clg_slice(at, 1, d, d + 1, 1), d ? s->width : s->height);
    const clg_tensor wy = clg_unsqueeze(e[0].weight, 2), wx = clg_unsqueeze(e[1].weight, 1); // [N,2,1,P], [N,1,2,P]
    const clg_tensor inside = clg_logical_and(clg_unsqueeze(e[0].inside, 2), clg_unsqueeze(e[1].inside, 1));
    const clg_tensor row = clg_mul(clg_unsqueeze(e[0].place, 2), clg__num(at->dev, CLG_I32, (double) s->width));
    const clg_tensor place = clg_add(row, clg_unsqueeze(e[1].place, 1));
    const clg_shape list = CLG_SHAPE(n, 4, points);
    const clg_tensor index = clg_reshape(clg_where(inside, place, clg__lit(at->dev, CLG_I32, -1)), list);
    if (i == 0)
        return clg__taps_scatter(v->g, clg_reshape(clg_mul(wy, wx), list), index, v->in[0]->shape.dim[2]);
    const clg_tensor d = clg_reshape(clg__taps_weights(v->in[0], v->g, index), CLG_SHAPE(n, 2, 2, points));
    const clg_tensor both[2] = { clg_sum(clg_mul(d, wx), CLG_AXES(2), false), clg_sum(clg_mul(d, wy), CLG_AXES(1), false) };
    clg_tensor slope[2];
    for (int k = 0; k < 2; k++) // the element behind counts more, the one before less
        slope[k] = clg_sub(clg_slice(both[k], 1, 1, 2, 1), clg_slice(both[k], 1, 0, 1, 1));
    return clg_concat_n(slope, 2, 1);
}

static const clg__variant variants[] = { { "each", NULL, plan, false } };
static const clg__op op_bilinear = { .name = "bilinear_sample", .kind = CLG__KERNEL, .vjp = vjp, .key = key,
                                     .params_bytes = sizeof(image), .variants = variants, .n_variants = 1 };

const clg__op *const clg__bilinear_ops[] = { &op_bilinear, NULL };

clg_tensor clg__bilinear(clg_tensor x, clg_tensor at, int64_t height, int64_t width)
{
    clg__call c;
    if (!clg__call_begin(&c, "grid_sample", "x at", 2, (clg_tensor[]) { x, at }))
        return clg__call_poison(&c);
    const image s = { height, width };
    return clg__call_node(&c, &op_bilinear, x->dtype, &CLG_SHAPE(x->shape.dim[0], x->shape.dim[1], at->shape.dim[2]), &s);
}
