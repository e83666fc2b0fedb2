// SPDX-License-Identifier: MIT
// Losses of classes, and what all losses share: plain graph code.
#include "ops/loss.h"

#include "base/fp.h"
#include "ops/element.h"
#include "ops/softmax.h"
#include <clgrad/ops.h>

bool clg__is_reduction(clg_reduction r)
{
    return r == CLG_REDUCE_MEAN || r == CLG_REDUCE_SUM || r == CLG_REDUCE_NONE;
}

clg_tensor clg__reduced(clg_tensor x, clg_reduction r)
{
    if (r == CLG_REDUCE_NONE)
        return x;
    return r == CLG_REDUCE_SUM ? clg_sum(x, CLG_ALL, false) : clg_mean(x, CLG_ALL, false);
}

clg_tensor clg__loss_begin(const clg__call *c, clg_tensor *x, int n, clg_reduction r, clg_dtype *t)
{
    clg_tensor given[8];
    int m = 0;
    for (int i = 0; i < n; i++)
        if (x[i])
            given[m++] = x[i];
    *t = clg__result_type(m, given);
    if (!clg__is_reduction(r))
        return clg__call_fail(c, CLG_EINVAL, "%d is no reduction", (int) r);
    if (!clg_dtype_is_float(*t))
        return clg__call_fail(c, CLG_EDTYPE, "only floating types");
    for (int i = 0; i < n; i++)
        x[i] = x[i] ? clg_cast(x[i], clg__dtype_of(*t)->as) : NULL;
    return NULL;
}

clg_tensor clg__loss_end(const clg__call *c, clg_tensor y, clg_reduction r, clg_dtype t)
{
    return clg__call_own(c, y->status < 0 ? y : clg_cast(clg__reduced(y, r), t));
}

clg_tensor clg__numbers(clg_device dev, int64_t n, int rank, int at)
{
    clg_shape s = { .rank = rank };
    for (int d = 0; d < rank; d++)
        s.dim[d] = d == at ? n : 1;
    return clg_reshape(clg_arange(dev, CLG_I32, 0, (double) n, 1), s);
}

clg_tensor clg__class_of(clg_tensor target, int64_t classes)
{
    if (clg_dtype_size(target->dtype) < 4 || target->dtype == CLG_I32)
        return clg_cast(target, CLG_I32);
    clg_tensor t = clg_cast(target, CLG_I64), none = clg__lit(t->dev, CLG_I64, -1);
    clg_tensor is_less = clg_lt(t, clg__num(t->dev, CLG_I64, (double) classes));
    return clg_cast(clg_where(is_less, clg_maximum(t, none), none), CLG_I32);
}

// Is the label, an I32, one of the classes?
static clg_tensor is_class(clg_tensor label, int64_t classes)
{
    return clg_logical_and(clg_ge(label, clg__lit(label->dev, CLG_I32, 0)),
                           clg_lt(label, clg__num(label->dev, CLG_I32, (double) classes)));
}

// ---- one class of each row

// g where class and label agree, summed over the labels of a row.
static clg_tensor pick_vjp(const clg__vjp *v, int i)
{
    if (i > 0)
        return NULL;
    const clg_tensor x = v->in[0], label = v->in[1], zero = clg__lit(x->dev, v->g->dtype, 0);
    if (label->shape.dim[1] == 1)
        return clg_where(clg_eq(clg__numbers(x->dev, x->shape.dim[1], 3, 1), label), v->g, zero);
    const clg_tensor hit = clg_eq(clg__numbers(x->dev, x->shape.dim[1], 4, 1), clg_unsqueeze(label, 1));
    return clg_sum(clg_where(hit, clg_unsqueeze(v->g, 1), zero), CLG_AXES(2), false);
}

static const clg__op op_pick = { .name = "pick", .kind = CLG__ALIAS, .vjp = pick_vjp };

