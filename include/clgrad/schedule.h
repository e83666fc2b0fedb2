// SPDX-License-Identifier: MIT
// Learning rates that follow a schedule, and averages of weights.
#ifndef CLGRAD_SCHEDULE_H
#define CLGRAD_SCHEDULE_H

#include <clgrad/optim.h>

CLG_BEGIN

typedef struct clg_schedule_t *clg_schedule;

typedef enum clg_schedule_kind {
    CLG_SCHEDULE_NONE,            // no schedule
    CLG_SCHEDULE_LAMBDA,          // initial rate times factor_of(t)
    CLG_SCHEDULE_MULTIPLICATIVE,  // rate times factor_of(t), from t = 1 on
    CLG_SCHEDULE_STEP,            // times gamma every `steps`
    CLG_SCHEDULE_MULTI_STEP,      // times gamma at each milestone
    CLG_SCHEDULE_CONSTANT,        // times factor for the first `steps`
    CLG_SCHEDULE_LINEAR,          // warm-up: times start_factor to end_factor in `steps`
    CLG_SCHEDULE_EXPONENTIAL,     // times gamma each step
    CLG_SCHEDULE_POLYNOMIAL,      // to 0 in `steps`, as (1 - t / steps)^power
    CLG_SCHEDULE_COSINE,          // to min_lr in `steps`, and back
    CLG_SCHEDULE_COSINE_RESTARTS, // to min_lr in `steps`, again in steps * times, ...
    CLG_SCHEDULE_ONE_CYCLE,       // max_lr / div up to max_lr, down to max_lr / div / final_div
    CLG_SCHEDULE_PLATEAU          // times factor when a metric has not improved
} clg_schedule_kind;

struct clg_schedule_params { // 0 means the default, as in PyTorch
    size_t size;
    clg_schedule_kind kind;
    int64_t steps;             // needed but for constant, linear and polynomial, which have 5
    const int64_t *milestones; // multi-step: in any order, one that stands twice counts twice
    int n_milestones;
    double gamma;                        // 0.1; exponential: needed
    double factor;                       // constant 1/3, plateau 0.1
    double start_factor, end_factor;     // 1/3 and 1
    double power;                        // 1
    double min_lr;                       // cosines, plateau
    int times;                           // restarts: 1
    double max_lr, pct, div, final_div;  // one cycle: max_lr is needed; 0.3, 25, 1e4
    double base_momentum, max_momentum;  // one cycle: 0.85 and 0.95, of momentum or beta1
    int64_t patience, cooldown;          // plateau: 10 and 0
    double threshold, eps;               // plateau: 1e-4 and 1e-8
    double (*factor_of)(int64_t t, int group, void *user); // lambda and multiplicative
    void *user;
    int group;                           // with one_group: the only group whose rate it sets
    bool one_group;
    bool no_end_factor, no_factor, no_patience, no_threshold, no_eps; // the number is 0
    bool linear, three_phase, no_cycle_momentum; // one cycle
    bool higher, absolute; // plateau: more of the metric is better; the threshold is no ratio
};
#define clg_schedule_params(...)                                                                   \
    (&(struct clg_schedule_params) { .size = sizeof(struct clg_schedule_params), __VA_ARGS__ })

// A schedule of an optimizer's rates. Each step changes the rate by PyTorch's recurrence, in the
// same double arithmetic, so that schedules of one optimizer combine as they do there, and so that
// one goes on from a rate that was set in between. It applies to the groups that there are now.
//
// o       the optimizer, which has to outlive it. Its rates become those of t = 0
// p       as PyTorch's schedulers
// result  the schedule
// owns    destroy with clg_schedule_destroy; NULL on failure (see clg_error)
// errors  CLG_ENOMEM
//         CLG_EINVAL    a dead optimizer, p is NULL or refused by clg_params_read, no such kind
//                       or group, a number that is missing, not finite or not what PyTorch takes
// blocks  no
// source  PyTorch, torch/optim/lr_scheduler.py
CLG_API clg_schedule clg_schedule_create(clg_optim o, const struct clg_schedule_params *p);

