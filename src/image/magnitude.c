// SPDX-License-Identifier: MIT
// Magnitudes of the policies' operations.
#include "choices.h"

#include "base/fp.h"

#include <math.h>

// Number `bin` of `bins` from 0 to `most`, in F32, from the nearer end and rounded once, as torch.linspace has it.
static float from_none(double most, int bin, int bins)
{
    const float end = (float) most, step = end / (float) (bins - 1);
    return bin < bins / 2 ? step * (float) bin : (float) ((double) end - (double) step * (bins - 1 - bin));
}

static float to_none(int bin, int bins)
{
    const float step = -1.0f / (float) (bins - 1);
    return bin < bins / 2 ? (float) (1 + (double) step * bin) : (float) (-(double) step * (bins - 1 - bin));
}

// Bits that are left: from `from` down by `lost`.
static double bits(int from, int lost, int bin, int bins)
{
    return (double) rintf((float) from - (float) bin / (float) ((bins - 1) / (double) lost));
}

double clg_image_op_magnitude(clg_image_space space, clg_image_op op, int bin, int bins, int64_t h, int64_t w)
{
    CLG__DEFAULT_FP;
    if ((int) space < CLG_IMAGE_SPACE_AUTO || space > CLG_IMAGE_SPACE_AUGMIX || bins < 2 || bin < 0 || bin >= bins)
        return NAN;
    const bool wide = space == CLG_IMAGE_SPACE_WIDE, mix = space == CLG_IMAGE_SPACE_AUGMIX;
    const double side = (double) (op == CLG_IMAGE_TRANSLATE_X ? w : h);
    switch (op) {
    case CLG_IMAGE_SHEAR_X:
    case CLG_IMAGE_SHEAR_Y:
        return (double) from_none(wide ? 0.99 : 0.3, bin, bins);
    case CLG_IMAGE_TRANSLATE_X:
    case CLG_IMAGE_TRANSLATE_Y:
        return (double) from_none(wide ? 32 : mix ? side / 3 : 150.0 / 331 * side, bin, bins);
    case CLG_IMAGE_ROTATE:
        return (double) from_none(wide ? 135 : 30, bin, bins);
    case CLG_IMAGE_BRIGHTNESS:
    case CLG_IMAGE_COLOR:
    case CLG_IMAGE_CONTRAST:
    case CLG_IMAGE_SHARPNESS:
        return (double) from_none(wide ? 0.99 : 0.9, bin, bins);
    case CLG_IMAGE_POSTERIZE:
        return bits(mix ? 4 : 8, wide ? 6 : 4, bin, bins);
    case CLG_IMAGE_SOLARIZE:
        return (double) to_none(bin, bins);
    case CLG_IMAGE_IDENTITY:
    case CLG_IMAGE_AUTOCONTRAST:
    case CLG_IMAGE_EQUALIZE:
    case CLG_IMAGE_INVERT:
        return 0;
    }
    return NAN;
}
