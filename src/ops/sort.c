// SPDX-License-Identifier: MIT
// Orders along an axis. What is made is the order, as places; values are gathered by it, which is their derivative too.
// Elements of short rows are ranked (cl/sort.cl), or go through a network (CPU class, cl/sort_cpu.cl), those of middle ones
// are counted, row by row (CPU class, cl/sort_digits.cl); long ones lie in one list that is sorted by counting
// (index_sort.h), a word of an element at a time, then by row: each step is a node, equal keys keep their order.
#include "ops/sort.h"

#include "graph/node.h"
#include "ops/element.h"
#include "ops/extreme.h"
#include "ops/index_sort.h"
#include "ops/registry.h"
#include <clgrad/index.h>
#include <clgrad/ops.h>
#include <clgrad/sort.h>

enum { SHORT = 256, MIDDLE = 65536 };       // elements of such rows at most
enum { LANES = 16, NETWORK = 128 << 10 };   // rows that go through a network together, and their bytes at most
enum { WORD_BITS = 22, LINES = -1 }; // two digits of the counting sort; a step that is of rows

typedef struct sorting {
    int64_t rows, n;
    int word; // of the elements' numbers, or LINES
    bool down, last; // last: y counts within rows
} sorting;

static void key_sorting(const void *params, clg__key *k)
{
    const sorting *s = params;
    clg__key_i64(k, s->rows);
    clg__key_i64(k, s->n);
    clg__key_i64(k, s->word);
    clg__key_i64(k, s->down);
    clg__key_i64(k, s->last);
}

static int key_bits(clg_dtype t)
{
    return clg_dtype_is_float(t) ? 8 * (int) clg__acc_size(t) : 8 * (int) clg_dtype_size(t);
}

static bool is_signed(clg_dtype t)
{
    return t == CLG_I8 || t == CLG_I16 || t == CLG_I32 || t == CLG_I64;
}

clg__launch *clg__sort_kernel(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry, bool down)
{
    const clg_dtype t = c->in_dtype[0];
    const int bits = key_bits(t);
    clg__launch *l = clg__kplan_kernel(p, file, entry);
    clg__define_element(p, l, t);
    clg__kplan_define(p, l, "KEY", bits > 32 ? "ulong" : "uint");
    if (clg_dtype_is_float(t)) {
        clg__kplan_define(p, l, "REAL", "1");
        clg__kplan_define(p, l, "AS_KEY(x)", bits > 32 ? "as_ulong(x)" : "as_uint(x)");
        clg__kplan_define(p, l, "NANS(x)", "((x) != (x))");
        clg__kplan_define(p, l, "AS_KEYS(x)", bits > 32 ? "as_ulong16(x)" : "as_uint16(x)");
    } else if (is_signed(t))
        clg__kplan_define(p, l, "SHIFTED", "((KEY)1 << %d)", bits - 1);
    if (bits == 64)
        clg__kplan_define(p, l, "LAST", "0xffffffffffffffffUL");
    else
        clg__kplan_define(p, l, "LAST", "0x%llxu", (1ull << bits) - 1);
    if (down)
        clg__kplan_define(p, l, "DOWN", "1");
    return l;
}

static clg__launch *kernel(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry)
{
    const sorting *s = c->params;
    clg__launch *l = clg__sort_kernel(c, p, file, entry, s->down);
    if (c->n_in == 1)
        clg__kplan_define(p, l, "FIRST", "1");
    return l;
}

static void sizes(clg__kplan *p, clg__launch *l, const sorting *s, int word)
{
    CLG__ARG_BLOCK(p, l, "SORT", { "rows", s->rows, true }, { "n", s->n, true }, { "word", word, false });
}

static void plan_rank(const clg__kernel_call *c, clg__kplan *p)
{
    const sorting *s = c->params;
    if (s->rows * s->n == 0)
        return;
    clg__launch *l = kernel(c, p, "sort", "sort_rank");
    clg__arg_buffers(p, l, 1, 1);
    sizes(p, l, s, 0);
    clg__kplan_items(l, s->rows * s->n);
}

// Of a row of each lane: its elements' numbers and places, in one word or in two.
static size_t network_bytes(const clg__kernel_call *c)
{
    const sorting *s = c->params;
    return (size_t) s->n * LANES * sizeof(uint64_t) * (key_bits(c->in_dtype[0]) > 32 ? 2 : 1);
}

