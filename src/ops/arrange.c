// SPDX-License-Identifier: MIT
// Parts of a tensor and elements in another order, as views and what is made of them.
#include "ops/movement.h"
#include <clgrad/arrange.h>
#include <clgrad/ops.h>

static clg_tensor bad_axis(const clg__call *c, int axis)
{
    return clg__call_fail(c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, c->in[0]->shape.rank);
}

// An axis that the tensor really has.
static bool own_axis(clg_tensor a, int axis, int *at)
{
    return a->shape.rank > 0 && clg__axis(axis, a->shape.rank, at);
}

// ---- parts

clg_tensor clg_narrow(clg_tensor a, int axis, int64_t start, int64_t length)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "narrow", "a", 1, &a))
        return clg__call_poison(&c);
    if (!own_axis(a, axis, &at))
        return bad_axis(&c, axis);
    const int64_t n = a->shape.dim[at], from = start < 0 && start >= -n ? start + n : start;
    if (from < 0 || from > n || length < 0 || length > n - from)
        return clg__call_fail(&c, CLG_EINVAL, "%lld elements from %lld on of %lld", (long long) length, (long long) start,
                              (long long) n);
    return clg__call_own(&c, clg_slice(a, at, from, from + length, 1));
}

clg_tensor clg_select(clg_tensor a, int axis, int64_t index)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "select", "a", 1, &a))
        return clg__call_poison(&c);
    if (!own_axis(a, axis, &at))
        return bad_axis(&c, axis);
    const int64_t n = a->shape.dim[at], k = index < 0 ? index + n : index;
    if (index < -n || index >= n)
        return clg__call_fail(&c, CLG_EINVAL, "index %lld of %lld elements", (long long) index, (long long) n);
    return clg__call_own(&c, clg_squeeze(clg_slice(a, at, k, k + 1, 1), CLG_AXES(at)));
}

// Parts that begin at `at` and are as long as the next one allows; -1 poisons what there is room for.
static int cut_into(const clg__call *c, clg_tensor a, int axis, const int64_t *at, int64_t n, clg_tensor *out, int room)
{
    for (int64_t i = 0; i < n && i < room; i++) {
        out[i] = clg__call_own(c, clg_slice(a, axis, at[2 * i], at[2 * i + 1], 1));
        if (out[i]->status < 0)
            return out[i]->status;
    }
    return (int) n;
}

static int refuse(clg_tensor poison, clg_tensor *out, int room)
{
    for (int i = 0; i < room; i++)
        out[i] = poison;
    return poison->status;
}

// Parts i of n, begin and end as `part` says.
typedef struct cutting {
    int64_t n, size, long_ones; // parts, their size; so many at first are one longer
    const int64_t *sizes, *ends; // or the sizes, or the ends of all but the last
} cutting;

static int cut(const clg__call *c, clg_tensor a, int axis, const cutting *k, clg_tensor *out, int room)
{
    const int64_t all = a->shape.dim[axis];
    int64_t from = 0;
    if (k->n > INT32_MAX)
        return refuse(clg__call_fail(c, CLG_EINVAL, "%lld parts", (long long) k->n), out, room);
    for (int64_t i = 0; i < k->n && i < room; i++) {
        int64_t to = from + (k->sizes ? k->sizes[i] : k->size + (i < k->long_ones));
        if (k->ends) { // as slices: from one place to the next, cut to the dimension
            const int64_t e = i < k->n - 1 ? k->ends[i] : all;
            to = e < 0 ? (e < -all ? 0 : e + all) : e < all ? e : all;
        }
        to = to < all ? to : all;
        const int status = cut_into(c, a, axis, (int64_t[]) { from, to < from ? from : to }, 1, out + i, 1);
        if (status < 0)
            return refuse(out[i], out, room);
        from = to;
    }
    return (int) k->n;
}

// NULL, or what out is filled with.
static clg_tensor begin_cut(clg__call *c, const char *name, clg_tensor *a, int axis, int *at)
{
    if (!clg__call_begin(c, name, "a", 1, a))
        return clg__call_poison(c);
    return own_axis(*a, axis, at) ? NULL : bad_axis(c, axis);
}

