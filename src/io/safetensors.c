// SPDX-License-Identifier: MIT
// safetensors: a little-endian length, a JSON header, the data. The header must describe the data
// exactly: contiguous from 0, no hole, no overlap, no rest. What the writer takes the reader gives back;
// anything else it refuses before the disk is touched.
#include "io/text.h"

#include "base/file.h"

#include <clgrad/io.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100000000 };
static const char metadata_key[] = "__metadata__"; // no tensor's name
static const clg_dtype no_dtype = (clg_dtype) CLG_DTYPE_COUNT; // of types that are not known

// Descending as the reference writer orders types; bits per element. Those that no clg_dtype has are named to
// refuse them clearly.
static const struct {
    const char *name;
    int bits;
} types[] = {
    { "U64", 64 }, { "I64", 64 }, { "F64", 64 }, { "C64", 64 }, { "F32", 32 }, { "U32", 32 }, { "I32", 32 },
    { "BF16", 16 }, { "F16", 16 }, { "U16", 16 }, { "I16", 16 }, { "F8_E8M0", 8 }, { "F8_E4M3", 8 },
    { "F8_E5M2", 8 }, { "F8_E4M3FNUZ", 8 }, { "F8_E5M2FNUZ", 8 }, { "I8", 8 }, { "U8", 8 }, { "BOOL", 8 },
    { "F6_E2M3", 6 }, { "F6_E3M2", 6 }, { "F4", 4 },
};
enum { TYPES = (int) (sizeof types / sizeof types[0]) };

struct clg_safetensors_t {
    unsigned char *file;
    json_t *header;
    clg_safetensor *t;
    size_t (*range)[2]; // of t, for the check
    const char **keys;  // of the metadata
    int n_keys;
    int n;
};

static int type_of(const char *name)
{
    for (int i = 0; i < TYPES; i++) {
        if (strcmp(types[i].name, name) == 0)
            return i;
    }
    return -1;
}

static clg_dtype dtype_named(const char *name)
{
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        if (strcmp(clg_dtype_get_info((clg_dtype) t)->safetensors, name) == 0)
            return (clg_dtype) t;
    }
    return no_dtype;
}

static bool number(const json_t *j, uint64_t *out)
{
    if (!json_is_integer(j) || json_integer_value(j) < 0)
        return false;
    *out = (uint64_t) json_integer_value(j);
    return true;
}

// One entry: returns what is wrong, or NULL.
static const char *read_entry(const json_t *j, clg_safetensor *t, size_t range[2], size_t data_bytes)
{
    const json_t *type = json_object_get(j, "dtype"), *shape = json_object_get(j, "shape"),
                 *at = json_object_get(j, "data_offsets");
    uint64_t from, to, bits;
    if (!json_is_object(j) || !json_is_string(type) || !json_is_array(shape) || !json_is_array(at) ||
        json_array_size(at) != 2)
        return "is not {dtype, shape, data_offsets}";
    const int k = strlen(json_string_value(type)) == json_string_length(type) // else it holds a NUL
                      ? type_of(json_string_value(type)) : -1;
    if (k < 0)
        return "has an unknown dtype";
    if (json_array_size(shape) > CLG_MAX_RANK)
        return "has too many dimensions";
    t->shape.rank = (int) json_array_size(shape);
    for (int d = 0; d < t->shape.rank; d++) {
        uint64_t n;
        if (!number(json_array_get(shape, (size_t) d), &n))
            return "has a dimension that is no size";
        t->shape.dim[d] = (int64_t) n;
    }
    if (!clg__size_of(&t->shape, (uint64_t) types[k].bits, &bits))
        return "has a shape that overflows";
    if (!number(json_array_get(at, 0), &from) || !number(json_array_get(at, 1), &to) || from > to ||
        to > data_bytes)
        return "has data_offsets outside the file";
    if (bits % 8 != 0 || bits / 8 != to - from)
        return "has data_offsets that do not fit its shape";
    t->dtype = dtype_named(types[k].name);
    t->known = t->dtype != no_dtype;
    t->bytes = (size_t) (to - from);
    range[0] = (size_t) from;
    range[1] = (size_t) to;
    return NULL;
}

// A BOOL element is a byte 0 or 1.
static bool booleans(const clg_safetensor *t)
{
    const unsigned char *p = t->data;
    for (size_t i = 0; t->dtype == CLG_BOOL && i < t->bytes; i++) {
        if (p[i] > 1)
            return false;
    }
    return true;
}

static bool strings_only(const json_t *meta)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *) (uintptr_t) meta, key, v)
    {
        if (!json_is_string(v))
            return false;
    }
    return json_is_object(meta) || json_is_null(meta);
}

