// SPDX-License-Identifier: MIT
// Calls of an expression: which functions there are, what arguments they take, and how they are called.
#ifndef CLG_TOOLS_CASE_CALLS_H
#define CLG_TOOLS_CASE_CALLS_H

#include <clgrad/clgrad.h>

enum { CALL_ARGS = 8, CALL_NAMED = 12 };

// What stands for an argument: another call or an input (a tensor), a number, a list, none (NULL).
typedef enum arg_kind { ARG_CALL, ARG_INPUT, ARG_NUMBER, ARG_LIST, ARG_NONE } arg_kind;

typedef struct call_arg {
    arg_kind kind;
    int at; // of the call or of the input
    double number;
    clg_shape list;
    const struct call_field *field; // of a named one
} call_arg;

typedef struct call_values {
    clg_tensor t[CALL_ARGS];
    double n[CALL_ARGS];
    clg_shape s[CALL_ARGS];
    int count;
    void (*named)(const struct call_values *v, void *params); // fills a params struct
    const struct call *call;
    clg_tensor named_t[CALL_NAMED];
} call_values;

typedef struct call_field {
    const char *name;
    size_t at;
    char type; // i int, l int64_t, n double, b bool, t tensor
} call_field;

// signature: a letter for each argument: t tensor, T tensor or none, n number, s list; the last one and *:
// any number of it
typedef struct call_op {
    const char *name;     // in an expression
    const char *function; // of ops.h
    const char *signature;
    clg_tensor (*apply)(const call_values *v);
    const call_field *fields; // of named arguments, ends with a NULL name; NULL: has none
    bool matrices; // shapes must fit: no plain line
} call_op;

typedef struct call {
    const call_op *op;
    call_arg arg[CALL_ARGS], named[CALL_NAMED];
    int n_args, n_named;
} call;

extern const call_op call_ops[];
extern const int call_op_count;
#endif
