// SPDX-License-Identifier: MIT
// Activations made of other operations; those that are a row are in elementwise.c.
#include "base/fp.h"
#include "graph/build.h"
#include "ops/element.h"
#include <clgrad/grad.h>
#include <clgrad/ops.h>

#include <math.h>

clg_tensor clg_tanhshrink(clg_tensor a)
{
    clg__call c;
    if (!clg__call_begin(&c, "tanhshrink", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_tensor x = clg__wide(clg_dtype_is_float(a->dtype) ? a : clg_cast(a, CLG_F32));
    const clg_tensor y = clg_sub(x, clg_tanh(x));
    return clg__call_own(&c, clg_dtype_is_float(a->dtype) ? clg_cast(y, a->dtype) : y);
}

clg_tensor clg_hardtanh(clg_tensor a, double lo, double hi)
{
    clg__call c;
    if (!clg__call_begin(&c, "hardtanh", "a", 1, &a))
        return clg__call_poison(&c);
    if (!(lo <= hi))
        return clg__call_fail(&c, CLG_EINVAL, "lo is %g, hi %g", lo, hi);
    return clg__call_own(&c, clg_clamp(a, lo, hi));
}

clg_tensor clg_relu6(clg_tensor a)
{
    clg__call c;
    if (!clg__call_begin(&c, "relu6", "a", 1, &a))
        return clg__call_poison(&c);
    return clg__call_own(&c, clg_clamp(a, 0, 6));
}

clg_tensor clg_glu(clg_tensor a, int axis)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "glu", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    if (a->shape.rank == 0 || !clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    const int64_t n = a->shape.dim[at];
    if (n % 2 != 0)
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d has %lld elements, expected an even number", axis, (long long) n);
    const clg_tensor x = clg__wide(clg_slice(a, at, 0, n / 2, 1)), gate = clg__wide(clg_slice(a, at, n / 2, n, 1));
    return clg__call_own(&c, clg_cast(clg_mul(x, clg_sigmoid(gate)), a->dtype));
}

clg_tensor clg_softmin(clg_tensor a, int axis)
{
    clg__call c;
    if (!clg__call_begin(&c, "softmin", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    return clg__call_own(&c, clg_softmax(clg_neg(a), axis));
}

// 1 where y is largest, the first time
static clg_tensor choice(clg_tensor y, int axis)
{
    clg_shape s = { .rank = y->shape.rank };
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = d == axis ? y->shape.dim[d] : 1;
    const clg_tensor number = clg_reshape(clg_arange(y->dev, CLG_I64, 0, (double) y->shape.dim[axis], 1), s);
    return clg_cast(clg_eq(number, clg_argmax(y, CLG_AXES(axis), true)), y->dtype);
}

clg_tensor clg_gumbel_softmax(clg_tensor logits, double tau, bool hard, int axis)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "gumbel_softmax", "logits", 1, &logits))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(logits->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    if (!(tau > 0))
        return clg__call_fail(&c, CLG_EINVAL, "tau is %g, expected above 0", tau);
    if (!clg__axis(axis, logits->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, logits->shape.rank);
    const clg_tensor x = clg__wide(logits);
    // a draw of 0, whose logarithm there is not, counts as one in its middle
    const clg_tensor u = clg_maximum_scalar(clg_uniform(c.dev, x->dtype, x->shape, 0, 1), x->dtype == CLG_F64 ? 0x1p-54 : 0x1p-25);
    const clg_tensor noise = clg_neg(clg_log(clg_neg(clg_log(u))));
    const clg_tensor y = clg_softmax(clg_div_scalar(clg_add(x, noise), tau), axis);
    if (y->status < 0 || !hard || clg_numel(y->shape) == 0)
        return clg__call_own(&c, clg_cast(y, logits->dtype));
    const clg_tensor one = y->shape.rank == 0 ? clg_ones(c.dev, y->dtype, CLG_SCALAR) : choice(y, at);
    return clg__call_own(&c, clg_cast(clg_add(one, clg_sub(y, clg_detach(y))), logits->dtype));
}

clg_tensor clg_rrelu(clg_tensor a, double lower, double upper, bool training)
{
    CLG__DEFAULT_FP;
    lower = clg__fp_pin(lower);
    upper = clg__fp_pin(upper);
    clg__call c;
    if (!clg__call_begin(&c, "rrelu", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    if (!(lower <= upper) || !isfinite(lower) || !isfinite(upper))
        return clg__call_fail(&c, CLG_EINVAL, "slopes from %g to %g", lower, upper);
    if (!training)
        return clg__call_own(&c, clg_leaky_relu(a, (lower + upper) / 2));
    return clg__call_own(&c, clg__slopes(a, clg_uniform(c.dev, a->dtype, a->shape, lower, upper)));
}
