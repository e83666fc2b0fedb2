// SPDX-License-Identifier: MIT
// The table of confusions. A row is what an image is, a column what the network said; colours are shares of the row,
// blue for right answers, vermillion for wrong ones, by a root, so that rare ones show.
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SIDE = 720, LARGE = 920, // of the table, of up to 20 classes and of more
    DOTS = 240,              // cells in a row, at most
    CELL = 84, NAMED = 12,   // the largest cell, and the smallest that has a name
    LISTED = 15, LIST_W = 400
};

typedef struct table {
    canvas *c;
    const confusion *m;
    int64_t *sum;     // of each row
    int block, cells; // classes in a cell's side, cells in the table's
    double cell, x, y, side;
    double names;     // room left of the table
    bool turned;      // names above the table stand
} table;

static int64_t count(const confusion *m, int truth, int answer)
{
    return m->counts[(ptrdiff_t) truth * m->n + answer];
}

static color shade(bool right, double share)
{
    return mixed(WHITE, right ? 0x004C8C : 0xC24400, right ? sqrt(share) : cbrt(share));
}

// Counts and their row's sum of a cell of many classes.
static double cell_share(const table *t, int i, int j, int64_t *n)
{
    const confusion *m = t->m;
    int64_t all = 0;
    *n = 0;
    for (int a = i * t->block; a < (i + 1) * t->block && a < m->n; a++) {
        all += t->sum[a];
        for (int b = j * t->block; b < (j + 1) * t->block && b < m->n; b++)
            *n += count(m, a, b);
    }
    return all > 0 ? (double) *n / (double) all : 0;
}

static bool draw_cells(const table *t)
{
    char text[32];
    int64_t n;
    if (t->cell < 3) {
        uint8_t *rgb = malloc(3 * (size_t) t->cells * (size_t) t->cells);
        if (!rgb)
            return false;
        for (int i = 0; i < t->cells; i++) {
            for (int j = 0; j < t->cells; j++) {
                const color k = shade(i == j, cell_share(t, i, j, &n));
                uint8_t *p = rgb + 3 * ((size_t) i * (size_t) t->cells + (size_t) j);
                p[0] = (uint8_t) (k >> 16), p[1] = (uint8_t) (k >> 8), p[2] = (uint8_t) k;
            }
        }
        const bool ok = canvas_pixels(t->c, t->x, t->y, t->side, t->side, rgb, t->cells, t->cells, 3, false);
        free(rgb);
        return ok;
    }
    const double gap = t->cell >= 8 ? 1 : 0, size = fmin(17, t->cell * 0.44);
    canvas_rect(t->c, t->x, t->y, t->side, t->side, FAINT);
    for (int i = 0; i < t->cells; i++) {
        for (int j = 0; j < t->cells; j++) {
            const double share = cell_share(t, i, j, &n), x = t->x + j * t->cell, y = t->y + i * t->cell;
            const color k = shade(i == j, share);
            canvas_rect(t->c, x, y, t->cell - gap, t->cell - gap, k);
            if (size < 7.5 || (n == 0 && t->cells > 20))
                continue;
            count_text(text, n);
            const double w = canvas_text_width(t->c, size, i == j, text), fits = size * fmin(1, (t->cell - 3) / w);
            if (fits >= 7)
                canvas_text(t->c, x + (t->cell - gap) / 2, y + t->cell / 2 + fits * 0.36,
                            &(text_style) { .size = fits, .ink = n ? ink_on(k) : PALE, .align = TEXT_MIDDLE, .bold = i == j },
                            text);
        }
    }
    return true;
}

// Names beside and above, or numbers of some where there is no room for every name.
static void draw_names(const table *t)
{
    char room[32];
    const bool all = t->block == 1 && t->cell >= NAMED;
    const int step = all ? 1 : whole_step(t->m->n, 10);
    const double size = all ? fmin(15, t->cell * 0.9) : 14;
    for (int k = 0; k < t->m->n; k += step) {
        const double at = (k / (double) t->block + 0.5) * t->cell;
        const char *name = class_name(all ? t->m->names : NULL, t->m->n, k, room);
        canvas_text(t->c, t->x - 10, t->y + at + size * 0.36,
                    &(text_style) { .size = size, .ink = INK, .align = TEXT_RIGHT, .room = t->names }, name);
        if (t->turned && all)
            canvas_text(t->c, t->x + at + size * 0.36, t->y - 10,
                        &(text_style) { .size = size, .ink = INK, .turn = -60, .room = t->names }, name);
        else
            canvas_text(t->c, t->x + at, t->y - 10, &(text_style) { .size = size, .ink = INK, .align = TEXT_MIDDLE }, name);
        if (!all) {
            canvas_rect(t->c, t->x - 6, floor(t->y + at), 5, 1, GRAY);
            canvas_rect(t->c, floor(t->x + at), t->y - 6, 1, 5, GRAY);
        }
    }
}

