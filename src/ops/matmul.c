// SPDX-License-Identifier: MIT
// Matrix product, batched: kernels in cl/gemm_cpu.cl and cl/gemm_gpu.cl, or CLBlast.
#include "graph/build.h"
#include "ops/element.h"
#include <clgrad/ops.h>

// The node: a [B,M,K], b [B,K,N], any strides.

static clg_tensor matmul_vjp(const clg__vjp *v, int i);

typedef struct sizes {
    int64_t b;
    int m, n, k;
} sizes;

static sizes sizes_of(const clg__kernel_call *c)
{
    return (sizes) { c->out_shape->dim[0], (int) c->out_shape->dim[1],
                     (int) c->out_shape->dim[2], (int) c->in_shape[0].dim[2] };
}

static size_t up(int64_t a, int64_t b)
{
    return (size_t) ((a + b - 1) / b);
}

static bool empty(const sizes *s)
{
    return s->b == 0 || s->m == 0 || s->n == 0;
}

static const char *accepts_cpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? NULL : "for CPU-class devices";
}

static void plan_cpu(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_of(c);
    const size_t e = clg_dtype_size(c->out_dtype[0]);
    const bool fused = clg_dtype_is_float(c->out_dtype[0]); // integers take two more registers a product
    const int mr = fused ? 6 : 4, nv = fused && e == 4 ? 4 : 2, nr = 16 * nv;
    const size_t tiles = up(s.m, mr), panels = up(s.n, nr);
    if (empty(&s))
        return;
    const int pa = clg__kplan_temp(p, (size_t) s.b * tiles * (size_t) s.k * (size_t) mr * e + 4);
    const int pb = clg__kplan_temp(p, (size_t) s.b * panels * (size_t) s.k * (size_t) nr * e + 4);
    clg__launch *l[3] = { clg__kplan_kernel(p, "gemm_pack", "gemm_pack_a"),
                          clg__kplan_kernel(p, "gemm_pack", "gemm_pack_b"),
                          clg__kplan_kernel(p, "gemm_cpu", "gemm") };
    for (int i = 0; i < 3; i++) {
        clg__define_element(p, l[i], c->out_dtype[0]);
        clg__kplan_define(p, l[i], "MR", "%d", mr);
        clg__kplan_define(p, l[i], "NV", "%d", nv);
    }
    clg__define_mad(p, l[2], c->out_dtype[0], true);
    for (int i = 0; i < 2; i++) {
        clg__arg_in(p, l[i], i);
        clg__arg_in_offset(p, l[i], i);
        for (int d = 0; d < 3; d++)
            clg__arg_i64(p, l[i], c->in_geom[i].stride[d]);
        clg__arg_temp(p, l[i], i ? pb : pa);
        clg__arg_i32(p, l[i], i ? s.n : s.m);
        clg__arg_i32(p, l[i], s.k);
    }
    clg__kplan_grid(l[0], tiles, (size_t) s.b, 1, 1, 1, 1);
    clg__kplan_grid(l[1], panels, up(s.k, 16), (size_t) s.b, 1, 1, 1);
    // Enough equal work-groups for the cores, and B panels shared by neighbours.
    const size_t want = 8 * (size_t) c->caps->compute_units, outer = panels * (size_t) s.b;
    size_t blocks = outer >= want ? 1 : up((int64_t) want, (int64_t) outer);
    blocks = blocks > tiles ? tiles : blocks;
    const size_t block = up((int64_t) tiles, (int64_t) blocks);
    clg__arg_temp(p, l[2], pa);
    clg__arg_temp(p, l[2], pb);
    clg__arg_out(p, l[2], 0);
    clg__arg_i32(p, l[2], s.m);
    clg__arg_i32(p, l[2], s.n);
    clg__arg_i32(p, l[2], s.k);
    clg__arg_i32(p, l[2], (int32_t) block);
    clg__arg_epilogue(p, l[2]);
    clg__kplan_grid(l[2], panels, up((int64_t) tiles, (int64_t) block), (size_t) s.b, 1, 1, 1);
    p->flops += 2ull * (uint64_t) s.b * (uint64_t) s.m * (uint64_t) s.n * (uint64_t) s.k;
}

