// SPDX-License-Identifier: MIT
// Normalisation by the statistics of rows and of groups of channels, by neighbouring channels, and by a norm: checks and
// plain graph code over ops/norm.c.
#include "base/fp.h"
#include "ops/element.h"
#include "ops/norm.h"
#include <clgrad/conv.h>
#include <clgrad/norm.h>
#include <clgrad/ops.h>
#include <clgrad/reduce.h>

#include <float.h>
#include <math.h>

// A call that is checked but for its shapes: x, and weight and bias where there are any.
typedef struct norm_call {
    clg__call c;
    clg_tensor all[3];
    int n;
    struct clg_norm_params q;
} norm_call;

// NULL, or the poison to return
static clg_tensor begin(norm_call *b, const char *op, clg_tensor x, clg_tensor weight, clg_tensor bias,
                        const struct clg_norm_params *p)
{
    const char *wrong = clg_params_read(&b->q, sizeof b->q, p);
    b->n = 0;
    b->all[b->n++] = x;
    if (weight)
        b->all[b->n++] = weight;
    if (bias)
        b->all[b->n++] = bias;
    if (!clg__call_begin(&b->c, op, weight ? "x weight bias" : "x bias", b->n, b->all))
        return clg__call_poison(&b->c);
    if (wrong)
        return clg__call_fail(&b->c, CLG_EINVAL, "%s", wrong);
    if (!clg_dtype_is_float(x->dtype))
        return clg__call_fail(&b->c, CLG_EDTYPE, "x must be floating");
    return NULL;
}

// ---- rows

// x with the statistics of its last dimensions, which are `shape`.
static clg_tensor of_rows(const char *op, clg_tensor x, clg_shape shape, clg_tensor weight, clg_tensor bias, bool centred,
                          const struct clg_norm_params *p)
{
    norm_call b;
    clg_tensor bad = begin(&b, op, x, weight, bias, p);
    if (bad)
        return bad;
    clg__norm norm = { 1, 1, 1, 0, centred, false, true };
    if (!clg__norm_eps(&b.c, b.q.eps, b.q.no_eps, centred ? 1e-5 : clg__dtype_of(x->dtype)->as == CLG_F64 ? DBL_EPSILON : FLT_EPSILON, &norm.eps, &bad))
        return bad;
    const int lead = x->shape.rank - shape.rank;
    bool fits = shape.rank > 0 && lead >= 0;
    for (int d = 0; d < shape.rank && fits; d++) {
        fits = shape.dim[d] == x->shape.dim[lead + d];
        norm.inner *= shape.dim[d];
    }
    char s[128];
    if (!fits)
        return clg__call_fail(&b.c, CLG_ESHAPE, "x does not end with the normalised shape %s", clg__shape_text(&shape, s));
    for (int d = 0; d < lead; d++)
        norm.groups *= x->shape.dim[d];
    for (int k = 1; k < b.n; k++) {
        if (!clg__shape_equal(&b.all[k]->shape, &shape))
            return clg__call_fail(&b.c, CLG_ESHAPE, "%s has another shape than what is normalised, %s",
                                  b.all[k] == weight ? "weight" : "bias", clg__shape_text(&shape, s));
    }
    return clg__call_own(&b.c, clg__normalised(x, weight, bias, &norm, NULL, NULL));
}

clg_tensor clg_layer_norm(clg_tensor x, clg_shape shape, clg_tensor weight, clg_tensor bias,
                          const struct clg_norm_params *p)
{
    CLG__DEFAULT_FP;
    x = clg_autocast_input("layer_norm", x);
    weight = clg_autocast_input("layer_norm", weight);
    bias = clg_autocast_input("layer_norm", bias);
    return of_rows("layer_norm", x, shape, weight, bias, true, p);
}

clg_tensor clg_rms_norm(clg_tensor x, clg_shape shape, clg_tensor weight, const struct clg_norm_params *p)
{
    CLG__DEFAULT_FP;
    return of_rows("rms_norm", x, shape, weight, NULL, false, p);
}

// ---- channels