int clg_split(clg_tensor a, int axis, int64_t size, clg_tensor *out, int room)
{
    clg__call c;
    int at;
    clg_tensor bad = begin_cut(&c, "split", &a, axis, &at);
    const int64_t n = bad ? 0 : a->shape.dim[at];
    if (!bad && (size < 0 || (size == 0 && n > 0)))
        bad = clg__call_fail(&c, CLG_EINVAL, "parts of %lld elements", (long long) size);
    if (bad)
        return refuse(bad, out, room);
    const int64_t parts = n == 0 ? 1 : (n - 1) / size + 1;
    return cut(&c, a, at, &(cutting) { .n = parts, .size = size }, out, room);
}

int clg_split_sizes(clg_tensor a, int axis, const int64_t *sizes, int n, clg_tensor *out)
{
    clg__call c;
    int at;
    clg_tensor bad = begin_cut(&c, "split_sizes", &a, axis, &at);
    int64_t left = bad ? 0 : a->shape.dim[at];
    for (int i = 0; i < n && !bad; i++) {
        if (sizes[i] < 0 || sizes[i] > left)
            bad = clg__call_fail(&c, CLG_EINVAL, "sizes do not add up to %lld", (long long) a->shape.dim[at]);
        left -= sizes[i];
    }
    if (!bad && (left != 0 || n < 1))
        bad = clg__call_fail(&c, CLG_EINVAL, "sizes do not add up to %lld", (long long) a->shape.dim[at]);
    if (bad)
        return refuse(bad, out, n);
    return cut(&c, a, at, &(cutting) { .n = n, .sizes = sizes }, out, n);
}

int clg_chunk(clg_tensor a, int axis, int chunks, clg_tensor *out, int room)
{
    clg__call c;
    int at;
    clg_tensor bad = begin_cut(&c, "chunk", &a, axis, &at);
    if (!bad && chunks < 1)
        bad = clg__call_fail(&c, CLG_EINVAL, "%d chunks", chunks);
    if (bad)
        return refuse(bad, out, room);
    const int64_t n = a->shape.dim[at], size = (n + chunks - 1) / chunks;
    return cut(&c, a, at, &(cutting) { .n = size ? (n + size - 1) / size : chunks, .size = size }, out, room);
}

static int in_sections(const char *name, clg_tensor a, int axis, int rank, bool even, int sections, clg_tensor *out,
                       int room)
{
    clg__call c;
    int at;
    clg_tensor bad = begin_cut(&c, name, &a, axis, &at);
    if (!bad && a->shape.rank < rank)
        bad = clg__call_fail(&c, CLG_ESHAPE, "a has rank %d, expected %d or more", a->shape.rank, rank);
    if (!bad && (sections < 1 || (even && a->shape.dim[at] % sections)))
        bad = clg__call_fail(&c, CLG_EINVAL, "%lld elements in %d sections", (long long) a->shape.dim[at], sections);
    if (bad)
        return refuse(bad, out, room);
    const int64_t n = a->shape.dim[at];
    return cut(&c, a, at, &(cutting) { .n = sections, .size = n / sections, .long_ones = n % sections }, out, room);
}

int clg_tensor_split(clg_tensor a, int axis, int sections, clg_tensor *out, int room)
{
    return in_sections("tensor_split", a, axis, 1, false, sections, out, room);
}

int clg_tensor_split_at(clg_tensor a, int axis, const int64_t *ends, int n, clg_tensor *out)
{
    clg__call c;
    int at;
    clg_tensor bad = begin_cut(&c, "tensor_split_at", &a, axis, &at);
    if (bad || n < 0)
        return refuse(bad ? bad : clg__call_fail(&c, CLG_EINVAL, "%d places", n), out, n < 0 ? 0 : n + 1);
    return cut(&c, a, at, &(cutting) { .n = n + 1, .ends = n ? ends : &(int64_t) { 0 } }, out, n + 1);
}

