// SPDX-License-Identifier: MIT
// Unfold and fold, each the gradient of the other. Kernels: cl/fold.cl, and by rows of the CPU class cl/fold_cpu.cl.
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

// Sixteen results of a row at once.
enum { STRIDE_MOST = 1024, ROW_LEAST = 4 };

static const char *accepts(const clg__kernel_call *c, const int64_t row[CLG__SPATIAL])
{
    const clg__window *w = c->params;
    if (!c->caps->cpu_class)
        return "for CPU-class devices";
    if (w->stride[CLG__W] > STRIDE_MOST || clg__window_wide(w))
        return "strides are at most 1024, and int counts all elements"; // lanes times stride is an int
    return row[CLG__W] >= ROW_LEAST ? NULL : "rows have 4 results or more";
}

static const char *accepts_unfold_rows(const clg__kernel_call *c)
{
    const clg__window *w = c->params;
    return accepts(c, w->out);
}

static const char *accepts_fold_rows(const clg__kernel_call *c)
{
    const clg__window *w = c->params;
    return accepts(c, w->in);
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void rows(const clg__kernel_call *c, clg__kplan *p, const char *entry, clg_dtype type, int64_t n)
{
    static const char *const masks[] = { [1] = "char", [2] = "short", [4] = "int", [8] = "long" };
    const clg__window *w = c->params;
    const int64_t total = clg_numel(*c->out_shape), step = w->stride[CLG__W];
    if (total == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "fold_cpu", entry);
    clg__define_element(p, l, type);
    clg__kplan_define(p, l, "STEP", "%d", step <= 2 ? (int) step : 0);
    clg__kplan_define(p, l, "MASK", "%s", masks[clg__acc_size(type)]);
    if (clg__dtype_of(type)->info.kind == CLG_KIND_INT)
        clg__kplan_define(p, l, "PLUS16(a, b)", "as_%s16(as_u%s16(a) + as_u%s16(b))", clg__register(type),
                          clg__register(type), clg__register(type));
    clg__arg_buffers(p, l, 1, 1);
    CLG__ARG_BLOCK(p, l, "FOLD", { "total", total, true },
                   { "each", step / common_divisor(step, w->dilation[CLG__W]), false });
    clg__window_args(p, l, w);
    const int64_t most = 4 * c->caps->compute_units;
    int64_t groups = total / 8192 + 1;
    groups = clg__param_or(c, 0, (int) (groups < most ? groups : most));
    clg__kplan_grid(l, (size_t) (groups < n ? groups : n), 1, 1, 1, 1, 1);
}

// Elements are moved as they are: types of one size have one text.
static void plan_unfold_rows(const clg__kernel_call *c, clg__kplan *p)
{
    static const clg_dtype whole[] = { [1] = CLG_I8, [2] = CLG_I16, [4] = CLG_I32, [8] = CLG_I64 };
    const clg__window *w = c->params;
    rows(c, p, "unfold_rows", whole[clg_dtype_size(c->out_dtype[0])], clg_numel(*c->out_shape) / w->out[CLG__W]);
}

static void plan_fold_rows(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__window *w = c->params;
    rows(c, p, "fold_rows", c->out_dtype[0], clg_numel(*c->out_shape) / w->in[CLG__W]);
}

static clg_tensor unfold_vjp(const clg__vjp *v, int i);
static clg_tensor fold_vjp(const clg__vjp *v, int i);

static const clg__param groups_param[] = { { "groups", "work-groups", 1, 4096, false } };
static const clg__variant unfold_variants[] = { { "cpu_rows", accepts_unfold_rows, plan_unfold_rows, false, groups_param, 1 },
                                                { "items", NULL, plan_unfold, false } };
static const clg__variant fold_variants[] = { { "cpu_rows", accepts_fold_rows, plan_fold_rows, false, groups_param, 1 },
                                              { "items", NULL, plan_fold, false } };
static const clg__op op_unfold = { .name = "unfold", .kind = CLG__KERNEL, .vjp = unfold_vjp, .key = key_fold,
                                   .params_bytes = sizeof(clg__window), .variants = unfold_variants, .n_variants = 2 };
static const clg__op op_fold = { .name = "fold", .kind = CLG__KERNEL, .vjp = fold_vjp, .key = key_fold,
                                 .params_bytes = sizeof(clg__window), .variants = fold_variants, .n_variants = 2 };

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
