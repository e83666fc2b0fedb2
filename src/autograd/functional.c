// SPDX-License-Identifier: MIT
// Products forward and backward, Jacobians, Hessians, accumulation: made of reverse sweeps.
#include "autograd/sweep.h"

#include "base/alloc.h"
#include "base/fp.h"
#include "graph/build.h"
#include <clgrad/autograd.h>
#include <clgrad/create.h>
#include <clgrad/ops.h>

#include <string.h>

static clg_status poisoned(clg_device dev, int n, clg_tensor *out, const char *op, const char *what)
{
    return clg__grad_give_up(clg_poison(dev, CLG_EINVAL, "%s: %s", op, what), n, out);
}

// NULL: there are m tensors.
static const char *missing(const clg_tensor *t, int m, const char *what, const char *none)
{
    return m < 1 ? none : t ? NULL : what;
}

clg_status clg_vjp_outputs_n(const clg_tensor *y, const clg_tensor *g, int m, const clg_tensor *wrt, int n,
                             bool zero_missing, clg_tensor *out)
{
    const char *wrong = missing(y, m, "y is NULL", "there are no results");
    wrong = wrong || g ? wrong : "g is NULL";
    if (wrong)
        return poisoned(NULL, n, out, "vjp_outputs", wrong);
    return clg__sweep_back(&(clg__sweep) { .op = "vjp_outputs", .m = m, .y = y, .g = g, .n = n, .wrt = wrt,
                                           .missing = zero_missing ? CLG__MISSING_ZEROS : CLG__MISSING_FAILS },
                           out);
}

// ---- forward

// Cotangents u of y, and what the sweep makes of them: linear in u, so that the derivative by u along t is the product
// forward. Values of u are never computed. room: for m + n.
static clg_status transposed(const char *op, const clg_tensor *y, int m, const clg_tensor *x, int n, clg_tensor *u,
                             clg_tensor *gx)
{
    for (int k = 0; k < m; k++) {
        u[k] = clg_track(clg_zeros(y[k]->dev, y[k]->dtype, y[k]->shape));
        if (u[k]->status < 0)
            return u[k]->status;
    }
    return clg__sweep_back(&(clg__sweep) { .op = op, .m = m, .y = y, .g = u, .n = n, .wrt = x,
                                           .missing = CLG__MISSING_ZEROS },
                           gx);
}

static clg_status forward(const char *op, const clg_tensor *gx, const clg_tensor *t, int n, const clg_tensor *u, int m,
                          clg_tensor *out)
{
    return clg__sweep_back(&(clg__sweep) { .op = op, .m = n, .y = gx, .g = t, .n = m, .wrt = u,
                                           .missing = CLG__MISSING_ZEROS },
                           out);
}

// Gradients recorded while they are disabled would not be differentiated.
static bool enable(clg_device dev)
{
    return clg_set_grad_enabled(dev, true);
}

static clg_tensor check_tangents(const char *op, const clg_tensor *x, const clg_tensor *t, int n)
{
    char a[128], b[128];
    for (int i = 0; i < n; i++) {
        if (!clg__shape_equal(&x[i]->shape, &t[i]->shape) || x[i]->dtype != t[i]->dtype)
            return clg_poison(x[i]->dev, CLG_ESHAPE, "%s: tangent %d is %s %s, x is %s %s", op, i,
                              clg__shape_text(&t[i]->shape, a), clg_dtype_name(t[i]->dtype),
                              clg__shape_text(&x[i]->shape, b), clg_dtype_name(x[i]->dtype));
    }
    return NULL;
}

// Are they usable tensors of one device? NULL: they are.
static clg_tensor check_handles(const char *op, const char *const *names, const clg_tensor *const *t, const int *n, int lists)
{
    clg_device dev = NULL;
    for (int i = 0; i < lists; i++) {
        clg__call c;
        if (!clg__call_begin(&c, op, names[i], n[i], t[i]))
            return clg__call_poison(&c);
        if (dev && c.dev != dev) {
            clg__caller_bug("tensors of several devices");
            return clg_poison(dev, CLG_EINVAL, "%s: %s belongs to another device", op, names[i]);
        }
        dev = c.dev;
    }
    return NULL;
}

static const char *const of_jvp[] = { "y[]", "x[]", "tangent[]" };

