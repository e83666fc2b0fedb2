// SPDX-License-Identifier: MIT
// Sums of a table's rows in bags and what comes back: two ops, each linear in the table and in the weights, the other's
// transpose. Kernels: cl/bag_sum_cpu.cl, cl/bag_sum.cl, and for the list of a row's places ops/index_sort.c.
#include "ops/bag_sum.h"

#include "graph/build.h"
#include "ops/element.h"
#include "ops/gather.h"
#include "ops/index_sort.h"
#include "ops/registry.h"
#include <clgrad/create.h>
#include <clgrad/ops.h>
#include <clgrad/reduce.h>
#include <clgrad/scan.h>

typedef struct bags {
    clg__bags b;
    int64_t rows; // of the table
    bool weighted;
} bags;

static void key(const void *params, clg__key *k)
{
    const bags *s = params;
    clg__key_i64(k, s->b.many);
    clg__key_i64(k, s->b.length);
    clg__key_i64(k, s->b.skips);
    clg__key_i64(k, s->b.skip);
    clg__key_i64(k, s->b.counts);
    clg__key_i64(k, s->rows);
    clg__key_i64(k, s->weighted);
}

// ---- planning

typedef struct sum { // what a launch adds up
    int64_t rows, n, many, length, starts;
    int index, weight; // inputs; weight 0: none
    bool skips, counts;
    int64_t skip;
} sum;

static clg__launch *begin(const clg__kernel_call *c, clg__kplan *p, const sum *s)
{
    clg__launch *l = clg__kplan_kernel(p, c->caps->cpu_class ? "bag_sum_cpu" : "bag_sum", "bag_sum");
    clg__define_element(p, l, c->in_dtype[0]);
    clg__kplan_define(p, l, "I", "%s", clg__dtype_of(c->in_dtype[s->index])->storage);
    if (s->index == 1)
        clg__kplan_define(p, l, "T", "int"); // not used
    if (s->weight)
        clg__kplan_define(p, l, "WEIGHTED", "1");
    if (s->counts)
        clg__kplan_define(p, l, "COUNTS", "1");
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_in(p, l, s->index);
    clg__arg_in_offset(p, l, s->index);
    return l;
}

static void end(const clg__kernel_call *c, clg__kplan *p, clg__launch *l, const sum *s)
{
    const int64_t width_all = c->in_shape[0].dim[1], groups = 4 * (int64_t) c->caps->compute_units;
    if (s->weight) {
        clg__arg_in(p, l, s->weight);
        clg__arg_in_offset(p, l, s->weight);
    }
    for (int k = 0; k < 1 + s->counts; k++)
        clg__arg_out(p, l, k);
    const clg__named numbers[] = { { "K", s->rows, true }, { "n", s->n, true }, { "B", s->many, true }, { "D", width_all, true },
                                   { "length", s->length, true }, { "starts", s->starts, true }, { "skips", s->skips, true },
                                   { "skip", s->skip, true }, { "width", width_all, true } };
    clg__named all[sizeof numbers / sizeof numbers[0]];
    const int many = (int) (sizeof numbers / sizeof numbers[0]) - !c->caps->cpu_class;
    for (int k = 0; k < many; k++)
        all[k] = numbers[k];
    if (!c->caps->cpu_class) {
        clg__arg_block(p, l, "BAGS", all, (size_t) many);
        clg__kplan_items(l, s->many * width_all);
        return;
    }
    // a bag that has most of the list is shared by columns
    const clg__gather shape = { 1, s->many, s->n, width_all };
    const int64_t blocks = clg__gather_blocks(&shape, c->caps->compute_units, &all[many - 1].value);
    clg__arg_block(p, l, "BAGS", all, (size_t) many);
    clg__kplan_grid(l, (size_t) (s->many < groups ? s->many : groups), (size_t) blocks, 1, 1, 1, 1);
}

// in: table, index, [start], [weight]
static void plan_sum(const clg__kernel_call *c, clg__kplan *p)
{
    const bags *q = c->params;
    const bool lists = q->b.length == 0;
    if (clg_numel(*c->out_shape) == 0)
        return;
    const sum s = { .rows = q->rows, .n = c->in_shape[1].dim[0], .many = q->b.many, .length = q->b.length,
                    .starts = lists ? c->in_shape[2].dim[0] : 0, .index = 1, .weight = q->weighted ? 2 + lists : 0,
                    .skips = q->b.skips, .skip = q->b.skip, .counts = q->b.counts };
    clg__launch *l = begin(c, p, &s);
    if (lists) {
        clg__kplan_define(p, l, "LISTS", "1");
        clg__kplan_define(p, l, "S", "%s", clg__dtype_of(c->in_dtype[2])->storage);
        clg__arg_in(p, l, 2);
        clg__arg_in_offset(p, l, 2);
    }
    end(c, p, l, &s);
}

