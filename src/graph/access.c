// SPDX-License-Identifier: MIT
// Arithmetic of views: every movement op is a change of offset, strides and window.
#include "graph/access.h"

#include <string.h>

static int64_t floor_div(int64_t a, int64_t b)
{
    const int64_t q = a / b;
    return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

// What a dimension lies apart that stands before one of n elements. Only of shapes without elements may it be beyond
// int64_t, and there nobody uses it.
static int64_t before(int64_t stride, int64_t n)
{
    return n > 1 && stride > INT64_MAX / n ? INT64_MAX : stride * n;
}

clg__access clg__access_contiguous(const clg_shape *s)
{
    clg__access g = { 0 };
    int64_t stride = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        g.stride[d] = stride;
        g.hi[d] = s->dim[d];
        stride = before(stride, s->dim[d] > 0 ? s->dim[d] : 1);
    }
    return g;
}

bool clg__access_is_contiguous(const clg__access *g, const clg_shape *s)
{
    int64_t stride = 1;
    if (g->windowed)
        return false;
    for (int d = s->rank - 1; d >= 0; d--) {
        if (s->dim[d] == 0)
            return true;
        if (s->dim[d] != 1 && g->stride[d] != stride)
            return false;
        stride = before(stride, s->dim[d]);
    }
    return true;
}

void clg__access_permute(clg__access *g, const int *perm, int rank)
{
    const clg__access old = *g;
    for (int d = 0; d < rank; d++) {
        g->stride[d] = old.stride[perm[d]];
        g->lo[d] = old.lo[perm[d]];
        g->hi[d] = old.hi[perm[d]];
    }
}

void clg__access_slice(clg__access *g, int axis, int64_t start, int64_t step, int64_t count)
{
    g->offset += start * g->stride[axis];
    g->stride[axis] *= step;
    if (!g->windowed) {
        g->lo[axis] = 0;
        g->hi[axis] = count;
        return;
    }
    const int64_t lo = g->lo[axis], hi = g->hi[axis];
    if (step > 0) {
        g->lo[axis] = clamp(-floor_div(start - lo, step), 0, count);
        g->hi[axis] = clamp(-floor_div(start - hi, step), 0, count);
    } else {
        g->lo[axis] = clamp(floor_div(start - hi, -step) + 1, 0, count);
        g->hi[axis] = clamp(floor_div(start - lo, -step) + 1, 0, count);
    }
}

void clg__access_flip(clg__access *g, int axis, int64_t dim)
{
    if (dim > 0)
        clg__access_slice(g, axis, dim - 1, -1, dim);
}

void clg__access_expand(clg__access *g, int axis, int64_t count)
{
    const bool inside = !g->windowed || (g->lo[axis] <= 0 && g->hi[axis] > 0);
    g->stride[axis] = 0;
    g->lo[axis] = 0;
    g->hi[axis] = inside ? count : 0;
}

bool clg__access_pad(clg__access *g, const clg_shape *s, const int64_t *before, const int64_t *after)
{
    if (g->windowed)
        return false;
    for (int d = 0; d < s->rank; d++) { // every index times its stride is to fit
        int64_t reach;
        if (__builtin_mul_overflow(before[d] + s->dim[d] + after[d], g->stride[d], &reach) ||
            reach > INT64_MAX / 32 || reach < -(INT64_MAX / 32))
            return false;
    }
    for (int d = 0; d < s->rank; d++) {
        g->lo[d] = before[d];
        g->hi[d] = before[d] + s->dim[d];
        g->offset -= before[d] * g->stride[d];
        g->windowed |= before[d] != 0 || after[d] != 0;
    }
    return true;
}

// A run of dimensions without those of size 1.
typedef struct dims {
    int n;
    int64_t dim[CLG_MAX_RANK], stride[CLG_MAX_RANK], lo[CLG_MAX_RANK], hi[CLG_MAX_RANK];
    uint16_t begins[CLG_MAX_RANK];
} dims;

static bool full(const dims *d, int i)
{
    return d->lo[i] <= 0 && d->hi[i] >= d->dim[i];
}

// false: a dimension of size 1 lies outside its window, so no element is inside
static bool drop_ones(const clg__access *g, const clg_shape *s, dims *out)
{
    out->n = 0;
    for (int d = 0; d < s->rank; d++) {
        if (s->dim[d] == 1) {
            if (g->windowed && (g->lo[d] > 0 || g->hi[d] < 1))
                return false;
            continue;
        }
        out->dim[out->n] = s->dim[d];
        out->stride[out->n] = g->stride[d];
        out->lo[out->n] = g->windowed ? g->lo[d] : 0;
        out->begins[out->n] = g->begins[d];
        out->hi[out->n++] = g->windowed ? g->hi[d] : s->dim[d];
    }
    return true;
}

