// SPDX-License-Identifier: MIT
// Products forward, Jacobians and Hessians, accumulation, checkpointing, hooks, and no_grad.
#include "testing.h"

static void expect_error(clg_status got, clg_status want, const char *part)
{
    const char *text = clg_error(dev, got);
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(got == want, "status %d, expected %d: %s", got, want, text);
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in: %s", part, text);
    clg_error_clear(dev);
}

static clg_dtype wide(void)
{
    return clg_device_get_info(dev)->fp64 ? CLG_F64 : CLG_F32;
}

static clg_tensor draw(clg_shape s, double low, double high)
{
    clg_tensor t = clg_uniform(dev, wide(), s, low, high);
    ok(clg_eval(t));
    return clg_track(t);
}

// Elements of two tensors, within a part of the largest.
static void expect_near(const char *what, clg_tensor got, clg_tensor want)
{
    double *a = read_all(got), *b = read_all(want), size = 1;
    const int64_t n = clg_numel(want->shape);
    ck_assert_int_eq(clg_numel(got->shape), n);
    for (int64_t i = 0; i < n; i++)
        size = fmax(size, fabs(b[i]));
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(fabs(a[i] - b[i]) <= (wide() == CLG_F64 ? 1e-9 : 2e-4) * size, "%s [%d]: %.12g, expected %.12g", what,
                      (int) i, a[i], b[i]);
    free(a);
    free(b);
}

static void expect_bits(const char *what, clg_tensor got, clg_tensor want)
{
    const size_t bytes = (size_t) clg_numel(want->shape) * clg_dtype_size(want->dtype);
    char *a = malloc(bytes + 1), *b = malloc(bytes + 1);
    ck_assert_int_eq(got->dtype, want->dtype);
    ok(clg_read(got, a, bytes));
    ok(clg_read(want, b, bytes));
    ck_assert_msg(memcmp(a, b, bytes) == 0, "%s: other bits", what);
    free(a);
    free(b);
}

// ---- products

static clg_tensor of_products(const clg_tensor *x)
{
    return clg_tanh(clg_matmul(x[0], x[1]));
}
static clg_tensor of_rows(const clg_tensor *x)
{
    return clg_log_softmax(clg_mul(x[0], clg_sum(x[1], CLG_ALL, false)), 1);
}
static clg_tensor of_windows(const clg_tensor *x)
{
    clg_tensor image = clg_reshape(x[0], CLG_SHAPE(1, 1, 3, 4));
    return clg_conv2d(image, clg_reshape(clg_slice(x[1], 1, 0, 1, 1), CLG_SHAPE(1, 1, 2, 2)), NULL, clg_conv2d_params(.padding = 1));
}
static clg_tensor of_places(const clg_tensor *x)
{
    clg_tensor at = clg_cast(clg_arange(dev, CLG_I32, 0, 3, 2), CLG_I64);
    return clg_add(clg_index_select(clg_cumsum(x[0], 1), 0, at), clg_amax(clg_square(x[1]), CLG_ALL, false));
}
static clg_tensor of_choices(const clg_tensor *x)
{
    return clg_concat_n((clg_tensor[]) { clg_relu(clg_sub_scalar(x[0], 1)), clg_pow(clg_transpose(x[1], 0, 1), clg_exp(x[0])) }, 2, 0);
}
static clg_tensor of_norms(const clg_tensor *x)
{
    return clg_layer_norm(x[0], CLG_SHAPE(4), clg_slice(clg_reshape(x[1], CLG_SHAPE(12)), 0, 0, 4, 1), NULL, NULL);
}

