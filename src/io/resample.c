// SPDX-License-Identifier: MIT
// Rows first, then columns, each with weights of 22 bits, bytes between them: what Pillow computes.
#include "io/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 22 };

// Weights of n results from `first` on, of `out` that stand for `in` pixels.
typedef struct taps {
    int most; // of one result
    int32_t *weight, *begin, *count;
} taps;

static void drop(taps *t)
{
    free(t->weight);
    free(t->begin);
}

static bool make(taps *t, int64_t in, int64_t out, int64_t first, int64_t n)
{
    const double scale = (double) in / (double) out, wide = scale < 1 ? 1 : scale;
    t->most = (int) ceil(wide) * 2 + 1;
    t->weight = calloc((size_t) (n * t->most), sizeof *t->weight);
    t->begin = calloc((size_t) (2 * n), sizeof *t->begin);
    double *w = malloc((size_t) t->most * sizeof *w);
    if (!t->weight || !t->begin || !w) {
        free(w);
        return false;
    }
    t->count = t->begin + n;
    for (int64_t i = 0; i < n; i++) {
        const double center = ((double) (first + i) + 0.5) * scale;
        int64_t lo = (int64_t) (center - wide + 0.5), hi = (int64_t) (center + wide + 0.5);
        lo = lo < 0 ? 0 : lo;
        hi = hi > in ? in : hi;
        double sum = 0;
        for (int64_t k = 0; k < hi - lo; k++) {
            const double at = fabs(((double) (lo + k) - center + 0.5) / wide);
            sum += w[k] = at < 1 ? 1 - at : 0;
        }
        for (int64_t k = 0; k < hi - lo; k++)
            t->weight[i * t->most + k] = (int32_t) (0.5 + w[k] / sum * (1 << BITS));
        t->begin[i] = (int32_t) lo;
        t->count[i] = (int32_t) (hi - lo);
    }
    free(w);
    return true;
}

static uint8_t byte(int32_t sum)
{
    const int32_t v = sum >> BITS;
    return (uint8_t) (v < 0 ? 0 : v > 255 ? 255 : v);
}

static void row(const taps *t, const uint8_t *in, int c, int64_t n, uint8_t *out)
{
    for (int64_t i = 0; i < n; i++) {
        const int32_t *w = t->weight + i * t->most;
        const uint8_t *p = in + (int64_t) t->begin[i] * c;
        const int count = t->count[i];
        if (c == 3) {
            int32_t a = 1 << (BITS - 1), b = a, d = a;
            for (int k = 0; k < count; k++, p += 3) {
                a += p[0] * w[k];
                b += p[1] * w[k];
                d += p[2] * w[k];
            }
            out[3 * i] = byte(a);
            out[3 * i + 1] = byte(b);
            out[3 * i + 2] = byte(d);
            continue;
        }
        for (int ch = 0; ch < c; ch++) {
            int32_t a = 1 << (BITS - 1);
            for (int k = 0; k < count; k++)
                a += p[k * c + ch] * w[k];
            out[i * c + ch] = byte(a);
        }
    }
}

static void columns(const taps *t, int64_t i, const uint8_t *rows, int64_t bytes, int32_t *sums, uint8_t *out)
{
    for (int64_t k = 0; k < bytes; k++)
        sums[k] = 1 << (BITS - 1);
    for (int j = 0; j < t->count[i]; j++) {
        const int32_t w = t->weight[i * t->most + j];
        const uint8_t *p = rows + j * bytes;
        for (int64_t k = 0; k < bytes; k++)
            sums[k] += p[k] * w;
    }
    for (int64_t k = 0; k < bytes; k++)
        out[k] = byte(sums[k]);
}

bool clg__resample(const uint8_t *in, int64_t width, int c, clg__rectangle from, int64_t h, int64_t w,
                   clg__rectangle window, uint8_t *to, int64_t pitch)
{
    taps x = { 0 }, y = { 0 };
    const int64_t bytes = window.w * c;
    bool ok = make(&x, from.w, w, window.x, window.w) && make(&y, from.h, h, window.y, window.h);
    uint8_t *rows = NULL;
    int32_t *sums = NULL;
    int64_t lo = 0;
    if (ok) {
        lo = y.begin[0];
        const int64_t n = y.begin[window.h - 1] + y.count[window.h - 1] - lo;
        rows = malloc((size_t) (n * bytes));
        sums = malloc((size_t) bytes * sizeof *sums);
        ok = rows && sums;
        for (int64_t i = 0; i < n && ok; i++) {
            const uint8_t *p = in + ((from.y + lo + i) * width + from.x) * c;
            if (from.w == w)
                memcpy(rows + i * bytes, p + window.x * c, (size_t) bytes);
            else
                row(&x, p, c, window.w, rows + i * bytes);
        }
    }
    for (int64_t i = 0; i < window.h && ok; i++) {
        const uint8_t *p = rows + (y.begin[i] - lo) * bytes;
        if (from.h == h)
            memcpy(to + i * pitch * c, rows + (window.y + i - lo) * bytes, (size_t) bytes);
        else
            columns(&y, i, p, bytes, sums, to + i * pitch * c);
    }
    free(rows);
    free(sums);
    drop(&x);
    drop(&y);
    return ok;
}
