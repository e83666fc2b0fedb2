// SPDX-License-Identifier: MIT
// Scans: what adds up, multiplies, or chooses along an axis. One kernel for all of them (cl/scan_cpu.cl, cl/scan_short.cl, cl/scan.cl),
// over [outer][n][inner]. Every derivative is a linear recurrence, y[i] = c[i] y[i-1] + x[i], itself a scan: it divides by
// nothing, so that zeros are no matter, and the set is closed. How an axis is cut follows from the shape alone.
#include "ops/scan.h"

#include "ops/element.h"
#include "ops/extreme.h"
#include "ops/registry.h"
#include <clgrad/grad.h>
#include <clgrad/ops.h>
#include <clgrad/scan.h>

#include <math.h>

typedef enum kind { SUM, PRODUCT, RECURRENCE, MAXIMUM, MINIMUM, LOG_SUM } kind; // KIND of cl/scan.clh

typedef struct scan {
    kind kind;
    bool back;
    int64_t outer, n, inner;
} scan;

static void key_scan(const void *params, clg__key *k)
{
    const scan *s = params;
    clg__key_i64(k, s->kind);
    clg__key_i64(k, s->back);
    clg__key_i64(k, s->outer);
    clg__key_i64(k, s->n);
    clg__key_i64(k, s->inner);
}

// ---- launches

enum { VL = CLG__VL, BLOCK = 256, SHORT = 128, WIDTH = 256, MOST = 64, ITEMS = 64, SMALL = 64 };
enum { ROWS, SHORT_ROWS, COLUMNS }; // ENTRY of the kernel files

static int64_t div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static const char *accepts_cpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? NULL : "for CPU-class devices";
}

static const char *accepts_gpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? "for GPU-class devices" : NULL;
}

static bool is_wider(const clg__kernel_call *c, kind k)
{
    return clg_dtype_is_float(c->in_dtype[0]) && clg__acc_size(c->in_dtype[0]) == 4 && c->caps->fp64 && k != MAXIMUM &&
           k != MINIMUM;
}

// What the kernels are told of types; sums of I64 are made of unsigned numbers, which wrap.
static void define_types(const clg__kernel_call *c, clg__kplan *p, clg__launch *l, const scan *s)
{
    const clg_dtype t = c->in_dtype[0];
    const bool choice = s->kind == MAXIMUM || s->kind == MINIMUM;
    clg__define_element(p, l, t == CLG_I64 && !choice ? CLG_U64 : t);
    clg__kplan_define(p, l, "KIND", "%d", s->kind);
    if (s->back)
        clg__kplan_define(p, l, "BACK", "1");
    if (is_wider(c, s->kind)) {
        clg__kplan_define(p, l, "W", "double");
        clg__kplan_define(p, l, "TO_W(x)", "((double)(x))");
        clg__kplan_define(p, l, "TO_W16(x)", "convert_double16(x)");
        clg__kplan_define(p, l, "OF_W(x)", "((float)(x))");
        clg__kplan_define(p, l, "OF_W16(x)", "convert_float16(x)");
    } else if (!clg_dtype_is_float(t)) { // no rounding
        clg__kplan_define(p, l, "W", "ACC");
        static const char *const same[] = { "TO_W(x)", "TO_W16(x)", "OF_W(x)", "OF_W16(x)" };
        for (int i = 0; i < 4; i++)
            clg__kplan_define(p, l, same[i], "(x)");
    }
    if (!choice)
        return;
    clg__kplan_define(p, l, "PLACE", clg__acc_size(t) == 8 ? "long" : "int");
    if (!clg_dtype_is_float(t))
        clg__kplan_define(p, l, "LOW", "(ACC)(%s)", s->kind == MAXIMUM ? clg__dtype_of(t)->low : clg__dtype_of(t)->high);
    else if (s->kind == MINIMUM)
        clg__kplan_define(p, l, "LOW", "INFINITY");
    else
        clg__kplan_define(p, l, "LOW", "(-INFINITY)");
}

typedef struct cut {
    int entry;
    int64_t many, parts, length, strips, units; // units: of work of a part
    int temp[2];
} cut;

