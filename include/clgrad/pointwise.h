// SPDX-License-Identifier: MIT
// Pointwise operations that take more than tensors, and activations: included by ops.h, whose head
// says what all operations share.
#ifndef CLGRAD_POINTWISE_H
#define CLGRAD_POINTWISE_H

#include <clgrad/tensor.h>

CLG_BEGIN

// On the way from a to b.
//
//   y = a + weight * (b - a) where abs(weight) < 1/2, else b - (b - a) * (1 - weight)
//
// a, b, weight   float, other types become F32; shapes that broadcast; the common type
// result  the broadcast shape, the common type
// grad    a: g (1 - weight); b: g weight; weight: g (b - a)
// errors  CLG_ESHAPE    shapes do not broadcast
CLG_API clg_tensor clg_lerp(clg_tensor a, clg_tensor b, clg_tensor weight);

// The same, by one number.
//
// a, b    as of clg_lerp
// weight  a number; no gradient
// result  as of clg_lerp
// grad    a, b: as of clg_lerp
// errors  CLG_ESHAPE    shapes do not broadcast
CLG_API clg_tensor clg_lerp_scalar(clg_tensor a, clg_tensor b, double weight);

// A product added.
//
//   y = a + value * b * c
//
// a, b, c   number (any type but BOOL); shapes that broadcast; the common type
// value   a number; a fraction beside integers makes them F32
// result  the broadcast shape, the common type
// grad    a: g; b: g value c; c: g value b
// errors  CLG_ESHAPE    shapes do not broadcast
//         CLG_EDTYPE    BOOL
CLG_API clg_tensor clg_addcmul(clg_tensor a, clg_tensor b, clg_tensor c, double value);

// A product added, the sum rounded once.
//
//   y = a * b + c
//
// a, b, c   float, other types become F32; shapes that broadcast; the common type
// result  the broadcast shape, the common type
// grad    a: g b; b: g a; c: g
// errors  CLG_ESHAPE    shapes do not broadcast
CLG_API clg_tensor clg_fma(clg_tensor a, clg_tensor b, clg_tensor c);

// A quotient added.
//
//   y = a + value * b / c
//
// a, b, c   float in all, other types become F32; shapes that broadcast; the common type
// value   a number
// result  the broadcast shape, float
// grad    a: g; b: g value / c; c: -g value b / c^2
// errors  CLG_ESHAPE    shapes do not broadcast
//         CLG_EDTYPE    b and c are no floats, where PyTorch refuses as well
CLG_API clg_tensor clg_addcdiv(clg_tensor a, clg_tensor b, clg_tensor c, double value);

// Log-odds, the inverse of sigmoid.
//
//   x = a, between eps and 1 - eps; y = log(x / (1 - x)), NaN for x outside 0 to 1
//
// a       float, other types become F32; any shape
// eps     a number; below 0: x = a
// result  shape of a, float
// grad    a: g / (x (1 - x)), 0 where a was limited, NaN outside 0 to 1
// errors  none of its own
CLG_API clg_tensor clg_logit(clg_tensor a, double eps);

// Derivatives of the logarithm of the gamma function: digamma for n = 0.
//
//   y = (-1)^(n+1) n! sum over k >= 0 of (a + k)^-(n+1)   for n > 0
//
// n       0 to 30
// a       float, other types become F32; any shape
// result  shape of a, float
// grad    a: g polygamma(n + 1, a)
// errors  CLG_EINVAL    n
CLG_API clg_tensor clg_polygamma(int n, clg_tensor a);

// In place of what is no number, numbers.
//
//   y = nan for NaN, posinf and neginf for infinities, else a
//
// a       any type and shape; one that is not floating is the result
// nan     a number
// posinf, neginf   numbers; NaN: the largest and the smallest number of a's type
// result  shape and type of a
// grad    a: g, 0 where a was replaced
// errors  none of its own
CLG_API clg_tensor clg_nan_to_num(clg_tensor a, double nan, double posinf, double neginf);

// Equal but for a little.
//
//   y = a == b, or abs(a - b) <= atol + abs(rtol * b), finite
//
// a, b    any types, shapes that broadcast; compared in their common type, integers as F64 where
//         the device has it, else F32
// rtol, atol   numbers, PyTorch's defaults are 1e-5 and 1e-8
// equal_nan   is NaN equal to NaN?
// result  the broadcast shape, BOOL
// grad    none
// errors  CLG_ESHAPE    shapes do not broadcast
//         CLG_EINVAL    rtol or atol below 0, or NaN
CLG_API clg_tensor clg_isclose(clg_tensor a, clg_tensor b, double rtol, double atol,
                               bool equal_nan);

// Is all of it close? clg_all of clg_isclose.
//
// a, b, rtol, atol, equal_nan   as of clg_isclose
// result  0-d, BOOL; true for nothing
// grad    none
// errors  as of clg_isclose
CLG_API clg_tensor clg_allclose(clg_tensor a, clg_tensor b, double rtol, double atol,
                                bool equal_nan);

// Nearest multiple of a power of ten, half to even.
//
//   y = round(a * 10^decimals) / 10^decimals
//
// a       number; integers need decimals of 0 or more, and stay
// decimals   -300 to 300; below 0 left of the point
// result  shape and type of a
// grad    zero
// errors  CLG_EDTYPE    BOOL, or integers with decimals below 0
//         CLG_EINVAL    decimals
CLG_API clg_tensor clg_round_decimals(clg_tensor a, int decimals);

// Power in double precision, as PyTorch has it; clg_pow is that in the arguments' own type.
//
//   y = a^b
//
// a, b    any types, shapes that broadcast; both become F64
// result  the broadcast shape, F64
// grad    as of clg_pow
// errors  CLG_ESHAPE    shapes do not broadcast
//         CLG_EDTYPE    the device lacks F64 (clg_device_has)
CLG_API clg_tensor clg_float_power(clg_tensor a, clg_tensor b);

