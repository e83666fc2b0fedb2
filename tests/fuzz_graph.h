// SPDX-License-Identifier: MIT
// Random graphs: the same seed records the same graph on every device.
#ifndef CLG_TESTS_FUZZ_GRAPH_H
#define CLG_TESTS_FUZZ_GRAPH_H

#include <clgrad/clgrad.h>

enum { FUZZ_POOL = 96, FUZZ_OUTPUTS = 24 };

typedef struct fuzz {
    clg_device dev;
    uint64_t seed, state;
    clg_dtype real;
    bool log;
    clg_tensor pool[FUZZ_POOL]; // everything recorded so far
    bool leaf[FUZZ_POOL];       // tracked inputs
    int n;
    clg_tensor out[FUZZ_OUTPUTS];
    int n_out;
} fuzz;

// Record a graph of about this many operations and choose its outputs.
void fuzz_record(fuzz *f, clg_device dev, uint64_t seed, int operations, bool log);
int64_t fuzz_below(fuzz *f, int64_t n); // 0 to n-1
#endif
