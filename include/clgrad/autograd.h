// SPDX-License-Identifier: MIT
// What PyTorch has in torch.autograd, torch.func and torch.utils.checkpoint beside grad.h: products
// forward and backward, Jacobians and Hessians, accumulation, checkpointing, hooks, no_grad.
//
// PyTorch's retain_grad needs no counterpart: every tensor on the way can be asked for (wrt).
#ifndef CLGRAD_AUTOGRAD_H
#define CLGRAD_AUTOGRAD_H

#include <clgrad/grad.h>

CLG_BEGIN

// Gradients of several results in one sweep (torch.autograd.grad).
//
//   out[i] = sum_k sum_j g[k][j] * dy[k][j] / dwrt[i]
//
// y, g    m results and their cotangents, each of its y's shape and type
// wrt, n, zero_missing, out   as of clg_vjp_n
// result  CLG_OK
// grad    as of clg_grad_n, also through g
// errors  CLG_EINVAL    m < 1; else as of clg_vjp_n
CLG_API clg_status clg_vjp_outputs_n(const clg_tensor *y, const clg_tensor *g, int m,
                                     const clg_tensor *wrt, int n, bool zero_missing,
                                     clg_tensor *out);

// Forward-mode products (torch.func.jvp): how results move when the inputs move along tangents.
//
//   out[k] = sum_i sum_j dy[k] / dx[i][j] * tangent[i][j]
//
// By the derivative of the reverse sweep, which is linear in its cotangent: what is computed is the
// tangents' way forward alone. Of tensors x that y does not depend on the share is zero.
//
// y       m floating results
// x, tangent   n inputs on the way to y, and their tangents, each of its x's shape and type
// out     m results of the shape and type of y[k]
// result  CLG_OK
// grad    as of clg_grad_n, also through the tangents
// errors  CLG_EINVAL    m or n < 1, out is NULL, other devices
//         CLG_ESHAPE    tangent[i] is not of x[i]'s shape and type
//         CLG_EGRAD     an operation on the way has no derivative, or none of its derivative
//         CLG_EDTYPE    a y or an x is not floating
// source  Baydin et al. 2018, section 3.1; Townsend 2017 for the two sweeps
CLG_API clg_status clg_jvp_n(const clg_tensor *y, int m, const clg_tensor *x,
                             const clg_tensor *tangent, int n, clg_tensor *out);

// The same for one result and one input.
//
// y, x, tangent   as of clg_jvp_n
// result  of the shape and type of y
// grad    as of clg_jvp_n
// errors  as of clg_jvp_n
CLG_API clg_tensor clg_jvp(clg_tensor y, clg_tensor x, clg_tensor tangent);

// Products of the Hessian (torch.autograd.functional.hvp).
//
//   out[i] = sum_k sum_j d^2 y / (dx[i] dx[k][j]) * v[k][j]
//
// y       one floating element
// x, v    n inputs on the way to y, and as many tensors of their shapes and types
// out     n results of the shape and type of x[i]
// result  CLG_OK
// grad    as of clg_grad_n, also through v
// errors  as of clg_grad_n and clg_jvp_n
// source  Pearlmutter 1994
CLG_API clg_status clg_hvp_n(clg_tensor y, const clg_tensor *x, const clg_tensor *v, int n,
                             clg_tensor *out);

// The same for one input.
//
// y, x, v as of clg_hvp_n
// result  of the shape and type of x
// grad    as of clg_hvp_n
// errors  as of clg_hvp_n
CLG_API clg_tensor clg_hvp(clg_tensor y, clg_tensor x, clg_tensor v);

// All derivatives of one tensor by another (torch.func.jacrev, jacfwd).
//
//   J[i..., j...] = dy[i...] / dx[j...]
//
// One sweep for each element of y or of x, of which there are fewer. Zeros where there is no path.
//
// y, x    floating
// result  shape of y followed by shape of x, type of y
// grad    as of clg_grad_n
// errors  CLG_ESHAPE    rank of y and rank of x together beyond 8
//         CLG_EDTYPE, CLG_EGRAD   as of clg_vjp_n and clg_jvp_n
CLG_API clg_tensor clg_jacobian(clg_tensor y, clg_tensor x);

// All second derivatives of one number (torch.func.hessian).
//
//   H[i..., j...] = d^2 y / (dx[i...] dx[j...])
//
// y       one floating element
// x       on the way to y
// result  shape of x twice, type of x
// grad    as of clg_grad_n
// errors  as of clg_grad and clg_jacobian
CLG_API clg_tensor clg_hessian(clg_tensor y, clg_tensor x);

