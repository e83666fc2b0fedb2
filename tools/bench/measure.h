// SPDX-License-Identifier: MIT
// Times of engines that take turns.
#ifndef CLG_BENCH_MEASURE_H
#define CLG_BENCH_MEASURE_H

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
#endif
