// SPDX-License-Identifier: MIT
// Plans as text, after each pass, against the files of golden/plans: what is stored, what shares a kernel,
// what shares a launch. On a recorder that knows what a device can do and has none. After a change that is
// meant: CLGRAD_CODEGEN_WRITE=1 writes the files anew; read the difference before it is committed.
#include "../tools/fashion.h"
#include "planned.h"
#include "sched/planner.h"

#include "base/alloc.h"

#include "checks.h"
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the graphs: each writes its results to out, and returns how many

enum { MOST = 32 };

static int with_gradients(clg_tensor y, const clg_tensor *w, int n, clg_tensor *out)
{
    out[0] = clg_mean(clg_mul(y, y), CLG_ALL, false);
    ck_assert_int_ge(clg_grad_n(out[0], w, n, out + 1), 0);
    return n + 1;
}

static int linear(clg_tensor *out)
{
    clg_tensor x = leaf(CLG_F32, CLG_SHAPE(8, 16));
    clg_tensor w[2] = { weight(CLG_SHAPE(16, 10)), weight(CLG_SHAPE(10)) };
    out[0] = clg_mean(clg_relu(clg_add(clg_matmul(x, w[0]), w[1])), CLG_ALL, false);
    ck_assert_int_ge(clg_grad_n(out[0], w, 2, out + 1), 0);
    return 3;
}

// One step of the demo, as tools/loop.c sends it.
static int demo(clg_tensor *out)
{
    clg_store s = clg_store_create(dev, 1);
    clg_optim o = clg_adam_create(s, NULL);
    clg_tensor x = leaf(CLG_U8, CLG_SHAPE(64, 1, SIDE, SIDE)), y = leaf(CLG_U8, CLG_SHAPE(64));
    clg_tensor loss = clg_cross_entropy(network(s, x), y, NULL);
    ck_assert_msg(clg_optim_step(o, loss) >= 0, "%s", clg_error(dev, 0));
    variables_are_made();
    out[0] = loss;
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    return 1;
}

static int resnet_block(clg_tensor *out)
{
    enum { C = 16 };
    clg_tensor x = weight(CLG_SHAPE(4, C, 8, 8)), y = x, w[7];
    w[6] = x;
    for (int k = 0; k < 2; k++) {
        w[3 * k] = weight(CLG_SHAPE(C, C, 3, 3));
        w[3 * k + 1] = weight(CLG_SHAPE(C));
        w[3 * k + 2] = weight(CLG_SHAPE(C));
        y = clg_conv2d(y, w[3 * k], NULL, clg_conv2d_params(.padding = 1));
        y = clg_batch_norm(y, w[3 * k + 1], w[3 * k + 2], NULL, NULL, clg_batch_norm_params(.training = true));
        y = clg_relu(k ? clg_add(y, x) : y);
    }
    return with_gradients(y, w, 7, out);
}

// Convolutions of every kind: dense, depthwise, grouped, strided. None may fall to the kernel of the other class.
static int mobile_block(clg_tensor *out)
{
    clg_tensor x = weight(CLG_SHAPE(2, 8, 9, 9)), w[5] = {
        weight(CLG_SHAPE(16, 8, 1, 1)), weight(CLG_SHAPE(16, 1, 3, 3)), weight(CLG_SHAPE(16, 4, 3, 3)),
        weight(CLG_SHAPE(12, 16, 3, 3)), x
    };
    clg_tensor y = clg_relu(clg_conv2d(x, w[0], NULL, NULL));
    y = clg_relu(clg_conv2d(y, w[1], NULL, clg_conv_params(.groups = 16, .stride = 2, .padding = 1)));
    y = clg_relu(clg_conv2d(y, w[2], NULL, clg_conv_params(.groups = 4, .padding = 1)));
    y = clg_relu(clg_conv2d(y, w[3], NULL, clg_conv_params(.stride = 2)));
    return with_gradients(y, w, 5, out);
}

static clg_tensor heads(clg_tensor x, clg_tensor w)
{
    return clg_permute(clg_reshape(clg_matmul(x, w), CLG_SHAPE(2, 8, 4, 8)), CLG_AXES(0, 2, 1, 3));
}

