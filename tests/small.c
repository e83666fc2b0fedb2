// SPDX-License-Identifier: MIT
// A little of everything on tiny shapes, for simulators that check every access: a training step of a
// small network, convolutions of every shape, reductions of both kinds, views, random numbers. Shapes are
// odd, so that tiles and vectors are cut, and need several work-groups. Prints nothing when all is well.
#include <clgrad/clgrad.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static clg_device dev;
static bool cpu_class; // whose kernels have more ways to go; the others would take minutes to be simulated on these

static clg_tensor fresh(clg_shape s)
{
    return clg_normal(dev, CLG_F32, s, 0, 1);
}

static clg_status train(void)
{
    clg_store w = clg_store_create(dev, 1);
    clg_optim o = clg_adam_create(w, NULL);
    clg_tensor x = fresh(CLG_SHAPE(2, 2, 6, 7));
    clg_tensor y = clg_cast(clg_arange(dev, CLG_I32, 0, 2, 1), CLG_I64);
    clg_tensor h = clg_nn_conv2d(w, "c", x, clg_nn_conv2d_params(.out = 3, .kernel = 3, .padding = 1));
    h = clg_relu(clg_nn_batch_norm2d(w, "b", h, NULL));
    h = clg_max_pool2d(h, clg_pool2d_params(.kernel = 2));
    h = clg_nn_linear(w, "l", clg_nn_dropout(w, clg_flatten(h, 1, -1), 0.3),
                      clg_nn_linear_params(.out = 3));
    clg_tensor loss = clg_cross_entropy(h, y, NULL);
    clg_status st = clg_optim_step(o, loss);
    if (st >= 0)
        st = clg_eval(loss);
    clg_optim_destroy(&o);
    clg_store_destroy(&w);
    return st;
}

// f(x, w) with its gradients
static clg_status with_gradients(clg_tensor y, clg_tensor x, clg_tensor w)
{
    clg_tensor in[] = { x, w }, g[2];
    const clg_status st = clg_grad_n(clg_sum(clg_mul(y, y), CLG_ALL, false), in, w ? 2 : 1, g);
    if (st < 0)
        return st;
    return w ? clg_eval(y, g[0], g[1]) : clg_eval(y, g[0]);
}

static clg_status convolve(void)
{
    const struct {
        clg_shape x, w;
        struct clg_conv2d_params p;
    } cases[] = {
        { CLG_SHAPE(2, 3, 5, 6), CLG_SHAPE(17, 3, 3, 3), { .padding = 1 } },
        { CLG_SHAPE(3, 2, 7, 9), CLG_SHAPE(5, 2, 3, 2), { .stride = 2 } },
        { CLG_SHAPE(1, 4, 6, 5), CLG_SHAPE(6, 2, 2, 3), { .groups = 2, .padding = 1 } },
        { CLG_SHAPE(2, 1, 8, 8), CLG_SHAPE(2, 1, 3, 3), { .dilation = 2, .padding = 2 } },
        // of the CPU class alone from here on, since the others have one way to go. depthwise: rows shorter and longer than a vector, strided, with two outputs of a channel
        { CLG_SHAPE(2, 3, 5, 19), CLG_SHAPE(3, 1, 3, 3), { .groups = 3, .padding = 1 } },
        { CLG_SHAPE(1, 2, 9, 37), CLG_SHAPE(4, 1, 3, 3), { .groups = 2, .padding = 1, .stride = 2 } },
        { CLG_SHAPE(1, 2, 4, 7), CLG_SHAPE(2, 1, 2, 3), { .groups = 2, .stride = 3 } },
        // groups of several channels, padding beyond the window, strides that differ, a wide image
        { CLG_SHAPE(1, 4, 7, 6), CLG_SHAPE(6, 2, 3, 3), { .groups = 2, .padding = 4, .stride_h = 2, .stride_w = 3 } },
        { CLG_SHAPE(1, 1, 2, 300), CLG_SHAPE(9, 1, 2, 2), { .stride_w = 2 } },
        // by fewer products
        { CLG_SHAPE(1, 17, 7, 10), CLG_SHAPE(18, 17, 3, 3), { .padding = 1 } },
        // few outputs in a group, none of which fills a tile
        { CLG_SHAPE(1, 4, 5, 19), CLG_SHAPE(10, 2, 3, 2), { .groups = 2, .padding = 1 } },
        // as products: of images as they lie, of rows that are copied
        { CLG_SHAPE(1, 5, 3, 7), CLG_SHAPE(18, 5, 1, 1), { .size = 0 } },
        { CLG_SHAPE(3, 5, 3, 3), CLG_SHAPE(18, 5, 1, 1), { .size = 0 } },
        { CLG_SHAPE(2, 2, 5, 41), CLG_SHAPE(9, 2, 1, 2), { .stride = 2 } },
    };
    clg_status st = CLG_OK;
    for (size_t i = 0; i < (cpu_class ? sizeof cases / sizeof cases[0] : 4) && st >= 0; i++) {
        clg_tensor x = clg_track(fresh(cases[i].x)), w = clg_track(fresh(cases[i].w));
        struct clg_conv2d_params p = cases[i].p;
        p.size = sizeof p;
        st = with_gradients(clg_conv2d(x, w, NULL, &p), x, w);
    }
    return st;
}

