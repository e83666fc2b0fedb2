// SPDX-License-Identifier: MIT
// Extreme elements with their places. Which element won is a number for each result; its gradient goes there.
#include "ops/extreme.h"

#include "ops/element.h"
#include <clgrad/ops.h>
#include <clgrad/reduce.h>

// Is an element of `a` the one whose number along the axis is `at`, of which the axis has size 1?
static clg_tensor is_at(clg_tensor a, clg_tensor at, int axis)
{
    clg_shape along = { .rank = a->shape.rank };
    for (int d = 0; d < along.rank; d++)
        along.dim[d] = d == axis ? a->shape.dim[d] : 1;
    if (along.rank == 0)
        return clg_eq(at, clg__lit(a->dev, CLG_I64, 0));
    return clg_eq(clg_reshape(clg_arange(a->dev, CLG_I64, 0, (double) along.dim[axis], 1), along), at);
}

static clg_tensor chosen_vjp(const clg__vjp *v, int i)
{
    const int axis = *(const int *) v->params;
    if (i > 0)
        return NULL;
    return clg_where(is_at(v->in[0], v->in[1], axis), v->g, clg__lit(v->g->dev, v->g->dtype, 0));
}

static const clg__op op_chosen = { .name = "chosen", .kind = CLG__ALIAS, .vjp = chosen_vjp, .params_bytes = sizeof(int) };

clg_tensor clg__chosen(clg_tensor y, clg_tensor a, clg_tensor at, int axis)
{
    if (y->status < 0 || !clg_dtype_is_float(a->dtype))
        return y;
    return clg__custom_vjp(&op_chosen, y, 2, (clg_tensor[]) { a, at }, &axis);
}

clg_tensor clg__second(clg_tensor y, clg_tensor *second, clg_tensor value)
{
    if (second)
        *second = value;
    return y;
}

typedef clg_tensor (*reduction)(clg_tensor a, clg_shape axes, bool keepdims);

static clg_tensor extreme(const char *name, reduction value, reduction place, clg_tensor a, int axis, bool keepdims,
                          clg_tensor *indices)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, name, "a", 1, &a)) {
        const clg_tensor bad = clg__call_poison(&c);
        return clg__second(bad, indices, bad);
    }
    if (!clg__axis(axis, a->shape.rank, &at)) {
        const clg_tensor bad = clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
        return clg__second(bad, indices, bad);
    }
    const clg_shape axes = a->shape.rank ? CLG_AXES(at) : CLG_ALL;
    const clg_tensor where = clg__call_own(&c, place(a, axes, true));
    if (where->status < 0)
        return clg__second(where, indices, where);
    clg_tensor y = clg__chosen(value(a, axes, true), a, where, at), k = where;
    if (!keepdims && a->shape.rank > 0) {
        y = clg_squeeze(y, axes);
        k = clg_squeeze(k, axes);
    }
    return clg__call_own(&c, clg__second(y, indices, k));
}

clg_tensor clg_max(clg_tensor a, int axis, bool keepdims, clg_tensor *indices)
{
    return extreme("max", clg_amax, clg_argmax, a, axis, keepdims, indices);
}

clg_tensor clg_min(clg_tensor a, int axis, bool keepdims, clg_tensor *indices)
{
    return extreme("min", clg_amin, clg_argmin, a, axis, keepdims, indices);
}

clg_tensor clg_aminmax(clg_tensor a, clg_shape axes, bool keepdims, clg_tensor *max)
{
    clg__call c;
    if (!clg__call_begin(&c, "aminmax", "a", 1, &a)) {
        const clg_tensor bad = clg__call_poison(&c);
        return clg__second(bad, max, bad);
    }
    const clg_tensor low = clg__call_own(&c, clg_amin(a, axes, keepdims));
    return clg__second(low, max, low->status < 0 || !max ? low : clg_amax(a, axes, keepdims));
}
