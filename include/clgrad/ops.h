// SPDX-License-Identifier: MIT
// Every operation. Shapes broadcast and types promote as in PyTorch.
//
// What all of them share, so that it is not said again:
//
// result  belongs to the innermost scope; nothing runs before an evaluation. Where an operation
//         changes nothing (a cast to the same type), the result may be the argument
// errors  a poisoned argument gives a poison of the same cause
//         CLG_EINVAL    NULL, a tensor of another device, or params that clg_params_read refuses
//         CLG_EDTYPE    the device lacks the result's type
//         CLG_ESHAPE    more than CLG_MAX_RANK dimensions, or 2^59 elements
//         CLG_ENOMEM    out of host memory
// grad    of floating arguments only; g is the cotangent of the result y. "none": gradients do not
//         pass, as if the result did not depend on the argument. "zero": they are zeros
//
// axes    from 0, or negative from the end. A 0-d tensor takes 0 and -1, as if it had one dimension
//
// In doc blocks "float" is F16, BF16, F32 or F64. F16 and BF16 are computed in F32 and rounded
// after every operation; sums, products, norms and derivatives are rounded once, at their end.
#ifndef CLGRAD_OPS_H
#define CLGRAD_OPS_H

#include <clgrad/conv.h>
#include <clgrad/create.h>
#include <clgrad/loss.h>
#include <clgrad/pointwise.h>
#include <clgrad/tensor.h>

CLG_BEGIN

// ---- pointwise, one tensor

