// SPDX-License-Identifier: MIT
// Elements as text, as NumPy prints an array: https://numpy.org/doc/stable/reference/generated/numpy.array2string.html
#ifndef CLG_SHOW_VALUES_H
#define CLG_SHOW_VALUES_H

#include "numbers.h"

#include <stdio.h>

enum { VALUE_TEXT = 400 };

// How wide the elements of a range are, so that they stand in columns.
typedef struct value_format {
    bool exponents;       // 1.5e-07
    int before, after;    // characters before the point and behind it
    int exponent;         // digits of exponents
} value_format;

value_format values_format(const shown *a, int64_t from, int64_t n);
void value_text(const value_format *f, const shown *a, int64_t at, char to[VALUE_TEXT]);
// One element by itself, with as few digits as tell it from its neighbours.
void value_alone(const shown *a, int64_t at, char to[VALUE_TEXT]);
// The first elements in a line of at most `width` columns; three dots where there are more.
void print_first(FILE *out, const shown *a, int width);
// All of them, nested.
void print_values(FILE *out, const shown *a);
#endif
