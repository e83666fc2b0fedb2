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

bool clg__size_of(const clg_shape *s, uint64_t item, uint64_t *out)
{
    uint64_t n = item;
    bool zero = false;
    for (int d = 0; d < s->rank; d++) {
        if (s->dim[d] < 0 || (uint64_t) (s->dim[d] ? s->dim[d] : 1) > (uint64_t) INT64_MAX / n)
            return false;
        zero |= s->dim[d] == 0;
        n *= (uint64_t) (s->dim[d] ? s->dim[d] : 1);
    }
    *out = zero ? 0 : n;
    return true;
}
