// SPDX-License-Identifier: MIT
// What the layers of a network did while it learnt: two maps of layer by step in a row, the first layer above, beside each
// the numbers of its last step; layers with which something is wrong have the word for it.
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEFT = 28, TOP = 104, MAP_W = 420, BARS_W = 130, NUMBER_W = 76, WORDS_W = 170, GAP = 28, HEAD = 62, FOOT = 52,
    ROW = 24, TALL = 560,  // the highest row, and map
    NAMED = 12,            // the lowest row with a name of its own
    DECADES = 12           // smaller numbers than that share the darkest colour
};

typedef struct page {
    canvas *c;
    const layers *l;
    double names, row; // width of names, height of a row
    double map_h;
    int columns;       // of a map's pixels
} page;

// The scale of a statistic: of shares 0 to 1, else powers of ten.
typedef struct scale {
    bool share;
    double lo, hi; // of shares 0 and 1, else exponents
} scale;

static double number(const page *g, const layer_statistic *s, int layer, int step)
{
    return s->values[(ptrdiff_t) layer * g->l->n_steps + step];
}

static bool is_bad(const page *g, int layer)
{
    return g->l->words && g->l->words[layer] && g->l->words[layer][0];
}

// False: the statistic has no number at all.
static bool scale_of(const page *g, const layer_statistic *s, scale *out)
{
    double lo = INFINITY, hi = -INFINITY;
    bool any = false;
    for (ptrdiff_t i = 0; i < (ptrdiff_t) g->l->n_layers * g->l->n_steps; i++) {
        const double v = fabs(s->values[i]);
        any = any || !isnan(v);
        if (isfinite(v) && v > 0) {
            lo = fmin(lo, v);
            hi = fmax(hi, v);
        }
    }
    *out = (scale) { s->share, 0, 1 };
    if (!s->share && lo <= hi) {
        out->hi = ceil(log10(hi) - 1e-9);
        out->lo = fmax(floor(log10(lo) + 1e-9), out->hi - DECADES);
        out->hi = out->hi > out->lo ? out->hi : out->lo + 1;
    }
    return any;
}

// 0 to 1 of a finite number.
static double place(const scale *s, double v)
{
    const double at = s->share ? v : v == 0 ? s->lo : log10(fabs(v));
    const double share = (at - s->lo) / (s->hi - s->lo);
    return share > 0 ? share < 1 ? share : 1 : 0;
}

static color shade(const scale *s, double v)
{
    return isnan(v) ? FAINT : isinf(v) ? VERMILLION : v == 0 && !s->share ? 0x000000 : viridis(place(s, v));
}

static int last_measured(const page *g, const layer_statistic *s, int layer)
{
    int step = g->l->n_steps - 1;
    while (step >= 0 && isnan(number(g, s, layer, step)))
        step--;
    return step;
}

// ---- a map

// Of the steps that share a column the last number, or one that is not finite.
static bool draw_map(const page *g, const layer_statistic *s, const scale *k, double x, double y)
{
    const int columns = g->columns, rows = g->l->n_layers, steps = g->l->n_steps;
    uint8_t *rgb = malloc(3 * (size_t) columns * (size_t) rows);
    if (!rgb)
        return false;
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            double shown = NAN;
            for (int t = (int) ((int64_t) j * steps / columns); t < (int) ((int64_t) (j + 1) * steps / columns); t++) {
                const double v = number(g, s, i, t);
                shown = isnan(v) || isinf(shown) ? shown : v;
            }
            const color q = shade(k, shown);
            uint8_t *p = rgb + 3 * ((size_t) i * (size_t) columns + (size_t) j);
            p[0] = (uint8_t) (q >> 16), p[1] = (uint8_t) (q >> 8), p[2] = (uint8_t) q;
        }
    }
    const bool ok = canvas_pixels(g->c, x, y, MAP_W, g->map_h, rgb, columns, rows, 3, false);
    free(rgb);
    for (int i = 1; i < rows && g->row >= NAMED; i++)
        canvas_rect(g->c, x, y + i * g->row, MAP_W, 1, faded(WHITE, 0.35));
    canvas_frame(g->c, x - 1, y - 1, MAP_W + 2, g->map_h + 2, 1, GRAY);
    return ok;
}

static void draw_steps(const page *g, double x, double y)
{
    char text[32];
    const int steps = g->l->n_steps, shown = steps < 5 ? steps : 5;
    double free_from = -INFINITY;
    for (int i = 0; i < shown; i++) {
        const int t = shown > 1 ? (int) ((int64_t) i * (steps - 1) / (shown - 1)) : 0;
        const double at = x + (t + 0.5) / steps * MAP_W;
        count_text(text, g->l->steps[t]);
        const double w = canvas_text_width(g->c, 14, false, text), left = fmax(fmin(at - w / 2, x + MAP_W - w), x);
        if (left < free_from)
            continue;
        free_from = left + w + 10;
        canvas_rect(g->c, floor(at), y, 1, 5, GRAY);
        canvas_text(g->c, left, y + 20, &(text_style) { .size = 14, .ink = GRAY }, text);
    }
    canvas_text(g->c, x + MAP_W / 2.0, y + 40, &(text_style) { .size = 14, .ink = INK, .align = TEXT_MIDDLE }, "step");
}

