// SPDX-License-Identifier: MIT
// The interpreter: leaves, numbers, views, pointwise rows, casts, reductions; kernel ops are in
// reference_kernels.c, rows in reference_rows.c.
#include "reference.h"

#include "base/dtype.h"
#include "base/philox.h"

#include "checks.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    const clg__node *node;
    bool given;
    int n_out;
    ref_value out[CLG__MAX_OUTPUTS];
} entry;

struct reference {
    bool bounds;
    entry *rows;
    int n, capacity;
    int *table; // by node; -1: free
    int size;
};

reference *reference_create(bool bounds)
{
    reference *r = calloc(1, sizeof *r);
    r->bounds = bounds;
    return r;
}

static void free_entry(entry *e)
{
    for (int k = 0; k < e->n_out; k++)
        reference_drop(&e->out[k]);
}

void reference_free(reference *r)
{
    for (int k = 0; r && k < r->n; k++)
        free_entry(&r->rows[k]);
    free(r ? r->rows : NULL);
    free(r ? r->table : NULL);
    free(r);
}

// ---- node -> entry

static int slot_of(const reference *r, const clg__node *n)
{
    uint64_t h = ((uint64_t) (uintptr_t) n >> 4) * 0x9E3779B97F4A7C15u;
    int at = (int) (h >> 33) % r->size;
    while (r->table[at] >= 0 && r->rows[r->table[at]].node != n)
        at = (at + 1) % r->size;
    return at;
}

static void rebuild(reference *r)
{
    free(r->table);
    r->size = 4 * r->n + 64;
    r->table = malloc((size_t) r->size * sizeof *r->table);
    for (int k = 0; k < r->size; k++)
        r->table[k] = -1;
    for (int k = 0; k < r->n; k++)
        r->table[slot_of(r, r->rows[k].node)] = k;
}

static entry *find(const reference *r, const clg__node *n)
{
    const int k = r->size ? r->table[slot_of(r, n)] : -1;
    return k < 0 ? NULL : &r->rows[k];
}

static entry *add(reference *r, const entry *e)
{
    if (r->n == r->capacity) {
        r->capacity = 2 * r->capacity + 64;
        r->rows = realloc(r->rows, (size_t) r->capacity * sizeof *r->rows);
    }
    r->rows[r->n++] = *e;
    if (2 * r->n >= r->size)
        rebuild(r);
    else
        r->table[slot_of(r, e->node)] = r->n - 1;
    return &r->rows[r->n - 1];
}

void reference_forget(reference *r)
{
    int kept = 0;
    for (int k = 0; k < r->n; k++) {
        if (r->rows[k].given)
            r->rows[kept++] = r->rows[k];
        else
            free_entry(&r->rows[k]);
    }
    r->n = kept;
    rebuild(r);
}

ref_value reference_new(clg_dtype t, const clg_shape *s)
{
    ref_value v = { .dtype = t, .shape = *s, .n = clg_numel(*s) };
    if (clg_dtype_is_float(t))
        v.f = calloc((size_t) v.n + 1, sizeof *v.f);
    else
        v.i = calloc((size_t) v.n + 1, sizeof *v.i);
    return v;
}

void reference_put(ref_value *v, int64_t k, double x)
{
    if (v->f)
        v->f[k] = x;
    else
        v->i[k] = (int64_t) x;
}

double reference_item(const ref_value *v, int64_t k)
{
    return v->f ? v->f[k] : (double) v->i[k];
}

double reference_error(const ref_value *v, int64_t k)
{
    return v->e ? v->e[k] : 0;
}

ref_value reference_copy(ref_value v)
{
    ref_value c = reference_new(v.dtype, &v.shape);
    memcpy(v.f ? (void *) c.f : (void *) c.i, v.f ? (void *) v.f : (void *) v.i, (size_t) v.n * 8);
    if (v.e) {
        c.e = calloc((size_t) v.n + 1, sizeof *c.e);
        memcpy(c.e, v.e, (size_t) v.n * sizeof *c.e);
    }
    return c;
}

void reference_drop(ref_value *v)
{
    free(v->f);
    free(v->i);
    free(v->e);
    *v = (ref_value) { 0 };
}

double reference_unit(clg_dtype t)
{
    const int digits = clg__dtype_of(t)->digits;
    return t == CLG_F64 ? 0x1p-52 : digits ? ldexp(1, -digits) : 0;
}

