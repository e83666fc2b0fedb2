// SPDX-License-Identifier: MIT
// Axes by sparse matrices: the op, and its kernels' tables. Kernels: cl/separable.cl,
// cl/separable_copies.cl, cl/separable_cpu.cl.
#include "ops/separable.h"

#include "base/alloc.h"
#include "graph/node.h"
#include "ops/element.h"
#include "ops/registry.h"
#include <clgrad/ops.h>

#include <string.h>

typedef struct separable {
    clg__rule down, across;
} separable;

static void key_rule(const clg__rule *r, clg__key *k)
{
    clg__key_i64(k, r->kind);
    clg__key_i64(k, r->transposed);
    clg__key_i64(k, r->align_corners);
    clg__key_i64(k, r->in);
    clg__key_i64(k, r->out);
    clg__key_i64(k, r->pad);
    clg__key_f64(k, r->scale);
}

static void key_separable(const void *params, clg__key *k)
{
    const separable *s = params;
    key_rule(&s->down, k);
    key_rule(&s->across, k);
}

static int64_t length(const clg__rule *r)
{
    return r->transposed ? r->in : r->out;
}

// A matrix's words, behind those that are there; where they begin.
static int64_t append(clg__kplan *p, const clg__sparse *m, bool in_double)
{
    const int64_t at = 2 * (int64_t) p->n_geo, head = m->rows + 1 + m->n, even = (head + 1) / 2 * 2;
    const int64_t words = even + m->n * (in_double ? 2 : 1);
    const size_t bytes = (size_t) (words + 1) / 2 * 8;
    char *text = clg__calloc(bytes + 8, 1);
    if (!text) {
        clg__fail(&p->err, CLG_ENOMEM, "separable: out of host memory");
        return at;
    }
    memcpy(text, m->begins, (size_t) (m->rows + 1) * 4);
    memcpy(text + (m->rows + 1) * 4, m->column, (size_t) m->n * 4);
    for (int64_t e = 0; e < m->n; e++) {
        const float few = (float) m->weight[e];
        if (in_double)
            memcpy(text + even * 4 + e * 8, &m->weight[e], 8);
        else
            memcpy(text + even * 4 + e * 4, &few, 4);
    }
    for (size_t i = 0; i < bytes; i += 8) {
        int64_t v;
        memcpy(&v, text + i, 8);
        clg__kplan_geo(p, v);
    }
    clg__free(text);
    return at;
}

typedef struct table {
    int64_t rows, at, n;
    bool copies;
    int each; // entries of every row, 0: they differ
    int32_t run0, run1; // see cl/separable.clh
} table;

// Are the entries of row i one of weight 1, or two neighbours, behind those of the row before?
static bool follows(const clg__sparse *m, int each, int64_t i, bool as_first)
{
    const int32_t e = m->begins[i], n = m->begins[i + 1] - e;
    if (each == 2)
        return m->column[e + 1] == m->column[e] + 1;
    return n == 1 && m->weight[e] == 1 && (as_first || m->column[e] == m->column[m->begins[i - 1]] + 1);
}

// The longest run of rows that do, where these are most.
static void find_run(const clg__sparse *m, table *t)
{
    for (int64_t i = 0, from = 0; i < m->rows; i++) {
        if (i == from || !follows(m, t->each, i, false))
            from = follows(m, t->each, i, true) ? i : i + 1;
        if (i + 1 - from > t->run1 - t->run0) {
            t->run0 = (int32_t) from;
            t->run1 = (int32_t) i + 1;
        }
    }
    if (4 * (int64_t) (t->run1 - t->run0) < 3 * m->rows)
        t->run0 = t->run1 = 0; // not worth it
}

static table table_of(clg__kplan *p, const clg__rule *r, bool in_double)
{
    clg__sparse m = { 0 };
    table t = { .copies = true };
    if (r->kind == CLG__RULE_NONE)
        return t;
    if (clg__rule_matrix(r, in_double, &m)) {
        t = (table) { m.rows, append(p, &m, in_double), m.n, m.copies, m.rows ? (int) (m.n / m.rows) : 0, 0, 0 };
        for (int64_t i = 0; i <= m.rows; i++)
            t.each = m.begins[i] == i * t.each ? t.each : 0;
        find_run(&m, &t);
    } else {
        clg__fail(&p->err, CLG_ENOMEM, "separable: out of host memory");
    }
    clg__sparse_free(&m);
    return t;
}

