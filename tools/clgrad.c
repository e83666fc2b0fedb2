// SPDX-License-Identifier: MIT
// The clgrad tool: the table of commands (one file each), and what they share.
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const description *const commands[] = {
#define COMMAND(name) &name##_command,
#include "commands.def"
#undef COMMAND
    NULL
};

const description *command_find(const char *name)
{
    for (int i = 0; commands[i]; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

const char *command_choice(int i)
{
    return commands[i] ? commands[i]->name : NULL;
}

const char *device_choice(int i)
{
    static const char *const kinds[] = { "gpu", "cpu", NULL };
    return kinds[i];
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

// ---- clgrad itself

typedef struct tool_options {
    bool version;
} tool_options;

static int run_tool(void *options, const arguments *w)
{
    (void) w;
    if (((const tool_options *) options)->version)
        printf("clgrad %s\n", clg_version());
    return EXIT_OK;
}

const description tool_command = {
    .name = "",
    .summary = "tensors, fused kernels and gradients on any OpenCL device",
    .usage = (const char *const[]) { "COMMAND [OPTION...]", NULL },
    .about = "Tensors, fused kernels and gradients on any OpenCL device.",
    .options = (const option[]) {
        { .text = "options", .kind = OPTION_PART },
        { "--version", OPTION_FLAG, offsetof(tool_options, version), NULL, "print the version" },
        { 0 },
    },
    .size = sizeof(tool_options),
    .notes = "Options may come before and after other words, as --name value or --name=value; after -- all are words. "
             "Exit status: 0 done, 1 failed, 2 not understood, 130 interrupted.",
    .examples = (const help_row[]) {
        { "clgrad devices", "try first" },
        { "clgrad train fashion-mnist", "then" },
        { "clgrad train --help", "more about a command; man clgrad-train says the same" },
        { 0 },
    },
    .run = run_tool,
    .is_tool = true,
};

static int run(int argc, char **argv)
{
    if (argc < 2) {
        command_help(stderr, &tool_command);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "compile-kernels") == 0 && argc == 2) // by the library, see open_device
        return clg_compiler_main();
    if (argv[1][0] == '-')
        return command_run(&tool_command, argc, argv);
    const description *c = command_find(argv[1]);
    if (c)
        return command_run(c, argc - 1, argv + 1);
    const char *near = nearest(argv[1], command_choice);
    return usage_error("", near ? "no command '%s'; there is %s" : "no command '%s'", argv[1], near);
}

int main(int argc, char **argv)
{
    guard_streams();
    const int code = run(argc, argv);
    return code == EXIT_OK && !flush_output("") ? EXIT_FAILED : code;
}
