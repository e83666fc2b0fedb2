// SPDX-License-Identifier: MIT
// Scaled dot product attention: a kernel op and its gradients, or products and a softmax, which second derivatives are
// made of. Its kernels: attention_plan.c.
#include "ops/attention.h"

#include "base/fp.h"
#include "graph/build.h"
#include "graph/node.h"
#include "ops/element.h"
#include "ops/registry.h"
#include <clgrad/attention.h>
#include <clgrad/create.h>
#include <clgrad/grad.h>
#include <clgrad/ops.h>

#include <math.h>

// ---- by products and a softmax: q, k, v, mask as of a node

enum { ATTENDED = 5, GRADIENTS = ATTENDED + 4 };

static clg_tensor turned(clg_tensor t)
{
    return clg_transpose(t, -1, -2);
}

static clg_tensor scaled(clg_tensor t, double by)
{
    return clg_mul(t, clg__num(t->dev, t->dtype, by));
}

static clg_tensor row_sum(clg_tensor t)
{
    return clg_sum(t, CLG_AXES(-1), true);
}

// true where the key of a score does not come after its query
static clg_tensor seen(clg_device dev, int64_t queries, int64_t keys)
{
    const clg_tensor row = clg_reshape(clg_arange(dev, CLG_I32, 0, (double) queries, 1), CLG_SHAPE(queries, 1));
    return clg_ge(row, clg_arange(dev, CLG_I32, 0, (double) keys, 1));
}

// softmax of the scores, in the wide type; rows that are -inf throughout are 0
static clg_tensor weights(const clg_tensor *in, const clg__attention *a)
{
    const clg_tensor q = clg__wide(in[0]), k = clg__wide(in[1]);
    clg_tensor s = scaled(clg_matmul(q, turned(k)), a->scale);
    const clg_device dev = s->dev;
    if (s->status < 0)
        return s;
    const int64_t queries = s->shape.dim[s->shape.rank - 2], keys = s->shape.dim[s->shape.rank - 1];
    if (a->causal)
        s = clg_where(seen(dev, queries, keys), s, clg__lit(dev, s->dtype, -INFINITY));
    if (a->mask == CLG__NO_MASK || clg_numel(s->shape) == 0)
        return clg_softmax(s, -1);
    const clg_dtype t = s->dtype;
    s = a->mask == CLG__MASK_BOOL ? clg_where(in[3], s, clg__lit(dev, t, -INFINITY)) : clg_add(s, clg_cast(in[3], t));
    if (s->status < 0)
        return s;
    const clg_tensor none = clg_eq(clg_amax(clg_detach(s), CLG_AXES(-1), true), clg__lit(dev, t, -INFINITY));
    const clg_tensor zero = clg__lit(dev, t, 0);
    return clg_where(none, zero, clg_softmax(clg_where(none, zero, s), -1));
}

// x where its weight is kept, else 0
static clg_tensor dropped(clg_tensor x, const clg_tensor *in, const clg__attention *a)
{
    if (a->dropout <= 0 || x->status < 0)
        return x;
    const clg_device dev = x->dev;
    const clg_tensor u = clg__drawn_again(in[3 + (a->mask != CLG__NO_MASK)], &x->shape);
    const clg_tensor kept = clg_ge(u, clg_scalar(dev, CLG_F32, a->dropout));
    return clg_where(kept, scaled(x, a->dropout < 1 ? 1 / (1 - a->dropout) : 0), clg__lit(dev, x->dtype, 0));
}

static clg_tensor composed(const clg_tensor *in, const clg__attention *a)
{
    return clg_cast(clg_matmul(dropped(weights(in, a), in, a), clg__wide(in[2])), in[0]->dtype);
}

// ---- by kernels

static void key(const void *params, clg__key *k)
{
    const clg__attention *a = params;
    clg__key_f64(k, a->scale);
    clg__key_f64(k, a->dropout);
    clg__key_i64(k, a->causal);
    clg__key_i64(k, a->mask);
}

static clg_tensor attention_vjp(const clg__vjp *v, int i);
static clg_tensor back_vjp(const clg__vjp *v, int i);
static const clg__op op_attention = { .name = "attention", .kind = CLG__KERNEL, .vjp = attention_vjp, .key = key,
                                      .params_bytes = sizeof(clg__attention), .variants = clg__attention_variants,
                                      .n_variants = CLG__ATTENTION_VARIANTS, .strided_inputs = 15 };
// g is the last input: which it is says whether there are a mask and a draw. What is between is contiguous anyway.
static const clg__op op_back = { .name = "attention_back", .kind = CLG__KERNEL, .vjp = back_vjp, .key = key,
                                 .params_bytes = sizeof(clg__attention), .variants = clg__attention_back_variants,
                                 .n_variants = CLG__ATTENTION_VARIANTS, .strided_inputs = 0x1cf };
