// SPDX-License-Identifier: MIT
#ifndef CLG_TESTS_FAULT_WORK_H
#define CLG_TESTS_FAULT_WORK_H

#include <clgrad/clgrad.h>

// A group, a schedule, loss scaling, parts of a batch and averages, around a step. The status of what failed first.
clg_status around_a_step(clg_device dev);
clg_status watched_steps(clg_device dev, const clg_var v[2]);
// A product of whole numbers.
clg_status multiply(clg_device d, float out[3 * 70]);
#endif
