// SPDX-License-Identifier: MIT
// What changes no bit is not computed: casts there and back or by way of a wider type, negation twice, a product with
// 1, a sum with nothing. Nothing is folded that a device would have to round: literals of a kernel's text are its
// compiler's business, and numbers that change from run to run are arguments.
//
// Of floating values only those are taken as they are that arithmetic has made: it leaves no signalling NaN, and no
// small number that the device would flush, so that one operation more would have given the same bits.
#include "sched/planner.h"

#include "base/alloc.h"
#include "base/dtype.h"
#include "graph/build.h"

#include <math.h>
#include <string.h>

static const clg__op op_same = { .name = "same", .kind = CLG__POINTWISE, .text = "a", .arity = 1, .domain = CLG__ANY };

typedef struct simplifier {
    clg__work *w;
    bool *same; // per value: it is its first input
} simplifier;

static bool has_text(const clg__value *v, const char *text)
{
    return v->op->kind == CLG__POINTWISE && strcmp(v->op->text, text) == 0;
}

static clg_dtype type_of(const clg__work *w, const clg__use *u)
{
    const clg__value *v = &w->values[u->value];
    return u->out ? v->node->outs->dtype[u->out] : v->dtype;
}

// The whole of a value, element by element.
static bool is_whole(const clg__work *w, const clg__use *u, const clg_shape *over)
{
    const clg__value *v = &w->values[u->value];
    const int64_t n = u->out ? clg_numel(v->node->outs->shape[u->out]) : v->numel;
    return u->access.offset == 0 && clg__access_is_contiguous(&u->access, over) && clg_numel(*over) == n;
}

// ---- which values are settled

static bool is_sum(const clg__value *v)
{
    if (v->op->kind != CLG__REDUCE)
        return false;
    const clg__reduce_kind k = ((const clg__reduce *) v->node->params)->kind;
    return k == CLG__RED_SUM || k == CLG__RED_MEAN;
}

static bool is_settled(const clg__work *w, const clg__use *u)
{
    const clg__value *v = &w->values[u->value];
    const clg_dtype t = type_of(w, u);
    if (!clg_dtype_is_float(t))
        return true;
    if (v->op->kind == CLG__CONST || (v->op->kind == CLG__SCALAR && v->op->key)) {
        const double x = *(const double *) v->node->params;
        return x == 0 || (fabs(x) > 1e-30 && fabs(x) < 1e30 && clg__fit(t, x) != 0);
    }
    return has_text(v, "a * b") || has_text(v, "a + b") || has_text(v, "a - b") || has_text(v, "a / b") || is_sum(v) ||
           (v->op->kind == CLG__KERNEL && v->op->row_axis_from_end > 0); // products and convolutions
}

// ---- casts

// Does every value of x survive in t?
static bool holds(clg_dtype t, clg_dtype x)
{
    const clg_dtype_info *of = clg_dtype_get_info(x), *in = clg_dtype_get_info(t);
    const int bits = x == CLG_BOOL ? 1 : (int) (8 * of->bytes) - (of->kind == CLG_KIND_INT);
    if (x == t || x == CLG_BOOL)
        return true;
    if (t == CLG_BOOL)
        return false;
    if (of->kind == CLG_KIND_FLOAT) // f16 and bf16 hold nothing of each other
        return in->kind == CLG_KIND_FLOAT && in->bytes > of->bytes;
    if (in->kind == CLG_KIND_FLOAT)
        return clg__dtype_of(t)->digits >= bits;
    return in->kind == CLG_KIND_INT ? (int) (8 * in->bytes) - 1 >= bits
                                    : of->kind != CLG_KIND_INT && in->bytes >= of->bytes;
}

// Is a cast of x to `by` and then to `to` one of x to `to`, to the bit?
static bool joins(const clg__work *w, const clg__use *x, clg_dtype by, clg_dtype to)
{
    const clg_dtype from = type_of(w, x);
    if (!holds(by, from))
        return false;
    if (!clg_dtype_is_float(from)) // integers wrap, but a floating number that does not fit is the device's business
        return !clg_dtype_is_float(by) || clg_dtype_is_float(to) || holds(to, from);
    if (clg__dtype_of(from)->as == clg__dtype_of(by)->as && from != to)
        return true; // registers are the same
    return clg_dtype_is_float(to) && is_settled(w, x);
}

// ---- rewriting

// What the value that `u` reads, over a shape, reads by its first input: one use over that shape. false: none.
static bool through(clg__work *w, const clg__use *u, const clg_shape *over, clg__use *out)
{
    const clg__value *r = &w->values[u->value];
    clg__use x = r->src[0];
    if (u->out || u->access.windowed || x.access.windowed)
        return false;
    if (is_whole(w, &x, &r->shape)) {
        x.access = u->access;
    } else {
        const clg__access inner = x.access;
        if (!clg__compose(w, &u->access, over, &inner, &r->shape, &x.access))
            return false;
    }
    *out = x;
    return true;
}