double reference_tiny(clg_dtype t)
{
    return t == CLG_F16 ? 0x1p-24 : t == CLG_F64 ? 0x1p-1022 : clg_dtype_is_float(t) ? 0x1p-126 : 0;
}

static void set_item(ref_value *v, int64_t k, double x)
{
    if (v->f)
        v->f[k] = x;
    else
        v->i[k] = reference_wrap(v->dtype, (int64_t) x);
}

// ---- leaves and sources

// What the type holds as it is, is not rounded.
static double held_error(clg_dtype t, double x)
{
    const bool held = t == CLG_F64 || x == clg__fit(t, (double) (float) x) || isnan(x);
    return held ? 0 : reference_unit(t) * fabs(x) + reference_tiny(t);
}

void reference_set_about(reference *r, clg_tensor leaf, const double *v, double relative)
{
    const clg__node *n = clg__node_of(leaf);
    entry *e = find(r, n);
    if (!e) {
        entry made = { .node = n, .n_out = 1 };
        made.out[0] = reference_new(leaf->dtype, &leaf->shape);
        if (r->bounds)
            made.out[0].e = calloc((size_t) made.out[0].n + 1, sizeof(double));
        e = add(r, &made);
    }
    e->given = true;
    for (int64_t k = 0; k < e->out[0].n; k++) {
        set_item(&e->out[0], k, v[k]);
        if (e->out[0].e && e->out[0].f && isfinite(v[k]))
            e->out[0].e[k] = held_error(leaf->dtype, v[k]) + relative * fabs(v[k]);
    }
}

void reference_set(reference *r, clg_tensor leaf, const double *v)
{
    reference_set_about(r, leaf, v, 0);
}

static void read_leaf(clg_tensor t, ref_value *v)
{
    const size_t size = clg_dtype_size(t->dtype);
    char *raw = calloc((size_t) v->n + 1, size);
    ck_assert_msg(clg_read(t, raw, (size_t) v->n * size) >= 0, "reference: a leaf cannot be read");
    for (int64_t k = 0; k < v->n; k++) {
        const void *p = raw + (size_t) k * size;
        if (v->f)
            v->f[k] = clg_element_get(t->dtype, p);
        else
            v->i[k] = clg__get_integer(t->dtype, p);
    }
    free(raw);
}

static double draw(const clg__random *q, clg_dtype t, int64_t at, double *e)
{
    uint32_t block[4];
    const int64_t each = q->kind == CLG__RAND_UNIFORM && t == CLG_F64 ? 2 : 4;
    clg__philox((uint64_t) (at / each), q->seed, q->counter, block);
    if (q->kind == CLG__RAND_UNIFORM && each == 4)
        return (block[at % 4] >> (32 - clg__dtype_of(t)->digits)) * reference_unit(t);
    const uint32_t *w = block + (each == 2 ? at % 2 * 2 : at % 4 / 2 * 2);
    if (each == 2)
        return ((w[0] >> 5) * 67108864.0 + (w[1] >> 6)) * 0x1p-53;
    const double u = t != CLG_F64 ? ((w[0] >> 8) + 1.0) * 0x1p-24 : (w[0] + 1.0) * 0x1p-32;
    const double turn = (t != CLG_F64 ? (w[1] >> 8) * 0x1p-23 : w[1] * 0x1p-31) - (at % 2 ? 0.5 : 0);
    const double radius = sqrt(-2 * log(u));
    if (e) // logarithm, root and cosine, whose argument is rounded
        *e = 24 * reference_unit(t) * radius;
    return radius * cos(3.14159265358979323846 * turn);
}

static int64_t draw_bits(const clg__random *q, int64_t at)
{
    uint32_t w[4];
    clg__philox((uint64_t) at / 2, q->seed, q->counter, w);
    return (int64_t) w[at % 2 * 2] << 31 | w[at % 2 * 2 + 1] >> 1;
}

static void source(const clg__node *n, ref_value *v)
{
    const double *p = n->params;
    for (int64_t k = 0; k < v->n; k++) {
        if (n->op->kind == CLG__RANDOM && v->i)
            v->i[k] = draw_bits(n->params, k);
        else if (n->op->kind == CLG__RANDOM)
            v->f[k] = draw(n->params, v->dtype, k, v->e ? &v->e[k] : NULL);
        else if (n->op->kind == CLG__IOTA && v->i)
            v->i[k] = reference_wrap(v->dtype, (int64_t) p[0] + k * (int64_t) p[1]);
        else
            set_item(v, k, n->op->kind == CLG__IOTA ? p[0] + (double) k * p[1] : p[0]);
        if (v->e && v->f && n->op->kind != CLG__RANDOM)
            v->e[k] = held_error(v->dtype, v->f[k]);
        if (v->e && v->f && n->op->kind == CLG__IOTA)
            v->e[k] += reference_unit(v->dtype) * (fabs(p[0]) + 2 * fabs((double) k * p[1]));
    }
}

