// SPDX-License-Identifier: MIT
// What the transforms share: what an image is, the type it is computed in, and back.
#ifndef CLG_IMAGE_IMAGE_H
#define CLG_IMAGE_IMAGE_H

#include <clgrad/clgrad.h>

// NULL when x is an image, [...,C,H,W]; else the poison that the call is.
clg_tensor clg__image_check(const char *op, clg_tensor x);
// Also of 1 or 3 channels.
clg_tensor clg__image_check_color(const char *op, clg_tensor x);
int64_t clg__image_dim(clg_tensor x, int axis); // from the end: -1 is W

bool clg__image_is_float(clg_tensor x);
double clg__image_most(clg_dtype t); // white: 1 of floating types
// In the type that it is computed in: its own when floating, else F32.
clg_tensor clg__image_work(clg_tensor x);
// A result of white at most in type t again; integers are cut off.
clg_tensor clg__image_back(clg_tensor y, clg_dtype t);
// The same, rounded first.
clg_tensor clg__image_round_back(clg_tensor y, clg_dtype t);
// Adjusted by one number, or one of each image ([N,1,1,1]).
clg_tensor clg__image_brighten(clg_tensor x, clg_tensor factor);
// rest is 1 - factor, which may have been computed more exactly.
clg_tensor clg__image_contrast(clg_tensor x, clg_tensor factor, clg_tensor rest);
clg_tensor clg__image_saturate(clg_tensor x, clg_tensor factor, clg_tensor rest);
clg_tensor clg__image_sharpen(clg_tensor x, clg_tensor rest);
clg_tensor clg__image_turn(const char *op, clg_tensor x, clg_tensor turn);
// Inverted from a threshold on, one number or one of each image, of the type that x is computed in.
clg_tensor clg__image_solarize(clg_tensor x, clg_tensor threshold);
// Cut off to 2^bits levels, as clg_image_posterize: of integers those bits that `levels` has, else `levels` of them.
clg_tensor clg__image_levels(clg_tensor x, clg_tensor levels);
// What an affine map looks up, around the middle: the pixel (x, y) of the result is m[0] x + m[1] y + m[2], m[3] x + ... of x.
void clg__image_inverse(const struct clg_image_affine_map *a, double cx, double cy, double m[6]);
// Maps of images of type t to places between -1 and 1: the first three numbers over w / 2, the others over h / 2.
void clg__image_rescale(clg_dtype t, double m[6], double w, double h);
// Each image by its map, which has been rescaled: [N,1,1] each.
clg_tensor clg__image_warp_each(const char *op, clg_tensor x, const clg_tensor m[6], const struct clg_image_warp_params *p);
// [N,C,H,W], whatever dimensions are in front; and the other way.
clg_tensor clg__image_batch(clg_tensor x);
clg_tensor clg__image_unbatch(clg_tensor y, clg_tensor like);
// n numbers as a tensor [n,1,1] of type t.
clg_tensor clg__image_channels(clg_device dev, clg_dtype t, const double *v, int n);
#endif
