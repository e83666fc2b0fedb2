// SPDX-License-Identifier: MIT
// Recording, planning and differentiating custom operations.
#include "ops/custom.h"

#include "base/dtype.h"
#include "base/format.h"
#include "base/fp.h"
#include "graph/build.h"
#include <clgrad/ops.h>

#include <string.h>

void clg__custom_key(const void *params, clg__key *k)
{
    const clg__custom_node *p = params;
    if (!p->of->kernel)
        return; // its scalars are nodes
    for (int i = 0; i < p->of->n_ints; i++)
        clg__key_i64(k, p->ints[i]);
    for (int i = 0; i < p->n_out; i++) {
        clg__key_i64(k, p->out_dtype[i]);
        clg__key_i64(k, p->out_shape[i].rank);
        clg__str_add_n(&k->bytes, p->out_shape[i].dim, (size_t) p->out_shape[i].rank * sizeof p->out_shape[i].dim[0]);
    }
    for (int i = 0; i < 3; i++) {
        clg__key_i64(k, (int64_t) p->global[i]);
        clg__key_i64(k, (int64_t) p->local[i]);
    }
    clg__key_i64(k, (int64_t) p->local_bytes);
    clg__key_i64(k, (int64_t) p->scratch_bytes);
}

// ---- planning

static void add_tensor(clg__str *t, const char *name, clg_dtype type)
{
    const char *suffix = clg__dtype_of(type)->suffix;
    if (clg__is_packed(type))
        clg__str_printf(t, "#define LOAD_%s(i) NAME(get1_%s)(%s[i])\n"
                           "#define STORE_%s(i, v) (%s[i] = NAME(put1_%s)(NAME(rnd1_%s)(v)))\n",
                        name, suffix, name, name, name, suffix, suffix);
    else
        clg__str_printf(t, "#define LOAD_%s(i) (%s[i])\n#define STORE_%s(i, v) (%s[i] = (v))\n", name, name, name, name);
}

bool clg__custom_has_scratch(const clg__custom *d)
{
    return d->scratch || d->scratch_bytes;
}

// Sizes and count of a tensor, in the geometry table and in the kernel's text.
static void add_sizes(clg__kplan *p, clg__str *t, const char *name, const clg_shape *s)
{
    const int at = clg__kplan_geo(p, clg_numel(*s));
    for (int d = 0; d < s->rank; d++)
        clg__kplan_geo(p, s->dim[d]);
    clg__str_printf(t, "    const long %s_n = own_sizes[%d];\n    global const long *%s_dim = own_sizes + %d;\n"
                       "    const int %s_rank = %d;\n", name, at, name, at + 1, name, s->rank);
}

static void add_types(clg__str *t, const clg__kernel_call *c, int n_in)
{
    for (int type = 0; type < CLG_DTYPE_COUNT; type++) {
        bool used = false;
        for (int i = 0; i < n_in; i++)
            used |= (int) c->in_dtype[i] == type;
        for (int i = 0; i < c->n_out; i++)
            used |= (int) c->out_dtype[i] == type;
        if (used && clg__is_packed((clg_dtype) type))
            clg__dtype_text((clg_dtype) type, 1, t);
    }
}

static void add_parameters(clg__kplan *p, clg__launch *l, const clg__kernel_call *c, const clg__custom_node *q)
{
    const clg__custom *d = q->of;
    clg__str *t = &l->text;
    for (int i = 0; i < d->n_in; i++) {
        clg__str_printf(t, "global const %s *restrict own_p%d, const long own_o%d, ", clg__dtype_of(c->in_dtype[i])->storage,
                        i, i);
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
    }
    for (int i = 0; i < d->n_out; i++) {
        clg__str_printf(t, "global %s *restrict %s, ", clg__dtype_of(c->out_dtype[i])->storage, d->out[i]);
        clg__arg_out(p, l, i);
    }
    for (int i = 0; i < d->n_scalars; i++) {
        clg__str_printf(t, "const %s %s, ", clg__register(c->in_dtype[d->n_in + i]), d->scalars[i]);
        clg__arg_scalar(p, l, d->n_in + i, c->in_dtype[d->n_in + i]);
    }
    for (int i = 0; i < d->n_ints; i++) {
        clg__str_printf(t, "const long %s, ", d->ints[i]);
        clg__arg_i64(p, l, q->ints[i]);
    }
    if (q->local_bytes) {
        clg__str_add(t, "local char *local_memory, ");
        clg__arg_local(p, l, q->local_bytes);
    }
    if (clg__custom_has_scratch(d)) {
        clg__str_add(t, "global char *restrict scratch_memory, ");
        clg__arg_temp(p, l, clg__kplan_temp(p, q->scratch_bytes ? q->scratch_bytes : 1));
    }
    clg__str_add(t, "global const long *restrict own_sizes");
    clg__arg_geo(p, l);
}

