// SPDX-License-Identifier: MIT
// The networks of curves_torch.py, their weights and their data.
#include "curve_nets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- weights and data

static uint32_t drawn(uint32_t hash, int64_t i)
{
    uint32_t x = hash + (uint32_t) i * 0x9E3779B9u;
    x = (x ^ x >> 16) * 0x7FEB352Du;
    x = (x ^ x >> 15) * 0x846CA68Bu;
    return (x ^ x >> 16) >> 16;
}

static uint32_t hash_of(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char) *name) * 16777619u;
    return h;
}

// add + factor u, u in [-1, 1)
static clg_tensor numbers(const model *m, const char *name, clg_shape shape, double add, double factor)
{
    const int64_t n = clg_numel(shape);
    const uint32_t h = hash_of(name);
    double *wide = malloc((size_t) n * sizeof *wide);
    float *few = malloc((size_t) n * sizeof *few);
    for (int64_t i = 0; i < n; i++) {
        wide[i] = add + factor * (drawn(h, i) / 32768.0 - 1);
        few[i] = (float) wide[i];
    }
    clg_tensor t = m->t == CLG_F64 ? clg_upload(m->dev, CLG_F64, shape, wide) : clg_upload(m->dev, CLG_F32, shape, few);
    free(wide);
    free(few);
    return t;
}

clg_tensor curve_uniform(const model *m, const char *name, clg_shape shape)
{
    return numbers(m, name, shape, 0, 1);
}

clg_tensor curve_classes(const model *m, const char *name, int64_t k, clg_shape shape)
{
    const int64_t n = clg_numel(shape);
    int64_t *v = malloc((size_t) n * sizeof *v);
    for (int64_t i = 0; i < n; i++)
        v[i] = drawn(hash_of(name), i) % k;
    clg_tensor t = clg_upload(m->dev, CLG_I64, shape, v);
    free(v);
    return t;
}

clg_tensor curve_first(const model *m, const char *name, clg_shape shape)
{
    const size_t n = strlen(name);
    if (shape.rank < 2)
        return n > 6 && strcmp(name + n - 6, "weight") == 0 ? numbers(m, name, shape, 1, 0.125)
                                                            : numbers(m, name, shape, 0, 0.0625);
    double fan = 1;
    for (int d = 1; d < shape.rank; d++)
        fan *= (double) shape.dim[d];
    return numbers(m, name, shape, 0, exp2(floor(log2(sqrt(6 / fan)))));
}

static clg_tensor batch_of(const model *m, const char *name, int batch, clg_shape shape)
{
    char full[32];
    snprintf(full, sizeof full, "%s%d", name, batch);
    return curve_uniform(m, full, shape);
}

static clg_tensor labels_of(const model *m, const char *name, int batch, int64_t k, clg_shape shape)
{
    char full[32];
    snprintf(full, sizeof full, "%s%d", name, batch);
    return curve_classes(m, full, k, shape);
}

// ---- layers

typedef struct text {
    char s[96];
} text;

static text join(const char *prefix, const char *name)
{
    text t;
    snprintf(t.s, sizeof t.s, "%.40s.%.40s", prefix, name);
    return t;
}

static text numbered(const char *prefix, int i)
{
    text t;
    snprintf(t.s, sizeof t.s, "%.40s.%d", prefix, i);
    return t;
}

static bool wide(const model *m)
{
    return m->t == CLG_F64;
}

static clg_tensor param(model *m, const char *name, clg_shape shape)
{
    clg_var v = clg_store_find(m->s, name);
    if (!v && !wide(m))
        v = clg_store_param(m->s, name, shape, (clg_init) { CLG_INIT_CONSTANT, 0, 0 }, 0);
    if (!v && m->n < CURVE_VARS) {
        v = m->var[m->n++] = clg_var_create(curve_first(m, name, shape));
        clg_store_put(m->s, name, v);
    }
    return clg_var_value(v);
}

static clg_tensor part(model *m, const char *name, const char *which, clg_shape shape)
{
    return param(m, join(name, which).s, shape);
}

typedef struct window {
    int out, kernel, stride, padding, groups;
    bool bias;
} window;

