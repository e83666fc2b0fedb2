// SPDX-License-Identifier: MIT
// softmax and log_softmax over one axis: one kernel op, of rows (cl/softmax.cl) or, where the axis is not the last, of
// columns (CPU class: cl/softmax_columns.cl).
#include "graph/build.h"
#include "ops/element.h"
#include <clgrad/ops.h>

// The axis of an op is 1: of [rows, n] or of [outer, n, inner].
static clg_tensor axis_sum(clg_tensor t)
{
    return clg_sum(t, CLG_AXES(1), true);
}

static clg_tensor softmax_vjp(const clg__vjp *v, int i)
{
    clg_tensor y = clg__wide(v->y), gy = clg_mul(clg__wide(v->g), y);
    (void) i;
    return clg_cast(clg_sub(gy, clg_mul(y, axis_sum(gy))), v->in[0]->dtype);
}

static clg_tensor log_softmax_vjp(const clg__vjp *v, int i)
{
    (void) i;
    clg_tensor g = clg__wide(v->g), y = clg__wide(v->y);
    return clg_cast(clg_sub(g, clg_mul(clg_exp(y), axis_sum(g))), v->in[0]->dtype);
}

static const char *accepts_cpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? NULL : "for CPU-class devices";
}

static const char *accepts_gpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? "for GPU-class devices" : NULL;
}

// CPU class: rows up to so many bytes go sixteen at a time. Blocks of columns: vectors at most, as cl/softmax_columns.cl says.
enum { VL = 16, SHORT_BYTES = 800, BLOCK_MOST = 32, BLOCK_LEAST = 2, GPU_ITEMS = 64, GPU_COLS = 16 };

static int64_t div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static clg__launch *launch(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry, bool log,
                           int items)
{
    clg__launch *l = clg__kplan_kernel(p, file, entry);
    clg__define_element(p, l, c->out_dtype[0]);
    if (c->caps->cpu_class)
        clg__kplan_define(p, l, "CPU", "1");
    if (log)
        clg__kplan_define(p, l, "LOG", "1");
    clg__arg_buffers(p, l, 1, 1);
    if (!c->caps->cpu_class && items < GPU_ITEMS)
        clg__kplan_define(p, l, "ITEMS", "%d", items);
    return l;
}

static void plan_rows(const clg__kernel_call *c, clg__kplan *p, bool log)
{
    const int64_t rows = c->out_shape->dim[0], n = c->out_shape->dim[1];
    const int64_t most = SHORT_BYTES / (int64_t) clg__acc_size(c->out_dtype[0]);
    const bool cpu = c->caps->cpu_class, few = cpu && n <= most;
    const int items = cpu ? 1 : clg__kplan_side(GPU_ITEMS, c->caps->max_work_group, false);
    clg__launch *l = launch(c, p, "softmax", !cpu ? "softmax_gpu" : few ? "softmax_short" : "softmax_cpu", log, items);
    if (few)
        clg__kplan_define(p, l, "SHORT", "%d", (int) most);
    CLG__ARG_BLOCK(p, l, "ROWS", { "rows", rows, true }, { "n", n, false });
    const int64_t wanted = at_most(rows * n / 4096 + 1, 4 * c->caps->compute_units);
    const int64_t groups = at_most(wanted, few ? div_up(rows, VL) : rows);
    clg__kplan_grid(l, (size_t) (cpu ? groups : rows), 1, 1, (size_t) items, 1, 1);
}

static void plan_columns(const clg__kernel_call *c, clg__kplan *p, bool log)
{
    const int64_t outer = c->out_shape->dim[0], n = c->out_shape->dim[1], inner = c->out_shape->dim[2];
    const bool cpu = c->caps->cpu_class;
    const int items = cpu ? 1 : clg__kplan_side(GPU_ITEMS, c->caps->max_work_group, false);
    clg__launch *l = launch(c, p, cpu ? "softmax_columns" : "softmax", cpu ? "softmax_columns" : "softmax_gpu",
                            log, items);
    const int64_t most = 4 * c->caps->compute_units, vectors = div_up(inner, VL);
    int64_t blocks = div_up(inner, at_most(GPU_COLS, items));
    if (cpu) {
        const int64_t least = div_up(vectors, BLOCK_MOST), finest = vectors / BLOCK_LEAST;
        blocks = at_most(div_up(most, outer), finest);
        blocks = blocks < least ? least : blocks;
        clg__kplan_define(p, l, "MOST", "%d", BLOCK_MOST);
    } else {
        clg__kplan_define(p, l, "COLUMNS", "1");
        clg__kplan_define(p, l, "COLS", "%d", (int) at_most(GPU_COLS, items));
    }
    CLG__ARG_BLOCK(p, l, "SHAPE", { "outer", outer, true }, { "n", n, false }, { "inner", inner, false },
                   { "blocks", blocks, false });
    const int64_t wanted = at_most(outer * n * inner / 4096 + 1, most);
    const int64_t groups = cpu ? at_most(wanted, outer * blocks) : outer * blocks;
    clg__kplan_grid(l, (size_t) groups, 1, 1, (size_t) items, 1, 1);
}

static void plan(const clg__kernel_call *c, clg__kplan *p, bool log)
{
    if (clg_numel(*c->out_shape) == 0)
        return;
    if (c->out_shape->rank == 2)
        plan_rows(c, p, log);
    else
        plan_columns(c, p, log);
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

static int64_t product(const clg_shape *s, int from)
{
    int64_t all = 1;
    for (int d = from; d < s->rank; d++)
        all *= s->dim[d];
    return all;
}

// Of few columns that are long, a transpose is the least.
static bool by_columns(int64_t n, int64_t inner)
{
    return inner <= INT32_MAX && (inner >= 8 || n <= 64);
}

static clg_tensor node(clg__call *c, const clg__op *op, clg_tensor a, clg_shape as)
{
    clg_tensor t = clg_reshape(a, as);
    if (t->status < 0)
        return t;
    c->in = &t;
    return clg__call_node(c, op, t->dtype, &t->shape, NULL);
}

static clg_tensor along(const clg__op *op, clg_tensor a, int axis)
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
        return clg_reshape(along(op, clg_reshape(a, CLG_SHAPE(1)), 0), CLG_SCALAR);
    if (a->shape.dim[at] > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "a row has more than %d elements", INT32_MAX);
    const clg_shape s = a->shape;
    const int64_t n = s.dim[at], all = clg_numel(s), inner = all ? product(&s, at + 1) : 1;
    if (inner > 1 && by_columns(n, inner))
        return clg_reshape(node(&c, op, a, CLG_SHAPE(all / n / inner, n, inner)), s);
    const clg_tensor t = clg_transpose(a, at, -1);
    const clg_tensor y = t->status < 0 ? t : node(&c, op, t, CLG_SHAPE(n ? all / n : 0, n));
    return clg_transpose(y->status < 0 ? y : clg_reshape(y, t->shape), at, -1);
}

clg_tensor clg_softmax(clg_tensor a, int axis)
{
    return along(&op_softmax, a, axis);
}

clg_tensor clg_log_softmax(clg_tensor a, int axis)
{
    return along(&op_log_softmax, a, axis);
}