// Of one and three dimensions, and transposed.
static clg_status convolve_more(void)
{
    clg_tensor (*const conv[])(clg_tensor, clg_tensor, clg_tensor, const struct clg_conv_params *) = {
        clg_conv1d, clg_conv_transpose1d, clg_conv_transpose2d, clg_conv3d, clg_conv_transpose3d
    };
    const clg_shape x[] = { CLG_SHAPE(2, 3, 9), CLG_SHAPE(2, 3, 5), CLG_SHAPE(2, 3, 5, 4), CLG_SHAPE(2, 2, 3, 4, 5),
                            CLG_SHAPE(1, 2, 2, 3, 3) };
    const clg_shape w[] = { CLG_SHAPE(17, 3, 4), CLG_SHAPE(3, 2, 3), CLG_SHAPE(3, 4, 3, 2), CLG_SHAPE(4, 1, 2, 3, 2),
                            CLG_SHAPE(2, 3, 2, 2, 3) };
    clg_status st = CLG_OK;
    for (int i = 0; i < 5 && st >= 0; i++) {
        clg_tensor a = clg_track(fresh(x[i])), b = clg_track(fresh(w[i]));
        st = with_gradients(conv[i](a, b, NULL, clg_conv_params(.stride = 1 + i % 2, .padding = 1, .padding_end_w = 2,
                                                                .groups = i == 3 ? 2 : 1)), a, b);
    }
    return st;
}

static clg_status multiply(void)
{
    clg_tensor a = clg_track(fresh(CLG_SHAPE(2, 19, 5))), b = clg_track(fresh(CLG_SHAPE(1, 5, 70)));
    clg_status st = with_gradients(clg_matmul(a, b), a, b);
    if (st < 0)
        return st;
    clg_tensor c = clg_track(fresh(CLG_SHAPE(9, 33))), d = clg_track(fresh(CLG_SHAPE(20, 9)));
    st = with_gradients(clg_relu(clg_matmul(clg_transpose(c, 0, 1), clg_transpose(d, 0, 1))), c, d);
    // few rows, few columns, both kinds of operands, and sums that are cut
    for (int k = 0; k < 4 && st >= 0 && cpu_class; k++) {
        clg_tensor x = fresh(k % 2 ? CLG_SHAPE(3, 261) : CLG_SHAPE(261, 3));
        clg_tensor y = fresh(k / 2 ? CLG_SHAPE(67, 261) : CLG_SHAPE(261, 67));
        x = k % 2 ? x : clg_transpose(x, 0, 1);
        y = k / 2 ? clg_transpose(y, 0, 1) : y;
        st = clg_eval(clg_matmul(x, y), clg_relu(clg_matmul(clg_transpose(y, 0, 1), clg_transpose(x, 0, 1))));
    }
    if (st >= 0 && cpu_class)
        st = clg_eval(clg_relu(clg_matmul(fresh(CLG_SHAPE(17, 2051)), fresh(CLG_SHAPE(2051, 18)))),
                      clg_matmul(fresh(CLG_SHAPE(1, 4099)), fresh(CLG_SHAPE(4099, 17))));
    return st;
}

static clg_status pools(void)
{
    clg_tensor x = clg_track(fresh(CLG_SHAPE(2, 3, 7, 35)));
    clg_status st = with_gradients(
        clg_max_pool2d(x, clg_pool2d_params(.kernel = 3, .stride = 2, .padding = 1)), x, NULL);
    if (st >= 0)
        st = with_gradients(clg_max_pool2d(x, clg_pool2d_params(.kernel = 2)), x, NULL);
    if (st >= 0)
        st = with_gradients(clg_avg_pool2d(x, clg_pool2d_params(.kernel = 3, .padding = 1)), x, NULL);
    if (st >= 0) { // as many planes as fill a core's lanes, and some
        clg_tensor small = clg_track(fresh(CLG_SHAPE(37, 4, 5)));
        const struct clg_pool2d_params *p = clg_pool2d_params(.kernel = 3, .stride = 2, .padding = 1);
        st = with_gradients(clg_add(clg_max_pool2d(small, p), clg_avg_pool2d(small, p)), small, NULL);
    }
    for (int k = 1; k <= 3 && st >= 0; k++) {
        const struct clg_pool2d_params *p = clg_pool2d_params(.kernel = 4, .stride = k, .padding = 2);
        st = with_gradients(clg_max_pool2d(x, p), x, NULL);
        if (st >= 0)
            st = with_gradients(clg_avg_pool2d(x, p), x, NULL);
    }
    return st;
}

