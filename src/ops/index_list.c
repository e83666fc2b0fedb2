// SPDX-License-Identifier: MIT
// Several index tensors at once, and elements by their place in all of a tensor.
#include "ops/element.h"
#include "ops/indexing.h"
#include "ops/scatter.h"
#include <clgrad/index.h>
#include <clgrad/ops.h>

typedef struct chosen { // indexed dimensions first, made one
    int many;           // of them
    clg_shape order;    // dimensions of a, the indexed ones first
    clg_shape list;     // the index tensors' common shape
    clg_shape front, rest; // sizes of indexed dimensions, and of the others
    int at;             // where `list` stands among the others in the result
    clg_tensor rows;    // [numel(list)]
} chosen;

enum { MOST = CLG_MAX_RANK };

// An index of bools stands for the places where it is true, one index for each of its dimensions.
static clg_tensor spell_out(const clg__call *c, const clg_tensor *index, int n, clg_tensor *in, int *n_in)
{
    const clg_shape *s = &c->in[0]->shape;
    *n_in = 0;
    for (int i = 0; i < n; i++) {
        const clg_tensor t = index[i];
        const bool flags = t && t->dtype == CLG_BOOL;
        const int rank = flags ? t->shape.rank : 1;
        if (*n_in + rank > s->rank)
            return clg__call_fail(c, CLG_ESHAPE, "more indices than the %d dimensions of a", s->rank);
        if (!flags) {
            clg_tensor bad = t ? clg__index_check(c, t) : NULL;
            if (bad)
                return bad;
            in[(*n_in)++] = t;
            continue;
        }
        if (rank == 0)
            return clg__call_fail(c, CLG_ESHAPE, "an index of one bool");
        for (int d = 0; d < rank; d++) {
            if (t->shape.dim[d] != s->dim[*n_in + d])
                return clg__call_fail(c, CLG_ESHAPE, "an index of bools has %lld elements along axis %d of a, expected %lld",
                                      (long long) t->shape.dim[d], *n_in + d, (long long) s->dim[*n_in + d]);
        }
        clg_tensor where = clg_nonzero(t);
        for (int d = 0; d < rank; d++) {
            in[*n_in] = clg_reshape(clg_slice(where, 1, d, d + 1, 1), CLG_SHAPE(-1));
            if (in[(*n_in)++]->status < 0)
                return in[*n_in - 1];
        }
    }
    return NULL;
}

// Rows of the indexed dimensions as one; -1 where an index is out of range.
static clg_tensor number_rows(const clg__call *c, const clg_tensor *in, int n, chosen *p)
{
    const clg_shape *s = &c->in[0]->shape;
    clg_tensor row = NULL, inside = NULL;
    for (int d = 0; d < n; d++) {
        if (!in[d])
            continue;
        clg_tensor k = clg__index_wrapped(in[d], s->dim[d]), ok = clg_ge(k, clg__lit(c->dev, CLG_I64, 0));
        inside = inside ? clg_logical_and(inside, ok) : ok;
        row = row ? clg_add(clg_mul(row, clg__num(c->dev, CLG_I64, (double) s->dim[d])), k) : k;
    }
    row = clg_where(inside, row, clg__lit(c->dev, CLG_I64, -1));
    return clg_reshape(clg_expand(row, p->list), CLG_SHAPE(-1));
}

