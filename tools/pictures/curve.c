// SPDX-License-Identifier: MIT
// The learning curve: a panel for losses, one for accuracies; the last numbers stand beside their lines.
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 2 };

typedef struct line {
    const double *at;
    size_t stride;
    color k;
    const char *name;
} line;

static double value(const line *l, int i)
{
    double v;
    memcpy(&v, (const char *) l->at + (size_t) i * l->stride, sizeof v);
    return v;
}

// Of the finite numbers; false: there are none.
static bool range(const line *l, int lines, int n, double *lo, double *hi)
{
    *lo = INFINITY;
    *hi = -INFINITY;
    for (int k = 0; k < lines; k++) {
        for (int i = 0; i < n; i++) {
            const double v = value(&l[k], i);
            if (isfinite(v)) {
                *lo = fmin(*lo, v);
                *hi = fmax(*hi, v);
            }
        }
    }
    return *lo <= *hi;
}

// Epochs whose number is not finite get a band; returns how many, with the first.
static int mark_gaps(const panel *p, const line *l, int lines, int *first)
{
    int bad = 0;
    const double half = p->n > 1 ? (p->w - 28) / (p->n - 1) / 2 : 20;
    for (int i = 0; i < p->n; i++) {
        bool gap = false;
        for (int k = 0; k < lines; k++)
            gap = gap || !isfinite(value(&l[k], i));
        if (!gap)
            continue;
        *first = bad++ ? *first : i + 1;
        const double x0 = fmax(panel_x(p, i + 1) - half, p->x), x1 = fmin(panel_x(p, i + 1) + half, p->x + p->w);
        canvas_rect(p->c, x0, p->y, fmax(x1 - x0, 1), p->h, faded(VERMILLION, 0.12));
    }
    return bad;
}

// No more points than can be seen: of the epochs that share a pixel the smallest and the largest.
static bool draw_line(const panel *p, const line *l)
{
    const int share = p->n > 2 * (int) p->w ? (p->n + (int) p->w - 1) / (int) p->w : 1;
    double *xy = malloc(sizeof *xy * 4 * (size_t) (p->n / share + 1));
    int points = 0;
    if (!xy)
        return false;
    for (int from = 0; from < p->n; from += share) {
        int low = from, high = from;
        for (int i = from; i < p->n && i < from + share; i++) {
            low = !(value(l, i) >= value(l, low)) ? i : low; // a number that is none stays
            high = value(l, i) > value(l, high) ? i : high;
        }
        const int order[2] = { low < high ? low : high, low < high ? high : low };
        for (int i = 0; i < (order[0] == order[1] ? 1 : 2); i++) {
            xy[2 * points] = panel_x(p, order[i] + 1);
            xy[2 * points++ + 1] = axis_at(&p->value, value(l, order[i]));
        }
    }
    canvas_line(p->c, xy, points, p->n > 200 ? 2 : 3, 0, l->k);
    for (int i = 0; i < points; i++) {
        // where there are few points, and where both neighbours are missing
        const bool alone = (i == 0 || !isfinite(xy[2 * i - 1])) && (i == points - 1 || !isfinite(xy[2 * i + 3]));
        if ((p->n <= 30 || alone) && isfinite(xy[2 * i + 1]))
            canvas_disc(p->c, xy[2 * i], xy[2 * i + 1], p->n > 1 ? 5 : 7, l->k);
    }
    free(xy);
    return true;
}

// The last finite numbers, right of the panel and apart from each other.
static void label_ends(const panel *p, const line *l, int lines)
{
    double y[LINES];
    char text[LINES][32];
    int shown[LINES], n = 0;
    for (int k = 0; k < lines; k++) {
        int i = p->n - 1;
        while (i >= 0 && !isfinite(value(&l[k], i)))
            i--;
        if (i < 0)
            continue;
        y[n] = axis_at(&p->value, value(&l[k], i));
        if (p->percent)
            snprintf(text[n], 32, "%.2f %%", 100 * value(&l[k], i));
        else
            number_text(text[n], value(&l[k], i));
        shown[n++] = k;
    }
    if (n == 2 && fabs(y[0] - y[1]) < 22) {
        const double middle = (y[0] + y[1]) / 2, up = y[0] <= y[1] ? -11 : 11;
        y[0] = middle + up;
        y[1] = middle - up;
    }
    for (int k = 0; k < n; k++)
        canvas_text(p->c, p->x + p->w + 8, y[k] + 6, &(text_style) { .size = 17, .ink = l[shown[k]].k, .bold = true },
                    text[k]);
}