static clg_status pools_more(void)
{
    clg_tensor x = clg_track(fresh(CLG_SHAPE(2, 2, 3, 5, 7))), index = NULL;
    clg_tensor plane = clg_track(fresh(CLG_SHAPE(2, 3, 7, 5)));
    clg_tensor top = clg_max_pool3d(x, clg_pool_params(.kernel = 2, .padding = 1, .dilation_w = 2, .ceil_mode = true,
                                                       .indices = &index));
    clg_status st = with_gradients(top, x, NULL);
    if (st >= 0)
        st = with_gradients(clg_max_unpool3d(top, index, CLG_SHAPE(3, 5, 7), NULL), x, NULL);
    if (st >= 0)
        st = with_gradients(clg_avg_pool3d(x, clg_pool_params(.kernel = 2, .stride_w = 1, .padding_end_h = 1)), x, NULL);
    if (st >= 0)
        st = with_gradients(clg_adaptive_max_pool2d(plane, CLG_SHAPE(3, 7), &index), plane, NULL);
    if (st >= 0)
        st = with_gradients(clg_adaptive_avg_pool2d(plane, CLG_SHAPE(9, 2)), plane, NULL);
    for (int stride = 2; stride <= 3 && st >= 0; stride++) {
        const struct clg_fold_params *window = clg_fold_params(.kernel = 3, .stride = stride, .padding = 1, .dilation_w = 2);
        st = with_gradients(clg_fold(clg_exp(clg_unfold(plane, window)), CLG_SHAPE(7, 5), window), plane, NULL);
    }
    return st;
}

static clg_status reductions(void)
{
    clg_tensor x = fresh(CLG_SHAPE(3, 37, 5)), l = fresh(CLG_SHAPE(2100)), t = fresh(CLG_SHAPE(70, 40));
    clg_tensor r[] = {
        clg_sum(x, CLG_AXES(0, 2), false), clg_sum(x, CLG_AXES(1), false), clg_sum(x, CLG_AXES(2), false),
        clg_amax(x, CLG_AXES(1), false), clg_argmax(x, CLG_AXES(2), false), clg_amin(x, CLG_ALL, false),
        clg_argmin(x, CLG_AXES(0), false), clg_variance(x, CLG_AXES(1), 1, true),
        clg_any(clg_gt(x, clg_scalar(dev, CLG_F32, 2)), CLG_AXES(0), false),
        clg_mean(clg_exp(l), CLG_ALL, false), clg_sum(t, CLG_AXES(0), false),
        clg_sum(t, CLG_AXES(1), false), clg_logsumexp(t, CLG_AXES(1), false),
    };
    clg_status st = clg_eval_n(r, sizeof r / sizeof r[0]);
    if (st >= 0) { // a narrow matrix as it lies in memory, rows of the last vector missing
        clg_tensor narrow = fresh(CLG_SHAPE(cpu_class ? 1367 : 67, 3));
        st = clg_eval(clg_variance(narrow, CLG_AXES(0), 1, false), clg_argmax(narrow, CLG_AXES(0), false));
    }
    if (st >= 0) // columns, few and many; rows, short and long
        st = clg_eval(clg_softmax(x, 1), clg_log_softmax(t, 0), clg_softmax(l, 0), clg_log_softmax(t, 1));
    for (int k = 2; k < 9 && st >= 0; k *= 2) // short rows are read 2, 4, 8 at a time; labels that are no class
        st = clg_eval(clg_softmax(fresh(CLG_SHAPE(18, k)), 1),
                      clg_cross_entropy(fresh(CLG_SHAPE(18, k)), clg_arange(dev, CLG_I32, -1, 17, 1), NULL));
    for (int k = 1; k < 17 && st >= 0; k += k < 5 ? 1 : 12) { // and normalised
        clg_tensor few = clg_track(fresh(CLG_SHAPE(18, k)));
        st = with_gradients(clg_layer_norm(few, CLG_SHAPE(k), fresh(CLG_SHAPE(k)), NULL, NULL), few, NULL);
    }
    for (int k = 0; k < 3 && st >= 0; k++) { // the losses of rows, long and short, and of columns
        clg_tensor y = fresh(k < 2 ? CLG_SHAPE(3, k ? 70 : 20) : CLG_SHAPE(3, 9, 19));
        clg_tensor label = k < 2 ? clg_arange(dev, CLG_I64, -1, 2, 1) : clg_cast(fresh(CLG_SHAPE(3, 19)), CLG_I32);
        st = clg_eval(clg_cross_entropy(y, label, NULL));
    }
    clg_tensor rows = clg_track(fresh(CLG_SHAPE(3, 83)));
    if (st >= 0)
        st = with_gradients(clg_layer_norm(rows, CLG_SHAPE(83), fresh(CLG_SHAPE(83)), NULL, NULL), rows, NULL);
    if (st >= 0) // statistics of rows, of channels of images, and of one long row in parts
        st = clg_eval(clg_layer_norm(fresh(CLG_SHAPE(3, 83)), CLG_SHAPE(83), NULL, NULL, NULL),
                      clg_rms_norm(fresh(CLG_SHAPE(3, 16)), CLG_SHAPE(16), NULL, NULL),
                      clg_group_norm(fresh(CLG_SHAPE(2, 6, 21)), 2, NULL, NULL, NULL),
                      clg_batch_norm(fresh(CLG_SHAPE(3, 5, 17)), NULL, NULL, NULL, NULL, NULL),
                      clg_layer_norm(fresh(CLG_SHAPE(1, 40000)), CLG_SHAPE(40000), NULL, NULL, NULL));
    return st < 0 ? st : clg_eval(clg_log_softmax(x, 2), clg_softmax(t, 1), clg_softmax(clg_slice(t, 0, 0, 40, 1), 1));
}

