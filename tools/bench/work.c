// SPDX-License-Identifier: MIT
// Builds the tensors of a case and runs it. Public functions only.
#include "work.h"

#include "least.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static clg_tensor random_input(clg_device dev, const case_input *in, clg_dtype type)
{
    if (in->kind == CASE_BOOL)
        return clg_bernoulli(dev, CLG_BOOL, in->shape, 0.5);
    if (in->kind == CASE_REAL || in->kind == CASE_CONST)
        return clg_uniform(dev, type, in->shape, in->lo, in->hi);
    // u64's and i64's small numbers: f32 has whole ones up to 2^24
    const double hi = in->hi - in->lo > 0x1p24 ? in->lo + 0x1p24 : in->hi;
    static const clg_dtype types[] = { [CASE_I64] = CLG_I64, [CASE_I32] = CLG_I32, [CASE_U8] = CLG_U8,
                                       [CASE_I8] = CLG_I8,   [CASE_I16] = CLG_I16, [CASE_U16] = CLG_U16,
                                       [CASE_U32] = CLG_U32, [CASE_U64] = CLG_U64 };
    return clg_cast(clg_floor(clg_uniform(dev, CLG_F32, in->shape, in->lo, hi)), types[in->kind]);
}

static clg_tensor random_real(const work *w, clg_shape s)
{
    return clg_keep(clg_uniform(w->dev, w->s->type, s, -1, 1));
}

// ---- products

static clg_shape operand(const gemm_shape *g, int64_t rows, int64_t columns, bool t)
{
    if (g->heads > 0)
        return CLG_SHAPE(g->batch / g->heads, rows, g->heads, columns);
    if (t)
        return g->batch > 1 ? CLG_SHAPE(g->batch, columns, rows) : CLG_SHAPE(columns, rows);
    return g->batch > 1 ? CLG_SHAPE(g->batch, rows, columns) : CLG_SHAPE(rows, columns);
}

static clg_tensor seen(const gemm_shape *g, clg_tensor a, bool t)
{
    return g->heads > 0 ? clg_transpose(a, 1, 2) : t ? clg_transpose(a, -1, -2) : a;
}

static clg_tensor product(const work *w)
{
    const gemm_shape *g = &w->s->gemm;
    return clg_matmul(seen(g, w->in[0], g->ta), seen(g, w->in[1], g->tb));
}

// ---- convolutions

static clg_tensor convolution(const conv_shape *c, clg_tensor x, clg_tensor w)
{
    const int h = c->axes - 2, d = c->axes - 3, last = c->axes - 1;
    struct clg_conv_params p = { .size = sizeof p, .groups = (int) c->groups, .stride_w = c->stride[last],
                                 .padding_w = c->padding[last], .dilation_w = c->dilation[last] };
    if (h >= 0) {
        p.stride_h = c->stride[h];
        p.padding_h = c->padding[h];
        p.dilation_h = c->dilation[h];
    }
    if (d >= 0) {
        p.stride_d = c->stride[d];
        p.padding_d = c->padding[d];
        p.dilation_d = c->dilation[d];
    }
    if (c->axes == 1)
        return c->transposed ? clg_conv_transpose1d(x, w, NULL, &p) : clg_conv1d(x, w, NULL, &p);
    if (c->axes == 2)
        return c->transposed ? clg_conv_transpose2d(x, w, NULL, &p) : clg_conv2d(x, w, NULL, &p);
    return c->transposed ? clg_conv_transpose3d(x, w, NULL, &p) : clg_conv3d(x, w, NULL, &p);
}

static void begin_conv(work *w)
{
    const conv_shape *c = &w->s->conv;
    clg_shape x = CLG_SHAPE(c->n, c->c), y = CLG_SHAPE(c->n, c->o);
    clg_shape k = c->transposed ? CLG_SHAPE(c->c, c->o / c->groups) : CLG_SHAPE(c->o, c->c / c->groups);
    for (int i = 0; i < c->axes; i++) {
        x.dim[x.rank++] = c->in[i];
        k.dim[k.rank++] = c->window[i];
        y.dim[y.rank++] = c->out[i];
    }
    w->in[0] = random_real(w, x);
    w->in[1] = random_real(w, k);
    if (w->s->part != PART_Y)
        w->g = random_real(w, y);
}

// ---- optimizers

