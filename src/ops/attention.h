// SPDX-License-Identifier: MIT
// Attention's nodes, for the files that record them (attention.c) and plan their kernels (attention_plan.c).
#ifndef CLG_OPS_ATTENTION_H
#define CLG_OPS_ATTENTION_H

#include "graph/op.h"

// Inputs: q [B,H,G,L,E], k [B,H,1,S,E], v [B,H,1,S,V], where `mask` says so a mask [B,H,G,L,S], and with dropout a
// draw; backwards o, top, sum and g too. Any steps, but for those of o, top and sum.
typedef enum clg__mask_kind { CLG__NO_MASK, CLG__MASK_BOOL, CLG__MASK_ADDED } clg__mask_kind;
typedef struct clg__attention {
    double scale, dropout;
    bool causal;
    clg__mask_kind mask;
} clg__attention;

enum { CLG__ATTENTION_VARIANTS = 2 };
extern const clg__variant clg__attention_variants[], clg__attention_back_variants[];

// Do kernels take attention of these sizes, and is it better to have them than products and a softmax?
bool clg__attention_is_fused(const clg__caps *caps, clg_dtype t, const clg_shape *q, const clg_shape *k, const clg_shape *v);
#endif
