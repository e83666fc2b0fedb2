// SPDX-License-Identifier: MIT
// Edges of operations: groups of assignments, numbers that a type cannot hold, derivatives that are
// zero, params structs of other versions, a last batch of another size, kernel results with several
// readers, the same bits everywhere.
#include "base/philox.h"
#include "testing.h"

static void scope_end(clg_scope s)
{
    clg_scope_pop(s);
    clg_error_clear(dev);
}

// Any type as doubles, n at most 64.
static void expect(const char *what, clg_tensor t, clg_dtype type, const double *want, int n)
{
    float got[64];
    ck_assert_msg(t->status >= 0, "%s: %s", what, clg_error(dev, t->status));
    ck_assert_msg(t->dtype == type, "%s: type %s, expected %s", what, clg_dtype_name(t->dtype),
                  clg_dtype_name(type));
    ck_assert_int_eq(clg_numel(t->shape), n);
    ok(clg_read(clg_cast(t, CLG_F32), got, (size_t) n * sizeof got[0]));
    same(what, got, want, n, 1e-6);
}

static void refused(const char *what, clg_tensor t, clg_status st, const char *part)
{
    ck_assert_msg(t->status == st, "%s: status %d", what, t->status);
    ck_assert_msg(strstr(clg_error(dev, st), part) != NULL, "%s: %s", what, clg_error(dev, st));
    clg_error_clear(dev);
}

// Of 5,000 uniform numbers of seed 42, then of 5,000 flips of 0.25, of a permutation of 1,000.
#define UNIFORM_HASH 5944196574241074059u
#define BERNOULLI_HASH 17859855072977303393u
#define PERMUTATION_HASH 313549684926944025u

#define N(...) (const double[]) { __VA_ARGS__ }

START_TEST(a_group_belongs_to_one_device)
{
    TAKES_TURNS(2);
#ifndef CLG_DEBUG // there it traps
    clg_device other;
    ok(clg_device_open(&other, clg_device_params(.share = dev)));
    clg_scope s = clg_scope_push(dev);
    clg_var v[2] = { clg_var_create(clg_ones(dev, CLG_F32, CLG_SHAPE(2))),
                     clg_var_create(clg_ones(other, CLG_F32, CLG_SHAPE(2))) };
    ok(clg_eval_assigned(dev));
    ok(clg_eval_assigned(other));
    clg_tensor t[2] = { clg_zeros(dev, CLG_F32, CLG_SHAPE(2)), clg_zeros(other, CLG_F32, CLG_SHAPE(2)) };
    ck_assert_int_eq(clg_assign_n(v, t, 2), CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, CLG_OK), "variable 1 belongs to another device"));
    expect("kept", clg_var_value(v[0]), CLG_F32, N(1, 1), 2);
    ck_assert_double_eq(clg_item(clg_sum(clg_var_value(v[1]), CLG_ALL, false), NULL), 2);
    clg_var_destroy(&v[0]);
    clg_var_destroy(&v[1]);
    clg_device_close(&other);
    scope_end(s);
#endif
}
END_TEST

START_TEST(an_item_of_poison_discards_too)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    clg_var v = clg_var_create(clg_ones(dev, CLG_F32, CLG_SHAPE(2)));
    ok(clg_eval_assigned(dev));
    ok(clg_var_assign(v, clg_zeros(dev, CLG_F32, CLG_SHAPE(2))));
    clg_status st = CLG_OK;
    ck_assert(isnan(clg_item(clg_poison(dev, CLG_EFORMAT, "bad"), &st)));
    ck_assert_int_eq(st, CLG_EFORMAT);
    expect("kept", clg_var_value(v), CLG_F32, N(1, 1), 2);
    clg_var_destroy(&v);
    scope_end(s);
}
END_TEST

START_TEST(deviations_of_nothing)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    const float host[] = { 3, 3, 3, 1, 2, 6 };
    clg_tensor x = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(2, 3), host));
    clg_tensor y = clg_std(x, CLG_AXES(1), 1, false), g = clg_grad(clg_sum(y, CLG_ALL, false), x);
    const double d = sqrt(7);
    expect("std", y, CLG_F32, N(0, d), 2);
    expect("gradient", g, CLG_F32, N(0, 0, 0, -1 / d, -0.5 / d, 1.5 / d), 6);
    // both at once, and twice
    clg_tensor gg = clg_grad(clg_sum(clg_square(g), CLG_ALL, false), x);
    float got[6];
    ok(clg_read(gg, got, sizeof got));
    for (int i = 0; i < 6; i++)
        ck_assert_msg(isfinite(got[i]), "%d: %g", i, (double) got[i]);
    // sum / max(0, n - correction)
    expect("3", clg_variance(x, CLG_AXES(1), 3, false), CLG_F32, N(NAN, INFINITY), 2);
    expect("5", clg_variance(x, CLG_AXES(1), 5, false), CLG_F32, N(NAN, INFINITY), 2);
    expect("none", clg_variance(clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 0)), CLG_AXES(1), 1, false), CLG_F32,
           N(NAN, NAN), 2);
    expect("one", clg_std(clg_ones(dev, CLG_F32, CLG_SHAPE(2, 1)), CLG_AXES(1), 1, false), CLG_F32,
           N(NAN, NAN), 2);
    scope_end(s);
}
END_TEST

