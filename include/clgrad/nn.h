// SPDX-License-Identifier: MIT
// Parameters by name, and the layers that use them.
#ifndef CLGRAD_NN_H
#define CLGRAD_NN_H

#include <clgrad/ops.h>
#include <clgrad/var.h>

CLG_BEGIN

// A store of named variables: weights, and buffers such as running statistics. Names are the keys
// of checkpoints ("conv1.weight").
typedef struct clg_store_t *clg_store;

typedef enum clg_init_kind {
    CLG_INIT_DEFAULT, // PyTorch's for linear and conv2d: uniform within 1/sqrt(fan_in)
    // gain sqrt(2 / (1 + a^2)): a is leaky_relu's slope, 0 for relu, 1 if linear; by fan_in,
    // with b not 0 by fan_out
    CLG_INIT_KAIMING_UNIFORM, CLG_INIT_KAIMING_NORMAL,
    CLG_INIT_XAVIER_UNIFORM, CLG_INIT_XAVIER_NORMAL, // gain a, 0: 1
    CLG_INIT_UNIFORM, // in [a, b), a <= b
    CLG_INIT_NORMAL,  // mean a, standard deviation b >= 0
    CLG_INIT_CONSTANT, // a
    CLG_INIT_TRUNC_NORMAL, // mean a, standard deviation b > 0, from -2 to 2
    CLG_INIT_ORTHOGONAL, // rows, or columns, of the matrix [O, I * ...] orthonormal, times a, 0: 1
    CLG_INIT_DIRAC, // a convolution that passes channels on, in a groups, 0: 1
    CLG_INIT_EYE    // of rank 2: the identity
} clg_init_kind;
typedef struct clg_init {
    clg_init_kind kind;
    double a, b;
} clg_init;

// A store on a device. A parameter's first numbers follow from the seed and its name alone.
//
// dev     the device
// seed    of the parameters' first numbers; the device's own random state is not touched
// result  an empty store that trains
// owns    destroy with clg_store_destroy; NULL on failure (see clg_error)
// errors  CLG_EINVAL (NULL device), CLG_ENOMEM
// blocks  no
CLG_API clg_store clg_store_create(clg_device dev, uint64_t seed);

// Destroy a store and its variables, before or after its device and its optimizers.
//
// s       its address; set to NULL. NULL and the address of NULL are fine
// errors  CLG_EINVAL    published: it was destroyed already (a trap with debug_traps)
// blocks  no
CLG_API void clg_store_destroy(clg_store *s);

// Training or evaluation; layers such as batch norm and dropout look at it when they are recorded.
//
// s       the store; NULL is fine
// training  a new store trains
// errors  none
// blocks  no
CLG_API void clg_store_train(clg_store s, bool training);

// Does it train?
//
// s       the store
// result  as set last; false for NULL
// errors  none
// blocks  no
CLG_API bool clg_store_is_training(clg_store s);

// The parameter of this name, made on first use.
//
// s       the store
// name    copied; unique in the store, buffers included
// shape   of the parameter, [O, I, ...]
// init    where its first numbers come from
// fan_in  <= 0: from the shape, I * ...; fan_out is O * ...
// result  a trainable variable, F32, with its first numbers computed by the next evaluation
// owns    belongs to the store; NULL on failure (see clg_error)
// errors  CLG_ESHAPE    the name exists with another shape or type
//         CLG_EINVAL    s or name is NULL (no device keeps the text of the first),
//                       or the name is a buffer's, not UTF-8, "__metadata__", or an optimizer's
//                       ("optim."), or init is no kind, of a shape without one (ORTHOGONAL, EYE,
//                       DIRAC), a range that is not finite, a b below 0
//         CLG_EFORMAT   a file was loaded and lacks it; see clg_store_load
// blocks  no
// source  PyTorch, torch/nn/init.py; He and others 2015, Glorot and Bengio 2010, Saxe and others
//         2013 (ORTHOGONAL)
CLG_API clg_var clg_store_param(clg_store s, const char *name, clg_shape shape, clg_init init,
                                int64_t fan_in);

