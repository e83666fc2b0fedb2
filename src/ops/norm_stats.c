// SPDX-License-Identifier: MIT
// Mean and variance of groups in one pass over memory: a kernel op (cl/norm_stats_cpu.cl, cl/norm_stats_gpu.cl). ops/norm.c says what is made of
// them and has their derivatives.
#include "graph/build.h"
#include "graph/node.h"
#include "ops/element.h"
#include "ops/norm.h"
#include "ops/registry.h"

#include <string.h>

// Elements of a chunk; a group is shared where there are fewer than FEW, in parts of MANY chunks or more. CPU class: rows
// up to SHORT elements go sixteen at a time.
enum { CHUNK = 4096, FEW = 64, MANY = 4, GPU_ITEMS = 64, SHORT = 32 };

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

// Chunks are `runs` pieces of `length` elements of [outer, inner]; those of the GPU class are parts.
typedef struct division {
    int64_t outer, groups, inner, chunks, pieces, runs, length, parts;
    bool few; // CPU class: rows by norm_stats_short.cl
} division;

static division divide(const clg__kernel_call *c)
{
    const clg_shape *s = &c->in_shape[0];
    division d = { .outer = s->dim[0], .groups = s->dim[1], .inner = s->dim[2] };
    const int64_t few = d.groups < FEW ? div_up(FEW, d.groups) : 1, all = d.outer * d.inner;
    const bool cpu = c->caps->cpu_class;
    d.few = cpu && d.outer == 1 && d.inner <= SHORT;
    const int64_t size = cpu ? CHUNK : at_least(div_up(all, few), at_most(all, CHUNK * MANY));
    d.length = at_most(d.inner, size);
    d.runs = at_most(d.outer, at_least(size / d.length, 1));
    d.pieces = div_up(d.inner, d.length);
    d.chunks = d.pieces * div_up(d.outer, d.runs);
    d.parts = cpu ? at_least(at_most(few, d.chunks / MANY), 1) : d.chunks;
    return d;
}

static void add_kernel(const clg__kernel_call *c, clg__kplan *p, const division *d, const char *entry, int some,
                       int64_t units)
{
    const bool cpu = c->caps->cpu_class, join = strcmp(entry, "norm_join") == 0, twice = clg__acc_size(c->in_dtype[0]) == 8;
    const clg__norm *n = c->params;
    const int items = cpu ? 1 : clg__kplan_side(GPU_ITEMS, c->caps->max_work_group, false);
    const char *file = d->few ? "norm_stats_short" : cpu ? "norm_stats_cpu" : "norm_stats_gpu";
    clg__launch *l = clg__kplan_kernel(p, file, entry);
    clg__define_element(p, l, c->in_dtype[0]);
    if (d->few)
        clg__define_short_rows(p, l, c->in_dtype[0], SHORT, d->inner);
    if (!cpu)
        clg__kplan_define(p, l, "ITEMS", "%d", items);
    if (n->centred)
        clg__kplan_define(p, l, "CENTRED", "1");
    clg__kplan_define(p, l, "EPS", twice ? "as_double(eps_bits)" : "as_float((int)eps_bits)");
    clg__kplan_define(p, l, "TINY", twice ? "1e-290" : "1e-30f");
    const float narrow = (float) n->eps;
    int64_t bits = 0;
    int32_t few = 0;
    memcpy(&bits, &n->eps, sizeof bits);
    memcpy(&few, &narrow, sizeof few);
    clg__arg_buffers(p, l, 1, n->centred ? 4 : 2);
    clg__arg_temp(p, l, some);
    CLG__ARG_BLOCK(p, l, "GROUPS", { "outer", d->outer, true }, { "groups", d->groups, true },
                   { "inner", d->inner, true }, { "chunks", d->chunks, true }, { "pieces", d->pieces, true },
                   { "runs", d->runs, true }, { "length", d->length, true }, { "parts", d->parts, false },
                   { "eps_bits", twice ? bits : few, true });
    if (join)
        clg__kplan_items(l, d->groups);
    else
        clg__kplan_grid(l, (size_t) units, 1, 1, (size_t) items, 1, 1);
}

static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    const clg_shape *s = &c->in_shape[0];
    if (s->dim[1] == 0) // nothing is recorded of groups without elements
        return;
    const division d = divide(c);
    const int some = clg__kplan_temp(p, (size_t) (d.parts > 1 ? 3 * d.groups * d.parts : 1) * clg__acc_size(c->in_dtype[0]));
    const int64_t units = d.groups * d.parts, all = d.groups * d.outer * d.inner;
    const int64_t wanted = at_most(all / CHUNK + 1, 4 * c->caps->compute_units);
    const int64_t usual = clg__param_or(c, 0, (int) wanted);
    const int64_t most = d.few ? div_up(units, CLG__VL) : units;
    add_kernel(c, p, &d, d.few ? "norm_stats_short" : "norm_stats", some, c->caps->cpu_class ? at_most(usual, most) : units);
    if (d.parts > 1)
        add_kernel(c, p, &d, "norm_join", some, 0);
}

static const char *accepts_cpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? NULL : "for CPU-class devices";
}

static const char *accepts_gpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? "for GPU-class devices" : NULL;
}

static void key(const void *params, clg__key *k)
{
    const clg__norm *n = params;
    clg__key_f64(k, n->eps);
    clg__key_i64(k, n->centred);
}

static const clg__param cpu_params[] = { { "groups", "work-groups", 1, 4096, false } };
static const clg__variant variants[] = { { "cpu_groups", accepts_cpu, plan, false, cpu_params, 1 },
                                         { "gpu_groups", accepts_gpu, plan, false } };
static const clg__op op_stats = { .name = "norm_stats", .kind = CLG__KERNEL, .params_bytes = sizeof(clg__norm), .key = key,
                                  .variants = variants, .n_variants = 2 };
const clg__op *const clg__norm_ops[] = { &op_stats, NULL };

bool clg__norm_has_stats(clg_tensor x, const clg__norm *p)
{
    return p->outer > 0 && p->inner >= (p->outer == 1 && x->dev->caps->cpu_class ? 1 : CLG__VL);
}

void clg__norm_stats(clg_tensor x, const clg__norm *p, clg_tensor out[4])
{
    clg__call c;
    const clg_dtype t = clg__dtype_of(x->dtype)->as, types[4] = { t, t, t, t };
    const clg_shape s = CLG_SHAPE(1, p->groups, 1), shapes[4] = { s, s, s, s };
    if (!clg__call_begin(&c, "norm_stats", "x", 1, &x)) {
        out[0] = out[1] = out[2] = out[3] = clg__call_poison(&c);
        return;
    }
    clg__call_node_n(&c, &op_stats, p->centred ? 4 : 2, types, shapes, p, out);
}
