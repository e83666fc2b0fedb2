// SPDX-License-Identifier: MIT
// Tensors: immutable values of a recorded graph. Upload, evaluate, read, keep.
#ifndef CLGRAD_TENSOR_H
#define CLGRAD_TENSOR_H

#include <clgrad/device.h>
#include <stdio.h>

CLG_BEGIN

// A handle. The fields are for reading; status < 0 marks a poisoned tensor, which passes its cause on
// to whatever is made of it.
typedef const struct clg_tensor_t {
    clg_device dev;
    clg_dtype dtype;
    clg_status status;
    clg_shape shape;
} *clg_tensor;

// A tensor from host memory: copies clg_numel(shape) elements, row-major, before returning.
//
// errors  CLG_EDTYPE (device lacks the type), CLG_ESHAPE (negative or overflowing), CLG_ENOMEM
CLG_API clg_tensor clg_upload(clg_device dev, clg_dtype t, clg_shape shape, const void *data);

// One element, 0-d. Its value is a kernel argument: changing it compiles nothing.
CLG_API clg_tensor clg_scalar(clg_device dev, clg_dtype t, double value);

// Constant tensors; no memory until a kernel needs it.
CLG_API clg_tensor clg_full(clg_device dev, clg_dtype t, clg_shape shape, double value);
CLG_API clg_tensor clg_zeros(clg_device dev, clg_dtype t, clg_shape shape);
CLG_API clg_tensor clg_ones(clg_device dev, clg_dtype t, clg_shape shape);
// start, start+step, ...: ceil((stop-start)/step) elements, 1-D.
CLG_API clg_tensor clg_arange(clg_device dev, clg_dtype t, double start, double stop, double step);

// Run what the tensors (and all pending assignments) need. Enqueues and returns.
//
// errors  the tensors' own when poisoned; CLG_ENOMEM, CLG_EBUILD, CLG_EDEVICE. On an error no
//         variable has changed.
CLG_API clg_status clg_eval_n(const clg_tensor *t, int n);
#define clg_eval(...) clg_eval_n((clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__))

// Run what one tensor needs and leave pending assignments pending.
CLG_API clg_status clg_eval_alone(clg_tensor t);

// Run the pending assignments alone.
CLG_API clg_status clg_eval_assigned(clg_device dev);

// Evaluate if needed and copy to host memory, row-major; `bytes` must be the tensor's exact size.
//
// blocks  until this tensor is ready, not until the queue is empty
// errors  as clg_eval; CLG_EINVAL when bytes differ
CLG_API clg_status clg_read(clg_tensor t, void *dst, size_t bytes);

// The value of a tensor of one element, NaN on failure. st may be NULL.
CLG_API double clg_item(clg_tensor t, clg_status *st);

// Take a handle out of its scope: it lives until clg_drop. Returns t.
CLG_API clg_tensor clg_keep(clg_tensor t);
// Release a kept handle and set it to NULL. NULL is fine.
CLG_API void clg_drop(clg_tensor *t);
// Hand a handle to the parent of its scope. Returns t.
CLG_API clg_tensor clg_escape(clg_tensor t);

// Name a tensor in messages and graph drawings (copied). Returns t.
CLG_API clg_tensor clg_label(clg_tensor t, const char *label);

// A poisoned tensor with this message, for code built on clgrad; published like any other error.
CLG_API clg_tensor clg_poison(clg_device dev, clg_status st, const char *format, ...)
    CLG_PRINTF(3, 4);

// Name what is recorded from here on ("conv1"): messages carry it. The text must outlive the
// recording; returns the name before, to be set back. NULL: none.
CLG_API const char *clg_set_layer(clg_device dev, const char *name);

// Does t depend on a variable or a tracked tensor?
CLG_API bool clg_is_tracked(clg_tensor t);

// Print type, shape and values (evaluates), numpy style, long ones abbreviated.
CLG_API clg_status clg_print(FILE *out, clg_tensor t);

// Draw the recorded graph behind the tensors in graphviz' dot language, kernels as boxes around the
// nodes they compute.
CLG_API clg_status clg_dot_n(FILE *out, const clg_tensor *t, int n);

CLG_END
#endif
