// SPDX-License-Identifier: MIT
// Losses with a margin: plain graph code.
#include "ops/loss.h"

#include "base/fp.h"
#include "ops/element.h"
#include <clgrad/ops.h>

#include <math.h>

static clg_tensor hinge(clg_tensor x)
{
    return clg_clamp(x, 0, NAN);
}

clg_tensor clg_hinge_embedding_loss(clg_tensor x, clg_tensor target, double margin, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    clg_tensor in[2] = { x, target };
    if (!clg__call_begin(&c, "hinge_embedding_loss", "x target", 2, in))
        return clg__call_poison(&c);
    const clg_tensor bad = clg__loss_begin(&c, in, 2, r, &t);
    if (bad)
        return bad;
    const clg_dtype w = in[0]->dtype;
    const clg_tensor zero = clg__lit(c.dev, w, 0), one = clg__lit(c.dev, w, 1), minus = clg__lit(c.dev, w, -1);
    const clg_tensor apart = clg_where(clg_ne(in[1], one), hinge(clg_scalar_sub(margin, in[0])), zero);
    const clg_tensor near = clg_where(clg_ne(in[1], minus), in[0], zero);
    return clg__loss_end(&c, clg_add(apart, near), r, t);
}

clg_tensor clg_margin_ranking_loss(clg_tensor a, clg_tensor b, clg_tensor target, double margin, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    clg_tensor in[3] = { a, b, target };
    if (!clg__call_begin(&c, "margin_ranking_loss", "a b target", 3, in))
        return clg__call_poison(&c);
    if (a->shape.rank != b->shape.rank || a->shape.rank != target->shape.rank)
        return clg__call_fail(&c, CLG_ESHAPE, "ranks differ");
    const clg_tensor bad = clg__loss_begin(&c, in, 3, r, &t);
    if (bad)
        return bad;
    const clg_tensor y = clg_scalar_sub(margin, clg_mul(in[2], clg_sub(in[0], in[1])));
    return clg__loss_end(&c, hinge(y), r, t);
}

clg_tensor clg_cosine_embedding_loss(clg_tensor a, clg_tensor b, clg_tensor target, double margin, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    clg_tensor in[3] = { a, b, target };
    if (!clg__call_begin(&c, "cosine_embedding_loss", "a b target", 3, in))
        return clg__call_poison(&c);
    const int rank = target->shape.rank + 1;
    if (rank > 2 || a->shape.rank != rank || b->shape.rank != rank)
        return clg__call_fail(&c, CLG_ESHAPE, "expected a and b [N,D] and target [N], or [D] and 0-d");
    const clg_tensor bad = clg__loss_begin(&c, in, 3, r, &t);
    if (bad)
        return bad;
    const clg_dtype w = in[0]->dtype;
    const clg_tensor zero = clg__lit(c.dev, w, 0), one = clg__lit(c.dev, w, 1), eps = clg__lit(c.dev, w, 1e-12);
    const clg_tensor both = clg_sum(clg_mul(in[0], in[1]), CLG_AXES(-1), false);
    const clg_tensor left = clg_sqrt(clg_add(clg_sum(clg_square(in[0]), CLG_AXES(-1), false), eps));
    const clg_tensor right = clg_sqrt(clg_add(clg_sum(clg_square(in[1]), CLG_AXES(-1), false), eps));
    const clg_tensor cosine = clg_div(both, clg_mul(left, right));
    const clg_tensor near = clg_where(clg_eq(in[2], one), clg_sub(one, cosine), zero);
    const clg_tensor apart = clg_where(clg_eq(in[2], clg__lit(c.dev, w, -1)), hinge(clg_sub_scalar(cosine, margin)), zero);
    return clg__loss_end(&c, clg_add(near, apart), r, t);
}

// x as [N,K]: 0-d and [K] are one row.
static clg_tensor as_rows(clg_tensor x)
{
    return x->shape.rank == 2 ? x : clg_reshape(x, CLG_SHAPE(1, clg_numel(x->shape)));
}

static bool is_index(clg_tensor t)
{
    return !clg_dtype_is_float(t->dtype) && t->dtype != CLG_BOOL;
}

// Differences y where they are above 0 and chosen, each to the power p.
static clg_tensor above_zero(clg_tensor y, clg_tensor chosen, int p)
{
    const clg_tensor zero = clg__lit(y->dev, y->dtype, 0);
    const clg_tensor z = clg_where(clg_logical_and(clg_gt(y, zero), chosen), y, zero);
    return p == 2 ? clg_square(z) : z;
}