static clg_tensor conv(model *m, const char *name, clg_tensor x, window w)
{
    if (!wide(m))
        return clg_nn_conv2d(m->s, name, x, clg_nn_conv_params(.out = w.out, .kernel = w.kernel, .stride = w.stride,
                             .padding = w.padding, .groups = w.groups, .no_bias = !w.bias));
    const clg_tensor k = part(m, name, "weight", CLG_SHAPE(w.out, x->shape.dim[1] / (w.groups ? w.groups : 1), w.kernel, w.kernel));
    const clg_tensor b = w.bias ? part(m, name, "bias", CLG_SHAPE(w.out)) : NULL;
    return clg_conv2d(x, k, b, clg_conv_params(.stride = w.stride, .padding = w.padding, .groups = w.groups));
}

static clg_tensor transposed(model *m, const char *name, clg_tensor x, window w)
{
    if (!wide(m))
        return clg_nn_conv_transpose2d(m->s, name, x, clg_nn_conv_params(.out = w.out, .kernel = w.kernel, .stride = w.stride,
                                       .padding = w.padding, .no_bias = !w.bias));
    const clg_tensor k = part(m, name, "weight", CLG_SHAPE(x->shape.dim[1], w.out, w.kernel, w.kernel));
    const clg_tensor b = w.bias ? part(m, name, "bias", CLG_SHAPE(w.out)) : NULL;
    return clg_conv_transpose2d(x, k, b, clg_conv_params(.stride = w.stride, .padding = w.padding));
}

static clg_tensor linear(model *m, const char *name, clg_tensor x, int out)
{
    if (!wide(m))
        return clg_nn_linear(m->s, name, x, clg_nn_linear_params(.out = out));
    const clg_tensor w = part(m, name, "weight", CLG_SHAPE(out, x->shape.dim[x->shape.rank - 1]));
    return clg_add(clg_matmul(x, clg_transpose(w, 0, 1)), part(m, name, "bias", CLG_SHAPE(out)));
}

static clg_tensor batch_norm(model *m, const char *name, clg_tensor x)
{
    if (!wide(m))
        return clg_nn_batch_norm2d(m->s, name, x, NULL);
    const clg_shape c = CLG_SHAPE(x->shape.dim[1]);
    clg_var run[2] = { clg_store_buffer(m->s, join(name, "running_mean").s, CLG_F64, c, 0),
                       clg_store_buffer(m->s, join(name, "running_var").s, CLG_F64, c, 1) };
    clg_tensor now[2];
    const bool training = clg_store_is_training(m->s);
    const clg_tensor y = clg_batch_norm(x, part(m, name, "weight", c), part(m, name, "bias", c), clg_var_value(run[0]),
                                        clg_var_value(run[1]),
                                        clg_batch_norm_params(.training = training, .new_mean = &now[0], .new_var = &now[1]));
    if (training)
        clg_assign_n(run, now, 2);
    return y;
}

static clg_tensor layer_norm(model *m, const char *name, clg_tensor x)
{
    if (!wide(m))
        return clg_nn_layer_norm(m->s, name, x, NULL);
    const clg_shape c = CLG_SHAPE(x->shape.dim[x->shape.rank - 1]);
    return clg_layer_norm(x, c, part(m, name, "weight", c), part(m, name, "bias", c), NULL);
}

// A transformer's layer, norms first; x is [N,L,E].
static clg_tensor encoder(model *m, const char *name, clg_tensor x, int heads, int inner)
{
    if (!wide(m))
        return clg_nn_transformer_encoder_layer(m->s, name, x, clg_nn_transformer_params(
            .heads = heads, .feedforward = inner, .gelu = true, .norm_first = true, .batch_first = true));
    const int64_t n = x->shape.dim[0], l = x->shape.dim[1], e = x->shape.dim[2];
    const clg_tensor y = layer_norm(m, join(name, "norm1").s, x);
    const clg_tensor w = part(m, name, "self_attn.in_proj_weight", CLG_SHAPE(3 * e, e));
    const clg_tensor all = clg_add(clg_matmul(y, clg_transpose(w, 0, 1)), part(m, name, "self_attn.in_proj_bias", CLG_SHAPE(3 * e)));
    clg_tensor qkv[3];
    for (int i = 0; i < 3; i++)
        qkv[i] = clg_transpose(clg_reshape(clg_slice(all, 2, i * e, (i + 1) * e, 1), CLG_SHAPE(n, l, heads, e / heads)), 1, 2);
    const clg_tensor a = clg_scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], NULL);
    x = clg_add(x, linear(m, join(name, "self_attn.out_proj").s, clg_reshape(clg_transpose(a, 1, 2), CLG_SHAPE(n, l, e)), (int) e));
    const clg_tensor h = clg_gelu(linear(m, join(name, "linear1").s, layer_norm(m, join(name, "norm2").s, x), inner));
    return clg_add(x, linear(m, join(name, "linear2").s, h, (int) e));
}

