// SPDX-License-Identifier: MIT
// softmax and log_softmax over one axis: a row is one kernel op, cl/softmax.cl.
#include "graph/build.h"
#include "ops/element.h"
#include <clgrad/ops.h>

static clg_tensor last_sum(clg_tensor t)
{
    return clg_sum(t, CLG_AXES(-1), true);
}

static clg_tensor softmax_vjp(const clg__vjp *v, int i)
{
    clg_tensor y = clg__wide(v->y), gy = clg_mul(clg__wide(v->g), y);
    (void) i;
    return clg_cast(clg_sub(gy, clg_mul(y, last_sum(gy))), v->in[0]->dtype);
}

static clg_tensor log_softmax_vjp(const clg__vjp *v, int i)
{
    (void) i;
    clg_tensor g = clg__wide(v->g), y = clg__wide(v->y);
    return clg_cast(clg_sub(g, clg_mul(clg_exp(y), last_sum(g))), v->in[0]->dtype);
}

static const char *accepts_cpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? NULL : "for CPU-class devices";
}

static const char *accepts_gpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? "for GPU-class devices" : NULL;
}

static void plan(const clg__kernel_call *c, clg__kplan *p, bool log)
{
    const int64_t rows = c->out_shape->dim[0], n = c->out_shape->dim[1];
    const bool cpu = c->caps->cpu_class;
    if (rows == 0 || n == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "softmax", cpu ? "softmax_cpu" : "softmax_gpu");
    clg__define_element(p, l, c->out_dtype[0]);
    if (cpu)
        clg__kplan_define(p, l, "CPU", "1");
    if (log)
        clg__kplan_define(p, l, "LOG", "1");
    clg__arg_buffers(p, l, 1, 1);
    const int items = cpu ? 1 : clg__kplan_side(64, c->caps->max_work_group, false);
    if (!cpu && items < 64)
        clg__kplan_define(p, l, "ITEMS", "%d", items);
    CLG__ARG_BLOCK(p, l, "ROWS", { "rows", rows, true }, { "n", n, false });
    int64_t groups = rows * n / 4096 + 1;
    groups = groups > 4 * c->caps->compute_units ? 4 * c->caps->compute_units : groups;
    groups = groups > rows ? rows : groups;
    clg__kplan_grid(l, (size_t) (cpu ? groups : rows), 1, 1, (size_t) items, 1, 1);
}

static void plan_softmax(const clg__kernel_call *c, clg__kplan *p)
{
    plan(c, p, false);
}

static void plan_log(const clg__kernel_call *c, clg__kplan *p)
{
    plan(c, p, true);
}

static const clg__variant softmax_variants[] = { { "cpu_rows", accepts_cpu, plan_softmax, false },
                                                 { "gpu_rows", accepts_gpu, plan_softmax, false } };
static const clg__variant log_variants[] = { { "cpu_rows", accepts_cpu, plan_log, false },
                                             { "gpu_rows", accepts_gpu, plan_log, false } };
static const clg__op op_softmax = { .name = "softmax", .kind = CLG__KERNEL, .vjp = softmax_vjp,
                                    .variants = softmax_variants, .n_variants = 2 };
static const clg__op op_log_softmax = { .name = "log_softmax", .kind = CLG__KERNEL,
                                        .vjp = log_softmax_vjp, .variants = log_variants,
                                        .n_variants = 2 };

static clg_tensor rows(const clg__op *op, clg_tensor a, int axis)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, op->name, "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    if (!clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    if (a->shape.rank == 0)
        return clg_reshape(rows(op, clg_reshape(a, CLG_SHAPE(1)), 0), CLG_SCALAR);
    if (a->shape.dim[at] > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "a row has more than %d elements", INT32_MAX);
    clg_tensor t = clg_transpose(a, at, -1);
    if (t->status < 0)
        return t;
    const clg_shape s = t->shape;
    const int64_t n = s.dim[s.rank - 1], all = clg_numel(s);
    t = clg_reshape(t, CLG_SHAPE(n ? all / n : 0, n));
    if (t->status < 0)
        return t;
    c.in = &t;
    clg_tensor y = clg__call_node(&c, op, t->dtype, &t->shape, NULL);
    return clg_transpose(clg_reshape(y, s), at, -1);
}

clg_tensor clg_softmax(clg_tensor a, int axis)
{
    return rows(&op_softmax, a, axis);
}

clg_tensor clg_log_softmax(clg_tensor a, int axis)
{
    return rows(&op_log_softmax, a, axis);
}
