// SPDX-License-Identifier: MIT
// Elements chosen along an axis and sent along it, over [outer][axis or n][inner]: a set closed under differentiation.
#ifndef CLG_OPS_SCATTER_H
#define CLG_OPS_SCATTER_H

#include "graph/build.h"

typedef enum clg__scatter_kind { // what becomes of a place and an element that is sent there
    CLG__SCATTER_SET, CLG__SCATTER_ADD, CLG__SCATTER_MUL, CLG__SCATTER_MAX, CLG__SCATTER_MIN
} clg__scatter_kind;

// a [outer,axis,inner], index [outer,n,inner]; zero: an index out of range gives 0, else as clg_index_select.
clg_tensor clg__gather_elements(clg_tensor a, clg_tensor index, bool zero);
// src and index [outer,n,inner], self [outer,axis,inner], or NULL for zeros. Where several are sent to one place they
// go there by rising i. src is of a type that is computed in as it is stored, but for SET.
clg_tensor clg__scatter(clg_tensor self, int64_t axis, clg_tensor index, clg_tensor src, clg__scatter_kind kind);
#endif
