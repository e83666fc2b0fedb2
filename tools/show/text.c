// SPDX-License-Identifier: MIT
// The page for people.
#include "page.h"
#include "values.h"

#include <inttypes.h>
#include <string.h>

enum { WIDTH = 76, METADATA = 100 };

// Bytes of a letter of UTF-8 that may be shown, or 0.
static int readable(const unsigned char *s)
{
    if (s[0] < 0x80)
        return s[0] >= 0x20 && s[0] != 0x7f;
    const int n = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : 0;
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0) // control characters beyond ASCII
        return 0;
    const bool bidi = n == 3 && s[0] == 0xe2 && ((s[1] == 0x80 && s[2] >= 0x8b) || (s[1] == 0x81 && s[2] >= 0xa0));
    return bidi ? 0 : n;
}

void print_clean(FILE *out, const char *text, int most)
{
    for (int used = 0; *text; used++) {
        const int n = readable((const unsigned char *) text);
        if (used >= most) {
            fputs("...", out);
            return;
        }
        if (n)
            fprintf(out, "%.*s", n, text);
        else
            fprintf(out, "\\x%02x", (unsigned char) *text);
        used += n ? 0 : 3;
        text += n ? n : 1;
    }
}

static void grouped(FILE *out, double v)
{
    char text[40];
    const int n = snprintf(text, sizeof text, "%.0f", v);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s%c", i > 0 && (n - i) % 3 == 0 ? "," : "", text[i]);
}

void short_number(const shown *a, double v, uint64_t whole, char *to, size_t size)
{
    if (!is_whole(a))
        snprintf(to, size, "%.5g", v);
    else
        snprintf(to, size, is_signed(a) ? "%" PRId64 : "%" PRIu64, whole);
}

void short_shape(const shown *a, char *to, size_t size)
{
    int n = snprintf(to, size, "%s [", a->known ? clg_dtype_name(a->dtype) : "other");
    for (int d = 0; d < a->shape.rank && n > 0 && (size_t) n < size; d++)
        n += snprintf(to + n, size - (size_t) n, "%s%" PRId64, d ? "," : "", a->shape.dim[d]);
    if (n > 0 && (size_t) n < size)
        snprintf(to + n, size - (size_t) n, "]");
}

void page_file(page *p, const char *path, const source *s)
{
    fputs(p->files++ ? "\n" : "", p->out);
    print_clean(p->out, path, 1000);
    fprintf(p->out, ": %s, %d %s", s->format, s->count, s->count == 1 ? "array" : "arrays");
    if (s->bytes > 0) {
        fputs(", ", p->out);
        grouped(p->out, s->bytes);
        fputs(" bytes", p->out);
    }
    fputs("\n", p->out);
    const char *key;
    for (int i = 0; s->tensors && (key = clg_safetensors_metadata_key(s->tensors, i)); i++) {
        const char *value = clg_safetensors_metadata(s->tensors, key);
        fputs("  ", p->out);
        print_clean(p->out, key, METADATA);
        fputs(": ", p->out);
        print_clean(p->out, value ? value : "(a text with a NUL)", WIDTH - 8);
        fputs("\n", p->out);
    }
}

static void print_histogram(page *p, const numbers *n)
{
    static const char *const blocks[] = { " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
    static const char *const letters[] = { " ", ".", ":", "-", "=", "+", "*", "#", "@" };
    int64_t most = 1;
    for (int i = 0; i < n->bins; i++)
        most = n->count[i] > most ? n->count[i] : most;
    fputs("  |", p->out);
    for (int i = 0; i < n->bins; i++) {
        const int height = n->count[i] ? 1 + (int) (7 * (double) n->count[i] / (double) most) : 0;
        fputs(p->blocks ? blocks[height] : letters[height], p->out);
    }
    fputs("|", p->out);
}

static void print_numbers(page *p, const shown *a, const numbers *n)
{
    char lo[40] = "-", hi[40] = "-";
    if (n->finite) {
        short_number(a, n->min, n->whole_min, lo, sizeof lo);
        short_number(a, n->max, n->whole_max, hi, sizeof hi);
        const int used = fprintf(p->out, "  min %s  max %s", lo, hi);
        fprintf(p->out, used > WIDTH / 2 ? "\n  mean %.5g  std %.5g" : "  mean %.5g  std %.5g", n->mean, n->std);
    } else {
        fputs("  no finite numbers", p->out);
    }
    fputs("\n", p->out);
    if (n->bins > 1)
        print_histogram(p, n);
    fprintf(p->out, "  zeros %" PRId64, n->zeros);
    if (!is_whole(a))
        fprintf(p->out, "  nan %" PRId64 "  inf %" PRId64, n->nan, n->infinite);
    fputs("\n", p->out);
}

void page_array(page *p, const shown *a, const numbers *n)
{
    char shape[200];
    short_shape(a, shape, sizeof shape);
    fputs("\n", p->out);
    print_clean(p->out, a->name, 1000);
    fprintf(p->out, "  %s, ", shape);
    grouped(p->out, (double) a->n);
    fprintf(p->out, a->n == 1 ? " element, " : " elements, ");
    grouped(p->out, (double) a->bytes);
    fputs(a->bytes == 1 ? " byte\n" : " bytes\n", p->out);
    p->arrays++;
    if (!a->known) {
        fputs("  elements of a type that clgrad does not have\n", p->out);
        return;
    }
    if (a->n > 0)
        print_numbers(p, a, n);
    if (p->values) {
        print_values(p->out, a);
    } else {
        fputs("  ", p->out);
        print_first(p->out, a, WIDTH);
    }
}
