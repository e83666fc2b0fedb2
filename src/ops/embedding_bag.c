// SPDX-License-Identifier: MIT
// Rows of a table put together in bags: sums, means and largest elements of what an index takes. Bags are rows of the
// index, or parts of a list.
#include "base/dtype.h"
#include "ops/bag_sum.h"
#include "ops/element.h"
#include "ops/gather.h"
#include "ops/indexing.h"
#include <clgrad/arrange.h>
#include <clgrad/create.h>
#include <clgrad/grad.h>
#include <clgrad/index.h>
#include <clgrad/reduce.h>

#include <math.h>

typedef struct bags {
    struct clg_embedding_bag_params p;
    clg_device dev;
    clg_dtype type;    // computed in
    int64_t many, width;
    clg_tensor rows;   // [..., width], of each place of the index
    clg_tensor keep;   // BOOL, the index's shape: not padding; NULL: all
    clg_tensor weight; // of that shape and `type`, or NULL
    clg_tensor bag;    // [n] I64, -1: none
} bags;

static clg_tensor lit(const bags *b, double v)
{
    return clg__lit(b->dev, b->type, v);
}

static clg_tensor nothing(const bags *b) // where bags hold nothing: zeros that lead to table and weights
{
    const int64_t n = clg_numel(b->rows->shape) / (b->width ? b->width : 1);
    const clg_tensor none = clg_sum(clg_reshape(b->rows, CLG_SHAPE(n, b->width)), CLG_AXES(0), true);
    const clg_tensor y = clg_expand(none, CLG_SHAPE(b->many, b->width));
    return b->weight ? clg_add(y, clg_sum(clg_slice(clg_reshape(b->weight, CLG_SHAPE(-1)), 0, 0, 0, 1), CLG_ALL, false)) : y;
}

// ---- an index [B,L]

static clg_tensor largest_of_rows(const bags *b)
{
    if (!b->keep)
        return clg_max(b->rows, 1, false, NULL);
    const clg_tensor y = clg_max(clg_where(clg_unsqueeze(b->keep, -1), b->rows, lit(b, -INFINITY)), 1, false, NULL);
    return clg_where(clg_any(b->keep, CLG_AXES(1), true), y, lit(b, 0));
}

// ---- a list and where its bags begin

static clg_tensor full(const bags *b, clg_dtype t, double v)
{
    return clg_full(b->dev, t, CLG_SHAPE(b->many, b->width), v);
}

// The first of the largest, since it gets the gradient: its place in the list, found without derivatives.
static clg_tensor largest_of_list(const bags *b)
{
    const int64_t n = b->rows->shape.dim[0];
    const clg_tensor x = clg_detach(b->rows), zero = clg__lit(b->dev, CLG_I64, 0);
    const clg_tensor top = clg_index_reduce(full(b, b->type, -INFINITY), 0, b->bag, x, CLG_SCATTER_AMAX, true);
    const clg_tensor most = clg_index_select(top, 0, clg_maximum(b->bag, zero));
    const clg_tensor is = clg_logical_or(clg_eq(x, most), clg_is_nan(x)); // NaN is largest
    const clg_tensor place = clg_reshape(clg_arange(b->dev, CLG_I64, 0, (double) n, 1), CLG_SHAPE(n, 1));
    const clg_tensor at = clg_expand(clg_where(is, place, clg__num(b->dev, CLG_I64, (double) n)), x->shape);
    const clg_tensor first = clg_index_reduce(full(b, CLG_I64, (double) n), 0, b->bag, at, CLG_SCATTER_AMIN, true);
    const clg_tensor some = clg_lt(first, clg__num(b->dev, CLG_I64, (double) n));
    return clg_where(some, clg_gather(b->rows, 0, clg_where(some, first, zero)), lit(b, 0));
}

// ---- sums and means

typedef struct freq { // the table's rows
    int64_t rows;
} freq;