static void scale_text(const scale *k, double at, char text[32])
{
    if (k->share)
        snprintf(text, 32, "%.0f %%", 100 * at);
    else if (at >= -2 && at <= 4)
        snprintf(text, 32, "%g", pow(10, at));
    else
        snprintf(text, 32, "1e%g", at);
}

// ---- the last step: the colours above are its scale

// Two digits, as short as can be: 0.039, 2200, 1e-7.
static void short_text(char text[32], double v)
{
    if (fabs(v) >= 99.5 && fabs(v) < 1e6) {
        const double unit = pow(10, floor(log10(fabs(v))) - 1);
        snprintf(text, 32, "%.0f", round(v / unit) * unit);
        return;
    }
    snprintf(text, 32, "%.2g", v);
    char *e = strchr(text, 'e');
    if (e) {
        const int power = atoi(e + 1);
        snprintf(e + 1, 8, "%d", power);
    }
}

static void draw_bars(const page *g, const layer_statistic *s, const scale *k, double x, double y)
{
    char text[32];
    for (int i = 0; i < BARS_W; i++)
        canvas_rect(g->c, x + i, y - 22, 1, 12, viridis((i + 0.5) / BARS_W));
    scale_text(k, k->lo, text);
    for (int i = 0; i <= 4; i++)
        canvas_rect(g->c, floor(x + BARS_W * i / 4.0), y, 1, g->map_h, FAINT);
    canvas_text(g->c, x, y + g->map_h + 20, &(text_style) { .size = 14, .ink = GRAY }, text);
    scale_text(k, k->hi, text);
    canvas_text(g->c, x + BARS_W, y + g->map_h + 20, &(text_style) { .size = 14, .ink = GRAY, .align = TEXT_RIGHT }, text);
    canvas_text(g->c, x + BARS_W / 2.0, y + g->map_h + 40, &(text_style) { .size = 14, .ink = INK, .align = TEXT_MIDDLE }, "last step");
    for (int i = 0; i < g->l->n_layers; i++) {
        const int t = last_measured(g, s, i);
        const double v = t < 0 ? NAN : number(g, s, i, t), at = y + i * g->row;
        if (isnan(v))
            continue;
        const color ink = is_bad(g, i) || isinf(v) ? VERMILLION : BLUE;
        const double w = isinf(v) ? BARS_W : fmax(place(k, v) * BARS_W, 2), thick = g->row >= 6 ? g->row * 0.56 : g->row;
        canvas_rect(g->c, x, at + (g->row - thick) / 2, w, thick, ink);
        if (g->row < NAMED)
            continue;
        if (isinf(v))
            snprintf(text, sizeof text, "not finite");
        else if (s->share)
            snprintf(text, sizeof text, "%.0f %%", 100 * v);
        else
            short_text(text, v);
        canvas_text(g->c, x + BARS_W + NUMBER_W - 4, at + g->row / 2 + 4.5,
                    &(text_style) { .size = 13, .ink = is_bad(g, i) ? VERMILLION : INK, .align = TEXT_RIGHT }, text);
    }
}

static void draw_names(const page *g, double x, double y)
{
    const double size = fmin(14, g->row * 0.9);
    double free_from = y - 100;
    for (int i = 0; i < g->l->n_layers; i++) {
        const double at = y + (i + 0.5) * g->row, apart = g->row >= NAMED ? 0 : 40;
        if (at < free_from)
            continue;
        free_from = at + apart;
        canvas_text(g->c, x - 10, at + 4.5,
                    &(text_style) { .size = g->row >= NAMED ? size : 13, .ink = is_bad(g, i) ? VERMILLION : INK, .align = TEXT_RIGHT,
                                    .bold = is_bad(g, i), .room = g->names }, g->l->names[i]);
    }
}

// The words, one for neighbours that share it, where there is no room for each.
static void draw_words(const page *g, double x, double y)
{
    char text[120];
    for (int i = 0; i < g->l->n_layers; i++) {
        int last = i;
        if (!is_bad(g, i))
            continue;
        while (g->row < NAMED && last + 1 < g->l->n_layers && is_bad(g, last + 1) &&
               (strcmp(g->l->words[last + 1], g->l->words[i]) == 0 || (last + 1 - i) * g->row < 16))
            last++;
        if (last > i)
            snprintf(text, sizeof text, "%.60s: %d", g->l->words[i], last - i + 1);
        else
            snprintf(text, sizeof text, "%.60s", g->l->words[i]);
        canvas_rect(g->c, x, y + i * g->row + 1, 3, fmax((last - i + 1) * g->row - 2, 2), VERMILLION);
        canvas_text(g->c, x + 10, y + (i + last + 1) / 2.0 * g->row + 4.5,
                    &(text_style) { .size = 14, .ink = VERMILLION, .bold = true, .room = WORDS_W - 14 }, text);
        i = last;
    }
}

