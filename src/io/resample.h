// SPDX-License-Identifier: MIT
// Images of bytes in another size, on the host.
#ifndef CLG_IO_RESAMPLE_H
#define CLG_IO_RESAMPLE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct clg__rectangle {
    int64_t y, x, h, w;
} clg__rectangle;

// The part `from` of an image of `width` pixels a row and c channels, as h x w pixels, antialiased bilinear with the
// numbers of Pillow; of these the part `window` goes to `to`, whose rows are `pitch` pixels. False when out of memory.
bool clg__resample(const uint8_t *in, int64_t width, int c, clg__rectangle from, int64_t h, int64_t w,
                   clg__rectangle window, uint8_t *to, int64_t pitch);
#endif
