// SPDX-License-Identifier: MIT
// clgrad bench: what operations reach on a device. Random data, inputs in turn so that memory-bound
// cases do not live in a cache, the median of several rounds.
#include "tool.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 7, INPUTS = 4 };

typedef struct bench {
    clg_device dev;
    clg_tensor x[INPUTS], w, b;
    int turn;
} bench;

typedef struct kase {
    const char *name, *what;
    clg_shape x, w; // random F32; rank 0: none
    double flops, bytes; // of one run
    clg_tensor (*run)(bench *b, clg_tensor x, clg_tensor w);
} kase;

static clg_tensor run_add(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    return clg_add(x, w);
}

static clg_tensor run_exp(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    (void) w;
    return clg_exp(x);
}

static clg_tensor run_gelu(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    (void) w;
    return clg_gelu(x);
}

static clg_tensor run_sum(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    (void) w;
    return clg_sum(x, CLG_ALL, false);
}

static clg_tensor run_sum_rows(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    (void) w;
    return clg_sum(x, CLG_AXES(1), false);
}

static clg_tensor run_sum_columns(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    (void) w;
    return clg_sum(x, CLG_AXES(0), false);
}

static clg_tensor run_softmax(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    (void) w;
    return clg_softmax(x, -1);
}

static clg_tensor run_transpose(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    (void) w;
    return clg_add_scalar(clg_transpose(x, 0, 1), 1);
}

static clg_tensor run_matmul(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    return clg_matmul(x, w);
}

static clg_tensor run_conv(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    return clg_conv2d(x, w, NULL, clg_conv2d_params(.padding = (int) w->shape.dim[2] / 2));
}

static clg_tensor conv_grad(clg_tensor x, clg_tensor w, bool of_x)
{
    x = clg_track(x);
    w = clg_track(w);
    clg_tensor y = clg_conv2d(x, w, NULL, clg_conv2d_params(.padding = (int) w->shape.dim[2] / 2));
    clg_tensor g = clg_reshape(clg_concat(0, clg_reshape(clg_detach(x), CLG_SHAPE(-1)),
                                          clg_reshape(clg_detach(x), CLG_SHAPE(-1))), y->shape);
    clg_tensor out, wrt = of_x ? x : w;
    clg_vjp_n(y, g, &wrt, 1, false, &out);
    return out;
}

static clg_tensor run_conv_dx(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    return conv_grad(x, w, true);
}

static clg_tensor run_conv_dw(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    return conv_grad(x, w, false);
}

static clg_tensor run_pool(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    (void) w;
    return clg_max_pool2d(x, clg_pool2d_params(.kernel = 2));
}

static clg_tensor run_norm(bench *b, clg_tensor x, clg_tensor w)
{
    (void) b;
    (void) w;
    return clg_relu(clg_batch_norm(x, NULL, NULL, NULL, NULL, clg_batch_norm_params(.training = true)));
}

#define S(...) { .rank = CLG__COUNT(int64_t, __VA_ARGS__), .dim = { __VA_ARGS__ } }
#define MB16 16777216.0
static const kase cases[] = {
    { "add", "a + b, 16 M elements", S(4096, 4096), S(4096, 4096), 0, 12 * MB16, run_add },
    { "exp", "exp(a), 16 M elements", S(4096, 4096), { 0 }, 0, 8 * MB16, run_exp },
    { "gelu", "erf-GELU, 4 M elements", S(2048, 2048), { 0 }, 0, 2 * MB16, run_gelu },
    { "transpose", "a^T + 1, 4 M elements", S(2048, 2048), { 0 }, 0, 2 * MB16, run_transpose },
    { "sum", "sum of 16 M elements", S(4096, 4096), { 0 }, 0, 4 * MB16, run_sum },
    { "sum_rows", "sums of 4096 rows", S(4096, 4096), { 0 }, 0, 4 * MB16, run_sum_rows },
    { "sum_columns", "sums of 4096 columns", S(4096, 4096), { 0 }, 0, 4 * MB16, run_sum_columns },
    { "softmax", "rows of 1000", S(16384, 1000), { 0 }, 0, 8 * 16384e3, run_softmax },
    { "softmax_10", "rows of 10", S(65536, 10), { 0 }, 0, 8 * 655360.0, run_softmax },
    { "batch_norm", "batch norm and relu, 128x32x28x28", S(128, 32, 28, 28), { 0 }, 0, 16 * 3211264.0,
      run_norm },
    { "max_pool", "2x2 of 128x32x28x28", S(128, 32, 28, 28), { 0 }, 0, 6 * 3211264.0, run_pool },
    { "matmul_128", "128 x 128 x 128", S(128, 128), S(128, 128), 2.0 * 128 * 128 * 128, 0, run_matmul },
    { "matmul_512", "512 x 512 x 512", S(512, 512), S(512, 512), 2.0 * 512 * 512 * 512, 0, run_matmul },
    { "matmul_1024", "1024 x 1024 x 1024", S(1024, 1024), S(1024, 1024), 2.0 * 1024 * 1024 * 1024, 0,
      run_matmul },
    { "matmul_linear", "128 x 3136 x 128", S(128, 3136), S(3136, 128), 2.0 * 128 * 3136 * 128, 0,
      run_matmul },
    { "conv_first", "128x1x28x28 with 32 of 3x3", S(128, 1, 28, 28), S(32, 1, 3, 3),
      2.0 * 128 * 784 * 32 * 9, 0, run_conv },
    { "conv", "128x32x14x14 with 64 of 3x3", S(128, 32, 14, 14), S(64, 32, 3, 3),
      2.0 * 128 * 196 * 64 * 288, 0, run_conv },
    { "conv_dx", "its gradient for the input", S(128, 32, 14, 14), S(64, 32, 3, 3),
      2.0 * 128 * 196 * 64 * 288, 0, run_conv_dx },
    { "conv_dw", "its gradient for the weights", S(128, 32, 14, 14), S(64, 32, 3, 3),
      2.0 * 128 * 196 * 64 * 288, 0, run_conv_dw },
    { "conv_resnet", "8x64x56x56 with 64 of 3x3", S(8, 64, 56, 56), S(64, 64, 3, 3),
      2.0 * 8 * 3136 * 64 * 576, 0, run_conv },
};
enum { CASES = (int) (sizeof cases / sizeof cases[0]) };

