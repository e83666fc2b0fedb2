// SPDX-License-Identifier: MIT
// Tensors of nothing but numbers: constants, sequences, classes.
#include "base/dtype.h"
#include "base/fp.h"
#include "graph/build.h"
#include <clgrad/ops.h>

#include <math.h>

clg_tensor clg_full(clg_device dev, clg_dtype t, clg_shape shape, double value)
{
    clg__call c;
    clg__call_source(&c, dev, "full");
    return clg__call_own(&c, clg_expand(clg_scalar(dev, t, value), shape));
}

clg_tensor clg_zeros(clg_device dev, clg_dtype t, clg_shape shape)
{
    clg__call c;
    clg__call_source(&c, dev, "zeros");
    return clg__call_own(&c, clg_expand(clg__lit(dev, t, 0), shape));
}

clg_tensor clg_ones(clg_device dev, clg_dtype t, clg_shape shape)
{
    clg__call c;
    clg__call_source(&c, dev, "ones");
    return clg__call_own(&c, clg_expand(clg__lit(dev, t, 1), shape));
}

static void key_iota(const void *params, clg__key *k)
{
    clg__key_f64(k, ((const double *) params)[0]);
    clg__key_f64(k, ((const double *) params)[1]);
}

static const clg__op op_arange = { .name = "arange", .kind = CLG__IOTA, .key = key_iota,
                                   .params_bytes = 2 * sizeof(double) };

// A whole number that double holds exactly.
static bool whole(double v)
{
    return v == floor(v) && fabs(v) <= 0x1p53;
}

clg_tensor clg_arange(clg_device dev, clg_dtype t, double start, double stop, double step)
{
    CLG__DEFAULT_FP;
    start = clg__fp_pin(start);
    stop = clg__fp_pin(stop);
    step = clg__fp_pin(step);
    clg__call c;
    clg__call_source(&c, dev, "arange");
    const double count = (stop - start) / step;
    if (!(step != 0))
        return clg__call_fail(&c, CLG_EINVAL, "step is %g", step);
    if (!(count < 1e15))
        return clg__call_fail(&c, CLG_EINVAL, "from %g to %g by %g is no sequence, or too long", start, stop,
                              step);
    if (clg_dtype_size(t) && !clg_dtype_is_float(t) && (!whole(start) || !whole(step)))
        return clg__call_fail(&c, CLG_EINVAL, "from %g by %g is no sequence of %s: cast a floating one",
                              start, step, clg_dtype_name(t));
    int64_t n = count > 0 ? (int64_t) count : 0;
    n += (double) n < count;
    return clg__call_node(&c, &op_arange, t, &CLG_SHAPE(n), (double[]) { start, step });
}

// The largest class number and one, from an evaluation; 0 when the poison is set.
static int64_t count_classes(const clg__call *c, clg_tensor index, clg_tensor *poison)
{
    int64_t range[2] = { 0, 0 };
    if (clg_numel(index->shape) == 0) {
        *poison = clg__call_fail(c, CLG_EINVAL, "no numbers to infer the classes from");
        return 0;
    }
    clg_scope s = clg_scope_push(c->dev);
    clg_tensor t = clg_cast(index, CLG_I64);
    t = clg_stack(0, clg_amin(t, CLG_ALL, false), clg_amax(t, CLG_ALL, false));
    const clg_status st = clg_read(t, range, sizeof range);
    clg_scope_pop(s);
    if (st < 0)
        *poison = clg_poison(c->dev, st, "one_hot: %s", clg_error(c->dev, st));
    else if (range[0] < 0 || range[1] == INT64_MAX)
        *poison = clg__call_fail(c, CLG_EINVAL, "class %lld", (long long) (range[0] < 0 ? range[0] : range[1]));
    else
        return range[1] + 1;
    return 0;
}

clg_tensor clg_one_hot(clg_tensor index, int64_t classes)
{
    clg__call c;
    clg_tensor poison = NULL;
    if (!clg__call_begin(&c, "one_hot", "index", 1, &index))
        return clg__call_poison(&c);
    if (clg_dtype_is_float(index->dtype) || index->dtype == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "the index must be an integer");
    if (classes < -1)
        return clg__call_fail(&c, CLG_EINVAL, "%lld classes", (long long) classes);
    if (classes <= 0)
        classes = count_classes(&c, index, &poison);
    if (poison)
        return poison;
    clg_tensor at = clg_arange(c.dev, CLG_I64, 0, (double) classes, 1);
    clg_tensor hit = clg_eq(clg_unsqueeze(clg_cast(index, CLG_I64), -1), at);
    return clg__call_own(&c, clg_cast(hit, CLG_I64));
}
