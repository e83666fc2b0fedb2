// SPDX-License-Identifier: MIT
// Layers of transformers. Parameters have PyTorch's names, shapes and first values.
#ifndef CLGRAD_TRANSFORMER_H
#define CLGRAD_TRANSFORMER_H

#include <clgrad/nn.h>

CLG_BEGIN

struct clg_nn_attention_params {
    size_t size;
    int heads; // H
    // Which keys are left out: BOOL, where true, or F32, which is added to the products. This is
    // PyTorch's convention for layers; clg_scaled_dot_product_attention has the opposite one.
    clg_tensor attn_mask;        // [L,S] or [N*H,L,S]; may be NULL
    clg_tensor key_padding_mask; // [N,S], or [S] without a batch; may be NULL
    bool is_causal;   // query i sees keys 0 to i, beside the masks
    bool batch_first; // q, k, v and the result are [N,L,...]
    bool no_bias;
    double dropout;      // of weights, while the store trains
    clg_tensor *weights; // where the weights go, before dropout; NULL: they are not stored
    bool per_head;       // those of each head, not their mean
};
#define clg_nn_attention_params(...)                                                               \
    (&(struct clg_nn_attention_params) {                                                           \
        .size = sizeof(struct clg_nn_attention_params), __VA_ARGS__ })

// Multi-head attention.
//
//   y = out_proj(concat_h softmax(q_h k_h^T / sqrt(E/H) + masks) v_h), of projections of q, k and v
//
// s, name the store; parameters name.in_proj_weight [3E,E] or, where k or v has not E columns,
//         q_proj_weight [E,E], k_proj_weight [E,K] and v_proj_weight [E,V]; in_proj_bias [3E],
//         out_proj.weight [E,E], out_proj.bias [E]
// q       [L,N,E], [N,L,E] with batch_first, or [L,E]   F32
// k       [S,N,K], [N,S,K], or [S,K]
// v       [S,N,V], [N,S,V], or [S,V]
// p       heads is needed, and divides E. weights: [N,L,S], with per_head [N,H,L,S], both without N
//         where q has none
// result  shape of q. A query whose keys are all left out is made of zeros
// grad    q, k, v, the parameters, and masks that are added
// errors  CLG_ESHAPE    ranks, sizes that differ, or heads
//         CLG_EDTYPE    a mask is neither BOOL nor F32, q, k or v not F32
//         CLG_EINVAL    NULL, dropout not from 0 to 1, or p is refused by clg_params_read; those of
//                       clg_store_param
// source  Vaswani et al. 2017, section 3.2.2
CLG_API clg_tensor clg_nn_multihead_attention(clg_store s, const char *name, clg_tensor q,
                                              clg_tensor k, clg_tensor v,
                                              const struct clg_nn_attention_params *p);

struct clg_nn_transformer_params {
    size_t size;
    int heads;
    int feedforward; // width of the inner layer; 0: 2048
    double dropout;  // while the store trains; 0, where PyTorch has 0.1
    double eps;      // of the norms; 0: 1e-5
    bool gelu;       // in place of relu
    bool norm_first; // norms before attention and inner layers, not after
    bool batch_first, no_bias;
    // as of clg_nn_attention_params, of attention within x
    clg_tensor mask, key_padding_mask;
    bool is_causal;
    // of a decoder's attention to memory
    clg_tensor memory_mask, memory_key_padding_mask;
    bool memory_is_causal;
    bool final_norm; // of a stack: a norm behind its last layer
};
#define clg_nn_transformer_params(...)                                                             \
    (&(struct clg_nn_transformer_params) {                                                         \
        .size = sizeof(struct clg_nn_transformer_params), __VA_ARGS__ })

// One layer of a transformer's encoder.
//
//   x1 = norm1(x + self_attn(x)), y = norm2(x1 + linear2(act(linear1(x1))))
//
// With norm_first: x1 = x + self_attn(norm1(x)), y = x1 + linear2(act(linear1(norm2(x1)))).
//
// s, name the store; parameters of name.self_attn (clg_nn_multihead_attention), name.linear1,
//         linear2, norm1 and norm2
// x       [L,N,E], [N,L,E] with batch_first, or [L,E]   F32
// p       heads is needed
// result  shape of x
// grad    x, the parameters, and masks that are added
// errors  as of clg_nn_multihead_attention
CLG_API clg_tensor clg_nn_transformer_encoder_layer(clg_store s, const char *name, clg_tensor x,
                                                    const struct clg_nn_transformer_params *p);

// One layer of a transformer's decoder.
//
//   x1 = norm1(x + self_attn(x)), x2 = norm2(x1 + multihead_attn(x1, memory)),
//   y = norm3(x2 + linear2(act(linear1(x2))))
//
// s, name the store; parameters of name.self_attn, name.multihead_attn, linear1, linear2, and norm1
//         to norm3
// x       as of clg_nn_transformer_encoder_layer
// memory  the encoder's result, as wide as x: [S,N,E], [N,S,E], or [S,E]
// p       heads is needed
// result  shape of x
// grad    x, memory, the parameters, and masks that are added
// errors  as of clg_nn_multihead_attention
CLG_API clg_tensor clg_nn_transformer_decoder_layer(clg_store s, const char *name, clg_tensor x,
                                                    clg_tensor memory,
                                                    const struct clg_nn_transformer_params *p);

// A stack of encoder layers: name.layers.0, name.layers.1 and so on, and name.norm with final_norm.
//
// s, name, x, p   as of clg_nn_transformer_encoder_layer
// layers  1 or more
// result  shape of x
// grad    as of clg_nn_transformer_encoder_layer
// errors  as of clg_nn_transformer_encoder_layer; CLG_EINVAL: layers
CLG_API clg_tensor clg_nn_transformer_encoder(clg_store s, const char *name, clg_tensor x,
                                              int layers,
                                              const struct clg_nn_transformer_params *p);

// A stack of decoder layers, named as those of clg_nn_transformer_encoder.
//
// s, name, x, memory, p   as of clg_nn_transformer_decoder_layer
// layers  1 or more
// result  shape of x
// grad    as of clg_nn_transformer_decoder_layer
// errors  as of clg_nn_transformer_decoder_layer; CLG_EINVAL: layers
CLG_API clg_tensor clg_nn_transformer_decoder(clg_store s, const char *name, clg_tensor x,
                                              clg_tensor memory, int layers,
                                              const struct clg_nn_transformer_params *p);

CLG_END
#endif
