// SPDX-License-Identifier: MIT
// Orthogonal triangular factors and least squares by them. Kernels: cl/qr.cl, cl/qr_lanes.cl.
#include "ops/element.h"
#include "ops/extreme.h"
#include "ops/linalg.h"
#include "ops/registry.h"
#include <clgrad/arrange.h>
#include <clgrad/factor.h>
#include <clgrad/grad.h>

enum { LANES_MOST = 64 };

static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    if (clg_numel(c->out_shape[0]) + clg_numel(c->out_shape[1]) == 0)
        return;
    const int64_t rows = s->dim[1], columns = s->dim[2], n = rows < columns ? rows : columns;
    const int64_t all = rows * columns + n * rows + n + (rows > columns ? rows : columns), room = (all + 63) / 64 * 64;
    clg__launch *l = clg__matrix_kernel(c, p, "qr");
    clg__arg_buffers(p, l, 1, 2);
    clg__arg_temp(p, l, clg__kplan_temp(p, (size_t) (clg__matrix_groups(c, s->dim[0]) * room) * clg_dtype_size(c->in_dtype[0])));
    CLG__ARG_BLOCK(p, l, "QR", { "batch", s->dim[0], true }, { "rows", rows, false }, { "columns", columns, false },
                   { "kq", c->out_shape[0].dim[2], false }, { "kr", c->out_shape[1].dim[1], false }, { "room", room, true });
    clg__matrix_grid(c, l, s->dim[0]);
}

static const char *accepts_lanes(const clg__kernel_call *c)
{
    const clg_shape *s = &c->in_shape[0];
    return clg__no_lanes(c, s->dim[0], s->dim[1] > s->dim[2] ? s->dim[1] : s->dim[2], LANES_MOST);
}

static void plan_lanes(const clg__kernel_call *c, clg__kplan *p)
{
    const int64_t batch = c->in_shape[0].dim[0], rows = c->in_shape[0].dim[1], columns = c->in_shape[0].dim[2];
    const int64_t kq = c->out_shape[0].dim[2], kr = c->out_shape[1].dim[1], n = rows < columns ? rows : columns;
    const int64_t room = rows * columns + rows * kq + n;
    if (clg_numel(c->out_shape[0]) + clg_numel(c->out_shape[1]) == 0)
        return;
    clg__launch *l = clg__lanes_kernel(c, p, "qr_lanes");
    clg__arg_buffers(p, l, 1, 2);
    clg__lanes_scratch(c, p, l, batch, room);
    CLG__ARG_BLOCK(p, l, "QR", { "batch", batch, true }, { "rows", rows, false }, { "columns", columns, false }, { "kq", kq, false },
                   { "kr", kr, false }, { "room", room, true });
}

static const clg__variant variants[] = { { "lanes", accepts_lanes, plan_lanes, false }, { "reflections", NULL, plan, false } };
static const clg__op op_kernel = { .name = "qr", .kind = CLG__KERNEL, .variants = variants, .n_variants = 2 };
const clg__op *const clg__qr_ops[] = { &op_kernel, NULL };

// in: a, and the other factor as it was computed.
static clg_tensor q_vjp(const clg__vjp *v, int i);
static clg_tensor r_vjp(const clg__vjp *v, int i);
static const clg__op op_q = { .name = "qr", .kind = CLG__ALIAS, .vjp = q_vjp };
static const clg__op op_r = { .name = "qr", .kind = CLG__ALIAS, .vjp = r_vjp };

static clg_tensor from_right(clg_tensor m, clg_tensor r) // m r^-T
{
    return clg__mT(clg__solved_triangle(r, clg__mT(m), true, false, false));
}

// Of a [..., m, n], m >= n: (gQ + Q s(triu(gR R^T - Q^T gQ))) R^-T, s(x) = x + x^T with the diagonal once; gQ or gR may be NULL.
static clg_tensor tall(clg_tensor q, clg_tensor r, clg_tensor gq, clg_tensor gr)
{
    clg_tensor m = gr ? clg_matmul(gr, clg__mT(r)) : NULL;
    if (gq)
        m = m ? clg_sub(m, clg_matmul(clg__mT(q), gq)) : clg_neg(clg_matmul(clg__mT(q), gq));
    m = clg_add(clg_triu(m, 0), clg__mT(clg_triu(m, 1)));
    m = clg_matmul(q, m);
    return from_right(gq ? clg_add(gq, m) : m, r);
}