void clg__custom_plan(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__custom_node *q = c->params;
    const clg__custom *d = q->of;
    if (q->global[0] == 0 || q->global[1] == 0 || q->global[2] == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, NULL, "custom");
    clg__str *t = &l->text;
    clg__str_add(t, "#pragma OPENCL FP_CONTRACT OFF\n");
    add_types(t, c, d->n_in);
    for (int i = 0; i < d->n_in; i++)
        add_tensor(t, d->in[i], c->in_dtype[i]);
    for (int i = 0; i < d->n_out; i++)
        add_tensor(t, d->out[i], c->out_dtype[i]);
    clg__str_printf(t, "#define T %s\n", clg__register(c->out_dtype[0]));
    if (*d->functions)
        clg__str_printf(t, "#line 1 \"custom %s, functions\"\n%s\n", d->name, d->functions);
    clg__str_printf(t, "#line 1 \"custom %s, arguments\"\nkernel void NAME(custom)(", d->name);
    add_parameters(p, l, c, q);
    clg__str_add(t, ")\n{\n");
    for (int i = 0; i < d->n_in; i++)
        clg__str_printf(t, "    global const %s *%s = own_p%d + own_o%d;\n", clg__dtype_of(c->in_dtype[i])->storage, d->in[i],
                        i, i);
    for (int i = 0; i < d->n_in; i++)
        add_sizes(p, t, d->in[i], &c->in_shape[i]);
    for (int i = 0; i < d->n_out; i++)
        add_sizes(p, t, d->out[i], &c->out_shape[i]);
    clg__str_printf(t, "    {\n#line 1 \"custom %s\"\n%s\n#line 1 \"custom %s, end\"\n    }\n}\n#undef T\n", d->name, d->body,
                    d->name);
    if (t->failed)
        clg__fail(&p->err, CLG_ENOMEM, "custom: out of host memory");
    clg__kplan_grid(l, q->global[0] / q->local[0], q->global[1] / q->local[1], q->global[2] / q->local[2], q->local[0],
                    q->local[1], q->local[2]);
}

// ---- differentiating

static const clg__custom_node *params_of(const clg__vjp *v)
{
    return v->params;
}

static clg_tensor wrong_gradient(const clg__vjp *v, int i, clg_tensor g)
{
    const clg__custom *d = params_of(v)->of;
    char got[128], want[128], text[CLG__ERR_TEXT];
    const clg_tensor in = v->in[i];
    const char *dead = g->dev ? clg__why_dead(g, text) : NULL;
    if (!dead && g->status < 0)
        return clg__poison_from(g);
    if (!dead && g->dev != in->dev)
        dead = "belongs to another device";
    if (dead)
        return clg_poison(in->dev, CLG_EINVAL, "%s: the gradient of input '%s' %s", d->name, d->in[i], dead);
    if (!clg_dtype_is_float(g->dtype))
        return clg_poison(in->dev, CLG_EDTYPE, "%s: the gradient of input '%s' is %s, expected a floating type", d->name,
                          d->in[i], clg_dtype_name(g->dtype));
    if (!clg__shape_equal(&g->shape, &in->shape))
        return clg_poison(in->dev, CLG_ESHAPE, "%s: the gradient of input '%s' is %s, expected %s", d->name, d->in[i],
                          clg__shape_text(&g->shape, got), clg__shape_text(&in->shape, want));
    return g;
}