static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    enum { LANES = 16 }; // as in cl/separable_cpu.cl
    const separable *s = c->params;
    const int64_t total = clg_numel(*c->out_shape), units = c->caps->compute_units;
    const clg_shape *from = &c->in_shape[0], *to = c->out_shape;
    const bool cpu = c->caps->cpu_class, in_double = clg__dtype_of(c->in_dtype[0])->as == CLG_F64;
    if (total == 0)
        return;
    clg__kplan_geo(p, 0); // there is a table whatever the rules
    const table v = table_of(p, &s->down, in_double), h = table_of(p, &s->across, in_double);
    const bool copies = v.copies && h.copies;
    clg__launch *l = !cpu     ? clg__kplan_kernel(p, "separable", "separable_items")
                     : copies ? clg__kplan_kernel(p, "separable_copies", "separable_copies")
                              : clg__kplan_kernel(p, "separable_cpu", "separable_rows");
    clg__define_element(p, l, c->in_dtype[0]);
    if (copies && !cpu)
        clg__kplan_define(p, l, "COPY", "%s", "");
    const int64_t rows = to->dim[0] * to->dim[1];
    int64_t parts = rows < 4 * units ? rows : 4 * units, blocks = 1;
    if (v.rows == 0 && rows < LANES) // columns are shared
        blocks = to->dim[2] / 1024 + 1 < units ? to->dim[2] / 1024 + 1 : units;
    else if (v.rows == 0 && !copies && h.each != 2 && h.run1 == 0 && parts > (rows + LANES - 1) / LANES) // sixteen rows take as long as one
        parts = (rows + LANES - 1) / LANES;
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    const int64_t wide = 2 * ((from->dim[2] + LANES - 1) / LANES) + (to->dim[2] + LANES - 1) / LANES;
    if (cpu && !copies)
        clg__arg_temp(p, l, clg__kplan_temp(p, (size_t) (parts * wide * LANES * LANES) * clg__acc_size(c->in_dtype[0])));
    clg__arg_out(p, l, 0);
    clg__arg_geo(p, l);
    static const char *const declared = "__global const long *restrict table, long planes, long H, long W, long HO, long WO, "
                                        "int v_rows, long v_at, long v_n, int h_rows, long h_at, long h_n, int each, int run0, int run1";
    clg__kplan_define(p, l, "SEPARABLE", "%s", declared);
    const int64_t sizes[] = { to->dim[0], from->dim[1], from->dim[2], to->dim[1], to->dim[2] };
    for (int i = 0; i < 5; i++)
        clg__arg_i64(p, l, sizes[i]);
    clg__arg_i32(p, l, (int32_t) v.rows);
    clg__arg_i64(p, l, v.at);
    clg__arg_i64(p, l, v.n);
    clg__arg_i32(p, l, (int32_t) h.rows);
    clg__arg_i64(p, l, h.at);
    clg__arg_i64(p, l, h.n);
    clg__arg_i32(p, l, h.each);
    clg__arg_i32(p, l, h.run0);
    clg__arg_i32(p, l, h.run1);
    if (cpu)
        clg__kplan_grid(l, (size_t) parts, (size_t) blocks, 1, 1, 1, 1);
    else
        clg__kplan_items(l, total);
}

static clg_tensor separable_vjp(const clg__vjp *v, int i)
{
    separable s = *(const separable *) v->params;
    (void) i;
    s.down.transposed = !s.down.transposed;
    s.across.transposed = !s.across.transposed;
    return clg__separable(v->g, &s.down, &s.across);
}

static const clg__variant variants[] = { { "rows", NULL, plan, false } };
static const clg__op op_separable = { .name = "separable", .kind = CLG__KERNEL, .vjp = separable_vjp,
                                      .key = key_separable, .params_bytes = sizeof(separable), .variants = variants,
                                      .n_variants = 1 };

const clg__op *const clg__separable_ops[] = { &op_separable, NULL };

static bool is_wide(const clg__rule *r)
{
    return r->kind >= CLG__RULE_CUBIC;
}

clg_tensor clg__separable(clg_tensor x, const clg__rule *down, const clg__rule *across)
{
    clg__call c;
    if (!clg__call_begin(&c, "separable", "x", 1, &x))
        return clg__call_poison(&c);
    if (!x->dev->caps->cpu_class && is_wide(down) && is_wide(across)) { // an item would add up both sums' product
        const clg__rule still = { .kind = CLG__RULE_NONE, .in = x->shape.dim[2], .out = x->shape.dim[2] };
        const clg__rule rows = { .kind = CLG__RULE_NONE, .in = length(down), .out = length(down) };
        return clg_cast(clg__separable(clg__separable(clg__wide(x), down, &still), &rows, across), x->dtype);
    }
    const separable s = { *down, *across };
    const clg_shape to = CLG_SHAPE(x->shape.dim[0], down->kind ? length(down) : x->shape.dim[1],
                                   across->kind ? length(across) : x->shape.dim[2]);
    return clg__call_node(&c, &op_separable, x->dtype, &to, &s);
}

clg_tensor clg__separable_axes(clg_tensor x, const clg__rule *rules, int n)
{
    clg_shape s = x->shape;
    const int first = s.rank - n;
    const clg__rule none = { 0 };
    for (int d = n - 1; d >= 0; d -= d >= 1 && d == n - 1 ? 2 : 1) { // the last two at once
        const bool two = d == n - 1 && n >= 2;
        const int at = first + d - two;
        int64_t planes = 1, inner = 1;
        for (int k = 0; k < s.rank; k++) {
            planes *= k < at ? s.dim[k] : 1;
            inner *= k > at ? s.dim[k] : 1;
        }
        const bool last = d == n - 1 && n == 1;
        clg_tensor t = clg_reshape(x, last ? CLG_SHAPE(planes, 1, s.dim[at]) : CLG_SHAPE(planes, s.dim[at], inner));
        const clg__rule *down = last ? &none : &rules[d - two], *across = last || two ? &rules[d] : &none;
        if (down->kind || across->kind)
            t = clg__separable(t, down, across);
        for (int k = d - two; k <= d; k++)
            s.dim[first + k] = rules[k].kind ? length(&rules[k]) : s.dim[first + k];
        x = clg_reshape(t, s);
        if (x->status < 0)
            return x;
    }
    return x;
}
