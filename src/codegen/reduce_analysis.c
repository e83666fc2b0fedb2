// SPDX-License-Identifier: MIT
// Reductions, before any text: which dimensions make a result, a run, the rest; which totals are shared; how the
// work is divided. Elements are combined in blocks of at most 1024 per lane; few results over much data are split
// in parts, joined in order by a second kernel.
// Splits depend on the shape alone, so the bits do not depend on the machine's cores.
#include "codegen/reduce.h"

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

// How lanes lie along the innermost kept dimension.
clg__lanes clg__red_lanes_kept(const clg__reducer *r)
{
    if (r->vec == 1)
        return CLG__ONE;
    return clg__long_row(r->epilogue.s.dim[r->epilogue.s.rank - 1]) ? CLG__FULL : CLG__PARTIAL;
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
static void ensure_inner(clg__reducer *r)
{
    clg__space *s = &r->elements.s;
    if (r->n_inner_dims > 0)
        return;
    r->inner[r->n_inner_dims++] = r->elements.run = s->rank;
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
    }
    s->rank++;
    r->inner_reduced = true;
}

// Dimensions are kept, of the inner run, or reduced outside of it. The epilogue walks those that are kept.
static void split_dims(clg__reducer *r)
{
    const clg__space *s = &r->elements.s;
    clg__space *kept = &r->epilogue.s;
    int last = s->rank - 1;
    while (last >= 0 && !s->reduced[last])
        last--;
    int first = last;
    while (first > 0 && s->reduced[first - 1])
        first--;
    r->n_results = r->n_outer_total = r->n_inner = 1;
    for (int d = first; d >= 0 && d <= last; d++) {
        r->inner[r->n_inner_dims++] = d;
        r->n_inner *= s->dim[d];
    }
    for (int d = 0; d < s->rank; d++) {
        if (!s->reduced[d]) {
            const int k = kept->rank++;
            r->kept[r->n_kept++] = d;
            r->n_results *= s->dim[d];
            kept->dim[k] = s->dim[d];
            for (int i = 0; i < r->body->n_operands; i++) {
                kept->access[i].stride[k] = s->access[i].stride[d];
                kept->access[i].lo[k] = s->access[i].lo[d];
                kept->access[i].hi[k] = s->access[i].hi[d];
            }
        } else if (d < first) {
            r->outer[r->n_outer++] = d;
            r->n_outer_total *= s->dim[d];
        }
    }
    if (kept->rank == 0) {
        kept->rank = 1;
        kept->dim[0] = 1;
    }
    for (int i = 0; i < r->body->n_operands; i++) {
        kept->access[i].offset = s->access[i].offset;
        kept->access[i].windowed = s->access[i].windowed;
    }
    r->inner_reduced = last < 0 || last == s->rank - 1;
    if (r->inner_reduced && last >= 0)
        clg__run_split(&r->elements, first);
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
    split_dims(r);
    find_owners(r);
    r->single = r->vec > 1 && r->inner_reduced && r->n_outer == 0 && !clg__long_row(r->n_inner);
    r->blocks = r->n_outer_total * ((r->n_inner + CLG__BLOCK - 1) / CLG__BLOCK);
    choose_parts(r);
    ensure_inner(r);
}

int64_t clg__red_count_units(const clg__reducer *r)
{
    const int64_t n = r->epilogue.s.dim[clg__red_last_kept(r)];
    if (r->inner_reduced || r->vec == 1)
        return r->n_results * r->parts;
    return n ? r->n_results / n * ((n + 15) / 16) * r->parts : 0;
}

// GPU class: an item per result where results are many or short, else a work-group per result.
bool clg__red_is_alone(const clg__reducer *r)
{
    const int64_t total = r->n_outer_total * r->n_inner;
    return r->vec == 1 && (total <= 128 || (!r->inner_reduced && r->n_results >= 2048 && r->parts == 1));
}