// Add gradients to what there is (.backward() called again without zero_grad).
//
//   sum[i] += dy / dwrt[i]
//
// y, wrt, n   as of clg_grad_n
// sum     n tensors of the shape and type of wrt[i]; a NULL is taken for zeros. Replaced, or left
//         as they are on an error
// result  CLG_OK
// grad    as of clg_grad_n, also through what there was
// errors  CLG_ESHAPE, CLG_EDTYPE   a sum[i] differs from wrt[i]; else as of clg_grad_n
CLG_API clg_status clg_grad_add_n(clg_tensor y, const clg_tensor *wrt, int n, clg_tensor *sum);

// A function of n inputs whose intermediate results are computed again for its gradient instead of
// being kept until then (torch.utils.checkpoint). Gradients have the bits that they have without
// it, of what several such functions use those of sums in their order; draws are the same. Second
// derivatives go through f twice, and may differ by the order in which cotangents are added up.
//
// f is called once. What it recorded is recorded again when a gradient is, behind the cotangent of
// the result, so that nothing merges the two. Variables and tensors that f uses beside its inputs
// get their gradients; the values are those that they had.
//
// f       records a tensor of its n inputs; always called with user
// x       n >= 1 inputs
// result  f's
// grad    x, and whatever f uses
// errors  CLG_EINVAL    f or what it returns is NULL, or of another device
//         f's own
// source  Chen et al. 2016
CLG_API clg_tensor clg_checkpoint(clg_tensor (*f)(const clg_tensor *x, int n, void *user),
                                  void *user, const clg_tensor *x, int n);

// Records m results y of n inputs x; below 0: it failed.
typedef clg_status (*clg_checkpoint_fn)(const clg_tensor *x, int n, clg_tensor *y, int m,
                                        void *user);

// The same of a function of several results. They are computed again together, once, for all that
// have a gradient; what comes back waits for the cotangents of all of these. Gradients have the
// bits that they have without it, but where f goes on from a result that is used elsewhere too:
// there cotangents are added up in another order.
//
// f       records y, NULL when it is called; always called with user
// x       n >= 1 inputs
// y       m >= 1 results, of any type; poisoned on an error
// result  CLG_OK
// grad    x, and whatever f uses
// errors  CLG_EINVAL    f or y is NULL, m < 1, or a result is NULL or of another device
//         f's own
// source  Chen et al. 2016
CLG_API clg_status clg_checkpoint_n(clg_checkpoint_fn f, void *user, const clg_tensor *x, int n,
                                    clg_tensor *y, int m);

// Sees a tensor's gradient, of its shape and type. NULL: it stays; else it is replaced by what is
// returned, of the same shape and type. May record and differentiate; a poison ends the sweep.
typedef clg_tensor (*clg_hook)(clg_tensor g, void *user);

// Call a function whenever a gradient of this very tensor is complete (Tensor.register_hook), also
// when the tensor is only on the way. Hooks are called in the order in which they were registered
// and stay as long as the tensor; a variable's value is another tensor after each assignment.
//
// t       a floating tensor
// hook, user   the function, and what it is given. Not called where the gradient is zero by a rule
//         (round, sign)
// id      the hook's number for clg_remove_hook; may be NULL
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    hook is NULL
//         CLG_EDTYPE    t is not floating
//         CLG_ENOMEM
// blocks  no
CLG_API clg_status clg_register_hook(clg_tensor t, clg_hook hook, void *user, int *id);

// Remove a hook (its handle's remove()); within a hook too.
//
// t, id   as of clg_register_hook
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    t has no such hook, or not any more
// blocks  no
CLG_API clg_status clg_remove_hook(clg_tensor t, int id);

// Record with or without gradients (torch.set_grad_enabled; no_grad is false and the old value
// afterwards). What is recorded without them is a constant to gradients, and depends on no
// variable; variables' values and clg_track are leaves as ever.
//
// dev     the device; on NULL or a closed one nothing happens
// enabled what holds from here on
// result  what held before; true at first
// errors  none
// blocks  no
CLG_API bool clg_set_grad_enabled(clg_device dev, bool enabled);

// Are gradients recorded (torch.is_grad_enabled)?
//
// dev     the device
// result  of clg_set_grad_enabled, the last; true for NULL
// errors  none
// blocks  no
CLG_API bool clg_is_grad_enabled(clg_device dev);

CLG_END
#endif
