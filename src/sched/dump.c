// SPDX-License-Identifier: MIT
// A plan as text, after any pass: values, or groups once there are any, or launches of groups, or memory.
#include "sched/planner.h"

#include "base/alloc.h"
#include "graph/build.h"

#include <inttypes.h>
#include <string.h>

// ---- values

// v3, v3.1 (an output), v3[5; 8 1] (offset and strides), v3[0; 8 1 | 1:4 0:8 else 0] (a window)
static void put_use(clg__str *s, const clg__work *w, const clg__use *r, const clg_shape *over)
{
    const clg__value *v = &w->values[r->value];
    const clg_shape *of = r->out ? &v->node->outs->shape[r->out] : &v->shape;
    clg__str_printf(s, "v%d", r->value);
    if (r->out)
        clg__str_printf(s, ".%d", r->out);
    if (r->access.offset == 0 && clg__access_is_contiguous(&r->access, over) && clg_numel(*over) == clg_numel(*of))
        return;
    clg__str_printf(s, "[%" PRId64 ";", r->access.offset);
    for (int d = 0; d < over->rank; d++)
        clg__str_printf(s, " %" PRId64, over->dim[d] > 1 ? r->access.stride[d] : 0);
    for (int d = 0; d < over->rank && r->access.windowed; d++)
        clg__str_printf(s, "%s%" PRId64 ":%" PRId64, d ? " " : " | ", r->access.lo[d], r->access.hi[d]);
    if (r->access.windowed)
        clg__str_printf(s, " else %g", r->fill);
    clg__str_add(s, "]");
}

static void put_params(clg__str *s, const clg__value *v)
{
    if (v->op->kind == CLG__CONST || (v->op->kind == CLG__SCALAR && v->op->key))
        clg__str_printf(s, " %.6g", *(const double *) v->node->params);
    if (v->op->kind != CLG__REDUCE)
        return;
    const clg__reduce *r = v->node->params;
    clg__str_add(s, " over");
    for (int d = 0; d < v->shape.rank; d++) {
        if (r->axis[d])
            clg__str_printf(s, " %d", d);
    }
}

static void put_value(clg__str *s, const clg__work *w, int i)
{
    const clg__value *v = &w->values[i];
    char shape[128];
    clg__str_printf(s, "  v%d %s %s = %s", i, clg_dtype_name(v->dtype), clg__shape_text(&v->shape, shape),
                    v->op->name);
    put_params(s, v);
    for (int k = 0; k < v->n_src; k++) {
        clg__str_add(s, k ? ", " : " of ");
        put_use(s, w, &v->src[k], v->node && k < v->node->n_in ? &v->node->in[k]->pub.shape : &v->shape);
    }
    clg__str_add(s, v->is_result ? "; result\n" : v->must_store ? "; stored\n" : "\n");
}

// ---- groups

static void put_shape(clg__str *s, const clg__planner *f, const clg__group *g)
{
    const clg__work *w = f->w;
    const clg__value *v = &w->values[clg__group_first(g)];
    char shape[128];
    if (g->kind == CLG__GROUP_KERNEL)
        clg__str_printf(s, "%s (%s) %s", v->op->name, g->variant->name, clg__shape_text(&v->shape, shape));
    else if (g->kind == CLG__GROUP_REDUCE)
        clg__str_printf(s, "reduce %s", clg__shape_text(&v->node->in[0]->pub.shape, shape));
    else
        clg__str_printf(s, "pointwise %s", clg__shape_text(&v->shape, shape));
}

static void put_member(clg__str *s, const clg__planner *f, int value, const char *before)
{
    const clg__value *v = &f->w->values[value];
    clg__str_printf(s, "%sv%d %s%s", before, value, v->op->name, v->stored ? "" : " (in a register)");
}

static void put_output(clg__str *s, const char *before, int binding, const char *after)
{
    clg__str_printf(s, "%sv%d", before, binding / CLG__MAX_OUTPUTS);
    if (binding % CLG__MAX_OUTPUTS)
        clg__str_printf(s, ".%d", binding % CLG__MAX_OUTPUTS);
    clg__str_add(s, after);
}

static void put_group(clg__str *s, const clg__planner *f, int k)
{
    const clg__group *g = &f->groups[k];
    clg__str_printf(s, "  g%d ", k);
    put_shape(s, f, g);
    const char *before = ": ";
    if (g->kind == CLG__GROUP_KERNEL) {
        put_member(s, f, g->kernel, before);
        before = ", ";
    }
    for (int i = 0; i < g->n_reductions; i++, before = ", ")
        put_member(s, f, g->reductions[i], before);
    for (int i = 0; i < g->n_results; i++, before = ", ")
        put_member(s, f, g->results[i], before);
    for (int i = 0; i < g->n_loads; i++)
        put_output(s, i ? " " : "; reads ", g->loads[i], "");
    if (g->body)
        clg__str_printf(s, "; %d instructions", g->body->n_insns);
    clg__str_add(s, "\n");
}

// ---- memory

static void put_place(clg__str *s, const clg__plan *p, const clg__span *temp, int place)
{
    const clg__place *c = &p->places[place];
    if (c->kind == CLG__PLACE_RESULT)
        clg__str_printf(s, " a result of %zu bytes\n", c->bytes);
    else
        clg__str_printf(s, " %zu bytes at %zu during launches %d to %d\n", c->bytes, temp->offset, c->from, c->until);
}

static void put_places(clg__str *s, const clg__planner *f)
{
    const clg__plan *p = f->plan;
    clg__str_printf(s, "  %" PRIu64 " bytes; the most alive at once are %" PRIu64 "\n", p->peak, p->live);
    int *value_at = clg__malloc(((size_t) p->n_places + 1) * sizeof *value_at);
    if (!value_at) {
        s->failed = true;
        return;
    }
    for (int i = 0; i < p->n_places; i++)
        value_at[i] = -1;
    for (int v = 0; v < f->w->n_values * CLG__MAX_OUTPUTS; v++) {
        if (f->place_of[v] >= 0)
            value_at[f->place_of[v]] = v;
    }
    for (int i = 0, temp = 0; i < p->n_places; i++) {
        const int v = value_at[i];
        if (p->places[i].kind == CLG__PLACE_LEAF)
            continue;
        if (v < 0)
            clg__str_add(s, "  scratch:");
        else
            put_output(s, "  ", v, ":");
        put_place(s, p, &f->spans[temp], i);
        temp += p->places[i].kind == CLG__PLACE_TEMP;
    }
    clg__free(value_at);
}

void clg__dump(const clg__planner *f, const char *pass, clg__str *s)
{
    clg__str_printf(s, "%s\n", pass);
    if (f->spans) {
        put_places(s, f);
        return;
    }
    const bool changes = strcmp(pass, "simplify") == 0; // alone
    for (int i = 0; i < f->w->n_values && f->n_groups == 0; i++) {
        const clg__value *v = &f->w->values[i];
        if (changes && v->dead)
            clg__str_printf(s, "  v%d is read nowhere\n", i);
        else if (!changes || v->simplified)
            put_value(s, f->w, i);
    }
    for (int k = 0; k < f->n_groups && f->n_launches == 0; k++) {
        if (clg__group_alive(f, k))
            put_group(s, f, k);
    }
    for (int l = 0; l < f->n_launches; l++) {
        clg__str_printf(s, " launch %d\n", l);
        for (int i = f->launch_start[l]; i < f->launch_start[l + 1]; i++)
            put_group(s, f, f->order[i]);
    }
}
