// SPDX-License-Identifier: MIT
// Which kernels attention gets, and with what: cl/attention_cpu.cl, cl/attention_back_cpu.cl, cl/attention_gpu.cl.
#include "ops/attention.h"

#include "ops/element.h"
#include "ops/tile.h"

#include <math.h>
#include <string.h>

// KEYS: of a block, where a row of k and v has at most ROOM bytes, else half as many, which changes bits, so it follows from
// the shape. EACH: rows of a work-group.
enum { VL = CLG__VL, KEYS = 96, EACH = 96, ROOM = 1280, GPU_SIDE = 16, GPU_LEAST = 4 };

typedef struct sizes {
    int64_t batch, heads, group, queries, keys, depth, width, rows, deep, wide;
    size_t e; // bytes of an element in registers
} sizes;

static int64_t up(int64_t a, int64_t b)
{
    return (a + b - 1) / b * b;
}

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static sizes sizes_of(clg_dtype t, const clg_shape *q, const clg_shape *k, const clg_shape *v)
{
    sizes s = { .batch = q->dim[0] * q->dim[1], .heads = q->dim[1], .group = q->dim[2], .queries = q->dim[3],
                .keys = k->dim[3], .depth = q->dim[4], .width = v->dim[4], .e = clg__acc_size(t) };
    s.rows = s.group * s.queries;
    s.deep = up(s.depth, VL);
    s.wide = up(s.width, VL);
    return s;
}

static int keys_of(const sizes *s)
{
    return (s->deep + s->wide) * (int64_t) s->e <= ROOM ? KEYS : KEYS / 2;
}

// A tile whose rows divide the keys of a block, which are rows of dk and dv.
static clg__tile tile_of(const clg__caps *caps, const sizes *s)
{
    clg__tile t = clg__tile_fit(caps, s->e, (clg__tile) { 8, s->e == 8 ? 2 : 3 });
    while (KEYS / 2 % t.rows)
        t.rows--;
    return t;
}

// Elements of local memory for `each` rows.
static int64_t forward_local(const sizes *s, int64_t each)
{
    const int64_t keys = keys_of(s);
    return each * (s->deep + s->wide + VL + 1) + VL * keys + keys * (s->deep + at_least(s->deep, s->wide));
}

static int64_t back_local(const sizes *s, int64_t each)
{
    const int64_t keys = keys_of(s);
    return keys * (3 * s->deep + 2 * s->wide) + each * (2 * s->deep + s->wide + 2 * keys + 1) + VL * keys;
}

static int64_t gpu_local(const sizes *s, int64_t side)
{
    const int64_t deep = s->depth | 1, wide = s->width | 1;
    return side * (3 * deep + 3 * wide + 2 * (side + 1) + 3);
}

static int gpu_side(const clg__caps *caps, const sizes *s)
{
    for (int side = clg__kplan_side(GPU_SIDE, caps->max_work_group, true); side >= GPU_LEAST; side /= 2) {
        if (gpu_local(s, side) * (int64_t) s->e <= (int64_t) caps->local_bytes)
            return side;
    }
    return 0;
}

// Rows of a work-group: whole tiles, evenly, groups enough for the cores, and what fits.
static int64_t each_of(const clg__caps *caps, const sizes *s, int64_t (*local)(const sizes *, int64_t), bool alone)
{
    const int64_t mr = tile_of(caps, s).rows, want = alone ? 1 : 4 * caps->compute_units;
    int64_t blocks = at_least((s->rows + EACH - 1) / EACH, (want + s->batch - 1) / at_least(s->batch, 1));
    blocks = at_least(at_most(blocks, s->rows / (2 * mr)), 1);
    int64_t each = up((s->rows + blocks - 1) / blocks, mr);
    while (each > mr && local(s, each) * (int64_t) s->e > (int64_t) caps->local_bytes)
        each = up(each / 2, mr);
    return each;
}

bool clg__attention_is_fused(const clg__caps *caps, clg_dtype t, const clg_shape *q, const clg_shape *k, const clg_shape *v)
{
    enum { MANY = INT32_MAX / 8 };
    const sizes s = sizes_of(t, q, k, v);
    if (s.batch == 0 || s.rows == 0 || s.keys == 0 || s.depth == 0 || s.width == 0)
        return false;
    if (s.rows > MANY || s.keys > MANY || s.depth > MANY || s.width > MANY || s.batch > MANY)
        return false;
    if (!caps->cpu_class)
        return gpu_side(caps, &s) > 0;
    return back_local(&s, tile_of(caps, &s).rows) * (int64_t) s.e <= (int64_t) caps->local_bytes;
}

