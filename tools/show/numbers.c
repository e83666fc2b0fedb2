// SPDX-License-Identifier: MIT
// Statistics of an array. Sums are of numbers that were scaled so that the largest is about 1, and carry what rounding
// lost, so that neither size nor order matters much.
#include "numbers.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 4096 };

static double from_half(uint16_t h)
{
    const int exponent = h >> 10 & 31, fraction = h & 1023;
    const double v = exponent == 31  ? (fraction ? (double) NAN : (double) INFINITY)
                     : exponent == 0 ? ldexp(fraction, -24)
                                     : ldexp(1024 + fraction, exponent - 25);
    return h & 0x8000 ? -v : v;
}

static double from_bfloat(uint16_t b)
{
    const uint32_t bits = (uint32_t) b << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double) f;
}

void elements_as_double(const shown *a, int64_t from, int64_t n, double *to)
{
    const unsigned char *p = (const unsigned char *) a->data + (size_t) from * clg_dtype_size(a->dtype);
#define EACH(type, value)                                                                          \
    for (int64_t i = 0; i < n; i++) {                                                              \
        type v;                                                                                    \
        memcpy(&v, p + (size_t) i * sizeof v, sizeof v);                                           \
        to[i] = value;                                                                             \
    }                                                                                              \
    break
    switch (a->dtype) {
    case CLG_F32: EACH(float, (double) v);
    case CLG_F64: EACH(double, v);
    case CLG_F16: EACH(uint16_t, from_half(v));
    case CLG_BF16: EACH(uint16_t, from_bfloat(v));
    case CLG_I8: EACH(int8_t, v);
    case CLG_I16: EACH(int16_t, v);
    case CLG_I32: EACH(int32_t, v);
    case CLG_I64: EACH(int64_t, (double) v);
    case CLG_U16: EACH(uint16_t, v);
    case CLG_U32: EACH(uint32_t, v);
    case CLG_U64: EACH(uint64_t, (double) v);
    case CLG_U8:
    case CLG_BOOL: EACH(uint8_t, v);
    }
#undef EACH
}

bool is_whole(const shown *a)
{
    return clg_dtype_get_info(a->dtype)->kind != CLG_KIND_FLOAT;
}

bool is_signed(const shown *a)
{
    return clg_dtype_get_info(a->dtype)->kind == CLG_KIND_INT;
}

uint64_t element_as_integer(const shown *a, int64_t at)
{
    const size_t bytes = clg_dtype_size(a->dtype);
    const unsigned char *p = (const unsigned char *) a->data + (size_t) at * bytes;
    switch (bytes) {
    case 1: return is_signed(a) ? (uint64_t) (int64_t) (int8_t) p[0] : p[0];
    case 2: {
        int16_t v;
        memcpy(&v, p, sizeof v);
        return is_signed(a) ? (uint64_t) (int64_t) v : (uint16_t) v;
    }
    case 4: {
        int32_t v;
        memcpy(&v, p, sizeof v);
        return is_signed(a) ? (uint64_t) (int64_t) v : (uint32_t) v;
    }
    default: {
        uint64_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    }
}

// ---- sums

typedef struct sum {
    double total, lost;
} sum;

static void add(sum *s, double x)
{
    const double t = s->total + x;
    s->lost += fabs(s->total) >= fabs(x) ? (s->total - t) + x : (x - t) + s->total;
    s->total = t;
}

// ---- the passes

static void count_and_range(const shown *a, numbers *o)
{
    double v[BLOCK];
    for (int64_t at = 0; at < a->n; at += BLOCK) {
        const int64_t n = a->n - at < BLOCK ? a->n - at : BLOCK;
        elements_as_double(a, at, n, v);
        for (int64_t i = 0; i < n; i++) {
            o->nan += isnan(v[i]) != 0;
            o->infinite += isinf(v[i]) != 0;
            o->zeros += v[i] == 0;
            if (!isfinite(v[i]))
                continue;
            o->min = v[i] < o->min ? v[i] : o->min;
            o->max = v[i] > o->max ? v[i] : o->max;
        }
    }
    o->finite = a->n - o->nan - o->infinite;
}

// Integers of 64 bits are not all doubles.
static void whole_range(const shown *a, numbers *o)
{
    const uint64_t turn = is_signed(a) ? (uint64_t) 1 << 63 : 0; // puts signed ones in order
    uint64_t lo = UINT64_MAX, hi = 0;
    for (int64_t i = 0; i < a->n; i++) {
        const uint64_t v = element_as_integer(a, i) ^ turn;
        lo = v < lo ? v : lo;
        hi = v > hi ? v : hi;
    }
    o->whole_min = lo ^ turn;
    o->whole_max = hi ^ turn;
}

// The place between min and max, each with half the distance so that it is finite.
static int bin_of(const numbers *o, double x)
{
    const double span = o->max / 2 - o->min / 2, at = x / 2 - o->min / 2;
    const int k = span > 0 ? (int) (at / span * o->bins) : 0;
    return k < 0 ? 0 : k >= o->bins ? o->bins - 1 : k;
}

static void mean_and_spread(const shown *a, numbers *o, int bins)
{
    int exponent;
    double v[BLOCK];
    frexp(fmax(fabs(o->min), fabs(o->max)), &exponent);
    exponent = exponent < -1000 ? -1000 : exponent;
    const double scale = ldexp(1, -exponent);
    // Whole numbers that are few get a bin each.
    o->bins = is_whole(a) && o->max - o->min < bins ? (int) (o->max - o->min) + 1 : o->max > o->min ? bins : 1;
    for (int pass = 0; pass < 2; pass++) {
        sum s = { 0, 0 };
        const double about = pass ? o->mean * scale : 0;
        for (int64_t at = 0; at < a->n; at += BLOCK) {
            const int64_t n = a->n - at < BLOCK ? a->n - at : BLOCK;
            elements_as_double(a, at, n, v);
            for (int64_t i = 0; i < n; i++) {
                if (!isfinite(v[i]))
                    continue;
                const double x = v[i] * scale - about;
                add(&s, pass ? x * x : x);
                if (pass)
                    o->count[bin_of(o, v[i])]++;
            }
        }
        const double average = (s.total + s.lost) / (double) o->finite;
        if (pass)
            o->std = ldexp(sqrt(average), exponent);
        else
            o->mean = ldexp(average, exponent);
    }
    if (o->min == o->max) {
        o->mean = o->min;
        o->std = 0;
    }
}

void numbers_of(const shown *a, int bins, numbers *out)
{
    *out = (numbers) { .min = (double) INFINITY, .max = -(double) INFINITY };
    count_and_range(a, out);
    if (out->finite == 0) {
        out->min = out->max = out->mean = out->std = (double) NAN;
        return;
    }
    if (is_whole(a))
        whole_range(a, out);
    mean_and_spread(a, out, bins < HISTOGRAM_MOST ? bins : HISTOGRAM_MOST);
}
