// SPDX-License-Identifier: MIT
// Transforms of images, as torchvision's transforms.v2 defines them. What ops.h says of all
// operations holds: they are made of those, so gradients pass through what is smooth.
//
// An image is [...,C,H,W]; U8, another integer (0 to its greatest value, but for U32 and U64), or
// floating (0 to 1). Integers are computed in F32 and come back as their type.
#ifndef CLGRAD_TRANSFORM_H
#define CLGRAD_TRANSFORM_H

#include <clgrad/image.h>

CLG_BEGIN

// ---- form and type

// Channels first: [...,H,W,C] as the readers of files give it, to [...,C,H,W]; [H,W] to [1,H,W].
//
// x       any type, rank 2 or more
// result  type of x
// grad    x: moved back
// errors  CLG_ESHAPE    rank
CLG_API clg_tensor clg_image_channels_first(clg_tensor x);

// Another element type.
//
//   scale: integer to floating x / max(type of x), floating to integer trunc(x (max(t) + 0.999)),
//   integers by a shift of bits; else as of clg_cast
//
// x       number (any type but BOOL; of integers no U32, U64 when scaled)
// t       element type
// scale   values too
// result  type t
// grad    x: g scaled, of floating types
// errors  CLG_EDTYPE    types that cannot be scaled: F32 to I32 or I64 and F64 to I64 too
CLG_API clg_tensor clg_image_to_dtype(clg_tensor x, clg_dtype t, bool scale);

// Standardized channels: (x - mean[c]) / deviation[c].
//
// x       floating
// mean, deviation   n numbers each
// n       1, or the channels of x
// result  type of x
// grad    x: g / deviation
// errors  CLG_EDTYPE    x is not floating
//         CLG_ESHAPE    rank, or n
//         CLG_EINVAL    NULL, or a deviation of 0
CLG_API clg_tensor clg_image_normalize(clg_tensor x, const double *mean, const double *deviation,
                                       int n);

// ---- geometry

typedef enum clg_image_filter {
    CLG_IMAGE_BILINEAR,
    CLG_IMAGE_NEAREST,
    CLG_IMAGE_NEAREST_EXACT, // resize alone
    CLG_IMAGE_BICUBIC        // resize alone
} clg_image_filter;

struct clg_image_resize_params {
    size_t size;
    clg_image_filter filter;
    bool no_antialias; // filters of one pixel where the image becomes smaller
    int64_t max_size;  // of the longer side, where size has one number; 0: any
};
#define clg_image_resize_params(...)                                                               \
    (&(struct clg_image_resize_params) { .size = sizeof(struct clg_image_resize_params),           \
                                         __VA_ARGS__ })

// Another size, by clg_interpolate.
//
// x       an image that is not empty
// size    H,W; or one number, that of the shorter side: the longer is cut off to a whole number
// p       may be NULL
// result  type of x; integers are rounded, and cubic ones kept in their range
// grad    x
// errors  CLG_ESHAPE    rank, sizes, an empty image
//         CLG_EINVAL    no such filter; max_size with two numbers, or not above the shorter side
CLG_API clg_tensor clg_image_resize(clg_tensor x, clg_shape size,
                                    const struct clg_image_resize_params *p);

// A part of an image; what lies outside of it is 0.
//
// x       any type
// top, left   of the first pixel, negative too
// h, w    size of the result, 1 or more
// result  type of x
// grad    x: g, 0 elsewhere
// errors  CLG_ESHAPE    rank, or sizes
CLG_API clg_tensor clg_image_crop(clg_tensor x, int64_t top, int64_t left, int64_t h, int64_t w);

// The middle of an image: round((H - h) / 2), half to even. A smaller image gets a margin of 0.
//
// x, h, w as of clg_image_crop
// result  type of x
// grad    x: g, 0 elsewhere
// errors  CLG_ESHAPE    rank, or sizes
CLG_API clg_tensor clg_image_center_crop(clg_tensor x, int64_t h, int64_t w);

// The four corners and the middle: [5,...,C,h,w], top left, top right, bottom left, bottom right.
//
// x, h, w as of clg_image_crop
// result  type of x
// grad    x: g, added up
// errors  CLG_ESHAPE    rank, or sizes above those of x
CLG_API clg_tensor clg_image_five_crop(clg_tensor x, int64_t h, int64_t w);

typedef enum clg_image_margin {
    CLG_IMAGE_CONSTANT,
    CLG_IMAGE_EDGE,     // the outermost pixels
    CLG_IMAGE_REFLECT,  // mirrored, dcb|abcd
    CLG_IMAGE_SYMMETRIC // mirrored with the edge, cba|abcd
} clg_image_margin;

