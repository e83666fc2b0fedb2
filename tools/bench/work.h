// SPDX-License-Identifier: MIT
// One case on a device: its tensors, and running it.
#ifndef CLG_BENCH_WORK_H
#define CLG_BENCH_WORK_H

#include "../cases.h"
#include "roof.h"
#include "shapes.h"

#include <clgrad/clgrad.h>

typedef struct work {
    clg_device dev;
    const shape_case *s;
    least least;
    clg_tensor in[CASE_INPUTS], y, g;
    clg_store store; // of an optimizer
    clg_optim optim;
    clg_tensor *grads;
} work;

// Makes fresh random inputs. End it also after a failure.
clg_status work_begin(work *w, clg_device dev, const shape_case *s);
// So many runs, and waits for the last. state: a work. The signature of an engine (measure.h).
int work_run(void *state, int times);
void work_end(work *w);
// Elements of input k as a peer takes them, or of the result (k < 0); caller frees. NULL: none, or a failure.
void *work_host(work *w, int k);
#endif
