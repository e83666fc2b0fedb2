// SPDX-License-Identifier: MIT
// The partial inverse of maximum pooling: elements go back to the places they came from. Which element a place
// takes is found once, by whole numbers; values and cotangents are then picked by it, there and back: a set
// closed under differentiation. Kernels: cl/unpool.cl.
#include "ops/window.h"

#include "ops/element.h"
#include "ops/registry.h"

// Places of an image's plane and of a pooled one.
typedef struct unpool {
    int64_t planes, image, pooled;
} unpool;

static void key_unpool(const void *params, clg__key *k)
{
    const unpool *p = params;
    clg__key_i64(k, p->planes);
    clg__key_i64(k, p->image);
    clg__key_i64(k, p->pooled);
}

static void arg_sizes(clg__kplan *p, clg__launch *l, int64_t total, int64_t image, int64_t pooled)
{
    CLG__ARG_BLOCK(p, l, "PLANES", { "total", total, true }, { "P", image, true }, { "Q", pooled, true });
}

// Owners of the image's places, then places of the pooled elements that are owners.
static void plan_owners(const clg__kernel_call *c, clg__kplan *p)
{
    static const char *const entries[] = { "unpool_none", "unpool_owner", "unpool_place" };
    const unpool *q = c->params;
    const int64_t places = q->planes * q->image, elements = q->planes * q->pooled;
    for (int i = 0; i < 3; i++) {
        if ((i == 0 ? places : elements) == 0)
            continue;
        clg__launch *l = clg__kplan_kernel(p, "unpool", entries[i]);
        clg__arg_buffers(p, l, i > 0, i == 2 ? 2 : 1);
        arg_sizes(p, l, i == 0 ? places : elements, q->image, q->pooled);
        clg__kplan_items(l, i == 0 ? places : elements);
    }
}

static void plan_pick(const clg__kernel_call *c, clg__kplan *p)
{
    const int64_t total = clg_numel(*c->out_shape);
    if (total == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "unpool", "pick");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__arg_buffers(p, l, 2, 1);
    arg_sizes(p, l, total, c->in_shape[0].dim[1], c->in_shape[1].dim[1]);
    clg__kplan_items(l, total);
}

static clg_tensor pick_vjp(const clg__vjp *v, int i);

static const clg__variant owner_variants[] = { { "items", NULL, plan_owners, false } };
static const clg__variant pick_variants[] = { { "items", NULL, plan_pick, false } };
static const clg__op op_owners = { .name = "unpool_owners", .kind = CLG__KERNEL, .key = key_unpool,
                                   .params_bytes = sizeof(unpool), .variants = owner_variants, .n_variants = 1 };
static const clg__op op_pick = { .name = "pick", .kind = CLG__KERNEL, .vjp = pick_vjp, .variants = pick_variants,
                                 .n_variants = 1, .picked_inputs = 1 };

const clg__op *const clg__unpool_ops[] = { &op_owners, &op_pick, NULL };

// The elements of x that `from` says; `back` says the same of the result's.
static clg_tensor pick(clg_tensor x, clg_tensor from, clg_tensor back)
{
    clg__call c;
    if (!clg__call_begin(&c, "pick", "x from back", 3, (clg_tensor[]) { x, from, back }))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_pick, x->dtype, &from->shape, NULL);
}

static clg_tensor pick_vjp(const clg__vjp *v, int i)
{
    return i == 0 ? pick(v->g, v->in[2], v->in[1]) : NULL;
}

// ---- what a caller gives

// The size of the image: given, or that of which such windows make x.
static clg_tensor image_size(const clg__call *c, int nd, clg_tensor x, clg_shape size, const struct clg_pool_params *p,
                             clg__window *w)
{
    static const int64_t none[CLG__SPATIAL];
    const clg__window_params numbers = {
        .kernel = CLG__WINDOW_FIELD(*p, kernel), .stride = CLG__WINDOW_FIELD(*p, stride),
        .padding = CLG__WINDOW_FIELD(*p, padding), .padding_end = CLG__WINDOW_FIELD(*p, padding_end),
        .dilation = CLG__WINDOW_FIELD(*p, dilation), .stride_is_kernel = true, .no_padding_end = p->no_padding_end,
    };
    *w = clg__window_of(nd, x);
    for (int i = 0; i < CLG__SPATIAL; i++) {
        w->out[i] = w->in[i];
        w->in[i] = 1;
    }
    if (size.rank == 0) {
        clg_tensor bad = clg__window_read(c, &numbers, w);
        return bad ? bad : clg__window_unfit(c, w, none);
    }
    if (size.rank != nd)
        return clg__call_fail(c, CLG_ESHAPE, "size has %d dimensions, expected %d", size.rank, nd);
    for (int i = 0; i < nd; i++) {
        if (size.dim[i] < 1 || size.dim[i] > CLG__WINDOW_MOST)
            return clg__call_fail(c, CLG_ESHAPE, "size is %lld, expected 1 to %d", (long long) size.dim[i],
                                  CLG__WINDOW_MOST);
        w->in[CLG__SPATIAL - nd + i] = size.dim[i];
    }
    return NULL;
}

