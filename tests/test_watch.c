// SPDX-License-Identifier: MIT
// Watching for numbers that are not finite: what is blamed, what a failed step leaves as it was, and that nothing else
// changes.
#include "testing.h"

static clg_tensor given(clg_shape s, const float *host)
{
    return clg_upload(dev, CLG_F32, s, host);
}

// Evaluating t fails, and the message has all of these words, in this order.
static void blames(clg_tensor t, const char *const *words)
{
    clg_error_clear(dev);
    ck_assert_int_eq(clg_eval(t), CLG_ENUMERIC);
    const char *at = clg_error(dev, CLG_OK);
    for (int i = 0; words[i]; i++) {
        const char *found = strstr(at, words[i]);
        ck_assert_msg(found, "'%s' lacks '%s'", clg_error(dev, CLG_OK), words[i]);
        at = found + 1;
    }
    clg_error_clear(dev);
}
#define BLAMES(t, ...) blames(t, (const char *const[]) { __VA_ARGS__, NULL })

START_TEST(the_first_operation_is_named)
{
    const float host[6] = { 1, 2, 3, -1, 0, 200 };
    const clg_scope scope = clg_scope_push(dev);
    ck_assert(!clg_device_watch(dev, true));
    clg_tensor x = given(CLG_SHAPE(2, 3), host);
    clg_set_layer(dev, "head");
    clg_tensor e = clg_exp(x);
    clg_set_layer(dev, "loss");
    clg_tensor y = clg_sum(clg_mul_scalar(e, 2), CLG_ALL, false);
    clg_set_layer(dev, NULL);
    BLAMES(y, "infinite", "exp", "'head'", "test_watch.c", "inf at [1, 2] of 2x3 f32", "200 there");
    // an infinity that became NaN: both are told
    clg_tensor z = clg_sub(clg_exp(x), clg_exp(x));
    BLAMES(clg_sum(clg_sub(z, x), CLG_ALL, false), "NaN", "exp", "inf at [1, 2]", "sub", "NaN at [1, 2]", "inf there");
    BLAMES(clg_sub(clg_exp(x), clg_exp(x)), "NaN", "exp", "sub", "NaN at [1, 2]", "inf there"); // it is what was asked for
    BLAMES(clg_sqrt(clg_detach(clg_track(x))), "NaN", "sqrt", "NaN at [1, 0]", "-1 there"); // through those
    BLAMES(clg_mean(clg_label(clg_sqrt(x), "root"), CLG_ALL, false), "NaN", "sqrt \"root\"", "NaN at [1, 0]", "-1 there");
    BLAMES(clg_matmul(clg_log(x), clg_full(dev, CLG_F32, CLG_SHAPE(3, 2), 1)), "NaN", "log", "NaN at [1, 0]", "-1 there");
    // the first numbers of an input of another shape
    BLAMES(clg_log(clg_sub(clg_sum(x, CLG_AXES(1), false), clg_full(dev, CLG_F32, CLG_SHAPE(2), 6))), "log", "0 there");
    BLAMES(clg_reciprocal(clg_sub_scalar(clg_matmul(x, clg_full(dev, CLG_F32, CLG_SHAPE(3, 1), 1)), 6)), "reciprocal");
    BLAMES(clg_matmul(clg_mul_scalar(x, 1e37), clg_full(dev, CLG_F32, CLG_SHAPE(3, 1), 1e3)), "matmul", "1e+37 2e+37");
    // through views and reductions
    clg_tensor v = clg_reciprocal(clg_slice(clg_transpose(x, 0, 1), 0, 1, 2, 1));
    BLAMES(clg_amax(v, CLG_ALL, false), "infinite", "reciprocal", "inf at [0, 1] of 1x2 f32");
    ck_assert(clg_device_watch(dev, false));
    ok(clg_eval(clg_exp(x)));
    clg_scope_pop(scope);
}
END_TEST

