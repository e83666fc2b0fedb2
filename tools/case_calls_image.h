// SPDX-License-Identifier: MIT
// Calls of transform.h, color.h, augment.h and auto_augment.h, as case_calls.c has them: what `clgrad bench` times. With a number each: what
// takes tensors alone is a case of any shape.
#ifndef CLG_TOOLS_CASE_CALLS_IMAGE_H
#define CLG_TOOLS_CASE_CALLS_IMAGE_H

static const struct clg_image_affine_map image_map = { 12, 3, -2, 1.25, 7, -3 };
static const double image_view[8] = { 1.1, 0.05, -4, -0.04, 1.06, -3, 1e-4, 2e-4 };
static const clg_draw_key image_key = { .seed = 1 };

#define IMAGE_CALLS(M)                                                                             \
    M(image_resize, "tsn", clg_image_resize(T(0), S(1), clg_image_resize_params(.filter = (clg_image_filter) I(2)))) \
    M(image_rotate, "tn", clg_image_rotate(T(0), N(1), NULL))                                      \
    M(image_affine, "tn", clg_image_affine(T(0), image_map,                                        \
                                           clg_image_warp_params(.filter = (clg_image_filter) I(1)))) \
    M(image_perspective, "tn", clg_image_perspective(T(0), image_view,                             \
                                                     clg_image_warp_params(.filter = (clg_image_filter) I(1)))) \
    M(image_blur, "tn", clg_image_gaussian_blur(T(0), I(1), I(1), 0, 0))                           \
    M(image_saturation, "tn", clg_image_adjust_saturation(T(0), N(1)))                             \
    M(image_contrast, "tn", clg_image_adjust_contrast(T(0), N(1)))                                 \
    M(image_hue, "tn", clg_image_adjust_hue(T(0), N(1)))                                           \
    M(image_sharpness, "tn", clg_image_adjust_sharpness(T(0), N(1)))                               \
    M(image_histogram, "tn", I(1) ? clg_image_equalize(T(0)) : clg_image_autocontrast(T(0)))       \
    M(image_jitter, "tn", clg_image_color_jitter(T(0), N(1), N(1), N(1), 0.1, image_key))          \
    M(image_resized_crop, "tn", clg_image_random_resized_crop(T(0), L(1), L(1), NULL, image_key))  \
    M(image_rand_augment, "tn", clg_image_rand_augment(T(0), 2, I(1), 31, NULL, image_key))        \
    M(image_trivial_augment, "tn", clg_image_trivial_augment(T(0), I(1), NULL, image_key))         \
    M(image_auto_augment, "tn", clg_image_auto_augment(T(0), (clg_image_policy) I(1), NULL, image_key)) \
    M(image_augmix, "tn", clg_image_augmix(T(0), clg_image_augmix_params(.severity = I(1)), image_key))

#endif
