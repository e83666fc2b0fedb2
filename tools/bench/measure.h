// SPDX-License-Identifier: MIT
// Times of engines that take turns, and the roofs of this machine in the same run.
#ifndef CLG_BENCH_MEASURE_H
#define CLG_BENCH_MEASURE_H

#include <clgrad/clgrad.h>

// Something that can be run; below 0: it failed.
typedef struct engine {
    void *state;
    int (*run)(void *state, int times);
} engine;

typedef struct timing {
    double best, median; // seconds of one run
    int runs;
} timing;

enum { MEASURE_ENGINES = 5, MEASURE_ROUNDS = 9 };

// How long to measure: rounds of blocks of consecutive runs, a block for each engine in turn, each at least
// `block` seconds long and after a run that is not counted.
typedef struct patience {
    int rounds;
    double block;
} patience;

// From here on seconds are those of the processor over so many cores, not those of the clock: for machines that
// others use too; what keeps one core busy alone then looks as fast as if it kept all. 0: those of the clock.
void measure_processor(int cores);
double measure_now(void);

// All engines of one case, each of which has run before. The place of the engine that failed, -1: none.
int measure(const engine *e, int n, patience p, timing *out);

enum { ROOF_SIZES = 3 };

// What the machine can do: fused multiply-adds in registers (measured on the host where the device is its CPU,
// else the product of two large matrices), and a + b over arrays of several sizes.
typedef struct roof {
    double flops, flops64;        // per second
    double bytes[ROOF_SIZES];     // per second, of arrays that are together
    double together[ROOF_SIZES];  // so many bytes
    double drift;                 // the largest change of any of them between two measurements, as a share
    int measured;
    bool of_product;
} roof;

// May be called again: the higher figure stays.
clg_status roof_measure(roof *r, clg_device dev, patience p);
// Bytes per second for a case that moves so many.
double roof_bandwidth(const roof *r, double bytes);
// Seconds that no run can beat.
double roof_seconds(const roof *r, clg_dtype type, double flops, double bytes);
// Cores of this machine that the device uses, at most.
int device_cores(clg_device dev);
// Multiply-adds per second, counted as two, of `threads` threads of this CPU.
double fma_peak(int threads, bool f64);
#endif