static clg_status views(void)
{
    clg_tensor x = fresh(CLG_SHAPE(4, 6, 21));
    clg_tensor v = clg_pad(clg_flip(clg_transpose(x, 0, 2), CLG_AXES(1)), CLG_SHAPE(0, 1, 3),
                           CLG_SHAPE(2, 0, 1), 1);
    clg_tensor index = clg_upload(dev, CLG_I64, CLG_SHAPE(3), (int64_t[]) { 5, -1, 2 });
    clg_tensor a = clg_track(x), rows = clg_index_select(a, 1, index);
    clg_status st = with_gradients(rows, a, NULL);
    clg_tensor r[] = { clg_exp(v), clg_sum(v, CLG_AXES(0), false), clg_concat(0, x, clg_gelu(x)),
                       clg_slice(x, 2, 1, 20, 3), clg_reshape(clg_transpose(x, 0, 1), CLG_SHAPE(24, 21)),
                       clg_mul(x, clg_reshape(clg_arange(dev, CLG_F32, 0, 6, 1), CLG_SHAPE(6, 1))),
                       clg_cast(x, CLG_I32), clg_cast(x, CLG_U8), clg_cast(x, CLG_BOOL),
                       clg_uniform(dev, CLG_F32, CLG_SHAPE(3, 333), -1, 1),
                       clg_add(clg_transpose(fresh(CLG_SHAPE(37, 21)), 0, 1), fresh(CLG_SHAPE(37))), // tiles
                       clg_permutation(dev, 40), clg_where(clg_gt(x, clg_neg(x)), x, clg_tanh(x)) };
    return st < 0 ? st : clg_eval_n(r, sizeof r / sizeof r[0]);
}

// Functions of ours, arguments that leave the vector among them
static clg_status functions(void)
{
    clg_tensor x = clg_add(clg_uniform(dev, CLG_F32, CLG_SHAPE(37), 0, 1), clg_arange(dev, CLG_F32, 0, 37, 1));
    clg_tensor y = clg_sub_scalar(clg_mul_scalar(x, 1e4), 1e5), z = clg_div_scalar(x, 40);
    clg_tensor r[] = { clg_pow(x, z), clg_atan2(y, x), clg_log1p(x), clg_erf(z), clg_sin(y), clg_asin(z), clg_remainder(y, x), clg_normal(dev, CLG_F32, CLG_SHAPE(35), 1, 2) };
    return clg_eval_n(r, sizeof r / sizeof r[0]);
}