// y = op(a), element by element: clg_neg(a), clg_exp(a), ... Columns: formula, types, gradient.
//
// a       any shape, of these types:
//         number  any but BOOL; integers wrap
//         float   any floating type; others become F32
//         test    any
//         logic   any; becomes BOOL first (nonzero and NaN are true)
//         integer any integer type or BOOL; whole: any integer type
// result  shape of a; type of a after that, BOOL for a test. erf and erfc are within 16 ulp,
//         as OpenCL has them
// grad    as in the table, where y is the result; "exact": of the formula. NaN gives NaN, but 0 for
//         abs, g for relu and hard_swish, 1.0507 g for selu. hard_swish: 0 at -3, g at 3
// errors  CLG_EDTYPE    BOOL where the table says number; sign of BOOL is BOOL
// source  gelu: Hendrycks and Gimpel 2016; silu: Elfwing and others 2017; hard_sigmoid and
//         hard_swish: Howard and others 2019; selu: Klambauer and others 2017; mish: Misra 2019
#define CLG_UNARY_MAP(M)                                                                           \
    M(neg)          /* -a                              | number | -g                          */   \
    M(abs)          /* absolute value                  | number | g * sign(a), 0 at 0         */   \
    M(sign)         /* -1, 0 or 1; 0 for NaN           | number | zero                        */   \
    M(exp)          /* e^a                             | float  | g * y                       */   \
    M(exp2)         /* 2^a                             | float  | g y ln 2                    */   \
    M(expm1)        /* e^a - 1                         | float  | g e^a                       */   \
    M(log)          /* natural logarithm               | float  | g / a                       */   \
    M(log1p)        /* log(1 + a)                      | float  | g / (1 + a)                 */   \
    M(log2)         /* logarithm to base 2             | float  | g / (a log 2)               */   \
    M(sqrt)         /* square root                     | float  | g / 2y, infinite at 0       */   \
    M(rsqrt)        /* 1 / sqrt(a)                     | float  | -g y^3 / 2                  */   \
    M(reciprocal)   /* 1 / a                           | float  | -g y^2                      */   \
    M(square)       /* a * a                           | number | 2 g a                       */   \
    M(sin)          /* sine                            | float  | g cos(a)                    */   \
    M(cos)          /* cosine                          | float  | -g sin(a)                   */   \
    M(tan)          /* tangent                         | float  | g (1 + y^2)                 */   \
    M(asin)         /* arc sine                        | float  | g / sqrt(1 - a^2)           */   \
    M(acos)         /* arc cosine                      | float  | -g / sqrt(1 - a^2)          */   \
    M(atan)         /* arc tangent                     | float  | g / (1 + a^2)               */   \
    M(sinh)         /* hyperbolic sine                 | float  | g cosh(a)                   */   \
    M(cosh)         /* hyperbolic cosine               | float  | g sinh(a)                   */   \
    M(tanh)         /* hyperbolic tangent              | float  | g (1 - y^2)                 */   \
    M(asinh)        /* inverse of sinh                 | float  | g / sqrt(a^2 + 1)           */   \
    M(acosh)        /* inverse of cosh, from 1 on      | float  | g / sqrt(a^2 - 1)           */   \
    M(atanh)        /* inverse of tanh                 | float  | g / (1 - a^2)               */   \
    M(erf)          /* error function                  | float  | 2 g exp(-a^2) / sqrt(pi)    */   \
    M(erfc)         /* 1 - erf(a), without cancelling  | float  | -2 g exp(-a^2) / sqrt(pi)   */   \
    M(erfinv)       /* inverse of erf                  | float  | g exp(y^2) sqrt(pi) / 2     */   \
    M(entr)         /* -a log(a), -infinity below 0    | float  | -g (log(a) + 1)             */   \
    M(ndtr)         /* erfc(-a / sqrt 2) / 2           | float  | g exp(-a^2 / 2) / sqrt(2 pi) */  \
    M(log_ndtr)     /* log(ndtr(a)), in its tail too   | float  | exact                       */   \
    M(i0)           /* modified Bessel, order 0        | float  | g i1(a)                     */   \
    M(i0e)          /* exp(-abs(a)) i0(a)              | float  | exact                       */   \
    M(i1)           /* modified Bessel, order 1        | float  | g (i0(a) - y / a)           */   \
    M(i1e)          /* exp(-abs(a)) i1(a)              | float  | exact                       */   \
    M(lgamma)       /* log of abs(gamma(a))            | float  | g digamma(a)                */   \
    M(digamma)      /* derivative of lgamma            | float  | g polygamma(1, a)           */   \
    M(log10)        /* logarithm to base 10            | float  | g / (a log 10)              */   \
    M(sinc)         /* sin(pi a) / (pi a), 1 at 0      | float  | exact                       */   \
    M(frac)         /* a - trunc(a)                    | float  | g                           */   \
    M(deg2rad)      /* a pi / 180                      | float  | g pi / 180                  */   \
    M(rad2deg)      /* a 180 / pi                      | float  | g 180 / pi                  */   \
    M(floor)        /* largest integer <= a            | number | zero                        */   \
    M(ceil)         /* smallest integer >= a           | number | zero                        */   \
    M(round)        /* nearest integer, half to even   | number | zero                        */   \
    M(trunc)        /* integer part                    | number | zero                        */   \
    M(relu)         /* max(a, 0); NaN stays            | number | 0 where a <= 0, else g      */   \
    M(gelu)         /* a/2 (1 + erf(a / sqrt 2))       | float  | exact                       */   \
    M(gelu_tanh)    /* gelu by tanh, 0.044715          | float  | exact, of this formula      */   \
    M(silu)         /* a / (1 + exp(-a))               | float  | exact                       */   \
    M(sigmoid)      /* 1 / (1 + exp(-a))               | float  | g y (1 - y)                 */   \
    M(hard_sigmoid) /* clamp(a/6 + 1/2, 0, 1)          | float  | g/6 where abs(a) < 3        */   \
    M(hard_swish)   /* a * hard_sigmoid(a)             | float  | 0, g (a/3 + 1/2) or g       */   \
    M(selu)         /* 1.0507 (a, or 1.6733 (e^a - 1)) | float  | exact                       */   \
    M(mish)         /* a tanh(log(1 + e^a))            | float  | exact                       */   \
    M(softsign)     /* a / (1 + abs(a))                | float  | g / (1 + abs(a))^2          */   \
    M(log_sigmoid)  /* log(sigmoid(a))                 | float  | g sigmoid(-a)               */   \
    M(logical_not)  /* not a                           | logic  | none                        */   \
    M(is_nan)       /* a is NaN                        | test   | none                        */   \
    M(is_inf)       /* a is infinite                   | test   | none                        */   \
    M(is_finite)    /* neither NaN nor infinite        | test   | none                        */   \
    M(is_posinf)    /* positive infinity               | test   | none                        */   \
    M(is_neginf)    /* negative infinity               | test   | none                        */   \
    M(signbit)      /* sign is minus: -0, NaN as well  | test   | none                        */
#define CLG_DECLARE_UNARY(name) CLG_API clg_tensor clg_##name(clg_tensor a);
CLG_UNARY_MAP(CLG_DECLARE_UNARY)
#undef CLG_DECLARE_UNARY

