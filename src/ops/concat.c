// SPDX-License-Identifier: MIT
// Tensors one after another: chosen by index from padded views, which fuse with what reads them.
#include "base/alloc.h"
#include "graph/build.h"
#include <clgrad/ops.h>

static clg_tensor concat_vjp(const clg__vjp *v, int i)
{
    const int axis = *(const int *) v->params;
    int64_t start = 0;
    for (int k = 0; k < i; k++)
        start += v->in[k]->shape.dim[axis];
    return clg_slice(v->g, axis, start, start + v->in[i]->shape.dim[axis], 1);
}

static void key_axis(const void *params, clg__key *k)
{
    clg__key_i64(k, *(const int *) params);
}

// Halves joined until one is left: where(index < size, padded a, padded b).
static clg_tensor join(clg_tensor a, clg_tensor b, int axis)
{
    clg_shape none = { .rank = a->shape.rank }, of_a = none, of_b = none, s = none;
    of_a.dim[axis] = b->shape.dim[axis];
    of_b.dim[axis] = a->shape.dim[axis];
    const int64_t n = a->shape.dim[axis] + b->shape.dim[axis];
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = d == axis ? n : 1;
    clg_tensor at = clg_reshape(clg_arange(a->dev, CLG_I64, 0, (double) n, 1), s);
    clg_tensor split = clg__num(a->dev, CLG_I64, (double) a->shape.dim[axis]);
    return clg_where(clg_lt(at, split), clg_pad(a, none, of_a, 0), clg_pad(b, of_b, none, 0));
}

static clg_tensor join_all(const clg_tensor *t, int n, int axis)
{
    if (n == 1)
        return t[0];
    clg_tensor a = join_all(t, n / 2, axis), b = join_all(t + n / 2, n - n / 2, axis);
    return a->status < 0 ? a : b->status < 0 ? b : join(a, b, axis);
}

static const clg__op op_concat = { .name = "concat", .kind = CLG__ALIAS, .vjp = concat_vjp,
                                   .key = key_axis, .params_bytes = sizeof(int) };

enum { MAX_CONCAT = 15 }; // inputs of one custom derivative

// PyTorch joins an empty list to anything.
static bool no_part(clg_tensor t)
{
    return t->shape.rank == 1 && t->shape.dim[0] == 0;
}

clg_tensor clg_concat_n(const clg_tensor *t, int n, int axis)
{
    clg__call c;
    int at;
    if (n <= 0)
        return clg_poison(NULL, CLG_EINVAL, "concat: there are no tensors");
    if (!clg__call_begin(&c, "concat", "t[]", n, t))
        return clg__call_poison(&c);
    int like = 0; // the first that says what the others look like
    while (like < n - 1 && no_part(t[like]))
        like++;
    const clg_shape *shape = &t[like]->shape;
    if (shape->rank == 0 || !clg__axis(axis, shape->rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of tensors of rank %d", axis, shape->rank);
    for (int i = 0; i < n; i++) {
        clg_shape s = t[i]->shape;
        if (s.rank == shape->rank)
            s.dim[at] = shape->dim[at];
        if (!no_part(t[i]) && !clg__shape_equal(&s, shape))
            return clg__call_fail(&c, CLG_ESHAPE, "tensor %d differs outside axis %d", i, at);
    }
    if (n > MAX_CONCAT) { // in pieces
        clg_tensor a = clg_concat_n(t, n / 2, axis), b = clg_concat_n(t + n / 2, n - n / 2, axis);
        return clg__call_own(&c, clg_concat_n((clg_tensor[]) { a, b }, 2, axis));
    }
    const clg_dtype type = clg__result_type(n, t);
    clg_tensor in[MAX_CONCAT];
    clg_shape empty = *shape;
    empty.dim[at] = 0;
    for (int i = 0; i < n; i++)
        in[i] = clg_cast(no_part(t[i]) ? clg_reshape(t[i], empty) : t[i], type);
    clg_tensor y = join_all(in, n, at);
    return clg__call_own(&c, n == 1 || y->status < 0 ? y : clg__custom_vjp(&op_concat, y, n, in, &at));
}

clg_tensor clg_stack_n(const clg_tensor *t, int n, int axis)
{
    clg__call c;
    clg_tensor few[16], *in = few;
    if (n <= 0)
        return clg_poison(NULL, CLG_EINVAL, "stack: no tensors");
    if (!clg__call_begin(&c, "stack", "t[]", n, t))
        return clg__call_poison(&c);
    if (n > (int) (sizeof few / sizeof few[0]) && !(in = clg__malloc((size_t) n * sizeof *in)))
        return clg__call_fail(&c, CLG_ENOMEM, "out of host memory");
    for (int i = 0; i < n; i++)
        in[i] = clg_unsqueeze(t[i], axis);
    clg_tensor y = clg__call_own(&c, clg_concat_n(in, n, axis));
    if (in != few)
        clg__free(in);
    return y;
}
