// SPDX-License-Identifier: MIT
// What operations with indices have in common.
#ifndef CLG_OPS_INDEXING_H
#define CLG_OPS_INDEXING_H

#include "graph/build.h"

// NULL, or the poison for an index that is neither I32 nor I64.
clg_tensor clg__index_check(const clg__call *c, clg_tensor index);
// index, where below 0 counted from the end of n elements; -1 where that is no element.
clg_tensor clg__index_wrapped(clg_tensor index, int64_t n);
// Rows along `axis`, where the list [n] says; rows of src [..n..] in place of those of a, the last where it repeats.
clg_tensor clg__index_rows_set(const clg__call *c, clg_tensor a, int axis, clg_tensor index, clg_tensor src);
clg_tensor clg__index_rows_add(const clg__call *c, clg_tensor a, int axis, clg_tensor index, clg_tensor src);
#endif
