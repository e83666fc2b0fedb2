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

typedef enum clg_optim_rule {
    CLG_OPTIM_SAME, // of a group: the optimizer's own
    CLG_OPTIM_SGD, CLG_OPTIM_ADAM, CLG_OPTIM_ADAMW, CLG_OPTIM_RMSPROP, CLG_OPTIM_ADAGRAD,
    CLG_OPTIM_ADADELTA, CLG_OPTIM_ADAMAX, CLG_OPTIM_NADAM, CLG_OPTIM_RADAM, CLG_OPTIM_LION,
    CLG_OPTIM_LAMB, CLG_OPTIM_MUON
} clg_optim_rule;

typedef enum clg_muon_adjust { // what Muon multiplies its rate by, of a matrix [A, B]
    CLG_MUON_ORIGINAL,          // sqrt(max(1, A / B))
    CLG_MUON_MATCH_RMS_ADAMW,   // 0.2 sqrt(max(A, B))
    CLG_MUON_SPECTRAL_UNCLAMPED // sqrt(A / B)
} clg_muon_adjust;

// One rule's numbers. 0 means the default of the rule, or in a group without a rule the optimizer's
// own number; where 0 itself is meant, a flag says so. What a rule does not have is refused.
struct clg_optim_params {
    size_t size;
    clg_optim_rule rule;
    double lr, weight_decay, beta1, beta2, eps;
    double momentum, dampening;    // SGD, RMSprop (no dampening), Muon (no dampening)
    double alpha;                  // RMSprop's smoothing, Adadelta's rho
    double lr_decay, initial;      // Adagrad: of the rate, and what its sums start with
    double momentum_decay;         // NAdam
    int ns_steps;                  // Muon: Newton-Schulz iterations; 0: 5, at most 99
    clg_muon_adjust adjust;        // Muon
    bool nesterov, no_nesterov;    // SGD; Muon has it by default
    bool maximize;                 // all: go up, not down
    bool amsgrad;                  // Adam, AdamW
    bool centered;                 // RMSprop
    bool decoupled;                // Adam, NAdam, RAdam: decay beside the gradient
    bool master;                   // F16 and BF16: weights and state are kept in F32 besides
    bool no_lr, no_decay, no_beta1, no_beta2, no_eps, no_momentum, no_alpha, no_momentum_decay;
};
#define clg_optim_params(...)                                                                      \
    (&(struct clg_optim_params) { .size = sizeof(struct clg_optim_params), __VA_ARGS__ })

