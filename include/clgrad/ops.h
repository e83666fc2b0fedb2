// SPDX-License-Identifier: MIT
// Every operation. Shapes broadcast and types promote as in PyTorch.
#ifndef CLGRAD_OPS_H
#define CLGRAD_OPS_H

#include <clgrad/tensor.h>

CLG_BEGIN

// ---- pointwise, one tensor
#define CLG_UNARY_MAP(M)                                                                           \
    M(neg) M(abs) M(sign) M(exp) M(expm1) M(log) M(log1p) M(log2) M(sqrt) M(rsqrt) M(reciprocal)   \
    M(square) M(sin) M(cos) M(tan) M(asin) M(acos) M(atan) M(sinh) M(cosh) M(tanh) M(erf)          \
    M(floor) M(ceil) M(round) M(trunc) M(relu) M(gelu) M(gelu_tanh) M(silu) M(sigmoid)             \
    M(hard_sigmoid) M(hard_swish) M(logical_not) M(is_nan) M(is_inf) M(is_finite)
#define CLG_DECLARE_UNARY(name) CLG_API clg_tensor clg_##name(clg_tensor a);
CLG_UNARY_MAP(CLG_DECLARE_UNARY)
#undef CLG_DECLARE_UNARY
CLG_API clg_tensor clg_leaky_relu(clg_tensor a, double slope);
CLG_API clg_tensor clg_elu(clg_tensor a, double alpha);
CLG_API clg_tensor clg_softplus(clg_tensor a, double beta, double threshold);

// ---- pointwise, two tensors; with a number on either side as well
#define CLG_BINARY_MAP(M)                                                                          \
    M(add) M(sub) M(mul) M(div) M(pow) M(atan2) M(fmod) M(remainder) M(maximum) M(minimum)         \
    M(eq) M(ne) M(lt) M(le) M(gt) M(ge) M(logical_and) M(logical_or) M(logical_xor)
#define CLG_DECLARE_BINARY(name)                                                                   \
    CLG_API clg_tensor clg_##name(clg_tensor a, clg_tensor b);                                     \
    CLG_API clg_tensor clg_##name##_scalar(clg_tensor a, double b);                                \
    CLG_API clg_tensor clg_scalar_##name(double a, clg_tensor b);
CLG_BINARY_MAP(CLG_DECLARE_BINARY)
#undef CLG_DECLARE_BINARY

CLG_API clg_tensor clg_where(clg_tensor cond, clg_tensor a, clg_tensor b);
// NaN as a bound: none on that side.
CLG_API clg_tensor clg_clamp(clg_tensor a, double lo, double hi);
CLG_API clg_tensor clg_cast(clg_tensor a, clg_dtype t);

// ---- reductions; no axes named: all
CLG_API clg_tensor clg_sum(clg_tensor a, clg_shape axes, bool keepdims);
CLG_API clg_tensor clg_mean(clg_tensor a, clg_shape axes, bool keepdims);
CLG_API clg_tensor clg_amax(clg_tensor a, clg_shape axes, bool keepdims);
CLG_API clg_tensor clg_amin(clg_tensor a, clg_shape axes, bool keepdims);
CLG_API clg_tensor clg_any(clg_tensor a, clg_shape axes, bool keepdims);
CLG_API clg_tensor clg_all(clg_tensor a, clg_shape axes, bool keepdims);
CLG_API clg_tensor clg_argmax(clg_tensor a, clg_shape axes, bool keepdims);
CLG_API clg_tensor clg_argmin(clg_tensor a, clg_shape axes, bool keepdims);
// correction 1: unbiased
CLG_API clg_tensor clg_variance(clg_tensor a, clg_shape axes, int correction, bool keepdims);
CLG_API clg_tensor clg_std(clg_tensor a, clg_shape axes, int correction, bool keepdims);
CLG_API clg_tensor clg_logsumexp(clg_tensor a, clg_shape axes, bool keepdims);

// ---- rows and losses
CLG_API clg_tensor clg_softmax(clg_tensor a, int axis);
CLG_API clg_tensor clg_log_softmax(clg_tensor a, int axis);

typedef enum clg_reduction { CLG_REDUCE_MEAN, CLG_REDUCE_SUM, CLG_REDUCE_NONE } clg_reduction;
struct clg_cross_entropy_params {
    size_t size;
    clg_reduction reduction;
    double label_smoothing;
    clg_tensor weight;       // [K], may be NULL
    int64_t ignore_index;    // with use_ignore_index
    bool use_ignore_index;   // false: PyTorch's default, -100
};
#define clg_cross_entropy_params(...)                                                              \
    (&(struct clg_cross_entropy_params) { .size = sizeof(struct clg_cross_entropy_params),         \
                                          __VA_ARGS__ })
CLG_API clg_tensor clg_cross_entropy(clg_tensor logits, clg_tensor target,
                                     const struct clg_cross_entropy_params *p);
