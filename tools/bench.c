// SPDX-License-Identifier: MIT
// clgrad bench: which of the benches is wanted, and how.
#include "bench/families.h"
#include "cases.h"
#include "graphs.h"
#include "nets/nets.h"
#include "nets/run.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    families_options f;
    nets_options nets;
    bool cases, plan;
    const char *device;
} request;

// Options of families and of networks alone are together.
enum { FAMILY, QUICK, COMPARE, PEER, BUSY, WORST, NETS, NET, FIRST, PROFILE, BATCHES, THREADS, WATCH, KEEP, SECONDS,
       OTHERS, CASES, PLAN };

// ---- what there is, for completion; it stays read

static const char *family_choice(int i)
{
    char error[SHAPE_ERROR];
    if (!shape_family_count && (!cases_open(error) || !shapes_open(error)))
        return NULL;
    return i < shape_family_count ? shape_families[i].name : NULL;
}

static const char *case_choice(int i)
{
    char error[CASE_ERROR];
    if (!op_case_count && !cases_open(error))
        return NULL;
    for (int k = 0; k < op_case_count; k++) {
        if (op_cases[k].what[0] && i-- == 0)
            return op_cases[k].name;
    }
    return i == 0 ? "launch" : NULL;
}

static const char *graph_choice(int i)
{
    return i < graph_family_count ? graph_families[i].name : NULL;
}

// ---- the options

static const option options[] = {
    [FAMILY] = { "--family", OPTION_TEXT, offsetof(request, f.families), "F",
                 "these families only: names with commas; see --list", .choice = family_choice, .many = true },
    [QUICK] = { "--quick", OPTION_FLAG, offsetof(request, f.quick), NULL,
                "few cases of each family: a minute where nothing is compiled" },
    [COMPARE] = { "--compare", OPTION_FLAG, offsetof(request, f.compare), NULL,
                  "measure other libraries too, in turns; check that results agree" },
    [PEER] = { "--peer", OPTION_TEXT, offsetof(request, f.peers), "P",
               "compare with these only: names with commas, such as oneDNN" },
    [BUSY] = { "--busy", OPTION_FLAG, offsetof(request, f.busy), NULL,
               "count processor time over cores: where others use the machine too" },
    [WORST] = { "--worst", OPTION_WHOLE, offsetof(request, f.worst), "N",
                "in the end the N cases with the smallest share, and ratio", .lo = 1, .hi = 10000 },
    [NETS] = { .text = "Networks", .kind = OPTION_PART },
    [NET] = { "--net", OPTION_TEXT, offsetof(request, nets.names), "N",
              "whole networks: names with commas, or all; inference and training", .choice = net_choice, .many = true },
    [FIRST] = { "--first", OPTION_FLAG, offsetof(request, nets.first), NULL,
                "only what comes before the first result: opening the device, compiling, a training step, of one "
                "picture an inference" },
    [PROFILE] = { "--profile", OPTION_FLAG, offsetof(request, nets.profile), NULL,
                  "where a step's time goes: operations, layers, their kernels, GFLOP/s, GB/s, the share of what this "
                  "machine can do; and the bytes that are moved against the least possible" },
    [BATCHES] = { "--batches", OPTION_TEXT, offsetof(request, nets.batches), "L",
                  "what sizes of the batch, one after another, plan, compile and take for the first time, such as "
                  "128,37,1,128" },
    [THREADS] = { "--threads", OPTION_FLAG, offsetof(request, nets.threads), NULL,
                  "inferences of one recorder, of two on threads of own, and the share that a thread of arithmetic "
                  "beside one keeps" },
    [WATCH] = { "--watch", OPTION_FLAG, offsetof(request, nets.watch), NULL, "with the watch for NaN and infinities on" },
    [KEEP] = { "--keep", OPTION_TEXT, offsetof(request, nets.keep), "DIR",
               "write weights and data there, as tools/compare-torch needs" },
    [SECONDS] = { "--seconds", OPTION_REAL, offsetof(request, nets.seconds), "S",
                  "of measuring each inference and each step", .otherwise = "1", .lo = 0.001, .hi = 600 },
    [OTHERS] = { .text = "Operations and graphs", .kind = OPTION_PART },
    [CASES] = { "--cases", OPTION_FLAG, offsetof(request, cases), NULL,
                "the examples of operations, or those that are named: the medians of several rounds" },
    [PLAN] = { "--plan", OPTION_FLAG, offsetof(request, plan), NULL,
               "what recording, differentiating and planning graphs of 1,000 to 50,000 nodes cost a node; nothing is "
               "compiled or run" },
    { .text = "With any of these", .kind = OPTION_PART },
    { "--list", OPTION_FLAG, offsetof(request, f.list), NULL,
      "print the families, with --family their cases; with --cases, --plan or --net all those" },
    { "--json", OPTION_FLAG, offsetof(request, f.json), NULL, "print as JSON" },
    OPTION_DEVICE(offsetof(request, device)),
    { 0 },
};