void clg__custom_backward(const clg__vjp *v, const bool *needed, clg_tensor *grad)
{
    const clg__custom_node *q = params_of(v);
    const clg__custom *d = q->of;
    bool asked[CLG_CUSTOM_INPUTS] = { false };
    clg_tensor out[CLG_CUSTOM_INPUTS] = { NULL };
    for (int i = 0; i < d->n_in; i++)
        asked[i] = needed[i];
    const clg_custom_grad c = { .dev = v->y->dev, .user = d->user, .n_in = d->n_in, .n_scalars = d->n_scalars,
                                .n_ints = d->n_ints, .in = v->in, .needed = asked, .scalars = q->scalars, .ints = q->ints,
                                .output = d->kernel ? v->out : q->result, .y = v->y, .g = v->g };
    const clg_status st = d->backward(&c, out);
    for (int i = 0; i < d->n_in; i++) {
        if (st < 0 && needed[i]) {
            const char *why = v->y->dev->last.status == st ? v->y->dev->last.text : clg_status_text(st);
            grad[i] = clg_poison(v->y->dev, st, "%s: its backward function failed: %s", d->name, why);
            return;
        }
        if (out[i] && needed[i])
            grad[i] = wrong_gradient(v, i, out[i]);
    }
}

// ---- recording

typedef struct record {
    clg__call c;
    const clg__custom *d;
    clg__custom_node q;
    char error[300];
} record;

static clg_status poison_all(clg_tensor bad, clg_tensor *out, int n)
{
    for (int i = 0; i < n && out; i++)
        out[i] = bad;
    return bad->status;
}

// What can be wrong before the inputs are looked at; NULL: nothing.
static clg_tensor check_counts(record *r, const clg_tensor *in, int n_in, const struct clg_custom_numbers *p, const clg_tensor *out,
                               int n_out)
{
    const clg__custom *d = r->d;
    struct clg_custom_numbers q;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    const clg_device dev = d->handle->dev;
    if (wrong)
        return clg_poison(dev, CLG_EINVAL, "%s: %s", d->name, wrong);
    const struct {
        const char *what;
        int want, got;
        bool there;
    } counts[] = { { "inputs", d->n_in, n_in, in != NULL },
                   { "results", d->n_out, n_out, out != NULL },
                   { "scalars", d->n_scalars, q.n_scalars, q.scalars || q.n_scalars <= 0 },
                   { "whole numbers", d->n_ints, q.n_ints, q.ints || q.n_ints <= 0 } };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i].want != counts[i].got)
            return clg_poison(dev, CLG_EINVAL, "%s: %d %s given, expected %d", d->name, counts[i].got, counts[i].what,
                              counts[i].want);
        if (!counts[i].there)
            return clg_poison(dev, CLG_EINVAL, "%s: the %s are NULL", d->name, counts[i].what);
    }
    for (int i = 0; i < d->n_scalars; i++)
        r->q.scalars[i] = q.scalars[i];
    for (int i = 0; i < d->n_ints; i++)
        r->q.ints[i] = q.ints[i];
    r->q.of = d;
    r->q.n_out = d->n_out;
    return NULL;
}

static clg_status record_pointwise(record *r, const clg_tensor *in, clg_tensor *out)
{
    const clg__custom *d = r->d;
    clg_tensor x[CLG_CUSTOM_NUMBERS];
    clg_dtype t = clg__result_type(d->n_in, in);
    if (!clg_dtype_is_float(t) && (!d->integers || t == CLG_BOOL))
        t = CLG_F32;
    clg_shape s = in[0]->shape;
    for (int i = 1; i < d->n_in; i++) {
        if (!clg__broadcast(&s, &in[i]->shape, &s))
            return poison_all(clg__call_fail(&r->c, CLG_ESHAPE, "shapes do not broadcast"), out, d->n_out);
    }
    for (int i = 0; i < d->n_in + d->n_scalars; i++) {
        x[i] = i < d->n_in ? clg_cast(in[i], t) : clg_scalar(r->c.dev, clg__dtype_of(t)->as, r->q.scalars[i - d->n_in]);
        x[i] = clg_expand(x[i], s);
        if (x[i]->status < 0)
            return poison_all(clg__call_own(&r->c, x[i]), out, d->n_out);
    }
    clg_status st = CLG_OK;
    r->c.in = x;
    r->c.n = d->n_in + d->n_scalars;
    for (int k = 0; k < d->n_out; k++) {
        r->q.result = k;
        out[k] = clg__call_node(&r->c, &d->op[k], t, &s, &r->q);
        st = st < 0 ? st : out[k]->status;
    }
    return st;
}

