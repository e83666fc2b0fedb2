// SPDX-License-Identifier: MIT
// Networks of convolutions.
#include "classifiers.h"
#include "nets.h"

#include <stdio.h>

typedef struct conv {
    int out, kernel, stride, groups;
} conv;

// A convolution without bias that keeps the size, or divides it by its stride.
static clg_tensor conv_of(clg_store s, const char *prefix, const char *name, clg_tensor x, conv c)
{
    char full[NET_NAME];
    return clg_nn_conv2d(s, net_join(full, prefix, name), x,
                         clg_nn_conv2d_params(.out = c.out, .kernel = c.kernel, .stride = c.stride,
                                              .padding = c.kernel / 2, .groups = c.groups, .no_bias = true));
}

static clg_tensor norm_of(clg_store s, const char *prefix, const char *name, clg_tensor x)
{
    char full[NET_NAME];
    return clg_nn_batch_norm2d(s, net_join(full, prefix, name), x, NULL);
}

static clg_tensor linear(clg_store s, const char *name, clg_tensor x, int out)
{
    return clg_nn_linear(s, name, x, clg_nn_linear_params(.out = out));
}

static clg_tensor spatial_mean(clg_tensor x)
{
    return clg_mean(x, CLG_AXES(2, 3), false);
}

// ---- plain

clg_tensor cnn(clg_store s, clg_tensor x, int classes, double dropout)
{
    enum { WIDTH = 32, WIDEST = 128, SMALL = 7 };
    for (int i = 1; i == 1 || x->shape.dim[2] > SMALL; i++) {
        char name[16];
        const int out = i < 3 ? WIDTH << (i - 1) : WIDEST;
        snprintf(name, sizeof name, "conv%d", i);
        x = clg_nn_conv2d(s, name, x, clg_nn_conv2d_params(.out = out, .kernel = 3, .padding = 1));
        snprintf(name, sizeof name, "bn%d", i);
        x = clg_max_pool2d(clg_relu(clg_nn_batch_norm2d(s, name, x, NULL)), clg_pool2d_params(.kernel = 2));
        if (x->status < 0)
            return x;
    }
    x = clg_relu(linear(s, "fc1", clg_flatten(x, 1, -1), 128));
    return linear(s, "fc2", dropout > 0 ? clg_nn_dropout(s, x, dropout) : x, classes);
}

clg_tensor net_demo(clg_store s, const clg_tensor *in)
{
    return cnn(s, in[0], 10, 0);
}

// ---- ResNet (He and others 2015)

static clg_tensor residual(clg_store s, const char *name, clg_tensor x, int width, int stride, bool bottleneck)
{
    const int out = bottleneck ? 4 * width : width;
    clg_tensor y = x, skip = x;
    if (bottleneck) {
        y = clg_relu(norm_of(s, name, "bn1", conv_of(s, name, "conv1", y, (conv) { width, 1, 1, 1 })));
        y = clg_relu(norm_of(s, name, "bn2", conv_of(s, name, "conv2", y, (conv) { width, 3, stride, 1 })));
        y = norm_of(s, name, "bn3", conv_of(s, name, "conv3", y, (conv) { out, 1, 1, 1 }));
    } else {
        y = clg_relu(norm_of(s, name, "bn1", conv_of(s, name, "conv1", y, (conv) { width, 3, stride, 1 })));
        y = norm_of(s, name, "bn2", conv_of(s, name, "conv2", y, (conv) { out, 3, 1, 1 }));
    }
    if (stride != 1 || x->shape.dim[1] != out)
        skip = norm_of(s, name, "downsample.1", conv_of(s, name, "downsample.0", x, (conv) { out, 1, stride, 1 }));
    return clg_relu(clg_add(y, skip));
}

static clg_tensor resnet(clg_store s, clg_tensor x, const int depth[4], bool bottleneck, int classes)
{
    x = clg_nn_conv2d(s, "conv1", x,
                      clg_nn_conv2d_params(.out = 64, .kernel = 7, .stride = 2, .padding = 3, .no_bias = true));
    x = clg_relu(clg_nn_batch_norm2d(s, "bn1", x, NULL));
    x = clg_max_pool2d(x, clg_pool2d_params(.kernel = 3, .stride = 2, .padding = 1));
    for (int l = 0; l < 4; l++) {
        for (int i = 0; i < depth[l]; i++) {
            char name[32];
            snprintf(name, sizeof name, "layer%d.%d", l + 1, i);
            x = residual(s, name, x, 64 << l, l > 0 && i == 0 ? 2 : 1, bottleneck);
        }
    }
    return linear(s, "fc", spatial_mean(x), classes);
}

clg_tensor resnet18(clg_store s, clg_tensor x, int classes)
{
    return resnet(s, x, (const int[]) { 2, 2, 2, 2 }, false, classes);
}

// The one for CIFAR of 6n + 2 layers, with n = 1; section 4.2.
clg_tensor resnet8(clg_store s, clg_tensor x, int classes)
{
    x = clg_nn_conv2d(s, "conv1", x, clg_nn_conv2d_params(.out = 16, .kernel = 3, .padding = 1, .no_bias = true));
    x = clg_relu(clg_nn_batch_norm2d(s, "bn1", x, NULL));
    for (int l = 0; l < 3; l++) {
        char name[32];
        snprintf(name, sizeof name, "layer%d.0", l + 1);
        x = residual(s, name, x, 16 << l, l > 0 ? 2 : 1, false);
    }
    return linear(s, "fc", spatial_mean(x), classes);
}

