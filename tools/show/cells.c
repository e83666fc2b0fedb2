// SPDX-License-Identifier: MIT
// Elements to cells of a picture, and cells to colours.
#include "picture.h"

#include "../pictures/plot.h"

#include <float.h>
#include <math.h>

enum { NOT_FINITE = 0xE6007E };

void plane_cells(const shown *a, const plane *p, int ph, int pw, double *to)
{
    for (int y = 0; y < ph; y++) {
        const int64_t top = p->h * y / ph, bottom = p->h * (y + 1) / ph;
        for (int x = 0; x < pw; x++) {
            const int64_t left = p->w * x / pw, right = p->w * (x + 1) / pw;
            const double count = (double) ((bottom - top) * (right - left));
            double sum = 0;
            for (int64_t i = top; i < bottom; i++) {
                for (int64_t k = left; k < right; k++) {
                    double v;
                    elements_as_double(a, p->at + i * p->down + k * p->across, 1, &v);
                    sum += v / count; // so that large numbers stay finite
                }
            }
            to[(int64_t) y * pw + x] = isfinite(sum) ? sum : (double) NAN;
        }
    }
}

scale scale_of(const numbers *n, bool gray)
{
    if (n->finite == 0)
        return (scale) { 0, 1, false, gray };
    if (n->min < 0 && n->max > 0 && !gray) {
        const double most = fmax(-n->min, n->max);
        return (scale) { -most, most, true, false };
    }
    const double room = n->max > n->min ? 0 : fmax(1, fabs(n->min)) / 2; // one number is in the middle
    return (scale) { n->min - room, fmin(n->max + room, DBL_MAX), false, gray };
}

static double share_of(const scale *s, double v)
{
    return (v / 2 - s->lo / 2) / (s->hi / 2 - s->lo / 2); // halves, so that the span is finite
}

uint32_t scale_color(const scale *s, double v)
{
    if (!isfinite(v))
        return NOT_FINITE;
    const double share = share_of(s, v);
    if (s->gray)
        return mixed(0x000000, WHITE, share);
    if (!s->signs)
        return viridis(share);
    return share < 0.5 ? mixed(BLUE, WHITE, 2 * share) : mixed(WHITE, VERMILLION, 2 * share - 1);
}

void cells_to_pixels(const scale *s, const double *cells, int count, int planes, uint8_t *rgb)
{
    for (int i = 0; i < count; i++) {
        bool finite = true;
        for (int c = 0; c < 3; c++)
            finite = finite && isfinite(cells[planes == 3 ? c * count + i : i]);
        const uint32_t k = scale_color(s, planes == 3 && finite ? s->lo : cells[i]);
        for (int c = 0; c < 3; c++) {
            const double share = finite && planes == 3 ? share_of(s, cells[c * count + i]) : 0;
            rgb[3 * i + c] = !finite          ? (uint8_t) (NOT_FINITE >> (16 - 8 * c) & 255)
                             : planes == 3 ? (uint8_t) (255 * (share < 0 ? 0 : share > 1 ? 1 : share) + 0.5)
                                              : (uint8_t) (k >> (16 - 8 * c) & 255);
        }
    }
}