// in: g, the list of rows, which bag its places are in, [start], [weight]
static void plan_back(const clg__kernel_call *c, clg__kplan *p)
{
    const bags *q = c->params;
    const int64_t n = c->in_shape[1].dim[0];
    if (clg_numel(*c->out_shape) == 0)
        return;
    const clg__sort sort = { n, q->rows, c->in_dtype[1] };
    clg__sorted list = clg__sort_begin(p, &sort);
    clg__sort_keys(p, &sort, 1, list);
    list = clg__sort_run(c->caps, p, &sort, list);
    const bool cpu = c->caps->cpu_class;
    const int start = cpu ? 0 : clg__sort_starts(c->caps, p, &sort, list);
    const sum s = { .rows = q->b.many, .n = n, .many = q->rows, .index = 2, .weight = q->weighted ? 3 + (q->b.length == 0) : 0,
                    .skips = true, .skip = -1 };
    clg__launch *l = begin(c, p, &s);
    clg__kplan_define(p, l, "ORDER", "1");
    clg__sort_define(p, l, &sort);
    clg__arg_temp(p, l, cpu ? list.key : list.order);
    clg__arg_temp(p, l, cpu ? list.order : start);
    end(c, p, l, &s);
}

// ---- derivatives

clg_tensor clg__bag_of(clg_tensor start, int64_t many, int64_t n)
{
    const clg_device dev = start->dev;
    const clg_tensor one = clg__lit(dev, CLG_I64, 1), none = clg__lit(dev, CLG_I64, -1);
    const clg_tensor first = clg_maximum(clg_cast(start, CLG_I64), clg__lit(dev, CLG_I64, 0));
    // how many begin at a place, and up to it
    const clg_tensor begins = clg__index_add(clg_expand(one, CLG_SHAPE(1, many, 1)), clg_slice(first, 0, 0, many, 1), n);
    const clg_tensor bag = clg_sub(clg_cumsum(clg_reshape(begins, CLG_SHAPE(n)), 0), one);
    if (start->shape.dim[0] == many)
        return bag;
    const clg_tensor at = clg_arange(dev, CLG_I64, 0, (double) n, 1);
    return clg_where(clg_lt(at, clg_slice(first, 0, many, many + 1, 1)), bag, none);
}

static clg_tensor bag_of(const bags *q, clg_tensor start, clg_tensor index)
{
    const int64_t n = index->shape.dim[0];
    if (start)
        return clg__bag_of(start, q->b.many, n);
    const clg_dtype t = n < INT32_MAX ? CLG_I32 : CLG_I64; // read in any order: half as many bytes
    return clg_floor_divide(clg_arange(index->dev, t, 0, (double) n, 1), clg__num(index->dev, t, (double) q->b.length));
}

// Of the places: the inner products of rows of a and b, 0 where either has none.
static clg_tensor products(clg_tensor a, clg_tensor at, clg_tensor b, clg_tensor bag, clg_tensor keep)
{
    const clg_tensor zero = clg__lit(bag->dev, CLG_I64, 0);
    const clg_tensor x = clg__wide(clg_index_select(a, 0, at)), z = clg__wide(clg_index_select(b, 0, clg_maximum(bag, zero)));
    const clg_tensor there = clg_ge(bag, zero), y = clg_sum(clg_mul(x, z), CLG_AXES(1), false);
    return clg_where(keep ? clg_logical_and(there, keep) : there, y, clg__lit(a->dev, y->dtype, 0));
}

static clg_tensor back(clg_tensor g, clg_tensor list, clg_tensor bag, clg_tensor start, clg_tensor weight, const bags *q);

static clg_tensor sum_vjp(const clg__vjp *v, int i)
{
    const bags *q = v->params;
    const clg_tensor table = v->in[0], index = v->in[1], start = q->b.length ? NULL : v->in[2];
    const int w = 2 + (start != NULL);
    const clg_tensor weight = q->weighted ? v->in[w] : NULL;
    if (v->out > 0 || (i > 0 && !(weight && i == w)))
        return NULL;
    const clg_tensor bag = bag_of(q, start, index);
    const clg_tensor is = q->b.skips ? clg_eq(index, clg__num(table->dev, index->dtype, (double) q->b.skip)) : NULL;
    if (i > 0)
        return products(table, index, v->g, bag, is ? clg_logical_not(is) : NULL);
    const clg_tensor list = is ? clg_where(is, clg__lit(table->dev, index->dtype, -1), index) : index;
    return back(v->g, list, bag, start, weight, q);
}

