// SPDX-License-Identifier: MIT
// Runs networks: forward in inference, then training steps, on random weights and data, which --keep writes before
// the first step so that others can do the same.
#include "run.h"

#include "../bench/families.h"
#include "../training.h"
#include "nets.h"
#include "profile.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_STEPS = 3, MOST_ROUNDS = 200 };

typedef struct net_run {
    const net *n;
    clg_device dev;
    clg_store store;
    clg_optim optim;
    clg_tensor in[NET_ARRAYS];
    double patience;                // seconds of measuring, at least three rounds
    double losses[1 + FIRST_STEPS]; // inference, then of the first steps
    double first[2], best[2], median[2]; // seconds of inference and of a step; first: with what is compiled
} net_run;

// Of one picture or row, inference alone is of interest.
static bool is_trained(const net *n)
{
    const size_t length = strlen(n->name);
    return length < 2 || strcmp(n->name + length - 2, "_1") != 0;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return x < y ? -1 : x > y;
}

static clg_status make_data(net_run *r)
{
    const clg_scope scope = clg_scope_push(r->dev);
    int n = 0;
    for (; n < NET_ARRAYS && r->n->in[n].shape.rank > 0; n++) {
        const net_array *a = &r->n->in[n];
        clg_tensor x = a->classes ? clg_floor(clg_uniform(r->dev, CLG_F32, a->shape, 0, (double) a->classes))
                                  : clg_uniform(r->dev, CLG_F32, a->shape, -1, 1);
        r->in[n] = clg_keep(a->classes ? clg_cast(x, CLG_I64) : x);
    }
    const clg_status st = clg_eval_n(r->in, n);
    clg_scope_pop(scope);
    return st;
}

// One inference, or one training step; the loss may be read.
static clg_status once(net_run *r, bool train, double *loss)
{
    clg_status st = CLG_OK;
    const clg_scope scope = clg_scope_push(r->dev);
    const clg_tensor y = r->n->output(r->store, r->in);
    if (!train && !loss) {
        st = clg_eval(y);
    } else {
        const clg_tensor l = r->n->loss(y, r->in);
        if (train)
            st = clg_optim_step(r->optim, l);
        const double value = st < 0 ? 0 : clg_item(l, &st);
        if (loss)
            *loss = value;
    }
    clg_scope_pop(scope);
    return st < 0 ? st : clg_sync(r->dev);
}

static clg_status time_it(net_run *r, bool train)
{
    double t[MOST_ROUNDS], all = 0;
    int n = 0;
    clg_status st = once(r, train, NULL);
    while (st >= 0 && n < MOST_ROUNDS && (n < 3 || all < r->patience)) {
        const double from = now_seconds();
        st = once(r, train, NULL);
        all += t[n++] = now_seconds() - from;
    }
    qsort(t, (size_t) n, sizeof t[0], by_value);
    r->best[train] = n ? t[0] : 0;
    r->median[train] = n ? t[n / 2] : 0;
    return st;
}

static bool write_data(net_run *r, const char *path, char *error, size_t size)
{
    static const char *const names[NET_ARRAYS] = { "in0", "in1", "in2" };
    clg_safetensor t[NET_ARRAYS] = { 0 };
    void *data[NET_ARRAYS] = { 0 };
    int n = 0;
    bool fine = true;
    for (; n < NET_ARRAYS && r->in[n] && fine; n++) {
        const clg_tensor x = r->in[n];
        const size_t bytes = (size_t) clg_numel(x->shape) * clg_dtype_size(x->dtype);
        data[n] = malloc(bytes);
        fine = data[n] && clg_read(x, data[n], bytes) >= 0;
        t[n] = (clg_safetensor) { names[n], true, x->dtype, x->shape, data[n], bytes };
    }
    fine = fine && clg_safetensors_write(path, t, n, NULL, error, size) >= 0;
    for (int i = 0; i < n; i++)
        free(data[i]);
    return fine;
}

static bool keep(net_run *r, const char *folder)
{
    char path[4096], error[500] = "";
    snprintf(path, sizeof path, "%s/%s.weights.safetensors", folder, r->n->name);
    bool fine = clg_store_save(r->store, path, NULL) >= 0;
    if (!fine)
        snprintf(error, sizeof error, "%s", clg_error(r->dev, CLG_OK));
    snprintf(path, sizeof path, "%s/%s.data.safetensors", folder, r->n->name);
    fine = fine && write_data(r, path, error, sizeof error);
    if (!fine)
        fprintf(stderr, "clgrad bench: --keep: %s\n", *error ? error : "out of memory");
    return fine;
}

// ---- one network

