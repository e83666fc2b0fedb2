// SPDX-License-Identifier: MIT
// The thresholds, and why they are what they are.
#include "sched/cost.h"

clg__cost clg__cost_of(const clg__caps *caps)
{
    return (clg__cost) {
        // What a store and loads of a byte cost beside arithmetic in registers. A CPU does about five operations in the
        // time of a byte from memory, a GPU twenty; a row is one to thirty of them, and registers are few.
        .repeat_insns = caps->cpu_class ? 6 : 12,
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
        .epilogue_buffers = 12, // 576 bytes of 1,024 that every device has
        .max_walk = 2048,
        .launch_buffers = 100,
        .argument_bytes = caps->max_parameter_bytes > 0 ? caps->max_parameter_bytes : INT32_MAX,
    };
}

bool clg__cost_stores(const clg__cost *c, size_t bytes, int insns, int loads, size_t load_bytes)
{
    return (size_t) insns > (size_t) c->repeat_insns * bytes ||
           (loads > 1 && load_bytes > (size_t) c->repeat_loads * bytes);
}
