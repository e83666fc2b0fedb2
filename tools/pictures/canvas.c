// SPDX-License-Identifier: MIT
// The canvas, drawn by cairo. The only file that knows cairo.
#include "canvas.h"

#include <cairo.h>
#ifdef HAVE_FONTCONFIG
#include <cairo-ft.h>
#include <fontconfig/fontconfig.h>
#endif
#include <clgrad/io.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct canvas {
    cairo_surface_t *surface;
    cairo_t *cr;
};

static bool lacks_fonts;

bool canvas_available(void)
{
    return true;
}

bool canvas_lacks_fonts(void)
{
    return lacks_fonts;
}

canvas *canvas_make(int w, int h, color background, char *error, size_t error_size)
{
    canvas *c = calloc(1, sizeof *c);
    if (!c) {
        snprintf(error, error_size, "out of host memory");
        return NULL;
    }
    c->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, w, h);
    c->cr = cairo_create(c->surface); // of a surface that failed it has the same status
    if (cairo_status(c->cr) != CAIRO_STATUS_SUCCESS) {
        snprintf(error, error_size, "a picture of %dx%d: %s", w, h, cairo_status_to_string(cairo_status(c->cr)));
        canvas_free(&c);
        return NULL;
    }
    canvas_rect(c, 0, 0, w, h, background);
    return c;
}

void canvas_free(canvas **c)
{
    if (!*c)
        return;
    cairo_destroy((*c)->cr);
    cairo_surface_destroy((*c)->surface);
    free(*c);
    *c = NULL;
}

int canvas_width(const canvas *c)
{
    return cairo_image_surface_get_width(c->surface);
}

int canvas_height(const canvas *c)
{
    return cairo_image_surface_get_height(c->surface);
}

static void use(canvas *c, color k)
{
    cairo_set_source_rgba(c->cr, (k >> 16 & 255) / 255.0, (k >> 8 & 255) / 255.0, (k & 255) / 255.0,
                          1 - (k >> 24) / 255.0);
}

void canvas_rect(canvas *c, double x, double y, double w, double h, color k)
{
    use(c, k);
    cairo_rectangle(c->cr, x, y, w, h);
    cairo_fill(c->cr);
}

void canvas_frame(canvas *c, double x, double y, double w, double h, double thick, color k)
{
    use(c, k);
    cairo_set_line_width(c->cr, thick);
    cairo_set_line_join(c->cr, CAIRO_LINE_JOIN_MITER);
    cairo_rectangle(c->cr, x + thick / 2, y + thick / 2, w - thick, h - thick);
    cairo_stroke(c->cr);
}

void canvas_disc(canvas *c, double x, double y, double radius, color k)
{
    use(c, k);
    cairo_new_path(c->cr);
    cairo_arc(c->cr, x, y, radius, 0, 2 * acos(-1));
    cairo_fill(c->cr);
}

static void follow(canvas *c, const double *xy, int n)
{
    bool down = false;
    cairo_new_path(c->cr);
    for (int i = 0; i < n; i++) {
        const bool there = isfinite(xy[2 * i]) && isfinite(xy[2 * i + 1]);
        if (there && down)
            cairo_line_to(c->cr, xy[2 * i], xy[2 * i + 1]);
        else if (there)
            cairo_move_to(c->cr, xy[2 * i], xy[2 * i + 1]);
        down = there;
    }
}

