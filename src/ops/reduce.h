// SPDX-License-Identifier: MIT
// Statistics that other ops are made of.
#ifndef CLG_OPS_REDUCE_H
#define CLG_OPS_REDUCE_H

#include "graph/build.h"

// a - its mean over the axes, as if the mean were not rounded: (a - *mean) - *rest, which keep the dimensions; each may be
// NULL.
clg_tensor clg__deviation(clg_tensor a, clg_shape axes, clg_tensor *mean, clg_tensor *rest);
// Sum of d^2 over the axes / divisor, or the root of that; neither overflows nor vanishes on the way.
clg_tensor clg__squares(clg_tensor d, clg_shape axes, double divisor, bool root, bool keepdims);
// y without the reduced dimensions of a, as it was with them.
clg_tensor clg__kept(clg_tensor y, clg_tensor a, clg_shape axes);

// Norms of differences along the last axis (cdist, pdist).
clg_tensor clg__distances(clg_tensor d, double p);
#endif
