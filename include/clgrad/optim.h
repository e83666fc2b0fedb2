// SPDX-License-Identifier: MIT
// Optimizers, clipping and learning-rate schedules. All update arithmetic runs on the device.
#ifndef CLGRAD_OPTIM_H
#define CLGRAD_OPTIM_H

#include <clgrad/nn.h>

CLG_BEGIN

typedef struct clg_optim_t *clg_optim;

struct clg_sgd_params {
    size_t size;
    double lr, momentum, dampening, weight_decay; // 0 is 0: without a rate nothing moves
    bool nesterov;                                // with a momentum and without dampening
};
#define clg_sgd_params(...)                                                                        \
    (&(struct clg_sgd_params) { .size = sizeof(struct clg_sgd_params), __VA_ARGS__ })

struct clg_adam_params {
    size_t size;
    double lr;           // 0: 1e-3
    double beta1, beta2; // 0: 0.9 and 0.999
    double eps;          // 0: 1e-8
    double weight_decay; // Adam: added to the gradient; AdamW: decoupled, 0 there means 0.01
    bool no_decay;       // AdamW without decay
    bool no_lr, no_beta1, no_beta2, no_eps; // the number is 0, not its default
};
#define clg_adam_params(...)                                                                       \
    (&(struct clg_adam_params) { .size = sizeof(struct clg_adam_params), __VA_ARGS__ })

// Stochastic gradient descent.
//
//   g' = g + weight_decay w
//   m = momentum m + (1 - dampening) g', in the first step m = g'
//   w = w - lr (g' + momentum m with nesterov, else m); without momentum w - lr g'
//
// s       the store whose trainable parameters it updates, those that exist when a step is
//         recorded. One optimizer per store: its state lives there as buffers "optim.*", so that a
//         checkpoint holds it
// p       may be NULL, which leaves lr 0
// result  the optimizer
// owns    destroy with clg_optim_destroy; NULL on failure (see clg_error)
// errors  CLG_ENOMEM
//         CLG_EINVAL    a NULL store, p is refused by clg_params_read, a number is not finite or
//                       negative (dampening may be), nesterov without momentum or with dampening
// blocks  no
// source  PyTorch, torch/optim/sgd.py
CLG_API clg_optim clg_sgd_create(clg_store s, const struct clg_sgd_params *p);

// Adam.
//
//   g' = g + weight_decay w,  m = beta1 m + (1 - beta1) g',  v = beta2 v + (1 - beta2) g'^2
//   w = w - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)   in step t = 1, 2, ...
//
// A parameter that joins later (thawed, or of a new layer) counts its own steps. A finite gradient
// beyond 2^64, whose square no f32 holds, counts as 2^64 in both moments, which leaves the step as
// it is; one whose square is lost below leaves |step| bounded as it is in exact arithmetic.
//
// s       as of clg_sgd_create
// p       may be NULL
// result  the optimizer
// owns    as clg_sgd_create
// errors  CLG_ENOMEM
//         CLG_EINVAL    a NULL store, p is refused by clg_params_read, a number is negative or not
//                       finite, a beta is 1 or more, or a number stands beside the flag against it
// blocks  no
// source  Kingma and Ba 2015
CLG_API clg_optim clg_adam_create(clg_store s, const struct clg_adam_params *p);

// AdamW: Adam, with the decay beside the gradient.
//
//   w = (1 - lr weight_decay) w first, then as Adam with g' = g
//
// s       as of clg_sgd_create
// p       may be NULL; a weight_decay of 0 means 0.01, no_decay none
// result  the optimizer
// owns    as clg_sgd_create
// errors  as of clg_adam_create
// blocks  no
// source  Loshchilov and Hutter 2019
CLG_API clg_optim clg_adamw_create(clg_store s, const struct clg_adam_params *p);

// Destroy an optimizer; its state stays in the store.
//
// o       its address; set to NULL. NULL and the address of NULL are fine
// errors  CLG_EINVAL    published: it was destroyed already (a trap with debug_traps)
// blocks  no
CLG_API void clg_optim_destroy(clg_optim *o);

// The learning rate of later steps: an argument of the kernels, changing it compiles nothing.
//
// o       the optimizer; NULL is fine
// lr      any; 0 too
// errors  none
// blocks  no
CLG_API void clg_optim_set_lr(clg_optim o, double lr);

