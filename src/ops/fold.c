// SPDX-License-Identifier: MIT
// Unfold and fold, each the gradient of the other. Kernels: cl/fold.cl.
#include "ops/window.h"

#include "base/dtype.h"
#include "ops/element.h"
#include "ops/registry.h"

static void key_fold(const void *params, clg__key *k)
{
    clg__window_key(k, params);
}

static void items(const clg__kernel_call *c, clg__kplan *p, const char *entry)
{
    const int64_t total = clg_numel(*c->out_shape);
    if (total == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "fold", entry);
    clg__define_element(p, l, c->out_dtype[0]);
    if (!clg_dtype_is_float(c->out_dtype[0]))
        clg__kplan_define(p, l, "PLUS(a, b)", "((ACC)((ulong)(a) + (ulong)(b)))");
    clg__arg_buffers(p, l, 1, 1);
    CLG__ARG_BLOCK(p, l, "FOLD", { "total", total, true });
    clg__window_args(p, l, c->params);
    clg__kplan_items(l, total);
}

static void plan_unfold(const clg__kernel_call *c, clg__kplan *p)
{
    items(c, p, "unfold");
}

static void plan_fold(const clg__kernel_call *c, clg__kplan *p)
{
    items(c, p, "fold");
}

static clg_tensor unfold_vjp(const clg__vjp *v, int i);
static clg_tensor fold_vjp(const clg__vjp *v, int i);

static const clg__variant unfold_variants[] = { { "items", NULL, plan_unfold, false } };
static const clg__variant fold_variants[] = { { "items", NULL, plan_fold, false } };
static const clg__op op_unfold = { .name = "unfold", .kind = CLG__KERNEL, .vjp = unfold_vjp, .key = key_fold,
                                   .params_bytes = sizeof(clg__window), .variants = unfold_variants, .n_variants = 1 };
static const clg__op op_fold = { .name = "fold", .kind = CLG__KERNEL, .vjp = fold_vjp, .key = key_fold,
                                 .params_bytes = sizeof(clg__window), .variants = fold_variants, .n_variants = 1 };

const clg__op *const clg__fold_ops[] = { &op_unfold, &op_fold, NULL };

static clg_tensor unfold_node(clg_tensor x, const clg__window *w)
{
    clg__call c;
    const clg_shape s = CLG_SHAPE(w->n, w->o, clg__window_size(w->out));
    if (!clg__call_begin(&c, "unfold", "x", 1, &x))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_unfold, x->dtype, &s, w);
}

static clg_tensor fold_node(clg_tensor x, const clg__window *w)
{
    clg__call c;
    const clg_shape s = clg__window_shape(w, false, w->n, w->c, w->in);
    if (!clg__call_begin(&c, "fold", "x", 1, &x))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_fold, x->dtype, &s, w);
}

static clg_tensor unfold_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return fold_node(v->g, v->params);
}

static clg_tensor fold_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return unfold_node(v->g, v->params);
}

// ---- what a caller gives

static clg_tensor read_fold(const clg__call *c, const struct clg_fold_params *p, const char *wrong, clg__window *w)
{
    const clg__window_params numbers = {
        .kernel = CLG__WINDOW_FIELD(*p, kernel), .stride = CLG__WINDOW_FIELD(*p, stride),
        .padding = CLG__WINDOW_FIELD(*p, padding), .padding_end = CLG__WINDOW_FIELD(*p, padding_end),
        .dilation = CLG__WINDOW_FIELD(*p, dilation), .no_padding_end = p->no_padding_end,
    };
    char text[80];
    if (wrong)
        return clg__call_fail(c, CLG_EINVAL, "%s", wrong);
    for (int i = CLG__SPATIAL - w->nd; i < CLG__SPATIAL; i++) {
        if (w->in[i] < 1)
            return clg__call_fail(c, CLG_ESHAPE, "the image is of %s, expected 1 or more in each dimension",
                                  clg__window_text(w->nd, w->in, text));
    }
    clg_tensor bad = clg__window_read(c, &numbers, w);
    return bad ? bad : clg__window_fit(c, w, false);
}

