// SPDX-License-Identifier: MIT
// Numbers in params structs: zero, negative, huge, NaN and infinite ones in every field. What a caller gave
// is used or refused with its value in the message, never replaced; where 0 is a default, a flag makes it 0.
#include "testing.h"

#include <stddef.h>

// ---- what calls the function of a struct

static clg_tensor image(void)
{
    return clg_ones(dev, CLG_F32, CLG_SHAPE(2, 2, 6, 6));
}

static clg_store store(void)
{
    return clg_store_create(dev, 1);
}

static clg_status done(clg_tensor t)
{
    return t->status < 0 ? t->status : clg_eval(t);
}

static clg_status run_conv(const void *p)
{
    return done(clg_conv2d(image(), clg_ones(dev, CLG_F32, CLG_SHAPE(2, 2, 3, 3)), NULL, p));
}

static clg_status run_transposed(const void *p)
{
    return done(clg_conv_transpose2d(image(), clg_ones(dev, CLG_F32, CLG_SHAPE(2, 2, 3, 3)), NULL, p));
}

static clg_status run_max(const void *p)
{
    return done(clg_max_pool2d(image(), p));
}

static clg_status run_avg(const void *p)
{
    return done(clg_avg_pool2d(image(), p));
}

static clg_status run_entropy(const void *p)
{
    return done(clg_cross_entropy(clg_ones(dev, CLG_F32, CLG_SHAPE(2, 3)), clg_ones(dev, CLG_I64, CLG_SHAPE(2)), p));
}

static clg_status run_nll(const void *p)
{
    return done(clg_nll_loss(clg_ones(dev, CLG_F32, CLG_SHAPE(2, 3)), clg_ones(dev, CLG_I64, CLG_SHAPE(2)), p));
}

static clg_status run_optimizer(clg_optim (*create)(clg_store s, const void *p), const void *p)
{
    clg_store s = store();
    clg_var w = clg_store_param(s, "w", CLG_SHAPE(2), (clg_init) { 0 }, 1);
    clg_optim o = create(s, p);
    clg_status st = o ? clg_optim_step(o, clg_sum(clg_var_value(w), CLG_ALL, false)) : clg_error_status(dev);
    st = st < 0 ? st : clg_eval_assigned(dev);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    return st;
}

static clg_optim make_sgd(clg_store s, const void *p)
{
    return clg_sgd_create(s, p);
}

static clg_optim make_adam(clg_store s, const void *p)
{
    return clg_adam_create(s, p);
}

static clg_optim make_adamw(clg_store s, const void *p)
{
    return clg_adamw_create(s, p);
}

static clg_status run_sgd(const void *p)
{
    return run_optimizer(make_sgd, p);
}

static clg_status run_adam(const void *p)
{
    return run_optimizer(make_adam, p);
}

static clg_status run_adamw(const void *p)
{
    return run_optimizer(make_adamw, p);
}

static clg_tensor square(const clg_tensor *x, int n, void *user)
{
    (void) n;
    (void) user;
    return clg_square(x[0]);
}

static clg_status run_check(const void *p)
{
    clg_tensor x = clg_ones(dev, CLG_F32, CLG_SHAPE(1));
    return clg_grad_check(square, NULL, &x, 1, p);
}

static clg_status run_layer(int kind, const void *p)
{
    clg_store s = store();
    const int before = clg_store_count(s);
    const clg_status st = done(kind == 0   ? clg_nn_conv2d(s, "layer", image(), p)
                               : kind == 1 ? clg_nn_linear(s, "layer", image(), p)
                                           : clg_nn_batch_norm2d(s, "layer", image(), p));
    ck_assert(st >= 0 || clg_store_count(s) == before);
    clg_store_destroy(&s);
    return st;
}

static clg_status run_nn_conv(const void *p)
{
    return run_layer(0, p);
}

static clg_status run_nn_linear(const void *p)
{
    return run_layer(1, p);
}

// ---- every numeric field