// An optimizer by any of these rules, defaults first:
//
//   SGD       lr 1e-3; see clg_sgd_create                            PyTorch, torch/optim/sgd.py
//   ADAM      lr 1e-3, betas 0.9 0.999, eps 1e-8; clg_adam_create    adam.py
//   ADAMW     as Adam, weight_decay 0.01; clg_adamw_create           adamw.py
//             amsgrad: the largest v so far in place of v
//   RMSPROP   lr 0.01, alpha 0.99, eps 1e-8                          rmsprop.py
//             v = alpha v + (1 - alpha) g^2,  d = g / (sqrt(v) + eps)
//             centered: v less the square of the mean gradient. w = w - lr d, or with a momentum
//             b = momentum b + d,  w = w - lr b
//   ADAGRAD   lr 0.01, eps 1e-10                                     adagrad.py
//             v = v + g^2,  w = w - lr / (1 + (t - 1) lr_decay) g / (sqrt(v) + eps)
//   ADADELTA  lr 1, alpha 0.9, eps 1e-6                              adadelta.py
//             v = alpha v + (1 - alpha) g^2,  d = sqrt(u + eps) / sqrt(v + eps) g
//             u = alpha u + (1 - alpha) d^2,  w = w - lr d
//   ADAMAX    lr 2e-3, betas 0.9 0.999, eps 1e-8                     adamax.py
//             u = max(beta2 u, abs(g) + eps),  w = w - lr / (1 - beta1^t) m / u
//   NADAM     lr 2e-3, betas 0.9 0.999, eps 1e-8, momentum_decay 4e-3    nadam.py; Dozat 2016
//   RADAM     lr 1e-3, betas 0.9 0.999, eps 1e-8                     radam.py; Liu and others 2019
//   LION      lr 1e-4, betas 0.9 0.99, decoupled decay               Chen and others 2023
//             w = (1 - lr decay) w - lr sign(beta1 m + (1 - beta1) g),  m = beta2 m + (1 - beta2) g
//   LAMB      lr 1e-3, betas 0.9 0.999, eps 1e-6, weight_decay 0.01  You and others 2019
//             u = m' / (sqrt(v') + eps) + decay w, of unbiased m' and v'
//             w = w - lr |w| / |u| u, where one of these 2-norms is 0 w - lr u
//   MUON      lr 1e-3, weight_decay 0.1, momentum 0.95, nesterov, eps 1e-7   _muon.py
//             of matrices alone:
//             the momentum's nearest orthogonal matrix by Newton-Schulz, in F32 (PyTorch rounds to
//             BF16 there). What is no matrix goes to a group of another rule, by clg_optim_group_by
//
// Parameters are F32, F64, F16 or BF16 (clg_store_put); state has the parameter's type and is saved
// with the store as "optim.<name of the state>.<name of the parameter>". Sums of F16 and BF16 are
// made in F32 and rounded once. A number that changes is an argument of the kernels.
//
// s       as of clg_sgd_create
// p       names a rule
// result  the optimizer, whose group 0 this is
// owns    destroy with clg_optim_destroy; NULL on failure (see clg_error)
// errors  CLG_ENOMEM
//         CLG_EINVAL    a NULL store, p is NULL or refused by clg_params_read, no such rule, a
//                       number that the rule does not have, or outside of what PyTorch takes
// blocks  no
CLG_API clg_optim clg_optim_create(clg_store s, const struct clg_optim_params *p);

// A group: parameters with numbers of their own. Of several groups that take a parameter the last
// one made has it; group 0 has what no other takes. Layers that come later are asked about then.
//
// o       the optimizer
// names   of parameters; "*" in it is any text: "*.bias", "encoder.*"
// p       what differs from the optimizer: without a rule all that is 0 or false is as in group 0,
//         with a rule as in clg_optim_create
// result  the group's number, 1, 2, ...; negative on failure
// errors  as of clg_optim_create; CLG_EINVAL for a NULL name
// blocks  no
CLG_API int clg_optim_group(clg_optim o, const char *names, const struct clg_optim_params *p);

// The same, of parameters that a function chooses.
//
// o, p    as of clg_optim_group
// takes   does the group take this one? It must give the same answer every time
// user    its last argument
// result  as of clg_optim_group
// errors  as of clg_optim_group
// blocks  no
CLG_API int clg_optim_group_by(clg_optim o,
                               bool (*takes)(const char *name, clg_shape shape, void *user),
                               void *user,
                               const struct clg_optim_params *p);

// Number of groups.
//
// o       the optimizer
// result  1 or more; 0 for NULL
// errors  none
// blocks  no
CLG_API int clg_optim_group_count(clg_optim o);

// Change a group's numbers for later steps. Compiles nothing, unless one becomes 0 or was 0.
//
// o, g    the optimizer and the group, 0, 1, ...
// p       what is neither 0 nor flagged as 0 stays; rule and the other flags are not looked at
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    no such group, or as of clg_optim_create
// blocks  no
CLG_API clg_status clg_optim_group_set(clg_optim o, int g, const struct clg_optim_params *p);

// The learning rate of one group's later steps.
//
// o, g    the optimizer and the group; others do nothing
// lr      any; 0 too
// errors  none
// blocks  no
CLG_API void clg_optim_group_set_lr(clg_optim o, int g, double lr);

// A group's learning rate now.
//
// o, g    the optimizer and the group
// result  as set last; 0 where there is no such group
// errors  none
// blocks  no
CLG_API double clg_optim_group_lr(clg_optim o, int g);

// Destroy an optimizer; its state stays in the store.
//
// o       its address; set to NULL. NULL and the address of NULL are fine
// errors  CLG_EINVAL    published: it was destroyed already (a trap with debug_traps)
// blocks  no
CLG_API void clg_optim_destroy(clg_optim *o);

