// SPDX-License-Identifier: MIT
// Attention. What ops.h says of every operation holds here too.
#ifndef CLGRAD_ATTENTION_H
#define CLGRAD_ATTENTION_H

#include <clgrad/tensor.h>

CLG_BEGIN

struct clg_attention_params {
    size_t size;
    clg_tensor mask; // NULL: none
    bool is_causal;  // query i sees keys 0 to i
    double scale;    // 0: 1 / sqrt(E)
    bool use_scale;  // scale is what it says, 0 included
    double dropout;  // of a weight: probability of 0; the others are divided by 1 - dropout
    bool enable_gqa; // heads of k and v serve several heads of q each
};
#define clg_attention_params(...)                                                                  \
    (&(struct clg_attention_params) { .size = sizeof(struct clg_attention_params), __VA_ARGS__ })

// Scaled dot product attention.
//
//   y = softmax(scale q k^T + mask) v, over keys; those where a BOOL mask is false are left out
//
// A row whose keys are all left out is 0. What is dropped is drawn as clg_dropout draws it, from an
// element for each weight [..,L,S]. The weights are not stored, so memory grows with L and S but
// not with their product, unless rows are longer than kernels can hold. They are stored for the
// gradient of a mask that is added, and for second derivatives.
//
// q       [..,L,E]      float
// k       [..,S,E]      type of q
// v       [..,S,V]      type of q. Dimensions before the last two broadcast; with enable_gqa those
//         before the last three, and heads, the third from the end, of k and v divide those of q
// p       may be NULL. mask: BOOL, F32 or of the type of q, broadcasts to [..,L,S]
// result  [..,L,V], type of q
// grad    q, k, v, and a mask that is added
// errors  CLG_EDTYPE    types differ or are not floating, or mask's is neither BOOL, F32 nor q's
//         CLG_ESHAPE    rank below 2, sizes that differ, heads that do not divide, or dimensions
//                       that do not broadcast
//         CLG_EINVAL    mask together with is_causal, dropout not from 0 to 1, scale not finite
// source  Vaswani et al. 2017, section 3.2; Dao et al. 2022
CLG_API clg_tensor clg_scaled_dot_product_attention(clg_tensor q, clg_tensor k, clg_tensor v,
                                                    const struct clg_attention_params *p);

CLG_END
#endif