static clg_tensor choose(const clg__call *c, const clg_tensor *index, int n, chosen *p)
{
    clg_tensor in[MOST];
    const clg_shape *s = &c->in[0]->shape;
    if (n < 0 || n > MOST)
        return clg__call_fail(c, CLG_ESHAPE, "%d index tensors", n);
    if (n > 0 && !index)
        return clg__call_fail(c, CLG_EINVAL, "the list of index tensors is NULL");
    clg_tensor bad = spell_out(c, index, n, in, &n);
    if (bad)
        return bad;
    *p = (chosen) { 0 };
    int first = -1, last = -1;
    for (int d = 0; d < n; d++) {
        if (!in[d])
            continue;
        if (!clg__broadcast(&p->list, &in[d]->shape, &p->list))
            return clg__call_fail(c, CLG_ESHAPE, "the index tensors do not broadcast");
        first = first < 0 ? d : first;
        last = d;
        p->order.dim[p->order.rank++] = d;
        p->front.dim[p->front.rank++] = s->dim[d];
    }
    p->many = p->order.rank;
    if (p->many == 0)
        return clg__call_fail(c, CLG_EINVAL, "there is no index");
    for (int d = 0; d < s->rank; d++) {
        if (d < n && in[d])
            continue;
        p->order.dim[p->order.rank++] = d;
        p->rest.dim[p->rest.rank++] = s->dim[d];
    }
    p->at = last - first + 1 == p->many ? first : 0; // neighbours stay where they are
    if (p->list.rank + p->rest.rank > CLG_MAX_RANK)
        return clg__call_fail(c, CLG_ESHAPE, "the result has rank %d, at most %d", p->list.rank + p->rest.rank, CLG_MAX_RANK);
    p->rows = number_rows(c, in, n, p);
    return NULL;
}

static clg_shape joined(clg_shape a, const clg_shape *b)
{
    for (int d = 0; d < b->rank; d++)
        a.dim[a.rank++] = b->dim[d];
    return a;
}

// a with its indexed dimensions as rows: [rows, rest...]
static clg_tensor as_rows(clg_tensor a, const chosen *p)
{
    clg_shape s = CLG_SHAPE(1);
    for (int d = 0; d < p->front.rank; d++)
        s.dim[0] *= p->front.dim[d];
    return clg_reshape(clg_permute(a, p->order), joined(s, &p->rest));
}

// The dimensions of the result [list..., rest...], or back, with those of the list where they belong.
static clg_tensor placed(clg_tensor y, const chosen *p, bool back)
{
    clg_shape axes = { .rank = p->list.rank + p->rest.rank };
    for (int d = 0; d < axes.rank; d++) {
        const int from = d < p->at ? p->list.rank + d : d < p->at + p->list.rank ? d - p->at : d;
        axes.dim[back ? from : d] = back ? d : from;
    }
    return clg_permute(y, axes);
}

// Those of a list that are no NULL, behind `many` other inputs. A list that cannot be read has none; choose says so.
static int listed(const clg_tensor *index, int n, clg_tensor *in, int many)
{
    for (int i = 0; index && n <= MOST && i < n; i++) {
        if (index[i])
            in[many++] = index[i];
    }
    return many;
}

clg_tensor clg_index_n(clg_tensor a, const clg_tensor *index, int n)
{
    clg__call c;
    clg_tensor in[MOST + 1] = { a };
    if (!clg__call_begin(&c, "index", NULL, listed(index, n, in, 1), in))
        return clg__call_poison(&c);
    chosen p;
    clg_tensor bad = choose(&c, index, n, &p);
    if (bad)
        return clg__call_own(&c, bad);
    clg_tensor y = clg_index_select(as_rows(a, &p), 0, p.rows);
    return clg__call_own(&c, placed(clg_reshape(y, joined(p.list, &p.rest)), &p, false));
}

clg_tensor clg_index_put_n(clg_tensor a, const clg_tensor *index, int n, clg_tensor values, bool accumulate)
{
    clg__call c;
    clg_tensor in[MOST + 2] = { a, values };
    if (!clg__call_begin(&c, "index_put", NULL, listed(index, n, in, 2), in))
        return clg__call_poison(&c);
    if (values->dtype != a->dtype)
        return clg__call_fail(&c, CLG_EDTYPE, "values are %s, expected %s", clg_dtype_name(values->dtype),
                              clg_dtype_name(a->dtype));
    if (accumulate && a->dtype == CLG_BOOL)
        return clg__call_fail(&c, CLG_EDTYPE, "bool cannot be added up");
    chosen p;
    clg_tensor bad = choose(&c, index, n, &p);
    if (bad)
        return clg__call_own(&c, bad);
    clg_shape s = { 0 }; // of a[index]
    for (int d = 0; d < p.at; d++)
        s.dim[s.rank++] = p.rest.dim[d];
    s = joined(s, &p.list);
    for (int d = p.at; d < p.rest.rank; d++)
        s.dim[s.rank++] = p.rest.dim[d];
    clg_tensor v = placed(clg_expand(values, s), &p, true);
    v = clg_reshape(v, joined(CLG_SHAPE(clg_numel(p.list)), &p.rest));
    if (v->status < 0)
        return clg__call_own(&c, v);
    clg_tensor flat = as_rows(a, &p);
    clg_tensor y = accumulate ? clg__index_rows_add(&c, flat, 0, p.rows, v) : clg__index_rows_set(&c, flat, 0, p.rows, v);
    clg_shape back = { .rank = a->shape.rank };
    for (int d = 0; d < back.rank; d++)
        back.dim[p.order.dim[d]] = d;
    return clg__call_own(&c, clg_permute(clg_reshape(y, joined(p.front, &p.rest)), back));
}

