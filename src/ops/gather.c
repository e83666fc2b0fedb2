// SPDX-License-Identifier: MIT
// index_select and its transpose index_add: a set closed under differentiation. Kernels: cl/gather.cl,
// cl/gather_cpu.cl.
#include "ops/gather.h"

#include "graph/build.h"
#include "ops/element.h"
#include "ops/registry.h"
#include <clgrad/ops.h>

typedef clg__gather sizes;

static void key_sizes(const void *params, clg__key *k)
{
    const sizes *s = params;
    clg__key_i64(k, s->outer);
    clg__key_i64(k, s->axis);
    clg__key_i64(k, s->n);
    clg__key_i64(k, s->inner);
}

clg__launch *clg__gather_kernel(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry)
{
    clg__launch *l = clg__kplan_kernel(p, file, entry);
    clg__define_element(p, l, c->in_dtype[0]);
    clg__kplan_define(p, l, "I", "%s", clg__dtype_of(c->in_dtype[1])->storage);
    clg__kplan_define(p, l, "FILL", clg_dtype_is_float(c->in_dtype[0]) ? "NAN" : "0");
    return l;
}

void clg__gather_sizes(const clg__kernel_call *c, clg__kplan *p, clg__launch *l)
{
    const sizes *s = c->params;
    const int64_t total = clg_numel(*c->out_shape);
    CLG__ARG_BLOCK(p, l, "GATHER", { "total", total, true }, { "axis", s->axis, true }, { "n", s->n, true },
                   { "inner", s->inner, true });
    clg__kplan_items(l, total);
}

void clg__gather_rows(clg__kplan *p, clg__launch *l, const clg__gather *s, int64_t width)
{
    CLG__ARG_BLOCK(p, l, "ROWS", { "outer", s->outer, true }, { "axis", s->axis, true }, { "n", s->n, true },
                   { "inner", s->inner, true }, { "width", width, true });
}

int64_t clg__gather_blocks(const clg__gather *s, int64_t most, int64_t *width)
{
    enum { COLUMNS = 256, LANES = 16 }; // fewer are not worth a group
    int64_t blocks = (s->inner + COLUMNS - 1) / COLUMNS;
    blocks = blocks < most ? blocks : most;
    *width = ((s->inner + blocks - 1) / blocks + LANES - 1) / LANES * LANES;
    return (s->inner + *width - 1) / *width;
}

static void plan(const clg__kernel_call *c, clg__kplan *p, const char *entry)
{
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = clg__gather_kernel(c, p, "gather", entry);
    clg__arg_buffers(p, l, 2, 1);
    clg__gather_sizes(c, p, l);
}

static void plan_select(const clg__kernel_call *c, clg__kplan *p)
{
    plan(c, p, "index_select");
}

static const char *accepts_cpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? NULL : "for CPU-class devices";
}

static void plan_select_rows(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes *s = c->params;
    const int64_t rows = s->outer * s->n, groups = 4 * (int64_t) c->caps->compute_units;
    if (rows == 0 || s->inner == 0)
        return;
    int64_t width;
    const int64_t parts = rows < groups ? rows : groups;
    const int64_t blocks = clg__gather_blocks(s, (groups + parts - 1) / parts, &width);
    clg__launch *l = clg__gather_kernel(c, p, "gather_cpu", "index_select_rows");
    clg__arg_buffers(p, l, 2, 1);
    clg__gather_rows(p, l, s, width);
    clg__kplan_grid(l, (size_t) parts, (size_t) blocks, 1, 1, 1, 1);
}

static void plan_add(const clg__kernel_call *c, clg__kplan *p)
{
    plan(c, p, "index_add");
}

static clg_tensor select_vjp(const clg__vjp *v, int i);
static clg_tensor add_vjp(const clg__vjp *v, int i);
static const clg__variant select_variants[] = {
    { "rows_cpu", accepts_cpu, plan_select_rows, false },
    { "items", NULL, plan_select, false },
};
static const clg__variant add_variants[] = {
    { "lines_cpu", clg__index_add_accepts_lines, clg__index_add_lines, false },
    { "sorted_cpu", clg__index_add_accepts_cpu, clg__index_add_plan, true },
    { "sorted_gpu", clg__index_add_accepts_gpu, clg__index_add_plan, false },
    { "items", NULL, plan_add, false },
};
static const clg__op op_index_select = { .name = "index_select", .kind = CLG__KERNEL,
                                         .vjp = select_vjp, .key = key_sizes,
                                         .params_bytes = sizeof(sizes),
                                         .variants = select_variants, .n_variants = 2, .picked_inputs = 1 };
static const clg__op op_index_add = { .name = "index_add", .kind = CLG__KERNEL, .vjp = add_vjp,
                                      .key = key_sizes, .params_bytes = sizeof(sizes),
                                      .variants = add_variants, .n_variants = 4,
                                      .row_axis_from_end = 2 };

const clg__op *const clg__gather_ops[] = { &op_index_select, &op_index_add, NULL };

static clg_tensor node(const clg__op *op, clg_tensor a, clg_tensor index, const sizes *s, int64_t n)
{
    clg__call c;
    clg_tensor in[2] = { a, index };
    if (!clg__call_begin(&c, op->name, "a index", 2, in))
        return clg__call_poison(&c);
    return clg__call_node(&c, op, a->dtype, &CLG_SHAPE(s->outer, n, s->inner), s);
}

clg_tensor clg__index_add(clg_tensor g, clg_tensor index, int64_t axis)
{
    const sizes s = { g->shape.dim[0], axis, g->shape.dim[1], g->shape.dim[2] };
    return node(&op_index_add, g, index, &s, axis);
}

static clg_tensor select_vjp(const clg__vjp *v, int i)
{
    const sizes *s = v->params;
    return i == 0 ? node(&op_index_add, v->g, v->in[1], s, s->axis) : NULL;
}

static clg_tensor add_vjp(const clg__vjp *v, int i)
{
    const sizes *s = v->params;
    return i == 0 ? node(&op_index_select, v->g, v->in[1], s, s->n) : NULL;
}

clg_tensor clg_index_select(clg_tensor a, int axis, clg_tensor index)
{
    clg__call c;
    int at;
    clg_tensor in[2] = { a, index };
    if (!clg__call_begin(&c, "index_select", "a index", 2, in))
        return clg__call_poison(&c);
    if (!clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    if (index->dtype != CLG_I32 && index->dtype != CLG_I64)
        return clg__call_fail(&c, CLG_EDTYPE, "the index must be i32 or i64");
    if (index->shape.rank > 1)
        return clg__call_fail(&c, CLG_ESHAPE, "the index has rank %d, expected 1 or 0",
                              index->shape.rank);
    const bool scalar = a->shape.rank == 0;
    sizes s = { 1, scalar ? 1 : a->shape.dim[at], clg_numel(index->shape), 1 };
    if (scalar && s.n != 1)
        return clg__call_fail(&c, CLG_ESHAPE, "the index of a 0-d tensor has %lld elements, expected 1",
                              (long long) s.n);
    for (int d = 0; d < a->shape.rank; d++) {
        s.outer *= d < at ? a->shape.dim[d] : 1;
        s.inner *= d > at ? a->shape.dim[d] : 1;
    }
    clg_shape out = a->shape;
    if (!scalar)
        out.dim[at] = s.n;
    index = clg_reshape(index, CLG_SHAPE(s.n));
    clg_tensor flat = clg_reshape(a, CLG_SHAPE(s.outer, s.axis, s.inner));
    return clg_reshape(node(&op_index_select, flat, index, &s, s.n), out);
}
