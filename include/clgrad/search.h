// SPDX-License-Identifier: MIT
// Searching and counting: where elements belong in sorted rows, what is among others, how often.
// What all operations share: ops.h. Counts are exact, sums in a fixed order: the same on any
// number of cores.
#ifndef CLGRAD_SEARCH_H
#define CLGRAD_SEARCH_H

#include <clgrad/ops.h>

CLG_BEGIN

// Where elements belong in sorted rows.
//
//   y = number of the row's elements below v; right: not above v. NaN belongs behind all
//
// sorted  [n], or [...,n]    rising along the last axis; any type
// v       [...,m] of the same leading dimensions, any shape where sorted is [n]; type of sorted
// right   behind equal elements
// sorter  I64 of sorted's shape: the places in order of rows that are not sorted; may be NULL
// result  I64, shape of v
// grad    none
// errors  CLG_EDTYPE    types differ, or sorter is not I64
//         CLG_ESHAPE    shapes do not fit
CLG_API clg_tensor clg_searchsorted(clg_tensor sorted, clg_tensor v, bool right,
                                    clg_tensor sorter);

// Which bucket elements are in.
//
//   y = clg_searchsorted(bounds, a, right, NULL)
//
// a       any shape
// bounds  [n] rising, type of a
// right   y bounds are not above a; else below it
// result  I64, shape of a
// grad    none
// errors  as of clg_searchsorted
CLG_API clg_tensor clg_bucketize(clg_tensor a, clg_tensor bounds, bool right);

// Which elements are among others.
//
//   y = a is equal to an element of test; invert: to none. NaN is equal to nothing
//
// a, test any types and shapes
// result  BOOL, shape of a
// grad    none
// errors  as of clg_sort
CLG_API clg_tensor clg_isin(clg_tensor a, clg_tensor test, bool invert);

// How often each number is there. Reads the largest back, so it evaluates a.
//
//   y[k] = number of a[i] == k, or the sum of their weights
//
// a       [N] of integers, 0 or more
// weights [N]           may be NULL
// minlength   the least size of y
// result  [max(largest + 1, minlength)]; I64, with weights F32 where they are, else F64
// grad    weights where they are F32 or F64
// errors  CLG_EDTYPE    a is not of integers
//         CLG_ESHAPE    more than one dimension, or sizes differ
//         CLG_EINVAL    a number below 0, or minlength
CLG_API clg_tensor clg_bincount(clg_tensor a, clg_tensor weights, int64_t minlength);

// How many elements are in each of equal bins.
//
//   y[k] = number of lo + k w <= a < lo + (k + 1) w, w = (hi - lo) / bins; the last with hi
//
// a       float, any shape; NaN and what is outside count nowhere
// bins    1 or more
// lo, hi  both equal: of the data; where these are equal too, 1 less and 1 more
// result  [bins], type of a
// grad    none
// errors  CLG_EDTYPE    a is not floating
//         CLG_EINVAL    bins, or hi < lo
CLG_API clg_tensor clg_histc(clg_tensor a, int64_t bins, double lo, double hi);

// Histogram between edges.
//
//   y[k] = sum of the weights of edges[k] <= a < edges[k + 1], the last bin with its upper edge
//   density: by the sum of all y and by the bin's width
//
// a       float, any shape; NaN and what is outside count nowhere
// edges   [bins + 1]    rising, type of a
// weights type and shape of a; may be NULL: 1
// result  [bins], type of a
// grad    none
// errors  CLG_EDTYPE    a is not floating, or types differ
//         CLG_ESHAPE    edges or weights do not fit
CLG_API clg_tensor clg_histogram(clg_tensor a, clg_tensor edges, clg_tensor weights, bool density);

// Edges of equal bins.
//
//   y[k] = lo + (hi - lo) k / bins
//
// a       float, any shape
// bins    1 or more
// lo, hi  both equal: of the data; where these are equal too, half less and half more
// result  [bins + 1], type of a
// grad    none
// errors  CLG_EDTYPE    a is not floating
//         CLG_EINVAL    bins, or hi < lo
CLG_API clg_tensor clg_histogram_edges(clg_tensor a, int64_t bins, double lo, double hi);

// Different elements, rising. Reads their number back, so it evaluates a.
//
//   y = elements that differ; a = y[inverse]; y[k] is counts[k] times in a. Each NaN differs
//
// a       any type and shape
// inverse where it goes, may be NULL: I64, shape of a
// counts  where they go, may be NULL: I64, shape of y
// result  [K], type of a
// grad    a: g, at the first of each
// errors  as of clg_sort
CLG_API clg_tensor clg_unique(clg_tensor a, clg_tensor *inverse, clg_tensor *counts);

// Elements that differ from the one before. Reads their number back, so it evaluates a.
//
//   y = elements in their order, of equal neighbours one; a = y[inverse], counts as of clg_unique
//
// a, inverse, counts   as of clg_unique
// result  [K], type of a
// grad    a: g, at the first of each run
// errors  none of its own
CLG_API clg_tensor clg_unique_consecutive(clg_tensor a, clg_tensor *inverse, clg_tensor *counts);

// Parts along an axis that differ, by their elements in row-major order, rising. Reads their number
// back, so it evaluates a.
//
//   y = parts that differ; a[..i..] = y[..inverse[i]..]; y's part k is counts[k] times in a
//
// a       any type and shape; a 0-d tensor counts as [1]
// axis    may be negative
// inverse where it goes, may be NULL: I64 [n], n the axis's size
// counts  where they go, may be NULL: I64, the size of the result's axis
// result  a's shape, with as many along the axis as differ. A part with a NaN equals none
// grad    a: g, at one of each
// errors  CLG_ESHAPE    no such axis
//         as of clg_sort
CLG_API clg_tensor clg_unique_dim(clg_tensor a, int axis, clg_tensor *inverse, clg_tensor *counts);

// Parts along an axis that differ from the one before. Reads their number back, so it evaluates a.
//
//   y = parts in their order, of equal neighbours one; inverse and counts as of clg_unique_dim
//
// a, axis, inverse, counts   as of clg_unique_dim
// result  a's shape, with as many along the axis as there are runs
// grad    a: g, at the first of each run
// errors  CLG_ESHAPE    no such axis
CLG_API clg_tensor clg_unique_consecutive_dim(clg_tensor a, int axis, clg_tensor *inverse,
                                              clg_tensor *counts);

CLG_END
#endif