// A relu with a slope below 0.
//
//   y = a where a > 0, else slope * a
//
// a       float, other types become F32; any shape
// slope   a number; no gradient
// result  shape of a, float
// grad    a: g where a > 0, else slope * g
// errors  none of its own
CLG_API clg_tensor clg_leaky_relu(clg_tensor a, double slope);

// Exponential linear unit.
//
//   y = a where a > 0, else alpha * (e^a - 1)
//
// a       float, other types become F32; any shape
// alpha   a number; no gradient
// result  shape of a, float
// grad    a: alpha e^a g where a <= 0, else g
// errors  none of its own
// source  Clevert and others 2015
CLG_API clg_tensor clg_elu(clg_tensor a, double alpha);

// Smooth relu.
//
//   y = a where beta * a > threshold, else log(1 + e^(beta * a)) / beta
//
// a       float, other types become F32; any shape
// beta, threshold   numbers, PyTorch's defaults are 1 and 20; no gradient. Zero is no default here
// result  shape of a, float
// grad    a: g where beta * a > threshold, else g * sigmoid(beta * a)
// errors  none of its own
CLG_API clg_tensor clg_softplus(clg_tensor a, double beta, double threshold);

// ---- pointwise, two tensors; with a number on either side as well

// y = op(a, b), element by element: clg_add(a, b), clg_add_scalar(a, 2), clg_scalar_add(2, b), ...
// Columns: formula, types, gradient for a, gradient for b.
//
// a, b    shapes that broadcast; both take their common type (clg_promote_types; 0-d tensors are
//         weak), then as of the one-tensor table. A number takes the type of the tensor beside it;
//         one that this type cannot hold makes both I64 (-1 or 300 beside U8, 1e10 beside I32, 2
//         beside BOOL), or F32 with a fraction, NaN, infinite or beyond I64. It is a kernel
//         argument: changing it compiles nothing. Beside F16 and BF16, add, sub, mul, div and
//         floor_divide take the number as F32, as PyTorch does; others round it first
// result  the broadcast shape; the common type, BOOL for a test
// grad    as in the table, summed over what was broadcast. pow: 0 for a where b = 0, 0 for b where
//         a = 0 and b >= 0. atan2: 0 at the origin. fmod, remainder: the quotient is a constant.
//         maximum, minimum: g for both where one is NaN; fmax, fmin: 0 for the one that is NaN, g
//         for a where both are. xlogy: 0 for a where a = 0 and b <= 0. ldexp: infinite where 2^b is
// errors  CLG_ESHAPE    shapes do not broadcast
//         CLG_EDTYPE    two BOOL where the table says number, but add, maximum and fmax are their
//                       or, mul, minimum and fmin their and; a floating type where it says
//                       integer or whole, BOOL for whole; F16 or BF16 for nextafter
//
// Division by 0 never traps: it gives 0 for integers in all four kinds of division, infinities and
// NaN for the rest; the smallest integer by -1 wraps. floor_divide is, as PyTorch's, the quotient
// that remainder uses: 9 for 1 and 0.1f, which is more than a tenth. Integers stay integers there.
// A negative power of an integer is 0, of 1 and -1 as it should. remainder has the sign of b, fmod
// that of a. Shifts by less than 0, or by all bits and more, leave 0, of a negative number to the
// right -1. heaviside has the type of its arguments, 0 for NaN; gcd and lcm are not negative, but
// for the smallest integer.
#define CLG_BINARY_MAP(M)                                                                          \
    M(add)          /* a + b             | number | g                  | g                  */     \
    M(sub)          /* a - b             | number | g                  | -g                 */     \
    M(mul)          /* a * b             | number | g b                | g a                */     \
    M(div)          /* a / b             | float  | g / b              | -g y / b           */     \
    M(pow)          /* a^b               | number | g b a^(b-1)        | g y log(a)         */     \
    M(atan2)        /* angle of (b, a)   | float  | g b / (a^2 + b^2)  | -g a / (a^2 + b^2) */     \
    M(fmod)         /* a - b trunc(a/b)  | number | g                  | -g trunc(a/b)      */     \
    M(remainder)    /* a - b floor(a/b)  | number | g                  | -g floor_divide    */     \
    M(floor_divide) /* floor(a / b)      | number | zero               | zero               */     \
    M(trunc_divide) /* trunc(a / b)      | number | zero               | zero               */     \
    M(maximum)      /* larger; NaN wins  | number | g, tie g/2, else 0 | g, tie g/2, else 0 */     \
    M(minimum)      /* smaller; NaN wins | number | g, tie g/2, else 0 | g, tie g/2, else 0 */     \
    M(fmax)         /* larger; NaN loses | number | g, tie g/2, else 0 | g, tie g/2, else 0 */     \
    M(fmin)         /* the smaller alike | number | g, tie g/2, else 0 | g, tie g/2, else 0 */     \
    M(ldexp)        /* a * 2^b           | float  | g 2^b              | g y log(2)         */     \
    M(hypot)        /* sqrt(a^2 + b^2)   | float  | g a / y            | g b / y            */     \
    M(copysign)     /* abs(a), b's sign  | float  | g, -g, 0 at 0      | zero               */     \
    M(nextafter)    /* a's next toward b | float  | g, 0 where a = b   | zero               */     \
    M(heaviside)    /* 0, b at 0, or 1   | test   | none               | none               */     \
    M(xlogy)        /* a log(b), 0 for 0 | float  | g log(b)           | g a / b            */     \
    M(logaddexp)    /* log(e^a + e^b)    | float  | g sigmoid(a - b)   | g sigmoid(b - a)   */     \
    M(logaddexp2)   /* log2(2^a + 2^b)   | float  | as of base 2       | as of base 2       */     \
    M(bitwise_and)  /* bit by bit        | integer | none              | none               */     \
    M(bitwise_or)   /* bit by bit        | integer | none              | none               */     \
    M(bitwise_xor)  /* bit by bit        | integer | none              | none               */     \
    M(left_shift)   /* a * 2^b           | whole  | none               | none               */     \
    M(right_shift)  /* floor(a / 2^b)    | whole  | none               | none               */     \
    M(gcd)          /* largest divisor   | whole  | none               | none               */     \
    M(lcm)          /* smallest multiple | whole  | none               | none               */     \
    M(eq)           /* a == b            | test   | none               | none               */     \
    M(ne)           /* a != b            | test   | none               | none               */     \
    M(lt)           /* a < b             | test   | none               | none               */     \
    M(le)           /* a <= b            | test   | none               | none               */     \
    M(gt)           /* a > b             | test   | none               | none               */     \
    M(ge)           /* a >= b            | test   | none               | none               */     \
    M(logical_and)  /* both              | logic  | none               | none               */     \
    M(logical_or)   /* one or both       | logic  | none               | none               */     \
    M(logical_xor)  /* exactly one       | logic  | none               | none               */
