// SPDX-License-Identifier: MIT
// gather and scatter with what they are told by callers, and rows by lists of indices.
#include "ops/indexing.h"

#include "base/dtype.h"
#include "ops/element.h"
#include "ops/gather.h"
#include "ops/scatter.h"
#include <clgrad/arrange.h>
#include <clgrad/index.h>
#include <clgrad/ops.h>

#include <math.h>

clg_tensor clg__index_check(const clg__call *c, clg_tensor index)
{
    return index->dtype == CLG_I32 || index->dtype == CLG_I64
               ? NULL
               : clg__call_fail(c, CLG_EDTYPE, "the index must be i32 or i64");
}

clg_tensor clg__index_wrapped(clg_tensor index, int64_t n)
{
    clg_tensor size = clg__num(index->dev, CLG_I64, (double) n), zero = clg__lit(index->dev, CLG_I64, 0);
    index = clg_cast(index, CLG_I64);
    index = clg_where(clg_lt(index, zero), clg_add(index, size), index);
    clg_tensor inside = clg_logical_and(clg_ge(index, zero), clg_lt(index, size));
    return clg_where(inside, index, clg__lit(index->dev, CLG_I64, -1));
}

// [outer, axis, inner]
static clg_shape three(const clg_shape *s, int axis)
{
    clg_shape t = CLG_SHAPE(1, s->dim[axis], 1);
    for (int d = 0; d < s->rank; d++) {
        t.dim[0] *= d < axis ? s->dim[d] : 1;
        t.dim[2] *= d > axis ? s->dim[d] : 1;
    }
    return t;
}

static clg_tensor one_dimension(clg_tensor t)
{
    return t->shape.rank ? t : clg_reshape(t, CLG_SHAPE(1));
}

// ---- elements

static clg_tensor gather(clg_tensor a, int axis, clg_tensor index)
{
    for (int d = 0; d < a->shape.rank; d++)
        a = d == axis ? a : clg_slice(a, d, 0, index->shape.dim[d], 1);
    clg_tensor y = clg__gather_elements(clg_reshape(a, three(&a->shape, axis)),
                                        clg_reshape(index, three(&index->shape, axis)), false);
    return clg_reshape(y, index->shape);
}

clg_tensor clg_gather(clg_tensor a, int axis, clg_tensor index)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "gather", "a index", 2, (clg_tensor[]) { a, index }))
        return clg__call_poison(&c);
    clg_tensor bad = clg__index_check(&c, index);
    if (bad)
        return bad;
    const clg_shape result = index->shape;
    a = one_dimension(a);
    index = one_dimension(index);
    if (a->shape.rank != index->shape.rank)
        return clg__call_fail(&c, CLG_ESHAPE, "the index has rank %d, expected %d", result.rank, c.in[0]->shape.rank);
    if (!clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, c.in[0]->shape.rank);
    for (int d = 0; d < a->shape.rank && clg_numel(result); d++) {
        if (d != at && index->shape.dim[d] > a->shape.dim[d])
            return clg__call_fail(&c, CLG_ESHAPE, "the index has %lld elements along axis %d, expected at most %lld",
                                  (long long) index->shape.dim[d], d, (long long) a->shape.dim[d]);
    }
    if (clg_numel(result) == 0) { // whatever the sizes; its gradient is of a's shape
        clg_tensor none = clg_slice(clg_reshape(a, CLG_SHAPE(-1)), 0, 0, 0, 1);
        return clg__call_own(&c, clg_reshape(none, result));
    }
    return clg__call_own(&c, clg_reshape(gather(a, at, index), result));
}