START_TEST(numbers_beside_integers_never_wrap)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    clg_tensor u = clg_upload(dev, CLG_U8, CLG_SHAPE(3), (uint8_t[]) { 0, 100, 255 });
    clg_tensor i = clg_upload(dev, CLG_I32, CLG_SHAPE(2), (int32_t[]) { -5, 7 });
    clg_tensor l = clg_upload(dev, CLG_I64, CLG_SHAPE(2), (int64_t[]) { INT64_MIN, INT64_MAX });
    clg_tensor b = clg_upload(dev, CLG_BOOL, CLG_SHAPE(2), (uint8_t[]) { 0, 1 });
    expect("u8 + 5", clg_add_scalar(u, 5), CLG_U8, N(5, 105, 4), 3); // arithmetic wraps, numbers do not
    expect("u8 + -1", clg_add_scalar(u, -1), CLG_I64, N(-1, 99, 254), 3);
    expect("300 - u8", clg_scalar_sub(300, u), CLG_I64, N(300, 200, 45), 3);
    expect("u8 < 300", clg_lt_scalar(u, 300), CLG_BOOL, N(1, 1, 1), 3);
    expect("u8 > -1", clg_gt_scalar(u, -1), CLG_BOOL, N(1, 1, 1), 3);
    expect("u8 0-d", clg_mul_scalar(clg_scalar(dev, CLG_U8, 200), 1000), CLG_I64, N(200000), 1);
    expect("u8 / 300", clg_div_scalar(u, 300), CLG_F32, N(0, 1.0 / 3, 0.85), 3);
    expect("i32 + 1e10", clg_add_scalar(i, 1e10), CLG_I64, N(9999999995, 10000000007), 2);
    expect("i32 + 0.5", clg_add_scalar(i, 0.5), CLG_F32, N(-4.5, 7.5), 2);
    expect("i32 < inf", clg_lt_scalar(i, INFINITY), CLG_BOOL, N(1, 1), 2);
    expect("i32 + inf", clg_add_scalar(i, INFINITY), CLG_F32, N(INFINITY, INFINITY), 2);
    expect("i32 + nan", clg_add_scalar(i, NAN), CLG_F32, N(NAN, NAN), 2);
    expect("i32 == nan", clg_eq_scalar(i, NAN), CLG_BOOL, N(0, 0), 2);
    expect("i64 < 1e30", clg_lt_scalar(l, 1e30), CLG_BOOL, N(1, 1), 2);
    expect("bool + 1", clg_eq_scalar(b, 1), CLG_BOOL, N(0, 1), 2);
    expect("bool + 2", clg_add_scalar(b, 2), CLG_I64, N(2, 3), 2);
    expect("leaky", clg_leaky_relu(i, 2), CLG_F32, N(-10, 7), 2);
    // limits are cut to the type
    expect("clamp u8", clg_clamp(u, -5, 300), CLG_U8, N(0, 100, 255), 3);
    expect("clamp u8 to 7", clg_clamp(u, 7, 1e30), CLG_U8, N(7, 100, 255), 3);
    expect("clamp u8 above", clg_clamp(u, 300, INFINITY), CLG_U8, N(255, 255, 255), 3);
    expect("clamp u8 by 0.5", clg_clamp(u, 0.5, 100), CLG_F32, N(0.5, 100, 100), 3);
    expect("clamp i32", clg_clamp(i, -INFINITY, 1e10), CLG_I32, N(-5, 7), 2);
    expect("clamp i32 nan", clg_clamp(i, NAN, 0), CLG_I32, N(-5, 0), 2);
    int64_t got[2];
    ok(clg_read(clg_clamp(l, -1e300, NAN), got, sizeof got));
    ck_assert(got[0] == INT64_MIN && got[1] == INT64_MAX);
    refused("u64 + -1", clg_add_scalar(clg_cast(u, CLG_U64), -1), CLG_EDTYPE, "add_scalar");
    refused("clamp bool", clg_clamp(b, 0, 300), CLG_EDTYPE, "bool");
    if (clg_device_has(dev, CLG_F64))
        expect("float_power", clg_float_power(i, clg_scalar(dev, CLG_I32, -1)), CLG_F64, N(-0.2, 1.0 / 7), 2);
    else
        refused("float_power", clg_float_power(i, i), CLG_EDTYPE, "the result is f64");
    scope_end(s);
}
END_TEST