static int64_t bits(double v, bool twice)
{
    const float narrow = (float) v;
    int64_t wide = 0;
    int32_t few = 0;
    memcpy(&wide, &v, sizeof wide);
    memcpy(&few, &narrow, sizeof few);
    return twice ? wide : few;
}

static const clg__attention *params_of(const clg__kernel_call *c)
{
    return c->params;
}

static int n_attended(const clg__kernel_call *c)
{
    return 3 + (params_of(c)->mask != CLG__NO_MASK) + (params_of(c)->dropout > 0);
}

static sizes sizes_in(const clg__kernel_call *c)
{
    return sizes_of(c->in_dtype[0], &c->in_shape[0], &c->in_shape[1], &c->in_shape[2]);
}

static clg__launch *launch(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry)
{
    const clg__attention *a = c->params;
    const bool twice = clg__acc_size(c->in_dtype[0]) == 8;
    clg__launch *l = clg__kplan_kernel(p, file, entry);
    clg__define_element(p, l, c->in_dtype[0]);
    if (a->causal)
        clg__kplan_define(p, l, "CAUSAL", "1");
    if (a->mask == CLG__MASK_ADDED)
        clg__kplan_define(p, l, "MASK", "1");
    if (a->mask == CLG__MASK_BOOL) {
        clg__kplan_define(p, l, "MASK_BOOL", "1");
        clg__kplan_define(p, l, "MASK_VEC(x)", "convert_%s16(x)", twice ? "double" : "float");
    }
    if (a->dropout > 0) {
        clg__kplan_define(p, l, "DRAW", "1");
        clg__kplan_define(p, l, "FROM_UINT(x)", "convert_%s16(as_int16(x))", twice ? "double" : "float");
    }
    clg__kplan_define(p, l, "SCALE", twice ? "as_double(scale_bits)" : "as_float((int)scale_bits)");
    clg__kplan_define(p, l, "KEPT", twice ? "as_double(kept_bits)" : "as_float((int)kept_bits)");
    if (c->caps->cpu_class) {
        const sizes s = sizes_in(c);
        const clg__tile t = tile_of(c->caps, &s);
        clg__kplan_define(p, l, "MR", "%d", t.rows);
        clg__kplan_define(p, l, "NV", "%d", t.vectors);
        clg__kplan_define(p, l, "KEYS", "%d", keys_of(&s));
        if (!twice)
            clg__kplan_define(p, l, "EXP_F32", "1");
    } else {
        const sizes s = sizes_in(c);
        clg__kplan_define(p, l, "SIDE", "%d", gpu_side(c->caps, &s));
    }
    return l;
}

// each: rows of a work-group; slow: matrices of keys, for grids of one dimension.
static void finish(const clg__kernel_call *c, clg__kplan *p, clg__launch *l, int64_t each)
{
    const clg__attention *a = c->params;
    const sizes s = sizes_in(c);
    const int draw = n_attended(c) - 1, masked = a->mask != CLG__NO_MASK ? 3 : 0, g = c->n_in > draw + 1 ? c->n_in - 1 : 0;
    const int64_t *q = c->in_access[0].stride, *k = c->in_access[1].stride, *v = c->in_access[2].stride;
    const int64_t *m = c->in_access[masked].stride, *h = c->in_access[g].stride;
    const bool twice = s.e == 8;
    // An element is dropped where its draw, a whole number of 24 bits, is below what p is of 2^24.
    const int64_t least = (int64_t) ceil((double) (float) a->dropout * 16777216.0);
    CLG__ARG_TABLE(p, l, "ATTENTION", { "q_b", q[0], true }, { "q_h", q[1], true }, { "q_g", q[2], true },
                   { "q_l", q[3], true }, { "q_e", q[4], true }, { "k_b", k[0], true }, { "k_h", k[1], true },
                   { "k_s", k[3], true }, { "k_e", k[4], true }, { "v_b", v[0], true }, { "v_h", v[1], true },
                   { "v_s", v[3], true }, { "v_e", v[4], true }, { "m_b", m[0], true }, { "m_h", m[1], true },
                   { "m_g", m[2], true }, { "m_l", m[3], true }, { "m_s", m[4], true }, { "g_b", h[0], true },
                   { "g_h", h[1], true }, { "g_g", h[2], true }, { "g_l", h[3], true }, { "g_e", h[4], true },
                   { "scale_bits", bits(a->scale, twice), true },
                   { "kept_bits", bits(a->dropout < 1 ? 1 / (1 - a->dropout) : 0, twice), true },
                   { "heads", s.heads, false }, { "group", s.group, false }, { "queries", s.queries, false },
                   { "keys", s.keys, false }, { "depth", s.depth, false }, { "width", s.width, false },
                   { "each", each, false }, { "least", least, false }, { "slow", s.batch, false });
    if (a->dropout > 0)
        clg__arg_seed(p, l, draw);
}

