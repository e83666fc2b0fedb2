// SPDX-License-Identifier: MIT
// Pooling in one to three dimensions. Maximum: values and the places of the winners; its gradient scatters to
// those places, and the gradient of that gathers from them. Average: forward and backward. Adaptive pooling is
// the same with other windows. Kernels are planned in pool_plan.c.
#include "ops/pool.h"

#include "base/fp.h"
#include "ops/element.h"
#include "ops/registry.h"

#include <math.h>
#include <string.h>

static void key_pool(const void *params, clg__key *k)
{
    const clg__pool *p = params;
    clg__window_key(k, &p->w);
    clg__key_i64(k, p->adaptive);
    clg__key_i64(k, p->exclude);
    clg__key_i64(k, p->divisor);
}

static clg_tensor max_vjp(const clg__vjp *v, int i);
static clg_tensor scatter_vjp(const clg__vjp *v, int i);
static clg_tensor gather_vjp(const clg__vjp *v, int i);
static clg_tensor avg_vjp(const clg__vjp *v, int i);
static clg_tensor avg_back_vjp(const clg__vjp *v, int i);

#define POOL_OP(id, grad, list, n)                                                                 \
    static const clg__op op_##id = { .name = #id, .kind = CLG__KERNEL, .vjp = grad,                \
                                     .key = key_pool, .params_bytes = sizeof(clg__pool),           \
                                     .variants = list, .n_variants = n };
POOL_OP(max_pool, max_vjp, clg__max_variants, CLG__MAX_VARIANTS)
POOL_OP(max_pool_scatter, scatter_vjp, clg__scatter_variants, CLG__SCATTER_VARIANTS)
POOL_OP(max_pool_gather, gather_vjp, clg__gather_variants, 1)
POOL_OP(avg_pool, avg_vjp, clg__avg_variants, CLG__AVG_VARIANTS)
POOL_OP(avg_pool_back, avg_back_vjp, clg__avg_back_variants, CLG__AVG_BACK_VARIANTS)
const clg__op *const clg__pool_ops[] = { &op_max_pool, &op_max_pool_scatter, &op_max_pool_gather, &op_avg_pool,
                                         &op_avg_pool_back, NULL };

// Planes of depth times height rows.
static clg_shape planes(const clg__pool *q, const int64_t size[CLG__SPATIAL])
{
    return CLG_SHAPE(q->w.n, size[CLG__D] * size[CLG__H], size[CLG__W]);
}

static clg_tensor node(const clg__op *op, int n, const clg_tensor *in, const clg__pool *q, bool large)
{
    clg__call c;
    if (!clg__call_begin(&c, op->name, NULL, n, in))
        return clg__call_poison(&c);
    const clg_shape s = planes(q, large ? q->w.in : q->w.out);
    return clg__call_node(&c, op, in[0]->dtype, &s, q);
}

static void max_node(clg_tensor x, const clg__pool *q, clg_tensor out[2])
{
    clg__call c;
    const clg_dtype types[2] = { x->dtype, clg__window_wide(&q->w) ? CLG_I64 : CLG_I32 };
    const clg_shape s = planes(q, q->w.out), shapes[2] = { s, s };
    if (!clg__call_begin(&c, "max_pool", "x", 1, &x)) {
        out[0] = out[1] = clg__call_poison(&c);
        return;
    }
    clg__call_node_n(&c, &op_max_pool, 2, types, shapes, q, out);
}

// The places of the winners are recorded anew: an equal node, which the scheduler merges with the forward one.
static clg_tensor max_vjp(const clg__vjp *v, int i)
{
    clg_tensor out[2];
    (void) i;
    if (v->out != 0)
        return NULL;
    max_node(v->in[0], v->params, out);
    return node(&op_max_pool_scatter, 2, (clg_tensor[]) { v->g, out[1] }, v->params, true);
}

static clg_tensor scatter_vjp(const clg__vjp *v, int i)
{
    if (i != 0)
        return NULL;
    return node(&op_max_pool_gather, 2, (clg_tensor[]) { v->g, v->in[1] }, v->params, false);
}

static clg_tensor gather_vjp(const clg__vjp *v, int i)
{
    if (i != 0)
        return NULL;
    return node(&op_max_pool_scatter, 2, (clg_tensor[]) { v->g, v->in[1] }, v->params, true);
}

