// SPDX-License-Identifier: MIT
// clgrad devices: what there is, what would be used, and why not the others.
#include "tool.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void help(void)
{
    printf("usage: clgrad devices [--json]\n"
           "       clgrad devices --variants\n\n"
           "List every OpenCL device. The default (*) is the best one that passes a short\n"
           "self-test, a GPU before a CPU. Choose another for any command with --device or\n"
           "the environment variable CLGRAD_DEVICE: its number, its type (gpu, cpu), or\n"
           "part of its name.\n\n"
           "  --json       print as JSON\n"
           "  --variants   list the kernels that operations may get, with their parameters.\n"
           "               CLGRAD_VARIANT=\"matmul=packed:rows=4;conv2d=direct\" takes these\n"
           "               where they can do the work; cpu_ and gpu_ may be left out\n");
}

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

int command_devices(int argc, char **argv)
{
    bool json = false, variants = false;
    option options[] = { { "--json", OPTION_FLAG, &json }, { "--variants", OPTION_FLAG, &variants } };
    const int parsed = parse_options("devices", options, 2, argc, argv, NULL);
    if (parsed == HELP_WANTED)
        help();
    if (parsed != EXIT_OK)
        return parsed == HELP_WANTED ? EXIT_OK : parsed;
    if (variants) {
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
    const int code = json ? print_json(d, n) : EXIT_OK;
    for (int i = 0; i < n && !json; i++)
        print_text(&d[i], i);
    clg_device_list_free(&d);
    return code;
}
