// SPDX-License-Identifier: MIT
// Which pooling kernel. Kernels: cl/pool.cl, and of the CPU class cl/pool_cpu.cl, cl/pool_back_cpu.cl and
// cl/pool_2x2.cl.
#include "ops/pool.h"

#include "ops/element.h"

// LOWEST is the maximum of nothing, SUM the type of an average's sum.
static void define_type(clg__kplan *p, clg__launch *l, clg_dtype t)
{
    clg__define_element(p, l, t);
    if (clg_dtype_is_float(t))
        return; // the file's defaults
    clg__kplan_define(p, l, "LOWEST", "%s", clg__dtype_of(t)->low);
    if (clg__dtype_of(t)->info.kind == CLG_KIND_UINT && clg_dtype_size(t) == 8) {
        clg__kplan_define(p, l, "SUM", "ulong");
        clg__kplan_define(p, l, "PLUS(a, b)", "((a) + (b))");
        clg__kplan_define(p, l, "OVER(a, b)", "((long)(b) < 0 ? -((a) / -(b)) : (a) / (b))"); // a divisor below 0
        return;
    }
    clg__kplan_define(p, l, "SUM", "long");
    clg__kplan_define(p, l, "PLUS(a, b)", "((long)((ulong)(a) + (ulong)(b)))");
    clg__kplan_define(p, l, "OVER(a, b)", "((b) == -1 ? (long)-(ulong)(a) : (a) / (b))"); // MIN / -1 traps on CPUs
}

// What all windows of an average divide by; 0: they differ.
static int64_t divisor(const clg__pool *q)
{
    const clg__window *w = &q->w;
    int64_t places = 1;
    for (int i = 0; i < CLG__SPATIAL; i++) {
        const int64_t last = (w->out[i] - 1) * w->stride[i] - w->lo[i];
        if (q->adaptive || (q->exclude && w->lo[i] > 0) || last + w->k[i] > w->in[i] + (q->exclude ? 0 : w->hi[i]))
            return q->divisor;
        places *= w->k[i];
    }
    return q->divisor || places > INT32_MAX ? q->divisor : places;
}

static clg__launch *launch(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry, int inputs,
                           int outputs)
{
    const clg__pool *q = c->params;
    clg__launch *l = clg__kplan_kernel(p, file, entry);
    define_type(p, l, c->in_dtype[0]);
    if (q->adaptive)
        clg__kplan_define(p, l, "ADAPTIVE", "1");
    clg__arg_buffers(p, l, inputs, outputs);
    CLG__ARG_BLOCK(p, l, "POOL", { "total", clg_numel(*c->out_shape), true }, { "exclude", q->exclude, false },
                   { "divisor", divisor(q), false });
    clg__window_args(p, l, &q->w);
    return l;
}

// One work-item for each result.
static void items(const clg__kernel_call *c, clg__kplan *p, const char *entry, int inputs, int outputs)
{
    if (clg_numel(*c->out_shape) > 0)
        clg__kplan_items(launch(c, p, "pool", entry, inputs, outputs), clg_numel(*c->out_shape));
}

// Sixteen results of a row at once.
enum { STRIDE_MOST = 1024, ROW_LEAST = 4 };

static const char *accepts_rows(const clg__kernel_call *c)
{
    const clg__pool *q = c->params;
    if (!c->caps->cpu_class)
        return "for CPU-class devices";
    if (q->adaptive || clg__window_wide(&q->w))
        return "windows are of one size, and int counts all elements";
    if (q->w.stride[CLG__W] > STRIDE_MOST)
        return "strides are at most 1024"; // lanes times stride is an int
    return q->w.out[CLG__W] >= ROW_LEAST ? NULL : "rows have 4 results or more";
}

static const char *accepts_float_rows(const clg__kernel_call *c)
{
    return clg_dtype_is_float(c->in_dtype[0]) ? accepts_rows(c) : "only floating types";
}

static const clg__param groups_param[] = { { "groups", "work-groups", 1, 4096, false } };

static void plan_rows(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry, int inputs,
                      int outputs)
{
    static const char *const masks[] = { [1] = "char", [2] = "short", [4] = "int", [8] = "long" };
    const clg__pool *q = c->params;
    const int64_t total = clg_numel(*c->out_shape), step = q->w.stride[CLG__W];
    if (total == 0)
        return;
    clg__launch *l = launch(c, p, file, entry, inputs, outputs);
    clg__kplan_define(p, l, "STEP", "%d", step <= 2 ? (int) step : 0);
    clg__kplan_define(p, l, "MASK", "%s", masks[clg__acc_size(c->in_dtype[0])]);
    const int64_t most = 4 * c->caps->compute_units, rows = c->out_shape->dim[0] * c->out_shape->dim[1];
    int64_t groups = total / 2048 + 1;
    groups = clg__param_or(c, 0, (int) (groups < most ? groups : most));
    clg__kplan_grid(l, (size_t) (groups < rows ? groups : rows), 1, 1, 1, 1, 1);
}

