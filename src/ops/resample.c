// SPDX-License-Identifier: MIT
// One axis of each image of a batch by weights of its own. Kernel: cl/resample.cl.
#include "graph/build.h"
#include "graph/node.h"
#include "ops/element.h"
#include "ops/registry.h"
#include "ops/taps.h"
#include <clgrad/create.h>
#include <clgrad/image.h>
#include <clgrad/ops.h>

// x is [N,R,IN,I] here, f32 or f64.
static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    enum { FEW = 1 << 12 }; // elements that are not worth another group
    const clg_shape *x = &c->in_shape[0], *y = c->out_shape;
    const int64_t total = clg_numel(*y), rows = y->dim[0] * y->dim[1] * (y->dim[3] > 1 ? y->dim[2] : 1);
    const bool cpu = c->caps->cpu_class;
    if (total == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "resample", !cpu             ? "resample_items"
                                                      : y->dim[3] > 1 ? "resample_rows" : "resample_turned");
    clg__define_element(p, l, c->out_dtype[0]);
    if (cpu && y->dim[3] == 1 && c->in_shape[2].dim[1] % 2 == 0)
        clg__kplan_define(p, l, "PAIRED", "%s", "");
    clg__arg_buffers(p, l, 3, 1);
    CLG__ARG_BLOCK(p, l, "RESAMPLE", { "N", x->dim[0], true }, { "R", x->dim[1], true }, { "IN", x->dim[2], false },
                   { "OUT", y->dim[2], false }, { "INNER", y->dim[3], true }, { "K", c->in_shape[2].dim[1], false });
    if (!cpu) {
        clg__kplan_items(l, total);
        return;
    }
    const int64_t most = 4 * (int64_t) c->caps->compute_units, worth = (total + FEW - 1) / FEW, groups = worth < most ? worth : most;
    clg__kplan_grid(l, (size_t) (groups < rows ? groups : rows), 1, 1, 1, 1, 1);
}

// By lists of places along the axis, which is brought to the end.
static clg_tensor vjp(const clg__vjp *v, int i)
{
    const clg_tensor x = v->in[0], weight = v->in[2];
    const int64_t images = x->shape.dim[0], all = x->shape.dim[1] * x->shape.dim[3], in = x->shape.dim[2];
    const int64_t taps = weight->shape.dim[1], out = v->g->shape.dim[2];
    if (i == 1)
        return NULL;
    const clg_tensor each = clg_reshape(clg_arange(x->dev, CLG_I32, 0, (double) taps, 1), CLG_SHAPE(taps, 1));
    const clg_tensor first = clg_clamp(v->in[1], 0, (double) (in - taps)), index = clg_add(clg_unsqueeze(first, 1), each);
    const clg_tensor g = clg_reshape(clg_transpose(v->g, 2, 3), CLG_SHAPE(images, all, out));
    if (i == 2)
        return clg__taps_weights(clg_reshape(clg_transpose(x, 2, 3), CLG_SHAPE(images, all, in)), g, index);
    const clg_tensor y = clg__taps_scatter(g, weight, index, in);
    return clg_transpose(clg_reshape(y, CLG_SHAPE(images, x->shape.dim[1], x->shape.dim[3], in)), 2, 3);
}

static const clg__variant variants[] = { { "each", NULL, plan, false } };
static const clg__op op_resample = { .name = "resample", .kind = CLG__KERNEL, .vjp = vjp, .variants = variants, .n_variants = 1 };

const clg__op *const clg__resample_ops[] = { &op_resample, NULL };

static clg_tensor check(const clg__call *c, clg_tensor x, clg_tensor first, clg_tensor weight, int axis)
{
    if (!clg_dtype_is_float(x->dtype) || weight->dtype != x->dtype || first->dtype != CLG_I32)
        return clg__call_fail(c, CLG_EDTYPE, "x is %s, weight %s, first %s, expected a floating type, the same, and i32",
                              clg_dtype_name(x->dtype), clg_dtype_name(weight->dtype), clg_dtype_name(first->dtype));
    if (x->shape.rank < 2 || axis < 1)
        return clg__call_fail(c, CLG_ESHAPE, "axis %d of rank %d: not one behind the first", axis, x->shape.rank);
    const int64_t *w = weight->shape.dim, n = x->shape.dim[0], in = x->shape.dim[axis];
    if (weight->shape.rank != 3 || first->shape.rank != 2 || w[0] != n || first->shape.dim[0] != n || w[2] != first->shape.dim[1])
        return clg__call_fail(c, CLG_ESHAPE, "first is not [N,O] or weight not [N,K,O], N %lld", (long long) n);
    if (w[1] < 1 || w[1] > in)
        return clg__call_fail(c, CLG_ESHAPE, "%lld weights for %lld elements", (long long) w[1], (long long) in);
    if (in > INT32_MAX || w[2] > INT32_MAX)
        return clg__call_fail(c, CLG_ESHAPE, "an axis is longer than 2147483647");
    return NULL;
}

clg_tensor clg_resample(clg_tensor x, clg_tensor first, clg_tensor weight, int axis)
{
    const clg_tensor in[3] = { x, first, weight };
    clg__call c;
    if (!clg__call_begin(&c, "resample", "x first weight", 3, in))
        return clg__call_poison(&c);
    const int rank = x->shape.rank, at = axis < 0 ? axis + rank : axis;
    const clg_tensor bad = check(&c, x, first, weight, at < rank ? at : -1);
    if (bad)
        return bad;
    clg_shape flat = CLG_SHAPE(x->shape.dim[0], 1, x->shape.dim[at], 1), s = x->shape;
    for (int d = 1; d < rank; d++)
        flat.dim[d < at ? 1 : 3] *= d == at ? 1 : s.dim[d];
    const clg_tensor wide[3] = { clg_reshape(clg__wide(x), flat), first, clg__wide(weight) };
    flat.dim[2] = s.dim[at] = first->shape.dim[1];
    clg__call inner;
    if (!clg__call_begin(&inner, "resample", "x first weight", 3, wide))
        return clg__call_poison(&inner);
    const clg_tensor y = clg__call_node(&inner, &op_resample, wide[0]->dtype, &flat, NULL);
    return clg__call_own(&c, clg_cast(clg_reshape(y, s), x->dtype));
}
