// SPDX-License-Identifier: MIT
// Connectionist temporal classification: a kernel op and its gradient (cl/ctc.cl).
#include "base/fp.h"
#include "ops/element.h"
#include "ops/loss.h"
#include "ops/registry.h"
#include <clgrad/ops.h>

// row: of labels, -1 where they stand one after another; total: all of them.
typedef struct sizes {
    int64_t blank, row, total;
} sizes;

static void key_sizes(const void *params, clg__key *k)
{
    const sizes *s = params;
    clg__key_i64(k, s->blank);
    clg__key_i64(k, s->row);
    clg__key_i64(k, s->total);
}

static void finish(const clg__kernel_call *c, clg__kplan *p, clg__launch *l)
{
    enum { ITEMS = 64 };
    const sizes *s = c->params;
    const clg_shape *x = &c->in_shape[0];
    const int items = c->caps->cpu_class ? 1 : clg__kplan_side(ITEMS, c->caps->max_work_group, false);
    clg__define_element(p, l, c->in_dtype[0]);
    clg__kplan_define(p, l, "ITEMS", "%d", items);
    if (items == 1 && c->in_dtype[0] == CLG_F32)
        clg__kplan_define(p, l, "EXP_F32", "1");
    CLG__ARG_BLOCK(p, l, "CTC", { "steps", x->dim[0], false }, { "batch", x->dim[1], false },
                   { "classes", x->dim[2], false }, { "blank", s->blank, false }, { "row", s->row, true },
                   { "total", s->total, true });
    clg__kplan_grid(l, (size_t) x->dim[1], 1, 1, (size_t) items, 1, 1);
}

static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    if (c->in_shape[0].dim[1] == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "ctc", "ctc");
    clg__arg_buffers(p, l, 4, 2);
    finish(c, p, l);
}

static void plan_back(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes *s = c->params;
    if (c->in_shape[0].dim[1] == 0)
        return;
    const size_t row = (size_t) (2 * s->total + c->in_shape[0].dim[1]) * clg__acc_size(c->in_dtype[0]);
    clg__launch *l = clg__kplan_kernel(p, "ctc", "ctc_back");
    clg__arg_buffers(p, l, 7, 1);
    clg__arg_temp(p, l, clg__kplan_temp(p, 2 * row));
    clg__arg_temp(p, l, clg__kplan_temp(p, row));
    finish(c, p, l);
}

static clg_tensor ctc_vjp(const clg__vjp *v, int i);
static const clg__variant variants[] = { { "states", NULL, plan, false } };
static const clg__variant back_variants[] = { { "states", NULL, plan_back, false } };
static const clg__op op_ctc = { .name = "ctc", .kind = CLG__KERNEL, .vjp = ctc_vjp, .key = key_sizes,
                                .params_bytes = sizeof(sizes), .variants = variants, .n_variants = 1 };
static const clg__op op_back = { .name = "ctc_back", .kind = CLG__KERNEL, .key = key_sizes,
                                 .params_bytes = sizeof(sizes), .variants = back_variants, .n_variants = 1 };
const clg__op *const clg__ctc_ops[] = { &op_ctc, &op_back, NULL };

// in: x, labels, steps, lengths. out: losses, and the states' logarithms.
static void forward(const clg_tensor in[4], const sizes *s, clg_tensor out[2])
{
    clg__call c;
    if (!clg__call_begin(&c, "ctc", "x labels steps lengths", 4, in)) {
        out[0] = out[1] = clg__call_poison(&c);
        return;
    }
    const clg_dtype t = in[0]->dtype;
    const int64_t n = in[0]->shape.dim[1];
    const clg_shape shapes[2] = { CLG_SHAPE(n), CLG_SHAPE(in[0]->shape.dim[0], 2 * s->total + n) };
    clg__call_node_n(&c, &op_ctc, 2, (clg_dtype[]) { t, t }, shapes, s, out);
}