void canvas_line(canvas *c, const double *xy, int n, double thick, double dash, color k)
{
    use(c, k);
    follow(c, xy, n);
    cairo_set_line_width(c->cr, thick);
    cairo_set_line_cap(c->cr, dash > 0 ? CAIRO_LINE_CAP_BUTT : CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(c->cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(c->cr, &dash, dash > 0, 0);
    cairo_stroke(c->cr);
    cairo_set_dash(c->cr, NULL, 0, 0);
}

void canvas_polygon(canvas *c, const double *xy, int n, color k)
{
    use(c, k);
    follow(c, xy, n);
    cairo_fill(c->cr);
}

void canvas_clip(canvas *c, double x, double y, double w, double h)
{
    cairo_save(c->cr);
    cairo_rectangle(c->cr, x, y, w, h);
    cairo_clip(c->cr);
}

void canvas_unclip(canvas *c)
{
    cairo_restore(c->cr);
}

// cairo's pixels are words of the host, their colours multiplied with alpha.
static uint32_t cairo_pixel(const uint8_t *p, int channels)
{
    const uint32_t a = channels == 4 ? p[3] : 255, r = p[0], g = channels < 3 ? r : p[1], b = channels < 3 ? r : p[2];
    return a << 24 | (r * a + 127) / 255 << 16 | (g * a + 127) / 255 << 8 | (b * a + 127) / 255;
}

bool canvas_pixels(canvas *c, double x, double y, double w, double h, const uint8_t *pixels, int pw, int ph,
                   int channels, bool smooth)
{
    if (pw <= 0 || ph <= 0 || !(w > 0) || !(h > 0))
        return true;
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, pw, ph);
    bool ok = cairo_surface_status(image) == CAIRO_STATUS_SUCCESS;
    if (ok) {
        uint8_t *to = cairo_image_surface_get_data(image);
        const ptrdiff_t stride = cairo_image_surface_get_stride(image);
        for (int i = 0; i < ph; i++) {
            for (int j = 0; j < pw; j++) {
                const uint32_t p = cairo_pixel(pixels + ((ptrdiff_t) i * pw + j) * channels, channels);
                memcpy(to + i * stride + 4 * j, &p, 4);
            }
        }
        cairo_surface_mark_dirty(image);
        cairo_save(c->cr);
        cairo_rectangle(c->cr, x, y, w, h);
        cairo_clip(c->cr);
        cairo_translate(c->cr, x, y);
        cairo_scale(c->cr, w / pw, h / ph);
        cairo_set_source_surface(c->cr, image, 0, 0);
        cairo_pattern_t *p = cairo_get_source(c->cr);
        // what is made smaller is averaged in any case
        const bool squares = !smooth && w >= pw && h >= ph;
        cairo_pattern_set_filter(p, squares ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
        cairo_pattern_set_extend(p, CAIRO_EXTEND_PAD);
        cairo_paint(c->cr);
        cairo_restore(c->cr);
        ok = cairo_status(c->cr) == CAIRO_STATUS_SUCCESS;
    }
    cairo_surface_destroy(image);
    return ok;
}

// ---- text

enum { LETTERS = 512 }; // bytes of a text that are looked at

// Bytes of a UTF-8 letter at p, 0 where there is none: cut short, too long a form, a surrogate, beyond U+10FFFF.
static int letter_bytes(const unsigned char *p)
{
    const int n = *p < 0x80 ? 1 : *p >= 0xC2 && *p < 0xE0 ? 2 : *p >= 0xE0 && *p < 0xF0 ? 3 : *p >= 0xF0 && *p < 0xF5 ? 4 : 0;
    for (int i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    const bool wrong = n > 2 && ((*p == 0xE0 && p[1] < 0xA0) || (*p == 0xED && p[1] > 0x9F) || (*p == 0xF0 && p[1] < 0x90) ||
                                 (*p == 0xF4 && p[1] > 0x8F));
    return wrong ? 0 : n;
}

// What cairo takes: a wrong byte would end all drawing.
static void clean(char out[LETTERS + 4], const char *text)
{
    int n = 0;
    for (const unsigned char *p = (const unsigned char *) text; *p && n < LETTERS - 4;) {
        const int bytes = letter_bytes(p);
        if (bytes == 0)
            memcpy(out + n, "\xEF\xBF\xBD", 3);
        else
            memcpy(out + n, p, (size_t) bytes);
        if (*p < 0x20 || *p == 0x7F)
            out[n] = ' ';
        n += bytes ? bytes : 3;
        p += bytes ? bytes : 1;
    }
    out[n] = '\0';
}

// Cut to the room that is there, whole letters alone.
static void shorten(canvas *c, char text[LETTERS + 4], double room)
{
    cairo_text_extents_t e;
    cairo_text_extents(c->cr, text, &e);
    size_t n = strlen(text);
    while (e.x_advance > room && n > 0) {
        for (n--; n > 0 && ((unsigned char) text[n] & 0xC0) == 0x80; n--) { }
        while (n > 0 && text[n - 1] == ' ')
            n--;
        memcpy(text + n, "\xE2\x80\xA6", 4);
        cairo_text_extents(c->cr, text, &e);
    }
}

static const char family[] = "DejaVu Sans";

#ifdef HAVE_FONTCONFIG
// Fonts that other letters than ASCII's needed, and what letters each has; kept to the end of the process.
enum { KEPT = 8 };
static struct {
    cairo_font_face_t *face;
    FcCharSet *letters;
    bool bold;
} kept[KEPT];
static int next_kept;

// The font with the most of these letters, and of those the family's. NULL: there is no font.
static cairo_font_face_t *match(const FcCharSet *letters, bool bold)
{
    FcResult result;
    FcCharSet *has;
    cairo_font_face_t *face = NULL;
    FcPattern *want = FcPatternBuild(NULL, FC_FAMILY, FcTypeString, family, FC_WEIGHT, FcTypeInteger,
                                     bold ? FC_WEIGHT_BOLD : FC_WEIGHT_REGULAR, FC_CHARSET, FcTypeCharSet, letters, NULL);
    if (!want)
        return NULL;
    FcConfigSubstitute(NULL, want, FcMatchPattern);
    FcDefaultSubstitute(want);
    FcPattern *found = FcFontMatch(NULL, want, &result);
    FcPatternDestroy(want);
    if (!found)
        return NULL;
    face = cairo_ft_font_face_create_for_pattern(found);
    if (FcPatternGetCharSet(found, FC_CHARSET, 0, &has) == FcResultMatch) {
        cairo_font_face_destroy(kept[next_kept].face);
        if (kept[next_kept].letters)
            FcCharSetDestroy(kept[next_kept].letters);
        kept[next_kept].face = cairo_font_face_reference(face);
        kept[next_kept].letters = FcCharSetCopy(has);
        kept[next_kept].bold = bold;
        next_kept = (next_kept + 1) % KEPT;
    }
    FcPatternDestroy(found);
    return face;
}

// False: ASCII alone, or there is no font.
static bool choose_by_letters(canvas *c, bool bold, const char *text)
{
    FcChar32 letter;
    const FcChar8 *p = (const FcChar8 *) text;
    cairo_font_face_t *face = NULL;
    int left = (int) strlen(text), n;
    FcCharSet *letters = FcCharSetCreate();
    for (; letters && left > 0 && (n = FcUtf8ToUcs4(p, &letter, left)) > 0; p += n, left -= n)
        FcCharSetAddChar(letters, letter);
    for (int i = 0; letters && i < KEPT && !face; i++) {
        if (kept[i].face && kept[i].bold == bold && FcCharSetIsSubset(letters, kept[i].letters))
            face = cairo_font_face_reference(kept[i].face);
    }
    if (letters && !face)
        face = match(letters, bold);
    if (letters)
        FcCharSetDestroy(letters);
    if (face)
        cairo_set_font_face(c->cr, face);
    cairo_font_face_destroy(face);
    return face != NULL;
}
#else
static bool choose_by_letters(canvas *c, bool bold, const char *text)
{
    (void) c, (void) bold, (void) text;
    return false;
}
#endif

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char) *text < 0x80)
        text++;
    return *text == '\0';
}