CLG_API clg_tensor clg_mse_loss(clg_tensor x, clg_tensor target, clg_reduction r);

// ---- movement
CLG_API clg_tensor clg_reshape(clg_tensor a, clg_shape shape); // one -1 is inferred
CLG_API clg_tensor clg_flatten(clg_tensor a, int first, int last);
CLG_API clg_tensor clg_permute(clg_tensor a, clg_shape axes);
CLG_API clg_tensor clg_transpose(clg_tensor a, int axis0, int axis1);
CLG_API clg_tensor clg_squeeze(clg_tensor a, clg_shape axes);
CLG_API clg_tensor clg_unsqueeze(clg_tensor a, int axis);
CLG_API clg_tensor clg_expand(clg_tensor a, clg_shape shape); // -1 keeps
CLG_API clg_tensor clg_slice(clg_tensor a, int axis, int64_t start, int64_t stop, int64_t step);
CLG_API clg_tensor clg_flip(clg_tensor a, clg_shape axes);
CLG_API clg_tensor clg_pad(clg_tensor a, clg_shape before, clg_shape after, double value);
CLG_API clg_tensor clg_concat_n(const clg_tensor *t, int n, int axis);
#define clg_concat(axis, ...)                                                                      \
    clg_concat_n((clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__), axis)
CLG_API clg_tensor clg_stack_n(const clg_tensor *t, int n, int axis);
#define clg_stack(axis, ...)                                                                       \
    clg_stack_n((clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__), axis)
CLG_API clg_tensor clg_one_hot(clg_tensor index, int64_t classes);
CLG_API clg_tensor clg_index_select(clg_tensor a, int axis, clg_tensor index);

// ---- matrix and convolution
CLG_API clg_tensor clg_matmul(clg_tensor a, clg_tensor b);

// Zero means PyTorch's default: stride 1 (pooling: the window), dilation 1, groups 1, padding 0.
// An _h/_w field of 0 takes the common one.
struct clg_conv2d_params {
    size_t size;
    int stride, padding, dilation, groups;
    int stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
};
#define clg_conv2d_params(...)                                                                     \
    (&(struct clg_conv2d_params) { .size = sizeof(struct clg_conv2d_params), __VA_ARGS__ })
CLG_API clg_tensor clg_conv2d(clg_tensor x, clg_tensor w, clg_tensor bias,
                              const struct clg_conv2d_params *p);

struct clg_pool2d_params {
    size_t size;
    int kernel, stride, padding, dilation; // dilation: max_pool2d only
    int kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
    bool exclude_padding; // avg_pool2d: divide by the pixels inside (count_include_pad = false)
    bool ceil_mode;
};
#define clg_pool2d_params(...)                                                                     \
    (&(struct clg_pool2d_params) { .size = sizeof(struct clg_pool2d_params), __VA_ARGS__ })
CLG_API clg_tensor clg_max_pool2d(clg_tensor x, const struct clg_pool2d_params *p);
CLG_API clg_tensor clg_avg_pool2d(clg_tensor x, const struct clg_pool2d_params *p);

struct clg_batch_norm_params {
    size_t size;
    bool training;
    double eps;      // 0: 1e-5
    double momentum; // 0: 0.1; below 0: cumulative average needs `batches`
    // where running statistics go in training: new values to assign, may be NULL
    clg_tensor *new_mean, *new_var;
};
#define clg_batch_norm_params(...)                                                                 \
    (&(struct clg_batch_norm_params) { .size = sizeof(struct clg_batch_norm_params), __VA_ARGS__ })
// x [N,C,...]; weight, bias, mean, var [C], each may be NULL (mean and var not in inference)
CLG_API clg_tensor clg_batch_norm(clg_tensor x, clg_tensor weight, clg_tensor bias,
                                  clg_tensor mean, clg_tensor var,
                                  const struct clg_batch_norm_params *p);

// ---- random, pure functions of (seed, counter, element); the device counts when seed is 0
CLG_API void clg_manual_seed(clg_device dev, uint64_t seed);
// The generator's state, for checkpoints.
CLG_API void clg_random_get_state(clg_device dev, uint64_t *seed, uint64_t *counter);
CLG_API void clg_random_set_state(clg_device dev, uint64_t seed, uint64_t counter);
CLG_API clg_tensor clg_uniform(clg_device dev, clg_dtype t, clg_shape shape, double lo, double hi);
CLG_API clg_tensor clg_normal(clg_device dev, clg_dtype t, clg_shape shape, double mean,
                              double std);
CLG_API clg_tensor clg_bernoulli(clg_device dev, clg_dtype t, clg_shape shape, double p);
CLG_API clg_tensor clg_permutation(clg_device dev, int64_t n); // I64 [n]
CLG_API clg_tensor clg_dropout(clg_tensor a, double p);        // training; scales by 1/(1-p)

CLG_END
#endif
