// SPDX-License-Identifier: MIT
// .npy: a magic, a version, a Python dictionary of type, order and shape, and the elements.
#include "io/npy.h"
#include "io/text.h"

#include <clgrad/io.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 10000, ALIGN = 64 };
static const char magic[] = "\x93NUMPY";
#define BF16_NAME "V2" // ml_dtypes': NumPy has no name for it

typedef struct header {
    clg_dtype dtype;
    bool swapped, fortran, has_descr, has_order, has_shape;
    clg_shape shape;
    char descr[24];
} header;

// ---- the dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }

typedef struct reader {
    const char *at, *end;
} reader;

static char peek(reader *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\n' || *t->at == '\r'))
        t->at++;
    return t->at < t->end ? *t->at : '\0';
}

static bool take(reader *t, char c)
{
    if (peek(t) != c)
        return false;
    t->at++;
    return true;
}

static bool take_word(reader *t, const char *word)
{
    const size_t n = strlen(word);
    peek(t);
    if ((size_t) (t->end - t->at) < n || memcmp(t->at, word, n) != 0)
        return false;
    t->at += n;
    return true;
}

// A string without escapes, cut at `size`.
static bool take_string(reader *t, char *out, size_t size)
{
    const char quote = peek(t);
    size_t n = 0;
    if (quote != '\'' && quote != '"')
        return false;
    for (t->at++; t->at < t->end && *t->at != quote; t->at++) {
        if (*t->at == '\\' || *t->at == '\n' || *t->at == '\0')
            return false;
        if (n + 1 < size)
            out[n++] = *t->at;
    }
    out[n] = '\0';
    return take(t, quote);
}

static bool take_number(reader *t, int64_t *out)
{
    char c = peek(t);
    if (c < '0' || c > '9')
        return false;
    for (*out = 0; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++) {
        if (*out > (INT64_MAX - 9) / 10)
            return false;
        *out = 10 * *out + (*t->at - '0');
    }
    take(t, 'L'); // of Python 2
    return true;
}

// NULL, or what is wrong.
static const char *take_shape(reader *t, header *h)
{
    static const char *const none = "its shape is no tuple of numbers";
    if (!take(t, '('))
        return none;
    bool comma = true;
    for (; !take(t, ')'); comma = take(t, ',')) {
        if (!comma)
            return none;
        if (h->shape.rank == CLG_MAX_RANK)
            return "it has more than 8 dimensions";
        if (!take_number(t, &h->shape.dim[h->shape.rank++]))
            return none;
    }
    return h->shape.rank == 1 && !comma ? none : NULL; // (3) is a number
}

static const char *take_entry(reader *t, header *h)
{
    static const char *const wrong = "its header is no dictionary of descr, fortran_order and shape";
    char key[20];
    if (!take_string(t, key, sizeof key) || !take(t, ':'))
        return wrong;
    if (strcmp(key, "descr") == 0 && !h->has_descr) {
        h->has_descr = true;
        return take_string(t, h->descr, sizeof h->descr) ? NULL : "its elements are structures, expected numbers";
    }
    if (strcmp(key, "fortran_order") == 0 && !h->has_order) {
        h->has_order = true;
        h->fortran = take_word(t, "True");
        return h->fortran || take_word(t, "False") ? NULL : wrong;
    }
    if (strcmp(key, "shape") == 0 && !h->has_shape) {
        h->has_shape = true;
        return take_shape(t, h);
    }
    return wrong;
}

static const char *parse(header *h, const char *p, size_t n)
{
    reader t = { p, p + n };
    if (!take(&t, '{'))
        return "its header is no dictionary";
    for (bool comma = true; !take(&t, '}'); comma = take(&t, ',')) {
        const char *wrong = comma ? take_entry(&t, h) : "its header is no dictionary";
        if (wrong)
            return wrong;
    }
    peek(&t);
    if (t.at != t.end)
        return "its header has text behind the dictionary";
    return h->has_descr && h->has_order && h->has_shape ? NULL : "its header lacks descr, fortran_order or shape";
}

