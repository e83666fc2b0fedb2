// SPDX-License-Identifier: MIT
// More of what lazy evaluation promises: versions and groups of assignments, failures that change nothing,
// scalars, keys, bounded caches however long evaluation is delayed, waiting.
#include "testing.h"

static clg_device open_another(uint64_t cap)
{
    char error[1100];
    clg_device d;
    ck_assert_msg(clg_device_open(&d, clg_device_params(.memory_cap = cap, .error = error,
                                                        .error_size = sizeof error)) >= 0,
                  "%s", error);
    return d;
}

static void expect(clg_tensor t, const double *want, int n)
{
    float got[64];
    ck_assert_int_eq(clg_numel(t->shape), n);
    ok(clg_read(t, got, (size_t) n * sizeof got[0]));
    same("values", got, want, n, 1e-6);
}

static clg_tensor numbers(clg_device d, clg_shape s)
{
    return clg_reshape(clg_arange(d, CLG_F32, 0, (double) clg_numel(s), 1), s);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

START_TEST(views_keep_the_version_they_were_made_of)
{
    clg_scope s = clg_scope_push(dev);
    clg_var v = clg_var_create(numbers(dev, CLG_SHAPE(2, 2)));
    ok(clg_eval_assigned(dev));
    clg_tensor old = clg_var_value(v), view = clg_transpose(old, 0, 1), later = clg_exp(clg_mul_scalar(view, 0));
    for (int i = 0; i < 5; i++) {
        ok(clg_var_assign(v, clg_add_scalar(clg_var_value(v), 1)));
        if (i % 2)
            ok(clg_eval_assigned(dev));
    }
    expect(view, (double[]) { 0, 2, 1, 3 }, 4);
    expect(later, (double[]) { 1, 1, 1, 1 }, 4);
    expect(clg_add(clg_var_value(v), old), (double[]) { 5, 7, 9, 11 }, 4);
    clg_var_destroy(&v);
    expect(old, (double[]) { 0, 1, 2, 3 }, 4);
    clg_scope_pop(s);
}
END_TEST

START_TEST(groups_run_in_program_order)
{
    clg_scope s = clg_scope_push(dev);
    clg_var v[2] = { clg_var_create(clg_full(dev, CLG_F32, CLG_SHAPE(3), 1)),
                     clg_var_create(clg_full(dev, CLG_F32, CLG_SHAPE(3), 10)) };
    for (int i = 0; i < 3; i++) {
        clg_tensor a = clg_var_value(v[0]), b = clg_var_value(v[1]);
        ok(clg_assign_n(v, (clg_tensor[]) { b, a }, 2)); // swap
        ok(clg_var_assign(v[0], clg_add(clg_var_value(v[0]), clg_var_value(v[1]))));
    }
    ok(clg_eval_assigned(dev));
    // (1,10) -> (11,1) -> (12,11) -> (23,12)
    expect(clg_var_value(v[0]), (double[]) { 23, 23, 23 }, 3);
    expect(clg_var_value(v[1]), (double[]) { 12, 12, 12 }, 3);
    // the same variable twice in one evaluation, and a value that is another variable's
    ok(clg_var_assign(v[0], clg_var_value(v[1])));
    ok(clg_var_assign(v[1], clg_mul_scalar(clg_var_value(v[1]), 2)));
    ok(clg_eval_assigned(dev));
    expect(clg_var_value(v[0]), (double[]) { 12, 12, 12 }, 3);
    clg_var_destroy(&v[0]);
    clg_var_destroy(&v[1]);
    clg_scope_pop(s);
}
END_TEST

START_TEST(a_failed_evaluation_changes_no_variable_and_no_step)
{
    clg_device d = open_another(4 << 20);
    clg_scope s = clg_scope_push(d);
    clg_store w = clg_store_create(d, 3);
    clg_optim o = clg_adam_create(w, clg_adam_params(.lr = 0.1));
    const char *name;
    double before[16], after;
    for (int i = 0; i < 3; i++) {
        clg_tensor h = clg_nn_linear(w, "l", numbers(d, CLG_SHAPE(2, 3)), clg_nn_linear_params(.out = 2));
        ck_assert_msg(clg_optim_step(o, clg_mean(clg_mul(h, h), CLG_ALL, false)) >= 0, "%s", clg_error(d, 0));
        if (i == 1) { // together with what cannot be
            ck_assert_int_eq(clg_eval(clg_full(d, CLG_F32, CLG_SHAPE(8 << 20), 1)), CLG_ENOMEM);
            clg_error_clear(d);
        } else {
            ck_assert_msg(clg_eval_assigned(d) >= 0, "%s", clg_error(d, 0));
        }
        for (int k = 0; k < clg_store_count(w) && k < 16; k++) {
            clg_tensor t = clg_sum(clg_cast(clg_var_value(clg_store_at(w, k, &name, NULL)), CLG_F32), CLG_ALL, false);
            after = clg_item(t, NULL);
            ck_assert_msg(isfinite(after), "%s: %s", name, clg_error(d, 0));
            if (i == 1)
                ck_assert_msg(after == before[k], "%s changed from %g to %g", name, before[k], after);
            if (i == 2 && strstr(name, "step"))
                ck_assert_double_eq(after, 2);
            before[k] = after;
        }
    }
    clg_optim_destroy(&o);
    clg_store_destroy(&w);
    clg_scope_pop(s);
    clg_device_close(&d);
}
END_TEST

START_TEST(reading_poison_discards_what_was_recorded)
{
    clg_scope s = clg_scope_push(dev);
    clg_var v = clg_var_create(clg_ones(dev, CLG_F32, CLG_SHAPE(2)));
    ok(clg_eval_assigned(dev));
    clg_tensor bad = clg_reshape(clg_var_value(v), CLG_SHAPE(7));
    float f;
    clg_status st;
    for (int i = 0; i < 3; i++) {
        ok(clg_var_assign(v, clg_zeros(dev, CLG_F32, CLG_SHAPE(2))));
        if (i == 0)
            st = clg_read(bad, &f, sizeof f);
        else if (i == 1)
            clg_item(bad, &st);
        else
            st = clg_eval(clg_ones(dev, CLG_F32, CLG_SHAPE(1)), bad);
        ck_assert_int_eq(st, CLG_ESHAPE);
        clg_error_clear(dev);
        expect(clg_var_value(v), (double[]) { 1, 1 }, 2);
    }
    clg_var_destroy(&v);
    clg_scope_pop(s);
}
END_TEST

START_TEST(draws_and_scalars_are_never_merged)
{
    clg_scope s = clg_scope_push(dev);
    float a[300], b[300];
    clg_tensor x = clg_uniform(dev, CLG_F32, CLG_SHAPE(300), 0, 1), y = clg_uniform(dev, CLG_F32, CLG_SHAPE(300), 0, 1);
    clg_tensor difference = clg_sub(x, y);
    ok(clg_read(difference, a, sizeof a));
    int zero = 0;
    for (int i = 0; i < 300; i++)
        zero += a[i] == 0;
    ck_assert_int_lt(zero, 5);
    ok(clg_read(clg_sub(x, y), b, sizeof b)); // apart: the same draws
    ck_assert_mem_eq(a, b, sizeof a);
    ok(clg_read(x, a, sizeof a));
    ok(clg_read(y, b, sizeof b));
    ck_assert_int_ne(memcmp(a, b, sizeof a), 0);
    // equal numbers in the run that made the plan, others when it is found again
    clg_tensor u = clg_ones(dev, CLG_F32, CLG_SHAPE(2));
    ok(clg_eval(u));
    for (int i = 0; i < 3; i++) {
        clg_tensor p = clg_scalar(dev, CLG_F32, 2), q = clg_scalar(dev, CLG_F32, 2 + i);
        clg_tensor sum = clg_add(clg_mul(u, p), clg_mul(clg_mul(u, q), q));
        const double want = 2 + (2.0 + i) * (2 + i);
        expect(sum, (double[]) { want, want }, 2);
    }
    clg_scope_pop(s);
}
END_TEST

START_TEST(the_backward_mask_is_the_forward_mask)
{
    for (int together = 0; together < 2; together++) {
        clg_scope s = clg_scope_push(dev);
        float fy[500], fg[500];
        clg_tensor x = clg_track(clg_full(dev, CLG_F32, CLG_SHAPE(500), 3));
        clg_tensor y = clg_dropout(x, 0.4), g = clg_grad(clg_sum(y, CLG_ALL, false), x);
        if (together)
            ok(clg_eval(y, g));
        ok(clg_read(y, fy, sizeof fy));
        ok(clg_read(g, fg, sizeof fg));
        int kept = 0;
        for (int i = 0; i < 500; i++) {
            ck_assert_float_eq_tol(fy[i], 3 * fg[i], 1e-5);
            kept += fy[i] != 0;
        }
        ck_assert(kept > 200 && kept < 400);
        clg_scope_pop(s);
    }
}
END_TEST

// Two structures that differ in one thing each must not share a plan.
START_TEST(keys_tell_structures_apart)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = numbers(dev, CLG_SHAPE(2, 2)), y = clg_add_scalar(x, 10);
    ok(clg_eval(x, y));
    for (int again = 0; again < 2; again++) {
        expect(clg_sub(x, x), (double[]) { 0, 0, 0, 0 }, 4); // aliasing
        expect(clg_sub(x, y), (double[]) { -10, -10, -10, -10 }, 4);
        expect(clg_sub(y, x), (double[]) { 10, 10, 10, 10 }, 4);
        clg_tensor t = clg_transpose(x, 0, 1);
        expect(clg_add(x, t), (double[]) { 0, 3, 3, 6 }, 4); // strides
        expect(clg_add(x, x), (double[]) { 0, 2, 4, 6 }, 4);
        expect(clg_add(t, t), (double[]) { 0, 4, 2, 6 }, 4);
        clg_tensor r0 = clg_slice(x, 0, 0, 1, 1), r1 = clg_slice(x, 0, 1, 2, 1);
        expect(clg_neg(r0), (double[]) { 0, -1 }, 2); // offsets
        expect(clg_neg(r1), (double[]) { -2, -3 }, 2);
        const clg_shape none = CLG_SHAPE(0, 0), one = CLG_SHAPE(0, 1);
        expect(clg_neg(clg_pad(r0, one, none, 5)), (double[]) { -5, 0, -1 }, 3); // windows
        expect(clg_neg(clg_pad(r0, none, one, 5)), (double[]) { 0, -1, -5 }, 3);
        expect(clg_neg(clg_pad(r0, none, one, 6)), (double[]) { 0, -1, -6 }, 3);
        expect(clg_sum(x, CLG_AXES(0), false), (double[]) { 2, 4 }, 2); // parameters
        expect(clg_sum(x, CLG_AXES(1), false), (double[]) { 1, 5 }, 2);
        expect(clg_amax(x, CLG_AXES(1), false), (double[]) { 1, 3 }, 2);
        expect(clg_cast(clg_cast(clg_mul_scalar(x, 0.5), CLG_I32), CLG_F32), (double[]) { 0, 0, 1, 1 }, 4);
        expect(clg_cast(clg_cast(clg_mul_scalar(x, 0.5), CLG_BOOL), CLG_F32), (double[]) { 0, 1, 1, 1 }, 4);
    }
    clg_scope_pop(s);
}
END_TEST

