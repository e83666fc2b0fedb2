// SPDX-License-Identifier: MIT
// Variants that CLGRAD_VARIANT names, with their parameters.
#ifndef CLG_SCHED_CHOICES_H
#define CLG_SCHED_CHOICES_H

#include "graph/op.h"

typedef struct clg__choice {
    const clg__op *op;
    int variant;
    int set[CLG__MAX_PARAMS];
} clg__choice;

typedef struct clg__choices {
    clg__choice *all; // one for an op and class of kernels: a name may stand for a variant of each
    int n, cap;
} clg__choices;

// "op=variant:parameter=value,...;...". Variants may be named without their cpu_ or gpu_. false: e, which lists what
// there is.
bool clg__choices_read(clg__choices *c, const char *text, clg__err *e);
void clg__choices_free(clg__choices *c);
// The choice of this variant of op, or NULL.
const clg__choice *clg__choices_find(const clg__choices *c, const clg__op *op, int variant);
#endif
