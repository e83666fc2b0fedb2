// SPDX-License-Identifier: MIT
// Distances and angles of vectors: plain graph code.
#include "base/alloc.h"
#include "ops/element.h"
#include "ops/loss.h"
#include "ops/reduce.h"
#include "ops/scatter.h"
#include <clgrad/create.h>
#include <clgrad/ops.h>
#include <clgrad/reduce.h>

#include <math.h>

clg_tensor clg_pairwise_distance(clg_tensor a, clg_tensor b, double p, double eps, bool keepdims)
{
    clg__call c;
    clg_dtype t;
    clg_tensor in[2] = { a, b };
    if (!clg__call_begin(&c, "pairwise_distance", "a b", 2, in))
        return clg__call_poison(&c);
    const int rank = a->shape.rank > b->shape.rank ? a->shape.rank : b->shape.rank;
    if (rank == 0)
        return clg__call_fail(&c, CLG_ESHAPE, "0-d tensors are no vectors");
    if (isnan(p) || isnan(eps))
        return clg__call_fail(&c, CLG_EINVAL, "p is %g and eps %g", p, eps);
    const clg_tensor bad = clg__loss_begin(&c, in, 2, CLG_REDUCE_NONE, &t);
    if (bad)
        return bad;
    const clg_tensor d = clg_add_scalar(clg_sub(in[0], in[1]), eps);
    return clg__loss_end(&c, clg_norm(d, p, CLG_AXES(rank - 1), keepdims), CLG_REDUCE_NONE, t);
}

clg_tensor clg_cosine_similarity(clg_tensor a, clg_tensor b, int axis, double eps)
{
    clg__call c;
    clg_dtype t;
    int at;
    clg_shape s;
    clg_tensor in[2] = { a, b };
    if (!clg__call_begin(&c, "cosine_similarity", "a b", 2, in))
        return clg__call_poison(&c);
    if (!clg__broadcast(&a->shape, &b->shape, &s))
        return clg__call_fail(&c, CLG_ESHAPE, "shapes do not broadcast");
    if (!clg__axis(axis, s.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, s.rank);
    if (!(eps >= 0))
        return clg__call_fail(&c, CLG_EINVAL, "eps is %g, expected 0 or more", eps);
    const clg_tensor bad = clg__loss_begin(&c, in, 2, CLG_REDUCE_NONE, &t);
    if (bad)
        return bad;
    if (s.rank == 0)
        s = CLG_SHAPE(1);
    clg_tensor part[2];
    for (int i = 0; i < 2; i++) { // repeated along the axis, the norm is of what is seen
        clg_shape own = s;
        for (int d = 0; d < s.rank; d++) {
            const int from = in[i]->shape.rank - s.rank + d;
            own.dim[d] = d == at ? s.dim[d] : from < 0 ? 1 : in[i]->shape.dim[from];
        }
        const clg_tensor x = clg_expand(in[i], own);
        part[i] = clg_div(x, clg__at_least(clg_norm(x, 2, CLG_AXES(at), true), eps));
    }
    const clg_tensor y = clg_sum(clg_mul(part[0], part[1]), CLG_AXES(at), false);
    return clg__loss_end(&c, y, CLG_REDUCE_NONE, t);
}

// Where the rows of the triangle above the diagonal of an NxN matrix lie in it.
static clg_tensor triangle(clg_device dev, int64_t n)
{
    const int64_t all = n * (n - 1) / 2;
    int64_t *at = clg__calloc((size_t) all + 1, sizeof *at);
    if (!at)
        return clg_poison(dev, CLG_ENOMEM, "pdist: out of host memory for %lld distances", (long long) all);
    int64_t k = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            at[k++] = i * n + j;
    const clg_tensor t = clg_upload(dev, CLG_I64, CLG_SHAPE(all), at);
    clg__free(at);
    return t;
}

// Back into the matrix: above the diagonal, (i, j) has element n i - i (i + 1) / 2 + j - i - 1 of the list, all others have
// none. Each place chooses, where the derivative of a choice by index would sort what is sent.
static clg_tensor triangle_vjp(const clg__vjp *v, int i)
{
    (void) i;
    clg_device dev = v->g->dev;
    const int64_t all = v->in[0]->shape.dim[0], n = (int64_t) (sqrt((double) all) + 0.5);
    const clg_tensor at = clg_arange(dev, CLG_I64, 0, (double) n, 1), row = clg_unsqueeze(at, 1), column = clg_unsqueeze(at, 0);
    const clg_tensor before = clg_floor_divide(clg_mul(row, clg_sub(clg__num(dev, CLG_I64, (double) (2 * n - 3)), row)),
                                               clg__num(dev, CLG_I64, 2));
    const clg_tensor place = clg_sub(clg_add(before, column), clg__num(dev, CLG_I64, 1));
    const clg_tensor index = clg_where(clg_gt(column, row), place, clg__num(dev, CLG_I64, -1));
    const clg_tensor g = clg_reshape(v->g, CLG_SHAPE(1, v->g->shape.dim[0], 1));
    return clg_reshape(clg__gather_elements(g, clg_reshape(index, CLG_SHAPE(1, all, 1)), true), CLG_SHAPE(all));
}

static const clg__op op_triangle = { .name = "triangle", .kind = CLG__ALIAS, .vjp = triangle_vjp };

clg_tensor clg_pdist(clg_tensor a, double p)
{
    clg__call c;
    if (!clg__call_begin(&c, "pdist", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    if (a->shape.rank != 2 || a->shape.dim[0] > 65536)
        return clg__call_fail(&c, CLG_ESHAPE, "expected [N,D], N up to 65536");
    if (!(p >= 0))
        return clg__call_fail(&c, CLG_EINVAL, "p is %g, expected 0 or more", p);
    const int64_t n = a->shape.dim[0];
    if (n < 2)
        return clg__call_own(&c, clg_zeros(c.dev, a->dtype, CLG_SHAPE(0)));
    const clg_tensor x = clg__wide(a), all = clg_cdist(x, x, p);
    const clg_tensor from = all->status < 0 ? all : clg_reshape(all, CLG_SHAPE(n * n));
    const clg_tensor y = all->status < 0 ? all : clg_index_select(from, 0, triangle(c.dev, n));
    return clg__call_own(&c, y->status < 0 ? y : clg_cast(clg__custom_vjp(&op_triangle, y, 1, &from, NULL), a->dtype));
}
