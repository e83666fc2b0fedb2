// SPDX-License-Identifier: MIT
// Every line of tools/cases.txt: the device against the host reference, forward, gradient and the gradient
// of the gradient; and, on the host alone, the gradients against central differences. With CLGRAD_CASE_VIEWS
// every input is a view of a tensor that lies otherwise: dimensions in reverse order, every second element.
#include "base/dtype.h"
#include "../tools/cases.h"
#include "reference.h"
#include "testing.h"

#include <ctype.h>

enum { BATCH = 24, RESULTS = 1 + 2 * CASE_INPUTS };

typedef struct one {
    const op_case *c;
    clg_tensor leaf[CASE_INPUTS], x[CASE_INPUTS];
    double *host[CASE_INPUTS];
    int n_in, n_real, real[CASE_INPUTS]; // real[]: inputs with a gradient
    clg_tensor result[RESULTS];          // value, first and second derivatives
    ref_value want[RESULTS];             // copies: the reference goes on with other inputs
    int n;
    clg_tensor contracted; // whose derivatives the second ones are
    double *seed;          // cotangent of the value
} one;

static clg_dtype real = CLG_F32;
static uint64_t state;
static bool views;

static double *numbers(int64_t n)
{
    double *v = calloc((size_t) n + 1, sizeof *v);
    for (int64_t k = 0; k < n; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        v[k] = 0.5 + (double) (state >> 60) / 16; // exact in every floating type
    }
    return v;
}

static clg_tensor uploaded(clg_dtype t, clg_shape s, const double *v)
{
    void *p = case_elements(t, v, clg_numel(s));
    clg_tensor x = clg_upload(dev, t, s, p);
    free(p);
    return x;
}

static void check_status(const one *o, clg_status st, const char *part)
{
    ck_assert_msg(st >= 0, "%s %s: %s", o->c->name, part, clg_error(dev, st));
}

// A tensor of the same elements in other places, and the view that shows them as they were. The host's
// numbers move with them.
static clg_tensor elsewhere(one *o, int k, clg_dtype t, clg_shape s)
{
    const int64_t n = clg_numel(s);
    double *moved = calloc(2 * (size_t) n + 1, sizeof *moved);
    clg_shape lies = { .rank = s.rank }, back = { .rank = s.rank };
    for (int d = 0; d < s.rank; d++) {
        lies.dim[d] = s.dim[s.rank - 1 - d];
        back.dim[d] = s.rank - 1 - d;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i, at = 0, stride[CLG_MAX_RANK], all = 1;
        for (int d = 0; d < s.rank; d++, all *= s.dim[d - 1])
            stride[d] = all;
        for (int d = s.rank - 1; d >= 0; d--, rest /= s.dim[d + 1])
            at += rest % s.dim[d] * stride[d];
        moved[s.rank == 1 ? 2 * i : at] = o->host[k][i];
    }
    free(o->host[k]);
    o->host[k] = moved;
    if (s.rank == 1)
        return clg_slice(o->leaf[k] = uploaded(t, CLG_SHAPE(2 * n), moved), 0, 0, 2 * n, 2);
    return clg_permute(o->leaf[k] = uploaded(t, lies, moved), back);
}

// The sum of the derivatives times fixed numbers, to be differentiated once more.
static void record_second(one *o)
{
    clg_tensor s = NULL, wrt[CASE_INPUTS];
    for (int k = 0; k < o->n_real; k++) {
        const clg_tensor g = o->result[1 + k];
        double *w = numbers(clg_numel(g->shape));
        clg_tensor part = clg_sum(clg_mul(g, uploaded(g->dtype, g->shape, w)), CLG_ALL, false);
        s = s ? clg_add(s, part) : part;
        wrt[k] = o->x[o->real[k]];
        free(w);
    }
    o->contracted = s;
    if (!clg_is_tracked(s)) // the op is linear: nothing depends on the inputs any more
        return;
    const clg_tensor unit = clg_ones(dev, s->dtype, CLG_SCALAR);
    check_status(o, clg_vjp_n(s, unit, wrt, o->n_real, true, o->result + o->n), "second derivative");
    o->n += o->n_real;
}

