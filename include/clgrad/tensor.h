// SPDX-License-Identifier: MIT
// Tensors: immutable values of a recorded graph. Upload, evaluate, read, keep.
#ifndef CLGRAD_TENSOR_H
#define CLGRAD_TENSOR_H

#include <clgrad/device.h>
#include <stdio.h>

CLG_BEGIN

// A handle. The fields are for reading; status < 0 marks a poisoned tensor, which passes its cause
// on to whatever is made of it. A function that returns a tensor never returns NULL, and what it
// makes belongs to the innermost scope. A function that changes nothing may return its argument.
// Every function answers CLG_EINVAL, and says why, for NULL, a handle whose scope ended, one that
// was dropped, one of a closed device or of another device (debug_traps: traps).
typedef const struct clg_tensor_t {
    clg_device dev;
    clg_dtype dtype;
    clg_status status;
    clg_shape shape;
} *clg_tensor;

// A tensor from host memory.
//
// dev     the device
// t       element type
// shape   any, empty ones too
// data    clg_numel(shape) elements, row-major, copied before the call returns; BOOL: bytes 0, 1
// result  type t, shape `shape`, in device memory
// grad    none: a leaf, see clg_track
// errors  CLG_EDTYPE    the device lacks the type, or it is none
//         CLG_ESHAPE    a negative size, or too many elements
//         CLG_EINVAL    data is NULL though there are elements; dev is NULL
//         CLG_ENOMEM, CLG_EDEVICE
CLG_API clg_tensor clg_upload(clg_device dev, clg_dtype t, clg_shape shape, const void *data);

// One element. Its value is a kernel argument: changing it compiles nothing.
//
// dev, t  device and element type
// value   converted to t: integers cut off toward zero and saturate, NaN gives 0; BOOL: not zero.
//         Integers beyond 2^53 are rounded first
// result  type t, 0-d
// grad    none
// errors  CLG_EDTYPE    as of clg_upload
CLG_API clg_tensor clg_scalar(clg_device dev, clg_dtype t, double value);

// A tensor of one value; no memory until a kernel needs it. The value is a kernel argument.
//
//   y[...] = value
//
// dev, t, shape   as of clg_upload
// value   as of clg_scalar
// result  type t, shape `shape`
// grad    none
// errors  CLG_EDTYPE, CLG_ESHAPE   as of clg_upload
CLG_API clg_tensor clg_full(clg_device dev, clg_dtype t, clg_shape shape, double value);

// A tensor of zeros; the number is part of the kernel's text.
//
// dev, t, shape   as of clg_upload
// result  type t, shape `shape`
// grad    none
// errors  CLG_EDTYPE, CLG_ESHAPE   as of clg_upload
CLG_API clg_tensor clg_zeros(clg_device dev, clg_dtype t, clg_shape shape);

// A tensor of ones; the number is part of the kernel's text.
//
// dev, t, shape   as of clg_upload
// result  type t, shape `shape`
// grad    none
// errors  CLG_EDTYPE, CLG_ESHAPE   as of clg_upload
CLG_API clg_tensor clg_ones(clg_device dev, clg_dtype t, clg_shape shape);

// Evenly spaced numbers.
//
//   y[i] = start + i * step
//
// dev     the device
// t       element type; integers wrap
// start, stop, step   stop is not part of y; numbers are part of the kernel's text. An integer t
//         wants start and step whole (PyTorch cuts them off after it has counted)
// result  type t, [ceil((stop - start) / step)], empty when that is negative
// grad    none
// errors  CLG_EINVAL    step is 0, a number is NaN, 1e15 elements, or an integer t with a
//                       fraction (or beyond 2^53) in start or step
//         CLG_EDTYPE    as of clg_upload
CLG_API clg_tensor clg_arange(clg_device dev, clg_dtype t, double start, double stop, double step);

// Run what n tensors need, and all pending assignments. Enqueues and returns.
//
// t, n    tensors of one device; n <= 0 does nothing
// result  CLG_OK
// owns    nothing; evaluated tensors hold their memory while a handle does
// errors  a tensor's own when poisoned; CLG_ENOMEM, CLG_EBUILD, CLG_EDEVICE. On an error no
//         variable has changed, and assignments recorded since the last evaluation are forgotten.
// blocks  compiles what no earlier evaluation has compiled; does not wait for kernels
CLG_API clg_status clg_eval_n(const clg_tensor *t, int n);
#define clg_eval(...)                                                                              \
    clg_eval_n((clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__))

