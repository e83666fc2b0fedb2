// SPDX-License-Identifier: MIT
// An image of a loader: decoded, resized, cut, mirrored. Draws are functions of seed, epoch and sample.
#include "io/sample.h"
#include "io/resample.h"
#include "io/text.h"

#include "base/fp.h"
#include "base/philox.h"

#include <math.h>
#include <string.h>

enum { TRIES = 10 };

static void draw(const clg__sample_form *f, int64_t epoch, int64_t at, int purpose, int n, uint32_t out[4])
{
    clg__philox((uint64_t) at, f->p.seed, (uint64_t) epoch << 16 | (uint64_t) (16 * purpose + n), out);
}

int64_t clg__draw_below(uint64_t seed, int64_t epoch, int64_t at, int purpose, int64_t n)
{
    uint32_t r[4];
    clg__philox((uint64_t) at, seed, (uint64_t) epoch << 16 | (uint64_t) (16 * purpose), r);
    return (int64_t) ((uint64_t) r[0] * (uint64_t) n >> 32);
}

// A part of the image, as torchvision's RandomResizedCrop chooses it.
static clg__rectangle random_part(const clg__sample_form *f, int64_t epoch, int64_t at, int64_t h, int64_t w)
{
    const double least = 3.0 / 4, most = 4.0 / 3, unit = 0x1p-32;
    for (int i = 0; i < TRIES; i++) {
        uint32_t r[4];
        draw(f, epoch, at, CLG__DRAW_CROP, i, r);
        const double area = (double) h * (double) w * (f->p.least_area + (1 - f->p.least_area) * r[0] * unit);
        const double ratio = exp(log(least) + (log(most) - log(least)) * r[1] * unit);
        const int64_t pw = (int64_t) rint(sqrt(area * ratio)), ph = (int64_t) rint(sqrt(area / ratio));
        if (pw > 0 && ph > 0 && pw <= w && ph <= h)
            return (clg__rectangle) { (int64_t) ((uint64_t) r[2] * (uint64_t) (h - ph + 1) >> 32),
                                      (int64_t) ((uint64_t) r[3] * (uint64_t) (w - pw + 1) >> 32), ph, pw };
    }
    const double in = (double) w / (double) h;
    int64_t pw = w, ph = h;
    if (in < least)
        ph = (int64_t) rint((double) w / least);
    else if (in > most)
        pw = (int64_t) rint((double) h * most);
    return (clg__rectangle) { (h - ph) / 2, (w - pw) / 2, ph, pw };
}

static void mirror(uint8_t *p, int64_t h, int64_t w, int c)
{
    for (int64_t y = 0; y < h; y++, p += w * c) {
        for (int64_t x = 0; x < w / 2; x++) {
            for (int k = 0; k < c; k++) {
                uint8_t *a = p + x * c + k, *b = p + (w - 1 - x) * c + k, t = *a;
                *a = *b;
                *b = t;
            }
        }
    }
}

// round(d / 2), half to even
static int64_t half_even(int64_t d)
{
    const int64_t q = d / 2;
    return d % 2 == 0 ? q : q + q % 2;
}

// The middle of the image, as rh x rw pixels, at the middle of `to`.
static bool middle(const clg_array *a, int64_t rh, int64_t rw, int64_t h, int64_t w, uint8_t *to)
{
    const int64_t ih = a->shape.dim[0], iw = a->shape.dim[1];
    const int c = (int) a->shape.dim[2];
    clg__rectangle window = { 0, 0, h < rh ? h : rh, w < rw ? w : rw };
    window.y = h < rh ? half_even(rh - h) : 0;
    window.x = w < rw ? half_even(rw - w) : 0;
    if (window.h < h || window.w < w)
        memset(to, 0, (size_t) (h * w * c));
    to += ((h > rh ? (h - rh) / 2 : 0) * w + (w > rw ? (w - rw) / 2 : 0)) * c;
    return clg__resample(a->data, iw, c, (clg__rectangle) { 0, 0, ih, iw }, rh, rw, window, to, w);
}

clg_status clg__sample_read(const clg__sample_form *f, const char *path, int64_t epoch, int64_t at, uint8_t *to,
                            int64_t *h, int64_t *w, char *error, size_t size)
{
    CLG__DEFAULT_FP;
    const struct clg_image_params p = { .size = sizeof p, .mode = f->p.mode, .exif_orientation = f->p.exif_orientation,
                                        .max_pixels = f->p.max_pixels };
    clg_array a;
    uint32_t r[4];
    clg_status st = clg_image_open(&a, path, &p, error, size);
    if (st < 0)
        return st;
    const int64_t ih = a.shape.dim[0], iw = a.shape.dim[1], shorter = ih < iw ? ih : iw;
    int64_t rh = ih, rw = iw;
    if (f->p.resize) {
        rh = ih <= iw ? f->p.resize : (int64_t) ((double) (f->p.resize * ih) / (double) shorter);
        rw = ih <= iw ? (int64_t) ((double) (f->p.resize * iw) / (double) shorter) : f->p.resize;
    }
    const int64_t oh = f->p.height ? f->p.height : rh, ow = f->p.width ? f->p.width : rw;
    bool ok = true;
    if (!to) {
        *h = oh;
        *w = ow;
    } else if (oh != f->h || ow != f->w) {
        st = clg__text(error, size, CLG_EFORMAT, "%s: comes out as %lld x %lld pixels, expected %lld x %lld as the first",
                       path, (long long) ow, (long long) oh, (long long) f->w, (long long) f->h);
    } else if (f->p.random_resized_crop) {
        ok = clg__resample(a.data, iw, f->channels, random_part(f, epoch, at, ih, iw), oh, ow,
                           (clg__rectangle) { 0, 0, oh, ow }, to, ow);
    } else {
        ok = middle(&a, rh, rw, oh, ow, to);
    }
    clg_array_close(&a);
    if (!ok)
        return clg__text(error, size, CLG_ENOMEM, "%s: out of host memory", path);
    if (st >= 0 && to && f->p.random_flip) {
        draw(f, epoch, at, CLG__DRAW_FLIP, 0, r);
        if (r[0] >> 31)
            mirror(to, oh, ow, f->channels);
    }
    return st;
}
