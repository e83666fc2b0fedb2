// SPDX-License-Identifier: MIT
// Printing: a tensor's values, and the graph behind tensors with its kernels as boxes.
#include "base/alloc.h"
#include "base/dtype.h"
#include "base/fp.h"
#include "graph/build.h"
#include "sched/cache.h"
#include "sched/planner.h"

#include <inttypes.h>

enum { EDGE = 3, WHOLE = 8 }; // what is shown of a long dimension

static void print_value(clg__str *out, clg_dtype t, const char *p)
{
    const int64_t i = clg__get_integer(t, p);
    switch (clg__dtype_of(t)->info.kind) {
    case CLG_KIND_FLOAT:
        clg__str_printf(out, "%.6g", clg_element_get(t, p));
        break;
    case CLG_KIND_BOOL:
        clg__str_add(out, i ? "true" : "false");
        break;
    case CLG_KIND_UINT:
        clg__str_printf(out, "%" PRIu64, (uint64_t) i);
        break;
    default:
        clg__str_printf(out, "%" PRId64, i);
    }
}

static void print_level(clg__str *out, clg_tensor t, int d, const char *p)
{
    if (d == t->shape.rank) {
        print_value(out, t->dtype, p);
        return;
    }
    const int64_t n = t->shape.dim[d];
    size_t stride = clg_dtype_size(t->dtype);
    for (int k = d + 1; k < t->shape.rank; k++)
        stride *= (size_t) t->shape.dim[k];
    clg__str_add(out, "[");
    for (int64_t i = 0; i < n; i++) {
        if (n > WHOLE && i == EDGE) {
            clg__str_add(out, ", ...");
            i = n - EDGE;
        }
        if (i > 0)
            clg__str_printf(out, d + 1 < t->shape.rank ? ",\n%*s" : ", ", d + 1 < t->shape.rank ? d + 1 : 0, "");
        print_level(out, t, d + 1, p + (size_t) i * stride);
    }
    clg__str_add(out, "]");
}

static clg_status write_out(FILE *file, clg__str *text, const clg__call *c)
{
    const bool failed = text->failed;
    if (!failed)
        fputs(clg__str_text(text), file);
    clg__str_free(text);
    return failed ? clg__call_fail(c, CLG_ENOMEM, "out of host memory")->status : CLG_OK;
}

clg_status clg_print(FILE *file, clg_tensor t)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg__str text = { 0 }, *out = &text;
    char shape[128];
    if (!clg__call_begin(&c, "print", "t", 1, &t))
        return clg__call_poison(&c)->status;
    if (!file)
        return clg__call_fail(&c, CLG_EINVAL, "out is NULL")->status;
    const size_t bytes = (size_t) clg_numel(t->shape) * clg_dtype_size(t->dtype);
    char *data = clg__malloc(bytes + 1);
    if (!data)
        return clg__call_fail(&c, CLG_ENOMEM, "out of host memory")->status;
    const clg_status st = clg_read(t, data, bytes);
    if (st >= 0) {
        clg__str_printf(out, "%s %s\n", clg__shape_text(&t->shape, shape), clg_dtype_name(t->dtype));
        print_level(out, t, 0, data);
        clg__str_add(out, "\n");
    }
    clg__free(data);
    return st < 0 ? st : write_out(file, out, &c);
}

static void dot_group(clg__str *out, const clg__planner *f, int k)
{
    const clg__group *g = &f->groups[k];
    clg__str_printf(out, "  subgraph cluster%d {\n    label=\"launch %d\"; style=rounded;\n", k, g->launch);
    if (g->kind == CLG__GROUP_KERNEL)
        clg__str_printf(out, "    n%d;\n", g->kernel);
    for (int i = 0; i < g->n_reductions; i++)
        clg__str_printf(out, "    n%d;\n", g->reductions[i]);
    for (int i = 0; i < g->n_results; i++)
        clg__str_printf(out, "    n%d;\n", g->results[i]);
    clg__str_printf(out, "  }\n");
}

static void dot_nodes(clg__str *out, const clg__planner *f)
{
    const clg__work *w = f->w;
    char shape[128];
    for (int k = 0; k < f->n_groups; k++) {
        if (clg__group_alive(f, k))
            dot_group(out, f, k);
    }
    for (int i = 0; i < w->n_values; i++) {
        const clg__value *v = &w->values[i];
        const char *label = v->node && v->node->label ? v->node->label : "";
        clg__str_printf(out, "  n%d [label=\"%s%s%s\\n%s %s\"%s];\n", i, v->op->name, *label ? " " : "", label,
                clg__shape_text(&v->shape, shape), clg_dtype_name(v->dtype),
                v->stored ? ", style=filled, fillcolor=lightgrey" : "");
        for (int s = 0; s < v->n_src; s++)
            clg__str_printf(out, "  n%d -> n%d;\n", v->src[s].value, i);
    }
}

clg_status clg_dot_n(FILE *file, const clg_tensor *t, int n)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg__err err = { 0 };
    clg__str text = { 0 }, *out = &text;
    if (!clg__call_begin(&c, "dot", "t[]", n, t))
        return clg__call_poison(&c)->status;
    if (!file)
        return clg__call_fail(&c, CLG_EINVAL, "out is NULL")->status;
    clg__work w = { .dev = c.dev, .err = &err, .fuse = ((clg__sched *) c.dev->sched)->fuse };
    clg__planner f = { .w = &w };
    w.outputs = clg__malloc((size_t) n * sizeof *w.outputs);
    for (int i = 0; i < n && w.outputs; i++)
        w.outputs[w.n_outputs++] = clg__node_of(t[i]);
    if (!w.outputs)
        clg__fail(&err, CLG_ENOMEM, "dot: out of host memory");
    else if (clg__work_collect(&w) && clg__planner_begin(&f, NULL) && clg__planner_run(&f, CLG__PASS_LAUNCHES)) {
        clg__str_printf(out, "digraph clgrad {\n  node [shape=box, fontsize=10];\n");
        dot_nodes(out, &f);
        clg__str_printf(out, "}\n");
    }
    clg__plan *none = f.plan;
    clg__planner_end(&f);
    clg__plan_free(none);
    clg__work_free(&w);
    clg__free(w.outputs);
    if (err.status < 0) {
        clg__str_free(out);
        return clg__publish(c.dev, err.status, err.text);
    }
    return write_out(file, out, &c);
}
