// SPDX-License-Identifier: MIT
// Windows over images: the caller's numbers, sizes, keys, kernel arguments.
#include "ops/window.h"

#include "base/format.h"

static const int64_t ones[CLG__SPATIAL] = { 1, 1, 1 }, zeros[CLG__SPATIAL];

int64_t clg__window_size(const int64_t v[CLG__SPATIAL])
{
    return v[CLG__D] * v[CLG__H] * v[CLG__W];
}

const char *clg__window_text(int nd, const int64_t v[CLG__SPATIAL], char buf[80])
{
    size_t length = 0;
    for (int i = CLG__SPATIAL - nd; i < CLG__SPATIAL; i++)
        length += (size_t) clg__format(buf + length, 80 - length, "%s%lld", length ? "x" : "", (long long) v[i]);
    return buf;
}

clg__window clg__window_of(int nd, clg_tensor x)
{
    clg__window w = { .nd = nd, .n = 1, .c = 1, .o = 1, .groups = 1 };
    for (int i = 0; i < CLG__SPATIAL; i++) {
        const int d = i - CLG__SPATIAL + nd;
        w.in[i] = d < 0 ? 1 : x->shape.dim[2 + d];
        w.out[i] = w.k[i] = w.stride[i] = w.dilation[i] = 1;
    }
    return w;
}

clg_shape clg__window_shape(const clg__window *w, bool flat, int64_t a, int64_t b,
                            const int64_t v[CLG__SPATIAL])
{
    clg_shape s = CLG_SHAPE(a, b);
    for (int i = CLG__SPATIAL - (flat && w->nd < 2 ? 2 : w->nd); i < CLG__SPATIAL; i++)
        s.dim[s.rank++] = v[i];
    return s;
}

clg_tensor clg__window_single(const clg__call *c, int nd, clg_tensor *x, bool *single)
{
    *single = (*x)->shape.rank == nd + 1;
    if (*single)
        *x = clg_unsqueeze(*x, 0);
    return (*x)->status < 0 ? clg__call_own(c, *x) : NULL;
}

clg_tensor clg__window_result(clg_tensor y, clg_shape s, bool single)
{
    s.rank -= single;
    for (int d = 0; d < s.rank && single; d++)
        s.dim[d] = s.dim[d + 1];
    return clg_reshape(y, s);
}

clg_tensor clg__window_check(const clg__call *c, const char *name, clg_tensor t, int from)
{
    for (int d = from; d < t->shape.rank; d++) {
        if (t->shape.dim[d] < 1 || t->shape.dim[d] > CLG__WINDOW_MOST)
            return clg__call_fail(c, CLG_ESHAPE, "dimension %d of %s is %lld, expected 1 to %d", d - t->shape.rank, name,
                                  (long long) t->shape.dim[d], CLG__WINDOW_MOST);
    }
    return NULL;
}

clg_tensor clg__window_numbers(const clg__call *c, int nd, const clg__window_field *f, int least,
                               const int64_t none[CLG__SPATIAL], int64_t out[CLG__SPATIAL])
{
    static const char *const ends[CLG__SPATIAL] = { "_d", "_h", "_w" };
    if (f->common < 0)
        return clg__call_fail(c, CLG_EINVAL, "%s is %d, expected %d or more", f->name, f->common, least);
    for (int i = 0; i < CLG__SPATIAL; i++) {
        if (i < CLG__SPATIAL - nd) {
            out[i] = least; // of a dimension of size 1: 1 for windows and strides, 0 for padding
            if (f->each[i])
                return clg__call_fail(c, CLG_EINVAL, "%s%s is %d, but there is no such dimension", f->name, ends[i],
                                      f->each[i]);
            continue;
        }
        out[i] = f->each[i] ? f->each[i] : f->common ? f->common : none[i];
        if (out[i] < least)
            return clg__call_fail(c, CLG_EINVAL, "%s%s is %lld, expected %d or more", f->name,
                                  f->each[i] ? ends[i] : "", (long long) out[i], least);
    }
    return NULL;
}