static clg_status begin_optim(work *w)
{
    const shape_case *s = w->s;
    char name[32];
    clg_tensor loss = NULL, *grads;
    int n;
    w->store = clg_store_create(w->dev, 1);
    w->grads = calloc((size_t) s->tensors, sizeof *w->grads);
    if (!w->store || !w->grads)
        return CLG_ENOMEM;
    for (int64_t i = 0; i < s->tensors; i++) {
        snprintf(name, sizeof name, "p%lld", (long long) i);
        const clg_var p = clg_store_param(w->store, name, CLG_SHAPE(s->elements),
                        (clg_init) { .kind = CLG_INIT_NORMAL, .b = 1 }, 0);
        w->grads[i] = random_real(w, CLG_SHAPE(s->elements));
        if (!p)
            return clg_error_status(w->dev);
        const clg_tensor sum = clg_sum(clg_var_value(p), CLG_ALL, false);
        loss = loss ? clg_add(loss, sum) : sum;
    }
    static const char *const rules[] = { "sgd",    "adam",  "adamw", "rmsprop", "adagrad", "adadelta",
                                         "adamax", "nadam", "radam", "lion",    "lamb" };
    struct clg_optim_params p = { .size = sizeof p, .rule = CLG_OPTIM_SGD, .lr = 1e-6 };
    for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++) {
        if (strcmp(s->rule, rules[k]) == 0)
            p.rule = (clg_optim_rule) ((int) CLG_OPTIM_SGD + (int) k);
    }
    p.momentum = strcmp(s->rule, "momentum") == 0 ? 0.9 : 0;
    w->optim = clg_optim_create(w->store, &p);
    // which parameters an optimizer has it learns from a loss
    const clg_status st = w->optim ? clg_optim_grads(w->optim, loss, &grads, &n) : CLG_ENOMEM;
    return st < 0 ? st : clg_eval_n(w->grads, (int) s->tensors);
}

// ---- any case

static double bytes_of(clg_tensor t)
{
    return (double) clg_numel(t->shape) * (double) clg_dtype_size(t->dtype);
}

static int inputs(const work *w)
{
    int n = 0;
    while (n < CASE_INPUTS && w->in[n])
        n++;
    return n;
}

// The least that a call moves: what it reads and what it writes.
static double call_bytes(const work *w, const least_call *q)
{
    const bool gradient = q->gradient;
    double bytes = bytes_of(w->y) + (gradient ? bytes_of(w->in[0]) : 0);
    for (int k = 0; k < inputs(w); k++) {
        const double own = bytes_of(w->in[k]);
        const bool whole =
            clg_numel(w->in[k]->shape) > 1 && (!gradient || !w->s->linear || !clg_dtype_is_float(w->in[k]->dtype));
        bytes += !whole ? 0 : k == w->s->taken ? fmin(k == 0 ? least_taken(q) : bytes_of(w->y), own) : own;
    }
    return bytes;
}

// What the line says holds for its gradient too; beside it stands what is known of the functions.
static void call_least(work *w)
{
    const shape_case *s = w->s;
    least_call q = { &op_cases[s->call], .y = w->y, .gradient = s->part == PART_DX };
    memcpy(q.in, w->in, sizeof q.in);
    w->least.n[ROOF_BYTES] = call_bytes(w, &q);
    least_of_call(&q, &w->least);
    const double said[ROOF_KINDS] = { [ROOF_FLOPS] = s->flops, [ROOF_OPS] = s->ops, [ROOF_LOADS] = s->loads,
                                      [ROOF_LAUNCHES] = s->launches };
    for (int k = 0; k < ROOF_KINDS; k++) {
        if (said[k] > 0)
            w->least.n[k] = said[k];
    }
}

static clg_status begin_call(work *w)
{
    const op_case *c = &op_cases[w->s->call];
    for (int k = 0; k < CASE_INPUTS && c->in[k].kind != CASE_NONE; k++)
        w->in[k] = clg_keep(random_input(w->dev, &c->in[k], w->s->type));
    clg_status st = clg_eval_n(w->in, inputs(w));
    if (st >= 0 && w->s->part == PART_DX) {
        const clg_tensor tracked = clg_keep(clg_track(w->in[0]));
        clg_drop(&w->in[0]);
        w->in[0] = tracked;
    }
    if (st < 0)
        return st;
    w->y = clg_keep(case_apply(c, w->in));
    if (w->y->status < 0)
        return w->y->status;
    if (w->s->part == PART_DX)
        w->g = clg_keep(clg_uniform(w->dev, w->y->dtype, w->y->shape, -1, 1));
    call_least(w);
    if (w->s->part == PART_Y)
        clg_drop(&w->y);
    return CLG_OK;
}