// ---- views

static void view(const clg__node *n, const ref_value *base, ref_value *v)
{
    const clg_shape *s = &v->shape;
    for (int64_t k = 0; k < v->n; k++) {
        int64_t rest = k, at = n->access.offset;
        bool inside = true;
        for (int d = s->rank - 1; d >= 0; d--) {
            const int64_t i = rest % s->dim[d];
            rest /= s->dim[d];
            at += i * n->access.stride[d];
            inside &= !n->access.windowed || (i >= n->access.lo[d] && i < n->access.hi[d]);
        }
        if (!inside) {
            set_item(v, k, n->fill);
            if (v->e && v->f)
                v->e[k] = held_error(v->dtype, n->fill);
            continue;
        }
        if (v->e)
            v->e[k] = reference_error(base, at);
        ck_assert_msg(at >= 0 && at < base->n, "reference: %s reads element %lld of %lld", n->op->name,
                      (long long) at, (long long) base->n);
        if (v->f)
            v->f[k] = base->f[at];
        else
            v->i[k] = base->i[at];
    }
}

// ---- pointwise

static int64_t to_integer(clg_dtype to, double x)
{
    if (to == CLG_BOOL)
        return x != 0;
    const bool wide = clg_dtype_size(to) == 8 || to == CLG_U32; // narrow ones wrap what fits an int
    const double lo = wide ? -0x1p63 : -0x1p31, hi = wide ? 0x1p63 : 0x1p31;
    int64_t v = 0;
    if (to == CLG_U64 && x >= 0)
        v = x >= 0x1p64 ? -1 : (int64_t) (uint64_t) x;
    else if (x >= hi)
        v = wide ? INT64_MAX : INT32_MAX;
    else if (x <= lo)
        v = wide ? INT64_MIN : INT32_MIN;
    else if (!isnan(x))
        v = (int64_t) x;
    return reference_wrap(to, v);
}

static double cast_error(const ref_value *a, int64_t k, clg_dtype to)
{
    const double x = reference_item(a, k), e = reference_error(a, k);
    if (clg_dtype_is_float(to))
        return e + (e > 0 && to != CLG_F64 ? reference_unit(to) * fabs(x) + reference_tiny(to) : held_error(to, x));
    if (e == 0)
        return 0;
    const double y = (double) to_integer(to, x);
    return fmax(fabs((double) to_integer(to, x - e) - y), fabs((double) to_integer(to, x + e) - y));
}

static void cast(const ref_value *a, ref_value *v)
{
    for (int64_t k = 0; k < v->n; k++) {
        if (v->e)
            v->e[k] = cast_error(a, k, v->dtype);
        if (v->f)
            v->f[k] = reference_item(a, k);
        else
            v->i[k] = a->f ? to_integer(v->dtype, a->f[k]) : reference_wrap(v->dtype, a->i[k]);
    }
}

static void copy(const ref_value *a, int64_t from, ref_value *v, int64_t to)
{
    if (v->f)
        v->f[to] = a->f[from];
    else
        v->i[to] = a->i[from];
    if (v->e)
        v->e[to] = reference_error(a, from);
}

// Chosen by a condition that may be the other one.
static void unsure(const ref_value *a, const ref_value *b, int64_t k, ref_value *v)
{
    const double apart = fabs(reference_item(a, k) - reference_item(b, k));
    if (apart > 0)
        v->e[k] = apart + fmax(reference_error(a, k), reference_error(b, k));
}