static void step_of_batch(clg_store w, clg_optim o, int64_t n)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_normal(dev, CLG_F32, CLG_SHAPE(n, 2, 6, 6), 0, 1);
    clg_tensor h = clg_nn_conv2d(w, "c", x, clg_nn_conv2d_params(.out = 4, .kernel = 3, .padding = 1));
    h = clg_max_pool2d(clg_relu(clg_nn_batch_norm2d(w, "b", h, NULL)), clg_pool2d_params(.kernel = 2));
    h = clg_nn_linear(w, "l", clg_flatten(h, 1, -1), clg_nn_linear_params(.out = 3));
    clg_tensor y = clg_cast(clg_mul_scalar(clg_uniform(dev, CLG_F32, CLG_SHAPE(n), 0, 1), 2.9), CLG_I64);
    ok(clg_optim_step(o, clg_cross_entropy(h, y, NULL)));
    ok(clg_eval_assigned(dev));
    clg_scope_pop(s);
}

START_TEST(the_last_smaller_batch_compiles_nothing)
{
    clg_store w = clg_store_create(dev, 1);
    clg_optim o = clg_adam_create(w, NULL);
    step_of_batch(w, o, 64);
    step_of_batch(w, o, 64);
    const clg_device_stats a = clg_device_get_stats(dev);
    step_of_batch(w, o, 64);
    const clg_device_stats b = clg_device_get_stats(dev);
    ck_assert_uint_eq(a.plan_misses, b.plan_misses);
    step_of_batch(w, o, 40);
    const clg_device_stats c = clg_device_get_stats(dev);
    ck_assert_uint_eq(b.programs_built + b.programs_cached, c.programs_built + c.programs_cached);
    clg_optim_destroy(&o);
    clg_store_destroy(&w);
}
END_TEST

