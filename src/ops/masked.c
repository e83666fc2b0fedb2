// SPDX-License-Identifier: MIT
// Masks: values in place of others, and what their number of true elements decides, which is read first.
#include "base/alloc.h"
#include "ops/indexing.h"
#include "ops/scatter.h"
#include <clgrad/arrange.h>
#include <clgrad/index.h>
#include <clgrad/ops.h>

clg_tensor clg_masked_fill(clg_tensor a, clg_tensor mask, double value)
{
    clg__call c;
    if (!clg__call_begin(&c, "masked_fill", "a mask", 2, (clg_tensor[]) { a, mask }))
        return clg__call_poison(&c);
    if (mask->dtype != CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "the mask is %s, expected bool", clg_dtype_name(mask->dtype));
    return clg__call_own(&c, clg_where(mask, clg_scalar(c.dev, a->dtype, value), a));
}

// The true elements of a mask, read back: *count of them at *place, which the caller frees. NULL, or a poison.
static clg_tensor read_true(const clg__call *c, clg_tensor mask, int64_t **place, int64_t *count)
{
    const int64_t n = clg_numel(mask->shape);
    unsigned char *flags = clg__malloc((size_t) n + 1);
    *place = NULL;
    *count = 0;
    if (!flags)
        return clg__call_fail(c, CLG_ENOMEM, "out of host memory");
    clg_scope s = clg_scope_push(c->dev);
    const clg_status st = clg_read(clg_ne(mask, clg__lit(c->dev, mask->dtype, 0)), flags, (size_t) n);
    clg_scope_pop(s);
    for (int64_t i = 0; i < n && st >= 0; i++)
        *count += flags[i] != 0;
    if (st >= 0 && (*place = clg__malloc((size_t) (*count + 1) * sizeof **place))) {
        int64_t k = 0;
        for (int64_t i = 0; i < n; i++) {
            if (flags[i])
                (*place)[k++] = i;
        }
    }
    clg__free(flags);
    if (st < 0)
        return clg_poison(c->dev, st, "%s: %s", c->op, clg_error(c->dev, st));
    return *place ? NULL : clg__call_fail(c, CLG_ENOMEM, "out of host memory");
}

static clg_tensor check_mask(const clg__call *c, clg_tensor a, clg_tensor mask, clg_shape *s)
{
    if (mask->dtype != CLG_BOOL)
        return clg__call_fail(c, CLG_EDTYPE, "the mask is %s, expected bool", clg_dtype_name(mask->dtype));
    if (!clg__broadcast(&a->shape, &mask->shape, s))
        return clg__call_fail(c, CLG_ESHAPE, "a and mask do not broadcast");
    return NULL;
}

clg_tensor clg_masked_select(clg_tensor a, clg_tensor mask)
{
    clg__call c;
    clg_shape s;
    int64_t *place, n;
    if (!clg__call_begin(&c, "masked_select", "a mask", 2, (clg_tensor[]) { a, mask }))
        return clg__call_poison(&c);
    clg_tensor bad = check_mask(&c, a, mask, &s);
    bad = bad ? bad : read_true(&c, clg_expand(mask, s), &place, &n);
    if (bad)
        return bad;
    clg_tensor index = clg_upload(c.dev, CLG_I64, CLG_SHAPE(1, n, 1), place);
    clg__free(place);
    clg_tensor flat = clg_reshape(clg_expand(a, s), CLG_SHAPE(1, clg_numel(s), 1));
    if (n == 0)
        return clg__call_own(&c, clg_reshape(clg_slice(flat, 1, 0, 0, 1), CLG_SHAPE(0)));
    return clg__call_own(&c, clg_reshape(clg__gather_elements(flat, index, false), CLG_SHAPE(n)));
}