// A table so large that its gradient sorts the indices, in two passes, tiles and parts cut.
static clg_status rows(void)
{
    enum { ROWS = 2300, N = 203 };
    int64_t index[N];
    for (int i = 0; i < N; i++)
        index[i] = i % 5 ? (int64_t) i * i * 131 % (ROWS + 2) - 1 : 17;
    clg_tensor list = clg_upload(dev, CLG_I64, CLG_SHAPE(N), index), x = clg_track(fresh(CLG_SHAPE(ROWS, 10)));
    clg_status st = with_gradients(clg_index_select(x, 0, list), x, NULL);
    const clg_tensor w = clg_track(fresh(CLG_SHAPE(N))), start = clg_upload(dev, CLG_I64, CLG_SHAPE(3), (int64_t[]) { 2, 90, 90 });
    if (st >= 0)
        st = with_gradients(clg_embedding_bag(clg_repeat(x, CLG_SHAPE(1, 4)), list, start, clg_embedding_bag_params(.mode = CLG_BAG_SUM, .weight = w)), x, w);
    clg_tensor g = fresh(CLG_SHAPE(N, 10)), sum; // and is used at once
    if (st >= 0)
        st = clg_vjp_n(clg_index_select(x, 0, list), g, &x, 1, false, &sum);
    return st < 0 ? st : clg_eval(clg_sub(x, clg_mul_scalar(sum, 0.1)), clg_add(x, sum));
}

// Elements by indices of their own: runs and lines that are cut, and sent by way of a sorted list.
static clg_status elements(void)
{
    clg_tensor x = clg_track(fresh(CLG_SHAPE(3, 1100))), w = clg_track(fresh(CLG_SHAPE(3, 70)));
    clg_tensor at = clg_reshape(clg_arange(dev, CLG_I64, 0, 210, 1), CLG_SHAPE(3, 70));
    clg_tensor index = clg_sub_scalar(clg_remainder_scalar(clg_mul_scalar(at, 131), 1103), 1);
    clg_status st = with_gradients(clg_gather(x, 1, index), x, NULL);
    if (st >= 0)
        st = with_gradients(clg_scatter_reduce(x, 1, index, w, CLG_SCATTER_AMAX, true), x, w);
    clg_tensor image = clg_track(fresh(CLG_SHAPE(1, 2, 5, 19)));
    if (st >= 0)
        st = with_gradients(clg_interpolate(image, CLG_SHAPE(7, 12), clg_interpolate_params(.mode = CLG_INTERPOLATE_LINEAR,
                                                                                            .antialias = true)), image, NULL);
    if (st >= 0)
        st = with_gradients(clg_grid_sample(image, clg_reshape(w, CLG_SHAPE(1, 15, 7, 2)), NULL), image, w);
    if (st >= 0)
        st = with_gradients(clg_pad_reflect(image, CLG_SHAPE(2, 3), CLG_SHAPE(4, 1)), image, NULL);
    if (st >= 0)
        st = clg_eval(clg_interpolate(clg_cast(fresh(CLG_SHAPE(1, 2, 9, 19)), CLG_U8), CLG_SHAPE(5, 35),
                                      clg_interpolate_params(.mode = CLG_INTERPOLATE_CUBIC)));
    for (int axis = 2; axis < 4 && st >= 0; axis++)
        st = clg_eval(clg_resample(image, clg_reshape(clg_arange(dev, CLG_I32, -2, 17, 1), CLG_SHAPE(1, 19)),
                                   fresh(CLG_SHAPE(1, axis, 19)), axis));
    clg_tensor y = clg_track(fresh(CLG_SHAPE(5, 35))), rows = clg_arange(dev, CLG_I32, 0, 9, 2);
    if (st >= 0)
        st = with_gradients(clg_index_copy(y, 0, clg_remainder_scalar(rows, 5), fresh(CLG_SHAPE(5, 35))), y, NULL);
    if (st >= 0)
        st = with_gradients(clg_cdist(w, clg_slice(w, 0, 1, 3, 1), 2), w, NULL);
    return st < 0 ? st : clg_eval(clg_unfold_dim(y, 1, 5, 3), clg_diagonal(y, 1, 0, 1), clg_tril(y, 2));
}

// Padded labels and labels one after another, some rows without steps or labels.
static clg_status sequences(void)
{
    const int32_t label[12] = { 1, 1, 2, 0, 3, 2, 1, 3, 9, 1, 2, 3 }, step[3] = { 7, 4, 0 }, length[3] = { 3, 4, 0 };
    clg_tensor x = clg_track(fresh(CLG_SHAPE(7, 3, 5))), t = clg_upload(dev, CLG_I32, CLG_SHAPE(3, 4), label);
    clg_tensor s = clg_upload(dev, CLG_I32, CLG_SHAPE(3), step), n = clg_upload(dev, CLG_I32, CLG_SHAPE(3), length);
    clg_status st = with_gradients(clg_ctc_loss(x, t, s, n, 0, true, CLG_REDUCE_SUM), x, NULL);
    return st < 0 ? st : clg_eval(clg_ctc_loss(x, clg_slice(clg_reshape(t, CLG_SHAPE(12)), 0, 0, 7, 1), s, n, 4, false, CLG_REDUCE_NONE));
}

