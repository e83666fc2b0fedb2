// SPDX-License-Identifier: MIT
// Examples of every operation: a function of some inputs, shapes small enough to check and, for some,
// large enough to time. The tests and `clgrad bench` read the same table. Public functions only.
#ifndef CLG_TOOLS_CASES_H
#define CLG_TOOLS_CASES_H

#include <clgrad/clgrad.h>

enum { CASE_INPUTS = 5 };

typedef enum case_kind {
    CASE_NONE,
    CASE_REAL,  // floating, has a gradient
    CASE_CONST, // floating, has none
    CASE_I64,
    CASE_I32,
    CASE_U8,
    CASE_BOOL
} case_kind;

typedef struct case_input {
    case_kind kind;
    double lo, hi; // numbers in between, all different where there are few, and never on a kink
    clg_shape shape;
} case_input;

typedef struct op_case {
    const char *name;
    const char *op; // the function of ops.h without its clg_
    clg_tensor (*apply)(const clg_tensor *x);
    case_input in[CASE_INPUTS];
    bool twice;         // the gradient of its gradient is checked too
    const char *what;   // for a bench row: what it measures; else NULL
    clg_shape large[2]; // F32 inputs of the bench
    double flops, bytes; // of one run over the large inputs
} op_case;

extern const op_case op_cases[];
extern const int op_case_count;

// Numbers for one input. state: any value to start with.
void case_values(const op_case *c, int input, uint64_t *state, double *out);
// The type that an input has when floating ones are `real`.
clg_dtype case_dtype(const op_case *c, int input, clg_dtype real);
// The same numbers as elements of that type; caller frees. NULL: out of memory.
void *case_elements(clg_dtype t, const double *v, int64_t n);
#endif
