// SPDX-License-Identifier: MIT
// Colors of images, as torchvision's transforms.v2 defines them; see transform.h for what an image
// is. Results stay between 0 and the greatest value, 1 of floating types.
#ifndef CLGRAD_COLOR_H
#define CLGRAD_COLOR_H

#include <clgrad/ops.h>

CLG_BEGIN

// 0.2989 R + 0.587 G + 0.114 B, of integers cut off.
//
// x       an image of 1 or 3 channels
// channels   of the result, which are equal: 1 or 3
// result  type of x
// grad    x
// errors  CLG_ESHAPE    rank or channels of x
//         CLG_EINVAL    channels
CLG_API clg_tensor clg_image_grayscale(clg_tensor x, int channels);

// Brighter or darker: x times the factor.
//
// x       an image of 1 or 3 channels
// factor  0 or more; 1 changes nothing
// result  type of x
// grad    x
// errors  CLG_ESHAPE    rank or channels of x
//         CLG_EINVAL    factor
CLG_API clg_tensor clg_image_adjust_brightness(clg_tensor x, double factor);

// Blended with the mean gray of each image: factor x + (1 - factor) mean.
//
// x, factor   as of clg_image_adjust_brightness
// result  type of x
// grad    x
// errors  as of clg_image_adjust_brightness
CLG_API clg_tensor clg_image_adjust_contrast(clg_tensor x, double factor);

// Blended with its gray: factor x + (1 - factor) gray. One channel stays as it is.
//
// x, factor   as of clg_image_adjust_brightness
// result  type of x
// grad    x
// errors  as of clg_image_adjust_brightness
CLG_API clg_tensor clg_image_adjust_saturation(clg_tensor x, double factor);

// The hue turned, by HSV. One channel stays as it is.
//
// x       an image of 1 or 3 channels
// turn    -0.5 to 0.5, of a full circle
// result  type of x
// grad    x
// errors  CLG_ESHAPE    rank or channels of x
//         CLG_EINVAL    turn
//         CLG_EDTYPE    I32, I64
CLG_API clg_tensor clg_image_adjust_hue(clg_tensor x, double turn);

// Blended with a blur of 3 x 3 (5/13 in the middle, 1/13 around it), edges as they are: factor x +
// (1 - factor) blur. Images of two rows or columns stay as they are.
//
// x, factor   as of clg_image_adjust_brightness
// result  type of x
// grad    x
// errors  as of clg_image_adjust_brightness
CLG_API clg_tensor clg_image_adjust_sharpness(clg_tensor x, double factor);

// Gamma correction: gain x^gamma, of integers in 0 to 1.
//
// x       number
// gamma   0 or more
// gain    1 changes nothing
// result  type of x
// grad    x
// errors  CLG_ESHAPE    rank
//         CLG_EINVAL    gamma
//         CLG_EDTYPE    I32, I64
CLG_API clg_tensor clg_image_adjust_gamma(clg_tensor x, double gamma, double gain);

// The greatest value less x.
//
// x       number
// result  type of x
// grad    x
// errors  CLG_ESHAPE    rank
CLG_API clg_tensor clg_image_invert(clg_tensor x);

// The upper bits of integers; floating x cut off to 2^bits levels.
//
// x       number
// bits    0 to 8
// result  type of x
// grad    none
// errors  CLG_ESHAPE    rank
//         CLG_EINVAL    bits
CLG_API clg_tensor clg_image_posterize(clg_tensor x, int bits);

// What is not below the threshold, inverted.
//
// x       number
// threshold   at most the greatest value
// result  type of x
// grad    x
// errors  CLG_ESHAPE    rank
//         CLG_EINVAL    threshold
CLG_API clg_tensor clg_image_solarize(clg_tensor x, double threshold);

// Each channel of each image from its least value to its greatest; one of equal pixels stays.
//
// x       an image of 1 or 3 channels
// result  type of x
// grad    x
// errors  CLG_ESHAPE    rank or channels
CLG_API clg_tensor clg_image_autocontrast(clg_tensor x);

// Each channel of each image by a table that makes its histogram even, as Pillow has it.
//
// x       number; other types than U8 by way of U8
// result  type of x
// grad    none
// errors  CLG_ESHAPE    rank
//         CLG_EDTYPE    I32, I64
CLG_API clg_tensor clg_image_equalize(clg_tensor x);

CLG_END
#endif
