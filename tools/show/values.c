// SPDX-License-Identifier: MIT
// NumPy's rules: at most 8 digits behind the point, as few as tell an element from its neighbours; exponents where an
// element is 1e8 or more, below 1e-4, or a thousand times another.
#include "values.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRECISION = 8, LINE = 75 };

// Would the text be read as this element again? Types of 16 bits by the distance to their neighbours.
static bool reads_back(clg_dtype t, double v, const char *text)
{
    const double r = strtod(text, NULL);
    if (t == CLG_F64)
        return r == v;
    if (t == CLG_F32)
        return (float) r == (float) v;
    int exponent;
    const double fraction = fabs(frexp(v, &exponent));
    const int lowest = t == CLG_F16 ? -24 : -133, ulp = exponent - (t == CLG_F16 ? 11 : 8);
    const double half = ldexp(0.5, ulp < lowest ? lowest : ulp);
    const bool below = fabs(r) < fabs(v) && fraction == 0.5 && ulp > lowest;
    return fabs(r - v) < (below ? half / 2 : half);
}

// The least digits after the first one.
static int digits_needed(clg_dtype t, double v)
{
    char text[64];
    const int from = fabs(v) < FLT_MIN || (t != CLG_F64 && t != CLG_F32) ? 0 : t == CLG_F64 ? 14 : 5;
    int n = from;
    for (; n < 16; n++) {
        snprintf(text, sizeof text, "%.*e", n, v);
        if (reads_back(t, v, text))
            break;
    }
    snprintf(text, sizeof text, "%.*e", n, v);
    const char *end = strchr(text, 'e');
    while (n > 0 && *--end == '0')
        n--;
    return n;
}

static void trim(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '0')
        text[--n] = '\0';
}

// "12.5" or "3.", with at most so many digits behind the point.
static void positional(clg_dtype t, double v, int most, char *to)
{
    const int digits = v == 0 ? 0 : digits_needed(t, v);
    char text[64];
    snprintf(text, sizeof text, "%.*e", digits, v);
    const int exponent = atoi(strchr(text, 'e') + 1);
    int behind = digits - exponent; // digits behind the point
    behind = behind < 0 ? 0 : behind > most ? most : behind;
    // Where digits end before the point, those of the text count, and zeros after them.
    snprintf(to, VALUE_TEXT, "%#.*f", behind, exponent > digits ? strtod(text, NULL) : v);
    trim(to);
}

// "1.25" and the exponent
static int scientific(clg_dtype t, double v, char *to)
{
    int digits = v == 0 ? 0 : digits_needed(t, v);
    digits = digits > PRECISION ? PRECISION : digits;
    snprintf(to, VALUE_TEXT, "%#.*e", digits, v);
    char *e = strchr(to, 'e');
    const int exponent = atoi(e + 1);
    *e = '\0';
    trim(to);
    return exponent;
}

static int longest(int a, int b)
{
    return a > b ? a : b;
}

static int exponent_digits(int exponent)
{
    return exponent <= -100 || exponent >= 100 ? 3 : 2;
}

static bool needs_exponents(const shown *a, int64_t from, int64_t n, bool *any, bool *special)
{
    double least = (double) INFINITY, most = 0;
    for (int64_t i = from; i < from + n; i++) {
        double v;
        elements_as_double(a, i, 1, &v);
        *special |= !isfinite(v);
        *any |= isfinite(v);
        if (!isfinite(v) || v == 0)
            continue;
        least = fmin(least, fabs(v));
        most = fmax(most, fabs(v));
    }
    return most > 0 && (most >= 1e8 || least < 1e-4 || most / least > 1000);
}

static void widen(value_format *f, clg_dtype t, double v)
{
    char text[VALUE_TEXT];
    if (f->exponents)
        f->exponent = longest(f->exponent, exponent_digits(scientific(t, v, text)));
    else
        positional(t, v, PRECISION, text);
    const char *point = strchr(text, '.');
    f->before = longest(f->before, (int) (point - text));
    f->after = longest(f->after, (int) strlen(point + 1));
}

static int whole_text(const shown *a, int64_t at, char *to)
{
    const uint64_t v = element_as_integer(a, at);
    if (a->dtype == CLG_BOOL)
        return snprintf(to, VALUE_TEXT, v ? "True" : "False");
    return snprintf(to, VALUE_TEXT, is_signed(a) ? "%" PRId64 : "%" PRIu64, v);
}

value_format values_format(const shown *a, int64_t from, int64_t n)
{
    char text[VALUE_TEXT];
    value_format f = { .before = 0 };
    if (is_whole(a)) {
        for (int64_t i = from; i < from + n; i++)
            f.before = longest(f.before, a->dtype == CLG_BOOL ? 5 : whole_text(a, i, text));
        return f;
    }
    bool any = false, special = false, negative = false;
    f.exponents = needs_exponents(a, from, n, &any, &special);
    for (int64_t i = from; i < from + n; i++) {
        double v;
        elements_as_double(a, i, 1, &v);
        negative |= isinf(v) && v < 0;
        if (isfinite(v))
            widen(&f, a->dtype, v);
    }
    const int behind = f.after + (f.exponents ? f.exponent + 2 : 0);
    if (special)
        f.before = longest(f.before, 3 + negative - behind - 1);
    return f;
}

