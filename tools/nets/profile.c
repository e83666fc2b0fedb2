// SPDX-License-Identifier: MIT
// `clgrad bench --net N --profile`: where the time of a training step goes, or of an inference: operations, layers,
// kernels chosen, beside what this machine can do; and bytes moved beside the least possible.
#include "profile.h"

#include "../tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 3, SHOWN = 40, NAME = 96 };

// The launches of one operation of one layer: several kernels, maybe.
typedef struct row {
    char op[NAME], variant[NAME], layer[NAME], shape[NAME];
    int kernels;
    double launches, seconds, flops, bytes, least;
} row;

typedef struct rows {
    row *all;
    int n, capacity;
    bool failed;
} rows;

static void copy(char to[NAME], const char *from)
{
    const size_t length = strlen(from);
    snprintf(to, NAME, "%s", from);
    if (length >= NAME)
        memcpy(to + NAME - 4, "...", 4);
}

static row *find(rows *r, const clg_kernel_profile *p)
{
    char op[NAME], layer[NAME];
    copy(op, p->op);
    copy(layer, p->layer);
    for (int i = 0; i < r->n; i++) {
        row *x = &r->all[i];
        if (strcmp(x->op, op) == 0 && strcmp(x->layer, layer) == 0 && strcmp(x->shape, p->shape) == 0 &&
            strcmp(x->variant, p->variant) == 0)
            return x;
    }
    if (r->n == r->capacity) {
        const int capacity = 2 * r->capacity + 64;
        row *all = realloc(r->all, (size_t) capacity * sizeof *all);
        if (!all)
            return NULL;
        r->all = all;
        r->capacity = capacity;
    }
    row *x = &r->all[r->n++];
    *x = (row) { .kernels = 0 };
    copy(x->op, p->op);
    copy(x->layer, p->layer);
    copy(x->variant, p->variant);
    copy(x->shape, p->shape);
    return x;
}

static void take(void *user, const clg_kernel_profile *p)
{
    rows *r = user;
    row *x = find(r, p);
    r->failed |= !x;
    if (!x)
        return;
    x->kernels++;
    x->launches += (double) p->launches / STEPS;
    x->seconds += p->seconds / STEPS;
    x->flops += p->flops / STEPS;
    x->bytes += p->bytes / STEPS;
    x->least += p->bytes_least / STEPS;
}

static int by_seconds(const void *a, const void *b)
{
    const double x = ((const row *) a)->seconds, y = ((const row *) b)->seconds;
    return x > y ? -1 : x < y;
}

// One inference or training step; before it runs, what it takes.
static clg_status once(const profiled *p, clg_plan_info *info)
{
    clg_status st = CLG_OK;
    const clg_scope scope = clg_scope_push(p->dev);
    clg_tensor y = p->n->output(p->store, p->in);
    if (p->train) {
        y = p->n->loss(y, p->in);
        st = clg_optim_step(p->optim, y);
    }
    if (st >= 0 && info)
        st = clg_plan_n(p->dev, &y, 1, info);
    if (st >= 0)
        st = clg_eval(y);
    clg_scope_pop(scope);
    return st < 0 ? st : clg_sync(p->dev);
}

// Its launches take as long as: so many additions and multiplications, or so many bytes.
static const char *bound(const roof *top, const row *r)
{
    const double compute = top->flops > 0 ? r->flops / top->flops : 0;
    return compute * roof_bandwidth(top, r->least) > r->least ? "compute" : "memory";
}

static double share_of_roof(const roof *top, const row *r)
{
    const double bytes = r->launches > 0 ? r->least / r->launches : r->least;
    const double compute = top->flops > 0 ? r->flops / top->flops : 0;
    const double memory = r->least > 0 ? r->least / roof_bandwidth(top, bytes) : 0;
    return r->seconds > 0 ? (compute > memory ? compute : memory) / r->seconds : 0;
}

