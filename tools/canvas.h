// SPDX-License-Identifier: MIT
// A small RGB picture: rectangles, lines, text in a 5x7 font, and writing it as PNG.
#ifndef CLG_TOOLS_CANVAS_H
#define CLG_TOOLS_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct canvas {
    int w, h;
    uint8_t *rgb;
} canvas;
typedef uint32_t color; // 0xRRGGBB

bool canvas_make(canvas *c, int w, int h, color background);
void canvas_free(canvas *c);
void canvas_dot(canvas *c, int x, int y, color k);
void canvas_box(canvas *c, int x, int y, int w, int h, color k);
void canvas_frame(canvas *c, int x, int y, int w, int h, int thick, color k);
void canvas_line(canvas *c, int x0, int y0, int x1, int y1, int thick, color k);
// Text with its upper left corner at x, y; letters are 6*scale apart, lower case looks like upper.
void canvas_text(canvas *c, int x, int y, int scale, color k, const char *text);
int canvas_text_width(const char *text, int scale);
bool canvas_save(const canvas *c, const char *path); // atomically
#endif