// all: where a profile goes, or NULL: it is printed
static clg_status run_net(net_run *r, const nets_options *o, bool *kept, json_t *all)
{
    double from = now_seconds();
    r->store = clg_store_create(r->dev, 1);
    clg_status st = r->store ? make_data(r) : CLG_ENOMEM;
    if (st >= 0) {
        clg_store_train(r->store, false);
        from = now_seconds();
        st = once(r, false, &r->losses[0]);
        r->first[0] = now_seconds() - from;
    }
    *kept = st < 0 || !o->keep || keep(r, o->keep);
    const bool train = is_trained(r->n);
    if (st >= 0 && !o->profile)
        st = time_it(r, false);
    if (st >= 0 && train) {
        clg_store_train(r->store, true);
        r->optim = clg_sgd_create(r->store, clg_sgd_params(.lr = 0.01, .momentum = 0.9));
        st = r->optim ? CLG_OK : clg_error_status(r->dev);
    }
    for (int i = 0; i < FIRST_STEPS && train && st >= 0; i++) {
        from = now_seconds();
        st = once(r, true, &r->losses[1 + i]);
        if (i == 0)
            r->first[1] = now_seconds() - from;
    }
    if (st >= 0 && o->profile)
        st = profile_net(&(profiled) { r->n, r->dev, r->store, r->optim, r->in, train }, all);
    else if (st >= 0 && train)
        st = time_it(r, true);
    for (int i = 0; i < NET_ARRAYS; i++)
        clg_drop(&r->in[i]);
    clg_optim_destroy(&r->optim);
    clg_store_destroy(&r->store);
    return st;
}

// What a program waits for before its first result: of one picture an inference, else a training step; with the opening
// of the device, and without the making of data.
static int run_first(const net *n, const char *device, json_t *all)
{
    const bool train = is_trained(n);
    double from = now_seconds(), spent = 0, loss;
    net_run r = { .n = n, .dev = open_device("bench", device, false) };
    if (!r.dev)
        return EXIT_FAILED;
    spent = now_seconds() - from;
    r.store = clg_store_create(r.dev, 1);
    clg_status st = r.store ? make_data(&r) : CLG_ENOMEM;
    from = now_seconds();
    if (st >= 0) {
        clg_store_train(r.store, train);
        r.optim = clg_sgd_create(r.store, clg_sgd_params(.lr = 0.01, .momentum = 0.9));
        st = r.optim ? once(&r, train, &loss) : clg_error_status(r.dev);
    }
    spent += now_seconds() - from;
    if (st < 0)
        fprintf(stderr, "clgrad bench: %s: %s\n", n->name, clg_error(r.dev, CLG_OK));
    else if (all)
        json_array_append_new(all, json_pack("{s:s, s:b, s:f}", "net", n->name, "train", train, "seconds", spent));
    else
        printf("%-13s %8.3f s to the first %s\n", n->name, spent, train ? "training step's end" : "inference's end");
    for (int i = 0; i < NET_ARRAYS; i++)
        clg_drop(&r.in[i]);
    clg_optim_destroy(&r.optim);
    clg_store_destroy(&r.store);
    clg_device_close(&r.dev);
    return st < 0 ? EXIT_FAILED : EXIT_OK;
}

static void print_json(json_t *all)
{
    char *text = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    puts(text ? text : "[]");
    free(text);
}

static bool is_wanted(const nets_options *o, const net *n)
{
    return strcmp(o->names, "all") == 0 || name_listed(o->names, n->name);
}

static int run_firsts(const char *device, const nets_options *o)
{
    json_t *all = o->json ? json_array() : NULL;
    int code = EXIT_OK;
    for (int i = 0; i < net_count && code == EXIT_OK; i++) {
        if (is_wanted(o, &nets[i]))
            code = run_first(&nets[i], device, all);
    }
    if (all)
        print_json(all);
    json_decref(all);
    return code;
}

static json_t *net_object(const net_run *r)
{
    const bool train = is_trained(r->n);
    json_t *losses = json_array();
    for (int i = 0; i <= (train ? FIRST_STEPS : 0); i++)
        json_array_append_new(losses, json_real(r->losses[i]));
    json_t *all = json_pack("{s:s, s:s, s:o}", "net", r->n->name, "what", r->n->what, "losses", losses);
    for (int k = 0; k <= train; k++)
        json_object_set_new(all, k ? "step" : "forward", json_pack("{s:f, s:f, s:f}", "best", r->best[k], "median",
                                                                   r->median[k], "first", r->first[k]));
    return all;
}

