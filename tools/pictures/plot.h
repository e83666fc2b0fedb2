// SPDX-License-Identifier: MIT
// What the pictures share: colours, axes with ticks, labels that keep apart.
#ifndef CLG_TOOLS_PLOT_H
#define CLG_TOOLS_PLOT_H

#include "pictures.h"

// Blue and vermillion can be told apart by everybody.
enum {
    WHITE = 0xFFFFFF, INK = 0x24292E, GRAY = 0x6A737D, PALE = 0xB0B6BC, FAINT = 0xE8EBEE,
    BLUE = 0x0072B2, VERMILLION = 0xD55E00, GREEN = 0x00795A, ORANGE = 0xE69F00, SKY = 0x56B4E9
};

// An axis from a pixel to a pixel. Logarithmic where asked for, and then lo is above 0.
typedef struct axis {
    double from, to; // pixels of lo and hi
    double lo, hi;   // multiples of step
    double step;
    bool log;
} axis;
// lo and hi are moved outward to ticks, of which there are about `ticks`.
axis axis_of(double from, double to, double lo, double hi, int ticks, bool log);
double axis_at(const axis *a, double value); // NAN: not on a logarithmic axis
// The k-th tick and its text; false: there are no more. A share is written as percent.
bool axis_tick(const axis *a, int k, bool percent, double *value, char text[32]);
// Ticks for whole numbers 1 to n: every which one.
int whole_step(int n, int most);
double nice_step(double span, int most); // 1, 2 or 5 times a power of ten

// A panel's frame: title, a line below it, grid, ticks of both axes. The x axis counts 1 to n.
typedef struct panel {
    canvas *c;
    double x, y, w, h;
    axis value; // the y axis
    int n;
    bool percent;
} panel;
double panel_x(const panel *p, double i); // of the i-th of n
void panel_draw(const panel *p, const char *title, const char *below, color below_ink, const char *x_name);
// A sample of a line, and its name; returns where the next one begins.
double panel_legend(const panel *p, double x, double y, color k, bool dashed, const char *name);

// Text with the number at hand: 4 digits; "nan" and "infinite" in words.
void number_text(char text[32], double v);
// A count with commas: 12,345.
void count_text(char text[32], int64_t v);
// Names of classes: that of the list, else the number.
const char *class_name(const char *const *names, int n, int64_t k, char room[32]);

// "path: reason" where a canvas cannot be made.
canvas *picture_begin(const char *path, double w, double h, char *error, size_t error_size);
bool picture_end(canvas **c, const char *path, char *error, size_t error_size); // saves and frees

// Colour scales of 0 to 1. viridis: dark blue to yellow, monotone in brightness.
//
// source  the colour map of that name by Smith and van der Walt; nine points of it
color viridis(double share);
// Black or white, whichever is read better on k.
color ink_on(color k);
#endif