static clg_tensor random_tensor(clg_device dev, clg_shape s)
{
    return clg_keep(clg_uniform(dev, CLG_F32, s, -1, 1));
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return x < y ? -1 : x > y;
}

static clg_status run_once(bench *b, const kase *k, int times)
{
    clg_status st = CLG_OK;
    for (int i = 0; i < times && st >= 0; i++) {
        clg_scope s = clg_scope_push(b->dev);
        st = clg_eval(k->run(b, b->x[b->turn++ % INPUTS], b->w));
        clg_scope_pop(s);
    }
    return st < 0 ? st : clg_sync(b->dev);
}

// Seconds of one run; below 0 on failure.
static double measure(bench *b, const kase *k)
{
    double t[ROUNDS];
    int times = 1;
    clg_random_set_state(b->dev, 7, 0);
    for (int i = 0; i < INPUTS; i++)
        b->x[i] = random_tensor(b->dev, k->x);
    b->w = k->w.rank ? random_tensor(b->dev, k->w) : NULL;
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

static void help(void)
{
    printf("usage: clgrad bench [CASE...] [--list] [--json] [--device D]\n\n"
           "Measure operations: the median of %d rounds on random data. Without names, all cases, and\n"
           "the cost of a launch and of recording a node.\n\n"
           "  --list       print the cases\n"
           "  --json       print as JSON\n"
           "  --device D   number, type or part of a name; see clgrad devices\n", ROUNDS);
}

static bool chosen(const char *name, int argc, char **argv, int first)
{
    if (first >= argc)
        return true;
    for (int i = first; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return false;
}

static int run_all(clg_device dev, int argc, char **argv, bool json)
{
    json_t *all = json_array();
    bench b = { .dev = dev };
    int code = EXIT_OK;
    for (int i = 0; i < CASES && code == EXIT_OK; i++) {
        const kase *k = &cases[i];
        if (!chosen(k->name, argc, argv, 0))
            continue;
        const double t = measure(&b, k);
        if (t < 0) {
            fprintf(stderr, "clgrad bench: %s: %s\n", k->name, clg_error(dev, CLG_EDEVICE));
            code = EXIT_FAILED;
            break;
        }
        const double rate = 1e-9 * (k->flops > 0 ? k->flops : k->bytes) / t;
        json_array_append_new(all, json_pack("{s:s, s:f, s:f, s:s}", "case", k->name, "seconds", t,
                                             "rate", rate, "unit", k->flops > 0 ? "GFLOP/s" : "GB/s"));
        if (!json)
            printf("%-14s %9.3f ms  %8.1f %-7s  %s\n", k->name, 1e3 * t, rate,
                   k->flops > 0 ? "GFLOP/s" : "GB/s", k->what);
        fflush(stdout);
    }
    if (code == EXIT_OK && argc == 0) {
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

int command_bench(int argc, char **argv)
{
    const char *device = NULL, *v;
    bool json = false, list = false;
    char **names = calloc((size_t) argc + 1, sizeof *names);
    int n = 0, code = EXIT_OK;
    if (!names)
        return EXIT_FAILED;
    for (int i = 1; i < argc && code == EXIT_OK; i++) {
        bool known = false;
        for (int k = 0; k < CASES; k++)
            known |= strcmp(cases[k].name, argv[i]) == 0;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            free(names);
            return EXIT_OK;
        }
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--list") == 0)
            list = true;
        else if ((v = option_value(argc, argv, &i, "--device")))
            device = v;
        else if (known)
            names[n++] = argv[i];
        else
            code = usage_error("bench", "no case '%s'; see --list", argv[i]);
    }
    for (int k = 0; k < CASES && list && code == EXIT_OK; k++)
        printf("%-14s %s\n", cases[k].name, cases[k].what);
    if (code == EXIT_OK && !list) {
        clg_device dev = open_device("bench", device, false);
        code = dev ? run_all(dev, n, names, json) : EXIT_FAILED;
        clg_device_close(&dev);
    }
    free(names);
    return code;
}