static clg_status with_variants(void)
{
    clg_tensor x = clg_track(fresh(CLG_SHAPE(1, 17, 5, 6))), w = clg_track(fresh(CLG_SHAPE(17, 17, 3, 3)));
    clg_tensor a = clg_track(fresh(CLG_SHAPE(2, 9, 5))), b = clg_track(fresh(CLG_SHAPE(5, 21))), g, gg;
    clg_tensor patches = clg_track(fresh(CLG_SHAPE(3, 17, 2, 2))); // of an image whose last row none of them sees
    clg_status st = with_gradients(clg_conv2d(x, w, NULL, clg_conv2d_params(.padding = 1)), x, w);
    if (st >= 0)
        st = with_gradients(clg_conv2d(x, patches, NULL, clg_conv2d_params(.stride = 2)), x, patches);
    if (st >= 0)
        st = with_gradients(clg_relu(clg_matmul(a, b)), a, b);
    clg_tensor table = clg_track(fresh(CLG_SHAPE(2, 7, 19))), index = clg_arange(dev, CLG_I32, 1, 12, 2);
    if (st >= 0)
        st = with_gradients(clg_index_select(table, 1, clg_remainder_scalar(index, 7)), table, NULL);
    clg_tensor plane = clg_track(fresh(CLG_SHAPE(1, 2, 4, 21))), y = clg_max_pool2d(plane, clg_pool2d_params(.kernel = 2));
    clg_tensor of = clg_track(fresh(CLG_SHAPE(1, 2, 2, 10)));
    if (st >= 0)
        st = clg_vjp_n(y, of, &plane, 1, true, &g);
    if (st >= 0)
        st = clg_vjp_n(g, fresh(CLG_SHAPE(1, 2, 4, 21)), &of, 1, false, &gg);
    return st >= 0 ? clg_eval(g, gg) : st;
}

// Small matrices, one a lane, whatever their number: square, high and wide, some in the lot's tail.
static clg_status with_lanes(void)
{
    clg_tensor x = fresh(CLG_SHAPE(3, 5, 5)), y = fresh(CLG_SHAPE(3, 3, 5)), v, pivots, s, vh;
    const clg_tensor d = clg_add(clg_matmul(x, clg_transpose(x, 1, 2)), clg_eye(dev, CLG_F32, 5, 5)), w = clg_eigh(d, false, &v);
    const clg_tensor lu = clg_lu_factor(y, &pivots, NULL), u = clg_svd(clg_slice(x, 1, 0, 2, 1), &s, &vh);
    clg_status st = clg_eval(clg_inv(x, NULL), clg_cholesky(d, false, NULL), w, v, lu, pivots, u, s, vh);
    return st < 0 ? st : clg_eval(clg_solve_triangular(x, clg_transpose(y, 1, 2), true, true, false), clg_qr(y, CLG_QR_COMPLETE, NULL));
}

// What no shape above leads to: variants by name, some with the register tiles of other CPUs.
static clg_status variants(void)
{
    static const char *const choices[] = {
        "matmul=cpu_packed:rows=5,vectors=3;conv2d_dw=cpu_winograd:channels=4,vectors=1;index_add=sorted_cpu;"
        "conv2d=cpu_winograd:tiles=6,vectors=1;index_select=rows_cpu;max_pool=items;max_pool_scatter=items",
        "matmul=cpu_tile:rows=6,vectors=1;conv2d=general;conv2d_dx=general;conv2d_dw=general:side=4;index_select=items;"
        "index_add=items",
        "conv2d=cpu_direct:pixels=6,vectors=1;conv2d_dx=cpu_direct:pixels=2,vectors=1;conv2d_dw=cpu_direct:taps=6,vectors=1",
        "conv2d_dx=cpu_product",
        "lu=lanes;solve=lanes;cholesky=lanes;qr=lanes;eigh=lanes;svd=lanes",
    };
    enum { OF_LANES = 4 }; // in both classes
    const clg_device usual = dev;
    clg_status st = CLG_OK;
    for (int i = cpu_class ? 0 : OF_LANES; i <= OF_LANES && st >= 0; i++) {
        setenv("CLGRAD_VARIANT", choices[i], 1);
        st = clg_device_open(&dev, clg_device_params(.share = usual));
        unsetenv("CLGRAD_VARIANT");
        if (st < 0) {
            dev = usual;
            return st;
        }
        st = i == OF_LANES ? with_lanes() : with_variants();
        if (st < 0)
            fprintf(stderr, "%s: %s\n", choices[i], clg_error(dev, st));
        clg_device_close(&dev);
        dev = usual;
    }
    return st;
}

