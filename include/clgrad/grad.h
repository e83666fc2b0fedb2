// SPDX-License-Identifier: MIT
// Gradients: more nodes in the same graph, so gradients of gradients are too.
#ifndef CLGRAD_GRAD_H
#define CLGRAD_GRAD_H

#include <clgrad/var.h>

CLG_BEGIN

// Gradients of one number.
//
//   out[i] = dy / dwrt[i]
//
// y       one element, F32 or F64
// wrt     n floating tensors on the way to y: values of variables (clg_var_value), tracked tensors
//         (clg_track), or others. Evaluating y first drops the history of what depends on neither
//         variables nor tracked tensors
// out     n results of the type and shape of wrt[i], in the innermost scope
// result  CLG_OK
// grad    out[i] are ordinary nodes: differentiate them again
// errors  CLG_EINVAL    y has several elements, wrt is on another device, or out is NULL
//         CLG_EDTYPE    y or a wrt[i] is not floating
//         CLG_EGRAD     no path from a wrt[i] to y, or an operation on the way has no derivative.
//                       Through operations whose derivative is zero (round, sign, floor, ceil,
//                       trunc) there is a path: where no other leads to y, out[i] is zeros
//         On an error every out[i] is poisoned.
// source  Griewank and Walther 2008, chapter 3 (reverse accumulation)
CLG_API clg_status clg_grad_n(clg_tensor y, const clg_tensor *wrt, int n, clg_tensor *out);

// The same for one tensor.
//
// y, wrt  as of clg_grad_n
// result  of the type and shape of wrt
// grad    as of clg_grad_n
// errors  as of clg_grad_n
CLG_API clg_tensor clg_grad(clg_tensor y, clg_tensor wrt);

// As clg_grad_n, for tensors of which y may depend on a part alone.
//
// y, wrt, out   as of clg_grad_n; out[i] is NULL where there is no path, as PyTorch's allow_unused
// result  CLG_OK
// grad    as of clg_grad_n
// errors  as of clg_grad_n, without that one
CLG_API clg_status clg_grad_some_n(clg_tensor y, const clg_tensor *wrt, int n, clg_tensor *out);

// As clg_grad_n for a y of any shape.
//
//   out[i] = sum_j g[j] * dy[j] / dwrt[i]
//
// y, wrt, out   as of clg_grad_n, y of any shape
// g       cotangent of y: its shape and type
// zero_missing  tensors without a path get zeros in place of CLG_EGRAD
// result  CLG_OK
// grad    as of clg_grad_n, also through g
// errors  CLG_ESHAPE    g is not of y's shape and type; else as of clg_grad_n
CLG_API clg_status clg_vjp_n(clg_tensor y, clg_tensor g, const clg_tensor *wrt, int n,
                             bool zero_missing, clg_tensor *out);

// The same values, invisible to gradients.
//
// t       any tensor
// result  type and shape of t
// grad    none: the sweep ends here
// errors  t's own when poisoned
CLG_API clg_tensor clg_detach(clg_tensor t);

// The same values, a gradient leaf from which everything is tracked (PyTorch's requires_grad).
//
// t       F32 or F64
// result  type and shape of t
// grad    is a leaf: gradients with respect to it, none to what t was made of
// errors  CLG_EDTYPE    t is not floating
CLG_API clg_tensor clg_track(clg_tensor t);

struct clg_grad_check_params {
    size_t size;
    double step;      // of the central difference; 0: 1e-6 in f64, 1e-2 in f32
    double tolerance; // relative to the largest derivative; 0: 1e-6 in f64, 2e-2 in f32
    char *report;     // where a difference is described, may be NULL
    size_t report_size;
};
#define clg_grad_check_params(...)                                                                 \
    (&(struct clg_grad_check_params) { .size = sizeof(struct clg_grad_check_params), __VA_ARGS__ })

// Compare clg_grad of f with central differences.
//
//   sum_j w[j] * (f(x + h)[j] - f(x - h)[j]) / 2h   with fixed w in [0.5, 1.5)
//
// f       maps n inputs to a tensor of any shape; called many times, always with user
// x       n inputs (1 to 16), F32 or F64; F64 where the device has it. Stay away from kinks
// p       may be NULL
// result  CLG_OK when all agree
// owns    nothing
// errors  CLG_EGRAD     a derivative differs: which, and both values; or there is none
//         CLG_EINVAL    n or f; step or tolerance negative or not finite; p is refused by
//                       clg_params_read
//         CLG_EDTYPE    an input is not floating
//         f's own
// blocks  yes, 2 evaluations per element
CLG_API clg_status clg_grad_check(clg_tensor (*f)(const clg_tensor *x, int n, void *user),
                                  void *user, const clg_tensor *x, int n,
                                  const struct clg_grad_check_params *p);

CLG_END
#endif