// '<f4': order, kind and bytes.
static bool find_dtype(header *h)
{
    const char order = h->descr[0], *name = h->descr + (order == '<' || order == '>' || order == '|');
    for (int i = 0; i < CLG_DTYPE_COUNT; i++) {
        const char *npy = clg_dtype_get_info((clg_dtype) i)->npy, *own = npy ? npy + 1 : BF16_NAME;
        if (strcmp(own, name) != 0)
            continue;
        h->dtype = (clg_dtype) i;
        h->swapped = (order == '>') != clg__big_endian_host();
        return name != h->descr && (order != '|' || clg_dtype_size(h->dtype) == 1 || !npy);
    }
    return false;
}

// ---- reading

// The elements at `from`, first index fastest, to those at `to`, last index fastest.
static void from_fortran(const header *h, const unsigned char *from, unsigned char *to)
{
    const size_t width = clg_dtype_size(h->dtype);
    const int rank = h->shape.rank;
    const int64_t n = clg_numel(h->shape);
    int64_t index[CLG_MAX_RANK] = { 0 }, step[CLG_MAX_RANK], at = 0;
    for (int d = 0; d < rank; d++)
        step[d] = d == 0 ? 1 : step[d - 1] * h->shape.dim[d - 1];
    for (int64_t i = 0; i < n; i++) {
        memcpy(to + (size_t) i * width, from + (size_t) at * width, width);
        for (int d = rank - 1; d >= 0; d--) {
            at += step[d];
            if (++index[d] < h->shape.dim[d])
                break;
            at -= step[d] * h->shape.dim[d];
            index[d] = 0;
        }
    }
}

static bool booleans(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] > 1)
            return false;
    }
    return true;
}

static bool npy_begins(const unsigned char *p)
{
    return memcmp(p, magic, 6) == 0;
}

// Where the elements begin; 0 and a sentence when the header is wrong.
static size_t read_header(header *h, const unsigned char *p, size_t n, char *why, size_t size)
{
    if (n < 8 || !npy_begins(p)) {
        unsigned char b[4] = { 0 };
        memcpy(b, p, n < 4 ? n : 4);
        clg__text(why, size, CLG_EFORMAT, "starts with %02x %02x %02x %02x, expected an npy file", b[0], b[1], b[2], b[3]);
        return 0;
    }
    const size_t head = p[6] == 1 ? 10 : 12;
    if (p[6] < 1 || p[6] > 3 || p[7] != 0) {
        clg__text(why, size, CLG_EFORMAT, "npy version %d.%d, expected 1.0, 2.0 or 3.0", p[6], p[7]);
        return 0;
    }
    size_t length = n < head ? 0 : p[8] | (size_t) p[9] << 8;
    if (head == 12 && n >= head)
        length |= (size_t) p[10] << 16 | (size_t) p[11] << 24;
    if (n < head || (length <= MAX_HEADER && n - head < length)) {
        clg__text(why, size, CLG_EFORMAT, "ends within the header");
        return 0;
    }
    if (length > MAX_HEADER) {
        clg__text(why, size, CLG_EFORMAT, "a header of %zu bytes, expected at most %d", length, MAX_HEADER);
        return 0;
    }
    const char *wrong = parse(h, (const char *) p + head, length);
    if (wrong)
        clg__text(why, size, CLG_EFORMAT, "%s", wrong);
    else if (!find_dtype(h))
        clg__text(why, size, CLG_EFORMAT, "elements of '%s', which no clg_dtype has", h->descr);
    else
        return head + length;
    return 0;
}

