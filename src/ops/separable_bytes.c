// SPDX-License-Identifier: MIT
// Bytes resized as PyTorch does it on CPUs: weights of 16 bits, of which there are as many behind the point as the largest
// allows, first across, then down, a byte in between. Kernels: cl/separable_bytes.cl.
#include "base/alloc.h"
#include "graph/node.h"
#include "ops/element.h"
#include "ops/registry.h"
#include "ops/separable.h"

#include <string.h>

enum { LANES = 16, MOST_PRECISION = 22 };

typedef struct separable {
    clg__rule down, across;
} separable;

static void key_rule(const clg__rule *r, clg__key *k)
{
    clg__key_i64(k, r->kind);
    clg__key_i64(k, r->align_corners);
    clg__key_i64(k, r->in);
    clg__key_i64(k, r->out);
    clg__key_f64(k, r->scale);
}

static void key(const void *params, clg__key *k)
{
    const separable *s = params;
    key_rule(&s->down, k);
    key_rule(&s->across, k);
}

// ---- matrices of whole numbers

// Rows of neighbouring columns.
typedef struct whole {
    int64_t rows, n;
    int precision;
    int32_t *low, *begins;
    int16_t *weight;
} whole;

static void whole_free(whole *m)
{
    clg__free(m->low);
    clg__free(m->begins);
    clg__free(m->weight);
}

// How many columns from the first to the last; which is the first.
static int64_t span_of(const clg__sparse *s, int64_t i, int32_t *low)
{
    int32_t high = -1;
    *low = s->begins[i] < s->begins[i + 1] ? s->column[s->begins[i]] : 0;
    for (int32_t e = s->begins[i]; e < s->begins[i + 1]; e++) {
        *low = s->column[e] < *low ? s->column[e] : *low;
        high = s->column[e] > high ? s->column[e] : high;
    }
    return high < 0 ? 0 : high - *low + 1;
}

static int precision_of(double most)
{
    int p = 0;
    while (p < MOST_PRECISION && (int64_t) (0.5 + most * (double) (1 << (p + 1))) < 1 << 15)
        p++;
    return p;
}

static bool whole_of(const clg__sparse *s, whole *m)
{
    *m = (whole) { .rows = s->rows };
    double most = 0, *sum = NULL;
    m->low = clg__malloc((size_t) (s->rows + 1) * sizeof *m->low);
    m->begins = clg__malloc((size_t) (s->rows + 1) * sizeof *m->begins);
    if (m->low && m->begins) {
        m->begins[0] = 0;
        for (int64_t i = 0; i < s->rows; i++)
            m->begins[i + 1] = m->begins[i] + (int32_t) span_of(s, i, &m->low[i]);
        m->n = m->begins[s->rows];
        m->weight = clg__malloc((size_t) (m->n + 1) * sizeof *m->weight);
        sum = clg__calloc((size_t) m->n + 1, sizeof *sum);
    }
    if (!m->weight || !sum) {
        clg__free(sum);
        return false;
    }
    for (int64_t i = 0; i < s->rows; i++) { // at edges a column is there more than once
        for (int32_t e = s->begins[i]; e < s->begins[i + 1]; e++)
            sum[m->begins[i] + s->column[e] - m->low[i]] += s->weight[e];
    }
    for (int64_t e = 0; e < m->n; e++)
        most = sum[e] > most ? sum[e] : most;
    m->precision = precision_of(most);
    for (int64_t e = 0; e < m->n; e++)
        m->weight[e] = (int16_t) (sum[e] * (double) (1 << m->precision) + (sum[e] < 0 ? -0.5 : 0.5));
    clg__free(sum);
    return true;
}

// ---- tables

// Words of 4 bytes behind those that are there; where they begin.
static int64_t append(clg__kplan *p, const char *bytes, size_t n)
{
    const int64_t at = 2 * (int64_t) p->n_geo;
    for (size_t i = 0; i < n; i += 8) {
        int64_t v = 0;
        memcpy(&v, bytes + i, n - i < 8 ? n - i : 8);
        clg__kplan_geo(p, v);
    }
    return at;
}

static int64_t append_whole(clg__kplan *p, const whole *m)
{
    const size_t head = (size_t) (2 * m->rows + 1) * 4, all = head + (size_t) m->n * 2;
    char *bytes = clg__malloc(all + 1);
    if (!bytes) {
        clg__fail(&p->err, CLG_ENOMEM, "resize: out of host memory");
        return 0;
    }
    memcpy(bytes, m->low, (size_t) m->rows * 4);
    memcpy(bytes + m->rows * 4, m->begins, (size_t) (m->rows + 1) * 4);
    memcpy(bytes + head, m->weight, (size_t) m->n * 2);
    const int64_t at = append(p, bytes, all);
    clg__free(bytes);
    return at;
}

static bool table_of(clg__kplan *p, const clg__rule *r, whole *m)
{
    clg__sparse s = { 0 };
    const bool ok = clg__rule_matrix(r, true, &s) && whole_of(&s, m);
    clg__sparse_free(&s);
    if (!ok)
        clg__fail(&p->err, CLG_ENOMEM, "resize: out of host memory");
    return ok;
}

