// SPDX-License-Identifier: MIT
// Random transforms of batches. What differs between the images is numbers in tensors, so that a batch is one kernel.
#include "draw.h"

#include <math.h>
#include <stdlib.h>

typedef struct batch {
    const char *op;
    clg_tensor x;
    int64_t n, c, h, w;
    clg_draw_key key;
} batch;

// NULL, or the poison that the call is.
static clg_tensor begin(batch *b, const char *op, clg_tensor x, const clg_draw_key *key)
{
    *b = (batch) { .op = op, .x = x, .key = *key };
    clg_tensor bad = clg__image_check(op, x);
    if (bad)
        return bad;
    if (x->shape.rank != 4)
        return clg_poison(x->dev, CLG_ESHAPE, "%s: x has rank %d, expected [N,C,H,W]", op, x->shape.rank);
    const int64_t *d = x->shape.dim;
    *b = (batch) { op, x, d[0], d[1], d[2], d[3], *key };
    return NULL;
}

static clg_tensor refuse(const batch *b, clg_status st, const char *why)
{
    return clg_poison(b->x->dev, st, "%s: %s", b->op, why);
}

static clg_tensor no_memory(const batch *b)
{
    return refuse(b, CLG_ENOMEM, "out of host memory");
}

// ---- mirrors

static clg_tensor random_flip(const char *op, clg_tensor x, double p, const clg_draw_key *key, clg__draw_purpose what, int axis)
{
    batch b;
    clg_tensor bad = begin(&b, op, x, key);
    if (bad)
        return bad;
    if (!(p >= 0 && p <= 1))
        return refuse(&b, CLG_EINVAL, "p is not within 0 and 1");
    unsigned char *flags = malloc((size_t) b.n + 1);
    if (!flags)
        return no_memory(&b);
    for (int64_t i = 0; i < b.n; i++) {
        double u[4];
        clg__draw(key, i, what, 0, u);
        flags[i] = u[0] < p;
    }
    const clg_tensor chosen = clg_upload(x->dev, CLG_BOOL, CLG_SHAPE(b.n, 1, 1, 1), flags);
    free(flags);
    return clg_where(chosen, clg_flip(x, CLG_AXES(axis)), x);
}

clg_tensor clg_image_random_hflip(clg_tensor x, double p, clg_draw_key key)
{
    return random_flip("image_random_hflip", x, p, &key, CLG__DRAW_HFLIP, -1);
}

clg_tensor clg_image_random_vflip(clg_tensor x, double p, clg_draw_key key)
{
    return random_flip("image_random_vflip", x, p, &key, CLG__DRAW_VFLIP, -2);
}

// ---- parts

// Of each image the elements from[i] on, n of them along an axis.
static clg_tensor parts_of(const batch *b, clg_tensor x, int axis, const int64_t *from, int64_t n)
{
    int64_t *index = malloc((size_t) (b->n * n + 1) * sizeof *index);
    if (!index)
        return no_memory(b);
    for (int64_t i = 0; i < b->n * n; i++)
        index[i] = from[i / n] + i % n;
    clg_shape s = CLG_SHAPE(b->n, 1, 1, 1);
    s.dim[axis] = n;
    const clg_tensor y = clg_take_along_dim(x, clg_upload(x->dev, CLG_I64, s, index), axis);
    free(index);
    return y;
}

clg_tensor clg_image_random_crop(clg_tensor x, int64_t h, int64_t w, clg_draw_key key)
{
    batch b;
    clg_tensor bad = begin(&b, "image_random_crop", x, &key);
    if (bad)
        return bad;
    if (h < 1 || w < 1 || h > b.h || w > b.w)
        return refuse(&b, CLG_ESHAPE, "the part is empty, or larger than the image");
    int64_t *from = malloc((size_t) (2 * b.n + 1) * sizeof *from);
    if (!from)
        return no_memory(&b);
    for (int64_t i = 0; i < b.n; i++) {
        double u[4];
        clg__draw(&key, i, CLG__DRAW_PLACE, 0, u);
        from[i] = clg__draw_whole(u[0], b.h - h + 1);
        from[b.n + i] = clg__draw_whole(u[1], b.w - w + 1);
    }
    clg_tensor y = h < b.h ? parts_of(&b, x, 2, from, h) : x;
    y = y->status >= 0 && w < b.w ? parts_of(&b, y, 3, from + b.n, w) : y;
    free(from);
    return y;
}

