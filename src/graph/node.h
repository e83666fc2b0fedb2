// SPDX-License-Identifier: MIT
// The recorded graph: nodes, scopes, variables, pending assignments. One device struct owns it all.
#ifndef CLG_GRAPH_NODE_H
#define CLG_GRAPH_NODE_H

#include "base/err.h"
#include "graph/op.h"
#include <clgrad/var.h>

enum { CLG__MAX_OUTPUTS = 4 };

// Why a tensor is poisoned; shared by everything made of it.
typedef struct clg__cause {
    int refs;
    clg_status status;
    char text[];
} clg__cause;

typedef struct clg__outs {
    int n;
    clg_dtype dtype[CLG__MAX_OUTPUTS];
    clg_shape shape[CLG__MAX_OUTPUTS];
} clg__outs;

typedef struct clg__node clg__node;
struct clg__node {
    struct clg_tensor_t pub; // what a handle points at; first
    const clg__op *op;
    int refs;    // handles, consumers, variables, pending assignments
    int handles; // of the user
    int kept;
    int n_in;
    clg__node **in;   // trailing memory
    void *params;     // trailing memory
    clg__node *base;  // VIEW: the node whose elements geom addresses; else NULL
    clg__geom geom;   // VIEW
    double fill;      // VIEW with a window
    void *buf;        // evaluated: a clg__buf (counted by the device's hooks)
    int64_t offset;   // in buf, in elements
    clg__outs *outs;  // KERNEL with several outputs
    clg__cause *cause;
    struct clg_scope_t *scope; // where the first handle lives
    const char *file;
    int line;
    char *label;
    bool tracked;
    uint32_t stamp;   // walks: visited in this walk?
    int index;        // walks: where
    void *aux;        // walks: what (the reverse sweep's cotangent)
    clg__node *prev, *next; // all nodes of the device
};

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
    bool frozen;
    int slot;             // scratch of the evaluation
    struct clg_var_t *prev, *next;
};

// One assignment; those of one group run together or not at all.
typedef struct clg__pending {
    clg_var var;       // NULL when the variable was destroyed meanwhile
    clg__node *value;  // ALIAS node that becomes the variable's value
    int group;
    bool creation;     // of the variable: survives a failed evaluation
} clg__pending;

struct clg_device_t {
    const clg_device_info *info;
    const clg__caps *caps;
    struct clg_scope_t *scope; // innermost
    clg__node *nodes;
    clg_var vars;
    clg__pending *pending;
    int n_pending, cap_pending, n_groups;
    clg__err first;       // first error since the last clear
    const char *layer;    // what is being recorded, for messages
    const char *file;     // where, from the scope
    int line;
    uint64_t seed, counter;
    uint32_t stamp;
    int64_t n_nodes, n_handles;
    // debug: the thread inside a call and how deep, and nodes that are gone, so that their use shows
    uintptr_t thread;
    int depth;
    clg__node *graves;
    int n_graves;
    // hooks of the scheduler, so that the graph knows no OpenCL
    void (*buf_ref)(void *buf);
    void (*buf_unref)(void *buf);
    void *gpu, *sched;
};

// A device belongs to one thread at a time: debug builds trap when two are inside at once.
#ifdef CLG_DEBUG
void clg__enter(clg_device dev);
void clg__leave(clg_device dev);
#else
#define clg__enter(dev) ((void) (dev))
#define clg__leave(dev) ((void) (dev))
#endif
void clg__bury(clg_device dev, int keep); // debug: free all but the newest `keep` of the nodes that are gone

static inline clg__node *clg__node_of(clg_tensor t)
{
    return (clg__node *) (uintptr_t) t;
}

clg__node *clg__node_new(clg_device dev, const clg__op *op, clg_dtype t, const clg_shape *s,
                         int n_in, const clg_tensor *in, const void *params); // one ref; NULL
void clg__node_ref(clg__node *n);
void clg__node_unref(clg__node *n); // never recursive: chains may be long
// The node becomes a leaf with this buffer (takes over one reference to buf).
void clg__node_set_buffer(clg__node *n, void *buf, int64_t offset);
void clg__node_drop_inputs(clg__node *n);
// Give a new node to the innermost scope, which takes over its reference; NULL becomes a poison.
clg_tensor clg__handle(clg_device dev, clg__node *n);
clg_tensor clg__poison(clg_device dev, clg_status st, const char *text);
clg_tensor clg__poison_from(clg_tensor cause);
const char *clg__cause_text(clg_tensor t);

// Recorder: everything of a device but OpenCL.
clg_status clg__recorder_init(clg_device dev);
void clg__recorder_free(clg_device dev);
clg_status clg__publish(clg_device dev, clg_status st, const char *text); // first message wins
void clg__pending_discard(clg_device dev); // variables fall back to what is committed
// After a successful evaluation of them all, or of the creations of variables alone.
void clg__pending_commit(clg_device dev, bool creations);
void clg__random_next(clg_device dev, uint64_t *seed, uint64_t *counter);
uint32_t clg__stamp(clg_device dev);

extern const clg__op clg__op_leaf, clg__op_scalar, clg__op_const, clg__op_out, clg__op_copy,
    clg__op_value, clg__op_detach, clg__op_track;
#endif
