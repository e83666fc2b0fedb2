// SPDX-License-Identifier: MIT
// A growing string. Out of memory is sticky: append freely, look at `failed` once at the end.
#ifndef CLG_BASE_STR_H
#define CLG_BASE_STR_H

#include <clgrad/base.h>
#include <stdarg.h>

typedef struct clg__str {
    char *text; // NUL-terminated, NULL while empty
    size_t length, capacity;
    bool failed;
} clg__str;

void clg__str_add(clg__str *s, const char *text);
void clg__str_add_n(clg__str *s, const void *bytes, size_t n);
void clg__str_printf(clg__str *s, const char *format, ...) CLG_PRINTF(2, 3);
void clg__str_vprintf(clg__str *s, const char *format, va_list ap);
void clg__str_clear(clg__str *s); // keeps the memory
void clg__str_free(clg__str *s);
const char *clg__str_text(const clg__str *s); // never NULL
#endif