#define CLG_DECLARE_BINARY(name)                                                                   \
    CLG_API clg_tensor clg_##name(clg_tensor a, clg_tensor b);                                     \
    CLG_API clg_tensor clg_##name##_scalar(clg_tensor a, double b);                                \
    CLG_API clg_tensor clg_scalar_##name(double a, clg_tensor b);
CLG_BINARY_MAP(CLG_DECLARE_BINARY)
#undef CLG_DECLARE_BINARY

// Choose by element.
//
//   y = cond ? a : b
//
// cond    any type; nonzero and NaN are true
// a, b    any types; take their common type. The three shapes broadcast
// result  the broadcast shape, the common type of a and b
// grad    a: g where cond, else 0; b: the rest. A value that was not chosen adds exactly 0
// errors  CLG_ESHAPE    shapes do not broadcast
CLG_API clg_tensor clg_where(clg_tensor cond, clg_tensor a, clg_tensor b);

// Limit to a range.
//
//   y = min(max(a, lo), hi); NaN stays
//
// a       number (any type but BOOL), any shape
// lo, hi  numbers; NaN: no limit on that side. hi wins where lo > hi. Beyond the range of a's type
//         they are its ends: -5 and 300 limit U8 to 0 and 255
// result  shape of a; type of a, F32 for integers beside a limit with a fraction
// grad    a: g where lo < a < hi, else 0: at either limit, and for NaN. An infinite limit is none
// errors  CLG_EDTYPE    a is BOOL
CLG_API clg_tensor clg_clamp(clg_tensor a, double lo, double hi);

// Another element type.
//
// a       any type and shape
// t       the type. To BOOL: not zero. Floating to integer: toward zero, saturating, NaN to 0 (to
//         types of 8 and 16 bits by way of I32, to U32 by way of I64, whose low bytes are taken, to
//         U64 below 0 too). Between integers: wraps. To F16 and BF16 by way of F32, to nearest even
// result  shape of a, type t
// grad    a: g in a's type, when both types are floating
// errors  CLG_EDTYPE    t is no type
CLG_API clg_tensor clg_cast(clg_tensor a, clg_dtype t);

