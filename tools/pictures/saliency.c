// SPDX-License-Identifier: MIT
// How much each pixel of an image matters for a class: the image, a heat map, and the heat map over a pale image.
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 380, GAP = 28, LEFT = 28, TOP = 108, FOOT = 60, BAR = 200 };

// Dark to bright: of heat without a sign.
static color ember(double share)
{
    static const color points[] = { 0x000004, 0x320A5E, 0x781C6D, 0xBC3754, 0xED6925, 0xFBB41A, 0xFCFFA4 };
    enum { LAST = (int) (sizeof points / sizeof points[0]) - 1 };
    const double at = (share > 0 ? share < 1 ? share : 1 : 0) * LAST;
    const int i = at < LAST ? (int) at : LAST - 1;
    return mixed(points[i], points[i + 1], at - i);
}

static color shade(const saliency *s, double heat)
{
    if (!s->has_sign)
        return ember(heat);
    return mixed(WHITE, heat < 0 ? BLUE : VERMILLION, fabs(heat));
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

// What is shown as 1: a few pixels beyond it must not hide the others.
static double reach(double *sorted, size_t n)
{
    qsort(sorted, n, sizeof *sorted, by_size);
    const double most = sorted[n - 1], usual = sorted[n - 1 - n / 200];
    return usual > 0 ? usual : most;
}

static void put_color(uint8_t *p, color k)
{
    p[0] = (uint8_t) (k >> 16);
    p[1] = (uint8_t) (k >> 8);
    p[2] = (uint8_t) k;
}

// heat from -1 to 1, and both pictures of it. False: out of memory.
static bool make_maps(const saliency *s, uint8_t *map, uint8_t *over, bool *nothing)
{
    const size_t n = (size_t) s->h * (size_t) s->w;
    double *size = malloc(n * sizeof *size);
    if (!size)
        return false;
    for (size_t i = 0; i < n; i++)
        size[i] = isfinite(s->heat[i]) ? fabs(s->heat[i]) : 0;
    const double most = reach(size, n);
    free(size);
    *nothing = !(most > 0);
    for (size_t i = 0; i < n; i++) {
        const double v = most > 0 && isfinite(s->heat[i]) ? fmax(fmin(s->heat[i] / most, 1), -1) : 0;
        const double heat = s->has_sign ? v : fabs(v);
        const uint8_t *p = s->pixels + i * (size_t) s->channels;
        const double light = s->channels == 1 ? p[0] : 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
        const color pale = mixed(INK, WHITE, 0.15 + 0.85 * light / 255);
        put_color(map + 3 * i, shade(s, heat));
        put_color(over + 3 * i, mixed(pale, heat < 0 ? BLUE : VERMILLION, 0.9 * pow(fabs(heat), 0.8)));
    }
    return true;
}

static void draw_scale(canvas *c, const saliency *s, double x, double y)
{
    for (int i = 0; i < BAR; i++)
        canvas_rect(c, x + i, y, 1, 12, shade(s, s->has_sign ? 2 * (i + 0.5) / BAR - 1 : (i + 0.5) / BAR));
    canvas_frame(c, x - 1, y - 1, BAR + 2, 14, 1, PALE);
    canvas_text(c, x, y + 30, &(text_style) { .size = 14, .ink = GRAY }, s->has_sign ? "against" : "nothing");
    canvas_text(c, x + BAR, y + 30, &(text_style) { .size = 14, .ink = GRAY, .align = TEXT_RIGHT }, s->has_sign ? "for" : "much");
}

bool draw_saliency(const char *path, const saliency *s, char *error, size_t error_size)
{
    const size_t n = (size_t) s->h * (size_t) s->w;
    const int longer = s->h > s->w ? s->h : s->w;
    const double zoom = longer <= SIDE ? SIDE / longer : (double) SIDE / longer; // NOLINT: whole pixels
    const double w = fmax(zoom * s->w, 1), h = fmax(zoom * s->h, 1), step = fmax(w, BAR) + GAP;
    uint8_t *map = malloc(3 * n), *over = malloc(3 * n);
    bool nothing = false, ok = map && over && make_maps(s, map, over, &nothing);
    if (!ok)
        snprintf(error, error_size, "%s: out of host memory", path);
    canvas *c = ok ? picture_begin(path, fmax(2 * LEFT + 3 * step - GAP, 760), TOP + h + FOOT, error, error_size) : NULL;
    if (c) {
        const uint8_t *const shown[] = { s->pixels, map, over };
        canvas_text(c, LEFT, 42, &(text_style) { .size = 24, .ink = INK, .bold = true, .room = canvas_width(c) - 2 * LEFT }, s->title);
        canvas_text(c, LEFT, 70, &(text_style) { .size = 15, .ink = nothing ? VERMILLION : GRAY, .room = canvas_width(c) - 2 * LEFT },
                    nothing ? "nothing in the image matters for this class: all numbers are 0" : s->below);
        for (int k = 0; k < 3 && ok; k++) {
            ok = canvas_pixels(c, LEFT + k * step, TOP, w, h, shown[k], s->w, s->h, k ? 3 : s->channels, false);
            canvas_frame(c, LEFT + k * step - 1, TOP - 1, w + 2, h + 2, 1, PALE);
        }
        draw_scale(c, s, LEFT + step, TOP + h + 16);
        if (!ok)
            snprintf(error, error_size, "%s: out of host memory", path);
        ok = ok && canvas_save(c, path, error, error_size);
    }
    ok = ok && c;
    canvas_free(&c);
    free(map);
    free(over);
    return ok;
}