START_TEST(numbers_become_elements_by_saturation)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    const struct {
        clg_dtype type;
        double value;
        int64_t want;
    } cases[] = {
        { CLG_U8, -1, 0 }, { CLG_U8, 300, 255 }, { CLG_U8, 7.9, 7 }, { CLG_U8, NAN, 0 },
        { CLG_I32, 1e10, INT32_MAX }, { CLG_I32, -INFINITY, INT32_MIN }, { CLG_I32, -2.9, -2 },
        { CLG_I64, 1e300, INT64_MAX }, { CLG_I64, -1e300, INT64_MIN }, { CLG_I64, NAN, 0 },
        { CLG_BOOL, 0.5, 1 }, { CLG_BOOL, NAN, 1 }, { CLG_BOOL, -0.0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const clg_dtype t = cases[i].type;
        clg_tensor by[2] = { clg_full(dev, t, CLG_SHAPE(1), cases[i].value), NULL };
        by[1] = clg_slice(clg_pad(clg_zeros(dev, t, CLG_SHAPE(1)), CLG_SHAPE(0), CLG_SHAPE(1),
                                  cases[i].value), 0, 1, 2, 1);
        for (int k = 0; k < 2; k++) {
            int64_t got;
            // the text of a margin holds the largest double below 2^63
            const int64_t want = k == 1 && cases[i].want == INT64_MAX ? INT64_MAX - 1023 : cases[i].want;
            ok(clg_read(clg_cast(by[k], CLG_I64), &got, sizeof got));
            ck_assert_msg(got == want, "%s of %g, way %d: %lld, expected %lld", clg_dtype_name(t),
                          cases[i].value, k, (long long) got, (long long) want);
        }
    }
    scope_end(s);
}
END_TEST

START_TEST(a_range_of_integers_has_whole_numbers)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    expect("i64", clg_arange(dev, CLG_I64, 1, 4.5, 1), CLG_I64, N(1, 2, 3, 4), 4);
    expect("i32", clg_arange(dev, CLG_I32, 3, -4, -3), CLG_I32, N(3, 0, -3), 3);
    expect("f32", clg_arange(dev, CLG_F32, 0.5, 2, 0.5), CLG_F32, N(0.5, 1, 1.5), 3);
    refused("step", clg_arange(dev, CLG_I32, 0, 2, 0.5), CLG_EINVAL, "no sequence of i32");
    refused("start", clg_arange(dev, CLG_U8, 0.5, 2, 1), CLG_EINVAL, "no sequence of u8");
    refused("infinite", clg_arange(dev, CLG_I64, INFINITY, 2, 1), CLG_EINVAL, "arange");
    refused("bool", clg_arange(dev, CLG_BOOL, 0, 2, 0.25), CLG_EINVAL, "bool");
    refused("no type", clg_arange(dev, (clg_dtype) 99, 0, 2, 0.25), CLG_EDTYPE, "99");
    scope_end(s);
}
END_TEST

static clg_tensor sum(clg_tensor t)
{
    return clg_sum(t, CLG_ALL, false);
}

START_TEST(a_derivative_of_zero_is_a_path)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    clg_tensor (*const ops[])(clg_tensor) = { clg_round, clg_sign, clg_floor, clg_ceil, clg_trunc };
    const float host[] = { -1.5f, 0, 2.25f };
    clg_tensor x = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(3), host));
    for (int i = 0; i < 5; i++) {
        expect("alone", clg_grad(sum(ops[i](x)), x), CLG_F32, N(0, 0, 0), 3);
        expect("between", clg_grad(sum(clg_exp(ops[i](clg_log(x)))), x), CLG_F32, N(0, 0, 0), 3);
        expect("beside", clg_grad(sum(clg_add(ops[i](x), clg_square(x))), x), CLG_F32, N(-3, 0, 4.5), 3);
    }
    clg_error_clear(dev);
    // one of two has a path of zeros, the other none
    clg_tensor w = clg_track(clg_ones(dev, CLG_F32, CLG_SHAPE(3))), g[2];
    ck_assert_int_eq(clg_grad_n(sum(clg_floor(x)), (clg_tensor[]) { x, w }, 2, g), CLG_EGRAD);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "wrt[1]"));
    clg_error_clear(dev);
    // comparisons, integers and detached values are no path
    refused("compare", clg_grad(sum(clg_cast(clg_gt_scalar(x, 0), CLG_F32)), x), CLG_EGRAD, "depend");
    refused("integer", clg_grad(sum(clg_cast(clg_cast(x, CLG_I32), CLG_F32)), x), CLG_EGRAD, "depend");
    refused("detach", clg_grad(sum(clg_floor(clg_detach(x))), x), CLG_EGRAD, "depend");
    scope_end(s);
}
END_TEST

// Structs as an older and a newer program has them.
struct older_conv {
    size_t size;
    int stride, padding;
    int rest[16]; // behind its end
};
struct newer_pool {
    struct clg_pool2d_params now;
    double later;
};

