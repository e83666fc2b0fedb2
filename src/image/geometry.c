// SPDX-License-Identifier: MIT
// Sizes, crops, margins and mirrors: what moves pixels.
#include "image.h"

#include <stdlib.h>

static clg_tensor part(clg_tensor x, int axis, int64_t from, int64_t n)
{
    return clg_slice(x, axis, from, from + n, 1);
}

// ---- sizes

static const char *target_size(const clg_shape *size, const struct clg_image_resize_params *p, int64_t h, int64_t w,
                               int64_t *oh, int64_t *ow)
{
    if (size->rank != 1 && size->rank != 2)
        return "size has one number or two";
    if (size->dim[0] < 1 || size->dim[size->rank - 1] < 1)
        return "size is below 1";
    if (size->rank == 2) {
        *oh = size->dim[0];
        *ow = size->dim[1];
        return p->max_size ? "max_size is for one number" : NULL;
    }
    if (size->dim[0] > INT32_MAX || p->max_size > INT32_MAX)
        return "size or max_size is beyond 2147483647";
    const int64_t shorter = h < w ? h : w, longer = h < w ? w : h;
    int64_t s = size->dim[0], l = (int64_t) ((double) (s * longer) / (double) shorter);
    if (p->max_size && p->max_size <= s)
        return "max_size is not above the shorter side";
    if (p->max_size && l > p->max_size) {
        s = (int64_t) ((double) (p->max_size * s) / (double) l);
        l = p->max_size;
    }
    *oh = h < w ? s : l;
    *ow = h < w ? l : s;
    return s < 1 ? "the shorter side has no pixel left" : NULL;
}

clg_tensor clg_image_resize(clg_tensor x, clg_shape size, const struct clg_image_resize_params *p)
{
    static const char op[] = "image_resize";
    static const clg_interpolate_mode modes[] = { CLG_INTERPOLATE_LINEAR, CLG_INTERPOLATE_NEAREST,
                                                  CLG_INTERPOLATE_NEAREST_EXACT, CLG_INTERPOLATE_CUBIC };
    struct clg_image_resize_params q;
    int64_t h, w;
    clg_tensor bad = clg__image_check(op, x);
    if (bad)
        return bad;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    if (!wrong && ((int) q.filter < 0 || q.filter > CLG_IMAGE_BICUBIC))
        wrong = "there is no such filter";
    if (wrong)
        return clg_poison(x->dev, CLG_EINVAL, "%s: %s", op, wrong);
    if (clg__image_dim(x, -2) < 1 || clg__image_dim(x, -1) < 1)
        return clg_poison(x->dev, CLG_ESHAPE, "%s: the image is empty", op);
    wrong = target_size(&size, &q, clg__image_dim(x, -2), clg__image_dim(x, -1), &h, &w);
    if (wrong)
        return clg_poison(x->dev, q.max_size ? CLG_EINVAL : CLG_ESHAPE, "%s: %s", op, wrong);
    if (h == clg__image_dim(x, -2) && w == clg__image_dim(x, -1))
        return clg_reshape(x, x->shape);
    const bool smooth = q.filter == CLG_IMAGE_BILINEAR || q.filter == CLG_IMAGE_BICUBIC;
    const struct clg_interpolate_params *const how =
        clg_interpolate_params(.mode = modes[q.filter], .antialias = smooth && !q.no_antialias);
    // bytes as such; of other integers cubic results are kept in their range
    clg_tensor y = clg_interpolate(clg__image_batch(x->dtype == CLG_U8 ? x : clg__image_work(x)), CLG_SHAPE(h, w), how);
    if (q.filter == CLG_IMAGE_BICUBIC && !clg__image_is_float(x) && x->dtype != CLG_U8)
        y = clg_clamp(y, 0, clg__image_most(x->dtype));
    return clg__image_unbatch(clg__image_round_back(y, x->dtype), x);
}

// ---- crops

static clg_tensor zeros_beside(clg_tensor x, int64_t top, int64_t left, int64_t bottom, int64_t right)
{
    clg_shape before = { .rank = x->shape.rank }, after = before;
    before.dim[before.rank - 2] = top;
    before.dim[before.rank - 1] = left;
    after.dim[before.rank - 2] = bottom;
    after.dim[before.rank - 1] = right;
    return top || left || bottom || right ? clg_pad(x, before, after, 0) : x;
}

