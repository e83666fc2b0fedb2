// SPDX-License-Identifier: MIT
// What is told about a plan and its kernels: operations, layers, bytes and additions, of graphs whose numbers are known.
#include "testing.h"

enum { N = 24, IN = 40, HIDDEN = 32, OUT = 8 };

typedef struct seen {
    int rows, of_fc1, products, convolutions;
    uint64_t launches;
    double seconds, flops, bytes, least;
    char ops[4096];
} seen;

static void note(void *user, const clg_kernel_profile *p)
{
    seen *s = user;
    const size_t at = strlen(s->ops);
    s->rows++;
    s->launches += p->launches;
    s->seconds += p->seconds;
    s->flops += p->flops;
    s->bytes += p->bytes;
    s->least += p->bytes_least;
    s->of_fc1 += strcmp(p->layer, "fc1") == 0;
    s->products += strncmp(p->op, "matmul", 6) == 0;
    s->convolutions += strncmp(p->op, "conv2d", 6) == 0;
    ck_assert(p->kernel && *p->kernel && *p->op && *p->variant && *p->shape);
    snprintf(s->ops + at, sizeof s->ops - at, "%s (%s) '%s' %s; ", p->op, p->variant, p->layer, p->shape);
}

static clg_device profiled(void)
{
    clg_device d = NULL;
    char error[1100] = "";
    ck_assert_msg(clg_device_open(&d, clg_device_params(.profile = true, .error = error, .error_size = sizeof error)) >= 0,
                  "%s", error);
    return d;
}

static clg_tensor random_leaf(clg_device d, clg_shape s)
{
    float host[4096];
    ck_assert_int_le(clg_numel(s), 4096);
    fill(host, clg_numel(s));
    return clg_upload(d, CLG_F32, s, host);
}

START_TEST(numbers_of_known_graphs)
{
    clg_plan_info p;
    const clg_scope scope = clg_scope_push(dev);
    clg_tensor x = random_leaf(dev, CLG_SHAPE(N, IN)), w = random_leaf(dev, CLG_SHAPE(IN, HIDDEN)),
               b = random_leaf(dev, CLG_SHAPE(HIDDEN)), v = random_leaf(dev, CLG_SHAPE(HIDDEN, OUT));
    clg_tensor y = clg_relu(clg_add(clg_matmul(x, w), b));
    ok(clg_plan_n(dev, &y, 1, &p));
    ck_assert_uint_eq(p.flops, 2 * N * IN * HIDDEN);
    ck_assert_uint_ge(p.bytes_least, 4 * (N * IN + IN * HIDDEN + HIDDEN + N * HIDDEN));
    ck_assert_uint_eq(p.bytes_least, 4 * (N * IN + IN * HIDDEN + HIDDEN + N * HIDDEN));
    ck_assert_uint_ge(p.bytes_moved, p.bytes_least);
    clg_tensor z = clg_matmul(y, v); // what is between two products is written once and read once
    ok(clg_plan_n(dev, &z, 1, &p));
    ck_assert_uint_eq(p.flops, 2 * N * HIDDEN * (IN + OUT));
    ck_assert_uint_eq(p.bytes_least, 4 * (N * IN + IN * HIDDEN + HIDDEN + 2 * N * HIDDEN + HIDDEN * OUT + N * OUT));
    clg_tensor s = clg_mul(clg_add(x, x), x); // read once, however often it is used
    ok(clg_plan_n(dev, &s, 1, &p));
    ck_assert_uint_eq(p.bytes_moved, 8 * N * IN);
    ck_assert_uint_eq(p.bytes_least, 8 * N * IN);
    ck_assert_uint_eq(p.flops, 0);
    clg_tensor t = clg_add(clg_expand(b, CLG_SHAPE(N, HIDDEN)), clg_slice(y, 0, 0, N, 1)); // b is not read N times
    ok(clg_eval(y));
    ok(clg_plan_n(dev, &t, 1, &p));
    ck_assert_uint_eq(p.bytes_moved, 4 * (HIDDEN + 2 * N * HIDDEN));
    const int64_t three[] = { 1, 5, 2 };
    clg_tensor i = clg_upload(dev, CLG_I64, CLG_SHAPE(3), three), g = clg_index_select(x, 0, i);
    ok(clg_plan_n(dev, &g, 1, &p)); // three rows, not the table
    ck_assert_uint_eq(p.bytes_moved, 8 * 3 * IN + sizeof three);
    clg_scope_pop(scope);
}
END_TEST

