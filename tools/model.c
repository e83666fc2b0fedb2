// SPDX-License-Identifier: MIT
// From pixels to logits.
#include "model.h"

clg_tensor model_logits(const model_form *f, clg_store s, clg_tensor pixels)
{
    clg_tensor x = clg_cast(pixels, CLG_F32);
    if (f->channels == 1) { // two numbers in place of two tensors
        x = clg_mul_scalar(x, 1 / (255 * f->deviation[0]));
        x = clg_sub_scalar(x, f->mean[0] / f->deviation[0]);
    } else {
        x = clg_image_normalize(clg_mul_scalar(x, 1 / 255.0), f->mean, f->deviation, f->channels);
    }
    return f->net->logits(s, x, f->classes);
}
