// SPDX-License-Identifier: MIT
// Eigenvalues of symmetric matrices and singular values, with what follows from them. Kernels: cl/eigh.cl, cl/svd.cl, of
// values alone cl/eigvalsh.cl, cl/svdvals.cl, of small matrices cl/eigh_lanes.cl, cl/svd_lanes.cl.
// A result's derivative needs the others: it takes them as they were computed, and gives them their own derivatives.
#include "base/fp.h"
#include "ops/element.h"
#include "ops/extreme.h"
#include "ops/linalg.h"
#include "ops/registry.h"
#include <clgrad/arrange.h>
#include <clgrad/factor.h>
#include <clgrad/grad.h>

#include <float.h>

enum { LANES_MOST = 64 };

static double epsilon(clg_dtype t)
{
    return t == CLG_F32 ? (double) FLT_EPSILON : DBL_EPSILON;
}

static int64_t up(int64_t n)
{
    return (n + 15) / 16 * 16;
}

static clg_tensor lit(clg_tensor like, double v)
{
    return clg__lit(like->dev, like->dtype, v);
}

static void precise(const clg__kernel_call *c, clg__kplan *p, clg__launch *l)
{
    if (c->in_dtype[0] == CLG_F64)
        clg__kplan_define(p, l, "EPSILON", "2.220446049250313e-16");
}

static void finish(const clg__kernel_call *c, clg__kplan *p, clg__launch *l, int64_t room)
{
    const int64_t groups = clg__matrix_groups(c, c->in_shape[0].dim[0]);
    clg__arg_temp(p, l, clg__kplan_temp(p, (size_t) (groups * room) * clg_dtype_size(c->in_dtype[0])));
    precise(c, p, l);
}

// Of an op with vectors, or with values alone, whose others are of no elements.
static const bool with = true, without = false;

static void key_vectors(const void *params, clg__key *k)
{
    clg__key_i64(k, *(const bool *) params);
}

static bool has_vectors(const clg__kernel_call *c)
{
    return *(const bool *) c->params;
}

static void plan_eigh(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    const int64_t n = s->dim[1], stride = up(n), room = (2 * n * stride + 6 * stride + 63) / 64 * 64;
    if (clg_numel(*s) == 0)
        return;
    clg__launch *l = clg__matrix_kernel(c, p, "eigh");
    clg__arg_buffers(p, l, 1, 3);
    finish(c, p, l, room);
    CLG__ARG_BLOCK(p, l, "EIGH", { "batch", s->dim[0], true }, { "n", n, false }, { "stride", stride, false },
                   { "vectors", has_vectors(c), false }, { "room", room, true });
    clg__matrix_grid(c, l, s->dim[0]);
}

static void plan_svd(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    const int64_t rows = s->dim[1], columns = s->dim[2], across = up(columns), down = up(rows);
    const int64_t room = (rows * (across + down) + down + 63) / 64 * 64;
    if (clg_numel(*s) == 0)
        return;
    clg__launch *l = clg__matrix_kernel(c, p, "svd");
    clg__arg_buffers(p, l, 1, 4);
    finish(c, p, l, room);
    CLG__ARG_BLOCK(p, l, "SVD", { "batch", s->dim[0], true }, { "rows", rows, false }, { "columns", columns, false },
                   { "across", across, false }, { "down", down, false }, { "vectors", has_vectors(c), false },
                   { "room", room, true });
    clg__matrix_grid(c, l, s->dim[0]);
}

static const char *accepts_lanes(const clg__kernel_call *c)
{
    const clg_shape *s = &c->in_shape[0];
    return clg__no_lanes(c, s->dim[0], s->dim[1] > s->dim[2] ? s->dim[1] : s->dim[2], LANES_MOST);
}

static clg__launch *lanes(const clg__kernel_call *c, clg__kplan *p, const char *file, int n_out, int64_t room)
{
    clg__launch *l = clg__lanes_kernel(c, p, file);
    clg__arg_buffers(p, l, 1, n_out);
    clg__lanes_scratch(c, p, l, c->in_shape[0].dim[0], room);
    precise(c, p, l);
    return l;
}

