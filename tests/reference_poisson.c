// SPDX-License-Identifier: MIT
// Poisson draws in double, from the same states; where a decision is closer than rounding, any number is right.
#include "reference.h"

#include <math.h>
#include <string.h>

static void words(int64_t state, uint32_t turn, uint32_t c[4])
{
    uint32_t k[2] = { 0x736f6e73u, 0x64726177u };
    c[0] = (uint32_t) state, c[1] = (uint32_t) (state >> 32), c[2] = turn, c[3] = 0x706f6973u;
    for (int r = 0; r < 10; r++) {
        const uint64_t a = (uint64_t) 0xD2511F53u * c[0], b = (uint64_t) 0xCD9E8D57u * c[2];
        const uint32_t n[4] = { (uint32_t) (b >> 32) ^ c[1] ^ k[0], (uint32_t) b, (uint32_t) (a >> 32) ^ c[3] ^ k[1], (uint32_t) a };
        memcpy(c, n, sizeof n);
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
}

static double few(double rate, int64_t state, double unit, bool *unsure)
{
    double product = 1;
    for (uint32_t k = 0;; k += 4) {
        uint32_t w[4];
        words(state, k, w);
        for (int j = 0; j < 4; j++) {
            product *= 1 - ((w[j] >> 1) + 0.5) * 0x1p-31;
            *unsure |= fabs(product - exp(-rate)) <= 1e2 * unit * (product + (k + j == 0));
            if (product < exp(-rate))
                return k + j;
        }
    }
}

static double many(double rate, int64_t state, double unit, bool *unsure)
{
    const double b = 0.931 + 2.53 * sqrt(rate), a = 0.02483 * b - 0.059, near = 1e4 * fmax(unit, 1e-12);
    const double scale = 1.1239 + 1.1328 / (b - 3.4), inner = 0.9277 - 3.6224 / (b - 2);
    for (uint32_t n = 0;; n++) {
        uint32_t w[4];
        words(state, n, w);
        const double u = ((w[0] >> 9) + 0.5) * 0x1p-23 - 0.5 + ((double) (w[1] >> 9) - 0x1p22) * 0x1p-46;
        const double v = ((w[2] >> 9) + 0.5) * 0x1p-23, edge = 0.5 - fabs(u), place = (2 * a / edge + b) * u + rate + 0.43;
        const double k = floor(place);
        *unsure |= fabs(place - rint(place)) <= 16 * fmax(unit, 1e-9) * (rate + b + a / (edge * edge));
        *unsure |= fabs(edge - 0.07) < near || fabs(v - inner) < near;
        if (edge >= 0.07 && v <= inner)
            return k;
        *unsure |= fabs(edge - 0.013) < near || fabs(v - edge) < near;
        if (k < 0 || (edge < 0.013 && v > edge))
            continue;
        const double have = log(v * scale / (a / (edge * edge) + b)), want = k * log(rate) - rate - lgamma(k + 1);
        *unsure |= fabs(have - want) < near * (1 + fabs(k - rate)) + 1e-6;
        if (have <= want)
            return k;
    }
}

bool reference_poisson(const char *name, const ref_value *const *in, ref_value *out)
{
    if (strcmp(name, "poisson") != 0)
        return false;
    for (int64_t i = 0; out && i < out->n; i++) {
        const double rate = in[0]->f[i], unit = reference_unit(out->dtype);
        bool unsure = reference_error(in[0], i) > 0 || fabs(rate - 10) < 1e-5;
        out->f[i] = rate < 0 ? NAN : !(rate > 0) || isinf(rate) ? rate
                  : rate < 10 ? few(rate, in[1]->i[i], unit, &unsure) : many(rate, in[1]->i[i], unit, &unsure);
        if (out->e)
            out->e[i] = unsure ? INFINITY : 0;
    }
    return true;
}