START_TEST(what_is_given_is_not_blamed)
{
    const float mask[4] = { 0, -INFINITY, 0, 0 }, bad[2] = { 1, NAN }, zeros[4] = { 0 };
    const clg_scope scope = clg_scope_push(dev);
    clg_device_watch(dev, true);
    clg_tensor m = given(CLG_SHAPE(2, 2), mask), x = clg_softmax(m, 1);
    ok(clg_eval(x)); // an infinity that vanishes
    BLAMES(clg_mul_scalar(given(CLG_SHAPE(2), bad), 2), "NaN", "given is", "NaN at [1] of 2 f32");
    BLAMES(clg_sum(clg_mul(m, given(CLG_SHAPE(2, 2), zeros)), CLG_ALL, false), "NaN", "given is", "-inf", "mul");
    clg_device_watch(dev, false);
    clg_scope_pop(scope);
}
END_TEST

// The root of 0 is fine, its derivative is not.
START_TEST(gradients_are_watched)
{
    const float host[3] = { 4, 0, 9 };
    clg_tensor g;
    const clg_scope scope = clg_scope_push(dev);
    clg_device_watch(dev, true);
    clg_tensor x = given(CLG_SHAPE(3), host);
    clg_set_layer(dev, "norm");
    clg_tensor y = clg_sqrt(x);
    clg_set_layer(dev, NULL);
    ok(clg_grad_n(clg_sum(y, CLG_ALL, false), &x, 1, &g));
    ok(clg_eval(y));
    BLAMES(g, "infinite", "in the gradient of 'norm'", "inf at [1] of 3 f32");
    clg_device_watch(dev, false);
    clg_scope_pop(scope);
}
END_TEST

// A step with a NaN changes no weight, no state and no counter; the next one goes on.
START_TEST(a_bad_step_changes_nothing)
{
    float w[2][3 * 4], host[2 * 4] = { 1, -1, 2, 0.5f, 1, 1, 0, 2 }, worst[2 * 4] = { 1, -1, 2, 0.5f, 1, 1, INFINITY, 2 };
    clg_store store = clg_store_create(dev, 3);
    clg_optim o = clg_adam_create(store, clg_adam_params(.lr = 0.1));
    clg_device_watch(dev, true);
    for (int step = 0; step < 5; step++) {
        const bool bad = step == 2;
        const clg_scope scope = clg_scope_push(dev);
        clg_tensor x = given(CLG_SHAPE(2, 4), bad ? worst : host);
        clg_tensor y = clg_nn_linear(store, "fc", x, clg_nn_linear_params(.out = 3));
        clg_tensor loss = clg_mean(clg_square(y), CLG_ALL, false);
        ok(clg_optim_step(o, loss));
        const clg_status st = clg_eval(loss);
        ck_assert_int_eq(st, bad ? CLG_ENUMERIC : CLG_OK);
        if (bad) {
            float value;
            ck_assert_int_ge(clg_read(loss, &value, sizeof value), 0); // to be looked at
            ck_assert(!isfinite(value));
            clg_error_clear(dev);
        }
        ok(clg_read(clg_var_value(clg_store_find(store, "fc.weight")), w[step == 2], sizeof w[0]));
        if (bad)
            ck_assert_int_eq(memcmp(w[0], w[1], sizeof w[0]), 0);
        clg_scope_pop(scope);
    }
    ck_assert(isfinite(w[0][0]) && memcmp(w[0], w[1], sizeof w[0]) != 0);
    clg_device_watch(dev, false);
    clg_optim_destroy(&o);
    clg_store_destroy(&store);
}
END_TEST

