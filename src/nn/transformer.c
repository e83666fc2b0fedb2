// SPDX-License-Identifier: MIT
// Multi-head attention and layers of transformers: projections and masks around the attention of ops/attention.c.
#include "nn/fp.h"
#include "nn/layer.h"
#include <clgrad/arrange.h>
#include <clgrad/attention.h>
#include <clgrad/create.h>
#include <clgrad/transformer.h>

#include <math.h>
#include <stdio.h>

// ---- attention

typedef struct attention {
    struct clg_nn_attention_params p;
    int64_t n, queries, keys, width, depth; // depth: of a head
    clg_tensor w[3], b[3], out_w, out_b;    // biases may be NULL
    bool packed;                            // w are rows of one weight
    clg_tensor all_w, all_b;
} attention;

static clg_tensor row_part(clg_tensor t, int64_t k, int64_t many)
{
    return clg_slice(t, 0, k * many, (k + 1) * many, 1);
}

static bool take_parameters(const clg__layer *l, attention *a, int64_t k_width, int64_t v_width)
{
    static const char *const parts[3] = { "q_proj_weight", "k_proj_weight", "v_proj_weight" };
    const clg_init xavier = { .kind = CLG_INIT_XAVIER_UNIFORM }, zero = { .kind = CLG_INIT_CONSTANT };
    const int64_t e = a->width, in[3] = { e, k_width, v_width };
    clg_var w = NULL, v[3] = { NULL, NULL, NULL };
    a->packed = k_width == e && v_width == e;
    if (a->packed)
        w = clg__layer_param(l, "in_proj_weight", CLG_SHAPE(3 * e, e), xavier, e);
    for (int i = 0; i < 3 && !a->packed; i++)
        v[i] = clg__layer_param(l, parts[i], CLG_SHAPE(e, in[i]), xavier, in[i]);
    const clg_var b = a->p.no_bias ? NULL : clg__layer_param(l, "in_proj_bias", CLG_SHAPE(3 * e), zero, e);
    const clg_var out_w = clg__layer_param(l, "out_proj.weight", CLG_SHAPE(e, e), (clg_init) { 0 }, e);
    const clg_var out_b = a->p.no_bias ? NULL : clg__layer_param(l, "out_proj.bias", CLG_SHAPE(e), zero, e);
    if (!out_w || (!a->p.no_bias && (!b || !out_b)) || (a->packed ? !w : !v[0] || !v[1] || !v[2]))
        return false;
    a->all_w = w ? clg_var_value(w) : NULL;
    a->all_b = b ? clg_var_value(b) : NULL;
    for (int i = 0; i < 3; i++) {
        a->w[i] = w ? row_part(a->all_w, i, e) : clg_var_value(v[i]);
        a->b[i] = b ? row_part(a->all_b, i, e) : NULL;
    }
    a->out_w = clg_var_value(out_w);
    a->out_b = out_b ? clg_var_value(out_b) : NULL;
    return true;
}

static clg_tensor linear(clg_tensor x, clg_tensor w, clg_tensor b)
{
    const clg_tensor y = clg_matmul(x, clg_transpose(w, 0, 1));
    return b ? clg_add(y, b) : y;
}

// [N,L,E] as [N,H,L,D].
static clg_tensor heads_of(const attention *a, clg_tensor t)
{
    return clg_transpose(clg_reshape(t, CLG_SHAPE(a->n, -1, a->p.heads, a->depth)), 1, 2);
}

// What is alike is projected together: x by all three weights, or memory by those of keys and values.
static void project(const attention *a, const clg_tensor in[3], clg_tensor out[3])
{
    const int64_t e = a->width;
    for (int i = 0, many; i < 3; i += many) {
        many = 1;
        while (a->packed && i + many < 3 && in[i + many] == in[i])
            many++;
        const clg_tensor w = many == 1 ? a->w[i] : clg_slice(a->all_w, 0, i * e, (i + many) * e, 1);
        const clg_tensor b = many == 1 || !a->all_b ? a->b[i] : clg_slice(a->all_b, 0, i * e, (i + many) * e, 1);
        const clg_tensor y = linear(in[i], w, b);
        for (int k = 0; k < many; k++)
            out[i + k] = heads_of(a, many == 1 ? y : clg_slice(y, 2, k * e, (k + 1) * e, 1));
    }
}

