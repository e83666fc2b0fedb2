// SPDX-License-Identifier: MIT
// Reductions, before any text: which dimensions make a result, a run, the rest; which totals are shared; how the
// work is divided. Elements are combined in blocks of at most 1024 per lane; few results over much data are split
// in parts, joined in order by a second kernel. In the CPU class lanes lie along the elements of a long row, or along
// results (reduce.h: flat, packed).
// Splits depend on the shape alone, so the bits do not depend on the machine's cores.
#include "codegen/reduce.h"

#include "base/alloc.h"

#include <string.h>

enum { LANES = 16 };

bool clg__red_loop_skips(const clg__gen *n, int k)
{
    for (int i = 0; i < n->body->n_per_element; i++) {
        if (n->body->insns[i].kind == CLG__I_LOAD && n->body->insns[i].operand == k)
            return false;
    }
    return true;
}

bool clg__red_epilogue_skips(const clg__gen *n, int k)
{
    for (int i = n->body->n_per_element; i < n->body->n_insns; i++) {
        if (n->body->insns[i].kind == CLG__I_LOAD && n->body->insns[i].operand == k)
            return false;
    }
    return true;
}

// How lanes lie along the innermost kept dimension, or, where it is shorter than a vector, along all results.
clg__lanes clg__red_lanes_kept(const clg__reducer *r)
{
    if (r->vec == 1)
        return CLG__ONE;
    return clg__long_row(r->epilogue.s.dim[r->epilogue.s.rank - 1]) && !r->flat ? CLG__FULL : CLG__NEAR;
}

// Arrays of part{k}, each [parts, results]: totals of sums come with their remainders and scales. The indices of argmax
// and argmin are in index{k}.
int clg__red_arrays(const clg__reducer *r, int k)
{
    return clg__red_is_sum(r, k) ? 3 : 1;
}

int clg__red_last_kept(const clg__reducer *r)
{
    return r->epilogue.s.rank - 1;
}

// Which reductions share a total: sums, means and their rests of one value, squares and their roots.
static void find_owners(clg__reducer *r)
{
    const clg__reduction *all = r->body->reductions;
    for (int k = 0; k < r->body->n_reductions; k++) {
        const bool square = all[k].kind == CLG__RED_SQUARE || all[k].kind == CLG__RED_ROOT;
        r->owner[k] = k;
        for (int i = k - 1; i >= 0; i--) {
            const bool other = all[i].kind == CLG__RED_SQUARE || all[i].kind == CLG__RED_ROOT;
            if (clg__red_is_sum(r, k) && clg__red_is_sum(r, i) && square == other &&
                all[i].src == all[k].src)
                r->owner[k] = i;
        }
    }
}

// A reduction over dimensions of size 1 only: give it one to loop over.
static void ensure_reduced(clg__reducer *r)
{
    clg__space *s = &r->elements.s;
    for (int d = 0; d < s->rank; d++) {
        if (s->reduced[d])
            return;
    }
    if (s->rank == CLG_MAX_RANK) {
        clg__fail(&r->p->err, CLG_ESHAPE, "reduction: rank too high");
        return;
    }
    s->dim[s->rank] = 1;
    s->reduced[s->rank] = true;
    for (int i = 0; i < r->body->n_operands; i++) {
        s->access[i].stride[s->rank] = 0;
        s->access[i].lo[s->rank] = 0;
        s->access[i].hi[s->rank] = 1;
        s->access[i].begins[s->rank] = 0;
    }
    s->rank++;
}

static void copy_dim(const clg__reducer *r, clg__space *to, const clg__space *from, int d)
{
    const int k = to->rank++;
    to->dim[k] = from->dim[d];
    to->reduced[k] = from->reduced[d];
    for (int i = 0; i < r->body->n_operands; i++) {
        to->access[i].stride[k] = from->access[i].stride[d];
        to->access[i].lo[k] = from->access[i].lo[d];
        to->access[i].hi[k] = from->access[i].hi[d];
        to->access[i].begins[k] = from->access[i].begins[d];
    }
}

// What is not said of a dimension.
static void copy_rest(const clg__reducer *r, clg__space *to, const clg__space *from)
{
    for (int i = 0; i < r->body->n_operands; i++) {
        to->access[i].offset = from->access[i].offset;
        to->access[i].at = from->access[i].at;
        to->access[i].windowed = from->access[i].windowed;
    }
}

