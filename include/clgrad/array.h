// SPDX-License-Identifier: MIT
// Arrays in memory, as the readers of files give them, and files of arrays: NumPy's, CIFAR's.
// Readers trust nothing in a file.
#ifndef CLGRAD_ARRAY_H
#define CLGRAD_ARRAY_H

#include <clgrad/base.h>

CLG_BEGIN

// Elements in host order, rows one after another. clg_upload takes its three fields.
typedef struct clg_array {
    clg_dtype dtype;
    clg_shape shape;
    void *data; // never NULL in what a reader gave, also of an empty array
} clg_array;

// Release the memory.
//
// a       what a reader filled; empty after. NULL and an empty one are fine
// errors  none
// blocks  no
CLG_API void clg_array_close(clg_array *a);

// Read an .npy file (NumPy's, versions 1.0 to 3.0).
//
// out     what has Fortran's order in the file too; big-endian numbers in host order. The two bytes
//         of '<V2' are BF16, as ml_dtypes has it
// path    of the file
// error   as of clg_write_atomic
// result  CLG_OK
// owns    release with clg_array_close; *out is empty on failure
// errors  CLG_EIO, CLG_ENOMEM; CLG_EINVAL for NULL
//         CLG_EFORMAT   damaged, cut short, longer than its header says, elements that no clg_dtype
//                       has (objects, complex numbers, text), a BOOL other than 0 and 1, more than
//                       CLG_MAX_RANK dimensions, a header of more than 10,000 bytes
// blocks  reads the file
// source  https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
CLG_API clg_status clg_npy_open(clg_array *out, const char *path, char *error, size_t error_size);

// Write an .npy file (version 1.0), atomically.
//
// path    of the file
// t       any type; BF16 as '<V2'
// shape, data   clg_numel(shape) elements in host order
// error   as of clg_write_atomic
// result  CLG_OK
// owns    nothing
// errors  CLG_EIO, CLG_ENOMEM
//         CLG_EINVAL    NULL, no such type, a shape that is none, a BOOL other than 0 and 1
// blocks  as clg_write_atomic
CLG_API clg_status clg_npy_write(const char *path, clg_dtype t, clg_shape shape, const void *data,
                                 char *error, size_t error_size);

typedef struct clg_npz_t *clg_npz;

// Read an .npz file: a zip archive of .npy files, stored or deflated, zip64 too. Its members are
// unpacked when they are asked for; what is no .npy is passed over.
//
// out     the open file, packed in memory
// path    of the file
// error   as of clg_write_atomic
// result  CLG_OK
// owns    release with clg_npz_close; *out is NULL on failure
// errors  CLG_EIO, CLG_ENOMEM; CLG_EINVAL for NULL
//         CLG_EFORMAT   no zip archive, damaged, in parts, encrypted, another method, or two
//                       members of one name
// blocks  reads the file
// source  PKWARE APPNOTE 6.3.10
CLG_API clg_status clg_npz_open(clg_npz *out, const char *path, char *error, size_t error_size);

// Release the file.
//
// f       its address; set to NULL. NULL and the address of NULL are fine
// errors  none
// blocks  no
CLG_API void clg_npz_close(clg_npz *f);

// Number of arrays.
//
// f       the file
// result  arrays; 0 for NULL
// errors  none
// blocks  no
CLG_API int clg_npz_count(clg_npz f);

// Name of an array, in the archive's order.
//
// f, i    the file, 0..count-1
// result  without ".npy"; NULL for a number outside
// owns    belongs to the file
// errors  none
// blocks  no
CLG_API const char *clg_npz_name(clg_npz f, int i);

// Number of the array of a name.
//
// f, name the file and the whole name
// result  0..count-1; -1 when there is none
// errors  none
// blocks  no
CLG_API int clg_npz_find(clg_npz f, const char *name);

// Unpack an array.
//
// f, i    the file, 0..count-1
// out     as of clg_npy_open
// error   as of clg_write_atomic
// result  CLG_OK
// owns    release with clg_array_close; *out is empty on failure
// errors  as of clg_npy_open; CLG_EFORMAT also for damaged data, or another checksum
// blocks  unpacks
CLG_API clg_status clg_npz_read(clg_npz f, int i, clg_array *out, char *error, size_t error_size);

// Write an .npz file, atomically. What is written clg_npz_open gives back equal.
//
// path    of the file
// names   n names, UTF-8, none twice, of at most 65,000 bytes
// a       n arrays, as of clg_npy_write
// compress   deflate them, as numpy.savez_compressed; else they are stored
// error   as of clg_write_atomic
// result  CLG_OK
// owns    nothing
// errors  CLG_EIO, CLG_ENOMEM; CLG_EINVAL as of clg_npy_write, and names
// blocks  as clg_write_atomic
CLG_API clg_status clg_npz_write(const char *path, const char *const *names, const clg_array *a,
                                 int n, bool compress, char *error, size_t error_size);

// Read a binary file of CIFAR-10 or CIFAR-100 (data_batch_1.bin, train.bin).
//
// images  U8 [N,3,32,32]
// labels  U8 [N]; of CIFAR-100 [N,2], coarse and fine
// path    of the file
// classes 10 or 100
// error   as of clg_write_atomic
// result  CLG_OK
// owns    release both with clg_array_close; empty on failure
// errors  CLG_EIO, CLG_ENOMEM; CLG_EINVAL for NULL or other classes
//         CLG_EFORMAT   no whole number of records, none, a label that is no class, more than 1 GiB
// blocks  reads the file
// source  https://www.cs.toronto.edu/~kriz/cifar.html
CLG_API clg_status clg_cifar_open(clg_array *images, clg_array *labels, const char *path,
                                  int classes, char *error, size_t error_size);

CLG_END
#endif
