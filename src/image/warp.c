// SPDX-License-Identifier: MIT
// Turned, sheared and projected images: each pixel of the result is looked up in x by clg_grid_sample. The places are
// torchvision's to the bit: maps are rounded to the image's type, then divided by half of its size, products are added from
// the left, each rounded. Where a place is halfway between two pixels its last bit is seen.
#include "image.h"

#include "base/fp.h"

#include <math.h>
#include <string.h>

typedef struct warp {
    const char *op;
    clg_tensor x;
    struct clg_image_warp_params p;
    int64_t w, h; // of the result
} warp;

// NULL, or the poison that the call is.
static clg_tensor begin(warp *k, const char *op, clg_tensor x, const struct clg_image_warp_params *p)
{
    clg_tensor bad = clg__image_check(op, x);
    if (bad)
        return bad;
    *k = (warp) { .op = op, .x = x, .w = clg__image_dim(x, -1), .h = clg__image_dim(x, -2) };
    const char *wrong = clg_params_read(&k->p, sizeof k->p, p);
    if (!wrong && k->p.filter != CLG_IMAGE_BILINEAR && k->p.filter != CLG_IMAGE_NEAREST)
        wrong = "the filter is neither bilinear nor nearest";
    if (!wrong && k->p.center && !(isfinite(k->p.center[0]) && isfinite(k->p.center[1])))
        wrong = "the center is not finite";
    if (wrong)
        return clg_poison(x->dev, CLG_EINVAL, "%s: %s", op, wrong);
    if (k->w < 1 || k->h < 1 || clg__image_dim(x, -3) < 1)
        return clg_poison(x->dev, CLG_ESHAPE, "%s: the image is empty", op);
    if (k->p.fill && k->p.fills != 1 && k->p.fills != clg__image_dim(x, -3))
        return clg_poison(x->dev, CLG_ESHAPE, "%s: %d fills, expected 1 or the %lld channels", op, k->p.fills,
                          (long long) clg__image_dim(x, -3));
    return NULL;
}

// x at the places gx, gy: [h,w] each, or [N,h,w], from -1 to 1.
static clg_tensor sample(const warp *k, clg_tensor gx, clg_tensor gy)
{
    const struct clg_grid_sample_params *const how = clg_grid_sample_params(
        .mode = k->p.filter == CLG_IMAGE_NEAREST ? CLG_GRID_NEAREST : CLG_GRID_LINEAR);
    const clg_tensor x = clg__image_batch(clg__image_work(k->x)), both[2] = { gx, gy };
    clg_tensor grid = clg_stack_n(both, 2, -1);
    if (x->status < 0 || grid->status < 0)
        return x->status < 0 ? x : grid;
    if (grid->shape.rank == 3)
        grid = clg_unsqueeze(grid, 0);
    const clg_shape all = { .rank = 4, .dim = { 1, x->shape.dim[0] * x->shape.dim[1], x->shape.dim[2], x->shape.dim[3] } };
    const bool one_map = grid->shape.dim[0] == 1; // then all images are channels of one: its places are worked out once
    clg_tensor y = clg_grid_sample(one_map ? clg_reshape(x, all) : x, grid, how);
    if (y->status >= 0)
        y = clg_reshape(y, CLG_SHAPE(x->shape.dim[0], x->shape.dim[1], k->h, k->w));
    if (k->p.fill) {
        const clg_shape one_channel = CLG_SHAPE(grid->shape.dim[0], 1, clg__image_dim(x, -2), clg__image_dim(x, -1));
        const clg_tensor one = clg_ones(x->dev, x->dtype, one_channel);
        const clg_tensor mask = clg_grid_sample(one, grid, how);
        const clg_tensor fill = clg__image_channels(x->dev, x->dtype, k->p.fill, k->p.fills);
        y = k->p.filter == CLG_IMAGE_NEAREST ? clg_where(clg_lt_scalar(mask, 0.5), fill, y)
                                             : clg_add(clg_mul(clg_sub(y, fill), mask), fill);
    }
    return clg__image_unbatch(clg__image_round_back(y, k->x->dtype), k->x);
}

// Places of the result's pixels along an axis, from `first` on: [n] or [n,1].
static clg_tensor places(const warp *k, int64_t n, double first, bool column)
{
    const clg_dtype t = clg__image_is_float(k->x) ? k->x->dtype : CLG_F32;
    const clg_tensor at = clg__image_back(
        clg_add_scalar(clg_arange(k->x->dev, t == CLG_F64 ? t : CLG_F32, 0, (double) n, 1), first), t);
    return column ? clg_unsqueeze(at, -1) : at;
}