// What is sent where, in the corner of a that the index covers.
static clg_tensor scatter(clg_tensor a, int axis, clg_tensor index, clg_tensor src, clg__scatter_kind kind)
{
    for (int d = 0; d < a->shape.rank; d++) {
        const int64_t n = index->shape.dim[d];
        if (d != axis && n < a->shape.dim[d])
            return clg_slice_scatter(a, scatter(clg_slice(a, d, 0, n, 1), axis, index, src, kind), d, 0, n, 1);
    }
    for (int d = 0; d < src->shape.rank; d++)
        src = clg_slice(src, d, 0, index->shape.dim[d], 1);
    const clg_shape s = three(&a->shape, axis), list = three(&index->shape, axis);
    clg_tensor y = clg__scatter(clg_reshape(a, s), s.dim[1], clg_reshape(index, list), clg_reshape(src, list), kind);
    return clg_reshape(y, a->shape);
}

typedef struct scattered { // what a scattering call was given, checked
    clg_tensor a, index, src;
    int axis;
} scattered;

static clg_tensor check_scatter(const clg__call *c, int axis, bool number, scattered *s)
{
    clg_tensor bad = clg__index_check(c, c->in[1]);
    if (bad)
        return bad;
    s->a = one_dimension(c->in[0]);
    s->index = one_dimension(c->in[1]);
    s->src = number ? NULL : one_dimension(c->in[2]);
    const int rank = s->a->shape.rank;
    if (s->src && s->src->dtype != s->a->dtype)
        return clg__call_fail(c, CLG_EDTYPE, "src is %s, expected %s", clg_dtype_name(s->src->dtype),
                              clg_dtype_name(s->a->dtype));
    if (!clg__axis(axis, rank, &s->axis))
        return clg__call_fail(c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, c->in[0]->shape.rank);
    if (clg_numel(s->index->shape) == 0)
        return NULL;
    if (s->index->shape.rank != rank || (s->src && s->src->shape.rank != rank))
        return clg__call_fail(c, CLG_ESHAPE, "a, index and src differ in rank");
    for (int d = 0; d < rank; d++) {
        const int64_t n = s->index->shape.dim[d];
        if ((d != s->axis && n > s->a->shape.dim[d]) || (s->src && n > s->src->shape.dim[d]))
            return clg__call_fail(c, CLG_ESHAPE, "the index has %lld elements along axis %d, more than a or src",
                                  (long long) n, d);
    }
    return NULL;
}

clg_tensor clg_scatter(clg_tensor a, int axis, clg_tensor index, clg_tensor src)
{
    clg__call c;
    scattered s;
    if (!clg__call_begin(&c, "scatter", "a index src", 3, (clg_tensor[]) { a, index, src }))
        return clg__call_poison(&c);
    clg_tensor bad = check_scatter(&c, axis, false, &s);
    if (bad || clg_numel(index->shape) == 0)
        return bad ? bad : a;
    return clg__call_own(&c, clg_reshape(scatter(s.a, s.axis, s.index, s.src, CLG__SCATTER_SET), a->shape));
}

clg_tensor clg_scatter_value(clg_tensor a, int axis, clg_tensor index, double value)
{
    clg__call c;
    scattered s;
    if (!clg__call_begin(&c, "scatter_value", "a index", 2, (clg_tensor[]) { a, index }))
        return clg__call_poison(&c);
    clg_tensor bad = check_scatter(&c, axis, true, &s);
    if (bad || clg_numel(index->shape) == 0)
        return bad ? bad : a;
    clg_tensor v = clg_expand(clg_scalar(c.dev, a->dtype, value), s.index->shape);
    return clg__call_own(&c, clg_reshape(scatter(s.a, s.axis, s.index, v, CLG__SCATTER_SET), a->shape));
}

// What a place holds before the first element is sent there, where its own does not take part. Whole numbers start from
// an element that is sent: none of them is below all others in the text of every kernel.
static clg_tensor neutral(const scattered *s, clg_scatter_reduction r)
{
    const bool extreme = r == CLG_SCATTER_AMAX || r == CLG_SCATTER_AMIN;
    if (extreme && !clg_dtype_is_float(s->src->dtype))
        return s->src;
    const double v = r == CLG_SCATTER_PROD ? 1 : r == CLG_SCATTER_AMAX ? -INFINITY : extreme ? INFINITY : 0;
    clg_tensor wide = clg__wide(s->src);
    return clg_expand(clg__lit(wide->dev, wide->dtype, v), s->index->shape);
}

