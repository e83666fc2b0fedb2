// SPDX-License-Identifier: MIT
// The reverse sweep as the files of autograd/ share it.
#ifndef CLG_AUTOGRAD_SWEEP_H
#define CLG_AUTOGRAD_SWEEP_H

#include "graph/node.h"

typedef struct clg__sweep {
    const char *op; // the function that was called, for messages
    int m;          // results, each with a cotangent of its shape and type
    const clg_tensor *y, *g;
    int n; // what the gradient is asked for
    const clg_tensor *wrt;
    // of a wrt[i] without a path: an error, zeros, or out[i] is NULL
    enum { CLG__MISSING_FAILS, CLG__MISSING_ZEROS, CLG__MISSING_NULL } missing;
    bool ends; // nothing behind a wrt[i] is looked at
} clg__sweep;

// out[i] = sum_k sum_j g_k[j] dy_k[j] / dwrt[i]; poisoned on an error.
clg_status clg__sweep_back(const clg__sweep *q, clg_tensor *out);
// Every out[i] is why, whose status is the result.
clg_status clg__grad_give_up(clg_tensor why, int n, clg_tensor *out);
#endif
