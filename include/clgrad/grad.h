// SPDX-License-Identifier: MIT
// Gradients: more nodes in the same graph, so gradients of gradients are too.
#ifndef CLGRAD_GRAD_H
#define CLGRAD_GRAD_H

#include <clgrad/var.h>

CLG_BEGIN

// d y / d wrt[i] for a y of one element; out[i] has the type and shape of wrt[i].
//
// wrt     values of variables, or any tensors (tracked with clg_track when they are not computed)
// errors  CLG_EINVAL (y has several elements), CLG_EDTYPE (y or wrt[i] is not floating),
//         CLG_EGRAD (no path from wrt[i] to y, or an op on the way has no derivative). On an error
//         every out[i] is poisoned. Returns the status.
// source  Griewank and Walther 2008, chapter 3 (reverse accumulation)
CLG_API clg_status clg_grad_n(clg_tensor y, const clg_tensor *wrt, int n, clg_tensor *out);
CLG_API clg_tensor clg_grad(clg_tensor y, clg_tensor wrt);

// As clg_grad_n for a y of any shape: seeds the sweep with g, a cotangent of y's shape.
// With zero_missing, tensors without a path get zeros instead of CLG_EGRAD.
CLG_API clg_status clg_vjp_n(clg_tensor y, clg_tensor g, const clg_tensor *wrt, int n,
                             bool zero_missing, clg_tensor *out);

// The same values, invisible to gradients.
CLG_API clg_tensor clg_detach(clg_tensor t);
// The same values, a gradient leaf from which everything is tracked (requires_grad).
CLG_API clg_tensor clg_track(clg_tensor t);

struct clg_grad_check_params {
    size_t size;
    double step;      // of the central difference; 0: 1e-6 in f64, 1e-2 in f32
    double tolerance; // relative to the largest derivative; 0: 1e-6 in f64, 2e-2 in f32
    char *report;     // where a failure is described, may be NULL
    size_t report_size;
};
#define clg_grad_check_params(...)                                                                 \
    (&(struct clg_grad_check_params) { .size = sizeof(struct clg_grad_check_params), __VA_ARGS__ })

// Compare clg_grad of f with central differences at x[0..n). f maps the inputs to a tensor of any
// shape; it is contracted with fixed random numbers. Use F64 inputs where the device has them.
//
// result  CLG_OK when all agree
// errors  CLG_EGRAD (a derivative differs: which, both values), or f's own
// blocks  yes, 2 evaluations per element
CLG_API clg_status clg_grad_check(clg_tensor (*f)(const clg_tensor *x, int n, void *user),
                                  void *user, const clg_tensor *x, int n,
                                  const struct clg_grad_check_params *p);

CLG_END
#endif
