// SPDX-License-Identifier: MIT
// Tensors of a rule: sequences, grids, products, indices, and windows of signal processing.
#include "base/alloc.h"
#include "base/dtype.h"
#include "base/fp.h"
#include "graph/build.h"
#include "ops/element.h"
#include <clgrad/create.h>
#include <clgrad/ops.h>

#include <math.h>

// ---- like another tensor

static clg_tensor like(const char *op, clg_tensor a, double value)
{
    clg__call c;
    if (!clg__call_begin(&c, op, "a", 1, &a))
        return clg__call_poison(&c);
    return clg__call_own(&c, clg_full(c.dev, a->dtype, a->shape, value));
}

clg_tensor clg_full_like(clg_tensor a, double value)
{
    return like("full_like", a, value);
}

clg_tensor clg_zeros_like(clg_tensor a)
{
    clg__call c;
    if (!clg__call_begin(&c, "zeros_like", "a", 1, &a))
        return clg__call_poison(&c);
    return clg__call_own(&c, clg_zeros(c.dev, a->dtype, a->shape));
}

clg_tensor clg_ones_like(clg_tensor a)
{
    clg__call c;
    if (!clg__call_begin(&c, "ones_like", "a", 1, &a))
        return clg__call_poison(&c);
    return clg__call_own(&c, clg_ones(c.dev, a->dtype, a->shape));
}

// ---- sequences

// The type in which a sequence of t is computed: integers as F64 where there is one.
static clg_dtype computed(clg_device dev, clg_dtype t)
{
    if (t == CLG_F64 || (!clg_dtype_is_float(t) && clg_device_has(dev, CLG_F64)))
        return CLG_F64;
    return CLG_F32;
}

// Both halves from their own end, so that the sequence ends where it should, and is even.
static clg_tensor line(clg_device dev, clg_dtype w, double start, double end, int64_t steps)
{
    if (steps == 1)
        return clg_full(dev, w, CLG_SHAPE(1), start);
    const clg_tensor step = clg_scalar(dev, w, steps > 1 ? (end - start) / (double) (steps - 1) : 0);
    const clg_tensor at = clg_arange(dev, CLG_I64, 0, (double) steps, 1);
    const clg_tensor last = clg__num(dev, CLG_I64, (double) steps - 1);
    const clg_tensor first = clg_lt(at, clg__num(dev, CLG_I64, (double) (steps / 2)));
    const clg_tensor k = clg_mul(step, clg_cast(clg_where(first, at, clg_sub(last, at)), w));
    return clg_where(first, clg_add(clg_scalar(dev, w, start), k), clg_sub(clg_scalar(dev, w, end), k));
}

static clg_tensor check_line(clg__call *c, clg_device dev, const char *op, int64_t steps)
{
    clg__call_source(c, dev, op);
    if (!c->dev)
        return clg__call_own(c, clg_full(dev, CLG_F32, CLG_SCALAR, 0)); // says why
    if (steps < 0 || steps > (int64_t) 1 << 50)
        return clg__call_fail(c, CLG_EINVAL, "%lld steps", (long long) steps);
    return NULL;
}

clg_tensor clg_linspace(clg_device dev, clg_dtype t, double start, double end, int64_t steps)
{
    CLG__DEFAULT_FP;
    start = clg__fp_pin(start);
    end = clg__fp_pin(end);
    clg__call c;
    const clg_tensor bad = check_line(&c, dev, "linspace", steps);
    return bad ? bad : clg__call_own(&c, clg_cast(line(dev, computed(dev, t), start, end, steps), t));
}

clg_tensor clg_logspace(clg_device dev, clg_dtype t, double start, double end, int64_t steps, double base)
{
    CLG__DEFAULT_FP;
    start = clg__fp_pin(start);
    end = clg__fp_pin(end);
    clg__call c;
    const clg_tensor bad = check_line(&c, dev, "logspace", steps);
    if (bad)
        return bad;
    const clg_tensor x = line(dev, computed(dev, t), start, end, steps);
    return clg__call_own(&c, clg_cast(clg_scalar_pow(base, x), t));
}

clg_tensor clg_eye(clg_device dev, clg_dtype t, int64_t n, int64_t m)
{
    clg__call c;
    clg__call_source(&c, dev, "eye");
    if (c.dev && (n < 0 || m < 0))
        return clg__call_fail(&c, CLG_EINVAL, "%lld rows and %lld columns", (long long) n, (long long) m);
    const clg_tensor row = clg_arange(dev, CLG_I64, 0, (double) n, 1), column = clg_arange(dev, CLG_I64, 0, (double) m, 1);
    return clg__call_own(&c, row->status < 0 ? row : clg_cast(clg_eq(clg_unsqueeze(row, 1), column), t));
}

