// SPDX-License-Identifier: MIT
// Curves, confusion matrix, sheet of samples. Blue and vermillion can be told apart by everybody.
#include "pictures.h"
#include "canvas.h"
#include "fashion.h"

#include <math.h>
#include <stdio.h>

static const color white = 0xFFFFFF, ink = 0x24292E, gray = 0x6A737D, faint = 0xE1E4E8,
                   blue = 0x0072B2, vermillion = 0xD55E00, green = 0x00795A;

static bool finish(canvas *c, const char *path, char *error, size_t error_size)
{
    const bool ok = canvas_save(c, path, error, error_size);
    canvas_free(c);
    return ok;
}

static bool begin(canvas *c, int w, int h, const char *path, char *error, size_t error_size)
{
    if (canvas_make(c, w, h, white))
        return true;
    snprintf(error, error_size, "%s: out of host memory", path);
    return false;
}

// ---- curves

typedef struct axes {
    canvas *c;
    int x, y, w, h;
    double lo, hi, step; // of the values
    int n;               // epochs
} axes;

// A step of 1, 2 or 5 times a power of ten that divides `span` into at most `most` parts.
static double nice_step(double span, int most)
{
    const double raw = span / most, power = pow(10, floor(log10(raw) + 1e-9)), m = raw / power;
    return power * (m <= 1.0001 ? 1 : m <= 2.0001 ? 2 : m <= 5.0001 ? 5 : 10);
}

static void fit(axes *a, double lo, double hi)
{
    a->step = nice_step(hi > lo ? hi - lo : 1, 6);
    a->lo = floor(lo / a->step + 1e-9) * a->step;
    a->hi = ceil(hi / a->step - 1e-9) * a->step;
    a->hi = a->hi > a->lo ? a->hi : a->lo + a->step;
}

static double at_x(const axes *a, double epoch)
{
    return a->n > 1 ? a->x + 12 + (epoch - 1) / (a->n - 1) * (a->w - 24) : a->x + 0.5 * a->w;
}

static double at_y(const axes *a, double v)
{
    return a->y + a->h - (v - a->lo) / (a->hi - a->lo) * a->h;
}

static void draw_axes(const axes *a, const char *title)
{
    char text[32];
    canvas_text(a->c, a->x, a->y - 18, 13, ink, TEXT_LEFT, title);
    const int digits = a->step >= 1 ? 0 : (int) ceil(-log10(a->step) - 1e-9);
    for (double v = a->lo; v < a->hi + a->step / 2; v += a->step) {
        const int y = (int) at_y(a, v);
        canvas_box(a->c, a->x, y, a->w, 1, faint);
        if (a->hi < 1e5)
            snprintf(text, sizeof text, "%.*f", digits, v);
        else
            snprintf(text, sizeof text, "%.2g", v);
        canvas_text(a->c, a->x - 9, y + 5, 10, ink, TEXT_RIGHT, text);
    }
    const int step = a->n > 8 ? (int) nice_step(a->n, 8) : 1;
    for (int e = step > 1 ? step : 1; e <= a->n; e += step) {
        snprintf(text, sizeof text, "%d", e);
        canvas_box(a->c, (int) at_x(a, e), a->y + a->h, 1, 6, ink);
        canvas_text(a->c, at_x(a, e), a->y + a->h + 22, 10, ink, TEXT_MIDDLE, text);
    }
    canvas_text(a->c, a->x + a->w / 2, a->y + a->h + 46, 10, ink, TEXT_MIDDLE, "epoch");
    canvas_box(a->c, a->x, a->y, 1, a->h, ink);
    canvas_box(a->c, a->x, a->y + a->h, a->w, 1, ink);
}

// values: the first of n numbers, one in each row
static void draw_line(const axes *a, const double *values, color k)
{
    const size_t stride = sizeof(epoch_row) / sizeof(double);
    for (int i = 0; i < a->n; i++) {
        const double v = values[stride * (size_t) i];
        if (i > 0)
            canvas_line(a->c, at_x(a, i), at_y(a, values[stride * (size_t) (i - 1)]),
                        at_x(a, i + 1), at_y(a, v), 2.5, k);
        if (a->n <= 40)
            canvas_disc(a->c, at_x(a, i + 1), at_y(a, v), a->n > 1 ? 4 : 6, k);
    }
}

