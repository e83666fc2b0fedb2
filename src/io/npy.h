// SPDX-License-Identifier: MIT
// The .npy format in memory, for .npy and .npz files.
#ifndef CLG_IO_NPY_H
#define CLG_IO_NPY_H

#include "io/whole.h"

#include <clgrad/array.h>

// An array out of the n bytes at p, which become its data or are freed. On failure a sentence in why.
clg_status clg__npy_read(clg_array *out, unsigned char *p, size_t n, char *why, size_t why_size);
// Append the file of an array. What is wrong with it, or NULL; *st has the status then.
const char *clg__npy_write(clg__bytes *out, clg_dtype t, const clg_shape *shape, const void *data, clg_status *st);
#endif
