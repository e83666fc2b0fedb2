// SPDX-License-Identifier: MIT
// A sheet of images: what they are, what the network said, the wrong ones framed.
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 10, IMAGE = 128, NARROW = 112, GAP = 18, LEFT = 28, TOP = 96, WORDS = 44, MOST = 1000 };

typedef struct sheet {
    canvas *c;
    const samples *s;
    double w, h;      // of a shown image
    double cell;      // width
    uint8_t *shown;   // pixels of one image, with what is asked for done to them
} sheet;

static bool draw_image(const sheet *t, int k, double x, double y)
{
    const samples *s = t->s;
    const size_t n = (size_t) s->h * (size_t) s->w * (size_t) s->channels;
    const uint8_t *from = s->pixels + (size_t) k * n;
    for (size_t i = 0; s->negative && i < n; i++)
        t->shown[i] = (uint8_t) (s->channels == 4 && i % 4 == 3 ? from[i] : 255 - from[i]);
    return canvas_pixels(t->c, x, y, t->w, t->h, s->negative ? t->shown : from, s->w, s->h, s->channels, false);
}

static bool draw_one(const sheet *t, int k, double x, double y)
{
    char text[120], room[32];
    const samples *s = t->s;
    const int64_t truth = s->truth ? s->truth[k] : -1;
    const bool known = truth >= 0, wrong = known && truth != s->said[k];
    const double left = x + floor((t->cell - GAP - t->w) / 2), middle = x + (t->cell - GAP) / 2;
    if (wrong)
        canvas_frame(t->c, left - 5, y - 5, t->w + 10, t->h + 10, 4, VERMILLION);
    else
        canvas_frame(t->c, left - 1, y - 1, t->w + 2, t->h + 2, 1, FAINT);
    if (!draw_image(t, k, left, y))
        return false;
    text_style style = { .size = 14, .ink = wrong ? VERMILLION : known ? GRAY : INK, .align = TEXT_MIDDLE,
                         .bold = wrong, .room = t->cell - 6 };
    const char *name = class_name(s->names, s->n_names, s->said[k], room);
    if (s->probability) {
        snprintf(text, sizeof text, " %.0f %%", 100 * s->probability[k]);
        const double w = canvas_text_width(t->c, style.size, style.bold, text), all = t->cell - 6;
        const double said = fmin(canvas_text_width(t->c, style.size, style.bold, name), all - w);
        style.room = said + 0.5;
        style.align = TEXT_LEFT;
        const double shown = canvas_text(t->c, middle - (said + w) / 2, y + t->h + 21, &style, name);
        style.room = 0;
        canvas_text(t->c, middle - (said + w) / 2 + shown, y + t->h + 21, &style, text);
    } else {
        canvas_text(t->c, middle, y + t->h + 21, &style, name);
    }
    if (wrong)
        canvas_text(t->c, middle, y + t->h + 38,
                    &(text_style) { .size = 14, .ink = BLUE, .align = TEXT_MIDDLE, .room = t->cell - 6 },
                    class_name(s->names, s->n_names, truth, room));
    return true;
}

static void draw_head(const sheet *t, int n, int known, int wrong)
{
    char text[120], a[32], b[32];
    count_text(a, known);
    count_text(b, wrong);
    if (t->s->title)
        snprintf(text, sizeof text, "%s", t->s->title);
    else if (known > 0)
        snprintf(text, sizeof text, wrong ? "%s of %s images wrong" : "%s of %s images right", wrong ? b : a, a);
    else
        snprintf(text, sizeof text, n == 1 ? "%d image" : "%d images", n);
    canvas_text(t->c, LEFT, 38, &(text_style) { .size = 22, .ink = INK, .bold = true,
                                                .room = canvas_width(t->c) - 2 * LEFT }, text);
    double x = LEFT;
    if (wrong > 0) {
        canvas_text(t->c, x, 64, &(text_style) { .size = 15, .ink = VERMILLION, .bold = true }, "what the network said");
        x += canvas_text_width(t->c, 15, true, "what the network said") + 20;
        canvas_text(t->c, x, 64, &(text_style) { .size = 15, .ink = BLUE }, "what it is");
    }
}

bool draw_samples(const char *path, const samples *s, char *error, size_t error_size)
{
    const int n = s->n < MOST ? s->n : MOST, columns = n < COLUMNS && n > 3 ? n : n <= 3 ? 3 : COLUMNS;
    const int rows = n ? (n + columns - 1) / columns : 1, longer = s->w > s->h ? s->w : s->h;
    int wrong = 0, known = 0;
    sheet t = { .s = s, .w = NARROW, .h = NARROW };
    if (n > 0) {
        // whole multiples keep the pixels square
        const double zoom = longer <= IMAGE ? IMAGE / longer : (double) IMAGE / longer;
        t.w = fmax(zoom * s->w, 1);
        t.h = fmax(zoom * s->h, 1);
    }
    for (int k = 0; k < n && s->truth; k++) {
        known += s->truth[k] >= 0;
        wrong += s->truth[k] >= 0 && s->truth[k] != s->said[k];
    }
    t.cell = fmax(t.w, NARROW) + GAP; // names need some room
    const double row = t.h + WORDS + GAP;
    t.c = picture_begin(path, columns * t.cell + 2 * LEFT - GAP, TOP + rows * row, error, error_size);
    if (!t.c)
        return false;
    bool ok = true;
    if (n > 0 && s->negative)
        ok = (t.shown = malloc((size_t) s->h * (size_t) s->w * (size_t) s->channels)) != NULL;
    draw_head(&t, n, known, wrong);
    for (int k = 0; k < n && ok; k++)
        ok = draw_one(&t, k, LEFT + k % columns * t.cell, TOP + k / columns * row); // NOLINT: whole rows
    free(t.shown);
    if (ok)
        return picture_end(&t.c, path, error, error_size);
    canvas_free(&t.c);
    snprintf(error, error_size, "%s: out of host memory", path);
    return false;
}
