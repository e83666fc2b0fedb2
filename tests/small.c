// SPDX-License-Identifier: MIT
// A little of everything on tiny shapes, for simulators that check every access: one training step of a
// small network, reductions of both kinds, views, random numbers. Prints nothing when all is well.
#include <clgrad/clgrad.h>

#include <stdio.h>

int main(void)
{
    char error[1100];
    clg_device dev;
    if (clg_device_open(&dev, clg_device_params(.select = "0", .error = error,
                                                .error_size = sizeof error)) < 0) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    clg_scope s = clg_scope_push(dev);
    clg_store w = clg_store_create(dev, 1);
    clg_optim o = clg_adam_create(w, NULL);
    clg_tensor x = clg_normal(dev, CLG_F32, CLG_SHAPE(2, 2, 6, 7), 0, 1);
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
    clg_tensor v = clg_pad(clg_flip(clg_transpose(x, 1, 3), CLG_AXES(2)), CLG_SHAPE(0, 1, 0, 0),
                           CLG_SHAPE(0, 0, 2, 0), 1);
    clg_tensor r[] = { clg_sum(v, CLG_AXES(0, 2), false), clg_amax(x, CLG_AXES(1), false),
                       clg_argmax(x, CLG_AXES(3), false), clg_softmax(x, 1),
                       clg_concat(0, x, clg_gelu(x)), clg_avg_pool2d(x, clg_pool2d_params(.kernel = 3)),
                       clg_index_select(x, 2, clg_arange(dev, CLG_I32, 0, 3, 1)),
                       clg_matmul(clg_reshape(x, CLG_SHAPE(4, 42)), clg_reshape(x, CLG_SHAPE(42, 4))) };
    if (st >= 0)
        st = clg_eval_n(r, sizeof r / sizeof r[0]);
    if (st >= 0)
        st = clg_sync(dev);
    if (st < 0)
        fprintf(stderr, "%s\n", clg_error(dev, st));
    clg_optim_destroy(&o);
    clg_store_destroy(&w);
    clg_scope_pop(s);
    clg_device_close(&dev);
    return st < 0;
}
