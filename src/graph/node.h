// SPDX-License-Identifier: MIT
// The recorded graph: nodes, scopes, variables, pending assignments. One device struct owns it all.
#ifndef CLG_GRAPH_NODE_H
#define CLG_GRAPH_NODE_H

#include "base/err.h"
#include "graph/op.h"
#include "graph/slots.h"
#include <clgrad/place.h>
#include <clgrad/var.h>

enum { CLG__MAX_OUTPUTS = 4, CLG__FEW_INPUTS = 4, CLG__FEW_PARAMS = 64 };

// Why a tensor is poisoned; shared by everything made of it.
typedef struct clg__cause {
    int refs;
    clg_status status;
    uint64_t number;    // causes of a device are counted
    int reason, length; // the part of text that says what is wrong, without op and inputs; length 0: all
    char text[];
} clg__cause;

typedef struct clg__outs {
    int n;
    clg_dtype dtype[CLG__MAX_OUTPUTS];
    clg_shape shape[CLG__MAX_OUTPUTS];
} clg__outs;

// Functions that see, and may replace, a node's gradient.
typedef struct clg__hooks {
    int refs, n, capacity;
    struct clg__hook {
        clg_tensor (*hook)(clg_tensor g, void *user); // NULL: removed
        void *user;
    } *all;
} clg__hooks;
void clg__hooks_unref(clg__hooks *h); // NULL is fine

typedef struct clg__node clg__node;
struct clg__node {
    struct clg_tensor_t pub; // what a handle points at; first. A dead node's status is CLG_EINVAL
    uint32_t number; // of op, see clg__op_number
    int refs;    // handles, consumers, variables, pending assignments
    int handles; // of the user: without one, only the graph itself may use the node
    const clg__op *op;
    int kept;
    int n_in;
    clg__node **in;   // few_in, or in more
    void *params;     // few_params, or in more
    void *more;       // what does not fit below
    clg__node *base;  // VIEW: the node whose elements access addresses; else NULL
    double fill;      // VIEW with a window
    void *buf;        // evaluated: a clg__buf (counted by the device's hooks)
    int64_t offset;   // in buf, in elements
    clg__outs *outs;  // KERNEL with several outputs
    clg__cause *cause;
    struct clg_scope_t *scope; // where the first handle lives
    const char *end_file; // where the scope of the last handle was pushed
    int end_line;         // 0: it was dropped
    char *label;
    const char *layer; // under which it was recorded, of the device's names, or NULL; a derivative has that of its node
    const char *file;  // of the call that recorded it, or that it is the derivative of; NULL: nobody has said (place.h)
    int line;
    bool tracked;
    bool stop; // recorded while gradients were disabled: they do not look behind it
    clg__hooks *hooks;
    uint64_t serial; // nodes of a device are counted
    bool derivative;  // recorded by a reverse sweep
    bool of_variable; // evaluated, and a value that a variable had or has
    int swept;        // reverse sweeps that walk over it: history stays
    uint32_t stamp;   // walks: visited in this walk?
    int index;        // walks: where
    void *aux;        // walks: what
    clg__node *prev, *next; // all nodes of the device
    // from here on not cleared
    clg__access access; // VIEW
    clg__node *few_in[CLG__FEW_INPUTS];
    union {
        char bytes[CLG__FEW_PARAMS];
        max_align_t align;
    } few_params;
};

// Scopes and variables are slots too: clg__slot_alive.
struct clg_scope_t {
    clg_device dev;
    struct clg_scope_t *parent;
    clg__node **handles;
    int n, capacity;
    const char *file;
    int line;
};

struct clg_var_t {
    clg_device dev;
    clg__node *value;     // as recorded
    clg__node *committed; // as evaluated last
    clg__node *before;    // before that, while it is not known whether the evaluation shall stand (sched/watch.h)
    bool frozen;
    int latest; // of the pending assignments to it, while an evaluation collects
    struct clg_var_t *prev, *next;
};

// A custom operation's handle: readable after its end.
struct clg_custom_t {
    clg_device dev;
    void *definition; // a clg__custom
};

// One assignment; those of one group run together or not at all.
typedef struct clg__pending {
    clg_var var;       // NULL when the variable was destroyed meanwhile
    clg__node *value;  // ALIAS node that becomes the variable's value
    int group;
    bool creation;     // of the variable: survives a failed evaluation
} clg__pending;

// A closed device stays readable for a while, and says so.
enum { CLG__OPEN = 0x636c6764 };
enum { CLG__LAYERS = 16, CLG__LAYER_NAME = 256, CLG__LAYER_BUCKETS = 256, CLG__MOST_LAYERS = 4096 };

// A name of a layer; it stays as long as its device.
typedef struct clg__layer_name {
    struct clg__layer_name *next; // of its bucket
    char text[];
} clg__layer_name;

