// SPDX-License-Identifier: MIT
// Matrix product, batched: kernels in cl/gemm_cpu.cl and cl/gemm_gpu.cl, or CLBlast.
#include "graph/build.h"
#include "graph/node.h"
#include "ops/element.h"
#include <clgrad/ops.h>

// The node: a [batch.., M, K] with up to three batch dimensions, b [batch.., K, N], or [K, N] for all of them; any
// strides. Dimensions of the batch that are 1 in one operand are repeated. Those that params name are summed over, as
// part of K: 1 in the result.
enum { BATCH = 3 };

typedef struct params {
    bool sum[BATCH];
} params;

static void write_key(const void *p, clg__key *k)
{
    for (int d = 0; d < BATCH; d++)
        clg__key_i64(k, ((const params *) p)->sum[d]);
}

static clg_tensor matmul_vjp(const clg__vjp *v, int i);

// The batch, in three dimensions: of the operands, and of the result.
typedef struct sizes {
    int64_t all[BATCH], batch[BATCH], b, sums; // products: of batch, of what is summed over
    bool sum[BATCH];
    int m, n, k; // k of one matrix
} sizes;

// Dimension d of the batch of shape s.
static int64_t batch_dim(const clg_shape *s, int d)
{
    const int at = s->rank - (BATCH + 2) + d;
    return at < 0 ? 1 : s->dim[at];
}

static int64_t common_dim(const clg_shape *a, const clg_shape *b, int d)
{
    return batch_dim(a, d) == 1 ? batch_dim(b, d) : batch_dim(a, d);
}

static sizes sizes_of(const clg__kernel_call *c)
{
    const clg_shape *s = c->out_shape;
    const params *p = c->params;
    sizes z = { .b = 1, .sums = 1, .m = (int) s->dim[s->rank - 2], .n = (int) s->dim[s->rank - 1],
                .k = (int) c->in_shape[0].dim[c->in_shape[0].rank - 1] };
    for (int d = 0; d < BATCH; d++) {
        z.all[d] = common_dim(&c->in_shape[0], &c->in_shape[1], d);
        z.sum[d] = p->sum[d];
        z.batch[d] = z.sum[d] ? 1 : z.all[d];
        z.b *= z.batch[d];
        z.sums *= z.sum[d] ? z.all[d] : 1;
    }
    return z;
}

// Steps of input i along the batch dimensions, 0 where one matrix serves all, rows and columns.
static void strides_of(const clg__kernel_call *c, int i, int64_t to[BATCH + 2])
{
    const clg_shape *s = &c->in_shape[i];
    for (int d = 0; d < BATCH + 2; d++) {
        const int at = s->rank - (BATCH + 2) + d;
        to[d] = at < 0 || (d < BATCH && s->dim[at] == 1) ? 0 : c->in_access[i].stride[at];
    }
}

