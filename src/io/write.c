// SPDX-License-Identifier: MIT
// Atomic writing: at every moment the path holds the old file or the new one, whole.
#include "io/text.h"

#include "base/file.h"

#include <clgrad/io.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// Room for a path whose links were followed; what of a long name goes into the temporary one, so that
// it does not become too long for the file system.
enum { PATH_ROOM = 4096, MAX_PATH_TEXT = 1000, STEM = 190, MAX_LINKS = 40 };

typedef struct target {
    char path[PATH_ROOM];   // links followed
    char folder[PATH_ROOM]; // "" where the path has none
    char stem[STEM + 40];   // "name.tmp-": how the temporary names of this path begin
    unsigned host;
    bool there;
    struct stat was; // when there
} target;

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        const ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            errno = done == 0 ? ENOSPC : errno;
            return false;
        }
        p += done;
        n -= (size_t) done;
    }
    return true;
}

// A limit on the size of files says so by a signal, which would end the process: here it is EFBIG.
static bool write_within_limit(int fd, const void *bytes, size_t n)
{
    const struct timespec now = { 0, 0 };
    sigset_t limit, old, pending;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &limit, &old);
    const bool ok = write_all(fd, bytes, n);
    const int why = errno;
    if (!ok && why == EFBIG && !sigismember(&pending, SIGXFSZ))
        sigtimedwait(&limit, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = why;
    return ok;
}

static unsigned hash_of(const char *text)
{
    unsigned hash = 2166136261u; // FNV-1a
    for (; *text; text++)
        hash = (hash ^ (unsigned char) *text) * 16777619u;
    return hash;
}

static const char *folder_or_here(const target *t)
{
    return t->folder[0] ? t->folder : ".";
}

static void split(target *t)
{
    const char *slash = strrchr(t->path, '/'), *name = slash ? slash + 1 : t->path;
    char host[256] = "";
    snprintf(t->folder, sizeof t->folder, "%.*s", (int) (name - t->path), t->path);
    if (strlen(name) <= STEM)
        snprintf(t->stem, sizeof t->stem, "%s.tmp-", name);
    else
        snprintf(t->stem, sizeof t->stem, "%.*s-%08x.tmp-", STEM, name, hash_of(name));
    gethostname(host, sizeof host - 1);
    t->host = hash_of(host);
}

// What a write to path replaces: a link stays, and what it points to is replaced. Returns what is
// wrong, or NULL.
static const char *find_target(target *t, const char *path)
{
    char link[PATH_ROOM];
    int links = 0;
    ssize_t n;
    snprintf(t->path, sizeof t->path, "%s", path);
    while ((n = readlink(t->path, link, sizeof link - 1)) > 0) {
        const char *slash = strrchr(t->path, '/');
        const int keep = link[0] != '/' && slash ? (int) (slash + 1 - t->path) : 0;
        link[n] = '\0';
        if (++links > MAX_LINKS || keep + n >= PATH_ROOM)
            return strerror(links > MAX_LINKS ? ELOOP : ENAMETOOLONG);
        memcpy(t->path + keep, link, (size_t) n + 1);
    }
    split(t);
    t->there = stat(t->path, &t->was) == 0;
    if (!t->there)
        return errno == ENOENT ? NULL : strerror(errno);
    if (!S_ISREG(t->was.st_mode))
        return S_ISDIR(t->was.st_mode) ? "is a folder" : "is not a regular file";
    return access(t->path, W_OK) == 0 ? NULL : strerror(errno);
}

// "name.tmp-HOST-PID-NUMBER", of a writer of this host that is dead, or a day old.
static bool is_leftover(int folder, const char *name, const target *t)
{
    const size_t n = strlen(t->stem);
    unsigned host, number;
    long pid;
    int used = -1;
    struct stat st;
    if (strncmp(name, t->stem, n) != 0 || strspn(name + n, "0123456789abcdef-") != strlen(name + n) ||
        sscanf(name + n, "%8x-%ld-%u%n", &host, &pid, &number, &used) != 3 || used < 0 ||
        name[n + (size_t) used] != '\0' || pid <= 0)
        return false;
    if (host == t->host && kill((pid_t) pid, 0) != 0 && errno == ESRCH)
        return true;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           difftime(time(NULL), st.st_mtime) > 24 * 3600;
}