static int attention(clg_tensor *out)
{
    enum { B = 2, T = 8, C = 32 };
    clg_tensor x = weight(CLG_SHAPE(B, T, C)), mask = leaf(CLG_F32, CLG_SHAPE(T, T)), w[5];
    for (int k = 0; k < 4; k++)
        w[k] = weight(CLG_SHAPE(C, C));
    w[4] = x;
    clg_tensor q = heads(x, w[0]), k = heads(x, w[1]), v = heads(x, w[2]);
    clg_tensor scores = clg_add(clg_mul_scalar(clg_matmul(q, clg_transpose(k, 2, 3)), 0.35), mask);
    clg_tensor y = clg_matmul(clg_softmax(scores, -1), v);
    y = clg_matmul(clg_reshape(clg_permute(y, CLG_AXES(0, 2, 1, 3)), CLG_SHAPE(B, T, C)), w[3]);
    return with_gradients(clg_add(y, x), w, 5, out);
}

static int lstm_cell(clg_tensor *out)
{
    enum { B = 4, H = 16 };
    clg_tensor x = leaf(CLG_F32, CLG_SHAPE(B, H)), h = leaf(CLG_F32, CLG_SHAPE(B, H)), c = leaf(CLG_F32, CLG_SHAPE(B, H));
    clg_tensor w[2] = { weight(CLG_SHAPE(2 * H, 4 * H)), weight(CLG_SHAPE(4 * H)) }, gate[4];
    clg_tensor z = clg_add(clg_matmul(clg_concat(1, x, h), w[0]), w[1]);
    for (int k = 0; k < 4; k++)
        gate[k] = clg_slice(z, 1, k * H, (k + 1) * H, 1);
    c = clg_add(clg_mul(clg_sigmoid(gate[1]), c), clg_mul(clg_sigmoid(gate[0]), clg_tanh(gate[2])));
    h = clg_mul(clg_sigmoid(gate[3]), clg_tanh(c));
    out[3] = c;
    return 1 + with_gradients(h, w, 2, out);
}

static const struct {
    const char *name;
    int (*record)(clg_tensor *out);
    bool gpu;
} cases[] = {
    { "linear", linear, false },       { "demo", demo, false },           { "resnet_block", resnet_block, false },
    { "attention", attention, false }, { "lstm_cell", lstm_cell, false }, { "attention", attention, true },
    { "resnet_block", resnet_block, true }, { "mobile_block", mobile_block, false },
};

// ---- comparison

static void check_file(const char *path, const char *text)
{
    const bool write = getenv("CLGRAD_CODEGEN_WRITE") != NULL;
    FILE *f = fopen(path, write ? "wb" : "rb");
    ck_assert_msg(f != NULL, "%s is missing: CLGRAD_CODEGEN_WRITE=1 writes it", path);
    if (write) {
        fputs(text, f);
        fclose(f);
        return;
    }
    char want[400];
    int line = 0;
    while (fgets(want, sizeof want, f)) {
        const size_t n = strlen(want);
        line++;
        ck_assert_msg(strncmp(want, text, n) == 0, "%s:%d: expected \"%.100s\", planned \"%.100s\"; if that is "
                      "meant, CLGRAD_CODEGEN_WRITE=1", path, line, want, text);
        text += n;
    }
    fclose(f);
    ck_assert_msg(*text == '\0', "%s ends after line %d, the plan goes on: \"%.100s\"", path, line, text);
}

START_TEST(plans_are_as_they_were)
{
    const char *folder = getenv("CLGRAD_CODEGEN");
    char path[1024];
    clg__err err = { 0 };
    clg__str text = { 0 };
    clg_tensor out[MOST];
    begin(!cases[_i].gpu, 128);
    const int n = cases[_i].record(out);
    clg__work w = { .dev = dev, .err = &err, .fuse = true };
    clg__planner f = { .w = &w, .passes = &text };
    w.outputs = malloc((size_t) (n + dev->n_pending) * sizeof *w.outputs);
    for (int i = 0; i < n; i++) {
        ck_assert_msg(out[i]->status >= 0, "%s", clg_tensor_error(out[i]));
        w.outputs[w.n_outputs++] = clg__node_of(out[i]);
    }
    for (int i = 0; i < dev->n_pending; i++)
        w.outputs[w.n_outputs++] = dev->pending[i].value;
    ck_assert_msg(clg__work_collect(&w) && clg__planner_begin(&f, NULL) && clg__planner_run(&f, CLG__PASS_MEMORY), "%s", err.text);
    snprintf(path, sizeof path, "%s/plans/%s.%s.txt", folder ? folder : "tests/golden", cases[_i].name,
             cases[_i].gpu ? "gpu" : "cpu");
    check_file(path, clg__str_text(&text));
    clg__str_free(&text);
    clg__plan *made = f.plan;
    clg__planner_end(&f);
    clg__plan_free(made);
    clg__work_free(&w);
    free(w.outputs);
    clg__recorder_free(dev);
}
END_TEST

