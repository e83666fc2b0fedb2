// SPDX-License-Identifier: MIT
// The pictures of a training run: curves, confusion matrix, a sheet of samples.
#include "canvas.h"
#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const color white = 0xFFFFFF, ink = 0x202428, faint = 0xD8DCE0, blue = 0x2468B4,
                   orange = 0xD86A18, green = 0x3A8A4A, red = 0xD02020;

typedef struct axes {
    canvas *c;
    int x, y, w, h;
    double lo, hi; // of the values
    int n;         // epochs
} axes;

static int at_x(const axes *a, double epoch)
{
    const double span = a->n > 1 ? a->n - 1 : 1;
    return a->x + (int) (a->n > 1 ? (epoch - 1) / span * a->w : 0.5 * a->w);
}

static int at_y(const axes *a, double v)
{
    return a->y + a->h - (int) ((v - a->lo) / (a->hi - a->lo) * a->h);
}

static void grid(const axes *a, const char *title, const char *format)
{
    char text[32];
    canvas_text(a->c, a->x, a->y - 30, 2, ink, title);
    for (int i = 0; i <= 5; i++) {
        const double v = a->lo + (a->hi - a->lo) * i / 5;
        const int y = at_y(a, v);
        canvas_box(a->c, a->x, y, a->w, 1, faint);
        snprintf(text, sizeof text, format, v);
        canvas_text(a->c, a->x - 8 - canvas_text_width(text, 1), y - 3, 1, ink, text);
    }
    const int step = a->n > 10 ? (a->n + 9) / 10 : 1;
    for (int e = 1; e <= a->n; e += step) {
        const int x = at_x(a, e);
        snprintf(text, sizeof text, "%d", e);
        canvas_box(a->c, x, a->y + a->h, 1, 5, ink);
        canvas_text(a->c, x - canvas_text_width(text, 1) / 2, a->y + a->h + 9, 1, ink, text);
    }
    canvas_text(a->c, a->x + a->w / 2 - 15, a->y + a->h + 24, 1, ink, "EPOCH");
    canvas_box(a->c, a->x, a->y, 1, a->h, ink);
    canvas_box(a->c, a->x, a->y + a->h, a->w, 1, ink);
}

static void curve(const axes *a, const epoch_row *r, bool loss, color k)
{
    for (int i = 0; i < a->n; i++) {
        const double v = loss ? r[i].loss : r[i].accuracy;
        const int x = at_x(a, i + 1), y = at_y(a, v);
        if (!isfinite(v))
            continue;
        if (i > 0 && isfinite(loss ? r[i - 1].loss : r[i - 1].accuracy))
            canvas_line(a->c, at_x(a, i), at_y(a, loss ? r[i - 1].loss : r[i - 1].accuracy), x, y, 2,
                        k);
        canvas_box(a->c, x - 3, y - 3, 7, 7, k);
    }
}

bool draw_curve(const char *path, const epoch_row *r, int n, double landmark)
{
    canvas c;
    char text[64];
    if (n < 1 || !canvas_make(&c, 900, 400, white))
        return n < 1;
    double top = 0, low = landmark;
    for (int i = 0; i < n; i++) {
        top = isfinite(r[i].loss) && r[i].loss > top ? r[i].loss : top;
        low = r[i].accuracy < low ? r[i].accuracy : low;
    }
    top = top > 0 ? ceil(top * 10) / 10 : 1;
    low = floor(low * 20) / 20;
    axes a = { &c, 70, 60, 340, 270, 0, top, n }, b = { &c, 520, 60, 340, 270, low, 1, n };
    grid(&a, "TRAINING LOSS", "%.2f");
    curve(&a, r, true, blue);
    grid(&b, "TEST ACCURACY", "%.3f");
    for (int x = b.x; x < b.x + b.w; x += 8)
        canvas_box(&c, x, at_y(&b, landmark), 4, 1, green);
    snprintf(text, sizeof text, "PEOPLE %.3f", landmark);
    canvas_text(&c, b.x + b.w - canvas_text_width(text, 1), at_y(&b, landmark) - 11, 1, green, text);
    curve(&b, r, false, orange);
    snprintf(text, sizeof text, "%.4f", r[n - 1].accuracy);
    int x = at_x(&b, n) - canvas_text_width(text, 2) - 4;
    canvas_text(&c, x < b.x + 4 ? b.x + 4 : x, at_y(&b, r[n - 1].accuracy) - 24, 2, orange, text);
    const bool ok = canvas_save(&c, path);
    canvas_free(&c);
    return ok;
}

