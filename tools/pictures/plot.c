// SPDX-License-Identifier: MIT
// Axes, ticks, colour scales.
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

color faded(color k, double there)
{
    const double t = 255 * (1 - (there < 0 ? 0 : there > 1 ? 1 : there));
    return (k & 0xFFFFFF) | (color) (t + 0.5) << 24;
}

color mixed(color a, color b, double share)
{
    const double s = share > 0 ? share < 1 ? share : 1 : 0;
    color k = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        const double from = a >> shift & 255, to = b >> shift & 255;
        k |= (color) (from + (to - from) * s + 0.5) << shift;
    }
    return k;
}

color viridis(double share)
{
    static const color points[] = { 0x440154, 0x472D7B, 0x3B528B, 0x2C728E, 0x21918C,
                                    0x28AE80, 0x5EC962, 0xADDC30, 0xFDE725 };
    enum { LAST = (int) (sizeof points / sizeof points[0]) - 1 };
    const double at = (share > 0 ? share < 1 ? share : 1 : 0) * LAST;
    const int i = at < LAST ? (int) at : LAST - 1;
    return mixed(points[i], points[i + 1], at - i);
}

color ink_on(color k)
{
    const double light = 0.299 * (k >> 16 & 255) + 0.587 * (k >> 8 & 255) + 0.114 * (k & 255);
    return light > 140 ? INK : WHITE;
}

// ---- axes

double nice_step(double span, int most)
{
    const double raw = span / most, power = pow(10, floor(log10(raw) + 1e-9)), m = raw / power;
    return power * (m <= 1.0001 ? 1 : m <= 2.0001 ? 2 : m <= 5.0001 ? 5 : 10);
}

int whole_step(int n, int most)
{
    const double s = nice_step(n, most);
    return s > 1 ? (int) s : 1;
}

axis axis_of(double from, double to, double lo, double hi, int ticks, bool log)
{
    axis a = { from, to, lo, hi, 1, log };
    if (log) {
        // of a narrow range every 1, 2 and 5 is a tick (step 0), of a wide one every power of 10^step
        const double low = floor(log10(lo) + 1e-9), high = ceil(log10(hi) - 1e-9);
        a.lo = pow(10, low);
        a.hi = pow(10, high > low ? high : low + 1);
        a.step = high - low <= 2 ? 0 : ceil((high - low) / ticks);
        return a;
    }
    // a range that is nothing beside its numbers has no ticks of its own
    const double least = 1e-6 * fmax(fabs(lo), fabs(hi));
    a.step = nice_step(hi - lo > least ? hi - lo : least > 0 ? fmax(fabs(lo), fabs(hi)) / 5 : 1, ticks);
    a.lo = floor(lo / a.step + 1e-6) * a.step;
    a.hi = ceil(hi / a.step - 1e-6) * a.step;
    if (!(a.hi > a.lo)) {
        a.lo -= a.step;
        a.hi += a.step;
    }
    return a;
}

double axis_at(const axis *a, double v)
{
    if (a->log)
        return v > 0 ? a->from + (a->to - a->from) * log10(v / a->lo) / log10(a->hi / a->lo) : (double) NAN;
    return a->from + (a->to - a->from) * (v - a->lo) / (a->hi - a->lo);
}

bool axis_tick(const axis *a, int k, bool percent, double *value, char text[32])
{
    if (a->log && a->step == 0)
        *value = a->lo * pow(10, k / 3) * (k % 3 == 0 ? 1 : k % 3 == 1 ? 2 : 5); // NOLINT: whole thirds
    else if (a->log)
        *value = a->lo * pow(10, a->step * k);
    else
        *value = a->lo + k * a->step;
    if (fabs(*value) < 1e-9 * a->step)
        *value = 0;
    const double shown = percent ? 100 * *value : *value, step = percent ? 100 * a->step : a->step;
    const int digits = step >= 1 || step <= 0 ? 0 : (int) ceil(-log10(step) - 1e-9);
    if (a->log || fabs(a->hi) >= 1e6 || fabs(a->lo) >= 1e6 || digits > 5)
        snprintf(text, 32, "%g%s", shown, percent ? " %" : "");
    else
        snprintf(text, 32, "%.*f%s", digits, shown, percent ? " %" : "");
    return a->log ? *value <= a->hi * 1.0001 : *value <= a->hi + a->step / 2;
}

