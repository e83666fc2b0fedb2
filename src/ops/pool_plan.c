// SPDX-License-Identifier: MIT
// Which pooling kernel. Kernels: cl/pool.cl, and of the CPU class cl/pool_max_cpu.cl, cl/pool_avg_cpu.cl,
// cl/pool_back_cpu.cl, cl/pool_2x2.cl and cl/pool_planes.cl.
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

// ---- CPU class: rows of the image are joined down to a line in local memory, and that along (cl/pool_max_cpu.cl)

enum { STRIDE_MOST = 1024, LINE = 2048, LINE_MOST = 32768, TOGETHER = 1024, APART_FROM = 8 };
static const clg__param groups_param[] = { { "groups", "work-groups", 1, 4096, false } };
static const char *const masks[] = { [1] = "char", [2] = "short", [4] = "int", [8] = "long" };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_cpu(const clg__kernel_call *c)
{
    const clg__pool *q = c->params; // lanes times stride is an int
    return c->caps->cpu_class && !clg__window_wide(&q->w) && q->w.stride[CLG__W] <= STRIDE_MOST;
}

// Columns beside those of the results: of a window's reach.
static int64_t reach(const clg__window *w)
{
    return (w->k[CLG__W] - 1) * w->dilation[CLG__W];
}

// Forward: results of a part of a row.
static int64_t part_of(const clg__pool *q)
{
    const int64_t most = smaller(LINE_MOST, LINE + 4 * reach(&q->w)) - reach(&q->w) - CLG__VL;
    const int64_t n = most / (q->adaptive ? 1 : q->w.stride[CLG__W]) / CLG__VL * CLG__VL;
    return smaller(n, q->w.out[CLG__W]);
}

// Elements between lines of rows: all that a row sees; of results whole vectors.
static int64_t pitch_of(const clg__pool *q)
{
    const clg__window *w = &q->w;
    const int64_t n = part_of(q), seen = q->adaptive ? w->in[CLG__W] : (n - 1) * w->stride[CLG__W] + 1 + reach(w);
    const int64_t whole = ((q->adaptive ? w->out[CLG__W] : n) + CLG__VL - 1) / CLG__VL * CLG__VL;
    return seen > whole ? seen : whole;
}

// Rows that are worked on at a time.
static int64_t tall_of(const clg__pool *q)
{
    return part_of(q) < q->w.out[CLG__W] || 2 * pitch_of(q) > TOGETHER ? 1 : TOGETHER / pitch_of(q);
}

static int64_t line_of(const clg__pool *q)
{
    return tall_of(q) * pitch_of(q) + 4 * CLG__VL;
}

static const char *accepts_lines(const clg__kernel_call *c)
{
    const clg__pool *q = c->params;
    const clg__window *w = &q->w;
    if (!is_cpu(c))
        return "for CPU-class devices, int counts all elements, strides are at most 1024";
    const int64_t rows = w->k[CLG__D] * w->k[CLG__H];
    if (q->adaptive)
        return w->in[CLG__W] <= LINE && w->out[CLG__W] <= LINE ? NULL : "rows have at most 2048 columns";
    if (5 * rows * w->stride[CLG__W] > 16 * (4 * rows * w->k[CLG__W] + 40))
        return "windows leave few columns out";
    const size_t bytes = (size_t) line_of(q) * (clg__acc_size(c->in_dtype[0]) + sizeof(int32_t));
    return part_of(q) > 0 && bytes <= c->caps->local_bytes ? NULL : "windows fit into local memory";
}

static const char *accepts_float_lines(const clg__kernel_call *c)
{
    return clg_dtype_is_float(c->in_dtype[0]) ? accepts_lines(c) : "only floating types";
}

// Backward: columns of a part of a row, and the line of those that it sees.
static int64_t back_part(const clg__pool *q)
{
    return q->adaptive ? q->w.in[CLG__W] : smaller(q->w.in[CLG__W], LINE + 4 * q->w.k[CLG__W]);
}

static int64_t back_line(const clg__pool *q)
{
    return (q->adaptive ? q->w.out[CLG__W] : back_part(q) + q->w.k[CLG__W]) + 4 * CLG__VL;
}

