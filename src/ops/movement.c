// SPDX-License-Identifier: MIT
// Movement ops: views over the same memory. Only a reshape or pad that strides cannot say copies.
#include "base/dtype.h"
#include "base/fp.h"
#include "graph/build.h"
#include "ops/movement.h"
#include <clgrad/ops.h>

#include <math.h>
#include <string.h>

static const clg__op op_reshape, op_permute, op_expand, op_slice, op_pad;

// t, or a copy of it when access g of a view could not be formed
static clg_tensor view(clg_tensor t, const clg__op *op, const clg_shape *s, const clg__access *g,
                       double fill, const void *params)
{
    clg__call c;
    if (!clg__call_begin(&c, op->name, "a", 1, &t))
        return clg__call_poison(&c);
    return clg__call_view(&c, op, s, g, fill, params);
}

// ---- reshape

static clg_tensor reshape_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return clg_reshape(v->g, v->in[0]->shape);
}

static const clg__op op_reshape = { .name = "reshape", .kind = CLG__VIEW, .vjp = reshape_vjp };

clg_tensor clg_reshape(clg_tensor a, clg_shape shape)
{
    clg__call c;
    char text[128];
    if (!clg__call_begin(&c, "reshape", "a", 1, &a))
        return clg__call_poison(&c);
    const int64_t have = clg_numel(a->shape);
    int unknown = -1;
    int64_t rest = 1;
    if (shape.rank < 0 || shape.rank > CLG_MAX_RANK)
        return clg__call_fail(&c, CLG_ESHAPE, "rank %d, expected 0 to %d", shape.rank, CLG_MAX_RANK);
    for (int d = 0; d < shape.rank; d++) {
        if (shape.dim[d] == -1 && unknown < 0)
            unknown = d;
        else if (shape.dim[d] < 0 || (shape.dim[d] && rest > INT64_MAX / shape.dim[d]))
            return clg__call_fail(&c, CLG_ESHAPE, "cannot reshape to %s",
                                  clg__shape_text(&shape, text));
        else
            rest *= shape.dim[d];
    }
    if (unknown >= 0 && rest > 0 && have % rest == 0)
        shape.dim[unknown] = have / rest;
    if ((unknown >= 0 && (rest == 0 || have % rest != 0)) || clg_numel(shape) != have)
        return clg__call_fail(&c, CLG_ESHAPE, "%lld elements do not make shape %s",
                              (long long) have, clg__shape_text(&shape, text));
    if (clg__shape_equal(&shape, &a->shape))
        return a;
    double fill;
    clg__access g = clg__tensor_access(a, &fill);
    if (!clg__access_reshape(&g, &a->shape, &shape)) {
        a = clg__contiguous(a);
        g = clg__access_contiguous(&shape);
    }
    return view(a, &op_reshape, &shape, &g, fill, NULL);
}

clg_tensor clg_flatten(clg_tensor a, int first, int last)
{
    clg__call c;
    int f, l;
    if (!clg__call_begin(&c, "flatten", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg__axis(first, a->shape.rank, &f) || !clg__axis(last, a->shape.rank, &l) || f > l)
        return clg__call_fail(&c, CLG_ESHAPE, "axes %d to %d of a tensor of rank %d", first, last,
                              a->shape.rank);
    if (a->shape.rank == 0)
        return clg_reshape(a, CLG_SHAPE(1));
    clg_shape s = { 0 };
    for (int d = 0; d < a->shape.rank; d++) {
        if (d > f && d <= l)
            s.dim[s.rank - 1] *= a->shape.dim[d];
        else
            s.dim[s.rank++] = a->shape.dim[d];
    }
    return clg_reshape(a, s);
}

clg_tensor clg_squeeze(clg_tensor a, clg_shape axes)
{
    clg__call c;
    bool flag[CLG_MAX_RANK];
    int64_t bad;
    if (!clg__call_begin(&c, "squeeze", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg__axes(axes, a->shape.rank, flag, &bad))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %lld is out of range or doubled",
                              (long long) bad);
    clg_shape s = { 0 };
    for (int d = 0; d < a->shape.rank; d++) {
        if (!flag[d] || a->shape.dim[d] != 1)
            s.dim[s.rank++] = a->shape.dim[d];
    }
    return clg_reshape(a, s);
}

clg_tensor clg_unsqueeze(clg_tensor a, int axis)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "unsqueeze", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg__axis(axis, a->shape.rank + 1, &at) || a->shape.rank == CLG_MAX_RANK)
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis,
                              a->shape.rank);
    clg_shape s = { .rank = a->shape.rank + 1 };
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = d < at ? a->shape.dim[d] : d == at ? 1 : a->shape.dim[d - 1];
    return clg_reshape(a, s);
}

