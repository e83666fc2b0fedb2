// SPDX-License-Identifier: MIT
// Engines take turns in blocks, never call by call: threads of a library that has just run may still spin.
#include "measure.h"

#include "../tool.h"
#include "work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

// ---- roofs

static clg_status time_work(clg_device dev, const shape_case *s, patience p, double *best)
{
    work w;
    timing t;
    clg_status st = work_begin(&w, dev, s);
    if (st >= 0 && work_run(&w, 1) < 0)
        st = clg_error_status(dev);
    if (st >= 0 && measure(&(engine) { &w, work_run }, 1, p, &t) >= 0)
        st = clg_error_status(dev) < 0 ? clg_error_status(dev) : CLG_EDEVICE;
    *best = st < 0 ? 0 : t.best;
    work_end(&w);
    return st;
}

static void keep(roof *r, double *to, double now)
{
    if (r->measured > 0 && *to > 0 && now > 0)
        r->drift = fmax(r->drift, fabs(now - *to) / fmax(now, *to));
    *to = fmax(*to, now);
}

static clg_status product_peak(roof *r, clg_device dev, clg_dtype type, patience p, double *to)
{
    shape_case s = { .kind = SHAPE_GEMM, .type = type, .gemm = { .batch = 1, .m = 1024, .k = 1024, .n = 1024 } };
    double t;
    const clg_status st = time_work(dev, &s, p, &t);
    if (st >= 0)
        keep(r, to, 2.0 * 1024 * 1024 * 1024 / t);
    return st;
}

// a + b as an operation whose inputs are both new: bytes of three arrays.
typedef struct sum_work {
    clg_device dev;
    clg_tensor a, b;
} sum_work;

static int run_sum(void *state, int times)
{
    const sum_work *w = state;
    clg_status st = CLG_OK;
    for (int i = 0; i < times && st >= 0; i++) {
        const clg_scope s = clg_scope_push(w->dev);
        st = clg_eval(clg_add(w->a, w->b));
        clg_scope_pop(s);
    }
    return st < 0 ? st : clg_sync(w->dev);
}

static clg_status sum_peak(clg_device dev, int64_t n, patience p, double *best)
{
    timing t;
    const clg_scope scope = clg_scope_push(dev);
    sum_work w = { dev, clg_keep(clg_uniform(dev, CLG_F32, CLG_SHAPE(n), -1, 1)),
                   clg_keep(clg_uniform(dev, CLG_F32, CLG_SHAPE(n), -1, 1)) };
    clg_status st = clg_eval(w.a, w.b);
    if (st >= 0)
        st = run_sum(&w, 1);
    if (st >= 0 && measure(&(engine) { &w, run_sum }, 1, p, &t) >= 0)
        st = CLG_EDEVICE;
    *best = st < 0 ? 0 : t.best;
    clg_drop(&w.a);
    clg_drop(&w.b);
    clg_scope_pop(scope);
    return st;
}

int device_cores(clg_device dev)
{
    const long here = sysconf(_SC_NPROCESSORS_ONLN);
    const int units = clg_device_get_info(dev)->compute_units;
    return here > 0 && here < units ? (int) here : units;
}

clg_status roof_measure(roof *r, clg_device dev, patience p)
{
    static const int64_t elements[ROOF_SIZES] = { 1 << 17, 1 << 20, 1 << 24 };
    clg_status st = CLG_OK;
    r->of_product = strcmp(clg_device_get_info(dev)->type, "cpu") != 0;
    for (int i = 0; i < ROOF_SIZES && st >= 0; i++) {
        double t;
        r->together[i] = 12.0 * (double) elements[i];
        st = sum_peak(dev, elements[i], p, &t);
        if (st >= 0)
            keep(r, &r->bytes[i], r->together[i] / t);
    }
    if (r->of_product) {
        st = st < 0 ? st : product_peak(r, dev, CLG_F32, p, &r->flops);
        if (st >= 0 && clg_device_has(dev, CLG_F64))
            st = product_peak(r, dev, CLG_F64, p, &r->flops64);
    } else {
        keep(r, &r->flops, fma_peak(device_cores(dev), false));
        keep(r, &r->flops64, fma_peak(device_cores(dev), true));
    }
    r->measured++;
    return st;
}

double roof_bandwidth(const roof *r, double bytes)
{
    int i = 0;
    while (i < ROOF_SIZES && r->together[i] < bytes)
        i++;
    if (i == 0 || i == ROOF_SIZES)
        return r->bytes[i ? ROOF_SIZES - 1 : 0];
    const double share = log(bytes / r->together[i - 1]) / log(r->together[i] / r->together[i - 1]);
    return exp(log(r->bytes[i - 1]) * (1 - share) + log(r->bytes[i]) * share);
}

double roof_seconds(const roof *r, clg_dtype type, double flops, double bytes)
{
    const double peak = type == CLG_F64 ? r->flops64 : r->flops;
    return fmax(peak > 0 ? flops / peak : 0, bytes > 0 ? bytes / roof_bandwidth(r, bytes) : 0);
}