static void choose_font(canvas *c, double size, bool bold, const char *text)
{
    if (is_ascii(text) || !choose_by_letters(c, bold, text))
        cairo_select_font_face(c->cr, family, CAIRO_FONT_SLANT_NORMAL,
                               bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c->cr, size);
    // a machine without any font: what cairo then takes is drawn by its own functions
    lacks_fonts = lacks_fonts || cairo_scaled_font_get_type(cairo_get_scaled_font(c->cr)) == CAIRO_FONT_TYPE_USER;
}

double canvas_text_width(canvas *c, double size, bool bold, const char *text)
{
    char shown[LETTERS + 4];
    cairo_text_extents_t e;
    clean(shown, text);
    choose_font(c, size, bold, shown);
    cairo_text_extents(c->cr, shown, &e);
    return e.x_advance;
}

double canvas_text(canvas *c, double x, double y, const text_style *s, const char *text)
{
    char shown[LETTERS + 4];
    cairo_text_extents_t e;
    clean(shown, text);
    choose_font(c, s->size, s->bold, shown);
    if (s->room > 0)
        shorten(c, shown, s->room);
    cairo_text_extents(c->cr, shown, &e);
    use(c, s->ink);
    cairo_save(c->cr);
    cairo_translate(c->cr, x, y);
    cairo_rotate(c->cr, s->turn * acos(-1) / 180);
    cairo_move_to(c->cr, s->align == TEXT_MIDDLE ? -e.x_advance / 2 : s->align == TEXT_RIGHT ? -e.x_advance : 0, 0);
    cairo_show_text(c->cr, shown);
    cairo_restore(c->cr);
    cairo_new_path(c->cr);
    return e.x_advance;
}

// ---- the file

typedef struct bytes {
    unsigned char *data;
    size_t n, capacity;
} bytes;

static cairo_status_t append(void *to, const unsigned char *data, unsigned int n)
{
    bytes *b = to;
    if (b->n + n > b->capacity) {
        const size_t capacity = 2 * b->capacity + n + 65536;
        unsigned char *more = realloc(b->data, capacity);
        if (!more)
            return CAIRO_STATUS_NO_MEMORY;
        b->data = more;
        b->capacity = capacity;
    }
    memcpy(b->data + b->n, data, n);
    b->n += n;
    return CAIRO_STATUS_SUCCESS;
}

bool canvas_save(const canvas *c, const char *path, char *error, size_t error_size)
{
    bytes b = { 0 };
    cairo_status_t st = cairo_status(c->cr); // the first thing that failed, if any
    if (st == CAIRO_STATUS_SUCCESS) {
        cairo_surface_flush(c->surface);
        st = cairo_surface_write_to_png_stream(c->surface, append, &b);
    }
    bool ok = st == CAIRO_STATUS_SUCCESS;
    if (ok)
        ok = clg_write_atomic(path, b.data, b.n, error, error_size) >= 0;
    else
        snprintf(error, error_size, "%s: %s", path, cairo_status_to_string(st));
    free(b.data);
    return ok;
}
