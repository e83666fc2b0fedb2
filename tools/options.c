// SPDX-License-Identifier: MIT
// Options of the command line, from a table.
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int usage_error(const char *command, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "clgrad %s: ", command);
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\nTry: clgrad %s --help\n", command);
    va_end(ap);
    return EXIT_USAGE;
}

const char *option_value(int argc, char **argv, int *i, const char *name)
{
    const size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0)
        return NULL;
    if (argv[*i][n] == '=')
        return argv[*i] + n + 1;
    if (argv[*i][n] != '\0')
        return NULL;
    return *i + 1 < argc && strncmp(argv[*i + 1], "--", 2) != 0 ? argv[++*i] : "";
}

bool parse_int(const char *text, long lo, long hi, long *out)
{
    char *end;
    errno = 0;
    const long v = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno || v < lo || v > hi)
        return false;
    *out = v;
    return true;
}

bool parse_double(const char *text, double lo, double hi, double *out)
{
    char *end;
    const double v = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !(v >= lo && v <= hi))
        return false;
    *out = v;
    return true;
}

static int take(const char *command, option *o, const char *text)
{
    o->given = true;
    if (*text == '\0')
        return usage_error(command, "%s needs a value", o->name);
    if (o->kind == OPTION_TEXT)
        *(const char **) o->to = text;
    else if (o->kind == OPTION_WHOLE && !parse_int(text, (long) o->lo, (long) o->hi, o->to))
        return usage_error(command, "%s '%s': expected a whole number from %.0f to %.0f", o->name,
                           text, o->lo, o->hi);
    else if (o->kind == OPTION_REAL && !parse_double(text, o->lo, o->hi, o->to))
        return usage_error(command, "%s '%s': expected a number from %g to %g", o->name, text,
                           o->lo, o->hi);
    return EXIT_OK;
}

static int parse_one(const char *command, option *o, int n, int argc, char **argv, int *i,
                     const char **word)
{
    for (int k = 0; k < n; k++) {
        if (o[k].kind == OPTION_FLAG && strcmp(argv[*i], o[k].name) == 0) {
            *(bool *) o[k].to = o[k].given = true;
            return EXIT_OK;
        }
        const char *text = o[k].kind == OPTION_FLAG ? NULL : option_value(argc, argv, i, o[k].name);
        if (text)
            return take(command, &o[k], text);
    }
    if (argv[*i][0] == '-')
        return usage_error(command, "no option '%s'", argv[*i]);
    if (!word || *word)
        return usage_error(command, "unexpected '%s'", argv[*i]);
    *word = argv[*i];
    return EXIT_OK;
}

int parse_options(const char *command, option *o, int n, int argc, char **argv, const char **word)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return HELP_WANTED;
    }
    int code = EXIT_OK;
    for (int i = 1; i < argc && code == EXIT_OK; i++)
        code = parse_one(command, o, n, argc, argv, &i, word);
    return code;
}