// Whatever strides and directions: each multiplies as often as the forward direction does.
START_TEST(directions_multiply_as_often)
{
    clg_plan_info y, back;
    const clg_scope scope = clg_scope_push(dev);
    for (int stride = 1; stride <= 3; stride++) {
        for (int groups = 1; groups <= 8; groups *= 8) {
            clg_tensor x = random_leaf(dev, CLG_SHAPE(2, 8, 13, 11)), w = random_leaf(dev, CLG_SHAPE(16, 8 / groups, 3, 3));
            clg_tensor c = clg_conv2d(x, w, NULL, clg_conv_params(.stride = stride, .padding = 1, .groups = groups));
            clg_tensor grads[2], wrt[2] = { x, w };
            ok(clg_plan_n(dev, &c, 1, &y));
            ok(clg_grad_n(clg_sum(c, CLG_ALL, false), wrt, 2, grads));
            ok(clg_plan_n(dev, grads, 2, &back));
            const uint64_t once = 2 * (uint64_t) clg_numel(c->shape) * (uint64_t) (8 / groups * 9);
            ck_assert_uint_eq(y.flops, once);
            ck_assert_uint_eq(back.flops, 2 * once);
        }
    }
    clg_scope_pop(scope);
}
END_TEST

START_TEST(rows_of_a_step)
{
    clg_device d = profiled();
    seen before = { 0 }, all = { 0 };
    clg_plan_info p;
    const clg_scope scope = clg_scope_push(d);
    clg_store store = clg_store_create(d, 1);
    clg_tensor x = random_leaf(d, CLG_SHAPE(N, IN));
    clg_optim o = NULL;
    ck_assert_int_ge(clg_device_profile(d, NULL, NULL), 0);
    for (int step = 0; step < 3; step++) {
        const clg_scope inner = clg_scope_push(d);
        clg_tensor h = clg_relu(clg_nn_linear(store, "fc1", x, clg_nn_linear_params(.out = HIDDEN))),
                   y = clg_nn_linear(store, "fc2", h, clg_nn_linear_params(.out = OUT));
        clg_tensor loss = clg_mean(clg_square(y), CLG_ALL, false);
        o = o ? o : clg_sgd_create(store, clg_sgd_params(.lr = 0.1));
        ck_assert_msg(clg_optim_step(o, loss) >= 0, "%s", clg_error(d, CLG_OK));
        if (step == 1)
            ck_assert_int_ge(clg_device_profile(d, note, &before), 0); // what came before
        if (step > 0)
            ck_assert_int_ge(clg_plan_n(d, &loss, 1, &p), 0);
        ck_assert_int_ge(clg_eval(loss), 0);
        clg_scope_pop(inner);
    }
    ck_assert_int_ge(clg_device_profile(d, note, &all), 0);
    ck_assert_int_gt(before.rows, 0);
    ck_assert_msg(all.products == 5, "%s", all.ops); // fc1: y, dw; fc2: y, dx, dw
    ck_assert_msg(all.of_fc1 >= 2, "%s", all.ops);
    ck_assert_uint_eq(all.launches, 2 * p.launches);
    ck_assert_double_eq(all.flops, 2 * (double) p.flops);
    ck_assert_double_eq(all.bytes, 2 * (double) p.bytes_moved);
    ck_assert_double_le(all.least, all.bytes);
    ck_assert_double_gt(all.seconds, 0);
    seen none = { 0 };
    ck_assert_int_ge(clg_device_profile(d, note, &none), 0);
    ck_assert_int_eq(none.rows, 0);
    clg_optim_destroy(&o);
    clg_store_destroy(&store);
    clg_scope_pop(scope);
    clg_device_close(&d);
}
END_TEST

// The name that stands when a node is recorded is its own, and its derivatives'; those of others, later, are not.
START_TEST(layers_of_derivatives)
{
    clg_device d = profiled();
    seen all = { 0 };
    const clg_scope scope = clg_scope_push(d);
    clg_tensor x = random_leaf(d, CLG_SHAPE(4, 5)), w = random_leaf(d, CLG_SHAPE(5, 6)), grad;
    clg_set_layer(d, "first");
    clg_tensor y = clg_matmul(x, w);
    clg_set_layer(d, "second");
    clg_tensor l = clg_sum(clg_square(y), CLG_ALL, false);
    clg_set_layer(d, "third");
    ck_assert_int_ge(clg_device_profile(d, NULL, NULL), 0);
    ck_assert_int_ge(clg_grad_n(l, &w, 1, &grad), 0);
    ck_assert_str_eq(clg_set_layer(d, NULL), "third");
    ck_assert_int_ge(clg_eval(grad), 0);
    ck_assert_int_ge(clg_device_profile(d, note, &all), 0);
    ck_assert_int_eq(all.products, 2);
    ck_assert_msg(!strstr(all.ops, "third"), "%s", all.ops);
    const char *one = strstr(all.ops, "'first'");
    ck_assert_msg(one && strstr(one + 1, "'first'"), "%s", all.ops);
    clg_scope_pop(scope);
    clg_device_close(&d);
}
END_TEST

START_TEST(without_it)
{
    ck_assert_int_eq(clg_device_profile(dev, note, NULL), CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, CLG_OK), ".profile"));
    clg_error_clear(dev);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("profile");
    TCase *c = tcase_create("profile");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, numbers_of_known_graphs);
    tcase_add_test(c, directions_multiply_as_often);
    tcase_add_test(c, rows_of_a_step);
    tcase_add_test(c, layers_of_derivatives);
    tcase_add_test(c, without_it);
    suite_add_tcase(s, c);
    return run_suite(s);
}
