// SPDX-License-Identifier: MIT
// Orders along an axis: sorted elements, the largest of them, medians. What all operations share:
// ops.h.
//
// NaN comes behind all other elements, in falling order first; -0 is equal to 0. Equal elements
// stay in their order, so that every result is the same from run to run. Axes of more than 256
// elements are sorted where the whole tensor has fewer than 2^31.
#ifndef CLGRAD_SORT_H
#define CLGRAD_SORT_H

#include <clgrad/ops.h>

CLG_BEGIN

// Sorted elements, and where they were. PyTorch's with stable=True.
//
//   y = elements of a along the axis, rising or falling; y[i] = a[indices[i]]
//
// a       any type and shape
// axis    may be negative
// descending   falling order
// indices where they go, may be NULL: I64 of a's shape
// result  type and shape of a
// grad    a: g at the place that the element came from; *indices: none
// errors  CLG_ESHAPE    no such axis, or too many elements
CLG_API clg_tensor clg_sort(clg_tensor a, int axis, bool descending, clg_tensor *indices);

// Where the elements of a sorted axis come from.
//
//   y = indices of clg_sort
//
// a, axis, descending   as of clg_sort
// result  I64, shape of a
// grad    none
// errors  as of clg_sort
CLG_API clg_tensor clg_argsort(clg_tensor a, int axis, bool descending);

// Sorted along the first axis.
//
//   y = clg_sort(a, 0, false, NULL)
//
// a       any type and shape
// result  type and shape of a
// grad    a: as of clg_sort
// errors  as of clg_sort
CLG_API clg_tensor clg_msort(clg_tensor a);

// The k largest elements, falling, or the k smallest, rising; of equal ones the first.
//
//   y = first k of the sorted axis; y[i] = a[indices[i]]
//
// a       any type and shape
// k       0 to the size of the axis
// axis    may be negative
// smallest   false: the largest
// indices where they go, may be NULL: I64 of the result's shape
// result  type of a, k elements along the axis
// grad    a: g at the elements chosen, else 0; *indices: none
// errors  CLG_EINVAL    k
//         CLG_ESHAPE    as of clg_sort
CLG_API clg_tensor clg_topk(clg_tensor a, int64_t k, int axis, bool smallest, clg_tensor *indices);

// The k-th smallest element, and where it is.
//
//   y = element k - 1 of the sorted axis
//
// a       any type and shape
// k       1 to the size of the axis
// axis    may be negative
// keepdims   as of clg_sum
// indices where they go, may be NULL: I64 of the result's shape
// result  a's shape without the axis, type of a
// grad    a: g at the element chosen, else 0; *indices: none
// errors  CLG_EINVAL    k
//         CLG_ESHAPE    as of clg_sort
CLG_API clg_tensor clg_kthvalue(clg_tensor a, int64_t k, int axis, bool keepdims,
                                clg_tensor *indices);

// Median: of an even number the lower of the two in the middle; NaN where there is one.
//
//   y = element (n - 1) / 2 of the sorted axis, or the first NaN
//
// a       any type and shape
// axis    may be negative
// keepdims   as of clg_sum
// indices where they go, may be NULL: I64 of the result's shape
// result  a's shape without the axis, type of a
// grad    a: g at the element chosen, else 0; *indices: none
// errors  CLG_ESHAPE    as of clg_sort, or the axis is empty
CLG_API clg_tensor clg_median(clg_tensor a, int axis, bool keepdims, clg_tensor *indices);

// Median of the elements that are not NaN.
//
//   y = clg_median of them; NaN for none
//
// a, axis, keepdims, indices   as of clg_median
// result  as of clg_median
// grad    a: as of clg_median
// errors  as of clg_median
CLG_API clg_tensor clg_nanmedian(clg_tensor a, int axis, bool keepdims, clg_tensor *indices);

// Of a place between two elements of the sorted axis.
typedef enum clg_interpolation {
    CLG_QUANTILE_LINEAR, CLG_QUANTILE_LOWER, CLG_QUANTILE_HIGHER, CLG_QUANTILE_MIDPOINT,
    CLG_QUANTILE_NEAREST
} clg_interpolation;

// Quantiles: elements at shares of the sorted axis; NaN where there is one.
//
//   y[k] = element q[k] (n - 1) of the sorted axis
//
// a       float, any shape
// q       0-d or [K], 0 to 1, type of a; NaN beyond
// axis    may be negative
// keepdims   as of clg_sum
// kind    which element, or what between two; NEAREST: of halves the even place
// result  [K] before a's shape without the axis, type of a
// grad    a: g at the elements chosen, by their shares; q: of LINEAR, from one element to the next
// errors  CLG_EDTYPE    a and q are not of one floating type
//         CLG_ESHAPE    as of clg_median, or q has more than one dimension
//         CLG_EINVAL    kind
CLG_API clg_tensor clg_quantile(clg_tensor a, clg_tensor q, int axis, bool keepdims,
                                clg_interpolation kind);

// Quantiles of the elements that are not NaN.
//
//   y = clg_quantile of them; NaN for none
//
// a, q, axis, keepdims, kind   as of clg_quantile
// result  as of clg_quantile
// grad    a, q: as of clg_quantile
// errors  as of clg_quantile
CLG_API clg_tensor clg_nanquantile(clg_tensor a, clg_tensor q, int axis, bool keepdims,
                                   clg_interpolation kind);

// The most frequent element: of several the smallest. A NaN is equal to nothing.
//
//   y = a[indices], indices = the last place of it
//
// a       any type and shape
// axis    may be negative
// keepdims   as of clg_sum
// indices where they go, may be NULL: I64 of the result's shape
// result  a's shape without the axis, type of a
// grad    a: g at the element chosen, else 0; *indices: none
// errors  as of clg_median
CLG_API clg_tensor clg_mode(clg_tensor a, int axis, bool keepdims, clg_tensor *indices);

CLG_END
#endif