static clg_tensor back_vjp(const clg__vjp *v, int i)
{
    const bags *q = v->params;
    const clg_tensor g = v->in[0], list = v->in[1], bag = v->in[2], start = q->b.length ? NULL : v->in[3];
    const int w = 3 + (start != NULL);
    clg__bags of = q->b;
    of.counts = false;
    of.skips = true; // what has no row took no part
    of.skip = -1;
    const clg_tensor size = clg__num(g->dev, list->dtype, (double) q->rows), none = clg__lit(g->dev, list->dtype, -1);
    const clg_tensor inside = clg_logical_and(clg_ge(list, clg__lit(g->dev, list->dtype, 0)), clg_lt(list, size));
    if (i == 0)
        return clg__bag_sum(v->g, clg_where(inside, list, none), start, q->weighted ? v->in[w] : NULL, &of, NULL);
    return q->weighted && i == w ? products(v->g, list, g, bag, inside) : NULL;
}

static const clg__variant sum_variants[] = { { "rows", NULL, plan_sum, false } };
static const clg__variant back_variants[] = { { "sorted", NULL, plan_back, false } };
static const clg__op op_sum = { .name = "bag_sum", .kind = CLG__KERNEL, .vjp = sum_vjp, .key = key,
                                .params_bytes = sizeof(bags), .variants = sum_variants, .n_variants = 1, .picked_inputs = 1 };
static const clg__op op_back = { .name = "bag_scatter", .kind = CLG__KERNEL, .vjp = back_vjp, .key = key,
                                 .params_bytes = sizeof(bags), .variants = back_variants, .n_variants = 1 };

const clg__op *const clg__bag_ops[] = { &op_sum, &op_back, NULL };

// ---- recording

// By copies of g's rows where they are narrow, where a sort is several launches too many, as in ops/index_add.c, and where
// it would take too many.
static clg_tensor back(clg_tensor g, clg_tensor list, clg_tensor bag, clg_tensor start, clg_tensor weight, const bags *q)
{
    enum { FEW = 1 << 18, NARROW = 32 };
    const int64_t n = list->shape.dim[0], width = g->shape.dim[1];
    if (width < NARROW || !clg__sort_takes(q->rows) || q->rows * width <= FEW / (n ? n : 1)) {
        const clg_tensor zero = clg__lit(g->dev, CLG_I64, 0), none = clg__lit(g->dev, list->dtype, -1);
        clg_tensor part = clg_index_select(g, 0, clg_maximum(bag, zero));
        part = weight ? clg_mul(part, clg_reshape(weight, CLG_SHAPE(n, 1))) : part;
        list = clg_where(clg_ge(bag, zero), list, none);
        const clg_tensor y = clg__index_add(clg_reshape(part, CLG_SHAPE(1, n, width)), list, q->rows);
        return clg_reshape(y, CLG_SHAPE(q->rows, width));
    }
    clg__call c;
    clg_tensor in[5] = { g, list, bag };
    int many = 3;
    if (start)
        in[many++] = start;
    if (weight)
        in[many++] = weight;
    if (!clg__call_begin(&c, "embedding_bag", NULL, many, in))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_back, g->dtype, &CLG_SHAPE(q->rows, width), q);
}

clg_tensor clg__bag_sum(clg_tensor table, clg_tensor index, clg_tensor start, clg_tensor weight, const clg__bags *b,
                        clg_tensor *count)
{
    clg__call c;
    clg_tensor in[4] = { table, index }, out[2];
    int many = 2;
    if (start)
        in[many++] = start;
    if (weight)
        in[many++] = weight;
    if (!clg__call_begin(&c, "embedding_bag", NULL, many, in))
        return clg__call_poison(&c);
    const clg_dtype t = clg__dtype_of(table->dtype)->as;
    const bags q = { *b, table->shape.dim[0], weight != NULL };
    const clg_shape s[] = { CLG_SHAPE(b->many, table->shape.dim[1]), CLG_SHAPE(b->many, 1) };
    if (!b->counts)
        return clg__call_node(&c, &op_sum, t, &s[0], &q);
    clg__call_node_n(&c, &op_sum, 2, (clg_dtype[]) { t, t }, s, &q, out);
    *count = out[1];
    return out[0];
}