// One letter each for 0, -7, huge (INT_MAX, 1e300), NaN, infinite: Accepted, Refused, - for not tried.
typedef struct row {
    const char *what, *field;
    clg_status (*run)(const void *params);
    const void *base;
    size_t bytes, offset;
    char type; // i: int, or an enum; q: int64_t; d: double
    const char *verdict;
} row;

static const struct clg_conv_params conv = { .size = sizeof conv };
static const struct clg_pool_params pool = { .size = sizeof pool, .kernel = 2 };
static const struct clg_cross_entropy_params entropy = { .size = sizeof entropy, .use_ignore_index = true };
static const struct clg_nll_loss_params nll = { .size = sizeof nll, .use_ignore_index = true };
static const struct clg_sgd_params sgd = { .size = sizeof sgd, .lr = 0.1, .momentum = 0.9 };
static const struct clg_adam_params adam = { .size = sizeof adam };
static const struct clg_grad_check_params check = { .size = sizeof check };
static const struct clg_nn_conv2d_params nn_conv = { .size = sizeof nn_conv, .out = 2, .kernel = 3 };
static const struct clg_nn_linear_params nn_linear = { .size = sizeof nn_linear, .out = 3 };
static const struct clg_nn_linear_params uniform = { .size = sizeof uniform, .out = 3,
                                                     .init = { CLG_INIT_UNIFORM, -8, 8 } };
static const struct clg_nn_linear_params normal = { .size = sizeof normal, .out = 3, .init = { CLG_INIT_NORMAL, 0, 1 } };