clg_tensor clg__pick(clg_tensor x, clg_tensor label)
{
    enum { FEW = 64, FEWEST = 8 }; // classes that are read as fast as one of them is found: of pixels, of rows
    if (x->status < 0 || label->status < 0)
        return x->status < 0 ? x : label;
    const clg_device dev = x->dev;
    const int64_t n = x->shape.dim[0], classes = x->shape.dim[1], inner = x->shape.dim[2], k = label->shape.dim[1];
    const clg_tensor zero = clg__lit(dev, x->dtype, 0);
    clg_tensor y;
    if (classes <= (inner > 1 ? FEW : FEWEST) && k == 1) {
        y = clg_sum(clg_where(clg_eq(clg__numbers(dev, classes, 3, 1), label), x, zero), CLG_AXES(1), true);
    } else {
        const clg_tensor row = clg_reshape(clg_arange(dev, CLG_I64, 0, (double) n, 1), CLG_SHAPE(n, 1, 1));
        const clg_tensor column = clg_reshape(clg_arange(dev, CLG_I64, 0, (double) inner, 1), CLG_SHAPE(1, 1, inner));
        const clg_tensor all = clg__num(dev, CLG_I64, (double) classes), wide = clg__num(dev, CLG_I64, (double) inner);
        const clg_tensor place = clg_add(clg_mul(clg_add(clg_mul(row, all), clg_cast(label, CLG_I64)), wide), column);
        const clg_tensor good = is_class(label, classes), none = clg__lit(dev, CLG_I64, -1);
        const clg_tensor at = clg_reshape(clg_where(good, place, none), CLG_SHAPE(n * k * inner));
        y = clg_index_select(clg_reshape(x, CLG_SHAPE(n * classes * inner)), 0, at);
        y = clg_where(good, clg_reshape(y, label->shape), zero);
    }
    return y->status < 0 ? y : clg__custom_vjp(&op_pick, y, 2, (clg_tensor[]) { x, label }, NULL);
}

// ---- cross-entropy and the likelihood of classes

typedef struct classes {
    clg_tensor weight;
    int64_t ignore;
    clg_reduction reduction;
    double smooth;
} classes;

// [N,K,...] and [N,...]?
static bool target_fits(const clg_tensor logits, const clg_tensor target)
{
    bool fits = logits->shape.rank >= 2 && target->shape.rank == logits->shape.rank - 1;
    for (int d = 0; fits && d < target->shape.rank; d++)
        fits = target->shape.dim[d] == logits->shape.dim[d == 0 ? 0 : d + 1];
    return fits;
}

static clg_tensor check(const clg__call *c, clg_tensor logits, clg_tensor target, const classes *p, bool probabilities)
{
    if (!clg_dtype_is_float(logits->dtype))
        return clg__call_fail(c, CLG_EDTYPE, "logits must be floating");
    if (!probabilities && (clg_dtype_is_float(target->dtype) || target->dtype == CLG_BOOL))
        return clg__call_fail(c, CLG_EDTYPE, "the target must hold class numbers (integers)");
    if (!probabilities && !target_fits(logits, target))
        return clg__call_fail(c, CLG_ESHAPE, "expected logits [N,K,...] and target [N,...]");
    if (!clg__is_reduction(p->reduction))
        return clg__call_fail(c, CLG_EINVAL, "%d is no reduction", (int) p->reduction);
    if (!(p->smooth >= 0 && p->smooth <= 1))
        return clg__call_fail(c, CLG_EINVAL, "label_smoothing is %g, expected 0 to 1", p->smooth);
    if (p->weight && (p->weight->shape.rank != 1 || p->weight->shape.dim[0] != logits->shape.dim[1]))
        return clg__call_fail(c, CLG_ESHAPE, "weight must have one element per class (%lld)",
                              (long long) logits->shape.dim[1]);
    return NULL;
}

static int64_t places_of(const clg_shape *s)
{
    int64_t inner = 1;
    for (int d = 2; d < s->rank; d++)
        inner *= s->dim[d];
    return inner;
}

// A weight for each class, as it broadcasts with logits; NULL without weights.
static clg_tensor class_weights(const classes *p, clg_dtype t, const clg_shape *logits)
{
    clg_shape s = { .rank = logits->rank };
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = d == 1 ? logits->dim[1] : 1;
    return p->weight ? clg_reshape(clg_cast(p->weight, t), s) : NULL;
}