static void spaced(char *to, int before, const char *text, int after)
{
    const size_t n = strlen(text), left = before > 0 ? (size_t) before : 0, right = after > 0 ? (size_t) after : 0;
    to[0] = '\0';
    if (left + n + right >= VALUE_TEXT)
        return;
    memset(to, ' ', left + n + right);
    memcpy(to + left, text, n);
    to[left + n + right] = '\0';
}

void value_text(const value_format *f, const shown *a, int64_t at, char to[VALUE_TEXT])
{
    char text[VALUE_TEXT];
    if (is_whole(a)) {
        spaced(to, f->before - whole_text(a, at, text), text, 0);
        return;
    }
    double v;
    elements_as_double(a, at, 1, &v);
    const int width = f->before + 1 + f->after + (f->exponents ? f->exponent + 2 : 0);
    if (!isfinite(v)) {
        const char *name = isnan(v) ? "nan" : v < 0 ? "-inf" : "inf";
        spaced(to, width - (int) strlen(name), name, 0);
        return;
    }
    if (!f->exponents) {
        positional(a->dtype, v, PRECISION, text);
        const int before = (int) strcspn(text, "."), after = (int) strlen(text) - before - 1;
        spaced(to, f->before - before, text, f->after - after);
        return;
    }
    snprintf(text, sizeof text, "%#.*e", f->after, v);
    char *e = strchr(text, 'e');
    const int exponent = atoi(e + 1);
    snprintf(e, 16, "e%c%0*d", exponent < 0 ? '-' : '+', f->exponent == 3 ? 3 : 2, abs(exponent));
    spaced(to, f->before - (int) strcspn(text, "."), text, 0);
}

void value_alone(const shown *a, int64_t at, char to[VALUE_TEXT])
{
    double v;
    elements_as_double(a, at, 1, &v);
    if (is_whole(a)) {
        whole_text(a, at, to);
    } else if (!isfinite(v)) {
        snprintf(to, VALUE_TEXT, "%s", isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
    } else if (v == 0 || (fabs(v) >= 1e-4 && fabs(v) < 1e16)) {
        positional(a->dtype, v, 30, to);
        const size_t n = strlen(to);
        if (to[n - 1] == '.')
            strcpy(to + n, "0");
    } else {
        snprintf(to, VALUE_TEXT, "%.*e", digits_needed(a->dtype, v), v);
    }
}

// ---- lines

void print_first(FILE *out, const shown *a, int width)
{
    char text[VALUE_TEXT];
    if (a->n == 0 || a->shape.rank == 0) {
        if (a->n)
            value_alone(a, 0, text);
        fprintf(out, "%s\n", a->n ? text : "[]");
        return;
    }
    int64_t n = a->n < 12 ? a->n : 12;
    for (; n > 1; n--) {
        const value_format f = values_format(a, 0, n);
        value_text(&f, a, 0, text);
        if ((int64_t) (strlen(text) + 1) * n + 1 + (n < a->n ? 4 : 0) <= width)
            break;
    }
    const value_format f = values_format(a, 0, n);
    for (int64_t i = 0; i < n; i++) {
        value_text(&f, a, i, text);
        fprintf(out, "%s%s", i ? " " : "[", text);
    }
    fprintf(out, n < a->n ? " ...]\n" : "]\n");
}

typedef struct nest {
    FILE *out;
    const shown *a;
    value_format format;
    int64_t at;
} nest;

// One row of the last dimension, which begins in column `column`.
static void print_row(nest *n, int column, int width)
{
    char text[VALUE_TEXT];
    const int64_t length = n->a->shape.dim[n->a->shape.rank - 1];
    int used = column, spaces = 0; // those at the end of an element, which a line does not end with
    for (int64_t i = 0; i < length; i++) {
        value_text(&n->format, n->a, n->at++, text);
        const int characters = (int) strlen(text);
        if (used > column && used + 1 + characters > width) {
            fprintf(n->out, "\n%*s", column, "");
            used = column;
        } else if (i > 0) {
            fprintf(n->out, "%*s ", spaces, "");
            used++;
        }
        int end = characters;
        while (end > 0 && text[end - 1] == ' ')
            end--;
        spaces = characters - end;
        fprintf(n->out, "%.*s", end, text);
        used += characters;
    }
    fprintf(n->out, "%*s", spaces, "");
}

static void print_nested(nest *n, int axis, int width)
{
    const int left = n->a->shape.rank - axis;
    fputc('[', n->out);
    if (left == 1) {
        print_row(n, axis + 1, width - 1);
    } else {
        for (int64_t i = 0; i < n->a->shape.dim[axis]; i++) {
            for (int k = 0; i > 0 && k < left - 1; k++)
                fputc('\n', n->out);
            if (i > 0)
                fprintf(n->out, "%*s", axis + 1, "");
            print_nested(n, axis + 1, width - 1);
        }
    }
    fputc(']', n->out);
}

void print_values(FILE *out, const shown *a)
{
    if (a->n == 0 || a->shape.rank == 0) {
        print_first(out, a, LINE);
        return;
    }
    nest n = { out, a, values_format(a, 0, a->n), 0 };
    print_nested(&n, 0, LINE);
    fputc('\n', out);
}
