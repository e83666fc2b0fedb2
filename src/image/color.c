// SPDX-License-Identifier: MIT
// Colors pixel by pixel: hue, gamma, levels; and each channel's contrast.
#include "image.h"

#include <math.h>

// ---- hue, by HSV

// A choice by sextants of the circle.
static clg_tensor choose(clg_tensor i, const clg_tensor v[6])
{
    clg_tensor y = v[5];
    for (int k = 4; k >= 0; k--)
        y = clg_where(clg_eq_scalar(i, k), v[k], y);
    return y;
}

static clg_tensor turn_hue(clg_tensor x, clg_tensor turn)
{
    const clg_tensor r = clg_slice(x, -3, 0, 1, 1), g = clg_slice(x, -3, 1, 2, 1), b = clg_slice(x, -3, 2, 3, 1);
    const clg_tensor most = clg_maximum(clg_maximum(r, g), b), least = clg_minimum(clg_minimum(r, g), b);
    const clg_tensor same = clg_eq(most, least), range = clg_sub(most, least), one = clg_scalar(x->dev, x->dtype, 1);
    const clg_tensor s = clg_div(range, clg_where(same, one, most)), d = clg_where(same, one, range);
    const clg_tensor rc = clg_div(clg_sub(most, r), d), gc = clg_div(clg_sub(most, g), d), bc = clg_div(clg_sub(most, b), d);
    clg_tensor h = clg_where(clg_eq(most, r), clg_sub(bc, gc),
                             clg_where(clg_eq(most, g), clg_sub(clg_add_scalar(rc, 2), bc), clg_sub(clg_add_scalar(gc, 4), rc)));
    h = clg_fmod_scalar(clg_add_scalar(clg_mul_scalar(h, 1.0 / 6), 1), 1);
    h = clg_mul_scalar(clg_remainder_scalar(clg_add(h, turn), 1), 6);
    const clg_tensor whole = clg_floor(h), f = clg_sub(h, whole), i = clg_remainder_scalar(whole, 6);
    const clg_tensor sf = clg_mul(s, f), left = clg_scalar_sub(1, s), v = most;
    const clg_tensor q = clg_clamp(clg_mul(clg_scalar_sub(1, sf), v), 0, 1);
    const clg_tensor t = clg_clamp(clg_mul(clg_add(sf, left), v), 0, 1);
    const clg_tensor p = clg_clamp(clg_mul(left, v), 0, 1);
    const clg_tensor rgb[3] = { choose(i, (clg_tensor[]) { v, q, p, p, t, v }), choose(i, (clg_tensor[]) { t, v, v, q, p, p }),
                                choose(i, (clg_tensor[]) { p, p, t, v, v, q }) };
    return clg_concat_n(rgb, 3, -3);
}

// Values of 0 to 1 and back; poison for integers that no floating type holds.
static clg_tensor unit(clg_tensor x)
{
    return clg__image_is_float(x) ? x : clg_image_to_dtype(x, CLG_F32, true);
}

static clg_tensor check_small(const char *op, clg_tensor x)
{
    return clg__image_is_float(x) || clg_dtype_size(x->dtype) <= 2
               ? NULL : clg_poison(x->dev, CLG_EDTYPE, "%s: x is %s, expected a floating type or up to 16 bits", op,
                                   clg_dtype_name(x->dtype));
}

clg_tensor clg__image_turn(const char *op, clg_tensor x, clg_tensor turn)
{
    clg_tensor bad = check_small(op, x);
    if (bad)
        return bad;
    if (clg__image_dim(x, -3) == 1)
        return clg_reshape(x, x->shape);
    return clg_image_to_dtype(turn_hue(unit(x), turn), x->dtype, true);
}

clg_tensor clg_image_adjust_hue(clg_tensor x, double turn)
{
    static const char op[] = "image_adjust_hue";
    clg_tensor bad = clg__image_check_color(op, x);
    if (bad)
        return bad;
    if (!(turn >= -0.5 && turn <= 0.5))
        return clg_poison(x->dev, CLG_EINVAL, "%s: %g is not within -0.5 and 0.5", op, turn);
    return clg__image_turn(op, x, clg_scalar(x->dev, clg__image_is_float(x) ? x->dtype : CLG_F32, turn));
}

