// SPDX-License-Identifier: MIT
// clgrad bench: which of the benches is wanted, and how.
#include "bench/families.h"
#include "cases.h"
#include "nets/run.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void help(void)
{
    printf("usage: clgrad bench [--family F] [--quick] [--compare] [--worst N] [--json]\n"
           "       clgrad bench --net N [--first | --profile | --batches L | --threads]\n"
           "                    [--keep DIR] [--seconds S] [--json]\n"
           "       clgrad bench --cases [CASE...] [--json]\n"
           "       clgrad bench --plan [GRAPH...] [--json]\n\n"
           "Measure families of shapes: matrix products, convolutions in three directions,\n"
           "and work that memory bounds. For each case the time, GFLOP/s, GB/s and the share\n"
           "of what the machine can do, which is measured in the same run. All data are\n"
           "random. Without options all of it, which takes minutes.\n\n"
           "  --family F   these families only: names with commas; see --list\n"
           "  --quick      few cases of each family: a minute where nothing is compiled\n"
           "  --compare    measure other libraries too, in turns; check that results agree\n"
           "  --peer P     compare with these only: names with commas, such as oneDNN\n"
           "  --busy       count processor time over cores: where others use the machine too\n"
           "  --worst N    in the end the N cases with the smallest share, and ratio\n\n"
           "  --net N      whole networks: names with commas, or all; inference and training\n"
           "  --seconds S  of measuring each inference and each step; default 1\n"
           "  --first      only what comes before the first result: opening the device,\n"
           "               compiling, a training step, of one picture an inference\n"
           "  --profile    of a network: where a step's time goes: operations, layers, their\n"
           "               kernels, GFLOP/s, GB/s, the share of what this machine can do;\n"
           "               and the bytes that are moved against the least possible\n"
           "  --batches L  of a network: what sizes of the batch, one after another, plan,\n"
           "               compile and take for the first time, such as 128,37,1,128\n"
           "  --threads    of a network: inferences of one recorder, of two on threads of\n"
           "               own, and the share that a thread of arithmetic beside one keeps\n"
           "  --watch      of a network: with the watch for NaN and infinities on\n"
           "  --keep DIR   write weights and data there, as tools/compare-torch needs\n\n"
           "  --cases      the examples of operations, or those that are named: the medians\n"
           "               of several rounds; launch: what one costs, and a node\n"
           "  --plan       what recording, differentiating and planning graphs of 1,000 to\n"
           "               50,000 nodes cost a node; nothing is compiled or run\n\n"
           "  --list       print the families, with --family their cases; with --cases or\n"
           "               --net all those\n"
           "  --json       print as JSON\n"
           "  --device D   number, type or part of a name; see clgrad devices\n\n"
           "Try first:  clgrad bench --quick --worst 20\n");
}

typedef struct request {
    families_options f;
    nets_options nets;
    bool cases, plan, help;
    const char *device, *of_families, *of_nets; // options that only they have
    char **names;
    int n;
} request;

// An option with a value; false: it is none of them.
static bool value_option(request *r, int argc, char **argv, int *i, int *code)
{
    static const char *const options[] = { "--device", "--family", "--peer", "--worst", "--net", "--keep", "--seconds",
                                           "--batches" };
    for (size_t k = 0; k < sizeof options / sizeof options[0]; k++) {
        const char *v = option_value(argc, argv, i, options[k]);
        if (!v)
            continue;
        if (*v == '\0')
            *code = usage_error("bench", "%s needs a value", options[k]);
        else if (k == 0)
            r->device = v;
        else if (k == 1)
            r->f.families = v;
        else if (k == 2)
            r->f.peers = v;
        else if (k == 4)
            r->nets.names = v;
        else if (k == 5)
            r->nets.keep = v;
        else if (k == 6)
            *code = parse_double(v, 0.001, 600, &r->nets.seconds)
                        ? EXIT_OK
                        : usage_error("bench", "--seconds '%s': expected a number from 0.001 to 600", v);
        else if (k == 7)
            r->nets.batches = v;
        else if (!parse_int(v, 1, 10000, &r->f.worst))
            *code = usage_error("bench", "--worst '%s': expected a whole number from 1 to 10000", v);
        if (k >= 5)
            r->of_nets = options[k];
        else if (k > 0 && k < 4)
            r->of_families = options[k];
        return true;
    }
    return false;
}

