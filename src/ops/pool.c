// SPDX-License-Identifier: MIT
// Pooling. Maximum: values and the places of the winners; its gradient scatters to those places, and
// the gradient of that gathers from them. Average: forward and backward. Kernels: cl/pool.cl
// and cl/pool_2x2.cl.
#include "graph/build.h"
#include "ops/element.h"
#include <clgrad/ops.h>

#include <string.h>

typedef struct pool {
    int planes, h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw;
    int exclude, divisor; // averages
} pool;

static void key_pool(const void *params, clg__key *k)
{
    const pool *p = params;
    const int all[] = { p->planes, p->h, p->w, p->oh, p->ow, p->kh, p->kw, p->sh, p->sw, p->ph,
                        p->pw, p->dh, p->dw, p->exclude, p->divisor };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        clg__key_i64(k, all[i]);
}

// LOWEST is the maximum of nothing, SUM the type of an average's sum.
static void define_type(clg__kplan *p, clg__launch *l, clg_dtype t)
{
    clg__define_element(p, l, t);
    if (clg_dtype_is_float(t))
        return; // the file's defaults
    clg__kplan_define(p, l, "LOWEST", t == CLG_I64 ? "LONG_MIN" : t == CLG_I32 ? "INT_MIN" : "0");
    clg__kplan_define(p, l, "SUM", "long");
    clg__kplan_define(p, l, "PLUS(a, b)", "((long)((ulong)(a) + (ulong)(b)))");
    clg__kplan_define(p, l, "OVER(a, b)", "((b) == -1 ? (long)-(ulong)(a) : (a) / (b))"); // MIN / -1 traps on CPUs
}

static void ints(clg__kplan *p, clg__launch *l, const int *v, int n)
{
    for (int i = 0; i < n; i++)
        clg__arg_i32(p, l, v[i]);
}

static clg__launch *begin(const clg__kernel_call *c, clg__kplan *p, const char *file,
                          const char *entry, int inputs, int outputs)
{
    clg__launch *l = clg__kplan_kernel(p, file, entry);
    if (strcmp(file, "pool") == 0)
        define_type(p, l, c->in_dtype[0]);
    for (int i = 0; i < inputs; i++) {
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
    }
    for (int i = 0; i < outputs; i++)
        clg__arg_out(p, l, i);
    return l;
}

static void per_item(const clg__kernel_call *c, clg__kplan *p, clg__launch *l)
{
    const int64_t total = clg_numel(*c->out_shape);
    (void) p;
    clg__kplan_grid(l, (size_t) ((total + 63) / 64), 1, 1, 64, 1, 1);
}

static void max_sizes(clg__kplan *p, clg__launch *l, const pool *q)
{
    const int v[] = { q->h, q->w, q->oh, q->ow, q->kh, q->kw, q->sh, q->sw, q->ph, q->pw, q->dh,
                      q->dw };
    ints(p, l, v, 12);
}

static void plan_max(const clg__kernel_call *c, clg__kplan *p)
{
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = begin(c, p, "pool", "max_pool", 1, 2);
    clg__arg_i64(p, l, clg_numel(*c->out_shape));
    max_sizes(p, l, c->params);
    per_item(c, p, l);
}

static void plan_scatter(const clg__kernel_call *c, clg__kplan *p)
{
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = begin(c, p, "pool", "max_pool_scatter", 2, 1);
    clg__arg_i64(p, l, clg_numel(*c->out_shape));
    max_sizes(p, l, c->params);
    per_item(c, p, l);
}

static void plan_gather(const clg__kernel_call *c, clg__kplan *p)
{
    const pool *q = c->params;
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = begin(c, p, "pool", "max_pool_gather", 2, 1);
    clg__arg_i64(p, l, clg_numel(*c->out_shape));
    ints(p, l, (int[]) { q->h * q->w, q->oh * q->ow }, 2);
    per_item(c, p, l);
}

static const char *accepts_2x2(const clg__kernel_call *c)
{
    const pool *q = c->params;
    if (!c->caps->cpu_class)
        return "for CPU-class devices";
    if (c->in_dtype[0] != CLG_F32)
        return "only f32";
    const bool fits = q->kh == 2 && q->kw == 2 && q->sh == 2 && q->sw == 2 && q->ph == 0 &&
                      q->pw == 0 && q->dh == 1 && q->dw == 1 && 2 * q->oh <= q->h && 2 * q->ow <= q->w;
    return fits ? NULL : "only 2x2 windows that tile the plane";
}

static void plan_2x2(const clg__kernel_call *c, clg__kplan *p, const char *entry, int inputs,
                     int outputs)
{
    const pool *q = c->params;
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = begin(c, p, "pool_2x2", entry, inputs, outputs);
    ints(p, l, (int[]) { q->planes, q->h, q->w, q->oh, q->ow }, 5);
    const int most = 4 * c->caps->compute_units;
    clg__kplan_grid(l, (size_t) (q->planes < most ? q->planes : most), 1, 1, 1, 1, 1);
}