START_TEST(params_of_other_versions)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_ones(dev, CLG_F32, CLG_SHAPE(1, 1, 4, 4));
    clg_tensor w = clg_ones(dev, CLG_F32, CLG_SHAPE(1, 1, 3, 3));
    struct older_conv old = { offsetof(struct older_conv, rest), 2, 1, { 0 } };
    memset(old.rest, 0x7f, sizeof old.rest);
    union {
        struct older_conv *old;
        struct clg_conv2d_params *now;
    } c = { &old };
    clg_tensor y = clg_conv2d(x, w, NULL, c.now);
    expect("older", y, CLG_F32, N(4, 6, 6, 9), 4);
    old.size = 0;
    refused("no size", clg_conv2d(x, w, NULL, c.now), CLG_EINVAL, ".size is not set");
    struct newer_pool new = { { .size = sizeof new, .kernel = 2 }, 0 };
    expect("newer", clg_max_pool2d(x, &new.now), CLG_F32, N(1, 1, 1, 1), 4);
    expect("newer", clg_avg_pool2d(x, &new.now), CLG_F32, N(1, 1, 1, 1), 4);
    new.later = 3;
    refused("unknown", clg_max_pool2d(x, &new.now), CLG_EINVAL, "does not have");
    refused("batch_norm", clg_batch_norm(x, NULL, NULL, NULL, NULL, &(struct clg_batch_norm_params) { 0 }),
            CLG_EINVAL, "batch_norm");
    clg_tensor classes = clg_zeros(dev, CLG_I64, CLG_SHAPE(4));
    refused("cross_entropy", clg_cross_entropy(clg_reshape(x, CLG_SHAPE(4, 4)), classes,
                                               &(struct clg_cross_entropy_params) { 0 }),
            CLG_EINVAL, "cross_entropy");
    clg_store store = clg_store_create(dev, 1);
    const struct clg_nn_conv2d_params conv = { .out = 1, .kernel = 1 };
    const struct clg_nn_linear_params linear = { .out = 1 };
    const struct clg_nn_batch_norm_params norm = { 0 };
    refused("layer", clg_nn_conv2d(store, "a", x, &conv), CLG_EINVAL, "nn_conv2d 'a'");
    refused("layer", clg_nn_linear(store, "b", x, &linear), CLG_EINVAL, "nn_linear 'b'");
    refused("layer", clg_nn_batch_norm2d(store, "c", x, &norm), CLG_EINVAL, "nn_batch_norm2d 'c'");
    ck_assert_int_eq(clg_store_count(store), 0);
    ck_assert_ptr_null(clg_sgd_create(store, &(struct clg_sgd_params) { .lr = 1 }));
    ck_assert_ptr_null(clg_adam_create(store, &(struct clg_adam_params) { .lr = 1 }));
    ck_assert_ptr_null(clg_adamw_create(store, &(struct clg_adam_params) { .lr = 1 }));
    ck_assert_int_eq(clg_error_status(dev), CLG_EINVAL);
    // an optimizer of a program that knew the rate alone
    struct clg_sgd_params rate = { offsetof(struct clg_sgd_params, momentum), 0.5, 7, 7, 7, true };
    clg_optim o = clg_sgd_create(store, &rate);
    ck_assert_double_eq(clg_optim_lr(o), 0.5);
    clg_optim_destroy(&o);
    clg_store_destroy(&store);
    char error[200] = "";
    clg_device d;
    ck_assert_int_eq(clg_device_open(&d, &(struct clg_device_params) { .error = error, .error_size = 200 }),
                     CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(error, ".size is not set"));
    ck_assert_ptr_null(d);
    scope_end(s);
}
END_TEST

// ---- one text for every size

// A device of this process with one setting changed.
static clg_device open_with(const char *name, const char *value)
{
    char error[1100] = "";
    const char *const had = getenv(name);
    char *before = had ? strdup(had) : NULL;
    clg_device d;
    setenv(name, value, 1);
    const clg_status st = clg_device_open(&d, clg_device_params(.error = error, .error_size = sizeof error));
    if (before)
        setenv(name, before, 1);
    else
        unsetenv(name);
    free(before);
    ck_assert_msg(st >= 0, "%s", error);
    return d;
}

static void train_step(clg_store w, clg_optim o, int64_t n, int64_t size)
{
    clg_device d = clg_store_device(w);
    clg_scope s = clg_scope_push(d);
    clg_tensor x = clg_normal(d, CLG_F32, CLG_SHAPE(n, 3, size, size), 0, 1);
    clg_tensor h = clg_nn_conv2d(w, "c", x, clg_nn_conv2d_params(.out = 8, .kernel = 3, .padding = 1));
    h = clg_max_pool2d(clg_relu(clg_nn_batch_norm2d(w, "b", h, NULL)), clg_pool2d_params(.kernel = 2));
    h = clg_nn_linear(w, "l", clg_flatten(h, 1, -1), clg_nn_linear_params(.out = 10));
    clg_tensor y = clg_cast(clg_uniform(d, CLG_F32, CLG_SHAPE(n), 0, 9.9), CLG_I64);
    clg_tensor loss = clg_cross_entropy(h, y, NULL);
    clg_status st = clg_optim_step(o, loss);
    ck_assert_msg(st >= 0, "%s", clg_error(d, st));
    ck_assert(isfinite(clg_item(loss, &st)));
    clg_scope_pop(s);
}

// Batches before and last, and the size of the images.
static const int64_t batches[][3] = { { 16, 10, 12 }, { 256, 96, 8 }, { 128, 32, 28 }, { 20, 2, 8 } };