static const char *accepts_back_lines(const clg__kernel_call *c)
{
    const clg__pool *q = c->params;
    const clg__window *w = &q->w;
    if (!is_cpu(c) || !clg_dtype_is_float(c->in_dtype[0]))
        return "for CPU-class devices, floating types, int counts all elements, strides are at most 1024";
    if (q->adaptive)
        return w->in[CLG__W] <= LINE && w->out[CLG__W] <= LINE ? NULL : "rows have at most 2048 columns";
    const size_t bytes = 2 * (size_t) back_line(q) * clg__acc_size(c->in_dtype[0]);
    return bytes <= c->caps->local_bytes ? NULL : "windows fit into local memory";
}

// A work-group has at least so many results.
static void share(const clg__kernel_call *c, clg__launch *l, int64_t units, int64_t each)
{
    const int64_t groups = clg_numel(*c->out_shape) / each + 1;
    const int64_t n = clg__param_or(c, 0, (int) smaller(groups, 4 * c->caps->compute_units));
    clg__kplan_grid(l, (size_t) smaller(n, units), 1, 1, 1, 1, 1);
}

static clg__launch *plan_lines(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry, int outputs,
                               bool apart)
{
    const clg__pool *q = c->params;
    clg__launch *l = launch(c, p, file, entry, 1, outputs);
    clg__kplan_define(p, l, "MASK", "%s", masks[clg__acc_size(c->in_dtype[0])]);
    if (apart || q->adaptive)
        clg__kplan_define(p, l, "APART", "1");
    return l;
}

static void plan_forward(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry, int outputs)
{
    const clg__pool *q = c->params;
    const clg__window *w = &q->w;
    if (clg_numel(*c->out_shape) == 0)
        return;
    const int64_t columns = q->adaptive ? w->out[CLG__W] : part_of(q), tall = tall_of(q), line = line_of(q);
    const int64_t rows = c->out_shape->dim[0] * c->out_shape->dim[1], parts = (w->out[CLG__W] + columns - 1) / columns;
    clg__launch *l = plan_lines(c, p, file, entry, outputs, w->stride[CLG__W] > APART_FROM);
    CLG__ARG_BLOCK(p, l, "LINES", { "columns", columns, false }, { "tall", tall, false }, { "pitch", pitch_of(q), false });
    clg__arg_local(p, l, (size_t) line * clg__acc_size(c->in_dtype[0]));
    if (outputs > 1)
        clg__arg_local(p, l, (size_t) line * sizeof(int32_t));
    if (q->adaptive)
        clg__arg_local(p, l, (size_t) (2 * columns) * sizeof(int32_t));
    share(c, l, (rows + tall - 1) / tall * parts, 2048);
}

static void plan_max_lines(const clg__kernel_call *c, clg__kplan *p)
{
    plan_forward(c, p, "pool_max_cpu", "max_pool_cpu", 2);
}

static void plan_avg_lines(const clg__kernel_call *c, clg__kplan *p)
{
    plan_forward(c, p, "pool_avg_cpu", "avg_pool_cpu", 1);
}

static void plan_avg_back_lines(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__pool *q = c->params;
    const clg__window *w = &q->w;
    if (clg_numel(*c->out_shape) == 0)
        return;
    const bool apart = w->k[CLG__W] > CLG__VL;
    const int64_t line = back_line(q), columns = back_part(q), rows = c->out_shape->dim[0] * c->out_shape->dim[1];
    clg__launch *l = plan_lines(c, p, "pool_avg_cpu", "avg_pool_back_cpu", 1, apart);
    CLG__ARG_BLOCK(p, l, "LINES", { "columns", columns, false }, { "tall", 1, false }, { "pitch", line, false });
    clg__arg_local(p, l, (size_t) line * clg__acc_size(c->in_dtype[0]));
    clg__arg_local(p, l, (size_t) (apart && !q->adaptive ? line : CLG__VL) * clg__acc_size(c->in_dtype[0]));
    if (q->adaptive)
        clg__arg_local(p, l, (size_t) (2 * w->in[CLG__W] + w->out[CLG__W] + CLG__VL) * sizeof(int32_t));
    share(c, l, rows * ((w->in[CLG__W] + columns - 1) / columns), 2048);
}

// Is no place in two windows?
static bool are_disjoint(const clg__pool *q)
{
    bool yes = !q->adaptive;
    for (int i = 0; i < CLG__SPATIAL; i++)
        yes &= q->w.stride[i] > (q->w.k[i] - 1) * q->w.dilation[i] || q->w.out[i] == 1;
    return yes;
}