static void record_one(one *o, const op_case *c)
{
    memset(o, 0, sizeof *o);
    o->c = c;
    for (int k = 0; k < CASE_INPUTS && c->in[k].kind != CASE_NONE; k++) {
        o->host[k] = calloc((size_t) clg_numel(c->in[k].shape) + 1, sizeof(double));
        case_values(c, k, &state, o->host[k]);
        const clg_dtype t = case_dtype(c, k, real);
        for (int64_t i = 0; i < clg_numel(c->in[k].shape) && clg__is_packed(t); i++)
            o->host[k][i] = clg__fit(t, o->host[k][i]); // equal ones are equal on the host too
        if (views && c->in[k].shape.rank > 0)
            o->x[k] = elsewhere(o, k, t, c->in[k].shape);
        else
            o->leaf[k] = o->x[k] = uploaded(t, c->in[k].shape, o->host[k]);
        if (c->in[k].kind == CASE_REAL) {
            o->x[k] = clg_track(o->x[k]);
            o->real[o->n_real++] = k;
        }
        o->n_in++;
    }
    clg_tensor y = o->result[o->n++] = case_apply(c, o->x), wrt[CASE_INPUTS];
    check_status(o, y->status, "forward");
    if (o->n_real == 0 || !clg_dtype_is_float(y->dtype) || !clg_is_tracked(y)) {
        o->n_real = 0;
        return;
    }
    for (int k = 0; k < o->n_real; k++)
        wrt[k] = o->x[o->real[k]];
    o->seed = numbers(clg_numel(y->shape));
    const clg_tensor g = uploaded(y->dtype, y->shape, o->seed);
    check_status(o, clg_vjp_n(y, g, wrt, o->n_real, true, o->result + 1), "gradient");
    o->n += o->n_real;
    if (c->twice && real != CLG_BF16) // which differs from F16 in its conversions alone
        record_second(o);
}

// ---- the host: derivatives against central differences

static double contraction(reference *r, const one *o, bool second)
{
    double sum = 0;
    if (second)
        return reference_item(&(ref_value) { .f = reference_of(r, o->contracted).f }, 0);
    const ref_value y = reference_of(r, o->result[0]);
    for (int64_t k = 0; k < y.n; k++)
        sum += y.f[k] * o->seed[k];
    return sum;
}

static double difference(reference *r, const one *o, int input, int64_t at, bool second)
{
    const double step = 1e-5, x = o->host[input][at];
    double v[2];
    for (int side = 0; side < 2; side++) {
        o->host[input][at] = side ? x - step : x + step;
        reference_set(r, o->leaf[input], o->host[input]);
        reference_forget(r);
        v[side] = contraction(r, o, second);
    }
    o->host[input][at] = x;
    reference_set(r, o->leaf[input], o->host[input]);
    reference_forget(r);
    return (v[0] - v[1]) / (2 * step);
}

enum { MOST = 24 }; // elements of an input that are tried

static void check_differences(reference *r, const one *o, bool second)
{
    const int from = second ? 1 + o->n_real : 1;
    double largest = 1e-2;
    for (int k = 0; k < o->n_real; k++) {
        const ref_value g = o->want[from + k];
        for (int64_t i = 0; i < g.n; i++)
            largest = fabs(g.f[i]) > largest ? fabs(g.f[i]) : largest;
    }
    for (int k = 0; k < o->n_real; k++) {
        const ref_value g = o->want[from + k];
        const int64_t step = g.n / MOST + 1;
        for (int64_t i = 0; i < g.n; i += step) {
            const double d = difference(r, o, o->real[k], i, second);
            ck_assert_msg(fabs(d - g.f[i]) <= 2e-6 * largest,
                          "%s: %s derivative, input %d, element %lld is %.9g, the central difference "
                          "%.9g", o->c->name, second ? "second" : "first", o->real[k], (long long) i,
                          g.f[i], d);
        }
    }
}

