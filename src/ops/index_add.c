// SPDX-License-Identifier: MIT
// index_add over a sorted list. The list is sorted once, by counting, which keeps the order of equal indices; then each
// row adds what the list sends there, in that order: the bits are those of a sum along the list, and time
// grows with indices and rows together. Kernels: cl/index_sort.cl, cl/gather_cpu.cl, cl/gather.cl.
#include "ops/element.h"
#include "ops/gather.h"

enum {
    DIGIT_BITS = 11,   // DIGITS of cl/index_sort.cl
    MOST_PASSES = 3,   // of which a plan has the launches
    TILE = 64,         // items of a sorting group, GPU class
    CPU_PART = 2048,   // indices for which a sorting group is worth its counters
    CPU_PARTS = 32,
    GPU_PARTS = 256
};

typedef struct sorted {
    int key, order; // scratch
} sorted;

static const char *accepts(const clg__kernel_call *c, bool cpu_class, int64_t few)
{
    const clg__gather *s = c->params;
    if (c->caps->cpu_class != cpu_class)
        return cpu_class ? "for CPU-class devices" : "for GPU-class devices";
    const int64_t results = s->outer * s->axis * s->inner;
    if (s->n == 0 || (!c->forced && results <= few / s->n))
        return "the table or the list is small";
    if (s->axis >= (int64_t) 1 << (DIGIT_BITS * MOST_PASSES))
        return "more rows than three passes sort";
    return NULL;
}

// Below, a comparison of every row with every index takes less than the launches of a sort.
const char *clg__index_add_accepts_cpu(const clg__kernel_call *c)
{
    return accepts(c, true, 1 << 18);
}

const char *clg__index_add_accepts_gpu(const clg__kernel_call *c)
{
    return accepts(c, false, 1 << 22);
}

// Scratch numbers are rows, from 0 to axis, and positions.
static bool is_long(const clg__gather *s)
{
    return s->axis >= INT32_MAX || s->n >= INT32_MAX;
}

static void define_number(clg__kplan *p, clg__launch *l, const clg__gather *s)
{
    clg__kplan_define(p, l, "T", "%s", is_long(s) ? "long" : "int");
}

static int numbers(clg__kplan *p, const clg__gather *s, int64_t n)
{
    return clg__kplan_temp(p, (size_t) n * (is_long(s) ? 8 : 4));
}

static void keys(const clg__kernel_call *c, clg__kplan *p, sorted to)
{
    const clg__gather *s = c->params;
    clg__launch *l = clg__kplan_kernel(p, "index_sort", "sort_keys");
    define_number(p, l, s);
    clg__kplan_define(p, l, "LANES", "1");
    clg__kplan_define(p, l, "I", "%s", clg__dtype_of(c->in_dtype[1])->storage);
    clg__arg_in(p, l, 1);
    clg__arg_in_offset(p, l, 1);
    clg__arg_temp(p, l, to.key);
    clg__arg_temp(p, l, to.order);
    clg__arg_i64(p, l, s->n);
    clg__arg_i64(p, l, s->axis);
    clg__kplan_items(l, s->n);
}

static clg__launch *sorting(const clg__kernel_call *c, clg__kplan *p, const char *entry, int lanes, const int *temps,
                            int n_temps, int shift, int digits, int parts)
{
    const clg__gather *s = c->params;
    clg__launch *l = clg__kplan_kernel(p, "index_sort", entry);
    define_number(p, l, s);
    clg__kplan_define(p, l, "LANES", "%d", lanes);
    clg__kplan_define(p, l, "I", "%s", clg__dtype_of(c->in_dtype[1])->storage);
    for (int i = 0; i < n_temps; i++)
        clg__arg_temp(p, l, temps[i]);
    CLG__ARG_BLOCK(p, l, "SORT", { "n", s->n, true }, { "parts", parts, false }, { "shift", shift, false },
                   { "digits", digits, false });
    clg__kplan_grid(l, (size_t) parts, 1, 1, (size_t) lanes, 1, 1);
    return l;
}

