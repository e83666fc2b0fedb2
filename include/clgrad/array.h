// SPDX-License-Identifier: MIT
// Arrays in memory, as the readers of files give them. Readers trust nothing in a file.
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

CLG_END
#endif