// Take a variable of the application's into the store, as a trainable parameter: it is saved,
// loaded and frozen with the others, and optimizers update it. It may be in several stores.
//
// s, name  as of clg_store_param
// v       floating, of the store's device. It gets the numbers of a file that was loaded and has
//         the name
// result  CLG_OK; also where the store has v under this name
// owns    the variable stays the caller's, who destroys it after the store's last use
// errors  as of clg_store_param; CLG_EDTYPE v is not floating; v's own when it was destroyed
// blocks  no
CLG_API clg_status clg_store_put(clg_store s, const char *name, clg_var v);

// State that is not trained (statistics, counters), made on first use.
//
// s, name, shape   as of clg_store_param
// t       element type
// value   its first elements
// result  a variable
// owns    belongs to the store; NULL on failure (see clg_error)
// errors  as of clg_store_param; CLG_EDTYPE the device lacks t
// blocks  as clg_store_param
CLG_API clg_var clg_store_buffer(clg_store s, const char *name, clg_dtype t, clg_shape shape,
                                 double value);

// Stop the gradients of every variable whose name starts with prefix, or let them pass again.
// Applies to what the store has now.
//
// s, prefix   the store and the beginning of names; "" is all
// frozen  frozen parameters are left out by optimizers
// errors  none; NULL does nothing
// blocks  no
CLG_API void clg_store_freeze(clg_store s, const char *prefix, bool frozen);

// Number of variables.
//
// s       the store
// result  parameters and buffers; 0 for NULL
// errors  none
// blocks  no
CLG_API int clg_store_count(clg_store s);

// A variable by number, in order of creation.
//
// s, i    the store, 0..count-1
// name, trainable   what is known about it, each may be NULL; trainable: a parameter, not frozen
// result  the variable; NULL for a number outside
// owns    variable and name belong to the store
// errors  none
// blocks  no
CLG_API clg_var clg_store_at(clg_store s, int i, const char **name, bool *trainable);

// A variable by name.
//
// s, name  the store and the whole name
// result  the variable; NULL when there is none
// owns    belongs to the store
// errors  none
// blocks  no
CLG_API clg_var clg_store_find(clg_store s, const char *name);

// The device of a store.
//
// s       the store
// result  the device; NULL for NULL
// errors  none
// blocks  no
CLG_API clg_device clg_store_device(clg_store s);

// Save every variable as a safetensors file, atomically. Pending assignments are run first.
//
// s, path the store, where to
// metadata  key, value, ..., NULL; may be NULL
// result  CLG_OK
// owns    nothing
// errors  CLG_EIO, CLG_ENOMEM; those of clg_eval_assigned
//         CLG_EINVAL    NULL, or text that is not UTF-8
// blocks  reads every variable, and writes to the disk
CLG_API clg_status clg_store_save(clg_store s, const char *path, const char *const *metadata);

// Load what clg_store_save wrote, optimizer state included. Strict, as load_state_dict: what was
// asked for and the file lacks, and what the file has and nobody asks for, is an error. A store
// that has parameters is compared with the file at once. One that has none takes all that is there,
// as neither parameters nor buffers until clg_store_param or clg_store_buffer (a layer) asks for
// them; asking for what the file lacks fails, and what is left over makes clg_store_check and an
// optimizer's first step fail. After one of these has passed, new names are welcome.
// Optimizer state ("optim.") may be missing, as in a file of weights alone; that of another kind of
// optimizer, of parameters that nobody asked for, or half of what a parameter has, makes the
// optimizer's first step fail.
//
// s, path the store, where from
// result  CLG_OK
// owns    nothing
// errors  CLG_EIO, CLG_ENOMEM, CLG_EINVAL for NULL
//         CLG_EFORMAT   the file is damaged, lacks a variable (names the nearest), has it of
//                       another type or shape, or has one that the store lacks
//         CLG_EDTYPE    a type that this library or device does not have
//         Before the whole file is known to fit, nothing changes.
// blocks  reads the file, uploads
CLG_API clg_status clg_store_load(clg_store s, const char *path);

struct clg_load_params {
    size_t size;
    bool allow_missing;    // what the file lacks keeps its numbers, or gets its first ones
    bool allow_unexpected; // what nobody asks for stays in the store, and in what it saves
};
#define clg_load_params(...)                                                                       \
    (&(struct clg_load_params) { .size = sizeof(struct clg_load_params), __VA_ARGS__ })