// Long rows in parts, short ones, columns; sums, recurrences, choices and logarithms.
static clg_status scans(void)
{
    clg_tensor x = clg_track(fresh(CLG_SHAPE(1, 4100))), s = clg_track(fresh(CLG_SHAPE(17, 19))), k;
    clg_tensor y = clg_cummax(s, 1, &k);
    clg_status st = with_gradients(clg_cumsum(x, 1), x, NULL);
    if (st >= 0)
        st = with_gradients(clg_cumprod(s, 1), s, NULL);
    if (st >= 0)
        st = with_gradients(clg_logcumsumexp(s, 0), s, NULL);
    return st < 0 ? st : clg_eval(y, k, clg_cummin(s, 0, NULL));
}

// Rows side by side, some that are sorted by digits, and one of which few are selected, in parts.
static clg_status orders(void)
{
    clg_tensor x = clg_track(fresh(CLG_SHAPE(17, 19))), k;
    const clg_status st = with_gradients(clg_sort(x, 1, true, NULL), x, NULL);
    clg_tensor z = clg_topk(fresh(CLG_SHAPE(1, 2100)), 2, 1, false, NULL);
    z = clg_add(clg_sum(clg_searchsorted(fresh(CLG_SHAPE(7)), z, false, NULL), CLG_ALL, false), z);
    clg_tensor y = clg_topk(fresh(CLG_SHAPE(2, 260)), 66, 1, false, &k);
    return st < 0 ? st : clg_eval(y, k, z, clg_poisson(clg_mul_scalar(clg_exp(fresh(CLG_SHAPE(19))), 8)),
                                   clg_histc(fresh(CLG_SHAPE(100)), 5, -1, 1));
}

// Factors in more than one block, whose columns end amid a vector; systems, both ways.
static clg_status factors(void)
{
    clg_tensor x = clg_track(fresh(CLG_SHAPE(1, 35, 35))), b = fresh(CLG_SHAPE(1, 35, 2));
    clg_status st = with_gradients(clg_solve(x, b, true, NULL), x, NULL);
    const clg_tensor d = clg_add(clg_matmul(x, clg_transpose(x, 1, 2)), clg_eye(dev, CLG_F32, 35, 35));
    if (st >= 0)
        st = clg_eval(clg_cholesky(d, true, NULL));
    clg_tensor v, s = fresh(CLG_SHAPE(1, 3, 5));
    const clg_tensor w = clg_eigh(clg_slice(clg_slice(d, 1, 0, 5, 1), 2, 0, 5, 1), false, &v);
    st = st < 0 ? st : clg_eval(clg_eigvalsh(clg_slice(clg_slice(d, 1, 0, 19, 1), 2, 0, 19, 1), false), clg_svdvals(clg_slice(x, 1, 0, 18, 1)));
    return st < 0 ? st : clg_eval(clg_solve_triangular(x, b, true, true, false), w, v, clg_svdvals(s), clg_qr(s, CLG_QR_COMPLETE, NULL));
}

// An application's own: an element at a time in rows shorter than a vector and in tails, at a product's end, and a kernel.
static clg_status own(void)
{
    clg_custom hat = clg_custom_pointwise(dev, clg_custom_pointwise_params(
        .name = "hat", .inputs = "a b", .scalars = "k", .expression = "NAME(f)(a, k) * b",
        .functions = "T NAME(f)(T x, T k)\n{\n    if (x > k)\n        return k;\n    return x;\n}"));
    clg_custom twice = clg_custom_kernel(dev, clg_custom_kernel_params(
        .name = "twice", .inputs = "x", .scalars = "k",
        .body = "const long i = get_global_id(0);\nif (i < y_n)\n    STORE_y(i, k * LOAD_x(i) + x_dim[x_rank - 1]);"));
    const double k = 0.25;
    const struct clg_custom_numbers *numbers = clg_custom_numbers(.n_scalars = 1, .scalars = &k);
    clg_tensor a = clg_matmul(fresh(CLG_SHAPE(3, 5)), fresh(CLG_SHAPE(5, 19))), b = fresh(CLG_SHAPE(3, 1));
    clg_tensor y = clg_custom_apply(hat, (clg_tensor[]) { a, b }, 2, numbers), x = clg_slice(fresh(CLG_SHAPE(7, 3)), 0, 1, 6, 1);
    clg_tensor z = clg_custom_apply(hat, (clg_tensor[]) { x, x }, 2, numbers);
    return clg_eval(clg_sum(y, CLG_AXES(1), false), y, clg_custom_apply(twice, &x, 1, numbers), z);
}

