// SPDX-License-Identifier: MIT
// Mixed precision: which operations autocast converts, loss scaling that skips steps on the device, training in
// BF16 and F16, and batches that are divided.
#include "scratch.h"
#include "testing.h"

#include <unistd.h>

static char folder[] = "/tmp/clgrad_amp_XXXXXX";

static const clg_autocast off;

START_TEST(inputs_are_converted)
{
    static const clg_dtype low[] = { CLG_BF16, CLG_F16 };
    for (int i = 0; i < 2; i++) {
        clg_scope scope = clg_scope_push(dev);
        clg_tensor x = clg_ones(dev, CLG_F32, CLG_SHAPE(4, 3)), w = clg_track(clg_full(dev, CLG_F32, CLG_SHAPE(3, 5), 0.3));
        clg_tensor wide = clg_ones(dev, CLG_F64, CLG_SHAPE(3, 5)), image = clg_ones(dev, CLG_F32, CLG_SHAPE(1, 2, 4, 4));
        const clg_autocast old = clg_autocast_set(dev, (clg_autocast) { true, low[i] });
        ck_assert(!old.on);
        clg_tensor y = clg_matmul(x, w), s = clg_softmax(y, 1), c = clg_conv2d(image, clg_ones(dev, CLG_F32, CLG_SHAPE(3, 2, 3, 3)), clg_ones(dev, CLG_F32, CLG_SHAPE(3)), NULL);
        ck_assert_int_eq(y->dtype, low[i]);
        clg_tensor q = clg_ones(dev, CLG_F32, CLG_SHAPE(1, 1, 4, 8));
        ck_assert_int_eq(clg_scaled_dot_product_attention(q, q, clg_cast(q, low[i]), NULL)->dtype, low[i]);
        ck_assert_int_eq(c->dtype, low[i]);
        ck_assert_int_eq(clg_relu(y)->dtype, low[i]);
        ck_assert_int_eq(clg_add(y, y)->dtype, low[i]);
        ck_assert_int_eq(clg_add(y, clg_ones(dev, CLG_F32, CLG_SHAPE(5)))->dtype, CLG_F32);
        ck_assert_int_eq(clg_concat(0, y, clg_ones(dev, CLG_F32, CLG_SHAPE(1, 5)))->dtype, CLG_F32);
        ck_assert_int_eq(s->dtype, CLG_F32);
        ck_assert_int_eq(clg_exp(y)->dtype, CLG_F32);
        ck_assert_int_eq(clg_pow_scalar(y, 0.3)->dtype, CLG_F32);
        ck_assert_int_eq(clg_sum(y, CLG_ALL, false)->dtype, CLG_F32);
        ck_assert_int_eq(clg_mse_loss(y, y, CLG_REDUCE_MEAN)->dtype, CLG_F32);
        ck_assert_int_eq(clg_layer_norm(y, CLG_SHAPE(5), NULL, NULL, NULL)->dtype, CLG_F32);
        if (wide->status >= 0 && clg_device_get_info(dev)->fp64)
            ck_assert_int_eq(clg_matmul(clg_cast(x, CLG_F64), wide)->dtype, CLG_F64);
        ck_assert_ptr_eq(clg_autocast_input("relu", y), y);
        ck_assert_ptr_eq(clg_autocast_input("no such", x), x);
        ck_assert_int_eq(clg_autocast_input("matmul", x)->dtype, low[i]);
        // the gradient is recorded in the types of the operations, and arrives in the weight's
        clg_tensor g = clg_grad(clg_mean(s, CLG_ALL, false), w);
        ck_assert_int_eq(g->dtype, CLG_F32);
        if (in_turn(i, 4))
            ok(clg_eval(g, c));
        const clg_autocast inner = clg_autocast_set(dev, off);
        ck_assert(inner.on && inner.type == low[i]);
        ck_assert_int_eq(clg_matmul(x, w)->dtype, CLG_F32);
        clg_autocast_set(dev, inner);
        ck_assert_int_eq(clg_matmul(x, w)->dtype, low[i]);
        ck_assert(clg_autocast_set(dev, (clg_autocast) { true, CLG_I32 }).on);
        ck_assert_int_eq(clg_error_status(dev), CLG_EDTYPE);
        clg_error_clear(dev);
        clg_autocast_set(dev, old);
        clg_scope_pop(scope);
    }
    clg_autocast_policy p;
    int rows = 0, lows = 0;
    for (; clg_autocast_row(rows, &p); rows++)
        lows += p == CLG_AUTOCAST_LOW;
    ck_assert_int_gt(rows, 40);
    ck_assert_int_gt(lows, 6);
    ck_assert_ptr_null(clg_autocast_row(-1, NULL));
}
END_TEST

// ---- loss scaling

static double item(clg_store s, const char *name)
{
    clg_scope scope = clg_scope_push(dev);
    const clg_var v = clg_store_find(s, name);
    ck_assert_msg(v != NULL, "no %s", name);
    const double x = clg_item(clg_slice(clg_reshape(clg_var_value(v), CLG_SHAPE(-1)), 0, 0, 1, 1), NULL);
    clg_scope_pop(scope);
    return x;
}