clg_tensor net_resnet18(clg_store s, const clg_tensor *in)
{
    return resnet18(s, in[0], 1000);
}

clg_tensor net_resnet50(clg_store s, const clg_tensor *in)
{
    return resnet(s, in[0], (const int[]) { 3, 4, 6, 3 }, true, 1000);
}

// ---- MobileNet-v2 (Sandler and others 2018)

static clg_tensor relu6(clg_tensor x)
{
    return clg_clamp(x, 0, 6);
}

static clg_tensor inverted(clg_store s, const char *name, clg_tensor x, int out, int stride, int expand)
{
    const int in = (int) x->shape.dim[1], wide = in * expand;
    clg_tensor y = x;
    if (expand > 1)
        y = relu6(norm_of(s, name, "bn1", conv_of(s, name, "conv1", y, (conv) { wide, 1, 1, 1 })));
    y = relu6(norm_of(s, name, "bn2", conv_of(s, name, "conv2", y, (conv) { wide, 3, stride, wide })));
    y = norm_of(s, name, "bn3", conv_of(s, name, "conv3", y, (conv) { out, 1, 1, 1 }));
    return stride == 1 && in == out ? clg_add(x, y) : y;
}

clg_tensor mobilenet_v2(clg_store s, clg_tensor x, int classes)
{
    static const int rows[][4] = {
        { 1, 16, 1, 1 }, { 6, 24, 2, 2 },  { 6, 32, 3, 2 }, { 6, 64, 4, 2 },
        { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 }
    }; // expand, out, times, stride
    x = relu6(norm_of(s, "stem", "bn", conv_of(s, "stem", "conv", x, (conv) { 32, 3, 2, 1 })));
    int block = 0;
    for (int r = 0; r < (int) (sizeof rows / sizeof rows[0]); r++) {
        for (int i = 0; i < rows[r][2]; i++) {
            char name[32];
            snprintf(name, sizeof name, "blocks.%d", block++);
            x = inverted(s, name, x, rows[r][1], i == 0 ? rows[r][3] : 1, rows[r][0]);
        }
    }
    x = relu6(norm_of(s, "head", "bn", conv_of(s, "head", "conv", x, (conv) { 1280, 1, 1, 1 })));
    return linear(s, "fc", spatial_mean(x), classes);
}

clg_tensor net_mobilenet(clg_store s, const clg_tensor *in)
{
    return mobilenet_v2(s, in[0], 1000);
}

// ---- U-Net (Ronneberger and others 2015), with batch norm

static clg_tensor twice(clg_store s, const char *name, clg_tensor x, int out)
{
    x = clg_relu(norm_of(s, name, "bn1", conv_of(s, name, "conv1", x, (conv) { out, 3, 1, 1 })));
    return clg_relu(norm_of(s, name, "bn2", conv_of(s, name, "conv2", x, (conv) { out, 3, 1, 1 })));
}

clg_tensor net_unet(clg_store s, const clg_tensor *in)
{
    enum { LEVELS = 4, WIDTH = 32 };
    clg_tensor x = in[0], skips[LEVELS];
    char name[32];
    for (int l = 0; l < LEVELS; l++) {
        snprintf(name, sizeof name, "down.%d", l);
        skips[l] = twice(s, name, x, WIDTH << l);
        x = clg_max_pool2d(skips[l], clg_pool2d_params(.kernel = 2));
    }
    x = twice(s, "middle", x, WIDTH << LEVELS);
    for (int l = LEVELS - 1; l >= 0; l--) {
        snprintf(name, sizeof name, "up.%d", l);
        x = clg_nn_conv_transpose2d(s, name, x, clg_nn_conv2d_params(.out = WIDTH << l, .kernel = 2, .stride = 2));
        snprintf(name, sizeof name, "merge.%d", l);
        x = twice(s, name, clg_concat(1, skips[l], x), WIDTH << l);
    }
    return clg_nn_conv2d(s, "last", x, clg_nn_conv2d_params(.out = 4, .kernel = 1));
}

// ---- a variational auto-encoder (Kingma and Welling 2013); in[1] is the noise

clg_tensor net_vae(clg_store s, const clg_tensor *in)
{
    clg_tensor x = in[0];
    x = clg_relu(
        clg_nn_conv2d(s, "conv1", x, clg_nn_conv2d_params(.out = 32, .kernel = 4, .stride = 2, .padding = 1)));
    x = clg_relu(
        clg_nn_conv2d(s, "conv2", x, clg_nn_conv2d_params(.out = 64, .kernel = 4, .stride = 2, .padding = 1)));
    x = clg_flatten(x, 1, -1);
    const clg_tensor mean = linear(s, "mean", x, 16), log_variance = linear(s, "log_variance", x, 16);
    const clg_tensor z = clg_add(mean, clg_mul(in[1], clg_exp(clg_mul_scalar(log_variance, 0.5))));
    x = clg_relu(linear(s, "wide", z, 64 * 7 * 7));
    x = clg_reshape(x, CLG_SHAPE(-1, 64, 7, 7));
    x = clg_relu(clg_nn_conv_transpose2d(s, "deconv1", x,
                                         clg_nn_conv2d_params(.out = 32, .kernel = 4, .stride = 2, .padding = 1)));
    x = clg_nn_conv_transpose2d(s, "deconv2", x,
                                clg_nn_conv2d_params(.out = 1, .kernel = 4, .stride = 2, .padding = 1));
    return clg_sigmoid(x);
}