static void plan_eigh_lanes(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    const int64_t n = s->dim[1], room = 2 * n * n + 6 * n;
    if (clg_numel(*s) == 0)
        return;
    clg__launch *l = lanes(c, p, "eigh_lanes", 3, room);
    CLG__ARG_BLOCK(p, l, "EIGH", { "batch", s->dim[0], true }, { "n", n, false }, { "vectors", has_vectors(c), false }, { "room", room, true });
}

static void plan_svd_lanes(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    const int64_t rows = s->dim[1], columns = s->dim[2], room = rows * (columns + rows + 1);
    if (clg_numel(*s) == 0)
        return;
    clg__launch *l = lanes(c, p, "svd_lanes", 4, room);
    CLG__ARG_BLOCK(p, l, "SVD", { "batch", s->dim[0], true }, { "rows", rows, false }, { "columns", columns, false },
                   { "vectors", has_vectors(c), false }, { "room", room, true });
}

static const char *accepts_bisection(const clg__kernel_call *c)
{
    if (!c->caps->cpu_class)
        return "for CPU-class devices";
    return has_vectors(c) ? "vectors are asked for" : NULL;
}

// Jacobi's sweeps in lanes pay for the smallest alone.
static const char *accepts_svdvals(const clg__kernel_call *c)
{
    const clg_shape *s = &c->in_shape[0];
    const int64_t batch = s->dim[0], side = s->dim[1] > s->dim[2] ? s->dim[1] : s->dim[2];
    if (!c->forced && !accepts_lanes(c) && (side <= 16 || (side <= 32 && batch >= 12)))
        return "small matrices, one a lane";
    return accepts_bisection(c);
}

static void bisection(const clg__kernel_call *c, clg__kplan *p, clg__launch *l)
{
    clg__kplan_define(p, l, "MASK", "%s", c->in_dtype[0] == CLG_F64 ? "long" : "int");
    if (c->in_dtype[0] == CLG_F64)
        clg__kplan_define(p, l, "TINY", "1e-290");
}

static void plan_eigvalsh(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    const int64_t n = s->dim[1], stride = up(n), room = (stride + 8) * stride;
    if (clg_numel(*s) == 0)
        return;
    clg__launch *l = clg__matrix_kernel(c, p, "eigvalsh");
    clg__arg_buffers(p, l, 1, 3);
    finish(c, p, l, room);
    bisection(c, p, l);
    CLG__ARG_BLOCK(p, l, "EIGH", { "batch", s->dim[0], true }, { "n", n, false }, { "stride", stride, false }, { "room", room, true });
    clg__matrix_grid(c, l, s->dim[0]);
}

static void plan_svdvals(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    const int64_t rows = s->dim[1], columns = s->dim[2], stride = up(columns), high = up(rows);
    const int64_t room_of = stride > high ? stride : high, room = high * stride + 10 * room_of;
    if (clg_numel(*s) == 0)
        return;
    clg__launch *l = clg__matrix_kernel(c, p, "svdvals");
    clg__arg_buffers(p, l, 1, 4);
    finish(c, p, l, room);
    bisection(c, p, l);
    CLG__ARG_BLOCK(p, l, "SVD", { "batch", s->dim[0], true }, { "rows", rows, false }, { "columns", columns, false },
                   { "stride", stride, false }, { "room_of", room_of, false }, { "room", room, true });
    clg__matrix_grid(c, l, s->dim[0]);
}

static const clg__variant eigh_variants[] = { { "lanes", accepts_lanes, plan_eigh_lanes, false },
                                              { "bisection", accepts_bisection, plan_eigvalsh, false },
                                              { "tridiagonal", NULL, plan_eigh, false } };
static const clg__variant svd_variants[] = { { "bisection", accepts_svdvals, plan_svdvals, false },
                                             { "lanes", accepts_lanes, plan_svd_lanes, false },
                                             { "jacobi", NULL, plan_svd, false } };