static bool list_keys(clg_safetensors f, json_t *meta)
{
    const char *key;
    json_t *v;
    f->keys = calloc(json_object_size(meta) + 1, sizeof *f->keys);
    json_object_foreach(meta, key, v)
    {
        if (f->keys)
            f->keys[f->n_keys++] = key;
    }
    return f->keys != NULL;
}

typedef struct span {
    size_t from, to;
} span;

static int by_start(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static const char *check_cover(const clg_safetensors f, size_t data_bytes)
{
    span *s = malloc(((size_t) f->n + 1) * sizeof *s);
    const char *bad = s ? NULL : "out of host memory";
    size_t at = 0;
    for (int i = 0; s && i < f->n; i++)
        s[i] = (span) { f->range[i][0], f->range[i][1] };
    if (s)
        qsort(s, (size_t) f->n, sizeof *s, by_start);
    for (int i = 0; s && i < f->n && !bad; i++) {
        if (s[i].from != at)
            bad = s[i].from < at ? "tensors overlap" : "there is a hole between tensors";
        at = s[i].to;
    }
    if (!bad && at != data_bytes)
        bad = "the data does not end where the file does";
    free(s);
    return bad;
}

// The length of the header, from the first bytes of a file.
static const char *header_length(const unsigned char *p, size_t size, uint64_t *n)
{
    *n = 0;
    if (size < 8)
        return "shorter than a header";
    for (int i = 7; i >= 0; i--)
        *n = *n << 8 | p[i];
    if (*n > MAX_HEADER || *n < 2)
        return "the length of its header is not one";
    return size > 8 && p[8] != '{' ? "the header does not start with {" : NULL;
}

static clg_status parse(clg_safetensors f, size_t size, const char *path, char *error,
                        size_t error_size)
{
    uint64_t n;
    const char *bad = header_length(f->file, size, &n);
    if (bad)
        return clg__text(error, error_size, CLG_EFORMAT, "%s: %s", path, bad);
    if (n > size - 8)
        return clg__text(error, error_size, CLG_EFORMAT, "%s: header of %llu bytes in a file of %zu",
                         path, (unsigned long long) n, size);
    json_error_t je;
    f->header = json_loadb((const char *) f->file + 8, (size_t) n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                           &je);
    if (!f->header || !json_is_object(f->header))
        return clg__text(error, error_size, CLG_EFORMAT, "%s: header: %s", path, je.text);
    const size_t entries = json_object_size(f->header), data = size - 8 - (size_t) n;
    f->t = calloc(entries + 1, sizeof *f->t);
    f->range = calloc(entries + 1, sizeof *f->range);
    if (!f->t || !f->range)
        return clg__text(error, error_size, CLG_ENOMEM, "%s: out of host memory", path);
    const char *key;
    json_t *v;
    json_object_foreach(f->header, key, v)
    {
        if (strcmp(key, metadata_key) == 0) {
            if (!strings_only(v))
                return clg__text(error, error_size, CLG_EFORMAT,
                                 "%s: __metadata__ holds more than strings", path);
            if (!list_keys(f, v))
                return clg__text(error, error_size, CLG_ENOMEM, "%s: out of host memory", path);
            continue;
        }
        bad = read_entry(v, &f->t[f->n], f->range[f->n], data);
        if (bad)
            return clg__text(error, error_size, CLG_EFORMAT, "%s: '%.100s' %s", path, key, bad);
        f->t[f->n].name = key;
        f->t[f->n].data = f->file + 8 + n + f->range[f->n][0];
        if (!booleans(&f->t[f->n]))
            return clg__text(error, error_size, CLG_EFORMAT,
                             "%s: '%.100s' has BOOL elements other than 0 and 1", path, key);
        f->n++;
    }
    bad = check_cover(f, data);
    return bad ? clg__text(error, error_size, CLG_EFORMAT, "%s: %s", path, bad) : CLG_OK;
}

// The whole file, whose size nobody has to know (a pipe); what cannot be one ends after the first piece.
static clg_status read_file(const char *path, unsigned char **out, size_t *size, char *error,
                            size_t error_size)
{
    FILE *f = clg__open_stream(path);
    if (!f)
        return clg__text(error, error_size, CLG_EIO, "%s: %s", path, strerror(errno));
    size_t have = 0, room = 1 << 16, got;
    unsigned char *p = malloc(room);
    const char *bad = NULL;
    uint64_t n;
    errno = 0;
    while (p && !bad) {
        got = fread(p + have, 1, room - have, f);
        have += got;
        if (ferror(f) && errno == EINTR) // a signal, on a slow file
            clearerr(f);
        else if (got == 0)
            break;
        else
            bad = header_length(p, have, &n);
        if (have == room && !bad) {
            unsigned char *q = room < SIZE_MAX / 2 ? realloc(p, room *= 2) : NULL;
            if (!q)
                free(p);
            p = q;
        }
    }
    const int failed = ferror(f) ? errno : 0;
    fclose(f);
    if (p && !bad && !failed) {
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
    return clg__text(error, error_size, CLG_EFORMAT, "%s: %s", path, bad);
}

clg_status clg_safetensors_open(clg_safetensors *out, const char *path, char *error,
                                size_t error_size)
{
    size_t size = 0;
    if (!out || !path)
        return clg__text(error, error_size, CLG_EINVAL, "safetensors: NULL");
    *out = NULL;
    clg_safetensors f = calloc(1, sizeof *f);
    if (!f)
        return clg__text(error, error_size, CLG_ENOMEM, "%s: out of host memory", path);
    clg_status st = read_file(path, &f->file, &size, error, error_size);
    if (st >= 0)
        st = parse(f, size, path, error, error_size);
    if (st < 0)
        clg_safetensors_close(&f);
    *out = f;
    return st;
}

void clg_safetensors_close(clg_safetensors *f)
{
    if (!f || !*f)
        return;
    json_decref((*f)->header);
    free((*f)->file);
    free((*f)->t);
    free((*f)->range);
    free((*f)->keys);
    free(*f);
    *f = NULL;
}

int clg_safetensors_count(clg_safetensors f)
{
    return f ? f->n : 0;
}

const clg_safetensor *clg_safetensors_at(clg_safetensors f, int i)
{
    return f && i >= 0 && i < f->n ? &f->t[i] : NULL;
}

const clg_safetensor *clg_safetensors_find(clg_safetensors f, const char *name)
{
    for (int i = 0; f && name && i < f->n; i++) {
        if (strcmp(f->t[i].name, name) == 0)
            return &f->t[i];
    }
    return NULL;
}

const char *clg_safetensors_metadata(clg_safetensors f, const char *key)
{
    const json_t *v =
        f && key ? json_object_get(json_object_get(f->header, metadata_key), key) : NULL;
    const char *text = json_string_value(v);
    return text && strlen(text) == json_string_length(v) ? text : NULL; // not cut at a NUL
}

const char *clg_safetensors_metadata_key(clg_safetensors f, int i)
{
    return f && i >= 0 && i < f->n_keys ? f->keys[i] : NULL;
}

// ---- writing

static int type_rank(clg_dtype t)
{
    const clg_dtype_info *info = clg_dtype_get_info(t);
    return info ? type_of(info->safetensors) : -1;
}

static int writer_order(const void *a, const void *b)
{
    const clg_safetensor *x = *(const clg_safetensor *const *) a, *y = *(const clg_safetensor *const *) b;
    const int rx = type_rank(x->dtype), ry = type_rank(y->dtype);
    return rx != ry ? rx - ry : strcmp(x->name, y->name);
}

static json_t *entry(const clg_safetensor *t, size_t at)
{
    json_t *shape = json_array();
    for (int d = 0; d < t->shape.rank; d++)
        json_array_append_new(shape, json_integer(t->shape.dim[d]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", types[type_rank(t->dtype)].name, "shape", shape,
                     "data_offsets", (json_int_t) at, (json_int_t) (at + t->bytes));
}

typedef struct refusal {
    clg_status status; // CLG_OK: none
    char text[300];
} refusal;

static bool refuse(refusal *r, clg_status st, const char *name, const char *why)
{
    r->status = st;
    if (name)
        snprintf(r->text, sizeof r->text, "safetensors: '%.150s' %s", name, why);
    else
        snprintf(r->text, sizeof r->text, "safetensors: %s", why);
    return false;
}

// Puts v (taken over) under a key that is new.
static bool put_new(json_t *object, const char *key, json_t *v, refusal *r)
{
    const char *wrong = NULL;
    json_t *text = json_string(key);
    if (!text)
        wrong = "is a name that is not UTF-8";
    else if (json_object_get(object, key))
        wrong = "is there twice";
    json_decref(text);
    if (!wrong && v && json_object_set_new(object, key, v) == 0)
        return true;
    if (wrong)
        json_decref(v); // json_object_set_new drops it itself
    return refuse(r, wrong ? CLG_EINVAL : CLG_ENOMEM, key, wrong ? wrong : "does not fit into memory");
}

static json_t *make_metadata(const char *const *metadata, refusal *r)
{
    json_t *meta = json_object();
    bool ok = meta != NULL || refuse(r, CLG_ENOMEM, NULL, "out of host memory");
    for (int i = 0; ok && metadata[i]; i += 2) {
        json_t *value = json_string(metadata[i + 1]);
        if (value)
            ok = put_new(meta, metadata[i], value, r);
        else
            ok = refuse(r, CLG_EINVAL, metadata[i],
                        metadata[i + 1] ? "has metadata that are not UTF-8" : "has no metadata");
    }
    if (ok)
        return meta;
    json_decref(meta);
    return NULL;
}

static char *make_header(const clg_safetensor *const *order, int n, const char *const *metadata,
                         refusal *r)
{
    json_t *root = json_object();
    bool ok = root != NULL || refuse(r, CLG_ENOMEM, NULL, "out of host memory");
    if (ok && metadata && metadata[0]) {
        json_t *meta = make_metadata(metadata, r);
        ok = meta && put_new(root, metadata_key, meta, r);
    }
    size_t at = 0;
    for (int i = 0; i < n && ok; i++) {
        ok = put_new(root, order[i]->name, entry(order[i], at), r);
        at += order[i]->bytes;
    }
    char *text = ok ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (ok && !text)
        refuse(r, CLG_ENOMEM, NULL, "out of host memory");
    if (text && strlen(text) > MAX_HEADER - 8) {
        free(text);
        text = NULL;
        refuse(r, CLG_EINVAL, NULL, "names, shapes and metadata take more than 100 MB");
    }
    return text;
}

// What keeps one tensor from being written, or NULL.
static const char *unfit(const clg_safetensor *t)
{
    uint64_t bytes;
    if (!t->name)
        return "NULL is no name";
    if (strcmp(t->name, metadata_key) == 0)
        return "is the key of the metadata, no tensor can be named so";
    if (type_rank(t->dtype) < 0)
        return "has no type that can be written";
    if (t->shape.rank < 0 || t->shape.rank > CLG_MAX_RANK ||
        !clg__size_of(&t->shape, clg_dtype_size(t->dtype), &bytes))
        return "has a shape that is none";
    if (bytes != t->bytes)
        return "has another number of bytes than its shape";
    if (bytes && !t->data)
        return "has no data";
    return booleans(t) ? NULL : "has BOOL elements other than 0 and 1";
}

static bool check_all(const clg_safetensor *t, int n, const clg_safetensor **order, size_t *total,
                      refusal *r)
{
    *total = 0;
    for (int i = 0; i < n; i++) {
        const char *why = unfit(&t[i]);
        if (why)
            return refuse(r, CLG_EINVAL, t[i].name ? t[i].name : "?", why);
        if (t[i].bytes > INT64_MAX / 2 - *total)
            return refuse(r, CLG_EINVAL, t[i].name, "makes the file too large");
        order[i] = &t[i];
        *total += t[i].bytes;
    }
    qsort(order, (size_t) n, sizeof *order, writer_order);
    return true;
}

static unsigned char *whole_file(const char *header, const clg_safetensor *const *order, int n,
                                 size_t total, size_t *size)
{
    const size_t length = strlen(header), padded = (length + 7) / 8 * 8;
    unsigned char *p = malloc(8 + padded + total);
    if (!p)
        return NULL;
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char) ((uint64_t) padded >> (8 * i));
    memset(p + 8, ' ', padded);
    memcpy(p + 8, header, length);
    size_t at = 8 + padded;
    for (int i = 0; i < n; i++) {
        if (order[i]->bytes)
            memcpy(p + at, order[i]->data, order[i]->bytes);
        at += order[i]->bytes;
    }
    *size = at;
    return p;
}

clg_status clg_safetensors_write(const char *path, const clg_safetensor *t, int n,
                                 const char *const *metadata, char *error, size_t error_size)
{
    size_t total = 0, size = 0;
    refusal r = { .status = CLG_OK };
    if (!path || n < 0 || (n && !t))
        return clg__text(error, error_size, CLG_EINVAL, "safetensors: %s",
                         !path ? "NULL path" : "n is negative, or no tensors are given");
    const clg_safetensor **order = malloc(((size_t) n + 1) * sizeof *order);
    char *header = NULL;
    unsigned char *p = NULL;
    if (!order)
        refuse(&r, CLG_ENOMEM, NULL, "out of host memory");
    else if (check_all(t, n, order, &total, &r))
        header = make_header(order, n, metadata, &r);
    if (header && !(p = whole_file(header, order, n, total, &size)))
        refuse(&r, CLG_ENOMEM, NULL, "out of host memory");
    const clg_status st = p ? clg_write_atomic(path, p, size, error, error_size)
                            : clg__text(error, error_size, r.status, "%s", r.text);
    free(p);
    free(header);
    free(order);
    return st;
}
