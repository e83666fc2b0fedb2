// SPDX-License-Identifier: MIT
// Losses of differences and of probabilities: plain graph code. Where one of two formulas is chosen, the other one
// gets a harmless argument, so that its derivative is no product of 0 and infinity.
#include "ops/loss.h"

#include "base/fp.h"
#include "ops/element.h"
#include <clgrad/ops.h>

#include <math.h>

// ---- differences

static clg_tensor difference_loss(const char *op, clg_tensor x, clg_tensor target, clg_tensor (*of)(clg_tensor),
                                  clg_reduction r)
{
    clg__call c;
    x = clg_autocast_input(op, x);
    target = clg_autocast_input(op, target);
    if (!clg__call_begin(&c, op, "x target", 2, (clg_tensor[]) { x, target }))
        return clg__call_poison(&c);
    if (!clg__shape_equal(&x->shape, &target->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "shapes differ");
    if (!clg__is_reduction(r))
        return clg__call_fail(&c, CLG_EINVAL, "%d is no reduction", (int) r);
    const clg_dtype t = clg__result_type(2, c.in), wide = clg__dtype_of(t)->as;
    if (!clg_dtype_is_float(t)) // integers stay what they are
        return clg__call_own(&c, clg__reduced(of(clg_sub(x, target)), r));
    return clg__loss_end(&c, of(clg_sub(clg_cast(x, wide), clg_cast(target, wide))), r, t);
}

static clg_tensor own_square(clg_tensor d)
{
    return clg_mul(d, d);
}

clg_tensor clg_mse_loss(clg_tensor x, clg_tensor target, clg_reduction r)
{
    return difference_loss("mse_loss", x, target, own_square, r);
}

clg_tensor clg_l1_loss(clg_tensor x, clg_tensor target, clg_reduction r)
{
    return difference_loss("l1_loss", x, target, clg_abs, r);
}

// scale * d^2 where |d| < at, else slope * (|d| - at / 2). NaN takes the square, whose derivative it then is.
static clg_tensor bent_loss(const char *op, clg_tensor x, clg_tensor target, double at, double scale, double slope,
                            clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    clg_tensor in[2] = { clg_autocast_input(op, x), clg_autocast_input(op, target) };
    if (!clg__call_begin(&c, op, "x target", 2, in))
        return clg__call_poison(&c);
    if (!clg__shape_equal(&x->shape, &target->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "shapes differ");
    const clg_tensor bad = clg__loss_begin(&c, in, 2, r, &t);
    if (bad)
        return bad;
    const clg_tensor d = clg_sub(in[0], in[1]), zero = clg__lit(c.dev, in[0]->dtype, 0), far = clg_ge_scalar(clg_abs(d), at);
    const clg_tensor square = clg_mul_scalar(clg_square(clg_where(far, zero, d)), scale);
    const clg_tensor line = clg_sub_scalar(clg_abs(clg_where(far, d, zero)), at / 2);
    return clg__loss_end(&c, clg_where(far, slope == 1 ? line : clg_mul_scalar(line, slope), square), r, t);
}

clg_tensor clg_smooth_l1_loss(clg_tensor x, clg_tensor target, double beta, clg_reduction r)
{
    CLG__DEFAULT_FP;
    beta = clg__fp_pin(beta);
    clg__call c;
    if (!clg__call_begin(&c, "smooth_l1_loss", "x target", 2, (clg_tensor[]) { x, target }))
        return clg__call_poison(&c);
    if (!(beta >= 0))
        return clg__call_fail(&c, CLG_EINVAL, "beta is %g, expected 0 or more", beta);
    if (beta == 0)
        return difference_loss("smooth_l1_loss", x, target, clg_abs, r);
    return bent_loss("smooth_l1_loss", x, target, beta, 0.5 / beta, 1, r);
}

clg_tensor clg_huber_loss(clg_tensor x, clg_tensor target, double delta, clg_reduction r)
{
    CLG__DEFAULT_FP;
    delta = clg__fp_pin(delta);
    clg__call c;
    if (!clg__call_begin(&c, "huber_loss", "x target", 2, (clg_tensor[]) { x, target }))
        return clg__call_poison(&c);
    if (!(delta > 0))
        return clg__call_fail(&c, CLG_EINVAL, "delta is %g, expected above 0", delta);
    return bent_loss("huber_loss", x, target, delta, 0.5, delta, r);
}

// Each element's loss times its weight. Means of squares and magnitudes divide by the sum of the weights, those of
// clg_huber_loss by how many there are.
static clg_tensor weighted_loss(const char *op, const char *plain, clg_tensor x, clg_tensor target, clg_tensor weight,
                                double delta, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    clg_tensor in[3] = { clg_autocast_input(plain, x), clg_autocast_input(plain, target), clg_autocast_input(plain, weight) };
    if (!clg__call_begin(&c, op, "x target weight", 3, in))
        return clg__call_poison(&c);
    if (!clg__shape_equal(&x->shape, &target->shape) || !clg__shape_equal(&x->shape, &weight->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "shapes differ");
    const clg_tensor bad = clg__loss_begin(&c, in, 3, r, &t);
    if (bad)
        return bad;
    const bool square = plain[0] == 'm', huber = plain[0] == 'h';
    const clg_tensor each = square ? clg_mse_loss(in[0], in[1], CLG_REDUCE_NONE) : huber ? clg_huber_loss(in[0], in[1], delta, CLG_REDUCE_NONE)
                                                                                      : clg_l1_loss(in[0], in[1], CLG_REDUCE_NONE);
    const clg_tensor y = clg_mul(each, in[2]);
    if (huber || r != CLG_REDUCE_MEAN || y->status < 0)
        return clg__loss_end(&c, y, r, t);
    // means, since the sums may overflow where their quotient does not
    return clg__call_own(&c, clg_cast(clg_div(clg_mean(y, CLG_ALL, false), clg_mean(in[2], CLG_ALL, false)), t));
}

clg_tensor clg_mse_loss_weighted(clg_tensor x, clg_tensor target, clg_tensor weight, clg_reduction r)
{
    return weighted_loss("mse_loss_weighted", "mse_loss", x, target, weight, 0, r);
}

clg_tensor clg_l1_loss_weighted(clg_tensor x, clg_tensor target, clg_tensor weight, clg_reduction r)
{
    return weighted_loss("l1_loss_weighted", "l1_loss", x, target, weight, 0, r);
}

clg_tensor clg_huber_loss_weighted(clg_tensor x, clg_tensor target, clg_tensor weight, double delta, clg_reduction r)
{
    CLG__DEFAULT_FP;
    delta = clg__fp_pin(delta);
    clg__call c;
    if (!clg__call_begin(&c, "huber_loss_weighted", "x target weight", 3, (clg_tensor[]) { x, target, weight }))
        return clg__call_poison(&c);
    if (!(delta > 0))
        return clg__call_fail(&c, CLG_EINVAL, "delta is %g, expected above 0", delta);
    return weighted_loss("huber_loss_weighted", "huber_loss", x, target, weight, delta, r);
}

// ---- probabilities

// (x - t) / max(x (1 - x), 1e-12), and log(1 - x) - log(x).
static clg_tensor entropy_vjp(const clg__vjp *v, int i)
{
    const clg_tensor x = v->in[0], one = clg__lit(x->dev, x->dtype, 1), rest = clg_sub(one, x);
    if (i == 1)
        return clg_mul(v->g, clg_sub(clg_log1p(clg_neg(x)), clg_log(x)));
    const clg_tensor by = clg_maximum(clg_mul(rest, x), clg__lit(x->dev, x->dtype, 1e-12));
    return clg_div(clg_mul(v->g, clg_sub(x, v->in[1])), by);
}

static const clg__op op_entropy = { .name = "binary_cross_entropy", .kind = CLG__ALIAS, .vjp = entropy_vjp };

// Does w's shape go with that of a loss of shape s?
static bool broadcasts(const clg_tensor w, const clg_shape *s)
{
    clg_shape out;
    return !w || clg__broadcast(&w->shape, s, &out);
}

clg_tensor clg_binary_cross_entropy(clg_tensor x, clg_tensor target, clg_tensor weight, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    x = clg_autocast_input("binary_cross_entropy", x);
    target = clg_autocast_input("binary_cross_entropy", target);
    clg_tensor in[3] = { x, target, weight };
    if (!clg__call_begin(&c, "binary_cross_entropy", "x target weight", weight ? 3 : 2, in))
        return clg__call_poison(&c);
    if (!clg__shape_equal(&x->shape, &target->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "shapes of x and target differ");
    if (!broadcasts(weight, &x->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "weight does not broadcast with x");
    const clg_tensor bad = clg__loss_begin(&c, in, 3, r, &t);
    if (bad)
        return bad;
    const clg_tensor least = clg__lit(c.dev, in[0]->dtype, -100), one = clg__lit(c.dev, in[0]->dtype, 1);
    const clg_tensor yes = clg_maximum(clg_log(in[0]), least), no = clg_maximum(clg_log1p(clg_neg(in[0])), least);
    clg_tensor y = clg_sub(clg_mul(clg_sub(in[1], one), no), clg_mul(in[1], yes));
    if (y->status >= 0)
        y = clg__custom_vjp(&op_entropy, y, 2, in, NULL);
    return clg__loss_end(&c, weight ? clg_mul(y, in[2]) : y, r, t);
}

// log(1 + e^x) of the sign that is wanted
static clg_tensor softplus_of(clg_tensor x, bool negative)
{
    return clg_neg(clg_log_sigmoid(negative ? x : clg_neg(x)));
}

static clg_tensor logit_vjp(const clg__vjp *v, int i)
{
    const clg_tensor x = v->in[0], t = v->in[1], pos = v->n_in > 2 ? v->in[2] : NULL;
    const clg_tensor one = clg__lit(x->dev, x->dtype, 1);
    if (i == 2)
        return clg_mul(v->g, clg_mul(t, softplus_of(x, true)));
    if (i == 1 && !pos)
        return clg_neg(clg_mul(v->g, x));
    if (i == 1)
        return clg_mul(v->g, clg_sub(clg_mul(pos, softplus_of(x, true)), softplus_of(x, false)));
    if (!pos)
        return clg_mul(v->g, clg_sub(clg_mul(clg_sub(one, t), clg_sigmoid(x)), clg_mul(t, clg_sigmoid(clg_neg(x)))));
    return clg_mul(v->g, clg_sub(clg_mul(clg_sub(one, t), clg_sigmoid(x)),
                                 clg_mul(clg_mul(pos, t), clg_sigmoid(clg_neg(x)))));
}

static const clg__op op_logit_loss = { .name = "logit_loss", .kind = CLG__ALIAS, .vjp = logit_vjp };

// Of |x|, so that nothing cancels: log(1 + e^x) = max(x, 0) + log(1 + e^-|x|).
clg_tensor clg__logit_loss(clg_tensor x, clg_tensor t, clg_tensor v)
{
    if (x->status < 0 || t->status < 0 || (v && v->status < 0))
        return x->status < 0 ? x : t->status < 0 ? t : v;
    const clg_tensor one = clg__lit(x->dev, x->dtype, 1), least = clg_neg(clg_log_sigmoid(clg_abs(x)));
    const clg_tensor no = clg_add(clg_relu(x), least), yes = clg_add(clg_relu(clg_neg(x)), least);
    const clg_tensor y = clg_add(clg_mul(clg_sub(one, t), no), clg_mul(v ? clg_mul(v, t) : t, yes));
    return y->status < 0 ? y : clg__custom_vjp(&op_logit_loss, y, v ? 3 : 2, (clg_tensor[]) { x, t, v }, NULL);
}

clg_tensor clg_binary_cross_entropy_with_logits(clg_tensor x, clg_tensor target, clg_tensor weight,
                                                clg_tensor pos_weight, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    x = clg_autocast_input("binary_cross_entropy_with_logits", x);
    target = clg_autocast_input("binary_cross_entropy_with_logits", target);
    clg_tensor in[4] = { x, target, weight ? weight : pos_weight, weight ? pos_weight : NULL };
    const char *names = weight ? "x target weight pos_weight" : "x target pos_weight";
    if (!clg__call_begin(&c, "binary_cross_entropy_with_logits", names, 2 + !!weight + !!pos_weight, in))
        return clg__call_poison(&c);
    if (!clg__shape_equal(&x->shape, &target->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "shapes of x and target differ");
    if (!broadcasts(weight, &x->shape) || !broadcasts(pos_weight, &x->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "weights do not broadcast with x");
    const clg_tensor bad = clg__loss_begin(&c, in, 4, r, &t);
    if (bad)
        return bad;
    const clg_tensor y = clg__logit_loss(in[0], in[1], weight ? in[3] : in[2]);
    return clg__loss_end(&c, weight ? clg_mul(y, in[2]) : y, r, t);
}

clg_tensor clg_kl_div(clg_tensor x, clg_tensor target, bool log_target, clg_reduction r)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg_dtype t;
    clg_tensor in[2] = { clg_autocast_input("kl_div", x), clg_autocast_input("kl_div", target) };
    if (!clg__call_begin(&c, "kl_div", "x target", 2, in))
        return clg__call_poison(&c);
    const bool by_rows = r == CLG_REDUCE_BATCHMEAN;
    const clg_tensor bad = clg__loss_begin(&c, in, 2, by_rows ? CLG_REDUCE_SUM : r, &t);
    if (bad)
        return bad;
    clg_tensor y = log_target ? clg_mul(clg_exp(in[1]), clg_sub(in[1], in[0]))
                              : clg_sub(clg_xlogy(in[1], in[1]), clg_mul(in[1], in[0]));
    if (!by_rows)
        return clg__loss_end(&c, y, r, t);
    y = clg__reduced(y, CLG_REDUCE_SUM);
    if (y->status >= 0 && x->shape.rank > 0)
        y = clg_div(y, clg__num(c.dev, y->dtype, (double) x->shape.dim[0]));
    return clg__loss_end(&c, y, CLG_REDUCE_NONE, t);
}

clg_tensor clg_poisson_nll_loss(clg_tensor x, clg_tensor target, bool log_input, bool full, double eps, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    clg_tensor in[2] = { x, target };
    if (!clg__call_begin(&c, "poisson_nll_loss", "x target", 2, in))
        return clg__call_poison(&c);
    if (!(eps >= 0))
        return clg__call_fail(&c, CLG_EINVAL, "eps is %g, expected 0 or more", eps);
    const clg_tensor bad = clg__loss_begin(&c, in, 2, r, &t);
    if (bad)
        return bad;
    clg_tensor y = log_input ? clg_sub(clg_exp(in[0]), clg_mul(in[1], in[0]))
                             : clg_sub(in[0], clg_mul(in[1], clg_log(clg_add_scalar(in[0], eps))));
    if (full && y->status >= 0) { // Stirling's formula
        const clg_dtype w = y->dtype;
        const clg_tensor one = clg__lit(c.dev, w, 1), few = clg_le(in[1], one), k = clg_where(few, one, in[1]);
        const clg_tensor root = clg_mul(clg__lit(c.dev, w, 0.5), clg_log(clg_mul(clg__lit(c.dev, w, 6.28318530717958648), k)));
        const clg_tensor more = clg_add(clg_sub(clg_mul(k, clg_log(k)), k), root);
        y = clg_add(y, clg_where(few, clg__lit(c.dev, w, 0), more));
    }
    return clg__loss_end(&c, y, r, t);
}

static clg_tensor pass_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return v->g;
}

static const clg__op op_at_least = { .name = "at_least", .kind = CLG__ALIAS, .vjp = pass_vjp };

clg_tensor clg__at_least(clg_tensor x, double lo)
{
    const clg_tensor y = clg_maximum_scalar(x, lo);
    return y->status < 0 ? y : clg__custom_vjp(&op_at_least, y, 1, &x, NULL);
}

// var: of x's shape, that without the last dimension, or with one size of 1.
static bool variance_fits(const clg_tensor x, const clg_tensor var, bool *shorter)
{
    clg_shape head = x->shape;
    head.rank -= head.rank > 0;
    *shorter = x->shape.rank > 0 && clg__shape_equal(&var->shape, &head);
    if (clg__shape_equal(&x->shape, &var->shape))
        return *shorter = false, true;
    int64_t other = 0;
    for (int d = 0; d < x->shape.rank && x->shape.rank == var->shape.rank; d++)
        if (x->shape.dim[d] != var->shape.dim[d])
            other += var->shape.dim[d];
    return *shorter || other == 1;
}

clg_tensor clg_gaussian_nll_loss(clg_tensor x, clg_tensor target, clg_tensor var, bool full, double eps, clg_reduction r)
{
    clg__call c;
    clg_dtype t;
    bool shorter;
    clg_tensor in[3] = { x, target, var };
    if (!clg__call_begin(&c, "gaussian_nll_loss", "x target var", 3, in))
        return clg__call_poison(&c);
    if (!variance_fits(x, var, &shorter))
        return clg__call_fail(&c, CLG_ESHAPE, "var must have the shape of x, or one dimension less or of size 1");
    if (!(eps >= 0))
        return clg__call_fail(&c, CLG_EINVAL, "eps is %g, expected 0 or more", eps);
    const clg_tensor bad = clg__loss_begin(&c, in, 3, r, &t);
    if (bad)
        return bad;
    const clg_tensor half = clg__lit(c.dev, in[0]->dtype, 0.5);
    const clg_tensor v = clg__at_least(shorter ? clg_unsqueeze(in[2], -1) : in[2], eps);
    clg_tensor y = clg_mul(half, clg_add(clg_log(v), clg_div(clg_square(clg_sub(in[0], in[1])), v)));
    if (full && y->status >= 0)
        y = clg_add(y, clg__lit(c.dev, y->dtype, 0.918938533204672742));
    return clg__loss_end(&c, y, r, t);
}
