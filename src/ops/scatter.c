// SPDX-License-Identifier: MIT
// Gathering and scattering of elements, each with an index of its own. Kernels: cl/gather_elements.cl, cl/scatter.cl,
// cl/index_sort.cl.
#include "ops/scatter.h"

#include "ops/element.h"
#include "ops/gather.h"
#include "ops/index_sort.h"
#include "ops/registry.h"
#include <clgrad/ops.h>

typedef struct sizes {
    int64_t outer, axis, n, inner;
    int kind; // gather: zero
    bool self;
} sizes;

static void key_sizes(const void *params, clg__key *k)
{
    const sizes *s = params;
    clg__key_i64(k, s->outer);
    clg__key_i64(k, s->axis);
    clg__key_i64(k, s->n);
    clg__key_i64(k, s->inner);
    clg__key_i64(k, s->kind);
    clg__key_i64(k, s->self);
}

static const char *accepts_cpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? NULL : "for CPU-class devices";
}

static int64_t at_most(int64_t n, int64_t most)
{
    return n < most ? n : most;
}

// ---- gather

static void plan_gather(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes *s = c->params;
    const int64_t total = clg_numel(*c->out_shape), *step = c->in_access[1].stride;
    const bool cpu = c->caps->cpu_class;
    if (total == 0)
        return;
    clg__launch *l = clg__gather_kernel(c, p, "gather_elements", cpu ? "gather_runs" : "gather_items");
    clg__arg_buffers(p, l, 2, 1);
    CLG__ARG_BLOCK(p, l, "ELEMENTS", { "total", total, true }, { "axis", s->axis, true }, { "n", s->n, true },
                   { "inner", s->inner, true }, { "i0", step[0], true }, { "i1", step[1], true },
                   { "i2", step[2], true }, { "zero", s->kind, false });
    enum { FEW = 1 << 12 }; // results that are not worth another group
    if (cpu)
        clg__kplan_grid(l, (size_t) at_most((total + FEW - 1) / FEW, 4 * (int64_t) c->caps->compute_units), 1, 1, 1, 1, 1);
    else
        clg__kplan_items(l, total);
}

// ---- scatter

static void define(const clg__kernel_call *c, clg__kplan *p, clg__launch *l)
{
    static const char *const ops[] = { "(b)", "(a) + (b)", "(a) * (b)", "(b) > (a) || (b) != (b) ? (b) : (a)",
                                       "(b) < (a) || (b) != (b) ? (b) : (a)" };
    const sizes *s = c->params;
    clg__kplan_define(p, l, "OP(a, b)", "(%s)", ops[s->kind]);
    if (s->self)
        clg__kplan_define(p, l, "SELF", "%s", "");
}

static void arg_sizes(const clg__kernel_call *c, clg__kplan *p, clg__launch *l, int64_t width)
{
    const sizes *s = c->params;
    const int64_t *from = c->in_access[0].stride, *list = c->in_access[1].stride;
    CLG__ARG_BLOCK(p, l, "SCATTER", { "outer", s->outer, true }, { "axis", s->axis, true }, { "n", s->n, true },
                   { "inner", s->inner, true }, { "s0", from[0], true }, { "s1", from[1], true }, { "s2", from[2], true },
                   { "i0", list[0], true }, { "i1", list[1], true }, { "i2", list[2], true }, { "width", width, true });
}

static clg__launch *scattering(const clg__kernel_call *c, clg__kplan *p, const char *entry, int64_t width)
{
    const sizes *s = c->params;
    clg__launch *l = clg__gather_kernel(c, p, "scatter", entry);
    define(c, p, l);
    clg__arg_buffers(p, l, s->self ? 3 : 2, 1);
    arg_sizes(c, p, l, width);
    return l;
}

