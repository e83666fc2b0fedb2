// SPDX-License-Identifier: MIT
// Automatic mixed precision: which operations run in F16 or BF16.
#ifndef CLGRAD_AUTOCAST_H
#define CLGRAD_AUTOCAST_H

#include <clgrad/tensor.h>

CLG_BEGIN

typedef enum clg_autocast_policy {
    CLG_AUTOCAST_AS_IS, // inputs stay as they are; several take their widest type, as always
    CLG_AUTOCAST_LOW,   // F32, F16 and BF16 inputs become the low type
    CLG_AUTOCAST_WIDE   // F16 and BF16 inputs become F32
} clg_autocast_policy;

typedef struct clg_autocast {
    bool on;
    clg_dtype type; // F16 or BF16
} clg_autocast;

// From here on, convert the inputs of operations as their rows of the table say: products and
// convolutions run low, what loses its digits stays F32, all else takes the widest of its inputs.
// Derivatives run in the types of their operations, and a gradient has the type of what it belongs
// to: of an F32 weight it is F32. F64 and integers stay as they are. CPUs compute F16 and BF16 in
// F32, so that there it saves bytes, not time.
//
//   clg_autocast old = clg_autocast_set(dev, (clg_autocast) { true, CLG_BF16 });
//   loss = ...
//   clg_autocast_set(dev, old);
//
// dev     the recorder
// a       what holds from here on
// result  what held before; off for NULL, or a device that was closed
// owns    nothing
// errors  CLG_EDTYPE    published: a type that is neither F16 nor BF16. Nothing changes
// blocks  no
CLG_API clg_autocast clg_autocast_set(clg_device dev, clg_autocast a);

// An input as an operation of the library, or of the application's, takes it now.
//
// op      the operation's name, as in the table
// t       any tensor
// result  t, or t in another type; a poison stays as it is
// grad    t: cast back
// errors  none
CLG_API clg_tensor clg_autocast_input(const char *op, clg_tensor t);

// The table of operations that autocast converts.
//
// i       0, 1, ...
// policy  what is done to inputs; may be NULL
// result  the name; NULL beyond the last one
// owns    static
// errors  none
// blocks  no
CLG_API const char *clg_autocast_row(int i, clg_autocast_policy *policy);

CLG_END
#endif
