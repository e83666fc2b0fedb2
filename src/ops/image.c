// SPDX-License-Identifier: MIT
// Images: margins of their own elements, channels as pixels, other sizes.
#include "base/dtype.h"
#include "base/fp.h"
#include "ops/element.h"
#include "ops/separable.h"
#include <clgrad/image.h>
#include <clgrad/ops.h>

#include <math.h>

enum { MOST = 3 };

// ---- margins

// Of a dimension of n elements; how many remain, below 0: it is no margin.
static int64_t margin(clg__rule_kind kind, int64_t n, int64_t before, int64_t after, clg__rule *r)
{
    const int64_t most = kind == CLG__RULE_REFLECT ? n - 1 : kind == CLG__RULE_CIRCULAR ? n : INT32_MAX;
    if (before > most || after > most || before < -n || after < -n)
        return -1;
    *r = (clg__rule) { .kind = before || after ? kind : CLG__RULE_NONE, .in = n, .out = n + before + after, .pad = before };
    return r->out;
}

static clg_tensor pad(const char *name, clg_tensor a, clg_shape before, clg_shape after, clg__rule_kind kind)
{
    clg__call c;
    clg__rule rules[MOST];
    if (!clg__call_begin(&c, name, "a", 1, &a))
        return clg__call_poison(&c);
    const int n = before.rank;
    if (n < 1 || n > MOST || after.rank != n || a->shape.rank < n)
        return clg__call_fail(&c, CLG_ESHAPE, "margins of rank %d and %d for a tensor of rank %d: they are those of its "
                              "last dimensions, one to %d", before.rank, after.rank, a->shape.rank, MOST);
    clg_tensor t = a;
    for (int d = 0; d < n; d++) {
        const int at = a->shape.rank - n + d;
        int64_t lo = before.dim[d], hi = after.dim[d], size = a->shape.dim[at];
        if (kind == CLG__RULE_CIRCULAR && (lo < 0 || hi < 0) && lo >= -size && hi >= -size) { // cut before it wraps
            const int64_t from = lo < 0 ? -lo : 0, to = hi < 0 ? size + hi : size;
            t = clg_slice(t, at, from, to > from ? to : from, 1);
            size = to > from ? to - from : 0;
            lo = lo < 0 ? 0 : lo;
            hi = hi < 0 ? 0 : hi;
        }
        const int64_t left = margin(kind, size, lo, hi, &rules[d]);
        if (left < 0)
            return clg__call_fail(&c, CLG_EINVAL, "margins %lld and %lld of %lld elements", (long long) before.dim[d],
                                  (long long) after.dim[d], (long long) a->shape.dim[at]);
        if (left == 0 || size == 0)
            return clg__call_fail(&c, CLG_ESHAPE, "no elements along axis %d", at);
        if (left > INT32_MAX)
            return clg__call_fail(&c, CLG_ESHAPE, "more than %d elements along axis %d", INT32_MAX, at);
    }
    return clg__call_own(&c, clg__separable_axes(t, rules, n));
}

clg_tensor clg_pad_reflect(clg_tensor a, clg_shape before, clg_shape after)
{
    return pad("pad_reflect", a, before, after, CLG__RULE_REFLECT);
}

clg_tensor clg_pad_replicate(clg_tensor a, clg_shape before, clg_shape after)
{
    return pad("pad_replicate", a, before, after, CLG__RULE_REPLICATE);
}

clg_tensor clg_pad_circular(clg_tensor a, clg_shape before, clg_shape after)
{
    return pad("pad_circular", a, before, after, CLG__RULE_CIRCULAR);
}

// ---- channels and pixels

