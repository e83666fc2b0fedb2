// SPDX-License-Identifier: MIT
// What sorting and selecting share.
#ifndef CLG_OPS_SORT_H
#define CLG_OPS_SORT_H

#include "graph/build.h"

// A launch of a kernel file that includes cl/sort.clh, with what that is told of the elements of input 0.
clg__launch *clg__sort_kernel(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry, bool down);
// Is the selection of the first k of n cheaper than a sort?
bool clg__topk_takes(int64_t n, int64_t k);
// a [rows][n] -> the first k places of the order [rows][k]
clg_tensor clg__topk(clg_tensor a, int64_t k, bool down);
// Places along an axis in order, of a's shape; *at: the axis, not negative.
clg_tensor clg__order_of(const clg__call *c, clg_tensor a, int axis, bool down, int *at);
#endif
