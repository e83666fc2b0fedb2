// SPDX-License-Identifier: MIT
// Errors on their way up.
#include "base/err.h"
#include "base/format.h"

#include <stdarg.h>
#ifdef CLG_DEBUG
#include <stdio.h>
#endif

clg_status clg__fail(clg__err *e, clg_status st, const char *format, ...)
{
    if (!e || e->status < 0)
        return st;
    va_list ap;
    va_start(ap, format);
    clg__vformat(e->text, sizeof e->text, format, ap);
    va_end(ap);
    e->status = st;
    return st;
}

#ifdef CLG_DEBUG
void clg__trap(const char *what)
{
    fputs("clgrad: ", stderr);
    fputs(what, stderr);
    fputc('\n', stderr);
    __builtin_trap();
}
#endif

const char *clg_status_text(clg_status st)
{
    switch (st) {
#define CASE(name, value, text)                                                                    \
    case value:                                                                                    \
        return text;
        CLG_STATUS_MAP(CASE)
#undef CASE
    default:
        return "unknown status";
    }
}
