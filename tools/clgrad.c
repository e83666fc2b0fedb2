// SPDX-License-Identifier: MIT
// The clgrad tool: finds the command; one file per command.
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *name, *what;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "devices", "list OpenCL devices, and which one would be used", command_devices },
    { "train", "train a network and watch it learn", command_train },
    { "bench", "measure operations on a device", command_bench },
    { "cache", "show, fill or clear what is kept of compiled kernels", command_cache },
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
                 "More about a command:  clgrad COMMAND --help\n\n"
                 "clgrad --version prints the version. Exit status: 0 done, 1 failed, 2 not\n"
                 "understood, 130 interrupted.\n");
}

double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

clg_device open_device(const char *command, const char *select, bool profile)
{
    char error[1100] = "";
    clg_device dev;
    static const char *const compiler[] = { "/proc/self/exe", "compile-kernels", NULL };
    if (clg_device_open(&dev, clg_device_params(.select = select, .profile = profile, .compiler = compiler,
                                                .error = error, .error_size = sizeof error)) < 0) {
        fprintf(stderr, "clgrad %s: %s\n", command, error);
        return NULL;
    }
    return dev;
}

bool flush_output(const char *command)
{
    static bool said;
    errno = 0;
    if (!said && fflush(stdout) == 0 && !ferror(stdout))
        return true;
    if (!said)
        fprintf(stderr, "clgrad%s%s: cannot write to the standard output: %s\n",
                *command ? " " : "", command, errno ? strerror(errno) : "an error");
    said = true;
    return false;
}

// A closed standard stream would lend its number to the next file opened, and messages would land
// in it. What stands in for it cannot be written to, so that the loss is noticed.
static void guard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDONLY) != fd)
            _exit(EXIT_FAILED);
    }
    signal(SIGPIPE, SIG_IGN); // both are reported where the writing fails
    signal(SIGXFSZ, SIG_IGN);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "compile-kernels") == 0 && argc == 2) // by the library, see open_device
        return clg_compiler_main();
    if (strcmp(argv[1], "--version") == 0) {
        printf("clgrad %s\n", clg_version());
        return EXIT_OK;
    }
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "clgrad: no command '%s'\nTry: clgrad --help\n", argv[1]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    guard_streams();
    const int code = run(argc, argv);
    return code == EXIT_OK && !flush_output("") ? EXIT_FAILED : code;
}