clg_status clg_jvp_n(const clg_tensor *y, int m, const clg_tensor *x, const clg_tensor *tangent, int n, clg_tensor *out)
{
    CLG__DEFAULT_FP;
    const char *wrong = missing(y, m, "y is NULL", "there are no results");
    wrong = wrong ? wrong : missing(x, n, "x is NULL", "there are no inputs");
    wrong = wrong || tangent ? wrong : "tangent is NULL";
    if (wrong)
        return poisoned(NULL, m, out, "jvp", wrong);
    clg_tensor bad = check_handles("jvp", of_jvp, (const clg_tensor *const[]) { y, x, tangent }, (const int[]) { m, n, n }, 3);
    for (int k = 0; k < m && !bad; k++) {
        if (!clg_dtype_is_float(y[k]->dtype))
            bad = clg_poison(y[k]->dev, CLG_EDTYPE, "jvp: y is %s, only floating types have gradients",
                             clg_dtype_name(y[k]->dtype));
    }
    bad = bad ? bad : check_tangents("jvp", x, tangent, n);
    bad = bad || out ? bad : clg_poison(y[0]->dev, CLG_EINVAL, "jvp: out is NULL");
    clg_tensor *room = bad ? NULL : clg__calloc((size_t) m + (size_t) n, sizeof *room);
    if (!bad && !room)
        bad = clg_poison(y[0]->dev, CLG_ENOMEM, "jvp: out of host memory");
    if (bad)
        return clg__grad_give_up(bad, m, out);
    const bool was = enable(y[0]->dev);
    clg_status st = transposed("jvp", y, m, x, n, room, room + m);
    if (st >= 0)
        st = forward("jvp", room + m, tangent, n, room, m, out);
    else
        clg__grad_give_up(room[0]->status < 0 ? room[0] : room[m], m, out);
    clg_set_grad_enabled(y[0]->dev, was);
    clg__free(room);
    return st;
}

clg_tensor clg_jvp(clg_tensor y, clg_tensor x, clg_tensor tangent)
{
    clg_tensor out = NULL;
    clg_jvp_n(&y, 1, &x, &tangent, 1, &out);
    return out;
}

// ---- second derivatives

clg_status clg_hvp_n(clg_tensor y, const clg_tensor *x, const clg_tensor *v, int n, clg_tensor *out)
{
    CLG__DEFAULT_FP;
    const char *wrong = missing(x, n, "x is NULL", "there are no inputs");
    wrong = wrong || v ? wrong : "v is NULL";
    if (wrong)
        return poisoned(NULL, n, out, "hvp", wrong);
    static const char *const names[] = { "y", "x[]", "v[]" };
    clg_tensor bad = check_handles("hvp", names, (const clg_tensor *const[]) { &y, x, v }, (const int[]) { 1, n, n }, 3);
    bad = bad ? bad : check_tangents("hvp", x, v, n);
    bad = bad || out ? bad : clg_poison(y->dev, CLG_EINVAL, "hvp: out is NULL");
    clg_tensor *g = bad ? NULL : clg__calloc((size_t) n, sizeof *g);
    if (!bad && !g)
        bad = clg_poison(y->dev, CLG_ENOMEM, "hvp: out of host memory");
    if (bad)
        return clg__grad_give_up(bad, n, out);
    const bool was = enable(y->dev);
    clg_status st = clg_grad_n(y, x, n, g);
    if (st >= 0)
        st = clg__sweep_back(&(clg__sweep) { .op = "hvp", .m = n, .y = g, .g = v, .n = n, .wrt = x,
                                             .missing = CLG__MISSING_ZEROS },
                             out);
    else
        clg__grad_give_up(g[0], n, out);
    clg_set_grad_enabled(y->dev, was);
    clg__free(g);
    return st;
}

clg_tensor clg_hvp(clg_tensor y, clg_tensor x, clg_tensor v)
{
    clg_tensor out = NULL;
    clg_hvp_n(y, &x, &v, 1, &out);
    return out;
}

// ---- Jacobians

// Element k of t is one, all others are zeros.
static clg_tensor unit(clg_tensor all, int64_t k, clg_shape s)
{
    return clg_reshape(clg_slice(all, 0, k, k + 1, 1), s);
}

// A row for each element of y: [y, x]
static clg_status by_rows(clg_tensor y, clg_tensor x, clg_tensor *part, int64_t m, int64_t n)
{
    clg_tensor all = clg_eye(y->dev, y->dtype, m, m);
    clg_status st = all->status;
    for (int64_t k = 0; k < m && st >= 0; k++) {
        const clg_tensor g = unit(all, k, y->shape);
        st = clg__sweep_back(&(clg__sweep) { .op = "jacobian", .m = 1, .y = &y, .g = &g, .n = 1, .wrt = &x,
                                             .missing = CLG__MISSING_ZEROS },
                             &part[k]);
        if (st >= 0)
            part[k] = clg_cast(clg_reshape(part[k], CLG_SHAPE(1, n)), y->dtype);
    }
    return st;
}

// A column for each element of x.
static clg_status by_columns(clg_tensor y, clg_tensor x, clg_tensor *part, int64_t m, int64_t n)
{
    clg_tensor u = NULL, gx = NULL, all = clg_eye(y->dev, x->dtype, n, n);
    clg_status st = all->status < 0 ? all->status : transposed("jacobian", &y, 1, &x, 1, &u, &gx);
    for (int64_t k = 0; k < n && st >= 0; k++) {
        const clg_tensor t = unit(all, k, x->shape);
        st = forward("jacobian", &gx, &t, 1, &u, 1, &part[k]);
        part[k] = st >= 0 ? clg_reshape(part[k], CLG_SHAPE(m, 1)) : part[k];
    }
    if (st < 0 && n > 0 && !part[0])
        part[0] = all->status < 0 ? all : gx ? gx : u;
    return st;
}