// ---- reductions. Floating sums are compensated block by block, in an order that follows from the
// shape alone: the same bits on any number of cores.

// Sum. Floating sums are within 1 ulp of exact where elements have one sign; else within 1 ulp and
// 2^-30 (F32) or 2^-80 (F64) of the sum of magnitudes. What overflows on the way and comes back
// is exact too; infinities and NaN give what plain addition would.
//
//   y = sum of a over the axes
//
// a       any type and shape
// axes    CLG_AXES(...), negative ones from the end; CLG_ALL: all
// keepdims  reduced dimensions stay with size 1
// result  a's shape without the axes; type of a when floating, else I64
// grad    a: g, repeated
// errors  CLG_ESHAPE    an axis is out of range or doubled
CLG_API clg_tensor clg_sum(clg_tensor a, clg_shape axes, bool keepdims);

// Mean: correctly rounded but for an error like clg_sum's, so that the mean of equal elements is
// that element. A sum beyond the type's range does no harm.
//
//   y = sum of a over the axes / number of elements summed; NaN for none
//
// a       float, any shape
// axes, keepdims   as of clg_sum
// result  a's shape without the axes, type of a
// grad    a: g / number of elements
// errors  CLG_EDTYPE    a is not floating
//         CLG_ESHAPE    as of clg_sum
CLG_API clg_tensor clg_mean(clg_tensor a, clg_shape axes, bool keepdims);

// Largest element.
//
//   y = max of a over the axes; NaN wins
//
// a       any type and shape
// axes, keepdims   as of clg_sum
// result  a's shape without the axes, type of a
// grad    a: g split evenly between equal largest elements; NaN for all where y is
// errors  CLG_ESHAPE    as of clg_sum, or there is nothing to choose from
CLG_API clg_tensor clg_amax(clg_tensor a, clg_shape axes, bool keepdims);

// Smallest element.
//
//   y = min of a over the axes; NaN wins
//
// a       any type and shape
// axes, keepdims   as of clg_sum
// result  a's shape without the axes, type of a
// grad    a: g split evenly between equal smallest elements; NaN for all where y is
// errors  CLG_ESHAPE    as of clg_sum, or there is nothing to choose from
CLG_API clg_tensor clg_amin(clg_tensor a, clg_shape axes, bool keepdims);

// Is one true?
//
//   y = a[0] or a[1] or ...; false for none
//
// a       any type and shape; nonzero and NaN are true
// axes, keepdims   as of clg_sum
// result  a's shape without the axes, BOOL
// grad    none
// errors  CLG_ESHAPE    as of clg_sum
CLG_API clg_tensor clg_any(clg_tensor a, clg_shape axes, bool keepdims);

// Are all true?
//
//   y = a[0] and a[1] and ...; true for none
//
// a       any type and shape; nonzero and NaN are true
// axes, keepdims   as of clg_sum
// result  a's shape without the axes, BOOL
// grad    none
// errors  CLG_ESHAPE    as of clg_sum
CLG_API clg_tensor clg_all(clg_tensor a, clg_shape axes, bool keepdims);

// Where the largest element is.
//
//   y = first i with a[i] = max of a; the first NaN when there is one
//
// a       any type and shape
// axes    one axis, or CLG_ALL: the index counts the elements of a, row-major
// keepdims   as of clg_sum
// result  a's shape without the axis, I64
// grad    none
// errors  CLG_EINVAL    several axes named
//         CLG_ESHAPE    as of clg_amax
CLG_API clg_tensor clg_argmax(clg_tensor a, clg_shape axes, bool keepdims);

// Where the smallest element is.
//
//   y = first i with a[i] = min of a; the first NaN when there is one
//
// a       any type and shape
// axes, keepdims   as of clg_argmax
// result  a's shape without the axis, I64
// grad    none
// errors  as of clg_argmax
CLG_API clg_tensor clg_argmin(clg_tensor a, clg_shape axes, bool keepdims);

