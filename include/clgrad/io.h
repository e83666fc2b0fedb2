// SPDX-License-Identifier: MIT
// Files: IDX data sets, safetensors, atomic writing. Readers trust nothing in a file.
#ifndef CLGRAD_IO_H
#define CLGRAD_IO_H

#include <clgrad/base.h>

CLG_BEGIN

// Write a file so that a kill at any moment leaves the old one or the new one: temporary name, write,
// sync, rename, sync of the folder.
//
// errors  CLG_EIO
// blocks  until the data is on the disk
CLG_API clg_status clg_write_atomic(const char *path, const void *bytes, size_t n, char *error,
                                    size_t error_size);

// An IDX file in memory, values in host order.
typedef struct clg_idx {
    clg_dtype dtype;
    clg_shape shape;
    void *data;
} clg_idx;

// Read an IDX file, plain or gzip.
//
// owns    release with clg_idx_close; *out is empty on failure
// errors  CLG_EIO, CLG_EFORMAT (damaged, or an element type that no clg_dtype has), CLG_ENOMEM
// source  http://yann.lecun.com/exdb/mnist (the format's description)
CLG_API clg_status clg_idx_open(clg_idx *out, const char *path, char *error, size_t error_size);
CLG_API void clg_idx_close(clg_idx *x);
// Write one; gzip where the path ends in ".gz".
CLG_API clg_status clg_idx_write(const char *path, clg_dtype t, clg_shape shape, const void *data,
                                 char *error, size_t error_size);

// One tensor of a safetensors file. data points into the open file.
typedef struct clg_safetensor {
    const char *name;
    bool known; // false: an element type that no clg_dtype has; dtype is meaningless then
    clg_dtype dtype;
    clg_shape shape;
    const void *data;
    size_t bytes;
} clg_safetensor;

typedef struct clg_safetensors_t *clg_safetensors;

// Read a safetensors file; every rule of the format is checked (header, offsets, overlaps, holes).
//
// owns    release with clg_safetensors_close; *out is NULL on failure
// errors  CLG_EIO, CLG_EFORMAT, CLG_ENOMEM
// source  https://github.com/huggingface/safetensors, format description
CLG_API clg_status clg_safetensors_open(clg_safetensors *out, const char *path, char *error,
                                        size_t error_size);
CLG_API void clg_safetensors_close(clg_safetensors *f);
CLG_API int clg_safetensors_count(clg_safetensors f);
CLG_API const clg_safetensor *clg_safetensors_at(clg_safetensors f, int i);
CLG_API const clg_safetensor *clg_safetensors_find(clg_safetensors f, const char *name); // or NULL
CLG_API const char *clg_safetensors_metadata(clg_safetensors f, const char *key);        // or NULL

// Write tensors (name, dtype, shape and data of each) and metadata pairs (key, value, ..., NULL; may be
// NULL) atomically, in the order of the reference writer.
CLG_API clg_status clg_safetensors_write(const char *path, const clg_safetensor *t, int n,
                                         const char *const *metadata, char *error,
                                         size_t error_size);

CLG_END
#endif
