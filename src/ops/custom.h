// SPDX-License-Identifier: MIT
// A custom operation as it was defined (custom_define.c), for those who record it (custom.c).
#ifndef CLG_OPS_CUSTOM_H
#define CLG_OPS_CUSTOM_H

#include "base/str.h"
#include "graph/node.h"
#include <clgrad/custom.h>

typedef struct clg__custom {
    struct clg__custom *next; // of the device
    struct clg_custom_t *handle;
    clg__str identity; // all that the definition says
    char id[33];       // a hash of it
    const char *name, *inputs;
    bool kernel, integers;
    int n_in, n_out, n_scalars, n_ints;
    const char *in[CLG_CUSTOM_INPUTS], *out[CLG_CUSTOM_OUTPUTS], *scalars[CLG_CUSTOM_NUMBERS], *ints[CLG_CUSTOM_NUMBERS];
    const char *operands[2 * CLG_CUSTOM_NUMBERS]; // pointwise: inputs, then scalars
    const char *body, *functions;                 // looked through
    clg_status (*shape)(const clg_custom_call *c);
    clg_status (*grid)(const clg_custom_call *c, size_t global[3], size_t local[3], size_t *local_bytes);
    size_t scratch_bytes;
    clg_status (*scratch)(const clg_custom_call *c, size_t *bytes);
    clg_custom_backward backward;
    void *user;
    clg__own own[CLG_CUSTOM_OUTPUTS]; // pointwise: of each result
    clg__op op[CLG_CUSTOM_OUTPUTS];   // of each result; a kernel has one
    clg__variant variant;
    char *strings[16];
    int n_strings;
} clg__custom;

// Copied with each node.
typedef struct clg__custom_node {
    const clg__custom *of;
    double scalars[CLG_CUSTOM_NUMBERS];
    int64_t ints[CLG_CUSTOM_NUMBERS];
    int result; // pointwise: which
    int n_out;  // a kernel's
    clg_dtype out_dtype[CLG_CUSTOM_OUTPUTS];
    clg_shape out_shape[CLG_CUSTOM_OUTPUTS];
    size_t global[3], local[3], local_bytes, scratch_bytes;
} clg__custom_node;

// Of an operation's descriptor: custom.c
void clg__custom_backward(const clg__vjp *v, const bool *needed, clg_tensor *d);
void clg__custom_key(const void *params, clg__key *k);
bool clg__custom_has_scratch(const clg__custom *d); // its kernel has the argument, also for 0 bytes
void clg__custom_plan(const clg__kernel_call *c, clg__kplan *p);
#endif
