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
    tcase_add_test(c, nothing_else_changes);
    suite_add_tcase(s, c);
    return run_suite(s);
}
