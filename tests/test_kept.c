// SPDX-License-Identifier: MIT
// What plans keep of variables from run to run: fewer launches while a variable is the same, and never a stale value.
#include "testing.h"

enum { C = 32, SIDE = 12, RUNS = 5, WIDE = 1024, ROWS = 300 };

typedef struct model {
    clg_device d;
    clg_var conv, strided, linear;
    clg_tensor x; // pictures
} model;

static float weights[3][WIDE * WIDE], pictures[4 * C * SIDE * SIDE], rows[ROWS * WIDE];

static clg_var variable(clg_device d, clg_shape s, const float *host)
{
    const clg_scope scope = clg_scope_push(d);
    clg_var v = clg_var_create(clg_upload(d, CLG_F32, s, host));
    ck_assert_ptr_nonnull(v);
    clg_scope_pop(scope);
    return v;
}

static void begin(model *m, clg_device d)
{
    m->d = d;
    m->conv = variable(d, CLG_SHAPE(C, C, 3, 3), weights[0]);
    m->strided = variable(d, CLG_SHAPE(2 * C, C, 3, 3), weights[1]);
    m->linear = variable(d, CLG_SHAPE(WIDE, WIDE), weights[2]);
}

static void end(model *m)
{
    clg_var_destroy(&m->conv);
    clg_var_destroy(&m->strided);
    clg_var_destroy(&m->linear);
}

// n pictures from picture `from` on, and the product of rows; the bits of both.
static void results(const model *m, int n, int from, float *conv, float *product)
{
    const clg_scope scope = clg_scope_push(m->d);
    clg_tensor all = clg_upload(m->d, CLG_F32, CLG_SHAPE(4, C, SIDE, SIDE), pictures);
    clg_tensor x = clg_slice(all, 0, from, from + n, 1);
    clg_tensor h = clg_relu(clg_conv2d(x, clg_var_value(m->conv), NULL, clg_conv_params(.padding = 1)));
    clg_tensor y = clg_conv2d(h, clg_var_value(m->strided), NULL, clg_conv_params(.padding = 1, .stride = 2));
    clg_tensor z = clg_matmul(clg_transpose(clg_var_value(m->linear), 0, 1),
                              clg_upload(m->d, CLG_F32, CLG_SHAPE(WIDE, ROWS), rows));
    ck_assert_msg(clg_eval(y, z) >= 0, "%s", clg_error(m->d, CLG_OK));
    ck_assert_int_ge(clg_read(y, conv, (size_t) clg_numel(y->shape) * 4), 0);
    ck_assert_int_ge(clg_read(z, product, (size_t) clg_numel(z->shape) * 4), 0);
    clg_scope_pop(scope);
}

typedef struct bits {
    float conv[4 * 2 * C * SIDE / 2 * SIDE / 2], product[ROWS * WIDE];
} bits;

static bits *of_run(const model *m, int n, int from)
{
    bits *b = calloc(1, sizeof *b);
    ck_assert_ptr_nonnull(b);
    results(m, n, from, b->conv, b->product);
    return b;
}

// As a device that has never run anything with other weights has them.
static void as_afresh(const bits *got, int n, int from, const char *what)
{
    model m;
    clg_device d = NULL;
    ck_assert_int_ge(clg_device_open(&d, NULL), 0);
    begin(&m, d);
    bits *want = of_run(&m, n, from);
    ck_assert_msg(memcmp(got, want, sizeof *got) == 0, "%s: other bits", what);
    free(want);
    end(&m);
    clg_device_close(&d);
}

static void set(clg_device d, clg_var v, float *host, int n)
{
    const clg_scope scope = clg_scope_push(d);
    fill(host, n);
    const clg_shape s = clg_var_value(v)->shape;
    ck_assert_int_ge(clg_var_assign(v, clg_upload(d, CLG_F32, s, host)), 0);
    clg_scope_pop(scope);
}

static uint64_t launches_of(const model *m, int n, int from)
{
    const uint64_t before = clg_device_get_stats(m->d).launches;
    free(of_run(m, n, from));
    return clg_device_get_stats(m->d).launches - before;
}

static void fresh_data(model *m)
{
    fill(pictures, sizeof pictures / 4);
    fill(rows, sizeof rows / 4);
    for (int i = 0; i < 3; i++)
        fill(weights[i], WIDE * WIDE);
    begin(m, dev);
}

static void run_and_compare(const model *m, int n, int from, const char *what)
{
    bits *b = of_run(m, n, from);
    as_afresh(b, n, from, what);
    free(b);
}