static void pointwise(const clg__node *n, const ref_value *const *in, ref_value *v)
{
    const int arity = n->n_in;
    // the computing type; a number beside a packed type keeps its own
    const clg_dtype t = clg__is_packed(v->dtype) ? v->dtype : in[arity - 1]->dtype;
    for (int64_t k = 0; k < v->n; k++) {
        double x[3] = { 0 }, e[3] = { 0 }, y = 0;
        int64_t xi[3] = { 0 }, yi = 0;
        bool known = true;
        if (strcmp(n->op->name, "where") == 0) {
            copy(in[0]->i[k] ? in[1] : in[2], k, v, k);
            if (reference_error(in[0], k) > 0)
                unsure(in[1], in[2], k, v);
            continue;
        }
        if (strcmp(n->op->text, "a") == 0) {
            copy(in[0], k, v, k);
            continue;
        }
        for (int i = 0; i < arity; i++) {
            x[i] = in[i]->f ? in[i]->f[k] : 0;
            xi[i] = in[i]->i ? in[i]->i[k] : 0;
            e[i] = reference_error(in[i], k);
        }
        if (clg_dtype_is_float(t)) {
            known = reference_row_f(n->op->name, x, &y);
            set_item(v, k, y);
            if (v->e && known)
                v->e[k] = reference_row_error(n->op->name, t, arity, x, e, y);
        } else {
            known = reference_row_i(n->op->name, t, xi, &yi);
            v->i[k] = yi;
            if (v->e && known)
                v->e[k] = reference_row_error_i(n->op->name, t, arity, xi, e, yi);
        }
        ck_assert_msg(known, "reference: no row '%s' for %s", n->op->name, clg_dtype_name(t));
    }
}

// ---- reductions

typedef struct state {
    long double f;  // sums of f64 are compared too
    double e, size; // size: the sum of absolute values
    int64_t i, winner;
    bool any, unsure;
} state;

static void reduce_one(clg__reduce_kind kind, state *s, const ref_value *a, int64_t at, int64_t place)
{
    const double f = a->f ? a->f[at] : 0;
    const int64_t i = a->i ? a->i[at] : 0;
    const double e = reference_error(a, at);
    const bool low = kind == CLG__RED_MIN || kind == CLG__RED_ARGMIN;
    bool better;
    switch (kind) {
    case CLG__RED_SQUARE:
    case CLG__RED_ROOT:
        s->e += 2 * fabs(f) * e + e * e;
        s->size += f * f;
        s->f += f * f;
        return;
    case CLG__RED_SUM:
    case CLG__RED_MEAN:
    case CLG__RED_REST:
        s->e += e;
        s->size += fabs(f);
        s->f += f;
        s->i = (int64_t) ((uint64_t) s->i + (uint64_t) i);
        return;
    case CLG__RED_PROD: // size counts the roundings; e, and size, are relative
        s->e += f == 0 ? e : e / fabs(f);
        s->size += 1;
        s->f *= f;
        s->i = (int64_t) ((uint64_t) s->i * (uint64_t) i);
        return;
    case CLG__RED_ANY:
        s->unsure |= e > 0;
        s->i |= a->f ? f != 0 : i != 0;
        return;
    case CLG__RED_ALL:
        s->unsure |= e > 0;
        s->i &= a->f ? f != 0 : i != 0;
        return;
    default: // NaN wins, else the first of the best
        if (a->f)
            better = !s->any || (!isnan(s->f) && (isnan(f) || (low ? f < s->f : f > s->f)));
        else
            better = !s->any || (low ? i < s->i : i > s->i);
        s->unsure = better ? e + s->e > 0 && s->any && fabs(f - (double) s->f) <= e + s->e
                           : s->unsure || (e + s->e > 0 && fabs(f - (double) s->f) <= e + s->e);
        s->e = fmax(e, s->e);
        if (better) {
            s->f = f;
            s->i = i;
            s->winner = place;
        }
        s->any = true;
    }
}

// Sums are compensated: what is left is the rounding of the result and of the parts.
static double reduce_error(const clg__reduce *r, const state *s, clg_dtype t)
{
    const double sum = clg_dtype_is_float(t)
                           ? s->e + reference_unit(t) * (4 * fabs((double) s->f) + 2 * s->size) : s->e;
    const double part = sum / r->divisor, root = sqrt((double) s->f / r->divisor);
    switch (r->kind) {
    case CLG__RED_SUM:
        return sum;
    case CLG__RED_MEAN:
    case CLG__RED_REST:
    case CLG__RED_SQUARE:
        return part;
    case CLG__RED_ROOT:
        return 4 * reference_unit(t) * root + (root > 0 ? fmin(part / root, sqrt(part)) : sqrt(part));
    case CLG__RED_PROD:
        return clg_dtype_is_float(t) ? fabs((double) s->f) * (s->e + s->size * reference_unit(t)) + reference_tiny(t) : 0;
    case CLG__RED_ANY:
    case CLG__RED_ALL:
        return s->unsure;
    case CLG__RED_ARGMAX:
    case CLG__RED_ARGMIN:
        return s->unsure ? INFINITY : 0;
    default:
        return s->e;
    }
}

