// SPDX-License-Identifier: MIT
// The picture of one array.
#include "picture.h"

#include "../pictures/plot.h"
#include "page.h"
#include "values.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MARGIN = 28, HEAD = 96, WIDEST = 1000, TALLEST = 1100, LEAST_WIDTH = 560, LEGEND = 70, CELL_MOST = 40, TILE = 40, TILE_LEAST = 12 };

typedef struct frame {
    canvas *c;
    const shown *a;
    const numbers *n;
    const char *path;
    char *error;
    size_t error_size;
    char note[200]; // what of the array is not shown
} frame;

static bool begin(frame *f, double w, double h)
{
    const double width = 2 * MARGIN + (w > LEAST_WIDTH ? w : LEAST_WIDTH);
    f->c = picture_begin(f->path, width, HEAD + h + MARGIN, f->error, f->error_size);
    if (!f->c)
        return false;
    char shape[200], lo[48], hi[48], line[400] = "no finite elements";
    short_shape(f->a, shape, sizeof shape);
    if (f->n->finite) {
        short_number(f->a, f->n->min, f->n->whole_min, lo, sizeof lo);
        short_number(f->a, f->n->max, f->n->whole_max, hi, sizeof hi);
        snprintf(line, sizeof line, "%s to %s, mean %.4g, std %.4g", lo, hi, f->n->mean, f->n->std);
    }
    const double room = width - 2 * MARGIN;
    const double used = canvas_text(f->c, MARGIN, 42, &(text_style) { .size = 22, .ink = INK, .bold = true, .room = 0.6 * room }, f->a->name);
    canvas_text(f->c, MARGIN + used + 14, 42, &(text_style) { .size = 16, .ink = GRAY, .room = room - used - 14 }, shape);
    const double end = canvas_text(f->c, MARGIN, 70, &(text_style) { .size = 15, .ink = GRAY, .room = room }, line);
    if (f->note[0])
        canvas_text(f->c, MARGIN + end + 20, 70, &(text_style) { .size = 15, .ink = VERMILLION, .room = room - end - 20 }, f->note);
    return true;
}

// A bar of the scale with its ends, and zero where there are signs.
static void legend(frame *f, const scale *s, double y)
{
    enum { STEPS = 200, WIDTH = 300 };
    char text[32];
    if (f->n->finite == 0)
        return;
    for (int i = 0; i < STEPS; i++) {
        const double share = (i + 0.5) / STEPS;
        canvas_rect(f->c, MARGIN + WIDTH * (double) i / STEPS, y, WIDTH / (double) STEPS + 0.5, 14,
                    scale_color(s, s->lo * (1 - share) + s->hi * share));
    }
    const double at[] = { s->lo, 0, s->hi };
    for (int i = 0; i < 3; i++) {
        if (i == 1 && !s->signs)
            continue;
        number_text(text, at[i]);
        canvas_text(f->c, MARGIN + WIDTH * i / 2.0, y + 32,
                    &(text_style) { .size = 14, .ink = GRAY, .align = i == 0 ? TEXT_LEFT : i == 1 ? TEXT_MIDDLE : TEXT_RIGHT }, text);
    }
    if (f->n->nan + f->n->infinite > 0) {
        canvas_rect(f->c, MARGIN + WIDTH + 30, y, 14, 14, scale_color(s, (double) NAN));
        canvas_text(f->c, MARGIN + WIDTH + 52, y + 12, &(text_style) { .size = 14, .ink = GRAY }, "NaN or infinite");
    }
}

static bool out_of_memory(frame *f)
{
    canvas_free(&f->c);
    snprintf(f->error, f->error_size, "%s: out of memory", f->path);
    return false;
}

static int no_more(int64_t n, int most)
{
    return n < most ? (int) n : most;
}

// ---- planes side by side

typedef struct tiles {
    int planes;          // of a tile: 1, or 3 colours
    int64_t count, per_row;
    int64_t h, w;        // elements
    int ph, pw, zoom;    // cells, and pixels of a cell
    int64_t down, across, plane, tile; // steps
    int64_t alpha; // where the plane that says how much of a pixel is there begins; 0: there is none
    bool gray;
    int columns, rows;
} tiles;