static clg_tensor avg_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return node(&op_avg_pool_back, 1, &v->g, v->params, true);
}

static clg_tensor avg_back_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return node(&op_avg_pool, 1, &v->g, v->params, false);
}

// ---- what a caller gives

static clg_tensor check_image(const clg__call *c, int nd, clg_tensor x)
{
    static const char *const sizes[] = { "W", "H,W", "D,H,W" };
    if (x->shape.rank != nd + 2)
        return clg__call_fail(c, CLG_ESHAPE, "x must be [N,C,%s] or [C,%s]", sizes[nd - 1], sizes[nd - 1]);
    if (x->dtype == CLG_BOOL)
        return clg__call_fail(c, CLG_EDTYPE, "bool has no arithmetic: cast first");
    return clg__window_check(c, "x", x, 2);
}

// What an average has and a maximum has not, and the other way round.
static clg_tensor check_kind(const clg__call *c, const struct clg_pool_params *p, bool max)
{
    const int dilations[] = { p->dilation, p->dilation_d, p->dilation_h, p->dilation_w };
    for (int k = 0; k < 4 && !max; k++) {
        if (dilations[k] != 0 && dilations[k] != 1)
            return clg__call_fail(c, CLG_EINVAL, "dilation is %d, but an average has none", dilations[k]);
    }
    if (max && p->divisor)
        return clg__call_fail(c, CLG_EINVAL, "divisor is %d, but a maximum has none", p->divisor);
    if (max && p->exclude_padding)
        return clg__call_fail(c, CLG_EINVAL, "exclude_padding is set, but a maximum divides by nothing");
    if (!max && p->indices)
        return clg__call_fail(c, CLG_EINVAL, "indices are given, but an average has none");
    return NULL;
}

static clg_tensor read_pool(const clg__call *c, const struct clg_pool_params *p, clg__pool *q)
{
    const clg__window_params numbers = {
        .kernel = CLG__WINDOW_FIELD(*p, kernel), .stride = CLG__WINDOW_FIELD(*p, stride),
        .padding = CLG__WINDOW_FIELD(*p, padding), .padding_end = CLG__WINDOW_FIELD(*p, padding_end),
        .dilation = CLG__WINDOW_FIELD(*p, dilation), .stride_is_kernel = true, .no_padding_end = p->no_padding_end,
    };
    clg__window *w = &q->w;
    char lo[80], hi[80], kernel[80];
    clg_tensor bad = clg__window_read(c, &numbers, w);
    for (int i = 0; i < CLG__SPATIAL && !bad; i++) {
        if (2 * w->lo[i] > w->k[i] || 2 * w->hi[i] > w->k[i])
            return clg__call_fail(c, CLG_EINVAL, "padding is %s before and %s after, expected at most half of the "
                                  "kernel of %s", clg__window_text(w->nd, w->lo, lo),
                                  clg__window_text(w->nd, w->hi, hi), clg__window_text(w->nd, w->k, kernel));
    }
    const clg_shape places = CLG_SHAPE(w->k[CLG__D], w->k[CLG__H], w->k[CLG__W]);
    int64_t all;
    if (!bad && !clg__numel(&places, &all))
        return clg__call_fail(c, CLG_ESHAPE, "a kernel of %s has more places than can be counted",
                              clg__window_text(w->nd, w->k, kernel));
    q->exclude = p->exclude_padding;
    q->divisor = p->divisor;
    return bad ? bad : clg__window_fit(c, w, p->ceil_mode);
}

// Is there one window, all of the image?
static bool is_whole(const clg__pool *q)
{
    const clg__window *w = &q->w;
    bool whole = !q->adaptive;
    for (int i = 0; i < CLG__SPATIAL; i++)
        whole &= w->out[i] == 1 && w->k[i] == w->in[i] && w->lo[i] == 0;
    return whole;
}

// A mean fuses with what is around it, and so does its gradient.
static clg_tensor average(clg_tensor planes, const clg__pool *q)
{
    if (!clg_dtype_is_float(planes->dtype) || !is_whole(q))
        return node(&op_avg_pool, 1, &planes, q, false);
    const clg_shape axes = CLG_AXES(1, 2);
    if (q->divisor == 0)
        return clg_mean(planes, axes, true);
    const clg_tensor sum = clg_sum(clg__wide(planes), axes, true);
    if (sum->status < 0)
        return sum;
    return clg_cast(clg_div(sum, clg__num(sum->dev, sum->dtype, q->divisor)), planes->dtype);
}