static const char *accepts_gpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? "for GPU-class devices" : NULL;
}

static void plan_gpu(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_of(c);
    if (empty(&s))
        return;
    clg__launch *l = clg__kplan_kernel(p, "gemm_gpu", "gemm");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__define_mad(p, l, c->out_dtype[0], false);
    for (int i = 0; i < 2; i++) {
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
        for (int d = 0; d < 3; d++)
            clg__arg_i64(p, l, c->in_geom[i].stride[d]);
    }
    clg__arg_out(p, l, 0);
    clg__arg_i32(p, l, s.m);
    clg__arg_i32(p, l, s.n);
    clg__arg_i32(p, l, s.k);
    clg__arg_epilogue(p, l);
    const int side = clg__kplan_side(16, c->caps->max_work_group, true);
    if (side < 16)
        clg__kplan_define(p, l, "SIDE", "%d", side);
    if (clg_dtype_size(c->out_dtype[0]) == 8) // 16 would be more than 32 KiB of local memory
        clg__kplan_define(p, l, "DEEP", "8");
    clg__kplan_grid(l, up(s.n, 4 * side) * up(s.m, 4 * side) * (size_t) s.b, 1, 1, (size_t) side,
                    (size_t) side, 1);
    p->flops += 2ull * (uint64_t) s.b * (uint64_t) s.m * (uint64_t) s.n * (uint64_t) s.k;
}

// Row- or column-major with what leading dimension? 0: neither
static int64_t leading(const clg__geom *g, const clg_shape *s, bool *transposed)
{
    *transposed = g->stride[2] != 1 && s->dim[2] > 1;
    const int64_t inner = *transposed ? g->stride[1] : 1, ld = *transposed ? g->stride[2] : g->stride[1];
    const int64_t least = *transposed ? s->dim[1] : s->dim[2];
    return inner == 1 && ld >= least ? ld : 0;
}

static const char *accepts_blas(const clg__kernel_call *c)
{
    bool t;
    if (!c->caps->blas)
        return c->caps->is_cpu ? "ten times slower than ours on a CPU" : "only with CLGRAD_BLAS=1";
    if (!clg_dtype_is_float(c->out_dtype[0]))
        return "only floating types";
    if (c->out_shape->dim[0] != 1 || clg_numel(*c->out_shape) == 0 || c->in_shape[0].dim[2] == 0)
        return "batched or empty";
    for (int i = 0; i < 2; i++) {
        if (!leading(&c->in_geom[i], &c->in_shape[i], &t))
            return "strides in both dimensions";
    }
    return NULL;
}

static void plan_blas(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_of(c);
    clg__launch *l = clg__kplan_kernel(p, NULL, "clblast");
    bool ta, tb;
    const int64_t lda = leading(&c->in_geom[0], &c->in_shape[0], &ta);
    const int64_t ldb = leading(&c->in_geom[1], &c->in_shape[1], &tb);
    l->blas = (clg__blas) { .used = true, .ta = ta, .tb = tb, .dtype = c->out_dtype[0],
                            .m = (size_t) s.m, .n = (size_t) s.n, .k = (size_t) s.k,
                            .lda = (size_t) lda, .ldb = (size_t) ldb, .ldc = (size_t) s.n };
    p->flops += 2ull * (uint64_t) s.m * (uint64_t) s.n * (uint64_t) s.k;
}

static const clg__variant variants[] = {
    { "clblast", accepts_blas, plan_blas, false },
    { "cpu_packed", accepts_cpu, plan_cpu, true },
    { "gpu_tiled", accepts_gpu, plan_gpu, true },
};

static const clg__op op_matmul = { .name = "matmul", .kind = CLG__KERNEL, .vjp = matmul_vjp,
                                   .variants = variants, .n_variants = 3, .strided_inputs = 3,
                                   .row_axis_from_end = 2 };

static clg_tensor product(clg_tensor a, clg_tensor b)
{
    clg__call c;
    clg_tensor in[2] = { a, b };
    if (!clg__call_begin(&c, "matmul", "a b", 2, in))
        return clg__call_poison(&c);
    const clg_shape s = CLG_SHAPE(a->shape.dim[0], a->shape.dim[1], b->shape.dim[2]);
    return clg__call_node(&c, &op_matmul, a->dtype, &s, NULL);
}