START_TEST(caches_are_bounded)
{
    clg_device_trim(dev);
    const clg_device_stats a = clg_device_get_stats(dev);
    for (int n = 1; n <= 300; n++) {
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(2), (float[]) { 1, 2 });
        ok(clg_eval(clg_mul_scalar(clg_expand(clg_reshape(x, CLG_SHAPE(2, 1)), CLG_SHAPE(2, n)), 3)));
        clg_scope_pop(s);
    }
    const clg_device_stats b = clg_device_get_stats(dev);
    ck_assert_uint_le(b.plans, 128);
    ck_assert_uint_le(b.programs, a.programs + 8);
    ck_assert_uint_eq(b.nodes, a.nodes);
    // the oldest went, the newest are there
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(2), (float[]) { 1, 2 });
    ok(clg_eval(clg_mul_scalar(clg_expand(clg_reshape(x, CLG_SHAPE(2, 1)), CLG_SHAPE(2, 299)), 3)));
    ck_assert_uint_eq(clg_device_get_stats(dev).plan_hits, b.plan_hits + 1);
    clg_scope_pop(s);
}
END_TEST

// However long evaluation is delayed: few kernels, no deep recursion, time that grows with the length.
START_TEST(long_delays_end_well)
{
    const struct {
        int n, reduce;
    } cases[] = { { 10000, 0 }, { 3000, 1 }, { 9000, 0 } };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        clg_scope s = clg_scope_push(dev);
        const clg_device_stats a = clg_device_get_stats(dev);
        const double start = seconds();
        clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(4), (float[]) { 0, 0, 0, 0 });
        clg_tensor one = clg_upload(dev, CLG_F32, CLG_SHAPE(4), (float[]) { 1, 1, 1, 1 });
        for (int i = 0; i < cases[k].n; i++)
            x = cases[k].reduce ? clg_add(clg_mul_scalar(clg_sum(x, CLG_ALL, false), 0.25), one) : clg_add(x, one);
        const double v = cases[k].n;
        expect(x, (double[]) { v, v, v, v }, 4);
        const clg_device_stats b = clg_device_get_stats(dev);
        printf("%d %s: %.2f s, %llu programs, %llu launches\n", cases[k].n, cases[k].reduce ? "sums" : "adds",
               seconds() - start, (unsigned long long) (b.programs - a.programs),
               (unsigned long long) (b.launches - a.launches));
        ck_assert_uint_le(b.programs - a.programs, 3);
        ck_assert_double_lt(seconds() - start, 30);
        clg_scope_pop(s);
    }
}
END_TEST