static sorted sort(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__gather *s = c->params;
    const bool cpu = c->caps->cpu_class;
    const int lanes = cpu ? 1 : clg__kplan_side(TILE, c->caps->max_work_group, false);
    const int64_t part = cpu ? CPU_PART : lanes, units = c->caps->compute_units;
    int64_t parts = (s->n + part - 1) / part, most = cpu ? (units < CPU_PARTS / 2 ? 2 * units : CPU_PARTS) : GPU_PARTS;
    parts = parts < most ? parts : most;
    int64_t most_digits = s->axis + 1; // values of a key: the rows, and what is out of range
    most_digits = most_digits < 1 << DIGIT_BITS ? most_digits : 1 << DIGIT_BITS;
    const int count = numbers(p, s, parts * most_digits), start = numbers(p, s, parts * most_digits);
    const int all = numbers(p, s, most_digits);
    sorted from = { numbers(p, s, s->n), numbers(p, s, s->n) }, to = { numbers(p, s, s->n), numbers(p, s, s->n) };
    keys(c, p, from);
    for (int shift = 0; shift == 0 || s->axis >> shift; shift += DIGIT_BITS) {
        const int64_t left = (s->axis >> shift) + 1;
        const int digits = (int) (left < most_digits ? left : most_digits);
        sorting(c, p, "sort_count", lanes, (int[]) { from.key, count }, 2, shift, digits, (int) parts);
        clg__launch *l = sorting(c, p, "sort_scan", lanes, (int[]) { count, start, all }, 3, shift, digits, (int) parts);
        clg__kplan_items(l, digits);
        sorting(c, p, "sort_place", lanes, (int[]) { from.key, from.order, start, all, to.key, to.order }, 6, shift,
                digits, (int) parts);
        const sorted other = from;
        from = to;
        to = other;
    }
    return from;
}

static void add_cpu(const clg__kernel_call *c, clg__kplan *p, sorted list)
{
    const clg__gather *s = c->params;
    const int64_t units = c->caps->compute_units, groups = 4 * units;
    const int64_t outers = s->outer < groups ? s->outer : groups;
    int64_t parts = (groups + outers - 1) / outers;
    parts = parts < s->axis ? parts : s->axis;
    // a row that takes most of the list is shared by columns
    int64_t width;
    const int64_t blocks = clg__gather_blocks(s, units, &width);
    clg__launch *l = clg__gather_kernel(c, p, "gather_cpu", "index_add_rows");
    define_number(p, l, s);
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_temp(p, l, list.key);
    clg__arg_temp(p, l, list.order);
    clg__arg_out(p, l, 0);
    clg__gather_rows(p, l, s, width);
    clg__arg_epilogue(p, l);
    clg__kplan_grid(l, (size_t) parts, (size_t) outers, (size_t) blocks, 1, 1, 1);
}

static void add_gpu(const clg__kernel_call *c, clg__kplan *p, sorted list)
{
    const clg__gather *s = c->params;
    const int start = numbers(p, s, s->axis + 1);
    clg__launch *l = clg__kplan_kernel(p, "index_sort", "sort_starts");
    define_number(p, l, s);
    clg__kplan_define(p, l, "LANES", "%d", clg__kplan_side(TILE, c->caps->max_work_group, false));
    clg__kplan_define(p, l, "I", "%s", clg__dtype_of(c->in_dtype[1])->storage);
    clg__arg_temp(p, l, list.key);
    clg__arg_temp(p, l, start);
    clg__arg_i64(p, l, s->n);
    clg__arg_i64(p, l, s->axis);
    clg__kplan_items(l, s->axis + 1);

    l = clg__gather_kernel(c, p, "gather", "index_add_sorted");
    define_number(p, l, s);
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_temp(p, l, list.order);
    clg__arg_temp(p, l, start);
    clg__arg_out(p, l, 0);
    clg__gather_sizes(c, p, l);
}

void clg__index_add_plan(const clg__kernel_call *c, clg__kplan *p)
{
    const sorted list = sort(c, p);
    if (c->caps->cpu_class)
        add_cpu(c, p, list);
    else
        add_gpu(c, p, list);
}
