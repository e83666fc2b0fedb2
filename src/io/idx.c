// SPDX-License-Identifier: MIT
// IDX: two zero bytes, a type, a rank, big-endian sizes, big-endian values; plain or gzip.
#include "io/text.h"
#include "io/whole.h"

#include "base/file.h"

#include <clgrad/io.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { MAX_BYTES = 1 << 30 };

static const clg_dtype no_dtype = (clg_dtype) CLG_DTYPE_COUNT;

static clg_dtype dtype_coded(int code)
{
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        if (code && clg_dtype_get_info((clg_dtype) t)->idx == code)
            return (clg_dtype) t;
    }
    return no_dtype;
}

// Up to n bytes. The last two come in one call: zlib sees a stream that ends within its checksum only while
// it still has to give something.
static size_t read_up_to(gzFile f, void *to, size_t n)
{
    const size_t piece = 1 << 20;
    unsigned char *p = to;
    size_t have = 0;
    while (have < n) {
        const size_t left = n - have;
        errno = 0;
        const int got = gzread(f, p + have, (unsigned) (left > piece + 1 ? piece : left)), why = errno;
        int wrong;
        gzerror(f, &wrong);
        const bool interrupted = wrong == Z_ERRNO && why == EINTR; // a signal, on a slow file
        if (interrupted)
            gzclearerr(f);
        else if (got <= 0)
            break;
        have += got > 0 ? (size_t) got : 0;
    }
    return have;
}

static bool read_exactly(gzFile f, void *to, size_t n)
{
    return read_up_to(f, to, n) == n;
}

// Fewer bytes than were asked for: says why.
static clg_status cut_short(gzFile f, const char *path, char *error, size_t size, const char *where)
{
    int code = Z_OK;
    const char *text = gzerror(f, &code);
    if (code == Z_ERRNO)
        return clg__text(error, size, CLG_EIO, "%s: %s", path, strerror(errno));
    if (code == Z_MEM_ERROR)
        return clg__text(error, size, CLG_ENOMEM, "%s: out of host memory", path);
    if (code == Z_DATA_ERROR && strstr(text, "check"))
        return clg__text(error, size, CLG_EFORMAT,
                         "%s: damaged gzip data: the checksum is not that of the data", path);
    if (code == Z_DATA_ERROR)
        return clg__text(error, size, CLG_EFORMAT, "%s: damaged gzip data", path);
    if (code == Z_BUF_ERROR)
        return clg__text(error, size, CLG_EFORMAT, "%s: the gzip data are cut short", path);
    return clg__text(error, size, CLG_EFORMAT, "%s: ends %s", path, where);
}

static clg_status read_header(clg_idx *x, gzFile f, const char *path, size_t *bytes, char *error,
                              size_t size)
{
    unsigned char h[4], d[4];
    if (!read_exactly(f, h, 4))
        return cut_short(f, path, error, size, "within the header");
    x->dtype = dtype_coded(h[2]);
    if (h[0] != 0 || h[1] != 0 || x->dtype == no_dtype)
        return clg__text(error, size, CLG_EFORMAT,
                         "%s: not an IDX file (starts with %02x %02x %02x %02x)", path, h[0], h[1],
                         h[2], h[3]);
    if (h[3] > CLG_MAX_RANK)
        return clg__text(error, size, CLG_EFORMAT, "%s: rank %d, at most %d", path, h[3],
                         CLG_MAX_RANK);
    x->shape.rank = h[3];
    for (int i = 0; i < x->shape.rank; i++) {
        if (!read_exactly(f, d, 4))
            return cut_short(f, path, error, size, "within the header");
        x->shape.dim[i] = (int64_t) d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3];
    }
    uint64_t all;
    if (!clg__size_of(&x->shape, clg_dtype_size(x->dtype), &all) || all > MAX_BYTES)
        return clg__text(error, size, CLG_EFORMAT, "%s: the header asks for more than %d bytes",
                         path, MAX_BYTES);
    *bytes = (size_t) all;
    return CLG_OK;
}

// In pieces: a header that lies costs no more memory than the file has.
static clg_status read_data(clg_idx *x, gzFile f, const char *path, size_t bytes, char *error,
                            size_t size)
{
    size_t have = 0, room = 0;
    unsigned char *p = NULL;
    while (have < bytes || !p) {
        const size_t want = room ? (2 * room < bytes ? 2 * room : bytes) : bytes < 1 << 20 ? bytes : 1 << 20;
        unsigned char *q = realloc(p, want + 1);
        if (!q) {
            free(p);
            return clg__text(error, size, CLG_ENOMEM, "%s: out of host memory for %zu bytes", path,
                             bytes);
        }
        p = q;
        const size_t more = want == bytes; // a byte too many, which must not be there
        const size_t got = read_up_to(f, p + have, want - have + more);
        if (got != want - have) {
            free(p);
            return got > want - have
                       ? clg__text(error, size, CLG_EFORMAT, "%s: has data after its last element", path)
                       : cut_short(f, path, error, size, "before its last element");
        }
        have = room = want;
    }
    if (!clg__big_endian_host())
        clg__swap_bytes(p, bytes / clg_dtype_size(x->dtype), clg_dtype_size(x->dtype));
    x->data = p;
    return CLG_OK;
}