static clg_tensor both(const clg__vjp *v, clg_tensor q, clg_tensor r, clg_tensor gq, clg_tensor gr)
{
    const clg_tensor a = v->in[0];
    const int64_t m = clg__rows(a), n = clg__columns(a);
    if (clg__columns(q) != (m < n ? m : n))
        return clg__no_grad(v, m > n ? "of complete factors only those of square and wide matrices have one" : "q was not asked for");
    if (m >= n)
        return tall(q, r, gq, gr);
    // [X Y] = Q [U V]: gY = Q gV, and X's with gQ + Y gV^T
    const clg_tensor y = clg_slice(a, -1, m, n, 1), u = clg_slice(r, -1, 0, m, 1);
    clg_tensor gv = NULL, gu = NULL;
    if (gr) {
        gv = clg_slice(gr, -1, m, n, 1);
        gu = clg_slice(gr, -1, 0, m, 1);
        const clg_tensor more = clg_matmul(y, clg__mT(gv));
        gq = gq ? clg_add(gq, more) : more;
    }
    const clg_tensor gx = tall(q, u, gq, gu);
    const clg_tensor gy = gv ? clg_matmul(q, gv) : clg_mul(y, clg__lit(y->dev, y->dtype, 0));
    return clg_concat(-1, gx, gy);
}

static clg_tensor q_vjp(const clg__vjp *v, int i)
{
    if (i > 0)
        return NULL;
    const clg_tensor r = clg__custom_vjp(&op_r, v->in[1], 2, (clg_tensor[]) { v->in[0], clg_detach(v->y) }, NULL);
    return both(v, v->y, r, v->g, NULL);
}

static clg_tensor r_vjp(const clg__vjp *v, int i)
{
    if (i > 0)
        return NULL;
    const clg_tensor q = clg__custom_vjp(&op_q, v->in[1], 2, (clg_tensor[]) { v->in[0], clg_detach(v->y) }, NULL);
    return both(v, q, v->y, NULL, v->g);
}

clg_tensor clg_qr(clg_tensor a, clg_qr_mode mode, clg_tensor *r)
{
    clg__call c, own;
    clg_tensor bad, out[2];
    if (!clg__call_begin(&c, "qr", "a", 1, &a))
        bad = clg__call_poison(&c);
    else
        bad = clg__no_matrices(&c, a, false);
    if (!bad && (mode < CLG_QR_REDUCED || mode > CLG_QR_R))
        bad = clg__call_fail(&c, CLG_EINVAL, "mode %d", (int) mode);
    if (bad)
        return clg__second(bad, r, bad);
    const clg_tensor in = clg__as_batch(clg_detach(a));
    if (!clg__call_begin(&own, "qr", "a", 1, &in)) {
        bad = clg__call_own(&c, in);
        return clg__second(bad, r, bad);
    }
    const int64_t m = clg__rows(a), n = clg__columns(a), k = mode == CLG_QR_COMPLETE ? m : m < n ? m : n;
    clg__call_node_n(&own, &op_kernel, 2, (clg_dtype[]) { a->dtype, a->dtype },
                     (clg_shape[]) { CLG_SHAPE(in->shape.dim[0], m, mode == CLG_QR_R ? 0 : k), CLG_SHAPE(in->shape.dim[0], k, n) },
                     NULL, out);
    for (int i = 0; i < 2; i++)
        out[i] = clg__from_batch(out[i], a);
    if (out[0]->status < 0) {
        bad = clg__call_own(&c, out[0]);
        return clg__second(bad, r, bad);
    }
    const clg_tensor q = clg__custom_vjp(&op_q, out[0], 2, (clg_tensor[]) { a, out[1] }, NULL);
    return clg__second(clg__call_own(&c, q), r, clg__call_own(&c, clg__custom_vjp(&op_r, out[1], 2, (clg_tensor[]) { a, out[0] }, NULL)));
}

clg_tensor clg_lstsq(clg_tensor a, clg_tensor b)
{
    clg__call c;
    if (!clg__call_begin(&c, "lstsq", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    clg_tensor bad = clg__no_matrices(&c, a, false), r;
    const bool vector = b->shape.rank == a->shape.rank - 1;
    const clg_tensor x = vector ? clg_unsqueeze(b, -1) : b;
    bad = bad ? bad : x->status < 0 ? clg__call_own(&c, x) : clg__no_matrices(&c, x, false);
    if (bad)
        return bad;
    if (a->dtype != b->dtype)
        return clg__call_fail(&c, CLG_EDTYPE, "types differ");
    if (clg__rows(a) != clg__rows(x))
        return clg__call_fail(&c, CLG_ESHAPE, "shapes do not fit");
    const bool wide = clg__rows(a) < clg__columns(a);
    const clg_tensor q = clg_qr(wide ? clg__mT(a) : a, CLG_QR_REDUCED, &r);
    clg_tensor y = wide ? clg_matmul(q, clg_solve_triangular(clg__mT(r), x, false, true, false))
                        : clg_solve_triangular(r, clg_matmul(clg__mT(q), x), true, true, false);
    if (vector && y->status >= 0)
        y = clg_squeeze(y, CLG_AXES(-1));
    return clg__call_own(&c, y);
}
