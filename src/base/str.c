// SPDX-License-Identifier: MIT
// The growing string.
#include "base/str.h"

#include "base/alloc.h"
#include "base/format.h"

#include <string.h>

static bool reserve(clg__str *s, size_t more)
{
    if (s->failed)
        return false;
    const size_t need = s->length + more + 1;
    if (need <= s->capacity)
        return true;
    size_t to = s->capacity ? s->capacity : 64;
    while (to < need)
        to *= 2;
    char *p = clg__realloc(s->text, to);
    if (!p) {
        s->failed = true;
        return false;
    }
    s->text = p;
    s->capacity = to;
    return true;
}

void clg__str_add_n(clg__str *s, const void *bytes, size_t n)
{
    if (!n || !reserve(s, n))
        return;
    memcpy(s->text + s->length, bytes, n);
    s->length += n;
    s->text[s->length] = '\0';
}

void clg__str_add(clg__str *s, const char *text)
{
    clg__str_add_n(s, text, strlen(text));
}

void clg__str_vprintf(clg__str *s, const char *format, va_list ap)
{
    enum { LINE = 80 }; // room that most calls find enough, so that they are done once
    va_list again;
    va_copy(again, ap);
    const size_t room = reserve(s, LINE) ? s->capacity - s->length : 0;
    const int n = room ? clg__vformat(s->text + s->length, room, format, ap) : -1;
    if (n >= 0 && (size_t) n < room) {
        s->length += (size_t) n;
    } else if (n >= 0 && reserve(s, (size_t) n)) {
        clg__vformat(s->text + s->length, (size_t) n + 1, format, again);
        s->length += (size_t) n;
    }
    if (s->text)
        s->text[s->length] = '\0';
    va_end(again);
}

void clg__str_printf(clg__str *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    clg__str_vprintf(s, format, ap);
    va_end(ap);
}

void clg__str_clear(clg__str *s)
{
    s->length = 0;
    s->failed = false;
    if (s->text)
        s->text[0] = '\0';
}

void clg__str_free(clg__str *s)
{
    clg__free(s->text);
    *s = (clg__str) { 0 };
}

const char *clg__str_text(const clg__str *s)
{
    return s->text ? s->text : "";
}
