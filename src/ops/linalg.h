// SPDX-License-Identifier: MIT
// What files of linear algebra share.
#ifndef CLG_OPS_LINALG_H
#define CLG_OPS_LINALG_H

#include "graph/build.h"
#include <clgrad/ops.h>

enum { CLG__EINSUM_OPERANDS = 16 };

// The identity of the matrices of t, [..., n, n] for [..., n, m] of any m.
clg_tensor clg__eye_like(clg_tensor t);
static inline clg_tensor clg__mT(clg_tensor t)
{
    return clg_transpose(t, -1, -2);
}
#endif
