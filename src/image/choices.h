// SPDX-License-Identifier: MIT
// Operations of auto_augment.h, one for each image of a batch.
#ifndef CLG_IMAGE_CHOICES_H
#define CLG_IMAGE_CHOICES_H

#include "image.h"

#include <clgrad/auto_augment.h>

typedef struct clg__choice {
    clg_image_op op;
    double magnitude;
} clg__choice;

// Does its magnitude have a sign?
static inline bool clg__image_op_is_signed(clg_image_op op)
{
    return op >= CLG_IMAGE_SHEAR_X && op <= CLG_IMAGE_SHARPNESS;
}

// NULL, or the poison that the call is: of x and the numbers of p, which `q` gets.
clg_tensor clg__choices_check(const char *op, clg_tensor x, const struct clg_image_ops_params *p, struct clg_image_ops_params *q);
// x in the type that choices are applied in: its own, but F32 for F16 and BF16.
clg_tensor clg__choices_begin(clg_tensor x);
// N choices applied to x; all has been checked.
clg_tensor clg__choices_apply(const char *op, clg_tensor x, const clg__choice *c, const struct clg_image_ops_params *p);
#endif
