// SPDX-License-Identifier: MIT
// Parameters by name, and the layers that use them.
#ifndef CLGRAD_NN_H
#define CLGRAD_NN_H

#include <clgrad/ops.h>
#include <clgrad/var.h>

CLG_BEGIN

// A store of named variables: weights, and buffers such as running statistics. Names are the keys of
// checkpoints ("conv1.weight").
typedef struct clg_store_t *clg_store;

typedef enum clg_init_kind {
    CLG_INIT_DEFAULT, // PyTorch's for linear and conv2d: uniform within 1/sqrt(fan_in)
    CLG_INIT_KAIMING_UNIFORM, CLG_INIT_KAIMING_NORMAL, // gain sqrt(2), fan_in
    CLG_INIT_XAVIER_UNIFORM, CLG_INIT_XAVIER_NORMAL,
    CLG_INIT_UNIFORM, // in [a, b)
    CLG_INIT_NORMAL,  // mean a, standard deviation b
    CLG_INIT_CONSTANT // a
} clg_init_kind;
typedef struct clg_init {
    clg_init_kind kind;
    double a, b;
} clg_init;

// A store on a device. A parameter's first numbers follow from the seed and its name alone.
//
// owns    destroy with clg_store_destroy; NULL on failure (see clg_error)
CLG_API clg_store clg_store_create(clg_device dev, uint64_t seed);
CLG_API void clg_store_destroy(clg_store *s);

// Training or evaluation; layers such as batch norm and dropout look at it. A new store trains.
CLG_API void clg_store_train(clg_store s, bool training);
CLG_API bool clg_store_is_training(clg_store s);

// The parameter of this name, made on first use (F32). fan_in <= 0: from the shape [O, I, ...].
// NULL on a shape conflict or failure (see clg_error).
CLG_API clg_var clg_store_param(clg_store s, const char *name, clg_shape shape, clg_init init,
                                int64_t fan_in);
// The same for state that is not trained, filled with `value`.
CLG_API clg_var clg_store_buffer(clg_store s, const char *name, clg_dtype t, clg_shape shape,
                                 double value);
// Stop gradients of every parameter whose name starts with prefix.
CLG_API void clg_store_freeze(clg_store s, const char *prefix, bool frozen);

CLG_API int clg_store_count(clg_store s);
CLG_API clg_var clg_store_at(clg_store s, int i, const char **name, bool *trainable);
CLG_API clg_var clg_store_find(clg_store s, const char *name);
CLG_API clg_device clg_store_device(clg_store s);

// Save every variable, and metadata pairs (key, value, ..., NULL; may be NULL), atomically.
//
// errors  CLG_EIO, CLG_ENOMEM, CLG_EDEVICE
// blocks  reads every variable
CLG_API clg_status clg_store_save(clg_store s, const char *path, const char *const *metadata);
// Load: variables that the store has must be in the file with the same type and shape, others are made.
// Nothing changes unless the whole file fits.
CLG_API clg_status clg_store_load(clg_store s, const char *path);

struct clg_nn_conv2d_params {
    size_t size;
    int out, kernel, stride, padding, dilation, groups;
    bool no_bias;
    clg_init init;
};
#define clg_nn_conv2d_params(...)                                                                  \
    (&(struct clg_nn_conv2d_params) { .size = sizeof(struct clg_nn_conv2d_params), __VA_ARGS__ })
// x [N,C,H,W] -> [N,out,H',W'], parameters name.weight and name.bias.
CLG_API clg_tensor clg_nn_conv2d(clg_store s, const char *name, clg_tensor x,
                                 const struct clg_nn_conv2d_params *p);

struct clg_nn_linear_params {
    size_t size;
    int out;
    bool no_bias;
    clg_init init;
};
#define clg_nn_linear_params(...)                                                                  \
    (&(struct clg_nn_linear_params) { .size = sizeof(struct clg_nn_linear_params), __VA_ARGS__ })
// x [...,I] -> [...,out], parameters name.weight [out,I] and name.bias.
CLG_API clg_tensor clg_nn_linear(clg_store s, const char *name, clg_tensor x,
                                 const struct clg_nn_linear_params *p);

struct clg_nn_batch_norm2d_params {
    size_t size;
    double eps, momentum;
    bool no_affine;
};
#define clg_nn_batch_norm2d_params(...)                                                            \
    (&(struct clg_nn_batch_norm2d_params) {                                                        \
        .size = sizeof(struct clg_nn_batch_norm2d_params), __VA_ARGS__ })
// x [N,C,H,W]; parameters name.weight, name.bias, buffers name.running_mean, name.running_var. In
// training it records the assignment of the running statistics.
CLG_API clg_tensor clg_nn_batch_norm2d(clg_store s, const char *name, clg_tensor x,
                                       const struct clg_nn_batch_norm2d_params *p);

// clg_dropout while the store trains, else x.
CLG_API clg_tensor clg_nn_dropout(clg_store s, clg_tensor x, double p);

CLG_END
#endif
