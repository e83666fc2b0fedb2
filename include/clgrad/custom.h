// SPDX-License-Identifier: MIT
// Operations of an application's own, from OpenCL C text, without touching the library. They check
// shapes and types, cache programs, fail and differentiate as built-in ones do; those that are
// pointwise fuse with their neighbours. docs/extending.md builds one of each kind.
//
// An operation belongs to the device it was defined on and lives as long: nothing destroys it
// alone. Like all else of a device it is for one thread at a time; recorders that share a device
// define their own, and programs are found by their text. Callbacks run in the calls that need
// them, in the same thread: shape, grid and scratch while the operation is recorded, backward while
// a gradient is. They, and what .user points to, have to stay as long as the device.
//
// Text is C for one element (pointwise) or the inside of a kernel. It is looked through when it is
// defined: no preprocessor, no strings, no backslashes, no assembler, brackets in pairs, 64 KB at
// most. Names in capitals, but OpenCL's own constants, and names that begin with own_ or end with
// an element type (_f32) are the library's. Comments are fine. What the compiler says of it comes
// with the first evaluation, as CLG_EBUILD, counting lines from the text's first.
#ifndef CLGRAD_CUSTOM_H
#define CLGRAD_CUSTOM_H

#include <clgrad/tensor.h>

CLG_BEGIN

typedef const struct clg_custom_t *clg_custom;

enum { CLG_CUSTOM_INPUTS = 16, CLG_CUSTOM_OUTPUTS = 4, CLG_CUSTOM_NUMBERS = 8 };

// What shape, grid and scratch functions see, and where they say what is wrong.
typedef struct clg_custom_call {
    clg_device dev;
    void *user;
    int n_in, n_out, n_ints;
    const clg_shape *in_shape;
    const clg_dtype *in_dtype;
    const int64_t *ints;
    clg_shape *out_shape; // the shape function fills these in
    clg_dtype *out_dtype;
    char *error; // of error_size bytes, empty: the reason, where a function refuses
    size_t error_size;
} clg_custom_call;

// What a backward function sees.
typedef struct clg_custom_grad {
    clg_device dev;
    void *user;
    int n_in, n_scalars, n_ints;
    const clg_tensor *in; // pointwise: cast to the common type and broadcast
    const bool *needed;   // which inputs a gradient is wanted for
    const double *scalars;
    const int64_t *ints;
    int output;   // the result that is differentiated
    clg_tensor y; // it
    clg_tensor g; // its cotangent, of its shape and type
} clg_custom_grad;

// Records the cotangents: grad[i] of in[i]'s shape, in public functions from in, y and g; NULL, as
// it is when this is called: the derivative is zero. Called for each result that has a cotangent;
// what it gives is added up. Below 0: there is none, and the gradient fails with this status.
typedef clg_status (*clg_custom_backward)(const clg_custom_grad *c, clg_tensor *grad);

struct clg_custom_pointwise_params {
    size_t size;
    const char *name;       // of the operation, in messages: letters, digits, '_', '.', '-'
    const char *inputs;     // names of 1 to 8 inputs in the text, blank-separated: "a b"
    const char *scalars;    // names of numbers that are arguments; with the inputs 8 at most
    const char *expression; // the value of an element
    const char *more[CLG_CUSTOM_OUTPUTS - 1]; // expressions of further results
    const char *functions;  // before the expressions; each is called NAME(f) wherever it stands
    bool integers;          // integers are computed as such; else they become F32
    clg_custom_backward backward; // NULL: there is no derivative
    void *user;
};
#define clg_custom_pointwise_params(...)                                                           \
    (&(struct clg_custom_pointwise_params) {                                                       \
        .size = sizeof(struct clg_custom_pointwise_params), __VA_ARGS__ })

// Define a pointwise operation.
//
//   y[...] = expression of the inputs' elements at [...], which broadcast
//
// dev     the device
// p       name, inputs and expression must be there. T is the computing type in the text: float or
//         double (F16 and BF16 are computed as float), with .integers also the integers'. An
//         expression of inputs, numbers, + - * /, comparisons, && || !, ?: and OpenCL's elementary
//         functions is computed in vectors by the library's own functions, and its numbers are of
//         type T; any other is plain C, once for each element. With .integers a text has no / and
//         no %, which trap where they divide by 0
// result  the operation; the same one for the same definition. NULL on failure, see clg_error
// owns    nothing: it ends with its device
// errors  CLG_EINVAL    no name or text, or one that is not allowed: what, and in which line; the
//                       name is another definition's; p is refused by clg_params_read
//         CLG_ENOMEM
// blocks  no
CLG_API clg_custom clg_custom_pointwise(clg_device dev,
                                        const struct clg_custom_pointwise_params *p);

