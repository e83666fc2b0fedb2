// SPDX-License-Identifier: MIT
// Attention and its gradients, in double, with bounds that follow the sums.
#include "reference.h"

#include "checks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCALE, DROPOUT, IS_CAUSAL, MASK };
enum { NO_MASK, BOOL_MASK };

// A row of scores: its weights p, and for each how far p and what comes of it may be off, as a part and absolutely.
typedef struct row {
    double *p, *dp, *ds, *off_dp, *off_ds, top, sum, part, delta, off_delta;
    int64_t q, k, v, first; // where its query, keys, values and result begin
} row;

typedef struct sizes {
    double scale;
    int64_t heads, group, queries, keys, depth, width, rows; // rows: of all
    double unit;                                           // of what is computed in
} sizes;

static sizes sizes_of(const int64_t *p, const ref_value *const *in)
{
    const clg_shape *q = &in[0]->shape;
    sizes z = { .heads = q->dim[1], .group = q->dim[2], .queries = q->dim[3], .keys = in[1]->shape.dim[3],
                .depth = q->dim[4], .width = in[2]->shape.dim[4] };
    memcpy(&z.scale, &p[SCALE], sizeof z.scale);
    double dropout;
    memcpy(&dropout, &p[DROPOUT], sizeof dropout);
    ck_assert_msg(dropout == 0, "no reference of what is dropped");
    z.rows = q->dim[0] * z.heads * z.group * z.queries;
    z.unit = reference_unit(in[0]->dtype == CLG_F64 ? CLG_F64 : CLG_F32);
    return z;
}

static void make_row(const int64_t *p, const ref_value *const *in, const sizes *z, int64_t r, row *w)
{
    const int64_t matrix = r / z->queries / z->group, l = r % z->queries;
    double off = 0;
    w->q = r * z->depth;
    w->k = matrix * z->keys * z->depth;
    w->v = matrix * z->keys * z->width;
    w->first = r * z->width;
    w->top = -INFINITY;
    w->sum = 0;
    for (int64_t j = 0; j < z->keys; j++) {
        double s = 0, size = 0, beside = 0;
        for (int64_t e = 0; e < z->depth; e++) {
            const int64_t a = w->q + e, b = w->k + j * z->depth + e;
            const double x = in[0]->f[a], y = in[1]->f[b];
            s += x * y;
            size += fabs(x * y);
            beside += fabs(x) * reference_error(in[1], b) + fabs(y) * reference_error(in[0], a);
        }
        w->p[j] = s * z->scale;
        off = fmax(off, fabs(z->scale) * (beside + z->unit * ((double) z->depth + 4) * size));
        if (p[MASK] != NO_MASK) {
            const int64_t at = r * z->keys + j;
            w->p[j] = p[MASK] == BOOL_MASK ? (in[3]->i[at] ? w->p[j] : -INFINITY) : w->p[j] + in[3]->f[at];
            off += p[MASK] == BOOL_MASK || isinf(in[3]->f[at]) ? 0 : reference_error(in[3], at) + z->unit * fabs(w->p[j]);
        }
        if (p[IS_CAUSAL] && j > l)
            w->p[j] = -INFINITY;
        w->top = w->p[j] > w->top ? w->p[j] : w->top;
    }
    for (int64_t j = 0; j < z->keys; j++) {
        w->p[j] = exp(w->p[j] - (w->top == -INFINITY ? 0 : w->top));
        w->sum += w->p[j];
    }
    for (int64_t j = 0; j < z->keys; j++)
        w->p[j] = w->sum == 0 ? 0 : w->p[j] / w->sum;
    w->part = 4 * off + z->unit * (double) (z->keys + 32);
}

static void forward(const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const sizes z = sizes_of(p, in);
    row w = { .p = malloc((size_t) (z.keys + 1) * sizeof *w.p) };
    for (int64_t r = 0; r < z.rows; r++) {
        make_row(p, in, &z, r, &w);
        for (int64_t e = 0; e < z.width; e++) {
            double y = 0, size = 0, beside = 0;
            for (int64_t j = 0; j < z.keys; j++) {
                const int64_t at = w.v + j * z.width + e;
                y += w.p[j] * in[2]->f[at];
                size += w.p[j] * fabs(in[2]->f[at]);
                beside += w.p[j] * reference_error(in[2], at);
            }
            out[0].f[w.first + e] = y;
            if (out[0].e)
                out[0].e[w.first + e] = beside + w.part * size + reference_unit(out->dtype) * fabs(y) + reference_tiny(out->dtype);
        }
        out[1].f[r] = w.top;
        out[2].f[r] = w.sum;
        if (out[1].e)
            out[1].e[r] = out[2].e[r] = w.part * (1 + w.sum);
    }
    free(w.p);
}