static void interpret(one *o)
{
    reference *r = reference_create(true);
    for (int k = 0; k < o->n_in; k++)
        reference_set(r, o->leaf[k], o->host[k]);
    for (int k = 0; k < o->n; k++)
        o->want[k] = reference_copy(reference_of(r, o->result[k]));
    reference_free(r);
    r = reference_create(false);
    for (int k = 0; k < o->n_in; k++)
        reference_set(r, o->leaf[k], o->host[k]);
    if (o->n_real > 0 && real == CLG_F32 && !views) {
        check_differences(r, o, false);
        if (o->n > 1 + o->n_real)
            check_differences(r, o, true);
    }
    reference_free(r);
}

// ---- the device

static void check_result(const one *o, int k)
{
    const clg_tensor t = o->result[k];
    const char *part = k == 0 ? "forward" : k <= o->n_real ? "gradient" : "second derivative";
    char what[128];
    const size_t bytes = (size_t) o->want[k].n * clg_dtype_size(t->dtype);
    char *raw = calloc(bytes + 8, 1);
    check_status(o, clg_read(t, raw, bytes), part);
    snprintf(what, sizeof what, "%s %s %d (%s)", o->c->name, part, k, clg_dtype_name(t->dtype));
    reference_check(what, &o->want[k], raw);
    free(raw);
}

static void run_batch(one *rows, int n)
{
    clg_tensor all[BATCH * RESULTS];
    int m = 0;
    clg_scope s = clg_scope_push(dev);
    for (int k = 0; k < n; k++)
        interpret(&rows[k]);
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < rows[k].n; i++)
            all[m++] = rows[k].result[i];
    }
    clg_eval_n(all, m); // a failure is named below, where the rows are read one by one
    clg_error_clear(dev);
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < rows[k].n; i++) {
            check_result(&rows[k], i);
            reference_drop(&rows[k].want[i]);
        }
        for (int i = 0; i < rows[k].n_in; i++)
            free(rows[k].host[i]);
        free(rows[k].seed);
    }
    clg_scope_pop(s);
}

// Others are the same in every round.
static bool has_real(const op_case *c)
{
    bool yes = false;
    for (int k = 0; k < CASE_INPUTS; k++)
        yes |= c->in[k].kind == CASE_REAL || c->in[k].kind == CASE_CONST;
    return yes;
}

static void run_table(clg_dtype t, int every)
{
    static one rows[BATCH];
    const char *only = getenv("CLGRAD_CASE");
    int n = 0;
    ck_assert_int_gt(op_case_count, 300); // a test before this one that failed left another list
    real = t;
    views = getenv("CLGRAD_CASE_VIEWS") != NULL;
    state = 1; // the same numbers every time: none of them on a kink
    clg_manual_seed(dev, 5);
    clg_scope s = clg_scope_push(dev);
    for (int k = 0; k < op_case_count; k++) {
        const int turns = op_cases[k].seldom ? 6 * every : every;
        const bool skip = (only ? strcmp(only, op_cases[k].name) != 0 : !in_turn(k + on_pocl(), turns)) ||
                          (t != CLG_F32 && !has_real(&op_cases[k])) ||
                          (op_cases[k].f64 && !clg_device_has(dev, CLG_F64));
        if (!skip)
            record_one(&rows[n++], &op_cases[k]);
        if (n == BATCH || (n > 0 && (k == op_case_count - 1 || only))) {
            run_batch(rows, n);
            clg_scope_pop(s);
            s = clg_scope_push(dev);
            n = 0;
        }
    }
    clg_scope_pop(s);
}

START_TEST(f32_agrees_with_the_reference)
{
    if (!only_wide()) // other sixths on PoCL and on Mesa; golden has every op on both
        run_table(CLG_F32, 6);
}
END_TEST

START_TEST(f64_agrees_with_the_reference)
{
    if (clg_device_has(dev, CLG_F64)) // a sixth of it: golden has all of f64, and compiling it takes longest
        run_table(CLG_F64, 6);
    reference_check_strict(0.01);
}
END_TEST