// Weighted, ignored, reduced. loss: of each label; all: its part of every class, where labels are smoothed.
static clg_tensor class_loss(const clg__call *c, clg_tensor loss, clg_tensor all, clg_tensor label, clg_tensor target,
                             int64_t n_classes, const classes *p, clg_dtype result)
{
    const clg_dtype t = loss->dtype;
    const clg_tensor zero = clg__lit(c->dev, t, 0), no_class = clg__lit(c->dev, CLG_I32, 0);
    const clg_tensor good = is_class(label, n_classes);
    clg_tensor own = NULL;
    if (p->weight && n_classes > 0) {
        const clg_tensor w = clg_cast(p->weight, t);
        own = clg_index_select(w, 0, clg_reshape(clg_where(good, label, no_class), CLG_SHAPE(-1)));
        own = clg_where(good, clg_reshape(own, label->shape), zero);
        loss = clg_mul(loss, own);
    }
    loss = clg_where(good, loss, zero);
    if (all)
        loss = clg_add(clg_mul(loss, clg__num(c->dev, t, 1 - p->smooth)),
                       clg_mul(all, clg__num(c->dev, t, p->smooth / (double) n_classes)));
    const clg_tensor kept = clg_ne(clg_cast(target, CLG_I64), clg__num(c->dev, CLG_I64, (double) p->ignore));
    loss = clg_where(kept, loss, zero);
    if (p->reduction != CLG_REDUCE_MEAN)
        return clg_cast(clg__reduced(loss, p->reduction), result);
    const clg_tensor total = p->weight ? clg_where(kept, own ? own : zero, zero) : clg_cast(kept, t);
    // means, since the sums may overflow where their quotient does not
    return clg_cast(clg_div(clg_mean(loss, CLG_ALL, false), clg_mean(total, CLG_ALL, false)), result);
}

// Loss and gradient are a pass over the logits each; with label smoothing the loss is two.
static clg_tensor numbers_loss(const clg__call *c, clg_tensor logits, clg_tensor target, const classes *p)
{
    const int64_t n = logits->shape.dim[1];
    clg_tensor label = clg__class_of(target, n), loss, logp = NULL, all = NULL;
    clg__label_loss(logits, label, &loss, p->smooth > 0 ? &logp : NULL);
    if (loss->status < 0)
        return loss;
    if (p->smooth > 0) {
        const clg_tensor w = n > 0 ? class_weights(p, loss->dtype, &logits->shape) : NULL;
        all = clg_neg(clg_sum(w ? clg_mul(logp, w) : logp, CLG_AXES(1), false));
    }
    return class_loss(c, loss, all, label, target, n, p, logits->dtype);
}

// The mean divides by rows, not by weights. Logarithms are made where they are read, of a row's statistics.
static clg_tensor probabilities_loss(const clg__call *c, clg_tensor logits, clg_tensor target, const classes *p)
{
    clg_shape rows = logits->shape;
    rows.rank--;
    for (int d = 1; d < rows.rank; d++)
        rows.dim[d] = logits->shape.dim[d + 1];
    clg_tensor own, logp;
    clg__label_loss(logits, clg_zeros(c->dev, CLG_I32, rows), &own, &logp);
    if (logp->status < 0)
        return logp;
    const clg_tensor w = class_weights(p, logp->dtype, &logits->shape);
    clg_tensor t = clg_cast(target, logp->dtype);
    if (p->smooth > 0)
        t = clg_add(clg_mul(t, clg__num(c->dev, t->dtype, 1 - p->smooth)),
                    clg__num(c->dev, t->dtype, p->smooth / (double) logits->shape.dim[1]));
    const clg_tensor part = clg_mul(logp, w ? clg_mul(t, w) : t);
    return clg_cast(clg__reduced(clg_neg(clg_sum(part, CLG_AXES(1), false)), p->reduction), logits->dtype);
}

clg_tensor clg_cross_entropy(clg_tensor logits, clg_tensor target, const struct clg_cross_entropy_params *given)
{
    CLG__DEFAULT_FP;
    struct clg_cross_entropy_params q;
    const char *wrong = clg_params_read(&q, sizeof q, given);
    clg__call c;
    logits = clg_autocast_input("cross_entropy", logits);
    target = clg_autocast_input("cross_entropy", target);
    q.weight = clg_autocast_input("cross_entropy", q.weight);
    if (!clg__call_begin(&c, "cross_entropy", "logits target weight", q.weight ? 3 : 2,
                         (clg_tensor[]) { logits, target, q.weight }))
        return clg__call_poison(&c);
    if (wrong)
        return clg__call_fail(&c, CLG_EINVAL, "%s", wrong);
    const classes p = { q.weight, q.use_ignore_index ? q.ignore_index : -100, q.reduction, q.label_smoothing };
    const bool probabilities = logits->shape.rank > 0 && clg__shape_equal(&logits->shape, &target->shape) &&
                               clg_dtype_is_float(target->dtype);
    const bool one = logits->shape.rank == 1 && (probabilities || target->shape.rank == 0);
    if (one) {
        logits = clg_unsqueeze(logits, 0);
        target = clg_unsqueeze(target, 0);
    }
    const clg_tensor bad = check(&c, logits, target, &p, probabilities);
    if (bad)
        return bad;
    if (probabilities && p.ignore >= 0)
        return clg__call_fail(&c, CLG_EINVAL, "ignore_index is %lld beside probabilities", (long long) p.ignore);
    if (logits->shape.dim[1] > INT32_MAX || places_of(&logits->shape) > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "more than %d classes, or places of each", INT32_MAX);
    const clg_tensor y = probabilities ? probabilities_loss(&c, logits, target, &p) : numbers_loss(&c, logits, target, &p);
    return clg__call_own(&c, one && p.reduction == CLG_REDUCE_NONE ? clg_reshape(y, CLG_SCALAR) : y);
}