START_TEST(a_last_smaller_batch_builds_nothing)
{
    if (_i == on_pocl() && !everything())
        return; // minutes for kernels that this driver never gets
    for (size_t k = 0; k < sizeof batches / sizeof batches[0]; k++) {
        if (!in_turn((int) k, 2))
            continue;
        clg_device d = open_with("CLGRAD_CLASS", _i ? "gpu" : "cpu");
        clg_store w = clg_store_create(d, 1);
        clg_optim o = clg_adam_create(w, NULL);
        train_step(w, o, batches[k][0], batches[k][2]);
        train_step(w, o, batches[k][0], batches[k][2]);
        const clg_device_stats a = clg_device_get_stats(d);
        train_step(w, o, batches[k][1], batches[k][2]);
        const clg_device_stats b = clg_device_get_stats(d);
        ck_assert_uint_gt(b.plan_misses, a.plan_misses);
        ck_assert_msg(a.programs_built + a.programs_cached == b.programs_built + b.programs_cached,
                      "class %d: batch %d after %d built a program", _i, (int) batches[k][1],
                      (int) batches[k][0]);
        clg_optim_destroy(&o);
        clg_store_destroy(&w);
        clg_device_close(&d);
    }
}
END_TEST

// ---- kernel results with several readers

// x [6,8], w [8,5], b [5], r [6,5], i [2,3,6,6], k [4,3,3,3], c [4], s [2,4,6,6]
enum { X, W, B, R, I, K, C, S, INPUTS, OUTPUTS = 6 };

typedef int readers(const clg_tensor *in, clg_tensor *out);

static int and_gradients(clg_tensor loss, clg_tensor a, clg_tensor b, clg_tensor *out)
{
    out[0] = loss;
    clg_grad_n(loss, (clg_tensor[]) { a, b }, 2, out + 1);
    return 3;
}

static int squared_product(const clg_tensor *in, clg_tensor *out)
{
    clg_tensor h = clg_relu(clg_matmul(in[X], in[W]));
    return and_gradients(sum(clg_square(h)), in[X], in[W], out);
}

static int linear_mse(const clg_tensor *in, clg_tensor *out)
{
    clg_tensor h = clg_add(clg_matmul(in[X], in[W]), in[B]);
    return and_gradients(clg_mse_loss(h, in[R], CLG_REDUCE_MEAN), in[W], in[B], out);
}

static int squared_convolution(const clg_tensor *in, clg_tensor *out)
{
    clg_tensor h = clg_tanh(clg_conv2d(in[I], in[K], NULL, clg_conv2d_params(.padding = 1)));
    return and_gradients(sum(clg_mul(h, h)), in[I], in[K], out);
}

static int residual(const clg_tensor *in, clg_tensor *out)
{
    clg_tensor h = clg_relu(clg_conv2d(in[I], in[K], in[C], clg_conv2d_params(.padding = 1)));
    h = clg_add(h, in[S]);
    out[3] = h;
    and_gradients(clg_mean(clg_square(h), CLG_ALL, false), in[K], in[C], out);
    return 4;
}

static int residual_inside(const clg_tensor *in, clg_tensor *out)
{
    clg_tensor y = clg_conv2d(in[I], in[K], in[C], clg_conv2d_params(.padding = 1));
    clg_tensor h = clg_relu(clg_add(y, in[S]));
    out[3] = clg_sum(h, CLG_AXES(0, 2, 3), false);
    and_gradients(sum(clg_mul(clg_exp(clg_neg(h)), y)), in[I], in[S], out);
    return 4;
}

static int two_epilogues(const clg_tensor *in, clg_tensor *out)
{
    clg_tensor a = clg_add(clg_matmul(in[X], in[W]), in[R]);
    clg_tensor b = clg_mul(clg_matmul(clg_tanh(in[X]), in[W]), in[R]);
    out[3] = a;
    out[4] = clg_amax(b, CLG_AXES(1), true);
    and_gradients(sum(clg_mul(a, b)), in[R], in[W], out);
    return 5;
}

static int read_by_both(const clg_tensor *in, clg_tensor *out)
{
    // one result, an epilogue of another, a reduction and itself
    clg_tensor h = clg_matmul(in[X], in[W]);
    clg_tensor g = clg_add(clg_matmul(h, clg_matmul(clg_transpose(h, 0, 1), h)), clg_sigmoid(h));
    out[3] = h;
    out[4] = clg_sub(h, clg_mean(h, CLG_AXES(1), true));
    and_gradients(clg_mean(clg_mul(g, h), CLG_ALL, false), in[X], in[W], out);
    return 5;
}

static int softmax_of_product(const clg_tensor *in, clg_tensor *out)
{
    clg_tensor h = clg_add(clg_matmul(in[X], in[W]), in[B]), p = clg_softmax(h, 1);
    out[3] = p;
    out[4] = clg_sum(clg_gelu(h), CLG_AXES(0), false);
    and_gradients(sum(clg_mul(p, clg_gelu(h))), in[X], in[B], out);
    return 5;
}

static readers *const reader_cases[] = { squared_product, linear_mse, squared_convolution, residual,
                                         residual_inside, two_epilogues, read_by_both, softmax_of_product };
