// SPDX-License-Identifier: MIT
// The first few elements of rows in order (cl/topk.cl), where sorting all of a row would be wasteful. Long rows are
// selected from in parts, whose finds are merged; the same places as those of the sorted row.
#include "ops/registry.h"
#include "ops/sort.h"

enum { MOST = 64, SHARE = 4, GPU_ITEMS = 256, LEAST = 64 }; // MOST of cl/topk.cl; a part is worth LEAST finds

typedef struct selection {
    int64_t rows, n, k;
    bool down;
} selection;

static void key_selection(const void *params, clg__key *k)
{
    const selection *s = params;
    clg__key_i64(k, s->rows);
    clg__key_i64(k, s->n);
    clg__key_i64(k, s->k);
    clg__key_i64(k, s->down);
}

bool clg__topk_takes(int64_t n, int64_t k)
{
    return k > 0 && k <= MOST && k * SHARE <= n;
}

static clg__launch *kernel(const clg__kernel_call *c, clg__kplan *p, const char *entry, int64_t work)
{
    const selection *s = c->params;
    clg__launch *l = clg__sort_kernel(c, p, "topk", entry, s->down);
    if (c->caps->cpu_class)
        clg__kplan_define(p, l, "CPU", "1");
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    const int64_t groups = 4 * (int64_t) c->caps->compute_units;
    if (c->caps->cpu_class)
        clg__kplan_grid(l, (size_t) (work < groups ? work : groups), 1, 1, 1, 1, 1);
    else
        clg__kplan_items(l, work);
    return l;
}

static void sizes(clg__kplan *p, clg__launch *l, const selection *s, int64_t parts)
{
    CLG__ARG_BLOCK(p, l, "SELECT", { "rows", s->rows, true }, { "n", s->n, true }, { "k", s->k, true },
                   { "parts", parts, true });
}

// As many parts as fill the device, but a merge shorter than a part.
static int64_t parts_of(const clg__kernel_call *c, const selection *s)
{
    const int64_t wanted = (c->caps->cpu_class ? 4 : GPU_ITEMS) * (int64_t) c->caps->compute_units / s->rows;
    int64_t parts = 1;
    while (2 * parts <= wanted && 4 * parts * parts * s->k <= s->n && s->n / (2 * parts) >= LEAST * s->k)
        parts *= 2;
    return parts;
}

static void plan_select(const clg__kernel_call *c, clg__kplan *p)
{
    const selection *s = c->params;
    if (s->rows == 0)
        return;
    const int64_t parts = parts_of(c, s);
    const int found = parts > 1 ? clg__kplan_temp(p, (size_t) (s->rows * parts * s->k) * sizeof(int64_t)) : 0;
    clg__launch *l = kernel(c, p, "topk_parts", s->rows * parts);
    if (parts > 1)
        clg__arg_temp(p, l, found);
    else
        clg__arg_out(p, l, 0);
    sizes(p, l, s, parts);
    if (parts == 1)
        return;
    l = kernel(c, p, "topk_merge", s->rows);
    clg__arg_temp(p, l, found);
    clg__arg_out(p, l, 0);
    sizes(p, l, s, parts);
}

static const clg__variant variants[] = { { "select", NULL, plan_select, false } };
static const clg__op op_topk = { .name = "topk", .kind = CLG__KERNEL, .key = key_selection,
                                 .params_bytes = sizeof(selection), .variants = variants, .n_variants = 1 };

const clg__op *const clg__topk_ops[] = { &op_topk, NULL };

clg_tensor clg__topk(clg_tensor a, int64_t k, bool down)
{
    clg__call c;
    if (!clg__call_begin(&c, "topk", "a", 1, &a))
        return clg__call_poison(&c);
    const selection s = { a->shape.dim[0], a->shape.dim[1], k, down };
    return clg__call_node(&c, &op_topk, CLG_I64, &CLG_SHAPE(s.rows, k), &s);
}