// The last state; x is [N,T,I].
static clg_tensor lstm(model *m, const char *name, clg_tensor x, int hidden)
{
    const int64_t n = x->shape.dim[0], steps = x->shape.dim[1], in = x->shape.dim[2];
    if (!wide(m))
        return clg_select(clg_nn_lstm(m->s, name, x, clg_nn_recurrent_params(.hidden = hidden, .batch_first = true)), 1, steps - 1);
    const clg_tensor wx = part(m, name, "weight_ih_l0", CLG_SHAPE(4 * hidden, in)), wh = part(m, name, "weight_hh_l0", CLG_SHAPE(4 * hidden, hidden));
    const clg_tensor bx = part(m, name, "bias_ih_l0", CLG_SHAPE(4 * hidden)), bh = part(m, name, "bias_hh_l0", CLG_SHAPE(4 * hidden));
    clg_tensor h = clg_zeros(m->dev, m->t, CLG_SHAPE(n, hidden)), c = h;
    for (int64_t t = 0; t < steps; t++)
        h = clg_lstm_cell(clg_select(x, 1, t), h, c, wx, wh, bx, bh, &c);
    return h;
}

// ---- networks

static clg_tensor class_loss(const model *m, clg_tensor y, int batch, int64_t k, clg_shape shape)
{
    return clg_cross_entropy(y, labels_of(m, "y", batch, k, shape), NULL);
}

static clg_tensor mlp(model *m, int batch)
{
    clg_tensor x = clg_relu(linear(m, "fc1", batch_of(m, "x", batch, CLG_SHAPE(16, 20)), 32));
    return class_loss(m, linear(m, "fc3", clg_relu(linear(m, "fc2", x, 32)), 10), batch, 10, CLG_SHAPE(16));
}

static clg_tensor halved(clg_tensor x)
{
    return clg_avg_pool2d(x, clg_pool_params(.kernel = 2));
}

static clg_tensor lenet(model *m, int batch)
{
    clg_tensor x = batch_of(m, "x", batch, CLG_SHAPE(8, 1, 28, 28));
    x = halved(clg_tanh(conv(m, "conv1", x, (window) { .out = 6, .kernel = 5, .padding = 2, .bias = true })));
    x = halved(clg_tanh(conv(m, "conv2", x, (window) { .out = 16, .kernel = 5, .bias = true })));
    x = clg_tanh(linear(m, "fc2", clg_tanh(linear(m, "fc1", clg_flatten(x, 1, -1), 120)), 84));
    return class_loss(m, linear(m, "fc3", x, 10), batch, 10, CLG_SHAPE(8));
}

// A convolution without bias, normalised
static clg_tensor normed(model *m, const char *prefix, const char *conv_name, const char *norm_name, clg_tensor x, window w)
{
    w.padding = w.kernel / 2;
    return batch_norm(m, join(prefix, norm_name).s, conv(m, join(prefix, conv_name).s, x, w));
}

static clg_tensor residual(model *m, const char *name, clg_tensor x, int out, int stride)
{
    clg_tensor y = clg_relu(normed(m, name, "conv1", "bn1", x, (window) { .out = out, .kernel = 3, .stride = stride }));
    y = normed(m, name, "conv2", "bn2", y, (window) { .out = out, .kernel = 3 });
    if (stride != 1)
        x = normed(m, name, "downsample.0", "downsample.1", x, (window) { .out = out, .kernel = 1, .stride = stride });
    return clg_relu(clg_add(y, x));
}

static clg_tensor spatial_mean(clg_tensor x)
{
    return clg_mean(x, CLG_AXES(2, 3), false);
}

static clg_tensor resnet18(model *m, int batch)
{
    clg_tensor x = batch_of(m, "x", batch, CLG_SHAPE(8, 3, 44, 44));
    x = clg_relu(batch_norm(m, "bn1", conv(m, "conv1", x, (window) { .out = 4, .kernel = 7, .stride = 2, .padding = 3 })));
    x = clg_max_pool2d(x, clg_pool_params(.kernel = 3, .stride = 2, .padding = 1));
    for (int i = 0; i < 8; i++) {
        char name[32];
        snprintf(name, sizeof name, "layer%d.%d", i / 2 + 1, i % 2);
        x = residual(m, name, x, 4 << i / 2, i % 2 == 0 && i > 0 ? 2 : 1);
    }
    return class_loss(m, linear(m, "fc", spatial_mean(x), 10), batch, 10, CLG_SHAPE(8));
}

