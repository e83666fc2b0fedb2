// SPDX-License-Identifier: MIT
// clgrad bench --cases: what operations reach on a device, on the large shapes of cases.txt. Random data, inputs
// in turn so that memory-bound cases do not live in a cache, the median of several rounds.
#include "cases.h"
#include "tool.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 7, INPUTS = 4 };

typedef struct bench {
    clg_device dev;
    clg_tensor x[INPUTS], w;
    int turn;
} bench;

static clg_tensor random_tensor(clg_device dev, clg_shape s)
{
    return clg_keep(clg_uniform(dev, CLG_F32, s, -1, 1));
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return x < y ? -1 : x > y;
}

static clg_status run_once(bench *b, const op_case *k, int times)
{
    clg_status st = CLG_OK;
    for (int i = 0; i < times && st >= 0; i++) {
        clg_scope s = clg_scope_push(b->dev);
        st = clg_eval(case_apply(k, (clg_tensor[]) { b->x[b->turn++ % INPUTS], b->w }));
        clg_scope_pop(s);
    }
    return st < 0 ? st : clg_sync(b->dev);
}

// Seconds of one run; below 0 on failure.
static double measure(bench *b, const op_case *k)
{
    double t[ROUNDS];
    int times = 1;
    const clg_scope scope = clg_scope_push(b->dev);
    clg_random_set_state(b->dev, 7, 0);
    for (int i = 0; i < INPUTS; i++)
        b->x[i] = random_tensor(b->dev, k->large[0]);
    b->w = k->large[1].rank ? random_tensor(b->dev, k->large[1]) : NULL;
    clg_status st = clg_eval_n(b->x, INPUTS);
    if (st >= 0 && b->w)
        st = clg_eval(b->w);
    if (st >= 0)
        st = run_once(b, k, 2);
    const double start = now_seconds();
    if (st >= 0)
        st = run_once(b, k, 1);
    const double one = now_seconds() - start;
    times = one < 0.03 ? (int) (0.03 / (one + 1e-6)) + 1 : 1;
    for (int i = 0; i < ROUNDS && st >= 0; i++) {
        const double from = now_seconds();
        st = run_once(b, k, times);
        t[i] = (now_seconds() - from) / times;
    }
    for (int i = 0; i < INPUTS; i++)
        clg_drop(&b->x[i]);
    clg_drop(&b->w);
    clg_scope_pop(scope);
    if (st < 0)
        return -1;
    qsort(t, ROUNDS, sizeof t[0], by_value);
    return t[ROUNDS / 2];
}

// ---- cost of recording and launching

static double launch_cost(clg_device dev)
{
    const int n = 2000;
    clg_tensor x = clg_keep(clg_ones(dev, CLG_F32, CLG_SHAPE(16)));
    clg_eval(x);
    double from = 0;
    for (int i = 0; i < n + 100; i++) {
        if (i == 100) {
            clg_sync(dev);
            from = now_seconds();
        }
        clg_scope s = clg_scope_push(dev);
        clg_eval(clg_add(x, x));
        clg_scope_pop(s);
    }
    clg_sync(dev);
    clg_drop(&x);
    return (now_seconds() - from) / n;
}

static double record_cost(clg_device dev)
{
    const int n = 200000;
    clg_scope outer = clg_scope_push(dev);
    clg_tensor x = clg_ones(dev, CLG_F32, CLG_SHAPE(16, 16));
    const double from = now_seconds();
    for (int i = 0; i < n / 100; i++) {
        clg_scope s = clg_scope_push(dev);
        clg_tensor y = x;
        for (int k = 0; k < 100; k++)
            y = clg_add(y, x);
        clg_scope_pop(s);
    }
    const double t = (now_seconds() - from) / n;
    clg_scope_pop(outer);
    return t;
}

bool bench_cases_knows(const char *name)
{
    for (int k = 0; k < op_case_count; k++) {
        if (op_cases[k].what[0] && strcmp(op_cases[k].name, name) == 0)
            return true;
    }
    return strcmp(name, "launch") == 0;
}

void bench_cases_list(void)
{
    for (int k = 0; k < op_case_count; k++) {
        if (op_cases[k].what[0])
            printf("%-14s %s\n", op_cases[k].name, op_cases[k].what);
    }
}

static bool chosen(const char *const *names, int n, const char *name)
{
    bool is = n == 0;
    for (int i = 0; i < n; i++)
        is |= strcmp(names[i], name) == 0;
    return is;
}

static json_t *inputs_of(const op_case *k)
{
    json_t *all = json_array();
    for (int i = 0; i < 2 && k->large[i].rank > 0; i++) {
        json_t *shape = json_array();
        for (int d = 0; d < k->large[i].rank; d++)
            json_array_append_new(shape, json_integer((json_int_t) k->large[i].dim[d]));
        json_array_append_new(all, shape);
    }
    return all;
}

int bench_cases(clg_device dev, const char *const *names, int n, bool json)
{
    json_t *all = json_array();
    bench b = { .dev = dev };
    int code = EXIT_OK;
    for (int i = 0; i < op_case_count && code == EXIT_OK; i++) {
        const op_case *k = &op_cases[i];
        if (!k->what[0] || !chosen(names, n, k->name))
            continue;
        const double t = measure(&b, k);
        if (t < 0) {
            fprintf(stderr, "clgrad bench: %s: %s\n", k->name, clg_error(dev, CLG_OK));
            code = EXIT_FAILED;
            break;
        }
        const double rate = 1e-9 * (k->flops > 0 ? k->flops : k->bytes) / t;
        json_array_append_new(all, json_pack("{s:s, s:f, s:f, s:s, s:o}", "case", k->name, "seconds", t,
                                             "rate", rate, "unit", k->flops > 0 ? "GFLOP/s" : "GB/s",
                                             "inputs", inputs_of(k)));
        if (!json)
            printf("%-14s %9.3f ms  %8.1f %-7s  %s\n", k->name, 1e3 * t, rate,
                   k->flops > 0 ? "GFLOP/s" : "GB/s", k->what);
        fflush(stdout);
    }
    if (code == EXIT_OK && chosen(names, n, "launch")) {
        const double l = launch_cost(dev), r = record_cost(dev);
        json_array_append_new(all, json_pack("{s:s, s:f}", "case", "launch", "seconds", l));
        json_array_append_new(all, json_pack("{s:s, s:f}", "case", "record_node", "seconds", r));
        if (!json)
            printf("%-14s %9.3f us  record, look up and launch one kernel\n%-14s %9.3f us  record one "
                   "node\n", "launch", 1e6 * l, "record", 1e6 * r);
    }
    if (json) {
        char *text = json_dumps(all, JSON_INDENT(2));
        puts(text ? text : "[]");
        free(text);
    }
    json_decref(all);
    return code;
}
