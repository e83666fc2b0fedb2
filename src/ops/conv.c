// SPDX-License-Identifier: MIT
// 2-D convolution and its two gradients: a set closed under differentiation, since each is linear in
// both of its inputs. Kernels in cl/conv_cpu.cl and cl/conv_gpu.cl, planned in conv_plan.c.
#include "ops/conv.h"

#include "graph/build.h"
#include <clgrad/ops.h>

static void key_conv(const void *params, clg__key *k)
{
    const clg__conv *p = params;
    const int64_t all[] = { p->n, p->c, p->h, p->w, p->o, p->oh, p->ow, p->kh, p->kw, p->groups,
                            p->sh, p->sw, p->ph, p->pw, p->dh, p->dw };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        clg__key_i64(k, all[i]);
}

static clg_tensor conv_node(const clg__op *op, const char *names, clg_tensor a, clg_tensor b,
                            const clg__conv *p, clg_shape s)
{
    clg__call c;
    clg_tensor in[2] = { a, b };
    if (!clg__call_begin(&c, op->name, names, 2, in))
        return clg__call_poison(&c);
    return clg__call_node(&c, op, a->dtype, &s, p);
}

static clg_tensor y_vjp(const clg__vjp *v, int i);
static clg_tensor dx_vjp(const clg__vjp *v, int i);
static clg_tensor dw_vjp(const clg__vjp *v, int i);

#define CONV_OP(id, grad, list, axis)                                                              \
    static const clg__op op_##id = { .name = #id, .kind = CLG__KERNEL, .vjp = grad,                \
                                     .key = key_conv, .params_bytes = sizeof(clg__conv),           \
                                     .variants = list, .n_variants = CLG__CONV_VARIANTS,           \
                                     .row_axis_from_end = axis };
CONV_OP(conv2d, y_vjp, clg__conv_y_variants, 3)
CONV_OP(conv2d_dx, dx_vjp, clg__conv_dx_variants, 3)
CONV_OP(conv2d_dw, dw_vjp, clg__conv_dw_variants, 0)

static clg_tensor conv_y(clg_tensor x, clg_tensor w, const clg__conv *p)
{
    return conv_node(&op_conv2d, "x w", x, w, p, CLG_SHAPE(p->n, p->o, p->oh, p->ow));
}

static clg_tensor conv_dx(clg_tensor g, clg_tensor w, const clg__conv *p)
{
    return conv_node(&op_conv2d_dx, "g w", g, w, p, CLG_SHAPE(p->n, p->c, p->h, p->w));
}

static clg_tensor conv_dw(clg_tensor g, clg_tensor x, const clg__conv *p)
{
    return conv_node(&op_conv2d_dw, "g x", g, x, p,
                     CLG_SHAPE(p->o, p->c / p->groups, p->kh, p->kw));
}

static clg_tensor y_vjp(const clg__vjp *v, int i)
{
    return i == 0 ? conv_dx(v->g, v->in[1], v->params) : conv_dw(v->g, v->in[0], v->params);
}

static clg_tensor dx_vjp(const clg__vjp *v, int i)
{
    return i == 0 ? conv_y(v->g, v->in[1], v->params) : conv_dw(v->in[0], v->g, v->params);
}

static clg_tensor dw_vjp(const clg__vjp *v, int i)
{
    return i == 0 ? conv_y(v->in[1], v->g, v->params) : conv_dx(v->in[0], v->g, v->params);
}

static int either(int special, int common, int none)
{
    return special ? special : common ? common : none;
}