// ---- what is not computed

// An expression, and how many operations of its plan are left: pointwise values that something reads.
static clg_tensor lit(double v)
{
    return clg__lit(dev, CLG_F32, v);
}

static clg_tensor x_of(clg_dtype t)
{
    return leaf(t, CLG_SHAPE(3, 4));
}

static clg_tensor casts(clg_tensor x, clg_dtype by, clg_dtype to)
{
    return clg_cast(clg_cast(x, by), to);
}

static clg_tensor settled(clg_dtype t)
{
    return clg_mul(x_of(t), x_of(t));
}

static clg_tensor twice_negative(clg_tensor x)
{
    return clg_neg(clg_neg(x));
}

static clg_tensor expression(int k)
{
    switch (k) {
    // casts: 1 operation of 2, or none
    case 0: return casts(x_of(CLG_I8), CLG_I32, CLG_I64);
    case 1: return casts(x_of(CLG_U8), CLG_F32, CLG_I16);
    case 2: return casts(x_of(CLG_F16), CLG_F32, CLG_F64);
    case 3: return casts(x_of(CLG_BF16), CLG_F32, CLG_I32);
    case 4: return casts(x_of(CLG_BOOL), CLG_F16, CLG_F32);
    case 5: return casts(x_of(CLG_I16), CLG_F32, CLG_I16);
    case 6: return casts(settled(CLG_F16), CLG_F32, CLG_F16);
    case 7: return clg_cast(casts(x_of(CLG_I8), CLG_I16, CLG_I32), CLG_I64);
    // what rounds, wraps or quiets a NaN stays
    case 8: return casts(x_of(CLG_F32), CLG_F16, CLG_F32);
    case 9: return casts(x_of(CLG_I32), CLG_F32, CLG_I32);
    case 10: return casts(x_of(CLG_I64), CLG_I32, CLG_I64);
    case 11: return casts(x_of(CLG_I8), CLG_U32, CLG_I64);
    case 12: return casts(x_of(CLG_F32), CLG_F64, CLG_F32);
    case 13: return casts(x_of(CLG_F16), CLG_BF16, CLG_F32);
    case 14: return casts(x_of(CLG_U16), CLG_F16, CLG_F32);
    case 15: return casts(x_of(CLG_I16), CLG_F16, CLG_I32);
    // numbers
    case 16: return clg_mul(settled(CLG_F32), lit(1));
    case 17: return clg_mul(lit(1), settled(CLG_F32));
    case 18: return clg_div(settled(CLG_F32), lit(1));
    case 19: return clg_sub(settled(CLG_F32), lit(0));
    case 20: return clg_add(settled(CLG_F32), lit(-0.0));
    case 21: return clg_mul(x_of(CLG_I32), clg__lit(dev, CLG_I32, 1));
    case 22: return clg_add(clg__lit(dev, CLG_U8, 0), x_of(CLG_U8));
    case 23: return twice_negative(settled(CLG_F32));
    case 24: return twice_negative(x_of(CLG_I64));
    // what could be another bit stays
    case 25: return clg_mul(x_of(CLG_F32), lit(1)); // a signalling NaN
    case 26: return clg_add(settled(CLG_F32), lit(0)); // -0
    case 27: return clg_sub(settled(CLG_F32), lit(-0.0));
    case 28: return clg_div(lit(1), settled(CLG_F32));
    case 29: return clg_sub(lit(0), settled(CLG_F32));
    case 30: return clg_mul_scalar(settled(CLG_F32), 1); // an argument
    case 31: return twice_negative(x_of(CLG_F32));
    case 32: return clg_mul(clg_relu(x_of(CLG_F32)), lit(1));
    // through views, and where a window adds what is not there
    case 33: return clg_mul(clg_transpose(settled(CLG_F32), 0, 1), lit(1));
    case 34: return twice_negative(clg_pad(settled(CLG_F32), CLG_SHAPE(1, 0), CLG_SHAPE(0, 1), 5));
    case 35: return clg_neg(clg_pad(clg_neg(settled(CLG_F32)), CLG_SHAPE(1, 0), CLG_SHAPE(0, 1), 5));
    default: return casts(clg_transpose(x_of(CLG_I8), 0, 1), CLG_I16, CLG_I64);
    }
}

static const int left[] = { 1, 1, 1, 1, 1, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 0, 0, 1, 0,
                            1, 2, 2, 2, 2, 2, 2, 2, 1, -1, -1, 1 };