// Every bit the other way.
//
//   y = -1 - a; not a for BOOL
//
// a       an integer type or BOOL, any shape
// result  shape and type of a
// grad    none
// errors  CLG_EDTYPE    a is floating
CLG_API clg_tensor clg_bitwise_not(clg_tensor a);

// ---- activations

// A relu with a learned slope below 0.
//
//   y = a where a > 0, else weight * a
//
// a       float, other types become F32; any shape
// weight  one element, or [C] for a of [N,C,...]
// result  shape of a, the common type
// grad    a: g where a > 0, else g weight; weight: the sum of g a where not a > 0
// errors  CLG_ESHAPE    weight has another shape
// source  He and others 2015
CLG_API clg_tensor clg_prelu(clg_tensor a, clg_tensor weight);

// Exponential linear unit with one slope on both sides of 0.
//
//   y = a where a > 0, else alpha * (e^(a / alpha) - 1)
//
// a       float, other types become F32; any shape
// alpha   a number, not 0; no gradient
// result  shape of a, float
// grad    a: g where a > 0, else g e^(a / alpha)
// errors  none of its own
// source  Barron 2017
CLG_API clg_tensor clg_celu(clg_tensor a, double alpha);

// Toward 0 by lambda.
//
//   y = a - lambda where a > lambda, a + lambda where a < -lambda, else 0; NaN stays
//
// a       float, other types become F32; any shape
// lambda  0 or more, PyTorch's default is 1/2; no gradient
// result  shape of a, float
// grad    a: g where abs(a) > lambda, else 0
// errors  CLG_EINVAL    lambda
CLG_API clg_tensor clg_softshrink(clg_tensor a, double lambda);

// Nothing near 0.
//
//   y = a where abs(a) > lambda, else 0; NaN stays
//
// a       float, other types become F32; any shape
// lambda  0 or more, PyTorch's default is 1/2; no gradient
// result  shape of a, float
// grad    a: g where abs(a) > lambda, else 0
// errors  CLG_EINVAL    lambda
CLG_API clg_tensor clg_hardshrink(clg_tensor a, double lambda);

// What tanh takes away.
//
//   y = a - tanh(a)
//
// a       float, other types become F32; any shape
// result  shape of a, float
// grad    a: g tanh(a)^2
// errors  none of its own
CLG_API clg_tensor clg_tanhshrink(clg_tensor a);

// Limit to a range; clg_clamp under its name as an activation.
//
//   y = min(max(a, lo), hi)
//
// a       number (any type but BOOL), any shape
// lo, hi  numbers, PyTorch's defaults are -1 and 1
// result  as of clg_clamp
// grad    a: g where lo < a < hi, else 0
// errors  CLG_EDTYPE    a is BOOL
//         CLG_EINVAL    lo > hi
CLG_API clg_tensor clg_hardtanh(clg_tensor a, double lo, double hi);

// A relu that ends at 6.
//
//   y = min(max(a, 0), 6)
//
// a       number (any type but BOOL), any shape
// result  shape and type of a
// grad    a: g where 0 < a < 6, else 0
// errors  CLG_EDTYPE    a is BOOL
CLG_API clg_tensor clg_relu6(clg_tensor a);

// A value in place of small ones.
//
//   y = a where a > threshold, else value; NaN stays
//
// a       number (any type but BOOL), any shape
// threshold, value   numbers; converted to a's type as of clg_scalar; no gradient
// result  shape and type of a
// grad    a: 0 where a <= threshold, else g
// errors  CLG_EDTYPE    a is BOOL
CLG_API clg_tensor clg_threshold(clg_tensor a, double threshold, double value);

// Gated linear unit.
//
//   y = first half of a * sigmoid(second half)
//
// a       float, rank 1 or more
// axis    which is halved, of an even size; may be negative
// result  type of a; the axis has half the size
// grad    a
// errors  CLG_EDTYPE    a is not floating
//         CLG_ESHAPE    no such axis, or an odd size
// source  Dauphin and others 2016
CLG_API clg_tensor clg_glu(clg_tensor a, int axis);

// Softmax of what is turned about: the least is the largest.
//
//   y = softmax(-a, axis)
//
// a, axis as of clg_softmax
// result  type and shape of a
// grad    a
// errors  as of clg_softmax
CLG_API clg_tensor clg_softmin(clg_tensor a, int axis);

// A draw from classes that can be differentiated.
//
//   y = softmax((logits - log(-log(u))) / tau, axis), u uniform; hard: 1 for the largest, else 0
//
// logits  float, any shape
// tau     temperature, above 0
// hard    the result is a choice, the gradient that of the softmax
// axis    of the classes, may be negative
// result  type and shape of logits
// grad    logits: that of the softmax
// errors  CLG_EDTYPE    logits are not floating
//         CLG_EINVAL    tau
//         CLG_ESHAPE    no such axis
// source  Jang and others 2016
CLG_API clg_tensor clg_gumbel_softmax(clg_tensor logits, double tau, bool hard, int axis);

// A relu with a random slope below 0.
//
//   y = a where a > 0, else slope * a; slope uniform from lower to upper, a draw for each element;
//   without training their middle
//
// a       float, any shape
// lower, upper   numbers, PyTorch's defaults are 1/8 and 1/3
// training   are slopes drawn?
// result  shape and type of a
// grad    a: g where a > 0, else slope * g
// errors  CLG_EDTYPE    a is not floating
//         CLG_EINVAL    lower is above upper, or one is not finite
// source  Xu and others 2015
CLG_API clg_tensor clg_rrelu(clg_tensor a, double lower, double upper, bool training);

CLG_END
#endif