static clg__launch *launch(const clg__kernel_call *c, clg__kplan *p, const cut *q, bool total)
{
    const scan *s = c->params;
    const char *cpu = q->entry == SHORT_ROWS ? "scan_short" : "scan_cpu";
    clg__launch *l = clg__kplan_kernel(p, c->caps->cpu_class ? cpu : "scan",
                                       q->entry == ROWS ? "scan_rows" : q->entry == COLUMNS ? "scan_columns" : "scan_short");
    define_types(c, p, l, s);
    clg__kplan_define(p, l, "ENTRY", "%d", q->entry);
    if (total)
        clg__kplan_define(p, l, "TOTAL", "1");
    clg__arg_buffers(p, l, c->n_in, 0);
    clg__arg_temp(p, l, q->temp[0]);
    clg__arg_temp(p, l, q->temp[1]);
    for (int k = 0; k < c->n_out && !total; k++)
        clg__arg_out(p, l, k);
    CLG__ARG_BLOCK(p, l, "SCAN", { "many", q->many, true }, { "n", s->n, true }, { "inner", s->inner, true },
                   { "parts", q->parts, false }, { "length", q->length, true }, { "strips", q->strips, true });
    return l;
}

static void temps(clg__kplan *p, cut *q)
{
    for (int k = 0; k < 2; k++) // of no more than 8 bytes each; one part needs none, but an argument
        q->temp[k] = clg__kplan_temp(p, (size_t) (8 * (q->parts > 1 ? q->parts * q->many : 1)));
}

// Parts so that there are as many units as `wanted`, of at least `least` elements and a multiple of `step`.
static void cut_axis(cut *q, int64_t n, int64_t units, int64_t wanted, int64_t least, int64_t step)
{
    const int64_t parts = at_most(wanted / (units ? units : 1), n / least);
    q->length = div_up(div_up(n, parts > 1 ? parts : 1), step) * step;
    q->parts = div_up(n, q->length);
}

static void plan_cpu(const clg__kernel_call *c, clg__kplan *p)
{
    const scan *s = c->params;
    if (s->outer * s->n * s->inner == 0)
        return;
    cut q = { .many = s->outer * s->inner, .parts = 1, .length = s->n, .strips = 1 };
    int64_t groups;
    if (s->inner > 1) {
        const int64_t vectors = div_up(s->inner, VL), least = div_up(vectors, MOST);
        q.entry = COLUMNS;
        cut_axis(&q, s->n, s->outer * div_up(s->inner, WIDTH), 16, 256, 1);
        // As wide as leaves each core some: long runs of memory, whole pages where there are such.
        q.strips = at_most(div_up(2 * (int64_t) c->caps->compute_units, s->outer * q.parts), vectors / 2);
        q.strips = q.strips < least ? least : q.strips;
        q.units = groups = s->outer * q.strips;
    } else {
        q.entry = s->n <= SHORT || (s->n < BLOCK && s->outer >= VL) ? SHORT_ROWS : ROWS;
        q.units = q.entry == ROWS ? s->outer : div_up(s->outer, VL);
        if (q.entry == ROWS)
            cut_axis(&q, s->n, s->outer, 32, 8 * BLOCK, BLOCK);
        groups = at_most(q.units, 4 * (int64_t) c->caps->compute_units);
        groups = q.parts > 1 ? q.units : groups;
    }
    temps(p, &q);
    if (q.parts > 1) {
        clg__launch *l = launch(c, p, &q, true);
        clg__kplan_grid(l, (size_t) (q.parts - 1), (size_t) groups, 1, 1, 1, 1);
    }
    clg__launch *l = launch(c, p, &q, false);
    clg__kplan_grid(l, (size_t) q.parts, (size_t) groups, 1, 1, 1, 1);
}

static void plan_gpu(const clg__kernel_call *c, clg__kplan *p)
{
    const scan *s = c->params;
    if (s->outer * s->n * s->inner == 0)
        return;
    cut q = { .many = s->outer * s->inner, .strips = 1 };
    const int items = clg__kplan_side(ITEMS, c->caps->max_work_group, false);
    const bool rows = s->inner == 1 && s->n > SMALL;
    q.entry = rows ? ROWS : COLUMNS;
    cut_axis(&q, s->n, q.many, rows ? 1024 : 1 << 15, rows ? 4096 : 256, rows ? 512 : 1);
    temps(p, &q);
    for (int total = q.parts > 1; total >= 0; total--) {
        clg__launch *l = launch(c, p, &q, total);
        const size_t parts = (size_t) (q.parts - total);
        if (rows)
            clg__kplan_define(p, l, "ITEMS", "%d", items);
        if (rows)
            clg__kplan_grid(l, parts, (size_t) q.many, 1, (size_t) items, 1, 1);
        else
            clg__kplan_items(l, q.many * (int64_t) parts);
    }
}

