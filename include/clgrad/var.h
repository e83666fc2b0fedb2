// SPDX-License-Identifier: MIT
// Variables: the only mutable thing. A variable is a place, its values are tensors.
#ifndef CLGRAD_VAR_H
#define CLGRAD_VAR_H

#include <clgrad/tensor.h>

CLG_BEGIN

typedef struct clg_var_t *clg_var;

// A variable that starts with the value of t. It keeps t's type and shape for ever.
//
// t       any tensor; it is computed before the next evaluation of assignments
// result  the variable
// owns    destroy with clg_var_destroy; NULL on failure (see clg_error)
// errors  t's own when poisoned, CLG_ENOMEM
// blocks  no
CLG_API clg_var clg_var_create(clg_tensor t);

// Destroy. Values taken before stay valid; an assignment that is still pending is forgotten.
//
// v       its address; set to NULL. NULL and the address of NULL are fine, and so is a variable
//         whose device was closed
// errors  CLG_EINVAL    published: it was destroyed already (a trap with debug_traps)
// blocks  no
CLG_API void clg_var_destroy(clg_var *v);

// The value now, assignments recorded so far included.
//
// v       the variable
// result  type and shape of the variable; later assignments never change what this handle means.
//         The same handle until the next assignment
// grad    a gradient leaf when floating; none for a frozen variable
// errors  CLG_EINVAL    v is NULL, was destroyed, or its device was closed
CLG_API clg_tensor clg_var_value(clg_var v);

// Stop gradients at the values taken from here on, or let them pass again.
//
// v       the variable; NULL is fine
// frozen  as PyTorch's requires_grad_(!frozen)
// errors  CLG_EINVAL    published: v was destroyed
// blocks  no
CLG_API void clg_var_freeze(clg_var v, bool frozen);

// Record v = t. Runs with the next evaluation; visible at once to clg_var_value.
//
// v       the variable
// t       the variable's type and shape; may depend on its value now
// result  CLG_OK
// owns    nothing; t may be released at once
// errors  CLG_ESHAPE, CLG_EDTYPE   t differs from the variable
//         CLG_EINVAL    NULL, destroyed, its scope ended, or another device
//         CLG_ENOMEM
//         t's own when poisoned. On an error nothing is recorded.
// blocks  no
CLG_API clg_status clg_var_assign(clg_var v, clg_tensor t);

// The same for n variables of one device: all or none, at recording and at evaluation. Of two
// entries for one variable the last counts.
//
// v, t    n pairs, each as of clg_var_assign
// result  CLG_OK; also for n <= 0
// owns    nothing
// errors  as of clg_var_assign; CLG_EINVAL also for variables of several devices
// blocks  no
CLG_API clg_status clg_assign_n(const clg_var *v, const clg_tensor *t, int n);

CLG_END
#endif