clg_tensor clg_multi_margin_loss(clg_tensor x, clg_tensor target, int p, double margin, clg_tensor weight,
                                 clg_reduction r)
{
    clg__call c;
    clg_dtype t = CLG_F32;
    if (!clg__call_begin(&c, "multi_margin_loss", "x target weight", weight ? 3 : 2,
                         (clg_tensor[]) { x, target, weight }))
        return clg__call_poison(&c);
    if (p != 1 && p != 2)
        return clg__call_fail(&c, CLG_EINVAL, "p is %d, expected 1 or 2", p);
    if (!is_index(target))
        return clg__call_fail(&c, CLG_EDTYPE, "the target must hold class numbers (integers)");
    const int64_t n = x->shape.rank == 2 ? x->shape.dim[0] : 1, k = x->shape.rank ? x->shape.dim[x->shape.rank - 1] : 1;
    if (x->shape.rank > 2 || target->shape.rank > 1 || clg_numel(target->shape) != n || k == 0 || k > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "expected x [N,K] and target [N], or x [K] and one class");
    if (weight && (weight->shape.rank != 1 || weight->shape.dim[0] != k))
        return clg__call_fail(&c, CLG_ESHAPE, "weight must have one element per class (%lld)", (long long) k);
    clg_tensor all[2] = { x, weight };
    const clg_tensor bad = clg__loss_begin(&c, all, 2, r, &t);
    if (bad)
        return bad;
    const clg_tensor rows = as_rows(all[0]), label = clg_reshape(clg__class_of(target, k), CLG_SHAPE(n, 1));
    if (rows->status < 0 || label->status < 0)
        return clg__call_own(&c, rows->status < 0 ? rows : label);
    const clg_tensor own = clg__pick(clg_unsqueeze(rows, 2), clg_unsqueeze(label, 2));
    const clg_tensor d = clg_add_scalar(clg_sub(rows, clg_reshape(own, CLG_SHAPE(n, 1))), margin);
    const clg_tensor other = clg_ne(clg__numbers(c.dev, k, 2, 1), label);
    clg_tensor y = clg_mean(above_zero(d, other, p), CLG_AXES(1), false);
    if (weight)
        y = clg_mul(y, clg_index_select(all[1], 0, clg_reshape(label, CLG_SHAPE(n))));
    return clg__loss_end(&c, y->status < 0 ? y : clg_reshape(y, target->shape), r, t);
}

// Targets up to the first below 0 as [N,K] I32, others -1.
static clg_tensor leading(clg_tensor target, int64_t k)
{
    const clg_tensor number = clg__numbers(target->dev, k, 2, 1), end = clg__num(target->dev, CLG_I32, (double) k);
    const clg_tensor zero = clg__lit(target->dev, CLG_I32, 0), label = clg__class_of(target, k);
    const clg_tensor first = clg_amin(clg_where(clg_lt(label, zero), number, end), CLG_AXES(1), true);
    return clg_where(clg_lt(number, first), label, clg__lit(target->dev, CLG_I32, -1));
}

clg_tensor clg_multilabel_margin_loss(clg_tensor x, clg_tensor target, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    if (!clg__call_begin(&c, "multilabel_margin_loss", "x target", 2, (clg_tensor[]) { x, target }))
        return clg__call_poison(&c);
    if (!is_index(target))
        return clg__call_fail(&c, CLG_EDTYPE, "the target must hold class numbers (integers)");
    const int64_t k = x->shape.rank ? x->shape.dim[x->shape.rank - 1] : 1;
    if (x->shape.rank > 2 || !clg__shape_equal(&x->shape, &target->shape) || k == 0 || k > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "expected x and target [N,K], [K] or 0-d, of one shape");
    clg_tensor rows = x;
    const clg_tensor bad = clg__loss_begin(&c, &rows, 1, r, &t);
    if (bad)
        return bad;
    rows = as_rows(rows);
    const clg_tensor label = leading(as_rows(target), k);
    if (rows->status < 0 || label->status < 0)
        return clg__call_own(&c, rows->status < 0 ? rows : label);
    const clg_tensor zero = clg__lit(c.dev, CLG_I32, 0), meant = clg_unsqueeze(clg_ge(label, zero), 2); // [N,targets,1]
    const clg_tensor hit = clg_any(clg_eq(clg__numbers(c.dev, k, 3, 2), clg_unsqueeze(label, 2)), CLG_AXES(1), true);
    const clg_tensor own = clg__pick(clg_unsqueeze(rows, 2), clg_unsqueeze(label, 2));
    const clg_tensor d = clg_add(clg_sub(clg_unsqueeze(rows, 1), own), clg__lit(c.dev, rows->dtype, 1));
    const clg_tensor z = above_zero(d, clg_logical_and(meant, clg_logical_not(hit)), 1);
    const clg_tensor y = clg_div(clg_sum(z, CLG_AXES(1, 2), false), clg__num(c.dev, rows->dtype, (double) k));
    return clg__loss_end(&c, y->status < 0 || x->shape.rank == 2 ? y : clg_reshape(y, CLG_SCALAR), r, t);
}

