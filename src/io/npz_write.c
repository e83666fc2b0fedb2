// SPDX-License-Identifier: MIT
// Writing .npz: members behind each other, then the directory. zip64 where a number needs it.
#include "io/npy.h"
#include "io/text.h"

#include <clgrad/io.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MAX_NAME = 65000, DEFLATE = 8, UTF8_NAMES = 1 << 11, JANUARY_1980 = 0x21 };

typedef struct archive {
    clg__bytes file, directory;
    bool failed; // out of memory
    uint64_t count;
} archive;

static void put(archive *a, clg__bytes *b, uint64_t v, int bytes)
{
    unsigned char p[8];
    for (int i = 0; i < bytes; i++, v >>= 8)
        p[i] = (unsigned char) v;
    a->failed |= !clg__bytes_add(b, p, (size_t) bytes);
}

static uint64_t narrow(uint64_t v)
{
    return v < UINT32_MAX ? v : UINT32_MAX;
}

// What local header and directory share.
static void put_entry(archive *a, clg__bytes *b, const char *name, bool deflated, uint32_t crc, uint64_t packed,
                      uint64_t size, bool wide)
{
    put(a, b, wide ? 45 : 20, 2);
    put(a, b, UTF8_NAMES, 2);
    put(a, b, deflated ? DEFLATE : 0, 2);
    put(a, b, 0, 2); // time and day are the same for all, so that equal arrays are equal files
    put(a, b, JANUARY_1980, 2);
    put(a, b, crc, 4);
    put(a, b, wide ? UINT32_MAX : packed, 4);
    put(a, b, wide ? UINT32_MAX : size, 4);
    put(a, b, strlen(name) + 4, 2);
}

static void put_name(archive *a, clg__bytes *b, const char *name)
{
    a->failed |= !clg__bytes_add(b, name, strlen(name)) || !clg__bytes_add(b, ".npy", 4);
}

// A deflated form of b in its place; false when out of memory.
static bool deflate_all(clg__bytes *b)
{
    z_stream z = { 0 };
    unsigned char room[1 << 14];
    clg__bytes out = { 0 };
    size_t left = b->n;
    if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    z.next_in = b->data;
    int state = Z_OK;
    bool ok = true;
    while (ok && state == Z_OK) {
        const unsigned take = (unsigned) (left < 1 << 30 ? left : 1 << 30);
        z.avail_in = take;
        z.next_out = room;
        z.avail_out = sizeof room;
        state = deflate(&z, left > take ? Z_NO_FLUSH : Z_FINISH);
        left -= take - z.avail_in;
        ok = clg__bytes_add(&out, room, sizeof room - z.avail_out);
    }
    deflateEnd(&z);
    free(b->data);
    *b = out;
    return ok && state == Z_STREAM_END;
}

static void add_member(archive *a, const char *name, clg__bytes *npy, bool compress)
{
    uLong crc = crc32(0, NULL, 0);
    for (size_t k, done = 0; done < npy->n; done += k) {
        k = npy->n - done < 1 << 30 ? npy->n - done : 1 << 30;
        crc = crc32(crc, npy->data + done, (unsigned) k);
    }
    const uint64_t size = npy->n, at = a->file.n;
    if (compress && !deflate_all(npy)) {
        a->failed = true;
        return;
    }
    const bool wide = size >= UINT32_MAX || npy->n >= UINT32_MAX, far = at >= UINT32_MAX;
    clg__bytes *b = &a->file;
    put(a, b, 0x04034b50, 4);
    put_entry(a, b, name, compress, (uint32_t) crc, npy->n, size, wide);
    put(a, b, wide ? 20 : 0, 2);
    put_name(a, b, name);
    if (wide) {
        put(a, b, 1, 2);
        put(a, b, 16, 2);
        put(a, b, size, 8);
        put(a, b, npy->n, 8);
    }
    a->failed |= !clg__bytes_add(b, npy->data, npy->n);
    b = &a->directory;
    put(a, b, 0x02014b50, 4);
    put(a, b, 45, 2);
    put_entry(a, b, name, compress, (uint32_t) crc, npy->n, size, wide);
    put(a, b, wide || far ? 4 + (wide ? 16 : 0) + (far ? 8 : 0) : 0, 2);
    put(a, b, 0, 8); // no comment, disk 0, no attributes
    put(a, b, 0, 2);
    put(a, b, narrow(at), 4);
    put_name(a, b, name);
    if (wide || far) {
        put(a, b, 1, 2);
        put(a, b, (wide ? 16 : 0) + (far ? 8 : 0), 2);
        if (wide) {
            put(a, b, size, 8);
            put(a, b, npy->n, 8);
        }
        if (far)
            put(a, b, at, 8);
    }
    a->count++;
}