// What keeps the size: as much before as after, or one more after.
static clg_tensor same_padding(const clg__call *c, const clg__window_params *p, clg__window *w)
{
    char text[80];
    for (int i = 0; i < CLG__SPATIAL; i++) {
        if (w->stride[i] != 1)
            return clg__call_fail(c, CLG_EINVAL, "padding_same needs stride 1, not %s",
                                  clg__window_text(w->nd, w->stride, text));
        if (w->lo[i] || w->hi[i] || p->no_padding_end)
            return clg__call_fail(c, CLG_EINVAL, "padding_same and a padding of %s",
                                  clg__window_text(w->nd, w->lo, text));
    }
    for (int i = 0; i < CLG__SPATIAL; i++) {
        const int64_t all = w->dilation[i] * (w->k[i] - 1);
        w->lo[i] = all / 2;
        w->hi[i] = all - all / 2;
    }
    return NULL;
}

clg_tensor clg__window_read(const clg__call *c, const clg__window_params *p, clg__window *w)
{
    clg_tensor bad = NULL;
    if (p->kernel.name)
        bad = clg__window_numbers(c, w->nd, &p->kernel, 1, zeros, w->k);
    if (!bad)
        bad = clg__window_numbers(c, w->nd, &p->stride, 1, p->stride_is_kernel ? w->k : ones, w->stride);
    if (!bad)
        bad = clg__window_numbers(c, w->nd, &p->dilation, 1, ones, w->dilation);
    if (!bad)
        bad = clg__window_numbers(c, w->nd, &p->padding, 0, zeros, w->lo);
    if (!bad && p->no_padding_end && p->padding_end.common)
        bad = clg__call_fail(c, CLG_EINVAL, "padding_end is %d beside no_padding_end", p->padding_end.common);
    if (!bad)
        bad = clg__window_numbers(c, w->nd, &p->padding_end, 0, p->no_padding_end ? zeros : w->lo, w->hi);
    return bad || !p->same ? bad : same_padding(c, p, w);
}

static int64_t extent(const clg__window *w, int i)
{
    return w->dilation[i] * (w->k[i] - 1) + 1;
}

static clg_tensor too_large(const clg__call *c, const clg__window *w)
{
    char image[80], lo[80], hi[80], window[80];
    const int64_t extents[CLG__SPATIAL] = { extent(w, 0), extent(w, 1), extent(w, 2) };
    for (int i = 0; i < CLG__SPATIAL; i++) {
        const int64_t most = CLG__WINDOW_MOST;
        if (w->in[i] > most || w->out[i] > most || w->in[i] + w->lo[i] + w->hi[i] > most || extents[i] > most)
            return clg__call_fail(c, CLG_ESHAPE, "an image of %s, padded by %s and %s, with a window over %s: expected "
                                  "at most %d in each dimension", clg__window_text(w->nd, w->in, image),
                                  clg__window_text(w->nd, w->lo, lo), clg__window_text(w->nd, w->hi, hi),
                                  clg__window_text(w->nd, extents, window), CLG__WINDOW_MOST);
    }
    return NULL;
}

// Strides and dilations beyond any image are all alike.
static void limit(clg__window *w)
{
    for (int i = 0; i < CLG__SPATIAL; i++) {
        w->stride[i] = w->stride[i] < CLG__WINDOW_MOST ? w->stride[i] : CLG__WINDOW_MOST;
        w->dilation[i] = w->dilation[i] < CLG__WINDOW_MOST ? w->dilation[i] : CLG__WINDOW_MOST;
    }
}

clg_tensor clg__window_fit(const clg__call *c, clg__window *w, bool ceil_mode)
{
    char window[80], padded[80];
    int64_t extents[CLG__SPATIAL], room[CLG__SPATIAL];
    bool fits = true;
    clg_tensor bad = too_large(c, w);
    for (int i = 0; i < CLG__SPATIAL && !bad; i++) {
        room[i] = w->in[i] + w->lo[i] + w->hi[i];
        extents[i] = extent(w, i);
        const int64_t steps = room[i] - extents[i] + (ceil_mode ? w->stride[i] - 1 : 0);
        fits &= steps >= 0;
        w->out[i] = steps / w->stride[i] + 1;
        // PyTorch: a window may hang over the end, but starts inside the image or the padding before it
        if (ceil_mode && (w->out[i] - 1) * w->stride[i] >= w->in[i] + w->lo[i])
            w->out[i]--;
    }
    limit(w);
    if (bad || fits)
        return bad;
    return clg__call_fail(c, CLG_ESHAPE, "the window does not fit the padded image: %s in %s",
                          clg__window_text(w->nd, extents, window), clg__window_text(w->nd, room, padded));
}

