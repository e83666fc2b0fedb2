// SPDX-License-Identifier: MIT
// Engines take turns in blocks, never call by call: threads of a library that has just run may still spin.
#include "measure.h"

#include "../tool.h"

#include <stdlib.h>
#include <time.h>

enum { CLIFF = 30 }; // a run that takes so many blocks is measured once

static int processor_cores;

void measure_processor(int cores)
{
    processor_cores = cores;
}

double measure_now(void)
{
    struct timespec t;
    if (processor_cores == 0)
        return now_seconds();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return ((double) t.tv_sec + 1e-9 * (double) t.tv_nsec) / processor_cores;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return x < y ? -1 : x > y;
}

// Seconds of so many runs; below 0: it failed.
static double timed(const engine *e, int times)
{
    const double from = measure_now();
    return e->run(e->state, times) < 0 ? -1 : measure_now() - from;
}

static double median(const double *sorted, int n)
{
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

int measure(const engine *e, int n, patience p, timing *out)
{
    double t[MEASURE_ENGINES][MEASURE_ROUNDS + 1];
    int times[MEASURE_ENGINES], samples[MEASURE_ENGINES] = { 0 }, rounds = p.rounds;
    bool cliff[MEASURE_ENGINES];
    for (int i = 0; i < n; i++) {
        double one = timed(&e[i], 1);
        cliff[i] = one > CLIFF * p.block;
        if (one < p.block && one >= 0) { // a better guess
            const int some = 1 + (int) (p.block / 4 / (one + 1e-7));
            one = timed(&e[i], some) / some;
        } else {
            t[i][samples[i]++] = one;
        }
        if (one < 0)
            return i;
        times[i] = 1 + (int) (p.block / (one + 1e-7));
        if (one > CLIFF / 3 * p.block && rounds > 2)
            rounds = 2;
    }
    for (int k = 0; k < rounds; k++) {
        for (int i = 0; i < n; i++) {
            if (cliff[i])
                continue;
            if (n > 1 && times[i] > 1 && timed(&e[i], 1) < 0)
                return i;
            const double s = timed(&e[i], times[i]);
            if (s < 0)
                return i;
            t[i][samples[i]++] = s / times[i];
        }
    }
    for (int i = 0; i < n; i++) {
        qsort(t[i], (size_t) samples[i], sizeof t[i][0], by_value);
        out[i] = (timing) { t[i][0], median(t[i], samples[i]), 1 + (samples[i] - 1) * times[i] };
    }
    return -1;
}
