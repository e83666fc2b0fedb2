// SPDX-License-Identifier: MIT
// What an operation is: the descriptor that recording, differentiation, code generation and
// scheduling all read. A new op fills one of these and nothing else.
#ifndef CLG_GRAPH_OP_H
#define CLG_GRAPH_OP_H

#include "base/caps.h"
#include "base/kplan.h"
#include "graph/access.h"
#include <clgrad/tensor.h>

typedef enum clg__op_kind {
    CLG__LEAF,      // a buffer
    CLG__SCALAR, // one run-time number: params double
    CLG__CONST,     // one number in the text: params double (small literals of gradients)
    CLG__IOTA,      // start + step * linear index: params double[2]
    CLG__RANDOM,    // see clg__random
    CLG__POINTWISE, // a row of elementwise.def; inputs broadcast already cast to one type
    CLG__CAST,
    CLG__REDUCE,    // params clg__reduce; result keeps reduced dimensions as 1
    CLG__VIEW,      // in[0] logically; node->base and node->access are what counts
    CLG__KERNEL,    // variants[] make its kernels
    CLG__OUT,       // output k of a kernel node: params int
    CLG__ALIAS      // the value of in[0], another place in the gradient graph
} clg__op_kind;

typedef enum clg__domain { CLG__ANY, CLG__NUMERIC, CLG__FLOATING, CLG__BOOLEAN, CLG__INTEGRAL, CLG__WHOLE } clg__domain;
typedef enum clg__result { CLG__SAME, CLG__TO_BOOL } clg__result;

// A derivative's view of one node: everything is a tensor, results are ordinary ops.
typedef struct clg__vjp {
    clg_tensor y;          // the node
    clg_tensor g;          // cotangent of y, of its shape
    const clg_tensor *in;
    int n_in;
    const void *params;
    int out;               // which output y is, of an operation that has several
    const clg_tensor *gs;  // of an op that joins: cotangents of its results, NULL where there is none
} clg__vjp;
// Cotangent for input i. Where y broadcasts the input it may have the shape of y: the sweep sums it back.
// NULL: the derivative is zero everywhere (sign, comparisons). A clear "no derivative" is
// clg__no_grad(v, "why").
typedef clg_tensor (*clg__vjp_fn)(const clg__vjp *v, int i);

// Bytes that identify params: written field by field, never as raw structs.
typedef struct clg__key {
    clg__str bytes;
} clg__key;
void clg__key_i64(clg__key *k, int64_t v);
void clg__key_f64(clg__key *k, double v);

// A number that a variant's plan chooses by shape and device, unless CLGRAD_VARIANT says it. It changes time, never a
// bit.
typedef struct clg__param {
    const char *name, *what; // what: for people
    int least, most;
    bool power;              // of two
} clg__param;
enum { CLG__MAX_PARAMS = 6 };

// What a kernel variant sees. access[i] is how input i lies in its buffer.
typedef struct clg__kernel_call {
    const clg__caps *caps;
    bool forced;              // it is to be taken wherever it can be, though another may be faster
    int set[CLG__MAX_PARAMS]; // the variant's parameters as they are forced, 0: its plan chooses
    const void *params;
    int n_in, n_out;
    const clg_shape *in_shape;
    const clg_dtype *in_dtype;
    const clg__access *in_access;
    const clg_shape *out_shape;
    const clg_dtype *out_dtype;
    const clg__access *out_access; // of output 0: contiguous, unless the op has strided_output
} clg__kernel_call;

typedef struct clg__variant {
    const char *name;
    // NULL: yes; else why not, for the log. Static text.
    const char *(*accepts)(const clg__kernel_call *c);
    void (*plan)(const clg__kernel_call *c, clg__kplan *p);
    bool epilogue; // its kernel stores by EPI_STORE, see docs/extending.md
    const clg__param *params;
    int n_params;
} clg__variant;

static inline int clg__param_or(const clg__kernel_call *c, int param, int usual)
{
    return c->set[param] ? c->set[param] : usual;
}

// The text of an application's own pointwise operation, looked through: one that breaks what stands around it is not
// let in (ops/custom_text.c). How it becomes kernel text: codegen/own.c.
typedef struct clg__own {
    const char *id, *name; // id: hexadecimal digits, of the whole definition
    const char *expression, *functions;
    const char *const *names; // inputs, then scalars
    int n, result; // which of the operation's
    bool vectors; // its text is one for scalars and vectors
} clg__own;

typedef struct clg__op {
    const char *name;
    clg__op_kind kind;
    // POINTWISE
    const char *text; // OpenCL expression in a, b, c (see codegen/expr.c for its macros)
    int arity;        // of tensors; further operands of the row are ordinary inputs
    clg__domain domain;
    clg__result result;
    // gradients; NULL: the op has none (integers, comparisons): grads stop silently where the result
    // is not floating, else with a message
    clg__vjp_fn vjp;
    // In place of vjp: d[i] for all inputs at once of which one is needed; NULL, as they come, for zero
    void (*vjp_all)(const clg__vjp *v, const bool *needed, clg_tensor *d);
    const clg__own *own; // POINTWISE: the text is an application's
    // KERNEL, REDUCE, VIEW...: writes params into the key; NULL: no params
    void (*key)(const void *params, clg__key *k);
    size_t params_bytes;
    // KERNEL
    const clg__variant *variants;
    int n_variants;
    // Inputs that a kernel op can take with any strides (bit i); others arrive contiguous.
    uint32_t strided_inputs;
    uint32_t scalar_inputs; // that are SCALAR nodes, arguments of its kernel (clg__arg_scalar)
    uint32_t picked_inputs; // of which (bit i) no more elements are read than the result has, for people
    // Its output seen as [batch.., R, C] for epilogues: which axis is R, counted from the end (matmul 2). At most three
    // dimensions stand before it.
    int row_axis_from_end;
    // ALIAS of which the derivative is one for several results: in[0] to in[m - 1], m in its params, an int. Result k is
    // an ALIAS of two inputs, it and this one, with k in its params
    bool joins;
    bool variants_agree; // in their bits, those of one class: one that is built may stand in for one that is not
    bool strided_output; // its kernels can store with any steps but along C
} clg__op;

// The ops that have kernels of their own, one after another; NULL: no more (ops/registry.c).
const clg__op *clg__kernel_op(int i);

// ---- reductions
typedef enum clg__reduce_kind {
    CLG__RED_SUM, CLG__RED_MAX, CLG__RED_MIN, CLG__RED_ARGMAX, CLG__RED_ARGMIN, CLG__RED_ANY,
    CLG__RED_ALL, CLG__RED_PROD,
    // floating: mean, what its rounding left, sum of squares, its root; divided by `divisor`
    CLG__RED_MEAN, CLG__RED_REST, CLG__RED_SQUARE, CLG__RED_ROOT
} clg__reduce_kind;
typedef struct clg__reduce {
    clg__reduce_kind kind;
    bool axis[CLG_MAX_RANK];
    double divisor; // MEAN to ROOT
} clg__reduce;

// ---- random
typedef enum clg__random_kind { CLG__RAND_UNIFORM, CLG__RAND_NORMAL } clg__random_kind;
typedef struct clg__random {
    clg__random_kind kind; // uniform in [0,1) and standard normal; scaling is ordinary ops
    uint64_t seed, counter; // never part of a key
} clg__random;
#endif