clg_tensor clg__window_unfit(const clg__call *c, clg__window *w, const int64_t output_padding[CLG__SPATIAL])
{
    char text[80];
    bool some = true;
    clg_tensor bad = too_large(c, w); // nothing overflows below
    for (int i = 0; i < CLG__SPATIAL && !bad; i++) {
        const int64_t most = w->stride[i] > w->dilation[i] ? w->stride[i] : w->dilation[i];
        if (output_padding[i] >= most)
            return clg__call_fail(c, CLG_EINVAL, "output_padding is %s, expected less than the stride or dilation "
                                  "of %lld", clg__window_text(w->nd, output_padding, text), (long long) most);
        w->in[i] = (w->out[i] - 1) * w->stride[i] - w->lo[i] - w->hi[i] + extent(w, i) + output_padding[i];
        some &= w->in[i] > 0;
    }
    if (!bad && !some) {
        char lo[80], hi[80];
        return clg__call_fail(c, CLG_ESHAPE, "the result would be of %s: too much padding, %s before and %s after",
                              clg__window_text(w->nd, w->in, text), clg__window_text(w->nd, w->lo, lo),
                              clg__window_text(w->nd, w->hi, hi));
    }
    bad = bad ? bad : too_large(c, w);
    limit(w);
    return bad;
}

bool clg__window_wide(const clg__window *w)
{
    const double in = (double) w->in[0] * (double) w->in[1] * (double) w->in[2];
    const double out = (double) w->out[0] * (double) w->out[1] * (double) w->out[2];
    const double k = (double) w->k[0] * (double) w->k[1] * (double) w->k[2];
    const double n = (double) w->n, c = (double) w->c, o = (double) w->o;
    return n * c * in > INT32_MAX || n * o * out > INT32_MAX || o * c * k > INT32_MAX;
}

void clg__window_key(clg__key *k, const clg__window *w)
{
    const int64_t *const each[] = { w->in, w->out, w->k, w->stride, w->lo, w->hi, w->dilation };
    clg__key_i64(k, w->n);
    clg__key_i64(k, w->c);
    clg__key_i64(k, w->o);
    clg__key_i64(k, w->groups);
    for (size_t j = 0; j < sizeof each / sizeof each[0]; j++)
        for (int i = 0; i < CLG__SPATIAL; i++)
            clg__key_i64(k, each[j][i]);
}

void clg__window_args(clg__kplan *p, clg__launch *l, const clg__window *w)
{
    const bool wide = clg__window_wide(w);
    if (wide)
        clg__kplan_define(p, l, "INDEX", "long");
    if (w->nd > 2)
        clg__kplan_define(p, l, "ND", "3");
    CLG__ARG_BLOCK(p, l, "WINDOW",
        { "N", w->n, wide }, { "C", w->c, wide }, { "O", w->o, wide }, { "G", w->groups, wide },
        { "D", w->in[CLG__D], wide }, { "H", w->in[CLG__H], wide }, { "W", w->in[CLG__W], wide },
        { "OD", w->out[CLG__D], wide }, { "OH", w->out[CLG__H], wide }, { "OW", w->out[CLG__W], wide },
        { "KD", w->k[CLG__D], wide }, { "KH", w->k[CLG__H], wide }, { "KW", w->k[CLG__W], wide },
        { "sd", w->stride[CLG__D], wide }, { "sh", w->stride[CLG__H], wide }, { "sw", w->stride[CLG__W], wide },
        { "pd", w->lo[CLG__D], wide }, { "ph", w->lo[CLG__H], wide }, { "pw", w->lo[CLG__W], wide },
        { "ed", w->hi[CLG__D], wide }, { "eh", w->hi[CLG__H], wide }, { "ew", w->hi[CLG__W], wide },
        { "dd", w->dilation[CLG__D], wide }, { "dh", w->dilation[CLG__H], wide }, { "dw", w->dilation[CLG__W], wide });
}
