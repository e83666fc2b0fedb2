// SPDX-License-Identifier: MIT
// Every threshold of the planner. What a rule decides is grouping: time, memory and the number of kernels,
// never a bit of a result.
#ifndef CLG_SCHED_COST_H
#define CLG_SCHED_COST_H

#include "base/caps.h"
#include "codegen/codegen.h"

typedef struct clg__cost {
    // A value with several users is computed by each of them up to so many instructions for each byte of an element
    // that storing it would take, and while it loads no more than so many times those bytes.
    int repeat_insns, repeat_loads;
    // One that is broadcast is computed per element up to so many instructions; it is broadcast when it is
    // read at least so many times its elements, or is one number.
    int broadcast_insns, broadcast_factor;
    // A body that grows beyond so many instructions stores the input that takes most of them.
    int split_insns;
    // Buffers of a body with several results.
    int max_buffers;
    // Siblings (groups that read the same) are of the same or of neighbouring bands of so many levels, so that
    // a pattern that is repeated for long does not make ever more kernels.
    int band_levels, near_bands;
    // A group that refused so many siblings is tried no more.
    int max_refusals;
    // A kernel stores at most so many results; those but the first are at most so many levels later.
    // Buffers of an epilogue: each is up to six arguments of the kernel.
    int epilogue_outputs, epilogue_levels, epilogue_buffers;
    // A merge is given up when it takes more than so many groups to see that it makes no cycle.
    int max_walk;
    // Buffers that the groups of one launch have together, and bytes of its arguments.
    int launch_buffers, argument_bytes;
} clg__cost;

clg__cost clg__cost_of(const clg__caps *caps);
// Is a value of `bytes` an element worth storing for its users, where each would take so many instructions and loads,
// of load_bytes an element together? One load is never worth it.
bool clg__cost_stores(const clg__cost *c, size_t bytes, int insns, int loads, size_t load_bytes);
// Is an operand of numel elements worth sharing by a group that walks group_numel? Elements, not bytes: what matters
// is that it is read for each. More than half: one number
// beside two is as small as beside a thousand, or a last batch of two would be grouped as no other.
static inline bool clg__cost_big(int64_t numel, int64_t group_numel)
{
    return numel * 2 > group_numel;
}
#endif