// ---- places in all of a tensor

static clg_shape line(clg_tensor t)
{
    return CLG_SHAPE(1, clg_numel(t->shape), 1);
}

clg_tensor clg_take(clg_tensor a, clg_tensor index)
{
    clg__call c;
    if (!clg__call_begin(&c, "take", "a index", 2, (clg_tensor[]) { a, index }))
        return clg__call_poison(&c);
    clg_tensor bad = clg__index_check(&c, index);
    if (bad)
        return bad;
    clg_tensor k = clg_reshape(clg__index_wrapped(index, clg_numel(a->shape)), line(index));
    return clg__call_own(&c, clg_reshape(clg__gather_elements(clg_reshape(a, line(a)), k, false), index->shape));
}

clg_tensor clg_take_along_dim(clg_tensor a, clg_tensor index, int axis)
{
    clg__call c;
    int at;
    if (!clg__call_begin(&c, "take_along_dim", "a index", 2, (clg_tensor[]) { a, index }))
        return clg__call_poison(&c);
    if (a->shape.rank != index->shape.rank || a->shape.rank == 0)
        return clg__call_fail(&c, CLG_ESHAPE, "a and index differ in rank, or have none");
    if (!clg__axis(axis, a->shape.rank, &at))
        return clg__call_fail(&c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    clg_shape x = a->shape, y = index->shape, s;
    x.dim[at] = y.dim[at] = 1;
    if (!clg__broadcast(&x, &y, &s))
        return clg__call_fail(&c, CLG_ESHAPE, "a and index do not broadcast");
    x = y = s;
    x.dim[at] = a->shape.dim[at];
    y.dim[at] = index->shape.dim[at];
    clg_tensor bad = clg__index_check(&c, index);
    if (bad)
        return bad;
    index = clg__index_wrapped(index, a->shape.dim[at]);
    return clg__call_own(&c, clg_gather(clg_expand(a, x), at, clg_expand(index, y)));
}

clg_tensor clg_put(clg_tensor a, clg_tensor index, clg_tensor src, bool accumulate)
{
    clg__call c;
    if (!clg__call_begin(&c, "put", "a index src", 3, (clg_tensor[]) { a, index, src }))
        return clg__call_poison(&c);
    clg_tensor bad = clg__index_check(&c, index);
    if (bad)
        return bad;
    if (src->dtype != a->dtype || (accumulate && a->dtype == CLG_BOOL))
        return clg__call_fail(&c, CLG_EDTYPE, "src is %s, expected %s", clg_dtype_name(src->dtype),
                              accumulate && a->dtype == CLG_BOOL ? "what can be added up" : clg_dtype_name(a->dtype));
    const int64_t n = clg_numel(a->shape);
    if (clg_numel(index->shape) != clg_numel(src->shape))
        return clg__call_fail(&c, CLG_ESHAPE, "src has %lld elements, expected one for each index",
                              (long long) clg_numel(src->shape));
    if (clg_numel(src->shape) == 0 || n == 0)
        return a;
    clg_tensor k = clg_reshape(clg__index_wrapped(index, n), line(index));
    clg_tensor self = clg_reshape(a, line(a)), v = clg_reshape(src, line(src));
    clg_tensor y = accumulate
                       ? clg_cast(clg__scatter(clg__wide(self), n, k, clg__wide(v), CLG__SCATTER_ADD), a->dtype)
                       : clg__scatter(self, n, k, v, CLG__SCATTER_SET);
    return clg__call_own(&c, clg_reshape(y, a->shape));
}