#define ROW(base, run, type, field, verdict)                                                                       \
    { #run, #field, run, &base, sizeof base, offsetof(__typeof__(base), field), type, verdict }

static const row rows[] = {
    ROW(conv, run_conv, 'i', stride, "ARA"), ROW(conv, run_conv, 'i', padding, "ARR"),
    ROW(conv, run_conv, 'i', dilation, "ARR"), ROW(conv, run_conv, 'i', groups, "ARR"),
    ROW(conv, run_conv, 'i', padding_end, "ARR"), ROW(conv, run_conv, 'i', output_padding, "ARR"),
    ROW(conv, run_conv, 'i', stride_h, "ARA"), ROW(conv, run_conv, 'i', padding_h, "ARR"),
    ROW(conv, run_conv, 'i', dilation_h, "ARR"), ROW(conv, run_conv, 'i', padding_end_h, "ARR"),
    ROW(conv, run_conv, 'i', output_padding_h, "ARR"), ROW(conv, run_conv, 'i', stride_w, "ARA"),
    ROW(conv, run_conv, 'i', padding_w, "ARR"), ROW(conv, run_conv, 'i', dilation_w, "ARR"),
    ROW(conv, run_conv, 'i', padding_end_w, "ARR"), ROW(conv, run_conv, 'i', output_padding_w, "ARR"),
    ROW(conv, run_conv, 'i', stride_d, "ARR"), ROW(conv, run_conv, 'i', padding_d, "ARR"),
    ROW(conv, run_conv, 'i', dilation_d, "ARR"), ROW(conv, run_conv, 'i', padding_end_d, "ARR"),
    ROW(conv, run_conv, 'i', output_padding_d, "ARR"), ROW(conv, run_transposed, 'i', stride, "ARR"),
    ROW(conv, run_transposed, 'i', padding, "ARR"), ROW(conv, run_transposed, 'i', dilation, "ARR"),
    ROW(conv, run_transposed, 'i', padding_end, "ARR"), ROW(conv, run_transposed, 'i', output_padding, "ARR"),
    ROW(pool, run_max, 'i', kernel, "RRR"), ROW(pool, run_max, 'i', stride, "ARA"),
    ROW(pool, run_max, 'i', padding, "ARR"), ROW(pool, run_max, 'i', dilation, "ARR"),
    ROW(pool, run_max, 'i', padding_end, "ARR"), ROW(pool, run_max, 'i', kernel_h, "ARR"),
    ROW(pool, run_max, 'i', stride_h, "ARA"), ROW(pool, run_max, 'i', padding_h, "ARR"),
    ROW(pool, run_max, 'i', dilation_h, "ARR"), ROW(pool, run_max, 'i', padding_end_h, "ARR"),
    ROW(pool, run_max, 'i', kernel_w, "ARR"), ROW(pool, run_max, 'i', stride_w, "ARA"),
    ROW(pool, run_max, 'i', padding_w, "ARR"), ROW(pool, run_max, 'i', dilation_w, "ARR"),
    ROW(pool, run_max, 'i', padding_end_w, "ARR"), ROW(pool, run_max, 'i', kernel_d, "ARR"),
    ROW(pool, run_max, 'i', stride_d, "ARR"), ROW(pool, run_max, 'i', padding_d, "ARR"),
    ROW(pool, run_max, 'i', dilation_d, "ARR"), ROW(pool, run_max, 'i', padding_end_d, "ARR"),
    ROW(pool, run_max, 'i', divisor, "ARR"), ROW(pool, run_avg, 'i', kernel, "RRR"),
    ROW(pool, run_avg, 'i', stride, "ARA"), ROW(pool, run_avg, 'i', padding, "ARR"),
    ROW(pool, run_avg, 'i', dilation, "ARR"), ROW(pool, run_avg, 'i', padding_end, "ARR"),
    ROW(pool, run_avg, 'i', kernel_h, "ARR"), ROW(pool, run_avg, 'i', stride_h, "ARA"),
    ROW(pool, run_avg, 'i', padding_h, "ARR"), ROW(pool, run_avg, 'i', dilation_h, "ARR"),
    ROW(pool, run_avg, 'i', padding_end_h, "ARR"), ROW(pool, run_avg, 'i', kernel_w, "ARR"),
    ROW(pool, run_avg, 'i', stride_w, "ARA"), ROW(pool, run_avg, 'i', padding_w, "ARR"),
    ROW(pool, run_avg, 'i', dilation_w, "ARR"), ROW(pool, run_avg, 'i', padding_end_w, "ARR"),
    ROW(pool, run_avg, 'i', kernel_d, "ARR"), ROW(pool, run_avg, 'i', stride_d, "ARR"),
    ROW(pool, run_avg, 'i', padding_d, "ARR"), ROW(pool, run_avg, 'i', dilation_d, "ARR"),
    ROW(pool, run_avg, 'i', padding_end_d, "ARR"), ROW(pool, run_avg, 'i', divisor, "AAA"),
    ROW(entropy, run_entropy, 'i', reduction, "ARR"), ROW(entropy, run_entropy, 'd', label_smoothing, "ARRRR"),
    ROW(entropy, run_entropy, 'q', ignore_index, "AAA"),
    ROW(nll, run_nll, 'i', reduction, "ARR"), ROW(nll, run_nll, 'q', ignore_index, "AAA"),
    ROW(sgd, run_sgd, 'd', lr, "ARARR"), ROW(sgd, run_sgd, 'd', momentum, "ARARR"),
    ROW(sgd, run_sgd, 'd', dampening, "AAARR"), ROW(sgd, run_sgd, 'd', weight_decay, "ARARR"),
    ROW(adam, run_adam, 'd', lr, "ARARR"), ROW(adam, run_adam, 'd', beta1, "ARRRR"),
    ROW(adam, run_adam, 'd', beta2, "ARRRR"), ROW(adam, run_adam, 'd', eps, "ARARR"),
    ROW(adam, run_adam, 'd', weight_decay, "ARARR"), ROW(adam, run_adamw, 'd', weight_decay, "ARARR"),
    ROW(check, run_check, 'd', step, "AR-RR"), ROW(check, run_check, 'd', tolerance, "ARARR"),
    ROW(nn_conv, run_nn_conv, 'i', out, "RRR"), ROW(nn_conv, run_nn_conv, 'i', kernel, "RRR"),
    ROW(nn_conv, run_nn_conv, 'i', stride, "ARA"), ROW(nn_conv, run_nn_conv, 'i', padding, "ARR"),
    ROW(nn_conv, run_nn_conv, 'i', dilation, "ARR"), ROW(nn_conv, run_nn_conv, 'i', groups, "ARR"),
    ROW(nn_conv, run_nn_conv, 'i', init.kind, "ARR"),
    ROW(nn_linear, run_nn_linear, 'i', out, "RRR"), ROW(nn_linear, run_nn_linear, 'i', init.kind, "ARR"),
    ROW(uniform, run_nn_linear, 'd', init.a, "AARRR"), ROW(uniform, run_nn_linear, 'd', init.b, "AARRR"),
    ROW(normal, run_nn_linear, 'd', init.a, "AAAAA"), ROW(normal, run_nn_linear, 'd', init.b, "ARARA"),
};

static void try_number(const row *r, int k, double value)
{
    static max_align_t storage[32];
    char *bytes = (char *) storage, text[64];
    ck_assert_uint_le(r->bytes, sizeof storage);
    memcpy(bytes, r->base, r->bytes);
    if (r->type == 'd')
        memcpy(bytes + r->offset, &value, sizeof value);
    else if (r->type == 'q')
        memcpy(bytes + r->offset, &(int64_t) { (int64_t) value }, sizeof(int64_t));
    else
        memcpy(bytes + r->offset, &(int) { (int) value }, sizeof(int));
    clg_scope s = clg_scope_push(dev);
    const clg_status st = r->run(bytes);
    const char *error = clg_error(dev, st);
    snprintf(text, sizeof text, r->type == 'd' ? "%g" : "%.0f", value);
    if (r->verdict[k] == 'A')
        ck_assert_msg(st >= 0, "%s %s = %s: %s", r->what, r->field, text, error);
    else
        ck_assert_msg((st == CLG_EINVAL || st == CLG_ESHAPE) &&
                          (strstr(error, text) || (isnan(value) && strstr(error, "nan")) || k == 2),
                      "%s %s = %s: status %d, %s", r->what, r->field, text, st, error);
    clg_error_clear(dev);
    clg_scope_pop(s);
}

START_TEST(numbers_are_used_or_refused)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const double huge = rows[i].type == 'd' ? 1e300 : INT32_MAX, all[] = { 0, -7, huge, NAN, INFINITY };
        for (int k = 0; rows[i].verdict[k]; k++) {
            if (rows[i].verdict[k] != '-')
                try_number(&rows[i], k, all[k]);
        }
    }
}
END_TEST