// J t by central differences, and against the product backward: <g, J t> = <J' g, t>.
START_TEST(forward_products)
{
    clg_tensor (*const f[])(const clg_tensor *) = { of_products, of_rows, of_windows, of_places, of_choices, of_norms };
    for (int k = 0; k < 6; k++) {
        if (!in_turn(k, 6))
            continue;
        clg_scope s = clg_scope_push(dev);
        clg_tensor x[2] = { draw(CLG_SHAPE(3, 4), 0.3, 1.9), draw(CLG_SHAPE(4, 3), 0.3, 1.9) }, y = f[k](x), t[2], out, back[2];
        const double h = wide() == CLG_F64 ? 1e-6 : 1e-2;
        clg_tensor side[2];
        ok(y->status);
        for (int i = 0; i < 2; i++)
            t[i] = clg_uniform(dev, wide(), x[i]->shape, -1, 1);
        ok(clg_eval(t[0], t[1]));
        ok(clg_jvp_n(&y, 1, x, t, 2, &out));
        for (int i = 0; i < 2; i++) {
            const double step = i ? -h : h;
            side[i] = f[k]((clg_tensor[]) { clg_add(x[0], clg_mul_scalar(t[0], step)), clg_add(x[1], clg_mul_scalar(t[1], step)) });
        }
        double *got = read_all(out), *plus = read_all(side[0]), *minus = read_all(side[1]);
        for (int64_t i = 0; i < clg_numel(y->shape); i++)
            ck_assert_msg(fabs(got[i] - (plus[i] - minus[i]) / (2 * h)) < (wide() == CLG_F64 ? 1e-6 : 2e-2) * (1 + fabs(got[i])),
                          "function %d [%d]: %g, expected %g", k, (int) i, got[i], (plus[i] - minus[i]) / (2 * h));
        clg_tensor g = clg_uniform(dev, wide(), y->shape, -1, 1);
        ok(clg_vjp_outputs_n(&y, &g, 1, x, 2, true, back));
        clg_tensor one = clg_sum(clg_mul(g, out), CLG_ALL, false);
        clg_tensor other = clg_add(clg_sum(clg_mul(back[0], t[0]), CLG_ALL, false), clg_sum(clg_mul(back[1], t[1]), CLG_ALL, false));
        expect_near("dot", one, other);
        free(got);
        free(plus);
        free(minus);
        clg_scope_pop(s);
    }
}
END_TEST

// The sweep's own cotangent is zeros, which no infinity of a derivative may meet.
START_TEST(forward_at_infinities)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_track(clg_zeros(dev, CLG_F32, CLG_SHAPE(3))), t = clg_ones(dev, CLG_F32, CLG_SHAPE(3));
    double *y = read_all(clg_jvp(clg_sqrt(x), x, t));
    ck_assert(isinf(y[0]) && y[0] > 0);
    free(y);
    y = read_all(clg_jvp(clg_round(x), x, t));
    ck_assert(y[1] == 0);
    free(y);
    y = read_all(clg_jvp(clg_mul_scalar(t, 2), x, t)); // no path
    ck_assert(y[2] == 0);
    free(y);
    // of several results, one of which has no path
    clg_tensor both[2], of[2] = { clg_mul(x, x), t };
    ok(clg_jvp_n(of, 2, &x, &t, 1, both));
    y = read_all(both[1]);
    ck_assert(y[0] == 0);
    free(y);
    clg_scope_pop(s);
}
END_TEST

static clg_tensor rosenbrock(clg_tensor x)
{
    const int64_t n = x->shape.dim[0];
    clg_tensor a = clg_slice(x, 0, 0, n - 1, 1), b = clg_slice(x, 0, 1, n, 1);
    return clg_sum(clg_add(clg_mul_scalar(clg_square(clg_sub(b, clg_square(a))), 100), clg_square(clg_scalar_sub(1, a))), CLG_ALL,
                   false);
}

static void hessians(void)
{
    clg_tensor x = draw(CLG_SHAPE(4), -1, 1), h = clg_hessian(rosenbrock(x), x);
    double *at = read_all(x), *got = read_all(h);
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double want = i == j ? (i < 3 ? 1200 * at[i] * at[i] - 400 * at[i + 1 < 4 ? i + 1 : 3] + 2 : 0) + (i > 0 ? 200 : 0)
                          : j == i + 1 ? -400 * at[i] : i == j + 1 ? -400 * at[j] : 0;
            ck_assert_msg(fabs(got[4 * i + j] - want) <= (wide() == CLG_F64 ? 1e-9 : 1e-3) * 1000, "[%d, %d]: %g, expected %g", i, j,
                          got[4 * i + j], want);
        }
    }
    free(at);
    free(got);
    clg_tensor v = clg_uniform(dev, wide(), CLG_SHAPE(4), -1, 1);
    expect_near("hvp", clg_hvp(rosenbrock(x), x, v), clg_reshape(clg_matmul(h, clg_reshape(v, CLG_SHAPE(4, 1))), CLG_SHAPE(4)));
}

// By rows, where y is smaller, and by columns, where x is.
static void jacobians(void)
{
    clg_tensor w = draw(CLG_SHAPE(2, 3), -1, 1), few = clg_sum(clg_mul(w, clg_square(w)), CLG_AXES(0), false);
    clg_tensor many = clg_reshape(clg_matmul(clg_transpose(w, 0, 1), clg_sin(w)), CLG_SHAPE(9));
    clg_tensor j = clg_jacobian(few, w), k = clg_jacobian(many, w);
    ck_assert_int_eq(j->shape.rank, 3);
    ck_assert_int_eq(k->shape.dim[0], 9);
    clg_tensor t = clg_uniform(dev, wide(), CLG_SHAPE(2, 3), -1, 1), flat = clg_reshape(t, CLG_SHAPE(6, 1));
    expect_near("rows", clg_reshape(clg_matmul(clg_reshape(j, CLG_SHAPE(3, 6)), flat), CLG_SHAPE(3)), clg_jvp(few, w, t));
    expect_near("columns", clg_reshape(clg_matmul(clg_reshape(k, CLG_SHAPE(9, 6)), flat), CLG_SHAPE(9)), clg_jvp(many, w, t));
}