static const clg__op op_eigh_kernel = { .name = "eigh", .kind = CLG__KERNEL, .key = key_vectors, .params_bytes = sizeof(bool),
                                       .variants = eigh_variants, .n_variants = 3 };
static const clg__op op_svd_kernel = { .name = "svd", .kind = CLG__KERNEL, .key = key_vectors, .params_bytes = sizeof(bool),
                                      .variants = svd_variants, .n_variants = 3 };
const clg__op *const clg__eigen_ops[] = { &op_eigh_kernel, &op_svd_kernel, NULL };

// m[i,j] / (x[j] - x[i]), 0 on the diagonal
static clg_tensor over_differences(clg_tensor m, clg_tensor x)
{
    const clg_tensor diagonal = clg_cast(clg__eye_like(m), CLG_BOOL), d = clg_sub(clg_unsqueeze(x, -2), clg_unsqueeze(x, -1));
    return clg_where(diagonal, lit(m, 0), clg_div(m, clg_where(diagonal, lit(m, 1), d)));
}

static clg_tensor scaled_product(clg_tensor a, clg_tensor s, clg_tensor b) // a diag(s) b
{
    return clg_matmul(clg_mul(a, clg_unsqueeze(s, -2)), b);
}

// ---- eigenvalues: in a, and the other result

static clg_tensor values_vjp(const clg__vjp *v, int i);
static clg_tensor vectors_vjp(const clg__vjp *v, int i);
static const clg__op op_values = { .name = "eigh", .kind = CLG__ALIAS, .vjp = values_vjp };
static const clg__op op_vectors = { .name = "eigh", .kind = CLG__ALIAS, .vjp = vectors_vjp };

static clg_tensor values_vjp(const clg__vjp *v, int i)
{
    if (i > 0)
        return NULL;
    const clg_tensor q = clg__custom_vjp(&op_vectors, v->in[1], 2, (clg_tensor[]) { v->in[0], clg_detach(v->y) }, NULL);
    return scaled_product(q, v->g, clg__mT(q));
}

static clg_tensor vectors_vjp(const clg__vjp *v, int i)
{
    if (i > 0)
        return NULL;
    const clg_tensor w = clg__custom_vjp(&op_values, v->in[1], 2, (clg_tensor[]) { v->in[0], clg_detach(v->y) }, NULL);
    const clg_tensor m = clg_matmul(clg__mT(v->y), v->g), skew = clg_mul(clg_sub(m, clg__mT(m)), lit(m, 0.5));
    return clg_matmul(v->y, clg_matmul(over_differences(skew, w), clg__mT(v->y)));
}

// Values and vectors, or values alone, without derivatives.
static void tridiagonal(const clg__call *own, clg_tensor in, const bool *vectors, clg_tensor out[3])
{
    const int64_t batch = in->shape.dim[0], n = in->shape.dim[1], own_n = *vectors ? n : 0;
    clg__call_node_n(own, &op_eigh_kernel, 3, (clg_dtype[]) { in->dtype, in->dtype, CLG_I32 },
                     (clg_shape[]) { CLG_SHAPE(batch, n), CLG_SHAPE(batch, own_n, own_n), CLG_SHAPE(batch) }, vectors, out);
}

// Where vectors are not asked for, they are there for the derivative alone, which computes them then.
static clg_tensor eigen(const char *name, clg_tensor a, bool upper, clg_tensor *vectors)
{
    clg__call c, own;
    clg_tensor bad, out[3], values[3];
    if (!clg__call_begin(&c, name, "a", 1, &a))
        bad = clg__call_poison(&c);
    else
        bad = clg__no_matrices(&c, a, true);
    if (bad)
        return clg__second(bad, vectors, bad);
    const clg_tensor in = clg__as_batch(upper ? clg__mT(clg_detach(a)) : clg_detach(a));
    if (!clg__call_begin(&own, name, "a", 1, &in)) {
        bad = clg__call_own(&c, in);
        return clg__second(bad, vectors, bad);
    }
    tridiagonal(&own, in, &with, out);
    if (!vectors) {
        tridiagonal(&own, in, &without, values);
        out[0] = values[0];
    }
    for (int k = 0; k < 2; k++)
        out[k] = clg__from_batch(out[k], a);
    if (out[0]->status < 0) {
        bad = clg__call_own(&c, out[0]);
        return clg__second(bad, vectors, bad);
    }
    const clg_tensor w = clg__custom_vjp(&op_values, out[0], 2, (clg_tensor[]) { a, out[1] }, NULL);
    return clg__second(clg__call_own(&c, w), vectors, clg__call_own(&c, clg__custom_vjp(&op_vectors, out[1], 2, (clg_tensor[]) { a, out[0] }, NULL)));
}