// y of all planes of x; *indices, where they are asked for, the places of a maximum.
static clg_tensor pooled(const clg__call *c, clg_tensor x, bool single, const clg__pool *q, bool max,
                         clg_tensor *indices)
{
    const clg_shape s = clg__window_shape(&q->w, false, x->shape.dim[0], x->shape.dim[1], q->w.out);
    clg_tensor flat = clg_reshape(x, planes(q, q->w.in)), out[2] = { NULL, NULL };
    if (max)
        max_node(flat, q, out);
    else
        out[0] = average(flat, q);
    if (indices)
        *indices = clg__call_own(c, clg__window_result(clg_cast(out[1], CLG_I64), s, single));
    return clg__call_own(c, clg__window_result(out[0], s, single));
}

// A poisoned result has poisoned indices.
static clg_tensor with_indices(clg_tensor y, clg_tensor *indices)
{
    if (y->status < 0 && indices)
        *indices = y;
    return y;
}

static clg_tensor record(const char *name, int nd, bool max, clg_tensor x, const struct clg_pool_params *r,
                         const char *wrong)
{
    clg__call c;
    if (!clg__call_begin(&c, name, "x", 1, &x))
        return clg__call_poison(&c);
    if (wrong)
        return clg__call_fail(&c, CLG_EINVAL, "%s", wrong);
    bool single;
    clg_tensor bad = clg__window_single(&c, nd, &x, &single);
    bad = bad ? bad : check_kind(&c, r, max);
    bad = bad ? bad : check_image(&c, nd, x);
    if (bad)
        return bad;
    clg__pool q;
    memset(&q, 0, sizeof q);
    q.w = clg__window_of(nd, x);
    q.w.n = x->shape.dim[0] * x->shape.dim[1];
    bad = read_pool(&c, r, &q);
    return bad ? bad : pooled(&c, x, single, &q, max, r->indices);
}

static clg_tensor pooling(const char *name, int nd, bool max, clg_tensor x, const struct clg_pool_params *p)
{
    struct clg_pool_params r;
    const char *wrong = clg_params_read(&r, sizeof r, p);
    return with_indices(record(name, nd, max, x, &r, wrong), max ? r.indices : NULL);
}