enum { READER_CASES = (int) (sizeof reader_cases / sizeof reader_cases[0]) };

static void read_case(clg_device d, int k, float *host[INPUTS], float *got, int64_t *n)
{
    const clg_shape shape[INPUTS] = { CLG_SHAPE(6, 8), CLG_SHAPE(8, 5), CLG_SHAPE(5), CLG_SHAPE(6, 5),
                                      CLG_SHAPE(2, 3, 6, 6), CLG_SHAPE(4, 3, 3, 3), CLG_SHAPE(4),
                                      CLG_SHAPE(2, 4, 6, 6) };
    clg_scope s = clg_scope_push(d);
    clg_tensor in[INPUTS], out[OUTPUTS];
    for (int i = 0; i < INPUTS; i++)
        in[i] = clg_track(clg_upload(d, CLG_F32, shape[i], host[i]));
    const int outs = reader_cases[k](in, out);
    const clg_status st = clg_eval_n(out, outs);
    ck_assert_msg(st >= 0, "case %d: %s", k, clg_error(d, st));
    *n = 0;
    for (int i = 0; i < outs; i++) {
        const int64_t m = clg_numel(out[i]->shape);
        ck_assert_int_ge(clg_read(out[i], got + *n, (size_t) m * sizeof *got), 0);
        *n += m;
    }
    clg_scope_pop(s);
}

START_TEST(kernel_results_with_several_readers)
{
    TAKES_TURNS(2);
    float *host[INPUTS], *got[2] = { malloc(4096 * sizeof(float)), malloc(4096 * sizeof(float)) };
    clg_device plain = open_with("CLGRAD_FUSE", "0");
    for (int i = 0; i < INPUTS; i++) {
        host[i] = malloc(512 * sizeof *host[i]);
        fill(host[i], 512);
    }
    for (int k = 0; k < READER_CASES; k++) {
        int64_t n[2];
        read_case(dev, k, host, got[0], &n[0]);
        read_case(plain, k, host, got[1], &n[1]);
        ck_assert_int_eq(n[0], n[1]);
        for (int64_t i = 0; i < n[0]; i++)
            ck_assert_msg(isfinite(got[0][i]) && got[0][i] == got[1][i],
                          "case %d, element %d: fused %.9g, unfused %.9g", k, (int) i, (double) got[0][i],
                          (double) got[1][i]);
    }
    for (int i = 0; i < INPUTS; i++)
        free(host[i]);
    free(got[0]);
    free(got[1]);
    clg_device_close(&plain);
}
END_TEST

// The same graphs against central differences, by two inputs that each reads.
typedef struct probe {
    int k, by[2];
    clg_tensor in[INPUTS];
} probe;

static clg_tensor probed(const clg_tensor *x, int n, void *user)
{
    const probe *p = user;
    clg_tensor in[INPUTS], out[OUTPUTS];
    memcpy(in, p->in, sizeof in);
    for (int i = 0; i < n; i++)
        in[p->by[i]] = x[i];
    reader_cases[p->k](in, out);
    return out[0];
}

START_TEST(their_gradients_agree_with_differences)
{
    if (!in_turn(_i, 2))
        return;
    static const int by[READER_CASES][2] = { { X, W }, { W, B }, { I, K }, { K, C }, { I, S }, { R, W },
                                             { X, W }, { X, B } };
    clg_scope s = clg_scope_push(dev);
    const clg_dtype t = clg_device_has(dev, CLG_F64) ? CLG_F64 : CLG_F32;
    const clg_shape shape[INPUTS] = { CLG_SHAPE(2, 3), CLG_SHAPE(3, 2), CLG_SHAPE(2), CLG_SHAPE(2, 2),
                                      CLG_SHAPE(1, 2, 3, 3), CLG_SHAPE(2, 2, 3, 3), CLG_SHAPE(2),
                                      CLG_SHAPE(1, 2, 3, 3) };
    probe p = { .k = _i, .by = { by[_i][0], by[_i][1] } };
    clg_manual_seed(dev, 11);
    for (int i = 0; i < INPUTS; i++) {
        p.in[i] = clg_uniform(dev, t, shape[i], 0.1, 1); // relu has no kink there
        ok(clg_eval(p.in[i]));
    }
    ok(clg_grad_check(probed, &p, (clg_tensor[]) { p.in[p.by[0]], p.in[p.by[1]] }, 2, NULL));
    scope_end(s);
}
END_TEST

