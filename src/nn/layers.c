// SPDX-License-Identifier: MIT
// Layers: parameters from the store, arithmetic from ops.h.
#include <clgrad/autocast.h>
#include "nn/layer.h"

// ---- convolutions

typedef struct conv_kind {
    const char *what;
    int nd;
    bool transposed;
    clg_tensor (*op)(clg_tensor x, clg_tensor w, clg_tensor bias, const struct clg_conv_params *p);
} conv_kind;

// What the op is called with: the layer's own numbers, or all that *conv has. NULL, or what is wrong.
static const char *conv_numbers(const struct clg_nn_conv_params *p, struct clg_conv_params *q)
{
    const char *wrong = clg_params_read(q, sizeof *q, p->conv);
    if (!p->conv) {
        q->stride = p->stride;
        q->padding = p->padding;
        q->dilation = p->dilation;
        q->groups = p->groups;
        q->output_padding = p->output_padding;
    } else if (!wrong && (p->stride || p->padding || p->dilation || p->groups || p->output_padding)) {
        return "stride, padding, dilation, groups and output_padding are given beside conv";
    }
    return wrong;
}

static clg_tensor convolution(const conv_kind *k, clg_store s, const char *name, clg_tensor x,
                              const struct clg_nn_conv_params *p)
{
    struct clg_nn_conv_params q;
    struct clg_conv_params numbers;
    clg__layer l;
    clg_tensor bad = clg__layer_begin(&l, k->what, s, name, x);
    if (bad)
        return bad;
    const char *wrong = p ? clg_params_read(&q, sizeof q, p) : "NULL params";
    wrong = wrong ? wrong : conv_numbers(&q, &numbers);
    if (wrong)
        return clg__layer_refuse(&l, CLG_EINVAL, wrong);
    const int groups = numbers.groups ? numbers.groups : 1, each[] = { q.kernel_d, q.kernel_h, q.kernel_w };
    clg_shape shape = CLG_SHAPE(q.out, 0);
    int odd = 0; // a size that no kernel has
    int64_t taps = 1;
    for (int d = 0; d < 3; d++) {
        const int size = each[d] ? each[d] : q.kernel;
        if (d < 3 - k->nd) {
            if (each[d])
                return clg__layer_refuse(&l, CLG_EINVAL, "a kernel has a size where x has no dimension");
            continue;
        }
        shape.dim[shape.rank++] = size;
        if (size < 1 || size > 1 << 20)
            odd = size ? size : -1;
        else
            taps *= size;
    }
    if (x->shape.rank != k->nd + 2 || q.out < 1 || odd || groups < 1 || (k->transposed && q.out % groups))
        return clg_poison(x->dev, CLG_ESHAPE,
                          "%s '%s': x has rank %d, out %d, kernel %d, groups %d; expected rank %d, positive numbers, "
                          "a kernel up to 2^20%s", k->what, name, x->shape.rank, q.out, odd && q.kernel ? odd : q.kernel,
                          groups, k->nd + 2, k->transposed ? ", out a multiple of groups" : "");
    const int64_t c = x->shape.dim[1];
    shape.dim[0] = k->transposed ? c : q.out;
    shape.dim[1] = k->transposed ? q.out / groups : c / groups;
    const int64_t fan = shape.dim[1] * taps; // of a transposed one too, as PyTorch has it
    clg_var w = clg__layer_param(&l, "weight", shape, q.init, fan);
    clg_var b = q.no_bias ? NULL : clg__layer_param(&l, "bias", CLG_SHAPE(q.out), (clg_init) { 0 }, fan);
    if (!w || (!b && !q.no_bias))
        return clg__layer_missing(&l);
    clg__layer_enter(&l);
    return clg__layer_leave(&l, k->op(x, clg_var_value(w), b ? clg_var_value(b) : NULL, &numbers));
}

