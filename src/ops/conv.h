// SPDX-License-Identifier: MIT
// A convolution's kernels: of y, dx and dw, for images of two dimensions and of three.
#ifndef CLG_OPS_CONV_H
#define CLG_OPS_CONV_H

#include "ops/window.h"

enum { CLG__CONV_VARIANTS = 3 };
extern const clg__variant clg__conv_y_variants[], clg__conv_dx_variants[], clg__conv_dw_variants[];
#endif