// The forward node is recorded anew, which the scheduler merges with the first.
static clg_tensor ctc_vjp(const clg__vjp *v, int i)
{
    clg_tensor out[2];
    clg__call c;
    if (i > 0 || v->out > 0)
        return NULL;
    forward(v->in, v->params, out);
    const clg_tensor in[7] = { v->in[0], v->in[1], v->in[2], v->in[3], out[0], out[1], v->g };
    if (!clg__call_begin(&c, "ctc_back", "x labels steps lengths loss states g", 7, in))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_back, v->in[0]->dtype, &v->in[0]->shape, v->params);
}

static bool is_number(clg_tensor t)
{
    return !clg_dtype_is_float(t->dtype) && t->dtype != CLG_BOOL;
}

clg_tensor clg_ctc_loss(clg_tensor x, clg_tensor target, clg_tensor steps, clg_tensor lengths, int64_t blank,
                        bool zero_infinity, clg_reduction r)
{
    clg__call c;
    clg_dtype t = CLG_F32;
    if (!clg__call_begin(&c, "ctc_loss", "x target steps lengths", 4, (clg_tensor[]) { x, target, steps, lengths }))
        return clg__call_poison(&c);
    if (!is_number(target) || !is_number(steps) || !is_number(lengths))
        return clg__call_fail(&c, CLG_EDTYPE, "target, steps and lengths must be integers");
    const bool one = x->shape.rank == 2;
    const int64_t n = one ? 1 : x->shape.rank == 3 ? x->shape.dim[1] : 0;
    if ((!one && x->shape.rank != 3) || x->shape.dim[0] == 0)
        return clg__call_fail(&c, CLG_ESHAPE, "expected x [T,N,C] or [T,C]");
    if (clg_numel(steps->shape) != n || clg_numel(lengths->shape) != n || steps->shape.rank > 1 || lengths->shape.rank > 1)
        return clg__call_fail(&c, CLG_ESHAPE, "steps and lengths must have one element for each row (%lld)", (long long) n);
    if (target->shape.rank < 1 || target->shape.rank > 2 || (target->shape.rank == 2 && target->shape.dim[0] != n))
        return clg__call_fail(&c, CLG_ESHAPE, "expected target [N,S], or one after another");
    const int64_t classes = x->shape.dim[x->shape.rank - 1], all = clg_numel(target->shape);
    if (blank < 0 || blank >= classes)
        return clg__call_fail(&c, CLG_EINVAL, "blank is %lld of %lld classes", (long long) blank, (long long) classes);
    if (classes > INT32_MAX || x->shape.dim[0] > INT32_MAX || n > INT32_MAX || all > INT32_MAX / 4)
        return clg__call_fail(&c, CLG_ESHAPE, "more than %d of something", INT32_MAX / 4);
    const clg_tensor bad = clg__loss_begin(&c, &x, 1, r, &t);
    if (bad)
        return bad;
    const sizes s = { blank, target->shape.rank == 2 ? target->shape.dim[1] : one ? all : -1, all };
    const clg_tensor labels = all ? clg_reshape(clg__class_of(target, classes), CLG_SHAPE(all)) : clg_zeros(c.dev, CLG_I32, CLG_SHAPE(1));
    const clg_tensor length = clg_reshape(clg_cast(lengths, CLG_I32), CLG_SHAPE(n));
    clg_tensor out[2];
    forward((clg_tensor[]) { one ? clg_unsqueeze(x, 1) : x, labels, clg_reshape(clg_cast(steps, CLG_I32), CLG_SHAPE(n)), length }, &s, out);
    clg_tensor y = out[0];
    if (zero_infinity && y->status >= 0)
        y = clg_where(clg_is_inf(y), clg__lit(c.dev, y->dtype, 0), y);
    if (r == CLG_REDUCE_MEAN && y->status >= 0)
        y = clg_div(y, clg_cast(clg_maximum(length, clg__lit(c.dev, CLG_I32, 1)), y->dtype));
    if (one && y->status >= 0)
        y = clg_reshape(y, CLG_SCALAR);
    return clg__loss_end(&c, y, r, t);
}