static clg_tensor relu6(clg_tensor x)
{
    return clg_clamp(x, 0, 6);
}

static clg_tensor inverted(model *m, const char *name, clg_tensor x, int out, int stride, int expand)
{
    const int wide_ = (int) x->shape.dim[1] * expand;
    clg_tensor y = expand > 1 ? relu6(normed(m, name, "conv1", "bn1", x, (window) { .out = wide_, .kernel = 1 })) : x;
    y = relu6(normed(m, name, "conv2", "bn2", y, (window) { .out = wide_, .kernel = 3, .stride = stride, .groups = wide_ }));
    y = normed(m, name, "conv3", "bn3", y, (window) { .out = out, .kernel = 1 });
    return stride == 1 && x->shape.dim[1] == out ? clg_add(x, y) : y;
}

static clg_tensor mobilenet(model *m, int batch)
{
    static const int rows[][3] = { { 4, 1, 1 }, { 6, 2, 6 }, { 6, 1, 6 }, { 8, 2, 6 }, { 8, 1, 6 } }; // out, stride, expand
    clg_tensor x = batch_of(m, "x", batch, CLG_SHAPE(4, 3, 32, 32));
    x = relu6(normed(m, "stem", "conv", "bn", x, (window) { .out = 8, .kernel = 3, .stride = 2 }));
    for (int i = 0; i < (int) (sizeof rows / sizeof rows[0]); i++)
        x = inverted(m, numbered("blocks", i).s, x, rows[i][0], rows[i][1], rows[i][2]);
    x = relu6(normed(m, "head", "conv", "bn", x, (window) { .out = 32, .kernel = 1 }));
    return class_loss(m, linear(m, "fc", spatial_mean(x), 10), batch, 10, CLG_SHAPE(4));
}

static clg_tensor twice(model *m, const char *name, clg_tensor x, int out)
{
    x = clg_relu(normed(m, name, "conv1", "bn1", x, (window) { .out = out, .kernel = 3 }));
    return clg_relu(normed(m, name, "conv2", "bn2", x, (window) { .out = out, .kernel = 3 }));
}

static clg_tensor unet(model *m, int batch)
{
    clg_tensor x = batch_of(m, "x", batch, CLG_SHAPE(2, 3, 16, 16)), skips[2];
    for (int l = 0; l < 2; l++) {
        skips[l] = twice(m, numbered("down", l).s, x, 4 << l);
        x = clg_max_pool2d(skips[l], clg_pool_params(.kernel = 2));
    }
    x = twice(m, "middle", x, 16);
    for (int l = 1; l >= 0; l--) {
        x = transposed(m, numbered("up", l).s, x, (window) { .out = 4 << l, .kernel = 2, .stride = 2, .bias = true });
        x = twice(m, numbered("merge", l).s, clg_concat(1, skips[l], x), 4 << l);
    }
    x = conv(m, "last", x, (window) { .out = 4, .kernel = 1, .bias = true });
    return class_loss(m, x, batch, 4, CLG_SHAPE(2, 16, 16));
}

static clg_tensor vit(model *m, int batch)
{
    clg_tensor x = batch_of(m, "x", batch, CLG_SHAPE(4, 3, 16, 16));
    x = conv(m, "patch", x, (window) { .out = 16, .kernel = 4, .stride = 4, .bias = true });
    x = clg_transpose(clg_flatten(x, 2, -1), 1, 2);
    const clg_tensor first = clg_expand(param(m, "first", CLG_SHAPE(1, 1, 16)), CLG_SHAPE(4, 1, 16));
    x = clg_add(clg_concat(1, first, x), param(m, "place", CLG_SHAPE(1, 17, 16)));
    for (int i = 0; i < 2; i++)
        x = encoder(m, numbered("blocks", i).s, x, 2, 32);
    x = clg_select(layer_norm(m, "norm", x), 1, 0);
    return class_loss(m, linear(m, "head", x, 10), batch, 10, CLG_SHAPE(4));
}

