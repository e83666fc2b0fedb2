// SPDX-License-Identifier: MIT
// The same as JSON, written as it comes, so that all values of an array need no memory. What is not finite is a text.
#include "page.h"
#include "values.h"

#include <inttypes.h>
#include <math.h>

// Bytes of a letter of UTF-8, or 0.
static int letter(const unsigned char *s)
{
    const int n = s[0] < 0x80                    ? 1
                  : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                  : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                  : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                : 0;
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

// Names of files and of members of archives are bytes: those that are no UTF-8 become U+FFFD.
static void text(FILE *out, const char *s)
{
    fputc('"', out);
    while (*s) {
        const int n = letter((const unsigned char *) s);
        const unsigned char c = (unsigned char) *s;
        if (n == 0)
            fputs("\\ufffd", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\u%04x", c);
        else
            fprintf(out, "%.*s", n, s);
        s += n ? n : 1;
    }
    fputc('"', out);
}

static void number(FILE *out, double v)
{
    if (isfinite(v))
        fprintf(out, "%.17g", v);
    else
        fputs(isnan(v) ? "\"nan\"" : v < 0 ? "\"-inf\"" : "\"inf\"", out);
}

static void element(FILE *out, const shown *a, int64_t at)
{
    char as[VALUE_TEXT];
    double v;
    elements_as_double(a, at, 1, &v);
    if (a->dtype == CLG_BOOL) {
        fputs(v != 0 ? "true" : "false", out);
    } else if (is_whole(a) || isfinite(v)) {
        value_alone(a, at, as);
        fputs(as, out);
    } else {
        number(out, v);
    }
}

static void nested(FILE *out, const shown *a, int axis, int64_t *at)
{
    if (axis == a->shape.rank) {
        element(out, a, (*at)++);
        return;
    }
    fputc('[', out);
    for (int64_t i = 0; i < a->shape.dim[axis]; i++) {
        fputs(i ? ", " : "", out);
        nested(out, a, axis + 1, at);
    }
    fputc(']', out);
}

void json_file(page *p, const char *path, const source *s)
{
    fputs(p->files++ ? ",\n {\"file\": " : "[\n {\"file\": ", p->out);
    text(p->out, path);
    fprintf(p->out, ", \"format\": \"%s\", \"metadata\": {", s->format);
    const char *key;
    for (int i = 0; s->tensors && (key = clg_safetensors_metadata_key(s->tensors, i)); i++) {
        const char *value = clg_safetensors_metadata(s->tensors, key);
        fputs(i ? ", " : "", p->out);
        text(p->out, key);
        fputs(": ", p->out);
        if (value)
            text(p->out, value);
        else
            fputs("null", p->out);
    }
    fputs("}, \"arrays\": [", p->out);
    p->arrays = 0;
}

static void print_numbers(FILE *out, const shown *a, const numbers *n)
{
    char lo[40], hi[40];
    if (n->finite) {
        if (is_whole(a)) {
            short_number(a, n->min, n->whole_min, lo, sizeof lo);
            short_number(a, n->max, n->whole_max, hi, sizeof hi);
        } else {
            snprintf(lo, sizeof lo, "%.17g", n->min);
            snprintf(hi, sizeof hi, "%.17g", n->max);
        }
        fprintf(out, ",\n   \"min\": %s, \"max\": %s, \"mean\": %.17g, \"std\": %.17g", lo, hi, n->mean, n->std);
    } else {
        fputs(",\n   \"min\": null, \"max\": null, \"mean\": null, \"std\": null", out);
    }
    fprintf(out, ", \"zeros\": %" PRId64 ", \"nan\": %" PRId64 ", \"inf\": %" PRId64 ",\n   \"histogram\": [", n->zeros,
            n->nan, n->infinite);
    for (int i = 0; i < n->bins; i++)
        fprintf(out, "%s%" PRId64, i ? ", " : "", n->count[i]);
    fputs("]", out);
}

void json_array_of(page *p, const shown *a, const numbers *n)
{
    fputs(p->arrays++ ? ",\n  {\"name\": " : "\n  {\"name\": ", p->out);
    text(p->out, a->name);
    fprintf(p->out, ", \"dtype\": ");
    fprintf(p->out, a->known ? "\"%s\"" : "null", a->known ? clg_dtype_name(a->dtype) : "");
    fputs(", \"shape\": [", p->out);
    for (int d = 0; d < a->shape.rank; d++)
        fprintf(p->out, "%s%" PRId64, d ? ", " : "", a->shape.dim[d]);
    fprintf(p->out, "], \"elements\": %" PRId64 ", \"bytes\": %zu", a->n, a->bytes);
    if (a->known) {
        print_numbers(p->out, a, n);
        int64_t at = 0;
        fprintf(p->out, ", \"%s\": ", p->values ? "values" : "first");
        if (p->values && a->n == 0)
            fputs("[]", p->out);
        else if (p->values)
            nested(p->out, a, 0, &at);
        for (; !p->values && at < a->n && at < 8; at++) {
            fputs(at ? ", " : "[", p->out);
            element(p->out, a, at);
        }
        if (!p->values)
            fputs(at ? "]" : "[]", p->out);
    }
    fputs("}", p->out);
}

void json_file_end(page *p)
{
    fputs(p->arrays ? "\n ]}" : "]}", p->out);
}

void json_end(page *p)
{
    fputs(p->files ? "\n]\n" : "[]\n", p->out);
}