static clg_tensor flip_last(clg_tensor t)
{
    return clg_transpose(t, -1, -2);
}

// The cotangent of a column-major operand comes column-major, so that what undoes the transpose gets
// contiguous memory.
static clg_tensor matmul_vjp(const clg__vjp *v, int i)
{
    clg_tensor a = v->in[0], b = v->in[1], g = v->g;
    const bool column = clg__tensor_geom(v->in[i], NULL).stride[2] != 1 &&
                        v->in[i]->shape.dim[2] > 1;
    if (i == 0)
        return column ? flip_last(product(b, flip_last(g))) : product(g, flip_last(b));
    return column ? flip_last(product(flip_last(g), a)) : product(flip_last(a), g);
}

// [.., M, K] with the common batch shape, as three dimensions.
static clg_tensor as_batch(clg_tensor t, const clg_shape *batch)
{
    clg_shape full = *batch;
    int64_t n = 1;
    for (int d = 0; d < batch->rank; d++)
        n *= batch->dim[d];
    full.dim[full.rank++] = t->shape.dim[t->shape.rank - 2];
    full.dim[full.rank++] = t->shape.dim[t->shape.rank - 1];
    t = clg_expand(t, full);
    return clg_reshape(t, CLG_SHAPE(n, full.dim[full.rank - 2], full.dim[full.rank - 1]));
}

static clg_shape batch_of(clg_tensor t)
{
    clg_shape s = t->shape;
    s.rank -= 2;
    return s;
}

clg_tensor clg_matmul(clg_tensor a, clg_tensor b)
{
    clg__call c;
    clg_tensor in[2] = { a, b };
    clg_shape batch;
    if (!clg__call_begin(&c, "matmul", "a b", 2, in))
        return clg__call_poison(&c);
    const clg_dtype t = clg__result_type(2, in);
    if (t == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "bool has no arithmetic: cast first");
    if (a->shape.rank == 0 || b->shape.rank == 0)
        return clg__call_fail(&c, CLG_ESHAPE, "a scalar has no matrix product: use mul");
    const bool va = a->shape.rank == 1, vb = b->shape.rank == 1;
    clg_tensor x = va ? clg_unsqueeze(a, 0) : a, y = vb ? clg_unsqueeze(b, 1) : b;
    const clg_dtype in_type = t == CLG_U8 ? CLG_I32 : t; // whose low byte wraps as U8 does
    x = clg_cast(x, in_type);
    y = clg_cast(y, in_type);
    if (x->status < 0 || y->status < 0)
        return clg__call_own(&c, x->status < 0 ? x : y);
    const clg_shape ba = batch_of(x), bb = batch_of(y);
    const int64_t ka = x->shape.dim[x->shape.rank - 1], kb = y->shape.dim[y->shape.rank - 2];
    if (ka != kb)
        return clg__call_fail(&c, CLG_ESHAPE, "a has %lld columns, b has %lld rows", (long long) ka,
                              (long long) kb);
    if (!clg__broadcast(&ba, &bb, &batch))
        return clg__call_fail(&c, CLG_ESHAPE, "batch dimensions do not broadcast");
    for (int i = 0; i < 2; i++) {
        const clg_tensor m = i ? y : x;
        if (m->shape.dim[m->shape.rank - 1] > INT32_MAX / 64 ||
            m->shape.dim[m->shape.rank - 2] > INT32_MAX / 64)
            return clg__call_fail(&c, CLG_ESHAPE, "a dimension is larger than %d", INT32_MAX / 64);
    }
    clg_tensor out = clg_cast(product(as_batch(x, &batch), as_batch(y, &batch)), t);
    if (out->status < 0)
        return clg__call_own(&c, out);
    clg_shape s = batch;
    if (!va)
        s.dim[s.rank++] = x->shape.dim[x->shape.rank - 2];
    if (!vb)
        s.dim[s.rank++] = y->shape.dim[y->shape.rank - 1];
    return clg__call_own(&c, clg_reshape(out, s));
}
