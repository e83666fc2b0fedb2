// SPDX-License-Identifier: MIT
// Opening files whose opening takes its time (a pipe, a share over the network): a signal that a handler without
// SA_RESTART took does not end it.
#ifndef CLG_BASE_FILE_H
#define CLG_BASE_FILE_H

#include <stdio.h>
#include <sys/types.h>

// open(2) with O_CLOEXEC; `rights` count for files that it makes.
int clg__open(const char *path, int flags, mode_t rights);
// For reading; NULL with errno.
FILE *clg__open_stream(const char *path);
#endif