// What the dimensions of an array mean. Colours are the third dimension from the end, or of bytes the last.
static tiles tiles_of(const shown *a, bool image)
{
    const int r = a->shape.rank;
    const int64_t *d = a->shape.dim;
    const bool bytes = a->dtype == CLG_U8 || a->dtype == CLG_U16;
    const bool last = image || (a->dtype == CLG_U8 && r >= 3 && (d[r - 1] == 3 || d[r - 1] == 4) && d[r - 3] != 3);
    tiles t = { .planes = 1, .gray = bytes };
    if (last) {
        t.planes = d[r - 1] >= 3 ? 3 : 1;
        t.h = d[r - 3];
        t.w = d[r - 2];
        t.across = d[r - 1];
        t.plane = 1;
        t.alpha = d[r - 1] % 2 == 0 ? d[r - 1] - 1 : 0;
        t.tile = t.h * t.w * d[r - 1];
    } else {
        t.h = d[r - 2];
        t.w = d[r - 1];
        t.across = 1;
        t.plane = t.h * t.w;
        t.planes = d[r - 3] == 3 ? 3 : 1;
        t.tile = t.plane * t.planes;
    }
    t.down = t.w * t.across;
    t.count = a->n / t.tile;
    // filters [O,I,KH,KW]: a row for each output
    t.per_row = !last && r == 4 && t.planes == 1 && d[1] > 1 ? d[1] : 0;
    return t;
}

static int gap(const tiles *t)
{
    return 2 + t->zoom / 4;
}

static int tile_w(const tiles *t)
{
    return t->pw * t->zoom + gap(t);
}

static int tile_h(const tiles *t)
{
    return t->ph * t->zoom + gap(t);
}

// Rows and columns at this size; a filter's inputs in a row where they fit, else a sheet that is wider than high.
static void arrange(tiles *t)
{
    const int fit_x = WIDEST / tile_w(t) > 0 ? WIDEST / tile_w(t) : 1, fit_y = TALLEST / tile_h(t) > 0 ? TALLEST / tile_h(t) : 1;
    if (t->per_row && t->per_row <= fit_x)
        t->columns = (int) t->per_row;
    else
        t->columns = no_more((int64_t) ceil(sqrt(1.6 * (double) t->count * tile_h(t) / tile_w(t))), fit_x);
    t->columns = no_more(t->count, t->columns);
    t->rows = no_more((t->count + t->columns - 1) / t->columns, fit_y);
}

static void place_tiles(tiles *t)
{
    const double shrink = fmax(1, (double) (t->h > t->w ? t->h : t->w) / (t->count == 1 ? WIDEST : 128));
    t->ph = (int) fmax(1, (double) t->h / shrink);
    t->pw = (int) fmax(1, (double) t->w / shrink);
    const int longest = t->ph > t->pw ? t->ph : t->pw;
    t->zoom = longest < TILE ? TILE / longest : 1;
    for (arrange(t); (int64_t) t->columns * t->rows < t->count && t->zoom > 1 && longest * (t->zoom - 1) >= TILE_LEAST; arrange(t))
        t->zoom--; // smaller where that shows more
    for (; (int64_t) t->columns * t->rows >= t->count && t->zoom < 64; t->zoom++) { // larger where all of it is small
        tiles larger = *t;
        larger.zoom++;
        arrange(&larger);
        if ((int64_t) larger.columns * larger.rows < t->count || larger.columns * tile_w(&larger) > 800 ||
            larger.rows * tile_h(&larger) > 640)
            break;
    }
    arrange(t);
}

