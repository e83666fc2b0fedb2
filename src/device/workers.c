// SPDX-License-Identifier: MIT
// Processes that compile a part of what a plan needs: drivers compile with one lock per process. They leave what they
// made in the disk cache, ours or the driver's, and nothing depends on them: what one fails to make is made here.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE // posix_spawn_file_actions_addclosefrom_np
#endif
#include "device/workers.h"

#include "base/env.h"
#include "base/format.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

// The job in a file without a name, from its beginning; -1.
static int job_file(const clg__job *j)
{
    clg__str bytes = { 0 };
    clg__job_write(j, &bytes);
    FILE *f = bytes.failed ? NULL : tmpfile();
    const bool ok = f && fwrite(bytes.text, 1, bytes.length, f) == bytes.length && fflush(f) == 0;
    const int fd = ok ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 3) : -1;
    if (f)
        fclose(f);
    clg__str_free(&bytes);
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

// With the job as its standard input, and nothing else of ours: no other file, no signal that we block or ignore.
static pid_t spawn(char *const *argv, int job)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    pid_t pid = -1;
    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawn_file_actions_init(&files) != 0)
        return -1;
    bool ok = posix_spawn_file_actions_adddup2(&files, job, 0) == 0 &&
              posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) == 0;
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
    ok = ok && posix_spawn_file_actions_addclosefrom_np(&files, 3) == 0;
#endif
    if (posix_spawnattr_init(&how) == 0) {
        ok = ok && posix_spawnattr_setsigmask(&how, &none) == 0 && posix_spawnattr_setsigdefault(&how, &all) == 0 &&
             posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0;
        if (ok && posix_spawnp(&pid, argv[0], &files, &how, argv, environ) != 0)
            pid = -1;
        posix_spawnattr_destroy(&how);
    }
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

bool clg__worker_start(clg__gpu *g, const clg__job *j, clg__worker *w)
{
    *w = (clg__worker) { .pid = -1, .started = clg__seconds() };
    const int job = job_file(j);
    if (job >= 0) {
        w->pid = spawn(g->compiler, job);
        close(job);
    }
    clg__log(CLG__LOG_BUILD, w->pid > 0 ? "%s compiles %d kernels beside this process" : "%s cannot be started to compile "
             "%d kernels", g->compiler[0], j->n_kernels);
    return w->pid > 0;
}

double clg__worker_patience = 20;

// false: it still runs.
static bool has_ended(clg__worker *w)
{
    int status = 0;
    const pid_t got = waitpid(w->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR))
        return false;
    // the application may have waited for it, or ignore its children: then it is gone, how is not known
    w->ok = got < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return true;
}

bool clg__worker_wait(clg__worker *w, double own_seconds)
{
    const struct timespec a_little = { .tv_nsec = 2000000 };
    const double until = clg__seconds() + clg__worker_patience + 4 * own_seconds;
    if (w->pid <= 0)
        return false;
    while (!has_ended(w)) {
        if (clg__seconds() > until) {
            kill(w->pid, SIGKILL);
            while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
                ;
            break;
        }
        nanosleep(&a_little, NULL);
    }
    clg__log(CLG__LOG_BUILD, "process %ld %s, %.3f s", (long) w->pid, w->ok ? "has compiled its part" : "compiled nothing",
             clg__seconds() - w->started);
    w->pid = -1;
    return w->ok;
}

// ---- how many

// Read once, like all of the environment.
void clg__workers_open(clg__gpu *g)
{
    const char *named = clg__env(CLG__CLGRAD_COMPILERS), *pocl = clg__env_of_system("POCL_KERNEL_CACHE");
    int64_t n = g->compilers;
    g->compilers = 0;
    if (!g->compiler || !g->compiler[0] || g->cl_dir)
        return;
    if (g->compiles_late && !clg__is_pocl(g->found))
        return; // Mesa keeps what it compiles late for the process alone
    if (named && !clg__parse_i64(named, &n))
        return;
    if (!g->cache_dir && (!g->driver_caches || (pocl && strcmp(pocl, "0") == 0)))
        return; // nothing that they make could be found
    if (n <= 0 && !named)
        n = sysconf(_SC_NPROCESSORS_ONLN) - 1;
    g->compilers = n < 0 ? 0 : n > CLG__MOST_WORKERS ? CLG__MOST_WORKERS : (int) n;
}
