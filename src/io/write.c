// SPDX-License-Identifier: MIT
// Atomic writing: at every moment the path holds the old file or the new one, whole.
#include "io/text.h"

#include <clgrad/io.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        const ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t) done;
    }
    return true;
}

// What a killed writer left behind.
static void remove_leftovers(const char *path)
{
    char pattern[1100];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s.tmp-*", path);
    if (strpbrk(path, "*?[\\") || glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        unlink(found.gl_pathv[i]);
    globfree(&found);
}

static void sync_folder(const char *path)
{
    char folder[1024];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == folder)
        slash[1] = '\0';
    else if (slash)
        *slash = '\0';
    const int fd = open(slash ? folder : ".", O_RDONLY);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

clg_status clg_write_atomic(const char *path, const void *bytes, size_t n, char *error,
                            size_t error_size)
{
    char temp[1100];
    if (!path || strlen(path) > 1000)
        return clg__text(error, error_size, CLG_EINVAL, "path is NULL or too long");
    remove_leftovers(path);
    snprintf(temp, sizeof temp, "%s.tmp-%ld", path, (long) getpid());
    const int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        return clg__text(error, error_size, CLG_EIO, "%s: %s", temp, strerror(errno));
    bool ok = write_all(fd, bytes, n) && fsync(fd) == 0;
    int why = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(temp, path) != 0) {
        ok = false;
        why = errno;
    }
    if (!ok) {
        unlink(temp);
        return clg__text(error, error_size, CLG_EIO, "%s: %s", path, strerror(why));
    }
    sync_folder(path);
    return CLG_OK;
}