// Steps of the result along the batch dimensions and rows; its columns are neighbours.
static void result_strides(const clg__kernel_call *c, int64_t to[BATCH + 1])
{
    for (int d = 0; d < BATCH + 1; d++) {
        const int at = c->out_shape->rank - (BATCH + 2) + d;
        to[d] = at < 0 ? 0 : c->out_access->stride[at];
    }
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

// The matrices of one operand that are packed: a repeated one once. Those that are summed over lie one after another
// in each panel.
typedef struct packed {
    int64_t batch[BATCH], n; // their product
    int64_t at[BATCH];       // steps along it, in packed elements
    int64_t step[BATCH];     // in packed matrices, along the batch of the result
    int64_t kept;            // packed matrices
} packed;

// panel: elements that a matrix has in one of `panels`
static packed packed_of(const clg__kernel_call *c, const sizes *s, int i, int64_t panel, size_t panels)
{
    int64_t stride[BATCH + 2], sums = 1;
    packed p = { .n = 1, .kept = 1 };
    strides_of(c, i, stride);
    for (int d = BATCH - 1; d >= 0; d--) {
        p.batch[d] = stride[d] || s->sum[d] ? s->all[d] : 1;
        p.n *= p.batch[d];
        p.at[d] = s->sum[d] ? sums * panel : p.kept * (int64_t) panels * s->sums * panel;
        p.step[d] = s->sum[d] || !stride[d] ? 0 : p.kept;
        sums *= s->sum[d] ? p.batch[d] : 1;
        p.kept *= s->sum[d] ? 1 : p.batch[d];
    }
    return p;
}

static void plan_cpu(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_of(c);
    const size_t e = clg__acc_size(c->out_dtype[0]);
    const bool fused = clg_dtype_is_float(c->out_dtype[0]); // integers take two more registers a product
    const int mr = fused ? 6 : 4, nv = fused && e == 4 ? 4 : 2, nr = 16 * nv;
    const size_t tiles = up(s.m, mr), panels = up(s.n, nr);
    if (empty(&s))
        return;
    const int64_t panel[2] = { (int64_t) s.k * mr, (int64_t) s.k * nr };
    const packed pack[2] = { packed_of(c, &s, 0, panel[0], tiles), packed_of(c, &s, 1, panel[1], panels) };
    const int pa = clg__kplan_temp(p, (size_t) (pack[0].kept * s.sums * panel[0]) * tiles * e + 4);
    const int pb = clg__kplan_temp(p, (size_t) (pack[1].kept * s.sums * panel[1]) * panels * e + 4);
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
        int64_t stride[BATCH + 2];
        strides_of(c, i, stride);
        clg__arg_in(p, l[i], i);
        clg__arg_in_offset(p, l[i], i);
        clg__arg_temp(p, l[i], i ? pb : pa);
        CLG__ARG_BLOCK(p, l[i], "PACK", { "s0", stride[0], true }, { "s1", stride[1], true },
                       { "s2", stride[2], true }, { "row_step", stride[3], true }, { "column_step", stride[4], true },
                       { "p0", pack[i].at[0], true }, { "p1", pack[i].at[1], true }, { "p2", pack[i].at[2], true },
                       { "panel_step", s.sums * panel[i], true },
                       { "n1", pack[i].batch[1], true }, { "n2", pack[i].batch[2], true },
                       { "rows", i ? s.k : s.m, false }, { "columns", i ? s.n : s.k, false });
    }
    clg__kplan_grid(l[0], tiles, (size_t) pack[0].n, 1, 1, 1, 1);
    clg__kplan_grid(l[1], panels, up(s.k, 16), (size_t) pack[1].n, 1, 1, 1);
    // Enough equal work-groups for the cores, and B panels shared by neighbours.
    const size_t want = 8 * (size_t) c->caps->compute_units, outer = panels * (size_t) s.b;
    size_t blocks = outer >= want ? 1 : up((int64_t) want, (int64_t) outer);
    blocks = blocks > tiles ? tiles : blocks;
    const size_t block = up((int64_t) tiles, (int64_t) blocks);
    const int64_t *a = pack[0].step, *b = pack[1].step;
    int64_t out[BATCH + 1];
    result_strides(c, out);
    clg__arg_temp(p, l[2], pa);
    clg__arg_temp(p, l[2], pb);
    clg__arg_out(p, l[2], 0);
    CLG__ARG_BLOCK(p, l[2], "GEMM", { "a_s0", a[0], true }, { "a_s1", a[1], true }, { "a_s2", a[2], true },
                   { "b_s0", b[0], true }, { "b_s1", b[1], true }, { "b_s2", b[2], true },
                   { "c_s0", out[0], true }, { "c_s1", out[1], true }, { "c_s2", out[2], true },
                   { "c_sm", out[3], true }, { "n1", s.batch[1], true }, { "n2", s.batch[2], true },
                   { "M", s.m, false }, { "N", s.n, false }, { "K", s.sums * s.k, false },
                   { "block", (int64_t) block, false });
    clg__arg_epilogue(p, l[2]);
    clg__kplan_grid(l[2], panels, up((int64_t) tiles, (int64_t) block), (size_t) s.b, 1, 1, 1);
    p->flops += 2ull * (uint64_t) (s.b * s.sums) * (uint64_t) s.m * (uint64_t) s.n * (uint64_t) s.k;
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
    int64_t a[BATCH + 2], b[BATCH + 2], out[BATCH + 1];
    strides_of(c, 0, a);
    strides_of(c, 1, b);
    result_strides(c, out);
    clg__arg_buffers(p, l, 2, 1);
    CLG__ARG_BLOCK(p, l, "GEMM", { "a_s0", a[0], true }, { "a_s1", a[1], true }, { "a_s2", a[2], true },
                   { "a_sm", a[3], true }, { "a_sk", a[4], true }, { "b_s0", b[0], true }, { "b_s1", b[1], true },
                   { "b_s2", b[2], true }, { "b_sk", b[3], true }, { "b_sn", b[4], true }, { "c_s0", out[0], true },
                   { "c_s1", out[1], true }, { "c_s2", out[2], true }, { "c_sm", out[3], true },
                   { "n1", s.batch[1], true }, { "n2", s.batch[2], true }, { "sums", s.sums, true },
                   { "k1", s.sum[1] ? s.all[1] : 1, true }, { "k2", s.sum[2] ? s.all[2] : 1, true },
                   { "M", s.m, false }, { "N", s.n, false }, { "K", s.k, false });
    clg__arg_epilogue(p, l);
    const int side = clg__kplan_side(16, c->caps->max_work_group, true);
    if (side < 16)
        clg__kplan_define(p, l, "SIDE", "%d", side);
    if (clg__acc_size(c->out_dtype[0]) == 8) // 16 would be more than 32 KiB of local memory
        clg__kplan_define(p, l, "DEEP", "8");
    clg__kplan_grid(l, up(s.n, 4 * side) * up(s.m, 4 * side) * (size_t) s.b, 1, 1, (size_t) side,
                    (size_t) side, 1);
    p->flops += 2ull * (uint64_t) (s.b * s.sums) * (uint64_t) s.m * (uint64_t) s.n * (uint64_t) s.k;
}