START_TEST(jacobians_and_hessians)
{
    void (*const parts[])(void) = { hessians, jacobians };
    for (int k = 0; k < 2; k++) {
        clg_scope s = clg_scope_push(dev);
        if (in_turn(k, 2))
            parts[k]();
        clg_scope_pop(s);
    }
}
END_TEST

START_TEST(wrong_products_are_refused)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = draw(CLG_SHAPE(2, 3), 0, 1), y = clg_square(x), i = clg_cast(x, CLG_I32), out[2];
    clg_tensor total = clg_sum(y, CLG_ALL, false), deep = clg_reshape(x, CLG_SHAPE(1, 1, 1, 2, 3));
    expect_error(clg_jvp(y, x, clg_zeros(dev, wide(), CLG_SHAPE(3)))->status, CLG_ESHAPE, "jvp: tangent 0 is 3");
    expect_error(clg_jvp(y, i, i)->status, CLG_EDTYPE, "jvp: wrt[0] is i32");
    expect_error(clg_jvp(clg_cast(y, CLG_I32), x, x)->status, CLG_EDTYPE, "jvp: y is i32");
    ck_assert_int_eq(clg_jvp_n(&y, 0, &x, &x, 1, out), CLG_EINVAL);
    ck_assert_int_eq(clg_jvp_n(&y, 1, NULL, &x, 1, out), CLG_EINVAL);
    ck_assert_int_eq(clg_jvp_n(&y, 1, &x, NULL, 1, out), CLG_EINVAL);
    expect_error(clg_jvp_n(&y, 1, &x, &x, 1, NULL), CLG_EINVAL, "jvp: out is NULL");
    ck_assert_int_eq(clg_vjp_outputs_n(NULL, &x, 1, &x, 1, true, out), CLG_EINVAL);
    ck_assert_int_eq(clg_vjp_outputs_n(&y, NULL, 1, &x, 1, true, out), CLG_EINVAL);
    expect_error(clg_hvp(y, x, x)->status, CLG_EINVAL, "expected one element");
    expect_error(clg_hessian(y, x)->status, CLG_EINVAL, "hessian");
    expect_error(clg_jacobian(deep, clg_reshape(x, CLG_SHAPE(1, 1, 2, 3)))->status, CLG_ESHAPE, "rank 9, expected at most 8");
    expect_error(clg_jacobian(y, i)->status, CLG_EDTYPE, "only floating types");
    // sums stay as they are where something is wrong
    out[0] = clg_ones(dev, wide(), CLG_SHAPE(3));
    const clg_tensor before = out[0];
    expect_error(clg_grad_add_n(total, &x, 1, out), CLG_ESHAPE, "grad_add: sum[0] is 3");
    ck_assert_ptr_eq(out[0], before);
    ck_assert_int_eq(clg_grad_add_n(total, &x, 1, NULL), CLG_EINVAL);
    clg_error_clear(dev);
    clg_scope_pop(s);
}
END_TEST

START_TEST(gradients_add_up)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x[2] = { draw(CLG_SHAPE(5), 0, 1), draw(CLG_SHAPE(5), 0, 1) }, sum[2] = { NULL, NULL };
    clg_tensor y = clg_sum(clg_mul(x[0], clg_square(x[1])), CLG_ALL, false);
    for (int k = 0; k < 3; k++)
        ok(clg_grad_add_n(y, x, 2, sum));
    expect_near("sum", sum[0], clg_mul_scalar(clg_square(x[1]), 3));
    expect_near("sum", sum[1], clg_mul_scalar(clg_mul(x[0], x[1]), 6));
    clg_scope_pop(s);
}
END_TEST

// ---- checkpoints

enum { BLOCKS = 32, WIDTH = 24, ROWS = 64 };

typedef struct chain {
    clg_tensor w[BLOCKS], old; // old: of no block
    int calls;
} chain;

typedef struct block {
    chain *c;
    int k;
} block;

// Products and a draw, so that a lot would be kept.
static clg_tensor run_block(const clg_tensor *x, int n, void *user)
{
    const block *b = user;
    (void) n;
    b->c->calls++;
    clg_tensor h = clg_matmul(x[0], b->c->w[b->k]);
    h = clg_dropout(clg_relu(h), 0.25);
    return clg_add(x[0], clg_mul(clg_matmul(clg_square(h), b->c->w[b->k]), b->c->old));
}