static void plan_network(const clg__kernel_call *c, clg__kplan *p)
{
    const sorting *s = c->params;
    if (s->rows * s->n == 0)
        return;
    const int64_t blocks = (s->rows + LANES - 1) / LANES, groups = 4 * (int64_t) c->caps->compute_units;
    clg__launch *l = kernel(c, p, "sort_cpu", "sort_rank");
    if (key_bits(c->in_dtype[0]) > 32)
        clg__kplan_define(p, l, "APART", "1");
    clg__arg_buffers(p, l, 1, 1);
    clg__arg_local(p, l, network_bytes(c));
    sizes(p, l, s, 0);
    clg__kplan_grid(l, (size_t) (blocks < groups ? blocks : groups), 1, 1, 1, 1, 1);
}

static void plan_digits(const clg__kernel_call *c, clg__kplan *p)
{
    const sorting *s = c->params;
    const int bytes = key_bits(c->in_dtype[0]) / 8;
    if (s->rows * s->n == 0)
        return;
    const int64_t most = (s->n > 4096 ? 1 : 4) * (int64_t) c->caps->compute_units, groups = s->rows < most ? s->rows : most;
    const int key = clg__kplan_temp(p, (size_t) (groups * s->n) * (bytes > 4 ? sizeof(uint64_t) : sizeof(uint32_t)));
    const int places = clg__kplan_temp(p, (size_t) (2 * groups * s->n) * sizeof(uint32_t));
    clg__launch *l = kernel(c, p, "sort_digits", "sort_digits");
    clg__kplan_define(p, l, "BYTES", "%d", bytes);
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_temp(p, l, key);
    clg__arg_temp(p, l, places);
    clg__arg_out(p, l, 0);
    sizes(p, l, s, 0);
    clg__kplan_grid(l, (size_t) groups, 1, 1, 1, 1, 1);
}

static void plan_step(const clg__kernel_call *c, clg__kplan *p)
{
    const sorting *s = c->params;
    const int64_t all = s->rows * s->n;
    if (all == 0)
        return;
    const int bits = key_bits(c->in_dtype[0]);
    const int left = bits - WORD_BITS * s->word;
    const int64_t most = s->word == LINES ? s->rows - 1 : ((int64_t) 1 << (left < WORD_BITS ? left : WORD_BITS)) - 1;
    const clg__sort list = { .n = all, .axis = most, .index = CLG_I64 };
    clg__sorted order = clg__sort_begin(p, &list);
    clg__launch *l = kernel(c, p, "sort", s->word == LINES ? "sort_lines" : "sort_words");
    clg__sort_define(p, l, &list);
    clg__arg_buffers(p, l, c->n_in, 0);
    clg__arg_temp(p, l, order.key);
    clg__arg_temp(p, l, order.order);
    sizes(p, l, s, s->word == LINES ? 0 : WORD_BITS * s->word);
    clg__kplan_items(l, all);
    order = clg__sort_run(c->caps, p, &list, order);
    l = kernel(c, p, "sort", "sort_places");
    clg__sort_define(p, l, &list);
    clg__arg_temp(p, l, order.order);
    clg__arg_out(p, l, 0);
    sizes(p, l, s, s->last);
    clg__kplan_items(l, all);
}

static const char *takes_network(const clg__kernel_call *c)
{
    const sorting *s = c->params;
    if (!c->caps->cpu_class)
        return "for the CPU class";
    if (network_bytes(c) > c->caps->local_bytes)
        return "rows that local memory holds";
    if (!c->forced && (network_bytes(c) > NETWORK || (s->n > LANES && s->rows < LANES)))
        return "rows are long or few";
    return NULL;
}

static const char *takes_short(const clg__kernel_call *c)
{
    const sorting *s = c->params;
    if (c->caps->cpu_class && !c->forced)
        return "for the GPU class";
    return s->n <= SHORT ? NULL : "rows of at most 256";
}

static const char *takes_middle(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? NULL : "for the CPU class";
}

static const clg__variant rank_variants[] = { { "network_cpu", takes_network, plan_network, false },
                                              { "count", takes_short, plan_rank, false },
                                              { "digits_cpu", takes_middle, plan_digits, false } };
static const clg__variant step_variants[] = { { "digits", NULL, plan_step, false } };
static const clg__op op_rank = { .name = "sort_rank", .kind = CLG__KERNEL, .key = key_sorting,
                                 .params_bytes = sizeof(sorting), .variants = rank_variants, .n_variants = 3 };
