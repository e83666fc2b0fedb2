// SPDX-License-Identifier: MIT
// Images looked up where a grid says, and grids of affine maps: places and weights are ordinary operations, which the
// derivatives go through; what they select and add up is ops/taps.c.
#include "base/fp.h"
#include "graph/build.h"
#include "ops/element.h"
#include "ops/taps.h"
#include <clgrad/grad.h>
#include <clgrad/image.h>

enum { MOST = 3 };

static clg_tensor add(clg_tensor a, double b)
{
    return clg_add(a, clg__num(a->dev, a->dtype, b));
}

static clg_tensor times(clg_tensor a, double b)
{
    return clg_mul(a, clg__num(a->dev, a->dtype, b));
}

static clg_tensor like(clg_tensor a, double b)
{
    return clg__num(a->dev, a->dtype, b);
}

// ---- affine_grid

// Where the centers of n elements lie between -1 and 1.
static clg_tensor centers(clg_device dev, clg_dtype t, int64_t n, bool align_corners)
{
    if (n == 1)
        return clg_zeros(dev, t, CLG_SHAPE(1));
    const double first = align_corners ? -1 : -(double) (n - 1) / (double) n;
    return add(times(clg_arange(dev, t, 0, (double) n, 1), -2 * first / (double) (n - 1)), first);
}

clg_tensor clg_affine_grid(clg_tensor theta, clg_shape size, bool align_corners)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "affine_grid", "theta", 1, &theta))
        return clg__call_poison(&c);
    const int nd = size.rank - 2;
    if (!clg_dtype_is_float(theta->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "theta is %s, expected a floating type", clg_dtype_name(theta->dtype));
    if (nd != 2 && nd != 3)
        return clg__call_fail(&c, CLG_ESHAPE, "size has %d dimensions, expected N,C,H,W or N,C,D,H,W", size.rank);
    if (theta->shape.rank != 3 || theta->shape.dim[0] != size.dim[0] || theta->shape.dim[1] != nd || theta->shape.dim[2] != nd + 1)
        return clg__call_fail(&c, CLG_ESHAPE, "expected theta [%lld,%d,%d]", (long long) size.dim[0], nd, nd + 1);
    clg_shape s = { .rank = nd + 2, .dim = { size.dim[0] } };
    for (int d = 0; d < nd + 2; d++) {
        if (size.dim[d] < 1 || size.dim[d] > INT32_MAX)
            return clg__call_fail(&c, CLG_ESHAPE, "size is %lld, expected 1 or more", (long long) size.dim[d]);
    }
    clg_shape column = { .rank = nd + 2, .dim = { size.dim[0], 1, 1, 1, 1 } };
    column.dim[nd + 1] = s.dim[nd + 1] = nd;
    const clg_tensor wide = clg__wide(theta);
    clg_tensor y = clg_reshape(clg_slice(wide, 2, nd, nd + 1, 1), column);
    for (int d = 0; d < nd; d++) { // x, y, z
        const int axis = nd - d;
        clg_shape line = { .rank = nd + 2, .dim = { 1, 1, 1, 1, 1 } };
        line.dim[axis] = s.dim[axis] = size.dim[axis + 1];
        const clg_tensor at = clg_reshape(centers(c.dev, wide->dtype, size.dim[axis + 1], align_corners), line);
        y = clg_add(y, clg_mul(clg_reshape(clg_slice(wide, 2, d, d + 1, 1), column), at));
    }
    return clg__call_own(&c, clg_cast(clg_expand(y, s), theta->dtype));
}

// ---- grid_sample

typedef struct sampling {
    clg_grid_mode mode;
    clg_grid_padding padding;
    bool align_corners, flat; // flat: two dimensions
} sampling;

// Limited to the image. PyTorch's kernels put NaN at the first element of a plane, and at the last of a volume. The
// derivative is 0 at either edge and beyond.
static clg_tensor limited(const sampling *s, clg_tensor at, int64_t size)
{
    const double last = (double) (size - 1);
    const clg_tensor none = like(at, 0), end = like(at, last), beyond = clg_ge(at, end), below = clg_le(at, none);
    const clg_tensor strange = like(at, s->flat ? 0 : last);
    return clg_where(beyond, end, clg_where(below, none, clg_where(clg_is_nan(at), strange, at)));
}

static clg_tensor mirrored(const sampling *s, clg_tensor at, int64_t size)
{
    const double least = s->align_corners ? 0 : -0.5, span = s->align_corners ? (double) (size - 1) : (double) size;
    if (span == 0)
        return times(clg_where(clg_is_finite(at), at, like(at, 0)), 0);
    const clg_tensor from = add(at, -least), far = clg_where(clg_lt(from, like(at, 0)), clg_neg(from), from);
    const clg_tensor width = like(at, span), rest = clg_fmod(far, width);
    const clg_tensor turns = clg_floor(clg_div(clg_detach(far), width));
    const clg_tensor odd = clg_ne(clg_fmod(turns, like(at, 2)), like(at, 0));
    return add(clg_where(odd, clg_sub(width, rest), rest), least);
}