// ---- zero as a choice

static float after_step(const struct clg_adam_params *p)
{
    float w[2];
    clg_store s = store();
    clg_scope sc = clg_scope_push(dev);
    clg_var v = clg_store_param(s, "w", CLG_SHAPE(2), (clg_init) { CLG_INIT_CONSTANT, 1, 0 }, 1);
    clg_optim o = clg_adamw_create(s, p);
    ck_assert_msg(o != NULL, "%s", clg_error(dev, CLG_OK));
    for (int k = 0; k < 2; k++) { // gradients 2, then 4
        ok(clg_optim_step(o, clg_mul_scalar(clg_sum(clg_var_value(v), CLG_ALL, false), 2 + 2 * k)));
        ok(clg_eval_assigned(dev));
    }
    ok(clg_read(clg_var_value(v), w, sizeof w));
    clg_optim_destroy(&o);
    clg_scope_pop(sc);
    clg_store_destroy(&s);
    return w[0];
}

START_TEST(flags_make_a_real_zero)
{
    const double m1 = 2, m2 = 4, v1 = 4, v2 = 0.001 * 16 + 0.999 * 0.001 * 4, c2 = 1 - 0.999 * 0.999;
    ck_assert_float_eq(after_step(clg_adam_params(.no_lr = true)), 1);
    // without a first moment the gradient itself is scaled
    ck_assert_double_eq_tol(after_step(clg_adam_params(.lr = 0.1, .no_beta1 = true, .no_decay = true)),
                            1 - 0.1 * m1 / sqrt(v1) - 0.1 * m2 / sqrt(v2 / c2), 1e-6);
    // without either each step is of the sign, and exactly so without eps
    ck_assert_double_eq_tol(after_step(clg_adam_params(.lr = 0.25, .no_beta1 = true, .no_beta2 = true, .no_eps = true,
                                                       .no_decay = true)), 0.5, 1e-6);
    ck_assert_double_eq_tol(after_step(clg_adam_params(.lr = 0.25, .no_beta1 = true, .no_beta2 = true, .eps = 2,
                                                       .no_decay = true)), 1 - 0.25 * (2.0 / 4 + 4.0 / 6), 1e-6);
    clg_store s = store();
    const struct clg_adam_params *both[] = {
        clg_adam_params(.lr = 1, .no_lr = true), clg_adam_params(.beta1 = 0.5, .no_beta1 = true),
        clg_adam_params(.beta2 = 0.5, .no_beta2 = true), clg_adam_params(.eps = 1, .no_eps = true),
        clg_adam_params(.weight_decay = 1, .no_decay = true),
    };
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_null(clg_adamw_create(s, both[i]));
        ck_assert_ptr_nonnull(strstr(clg_error(dev, CLG_OK), "a flag says"));
        clg_error_clear(dev);
    }
    ck_assert_ptr_null(clg_sgd_create(s, clg_sgd_params(.lr = 1, .nesterov = true)));
    ck_assert_ptr_nonnull(strstr(clg_error(dev, CLG_OK), "nesterov"));
    clg_error_clear(dev);
    clg_store_destroy(&s);
}
END_TEST

