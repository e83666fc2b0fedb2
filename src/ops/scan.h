// SPDX-License-Identifier: MIT
// Scans that other ops are made of.
#ifndef CLG_OPS_SCAN_H
#define CLG_OPS_SCAN_H

#include "graph/build.h"

// y[i] = c[i] y[i-1] + x[i] along an axis, back: y[i] = c[i] y[i+1] + x[i]. c and x floating, of one type and shape.
clg_tensor clg__recurrence(clg_tensor c, clg_tensor x, int axis, bool back);
// Element i takes that of i - 1 (back: i + 1); the first in this order takes `fill`.
clg_tensor clg__previous(clg_tensor a, int axis, bool back, double fill);
// Product of the elements before each, in this order.
clg_tensor clg__product_before(clg_tensor a, int axis, bool back);
#endif
