// SPDX-License-Identifier: MIT
// A picture that is drawn with shapes and text and written as PNG. pictures/canvas.c draws with cairo; a build without it
// has pictures/no_canvas.c, where no canvas can be made. Units are pixels, y goes down.
#ifndef CLG_TOOLS_CANVAS_H
#define CLG_TOOLS_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct canvas canvas;
typedef uint32_t color; // 0xTTRRGGBB; TT is the transparency, so that 0xRRGGBB is opaque

// k, of which a share is there: 0 is nothing, 1 is k.
color faded(color k, double there);
// From a (0) to b (1).
color mixed(color a, color b, double share);

// Can this build draw?
bool canvas_available(void);

// NULL: error has the reason.
canvas *canvas_make(int w, int h, color background, char *error, size_t error_size);
void canvas_free(canvas **c); // NULL is allowed
int canvas_width(const canvas *c);
int canvas_height(const canvas *c);

void canvas_rect(canvas *c, double x, double y, double w, double h, color k);
// Inside of the rectangle.
void canvas_frame(canvas *c, double x, double y, double w, double h, double thick, color k);
void canvas_disc(canvas *c, double x, double y, double radius, color k);
// Through n points x, y; a point that is not finite leaves a gap. dash: length of dashes and gaps, 0: none.
void canvas_line(canvas *c, const double *xy, int n, double thick, double dash, color k);
void canvas_polygon(canvas *c, const double *xy, int n, color k);
// What is drawn until canvas_unclip is seen in the rectangle alone.
void canvas_clip(canvas *c, double x, double y, double w, double h);
void canvas_unclip(canvas *c);
// A grid of ph x pw pixels with 1 (gray), 3 (RGB) or 4 (RGBA, not multiplied) channels over w x h. Enlarged pixels are
// squares; smooth: they pass into each other. False: out of memory.
bool canvas_pixels(canvas *c, double x, double y, double w, double h, const uint8_t *pixels, int pw, int ph,
                   int channels, bool smooth);

typedef enum text_align { TEXT_LEFT, TEXT_MIDDLE, TEXT_RIGHT } text_align;
typedef struct text_style {
    double size; // of the font
    color ink;
    text_align align;
    bool bold;
    double turn; // about the anchor, in degrees clockwise
    double room; // longer text is cut and ends with three dots; 0: any length
} text_style;
// UTF-8; bytes that are none are shown as U+FFFD, control characters as spaces. The anchor is on the base line.
// Returns how wide it is.
double canvas_text(canvas *c, double x, double y, const text_style *s, const char *text);
double canvas_text_width(canvas *c, double size, bool bold, const char *text);
// Has text been drawn with no font but the simple one that cairo brings?
bool canvas_lacks_fonts(void);

// Atomically; error gets the reason of a failure.
bool canvas_save(const canvas *c, const char *path, char *error, size_t error_size);
#endif