START_TEST(kept_while_it_is_the_same)
{
    model m;
    fresh_data(&m);
    const uint64_t first = launches_of(&m, 2, 0);
    launches_of(&m, 2, 0);
    launches_of(&m, 2, 0);
    const uint64_t later = launches_of(&m, 2, 0);
    ck_assert_uint_eq(later + 4, first); // weights of two convolutions, one of them transformed, and of a product
    ck_assert_uint_eq(launches_of(&m, 2, 1), later); // of other pictures
    run_and_compare(&m, 2, 1, "kept");
    end(&m);
}
END_TEST

START_TEST(made_again_for_another_value)
{
    model m;
    fresh_data(&m);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            run_and_compare(&m, 2, i % 3, "several runs");
            run_and_compare(&m, 1, i, "another plan of the same weights");
        }
        set(dev, round == 0 ? m.conv : round == 1 ? m.strided : m.linear, weights[round],
            round == 2 ? WIDE * WIDE : (1 + round) * C * C * 9);
        run_and_compare(&m, 2, 0, "after an assignment");
    }
    for (int i = 0; i < 4; i++) { // another one each time, as in training
        set(dev, m.conv, weights[0], C * C * 9);
        run_and_compare(&m, 2, 0, "assigned each time");
    }
    end(&m);
}
END_TEST

// Of a tensor that is no variable nothing is kept: it may be gone with its scope.
START_TEST(not_of_other_tensors)
{
    uint64_t n[RUNS];
    const clg_scope scope = clg_scope_push(dev);
    clg_tensor w = upload(CLG_SHAPE(C, C, 3, 3), weights[0]), x = upload(CLG_SHAPE(2, C, SIDE, SIDE), pictures);
    for (int i = 0; i < RUNS; i++) {
        const uint64_t before = clg_device_get_stats(dev).launches;
        const clg_scope inner = clg_scope_push(dev);
        ok(clg_eval(clg_conv2d(x, w, NULL, clg_conv_params(.padding = 1))));
        clg_scope_pop(inner);
        n[i] = clg_device_get_stats(dev).launches - before;
    }
    for (int i = 1; i < RUNS; i++)
        ck_assert_uint_eq(n[i], n[0]);
    clg_scope_pop(scope);
}
END_TEST

// A part of a variable that starts elsewhere in each run, in one plan.
START_TEST(parts_that_move)
{
    static float host[4 * C * C * 9], one[2][2 * C * SIDE * SIDE];
    fill(host, 4 * C * C * 9);
    clg_var v = variable(dev, CLG_SHAPE(4 * C, C, 3, 3), host);
    const clg_scope scope = clg_scope_push(dev);
    clg_tensor x = upload(CLG_SHAPE(2, C, SIDE, SIDE), pictures);
    for (int i = 0; i < 12; i++) {
        const int part = i < 4 ? 0 : i % 3;
        const clg_scope inner = clg_scope_push(dev);
        clg_tensor w = clg_slice(clg_var_value(v), 0, part * C, (part + 1) * C, 1);
        clg_tensor copy = clg_upload(dev, CLG_F32, CLG_SHAPE(C, C, 3, 3), host + part * C * C * 9);
        ok(clg_read(clg_conv2d(x, w, NULL, clg_conv_params(.padding = 1)), one[0], sizeof one[0]));
        ok(clg_read(clg_conv2d(x, copy, NULL, clg_conv_params(.padding = 1)), one[1], sizeof one[1]));
        ck_assert_msg(memcmp(one[0], one[1], sizeof one[0]) == 0, "run %d, part %d", i, part);
        clg_scope_pop(inner);
    }
    clg_scope_pop(scope);
    clg_var_destroy(&v);
}
END_TEST

START_TEST(memory_comes_back)
{
    model m;
    fresh_data(&m);
    launches_of(&m, 2, 0);
    clg_device_trim(dev);
    const uint64_t before = clg_device_get_stats(dev).bytes_used;
    for (int i = 0; i < RUNS; i++)
        launches_of(&m, 2, 0);
    ck_assert_uint_gt(clg_device_get_stats(dev).bytes_used, before);
    set(dev, m.conv, weights[0], C * C * 9);
    set(dev, m.strided, weights[1], 2 * C * C * 9);
    set(dev, m.linear, weights[2], WIDE * WIDE);
    launches_of(&m, 2, 0);
    clg_device_trim(dev);
    ck_assert_uint_eq(clg_device_get_stats(dev).bytes_used, before);
    for (int i = 0; i < RUNS; i++)
        launches_of(&m, 2, 0);
    clg_device_trim(dev); // a plan goes with what it keeps
    ck_assert_uint_eq(clg_device_get_stats(dev).bytes_used, before);
    end(&m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kept");
    TCase *c = tcase_create("kept");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, kept_while_it_is_the_same);
    tcase_add_test(c, made_again_for_another_value);
    tcase_add_test(c, not_of_other_tensors);
    tcase_add_test(c, parts_that_move);
    tcase_add_test(c, memory_comes_back);
    suite_add_tcase(s, c);
    return run_suite(s);
}