// Old dimensions [a0,a1) become new ones [b0,b1) of the same product.
static bool reshape_block(const dims *from, int a0, int a1, dims *to, int b0, int b1)
{
    if (a1 - a0 == 1 && b1 - b0 == 1) {
        to->stride[b0] = from->stride[a0];
        to->lo[b0] = from->lo[a0];
        to->hi[b0] = from->hi[a0];
        return true;
    }
    for (int i = a0; i < a1; i++) {
        if (!full(from, i))
            return false;
        if (i + 1 < a1 && from->stride[i] != from->stride[i + 1] * from->dim[i + 1])
            return false;
    }
    int64_t stride = from->stride[a1 - 1];
    for (int i = b1 - 1; i >= b0; i--) {
        to->stride[i] = stride;
        to->lo[i] = 0;
        to->hi[i] = to->dim[i];
        stride = before(stride, to->dim[i]);
    }
    return true;
}

bool clg__access_reshape(clg__access *g, const clg_shape *from, const clg_shape *to)
{
    dims a, b;
    const clg__access plain = clg__access_contiguous(to);
    for (int d = 0; d < to->rank; d++) {
        if (to->dim[d] == 0) {
            *g = plain;
            return true;
        }
    }
    if (!drop_ones(g, from, &a) || !drop_ones(&plain, to, &b))
        return false;
    for (int i = 0, j = 0; i < a.n;) {
        int i1 = i + 1, j1 = j + 1;
        int64_t pa = a.dim[i], pb = b.dim[j];
        while (pa != pb) {
            if (pa < pb)
                pa *= a.dim[i1++];
            else
                pb *= b.dim[j1++];
        }
        if (!reshape_block(&a, i, i1, &b, j, j1))
            return false;
        i = i1;
        j = j1;
    }
    for (int d = 0, k = 0; d < to->rank; d++) {
        const bool one = to->dim[d] == 1;
        g->stride[d] = one ? 0 : b.stride[k];
        g->lo[d] = one ? 0 : b.lo[k];
        g->hi[d] = one ? 1 : b.hi[k];
        k += !one;
    }
    return true;
}

// Merge neighbours that lie one after another; what is left has one stride each.
static bool collapse(const clg__access *g, const clg_shape *s, dims *out)
{
    dims all;
    if (!drop_ones(g, s, &all))
        return false;
    out->n = 0;
    for (int i = 0; i < all.n; i++) {
        const int k = out->n - 1;
        if (k >= 0 && full(out, k) && full(&all, i) &&
            out->stride[k] == all.stride[i] * all.dim[i]) {
            out->dim[k] *= all.dim[i];
            out->stride[k] = all.stride[i];
            out->hi[k] = out->dim[k];
            continue;
        }
        out->dim[out->n] = all.dim[i];
        out->stride[out->n] = all.stride[i];
        out->lo[out->n] = all.lo[i];
        out->begins[out->n] = all.begins[i];
        out->hi[out->n++] = all.hi[i];
    }
    return true;
}

// Where an outer dimension goes: coefficient `c` of inner dimension `j`; j < 0: nowhere.
static bool find_target(const dims *in, const int64_t *linear, int64_t stride, int *j, int64_t *c)
{
    const int64_t size = stride < 0 ? -stride : stride;
    for (int k = 0; k < in->n; k++) {
        if (size >= linear[k] && size < linear[k] * in->dim[k]) {
            *j = k;
            *c = stride / linear[k];
            return size % linear[k] == 0;
        }
    }
    return false;
}

// An outer access in the dimensions of the inner one's elements: its first element at at[], what it reaches low[] to
// high[], outer dimension k along target[k] (-1: none) by coef[k], and inner dimension j walked by user[j] (-1: none).
typedef struct composition {
    dims in;
    int64_t linear[CLG_MAX_RANK], at[CLG_MAX_RANK], low[CLG_MAX_RANK], high[CLG_MAX_RANK];
    int user[CLG_MAX_RANK], target[CLG_MAX_RANK];
    int64_t coef[CLG_MAX_RANK];
} composition;