const clg__op *const clg__attention_ops[] = { &op_attention, &op_back, NULL };

static int n_attended(const clg__attention *a)
{
    return 3 + (a->mask != CLG__NO_MASK) + (a->dropout > 0);
}

static void forward(const clg_tensor *in, const clg__attention *a, clg_tensor out[3])
{
    clg__call c;
    if (!clg__call_begin(&c, "scaled_dot_product_attention", "q k v", n_attended(a), in)) {
        out[0] = out[1] = out[2] = clg__call_poison(&c);
        return;
    }
    const clg_dtype t = in[0]->dtype, wide = clg__dtype_of(t)->as;
    clg_shape s = in[0]->shape, rows = s;
    s.dim[4] = in[2]->shape.dim[4];
    rows.rank = 4;
    clg__call_node_n(&c, &op_attention, 3, (clg_dtype[]) { t, wide, wide }, (clg_shape[]) { s, rows, rows }, a, out);
}

// The forward node is recorded anew, which the scheduler merges with the first.
static void back(const clg_tensor *in, const clg__attention *a, clg_tensor g, clg_tensor out[3])
{
    clg__call c;
    clg_tensor all[GRADIENTS];
    const int n = n_attended(a);
    for (int i = 0; i < n; i++)
        all[i] = in[i];
    forward(in, a, all + n);
    all[n + 3] = g;
    if (!clg__call_begin(&c, "scaled_dot_product_attention", "q k v", n + 4, all)) {
        out[0] = out[1] = out[2] = clg__call_poison(&c);
        return;
    }
    const clg_dtype t = in[0]->dtype;
    clg__call_node_n(&c, &op_back, 3, (clg_dtype[]) { t, t, t },
                     (clg_shape[]) { in[0]->shape, in[1]->shape, in[2]->shape }, a, out);
}

// P (d - rowsum(P d)): the derivative of a softmax whose result is P
static clg_tensor through(clg_tensor weight, clg_tensor d)
{
    return clg_mul(weight, clg_sub(d, row_sum(clg_mul(weight, d))));
}

static clg_tensor attention_vjp(const clg__vjp *v, int i)
{
    const clg__attention *a = v->params;
    clg_tensor out[3];
    if (v->out > 0 || i >= 3 + (a->mask == CLG__MASK_ADDED))
        return NULL;
    if (i == 3) { // as large as the weights
        const clg_tensor d = clg_matmul(clg__wide(v->g), turned(clg__wide(v->in[2])));
        return clg_cast(through(weights(v->in, a), dropped(d, v->in, a)), v->in[3]->dtype);
    }
    back(v->in, a, v->g, out);
    return out[i];
}

// Sums over the queries of all heads that a head of k serves.
static clg_tensor for_keys(clg_tensor t, double by)
{
    t = clg_sum(t, CLG_AXES(2), true);
    return by == 1 ? t : scaled(t, by);
}

// With P the weights, D what drops, dP = D(g v^T), S' = P (dP - rowsum(P dP)), the gradients are
//   dq = scale S' k, dk = scale S'^T q, dv = D(P)^T g
// h is the cotangent of one of them; bar_s, bar_p and bar_d are those of S', P and dP.
static clg_tensor back_vjp(const clg__vjp *v, int i)
{
    const clg__attention *a = v->params;
    const int last = v->n_in - 1;
    if (i != last && i >= 3 + (a->mask == CLG__MASK_ADDED))
        return NULL;
    const clg_tensor q = clg__wide(v->in[0]), k = clg__wide(v->in[1]), x = clg__wide(v->in[2]), g = clg__wide(v->in[last]);
    const clg_tensor h = clg__wide(v->g), p = weights(v->in, a), d = dropped(clg_matmul(g, turned(x)), v->in, a);
    const clg_tensor sum = row_sum(clg_mul(p, d)), slope = clg_mul(p, clg_sub(d, sum));
    clg_tensor bar_p, bar_d = NULL, y = NULL;
    if (v->out == 2) {
        bar_p = dropped(clg_matmul(g, turned(h)), v->in, a);
    } else {
        const clg_tensor bar_s = scaled(v->out == 0 ? clg_matmul(h, turned(k)) : clg_matmul(q, turned(h)), a->scale);
        const clg_tensor w = clg_mul(bar_s, p), r = row_sum(w);
        bar_d = dropped(clg_sub(w, clg_mul(p, r)), v->in, a);
        bar_p = clg_sub(clg_mul(bar_s, clg_sub(d, sum)), clg_mul(r, d));
    }
    const clg_tensor bar = through(p, bar_p); // of the scores
    if (i == 0) {
        y = scaled(clg_matmul(bar, k), a->scale);
        y = v->out == 1 ? clg_add(y, scaled(clg_matmul(slope, h), a->scale)) : y;
    } else if (i == 1) {
        y = for_keys(clg_matmul(turned(bar), q), a->scale);
        y = v->out == 0 ? clg_add(y, for_keys(clg_matmul(turned(slope), h), a->scale)) : y;
    } else if (i == 2) {
        y = bar_d ? for_keys(clg_matmul(turned(bar_d), g), 1) : NULL;
    } else if (i == last) {
        y = clg_matmul(bar_d ? bar_d : dropped(p, v->in, a), bar_d ? x : h);
    } else {
        y = bar;
    }
    return y ? clg_cast(y, v->in[i]->dtype) : NULL;
}

