// SPDX-License-Identifier: MIT
// Watching for results that are not finite (clg_device_watch).
#ifndef CLG_SCHED_WATCH_H
#define CLG_SCHED_WATCH_H

#include "sched/work.h"

typedef struct clg__watch {
    clg_scope scope;     // of what is recorded for it; NULL: nothing is watched
    clg__node *flag;     // BOOL: are all results finite?
    clg__node **nodes;   // of the evaluation, held so that they keep what they were computed from
    int n, n_outputs;    // outputs: without the flag
} clg__watch;

// Adds an output to the work, and collects it. false: w->err
bool clg__watch_begin(clg__watch *q, clg__work *w);
// After the run: w->err says what was found, if the run itself did not fail. Undoes begin, also one that failed.
void clg__watch_end(clg__watch *q, clg__work *w);

clg_status clg__eval_for_watch(clg__node *n); // of eval.c: by itself
#endif