static const clg__variant variants[] = { { "cpu_parts", accepts_cpu, plan_cpu, false },
                                        { "gpu_parts", accepts_gpu, plan_gpu, false } };

static clg_tensor sum_vjp(const clg__vjp *v, int i);
static clg_tensor product_vjp(const clg__vjp *v, int i);
static clg_tensor recurrence_vjp(const clg__vjp *v, int i);

#define SCAN_OP(id, grad)                                                                          \
    static const clg__op op_##id = { .name = #id, .kind = CLG__KERNEL, .vjp = grad, .key = key_scan, \
                                     .params_bytes = sizeof(scan), .variants = variants, .n_variants = 2 };
SCAN_OP(cumsum, sum_vjp)
SCAN_OP(cumprod, product_vjp)
SCAN_OP(recurrence, recurrence_vjp)
SCAN_OP(cummax, NULL)
SCAN_OP(cummin, NULL)
SCAN_OP(log_sums, NULL)

const clg__op *const clg__scan_ops[] = { &op_cumsum, &op_cumprod, &op_recurrence, &op_cummax, &op_cummin, &op_log_sums, NULL };

// ---- nodes over [outer][n][inner]

// Sizes around an axis; too few columns for vectors lie as rows, which a copy turns.
static clg_tensor laid_out(clg_tensor a, int axis, scan *s, bool *turned)
{
    int64_t outer = 1, inner = 1;
    for (int d = 0; d < a->shape.rank; d++) {
        outer *= d < axis ? a->shape.dim[d] : 1;
        inner *= d > axis ? a->shape.dim[d] : 1;
    }
    const int64_t n = a->shape.rank ? a->shape.dim[axis] : 1;
    *turned = inner > 1 && inner < VL && n > 1;
    clg_tensor t = clg_reshape(a, CLG_SHAPE(outer, n, inner));
    s->n = n;
    s->outer = *turned ? outer * inner : outer;
    s->inner = *turned ? 1 : inner;
    return *turned ? clg_reshape(clg_transpose(t, 1, 2), CLG_SHAPE(s->outer, n, 1)) : t;
}

static clg_tensor back_in_place(clg_tensor y, const clg_shape *like, int axis, bool turned)
{
    if (y->status < 0 || !turned)
        return y->status < 0 ? y : clg_reshape(y, *like);
    int64_t inner = 1;
    for (int d = axis + 1; d < like->rank; d++)
        inner *= like->dim[d];
    const int64_t rows = y->shape.dim[0], n = y->shape.dim[1];
    return clg_reshape(clg_transpose(clg_reshape(y, CLG_SHAPE(rows / inner, inner, n)), 1, 2), *like);
}

// The results of n_in inputs of one shape. second: where the second goes, NULL: there is one.
static clg_tensor record(const clg__op *op, kind k, int n_in, const clg_tensor *in, int axis, bool back, clg_tensor *second)
{
    scan s = { .kind = k, .back = back };
    bool turned = false;
    clg_tensor part[2];
    for (int i = 0; i < n_in; i++)
        part[i] = laid_out(in[i], axis, &s, &turned);
    clg__call c;
    if (!clg__call_begin(&c, op->name, n_in > 1 ? "c x" : "a", n_in, part))
        return clg__second(clg__call_poison(&c), second, clg__call_poison(&c));
    if (!second)
        return back_in_place(clg__call_node(&c, op, part[0]->dtype, &part[0]->shape, &s), &in[0]->shape, axis, turned);
    clg_tensor out[2];
    const clg_dtype t[2] = { part[0]->dtype, k == LOG_SUM ? part[0]->dtype : CLG_I64 };
    const clg_shape shapes[2] = { part[0]->shape, part[0]->shape };
    clg__call_node_n(&c, op, 2, t, shapes, &s, out);
    return clg__second(back_in_place(out[0], &in[0]->shape, axis, turned), second,
                       back_in_place(out[1], &in[0]->shape, axis, turned));
}

