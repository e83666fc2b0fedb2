// SPDX-License-Identifier: MIT
// What functions of two results share, and those that choose one element of many.
#ifndef CLG_OPS_EXTREME_H
#define CLG_OPS_EXTREME_H

#include "graph/build.h"

// y, where the caller wants the second result *second as well.
clg_tensor clg__second(clg_tensor y, clg_tensor *second, clg_tensor value);
// y [.., 1, ..], elements of a [.., n, ..] whose numbers along the axis are `at`: a's gradient is y's at its place.
clg_tensor clg__chosen(clg_tensor y, clg_tensor a, clg_tensor at, int axis);
#endif
