// SPDX-License-Identifier: MIT
// Threads that the driver starts inherit the signal mask of ours. They must not take the application's
// signals (a handler that interrupts a wait would then run elsewhere), nor run with faults blocked because
// the application blocked all it could.
#ifndef CLG_BASE_SIGNALS_H
#define CLG_BASE_SIGNALS_H

#include <pthread.h>
#include <signal.h>

static inline sigset_t clg__signals_block(void)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
    sigset_t most, old;
    sigfillset(&most);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&most, faults[i]);
    pthread_sigmask(SIG_SETMASK, &most, &old);
    return old;
}

static inline void clg__signals_restore(const sigset_t *old)
{
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

// First in a function in which the driver may start threads: until it returns.
#define CLG__QUIET_THREADS                                                                         \
    __attribute__((cleanup(clg__signals_restore))) sigset_t clg__signals_here = clg__signals_block()
#endif
