// SPDX-License-Identifier: MIT
// Cholesky's factorisation and what is made of it. Kernels: cl/cholesky.cl, cl/cholesky_lanes.cl.
#include "ops/extreme.h"
#include "ops/linalg.h"
#include "ops/registry.h"
#include <clgrad/arrange.h>
#include <clgrad/factor.h>

enum { LANES_MOST = 64 };

static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    if (s->dim[0] == 0)
        return;
    clg__launch *l = clg__matrix_kernel(c, p, "cholesky");
    clg__arg_buffers(p, l, 1, 2);
    CLG__ARG_BLOCK(p, l, "CHOLESKY", { "batch", s->dim[0], true }, { "n", s->dim[1], false });
    clg__matrix_grid(c, l, s->dim[0]);
}

static const char *accepts_lanes(const clg__kernel_call *c)
{
    return clg__no_lanes(c, c->in_shape[0].dim[0], c->in_shape[0].dim[1], LANES_MOST);
}

static void plan_lanes(const clg__kernel_call *c, clg__kplan *p)
{
    const int64_t batch = c->in_shape[0].dim[0], n = c->in_shape[0].dim[1], room = n * n;
    if (batch * n == 0) {
        plan(c, p);
        return;
    }
    clg__launch *l = clg__lanes_kernel(c, p, "cholesky_lanes");
    clg__arg_buffers(p, l, 1, 2);
    clg__lanes_scratch(c, p, l, batch, room);
    CLG__ARG_BLOCK(p, l, "CHOLESKY", { "batch", batch, true }, { "n", n, false }, { "room", room, true });
}

static const clg__variant variants[] = { { "lanes", accepts_lanes, plan_lanes, false }, { "blocks", NULL, plan, false } };
static const clg__op op_kernel = { .name = "cholesky", .kind = CLG__KERNEL, .variants = variants, .n_variants = 2 };
const clg__op *const clg__cholesky_ops[] = { &op_kernel, NULL };

// The symmetric part of L^-T phi L^-1, phi the lower triangle of L^T g with half its diagonal.
static clg_tensor cholesky_vjp(const clg__vjp *v, int i)
{
    (void) i;
    const clg_tensor l = v->y, m = clg_matmul(clg__mT(l), v->g), half = clg__lit(l->dev, l->dtype, 0.5);
    const clg_tensor phi = clg_mul(clg_add(clg_tril(m, 0), clg_tril(m, -1)), half);
    clg_tensor s = clg__solved_triangle(l, phi, false, false, true);
    s = clg__solved_triangle(l, clg__mT(s), false, false, true);
    return clg_mul(clg_add(s, clg__mT(s)), half);
}

static const clg__op op_cholesky = { .name = "cholesky", .kind = CLG__ALIAS, .vjp = cholesky_vjp };

clg_tensor clg_cholesky(clg_tensor a, bool upper, clg_tensor *info)
{
    clg__call c, own;
    clg_tensor bad, out[2];
    if (!clg__call_begin(&c, "cholesky", "a", 1, &a))
        bad = clg__call_poison(&c);
    else
        bad = clg__no_matrices(&c, a, true);
    if (bad)
        return clg__second(bad, info, bad);
    a = upper ? clg__mT(a) : a;
    const clg_tensor in = clg__as_batch(a);
    if (!clg__call_begin(&own, "cholesky", "a", 1, &in)) {
        bad = clg__call_own(&c, in);
        return clg__second(bad, info, bad);
    }
    clg__call_node_n(&own, &op_kernel, 2, (clg_dtype[]) { a->dtype, CLG_I32 },
                     (clg_shape[]) { in->shape, CLG_SHAPE(in->shape.dim[0]) }, NULL, out);
    for (int k = 0; k < 2; k++)
        out[k] = clg__call_own(&c, clg__from_batch(out[k], a));
    clg_tensor y = out[0]->status < 0 ? out[0] : clg__custom_vjp(&op_cholesky, out[0], 1, &a, NULL);
    y = upper ? clg__mT(y) : y;
    return clg__second(clg__call_own(&c, y), info, out[1]);
}

clg_tensor clg_cholesky_solve(clg_tensor b, clg_tensor l, bool upper)
{
    clg__call c;
    if (!clg__call_begin(&c, "cholesky_solve", "b l", 2, (clg_tensor[]) { b, l }))
        return clg__call_poison(&c);
    clg_tensor bad = clg__no_matrices(&c, l, true);
    bad = bad ? bad : clg__no_matrices(&c, b, false);
    if (bad)
        return bad;
    const clg_tensor t = upper ? clg__mT(l) : l;
    const clg_tensor y = clg_solve_triangular(t, b, false, true, false);
    return clg__call_own(&c, clg_solve_triangular(clg__mT(t), y, true, true, false));
}

clg_tensor clg_cholesky_inverse(clg_tensor l, bool upper)
{
    clg__call c;
    if (!clg__call_begin(&c, "cholesky_inverse", "l", 1, &l))
        return clg__call_poison(&c);
    const clg_tensor bad = clg__no_matrices(&c, l, true);
    return bad ? bad : clg__call_own(&c, clg_cholesky_solve(clg__eye_like(l), l, upper));
}