// [batch, C, r, r, H, W] where channels are as such, and pixels are [batch, C, H, r, W, r].
static clg_tensor shuffle(const char *name, clg_tensor a, int64_t r, bool back)
{
    clg__call c;
    if (!clg__call_begin(&c, name, "a", 1, &a))
        return clg__call_poison(&c);
    const int rank = a->shape.rank;
    if (rank < 3)
        return clg__call_fail(&c, CLG_ESHAPE, "a has rank %d, expected 3 or more", rank);
    if (r < 1 || r > INT16_MAX)
        return clg__call_fail(&c, CLG_EINVAL, "a factor of %lld", (long long) r);
    clg_shape s = a->shape;
    const int64_t channels = s.dim[rank - 3], h = s.dim[rank - 2], w = s.dim[rank - 1];
    if (back ? h % r || w % r : channels % (r * r))
        return clg__call_fail(&c, CLG_ESHAPE, "%lld x %lld x %lld by a factor of %lld", (long long) channels, (long long) h,
                              (long long) w, (long long) r);
    int64_t batch = 1;
    for (int d = 0; d < rank - 3; d++)
        batch *= s.dim[d];
    clg_tensor t;
    if (back) {
        t = clg_reshape(a, CLG_SHAPE(batch, channels, h / r, r, w / r, r));
        t = clg_permute(t, CLG_AXES(0, 1, 3, 5, 2, 4));
    } else {
        t = clg_reshape(a, CLG_SHAPE(batch, channels / (r * r), r, r, h, w));
        t = clg_permute(t, CLG_AXES(0, 1, 4, 2, 5, 3));
    }
    s.dim[rank - 3] = back ? channels * r * r : channels / (r * r);
    s.dim[rank - 2] = back ? h / r : h * r;
    s.dim[rank - 1] = back ? w / r : w * r;
    return clg__call_own(&c, clg_reshape(t, s));
}

clg_tensor clg_pixel_shuffle(clg_tensor a, int64_t r)
{
    return shuffle("pixel_shuffle", a, r, false);
}

clg_tensor clg_pixel_unshuffle(clg_tensor a, int64_t r)
{
    return shuffle("pixel_unshuffle", a, r, true);
}

clg_tensor clg_channel_shuffle(clg_tensor a, int64_t groups)
{
    clg__call c;
    if (!clg__call_begin(&c, "channel_shuffle", "a", 1, &a))
        return clg__call_poison(&c);
    if (a->shape.rank < 3)
        return clg__call_fail(&c, CLG_ESHAPE, "a has rank %d, expected 3 or more", a->shape.rank);
    if (groups < 1)
        return clg__call_fail(&c, CLG_EINVAL, "%lld groups", (long long) groups);
    const int64_t channels = a->shape.dim[1];
    if (channels % groups)
        return clg__call_fail(&c, CLG_ESHAPE, "%lld channels in %lld groups", (long long) channels, (long long) groups);
    int64_t inner = 1;
    for (int d = 2; d < a->shape.rank; d++)
        inner *= a->shape.dim[d];
    clg_tensor t = clg_reshape(a, CLG_SHAPE(a->shape.dim[0], groups, channels / groups, inner));
    return clg__call_own(&c, clg_reshape(clg_transpose(t, 1, 2), a->shape));
}

// ---- other sizes

static clg_tensor sizes(const clg__call *c, clg_shape size, const struct clg_interpolate_params *p, clg__rule *rules,
                        int n)
{
    const clg_shape *s = &c->in[0]->shape;
    const double own[MOST] = { p->scale_d, p->scale_h, p->scale_w };
    const bool by_scale = p->scale != 0 || p->scale_d != 0 || p->scale_h != 0 || p->scale_w != 0;
    if (by_scale == (size.rank > 0))
        return clg__call_fail(c, CLG_EINVAL, "expected a size or scales");
    if (size.rank > 0 && size.rank != n)
        return clg__call_fail(c, CLG_ESHAPE, "size has %d dimensions, expected %d", size.rank, n);
    for (int d = 0; d < n; d++) {
        const double scale = own[MOST - n + d] != 0 ? own[MOST - n + d] : p->scale;
        const int64_t in = s->dim[2 + d];
        if (by_scale && !(scale > 0 && scale < 1e9))
            return clg__call_fail(c, CLG_EINVAL, "a scale of %g", scale);
        const double out = by_scale ? floor((double) in * scale) : (double) size.dim[d];
        if (in < 1 || !(out >= 1) || out > INT32_MAX || in > INT32_MAX)
            return clg__call_fail(c, CLG_ESHAPE, "%lld elements become %g", (long long) in, out);
        rules[d] = (clg__rule) { .in = in, .out = (int64_t) out, .align_corners = p->align_corners,
                                 .scale = by_scale && !p->recompute_scale_factor ? scale : 0 };
    }
    return NULL;
}

