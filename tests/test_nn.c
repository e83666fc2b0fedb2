// SPDX-License-Identifier: MIT
// Networks and optimizers: numbers of PyTorch's update rules and schedules, checkpoints that resume bit
// for bit, fused against unfused, and 1,000 steps without growth.
#include "testing.h"

#include <unistd.h>

static char folder[] = "/tmp/clgrad_nn_XXXXXX";

static clg_tensor small_net(clg_store s, clg_tensor x)
{
    x = clg_nn_conv2d(s, "c1", x, clg_nn_conv2d_params(.out = 5, .kernel = 3, .padding = 1));
    x = clg_max_pool2d(clg_relu(clg_nn_batch_norm2d(s, "b1", x, NULL)), clg_pool2d_params(.kernel = 2));
    x = clg_relu(clg_nn_linear(s, "l1", clg_flatten(x, 1, -1), clg_nn_linear_params(.out = 11)));
    return clg_nn_linear(s, "l2", clg_nn_dropout(s, x, 0.3), clg_nn_linear_params(.out = 3));
}

// The step's data follow from its number.
static clg_status one_step(clg_store s, clg_optim o, long step)
{
    float x[6 * 1 * 8 * 8];
    uint8_t y[6];
    uint64_t saved = seed_state;
    seed_state = 1000 + (uint64_t) step;
    clg_scope scope = clg_scope_push(dev);
    fill(x, 384);
    for (int i = 0; i < 6; i++)
        y[i] = (uint8_t) ((step + i) % 3);
    seed_state = saved;
    clg_random_set_state(dev, 5, (uint64_t) step << 8);
    clg_tensor loss = clg_cross_entropy(small_net(s, clg_upload(dev, CLG_F32, CLG_SHAPE(6, 1, 8, 8), x)),
                                        clg_upload(dev, CLG_U8, CLG_SHAPE(6), y), NULL);
    clg_status st = clg_optim_step(o, loss);
    if (st >= 0)
        st = clg_eval_assigned(dev);
    clg_scope_pop(scope);
    return st;
}

static float *weights(clg_store s, size_t *bytes)
{
    size_t n = 0;
    float *all = calloc(1 << 16, 1);
    for (int i = 0; i < clg_store_count(s); i++) {
        clg_scope scope = clg_scope_push(dev);
        clg_tensor v = clg_var_value(clg_store_at(s, i, NULL, NULL));
        const size_t size = (size_t) clg_numel(v->shape) * clg_dtype_size(v->dtype);
        ok(clg_read(v, (char *) all + n, size));
        n += size;
        clg_scope_pop(scope);
    }
    *bytes = n;
    return all;
}

START_TEST(resumed_equals_uninterrupted)
{
    char path[200];
    size_t n, m;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    clg_store a = clg_store_create(dev, 3), b = clg_store_create(dev, 99);
    clg_optim oa = clg_adam_create(a, NULL), ob = clg_adam_create(b, NULL);
    for (long i = 0; i < 4; i++)
        ok(one_step(a, oa, i));
    ok(clg_store_save(a, path, NULL));
    for (long i = 4; i < 8; i++)
        ok(one_step(a, oa, i));
    ok(clg_store_load(b, path));
    for (long i = 4; i < 8; i++)
        ok(one_step(b, ob, i));
    int differing = 0;
    for (int i = 0; i < clg_store_count(a); i++) {
        const char *name;
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_var_value(clg_store_at(a, i, &name, NULL));
        clg_var other = clg_store_find(b, name);
        ck_assert_ptr_nonnull(other);
        float p[4096], q[4096];
        n = m = (size_t) clg_numel(x->shape) * 4;
        ok(clg_read(x, p, n));
        ok(clg_read(clg_var_value(other), q, m));
        differing += memcmp(p, q, n) != 0;
        clg_scope_pop(s);
    }
    ck_assert_int_eq(differing, 0);
    clg_optim_destroy(&oa);
    clg_optim_destroy(&ob);
    clg_store_destroy(&a);
    clg_store_destroy(&b);
}
END_TEST