static void plan_lines(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes *s = c->params;
    if (clg_numel(*c->out_shape) == 0)
        return;
    enum { MOST_RANGES = 16 };
    const int64_t units = c->caps->compute_units, outers = at_most(s->outer, 4 * units);
    int64_t width;
    const int64_t blocks = clg__gather_blocks(&(clg__gather) { s->outer, s->axis, s->n, s->inner },
                                              (4 * units + outers - 1) / outers, &width);
    int64_t ranges = (units + outers * blocks - 1) / (outers * blocks);
    ranges = at_most(at_most(ranges, MOST_RANGES), s->axis);
    clg__launch *l = scattering(c, p, "scatter_lines", width);
    clg__kplan_grid(l, (size_t) outers, (size_t) blocks, (size_t) ranges, 1, 1, 1);
}

static void plan_columns(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes *s = c->params;
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__kplan_items(scattering(c, p, "scatter_columns", s->inner), s->outer * s->inner);
}

// Columns that fill a device need no sorting.
static const char *accepts_sorted(const clg__kernel_call *c)
{
    const sizes *s = c->params;
    if (c->caps->cpu_class)
        return "for GPU-class devices";
    if (s->n == 0 || !clg__sort_takes(s->outer * s->axis * s->inner))
        return "nothing, or more places than three passes sort";
    if (!c->forced && (s->outer * s->inner >= 1 << 13 || s->n + s->axis <= 1 << 10))
        return "columns are many or short";
    return NULL;
}

static void plan_sorted(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes *s = c->params;
    const clg__sort sort = { s->outer * s->n * s->inner, s->outer * s->axis * s->inner, CLG_I64 };
    if (sort.axis == 0)
        return;
    clg__sorted list = clg__sort_begin(p, &sort);
    clg__launch *l = clg__gather_kernel(c, p, "scatter", "scatter_keys");
    define(c, p, l);
    clg__sort_define(p, l, &sort);
    clg__arg_in(p, l, 1);
    clg__arg_in_offset(p, l, 1);
    clg__arg_temp(p, l, list.key);
    clg__arg_temp(p, l, list.order);
    arg_sizes(c, p, l, s->inner);
    clg__kplan_items(l, sort.n);
    list = clg__sort_run(c->caps, p, &sort, list);
    const int start = clg__sort_starts(c->caps, p, &sort, list);
    l = clg__gather_kernel(c, p, "scatter", "scatter_sorted");
    define(c, p, l);
    clg__sort_define(p, l, &sort);
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_temp(p, l, list.order);
    clg__arg_temp(p, l, start);
    if (s->self) {
        clg__arg_in(p, l, 2);
        clg__arg_in_offset(p, l, 2);
    }
    clg__arg_out(p, l, 0);
    arg_sizes(c, p, l, s->inner);
    clg__kplan_items(l, sort.axis);
}

static clg_tensor gather_vjp(const clg__vjp *v, int i);
static clg_tensor scatter_vjp(const clg__vjp *v, int i);
static const clg__variant gather_variants[] = { { "elements", NULL, plan_gather, false } };
static const clg__variant scatter_variants[] = {
    { "lines_cpu", accepts_cpu, plan_lines, false },
    { "sorted_gpu", accepts_sorted, plan_sorted, false },
    { "columns", NULL, plan_columns, false },
};
static const clg__op op_gather = { .name = "gather", .kind = CLG__KERNEL, .vjp = gather_vjp, .key = key_sizes,
                                   .params_bytes = sizeof(sizes), .variants = gather_variants, .n_variants = 1,
                                   .strided_inputs = 2 };
static const clg__op op_scatter = { .name = "scatter", .kind = CLG__KERNEL, .vjp = scatter_vjp, .key = key_sizes,
                                    .params_bytes = sizeof(sizes), .variants = scatter_variants, .n_variants = 3,
                                    .strided_inputs = 3 };

const clg__op *const clg__scatter_ops[] = { &op_gather, &op_scatter, NULL };

clg_tensor clg__gather_elements(clg_tensor a, clg_tensor index, bool zero)
{
    clg__call c;
    if (!clg__call_begin(&c, "gather", "a index", 2, (clg_tensor[]) { a, index }))
        return clg__call_poison(&c);
    const sizes s = { index->shape.dim[0], a->shape.dim[1], index->shape.dim[1], index->shape.dim[2], zero, false };
    return clg__call_node(&c, &op_gather, a->dtype, &index->shape, &s);
}

