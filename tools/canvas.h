// SPDX-License-Identifier: MIT
// A small RGB picture: boxes, smooth lines and text, written as PNG.
#ifndef CLG_TOOLS_CANVAS_H
#define CLG_TOOLS_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct canvas {
    int w, h;
    uint8_t *rgb;
} canvas;
typedef uint32_t color; // 0xRRGGBB

bool canvas_make(canvas *c, int w, int h, color background);
void canvas_free(canvas *c);
void canvas_box(canvas *c, int x, int y, int w, int h, color k);
void canvas_frame(canvas *c, int x, int y, int w, int h, int thick, color k);
void canvas_line(canvas *c, double x0, double y0, double x1, double y1, double thick, color k);
void canvas_disc(canvas *c, double x, double y, double radius, color k);

// Text whose capitals are `size` high and whose base line is at y; x is its left end, middle or
// right end.
typedef enum text_align { TEXT_LEFT, TEXT_MIDDLE, TEXT_RIGHT } text_align;
void canvas_text(canvas *c, double x, double y, double size, color k, text_align align,
                 const char *text);
double canvas_text_width(const char *text, double size);

// Atomically; error gets the reason of a failure.
bool canvas_save(const canvas *c, const char *path, char *error, size_t error_size);

enum { FONT_COLUMNS = 5, FONT_ROWS = 9, FONT_BASE = 6 }; // the row that stands on the base line
const uint8_t *font_letter(char letter); // FONT_ROWS rows of bits, or NULL
#endif
