// SPDX-License-Identifier: MIT
// A list of keys sorted by counting, which keeps the order of equal keys: what adds up or chooses along it has the
// order of the list. Kernel: cl/index_sort.cl.
#include "ops/index_sort.h"

#include "base/dtype.h"

enum {
    DIGIT_BITS = 11,   // DIGITS of cl/index_sort.cl
    MOST_PASSES = 3,   // of which a plan has the launches
    TILE = 64,         // items of a sorting group, GPU class
    CPU_PART = 2048,   // indices for which a sorting group is worth its counters
    CPU_PARTS = 32,
    GPU_PARTS = 256
};

bool clg__sort_takes(int64_t axis)
{
    return axis < (int64_t) 1 << (DIGIT_BITS * MOST_PASSES);
}

static bool is_long(const clg__sort *s)
{
    return s->axis >= INT32_MAX || s->n >= INT32_MAX;
}

void clg__sort_define(clg__kplan *p, clg__launch *l, const clg__sort *s)
{
    clg__kplan_define(p, l, "T", "%s", is_long(s) ? "long" : "int");
}

int clg__sort_numbers(clg__kplan *p, const clg__sort *s, int64_t n)
{
    return clg__kplan_temp(p, (size_t) n * (is_long(s) ? 8 : 4));
}

// A launch of cl/index_sort.cl.
static clg__launch *kernel(const clg__sort *s, clg__kplan *p, const char *entry, int lanes)
{
    clg__launch *l = clg__kplan_kernel(p, "index_sort", entry);
    clg__sort_define(p, l, s);
    clg__kplan_define(p, l, "LANES", "%d", lanes);
    clg__kplan_define(p, l, "I", "%s", clg__dtype_of(s->index)->storage);
    return l;
}

void clg__sort_keys(clg__kplan *p, const clg__sort *s, int input, clg__sorted to)
{
    clg__launch *l = kernel(s, p, "sort_keys", 1);
    clg__arg_in(p, l, input);
    clg__arg_in_offset(p, l, input);
    clg__arg_temp(p, l, to.key);
    clg__arg_temp(p, l, to.order);
    clg__arg_i64(p, l, s->n);
    clg__arg_i64(p, l, s->axis);
    clg__kplan_items(l, s->n);
}

static clg__launch *sorting(const clg__sort *s, clg__kplan *p, const char *entry, int lanes, const int *temps, int n_temps,
                            int shift, int digits, int parts)
{
    clg__launch *l = kernel(s, p, entry, lanes);
    for (int i = 0; i < n_temps; i++)
        clg__arg_temp(p, l, temps[i]);
    CLG__ARG_BLOCK(p, l, "SORT", { "n", s->n, true }, { "parts", parts, false }, { "shift", shift, false },
                   { "digits", digits, false });
    clg__kplan_grid(l, (size_t) parts, 1, 1, (size_t) lanes, 1, 1);
    return l;
}

clg__sorted clg__sort_begin(clg__kplan *p, const clg__sort *s)
{
    return (clg__sorted) { clg__sort_numbers(p, s, s->n), clg__sort_numbers(p, s, s->n) };
}

clg__sorted clg__sort_run(const clg__caps *caps, clg__kplan *p, const clg__sort *s, clg__sorted from)
{
    const bool cpu = caps->cpu_class;
    const int lanes = cpu ? 1 : clg__kplan_side(TILE, caps->max_work_group, false);
    const int64_t part = cpu ? CPU_PART : lanes, units = caps->compute_units;
    int64_t parts = (s->n + part - 1) / part, most = cpu ? (units < CPU_PARTS / 2 ? 2 * units : CPU_PARTS) : GPU_PARTS;
    parts = parts < most ? parts : most;
    int64_t most_digits = s->axis + 1; // values of a key: the rows, and what is out of range
    most_digits = most_digits < 1 << DIGIT_BITS ? most_digits : 1 << DIGIT_BITS;
    const int count = clg__sort_numbers(p, s, parts * most_digits), start = clg__sort_numbers(p, s, parts * most_digits);
    const int all = clg__sort_numbers(p, s, most_digits);
    clg__sorted to = clg__sort_begin(p, s);
    for (int shift = 0; shift == 0 || s->axis >> shift; shift += DIGIT_BITS) {
        const int64_t left = (s->axis >> shift) + 1;
        const int digits = (int) (left < most_digits ? left : most_digits);
        sorting(s, p, "sort_count", lanes, (int[]) { from.key, count }, 2, shift, digits, (int) parts);
        clg__launch *l = sorting(s, p, "sort_scan", lanes, (int[]) { count, start, all }, 3, shift, digits, (int) parts);
        clg__kplan_items(l, digits);
        sorting(s, p, "sort_place", lanes, (int[]) { from.key, from.order, start, all, to.key, to.order }, 6, shift,
                digits, (int) parts);
        const clg__sorted other = from;
        from = to;
        to = other;
    }
    return from;
}

int clg__sort_starts(const clg__caps *caps, clg__kplan *p, const clg__sort *s, clg__sorted list)
{
    const int start = clg__sort_numbers(p, s, s->axis + 1);
    clg__launch *l = kernel(s, p, "sort_starts", clg__kplan_side(TILE, caps->max_work_group, false));
    clg__arg_temp(p, l, list.key);
    clg__arg_temp(p, l, start);
    clg__arg_i64(p, l, s->n);
    clg__arg_i64(p, l, s->axis);
    clg__kplan_items(l, s->axis + 1);
    return start;
}