static void dashes(canvas *c, double x, double y, double w, color k)
{
    for (double at = 0; at < w; at += 10)
        canvas_line(c, x + at, y, x + fmin(at + 5, w), y, 2, k);
}

static double legend(canvas *c, double x, double y, color k, bool dashed, const char *text)
{
    if (dashed) {
        dashes(c, x, y - 5, 30, k);
    } else {
        canvas_line(c, x, y - 5, x + 30, y - 5, 2.5, k);
        canvas_disc(c, x + 15, y - 5, 4, k);
    }
    canvas_text(c, x + 40, y, 10, ink, TEXT_LEFT, text);
    return x + 70 + canvas_text_width(text, 10);
}

bool draw_curve(const char *path, const epoch_row *r, int n, double landmark, char *error,
                size_t error_size)
{
    canvas c;
    char text[64];
    if (n < 1)
        return true;
    if (!begin(&c, 1000, 440, path, error, error_size))
        return false;
    double top = 0, low = landmark - 0.02, high = landmark + 0.02;
    for (int i = 0; i < n; i++) {
        top = fmax(top, r[i].loss);
        low = fmin(low, r[i].accuracy);
        high = fmax(high, fmin(r[i].accuracy + 0.005, 1));
    }
    axes a = { .c = &c, .x = 75, .y = 60, .w = 390, .h = 270, .n = n };
    axes b = { .c = &c, .x = 575, .y = 60, .w = 390, .h = 270, .n = n };
    fit(&a, 0, top > 0 ? top : 1);
    fit(&b, low, high);
    draw_axes(&a, "Training loss");
    draw_line(&a, &r->loss, blue);
    draw_axes(&b, "Test accuracy");
    dashes(&c, b.x, at_y(&b, landmark), b.w, green);
    draw_line(&b, &r->accuracy, vermillion);
    snprintf(text, sizeof text, "%.4f", r[n - 1].accuracy);
    const double y = at_y(&b, r[n - 1].accuracy);
    // above the point, unless the frame or the landmark's line is there
    const double line = at_y(&b, landmark);
    const bool below = y < b.y + 24 || (line < y && line > y - 30);
    canvas_text(&c, n > 1 ? b.x + b.w : at_x(&b, 1) + 14, below ? y + 26 : y - 12, 12, vermillion,
                n > 1 ? TEXT_RIGHT : TEXT_LEFT, text);
    double x = legend(&c, 255, 422, blue, false, "training loss");
    x = legend(&c, x, 422, vermillion, false, "test accuracy");
    snprintf(text, sizeof text, "people: %.3f", landmark);
    legend(&c, x, 422, green, true, text);
    const int above = (int) at_y(&b, landmark) - 21; // grid lines must not cross the letters
    canvas_box(&c, b.x + 4, above, (int) canvas_text_width(text, 10) + 8, 18, white);
    canvas_text(&c, b.x + 8, at_y(&b, landmark) - 8, 10, green, TEXT_LEFT, text);
    return finish(&c, path, error, error_size);
}

// ---- confusion matrix

// From white to a dark blue; by the root, so that rare answers show.
static color shade(double share)
{
    const double s = sqrt(share);
    const int r = (int) (255 - s * 247), g = (int) (255 - s * 207), b = (int) (255 - s * 148);
    return (color) (r << 16 | g << 8 | b);
}

