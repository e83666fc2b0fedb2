// SPDX-License-Identifier: MIT
// What a slice is, for the operations that put one back.
#ifndef CLG_OPS_MOVEMENT_H
#define CLG_OPS_MOVEMENT_H

#include "graph/build.h"

// As clg_slice reads its numbers for a dimension of n elements: the first, and how many.
void clg__slice_range(int64_t n, int64_t *start, int64_t stop, int64_t *step, int64_t *count);
// Zeros of shape `full`, with g where such a slice of it lies.
clg_tensor clg__unslice(clg_tensor g, const clg_shape *full, int axis, int64_t start, int64_t step);
#endif