// ---- permute

typedef struct perm {
    int axis[CLG_MAX_RANK];
} perm;

static clg_tensor permute_vjp(const clg__vjp *v, int i)
{
    const perm *p = v->params;
    clg_shape back = { .rank = v->in[0]->shape.rank };
    (void) i;
    for (int d = 0; d < back.rank; d++)
        back.dim[p->axis[d]] = d;
    return clg_permute(v->g, back);
}

static const clg__op op_permute = { .name = "permute", .kind = CLG__VIEW, .vjp = permute_vjp,
                                    .params_bytes = sizeof(perm) };

clg_tensor clg_permute(clg_tensor a, clg_shape axes)
{
    clg__call c;
    perm p = { { 0 } };
    bool used[CLG_MAX_RANK] = { false };
    if (!clg__call_begin(&c, "permute", "a", 1, &a))
        return clg__call_poison(&c);
    if (axes.rank != a->shape.rank)
        return clg__call_fail(&c, CLG_ESHAPE, "%d axes for a tensor of rank %d", axes.rank,
                              a->shape.rank);
    clg_shape s = { .rank = axes.rank };
    for (int d = 0; d < s.rank; d++) {
        if (!clg__axis(axes.dim[d], s.rank, &p.axis[d]) || used[p.axis[d]])
            return clg__call_fail(&c, CLG_ESHAPE, "axis %lld is out of range or doubled",
                                  (long long) axes.dim[d]);
        used[p.axis[d]] = true;
        s.dim[d] = a->shape.dim[p.axis[d]];
    }
    double fill;
    clg__access g = clg__tensor_access(a, &fill);
    clg__access_permute(&g, p.axis, s.rank);
    return view(a, &op_permute, &s, &g, fill, &p);
}

clg_tensor clg_transpose(clg_tensor a, int axis0, int axis1)
{
    clg__call c;
    int x, y;
    if (!clg__call_begin(&c, "transpose", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg__axis(axis0, a->shape.rank, &x) || !clg__axis(axis1, a->shape.rank, &y))
        return clg__call_fail(&c, CLG_ESHAPE, "axes %d and %d of a tensor of rank %d", axis0, axis1,
                              a->shape.rank);
    clg_shape axes = { .rank = a->shape.rank };
    if (x == y)
        return a;
    for (int d = 0; d < axes.rank; d++)
        axes.dim[d] = d == x ? y : d == y ? x : d;
    return clg_permute(a, axes);
}

// ---- expand: the sweep un-broadcasts, so the cotangent passes as it is

static clg_tensor expand_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return v->g;
}

static const clg__op op_expand = { .name = "expand", .kind = CLG__VIEW, .vjp = expand_vjp };

clg_tensor clg_expand(clg_tensor a, clg_shape shape)
{
    clg__call c;
    char text[128];
    if (clg__is_usable(a) && clg__shape_equal(&a->shape, &shape))
        return a;
    if (!clg__call_begin(&c, "expand", "a", 1, &a))
        return clg__call_poison(&c);
    if (shape.rank < 0 || shape.rank > CLG_MAX_RANK)
        return clg__call_fail(&c, CLG_ESHAPE, "rank %d, expected 0 to %d", shape.rank, CLG_MAX_RANK);
    const int lead = shape.rank - a->shape.rank;
    double fill;
    const clg__access from = clg__tensor_access(a, &fill);
    clg__access g = from;
    bool ok = lead >= 0;
    for (int d = 0; d < shape.rank && ok; d++) {
        const int64_t have = d < lead ? 1 : a->shape.dim[d - lead];
        if (shape.dim[d] == -1 && d >= lead)
            shape.dim[d] = have;
        ok = shape.dim[d] >= 0 && (have == shape.dim[d] || have == 1);
        g.stride[d] = d < lead ? 0 : from.stride[d - lead];
        g.lo[d] = d < lead ? 0 : from.lo[d - lead];
        g.hi[d] = d < lead ? 1 : from.hi[d - lead];
        if (ok && have != shape.dim[d])
            clg__access_expand(&g, d, shape.dim[d]);
    }
    if (!ok)
        return clg__call_fail(&c, CLG_ESHAPE, "cannot expand to %s", clg__shape_text(&shape, text));
    return view(a, &op_expand, &shape, &g, fill, NULL);
}

