// SPDX-License-Identifier: MIT
// What makes new pictures of those that are there: which part of them the loader cuts out on the host, and what the device
// does to a batch of those.
#include "training.h"

#include <string.h>

// In this order, a policy behind FLIP. PART is the loader's, of the whole picture: any part, of at least this share of its area.
typedef enum step { SHIFT = 1, PART = 2, FLIP = 4, COLOR = 8, ERASE = 16 } step;
typedef enum policy { NO_POLICY, RAND, TRIVIAL, AUTO, AUGMIX } policy;

static const struct {
    const char *name;
    unsigned steps;
    policy policy;
    double least_area;
} ways[] = {
    { "none", 0, NO_POLICY, 0 },
    { "light", SHIFT | FLIP, NO_POLICY, 0 },
    { "strong", PART | FLIP | COLOR | ERASE, NO_POLICY, 0.25 },
    { "flip", FLIP, NO_POLICY, 0 },
    { "crop", SHIFT, NO_POLICY, 0 },
    { "resizedcrop", PART | FLIP, NO_POLICY, 0.08 },
    { "colorjitter", FLIP | COLOR, NO_POLICY, 0 },
    { "erasing", FLIP | ERASE, NO_POLICY, 0 },
    { "randaugment", PART | FLIP, RAND, 0.25 },
    { "trivialaugmentwide", PART | FLIP, TRIVIAL, 0.25 },
    { "autoaugment", PART | FLIP, AUTO, 0.25 },
    { "augmix", PART | FLIP, AUGMIX, 0.25 },
};
enum { WAYS = (int) (sizeof ways / sizeof ways[0]) };

const char *augment_choice(int i)
{
    return i < WAYS ? ways[i].name : NULL;
}

static int way_of(const char *how)
{
    int i = 0;
    while (i < WAYS - 1 && strcmp(how, ways[i].name) != 0)
        i++;
    return i;
}

int augment_resize(const char *how, int size)
{
    return ways[way_of(how)].steps & SHIFT ? size + (size + 7) / 8 : size;
}

double augment_part(const char *how)
{
    return ways[way_of(how)].least_area;
}

static clg_tensor by_policy(clg_tensor x, policy p, clg_draw_key key)
{
    switch (p) {
    case NO_POLICY:
        return x;
    case RAND:
        return clg_image_rand_augment(x, 2, 9, 31, NULL, key);
    case TRIVIAL:
        return clg_image_trivial_augment(x, 31, NULL, key);
    case AUTO:
        return clg_image_auto_augment(x, CLG_IMAGE_POLICY_IMAGENET, NULL, key);
    case AUGMIX:
        return clg_image_augmix(x, NULL, key);
    }
    return x;
}

clg_tensor augment(const char *how, clg_tensor x, int size, clg_draw_key key)
{
    const int w = way_of(how);
    const unsigned steps = ways[w].steps;
    const bool gray = x->shape.dim[1] == 1; // which has neither saturation nor hue
    if (steps & SHIFT)
        x = clg_image_random_crop(x, size, size, key);
    if (steps & FLIP)
        x = clg_image_random_hflip(x, 0.5, key);
    x = by_policy(x, ways[w].policy, key);
    if (!(steps & (COLOR | ERASE)))
        return x;
    x = clg_image_to_dtype(x, CLG_F32, true);
    if (steps & COLOR)
        x = clg_image_color_jitter(x, 0.4, 0.4, gray ? 0 : 0.4, gray ? 0 : 0.1, key);
    if (steps & ERASE)
        x = clg_image_random_erasing(x, 0.25, NULL, 0.5, key);
    return clg_mul_scalar(x, 255);
}