static clg_tensor run_chain(chain *c, clg_tensor x, int blocks, bool keeps)
{
    clg_random_set_state(dev, 5, 0);
    for (int k = 0; k < blocks; k++) {
        block b = { c, k };
        x = keeps ? run_block(&x, 1, &b) : clg_checkpoint(run_block, &b, &x, 1);
    }
    return clg_sum(clg_square(x), CLG_ALL, false);
}

// The step's memory falls; gradients of weights, of the input and of what blocks use beside them have the same bits.
START_TEST(checkpoints_compute_again)
{
    enum { FEW = 2 };
    clg_scope s = clg_scope_push(dev);
    chain c = { .calls = 0 };
    clg_tensor wrt[BLOCKS + 2], g[2][BLOCKS + 3];
    uint64_t peak[2];
    for (int k = 0; k < BLOCKS; k++)
        wrt[2 + k] = c.w[k] = clg_track(clg_normal(dev, CLG_F32, CLG_SHAPE(WIDTH, WIDTH), 0, 0.2));
    wrt[0] = clg_track(clg_normal(dev, CLG_F32, CLG_SHAPE(ROWS, WIDTH), 0, 1));
    wrt[1] = clg_track(clg_uniform(dev, CLG_F32, CLG_SHAPE(1, WIDTH), 0.5, 1));
    ok(clg_eval_n(wrt, BLOCKS + 2));
    c.old = clg_exp(wrt[1]); // recorded outside of the blocks
    for (int keeps = 0; keeps < 2; keeps++) {
        ok(clg_grad_n(run_chain(&c, wrt[0], BLOCKS, keeps), wrt, BLOCKS + 2, g[keeps]));
        clg_plan_info info;
        ok(clg_plan_n(dev, g[keeps], BLOCKS + 2, &info));
        peak[keeps] = info.bytes_peak;
    }
    ck_assert_int_eq(c.calls, 2 * BLOCKS); // a function is called once
    printf("peak of a step: %.3f MB with checkpoints, %.3f without\n", (double) peak[0] / 1e6, (double) peak[1] / 1e6);
    ck_assert_msg((double) peak[0] < 0.45 * (double) peak[1], "%llu bytes with checkpoints, %llu without",
                  (unsigned long long) peak[0], (unsigned long long) peak[1]);
    for (int keeps = 0; keeps < 2 && in_turn(0, 3); keeps++) {
        g[keeps][FEW + 2] = run_chain(&c, wrt[0], FEW, keeps);
        ok(clg_grad_n(g[keeps][FEW + 2], wrt, FEW + 2, g[keeps]));
        ok(clg_eval_n(g[keeps], FEW + 3));
    }
    for (int k = 0; k < FEW + 3 && in_turn(0, 3); k++)
        expect_bits("gradient", g[0][k], g[1][k]);
    clg_scope_pop(s);
}
END_TEST

static clg_tensor inner(const clg_tensor *x, int n, void *user)
{
    (void) n;
    (void) user;
    return clg_mul(clg_sin(x[0]), clg_exp(x[0]));
}
static clg_tensor outer(const clg_tensor *x, int n, void *user)
{
    return clg_tanh(clg_add(clg_checkpoint(inner, user, x, n), clg_square(clg_slice(clg_transpose(x[0], 0, 1), 0, 0, 1, 1))));
}
static clg_tensor nested(const clg_tensor *x, int n, void *user)
{
    return clg_checkpoint(outer, user, x, n);
}
static clg_tensor nested_slope(const clg_tensor *x, int n, void *user)
{
    return clg_grad(clg_sum(nested(x, n, user), CLG_ALL, false), x[0]);
}
static clg_tensor itself(const clg_tensor *x, int n, void *user)
{
    (void) n;
    return user ? *(clg_tensor *) user : x[0];
}

START_TEST(checkpoints_within_checkpoints)
{
    clg_scope s = clg_scope_push(dev);
    char report[300] = "";
    clg_tensor x = draw(CLG_SHAPE(3, 3), 0.2, 1.2);
    for (int k = 0; k < 2; k++) {
        if (in_turn(1 + k, 3))
            ok(clg_grad_check(k ? nested : nested_slope, NULL, &x, 1,
                              clg_grad_check_params(.report = report, .report_size = sizeof report)));
    }
    // what computes nothing: an input, an old tensor, an empty one
    clg_tensor old = clg_square(x), none = clg_track(clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 3)));
    expect_bits("an input", clg_grad(clg_sum(clg_checkpoint(itself, NULL, &x, 1), CLG_ALL, false), x),
                clg_ones(dev, wide(), CLG_SHAPE(3, 3)));
    expect_near("an old tensor", clg_grad(clg_sum(clg_checkpoint(itself, &old, &x, 1), CLG_ALL, false), x), clg_mul_scalar(x, 2));
    double *nothing = read_all(clg_grad(clg_sum(clg_checkpoint(inner, NULL, &none, 1), CLG_ALL, false), none));
    free(nothing);
    clg_scope_pop(s);
}
END_TEST

