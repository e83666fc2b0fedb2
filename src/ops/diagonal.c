// SPDX-License-Identifier: MIT
// Diagonals, triangles, and parts put into a tensor: views, and choices by where an element stands.
#include "base/alloc.h"
#include "ops/element.h"
#include "ops/movement.h"
#include <clgrad/arrange.h>
#include <clgrad/ops.h>

// 0, 1, ... along an axis of a shape of this rank.
static clg_tensor iota(clg_device dev, int64_t n, int axis, int rank)
{
    clg_shape s = { .rank = rank };
    for (int d = 0; d < rank; d++)
        s.dim[d] = d == axis ? n : 1;
    const clg_dtype t = n < INT32_MAX ? CLG_I32 : CLG_I64;
    return clg_reshape(clg_arange(dev, t, 0, (double) n, 1), s);
}

static clg_tensor zero(clg_tensor like)
{
    return clg__lit(like->dev, like->dtype, 0);
}

static clg_tensor number(clg_tensor like, int64_t v)
{
    return clg__num(like->dev, like->dtype, (double) v);
}

static int64_t cut_to(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

// Of a matrix's elements: column - row, below `offset`, equal, or above.
static clg_tensor compared(clg_tensor a, int64_t offset, clg_tensor (*f)(clg_tensor, clg_tensor))
{
    const int rank = a->shape.rank;
    const int64_t rows = a->shape.dim[rank - 2], columns = a->shape.dim[rank - 1];
    clg_tensor row = iota(a->dev, rows, rank - 2, rank), column = iota(a->dev, columns, rank - 1, rank);
    const clg_dtype t = rows + columns < INT32_MAX / 2 ? CLG_I32 : CLG_I64;
    row = clg_cast(row, t);
    return f(clg_cast(column, t), clg_add(row, number(row, cut_to(offset, -rows - 1, columns + 1))));
}

static clg_tensor triangle(const char *name, clg_tensor a, int64_t k, clg_tensor (*f)(clg_tensor, clg_tensor))
{
    clg__call c;
    if (!clg__call_begin(&c, name, "a", 1, &a))
        return clg__call_poison(&c);
    if (a->shape.rank < 2)
        return clg__call_fail(&c, CLG_ESHAPE, "a has rank %d, expected 2 or more", a->shape.rank);
    return clg__call_own(&c, clg_where(compared(a, k, f), a, zero(a)));
}

clg_tensor clg_tril(clg_tensor a, int64_t k)
{
    return triangle("tril", a, k, clg_le);
}

clg_tensor clg_triu(clg_tensor a, int64_t k)
{
    return triangle("triu", a, k, clg_ge);
}

// ---- diagonals

typedef struct diagonal {
    int64_t offset;
    int row, column; // axes
    int64_t rows, columns, length;
} diagonal;

static void key_diagonal(const void *params, clg__key *k)
{
    const diagonal *d = params;
    clg__key_i64(k, d->offset);
    clg__key_i64(k, d->row);
    clg__key_i64(k, d->column);
    clg__key_i64(k, d->rows);
    clg__key_i64(k, d->columns);
}

static diagonal diagonal_of(int64_t rows, int64_t columns, int64_t offset, int row, int column)
{
    offset = cut_to(offset, -rows, columns);
    const int64_t down = offset < 0 ? rows + offset : rows, across = offset > 0 ? columns - offset : columns;
    return (diagonal) { offset, row, column, rows, columns, down < across ? down : across };
}

// a [..., length] as the diagonal of matrices along two axes of the result, else zeros.
static clg_tensor embedded(clg_tensor a, const diagonal *d)
{
    const int rank = a->shape.rank;
    clg_shape before = { .rank = rank }, after = before;
    before.dim[rank - 1] = d->offset < 0 ? -d->offset : 0;
    after.dim[rank - 1] = d->rows - d->length - before.dim[rank - 1];
    clg_tensor column = clg_unsqueeze(clg_pad(a, before, after, 0), -1); // [..., rows, 1]
    if (column->status < 0)
        return column;
    clg_shape s = column->shape;
    s.dim[rank] = d->columns;
    column = clg_expand(column, s);
    clg_tensor y = clg_where(compared(column, d->offset, clg_eq), column, zero(a));
    return clg_movedim(y, CLG_AXES(-2, -1), CLG_AXES(d->row, d->column));
}

static clg_tensor take_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return embedded(v->g, v->params);
}