// Read by a row of its own, so that the expression is no result.
START_TEST(what_changes_no_bit_is_not_computed)
{
    clg__err err = { 0 };
    clg__str text = { 0 };
    begin(true, 128);
    clg_tensor y = expression(_i);
    ck_assert_msg(y->status >= 0, "%s", clg_tensor_error(y));
    clg_tensor out = clg_eq(y, y);
    clg__node *node = clg__node_of(out);
    clg__work w = { .dev = dev, .err = &err, .fuse = true, .outputs = malloc(sizeof *w.outputs), .n_outputs = 1 };
    clg__planner f = { .w = &w, .passes = &text };
    w.outputs[0] = node;
    ck_assert_msg(clg__work_collect(&w) && clg__planner_begin(&f, NULL) && clg__planner_run(&f, CLG__PASS_SIMPLIFY), "%s",
                  err.text);
    int n = -1; // but the row
    for (int i = 0; i < w.n_values; i++)
        n += clg__is_pointwise(&w.values[i]) && !w.values[i].dead;
    ck_assert_msg(left[_i] < 0 ? n >= 2 : n == left[_i], "expression %d: %d operations are left, expected %d:\n%s", _i, n,
                  left[_i], clg__str_text(&text));
    clg__str_free(&text);
    clg__plan *made = f.plan;
    clg__planner_end(&f);
    clg__plan_free(made);
    clg__work_free(&w);
    free(w.outputs);
    clg__recorder_free(dev);
}
END_TEST

// ---- what is stored for several users

static clg_tensor used_twice(int k)
{
    clg_tensor a = x_of(CLG_F32), b = x_of(CLG_F32), c = x_of(CLG_F32), h = x_of(CLG_F16);
    switch (k) {
    case 0: return clg_add(a, b); // as much to read again as to store and read
    case 1: return clg_add(clg_add(a, b), c);
    case 2: return clg_gt(a, b); // a byte instead of eight
    case 3: return clg_cast(clg_add(a, b), CLG_F16);
    case 4: return clg_add(h, x_of(CLG_F16));
    case 5: return clg_cast(a, CLG_F16); // one load
    case 6: return clg_cast(clg_add(clg_add(a, b), c), CLG_F64); // less to read than to store
    default: return clg_le(a, c);
    }
}

static const bool is_stored[] = { false, true, true, true, false, false, false, true };

START_TEST(bytes_decide_what_is_stored)
{
    for (int gpu = 0; gpu < 2; gpu++) {
        clg__err err = { 0 };
        begin(!gpu, 128);
        clg_tensor v = used_twice(_i), x = v->dtype == CLG_F64 ? clg_neg(v) : clg_cast(v, CLG_F32);
        if (v->dtype == CLG_BOOL)
            x = clg_where(v, x_of(CLG_F32), x_of(CLG_F32));
        clg_tensor y = v->dtype == CLG_BOOL ? clg_where(v, x_of(CLG_F32), x_of(CLG_F32)) : v;
        clg_tensor out[2] = { clg_sum(x, CLG_AXES(0), false), clg_sum(y, CLG_AXES(1), false) };
        clg__work w = { .dev = dev, .err = &err, .fuse = true, .outputs = malloc(2 * sizeof *w.outputs), .n_outputs = 2 };
        clg__planner f = { .w = &w };
        for (int k = 0; k < 2; k++) {
            ck_assert_msg(out[k]->status >= 0, "%s", clg_tensor_error(out[k]));
            w.outputs[k] = clg__node_of(out[k]);
        }
        ck_assert_msg(clg__work_collect(&w) && clg__planner_begin(&f, NULL) && clg__planner_run(&f, CLG__PASS_DECIDE), "%s",
                      err.text);
        const clg__value *value = &w.values[w.at[clg__node_of(v)->index].value];
        ck_assert_int_eq(value->uses, 2);
        ck_assert_msg(value->stored == is_stored[_i], "expression %d is %s", _i, value->stored ? "stored" : "not stored");
        clg__plan *made = f.plan;
        clg__planner_end(&f);
        clg__plan_free(made);
        clg__work_free(&w);
        free(w.outputs);
        clg__recorder_free(dev);
    }
}
END_TEST

int main(void)
{
    setlocale(LC_ALL, "");
    Suite *s = suite_create("plans");
    TCase *c = tcase_create("text");
    tcase_add_loop_test(c, plans_are_as_they_were, 0, (int) (sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(c, what_changes_no_bit_is_not_computed, 0, (int) (sizeof left / sizeof left[0]));
    tcase_add_loop_test(c, bytes_decide_what_is_stored, 0, (int) (sizeof is_stored / sizeof is_stored[0]));
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