static void plan_max_2x2(const clg__kernel_call *c, clg__kplan *p)
{
    plan_2x2(c, p, "max_pool_2x2", 1, 2);
}

static void plan_scatter_2x2(const clg__kernel_call *c, clg__kplan *p)
{
    plan_2x2(c, p, "max_pool_scatter_2x2", 2, 1);
}

static void plan_avg(const clg__kernel_call *c, clg__kplan *p, const char *entry)
{
    const pool *q = c->params;
    if (clg_numel(*c->out_shape) == 0)
        return;
    clg__launch *l = begin(c, p, "pool", entry, 1, 1);
    clg__arg_i64(p, l, clg_numel(*c->out_shape));
    const int v[] = { q->h, q->w, q->oh, q->ow, q->kh, q->kw, q->sh, q->sw, q->ph, q->pw,
                      q->exclude, q->divisor };
    ints(p, l, v, 12);
    per_item(c, p, l);
}

static void plan_avg_forward(const clg__kernel_call *c, clg__kplan *p)
{
    plan_avg(c, p, "avg_pool");
}

static void plan_avg_back(const clg__kernel_call *c, clg__kplan *p)
{
    plan_avg(c, p, "avg_pool_back");
}

static clg_tensor max_vjp(const clg__vjp *v, int i);
static clg_tensor scatter_vjp(const clg__vjp *v, int i);
static clg_tensor gather_vjp(const clg__vjp *v, int i);
static clg_tensor avg_vjp(const clg__vjp *v, int i);
static clg_tensor avg_back_vjp(const clg__vjp *v, int i);

static const clg__variant max_variants[] = { { "cpu_2x2", accepts_2x2, plan_max_2x2, false },
                                             { "items", NULL, plan_max, false } };
static const clg__variant scatter_variants[] = {
    { "cpu_2x2", accepts_2x2, plan_scatter_2x2, false },
    { "items", NULL, plan_scatter, false },
};
static const clg__variant gather_variants[] = { { "items", NULL, plan_gather, false } };
static const clg__variant avg_variants[] = { { "items", NULL, plan_avg_forward, false } };
static const clg__variant avg_back_variants[] = { { "items", NULL, plan_avg_back, false } };

#define POOL_OP(id, grad, list)                                                                    \
    static const clg__op op_##id = { .name = #id, .kind = CLG__KERNEL, .vjp = grad,                \
                                     .key = key_pool, .params_bytes = sizeof(pool),                \
                                     .variants = list,                                             \
                                     .n_variants = (int) (sizeof list / sizeof list[0]) };
POOL_OP(max_pool2d, max_vjp, max_variants)
POOL_OP(max_pool_scatter, scatter_vjp, scatter_variants)
POOL_OP(max_pool_gather, gather_vjp, gather_variants)
POOL_OP(avg_pool2d, avg_vjp, avg_variants)
POOL_OP(avg_pool_back, avg_back_vjp, avg_back_variants)

static clg_tensor node(const clg__op *op, int n, const clg_tensor *in, const pool *q, bool large)
{
    clg__call c;
    if (!clg__call_begin(&c, op->name, NULL, n, in))
        return clg__call_poison(&c);
    const clg_shape s = CLG_SHAPE(q->planes, large ? q->h : q->oh, large ? q->w : q->ow);
    return clg__call_node(&c, op, in[0]->dtype, &s, q);
}

// The node's places of the winners are its second output: found through the forward node.
static clg_tensor winners(clg_tensor y, clg_tensor x, const pool *q);

static clg_tensor max_vjp(const clg__vjp *v, int i)
{
    (void) i;
    clg_tensor index = winners(v->y, v->in[0], v->params);
    return node(&op_max_pool_scatter, 2, (clg_tensor[]) { v->g, index }, v->params, true);
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
    return node(&op_avg_pool2d, 1, &v->g, v->params, false);
}

static void max_node(clg_tensor x, const pool *q, clg_tensor out[2])
{
    clg__call c;
    const clg_dtype types[2] = { x->dtype, CLG_I32 };
    const clg_shape s = CLG_SHAPE(q->planes, q->oh, q->ow), shapes[2] = { s, s };
    if (!clg__call_begin(&c, "max_pool2d", "x", 1, &x)) {
        out[0] = out[1] = clg__call_poison(&c);
        return;
    }
    clg__call_node_n(&c, &op_max_pool2d, 2, types, shapes, q, out);
}

// Recorded anew: an equal node, which the scheduler merges with the forward one.
static clg_tensor winners(clg_tensor y, clg_tensor x, const pool *q)
{
    clg_tensor out[2];
    (void) y;
    max_node(x, q, out);
    return out[1];
}

