// SPDX-License-Identifier: MIT
// The table of cases. A row: name, function of ops.h, inputs; TWICE where second derivatives are
// checked; for the bench what it measures, the large shapes and their flops or bytes.
#include "cases.h"

#include <math.h>
#include <stdlib.h>

// ---- what the rows apply

#define APPLY(id, ...)                                                                             \
    static clg_tensor do_##id(const clg_tensor *x)                                                 \
    {                                                                                              \
        return __VA_ARGS__;                                                                        \
    }
#define APPLY_UNARY(id) APPLY(id, clg_##id(x[0]))
#define APPLY_BINARY(id)                                                                           \
    APPLY(id, clg_##id(x[0], x[1]))                                                                \
    APPLY(id##_scalar, clg_##id##_scalar(x[0], 0.75))                                              \
    APPLY(scalar_##id, clg_scalar_##id(1.25, x[0]))
CLG_UNARY_MAP(APPLY_UNARY)
CLG_BINARY_MAP(APPLY_BINARY)
#undef APPLY_UNARY
#undef APPLY_BINARY

APPLY(leaky_relu, clg_leaky_relu(x[0], 0.1))
APPLY(elu, clg_elu(x[0], 1.5))
APPLY(softplus, clg_softplus(x[0], 2, 3))
APPLY(clamp, clg_clamp(x[0], -0.5, 0.75))
APPLY(clamp_low, clg_clamp(x[0], -1, NAN))
APPLY(where, clg_where(x[0], x[1], x[2]))
APPLY(add_itself, clg_add(x[0], x[0]))
APPLY(chain,
      clg_mul(clg_tanh(clg_add(clg_mul(x[0], x[1]), x[2])), clg_sigmoid(clg_sub(x[2], x[0]))))
APPLY(to_i32, clg_cast(x[0], CLG_I32))
APPLY(to_i64, clg_cast(x[0], CLG_I64))
APPLY(to_u8, clg_cast(x[0], CLG_U8))
APPLY(to_bool, clg_cast(x[0], CLG_BOOL))
APPLY(to_f32, clg_cast(x[0], CLG_F32))

APPLY(sum, clg_sum(x[0], CLG_ALL, false))
APPLY(sum_rows, clg_sum(x[0], CLG_AXES(1), false))
APPLY(sum_columns, clg_sum(x[0], CLG_AXES(0), false))
APPLY(sum_middle, clg_sum(x[0], CLG_AXES(1), true))
APPLY(sum_ends, clg_sum(x[0], CLG_AXES(0, -1), false))
APPLY(mean, clg_mean(x[0], CLG_AXES(-1), true))
APPLY(mean_all, clg_mean(x[0], CLG_ALL, false))
APPLY(amax, clg_amax(x[0], CLG_AXES(0, 2), false))
APPLY(amin, clg_amin(x[0], CLG_AXES(1), true))
APPLY(any, clg_any(x[0], CLG_AXES(1), false))
APPLY(all, clg_all(x[0], CLG_AXES(0), true))
APPLY(argmax, clg_argmax(x[0], CLG_AXES(1), false))
APPLY(argmax_all, clg_argmax(x[0], CLG_ALL, false))
APPLY(argmin, clg_argmin(x[0], CLG_AXES(0), true))
APPLY(variance, clg_variance(x[0], CLG_AXES(1), 1, false))
APPLY(std, clg_std(x[0], CLG_AXES(0, 2), 0, true))
APPLY(logsumexp, clg_logsumexp(x[0], CLG_AXES(-1), false))
APPLY(softmax, clg_softmax(x[0], -1))
APPLY(softmax_0, clg_softmax(x[0], 0))
APPLY(log_softmax, clg_log_softmax(x[0], -1))
APPLY(log_softmax_1, clg_log_softmax(x[0], 1))
APPLY(cross_entropy, clg_cross_entropy(x[0], x[1], NULL))
APPLY(cross_entropy_all,
      clg_cross_entropy(x[0], x[1], clg_cross_entropy_params(.label_smoothing = 0.2, .weight = x[2],
                                                             .use_ignore_index = true,
                                                             .ignore_index = 1)))
APPLY(cross_entropy_none,
      clg_cross_entropy(x[0], x[1], clg_cross_entropy_params(.reduction = CLG_REDUCE_NONE)))
APPLY(mse_loss, clg_mse_loss(x[0], x[1], CLG_REDUCE_MEAN))
APPLY(mse_loss_sum, clg_mse_loss(x[0], x[1], CLG_REDUCE_SUM))

APPLY(reshape, clg_reshape(x[0], CLG_SHAPE(4, -1)))
APPLY(reshape_copy, clg_reshape(clg_permute(x[0], CLG_AXES(2, 0, 1)), CLG_SHAPE(-1)))
APPLY(flatten, clg_exp(clg_flatten(x[0], 1, 2)))
APPLY(permute, clg_permute(x[0], CLG_AXES(2, 0, 1)))
APPLY(transpose, clg_add_scalar(clg_transpose(x[0], 0, 1), 1))
APPLY(squeeze, clg_squeeze(x[0], CLG_AXES(1)))
APPLY(unsqueeze, clg_mul(clg_unsqueeze(x[0], 1), x[1]))
APPLY(expand, clg_expand(x[0], CLG_SHAPE(2, 5, -1)))
APPLY(slice, clg_slice(x[0], 1, 1, 6, 2))
APPLY(slice_back, clg_slice(x[0], 0, -1, INT64_MIN, -2))
APPLY(slice_rank_8, clg_slice(x[0], 3, 0, 5, 2))
APPLY(flip, clg_flip(x[0], CLG_AXES(0, 2)))
APPLY(pad, clg_pad(x[0], CLG_SHAPE(1, 0), CLG_SHAPE(0, 3), 0.5))
APPLY(concat, clg_concat(1, x[0], x[1], x[2]))
APPLY(stack, clg_stack(-1, x[0], x[1]))
APPLY(one_hot, clg_one_hot(x[0], 5))
APPLY(index_select, clg_index_select(x[0], 1, x[1]))
APPLY(index_select_0, clg_index_select(x[0], 0, x[1]))

static clg_tensor padded(clg_tensor x)
{
    clg_shape none = { .rank = x->shape.rank }, some = none;
    for (int d = 0; d < some.rank; d++)
        some.dim[d] = d + 1;
    return clg_pad(x, some, none, 0.25);
}

// Views of every kind under an op that must not mind.
APPLY(view_add, clg_add(clg_flip(x[0], CLG_AXES(1)), clg_transpose(x[1], 0, 1)))
APPLY(view_pads, clg_mul(padded(x[0]), clg_flip(padded(x[1]), CLG_AXES(0))))
APPLY(view_pad_pad, clg_exp(clg_pad(padded(x[0]), CLG_SHAPE(1, 1), CLG_SHAPE(2, 0), -1)))
APPLY(view_pad_sum, clg_sum(padded(x[0]), CLG_AXES(0), false))
APPLY(view_pad_max, clg_amax(padded(x[0]), CLG_AXES(1), false))
APPLY(view_flip_sum, clg_sum(clg_flip(x[0], CLG_AXES(0, 1, 2)), CLG_AXES(1), false))
APPLY(view_stride_sum, clg_sum(clg_slice(x[0], 2, -1, INT64_MIN, -2), CLG_AXES(2), false))
APPLY(view_of_value,
      clg_add(clg_flip(clg_exp(x[0]), CLG_AXES(0)), clg_slice(padded(x[0]), 0, 1, 99, 1)))
APPLY(view_reshaped,
      clg_mul(clg_reshape(clg_flip(clg_sin(x[0]), CLG_AXES(0)), CLG_SHAPE(3, 2, -1)), x[1]))
APPLY(view_matmul,
      clg_matmul(clg_flip(x[0], CLG_AXES(1)),
                 clg_slice(clg_transpose(x[1], 0, 1), 1, 0, 99, 2)))
APPLY(view_matmul_pad, clg_matmul(padded(x[0]), clg_exp(padded(x[1]))))
APPLY(view_conv, clg_conv2d(clg_transpose(x[0], 2, 3), clg_flip(x[1], CLG_AXES(2, 3)), NULL, NULL))
APPLY(view_conv_pad, clg_conv2d(padded(x[0]), x[1], NULL, NULL))
APPLY(view_pool, clg_max_pool2d(clg_flip(x[0], CLG_AXES(3)), clg_pool2d_params(.kernel = 2)))
APPLY(view_softmax, clg_softmax(clg_slice(padded(x[0]), 1, 0, 99, 2), 1))
APPLY(view_select, clg_index_select(clg_flip(x[0], CLG_AXES(0)), 0, x[1]))
APPLY(view_empty, clg_log_softmax(clg_tanh(clg_mul(x[0], x[1])), 0))
APPLY(view_concat, clg_concat(0, clg_flip(padded(x[0]), CLG_AXES(0)), padded(x[0]),
                              clg_exp(padded(x[0]))))

APPLY(matmul, clg_matmul(x[0], x[1]))
APPLY(matmul_bias, clg_relu(clg_add(clg_matmul(x[0], x[1]), x[2])))
APPLY(matmul_residual, clg_add(clg_mul(clg_matmul(x[0], x[1]), x[2]), clg_scalar_sub(1, x[3])))
APPLY(matmul_turned, clg_matmul(clg_transpose(x[0], -1, -2), clg_transpose(x[1], -1, -2)))

static clg_tensor same_conv(clg_tensor x, clg_tensor w)
{
    return clg_conv2d(x, w, NULL, clg_conv2d_params(.padding = (int) w->shape.dim[2] / 2));
}

// A gradient of a convolution with twice as many channels out as in; the cotangent is x, twice.
static clg_tensor conv_gradient(clg_tensor a, clg_tensor b, bool of_x)
{
    clg_tensor x = clg_is_tracked(a) ? a : clg_track(a), w = clg_is_tracked(b) ? b : clg_track(b);
    clg_tensor y = same_conv(x, w), out;
    clg_tensor flat = clg_reshape(a, CLG_SHAPE(-1));
    clg_tensor g = clg_reshape(clg_concat(0, flat, flat), y->shape);
    clg_vjp_n(y, g, of_x ? &x : &w, 1, false, &out);
    return out;
}

APPLY(conv, same_conv(x[0], x[1]))
APPLY(conv_bias, clg_relu(clg_conv2d(x[0], x[1], x[2], NULL)))
APPLY(conv_options, clg_conv2d(x[0], x[1], NULL,
                               clg_conv2d_params(.stride_h = 2, .padding_w = 2, .padding_h = 1,
                                                 .dilation_w = 2)))
APPLY(conv_groups, clg_conv2d(x[0], x[1], NULL, clg_conv2d_params(.groups = 2, .padding = 1)))
APPLY(conv_depthwise, clg_conv2d(x[0], x[1], NULL, clg_conv2d_params(.groups = 4, .stride = 2)))
APPLY(conv_dx, conv_gradient(x[0], x[1], true))
APPLY(conv_dw, conv_gradient(x[0], x[1], false))
APPLY(max_pool, clg_max_pool2d(x[0], clg_pool2d_params(.kernel = 2)))
APPLY(max_pool_options,
      clg_max_pool2d(x[0], clg_pool2d_params(.kernel_h = 3, .kernel_w = 2, .stride = 2,
                                             .padding = 1, .dilation_h = 2, .ceil_mode = true)))
APPLY(max_pool_overlap, clg_max_pool2d(x[0], clg_pool2d_params(.kernel = 3, .stride = 1)))
APPLY(avg_pool, clg_avg_pool2d(x[0], clg_pool2d_params(.kernel = 2)))
APPLY(avg_pool_options,
      clg_avg_pool2d(x[0], clg_pool2d_params(.kernel = 3, .stride = 2, .padding = 1,
                                             .exclude_padding = true, .ceil_mode = true)))
APPLY(batch_norm, clg_relu(clg_batch_norm(x[0], NULL, NULL, NULL, NULL,
                                          clg_batch_norm_params(.training = true))))
APPLY(batch_norm_affine, clg_batch_norm(x[0], x[1], x[2], NULL, NULL,
                                        clg_batch_norm_params(.training = true, .eps = 0.01)))
APPLY(batch_norm_eval, clg_batch_norm(x[0], x[1], x[2], x[3], x[4], NULL))

static clg_tensor do_batch_norm_running(const clg_tensor *x)
{
    clg_tensor mean = NULL, var = NULL;
    clg_batch_norm(x[0], NULL, NULL, x[1], x[2],
                   clg_batch_norm_params(.training = true, .momentum = 0.25, .new_mean = &mean,
                                         .new_var = &var));
    return mean && var ? clg_concat(0, mean, var) : x[0];
}

APPLY(uniform, clg_uniform(x[0]->dev, x[0]->dtype, CLG_SHAPE(5, 37), -1, 3))
APPLY(normal, clg_normal(x[0]->dev, x[0]->dtype, CLG_SHAPE(5, 37), 0.5, 2))
APPLY(bernoulli, clg_bernoulli(x[0]->dev, x[0]->dtype, CLG_SHAPE(101), 0.3))
APPLY(dropout, clg_dropout(x[0], 0.4))
APPLY(permutation, clg_add_scalar(clg_permutation(x[0]->dev, 29), 0))
APPLY(arange, clg_add(clg_arange(x[0]->dev, x[0]->dtype, -3, 4, clg_dtype_is_float(x[0]->dtype) ? 0.5 : 2), x[0]))

// ---- the table

#define SHAPE(...) { .rank = CLG__COUNT(int64_t, __VA_ARGS__), .dim = { __VA_ARGS__ } }
#define REAL(lo, hi, ...) { CASE_REAL, lo, hi, SHAPE(__VA_ARGS__) }
#define CONST(lo, hi, ...) { CASE_CONST, lo, hi, SHAPE(__VA_ARGS__) }
#define I64(lo, hi, ...) { CASE_I64, lo, hi, SHAPE(__VA_ARGS__) }
#define I32(lo, hi, ...) { CASE_I32, lo, hi, SHAPE(__VA_ARGS__) }
#define U8(lo, hi, ...) { CASE_U8, lo, hi, SHAPE(__VA_ARGS__) }
#define BOOL(...) { CASE_BOOL, 0, 2, SHAPE(__VA_ARGS__) }
#define R0(lo, hi) { CASE_REAL, lo, hi, { 0 } }
#define TWICE .twice = true
#define ROW(id, op, ...) { #id, #op, do_##id, { __VA_ARGS__ }
#define IS(id, op, ...) ROW(id, op, __VA_ARGS__) },
#define AS(name, id, op, ...) { #name, #op, do_##id, { __VA_ARGS__ } },
#define SMOOTH(id, lo, hi) ROW(id, id, REAL(lo, hi, 3, 5)), TWICE },
#define KINKED(id, lo, hi) ROW(id, id, REAL(lo, hi, 3, 7)) },
#define FLAT(id) ROW(id, id, CONST(-3, 3, 2, 9)) },
#define PAIR(id, la, ha, lb, hb)                                                                   \
    ROW(id, id, REAL(la, ha, 2, 1, 5), REAL(lb, hb, 3, 1)), TWICE },                               \
    ROW(id##_scalar, id##_scalar, REAL(la, ha, 5)) },                                              \
    ROW(scalar_##id, scalar_##id, REAL(lb, hb, 2, 3)) },
#define COMPARE(id)                                                                                \
    ROW(id, id, I64(-2, 2, 3, 6), I64(-2, 2, 6)) },                                                \
    ROW(id##_scalar, id##_scalar, CONST(-2, 2, 7)) },                                              \
    ROW(scalar_##id, scalar_##id, CONST(-2, 2, 7)) },
#define LOGIC(id)                                                                                  \
    ROW(id, id, BOOL(4, 5), BOOL(5)) },                                                            \
    ROW(id##_scalar, id##_scalar, BOOL(9)) },                                                      \
    ROW(scalar_##id, scalar_##id, CONST(-1, 1, 9)) },
// Every row of the maps by itself, where nearly every function is smooth: a new one is tested by existing.
#define PLAIN(id) { #id "_plain", #id, do_##id, { REAL(0.2, 0.8, 2, 3) } },
#define PLAIN_PAIR(id)                                                                             \
    { #id "_plain", #id, do_##id, { REAL(0.2, 0.8, 2, 3), REAL(1.1, 1.9, 3) } },                   \
    { #id "_scalar_plain", #id "_scalar", do_##id##_scalar, { REAL(0.2, 0.7, 5) } },               \
    { "scalar_" #id "_plain", "scalar_" #id, do_scalar_##id, { REAL(1.3, 1.9, 5) } },
#define M (1024.0 * 1024)

const op_case op_cases[] = {
    CLG_UNARY_MAP(PLAIN)
    CLG_BINARY_MAP(PLAIN_PAIR)

    // pointwise, one tensor
    SMOOTH(neg, -2, 2) KINKED(abs, -2, 2) FLAT(sign)
    { "exp", "exp", do_exp, { REAL(-2, 2, 3, 5) }, true,
      "exp(a), 16 M elements", { SHAPE(4096, 4096) }, 0, 128 * M },
    SMOOTH(expm1, -2, 2) SMOOTH(log, 0.3, 3) SMOOTH(log1p, -0.6, 3) SMOOTH(log2, 0.3, 3)
    SMOOTH(sqrt, 0.3, 3) SMOOTH(rsqrt, 0.3, 3) SMOOTH(reciprocal, 0.4, 3) SMOOTH(square, -2, 2)
    SMOOTH(sin, -3, 3) SMOOTH(cos, -3, 3) SMOOTH(tan, -1.2, 1.2) SMOOTH(asin, -0.8, 0.8)
    SMOOTH(acos, -0.8, 0.8) SMOOTH(atan, -3, 3) SMOOTH(sinh, -2, 2) SMOOTH(cosh, -2, 2)
    SMOOTH(tanh, -2, 2) SMOOTH(erf, -2, 2) FLAT(floor) FLAT(ceil) FLAT(round) FLAT(trunc)
    KINKED(relu, -2, 2)
    { "gelu", "gelu", do_gelu, { REAL(-3, 3, 3, 5) }, true,
      "erf-GELU, 4 M elements", { SHAPE(2048, 2048) }, 0, 32 * M },
    SMOOTH(gelu_tanh, -3, 3) SMOOTH(silu, -4, 4) SMOOTH(sigmoid, -4, 4) KINKED(hard_sigmoid, -5, 5)
    KINKED(hard_swish, -5, 5) IS(logical_not, logical_not, BOOL(7)) FLAT(is_nan) FLAT(is_inf)
    FLAT(is_finite) KINKED(leaky_relu, -2, 2) KINKED(elu, -2, 2) KINKED(softplus, -3, 3)
    KINKED(clamp, -2, 2) AS(clamp_low, clamp_low, clamp, I32(-5, 5, 9))

    // two tensors, and a number on either side
    { "add", "add", do_add, { REAL(-2, 2, 2, 1, 5), REAL(-2, 2, 3, 1) }, true,
      "a + b, 16 M elements", { SHAPE(4096, 4096), SHAPE(4096, 4096) }, 0, 192 * M },
    IS(add_scalar, add_scalar, REAL(-1, 1, 5)) IS(scalar_add, scalar_add, REAL(-1, 1, 2, 3))
    PAIR(sub, -2, 2, -2, 2) PAIR(mul, -2, 2, -2, 2) PAIR(div, -2, 2, 0.5, 2)
    PAIR(pow, 0.4, 2, -1.5, 2) PAIR(atan2, 0.5, 2, -2, -0.5)
    ROW(fmod, fmod, REAL(-2.5, -2.1, 2, 3), REAL(0.86, 0.98, 3)), TWICE },
    IS(fmod_scalar, fmod_scalar, REAL(0.8, 1.4, 4)) IS(scalar_fmod, scalar_fmod, REAL(0.65, 1.2, 4))
    ROW(remainder, remainder, REAL(-2.5, -2.1, 2, 3), REAL(0.86, 0.98, 3)), TWICE },
    IS(remainder_scalar, remainder_scalar, REAL(-1.4, -0.8, 4))
    IS(scalar_remainder, scalar_remainder, REAL(-1.2, -0.65, 4))
    PAIR(maximum, -2, 2, -2, 2) PAIR(minimum, -2, 2, -2, 2)
    COMPARE(eq) COMPARE(ne) COMPARE(lt) COMPARE(le) COMPARE(gt) COMPARE(ge)
    LOGIC(logical_and) LOGIC(logical_or) LOGIC(logical_xor)
    ROW(where, where, BOOL(3, 1), REAL(-1, 1, 4), REAL(-1, 1, 3, 4)), TWICE },

    // broadcasts, ranks, sizes
    AS(add_rank_8, add, add, REAL(-1, 1, 1, 2, 1, 2, 1, 3, 1, 2),
        REAL(-1, 1, 2, 1, 2, 1, 2, 1, 2, 1))
    AS(mul_rank_0, mul, mul, R0(0.5, 1), R0(0.5, 1))
    AS(mul_number_row, mul, mul, R0(0.5, 1), REAL(-1, 1, 33))
    AS(sub_empty, sub, sub, REAL(-1, 1, 0, 3), REAL(-1, 1, 3))
    AS(exp_empty, exp, exp, REAL(-1, 1, 2, 0))
    AS(sum_empty, sum_rows, sum, REAL(-1, 1, 3, 0))
    AS(matmul_empty_k, matmul, matmul, REAL(-1, 1, 2, 0), REAL(-1, 1, 0, 3))
    AS(matmul_empty_m, matmul, matmul, REAL(-1, 1, 0, 4), REAL(-1, 1, 4, 3))
    AS(mul_long, mul, mul, REAL(-1, 1, 2, 67), REAL(-1, 1, 67))
    AS(exp_17, exp, exp, REAL(-1, 1, 17))
    AS(exp_rank_8, exp, exp, REAL(-1, 1, 1, 2, 1, 3, 1, 1, 2, 2))
    AS(tanh_one, tanh, tanh, REAL(-1, 1, 1))
    AS(add_column, add, add, REAL(-1, 1, 19, 1), REAL(-1, 1, 1, 3))
    IS(add_itself, add, REAL(-1, 1, 7))
    ROW(chain, tanh, REAL(-1, 1, 4, 5), REAL(-1, 1, 5), REAL(-1, 1, 4, 1)), TWICE },

    // integers
    AS(neg_i64, neg, neg, I64(-9, 9, 7)) AS(neg_u8, neg, neg, U8(0, 256, 9))
    AS(abs_i32, abs, abs, I32(-9, 9, 7))
    AS(abs_u8, abs, abs, U8(0, 256, 9)) AS(sign_i64, sign, sign, I64(-3, 3, 9))
    AS(square_i32, square, square, I32(-99999, 99999, 9))
    AS(relu_i32, relu, relu, I32(-9, 9, 7)) AS(floor_i64, floor, floor, I64(-9, 9, 7))
    AS(is_nan_i32, is_nan, is_nan, I32(-9, 9, 7))
    AS(is_finite_u8, is_finite, is_finite, U8(0, 9, 7)) AS(exp_i64, exp, exp, I64(-3, 3, 7))
    AS(sqrt_bool, sqrt, sqrt, BOOL(7))
    AS(add_i32, add, add, I32(-2e9, 2e9, 2, 17), I32(-2e9, 2e9, 17))
    AS(sub_u8, sub, sub, U8(0, 256, 19), U8(0, 256, 19))
    AS(mul_i64, mul, mul, I64(-4e18, 4e18, 19), I64(-9, 9, 19))
    AS(mul_i32, mul, mul, I32(-2e9, 2e9, 19), I32(-2e9, 2e9, 19))
    AS(div_i64, div, div, I64(-9, 9, 17), I64(1, 9, 17))
    AS(pow_i64, pow, pow, I64(-9, 9, 40), I64(-2, 7, 40))
    AS(pow_u8, pow, pow, U8(0, 9, 19), U8(0, 9, 19))
    AS(fmod_i32, fmod, fmod, I32(-9, 9, 90), I32(-3, 3, 90))
    AS(remainder_i32, remainder, remainder, I32(-9, 9, 90), I32(-3, 3, 90))
    AS(remainder_u8, remainder, remainder, U8(0, 99, 40), U8(0, 9, 40))
    AS(remainder_i64, remainder, remainder, I64(-9, 9, 90), I64(-3, 3, 90))
    AS(maximum_u8, maximum, maximum, U8(0, 256, 19), U8(0, 256, 19))
    AS(minimum_i64, minimum, minimum, I64(-9, 9, 19), I64(-9, 9, 19))
    AS(eq_u8, eq, eq, U8(0, 3, 19), U8(0, 3, 19))
    AS(lt_bool, lt, lt, BOOL(19), BOOL(19)) AS(eq_real, eq, eq, CONST(-2, 2, 19), CONST(-2, 2, 19))
    AS(and_i64, logical_and, logical_and, I64(-1, 2, 19), CONST(-1, 1, 19))
    AS(where_i32, where, where, I64(0, 2, 9), I32(-9, 9, 9), U8(0, 9, 9))
    AS(add_mixed, add, add, REAL(-1, 1, 3, 5), I64(-3, 3, 5))

    // casts
    IS(to_i32, cast, CONST(-5e9, 5e9, 40)) IS(to_i64, cast, CONST(-9, 9, 40))
    IS(to_u8, cast, CONST(-400, 400, 40))
    IS(to_bool, cast, I32(-2, 2, 19)) IS(to_f32, cast, I64(-9e15, 9e15, 19))
    AS(i64_to_i32, to_i32, cast, I64(-4e18, 4e18, 19))
    AS(i32_to_u8, to_u8, cast, I32(-999, 999, 19)) AS(u8_to_i64, to_i64, cast, U8(0, 256, 19))
    AS(bool_to_f32, to_f32, cast, BOOL(19))
    AS(real_to_bool, to_bool, cast, CONST(-1, 1, 19)) AS(real_to_f32, to_f32, cast, REAL(-1, 1, 19))

    // reductions
    { "sum", "sum", do_sum, { REAL(-1, 1, 3, 4, 5) }, true,
      "sum of 16 M elements", { SHAPE(4096, 4096) }, 0, 64 * M },
    { "sum_rows", "sum", do_sum_rows, { REAL(-1, 1, 5, 37) }, false,
      "sums of 4096 rows", { SHAPE(4096, 4096) }, 0, 64 * M },
    { "sum_columns", "sum", do_sum_columns, { REAL(-1, 1, 7, 19) }, false,
      "sums of 4096 columns", { SHAPE(4096, 4096) }, 0, 64 * M },
    IS(sum_middle, sum, REAL(-1, 1, 3, 9, 17)) IS(sum_ends, sum, REAL(-1, 1, 3, 4, 5))
    AS(sum_long, sum, sum, REAL(-1, 1, 5003)) AS(sum_rank_0, sum, sum, R0(0, 1))
    AS(sum_i32, sum_rows, sum, I32(-2e9, 2e9, 3, 19))
    AS(sum_u8, sum, sum, U8(0, 256, 40)) AS(sum_bool, sum_columns, sum, BOOL(7, 3))
    AS(sum_columns_long, sum_columns, sum, REAL(-1, 1, 300, 5))
    AS(sum_rank_8, sum_ends, sum, REAL(-1, 1, 2, 2, 1, 3, 1, 2, 2, 2))
    ROW(mean, mean, REAL(-1, 1, 4, 18)), TWICE }, AS(mean_all, mean_all, mean, REAL(-1, 1, 3, 5))
    IS(amax, amax, REAL(-1, 1, 3, 4, 5)) IS(amin, amin, REAL(-1, 1, 3, 35))
    AS(amax_u8, amax, amax, U8(0, 256, 3, 4, 5))
    AS(amin_i64, amin, amin, I64(-9, 9, 3, 8)) IS(any, any, BOOL(6, 4))
    IS(all, all, I32(-2, 9, 3, 9)) AS(any_real, any, any, CONST(-1, 1, 3, 9))
    IS(argmax, argmax, CONST(-9, 9, 4, 35)) IS(argmax_all, argmax, I64(-3, 3, 5, 7))
    IS(argmin, argmin, CONST(-9, 9, 9, 5))
    AS(argmax_u8, argmax, argmax, U8(0, 4, 5, 19))
    ROW(variance, variance, REAL(-1, 1, 3, 7)), TWICE },
    ROW(std, std, REAL(-1, 1, 3, 2, 5)), TWICE },
    ROW(logsumexp, logsumexp, REAL(-3, 3, 4, 9)), TWICE },

    // rows and losses
    { "softmax", "softmax", do_softmax, { REAL(-3, 3, 5, 19) }, true,
      "rows of 1000", { SHAPE(16384, 1000) }, 0, 8 * 16384e3 },
    { "softmax_10", "softmax", do_softmax, { REAL(-3, 3, 7, 10) }, false,
      "rows of 10", { SHAPE(65536, 10) }, 0, 8 * 655360.0 },
    AS(softmax_0, softmax_0, softmax, REAL(-3, 3, 5, 3))
    AS(softmax_wide, softmax, softmax, REAL(-3, 3, 2, 300))
    AS(softmax_one, softmax, softmax, REAL(-3, 3, 4, 1))
    AS(softmax_rank_1, softmax, softmax, REAL(-3, 3, 17))
    ROW(log_softmax, log_softmax, REAL(-3, 3, 4, 35)), TWICE },
    AS(log_softmax_1, log_softmax_1, log_softmax, REAL(-3, 3, 2, 5, 3))
    ROW(cross_entropy, cross_entropy, REAL(-3, 3, 6, 4), I64(0, 4, 6)), TWICE },
    IS(cross_entropy_all, cross_entropy, REAL(-3, 3, 6, 4), I32(0, 4, 6), CONST(0.5, 1.5, 4))
    AS(cross_entropy_2d, cross_entropy_none, cross_entropy, REAL(-3, 3, 2, 4, 3), I64(0, 4, 2, 3))
    ROW(mse_loss, mse_loss, REAL(-1, 1, 3, 4), REAL(-1, 1, 3, 4)), TWICE },
    IS(mse_loss_sum, mse_loss, REAL(-1, 1, 3, 4), CONST(-1, 1, 3, 4))

    // movement
    IS(reshape, reshape, REAL(-1, 1, 2, 6)) IS(reshape_copy, reshape, REAL(-1, 1, 2, 3, 4))
    IS(flatten, flatten, REAL(-1, 1, 2, 3, 4))
    IS(permute, permute, REAL(-1, 1, 2, 3, 4))
    { "transpose", "transpose", do_transpose, { REAL(-1, 1, 5, 18) }, false,
      "a^T + 1, 4 M elements", { SHAPE(2048, 2048) }, 0, 32 * M },
    IS(squeeze, squeeze, REAL(-1, 1, 3, 1, 2))
    IS(unsqueeze, unsqueeze, REAL(-1, 1, 3, 4), REAL(-1, 1, 2, 4))
    IS(expand, expand, REAL(-1, 1, 5, 1))
    ROW(slice, slice, REAL(-1, 1, 3, 7)), TWICE }, IS(slice_back, slice, REAL(-1, 1, 7, 3))
    IS(slice_rank_8, slice, REAL(-1, 1, 1, 2, 1, 5, 1, 1, 2, 1))
    IS(flip, flip, REAL(-1, 1, 2, 3, 17))
    ROW(pad, pad, REAL(-1, 1, 3, 4)), TWICE },
    ROW(concat, concat, REAL(-1, 1, 2, 3), REAL(-1, 1, 2, 1), REAL(-1, 1, 2, 4)), TWICE },
    IS(stack, stack, REAL(-1, 1, 2, 3), REAL(-1, 1, 2, 3)) IS(one_hot, one_hot, I64(0, 5, 2, 4))
    AS(one_hot_u8, one_hot, one_hot, U8(0, 9, 7))
    ROW(index_select, index_select, REAL(-1, 1, 2, 5, 3), I64(0, 5, 7)), TWICE },
    IS(index_select_0, index_select, I32(-9, 9, 5, 3), I32(-1, 6, 9))
    AS(concat_mixed, concat, concat, I32(-9, 9, 2, 3), U8(0, 9, 2, 2), I64(-9, 9, 2, 1))

    // views under other ops
    IS(view_add, flip, REAL(-1, 1, 4, 5), REAL(-1, 1, 5, 4))
    ROW(view_pads, pad, REAL(-1, 1, 3, 4), REAL(-1, 1, 3, 4)), TWICE },
    IS(view_pad_pad, pad, REAL(-1, 1, 2, 3)) IS(view_pad_sum, sum, REAL(-1, 1, 3, 18))
    IS(view_pad_max, amax, REAL(1, 2, 3, 4))
    IS(view_flip_sum, sum, REAL(-1, 1, 3, 4, 5)) IS(view_stride_sum, sum, REAL(-1, 1, 2, 3, 37))
    IS(view_of_value, slice, REAL(-1, 1, 5))
    IS(view_reshaped, reshape, REAL(-1, 1, 6, 5), REAL(-1, 1, 2, 5))
    IS(view_matmul, matmul, REAL(-1, 1, 5, 6), REAL(-1, 1, 9, 6))
    IS(view_matmul_pad, matmul, REAL(-1, 1, 3, 4), REAL(-1, 1, 5, 3))
    IS(view_conv, conv2d, REAL(-1, 1, 1, 2, 6, 5), REAL(-1, 1, 3, 2, 3, 3))
    IS(view_conv_pad, conv2d, REAL(-1, 1, 1, 1, 4, 4), REAL(-1, 1, 2, 3, 3, 3))
    IS(view_pool, max_pool2d, REAL(-1, 1, 1, 2, 4, 7))
    IS(view_softmax, softmax, REAL(-1, 1, 3, 7))
    IS(view_select, index_select, REAL(-1, 1, 4, 3), I64(0, 4, 6))
    IS(view_empty, transpose, REAL(-1, 1, 3, 1), REAL(-1, 1, 3, 0))
    IS(view_concat, concat, REAL(-1, 1, 3, 2))

    // matrices
    AS(matmul, matmul, matmul, REAL(-1, 1, 3, 5), REAL(-1, 1, 5, 4))
    { "matmul_128", "matmul", do_matmul, { REAL(-1, 1, 13, 17), REAL(-1, 1, 17, 66) }, false,
      "128 x 128 x 128", { SHAPE(128, 128), SHAPE(128, 128) }, 2.0 * 128 * 128 * 128, 0 },
    { "matmul_512", "matmul", do_matmul, { REAL(-1, 1, 2, 65, 3), REAL(-1, 1, 2, 3, 33) }, false,
      "512 x 512 x 512", { SHAPE(512, 512), SHAPE(512, 512) }, 2.0 * 512 * 512 * 512, 0 },
    { "matmul_1024", "matmul", do_matmul, { REAL(-1, 1, 2, 1, 3, 4), REAL(-1, 1, 3, 4, 2) }, true,
      "1024 x 1024 x 1024", { SHAPE(1024, 1024), SHAPE(1024, 1024) }, 2.0 * 1024 * 1024 * 1024, 0 },
    { "matmul_linear", "matmul", do_matmul, { REAL(-1, 1, 5, 130), REAL(-1, 1, 130, 3) }, false,
      "128 x 3136 x 128", { SHAPE(128, 3136), SHAPE(3136, 128) }, 2.0 * 128 * 3136 * 128, 0 },
    AS(matmul_vector, matmul, matmul, REAL(-1, 1, 7), REAL(-1, 1, 7, 3))
    AS(matmul_dot, matmul, matmul, REAL(-1, 1, 19), REAL(-1, 1, 19))
    IS(matmul_bias, matmul, REAL(-1, 1, 7, 5), REAL(-1, 1, 5, 18), REAL(-1, 1, 18))
    IS(matmul_turned, matmul, REAL(-1, 1, 2, 5, 3), REAL(-1, 1, 2, 4, 5))
    IS(matmul_residual, matmul, REAL(-1, 1, 7, 5), REAL(-1, 1, 5, 18), REAL(-1, 1, 7, 1),
        REAL(-1, 1, 7, 18))

    // convolutions
    { "conv_first", "conv2d", do_conv, { REAL(-1, 1, 2, 1, 6, 7), REAL(-1, 1, 3, 1, 3, 3) }, false,
      "128x1x28x28 with 32 of 3x3", { SHAPE(128, 1, 28, 28), SHAPE(32, 1, 3, 3) },
      2.0 * 128 * 784 * 32 * 9, 0 },
    { "conv", "conv2d", do_conv, { REAL(-1, 1, 2, 3, 5, 6), REAL(-1, 1, 4, 3, 3, 3) }, true,
      "128x32x14x14 with 64 of 3x3", { SHAPE(128, 32, 14, 14), SHAPE(64, 32, 3, 3) },
      2.0 * 128 * 196 * 64 * 288, 0 },
    { "conv_dx", "conv2d", do_conv_dx, { REAL(-1, 1, 1, 2, 4, 5), REAL(-1, 1, 4, 2, 3, 3) }, true,
      "its gradient for the input", { SHAPE(128, 32, 14, 14), SHAPE(64, 32, 3, 3) },
      2.0 * 128 * 196 * 64 * 288, 0 },
    { "conv_dw", "conv2d", do_conv_dw, { REAL(-1, 1, 1, 2, 4, 5), REAL(-1, 1, 4, 2, 3, 3) }, true,
      "its gradient for the weights", { SHAPE(128, 32, 14, 14), SHAPE(64, 32, 3, 3) },
      2.0 * 128 * 196 * 64 * 288, 0 },
    { "conv_resnet", "conv2d", do_conv, { REAL(-1, 1, 1, 5, 4, 35), REAL(-1, 1, 17, 5, 3, 3) },
        false,
      "8x64x56x56 with 64 of 3x3", { SHAPE(8, 64, 56, 56), SHAPE(64, 64, 3, 3) },
      2.0 * 8 * 3136 * 64 * 576, 0 },
    IS(conv_bias, conv2d, REAL(-1, 1, 2, 3, 5, 6), REAL(-1, 1, 5, 3, 2, 3), REAL(-1, 1, 5))
    IS(conv_options, conv2d, REAL(-1, 1, 1, 2, 7, 6), REAL(-1, 1, 3, 2, 3, 2))
    IS(conv_groups, conv2d, REAL(-1, 1, 1, 4, 5, 4), REAL(-1, 1, 6, 2, 3, 3))
    IS(conv_depthwise, conv2d, REAL(-1, 1, 1, 4, 6, 6), REAL(-1, 1, 4, 1, 3, 3))

    // pooling and normalisation
    { "max_pool", "max_pool2d", do_max_pool, { REAL(-1, 1, 2, 2, 5, 6) }, true,
      "2x2 of 128x32x28x28", { SHAPE(128, 32, 28, 28) }, 0, 6 * 3211264.0 },
    AS(max_pool_wide, max_pool, max_pool2d, REAL(-1, 1, 1, 2, 4, 67))
    IS(max_pool_options, max_pool2d, REAL(-1, 1, 1, 2, 8, 7))
    IS(max_pool_overlap, max_pool2d, REAL(-1, 1, 1, 2, 5, 6))
    ROW(avg_pool, avg_pool2d, REAL(-1, 1, 1, 2, 5, 6)), TWICE },
    IS(avg_pool_options, avg_pool2d, REAL(-1, 1, 1, 2, 6, 7))
    { "batch_norm", "batch_norm", do_batch_norm, { REAL(-1, 1, 4, 3, 2, 2) }, false,
      "batch norm and relu, 128x32x28x28", { SHAPE(128, 32, 28, 28) }, 0, 16 * 3211264.0 },
    ROW(batch_norm_affine, batch_norm, REAL(-1, 1, 3, 2, 3), REAL(0.5, 1, 2), REAL(-1, 1, 2)),
        TWICE },
    ROW(batch_norm_eval, batch_norm, REAL(-1, 1, 3, 2, 3), REAL(0.5, 1, 2), REAL(-1, 1, 2),
        CONST(-1, 1, 2), CONST(0.5, 1, 2)), TWICE },
    IS(batch_norm_running, batch_norm, CONST(-1, 1, 4, 3, 2), CONST(-1, 1, 3), CONST(0.5, 1, 3))

    // sources
    IS(uniform, uniform, CONST(0, 1, 1)) IS(normal, normal, CONST(0, 1, 1))
    IS(bernoulli, bernoulli, CONST(0, 1, 1)) IS(dropout, dropout, REAL(-1, 1, 5, 19))
    IS(permutation, permutation, CONST(0, 1, 1)) IS(arange, arange, REAL(-1, 1, 14))
    AS(arange_i64, arange, arange, I64(-9, 9, 1))
};
const int op_case_count = (int) (sizeof op_cases / sizeof op_cases[0]);