// An axis of a batch in another size: from where on each result is made of elements, and their weights.
typedef struct bands {
    int64_t images, in, out, most; // most: elements of a result
    int32_t *first;                // [images][out]
    float *weight;                 // [images][most][out]
} bands;

// What result i is made of: elements lo to hi of a part of n.
static double reach(const bands *a, int64_t n, int64_t i, int64_t *lo, int64_t *hi)
{
    const double scale = (double) n / (double) a->out, wide = scale < 1 ? 1 : scale, center = ((double) i + 0.5) * scale;
    *lo = (int64_t) (center - wide + 0.5);
    *hi = (int64_t) (center + wide + 0.5);
    *lo = *lo < 0 ? 0 : *lo;
    *hi = *hi > n ? n : *hi;
    return wide;
}

static double share(const bands *a, int64_t n, int64_t i, int64_t k, double wide)
{
    const double center = ((double) i + 0.5) * (double) n / (double) a->out;
    return fmax(0, 1 - fabs(((double) k - center + 0.5) / wide));
}

// Of image `at` the part [from, from + n).
static void weigh(bands *a, int64_t at, int64_t from, int64_t n)
{
    for (int64_t i = 0; i < a->out; i++) {
        int64_t lo, hi;
        const double wide = reach(a, n, i, &lo, &hi);
        const int64_t last = a->in - a->most, first = from + lo < last ? from + lo : last;
        double sum = 0;
        for (int64_t k = lo; k < hi; k++)
            sum += share(a, n, i, k, wide);
        a->first[at * a->out + i] = (int32_t) first;
        for (int64_t k = lo; k < hi; k++)
            a->weight[(at * a->most + from + k - first) * a->out + i] = (float) (share(a, n, i, k, wide) / sum);
    }
}

// A result is made of so many elements at most, whatever parts are drawn, so that all batches have one plan; an even
// number where there are as many.
static bool bands_begin(bands *a, int64_t images, int64_t in, int64_t out)
{
    const int64_t most = 2 * (int64_t) ceil(in < out ? 1 : (double) in / (double) out) + 2;
    *a = (bands) { images, in, out, most < in ? most : in, NULL, NULL };
    a->first = calloc((size_t) (images * out) + 1, sizeof *a->first);
    a->weight = a->first ? calloc((size_t) (images * a->most) + 1, (size_t) out * sizeof *a->weight) : NULL;
    return a->weight != NULL;
}

static clg_tensor bands_apply(const bands *a, clg_tensor x, int axis)
{
    const clg_tensor first = clg_upload(x->dev, CLG_I32, CLG_SHAPE(a->images, a->out), a->first);
    const clg_tensor weight = clg_upload(x->dev, CLG_F32, CLG_SHAPE(a->images, a->most, a->out), a->weight);
    return clg_resample(x, first, clg__image_back(weight, x->dtype), axis);
}

static void bands_free(bands *a)
{
    free(a->first);
    free(a->weight);
}

clg_tensor clg_image_random_resized_crop(clg_tensor x, int64_t h, int64_t w, const struct clg_random_part *p, clg_draw_key key)
{
    static const double usual[4] = { 0.08, 1, 3.0 / 4, 4.0 / 3 };
    struct clg_random_part q;
    batch b;
    clg_tensor bad = begin(&b, "image_random_resized_crop", x, &key);
    if (bad)
        return bad;
    const char *wrong = clg__part_params(&q, p, usual);
    if (wrong)
        return refuse(&b, CLG_EINVAL, wrong);
    const int64_t most = INT32_MAX;
    if (h < 1 || w < 1 || h > most || w > most || b.h < 1 || b.w < 1)
        return refuse(&b, CLG_ESHAPE, "sizes below 1");
    bands down = { 0 }, across = { 0 };
    clg_tensor y = bands_begin(&down, b.n, b.h, h) && bands_begin(&across, b.n, b.w, w) ? NULL : no_memory(&b);
    for (int64_t i = 0; i < b.n && !y; i++) {
        clg__part part;
        clg__draw_part(&key, i, CLG__DRAW_PART, &q, false, b.h, b.w, &part);
        weigh(&down, i, part.y, part.h);
        weigh(&across, i, part.x, part.w);
    }
    if (!y) {
        const clg_dtype t = x->dtype == CLG_F64 ? CLG_F64 : CLG_F32;
        y = bands_apply(&across, bands_apply(&down, clg__image_back(x, t), 2), 3);
        y = clg__image_is_float(x) ? clg__image_back(y, x->dtype) : clg__image_round_back(y, x->dtype);
    }
    bands_free(&down);
    bands_free(&across);
    return y;
}

