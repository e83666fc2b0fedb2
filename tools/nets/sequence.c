// SPDX-License-Identifier: MIT
// Networks of matrix products.
#include "classifiers.h"
#include "nets.h"

#include <math.h>
#include <stdio.h>

static clg_tensor linear(clg_store s, const char *name, clg_tensor x, int out)
{
    return clg_nn_linear(s, name, x, clg_nn_linear_params(.out = out));
}

static clg_tensor param(clg_store s, const char *name, clg_shape shape, clg_init init)
{
    return clg_var_value(clg_store_param(s, name, shape, init, 0));
}

clg_tensor net_mlp(clg_store s, const clg_tensor *in)
{
    const clg_tensor h = clg_relu(linear(s, "fc1", in[0], 1024));
    return linear(s, "fc3", clg_relu(linear(s, "fc2", h, 1024)), 10);
}

// ---- vision transformer (Dosovitskiy and others 2020)

static clg_tensor layer_norm(clg_store s, const char *prefix, const char *name, clg_tensor x)
{
    char full[NET_NAME];
    return clg_nn_layer_norm(s, net_join(full, prefix, name), x, NULL);
}

static clg_tensor heads_of(clg_tensor x, int heads)
{
    const int64_t n = x->shape.dim[0], t = x->shape.dim[1], c = x->shape.dim[2];
    return clg_transpose(clg_reshape(x, CLG_SHAPE(n, t, heads, c / heads)), 1, 2);
}

static clg_tensor attention(clg_store s, const char *name, clg_tensor x, int heads)
{
    char full[NET_NAME];
    const int64_t n = x->shape.dim[0], t = x->shape.dim[1], c = x->shape.dim[2];
    const clg_tensor q = heads_of(linear(s, net_join(full, name, "q"), x, (int) c), heads);
    const clg_tensor k = heads_of(linear(s, net_join(full, name, "k"), x, (int) c), heads);
    const clg_tensor v = heads_of(linear(s, net_join(full, name, "v"), x, (int) c), heads);
    const double scale = 1 / sqrt((double) c / heads);
    const clg_tensor scores = clg_softmax(clg_mul_scalar(clg_matmul(q, clg_transpose(k, -1, -2)), scale), -1);
    const clg_tensor y = clg_reshape(clg_transpose(clg_matmul(scores, v), 1, 2), CLG_SHAPE(n, t, c));
    return linear(s, net_join(full, name, "out"), y, (int) c);
}

clg_tensor net_vit(clg_store s, const clg_tensor *in)
{
    enum { BLOCKS = 4, WIDTH = 192, HEADS = 3 };
    const clg_init small = { .kind = CLG_INIT_NORMAL, .b = 0.02 };
    clg_tensor x = clg_nn_conv2d(s, "patch", in[0], clg_nn_conv2d_params(.out = WIDTH, .kernel = 16, .stride = 16));
    const int64_t n = x->shape.dim[0], tokens = x->shape.dim[2] * x->shape.dim[3];
    x = clg_transpose(clg_reshape(x, CLG_SHAPE(n, WIDTH, tokens)), 1, 2);
    const clg_tensor first = clg_expand(param(s, "first", CLG_SHAPE(1, 1, WIDTH), small), CLG_SHAPE(n, 1, WIDTH));
    x = clg_add(clg_concat(1, first, x), param(s, "place", CLG_SHAPE(1, tokens + 1, WIDTH), small));
    for (int b = 0; b < BLOCKS; b++) {
        char name[32], full[NET_NAME];
        snprintf(name, sizeof name, "blocks.%d", b);
        x = clg_add(x, attention(s, name, layer_norm(s, name, "norm1", x), HEADS));
        const clg_tensor h =
            clg_gelu(linear(s, net_join(full, name, "up"), layer_norm(s, name, "norm2", x), 4 * WIDTH));
        x = clg_add(x, linear(s, net_join(full, name, "down"), h, WIDTH));
    }
    x = clg_reshape(clg_slice(x, 1, 0, 1, 1), CLG_SHAPE(n, WIDTH));
    return linear(s, "head", x, 1000);
}

int vit_tiny_patch(int64_t size)
{
    return size <= 32 ? 4 : size <= 96 ? 8 : 16;
}