// One schedule after the other: part i from milestones[i - 1] on. The rates become those of part 0.
//
// parts, n   schedules of one optimizer, none of them a plateau; they become NULL
// milestones   n - 1 of them, ascending
// result  the schedule, as of clg_schedule_create
// owns    as of clg_schedule_create, and the parts; on failure these stay the caller's
// errors  CLG_ENOMEM; CLG_EINVAL for n < 1, NULL, dead parts, or milestones that do not ascend
// blocks  no
// source  PyTorch, SequentialLR
CLG_API clg_schedule clg_schedule_sequential(clg_schedule *parts, int n, const int64_t *milestones);

// Several schedules that step together, each on what the ones before made.
//
// parts, n   as of clg_schedule_sequential
// result  as of clg_schedule_sequential
// owns    as of clg_schedule_sequential
// errors  as of clg_schedule_sequential
// blocks  no
// source  PyTorch, ChainedScheduler
CLG_API clg_schedule clg_schedule_chained(clg_schedule *parts, int n);

// Go to t + 1: the rates of the optimizer's later steps.
//
// s       the schedule
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    NULL, dead, its optimizer is; a plateau, or one cycle beyond its steps
// blocks  no
CLG_API clg_status clg_schedule_step(clg_schedule s);

// The same for a plateau, which looks at a metric.
//
// s       a plateau
// metric  of this epoch; NaN is no improvement
// result  CLG_OK
// owns    nothing
// errors  as of clg_schedule_step; CLG_EINVAL for any other schedule
// blocks  no
CLG_API clg_status clg_schedule_step_metric(clg_schedule s, double metric);

// The state as text, to be kept in a checkpoint's metadata: how far it is, and rates and momenta of
// all groups of its optimizer.
//
// s       the schedule
// text, room   where to, with a 0 at the end; NULL and 0: nowhere
// result  bytes that the text needs, its 0 included; 0 on failure
// owns    nothing
// errors  none is published; 0 for NULL, or a schedule that is dead
// blocks  no
CLG_API size_t clg_schedule_save(clg_schedule s, char *text, size_t room);

// Go on from a state: bit for bit as if never stopped.
//
// s       a schedule that was made as the saved one was, of an optimizer with as many groups
// text    of clg_schedule_save
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    NULL, dead
//         CLG_EFORMAT   it is no state of such a schedule. Nothing changes then
// blocks  no
CLG_API clg_status clg_schedule_load(clg_schedule s, const char *text);

// Destroy a schedule, with its parts, before or after its optimizer. Rates stay as they are.
//
// s       its address; set to NULL. NULL and the address of NULL are fine
// errors  CLG_EINVAL    published: it was destroyed already (a trap with debug_traps)
// blocks  no
CLG_API void clg_schedule_destroy(clg_schedule *s);

struct clg_average_params {
    size_t size;
    double decay; // 0: 0.999
    bool equal;   // the mean of all that was averaged, as SWA's, in place of an exponential one
};
#define clg_average_params(...)                                                                    \
    (&(struct clg_average_params) { .size = sizeof(struct clg_average_params), __VA_ARGS__ })

// Record one update of the averages of all trainable parameters, after a step or an epoch.
//
//   a = a + (1 - decay) (w - a), equal: a = a + (w - a) / (n + 1) in update n; the first is a = w
//
// They are saved with the store, as "optim.average.<parameter>"; of F16 and BF16 in F32.
//
// s       the store
// p       may be NULL
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    NULL, p is refused by clg_params_read, decay is not from 0 to 1, or the
//                       averages are in use; those of clg_store_buffer and clg_assign_n
// blocks  no
// source  PyTorch, torch/optim/swa_utils.py
CLG_API clg_status clg_store_average(clg_store s, const struct clg_average_params *p);

// Put the averages in the place of the parameters, to evaluate or to save them under the
// parameters' names, or put the parameters back. Meanwhile optimizers and clg_store_average refuse.
//
// s       the store
// on      use them; what is so already stays so
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    NULL; on: there are no averages. Those of clg_assign_n
// blocks  no
CLG_API clg_status clg_store_use_average(clg_store s, bool on);

CLG_END
#endif
