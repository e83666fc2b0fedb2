// SPDX-License-Identifier: MIT
// clgrad bench --plan: what recording, differentiating and planning cost a node, for families of graphs.
#include "graphs.h"
#include "tool.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES = 3, ROUNDS = 3 };
static const int sizes[SIZES] = { 1000, 7000, 50000 };

typedef struct row {
    double record, differentiate, plan; // seconds, the least of the rounds
    double nodes;
    clg_plan_info info;
} row;

static double least(double a, double b)
{
    return a > 0 && a < b ? a : b;
}

static bool one_round(clg_device dev, const graph_family *f, int units, row *r)
{
    graph g;
    clg_scope s = clg_scope_push(dev);
    const uint64_t before = clg_device_get_stats(dev).nodes;
    const double start = now_seconds();
    bool ok = graph_record(&g, dev, f, units);
    const double recorded = now_seconds();
    ok = ok && graph_differentiate(&g);
    const double differentiated = now_seconds();
    ok = ok && graph_plan(&g, &r->info);
    r->plan = least(r->plan, now_seconds() - differentiated);
    r->record = least(r->record, recorded - start);
    r->differentiate = least(r->differentiate, differentiated - recorded);
    r->nodes = (double) (clg_device_get_stats(dev).nodes - before);
    graph_free(&g);
    clg_scope_pop(s);
    return ok;
}

bool bench_plan_knows(const char *name)
{
    return graph_find(name) != NULL;
}

void bench_plan_list(void)
{
    for (int i = 0; i < graph_family_count; i++)
        printf("%-14s %s\n", graph_families[i].name, graph_families[i].what);
}

static bool chosen(const char *const *names, int n, const char *name)
{
    bool is = n == 0;
    for (int i = 0; i < n; i++)
        is |= strcmp(names[i], name) == 0;
    return is;
}

int bench_plan(clg_device dev, const char *const *names, int n, bool json)
{
    json_t *all = json_array();
    bool ok = true;
    if (!json)
        printf("graph        nodes   record  differ.    plan us/node  launches    peak MB  of the bound\n");
    for (int i = 0; i < graph_family_count * SIZES && ok; i++) {
        const graph_family *f = &graph_families[i / SIZES];
        row r = { 0 };
        if (!chosen(names, n, f->name))
            continue;
        const int units = graph_units(dev, f, sizes[i % SIZES]);
        ok = units > 0;
        for (int k = 0; k < ROUNDS && ok; k++)
            ok = one_round(dev, f, units, &r);
        if (!ok) {
            fprintf(stderr, "clgrad bench: %s: %s\n", f->name, clg_error(dev, CLG_OK));
            break;
        }
        const double us = 1e6 / r.nodes;
        json_array_append_new(all, json_pack("{s:s, s:f, s:f, s:f, s:f, s:I, s:I, s:I}", "graph", f->name, "nodes",
                                             r.nodes, "record_us", us * r.record, "differentiate_us",
                                             us * r.differentiate, "plan_us", us * r.plan, "launches",
                                             (json_int_t) r.info.launches, "bytes_peak",
                                             (json_int_t) r.info.bytes_peak, "bytes_live",
                                             (json_int_t) r.info.bytes_live));
        if (!json)
            printf("%-9s %8.0f %8.3f %8.3f %8.3f          %8llu %10.3f %13.3f\n", f->name, r.nodes, us * r.record,
                   us * r.differentiate, us * r.plan, (unsigned long long) r.info.launches,
                   1e-6 * (double) r.info.bytes_peak,
                   r.info.bytes_live ? (double) r.info.bytes_peak / (double) r.info.bytes_live : 1);
        fflush(stdout);
    }
    if (json) {
        char *text = json_dumps(all, JSON_INDENT(2));
        puts(text ? text : "[]");
        free(text);
    }
    json_decref(all);
    return ok ? EXIT_OK : EXIT_FAILED;
}