clg_status clg__npy_read(clg_array *out, unsigned char *p, size_t n, char *why, size_t why_size)
{
    header h = { .dtype = CLG_F32 };
    uint64_t bytes = 0;
    const size_t at = read_header(&h, p, n, why, why_size);
    const size_t width = clg_dtype_size(h.dtype);
    unsigned char *q = p;
    clg_status st = CLG_EFORMAT;
    if (at && !clg__size_of(&h.shape, width, &bytes))
        clg__text(why, why_size, st, "a shape whose size is no number");
    else if (at && bytes != n - at)
        clg__text(why, why_size, st, "has %zu bytes of elements, its shape asks for %llu", n - at,
                  (unsigned long long) bytes);
    else if (at && h.dtype == CLG_BOOL && !booleans(p + at, n - at))
        clg__text(why, why_size, st, "a bool other than 0 and 1");
    else if (at && h.fortran && h.shape.rank > 1 && bytes) {
        st = (q = malloc((size_t) bytes)) ? CLG_OK : clg__text(why, why_size, CLG_ENOMEM, "out of host memory");
    } else if (at)
        st = CLG_OK;
    if (st < 0) {
        free(p);
        return st;
    }
    if (q == p)
        memmove(p, p + at, (size_t) bytes);
    else {
        from_fortran(&h, p + at, q);
        free(p);
    }
    if (h.swapped)
        clg__swap_bytes(q, (size_t) bytes / width, width);
    *out = (clg_array) { h.dtype, h.shape, q };
    return CLG_OK;
}

clg_status clg_npy_open(clg_array *out, const char *path, char *error, size_t error_size)
{
    char why[200];
    unsigned char *bytes;
    size_t n;
    if (out)
        memset(out, 0, sizeof *out);
    if (!out || !path)
        return clg__text(error, error_size, CLG_EINVAL, "%s: NULL", path ? path : "npy");
    clg_status st = clg__read_whole(path, npy_begins, SIZE_MAX / 4, &bytes, &n, error, error_size);
    if (st < 0)
        return st;
    st = clg__npy_read(out, bytes, n, why, sizeof why);
    return st < 0 ? clg__text(error, error_size, st, "%s: %s", path, why) : st;
}

// ---- writing

const char *clg__npy_write(clg__bytes *out, clg_dtype t, const clg_shape *shape, const void *data, clg_status *st)
{
    char text[ALIGN * 6], dims[200] = "";
    uint64_t bytes;
    size_t n = 0;
    const clg_dtype_info *info = clg_dtype_get_info(t);
    *st = CLG_EINVAL;
    if (!info)
        return "there is no such type";
    if (shape->rank < 0 || shape->rank > CLG_MAX_RANK || !clg__size_of(shape, info->bytes, &bytes))
        return "a shape that is none";
    if (bytes && !data)
        return "it has no data";
    if (t == CLG_BOOL && !booleans(data, (size_t) bytes))
        return "a bool other than 0 and 1";
    for (int d = 0; d < shape->rank; d++)
        n += (size_t) snprintf(dims + n, sizeof dims - n, d ? ", %lld" : "%lld", (long long) shape->dim[d]);
    n = (size_t) snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }",
                          info->npy ? info->npy : "<" BF16_NAME, dims, shape->rank == 1 ? "," : "");
    while ((10 + n + 1) % ALIGN)
        text[n++] = ' ';
    text[n++] = '\n';
    const unsigned char head[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char) n, (unsigned char) (n >> 8) };
    *st = CLG_ENOMEM;
    const size_t before = out->n;
    if (bytes > SIZE_MAX / 4 || !clg__bytes_add(out, head, 10) || !clg__bytes_add(out, text, n) ||
        !clg__bytes_add(out, data, (size_t) bytes))
        return "out of host memory";
    if (clg__big_endian_host())
        clg__swap_bytes(out->data + before + 10 + n, (size_t) bytes / info->bytes, info->bytes);
    *st = CLG_OK;
    return NULL;
}

clg_status clg_npy_write(const char *path, clg_dtype t, clg_shape shape, const void *data, char *error,
                         size_t error_size)
{
    clg__bytes b = { 0 };
    clg_status st = CLG_EINVAL;
    const char *wrong = path ? clg__npy_write(&b, t, &shape, data, &st) : "the path is NULL";
    if (wrong)
        clg__text(error, error_size, st, "%s: cannot write %s of rank %d: %s", path ? path : "npy", clg_dtype_name(t),
                  shape.rank, wrong);
    else
        st = clg_write_atomic(path, b.data, b.n, error, error_size);
    free(b.data);
    return st;
}
