// SPDX-License-Identifier: MIT
// softmax and log_softmax over one axis: one kernel op, of rows (cl/softmax.cl, of short ones in the CPU class
// cl/softmax_short.cl) or, where the axis is not the last, of columns (CPU class: cl/softmax_columns.cl). The same kernels give the statistics that a loss needs of its logits.
#include "ops/softmax.h"

#include "graph/build.h"
#include "ops/element.h"
#include "ops/registry.h"
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

// CPU class: rows up to SHORT elements go sixteen at a time. Vectors: KEEP exponentials of a row, blocks of columns.
enum { VL = CLG__VL, SHORT = 64, KEEP = 256, BLOCK_MOST = 128, BLOCK_LEAST = 2, GPU_ITEMS = 64, GPU_COLS = 16 };

typedef enum output { EXPONENTIALS, LOGARITHMS, STATISTICS } output;

static int64_t div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static const clg__param cpu_params[] = { { "groups", "work-groups", 1, 4096, false } };

static clg__launch *launch(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry, output what,
                           int items)
{
    static const char *const modes[] = { [LOGARITHMS] = "LOG", [STATISTICS] = "STATS" };
    const bool stats = what == STATISTICS;
    clg__launch *l = clg__kplan_kernel(p, file, entry);
    clg__define_element(p, l, c->in_dtype[0]);
    if (c->caps->cpu_class) {
        clg__kplan_define(p, l, "CPU", "1");
        clg__kplan_define(p, l, "KEEP", "%d", KEEP);
        if (clg__acc_size(c->in_dtype[0]) == 4)
            clg__kplan_define(p, l, "EXP_F32", "1");
    }
    if (modes[what])
        clg__kplan_define(p, l, modes[what], "1");
    clg__arg_buffers(p, l, stats ? 2 : 1, stats ? 3 : 1);
    if (!c->caps->cpu_class && items < GPU_ITEMS)
        clg__kplan_define(p, l, "ITEMS", "%d", items);
    return l;
}

static void plan_rows(const clg__kernel_call *c, clg__kplan *p, output what)
{
    const int64_t rows = c->in_shape[0].dim[0], n = c->in_shape[0].dim[1];
    const bool cpu = c->caps->cpu_class, few = cpu && n <= SHORT;
    const int items = cpu ? 1 : clg__kplan_side(GPU_ITEMS, c->caps->max_work_group, false);
    const char *entry = few ? "softmax_short" : cpu ? "softmax_cpu" : "softmax_gpu";
    clg__launch *l = launch(c, p, few ? "softmax_short" : "softmax", entry, what, items);
    if (few)
        clg__define_short_rows(p, l, c->in_dtype[0], SHORT, n);
    CLG__ARG_BLOCK(p, l, "ROWS", { "rows", rows, true }, { "n", n, false });
    const int64_t wanted = at_most(rows * n / 4096 + 1, 4 * c->caps->compute_units);
    const int64_t groups = at_most(cpu ? clg__param_or(c, 0, (int) wanted) : wanted, few ? div_up(rows, VL) : rows);
    clg__kplan_grid(l, (size_t) (cpu ? groups : rows), 1, 1, (size_t) items, 1, 1);
}

static void plan_columns(const clg__kernel_call *c, clg__kplan *p, output what)
{
    const int64_t outer = c->in_shape[0].dim[0], n = c->in_shape[0].dim[1], inner = c->in_shape[0].dim[2];
    const bool cpu = c->caps->cpu_class;
    const int items = cpu ? 1 : clg__kplan_side(GPU_ITEMS, c->caps->max_work_group, false);
    clg__launch *l = launch(c, p, cpu ? "softmax_columns" : "softmax", cpu ? "softmax_columns" : "softmax_gpu",
                            what, items);
    const int64_t most = 4 * c->caps->compute_units, vectors = div_up(inner, VL);
    int64_t blocks = div_up(inner, at_most(GPU_COLS, items));
    if (cpu) {
        const int64_t least = div_up(vectors, BLOCK_MOST), finest = vectors / BLOCK_LEAST;
        blocks = at_most(div_up(most / 2, outer), finest); // long rows of a block: fewer pages
        blocks = blocks < least ? least : blocks;
        clg__kplan_define(p, l, "MOST", "%d", BLOCK_MOST);
    } else {
        clg__kplan_define(p, l, "COLUMNS", "1");
        clg__kplan_define(p, l, "COLS", "%d", (int) at_most(GPU_COLS, items));
    }
    CLG__ARG_BLOCK(p, l, "SHAPE", { "outer", outer, true }, { "n", n, false }, { "inner", inner, false },
                   { "blocks", blocks, false });
    const int64_t wanted = at_most(outer * n * inner / 4096 + 1, most);
    const int64_t groups = cpu ? at_most(clg__param_or(c, 0, (int) wanted), outer * blocks) : outer * blocks;
    clg__kplan_grid(l, (size_t) groups, 1, 1, (size_t) items, 1, 1);
}

static void plan(const clg__kernel_call *c, clg__kplan *p, output what)
{
    if (clg_numel(c->in_shape[0]) == 0)
        return;
    if (c->in_shape[0].rank == 2)
        plan_rows(c, p, what);
    else
        plan_columns(c, p, what);
}

