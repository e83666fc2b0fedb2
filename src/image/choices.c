// SPDX-License-Identifier: MIT
// An operation for each image of a batch, as one graph whatever they are: all that there is, of each image what was chosen.
// A row of numbers says for an image what that is.
#include "choices.h"

#include "base/fp.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_BITS = 8, TURN = 360 };

typedef enum kind { STAYS, MOVED, BRIGHTER, COLORED, CONTRASTED, SHARPER, FEWER, INVERTED, STRETCHED, EVENED } kind;
typedef enum column { KIND, MAP, FACTOR = MAP + 6, REST, THRESHOLD, LEVELS, COLUMNS } column;

clg_tensor clg__choices_check(const char *op, clg_tensor x, const struct clg_image_ops_params *p, struct clg_image_ops_params *q)
{
    clg_tensor bad = clg__image_check_color(op, x);
    if (bad)
        return bad;
    if (x->shape.rank != 4)
        return clg_poison(x->dev, CLG_ESHAPE, "%s: x has rank %d, expected [N,C,H,W]", op, x->shape.rank);
    if (!clg__image_is_float(x) && clg_dtype_size(x->dtype) > 2)
        return clg_poison(x->dev, CLG_EDTYPE, "%s: x is %s, expected a floating type or up to 16 bits", op,
                          clg_dtype_name(x->dtype));
    if (clg__image_dim(x, -1) < 1 || clg__image_dim(x, -2) < 1)
        return clg_poison(x->dev, CLG_ESHAPE, "%s: the image is empty", op);
    const char *wrong = clg_params_read(q, sizeof *q, p);
    if (wrong)
        return clg_poison(x->dev, CLG_EINVAL, "%s: %s", op, wrong);
    if (q->fill && q->fills != 1 && q->fills != clg__image_dim(x, -3))
        return clg_poison(x->dev, CLG_ESHAPE, "%s: %d fills, expected 1 or the %lld channels", op, q->fills,
                          (long long) clg__image_dim(x, -3));
    return NULL;
}

clg_tensor clg__choices_begin(clg_tensor x)
{
    return x->dtype == CLG_F16 || x->dtype == CLG_BF16 ? clg_cast(x, CLG_F32) : x;
}

// ---- what an image's row says

static double degrees_of(double tangent)
{
    return atan(tangent) * 57.29577951308232;
}

// Where it moves pixels: its map; false where it moves none.
static bool map_of(const clg__choice *c, int64_t h, int64_t w, double m[6])
{
    struct clg_image_affine_map a = { .scale = 1 };
    double cx = 0, cy = 0;
    if (c->op == CLG_IMAGE_SHEAR_X || c->op == CLG_IMAGE_SHEAR_Y) {
        *(c->op == CLG_IMAGE_SHEAR_X ? &a.shear_x : &a.shear_y) = degrees_of(c->magnitude);
        cx = -0.5 * (double) w;
        cy = -0.5 * (double) h;
    } else if (c->op == CLG_IMAGE_ROTATE) {
        a.degrees = -fmod(c->magnitude, TURN);
    } else {
        *(c->op == CLG_IMAGE_TRANSLATE_X ? &a.translate_x : &a.translate_y) = trunc(c->magnitude);
    }
    clg__image_inverse(&a, cx, cy, m);
    return m[0] != 1 || m[1] != 0 || m[2] != 0 || m[3] != 0 || m[4] != 1 || m[5] != 0;
}

static kind describe(const clg__choice *c, clg_tensor x, double row[COLUMNS])
{
    const int64_t h = clg__image_dim(x, -2), w = clg__image_dim(x, -1);
    const double most = clg__image_most(x->dtype), all = most + 1;
    const double levels = 1 << (c->op == CLG_IMAGE_POSTERIZE ? (int) c->magnitude : 0);
    const bool floating = clg__image_is_float(x);
    switch (c->op) {
    case CLG_IMAGE_IDENTITY:
        return STAYS;
    case CLG_IMAGE_SHEAR_X:
    case CLG_IMAGE_SHEAR_Y:
    case CLG_IMAGE_TRANSLATE_X:
    case CLG_IMAGE_TRANSLATE_Y:
    case CLG_IMAGE_ROTATE:
        if (!map_of(c, h, w, row + MAP))
            return STAYS;
        clg__image_rescale(x->dtype, row + MAP, (double) w, (double) h);
        return MOVED;
    case CLG_IMAGE_BRIGHTNESS:
    case CLG_IMAGE_COLOR:
    case CLG_IMAGE_CONTRAST:
    case CLG_IMAGE_SHARPNESS:
        row[FACTOR] = 1 + c->magnitude;
        row[REST] = 1 - row[FACTOR];
        if (c->op == CLG_IMAGE_SHARPNESS)
            return h > 2 && w > 2 ? SHARPER : STAYS;
        if (c->op == CLG_IMAGE_COLOR)
            return clg__image_dim(x, -3) == 3 ? COLORED : STAYS;
        return c->op == CLG_IMAGE_CONTRAST ? CONTRASTED : BRIGHTER;
    case CLG_IMAGE_POSTERIZE:
        row[LEVELS] = floating ? levels : all - all / levels;
        return floating || levels < all ? FEWER : STAYS;
    case CLG_IMAGE_SOLARIZE:
        row[THRESHOLD] = most * c->magnitude;
        return INVERTED;
    case CLG_IMAGE_INVERT:
        row[THRESHOLD] = -INFINITY;
        return INVERTED;
    case CLG_IMAGE_AUTOCONTRAST:
        return STRETCHED;
    case CLG_IMAGE_EQUALIZE:
        return EVENED;
    }
    return STAYS;
}