static const clg__op op_step = { .name = "sort_step", .kind = CLG__KERNEL, .key = key_sorting,
                                 .params_bytes = sizeof(sorting), .variants = step_variants, .n_variants = 1 };

const clg__op *const clg__sort_ops[] = { &op_rank, &op_step, NULL };

// a [rows][n] -> places [rows][n]
static clg_tensor ordered(clg_tensor a, bool down)
{
    sorting s = { a->shape.dim[0], a->shape.dim[1], 0, down, true };
    clg__call c;
    if (!clg__call_begin(&c, "sort", "a", 1, &a))
        return clg__call_poison(&c);
    if (s.n <= SHORT || (c.dev->caps->cpu_class && s.n <= MIDDLE))
        return clg__call_node(&c, &op_rank, CLG_I64, &a->shape, &s);
    const int words = (key_bits(a->dtype) + WORD_BITS - 1) / WORD_BITS, steps = words + (s.rows > 1);
    clg_tensor order = NULL;
    for (int k = 0; k < steps; k++) {
        s.word = k < words ? k : LINES;
        s.last = k == steps - 1;
        if (!clg__call_begin(&c, "sort", "a order", order ? 2 : 1, (clg_tensor[]) { a, order }))
            return clg__call_poison(&c);
        order = clg__call_node(&c, &op_step, CLG_I64, &a->shape, &s);
    }
    return order;
}

// Places along an axis: of a's shape, or few >= 0: the first few of them.
static clg_tensor places_of(const clg__call *c, clg_tensor a, int axis, bool down, int64_t few, int *at)
{
    if (!clg__axis(axis, a->shape.rank, at))
        return clg__call_fail(c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    if (a->shape.rank == 0)
        return clg_zeros(a->dev, CLG_I64, a->shape);
    const clg_tensor t = clg_transpose(a, *at, -1); // the axis last, the rest one dimension
    clg_shape s = t->shape;
    const int64_t n = s.dim[s.rank - 1], all = clg_numel(s);
    if (clg__topk_takes(n, few)) {
        s.dim[s.rank - 1] = few;
        const clg_tensor first = clg__topk(clg_reshape(t, CLG_SHAPE(all / n, n)), few, down);
        return first->status < 0 ? first : clg_transpose(clg_reshape(first, s), *at, -1);
    }
    if (all >= (int64_t) 1 << 31 && n > SHORT && !(c->dev->caps->cpu_class && n <= MIDDLE))
        return clg__call_fail(c, CLG_ESHAPE, "2^31 elements or more");
    const clg_tensor order = ordered(clg_reshape(t, CLG_SHAPE(n ? all / n : 0, n)), down);
    if (order->status < 0)
        return order;
    const clg_tensor whole = clg_transpose(clg_reshape(order, s), *at, -1);
    return few < 0 ? whole : clg_slice(whole, *at, 0, few, 1);
}

clg_tensor clg__order_of(const clg__call *c, clg_tensor a, int axis, bool down, int *at)
{
    return places_of(c, a, axis, down, -1, at);
}

static clg_tensor by_order(clg_tensor a, int axis, clg_tensor order)
{
    return order->status < 0 || a->shape.rank == 0 ? (order->status < 0 ? order : a) : clg_gather(a, axis, order);
}

clg_tensor clg_argsort(clg_tensor a, int axis, bool descending)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "argsort", "a", 1, &a))
        return clg__call_poison(&c);
    return clg__call_own(&c, clg__order_of(&c, a, axis, descending, &at));
}

clg_tensor clg_sort(clg_tensor a, int axis, bool descending, clg_tensor *indices)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "sort", "a", 1, &a)) {
        const clg_tensor bad = clg__call_poison(&c);
        return clg__second(bad, indices, bad);
    }
    const clg_tensor order = clg__call_own(&c, clg__order_of(&c, a, axis, descending, &at));
    return clg__second(clg__call_own(&c, by_order(a, at, order)), indices, order);
}

clg_tensor clg_msort(clg_tensor a)
{
    clg__call c;
    if (!clg__call_begin(&c, "msort", "a", 1, &a))
        return clg__call_poison(&c);
    return clg__call_own(&c, clg_sort(a, 0, false, NULL));
}

