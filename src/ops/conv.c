// SPDX-License-Identifier: MIT
// Convolution in one to three dimensions and its two gradients: a set closed under differentiation, since each
// is linear in both of its inputs. A transposed convolution is the gradient for the image. Images of one
// dimension are images of height 1. Kernels in cl/conv_cpu.cl and cl/conv_gpu.cl, planned in conv_plan.c.
#include "base/dtype.h"
#include "ops/conv.h"
#include "ops/registry.h"

static void key_conv(const void *params, clg__key *k)
{
    clg__window_key(k, params);
}

static clg_tensor y_vjp(const clg__vjp *v, int i);
static clg_tensor dx_vjp(const clg__vjp *v, int i);
static clg_tensor dw_vjp(const clg__vjp *v, int i);

#define CONV_OP(id, grad, list, axis)                                                              \
    static const clg__op op_##id = { .name = #id, .kind = CLG__KERNEL, .vjp = grad,                \
                                     .key = key_conv, .params_bytes = sizeof(clg__window),         \
                                     .variants = list, .n_variants = CLG__CONV_VARIANTS,           \
                                     .row_axis_from_end = axis };
CONV_OP(conv2d, y_vjp, clg__conv_y_variants, 3)
CONV_OP(conv2d_dx, dx_vjp, clg__conv_dx_variants, 3)
CONV_OP(conv2d_dw, dw_vjp, clg__conv_dw_variants, 0)
CONV_OP(conv3d, y_vjp, clg__conv_y_variants, 4)
CONV_OP(conv3d_dx, dx_vjp, clg__conv_dx_variants, 4)
CONV_OP(conv3d_dw, dw_vjp, clg__conv_dw_variants, 0)
const clg__op *const clg__conv_ops[] = { &op_conv2d, &op_conv2d_dx, &op_conv2d_dw, &op_conv3d, &op_conv3d_dx,
                                         &op_conv3d_dw, NULL };

static clg_tensor conv_node(const clg__op *op, const char *names, clg_tensor a, clg_tensor b,
                            const clg__window *w, clg_shape s)
{
    clg__call c;
    clg_tensor in[2] = { a, b };
    if (!clg__call_begin(&c, op->name, names, 2, in))
        return clg__call_poison(&c);
    return clg__call_node(&c, op, a->dtype, &s, w);
}

static clg_tensor conv_y(clg_tensor x, clg_tensor weight, const clg__window *w)
{
    return conv_node(w->nd > 2 ? &op_conv3d : &op_conv2d, "x w", x, weight, w,
                     clg__window_shape(w, true, w->n, w->o, w->out));
}

static clg_tensor conv_dx(clg_tensor g, clg_tensor weight, const clg__window *w)
{
    return conv_node(w->nd > 2 ? &op_conv3d_dx : &op_conv2d_dx, "g w", g, weight, w,
                     clg__window_shape(w, true, w->n, w->c, w->in));
}