// Packed types, the one in the GPU class, the other in the CPU class: derivatives and their types too. The
// bounds are those of numbers rounded after each step.
static void run_packed(clg_dtype t)
{
    if (!getenv("CLGRAD_CASE_VIEWS") && (everything() || (!only_wide() && on_pocl() == (t == CLG_BF16))))
        run_table(t, on_pocl() ? 8 : 16);
}

START_TEST(f16_agrees_with_the_reference)
{
    run_packed(CLG_F16);
}
END_TEST

START_TEST(bf16_agrees_with_the_reference)
{
    run_packed(CLG_BF16);
}
END_TEST

// ---- completeness

static bool has_case(const char *op, size_t length)
{
    char name[CASE_NAME];
    snprintf(name, sizeof name, "%.*s", (int) length, op);
    for (int k = 0; k < op_case_count; k++) {
        if (case_calls(&op_cases[k], name))
            return true;
    }
    return false;
}

START_TEST(every_row_of_the_maps_has_a_case)
{
#define CHECK_UNARY(id) ck_assert_msg(has_case(#id, strlen(#id)), "no case for " #id);
    CLG_UNARY_MAP(CHECK_UNARY)
#define CHECK_BINARY(id)                                                                           \
    CHECK_UNARY(id)                                                                                \
    ck_assert_msg(has_case(#id "_scalar", strlen(#id "_scalar")) || has_case("scalar_" #id, strlen("scalar_" #id)), \
                  "no case for a number beside " #id);
    CLG_BINARY_MAP(CHECK_BINARY)
}
END_TEST

START_TEST(every_function_of_the_headers_has_a_case)
{
    static const char start[] = "CLG_API clg_tensor clg_";
    static const char *const headers[][2] = { { "CLGRAD_OPS_H", "include/clgrad/ops.h" },
                                              { "CLGRAD_CONV_H", "include/clgrad/conv.h" },
                                              { "CLGRAD_POINTWISE_H", "include/clgrad/pointwise.h" },
                                              { "CLGRAD_REDUCE_H", "include/clgrad/reduce.h" },
                                              { "CLGRAD_LOSS_H", "include/clgrad/loss.h" },
                                              { "CLGRAD_SCAN_H", "include/clgrad/scan.h" },
                                              { "CLGRAD_CREATE_H", "include/clgrad/create.h" },
                                              { "CLGRAD_SORT_H", "include/clgrad/sort.h" },
                                              { "CLGRAD_NORM_H", "include/clgrad/norm.h" },
                                              { "CLGRAD_INDEX_H", "include/clgrad/index.h" },
                                              { "CLGRAD_ARRANGE_H", "include/clgrad/arrange.h" },
                                              { "CLGRAD_IMAGE_H", "include/clgrad/image.h" },
                                              { "CLGRAD_LINALG_H", "include/clgrad/linalg.h" },
                                              { "CLGRAD_ATTENTION_H", "include/clgrad/attention.h" } };
    const char *path = getenv(headers[_i][0]);
    char line[512];
    int found = 0;
    FILE *f = fopen(path ? path : headers[_i][1], "r");
    ck_assert_msg(f != NULL, "a header is missing: set %s", headers[_i][0]);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, start, strlen(start)) != 0)
            continue;
        const char *name = line + strlen(start);
        size_t n = 0;
        while (isalnum((unsigned char) name[n]) || name[n] == '_')
            n++;
        if (n > 2 && memcmp(name + n - 2, "_n", 2) == 0)
            n -= 2;
        found++;
        ck_assert_msg(has_case(name, n), "no case for clg_%.*s in tools/cases.txt", (int) n, name);
    }
    fclose(f);
    ck_assert_int_ge(found, _i > 12 ? 1 : _i >= 5 ? 5 : _i ? 10 : 30);
}
END_TEST