static int64_t inside(int64_t v, int64_t most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

// inside(from + n, most), also where no int64_t holds the sum
static int64_t end_inside(int64_t from, int64_t n, int64_t most)
{
    return n > 0 && from > INT64_MAX - n ? most : n < 0 && from < INT64_MIN - n ? 0 : inside(from + n, most);
}

static clg_tensor crop(const char *op, clg_tensor x, int64_t top, int64_t left, int64_t h, int64_t w)
{
    const int64_t far = INT64_MAX / 4;
    if (h < 1 || w < 1 || h > far || w > far || top < -far || top > far || left < -far || left > far)
        return clg_poison(x->dev, CLG_ESHAPE, "%s: a part of %lld x %lld pixels", op, (long long) h, (long long) w);
    const int64_t H = clg__image_dim(x, -2), W = clg__image_dim(x, -1);
    const int64_t y0 = inside(top, H), y1 = inside(top + h, H), x0 = inside(left, W), x1 = inside(left + w, W);
    if (y0 == y1 || x0 == x1) {
        clg_shape s = x->shape;
        s.dim[s.rank - 2] = h;
        s.dim[s.rank - 1] = w;
        return clg_zeros(x->dev, x->dtype, s);
    }
    return zeros_beside(part(part(x, -2, y0, y1 - y0), -1, x0, x1 - x0), y0 - top, x0 - left, top + h - y1,
                        left + w - x1);
}

clg_tensor clg_image_crop(clg_tensor x, int64_t top, int64_t left, int64_t h, int64_t w)
{
    clg_tensor bad = clg__image_check("image_crop", x);
    return bad ? bad : crop("image_crop", x, top, left, h, w);
}

// round(d / 2), half to even
static int64_t half_even(int64_t d)
{
    const int64_t q = d / 2;
    return d % 2 == 0 ? q : q + q % 2;
}

static clg_tensor center(const char *op, clg_tensor x, int64_t h, int64_t w)
{
    const int64_t H = clg__image_dim(x, -2), W = clg__image_dim(x, -1);
    if (h < 1 || w < 1) // before it is taken from anything
        return crop(op, x, 0, 0, h, w);
    return crop(op, x, h > H ? -((h - H) / 2) : half_even(H - h), w > W ? -((w - W) / 2) : half_even(W - w), h, w);
}

clg_tensor clg_image_center_crop(clg_tensor x, int64_t h, int64_t w)
{
    clg_tensor bad = clg__image_check("image_center_crop", x);
    return bad ? bad : center("image_center_crop", x, h, w);
}

clg_tensor clg_image_five_crop(clg_tensor x, int64_t h, int64_t w)
{
    static const char op[] = "image_five_crop";
    clg_tensor bad = clg__image_check(op, x);
    if (bad)
        return bad;
    const int64_t H = clg__image_dim(x, -2), W = clg__image_dim(x, -1);
    if (h < 1 || w < 1 || h > H || w > W)
        return clg_poison(x->dev, CLG_ESHAPE, "%s: %lld x %lld of an image of %lld x %lld", op, (long long) h,
                          (long long) w, (long long) H, (long long) W);
    const clg_tensor five[5] = { crop(op, x, 0, 0, h, w), crop(op, x, 0, W - w, h, w), crop(op, x, H - h, 0, h, w),
                                 crop(op, x, H - h, W - w, h, w), center(op, x, h, w) };
    return clg_stack_n(five, 5, 0);
}

// ---- margins

// Which pixel a margin shows.
static int64_t mirror(int64_t i, int64_t n, bool with_edge)
{
    if (i < 0)
        return -i - with_edge;
    return i < n ? i : 2 * n - 2 - i + with_edge;
}

static clg_tensor margin(clg_tensor x, int axis, int64_t before, int64_t after, clg_image_margin mode)
{
    const int64_t n = clg__image_dim(x, axis), all = before + n + after;
    if (before == 0 && after == 0)
        return x;
    int32_t *index = malloc((size_t) all * sizeof *index);
    if (!index)
        return clg_poison(x->dev, CLG_ENOMEM, "image_pad: out of host memory");
    for (int64_t i = 0; i < all; i++)
        index[i] = (int32_t) (mode == CLG_IMAGE_EDGE ? inside(i - before, n - 1)
                                                     : mirror(i - before, n, mode == CLG_IMAGE_SYMMETRIC));
    const clg_tensor y = clg_index_select(x, axis, clg_upload(x->dev, CLG_I32, CLG_SHAPE(all), index));
    free(index);
    return y;
}

clg_tensor clg_image_pad(clg_tensor x, int64_t left, int64_t top, int64_t right, int64_t bottom, clg_image_margin mode,
                         double fill)
{
    static const char op[] = "image_pad";
    clg_tensor bad = clg__image_check(op, x);
    if (bad)
        return bad;
    const int64_t H = clg__image_dim(x, -2), W = clg__image_dim(x, -1), most = INT32_MAX / 4;
    if ((int) mode < CLG_IMAGE_CONSTANT || mode > CLG_IMAGE_SYMMETRIC)
        return clg_poison(x->dev, CLG_EINVAL, "%s: there is no such mode", op);
    const int64_t a[4] = { left, top, right, bottom };
    for (int i = 0; i < 4; i++) {
        const int64_t n = i % 2 ? H : W;
        const bool wrong = (mode == CLG_IMAGE_REFLECT && a[i] && a[i] >= n) ||
                           (mode == CLG_IMAGE_SYMMETRIC && a[i] > n) || (mode == CLG_IMAGE_EDGE && a[i] && n == 0);
        if (a[i] < 0 || a[i] > most || (mode != CLG_IMAGE_CONSTANT && n > most) || wrong)
            return clg_poison(x->dev, CLG_EINVAL, "%s: a margin of %lld at a side of %lld pixels", op, (long long) a[i],
                              (long long) n);
    }
    const bool any = (left || top || right || bottom) && clg_numel(x->shape) > 0;
    if (any && mode == CLG_IMAGE_EDGE)
        return clg_pad_replicate(x, CLG_SHAPE(top, left), CLG_SHAPE(bottom, right));
    if (any && mode == CLG_IMAGE_REFLECT)
        return clg_pad_reflect(x, CLG_SHAPE(top, left), CLG_SHAPE(bottom, right));
    if (mode != CLG_IMAGE_CONSTANT)
        return margin(margin(x, -2, top, bottom, mode), -1, left, right, mode);
    clg_shape before = { .rank = x->shape.rank }, after = before;
    before.dim[before.rank - 2] = top;
    before.dim[before.rank - 1] = left;
    after.dim[before.rank - 2] = bottom;
    after.dim[before.rank - 1] = right;
    return clg_pad(x, before, after, fill);
}

clg_tensor clg_image_hflip(clg_tensor x)
{
    clg_tensor bad = clg__image_check("image_hflip", x);
    return bad ? bad : clg_flip(x, CLG_AXES(-1));
}

clg_tensor clg_image_vflip(clg_tensor x)
{
    clg_tensor bad = clg__image_check("image_vflip", x);
    return bad ? bad : clg_flip(x, CLG_AXES(-2));
}

// ---- a rectangle of one color

// Is a place along an axis in from..from+n? As [n] or [n,1].
static clg_tensor between(clg_tensor x, int axis, int64_t from, int64_t n)
{
    const clg_tensor at = clg_arange(x->dev, CLG_I32, 0, (double) clg__image_dim(x, axis), 1);
    const clg_tensor in = clg_logical_and(clg_ge_scalar(at, (double) from), clg_lt_scalar(at, (double) (from + n)));
    return axis == -1 ? in : clg_unsqueeze(in, -1);
}

clg_tensor clg_image_erase(clg_tensor x, int64_t top, int64_t left, int64_t h, int64_t w, const double *value, int n)
{
    static const char op[] = "image_erase";
    clg_tensor bad = clg__image_check(op, x);
    if (bad)
        return bad;
    if (!value)
        return clg_poison(x->dev, CLG_EINVAL, "%s: value is NULL", op);
    if (n != 1 && n != clg__image_dim(x, -3))
        return clg_poison(x->dev, CLG_ESHAPE, "%s: %d numbers, expected 1 or the %lld channels", op, n,
                          (long long) clg__image_dim(x, -3));
    const int64_t H = clg__image_dim(x, -2), W = clg__image_dim(x, -1);
    const int64_t y0 = inside(top, H), y1 = end_inside(top, h, H), x0 = inside(left, W), x1 = end_inside(left, w, W);
    return clg_where(clg_logical_and(between(x, -2, y0, y1 - y0), between(x, -1, x0, x1 - x0)),
                     clg__image_channels(x->dev, x->dtype, value, n), x);
}
