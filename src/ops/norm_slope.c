// SPDX-License-Identifier: MIT
// The derivative of normalised rows for what was normalised, in one pass over memory: a kernel op of the CPU class
// (cl/norm_slope.cl, of short rows cl/norm_slope_short.cl). Elsewhere ops/norm.c has it as reductions and pointwise work.
#include "graph/build.h"
#include "graph/node.h"
#include "ops/element.h"
#include "ops/norm.h"
#include "ops/registry.h"

// Elements that are added up at a time; fewer rows than FEW are shared by reductions where they have MANY elements. Rows up
// to SHORT elements go sixteen at a time.
enum { CHUNK = 4096, FEW = 64, MANY = 1 << 18, SHORT = 16 };

typedef struct slope_params {
    bool centred, weight;
} slope_params;

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    const slope_params *s = c->params;
    const int64_t rows = c->out_shape->dim[1], n = c->out_shape->dim[2];
    if (rows * n == 0)
        return;
    const char *name = n <= SHORT ? "norm_slope_short" : "norm_slope";
    clg__launch *l = clg__kplan_kernel(p, name, name);
    clg__define_element(p, l, c->out_dtype[0]);
    if (n <= SHORT)
        clg__define_short_rows(p, l, c->out_dtype[0], SHORT, n);
    else
        clg__kplan_define(p, l, "CHUNK", "%d", CHUNK);
    if (s->centred)
        clg__kplan_define(p, l, "CENTRED", "1");
    if (s->weight)
        clg__kplan_define(p, l, "WEIGHT", "1");
    clg__arg_buffers(p, l, c->n_in, 1);
    CLG__ARG_BLOCK(p, l, "ROWS", { "rows", rows, true }, { "n", n, n > SHORT });
    const int64_t wanted = at_most(rows * n / CHUNK + 1, 4 * c->caps->compute_units);
    const int64_t most = n <= SHORT ? (rows + CLG__VL - 1) / CLG__VL : rows;
    clg__kplan_grid(l, (size_t) at_most(clg__param_or(c, 0, (int) wanted), most), 1, 1, 1, 1, 1);
}

static void key(const void *params, clg__key *k)
{
    const slope_params *s = params;
    clg__key_i64(k, s->centred);
    clg__key_i64(k, s->weight);
}

static const clg__param params[] = { { "groups", "work-groups", 1, 4096, false } };
static const clg__variant variants[] = { { "cpu_rows", NULL, plan, false, params, 1 } };
static const clg__op op_slope = { .name = "norm_slope", .kind = CLG__KERNEL, .params_bytes = sizeof(slope_params),
                                  .key = key, .variants = variants, .n_variants = 1 };
const clg__op *const clg__norm_slope_ops[] = { &op_slope, NULL };

bool clg__norm_has_slope(clg_tensor x, const clg__norm *p)
{
    return x->dev->caps->cpu_class && clg__norm_has_stats(x, p) && p->outer == 1 &&
           (p->groups >= FEW || p->groups * p->inner <= MANY);
}

clg_tensor clg__norm_slope(clg_tensor x, clg_tensor g, clg_tensor w, const clg__norm *p, clg_tensor mean, clg_tensor rest,
                           clg_tensor rstd)
{
    clg__call c;
    clg_tensor in[6] = { clg__wide(x), clg__wide(g) };
    int n = 2;
    if (p->centred) {
        in[n++] = mean;
        in[n++] = rest;
    }
    in[n++] = rstd;
    if (w)
        in[n++] = clg__wide(w);
    if (!clg__call_begin(&c, "norm_slope", NULL, n, in))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_slope, in[0]->dtype, &in[0]->shape, &(slope_params) { p->centred, w != NULL });
}