static clg_tensor first_bad(clg_tensor *part, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        if (part[k] && part[k]->status < 0)
            return part[k];
    }
    return NULL;
}

static clg_tensor jacobian(const char *op, clg_tensor y, clg_tensor x)
{
    clg__call c;
    const clg_tensor in[] = { y, x };
    if (!clg__call_begin(&c, op, "y x", 2, in))
        return clg__call_poison(&c);
    clg_shape s = y->shape;
    if (!clg_dtype_is_float(y->dtype) || !clg_dtype_is_float(x->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types have gradients");
    if (s.rank + x->shape.rank > CLG_MAX_RANK)
        return clg__call_fail(&c, CLG_ESHAPE, "the result would have rank %d, expected at most %d", s.rank + x->shape.rank,
                              CLG_MAX_RANK);
    for (int d = 0; d < x->shape.rank; d++)
        s.dim[s.rank++] = x->shape.dim[d];
    const int64_t m = clg_numel(y->shape), n = clg_numel(x->shape), parts = m <= n ? m : n;
    if (m == 0 || n == 0)
        return clg_zeros(c.dev, y->dtype, s);
    if (parts > INT32_MAX)
        return clg__call_fail(&c, CLG_ESHAPE, "%lld sweeps are too many", (long long) parts);
    clg_tensor *part = clg__calloc((size_t) parts, sizeof *part);
    if (!part)
        return clg__call_fail(&c, CLG_ENOMEM, "out of host memory");
    const bool was = enable(c.dev);
    const clg_status st = m <= n ? by_rows(y, x, part, m, n) : by_columns(y, x, part, m, n);
    clg_tensor bad = st < 0 ? first_bad(part, parts) : NULL;
    clg_tensor all = bad ? bad : clg_reshape(clg_concat_n(part, (int) parts, m <= n ? 0 : 1), s);
    clg_set_grad_enabled(c.dev, was);
    clg__free(part);
    return all;
}

clg_tensor clg_jacobian(clg_tensor y, clg_tensor x)
{
    CLG__DEFAULT_FP;
    return jacobian("jacobian", y, x);
}

clg_tensor clg_hessian(clg_tensor y, clg_tensor x)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "hessian", "y x", 2, (clg_tensor[]) { y, x }))
        return clg__call_poison(&c);
    if (clg_numel(y->shape) != 1)
        return clg__call_fail(&c, CLG_EINVAL, "y has several elements, expected one (see clg_jacobian)");
    const bool was = enable(c.dev);
    clg_tensor g = clg_grad(y, x);
    g = g->status < 0 ? g : jacobian("hessian", g, x);
    clg_set_grad_enabled(c.dev, was);
    return g;
}

// ---- accumulation

clg_status clg_grad_add_n(clg_tensor y, const clg_tensor *wrt, int n, clg_tensor *sum)
{
    CLG__DEFAULT_FP;
    char a[128], b[128];
    clg_tensor few[16], *g = n <= 16 ? few : clg__calloc((size_t) n, sizeof *g);
    clg_status st = CLG_OK;
    if (n > 0 && !sum)
        st = clg_fail(y ? y->dev : NULL, CLG_EINVAL, "grad_add: sum is NULL");
    else if (!g)
        st = clg_fail(y ? y->dev : NULL, CLG_ENOMEM, "grad_add: out of host memory");
    if (st >= 0)
        st = clg_grad_n(y, wrt, n, g);
    for (int i = 0; i < n && st >= 0; i++) {
        if (!sum[i])
            continue;
        clg__call c;
        if (!clg__call_begin(&c, "grad_add", "sum g", 2, (clg_tensor[]) { sum[i], g[i] }))
            st = clg__call_poison(&c)->status;
        else if (!clg__shape_equal(&sum[i]->shape, &g[i]->shape) || sum[i]->dtype != g[i]->dtype)
            st = clg_fail(c.dev, sum[i]->dtype != g[i]->dtype ? CLG_EDTYPE : CLG_ESHAPE,
                          "grad_add: sum[%d] is %s %s, the gradient %s %s", i, clg__shape_text(&sum[i]->shape, a),
                          clg_dtype_name(sum[i]->dtype), clg__shape_text(&g[i]->shape, b), clg_dtype_name(g[i]->dtype));
        else
            g[i] = clg_add(sum[i], g[i]);
        if (st >= 0 && g[i]->status < 0)
            st = g[i]->status;
    }
    for (int i = 0; i < n && st >= 0; i++)
        sum[i] = g[i];
    if (g != few)
        clg__free(g);
    return st;
}