// ---- what stands beside the table

typedef struct pair {
    int truth, answer;
    int64_t n;
} pair;

static int worse(const void *pa, const void *pb)
{
    const pair *a = pa, *b = pb;
    if (a->n != b->n)
        return a->n < b->n ? 1 : -1;
    return a->truth != b->truth ? (a->truth < b->truth ? -1 : 1) : (a->answer > b->answer) - (a->answer < b->answer);
}

// The LISTED most frequent mistakes, in order; returns how many there are.
static int worst_pairs(const confusion *m, pair out[LISTED])
{
    int n = 0;
    for (int i = 0; i < m->n; i++) {
        for (int j = 0; j < m->n; j++) {
            const pair p = { i, j, count(m, i, j) };
            if (i == j || p.n == 0 || (n == LISTED && worse(&out[LISTED - 1], &p) <= 0))
                continue;
            out[n < LISTED ? n++ : LISTED - 1] = p;
            qsort(out, (size_t) n, sizeof *out, worse);
        }
    }
    return n;
}

static void draw_list(const table *t, double x, double y)
{
    char text[32], a[32], b[32];
    pair pairs[LISTED];
    const confusion *m = t->m;
    const int n = worst_pairs(m, pairs);
    canvas_text(t->c, x, y, &(text_style) { .size = 17, .ink = INK, .bold = true }, n ? "Most frequent mistakes" : "No mistakes");
    for (int k = 0; k < n && y + 32 * (k + 1) < canvas_height(t->c) - 10; k++) {
        const double at = y + 32 * (k + 1), share = (double) pairs[k].n / (double) t->sum[pairs[k].truth];
        const double half = (LIST_W - 150) / 2.0;
        const char *truth = class_name(m->names, m->n, pairs[k].truth, a), *answer = class_name(m->names, m->n, pairs[k].answer, b);
        count_text(text, pairs[k].n);
        canvas_text(t->c, x + 50, at, &(text_style) { .size = 15, .ink = VERMILLION, .bold = true, .align = TEXT_RIGHT }, text);
        const double w = canvas_text(t->c, x + 62, at, &(text_style) { .size = 15, .ink = INK, .room = half }, truth);
        canvas_line(t->c, (double[]) { x + 70 + w, at - 5, x + 86 + w, at - 5 }, 2, 1.5, 0, GRAY);
        canvas_polygon(t->c, (double[]) { x + 92 + w, at - 5, x + 85 + w, at - 9, x + 85 + w, at - 1 }, 3, GRAY);
        canvas_text(t->c, x + 100 + w, at, &(text_style) { .size = 15, .ink = INK, .room = half }, answer);
        snprintf(text, sizeof text, "%.0f %%", 100 * share);
        canvas_text(t->c, x + LIST_W, at, &(text_style) { .size = 15, .ink = GRAY, .align = TEXT_RIGHT }, text);
    }
}

static void draw_head(const table *t)
{
    char text[160], a[32], b[32];
    int64_t right = 0, all = 0;
    for (int i = 0; i < t->m->n; i++) {
        right += count(t->m, i, i);
        all += t->sum[i];
    }
    count_text(a, right);
    count_text(b, all);
    if (all > 0)
        snprintf(text, sizeof text, "%.2f %% right: %s of %s %.60s", 100 * (double) right / (double) all, a, b, t->m->what);
    else
        snprintf(text, sizeof text, "No %.60s", t->m->what);
    canvas_text(t->c, 28, 40, &(text_style) { .size = 22, .ink = INK, .bold = true }, text);
    canvas_text(t->c, 28, 66, &(text_style) { .size = 15, .ink = GRAY },
                "rows: what it is; columns: what the network said; colour: share of the row");
    if (t->block > 1) {
        snprintf(text, sizeof text, "%d x %d classes in a dot", t->block, t->block);
        canvas_text(t->c, 28, 88, &(text_style) { .size = 15, .ink = GRAY }, text);
    }
}

