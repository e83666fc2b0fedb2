// SPDX-License-Identifier: MIT
// What pooling's ops and their kernels share.
#ifndef CLG_OPS_POOL_H
#define CLG_OPS_POOL_H

#include "ops/window.h"

typedef struct clg__pool {
    clg__window w;
    bool adaptive;        // windows as the sizes of image and result want them
    int exclude, divisor; // averages
} clg__pool;

enum { CLG__MAX_VARIANTS = 4, CLG__SCATTER_VARIANTS = 5, CLG__AVG_VARIANTS = 3, CLG__AVG_BACK_VARIANTS = 4 };
extern const clg__variant clg__max_variants[], clg__scatter_variants[], clg__gather_variants[],
    clg__avg_variants[], clg__avg_back_variants[];
#endif
