// SPDX-License-Identifier: MIT
// Policies of augmentation, as torchvision's transforms.v2 has them: each image of a batch
// [N,C,H,W] gets operations of a list, of which it draws its own (see augment.h for draws). What
// was drawn is numbers in tensors: the same kernels run, whatever it is.
//
// Integers up to 16 bits and floating images, of 1 or 3 channels; F16 and BF16 are computed in F32.
// Gradients pass through what is smooth.
#ifndef CLGRAD_AUTO_AUGMENT_H
#define CLGRAD_AUTO_AUGMENT_H

#include <clgrad/augment.h>

CLG_BEGIN

// An operation and what its magnitude m is. Those up to SHARPNESS go both ways.
typedef enum clg_image_op {
    CLG_IMAGE_IDENTITY,
    CLG_IMAGE_SHEAR_X,      // tangent of the angle, around the top left corner
    CLG_IMAGE_SHEAR_Y,
    CLG_IMAGE_TRANSLATE_X,  // pixels, cut off to a whole number
    CLG_IMAGE_TRANSLATE_Y,
    CLG_IMAGE_ROTATE,       // degrees
    CLG_IMAGE_BRIGHTNESS,   // the factor is 1 + m, from here on to SHARPNESS
    CLG_IMAGE_COLOR,        // saturation
    CLG_IMAGE_CONTRAST,
    CLG_IMAGE_SHARPNESS,
    CLG_IMAGE_POSTERIZE,    // bits, cut off to a whole number
    CLG_IMAGE_SOLARIZE,     // the threshold is m times the greatest value
    CLG_IMAGE_AUTOCONTRAST, // none from here on
    CLG_IMAGE_EQUALIZE,
    CLG_IMAGE_INVERT
} clg_image_op;

typedef enum clg_image_space { // how far magnitudes go
    CLG_IMAGE_SPACE_AUTO,      // of AutoAugment and RandAugment
    CLG_IMAGE_SPACE_WIDE,      // of TrivialAugmentWide
    CLG_IMAGE_SPACE_AUGMIX
} clg_image_space;

// A magnitude as the policies have it: number `bin` of `bins` from none to the most, in F32.
//
// space   how far they go
// op      the operation
// bin     0 to bins - 1
// bins    2 or more
// h, w    of the image, for what is moved
// result  the magnitude; 0 where the operation has none
// errors  NAN for what is not there
// blocks  no
CLG_API double clg_image_op_magnitude(clg_image_space space, clg_image_op op, int bin, int bins,
                                      int64_t h, int64_t w);

struct clg_image_ops_params {
    size_t size;
    bool bilinear;      // where images are turned, sheared or moved; else the nearest pixel
    const double *fill; // what lies outside: fills numbers, 1 or one of each channel; NULL: 0,
    int fills;          // without an edge of its own when bilinear
};
#define clg_image_ops_params(...)                                                                  \
    (&(struct clg_image_ops_params) { .size = sizeof(struct clg_image_ops_params), __VA_ARGS__ })

// An operation of its own for each image, all in one pass.
//
// x       an image of 1 or 3 channels, [N,C,H,W]; no 32- or 64-bit integers
// ops, magnitudes   N each
// p       may be NULL
// result  type of x
// grad    x
// errors  CLG_ESHAPE    rank or channels of x, an empty image, or fills
//         CLG_EINVAL    NULL; no such operation, or a magnitude that it does not take
//         CLG_EDTYPE    an integer of 32 or 64 bits
CLG_API clg_tensor clg_image_apply_ops(clg_tensor x, const clg_image_op *ops,
                                       const double *magnitudes,
                                       const struct clg_image_ops_params *p);

// RandAugment: some operations one after the other, IDENTITY to EQUALIZE, of one magnitude. The
// paper's numbers are 2, 9 and 31.
//
// x       as of clg_image_apply_ops
// num_ops how many, 0 to 64
// magnitude   its number, 0 to num_magnitude_bins - 1
// num_magnitude_bins   2 or more
// p       may be NULL
// key     of the draws
// result  type of x
// grad    x
// errors  as of clg_image_apply_ops; CLG_EINVAL for the numbers
CLG_API clg_tensor clg_image_rand_augment(clg_tensor x, int num_ops, int magnitude,
                                          int num_magnitude_bins,
                                          const struct clg_image_ops_params *p, clg_draw_key key);

// TrivialAugmentWide: one operation, IDENTITY to EQUALIZE, of any magnitude. The paper's number of
// magnitudes is 31.
//
// x, p, key   as of clg_image_rand_augment
// num_magnitude_bins   2 or more
// result  type of x
// grad    x
// errors  as of clg_image_rand_augment
CLG_API clg_tensor clg_image_trivial_augment(clg_tensor x, int num_magnitude_bins,
                                             const struct clg_image_ops_params *p,
                                             clg_draw_key key);

typedef enum clg_image_policy {
    CLG_IMAGE_POLICY_IMAGENET,
    CLG_IMAGE_POLICY_CIFAR10,
    CLG_IMAGE_POLICY_SVHN
} clg_image_policy;

// AutoAugment: one of the 25 pairs of operations that were learned on a data set, each with its
// probability and magnitude.
//
// x, p, key   as of clg_image_rand_augment
// policy  whose
// result  type of x
// grad    x
// errors  as of clg_image_rand_augment; CLG_EINVAL also for a policy
CLG_API clg_tensor clg_image_auto_augment(clg_tensor x, clg_image_policy policy,
                                          const struct clg_image_ops_params *p, clg_draw_key key);

struct clg_image_augmix_params {
    size_t size;
    int severity;       // 1 to 10, of magnitudes; 0: 3
    int mixture_width;  // chains, up to 16; 0: 3
    int chain_depth;    // operations of each, up to 16; 0: drawn, 1 to 3
    double alpha;       // of Beta and Dirichlet; 0: 1
    bool partial_ops;   // without BRIGHTNESS to SHARPNESS
    bool nearest;       // the nearest pixel; else bilinear
    const double *fill; // as of clg_image_ops_params
    int fills;
};
#define clg_image_augmix_params(...)                                                               \
    (&(struct clg_image_augmix_params) { .size = sizeof(struct clg_image_augmix_params),           \
                                         __VA_ARGS__ })

// AugMix: b x + (1 - b) (w0 chain0(x) + w1 chain1(x) + ...), b of Beta(alpha, alpha) and w of
// Dirichlet(alpha, ...), each image's own; a chain is operations one after the other.
//
// x, key  as of clg_image_rand_augment
// p       may be NULL
// result  type of x; integers are cut off
// grad    x
// errors  as of clg_image_rand_augment
CLG_API clg_tensor clg_image_augmix(clg_tensor x, const struct clg_image_augmix_params *p,
                                    clg_draw_key key);

CLG_END
#endif
