// SPDX-License-Identifier: MIT
// Form and type of images.
#include "image.h"

enum { MOST_CHANNELS = 4096 };

clg_tensor clg__image_check(const char *op, clg_tensor x)
{
    clg_tensor bad = clg_check_inputs(op, "x", &x, 1);
    if (bad)
        return bad;
    if (x->shape.rank < 3)
        return clg_poison(x->dev, CLG_ESHAPE, "%s: x has rank %d, an image is [...,C,H,W]", op, x->shape.rank);
    if (x->dtype == CLG_BOOL)
        return clg_poison(x->dev, CLG_EDTYPE, "%s: x is bool, expected numbers", op);
    return NULL;
}

clg_tensor clg__image_check_color(const char *op, clg_tensor x)
{
    clg_tensor bad = clg__image_check(op, x);
    if (bad)
        return bad;
    const int64_t c = clg__image_dim(x, -3);
    return c == 1 || c == 3 ? NULL : clg_poison(x->dev, CLG_ESHAPE, "%s: x has %lld channels, expected 1 or 3", op,
                                                (long long) c);
}

int64_t clg__image_dim(clg_tensor x, int axis)
{
    return x->shape.dim[x->shape.rank + axis];
}

bool clg__image_is_float(clg_tensor x)
{
    return clg_dtype_get_info(x->dtype)->kind == CLG_KIND_FLOAT;
}

// Bits that hold a value: without the sign.
static int bits_of(clg_dtype t)
{
    return 8 * (int) clg_dtype_size(t) - (clg_dtype_get_info(t)->kind == CLG_KIND_INT);
}

double clg__image_most(clg_dtype t)
{
    if (clg_dtype_get_info(t)->kind == CLG_KIND_FLOAT)
        return 1;
    double most = 1;
    for (int i = 0; i < bits_of(t); i++)
        most *= 2;
    return most - 1;
}

clg_tensor clg__image_work(clg_tensor x)
{
    return clg__image_is_float(x) ? x : clg_cast(x, CLG_F32);
}

clg_tensor clg__image_back(clg_tensor y, clg_dtype t)
{
    return y->status < 0 || y->dtype == t ? y : clg_cast(y, t);
}

clg_tensor clg__image_round_back(clg_tensor y, clg_dtype t)
{
    return y->status < 0 || y->dtype == t ? y : clg_cast(clg_round(y), t);
}

clg_tensor clg__image_batch(clg_tensor x)
{
    int64_t n = 1;
    for (int d = 0; d < x->shape.rank - 3; d++)
        n *= x->shape.dim[d];
    return clg_reshape(x, CLG_SHAPE(n, clg__image_dim(x, -3), clg__image_dim(x, -2), clg__image_dim(x, -1)));
}

clg_tensor clg__image_unbatch(clg_tensor y, clg_tensor like)
{
    if (y->status < 0)
        return y;
    clg_shape s = like->shape;
    for (int d = 1; d <= 3; d++)
        s.dim[s.rank - d] = y->shape.dim[y->shape.rank - d];
    return clg_reshape(y, s);
}

clg_tensor clg__image_channels(clg_device dev, clg_dtype t, const double *v, int n)
{
    float few[MOST_CHANNELS];
    if (n < 1 || n > MOST_CHANNELS)
        return clg_poison(dev, CLG_ESHAPE, "image: %d numbers for channels, at most %d", n, MOST_CHANNELS);
    if (t == CLG_F64)
        return clg_upload(dev, t, CLG_SHAPE(n, 1, 1), v);
    for (int i = 0; i < n; i++)
        few[i] = (float) v[i];
    return clg__image_back(clg_upload(dev, CLG_F32, CLG_SHAPE(n, 1, 1), few), t);
}

clg_tensor clg_image_channels_first(clg_tensor x)
{
    clg_tensor bad = clg_check_inputs("image_channels_first", "x", &x, 1);
    if (bad)
        return bad;
    if (x->shape.rank < 2)
        return clg_poison(x->dev, CLG_ESHAPE, "image_channels_first: x has rank %d, expected [H,W] or [...,H,W,C]",
                          x->shape.rank);
    if (x->shape.rank == 2)
        return clg_unsqueeze(x, 0);
    clg_shape order = { .rank = x->shape.rank };
    for (int d = 0; d < order.rank; d++)
        order.dim[d] = d;
    order.dim[order.rank - 3] = order.rank - 1;
    order.dim[order.rank - 2] = order.rank - 3;
    order.dim[order.rank - 1] = order.rank - 2;
    return clg_permute(x, order);
}

static bool can_scale(clg_dtype from, clg_dtype to)
{
    const clg_kind a = clg_dtype_get_info(from)->kind, b = clg_dtype_get_info(to)->kind;
    if (a == CLG_KIND_BOOL || b == CLG_KIND_BOOL || from == CLG_U32 || to == CLG_U32 || from == CLG_U64 || to == CLG_U64)
        return false;
    return a != CLG_KIND_FLOAT || b == CLG_KIND_FLOAT || bits_of(to) <= (from == CLG_F64 ? 31 : 16);
}

clg_tensor clg_image_to_dtype(clg_tensor x, clg_dtype t, bool scale)
{
    clg_tensor bad = clg_check_inputs("image_to_dtype", "x", &x, 1);
    if (bad)
        return bad;
    if (x->dtype == t || !scale)
        return clg_cast(x, t);
    if (!clg_dtype_get_info(t) || !can_scale(x->dtype, t))
        return clg_poison(x->dev, CLG_EDTYPE, "image_to_dtype: %s cannot be scaled to %s", clg_dtype_name(x->dtype),
                          clg_dtype_name(t));
    const bool to_float = clg_dtype_get_info(t)->kind == CLG_KIND_FLOAT;
    if (clg__image_is_float(x))
        return to_float ? clg_cast(x, t) : clg_cast(clg_mul_scalar(x, clg__image_most(t) + 1 - 1e-3), t);
    if (to_float)
        return clg_mul_scalar(clg_cast(x, t), 1 / clg__image_most(x->dtype));
    const int shift = bits_of(t) - bits_of(x->dtype);
    if (shift < 0)
        return clg_cast(clg_right_shift(x, clg_scalar(x->dev, x->dtype, -shift)), t);
    return clg_left_shift(clg_cast(x, t), clg_scalar(x->dev, t, shift));
}

clg_tensor clg_image_normalize(clg_tensor x, const double *mean, const double *deviation, int n)
{
    static const char op[] = "image_normalize";
    clg_tensor bad = clg__image_check(op, x);
    if (bad)
        return bad;
    if (!clg__image_is_float(x))
        return clg_poison(x->dev, CLG_EDTYPE, "%s: x is %s, expected a floating type", op, clg_dtype_name(x->dtype));
    if (!mean || !deviation)
        return clg_poison(x->dev, CLG_EINVAL, "%s: mean or deviation is NULL", op);
    if (n != 1 && n != clg__image_dim(x, -3))
        return clg_poison(x->dev, CLG_ESHAPE, "%s: %d numbers, expected 1 or the %lld channels", op, n,
                          (long long) clg__image_dim(x, -3));
    for (int i = 0; i < n; i++) {
        if (deviation[i] == 0)
            return clg_poison(x->dev, CLG_EINVAL, "%s: deviation %d is 0", op, i);
    }
    return clg_div(clg_sub(x, clg__image_channels(x->dev, x->dtype, mean, n)),
                   clg__image_channels(x->dev, x->dtype, deviation, n));
}