// Load a file that need not fit in every name. Types and shapes have to.
//
// s, path as of clg_store_load
// p       what may differ; NULL: nothing
// result  CLG_OK
// owns    nothing
// errors  as of clg_store_load; CLG_EINVAL also where p is refused by clg_params_read
// blocks  as clg_store_load
CLG_API clg_status clg_store_load_with(clg_store s, const char *path,
                                       const struct clg_load_params *p);

// Has all that was loaded been asked for? To be called when the network has been built, by programs
// that do not train it: an optimizer's first step asks the same. Optimizer state does not count.
//
// s       the store
// result  CLG_OK, also where nothing was loaded
// owns    nothing
// errors  CLG_EFORMAT   names what was not; CLG_EINVAL for NULL
// blocks  no
CLG_API clg_status clg_store_check(clg_store s);

// What was asked for and the file that was loaded last lacks.
//
// s, i    the store, 0, 1, ...
// result  the name; NULL beyond the last one
// owns    belongs to the store
// errors  none
// blocks  no
CLG_API const char *clg_store_missing(clg_store s, int i);

// What was loaded and has not been asked for, optimizer state apart.
//
// s, i    the store, 0, 1, ...
// result  the name; NULL beyond the last one
// owns    belongs to the store
// errors  none
// blocks  no
CLG_API const char *clg_store_unexpected(clg_store s, int i);

struct clg_nn_conv_params {
    size_t size;
    int out, kernel, stride, padding, dilation, groups;
    bool no_bias;
    clg_init init;
    int kernel_d, kernel_h, kernel_w; // where they differ
    int output_padding;               // transposed only
    const struct clg_conv_params *conv; // all numbers, in place of those above; may be NULL
};
#define clg_nn_conv_params(...)                                                                    \
    (&(struct clg_nn_conv_params) { .size = sizeof(struct clg_nn_conv_params), __VA_ARGS__ })
#define clg_nn_conv2d_params clg_nn_conv_params // its name when there was one

// Convolution of 1-d images with its own parameters. A layer's call that fails leaves
// no parameter behind.
//
//   y = clg_conv1d(x, weight, bias)
//
// s, name the store; parameters name.weight [out,C/groups,KW] and name.bias [out]
// x       [N,C,W]       F32
// p       out and kernel are needed; else as of clg_conv1d. init is the weight's
// result  [N,out,W']    F32
// grad    x and the parameters
// errors  as of clg_conv1d and clg_store_param; CLG_ESHAPE without out or kernel; CLG_EINVAL:
//         NULL, or p is refused by clg_params_read
CLG_API clg_tensor clg_nn_conv1d(clg_store s, const char *name, clg_tensor x,
                              const struct clg_nn_conv_params *p);

// Convolution of 2-d images with its own parameters. A layer's call that fails leaves
// no parameter behind.
//
//   y = clg_conv2d(x, weight, bias)
//
// s, name the store; parameters name.weight [out,C/groups,KH,KW] and name.bias [out]
// x       [N,C,H,W]     F32
// p       out and kernel are needed; else as of clg_conv2d. init is the weight's
// result  [N,out,H',W'] F32
// grad    x and the parameters
// errors  as of clg_conv2d and clg_store_param; CLG_ESHAPE without out or kernel; CLG_EINVAL:
//         NULL, or p is refused by clg_params_read
CLG_API clg_tensor clg_nn_conv2d(clg_store s, const char *name, clg_tensor x,
                              const struct clg_nn_conv_params *p);

// Convolution of 3-d images with its own parameters. A layer's call that fails leaves
// no parameter behind.
//
//   y = clg_conv3d(x, weight, bias)
//
// s, name the store; parameters name.weight [out,C/groups,KD,KH,KW] and name.bias [out]
// x       [N,C,D,H,W]   F32
// p       out and kernel are needed; else as of clg_conv3d. init is the weight's
// result  [N,out,D',H',W'] F32
// grad    x and the parameters
// errors  as of clg_conv3d and clg_store_param; CLG_ESHAPE without out or kernel; CLG_EINVAL:
//         NULL, or p is refused by clg_params_read
CLG_API clg_tensor clg_nn_conv3d(clg_store s, const char *name, clg_tensor x,
                              const struct clg_nn_conv_params *p);

