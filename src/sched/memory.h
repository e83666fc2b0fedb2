// SPDX-License-Identifier: MIT
// Where temporaries lie: offsets in one space of memory, by size and time. Pure arithmetic.
#ifndef CLG_SCHED_MEMORY_H
#define CLG_SCHED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct clg__span {
    size_t bytes;
    int from, until; // alive during these launches and all between
    size_t offset;   // result
} clg__span;

// Spans in order of `from`; launches are 0 to n_launches - 1. Offsets are multiples of `align`, a power of
// two, and no span crosses a multiple of clg__memory_part(part, align), the largest buffer that a device has
// (part 0: no limit) and no span is larger than.
size_t clg__memory_part(size_t part, size_t align);
// total: end of the last span. live: the most bytes that are alive at once, which no placement is below.
// false: out of host memory.
bool clg__memory_place(clg__span *s, int n, int n_launches, size_t align, size_t part, size_t *total,
                       size_t *live);
#endif