// ---- derivatives, over the axis in the middle

enum { MIDDLE = 1 };

clg_tensor clg__previous(clg_tensor a, int axis, bool back, double fill)
{
    clg_shape before = { .rank = a->shape.rank }, after = before;
    before.dim[axis] = !back;
    after.dim[axis] = back;
    const clg_tensor rest = back ? clg_slice(a, axis, 1, INT64_MAX, 1) : clg_slice(a, axis, 0, -1, 1);
    return clg_pad(rest, before, after, fill);
}

clg_tensor clg__recurrence(clg_tensor c, clg_tensor x, int axis, bool back)
{
    const clg_tensor in[] = { c, x };
    if (c->status < 0 || x->status < 0)
        return c->status < 0 ? c : x;
    return record(&op_recurrence, RECURRENCE, 2, in, axis, back, NULL);
}

clg_tensor clg__product_before(clg_tensor a, int axis, bool back)
{
    return clg__previous(record(&op_cumprod, PRODUCT, 1, &a, axis, back, NULL), axis, back, 1);
}

static clg_tensor sum_vjp(const clg__vjp *v, int i)
{
    const scan *s = v->params;
    (void) i;
    const clg_tensor g = v->g;
    return record(&op_cumsum, SUM, 1, &g, MIDDLE, !s->back, NULL);
}

// The product of what stands before an element, times the sum of the cotangents behind it, each times the product of
// the elements between: no element of that is divided by.
static clg_tensor product_vjp(const clg__vjp *v, int i)
{
    const scan *s = v->params;
    (void) i;
    const clg_tensor a = clg__wide(v->in[0]), next = clg__previous(a, MIDDLE, !s->back, 0);
    const clg_tensor behind = clg__recurrence(next, clg__wide(v->g), MIDDLE, !s->back);
    return clg_cast(clg_mul(clg__product_before(a, MIDDLE, s->back), behind), v->in[0]->dtype);
}

static clg_tensor recurrence_vjp(const clg__vjp *v, int i)
{
    const scan *s = v->params;
    const clg_tensor t = clg__recurrence(clg__previous(v->in[0], MIDDLE, !s->back, 0), v->g, MIDDLE, !s->back);
    return i == 1 ? t : clg_mul(t, clg__previous(v->y, MIDDLE, s->back, 0));
}

// ---- what a caller gives

static bool begin(clg__call *c, const char *name, clg_tensor a, int axis, int *at, clg_tensor *bad)
{
    if (!clg__call_begin(c, name, "a", 1, &a))
        *bad = clg__call_poison(c);
    else if (!clg__axis(axis, a->shape.rank, at))
        *bad = clg__call_fail(c, CLG_ESHAPE, "axis %d of a tensor of rank %d", axis, a->shape.rank);
    else
        return true;
    return false;
}

static clg_tensor plain(const clg__op *op, kind k, clg_tensor a, int axis)
{
    clg__call c;
    clg_tensor bad;
    int at;
    if (!begin(&c, op->name, a, axis, &at, &bad))
        return bad;
    if (!clg_dtype_is_float(a->dtype))
        a = clg_cast(a, CLG_I64);
    return clg__call_own(&c, a->status < 0 ? a : record(op, k, 1, &a, at, false, NULL));
}

clg_tensor clg_cumsum(clg_tensor a, int axis)
{
    return plain(&op_cumsum, SUM, clg_autocast_input("cumsum", a), axis);
}

clg_tensor clg_cumprod(clg_tensor a, int axis)
{
    return plain(&op_cumprod, PRODUCT, clg_autocast_input("cumprod", a), axis);
}

// Each place of the axis as a number.
static clg_tensor places(clg_tensor like, int axis)
{
    clg_shape s = { .rank = like->shape.rank };
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = d == axis ? like->shape.dim[d] : 1;
    return clg_reshape(clg_arange(like->dev, CLG_I64, 0, s.rank ? (double) s.dim[axis] : 1, 1), s);
}

