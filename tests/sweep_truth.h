// SPDX-License-Identifier: MIT
// Exact values of pointwise functions with their derivatives, for test_sweep.c.
#ifndef CLG_TESTS_SWEEP_TRUTH_H
#define CLG_TESTS_SWEEP_TRUTH_H

#include <stdbool.h>

typedef struct truth {
    const char *name;
    long double (*f[3])(long double x); // value, first and second derivative
    double ulps;     // of the value
    double absolute; // of the derivatives, in ulps of 1: they come from a saturated result
} truth;

// NULL: none; the caller then takes the row's own expression and differences.
const truth *truth_of(const char *name);

// Of two numbers: value, d/da, d/db, d2/da2, d2/dadb, d2/db2
typedef struct truth2 {
    const char *name;
    long double (*f[6])(long double a, long double b);
    double ulps; // of the value
} truth2;

const truth2 *truth2_of(const char *name);
#endif