// Of layers as torch.nn.TransformerEncoder has them; patches are as large as leaves 16 to 256 of usual pictures.
clg_tensor vit_tiny(clg_store s, clg_tensor x, int classes)
{
    enum { LAYERS = 12, WIDTH = 192, HEADS = 3 };
    const clg_init small = { .kind = CLG_INIT_NORMAL, .b = 0.02 };
    const int patch = vit_tiny_patch(x->shape.dim[2]);
    x = clg_nn_conv2d(s, "patch", x, clg_nn_conv2d_params(.out = WIDTH, .kernel = patch, .stride = patch));
    if (x->status < 0)
        return x;
    const int64_t n = x->shape.dim[0], tokens = x->shape.dim[2] * x->shape.dim[3];
    x = clg_transpose(clg_reshape(clg_cast(x, CLG_F32), CLG_SHAPE(n, WIDTH, tokens)), 1, 2);
    const clg_tensor first = clg_expand(param(s, "first", CLG_SHAPE(1, 1, WIDTH), small), CLG_SHAPE(n, 1, WIDTH));
    x = clg_add(clg_concat(1, first, x), param(s, "place", CLG_SHAPE(1, tokens + 1, WIDTH), small));
    x = clg_nn_transformer_encoder(s, "encoder", x, LAYERS,
                                   clg_nn_transformer_params(.heads = HEADS, .feedforward = 4 * WIDTH, .gelu = true,
                                                             .norm_first = true, .batch_first = true,
                                                             .final_norm = true));
    return linear(s, "head", clg_reshape(clg_slice(x, 1, 0, 1, 1), CLG_SHAPE(n, WIDTH)), classes);
}

// ---- LSTM (Hochreiter and Schmidhuber 1997), unrolled

static clg_tensor part(clg_tensor gates, int64_t width, int k)
{
    return clg_slice(gates, 1, k * width, (k + 1) * width, 1);
}

clg_tensor net_lstm(clg_store s, const clg_tensor *in)
{
    enum { WIDTH = 256 };
    const int64_t n = in[0]->shape.dim[0], steps = in[0]->shape.dim[1], inputs = in[0]->shape.dim[2];
    const clg_init init = { .kind = CLG_INIT_UNIFORM, .a = -1 / sqrt(WIDTH), .b = 1 / sqrt(WIDTH) };
    const clg_tensor wx = param(s, "lstm.weight_ih_l0", CLG_SHAPE(4 * WIDTH, inputs), init),
                     wh = param(s, "lstm.weight_hh_l0", CLG_SHAPE(4 * WIDTH, WIDTH), init),
                     bx = param(s, "lstm.bias_ih_l0", CLG_SHAPE(4 * WIDTH), init),
                     bh = param(s, "lstm.bias_hh_l0", CLG_SHAPE(4 * WIDTH), init);
    const clg_tensor all =
        clg_add(clg_matmul(in[0], clg_transpose(wx, 0, 1)), clg_add(bx, bh)); // of every step at once
    clg_tensor h = clg_zeros(clg_store_device(s), CLG_F32, CLG_SHAPE(n, WIDTH)), c = h;
    for (int64_t t = 0; t < steps; t++) {
        const clg_tensor now = clg_reshape(clg_slice(all, 1, t, t + 1, 1), CLG_SHAPE(n, 4 * WIDTH));
        const clg_tensor gates = clg_add(now, clg_matmul(h, clg_transpose(wh, 0, 1)));
        const clg_tensor i = clg_sigmoid(part(gates, WIDTH, 0)), f = clg_sigmoid(part(gates, WIDTH, 1)),
                         g = clg_tanh(part(gates, WIDTH, 2)), o = clg_sigmoid(part(gates, WIDTH, 3));
        c = clg_add(clg_mul(f, c), clg_mul(i, g));
        h = clg_mul(o, clg_tanh(c));
    }
    return linear(s, "fc", h, 10);
}

clg_tensor net_embedding(clg_store s, const clg_tensor *in)
{
    enum { ROWS = 30000, WIDTH = 256 };
    const int64_t n = in[0]->shape.dim[0], words = in[0]->shape.dim[1];
    const clg_tensor table =
        param(s, "table.weight", CLG_SHAPE(ROWS, WIDTH), (clg_init) { .kind = CLG_INIT_NORMAL, .b = 1 });
    const clg_tensor rows = clg_index_select(table, 0, clg_reshape(in[0], CLG_SHAPE(-1)));
    const clg_tensor text = clg_mean(clg_reshape(rows, CLG_SHAPE(n, words, WIDTH)), CLG_AXES(1), false);
    return linear(s, "fc2", clg_relu(linear(s, "fc1", text, 256)), 10);
}
