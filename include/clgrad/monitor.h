// SPDX-License-Identifier: MIT
// Watching a training: numbers about each layer every n-th step, and the loss. Where the first
// number that is not finite comes from, clg_device_watch tells (device.h).
//
//     clg_monitor m = clg_monitor_create(store, clg_monitor_params(.every = 100));
//     for (...) {
//         clg_monitor_begin(m);
//         ... layers, the loss, clg_optim_step or whatever updates the store ...
//         clg_monitor_end(m);
//         ... clg_eval or clg_item as ever ...
//         clg_monitor_read(m, &rows, &n);    n > 0 after a step that was looked at
//     }
#ifndef CLGRAD_MONITOR_H
#define CLGRAD_MONITOR_H

#include <clgrad/nn.h>

CLG_BEGIN

// Numbers about the layers of a store. Belongs to the thread of its device.
typedef struct clg_monitor_t *clg_monitor;

typedef enum clg_monitor_kind {
    CLG_MONITOR_OUTPUT,      // what a layer gives, or an activation after it
    CLG_MONITOR_OUTPUT_GRAD, // the loss's gradient of that
    CLG_MONITOR_PARAM,       // a trainable parameter before the update
    CLG_MONITOR_PARAM_GRAD,  // its gradient, before clipping
    CLG_MONITOR_UPDATE       // the parameter after the update less that before
} clg_monitor_kind;

// Statistics of one tensor in one step. Those of tensors with NaN are NaN, but for counts and
// shares.
typedef struct clg_monitor_row {
    int64_t step;      // begun before: 0, 1, ...
    const char *layer; // "conv1", also of "conv1.weight" and "conv1.relu"
    const char *name;  // "conv1", "conv1.relu", "conv1.weight", or of clg_monitor_watch
    clg_monitor_kind kind;
    int64_t count;         // elements
    double norm;           // 2-norm
    double mean, std;      // std: of all elements, divided by count
    double max_abs;
    double zeros;          // share of elements that are 0
    double saturated;      // share: of a relu those that are 0; of a sigmoid or hard_sigmoid below
                           // 0.015 or above 0.985, of a tanh or softsign beyond 0.97, where slopes
                           // are below 6 % of the steepest (softsign: 0.1 %); NAN of others
    double nan, inf;       // how many
    double ratio;          // UPDATE: norm of the update / norm of the parameter; else NAN
} clg_monitor_row;

typedef enum clg_finding {
    CLG_FINDING_NONE,
    CLG_FINDING_NOT_FINITE, // a NaN or an infinity
    CLG_FINDING_EXPLODING,  // values or gradients grow from layer to layer
    CLG_FINDING_DEAD,       // nearly all outputs of a relu are 0
    CLG_FINDING_SATURATED,  // nearly all outputs of a sigmoid or tanh are where it is flat
    CLG_FINDING_VANISHING,  // gradients shrink on their way back
    CLG_FINDING_FAST,       // updates are large beside the weights
    CLG_FINDING_SLOW,       // updates have been small beside the weights ever since
    CLG_FINDING_PLATEAU,    // of a loss: it does not fall any more
    CLG_FINDING_SPIKE,      // it jumped
    CLG_FINDING_DIVERGING   // it rises
} clg_finding;

// What is said of one layer after a step.
typedef struct clg_monitor_verdict {
    int64_t step;
    const char *layer;
    clg_finding finding; // the worst; NONE: nothing is wrong
    double value;        // the ratio, share or count that decided
    const char *text;    // one sentence: the numbers and what helps; "" for NONE
} clg_monitor_verdict;

// All numbers: 0 is the default.
struct clg_monitor_params {
    size_t size;
    int64_t every;       // steps from look to look, the first is step 0; 0: 100
    bool no_outputs;     // neither outputs nor their gradients
    bool no_params;      // neither parameters nor their gradients and updates
    double vanishing;    // gradient norm of a layer / that of the last layer: 1e-3
    double exploding;    // the same, and root mean squares of outputs beside the first layer's: 1e3
    double dead;         // share of zeros: 0.9
    double saturated;    // share: 0.9
    double slow, fast;   // update / weight, of parameters of two dimensions or more: 1e-5, 0.1
};
#define clg_monitor_params(...)                                                                    \
    (&(struct clg_monitor_params) { .size = sizeof(struct clg_monitor_params), __VA_ARGS__ })

