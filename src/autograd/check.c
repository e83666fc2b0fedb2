// SPDX-License-Identifier: MIT
// The public gradient checker: clg_grad against central differences.
#include <clgrad/grad.h>

#include "base/alloc.h"
#include "base/dtype.h"
#include "base/format.h"
#include "base/fp.h"
#include "graph/build.h"
#include <clgrad/ops.h>

#include <math.h>
#include <string.h>

typedef struct checker {
    clg_tensor (*f)(const clg_tensor *x, int n, void *user);
    void *user;
    const clg_tensor *x;
    int n;
    clg_device dev;
    double *host[16]; // inputs as doubles
    clg_tensor weights; // contraction of the result
} checker;

static void *pack(clg_dtype t, const double *v, int64_t n)
{
    const size_t size = clg_dtype_size(t);
    char *p = clg__malloc((size_t) n * size + 8);
    for (int64_t i = 0; p && i < n; i++)
        clg_element_set(t, p + (size_t) i * size, v[i]);
    return p;
}

static clg_status unpack(clg_tensor t, double *out)
{
    const int64_t n = clg_numel(t->shape);
    const size_t size = clg_dtype_size(t->dtype);
    char *p = clg__malloc((size_t) n * size + 8);
    if (!p)
        return CLG_ENOMEM;
    const clg_status st = clg_read(t, p, (size_t) n * size);
    for (int64_t i = 0; i < n && st >= 0; i++)
        out[i] = clg_element_get(t->dtype, p + (size_t) i * size);
    clg__free(p);
    return st;
}

// The contracted result with the inputs in host[], as a tensor; in[] gets the tracked inputs.
static clg_tensor value(checker *c, clg_tensor *in)
{
    for (int k = 0; k < c->n; k++) {
        void *p = pack(c->x[k]->dtype, c->host[k], clg_numel(c->x[k]->shape));
        if (!p)
            return clg_poison(c->dev, CLG_ENOMEM, "grad_check: out of host memory");
        in[k] = clg_track(clg_upload(c->dev, c->x[k]->dtype, c->x[k]->shape, p));
        clg__free(p);
    }
    clg_tensor y = c->f(in, c->n, c->user);
    if (y->status < 0)
        return y;
    if (!c->weights) { // fixed numbers in [0.5, 1.5), the same in every evaluation
        const int64_t n = clg_numel(y->shape);
        double *w = clg__malloc((size_t) n * 8 + 8);
        uint64_t s = 12345;
        for (int64_t i = 0; w && i < n; i++) {
            s = s * 6364136223846793005u + 1442695040888963407u;
            w[i] = 0.5 + (double) (s >> 11) * 0x1p-53;
        }
        void *p = w ? pack(y->dtype, w, n) : NULL;
        if (p)
            c->weights = clg_keep(clg_upload(c->dev, y->dtype, y->shape, p));
        clg__free(p);
        clg__free(w);
    }
    if (!c->weights)
        return clg_poison(c->dev, CLG_ENOMEM, "grad_check: out of host memory");
    return clg_sum(clg_mul(y, c->weights), CLG_ALL, false);
}

static double difference(checker *c, int k, int64_t i, double step, clg_status *st)
{
    clg_tensor in[16];
    double v[2];
    const double at = c->host[k][i];
    for (int side = 0; side < 2; side++) {
        c->host[k][i] = at + (side ? -step : step);
        clg_scope s = clg_scope_push(c->dev);
        v[side] = clg_item(value(c, in), st);
        clg_scope_pop(s);
        if (*st < 0)
            break;
    }
    c->host[k][i] = at;
    return (v[0] - v[1]) / (2 * step);
}

static clg_status compare(checker *c, const struct clg_grad_check_params *p, double *grads[16])
{
    bool f32 = false;
    clg_status st = CLG_OK;
    for (int k = 0; k < c->n; k++)
        f32 |= c->x[k]->dtype != CLG_F64;
    const double step = p->step > 0 ? p->step : f32 ? 1e-2 : 1e-6;
    const double tolerance = p->tolerance > 0 ? p->tolerance : f32 ? 2e-2 : 1e-6;
    for (int k = 0; k < c->n && st >= 0; k++) {
        const int64_t n = clg_numel(c->x[k]->shape);
        double largest = 1e-3;
        for (int64_t i = 0; i < n; i++)
            largest = fabs(grads[k][i]) > largest ? fabs(grads[k][i]) : largest;
        for (int64_t i = 0; i < n && st >= 0; i++) {
            const double d = difference(c, k, i, step, &st);
            if (st >= 0 && !(fabs(d - grads[k][i]) <= tolerance * largest)) {
                if (p->report && p->report_size)
                    clg__format(p->report, p->report_size,
                             "input %d, element %lld: gradient %.9g, central difference %.9g", k,
                             (long long) i, grads[k][i], d);
                return clg_fail(c->dev, CLG_EGRAD,
                                "grad_check: input %d, element %lld: gradient %.9g, central "
                                "difference %.9g", k, (long long) i, grads[k][i], d);
            }
        }
    }
    return st;
}

clg_status clg_grad_check(clg_tensor (*f)(const clg_tensor *x, int n, void *user), void *user,
                          const clg_tensor *x, int n, const struct clg_grad_check_params *p)
{
    CLG__DEFAULT_FP;
    clg__call call;
    struct clg_grad_check_params q;
    if (n < 1 || n > 16 || !f)
        return CLG_EINVAL;
    if (!clg__call_begin(&call, "grad_check", "x[]", n, x))
        return clg__call_poison(&call)->status;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    if (wrong)
        return clg_fail(x[0]->dev, CLG_EINVAL, "grad_check: %s", wrong);
    if (!(q.step >= 0 && q.tolerance >= 0 && isfinite(q.step) && isfinite(q.tolerance)))
        return clg_fail(x[0]->dev, CLG_EINVAL,
                        "grad_check: step %g, tolerance %g, expected finite ones of 0 (the default) or more",
                        q.step, q.tolerance);
    checker c = { .f = f, .user = user, .x = x, .n = n, .dev = x[0]->dev };
    double *grads[16] = { NULL };
    clg_status st = CLG_OK;
    for (int k = 0; k < n && st >= 0; k++) {
        if (!clg_dtype_is_float(x[k]->dtype)) {
            st = clg_fail(c.dev, CLG_EDTYPE, "grad_check: input %d is %s", k,
                          clg_dtype_name(x[k]->dtype));
            break;
        }
        if (clg__is_packed(x[k]->dtype)) {
            st = clg_fail(c.dev, CLG_EDTYPE, "grad_check: input %d is %s, too coarse for differences: cast it", k,
                          clg_dtype_name(x[k]->dtype));
            break;
        }
        const size_t bytes = (size_t) clg_numel(x[k]->shape) * 8 + 8;
        c.host[k] = clg__malloc(bytes);
        grads[k] = clg__malloc(bytes);
        st = c.host[k] && grads[k] ? unpack(x[k], c.host[k]) : CLG_ENOMEM;
    }
    clg_scope s = clg_scope_push(c.dev);
    if (st >= 0) {
        clg_tensor in[16], g[16];
        st = clg_grad_n(value(&c, in), in, n, g);
        for (int k = 0; k < n && st >= 0; k++)
            st = unpack(g[k], grads[k]);
    }
    clg_scope_pop(s);
    if (st >= 0)
        st = compare(&c, &q, grads);
    for (int k = 0; k < n; k++) {
        clg__free(c.host[k]);
        clg__free(grads[k]);
    }
    clg_drop(&c.weights);
    return st;
}