// Which of `in` rows the sums down look at, where that is not all of them; the sums' own rows then count these. How many.
static int64_t pick(clg__kplan *p, whole *down, int64_t in, int64_t *at)
{
    int32_t *place = clg__calloc((size_t) in + 1, sizeof *place), *list = clg__malloc((size_t) (in + 1) * sizeof *list);
    int64_t n = 0;
    *at = -1;
    if (!place || !list) {
        clg__fail(&p->err, CLG_ENOMEM, "resize: out of host memory");
    } else {
        for (int64_t i = 0; i < down->rows; i++) {
            for (int32_t k = 0; k < down->begins[i + 1] - down->begins[i]; k++)
                place[down->low[i] + k] = 1;
        }
        for (int64_t k = 0; k < in; k++) {
            const bool seen = place[k] != 0;
            place[k] = (int32_t) n;
            list[n] = (int32_t) k;
            n += seen;
        }
        for (int64_t i = 0; i < down->rows && n < in; i++)
            down->low[i] = place[down->low[i]];
        if (n < in)
            *at = append(p, (const char *) list, (size_t) n * sizeof *list);
    }
    clg__free(place);
    clg__free(list);
    return n;
}

// ---- launches

typedef struct image {
    int64_t planes, h, w, ho, wo;
} image;

static int64_t groups_for(const clg__kernel_call *c, int64_t pieces, int64_t elements)
{
    enum { FEW = 1 << 12 }; // elements that are not worth another group
    int64_t n = 4 * (int64_t) c->caps->compute_units;
    n = n < pieces ? n : pieces;
    return n < elements / FEW + 1 ? n : elements / FEW + 1;
}

static void arg_from(clg__kplan *p, clg__launch *l, int temp)
{
    if (temp < 0) {
        clg__arg_in(p, l, 0);
        clg__arg_in_offset(p, l, 0);
    } else {
        clg__arg_temp(p, l, temp);
        clg__arg_i64(p, l, 0);
    }
}

static void axis(const clg__kernel_call *c, clg__kplan *p, bool across, const image *m, const whole *t, int64_t picked, int from,
                 int to)
{
    const bool cpu = c->caps->cpu_class;
    const int64_t at = append_whole(p, t), rows = m->planes * m->ho, total = rows * m->wo;
    clg__launch *l = clg__kplan_kernel(p, "separable_bytes", across ? cpu ? "bytes_across" : "bytes_across_items"
                                                                    : cpu ? "bytes_down" : "bytes_down_items");
    const int64_t pieces = across ? (rows + LANES - 1) / LANES : rows;
    const int64_t groups = groups_for(c, pieces, total * (t->n / (t->rows ? t->rows : 1) + 1));
    clg__define_element(p, l, CLG_U8);
    arg_from(p, l, from);
    if (cpu && across)
        clg__arg_temp(p, l, clg__kplan_temp(p, (size_t) (groups * LANES * (m->w > LANES ? m->w : LANES))));
    if (to < 0)
        clg__arg_out(p, l, 0);
    else
        clg__arg_temp(p, l, to);
    clg__arg_geo(p, l);
    clg__kplan_define(p, l, "BYTES", "%s", "__global const long *restrict table, long planes, long H, long W, long HO, long WO, "
                                           "long at, long picked, int precision");
    const int64_t sizes[] = { m->planes, m->h, m->w, m->ho, m->wo, at, picked };
    for (int i = 0; i < 7; i++)
        clg__arg_i64(p, l, sizes[i]);
    clg__arg_i32(p, l, t->precision);
    if (cpu)
        clg__kplan_grid(l, (size_t) groups, 1, 1, 1, 1, 1);
    else
        clg__kplan_items(l, total);
}

static void plan(const clg__kernel_call *c, clg__kplan *p)
{
    const separable *s = c->params;
    const clg_shape *from = &c->in_shape[0], *to = c->out_shape;
    whole down = { 0 }, across = { 0 };
    if (clg_numel(*to) == 0)
        return;
    int64_t picked = -1, rows = from->dim[1];
    const bool ok = (!s->down.kind || table_of(p, &s->down, &down)) && (!s->across.kind || table_of(p, &s->across, &across));
    if (ok && s->across.kind && s->down.kind)
        rows = pick(p, &down, from->dim[1], &picked);
    const image first = { to->dim[0], from->dim[1], from->dim[2], rows, to->dim[2] };
    const image last = { to->dim[0], rows, to->dim[2], to->dim[1], to->dim[2] };
    const int between = ok && s->across.kind && s->down.kind ? clg__kplan_temp(p, (size_t) (first.planes * rows * first.wo)) : -1;
    if (ok && s->across.kind)
        axis(c, p, true, &first, &across, picked, -1, between);
    if (ok && s->down.kind)
        axis(c, p, false, &last, &down, -1, between, -1);
    whole_free(&down);
    whole_free(&across);
}

static const clg__variant variants[] = { { "axes", NULL, plan, false } };
static const clg__op op_bytes = { .name = "separable_bytes", .kind = CLG__KERNEL, .key = key, .params_bytes = sizeof(separable),
                                  .variants = variants, .n_variants = 1 };

const clg__op *const clg__separable_bytes_ops[] = { &op_bytes, NULL };

clg_tensor clg__separable_bytes(clg_tensor x, const clg__rule *down, const clg__rule *across)
{
    clg__call c;
    if (!down->kind && !across->kind)
        return x;
    if (!clg__call_begin(&c, "separable_bytes", "x", 1, &x))
        return clg__call_poison(&c);
    const separable s = { *down, *across };
    return clg__call_node(&c, &op_bytes, CLG_U8,
                          &CLG_SHAPE(x->shape.dim[0], down->kind ? down->out : x->shape.dim[1],
                                     across->kind ? across->out : x->shape.dim[2]), &s);
}