// Variance, in two passes so that nothing cancels: within 4 ulp, for data far from zero too (the
// deviation from a mean that is not rounded is exact to half an ulp). Neither squares nor their sum
// overflow or vanish where the result does not.
//
//   y = sum of (a - mean)^2 over the axes / max(0, n - correction), n the number of elements
//
// a       float, any shape
// axes, keepdims   as of clg_sum
// correction   1: unbiased (PyTorch's default), 0: of the whole population; any finite number
// result  a's shape without the axes, type of a. Where n <= correction it divides by 0: infinite,
//         NaN where every element is the mean
// grad    a: 2 g (a - mean) / (n - correction), also where that is below 0; for CLG_ALL g times
//         infinity where n <= correction. As PyTorch
// errors  CLG_EDTYPE    a is not floating
//         CLG_ESHAPE    as of clg_sum
//         CLG_EINVAL    correction is not finite
CLG_API clg_tensor clg_variance(clg_tensor a, clg_shape axes, double correction, bool keepdims);

// Standard deviation.
//
//   y = sqrt(variance), also where the variance itself would overflow or vanish
//
// a, axes, correction, keepdims   as of clg_variance
// result  as of clg_variance
// grad    a: g (a - mean) / (y (n - correction)); 0 where y is 0
// errors  as of clg_variance
CLG_API clg_tensor clg_std(clg_tensor a, clg_shape axes, double correction, bool keepdims);

// Logarithm of a sum of exponentials, without overflow.
//
//   y = log(sum of e^a over the axes)
//
// a       any type and shape
// axes, keepdims   as of clg_sum
// result  a's shape without the axes, type of a when floating, else F32; -inf for nothing and where
//         every element is
// grad    a: g e^(a - y)
// errors  CLG_ESHAPE    as of clg_sum
CLG_API clg_tensor clg_logsumexp(clg_tensor a, clg_shape axes, bool keepdims);

// ---- rows; losses: loss.h

// Softmax over one axis.
//
//   y = e^(a - m) / sum of e^(a - m), m the maximum; NaN for a row of -inf
//
// a       float, rank 1 or more
// axis    may be negative; at most 2^31 - 1 elements
// result  type and shape of a
// grad    a: y (g - sum of g y)
// errors  CLG_EDTYPE    a is not floating
//         CLG_ESHAPE    no such axis, or the row is too long
CLG_API clg_tensor clg_softmax(clg_tensor a, int axis);

// Logarithm of softmax over one axis.
//
//   y = a - m - log(sum of e^(a - m)), m the maximum
//
// a, axis as of clg_softmax
// result  type and shape of a
// grad    a: g - e^y * sum of g
// errors  as of clg_softmax
CLG_API clg_tensor clg_log_softmax(clg_tensor a, int axis);

// ---- movement: views, no memory moves before a kernel needs another order

// The same elements, row-major, in another shape.
//
// a       any type and shape
// shape   as many elements; one size may be -1 and is inferred
// result  type of a, shape `shape`
// grad    a: g, reshaped
// errors  CLG_ESHAPE    elements differ, or the -1 cannot be inferred
CLG_API clg_tensor clg_reshape(clg_tensor a, clg_shape shape);

// Join neighbouring dimensions.
//
// a       any type and shape
// first, last   axes, both included, may be negative
// result  type of a; axes first..last become one. A 0-d tensor becomes [1]
// grad    a: g, reshaped
// errors  CLG_ESHAPE    no such axes, or first is behind last
CLG_API clg_tensor clg_flatten(clg_tensor a, int first, int last);

// Dimensions in another order.
//
//   shape(y)[d] = shape(a)[axes[d]]
//
// a       any type and shape
// axes    every axis once, may be negative
// result  type of a
// grad    a: g, permuted back
// errors  CLG_ESHAPE    an axis is missing, doubled or out of range
CLG_API clg_tensor clg_permute(clg_tensor a, clg_shape axes);

// Two dimensions change places.
//
// a       any type and shape
// axis0, axis1   may be negative, may be equal
// result  type of a
// grad    a: g, transposed
// errors  CLG_ESHAPE    no such axis
CLG_API clg_tensor clg_transpose(clg_tensor a, int axis0, int axis1);

// Remove dimensions of size 1.
//
// a       any type and shape
// axes    which; one of another size stays as it is. CLG_ALL: all of size 1
// result  type of a
// grad    a: g, reshaped
// errors  CLG_ESHAPE    an axis is out of range or doubled
CLG_API clg_tensor clg_squeeze(clg_tensor a, clg_shape axes);

// Insert a dimension of size 1.
//
// a       any type, rank below CLG_MAX_RANK
// axis    where it is in the result, may be negative
// result  type of a
// grad    a: g, reshaped
// errors  CLG_ESHAPE    no such place
CLG_API clg_tensor clg_unsqueeze(clg_tensor a, int axis);

