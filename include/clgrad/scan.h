// SPDX-License-Identifier: MIT
// Scans: what sums, products and choices come to, element after element along an axis. What all
// operations share: ops.h. The order of sums follows from the shape alone; sums of F16, BF16 and
// F32 are made in F64 where the device has it, others are compensated as clg_sum's.
#ifndef CLGRAD_SCAN_H
#define CLGRAD_SCAN_H

#include <clgrad/ops.h>

CLG_BEGIN

// Running sums.
//
//   y[i] = a[0] + ... + a[i] along the axis
//
// a       any type and shape
// axis    may be negative
// result  shape of a; type of a when floating, else I64
// grad    a: the running sums of g, from the end
// errors  CLG_ESHAPE    no such axis
CLG_API clg_tensor clg_cumsum(clg_tensor a, int axis);

// Running products.
//
//   y[i] = a[0] * ... * a[i] along the axis
//
// a, axis as of clg_cumsum
// result  shape of a; type of a when floating, else I64, which wraps
// grad    a: sum over i >= j of g[i] times the product of the others up to i, zeros among them
// errors  CLG_ESHAPE    no such axis
CLG_API clg_tensor clg_cumprod(clg_tensor a, int axis);

// Running maxima, and where they are.
//
//   y[i] = largest of a[0] ... a[i], indices[i] = the last place of it up to i; a NaN stays
//
// a       any type and shape
// axis    may be negative; at most 2^31 - 1 elements
// indices where they go, may be NULL: I64 of a's shape
// result  type and shape of a
// grad    a: g, added up for the element that was chosen; *indices: none
// errors  CLG_ESHAPE    no such axis, or it is too long
CLG_API clg_tensor clg_cummax(clg_tensor a, int axis, clg_tensor *indices);

// Running minima, and where they are.
//
//   y[i] = smallest of a[0] ... a[i], indices[i] = the last place of it up to i; a NaN stays
//
// a, axis, indices   as of clg_cummax
// result  type and shape of a
// grad    a: g, added up for the element that was chosen; *indices: none
// errors  as of clg_cummax
CLG_API clg_tensor clg_cummin(clg_tensor a, int axis, clg_tensor *indices);

// Logarithms of running sums of exponentials, without overflow.
//
//   y[i] = log(e^a[0] + ... + e^a[i]) along the axis
//
// a       float, any shape
// axis    may be negative
// result  type and shape of a
// grad    a: sum over i >= j of g[i] e^(a[j] - y[i])
// errors  CLG_EDTYPE    a is not floating
//         CLG_ESHAPE    no such axis
CLG_API clg_tensor clg_logcumsumexp(clg_tensor a, int axis);

CLG_END
#endif