START_TEST(a_linear_layer_learns_under_mse)
{
    TAKES_TURNS(2);
    double loss[2][3];
    float weights[2][20];
    for (int k = 0; k < 2; k++) {
        clg_device d = open_with("CLGRAD_FUSE", k ? "0" : "1");
        clg_store w = clg_store_create(d, 3);
        clg_optim o = clg_sgd_create(w, clg_sgd_params(.lr = 0.1, .momentum = 0.9));
        for (int i = 0; i < 3; i++) {
            clg_scope s = clg_scope_push(d);
            clg_tensor x = clg_reshape(clg_sin(clg_arange(d, CLG_F32, 0, 40, 1)), CLG_SHAPE(8, 5));
            clg_tensor t = clg_slice(x, 1, 0, 4, 1);
            clg_tensor y = clg_nn_linear(w, "l", x, clg_nn_linear_params(.out = 4));
            clg_tensor l = clg_mse_loss(y, t, CLG_REDUCE_MEAN);
            clg_status st = clg_optim_step(o, l);
            ck_assert_msg(st >= 0, "%s", clg_error(d, st));
            loss[k][i] = clg_item(l, &st);
            ck_assert_msg(st >= 0, "%s", clg_error(d, st));
            clg_scope_pop(s);
        }
        ck_assert_double_lt(loss[k][2], loss[k][0]);
        clg_tensor now = clg_var_value(clg_store_find(w, "l.weight"));
        ck_assert_int_ge(clg_read(now, weights[k], sizeof weights[k]), 0);
        clg_optim_destroy(&o);
        clg_store_destroy(&w);
        clg_device_close(&d);
    }
    ck_assert_mem_eq(weights[0], weights[1], sizeof weights[0]);
    ck_assert_mem_eq(loss[0], loss[1], sizeof loss[0]);
}
END_TEST

// ---- the same bits everywhere

static uint64_t hash_of(const void *bytes, size_t n, uint64_t h)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *) bytes)[i]) * 1099511628211u; // FNV-1a
    return h;
}

START_TEST(uniform_numbers_are_the_same_on_every_device)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    static float got[5000];
    clg_manual_seed(dev, 42);
    ok(clg_read(clg_uniform(dev, CLG_F32, CLG_SHAPE(5000), 0, 1), got, sizeof got));
    ck_assert_uint_eq(hash_of(got, sizeof got, 1), UNIFORM_HASH);
    ok(clg_read(clg_bernoulli(dev, CLG_F32, CLG_SHAPE(5000), 0.25), got, sizeof got));
    ck_assert_uint_eq(hash_of(got, sizeof got, 1), BERNOULLI_HASH);
    int64_t order[1000];
    ok(clg_read(clg_permutation(dev, 1000), order, sizeof order));
    ck_assert_uint_eq(hash_of(order, sizeof order, 1), PERMUTATION_HASH);
    scope_end(s);
}
END_TEST

// Numbers stand in the order of their keys, in buckets of few and of many.
START_TEST(permutations_are_in_the_order_of_their_keys)
{
    TAKES_TURNS(2);
    const int64_t sizes[] = { 0, 1, 2, 3, 77, 65536, 2000003 };
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        clg_scope s = clg_scope_push(dev);
        const int64_t n = sizes[k];
        int64_t *got = calloc((size_t) n + 1, sizeof *got);
        char *seen = calloc((size_t) n + 1, 1);
        uint64_t last = 0;
        clg_random_set_state(dev, 0x123456789abcdefu + k, (uint64_t) 5 << 32);
        ok(clg_read(clg_permutation(dev, n), got, (size_t) n * sizeof *got));
        for (int64_t i = 0; i < n; i++) {
            uint32_t w[4];
            if (got[i] < 0 || got[i] >= n || seen[got[i]]++) // each assertion is a system call
                ck_abort_msg("%lld: place %lld holds %lld", (long long) n, (long long) i, (long long) got[i]);
            clg__philox((uint64_t) got[i], 0x123456789abcdefu + k, (uint64_t) 5 << 32, w);
            const uint64_t key = (uint64_t) w[0] << 32 | w[1];
            if (key < last)
                ck_abort_msg("%lld: place %lld holds %lld, whose key is %llx after %llx", (long long) n, (long long) i,
                             (long long) got[i], (unsigned long long) key, (unsigned long long) last);
            last = key;
        }
        free(got);
        free(seen);
        scope_end(s);
    }
}
END_TEST

