// SPDX-License-Identifier: MIT
// Processes that compile beside this one.
#ifndef CLG_DEVICE_WORKERS_H
#define CLG_DEVICE_WORKERS_H

#include "device/internal.h"
#include "device/job.h"

enum { CLG__MOST_WORKERS = 16 };

typedef struct clg__worker {
    long pid; // -1: none
    bool ok;
    double started;
} clg__worker;

bool clg__worker_start(clg__gpu *g, const clg__job *j, clg__worker *w);
extern double clg__worker_patience; // seconds; tests have less
// Until it has ended; one that takes much longer than we did, and than that, is killed. false: it made nothing, or not all.
bool clg__worker_wait(clg__worker *w, double own_seconds);
#endif