clg_tensor clg_masked_scatter(clg_tensor a, clg_tensor mask, clg_tensor src)
{
    clg__call c;
    clg_shape s;
    int64_t *place, n;
    if (!clg__call_begin(&c, "masked_scatter", "a mask src", 3, (clg_tensor[]) { a, mask, src }))
        return clg__call_poison(&c);
    clg_tensor bad = check_mask(&c, a, mask, &s);
    if (!bad && src->dtype != a->dtype)
        bad = clg__call_fail(&c, CLG_EDTYPE, "src is %s, expected %s", clg_dtype_name(src->dtype), clg_dtype_name(a->dtype));
    bad = bad ? bad : read_true(&c, clg_expand(mask, s), &place, &n);
    if (bad)
        return bad;
    clg_tensor index = clg_upload(c.dev, CLG_I64, CLG_SHAPE(1, n, 1), place);
    clg__free(place);
    if (n > clg_numel(src->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "src has %lld elements for %lld places", (long long) clg_numel(src->shape),
                              (long long) n);
    clg_tensor whole = clg_expand(a, s);
    if (n == 0)
        return clg__call_own(&c, whole);
    clg_tensor part = clg_reshape(clg_slice(clg_reshape(src, CLG_SHAPE(-1)), 0, 0, n, 1), CLG_SHAPE(1, n, 1));
    const int64_t all = clg_numel(s);
    clg_tensor y = clg__scatter(clg_reshape(whole, CLG_SHAPE(1, all, 1)), all, index, part, CLG__SCATTER_SET);
    return clg__call_own(&c, clg_reshape(y, s));
}

static clg_tensor places(const char *name, clg_tensor a)
{
    clg__call c;
    int64_t *place, n;
    if (!clg__call_begin(&c, name, "a", 1, &a))
        return clg__call_poison(&c);
    clg_tensor bad = read_true(&c, a, &place, &n);
    if (bad)
        return bad;
    const int rank = a->shape.rank;
    int64_t *list = clg__malloc(((size_t) n * (size_t) rank + 1) * sizeof *list);
    for (int64_t i = 0; i < n && list; i++) {
        int64_t rest = place[i];
        for (int d = rank - 1; d >= 0; d--) {
            list[i * rank + d] = rest % a->shape.dim[d];
            rest /= a->shape.dim[d];
        }
    }
    clg__free(place);
    clg_tensor y = list ? clg_upload(c.dev, CLG_I64, CLG_SHAPE(n, rank), list)
                        : clg__call_fail(&c, CLG_ENOMEM, "out of host memory");
    clg__free(list);
    return clg__call_own(&c, y);
}

clg_tensor clg_nonzero(clg_tensor a)
{
    return places("nonzero", a);
}

clg_tensor clg_argwhere(clg_tensor a)
{
    return places("argwhere", a);
}

clg_tensor clg_repeat_interleave_each(clg_tensor a, clg_tensor times, int axis)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "repeat_interleave_each", "a times", 2, (clg_tensor[]) { a, times }))
        return clg__call_poison(&c);
    clg_tensor bad = clg__index_check(&c, times);
    if (bad)
        return bad;
    if (!clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    a = a->shape.rank ? a : clg_reshape(a, CLG_SHAPE(1));
    const int64_t n = a->shape.dim[at], given = clg_numel(times->shape);
    if (times->shape.rank > 1 || (given != n && given != 1))
        return clg__call_fail(&c, CLG_ESHAPE, "times are %lld, expected %lld", (long long) given, (long long) n);
    int64_t *many = clg__malloc(((size_t) given + 1) * sizeof *many), total = 0;
    if (!many)
        return clg__call_fail(&c, CLG_ENOMEM, "out of host memory");
    clg_scope s = clg_scope_push(c.dev);
    const clg_status st = clg_read(clg_cast(times, CLG_I64), many, (size_t) given * sizeof *many);
    clg_scope_pop(s);
    for (int64_t i = 0; i < n && st >= 0 && total >= 0; i++) {
        const int64_t k = many[given == 1 ? 0 : i];
        total = k < 0 || k > INT64_MAX / 16 - total ? -1 : total + k;
    }
    int64_t *list = st >= 0 && total >= 0 ? clg__calloc((size_t) total + 1, sizeof *list) : NULL;
    for (int64_t i = 0, to = 0; list && i < n; i++) {
        for (int64_t k = many[given == 1 ? 0 : i]; k > 0; k--)
            list[to++] = i;
    }
    clg_tensor y = st < 0      ? clg_poison(c.dev, st, "repeat_interleave_each: %s", clg_error(c.dev, st))
                   : total < 0 ? clg__call_fail(&c, CLG_EINVAL, "a number of times is below 0, or their sum too large")
                   : !list     ? clg__call_fail(&c, CLG_ENOMEM, "out of host memory")
                               : clg_index_select(a, at, clg_upload(c.dev, CLG_I64, CLG_SHAPE(total), list));
    clg__free(list);
    clg__free(many);
    return clg__call_own(&c, y);
}
