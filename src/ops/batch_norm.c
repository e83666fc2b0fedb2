// SPDX-License-Identifier: MIT
// Batch and instance normalisation: what is checked, which statistics are taken, and what becomes of running ones.
#include "base/fp.h"
#include "ops/element.h"
#include "ops/norm.h"
#include <clgrad/norm.h>
#include <clgrad/ops.h>

#include <math.h>
#include <string.h>

// A call: its tensors, of which all but x may be NULL, and its numbers.
typedef struct running_norm {
    clg__call c;
    clg_tensor x, weight, bias, mean, var;
    double eps, momentum;
    clg_tensor *new_mean, *new_var;
} running_norm;

// NULL: go on. The inputs are those that there are.
static clg_tensor begin(running_norm *r, const char *op, double eps, bool no_eps, double momentum, bool no_momentum,
                        const char *wrong)
{
    const struct {
        const char *name;
        clg_tensor t;
    } may[] = { { " weight", r->weight }, { " bias", r->bias }, { " mean", r->mean }, { " var", r->var } };
    char names[40] = "x";
    clg_tensor all[5] = { r->x }, bad;
    int n = 1;
    for (size_t i = 0; i < sizeof may / sizeof may[0]; i++) {
        if (may[i].t) {
            strcat(names, may[i].name);
            all[n++] = may[i].t;
        }
    }
    if (!clg__call_begin(&r->c, op, names, n, all))
        return clg__call_poison(&r->c);
    if (wrong)
        return clg__call_fail(&r->c, CLG_EINVAL, "%s", wrong);
    if (!clg__norm_eps(&r->c, eps, no_eps, 1e-5, &r->eps, &bad))
        return bad;
    if (!(momentum >= 0 && momentum < INFINITY))
        return clg__call_fail(&r->c, CLG_EINVAL, "momentum is %g, expected 0 or more", momentum);
    if (no_momentum && momentum != 0)
        return clg__call_fail(&r->c, CLG_EINVAL, "momentum is %g and no_momentum is set", momentum);
    r->momentum = momentum == 0 && !no_momentum ? 0.1 : momentum;
    if (r->x->shape.rank < 2)
        return clg__call_fail(&r->c, CLG_ESHAPE, "x has rank %d, expected 2 or more", r->x->shape.rank);
    if (!clg_dtype_is_float(r->x->dtype))
        return clg__call_fail(&r->c, CLG_EDTYPE, "x must be floating");
    for (size_t i = 0; i < sizeof may / sizeof may[0]; i++) {
        bad = clg__norm_vector(&r->c, may[i].name + 1, may[i].t, r->x->shape.dim[1], "channels");
        if (bad)
            return bad;
    }
    return NULL;
}

static clg_tensor by_running(const running_norm *r)
{
    const int rank = r->x->shape.rank;
    return clg__call_own(&r->c, clg__normalised_by(r->x, clg__per_channel(r->mean, rank),
                                                   clg__per_channel(r->var, rank), clg__per_channel(r->weight, rank),
                                                   clg__per_channel(r->bias, rank), r->eps));
}

// (1 - m) * old + m * scale * now, of the old one's type
static clg_tensor moved(clg_tensor old, clg_tensor now, double m, double scale)
{
    clg_tensor was = clg__wide(old);
    now = clg_cast(clg_reshape(now, old->shape), was->dtype);
    return clg_cast(clg_add(clg_mul(was, clg__num(was->dev, was->dtype, 1 - m)),
                            clg_mul(now, clg__num(was->dev, was->dtype, m * scale))),
                    old->dtype);
}

// By the statistics of x's own groups, `count` elements each; mean and var are those of channels, as of the groups or
// their mean over the batch. The variance that is kept has n / (n - 1).
static clg_tensor by_own(const running_norm *r, const clg__norm *n, bool update)
{
    const int rank = r->x->shape.rank;
    const double count = (double) n->outer * (double) n->inner;
    clg_tensor m, v;
    clg_tensor y = clg__normalised(r->x, clg__per_channel(r->weight, rank), clg__per_channel(r->bias, rank), n, &m, &v);
    if (!update || !r->mean || !r->var || y->status < 0)
        return clg__call_own(&r->c, y);
    const int64_t channels = r->x->shape.dim[1], each = channels ? n->groups / channels : 1;
    if (each != 1) { // of an instance norm
        const clg_shape by = CLG_SHAPE(each, channels);
        m = clg_mean(clg_reshape(m, by), CLG_AXES(0), false);
        v = clg_mean(clg_reshape(v, by), CLG_AXES(0), false);
    }
    const bool none = n->outer == 0 || n->inner == 0; // an empty batch says nothing
    if (r->new_mean)
        *r->new_mean = none ? r->mean : moved(r->mean, m, r->momentum, 1);
    if (r->new_var)
        *r->new_var = none ? r->var : moved(r->var, v, r->momentum, count / (count - 1));
    return clg__call_own(&r->c, y);
}

// Elements behind the first two dimensions.
static int64_t inner(clg_tensor x)
{
    int64_t n = 1;
    for (int d = 2; d < x->shape.rank; d++)
        n *= x->shape.dim[d];
    return n;
}

clg_tensor clg_batch_norm(clg_tensor x, clg_tensor weight, clg_tensor bias, clg_tensor mean,
                          clg_tensor var, const struct clg_batch_norm_params *p)
{
    CLG__DEFAULT_FP;
    struct clg_batch_norm_params q;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    running_norm r = { .x = x, .weight = weight, .bias = bias, .mean = mean, .var = var, .new_mean = q.new_mean,
                       .new_var = q.new_var };
    const clg_tensor bad = begin(&r, "batch_norm", q.eps, q.no_eps, q.momentum, q.no_momentum, wrong);
    if (bad)
        return bad;
    if (!q.training && mean && var)
        return by_running(&r);
    const clg__norm n = { x->shape.dim[0], x->shape.dim[1], inner(x), r.eps, true, true, false };
    if (q.training && n.outer * n.inner == 1)
        return clg__call_fail(&r.c, CLG_ESHAPE, "1 value per channel, training needs two");
    return by_own(&r, &n, q.training);
}

clg_tensor clg_instance_norm(clg_tensor x, clg_tensor weight, clg_tensor bias, clg_tensor mean, clg_tensor var,
                             const struct clg_instance_norm_params *p)
{
    CLG__DEFAULT_FP;
    struct clg_instance_norm_params q;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    running_norm r = { .x = x, .weight = weight, .bias = bias, .mean = mean, .var = var, .new_mean = q.new_mean,
                       .new_var = q.new_var };
    const clg_tensor bad = begin(&r, "instance_norm", q.eps, q.no_eps, q.momentum, q.no_momentum, wrong);
    if (bad)
        return bad;
    if (q.use_running && (!mean || !var))
        return clg__call_fail(&r.c, CLG_EINVAL, "use_running needs mean and var");
    if (q.use_running)
        return by_running(&r);
    const clg__norm n = { 1, x->shape.dim[0] * x->shape.dim[1], inner(x), r.eps, true, true, false };
    if (n.inner == 1)
        return clg__call_fail(&r.c, CLG_ESHAPE, "one value per channel of an image, its statistics need two");
    return by_own(&r, &n, true);
}