static const char *accepts_send(const clg__kernel_call *c)
{
    if (!is_cpu(c))
        return "for CPU-class devices, int counts all elements, strides are at most 1024";
    return !clg__is_packed(c->in_dtype[0]) || are_disjoint(c->params) ? NULL : "sums are not rounded between";
}

static void plan_send(const clg__kernel_call *c, clg__kplan *p)
{
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = launch(c, p, "pool_back_cpu", "max_pool_send_cpu", 2, 1);
    clg__kplan_define(p, l, "MASK", "%s", masks[clg__acc_size(c->in_dtype[0])]);
    share(c, l, c->out_shape->dim[0] * c->out_shape->dim[1], 8192);
}

static const char *accepts_rows(const clg__kernel_call *c)
{
    const clg__pool *q = c->params;
    return is_cpu(c) && clg__is_packed(c->in_dtype[0]) && !q->adaptive ? NULL : "only sums that are rounded once";
}

static void plan_scatter_rows(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__pool *q = c->params;
    const int64_t step = q->w.stride[CLG__W];
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = launch(c, p, "pool_back_cpu", "max_pool_scatter_cpu", 2, 1);
    clg__kplan_define(p, l, "STEP", "%d", step <= 2 ? (int) step : 0);
    clg__kplan_define(p, l, "MASK", "%s", masks[clg__acc_size(c->in_dtype[0])]);
    share(c, l, c->out_shape->dim[0] * c->out_shape->dim[1], 2048);
}

// ---- CPU class: sixteen small planes at once (cl/pool_planes.cl)

enum { PLANES_MOST = 256 << 10 }; // bytes in local memory

// Bytes of sixteen planes in local memory, of whole vectors each.
static size_t planes_of(const int64_t size[CLG__SPATIAL], size_t element)
{
    const int64_t n = size[CLG__D] * size[CLG__H] * size[CLG__W];
    return (size_t) ((n + CLG__VL - 1) / CLG__VL * CLG__VL * CLG__VL) * element;
}

// And as they lie in memory: images or results, values or places, and a vector behind them.
static size_t line_of_planes(const clg__window *w, size_t element, bool places)
{
    const size_t in = planes_of(w->in, element), out = planes_of(w->out, places && element < 4 ? 4 : element);
    return (in > out ? in : out) + CLG__VL * (element < 4 ? 4 : element);
}

// Whatever their number: a smaller batch needs no other text.
static const char *accepts_planes(const clg__kernel_call *c, bool places)
{
    const clg__pool *q = c->params;
    const clg__window *w = &q->w;
    if (!is_cpu(c))
        return "for CPU-class devices, int counts all elements, strides are at most 1024";
    if (w->in[CLG__W] >= CLG__VL && !c->forced)
        return "rows are shorter than a vector";
    const size_t size = clg__acc_size(c->in_dtype[0]);
    const size_t bytes = planes_of(w->in, size) + planes_of(w->out, size) + line_of_planes(w, size, places) +
                         (places ? planes_of(w->out, sizeof(int32_t)) : 0);
    return bytes <= PLANES_MOST && bytes <= c->caps->local_bytes ? NULL : "sixteen planes fit into a core's cache";
}

static const char *accepts_max_planes(const clg__kernel_call *c)
{
    return accepts_planes(c, true);
}

static const char *accepts_avg_planes(const clg__kernel_call *c)
{
    return clg_dtype_is_float(c->in_dtype[0]) ? accepts_planes(c, false) : "only floating types";
}

// Beyond that rows are spread along in another order.
static const char *accepts_avg_back_planes(const clg__kernel_call *c)
{
    const clg__pool *q = c->params;
    return q->adaptive || q->w.k[CLG__W] <= CLG__VL ? accepts_avg_planes(c) : "windows have at most sixteen columns";
}

static void plan_planes(const clg__kernel_call *c, clg__kplan *p, const char *entry, int inputs, int outputs, bool places)
{
    const clg__pool *q = c->params;
    const size_t size = clg__acc_size(c->in_dtype[0]);
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = launch(c, p, "pool_planes", entry, inputs, outputs);
    clg__kplan_define(p, l, "MASK", "%s", masks[size]);
    clg__arg_local(p, l, line_of_planes(&q->w, size, places));
    clg__arg_local(p, l, planes_of(q->w.in, size));
    clg__arg_local(p, l, planes_of(q->w.out, size));
    if (places)
        clg__arg_local(p, l, planes_of(q->w.out, sizeof(int32_t)));
    share(c, l, (q->w.n + CLG__VL - 1) / CLG__VL, 2048);
}

