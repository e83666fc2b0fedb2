// SPDX-License-Identifier: MIT
// clgrad devices: what there is, what would be used, and why not the others.
#include "tool.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void help(void)
{
    printf("usage: clgrad devices [--json]\n\n"
           "List every OpenCL device. The default (*) is the best one that passes a short self-test,\n"
           "a GPU before a CPU. Choose another for any command with --device or the environment\n"
           "variable CLGRAD_DEVICE: its number, its type (gpu, cpu), or part of its name.\n\n"
           "  --json   print as JSON\n");
}

static int print_json(const clg_device_info *d, int n)
{
    json_t *all = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(all, json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:s?, s:b, s:b, s:i, s:I, s:I, s:I}",
            "index", i, "name", d[i].name, "type", d[i].type, "vendor", d[i].vendor, "platform",
            d[i].platform, "driver", d[i].driver, "default", d[i].is_default, "passed_over",
            d[i].passed_over, "fp64", d[i].fp64, "fp16", d[i].fp16, "compute_units",
            d[i].compute_units, "global_bytes", (json_int_t) d[i].global_bytes, "max_alloc_bytes",
            (json_int_t) d[i].max_alloc_bytes, "local_bytes", (json_int_t) d[i].local_bytes));
    char *text = json_dumps(all, JSON_INDENT(2));
    json_decref(all);
    if (!text)
        return EXIT_FAILED;
    puts(text);
    free(text);
    return EXIT_OK;
}

int command_devices(int argc, char **argv)
{
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            return EXIT_OK;
        }
        if (strcmp(argv[i], "--json") != 0)
            return usage_error("devices", "unexpected '%s'", argv[i]);
        json = true;
    }
    char error[1100] = "";
    clg_device_info *d;
    int n;
    if (clg_device_list(&d, &n, error, sizeof error) < 0) {
        fprintf(stderr, "clgrad devices: %s\n", error);
        return EXIT_FAILED;
    }
    int code = EXIT_OK;
    if (json)
        code = print_json(d, n);
    for (int i = 0; i < n && !json; i++) {
        printf("%c %d  %s\n", d[i].is_default ? '*' : ' ', i, d[i].name);
        printf("     %s, %s, driver %s\n", d[i].type, d[i].platform, d[i].driver);
        printf("     %d compute units, %.1f GB memory, %.0f KB local%s%s\n", d[i].compute_units,
               1e-9 * (double) d[i].global_bytes, (double) d[i].local_bytes / 1024,
               d[i].fp64 ? ", f64" : ", no f64", d[i].unified_memory ? ", shares host memory" : "");
        if (d[i].passed_over)
            printf("     not the default: %s\n", d[i].passed_over);
    }
    clg_device_list_free(&d);
    return code;
}
