// SPDX-License-Identifier: MIT
// index_add over a sorted list. The list is sorted once (ops/index_sort.c); then each row adds what the list sends there,
// in the order of the list: the bits are those of a sum along it, and time grows with indices and rows together.
// Kernels: cl/index_sort.cl, cl/gather_cpu.cl, cl/gather.cl; of single elements cl/scatter.cl.
#include "base/dtype.h"
#include "ops/element.h"
#include "ops/gather.h"
#include "ops/index_sort.h"

static const char *accepts(const clg__kernel_call *c, bool cpu_class, int64_t few)
{
    const clg__gather *s = c->params;
    if (c->caps->cpu_class != cpu_class)
        return cpu_class ? "for CPU-class devices" : "for GPU-class devices";
    const int64_t results = s->outer * s->axis * s->inner;
    if (s->n == 0 || (!c->forced && results <= few / s->n))
        return "the table or the list is small";
    if (!clg__sort_takes(s->axis))
        return "more rows than three passes sort";
    return NULL;
}

// Below, a comparison of every row with every index takes less than the launches of a sort.
const char *clg__index_add_accepts_cpu(const clg__kernel_call *c)
{
    return accepts(c, true, 1 << 18);
}

const char *clg__index_add_accepts_gpu(const clg__kernel_call *c)
{
    return accepts(c, false, 1 << 22);
}

// Rows of an element: each is sent where it goes, in the order of the list, by who has that part of the result. All
// read all of the list, which many cores had better not.
const char *clg__index_add_accepts_lines(const clg__kernel_call *c)
{
    enum { FEW_CORES = 8 };
    const clg__gather *s = c->params;
    if (!c->caps->cpu_class)
        return "for CPU-class devices";
    if (s->inner != 1 || clg__is_packed(c->in_dtype[0]))
        return "rows of several elements, or of a type that is not added up as it is stored";
    if (!c->forced && s->outer < c->caps->compute_units && c->caps->compute_units > FEW_CORES)
        return "more cores than lists";
    return NULL;
}

void clg__index_add_lines(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__gather *s = c->params;
    const int64_t units = c->caps->compute_units, outers = s->outer < 4 * units ? s->outer : 4 * units;
    if (clg_numel(*c->out_shape) == 0)
        return;
    int64_t ranges = (units + outers - 1) / outers;
    ranges = ranges < s->axis ? ranges : s->axis;
    clg__launch *l = clg__gather_kernel(c, p, "scatter", "scatter_lines");
    clg__kplan_define(p, l, "OP(a, b)", "%s", "((a) + (b))");
    clg__arg_buffers(p, l, 2, 1);
    CLG__ARG_BLOCK(p, l, "SCATTER", { "outer", s->outer, true }, { "axis", s->axis, true }, { "n", s->n, true },
                   { "inner", 1, true }, { "s0", s->n, true }, { "s1", 1, true }, { "s2", 1, true },
                   { "i0", 0, true }, { "i1", 1, true }, { "i2", 0, true }, { "width", 1, true });
    clg__kplan_grid(l, (size_t) outers, 1, (size_t) ranges, 1, 1, 1);
}

static void add_cpu(const clg__kernel_call *c, clg__kplan *p, const clg__sort *sort, clg__sorted list)
{
    const clg__gather *s = c->params;
    const int64_t units = c->caps->compute_units, groups = 4 * units;
    const int64_t outers = s->outer < groups ? s->outer : groups;
    int64_t parts = (groups + outers - 1) / outers;
    parts = parts < s->axis ? parts : s->axis;
    // a row that takes most of the list is shared by columns
    int64_t width;
    const int64_t blocks = clg__gather_blocks(s, units, &width);
    clg__launch *l = clg__gather_kernel(c, p, "gather_cpu", "index_add_rows");
    clg__sort_define(p, l, sort);
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_temp(p, l, list.key);
    clg__arg_temp(p, l, list.order);
    clg__arg_out(p, l, 0);
    clg__gather_rows(p, l, s, width);
    clg__arg_epilogue(p, l);
    clg__kplan_grid(l, (size_t) parts, (size_t) outers, (size_t) blocks, 1, 1, 1);
}

static void add_gpu(const clg__kernel_call *c, clg__kplan *p, const clg__sort *sort, clg__sorted list)
{
    const int start = clg__sort_starts(c->caps, p, sort, list);
    clg__launch *l = clg__gather_kernel(c, p, "gather", "index_add_sorted");
    clg__sort_define(p, l, sort);
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_temp(p, l, list.order);
    clg__arg_temp(p, l, start);
    clg__arg_out(p, l, 0);
    clg__gather_sizes(c, p, l);
}

void clg__index_add_plan(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__gather *s = c->params;
    const clg__sort sort = { s->n, s->axis, c->in_dtype[1] };
    clg__sorted list = clg__sort_begin(p, &sort);
    clg__sort_keys(p, &sort, 1, list);
    list = clg__sort_run(c->caps, p, &sort, list);
    if (c->caps->cpu_class)
        add_cpu(c, p, &sort, list);
    else
        add_gpu(c, p, &sort, list);
}