// The learning rate now.
//
// o       the optimizer
// result  as set last; 0 for NULL
// errors  none
// blocks  no
CLG_API double clg_optim_lr(clg_optim o);

// Record one step: gradients of the loss, and the update of parameters, state and step counter as
// one atomic assignment. Runs with the next evaluation of assignments.
//
// o       the optimizer
// loss    one floating element that depends on every trainable parameter
// result  CLG_OK
// owns    nothing
// errors  those of clg_grad_n, clg_assign_n and clg_store_buffer; CLG_EINVAL for NULL or a store
//         without trainable parameters. CLG_EGRAD names the parameter that the loss does not need:
//         freeze it
// blocks  no
CLG_API clg_status clg_optim_step(clg_optim o, clg_tensor loss);

// The first half of a step, so that gradients can be clipped or added up.
//
// o, loss as of clg_optim_step
// grads, n   where the gradients are; each may be NULL
// result  CLG_OK
// owns    the gradients belong to the innermost scope, the array to the optimizer until its
//         next call
// errors  as of clg_optim_step
// blocks  no
CLG_API clg_status clg_optim_grads(clg_optim o, clg_tensor loss, clg_tensor **grads, int *n);

// The second half: record the update.
//
// o       the optimizer, after clg_optim_grads
// grads   n gradients in that order, of the parameters' shapes
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    n is not what clg_optim_grads gave, or grads is NULL
//         those of clg_assign_n and clg_store_buffer
// blocks  as clg_optim_step
CLG_API clg_status clg_optim_apply(clg_optim o, const clg_tensor *grads, int n);

// Scale gradients so that their common 2-norm is at most max_norm.
//
//   grads[i] = grads[i] * min(1, max_norm / (norm + 1e-6))
//
// The norm is right wherever it is a number of its type, also where the squares are not.
//
// grads   n gradients, replaced in place by scaled ones
// result  the norm before, 0-d
// grad    grads
// errors  CLG_EINVAL    n < 1 (a poison without a device), or NULL
//         CLG_EDTYPE    a gradient is not floating
//         a gradient's own when poisoned. Nothing is replaced then
// source  PyTorch, torch/nn/utils/clip_grad.py
CLG_API clg_tensor clg_clip_grad_norm(clg_tensor *grads, int n, double max_norm);

// Limit every element of gradients.
//
//   grads[i] = clg_clamp(grads[i], -limit, limit)
//
// grads   n gradients, replaced in place
// grad    grads
// errors  none; poisoned gradients stay so
CLG_API void clg_clip_grad_value(clg_tensor *grads, int n, double limit);

// ---- learning rates of step t = 0, 1, ..., as PyTorch's schedulers give them; below 0 as in 0

// StepLR.
//
//   lr * gamma^floor(t / every)
//
// lr, t, every, gamma   every <= 0: lr
// result  the rate of step t
// errors  none
// blocks  no
CLG_API double clg_lr_step(double lr, int64_t t, int64_t every, double gamma);

// CosineAnnealingLR, periodic beyond the period.
//
//   lr_min + (lr - lr_min) (1 + cos(pi t / period)) / 2
//
// lr, lr_min, t, period   period <= 0: lr
// result  the rate of step t
// errors  none
// blocks  no
CLG_API double clg_lr_cosine(double lr, double lr_min, int64_t t, int64_t period);

// LinearLR up to lr.
//
//   lr * (start_factor + (1 - start_factor) t / steps), lr from t = steps on
//
// lr, start_factor, t, steps   steps <= 0: lr
// result  the rate of step t
// errors  none
// blocks  no
CLG_API double clg_lr_warmup(double lr, double start_factor, int64_t t, int64_t steps);

// OneCycleLR: by cosines from max_lr / div up to max_lr at t = pct * total - 1, and down to
// max_lr / div / final_div at t = total - 1.
//
// max_lr, t, total   total: number of steps
// pct, div, final_div   0 or less: 0.3, 25, 1e4; pct at most 1
// result  the rate of step t
// errors  none
// blocks  no
// source  Smith and Topin 2018
CLG_API double clg_lr_one_cycle(double max_lr, int64_t t, int64_t total, double pct, double div,
                                double final_div);

CLG_END
#endif
