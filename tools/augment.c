// SPDX-License-Identifier: MIT
// What makes new pictures of those that are there, on the device.
#include "training.h"

#include <string.h>

const char *augment_choice(int i)
{
    static const char *const names[] = { "none", "light", "strong" };
    return i < 3 ? names[i] : NULL;
}

static bool is(const char *how, int i)
{
    return strcmp(how, augment_choice(i)) == 0;
}

int augment_resize(const char *how, int size)
{
    return is(how, 0) ? size : size + (size + 7) / 8;
}

clg_tensor augment(const char *how, clg_tensor x, int size, clg_draw_key key)
{
    if (is(how, 0))
        return x;
    if (is(how, 1))
        return clg_image_random_hflip(clg_image_random_crop(x, size, size, key), 0.5, key);
    const bool gray = x->shape.dim[1] == 1; // which has neither saturation nor hue
    x = clg_image_to_dtype(x, CLG_F32, true);
    x = clg_image_random_resized_crop(x, size, size, clg_random_part(.area_lo = 0.25, .area_hi = 1), key);
    x = clg_image_random_hflip(x, 0.5, key);
    x = clg_image_color_jitter(x, 0.4, 0.4, gray ? 0 : 0.4, gray ? 0 : 0.1, key);
    return clg_mul_scalar(clg_image_random_erasing(x, 0.25, NULL, 0.5, key), 255);
}