// ---- of several results

// Two inputs and three results, of other shapes and types, made of one draw; the last has no gradient.
static clg_status pair(const clg_tensor *x, int n, clg_tensor *y, int m, void *user)
{
    const block *b = user;
    ck_assert(n == 2 && m == 3 && !y[0]);
    b->c->calls++;
    clg_tensor h = clg_dropout(clg_relu(clg_matmul(x[0], b->c->w[b->k])), 0.25);
    y[0] = clg_add(x[0], clg_mul(clg_matmul(clg_square(h), b->c->w[b->k]), b->c->old));
    y[1] = clg_add(x[1], clg_sum(clg_tanh(h), CLG_AXES(1), true));
    y[2] = clg_argmax(y[0], CLG_AXES(1), false);
    return CLG_OK;
}

static clg_tensor run_pairs(chain *c, const clg_tensor *start, int blocks, bool keeps)
{
    clg_random_set_state(dev, 5, 0);
    clg_tensor x[2] = { start[0], start[1] };
    for (int k = 0; k < blocks; k++) {
        block b = { c, k };
        clg_tensor y[3] = { NULL };
        ok(keeps ? pair(x, 2, y, 3, &b) : clg_checkpoint_n(pair, &b, x, 2, y, 3));
        ck_assert_int_eq(y[2]->dtype, CLG_I64);
        x[0] = y[0];
        x[1] = y[1];
    }
    return clg_add(clg_sum(clg_square(x[0]), CLG_ALL, false), clg_sum(clg_exp(clg_mul_scalar(x[1], 0.01)), CLG_ALL, false));
}

START_TEST(checkpoints_of_several_results)
{
    enum { FEW = 2 };
    clg_scope s = clg_scope_push(dev);
    chain c = { .calls = 0 };
    clg_tensor wrt[BLOCKS + 2], g[2][BLOCKS + 3], x[2];
    uint64_t peak[2];
    for (int k = 0; k < BLOCKS; k++)
        wrt[2 + k] = c.w[k] = clg_track(clg_normal(dev, CLG_F32, CLG_SHAPE(WIDTH, WIDTH), 0, 0.2));
    wrt[0] = x[0] = clg_track(clg_normal(dev, CLG_F32, CLG_SHAPE(ROWS, WIDTH), 0, 1));
    wrt[1] = x[1] = clg_track(clg_normal(dev, CLG_F32, CLG_SHAPE(ROWS, 1), 0, 1));
    c.old = clg_exp(clg_uniform(dev, CLG_F32, CLG_SHAPE(1, WIDTH), 0.5, 1));
    ok(clg_eval_n(wrt, BLOCKS + 2));
    ok(clg_eval(c.old));
    for (int keeps = 0; keeps < 2; keeps++) {
        ok(clg_grad_n(run_pairs(&c, x, BLOCKS, keeps), wrt, BLOCKS + 2, g[keeps]));
        clg_plan_info info;
        ok(clg_plan_n(dev, g[keeps], BLOCKS + 2, &info));
        peak[keeps] = info.bytes_peak;
    }
    ck_assert_int_eq(c.calls, 2 * BLOCKS);
    printf("peak of a step, of several results: %.3f MB with checkpoints, %.3f without\n", (double) peak[0] / 1e6, (double) peak[1] / 1e6);
    ck_assert_msg((double) peak[0] < 0.6 * (double) peak[1], "%llu bytes with checkpoints, %llu without",
                  (unsigned long long) peak[0], (unsigned long long) peak[1]);
    for (int keeps = 0; keeps < 2 && in_turn(1, 3); keeps++) {
        g[keeps][FEW + 2] = run_pairs(&c, x, FEW, keeps);
        ok(clg_grad_n(g[keeps][FEW + 2], wrt, FEW + 2, g[keeps]));
        ok(clg_eval_n(g[keeps], FEW + 3));
    }
    for (int k = 0; k < FEW + 3 && in_turn(1, 3); k++)
        expect_bits("gradient", g[0][k], g[1][k]);
    clg_scope_pop(s);
}
END_TEST

