// SPDX-License-Identifier: MIT
// Gaussian elimination and what is made of it: factors, systems, inverses, determinants. Kernels: cl/lu.cl, cl/solve.cl,
// and of small matrices cl/lu_lanes.cl, cl/solve_lanes.cl.
// A singular matrix is no error of a lazy evaluation: info tells of it, results are infinite or NaN.
#include "base/fp.h"
#include "ops/extreme.h"
#include "ops/linalg.h"
#include "ops/registry.h"
#include <clgrad/arrange.h>
#include <clgrad/create.h>
#include <clgrad/factor.h>
#include <clgrad/grad.h>
#include <clgrad/reduce.h>

#include <float.h>
#include <math.h>

enum { LANES_MOST = 64 };

// ---- kernels

static void plan_lu(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    if (clg_numel(c->out_shape[2]) == 0)
        return;
    clg__launch *l = clg__matrix_kernel(c, p, "lu");
    clg__arg_buffers(p, l, 1, 4);
    CLG__ARG_BLOCK(p, l, "LU", { "batch", s->dim[0], true }, { "rows", s->dim[1], false }, { "columns", s->dim[2], false });
    clg__matrix_grid(c, l, s->dim[0]);
}

static const char *accepts_lu_lanes(const clg__kernel_call *c)
{
    const clg_shape *s = &c->in_shape[0];
    return clg__no_lanes(c, s->dim[0], s->dim[1] > s->dim[2] ? s->dim[1] : s->dim[2], LANES_MOST);
}

static void plan_lu_lanes(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    const int64_t room = s->dim[1] * s->dim[2];
    if (clg_numel(*s) == 0) {
        plan_lu(c, p);
        return;
    }
    clg__launch *l = clg__lanes_kernel(c, p, "lu_lanes");
    clg__arg_buffers(p, l, 1, 4);
    clg__lanes_scratch(c, p, l, s->dim[0], room);
    CLG__ARG_BLOCK(p, l, "LU", { "batch", s->dim[0], true }, { "rows", s->dim[1], false }, { "columns", s->dim[2], false },
                   { "room", room, true });
}

static const clg__variant lu_variants[] = { { "lanes", accepts_lu_lanes, plan_lu_lanes, false }, { "blocks", NULL, plan_lu, false } };
static const clg__op op_lu = { .name = "lu", .kind = CLG__KERNEL, .variants = lu_variants, .n_variants = 2 };

bool clg__lu_of(const clg__call *c, clg_tensor a, clg__lu *out)
{
    const clg_tensor in = clg__as_batch(clg_detach(a)); // derivatives are those of what is made of it
    clg__call own;
    if (!clg__call_begin(&own, c->op, "a", 1, &in)) {
        out->y = out->pivots = out->info = out->order = clg__call_own(c, in);
        return false;
    }
    const int64_t n = in->shape.dim[0], rows = in->shape.dim[1], columns = in->shape.dim[2];
    const clg_shape s[4] = { in->shape, CLG_SHAPE(n, rows < columns ? rows : columns), CLG_SHAPE(n), CLG_SHAPE(n, rows) };
    clg_tensor y[4];
    clg__call_node_n(&own, &op_lu, 4, (clg_dtype[]) { a->dtype, CLG_I32, CLG_I32, CLG_I64 }, s, NULL, y);
    for (int k = 0; k < 4; k++)
        y[k] = clg__call_own(c, clg__from_batch(y[k], a));
    *out = (clg__lu) { y[0], y[1], y[2], y[3] };
    return y[0]->status >= 0;
}

typedef struct system {
    bool upper, unit, turned, factors;
} system;

static void key_system(const void *params, clg__key *k)
{
    const system *s = params;
    clg__key_i64(k, s->upper);
    clg__key_i64(k, s->unit);
    clg__key_i64(k, s->turned);
    clg__key_i64(k, s->factors);
}

