// SPDX-License-Identifier: MIT
// A convolution's numbers, shared by its three ops and their kernels.
#ifndef CLG_OPS_CONV_H
#define CLG_OPS_CONV_H

#include "graph/op.h"

typedef struct clg__conv {
    int n, c, h, w, o, oh, ow, kh, kw, groups;
    int sh, sw, ph, pw, dh, dw; // stride, padding, dilation
} clg__conv;

enum { CLG__CONV_VARIANTS = 3 };
extern const clg__variant clg__conv_y_variants[], clg__conv_dx_variants[], clg__conv_dw_variants[];
#endif