// A margin.
//
// x       any type, with CONSTANT; else a number
// left, top, right, bottom   pixels, 0 or more; less than the image's for REFLECT, at most for
//         SYMMETRIC
// mode    what it consists of
// fill    for CONSTANT
// result  type of x
// grad    x: g, added up
// errors  CLG_ESHAPE    rank
//         CLG_EINVAL    no such mode, or a margin
CLG_API clg_tensor clg_image_pad(clg_tensor x, int64_t left, int64_t top, int64_t right,
                                 int64_t bottom, clg_image_margin mode, double fill);

// Left and right exchanged.
//
// x       any type
// result  type of x
// grad    x: g, mirrored
// errors  CLG_ESHAPE    rank
CLG_API clg_tensor clg_image_hflip(clg_tensor x);

// Top and bottom exchanged.
//
// x       any type
// result  type of x
// grad    x: g, mirrored
// errors  CLG_ESHAPE    rank
CLG_API clg_tensor clg_image_vflip(clg_tensor x);

struct clg_image_warp_params {
    size_t size;
    clg_image_filter filter; // BILINEAR or NEAREST
    const double *fill;      // what lies outside: fills numbers, 1 or one of each channel; NULL: 0,
    int fills;               // without an edge of its own when bilinear
    bool expand;             // rotate: as large as it takes to show all
    const double *center;    // x, y in pixels from the top left; NULL: the middle
};
#define clg_image_warp_params(...)                                                                 \
    (&(struct clg_image_warp_params) { .size = sizeof(struct clg_image_warp_params), __VA_ARGS__ })

// Turned counter-clockwise. By quarters around the middle it moves pixels alone, where the result
// has the room.
//
// x       number
// degrees any finite number
// p       may be NULL
// result  type of x; integers are rounded
// grad    x
// errors  CLG_ESHAPE    rank, an empty image, or fills
//         CLG_EINVAL    no such filter, or a number that is not finite
CLG_API clg_tensor clg_image_rotate(clg_tensor x, double degrees,
                                    const struct clg_image_warp_params *p);

struct clg_image_affine_map {
    double degrees; // turned clockwise
    double translate_x, translate_y; // pixels
    double scale;                    // not 0
    double shear_x, shear_y;         // degrees
};

// Turned, moved, scaled and sheared around the center, in torchvision's order.
//
// x       number
// a       the map
// p       may be NULL; expand is not there
// result  type and shape of x; integers are rounded
// grad    x
// errors  as of clg_image_rotate; CLG_EINVAL also for a scale of 0
CLG_API clg_tensor clg_image_affine(clg_tensor x, struct clg_image_affine_map a,
                                    const struct clg_image_warp_params *p);

// The pixel of x that comes to (u, v), from their centers:
//
//   ((c[0] u + c[1] v + c[2]) / (c[6] u + c[7] v + 1), (c[3] u + c[4] v + c[5]) / (...))
//
// x       number
// c       8 numbers (clg_image_perspective_of)
// p       may be NULL; expand and center are not there
// result  type and shape of x; integers are rounded
// grad    x
// errors  as of clg_image_rotate; CLG_EINVAL also for NULL
CLG_API clg_tensor clg_image_perspective(clg_tensor x, const double *c,
                                         const struct clg_image_warp_params *p);

// The map that brings four points to four others.
//
// c       gets 8 numbers
// from, to   four points each: x, y
// result  CLG_OK
// errors  CLG_EINVAL    NULL, or points of which three lie on a line
// blocks  no
CLG_API clg_status clg_image_perspective_of(double *c, const double from[8], const double to[8]);

// A Gaussian filter, at edges of the image mirrored (REFLECT).
//
// x       number
// kernel_w, kernel_h   odd, less than twice the side
// sigma_x, sigma_y   above 0; 0: 0.15 kernel + 0.35
// result  type and shape of x; integers are rounded
// grad    x
// errors  CLG_ESHAPE    rank
//         CLG_EINVAL    a kernel or a sigma
CLG_API clg_tensor clg_image_gaussian_blur(clg_tensor x, int kernel_w, int kernel_h,
                                           double sigma_x, double sigma_y);

// A rectangle of one color.
//
// x       number
// top, left, h, w   the rectangle; parts outside of the image count for nothing
// value   n numbers
// n       1, or the channels of x
// result  type of x
// grad    x: g, 0 in the rectangle
// errors  CLG_ESHAPE    rank, or n
//         CLG_EINVAL    NULL
CLG_API clg_tensor clg_image_erase(clg_tensor x, int64_t top, int64_t left, int64_t h, int64_t w,
                                   const double *value, int n);

CLG_END
#endif