static void key_freq(const void *params, clg__key *k)
{
    clg__key_i64(k, ((const freq *) params)->rows);
}

// A row's gradient is divided by how often the index has it.
static clg_tensor freq_vjp(const clg__vjp *v, int i)
{
    const int64_t rows = ((const freq *) v->params)->rows, n = clg_numel(v->in[1]->shape);
    if (i != 0)
        return NULL;
    const clg_tensor g = clg__wide(v->g), one = clg__lit(g->dev, g->dtype, 1);
    const clg_tensor many = clg__index_add(clg_expand(one, CLG_SHAPE(1, n, 1)), clg_reshape(v->in[1], CLG_SHAPE(n)), rows);
    return clg_cast(clg_div(g, clg_maximum(clg_reshape(many, CLG_SHAPE(rows, 1)), one)), v->g->dtype);
}

static const clg__op op_freq = { .name = "embedding_bag", .kind = CLG__ALIAS, .vjp = freq_vjp, .key = key_freq,
                                 .params_bytes = sizeof(freq) };

static clg_tensor divided(const bags *b, clg_tensor sum, clg_tensor count)
{
    return clg_div(sum, clg_maximum(clg_reshape(clg_cast(count, b->type), CLG_SHAPE(b->many, 1)), lit(b, 1)));
}

// Of how many rows a bag is, without its sum, where no row is left out.
static clg_tensor length_of(const bags *b, clg_tensor offsets, int64_t places)
{
    const clg_tensor size = clg__num(b->dev, CLG_I64, (double) places), zero = clg__lit(b->dev, CLG_I64, 0);
    const clg_tensor first = clg_minimum(clg_maximum(clg_cast(offsets, CLG_I64), zero), size);
    const clg_tensor next = clg_slice(first, 0, 1, first->shape.dim[0], 1);
    const clg_tensor end = b->p.include_last_offset ? next : clg_pad(next, CLG_SHAPE(0), CLG_SHAPE(1), (double) places);
    return clg_sub(end, clg_slice(first, 0, 0, b->many, 1));
}

static clg_tensor summed(const bags *b, clg_tensor table, clg_tensor index, clg_tensor offsets, int64_t padding)
{
    const bool mean = b->p.mode == CLG_BAG_MEAN;
    const clg__bags of = { .many = b->many, .length = offsets ? 0 : index->shape.dim[1], .skips = b->p.use_padding,
                           .skip = padding, .counts = mean && b->p.use_padding };
    clg_tensor count = NULL;
    if (b->p.scale_grad_by_freq)
        table = clg__custom_vjp(&op_freq, table, 2, (clg_tensor[]) { table, index }, &(freq) { table->shape.dim[0] });
    const clg_tensor w = b->weight ? clg_reshape(b->weight, CLG_SHAPE(-1)) : NULL;
    const clg_tensor sum = clg__bag_sum(table, clg_reshape(index, CLG_SHAPE(-1)), offsets, w, &of, &count);
    if (!mean || sum->status < 0)
        return sum;
    if (!count && !offsets)
        return clg_div(sum, clg__num(b->dev, b->type, (double) index->shape.dim[1]));
    return divided(b, sum, count ? clg_detach(count) : length_of(b, offsets, clg_numel(index->shape)));
}