// What is assigned is judged when the next evaluation runs, or when something is read: it was never there.
static clg_tensor bad_slope(clg_store store, clg_optim o, float at)
{
    const float host[2] = { 1, at };
    clg_tensor x = given(CLG_SHAPE(2), host);
    clg_tensor w = clg_var_value(clg_store_param(store, "w", CLG_SHAPE(2), (clg_init) { CLG_INIT_CONSTANT, 1, 0 }, 0));
    clg_tensor loss = clg_sum(clg_sqrt(clg_mul(w, x)), CLG_ALL, false); // its slope in w at 0 is infinity times 0
    ok(clg_optim_step(o, loss));
    return loss;
}

static void says(clg_status st, const char *what)
{
    ck_assert_int_eq(st, CLG_ENUMERIC);
    ck_assert_msg(strstr(clg_error(dev, CLG_OK), what), "'%s' lacks '%s'", clg_error(dev, CLG_OK), what);
    clg_error_clear(dev);
}

START_TEST(what_is_assigned_is_judged_later)
{
    enum { STEP, SYNC, READ, TWICE, OFF, DESTROYED, WAYS };
    for (int way = 0; way < WAYS; way++) {
        const uint64_t nodes = clg_device_get_stats(dev).nodes;
        clg_store store = clg_store_create(dev, 3);
        clg_optim o = clg_sgd_create(store, clg_sgd_params(.lr = 0.125));
        float w[2], now[2];
        clg_device_watch(dev, true);
        const clg_scope scope = clg_scope_push(dev);
        clg_status st;
        clg_var extra = clg_var_create(clg_zeros(dev, CLG_F32, CLG_SHAPE(2)));
        ck_assert_double_eq(clg_item(bad_slope(store, o, 4), &st), 3);
        const clg_var v = clg_store_find(store, "w");
        ok(clg_read(clg_var_value(v), w, sizeof w));
        ok(clg_var_assign(extra, clg_add_scalar(clg_var_value(extra), 1)));
        const clg_tensor loss = bad_slope(store, o, 0);
        ck_assert(isfinite(clg_item(loss, &st))); // which is right
        ok(st);
        ok(clg_read(loss, now, sizeof now[0])); // that tells nothing of what was assigned
        if (way == STEP) {
            clg_item(bad_slope(store, o, 4), &st); // which reads what is not to be
            says(st, "of the evaluation before is NaN; the first by");
        } else if (way == SYNC) {
            says(clg_sync(dev), "in a gradient");
        } else if (way == READ) {
            says(clg_read(clg_var_value(v), now, sizeof now), "in a gradient");
        } else if (way == TWICE) { // two bad ones: the first is told
            clg_item(bad_slope(store, o, 0), &st);
            says(st, "of the evaluation before");
        } else if (way == OFF) {
            clg_device_watch(dev, false);
            says(clg_eval(clg_ones(dev, CLG_F32, CLG_SHAPE(3))), "in a gradient");
        } else {
            clg_var_destroy(&extra);
            says(clg_sync(dev), "in a gradient");
        }
        ok(clg_read(clg_var_value(v), now, sizeof now));
        ck_assert_int_eq(memcmp(w, now, sizeof w), 0);
        if (extra) {
            ok(clg_read(clg_var_value(extra), now, sizeof now));
            ck_assert_float_eq(now[0], 0);
        }
        ok(clg_sync(dev));
        clg_item(bad_slope(store, o, 4), &st); // goes on
        ok(st);
        ok(clg_sync(dev));
        ok(clg_read(clg_var_value(v), now, sizeof now));
        ck_assert(now[0] < w[0] && now[1] < w[1]);
        clg_var_destroy(&extra);
        clg_scope_pop(scope);
        clg_optim_destroy(&o);
        clg_store_destroy(&store);
        clg_device_watch(dev, false);
        ck_assert_uint_eq(clg_device_get_stats(dev).nodes, nodes);
    }
}
END_TEST