bool draw_confusion(const char *path, int64_t counts[CLASSES][CLASSES], const char *const *names,
                    char *error, size_t error_size)
{
    canvas c;
    char text[48];
    const int cell = 74, x0 = 150, y0 = 100, side = CLASSES * cell;
    int64_t right = 0, all = 0;
    if (!begin(&c, x0 + side + 110, y0 + side + 40, path, error, error_size))
        return false;
    for (int i = 0; i < CLASSES; i++) {
        int64_t total = 0;
        const int y = y0 + i * cell;
        for (int j = 0; j < CLASSES; j++)
            total += counts[i][j];
        all += total;
        right += counts[i][i];
        canvas_text(&c, x0 - 12, y + cell / 2 + 5, 10, ink, TEXT_RIGHT, names[i]);
        canvas_text(&c, x0 + i * cell + cell / 2, y0 - 12, 9, ink, TEXT_MIDDLE, names[i]);
        for (int j = 0; j < CLASSES; j++) {
            const double share = total ? (double) counts[i][j] / (double) total : 0;
            canvas_box(&c, x0 + j * cell, y, cell - 1, cell - 1, shade(share));
            snprintf(text, sizeof text, "%lld", (long long) counts[i][j]);
            canvas_text(&c, x0 + j * cell + cell / 2, y + cell / 2 + 5, 11,
                        share > 0.25 ? white : counts[i][j] ? ink : 0xB0B6BC, TEXT_MIDDLE, text);
        }
        snprintf(text, sizeof text, "%.1f %%",
                 total ? 100 * (double) counts[i][i] / (double) total : 0.0);
        canvas_text(&c, x0 + side + 90, y + cell / 2 + 5, 10, ink, TEXT_RIGHT, text);
    }
    canvas_frame(&c, x0 - 1, y0 - 1, side + 1, side + 1, 1, gray);
    snprintf(text, sizeof text, "%lld of %lld test pictures right", (long long) right,
             (long long) all);
    canvas_text(&c, x0, 32, 13, ink, TEXT_LEFT, text);
    canvas_text(&c, x0 + side / 2, 66, 10, gray, TEXT_MIDDLE, "the network's answer");
    canvas_text(&c, x0 - 12, 66, 10, gray, TEXT_RIGHT, "what it is");
    canvas_text(&c, x0 + side + 90, 66, 10, gray, TEXT_RIGHT, "right");
    return finish(&c, path, error, error_size);
}

// ---- samples

enum { ZOOM = 3, COLUMNS = 10, CELL_W = 108, CELL_H = 136, LEFT = 22, TOP = 66 };

static void draw_picture(canvas *c, int x, int y, const uint8_t *pixels)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            const color g = (color) (255 - pixels[i * SIDE + j]);
            canvas_box(c, x + ZOOM * j, y + ZOOM * i, ZOOM, ZOOM, g << 16 | g << 8 | g);
        }
    }
}

bool draw_samples(const char *path, const uint8_t *pixels, const uint8_t *truth,
                  const int64_t *said, int n, const char *const *names, char *error,
                  size_t error_size)
{
    canvas c;
    char text[64];
    int wrong = 0;
    const int rows = (n + COLUMNS - 1) / COLUMNS;
    if (!begin(&c, COLUMNS * CELL_W + 2 * LEFT - 10, TOP + rows * CELL_H + 10, path, error,
               error_size))
        return false;
    for (int k = 0; k < n; k++) {
        const int x = LEFT + k % COLUMNS * CELL_W, y = TOP + k / COLUMNS * CELL_H;
        const int64_t answer = said[k];
        draw_picture(&c, x + 5, y, pixels + k * PIXELS);
        if (answer == truth[k]) {
            canvas_text(&c, x + 47, y + 102, 9, gray, TEXT_MIDDLE, names[answer]);
            continue;
        }
        wrong++;
        canvas_frame(&c, x + 1, y - 4, SIDE * ZOOM + 8, SIDE * ZOOM + 8, 4, vermillion);
        snprintf(text, sizeof text, "said %s", names[answer]);
        canvas_text(&c, x + 47, y + 102, 9, vermillion, TEXT_MIDDLE, text);
        snprintf(text, sizeof text, "is %s", names[truth[k]]);
        canvas_text(&c, x + 47, y + 119, 9, blue, TEXT_MIDDLE, text);
    }
    snprintf(text, sizeof text, "The first %d test pictures, %d wrong:", n, wrong);
    canvas_text(&c, LEFT + 5, 32, 13, ink, TEXT_LEFT, text);
    double x = LEFT + 5 + canvas_text_width(text, 13) + 14;
    canvas_text(&c, x, 32, 13, vermillion, TEXT_LEFT, "what it said,");
    x += canvas_text_width("what it said,", 13) + 14;
    canvas_text(&c, x, 32, 13, blue, TEXT_LEFT, "what it is");
    return finish(&c, path, error, error_size);
}
