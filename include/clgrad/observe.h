// SPDX-License-Identifier: MIT
// Seeing what a program records: a tensor's operation, and a function called with each new tensor.
#ifndef CLGRAD_OBSERVE_H
#define CLGRAD_OBSERVE_H

#include <clgrad/tensor.h>

CLG_BEGIN

// The name of the operation that a tensor was recorded by, which it keeps until it is evaluated at
// least ("relu"; "leaf" of uploaded data).
//
// t       the tensor
// result  its operation's name, of static storage; "" for a poison and what is no handle
// owns    nothing
// errors  none
// blocks  no
CLG_API const char *clg_tensor_op(clg_tensor t);

// Sees a tensor that the program has recorded, and the name of the operation ("relu"). What it
// records is not seen by observers; clg_set_grad_enabled keeps that out of gradients.
typedef void (*clg_observer)(clg_tensor y, const char *op, void *user);

// Call a function after each operation of one result that is recorded (TorchDispatchMode): not for
// derivatives, for views, or for what the function records itself.
//
// dev     the device
// observer, user   the function, and its last argument
// result  CLG_OK
// owns    nothing; ends with clg_unobserve or with the device
// errors  CLG_EINVAL (NULL), CLG_ENOMEM
// blocks  no
CLG_API clg_status clg_observe(clg_device dev, clg_observer observer, void *user);

// Call it no more, of several equal ones the latest.
//
// dev, observer, user   as of clg_observe
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    it was not observing
// blocks  no
CLG_API clg_status clg_unobserve(clg_device dev, clg_observer observer, void *user);

CLG_END
#endif