static void draw_right_column(const table *t)
{
    char text[32];
    const double x = t->x + t->side, size = fmin(15, t->cell * 0.8);
    canvas_text(t->c, x + 70, t->y - 10, &(text_style) { .size = 15, .ink = GRAY, .align = TEXT_RIGHT }, "right");
    for (int i = 0; i < t->m->n; i++) {
        const double at = t->y + (i + 0.5) * t->cell;
        if (t->sum[i])
            snprintf(text, sizeof text, "%.1f %%", 100 * (double) count(t->m, i, i) / (double) t->sum[i]);
        else
            snprintf(text, sizeof text, "none");
        canvas_text(t->c, x + 70, at + size * 0.36, &(text_style) { .size = size, .ink = INK, .align = TEXT_RIGHT }, text);
    }
}

static void draw_scale(const table *t, double x, double y)
{
    for (int right = 1; right >= 0; right--) {
        const double at = y + (right ? 0 : 24);
        canvas_text(t->c, x, at + 11, &(text_style) { .size = 15, .ink = INK }, right ? "right" : "wrong");
        for (int i = 0; i < 200; i++)
            canvas_rect(t->c, x + 60 + i, at, 1, 14, shade(right, (i + 0.5) / 200));
        canvas_frame(t->c, x + 59, at - 1, 202, 16, 1, PALE);
    }
    const char *const ticks[] = { "0", "25", "50", "75", "100 %" };
    for (int i = 0; i < 5; i++)
        canvas_text(t->c, x + 60 + 50 * i, y + 56, &(text_style) { .size = 14, .ink = GRAY, .align = TEXT_MIDDLE }, ticks[i]);
}

// Sizes, before anything is drawn: text is measured on a canvas of its own.
static bool lay_out(table *t, const char *path, char *error, size_t error_size)
{
    char room[32];
    const confusion *m = t->m;
    const int side = m->n > 20 ? LARGE : SIDE;
    t->block = (m->n + DOTS - 1) / DOTS;
    t->cells = (m->n + t->block - 1) / t->block;
    t->cell = fmin(CELL, fmax(side / t->cells, 1)); // NOLINT: whole pixels
    t->side = t->cell * t->cells;
    canvas *measure = picture_begin(path, 8, 8, error, error_size);
    if (!measure)
        return false;
    const bool all = t->block == 1 && t->cell >= NAMED;
    double widest = 30;
    for (int k = 0; k < m->n && all; k++)
        widest = fmax(widest, canvas_text_width(measure, fmin(15, t->cell * 0.9), false, class_name(m->names, m->n, k, room)));
    canvas_free(&measure);
    pair pairs[LISTED];
    const int listed = worst_pairs(m, pairs);
    t->names = all ? fmin(widest + 1, 230) : 50;
    t->turned = widest > t->cell - 8;
    t->x = 28 + t->names + 12;
    t->y = 100 + (all && t->turned ? t->names * 0.87 + 16 : 30);
    const double beside = t->side + (all ? 100 : 30), height = fmax(t->side, listed * 32 + 120);
    t->c = picture_begin(path, t->x + fmax(beside, 380) + LIST_W + 40, t->y + height + 28, error, error_size);
    return t->c != NULL;
}

bool draw_confusion(const char *path, const confusion *m, char *error, size_t error_size)
{
    table t = { .m = m, .sum = calloc((size_t) m->n, sizeof(int64_t)) };
    bool ok = t.sum != NULL;
    for (int i = 0; i < m->n && ok; i++) {
        for (int j = 0; j < m->n; j++)
            t.sum[i] += count(m, i, j);
    }
    if (!ok)
        snprintf(error, error_size, "%s: out of host memory", path);
    if (ok && !lay_out(&t, path, error, error_size)) {
        free(t.sum);
        return false;
    }
    if (ok) {
        const bool all = t.block == 1 && t.cell >= NAMED;
        const double beside = t.x + fmax(t.side + (all ? 100 : 30), 380);
        draw_head(&t);
        ok = draw_cells(&t);
        draw_names(&t);
        if (all)
            draw_right_column(&t);
        canvas_frame(t.c, t.x - 1, t.y - 1, t.side + 2 - (t.cell >= 8), t.side + 2 - (t.cell >= 8), 1, GRAY);
        draw_scale(&t, beside + 10, t.y);
        draw_list(&t, beside + 10, t.y + 104);
        if (!ok)
            snprintf(error, error_size, "%s: out of host memory", path);
    }
    free(t.sum);
    if (ok)
        return picture_end(&t.c, path, error, error_size);
    canvas_free(&t.c);
    return false;
}
