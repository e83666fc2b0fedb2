// SPDX-License-Identifier: MIT
// clgrad devices: what there is, what would be used, and why not the others.
#include "tool.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct devices_options {
    bool json, variants;
} devices_options;

static void print_variant(void *user, const char *op, const char *variant, const char *params)
{
    const char **last = user;
    printf("%-17s %-14s %s\n", *last && strcmp(*last, op) == 0 ? "" : op, variant, params);
    *last = op;
}

static json_t *describe(const clg_device_info *d, int index)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:s?, s:b, s:b, s:b, s:i, s:I, s:I, s:I}",
                     "index", index, "name", d->name, "type", d->type, "vendor", d->vendor,
                     "platform", d->platform, "driver", d->driver, "default", d->is_default,
                     "passed_over", d->passed_over, "fp64", d->fp64, "fp16", d->fp16,
                     "unified_memory", d->unified_memory, "compute_units", d->compute_units,
                     "global_bytes", (json_int_t) d->global_bytes, "max_alloc_bytes",
                     (json_int_t) d->max_alloc_bytes, "local_bytes", (json_int_t) d->local_bytes);
}

static int print_json(const clg_device_info *d, int n)
{
    json_t *all = json_array();
    bool ok = all != NULL;
    for (int i = 0; i < n; i++)
        ok = json_array_append_new(all, describe(&d[i], i)) == 0 && ok;
    char *text = ok ? json_dumps(all, JSON_INDENT(2)) : NULL;
    json_decref(all);
    if (!text) {
        fprintf(stderr, "clgrad devices: a device's text cannot be written as JSON\n");
        return EXIT_FAILED;
    }
    puts(text);
    free(text);
    return EXIT_OK;
}

static void print_text(const clg_device_info *d, int index)
{
    printf("%c %d  %s\n", d->is_default ? '*' : ' ', index, d->name);
    printf("     %s, %s, driver %s\n", d->type, d->platform, d->driver);
    printf("     %d compute units, %.1f GB memory, %.0f KB local%s%s\n", d->compute_units,
           1e-9 * (double) d->global_bytes, (double) d->local_bytes / 1024,
           d->fp64 ? ", f64" : ", no f64", d->unified_memory ? ", shares host memory" : "");
    if (d->passed_over)
        printf("     not the default: %s\n", d->passed_over);
}

static int run(void *options, const arguments *w)
{
    const devices_options *o = options;
    (void) w;
    if (o->variants) {
        const char *last = NULL;
        clg_variant_list(print_variant, &last);
        return EXIT_OK;
    }
    char error[1100] = "";
    clg_device_info *d;
    int n;
    if (clg_device_list(&d, &n, error, sizeof error) < 0) {
        fprintf(stderr, "clgrad devices: %s\n", error);
        return EXIT_FAILED;
    }
    const int code = o->json ? print_json(d, n) : EXIT_OK;
    for (int i = 0; i < n && !o->json; i++)
        print_text(&d[i], i);
    clg_device_list_free(&d);
    return code;
}

const description devices_command = {
    .name = "devices",
    .summary = "list OpenCL devices, and which one would be used",
    .usage = (const char *const[]) { "[--json]", "--variants", NULL },
    .about = "List every OpenCL device. The default (*) is the best one that passes a short self-test, a GPU before a "
             "CPU. Choose another for any command with --device or the environment variable CLGRAD_DEVICE: its "
             "number, its type (gpu, cpu), or part of its name.",
    .options = (const option[]) {
        { "--json", OPTION_FLAG, offsetof(devices_options, json), NULL, "print as JSON" },
        { "--variants", OPTION_FLAG, offsetof(devices_options, variants), NULL,
          "list the kernels that operations may get, with their parameters. "
          "CLGRAD_VARIANT=\"matmul=packed:rows=4;conv2d=direct\" takes these where they can do the work; cpu_ and gpu_ "
          "may be left out" },
        { 0 },
    },
    .examples = (const help_row[]) {
        { "clgrad devices", NULL },
        { "CLGRAD_DEVICE=cpu clgrad devices", "which one it would be then" },
        { 0 },
    },
    .size = sizeof(devices_options),
    .run = run,
};