// Elements first to first + n of the order.
static clg_tensor part_of(const clg__call *c, clg_tensor a, int axis, bool down, int64_t first, int64_t n, clg_tensor *indices)
{
    int at;
    clg_tensor order = clg__call_own(c, places_of(c, a, axis, down, first + n, &at));
    if (order->status >= 0 && a->shape.rank > 0 && first > 0)
        order = clg_slice(order, at, first, first + n, 1);
    return clg__second(clg__call_own(c, by_order(a, at, order)), indices, order);
}

static int64_t size_of(clg_tensor a, int axis)
{
    int at;
    return clg__axis(axis, a->shape.rank, &at) && a->shape.rank > 0 ? a->shape.dim[at] : 1;
}

clg_tensor clg_topk(clg_tensor a, int64_t k, int axis, bool smallest, clg_tensor *indices)
{
    clg__call c;
    clg_tensor bad = NULL;
    if (!clg__call_begin(&c, "topk", "a", 1, &a))
        bad = clg__call_poison(&c);
    else if (k < 0 || k > size_of(a, axis))
        bad = clg__call_fail(&c, CLG_EINVAL, "k is %lld of %lld elements", (long long) k, (long long) size_of(a, axis));
    return bad ? clg__second(bad, indices, bad) : part_of(&c, a, axis, !smallest, 0, k, indices);
}

clg_tensor clg_kthvalue(clg_tensor a, int64_t k, int axis, bool keepdims, clg_tensor *indices)
{
    clg__call c;
    clg_tensor bad = NULL, place;
    if (!clg__call_begin(&c, "kthvalue", "a", 1, &a))
        bad = clg__call_poison(&c);
    else if (k < 1 || k > size_of(a, axis))
        bad = clg__call_fail(&c, CLG_EINVAL, "k is %lld of %lld elements", (long long) k, (long long) size_of(a, axis));
    if (bad)
        return clg__second(bad, indices, bad);
    clg_tensor y = part_of(&c, a, axis, false, k - 1, 1, &place);
    if (y->status >= 0 && !keepdims && a->shape.rank > 0) {
        y = clg_squeeze(y, CLG_AXES(axis));
        place = clg_squeeze(place, CLG_AXES(axis));
    }
    return clg__second(y, indices, place);
}

// The place `middle` of the order says, of each row; nothing but the order depends on values.
static clg_tensor middle(const char *name, clg_tensor a, int axis, bool skip, bool keepdims, clg_tensor *indices)
{
    clg__call c;
    int at;
    clg_tensor bad = NULL;
    if (!clg__call_begin(&c, name, "a", 1, &a))
        bad = clg__call_poison(&c);
    else if (!clg__axis(axis, a->shape.rank, &at))
        bad = clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    else if (size_of(a, axis) == 0)
        bad = clg__call_fail(&c, CLG_ESHAPE, "no elements to choose from");
    if (bad)
        return clg__second(bad, indices, bad);
    const clg_tensor order = clg__call_own(&c, clg__order_of(&c, a, at, false, &at));
    if (order->status < 0 || a->shape.rank == 0)
        return clg__second(by_order(a, at, order), indices, order);
    const int64_t n = a->shape.dim[at];
    clg_tensor place;
    if (clg_dtype_is_float(a->dtype)) { // NaN stand last: the first of them, or the middle of the others
        const clg_tensor others = clg_sum(clg_eq(a, a), CLG_AXES(at), true), all = clg__num(a->dev, CLG_I64, (double) n);
        const clg_tensor none = clg__lit(a->dev, CLG_I64, 0), one = clg__lit(a->dev, CLG_I64, 1);
        const clg_tensor half = clg_right_shift(clg_maximum(clg_sub(others, one), none), one);
        const clg_tensor which = skip ? half : clg_where(clg_lt(others, all), others, half);
        place = clg_gather(order, at, which);
    } else
        place = clg_slice(order, at, (n - 1) / 2, (n - 1) / 2 + 1, 1);
    clg_tensor y = by_order(a, at, place);
    if (y->status >= 0 && !keepdims) {
        y = clg_squeeze(y, CLG_AXES(at));
        place = clg_squeeze(place, CLG_AXES(at));
    }
    return clg__second(clg__call_own(&c, y), indices, place);
}

clg_tensor clg_median(clg_tensor a, int axis, bool keepdims, clg_tensor *indices)
{
    return middle("median", a, axis, false, keepdims, indices);
}

clg_tensor clg_nanmedian(clg_tensor a, int axis, bool keepdims, clg_tensor *indices)
{
    return middle("nanmedian", a, axis, true, keepdims, indices);
}