#define PUBLIC(id, nd, max)                                                                        \
    clg_tensor clg_##id(clg_tensor x, const struct clg_pool_params *p)                             \
    {                                                                                              \
        return pooling(#id, nd, max, x, p);                                                        \
    }
PUBLIC(max_pool1d, 1, true)
PUBLIC(max_pool2d, 2, true)
PUBLIC(max_pool3d, 3, true)
PUBLIC(avg_pool1d, 1, false)
PUBLIC(avg_pool2d, 2, false)
PUBLIC(avg_pool3d, 3, false)

// ---- power means, of averages

static clg_tensor power_mean(const char *name, int nd, clg_tensor x, double norm, const struct clg_pool_params *p)
{
    static clg_tensor (*const average[])(clg_tensor x, const struct clg_pool_params *p) = {
        clg_avg_pool1d, clg_avg_pool2d, clg_avg_pool3d
    };
    struct clg_pool_params r;
    const char *wrong = clg_params_read(&r, sizeof r, p);
    clg__call c;
    if (!clg__call_begin(&c, name, "x", 1, &x))
        return clg__call_poison(&c);
    if (wrong)
        return clg__call_fail(&c, CLG_EINVAL, "%s", wrong);
    if (!clg_dtype_is_float(x->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    CLG__DEFAULT_FP;
    if (!(norm > 0) || isinf(norm))
        return clg__call_fail(&c, CLG_EINVAL, "norm is %g, expected a positive number", norm);
#define NOT_OF(field) { #field, r.field }
    const struct { const char *name; int value; } others[] = {
        NOT_OF(padding), NOT_OF(padding_d), NOT_OF(padding_h), NOT_OF(padding_w), NOT_OF(padding_end),
        NOT_OF(padding_end_d), NOT_OF(padding_end_h), NOT_OF(padding_end_w), NOT_OF(divisor), NOT_OF(exclude_padding)
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].value)
            return clg__call_fail(&c, CLG_EINVAL, "%s is %d, but a power mean has none", others[i].name, others[i].value);
    }
    double places = 1; // of a whole window, also where one hangs over the end
    for (int i = 0; i < nd; i++) {
        const int each = i == 0 ? r.kernel_w : i == 1 ? r.kernel_h : r.kernel_d;
        places *= each ? each : r.kernel;
    }
    clg_tensor y = average[nd - 1](clg_pow_scalar(x, norm), &r);
    // without a gradient where all is 0, and the root of a negative sum has none
    y = clg_mul(clg_sign(y), clg_relu(clg_abs(y)));
    return clg__call_own(&c, clg_pow_scalar(clg_mul_scalar(y, places), 1 / norm));
}

#define POWER_MEAN(id, nd)                                                                         \
    clg_tensor clg_##id(clg_tensor x, double norm, const struct clg_pool_params *p)                \
    {                                                                                              \
        return power_mean(#id, nd, x, norm, p);                                                    \
    }
POWER_MEAN(lp_pool1d, 1)
POWER_MEAN(lp_pool2d, 2)
POWER_MEAN(lp_pool3d, 3)

// ---- adaptive

// Windows that share the image; of one size, and ordinary ones, where it divides evenly.
static void share(clg__pool *q, const int64_t size[CLG__SPATIAL])
{
    clg__window *w = &q->w;
    for (int i = 0; i < CLG__SPATIAL; i++) {
        w->out[i] = size[i];
        q->adaptive |= size[i] == 0 || w->in[i] % size[i];
    }
    for (int i = 0; i < CLG__SPATIAL && !q->adaptive; i++)
        w->k[i] = w->stride[i] = w->in[i] / size[i];
}

static clg_tensor record_adaptive(const char *name, int nd, bool max, clg_tensor x, clg_shape size,
                                  clg_tensor *indices)
{
    clg__call c;
    if (!clg__call_begin(&c, name, "x", 1, &x))
        return clg__call_poison(&c);
    bool single;
    clg_tensor bad = clg__window_single(&c, nd, &x, &single);
    bad = bad ? bad : check_image(&c, nd, x);
    if (bad)
        return bad;
    if (size.rank != nd)
        return clg__call_fail(&c, CLG_ESHAPE, "size has %d dimensions, expected %d", size.rank, nd);
    clg__pool q;
    memset(&q, 0, sizeof q);
    q.w = clg__window_of(nd, x);
    q.w.n = x->shape.dim[0] * x->shape.dim[1];
    int64_t all[CLG__SPATIAL] = { 1, 1, 1 };
    for (int i = 0; i < nd; i++) {
        const int64_t n = size.dim[i];
        if (n < -1 || n > CLG__WINDOW_MOST)
            return clg__call_fail(&c, CLG_ESHAPE, "size is %lld, expected 0 to %d, or -1 for that of x", (long long) n,
                                  CLG__WINDOW_MOST);
        all[CLG__SPATIAL - nd + i] = n < 0 ? x->shape.dim[2 + i] : n;
    }
    share(&q, all);
    return pooled(&c, x, single, &q, max, indices);
}

#define ADAPTIVE_MAX(id, nd)                                                                       \
    clg_tensor clg_##id(clg_tensor x, clg_shape size, clg_tensor *indices)                         \
    {                                                                                              \
        return with_indices(record_adaptive(#id, nd, true, x, size, indices), indices);            \
    }
#define ADAPTIVE_AVG(id, nd)                                                                       \
    clg_tensor clg_##id(clg_tensor x, clg_shape size)                                              \
    {                                                                                              \
        return record_adaptive(#id, nd, false, x, size, NULL);                                     \
    }
ADAPTIVE_MAX(adaptive_max_pool1d, 1)
ADAPTIVE_MAX(adaptive_max_pool2d, 2)
ADAPTIVE_MAX(adaptive_max_pool3d, 3)
ADAPTIVE_AVG(adaptive_avg_pool1d, 1)
ADAPTIVE_AVG(adaptive_avg_pool2d, 2)
ADAPTIVE_AVG(adaptive_avg_pool3d, 3)