clg_tensor clg_multilabel_soft_margin_loss(clg_tensor x, clg_tensor target, clg_tensor weight, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    clg_tensor in[3] = { x, target, weight };
    if (!clg__call_begin(&c, "multilabel_soft_margin_loss", "x target weight", weight ? 3 : 2, in))
        return clg__call_poison(&c);
    if (x->shape.rank == 0)
        return clg__call_fail(&c, CLG_ESHAPE, "x has no dimension of classes");
    const clg_tensor bad = clg__loss_begin(&c, in, 3, r, &t);
    if (bad)
        return bad;
    clg_tensor y = clg__logit_loss(in[0], in[1], NULL);
    if (weight)
        y = clg_mul(y, in[2]);
    if (y->status < 0 || y->shape.rank < x->shape.rank)
        return clg__call_own(&c, y);
    const int axis = x->shape.rank - 1; // PyTorch counts from the front of x
    const double k = (double) x->shape.dim[axis];
    y = clg_div(clg_sum(y, CLG_AXES(axis), false), clg__num(c.dev, y->dtype, k));
    return clg__loss_end(&c, y, r, t);
}

clg_tensor clg_soft_margin_loss(clg_tensor x, clg_tensor target, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    clg_tensor in[2] = { x, target };
    if (!clg__call_begin(&c, "soft_margin_loss", "x target", 2, in))
        return clg__call_poison(&c);
    const clg_tensor bad = clg__loss_begin(&c, in, 2, r, &t);
    if (bad)
        return bad;
    return clg__loss_end(&c, clg_neg(clg_log_sigmoid(clg_mul(in[1], in[0]))), r, t);
}

// ---- triplets

typedef struct usual_distance {
    double norm, eps;
} usual_distance;

static clg_tensor usual(clg_tensor a, clg_tensor b, void *user)
{
    const usual_distance *u = user;
    return clg_pairwise_distance(a, b, u->norm, u->eps, false);
}

static clg_tensor triplet(const clg__call *c, const clg_tensor in[3], clg_distance_fn distance, void *user,
                          double margin, bool swap, clg_reduction r, clg_dtype result)
{
    const clg_tensor near = distance(in[0], in[1], user);
    clg_tensor far = distance(in[0], in[2], user);
    if (!near || !far)
        return clg__call_fail(c, CLG_EINVAL, "the distance function gave NULL");
    if (swap) {
        const clg_tensor other = distance(in[1], in[2], user);
        if (!other)
            return clg__call_fail(c, CLG_EINVAL, "the distance function gave NULL");
        far = clg_minimum(far, other);
    }
    const clg_tensor y = hinge(clg_add_scalar(clg_sub(near, far), margin));
    if (y->status < 0 || !clg_dtype_is_float(y->dtype))
        return y->status < 0 ? clg__call_own(c, y) : clg__call_fail(c, CLG_EDTYPE, "distances are not floating");
    return clg__loss_end(c, y, r, clg_dtype_is_float(result) ? result : y->dtype);
}

static clg_tensor check_triplet(const clg__call *c, double margin, clg_reduction r)
{
    const clg_tensor *in = c->in;
    if (in[0]->shape.rank != in[1]->shape.rank || in[0]->shape.rank != in[2]->shape.rank)
        return clg__call_fail(c, CLG_ESHAPE, "ranks differ");
    if (!(margin > 0))
        return clg__call_fail(c, CLG_EINVAL, "margin is %g, expected above 0", margin);
    return clg__is_reduction(r) ? NULL : clg__call_fail(c, CLG_EINVAL, "%d is no reduction", (int) r);
}

clg_tensor clg_triplet_margin_loss(clg_tensor a, clg_tensor p, clg_tensor n, double margin, double norm, double eps,
                                   bool swap, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    clg_tensor in[3] = { a, p, n };
    if (!clg__call_begin(&c, "triplet_margin_loss", "a p n", 3, in))
        return clg__call_poison(&c);
    clg_tensor bad = check_triplet(&c, margin, r);
    if (bad || (bad = clg__loss_begin(&c, in, 3, r, &t)) != NULL)
        return bad;
    return triplet(&c, in, usual, &(usual_distance) { norm, eps }, margin, swap, r, t);
}

clg_tensor clg_triplet_margin_with_distance_loss(clg_tensor a, clg_tensor p, clg_tensor n, clg_distance_fn distance,
                                                 void *user, double margin, bool swap, clg_reduction r)
{
    clg__call c;
    const clg_tensor in[3] = { a, p, n };
    if (!clg__call_begin(&c, "triplet_margin_with_distance_loss", "a p n", 3, in))
        return clg__call_poison(&c);
    const clg_tensor bad = check_triplet(&c, margin, r);
    if (bad)
        return bad;
    usual_distance plain = { 2, 1e-6 };
    return triplet(&c, in, distance ? distance : usual, distance ? user : &plain, margin, swap, r, CLG_BOOL);
}