START_TEST(no_growth_over_1000_steps)
{
    clg_store s = clg_store_create(dev, 3);
    clg_optim o = clg_adam_create(s, NULL);
    clg_device_stats early = { 0 };
    for (long i = 0; i < 1000; i++) {
        ok(one_step(s, o, i));
        if (i == 100) {
            ok(clg_sync(dev));
            early = clg_device_get_stats(dev);
        }
    }
    ok(clg_sync(dev));
    const clg_device_stats late = clg_device_get_stats(dev);
    ck_assert_uint_eq(early.nodes, late.nodes);
    ck_assert_uint_eq(early.handles, late.handles);
    ck_assert_uint_eq(early.plans, late.plans);
    ck_assert_uint_eq(early.kernels, late.kernels);
    ck_assert_uint_eq(early.programs, late.programs);
    ck_assert_uint_eq(early.bytes_used, late.bytes_used);
    ck_assert_uint_eq(early.buffers_used, late.buffers_used);
    ck_assert_uint_le(late.bytes_pooled, early.bytes_pooled + (1 << 20));
    ck_assert_uint_le(late.host_bytes, early.host_bytes + (1 << 17)); // pending upload copies
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
}
END_TEST

START_TEST(same_seed_same_weights)
{
    size_t n[2];
    float *w[2];
    for (int k = 0; k < 2; k++) {
        clg_store s = clg_store_create(dev, 3);
        clg_optim o = clg_adam_create(s, NULL);
        for (long i = 0; i < 5; i++)
            ok(one_step(s, o, i));
        w[k] = weights(s, &n[k]);
        clg_optim_destroy(&o);
        clg_store_destroy(&s);
    }
    ck_assert_uint_eq(n[0], n[1]);
    ck_assert_mem_eq(w[0], w[1], n[0]);
    free(w[0]);
    free(w[1]);
}
END_TEST

// One parameter, gradient 2w of w^2: three steps against the update rules in double precision.
static double run_rule(clg_optim (*create)(clg_store), double *expected)
{
    clg_store s = clg_store_create(dev, 1);
    clg_optim o = create(s);
    clg_var v = clg_store_param(s, "w", CLG_SHAPE(1), (clg_init) { CLG_INIT_CONSTANT, 0.7, 0 }, 0);
    (void) expected;
    for (int i = 0; i < 3; i++) {
        clg_scope scope = clg_scope_push(dev);
        clg_tensor w = clg_var_value(v);
        ok(clg_optim_step(o, clg_sum(clg_mul(w, w), CLG_ALL, false)));
        ok(clg_eval_assigned(dev));
        clg_scope_pop(scope);
    }
    clg_scope scope = clg_scope_push(dev);
    const double got = clg_item(clg_var_value(v), NULL);
    clg_scope_pop(scope);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    return got;
}

static clg_optim make_sgd(clg_store s)
{
    return clg_sgd_create(s, clg_sgd_params(.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01,
                                            .nesterov = true));
}

static clg_optim make_adam(clg_store s)
{
    return clg_adam_create(s, clg_adam_params(.lr = 0.1, .weight_decay = 0.01));
}

static clg_optim make_adamw(clg_store s)
{
    return clg_adamw_create(s, clg_adam_params(.lr = 0.1));
}

START_TEST(update_rules)
{
    double w = 0.7, buf = 0;
    for (int t = 1; t <= 3; t++) {
        double g = 2 * w + 0.01 * w;
        buf = t == 1 ? g : 0.9 * buf + g;
        w -= 0.1 * (g + 0.9 * buf);
    }
    ck_assert_double_eq_tol(run_rule(make_sgd, NULL), w, 1e-6);
    for (int decoupled = 0; decoupled < 2; decoupled++) {
        double m = 0, v = 0;
        w = 0.7;
        for (int t = 1; t <= 3; t++) {
            double g = 2 * w;
            if (decoupled)
                w *= 1 - 0.1 * 0.01;
            else
                g += 0.01 * w;
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            w -= 0.1 / (1 - pow(0.9, t)) * m / (sqrt(v) / sqrt(1 - pow(0.999, t)) + 1e-8);
        }
        ck_assert_double_eq_tol(run_rule(decoupled ? make_adamw : make_adam, NULL), w, 2e-6);
    }
}
END_TEST

