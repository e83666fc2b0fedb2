// SPDX-License-Identifier: MIT
// Random transforms of batches [N,C,H,W], a draw for each image: see transform.h for what an image
// is. A draw is a function of seed, epoch and the image's number, and of the transform: it does not
// depend on the batch that the image is in, and a run that goes on later draws the same.
#ifndef CLGRAD_AUGMENT_H
#define CLGRAD_AUGMENT_H

#include <clgrad/transform.h>

CLG_BEGIN

typedef struct clg_draw_key {
    uint64_t seed;
    int64_t epoch;          // 0 to 2^47
    int64_t first;          // number of the first image, where samples is NULL; others follow
    const int64_t *samples; // numbers of the N images, as clg_image_batch has them; may be NULL
} clg_draw_key;

// Mirrored left to right, or not.
//
// x       number, [N,C,H,W]
// p       probability, 0 to 1
// key     of the draws
// result  type of x
// grad    x: g, mirrored where x was
// errors  CLG_ESHAPE    rank
//         CLG_EINVAL    p
CLG_API clg_tensor clg_image_random_hflip(clg_tensor x, double p, clg_draw_key key);

// Mirrored top to bottom, or not.
//
// x, p, key   as of clg_image_random_hflip
// result  type of x
// grad    x: g, mirrored where x was
// errors  as of clg_image_random_hflip
CLG_API clg_tensor clg_image_random_vflip(clg_tensor x, double p, clg_draw_key key);

// A part of each image, from any place of it. A margin before it: clg_image_pad.
//
// x, key  as of clg_image_random_hflip
// h, w    size of the part, 1 or more, at most that of x
// result  type of x, [N,C,h,w]
// grad    x: g, 0 elsewhere
// errors  CLG_ESHAPE    rank, or sizes
CLG_API clg_tensor clg_image_random_crop(clg_tensor x, int64_t h, int64_t w, clg_draw_key key);

struct clg_random_part {
    size_t size;
    double area_lo, area_hi;   // of the image; 0: 0.08 and 1, for erasing 0.02 and 0.33
    double ratio_lo, ratio_hi; // width by height; 0: 3/4 and 4/3, for erasing 0.3 and 3.3
};
#define clg_random_part(...)                                                                       \
    (&(struct clg_random_part) { .size = sizeof(struct clg_random_part), __VA_ARGS__ })

// A part of each image, of any size and place, as h x w pixels: antialiased bilinear. Its size is
// tried ten times; then it is the largest middle part of a ratio that is allowed.
//
// x, key  as of clg_image_random_hflip
// h, w    size of the result, 1 or more
// p       may be NULL
// result  type of x, [N,C,h,w]; integers are rounded
// grad    x
// errors  CLG_ESHAPE    rank, sizes, an empty image
//         CLG_EINVAL    numbers of p
CLG_API clg_tensor clg_image_random_resized_crop(clg_tensor x, int64_t h, int64_t w,
                                                 const struct clg_random_part *p,
                                                 clg_draw_key key);

// Brightness, contrast, saturation and hue adjusted, in this order: the first three by factors from
// max(0, 1 - v) to 1 + v, the hue by -v to v. What is 0 is left out.
//
// x       an image of 1 or 3 channels, [N,C,H,W]
// brightness, contrast, saturation   v, 0 or more
// hue     v, 0 to 0.5
// key     of the draws
// result  type of x
// grad    x
// errors  CLG_ESHAPE    rank or channels of x
//         CLG_EINVAL    a number
//         CLG_EDTYPE    I32, I64 with a hue
CLG_API clg_tensor clg_image_color_jitter(clg_tensor x, double brightness, double contrast,
                                          double saturation, double hue, clg_draw_key key);

// A rectangle of one color in some of the images; where ten tries find no place, none.
//
// x, key  as of clg_image_random_hflip
// p       probability, 0 to 1
// part    may be NULL
// value   the color
// result  type of x
// grad    x: g, 0 in the rectangle
// errors  CLG_ESHAPE    rank, an empty image
//         CLG_EINVAL    p, or numbers of part
CLG_API clg_tensor clg_image_random_erasing(clg_tensor x, double p,
                                            const struct clg_random_part *part, double value,
                                            clg_draw_key key);

// Each image mixed with the one before it: lambda x + (1 - lambda) roll(x, 1), labels alike. lambda
// is of Beta(alpha, alpha), one for the batch, drawn by its first image's number.
//
// x       floating, [N,C,H,W]
// labels  floating, [N,K] (clg_one_hot); replaced by those of the result
// alpha   above 0
// key     of the draw
// result  type of x
// grad    x
// errors  CLG_ESHAPE    ranks, or another N
//         CLG_EINVAL    alpha; labels is NULL
//         CLG_EDTYPE    one is not floating
CLG_API clg_tensor clg_image_mixup(clg_tensor x, clg_tensor *labels, double alpha,
                                   clg_draw_key key);

// Each image with a rectangle of the one before it, of about 1 - lambda of the area; labels are
// mixed by its share. lambda as of clg_image_mixup.
//
// x       number, [N,C,H,W]
// labels, alpha, key   as of clg_image_mixup
// result  type of x
// grad    x: each image's part
// errors  as of clg_image_mixup
CLG_API clg_tensor clg_image_cutmix(clg_tensor x, clg_tensor *labels, double alpha,
                                    clg_draw_key key);

CLG_END
#endif