int clg_hsplit(clg_tensor a, int sections, clg_tensor *out, int room)
{
    return in_sections("hsplit", a, clg__is_usable(a) && a->shape.rank > 1, 1, true, sections, out, room);
}

int clg_vsplit(clg_tensor a, int sections, clg_tensor *out, int room)
{
    return in_sections("vsplit", a, 0, 2, true, sections, out, room);
}

int clg_dsplit(clg_tensor a, int sections, clg_tensor *out, int room)
{
    return in_sections("dsplit", a, 2, 3, true, sections, out, room);
}

int clg_unbind(clg_tensor a, int axis, clg_tensor *out, int room)
{
    clg__call c;
    int at;
    clg_tensor bad = begin_cut(&c, "unbind", &a, axis, &at);
    if (bad)
        return refuse(bad, out, room);
    const int64_t n = a->shape.dim[at];
    const int parts = cut(&c, a, at, &(cutting) { .n = n, .size = 1 }, out, room);
    for (int i = 0; i < parts && i < room; i++)
        out[i] = clg_squeeze(out[i], CLG_AXES(at));
    return parts;
}

// ---- dimensions

clg_tensor clg_movedim(clg_tensor a, clg_shape from, clg_shape to)
{
    clg__call c;
    if (!clg__call_begin(&c, "movedim", "a", 1, &a))
        return clg__call_poison(&c);
    const int rank = a->shape.rank;
    clg_shape order = { .rank = rank };
    bool taken[CLG_MAX_RANK] = { false }, moved[CLG_MAX_RANK] = { false };
    if (from.rank != to.rank || from.rank < 0 || from.rank > CLG_MAX_RANK)
        return clg__call_fail(&c, CLG_ESHAPE, "%d axes go to %d places", from.rank, to.rank);
    for (int i = 0; i < from.rank; i++) {
        int x, y;
        if (!clg__axis(from.dim[i], rank, &x) || !clg__axis(to.dim[i], rank, &y) || moved[x] || taken[y])
            return clg__call_fail(&c, CLG_ESHAPE, "axis %lld or %lld is out of range or doubled", (long long) from.dim[i],
                                  (long long) to.dim[i]);
        moved[x] = taken[y] = true;
        order.dim[y] = x;
    }
    for (int d = 0, k = 0; d < rank; d++) {
        if (moved[d])
            continue;
        while (taken[k])
            k++;
        order.dim[k++] = d;
    }
    return clg__call_own(&c, rank ? clg_permute(a, order) : a);
}

clg_tensor clg_unflatten(clg_tensor a, int axis, clg_shape shape)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "unflatten", "a", 1, &a))
        return clg__call_poison(&c);
    if (!own_axis(a, axis, &at))
        return bad_axis(&c, axis);
    if (shape.rank < 1 || shape.rank > CLG_MAX_RANK || a->shape.rank - 1 + shape.rank > CLG_MAX_RANK)
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d in %d dimensions", axis, shape.rank);
    clg_shape s = { 0 };
    int64_t rest = 1;
    int unknown = -1;
    for (int d = 0; d < a->shape.rank; d++) {
        for (int k = 0; d == at && k < shape.rank; k++) {
            unknown = shape.dim[k] == -1 ? s.rank : unknown;
            rest *= shape.dim[k] == -1 ? 1 : shape.dim[k] < INT32_MAX ? shape.dim[k] : 0;
            s.dim[s.rank++] = shape.dim[k];
        }
        if (d != at)
            s.dim[s.rank++] = a->shape.dim[d];
    }
    if (unknown >= 0 && rest > 0) // of the axis, whatever the others
        s.dim[unknown] = a->shape.dim[at] / rest;
    if (rest * (unknown >= 0 ? s.dim[unknown] : 1) != a->shape.dim[at])
        return clg__call_fail(&c, CLG_ESHAPE, "%lld elements do not make these dimensions", (long long) a->shape.dim[at]);
    return clg__call_own(&c, clg_reshape(a, s));
}

// ---- another order