// What is added to the products, or where keys take part, from both masks and causality; NULL: nothing.
static clg_tensor mask_of(const attention *a, clg_device dev)
{
    clg_tensor m[2] = { a->p.attn_mask, a->p.key_padding_mask }, all = NULL;
    if (m[0]) // [N*H,L,S]
        m[0] = m[0]->shape.rank == 2 ? m[0] : clg_reshape(m[0], CLG_SHAPE(a->n, a->p.heads, a->queries, a->keys));
    if (m[1])
        m[1] = clg_reshape(m[1], CLG_SHAPE(a->n, 1, 1, a->keys));
    const bool added = (m[0] && m[0]->dtype != CLG_BOOL) || (m[1] && m[1]->dtype != CLG_BOOL);
    clg_tensor out = NULL; // where keys are left out
    for (int i = 0; i < 2; i++) {
        if (m[i] && m[i]->dtype == CLG_BOOL)
            out = out ? clg_logical_or(out, m[i]) : m[i];
        else if (m[i])
            all = all ? clg_add(all, m[i]) : m[i];
    }
    if (a->p.is_causal && (out || added)) {
        const clg_tensor later = clg_triu(clg_ones(dev, CLG_BOOL, CLG_SHAPE(a->queries, a->keys)), 1);
        out = out ? clg_logical_or(out, later) : later;
    }
    if (!added)
        return out ? clg_logical_not(out) : NULL;
    return out ? clg_where(out, clg_full(dev, CLG_F32, CLG_SCALAR, -INFINITY), all) : all;
}

// The weights alone, for who wants to see them: the attention does not store them.
static clg_tensor weights_of(const attention *a, const clg_tensor part[3], clg_tensor mask)
{
    clg_tensor t = clg_mul_scalar(clg_matmul(part[0], clg_transpose(part[1], 2, 3)), 1 / sqrt((double) a->depth));
    const clg_tensor none = clg_full(t->dev, CLG_F32, CLG_SCALAR, -INFINITY);
    if (mask && mask->dtype == CLG_BOOL)
        t = clg_where(mask, t, none);
    else if (mask)
        t = clg_add(t, mask);
    if (!mask && a->p.is_causal)
        t = clg_where(clg_tril(clg_ones(t->dev, CLG_BOOL, CLG_SHAPE(a->queries, a->keys)), 0), t, none);
    const clg_tensor y = clg_softmax(t, -1);
    return a->p.per_head ? y : clg_mean(y, CLG_AXES(1), false);
}

// NULL: go on.
static clg_tensor check(const clg__layer *l, attention *a, const clg_tensor in[3], bool batched)
{
    const struct clg_nn_attention_params *p = &a->p;
    const int rank = in[0]->shape.rank;
    if (!(p->dropout >= 0 && p->dropout <= 1))
        return clg__layer_refuse(l, CLG_EINVAL, "dropout is not from 0 to 1");
    for (int i = 0; i < 3; i++) {
        if (in[i]->dtype != CLG_F32)
            return clg__layer_refuse(l, CLG_EDTYPE, "q, k and v are F32");
        if (rank < 2 || rank > 3 || in[i]->shape.rank != rank)
            return clg__layer_refuse(l, CLG_ESHAPE, "q, k and v have not the same rank of 2 or 3");
    }
    const int time = batched && p->batch_first ? 1 : 0;
    a->n = batched ? in[0]->shape.dim[1 - time] : 1;
    a->queries = in[0]->shape.dim[time];
    a->keys = in[1]->shape.dim[time];
    a->width = in[0]->shape.dim[rank - 1];
    if (in[2]->shape.dim[time] != a->keys)
        return clg__layer_refuse(l, CLG_ESHAPE, "k and v differ in length");
    if (batched && (in[1]->shape.dim[1 - time] != a->n || in[2]->shape.dim[1 - time] != a->n))
        return clg__layer_refuse(l, CLG_ESHAPE, "q, k and v differ in their batch");
    if (p->heads < 1 || a->width < 1 || a->width % p->heads)
        return clg__layer_refuse(l, CLG_ESHAPE, "heads do not divide the columns of q");
    a->depth = a->width / p->heads;
    const clg_tensor m = p->attn_mask, pad = p->key_padding_mask;
    if ((m && m->dtype != CLG_BOOL && m->dtype != CLG_F32) || (pad && pad->dtype != CLG_BOOL && pad->dtype != CLG_F32))
        return clg__layer_refuse(l, CLG_EDTYPE, "masks are BOOL or F32");
    if (m && !(m->shape.rank == 2 || (m->shape.rank == 3 && m->shape.dim[0] == a->n * p->heads)))
        return clg__layer_refuse(l, CLG_ESHAPE, "attn_mask is not [L,S] or [N*heads,L,S]");
    if (m && (m->shape.dim[m->shape.rank - 2] != a->queries || m->shape.dim[m->shape.rank - 1] != a->keys))
        return clg__layer_refuse(l, CLG_ESHAPE, "attn_mask is not [L,S] or [N*heads,L,S]");
    if (pad && (pad->shape.rank != (batched ? 2 : 1) || pad->shape.dim[pad->shape.rank - 1] != a->keys ||
                (batched && pad->shape.dim[0] != a->n)))
        return clg__layer_refuse(l, CLG_ESHAPE, batched ? "key_padding_mask is not [N,S]" : "key_padding_mask is not [S]");
    return NULL;
}