// The gradient of every element is slope, also an infinite one.
static void scaled_step(clg_store s, clg_optim o, double slope)
{
    clg_scope scope = clg_scope_push(dev);
    clg_tensor w = clg_var_value(clg_store_param(s, "w", CLG_SHAPE(20), (clg_init) { CLG_INIT_CONSTANT, 1, 0 }, 0)), *g;
    int n;
    ok(clg_optim_grads(o, clg_sum(clg_mul(w, clg_scalar(dev, CLG_F32, slope)), CLG_ALL, false), &g, &n));
    clg_clip_grad_value(g, n, 1e3); // hides no infinity
    ok(clg_optim_apply(o, g, n));
    ok(clg_eval_assigned(dev));
    clg_scope_pop(scope);
}

START_TEST(steps_that_overflow_change_nothing)
{
    static const char *const all[] = { "w", "optim.m.w", "optim.v.w", "optim.step" };
    const double slope[] = { 1, INFINITY, 2, 3, 1, NAN, 1, 2, 1e35, 1, 1, 2, 1e36 };
    char path[200];
    snprintf(path, sizeof path, "%s/scaler.safetensors", folder);
    clg_store s = clg_store_create(dev, 1), plain = clg_store_create(dev, 1);
    clg_optim o = clg_adam_create(s, clg_adam_params(.lr = 0.1)), p = clg_adam_create(plain, clg_adam_params(.lr = 0.1));
    ok(clg_optim_scale(o, clg_scaler_params(.interval = 3)));
    clg_scope scope = clg_scope_push(dev);
    ck_assert_double_eq(clg_item(clg_optim_loss_scale(o), NULL), 65536);
    ck_assert_double_eq(clg_item(clg_optim_loss_scale(p), NULL), 1);
    clg_scope_pop(scope);
    double scale = 65536;
    int good = 0;
    for (int k = 0; k < 13; k++) {
        double before[4] = { 0 };
        const bool fine = isfinite((float) slope[k] * (float) scale);
        for (int i = 0; i < 4 && k > 0; i++)
            before[i] = item(s, all[i]);
        scaled_step(s, o, slope[k]);
        if (fine)
            scaled_step(plain, p, slope[k]);
        for (int i = 0; i < 4; i++) {
            if (!fine)
                ck_assert_double_eq(item(s, all[i]), before[i]);
            ck_assert_double_eq(item(s, all[i]), item(plain, all[i]));
        }
        good = fine ? good + 1 : 0;
        scale *= !fine ? 0.5 : good == 3 ? 2 : 1;
        good = good == 3 ? 0 : good;
        ck_assert_double_eq(item(s, "optim.scale"), scale);
        ck_assert_double_eq(item(s, "optim.good_steps"), good);
        if (k == 6) { // goes on from a file
            ok(clg_store_save(s, path, NULL));
            clg_optim_destroy(&o);
            clg_store_destroy(&s);
            s = clg_store_create(dev, 1);
            o = clg_adam_create(s, clg_adam_params(.lr = 0.1));
            ok(clg_optim_scale(o, clg_scaler_params(.interval = 3)));
            ok(clg_store_load(s, path));
        }
    }
    const struct clg_scaler_params *wrong[] = { clg_scaler_params(.init = -1), clg_scaler_params(.growth = 0.5), clg_scaler_params(.backoff = 2),
                                                clg_scaler_params(.interval = -1), clg_scaler_params(.init = NAN) };
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(clg_optim_scale(o, wrong[i]), CLG_EINVAL);
    clg_error_clear(dev);
    clg_optim_destroy(&o);
    clg_optim_destroy(&p);
    clg_store_destroy(&s);
    clg_store_destroy(&plain);
}
END_TEST

// ---- training

enum { IMAGES = 32, SIDE = 8, CLASSES = 4 };

static clg_tensor network(clg_store s, clg_tensor x)
{
    clg_tensor h = clg_relu(clg_nn_conv2d(s, "c", x, clg_nn_conv2d_params(.out = 16, .kernel = 3, .padding = 1)));
    h = clg_max_pool2d(h, clg_pool_params(.kernel = 2));
    return clg_nn_linear(s, "l", clg_flatten(h, 1, -1), clg_nn_linear_params(.out = CLASSES));
}

// Mean loss of the last steps.
static double train(clg_dtype t, const float *images, const int64_t *labels)
{
    double last = 0;
    clg_store s = clg_store_create(dev, 3);
    clg_optim o = clg_adam_create(s, clg_adam_params(.lr = 3e-3));
    if (t == CLG_F16)
        ok(clg_optim_scale(o, NULL));
    for (int k = 0; k < 30; k++) {
        clg_scope scope = clg_scope_push(dev);
        const clg_autocast old = clg_autocast_set(dev, (clg_autocast) { t != CLG_F32, t });
        clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(IMAGES, 1, SIDE, SIDE), images);
        clg_tensor loss = clg_cross_entropy(network(s, x), clg_upload(dev, CLG_I64, CLG_SHAPE(IMAGES), labels), NULL);
        clg_autocast_set(dev, old);
        ck_assert_int_eq(loss->dtype, CLG_F32);
        ok(clg_optim_step(o, loss));
        ok(clg_eval_assigned(dev));
        if (k >= 25)
            last += clg_item(loss, NULL) / 5;
        clg_scope_pop(scope);
    }
    ck_assert_int_eq(clg_var_value(clg_store_find(s, "l.weight"))->dtype, CLG_F32);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    return last;
}