static void begin_at(composition *c, int64_t offset)
{
    int64_t step = 1;
    for (int j = c->in.n - 1; j >= 0; j--) {
        c->linear[j] = step;
        step *= c->in.dim[j];
        c->user[j] = -1;
    }
    for (int j = 0; j < c->in.n; j++) {
        c->at[j] = c->low[j] = c->high[j] = offset / c->linear[j];
        offset -= c->at[j] * c->linear[j];
    }
}

static bool find_targets(composition *c, const clg__access *outer, const clg_shape *os)
{
    for (int k = 0; k < os->rank; k++) {
        c->target[k] = -1;
        c->coef[k] = 0;
        if (os->dim[k] <= 1 || outer->stride[k] == 0)
            continue;
        if (!find_target(&c->in, c->linear, outer->stride[k], &c->target[k], &c->coef[k]))
            return false;
        const int j = c->target[k];
        const int64_t reach = c->coef[k] * (os->dim[k] - 1);
        c->low[j] += reach < 0 ? reach : 0;
        c->high[j] += reach > 0 ? reach : 0;
        if (!full(&c->in, j) && c->user[j] >= 0)
            return false; // a window over the sum of two indices
        c->user[j] = k;
    }
    for (int j = 0; j < c->in.n; j++) {
        if (c->low[j] < 0 || c->high[j] >= c->in.dim[j])
            return false; // a step leads from one dimension into the next
    }
    return true;
}

static void look(clg__looked *l, uint16_t position, int64_t modulus)
{
    if (!position)
        return;
    l->modulus[l->n] = modulus;
    l->position[l->n++] = position;
}

// The window of inner dimension j, as one of the outer dimension that walks it.
static bool window_through(const composition *c, int j, const clg_shape *os, clg__access *r, clg__looked *looked)
{
    const int k = c->user[j];
    if (k >= 0 && c->coef[k] == 1 && c->at[j] == 0 && os->dim[k] == c->in.dim[j])
        r->begins[k] = c->in.begins[j]; // as it is, wherever that is
    else
        look(looked, c->in.begins[j], 0);
    if (k < 0)
        return c->at[j] >= c->in.lo[j] && c->at[j] < c->in.hi[j];
    clg__access w = { .windowed = true, .lo = { c->in.lo[j] }, .hi = { c->in.hi[j] } };
    clg__access_slice(&w, 0, c->at[j], c->coef[k], os->dim[k]); // of one dimension
    r->lo[k] = w.lo[0];
    r->hi[k] = w.hi[0];
    r->windowed = true;
    return true;
}

// The offset of the outer access moves, by whole steps of the inner elements' first dimension: so does that of the
// result, where a step there is as large, or not at all, where all its elements are one. Where in the others it starts is
// the remainder.
static uint16_t moves_with(const composition *c, const clg__access *outer, const clg__access *inner, clg__looked *looked)
{
    if (outer->at == 0 || c->in.n == 0)
        return inner->at;
    const int64_t step = c->linear[0];
    const bool repeats = c->in.stride[0] == 0, follows = c->in.stride[0] == step && inner->at == 0;
    const bool known = full(&c->in, 0) && (repeats || follows);
    if (!known || step > 1)
        look(looked, outer->at, known ? step : 0);
    return known && follows && !repeats ? outer->at : inner->at;
}

bool clg__access_compose(const clg__access *outer, const clg_shape *os, const clg__access *inner,
                         const clg_shape *ms, clg__access *out, clg__looked *looked)
{
    composition c;
    looked->n = 0;
    if (outer->windowed || !collapse(inner, ms, &c.in))
        return false;
    for (int j = 0; j < c.in.n; j++) {
        if (c.in.dim[j] > 0)
            continue;
        // No elements at all: any access will do, and no number may be divided by.
        *out = clg__access_contiguous(os);
        return clg_numel(*os) == 0;
    }
    begin_at(&c, outer->offset);
    const uint16_t at = moves_with(&c, outer, inner, looked);
    if (!find_targets(&c, outer, os))
        return false;
    clg__access r = { .offset = inner->offset, .at = at };
    for (int k = 0; k < os->rank; k++) {
        r.stride[k] = c.target[k] < 0 ? 0 : c.coef[k] * c.in.stride[c.target[k]];
        r.hi[k] = os->dim[k];
    }
    for (int j = 0; j < c.in.n; j++) {
        r.offset += c.at[j] * c.in.stride[j];
        if (!full(&c.in, j) && !window_through(&c, j, os, &r, looked))
            return false;
    }
    *out = r;
    return true;
}