// The taps of all channels; the columns of the result must be few enough for a tensor.
static clg_tensor count_taps(const clg__call *c, clg__window *w)
{
    const clg_shape taps = CLG_SHAPE(w->c, w->k[CLG__D], w->k[CLG__H], w->k[CLG__W]);
    const clg_shape columns = CLG_SHAPE(w->out[CLG__D], w->out[CLG__H], w->out[CLG__W]);
    int64_t all;
    if (!clg__numel(&taps, &w->o) || !clg__numel(&columns, &all))
        return clg__call_fail(c, CLG_ESHAPE, "more elements than a tensor can have");
    return NULL;
}

clg_tensor clg_unfold(clg_tensor x, const struct clg_fold_params *p)
{
    struct clg_fold_params r;
    const char *wrong = clg_params_read(&r, sizeof r, p);
    clg__call c;
    if (!clg__call_begin(&c, "unfold", "x", 1, &x))
        return clg__call_poison(&c);
    const int nd = x->shape.rank - 2;
    if (nd < 1 || nd > CLG__SPATIAL)
        return clg__call_fail(&c, CLG_ESHAPE, "x must be [N,C,W], [N,C,H,W] or [N,C,D,H,W]");
    clg__window w = clg__window_of(nd, x);
    w.n = x->shape.dim[0];
    w.c = x->shape.dim[1];
    clg_tensor bad = read_fold(&c, &r, wrong, &w);
    bad = bad ? bad : count_taps(&c, &w);
    return bad ? bad : clg__call_own(&c, unfold_node(x, &w));
}

clg_tensor clg_fold(clg_tensor x, clg_shape size, const struct clg_fold_params *p)
{
    struct clg_fold_params r;
    const char *wrong = clg_params_read(&r, sizeof r, p);
    char text[80];
    clg__call c;
    if (!clg__call_begin(&c, "fold", "x", 1, &x))
        return clg__call_poison(&c);
    bool single;
    clg_tensor bad = clg__window_single(&c, 1, &x, &single);
    if (bad)
        return bad;
    if (x->shape.rank != 3)
        return clg__call_fail(&c, CLG_ESHAPE, "x must be [N,C*window,windows] or [C*window,windows]");
    if (x->dtype == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "bool has no arithmetic: cast first");
    if (size.rank < 1 || size.rank > CLG__SPATIAL)
        return clg__call_fail(&c, CLG_ESHAPE, "size has %d dimensions, expected 1 to 3", size.rank);
    clg__window w = { .nd = size.rank, .n = x->shape.dim[0], .o = x->shape.dim[1], .groups = 1,
                      .in = { 1, 1, 1 }, .k = { 1, 1, 1 } };
    for (int i = 0; i < size.rank; i++)
        w.in[CLG__SPATIAL - size.rank + i] = size.dim[i];
    bad = read_fold(&c, &r, wrong, &w);
    if (bad)
        return bad;
    const clg_shape taps = CLG_SHAPE(w.k[CLG__D], w.k[CLG__H], w.k[CLG__W]);
    const clg_shape columns = CLG_SHAPE(w.out[CLG__D], w.out[CLG__H], w.out[CLG__W]);
    int64_t window, all;
    if (!clg__numel(&taps, &window) || w.o % window)
        return clg__call_fail(&c, CLG_ESHAPE, "x has %lld channels, expected a multiple of the window of %s",
                              (long long) w.o, clg__window_text(w.nd, w.k, text));
    if (!clg__numel(&columns, &all) || x->shape.dim[2] != all)
        return clg__call_fail(&c, CLG_ESHAPE, "x has %lld columns, expected one for each window of %s",
                              (long long) x->shape.dim[2], clg__window_text(w.nd, w.out, text));
    w.c = w.o / window;
    const clg_dtype t = x->dtype;
    clg_tensor y = clg_cast(fold_node(clg_cast(x, clg__dtype_of(t)->products), &w), t);
    return clg__call_own(&c, single ? clg_squeeze(y, CLG_AXES(0)) : y);
}