static clg_tensor refused(record *r, clg_status st, const char *which)
{
    r->error[sizeof r->error - 1] = '\0';
    return clg__call_fail(&r->c, st, "%s", r->error[0] ? r->error : which);
}

// The device runs groups of this size, which divide the items.
static clg_tensor check_grid(record *r)
{
    clg__custom_node *q = &r->q;
    const clg__caps *caps = r->c.dev->caps;
    size_t items = 1;
    if (q->local[0] == 0) {
        if (q->local[1] > 1 || q->local[2] > 1 || q->global[1] > 1 || q->global[2] > 1)
            return clg__call_fail(&r->c, CLG_EINVAL, "the grid has several dimensions, and no local[0]");
        q->local[0] = (size_t) clg__kplan_side(64, caps->max_work_group, false);
        if (q->global[0] > SIZE_MAX / 2)
            return clg__call_fail(&r->c, CLG_EINVAL, "a grid of %zu items is too large", q->global[0]);
        q->global[0] = (q->global[0] + q->local[0] - 1) / q->local[0] * q->local[0];
    }
    for (int d = 0; d < 3; d++) {
        q->local[d] = q->local[d] ? q->local[d] : 1;
        q->global[d] = d && q->global[d] == 0 && q->global[0] ? 1 : q->global[d];
        if (q->global[d] % q->local[d])
            return clg__call_fail(&r->c, CLG_EINVAL, "global[%d] is %zu, no multiple of local[%d], %zu", d, q->global[d], d,
                                  q->local[d]);
        if (q->local[d] > (size_t) caps->max_work_group / items)
            return clg__call_fail(&r->c, CLG_EINVAL, "groups of %zu x %zu x %zu items, the device runs at most %d",
                                  q->local[0], q->local[1], q->local[2], caps->max_work_group);
        items *= q->local[d];
    }
    if (q->local_bytes > caps->local_bytes)
        return clg__call_fail(&r->c, CLG_EINVAL, "%zu bytes of local memory, the device has %zu", q->local_bytes,
                              (size_t) caps->local_bytes);
    if (q->scratch_bytes > caps->max_alloc_bytes)
        return clg__call_fail(&r->c, CLG_EINVAL, "%zu bytes of scratch memory, the device gives at most %llu", q->scratch_bytes,
                              (unsigned long long) caps->max_alloc_bytes);
    for (int k = 0; k < q->n_out; k++) {
        if (q->global[0] == 0 && clg_numel(q->out_shape[k]) > 0)
            return clg__call_fail(&r->c, CLG_EINVAL, "a grid of no items, though result '%s' has elements", r->d->out[k]);
    }
    return NULL;
}