clg_tensor clg_vander(clg_tensor a, int64_t n, bool increasing)
{
    clg__call c;
    if (!clg__call_begin(&c, "vander", "a", 1, &a))
        return clg__call_poison(&c);
    if (a->shape.rank != 1)
        return clg__call_fail(&c, CLG_ESHAPE, "a has rank %d, expected 1", a->shape.rank);
    if (n < 0 || n > INT32_MAX)
        return clg__call_fail(&c, CLG_EINVAL, "%lld columns", (long long) n);
    const clg_tensor x = clg__wide(a->dtype == CLG_BOOL ? clg_cast(a, CLG_I64) : a);
    if (x->status < 0)
        return clg__call_own(&c, x);
    clg_tensor power = clg_arange(c.dev, CLG_I64, 0, (double) n, 1);
    if (!increasing)
        power = clg_flip(power, CLG_AXES(0));
    const clg_tensor y = clg_pow(clg_unsqueeze(x, 1), clg_cast(power, x->dtype));
    return clg__call_own(&c, a->dtype == CLG_BOOL || y->status < 0 ? y : clg_cast(y, a->dtype));
}

// ---- grids and products

// t[i] as a vector along dimension `at` of shape s. 0-d tensors are vectors of one.
static clg_tensor along(clg_tensor t, const clg_shape *s, int at)
{
    clg_shape own = { .rank = s->rank };
    for (int d = 0; d < s->rank; d++)
        own.dim[d] = d == at ? s->dim[d] : 1;
    return clg_expand(clg_reshape(t, own), *s);
}

static clg_tensor check_grid(clg__call *c, const char *op, const clg_tensor *t, int n, clg_shape *s)
{
    if (n < 1)
        return clg_poison(NULL, CLG_EINVAL, "%s of %d tensors", op, n);
    if (!clg__call_begin(c, op, "t[]", n, t))
        return clg__call_poison(c);
    if (n > CLG_MAX_RANK)
        return clg__call_fail(c, CLG_ESHAPE, "%d tensors, expected up to %d", n, CLG_MAX_RANK);
    s->rank = n;
    for (int i = 0; i < n; i++) {
        if (t[i]->shape.rank > 1)
            return clg__call_fail(c, CLG_ESHAPE, "t[%d] has rank %d, expected 1 or 0", i, t[i]->shape.rank);
        if (t[i]->dtype != t[0]->dtype)
            return clg__call_fail(c, CLG_EDTYPE, "types differ");
        s->dim[i] = clg_numel(t[i]->shape);
    }
    return NULL;
}

clg_status clg_meshgrid_n(const clg_tensor *t, int n, bool xy, clg_tensor *out)
{
    clg__call c;
    clg_shape s = { 0 };
    clg_tensor bad = check_grid(&c, "meshgrid", t, n, &s);
    if (!bad && !out)
        bad = clg__call_fail(&c, CLG_EINVAL, "out is NULL");
    for (int i = 0; i < n && bad && out; i++)
        out[i] = bad;
    if (bad)
        return bad->status;
    const bool swap = xy && n > 1;
    if (swap) {
        s.dim[0] = clg_numel(t[1]->shape);
        s.dim[1] = clg_numel(t[0]->shape);
    }
    clg_status st = CLG_OK;
    for (int i = 0; i < n; i++) {
        out[i] = clg__call_own(&c, along(t[i], &s, swap && i < 2 ? 1 - i : i));
        st = out[i]->status < 0 ? out[i]->status : st;
    }
    return st;
}

clg_tensor clg_cartesian_prod_n(const clg_tensor *t, int n)
{
    clg__call c;
    clg_shape s = { 0 };
    clg_tensor columns[CLG_MAX_RANK];
    const clg_tensor bad = check_grid(&c, "cartesian_prod", t, n, &s);
    if (bad || n == 1)
        return bad ? bad : t[0];
    int64_t all = 1;
    for (int i = 0; i < n; i++)
        if (!clg__numel(&s, &all))
            return clg__call_fail(&c, CLG_ESHAPE, "too many elements");
    for (int i = 0; i < n; i++)
        columns[i] = clg_reshape(along(t[i], &s, i), CLG_SHAPE(all));
    return clg__call_own(&c, clg_stack_n(columns, n, 1));
}

