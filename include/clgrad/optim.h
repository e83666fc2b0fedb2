// SPDX-License-Identifier: MIT
// Optimizers, clipping and learning-rate schedules. All update arithmetic runs on the device.
#ifndef CLGRAD_OPTIM_H
#define CLGRAD_OPTIM_H

#include <clgrad/nn.h>

CLG_BEGIN

typedef struct clg_optim_t *clg_optim;

struct clg_sgd_params {
    size_t size;
    double lr, momentum, dampening, weight_decay;
    bool nesterov;
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
};
#define clg_adam_params(...)                                                                       \
    (&(struct clg_adam_params) { .size = sizeof(struct clg_adam_params), __VA_ARGS__ })

// An optimizer of the store's trainable parameters (those that exist when a step is recorded). Its state
// lives in the store as buffers "optim.*", so that a checkpoint holds it.
//
// owns    destroy with clg_optim_destroy, before the store; NULL on failure (see clg_error)
CLG_API clg_optim clg_sgd_create(clg_store s, const struct clg_sgd_params *p);
CLG_API clg_optim clg_adam_create(clg_store s, const struct clg_adam_params *p);
CLG_API clg_optim clg_adamw_create(clg_store s, const struct clg_adam_params *p);
CLG_API void clg_optim_destroy(clg_optim *o);

// The learning rate of later steps: an argument of the kernels, changing it compiles nothing.
CLG_API void clg_optim_set_lr(clg_optim o, double lr);
CLG_API double clg_optim_lr(clg_optim o);

// Record one step: gradients of the loss, and the update of parameters, state and step counter as one
// atomic assignment. Runs with the next evaluation.
//
// errors  those of clg_grad_n and clg_assign_n
CLG_API clg_status clg_optim_step(clg_optim o, clg_tensor loss);

// The same in two halves, so that gradients can be clipped or added up between them. *n is the number
// of gradients, which belong to the innermost scope; the array belongs to the optimizer.
CLG_API clg_status clg_optim_grads(clg_optim o, clg_tensor loss, clg_tensor **grads, int *n);
CLG_API clg_status clg_optim_apply(clg_optim o, const clg_tensor *grads, int n);

// Scale the gradients in place so that their common 2-norm is at most max_norm; returns that norm.
//
// source  PyTorch, torch/nn/utils/clip_grad.py
CLG_API clg_tensor clg_clip_grad_norm(clg_tensor *grads, int n, double max_norm);
CLG_API void clg_clip_grad_value(clg_tensor *grads, int n, double limit);

// Learning rates of step t = 0, 1, ... as PyTorch's schedulers give them.
CLG_API double clg_lr_step(double lr, int64_t t, int64_t every, double gamma);
CLG_API double clg_lr_cosine(double lr, double lr_min, int64_t t, int64_t period);
CLG_API double clg_lr_warmup(double lr, double start_factor, int64_t t, int64_t steps);
// One cycle over `total` steps: 0 for pct means 0.3, for div 25, for final_div 1e4.
CLG_API double clg_lr_one_cycle(double max_lr, int64_t t, int64_t total, double pct, double div,
                                double final_div);

CLG_END
#endif
