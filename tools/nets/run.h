// SPDX-License-Identifier: MIT
// `clgrad bench --net`: times of whole networks; `clgrad cache warm`: their kernels.
#ifndef CLG_NETS_RUN_H
#define CLG_NETS_RUN_H

#include <stdbool.h>

typedef struct nets_options {
    const char *names; // with commas; "all"
    const char *keep;  // folder for weights and data; NULL: they are not written
    const char *batches; // sizes with commas; NULL: the networks' own
    bool json, profile, list, threads, watch;
    double seconds; // of measuring; 0: one
    bool first; // only the first step, or of one picture the first inference, with what has to be compiled
} nets_options;

// batches.c: sizes of the batch one after another. An exit status.
int bench_batches(const char *names, const char *sizes, const char *device);
// threads.c: recorders on threads of their own. An exit status.
int bench_threads(const char *names, const char *device);
int bench_nets(const nets_options *o, const char *device);
// Compiles what the networks' inference and training take, each on a device of its own. An exit status.
int nets_prepare(const char *names, const char *device);
#endif