#define CONVOLUTION(id, nd, transposed)                                                            \
    clg_tensor clg_nn_##id(clg_store s, const char *name, clg_tensor x, const struct clg_nn_conv_params *p) \
    {                                                                                              \
        return convolution(&(conv_kind) { "nn_" #id, nd, transposed, clg_##id }, s, name, x, p);   \
    }
CONVOLUTION(conv1d, 1, false)
CONVOLUTION(conv2d, 2, false)
CONVOLUTION(conv3d, 3, false)
CONVOLUTION(conv_transpose1d, 1, true)
CONVOLUTION(conv_transpose2d, 2, true)
CONVOLUTION(conv_transpose3d, 3, true)

clg_tensor clg_nn_linear(clg_store s, const char *name, clg_tensor x,
                         const struct clg_nn_linear_params *p)
{
    struct clg_nn_linear_params q;
    clg__layer l;
    clg_tensor bad = clg__layer_begin(&l, "nn_linear", s, name, x);
    if (bad)
        return bad;
    const char *wrong = p ? clg_params_read(&q, sizeof q, p) : "NULL params";
    if (wrong)
        return clg__layer_refuse(&l, CLG_EINVAL, wrong);
    p = &q;
    if (x->shape.rank < 1 || p->out < 1)
        return clg_poison(x->dev, CLG_ESHAPE, "nn_linear '%s': x has rank %d, out is %d", name,
                          x->shape.rank, p->out);
    const int64_t in = x->shape.dim[x->shape.rank - 1];
    clg_var w = clg__layer_param(&l, "weight", CLG_SHAPE(p->out, in), p->init, in);
    clg_var b = p->no_bias ? NULL : clg__layer_param(&l, "bias", CLG_SHAPE(p->out), (clg_init) { 0 }, in);
    if (!w || (!b && !p->no_bias))
        return clg__layer_missing(&l);
    clg__layer_enter(&l);
    clg_tensor y = clg_matmul(x, clg_transpose(clg_var_value(w), 0, 1));
    if (b)
        y = clg_add(y, clg_autocast_input("linear", clg_var_value(b)));
    return clg__layer_leave(&l, y);
}

// ---- normalisation

static clg_var constant(const clg__layer *l, const char *part, clg_shape shape, double value)
{
    return clg__layer_param(l, part, shape, (clg_init) { CLG_INIT_CONSTANT, value, 0 }, 0);
}

// Of x of a rank from `least` to `most`.
static clg_tensor batch_norm(const char *what, int least, int most, clg_store s, const char *name, clg_tensor x,
                             const struct clg_nn_batch_norm_params *p)
{
    struct clg_nn_batch_norm_params q;
    clg__layer l;
    clg_tensor bad = clg__layer_begin(&l, what, s, name, x);
    if (bad)
        return bad;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    if (wrong)
        return clg__layer_refuse(&l, CLG_EINVAL, wrong);
    p = &q;
    if (x->shape.rank < least || x->shape.rank > most)
        return clg_poison(x->dev, CLG_ESHAPE, "%s '%s': x has rank %d, expected %s%d", what, name, x->shape.rank,
                          least < most ? "2 or " : "", most);
    const clg_shape c = CLG_SHAPE(x->shape.dim[1]);
    clg_var w = p->no_affine ? NULL : constant(&l, "weight", c, 1);
    clg_var b = p->no_affine ? NULL : constant(&l, "bias", c, 0);
    clg_var run[2] = { clg__layer_buffer(&l, "running_mean", c, 0),
                       clg__layer_buffer(&l, "running_var", c, 1) };
    if (!run[0] || !run[1] || (!p->no_affine && (!w || !b)))
        return clg__layer_missing(&l);
    clg_tensor now[2] = { NULL, NULL };
    const bool training = clg_store_is_training(s);
    clg__layer_enter(&l);
    clg_var_freeze(run[0], true);
    clg_var_freeze(run[1], true);
    clg_tensor y = clg_batch_norm(x, w ? clg_var_value(w) : NULL, b ? clg_var_value(b) : NULL,
                                  clg_var_value(run[0]), clg_var_value(run[1]),
                                  clg_batch_norm_params(.training = training, .eps = p->eps,
                                                        .momentum = p->momentum,
                                                        .no_eps = p->no_eps,
                                                        .no_momentum = p->no_momentum,
                                                        .new_mean = &now[0], .new_var = &now[1]));
    y = clg__layer_leave(&l, y);
    if (training && now[0] && now[1] && y->status >= 0) {
        const clg_status st = clg_assign_n(run, now, 2);
        if (st < 0)
            return clg__layer_refuse(&l, st, "the running statistics cannot be assigned");
    }
    return y;
}

#define BATCH_NORM(id, least, most)                                                                \
    clg_tensor clg_nn_##id(clg_store s, const char *name, clg_tensor x, const struct clg_nn_batch_norm_params *p) \
    {                                                                                              \
        return batch_norm("nn_" #id, least, most, s, name, x, p);                                  \
    }
BATCH_NORM(batch_norm1d, 2, 3)
BATCH_NORM(batch_norm2d, 4, 4)
BATCH_NORM(batch_norm3d, 5, 5)

// Without running statistics: which of the three follows from `what`.
typedef enum norm_kind { LAYER_NORM, RMS_NORM, GROUP_NORM } norm_kind;

static clg_tensor own_norm(const char *what, norm_kind kind, clg_store s, const char *name, clg_tensor x,
                           const struct clg_nn_norm_params *p)
{
    struct clg_nn_norm_params q;
    clg__layer l;
    clg_tensor bad = clg__layer_begin(&l, what, s, name, x);
    if (bad)
        return bad;
    const char *wrong = kind == GROUP_NORM && !p ? "NULL params" : clg_params_read(&q, sizeof q, p);
    if (wrong)
        return clg__layer_refuse(&l, CLG_EINVAL, wrong);
    const int rank = x->shape.rank, dims = q.dims == 0 ? 1 : q.dims;
    if (kind != GROUP_NORM && (q.groups != 0 || dims < 1))
        return clg__layer_refuse(&l, CLG_EINVAL, dims < 1 ? "dims is negative" : "groups are of a group norm");
    if (kind == GROUP_NORM && q.dims != 0)
        return clg__layer_refuse(&l, CLG_EINVAL, "dims are of a layer norm");
    if (rank < (kind == GROUP_NORM ? 2 : dims))
        return clg_poison(x->dev, CLG_ESHAPE, "%s '%s': x has rank %d, expected %d or more", what, name, rank,
                          kind == GROUP_NORM ? 2 : dims);
    clg_shape of = { .rank = kind == GROUP_NORM ? 1 : dims };
    for (int d = 0; d < of.rank; d++)
        of.dim[d] = x->shape.dim[kind == GROUP_NORM ? 1 : rank - dims + d];
    const bool biased = kind != RMS_NORM && !q.no_affine && !q.no_bias;
    clg_var w = q.no_affine ? NULL : constant(&l, "weight", of, 1);
    clg_var b = biased ? constant(&l, "bias", of, 0) : NULL;
    if ((!q.no_affine && !w) || (biased && !b))
        return clg__layer_missing(&l);
    clg__layer_enter(&l);
    const struct clg_norm_params *n = clg_norm_params(.eps = q.eps, .no_eps = q.no_eps);
    clg_tensor weight = w ? clg_var_value(w) : NULL, bias = b ? clg_var_value(b) : NULL;
    return clg__layer_leave(&l, kind == LAYER_NORM ? clg_layer_norm(x, of, weight, bias, n)
                     : kind == RMS_NORM ? clg_rms_norm(x, of, weight, n)
                                        : clg_group_norm(x, q.groups, weight, bias, n));
}

#define OWN_NORM(id, kind)                                                                         \
    clg_tensor clg_nn_##id(clg_store s, const char *name, clg_tensor x, const struct clg_nn_norm_params *p) \
    {                                                                                              \
        return own_norm("nn_" #id, kind, s, name, x, p);                                           \
    }
OWN_NORM(layer_norm, LAYER_NORM)
OWN_NORM(rms_norm, RMS_NORM)
OWN_NORM(group_norm, GROUP_NORM)

clg_tensor clg_nn_dropout(clg_store s, clg_tensor x, double p)
{
    clg_tensor bad = clg_check_inputs("nn_dropout", "x", &x, 1);
    if (bad)
        return bad;
    const char *why = clg__layer_wrong_store(s, x);
    if (why)
        return clg__layer_misuse(x->dev, "nn_dropout", why);
    return clg_store_is_training(s) ? clg_dropout(x, p) : x;
}