// Repeat dimensions of size 1, and add dimensions in front, without memory.
//
// a       any type and shape
// shape   of the result; -1 keeps a dimension of a
// result  type of a, shape `shape`
// grad    a: g, summed over what was repeated
// errors  CLG_ESHAPE    a dimension of another size, or fewer dimensions
CLG_API clg_tensor clg_expand(clg_tensor a, clg_shape shape);

// Part of one dimension, as NumPy's a[start:stop:step].
//
// a       any type, rank 1 or more
// axis    may be negative
// start, stop   negative ones count from the end; limits are cut to the dimension. INT64_MAX: to
//         the end; with a step below 0 INT64_MIN: to the first element, included
// step    not 0
// result  type of a; the axis has the elements chosen, maybe none
// grad    a: g at its places, else 0
// errors  CLG_EINVAL    step is 0
//         CLG_ESHAPE    no such axis
CLG_API clg_tensor clg_slice(clg_tensor a, int axis, int64_t start, int64_t stop, int64_t step);

// Reverse dimensions.
//
// a       any type and shape
// axes    which, may be negative; CLG_ALL: all
// result  type and shape of a
// grad    a: g, flipped
// errors  CLG_ESHAPE    an axis is out of range or doubled
CLG_API clg_tensor clg_flip(clg_tensor a, clg_shape axes);

// A margin of one value around a.
//
// a       any type and shape
// before, after   of a's rank: elements to add on either side of each dimension, 0 or more
// value   converted to a's type as of clg_scalar; part of the kernel's text; no gradient
// result  type of a
// grad    a: g without the margin
// errors  CLG_ESHAPE    margins are not of a's rank
//         CLG_EINVAL    a margin below 0
CLG_API clg_tensor clg_pad(clg_tensor a, clg_shape before, clg_shape after, double value);

// Join n tensors along a dimension: clg_concat(axis, a, b, c).
//
// t       n >= 1 tensors of one shape but for the axis; they take their common type. One of shape
//         [0] fits all others and adds nothing
// axis    may be negative
// result  the common type
// grad    each t: its part of g
// errors  CLG_ESHAPE    shapes differ elsewhere, or no such axis (0-d tensors have none)
//         CLG_EINVAL    n < 1 (a poison without a device)
CLG_API clg_tensor clg_concat_n(const clg_tensor *t, int n, int axis);
#define clg_concat(axis, ...)                                                                      \
    clg_concat_n((clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__), axis)

// Join n tensors along a new dimension: clg_stack(axis, a, b, c).
//
// t       tensors of one shape; they take their common type
// axis    where the dimension of size n is in the result, may be negative
// result  the common type
// grad    each t: its part of g
// errors  CLG_ESHAPE    shapes differ, or no such place
//         CLG_EINVAL    n < 1 (a poison without a device)
CLG_API clg_tensor clg_stack_n(const clg_tensor *t, int n, int axis);
#define clg_stack(axis, ...)                                                                       \
    clg_stack_n((clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__), axis)

// Class numbers as rows of zeros with a one.
//
//   y[..., k] = index[...] == k
//
// index   [...]         I32, I64 or U8; a number outside 0..classes-1 gives a row of zeros
//         (PyTorch refuses it, which would need an evaluation)
// classes 1 or more; 0 or -1: the largest number and one, which evaluates and reads the index
// result  [...,classes] I64
// grad    none
// errors  CLG_EDTYPE    index is no integer
//         CLG_EINVAL    classes < -1; inferred ones of an empty index, or with a number below 0
//         those of clg_read where classes are inferred
CLG_API clg_tensor clg_one_hot(clg_tensor index, int64_t classes);

// Choose slices of a dimension by number.
//
//   y[..., i, ...] = a[..., index[i], ...]
//
// a       any type and shape
// axis    may be negative
// index   [n]           I32 or I64, 0-d counts as [1]. One outside the dimension (or below 0) gives
//         NaN, in integers 0
// result  type of a; the axis has n elements
// grad    a: g, added up where index repeats, in index order: the same bits every time
// errors  CLG_EDTYPE    index is not I32 or I64
//         CLG_ESHAPE    no such axis, index has two dimensions or more, or a is 0-d and index has
//                       not one element
CLG_API clg_tensor clg_index_select(clg_tensor a, int axis, clg_tensor index);

