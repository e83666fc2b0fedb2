// SPDX-License-Identifier: MIT
// Losses: plain graph code.
#include "base/fp.h"
#include "graph/build.h"
#include "ops/element.h"
#include "ops/softmax.h"
#include <clgrad/ops.h>

static clg_tensor reduced(clg_tensor x, clg_reduction r)
{
    if (r == CLG_REDUCE_NONE)
        return x;
    return r == CLG_REDUCE_SUM ? clg_sum(x, CLG_ALL, false) : clg_mean(x, CLG_ALL, false);
}

static bool is_reduction(clg_reduction r)
{
    return r == CLG_REDUCE_MEAN || r == CLG_REDUCE_SUM || r == CLG_REDUCE_NONE;
}

clg_tensor clg_mse_loss(clg_tensor x, clg_tensor target, clg_reduction r)
{
    clg__call c;
    if (!clg__call_begin(&c, "mse_loss", "x target", 2, (clg_tensor[]) { x, target }))
        return clg__call_poison(&c);
    if (!clg__shape_equal(&x->shape, &target->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "shapes differ");
    if (!is_reduction(r))
        return clg__call_fail(&c, CLG_EINVAL, "%d is no reduction", (int) r);
    clg_tensor d = clg_sub(x, target);
    return clg__call_own(&c, reduced(clg_mul(d, d), r));
}

static clg_tensor check(const clg__call *c, clg_tensor logits, clg_tensor target,
                        const struct clg_cross_entropy_params *p)
{
    if (!clg_dtype_is_float(logits->dtype))
        return clg__call_fail(c, CLG_EDTYPE, "logits must be floating");
    if (clg_dtype_is_float(target->dtype) || target->dtype == CLG_BOOL)
        return clg__call_fail(c, CLG_EDTYPE, "the target must hold class numbers (integers)");
    bool fits = logits->shape.rank >= 2 && target->shape.rank == logits->shape.rank - 1;
    for (int d = 0; fits && d < target->shape.rank; d++)
        fits = target->shape.dim[d] == logits->shape.dim[d == 0 ? 0 : d + 1];
    if (!fits)
        return clg__call_fail(c, CLG_ESHAPE, "expected logits [N,K,...] and target [N,...]");
    if (!is_reduction(p->reduction))
        return clg__call_fail(c, CLG_EINVAL, "%d is no reduction", (int) p->reduction);
    if (!(p->label_smoothing >= 0 && p->label_smoothing <= 1))
        return clg__call_fail(c, CLG_EINVAL, "label_smoothing is %g, expected 0 to 1",
                              p->label_smoothing);
    if (p->weight &&
        (p->weight->shape.rank != 1 || p->weight->shape.dim[0] != logits->shape.dim[1]))
        return clg__call_fail(c, CLG_ESHAPE, "weight must have one element per class (%lld)",
                              (long long) logits->shape.dim[1]);
    return NULL;
}

// As I32; what is no class stays none.
static clg_tensor class_of(clg_tensor target, int64_t classes)
{
    if (clg_dtype_size(target->dtype) < 4 || target->dtype == CLG_I32)
        return clg_cast(target, CLG_I32);
    clg_tensor t = clg_cast(target, CLG_I64), none = clg__lit(t->dev, CLG_I64, -1);
    return clg_cast(clg_where(clg_lt(t, clg__num(t->dev, CLG_I64, (double) classes)), clg_maximum(t, none), none), CLG_I32);
}

// Loss and gradient are a pass over the logits each; with label smoothing the loss is two.
clg_tensor clg_cross_entropy(clg_tensor logits, clg_tensor target,
                             const struct clg_cross_entropy_params *p)
{
    CLG__DEFAULT_FP;
    struct clg_cross_entropy_params q;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    clg__call c;
    p = &q;
    if (!clg__call_begin(&c, "cross_entropy", "logits target weight", p->weight ? 3 : 2,
                         (clg_tensor[]) { logits, target, p->weight }))
        return clg__call_poison(&c);
    if (wrong)
        return clg__call_fail(&c, CLG_EINVAL, "%s", wrong);
    clg_tensor bad = check(&c, logits, target, p);
    if (bad)
        return bad;
    const int64_t classes = logits->shape.dim[1];
    const int64_t ignore = p->use_ignore_index ? p->ignore_index : -100;
    const double smooth = p->label_smoothing;
    int64_t inner = 1;
    for (int d = 2; d < logits->shape.rank; d++)
        inner *= logits->shape.dim[d];
    if (classes > INT32_MAX || inner > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "more than %d classes, or places of each", INT32_MAX);
    clg_tensor label = class_of(target, classes), loss, logp = NULL;
    clg__label_loss(logits, label, &loss, smooth > 0 ? &logp : NULL);
    if (loss->status < 0)
        return clg__call_own(&c, loss);
    const clg_dtype t = loss->dtype;
    clg_tensor zero = clg__lit(c.dev, t, 0), no_class = clg__lit(c.dev, CLG_I32, 0);
    clg_tensor is_class = clg_logical_and(clg_ge(label, no_class),
                                          clg_lt(label, clg__num(c.dev, CLG_I32, (double) classes)));
    clg_tensor kept = clg_ne(clg_cast(target, CLG_I64), clg__num(c.dev, CLG_I64, (double) ignore));
    clg_shape ks = { .rank = logits->shape.rank };
    for (int d = 0; d < ks.rank; d++)
        ks.dim[d] = d == 1 ? classes : 1;
    clg_tensor w = NULL, own = NULL;
    if (p->weight && classes > 0) {
        w = clg_cast(p->weight, t);
        own = clg_index_select(w, 0, clg_reshape(clg_where(is_class, label, no_class), CLG_SHAPE(-1)));
        own = clg_where(is_class, clg_reshape(own, label->shape), zero);
        loss = clg_mul(loss, own);
    }
    loss = clg_where(is_class, loss, zero);
    if (smooth > 0) {
        clg_tensor weighted = w ? clg_mul(logp, clg_reshape(w, ks)) : logp;
        clg_tensor all = clg_neg(clg_sum(weighted, CLG_AXES(1), false));
        loss = clg_add(clg_mul(loss, clg__num(c.dev, t, 1 - smooth)),
                       clg_mul(all, clg__num(c.dev, t, smooth / (double) classes)));
    }
    loss = clg_where(kept, loss, zero);
    if (p->reduction != CLG_REDUCE_MEAN)
        return clg__call_own(&c, clg_cast(reduced(loss, p->reduction), logits->dtype));
    clg_tensor total = p->weight ? clg_where(kept, own ? own : zero, zero) : clg_cast(kept, t);
    // means, since the sums may overflow where their quotient does not
    clg_tensor mean = clg_div(clg_mean(loss, CLG_ALL, false), clg_mean(total, CLG_ALL, false));
    return clg__call_own(&c, clg_cast(mean, logits->dtype));
}