// More than a block of rows and of keys, tails of both, a mask that is added, and what is dropped.
static clg_status attend(void)
{
    clg_tensor q = clg_track(fresh(CLG_SHAPE(1, 2, 19, 5))), k = clg_track(fresh(CLG_SHAPE(1, 1, cpu_class ? 101 : 19, 5)));
    clg_tensor mask = clg_normal(dev, CLG_F32, CLG_SHAPE(k->shape.dim[2]), 0, 1);
    const clg_status st = with_gradients(
        clg_scaled_dot_product_attention(q, k, k, clg_attention_params(.mask = mask, .enable_gqa = true)), q, k);
    return st < 0 ? st : with_gradients(clg_scaled_dot_product_attention(q, q, q, clg_attention_params(.is_causal = true, .dropout = 0.2)), q, NULL);
}

// Statistics of layers, gradients and updates, and the look at what a step assigns: small, large, F16, and a number
// that is none.
static clg_status watched(void)
{
    clg_store store = clg_store_create(dev, 3);
    clg_optim o = clg_adam_create(store, clg_adam_params(.lr = 0.1));
    clg_monitor m = clg_monitor_create(store, clg_monitor_params(.every = 1));
    clg_var large = clg_var_create(fresh(CLG_SHAPE(8193 + 30))), half = clg_var_create(clg_cast(fresh(CLG_SHAPE(19)), CLG_F16));
    clg_status st = CLG_OK;
    const clg_monitor_row *rows;
    int n;
    clg_device_watch(dev, true);
    for (int step = 0; step < 2 && st >= 0; step++) {
        clg_monitor_begin(m);
        clg_tensor x = clg_relu(clg_nn_linear(store, "a", fresh(CLG_SHAPE(3, 5)), clg_nn_linear_params(.out = 17)));
        clg_tensor loss = clg_mean(clg_square(clg_nn_linear(store, "b", x, clg_nn_linear_params(.out = 3))), CLG_ALL, false);
        st = clg_optim_step(o, loss);
        st = st < 0 ? st : clg_monitor_end(m);
        st = st < 0 ? st : clg_var_assign(large, clg_mul_scalar(clg_var_value(large), 0.5));
        st = st < 0 ? st : clg_var_assign(half, clg_mul_scalar(clg_var_value(half), 0.5));
        st = st < 0 ? st : clg_eval(loss);
        st = st < 0 ? st : clg_monitor_read(m, &rows, &n);
    }
    st = st < 0 ? st : clg_var_assign(large, clg_log(clg_sub(clg_var_value(large), clg_var_value(large))));
    st = st < 0 ? st : clg_eval_assigned(dev);
    if (st >= 0 && clg_sync(dev) != CLG_ENUMERIC)
        st = clg_fail(dev, CLG_EINVAL, "an infinity was overlooked");
    else if (st >= 0)
        clg_error_clear(dev);
    clg_device_watch(dev, false);
    clg_var_destroy(&large);
    clg_var_destroy(&half);
    clg_monitor_destroy(&m);
    clg_optim_destroy(&o);
    clg_store_destroy(&store);
    return st;
}

int main(void)
{
    // variants last: it closes devices, and after that this simulator takes larger buffers in the place of what was
    // released for ones that were never written
    clg_status (*const parts[])(void) = { train, convolve, convolve_more, multiply, pools,
                                          pools_more, reductions, views, functions, rows,
                                          elements, scans, orders, sequences, factors, own, attend, watched, variants };
    char error[1100];
    const char *class = getenv("CLGRAD_CLASS");
    cpu_class = class && strcmp(class, "cpu") == 0;
    clg_status st = clg_device_open(&dev, clg_device_params(.select = "0", .error = error,
                                                            .error_size = sizeof error));
    if (st < 0) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    // A fifth of it at a time: an hour has one, tools/check --all all.
    const bool all = getenv("CLGRAD_TEST_FULL") != NULL;
    const size_t turn = (size_t) (time(NULL) / 4096) % 5;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && st >= 0; i++) {
        if (!all && i % 5 != turn)
            continue;
        clg_scope s = clg_scope_push(dev);
        st = parts[i]();
        clg_scope_pop(s);
        if (st >= 0)
            st = clg_sync(dev);
    }
    if (st < 0)
        fprintf(stderr, "%s\n", clg_error(dev, st));
    clg_device_close(&dev);
    return st < 0;
}