// A monitor of a store. It sees, in steps that it looks at: the results of the clg_nn layers of the
// store; relu, leaky_relu, elu, selu, gelu, silu, mish, sigmoid, hard_sigmoid, hard_swish, softsign
// and tanh that are recorded after a layer (named "fc1.relu" after the layer recorded last); the
// store's trainable parameters; and what clg_monitor_watch names. Of a name that comes again within
// a step (shared weights, steps of time) the first counts.
//
// s       the store; it has one monitor at a time
// p       may be NULL
// result  the monitor; steps are counted from 0
// owns    destroy with clg_monitor_destroy, before or after store and device; NULL on failure
// errors  CLG_ENOMEM
//         CLG_EINVAL    s is NULL or has a monitor, p is refused by clg_params_read, a number is
//                       negative or not finite
// blocks  no
CLG_API clg_monitor clg_monitor_create(clg_store s, const struct clg_monitor_params *p);

// Destroy a monitor, in the middle of a step too. Its rows and texts end with it.
//
// m       its address; set to NULL. NULL and the address of NULL are fine
// errors  CLG_EINVAL    published: it was destroyed already (a trap with debug_traps)
// blocks  no
CLG_API void clg_monitor_destroy(clg_monitor *m);

// Begin a step: what is recorded from here on until clg_monitor_end belongs to it. Steps without
// one are not counted.
//
// m       the monitor
// result  is this one looked at? Others record nothing more than without a monitor, and so have the
//         plan that they have without
// errors  none; false for NULL. One that was begun and not ended is given up
// blocks  no
CLG_API bool clg_monitor_begin(clg_monitor m);

// Look at a tensor of the program's own too, and at its gradient where the loss depends on it.
//
// m       the monitor, within a step; nothing happens where that is not looked at
// name    copied; up to the last point it is the layer's, "a.b" belongs to layer "a"
// t       floating; an activation's own result has the share of saturated ones
// result  CLG_OK; also where the name was there before in this step, which then counts
// owns    nothing
// errors  CLG_EINVAL    m or name is NULL, no step was begun, t is NULL or of another device
//         CLG_EDTYPE    t is not floating
//         CLG_ENOMEM; t's own when poisoned
// blocks  no
CLG_API clg_status clg_monitor_watch(clg_monitor m, const char *name, clg_tensor t);

// End a step, after its update was recorded and before it is evaluated. The statistics are then one
// more assignment: they are computed with the next evaluation, and change no other number.
// Gradients are those of the last sweep in this step. With a scaled loss (clg_scaler_create), those
// of outputs and parameters are scaled as the loss is.
//
// m       the monitor; NULL is fine
// result  CLG_OK
// owns    nothing
// errors  CLG_EINVAL    no step was begun, or the store's device was closed
//         CLG_ENOMEM; what recording fails with
// blocks  no
CLG_API clg_status clg_monitor_end(clg_monitor m);

// The rows of the look before, once: the next call gives none until the next look. They come in the
// order in which layers were recorded, parameters last.
//
// m       the monitor
// rows    where they are; may be NULL
// n       how many; 0 after a step that was not looked at, or that failed (clg_device_watch)
// result  CLG_OK
// owns    rows and their texts belong to the monitor until the next look is read
// errors  CLG_EINVAL    m or n is NULL, or a step was begun and not ended; those of clg_read
// blocks  where there is something to read: one transfer, which evaluates what is recorded
CLG_API clg_status clg_monitor_read(clg_monitor m, const clg_monitor_row **rows, int *n);