// One bad number anywhere, of any type, in tensors small and large, and in views that start elsewhere.
START_TEST(every_element_is_looked_at)
{
    static const clg_dtype types[] = { CLG_F32, CLG_F16, CLG_BF16, CLG_F64 };
    static const int64_t sizes[] = { 1, 3, 17, 8192, 8193, 40001 };
    enum { MOST = 40001 };
    for (int i = 0; i < 4; i++) {
        if (!clg_device_has(dev, types[i]))
            continue;
        for (int k = 0; k < 6; k++) {
            const clg_scope scope = clg_scope_push(dev);
            const int64_t n = sizes[k], at = k % 2 ? n - 1 : n / 3;
            clg_device_watch(dev, true);
            clg_var v = clg_var_create(clg_zeros(dev, types[i], CLG_SHAPE(n)));
            clg_tensor place = clg_cast(clg_eq_scalar(clg_arange(dev, CLG_F32, 0, (double) n + 5, 1), (double) at + 5), types[i]);
            ok(clg_eval(place));
            // 1/1, and 1/0 there; before that five numbers that are not assigned
            clg_tensor y = clg_reciprocal(clg_scalar_sub(1, place)), good = clg_add_scalar(place, 2);
            ok(clg_var_assign(v, clg_slice(good, 0, 5, n + 5, 1)));
            ok(clg_eval_assigned(dev));
            ok(clg_sync(dev));
            ok(clg_var_assign(v, clg_slice(y, 0, 5, n + 5, 1)));
            ok(clg_eval_assigned(dev));
            says(clg_sync(dev), "reciprocal");
            clg_var_destroy(&v);
            BLAMES(clg_reciprocal(clg_scalar_sub(1, place)), "infinite", "reciprocal"); // asked for
            ck_assert_int_eq(clg_read(clg_reciprocal(clg_scalar_sub(1, clg_slice(place, 0, 5, n + 5, 1))),
                                      (char[MOST * 8]) { 0 }, (size_t) n * clg_dtype_size(types[i])), CLG_ENUMERIC);
            clg_error_clear(dev);
            clg_device_watch(dev, false);
            clg_scope_pop(scope);
        }
    }
}
END_TEST

// Nothing of this became NaN or infinite by an operation that was watched.
START_TEST(no_false_alarms)
{
    const float mask[4] = { 0, -INFINITY, NAN, 0 };
    const int32_t most[2] = { 0x7f800000, -1 };
    const clg_scope scope = clg_scope_push(dev);
    clg_status st;
    clg_device_watch(dev, true);
    clg_var v = clg_var_create(given(CLG_SHAPE(4), mask)), w = clg_var_create(clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 2)));
    ok(clg_eval(clg_add_scalar(clg_upload(dev, CLG_I32, CLG_SHAPE(2), most), 0)));
    ok(clg_var_assign(w, clg_reshape(clg_var_value(v), CLG_SHAPE(2, 2)))); // given, through a view
    ok(clg_eval_assigned(dev));
    ok(clg_sync(dev));
    clg_var none = clg_var_create(clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 3)));
    ok(clg_var_assign(none, clg_log(clg_var_value(none))));
    ok(clg_eval(clg_log(clg_var_value(none))));
    clg_var zero_d = clg_var_create(clg_zeros(dev, CLG_F32, CLG_SCALAR));
    ok(clg_var_assign(zero_d, clg_add_scalar(clg_var_value(zero_d), 1)));
    ck_assert_double_eq(clg_item(clg_var_value(zero_d), &st), 1);
    ok(st);
    ok(clg_var_assign(zero_d, clg_log(clg_sub_scalar(clg_var_value(zero_d), 1))));
    clg_item(clg_var_value(zero_d), &st);
    says(st, "eval: a result is infinite; the first by log"); // it is what was read
    ck_assert_double_eq(clg_item(clg_var_value(zero_d), &st), 1);
    clg_var_destroy(&v);
    clg_var_destroy(&w);
    clg_var_destroy(&none);
    clg_var_destroy(&zero_d);
    clg_device_watch(dev, false);
    clg_scope_pop(scope);
}
END_TEST