static clg_tensor reduce(const scattered *s, clg_scatter_reduction r, bool include_self)
{
    static const clg__scatter_kind kinds[] = { CLG__SCATTER_ADD, CLG__SCATTER_MUL, CLG__SCATTER_ADD, CLG__SCATTER_MAX,
                                               CLG__SCATTER_MIN };
    clg_tensor a = clg__wide(s->a), src = clg__wide(s->src);
    const clg_shape places = s->index->shape;
    if (!include_self)
        a = scatter(a, s->axis, s->index, neutral(s, r), CLG__SCATTER_SET);
    clg_tensor y = scatter(a, s->axis, s->index, src, kinds[r]);
    if (r == CLG_SCATTER_MEAN) {
        clg_tensor one = clg__lit(a->dev, a->dtype, 1), zero = clg__lit(a->dev, a->dtype, 0);
        clg_tensor many = clg_expand(include_self ? one : zero, a->shape);
        many = scatter(many, s->axis, s->index, clg_expand(one, places), CLG__SCATTER_ADD);
        many = include_self ? many : clg_maximum(many, one);
        y = clg_dtype_is_float(y->dtype) ? clg_div(y, many) : clg_floor_divide(y, many);
    }
    return clg_cast(y, s->a->dtype);
}

static clg_tensor check_reduction(const clg__call *c, clg_scatter_reduction r)
{
    if ((int) r < CLG_SCATTER_SUM || r > CLG_SCATTER_AMIN)
        return clg__call_fail(c, CLG_EINVAL, "no such reduction");
    return c->in[0]->dtype == CLG_BOOL ? clg__call_fail(c, CLG_EDTYPE, "bool cannot be reduced") : NULL;
}

static clg_tensor scatter_reduce(const char *name, clg_tensor a, int axis, clg_tensor index, clg_tensor src,
                                 clg_scatter_reduction r, bool include_self)
{
    clg__call c;
    scattered s;
    if (!clg__call_begin(&c, name, "a index src", 3, (clg_tensor[]) { a, index, src }))
        return clg__call_poison(&c);
    clg_tensor bad = check_reduction(&c, r);
    bad = bad ? bad : check_scatter(&c, axis, false, &s);
    if (bad || clg_numel(index->shape) == 0)
        return bad ? bad : a;
    return clg__call_own(&c, clg_reshape(reduce(&s, r, include_self), a->shape));
}

clg_tensor clg_scatter_reduce(clg_tensor a, int axis, clg_tensor index, clg_tensor src, clg_scatter_reduction r,
                              bool include_self)
{
    return scatter_reduce("scatter_reduce", a, axis, index, src, r, include_self);
}

clg_tensor clg_scatter_add(clg_tensor a, int axis, clg_tensor index, clg_tensor src)
{
    return scatter_reduce("scatter_add", a, axis, index, src, CLG_SCATTER_SUM, true);
}

// ---- rows

// The last place of the list that names each row, from 1; 0: none does.
static clg_tensor last_place(clg_tensor index, int64_t rows)
{
    const int64_t n = clg_numel(index->shape);
    const clg_dtype t = n < INT32_MAX ? CLG_I32 : CLG_I64;
    const clg_shape list = CLG_SHAPE(1, n, 1);
    clg_tensor place = clg_reshape(clg_arange(index->dev, t, 1, (double) n + 1, 1), list);
    return clg_reshape(clg__scatter(NULL, rows, clg_reshape(index, list), place, CLG__SCATTER_SET), CLG_SHAPE(rows));
}

// v [n] along an axis of a shape
static clg_tensor along(clg_tensor v, const clg_shape *like, int axis)
{
    clg_shape s = { .rank = like->rank };
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = d == axis ? v->shape.dim[0] : 1;
    return clg_reshape(v, s);
}

