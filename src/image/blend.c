// SPDX-License-Identifier: MIT
// Images blended with their gray, their mean or a blur; the blurs.
#include "image.h"

#include <math.h>

enum { MOST_KERNEL = 255 };

// c + f a, rounded once, as PyTorch adds a multiple on CPUs that can: what is cut off to a whole number shows it.
static clg_tensor add_multiple(clg_tensor c, clg_tensor a, clg_tensor f)
{
    return c->dtype == CLG_F32 || c->dtype == CLG_F64 ? clg_fma(a, f, c) : clg_add(c, clg_mul(a, f));
}

static clg_tensor gray(clg_tensor x) // floating, of 3 channels
{
    const clg_tensor r = clg_slice(x, -3, 0, 1, 1), g = clg_slice(x, -3, 1, 2, 1), b = clg_slice(x, -3, 2, 3, 1);
    if (clg_dtype_size(x->dtype) == 2)
        return clg_add(clg_add(clg_mul_scalar(r, 0.2989), clg_mul_scalar(g, 0.587)), clg_mul_scalar(b, 0.114));
    const clg_tensor two = add_multiple(clg_mul_scalar(r, 0.2989), g, clg_scalar(x->dev, x->dtype, 0.587));
    return add_multiple(two, b, clg_scalar(x->dev, x->dtype, 0.114));
}

clg_tensor clg_image_grayscale(clg_tensor x, int channels)
{
    clg_tensor bad = clg__image_check_color("image_grayscale", x);
    if (bad)
        return bad;
    if (channels != 1 && channels != 3)
        return clg_poison(x->dev, CLG_EINVAL, "image_grayscale: %d channels, expected 1 or 3", channels);
    clg_tensor y = clg__image_dim(x, -3) == 1 ? x : clg__image_back(gray(clg__image_work(x)), x->dtype);
    clg_shape s = x->shape;
    s.dim[s.rank - 3] = channels;
    return y->status < 0 ? y : clg_expand(y, s);
}

// NULL when the call may be; else its poison.
static clg_tensor check(const char *op, clg_tensor x, double factor)
{
    clg_tensor bad = clg__image_check_color(op, x);
    if (bad)
        return bad;
    return factor >= 0 && isfinite(factor) ? NULL : clg_poison(x->dev, CLG_EINVAL, "%s: the factor is below 0, or not finite", op);
}

// A number as the images' type of computing.
static clg_tensor number(clg_tensor x, double v)
{
    return clg_scalar(x->dev, clg__image_is_float(x) ? x->dtype : CLG_F32, v);
}

// factor a + rest b, from black to white, as type t.
static clg_tensor blend(clg_tensor a, clg_tensor b, clg_tensor factor, clg_tensor rest, clg_dtype t)
{
    const clg_tensor y = add_multiple(clg_mul(a, factor), b, rest);
    return clg__image_back(clg_clamp(y, 0, clg__image_most(t)), t);
}

// Gray of integers is one of them.
static clg_tensor whole_gray(clg_tensor x, clg_tensor work)
{
    if (clg__image_dim(x, -3) == 1)
        return work;
    return clg__image_is_float(x) ? gray(work) : clg_floor(gray(work));
}

clg_tensor clg__image_brighten(clg_tensor x, clg_tensor factor)
{
    const clg_tensor y = clg_mul(clg__image_work(x), factor);
    return clg__image_back(clg_clamp(y, 0, clg__image_most(x->dtype)), x->dtype);
}

clg_tensor clg__image_contrast(clg_tensor x, clg_tensor factor, clg_tensor rest)
{
    const clg_tensor work = clg__image_work(x);
    return blend(work, clg_mean(whole_gray(x, work), CLG_AXES(-3, -2, -1), true), factor, rest, x->dtype);
}

clg_tensor clg__image_saturate(clg_tensor x, clg_tensor factor, clg_tensor rest)
{
    if (clg__image_dim(x, -3) == 1)
        return clg_reshape(x, x->shape);
    const clg_tensor work = clg__image_work(x);
    return blend(work, whole_gray(x, work), factor, rest, x->dtype);
}

clg_tensor clg_image_adjust_brightness(clg_tensor x, double factor)
{
    clg_tensor bad = check("image_adjust_brightness", x, factor);
    return bad ? bad : clg__image_brighten(x, number(x, factor));
}

clg_tensor clg_image_adjust_contrast(clg_tensor x, double factor)
{
    clg_tensor bad = check("image_adjust_contrast", x, factor);
    return bad ? bad : clg__image_contrast(x, number(x, factor), number(x, 1 - factor));
}

clg_tensor clg_image_adjust_saturation(clg_tensor x, double factor)
{
    clg_tensor bad = check("image_adjust_saturation", x, factor);
    return bad ? bad : clg__image_saturate(x, number(x, factor), number(x, 1 - factor));
}