#define VARIANTS(id, what)                                                                         \
    static void plan_##id(const clg__kernel_call *c, clg__kplan *p)                                \
    {                                                                                              \
        plan(c, p, what);                                                                          \
    }                                                                                              \
    static const clg__variant id##_variants[] = {                                                  \
        { "cpu_rows", accepts_cpu, plan_##id, false, cpu_params, 1 },                              \
        { "gpu_rows", accepts_gpu, plan_##id, false } };
VARIANTS(softmax, EXPONENTIALS)
VARIANTS(log_softmax, LOGARITHMS)
VARIANTS(stats, STATISTICS)
static const clg__op op_softmax = { .name = "softmax", .kind = CLG__KERNEL, .vjp = softmax_vjp,
                                    .variants = softmax_variants, .n_variants = 2 };
static const clg__op op_log_softmax = { .name = "log_softmax", .kind = CLG__KERNEL, .vjp = log_softmax_vjp,
                                        .variants = log_softmax_variants, .n_variants = 2 };

static clg_tensor stats_vjp(const clg__vjp *v, int i);
static const clg__op op_stats = { .name = "softmax_stats", .kind = CLG__KERNEL, .vjp = stats_vjp,
                                  .variants = stats_variants, .n_variants = 2 };
const clg__op *const clg__softmax_ops[] = { &op_softmax, &op_log_softmax, &op_stats, NULL };

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
    a = clg_autocast_input(op->name, a);
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

// Statistics of the logits [outer, n] or [outer, n, inner] over axis 1, in one pass over them, in the wide type and the
// label's shape: the maximum, the logarithm of the sum of exp(logits - maximum), and logits - maximum at the label, 0
// where that is no class. Derivatives hold the maximum fixed: right for what does not depend on what is subtracted.
enum { TOP, LOG_SUM, PICKED, N_STATS };

static void row_stats(clg_tensor logits, clg_tensor label, clg_tensor out[N_STATS])
{
    clg__call c;
    if (!clg__call_begin(&c, "softmax_stats", "logits label", 2, (clg_tensor[]) { logits, label })) {
        out[TOP] = out[LOG_SUM] = out[PICKED] = clg__call_poison(&c);
        return;
    }
    const clg_dtype t = clg__dtype_of(logits->dtype)->as, types[N_STATS] = { t, t, t };
    const clg_shape s = label->shape, shapes[N_STATS] = { s, s, s };
    clg__call_node_n(&c, &op_stats, N_STATS, types, shapes, NULL, out);
}

// (logits - maximum) - logarithm: rounded as log_softmax is.
static clg_tensor log_of_stats(clg_tensor logits, const clg_tensor stats[N_STATS])
{
    const clg_tensor d = clg_sub(clg__wide(logits), clg_unsqueeze(stats[TOP], 1));
    return clg_sub(d, clg_unsqueeze(stats[LOG_SUM], 1));
}

// They are recorded anew: an equal node, which the scheduler merges with the forward one.
static clg_tensor probabilities(clg_tensor logits, clg_tensor label)
{
    clg_tensor stats[N_STATS];
    row_stats(logits, label, stats);
    return clg_exp(log_of_stats(logits, stats));
}

static clg_tensor stats_vjp(const clg__vjp *v, int i)
{
    if (i > 0 || v->out != LOG_SUM)
        return NULL;
    const clg_tensor p = probabilities(v->in[0], v->in[1]);
    return clg_cast(clg_mul(clg_unsqueeze(v->g, 1), p), v->in[0]->dtype);
}

static clg_tensor label_loss_vjp(const clg__vjp *v, int i)
{
    if (i > 0)
        return NULL;
    const clg_tensor x = v->in[0], p = probabilities(x, v->in[1]), one = clg__lit(x->dev, p->dtype, 1);
    const clg_shape classes = { .rank = x->shape.rank, .dim = { 1, x->shape.dim[1], 1 } };
    const clg_tensor number = clg_reshape(clg_arange(x->dev, CLG_I32, 0, (double) classes.dim[1], 1), classes);
    const clg_tensor hit = clg_eq(number, clg_unsqueeze(v->in[1], 1));
    return clg_cast(clg_mul(clg_unsqueeze(v->g, 1), clg_where(hit, clg_sub(p, one), p)), x->dtype);
}

static const clg__op op_label_loss = { .name = "label_loss", .kind = CLG__ALIAS, .vjp = label_loss_vjp };
static const clg__op op_log_of_stats = { .name = "log_softmax", .kind = CLG__ALIAS, .vjp = log_softmax_vjp };

void clg__label_loss(clg_tensor logits, clg_tensor label, clg_tensor *loss, clg_tensor *logp)
{
    clg_tensor stats[N_STATS];
    const clg_shape s = logits->shape, ls = label->shape;
    if (s.rank > 3) {
        int64_t inner = 1;
        for (int d = 2; d < s.rank; d++)
            inner *= s.dim[d];
        logits = clg_reshape(logits, CLG_SHAPE(s.dim[0], s.dim[1], inner));
        label = clg_reshape(label, CLG_SHAPE(s.dim[0], inner));
    }
    row_stats(logits, label, stats);
    clg_tensor y = clg_sub(stats[LOG_SUM], stats[PICKED]);
    if (y->status >= 0)
        y = clg__custom_vjp(&op_label_loss, y, 2, (clg_tensor[]) { logits, label }, NULL);
    *loss = y->status < 0 ? y : clg_reshape(y, ls);
    if (!logp)
        return;
    y = log_of_stats(logits, stats);
    if (y->status >= 0)
        y = clg__custom_vjp(&op_log_of_stats, y, 1, &logits, NULL);
    *logp = y->status < 0 ? y : clg_reshape(y, s);
}
