// SPDX-License-Identifier: MIT
// Joining dimensions: fewer, longer loops, and one text for many shapes.
#include "codegen/gen.h"

#include <string.h>

static bool has_access(const clg__operand *o)
{
    return o->kind != CLG__FROM_SCALAR;
}

static bool whole_window(const clg__access *g, int d, int64_t dim)
{
    return !g->windowed || (g->lo[d] <= 0 && g->hi[d] >= dim);
}

// Can dimension `d` of every access follow `k` (the last joined one) as its inner part?
static bool joins(const clg__body *body, const clg__access *in, const clg__space *s, int k, int d)
{
    if (s->reduced[k] != body->reduced[d])
        return false;
    for (int i = 0; i < body->n_operands; i++) {
        const clg__access *a = &s->access[i], *b = &in[i];
        if (!has_access(&body->operands[i]))
            continue;
        if (a->stride[k] != b->stride[d] * body->shape.dim[d] || !whole_window(a, k, s->dim[k]) ||
            !whole_window(b, d, body->shape.dim[d]))
            return false;
    }
    return true;
}

// The accesses with dimensions of size 1 out of the way: one whose window leaves such an element out sees
// nothing at all.
static void without_ones(const clg__body *body, clg__access *out)
{
    for (int i = 0; i < body->n_operands; i++) {
        bool inside = true;
        out[i] = body->operands[i].access;
        for (int d = 0; d < body->shape.rank && has_access(&body->operands[i]); d++)
            inside &= body->shape.dim[d] != 1 || body->ones[d] || whole_window(&out[i], d, 1);
        for (int d = 0; d < body->shape.rank && !inside; d++)
            out[i].lo[d] = out[i].hi[d] = out[i].begins[d] = 0;
    }
}

void clg__collapse(const clg__body *body, clg__space *s)
{
    clg__access in[CLG__BODY_OPERANDS];
    memset(s, 0, sizeof *s);
    without_ones(body, in);
    for (int i = 0; i < body->n_operands; i++) {
        s->access[i].offset = in[i].offset;
        s->access[i].windowed = has_access(&body->operands[i]) && in[i].windowed;
    }
    for (int d = 0; d < body->shape.rank; d++) {
        if (body->shape.dim[d] == 1 && !body->ones[d])
            continue;
        const bool join = s->rank > 0 && joins(body, in, s, s->rank - 1, d);
        const int k = join ? s->rank - 1 : s->rank++;
        s->dim[k] = join ? s->dim[k] * body->shape.dim[d] : body->shape.dim[d];
        s->reduced[k] = body->reduced[d];
        for (int i = 0; i < body->n_operands; i++) {
            const clg__access *from = &in[i];
            s->access[i].stride[k] = has_access(&body->operands[i]) ? from->stride[d] : 0;
            s->access[i].lo[k] = from->windowed && !join ? from->lo[d] : 0;
            s->access[i].hi[k] = from->windowed && !join ? from->hi[d] : s->dim[k];
            s->access[i].begins[k] = from->windowed && !join ? from->begins[d] : 0;
        }
    }
    if (s->rank == 0) {
        s->rank = 1;
        s->dim[0] = 1;
        for (int i = 0; i < body->n_operands; i++)
            s->access[i].hi[0] = body->shape.rank == 0 || !in[i].windowed || in[i].hi[0] > 0;
    }
}
