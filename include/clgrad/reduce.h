// SPDX-License-Identifier: MIT
// Further reductions: products, norms, extremes with their places, counts, statistics,
// differences. Sum, mean and their kin, and what all operations share: ops.h.
//
// A function of two results returns one and puts the other where a pointer says, which may be NULL.
// On an error both are the poison.
#ifndef CLGRAD_REDUCE_H
#define CLGRAD_REDUCE_H

#include <clgrad/ops.h>

CLG_BEGIN

// Product.
//
//   y = product of a over the axes; 1 for none
//
// a       any type and shape
// axes, keepdims   as of clg_sum
// result  a's shape without the axes; type of a when floating, else I64, which wraps
// grad    a: g times the product of the other elements, whichever of them are 0
// errors  CLG_ESHAPE    as of clg_sum
CLG_API clg_tensor clg_prod(clg_tensor a, clg_shape axes, bool keepdims);

// Norm.
//
//   y = (sum of abs(a)^p over the axes)^(1/p)
//   p = 0: how many elements are not 0; infinite: the largest abs(a), the smallest for -infinity
//
// a       float, any shape
// p       any number; 2 neither overflows nor vanishes on the way
// axes, keepdims   as of clg_sum
// result  a's shape without the axes, type of a
// grad    a: g sign(a) (abs(a) / y)^(p - 1), 0 where y is 0; for p < 2 also where a is 0. Infinite
//         p: split evenly between equal elements. p = 0: zero
// errors  CLG_EDTYPE    a is not floating
//         CLG_ESHAPE    as of clg_sum; for infinite p as of clg_amax
//         CLG_EINVAL    p is NaN
CLG_API clg_tensor clg_norm(clg_tensor a, double p, clg_shape axes, bool keepdims);

// Norm of a difference.
//
//   y = norm of a - b
//
// a, b    float, shapes broadcast
// p       as of clg_norm
// result  0-d; the common type
// grad    a, b: as of clg_norm
// errors  as of clg_norm; CLG_ESHAPE where shapes do not broadcast
CLG_API clg_tensor clg_dist(clg_tensor a, clg_tensor b, double p);

// Distances between all rows of two matrices, differences first: nothing cancels.
//
//   y[...,i,j] = norm of a[...,i,:] - b[...,j,:]
//
// a       [...,P,M]     float
// b       [...,R,M]     float; leading dimensions broadcast
// p       as of clg_norm, 0 or more
// result  [...,P,R]; the common type
// grad    a, b: as of clg_norm, but for p infinite g for each difference that is the largest
// errors  CLG_EDTYPE    a or b is not floating
//         CLG_ESHAPE    fewer than two dimensions, M differs, the rest does not broadcast
//         CLG_EINVAL    p is below 0 or NaN
CLG_API clg_tensor clg_cdist(clg_tensor a, clg_tensor b, double p);

// Largest elements along an axis, and where they are.
//
//   y = largest of a, indices = where the first of them is; the first NaN when there is one
//
// a       any type and shape
// axis    may be negative
// keepdims   as of clg_sum
// indices where they go, may be NULL: I64 of the result's shape
// result  a's shape without the axis, type of a
// grad    a: g at the element chosen, else 0; *indices: none
// errors  CLG_ESHAPE    no such axis, or it is empty
CLG_API clg_tensor clg_max(clg_tensor a, int axis, bool keepdims, clg_tensor *indices);

// Smallest elements along an axis, and where they are.
//
//   y = smallest of a, indices = where the first of them is; the first NaN when there is one
//
// a, axis, keepdims, indices   as of clg_max
// result  a's shape without the axis, type of a
// grad    a: g at the element chosen, else 0; *indices: none
// errors  as of clg_max
CLG_API clg_tensor clg_min(clg_tensor a, int axis, bool keepdims, clg_tensor *indices);

// Smallest and largest elements.
//
//   y = smallest of a over the axes, max = largest; NaN wins
//
// a, axes, keepdims   as of clg_amin
// max     where the largest go, may be NULL: type and shape of the result
// result  as of clg_amin
// grad    a: as of clg_amin and clg_amax
// errors  as of clg_amin
CLG_API clg_tensor clg_aminmax(clg_tensor a, clg_shape axes, bool keepdims, clg_tensor *max);

// How many elements are not 0.
//
//   y = number of a != 0 over the axes; NaN counts
//
// a       any type and shape
// axes, keepdims   as of clg_sum
// result  a's shape without the axes, I64
// grad    none
// errors  as of clg_sum
CLG_API clg_tensor clg_count_nonzero(clg_tensor a, clg_shape axes, bool keepdims);

// Sum without NaN.
//
//   y = sum over the axes of those of a that are not NaN; 0 for none
//
// a, axes, keepdims   as of clg_sum
// result  as of clg_sum
// grad    a: g, 0 where a is NaN
// errors  as of clg_sum
CLG_API clg_tensor clg_nansum(clg_tensor a, clg_shape axes, bool keepdims);