START_TEST(a_line_that_is_wrong_says_where)
{
    static const struct {
        const char *text, *error;
    } bad[] = {
        { "x exp(a)", ":1: '|' expected after the name" },
        { "# fine\n\nx | exp(a) | real(0,1)[3]\nx | exp(a) | real(0,1)[3]\n",
          ":4: 'x' is the name of line 3" },
        { "x | expo(a) | real(0,1)[3]", ":1: no function 'expo'" },
        { "x | exp(a, 2) | real(0,1)[3]", "exp takes 't'" },
        { "x | exp(i) | real(0,1)[3]", "'i' is no input" },
        { "x | exp(b) | real(0,1)[3]", "the line has no input b" },
        { "x | exp(a | real(0,1)[3]", "',' expected between arguments" },
        { "x | sum(a, [1,], true) | real(0,1)[3]", "a number expected" },
        { "x | conv2d(a, b, strid=2) | real(0,1)[3] real(0,1)[3]", "conv2d has no parameter 'strid'" },
        { "x | exp(a) | real(1,1)[3]", "the range of input a is empty" },
        { "x | exp(a) | f32(0,1)[3]", "not 'f32" },
        { "x | exp(a) | real(0,1)3]", "'[' expected" },
        { "x | exp(a) | real(0,1)[1,1,1,1,1,1,1,1,1]", "more than 8 numbers" },
        { "x | exp(a) | real(0,1)[3] | thrice", "not 'thrice" },
        { "x | exp(a) | real(0,1)[3] | bench \"e\" [3]", "'flops' or 'bytes'" },
        { "x | exp(a)", "'|' expected after the expression" },
        { "x | exp(a) |", "x: no input" },
    };
    char error[CASE_ERROR];
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        ck_assert_msg(!cases_read("here", bad[k].text, error), "taken: %s", bad[k].text);
        ck_assert_msg(strncmp(error, "here:", 5) == 0 && strstr(error, bad[k].error), "%s: '%s' lacks '%s'",
                      bad[k].text, error, bad[k].error);
    }
    ck_assert_msg(cases_open(error), "%s", error);
}
END_TEST

// ---- clg_grad_check itself

static clg_tensor smooth(const clg_tensor *x, int n, void *user)
{
    (void) n;
    (void) user;
    return clg_tanh(clg_add(clg_matmul(x[0], x[1]), clg_exp(x[2])));
}

// The derivative of detach(x) * x is not that of x * x.
static clg_tensor wrong(const clg_tensor *x, int n, void *user)
{
    (void) n;
    (void) user;
    return clg_mul(clg_detach(x[0]), x[0]);
}

START_TEST(grad_check_accepts_and_refuses)
{
    clg_scope s = clg_scope_push(dev);
    char report[200] = "";
    const clg_dtype t = clg_device_has(dev, CLG_F64) ? CLG_F64 : CLG_F32;
    clg_tensor x[3] = { clg_cast(clg_uniform(dev, CLG_F32, CLG_SHAPE(2, 3), -1, 1), t),
                        clg_cast(clg_uniform(dev, CLG_F32, CLG_SHAPE(3, 2), -1, 1), t),
                        clg_cast(clg_uniform(dev, CLG_F32, CLG_SHAPE(2), -1, 1), t) };
    ok(clg_grad_check(smooth, NULL, x, 3, NULL));
    ck_assert_int_eq(clg_grad_check(wrong, NULL, x, 1,
                                    clg_grad_check_params(.report = report,
                                                          .report_size = sizeof report)),
                     CLG_EGRAD);
    ck_assert_ptr_nonnull(strstr(report, "input 0"));
    clg_error_clear(dev);
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    char error[CASE_ERROR];
    if (!cases_open(error)) {
        printf("%s\n", error);
        return 1;
    }
    Suite *s = suite_create("cases");
    TCase *c = tcase_create("table");
    tcase_add_test(c, every_row_of_the_maps_has_a_case);
    tcase_add_loop_test(c, every_function_of_the_headers_has_a_case, 0, 14);
    tcase_add_test(c, a_line_that_is_wrong_says_where);
    tcase_add_test(c, f32_agrees_with_the_reference);
    tcase_add_test(c, f64_agrees_with_the_reference);
    tcase_add_test(c, grad_check_accepts_and_refuses);
    suite_add_tcase(s, c);
    c = tcase_create("packed");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, f16_agrees_with_the_reference);
    tcase_add_test(c, bf16_agrees_with_the_reference);
    suite_add_tcase(s, c);
    const int code = run_suite(s);
    cases_close();
    return code;
}
