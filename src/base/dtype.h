// SPDX-License-Identifier: MIT
// What the library itself needs to know of an element type. The rows are in dtype.def.
#ifndef CLG_BASE_DTYPE_H
#define CLG_BASE_DTYPE_H

#include "base/str.h"

#include <clgrad/base.h>

typedef struct clg__dtype {
    clg_dtype_info info;
    int digits;
    const char *suffix; // of names in kernel text
    const char *storage, *mask, *low, *high;
    clg_dtype as, products;
    const char *text;
    bool needs_fp64;
} clg__dtype;

// The row of t; of an unknown type one that is all zeros.
const clg__dtype *clg__dtype_of(clg_dtype t);
// Is a register of another form than memory? Such values are rounded after every operation.
bool clg__is_packed(clg_dtype t);
// Registers' type in OpenCL C: "float".
const char *clg__register(clg_dtype t);
// The functions NAME(get{lanes}_{type}), put and rnd of a packed type, as kernel text; lanes: 1 or 16.
//   get   storage to register, exactly
//   rnd   a register rounded to what storage can hold, to nearest even; a NaN stays one
//   put   register to storage, of what rnd gives
void clg__dtype_text(clg_dtype t, int lanes, clg__str *out);

// ---- on the host

// v as t holds it: rounded, or between the limits and truncated (NaN is 0). 2^63 and 2^64 stand for the greatest
// integer below them.
double clg__fit(clg_dtype t, double v);
// Of integers and BOOL: the element's bits, extended by its sign.
int64_t clg__get_integer(clg_dtype t, const void *p);
#endif