// ---- slice and flip

typedef struct cut {
    int axis;
    int64_t start, step, count;
} cut;

// Interleaved by a reshape where the step is not 1.
clg_tensor clg__unslice(clg_tensor g, const clg_shape *full, int axis, int64_t start, int64_t step)
{
    const int64_t count = g->shape.dim[axis], size = step < 0 ? -step : step;
    if (count == 0)
        return clg_zeros(g->dev, g->dtype, *full);
    if (step < 0)
        g = clg_flip(g, CLG_AXES(axis));
    clg_shape before = { .rank = full->rank }, after = { .rank = full->rank };
    if (size > 1) { // [outer, n, inner] -> [outer, n, 1, inner] -> pad to step: rank 4, also of rank 8
        clg_shape s = g->shape;
        int64_t outer = 1, inner = 1;
        for (int d = 0; d < s.rank; d++) {
            outer *= d < axis ? s.dim[d] : 1;
            inner *= d > axis ? s.dim[d] : 1;
        }
        clg_tensor u = clg_reshape(g, CLG_SHAPE(outer, count, 1, inner));
        u = clg_pad(u, CLG_SHAPE(0, 0, 0, 0), CLG_SHAPE(0, 0, size - 1, 0), 0);
        s.dim[axis] *= size;
        g = clg_reshape(u, s);
    }
    const int64_t first = step < 0 ? start + (count - 1) * step : start;
    before.dim[axis] = first;
    const int64_t room = full->dim[axis] - first;
    if (g->status >= 0 && g->shape.dim[axis] > room)
        g = clg_slice(g, axis, 0, room, 1);
    if (g->status < 0)
        return g;
    after.dim[axis] = full->dim[axis] - first - g->shape.dim[axis];
    return clg_pad(g, before, after, 0);
}

static clg_tensor slice_vjp(const clg__vjp *v, int i)
{
    const cut *p = v->params;
    (void) i;
    return clg__unslice(v->g, &v->in[0]->shape, p->axis, p->start, p->step);
}

static const clg__op op_slice = { .name = "slice", .kind = CLG__VIEW, .vjp = slice_vjp,
                                  .params_bytes = sizeof(cut) };

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

void clg__slice_range(int64_t n, int64_t *start, int64_t stop, int64_t *step, int64_t *count)
{
    int64_t from = *start < 0 ? (*start < -n ? -1 : *start + n) : *start, span;
    if (*step > 0) {
        stop = stop < 0 ? (stop < -n ? 0 : stop + n) : stop;
        from = clamp(from, 0, n);
        span = clamp(stop, 0, n) - from;
    } else { // as NumPy: a stop before the first element is INT64_MIN
        stop = stop < 0 ? (stop < -n ? -1 : stop + n) : stop;
        from = clamp(from, -1, n - 1);
        span = from - clamp(stop, -1, n - 1);
    }
    // Steps may be anything, and INT64_MIN has no magnitude of its own.
    const uint64_t size = *step < 0 ? -(uint64_t) *step : (uint64_t) *step;
    *count = span > 0 ? 1 + (int64_t) ((uint64_t) (span - 1) / size) : 0;
    *step = *count <= 1 ? 1 : *step; // of one element: any step, and one that can be multiplied
    *start = from;
}