// What is not computed again is given as it is: an input, what was there before, one twice.
static clg_status some_of(const clg_tensor *x, int n, clg_tensor *y, int m, void *user)
{
    (void) n;
    (void) m;
    y[0] = x[1];
    y[1] = *(clg_tensor *) user;
    y[2] = y[3] = clg_mul(clg_sin(x[0]), x[1]);
    return CLG_OK;
}
static clg_status outer_two(const clg_tensor *x, int n, clg_tensor *y, int m, void *user)
{
    clg_tensor z[4];
    (void) m;
    ok(clg_checkpoint_n(some_of, user, x, n, z, 4));
    y[0] = clg_mul(z[2], z[1]);
    y[1] = clg_add(clg_exp(z[3]), z[0]);
    return CLG_OK;
}
static clg_tensor nested_two(const clg_tensor *x, int n, void *user)
{
    clg_tensor y[2];
    ok(clg_checkpoint_n(outer_two, user, x, n, y, 2));
    return clg_add(clg_square(y[0]), clg_mul(y[1], x[1]));
}
static clg_tensor nested_two_slope(const clg_tensor *x, int n, void *user)
{
    return clg_grad(clg_sum(nested_two(x, n, user), CLG_ALL, false), x[0]);
}

START_TEST(checkpoints_of_several_results_within_each_other)
{
    clg_scope s = clg_scope_push(dev);
    char report[300] = "";
    clg_tensor x[] = { draw(CLG_SHAPE(3), 0.2, 1.2), draw(CLG_SHAPE(3), 0.2, 1.2) }, old = clg_square(x[0]), y[4], g[2];
    for (int k = 0; k < 2; k++) {
        clg_tensor fixed = clg_detach(old);
        if (in_turn(k, 2))
            ok(clg_grad_check(k ? nested_two : nested_two_slope, &fixed, x, 2,
                              clg_grad_check_params(.report = report, .report_size = sizeof report)));
    }
    ok(clg_checkpoint_n(some_of, &old, x, 2, y, 4));
    clg_tensor two = clg_mul_scalar(clg_mul(clg_sin(x[0]), x[1]), 2);
    for (int k = 0; k < 2; k++) { // of some of the results, and of all
        clg_tensor z = clg_add(y[2], y[3]);
        clg_tensor sum = clg_sum(k ? clg_add(z, clg_mul(y[0], y[1])) : z, CLG_ALL, false);
        clg_tensor other = clg_sum(k ? clg_add(two, clg_mul(x[1], old)) : two, CLG_ALL, false), want[2];
        ok(clg_grad_n(sum, x, 2, g));
        ok(clg_grad_n(other, x, 2, want));
        expect_near("some", g[0], want[0]);
        expect_near("some", g[1], want[1]);
    }
    clg_scope_pop(s);
}
END_TEST

static clg_status wrong_results(const clg_tensor *x, int n, clg_tensor *y, int m, void *user)
{
    (void) n;
    (void) m;
    y[0] = clg_square(x[0]);
    switch (*(int *) user) {
    case 0:
        return CLG_OK; // one is NULL
    case 1:
        y[1] = clg_matmul(x[0], clg_zeros(dev, x[0]->dtype, CLG_SHAPE(7, 7)));
        return CLG_OK;
    case 2:
        return clg_fail(dev, CLG_EIO, "no such file");
    default: {
        clg_scope s = clg_scope_push(dev);
        y[1] = clg_neg(y[0]);
        clg_scope_pop(s);
        return CLG_OK;
    }
    }
}

START_TEST(wrong_checkpoints_of_several_results)
{
    static const char *const parts[] = { "f returned NULL as result 1", "matmul", "no such file", "what f returned as result 1 was used" };
    const clg_status want[] = { CLG_EINVAL, CLG_ESHAPE, CLG_EIO, CLG_EINVAL };
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = draw(CLG_SHAPE(3, 3), 0, 1), y[2];
    for (int k = 0; k < 4; k++) {
        expect_error(clg_checkpoint_n(wrong_results, &k, &x, 1, y, 2), want[k], parts[k]);
        ck_assert_int_eq(y[0]->status, want[k]);
        ck_assert_int_eq(y[1]->status, want[k]);
    }
    expect_error(clg_checkpoint_n(NULL, NULL, &x, 1, y, 2), CLG_EINVAL, "f is NULL");
    expect_error(clg_checkpoint_n(wrong_results, NULL, &x, 1, NULL, 2), CLG_EINVAL, "y is NULL");
    expect_error(clg_checkpoint_n(wrong_results, NULL, &x, 1, y, 0), CLG_EINVAL, "no results");
    clg_scope_pop(s);
}
END_TEST

