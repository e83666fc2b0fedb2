// SPDX-License-Identifier: MIT
// How often whole numbers stand in a list.
#ifndef CLG_OPS_COUNT_H
#define CLG_OPS_COUNT_H

#include <clgrad/tensor.h>

// Are there few enough bins, for a list of n, that counting them all pays?
bool clg__counts(int64_t n, int64_t bins);
// at I32, any shape: I64 [bins], how often 0 to bins - 1 stand there; others count for nothing.
clg_tensor clg__count(clg_tensor at, int64_t bins);
#endif
