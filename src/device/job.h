// SPDX-License-Identifier: MIT
// What a process that compiles for another gets on its standard input.
#ifndef CLG_DEVICE_JOB_H
#define CLG_DEVICE_JOB_H

#include "device/gpu.h"

typedef struct clg__job_kernel {
    const char *name;
    clg__trial trial;
} clg__job_kernel;

typedef struct clg__job {
    const char *identity; // of the device, which must be the same
    int device;           // its number in the list of all
    const char *options;
    bool own_declarations, only_own;
    clg__str program;     // its source
    clg__job_kernel *kernels;
    int n_kernels;
} clg__job;

void clg__job_write(const clg__job *j, clg__str *out); // out->failed: out of memory
// Names, options and data point into `bytes`, the rest is freed by clg__job_free. false: it is no job of this version.
bool clg__job_read(clg__job *j, char *bytes, size_t n);
void clg__job_free(clg__job *j);
#endif
