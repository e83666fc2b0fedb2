// SPDX-License-Identifier: MIT
// `clgrad bench --net N --threads`: inferences a second of one recorder, of two on threads of their own, of one device
// together, and what an application's own thread has left while they run.
#include "run.h"

#include "../bench/families.h"
#include "../tool.h"
#include "nets.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 2 };
static const double seconds = 2;

typedef struct worker {
    const net *n;
    clg_device dev; // a recorder
    clg_store store;
    clg_tensor in[NET_ARRAYS];
    atomic_bool *stop;
    long done;
    bool failed;
    pthread_t thread;
} worker;

static bool infer(worker *w)
{
    const clg_scope scope = clg_scope_push(w->dev);
    const clg_tensor y = w->n->output(w->store, w->in);
    float *to = malloc((size_t) clg_numel(y->shape) * sizeof *to);
    const bool fine = to && clg_read(y, to, (size_t) clg_numel(y->shape) * sizeof *to) >= 0;
    free(to);
    clg_scope_pop(scope);
    return fine;
}

static bool prepare(worker *w)
{
    w->store = clg_store_create(w->dev, 1);
    if (!w->store)
        return false;
    const clg_scope scope = clg_scope_push(w->dev);
    int n = 0;
    for (; n < NET_ARRAYS && w->n->in[n].shape.rank > 0; n++) {
        const net_array *a = &w->n->in[n];
        clg_tensor x = a->classes ? clg_floor(clg_uniform(w->dev, CLG_F32, a->shape, 0, (double) a->classes))
                                  : clg_uniform(w->dev, CLG_F32, a->shape, -1, 1);
        w->in[n] = clg_keep(a->classes ? clg_cast(x, CLG_I64) : x);
    }
    const bool fine = clg_eval_n(w->in, n) >= 0;
    clg_scope_pop(scope);
    clg_store_train(w->store, false);
    return fine && infer(w) && infer(w);
}

static void *work(void *user)
{
    worker *w = user;
    while (!atomic_load(w->stop) && !w->failed) {
        w->failed = !infer(w);
        w->done++;
    }
    return NULL;
}

// What an application may do beside: arithmetic, on a thread of its own.
static void *count(void *user)
{
    worker *w = user;
    volatile double x = 1;
    while (!atomic_load(w->stop)) {
        for (int i = 0; i < 10000; i++)
            x = x * 1.0000001 + 1e-9;
        w->done++;
    }
    return NULL;
}

// Of n recorders and maybe an application's thread: how often each was done, a second. false: one failed
static bool round_of(worker *w, int n, bool beside, double *inferences, double *loops)
{
    atomic_bool stop = false;
    worker app = { .stop = &stop };
    int started = 0;
    bool fine = true;
    for (int i = 0; i < n; i++, started++) {
        w[i].stop = &stop;
        w[i].done = 0;
        if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
            break;
    }
    const bool counts = beside && pthread_create(&app.thread, NULL, count, &app) == 0;
    const double from = now_seconds();
    while (now_seconds() - from < seconds)
        nanosleep(&(struct timespec) { .tv_nsec = 10000000 }, NULL);
    atomic_store(&stop, true);
    const double took = now_seconds() - from;
    *inferences = 0;
    for (int i = 0; i < started; i++) {
        pthread_join(w[i].thread, NULL);
        *inferences += (double) w[i].done / took;
        fine &= !w[i].failed;
    }
    if (counts)
        pthread_join(app.thread, NULL);
    *loops = (double) app.done / took;
    return fine && started == n;
}

static int run(const net *n, const char *device)
{
    worker w[MOST] = { { .n = n }, { .n = n } };
    double one, two, alone, beside, unused;
    w[0].dev = open_device("bench", device, false);
    if (!w[0].dev)
        return EXIT_FAILED;
    bool fine = clg_device_open(&w[1].dev, clg_device_params(.share = w[0].dev)) >= 0;
    fine = fine && prepare(&w[0]) && prepare(&w[1]);
    fine = fine && round_of(w, 1, false, &one, &unused) && round_of(w, 2, false, &two, &unused) &&
           round_of(w, 0, true, &unused, &alone) && round_of(w, 1, true, &unused, &beside);
    if (fine)
        printf("%-13s %10.0f %10.0f %6.2f x %10.2f\n", n->name, one, two, two / one, beside / alone);
    else
        fprintf(stderr, "clgrad bench: %s: %s\n", n->name, clg_error(w[0].dev, CLG_OK));
    fflush(stdout);
    for (int i = MOST - 1; i >= 0; i--) {
        for (int k = 0; k < NET_ARRAYS; k++)
            clg_drop(&w[i].in[k]);
        clg_store_destroy(&w[i].store);
        clg_device_close(&w[i].dev);
    }
    return fine ? EXIT_OK : EXIT_FAILED;
}

int bench_threads(const char *names, const char *device)
{
    int code = EXIT_OK;
    printf("inferences/s  one thread        two           application's thread\n");
    for (int i = 0; i < net_count && code == EXIT_OK; i++) {
        if (strcmp(names, "all") == 0 || name_listed(names, nets[i].name))
            code = run(&nets[i], device);
    }
    return code;
}