clg_status work_begin(work *w, clg_device dev, const shape_case *s)
{
    *w = (work) { .dev = dev, .s = s };
    w->least.n[ROOF_FLOPS] = s->flops;
    w->least.n[ROOF_BYTES] = s->bytes;
    w->least.n[ROOF_LAUNCHES] = 1;
    const clg_scope scope = clg_scope_push(dev);
    clg_status st = CLG_OK;
    if (s->kind == SHAPE_GEMM) {
        w->in[0] = random_real(w, operand(&s->gemm, s->gemm.m, s->gemm.k, s->gemm.ta));
        w->in[1] = random_real(w, operand(&s->gemm, s->gemm.k, s->gemm.n, s->gemm.tb));
    } else if (s->kind == SHAPE_CONV) {
        begin_conv(w);
    } else if (s->kind == SHAPE_OPTIM) {
        st = begin_optim(w);
    } else {
        st = begin_call(w);
    }
    clg_tensor all[CASE_INPUTS + 2];
    int n = 0;
    for (int k = 0; k < CASE_INPUTS; k++) {
        if (w->in[k])
            all[n++] = w->in[k];
    }
    if (w->g)
        all[n++] = w->g;
    if (w->y)
        all[n++] = w->y;
    if (st >= 0 && n > 0)
        st = clg_eval_n(all, n);
    if (st >= 0)
        st = clg_sync(dev);
    clg_scope_pop(scope);
    return st;
}

// The result of one run.
static clg_tensor record(work *w)
{
    const shape_case *s = w->s;
    clg_tensor x = w->in[0], k = w->in[1], out = NULL;
    if (s->kind == SHAPE_GEMM)
        return product(w);
    if (s->kind == SHAPE_CALL && s->part == PART_Y)
        return case_apply(&op_cases[s->call], w->in);
    if (s->kind == SHAPE_CONV && s->part == PART_Y)
        return convolution(&s->conv, x, k);
    clg_tensor y = w->y;
    if (s->kind == SHAPE_CONV) {
        x = clg_track(x);
        k = clg_track(k);
        y = convolution(&s->conv, x, k);
    }
    const clg_status st = clg_vjp_n(y, w->g, s->part == PART_DX ? &x : &k, 1, false, &out);
    return st < 0 ? clg_poison(w->dev, st, "no gradient") : out;
}

int work_run(void *state, int times)
{
    work *w = state;
    clg_status st = CLG_OK;
    for (int i = 0; i < times && st >= 0; i++) {
        const clg_scope scope = clg_scope_push(w->dev);
        if (w->s->kind == SHAPE_OPTIM) {
            st = clg_optim_apply(w->optim, w->grads, (int) w->s->tensors);
            st = st < 0 ? st : clg_eval_assigned(w->dev);
        } else {
            st = clg_eval(record(w));
        }
        clg_scope_pop(scope);
    }
    return st < 0 ? st : clg_sync(w->dev);
}

void work_end(work *w)
{
    for (int k = 0; k < CASE_INPUTS; k++)
        clg_drop(&w->in[k]);
    clg_drop(&w->y);
    clg_drop(&w->g);
    for (int64_t i = 0; w->grads && i < w->s->tensors; i++)
        clg_drop(&w->grads[i]);
    free(w->grads);
    w->grads = NULL;
    clg_optim_destroy(&w->optim);
    clg_store_destroy(&w->store);
}

void *work_host(work *w, int k)
{
    const shape_case *s = w->s;
    clg_tensor t = k >= 0 ? w->in[k] : NULL;
    if (s->kind == SHAPE_CONV && ((s->part == PART_DX && k == 0) || (s->part == PART_DW && k == 1)))
        t = w->g; // in place of what is computed
    const clg_scope scope = clg_scope_push(w->dev);
    if (k < 0)
        t = record(w);
    const size_t bytes = t ? (size_t) clg_numel(t->shape) * clg_dtype_size(t->dtype) : 0;
    void *to = t && t->status >= 0 ? malloc(bytes + 1) : NULL;
    if (to && clg_read(t, to, bytes) < 0) {
        free(to);
        to = NULL;
    }
    clg_scope_pop(scope);
    return to;
}
