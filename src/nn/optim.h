// SPDX-License-Identifier: MIT
// What an optimizer holds, and one step while it is recorded.
#ifndef CLG_NN_OPTIM_H
#define CLG_NN_OPTIM_H

#include "nn/store.h"
#include <clgrad/amp.h>

// Numbers of a rule, in the order of the table in groups.c.
typedef enum clg__number {
    N_LR, N_DECAY, N_BETA1, N_BETA2, N_EPS, N_MOMENTUM, N_DAMPENING, N_ALPHA, N_LR_DECAY, N_INITIAL,
    N_MU_DECAY, N_NUMBERS
} clg__number;

typedef struct clg__group {
    clg_optim_rule rule;
    double v[N_NUMBERS]; // 0 where the rule has none
    double first_lr;     // the rate that schedules start from; NaN: there is none yet
    bool nesterov, maximize, amsgrad, centered, decoupled, master;
    int ns_steps;
    clg_muon_adjust adjust;
    bool (*takes)(const char *name, clg_shape shape, void *user);
    void *user;
    char *names; // "*.bias"; NULL: takes decides
} clg__group;

enum { CLG__STATES = 5 }; // of a parameter at most, master weights apart

typedef struct clg__param {
    const char *name;
    clg_var var;
    int group;
    clg_var state[CLG__STATES], master, own_steps; // as far as known
    clg_var sum; // of gradients of parts of a batch, or NULL
    bool summed; // there is something in it
} clg__param;

struct clg_optim_t {
    clg_store store;
    clg_device dev;
    clg__group *group;
    int n_groups;
    clg__param *param; // trainable parameters of the step being recorded
    clg_tensor *value, *grad;
    int n, capacity;
    unsigned seen; // store's and groups' changes that param knows
    bool known;
    clg_var steps;
    struct clg_scaler_params scaler; // interval 0: no loss scaling
    clg_var scale, good_steps;
    clg_tensor finite; // are the gradients of this step? NULL: not known
    const char *states[CLG__STATES + 2]; // of the parameter asked about last
};

bool clg__optim_usable(clg_optim o, const char *what);

// Variables of the step being recorded, and their gradients by a loss that was checked; what: who asks.
clg_status clg__optim_begin(clg_optim o, const char *what, clg_tensor loss);
clg_status clg__optim_params(clg_optim o, const char *what);
clg_status clg__optim_sweep(clg_optim o, const char *what, clg_tensor loss);

// scaler.c: what loss scaling adds to a step; nothing without it.
bool clg__scaler_states(clg_optim o); // false: they could not be had
clg_tensor clg__scaled_loss(clg_optim o, clg_tensor loss);
void clg__unscale(clg_optim o, clg_tensor *grads, int n); // and finds out whether they are finite
void clg__scaler_forget(clg_optim o);

// groups.c
const char *clg__rule_name(clg_optim_rule r);
bool clg__rule_has(clg_optim_rule r, clg__number k);
// Reads p on top of base (NULL: the rule's defaults); false after a message.
bool clg__group_read(clg_store s, const char *what, const struct clg_optim_params *p, const clg__group *base,
                     clg__group *out);
void clg__group_end(clg__group *g);
int clg__group_of(clg_optim o, const char *name, clg_shape shape);
bool clg__keeps_master(const clg__group *g, clg_dtype t);
// Words of the state that a parameter of this group has, up to NULL.
const char *const *clg__group_states(const clg__group *g);

// ---- a step, rules.c

enum { CLG__ONE, CLG__STEP_NUMBERS = 32, CLG__ASSIGNED = CLG__STATES + 3 }; // of a parameter at most

// Numbers of one group in one type, each a scalar of its own, whatever its value is now: updates that read
// different slots would not share a launch, and slots that follow from values would change the structure.
typedef struct clg__slots {
    clg_tensor slot[CLG__STEP_NUMBERS];
    bool timed;
    clg_tensor clock[3]; // of the shared counter, see rules.c
} clg__slots;

typedef struct clg__step {
    clg_optim o;
    clg_device dev;
    clg_tensor take; // NULL: the step is made; else false: nothing changes
    bool fresh;      // no step has been made yet
    clg_tensor before, t; // the shared counter before and after it
    clg__slots *slots;    // [group][F64?]
    clg_var *var;         // what is assigned
    clg_tensor *to;
    int n;
} clg__step;

void clg__scaler_step(clg__step *s, const clg_tensor *grads, int n); // before the first of these
void clg__scaler_update(clg__step *s);                                // after the last one
void clg__step_put(clg__step *s, clg_var v, clg_tensor t);
clg_tensor clg__step_number(clg__step *s, int group, clg_dtype t, int id, double v);
clg_tensor clg__step_count(clg__step *s, clg_var counter); // the counter's next value, assigned
// One parameter's update; false: a state could not be had.
bool clg__step_one(clg__step *s, int i);
// A parameter without a gradient, whose count of steps stays behind.
bool clg__step_none(clg__step *s, int i);
#endif