clg_tensor clg_slice(clg_tensor a, int axis, int64_t start, int64_t stop, int64_t step)
{
    clg__call c;
    cut p = { .start = start, .step = step };
    if (!clg__call_begin(&c, "slice", "a", 1, &a))
        return clg__call_poison(&c);
    if (a->shape.rank == 0 || !clg__axis(axis, a->shape.rank, &p.axis))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis,
                              a->shape.rank);
    if (step == 0)
        return clg__call_fail(&c, CLG_EINVAL, "step is 0");
    clg__slice_range(a->shape.dim[p.axis], &p.start, stop, &p.step, &p.count);
    clg_shape s = a->shape;
    s.dim[p.axis] = p.count;
    double fill;
    clg__access g = clg__tensor_access(a, &fill);
    if (p.count > 0)
        clg__access_slice(&g, p.axis, p.start, p.step, p.count);
    else
        g = clg__access_contiguous(&s);
    return view(a, &op_slice, &s, &g, fill, &p);
}

clg_tensor clg_flip(clg_tensor a, clg_shape axes)
{
    clg__call c;
    bool flag[CLG_MAX_RANK];
    int64_t bad;
    if (!clg__call_begin(&c, "flip", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg__axes(axes, a->shape.rank, flag, &bad))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %lld is out of range or doubled",
                              (long long) bad);
    for (int d = 0; d < c.in[0]->shape.rank; d++) {
        if (flag[d])
            a = clg_slice(a, d, -1, INT64_MIN, -1);
    }
    return a;
}

// ---- pad

typedef struct margins {
    clg_shape before, after;
} margins;

static clg_tensor pad_vjp(const clg__vjp *v, int i)
{
    const margins *m = v->params;
    clg_tensor g = v->g;
    (void) i;
    for (int d = 0; d < v->in[0]->shape.rank; d++)
        g = clg_slice(g, d, m->before.dim[d], m->before.dim[d] + v->in[0]->shape.dim[d], 1);
    return g;
}

static const clg__op op_pad = { .name = "pad", .kind = CLG__VIEW, .vjp = pad_vjp,
                                .params_bytes = sizeof(margins) };

static clg_tensor pad_none_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return clg_zeros(v->g->dev, v->g->dtype, v->in[0]->shape);
}

static const clg__op op_pad_none = { .name = "pad", .kind = CLG__ALIAS, .vjp = pad_none_vjp };

clg_tensor clg_pad(clg_tensor a, clg_shape before, clg_shape after, double value)
{
    clg__call c;
    const margins m = { before, after };
    if (!clg__call_begin(&c, "pad", "a", 1, &a))
        return clg__call_poison(&c);
    if (before.rank != a->shape.rank || after.rank != a->shape.rank)
        return clg__call_fail(&c, CLG_ESHAPE, "margins of rank %d and %d for a tensor of rank %d",
                              before.rank, after.rank, a->shape.rank);
    clg_shape s = a->shape;
    bool any = false;
    for (int d = 0; d < s.rank; d++) {
        if (before.dim[d] < 0 || after.dim[d] < 0 || before.dim[d] > INT64_MAX / 4 ||
            after.dim[d] > INT64_MAX / 4)
            return clg__call_fail(&c, CLG_EINVAL, "margins %lld and %lld of axis %d",
                                  (long long) before.dim[d], (long long) after.dim[d], d);
        s.dim[d] += before.dim[d] + after.dim[d];
        any |= before.dim[d] || after.dim[d];
    }
    if (!any)
        return a;
    if (!clg_dtype_is_float(a->dtype)) // text that every compiler reads alike
        value = fmin(clg__fit(a->dtype, value), 0x1p63 - 1024);
    if (clg_numel(a->shape) == 0) { // nothing of a is in it, but its gradient is of a's shape
        clg_tensor y = clg_full(a->dev, a->dtype, s, value);
        return y->status < 0 ? y : clg__custom_vjp(&op_pad_none, y, 1, &a, NULL);
    }
    clg__access g = clg__tensor_access(a, NULL);
    int64_t n;
    if (!clg__numel(&s, &n) || n > INT64_MAX / 16) { // before margins are multiplied by strides
        char text[128];
        return clg__call_fail(&c, CLG_ESHAPE, "shape %s is too large", clg__shape_text(&s, text));
    }
    if (!clg__access_pad(&g, &a->shape, before.dim, after.dim)) {
        a = clg__contiguous(a);
        g = clg__access_contiguous(&a->shape);
        clg__access_pad(&g, &a->shape, before.dim, after.dim);
    }
    return view(a, &op_pad, &s, &g, value, &m);
}
