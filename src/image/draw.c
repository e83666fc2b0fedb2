// SPDX-License-Identifier: MIT
// Draws of random transforms: places, parts, Beta.
#include "draw.h"

#include "base/fp.h"
#include "base/philox.h"

#include <math.h>

enum { TRIES = 10, MOST_TRIES = 1000 };

static void numbers(const clg_draw_key *key, int64_t i, uint64_t counter, double out[4])
{
    uint32_t r[4];
    const int64_t at = key->samples ? key->samples[i] : key->first + i;
    clg__philox((uint64_t) at, key->seed, counter, r);
    for (int k = 0; k < 4; k++)
        out[k] = r[k] * 0x1p-32;
}

void clg__draw(const clg_draw_key *key, int64_t i, clg__draw_purpose what, int n, double out[4])
{
    numbers(key, i, (uint64_t) key->epoch << 16 | (uint64_t) (16 * (int) what + n), out);
}

int64_t clg__draw_whole(double u, int64_t n)
{
    const int64_t v = (int64_t) (u * (double) n);
    return v < n ? v : n - 1;
}

const char *clg__part_params(struct clg_random_part *q, const struct clg_random_part *p, const double usual[4])
{
    const char *wrong = clg_params_read(q, sizeof *q, p);
    if (wrong)
        return wrong;
    if (q->area_lo == 0 && q->area_hi == 0)
        q->area_lo = usual[0], q->area_hi = usual[1];
    if (q->ratio_lo == 0 && q->ratio_hi == 0)
        q->ratio_lo = usual[2], q->ratio_hi = usual[3];
    return q->area_lo > 0 && q->area_lo <= q->area_hi && q->area_hi <= 1 && q->ratio_lo > 0 && q->ratio_lo <= q->ratio_hi &&
                   isfinite(q->ratio_hi)
               ? NULL : "areas are within 0 and 1, ratios above 0, from the smaller to the larger";
}

bool clg__draw_part(const clg_draw_key *key, int64_t i, clg__draw_purpose what, const struct clg_random_part *p, bool within,
                    int64_t h, int64_t w, clg__part *out)
{
    CLG__DEFAULT_FP;
    const double lo = log(p->ratio_lo), hi = log(p->ratio_hi);
    for (int n = 0; n < TRIES; n++) {
        double u[4];
        clg__draw(key, i, what, n, u);
        const double area = (double) h * (double) w * (p->area_lo + (p->area_hi - p->area_lo) * u[0]);
        const double ratio = exp(lo + (hi - lo) * u[1]), pw = rint(sqrt(area * ratio)), ph = rint(sqrt(area / ratio));
        const double spare = within ? 1 : 0;
        if (pw > 0 && ph > 0 && pw <= (double) w - spare && ph <= (double) h - spare) {
            *out = (clg__part) { clg__draw_whole(u[2], h - (int64_t) ph + 1), clg__draw_whole(u[3], w - (int64_t) pw + 1),
                                 (int64_t) ph, (int64_t) pw };
            return true;
        }
    }
    int64_t pw = w, ph = h;
    if ((double) w / (double) h < p->ratio_lo)
        ph = (int64_t) rint((double) w / p->ratio_lo);
    else if ((double) w / (double) h > p->ratio_hi)
        pw = (int64_t) rint((double) h * p->ratio_hi);
    ph = ph < 1 ? 1 : ph > h ? h : ph;
    pw = pw < 1 ? 1 : pw > w ? w : pw;
    *out = (clg__part) { (h - ph) / 2, (w - pw) / 2, ph, pw };
    return false;
}

// Marsaglia and Tsang 2000; below 1 by a power of a uniform number.
static double gamma_draw(const clg_draw_key *key, int64_t image, int base, double shape, int *n)
{
    double u[4], boost = 1;
    if (shape < 1) {
        numbers(key, image, (uint64_t) key->epoch << 16 | (uint64_t) (base + (*n)++), u);
        boost = pow(u[0] + 0x1p-33, 1 / shape);
        shape += 1;
    }
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (int i = 0; i < MOST_TRIES; i++) {
        numbers(key, image, (uint64_t) key->epoch << 16 | (uint64_t) (base + (*n)++), u);
        const double z = sqrt(-2 * log(u[0] + 0x1p-33)) * cos(6.283185307179586 * u[1]), v = pow(1 + c * z, 3);
        if (1 + c * z > 0 && log(u[2] + 0x1p-33) < z * z / 2 + d - d * v + d * log(v))
            return boost * d * v;
    }
    return boost * d;
}

double clg__draw_beta(const clg_draw_key *key, double alpha)
{
    CLG__DEFAULT_FP;
    int n = 0;
    const int base = 16 * CLG__DRAW_MIX + 1000;
    const double a = gamma_draw(key, 0, base, alpha, &n), b = gamma_draw(key, 0, base, alpha, &n);
    return a + b > 0 ? a / (a + b) : 0.5;
}

void clg__draw_dirichlet(const clg_draw_key *key, int64_t i, double alpha, int n, int *from, double *out)
{
    CLG__DEFAULT_FP;
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += out[k] = gamma_draw(key, i, 16 * CLG__DRAW_WEIGHTS, alpha, from);
    for (int k = 0; k < n; k++)
        out[k] = sum > 0 ? out[k] / sum : 1.0 / n;
}