static void draw_tile(frame *f, const tiles *t, const scale *s, int64_t i, double x, double y, double *cells, uint8_t *pixels)
{
    for (int c = 0; c < t->planes; c++) {
        const plane p = { i * t->tile + c * t->plane, t->h, t->w, t->down, t->across };
        plane_cells(f->a, &p, t->ph, t->pw, cells + (ptrdiff_t) c * t->ph * t->pw);
    }
    cells_to_pixels(s, cells, t->ph * t->pw, t->planes, pixels);
    if (t->alpha) { // over white, or of ink under black
        const plane p = { i * t->tile + t->alpha, t->h, t->w, t->down, t->across };
        plane_cells(f->a, &p, t->ph, t->pw, cells);
        for (int k = 0; k < 3 * t->ph * t->pw; k++)
            pixels[k] = f->a->cmyk ? (uint8_t) (pixels[k] * cells[k / 3] / s->hi + 0.5)
                                   : (uint8_t) (255.5 + (pixels[k] - 255) * cells[k / 3] / s->hi);
    }
    canvas_pixels(f->c, x, y, t->pw * t->zoom, t->ph * t->zoom, pixels, t->pw, t->ph, 3, false);
}

static bool picture_of_tiles(frame *f, bool image)
{
    tiles t = tiles_of(f->a, image);
    place_tiles(&t);
    const int w = tile_w(&t), h = tile_h(&t), columns = t.columns, rows = t.rows;
    const int64_t shown_tiles = t.count < (int64_t) rows * columns ? t.count : (int64_t) rows * columns;
    const scale s = t.gray && (image || f->a->dtype == CLG_U8) ? (scale) { 0, f->a->dtype == CLG_U16 ? 65535 : 255, false, true }
                                                               : scale_of(f->n, t.gray);
    if (shown_tiles < t.count)
        snprintf(f->note, sizeof f->note, "the first %" PRId64 " of %" PRId64, shown_tiles, t.count);
    const int foot = image || t.planes == 3 ? 0 : LEGEND;
    if (!begin(f, columns * w, rows * h + foot))
        return false;
    if (t.count > 1) // seen between the tiles
        canvas_rect(f->c, MARGIN - gap(&t), HEAD - gap(&t), columns * w + gap(&t), rows * h + gap(&t), PALE);
    const size_t cells = (size_t) t.ph * (size_t) t.pw;
    double *number = malloc(3 * cells * sizeof *number);
    uint8_t *pixels = malloc(3 * cells);
    for (int64_t i = 0; number && pixels && i < shown_tiles; i++)
        draw_tile(f, &t, &s, i, (double) (MARGIN + i % columns * w), (double) (HEAD + i / columns * h), number, pixels);
    const bool ok = number && pixels;
    free(number);
    free(pixels);
    if (!ok)
        return out_of_memory(f);
    if (foot)
        legend(f, &s, HEAD + rows * h + 20);
    return picture_end(&f->c, f->path, f->error, f->error_size);
}

// ---- a matrix

static bool picture_of_matrix(frame *f)
{
    const int64_t h = f->a->shape.dim[0], w = f->a->shape.dim[1];
    const int ph = no_more(h, TALLEST - 300), pw = no_more(w, WIDEST);
    int cw = no_more(WIDEST / pw, CELL_MOST), ch = no_more((TALLEST - 300) / ph, CELL_MOST);
    if (cw < 4 * ch && ch < 4 * cw) // squares, unless it is a strip
        cw = ch = cw < ch ? cw : ch;
    const scale s = scale_of(f->n, false);
    if (ph < h || pw < w)
        snprintf(f->note, sizeof f->note, "a cell is the mean of some elements");
    if (!begin(f, pw * cw, ph * ch + LEGEND))
        return false;
    double *cells = malloc((size_t) ph * (size_t) pw * sizeof *cells);
    uint8_t *pixels = malloc(3 * (size_t) ph * (size_t) pw);
    if (cells && pixels) {
        plane_cells(f->a, &(plane) { 0, h, w, w, 1 }, ph, pw, cells);
        cells_to_pixels(&s, cells, ph * pw, 1, pixels);
        canvas_pixels(f->c, MARGIN, HEAD, pw * cw, ph * ch, pixels, pw, ph, 3, false);
    }
    const bool ok = cells && pixels;
    free(cells);
    free(pixels);
    if (!ok)
        return out_of_memory(f);
    legend(f, &s, HEAD + ph * ch + 20);
    return picture_end(&f->c, f->path, f->error, f->error_size);
}

