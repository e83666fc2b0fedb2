// SPDX-License-Identifier: MIT
// Layers: parameters from the store, arithmetic from ops.h.
#include <clgrad/nn.h>

#include <stdio.h>

static clg_tensor missing(clg_tensor x, const char *what, const char *name)
{
    clg_device dev = x ? x->dev : NULL;
    const clg_status st = clg_error_status(dev);
    return clg_poison(dev, st < 0 ? st : CLG_EINVAL, "%s '%s': no parameters: %s", what,
                      name ? name : "?", clg_error(dev, CLG_EINVAL));
}

// "conv1.weight"; cut short it could be another's.
static bool join(clg_store s, const char *name, const char *part, char full[256])
{
    const int n = snprintf(full, 256, "%s.%s", name, part);
    if (n < 0 || n >= 256)
        clg_fail(clg_store_device(s), CLG_EINVAL, "the name is longer than 255 bytes");
    return n >= 0 && n < 256;
}

static clg_var param(clg_store s, const char *name, const char *part, clg_shape shape, clg_init in,
                     int64_t fan_in)
{
    char full[256];
    return join(s, name, part, full) ? clg_store_param(s, full, shape, in, fan_in) : NULL;
}

static clg_var buffer(clg_store s, const char *name, const char *part, clg_shape shape,
                      double value)
{
    char full[256];
    return join(s, name, part, full) ? clg_store_buffer(s, full, CLG_F32, shape, value) : NULL;
}

static clg_tensor refuse(clg_tensor x, const char *what, const char *name, const char *why)
{
    return clg_poison(x->dev, CLG_EINVAL, "%s '%s': %s", what, name, why);
}

static bool usable(clg_store s, const char *name, clg_tensor x)
{
    return s && name && x && x->dev;
}

clg_tensor clg_nn_conv2d(clg_store s, const char *name, clg_tensor x,
                         const struct clg_nn_conv2d_params *p)
{
    struct clg_nn_conv2d_params q;
    if (!usable(s, name, x) || !p)
        return missing(x, "nn_conv2d", name);
    if (x->status < 0)
        return x;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    if (wrong)
        return refuse(x, "nn_conv2d", name, wrong);
    p = &q;
    const int groups = p->groups > 0 ? p->groups : 1;
    if (x->shape.rank != 4 || p->out < 1 || p->kernel < 1)
        return clg_poison(x->dev, CLG_ESHAPE,
                          "nn_conv2d '%s': x has rank %d, out %d, kernel %d; expected rank 4, "
                          "positive numbers", name, x->shape.rank, p->out, p->kernel);
    const int64_t c = x->shape.dim[1] / groups, fan = c * p->kernel * p->kernel;
    clg_var w = param(s, name, "weight", CLG_SHAPE(p->out, c, p->kernel, p->kernel), p->init, fan);
    clg_var b = p->no_bias ? NULL : param(s, name, "bias", CLG_SHAPE(p->out), (clg_init) { 0 }, fan);
    if (!w || (!b && !p->no_bias))
        return missing(x, "nn_conv2d", name);
    const char *before = clg_set_layer(x->dev, name);
    clg_tensor y = clg_conv2d(x, clg_var_value(w), b ? clg_var_value(b) : NULL,
                              clg_conv2d_params(.stride = p->stride, .padding = p->padding,
                                                .dilation = p->dilation, .groups = groups));
    clg_set_layer(x->dev, before);
    return y;
}

clg_tensor clg_nn_linear(clg_store s, const char *name, clg_tensor x,
                         const struct clg_nn_linear_params *p)
{
    struct clg_nn_linear_params q;
    if (!usable(s, name, x) || !p)
        return missing(x, "nn_linear", name);
    if (x->status < 0)
        return x;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    if (wrong)
        return refuse(x, "nn_linear", name, wrong);
    p = &q;
    if (x->shape.rank < 1 || p->out < 1)
        return clg_poison(x->dev, CLG_ESHAPE, "nn_linear '%s': x has rank %d, out is %d", name,
                          x->shape.rank, p->out);
    const int64_t in = x->shape.dim[x->shape.rank - 1];
    clg_var w = param(s, name, "weight", CLG_SHAPE(p->out, in), p->init, in);
    clg_var b = p->no_bias ? NULL : param(s, name, "bias", CLG_SHAPE(p->out), (clg_init) { 0 }, in);
    if (!w || (!b && !p->no_bias))
        return missing(x, "nn_linear", name);
    const char *before = clg_set_layer(x->dev, name);
    clg_tensor y = clg_matmul(x, clg_transpose(clg_var_value(w), 0, 1));
    if (b)
        y = clg_add(y, clg_var_value(b));
    clg_set_layer(x->dev, before);
    return y;
}

clg_tensor clg_nn_batch_norm2d(clg_store s, const char *name, clg_tensor x,
                               const struct clg_nn_batch_norm2d_params *p)
{
    struct clg_nn_batch_norm2d_params q;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    if (!usable(s, name, x))
        return missing(x, "nn_batch_norm2d", name);
    if (x->status < 0)
        return x;
    if (wrong)
        return refuse(x, "nn_batch_norm2d", name, wrong);
    p = &q;
    if (x->shape.rank != 4)
        return clg_poison(x->dev, CLG_ESHAPE, "nn_batch_norm2d '%s': x has rank %d, expected 4",
                          name, x->shape.rank);
    const clg_shape c = CLG_SHAPE(x->shape.dim[1]);
    const clg_init one = { CLG_INIT_CONSTANT, 1, 0 }, zero = { CLG_INIT_CONSTANT, 0, 0 };
    clg_var w = p->no_affine ? NULL : param(s, name, "weight", c, one, 0);
    clg_var b = p->no_affine ? NULL : param(s, name, "bias", c, zero, 0);
    clg_var run[2] = { buffer(s, name, "running_mean", c, 0),
                       buffer(s, name, "running_var", c, 1) };
    if (!run[0] || !run[1] || (!p->no_affine && (!w || !b)))
        return missing(x, "nn_batch_norm2d", name);
    clg_tensor now[2] = { NULL, NULL };
    const bool training = clg_store_is_training(s);
    const char *before = clg_set_layer(x->dev, name);
    clg_var_freeze(run[0], true);
    clg_var_freeze(run[1], true);
    clg_tensor y = clg_batch_norm(x, w ? clg_var_value(w) : NULL, b ? clg_var_value(b) : NULL,
                                  clg_var_value(run[0]), clg_var_value(run[1]),
                                  clg_batch_norm_params(.training = training, .eps = p->eps,
                                                        .momentum = p->momentum,
                                                        .new_mean = &now[0], .new_var = &now[1]));
    clg_set_layer(x->dev, before);
    if (training && now[0] && now[1] && y->status >= 0 && clg_assign_n(run, now, 2) < 0)
        return missing(x, "nn_batch_norm2d", name);
    return y;
}

clg_tensor clg_nn_dropout(clg_store s, clg_tensor x, double p)
{
    return clg_store_is_training(s) ? clg_dropout(x, p) : x;
}