START_TEST(evaluating_after_any_delay_makes_few_kernels)
{
    clg_scope outer = clg_scope_push(dev);
    const clg_device_stats a = clg_device_get_stats(dev);
    for (int n = 1; n <= 150; n += 7) {
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(2), (float[]) { 1, 1 });
        for (int i = 0; i < n; i++)
            x = clg_mul(x, x);
        expect(x, (double[]) { 1, 1 }, 2);
        clg_scope_pop(s);
    }
    const clg_device_stats b = clg_device_get_stats(dev);
    ck_assert_uint_le(b.programs - a.programs, 24);
    clg_scope_pop(outer);
}
END_TEST

START_TEST(chains_of_views_fold)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = numbers(dev, CLG_SHAPE(4, 6));
    ok(clg_eval(x));
    const clg_device_stats a = clg_device_get_stats(dev);
    clg_tensor v = x;
    for (int i = 0; i < 50; i++)
        v = clg_flip(clg_transpose(v, 0, 1), CLG_AXES(0));
    v = clg_slice(clg_slice(v, 1, 1, 5, 1), 1, 0, 4, 2);
    v = clg_squeeze(clg_unsqueeze(v, 0), CLG_AXES(0));
    ok(clg_eval(clg_neg(v)));
    ok(clg_sync(dev));
    const clg_device_stats b = clg_device_get_stats(dev);
    ck_assert_uint_eq(b.launches - a.launches, 1);
    clg_scope_pop(s);
}
END_TEST

START_TEST(reading_the_loss_does_not_wait_for_the_update)
{
    double read = 1, all = 1;
    int n = 100; // larger until the update takes its time
    for (int attempt = 0; attempt < 6 && read > 0.5 * all; attempt++) {
        clg_scope s = clg_scope_push(dev);
        clg_var v = clg_var_create(clg_full(dev, CLG_F32, CLG_SHAPE(n, n), 1e-3));
        ok(clg_eval_assigned(dev));
        clg_tensor w = clg_var_value(v), loss = clg_sum(w, CLG_ALL, false);
        clg_tensor update = clg_add(w, clg_mul_scalar(loss, 1e-6));
        for (int i = 0; i < 12; i++)
            update = clg_matmul(update, w);
        ok(clg_var_assign(v, update));
        ok(clg_eval(clg_mul_scalar(update, 1))); // kernels are compiled now
        ok(clg_sync(dev));
        loss = clg_sum(clg_var_value(v), CLG_ALL, false);
        update = clg_add(clg_var_value(v), clg_mul_scalar(loss, 1e-6));
        for (int i = 0; i < 12; i++)
            update = clg_matmul(update, clg_var_value(v));
        ok(clg_var_assign(v, update));
        const double start = seconds();
        clg_status st;
        clg_item(loss, &st);
        ok(st);
        read = seconds() - start;
        ok(clg_sync(dev));
        all = seconds() - start;
        n = all < 0.1 ? 2 * n : n;
        clg_var_destroy(&v);
        clg_scope_pop(s);
    }
    printf("the loss after %.1f ms, the update after %.1f ms\n", 1e3 * read, 1e3 * all);
    ck_assert_double_lt(read, 0.5 * all);
}
END_TEST

