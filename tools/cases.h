// SPDX-License-Identifier: MIT
// Examples of every operation, a line each in cases.txt (its head says how): an expression, inputs small
// enough to check and, for some, shapes large enough to time. The tests and `clgrad bench` read the same
// lines. Public functions only.
#ifndef CLG_TOOLS_CASES_H
#define CLG_TOOLS_CASES_H

#include <clgrad/clgrad.h>

enum { CASE_INPUTS = 8, CASE_NAME = 40, CASE_ERROR = 240 };

typedef enum case_kind {
    CASE_NONE,
    CASE_REAL,  // floating, has a gradient
    CASE_CONST, // floating, has none
    CASE_I64,
    CASE_I32,
    CASE_U8,
    CASE_I8,
    CASE_I16,
    CASE_U16,
    CASE_U32,
    CASE_U64,
    CASE_BOOL
} case_kind;

typedef struct case_input {
    case_kind kind;
    double lo, hi; // numbers in between, all different where there are few, and never on a kink
    clg_shape shape;
} case_input;

typedef struct op_case {
    char name[CASE_NAME];
    int line, call;     // in the file; the outermost call of the expression
    case_input in[CASE_INPUTS];
    bool twice;         // the gradient of its gradient is checked too
    bool f64;           // needs a device with F64
    bool seldom;        // by default in fewer runs of the tests than others
    char what[CASE_NAME]; // for a bench row: what it measures; else empty
    clg_shape large[2]; // F32 inputs of the bench
    double flops, bytes; // of one run over the large inputs
} op_case;

extern op_case *op_cases;
extern int op_case_count;

// Reads the built-in lines, or the file that CLGRAD_CASES names. false: error has place and cause.
bool cases_open(char error[CASE_ERROR]);
// The same for any text. Replaces what was read before.
bool cases_read(const char *where, const char *text, char error[CASE_ERROR]);
// One more line; its place in op_cases, -1 after an error. Moves op_cases.
int cases_add(const char *where, int line, const char *text, char error[CASE_ERROR]);
void cases_close(void);

clg_tensor case_apply(const op_case *c, const clg_tensor *x);
// Does the expression call this function of ops.h (its name without clg_)?
bool case_calls(const op_case *c, const char *function);
// Argument k of it, or a parameter by name, where that is a number.
double case_number(const op_case *c, const char *function, int k, double otherwise);
double case_field(const op_case *c, const char *function, const char *name, double otherwise);

// Numbers for one input. state: any value to start with.
void case_values(const op_case *c, int input, uint64_t *state, double *out);
// The type that an input has when floating ones are `real`.
clg_dtype case_dtype(const op_case *c, int input, clg_dtype real);
// The same numbers as elements of that type; caller frees. NULL: out of memory.
void *case_elements(clg_dtype t, const double *v, int64_t n);
#endif