// m[0] x + m[1] y + m[2]
static clg_tensor line(clg_tensor x, clg_tensor y, const double m[3])
{
    return clg_add_scalar(clg_add(clg_mul_scalar(x, m[0]), clg_mul_scalar(y, m[1])), m[2]);
}

static double radians(double degrees)
{
    return degrees * 0.017453292519943295;
}

void clg__image_inverse(const struct clg_image_affine_map *a, double cx, double cy, double m[6])
{
    const double rot = radians(a->degrees), sx = radians(a->shear_x), sy = radians(a->shear_y);
    const double p = cos(rot - sy) / cos(sy), q = -(p * tan(sx) + sin(rot));
    const double r = sin(rot - sy) / cos(sy), s = cos(rot) - r * tan(sx);
    m[0] = s / a->scale, m[1] = -q / a->scale, m[3] = -r / a->scale, m[4] = p / a->scale;
    m[2] = cx - m[0] * (cx + a->translate_x) - m[1] * (cy + a->translate_y);
    m[5] = cy - m[3] * (cx + a->translate_x) - m[4] * (cy + a->translate_y);
}

static double rounded(clg_dtype t, double v)
{
    return t == CLG_F64 ? v : (double) (float) v;
}

void clg__image_rescale(clg_dtype t, double m[6], double w, double h)
{
    CLG__DEFAULT_FP;
    for (int i = 0; i < 6; i++)
        m[i] = rounded(t, rounded(t, m[i]) / rounded(t, 0.5 * (i < 3 ? w : h)));
}

static clg_tensor map(warp *k, double m[6], double in_w, double in_h)
{
    for (int i = 0; i < 6; i++) {
        if (!isfinite(m[i]))
            return clg_poison(k->x->dev, CLG_EINVAL, "%s: the map is not finite", k->op);
    }
    const clg_tensor x = places(k, k->w, (1 - (double) k->w) / 2, false);
    const clg_tensor y = places(k, k->h, (1 - (double) k->h) / 2, true);
    clg__image_rescale(k->x->dtype, m, in_w, in_h);
    return sample(k, line(x, y, m), line(x, y, m + 3));
}

static void center_of(const warp *k, double *cx, double *cy)
{
    *cx = k->p.center ? k->p.center[0] - 0.5 * (double) k->w : 0;
    *cy = k->p.center ? k->p.center[1] - 0.5 * (double) k->h : 0;
}

// The size that shows all corners.
static void expand(warp *k, const double m[6])
{
    const double hw = 0.5 * (double) k->w, hh = 0.5 * (double) k->h;
    double lo[2] = { INFINITY, INFINITY }, hi[2] = { -INFINITY, -INFINITY };
    for (int i = 0; i < 4; i++) {
        const double x = i % 2 ? hw : -hw, y = i / 2 ? hh : -hh;
        const double v[2] = { m[0] * x + m[1] * y + m[2] + hw, m[3] * x + m[4] * y + m[5] + hh };
        for (int d = 0; d < 2; d++) {
            lo[d] = fmin(lo[d], v[d]);
            hi[d] = fmax(hi[d], v[d]);
        }
    }
    // what is less than 1e-4 of a pixel is an error of rounding
    k->w = (int64_t) (ceil(trunc(hi[0] * 1e4) * 1e-4) - floor(trunc(lo[0] * 1e4) * 1e-4));
    k->h = (int64_t) (ceil(trunc(hi[1] * 1e4) * 1e-4) - floor(trunc(lo[1] * 1e4) * 1e-4));
}

clg_tensor clg_image_rotate(clg_tensor x, double degrees, const struct clg_image_warp_params *p)
{
    warp k;
    double m[6], cx, cy;
    clg_tensor bad = begin(&k, "image_rotate", x, p);
    if (bad)
        return bad;
    if (!isfinite(degrees))
        return clg_poison(x->dev, CLG_EINVAL, "image_rotate: the angle is not finite");
    const double turn = degrees - 360 * floor(degrees / 360);
    const bool quarter = turn == 90 || turn == 270;
    if (!k.p.center && (turn == 0 || turn == 180 || (quarter && (k.p.expand || k.w == k.h))))
        return turn == 0 ? clg_reshape(x, x->shape) : clg_rot90(x, (int) (turn / 90), -2, -1);
    center_of(&k, &cx, &cy);
    const struct clg_image_affine_map a = { .degrees = -turn, .scale = 1 };
    const double in_w = (double) k.w, in_h = (double) k.h;
    clg__image_inverse(&a, cx, cy, m);
    if (k.p.expand)
        expand(&k, m);
    return map(&k, m, in_w, in_h);
}

