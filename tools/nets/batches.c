// SPDX-License-Identifier: MIT
// `clgrad bench --net N --batches 128,37,1`: what another size of the batch costs a program that runs already: its first
// inference and its first training step of each size, beside later ones, and what was planned and compiled for them.
#include "run.h"

#include "../bench/families.h"
#include "../tool.h"
#include "nets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGAIN = 3 };

typedef struct sized {
    const net *n;
    clg_device dev;
    clg_store store;
    clg_optim optim;
    clg_tensor in[NET_ARRAYS];
} sized;

static clg_status make_data(sized *r, int64_t batch)
{
    const clg_scope scope = clg_scope_push(r->dev);
    int n = 0;
    for (; n < NET_ARRAYS && r->n->in[n].shape.rank > 0; n++) {
        const net_array *a = &r->n->in[n];
        clg_shape shape = a->shape;
        shape.dim[0] = batch;
        void *data = calloc((size_t) clg_numel(shape), 8);
        for (int64_t i = 0; data && i < clg_numel(shape); i++) {
            const double u = rand() / (RAND_MAX + 1.0);
            if (a->classes)
                ((int64_t *) data)[i] = (int64_t) (u * (double) a->classes);
            else
                ((float *) data)[i] = (float) (2 * u - 1);
        }
        clg_drop(&r->in[n]);
        if (data)
            r->in[n] = clg_keep(clg_upload(r->dev, a->classes ? CLG_I64 : CLG_F32, shape, data));
        free(data);
    }
    clg_scope_pop(scope);
    return clg_sync(r->dev);
}

// One inference or training step, waited for.
static clg_status once(sized *r, bool train)
{
    clg_status st;
    const clg_scope scope = clg_scope_push(r->dev);
    const clg_tensor y = r->n->output(r->store, r->in);
    if (train) {
        const clg_tensor l = r->n->loss(y, r->in);
        st = clg_optim_step(r->optim, l);
        if (st >= 0)
            clg_item(l, &st);
    } else {
        st = clg_eval(y);
    }
    clg_scope_pop(scope);
    return st < 0 ? st : clg_sync(r->dev);
}

static clg_status one_size(sized *r, bool train, int64_t batch)
{
    clg_status st = make_data(r, batch);
    double first = 0, later = 0;
    const clg_device_stats a = clg_device_get_stats(r->dev);
    for (int i = 0; i <= AGAIN && st >= 0; i++) {
        const double from = now_seconds();
        st = once(r, train);
        const double t = now_seconds() - from;
        if (i == 0)
            first = t;
        later = i == 1 || t < later ? t : later;
    }
    const clg_device_stats b = clg_device_get_stats(r->dev);
    if (st >= 0)
        printf("%-9s %-9s %6lld %10.2f %10.2f %10.2f %6llu %9llu %8llu\n", r->n->name, train ? "step" : "inference",
               (long long) batch, 1e3 * first, 1e3 * later, 1e3 * (first - later),
               (unsigned long long) (b.plan_misses - a.plan_misses),
               (unsigned long long) (b.programs_built + b.programs_cached - a.programs_built - a.programs_cached),
               (unsigned long long) (b.launches - a.launches) / (AGAIN + 1));
    fflush(stdout);
    return st;
}

static clg_status all_sizes(sized *r, bool train, const char *sizes)
{
    clg_status st = CLG_OK;
    clg_store_train(r->store, train);
    for (const char *at = sizes; at && *at && st >= 0; at += strcspn(at, ",")) {
        at += *at == ',';
        st = one_size(r, train, strtol(at, NULL, 10));
    }
    return st;
}

int bench_batches(const char *names, const char *sizes, const char *device)
{
    int code = EXIT_OK;
    printf("ms        what       batch      first      later       more  plans  programs launches\n");
    for (int i = 0; i < net_count && code == EXIT_OK; i++) {
        if (strcmp(names, "all") != 0 && !name_listed(names, nets[i].name))
            continue;
        sized r = { .n = &nets[i], .dev = open_device("bench", device, false) };
        if (!r.dev)
            return EXIT_FAILED;
        r.store = clg_store_create(r.dev, 1);
        clg_status st = r.store ? all_sizes(&r, false, sizes) : CLG_ENOMEM;
        if (st >= 0)
            r.optim = clg_sgd_create(r.store, clg_sgd_params(.lr = 0.01, .momentum = 0.9));
        if (st >= 0)
            st = r.optim ? all_sizes(&r, true, sizes) : clg_error_status(r.dev);
        if (st < 0) {
            fprintf(stderr, "clgrad bench: %s: %s\n", nets[i].name, clg_error(r.dev, st));
            code = EXIT_FAILED;
        }
        for (int k = 0; k < NET_ARRAYS; k++)
            clg_drop(&r.in[k]);
        clg_optim_destroy(&r.optim);
        clg_store_destroy(&r.store);
        clg_device_close(&r.dev);
    }
    return code;
}