// Sums of every kind, large enough for parts and for several work-groups; 0 where one fails. Runs outside
// of Check.
static uint64_t bits_of_sums(void)
{
    static float got[70000];
    uint64_t h = 1;
    clg_manual_seed(dev, 7);
    clg_tensor x = clg_track(clg_normal(dev, CLG_F32, CLG_SHAPE(40, 3, 30, 30), 0, 1));
    clg_tensor k = clg_track(clg_normal(dev, CLG_F32, CLG_SHAPE(8, 3, 3, 3), 0, 1));
    clg_tensor y = clg_conv2d(x, k, NULL, clg_conv2d_params(.padding = 1));
    clg_tensor m = clg_batch_norm(y, NULL, NULL, NULL, NULL, clg_batch_norm_params(.training = true));
    clg_tensor rows = clg_reshape(m, CLG_SHAPE(160, 1800)), out[11], g[4];
    clg_grad_n(clg_mean(clg_gelu(m), CLG_ALL, false), (clg_tensor[]) { x, k }, 2, g);
    // of so many channels that a CPU takes fewer products
    clg_tensor more = clg_track(clg_reshape(clg_slice(m, 0, 0, 9, 1), CLG_SHAPE(3, 24, 30, 30)));
    clg_tensor w = clg_track(clg_normal(dev, CLG_F32, CLG_SHAPE(20, 24, 3, 3), 0, 1));
    out[8] = clg_conv2d(more, w, NULL, clg_conv2d_params(.padding = 1));
    clg_grad_n(clg_mean(clg_gelu(out[8]), CLG_ALL, false), (clg_tensor[]) { more, w }, 2, g + 2);
    out[9] = g[2];
    out[10] = g[3];
    out[0] = clg_sum(m, CLG_ALL, false);
    out[1] = clg_sum(m, CLG_AXES(1, 2, 3), false);
    out[2] = clg_sum(m, CLG_AXES(0), false);
    out[3] = clg_matmul(rows, clg_transpose(rows, 0, 1));
    out[4] = clg_softmax(clg_slice(rows, 0, 0, 30, 1), 1);
    out[5] = clg_variance(rows, CLG_AXES(1), 1, false);
    out[6] = g[1];
    out[7] = clg_sum(g[0], CLG_AXES(0), false);
    for (int i = 0; i < 11; i++) {
        const size_t bytes = (size_t) clg_numel(out[i]->shape) * sizeof *got;
        if (bytes > sizeof got || clg_read(out[i], got, bytes) < 0)
            return 0;
        h = hash_of(got, bytes, h);
    }
    return h;
}

static const char *self;

// What this program says with other settings: the bits, and the number of cores.
static void run_again(const char *settings, char bits[40], char cores[40])
{
    char command[2000];
    ck_assert_int_lt(snprintf(command, sizeof command, "%s '%s' bits", settings, self), 2000);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%39s %39s", bits, cores), 2);
    ck_assert_int_eq(pclose(f), 0);
}

START_TEST(bits_do_not_depend_on_the_number_of_cores)
{
    TAKES_TURNS(2);
    if (!on_pocl() && !in_turn(1, 4))
        return; // three times all kernels, of which other drivers keep none
    char bits[3][40], cores[3][40];
    run_again("", bits[0], cores[0]);
    run_again("POCL_MAX_PTHREAD_COUNT=1 LP_NUM_THREADS=1", bits[1], cores[1]);
    run_again("POCL_MAX_PTHREAD_COUNT=7 LP_NUM_THREADS=7", bits[2], cores[2]);
    printf("compute units: %s, %s, %s\n", cores[0], cores[1], cores[2]);
    ck_assert_str_ne(bits[0], "0000000000000000");
    ck_assert_str_eq(bits[0], bits[1]);
    ck_assert_str_eq(bits[0], bits[2]);
}
END_TEST

static int print_bits(void)
{
    if (clg_device_open(&dev, NULL) < 0)
        return 1;
    printf("%016llx %d\n", (unsigned long long) bits_of_sums(), clg_device_get_info(dev)->compute_units);
    clg_device_close(&dev);
    return 0;
}

// More results of one text than a launch holds.
START_TEST(ninety_gradients_of_one_text)
{
    TAKES_TURNS(2);
    enum { MANY = 90 };
    clg_scope s = clg_scope_push(dev);
    clg_tensor x[MANY], g[MANY], y = NULL;
    for (int i = 0; i < MANY; i++) {
        x[i] = clg_track(clg_uniform(dev, CLG_F32, CLG_SHAPE(20), 0, 1));
        clg_tensor sum = clg_sum(x[i], CLG_ALL, false);
        y = y ? clg_add(y, sum) : sum;
    }
    ok(clg_grad_n(y, x, MANY, g));
    ok(clg_eval_n(g, MANY));
    for (int i = 0; i < MANY; i += MANY - 1)
        ck_assert_double_eq(clg_item(clg_sum(g[i], CLG_ALL, false), NULL), 20);
    clg_scope_pop(s);
}
END_TEST

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1)
        return print_bits();
    Suite *s = suite_create("ops_edges");
    TCase *c = tcase_create("edges");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_group_belongs_to_one_device);
    tcase_add_test(c, an_item_of_poison_discards_too);
    tcase_add_test(c, deviations_of_nothing);
    tcase_add_test(c, numbers_beside_integers_never_wrap);
    tcase_add_test(c, numbers_become_elements_by_saturation);
    tcase_add_test(c, a_range_of_integers_has_whole_numbers);
    tcase_add_test(c, a_derivative_of_zero_is_a_path);
    tcase_add_test(c, params_of_other_versions);
    tcase_add_loop_test(c, a_last_smaller_batch_builds_nothing, 0, 2);
    tcase_add_test(c, kernel_results_with_several_readers);
    tcase_add_loop_test(c, their_gradients_agree_with_differences, 0, READER_CASES);
    tcase_add_test(c, a_linear_layer_learns_under_mse);
    tcase_add_test(c, uniform_numbers_are_the_same_on_every_device);
    tcase_add_test(c, permutations_are_in_the_order_of_their_keys);
    tcase_add_test(c, bits_do_not_depend_on_the_number_of_cores);
    tcase_add_test(c, ninety_gradients_of_one_text);
    suite_add_tcase(s, c);
    return run_suite(s);
}