static clg_tensor padded(const sampling *s, clg_tensor at, int64_t size)
{
    if (s->padding == CLG_GRID_ZEROS)
        return at;
    return limited(s, s->padding == CLG_GRID_REFLECTION ? mirrored(s, at, size) : at, size);
}

// Keys' kernel with a = -0.75 at distances x: below 1, and from there to 2.
static clg_tensor inner_weight(clg_tensor x)
{
    return add(clg_mul(clg_mul(add(times(x, 1.25), -2.25), x), x), 1);
}

static clg_tensor outer_weight(clg_tensor x)
{
    return add(clg_mul(add(clg_mul(add(times(x, -0.75), 3.75), x), -6), x), 3);
}

// Of one axis: how much each place counts (NULL: 1), which one it is, and whether it is in the image.
typedef struct axis {
    clg_tensor weight, place, inside;
} axis;

// In elements, of places between -1 and 1.
static clg_tensor in_elements(const sampling *s, clg_tensor c, int64_t size)
{
    const double n = (double) size; // rounded where PyTorch rounds it: at halves the last bit decides about the nearest
    const clg_tensor at = s->align_corners ? times(add(c, 1), (n - 1) / 2) : clg_fma(add(c, 1), like(c, n / 2), like(c, -0.5));
    return s->mode != CLG_GRID_CUBIC ? padded(s, at, size) : at;
}

// at: places in elements, [N,1,1,1,P]; dim: that of the axis' own places.
static axis axis_of(const sampling *s, clg_tensor at, int64_t size, int dim)
{
    const double n = (double) size;
    clg_tensor weight = NULL;
    clg_shape line = CLG_SHAPE(1, 1, 1, 1, 1);
    if (s->mode == CLG_GRID_NEAREST) {
        at = clg_detach(at);
    } else {
        const bool cubic = s->mode == CLG_GRID_CUBIC;
        const clg_tensor low = clg_floor(clg_detach(at)), rest = clg_sub(at, low);
        line.dim[dim] = cubic ? 4 : 2;
        const clg_tensor step = clg_reshape(clg_arange(at->dev, at->dtype, cubic ? -1 : 0, cubic ? 3 : 2, 1), line);
        const clg_tensor left = clg_le(step, like(at, 0));
        if (cubic) {
            const clg_tensor far = clg_where(left, clg_sub(rest, step), clg_sub(step, rest));
            const clg_tensor outer = clg_logical_or(clg_lt(step, like(at, 0)), clg_gt(step, like(at, 1)));
            weight = clg_where(outer, outer_weight(far), inner_weight(far));
        } else {
            weight = clg_where(left, clg_sub(like(at, 1), rest), rest);
        }
        at = clg_add(low, step);
        if (cubic)
            at = padded(s, at, size);
    }
    at = clg_round(at);
    const clg_tensor inside = clg_logical_and(clg_ge(at, like(at, 0)), clg_le(at, like(at, n - 1)));
    return (axis) { weight, clg_cast(clg_where(inside, at, like(at, 0)), CLG_I32), inside };
}

static clg_tensor check(const clg__call *c, const struct clg_grid_sample_params *p, const char *wrong)
{
    const clg_tensor x = c->in[0], grid = c->in[1];
    if (wrong)
        return clg__call_fail(c, CLG_EINVAL, "%s", wrong);
    if ((int) p->mode < 0 || p->mode > CLG_GRID_CUBIC || (int) p->padding < 0 || p->padding > CLG_GRID_REFLECTION)
        return clg__call_fail(c, CLG_EINVAL, "no such mode or padding");
    if (!clg_dtype_is_float(x->dtype) || x->dtype != grid->dtype)
        return clg__call_fail(c, CLG_EDTYPE, "x and grid are %s and %s, expected one floating type", clg_dtype_name(x->dtype),
                              clg_dtype_name(grid->dtype));
    const int nd = x->shape.rank - 2;
    if ((nd != 2 && nd != 3) || grid->shape.rank != nd + 2 || grid->shape.dim[nd + 1] != nd || grid->shape.dim[0] != x->shape.dim[0])
        return clg__call_fail(c, CLG_ESHAPE, "expected x [N,C,H,W] and grid [N,H,W,2], or [N,C,D,H,W] and [N,D,H,W,3]");
    if (p->mode == CLG_GRID_CUBIC && nd != 2)
        return clg__call_fail(c, CLG_EINVAL, "cubic is of two dimensions");
    double size = 1;
    for (int d = 0; d < nd; d++) {
        if (x->shape.dim[2 + d] == 0)
            return clg__call_fail(c, CLG_ESHAPE, "the image is empty");
        size *= (double) x->shape.dim[2 + d];
    }
    return size > INT32_MAX ? clg__call_fail(c, CLG_ESHAPE, "more than %d elements of an image", INT32_MAX) : NULL;
}