static const clg__op op_take = { .name = "diagonal", .kind = CLG__VIEW, .vjp = take_vjp, .key = key_diagonal,
                                 .params_bytes = sizeof(diagonal) };

static clg_tensor taken(clg_tensor a, const diagonal *d)
{
    clg__call c;
    if (!clg__call_begin(&c, "diagonal", "a", 1, &a))
        return clg__call_poison(&c);
    double fill;
    clg__access from = clg__tensor_access(a, &fill);
    if (from.windowed) { // a window's sides say nothing of a diagonal
        a = clg__contiguous(a);
        if (!clg__call_begin(&c, "diagonal", "a", 1, &a))
            return clg__call_poison(&c);
        from = clg__tensor_access(a, &fill);
    }
    clg__access g = from;
    clg_shape s = { 0 };
    for (int k = 0; k < a->shape.rank; k++) {
        if (k == d->row || k == d->column)
            continue;
        g.stride[s.rank] = from.stride[k];
        s.dim[s.rank++] = a->shape.dim[k];
    }
    if (d->length)
        g.offset += (d->offset < 0 ? -d->offset * from.stride[d->row] : d->offset * from.stride[d->column]);
    g.stride[s.rank] = from.stride[d->row] + from.stride[d->column];
    s.dim[s.rank++] = d->length;
    if (clg_numel(s) == 0)
        g = clg__access_contiguous(&s);
    return clg__call_view(&c, &op_take, &s, &g, fill, d);
}

static bool two_axes(clg_tensor a, int rank, int axis0, int axis1, int *row, int *column)
{
    return rank >= 2 && clg__axis(axis0, rank, row) && clg__axis(axis1, rank, column) && *row != *column && a;
}

clg_tensor clg_diagonal(clg_tensor a, int64_t offset, int axis0, int axis1)
{
    clg__call c;
    int row, column;
    if (!clg__call_begin(&c, "diagonal", "a", 1, &a))
        return clg__call_poison(&c);
    if (!two_axes(a, a->shape.rank, axis0, axis1, &row, &column))
        return clg__call_fail(&c, CLG_ESHAPE, "axes %d and %d of a tensor of rank %d", axis0, axis1, a->shape.rank);
    const diagonal d = diagonal_of(a->shape.dim[row], a->shape.dim[column], offset, row, column);
    return clg__call_own(&c, taken(a, &d));
}

static clg_tensor embed_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return taken(v->g, v->params);
}

static const clg__op op_embed = { .name = "diag_embed", .kind = CLG__ALIAS, .vjp = embed_vjp, .key = key_diagonal,
                                  .params_bytes = sizeof(diagonal) };

clg_tensor clg_diag_embed(clg_tensor a, int64_t offset, int axis0, int axis1)
{
    clg__call c;
    int row, column;
    if (!clg__call_begin(&c, "diag_embed", "a", 1, &a))
        return clg__call_poison(&c);
    const int rank = a->shape.rank + 1;
    if (rank < 2 || rank > CLG_MAX_RANK || !two_axes(a, rank, axis0, axis1, &row, &column))
        return clg__call_fail(&c, CLG_ESHAPE, "axes %d and %d of a tensor of rank %d", axis0, axis1, rank);
    const int64_t n = a->shape.dim[a->shape.rank - 1], far = offset == INT64_MIN ? INT64_MAX : offset < 0 ? -offset : offset;
    if (far > INT32_MAX || far + n > INT64_MAX / (far + n ? far + n : 1))
        return clg__call_fail(&c, CLG_ESHAPE, "offset %lld", (long long) offset);
    const diagonal d = diagonal_of(n + far, n + far, offset, row, column);
    clg_tensor y = embedded(a, &d);
    return clg__call_own(&c, y->status < 0 ? y : clg__custom_vjp(&op_embed, y, 1, &a, &d));
}