clg_tensor clg_eigh(clg_tensor a, bool upper, clg_tensor *vectors)
{
    return eigen("eigh", a, upper, vectors);
}

clg_tensor clg_eigvalsh(clg_tensor a, bool upper)
{
    return eigen("eigvalsh", a, upper, NULL);
}

// ---- singular values: in a, and u, s, vh as they were computed

static clg_tensor u_vjp(const clg__vjp *v, int i);
static clg_tensor s_vjp(const clg__vjp *v, int i);
static clg_tensor vh_vjp(const clg__vjp *v, int i);
static const clg__op op_svd[3] = { { .name = "svd", .kind = CLG__ALIAS, .vjp = u_vjp },
                                   { .name = "svd", .kind = CLG__ALIAS, .vjp = s_vjp },
                                   { .name = "svd", .kind = CLG__ALIAS, .vjp = vh_vjp } };

static clg_tensor svd_result(int k, clg_tensor a, const clg_tensor *raw)
{
    return clg__custom_vjp(&op_svd[k], raw[k], 4, (clg_tensor[]) { a, raw[0], raw[1], raw[2] }, NULL);
}

// All three, with derivatives.
static void svd_all(const clg__vjp *v, clg_tensor out[3])
{
    for (int k = 0; k < 3; k++)
        out[k] = svd_result(k, v->in[0], v->in + 1);
}

// skew(x^T g)[i,j] / (s[j]^2 - s[i]^2)
static clg_tensor turned_by(clg_tensor x, clg_tensor g, clg_tensor s)
{
    const clg_tensor m = clg_matmul(clg__mT(x), g);
    return over_differences(clg_sub(m, clg__mT(m)), clg_mul(s, s));
}

static clg_tensor u_vjp(const clg__vjp *v, int i)
{
    clg_tensor x[3];
    if (i > 0)
        return NULL;
    svd_all(v, x);
    const clg_tensor u = x[0], s = x[1], g = v->g;
    clg_tensor m = clg_matmul(u, clg_mul(turned_by(u, g, s), clg_unsqueeze(s, -2)));
    if (clg__rows(u) > clg__columns(u))
        m = clg_add(m, clg_div(clg_sub(g, clg_matmul(u, clg_matmul(clg__mT(u), g))), clg_unsqueeze(s, -2)));
    return clg_matmul(m, x[2]);
}

static clg_tensor s_vjp(const clg__vjp *v, int i)
{
    clg_tensor x[3];
    if (i > 0)
        return NULL;
    svd_all(v, x);
    return scaled_product(x[0], v->g, x[2]);
}

static clg_tensor vh_vjp(const clg__vjp *v, int i)
{
    clg_tensor x[3];
    if (i > 0)
        return NULL;
    svd_all(v, x);
    const clg_tensor s = x[1], w = clg__mT(x[2]), g = clg__mT(v->g);
    clg_tensor m = clg_matmul(clg_mul(turned_by(w, g, s), clg_unsqueeze(s, -1)), x[2]);
    if (clg__rows(w) > clg__columns(w))
        m = clg_add(m, clg_div(clg__mT(clg_sub(g, clg_matmul(w, clg_matmul(clg__mT(w), g)))), clg_unsqueeze(s, -1)));
    return clg_matmul(x[0], m);
}