// Row- or column-major with what leading dimension? 0: neither
static int64_t leading(const clg__kernel_call *c, int i, bool *transposed)
{
    const clg_shape *s = &c->in_shape[i];
    const int64_t *stride = c->in_access[i].stride;
    const int r = s->rank - 2, k = s->rank - 1;
    *transposed = stride[k] != 1 && s->dim[k] > 1;
    const int64_t inner = *transposed ? stride[r] : 1, ld = *transposed ? stride[k] : stride[r];
    const int64_t least = *transposed ? s->dim[r] : s->dim[k];
    return inner == 1 && ld >= least ? ld : 0;
}

static const char *accepts_blas(const clg__kernel_call *c)
{
    bool t;
    if (!c->caps->blas)
        return c->caps->is_cpu ? "ten times slower than ours on a CPU" : "only with CLGRAD_BLAS=1";
    if (!clg_dtype_is_float(c->out_dtype[0]) || clg__is_packed(c->out_dtype[0]))
        return "only f32 and f64";
    const sizes s = sizes_of(c);
    if (s.b != 1 || s.sums != 1 || empty(&s) || s.k == 0)
        return "batched or empty";
    for (int i = 0; i < 2; i++) {
        if (!leading(c, i, &t))
            return "strides in both dimensions";
    }
    return NULL;
}