static clg_tensor texts(model *m, int batch)
{
    const clg_tensor table = param(m, "table.weight", CLG_SHAPE(30, 8));
    const clg_tensor x = clg_embedding(table, labels_of(m, "x", batch, 30, CLG_SHAPE(8, 6)), NULL);
    return class_loss(m, linear(m, "fc", lstm(m, "lstm", x, 12), 10), batch, 10, CLG_SHAPE(8));
}

static clg_tensor vae(model *m, int batch)
{
    const window down = { .kernel = 4, .stride = 2, .padding = 1, .bias = true };
    const clg_tensor image = clg_mul_scalar(clg_add_scalar(batch_of(m, "x", batch, CLG_SHAPE(8, 1, 16, 16)), 1), 0.5);
    const clg_tensor noise = clg_mul_scalar(batch_of(m, "noise", batch, CLG_SHAPE(8, 4)), 2);
    window w = down;
    w.out = 8;
    clg_tensor x = clg_relu(conv(m, "conv1", image, w));
    w.out = 16;
    x = clg_flatten(clg_relu(conv(m, "conv2", x, w)), 1, -1);
    const clg_tensor mean = linear(m, "mean", x, 4), log_variance = linear(m, "log_variance", x, 4);
    x = clg_add(mean, clg_mul(noise, clg_exp(clg_mul_scalar(log_variance, 0.5))));
    x = clg_reshape(clg_relu(linear(m, "wide", x, 256)), CLG_SHAPE(8, 16, 4, 4));
    w.out = 8;
    x = clg_relu(transposed(m, "deconv1", x, w));
    w.out = 1;
    x = clg_sigmoid(transposed(m, "deconv2", x, w));
    const clg_tensor apart = clg_sub(clg_sub(clg_add_scalar(log_variance, 1), clg_mul(mean, mean)), clg_exp(log_variance));
    const clg_tensor divergence = clg_mul_scalar(clg_mean(clg_sum(apart, CLG_AXES(1), false), CLG_ALL, false), -0.5);
    const clg_tensor likeness = clg_binary_cross_entropy(x, image, NULL, CLG_REDUCE_SUM);
    return clg_add(clg_mul_scalar(likeness, 1 / 8.0), divergence);
}

clg_tensor curve_generator(model *m, clg_tensor z)
{
    clg_tensor x = transposed(m, "deconv1", z, (window) { .out = 16, .kernel = 4 });
    x = transposed(m, "deconv2", clg_relu(batch_norm(m, "bn1", x)), (window) { .out = 8, .kernel = 4, .stride = 2, .padding = 1 });
    x = transposed(m, "deconv3", clg_relu(batch_norm(m, "bn2", x)), (window) { .out = 1, .kernel = 4, .stride = 2, .padding = 1 });
    return clg_tanh(x);
}

clg_tensor curve_discriminator(model *m, clg_tensor x)
{
    x = clg_leaky_relu(conv(m, "conv1", x, (window) { .out = 8, .kernel = 4, .stride = 2, .padding = 1 }), 0.2);
    x = batch_norm(m, "bn2", conv(m, "conv2", x, (window) { .out = 16, .kernel = 4, .stride = 2, .padding = 1 }));
    return clg_flatten(conv(m, "conv3", clg_leaky_relu(x, 0.2), (window) { .out = 1, .kernel = 4 }), 0, -1);
}

// ---- the table

static clg_optim nesterov(clg_store s)
{
    return clg_sgd_create(s, clg_sgd_params(.lr = 0.1, .momentum = 0.9, .nesterov = true));
}

static clg_optim sgd(clg_store s)
{
    return clg_sgd_create(s, clg_sgd_params(.lr = 0.02, .momentum = 0.9, .weight_decay = 1e-4));
}

static clg_optim adam(clg_store s)
{
    return clg_adam_create(s, clg_adam_params(.lr = 0.01));
}

static clg_optim adamw(clg_store s)
{
    return clg_adamw_create(s, clg_adam_params(.lr = 0.003, .weight_decay = 0.05));
}

const curve_net curve_nets[] = {
    { "mlp", mlp, nesterov, 0 },     { "lenet", lenet, adam, 0 }, { "resnet18", resnet18, sgd, 0 },
    { "mobilenet", mobilenet, sgd, 0 }, { "unet", unet, adam, 0 },  { "vit", vit, adamw, 0 },
    { "lstm", texts, adam, 0.5 },    { "vae", vae, adam, 0 }
};
const int curve_net_count = (int) (sizeof curve_nets / sizeof curve_nets[0]);