// Mean without NaN.
//
//   y = mean over the axes of those of a that are not NaN; NaN for none
//
// a, axes, keepdims   as of clg_mean
// result  as of clg_mean
// grad    a: g by the number of elements that count, 0 where a is NaN
// errors  as of clg_mean
CLG_API clg_tensor clg_nanmean(clg_tensor a, clg_shape axes, bool keepdims);

// Variance and mean.
//
//   y = clg_variance of a, mean = clg_mean of a
//
// a, axes, correction, keepdims   as of clg_variance
// mean    where it goes, may be NULL: type and shape of the result
// result  as of clg_variance
// grad    a: of both
// errors  as of clg_variance
CLG_API clg_tensor clg_var_mean(clg_tensor a, clg_shape axes, double correction, bool keepdims,
                                clg_tensor *mean);

// Standard deviation and mean.
//
//   y = clg_std of a, mean = clg_mean of a
//
// a, axes, correction, keepdims   as of clg_std
// mean    where it goes, may be NULL: type and shape of the result
// result  as of clg_std
// grad    a: of both
// errors  as of clg_std
CLG_API clg_tensor clg_std_mean(clg_tensor a, clg_shape axes, double correction, bool keepdims,
                                clg_tensor *mean);

// Sum of a diagonal.
//
//   y = sum of a[i,i]
//
// a       [N,M]         any type
// result  0-d; type of a when floating, else I64
// grad    a: g on the diagonal
// errors  CLG_ESHAPE    a has not two dimensions
CLG_API clg_tensor clg_trace(clg_tensor a);

// Differences of neighbours.
//
//   y[i] = a[i + 1] - a[i] along the axis, n times; of BOOL whether they differ
//
// a       any type, rank 1 or more
// n       0 or more; 0 gives a
// axis    may be negative
// prepend, append   joined to a first, of any size along the axis; may be NULL
// result  the common type; n elements fewer along the axis, maybe none
// grad    a, prepend, append
// errors  CLG_ESHAPE    a is 0-d, no such axis, or other dimensions differ
//         CLG_EINVAL    n is below 0
CLG_API clg_tensor clg_diff(clg_tensor a, int n, int axis, clg_tensor prepend, clg_tensor append);

// Integral by trapezoids.
//
//   y = sum along the axis of (y[i] + y[i + 1]) / 2 * w[i],  w[i] = x[i + 1] - x[i], or dx
//
// y       float, other types become F32; rank 1 or more
// x       places: [n] along the axis, or of y's rank and size along it; may be NULL
// dx      distance where x is NULL
// axis    may be negative
// result  y's shape (broadcast with x) without the axis; 0 for fewer than two elements
// grad    y, x
// errors  CLG_ESHAPE    no such axis, or x does not fit
CLG_API clg_tensor clg_trapezoid(clg_tensor y, clg_tensor x, double dx, int axis);

// Running integral by trapezoids.
//
//   y[i] = clg_trapezoid of the elements up to i + 1
//
// y, x, dx, axis   as of clg_trapezoid
// result  y's shape (broadcast with x), one element fewer along the axis
// grad    y, x
// errors  as of clg_trapezoid
CLG_API clg_tensor clg_cumulative_trapezoid(clg_tensor y, clg_tensor x, double dx, int axis);

// Slopes along an axis, by differences of second order.
//
//   y[i] = (a[i + 1] - a[i - 1]) / 2 dx; for any x the parabola's slope. At the ends one-sided
//
// a       any type but BOOL; integers become F32; rank 1 or more
// x       [n] places along the axis, float; may be NULL
// dx      distance where x is NULL
// axis    may be negative
// edge_order   1: at the ends the slope to the neighbour; 2: of the parabola through three
// result  shape of a
// grad    a, x
// errors  CLG_EDTYPE    BOOL
//         CLG_ESHAPE    no such axis, fewer than edge_order + 1 elements, or x does not fit
//         CLG_EINVAL    edge_order
CLG_API clg_tensor clg_gradient(clg_tensor a, clg_tensor x, double dx, int axis, int edge_order);

// Covariance of variables.
//
//   y[i,j] = sum_k w[k] (a[i,k] - m[i]) (a[j,k] - m[j]) / max(0, s), m the mean weighted by w
//   w = fweights * aweights, else 1; s = sum of w - correction * (sum of w aweights / sum of w)
//
// a       [N,K] N variables, K observations; [K] or 0-d: one variable. Not BOOL; integers become
//         F32
// correction   1: unbiased
// fweights   [K]        integers, how often each observation counts; may be NULL
// aweights   [K]        float, how much; may be NULL
// result  [N,N], 0-d for one variable; the common type of a and aweights
// grad    a, aweights
// errors  CLG_EDTYPE    a is BOOL, or weights are of the wrong kind
//         CLG_ESHAPE    more than two dimensions, or weights do not fit
CLG_API clg_tensor clg_cov(clg_tensor a, double correction, clg_tensor fweights,
                           clg_tensor aweights);

// Correlation of variables.
//
//   y[i,j] = cov[i,j] / sqrt(cov[i,i] cov[j,j]), limited to -1 and 1
//
// a       as of clg_cov
// result  as of clg_cov
// grad    a
// errors  as of clg_cov
CLG_API clg_tensor clg_corrcoef(clg_tensor a);

CLG_END
#endif