static void remove_leftovers(const target *t)
{
    DIR *d = opendir(folder_or_here(t));
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (is_leftover(dirfd(d), e->d_name, t))
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
}

// Where the application closed a standard stream, what is printed there would go into the file.
static int off_the_streams(int low)
{
    const int fd = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), why = errno;
    close(low);
    errno = why;
    return fd;
}

// A file that did not exist before, of the owner and with the rights of the one that it will replace.
static int create_temp(char temp[PATH_ROOM], const target *t)
{
    static atomic_uint calls;
    const mode_t rights = t->there ? 0600 : 0664;
    int fd = -1;
    for (int tries = 0; fd < 0 && tries < 100; tries++) {
        const int n = snprintf(temp, PATH_ROOM, "%s%s%08x-%ld-%u", t->folder, t->stem, t->host,
                               (long) getpid(), atomic_fetch_add(&calls, 1));
        if (n < 0 || n >= PATH_ROOM) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = clg__open(temp, O_WRONLY | O_CREAT | O_EXCL, rights);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd >= 0 && fd <= STDERR_FILENO)
        fd = off_the_streams(fd);
    struct stat now;
    if (fd < 0 || fstat(fd, &now) != 0)
        return fd;
    if (!t->there) {
        if ((now.st_mode & 0600) != 0600) // an umask of 0777 is no reason to lock the owner out
            fchmod(fd, (now.st_mode & 0777) | 0600);
        return fd;
    }
    mode_t mode = t->was.st_mode & 0777;
    const bool other = now.st_uid != t->was.st_uid || now.st_gid != t->was.st_gid;
    // where the group cannot be kept, its rights become those of all others
    if (other && fchown(fd, t->was.st_uid, t->was.st_gid) != 0 &&
        fchown(fd, (uid_t) -1, t->was.st_gid) != 0)
        mode = (mode & 0707) | (mode & 7) << 3;
    if (fchmod(fd, mode) != 0 && errno != EPERM) { // a file system may know no rights
        const int why = errno;
        close(fd);
        unlink(temp);
        errno = why;
        return -1;
    }
    return fd;
}

// Some file systems cannot, and say so.
static bool synced(int fd)
{
    int rc;
    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    return rc == 0 || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
}

static bool sync_folder(const target *t)
{
    const int fd = clg__open(folder_or_here(t), O_RDONLY, 0);
    if (fd < 0)
        return true; // a folder that may be written and not read
    const bool ok = synced(fd);
    const int why = errno;
    close(fd);
    errno = why;
    return ok;
}

clg_status clg_write_atomic(const char *path, const void *bytes, size_t n, char *error,
                            size_t error_size)
{
    char temp[PATH_ROOM];
    target t;
    if (!path || !*path || strlen(path) > MAX_PATH_TEXT || (!bytes && n))
        return clg__text(error, error_size, CLG_EINVAL, "%s",
                         !path || !*path ? "no path is given"
                         : !bytes && n   ? "NULL bytes"
                                         : "the path is longer than 1,000 bytes");
    const char *wrong = find_target(&t, path);
    if (wrong)
        return clg__text(error, error_size, CLG_EIO, "%s: %s", path, wrong);
    remove_leftovers(&t);
    const int fd = create_temp(temp, &t);
    if (fd < 0)
        return clg__text(error, error_size, CLG_EIO, "%s: %s", path, strerror(errno));
    bool ok = write_within_limit(fd, bytes, n) && synced(fd);
    int why = errno;
    if (close(fd) != 0 && errno != EINTR && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(temp, t.path) != 0) {
        ok = false;
        why = errno;
    }
    if (!ok) {
        unlink(temp);
        return clg__text(error, error_size, CLG_EIO, "%s: %s", path, strerror(why));
    }
    if (!sync_folder(&t))
        return clg__text(error, error_size, CLG_EIO,
                         "%s: is written, but may not outlast a power failure: %s", path,
                         strerror(errno));
    return CLG_OK;
}
