// SPDX-License-Identifier: MIT
// Matrix product, batched: what it records, and its derivative. Its kernels: matmul_plan.c, matmul_cpu.c.
#include "ops/matmul.h"
#include "graph/node.h"
#include "ops/registry.h"
#include <clgrad/ops.h>

enum { BATCH = CLG__MATMUL_BATCH };
typedef clg__matmul_params params;

static void write_key(const void *p, clg__key *k)
{
    for (int d = 0; d < BATCH; d++)
        clg__key_i64(k, ((const params *) p)->sum[d]);
}

static clg_tensor matmul_vjp(const clg__vjp *v, int i);

static const clg__op op_matmul = { .name = "matmul", .kind = CLG__KERNEL, .vjp = matmul_vjp, .key = write_key,
                                   .params_bytes = sizeof(params),
                                   .variants = clg__matmul_variants, .n_variants = CLG__MATMUL_VARIANTS, .strided_inputs = 3,
                                   .row_axis_from_end = 2, .strided_output = true,
                                   .variants_agree = true };

const clg__op *const clg__matmul_ops[] = { &op_matmul, NULL };

static clg_tensor product(clg_tensor a, clg_tensor b, const params *p)
{
    clg__call c;
    clg_tensor in[2] = { a, b };
    if (!clg__call_begin(&c, "matmul", "a b", 2, in))
        return clg__call_poison(&c);
    clg_shape s = { .rank = a->shape.rank > b->shape.rank ? a->shape.rank : b->shape.rank };
    for (int d = 0; d < s.rank - 2; d++) {
        const int at = BATCH - (s.rank - 2) + d;
        s.dim[d] = p->sum[at] ? 1 : clg__matmul_common_dim(&a->shape, &b->shape, at);
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
        const int64_t n = clg__matmul_common_dim(&x->shape, &y->shape, d);
        p.sum[d] = clg__matmul_dim(of, d) == 1 && n != 1;
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
    a = clg_autocast_input("matmul", a);
    b = clg_autocast_input("matmul", b);
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
