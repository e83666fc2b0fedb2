// SPDX-License-Identifier: MIT
// One image of a loader, from its file to its place in a batch.
#ifndef CLG_IO_SAMPLE_H
#define CLG_IO_SAMPLE_H

#include <clgrad/loader.h>

enum { CLG__SAMPLE_TEXT = 1200, CLG__DRAW_CROP = 1, CLG__DRAW_FLIP = 2, CLG__DRAW_ORDER = 3 };

// What all images of a loader become.
typedef struct clg__sample_form {
    struct clg_image_loader_params p;
    int64_t h, w; // 0: that of the image
    int channels;
} clg__sample_form;

// A number in [0, n), n at most 2^31, of a place that no other draw has.
int64_t clg__draw_below(uint64_t seed, int64_t epoch, int64_t at, int purpose, int64_t n);
// Decode sample `at` into `to` (h * w * channels bytes); with `to` NULL give its size.
clg_status clg__sample_read(const clg__sample_form *f, const char *path, int64_t epoch, int64_t at, uint8_t *to,
                            int64_t *h, int64_t *w, char *error, size_t size);
#endif
