// SPDX-License-Identifier: MIT
// Distances of all rows of one batch of matrices from all of another.
#ifndef CLG_OPS_PAIR_DISTANCE_H
#define CLG_OPS_PAIR_DISTANCE_H

#include <clgrad/tensor.h>

// a [..,M,D] and b [..,N,D], whose batches broadcast, of floating types, none of them empty; p is 1 or 2: [..,M,N].
clg_tensor clg__pair_distance(clg_tensor a, clg_tensor b, int p);
#endif
