// SPDX-License-Identifier: MIT
// Loss scaling, for gradients in F16, and gradients of batches that are divided.
#ifndef CLGRAD_AMP_H
#define CLGRAD_AMP_H

#include <clgrad/autocast.h>
#include <clgrad/optim.h>

CLG_BEGIN

struct clg_scaler_params {
    size_t size;
    double init;     // 0: 65536
    double growth;   // 0: 2, at least 1
    double backoff;  // 0: 0.5, at most 1
    int64_t interval; // 0: 2000 steps without an overflow, after which the scale grows
};
#define clg_scaler_params(...)                                                                     \
    (&(struct clg_scaler_params) { .size = sizeof(struct clg_scaler_params), __VA_ARGS__ })

// Dynamic loss scaling, as PyTorch's GradScaler, of all further steps of an optimizer.
// clg_optim_grads, or clg_optim_step, differentiates scale * loss and divides the gradients by the
// scale, so that clipping sees them as they are. If one of them is not finite, the step changes
// nothing, neither variables nor state nor counts, and the scale is multiplied by backoff; after
// `interval` steps without that it is multiplied by growth. Where that is decided is the device:
// nothing is read back. Scale and count are saved with the store, as "optim.scale" and
// "optim.good_steps".
//
// o       the optimizer
// p       may be NULL
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    NULL, dead, p is refused by clg_params_read, or a number is out of range
// blocks  no
// source  Micikevicius and others 2018
CLG_API clg_status clg_optim_scale(clg_optim o, const struct clg_scaler_params *p);

// The loss scale of the next step.
//
// o       the optimizer
// result  0-d, F32; 1 without loss scaling
// grad    none
// errors  CLG_EINVAL    NULL, dead
CLG_API clg_tensor clg_optim_loss_scale(clg_optim o);

// Add the gradients of a part of a batch to those of the parts before. Evaluate after each part:
// memory does not grow with their number.
//
// o       the optimizer
// loss    as of clg_optim_step, of this part
// weight  of it: 1 for a loss that is a sum, the part's share of the batch for one that is a mean
// result  CLG_OK
// owns    nothing
// errors  as of clg_optim_grads
// blocks  no
CLG_API clg_status clg_optim_accumulate(clg_optim o, clg_tensor loss, double weight);

// What clg_optim_accumulate has added up, in place of clg_optim_grads; the next sum starts anew.
//
// o       the optimizer
// grads, n   as of clg_optim_grads; of F16 and BF16 parameters in F32
// result  CLG_OK
// owns    as of clg_optim_grads
// errors  CLG_EINVAL    NULL, dead, or nothing was added up
// blocks  no
CLG_API clg_status clg_optim_accumulated(clg_optim o, clg_tensor **grads, int *n);

CLG_END
#endif