// ---- the call

// The shape that t's dimensions before the last `own` have, into one with `more` behind.
static clg_shape batch_of(clg_tensor t, int own)
{
    clg_shape s = t->shape;
    s.rank -= own;
    return s;
}

static clg_shape with(clg_shape s, int n, const int64_t *more)
{
    for (int i = 0; i < n && s.rank < CLG_MAX_RANK; i++)
        s.dim[s.rank++] = more[i];
    return s;
}

// What q, k, v are to a node.
typedef struct heads {
    clg_shape batch;                       // of the result, without heads
    int64_t all, groups, queries, keys, depth, width; // heads of q; of k and v
    bool gqa;
} heads;

static clg_tensor check(const clg__call *c, clg_tensor q, clg_tensor k, clg_tensor v, bool gqa, heads *h)
{
    const int own = gqa ? 3 : 2;
    clg_shape b, both;
    if (!clg_dtype_is_float(q->dtype) || q->dtype != k->dtype || q->dtype != v->dtype)
        return clg__call_fail(c, CLG_EDTYPE, "q, k and v must be of one floating type");
    if (q->shape.rank < own || k->shape.rank < own || v->shape.rank < own)
        return clg__call_fail(c, CLG_ESHAPE, "expected rank %d or more", own);
#define LAST(t, n) (t)->shape.dim[(t)->shape.rank - (n)]
    *h = (heads) { .all = 1, .groups = 1, .queries = LAST(q, 2), .keys = LAST(k, 2), .depth = LAST(q, 1), .width = LAST(v, 1),
                   .gqa = gqa };
    if (LAST(k, 1) != h->depth)
        return clg__call_fail(c, CLG_ESHAPE, "rows of k have %lld elements, of q %lld", (long long) LAST(k, 1),
                              (long long) h->depth);
    if (LAST(v, 2) != h->keys)
        return clg__call_fail(c, CLG_ESHAPE, "v has %lld rows, k %lld", (long long) LAST(v, 2), (long long) h->keys);
    const clg_shape qb = batch_of(q, own), kb = batch_of(k, own), vb = batch_of(v, own);
    if (!clg__broadcast(&qb, &kb, &b) || !clg__broadcast(&b, &vb, &both))
        return clg__call_fail(c, CLG_ESHAPE, "dimensions before the last %d do not broadcast", own);
    h->batch = both;
    if (!gqa)
        return NULL;
    const int64_t n = LAST(q, 3), of_k = LAST(k, 3), of_v = LAST(v, 3);
#undef LAST
    if (of_k <= 0 || of_v <= 0 || n % of_k || n % of_v)
        return clg__call_fail(c, CLG_ESHAPE, "%lld heads of k and %lld of v must divide %lld of q", (long long) of_k,
                              (long long) of_v, (long long) n);
    h->all = n;
    h->groups = of_k == of_v ? of_k : n; // where they differ each head is repeated
    return NULL;
}

// t as [B, H, G, rows, columns]: n heads of its own, in `groups` of which each has H.
static clg_tensor as_node(clg_tensor t, const heads *h, int64_t own, bool query)
{
    const int64_t rows = t->shape.dim[t->shape.rank - 2], columns = t->shape.dim[t->shape.rank - 1];
    clg_shape b = h->batch;
    int64_t n = 1;
    if (!h->gqa) { // the last of the batch is what heads are
        t = clg_expand(t, with(b, 2, (int64_t[]) { rows, columns }));
        const int64_t last = b.rank > 0 ? b.dim[b.rank - 1] : 1;
        for (int d = 0; d < b.rank - 1; d++)
            n *= b.dim[d];
        return clg_reshape(t, CLG_SHAPE(n, last, 1, rows, columns));
    }
    t = clg_expand(t, with(b, 3, (int64_t[]) { own, rows, columns }));
    for (int d = 0; d < b.rank; d++)
        n *= b.dim[d];
    if (query)
        return clg_reshape(t, CLG_SHAPE(n, h->groups, h->all / h->groups, rows, columns));
    t = clg_reshape(t, CLG_SHAPE(n, own, 1, rows, columns));
    if (own != h->groups)
        t = clg_reshape(clg_expand(t, CLG_SHAPE(n, own, h->groups / own, rows, columns)),
                        CLG_SHAPE(n, h->groups, 1, rows, columns));
    return t;
}