static clg_tensor conv_dw(clg_tensor g, clg_tensor x, const clg__window *w)
{
    return conv_node(w->nd > 2 ? &op_conv3d_dw : &op_conv2d_dw, "g x", g, x, w,
                     clg__window_shape(w, true, w->o, w->c / w->groups, w->k));
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

// ---- what a caller gives

typedef struct request {
    const char *name;
    int nd;
    bool transposed;
} request;

static const char *const sizes[] = { "W", "H,W", "D,H,W" }, *const kernels[] = { "KW", "KH,KW", "KD,KH,KW" };

static clg_tensor check_tensors(const clg__call *c, const request *r, clg_tensor x, clg_tensor w, clg_tensor bias)
{
    if (x->shape.rank != r->nd + 2 || w->shape.rank != r->nd + 2)
        return clg__call_fail(c, CLG_ESHAPE, "x must be [N,C,%s] or [C,%s], and w [%s,%s]", sizes[r->nd - 1],
                              sizes[r->nd - 1], r->transposed ? "C,O/groups" : "O,C/groups", kernels[r->nd - 1]);
    if (x->dtype != w->dtype || (bias && bias->dtype != x->dtype))
        return clg__call_fail(c, CLG_EDTYPE, "types differ: expected that of x, %s", clg_dtype_name(x->dtype));
    if (x->dtype == CLG_BOOL)
        return clg__call_fail(c, CLG_EDTYPE, "bool has no arithmetic: cast first");
    for (int d = 0; d < 2; d++) {
        if (x->shape.dim[d] > CLG__WINDOW_MOST)
            return clg__call_fail(c, CLG_ESHAPE, "x has %lld %s, expected at most %d", (long long) x->shape.dim[d],
                                  d ? "channels" : "images", CLG__WINDOW_MOST);
    }
    clg_tensor bad = clg__window_check(c, "w", w, 0);
    return bad ? bad : clg__window_check(c, "x", x, 2);
}

static clg_tensor check_channels(const clg__call *c, const clg__window *w, int64_t channels, int64_t expected,
                                 int64_t outputs, clg_tensor bias)
{
    if (channels != expected)
        return clg__call_fail(c, CLG_ESHAPE, "x has %lld channels, w expects %lld in %lld groups",
                              (long long) channels, (long long) expected, (long long) w->groups);
    if (channels % w->groups || outputs % w->groups)
        return clg__call_fail(c, CLG_ESHAPE, "%lld channels to %lld are not a multiple of %lld groups",
                              (long long) channels, (long long) outputs, (long long) w->groups);
    if (bias && (bias->shape.rank != 1 || bias->shape.dim[0] != outputs))
        return clg__call_fail(c, CLG_ESHAPE, "bias must be [%lld], a number for each channel of the result",
                              (long long) outputs);
    return NULL;
}

static clg_tensor read_window(const clg__call *c, const request *r, const struct clg_conv_params *q, clg_tensor weight,
                              clg__window *w, int64_t output_padding[CLG__SPATIAL])
{
    static const int64_t none[CLG__SPATIAL];
    const clg__window_field field = CLG__WINDOW_FIELD(*q, output_padding);
    const clg__window_params p = {
        .stride = CLG__WINDOW_FIELD(*q, stride), .padding = CLG__WINDOW_FIELD(*q, padding),
        .padding_end = CLG__WINDOW_FIELD(*q, padding_end), .dilation = CLG__WINDOW_FIELD(*q, dilation),
        .no_padding_end = q->no_padding_end, .same = q->padding_same,
    };
    for (int i = CLG__SPATIAL - r->nd; i < CLG__SPATIAL; i++)
        w->k[i] = weight->shape.dim[2 + i - CLG__SPATIAL + r->nd];
    if (q->groups < 0)
        return clg__call_fail(c, CLG_EINVAL, "groups is %d, expected 1 or more", q->groups);
    w->groups = q->groups ? q->groups : 1;
    if (r->transposed && q->padding_same)
        return clg__call_fail(c, CLG_EINVAL, "padding_same is for convolutions that are not transposed");
    clg_tensor bad = clg__window_numbers(c, r->nd, &field, 0, none, output_padding);
    for (int i = 0; i < CLG__SPATIAL && !bad && !r->transposed; i++) {
        if (output_padding[i])
            return clg__call_fail(c, CLG_EINVAL, "output_padding is %lld, but only transposed convolutions have one",
                                  (long long) output_padding[i]);
    }
    return bad ? bad : clg__window_read(c, &p, w);
}

static clg_tensor convolution(const request *r, clg_tensor x, clg_tensor weight, clg_tensor bias,
                              const struct clg_conv_params *params)
{
    struct clg_conv_params q;
    const char *wrong = clg_params_read(&q, sizeof q, params);
    int64_t output_padding[CLG__SPATIAL];
    clg__call c;
    x = clg_autocast_input(r->name, x);
    weight = clg_autocast_input(r->name, weight);
    bias = clg_autocast_input(r->name, bias);
    clg_tensor in[3] = { x, weight, bias };
    if (!clg__call_begin(&c, r->name, "x w bias", bias ? 3 : 2, in))
        return clg__call_poison(&c);
    if (wrong)
        return clg__call_fail(&c, CLG_EINVAL, "%s", wrong);
    bool single;
    clg_tensor bad = clg__window_single(&c, r->nd, &x, &single);
    bad = bad ? bad : check_tensors(&c, r, x, weight, bias);
    if (bad)
        return bad;
    clg__window w = clg__window_of(r->nd, x);
    w.n = x->shape.dim[0];
    bad = read_window(&c, r, &q, weight, &w, output_padding);
    w.o = weight->shape.dim[0];
    w.c = weight->shape.dim[1] * w.groups;
    const int64_t outputs = r->transposed ? w.c : w.o;
    bad = bad ? bad : check_channels(&c, &w, x->shape.dim[1], r->transposed ? w.o : w.c, outputs, bias);
    if (!bad && r->transposed) { // x lies where results of a convolution do
        for (int i = 0; i < CLG__SPATIAL; i++) {
            w.out[i] = w.in[i];
            w.in[i] = 1;
        }
        bad = clg__window_unfit(&c, &w, output_padding);
    } else if (!bad) {
        bad = clg__window_fit(&c, &w, false);
    }
    if (bad)
        return bad;
    const clg_dtype t = x->dtype, in_type = clg__dtype_of(t)->products;
    static const int64_t one[CLG__SPATIAL] = { 1, 1, 1 };
    const int64_t *from = r->transposed ? w.out : w.in, *to = r->transposed ? w.in : w.out;
    if (r->nd < 2) { // an image of height 1
        x = clg_reshape(x, clg__window_shape(&w, true, w.n, x->shape.dim[1], from));
        weight = clg_reshape(weight, clg__window_shape(&w, true, w.o, w.c / w.groups, w.k));
    }
    if (in_type != t) {
        x = clg_cast(x, in_type);
        weight = clg_cast(weight, in_type);
    }
    clg_tensor y = r->transposed ? conv_dx(x, weight, &w) : conv_y(x, weight, &w);
    y = in_type != t ? clg_cast(y, t) : y;
    if (bias)
        y = clg_add(y, clg_reshape(bias, clg__window_shape(&w, true, 1, outputs, one)));
    if (r->nd < 2 || single)
        y = clg__window_result(y, clg__window_shape(&w, false, w.n, outputs, to), single);
    return clg__call_own(&c, y);
}

#define PUBLIC(id, dims, is_transposed)                                                            \
    clg_tensor clg_##id(clg_tensor x, clg_tensor w, clg_tensor bias, const struct clg_conv_params *p) \
    {                                                                                              \
        return convolution(&(request) { #id, dims, is_transposed }, x, w, bias, p);                \
    }
PUBLIC(conv1d, 1, false)
PUBLIC(conv2d, 2, false)
PUBLIC(conv3d, 3, false)
PUBLIC(conv_transpose1d, 1, true)
PUBLIC(conv_transpose2d, 2, true)
PUBLIC(conv_transpose3d, 3, true)
