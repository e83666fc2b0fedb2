// SPDX-License-Identifier: MIT
// Compiled programs on disk. A damaged entry is rebuilt, an unwritable folder means no cache: a cache
// never makes anything fail. Drivers that cache better themselves are left to it. What is loaded becomes the
// newest file, and the oldest go when there are too many.
#include "device/internal.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/file.h"
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
    uint64_t id_size;    // what was compiled, how and for what, comes first; then the binary
    uint64_t size, hash; // of the binary
} head;
static const char magic[8] = "clgrad3";

enum { EVERY = 64 }; // programs that are stored between two looks at the folder

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
    else if (g->driver_caches && !g->compiler)
        return;
    else if (xdg && *xdg)
        clg__format(path, sizeof path, "%s/clgrad", xdg);
    else if (home && *home)
        clg__format(path, sizeof path, "%s/.cache/clgrad", home);
    g->cache_bytes = 512 << 20;
    char *folder = *path && make_folders(path) ? clg__absolute(path) : NULL;
    clg__known_open(g, folder);
    if (g->driver_caches && !named) {
        clg__free(folder);
        return;
    }
    g->cache_dir = folder;
    if (g->cache_dir)
        remove_leftovers(g->cache_dir);
}

static unsigned char *read_file(const char *path, size_t *size)
{
    struct stat st;
    FILE *f = clg__open_stream(path);
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

// The binary in the entry, when it is whole and of this id.
static const unsigned char *binary_in(const unsigned char *data, size_t size, const clg__str *id, size_t *n)
{
    head h;
    if (size <= sizeof h)
        return NULL;
    memcpy(&h, data, sizeof h);
    if (memcmp(h.magic, magic, sizeof magic) != 0 || h.id_size != id->length ||
        size - sizeof h < id->length || h.size != size - sizeof h - id->length || h.size == 0 ||
        memcmp(data + sizeof h, id->text, id->length) != 0)
        return NULL;
    *n = h.size;
    data += sizeof h + id->length;
    return h.hash == clg__hash(data, *n, 0) ? data : NULL;
}

cl_program clg__cache_load(clg__gpu *g, const char *key, const clg__str *id)
{
    char path[1000];
    size_t size, n;
    cl_int status = CL_SUCCESS, rc = CL_SUCCESS;
    if (!g->cache_dir)
        return NULL;
    clg__format(path, sizeof path, "%s/%s.clbin", g->cache_dir, key);
    unsigned char *data = read_file(path, &size);
    if (!data)
        return NULL;
    cl_program p = NULL;
    const unsigned char *bytes = binary_in(data, size, id, &n);
    if (bytes)
        p = clCreateProgramWithBinary(g->context, 1, &g->id, &n, &bytes, &status, &rc);
    clg__free(data);
    if (p && (rc != CL_SUCCESS || status != CL_SUCCESS ||
              clBuildProgram(p, 1, &g->id, g->options, NULL, NULL) != CL_SUCCESS)) {
        clReleaseProgram(p);
        p = NULL;
    }
    if (p)
        utimensat(AT_FDCWD, path, NULL, 0);
    return p;
}

typedef struct entry {
    char name[48];
    uint64_t size;
    struct timespec used;
} entry;

static int by_age(const void *a, const void *b)
{
    const struct timespec *x = &((const entry *) a)->used, *y = &((const entry *) b)->used;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

// Ours are named by 32 digits; what an interrupted store left behind has more after its name.
static bool is_ours(const char *name)
{
    return strspn(name, "0123456789abcdef") == 32 && strncmp(name + 32, ".clbin", 6) == 0 &&
           strlen(name) < sizeof ((entry *) NULL)->name;
}

void clg__cache_prune(clg__gpu *g)
{
    entry *all = NULL;
    int n = 0, capacity = 0;
    uint64_t total = 0;
    DIR *d = g->cache_dir ? opendir(g->cache_dir) : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        if (!is_ours(e->d_name) || fstatat(dirfd(d), e->d_name, &st, 0) != 0 ||
            !clg__grow((void **) &all, &capacity, n + 1, sizeof *all))
            continue;
        all[n] = (entry) { .size = (uint64_t) st.st_size, .used = st.st_mtim };
        clg__format(all[n++].name, sizeof all->name, "%s", e->d_name);
        total += (uint64_t) st.st_size;
    }
    if (total > g->cache_bytes) {
        qsort(all, (size_t) n, sizeof *all, by_age);
        for (int i = 0; i < n && total > g->cache_bytes / 4 * 3; i++) {
            total -= all[i].size;
            unlinkat(dirfd(d), all[i].name, 0);
        }
    }
    if (d)
        closedir(d);
    clg__free(all);
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
    int fd = clg__open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
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
static bool write_entry(int fd, const head *h, const clg__str *id, const void *data)
{
    const struct timespec now = { 0, 0 };
    sigset_t limit, old, pending;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &limit, &old);
    const bool ok = write_all(fd, h, sizeof *h) && write_all(fd, id->text, id->length) &&
                    write_all(fd, data, h->size) && fsync(fd) == 0;
    if (!ok && errno == EFBIG && !sigismember(&pending, SIGXFSZ))
        sigtimedwait(&limit, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return ok;
}

void clg__cache_store(clg__gpu *g, const char *key, const clg__str *id, cl_program p)
{
    static atomic_uint calls; // threads of one process may store the same entry
    const unsigned number = atomic_fetch_add(&calls, 1);
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
        clg__format(temp, sizeof temp, "%s.%ld-%u", path, (long) getpid(), number);
        head h = { .id_size = id->length, .size = size, .hash = clg__hash(data, size, 0) };
        memcpy(h.magic, magic, sizeof magic);
        const int fd = create(temp);
        bool ok = fd >= 0 && write_entry(fd, &h, id, data);
        if (fd >= 0)
            ok = close(fd) == 0 && ok;
        if (!ok || rename(temp, path) != 0)
            unlink(temp);
    }
    clg__free(data);
    if (number % EVERY == 0)
        clg__cache_prune(g);
}
