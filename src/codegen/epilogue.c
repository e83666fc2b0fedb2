// SPDX-License-Identifier: MIT
// Pointwise work at the end of a matrix or convolution kernel, and its stores, as the macro EPI_STORE of its file.
#include "base/format.h"
#include "codegen/gen.h"

#include <string.h>

static const char *const load_text =
    "static inline T_@ NAME(epi_ld_@)(global const $M *p, int m)\n{\n    if (m >= 16)\n"
    "        return LD_@(p);\n    T_@ t = (T_@)(0);\n" CLG__EDGE
    "    for (int i = 0; i < m; i++)\n        ((E_@ *)&t)[i] = $G(p[i]);\n"
    "    return t;\n}\n";
static const char *const store_text =
    "static inline void NAME(epi_st_@)(T_@ v, global $M *p, int m)\n{\n    if (m >= 16) {\n"
    "        ST_@(v, p);\n        return;\n    }\n" CLG__EDGE
    "    for (int i = 0; i < m; i++)\n        p[i] = $P(((E_@ *)&v)[i]);\n}\n";

// Dimensions of the body: of the batch, then rows, then columns.
static int batch_rank(const clg__body *body)
{
    return body->shape.rank - 2;
}

// Where the numbers of the table stand: sizes of the batch's dimensions but the first; then for each buffer its
// offset, its steps along the batch, and along rows.
static int sizes_at(int d)
{
    return d - 1;
}

static int buffer_at(const clg__body *body, int i)
{
    return batch_rank(body) - 1 + i * (batch_rank(body) + 2);
}

static void add_buffer(clg__kplan *p, const clg__body *body, const clg__access *a)
{
    clg__geo_add(p, a->offset);
    for (int d = 0; d <= batch_rank(body); d++)
        clg__geo_add(p, body->shape.dim[d] > 1 ? a->stride[d] : 0);
}

// Indices i0.. along the batch. The batch does not change within a kernel's loops, where compilers take this out.
static void gen_batch(clg__gen *n)
{
    const int last = batch_rank(n->body) - 1;
    for (int d = last; d >= 0; d--) {
        clg__str_printf(&n->text, "const long i%d = batch", d);
        for (int k = last; k > d; k--)
            clg__str_printf(&n->text, " / g[%d]", sizes_at(k));
        if (d > 0)
            clg__str_printf(&n->text, " %% g[%d]", sizes_at(d));
        clg__str_add(&n->text, ";\n");
    }
}

// "const long oK = ...": the row's place in buffer i of the table.
static void gen_place(clg__gen *n, const char *name, int k, int i)
{
    const int at = buffer_at(n->body, i), batch = batch_rank(n->body);
    clg__str_printf(&n->text, "const long %s%d = g[%d]", name, k, at);
    for (int d = 0; d < batch; d++)
        clg__str_printf(&n->text, " + i%d * g[%d]", d, at + 1 + d);
    clg__str_printf(&n->text, " + row * g[%d];\n", at + 1 + batch);
}

static bool moves(const clg__body *body, const clg__operand *o)
{
    const int c = body->shape.rank - 1;
    return body->shape.dim[c] > 1 && o->access.stride[c] != 0;
}

static void gen_load(clg__gen *n, int k, int buffer)
{
    const clg__operand *o = &n->body->operands[k];
    const char *s = clg__suffix(o->dtype);
    char from[24];
    clg__need_type(n, o->dtype);
    if (o->kind == CLG__FROM_SCALAR) {
        clg__str_printf(&n->text, "const T_%s l%d = (T_%s)(x%d);\n", s, k, s, k);
        return;
    }
    gen_place(n, "at", k, buffer);
    if (!moves(n->body, o) || n->vec == 1) {
        clg__str_printf(&n->text, "const T_%s l%d = (T_%s)(%sb%d[at%d%s]%s);\n", s, k, s,
                        clg__convert("GET", o->dtype, from), k, k, moves(n->body, o) ? " + col" : "",
                        clg__converted(o->dtype));
        return;
    }
    clg__need_function(n, load_text, "epi_ld", o->dtype);
    clg__str_printf(&n->text, "const T_%s l%d = NAME(epi_ld_%s)(b%d + at%d + col, m);\n", s, k, s, k, k);
}

static void gen_store(clg__gen *n, int i, int buffer)
{
    const clg__output *o = &n->body->outputs[i];
    const char *s = clg__suffix(o->dtype);
    char put[24];
    clg__need_type(n, o->dtype);
    gen_place(n, "to", i, buffer);
    if (n->vec == 1) {
        clg__str_printf(&n->text, "q%d[to%d + col] = %sv%d%s;\n", i, i, clg__convert("PUT", o->dtype, put), o->insn,
                        clg__converted(o->dtype));
        return;
    }
    clg__need_function(n, store_text, "epi_st", o->dtype);
    clg__str_printf(&n->text, "NAME(epi_st_%s)(v%d, q%d + to%d + col, m);\n", s, o->insn, i, i);
}

