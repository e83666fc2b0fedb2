// SPDX-License-Identifier: MIT
// Which format a file has, by its first bytes, and its arrays through the library's readers.
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { HEAD = 16, CIFAR_PIXELS = 3072 };

typedef struct head {
    unsigned char byte[HEAD];
    size_t n;
    double bytes; // of the file
} head;

static bool read_head(head *h, const char *path, char *error)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) { // opening a pipe might wait, and reads it once
        snprintf(error, SOURCE_ERROR, S_ISDIR(st.st_mode) ? "%s: a directory" : "%s: not a file with an end", path);
        return false;
    }
    errno = 0;
    FILE *f = fopen(path, "rb");
    if (f)
        h->n = fread(h->byte, 1, HEAD, f);
    const bool ok = f && errno == 0 && !ferror(f);
    if (!ok)
        snprintf(error, SOURCE_ERROR, "%s: %s", path, errno ? strerror(errno) : "cannot be read");
    else
        h->bytes = (double) st.st_size;
    if (f)
        fclose(f);
    return ok;
}

static bool begins(const head *h, const char *bytes, size_t n)
{
    return h->n >= n && memcmp(h->byte, bytes, n) == 0;
}

static bool whole_records(const head *h, int labels)
{
    const double record = CIFAR_PIXELS + labels, records = h->bytes / record;
    return h->bytes > 0 && records == (double) (long) records;
}

// Records of a label below ten, or of a coarse one below 20 and a fine one below 100.
static int cifar_classes(const head *h)
{
    if (whole_records(h, 1) && h->byte[0] < 10)
        return 10;
    return whole_records(h, 2) && h->byte[0] < 20 && h->byte[1] < 100 ? 100 : 0;
}

static bool is_idx(const head *h)
{
    return h->n >= 4 && h->byte[0] == 0 && h->byte[1] == 0 && h->byte[2] >= 8 && h->byte[2] <= 14 && h->byte[3] <= 8;
}

static bool is_safetensors(const head *h)
{
    return h->n > 8 && h->byte[8] == '{';
}

static bool ends(const char *path, const char *with)
{
    const size_t n = strlen(path), m = strlen(with);
    return n > m && strcmp(path + n - m, with) == 0;
}

// -1: none that is known.
static int kind_of(const head *h, const char *path)
{
    if (begins(h, "\x89PNG", 4) || begins(h, "\xff\xd8\xff", 3))
        return SOURCE_IMAGE;
    if (begins(h, "\x93NUMPY", 6))
        return SOURCE_NPY;
    if (begins(h, "PK", 2))
        return SOURCE_NPZ;
    if (cifar_classes(h) && (ends(path, ".bin") || !(is_idx(h) || is_safetensors(h)))) // any bytes may be a picture
        return SOURCE_CIFAR;
    if (is_idx(h) || begins(h, "\x1f\x8b", 2))
        return SOURCE_IDX;
    return is_safetensors(h) ? SOURCE_SAFETENSORS : -1;
}

bool source_open(source *s, const char *path, char error[SOURCE_ERROR])
{
    head h = { .n = 0 };
    clg_status st = CLG_OK;
    memset(s, 0, sizeof *s);
    error[0] = '\0';
    if (!read_head(&h, path, error))
        return false;
    const int kind = kind_of(&h, path);
    s->bytes = h.bytes;
    s->count = 1;
    s->kind = (source_kind) kind;
    switch (kind) {
    case SOURCE_IMAGE:
        s->format = h.byte[0] == 0xff ? "JPEG" : "PNG";
        st = clg_image_open(&s->array[0], path, clg_image_params(.wide = true, .exif_orientation = true), error,
                            SOURCE_ERROR);
        break;
    case SOURCE_NPY:
        s->format = "npy";
        st = clg_npy_open(&s->array[0], path, error, SOURCE_ERROR);
        break;
    case SOURCE_NPZ:
        s->format = "npz";
        st = clg_npz_open(&s->npz, path, error, SOURCE_ERROR);
        s->count = clg_npz_count(s->npz);
        break;
    case SOURCE_SAFETENSORS:
        s->format = "safetensors";
        st = clg_safetensors_open(&s->tensors, path, error, SOURCE_ERROR);
        s->count = clg_safetensors_count(s->tensors);
        break;
    case SOURCE_IDX:
        s->format = "IDX";
        st = clg_idx_open(&s->idx, path, error, SOURCE_ERROR);
        break;
    case SOURCE_CIFAR:
        s->count = 2;
        s->format = cifar_classes(&h) == 10 ? "CIFAR-10" : "CIFAR-100";
        st = clg_cifar_open(&s->array[0], &s->array[1], path, cifar_classes(&h), error, SOURCE_ERROR);
        break;
    default:
        snprintf(error, SOURCE_ERROR, "%s: neither .npy, .npz, safetensors, PNG, JPEG, IDX nor CIFAR", path);
        return false;
    }
    return st >= 0;
}

void source_close(source *s)
{
    clg_safetensors_close(&s->tensors);
    clg_npz_close(&s->npz);
    clg_array_close(&s->array[0]);
    clg_array_close(&s->array[1]);
    clg_idx_close(&s->idx);
}

const char *source_name(const source *s, int i)
{
    switch (s->kind) {
    case SOURCE_SAFETENSORS: return clg_safetensors_at(s->tensors, i)->name;
    case SOURCE_NPZ: return clg_npz_name(s->npz, i);
    case SOURCE_CIFAR: return i == 0 ? "images" : "labels";
    case SOURCE_IMAGE: return "image";
    default: return "array";
    }
}

static int64_t elements(const clg_shape *s)
{
    int64_t n = 1;
    for (int d = 0; d < s->rank; d++) {
        if (s->dim[d] == 0) // others may be of any size then
            return 0;
    }
    for (int d = 0; d < s->rank; d++)
        n *= s->dim[d];
    return n;
}

bool source_get(source *s, int i, shown *a, char error[SOURCE_ERROR])
{
    const clg_array *from = &s->array[s->kind == SOURCE_CIFAR ? i : 0];
    *a = (shown) { .name = source_name(s, i), .known = true };
    if (s->kind == SOURCE_SAFETENSORS) {
        const clg_safetensor *t = clg_safetensors_at(s->tensors, i);
        *a = (shown) { t->name, t->known, t->dtype, t->shape, t->data, t->bytes, elements(&t->shape), false };
        return true;
    }
    if (s->kind == SOURCE_NPZ) {
        clg_array_close(&s->array[0]);
        if (clg_npz_read(s->npz, i, &s->array[0], error, SOURCE_ERROR) < 0)
            return false;
    }
    if (s->kind == SOURCE_IDX) {
        a->dtype = s->idx.dtype;
        a->shape = s->idx.shape;
        a->data = s->idx.data;
    } else {
        a->dtype = from->dtype;
        a->shape = from->shape;
        a->data = from->data;
    }
    a->n = elements(&a->shape);
    a->cmyk = s->kind == SOURCE_IMAGE && s->format[0] == 'J' && a->shape.dim[2] == 4;
    a->bytes = (size_t) a->n * clg_dtype_size(a->dtype);
    return true;
}