// In double precision nothing is left of a mean.
static double finished(const clg__reduce *r, long double sum)
{
    if (r->kind == CLG__RED_REST)
        return 0;
    const long double y = r->kind >= CLG__RED_MEAN ? sum / r->divisor : sum;
    return (double) (r->kind == CLG__RED_ROOT ? sqrtl(y) : y);
}

static void reduce(const clg__node *n, const ref_value *a, ref_value *v)
{
    const clg__reduce *r = n->params;
    const clg_shape *s = &a->shape;
    state *all = calloc((size_t) v->n + 1, sizeof *all);
    for (int64_t k = 0; k < v->n; k++)
        all[k].f = all[k].i = r->kind == CLG__RED_ALL || r->kind == CLG__RED_PROD;
    for (int64_t at = 0; at < a->n; at++) {
        int64_t rest = at, kept = 0, kept_step = 1, place = 0, place_step = 1;
        for (int d = s->rank - 1; d >= 0; d--) {
            const int64_t i = rest % s->dim[d];
            rest /= s->dim[d];
            if (r->axis[d]) {
                place += i * place_step;
                place_step *= s->dim[d];
            } else {
                kept += i * kept_step;
                kept_step *= s->dim[d];
            }
        }
        reduce_one(r->kind, &all[kept], a, at, place);
    }
    const bool arg = r->kind == CLG__RED_ARGMAX || r->kind == CLG__RED_ARGMIN;
    for (int64_t k = 0; k < v->n; k++) {
        if (v->f)
            v->f[k] = finished(r, all[k].f);
        else
            v->i[k] = arg ? all[k].winner : all[k].i;
        if (v->e)
            v->e[k] = reduce_error(r, &all[k], v->dtype);
    }
    free(all);
}

// ---- the walk

static entry *evaluate(reference *r, clg__node *n);

static void compute(reference *r, clg__node *n, entry *e)
{
    const clg__op_kind kind = n->op->kind;
    const ref_value *in[REF_INPUTS] = { NULL };
    ref_value kept[REF_INPUTS];
    ck_assert_msg(n->n_in <= REF_INPUTS, "reference: %s has %d inputs", n->op->name, n->n_in);
    const int inputs = kind == CLG__ALIAS || kind == CLG__VIEW ? 1 : n->n_in;
    for (int i = 0; i < inputs && !n->buf; i++) {
        const int out = kind == CLG__OUT ? *(const int *) n->params : 0;
        kept[i] = evaluate(r, kind == CLG__VIEW && n->base ? n->base : n->in[i])->out[out];
        in[i] = &kept[i];
    }
    for (int k = 0; k < (n->outs ? n->outs->n : 1); k++) {
        const bool many = n->outs != NULL;
        e->out[k] = reference_new(many ? n->outs->dtype[k] : n->pub.dtype,
                                  many ? &n->outs->shape[k] : &n->pub.shape);
        if (r->bounds)
            e->out[k].e = calloc((size_t) e->out[k].n + 1, sizeof(double));
        e->n_out++;
    }
    ref_value *v = &e->out[0];
    if (n->buf || kind == CLG__LEAF)
        read_leaf(&n->pub, v);
    else if (kind == CLG__VIEW)
        view(n, in[0], v);
    else if (kind == CLG__POINTWISE)
        pointwise(n, in, v);
    else if (kind == CLG__CAST)
        cast(in[0], v);
    else if (kind == CLG__REDUCE)
        reduce(n, in[0], v);
    else if (kind == CLG__KERNEL)
        reference_kernel(n, in, v);
    else if (kind == CLG__ALIAS || kind == CLG__OUT)
        for (int64_t k = 0; k < v->n; k++)
            copy(in[0], k, v, k);
    else
        source(n, v);
}

static entry *evaluate(reference *r, clg__node *n)
{
    entry *e = find(r, n);
    if (e)
        return e;
    entry made = { .node = n };
    compute(r, n, &made);
    return add(r, &made);
}

ref_value reference_of(reference *r, clg_tensor t)
{
    ck_assert_msg(t->status >= 0, "reference: a poisoned tensor");
    return evaluate(r, clg__node_of(t))->out[0];
}