clg_tensor clg_diag(clg_tensor a, int64_t k)
{
    clg__call c;
    if (!clg__call_begin(&c, "diag", "a", 1, &a))
        return clg__call_poison(&c);
    if (a->shape.rank != 1 && a->shape.rank != 2)
        return clg__call_fail(&c, CLG_ESHAPE, "a has rank %d, expected 1 or 2", a->shape.rank);
    return clg__call_own(&c, a->shape.rank == 1 ? clg_diag_embed(a, k, 0, 1) : clg_diagonal(a, k, 0, 1));
}

clg_tensor clg_diagflat(clg_tensor a, int64_t k)
{
    clg__call c;
    if (!clg__call_begin(&c, "diagflat", "a", 1, &a))
        return clg__call_poison(&c);
    return clg__call_own(&c, clg_diag_embed(clg_reshape(a, CLG_SHAPE(-1)), k, 0, 1));
}

// ---- parts in place of others

clg_tensor clg_diagonal_scatter(clg_tensor a, clg_tensor src, int64_t offset, int axis0, int axis1)
{
    clg__call c;
    int row, column;
    char text[128];
    if (!clg__call_begin(&c, "diagonal_scatter", "a src", 2, (clg_tensor[]) { a, src }))
        return clg__call_poison(&c);
    if (!two_axes(a, a->shape.rank, axis0, axis1, &row, &column))
        return clg__call_fail(&c, CLG_ESHAPE, "axes %d and %d of a tensor of rank %d", axis0, axis1, a->shape.rank);
    const diagonal d = diagonal_of(a->shape.dim[row], a->shape.dim[column], offset, row, column);
    clg_shape s = { 0 };
    for (int k = 0; k < a->shape.rank; k++) {
        if (k != row && k != column)
            s.dim[s.rank++] = a->shape.dim[k];
    }
    s.dim[s.rank++] = d.length;
    if (!clg__shape_equal(&s, &src->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "src is not %s", clg__shape_text(&s, text));
    clg_tensor flat = clg_movedim(a, CLG_AXES(row, column), CLG_AXES(-2, -1));
    clg_tensor y = clg_where(compared(flat, d.offset, clg_eq),
                             clg_movedim(embedded(clg_cast(src, a->dtype), &d), CLG_AXES(row, column), CLG_AXES(-2, -1)), flat);
    return clg__call_own(&c, clg_movedim(y, CLG_AXES(-2, -1), CLG_AXES(row, column)));
}

// src along `at`, one in step from start on, in place of a's elements.
static clg_tensor put_slice(clg_tensor a, clg_tensor src, int at, int64_t start, int64_t step, int64_t count)
{
    if (count == 0 || clg_numel(a->shape) == 0)
        return a;
    clg_tensor i = iota(a->dev, a->shape.dim[at], at, a->shape.rank);
    clg_tensor from = clg_sub(i, number(i, start));
    clg_tensor inside = clg_logical_and(clg_ge(from, clg__lit(a->dev, i->dtype, 0)),
                                        clg_lt(from, number(i, (count - 1) * step + 1)));
    if (step > 1)
        inside = clg_logical_and(inside, clg_eq(clg_remainder(from, number(i, step)), clg__lit(a->dev, i->dtype, 0)));
    return clg_where(inside, clg__unslice(clg_cast(src, a->dtype), &a->shape, at, start, step), a);
}

clg_tensor clg_slice_scatter(clg_tensor a, clg_tensor src, int axis, int64_t start, int64_t stop, int64_t step)
{
    clg__call c;
    int at;
    char text[128];
    if (!clg__call_begin(&c, "slice_scatter", "a src", 2, (clg_tensor[]) { a, src }))
        return clg__call_poison(&c);
    if (a->shape.rank == 0 || !clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    if (step < 1)
        return clg__call_fail(&c, CLG_EINVAL, "step is %lld", (long long) step);
    int64_t count;
    clg__slice_range(a->shape.dim[at], &start, stop, &step, &count);
    clg_shape s = a->shape;
    s.dim[at] = count;
    if (!clg__shape_equal(&s, &src->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "src is not %s", clg__shape_text(&s, text));
    return clg__call_own(&c, put_slice(a, src, at, start, step, count));
}

clg_tensor clg_select_scatter(clg_tensor a, clg_tensor src, int axis, int64_t index)
{
    clg__call c;
    int at;
    char text[128];
    if (!clg__call_begin(&c, "select_scatter", "a src", 2, (clg_tensor[]) { a, src }))
        return clg__call_poison(&c);
    if (a->shape.rank == 0 || !clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    const int64_t n = a->shape.dim[at], k = index < 0 ? index + n : index;
    if (index < -n || index >= n)
        return clg__call_fail(&c, CLG_EINVAL, "index %lld of %lld elements", (long long) index, (long long) n);
    clg_shape s = { 0 }, one = a->shape;
    one.dim[at] = 1;
    for (int d = 0; d < a->shape.rank; d++) {
        if (d != at)
            s.dim[s.rank++] = a->shape.dim[d];
    }
    if (!clg__shape_equal(&s, &src->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "src is not %s", clg__shape_text(&s, text));
    return clg__call_own(&c, put_slice(a, clg_reshape(src, one), at, k, 1, 1));
}

clg_tensor clg_block_diag_n(const clg_tensor *t, int n)
{
    clg__call c;
    if (n <= 0)
        return clg_poison(NULL, CLG_EINVAL, "block_diag: there are no tensors");
    if (!clg__call_begin(&c, "block_diag", "t[]", n, t))
        return clg__call_poison(&c);
    int64_t columns = 0, left = 0;
    for (int i = 0; i < n; i++) {
        if (t[i]->shape.rank > 2)
            return clg__call_fail(&c, CLG_ESHAPE, "tensor %d has rank %d, at most 2", i, t[i]->shape.rank);
        columns += t[i]->shape.rank ? t[i]->shape.dim[t[i]->shape.rank - 1] : 1;
    }
    const clg_dtype type = clg__result_type(n, t);
    clg_tensor few[16], *rows = few;
    if (n > (int) (sizeof few / sizeof few[0]) && !(rows = clg__malloc((size_t) n * sizeof *rows)))
        return clg__call_fail(&c, CLG_ENOMEM, "out of host memory");
    for (int i = 0; i < n; i++) { // rows of matrices as wide as the result
        const clg_shape *s = &t[i]->shape;
        const int64_t width = s->rank ? s->dim[s->rank - 1] : 1;
        clg_tensor m = clg_reshape(clg_cast(t[i], type), CLG_SHAPE(s->rank == 2 ? s->dim[0] : 1, width));
        rows[i] = clg_pad(m, CLG_SHAPE(0, left), CLG_SHAPE(0, columns - left - width), 0);
        left += width;
    }
    clg_tensor y = clg__call_own(&c, clg_concat_n(rows, n, 0));
    if (rows != few)
        clg__free(rows);
    return y;
}

// ---- windows along an axis

typedef struct windows {
    int axis;
    int64_t size, step;
} windows;

enum { OVERLAP = 4 }; // windows over an element, up to which they are added as parts

// g [outer][windows][inner][size], windows `step` apart, as [outer][all][inner]: blocks of `step` elements, to each of
// which a few parts of windows are added, from the last window to the first.
static clg_tensor overlap_add(clg_tensor g, int64_t step, int64_t all)
{
    const clg_shape s = g->shape;
    const int64_t n = s.dim[1], size = s.dim[3], blocks = (all + step - 1) / step;
    clg_tensor y = NULL;
    const clg_dtype type = g->dtype;
    g = clg__wide(clg_permute(g, CLG_AXES(0, 1, 3, 2)));
    for (int64_t q = 0; q * step < size; q++) {
        const int64_t end = (q + 1) * step < size ? (q + 1) * step : size;
        clg_tensor part = clg_slice(g, 2, q * step, end, 1);
        part = clg_pad(part, CLG_SHAPE(0, q, 0, 0), CLG_SHAPE(0, blocks - n - q, (q + 1) * step - end, 0), 0);
        y = y ? clg_add(y, part) : part;
    }
    y = clg_reshape(clg_cast(y, type), CLG_SHAPE(s.dim[0], blocks * step, s.dim[2]));
    return clg_slice(y, 1, 0, all, 1);
}

static clg_tensor windows_vjp(const clg__vjp *v, int i)
{
    const windows *p = v->params;
    const clg_shape s = v->in[0]->shape;
    (void) i;
    if (clg_numel(v->g->shape) == 0)
        return clg_zeros(v->g->dev, v->g->dtype, s);
    int64_t outer = 1, inner = 1;
    for (int d = 0; d < s.rank; d++) {
        outer *= d < p->axis ? s.dim[d] : 1;
        inner *= d > p->axis ? s.dim[d] : 1;
    }
    const int64_t n = v->g->shape.dim[p->axis];
    clg_tensor g = clg_reshape(v->g, CLG_SHAPE(outer, n, inner, p->size));
    const int64_t step = n > 1 ? p->step : p->size; // one window has no step
    const int64_t covered = (n - 1) * step + p->size;
    if ((p->size - 1) / step < OVERLAP)
        return clg_reshape(overlap_add(g, step, s.dim[p->axis]), s);
    g = clg_permute(g, CLG_AXES(0, 2, 3, 1));
    clg_tensor y = clg_fold(clg_reshape(g, CLG_SHAPE(outer * inner, p->size, n)), CLG_SHAPE(covered),
                            clg_fold_params(.kernel = (int) p->size, .stride = (int) step));
    y = clg_permute(clg_reshape(y, CLG_SHAPE(outer, inner, covered)), CLG_AXES(0, 2, 1));
    y = clg_pad(y, CLG_SHAPE(0, 0, 0), CLG_SHAPE(0, s.dim[p->axis] - covered, 0), 0); // what no window reaches
    return clg_reshape(y, s);
}

static const clg__op op_windows = { .name = "unfold_dim", .kind = CLG__VIEW, .vjp = windows_vjp,
                                    .params_bytes = sizeof(windows) };

clg_tensor clg_unfold_dim(clg_tensor a, int axis, int64_t size, int64_t step)
{
    clg__call c;
    windows p = { .size = size, .step = step };
    if (!clg__call_begin(&c, "unfold_dim", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg__axis(axis, a->shape.rank, &p.axis) || a->shape.rank == CLG_MAX_RANK)
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    if (a->shape.rank == 0) { // as one dimension, whose windows are the result's only one
        if (size < 0 || size > 1 || step < 1)
            return clg__call_fail(&c, CLG_EINVAL, "windows of %lld in steps of %lld of 1 element", (long long) size,
                                  (long long) step);
        return clg__call_own(&c, clg_slice(clg_reshape(a, CLG_SHAPE(1)), 0, 0, size, 1));
    }
    const int64_t n = a->shape.dim[p.axis];
    if (size < 0 || size > n || step < 1 || size > INT32_MAX)
        return clg__call_fail(&c, CLG_EINVAL, "windows of %lld in steps of %lld of %lld elements", (long long) size,
                              (long long) step, (long long) n);
    p.step = step = step < INT32_MAX ? step : INT32_MAX;
    double fill;
    clg__access g = clg__tensor_access(a, &fill);
    if (g.windowed) {
        a = clg__contiguous(a);
        if (!clg__call_begin(&c, "unfold_dim", "a", 1, &a))
            return clg__call_poison(&c);
        g = clg__tensor_access(a, &fill);
    }
    clg_shape s = a->shape;
    s.dim[p.axis] = (n - size) / step + 1;
    s.dim[s.rank] = size;
    g.stride[s.rank++] = g.stride[p.axis];
    g.stride[p.axis] = s.dim[p.axis] > 1 ? g.stride[p.axis] * step : 0;
    if (clg_numel(s) == 0)
        g = clg__access_contiguous(&s);
    return clg__call_view(&c, &op_windows, &s, &g, fill, &p);
}
