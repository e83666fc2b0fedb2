// SPDX-License-Identifier: MIT
// The picture: everything but boxes is drawn by distance, so edges are smooth. PNG by the library.
#include "canvas.h"

#include <clgrad/image_file.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool canvas_make(canvas *c, int w, int h, color background)
{
    *c = (canvas) { w, h, malloc((size_t) w * (size_t) h * 3) };
    if (c->rgb)
        canvas_box(c, 0, 0, w, h, background);
    return c->rgb != NULL;
}

void canvas_free(canvas *c)
{
    free(c->rgb);
    c->rgb = NULL;
}

// Mix k into a pixel; cover is from 0 (nothing) to 1 (k alone).
static void blend(canvas *c, int x, int y, color k, double cover)
{
    if (x < 0 || y < 0 || x >= c->w || y >= c->h || cover <= 0)
        return;
    uint8_t *p = c->rgb + 3 * ((size_t) y * (size_t) c->w + (size_t) x);
    for (int i = 0; i < 3; i++) {
        const double to = (double) (k >> (16 - 8 * i) & 255);
        p[i] = (uint8_t) (p[i] + (to - p[i]) * (cover < 1 ? cover : 1) + 0.5);
    }
}

void canvas_box(canvas *c, int x, int y, int w, int h, color k)
{
    for (int j = y; j < y + h; j++) {
        for (int i = x; i < x + w; i++)
            blend(c, i, j, k, 1);
    }
}

void canvas_frame(canvas *c, int x, int y, int w, int h, int thick, color k)
{
    canvas_box(c, x, y, w, thick, k);
    canvas_box(c, x, y + h - thick, w, thick, k);
    canvas_box(c, x, y, thick, h, k);
    canvas_box(c, x + w - thick, y, thick, h, k);
}

typedef struct stroke {
    double x0, y0, x1, y1;
} stroke;

static double distance(const stroke *s, double x, double y)
{
    const double dx = s->x1 - s->x0, dy = s->y1 - s->y0, length = dx * dx + dy * dy;
    double t = length > 0 ? ((x - s->x0) * dx + (y - s->y0) * dy) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(x - s->x0 - t * dx, y - s->y0 - t * dy);
}

// Strokes with round ends, as one shape: where they meet nothing is painted twice.
static void draw_strokes(canvas *c, const stroke *s, int n, double thick, color k)
{
    double lo[2] = { INFINITY, INFINITY }, hi[2] = { -INFINITY, -INFINITY };
    for (int i = 0; i < n; i++) {
        lo[0] = fmin(lo[0], fmin(s[i].x0, s[i].x1));
        lo[1] = fmin(lo[1], fmin(s[i].y0, s[i].y1));
        hi[0] = fmax(hi[0], fmax(s[i].x0, s[i].x1));
        hi[1] = fmax(hi[1], fmax(s[i].y0, s[i].y1));
    }
    const double reach = thick / 2 + 1;
    for (int y = (int) (lo[1] - reach); n > 0 && y <= (int) (hi[1] + reach); y++) {
        for (int x = (int) (lo[0] - reach); x <= (int) (hi[0] + reach); x++) {
            double d = INFINITY;
            for (int i = 0; i < n; i++)
                d = fmin(d, distance(&s[i], x + 0.5, y + 0.5));
            blend(c, x, y, k, thick / 2 + 0.5 - d);
        }
    }
}

void canvas_line(canvas *c, double x0, double y0, double x1, double y1, double thick, color k)
{
    draw_strokes(c, &(stroke) { x0, y0, x1, y1 }, 1, thick, k);
}

void canvas_disc(canvas *c, double x, double y, double radius, color k)
{
    canvas_line(c, x, y, x, y, 2 * radius, k);
}

// ---- text

static bool dot(const uint8_t *rows, int r, int column)
{
    return r >= 0 && r < FONT_ROWS && column >= 0 && column < FONT_COLUMNS &&
           rows[r] >> (FONT_COLUMNS - 1 - column) & 1;
}

// Columns that a letter uses: returns how many, from *first on. A space has three.
static int letter_columns(const uint8_t *rows, int *first)
{
    int used = 0, last = 0;
    for (int r = 0; rows && r < FONT_ROWS; r++)
        used |= rows[r];
    *first = 0;
    if (!used)
        return 3;
    for (int i = FONT_COLUMNS - 1; i >= 0; i--) {
        if (used >> (FONT_COLUMNS - 1 - i) & 1) {
            *first = i;
            last = last ? last : i;
        }
    }
    return last - *first + 1;
}

static const double gap = 1.2, rise = 1.0 / FONT_BASE; // between letters, in dots; dots per size

double canvas_text_width(const char *text, double size)
{
    double w = 0;
    int first;
    for (const char *p = text; *p; p++)
        w += letter_columns(font_letter(*p), &first) - 1 + (p[1] ? 1 + gap : 0);
    return w * size * rise;
}

// Neighbouring dots are joined; diagonal ones where no straight way joins them.
static int letter_strokes(const uint8_t *rows, stroke *s)
{
    int n = 0;
    for (int r = 0; r < FONT_ROWS; r++) {
        for (int i = 0; i < FONT_COLUMNS; i++) {
            if (!dot(rows, r, i))
                continue;
            s[n++] = (stroke) { i, r, i, r };
            if (dot(rows, r, i + 1))
                s[n++] = (stroke) { i, r, i + 1, r };
            if (dot(rows, r + 1, i))
                s[n++] = (stroke) { i, r, i, r + 1 };
            else if (dot(rows, r + 1, i + 1) && !dot(rows, r, i + 1))
                s[n++] = (stroke) { i, r, i + 1, r + 1 };
            if (dot(rows, r + 1, i - 1) && !dot(rows, r, i - 1) && !dot(rows, r + 1, i))
                s[n++] = (stroke) { i, r, i - 1, r + 1 };
        }
    }
    return n;
}

void canvas_text(canvas *c, double x, double y, double size, color k, text_align align,
                 const char *text)
{
    stroke s[5 * FONT_COLUMNS * FONT_ROWS];
    const double unit = size * rise, w = canvas_text_width(text, size);
    x -= align == TEXT_MIDDLE ? w / 2 : align == TEXT_RIGHT ? w : 0;
    for (; *text; text++) {
        const uint8_t *rows = font_letter(*text);
        int first;
        const int columns = letter_columns(rows, &first), n = rows ? letter_strokes(rows, s) : 0;
        for (int i = 0; i < n; i++) {
            s[i].x0 = x + (s[i].x0 - first) * unit;
            s[i].x1 = x + (s[i].x1 - first) * unit;
            s[i].y0 = y + (s[i].y0 - FONT_BASE) * unit;
            s[i].y1 = y + (s[i].y1 - FONT_BASE) * unit;
        }
        draw_strokes(c, s, n, 0.4 + 0.13 * size, k);
        x += (columns + gap) * unit;
    }
}

bool canvas_save(const canvas *c, const char *path, char *error, size_t error_size)
{
    return clg_image_write(path, CLG_U8, CLG_SHAPE(c->h, c->w, 3), c->rgb, NULL, error, error_size) >= 0;
}