// Dimensions are kept, of the inner run, or reduced outside of it. The epilogue walks those that are kept.
static void split_dims(clg__reducer *r)
{
    const clg__space *s = &r->elements.s;
    clg__space *kept = &r->epilogue.s;
    int last = s->rank - 1;
    while (last > 0 && !s->reduced[last])
        last--;
    int first = last;
    while (first > 0 && s->reduced[first - 1])
        first--;
    r->n_results = r->n_outer_total = r->n_inner = r->narrow = 1;
    for (int d = first; d <= last; d++) {
        r->inner[r->n_inner_dims++] = d;
        r->n_inner *= s->dim[d];
    }
    for (int d = 0; d < s->rank; d++) {
        if (!s->reduced[d]) {
            r->kept[r->n_kept++] = d;
            r->n_results *= s->dim[d];
            r->narrow *= d > last ? s->dim[d] : 1;
            copy_dim(r, kept, s, d);
        } else if (d < first) {
            r->outer[r->n_outer++] = d;
            r->n_outer_total *= s->dim[d];
        }
    }
    if (kept->rank == 0) {
        kept->rank = 1;
        kept->dim[0] = 1;
    }
    copy_rest(r, kept, s);
    r->inner_reduced = last == s->rank - 1;
    if (r->inner_reduced)
        clg__run_split(&r->elements, first);
}

static bool is_apart(const clg__gen *n)
{
    bool yes = false;
    for (int k = 0; k < n->body->n_operands; k++)
        yes |= n->split[k] && n->body->operands[k].kind == CLG__FROM_BUFFER;
    return yes;
}

// All that is reduced first, in order, then what is kept as one run. Where it is none for an operand, lanes go along its
// last dimension, if that makes a vector; the order of a sum is the same.
static void make_flat(clg__reducer *r)
{
    const clg__space from = r->elements.s;
    clg__space *s = &r->elements.s;
    r->flat = true;
    r->inner_reduced = false;
    s->rank = 0;
    for (int i = 0; i < r->n_outer; i++) {
        copy_dim(r, s, &from, r->outer[i]);
        r->outer[i] = s->rank - 1;
    }
    for (int i = 0; i < r->n_inner_dims; i++) {
        copy_dim(r, s, &from, r->inner[i]);
        r->inner[i] = s->rank - 1;
    }
    for (int i = 0; i < r->n_kept; i++) {
        copy_dim(r, s, &from, r->kept[i]);
        r->kept[i] = s->rank - 1;
    }
    if (r->n_kept == 0) { // one result
        clg__space one = { .rank = 1, .dim = { 1 } };
        for (int i = 0; i < r->body->n_operands; i++)
            one.access[i].hi[0] = 1;
        if (s->rank == CLG_MAX_RANK)
            clg__fail(&r->p->err, CLG_ESHAPE, "reduction: rank too high");
        else
            copy_dim(r, s, &one, 0);
    }
    clg__run_split(&r->elements, r->n_outer + r->n_inner_dims);
    if (r->n_kept > 1 && clg__long_row(s->dim[s->rank - 1]) && is_apart(&r->elements)) { // no run: rows of vectors
        r->flat = false;
        r->elements.run = 0;
        memset(r->elements.split, 0, sizeof r->elements.split);
        return;
    }
    r->elements.tables = true;
}

// CPU class: where the lanes lie. It decides the order of sums, so it follows from the logical shape alone: a row is
// n_inner elements, and `narrow` results lie side by side.
enum { SHORT_ROW = 64 };
static void place_lanes(clg__reducer *r)
{
    const clg__space *s = &r->elements.s;
    if (r->vec == 1)
        return;
    if (!r->inner_reduced && r->n_results > 0 && clg__red_packs(r->n_inner, r->narrow, r->n_results / r->narrow)) {
        r->packed = true;
        clg__run_split(&r->elements, r->inner[0]);
        r->elements.tables = r->n_inner_dims == 1;
    } else if (r->inner_reduced ? r->n_inner < LANES || (r->n_outer == 0 && r->n_inner <= SHORT_ROW)
                                : !clg__long_row(s->dim[s->rank - 1])) {
        make_flat(r);
    }
}