static void plan_solve(const clg__kernel_call *c, clg__kplan *p)
{
    const system *s = c->params;
    const clg_shape *x = &c->out_shape[0];
    if (clg_numel(*x) == 0)
        return;
    clg__launch *l = clg__matrix_kernel(c, p, "solve");
    if (s->factors)
        clg__kplan_define(p, l, "FACTORS", "1");
    clg__arg_buffers(p, l, c->n_in, 1);
    CLG__ARG_BLOCK(p, l, "SOLVE", { "batch", x->dim[0], true }, { "n", x->dim[1], false }, { "k", x->dim[2], false },
                   { "upper", s->upper, false }, { "unit", s->unit, false }, { "turned", s->turned, false },
                   { "factors", s->factors, false });
    clg__matrix_grid(c, l, x->dim[0]);
}

static const char *accepts_solve_lanes(const clg__kernel_call *c)
{
    const clg_shape *x = &c->out_shape[0];
    return clg__no_lanes(c, x->dim[0], x->dim[1] > x->dim[2] ? x->dim[1] : x->dim[2], LANES_MOST);
}

static void plan_solve_lanes(const clg__kernel_call *c, clg__kplan *p)
{
    const system *s = c->params;
    const clg_shape *x = &c->out_shape[0];
    const int64_t n = x->dim[1], k = x->dim[2], room = n * n + n * k;
    if (clg_numel(*x) == 0)
        return;
    clg__launch *l = clg__lanes_kernel(c, p, "solve_lanes");
    if (s->factors)
        clg__kplan_define(p, l, "FACTORS", "1");
    clg__arg_buffers(p, l, c->n_in, 1);
    clg__lanes_scratch(c, p, l, x->dim[0], room);
    CLG__ARG_BLOCK(p, l, "SOLVE", { "batch", x->dim[0], true }, { "n", n, false }, { "k", k, false }, { "upper", s->upper, false },
                   { "unit", s->unit, false }, { "turned", s->turned, false }, { "factors", s->factors, false },
                   { "room", room, true });
}

static const clg__variant solve_variants[] = { { "lanes", accepts_solve_lanes, plan_solve_lanes, false }, { "blocks", NULL, plan_solve, false } };
static const clg__op op_system = { .name = "solve", .kind = CLG__KERNEL, .key = key_system, .params_bytes = sizeof(system),
                                   .variants = solve_variants, .n_variants = 2 };
const clg__op *const clg__lu_ops[] = { &op_lu, &op_system, NULL };

// t [..., n, n] and b [..., n, k] of one batch
static clg_tensor system_of(clg_tensor t, clg_tensor pivots, clg_tensor b, const system *s)
{
    clg_tensor in[3] = { clg__as_batch(t), clg__as_batch(b), NULL };
    if (pivots) {
        in[2] = in[1];
        in[1] = pivots->status < 0 ? pivots : clg_reshape(pivots, CLG_SHAPE(in[0]->shape.dim[0], in[0]->shape.dim[1]));
    }
    clg__call c;
    if (!clg__call_begin(&c, "solve", pivots ? "lu pivots b" : "t b", pivots ? 3 : 2, in))
        return clg__call_poison(&c);
    return clg__from_batch(clg__call_node(&c, &op_system, b->dtype, &in[pivots ? 2 : 1]->shape, s), b);
}

// ---- systems

static clg_tensor product(clg_tensor a, clg_tensor b)
{
    return clg_neg(clg_matmul(a, clg__mT(b)));
}

// in: a, b, and lu, pivots or nothing more
static clg_tensor solved_vjp(const clg__vjp *v, int i)
{
    const system *s = v->params;
    if (i > 1)
        return NULL;
    const clg_tensor gb = s->factors ? clg__solved(v->in[0], v->g, v->in[2], v->in[3], !s->turned)
                                     : clg__solved_triangle(v->in[0], v->g, s->upper, s->unit, !s->turned);
    if (i == 1)
        return gb;
    const clg_tensor ga = s->turned ? product(v->y, gb) : product(gb, v->y);
    return s->factors ? ga : (s->upper ? clg_triu(ga, s->unit) : clg_tril(ga, -(int) s->unit));
}

