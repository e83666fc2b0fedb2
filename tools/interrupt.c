// SPDX-License-Identifier: MIT
// Ctrl-C without a handler: the signals are blocked, and the loop asks between two steps whether
// one waits. So nothing is cut short, neither a save nor a compiler that the driver starts
// (children inherit the mask).
#include "training.h"

#include <signal.h>

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
enum { SIGNALS = (int) (sizeof signals / sizeof signals[0]) };

void interrupt_hold(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < SIGNALS; i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    // Shells ignore SIGINT for background jobs, and an ignored signal would not wait. SIGHUP may
    // stay ignored: that is what nohup is for.
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

bool interrupted(void)
{
    sigset_t set;
    bool any = false;
    sigpending(&set);
    for (int i = 0; i < SIGNALS; i++)
        any |= sigismember(&set, signals[i]) == 1;
    return any;
}