// Numbers made on the host, which are uploaded; freed.
static clg_tensor uploaded(const clg__call *c, int64_t *v, clg_shape s)
{
    const clg_tensor t = clg__call_own(c, clg_upload(c->dev, CLG_I64, s, v));
    clg__free(v);
    return t;
}

// How many choices of r of n there are; -1: too many.
static int64_t choices(int64_t n, int64_t r, bool repeated)
{
    const int64_t from = repeated ? n + r - 1 : n;
    if (r > 0 && (n == 0 || from < r))
        return 0;
    double all = 1;
    for (int64_t i = 1; i <= r && all < 1e12; i++)
        all = all * (double) (from - r + i) / (double) i;
    return all < 1e9 ? (int64_t) (all + 0.5) : -1;
}

clg_tensor clg_combinations(clg_tensor a, int64_t r, bool with_replacement)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "combinations", "a", 1, &a))
        return clg__call_poison(&c);
    if (a->shape.rank != 1)
        return clg__call_fail(&c, CLG_ESHAPE, "a has rank %d, expected 1", a->shape.rank);
    if (r < 0)
        return clg__call_fail(&c, CLG_EINVAL, "choices of %lld", (long long) r);
    if (r == 0)
        return clg__call_own(&c, clg_zeros(c.dev, a->dtype, CLG_SHAPE(0)));
    const int64_t n = a->shape.dim[0], all = choices(n, r, with_replacement);
    if (all < 0 || all * r > (int64_t) 1 << 30)
        return clg__call_fail(&c, CLG_ESHAPE, "too many choices");
    int64_t *v = clg__calloc((size_t) (all * r) + 1, sizeof *v);
    if (!v)
        return clg__call_fail(&c, CLG_ENOMEM, "out of host memory for %lld choices", (long long) all);
    for (int64_t k = 0; k < r && all > 0; k++)
        v[k] = with_replacement ? 0 : k;
    for (int64_t row = 1; row < all; row++) {
        int64_t *now = v + row * r, at = r - 1;
        for (int64_t k = 0; k < r; k++)
            now[k] = now[k - r];
        while (now[at] == (with_replacement ? n - 1 : n - r + at))
            at--;
        now[at]++;
        for (int64_t k = at + 1; k < r; k++)
            now[k] = with_replacement ? now[at] : now[k - 1] + 1;
    }
    const clg_tensor index = uploaded(&c, v, CLG_SHAPE(all * r));
    return clg__call_own(&c, index->status < 0 ? index : clg_reshape(clg_index_select(a, 0, index), CLG_SHAPE(all, r)));
}

// Rows and columns of what is on one side of a diagonal.
static clg_tensor side(clg_device dev, const char *op, int64_t rows, int64_t columns, int64_t offset, bool upper)
{
    clg__call c;
    clg__call_source(&c, dev, op);
    if (!c.dev)
        return clg__call_own(&c, clg_full(dev, CLG_I64, CLG_SCALAR, 0)); // says why
    const int64_t most = (int64_t) 1 << 29;
    if (rows < 0 || columns < 0 || rows > most || columns > most || (rows && columns > most / rows))
        return clg__call_fail(&c, CLG_EINVAL, "%lld rows and %lld columns", (long long) rows, (long long) columns);
    offset = offset < -rows ? -rows : offset > columns ? columns : offset;
    int64_t all = 0;
    int64_t *v = NULL;
    for (int pass = 0; pass < 2; pass++) {
        int64_t k = 0;
        for (int64_t i = 0; i < rows; i++) {
            const int64_t edge = i + offset + !upper; // where the upper part begins, or the lower one ends
            const int64_t cut = edge < 0 ? 0 : edge > columns ? columns : edge;
            for (int64_t j = upper ? cut : 0; v && j < (upper ? columns : cut); j++, k++) {
                v[k] = i;
                v[all + k] = j;
            }
            k += v ? 0 : upper ? columns - cut : cut;
        }
        all = k;
        if (!v && !(v = clg__calloc(2 * (size_t) all + 1, sizeof *v)))
            return clg__call_fail(&c, CLG_ENOMEM, "out of host memory for %lld places", (long long) all);
    }
    return uploaded(&c, v, CLG_SHAPE(2, all));
}

clg_tensor clg_tril_indices(clg_device dev, int64_t rows, int64_t columns, int64_t offset)
{
    return side(dev, "tril_indices", rows, columns, offset, false);
}

clg_tensor clg_triu_indices(clg_device dev, int64_t rows, int64_t columns, int64_t offset)
{
    return side(dev, "triu_indices", rows, columns, offset, true);
}