static bool fill(clg__conv *p, clg_tensor x, clg_tensor w, const struct clg_conv2d_params *q)
{
    *p = (clg__conv) {
        .n = (int) x->shape.dim[0], .c = (int) x->shape.dim[1], .h = (int) x->shape.dim[2],
        .w = (int) x->shape.dim[3], .o = (int) w->shape.dim[0], .kh = (int) w->shape.dim[2],
        .kw = (int) w->shape.dim[3], .groups = q->groups ? q->groups : 1,
        .sh = either(q->stride_h, q->stride, 1), .sw = either(q->stride_w, q->stride, 1),
        .ph = either(q->padding_h, q->padding, 0), .pw = either(q->padding_w, q->padding, 0),
        .dh = either(q->dilation_h, q->dilation, 1), .dw = either(q->dilation_w, q->dilation, 1),
    };
    if (p->sh < 1 || p->sw < 1 || p->ph < 0 || p->pw < 0 || p->dh < 1 || p->dw < 1 || p->groups < 1 ||
        p->sh > 1 << 20 || p->sw > 1 << 20 || p->ph > 1 << 20 || p->pw > 1 << 20 || p->dh > 1 << 20 ||
        p->dw > 1 << 20 || p->groups > 1 << 20)
        return false;
    const int64_t oh = (int64_t) p->h + 2 * p->ph - (int64_t) p->dh * (p->kh - 1) - 1,
                  ow = (int64_t) p->w + 2 * p->pw - (int64_t) p->dw * (p->kw - 1) - 1;
    p->oh = oh < 0 ? 0 : (int) (oh / p->sh + 1);
    p->ow = ow < 0 ? 0 : (int) (ow / p->sw + 1);
    return true;
}

clg_tensor clg_conv2d(clg_tensor x, clg_tensor w, clg_tensor bias,
                      const struct clg_conv2d_params *params)
{
    struct clg_conv2d_params q;
    const char *wrong = clg_params_read(&q, sizeof q, params);
    clg__call c;
    clg_tensor in[3] = { x, w, bias };
    clg__conv p;
    if (!clg__call_begin(&c, "conv2d", "x w bias", bias ? 3 : 2, in))
        return clg__call_poison(&c);
    if (wrong)
        return clg__call_fail(&c, CLG_EINVAL, "%s", wrong);
    if (x->shape.rank != 4 || w->shape.rank != 4)
        return clg__call_fail(&c, CLG_ESHAPE, "x and w must be [N,C,H,W] and [O,C/groups,KH,KW]");
    if (x->dtype != w->dtype || (bias && bias->dtype != x->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "types differ");
    if (x->dtype == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "bool has no arithmetic: cast first");
    for (int d = 0; d < 4; d++) {
        if (x->shape.dim[d] > INT32_MAX / 4 || w->shape.dim[d] > INT32_MAX / 4 ||
            w->shape.dim[d] < 1 || (d > 1 && x->shape.dim[d] < 1))
            return clg__call_fail(&c, CLG_ESHAPE, "a dimension is empty or too large");
    }
    if (!fill(&p, x, w, &q))
        return clg__call_fail(&c, CLG_EINVAL,
                              "stride %dx%d, padding %dx%d, dilation %dx%d, groups %d", p.sh, p.sw,
                              p.ph, p.pw, p.dh, p.dw, p.groups);
    if (p.c % p.groups || p.o % p.groups || p.c / p.groups != (int) w->shape.dim[1])
        return clg__call_fail(&c, CLG_ESHAPE, "x has %d channels, w expects %lld in %d groups", p.c,
                              (long long) w->shape.dim[1] * p.groups, p.groups);
    if (p.oh < 1 || p.ow < 1)
        return clg__call_fail(&c, CLG_ESHAPE, "the window does not fit the padded image");
    if (clg_numel(x->shape) > INT32_MAX || (int64_t) p.n * p.o * p.oh * p.ow > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "more than %d elements", INT32_MAX);
    if (bias && (bias->shape.rank != 1 || bias->shape.dim[0] != p.o))
        return clg__call_fail(&c, CLG_ESHAPE, "bias must have %d elements", p.o);
    const clg_dtype t = x->dtype, in_type = t == CLG_U8 ? CLG_I32 : t; // the low byte wraps as U8 does
    clg_tensor y = clg_cast(conv_y(clg_cast(x, in_type), clg_cast(w, in_type), &p), t);
    return clg__call_own(&c, bias ? clg_add(y, clg_reshape(bias, CLG_SHAPE(1, p.o, 1, 1))) : y);
}