// ---- a vector

static bool picture_of_vector(frame *f)
{
    enum { HEIGHT = 360, LEFT = 90 };
    const int64_t n = f->a->shape.dim[0];
    const int bars = no_more(n, WIDEST - LEFT), w = no_more((WIDEST - LEFT) / bars, CELL_MOST);
    char text[32];
    if (bars < n)
        snprintf(f->note, sizeof f->note, "a bar is from the least to the greatest of some elements");
    if (!begin(f, LEFT + bars * w, HEIGHT + 50))
        return false;
    const double lo = f->n->finite ? fmin(0, f->n->min) : 0, hi = f->n->finite ? fmax(0, f->n->max) : 1;
    const axis y = axis_of(HEAD + HEIGHT, HEAD, lo, hi > lo ? hi : lo + 1, 6, false);
    double value;
    for (int k = 0; axis_tick(&y, k, false, &value, text); k++) {
        canvas_rect(f->c, MARGIN + LEFT, floor(axis_at(&y, value)), bars * w, 1, value == 0 ? PALE : FAINT);
        canvas_text(f->c, MARGIN + LEFT - 10, axis_at(&y, value) + 5,
                    &(text_style) { .size = 14, .ink = GRAY, .align = TEXT_RIGHT }, text);
    }
    for (int i = 0; i < bars; i++) {
        double low = bars < n ? (double) INFINITY : 0, high = bars < n ? -(double) INFINITY : 0;
        bool finite = true;
        for (int64_t k = n * i / bars; k < n * (i + 1) / bars; k++) {
            double v;
            elements_as_double(f->a, k, 1, &v);
            finite = finite && isfinite(v);
            low = fmin(low, v);
            high = fmax(high, v);
        }
        const double x = MARGIN + LEFT + i * w, gap = w > 3 ? 1 : 0;
        if (!finite)
            canvas_rect(f->c, x, HEAD, w - gap, HEIGHT, scale_color(&(scale) { 0, 1, false, false }, (double) NAN));
        else
            canvas_rect(f->c, x, axis_at(&y, high), w - gap, fmax(1, axis_at(&y, low) - axis_at(&y, high)), BLUE);
    }
    count_text(text, n - 1);
    canvas_text(f->c, MARGIN + LEFT, HEAD + HEIGHT + 26, &(text_style) { .size = 14, .ink = GRAY }, "0");
    canvas_text(f->c, MARGIN + LEFT + bars * w, HEAD + HEIGHT + 26, &(text_style) { .size = 14, .ink = GRAY, .align = n > 1 ? TEXT_RIGHT : TEXT_LEFT },
                n > 1 ? text : "");
    return picture_end(&f->c, f->path, f->error, f->error_size);
}

static bool picture_of_text(frame *f, const char *text)
{
    if (!begin(f, 0, 80))
        return false;
    canvas_text(f->c, MARGIN, HEAD + 50, &(text_style) { .size = 40, .ink = BLUE, .room = LEAST_WIDTH }, text);
    return picture_end(&f->c, f->path, f->error, f->error_size);
}

bool picture_of_array(const char *path, const shown *a, const numbers *n, source_kind kind, char *error, size_t error_size)
{
    frame f = { .a = a, .n = n, .path = path, .error = error, .error_size = error_size };
    char text[VALUE_TEXT];
    if (!a->known)
        return picture_of_text(&f, "elements of an unknown type");
    if (a->n == 0)
        return picture_of_text(&f, "no elements");
    if (a->shape.rank == 0) {
        value_alone(a, 0, text);
        return picture_of_text(&f, text);
    }
    return a->shape.rank == 1   ? picture_of_vector(&f)
           : a->shape.rank == 2 ? picture_of_matrix(&f)
                                : picture_of_tiles(&f, kind == SOURCE_IMAGE);
}
