// SPDX-License-Identifier: MIT
// .npz: a zip archive of .npy files. What the central directory says of a member counts, since local headers may
// leave its sizes out; its checksum is looked at.
#include "io/npy.h"
#include "io/text.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { END = 22, END64 = 56, LOCATOR = 20, ENTRY = 46, LOCAL = 30, MAX_COMMENT = 65535, DEFLATE = 8, MOST_PACKED = 1032 };

typedef struct member {
    char *name; // without ".npy"
    uint64_t packed, size, at;
    uint32_t crc;
    int method;
} member;

struct clg_npz_t {
    unsigned char *bytes;
    size_t n;
    member *m;
    int count;
    char path[1000];
};

static uint64_t number(const unsigned char *p, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static bool is(const unsigned char *p, const char *signature)
{
    return memcmp(p, signature, 4) == 0;
}

// Where the directory is, with how many entries. NULL, or what is wrong.
static const char *find_directory(const clg_npz f, uint64_t *at, uint64_t *size, uint64_t *count)
{
    static const char *const none = "expected a zip archive: it has no directory at its end";
    if (f->n < END)
        return none;
    size_t e = f->n - END;
    const size_t lowest = e > MAX_COMMENT ? e - MAX_COMMENT : 0;
    while (!is(f->bytes + e, "PK\5\6") || number(f->bytes + e + 20, 2) != f->n - END - e) {
        if (e-- == lowest)
            return none;
    }
    const unsigned char *p = f->bytes + e;
    if (number(p + 4, 2) != number(p + 6, 2) || number(p + 8, 2) != number(p + 10, 2))
        return "a zip archive in several parts";
    *count = number(p + 10, 2);
    *size = number(p + 12, 4);
    *at = number(p + 16, 4);
    if (e >= LOCATOR && is(p - LOCATOR, "PK\6\7")) { // zip64
        const uint64_t far = number(p - LOCATOR + 8, 8);
        if (far > e - LOCATOR || e - LOCATOR - far < END64 || !is(f->bytes + far, "PK\6\6"))
            return "damaged zip64 directory";
        *count = number(f->bytes + far + 32, 8);
        *size = number(f->bytes + far + 40, 8);
        *at = number(f->bytes + far + 48, 8);
        e = (size_t) far;
    }
    if (*at > e || *size > e - *at || *count > *size / ENTRY)
        return "damaged zip directory";
    return NULL;
}

// The numbers that do not fit 32 bits are in an extra field, in this order.
static bool read_zip64(const unsigned char *extra, size_t n, member *m)
{
    uint64_t *const wide[] = { &m->size, &m->packed, &m->at };
    while (n >= 4) {
        const size_t id = (size_t) number(extra, 2), length = (size_t) number(extra + 2, 2);
        if (length > n - 4)
            return false;
        const unsigned char *p = extra + 4, *end = p + length;
        for (int i = 0; id == 1 && i < 3; i++) {
            if (*wide[i] != UINT32_MAX)
                continue;
            if (end - p < 8)
                return false;
            *wide[i] = number(p, 8);
            p += 8;
        }
        if (id == 1)
            return true;
        extra += 4 + length;
        n -= 4 + length;
    }
    return m->size != UINT32_MAX && m->packed != UINT32_MAX && m->at != UINT32_MAX;
}

// Where the data of a member begin, behind its own header.
static bool find_data(const clg_npz f, member *m)
{
    if (m->at > f->n || f->n - m->at < LOCAL || !is(f->bytes + m->at, "PK\3\4"))
        return false;
    const unsigned char *p = f->bytes + m->at;
    const uint64_t head = LOCAL + number(p + 26, 2) + number(p + 28, 2);
    if (head > f->n - m->at || m->packed > f->n - m->at - head)
        return false;
    m->at += head;
    return true;
}

static const char *read_entry(clg_npz f, const unsigned char *p, size_t left, size_t *length)
{
    if (left < ENTRY || !is(p, "PK\1\2"))
        return "damaged zip directory";
    const size_t name = (size_t) number(p + 28, 2), extra = (size_t) number(p + 30, 2);
    *length = ENTRY + name + extra + (size_t) number(p + 32, 2);
    if (*length > left)
        return "damaged zip directory";
    if (name < 4 || memcmp(p + ENTRY + name - 4, ".npy", 4) != 0)
        return NULL;
    member m = { .packed = number(p + 20, 4), .size = number(p + 24, 4), .at = number(p + 42, 4),
                 .crc = (uint32_t) number(p + 16, 4), .method = (int) number(p + 10, 2) };
    if (number(p + 8, 2) & 1)
        return "a member is encrypted";
    if (m.method != 0 && m.method != DEFLATE)
        return "a member is packed by another method, expected stored or deflated";
    if (!read_zip64(p + ENTRY + name, extra, &m) || !find_data(f, &m) || (m.method == 0 && m.packed != m.size) ||
        m.size / MOST_PACKED > m.packed)
        return "a member lies outside of the file, or is not as long as it says";
    if (memchr(p + ENTRY, 0, name))
        return "a member's name has a NUL";
    m.name = malloc(name - 3);
    if (!m.name)
        return "out of host memory";
    memcpy(m.name, p + ENTRY, name - 4);
    m.name[name - 4] = '\0';
    f->m[f->count++] = m;
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static const char *check_names(const clg_npz f)
{
    const char **sorted = malloc(((size_t) f->count + 1) * sizeof *sorted), *wrong = NULL;
    if (!sorted)
        return "out of host memory";
    for (int i = 0; i < f->count; i++)
        sorted[i] = f->m[i].name;
    qsort(sorted, (size_t) f->count, sizeof *sorted, by_name);
    for (int i = 1; i < f->count && !wrong; i++)
        wrong = strcmp(sorted[i - 1], sorted[i]) == 0 ? "two members have one name" : NULL;
    free(sorted);
    return wrong;
}

static const char *read_directory(clg_npz f)
{
    uint64_t at, size, count;
    const char *wrong = find_directory(f, &at, &size, &count);
    if (wrong)
        return wrong;
    if (count > INT32_MAX)
        return "too many members";
    f->m = calloc((size_t) count + 1, sizeof *f->m);
    if (!f->m)
        return "out of host memory";
    for (uint64_t i = 0; i < count && !wrong; i++) {
        size_t length = 0;
        wrong = read_entry(f, f->bytes + at, (size_t) size, &length);
        at += length;
        size -= length;
    }
    return wrong ? wrong : check_names(f);
}

static bool zip_begins(const unsigned char *p)
{
    return p[0] == 'P' && p[1] == 'K';
}

clg_status clg_npz_open(clg_npz *out, const char *path, char *error, size_t error_size)
{
    if (out)
        *out = NULL;
    if (!out || !path)
        return clg__text(error, error_size, CLG_EINVAL, "%s: NULL", path ? path : "npz");
    clg_npz f = calloc(1, sizeof *f);
    if (!f)
        return clg__text(error, error_size, CLG_ENOMEM, "%s: out of host memory", path);
    clg__text(f->path, sizeof f->path, CLG_OK, "%s", path);
    clg_status st = clg__read_whole(path, zip_begins, SIZE_MAX / 4, &f->bytes, &f->n, error, error_size);
    const char *wrong = st < 0 ? NULL : read_directory(f);
    if (wrong)
        st = clg__text(error, error_size, strcmp(wrong, "out of host memory") ? CLG_EFORMAT : CLG_ENOMEM, "%s: %s",
                       path, wrong);
    if (st < 0)
        clg_npz_close(&f);
    *out = f;
    return st;
}

void clg_npz_close(clg_npz *f)
{
    if (!f || !*f)
        return;
    for (int i = 0; i < (*f)->count; i++)
        free((*f)->m[i].name);
    free((*f)->m);
    free((*f)->bytes);
    free(*f);
    *f = NULL;
}

int clg_npz_count(clg_npz f)
{
    return f ? f->count : 0;
}

const char *clg_npz_name(clg_npz f, int i)
{
    return f && i >= 0 && i < f->count ? f->m[i].name : NULL;
}

int clg_npz_find(clg_npz f, const char *name)
{
    for (int i = 0; f && name && i < f->count; i++) {
        if (strcmp(f->m[i].name, name) == 0)
            return i;
    }
    return -1;
}

// NULL, or what is wrong. In pieces that zlib can count.
static const char *inflate_all(const unsigned char *in, uint64_t packed, unsigned char *to, uint64_t size)
{
    const uint64_t piece = 1 << 30;
    z_stream z = { 0 };
    if (inflateInit2(&z, -15) != Z_OK)
        return "out of host memory";
    int state = Z_OK;
    z.next_in = (unsigned char *) (uintptr_t) in;
    z.next_out = to;
    while (state == Z_OK) {
        const unsigned take = (unsigned) (packed < piece ? packed : piece), room = (unsigned) (size < piece ? size : piece);
        z.avail_in = take;
        z.avail_out = room;
        state = inflate(&z, Z_NO_FLUSH);
        packed -= take - z.avail_in;
        size -= room - z.avail_out;
    }
    inflateEnd(&z);
    if (state == Z_MEM_ERROR)
        return "out of host memory";
    return state == Z_STREAM_END && packed == 0 && size == 0 ? NULL : "damaged deflated data";
}

static uint32_t checksum(const unsigned char *p, size_t n)
{
    uLong crc = crc32(0, NULL, 0);
    for (size_t k; n > 0; p += k, n -= k) {
        k = n < 1 << 30 ? n : 1 << 30;
        crc = crc32(crc, p, (unsigned) k);
    }
    return (uint32_t) crc;
}

clg_status clg_npz_read(clg_npz f, int i, clg_array *out, char *error, size_t error_size)
{
    char text[200];
    if (out)
        memset(out, 0, sizeof *out);
    if (!f || !out || i < 0 || i >= f->count)
        return clg__text(error, error_size, CLG_EINVAL, "npz: NULL, or there is no array %d", i);
    const member *m = &f->m[i];
    unsigned char *p = malloc((size_t) m->size + 1);
    const char *wrong = NULL;
    if (!p)
        wrong = "out of host memory";
    else if (m->method == DEFLATE)
        wrong = inflate_all(f->bytes + m->at, m->packed, p, m->size);
    else
        memcpy(p, f->bytes + m->at, (size_t) m->size);
    if (!wrong && checksum(p, (size_t) m->size) != m->crc)
        wrong = "the checksum is not that of the data";
    clg_status st = CLG_EFORMAT;
    if (wrong) {
        st = strcmp(wrong, "out of host memory") ? CLG_EFORMAT : CLG_ENOMEM;
        free(p);
    } else {
        st = clg__npy_read(out, p, (size_t) m->size, text, sizeof text);
        wrong = text;
    }
    return st < 0 ? clg__text(error, error_size, st, "%s: '%.200s': %s", f->path, m->name, wrong) : st;
}