// Each recorder has its own verdicts, and one may end with a bad one untold.
START_TEST(recorders_are_watched_apart)
{
    clg_device other;
    ok(clg_device_open(&other, &(struct clg_device_params) { .size = sizeof(struct clg_device_params), .share = dev }));
    clg_device_watch(dev, true);
    clg_device_watch(other, true);
    clg_var v[2];
    const clg_scope scope = clg_scope_push(dev);
    for (int i = 0; i < 2; i++) {
        const clg_device d = i ? other : dev;
        v[i] = clg_var_create(clg_zeros(d, CLG_F32, CLG_SHAPE(3)));
        ok(clg_var_assign(v[i], i ? clg_log(clg_var_value(v[i])) : clg_exp(clg_var_value(v[i]))));
        ok(clg_eval_assigned(d));
    }
    ok(clg_sync(dev));
    ck_assert_int_eq(clg_sync(other), CLG_ENUMERIC);
    ok(clg_sync(other));
    ok(clg_var_assign(v[1], clg_log(clg_var_value(v[1]))));
    ok(clg_eval_assigned(other));
    clg_device_close(&other);
    clg_var_destroy(&v[0]);
    clg_scope_pop(scope);
    clg_device_watch(dev, false);
    ok(clg_sync(dev));
}
END_TEST

// The same bits with it and without, and nothing that stays.
START_TEST(nothing_else_changes)
{
    float a[40], b[40];
    clg_tensor all[2];
    const clg_scope scope = clg_scope_push(dev);
    for (int on = 0; on < 2; on++) {
        float host[40];
        seed_state = 77;
        clg_device_watch(dev, on);
        clg_tensor x = upload(CLG_SHAPE(5, 8), host), y = clg_softmax(clg_mul(clg_sin(x), clg_exp(x)), 1);
        ok(clg_read(y, on ? b : a, sizeof a));
    }
    ck_assert_int_eq(memcmp(a, b, sizeof a), 0);
    clg_device_watch(dev, true);
    clg_tensor x = clg_ones(dev, CLG_F32, CLG_SHAPE(3));
    ok(clg_eval(clg_cast(x, CLG_I32), clg_zeros(dev, CLG_F32, CLG_SHAPE(0)))); // nothing to watch
    all[0] = all[1] = x;
    ok(clg_eval_n(all, 2));
    clg_device_watch(dev, false);
    clg_scope_pop(scope);
    const uint64_t nodes = clg_device_get_stats(dev).nodes, handles = clg_device_get_stats(dev).handles;
    for (int i = 0; i < 20; i++) {
        const clg_scope inner = clg_scope_push(dev);
        clg_device_watch(dev, true);
        clg_tensor y = clg_log(clg_sub(clg_scalar(dev, CLG_F32, i), clg_scalar(dev, CLG_F32, i + 1)));
        ck_assert_int_eq(clg_eval(y), CLG_ENUMERIC);
        clg_error_clear(dev);
        clg_device_watch(dev, false);
        clg_scope_pop(inner);
    }
    ck_assert_uint_eq(clg_device_get_stats(dev).nodes, nodes);
    ck_assert_uint_eq(clg_device_get_stats(dev).handles, handles);
    ck_assert(!clg_device_watch(NULL, true));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("watch");
    TCase *c = tcase_create("watch");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, the_first_operation_is_named);
    tcase_add_test(c, what_is_given_is_not_blamed);
    tcase_add_test(c, gradients_are_watched);
    tcase_add_test(c, a_bad_step_changes_nothing);
    tcase_add_test(c, what_is_assigned_is_judged_later);
    tcase_add_test(c, every_element_is_looked_at);
    tcase_add_test(c, no_false_alarms);
    tcase_add_test(c, recorders_are_watched_apart);
    tcase_add_test(c, nothing_else_changes);
    suite_add_tcase(s, c);
    return run_suite(s);
}