static void key_axis(const void *params, clg__key *k)
{
    clg__key_i64(k, *(const int *) params);
}

// Rows of g where the index is one, else zeros.
static clg_tensor rows_or_zeros(clg_tensor g, int axis, clg_tensor index)
{
    clg_tensor size = clg__num(g->dev, index->dtype, (double) g->shape.dim[axis]);
    clg_tensor inside = clg_logical_and(clg_ge(index, clg__lit(g->dev, index->dtype, 0)), clg_lt(index, size));
    return clg_where(along(inside, &g->shape, axis), clg_index_select(g, axis, index), clg__lit(g->dev, g->dtype, 0));
}

static clg_tensor set_vjp(const clg__vjp *v, int i)
{
    const int axis = *(const int *) v->params;
    const clg_tensor g = v->g, index = v->in[2];
    if (i == 1) // as PyTorch: also where another row of the list came later
        return rows_or_zeros(g, axis, index);
    if (i == 2)
        return NULL;
    clg_tensor hit = along(last_place(index, g->shape.dim[axis]), &g->shape, axis);
    return clg_where(hit, clg__lit(g->dev, g->dtype, 0), g);
}

static const clg__op op_rows_set = { .name = "index_copy", .kind = CLG__ALIAS, .vjp = set_vjp, .key = key_axis,
                                     .params_bytes = sizeof(int) };

clg_tensor clg__index_rows_set(const clg__call *c, clg_tensor a, int axis, clg_tensor index, clg_tensor src)
{
    if (clg_numel(index->shape) == 0 || clg_numel(a->shape) == 0)
        return a;
    clg_tensor place = last_place(index, a->shape.dim[axis]);
    clg_tensor from = clg_sub(place, clg__lit(c->dev, place->dtype, 1));
    clg_tensor y = clg_where(along(place, &a->shape, axis), clg_index_select(src, axis, from), a);
    return y->status < 0 ? y : clg__custom_vjp(&op_rows_set, y, 3, (clg_tensor[]) { a, src, index }, &axis);
}

// The transpose of choosing rows: what nothing is sent to is zero.
static clg_tensor sent(clg_tensor src, int axis, clg_tensor index, int64_t rows)
{
    const clg_shape from = three(&src->shape, axis);
    clg_shape to = src->shape;
    to.dim[axis] = rows;
    return clg_reshape(clg__index_add(clg_reshape(src, from), index, rows), to);
}

clg_tensor clg__index_rows_add(const clg__call *c, clg_tensor a, int axis, clg_tensor index, clg_tensor src)
{
    (void) c;
    if (clg_numel(index->shape) == 0 || clg_numel(a->shape) == 0)
        return a;
    return clg_cast(clg_add(clg__wide(a), sent(clg__wide(src), axis, index, a->shape.dim[axis])), a->dtype);
}

typedef struct rows {
    clg_tensor a, index, src;
    int axis;
} rows;

// a, index and maybe src of a call that names rows of a.
static clg_tensor check_rows(const clg__call *c, int axis, rows *r)
{
    clg_tensor bad = clg__index_check(c, c->in[1]);
    if (bad)
        return bad;
    const int rank = c->in[0]->shape.rank;
    if (!clg__axis(axis, rank, &r->axis))
        return clg__call_fail(c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, rank);
    if (c->in[1]->shape.rank > 1)
        return clg__call_fail(c, CLG_ESHAPE, "the index has rank %d, expected 1 or 0", c->in[1]->shape.rank);
    r->a = one_dimension(c->in[0]);
    r->index = one_dimension(c->in[1]);
    r->src = NULL;
    if (c->n < 3)
        return NULL;
    clg_shape want = r->a->shape, given = c->in[2]->shape;
    want.dim[r->axis] = r->index->shape.dim[0];
    if (c->in[2]->dtype != c->in[0]->dtype)
        return clg__call_fail(c, CLG_EDTYPE, "src is %s, expected %s", clg_dtype_name(c->in[2]->dtype),
                              clg_dtype_name(c->in[0]->dtype));
    if (given.rank == 0 && clg_numel(want) == 1 && want.rank == 1) // a number is one row of a vector
        given = want;
    char text[128];
    if (!clg__shape_equal(&given, &want))
        return clg__call_fail(c, CLG_ESHAPE, "src is not %s", clg__shape_text(&want, text));
    r->src = clg_reshape(c->in[2], want);
    return NULL;
}