static void plan_max_planes(const clg__kernel_call *c, clg__kplan *p)
{
    plan_planes(c, p, "max_pool_planes", 1, 2, true);
}

static void plan_scatter_planes(const clg__kernel_call *c, clg__kplan *p)
{
    plan_planes(c, p, "max_pool_scatter_planes", 2, 1, true);
}

static void plan_avg_planes(const clg__kernel_call *c, clg__kplan *p)
{
    plan_planes(c, p, "avg_pool_planes", 1, 1, false);
}

static void plan_avg_back_planes(const clg__kernel_call *c, clg__kplan *p)
{
    plan_planes(c, p, "avg_pool_back_planes", 1, 1, false);
}

// ---- one work-item for each result

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
    if (fits && !c->forced && w->n < c->caps->compute_units)
        return "planes are fewer than cores"; // which share them
    if (fits && !c->forced && w->out[CLG__W] < CLG__VL / 2 && !accepts_planes(c, true))
        return "rows are short";
    return fits ? NULL : "only 2x2 windows that tile the plane";
}

static void plan_2x2(const clg__kernel_call *c, clg__kplan *p, const char *entry, int inputs, int outputs, bool divided)
{
    const clg__pool *q = c->params;
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "pool_2x2", entry);
    clg__arg_buffers(p, l, inputs, outputs);
    if (divided)
        clg__arg_i32(p, l, (int32_t) divisor(q));
    clg__window_args(p, l, &q->w);
    const int most = clg__param_or(c, 0, 4 * c->caps->compute_units);
    clg__kplan_grid(l, (size_t) (q->w.n < most ? q->w.n : most), 1, 1, 1, 1, 1);
}

static void plan_max_2x2(const clg__kernel_call *c, clg__kplan *p)
{
    plan_2x2(c, p, "max_pool_2x2", 1, 2, false);
}

static void plan_scatter_2x2(const clg__kernel_call *c, clg__kplan *p)
{
    plan_2x2(c, p, "max_pool_scatter_2x2", 2, 1, false);
}

static void plan_avg_back_2x2(const clg__kernel_call *c, clg__kplan *p)
{
    plan_2x2(c, p, "avg_pool_back_2x2", 1, 1, true);
}

#define ROWS(name, accept, plan) { name, accept, plan, false, groups_param, 1 }
const clg__variant clg__max_variants[CLG__MAX_VARIANTS] = { ROWS("cpu_2x2", accepts_2x2, plan_max_2x2),
                                                            ROWS("cpu_planes", accepts_max_planes, plan_max_planes),
                                                            ROWS("cpu_lines", accepts_lines, plan_max_lines),
                                                            { "items", NULL, plan_max, false } };
const clg__variant clg__scatter_variants[CLG__SCATTER_VARIANTS] = {
    ROWS("cpu_2x2", accepts_2x2, plan_scatter_2x2), ROWS("cpu_planes", accepts_max_planes, plan_scatter_planes),
    ROWS("cpu_send", accepts_send, plan_send), ROWS("cpu_rows", accepts_rows, plan_scatter_rows),
    { "items", NULL, plan_scatter, false }
};
const clg__variant clg__gather_variants[] = { { "items", NULL, plan_gather, false } };
const clg__variant clg__avg_variants[CLG__AVG_VARIANTS] = { ROWS("cpu_planes", accepts_avg_planes, plan_avg_planes),
                                                            ROWS("cpu_lines", accepts_float_lines, plan_avg_lines),
                                                            { "items", NULL, plan_avg, false } };
const clg__variant clg__avg_back_variants[CLG__AVG_BACK_VARIANTS] = {
    ROWS("cpu_2x2", accepts_2x2, plan_avg_back_2x2), ROWS("cpu_planes", accepts_avg_back_planes, plan_avg_back_planes),
    ROWS("cpu_lines", accepts_back_lines, plan_avg_back_lines), { "items", NULL, plan_avg_back, false }
};
