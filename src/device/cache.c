// SPDX-License-Identifier: MIT
// Compiled programs on disk. A damaged entry is rebuilt, an unwritable folder means no cache: a cache
// never makes anything fail. Drivers that cache better themselves are left to it.
#include "device/internal.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/format.h"
#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// In front of every entry. Drivers crash on damaged binaries: none reaches them.
typedef struct head {
    char magic[8];
    uint64_t size, hash; // of what follows
} head;
static const char magic[8] = "clgrad2";

static bool make_folders(const char *path)
{
    char part[900];
    const size_t n = strlen(path);
    if (n >= sizeof part)
        return false;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) == 0) // existing ones are fine: access decides below
            chmod(part, 0700);      // whatever the umask
    }
    return access(path, W_OK) == 0;
}

// What a killed writer left: "KEY.clbin.PID-NUMBER", an hour old. None takes that long.
static void remove_leftovers(const char *folder)
{
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        struct stat st;
        const char *end = strstr(e->d_name, ".clbin.");
        if (end && strspn(end + 7, "0123456789-") == strlen(end + 7) &&
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            time(NULL) - st.st_mtime > 3600)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
}

void clg__cache_open(clg__gpu *g)
{
    const char *named = clg__env(CLG__CLGRAD_CACHE_DIR), *xdg = clg__env_of_system("XDG_CACHE_HOME"),
               *home = clg__env_of_system("HOME");
    char path[900] = "";
    g->driver_caches = strstr(g->found->info.platform, "Portable Computing") != NULL ||
                       strstr(g->found->info.platform, "NVIDIA") != NULL;
    if (named)
        clg__format(path, sizeof path, "%s", named);
    else if (g->driver_caches)
        return;
    else if (xdg && *xdg)
        clg__format(path, sizeof path, "%s/clgrad", xdg);
    else if (home && *home)
        clg__format(path, sizeof path, "%s/.cache/clgrad", home);
    if (*path && make_folders(path))
        g->cache_dir = clg__absolute(path);
    if (g->cache_dir)
        remove_leftovers(g->cache_dir);
}

static unsigned char *read_file(const char *path, size_t *size)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    unsigned char *data = NULL;
    if (fstat(fileno(f), &st) == 0 && st.st_size > 0 && st.st_size < 1 << 30)
        data = clg__malloc((size_t) st.st_size);
    *size = data ? (size_t) st.st_size : 0;
    if (data && fread(data, 1, *size, f) != *size) {
        clg__free(data);
        data = NULL;
    }
    fclose(f);
    return data;
}

cl_program clg__cache_load(clg__gpu *g, const char *key)
{
    char path[1000];
    size_t size;
    cl_int status = CL_SUCCESS, rc = CL_SUCCESS;
    head h;
    if (!g->cache_dir)
        return NULL;
    clg__format(path, sizeof path, "%s/%s.clbin", g->cache_dir, key);
    unsigned char *data = read_file(path, &size);
    if (!data)
        return NULL;
    cl_program p = NULL;
    const unsigned char *bytes = data + sizeof h;
    const size_t n = size > sizeof h ? size - sizeof h : 0;
    if (n > 0)
        memcpy(&h, data, sizeof h);
    if (n > 0 && memcmp(h.magic, magic, sizeof magic) == 0 && h.size == n &&
        h.hash == clg__hash(bytes, n, 0)) {
        p = clCreateProgramWithBinary(g->context, 1, &g->id, &n, &bytes, &status, &rc);
    }
    clg__free(data);
    if (p && (rc != CL_SUCCESS || status != CL_SUCCESS ||
              clBuildProgram(p, 1, &g->id, g->options, NULL, NULL) != CL_SUCCESS)) {
        clReleaseProgram(p);
        p = NULL;
    }
    return p;
}

static bool write_all(int fd, const void *data, size_t n)
{
    const char *p = data;
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

// Private to the user, whatever the umask. Not on a standard stream that the application closed: what is
// printed there would go into the file.
static int create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && fd <= STDERR_FILENO) {
        const int low = fd;
        fd = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        close(low);
    }
    if (fd >= 0)
        fchmod(fd, 0600);
    return fd;
}

// A limit on the size of files says so by a signal, which would end the process.
static bool write_entry(int fd, const head *h, const void *data)
{
    const struct timespec now = { 0, 0 };
    sigset_t limit, old, pending;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &limit, &old);
    const bool ok = write_all(fd, h, sizeof *h) && write_all(fd, data, h->size) && fsync(fd) == 0;
    if (!ok && errno == EFBIG && !sigismember(&pending, SIGXFSZ))
        sigtimedwait(&limit, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return ok;
}

void clg__cache_store(clg__gpu *g, const char *key, cl_program p)
{
    static atomic_uint calls; // threads of one process may store the same entry
    size_t size = 0;
    char path[1000], temp[1060];
    if (!g->cache_dir ||
        clGetProgramInfo(p, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) != CL_SUCCESS || !size)
        return;
    unsigned char *data = clg__malloc(size);
    if (!data)
        return;
    if (clGetProgramInfo(p, CL_PROGRAM_BINARIES, sizeof data, &data, NULL) == CL_SUCCESS) {
        clg__format(path, sizeof path, "%s/%s.clbin", g->cache_dir, key);
        clg__format(temp, sizeof temp, "%s.%ld-%u", path, (long) getpid(),
                    atomic_fetch_add(&calls, 1));
        head h = { .size = size, .hash = clg__hash(data, size, 0) };
        memcpy(h.magic, magic, sizeof magic);
        const int fd = create(temp);
        bool ok = fd >= 0 && write_entry(fd, &h, data);
        if (fd >= 0)
            ok = close(fd) == 0 && ok;
        if (!ok || rename(temp, path) != 0)
            unlink(temp);
    }
    clg__free(data);
}
