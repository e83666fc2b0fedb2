// SPDX-License-Identifier: MIT
// The frame of a generated kernel: parameters, geometry, index arithmetic.
#include "codegen/reduce.h"

#include "base/alloc.h"

int clg__geo_add(clg__kplan *p, int64_t v)
{
    return clg__kplan_geo(p, v);
}

// The offset of an operand, with what of it differs from run to run.
static void add_offset(clg__gen *n, int k)
{
    const clg__operand *o = &n->body->operands[k];
    const int at = clg__geo_add(n->p, n->s.access[k].offset);
    clg__kplan_moves(n->p, at, o->origin, 1);
    clg__kplan_moves(n->p, at, o->access.at, 1);
    for (int d = 0; d < n->body->shape.rank && o->access.windowed; d++)
        clg__kplan_moves(n->p, at, o->access.begins[d], -o->access.stride[d]);
}

// Per operand: offset, strides, and the window where there is one; counted from the body's start.
void clg__geo_body(clg__gen *n)
{
    const int start = n->p->n_geo;
    const clg__space *s = &n->s;
    n->dims_at = 0;
    for (int d = 0; d < s->rank; d++)
        clg__geo_add(n->p, s->dim[d]);
    for (int k = 0; k < n->body->n_operands; k++) {
        n->geo_at[k] = n->p->n_geo - start;
        if (n->body->operands[k].kind == CLG__FROM_SCALAR)
            continue;
        add_offset(n, k);
        for (int d = 0; d < s->rank; d++)
            clg__geo_add(n->p, s->access[k].stride[d]);
        for (int d = 0; d < s->rank && s->access[k].windowed; d++) {
            clg__kplan_moves(n->p, clg__geo_add(n->p, s->access[k].lo[d]), s->access[k].begins[d], 1);
            clg__kplan_moves(n->p, clg__geo_add(n->p, s->access[k].hi[d]), s->access[k].begins[d], 1);
        }
    }
}

static void operand_param(clg__str *out, const clg__operand *o, int k, const char *prefix,
                          bool scalars, const char *r)
{
    if (o->kind == CLG__FROM_BUFFER)
        clg__str_printf(out, ", global const %s *%s%sb%d", clg__memory(o->dtype), r, prefix, k);
    else if (o->kind == CLG__FROM_SCALAR && scalars)
        clg__str_printf(out, ", const %s x%d", clg__register(o->dtype), k);
    else if (o->kind == CLG__FROM_RANDOM && scalars)
        clg__str_printf(out, ", const ulong seed%d, const ulong counter%d", k, k);
}

// restrict stands on kernels alone: simulators do not know what inlining makes of it elsewhere
void clg__gen_params(clg__str *out, const clg__body *body, const char *prefix, bool scalars, bool kernel)
{
    const char *r = kernel ? "restrict " : "";
    for (int k = 0; k < body->n_operands; k++)
        operand_param(out, &body->operands[k], k, prefix, scalars, r);
    for (int i = 0; i < body->n_outputs; i++)
        clg__str_printf(out, ", global %s *%s%sq%d", clg__memory(body->outputs[i].dtype), r,
                        prefix, i);
}

void clg__gen_args(clg__kplan *p, clg__launch *l, const clg__body *body, bool scalars)
{
    for (int k = 0; k < body->n_operands; k++) {
        const clg__operand *o = &body->operands[k];
        if (o->kind == CLG__FROM_BUFFER)
            clg__arg_in(p, l, o->input);
        else if (o->kind == CLG__FROM_SCALAR && scalars)
            clg__arg_scalar(p, l, o->input, o->dtype);
        else if (o->kind == CLG__FROM_RANDOM && scalars)
            clg__arg_seed(p, l, o->input);
    }
    for (int i = 0; i < body->n_outputs; i++)
        clg__arg_out(p, l, body->outputs[i].output);
}