static bool draw_statistic(const page *g, const layer_statistic *s, const scale *k, double x, double y)
{
    canvas_text(g->c, x, y - 14, &(text_style) { .size = 17, .ink = INK, .bold = true, .room = MAP_W }, s->title);
    draw_steps(g, x, y + g->map_h);
    draw_bars(g, s, k, x + MAP_W + 28, y);
    return draw_map(g, s, k, x, y);
}

// How often each word is said, the first ones first.
static void draw_head(const page *g)
{
    char text[200], from[32], to[32];
    const layers *l = g->l;
    int at = 0, bad = 0;
    if (l->n_layers > 0 && l->n_steps > 0) {
        count_text(from, l->steps[0]);
        count_text(to, l->steps[l->n_steps - 1]);
        snprintf(text, sizeof text, "%d layer%s, seen in %d step%s from %s to %s", l->n_layers, l->n_layers > 1 ? "s" : "",
                 l->n_steps, l->n_steps > 1 ? "s" : "", from, to);
    } else {
        snprintf(text, sizeof text, "No layer has been looked at");
    }
    canvas_text(g->c, LEFT, 40, &(text_style) { .size = 22, .ink = INK, .bold = true }, text);
    text[0] = '\0';
    for (int i = 0; i < l->n_layers; i++) {
        bool before = !is_bad(g, i);
        int n = 1;
        for (int j = 0; j < i && !before; j++)
            before = is_bad(g, j) && strcmp(l->words[i], l->words[j]) == 0;
        if (before)
            continue;
        for (int j = i + 1; j < l->n_layers; j++)
            n += is_bad(g, j) && strcmp(l->words[i], l->words[j]) == 0;
        bad += n;
        if (at < (int) sizeof text - 50)
            at += snprintf(text + at, sizeof text - (size_t) at, "%s%.30s: %d", at ? ", " : "", l->words[i], n);
    }
    if (l->n_layers > 0)
        canvas_text(g->c, LEFT, 66, &(text_style) { .size = 15, .ink = bad ? VERMILLION : GRAY, .bold = bad > 0 },
                    bad ? text : l->words ? "nothing is wrong with any of them" : "the first layer above");
}

// Text is measured on a canvas of its own, before the picture's size is known.
static bool lay_out(page *g, int shown, const char *path, char *error, size_t error_size)
{
    canvas *measure = picture_begin(path, 8, 8, error, error_size);
    if (!measure)
        return false;
    for (int i = 0; i < g->l->n_layers; i++)
        g->names = fmax(g->names, canvas_text_width(measure, 14, true, g->l->names[i]) + 1);
    canvas_free(&measure);
    g->names = fmin(fmax(g->names, 40), 220);
    g->row = g->l->n_layers > 0 ? fmin(ROW, (double) TALL / g->l->n_layers) : ROW;
    g->map_h = g->row * g->l->n_layers;
    g->columns = g->l->n_steps < MAP_W ? g->l->n_steps : MAP_W;
    const int rows = (shown + 1) / 2, across = shown > 1 ? 2 : 1;
    const double one = MAP_W + 28 + BARS_W + NUMBER_W + GAP;
    g->c = picture_begin(path, shown ? LEFT + g->names + 12 + across * one + WORDS_W : 640,
                         shown ? TOP + rows * (HEAD + g->map_h + FOOT) - 30 : TOP, error, error_size);
    return g->c != NULL;
}

bool draw_layers(const char *path, const layers *l, char *error, size_t error_size)
{
    page g = { .l = l };
    scale k;
    int shown = 0, at = 0;
    bool ok = true;
    for (int i = 0; i < l->n_statistics && l->n_layers > 0; i++)
        shown += scale_of(&g, &l->statistics[i], &k);
    if (!lay_out(&g, shown, path, error, error_size))
        return false;
    draw_head(&g);
    for (int i = 0; i < l->n_statistics && ok; i++) {
        if (l->n_layers == 0 || !scale_of(&g, &l->statistics[i], &k))
            continue;
        const double one = MAP_W + 28 + BARS_W + NUMBER_W + GAP;
        const double left = LEFT + g.names + 12, y = TOP + HEAD - 30 + at / 2 * (HEAD + g.map_h + FOOT); // NOLINT: whole rows
        if (at % 2 == 0)
            draw_names(&g, left, y);
        if (at % 2 == 1 || at == shown - 1)
            draw_words(&g, left + (at % 2 + 1) * one - GAP + 8, y);
        ok = draw_statistic(&g, &l->statistics[i], &k, left + at % 2 * one, y);
        at++;
    }
    if (ok)
        return picture_end(&g.c, path, error, error_size);
    canvas_free(&g.c);
    snprintf(error, error_size, "%s: out of host memory", path);
    return false;
}
