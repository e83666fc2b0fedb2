// SPDX-License-Identifier: MIT
// Even histograms: a table for each channel of each image, as Pillow makes it.
#include "image.h"

enum { LEVELS = 256 };

clg_tensor clg_image_equalize(clg_tensor x)
{
    static const char op[] = "image_equalize";
    clg_tensor bad = clg__image_check(op, x);
    if (bad)
        return bad;
    if (!clg__image_is_float(x) && clg_dtype_size(x->dtype) > 2)
        return clg_poison(x->dev, CLG_EDTYPE, "%s: x is %s, expected a floating type or up to 16 bits", op,
                          clg_dtype_name(x->dtype));
    const int64_t pixels = clg__image_dim(x, -2) * clg__image_dim(x, -1);
    const int64_t rows = pixels ? clg_numel(x->shape) / pixels : 0;
    if (rows == 0)
        return clg_reshape(x, x->shape);
    const clg_tensor bytes = clg_image_to_dtype(x, CLG_U8, true);
    const clg_tensor at = clg_cast(clg_reshape(bytes, CLG_SHAPE(rows, pixels)), CLG_I64);
    const clg_tensor counts = clg_scatter_add(clg_zeros(x->dev, CLG_I32, CLG_SHAPE(rows, LEVELS)), 1, at,
                                              clg_ones(x->dev, CLG_I32, CLG_SHAPE(rows, pixels)));
    const clg_tensor up_to = clg_cast(clg_cumsum(counts, 1), CLG_I32);
    // the brightest level that occurs is left out
    const clg_tensor last = clg_unsqueeze(clg_argmax(up_to, CLG_AXES(1), false), 1);
    const clg_tensor others = clg_sub(clg_full(x->dev, CLG_I32, CLG_SHAPE(rows, 1), (double) pixels),
                                      clg_gather(counts, 1, last));
    const clg_tensor step = clg_floor_divide(others, clg_scalar(x->dev, CLG_I32, LEVELS - 1));
    const clg_tensor half = clg_floor_divide(step, clg_scalar(x->dev, CLG_I32, 2));
    const clg_tensor safe = clg_maximum(step, clg_scalar(x->dev, CLG_I32, 1));
    const clg_tensor higher = clg_clamp(clg_floor_divide(clg_add(clg_slice(up_to, 1, 0, LEVELS - 1, 1), half), safe), 0,
                                        LEVELS - 1);
    const clg_tensor table = clg_pad(higher, CLG_SHAPE(0, 1), CLG_SHAPE(0, 0), 0);
    const clg_tensor even = clg_where(clg_eq_scalar(step, 0), clg_cast(at, CLG_I32), clg_gather(table, 1, at));
    return clg_image_to_dtype(clg_reshape(clg_cast(even, CLG_U8), x->shape), x->dtype, true);
}
