// SPDX-License-Identifier: MIT
// Functions of one number with their values in double, many at once: exact enough for floats. sweep_truth.c has more
// digits, one number at a time.
#ifndef CLG_TESTS_FLOAT_TRUTH_H
#define CLG_TESTS_FLOAT_TRUTH_H

#include <clgrad/clgrad.h>

typedef struct float_truth {
    const char *name;
    clg_tensor (*f)(clg_tensor x);
    void (*of)(const float *x, double *y, int n);
} float_truth;

// The largest errors of y beside exact values t, roughly and in units of the last place, less `cancels` units of 1 (NULL: 0):
// of normal results, and of those below
typedef struct float_errors {
    double all, below;
} float_errors;

float_errors float_errors_of(const float *y, const double *t, const double *cancels, int n);

extern const float_truth float_truths[];
extern const int float_truth_count;
#endif
