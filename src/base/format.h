// SPDX-License-Identifier: MIT
// printf without the host process: the bytes depend on format and arguments alone, never on locale,
// rounding mode or flush-to-zero. All text of the library is made here: kernels, keys and messages.
#ifndef CLG_BASE_FORMAT_H
#define CLG_BASE_FORMAT_H

#include <clgrad/base.h>
#include <stdarg.h>
#include <stddef.h>

// As vsnprintf in the C locale, rounding to nearest; exact for any precision. Long doubles are shown
// as doubles, wide text as UTF-8; %n and numbered arguments are not there.
int clg__vformat(char *out, size_t size, const char *format, va_list ap);
int clg__format(char *out, size_t size, const char *format, ...) CLG_PRINTF(3, 4);

// Letters and digits of ASCII, as ctype.h has them in the C locale alone.
static inline bool clg__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline char clg__lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static inline bool clg__is_letter(char c)
{
    return clg__lower(c) >= 'a' && clg__lower(c) <= 'z';
}

// A whole text of digits, with a sign or none: no spaces, nothing behind it.
bool clg__parse_i64(const char *digits, int64_t *out);
#endif
