// SPDX-License-Identifier: MIT
// Which kernel a matrix product gets, its sizes, and those of the GPU class: cl/gemm_gpu.cl, or CLBlast. The CPU class:
// matmul_cpu.c.
#include "ops/matmul.h"

enum { BATCH = CLG__MATMUL_BATCH };

int64_t clg__matmul_dim(const clg_shape *s, int d)
{
    const int at = s->rank - (BATCH + 2) + d;
    return at < 0 ? 1 : s->dim[at];
}

int64_t clg__matmul_common_dim(const clg_shape *a, const clg_shape *b, int d)
{
    return clg__matmul_dim(a, d) == 1 ? clg__matmul_dim(b, d) : clg__matmul_dim(a, d);
}

clg__matmul clg__matmul_sizes(const clg__kernel_call *c)
{
    const clg_shape *s = c->out_shape;
    const clg__matmul_params *p = c->params;
    clg__matmul z = { .b = 1, .sums = 1, .m = (int) s->dim[s->rank - 2], .n = (int) s->dim[s->rank - 1],
                .k = (int) c->in_shape[0].dim[c->in_shape[0].rank - 1] };
    for (int d = 0; d < BATCH; d++) {
        z.all[d] = clg__matmul_common_dim(&c->in_shape[0], &c->in_shape[1], d);
        z.sum[d] = p->sum[d];
        z.batch[d] = z.sum[d] ? 1 : z.all[d];
        z.b *= z.batch[d];
        z.sums *= z.sum[d] ? z.all[d] : 1;
    }
    if (p->flat) {
        z.flat = z.n;
        z.n *= (int) z.b;
        z.b = 1;
        for (int d = 0; d < BATCH; d++)
            z.batch[d] = 1;
    }
    return z;
}

void clg__matmul_strides(const clg__kernel_call *c, int i, int64_t to[BATCH + 2])
{
    const clg_shape *s = &c->in_shape[i];
    for (int d = 0; d < BATCH + 2; d++) {
        const int at = s->rank - (BATCH + 2) + d;
        to[d] = at < 0 || (d < BATCH && s->dim[at] == 1) ? 0 : c->in_access[i].stride[at];
    }
}

void clg__matmul_result(const clg__kernel_call *c, int64_t to[BATCH + 1])
{
    for (int d = 0; d < BATCH + 1; d++) {
        const int at = c->out_shape->rank - (BATCH + 2) + d;
        to[d] = at < 0 ? 0 : c->out_access->stride[at];
    }
}

size_t clg__matmul_up(int64_t a, int64_t b)
{
    return (size_t) ((a + b - 1) / b);
}

bool clg__matmul_empty(const clg__matmul *s)
{
    return s->b == 0 || s->m == 0 || s->n == 0;
}

uint64_t clg__matmul_flops(const clg__matmul *s)
{
    return 2ull * (uint64_t) (s->b * s->sums) * (uint64_t) s->m * (uint64_t) s->n * (uint64_t) s->k;
}

static const char *accepts_gpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? "for GPU-class devices" : NULL;
}

enum { SIDE, DEEP };
static const clg__param gpu_params[] = { { "side", "of a work-group, 4 results an item and side", 1, 16, true },
                                         { "deep", "columns of A in local memory", 4, 32, true } };

static void plan_gpu(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__matmul s = clg__matmul_sizes(c);
    if (clg__matmul_empty(&s))
        return;
    clg__launch *l = clg__kplan_kernel(p, "gemm_gpu", "gemm");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__define_mad(p, l, c->out_dtype[0], false);
    int64_t a[BATCH + 2], b[BATCH + 2], out[BATCH + 1];
    clg__matmul_strides(c, 0, a);
    clg__matmul_strides(c, 1, b);
    clg__matmul_result(c, out);
    clg__arg_buffers(p, l, 2, 1);
    CLG__ARG_BLOCK(p, l, "GEMM", { "a_s0", a[0], true }, { "a_s1", a[1], true }, { "a_s2", a[2], true },
                   { "a_sm", a[3], true }, { "a_sk", a[4], true }, { "b_s0", b[0], true }, { "b_s1", b[1], true },
                   { "b_s2", b[2], true }, { "b_sk", b[3], true }, { "b_sn", b[4], true }, { "c_s0", out[0], true },
                   { "c_s1", out[1], true }, { "c_s2", out[2], true }, { "c_sm", out[3], true },
                   { "n1", s.batch[1], true }, { "n2", s.batch[2], true }, { "sums", s.sums, true },
                   { "k1", s.sum[1] ? s.all[1] : 1, true }, { "k2", s.sum[2] ? s.all[2] : 1, true },
                   { "M", s.m, false }, { "N", s.n, false }, { "K", s.k, false });
    clg__arg_epilogue(p, l);
    const int side = clg__kplan_side(clg__param_or(c, SIDE, 16), c->caps->max_work_group, true);
    // of f64 16 would be more than 32 KiB of local memory
    const int deep = clg__param_or(c, DEEP, clg__acc_size(c->out_dtype[0]) == 8 ? 8 : 16);
    if (side < 16)
        clg__kplan_define(p, l, "SIDE", "%d", side);
    if (deep != 16)
        clg__kplan_define(p, l, "DEEP", "%d", deep);
    clg__kplan_grid(l, clg__matmul_up(s.n, 4 * side) * clg__matmul_up(s.m, 4 * side) * (size_t) s.b, 1, 1, (size_t) side,
                    (size_t) side, 1);
    p->flops += clg__matmul_flops(&s);
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
    const clg__matmul s = clg__matmul_sizes(c);
    if (s.b != 1 || s.sums != 1 || clg__matmul_empty(&s) || s.k == 0)
        return "batched or empty";
    for (int i = 0; i < 2; i++) {
        if (!leading(c, i, &t))
            return "strides in both dimensions";
    }
    return NULL;
}

static void plan_blas(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__matmul s = clg__matmul_sizes(c);
    clg__launch *l = clg__kplan_kernel(p, NULL, "clblast");
    bool ta, tb;
    const int64_t lda = leading(c, 0, &ta), ldb = leading(c, 1, &tb);
    l->blas = (clg__blas) { .used = true, .ta = ta, .tb = tb, .dtype = c->out_dtype[0],
                            .m = (size_t) s.m, .n = (size_t) s.n, .k = (size_t) s.k,
                            .lda = (size_t) lda, .ldb = (size_t) ldb, .ldc = (size_t) s.n };
    p->flops += 2ull * (uint64_t) s.m * (uint64_t) s.n * (uint64_t) s.k;
}

const clg__variant clg__matmul_variants[] = {
    { "clblast", accepts_blas, plan_blas, false },
    { "cpu_thin", clg__matmul_accepts_thin, clg__matmul_thin, true, clg__matmul_thin_params, CLG__MATMUL_THIN_PARAMS },
    { "cpu_tile", clg__matmul_accepts_tile, clg__matmul_tile, true, clg__matmul_tile_params, CLG__MATMUL_CPU_PARAMS },
    { "cpu_packed", clg__matmul_accepts_packed, clg__matmul_packed, true, clg__matmul_packed_params,
      CLG__MATMUL_CPU_PARAMS },
    { "gpu_tiled", accepts_gpu, plan_gpu, true, gpu_params, 2 },
};
