// SPDX-License-Identifier: MIT
// What `clgrad show` looks at: the arrays of a file, whatever its format.
#ifndef CLG_SHOW_SOURCE_H
#define CLG_SHOW_SOURCE_H

#include <clgrad/clgrad.h>

enum { SOURCE_ERROR = 1400 };

// One array, as it lies in memory: maybe unaligned.
typedef struct shown {
    const char *name;
    bool known; // false: elements that no clg_dtype has; only shape and bytes count then
    clg_dtype dtype;
    clg_shape shape;
    const void *data;
    size_t bytes;
    int64_t n;
    bool cmyk; // an image whose last channel is black ink, 0 the fullest
} shown;

typedef enum source_kind { SOURCE_IMAGE, SOURCE_NPY, SOURCE_NPZ, SOURCE_SAFETENSORS, SOURCE_IDX, SOURCE_CIFAR } source_kind;

typedef struct source {
    source_kind kind;
    const char *format; // for people
    int count;
    double bytes; // of the file
    clg_safetensors tensors;
    clg_npz npz;
    clg_array array[2]; // what is read whole; of an .npz the array that was asked for last
    clg_idx idx;
} source;

// Opens a file by what is in it. false: error says why.
bool source_open(source *s, const char *path, char error[SOURCE_ERROR]);
void source_close(source *s);
const char *source_name(const source *s, int i);
// Valid until the next call. false: error says why.
bool source_get(source *s, int i, shown *a, char error[SOURCE_ERROR]);
#endif