// a [batch, r, c], r <= c
static bool jacobi(clg_tensor a, const bool *vectors, clg_tensor out[3])
{
    clg__call c;
    clg_tensor y[4];
    if (!clg__call_begin(&c, "svd", "a", 1, &a)) {
        out[0] = out[1] = out[2] = clg__call_poison(&c);
        return false;
    }
    const int64_t batch = a->shape.dim[0], rows = a->shape.dim[1], r = *vectors ? rows : 0, k = *vectors ? a->shape.dim[2] : 0;
    clg__call_node_n(&c, &op_svd_kernel, 4, (clg_dtype[]) { a->dtype, a->dtype, a->dtype, CLG_I32 },
                     (clg_shape[]) { CLG_SHAPE(batch, r, r), CLG_SHAPE(batch, rows), CLG_SHAPE(batch, r, k), CLG_SHAPE(batch) }, vectors, y);
    for (int i = 0; i < 3; i++)
        out[i] = y[i];
    return y[0]->status >= 0;
}

// Without derivatives. What is wider than it is high, or turned so, is made triangular first: Jacobi then takes fewer
// sweeps over less. Of values alone the vectors are there for derivatives, which compute them.
static bool svd_raw(clg_tensor a, bool values, clg_tensor out[3])
{
    const bool tall = clg__rows(a) > clg__columns(a);
    const clg_tensor in = clg__as_batch(tall ? clg_detach(a) : clg__mT(clg_detach(a)));
    clg_tensor r, y[3], own[3];
    const clg_tensor q = clg_qr(in, CLG_QR_REDUCED, &r); // in = q r, r = y0 y1 y2
    if (r->status < 0 || !jacobi(r, &with, y)) {
        out[0] = out[1] = out[2] = r->status < 0 ? r : y[0];
        return false;
    }
    if (values) {
        clg_qr(in, CLG_QR_R, &r);
        if (r->status < 0 || !jacobi(r, &without, own)) {
            out[0] = out[1] = out[2] = r->status < 0 ? r : own[0];
            return false;
        }
        y[1] = own[1];
    }
    const clg_tensor left = clg_matmul(q, y[0]);
    out[0] = clg__from_batch(tall ? left : clg__mT(y[2]), a);
    out[1] = clg__from_batch(y[1], a);
    out[2] = clg__from_batch(tall ? y[2] : clg__mT(left), a);
    return out[0]->status >= 0;
}

static bool svd_of(const clg__call *c, clg_tensor a, bool values, clg_tensor out[3])
{
    clg_tensor raw[3];
    if (!svd_raw(a, values, raw)) {
        out[0] = out[1] = out[2] = clg__call_own(c, raw[0]);
        return false;
    }
    for (int k = 0; k < 3; k++)
        out[k] = clg__call_own(c, svd_result(k, a, raw));
    return out[0]->status >= 0;
}

// x [..., r, k] with orthonormal columns, and further ones to r.
static clg_tensor completed(clg_tensor x)
{
    if (x->status < 0 || clg__rows(x) == clg__columns(x))
        return x;
    const int64_t r = clg__rows(x), k = clg__columns(x);
    return clg_concat(-1, x, clg_slice(clg_qr(clg_detach(x), CLG_QR_COMPLETE, NULL), -1, k, r, 1));
}

static clg_tensor svd(const char *name, clg_tensor a, bool full, clg_tensor *s, clg_tensor *vh)
{
    clg__call c;
    clg_tensor bad, out[3];
    if (!clg__call_begin(&c, name, "a", 1, &a))
        bad = clg__call_poison(&c);
    else
        bad = clg__no_matrices(&c, a, false);
    if (bad)
        return clg__second(clg__second(bad, s, bad), vh, bad);
    if (svd_of(&c, a, false, out) && full) {
        out[0] = clg__call_own(&c, completed(out[0]));
        out[2] = clg__call_own(&c, clg__mT(completed(clg__mT(out[2]))));
    }
    return clg__second(clg__second(out[0], s, out[1]), vh, out[2]);
}