clg_tensor clg_image_adjust_gamma(clg_tensor x, double gamma, double gain)
{
    static const char op[] = "image_adjust_gamma";
    clg_tensor bad = clg__image_check(op, x);
    if (!bad)
        bad = check_small(op, x);
    if (bad)
        return bad;
    if (!(gamma >= 0))
        return clg_poison(x->dev, CLG_EINVAL, "%s: gamma is below 0", op);
    clg_tensor y = clg_pow_scalar(unit(x), gamma);
    if (gain != 1)
        y = clg_clamp(clg_mul_scalar(y, gain), 0, 1);
    return clg_image_to_dtype(y, x->dtype, true);
}

// ---- levels

static clg_tensor invert(clg_tensor x)
{
    if (clg__image_is_float(x))
        return clg_scalar_sub(1, x);
    return clg_bitwise_xor(x, clg_scalar(x->dev, x->dtype, clg__image_most(x->dtype)));
}

clg_tensor clg_image_invert(clg_tensor x)
{
    clg_tensor bad = clg__image_check("image_invert", x);
    return bad ? bad : invert(x);
}

clg_tensor clg_image_posterize(clg_tensor x, int bits)
{
    clg_tensor bad = clg__image_check("image_posterize", x);
    if (bad)
        return bad;
    if (bits < 0 || bits > 8)
        return clg_poison(x->dev, CLG_EINVAL, "image_posterize: %d bits, expected 0 to 8", bits);
    const double levels = 1 << bits, all = clg__image_most(x->dtype) + 1;
    if (clg__image_is_float(x))
        return clg_mul_scalar(clg_clamp(clg_floor(clg_mul_scalar(x, levels)), 0, levels - 1), 1 / levels);
    if (levels >= all)
        return clg_reshape(x, x->shape);
    return clg__image_levels(x, clg_scalar(x->dev, x->dtype, all - all / levels));
}

clg_tensor clg__image_levels(clg_tensor x, clg_tensor levels)
{
    if (!clg__image_is_float(x))
        return clg_bitwise_and(x, clg__image_back(levels, x->dtype));
    const clg_tensor level = clg_maximum(clg_floor(clg_mul(x, levels)), clg_scalar(x->dev, x->dtype, 0));
    return clg_div(clg_minimum(level, clg_sub_scalar(levels, 1)), levels); // levels are powers of two
}

clg_tensor clg_image_solarize(clg_tensor x, double threshold)
{
    clg_tensor bad = clg__image_check("image_solarize", x);
    if (bad)
        return bad;
    if (!(threshold <= clg__image_most(x->dtype)))
        return clg_poison(x->dev, CLG_EINVAL, "image_solarize: the threshold %g is above the greatest value", threshold);
    return clg_where(clg_ge_scalar(x, threshold), invert(x), x);
}

clg_tensor clg__image_solarize(clg_tensor x, clg_tensor threshold)
{
    return clg_where(clg_ge(clg__image_work(x), threshold), invert(x), x);
}

clg_tensor clg_image_autocontrast(clg_tensor x)
{
    clg_tensor bad = clg__image_check_color("image_autocontrast", x);
    if (bad)
        return bad;
    if (clg__image_dim(x, -2) < 1 || clg__image_dim(x, -1) < 1)
        return clg_reshape(x, x->shape);
    const clg_tensor work = clg__image_work(x), zero = clg_scalar(x->dev, work->dtype, 0);
    const clg_tensor least = clg_amin(work, CLG_AXES(-2, -1), true), most = clg_amax(work, CLG_AXES(-2, -1), true);
    const clg_tensor same = clg_eq(most, least);
    const clg_tensor step = clg_mul_scalar(clg_sub(most, least), 1 / clg__image_most(x->dtype));
    const clg_tensor y = clg_div(clg_sub(work, clg_where(same, zero, least)),
                                 clg_where(same, clg_scalar(x->dev, work->dtype, 1), step));
    return clg__image_back(clg_clamp(y, 0, clg__image_most(x->dtype)), x->dtype);
}