static bool flag_option(request *r, const char *word)
{
    const struct {
        const char *name;
        bool *to, families;
    } flags[] = { { "--json", &r->f.json, false }, { "--list", &r->f.list, false }, { "--cases", &r->cases, false },
                  { "--plan", &r->plan, false },   { "--help", &r->help, false },   { "-h", &r->help, false },
                  { "--quick", &r->f.quick, true }, { "--compare", &r->f.compare, true },
                  { "--busy", &r->f.busy, true }, { "--profile", &r->nets.profile, false },
                  { "--first", &r->nets.first, false }, { "--watch", &r->nets.watch, false },
                  { "--threads", &r->nets.threads, false } };
    for (size_t k = 0; k < sizeof flags / sizeof flags[0]; k++) {
        if (strcmp(word, flags[k].name) == 0) {
            if (flags[k].families)
                r->of_families = flags[k].name;
            return *flags[k].to = true;
        }
    }
    return false;
}

static int read_request(request *r, int argc, char **argv)
{
    int code = EXIT_OK;
    for (int i = 1; i < argc; i++)
        r->plan |= strcmp(argv[i], "--plan") == 0;
    for (int i = 1; i < argc && code == EXIT_OK; i++) {
        if (flag_option(r, argv[i]) || value_option(r, argc, argv, &i, &code))
            continue;
        if (argv[i][0] == '-')
            code = usage_error("bench", "no option '%s'", argv[i]);
        else if (r->plan ? bench_plan_knows(argv[i]) : bench_cases_knows(argv[i]))
            r->names[r->n++] = argv[i];
        else
            code = usage_error(
                "bench", r->plan ? "no graph '%s'; see --plan --list" : "no case '%s'; see --cases --list", argv[i]);
    }
    r->cases |= r->n > 0 && !r->plan; // a case that is named
    if (r->nets.profile || r->nets.first || r->nets.threads || r->nets.watch)
        r->of_nets = r->nets.first     ? "--first"
                     : r->nets.threads ? "--threads"
                     : r->nets.profile ? "--profile"
                                       : "--watch";
    if (code == EXIT_OK && r->cases + r->plan + (r->nets.names != NULL) > 1)
        code = usage_error("bench", "--net, --cases and --plan exclude each other");
    if (code == EXIT_OK && (r->cases || r->plan || r->nets.names) && r->of_families)
        code = usage_error("bench", "%s is for families, not for %s", r->of_families,
                           r->plan ? "--plan" : r->cases ? "cases" : "--net");
    if (code == EXIT_OK && r->of_nets && !r->nets.names)
        code = usage_error("bench", "%s needs --net", r->of_nets);
    if (code == EXIT_OK && r->nets.first && (r->nets.profile || r->nets.keep))
        code = usage_error("bench", "--first excludes --profile and --keep");
    if (code == EXIT_OK && r->f.peers && !r->f.compare)
        code = usage_error("bench", "--peer needs --compare");
    return code;
}

static int run_request(request *r)
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
                     : r->plan ? bench_plan(dev, r->names, r->n, r->f.json)
                               : bench_cases(dev, r->names, r->n, r->f.json);
    clg_device_close(&dev);
    return code;
}

int command_bench(int argc, char **argv)
{
    char error[CASE_ERROR];
    request r = { .names = calloc((size_t) argc + 1, sizeof *r.names) };
    if (!r.names)
        return EXIT_FAILED;
    if (!cases_open(error)) {
        fprintf(stderr, "clgrad bench: %s\n", error);
        free(r.names);
        return EXIT_FAILED;
    }
    int code = read_request(&r, argc, argv);
    if (code == EXIT_OK && r.help)
        help();
    else if (code == EXIT_OK)
        code = run_request(&r);
    cases_close();
    free(r.names);
    return code;
}
