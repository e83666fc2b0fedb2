// SPDX-License-Identifier: MIT
// A folder of a suite's own that goes with the program.
#ifndef CLG_TESTS_SCRATCH_H
#define CLG_TESTS_SCRATCH_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *scratch_path;
static pid_t scratch_owner; // and no child of its

static inline void scratch_remove(void)
{
    char clean[200];
    if (getpid() != scratch_owner)
        return;
    snprintf(clean, sizeof clean, "rm -rf '%s'", scratch_path);
    if (system(clean) != 0)
        fprintf(stderr, "%s was not removed\n", scratch_path);
}

// path: as of mkdtemp, which stays
static inline bool scratch_made(char *path)
{
    if (!mkdtemp(path))
        return false;
    scratch_path = path;
    scratch_owner = getpid();
    return atexit(scratch_remove) == 0;
}
#endif
