// SPDX-License-Identifier: MIT
// The thresholds, and why they are what they are.
#include "sched/cost.h"

clg__cost clg__cost_of(const clg__caps *caps)
{
    return (clg__cost) {
        // what a load and a store of one element cost beside arithmetic in registers
        .repeat_insns = 24,
        .repeat_loads = 2,
        .broadcast_insns = 3,
        .broadcast_factor = 4,
        // two thirds of what a body holds: room for an epilogue
        .split_insns = CLG__BODY_INSNS * 2 / 3,
        .max_buffers = CLG__BODY_OPERANDS + CLG__BODY_OUTPUTS / 2,
        .band_levels = 32,
        .near_bands = 2,
        .max_refusals = 32,
        .epilogue_outputs = 4,
        .epilogue_levels = 4,
        .max_walk = 2048,
        .launch_buffers = 100,
        .argument_bytes = caps->max_parameter_bytes > 0 ? caps->max_parameter_bytes : INT32_MAX,
    };
}
