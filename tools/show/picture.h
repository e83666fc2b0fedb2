// SPDX-License-Identifier: MIT
// The pictures of `clgrad show --out`. On failure error gets the reason.
#ifndef CLG_SHOW_PICTURE_H
#define CLG_SHOW_PICTURE_H

#include "numbers.h"

enum { OVERVIEW_NAME = 200, OVERVIEW_SHAPE = 120, OVERVIEW_MOST = 150 };

// An image as it is, tiles of planes and filters, a matrix as a map, a vector as bars, one number as itself.
bool picture_of_array(const char *path, const shown *a, const numbers *n, source_kind kind, char *error, size_t error_size);

// A row of the overview: what is known of one array.
typedef struct overview_row {
    char name[OVERVIEW_NAME], shape[OVERVIEW_SHAPE], range[96];
    bool whole, known;
    int64_t n;
    numbers numbers;
} overview_row;

typedef struct overview {
    overview_row row[OVERVIEW_MOST];
    int n, left_out; // rows, and arrays that have none
} overview;
void overview_add(overview *o, const shown *a, const numbers *n);
bool picture_of_all(const char *path, const char *title, const overview *o, char *error, size_t error_size);

// ---- cells.c: what a picture is made of
// Elements that lie in rows and columns: an image, a channel, a matrix.
typedef struct plane {
    int64_t at, h, w, down, across; // of the first one, how many, and the steps from one to the next
} plane;
// The means of blocks, ph of h rows and pw of w columns, which are no more than h and w; NAN where an element is not finite.
void plane_cells(const shown *a, const plane *p, int ph, int pw, double *to);

// Colours of numbers: about zero where there are both signs, from min to max else; of gray, dark to light.
typedef struct scale {
    double lo, hi;
    bool signs, gray;
} scale;
scale scale_of(const numbers *n, bool gray);
uint32_t scale_color(const scale *s, double v);
// Pixels of cells: 3 bytes each from one plane, or from three that lie one after another.
void cells_to_pixels(const scale *s, const double *cells, int count, int planes, uint8_t *rgb);
#endif