// ---- panels

double panel_x(const panel *p, double i)
{
    return p->n > 1 ? p->x + 14 + (i - 1) / (p->n - 1) * (p->w - 28) : p->x + 0.5 * p->w;
}

void panel_draw(const panel *p, const char *title, const char *below, color below_ink, const char *x_name)
{
    char text[32];
    double v;
    canvas_text(p->c, p->x, p->y - 44, &(text_style) { .size = 22, .ink = INK, .bold = true }, title);
    canvas_text(p->c, p->x, p->y - 18, &(text_style) { .size = 15, .ink = below_ink, .room = p->w }, below);
    for (int k = 0; axis_tick(&p->value, k, p->percent, &v, text); k++) {
        const double y = floor(axis_at(&p->value, v));
        canvas_rect(p->c, p->x, y, p->w, 1, FAINT);
        canvas_text(p->c, p->x - 10, y + 5, &(text_style) { .size = 15, .ink = GRAY, .align = TEXT_RIGHT }, text);
    }
    canvas_rect(p->c, p->x, p->y + p->h, p->w, 1, GRAY);
    const int step = whole_step(p->n, 8);
    for (int i = step; i <= p->n; i += step) {
        count_text(text, i);
        canvas_rect(p->c, floor(panel_x(p, i)), p->y + p->h, 1, 6, GRAY);
        canvas_text(p->c, panel_x(p, i), p->y + p->h + 24,
                    &(text_style) { .size = 15, .ink = GRAY, .align = TEXT_MIDDLE }, text);
        if (i > p->n - step) // of the last, before it can pass the largest number
            break;
    }
    canvas_text(p->c, p->x + p->w / 2, p->y + p->h + 48, &(text_style) { .size = 15, .ink = INK, .align = TEXT_MIDDLE },
                x_name);
}

double panel_legend(const panel *p, double x, double y, color k, bool dashed, const char *name)
{
    canvas_line(p->c, (double[]) { x, y - 5, x + 28, y - 5 }, 2, 3, dashed ? 6 : 0, k);
    canvas_text(p->c, x + 36, y, &(text_style) { .size = 15, .ink = INK }, name);
    return x + 60 + canvas_text_width(p->c, 15, false, name);
}

// ---- words

void number_text(char text[32], double v)
{
    if (isnan(v))
        snprintf(text, 32, "not a number");
    else if (isinf(v))
        snprintf(text, 32, v > 0 ? "infinite" : "minus infinite");
    else
        snprintf(text, 32, "%.4g", v);
}

void count_text(char text[32], int64_t v)
{
    char plain[24];
    const int n = snprintf(plain, sizeof plain, "%lld", (long long) v), sign = v < 0;
    int to = 0;
    for (int i = 0; i < n; i++) {
        if (i > sign && (n - i) % 3 == 0)
            text[to++] = ',';
        text[to++] = plain[i];
    }
    text[to] = '\0';
}

const char *class_name(const char *const *names, int n, int64_t k, char room[32])
{
    if (names && k >= 0 && k < n && names[k])
        return names[k];
    snprintf(room, 32, "%lld", (long long) k);
    return room;
}

// ---- begin and end

canvas *picture_begin(const char *path, double w, double h, char *error, size_t error_size)
{
    char why[200];
    canvas *c = canvas_make((int) ceil(w), (int) ceil(h), WHITE, why, sizeof why);
    if (!c)
        snprintf(error, error_size, "%s: %s", path, why);
    return c;
}

bool picture_end(canvas **c, const char *path, char *error, size_t error_size)
{
    const bool ok = canvas_save(*c, path, error, error_size);
    canvas_free(c);
    return ok;
}
