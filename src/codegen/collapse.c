// SPDX-License-Identifier: MIT
// Joining dimensions: fewer, longer loops, and one text for many shapes.
#include "codegen/gen.h"

#include <string.h>

static bool has_geom(const clg__operand *o)
{
    return o->kind != CLG__FROM_SLOT;
}

static bool whole_window(const clg__geom *g, int d, int64_t dim)
{
    return !g->windowed || (g->lo[d] <= 0 && g->hi[d] >= dim);
}

// Can dimension `d` of every access follow `k` (the last joined one) as its inner part?
static bool joins(const clg__group *g, const clg__space *s, int k, int d)
{
    if (s->reduced[k] != g->reduced[d])
        return false;
    for (int i = 0; i < g->n_operands; i++) {
        const clg__geom *a = &s->geom[i], *b = &g->operands[i].geom;
        if (!has_geom(&g->operands[i]))
            continue;
        if (a->stride[k] != b->stride[d] * g->shape.dim[d] || !whole_window(a, k, s->dim[k]) ||
            !whole_window(b, d, g->shape.dim[d]))
            return false;
    }
    return true;
}

bool clg__reduces_in_order(const clg_shape *s, const bool *reduced, const clg__geom *g)
{
    int k = -1; // the dimension before, those of size 1 left out
    for (int d = 0; d < s->rank; d++) {
        if (s->dim[d] == 0)
            return true;
        if (s->dim[d] == 1 && whole_window(g, d, 1))
            continue;
        if (s->dim[d] == 1 ||
            (k >= 0 && reduced[k] && reduced[d] &&
             (g->stride[k] != g->stride[d] * s->dim[d] || !whole_window(g, k, s->dim[k]) ||
              !whole_window(g, d, s->dim[d]))))
            return false;
        k = d;
    }
    return true;
}

void clg__collapse(const clg__group *g, clg__space *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < g->n_operands; i++) {
        s->geom[i].offset = g->operands[i].geom.offset;
        s->geom[i].windowed = has_geom(&g->operands[i]) && g->operands[i].geom.windowed;
    }
    for (int d = 0; d < g->shape.rank; d++) {
        bool inside = true;
        for (int i = 0; i < g->n_operands; i++)
            inside &= !has_geom(&g->operands[i]) || whole_window(&g->operands[i].geom, d, 1);
        if (g->shape.dim[d] == 1 && inside)
            continue;
        const bool join = s->rank > 0 && joins(g, s, s->rank - 1, d);
        const int k = join ? s->rank - 1 : s->rank++;
        s->dim[k] = join ? s->dim[k] * g->shape.dim[d] : g->shape.dim[d];
        s->reduced[k] = g->reduced[d];
        for (int i = 0; i < g->n_operands; i++) {
            const clg__geom *from = &g->operands[i].geom;
            s->geom[i].stride[k] = has_geom(&g->operands[i]) ? from->stride[d] : 0;
            s->geom[i].lo[k] = from->windowed && !join ? from->lo[d] : 0;
            s->geom[i].hi[k] = from->windowed && !join ? from->hi[d] : s->dim[k];
        }
    }
    if (s->rank == 0) {
        s->rank = 1;
        s->dim[0] = 1;
        for (int i = 0; i < g->n_operands; i++)
            s->geom[i].hi[0] = 1;
    }
    for (int i = 0; i < g->n_operands; i++) {
        for (int k = 0; k < s->rank; k++) {
            if (s->dim[k] == 1 && !s->geom[i].windowed)
                s->geom[i].stride[k] = 0;
        }
    }
}
