// SPDX-License-Identifier: MIT
// Rows of a table by an index of any shape, with a gradient that leaves out a row or counts how often rows were taken.
#include "ops/gather.h"
#include "ops/indexing.h"
#include "ops/element.h"
#include "ops/scatter.h"
#include <clgrad/index.h>

typedef struct embedding {
    int64_t rows, padding;
    bool use_padding, by_freq;
} embedding;

static void key_embedding(const void *params, clg__key *k)
{
    const embedding *e = params;
    clg__key_i64(k, e->rows);
    clg__key_i64(k, e->padding);
    clg__key_i64(k, e->use_padding);
    clg__key_i64(k, e->by_freq);
}

static clg_tensor table_vjp(const clg__vjp *v, int i)
{
    const embedding *e = v->params;
    const clg_tensor index = v->in[1];
    clg_tensor g = clg__wide(v->g), list = index;
    if (i != 0)
        return NULL;
    if (e->use_padding)
        list = clg_where(clg_eq(index, clg__num(index->dev, index->dtype, (double) e->padding)),
                         clg__lit(index->dev, index->dtype, -1), index);
    if (e->by_freq) {
        const clg_shape line = CLG_SHAPE(1, index->shape.dim[0], 1);
        clg_tensor one = clg_expand(clg__lit(g->dev, g->dtype, 1), line), at = clg_reshape(index, line);
        clg_tensor many = clg__gather_elements(clg__scatter(NULL, e->rows, at, one, CLG__SCATTER_ADD), at, false);
        g = clg_div(g, clg_reshape(many, CLG_SHAPE(-1, 1)));
    }
    const clg_shape s = g->shape;
    clg_tensor sum = clg__index_add(clg_reshape(g, CLG_SHAPE(1, s.dim[0], s.dim[1])), list, e->rows);
    return clg_cast(clg_reshape(sum, CLG_SHAPE(e->rows, s.dim[1])), v->g->dtype);
}

static const clg__op op_embedding = { .name = "embedding", .kind = CLG__ALIAS, .vjp = table_vjp, .key = key_embedding,
                                      .params_bytes = sizeof(embedding) };

clg_tensor clg_embedding(clg_tensor table, clg_tensor index, const struct clg_embedding_params *p)
{
    struct clg_embedding_params r;
    const char *wrong = clg_params_read(&r, sizeof r, p);
    clg__call c;
    if (!clg__call_begin(&c, "embedding", "table index", 2, (clg_tensor[]) { table, index }))
        return clg__call_poison(&c);
    clg_tensor bad = wrong ? clg__call_fail(&c, CLG_EINVAL, "%s", wrong) : clg__index_check(&c, index);
    if (bad)
        return bad;
    if (table->shape.rank != 2 || index->shape.rank == CLG_MAX_RANK)
        return clg__call_fail(&c, CLG_ESHAPE, "the table must be [K,D], and the index have less than %d dimensions",
                              CLG_MAX_RANK);
    const int64_t rows = table->shape.dim[0];
    embedding e = { rows, r.padding_idx < 0 ? r.padding_idx + rows : r.padding_idx, r.use_padding, r.scale_grad_by_freq };
    if (e.use_padding && (e.padding < 0 || e.padding >= rows))
        return clg__call_fail(&c, CLG_EINVAL, "padding_idx %lld of %lld rows", (long long) r.padding_idx, (long long) rows);
    clg_tensor list = clg_reshape(index, CLG_SHAPE(-1)), y = clg_index_select(table, 0, list);
    if (y->status >= 0 && (e.use_padding || e.by_freq) && clg_dtype_is_float(table->dtype))
        y = clg__custom_vjp(&op_embedding, y, 2, (clg_tensor[]) { table, list }, &e);
    clg_shape s = index->shape;
    s.dim[s.rank++] = table->shape.dim[1];
    return clg__call_own(&c, clg_reshape(y, s));
}
