// SPDX-License-Identifier: MIT
// Norms of matrices, by sums or by singular values, and condition numbers.
#include "ops/element.h"
#include "ops/linalg.h"
#include <clgrad/arrange.h>
#include <clgrad/factor.h>
#include <clgrad/linalg.h>
#include <clgrad/reduce.h>

#include <math.h>

static bool is_spectral(clg_matrix_norm_kind kind)
{
    return kind == CLG_NORM_NUC || kind == CLG_NORM_2 || kind == CLG_NORM_NEG_2;
}

// The largest or smallest along an axis; the largest of nothing is 0.
static clg_tensor extreme(clg_tensor x, bool largest, int axis)
{
    if (x->status < 0)
        return x;
    if (largest && x->shape.dim[axis] == 0)
        return clg_sum(x, CLG_AXES(axis), true);
    return (largest ? clg_amax : clg_amin)(x, CLG_AXES(axis), true);
}

// Of the axes at, which stay with size 1.
static clg_tensor by_sums(clg_tensor a, clg_matrix_norm_kind kind, const int at[2])
{
    if (kind == CLG_NORM_FRO)
        return clg_norm(a, 2, CLG_AXES(at[0], at[1]), true);
    const bool across = kind == CLG_NORM_INF || kind == CLG_NORM_NEG_INF, largest = kind == CLG_NORM_1 || kind == CLG_NORM_INF;
    const clg_tensor sums = clg_sum(clg_abs(clg__wide(a)), CLG_AXES(at[across]), true);
    return clg_cast(extreme(sums, largest, at[!across]), a->dtype);
}

static clg_tensor by_values(clg_tensor a, clg_matrix_norm_kind kind, const int at[2])
{
    const clg_tensor s = clg_svdvals(clg_movedim(a, CLG_AXES(at[0], at[1]), CLG_AXES(-2, -1)));
    if (s->status < 0)
        return s;
    const int last = s->shape.rank - 1;
    const clg_tensor y = kind == CLG_NORM_NUC ? clg_sum(s, CLG_AXES(last), true) : extreme(s, kind == CLG_NORM_2, last);
    if (y->status < 0)
        return y;
    clg_shape kept = a->shape;
    kept.dim[at[0]] = kept.dim[at[1]] = 1;
    return clg_reshape(y, kept);
}

clg_tensor clg_matrix_norm(clg_tensor a, clg_matrix_norm_kind kind, int rows, int columns, bool keepdims)
{
    clg__call c;
    int at[2];
    if (!clg__call_begin(&c, "matrix_norm", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types have a norm: cast first");
    if (a->shape.rank < 2 || !clg__axis(rows, a->shape.rank, &at[0]) || !clg__axis(columns, a->shape.rank, &at[1]) ||
        at[0] == at[1])
        return clg__call_fail(&c, CLG_ESHAPE, "axes %d and %d of a tensor of rank %d", rows, columns, a->shape.rank);
    if ((int) kind < CLG_NORM_FRO || kind > CLG_NORM_NEG_2)
        return clg__call_fail(&c, CLG_EINVAL, "kind %d", (int) kind);
    const clg_tensor y = is_spectral(kind) ? by_values(a, kind, at) : by_sums(a, kind, at);
    return clg__call_own(&c, keepdims || y->status < 0 ? y : clg_squeeze(y, CLG_AXES(at[0], at[1])));
}

clg_tensor clg_cond(clg_tensor a, clg_matrix_norm_kind kind)
{
    clg__call c;
    if (!clg__call_begin(&c, "cond", "a", 1, &a))
        return clg__call_poison(&c);
    const bool ratio = kind == CLG_NORM_2 || kind == CLG_NORM_NEG_2;
    clg_tensor bad = clg__no_matrices(&c, a, !ratio);
    if (!bad && ((int) kind < CLG_NORM_FRO || kind > CLG_NORM_NEG_2))
        bad = clg__call_fail(&c, CLG_EINVAL, "kind %d", (int) kind);
    if (bad)
        return bad;
    if (clg__rows(a) == 0 || clg__columns(a) == 0)
        return clg__call_own(&c, clg_zeros(a->dev, a->dtype, clg__batch_of(a)));
    if (ratio) {
        const clg_tensor s = clg_svdvals(a);
        if (s->status < 0)
            return clg__call_own(&c, s);
        const clg_tensor most = clg_select(s, -1, 0), least = clg_select(s, -1, -1);
        return clg__call_own(&c, kind == CLG_NORM_2 ? clg_div(most, least) : clg_div(least, most));
    }
    clg_tensor info;
    const clg_tensor inverse = clg_inv(a, &info);
    const clg_tensor y = clg_mul(clg_matrix_norm(a, kind, -2, -1, false), clg_matrix_norm(inverse, kind, -2, -1, false));
    return clg__call_own(&c, clg_where(clg_gt_scalar(info, 0), clg__lit(a->dev, a->dtype, INFINITY), y));
}