static const clg_shape *read_over(const clg__value *v, int i)
{
    return v->node && i < v->node->n_in ? &v->node->in[i]->pub.shape : &v->shape;
}

// Inputs that are another value are read there. Kernels read buffers alone.
static void skip_same(simplifier *s, clg__value *v)
{
    for (int i = 0; i < v->n_src; i++) {
        clg__use x;
        if (!s->same[v->src[i].value])
            continue;
        const clg__value *r = &s->w->values[v->src[i].value];
        clg__value *of = &s->w->values[r->src[0].value];
        const bool kernel = v->op->kind == CLG__KERNEL;
        if ((kernel && (clg__is_generated(of) || !is_whole(s->w, &r->src[0], &r->shape))) ||
            !through(s->w, &v->src[i], read_over(v, i), &x))
            continue;
        of->must_store |= kernel;
        v->src[i] = x;
        v->simplified = true;
    }
}

// v is what it reads by x.
static void becomes(simplifier *s, int value, clg__use x)
{
    clg__value *v = &s->w->values[value];
    v->op = &op_same;
    v->src[0] = x;
    v->n_src = 1;
    v->simplified = true;
    s->same[value] = !v->is_result; // readers of a result find it in memory
}

static void simplify_cast(simplifier *s, int value)
{
    clg__value *v = &s->w->values[value];
    clg__use x;
    while (s->w->values[v->src[0].value].op->kind == CLG__CAST &&
           joins(s->w, &s->w->values[v->src[0].value].src[0], s->w->values[v->src[0].value].dtype, v->dtype) &&
           through(s->w, &v->src[0], read_over(v, 0), &x)) {
        v->src[0] = x;
        v->simplified = true;
    }
    if (type_of(s->w, &v->src[0]) == v->dtype && !v->src[0].access.windowed)
        becomes(s, value, v->src[0]);
}

// Is it this number, whatever element is read?
static bool is_number(const clg__work *w, const clg__use *u, double x)
{
    const clg__value *v = &w->values[u->value];
    return v->op->kind == CLG__CONST && !u->access.windowed && *(const double *) v->node->params == x &&
           signbit(*(const double *) v->node->params) == signbit(x);
}

static bool is_nothing(const clg__work *w, const clg__value *v, int i)
{
    if (clg_dtype_is_float(v->dtype)) // 0 would turn -0 into 0
        return is_number(w, &v->src[i], has_text(v, "a + b") ? -0.0 : 0.0);
    return is_number(w, &v->src[i], 0.0) || is_number(w, &v->src[i], -0.0);
}

static void simplify_row(simplifier *s, int value)
{
    clg__work *w = s->w;
    clg__value *v = &s->w->values[value];
    int keep = -1; // the input that it is
    clg__use x;
    if (has_text(v, "-a") && has_text(&w->values[v->src[0].value], "-a") &&
        through(w, &v->src[0], read_over(v, 0), &x) && is_settled(w, &x)) {
        becomes(s, value, x);
        return;
    }
    for (int i = 0; i < 2 && keep < 0; i++) {
        const bool second = i == 1;
        if ((has_text(v, "a * b") && is_number(w, &v->src[i], 1)) ||
            (has_text(v, "a / b") && second && is_number(w, &v->src[i], 1)) ||
            (has_text(v, "a + b") && is_nothing(w, v, i)) || (has_text(v, "a - b") && second && is_nothing(w, v, i)))
            keep = 1 - i;
    }
    if (keep >= 0 && !v->src[keep].access.windowed && type_of(w, &v->src[keep]) == v->dtype && is_settled(w, &v->src[keep]))
        becomes(s, value, v->src[keep]);
}

// ---- the pass

// From the last on: what nobody reads any more is not there.
static void count_uses(clg__work *w)
{
    for (int i = 0; i < w->n_values; i++) {
        w->values[i].dead = w->values[i].uses > 0;
        w->values[i].uses = w->values[i].is_result;
    }
    for (int i = w->n_values - 1; i >= 0; i--) {
        clg__value *v = &w->values[i];
        v->dead = v->dead && v->uses == 0;
        for (int k = 0; k < v->n_src && !v->dead; k++)
            w->values[v->src[k].value].uses++;
    }
}

bool clg__pass_simplify(clg__planner *f)
{
    simplifier s = { .w = f->w, .same = clg__calloc((size_t) f->w->n_values + 1, sizeof *s.same) };
    if (!s.same)
        return clg__planner_oom(f);
    for (int i = 0; i < f->w->n_values; i++) {
        clg__value *v = &f->w->values[i];
        skip_same(&s, v);
        if (v->op->kind == CLG__CAST)
            simplify_cast(&s, i);
        else if (v->op->kind == CLG__POINTWISE)
            simplify_row(&s, i);
    }
    count_uses(f->w);
    clg__free(s.same);
    return f->w->err->status >= 0;
}