static void print(const profiled *p, const roof *top, const rows *r, const clg_plan_info *info, double wall)
{
    double sum = 0, rest = 0;
    for (int i = 0; i < r->n; i++)
        sum += r->all[i].seconds;
    printf("%s: %s, %.3f ms, of which kernels %.3f ms\n", p->n->name, p->train ? "a training step" : "an inference",
           1e3 * wall, 1e3 * sum);
    printf("moved: %.2f MB, at least %.2f MB (%.2f times); %.1f MFLOP\n", 1e-6 * (double) info->bytes_moved,
           1e-6 * (double) info->bytes_least,
           info->bytes_least ? (double) info->bytes_moved / (double) info->bytes_least : 1, 1e-6 * (double) info->flops);
    printf("roof:  %.1f GFLOP/s%s; %.1f GB/s in memory, %.1f in cache\n\n", 1e-9 * top->flops,
           top->of_product ? " (of a matrix product)" : "", 1e-9 * top->bytes[ROOF_SIZES - 1], 1e-9 * top->bytes[0]);
    printf("      ms  share    x GFLOP/s   GB/s  roof  bound    MB  times  operation (kernel), shape, layer\n");
    for (int i = 0; i < r->n; i++) {
        const row *x = &r->all[i];
        if (i >= SHOWN) {
            rest += x->seconds;
            continue;
        }
        printf("%8.3f %5.1f%% %4.0f %7.1f %6.1f %5.2f  %-7s %6.2f %5.2f  %s (%s), %s%s%s\n", 1e3 * x->seconds,
               100 * x->seconds / sum, x->launches, 1e-9 * x->flops / x->seconds, 1e-9 * x->bytes / x->seconds,
               share_of_roof(top, x), bound(top, x), 1e-6 * x->bytes, x->least > 0 ? x->bytes / x->least : 1, x->op,
               x->variant, x->shape, *x->layer ? ", " : "", x->layer);
    }
    if (rest > 0)
        printf("%8.3f %5.1f%%  in %d more\n", 1e3 * rest, 100 * rest / sum, r->n - SHOWN);
    printf("\nroof: share of what this machine can do; MB: moved, and how many times the least possible\n");
}

static json_t *object(const profiled *p, const roof *top, const rows *r, const clg_plan_info *info, double wall)
{
    json_t *kernels = json_array();
    for (int i = 0; i < r->n; i++) {
        const row *x = &r->all[i];
        json_array_append_new(
            kernels, json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "op", x->op, "variant",
                               x->variant, "layer", x->layer, "shape", x->shape, "launches", x->launches, "seconds",
                               x->seconds, "flops", x->flops, "bytes_moved", x->bytes, "bytes_least", x->least,
                               "roofline", share_of_roof(top, x), "bound", bound(top, x)));
    }
    return json_pack("{s:s, s:b, s:f, s:I, s:I, s:I, s:f, s:f, s:o}", "net", p->n->name, "train", p->train, "seconds",
                     wall, "bytes_moved", (json_int_t) info->bytes_moved, "bytes_least",
                     (json_int_t) info->bytes_least, "flops", (json_int_t) info->flops, "roof_flops", top->flops,
                     "roof_bytes", top->bytes[ROOF_SIZES - 1], "kernels", kernels);
}

clg_status profile_net(const profiled *p, json_t *all)
{
    roof top = { 0 };
    rows r = { 0 };
    clg_plan_info info = { 0 };
    double wall = 0;
    clg_status st = roof_measure(&top, p->dev, (patience) { 5, 0.02 });
    for (int i = 0; i < 2 && st >= 0; i++) // with what has to be compiled
        st = once(p, i ? NULL : &info);
    if (st >= 0)
        st = clg_device_profile(p->dev, NULL, NULL);
    const double from = now_seconds();
    for (int i = 0; i < STEPS && st >= 0; i++)
        st = once(p, NULL);
    wall = (now_seconds() - from) / STEPS;
    if (st >= 0)
        st = clg_device_profile(p->dev, take, &r);
    if (st >= 0 && r.failed)
        st = clg_fail(p->dev, CLG_ENOMEM, "profile: out of memory");
    if (st >= 0 && r.n > 0) {
        qsort(r.all, (size_t) r.n, sizeof r.all[0], by_seconds);
        if (all)
            json_array_append_new(all, object(p, &top, &r, &info, wall));
        else
            print(p, &top, &r, &info, wall);
    }
    free(r.all);
    return st;
}