// The learning rate of later steps, of all groups: an argument of the kernels, changing it compiles
// nothing.
//
// o       the optimizer; NULL is fine
// lr      any; 0 too
// errors  none
// blocks  no
CLG_API void clg_optim_set_lr(clg_optim o, double lr);

// The learning rate now, of group 0.
//
// o       the optimizer
// result  as set last; 0 for NULL
// errors  none
// blocks  no
CLG_API double clg_optim_lr(clg_optim o);

// Record one step: gradients of the loss, and the update of parameters, state and step counter as
// one atomic assignment. Runs with the next evaluation of assignments. A parameter that the loss
// does not depend on is left alone, as PyTorch does with a gradient of None: no decay, no state,
// and its own count of steps stays. A gradient of zeros is a step like any other.
//
// o       the optimizer
// loss    one floating element that depends on at least one trainable parameter
// result  CLG_OK
// owns    nothing
// errors  those of clg_grad_n, clg_assign_n and clg_store_buffer; CLG_EINVAL for NULL or a store
//         without trainable parameters. CLG_EGRAD where the loss depends on none of them
// blocks  no
CLG_API clg_status clg_optim_step(clg_optim o, clg_tensor loss);

// The first half of a step, so that gradients can be clipped or added up.
//
// o, loss as of clg_optim_step
// grads, n   where the gradients are; each may be NULL. A gradient that is NULL: the loss does not
//         depend on this parameter
// result  CLG_OK
// owns    the gradients belong to the innermost scope, the array to the optimizer until its
//         next call
// errors  as of clg_optim_step
// blocks  no
CLG_API clg_status clg_optim_grads(clg_optim o, clg_tensor loss, clg_tensor **grads, int *n);

// The second half: record the update.
//
// o       the optimizer, after clg_optim_grads
// grads   n gradients in that order, of the parameters' shapes and of any floating type; NULL:
//         leave this parameter alone
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    n is not what clg_optim_grads gave, or grads is NULL
//         CLG_ESHAPE, CLG_EDTYPE   of a gradient
//         those of clg_assign_n and clg_store_buffer
// blocks  as clg_optim_step
CLG_API clg_status clg_optim_apply(clg_optim o, const clg_tensor *grads, int n);

// Scale gradients so that their common 2-norm is at most max_norm.
//
//   grads[i] = grads[i] * min(1, max_norm / (norm + 1e-6))
//
// The norm is right wherever it is a number of its type, also where the squares are not. Where a
// gradient has a NaN, norm and all gradients become NaN; where one is infinite, the norm is, NaN
// stands in the place of the infinities and 0 in that of all other numbers. A program that would
// rather leave out such a step asks clg_device_watch, or a scaler (amp.h), or reads the norm.
//
// grads   n gradients, replaced in place by scaled ones; those that are NULL stay so
// result  the norm before, 0-d; F32 for F16 and BF16
// grad    grads
// errors  CLG_EINVAL    there are none (a poison without a device)
//         CLG_EDTYPE    a gradient is not floating
//         a gradient's own when poisoned. Nothing is replaced then
// source  PyTorch, torch/nn/utils/clip_grad.py
CLG_API clg_tensor clg_clip_grad_norm(clg_tensor *grads, int n, double max_norm);

// The same by another norm of all elements together.
//
//   norm = (sum of abs(g)^p)^(1/p), infinite p: the largest abs(g)
//
// grads, max_norm   as of clg_clip_grad_norm
// p       as of clg_norm
// result  as of clg_clip_grad_norm
// grad    grads
// errors  as of clg_clip_grad_norm and clg_norm
// source  PyTorch, torch/nn/utils/clip_grad.py
CLG_API clg_tensor clg_clip_grad_norm_p(clg_tensor *grads, int n, double max_norm, double p);

// Limit every element of gradients.
//
//   grads[i] = clg_clamp(grads[i], -limit, limit)
//
// NaN stays NaN, an infinity becomes the limit.
//
// grads   n gradients, replaced in place; NULL stays NULL
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
