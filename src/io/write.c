// SPDX-License-Identifier: MIT
// Atomic writing: at every moment the path holds the old file or the new one, whole.
#include "io/text.h"

#include <clgrad/io.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
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

// "path.tmp-host-pid-": of this process.
static void temp_prefix(char out[1100], const char *path)
{
    char host[256] = "";
    unsigned hash = 2166136261u; // FNV-1a
    gethostname(host, sizeof host - 1);
    for (const char *p = host; *p; p++)
        hash = (hash ^ (unsigned char) *p) * 16777619u;
    snprintf(out, 1100, "%s.tmp-%08x-%ld-", path, hash, (long) getpid());
}

// Left by a writer of this host that is dead, or a day old.
static bool is_leftover(const char *name, const char *prefix, size_t n_path)
{
    struct stat st;
    char *end;
    const size_t n_host = n_path + sizeof ".tmp-12345678-" - 1;
    if (strncmp(name, prefix, n_host) == 0) {
        const long pid = strtol(name + n_host, &end, 10);
        if (pid > 0 && *end == '-' && kill((pid_t) pid, 0) != 0 && errno == ESRCH)
            return true;
    }
    return stat(name, &st) == 0 && difftime(time(NULL), st.st_mtime) > 24 * 3600;
}

static void remove_leftovers(const char *path, const char *prefix)
{
    char pattern[1100];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s.tmp-*", path);
    if (strpbrk(path, "*?[\\") || glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (is_leftover(found.gl_pathv[i], prefix, strlen(path)))
            unlink(found.gl_pathv[i]);
    }
    globfree(&found);
}

// A file that did not exist before.
static int create_temp(char temp[1100], const char *prefix)
{
    static atomic_uint calls;
    int fd = -1;
    for (int tries = 0; fd < 0 && tries < 100; tries++) {
        snprintf(temp, 1100, "%.1050s%u", prefix, atomic_fetch_add(&calls, 1));
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
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
    char temp[1100], prefix[1100];
    if (!path || strlen(path) > 1000)
        return clg__text(error, error_size, CLG_EINVAL, "path is NULL or too long");
    temp_prefix(prefix, path);
    remove_leftovers(path, prefix);
    const int fd = create_temp(temp, prefix);
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