clg_tensor clg_image_affine(clg_tensor x, struct clg_image_affine_map a, const struct clg_image_warp_params *p)
{
    warp k;
    double m[6], cx, cy;
    clg_tensor bad = begin(&k, "image_affine", x, p);
    if (bad)
        return bad;
    if (k.p.expand || a.scale == 0)
        return clg_poison(x->dev, CLG_EINVAL, "image_affine: %s", k.p.expand ? "expand is for rotate" : "the scale is 0");
    center_of(&k, &cx, &cy);
    clg__image_inverse(&a, cx, cy, m);
    return map(&k, m, (double) k.w, (double) k.h);
}

// a x + b y + c, of each image
static clg_tensor lines(clg_tensor x, clg_tensor y, const clg_tensor m[3])
{
    return clg_add(clg_add(clg_mul(x, m[0]), clg_mul(y, m[1])), m[2]);
}

clg_tensor clg__image_warp_each(const char *op, clg_tensor x, const clg_tensor m[6], const struct clg_image_warp_params *p)
{
    warp k;
    clg_tensor bad = begin(&k, op, x, p);
    if (bad)
        return bad;
    const clg_tensor u = places(&k, k.w, (1 - (double) k.w) / 2, false), v = places(&k, k.h, (1 - (double) k.h) / 2, true);
    return sample(&k, lines(u, v, m), lines(u, v, m + 3));
}

clg_tensor clg_image_perspective(clg_tensor x, const double *c, const struct clg_image_warp_params *p)
{
    warp k;
    clg_tensor bad = begin(&k, "image_perspective", x, p);
    if (bad)
        return bad;
    if (!c || k.p.expand || k.p.center)
        return clg_poison(x->dev, CLG_EINVAL, "image_perspective: %s",
                          !c ? "the numbers are NULL" : "expand and center are not there");
    for (int i = 0; i < 8; i++) {
        if (!isfinite(c[i]))
            return clg_poison(x->dev, CLG_EINVAL, "image_perspective: number %d is not finite", i);
    }
    const clg_tensor u = places(&k, k.w, 0.5, false), v = places(&k, k.h, 0.5, true);
    double m[6];
    memcpy(m, c, sizeof m);
    clg__image_rescale(x->dtype, m, (double) k.w, (double) k.h);
    const clg_tensor below = line(u, v, (double[3]) { c[6], c[7], 1 });
    return sample(&k, clg_sub_scalar(clg_div(line(u, v, m), below), 1), clg_sub_scalar(clg_div(line(u, v, m + 3), below), 1));
}

// Gauss with pivots; false where there is no solution.
static bool solve(double a[8][9])
{
    for (int k = 0; k < 8; k++) {
        int best = k;
        for (int i = k + 1; i < 8; i++)
            best = fabs(a[i][k]) > fabs(a[best][k]) ? i : best;
        double row[9];
        memcpy(row, a[k], sizeof row);
        memcpy(a[k], a[best], sizeof row);
        memcpy(a[best], row, sizeof row);
        if (!(fabs(a[k][k]) > 1e-12))
            return false;
        for (int i = 0; i < 8; i++) {
            const double f = i == k ? 0 : a[i][k] / a[k][k];
            for (int j = k; j < 9 && i != k; j++)
                a[i][j] -= f * a[k][j];
        }
    }
    return true;
}

clg_status clg_image_perspective_of(double *c, const double from[8], const double to[8])
{
    double a[8][9] = { { 0 } };
    if (!c || !from || !to)
        return CLG_EINVAL;
    for (int i = 0; i < 4; i++) { // the map goes from the result to the image
        const double u = to[2 * i], v = to[2 * i + 1], x = from[2 * i], y = from[2 * i + 1];
        const double rows[2][9] = { { u, v, 1, 0, 0, 0, -x * u, -x * v, x }, { 0, 0, 0, u, v, 1, -y * u, -y * v, y } };
        memcpy(a[2 * i], rows, sizeof rows);
    }
    if (!solve(a))
        return CLG_EINVAL;
    for (int i = 0; i < 8; i++)
        c[i] = a[i][8] / a[i][i];
    return CLG_OK;
}