struct clg_device_t {
    uint32_t magic; // CLG__OPEN
    int internal;   // above 0: the library itself works on nodes that no handle belongs to
    const clg_device_info *info;
    const clg__caps *caps;
    struct clg_scope_t *scope; // innermost
    clg__node *nodes;
    clg_var vars;
    clg__pending *pending;
    int n_pending, cap_pending, n_groups;
    clg__err first, last; // error since the last clear
    uint64_t n_causes;
    clg__slots node_slots, scope_slots, var_slots;
    bool no_grad;   // clg_set_grad_enabled
    bool watch;     // clg_device_watch
    int autocast;   // 0, or the low type: clg_autocast_set
    int sweeping;   // reverse sweeps under way
    struct clg__observer *observers; // clg_observe
    int n_observers, cap_observers;
    bool observing; // one of them is being called
    const char *layer;      // what is being recorded, for messages, or NULL
    const char *node_layer; // the same for nodes: one of layer_names, or NULL
    clg__layer_name *layer_names[CLG__LAYER_BUCKETS];
    int n_layer_names;
    char layers[CLG__LAYERS][CLG__LAYER_NAME]; // the last of those beyond CLG__MOST_LAYERS, so that one may be set back
    unsigned next_layer;
    const char *file;     // where, from the scope
    int line;
    uint64_t seed, counter;
    uint64_t serial; // of the node recorded last
    uint32_t stamp;
    int64_t n_nodes, n_handles;
    struct clg__numbered *ops; // operations that have a number
    size_t n_ops, cap_ops;
    uint32_t last_number;
    // debug: the thread inside a call and how deep
    uintptr_t thread;
    int depth;
    // hooks of the scheduler, so that the graph knows no OpenCL
    void (*buf_ref)(void *buf);
    void (*buf_unref)(void *buf);
    void *gpu, *sched;
    // operations of the application's own, which end with the device (ops/custom.h)
    clg__slots custom_slots;
    void *customs;
    void (*customs_free)(void *customs);
};

// Tells the observers of a device that has some of a tensor that a call has recorded (observe.c).
void clg__observed(clg_tensor y, const char *op);
void clg__observers_end(clg_device dev);

// A device belongs to one thread at a time: debug builds trap when two are inside at once.
#ifdef CLG_DEBUG
void clg__enter(clg_device dev);
void clg__leave(clg_device dev);
#else
#define clg__enter(dev) ((void) (dev))
#define clg__leave(dev) ((void) (dev))
#endif

static inline bool clg__is_open(clg_device dev)
{
    return dev && dev->magic == CLG__OPEN;
}

static inline clg__node *clg__node_of(clg_tensor t)
{
    return (clg__node *) (uintptr_t) t;
}

// Has the user a handle to this live node, or is it the library that asks?
static inline bool clg__is_held(const clg__node *n)
{
    return n->handles > 0 || n->pub.dev->internal > 0;
}

extern _Thread_local clg_place clg__here; // where the call stands that this thread is in
// text, or in `all` text with that place, if it does not stand there already
const char *clg__with_place(const char *text, char all[CLG__ERR_TEXT]);

clg__node *clg__node_new(clg_device dev, const clg__op *op, clg_dtype t, const clg_shape *s,
                         int n_in, const clg_tensor *in, const void *params); // one ref; NULL
void clg__node_ref(clg__node *n);
void clg__node_unref(clg__node *n); // never recursive: chains may be long
// The node becomes a leaf with this buffer (takes over one reference to buf).
void clg__node_set_buffer(clg__node *n, void *buf, int64_t offset);
void clg__layers_end(clg_device dev);
void clg__nodes_end(clg_device dev); // all of them, whatever refers to them
struct clg_scope_t *clg__scope_new(clg_device dev, const char *file, int line);
// Around a walk that may evaluate on its way: n lives, and keeps its inputs also when it is evaluated.
void clg__node_hold(clg__node *n);
void clg__node_release(clg__node *n);
// Give a new node to the innermost scope, which takes over its reference; NULL becomes a poison.
clg_tensor clg__handle(clg_device dev, clg__node *n);
// dev NULL: a poison without a device, which carries text all the same.
clg_tensor clg__poison(clg_device dev, clg_status st, const char *text);
// length characters of text from `reason` on say what is wrong.
clg_tensor clg__poison_why(clg_device dev, clg_status st, const char *text, int reason, int length);
clg_tensor clg__poison_from(clg_tensor cause);
const char *clg__cause_text(clg_tensor t);
// What is wrong with a handle: its scope ended, it was dropped, its device was closed; NULL: nothing.
// text is where a message is put together.
const char *clg__why_dead(clg_tensor t, char text[CLG__ERR_TEXT]);
// The same for a device: NULL or closed.
const char *clg__why_no_device(clg_device dev);
// A misuse of a handle: traps in debug builds. dev may be closed.
clg_status clg__misuse(clg_device dev, const char *format, ...) CLG_PRINTF(2, 3);

// Recorder: everything of a device but OpenCL.
clg_status clg__recorder_init(clg_device dev); // all else of it is zero
void clg__recorder_free(clg_device dev);
clg_status clg__publish(clg_device dev, clg_status st, const char *text); // first message wins
void clg__pending_discard(clg_device dev); // variables fall back to what is committed
// After a successful evaluation of them all, or of the creations of variables alone. revertible: what variables held is
// kept until one of the two below is called.
void clg__pending_commit(clg_device dev, bool creations, bool revertible);
void clg__vars_stand(clg_device dev);
void clg__vars_revert(clg_device dev); // and discards what is pending
void clg__random_next(clg_device dev, uint64_t *seed, uint64_t *counter);
uint32_t clg__stamp(clg_device dev);
// Identity of an operation within a device, from 1; 0: out of host memory. Another one at the address of
// one that is gone has another number.
uint32_t clg__op_number(clg_device dev, const clg__op *op);

extern const clg__op clg__op_leaf, clg__op_scalar, clg__op_const, clg__op_out,
    clg__op_value, clg__op_detach, clg__op_track;
#endif
