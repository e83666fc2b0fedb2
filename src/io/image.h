// SPDX-License-Identifier: MIT
// What the image formats share: a decoder gives the pixels as its library reads them, image.c does the rest.
#ifndef CLG_IO_IMAGE_H
#define CLG_IO_IMAGE_H

#include "io/whole.h"

#include <clgrad/image_file.h>

enum { CLG__MAX_SCANS = 500, CLG__EXIF_ORIENTATIONS = 8, CLG__IMAGE_TEXT = 240 };

typedef struct clg__image {
    int64_t w, h;
    int channels;
    bool wide; // of 16 bits
    bool cmyk; // 4 channels, inverted
    int orientation; // 1..8; 1 when nothing says otherwise
    unsigned char *pixels;
    char why[CLG__IMAGE_TEXT]; // it failed
} clg__image;

// Each gives a status, and on failure a sentence in why; what it allocated for the result is released by the caller.
clg_status clg__png_read(clg__image *im, const unsigned char *bytes, size_t n, const struct clg_image_params *p);
clg_status clg__jpeg_read(clg__image *im, const unsigned char *bytes, size_t n, const struct clg_image_params *p);
// Of im: w, h, channels, wide, pixels.
clg_status clg__png_write(clg__bytes *out, clg__image *im, const struct clg_image_write_params *p);
clg_status clg__jpeg_write(clg__bytes *out, clg__image *im, const struct clg_image_write_params *p);

// Are so many pixels allowed? Else why is set.
bool clg__image_fits(clg__image *im, const struct clg_image_params *p);
// Room for the pixels.
bool clg__image_alloc(clg__image *im);
// The orientation tag of EXIF data (a TIFF header, and behind it the first directory); 1 when there is none.
int clg__exif_orientation(const unsigned char *p, size_t n);
#endif