static void plan_blas(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_of(c);
    clg__launch *l = clg__kplan_kernel(p, NULL, "clblast");
    bool ta, tb;
    const int64_t lda = leading(c, 0, &ta), ldb = leading(c, 1, &tb);
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

static const clg__op op_matmul = { .name = "matmul", .kind = CLG__KERNEL, .vjp = matmul_vjp, .key = write_key,
                                   .params_bytes = sizeof(params),
                                   .variants = variants, .n_variants = 3, .strided_inputs = 3,
                                   .row_axis_from_end = 2, .strided_output = true };

static clg_tensor product(clg_tensor a, clg_tensor b, const params *p)
{
    clg__call c;
    clg_tensor in[2] = { a, b };
    if (!clg__call_begin(&c, "matmul", "a b", 2, in))
        return clg__call_poison(&c);
    clg_shape s = { .rank = a->shape.rank > b->shape.rank ? a->shape.rank : b->shape.rank };
    for (int d = 0; d < s.rank - 2; d++) {
        const int at = BATCH - (s.rank - 2) + d;
        s.dim[d] = p->sum[at] ? 1 : common_dim(&a->shape, &b->shape, at);
    }
    s.dim[s.rank - 2] = a->shape.dim[a->shape.rank - 2];
    s.dim[s.rank - 1] = b->shape.dim[b->shape.rank - 1];
    return clg__call_node(&c, &op_matmul, a->dtype, &s, p);
}

static clg_tensor flip_last(clg_tensor t)
{
    return clg_transpose(t, -1, -2);
}

static int64_t rows_of(const clg_shape *s)
{
    int64_t n = 1;
    for (int d = 0; d < s->rank - 1; d++) {
        if (__builtin_mul_overflow(n, s->dim[d], &n)) // of no columns
            return INT64_MAX;
    }
    return n;
}

static clg_tensor as_rows(clg_tensor t)
{
    return clg_reshape(t, CLG_SHAPE(rows_of(&t->shape), t->shape.dim[t->shape.rank - 1]));
}

// How t lies, also where it is another name of a view.
static clg__access access_of(clg_tensor t)
{
    const clg__node *n = clg__node_of(t);
    while (n->op->kind == CLG__ALIAS && !n->buf)
        n = n->in[0];
    return clg__tensor_access(&n->pub, NULL);
}

static bool is_column_major(clg_tensor t)
{
    const int last = t->shape.rank - 1;
    return access_of(t).stride[last] != 1 && t->shape.dim[last] > 1;
}

enum { MOST = INT32_MAX / 64 }; // of rows, columns and what is summed over

// Can it be seen in this shape as it lies? What is padded is copied anyway.
static bool lies_as(clg_tensor t, const clg_shape *to)
{
    clg__access g = access_of(t);
    return g.windowed || clg__access_reshape(&g, &t->shape, to);
}

static bool lies_as_rows(clg_tensor t)
{
    return lies_as(t, &CLG_SHAPE(rows_of(&t->shape), t->shape.dim[t->shape.rank - 1]));
}

// x times y, summed over the batch where an operand of shape `of` is repeated: its cotangent. Only where that is too
// much to sum over in one product the reverse sweep adds the batch.
static clg_tensor cotangent(clg_tensor x, clg_tensor y, const clg_shape *of)
{
    params p = { { false } };
    int64_t sums = x->shape.dim[x->shape.rank - 1];
    bool fits = true;
    for (int d = 0; d < BATCH && x->status >= 0 && y->status >= 0; d++) {
        const int64_t n = common_dim(&x->shape, &y->shape, d);
        p.sum[d] = batch_dim(of, d) == 1 && n != 1;
        fits &= !p.sum[d] || (!__builtin_mul_overflow(sums, n, &sums) && sums <= MOST);
    }
    if (!fits)
        return product(x, y, &(params) { { false } });
    const clg_tensor t = product(x, y, &p);
    clg_shape s = t->shape;
    if (s.rank == of->rank)
        return t;
    s.dim[0] = s.dim[s.rank - 2];
    s.dim[1] = s.dim[s.rank - 1];
    s.rank = 2;
    return clg_reshape(t, s); // one matrix for all
}

// The cotangent of a column-major operand comes column-major, so that what undoes the transpose gets contiguous
// memory. What is shared by a batch gets the sum over all its rows, as one product.
static clg_tensor matmul_vjp(const clg__vjp *v, int i)
{
    clg_tensor a = v->in[0], b = v->in[1], g = v->g;
    const bool shared = b->shape.rank < a->shape.rank, column = is_column_major(v->in[i]);
    const clg_shape *of = &v->in[i]->shape;
    if (i == 0)
        return column && !shared ? flip_last(cotangent(b, flip_last(g), of)) : cotangent(g, flip_last(b), of);
    if (shared && rows_of(&a->shape) <= MOST && lies_as_rows(a) && lies_as_rows(g)) {
        a = as_rows(a);
        g = as_rows(g);
    }
    return column ? flip_last(cotangent(flip_last(g), a, of)) : cotangent(flip_last(a), g, of);
}

static clg_shape batch_of(clg_tensor t)
{
    clg_shape s = t->shape;
    s.rank -= 2;
    return s;
}

static clg_tensor expand_batch(clg_tensor t, const clg_shape *batch)
{
    clg_shape full = *batch;
    full.dim[full.rank++] = t->shape.dim[t->shape.rank - 2];
    full.dim[full.rank++] = t->shape.dim[t->shape.rank - 1];
    return clg_expand(t, full);
}

static clg_shape without(const clg_shape *s, int d) // joined with the next
{
    clg_shape out = { .rank = s->rank - 1 };
    for (int k = 0; k < out.rank; k++)
        out.dim[k] = s->dim[k < d ? k : k + 1] * (k == d ? s->dim[d] : 1);
    return out;
}

static clg_tensor with_rank(clg_tensor t, int rank)
{
    clg_shape s = { .rank = rank };
    for (int d = 0, more = rank - t->shape.rank; d < rank; d++)
        s.dim[d] = d < more ? 1 : t->shape.dim[d - more];
    return clg_reshape(t, s);
}

// The batch in as many dimensions as the node has, joined where both operands lie so.
static clg_tensor batched(clg_tensor x, clg_tensor y)
{
    const params none = { { false } };
    while (x->status >= 0 && y->status >= 0 && x->shape.rank > BATCH + 2) {
        const bool shared = y->shape.rank == 2;
        int d = 0;
        for (int k = 0; k + 3 < x->shape.rank; k++) {
            const clg_shape a = without(&x->shape, k), b = shared ? y->shape : without(&y->shape, k);
            if (lies_as(x, &a) && lies_as(y, &b)) {
                d = k;
                break;
            }
        }
        x = clg_reshape(x, without(&x->shape, d));
        y = shared ? y : clg_reshape(y, without(&y->shape, d));
    }
    return product(x, y, &none);
}

// x times y, batches broadcast to `batch`. One matrix for all rows makes one product of all rows, where
// they lie one after another; else every batch finds its rows by strides.
static clg_tensor multiply(clg_tensor x, clg_tensor y, const clg_shape *batch)
{
    const clg_shape own = batch_of(y);
    if (clg_numel(own) != 1 && batch->rank <= BATCH) // what is repeated stays so
        return batched(with_rank(x, batch->rank + 2), with_rank(y, batch->rank + 2));
    if (clg_numel(own) != 1)
        return batched(expand_batch(x, batch), expand_batch(y, batch));
    y = clg_reshape(y, CLG_SHAPE(y->shape.dim[own.rank], y->shape.dim[own.rank + 1]));
    const clg_shape rows = CLG_SHAPE(rows_of(&x->shape), x->shape.dim[x->shape.rank - 1]);
    if (x->shape.rank > 2 && rows.dim[0] <= MOST && lies_as(x, &rows))
        x = as_rows(x);
    return batched(x, y);
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
    const clg_dtype in_type = clg__dtype_of(t)->products;
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
        if (m->shape.dim[m->shape.rank - 1] > MOST ||
            m->shape.dim[m->shape.rank - 2] > MOST)
            return clg__call_fail(&c, CLG_ESHAPE, "a dimension is larger than %d", MOST);
    }
    clg_tensor out = clg_cast(multiply(x, y, &batch), t);
    if (out->status < 0)
        return clg__call_own(&c, out);
    clg_shape s = batch;
    if (!va)
        s.dim[s.rank++] = x->shape.dim[x->shape.rank - 2];
    if (!vb)
        s.dim[s.rank++] = y->shape.dim[y->shape.rank - 1];
    return clg__call_own(&c, clg_reshape(out, s));
}
