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
    int64_t most; // elements of a tensor; every third seed makes long ones
    // Told the numbers of every upload, where it is set after the start.
    void (*uploaded)(void *user, clg_tensor t, const double *v);
    void *user;
    uint64_t moves; // where slices and margins start is drawn from it, and nothing else
    int draws, mutate; // the draw of this number comes out otherwise; 0: none
    clg_tensor pool[FUZZ_POOL]; // everything recorded so far
    bool leaf[FUZZ_POOL];       // tracked inputs
    int n;
    clg_tensor out[FUZZ_OUTPUTS];
    int n_out;
} fuzz;

// Record a graph of about this many operations and choose its outputs.
void fuzz_record(fuzz *f, clg_device dev, uint64_t seed, int operations, bool log);
// The same graph for every number of moves, but for where slices start, and tensors in their padding.
void fuzz_record_moved(fuzz *f, clg_device dev, uint64_t seed, uint64_t moves, int operations, bool log);
int64_t fuzz_below(fuzz *f, int64_t n); // 0 to n-1
// The same in parts: begin without any tensor; take one that is there already; add operations; choose outputs.
void fuzz_start(fuzz *f, clg_device dev, uint64_t seed, int mutate, bool log);
void fuzz_take(fuzz *f, clg_tensor t);
void fuzz_grow(fuzz *f, int operations);
void fuzz_choose(fuzz *f);
// A further output: the reduction of a view less tensors that broadcast with it.
void fuzz_reduce(fuzz *f);
// A tracked tensor of this shape with random numbers.
clg_tensor fuzz_leaf(fuzz *f, clg_shape s);
#endif
