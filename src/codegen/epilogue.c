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

// A kernel has the place in the batch as three indices, the last of which one dimension is: in one variable, so that
// one number serves where there is one. Divisions here could not be taken out of its loops.
enum { BATCH = 3 };

// Dimensions of the body: of the batch, then rows, then columns.
static int batch_rank(const clg__body *body)
{
    return body->shape.rank - 2;
}

// The first number of buffer i: its offset; then come its steps along the batch, and along rows.
static int buffer_at(const clg__body *body, int i)
{
    return i * (batch_rank(body) + 2);
}

// "const long atK = ...": the row's place in buffer i.
static void gen_place(clg__gen *n, const char *name, int k, int i)
{
    const int at = buffer_at(n->body, i), batch = batch_rank(n->body);
    clg__str_printf(&n->text, "const long %s%d = e%d", name, k, at);
    for (int d = 0; d < batch; d++)
        clg__str_printf(&n->text, " + batch.s%d * e%d", BATCH - batch + d, at + 1 + d);
    clg__str_printf(&n->text, " + row * e%d;\n", at + 1 + batch);
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
// Numbers are arguments, so that text does not name a shape; of a table compilers would read them for every vector. Names
// begin with epi_, which no kernel file's own do.
static void parameters(clg__gen *n, clg__str *declare, clg__str *inner, clg__str *pass, clg__launch *l)
{
    const clg__body *body = n->body;
    clg__kplan *p = n->p;
    for (int i = 0; i < body->n_outputs; i++) {
        const char *e = clg__memory(body->outputs[i].dtype);
        clg__str_printf(inner, ", global %s *q%d", e, i);
        if (i == 0)
            continue;
        clg__str_printf(declare, ", global %s *restrict epi_q%d", e, i);
        clg__str_printf(pass, ", epi_q%d", i);
        clg__arg_out(p, l, body->outputs[i].output);
    }
    for (int k = 0; k < body->n_operands; k++) {
        const clg__operand *o = &body->operands[k];
        if (o->kind == CLG__FROM_SCALAR) {
            clg__str_printf(declare, ", const %s epi_x%d", clg__register(o->dtype), k);
            clg__str_printf(inner, ", const %s x%d", clg__register(o->dtype), k);
            clg__str_printf(pass, ", epi_x%d", k);
            clg__arg_scalar(p, l, o->input, o->dtype);
            continue;
        }
        clg__str_printf(declare, ", global const %s *restrict epi_b%d", clg__memory(o->dtype), k);
        clg__str_printf(inner, ", global const %s *b%d", clg__memory(o->dtype), k);
        clg__str_printf(pass, ", epi_b%d", k);
        clg__arg_in(p, l, o->input);
    }
}

static void add_numbers(clg__gen *n, clg__str *declare, clg__str *inner, clg__str *pass, clg__launch *l, int i,
                        const clg__access *a, int origin)
{
    const int batch = batch_rank(n->body), at = buffer_at(n->body, i);
    clg__arg_offset(n->p, l, a->offset, origin, a->at);
    for (int d = 0; d <= batch; d++)
        clg__arg_i64(n->p, l, n->body->shape.dim[d] > 1 ? a->stride[d] : 0);
    for (int k = at; k < at + batch + 2; k++) {
        clg__str_printf(declare, ", const long epi_e%d", k);
        clg__str_printf(inner, ", const long e%d", k);
        clg__str_printf(pass, ", epi_e%d", k);
    }
}

// Of operands, then of outputs.
static void numbers(clg__gen *n, clg__str *declare, clg__str *inner, clg__str *pass, clg__launch *l,
                    const clg__access *place)
{
    const clg__body *body = n->body;
    const clg__access whole = clg__access_contiguous(&body->shape);
    int i = 0;
    for (int k = 0; k < body->n_operands; k++) {
        if (body->operands[k].kind != CLG__FROM_SCALAR)
            add_numbers(n, declare, inner, pass, l, i++, &body->operands[k].access,
                        body->operands[k].origin);
    }
    for (int k = 0; k < body->n_outputs; k++)
        add_numbers(n, declare, inner, pass, l, i++, place ? place : &whole, 0);
}

static void gen_work(clg__gen *n, clg_dtype acc)
{
    const clg__body *body = n->body;
    int buffers = 0, buffer_of[CLG__BODY_OPERANDS];
    for (int k = 0; k < body->n_operands; k++)
        buffer_of[k] = body->operands[k].kind == CLG__FROM_SCALAR ? -1 : buffers++;
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
    clg__gen n = { .body = body, .vec = vec, .p = p, .given = acc, .active = "m" };
    clg__str declare = { 0 }, inner = { 0 }, pass = { 0 };
    clg__need_type(&n, acc);
    parameters(&n, &declare, &inner, &pass, l);
    numbers(&n, &declare, &inner, &pass, l, place);
    gen_work(&n, acc);
    clg__str *d = &l->defines;
    clg__str_printf(d, "#pragma OPENCL FP_CONTRACT OFF\n%s", clg__str_text(&n.helpers));
    clg__str_printf(d, "static inline void NAME(epilogue)(T_%s v, long4 batch, long row, long col, int m%s)\n{\n%s}\n",
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