static clg_tensor attend(const clg__call *c, const clg_tensor in[3], const heads *h, clg_tensor mask,
                         clg__attention *a)
{
    clg_tensor all[ATTENDED], out[3];
    for (int i = 0; i < 3; i++) {
        const int64_t own = h->gqa ? in[i]->shape.dim[in[i]->shape.rank - 3] : 1;
        all[i] = as_node(in[i], h, own, i == 0);
    }
    clg_shape shape = h->gqa ? with(h->batch, 1, &h->all) : h->batch;
    int n = 3;
    if (mask) {
        const clg_shape full = with(shape, 2, (int64_t[]) { h->queries, h->keys });
        clg_shape b;
        if (full.rank < mask->shape.rank || !clg__broadcast(&full, &mask->shape, &b) || !clg__shape_equal(&b, &full))
            return clg__call_fail(c, CLG_ESHAPE, "mask does not broadcast to the scores");
        a->mask = mask->dtype == CLG_BOOL ? CLG__MASK_BOOL : CLG__MASK_ADDED;
        if (a->mask == CLG__MASK_ADDED)
            mask = clg_cast(mask, clg__dtype_of(in[0]->dtype)->as);
        if (mask->status < 0)
            return mask;
        all[n++] = as_node(clg_expand(mask, full), h, h->all, true);
    }
    if (a->dropout > 0)
        all[n++] = clg_uniform(c->dev, CLG_F32, CLG_SHAPE(1), 0, 1);
    for (int i = 0; i < n; i++) {
        if (all[i]->status < 0)
            return all[i];
    }
    if (clg__attention_is_fused(c->dev->caps, all[0]->dtype, &all[0]->shape, &all[1]->shape, &all[2]->shape))
        forward(all, a, out);
    else
        out[0] = composed(all, a);
    if (out[0]->status < 0)
        return out[0];
    return clg_reshape(out[0], with(shape, 2, (int64_t[]) { h->queries, h->width }));
}

clg_tensor clg_scaled_dot_product_attention(clg_tensor q, clg_tensor k, clg_tensor v, const struct clg_attention_params *p)
{
    CLG__DEFAULT_FP;
    clg__call c;
    struct clg_attention_params o;
    heads h;
    const char *wrong = clg_params_read(&o, sizeof o, p);
    q = clg_autocast_input("scaled_dot_product_attention", q);
    k = clg_autocast_input("scaled_dot_product_attention", k);
    v = clg_autocast_input("scaled_dot_product_attention", v);
    const clg_tensor in[4] = { q, k, v, o.mask };
    if (!clg__call_begin(&c, "scaled_dot_product_attention", "q k v mask", wrong || !o.mask ? 3 : 4, in))
        return clg__call_poison(&c);
    if (wrong)
        return clg__call_fail(&c, CLG_EINVAL, "%s", wrong);
    if (o.mask && o.is_causal)
        return clg__call_fail(&c, CLG_EINVAL, "mask together with is_causal");
    if (!(o.dropout >= 0 && o.dropout <= 1))
        return clg__call_fail(&c, CLG_EINVAL, "dropout is %g, expected 0 to 1", o.dropout);
    if (!isfinite(o.scale))
        return clg__call_fail(&c, CLG_EINVAL, "scale is %g", o.scale);
    const clg_tensor bad = check(&c, q, k, v, o.enable_gqa, &h);
    if (bad)
        return bad;
    if (o.mask && o.mask->dtype != CLG_BOOL && o.mask->dtype != CLG_F32 && o.mask->dtype != q->dtype)
        return clg__call_fail(&c, CLG_EDTYPE, "mask must be BOOL, F32 or of the type of q");
    if (o.mask && o.mask->dtype == CLG_F32 && q->dtype == CLG_F64)
        return clg__call_fail(&c, CLG_EDTYPE, "mask must be BOOL or F64");
    const double scale = o.scale == 0 && !o.use_scale ? 1 / sqrt((double) h.depth) : o.scale;
    clg__attention a = { .scale = clg__fp_pin(scale), .dropout = clg__fp_pin(o.dropout), .causal = o.is_causal };
    return clg__call_own(&c, attend(&c, in, &h, o.mask, &a));
}
