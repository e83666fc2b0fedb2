// SPDX-License-Identifier: MIT
// Normalisation: by the statistics of a batch, of images, of rows or of groups of channels, and by
// norms. Statistics are taken in two passes, the mean exact, so that data far from zero and equal
// elements are normalised as others. F16 and BF16 are computed in F32. What ops.h says of every
// operation holds here too.
#ifndef CLGRAD_NORM_H
#define CLGRAD_NORM_H

#include <clgrad/tensor.h>

CLG_BEGIN

struct clg_batch_norm_params {
    size_t size;
    bool training;
    double eps;      // 0: 1e-5
    double momentum; // 0: 0.1
    // where running statistics go in training: new values to assign, may be NULL
    clg_tensor *new_mean, *new_var;
    bool no_eps;      // eps is 0 and not its default
    bool no_momentum; // momentum is 0: running statistics stay
};
#define clg_batch_norm_params(...)                                                                 \
    (&(struct clg_batch_norm_params) { .size = sizeof(struct clg_batch_norm_params), __VA_ARGS__ })

// Batch normalisation over every dimension but the second.
//
//   y = (x - m) / sqrt(v + eps) * weight + bias
//   m, v: mean and biased variance of x per channel, in training or when mean or var is NULL; else
//         mean and var
//   new_mean = (1 - momentum) mean + momentum m, new_var the same of v n/(n-1), n values a channel
//
// x       [N,C,...]     float
// weight, bias   [C]    type of x; each may be NULL
// mean, var   [C]       running statistics; each may be NULL
// p       may be NULL: inference. *new_mean and *new_var are set in training with mean and var,
//         else left
// result  type and shape of x
// grad    x, weight, bias; outside training also mean and var. new_mean and new_var: none
// errors  CLG_EDTYPE    x is not floating
//         CLG_ESHAPE    rank below 2, not C elements, or one value per channel in training
//         CLG_EINVAL    eps or momentum negative or not finite, or given together with no_eps or
//                       no_momentum
// source  Ioffe and Szegedy 2015
CLG_API clg_tensor clg_batch_norm(clg_tensor x, clg_tensor weight, clg_tensor bias,
                                  clg_tensor mean, clg_tensor var,
                                  const struct clg_batch_norm_params *p);

struct clg_instance_norm_params {
    size_t size;
    bool use_running; // by mean and var (use_input_stats = false)
    double eps;       // 0: 1e-5
    double momentum;  // 0: 0.1
    // where running statistics go: new values to assign, may be NULL
    clg_tensor *new_mean, *new_var;
    bool no_eps;      // eps is 0 and not its default
    bool no_momentum; // momentum is 0: running statistics stay
};
#define clg_instance_norm_params(...)                                                              \
    (&(struct clg_instance_norm_params) {                                                          \
        .size = sizeof(struct clg_instance_norm_params), __VA_ARGS__ })

// Normalisation of each channel of each image.
//
//   y = (x - m) / sqrt(v + eps) * weight + bias
//   m, v: mean and biased variance of x[n,c]; with use_running, mean and var
//   new_mean = (1 - momentum) mean + momentum m, averaged over the batch, new_var the same of
//         v n/(n-1), n values a channel of an image
//
// x       [N,C,...]     float
// weight, bias   [C]    each may be NULL
// mean, var   [C]       running statistics; each may be NULL
// p       may be NULL. *new_mean and *new_var are set with mean and var, unless use_running; else
//         left
// result  type and shape of x
// grad    x, weight, bias; with use_running also mean and var. new_mean and new_var: none
// errors  CLG_EDTYPE    x is not floating
//         CLG_ESHAPE    rank below 2, not C elements, or one value per channel of an image
//         CLG_EINVAL    use_running without mean and var; eps and momentum as of clg_batch_norm
// source  Ulyanov and others 2016
CLG_API clg_tensor clg_instance_norm(clg_tensor x, clg_tensor weight, clg_tensor bias,
                                     clg_tensor mean, clg_tensor var,
                                     const struct clg_instance_norm_params *p);