// ---- matrix; convolutions and pooling: conv.h, normalisation: norm.h

// Matrix product, batched.
//
//   y[...,i,j] = sum_k a[...,i,k] * b[...,k,j]
//
// a       [...,M,K] or [K]   number after promotion (PyTorch wants one type); integers wrap
// b       [...,K,N] or [K]   leading dimensions broadcast with those of a
// result  [...,M,N], without M or N where a or b is a vector; the common type
// grad    a, b
// errors  CLG_EDTYPE    both are BOOL
//         CLG_ESHAPE    K differs, a 0-d tensor, leading dimensions do not broadcast, or a
//                       dimension of a matrix is above 33,554,431
CLG_API clg_tensor clg_matmul(clg_tensor a, clg_tensor b);

// ---- random: pure functions of (seed, counter, element). Recording takes the counter and adds 1,
// so that a tensor is one draw whenever and however often it is evaluated. Seed and counter are
// kernel arguments.

// Start the sequence of a seed.
//
// dev     the device; NULL is fine. A new recorder has seed 0
// seed    any; the counter starts at 0
// errors  none
// blocks  no
CLG_API void clg_manual_seed(clg_device dev, uint64_t seed);

// The generator's state, for checkpoints.
//
// dev     the device
// seed, counter   where the state goes; each may be NULL
// errors  none; zeros for a NULL device
// blocks  no
CLG_API void clg_random_get_state(clg_device dev, uint64_t *seed, uint64_t *counter);

// Continue from a state.
//
// dev     the device; NULL is fine
// seed, counter   as clg_random_get_state gave them, or any
// errors  none
// blocks  no
CLG_API void clg_random_set_state(clg_device dev, uint64_t seed, uint64_t counter);

// Uniform numbers.
//
//   y = lo + (hi - lo) * u, u in [0,1) a multiple of 2^-24 (F64: 2^-53, F16: 2^-11, BF16: 2^-8)
//
// A block of Philox, of key `seed`, the block's number and `counter`, is four words: u[i] is the
// upper bits of word i % 4 of block i / 4, elements counted as they lie. F64: 27 bits of word
// 2(i % 2) and 26 of the next one, of block i / 2. Before 29 November 2026 each element had a block
// of its own, so that a seed gave other numbers.
//
// dev, shape   device and shape
// t       a floating type
// lo, hi  lo <= hi; rounding may give hi itself
// result  type t, shape `shape`; u is the same on every device
// grad    none
// errors  CLG_EDTYPE    t is not floating, or the device lacks it
//         CLG_EINVAL    lo is above hi, or hi - lo is beyond t
// source  Salmon and others 2011 (Philox 4x32-10)
CLG_API clg_tensor clg_uniform(clg_device dev, clg_dtype t, clg_shape shape, double lo, double hi);

// Normal numbers.
//
//   y[2i] = mean + std * sqrt(-2 log u) * cos(2 pi v), y[2i + 1] the same with the sine
//   u in (0,1] of word 2(i % 2), v in [0,1) of the next one of block i / 2 (clg_uniform), any type
//
// dev, shape   device and shape
// t       a floating type
// mean, std   numbers; std 0 or more
// result  type t, shape `shape`; equal between devices but for the rounding of log, sqrt and cospi
// grad    none
// errors  CLG_EDTYPE    t is not floating, or the device lacks it
//         CLG_EINVAL    std is negative or NaN
// source  Box and Muller 1958, on clg_uniform's draws
CLG_API clg_tensor clg_normal(clg_device dev, clg_dtype t, clg_shape shape, double mean,
                              double std);

// Ones with probability p, else zeros.
//
//   y = u < p, u an F32 draw of clg_uniform
//
// dev, shape   device and shape
// t       any type
// p       0 to 1
// result  type t, shape `shape`
// grad    none
// errors  CLG_EINVAL    p is outside 0 to 1
CLG_API clg_tensor clg_bernoulli(clg_device dev, clg_dtype t, clg_shape shape, double p);

// 0 to n-1 in random order, made on the host and uploaded.
//
// dev     the device
// n       0 to 2^40
// result  [n] I64, the same on every device
// grad    none
// errors  CLG_EINVAL    n
//         CLG_ENOMEM, CLG_EDEVICE   as of clg_upload
CLG_API clg_tensor clg_permutation(clg_device dev, int64_t n);

CLG_END
#endif