clg_tensor clg_nn_multihead_attention(clg_store s, const char *name, clg_tensor q, clg_tensor k, clg_tensor v,
                                      const struct clg_nn_attention_params *p)
{
    DEFAULT_FP;
    attention a = { .n = 1 };
    clg__layer l;
    clg_tensor in[5] = { q, k, v }, part[3];
    int n = 3;
    clg_tensor bad = clg__layer_begin(&l, "nn_multihead_attention", s, name, q);
    if (bad)
        return bad;
    const char *wrong = p ? clg_params_read(&a.p, sizeof a.p, p) : "NULL params";
    if (wrong)
        return clg__layer_refuse(&l, CLG_EINVAL, wrong);
    if (a.p.attn_mask)
        in[n++] = a.p.attn_mask;
    if (a.p.key_padding_mask)
        in[n++] = a.p.key_padding_mask;
    bad = clg_check_inputs("nn_multihead_attention", "q k v, and masks", in, n);
    if (bad)
        return bad;
    const bool batched = q->shape.rank == 3;
    bad = check(&l, &a, in, batched);
    if (bad)
        return bad;
    if (!take_parameters(&l, &a, k->shape.dim[k->shape.rank - 1], v->shape.dim[v->shape.rank - 1]))
        return clg__layer_missing(&l);
    clg__layer_enter(&l);
    for (int i = 0; i < 3; i++) { // one that is given twice stays one
        const int same = i > 0 && (i == 1 ? k == q : v == k || v == q) ? (i == 1 || v == q ? 0 : 1) : -1;
        clg_tensor t = i == 0 ? q : i == 1 ? k : v;
        in[i] = same >= 0 ? in[same] : !batched ? clg_unsqueeze(t, 0) : a.p.batch_first ? t : clg_transpose(t, 0, 1);
    }
    project(&a, in, part);
    const clg_tensor mask = mask_of(&a, q->dev);
    const double dropout = clg_store_is_training(s) ? a.p.dropout : 0;
    clg_tensor y = clg_scaled_dot_product_attention(part[0], part[1], part[2], clg_attention_params(
        .mask = mask, .is_causal = a.p.is_causal && !mask, .dropout = dropout));
    y = linear(clg_reshape(clg_transpose(y, 1, 2), CLG_SHAPE(a.n, a.queries, a.width)), a.out_w, a.out_b);
    y = !batched ? clg_squeeze(y, CLG_AXES(0)) : a.p.batch_first ? y : clg_transpose(y, 0, 1);
    if (a.p.weights) {
        *a.p.weights = weights_of(&a, part, mask);
        if (!batched)
            *a.p.weights = clg_squeeze(*a.p.weights, CLG_AXES(0));
    }
    return clg__layer_leave(&l, y);
}

// ---- layers and stacks

typedef struct block {
    clg_store s;
    const char *name;
    const struct clg_nn_transformer_params *p;
} block;

// name.part, cut where clg_store_param refuses it anyway
static const char *part_of(const block *b, const char *part, char full[300])
{
    snprintf(full, 300, "%.256s.%s", b->name, part);
    return full;
}

static clg_tensor normed(const block *b, const char *part, clg_tensor x)
{
    char full[300];
    return clg_nn_layer_norm(b->s, part_of(b, part, full), x, clg_nn_norm_params(.eps = b->p->eps, .no_bias = b->p->no_bias));
}

static clg_tensor attended(const block *b, bool within, clg_tensor x, clg_tensor memory)
{
    char full[300];
    const struct clg_nn_transformer_params *p = b->p;
    const clg_tensor y = clg_nn_multihead_attention(
        b->s, part_of(b, within ? "self_attn" : "multihead_attn", full), x, memory, memory,
        clg_nn_attention_params(.heads = p->heads, .attn_mask = within ? p->mask : p->memory_mask,
                                .key_padding_mask = within ? p->key_padding_mask : p->memory_key_padding_mask,
                                .is_causal = within ? p->is_causal : p->memory_is_causal, .batch_first = p->batch_first,
                                .no_bias = p->no_bias, .dropout = p->dropout));
    return clg_nn_dropout(b->s, y, p->dropout);
}