static const clg__op op_solved = { .name = "solve", .kind = CLG__ALIAS, .vjp = solved_vjp, .params_bytes = sizeof(system) };

clg_tensor clg__solved(clg_tensor a, clg_tensor b, clg_tensor lu, clg_tensor pivots, bool turned)
{
    const system s = { .turned = turned, .factors = true };
    const clg_tensor y = system_of(lu, pivots, b, &s);
    return y->status < 0 ? y : clg__custom_vjp(&op_solved, y, 4, (clg_tensor[]) { a, b, lu, pivots }, &s);
}

clg_tensor clg__solved_triangle(clg_tensor t, clg_tensor b, bool upper, bool unit, bool turned)
{
    const system s = { upper, unit, turned, false };
    const clg_tensor y = system_of(t, NULL, b, &s);
    return y->status < 0 ? y : clg__custom_vjp(&op_solved, y, 2, (clg_tensor[]) { t, b }, &s);
}

// a and b in one batch; b [..., n, k] from the left, [..., k, n] from the right.
static clg_tensor fit(const clg__call *c, clg_tensor *a, clg_tensor *b, bool left)
{
    clg_shape batch;
    clg_tensor bad = clg__no_matrices(c, *a, true);
    bad = bad ? bad : clg__no_matrices(c, *b, false);
    if (bad)
        return bad;
    if ((*a)->dtype != (*b)->dtype)
        return clg__call_fail(c, CLG_EDTYPE, "types differ");
    const clg_shape x = clg__batch_of(*a), y = clg__batch_of(*b);
    if ((left ? clg__rows(*b) : clg__columns(*b)) != clg__rows(*a) || !clg__broadcast(&x, &y, &batch))
        return clg__call_fail(c, CLG_ESHAPE, "shapes do not fit");
    *a = clg__with_batch(*a, &batch);
    *b = clg__with_batch(*b, &batch);
    return NULL;
}

