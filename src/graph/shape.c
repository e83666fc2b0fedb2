// SPDX-License-Identifier: MIT
// Shapes, axes and the promotion of element types.
#include "graph/build.h"

#include <string.h>

bool clg__numel(const clg_shape *s, int64_t *out)
{
    int64_t n = 1;
    bool zero = false;
    for (int d = 0; d < s->rank; d++) {
        if (s->dim[d] < 0)
            return false;
        if (s->dim[d] == 0)
            zero = true;
        else if (n > INT64_MAX / s->dim[d])
            return false;
        else
            n *= s->dim[d];
    }
    *out = zero ? 0 : n;
    return true;
}

bool clg__shape_equal(const clg_shape *a, const clg_shape *b)
{
    return a->rank == b->rank &&
           memcmp(a->dim, b->dim, (size_t) a->rank * sizeof a->dim[0]) == 0;
}

bool clg__broadcast(const clg_shape *a, const clg_shape *b, clg_shape *out)
{
    clg_shape r = { .rank = a->rank > b->rank ? a->rank : b->rank };
    for (int d = 0; d < r.rank; d++) {
        const int i = a->rank - 1 - d, j = b->rank - 1 - d;
        const int64_t x = i < 0 ? 1 : a->dim[i], y = j < 0 ? 1 : b->dim[j];
        if (x != y && x != 1 && y != 1)
            return false;
        r.dim[r.rank - 1 - d] = x == 1 ? y : x;
    }
    *out = r;
    return true;
}

// As in PyTorch a 0-d tensor takes the axes of one with one dimension.
static int64_t axis_of(int64_t axis, int rank)
{
    const int n = rank == 0 ? 1 : rank;
    return axis < -n || axis >= n ? -1 : axis < 0 ? axis + n : axis;
}

bool clg__axis(int64_t axis, int rank, int *out)
{
    const int a = (int) axis_of(axis, rank);
    if (a < 0)
        return false;
    *out = a;
    return true;
}

bool clg__axes(clg_shape axes, int rank, bool flag[CLG_MAX_RANK], int64_t *bad)
{
    memset(flag, 0, CLG_MAX_RANK * sizeof flag[0]);
    if (axes.rank < 0 || axes.rank > CLG_MAX_RANK) {
        *bad = axes.rank;
        return false;
    }
    for (int d = 0; d < rank && axes.rank == 0; d++)
        flag[d] = true;
    for (int i = 0; i < axes.rank; i++) {
        const int64_t a = axis_of(axes.dim[i], rank);
        if (a < 0 || flag[a]) {
            *bad = axes.dim[i];
            return false;
        }
        flag[a] = true;
    }
    if (rank == 0)
        flag[0] = false;
    return true;
}

// Categories of PyTorch's rule: a 0-d tensor counts only where its category is the higher one.
static int category(clg_dtype t)
{
    return t == CLG_BOOL ? 0 : clg_dtype_is_float(t) ? 2 : 1;
}

clg_dtype clg__result_type(int n, const clg_tensor *in)
{
    bool have[2] = { false, false };
    clg_dtype type[2] = { CLG_BOOL, CLG_BOOL }; // of tensors with dimensions, of 0-d ones
    for (int i = 0; i < n; i++) {
        const int z = in[i]->shape.rank == 0;
        type[z] = have[z] ? clg_promote_types(type[z], in[i]->dtype) : in[i]->dtype;
        have[z] = true;
    }
    if (!have[0] || !have[1])
        return have[0] ? type[0] : type[1];
    if (category(type[1]) <= category(type[0]))
        return type[0];
    // A 0-d float beside integers gives the default float, as numbers in PyTorch do.
    return type[1] == CLG_F64 ? CLG_F64 : clg_promote_types(type[0], type[1]);
}
