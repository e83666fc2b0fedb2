// SPDX-License-Identifier: MIT
// Files: IDX data sets, safetensors, atomic writing. Readers trust nothing in a file.
#ifndef CLGRAD_IO_H
#define CLGRAD_IO_H

#include <clgrad/base.h>

CLG_BEGIN

// Write a file so that a kill at any moment leaves the old one or the new one: temporary name,
// write, sync, rename, sync of the folder. Several writers of one path do not disturb each other:
// the last to finish wins. What a killed one left goes with a later write: at once where this host
// started it, else after a day. A link stays: what it points to is replaced. An existing file's
// rights stay, its owner too where the system lets it. A new one gets those that the umask leaves,
// but the owner's to read and write always, and others' to write never.
//
// path    at most 1,000 bytes
// bytes   n bytes; NULL when n is 0
// error   where a failure writes its message, error_size bytes; may be NULL
// result  CLG_OK
// owns    nothing
// errors  CLG_EIO       also for a path that is there and no regular file (a folder, a device, a
//                       pipe), or that must not be written
//         CLG_EINVAL    the path is NULL, empty or too long, or bytes is NULL
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
// out     dtype U8, I8, I16, I32, F32 or F64; up to CLG_MAX_RANK dimensions and 1 GiB
// path    of the file
// error   as of clg_write_atomic
// result  CLG_OK
// owns    release with clg_idx_close; *out is empty on failure
// errors  CLG_EIO       cannot be opened or read
//         CLG_EFORMAT   damaged (a gzip checksum too), longer than its header says, or elements
//                       that no clg_dtype has
//         CLG_ENOMEM; CLG_EINVAL for NULL
// blocks  reads the file
// source  http://yann.lecun.com/exdb/mnist (the format's description)
CLG_API clg_status clg_idx_open(clg_idx *out, const char *path, char *error, size_t error_size);

// Release the memory.
//
// x       what clg_idx_open filled; empty after. NULL and an empty one are fine
// errors  none
// blocks  no
CLG_API void clg_idx_close(clg_idx *x);

// Write an IDX file, atomically; gzip where the path ends in ".gz".
//
// path    of the file
// t       U8, I8, I16, I32, F32 or F64
// shape   up to 1 GiB
// data    clg_numel(shape) elements in host order
// error   as of clg_write_atomic
// result  CLG_OK
// owns    nothing
// errors  CLG_EIO, CLG_ENOMEM
//         CLG_EINVAL    NULL, another type, or what clg_idx_open would refuse: a rank above
//                       CLG_MAX_RANK, a dimension of 2^32, more than 1 GiB
// blocks  as clg_write_atomic
CLG_API clg_status clg_idx_write(const char *path, clg_dtype t, clg_shape shape, const void *data,
                                 char *error, size_t error_size);

// One tensor of a safetensors file. data points into the open file and may be unaligned.
typedef struct clg_safetensor {
    const char *name;
    bool known; // false: an element type that no clg_dtype has; dtype is none of them then
    clg_dtype dtype;
    clg_shape shape;
    const void *data;
    size_t bytes;
} clg_safetensor;

typedef struct clg_safetensors_t *clg_safetensors;

// Read a safetensors file; every rule of the format is checked (header, offsets, overlaps, holes).
//
// out     the open file, whole in memory
// path    of the file
// error   as of clg_write_atomic
// result  CLG_OK
// owns    release with clg_safetensors_close; *out is NULL on failure
// errors  CLG_EIO, CLG_ENOMEM; CLG_EINVAL for NULL
//         CLG_EFORMAT   against a rule, more than CLG_MAX_RANK dimensions, or a BOOL element other
//                       than 0 and 1
// blocks  reads the file
// source  https://github.com/huggingface/safetensors, format description
CLG_API clg_status clg_safetensors_open(clg_safetensors *out, const char *path, char *error,
                                        size_t error_size);

// Release the file and everything that points into it.
//
// f       its address; set to NULL. NULL and the address of NULL are fine
// errors  none
// blocks  no
CLG_API void clg_safetensors_close(clg_safetensors *f);

// Number of tensors.
//
// f       the file
// result  tensors; 0 for NULL
// errors  none
// blocks  no
CLG_API int clg_safetensors_count(clg_safetensors f);

// A tensor by number, in the header's order.
//
// f, i    the file, 0..count-1
// result  the tensor; NULL for a number outside
// owns    belongs to the file
// errors  none
// blocks  no
CLG_API const clg_safetensor *clg_safetensors_at(clg_safetensors f, int i);

// A tensor by name.
//
// f, name the file and the whole name
// result  the tensor; NULL when there is none
// owns    belongs to the file
// errors  none
// blocks  no
CLG_API const clg_safetensor *clg_safetensors_find(clg_safetensors f, const char *name);

// A value of the file's metadata.
//
// f, key  the file and the key
// result  the text; NULL when there is none, or when it holds a NUL
// owns    belongs to the file
// errors  none
// blocks  no
CLG_API const char *clg_safetensors_metadata(clg_safetensors f, const char *key);

// A key of the file's metadata by number.
//
// f, i    the file, 0 and on
// result  the key; NULL after the last one
// owns    belongs to the file
// errors  none
// blocks  no
CLG_API const char *clg_safetensors_metadata_key(clg_safetensors f, int i);

// Write a safetensors file, atomically, tensors in the order of the reference writer. What is
// written clg_safetensors_open gives back equal; anything else is refused, and the old file stays.
//
// path    of the file
// t       n tensors: name, dtype, shape, data and bytes of each; known is not looked at
// metadata  key, value, ..., NULL; may be NULL. No key twice
// error   as of clg_write_atomic
// result  CLG_OK
// owns    nothing
// errors  CLG_EIO, CLG_ENOMEM
//         CLG_EINVAL    a name is NULL, doubled, not UTF-8, or "__metadata__"; a type that no
//                       clg_dtype is; bytes do not fit the shape, or data is NULL; a BOOL element
//                       other than 0 and 1; a key without a value; a header of more than 100 MB
// blocks  as clg_write_atomic
CLG_API clg_status clg_safetensors_write(const char *path, const clg_safetensor *t, int n,
                                         const char *const *metadata, char *error,
                                         size_t error_size);

CLG_END
#endif