struct clg_norm_params {
    size_t size;
    double eps;  // 0: the function's default
    bool no_eps; // eps is 0 and not its default
};
#define clg_norm_params(...)                                                                       \
    (&(struct clg_norm_params) { .size = sizeof(struct clg_norm_params), __VA_ARGS__ })

// Layer normalisation over the last dimensions.
//
//   y = (x - m) / sqrt(v + eps) * weight + bias
//   m, v: mean and biased variance of x's last dimensions
//
// x       [...,shape]   float
// shape   the last dimensions of x, one or more: CLG_SHAPE(768)
// weight, bias   of this shape; each may be NULL
// p       may be NULL; eps is 1e-5 first
// result  type and shape of x
// grad    x, weight, bias
// errors  CLG_EDTYPE    x is not floating
//         CLG_ESHAPE    shape is 0-d, or not what x, weight and bias end with
//         CLG_EINVAL    eps is negative or not finite, or given together with no_eps
// source  Ba, Kiros and Hinton 2016
CLG_API clg_tensor clg_layer_norm(clg_tensor x, clg_shape shape, clg_tensor weight, clg_tensor bias,
                                  const struct clg_norm_params *p);

// Root mean square normalisation over the last dimensions.
//
//   y = x / sqrt(mean(x^2) + eps) * weight
//
// x, shape   as of clg_layer_norm
// weight  of this shape; may be NULL
// p       may be NULL; eps is 2^-23 first, for F64 2^-52
// result  type and shape of x
// grad    x, weight
// errors  as of clg_layer_norm
// source  Zhang and Sennrich 2019
CLG_API clg_tensor clg_rms_norm(clg_tensor x, clg_shape shape, clg_tensor weight,
                                const struct clg_norm_params *p);

// Normalisation of groups of channels of each image.
//
//   y = (x - m) / sqrt(v + eps) * weight + bias
//   m, v: mean and biased variance of C/groups neighbouring channels of x[n]
//
// x       [N,C,...]     float
// groups  C is a multiple of it
// weight, bias   [C]    each may be NULL
// p       may be NULL; eps is 1e-5 first
// result  type and shape of x
// grad    x, weight, bias
// errors  CLG_EDTYPE    x is not floating
//         CLG_ESHAPE    rank below 2, C is no multiple of groups, not C elements, or N is 1 and a
//                       group has one element
//         CLG_EINVAL    eps is negative or not finite, or given together with no_eps
// source  Wu and He 2018
CLG_API clg_tensor clg_group_norm(clg_tensor x, int groups, clg_tensor weight, clg_tensor bias,
                                  const struct clg_norm_params *p);

// Normalisation by neighbouring channels.
//
//   y[n,c] = x[n,c] / (k + alpha/size * sum of x[n,i]^2, i from c - size/2 to c + (size-1)/2)^beta
//
// x       [N,C,...]     float, rank 3 or more
// size    of the window, 1 or more; channels outside count as 0
// alpha, beta, k   PyTorch's defaults are 1e-4, 0.75 and 1
// result  type and shape of x
// grad    x
// errors  CLG_EDTYPE    x is not floating
//         CLG_ESHAPE    rank below 3
//         CLG_EINVAL    size is below 1
// source  Krizhevsky and others 2012
CLG_API clg_tensor clg_local_response_norm(clg_tensor x, int size, double alpha, double beta,
                                           double k);

// Division by the norm of an axis.
//
//   y = x / max(norm, eps), norm = (sum of abs(x)^p)^(1/p)
//
// x       float
// p       order of the norm: any, INFINITY (the largest), -INFINITY (the smallest), 0 (how many are
//         not 0). PyTorch's default is 2
// axis    may be negative; PyTorch's default is 1
// eps     PyTorch's default is 1e-12
// result  type and shape of x
// grad    x; the norm has slope 0 where it is 0, and none passes where eps is the larger
// errors  CLG_EDTYPE    x is not floating
//         CLG_ESHAPE    axis is out of range
//         CLG_EINVAL    p or eps is NaN
CLG_API clg_tensor clg_normalize(clg_tensor x, double p, int axis, double eps);

CLG_END
#endif
