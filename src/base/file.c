// SPDX-License-Identifier: MIT
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int clg__open(const char *path, int flags, mode_t rights)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, rights);
    while (fd < 0 && errno == EINTR);
    return fd;
}

FILE *clg__open_stream(const char *path)
{
    const int fd = clg__open(path, O_RDONLY, 0);
    if (fd < 0)
        return NULL;
    FILE *f = fdopen(fd, "rb");
    if (!f) {
        const int why = errno;
        close(fd);
        errno = why;
    }
    return f;
}