clg_tensor clg__scatter(clg_tensor self, int64_t axis, clg_tensor index, clg_tensor src, clg__scatter_kind kind)
{
    clg__call c;
    if (!clg__call_begin(&c, "scatter", "src index self", self ? 3 : 2, (clg_tensor[]) { src, index, self }))
        return clg__call_poison(&c);
    const sizes s = { index->shape.dim[0], axis, index->shape.dim[1], index->shape.dim[2], kind, self != NULL };
    return clg__call_node(&c, &op_scatter, src->dtype, &CLG_SHAPE(s.outer, axis, s.inner), &s);
}

static clg_tensor gather_vjp(const clg__vjp *v, int i)
{
    const sizes *s = v->params;
    if (i != 0)
        return NULL;
    clg_tensor g = clg__wide(v->g);
    return clg_cast(clg__scatter(NULL, s->axis, v->in[1], g, CLG__SCATTER_ADD), v->g->dtype);
}

// ---- derivatives of scatter, as PyTorch has them: an element that is overwritten counts as if it stood

static clg_tensor lit(clg_tensor like, double v)
{
    return clg__lit(like->dev, like->dtype, v);
}

static clg_tensor as(clg_tensor flag, clg_tensor like)
{
    return clg_cast(flag, like->dtype);
}

static clg_tensor product_vjp(const clg__vjp *v, int i)
{
    const sizes *s = v->params;
    const clg_tensor src = v->in[0], index = v->in[1], self = v->in[2], g = v->g, one = lit(g, 1);
    if (i == 2) { // the product of the others
        clg_tensor none = clg_eq(self, lit(self, 0)), rest = clg_where(none, one, self);
        return clg_div(clg_mul(g, clg__scatter(rest, s->axis, index, src, CLG__SCATTER_MUL)), rest);
    }
    clg_tensor zero = clg_eq(src, lit(src, 0));
    clg_tensor zeros = clg__scatter(NULL, s->axis, index, as(zero, src), CLG__SCATTER_ADD);
    clg_tensor alone = clg_logical_and(zero, clg_eq(clg__gather_elements(zeros, index, true), one));
    clg_tensor without = clg__scatter(self, s->axis, index, clg_where(alone, one, src), CLG__SCATTER_MUL);
    clg_tensor of_zero = clg__gather_elements(clg_mul(g, without), index, true);
    clg_tensor of_others = clg_div(clg__gather_elements(clg_mul(g, v->y), index, true), clg_where(zero, one, src));
    return clg_where(alone, of_zero, of_others);
}

// Shared evenly among those that are the result; where that is NaN nothing is, and all get NaN, as of amax.
static clg_tensor extreme_vjp(const clg__vjp *v, int i)
{
    const sizes *s = v->params;
    const clg_tensor src = v->in[0], index = v->in[1], self = v->in[2];
    clg_tensor stays = as(clg_eq(self, v->y), src);
    clg_tensor sent = as(clg_eq(src, clg__gather_elements(v->y, index, true)), src);
    clg_tensor share = clg_div(v->g, clg__scatter(stays, s->axis, index, sent, CLG__SCATTER_ADD));
    return i == 2 ? clg_mul(stays, share) : clg_mul(sent, clg__gather_elements(share, index, true));
}

static clg_tensor scatter_vjp(const clg__vjp *v, int i)
{
    const sizes *s = v->params;
    if (i == 1)
        return NULL;
    if (s->kind == CLG__SCATTER_MUL)
        return product_vjp(v, i);
    if (s->kind == CLG__SCATTER_MAX || s->kind == CLG__SCATTER_MIN)
        return extreme_vjp(v, i);
    if (i == 0)
        return clg__gather_elements(v->g, v->in[1], true);
    if (s->kind == CLG__SCATTER_ADD)
        return v->g;
    clg_tensor none = clg_expand(lit(v->g, 0), v->in[1]->shape);
    return clg__scatter(v->g, s->axis, v->in[1], none, CLG__SCATTER_SET);
}
