// SPDX-License-Identifier: MIT
// The pictures of a training run, written as PNG. On failure error gets the reason.
#ifndef CLG_TOOLS_PICTURES_H
#define CLG_TOOLS_PICTURES_H

#include "fashion.h"

typedef struct epoch_row {
    double loss, accuracy;
    double seconds; // NAN: not known
} epoch_row;

bool draw_curve(const char *path, const epoch_row *rows, int n, double landmark, char *error,
                size_t error_size);
// counts[truth][answer]
bool draw_confusion(const char *path, int64_t counts[CLASSES][CLASSES], const char *const *names,
                    char *error, size_t error_size);
// The first n pictures of 28x28, of which those with another answer than the truth are marked.
bool draw_samples(const char *path, const uint8_t *pixels, const uint8_t *truth,
                  const int64_t *said, int n, const char *const *names, char *error,
                  size_t error_size);
#endif