clg_tensor clg_group_norm(clg_tensor x, int groups, clg_tensor weight, clg_tensor bias, const struct clg_norm_params *p)
{
    CLG__DEFAULT_FP;
    norm_call b;
    x = clg_autocast_input("group_norm", x);
    weight = clg_autocast_input("group_norm", weight);
    bias = clg_autocast_input("group_norm", bias);
    clg_tensor bad = begin(&b, "group_norm", x, weight, bias, p);
    if (bad)
        return bad;
    clg__norm norm = { 1, 0, 1, 0, true, false, false };
    if (!clg__norm_eps(&b.c, b.q.eps, b.q.no_eps, 1e-5, &norm.eps, &bad))
        return bad;
    if (x->shape.rank < 2)
        return clg__call_fail(&b.c, CLG_ESHAPE, "x has rank %d, expected 2 or more", x->shape.rank);
    const int64_t channels = x->shape.dim[1];
    if (groups < 1 || channels % groups)
        return clg__call_fail(&b.c, CLG_ESHAPE, "%lld channels are no multiple of %d groups", (long long) channels, groups);
    bad = clg__norm_vector(&b.c, "weight", weight, channels, "channels");
    bad = bad ? bad : clg__norm_vector(&b.c, "bias", bias, channels, "channels");
    if (bad)
        return bad;
    norm.groups = x->shape.dim[0] * groups;
    norm.per_group = channels == groups;
    norm.inner = channels / groups;
    for (int d = 2; d < x->shape.rank; d++)
        norm.inner *= x->shape.dim[d];
    if (norm.inner * x->shape.dim[0] == 1)
        return clg__call_fail(&b.c, CLG_ESHAPE, "one value per group and one image, its statistics need two");
    const int rank = x->shape.rank;
    return clg__call_own(&b.c, clg__normalised(x, clg__per_channel(weight, rank), clg__per_channel(bias, rank), &norm,
                                             NULL, NULL));
}

// The window goes over channels: an average of images of height C and width 1.
clg_tensor clg_local_response_norm(clg_tensor x, int size, double alpha, double beta, double k)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "local_response_norm", "x", 1, &x))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(x->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "x must be floating");
    if (x->shape.rank < 3)
        return clg__call_fail(&c, CLG_ESHAPE, "x has rank %d, expected 3 or more", x->shape.rank);
    if (size < 1)
        return clg__call_fail(&c, CLG_EINVAL, "size is %d, expected 1 or more", size);
    const int64_t all = clg_numel(x->shape), n = x->shape.dim[0], channels = x->shape.dim[1];
    if (all == 0)
        return x;
    clg_tensor wide = clg__wide(x), t = clg_reshape(clg_square(wide), CLG_SHAPE(n, 1, channels, all / n / channels));
    clg_tensor mean = clg_avg_pool2d(t, clg_pool2d_params(.kernel_h = size, .kernel_w = 1, .stride = 1,
                                                          .padding_h = size / 2, .padding_end_h = (size - 1) / 2,
                                                          
                                                          .no_padding_end = size <= 2));
    clg_tensor by = clg_add_scalar(clg_mul_scalar(clg_reshape(mean, x->shape), alpha), k);
    return clg__call_own(&c, clg_cast(clg_div(wide, clg_pow_scalar(by, beta)), x->dtype));
}

// ---- by a norm

clg_tensor clg_normalize(clg_tensor x, double p, int axis, double eps)
{
    CLG__DEFAULT_FP;
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "normalize", "x", 1, &x))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(x->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "x must be floating");
    if (!clg__axis(axis, x->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, x->shape.rank);
    if (isnan(p) || isnan(eps))
        return clg__call_fail(&c, CLG_EINVAL, "p is %g and eps %g, expected numbers", p, eps);
    clg_tensor wide = clg__wide(x);
    clg_tensor norm = clg_norm(wide, p, x->shape.rank ? CLG_AXES(at) : CLG_ALL, true);
    clg_tensor y = clg_div(wide, clg_clamp(norm, eps, INFINITY));
    return clg__call_own(&c, clg_cast(y, x->dtype));
}