#define ROWS_PLAN(id, file, entry, inputs, outputs)                                                \
    static void plan_##id(const clg__kernel_call *c, clg__kplan *p)                                \
    {                                                                                              \
        plan_rows(c, p, file, entry, inputs, outputs);                                             \
    }
ROWS_PLAN(max_rows, "pool_cpu", "max_pool_cpu", 1, 2)
ROWS_PLAN(scatter_rows, "pool_back_cpu", "max_pool_scatter_cpu", 2, 1)
ROWS_PLAN(avg_rows, "pool_cpu", "avg_pool_cpu", 1, 1)
ROWS_PLAN(avg_back_rows, "pool_back_cpu", "avg_pool_back_cpu", 1, 1)

static void plan_max(const clg__kernel_call *c, clg__kplan *p)
{
    items(c, p, "max_pool", 1, 2);
}

static void plan_scatter(const clg__kernel_call *c, clg__kplan *p)
{
    items(c, p, "max_pool_scatter", 2, 1);
}

static void plan_gather(const clg__kernel_call *c, clg__kplan *p)
{
    items(c, p, "max_pool_gather", 2, 1);
}

static void plan_avg(const clg__kernel_call *c, clg__kplan *p)
{
    items(c, p, "avg_pool", 1, 1);
}

static void plan_avg_back(const clg__kernel_call *c, clg__kplan *p)
{
    items(c, p, "avg_pool_back", 1, 1);
}

static const char *accepts_2x2(const clg__kernel_call *c)
{
    const clg__pool *q = c->params;
    const clg__window *w = &q->w;
    if (!c->caps->cpu_class)
        return "for CPU-class devices";
    if (c->in_dtype[0] != CLG_F32)
        return "only f32";
    bool fits = !q->adaptive && w->nd <= 2 && !clg__window_wide(w);
    for (int i = CLG__H; i <= CLG__W; i++)
        fits &= w->k[i] == 2 && w->stride[i] == 2 && w->lo[i] == 0 && w->dilation[i] == 1 && 2 * w->out[i] <= w->in[i];
    return fits ? NULL : "only 2x2 windows that tile the plane";
}

static void plan_2x2(const clg__kernel_call *c, clg__kplan *p, const char *entry, int inputs, int outputs)
{
    const clg__pool *q = c->params;
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "pool_2x2", entry);
    clg__arg_buffers(p, l, inputs, outputs);
    clg__window_args(p, l, &q->w);
    const int most = clg__param_or(c, 0, 4 * c->caps->compute_units);
    clg__kplan_grid(l, (size_t) (q->w.n < most ? q->w.n : most), 1, 1, 1, 1, 1);
}

static void plan_max_2x2(const clg__kernel_call *c, clg__kplan *p)
{
    plan_2x2(c, p, "max_pool_2x2", 1, 2);
}

static void plan_scatter_2x2(const clg__kernel_call *c, clg__kplan *p)
{
    plan_2x2(c, p, "max_pool_scatter_2x2", 2, 1);
}

const clg__variant clg__max_variants[] = { { "cpu_2x2", accepts_2x2, plan_max_2x2, false, groups_param, 1 },
                                           { "cpu_rows", accepts_rows, plan_max_rows, false, groups_param, 1 },
                                           { "items", NULL, plan_max, false } };
const clg__variant clg__scatter_variants[] = { { "cpu_2x2", accepts_2x2, plan_scatter_2x2, false, groups_param, 1 },
                                               { "cpu_rows", accepts_rows, plan_scatter_rows, false, groups_param, 1 },
                                               { "items", NULL, plan_scatter, false } };
const clg__variant clg__gather_variants[] = { { "items", NULL, plan_gather, false } };
const clg__variant clg__avg_variants[] = { { "cpu_rows", accepts_float_rows, plan_avg_rows, false, groups_param, 1 },
                                           { "items", NULL, plan_avg, false } };
const clg__variant clg__avg_back_variants[] = { { "cpu_rows", accepts_float_rows, plan_avg_back_rows, false, groups_param, 1 },
                                                { "items", NULL, plan_avg_back, false } };