// An element that won gets the cotangents from its place on, up to the next winner.
static clg_tensor winner_vjp(const clg__vjp *v, int i)
{
    const int axis = *(const int *) v->params;
    if (i > 0)
        return NULL;
    const clg_tensor g = clg__wide(v->g), won = clg_eq(v->in[1], places(v->in[1], axis)), zero = clg__lit(g->dev, g->dtype, 0);
    const clg_tensor lasts = clg__previous(clg_cast(clg_logical_not(won), g->dtype), axis, true, 0);
    return clg_cast(clg_where(won, clg__recurrence(lasts, g, axis, true), zero), v->in[0]->dtype);
}

static const clg__op op_winner = { .name = "winner", .kind = CLG__ALIAS, .vjp = winner_vjp, .params_bytes = sizeof(int) };

static clg_tensor winners(const clg__op *op, kind k, clg_tensor a, int axis, clg_tensor *indices)
{
    clg__call c;
    clg_tensor bad, at_place;
    int at;
    if (!begin(&c, op->name, a, axis, &at, &bad))
        return clg__second(bad, indices, bad);
    if (a->shape.rank && a->shape.dim[at] > INT32_MAX) {
        bad = clg__call_fail(&c, CLG_ESHAPE, "more than %d elements along the axis", INT32_MAX);
        return clg__second(bad, indices, bad);
    }
    clg_tensor x = a;
    if (!clg_dtype_is_float(a->dtype) && clg_dtype_size(a->dtype) < 8) // others have no vectors to choose by
        x = clg_cast(a, a->dtype == CLG_U32 ? CLG_I64 : CLG_I32);
    clg_tensor y = x->status < 0 ? x : clg__call_own(&c, record(op, k, 1, &x, at, false, &at_place));
    if (y->status < 0)
        return clg__second(clg__call_own(&c, y), indices, y);
    if (clg_dtype_is_float(a->dtype) && a->shape.rank)
        y = clg__custom_vjp(&op_winner, y, 2, (clg_tensor[]) { a, at_place }, &at);
    else if (clg_dtype_is_float(a->dtype))
        y = a;
    return clg__second(clg_cast(y, a->dtype), indices, at_place);
}

clg_tensor clg_cummax(clg_tensor a, int axis, clg_tensor *indices)
{
    return winners(&op_cummax, MAXIMUM, a, axis, indices);
}

clg_tensor clg_cummin(clg_tensor a, int axis, clg_tensor *indices)
{
    return winners(&op_cummin, MINIMUM, a, axis, indices);
}

// a - b; 0 where they are equal, infinities too
static clg_tensor apart(clg_tensor a, clg_tensor b)
{
    return clg_where(clg_eq(a, b), clg__lit(a->dev, a->dtype, 0), clg_sub(a, b));
}

// With y rising, the weights exp(a[j] - y[i]) of the cotangents behind j are exp(a[j] - y[j]) times ratios that are not
// above 1.
static clg_tensor log_sum_vjp(const clg__vjp *v, int i)
{
    const int axis = *(const int *) v->params;
    (void) i;
    const clg_tensor y = v->y, ratio = clg_exp(apart(y, clg__previous(y, axis, true, INFINITY)));
    const clg_tensor behind = clg__recurrence(ratio, v->g, axis, true);
    return clg_mul(clg_exp(apart(v->in[0], y)), behind);
}

static const clg__op op_log_sum = { .name = "logcumsumexp", .kind = CLG__ALIAS, .vjp = log_sum_vjp,
                                    .params_bytes = sizeof(int) };

clg_tensor clg_logcumsumexp(clg_tensor a, int axis)
{
    clg__call c;
    clg_tensor bad, sum;
    int at;
    if (!begin(&c, "logcumsumexp", a, axis, &at, &bad))
        return bad;
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types: cast first");
    if (a->shape.rank == 0)
        return a;
    const clg_tensor x = clg__wide(a), top = record(&op_log_sums, LOG_SUM, 1, &x, at, false, &sum);
    clg_tensor y = top->status < 0 ? top : clg_add(top, clg_log(sum));
    if (y->status >= 0)
        y = clg__custom_vjp(&op_log_sum, y, 1, &x, &at);
    return clg__call_own(&c, y->status < 0 ? y : clg_cast(y, a->dtype));
}