static color shade(double share, bool diagonal)
{
    const double s = sqrt(share);
    const int r = (int) (255 - s * (diagonal ? 200 : 40)), g = (int) (255 - s * (diagonal ? 130 : 200)),
              b = (int) (255 - s * (diagonal ? 90 : 220));
    return (color) (r << 16 | g << 8 | b);
}

bool draw_confusion(const char *path, int64_t counts[10][10], const char *const *names)
{
    canvas c;
    char text[32];
    const int cell = 52, x0 = 120, y0 = 90;
    if (!canvas_make(&c, x0 + 10 * cell + 30, y0 + 10 * cell + 50, white))
        return false;
    canvas_text(&c, x0, 20, 2, ink, "WHAT IT SAID (COLUMNS) OF WHAT (ROWS)");
    for (int i = 0; i < 10; i++) {
        int64_t total = 0;
        for (int j = 0; j < 10; j++)
            total += counts[i][j];
        canvas_text(&c, x0 - 8 - canvas_text_width(names[i], 1), y0 + i * cell + cell / 2 - 3, 1, ink,
                    names[i]);
        canvas_text(&c, x0 + i * cell + cell / 2 - canvas_text_width(names[i], 1) / 2, y0 - 14, 1, ink,
                    names[i]);
        for (int j = 0; j < 10; j++) {
            const double share = total ? (double) counts[i][j] / (double) total : 0;
            canvas_box(&c, x0 + j * cell, y0 + i * cell, cell - 1, cell - 1, shade(share, i == j));
            snprintf(text, sizeof text, "%lld", (long long) counts[i][j]);
            canvas_text(&c, x0 + j * cell + cell / 2 - canvas_text_width(text, 1) / 2,
                        y0 + i * cell + cell / 2 - 3, 1, share > 0.5 ? white : ink, text);
        }
    }
    const bool ok = canvas_save(&c, path);
    canvas_free(&c);
    return ok;
}

bool draw_samples(const char *path, const uint8_t *pixels, const uint8_t *truth, const int64_t *said,
                  int n, const char *const *names)
{
    canvas c;
    const int columns = 10, cell_w = 84, cell_h = 96, rows = (n + columns - 1) / columns;
    if (!canvas_make(&c, columns * cell_w + 20, rows * cell_h + 50, white))
        return false;
    canvas_text(&c, 14, 14, 2, ink, "TEST PICTURES: ANSWER");
    canvas_text(&c, 14 + canvas_text_width("TEST PICTURES: ANSWER ", 2), 14, 2, red,
                "WRONG ANSWER / TRUTH");
    for (int k = 0; k < n; k++) {
        const int x = 14 + k % columns * cell_w, y = 44 + k / columns * cell_h;
        const int64_t answer = said[k] >= 0 && said[k] < 10 ? said[k] : 0;
        const bool wrong = answer != truth[k];
        for (int i = 0; i < 28; i++) {
            for (int j = 0; j < 28; j++) {
                const color g = (color) (255 - pixels[(k * 28 + i) * 28 + j]);
                canvas_box(&c, x + 9 + 2 * j, y + 4 + 2 * i, 2, 2, g << 16 | g << 8 | g);
            }
        }
        if (wrong)
            canvas_frame(&c, x + 5, y, 64, 64, 3, red);
        canvas_text(&c, x + 37 - canvas_text_width(names[answer], 1) / 2, y + 68, 1, wrong ? red : ink,
                    names[answer]);
        if (wrong)
            canvas_text(&c, x + 37 - canvas_text_width(names[truth[k]], 1) / 2, y + 79, 1, green,
                        names[truth[k]]);
    }
    const bool ok = canvas_save(&c, path);
    canvas_free(&c);
    return ok;
}