// A row of each image, [N,COLUMNS] of the type that x is computed in.
static clg_tensor rows_of(const char *op, clg_tensor x, const clg__choice *c)
{
    CLG__DEFAULT_FP;
    const int64_t n = x->shape.dim[0];
    const bool wide = x->dtype == CLG_F64;
    double *rows = calloc((size_t) n * COLUMNS + 1, sizeof *rows);
    float *narrow = rows ? malloc(((size_t) n * COLUMNS + 1) * sizeof *narrow) : NULL;
    clg_tensor y = NULL;
    if (narrow) {
        for (int64_t i = 0; i < n; i++) {
            double *row = rows + i * COLUMNS;
            row[LEVELS] = 1;
            row[KIND] = (double) describe(&c[i], x, row);
        }
        for (int64_t k = 0; k < n * COLUMNS; k++)
            narrow[k] = (float) rows[k];
        y = clg_upload(x->dev, wide ? CLG_F64 : CLG_F32, CLG_SHAPE(n, COLUMNS), wide ? (const void *) rows : narrow);
    }
    free(narrow);
    free(rows);
    return y ? y : clg_poison(x->dev, CLG_ENOMEM, "%s: out of host memory", op);
}

// ---- all operations

static clg_tensor number_of(clg_tensor rows, column k)
{
    return clg_reshape(clg_slice(rows, 1, (int64_t) k, (int64_t) k + 1, 1), CLG_SHAPE(rows->shape.dim[0], 1, 1, 1));
}

static clg_tensor moved(const char *op, clg_tensor x, clg_tensor rows, const struct clg_image_ops_params *p)
{
    clg_tensor m[6];
    for (int k = 0; k < 6; k++)
        m[k] = clg_reshape(clg_slice(rows, 1, MAP + k, MAP + k + 1, 1), CLG_SHAPE(rows->shape.dim[0], 1, 1));
    return clg__image_warp_each(op, x, m, clg_image_warp_params(.filter = p->bilinear ? CLG_IMAGE_BILINEAR : CLG_IMAGE_NEAREST,
                                                                .fill = p->fill, .fills = p->fills));
}

clg_tensor clg__choices_apply(const char *op, clg_tensor x, const clg__choice *c, const struct clg_image_ops_params *p)
{
    if (x->status < 0 || x->shape.dim[0] == 0)
        return x;
    const clg_tensor rows = rows_of(op, x, c);
    if (rows->status < 0)
        return rows;
    const clg_tensor which = number_of(rows, KIND), factor = number_of(rows, FACTOR), rest = number_of(rows, REST);
    const struct {
        kind which;
        clg_tensor y;
    } all[] = {
        { MOVED, moved(op, x, rows, p) },
        { BRIGHTER, clg__image_brighten(x, factor) },
        { COLORED, clg__image_saturate(x, factor, rest) },
        { CONTRASTED, clg__image_contrast(x, factor, rest) },
        { SHARPER, clg__image_sharpen(x, rest) },
        { FEWER, clg__image_levels(x, number_of(rows, LEVELS)) },
        { INVERTED, clg__image_solarize(x, number_of(rows, THRESHOLD)) },
        { STRETCHED, clg_image_autocontrast(x) },
        { EVENED, clg_image_equalize(x) },
    };
    clg_tensor y = x;
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        y = clg_where(clg_eq_scalar(which, (double) all[k].which), all[k].y, y);
    return y;
}

// ---- the public form

// NULL, or what is wrong.
static const char *wrong_with(const clg__choice *c)
{
    const double m = c->magnitude;
    if ((int) c->op < CLG_IMAGE_IDENTITY || c->op > CLG_IMAGE_INVERT)
        return "there is no such operation";
    if (c->op >= CLG_IMAGE_AUTOCONTRAST || c->op == CLG_IMAGE_IDENTITY)
        return NULL;
    if (!isfinite(m) || fabs(m) > 1e9)
        return "the magnitude is not a number that can be used";
    if (c->op >= CLG_IMAGE_BRIGHTNESS && c->op <= CLG_IMAGE_SHARPNESS && m < -1)
        return "the factor is below 0";
    if (c->op == CLG_IMAGE_POSTERIZE && !(m > -1 && m < MOST_BITS + 1))
        return "the bits are not 0 to 8";
    return c->op == CLG_IMAGE_SOLARIZE && m > 1 ? "the threshold is above the greatest value" : NULL;
}

clg_tensor clg_image_apply_ops(clg_tensor x, const clg_image_op *ops, const double *magnitudes,
                               const struct clg_image_ops_params *p)
{
    static const char op[] = "image_apply_ops";
    struct clg_image_ops_params q;
    clg_tensor bad = clg__choices_check(op, x, p, &q);
    if (bad)
        return bad;
    const int64_t n = x->shape.dim[0];
    if (!ops || !magnitudes)
        return clg_poison(x->dev, CLG_EINVAL, "%s: %s is NULL", op, ops ? "magnitudes" : "ops");
    clg__choice *c = malloc(((size_t) n + 1) * sizeof *c);
    if (!c)
        return clg_poison(x->dev, CLG_ENOMEM, "%s: out of host memory", op);
    const char *wrong = NULL;
    int64_t i = 0;
    for (; i < n && !wrong; i++) {
        c[i] = (clg__choice) { ops[i], magnitudes[i] };
        wrong = wrong_with(&c[i]);
    }
    const clg_tensor y = wrong ? clg_poison(x->dev, CLG_EINVAL, "%s: image %lld: %s", op, (long long) i - 1, wrong)
                               : clg__choices_apply(op, clg__choices_begin(x), c, &q);
    free(c);
    return clg__image_back(y == x ? clg_reshape(x, x->shape) : y, x->dtype);
}