static void finish(archive *a)
{
    const uint64_t at = a->file.n, size = a->directory.n;
    clg__bytes *b = &a->file;
    a->failed |= !clg__bytes_add(b, a->directory.data, a->directory.n);
    if (a->count >= 0xffff || at >= UINT32_MAX || size >= UINT32_MAX) {
        const uint64_t end = b->n;
        put(a, b, 0x06064b50, 4);
        put(a, b, 44, 8);
        put(a, b, 45, 2);
        put(a, b, 45, 2);
        put(a, b, 0, 8);
        put(a, b, a->count, 8);
        put(a, b, a->count, 8);
        put(a, b, size, 8);
        put(a, b, at, 8);
        put(a, b, 0x07064b50, 4);
        put(a, b, 0, 4);
        put(a, b, end, 8);
        put(a, b, 1, 4);
    }
    put(a, b, 0x06054b50, 4);
    put(a, b, 0, 4);
    put(a, b, a->count < 0xffff ? a->count : 0xffff, 2);
    put(a, b, a->count < 0xffff ? a->count : 0xffff, 2);
    put(a, b, narrow(size), 4);
    put(a, b, narrow(at), 4);
    put(a, b, 0, 2);
}

// Unicode's table of well-formed sequences.
static bool is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *) text;
    while (*p) {
        const unsigned char c = *p++;
        const int more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2
                                                       : c >= 0xf0 && c < 0xf5 ? 3 : -1;
        if (more < 0 || (c == 0xe0 && *p < 0xa0) || (c == 0xed && *p > 0x9f) || (c == 0xf0 && *p < 0x90) ||
            (c == 0xf4 && *p > 0x8f))
            return false;
        for (int i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80)
                return false;
        }
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

// NULL, or what is wrong with the names.
static const char *check_names(const char *const *names, int n)
{
    for (int i = 0; i < n; i++) {
        if (!names[i] || !is_utf8(names[i]) || strlen(names[i]) > MAX_NAME)
            return "a name is NULL, not UTF-8, or longer than 65,000 bytes";
    }
    const char **sorted = malloc(((size_t) n + 1) * sizeof *sorted), *wrong = NULL;
    if (!sorted)
        return "out of host memory";
    if (n)
        memcpy(sorted, names, (size_t) n * sizeof *sorted);
    qsort(sorted, (size_t) n, sizeof *sorted, by_name);
    for (int i = 1; i < n && !wrong; i++)
        wrong = strcmp(sorted[i - 1], sorted[i]) == 0 ? "two arrays have one name" : NULL;
    free(sorted);
    return wrong;
}

clg_status clg_npz_write(const char *path, const char *const *names, const clg_array *arrays, int n, bool compress,
                         char *error, size_t error_size)
{
    archive a = { 0 };
    clg_status st = CLG_EINVAL;
    if (!path || n < 0 || (n > 0 && (!names || !arrays)))
        return clg__text(error, error_size, st, "%s: NULL, or a negative number of arrays", path ? path : "npz");
    const char *wrong = check_names(names, n);
    if (wrong)
        return clg__text(error, error_size, strcmp(wrong, "out of host memory") ? st : CLG_ENOMEM, "%s: %s", path, wrong);
    for (int i = 0; i < n && !wrong && !a.failed; i++) {
        clg__bytes npy = { 0 };
        wrong = clg__npy_write(&npy, arrays[i].dtype, &arrays[i].shape, arrays[i].data, &st);
        if (wrong)
            clg__text(error, error_size, st, "%s: '%.200s': %s", path, names[i], wrong);
        else
            add_member(&a, names[i], &npy, compress);
        free(npy.data);
    }
    if (!wrong && !a.failed)
        finish(&a);
    if (!wrong && a.failed)
        st = clg__text(error, error_size, CLG_ENOMEM, "%s: out of host memory", path);
    else if (!wrong)
        st = clg_write_atomic(path, a.file.data, a.file.n, error, error_size);
    free(a.file.data);
    free(a.directory.data);
    return st;
}