// i{d} of the listed dimensions from a row-major linear index; the numbers of dimensions are in g[].
void clg__gen_decompose(clg__gen *n, const char *linear, const int *dims, int n_dims)
{
    if (n_dims == 1) {
        clg__str_printf(&n->text, "const long i%d = %s;\n", dims[0], linear);
        return;
    }
    for (int k = n_dims - 1; k >= 0; k--) {
        const int d = dims[k];
        if (k == n_dims - 1)
            clg__str_printf(&n->text, "long rest%d = %s;\n", dims[0], linear);
        if (k == 0)
            clg__str_printf(&n->text, "const long i%d = rest%d;\n", d, dims[0]);
        else
            clg__str_printf(&n->text, "const long i%d = rest%d %% g[%d];\nrest%d /= g[%d];\n", d,
                            dims[0], n->dims_at + d, dims[0], n->dims_at + d);
    }
}

void clg__gen_bases(clg__gen *n, int from_dim, int to_dim, bool (*skip)(const clg__gen *n, int k))
{
    const int last = n->s.rank - 1;
    for (int k = 0; k < n->body->n_operands; k++) {
        const clg__operand *o = &n->body->operands[k];
        const int at = n->geo_at[k];
        const bool windowed = n->s.access[k].windowed;
        if (o->kind == CLG__FROM_SCALAR || (skip && skip(n, k)))
            continue;
        if (o->kind == CLG__FROM_BUFFER)
            clg__str_printf(&n->text, "global const %s *p%d = b%d + (g[%d]",
                            clg__memory(o->dtype), k, k, at);
        else
            clg__str_printf(&n->text, "const long p%d = (g[%d]", k, at);
        for (int d = from_dim; d < to_dim; d++) {
            if (n->s.access[k].stride[d] != 0)
                clg__str_printf(&n->text, " + i%d * g[%d]", d, at + 1 + d);
        }
        clg__str_printf(&n->text, ");\nconst long s%d = g[%d];\n", k, at + 1 + last);
        if (!windowed)
            continue;
        const int w = at + 1 + n->s.rank;
        clg__str_printf(&n->text, "const long lo%d = g[%d], hi%d = g[%d];\nconst int w%d = 1", k,
                        w + 2 * last, k, w + 2 * last + 1, k);
        for (int d = from_dim; d < to_dim; d++)
            clg__str_printf(&n->text, " && i%d >= g[%d] && i%d < g[%d]", d, w + 2 * d, d,
                            w + 2 * d + 1);
        clg__str_add(&n->text, ";\n");
    }
}

clg_status clg__codegen(const clg__body *const *bodies, int n, const clg__caps *caps,
                        clg__kplan *p)
{
    const bool reduce = bodies[0]->n_reductions > 0;
    if (reduce && n > 1)
        return clg__fail(&p->err, CLG_EINVAL, "codegen: several reductions in one launch");
    if (reduce)
        return clg__gen_reduce(bodies[0], caps, p);
    return clg__gen_pointwise(bodies, n, caps, p);
}

enum { SHORT = 15 }; // the longest row that is one vector in part

// Few results of many rows, as of a bias: fewer rows are not packed (reduce_analysis.c).
static bool fewer_rows(const clg__body *body, int d, clg__body *out)
{
    int64_t rows = 1, narrow = 1;
    for (int k = d; k < body->shape.rank; k++) {
        if (body->reduced[k] && narrow > 1)
            return false;
        rows *= body->reduced[k] ? body->shape.dim[k] : 1;
        narrow *= body->reduced[k] ? 1 : body->shape.dim[k];
    }
    if (!body->reduced[d] || !clg__red_packs(rows, narrow, 1))
        return false;
    *out = *body;
    out->shape.dim[d] = (CLG__PACKED_LEAST / narrow - 1) / (rows / body->shape.dim[d]);
    return out->shape.dim[d] > 1;
}

bool clg__codegen_short(const clg__body *body, const clg__caps *caps, clg__body *out)
{
    int d = 0;
    int64_t rest = 1;
    while (d < body->shape.rank && body->shape.dim[d] == 1)
        d++;
    for (int k = d + 1; k < body->shape.rank; k++)
        rest *= body->shape.dim[k];
    if (caps->cpu_class && d < body->shape.rank && body->n_reductions > 0 && fewer_rows(body, d, out))
        return true;
    // at least two of the smaller batch: of size 1 the dimension would vanish
    if (!caps->cpu_class || d == body->shape.rank || rest < 1 || rest > SHORT / 2 ||
        body->shape.dim[d] * rest <= SHORT)
        return false;
    *out = *body;
    out->shape.dim[d] = SHORT / rest;
    return true;
}