static clg_tensor to_null(const clg_tensor *x, int n, void *user)
{
    (void) x;
    (void) n;
    (void) user;
    return NULL;
}
static clg_tensor to_poison(const clg_tensor *x, int n, void *user)
{
    (void) n;
    (void) user;
    return clg_matmul(x[0], clg_zeros(dev, x[0]->dtype, CLG_SHAPE(7, 7)));
}
static clg_tensor to_dead(const clg_tensor *x, int n, void *user)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor t = inner(x, n, user);
    clg_scope_pop(s);
    return t;
}

START_TEST(wrong_checkpoints_are_refused)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = draw(CLG_SHAPE(3, 3), 0, 1);
    expect_error(clg_checkpoint(NULL, NULL, &x, 1)->status, CLG_EINVAL, "f is NULL");
    ck_assert_int_eq(clg_checkpoint(inner, NULL, NULL, 1)->status, CLG_EINVAL);
    ck_assert_int_eq(clg_checkpoint(inner, NULL, &x, 0)->status, CLG_EINVAL);
    expect_error(clg_checkpoint(to_null, NULL, &x, 1)->status, CLG_EINVAL, "f returned NULL");
    expect_error(clg_checkpoint(to_poison, NULL, &x, 1)->status, CLG_ESHAPE, "matmul");
    expect_error(clg_checkpoint(to_dead, NULL, &x, 1)->status, CLG_EINVAL, "what f returned was used after its scope ended");
    clg_scope_pop(s);
}
END_TEST

// A step that assigns between forward and backward: what is computed again has the values that were.
START_TEST(checkpoints_remember_values)
{
    clg_scope s = clg_scope_push(dev);
    clg_var v = clg_var_create(clg_full(dev, CLG_F32, CLG_SHAPE(4), 2));
    clg_tensor w = clg_var_value(v), x = clg_track(clg_full(dev, CLG_F32, CLG_SHAPE(4), 3));
    clg_tensor product = clg_mul(x, w);
    (void) product;
    clg_tensor y = clg_sum(clg_checkpoint(inner, NULL, (clg_tensor[]) { clg_mul(x, w) }, 1), CLG_ALL, false);
    ok(clg_var_assign(v, clg_full(dev, CLG_F32, CLG_SHAPE(4), 100)));
    ok(clg_eval(y));
    clg_tensor g;
    ok(clg_grad_n(y, &w, 1, &g));
    double *got = read_all(g);
    const double want = 3 * exp(6.0) * (sin(6.0) + cos(6.0));
    ck_assert_msg(fabs(got[0] - want) < 1e-4 * fabs(want), "%g, expected %g", got[0], want);
    free(got);
    clg_var_destroy(&v);
    clg_scope_pop(s);
}
END_TEST

// ---- hooks

typedef struct note {
    int calls, id;
    double factor;
    clg_tensor t;
    int what;
} note;

static clg_tensor scale_hook(clg_tensor g, void *user)
{
    note *n = user;
    n->calls++;
    return n->factor == 1 ? NULL : clg_mul_scalar(g, n->factor);
}

START_TEST(hooks_see_and_replace)
{
    clg_scope s = clg_scope_push(dev);
    note on_x = { .factor = 2 }, on_h = { .factor = 3 }, only = { .factor = 1 };
    clg_tensor x = draw(CLG_SHAPE(3), 0.5, 1), h = clg_square(x), y = clg_sum(clg_add(clg_mul(h, h), h), CLG_ALL, false);
    ok(clg_register_hook(x, scale_hook, &on_x, &on_x.id));
    ok(clg_register_hook(h, scale_hook, &on_h, NULL));
    ok(clg_register_hook(h, scale_hook, &only, &only.id));
    // h's gradient is whole when the hook sees it: (2 h + 1) * 3, and then x's, * 2 x * 2
    clg_tensor all[2] = { x, h }, g[2], dh = clg_mul_scalar(clg_add_scalar(clg_mul_scalar(h, 2), 1), 3);
    ok(clg_grad_n(y, all, 2, g));
    expect_near("h", g[1], dh);
    expect_near("x", g[0], clg_mul_scalar(clg_mul(dh, x), 4));
    ck_assert_int_eq(on_x.calls + on_h.calls + only.calls, 3);
    ok(clg_remove_hook(h, only.id));
    ok(clg_remove_hook(x, on_x.id));
    expect_near("x", clg_grad(y, x), clg_mul_scalar(clg_mul(dh, x), 2));
    ck_assert_int_eq(only.calls, 1);
    expect_error(clg_remove_hook(h, only.id), CLG_EINVAL, "there is no hook 1");
    expect_error(clg_remove_hook(y, 0), CLG_EINVAL, "there is no hook 0");
    expect_error(clg_remove_hook(h, -1), CLG_EINVAL, "there is no hook -1");
    clg_scope_pop(s);
}
END_TEST