static void choose_parts(clg__reducer *r)
{
    const int64_t total = r->n_outer_total * r->n_inner;
    // Results enough for the cores of a CPU need no parts, nor the kernel that adds them.
    const int64_t enough = r->vec > 1 && r->inner_reduced ? 32 : 4096;
    r->parts = 1;
    if (r->n_results == 0 || r->n_results >= enough)
        return;
    r->parts = r->inner_reduced ? total / 32768 : total * r->n_results / 65536;
    const int64_t most = 4096 / r->n_results < 64 ? 4096 / r->n_results : 64;
    r->parts = r->parts > most ? most : r->parts;
    r->parts = r->parts > r->blocks ? r->blocks : r->parts;
    r->parts = r->parts < 1 ? 1 : r->parts;
}

// Strips of few vectors where there would be less work than cores; a flat reduction's are a vector.
static void choose_strips(clg__reducer *r, int cores)
{
    const int64_t n = r->epilogue.s.dim[clg__red_last_kept(r)], wide = ((r->flat ? r->n_results : n) + LANES - 1) / LANES;
    r->strips = wide;
    if (r->flat || r->packed || r->inner_reduced || r->n_results == 0)
        return;
    const int64_t rest = r->n_results / n * r->parts, wanted = (4 * cores + rest - 1) / rest;
    r->strips = wanted < wide / 4 ? wanted : wide / 4;
    const int64_t least = (wide + CLG__STRIP - 1) / CLG__STRIP;
    r->strips = r->strips > least ? r->strips : least;
}

void clg__red_analyse(clg__reducer *r, const clg__body *body, const clg__caps *caps, clg__kplan *p)
{
    memset(r, 0, sizeof *r);
    r->body = body;
    r->p = p;
    r->vec = caps->cpu_class ? LANES : 1;
    r->elements.body = r->epilogue.body = body;
    r->elements.vec = r->epilogue.vec = r->vec;
    r->elements.p = r->epilogue.p = p;
    clg__collapse(body, &r->elements.s);
    ensure_reduced(r);
    split_dims(r);
    place_lanes(r);
    find_owners(r);
    r->group = r->vec > 1 && r->n_inner < CLG__BLOCK ? CLG__BLOCK / (r->n_inner ? r->n_inner : 1) : 1;
    r->blocks = (r->n_outer_total + r->group - 1) / r->group * ((r->n_inner + CLG__BLOCK - 1) / CLG__BLOCK);
    choose_parts(r);
    r->pieces = r->parts * (r->packed ? LANES / r->narrow : 1);
    choose_strips(r, caps->compute_units);
}

// How a result's elements follow each other: lanes along a row, rows of a packed matrix, one after another.
static int order_of(const clg__reducer *r)
{
    return r->packed ? 2 : r->inner_reduced;
}

bool clg__codegen_same_order(const clg__body *a, const clg__body *b, const clg__caps *caps)
{
    if (a->n_reductions == 0)
        return true;
    clg__kplan p;
    clg__reducer *r = clg__malloc(2 * sizeof *r);
    if (!r)
        return false;
    clg__kplan_init(&p);
    clg__red_analyse(&r[0], a, caps, &p);
    clg__red_analyse(&r[1], b, caps, &p);
    const bool one = r[0].n_outer_total * r[0].n_inner == 1;
    const bool same = p.err.status >= 0 && r[0].parts == r[1].parts && r[0].n_results == r[1].n_results &&
                      (one || (order_of(&r[0]) == order_of(&r[1]) && r[0].n_inner == r[1].n_inner &&
                               (!r[0].packed || r[0].narrow == r[1].narrow) && r[0].blocks == r[1].blocks && r[0].group == r[1].group &&
                               clg__red_is_alone(&r[0]) == clg__red_is_alone(&r[1])));
    clg__kplan_free(&p);
    clg__free(r);
    return same;
}

bool clg__red_in_parts(const clg__reducer *r)
{
    return r->parts > 1 || r->packed;
}

bool clg__red_by_strips(const clg__reducer *r)
{
    return r->vec > 1 && !r->inner_reduced && !r->packed;
}

int64_t clg__red_count_units(const clg__reducer *r)
{
    const int64_t n = r->epilogue.s.dim[clg__red_last_kept(r)];
    if (r->inner_reduced || r->vec == 1)
        return r->n_results * r->parts;
    if (r->packed || r->flat)
        return (r->packed ? r->n_results / r->narrow : r->strips) * r->parts;
    return n ? r->n_results / n * r->strips * r->parts : 0;
}

bool clg__red_is_alone(const clg__reducer *r)
{
    const int64_t total = r->n_outer_total * r->n_inner;
    return r->vec == 1 && (total <= 128 || (!r->inner_reduced && r->n_results >= 2048 && r->parts == 1));
}
