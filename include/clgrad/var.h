// SPDX-License-Identifier: MIT
// Variables: the only mutable thing. A variable is a place, its values are tensors.
#ifndef CLGRAD_VAR_H
#define CLGRAD_VAR_H

#include <clgrad/tensor.h>

CLG_BEGIN

typedef struct clg_var_t *clg_var;

// A variable that starts with the value of t. It keeps t's type and shape for ever.
//
// owns    destroy with clg_var_destroy; NULL on failure (see clg_error)
// errors  t's own when poisoned, CLG_ENOMEM
CLG_API clg_var clg_var_create(clg_tensor t);
CLG_API void clg_var_destroy(clg_var *v);

// The value now, as a gradient leaf: later assignments never change what this handle means.
CLG_API clg_tensor clg_var_value(clg_var v);

// Gradients stop here when frozen (PyTorch's requires_grad_(False)). Applies to values taken later.
CLG_API void clg_var_freeze(clg_var v, bool frozen);

// Record v = t. Runs with the next evaluation; visible at once to clg_var_value.
//
// errors  t's own when poisoned (nothing is recorded), CLG_ESHAPE, CLG_EDTYPE, CLG_ENOMEM
CLG_API clg_status clg_var_assign(clg_var v, clg_tensor t);
// An atomic group: all or none.
CLG_API clg_status clg_assign_n(const clg_var *v, const clg_tensor *t, int n);

CLG_END
#endif