// The loss is that of F32 within 2 % in F16, 5 % in BF16, plus 0.01.
START_TEST(training_in_few_bits)
{
    if (!in_turn(0, 2) && !in_turn(1, 4))
        return;
    float images[IMAGES * SIDE * SIDE];
    int64_t labels[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % CLASSES;
        for (int k = 0; k < SIDE * SIDE; k++)
            images[i * SIDE * SIDE + k] = (float) (0.7 * rnd() + (k / SIDE / 2 == labels[i] ? 1 : 0));
    }
    const double full = train(CLG_F32, images, labels);
    ck_assert_double_lt(full, 0.5);
    for (int i = 0; i < 2; i++) {
        if (!in_turn(i, 2))
            continue;
        const double low = train(i ? CLG_F16 : CLG_BF16, images, labels);
        ck_assert_msg(fabs(low - full) <= (i ? 0.02 : 0.05) * full + 0.01, "%s: %g, in f32 %g", i ? "f16" : "bf16", low, full);
    }
}
END_TEST

// ---- batches that are divided

// One step of w x over 24 rows in `parts` parts; mean: each loss is a mean
static double *divided(int parts, bool mean, const float *x, clg_dtype t, bool scaled)
{
    clg_store s = clg_store_create(dev, 1);
    clg_scope scope = clg_scope_push(dev);
    clg_var v = clg_var_create(clg_full(dev, t, CLG_SHAPE(6), 0.5));
    clg_scope_pop(scope);
    ok(clg_store_put(s, "w", v));
    clg_optim o = clg_sgd_create(s, clg_sgd_params(.lr = 0.125));
    if (scaled)
        ok(clg_optim_scale(o, NULL));
    size_t most = 0;
    for (int round = 0; round < 2; round++) {
        const int rows = 24 / parts;
        for (int k = 0; k < parts; k++) {
            scope = clg_scope_push(dev);
            clg_tensor part = clg_cast(clg_upload(dev, CLG_F32, CLG_SHAPE(rows, 6), x + k * rows * 6), t);
            clg_tensor y = clg_square(clg_mul(part, clg_var_value(v)));
            ok(clg_optim_accumulate(o, mean ? clg_mean(y, CLG_ALL, false) : clg_sum(y, CLG_ALL, false), mean ? 1. / parts : 1));
            ok(clg_eval_assigned(dev));
            clg_scope_pop(scope);
            const clg_device_stats now = clg_device_get_stats(dev);
            if (k == 1)
                most = now.bytes_used;
            if (k > 1)
                ck_assert_uint_le(now.bytes_used, most);
        }
        clg_tensor *g;
        int n;
        scope = clg_scope_push(dev);
        ok(clg_optim_accumulated(o, &g, &n));
        ck_assert_int_eq(n, 1);
        ok(clg_optim_apply(o, g, n));
        ok(clg_eval_assigned(dev));
        clg_scope_pop(scope);
    }
    ck_assert_int_eq(clg_optim_accumulated(o, NULL, NULL), CLG_EINVAL);
    clg_error_clear(dev);
    scope = clg_scope_push(dev);
    double *out = read_all(clg_var_value(v));
    clg_scope_pop(scope);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    clg_var_destroy(&v);
    return out;
}

START_TEST(parts_make_the_batch)
{
    float x[24 * 6];
    for (int i = 0; i < 24 * 6; i++)
        x[i] = (float) rnd() / 4;
    for (int mean = 0; mean < 2; mean++) {
        if (!in_turn(mean, 2))
            continue;
        double *whole = divided(1, mean, x, CLG_F32, false);
        for (int i = 0; i < 3; i++) {
            static const struct { int parts; clg_dtype t; bool scaled; double bound; } rows[] = {
                { 4, CLG_F32, false, 1e-6 }, { 24, CLG_F32, true, 1e-6 }, { 8, CLG_BF16, false, 1e-2 },
            };
            if (i != 1 && !in_turn(i, 4))
                continue;
            double *got = divided(rows[i].parts, mean, x, rows[i].t, rows[i].scaled);
            for (int k = 0; k < 6; k++)
                ck_assert_msg(fabs(got[k] - whole[k]) <= rows[i].bound, "%d parts: %.9g, not %.9g", rows[i].parts, got[k], whole[k]);
            free(got);
        }
        free(whole);
    }
}
END_TEST

int main(void)
{
    if (!scratch_made(folder))
        return 77;
    Suite *s = suite_create("amp");
    TCase *c = tcase_create("precision");
    tcase_add_test(c, inputs_are_converted);
    tcase_add_test(c, steps_that_overflow_change_nothing);
    tcase_add_test(c, training_in_few_bits);
    tcase_add_test(c, parts_make_the_batch);
    suite_add_tcase(s, c);
    return run_suite(s);
}
