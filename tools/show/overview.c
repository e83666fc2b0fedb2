// SPDX-License-Identifier: MIT
// The picture of a file with many arrays: a row for each, with its histogram and its numbers.
#include "picture.h"

#include "../pictures/plot.h"
#include "page.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { MARGIN = 28, HEAD = 88, ROW = 36, NAMES = 300, SHAPES = 190, HISTOGRAM = 192, RANGES = 220, SPREADS = 230, COUNTS = 170,
       FOOT = 40 };

void overview_add(overview *o, const shown *a, const numbers *n)
{
    if (o->n == OVERVIEW_MOST) {
        o->left_out++;
        return;
    }
    char lo[40], hi[40];
    overview_row *r = &o->row[o->n++];
    *r = (overview_row) { .known = a->known, .n = a->n, .numbers = *n };
    snprintf(r->name, sizeof r->name, "%s", a->name);
    short_shape(a, r->shape, sizeof r->shape);
    if (!a->known)
        return;
    r->whole = is_whole(a);
    short_number(a, n->min, n->whole_min, lo, sizeof lo);
    short_number(a, n->max, n->whole_max, hi, sizeof hi);
    snprintf(r->range, sizeof r->range, "%s to %s", lo, hi);
}

static void draw_histogram(canvas *c, const numbers *n, double x, double y)
{
    int64_t most = 1;
    for (int i = 0; i < n->bins; i++)
        most = n->count[i] > most ? n->count[i] : most;
    canvas_rect(c, x, y + ROW - 9, HISTOGRAM, 1, FAINT);
    const double w = (double) HISTOGRAM / n->bins;
    for (int i = 0; i < n->bins; i++) {
        const double h = (ROW - 12) * (double) n->count[i] / (double) most;
        if (n->count[i])
            canvas_rect(c, x + i * w, y + ROW - 9 - fmax(1, h), fmax(1, w - 1), fmax(1, h), SKY);
    }
    if (n->min < 0 && n->max > 0) // where zero is
        canvas_rect(c, floor(x + HISTOGRAM * (-n->min / (n->max - n->min))), y + 2, 1, ROW - 8, VERMILLION);
}

static void draw_row(canvas *c, const overview_row *r, double y)
{
    char text[120];
    const numbers *n = &r->numbers;
    const double base = y + 22;
    double x = MARGIN;
    canvas_text(c, x, base, &(text_style) { .size = 15, .ink = INK, .bold = true, .room = NAMES - 16 }, r->name);
    canvas_text(c, x += NAMES, base, &(text_style) { .size = 14, .ink = GRAY, .room = SHAPES - 16 }, r->shape);
    x += SHAPES;
    if (!r->known || r->n == 0) {
        canvas_text(c, x, base, &(text_style) { .size = 14, .ink = GRAY }, r->known ? "no elements" : "unknown elements");
        return;
    }
    if (n->bins > 0)
        draw_histogram(c, n, x, y);
    x += HISTOGRAM + 18;
    canvas_text(c, x, base, &(text_style) { .size = 14, .ink = INK, .room = RANGES - 12 }, n->finite ? r->range : "no finite number");
    x += RANGES;
    snprintf(text, sizeof text, "%.4g \u00b1 %.4g", n->mean, n->std);
    if (n->finite)
        canvas_text(c, x, base, &(text_style) { .size = 14, .ink = INK, .room = SPREADS - 12 }, text);
    x += SPREADS;
    const int64_t bad = n->nan + n->infinite;
    if (bad > 0)
        snprintf(text, sizeof text, "%" PRId64 " NaN, %" PRId64 " inf", n->nan, n->infinite);
    else
        snprintf(text, sizeof text, "%.3g %% zeros", 100 * (double) n->zeros / (double) r->n);
    if (bad > 0 || n->zeros > 0)
        canvas_text(c, x, base, &(text_style) { .size = 14, .ink = bad ? VERMILLION : GRAY, .room = COUNTS }, text);
}

bool picture_of_all(const char *path, const char *title, const overview *o, char *error, size_t error_size)
{
    static const struct {
        const char *name;
        int after;
    } heads[] = { { "array", NAMES }, { "elements", SHAPES }, { "histogram, zero marked", HISTOGRAM + 18 }, { "range", RANGES },
                  { "mean \u00b1 standard deviation", SPREADS }, { "", COUNTS } };
    const double width = 2 * MARGIN + NAMES + SHAPES + HISTOGRAM + 18 + RANGES + SPREADS + COUNTS;
    char text[120];
    double x = MARGIN;
    canvas *c = picture_begin(path, width, HEAD + ROW * o->n + FOOT, error, error_size);
    if (!c)
        return false;
    canvas_text(c, x, 40, &(text_style) { .size = 22, .ink = INK, .bold = true, .room = width - 2 * MARGIN }, title);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; x += heads[i++].after)
        canvas_text(c, x, HEAD - 14, &(text_style) { .size = 14, .ink = GRAY }, heads[i].name);
    for (int i = 0; i < o->n; i++) {
        canvas_rect(c, MARGIN, HEAD + ROW * i, width - 2 * MARGIN, 1, FAINT);
        draw_row(c, &o->row[i], HEAD + ROW * i + 2);
    }
    if (o->left_out > 0) {
        snprintf(text, sizeof text, "and %d more", o->left_out);
        canvas_text(c, MARGIN, HEAD + ROW * o->n + 24, &(text_style) { .size = 15, .ink = VERMILLION }, text);
    }
    return picture_end(&c, path, error, error_size);
}