clg_tensor clg_svd(clg_tensor a, clg_tensor *s, clg_tensor *vh)
{
    return svd("svd", a, false, s, vh);
}

clg_tensor clg_svd_full(clg_tensor a, clg_tensor *s, clg_tensor *vh)
{
    return svd("svd_full", a, true, s, vh);
}

clg_tensor clg_svdvals(clg_tensor a)
{
    clg__call c;
    clg_tensor out[3];
    if (!clg__call_begin(&c, "svdvals", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_tensor bad = clg__no_matrices(&c, a, false);
    if (bad)
        return bad;
    svd_of(&c, a, true, out);
    return out[1];
}

// ---- what follows

static clg_tensor counts(clg_tensor a, clg_tensor s, double rtol) // singular values above the limit
{
    const int64_t r = clg__rows(a), k = clg__columns(a);
    if (r == 0 || k == 0)
        return clg_gt(s, s); // there are none, and no largest
    const double limit = rtol < 0 ? epsilon(a->dtype) * (double) (r > k ? r : k) : rtol;
    return clg_gt(s, clg_mul_scalar(clg_amax(s, CLG_AXES(-1), true), limit));
}

// Golub and Pereyra 1973; a has the rank that it has around here.
static clg_tensor pinv_vjp(const clg__vjp *v, int i)
{
    (void) i;
    const clg_tensor a = v->in[0], p = v->y, ph = clg__mT(p), g = clg__mT(v->g);
    if (clg__rows(a) <= clg__columns(a)) {
        const clg_tensor k = clg_matmul(g, p), kp = clg_matmul(k, ph);
        const clg_tensor first = clg_sub(kp, clg__mT(clg_matmul(p, k)));
        const clg_tensor second = clg_matmul(clg_matmul(ph, p), clg_sub(g, clg_matmul(k, a)));
        return clg_add(clg_sub(first, clg_matmul(a, clg_matmul(p, kp))), second);
    }
    const clg_tensor k = clg_matmul(p, g), pk = clg_matmul(ph, k);
    const clg_tensor first = clg_sub(pk, clg__mT(clg_matmul(k, p)));
    const clg_tensor second = clg_matmul(clg_sub(g, clg_matmul(a, k)), clg_matmul(p, ph));
    return clg_sub(clg_add(first, second), clg_matmul(clg_matmul(pk, p), a));
}

static const clg__op op_pinv = { .name = "pinv", .kind = CLG__ALIAS, .vjp = pinv_vjp };

clg_tensor clg_pinv(clg_tensor a, double rtol)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg_tensor x[3];
    if (!clg__call_begin(&c, "pinv", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_tensor bad = clg__no_matrices(&c, a, false);
    if (bad)
        return bad;
    if (clg_numel(a->shape) == 0)
        return clg__call_own(&c, clg__mT(a));
    if (!svd_raw(a, false, x))
        return clg__call_own(&c, x[0]);
    const clg_tensor some = counts(a, x[1], rtol);
    const clg_tensor inverse = clg_where(some, clg_reciprocal(clg_where(some, x[1], lit(a, 1))), lit(a, 0));
    const clg_tensor y = scaled_product(clg__mT(x[2]), inverse, clg__mT(x[0]));
    return clg__call_own(&c, y->status < 0 ? y : clg__custom_vjp(&op_pinv, y, 1, &a, NULL));
}

clg_tensor clg_matrix_rank(clg_tensor a, double rtol)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg_tensor x[3];
    if (!clg__call_begin(&c, "matrix_rank", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_tensor bad = clg__no_matrices(&c, a, false);
    if (bad)
        return bad;
    if (clg__rows(a) == 0 || clg__columns(a) == 0)
        return clg__call_own(&c, clg_zeros(a->dev, CLG_I64, clg__batch_of(a)));
    if (!svd_raw(a, true, x))
        return clg__call_own(&c, x[0]);
    return clg__call_own(&c, clg_sum(counts(a, x[1], rtol), CLG_AXES(-1), false));
}