clg_tensor clg_fliplr(clg_tensor a)
{
    clg__call c;
    if (!clg__call_begin(&c, "fliplr", "a", 1, &a))
        return clg__call_poison(&c);
    if (a->shape.rank < 2)
        return clg__call_fail(&c, CLG_ESHAPE, "a has rank %d, expected 2 or more", a->shape.rank);
    return clg__call_own(&c, clg_flip(a, CLG_AXES(1)));
}

clg_tensor clg_flipud(clg_tensor a)
{
    clg__call c;
    if (!clg__call_begin(&c, "flipud", "a", 1, &a))
        return clg__call_poison(&c);
    if (a->shape.rank < 1)
        return clg__call_fail(&c, CLG_ESHAPE, "a has rank 0, expected 1 or more");
    return clg__call_own(&c, clg_flip(a, CLG_AXES(0)));
}

clg_tensor clg_rot90(clg_tensor a, int k, int axis0, int axis1)
{
    clg__call c;
    int x, y;
    if (!clg__call_begin(&c, "rot90", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg__axis(axis0, a->shape.rank, &x) || !clg__axis(axis1, a->shape.rank, &y) || x == y)
        return clg__call_fail(&c, CLG_ESHAPE, "axes %d and %d of a tensor of rank %d", axis0, axis1, a->shape.rank);
    k = (k % 4 + 4) % 4;
    clg_tensor r = k == 0   ? a
                   : k == 2 ? clg_flip(a, CLG_AXES(x, y))
                   : k == 1 ? clg_transpose(clg_flip(a, CLG_AXES(y)), x, y)
                            : clg_flip(clg_transpose(a, x, y), CLG_AXES(y));
    return clg__call_own(&c, r);
}

static clg_tensor roll_one(clg_tensor a, int64_t shift, int at)
{
    const int64_t n = a->shape.dim[at];
    const int64_t first = n ? (n - shift % n) % n : 0; // whose element comes first
    if (first == 0)
        return a;
    return clg_concat(at, clg_slice(a, at, first, n, 1), clg_slice(a, at, 0, first, 1));
}

clg_tensor clg_roll(clg_tensor a, clg_shape shifts, clg_shape axes)
{
    clg__call c;
    if (!clg__call_begin(&c, "roll", "a", 1, &a))
        return clg__call_poison(&c);
    if (shifts.rank < 1 || shifts.rank > CLG_MAX_RANK || (axes.rank ? axes.rank != shifts.rank : shifts.rank != 1))
        return clg__call_fail(&c, CLG_ESHAPE, "%d shifts of %d axes", shifts.rank, axes.rank);
    if (axes.rank == 0)
        return clg__call_own(&c, clg_reshape(roll_one(clg_reshape(a, CLG_SHAPE(-1)), shifts.dim[0], 0), a->shape));
    clg_tensor y = a;
    for (int i = 0; i < axes.rank; i++) {
        int at;
        if (!clg__axis(axes.dim[i], a->shape.rank, &at))
            return bad_axis(&c, (int) axes.dim[i]);
        y = a->shape.rank ? roll_one(y, shifts.dim[i], at) : y;
    }
    return clg__call_own(&c, y);
}

// ---- repeated

// Each dimension r[d] times over, of a tensor of as many dimensions: as one expansion where it has few enough.
static clg_tensor repeated(clg_tensor a, const clg_shape *r)
{
    clg_shape from = { 0 }, to = { 0 }, s = a->shape;
    int dims = 0;
    for (int d = 0; d < s.rank; d++)
        dims += 1 + (r->dim[d] != 1 && s.dim[d] != 1);
    if (dims > CLG_MAX_RANK) { // the first dimension that is repeated, then the others
        int d = 0;
        while (r->dim[d] == 1)
            d++;
        clg_shape one = *r, rest = *r;
        for (int k = 0; k < s.rank; k++) {
            one.dim[k] = k == d ? r->dim[k] : 1;
            rest.dim[k] = k == d ? 1 : r->dim[k];
        }
        clg_shape flat = CLG_SHAPE(1, s.dim[d], 1);
        for (int k = 0; k < s.rank; k++) {
            flat.dim[0] *= k < d ? s.dim[k] : 1;
            flat.dim[2] *= k > d ? s.dim[k] : 1;
        }
        clg_tensor t = repeated(clg_reshape(a, flat), &CLG_SHAPE(1, one.dim[d], 1));
        s.dim[d] *= one.dim[d];
        return repeated(clg_reshape(t, s), &rest);
    }
    for (int d = 0; d < s.rank; d++) {
        if (r->dim[d] != 1 && s.dim[d] != 1) {
            from.dim[from.rank++] = 1;
            to.dim[to.rank++] = r->dim[d];
        }
        from.dim[from.rank++] = s.dim[d];
        to.dim[to.rank++] = s.dim[d] == 1 ? r->dim[d] : s.dim[d];
        s.dim[d] *= r->dim[d];
    }
    return clg_reshape(clg_expand(clg_reshape(a, from), to), s);
}

// Has n times so many no number?
static bool beyond(int64_t n, int64_t times)
{
    return n && times > INT64_MAX / n;
}

static clg_tensor repeat(const char *name, clg_tensor a, clg_shape times, bool fewer)
{
    clg__call c;
    if (!clg__call_begin(&c, name, "a", 1, &a))
        return clg__call_poison(&c);
    clg_shape s = { 0 }, r = { 0 };
    if (times.rank < 0 || times.rank > CLG_MAX_RANK || (!fewer && times.rank < a->shape.rank))
        return clg__call_fail(&c, CLG_ESHAPE, "%d numbers for a tensor of rank %d", times.rank, a->shape.rank);
    s.rank = r.rank = times.rank > a->shape.rank ? times.rank : a->shape.rank;
    for (int d = 0; d < s.rank; d++) {
        const int of_a = d - (s.rank - a->shape.rank), of_times = d - (s.rank - times.rank);
        s.dim[d] = of_a < 0 ? 1 : a->shape.dim[of_a];
        r.dim[d] = of_times < 0 ? 1 : times.dim[of_times];
        if (r.dim[d] < 0)
            return clg__call_fail(&c, CLG_EINVAL, "%lld times", (long long) r.dim[d]);
        if (beyond(s.dim[d], r.dim[d]))
            return clg__call_fail(&c, CLG_ESHAPE, "%lld times %lld elements are too many", (long long) r.dim[d],
                                  (long long) s.dim[d]);
    }
    return clg__call_own(&c, repeated(clg_reshape(a, s), &r));
}

clg_tensor clg_repeat(clg_tensor a, clg_shape times)
{
    return repeat("repeat", a, times, false);
}

clg_tensor clg_tile(clg_tensor a, clg_shape times)
{
    return repeat("tile", a, times, true);
}

clg_tensor clg_repeat_interleave(clg_tensor a, int64_t times, int axis)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "repeat_interleave", "a", 1, &a))
        return clg__call_poison(&c);
    if (!clg__axis(axis, a->shape.rank, &at))
        return bad_axis(&c, axis);
    if (times < 0)
        return clg__call_fail(&c, CLG_EINVAL, "%lld times", (long long) times);
    clg_shape s = a->shape;
    s.rank = s.rank ? s.rank : 1;
    s.dim[at] = a->shape.rank ? s.dim[at] : 1;
    clg_shape flat = CLG_SHAPE(1, s.dim[at], 1, 1), wide;
    for (int d = 0; d < s.rank; d++) {
        flat.dim[0] *= d < at ? s.dim[d] : 1;
        flat.dim[3] *= d > at ? s.dim[d] : 1;
    }
    wide = flat;
    if (beyond(s.dim[at], times))
        return clg__call_fail(&c, CLG_ESHAPE, "%lld times %lld elements are too many", (long long) times,
                              (long long) s.dim[at]);
    wide.dim[2] = times;
    s.dim[at] *= times;
    return clg__call_own(&c, clg_reshape(clg_expand(clg_reshape(a, flat), wide), s));
}
