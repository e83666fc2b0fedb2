// SPDX-License-Identifier: MIT
// Log lines on stderr, for the categories that CLGRAD_LOG names.
#include "base/log.h"

#include "base/env.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    clg__log_category category;
} names[] = {
    { "plan", CLG__LOG_PLAN },     { "dispatch", CLG__LOG_DISPATCH }, { "build", CLG__LOG_BUILD },
    { "device", CLG__LOG_DEVICE }, { "source", CLG__LOG_SOURCE },     { "memory", CLG__LOG_MEMORY },
    { "pass", CLG__LOG_PASS },
};

static atomic_int mask;

void clg__log_read(void)
{
    const char *text = clg__env(CLG__CLGRAD_LOG);
    int on = 0;
    for (size_t i = 0; text && i < sizeof names / sizeof names[0]; i++) {
        if (strstr(text, names[i].name) || strstr(text, "all"))
            on |= (int) names[i].category;
    }
    atomic_store(&mask, on);
}

bool clg__log_on(clg__log_category c)
{
    return (atomic_load(&mask) & (int) c) != 0;
}

void clg__log(clg__log_category c, const char *format, ...)
{
    const char *name = "";
    clg__str line = { 0 };
    if (!clg__log_on(c))
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        name = names[i].category == c ? names[i].name : name;
    va_list ap;
    va_start(ap, format);
    clg__str_printf(&line, "clgrad %s: ", name);
    clg__str_vprintf(&line, format, ap);
    clg__str_add(&line, "\n");
    va_end(ap);
    fputs(clg__str_text(&line), stderr); // whole lines, whatever other threads write
    clg__str_free(&line);
}