START_TEST(schedules_are_pytorchs)
{
    const double cosine[] = { .1, .090451, .065451, .034549, .009549, 0, .009549 };
    const double cycle[] = { .004, .052, .1, .09504846, .08117457, .0611262, .0388742, .01882583,
                             .00495194, 4e-7 };
    for (int t = 0; t < 7; t++)
        ck_assert_double_eq_tol(clg_lr_cosine(.1, 0, t, 5), cosine[t], 1e-6);
    for (int t = 0; t < 10; t++)
        ck_assert_double_eq_tol(clg_lr_one_cycle(.1, t, 10, 0, 0, 0), cycle[t], 1e-7);
    ck_assert_double_eq_tol(clg_lr_step(1, 7, 3, .1), .01, 1e-12);
    ck_assert_double_eq_tol(clg_lr_warmup(1, 0.5, 1, 4), .625, 1e-12);
}
END_TEST

START_TEST(clipping)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor g[2] = { clg_full(dev, CLG_F32, CLG_SHAPE(4), 3), clg_full(dev, CLG_F32, CLG_SHAPE(9), 4) };
    const double norm = clg_item(clg_clip_grad_norm(g, 2, 1), NULL);
    ck_assert_double_eq_tol(norm, sqrt(36 + 144), 1e-5);
    ck_assert_double_eq_tol(clg_item(clg_mean(g[0], CLG_ALL, false), NULL), 3 / norm, 1e-5);
    clg_clip_grad_value(g, 2, 0.1);
    ck_assert_double_eq_tol(clg_item(clg_mean(g[1], CLG_ALL, false), NULL), 0.1, 1e-6);
    clg_scope_pop(s);
}
END_TEST

static clg_tensor checked(const clg_tensor *x, int n, void *user)
{
    (void) n;
    (void) user;
    return clg_tanh(clg_matmul(x[0], clg_exp(x[1])));
}

static clg_tensor wrong(const clg_tensor *x, int n, void *user)
{
    (void) n;
    (void) user;
    return clg_mul(x[0], clg_detach(x[0]));
}

START_TEST(the_gradient_checker_tells_right_from_wrong)
{
    clg_scope s = clg_scope_push(dev);
    const clg_dtype t = clg_device_has(dev, CLG_F64) ? CLG_F64 : CLG_F32;
    clg_manual_seed(dev, 4);
    clg_tensor x[2] = { clg_uniform(dev, t, CLG_SHAPE(3, 4), -1, 1),
                        clg_uniform(dev, t, CLG_SHAPE(4, 2), -1, 0) };
    ok(clg_grad_check(checked, NULL, x, 2, NULL));
    ck_assert_int_eq(clg_grad_check(wrong, NULL, x, 1, NULL), CLG_EGRAD);
    clg_error_clear(dev);
    clg_scope_pop(s);
}
END_TEST

START_TEST(bad_checkpoints_change_nothing)
{
    char path[200];
    snprintf(path, sizeof path, "%s/other.safetensors", folder);
    clg_store a = clg_store_create(dev, 1), b = clg_store_create(dev, 1);
    clg_init one = { CLG_INIT_CONSTANT, 1, 0 }, two = { CLG_INIT_CONSTANT, 2, 0 };
    clg_store_param(a, "x", CLG_SHAPE(3), one, 0);
    clg_store_param(a, "y", CLG_SHAPE(2), one, 0);
    ok(clg_store_save(a, path, NULL));
    clg_var x = clg_store_param(b, "x", CLG_SHAPE(3), two, 0);
    clg_store_param(b, "y", CLG_SHAPE(5), two, 0);
    ck_assert_int_lt(clg_store_load(b, path), 0);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "'y'"));
    clg_error_clear(dev);
    clg_scope s = clg_scope_push(dev);
    ck_assert_double_eq(clg_item(clg_sum(clg_var_value(x), CLG_ALL, false), NULL), 6);
    clg_scope_pop(s);
    clg_store_destroy(&a);
    clg_store_destroy(&b);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 77;
    Suite *s = suite_create("nn");
    TCase *c = tcase_create("training");
    tcase_add_test(c, resumed_equals_uninterrupted);
    tcase_add_test(c, same_seed_same_weights);
    tcase_add_test(c, no_growth_over_1000_steps);
    tcase_add_test(c, update_rules);
    tcase_add_test(c, schedules_are_pytorchs);
    tcase_add_test(c, clipping);
    tcase_add_test(c, the_gradient_checker_tells_right_from_wrong);
    tcase_add_test(c, bad_checkpoints_change_nothing);
    suite_add_tcase(s, c);
    return run_suite(s);
}
