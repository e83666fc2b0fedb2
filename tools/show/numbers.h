// SPDX-License-Identifier: MIT
// Numbers about an array, made in doubles in three passes over it, a block at a time: whatever its size, that takes
// some 100 KB beside the array itself.
#ifndef CLG_SHOW_NUMBERS_H
#define CLG_SHOW_NUMBERS_H

#include "source.h"

enum { HISTOGRAM_MOST = 40 };

// Of the finite elements: min, max, mean, std (of all, not of a sample), counts; there are none where finite is 0.
typedef struct numbers {
    double min, max, mean, std;
    uint64_t whole_min, whole_max; // of integers: all bits, as int64_t or uint64_t
    int64_t finite, zeros, nan, infinite;
    int bins; // between min and max; 0: there is nothing to count
    int64_t count[HISTOGRAM_MOST];
} numbers;

void numbers_of(const shown *a, int bins, numbers *out);

// n elements from `from` on as doubles.
void elements_as_double(const shown *a, int64_t from, int64_t n, double *to);
// One integer as it is, sign-extended.
uint64_t element_as_integer(const shown *a, int64_t at);
bool is_whole(const shown *a);  // integers and bool
bool is_signed(const shown *a); // of those
#endif