static const char *first_given(const arguments *w, int from, int to)
{
    for (int i = from; i <= to; i++) {
        if (w->given[i])
            return options[i].name;
    }
    return NULL;
}

static int check(request *r, const arguments *w)
{
    const char *of_families = first_given(w, FAMILY, WORST), *of_nets = first_given(w, FIRST, SECONDS);
    for (int i = 0; i < w->n; i++) {
        if (r->plan ? bench_plan_knows(w->word[i]) : bench_cases_knows(w->word[i]))
            continue;
        const char *near = nearest(w->word[i], r->plan ? graph_choice : case_choice), *what = r->plan ? "graph" : "case";
        if (near)
            return usage_error("bench", "no %s '%s'; there is %s", what, w->word[i], near);
        return usage_error("bench", "no %s '%s'; see --%s --list", what, w->word[i], r->plan ? "plan" : "cases");
    }
    r->cases |= w->n > 0 && !r->plan; // a case that is named
    if (r->cases + r->plan + (r->nets.names != NULL) > 1)
        return usage_error("bench", "--net, --cases and --plan exclude each other");
    if ((r->cases || r->plan || r->nets.names) && of_families)
        return usage_error("bench", "%s is for families, not for %s", of_families,
                           r->plan ? "--plan" : r->cases ? "cases" : "--net");
    if (of_nets && !r->nets.names)
        return usage_error("bench", "%s needs --net", of_nets);
    if (r->nets.first && (r->nets.profile || r->nets.keep))
        return usage_error("bench", "--first excludes --profile and --keep");
    if (r->f.peers && !r->f.compare)
        return usage_error("bench", "--peer needs --compare");
    return EXIT_OK;
}

static int run_request(request *r, const arguments *w)
{
    r->nets.json = r->f.json;
    r->nets.list = r->f.list;
    if (r->nets.names)
        return bench_nets(&r->nets, r->device);
    if (!r->cases && !r->plan)
        return bench_families(&r->f, r->device);
    if (r->f.list) {
        if (r->plan)
            bench_plan_list();
        else
            bench_cases_list();
        return EXIT_OK;
    }
    clg_device dev = open_device("bench", r->device, false);
    const int code = !dev      ? EXIT_FAILED
                     : r->plan ? bench_plan(dev, w->word, w->n, r->f.json)
                               : bench_cases(dev, w->word, w->n, r->f.json);
    clg_device_close(&dev);
    return code;
}

static int run(void *given, const arguments *w)
{
    char error[CASE_ERROR];
    request *r = given;
    if (!cases_open(error)) {
        fprintf(stderr, "clgrad bench: %s\n", error);
        return EXIT_FAILED;
    }
    int code = check(r, w);
    if (code == EXIT_OK)
        code = run_request(r, w);
    cases_close();
    return code;
}

const description bench_command = {
    .name = "bench",
    .summary = "measure operations and networks on a device",
    .usage = (const char *const[]) { "[--family F] [--quick] [--compare] [--worst N] [--json]",
                                     "--net N [--first | --profile | --threads] [OPTION...]",
                                     "--cases [CASE...] [--json]", "--plan [GRAPH...] [--json]", NULL },
    .about = "Measure families of shapes: matrix products, convolutions in three directions, and work that memory "
             "bounds. For each case the time, GFLOP/s, GB/s and the share of what the machine can do, which is "
             "measured in the same run. All data are random. Without options all of it, which takes minutes.",
    .operands = (const help_row[]) {
        { "CASE", "an example of an operation, of --cases --list; launch: what one costs, and a node", case_choice },
        { "GRAPH", "a family of graphs, of --plan --list", graph_choice },
        { 0 },
    },
    .options = options,
    .size = sizeof(request),
    .examples = (const help_row[]) {
        { "clgrad bench --quick --worst 20", "try first" },
        { "clgrad bench --family gemm --compare", "beside OpenBLAS, oneDNN and CLBlast" },
        { "clgrad bench --net resnet18 --profile", "where a step's time goes" },
        { 0 },
    },
    .words = WORDS_ANY,
    .run = run,
};