// The kernel's parameters end with these: all outputs but the first, whose parameter the kernel has, then operands.
// Numbers are in a table, so that text does not name a shape.
static void parameters(clg__gen *n, clg__str *declare, clg__str *inner, clg__str *pass, clg__launch *l)
{
    const clg__body *body = n->body;
    clg__kplan *p = n->p;
    for (int i = 0; i < body->n_outputs; i++) {
        const char *e = clg__memory(body->outputs[i].dtype);
        clg__str_printf(inner, ", global %s *q%d", e, i);
        if (i == 0)
            continue;
        clg__str_printf(declare, ", global %s *restrict q%d", e, i);
        clg__str_printf(pass, ", q%d", i);
        clg__arg_out(p, l, body->outputs[i].output);
    }
    for (int k = 0; k < body->n_operands; k++) {
        const clg__operand *o = &body->operands[k];
        if (o->kind == CLG__FROM_SCALAR) {
            clg__str_printf(declare, ", const %s x%d", clg__register(o->dtype), k);
            clg__str_printf(inner, ", const %s x%d", clg__register(o->dtype), k);
            clg__str_printf(pass, ", x%d", k);
            clg__arg_scalar(p, l, o->input, o->dtype);
            continue;
        }
        clg__str_printf(declare, ", global const %s *restrict b%d", clg__memory(o->dtype), k);
        clg__str_printf(inner, ", global const %s *b%d", clg__memory(o->dtype), k);
        clg__str_printf(pass, ", b%d", k);
        clg__arg_in(p, l, o->input);
    }
    clg__str_add(declare, ", global const long *restrict epi");
    clg__str_add(inner, ", global const long *g");
    clg__str_add(pass, ", epi");
    clg__arg_geo(p, l);
}

static void gen_table(clg__gen *n, const clg__access *place)
{
    const clg__body *body = n->body;
    const clg__access whole = clg__access_contiguous(&body->shape);
    for (int d = 1; d < batch_rank(body); d++)
        clg__geo_add(n->p, body->shape.dim[d]);
    for (int k = 0; k < body->n_operands; k++) {
        if (body->operands[k].kind != CLG__FROM_SCALAR)
            add_buffer(n->p, body, &body->operands[k].access);
    }
    for (int i = 0; i < body->n_outputs; i++)
        add_buffer(n->p, body, place ? place : &whole);
}

static void gen_work(clg__gen *n, clg_dtype acc)
{
    const clg__body *body = n->body;
    int buffers = 0, buffer_of[CLG__BODY_OPERANDS];
    for (int k = 0; k < body->n_operands; k++)
        buffer_of[k] = body->operands[k].kind == CLG__FROM_SCALAR ? -1 : buffers++;
    gen_batch(n);
    for (int i = 0; i < body->n_insns; i++) {
        const clg__insn *in = &body->insns[i];
        if (in->kind == CLG__I_REDUCED) {
            char round[24];
            clg__str_printf(&n->text, "const T_%s v%d = %sv%s;\n", clg__suffix(acc), i,
                            clg__convert("RND", acc, round), clg__converted(acc));
        } else if (in->kind == CLG__I_LOAD) {
            gen_load(n, in->operand, buffer_of[in->operand]);
            clg__str_printf(&n->text, "const T_%s v%d = l%d;\n", clg__suffix(in->dtype), i, in->operand);
        } else {
            clg__gen_insns(n, i, i + 1, CLG__ONE);
        }
    }
    for (int i = 0; i < body->n_outputs; i++)
        gen_store(n, i, buffers + i);
}

clg_status clg__codegen_epilogue(const clg__body *body, const clg__access *place, int vec, clg_dtype acc,
                                 clg__kplan *p, clg__launch *l)
{
    // The EPILOGUE argument is the last one: what follows takes its place.
    if (l->n_args == 0 || l->args[l->n_args - 1].kind != CLG__ARG_EPILOGUE)
        return clg__fail(&p->err, CLG_EINVAL, "kernel %s: its epilogue is not the last argument",
                         l->entry);
    l->n_args--;
    if (!body)
        return p->err.status;
    clg__gen n = { .body = body, .vec = vec, .p = p, .given = acc };
    clg__str declare = { 0 }, inner = { 0 }, pass = { 0 };
    clg__need_type(&n, acc);
    parameters(&n, &declare, &inner, &pass, l);
    gen_table(&n, place);
    gen_work(&n, acc);
    clg__str *d = &l->defines;
    clg__str_printf(d, "#pragma OPENCL FP_CONTRACT OFF\n%s", clg__str_text(&n.helpers));
    clg__str_printf(d, "static inline void NAME(epilogue)(T_%s v, long batch, long row, long col, int m%s)\n{\n%s}\n",
                    clg__suffix(acc), clg__str_text(&inner), clg__str_text(&n.text));
    clg__str_printf(d, "#define EPI_OUT %s\n", clg__memory(body->outputs[0].dtype));
    clg__str_printf(d, "#define EPI_PARAMS %s\n", clg__str_text(&declare));
    clg__str_printf(d, "#define EPI_STORE(v, out, at, batch, row, col, n) NAME(epilogue)(v, batch, row, col, n, out%s)\n",
                    clg__str_text(&pass));
    if (d->failed || n.text.failed || n.helpers.failed || declare.failed || inner.failed ||
        pass.failed)
        clg__fail(&p->err, CLG_ENOMEM, "codegen: out of host memory");
    clg__str_free(&declare);
    clg__str_free(&inner);
    clg__str_free(&pass);
    clg__str_free(&n.helpers);
    clg__str_free(&n.text);
    return p->err.status;
}
