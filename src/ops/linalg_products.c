// SPDX-License-Identifier: MIT
// Products that are functions of the matrix product and of pointwise ones: of vectors, added to another tensor, chains,
// powers, Kronecker's, the cross product, bilinear forms.
#include "ops/linalg.h"

#include "base/fp.h"
#include "ops/element.h"
#include <clgrad/arrange.h>
#include <clgrad/create.h>
#include <clgrad/factor.h>
#include <clgrad/linalg.h>
#include <clgrad/reduce.h>

#include <math.h>

static bool is_rank(clg_tensor t, int rank)
{
    return t->shape.rank == rank;
}

// clg_matmul of operands whose ranks are given.
static clg_tensor ranked(const char *name, clg_tensor a, int ra, clg_tensor b, int rb)
{
    clg__call c;
    if (!clg__call_begin(&c, name, "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    if (!is_rank(a, ra) || !is_rank(b, rb))
        return clg__call_fail(&c, CLG_ESHAPE, "ranks are %d and %d, expected %d and %d", a->shape.rank, b->shape.rank,
                              ra, rb);
    if (ra == 3 && a->shape.dim[0] != b->shape.dim[0])
        return clg__call_fail(&c, CLG_ESHAPE, "batches differ");
    return clg__call_own(&c, clg_matmul(a, b));
}

clg_tensor clg_mm(clg_tensor a, clg_tensor b)
{
    return ranked("mm", a, 2, b, 2);
}

clg_tensor clg_bmm(clg_tensor a, clg_tensor b)
{
    return ranked("bmm", a, 3, b, 3);
}

clg_tensor clg_mv(clg_tensor a, clg_tensor v)
{
    return ranked("mv", a, 2, v, 1);
}

clg_tensor clg_dot(clg_tensor a, clg_tensor b)
{
    return ranked("dot", a, 1, b, 1);
}

clg_tensor clg_vdot(clg_tensor a, clg_tensor b)
{
    return ranked("vdot", a, 1, b, 1);
}

clg_tensor clg_outer(clg_tensor a, clg_tensor b)
{
    clg__call c;
    if (!clg__call_begin(&c, "outer", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    if (!is_rank(a, 1) || !is_rank(b, 1))
        return clg__call_fail(&c, CLG_ESHAPE, "expected two vectors");
    return clg__call_own(&c, clg_mul(clg_unsqueeze(a, 1), b));
}

clg_tensor clg_inner(clg_tensor a, clg_tensor b)
{
    clg__call c;
    if (!clg__call_begin(&c, "inner", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    if (is_rank(a, 0) || is_rank(b, 0))
        return clg__call_own(&c, clg_mul(a, b));
    if (a->shape.dim[a->shape.rank - 1] != b->shape.dim[b->shape.rank - 1])
        return clg__call_fail(&c, CLG_ESHAPE, "the last dimensions differ");
    return clg__call_own(&c, clg_tensordot_axes(a, b, CLG_AXES(-1), CLG_AXES(-1)));
}

clg_tensor clg_vecdot(clg_tensor a, clg_tensor b, int axis)
{
    clg__call c;
    if (!clg__call_begin(&c, "vecdot", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    const clg_dtype t = clg__result_type(2, c.in);
    if (!clg_dtype_is_float(t))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    const clg_tensor y = clg_sum(clg_mul(clg__wide(clg_cast(a, t)), clg__wide(clg_cast(b, t))), CLG_AXES(axis), false);
    return clg__call_own(&c, clg_cast(y, t));
}

// ---- beta input + alpha product

// input broadcasts to the product's shape; beta 0: it is not looked at, NaN and all.
static clg_tensor added(const clg__call *c, clg_tensor input, clg_tensor product, double beta, double alpha)
{
    if (product->status < 0)
        return clg__call_own(c, product);
    const clg_dtype t = clg__result_type(2, (clg_tensor[]) { input, product });
    clg_shape s;
    if (!clg_dtype_is_float(t) && (beta != floor(beta) || alpha != floor(alpha)))
        return clg__call_fail(c, CLG_EINVAL, "beta and alpha of integers are %g and %g", beta, alpha);
    if (!clg__broadcast(&input->shape, &product->shape, &s) || !clg__shape_equal(&s, &product->shape))
        return clg__call_fail(c, CLG_ESHAPE, "input does not broadcast to the product");
    clg_tensor y = clg_cast(product, t);
    if (alpha != 1)
        y = clg_mul_scalar(y, alpha);
    if (beta == 1)
        y = clg_add(input, y);
    else if (beta != 0)
        y = clg_add(clg_mul_scalar(input, beta), y);
    return clg__call_own(c, y);
}

static clg_tensor added_product(const char *name, clg_tensor input, clg_tensor a, int ra, clg_tensor b, int rb,
                                double beta, double alpha)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, name, "input a b", 3, (clg_tensor[]) { input, a, b }))
        return clg__call_poison(&c);
    if (!is_rank(a, ra) || !is_rank(b, rb))
        return clg__call_fail(&c, CLG_ESHAPE, "ranks are %d and %d, expected %d and %d", a->shape.rank, b->shape.rank,
                              ra, rb);
    if (ra == 3 && a->shape.dim[0] != b->shape.dim[0])
        return clg__call_fail(&c, CLG_ESHAPE, "batches differ");
    return added(&c, input, ra == 1 ? clg_outer(a, b) : clg_matmul(a, b), beta, alpha);
}

clg_tensor clg_addmm(clg_tensor input, clg_tensor a, clg_tensor b, double beta, double alpha)
{
    return added_product("addmm", input, a, 2, b, 2, beta, alpha);
}

clg_tensor clg_addmv(clg_tensor input, clg_tensor a, clg_tensor v, double beta, double alpha)
{
    return added_product("addmv", input, a, 2, v, 1, beta, alpha);
}

clg_tensor clg_baddbmm(clg_tensor input, clg_tensor a, clg_tensor b, double beta, double alpha)
{
    return added_product("baddbmm", input, a, 3, b, 3, beta, alpha);
}

clg_tensor clg_addr(clg_tensor input, clg_tensor a, clg_tensor b, double beta, double alpha)
{
    return added_product("addr", input, a, 1, b, 1, beta, alpha);
}

clg_tensor clg_addbmm(clg_tensor input, clg_tensor a, clg_tensor b, double beta, double alpha)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "addbmm", "input a b", 3, (clg_tensor[]) { input, a, b }))
        return clg__call_poison(&c);
    if (!is_rank(a, 3) || !is_rank(b, 3) || a->shape.dim[0] != b->shape.dim[0] || a->shape.dim[2] != b->shape.dim[1])
        return clg__call_fail(&c, CLG_ESHAPE, "expected a [B,N,K] and b [B,K,M]");
    return added(&c, input, clg_tensordot_axes(a, b, CLG_AXES(0, 2), CLG_AXES(0, 1)), beta, alpha);
}

// ---- chains and powers

clg_tensor clg_multi_dot_n(const clg_tensor *t, int n)
{
    enum { MOST = 32 };
    clg__call c;
    if (n < 2 || n > MOST || !t) {
        if (!clg__call_begin(&c, "multi_dot", "t[]", n > 0 && t ? 1 : 0, t))
            return clg__call_poison(&c);
        return clg__call_fail(&c, CLG_EINVAL, "%d tensors, expected 2 to %d", n, MOST);
    }
    if (!clg__call_begin(&c, "multi_dot", "t[]", n, t))
        return clg__call_poison(&c);
    clg_tensor in[MOST], y[MOST];
    double size[MOST + 1], best[MOST][MOST];
    int cut[MOST][MOST];
    for (int k = 0; k < n; k++) {
        const bool end = k == 0 || k == n - 1;
        if (!is_rank(t[k], 2) && !(end && is_rank(t[k], 1)))
            return clg__call_fail(&c, CLG_ESHAPE, "t[%d] has rank %d", k, t[k]->shape.rank);
        in[k] = is_rank(t[k], 2) ? t[k] : clg_unsqueeze(t[k], k ? 1 : 0);
        if (in[k]->status < 0)
            return clg__call_own(&c, in[k]);
        size[k] = (double) in[k]->shape.dim[0];
        size[k + 1] = (double) in[k]->shape.dim[1];
        if (k && in[k - 1]->shape.dim[1] != in[k]->shape.dim[0])
            return clg__call_fail(&c, CLG_ESHAPE, "t[%d] has %lld columns, t[%d] has %lld rows", k - 1,
                                  (long long) in[k - 1]->shape.dim[1], k, (long long) in[k]->shape.dim[0]);
    }
    for (int length = 0; length < n; length++) { // Cormen and others, 15.2
        for (int i = 0; i + length < n; i++) {
            const int j = i + length;
            best[i][j] = length ? INFINITY : 0;
            for (int k = i; k < j; k++) {
                const double cost = best[i][k] + best[k + 1][j] + size[i] * size[k + 1] * size[j + 1];
                if (cost < best[i][j] || k == i) {
                    best[i][j] = cost;
                    cut[i][j] = k;
                }
            }
        }
    }
    struct { int i, j; bool done; } stack[2 * MOST]; // no recursion: products from the innermost out
    int top = 0, made = 0;
    stack[top].i = 0;
    stack[top].j = n - 1;
    stack[top++].done = false;
    while (top) {
        top--;
        const int i = stack[top].i, j = stack[top].j;
        if (i == j)
            y[made++] = in[i];
        else if (stack[top].done) {
            y[made - 2] = clg_matmul(y[made - 2], y[made - 1]);
            made--;
        } else {
            const int k = cut[i][j];
            stack[top++].done = true;
            stack[top].i = k + 1;
            stack[top].j = j;
            stack[top++].done = false;
            stack[top].i = i;
            stack[top].j = k;
            stack[top++].done = false;
        }
    }
    clg_tensor r = y[0];
    if (is_rank(t[0], 1) && r->status >= 0)
        r = clg_squeeze(r, CLG_AXES(0));
    if (is_rank(t[n - 1], 1) && r->status >= 0)
        r = clg_squeeze(r, CLG_AXES(-1));
    return clg__call_own(&c, r);
}

clg_tensor clg__eye_like(clg_tensor t)
{
    clg_shape s = t->shape;
    const int64_t n = s.dim[s.rank - 2];
    s.dim[s.rank - 1] = n;
    return clg_expand(clg_eye(t->dev, t->dtype, n, n), s);
}

clg_tensor clg_matrix_power(clg_tensor a, int n)
{
    clg__call c;
    if (!clg__call_begin(&c, "matrix_power", "a", 1, &a))
        return clg__call_poison(&c);
    const int r = a->shape.rank;
    if (r < 2 || a->shape.dim[r - 1] != a->shape.dim[r - 2])
        return clg__call_fail(&c, CLG_ESHAPE, "expected square matrices, or batches of them");
    if (n < 0 && a->dtype != CLG_F32 && a->dtype != CLG_F64)
        return clg__call_fail(&c, CLG_EDTYPE, "inverses only of F32 and F64: cast first");
    clg_tensor y = NULL, power = n < 0 ? clg_inv(a, NULL) : a;
    for (unsigned left = n < 0 ? 0u - (unsigned) n : (unsigned) n; left && power->status >= 0; left >>= 1) {
        if (left & 1)
            y = y ? clg_matmul(y, power) : power;
        if (left > 1)
            power = clg_matmul(power, power);
    }
    return clg__call_own(&c, power->status < 0 ? power : y ? y : clg__eye_like(a));
}

// ---- others

clg_tensor clg_kron(clg_tensor a, clg_tensor b)
{
    clg__call c;
    if (!clg__call_begin(&c, "kron", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    const int rank = a->shape.rank > b->shape.rank ? a->shape.rank : b->shape.rank;
    clg_shape sa = { .rank = 0 }, sb = { .rank = 0 }, y = { .rank = rank };
    int64_t na[CLG_MAX_RANK], nb[CLG_MAX_RANK];
    int split = 0; // dimensions of which neither is 1
    for (int d = 0; d < rank; d++) {
        const int pa = d - rank + a->shape.rank, pb = d - rank + b->shape.rank;
        na[d] = pa < 0 ? 1 : a->shape.dim[pa];
        nb[d] = pb < 0 ? 1 : b->shape.dim[pb];
        if (__builtin_mul_overflow(na[d], nb[d], &y.dim[d]))
            return clg__call_fail(&c, CLG_ESHAPE, "the result is too large");
        split += na[d] != 1 && nb[d] != 1;
    }
    if (rank + split > CLG_MAX_RANK)
        return clg__call_fail(&c, CLG_ESHAPE, "more than %d dimensions on the way", CLG_MAX_RANK);
    for (int d = 0; d < rank; d++) {
        const bool both = na[d] != 1 && nb[d] != 1;
        sa.dim[sa.rank++] = na[d];
        sb.dim[sb.rank++] = both ? 1 : nb[d];
        if (both) {
            sa.dim[sa.rank++] = 1;
            sb.dim[sb.rank++] = nb[d];
        }
    }
    return clg__call_own(&c, clg_reshape(clg_mul(clg_reshape(a, sa), clg_reshape(b, sb)), y));
}

clg_tensor clg_cross(clg_tensor a, clg_tensor b, int axis)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "cross", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    if (a->shape.rank != b->shape.rank || a->shape.rank == 0)
        return clg__call_fail(&c, CLG_ESHAPE, "ranks are %d and %d", a->shape.rank, b->shape.rank);
    if (!clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    if (a->shape.dim[at] != 3 || b->shape.dim[at] != 3)
        return clg__call_fail(&c, CLG_ESHAPE, "the axis has %lld and %lld elements, expected 3",
                              (long long) a->shape.dim[at], (long long) b->shape.dim[at]);
    clg_tensor part[3];
    for (int i = 0; i < 3; i++) {
        const int j = (i + 1) % 3, k = (i + 2) % 3;
        part[i] = clg_sub(clg_mul(clg_narrow(a, at, j, 1), clg_narrow(b, at, k, 1)),
                          clg_mul(clg_narrow(a, at, k, 1), clg_narrow(b, at, j, 1)));
    }
    return clg__call_own(&c, clg_concat_n(part, 3, at));
}

clg_tensor clg_bilinear(clg_tensor a, clg_tensor b, clg_tensor w, clg_tensor bias)
{
    clg__call c;
    const clg_tensor in[4] = { a, b, w, bias };
    if (!clg__call_begin(&c, "bilinear", bias ? "a b w bias" : "a b w", bias ? 4 : 3, in))
        return clg__call_poison(&c);
    const int r = a->shape.rank;
    if (r < 1 || b->shape.rank != r || !is_rank(w, 3))
        return clg__call_fail(&c, CLG_ESHAPE, "expected a [...,I], b [...,J], w [O,I,J]");
    const int64_t o = w->shape.dim[0], i = w->shape.dim[1], j = w->shape.dim[2];
    bool fits = a->shape.dim[r - 1] == i && b->shape.dim[r - 1] == j;
    for (int d = 0; d < r - 1; d++)
        fits &= a->shape.dim[d] == b->shape.dim[d];
    if (!fits || (bias && (!is_rank(bias, 1) || bias->shape.dim[0] != o)))
        return clg__call_fail(&c, CLG_ESHAPE, "expected a [...,I], b [...,J], w [O,I,J], bias [O]");
    const clg_dtype t = clg__result_type(bias ? 4 : 3, in);
    if (!clg_dtype_is_float(t))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    clg_shape s = a->shape, lead = s;
    s.dim[r - 1] = o;
    lead.rank--;
    const int64_t n = clg_numel(lead);
    // b goes through w as one product, then each of its rows meets its row of a
    const clg_tensor wb = clg_matmul(clg_reshape(clg_cast(b, t), CLG_SHAPE(n, j)), clg__mT(clg_reshape(clg_cast(w, t), CLG_SHAPE(o * i, j))));
    const clg_tensor rows = clg_reshape(clg_cast(a, t), CLG_SHAPE(n, 1, i));
    clg_tensor y = clg_sum(clg_mul(clg__wide(rows), clg__wide(clg_reshape(wb, CLG_SHAPE(n, o, i)))), CLG_AXES(-1), false);
    y = clg_reshape(y, s);
    return clg__call_own(&c, clg_cast(bias ? clg_add(y, clg_cast(bias, t)) : y, t));
}