static clg_tensor ask_shapes_and_grid(record *r, const clg_tensor *in)
{
    const clg__custom *d = r->d;
    clg__custom_node *q = &r->q;
    clg_shape shape[CLG_CUSTOM_INPUTS];
    clg_dtype type[CLG_CUSTOM_INPUTS];
    for (int i = 0; i < d->n_in; i++) {
        shape[i] = in[i]->shape;
        type[i] = in[i]->dtype;
    }
    for (int k = 0; k < d->n_out; k++) {
        q->out_shape[k] = shape[0];
        q->out_dtype[k] = type[0];
    }
    const clg_custom_call call = { .dev = r->c.dev, .user = d->user, .n_in = d->n_in, .n_out = d->n_out,
                                   .n_ints = d->n_ints, .in_shape = shape, .in_dtype = type, .ints = q->ints,
                                   .out_shape = q->out_shape, .out_dtype = q->out_dtype, .error = r->error,
                                   .error_size = sizeof r->error };
    clg_status st = d->shape ? d->shape(&call) : CLG_OK;
    if (st < 0)
        return refused(r, st, "its shape function refused");
    for (int k = 0; k < d->n_out; k++) {
        int64_t n;
        if (q->out_shape[k].rank < 0 || q->out_shape[k].rank > CLG_MAX_RANK || !clg__numel(&q->out_shape[k], &n) ||
            n > INT64_MAX / 16)
            return clg__call_fail(&r->c, CLG_ESHAPE, "its shape function gave result '%s' an impossible shape", d->out[k]);
    }
    if (d->grid)
        st = d->grid(&call, q->global, q->local, &q->local_bytes);
    else
        q->global[0] = (size_t) clg_numel(q->out_shape[0]);
    if (st < 0)
        return refused(r, st, "its grid function refused");
    q->scratch_bytes = d->scratch_bytes;
    st = d->scratch ? d->scratch(&call, &q->scratch_bytes) : CLG_OK;
    if (st < 0)
        return refused(r, st, "its scratch function refused");
    return check_grid(r);
}

static clg_status record_kernel(record *r, const clg_tensor *in, clg_tensor *out)
{
    const clg__custom *d = r->d;
    clg_tensor x[CLG_CUSTOM_INPUTS + CLG_CUSTOM_NUMBERS];
    const clg_tensor bad = ask_shapes_and_grid(r, in);
    if (bad)
        return poison_all(bad, out, d->n_out);
    const clg_dtype number = r->q.out_dtype[0] == CLG_F64 ? CLG_F64 : CLG_F32;
    for (int i = 0; i < d->n_in + d->n_scalars; i++) {
        x[i] = i < d->n_in ? in[i] : clg_scalar(r->c.dev, number, r->q.scalars[i - d->n_in]);
        if (x[i]->status < 0)
            return poison_all(clg__call_own(&r->c, x[i]), out, d->n_out);
    }
    r->c.in = x;
    r->c.n = d->n_in + d->n_scalars;
    if (d->n_out > 1)
        clg__call_node_n(&r->c, &d->op[0], d->n_out, r->q.out_dtype, r->q.out_shape, &r->q, out);
    else
        out[0] = clg__call_node(&r->c, &d->op[0], r->q.out_dtype[0], &r->q.out_shape[0], &r->q);
    return out[0]->status;
}

clg_status clg_custom_apply_n(clg_custom op, const clg_tensor *in, int n_in, const struct clg_custom_numbers *p,
                              clg_tensor *out, int n_out)
{
    CLG__DEFAULT_FP;
    record r = { .error = "" };
    if (!op || !clg__is_open(op->dev)) {
        const char *why = op ? "custom_apply: the operation's device was closed" : "custom_apply: the operation is NULL";
        clg__caller_bug(why);
        return poison_all(clg__poison(NULL, CLG_EINVAL, why), out, n_out);
    }
    r.d = op->definition;
    clg_tensor bad = check_counts(&r, in, n_in, p, out, n_out);
    if (bad)
        return poison_all(bad, out, n_out);
    if (!clg__call_begin(&r.c, r.d->name, r.d->inputs, n_in, in))
        return poison_all(clg__call_poison(&r.c), out, n_out);
    if (r.c.dev != op->dev) {
        clg__caller_bug("custom_apply: inputs of another device");
        return poison_all(clg__call_fail(&r.c, CLG_EINVAL, "the operation was defined on another device"), out, n_out);
    }
    return r.d->kernel ? record_kernel(&r, in, out) : record_pointwise(&r, in, out);
}

clg_tensor clg_custom_apply(clg_custom op, const clg_tensor *in, int n_in, const struct clg_custom_numbers *p)
{
    clg_tensor y = NULL;
    clg_custom_apply_n(op, in, n_in, p, &y, 1);
    return y;
}
