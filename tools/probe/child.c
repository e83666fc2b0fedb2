// SPDX-License-Identifier: MIT
// A command in a process group of its own, with a limit of time.
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE 2.0 // seconds from the polite signal to the other

// Appends what is there to the tail, dropping from its front.
static bool drain(int fd, char *tail, size_t size, size_t *used)
{
    char block[4096];
    const ssize_t n = read(fd, block, sizeof block);
    if (n <= 0)
        return n < 0 && (errno == EINTR || errno == EAGAIN);
    size_t from = 0, count = (size_t) n;
    if (count >= size) {
        from = count - (size - 1);
        count = size - 1;
    }
    if (*used + count >= size) {
        const size_t drop = *used + count - (size - 1);
        memmove(tail, tail + drop, *used - drop);
        *used -= drop;
    }
    memcpy(tail + *used, block + from, count);
    *used += count;
    tail[*used] = '\0';
    return true;
}

static void start(char *const argv[], int out)
{
    const int null = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    execvp(argv[0], argv);
    const char *why = strerror(errno);
    const ssize_t n = write(2, why, strlen(why));
    _exit(n < 0 ? 126 : 127);
}

int child_run(char *const argv[], double limit, char *tail, size_t size)
{
    int pipes[2], status = 0;
    size_t used = 0;
    tail[0] = '\0';
    if (pipe(pipes) < 0)
        return 127;
    const pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        start(argv, pipes[1]);
    }
    close(pipes[1]);
    if (child < 0) {
        close(pipes[0]);
        return 127;
    }
    setpgid(child, child); // whichever of the two comes first
    const double end = probe_now() + limit;
    bool late = false, ended = false;
    while (!ended) {
        struct pollfd p = { .fd = pipes[0], .events = POLLIN };
        if (poll(&p, 1, 20) > 0 && !drain(pipes[0], tail, size, &used))
            poll(NULL, 0, 10); // closed, which may be long before the end
        ended = waitpid(child, &status, WNOHANG) != 0;
        if (!ended && probe_now() > end) {
            kill(-child, probe_now() < end + GRACE ? SIGTERM : SIGKILL);
            late = true;
        }
    }
    kill(-child, SIGKILL); // what it left running, which may hold the pipe open
    struct pollfd p = { .fd = pipes[0], .events = POLLIN };
    while (poll(&p, 1, 0) > 0 && drain(pipes[0], tail, size, &used))
        ;
    close(pipes[0]);
    if (late)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