static clg_tensor inner(const block *b, clg_tensor x)
{
    char full[300];
    const struct clg_nn_transformer_params *p = b->p;
    if (x->status < 0)
        return x;
    const int out = (int) x->shape.dim[x->shape.rank - 1];
    clg_tensor y = clg_nn_linear(b->s, part_of(b, "linear1", full), x,
                                 clg_nn_linear_params(.out = p->feedforward ? p->feedforward : 2048, .no_bias = p->no_bias));
    y = clg_nn_dropout(b->s, p->gelu ? clg_gelu(y) : clg_relu(y), p->dropout);
    y = clg_nn_linear(b->s, part_of(b, "linear2", full), y, clg_nn_linear_params(.out = out, .no_bias = p->no_bias));
    return clg_nn_dropout(b->s, y, p->dropout);
}

// A residual step adds to x what is made of before(x); its norm is there or behind the sum.
static clg_tensor before(const block *b, const char *norm, clg_tensor x)
{
    return b->p->norm_first ? normed(b, norm, x) : x;
}

static clg_tensor after(const block *b, const char *norm, clg_tensor x, clg_tensor more)
{
    const clg_tensor sum = clg_add(x, more);
    return b->p->norm_first ? sum : normed(b, norm, sum);
}

static clg_tensor layer(const block *b, clg_tensor x, clg_tensor memory)
{
    const char *last = memory ? "norm3" : "norm2";
    clg_tensor t = before(b, "norm1", x);
    x = after(b, "norm1", x, attended(b, true, t, t));
    if (memory) {
        t = before(b, "norm2", x);
        x = after(b, "norm2", x, attended(b, false, t, memory));
    }
    t = before(b, last, x);
    return after(b, last, x, inner(b, t));
}

// layers 0: one, under the name itself.
static clg_tensor stack(const char *what, clg_store s, const char *name, clg_tensor x, clg_tensor memory, bool decoder,
                        int layers, const struct clg_nn_transformer_params *p)
{
    DEFAULT_FP;
    struct clg_nn_transformer_params q;
    clg__layer l;
    clg_tensor bad = clg__layer_begin(&l, what, s, name, x);
    if (bad)
        return bad;
    bad = decoder ? clg_check_inputs(what, "x memory", (clg_tensor[]) { x, memory }, 2) : NULL;
    if (bad)
        return bad;
    const char *wrong = p ? clg_params_read(&q, sizeof q, p) : "NULL params";
    if (wrong)
        return clg__layer_refuse(&l, CLG_EINVAL, wrong);
    if (layers < 0)
        return clg__layer_refuse(&l, CLG_EINVAL, "layers is not 1 or more");
    if (x->shape.rank < 2 || x->shape.rank > 3 || x->shape.dim[x->shape.rank - 1] > INT32_MAX || q.feedforward < 0)
        return clg__layer_refuse(&l, CLG_ESHAPE, "expected x of rank 2 or 3, and a positive feedforward");
    clg_tensor y = x;
    for (int i = 0; i < (layers ? layers : 1) && y->status >= 0; i++) {
        char full[300];
        snprintf(full, sizeof full, layers ? "%.256s.layers.%d" : "%.256s", name, i);
        y = layer(&(block) { s, full, &q }, y, memory);
    }
    if (layers && q.final_norm && y->status >= 0)
        y = normed(&(block) { s, name, &q }, "norm", y);
    if (y->status < 0) // nothing stays of what was made before
        clg__store_back(s, l.claimed);
    return y;
}

clg_tensor clg_nn_transformer_encoder_layer(clg_store s, const char *name, clg_tensor x,
                                            const struct clg_nn_transformer_params *p)
{
    return stack("nn_transformer_encoder_layer", s, name, x, NULL, false, 0, p);
}

clg_tensor clg_nn_transformer_decoder_layer(clg_store s, const char *name, clg_tensor x, clg_tensor memory,
                                            const struct clg_nn_transformer_params *p)
{
    return stack("nn_transformer_decoder_layer", s, name, x, memory, true, 0, p);
}

clg_tensor clg_nn_transformer_encoder(clg_store s, const char *name, clg_tensor x, int layers,
                                      const struct clg_nn_transformer_params *p)
{
    return stack("nn_transformer_encoder", s, name, x, NULL, false, layers > 0 ? layers : -1, p);
}

clg_tensor clg_nn_transformer_decoder(clg_store s, const char *name, clg_tensor x, clg_tensor memory, int layers,
                                      const struct clg_nn_transformer_params *p)
{
    return stack("nn_transformer_decoder", s, name, x, memory, true, layers > 0 ? layers : -1, p);
}