clg_tensor clg_nll_loss(clg_tensor x, clg_tensor target, const struct clg_nll_loss_params *given)
{
    CLG__DEFAULT_FP;
    struct clg_nll_loss_params q;
    const char *wrong = clg_params_read(&q, sizeof q, given);
    clg__call c;
    x = clg_autocast_input("nll_loss", x);
    q.weight = clg_autocast_input("nll_loss", q.weight);
    if (!clg__call_begin(&c, "nll_loss", "x target weight", q.weight ? 3 : 2,
                         (clg_tensor[]) { x, target, q.weight }))
        return clg__call_poison(&c);
    if (wrong)
        return clg__call_fail(&c, CLG_EINVAL, "%s", wrong);
    const classes p = { q.weight, q.use_ignore_index ? q.ignore_index : -100, q.reduction, 0 };
    const bool one = x->shape.rank == 1 && target->shape.rank == 0;
    if (one) {
        x = clg_unsqueeze(x, 0);
        target = clg_unsqueeze(target, 0);
    }
    const clg_tensor bad = check(&c, x, target, &p, false);
    if (bad)
        return bad;
    const clg_shape s = x->shape;
    const int64_t n = s.dim[1], inner = places_of(&s);
    if (n > INT32_MAX || inner > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "more than %d classes, or places of each", INT32_MAX);
    const clg_tensor label = clg__class_of(target, n), flat = clg_reshape(clg__wide(x), CLG_SHAPE(s.dim[0], n, inner));
    const clg_tensor loss = clg_neg(clg__pick(flat, clg_reshape(label, CLG_SHAPE(s.dim[0], 1, inner))));
    if (loss->status < 0)
        return clg__call_own(&c, loss);
    const clg_tensor y = class_loss(&c, clg_reshape(loss, label->shape), NULL, label, target, n, &p, x->dtype);
    return clg__call_own(&c, one && p.reduction == CLG_REDUCE_NONE ? clg_reshape(y, CLG_SCALAR) : y);
}

clg_tensor clg_linear_cross_entropy(clg_tensor x, clg_tensor w, clg_tensor bias, clg_tensor target,
                                    const struct clg_cross_entropy_params *p)
{
    clg__call c;
    if (!clg__call_begin(&c, "linear_cross_entropy", bias ? "x w target bias" : "x w target", bias ? 4 : 3,
                         (clg_tensor[]) { x, w, target, bias }))
        return clg__call_poison(&c);
    if (x->shape.rank < 1 || x->shape.rank > 2)
        return clg__call_fail(&c, CLG_ESHAPE, "x has rank %d, expected 1 or 2", x->shape.rank);
    const int rank = w->shape.rank, last = x->shape.rank - 1;
    if (rank < 2 || (rank > 2 && last == 0))
        return clg__call_fail(&c, CLG_ESHAPE, "w has rank %d, expected %s", rank, last ? "2 or more" : "2");
    const int64_t in = x->shape.dim[last];
    if (w->shape.dim[rank - 1] != in)
        return clg__call_fail(&c, CLG_ESHAPE, "x and w differ in their last dimension");
    clg_shape head = w->shape;
    head.rank--;
    if (bias && !clg__shape_equal(&bias->shape, &head))
        return clg__call_fail(&c, CLG_ESHAPE, "bias must have the shape of w without its last dimension");
    int64_t out = 1;
    clg_shape s = { .rank = last + rank - 1, .dim = { x->shape.dim[0] } };
    for (int d = 0; d < rank - 1; d++) {
        s.dim[last + d] = w->shape.dim[d];
        out *= w->shape.dim[d];
    }
    clg_tensor y = clg_matmul(x, clg_transpose(clg_reshape(w, CLG_SHAPE(out, in)), 0, 1));
    if (bias)
        y = clg_add(y, clg_reshape(bias, CLG_SHAPE(out)));
    return clg__call_own(&c, clg_cross_entropy(clg_reshape(y, s), target, p));
}
