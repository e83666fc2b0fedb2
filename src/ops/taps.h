// SPDX-License-Identifier: MIT
// Sums over listed places of planes, with weights.
#ifndef CLG_OPS_TAPS_H
#define CLG_OPS_TAPS_H

#include <clgrad/tensor.h>

// y[n][c][p] = sum over t of w[n][t][p] x[n][c][index[n][t][p]]. x [N,C,HW] and w [N,T,P] f32 or f64; index [N,T,P] i32,
// below HW, negative where x counts as 0.
clg_tensor clg__taps(clg_tensor x, clg_tensor w, clg_tensor index);
#endif