// Transposed convolution of 1-d images with its own parameters. A layer's call that fails leaves
// no parameter behind.
//
//   y = clg_conv_transpose1d(x, weight, bias)
//
// s, name the store; parameters name.weight [C,out/groups,KW] and name.bias [out]
// x       [N,C,W]       F32
// p       out and kernel are needed; else as of clg_conv_transpose1d. init is the weight's
// result  [N,out,W']    F32
// grad    x and the parameters
// errors  as of clg_conv_transpose1d and clg_store_param; CLG_ESHAPE without out or kernel,
//         or out is not a multiple of groups; CLG_EINVAL: NULL, or p is refused by clg_params_read
CLG_API clg_tensor clg_nn_conv_transpose1d(clg_store s, const char *name, clg_tensor x,
                                        const struct clg_nn_conv_params *p);

// Transposed convolution of 2-d images with its own parameters. A layer's call that fails leaves
// no parameter behind.
//
//   y = clg_conv_transpose2d(x, weight, bias)
//
// s, name the store; parameters name.weight [C,out/groups,KH,KW] and name.bias [out]
// x       [N,C,H,W]     F32
// p       out and kernel are needed; else as of clg_conv_transpose2d. init is the weight's
// result  [N,out,H',W'] F32
// grad    x and the parameters
// errors  as of clg_conv_transpose2d and clg_store_param; CLG_ESHAPE without out or kernel,
//         or out is not a multiple of groups; CLG_EINVAL: NULL, or p is refused by clg_params_read
CLG_API clg_tensor clg_nn_conv_transpose2d(clg_store s, const char *name, clg_tensor x,
                                        const struct clg_nn_conv_params *p);

// Transposed convolution of 3-d images with its own parameters. A layer's call that fails leaves
// no parameter behind.
//
//   y = clg_conv_transpose3d(x, weight, bias)
//
// s, name the store; parameters name.weight [C,out/groups,KD,KH,KW] and name.bias [out]
// x       [N,C,D,H,W]   F32
// p       out and kernel are needed; else as of clg_conv_transpose3d. init is the weight's
// result  [N,out,D',H',W'] F32
// grad    x and the parameters
// errors  as of clg_conv_transpose3d and clg_store_param; CLG_ESHAPE without out or kernel,
//         or out is not a multiple of groups; CLG_EINVAL: NULL, or p is refused by clg_params_read
CLG_API clg_tensor clg_nn_conv_transpose3d(clg_store s, const char *name, clg_tensor x,
                                        const struct clg_nn_conv_params *p);

struct clg_nn_linear_params {
    size_t size;
    int out;
    bool no_bias;
    clg_init init;
};
#define clg_nn_linear_params(...)                                                                  \
    (&(struct clg_nn_linear_params) { .size = sizeof(struct clg_nn_linear_params), __VA_ARGS__ })

// Linear layer.
//
//   y[...,o] = sum_i x[...,i] * weight[o,i] + bias[o]
//
// s, name the store; parameters name.weight [out,I] and name.bias [out]
// x       [...,I]       float
// p       out is needed. init is the weight's
// result  [...,out]     F32 for an F32 x
// grad    x and the parameters
// errors  as of clg_matmul and clg_store_param; CLG_ESHAPE without out; CLG_EINVAL for NULL, or p
//         is refused by clg_params_read
CLG_API clg_tensor clg_nn_linear(clg_store s, const char *name, clg_tensor x,
                                 const struct clg_nn_linear_params *p);

struct clg_nn_batch_norm_params {
    size_t size;
    double eps, momentum;
    bool no_affine;
    bool no_eps, no_momentum;
};
#define clg_nn_batch_norm_params(...)                                                              \
    (&(struct clg_nn_batch_norm_params) {                                                          \
        .size = sizeof(struct clg_nn_batch_norm_params), __VA_ARGS__ })

// Batch normalisation of vectors or of 1-d images: as clg_nn_batch_norm2d.
//
//   y = clg_batch_norm(x, weight, bias, running_mean, running_var)
//
// s, name, p   as of clg_nn_batch_norm2d
// x       [N,C] or [N,C,W]   float
// result  type and shape of x
// grad    x and the parameters
// errors  as of clg_nn_batch_norm2d
CLG_API clg_tensor clg_nn_batch_norm1d(clg_store s, const char *name, clg_tensor x,
                                       const struct clg_nn_batch_norm_params *p);