// dp, ds and their bounds, of cotangent g
static void slopes(const ref_value *const *in, const ref_value *g, const sizes *z, row *w)
{
    w->delta = w->off_delta = 0;
    for (int64_t j = 0; j < z->keys; j++) {
        double size = 0, beside = 0, v = 0;
        for (int64_t e = 0; e < z->width; e++) {
            const int64_t a = w->first + e, b = w->v + j * z->width + e;
            v += g->f[a] * in[2]->f[b];
            size += fabs(g->f[a] * in[2]->f[b]);
            beside += fabs(g->f[a]) * reference_error(in[2], b) + reference_error(g, a) * fabs(in[2]->f[b]);
        }
        w->dp[j] = v;
        w->off_dp[j] = beside + z->unit * (double) (z->width + 4) * size;
        w->delta += w->p[j] * v;
        w->off_delta += w->p[j] * (w->part * fabs(v) + w->off_dp[j] + z->unit * (double) z->width * size);
    }
    // of the result as it was rounded
    const double rounded = reference_unit(in[0]->dtype);
    for (int64_t e = 0; e < z->width; e++) {
        double o = 0;
        for (int64_t j = 0; j < z->keys; j++)
            o += w->p[j] * fabs(in[2]->f[w->v + j * z->width + e]);
        w->off_delta += fabs(g->f[w->first + e]) * o * (rounded + w->part);
    }
    for (int64_t j = 0; j < z->keys; j++) {
        w->ds[j] = z->scale * w->p[j] * (w->dp[j] - w->delta);
        w->off_ds[j] = fabs(z->scale) * w->p[j] * ((w->part + 8 * z->unit) * (fabs(w->dp[j]) + fabs(w->delta)) + w->off_dp[j] + w->off_delta);
    }
}

// out[at] += a * b, of which a is off by off_a
static void add(ref_value *out, int64_t at, double a, double off_a, const ref_value *b, int64_t k, double unit)
{
    out->f[at] += a * b->f[k];
    if (out->e)
        out->e[at] += off_a * fabs(b->f[k]) + fabs(a) * reference_error(b, k) + unit * fabs(a * b->f[k]);
}

static void backward(const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const sizes z = sizes_of(p, in);
    const ref_value *g = in[p[MASK] != NO_MASK ? 7 : 6];
    const size_t n = (size_t) (z.keys + 1) * sizeof(double);
    const double unit = z.unit * (double) (z.keys + z.rows + 8);
    row w = { .p = malloc(n), .dp = malloc(n), .ds = malloc(n), .off_dp = malloc(n), .off_ds = malloc(n) };
    for (int i = 0; i < 3; i++) {
        memset(out[i].f, 0, (size_t) out[i].n * sizeof(double));
        if (out[i].e)
            memset(out[i].e, 0, (size_t) out[i].n * sizeof(double));
    }
    for (int64_t r = 0; r < z.rows; r++) {
        make_row(p, in, &z, r, &w);
        slopes(in, g, &z, &w);
        for (int64_t j = 0; j < z.keys; j++) {
            for (int64_t e = 0; e < z.depth; e++) {
                add(&out[0], w.q + e, w.ds[j], w.off_ds[j], in[1], w.k + j * z.depth + e, unit);
                add(&out[1], w.k + j * z.depth + e, w.ds[j], w.off_ds[j], in[0], w.q + e, unit);
            }
            for (int64_t e = 0; e < z.width; e++)
                add(&out[2], w.v + j * z.width + e, w.p[j], w.part * w.p[j], g, w.first + e, unit);
        }
    }
    for (int i = 0; i < 3 && out[i].e; i++) {
        for (int64_t at = 0; at < out[i].n; at++)
            out[i].e[at] += reference_unit(out[i].dtype) * fabs(out[i].f[at]) + reference_tiny(out[i].dtype);
    }
    free(w.p);
    free(w.dp);
    free(w.ds);
    free(w.off_dp);
    free(w.off_ds);
}

bool reference_attention(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out)
{
    const bool back = strcmp(name, "attention_back") == 0;
    if (!back && strcmp(name, "attention") != 0)
        return false;
    if (out && back)
        backward(p, in, out);
    else if (out)
        forward(p, in, out);
    return true;
}