// Run what one tensor needs and leave pending assignments pending.
//
// t       the tensor
// result  CLG_OK
// owns    nothing
// errors  as of clg_eval_n, but assignments stay pending
// blocks  as clg_eval_n
CLG_API clg_status clg_eval_alone(clg_tensor t);

// Run the pending assignments alone.
//
// dev     the device
// result  CLG_OK, also when none is pending
// owns    nothing
// errors  as of clg_eval_n; CLG_EINVAL dev is NULL
// blocks  as clg_eval_n
CLG_API clg_status clg_eval_assigned(clg_device dev);

// Evaluate if needed (then pending assignments run too) and copy to host memory, row-major.
//
// t       the tensor
// dst     where to; `bytes` must be the tensor's exact size
// result  CLG_OK
// owns    nothing
// errors  as of clg_eval_n; CLG_EINVAL when bytes differ or dst is NULL
// blocks  until this tensor is ready, not until the queue is empty
CLG_API clg_status clg_read(clg_tensor t, void *dst, size_t bytes);

// The value of a tensor of one element, evaluated if needed.
//
// t       one element, any type
// st      where the status goes, may be NULL
// result  the value (integers beyond 2^53 rounded), NaN on failure
// owns    nothing
// errors  as of clg_eval_n; CLG_ESHAPE t has not one element
// blocks  as clg_read
CLG_API double clg_item(clg_tensor t, clg_status *st);

// Let a handle outlive its scope. Keep it n times: drop it n times.
//
// t       the tensor; NULL is fine
// result  t; a poison when t's scope has ended
// owns    release with clg_drop
// errors  CLG_EINVAL    t's scope has ended
// blocks  no
CLG_API clg_tensor clg_keep(clg_tensor t);

// Release a kept handle.
//
// t       its address; set to NULL. NULL and the address of NULL are fine, and so is a tensor whose
//         device was closed
// errors  CLG_EINVAL    published: not kept, or dropped already (a trap with debug_traps)
// blocks  no
CLG_API void clg_drop(clg_tensor *t);

// Hand a handle to the parent of its scope: a function's result out of the function's scope.
//
// t       the tensor; NULL is fine
// result  t; a poison when t's scope has ended
// owns    belongs to the parent scope; stays where it is in the outermost
// errors  CLG_ENOMEM    published; t then stays in its scope
//         CLG_EINVAL    t's scope has ended
// blocks  no
CLG_API clg_tensor clg_escape(clg_tensor t);

// Name a tensor in graph drawings.
//
// t       the tensor
// label   copied; NULL changes nothing
// result  t
// owns    nothing
// errors  none
// blocks  no
CLG_API clg_tensor clg_label(clg_tensor t, const char *label);

// A poisoned tensor with this message, for code built on clgrad; published like any other error.
//
// dev     the device; NULL gives a poison whose message is cut at 119 bytes
// st      below 0, else CLG_EINVAL is taken
// format  as of printf; NULL: the status's own text
// result  a tensor of that status
// grad    none
// errors  none of its own
CLG_API clg_tensor clg_poison(clg_device dev, clg_status st, const char *format, ...)
    CLG_PRINTF(3, 4);

// Why a tensor is poisoned: the message of the call that failed first, whatever else has failed.
//
// t       the tensor
// result  the message, valid as long as t is a handle; "success" for a tensor that is not poisoned.
//         For a handle that is none (NULL, its scope ended): what is wrong with it, valid until the
//         innermost scope ends
// owns    the text belongs to the tensor
// errors  CLG_EINVAL    published: t is no handle
// blocks  no
CLG_API const char *clg_tensor_error(clg_tensor t);

// May a call of code built on clgrad begin? Are its inputs live handles of one device, and none
// poisoned?
//
// op      name of the function, for the message
// names   of the inputs, separated by blanks ("x weight"); "t[]": t[0], t[1], ...; NULL: numbers
// t, n    the inputs
// result  NULL when it may; else a poison for the call to return, its message published
// grad    none
// errors  CLG_EINVAL    one is NULL, its scope ended, or it belongs to another device
//         a tensor's own when poisoned
CLG_API clg_tensor clg_check_inputs(const char *op, const char *names, const clg_tensor *t, int n);