START_TEST(an_item_is_a_double)
{
    clg_scope s = clg_scope_push(dev);
    const int64_t big = (1LL << 52) + 1;
    const uint8_t byte = 200;
    ck_assert_double_eq(clg_item(clg_upload(dev, CLG_I64, CLG_SHAPE(1, 1), &big), NULL), (double) big);
    ck_assert_double_eq(clg_item(clg_upload(dev, CLG_U8, CLG_SCALAR, &byte), NULL), 200);
    ck_assert_double_eq(clg_item(clg_scalar(dev, CLG_I32, -7), NULL), -7);
    ck_assert_double_eq(clg_item(clg_scalar(dev, CLG_BOOL, 3), NULL), 1);
    if (clg_device_has(dev, CLG_F64))
        ck_assert_double_eq(clg_item(clg_scalar(dev, CLG_F64, 0.1), NULL), 0.1);
    clg_status st;
    ck_assert(isnan(clg_item(clg_ones(dev, CLG_F32, CLG_SHAPE(2)), &st)));
    ck_assert_int_eq(st, CLG_ESHAPE);
    clg_error_clear(dev);
    clg_scope_pop(s);
}
END_TEST

static void expression(clg_device d, float *out, size_t bytes, float *h)
{
    clg_scope s = clg_scope_push(d);
    clg_tensor x = clg_upload(d, CLG_F32, CLG_SHAPE(7, 65), h);
    clg_tensor m = clg_mean(x, CLG_AXES(1), true), c = clg_sub(x, m);
    clg_tensor y = clg_div(c, clg_sqrt(clg_add_scalar(clg_mean(clg_mul(c, c), CLG_AXES(1), true), 1e-5)));
    clg_tensor z = clg_add(clg_gelu(y), clg_tanh(clg_mul(clg_transpose(clg_reshape(y, CLG_SHAPE(65, 7)), 0, 1), x)));
    ck_assert_msg(clg_read(clg_concat(0, z, y), out, bytes) >= 0, "%s", clg_error(d, 0));
    clg_scope_pop(s);
}

START_TEST(bits_do_not_depend_on_grouping)
{
    static float h[7 * 65], a[2 * 7 * 65], b[2 * 7 * 65];
    fill(h, 7 * 65);
    expression(dev, a, sizeof a, h);
    expression(dev, b, sizeof b, h); // the plan is found again
    ck_assert_mem_eq(a, b, sizeof a);
    setenv("CLGRAD_FUSE", "0", 1);
    clg_device d = open_another(0);
    unsetenv("CLGRAD_FUSE");
    expression(d, b, sizeof b, h);
    clg_device_close(&d);
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("promises");
    TCase *c = tcase_create("lazy");
    tcase_add_test(c, views_keep_the_version_they_were_made_of);
    tcase_add_test(c, groups_run_in_program_order);
    tcase_add_test(c, a_failed_evaluation_changes_no_variable_and_no_step);
    tcase_add_test(c, reading_poison_discards_what_was_recorded);
    tcase_add_test(c, draws_and_scalars_are_never_merged);
    tcase_add_test(c, the_backward_mask_is_the_forward_mask);
    tcase_add_test(c, keys_tell_structures_apart);
    tcase_add_test(c, the_last_smaller_batch_compiles_nothing);
    tcase_add_test(c, caches_are_bounded);
    tcase_add_test(c, long_delays_end_well);
    tcase_add_test(c, evaluating_after_any_delay_makes_few_kernels);
    tcase_add_test(c, chains_of_views_fold);
    tcase_add_test(c, reading_the_loss_does_not_wait_for_the_update);
    tcase_add_test(c, an_item_is_a_double);
    tcase_add_test(c, bits_do_not_depend_on_grouping);
    suite_add_tcase(s, c);
    return run_suite(s);
}