static clg_tensor check(const clg__call *c, int nd, clg_tensor x, const char *wrong)
{
    const clg_tensor indices = c->in[1];
    static const char *const sizes[] = { "W", "H,W", "D,H,W" };
    if (wrong)
        return clg__call_fail(c, CLG_EINVAL, "%s", wrong);
    if (x->shape.rank != nd + 2)
        return clg__call_fail(c, CLG_ESHAPE, "x must be [N,C,%s] or [C,%s]", sizes[nd - 1], sizes[nd - 1]);
    if (!clg__shape_equal(&c->in[0]->shape, &indices->shape))
        return clg__call_fail(c, CLG_ESHAPE, "shapes differ: expected an index for each element of x");
    if (indices->dtype != CLG_I64 && indices->dtype != CLG_I32)
        return clg__call_fail(c, CLG_EDTYPE, "indices are %s, expected i32 or i64", clg_dtype_name(indices->dtype));
    return clg__window_check(c, "x", x, 2);
}

static clg_tensor unpooling(const char *name, int nd, clg_tensor x, clg_tensor indices, clg_shape size,
                            const struct clg_pool_params *p)
{
    struct clg_pool_params r;
    const char *wrong = clg_params_read(&r, sizeof r, p);
    clg__window w;
    clg__call c;
    if (!clg__call_begin(&c, name, "x indices", 2, (clg_tensor[]) { x, indices }))
        return clg__call_poison(&c);
    bool single;
    clg_tensor bad = clg__window_single(&c, nd, &x, &single);
    bad = bad ? bad : check(&c, nd, x, wrong);
    bad = bad ? bad : image_size(&c, nd, x, size, &r, &w);
    if (bad)
        return bad;
    w.n = x->shape.dim[0] * x->shape.dim[1];
    if (clg__window_wide(&(clg__window) { .n = 1, .c = 1, .o = 1, .in = { w.in[0], w.in[1], w.in[2] },
                                          .out = { w.out[0], w.out[1], w.out[2] } }))
        return clg__call_fail(&c, CLG_ESHAPE, "more than %d elements of an image", INT32_MAX);
    const unpool q = { w.n, clg__window_size(w.in), clg__window_size(w.out) };
    const clg_shape image = CLG_SHAPE(q.planes, q.image), pooled = CLG_SHAPE(q.planes, q.pooled);
    clg_tensor index = clg_reshape(clg_cast(indices, CLG_I64), pooled), owners[2];
    clg__call o;
    if (!clg__call_begin(&o, "unpool_owners", "indices", 1, &index))
        return clg__call_own(&c, clg__call_poison(&o));
    clg__call_node_n(&o, &op_owners, 2, (clg_dtype[]) { CLG_I32, CLG_I32 }, (clg_shape[]) { image, pooled }, &q, owners);
    clg_tensor y = pick(clg_reshape(x, pooled), owners[0], owners[1]);
    const clg_shape s = clg__window_shape(&w, false, x->shape.dim[0], x->shape.dim[1], w.in);
    return clg__call_own(&c, clg__window_result(y, s, single));
}

#define PUBLIC(id, nd)                                                                             \
    clg_tensor clg_##id(clg_tensor x, clg_tensor indices, clg_shape size, const struct clg_pool_params *p) \
    {                                                                                              \
        return unpooling(#id, nd, x, indices, size, p);                                            \
    }
PUBLIC(max_unpool1d, 1)
PUBLIC(max_unpool2d, 2)
PUBLIC(max_unpool3d, 3)