// ---- colors

// Numbers of each image, lo to hi, as [N,1,1,1] of type t.
static clg_tensor factors(const batch *b, clg_dtype t, int which, double lo, double hi)
{
    float *v = malloc((size_t) (b->n + 1) * sizeof *v);
    if (!v)
        return no_memory(b);
    for (int64_t i = 0; i < b->n; i++) {
        double u[4];
        clg__draw(&b->key, i, CLG__DRAW_JITTER, 0, u);
        v[i] = (float) (lo + (hi - lo) * u[which]);
    }
    const clg_tensor y = clg__image_back(clg_upload(b->x->dev, CLG_F32, CLG_SHAPE(b->n, 1, 1, 1), v), t);
    free(v);
    return y;
}

static clg_tensor around_one(const batch *b, clg_dtype t, int which, double v)
{
    return factors(b, t, which, v > 1 ? 0 : 1 - v, 1 + v);
}

clg_tensor clg_image_color_jitter(clg_tensor x, double brightness, double contrast, double saturation, double hue,
                                  clg_draw_key key)
{
    static const char op[] = "image_color_jitter";
    batch b;
    clg_tensor bad = clg__image_check_color(op, x);
    if (!bad)
        bad = begin(&b, op, x, &key);
    if (bad)
        return bad;
    if (!(brightness >= 0 && contrast >= 0 && saturation >= 0 && hue >= 0 && hue <= 0.5) || !isfinite(brightness) ||
        !isfinite(contrast) || !isfinite(saturation))
        return refuse(&b, CLG_EINVAL, "a number is below 0, or the hue above 0.5");
    const clg_dtype t = clg__image_is_float(x) ? x->dtype : CLG_F32;
    clg_tensor y = x;
    if (brightness > 0)
        y = clg__image_brighten(y, around_one(&b, t, 0, brightness));
    if (contrast > 0) {
        const clg_tensor f = around_one(&b, t, 1, contrast);
        y = clg__image_contrast(y, f, clg_scalar_sub(1, f));
    }
    if (saturation > 0) {
        const clg_tensor f = around_one(&b, t, 2, saturation);
        y = clg__image_saturate(y, f, clg_scalar_sub(1, f));
    }
    return hue > 0 && y->status >= 0 ? clg__image_turn(op, y, factors(&b, t, 3, -hue, hue)) : y;
}

// ---- rectangles

// Is a place within [v[i], v[2 n + i]) along an axis? Of each image.
static clg_tensor between(const batch *b, int axis, const int32_t *v)
{
    const int64_t side = axis == 2 ? b->h : b->w;
    const clg_shape each = CLG_SHAPE(b->n, 1, 1, 1);
    const clg_tensor at = clg_reshape(clg_arange(b->x->dev, CLG_I32, 0, (double) side, 1),
                                      axis == 2 ? CLG_SHAPE(side, 1) : CLG_SHAPE(1, side));
    return clg_logical_and(clg_ge(at, clg_upload(b->x->dev, CLG_I32, each, v)),
                           clg_lt(at, clg_upload(b->x->dev, CLG_I32, each, v + 2 * b->n)));
}

clg_tensor clg_image_random_erasing(clg_tensor x, double p, const struct clg_random_part *part, double value, clg_draw_key key)
{
    static const double usual[4] = { 0.02, 0.33, 0.3, 3.3 };
    struct clg_random_part q;
    batch b;
    clg_tensor bad = begin(&b, "image_random_erasing", x, &key);
    if (bad)
        return bad;
    const char *wrong = clg__part_params(&q, part, usual);
    if (wrong || !(p >= 0 && p <= 1))
        return refuse(&b, CLG_EINVAL, wrong ? wrong : "p is not within 0 and 1");
    if (b.h < 1 || b.w < 1 || b.h > INT32_MAX || b.w > INT32_MAX)
        return refuse(&b, CLG_ESHAPE, "the image is empty");
    int32_t *v = calloc((size_t) (4 * b.n + 1), sizeof *v); // top, left, bottom, right
    if (!v)
        return no_memory(&b);
    for (int64_t i = 0; i < b.n; i++) {
        double u[4];
        clg__part r;
        clg__draw(&key, i, CLG__DRAW_ERASE, 15, u);
        if (u[0] >= p || !clg__draw_part(&key, i, CLG__DRAW_ERASE, &q, true, b.h, b.w, &r))
            continue;
        v[i] = (int32_t) r.y, v[b.n + i] = (int32_t) r.x;
        v[2 * b.n + i] = (int32_t) (r.y + r.h), v[3 * b.n + i] = (int32_t) (r.x + r.w);
    }
    const clg_tensor inside = clg_logical_and(between(&b, 2, v), between(&b, 3, v + b.n));
    free(v);
    return clg_where(inside, clg_scalar(x->dev, x->dtype, value), x);
}

