// SPDX-License-Identifier: MIT
// Images between their elements, bilinear, in one kernel: weights and places follow from where each point lies, and are
// made as lists (ops/taps.c) for the derivatives alone. Kernel: cl/bilinear.cl.
#include "graph/build.h"
#include "graph/node.h"
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

static void arg_image(clg__kplan *p, clg__launch *l, const image *s, const clg_shape *points)
{
    CLG__ARG_BLOCK(p, l, "IMAGE", { "images", points->dim[0], true }, { "C", points->dim[1], true },
                   { "P", points->dim[2], true }, { "H", s->height, false }, { "W", s->width, false });
}

static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    enum { FEW = 1 << 10 }; // elements that are not worth another group
    const image *s = c->params;
    const int64_t total = clg_numel(*c->out_shape), most = 4 * (int64_t) c->caps->compute_units, worth = (total + FEW - 1) / FEW;
    const bool cpu = c->caps->cpu_class && s->width > 1; // of whose rows two neighbours are read at once
    if (total == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "bilinear", cpu ? "bilinear_blocks" : "bilinear_items");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__arg_buffers(p, l, 2, 1);
    arg_image(p, l, s, c->out_shape);
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

// What all four taps of each point need: weights of the axes, [N,2,1,P] and [N,1,2,P], and places in the image, [N,4,P].
typedef struct taps {
    clg_tensor down, across, index;
} taps;

static taps taps_of(const image *s, clg_tensor at)
{
    ends e[2];
    for (int d = 0; d < 2; d++)
        e[d] = ends_of(clg_slice(at, 1, d, d + 1, 1), d ? s->width : s->height);
    const clg_tensor inside = clg_logical_and(clg_unsqueeze(e[0].inside, 2), clg_unsqueeze(e[1].inside, 1));
    const clg_tensor row = clg_mul(clg_unsqueeze(e[0].place, 2), clg__num(at->dev, CLG_I32, (double) s->width));
    const clg_tensor place = clg_where(inside, clg_add(row, clg_unsqueeze(e[1].place, 1)), clg__lit(at->dev, CLG_I32, -1));
    return (taps) { clg_unsqueeze(e[0].weight, 2), clg_unsqueeze(e[1].weight, 1),
                    clg_reshape(place, CLG_SHAPE(at->shape.dim[0], 4, at->shape.dim[2])) };
}

// What the sum of g times the image at `at` gains where a place moves.
static clg_tensor slope_of(const image *s, clg_tensor x, clg_tensor at, clg_tensor g)
{
    const taps t = taps_of(s, at);
    const clg_shape four = CLG_SHAPE(at->shape.dim[0], 2, 2, at->shape.dim[2]);
    const clg_tensor d = clg_reshape(clg__taps_weights(x, g, t.index), four);
    const clg_tensor both[2] = { clg_sum(clg_mul(d, t.across), CLG_AXES(2), false),
                                 clg_sum(clg_mul(d, t.down), CLG_AXES(1), false) };
    clg_tensor slope[2];
    for (int k = 0; k < 2; k++) // the element behind counts more, the one before less
        slope[k] = clg_sub(clg_slice(both[k], 1, 1, 2, 1), clg_slice(both[k], 1, 0, 1, 1));
    return clg_concat_n(slope, 2, 1);
}

static clg_tensor scatter(clg_tensor g, clg_tensor at, const image *s);

static clg_tensor sample_vjp(const clg__vjp *v, int i)
{
    const image *s = v->params;
    return i == 0 ? scatter(v->g, v->in[1], s) : slope_of(s, v->in[0], v->in[1], v->g);
}

static clg_tensor scatter_vjp(const clg__vjp *v, int i)
{
    const image *s = v->params;
    return i == 0 ? clg__bilinear(v->g, v->in[1], s->height, s->width) : slope_of(s, v->g, v->in[1], v->in[0]);
}

static void plan_scatter(const clg__kernel_call *c, clg__kplan *p)
{
    enum { WIDTH = 4 }; // planes for which places are looked at once
    const image *s = c->params;
    const clg_shape *g = &c->in_shape[0];
    if (clg_numel(*c->out_shape) == 0)
        return;
    const int64_t width = g->dim[0] * g->dim[1] < (int64_t) WIDTH * c->caps->compute_units ? 1 : WIDTH;
    clg__launch *l = clg__kplan_kernel(p, "bilinear", "bilinear_scatter");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__arg_buffers(p, l, 2, 1);
    arg_image(p, l, s, g);
    clg__arg_i64(p, l, width);
    clg__kplan_grid(l, (size_t) ((g->dim[1] + width - 1) / width), (size_t) g->dim[0], 1, 1, 1, 1);
}

static const clg__variant variants[] = { { "each", NULL, plan, false } };
static const clg__variant scatter_variants[] = { { "planes_cpu", NULL, plan_scatter, false } };
static const clg__op op_bilinear = { .name = "bilinear_sample", .kind = CLG__KERNEL, .vjp = sample_vjp, .key = key,
                                     .params_bytes = sizeof(image), .variants = variants, .n_variants = 1 };
static const clg__op op_scatter = { .name = "bilinear_scatter", .kind = CLG__KERNEL, .vjp = scatter_vjp, .key = key,
                                    .params_bytes = sizeof(image), .variants = scatter_variants, .n_variants = 1 };

const clg__op *const clg__bilinear_ops[] = { &op_bilinear, &op_scatter, NULL };

// The transpose: to images [N,C,H*W]. On GPUs by a sorted list of what goes where.
static clg_tensor scatter(clg_tensor g, clg_tensor at, const image *s)
{
    clg__call c;
    const clg_shape to = CLG_SHAPE(g->shape.dim[0], g->shape.dim[1], s->height * s->width);
    if (!g->dev->caps->cpu_class) {
        const taps t = taps_of(s, at);
        return clg__taps_scatter(g, clg_reshape(clg_mul(t.down, t.across), t.index->shape), t.index, to.dim[2]);
    }
    if (!clg__call_begin(&c, "grid_sample", "g at", 2, (clg_tensor[]) { g, at }))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_scatter, g->dtype, &to, s);
}

clg_tensor clg__bilinear(clg_tensor x, clg_tensor at, int64_t height, int64_t width)
{
    clg__call c;
    if (!clg__call_begin(&c, "grid_sample", "x at", 2, (clg_tensor[]) { x, at }))
        return clg__call_poison(&c);
    const image s = { height, width };
    return clg__call_node(&c, &op_bilinear, x->dtype, &CLG_SHAPE(x->shape.dim[0], x->shape.dim[1], at->shape.dim[2]), &s);
}
