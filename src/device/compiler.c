// SPDX-License-Identifier: MIT
// The other end of workers.c: a process that compiles what another one asks for on its standard input.
#include "device/internal.h"
#include "device/job.h"

#include "base/format.h"
#include "base/fp.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { DONE = 0, FAILED = 1, NO_JOB = 2 };

static bool read_input(clg__str *s)
{
    char part[1 << 14];
    for (;;) {
        const ssize_t n = read(STDIN_FILENO, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 && !s->failed;
        clg__str_add_n(s, part, (size_t) n);
    }
}

static int compile(const clg__job *j, clg__err *e)
{
    char number[24];
    clg__gpu *g = NULL;
    clg__format(number, sizeof number, "%d", j->device);
    if (clg__gpu_open(&g, &(struct clg_device_params) { .size = sizeof(struct clg_device_params), .select = number },
                      e) < 0)
        return FAILED;
    int code = FAILED;
    if (strcmp(g->identity, j->identity) != 0 || strlen(j->options) >= sizeof g->options) {
        clg__fail(e, CLG_EDEVICE, "device %s is another one here: %s", number, g->identity);
    } else {
        clg__format(g->options, sizeof g->options, "%s", j->options);
        g->own_declarations = j->own_declarations;
        g->only_own = j->only_own;
        cl_program p = clg__compile(g, &j->program, "", e);
        for (int i = 0; p && i < j->n_kernels; i++)
            clg__trial_run(g, p, j->kernels[i].name, &j->kernels[i].trial);
        if (p)
            clReleaseProgram(p);
        code = p ? DONE : FAILED;
    }
    clg__gpu_unref(g);
    return code;
}

int clg_compiler_main(void)
{
    CLG__DEFAULT_FP;
    clg__str input = { 0 };
    clg__job job = { 0 };
    clg__err e = { 0 };
    clg__log_read();
    int code = NO_JOB;
    if (read_input(&input) && input.length > 0 && clg__job_read(&job, input.text, input.length))
        code = compile(&job, &e);
    clg__log(CLG__LOG_BUILD, "compiler: %s", code == DONE ? "done" : code == NO_JOB ? "no job on the standard input" : e.text);
    clg__job_free(&job);
    clg__str_free(&input);
    return code;
}