// ---- mixtures

static clg_tensor begin_mix(batch *b, const char *op, clg_tensor x, clg_tensor *labels, double alpha, const clg_draw_key *key)
{
    clg_tensor bad = begin(b, op, x, key);
    if (bad)
        return bad;
    if (!labels)
        return refuse(b, CLG_EINVAL, "labels is NULL");
    const clg_tensor both[2] = { x, *labels };
    bad = clg_check_inputs(op, "x labels", both, 2);
    if (bad)
        return bad;
    if ((*labels)->shape.rank != 2 || (*labels)->shape.dim[0] != b->n)
        return refuse(b, CLG_ESHAPE, "labels are not [N,K]");
    if (!clg__image_is_float(*labels))
        return refuse(b, CLG_EDTYPE, "labels are not floating");
    return alpha > 0 && isfinite(alpha) ? NULL : refuse(b, CLG_EINVAL, "alpha is not above 0");
}

static clg_tensor mix(clg_tensor x, double lambda)
{
    return clg_add(clg_mul_scalar(x, lambda), clg_mul_scalar(clg_roll(x, CLG_SHAPE(1), CLG_AXES(0)), 1 - lambda));
}

clg_tensor clg_image_mixup(clg_tensor x, clg_tensor *labels, double alpha, clg_draw_key key)
{
    batch b;
    clg_tensor bad = begin_mix(&b, "image_mixup", x, labels, alpha, &key);
    if (bad)
        return bad;
    if (!clg__image_is_float(x))
        return refuse(&b, CLG_EDTYPE, "x is not floating");
    const double lambda = b.n ? clg__draw_beta(&key, alpha) : 1;
    *labels = mix(*labels, lambda);
    return mix(x, lambda);
}

static int64_t within(int64_t v, int64_t most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

clg_tensor clg_image_cutmix(clg_tensor x, clg_tensor *labels, double alpha, clg_draw_key key)
{
    batch b;
    clg_tensor bad = begin_mix(&b, "image_cutmix", x, labels, alpha, &key);
    if (bad)
        return bad;
    if (b.n == 0 || b.h < 1 || b.w < 1 || b.h > INT32_MAX || b.w > INT32_MAX)
        return clg_reshape(x, x->shape);
    double u[4];
    clg__draw(&key, 0, CLG__DRAW_MIX, 0, u);
    const double r = 0.5 * sqrt(1 - clg__draw_beta(&key, alpha));
    const int64_t cx = clg__draw_whole(u[0], b.w), cy = clg__draw_whole(u[1], b.h);
    const int64_t hw = (int64_t) (r * (double) b.w), hh = (int64_t) (r * (double) b.h);
    const int64_t x0 = within(cx - hw, b.w), x1 = within(cx + hw, b.w), y0 = within(cy - hh, b.h), y1 = within(cy + hh, b.h);
    const clg_tensor row = clg_reshape(clg_arange(x->dev, CLG_I32, 0, (double) b.h, 1), CLG_SHAPE(b.h, 1));
    const clg_tensor column = clg_arange(x->dev, CLG_I32, 0, (double) b.w, 1);
    const clg_tensor inside = clg_logical_and(
        clg_logical_and(clg_ge_scalar(row, (double) y0), clg_lt_scalar(row, (double) y1)),
        clg_logical_and(clg_ge_scalar(column, (double) x0), clg_lt_scalar(column, (double) x1)));
    *labels = mix(*labels, 1 - (double) ((x1 - x0) * (y1 - y0)) / ((double) b.h * (double) b.w));
    return clg_where(inside, clg_roll(x, CLG_SHAPE(1), CLG_AXES(0)), x);
}