clg_status clg_idx_open(clg_idx *out, const char *path, char *error, size_t error_size)
{
    clg_idx x = { .data = NULL };
    size_t bytes = 0;
    if (!out || !path)
        return clg__text(error, error_size, CLG_EINVAL, "idx: NULL");
    memset(out, 0, sizeof *out);
    const int fd = clg__open(path, O_RDONLY, 0);
    errno = fd < 0 ? errno : 0;
    gzFile f = fd < 0 ? NULL : gzdopen(fd, "rb");
    if (!f && fd >= 0)
        close(fd);
    if (!f)
        return clg__text(error, error_size, CLG_EIO, "%s: %s", path,
                         errno ? strerror(errno) : "out of memory");
    clg_status st = read_header(&x, f, path, &bytes, error, error_size);
    if (st >= 0)
        st = read_data(&x, f, path, bytes, error, error_size);
    // closing says that the stream ended within its checksum
    if (gzclose(f) != Z_OK && st >= 0) {
        clg_idx_close(&x);
        st = clg__text(error, error_size, CLG_EFORMAT, "%s: the gzip data are cut short", path);
    }
    if (st >= 0)
        *out = x;
    return st;
}

void clg_idx_close(clg_idx *x)
{
    if (!x)
        return;
    free(x->data);
    memset(x, 0, sizeof *x);
}

// gzip in memory
static bool deflate_all(const unsigned char *in, size_t n, unsigned char **out, size_t *size)
{
    z_stream z = { 0 };
    if (n > UINT32_MAX / 2 || deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    const size_t bound = deflateBound(&z, n) + 64;
    *out = malloc(bound);
    z.next_in = (unsigned char *) (uintptr_t) in;
    z.avail_in = (unsigned) n;
    z.next_out = *out;
    z.avail_out = (unsigned) bound;
    const bool ok = *out && deflate(&z, Z_FINISH) == Z_STREAM_END;
    *size = bound - z.avail_out;
    deflateEnd(&z);
    if (!ok) {
        free(*out);
        *out = NULL;
    }
    return ok;
}

// What keeps an array from being written, or NULL.
static const char *unfit(clg_dtype t, const clg_shape *shape, const void *data, int *code, size_t *bytes)
{
    uint64_t all;
    const clg_dtype_info *info = clg_dtype_get_info(t);
    *code = info ? info->idx : 0;
    if (!*code)
        return "IDX has no such type";
    if (shape->rank < 0 || shape->rank > CLG_MAX_RANK)
        return "it has no rank that can be read again";
    for (int d = 0; d < shape->rank; d++) {
        if (shape->dim[d] < 0 || shape->dim[d] > UINT32_MAX)
            return "a dimension does not fit 32 bits";
    }
    if (!clg__size_of(shape, clg_dtype_size(t), &all) || all > MAX_BYTES)
        return "it has more than 1 GiB";
    *bytes = (size_t) all;
    return all && !data ? "it has no data" : NULL;
}

clg_status clg_idx_write(const char *path, clg_dtype t, clg_shape shape, const void *data,
                         char *error, size_t error_size)
{
    size_t bytes = 0;
    int code;
    const char *why = path ? unfit(t, &shape, data, &code, &bytes) : "the path is NULL";
    if (why)
        return clg__text(error, error_size, CLG_EINVAL, "%s: cannot write %s of rank %d: %s",
                         path ? path : "idx", clg_dtype_name(t), shape.rank, why);
    const size_t head = 4 + 4 * (size_t) shape.rank;
    unsigned char *p = malloc(head + bytes), *zipped = NULL;
    size_t zipped_size = 0;
    if (!p)
        return clg__text(error, error_size, CLG_ENOMEM, "idx: out of host memory");
    p[0] = p[1] = 0;
    p[2] = (unsigned char) code;
    p[3] = (unsigned char) shape.rank;
    for (int d = 0; d < shape.rank; d++) {
        for (int k = 0; k < 4; k++)
            p[4 + 4 * d + k] = (unsigned char) (shape.dim[d] >> (24 - 8 * k));
    }
    if (bytes)
        memcpy(p + head, data, bytes);
    if (!clg__big_endian_host())
        clg__swap_bytes(p + head, bytes / clg_dtype_size(t), clg_dtype_size(t));
    const size_t n = strlen(path);
    const bool zip = n > 3 && strcmp(path + n - 3, ".gz") == 0;
    clg_status st;
    if (zip && !deflate_all(p, head + bytes, &zipped, &zipped_size))
        st = clg__text(error, error_size, CLG_ENOMEM, "idx: cannot compress");
    else
        st = clg_write_atomic(path, zip ? zipped : p, zip ? zipped_size : head + bytes, error,
                              error_size);
    free(zipped);
    free(p);
    return st;
}