START_TEST(random_numbers_have_a_range)
{
    clg_scope s = clg_scope_push(dev);
    const clg_shape n = CLG_SHAPE(4);
    const double inf = INFINITY;
    clg_tensor bad[] = {
        clg_uniform(dev, CLG_F32, n, 2, 1), clg_uniform(dev, CLG_F32, n, 0, NAN), clg_uniform(dev, CLG_F32, n, 0, inf),
        clg_uniform(dev, CLG_F32, n, -1e308, 1e308), clg_normal(dev, CLG_F32, n, 0, -1), clg_normal(dev, CLG_F32, n, 0, NAN),
        clg_bernoulli(dev, CLG_F32, n, -0.5), clg_bernoulli(dev, CLG_F32, n, 1.5), clg_bernoulli(dev, CLG_F32, n, NAN),
        clg_dropout(image(), -0.5), clg_dropout(image(), 1.5), clg_dropout(image(), NAN),
        clg_mse_loss(image(), image(), (clg_reduction) 3), clg_mse_loss(image(), image(), (clg_reduction) -1),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(bad[i]->status == CLG_EINVAL, "%zu: status %d", i, bad[i]->status);
    clg_error_clear(dev);
    float x[4];
    ok(clg_read(clg_uniform(dev, CLG_F32, n, 3, 3), x, sizeof x));
    ck_assert(x[0] == 3 && x[3] == 3);
    ok(clg_read(clg_normal(dev, CLG_F32, n, -2, 0), x, sizeof x));
    ck_assert(x[0] == -2 && x[3] == -2);
    ok(clg_read(clg_dropout(clg_ones(dev, CLG_F32, n), 1), x, sizeof x));
    ck_assert(x[0] == 0 && x[3] == 0);
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("params");
    TCase *c = tcase_create("params");
    tcase_add_test(c, numbers_are_used_or_refused);
    tcase_add_test(c, flags_make_a_real_zero);
    tcase_add_test(c, random_numbers_have_a_range);
    suite_add_tcase(s, c);
    return run_suite(s);
}