static clg_tensor check(const clg__call *c, bags *b, clg_tensor table, clg_tensor index, clg_tensor offsets)
{
    const struct clg_embedding_bag_params *p = &b->p;
    const clg_tensor bad = clg__index_check(c, index);
    if (bad)
        return bad;
    if ((unsigned) p->mode > CLG_BAG_MAX)
        return clg__call_fail(c, CLG_EINVAL, "mode %d", (int) p->mode);
    if (!clg_dtype_is_float(table->dtype))
        return clg__call_fail(c, CLG_EDTYPE, "only floating tables");
    if (table->shape.rank != 2 || index->shape.rank != (offsets ? 1 : 2) || (offsets && offsets->shape.rank != 1))
        return clg__call_fail(c, CLG_ESHAPE, "expected a table [K,D], and an index [B,L], or [n] with offsets [B]");
    if (offsets && offsets->dtype != CLG_I32 && offsets->dtype != CLG_I64)
        return clg__call_fail(c, CLG_EDTYPE, "offsets are neither I32 nor I64");
    if (p->include_last_offset && (!offsets || offsets->shape.dim[0] < 1))
        return clg__call_fail(c, CLG_ESHAPE, "include_last_offset, and no last offset");
    if (p->weight && p->mode != CLG_BAG_SUM)
        return clg__call_fail(c, CLG_EINVAL, "weights are of sums alone");
    if (p->weight && (!clg__shape_equal(&p->weight->shape, &index->shape) || p->weight->dtype != table->dtype))
        return clg__call_fail(c, CLG_ESHAPE, "weights have not the index's shape, or not the table's type");
    b->many = !offsets ? index->shape.dim[0] : offsets->shape.dim[0] - p->include_last_offset;
    return NULL;
}

clg_tensor clg_embedding_bag(clg_tensor table, clg_tensor index, clg_tensor offsets, const struct clg_embedding_bag_params *given)
{
    bags b = { .dev = NULL };
    const char *wrong = clg_params_read(&b.p, sizeof b.p, given);
    clg__call c;
    clg_tensor in[4] = { table, index };
    int n = 2;
    if (offsets)
        in[n++] = offsets;
    if (!wrong && b.p.weight)
        in[n++] = b.p.weight;
    if (!clg__call_begin(&c, "embedding_bag", offsets ? "table index offsets weight" : "table index weight", n, in))
        return clg__call_poison(&c);
    const clg_tensor bad = wrong ? clg__call_fail(&c, CLG_EINVAL, "%s", wrong) : check(&c, &b, table, index, offsets);
    if (bad)
        return bad;
    const int64_t places = clg_numel(index->shape), padding = b.p.padding_idx + (b.p.padding_idx < 0 ? table->shape.dim[0] : 0);
    if (b.p.use_padding && (padding < 0 || padding >= table->shape.dim[0]))
        return clg__call_fail(&c, CLG_EINVAL, "padding_idx %lld of %lld rows", (long long) b.p.padding_idx,
                              (long long) table->shape.dim[0]);
    b.dev = c.dev;
    b.type = clg__dtype_of(table->dtype)->as;
    b.width = table->shape.dim[1];
    b.weight = b.p.weight ? clg__wide(b.p.weight) : NULL;
    const bool none = places == 0 || b.many == 0 || b.width == 0;
    if (!none && b.p.mode != CLG_BAG_MAX) {
        const clg_tensor y = summed(&b, table, index, offsets, padding);
        return clg__call_own(&c, y->status < 0 ? y : clg_cast(y, table->dtype));
    }
    const clg_tensor rows = clg_embedding(table, index, clg_embedding_params(.padding_idx = b.p.padding_idx,
                                                                             .use_padding = b.p.use_padding,
                                                                             .scale_grad_by_freq = b.p.scale_grad_by_freq));
    if (rows->status < 0)
        return clg__call_own(&c, rows);
    b.rows = clg__wide(rows);
    b.keep = b.p.use_padding ? clg_ne(index, clg__num(c.dev, index->dtype, (double) padding)) : NULL;
    if (offsets && !none)
        b.bag = clg__bag_of(offsets, b.many, places);
    if (b.bag && b.keep)
        b.bag = clg_where(b.keep, b.bag, clg__lit(c.dev, CLG_I64, -1));
    const clg_tensor y = none ? nothing(&b) : offsets ? largest_of_list(&b) : largest_of_rows(&b);
    return clg__call_own(&c, y->status < 0 ? y : clg_cast(y, table->dtype));
}
