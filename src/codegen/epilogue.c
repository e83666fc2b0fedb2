// SPDX-License-Identifier: MIT
// Pointwise work at the end of a matrix or convolution kernel, as the macro EPI of its file.
#include "base/format.h"
#include "codegen/gen.h"

#include <string.h>

// MATRIX: a row of it for every row, whatever the batch.
typedef enum access { ACCESS_FULL, ACCESS_ROW, ACCESS_COL, ACCESS_ONE, ACCESS_MATRIX } access;

static access access_of(const clg__body *body, const clg__operand *o)
{
    const clg_shape *s = &body->shape;
    bool moves[3];
    for (int d = 0; d < 3; d++)
        moves[d] = s->dim[d] > 1 && o->access.stride[d] != 0;
    if (!moves[0] && !moves[1])
        return moves[2] ? ACCESS_COL : ACCESS_ONE;
    if (!moves[0] && !moves[2])
        return ACCESS_ROW;
    if (!moves[0] && (s->dim[0] > 1 || o->access.stride[1] != s->dim[2]))
        return ACCESS_MATRIX;
    return ACCESS_FULL;
}

static const char *const load_text =
    "static inline T_@ NAME(epi_ld_@)(global const $M *p, int m)\n{\n    if (m >= 16)\n"
    "        return LD_@(p);\n    T_@ t = (T_@)(0);\n" CLG__EDGE
    "    for (int i = 0; i < m; i++)\n        ((E_@ *)&t)[i] = $G(p[i]);\n"
    "    return t;\n}\n";

static void load(clg__gen *n, int k)
{
    const clg__operand *o = &n->body->operands[k];
    const char *s = clg__suffix(o->dtype);
    char from[24];
    clg__need_type(n, o->dtype);
    if (o->kind == CLG__FROM_SCALAR) {
        clg__str_printf(&n->text, "const T_%s l%d = (T_%s)(x%d);\n", s, k, s, k);
        return;
    }
    char matrix[48];
    const char *index[] = { "idx", "(long)(row)", "(long)(col)", "0", matrix };
    const access a = access_of(n->body, o);
    clg__format(matrix, sizeof matrix, "(long)(row) * st%d + col", k);
    clg__str_printf(&n->text, "const T_%s l%d = ", s, k);
    if (a == ACCESS_ROW || a == ACCESS_ONE || n->vec == 1) {
        const char *step = a == ACCESS_ROW ? " * st" : "";
        clg__str_printf(&n->text, "(T_%s)(%sb%d[off%d + %s%s", s, clg__convert("GET", o->dtype, from), k, k,
                        index[a], step);
        if (a == ACCESS_ROW)
            clg__str_printf(&n->text, "%d", k);
        clg__str_printf(&n->text, "]%s);\n", clg__converted(o->dtype));
        return;
    }
    clg__need_function(n, load_text, "epi_ld", o->dtype);
    clg__str_printf(&n->text, "NAME(epi_ld_%s)(b%d + off%d + %s, m);\n", s, k, k, index[a]);
}

// The kernel's parameters end with these; offsets are arguments, so that text does not name a shape.
static void parameters(clg__gen *n, clg__str *declare, clg__str *inner, clg__str *pass,
                       clg__kplan *p, clg__launch *l)
{
    for (int k = 0; k < n->body->n_operands; k++) {
        const clg__operand *o = &n->body->operands[k];
        const char *e = o->kind == CLG__FROM_SCALAR ? clg__register(o->dtype) : clg__memory(o->dtype);
        if (o->kind == CLG__FROM_SCALAR) {
            clg__str_printf(declare, ", const %s x%d", e, k);
            clg__str_printf(inner, ", const %s x%d", e, k);
            clg__str_printf(pass, ", x%d", k);
            clg__arg_scalar(p, l, o->input, o->dtype);
            continue;
        }
        clg__str_printf(declare, ", global const %s *restrict b%d, const long off%d, const long st%d",
                        e, k, k, k);
        clg__str_printf(inner, ", global const %s *b%d, const long off%d, const long st%d", e, k, k, k);
        clg__str_printf(pass, ", b%d, off%d, st%d", k, k, k);
        clg__arg_in(p, l, o->input);
        clg__arg_i64(p, l, o->access.offset);
        clg__arg_i64(p, l, o->access.stride[1]);
    }
}

clg_status clg__codegen_epilogue(const clg__body *body, int vec, clg_dtype acc, clg__kplan *p,
                                 clg__launch *l)
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
    parameters(&n, &declare, &inner, &pass, p, l);
    for (int i = 0; i < body->n_insns; i++) {
        const clg__insn *in = &body->insns[i];
        if (in->kind == CLG__I_REDUCED) {
            char round[24];
            clg__str_printf(&n.text, "const T_%s v%d = %sv%s;\n", clg__suffix(acc), i,
                            clg__convert("RND", acc, round), clg__converted(acc));
        } else if (in->kind == CLG__I_LOAD) {
            load(&n, in->operand);
            clg__str_printf(&n.text, "const T_%s v%d = l%d;\n", clg__suffix(in->dtype), i,
                            in->operand);
        } else {
            clg__gen_insns(&n, i, i + 1, CLG__ONE);
        }
    }
    const char *s = clg__suffix(acc);
    clg__str *d = &l->defines;
    clg__str_printf(d, "#pragma OPENCL FP_CONTRACT OFF\n%s", clg__str_text(&n.helpers));
    clg__str_printf(d, "static inline T_%s NAME(epi)(T_%s v, long idx, long row, long col, int m%s)\n"
                       "{\n%sreturn v%d;\n}\n",
                    s, s, clg__str_text(&inner), clg__str_text(&n.text), body->outputs[0].insn);
    clg__str_printf(d, "#define EPI_PARAMS %s\n", clg__str_text(&declare));
    clg__str_printf(d, "#define EPI(v, idx, row, col, n) NAME(epi)(v, idx, row, col, n%s)\n",
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