// ---- numbers

static double next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double) (*state >> 11) * 0x1p-53;
}

// Real numbers: one in each of n slots, on a grid whose points are odd multiples of a small power of
// two, so that neither ties nor kinks (whole and half numbers) are near; two inputs have two grids.
static void reals(double lo, double hi, int64_t n, double shift, uint64_t *state, double *out)
{
    const double slot = (hi - lo) / (double) n;
    double grid = 1.0 / 64;
    while (grid > slot / 2 && grid > 0x1p-18)
        grid /= 2;
    for (int64_t i = 0; i < n; i++) {
        const double v = lo + slot * ((double) i + next(state));
        out[i] = (double) (float) ((floor(v / grid) + shift) * grid);
    }
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = (int64_t) (next(state) * (double) (i + 1));
        const double t = out[i];
        out[i] = out[j];
        out[j] = t;
    }
}

void case_values(const op_case *c, int input, uint64_t *state, double *out)
{
    const case_input *in = &c->in[input];
    const int64_t n = clg_numel(in->shape);
    if (in->kind == CASE_REAL || in->kind == CASE_CONST) {
        reals(in->lo, in->hi, n, input % 2 ? 0.25 : 0.5, state, out);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = floor(in->lo + (in->hi - in->lo) * next(state));
}

clg_dtype case_dtype(const op_case *c, int input, clg_dtype real)
{
    switch (c->in[input].kind) {
    case CASE_I64:
        return CLG_I64;
    case CASE_I32:
        return CLG_I32;
    case CASE_U8:
        return CLG_U8;
    case CASE_BOOL:
        return CLG_BOOL;
    default:
        return real;
    }
}

void *case_elements(clg_dtype t, const double *v, int64_t n)
{
    void *p = malloc((size_t) n * clg_dtype_size(t) + 8);
    for (int64_t i = 0; p && i < n; i++) {
        switch (t) {
        case CLG_F32:
            ((float *) p)[i] = (float) v[i];
            break;
        case CLG_F64:
            ((double *) p)[i] = v[i];
            break;
        case CLG_I32:
            ((int32_t *) p)[i] = (int32_t) v[i];
            break;
        case CLG_I64:
            ((int64_t *) p)[i] = (int64_t) v[i];
            break;
        default:
            ((uint8_t *) p)[i] = (uint8_t) v[i];
        }
    }
    return p;
}