// What stands below the title, and where the best number is.
static color describe(const panel *p, const line *l, int bad, int first, char text[120])
{
    int best = -1;
    char number[32], epoch[32];
    for (int i = 0; i < p->n; i++) {
        const double v = value(l, i);
        if (isfinite(v) && (best < 0 || (p->percent ? v > value(l, best) : v < value(l, best))))
            best = i;
    }
    if (bad > 0 || best < 0) {
        if (bad > 1)
            snprintf(text, 120, "not a number in %d epochs, first in epoch %d", bad, first);
        else
            snprintf(text, 120, p->n ? "not a number in epoch %d" : "no epoch yet", first);
        return bad ? VERMILLION : GRAY;
    }
    if (p->percent)
        snprintf(number, 32, "%.2f %%", 100 * value(l, best));
    else
        number_text(number, value(l, best));
    count_text(epoch, best + 1);
    snprintf(text, 120, "%s, %s: %s in epoch %s", l->name, p->percent ? "highest" : "lowest", number, epoch);
    return GRAY;
}

static void draw_landmark(const panel *p, const curves *c)
{
    char text[80];
    const double y = floor(axis_at(&p->value, c->landmark)) + 0.5;
    snprintf(text, sizeof text, "%.40s: %.1f %%", c->landmark_name, 100 * c->landmark);
    canvas_line(p->c, (double[]) { p->x, y, p->x + p->w, y }, 2, 2, 7, GREEN);
    const double w = canvas_text_width(p->c, 15, false, text), at = p->x + p->w - w - 6;
    canvas_rect(p->c, at - 4, y + 5, w + 8, 20, faded(WHITE, 0.85));
    canvas_text(p->c, at, y + 20, &(text_style) { .size = 15, .ink = GREEN }, text);
}

static bool draw_panel(panel *p, const char *title, const line *l, int lines, const curves *c)
{
    double lo, hi;
    char below[120] = "not measured";
    color ink = GRAY;
    int first = 0;
    const bool any = range(l, lines, p->n, &lo, &hi);
    if (!any)
        lo = p->percent ? 0 : 0.1, hi = 1;
    if (p->percent) {
        if (c->landmark_name) {
            lo = fmin(lo, c->landmark - 0.02);
            hi = fmax(hi, c->landmark + 0.02);
        }
        if (hi - lo < 0.01) { // of equal ones some are below, and none is above 1
            lo -= 0.02;
            hi += 0.02;
        }
        p->value = axis_of(p->y + p->h, p->y, fmax(lo, 0), fmin(hi, 1), 6, false);
    } else {
        // 0 belongs to a loss's scale unless the curve spans powers of ten
        const bool log = lo > 0 && hi / lo > 50;
        p->value = axis_of(p->y + p->h, p->y, log ? lo : fmin(lo, 0), hi, 6, log);
    }
    const int bad = mark_gaps(p, l, lines, &first);
    if (lines > 0)
        ink = describe(p, l, bad, first, below);
    panel_draw(p, title, below, ink, "epoch");
    double at = p->x + canvas_text_width(p->c, 22, true, title) + 36;
    for (int k = 0; k < lines; k++)
        at = panel_legend(p, at, p->y - 45, l[k].k, false, l[k].name);
    if (p->percent && c->landmark_name)
        draw_landmark(p, c);
    bool ok = true;
    for (int k = lines - 1; k >= 0 && ok; k--)
        ok = draw_line(p, &l[k]);
    label_ends(p, l, lines);
    return ok;
}

static int add(line *to, int n, const double *at, size_t stride, color k, const char *name)
{
    if (at)
        to[n++] = (line) { at, stride ? stride : sizeof(double), k, name };
    return n;
}

bool draw_curve(const char *path, const curves *c, char *error, size_t error_size)
{
    line losses[LINES], accuracies[LINES];
    int n_loss = add(losses, 0, c->loss, c->stride, BLUE, "training");
    n_loss = add(losses, n_loss, c->test_loss, c->stride, VERMILLION, "test");
    int n_acc = add(accuracies, 0, c->accuracy, c->stride, VERMILLION, "test");
    n_acc = add(accuracies, n_acc, c->train_accuracy, c->stride, BLUE, "training");
    canvas *p = picture_begin(path, 1280, 560, error, error_size);
    if (!p)
        return false;
    panel a = { .c = p, .x = 84, .y = 100, .w = 450, .h = 380, .n = c->n };
    panel b = { .c = p, .x = 724, .y = 100, .w = 450, .h = 380, .n = c->n, .percent = true };
    if (!draw_panel(&a, "Loss", losses, n_loss, c) || !draw_panel(&b, "Accuracy", accuracies, n_acc, c)) {
        canvas_free(&p);
        snprintf(error, error_size, "%s: out of host memory", path);
        return false;
    }
    return picture_end(&p, path, error, error_size);
}