// A filter of h x w taps over each channel of [N,C,H,W], around which `margin` pixels are 0.
static clg_tensor filter(clg_tensor x, const double *taps, int h, int w, int margin)
{
    float few[MOST_KERNEL];
    const int64_t c = clg__image_dim(x, -3);
    for (int i = 0; i < h * w; i++)
        few[i] = (float) taps[i];
    clg_tensor k = x->dtype == CLG_F64 ? clg_upload(x->dev, CLG_F64, CLG_SHAPE(1, 1, h, w), taps)
                                       : clg_upload(x->dev, CLG_F32, CLG_SHAPE(1, 1, h, w), few);
    k = clg_expand(clg__image_back(k, x->dtype), CLG_SHAPE(c, 1, h, w));
    return clg_conv2d(x, k, NULL, clg_conv_params(.groups = (int) c, .padding = margin));
}

// Which of n places are neither the first nor the last.
static clg_tensor within(clg_tensor x, int64_t n)
{
    const clg_tensor at = clg_arange(x->dev, CLG_I32, 0, (double) n, 1);
    return clg_logical_and(clg_ge_scalar(at, 1), clg_lt_scalar(at, (double) (n - 1)));
}

clg_tensor clg__image_sharpen(clg_tensor x, clg_tensor rest)
{
    const double a = 1.0 / 13, b = 5.0 / 13, taps[9] = { a, a, a, a, b, a, a, a, a };
    const int64_t h = clg__image_dim(x, -2), w = clg__image_dim(x, -1);
    if (h <= 2 || w <= 2)
        return clg_reshape(x, x->shape);
    const clg_tensor work = clg__image_batch(clg__image_work(x));
    clg_tensor blur = filter(work, taps, 3, 3, 1);
    if (!clg__image_is_float(x))
        blur = clg_round(blur);
    const clg_tensor inner = clg_logical_and(clg_unsqueeze(within(x, h), -1), within(x, w)); // edges stay
    const clg_tensor change = clg_where(inner, clg_sub(blur, work), clg_scalar(x->dev, work->dtype, 0));
    const clg_tensor y = clg_clamp(add_multiple(work, change, rest), 0, clg__image_most(x->dtype));
    return clg__image_unbatch(clg__image_back(y, x->dtype), x);
}

clg_tensor clg_image_adjust_sharpness(clg_tensor x, double factor)
{
    clg_tensor bad = check("image_adjust_sharpness", x, factor);
    return bad ? bad : clg__image_sharpen(x, number(x, 1 - factor));
}

static void gaussian(double *taps, int n, double sigma)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const double at = (i - (n - 1) / 2.0) / sigma;
        sum += taps[i] = exp(-at * at / 2);
    }
    for (int i = 0; i < n; i++)
        taps[i] /= sum;
}

clg_tensor clg_image_gaussian_blur(clg_tensor x, int kernel_w, int kernel_h, double sigma_x, double sigma_y)
{
    static const char op[] = "image_gaussian_blur";
    double taps[MOST_KERNEL];
    clg_tensor bad = clg__image_check(op, x);
    if (bad)
        return bad;
    const int64_t h = clg__image_dim(x, -2), w = clg__image_dim(x, -1);
    if (kernel_w < 1 || kernel_h < 1 || kernel_w % 2 == 0 || kernel_h % 2 == 0 || kernel_w > MOST_KERNEL ||
        kernel_h > MOST_KERNEL || (kernel_w > 1 && kernel_w / 2 >= w) || (kernel_h > 1 && kernel_h / 2 >= h))
        return clg_poison(x->dev, CLG_EINVAL, "%s: a kernel of %d x %d over %lld x %lld pixels: odd, at most %d, less than "
                          "twice the image", op, kernel_w, kernel_h, (long long) w, (long long) h, MOST_KERNEL);
    if (!(sigma_x >= 0 && sigma_y >= 0 && isfinite(sigma_x) && isfinite(sigma_y)))
        return clg_poison(x->dev, CLG_EINVAL, "%s: a sigma is below 0, or not finite", op);
    clg_tensor y = clg_image_pad(clg__image_batch(clg__image_work(x)), kernel_w / 2, kernel_h / 2, kernel_w / 2,
                                 kernel_h / 2, CLG_IMAGE_REFLECT, 0);
    if (y->status < 0)
        return y;
    gaussian(taps, kernel_w, sigma_x > 0 ? sigma_x : 0.15 * kernel_w + 0.35);
    y = filter(y, taps, 1, kernel_w, 0);
    if (y->status < 0)
        return y;
    gaussian(taps, kernel_h, sigma_y > 0 ? sigma_y : 0.15 * kernel_h + 0.35);
    y = filter(y, taps, kernel_h, 1, 0);
    return clg__image_unbatch(clg__image_round_back(y, x->dtype), x);
}