static int either(int special, int common, int none)
{
    return special ? special : common ? common : none;
}

// PyTorch: with ceil_mode a window may hang over the end, but must start inside the padded image.
static int out_size(int n, int k, int s, int p, int d, bool ceil_mode)
{
    const int64_t room = (int64_t) n + 2 * p - (int64_t) d * (k - 1) - 1 + (ceil_mode ? s - 1 : 0);
    if (room < 0)
        return 0;
    int64_t o = room / s + 1;
    if (ceil_mode && (o - 1) * s >= (int64_t) n + p)
        o--;
    return (int) o;
}

static bool fill(pool *q, clg_tensor x, const struct clg_pool2d_params *p)
{
    memset(q, 0, sizeof *q);
    q->h = (int) x->shape.dim[2];
    q->w = (int) x->shape.dim[3];
    q->planes = (int) (x->shape.dim[0] * x->shape.dim[1]);
    q->kh = either(p->kernel_h, p->kernel, 0);
    q->kw = either(p->kernel_w, p->kernel, 0);
    q->sh = either(p->stride_h, p->stride, q->kh);
    q->sw = either(p->stride_w, p->stride, q->kw);
    q->ph = either(p->padding_h, p->padding, 0);
    q->pw = either(p->padding_w, p->padding, 0);
    q->dh = either(p->dilation_h, p->dilation, 1);
    q->dw = either(p->dilation_w, p->dilation, 1);
    q->exclude = p->exclude_padding;
    q->divisor = p->divisor;
    const int most = 1 << 20;
    if (q->kh < 1 || q->kw < 1 || q->sh < 1 || q->sw < 1 || q->dh < 1 || q->dw < 1 || q->ph < 0 ||
        q->pw < 0 || q->kh > most || q->kw > most || q->sh > most || q->sw > most ||
        q->dh > most || q->dw > most || 2 * (int64_t) q->ph > q->kh || 2 * (int64_t) q->pw > q->kw)
        return false;
    q->oh = out_size(q->h, q->kh, q->sh, q->ph, q->dh, p->ceil_mode);
    q->ow = out_size(q->w, q->kw, q->sw, q->pw, q->dw, p->ceil_mode);
    return true;
}

static clg_tensor pooling(const char *name, clg_tensor x, const struct clg_pool2d_params *p, bool max)
{
    struct clg_pool2d_params r;
    const char *wrong = clg_params_read(&r, sizeof r, p);
    clg__call c;
    pool q;
    if (!clg__call_begin(&c, name, "x", 1, &x))
        return clg__call_poison(&c);
    if (wrong)
        return clg__call_fail(&c, CLG_EINVAL, "%s", wrong);
    for (int k = 0; k < 3 && !max; k++) {
        const int d = k == 0 ? r.dilation : k == 1 ? r.dilation_h : r.dilation_w;
        if (d != 0 && d != 1)
            return clg__call_fail(&c, CLG_EINVAL, "dilation is %d, but an average has none", d);
    }
    if (max && r.divisor)
        return clg__call_fail(&c, CLG_EINVAL, "divisor is %d, but a maximum has none", r.divisor);
    if (x->shape.rank != 4)
        return clg__call_fail(&c, CLG_ESHAPE, "x must be [N,C,H,W]");
    if (x->dtype == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "bool has no arithmetic: cast first");
    if (x->shape.dim[2] < 1 || x->shape.dim[3] < 1)
        return clg__call_fail(&c, CLG_ESHAPE, "the image is empty");
    if (clg_numel(x->shape) > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "more than %d elements", INT32_MAX);
    if (!fill(&q, x, &r))
        return clg__call_fail(&c, CLG_EINVAL,
                              "kernel %dx%d, stride %dx%d, padding %dx%d (at most half the kernel), "
                              "dilation %dx%d", q.kh, q.kw, q.sh, q.sw, q.ph, q.pw, q.dh, q.dw);
    if (q.oh < 1 || q.ow < 1)
        return clg__call_fail(&c, CLG_ESHAPE, "the window does not fit the padded image");
    const clg_shape s = CLG_SHAPE(x->shape.dim[0], x->shape.dim[1], q.oh, q.ow);
    clg_tensor flat = clg_reshape(x, CLG_SHAPE(q.planes, q.h, q.w)), out[2];
    if (max)
        max_node(flat, &q, out);
    else
        out[0] = node(&op_avg_pool2d, 1, &flat, &q, false);
    return clg__call_own(&c, clg_reshape(out[0], s));
}

clg_tensor clg_max_pool2d(clg_tensor x, const struct clg_pool2d_params *p)
{
    return pooling("max_pool2d", x, p, true);
}

clg_tensor clg_avg_pool2d(clg_tensor x, const struct clg_pool2d_params *p)
{
    return pooling("avg_pool2d", x, p, false);
}