// One verdict for each layer of the rows read last, in the same order: the first of these that it
// shows, causes before what follows from them.
//
//   NOT_FINITE  nan + inf > 0 of any of its rows
//   EXPLODING   gradient norm > exploding * that of the last layer with one, or root mean square
//               of the output > exploding * that of the first layer
//   DEAD        zeros > dead of a relu, SATURATED: saturated > saturated of another activation
//   VANISHING   gradient norm < vanishing * that of the last layer with one
//   FAST        ratio > fast in this look and in the one before
//   SLOW        ratio < slow in every look so far, at least 2
//
// m       the monitor
// n       how many; may be NULL
// result  the verdicts; NULL when nothing was read yet
// owns    belong to the monitor until the next look is read
// errors  none; NULL for NULL
// blocks  no
CLG_API const clg_monitor_verdict *clg_monitor_verdicts(clg_monitor m, int *n);

// The name of a kind ("output", "output_grad", "param", "param_grad", "update").
//
// kind    any number
// result  its name; "?" for others
// errors  none
// blocks  no
CLG_API const char *clg_monitor_kind_name(clg_monitor_kind kind);

// The name of a finding ("none", "not_finite", "exploding", ...).
//
// f       any number
// result  its name; "?" for others
// errors  none
// blocks  no
CLG_API const char *clg_finding_name(clg_finding f);

// ---- the loss

// One number a step, and what is wrong with their course. Host memory alone, no device: one thread
// at a time. All comparisons are of differences with the numbers' own scatter (medians and median
// absolute deviations), so scale, sign and offset of the loss do not matter.
typedef struct clg_loss_watch_t *clg_loss_watch;

struct clg_loss_watch_params {
    size_t size;
    int window;      // steps that the scatter is taken from; 0: 50, at least 10
    int patience;    // windows of scatter that a plateau takes at least; 0: 4
    double spike;    // a jump beyond the window's median in median absolute deviations; 0: 12
};
#define clg_loss_watch_params(...)                                                                 \
    (&(struct clg_loss_watch_params) { .size = sizeof(struct clg_loss_watch_params), __VA_ARGS__ })

// A watch of one loss.
//
// p       may be NULL
// result  the watch
// owns    destroy with clg_loss_watch_destroy; NULL: out of memory, or p is refused by
//         clg_params_read or has a number out of range
// errors  as of result; there is no device to tell
// blocks  no
CLG_API clg_loss_watch clg_loss_watch_create(const struct clg_loss_watch_params *p);

// Destroy.
//
// w       its address; set to NULL. NULL and the address of NULL are fine
// errors  none
// blocks  no
CLG_API void clg_loss_watch_destroy(clg_loss_watch *w);

// The loss of the next step.
//
//   NOT_FINITE  at once
//   SPIKE       beyond the window's median by `spike` deviations and by three times the window's
//               own reach (largest less median)
//   DIVERGING   half a window's median lies above the best such median by eight deviations, or a
//               spike does not end within a fifth of a window
//   PLATEAU     the last quarter of all steps is lower than the quarter before by less than a
//               twentieth of all that the loss fell, with the scatter of the medians taken off; or
//               it has not fallen since the start. After at least patience windows
//
// Each is said once, and again when the loss has been well in between.
//
// w       the watch; NULL is fine
// loss    any number
// result  what this step shows; NONE most of the time
// errors  none
// blocks  no
CLG_API clg_finding clg_loss_watch_add(clg_loss_watch w, double loss);

// The same with a tensor that is read when the next one is given, so that nobody waits for it: the
// result is about the step before.
//
// w       the watch; NULL is fine
// loss    one element, any type; kept until then. NULL: only the one before is looked at
// result  as of clg_loss_watch_add; a loss that cannot be read counts as NaN
// errors  none
// blocks  for the loss of the step before
CLG_API clg_finding clg_loss_watch_add_later(clg_loss_watch w, clg_tensor loss);

// One sentence about the last finding: the numbers, and what helps.
//
// w       the watch
// result  "" before the first one and for NULL
// owns    belongs to w until its next call
// errors  none
// blocks  no
CLG_API const char *clg_loss_watch_text(clg_loss_watch w);

CLG_END
#endif