static int run_all(clg_device dev, const nets_options *o)
{
    json_t *all = json_array();
    int code = EXIT_OK;
    if (!o->json && !o->profile)
        printf("%-13s %10s %10s %10s %10s %10s\n", "ms", "forward", "median", "step", "median", "first step");
    for (int i = 0; i < net_count && code == EXIT_OK; i++) {
        net_run r = { .n = &nets[i], .dev = dev, .patience = o->seconds > 0 ? o->seconds : 1 };
        bool kept = true;
        if (!is_wanted(o, &nets[i]))
            continue;
        if (run_net(&r, o, &kept, o->json ? all : NULL) < 0) {
            fprintf(stderr, "clgrad bench: %s: %s\n", nets[i].name, clg_error(dev, CLG_OK));
            code = EXIT_FAILED;
        } else if (!kept) {
            code = EXIT_FAILED;
        } else if (o->json && !o->profile) {
            json_array_append_new(all, net_object(&r));
        } else if (!o->profile && !is_trained(r.n)) {
            printf("%-13s %10.3f %10.3f %32s  %s\n", nets[i].name, 1e3 * r.best[0], 1e3 * r.median[0], "",
                   nets[i].what);
        } else if (!o->profile) {
            printf("%-13s %10.3f %10.3f %10.3f %10.3f %10.0f  %s\n", nets[i].name, 1e3 * r.best[0], 1e3 * r.median[0],
                   1e3 * r.best[1], 1e3 * r.median[1], 1e3 * r.first[1], nets[i].what);
        }
        fflush(stdout);
        clg_device_trim(dev);
    }
    if (o->json)
        print_json(all);
    json_decref(all);
    return code;
}

// EXIT_OK: all names are known
static int check_names(const char *command, const char *names)
{
    char name[NET_NAME];
    for (const char *at = names; at && *at; at += strcspn(at, ",")) {
        bool known = false;
        at += *at == ',';
        snprintf(name, sizeof name, "%.*s", (int) strcspn(at, ","), at);
        for (int i = 0; i < net_count; i++)
            known |= strcmp(nets[i].name, name) == 0;
        if (known || strcmp(name, "all") == 0)
            continue;
        if (nearest(name, net_choice))
            return usage_error(command, "no network '%s'; there is %s", name, nearest(name, net_choice));
        return usage_error(command, "no network '%s'; see clgrad bench --net all --list", name);
    }
    return EXIT_OK;
}

int bench_nets(const nets_options *o, const char *device)
{
    if (check_names("bench", o->names) != EXIT_OK)
        return EXIT_USAGE;
    if (o->list) {
        for (int i = 0; i < net_count; i++)
            printf("%-13s %s\n", nets[i].name, nets[i].what);
        return EXIT_OK;
    }
    if (o->first)
        return run_firsts(device, o);
    if (o->threads)
        return bench_threads(o->names, device);
    if (o->batches)
        return bench_batches(o->names, o->batches, device);
    clg_device dev = open_device("bench", device, o->profile);
    clg_device_watch(dev, o->watch);
    const int code = dev ? run_all(dev, o) : EXIT_FAILED;
    clg_device_close(&dev);
    return code;
}

// ---- compiling alone

static void show_compiled(void *bar, int done, int all)
{
    progress_compiling(bar, done, all);
}

// What `once` would run, so that it finds the same programs.
static clg_status prepare(net_run *r, bool train, bool loss, progress *bar)
{
    clg_status st = CLG_OK;
    const clg_scope scope = clg_scope_push(r->dev);
    const clg_tensor y = r->n->output(r->store, r->in), out = loss ? r->n->loss(y, r->in) : y;
    if (train)
        st = clg_optim_step(r->optim, out);
    if (st >= 0)
        st = clg_prepare_n(r->dev, &out, 1, clg_prepare_params(.progress = show_compiled, .user = bar));
    clg_scope_pop(scope);
    return st;
}

static clg_status prepare_net(net_run *r, progress *bar)
{
    r->store = clg_store_create(r->dev, 1);
    clg_status st = r->store ? make_data(r) : CLG_ENOMEM;
    if (st >= 0)
        clg_store_train(r->store, false);
    for (int loss = 1; loss >= 0 && st >= 0; loss--)
        st = prepare(r, false, loss, bar);
    if (st >= 0) {
        clg_store_train(r->store, true);
        r->optim = clg_sgd_create(r->store, clg_sgd_params(.lr = 0.01, .momentum = 0.9));
        st = r->optim ? prepare(r, true, true, bar) : clg_error_status(r->dev);
    }
    for (int i = 0; i < NET_ARRAYS; i++)
        clg_drop(&r->in[i]);
    clg_optim_destroy(&r->optim);
    clg_store_destroy(&r->store);
    return st;
}

int nets_prepare(const char *names, const char *device)
{
    int code = check_names("cache", names);
    progress bar = { 0 };
    progress_open(&bar);
    for (int i = 0; i < net_count && code == EXIT_OK; i++) {
        if (strcmp(names, "all") != 0 && !name_listed(names, nets[i].name))
            continue;
        const double from = now_seconds();
        net_run r = { .n = &nets[i], .dev = open_device("cache", device, false) };
        if (!r.dev)
            return EXIT_FAILED;
        const clg_status st = prepare_net(&r, &bar);
        progress_clear(&bar);
        if (st < 0) {
            fprintf(stderr, "clgrad cache: %s: %s\n", nets[i].name, clg_error(r.dev, st));
            code = EXIT_FAILED;
        } else {
            printf("%-13s compiled in %.1f s\n", nets[i].name, now_seconds() - from);
            fflush(stdout);
        }
        clg_device_close(&r.dev);
    }
    return code;
}
