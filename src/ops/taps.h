// SPDX-License-Identifier: MIT
// Sums over listed places of planes, with weights.
#ifndef CLG_OPS_TAPS_H
#define CLG_OPS_TAPS_H

#include <clgrad/tensor.h>

// y[n][c][p] = sum over t of w[n][t][p] x[n][c][index[n][t][p]]. x [N,C,HW] and w [N,T,P] f32 or f64; index [N,T,P] i32,
// below HW, negative where x counts as 0.
clg_tensor clg__taps(clg_tensor x, clg_tensor w, clg_tensor index);
// Its derivatives for x, of HW elements, and for w.
clg_tensor clg__taps_scatter(clg_tensor g, clg_tensor w, clg_tensor index, int64_t size);
clg_tensor clg__taps_weights(clg_tensor x, clg_tensor g, clg_tensor index);

// Four taps around places in elements that are not listed (ops/bilinear.c): x [N,C,HW], at [N,2,P], rows and columns. What
// is outside counts as 0.
clg_tensor clg__bilinear(clg_tensor x, clg_tensor at, int64_t height, int64_t width);
#endif
