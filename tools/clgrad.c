// SPDX-License-Identifier: MIT
// The clgrad tool: finds the command; one file per command.
#include "tool.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

volatile sig_atomic_t interrupted;

static const struct {
    const char *name, *what;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "devices", "list OpenCL devices, and which one would be used", command_devices },
    { "train", "train a network and watch it learn", command_train },
    { "bench", "measure operations on a device", command_bench },
};
enum { COMMANDS = (int) (sizeof commands / sizeof commands[0]) };

static void print_help(FILE *out)
{
    fprintf(out, "usage: clgrad COMMAND [OPTION...]\n\n"
                 "Tensors, fused kernels and gradients on any OpenCL device.\n\ncommands:\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].what);
    fprintf(out, "\nTry first:  clgrad devices\n"
                 "Then:       clgrad train fashion-mnist\n"
                 "More about a command:  clgrad COMMAND --help\n");
}

double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

int usage_error(const char *command, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "clgrad %s: ", command);
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\nTry: clgrad %s --help\n", command);
    va_end(ap);
    return EXIT_USAGE;
}

const char *option_value(int argc, char **argv, int *i, const char *name)
{
    const size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0)
        return NULL;
    if (argv[*i][n] == '=')
        return argv[*i] + n + 1;
    if (argv[*i][n] != '\0')
        return NULL;
    return *i + 1 < argc ? argv[++*i] : "";
}

bool parse_int(const char *text, long lo, long hi, long *out)
{
    char *end;
    errno = 0;
    const long v = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno || v < lo || v > hi)
        return false;
    *out = v;
    return true;
}

bool parse_double(const char *text, double lo, double hi, double *out)
{
    char *end;
    const double v = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !(v >= lo && v <= hi))
        return false;
    *out = v;
    return true;
}

clg_device open_device(const char *command, const char *select, bool profile)
{
    char error[1100] = "";
    clg_device dev;
    if (clg_device_open(&dev, clg_device_params(.select = select, .profile = profile,
                                                .error = error, .error_size = sizeof error)) < 0) {
        fprintf(stderr, "clgrad %s: %s\n", command, error);
        return NULL;
    }
    return dev;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("clgrad %s\n", clg_version());
        return EXIT_OK;
    }
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "clgrad: no command '%s'\n\n", argv[1]);
    print_help(stderr);
    return EXIT_USAGE;
}