struct clg_custom_kernel_params {
    size_t size;
    const char *name;      // of the operation, in messages
    const char *inputs;    // names of 1 to 16 inputs, blank-separated
    const char *outputs;   // names of 1 to 4 results; NULL: "y"
    const char *scalars;   // names of up to 8 numbers, of type float, or double where y is F64
    const char *ints;      // names of up to 8 whole numbers, of type long
    const char *body;      // of the kernel
    const char *functions; // before the kernel; each is called NAME(f) wherever it stands
    // Shapes and types of the results. NULL: those of input 0
    clg_status (*shape)(const clg_custom_call *c);
    // Work-items in all, and in a group; zeros at first. local[0] 0: 64 in one dimension, and
    // global is rounded up. local_bytes: of memory that a group shares. NULL: an item for each
    // element of result 0, and some that are too many
    clg_status (*grid)(const clg_custom_call *c, size_t global[3], size_t local[3],
                       size_t *local_bytes);
    clg_custom_backward backward; // NULL: there is no derivative
    void *user;
    // Of global memory that one launch has for itself. The function, where it follows from shapes
    // and ints: it finds scratch_bytes in *bytes, and leaves there what it wants
    size_t scratch_bytes;
    clg_status (*scratch)(const clg_custom_call *c, size_t *bytes);
};
#define clg_custom_kernel_params(...)                                                              \
    (&(struct clg_custom_kernel_params) { .size = sizeof(struct clg_custom_kernel_params),         \
                                          __VA_ARGS__ })

// Define an operation with a kernel of its own.
//
// In its body stand, for an input or result x: the pointer x to its elements in row-major order,
// LOAD_x(i) and STORE_x(i, v), which also convert F16 and BF16 (kept as ushort) from and to float;
// x_dim[k], its sizes; x_rank; x_n, how many elements it has. T is the computing type of result 0.
// Scalars and whole numbers by their names; with local bytes `local_memory`, a __local char *;
// where scratch is asked for `scratch_memory`, a __global char * aligned for every type. Nothing is
// known of what lies in either at first, and nothing of it is there at the next launch.
//
// dev     the device
// p       name, inputs and body must be there. Whole numbers are seen by shape, grid and scratch
//         functions, and others make another plan; scalars are seen by the kernel alone
// result  as of clg_custom_pointwise
// owns    nothing: it ends with its device
// errors  as of clg_custom_pointwise
// blocks  no
CLG_API clg_custom clg_custom_kernel(clg_device dev, const struct clg_custom_kernel_params *p);

struct clg_custom_numbers {
    size_t size;
    int n_scalars, n_ints;
    const double *scalars;
    const int64_t *ints;
};
#define clg_custom_numbers(...)                                                                    \
    (&(struct clg_custom_numbers) { .size = sizeof(struct clg_custom_numbers), __VA_ARGS__ })

// Record a custom operation.
//
// op      the operation
// in      its n_in inputs, as many as it has, of its device
// p       its scalars and whole numbers, as many as it has; NULL: it has none
// out     its n_out results, as many as it has; poisoned on an error
// result  CLG_OK
// grad    by the operation's backward function
// errors  CLG_EINVAL    op is NULL or its device was closed; another count; a grid that the device
//                       cannot run, or of no items though there are results; more local or scratch
//                       memory than it has
//         CLG_ESHAPE    pointwise: the shapes do not broadcast; a result's is impossible
//         CLG_EDTYPE    no common type, or one the operation does not compute in
//         shape's, grid's and scratch's own
CLG_API clg_status clg_custom_apply_n(clg_custom op, const clg_tensor *in, int n_in,
                                      const struct clg_custom_numbers *p, clg_tensor *out,
                                      int n_out);

// The same for an operation of one result.
//
// op, in, n_in, p   as of clg_custom_apply_n
// result  of the broadcast shape and common type (pointwise), or as the shape function says
// grad    as of clg_custom_apply_n
// errors  as of clg_custom_apply_n
CLG_API clg_tensor clg_custom_apply(clg_custom op, const clg_tensor *in, int n_in,
                                    const struct clg_custom_numbers *p);

CLG_END
#endif