// Name what is recorded from here on ("conv1"): messages carry it, and what clg_device_profile
// tells, of derivatives as well.
//
// dev     the device; NULL is fine
// name    copied, its first 255 bytes; NULL: none
// result  the name before, to be set back
// owns    the result belongs to the device, which keeps the first 4,096 names, and of others the
//         last 16
// errors  none
// blocks  no
CLG_API const char *clg_set_layer(clg_device dev, const char *name);

// Does t depend on a variable or a tracked tensor?
//
// t       the tensor; NULL is fine
// result  whether clg_grad may follow t back after it was evaluated
// errors  none
// blocks  no
CLG_API bool clg_is_tracked(clg_tensor t);

// Print shape, type and values as NumPy does: of a dimension longer than 8 the first and last 3.
//
// out     an open file
// t       the tensor
// result  CLG_OK
// owns    nothing
// errors  as of clg_read; CLG_EINVAL out is NULL
// blocks  as clg_read
CLG_API clg_status clg_print(FILE *out, clg_tensor t);

// Draw the recorded graph behind n tensors in graphviz' dot language, kernels as boxes around the
// nodes they compute. Evaluates nothing; what is evaluated already is drawn as a leaf.
//
// out     an open file
// t, n    tensors of one device
// result  CLG_OK
// owns    nothing
// errors  a tensor's own when poisoned; CLG_ENOMEM, CLG_EDEVICE; CLG_EINVAL out is NULL
// blocks  no
CLG_API clg_status clg_dot_n(FILE *out, const clg_tensor *t, int n);

// What one evaluation takes.
typedef struct clg_plan_info {
    uint64_t nodes;      // of the graph that it needs
    uint64_t launches;   // of kernels
    uint64_t bytes_peak; // device memory of results and temporaries, scratch of kernels too
    uint64_t bytes_live; // the most of that needed at once, results all the time: a bound
    // Between kernels and memory: what the launches read and write, and a bound below which no plan
    // is: matrix products, convolutions and other operations with kernels of their own read their
    // inputs once and everything else is part of them; what is there before is read, what is asked
    // for is written.
    uint64_t bytes_moved, bytes_least;
    uint64_t flops; // of matrix products and convolutions, an addition and a multiplication as two
} clg_plan_info;

// Plan the evaluation of n tensors and of all assignments recorded so far, and say what it takes.
// Evaluates, compiles and keeps nothing.
//
// dev     the device of the tensors
// t, n    tensors; n may be 0
// out     zeros on failure
// result  CLG_OK
// errors  a tensor's own when poisoned; CLG_ENOMEM, CLG_EDEVICE; CLG_EINVAL dev is NULL or not the
//         tensors', or out is NULL
// blocks  no
CLG_API clg_status clg_plan_n(clg_device dev, const clg_tensor *t, int n, clg_plan_info *out);

struct clg_prepare_params {
    size_t size; // of this struct; clg_prepare_params() sets it
    void (*progress)(void *user, int done, int all); // kernels so far, and in all; may be NULL
    void *user;  // passed to progress
};
#define clg_prepare_params(...)                                                                    \
    (&(struct clg_prepare_params) { .size = sizeof(struct clg_prepare_params), __VA_ARGS__ })

// Compile what evaluating n tensors and all assignments recorded so far takes, and do not evaluate.
// Drivers compile when a program is built or when a kernel is first launched: both are done here. A
// program that starts can do this for the shapes of its work on another thread, on a device opened
// with .share, with which it has the programs in common.
//
// dev     the device of the tensors
// t, n    tensors; n may be 0. They and the assignments stay as they are; new variables get their
//         first values
// p       may be NULL. progress is called on this thread, and must not call clgrad
// result  CLG_OK
// errors  a tensor's own when poisoned; CLG_ENOMEM, CLG_EBUILD, CLG_EDEVICE; CLG_EINVAL dev is NULL
//         or not the tensors', or p is refused by clg_params_read. Assignments stay pending
// blocks  until all is compiled
CLG_API clg_status clg_prepare_n(clg_device dev, const clg_tensor *t, int n,
                                 const struct clg_prepare_params *p);

CLG_END
#endif
