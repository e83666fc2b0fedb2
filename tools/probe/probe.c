// SPDX-License-Identifier: MIT
// probe NAME [ARGUMENT]: one question to the OpenCL device, one JSON object as the answer. One question a
// process, since a fault takes the context with it.
#include "probe.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef int function(probe *p, const char *arg);

static const struct {
    const char *name;
    function *run;
    const char *arg, *what; // arg: given when a sweep does not name one
} probes[] = {
    { "list", probe_list, NULL, "every platform and device, with extensions" },
    { "caps", probe_caps, NULL, "limits of the chosen device" },
    { "groups", probe_groups, NULL, "work-group sizes that run, with a barrier" },
    { "launch", probe_launch, NULL, "cost of a launch, with and without profiling" },
    { "copy", probe_copy, NULL, "bandwidth of device memory" },
    { "transfer", probe_transfer, NULL, "host to device and back, pageable and pinned" },
    { "alloc", probe_alloc, NULL, "largest buffer, beyond the reported limit too" },
    { "fma-f32", probe_fma, "float", "multiply-add peak, single precision" },
    { "fma-f64", probe_fma, "double", "multiply-add peak, double precision" },
    { "fma-f16", probe_fma, "half", "multiply-add peak, half precision, reported or not" },
    { "local-one", probe_local, "static 32", "local memory: \"static KB\" or \"argument KB\"" },
    { "ptx-one", probe_ptx, "store", "inline PTX, NVIDIA: store, shuffle, async, ldmatrix, tf32, bf16, arch, wgmma" },
};
enum { PROBES = (int) (sizeof probes / sizeof probes[0]) };

static const char *outcome(int code)
{
    return code == PROBE_OK ? "works" : code == -1 ? "hangs" : code >= 128 ? "crashes" : "refused";
}

// One question in a process of its own; what it said goes beside a refusal.
static void ask(json_t *into, const char *key, const char *self, const char *name, const char *arg)
{
    char tail[1200];
    char *const argv[] = { (char *) self, (char *) name, (char *) arg, NULL };
    const int code = child_run(argv, 10, tail, sizeof tail);
    if (code == PROBE_NOT_HERE)
        return;
    json_t *answer = json_loads(tail, 0, NULL);
    const char *said = json_string_value(json_object_get(answer, "message"));
    char text[400];
    snprintf(text, sizeof text, "%s%s%.300s", outcome(code), code && said ? ": " : "", code && said ? said : "");
    json_t *line = json_string(text);
    json_object_set_new(into, key, line ? line : json_string(outcome(code)));
    json_decref(answer);
}

// Local memory of growing size, both ways to get it.
static int sweep_local(probe *p, const char *self)
{
    static const char *const kinds[] = { "static", "argument" };
    static const char *const sizes[] = { "32", "48", "64", "96", "128", "160", "200", "227" };
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        json_t *found = json_object();
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            char arg[32];
            snprintf(arg, sizeof arg, "%s %s", kinds[kind], sizes[i]);
            ask(found, sizes[i], self, "local-one", arg);
        }
        json_object_set_new(p->out, kinds[kind], found);
    }
    return PROBE_OK;
}

static int sweep_ptx(probe *p, const char *self)
{
    static const char *const args[] = { "store", "store generic", "shuffle", "async", "async generic", "ldmatrix",
                                        "ldmatrix generic", "tf32", "bf16", "arch", "wgmma" };
    for (size_t i = 0; i < sizeof args / sizeof args[0]; i++)
        ask(p->out, args[i], self, "ptx-one", args[i]);
    if (json_object_size(p->out) == 0)
        return probe_says(p, "for NVIDIA devices"), PROBE_NOT_HERE;
    return PROBE_OK;
}

static void help(void)
{
    printf("usage: probe NAME [ARGUMENT]\n\n"
           "Ask the OpenCL device one question. The answer is a JSON object. Exit status: 0 yes, 1 it\n"
           "failed, 77 it does not apply here. PROBE_DEVICE holds part of a device's or platform's\n"
           "name; else it is the first GPU, or the first device.\n\n");
    for (int i = 0; i < PROBES; i++)
        printf("  %-15s %s\n", probes[i].name, probes[i].what);
    printf("  %-15s both kinds of local memory, 32 to 227 KB, a process each\n", "local");
    printf("  %-15s all that ptx-one knows, a process each\n", "ptx");
}

static int run(probe *p, const char *self, const char *name, const char *arg)
{
    if (strcmp(name, "list") == 0)
        return probe_list(p, NULL);
    if (strcmp(name, "local") == 0)
        return sweep_local(p, self);
    if (strcmp(name, "ptx") == 0)
        return sweep_ptx(p, self);
    for (int i = 0; i < PROBES; i++) {
        if (strcmp(probes[i].name, name) == 0)
            return probe_open(p) ? probes[i].run(p, arg ? arg : probes[i].arg) : PROBE_FAILED;
    }
    probe_says(p, "no probe '%s'; see probe --help", name);
    return PROBE_FAILED;
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        help();
        return argc < 2 ? 2 : 0;
    }
    probe p = { .out = json_object() };
    const int code = run(&p, argv[0], argv[1], argc > 2 ? argv[2] : NULL);
    if (p.message[0])
        json_object_set_new(p.out, "message", json_string(p.message));
    char *text = json_dumps(p.out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    puts(text ? text : "{}");
    fflush(stdout);
    probe_close(&p);
    // Drivers crash in their own exit handlers now and then; the answer is out.
    _exit(code);
}