static clg_tensor hostile_hook(clg_tensor g, void *user)
{
    note *n = user;
    n->calls++;
    switch (n->what) {
    case 0:
        return clg_sum(g, CLG_ALL, false);
    case 1:
        return clg_cast(g, CLG_F16);
    case 2:
        return clg_poison(dev, CLG_EINVAL, "a hook's own reason");
    case 3: {
        clg_scope s = clg_scope_push(dev);
        clg_tensor dead = clg_neg(g);
        clg_scope_pop(s);
        return dead;
    }
    case 4: // differentiates what it belongs to, for ever
        return clg_grad(clg_sum(clg_square(n->t), CLG_ALL, false), n->t);
    default: // removes itself
        clg_remove_hook(n->t, n->id);
        return NULL;
    }
}

START_TEST(hostile_hooks)
{
    const char *part[] = { "hook: it returned scalar", "hook: it returned 4 f16", "a hook's own reason",
                           "hook: what it returned was used after its scope ended", "more than 64 gradients within each other" };
    const clg_status st[] = { CLG_ESHAPE, CLG_ESHAPE, CLG_EINVAL, CLG_EINVAL, CLG_EGRAD };
    for (int k = 0; k < 6; k++) {
        clg_scope s = clg_scope_push(dev);
        note n = { .what = k, .t = draw(CLG_SHAPE(4), 0, 1) };
        clg_tensor y = clg_sum(clg_square(n.t), CLG_ALL, false), g;
        ok(clg_register_hook(n.t, hostile_hook, &n, &n.id));
        for (int again = 0; again < 2; again++) {
            const clg_status got = clg_grad_n(y, &n.t, 1, &g);
            if (k < 5)
                expect_error(got, st[k], part[k]);
            else
                ok(got);
        }
        ck_assert_int_eq(n.calls, k == 4 ? 128 : k == 5 ? 1 : 2);
        expect_error(clg_register_hook(n.t, NULL, NULL, NULL), CLG_EINVAL, "hook is NULL");
        expect_error(clg_register_hook(clg_cast(n.t, CLG_I32), hostile_hook, NULL, NULL), CLG_EDTYPE, "only floating types");
        clg_scope_pop(s);
    }
    ck_assert_uint_eq(clg_error_status(dev), CLG_OK);
}
END_TEST

// ---- without gradients

START_TEST(no_gradients_are_recorded)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = draw(CLG_SHAPE(4), 0.5, 1), g;
    ck_assert(clg_is_grad_enabled(dev) && clg_is_grad_enabled(NULL));
    ck_assert(clg_set_grad_enabled(dev, false));
    ck_assert(!clg_is_grad_enabled(dev));
    clg_tensor hidden = clg_square(x), leaf = clg_track(hidden);
    ck_assert(!clg_set_grad_enabled(dev, true));
    ck_assert(!clg_is_tracked(hidden) && clg_is_tracked(leaf));
    expect_near("x", clg_grad(clg_sum(clg_mul(hidden, x), CLG_ALL, false), x), clg_square(x));
    expect_error(clg_grad_n(clg_sum(hidden, CLG_ALL, false), &x, 1, &g), CLG_EGRAD, "does not depend");
    expect_near("leaf", clg_grad(clg_sum(clg_square(leaf), CLG_ALL, false), leaf), clg_mul_scalar(clg_square(x), 2));
    expect_near("hidden", clg_grad(clg_sum(clg_square(hidden), CLG_ALL, false), hidden), clg_mul_scalar(clg_square(x), 2));
    // products forward need gradients, and get them
    clg_tensor y = clg_square(x), t = clg_ones(dev, wide(), CLG_SHAPE(4));
    clg_set_grad_enabled(dev, false);
    expect_near("jvp", clg_jvp(y, x, t), clg_mul_scalar(x, 2));
    ck_assert(!clg_set_grad_enabled(dev, true));
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("autograd");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, forward_products);
    tcase_add_test(c, forward_at_infinities);
    tcase_add_test(c, jacobians_and_hessians);
    tcase_add_test(c, wrong_products_are_refused);
    tcase_add_test(c, gradients_add_up);
    tcase_add_test(c, checkpoints_compute_again);
    tcase_add_test(c, checkpoints_within_checkpoints);
    tcase_add_test(c, wrong_checkpoints_are_refused);
    tcase_add_test(c, checkpoints_of_several_results);
    tcase_add_test(c, checkpoints_of_several_results_within_each_other);
    tcase_add_test(c, wrong_checkpoints_of_several_results);
    tcase_add_test(c, checkpoints_remember_values);
    tcase_add_test(c, hooks_see_and_replace);
    tcase_add_test(c, hostile_hooks);
    tcase_add_test(c, no_gradients_are_recorded);
    suite_add_tcase(s, c);
    return run_suite(s);
}
