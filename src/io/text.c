// SPDX-License-Identifier: MIT
// Error buffers and checked sizes.
#include "io/text.h"

#include <stdarg.h>
#include <stdio.h>

clg_status clg__text(char *error, size_t size, clg_status st, const char *format, ...)
{
    va_list ap;
    if (!error || !size)
        return st;
    va_start(ap, format);
    vsnprintf(error, size, format, ap);
    va_end(ap);
    return st;
}

bool clg__bytes_of(const clg_shape *s, size_t item, size_t *out)
{
    size_t n = item;
    for (int d = 0; d < s->rank; d++) {
        if (s->dim[d] < 0)
            return false;
        if (s->dim[d] == 0) {
            *out = 0;
            return true;
        }
        if ((uint64_t) s->dim[d] > (uint64_t) INT64_MAX / n)
            return false;
        n *= (size_t) s->dim[d];
    }
    *out = n;
    return true;
}