clg_tensor clg_index_add(clg_tensor a, int axis, clg_tensor index, clg_tensor src, double alpha)
{
    clg__call c;
    rows r;
    if (!clg__call_begin(&c, "index_add", "a index src", 3, (clg_tensor[]) { a, index, src }))
        return clg__call_poison(&c);
    clg_tensor bad = a->dtype == CLG_BOOL ? clg__call_fail(&c, CLG_EDTYPE, "bool cannot be added up") : NULL;
    bad = bad ? bad : check_rows(&c, axis, &r);
    if (bad)
        return bad;
    clg_tensor part = clg__wide(r.src);
    const bool wraps = alpha < 0 && !clg_dtype_is_float(part->dtype); // unsigned types hold no number below 0
    part = alpha == 1 ? part : clg_mul(part, clg_scalar(c.dev, part->dtype, wraps ? -alpha : alpha));
    part = wraps ? clg_neg(part) : part;
    clg_tensor sum = clg__index_rows_add(&c, clg__wide(r.a), r.axis, r.index, part);
    return clg__call_own(&c, clg_reshape(clg_cast(sum, a->dtype), a->shape));
}

clg_tensor clg_index_copy(clg_tensor a, int axis, clg_tensor index, clg_tensor src)
{
    clg__call c;
    rows r;
    if (!clg__call_begin(&c, "index_copy", "a index src", 3, (clg_tensor[]) { a, index, src }))
        return clg__call_poison(&c);
    clg_tensor bad = check_rows(&c, axis, &r);
    if (bad)
        return bad;
    return clg__call_own(&c, clg_reshape(clg__index_rows_set(&c, r.a, r.axis, r.index, r.src), a->shape));
}

clg_tensor clg_index_fill(clg_tensor a, int axis, clg_tensor index, double value)
{
    clg__call c;
    rows r;
    if (!clg__call_begin(&c, "index_fill", "a index", 2, (clg_tensor[]) { a, index }))
        return clg__call_poison(&c);
    clg_tensor bad = check_rows(&c, axis, &r);
    if (bad || clg_numel(index->shape) == 0 || clg_numel(a->shape) == 0)
        return bad ? bad : a;
    const int64_t n = r.a->shape.dim[r.axis];
    clg_tensor hit = along(last_place(clg__index_wrapped(r.index, n), n), &r.a->shape, r.axis);
    return clg__call_own(&c, clg_reshape(clg_where(hit, clg_scalar(c.dev, a->dtype, value), r.a), a->shape));
}

clg_tensor clg_index_reduce(clg_tensor a, int axis, clg_tensor index, clg_tensor src, clg_scatter_reduction how,
                            bool include_self)
{
    clg__call c;
    rows r;
    if (!clg__call_begin(&c, "index_reduce", "a index src", 3, (clg_tensor[]) { a, index, src }))
        return clg__call_poison(&c);
    clg_tensor bad = check_reduction(&c, how);
    bad = bad ? bad : check_rows(&c, axis, &r);
    if (bad || clg_numel(src->shape) == 0)
        return bad ? bad : a;
    const scattered s = { r.a, clg_expand(along(r.index, &r.a->shape, r.axis), r.src->shape), r.src, r.axis };
    return clg__call_own(&c, clg_reshape(reduce(&s, how, include_self), a->shape));
}