static uint64_t flops(const sizes *s, bool causal, int products)
{
    const uint64_t all = 2 * (uint64_t) products * (uint64_t) s->batch * (uint64_t) s->rows * (uint64_t) s->keys *
                         (uint64_t) (s->depth + s->width) / 2;
    return causal ? all / 2 : all;
}

static void plan_cpu(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_in(c);
    const int64_t each = each_of(c->caps, &s, forward_local, false);
    clg__launch *l = launch(c, p, "attention_cpu", "attention");
    clg__arg_buffers(p, l, c->n_in, 3);
    clg__arg_local(p, l, (size_t) forward_local(&s, each) * s.e);
    finish(c, p, l, each);
    clg__kplan_grid(l, (size_t) ((s.rows + each - 1) / each), (size_t) s.batch, 1, 1, 1, 1);
    p->flops += flops(&s, params_of(c)->causal, 2);
}

// One work-group for each matrix of keys, where they are enough for the cores: five products instead of seven.
static void plan_back_cpu(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_in(c);
    const bool alone = s.batch >= 2 * c->caps->compute_units;
    const int64_t each = each_of(c->caps, &s, back_local, alone), blocks = (s.rows + each - 1) / each, keys = keys_of(&s);
    const int partial = clg__kplan_temp(p, (size_t) (s.batch * blocks * each * s.deep) * s.e);
    for (int which = alone ? 3 : 1; which <= (alone ? 3 : 2); which++) {
        clg__launch *l = launch(c, p, "attention_back_cpu", "attention_back");
        clg__arg_buffers(p, l, c->n_in, 3);
        clg__arg_temp(p, l, partial);
        clg__arg_local(p, l, (size_t) back_local(&s, each) * s.e);
        clg__arg_i32(p, l, which);
        finish(c, p, l, each);
        clg__kplan_grid(l, (size_t) (which == 1 ? blocks : which == 2 ? (s.keys + keys - 1) / keys : 1), (size_t) s.batch, 1, 1, 1, 1);
    }
    p->flops += flops(&s, params_of(c)->causal, 5);
}

static void plan_gpu(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_in(c);
    const int64_t side = gpu_side(c->caps, &s);
    clg__launch *l = launch(c, p, "attention_gpu", "attention");
    clg__arg_buffers(p, l, c->n_in, 3);
    clg__arg_local(p, l, (size_t) gpu_local(&s, side) * s.e);
    finish(c, p, l, side);
    clg__kplan_grid(l, (size_t) (s.batch * ((s.rows + side - 1) / side)), 1, 1, (size_t) (side * side), 1, 1);
    p->flops += flops(&s, params_of(c)->causal, 2);
}

static void plan_back_gpu(const clg__kernel_call *c, clg__kplan *p)
{
    const sizes s = sizes_in(c);
    const int64_t side = gpu_side(c->caps, &s);
    for (int which = 0; which < 2; which++) {
        const int64_t along = which ? s.keys : s.rows;
        clg__launch *l = launch(c, p, "attention_gpu", which ? "attention_dkv" : "attention_dq");
        clg__arg_buffers(p, l, c->n_in, 0);
        for (int i = which; i < (which ? 3 : 1); i++)
            clg__arg_out(p, l, i);
        clg__arg_local(p, l, (size_t) gpu_local(&s, side) * s.e);
        finish(c, p, l, side);
        clg__kplan_grid(l, (size_t) (s.batch * ((along + side - 1) / side)), 1, 1, (size_t) (side * side), 1, 1);
    }
    p->flops += flops(&s, params_of(c)->causal, 5);
}

static const char *accepts_cpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? NULL : "for CPU-class devices";
}

static const char *accepts_gpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? "for GPU-class devices" : NULL;
}

const clg__variant clg__attention_variants[] = { { "cpu_blocks", accepts_cpu, plan_cpu, false },
                                                 { "gpu_blocks", accepts_gpu, plan_gpu, false } };
const clg__variant clg__attention_back_variants[] = { { "cpu_blocks", accepts_cpu, plan_back_cpu, false },
                                                      { "gpu_blocks", accepts_gpu, plan_back_gpu, false } };
