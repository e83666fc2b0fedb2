// SPDX-License-Identifier: MIT
// Files read whole, in pieces, so that what has no size (a pipe) can be read and one without end is not.
#include "io/whole.h"
#include "io/text.h"

#include "base/file.h"

#include <clgrad/array.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

clg_status clg__read_whole(const char *path, bool (*known)(const unsigned char *first), size_t most,
                           unsigned char **out, size_t *size, char *error, size_t error_size)
{
    struct stat s;
    *out = NULL;
    *size = 0;
    const int fd = clg__open(path, O_RDONLY, 0);
    if (fd < 0)
        return clg__text(error, error_size, CLG_EIO, "%s: %s", path, strerror(errno));
    const bool sized = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0;
    size_t have = 0, room = sized && (uint64_t) s.st_size < most ? (size_t) s.st_size + 1 : 1 << 16;
    unsigned char *p = malloc(room);
    int failed = 0;
    while (p && !failed && have <= most) {
        const ssize_t got = read(fd, p + have, room - have);
        if (got < 0 && errno != EINTR)
            failed = errno;
        else if (got == 0)
            break;
        have += got > 0 ? (size_t) got : 0;
        if (have >= 8 && !known(p))
            break;
        if (have == room) {
            unsigned char *q = room < SIZE_MAX / 2 ? realloc(p, room *= 2) : NULL;
            if (!q)
                free(p);
            p = q;
        }
    }
    close(fd);
    if (p && !failed && have <= most) {
        *out = p;
        *size = have;
        return CLG_OK;
    }
    const bool memory = !p;
    free(p);
    if (failed)
        return clg__text(error, error_size, CLG_EIO, "%s: %s", path, strerror(failed));
    if (memory)
        return clg__text(error, error_size, CLG_ENOMEM, "%s: out of host memory", path);
    return clg__text(error, error_size, CLG_EFORMAT, "%s: has more than %zu bytes", path, most);
}

bool clg__bytes_add(clg__bytes *b, const void *p, size_t n)
{
    if (n > b->room - b->n) {
        const size_t room = b->room + n + b->room / 2 + 4096;
        unsigned char *q = room > b->room ? realloc(b->data, room) : NULL;
        if (!q)
            return false;
        b->data = q;
        b->room = room;
    }
    if (n)
        memcpy(b->data + b->n, p, n);
    b->n += n;
    return true;
}

bool clg__big_endian_host(void)
{
    const uint16_t one = 1;
    return *(const unsigned char *) &one == 0;
}

void clg__swap_bytes(unsigned char *p, size_t n, size_t width)
{
    for (size_t i = 0; i < n && width > 1; i++, p += width) {
        for (size_t k = 0; k < width / 2; k++) {
            const unsigned char t = p[k];
            p[k] = p[width - 1 - k];
            p[width - 1 - k] = t;
        }
    }
}

void clg_array_close(clg_array *a)
{
    if (!a)
        return;
    free(a->data);
    memset(a, 0, sizeof *a);
}