// Batch normalisation with its own parameters. While the store trains it records the assignment of
// the running statistics, which runs with the next evaluation of assignments.
//
//   y = clg_batch_norm(x, weight, bias, running_mean, running_var)
//
// s, name the store; parameters name.weight and name.bias [C] (1 and 0 first; not with no_affine),
//         buffers name.running_mean and name.running_var [C] (0 and 1 first)
// x       [N,C,H,W]     float
// p       may be NULL; eps, momentum, no_eps and no_momentum as of clg_batch_norm
// result  type and shape of x
// grad    x and the parameters
// errors  as of clg_batch_norm, clg_store_param and clg_assign_n; CLG_EINVAL for NULL
CLG_API clg_tensor clg_nn_batch_norm2d(clg_store s, const char *name, clg_tensor x,
                                       const struct clg_nn_batch_norm_params *p);

// Batch normalisation of 3-d images: as clg_nn_batch_norm2d.
//
//   y = clg_batch_norm(x, weight, bias, running_mean, running_var)
//
// s, name, p   as of clg_nn_batch_norm2d
// x       [N,C,D,H,W]   float
// result  type and shape of x
// grad    x and the parameters
// errors  as of clg_nn_batch_norm2d
CLG_API clg_tensor clg_nn_batch_norm3d(clg_store s, const char *name, clg_tensor x,
                                       const struct clg_nn_batch_norm_params *p);

struct clg_nn_norm_params {
    size_t size;
    int dims;   // layer and rms norm: how many of the last dimensions, 0: 1
    int groups; // group norm
    double eps;
    bool no_affine, no_bias;
    bool no_eps;
};
#define clg_nn_norm_params(...)                                                                    \
    (&(struct clg_nn_norm_params) { .size = sizeof(struct clg_nn_norm_params), __VA_ARGS__ })

// Layer normalisation with its own parameters.
//
//   y = clg_layer_norm(x, its last dimensions, weight, bias)
//
// s, name the store; parameters name.weight and name.bias of these dimensions (1 and 0 first; none
//         with no_affine, no bias with no_bias)
// x       float
// p       may be NULL; eps and no_eps as of clg_layer_norm
// result  type and shape of x
// grad    x and the parameters
// errors  as of clg_layer_norm and clg_store_param; CLG_ESHAPE: x has not dims dimensions;
//         CLG_EINVAL for NULL
CLG_API clg_tensor clg_nn_layer_norm(clg_store s, const char *name, clg_tensor x,
                                     const struct clg_nn_norm_params *p);

// Root mean square normalisation with its own parameters.
//
//   y = clg_rms_norm(x, its last dimensions, weight)
//
// s, name the store; parameter name.weight of these dimensions (1 first; not with no_affine)
// x       float
// p       may be NULL; eps and no_eps as of clg_rms_norm
// result  type and shape of x
// grad    x and the parameter
// errors  as of clg_nn_layer_norm
CLG_API clg_tensor clg_nn_rms_norm(clg_store s, const char *name, clg_tensor x,
                                   const struct clg_nn_norm_params *p);

// Group normalisation with its own parameters.
//
//   y = clg_group_norm(x, groups, weight, bias)
//
// s, name the store; parameters name.weight and name.bias [C] (1 and 0 first; none with no_affine,
//         no bias with no_bias)
// x       [N,C,...]     float
// p       groups is needed; eps and no_eps as of clg_group_norm
// result  type and shape of x
// grad    x and the parameters
// errors  as of clg_group_norm and clg_store_param; CLG_EINVAL for NULL
CLG_API clg_tensor clg_nn_group_norm(clg_store s, const char *name, clg_tensor x,
                                     const struct clg_nn_norm_params *p);

// Dropout while the store trains, else x itself.
//
// s       the store
// x, p    as of clg_dropout
// result  type and shape of x
// grad    x
// errors  as of clg_dropout, while the store trains; CLG_EINVAL: NULL
CLG_API clg_tensor clg_nn_dropout(clg_store s, clg_tensor x, double p);

CLG_END
#endif