clg_tensor clg_solve_triangular(clg_tensor a, clg_tensor b, bool upper, bool left, bool unitriangular)
{
    clg__call c;
    if (!clg__call_begin(&c, "solve_triangular", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    const clg_tensor bad = fit(&c, &a, &b, left);
    if (bad)
        return bad;
    if (left)
        return clg__call_own(&c, clg__solved_triangle(a, b, upper, unitriangular, false));
    return clg__call_own(&c, clg__mT(clg__solved_triangle(a, clg__mT(b), upper, unitriangular, true)));
}

clg_tensor clg_solve(clg_tensor a, clg_tensor b, bool left, clg_tensor *info)
{
    clg__call c;
    clg_tensor bad = NULL;
    if (!clg__call_begin(&c, "solve", "a b", 2, (clg_tensor[]) { a, b }))
        bad = clg__call_poison(&c);
    if (bad)
        return clg__second(bad, info, bad);
    bool vector = b->shape.rank == 1 || (b->shape.rank > 0 && b->shape.rank == a->shape.rank - 1);
    for (int d = 0; d < b->shape.rank && b->shape.rank > 1 && vector; d++)
        vector = b->shape.dim[d] == a->shape.dim[d];
    clg_tensor m = a, x = vector ? clg_unsqueeze(b, left ? -1 : -2) : b;
    clg__lu f;
    if (x->status < 0)
        bad = clg__call_own(&c, x);
    if (!bad && vector && !left)
        bad = clg__call_fail(&c, CLG_ESHAPE, "vectors stand on the right alone");
    if (!bad)
        bad = clg__no_matrices(&c, a, true);
    if (!bad && !clg__lu_of(&c, a, &f))
        bad = f.y;
    if (!bad)
        bad = fit(&c, &m, &x, left);
    if (bad)
        return clg__second(bad, info, bad);
    const clg_shape batch = clg__batch_of(m);
    const clg_tensor lu = clg__with_batch(f.y, &batch);
    clg_shape s = batch;
    s.dim[s.rank++] = clg__rows(m);
    const clg_tensor pivots = clg_expand(f.pivots, s);
    clg_tensor y = left ? clg__solved(m, x, lu, pivots, false) : clg__mT(clg__solved(m, clg__mT(x), lu, pivots, true));
    if (vector && y->status >= 0)
        y = clg_squeeze(y, CLG_AXES(-1));
    return clg__second(clg__call_own(&c, y), info, f.info);
}

// Rows of m change places as pivots say; turned: back. [..., n, k], pivots [..., n]
static clg_tensor permuted(clg_tensor m, clg_tensor pivots, bool turned);

static clg_tensor permuted_vjp(const clg__vjp *v, int i)
{
    return i > 0 ? NULL : permuted(v->g, v->in[1], !*(const bool *) v->params);
}

static const clg__op op_permuted = { .name = "lu_solve", .kind = CLG__ALIAS, .vjp = permuted_vjp, .params_bytes = sizeof(bool) };

static clg_tensor permuted(clg_tensor m, clg_tensor pivots, bool turned)
{
    if (m->status < 0)
        return m;
    const clg_tensor y = system_of(clg__eye_like(m), pivots, m, &(system) { .turned = turned, .factors = true });
    return y->status < 0 ? y : clg__custom_vjp(&op_permuted, y, 2, (clg_tensor[]) { m, pivots }, &turned);
}

clg_tensor clg_lu_solve(clg_tensor lu, clg_tensor pivots, clg_tensor b, bool left, bool adjoint)
{
    clg__call c;
    if (!clg__call_begin(&c, "lu_solve", "lu pivots b", 3, (clg_tensor[]) { lu, pivots, b }))
        return clg__call_poison(&c);
    const clg_tensor bad = fit(&c, &lu, &b, left);
    if (bad)
        return bad;
    clg_shape s = clg__batch_of(lu), own = pivots->shape, common;
    s.dim[s.rank++] = clg__rows(lu);
    if (pivots->dtype != CLG_I32 || own.rank == 0 || !clg__broadcast(&s, &own, &common) || !clg__shape_equal(&s, &common))
        return clg__call_fail(&c, CLG_ESHAPE, "pivots are those of clg_lu_factor: I32 [..., n]");
    // what is solved is a matrix made of the factors: its derivative is theirs, and nobody else computes it
    const clg_tensor n = clg_expand(pivots, s), one = clg__eye_like(lu), f = clg_detach(lu);
    const clg_tensor a = permuted(clg_matmul(clg_add(clg_tril(lu, -1), one), clg_triu(lu, 0)), n, true);
    const clg_tensor y = left ? clg__solved(a, b, f, n, adjoint) : clg__mT(clg__solved(a, clg__mT(b), f, n, !adjoint));
    return clg__call_own(&c, y);
}

// ---- factors

// The places of lu's rows in a, [..., r] to r x r.
static clg_tensor places(clg_tensor order, clg_dtype t)
{
    if (order->status < 0)
        return order;
    const clg_shape s = order->shape;
    const int64_t n = s.dim[s.rank - 1];
    const clg_tensor row = clg_reshape(clg_arange(order->dev, CLG_I64, 0, (double) n, 1), CLG_SHAPE(n, 1));
    return clg_cast(clg_eq(row, clg_unsqueeze(order, -2)), t); // p[order[i], i] = 1
}

// in: a, order; y: both factors. With n = min(r, c), L1 and U1 n x n:
//   p [ L1^-T (tril(L1^T gL1 - gU2 U2^T, -1) + triu(gU1 U1^T - L2^T gL2)) U1^-T, L1^-T gU2; gL2 U1^-T ]
static clg_tensor lu_vjp(const clg__vjp *v, int i)
{
    if (i > 0)
        return NULL;
    const clg_tensor y = v->y, g = v->g;
    const int64_t r = clg__rows(y), k = clg__columns(y), n = r < k ? r : k;
    const clg_tensor y1 = clg_slice(clg_slice(y, -2, 0, n, 1), -1, 0, n, 1), g1 = clg_slice(clg_slice(g, -2, 0, n, 1), -1, 0, n, 1);
    const clg_tensor l = clg_add(clg_tril(y1, -1), clg__eye_like(y1)), u = clg_triu(y1, 0);
    clg_tensor lower = clg_matmul(clg__mT(l), clg_tril(g1, -1)), upper = clg_matmul(clg_triu(g1, 0), clg__mT(u));
    clg_tensor g2 = NULL;
    if (k > n) {
        g2 = clg_slice(g, -1, n, k, 1);
        lower = clg_sub(lower, clg_matmul(g2, clg__mT(clg_slice(y, -1, n, k, 1))));
        g2 = clg__solved_triangle(l, g2, false, true, true);
    } else if (r > n) {
        g2 = clg_slice(g, -2, n, r, 1);
        upper = clg_sub(upper, clg_matmul(clg__mT(clg_slice(y, -2, n, r, 1)), g2));
        g2 = clg__mT(clg__solved_triangle(u, clg__mT(g2), true, false, false));
    }
    clg_tensor m = clg__solved_triangle(l, clg_add(clg_tril(lower, -1), clg_triu(upper, 0)), false, true, true);
    m = clg__mT(clg__solved_triangle(u, clg__mT(m), true, false, false));
    if (g2)
        m = clg_concat(k > n ? -1 : -2, m, g2);
    return clg_matmul(places(v->in[1], m->dtype), m);
}

static const clg__op op_factors = { .name = "lu_factor", .kind = CLG__ALIAS, .vjp = lu_vjp };

static clg_tensor factors_of(clg_tensor a, const clg__lu *f)
{
    return clg__custom_vjp(&op_factors, f->y, 2, (clg_tensor[]) { a, f->order }, NULL);
}

// NULL: go on.
static clg_tensor eliminated(clg__call *c, const char *name, clg_tensor a, clg__lu *f)
{
    if (!clg__call_begin(c, name, "a", 1, &a))
        return clg__call_poison(c);
    const clg_tensor bad = clg__no_matrices(c, a, false);
    return bad ? bad : clg__lu_of(c, a, f) ? NULL : f->y;
}

clg_tensor clg_lu_factor(clg_tensor a, clg_tensor *pivots, clg_tensor *info)
{
    clg__call c;
    clg__lu f;
    const clg_tensor bad = eliminated(&c, "lu_factor", a, &f);
    if (bad)
        return clg__second(clg__second(bad, pivots, bad), info, bad);
    return clg__second(clg__second(clg__call_own(&c, factors_of(a, &f)), pivots, f.pivots), info, f.info);
}

clg_tensor clg_lu(clg_tensor a, clg_tensor *l, clg_tensor *u)
{
    clg__call c;
    clg__lu f;
    const clg_tensor bad = eliminated(&c, "lu", a, &f);
    if (bad)
        return clg__second(clg__second(bad, l, bad), u, bad);
    const int64_t r = clg__rows(a), k = clg__columns(a), n = r < k ? r : k;
    const clg_tensor y = factors_of(a, &f), left = clg_slice(y, -1, 0, n, 1);
    clg_shape s = clg__batch_of(a);
    s.dim[s.rank++] = r;
    s.dim[s.rank++] = n;
    const clg_tensor lower = clg__call_own(&c, clg_add(clg_tril(left, -1), clg_expand(clg_eye(a->dev, a->dtype, r, n), s)));
    const clg_tensor upper = clg__call_own(&c, clg_triu(clg_slice(y, -2, 0, n, 1), 0));
    return clg__second(clg__second(clg__call_own(&c, places(f.order, a->dtype)), l, lower), u, upper);
}

clg_tensor clg_lu_unpack(clg_tensor lu, clg_tensor pivots, clg_tensor *l, clg_tensor *u)
{
    clg__call c;
    clg_tensor bad;
    if (!clg__call_begin(&c, "lu_unpack", "lu pivots", 2, (clg_tensor[]) { lu, pivots }))
        bad = clg__call_poison(&c);
    else
        bad = clg__no_matrices(&c, lu, false);
    if (bad)
        return clg__second(clg__second(bad, l, bad), u, bad);
    const int64_t r = clg__rows(lu), k = clg__columns(lu), n = r < k ? r : k;
    clg_shape s = clg__batch_of(lu), common;
    s.dim[s.rank++] = n;
    if (pivots->dtype != CLG_I32 || pivots->shape.rank == 0 || !clg__broadcast(&s, &pivots->shape, &common) ||
        !clg__shape_equal(&s, &common)) {
        bad = clg__call_fail(&c, CLG_ESHAPE, "pivots are those of clg_lu_factor: I32 [..., min(r, c)]");
        return clg__second(clg__second(bad, l, bad), u, bad);
    }
    clg_tensor all = clg_expand(pivots, s); // rows below n stay where they are
    if (r > n) {
        s.dim[s.rank - 1] = r - n;
        all = clg_concat(-1, all, clg_expand(clg_arange(lu->dev, CLG_I32, (double) n + 1, (double) r + 1, 1), s));
    }
    clg_shape square = clg__batch_of(lu), left = square;
    square.dim[square.rank++] = r;
    square.dim[square.rank++] = r;
    left.dim[left.rank++] = r;
    left.dim[left.rank++] = n;
    const clg_tensor p = permuted(clg_expand(clg_eye(lu->dev, lu->dtype, r, r), square), all, true);
    const clg_tensor one = clg_expand(clg_eye(lu->dev, lu->dtype, r, n), left);
    const clg_tensor lower = clg__call_own(&c, clg_add(clg_tril(clg_slice(lu, -1, 0, n, 1), -1), one));
    const clg_tensor upper = clg__call_own(&c, clg_triu(clg_slice(lu, -2, 0, n, 1), 0));
    return clg__second(clg__second(clg__call_own(&c, p), l, lower), u, upper);
}

// ---- inverses

static clg_tensor inv_vjp(const clg__vjp *v, int i)
{
    (void) i;
    const clg_tensor t = clg__mT(v->y);
    return clg_neg(clg_matmul(t, clg_matmul(v->g, t)));
}

static const clg__op op_inv = { .name = "inv", .kind = CLG__ALIAS, .vjp = inv_vjp };

clg_tensor clg_inv(clg_tensor a, clg_tensor *info)
{
    clg__call c;
    clg__lu f;
    clg_tensor bad = NULL;
    if (!clg__call_begin(&c, "inv", "a", 1, &a))
        bad = clg__call_poison(&c);
    else
        bad = clg__no_matrices(&c, a, true);
    if (!bad && !clg__lu_of(&c, a, &f))
        bad = f.y;
    if (bad)
        return clg__second(bad, info, bad);
    clg_tensor y = system_of(f.y, f.pivots, clg__eye_like(a), &(system) { .factors = true });
    y = y->status < 0 ? y : clg__custom_vjp(&op_inv, y, 1, &a, NULL);
    return clg__second(clg__call_own(&c, y), info, f.info);
}

// ---- determinants

static clg_tensor lit(clg_tensor like, double v)
{
    return clg__lit(like->dev, like->dtype, v);
}

static clg_tensor diagonal(clg_tensor m)
{
    return clg_diagonal(m, 0, -2, -1);
}

// 1 or -1: by how many rows changed places.
static clg_tensor parity(clg_tensor pivots, clg_dtype t)
{
    if (pivots->status < 0)
        return pivots;
    const clg_device dev = pivots->dev;
    const int64_t n = pivots->shape.dim[pivots->shape.rank - 1];
    const clg_tensor own = clg_arange(dev, CLG_I32, 1, (double) n + 1, 1);
    return clg_prod(clg_where(clg_eq(pivots, own), clg__lit(dev, t, 1), clg__lit(dev, t, -1)), CLG_AXES(-1), false);
}

static clg_tensor along_diagonal(clg_tensor number, clg_tensor like) // number [...] as a multiple of the identity
{
    return clg_mul(clg_unsqueeze(clg_unsqueeze(number, -1), -1), clg__eye_like(like));
}

// in: a, lu, pivots. det A A^-T, the adjugate turned: what is 0 on U's diagonal is taken for a number so small that it
// leaves no trace beside the others, in the determinant too.
static clg_tensor det_vjp(const clg__vjp *v, int i)
{
    if (i > 0)
        return NULL;
    const clg_tensor a = v->in[0], lu = v->in[1], pivots = v->in[2], u = diagonal(lu);
    const double eps = a->dtype == CLG_F32 ? (double) FLT_EPSILON : DBL_EPSILON;
    if (clg_numel(a->shape) == 0)
        return clg_zeros(a->dev, a->dtype, a->shape);
    clg_tensor most = clg_amax(clg_abs(u), CLG_AXES(-1), true);
    most = clg_mul(clg_where(clg_eq(most, lit(a, 0)), lit(a, 1), most), lit(a, eps * eps));
    const clg_tensor none = clg_eq(u, lit(a, 0)), some = clg_where(none, most, u);
    const clg_tensor near = clg_mul(parity(pivots, a->dtype), clg_prod(some, CLG_AXES(-1), false));
    const clg_tensor det = clg_where(clg_any(none, CLG_AXES(-1), false), near, v->y);
    const clg_tensor m = clg_where(clg_cast(clg__eye_like(lu), CLG_BOOL), clg_unsqueeze(some, -1), lu);
    return clg__solved(a, along_diagonal(clg_mul(v->g, det), a), m, pivots, true);
}

static clg_tensor log_vjp(const clg__vjp *v, int i)
{
    return i > 0 ? NULL : clg__solved(v->in[0], along_diagonal(v->g, v->in[0]), v->in[1], v->in[2], true);
}

static const clg__op op_det = { .name = "det", .kind = CLG__ALIAS, .vjp = det_vjp };
static const clg__op op_log = { .name = "slogdet", .kind = CLG__ALIAS, .vjp = log_vjp };

clg_tensor clg_det(clg_tensor a)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg__lu f;
    if (!clg__call_begin(&c, "det", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_tensor bad = clg__no_matrices(&c, a, true);
    if (bad || !clg__lu_of(&c, a, &f))
        return bad ? bad : f.y;
    const clg_tensor y = clg_mul(parity(f.pivots, a->dtype), clg_prod(diagonal(f.y), CLG_AXES(-1), false));
    return clg__call_own(&c, y->status < 0 ? y : clg__custom_vjp(&op_det, y, 3, (clg_tensor[]) { a, f.y, f.pivots }, NULL));
}

// The sign, and the logarithm of what is left.
static clg_tensor sign_and_log(const clg__call *c, clg_tensor a, clg_tensor *log)
{
    clg__lu f;
    const clg_tensor bad = clg__no_matrices(c, a, true);
    if (bad || !clg__lu_of(c, a, &f))
        return *log = bad ? bad : f.y;
    const clg_tensor u = diagonal(f.y), y = clg_sum(clg_log(clg_abs(u)), CLG_AXES(-1), false);
    *log = y->status < 0 ? y : clg__custom_vjp(&op_log, y, 3, (clg_tensor[]) { a, f.y, f.pivots }, NULL);
    *log = clg__call_own(c, *log);
    return clg__call_own(c, clg_mul(parity(f.pivots, a->dtype), clg_prod(clg_sign(clg_detach(u)), CLG_AXES(-1), false)));
}

clg_tensor clg_slogdet(clg_tensor a, clg_tensor *logabsdet)
{
    clg__call c;
    clg_tensor log;
    if (!clg__call_begin(&c, "slogdet", "a", 1, &a)) {
        const clg_tensor bad = clg__call_poison(&c);
        return clg__second(bad, logabsdet, bad);
    }
    const clg_tensor sign = sign_and_log(&c, a, &log);
    return clg__second(sign, logabsdet, log);
}

clg_tensor clg_logdet(clg_tensor a)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg_tensor log;
    if (!clg__call_begin(&c, "logdet", "a", 1, &a))
        return clg__call_poison(&c);
    const clg_tensor sign = sign_and_log(&c, a, &log);
    return sign->status < 0 ? sign : clg__call_own(&c, clg_where(clg_lt(sign, lit(a, 0)), lit(a, NAN), log));
}