// The nearest element stays the same where the grid changes by little: a derivative of 0, not none.
static clg_tensor still_vjp(const clg__vjp *v, int i)
{
    return clg_zeros(v->g->dev, v->in[i]->dtype, v->in[i]->shape);
}

static const clg__op op_still = { .name = "still", .kind = CLG__ALIAS, .vjp = still_vjp };

// One axis of a grid [N,P,nd], as [N,1,P].
static clg_tensor column(clg_tensor grid, int d)
{
    return clg_transpose(clg_slice(grid, 2, d, d + 1, 1), 1, 2);
}

// What of the image each element of the result is made of: index and weights [N,T,P]. grid: [N,P,nd]
static void list(const sampling *s, clg_tensor x, clg_tensor grid, clg_tensor *index, clg_tensor *weight)
{
    const int nd = x->shape.rank - 2;
    clg_tensor inside = NULL, place = NULL, w = NULL;
    for (int d = nd - 1; d >= 0; d--) { // z, y, x
        const int64_t size = x->shape.dim[1 + nd - d];
        const clg_tensor c = clg_unsqueeze(clg_unsqueeze(column(grid, d), 1), 1);
        const axis a = axis_of(s, in_elements(s, c, size), size, MOST - d);
        w = w && a.weight ? clg_mul(w, a.weight) : a.weight;
        inside = inside ? clg_logical_and(inside, a.inside) : a.inside;
        place = place ? clg_add(clg_mul(place, clg__num(x->dev, CLG_I32, (double) size)), a.place) : a.place;
    }
    const clg_tensor at = clg_where(inside, place, clg__lit(x->dev, CLG_I32, -1));
    if (!w)
        w = clg__custom_vjp(&op_still, clg_expand(clg__lit(x->dev, grid->dtype, 1), at->shape), 1, &grid, NULL);
    if (!s->flat && s->mode != CLG_GRID_NEAREST) // of a volume nothing outside is looked at; of a plane NaN is felt
        w = clg_where(inside, w, clg__lit(x->dev, grid->dtype, 0));
    const clg_shape all = CLG_SHAPE(at->shape.dim[0], at->shape.dim[1] * at->shape.dim[2] * at->shape.dim[3], at->shape.dim[4]);
    *weight = clg_reshape(clg_expand(w, at->shape), all);
    *index = clg_reshape(at, all);
}

clg_tensor clg_grid_sample(clg_tensor x, clg_tensor grid, const struct clg_grid_sample_params *p)
{
    CLG__DEFAULT_FP;
    struct clg_grid_sample_params r;
    const char *wrong = clg_params_read(&r, sizeof r, p);
    clg__call c;
    if (!clg__call_begin(&c, "grid_sample", "x grid", 2, (clg_tensor[]) { x, grid }))
        return clg__call_poison(&c);
    const clg_tensor bad = check(&c, &r, wrong);
    if (bad)
        return bad;
    const int nd = x->shape.rank - 2;
    const sampling s = { r.mode, r.padding, r.align_corners, nd == 2 };
    clg_shape out = { .rank = nd + 2, .dim = { x->shape.dim[0], x->shape.dim[1] } };
    int64_t size = 1;
    for (int d = 0; d < nd; d++) {
        out.dim[2 + d] = grid->shape.dim[1 + d];
        size *= x->shape.dim[2 + d];
    }
    clg_tensor index, weight;
    const clg_tensor places = clg_reshape(clg__wide(grid), CLG_SHAPE(out.dim[0], clg_numel(grid->shape) == 0 ? 0 : -1, nd));
    const clg_tensor planes = clg_reshape(clg__wide(x), CLG_SHAPE(out.dim[0], out.dim[1], size));
    if (s.flat && s.mode == CLG_GRID_LINEAR) {
        const clg_tensor at[2] = { in_elements(&s, column(places, 1), x->shape.dim[2]),
                                   in_elements(&s, column(places, 0), x->shape.dim[3]) };
        const clg_tensor y = clg__bilinear(planes, clg_concat_n(at, 2, 1), x->shape.dim[2], x->shape.dim[3]);
        return clg__call_own(&c, y->status < 0 ? y : clg_cast(clg_reshape(y, out), x->dtype));
    }
    list(&s, x, places, &index, &weight);
    if (index->status < 0 || weight->status < 0 || planes->status < 0)
        return clg__call_own(&c, clg_add(planes, clg_add(index, weight)));
    return clg__call_own(&c, clg_cast(clg_reshape(clg__taps(planes, weight, index), out), x->dtype));
}
