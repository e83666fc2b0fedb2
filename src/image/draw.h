// SPDX-License-Identifier: MIT
// Draws on the host: Philox of seed, epoch and an image's number.
#ifndef CLG_IMAGE_DRAW_H
#define CLG_IMAGE_DRAW_H

#include "image.h"

#include <clgrad/augment.h>

typedef enum clg__draw_purpose { // which transform draws: numbers from 64 on, below are the loader's
    CLG__DRAW_HFLIP = 4, CLG__DRAW_VFLIP, CLG__DRAW_PLACE, CLG__DRAW_PART, CLG__DRAW_JITTER, CLG__DRAW_ERASE, CLG__DRAW_MIX,
    // above the numbers of Beta; n up to 1023
    CLG__DRAW_RAND = 256, CLG__DRAW_TRIVIAL = 320, CLG__DRAW_AUTO = 384, CLG__DRAW_AUGMIX = 448,
    CLG__DRAW_WEIGHTS = 512 // to the end
} clg__draw_purpose;

typedef struct clg__part {
    int64_t y, x, h, w;
} clg__part;

// Four numbers in [0, 1) of image i of the batch; `n` counts draws of one purpose, up to 15.
void clg__draw(const clg_draw_key *key, int64_t i, clg__draw_purpose what, int n, double out[4]);
// A whole number in [0, n).
int64_t clg__draw_whole(double u, int64_t n);
// The numbers of p, or these where it has none. NULL, or what is wrong.
const char *clg__part_params(struct clg_random_part *q, const struct clg_random_part *p, const double usual[4]);
// A part of an image of h x w. `within`: smaller than it on both sides. False when ten tries found none.
bool clg__draw_part(const clg_draw_key *key, int64_t i, clg__draw_purpose what, const struct clg_random_part *p, bool within,
                    int64_t h, int64_t w, clg__part *out);
// Of Beta(alpha, alpha), one for the batch.
double clg__draw_beta(const clg_draw_key *key, double alpha);
// Of Dirichlet(alpha, ...), n numbers for image i; `*from` counts draws of CLG__DRAW_WEIGHTS.
void clg__draw_dirichlet(const clg_draw_key *key, int64_t i, double alpha, int n, int *from, double *out);
#endif