static clg_tensor check(const clg__call *c, const struct clg_interpolate_params *p, const char *wrong)
{
    const clg_tensor x = c->in[0];
    const bool smooth = p->mode == CLG_INTERPOLATE_LINEAR || p->mode == CLG_INTERPOLATE_CUBIC;
    if (wrong)
        return clg__call_fail(c, CLG_EINVAL, "%s", wrong);
    if ((int) p->mode < 0 || p->mode > CLG_INTERPOLATE_AREA)
        return clg__call_fail(c, CLG_EINVAL, "no such mode");
    if ((p->align_corners || p->antialias) && !smooth)
        return clg__call_fail(c, CLG_EINVAL, "align_corners and antialias are of linear and cubic");
    if (!clg_dtype_is_float(x->dtype) && x->dtype != CLG_U8)
        return clg__call_fail(c, CLG_EDTYPE, "x is %s, expected a floating type or u8", clg_dtype_name(x->dtype));
    if (x->shape.rank < 3 || x->shape.rank > 5)
        return clg__call_fail(c, CLG_ESHAPE, "x has rank %d, expected 3 to 5", x->shape.rank);
    if ((p->antialias || p->mode == CLG_INTERPOLATE_CUBIC) && x->shape.rank != 4)
        return clg__call_fail(c, CLG_ESHAPE, "x has rank %d, expected 4", x->shape.rank);
    return NULL;
}

static clg_tensor by_area(clg_tensor x, const clg__rule *rules, int n)
{
    clg_shape size = { .rank = n };
    for (int d = 0; d < n; d++)
        size.dim[d] = rules[d].out;
    return n == 1 ? clg_adaptive_avg_pool1d(x, size)
           : n == 2 ? clg_adaptive_avg_pool2d(x, size) : clg_adaptive_avg_pool3d(x, size);
}

static clg_tensor bytes(clg_tensor t)
{
    return clg_clamp(clg_round(t), 0, 255);
}

static clg_tensor as_bytes(clg_tensor x, clg__rule *rules)
{
    const clg_shape *s = &x->shape;
    for (int d = 0; d < 2; d++)
        rules[d].kind = rules[d].in == rules[d].out ? CLG__RULE_NONE : rules[d].kind;
    const clg_tensor planes = clg_reshape(x, CLG_SHAPE(s->dim[0] * s->dim[1], s->dim[2], s->dim[3]));
    return clg_reshape(clg__separable_bytes(planes, &rules[0], &rules[1]),
                       CLG_SHAPE(s->dim[0], s->dim[1], rules[0].out, rules[1].out));
}

clg_tensor clg_interpolate(clg_tensor x, clg_shape size, const struct clg_interpolate_params *p)
{
    CLG__DEFAULT_FP;
    static const clg__rule_kind kinds[] = { CLG__RULE_NEAREST, CLG__RULE_NEAREST_EXACT, CLG__RULE_LINEAR, CLG__RULE_CUBIC };
    struct clg_interpolate_params r;
    const char *wrong = clg_params_read(&r, sizeof r, p);
    clg__call c;
    clg__rule rules[MOST];
    if (!clg__call_begin(&c, "interpolate", "x", 1, &x))
        return clg__call_poison(&c);
    const int n = x->shape.rank - 2;
    clg_tensor bad = check(&c, &r, wrong);
    bad = bad ? bad : sizes(&c, size, &r, rules, n);
    if (bad)
        return bad;
    const bool rounds = x->dtype == CLG_U8 && r.mode >= CLG_INTERPOLATE_LINEAR;
    clg_tensor t = rounds ? clg_cast(x, CLG_F32) : n == 3 && r.mode >= CLG_INTERPOLATE_LINEAR ? clg__wide(x) : x;
    if (r.mode == CLG_INTERPOLATE_AREA) {
        t = by_area(t, rules, n);
    } else {
        for (int d = 0; d < n; d++) {
            rules[d].kind = !r.antialias                       ? kinds[r.mode]
                            : r.mode == CLG_INTERPOLATE_LINEAR ? CLG__RULE_LINEAR_SMOOTH
                                                               : CLG__RULE_CUBIC_SMOOTH;
            // As PyTorch, which does not look at the scale here, but where it does.
            if (rules[d].in == rules[d].out && (r.antialias || (r.mode == CLG_INTERPOLATE_NEAREST && n == 2)))
                rules[d].kind = CLG__RULE_NONE;
        }
        if (rounds && n == 2)
            return clg__call_own(&c, as_bytes(x, rules));
        t = clg__separable_axes(t, rules, n);
    }
    t = rounds ? bytes(t) : t;
    return clg__call_own(&c, clg_cast(t, x->dtype));
}
