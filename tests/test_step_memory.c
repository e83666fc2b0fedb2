// SPDX-License-Identifier: MIT
// Memory of training steps against the most that is alive at once, scratch of kernels included: planned on a
// recorder that knows what a device can do and has none.
#include "../tools/fashion.h"
#include "planned.h"
#include "sched/plan.h"

#include "checks.h"
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 64 };

static int step(clg_store s, clg_optim o, clg_tensor loss, clg_tensor *out)
{
    ck_assert_msg(clg_optim_step(o, loss) >= 0, "%s", clg_error(dev, 0));
    variables_are_made();
    out[0] = loss;
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    return 1;
}

static int demo(clg_tensor *out)
{
    clg_store s = clg_store_create(dev, 1);
    clg_tensor x = leaf(CLG_U8, CLG_SHAPE(64, 1, SIDE, SIDE)), y = leaf(CLG_U8, CLG_SHAPE(64));
    return step(s, clg_adam_create(s, NULL), clg_cross_entropy(network(s, x), y, NULL), out);
}

static clg_tensor conv_norm(clg_store s, const char *name, clg_tensor x, int channels, int kernel, int stride)
{
    char norm[80];
    snprintf(norm, sizeof norm, "%s.norm", name);
    x = clg_nn_conv2d(s, name, x, clg_nn_conv2d_params(.out = channels, .kernel = kernel, .stride = stride,
                                                       .padding = kernel / 2, .no_bias = true));
    return clg_nn_batch_norm2d(s, norm, x, NULL);
}

static int resnet18_step(clg_tensor *out)
{
    clg_store s = clg_store_create(dev, 1);
    clg_tensor x = leaf(CLG_F32, CLG_SHAPE(8, 3, 224, 224)), y = leaf(CLG_I64, CLG_SHAPE(8));
    char name[60];
    x = clg_max_pool2d(clg_relu(conv_norm(s, "stem", x, 64, 7, 2)),
                       clg_pool2d_params(.kernel = 3, .stride = 2, .padding = 1));
    for (int k = 0; k < 8; k++) {
        const int channels = 64 << (k / 2), stride = k > 0 && k % 2 == 0 ? 2 : 1;
        snprintf(name, sizeof name, "block%da", k);
        clg_tensor t = clg_relu(conv_norm(s, name, x, channels, 3, stride));
        snprintf(name, sizeof name, "block%db", k);
        t = conv_norm(s, name, t, channels, 3, 1);
        snprintf(name, sizeof name, "block%dc", k);
        x = clg_relu(clg_add(t, stride > 1 ? conv_norm(s, name, x, channels, 1, 2) : x));
    }
    x = clg_nn_linear(s, "out", clg_mean(x, CLG_AXES(2, 3), false), clg_nn_linear_params(.out = 1000));
    return step(s, clg_sgd_create(s, clg_sgd_params(.lr = 0.1, .momentum = 0.9)), clg_cross_entropy(x, y, NULL), out);
}

static int with_gradients(clg_tensor y, const clg_tensor *w, int n, clg_tensor *out)
{
    out[0] = clg_mean(clg_mul(y, y), CLG_ALL, false);
    ck_assert_int_ge(clg_grad_n(out[0], w, n, out + 1), 0);
    return n + 1;
}

static int lstm_of(int steps, clg_tensor *out)
{
    enum { B = 32, H = 128 };
    clg_tensor xs = leaf(CLG_F32, CLG_SHAPE(steps, B, H)), h = leaf(CLG_F32, CLG_SHAPE(B, H)), c = h, gate[4];
    clg_tensor w[2] = { weight(CLG_SHAPE(2 * H, 4 * H)), weight(CLG_SHAPE(4 * H)) };
    for (int t = 0; t < steps; t++) {
        clg_tensor x = clg_reshape(clg_slice(xs, 0, t, t + 1, 1), CLG_SHAPE(B, H));
        clg_tensor z = clg_add(clg_matmul(clg_concat(1, x, h), w[0]), w[1]);
        for (int k = 0; k < 4; k++)
            gate[k] = clg_slice(z, 1, k * H, (k + 1) * H, 1);
        c = clg_add(clg_mul(clg_sigmoid(gate[1]), c), clg_mul(clg_sigmoid(gate[0]), clg_tanh(gate[2])));
        h = clg_mul(clg_sigmoid(gate[3]), clg_tanh(c));
    }
    return with_gradients(h, w, 2, out);
}

static int lstm(clg_tensor *out)
{
    return lstm_of(32, out);
}

static int long_lstm(clg_tensor *out)
{
    return lstm_of(200, out);
}

enum { BATCH = 8, TIME = 64, WIDTH = 128, HEADS = 4, BLOCKS = 4 };

static clg_tensor heads(clg_tensor x, clg_tensor w)
{
    return clg_transpose(clg_reshape(clg_matmul(x, w), CLG_SHAPE(BATCH, TIME, HEADS, WIDTH / HEADS)), 1, 2);
}

static clg_tensor normed(clg_tensor x)
{
    clg_tensor d = clg_sub(x, clg_mean(x, CLG_AXES(-1), true));
    return clg_mul(d, clg_rsqrt(clg_add_scalar(clg_mean(clg_mul(d, d), CLG_AXES(-1), true), 1e-5)));
}

static int attention(clg_tensor *out)
{
    clg_tensor x = leaf(CLG_F32, CLG_SHAPE(BATCH, TIME, WIDTH)), mask = leaf(CLG_F32, CLG_SHAPE(TIME, TIME));
    clg_tensor all[6 * BLOCKS];
    for (int b = 0; b < BLOCKS; b++) {
        clg_tensor *w = all + 6 * b;
        for (int k = 0; k < 6; k++)
            w[k] = weight(CLG_SHAPE(k == 5 ? 4 * WIDTH : WIDTH, k == 4 ? 4 * WIDTH : WIDTH));
        clg_tensor n = normed(x), q = heads(n, w[0]), k = heads(n, w[1]), v = heads(n, w[2]);
        clg_tensor a = clg_softmax(clg_add(clg_mul_scalar(clg_matmul(q, clg_transpose(k, 2, 3)), 0.2), mask), -1);
        clg_tensor y = clg_reshape(clg_transpose(clg_matmul(a, v), 1, 2), CLG_SHAPE(BATCH, TIME, WIDTH));
        x = clg_add(x, clg_matmul(y, w[3]));
        x = clg_add(x, clg_matmul(clg_gelu(clg_matmul(normed(x), w[4])), w[5]));
    }
    return with_gradients(x, all, 6 * BLOCKS, out);
}

static const struct {
    const char *name;
    int (*record)(clg_tensor *out);
} steps[] = { { "demo", demo }, { "ResNet-18", resnet18_step }, { "LSTM of 32", lstm }, { "LSTM of 200", long_lstm },
              { "attention", attention } };
enum { STEPS = sizeof steps / sizeof steps[0] };

static clg_plan_info planned(int k, bool cpu, int align, uint64_t most)
{
    clg__err err = { 0 };
    clg_tensor out[MOST];
    clg_plan_info p;
    begin(cpu, align);
    caps.max_alloc_bytes = most;
    const int n = steps[k].record(out);
    clg__work w = { .dev = dev, .err = &err, .fuse = true };
    w.outputs = malloc((size_t) (n + dev->n_pending) * sizeof *w.outputs);
    for (int i = 0; i < n; i++) {
        ck_assert_msg(out[i]->status >= 0, "%s", clg_tensor_error(out[i]));
        w.outputs[w.n_outputs++] = clg__node_of(out[i]);
    }
    for (int i = 0; i < dev->n_pending; i++)
        w.outputs[w.n_outputs++] = dev->pending[i].value;
    ck_assert_msg(clg__work_collect(&w) && clg__plan_estimate(&w, &p), "%s", err.text);
    clg__work_free(&w);
    free(w.outputs);
    clg__recorder_free(dev);
    return p;
}

START_TEST(steps_are_near_the_bound)
{
    const bool cpu = _i % 2;
    for (int align = 128; align <= 512; align *= 4) {
        const clg_plan_info p = planned(_i / 2, cpu, align, (uint64_t) 2 << 30);
        printf("%-12s %s, aligned to %d: %llu launches, %.2f MB, %.4f of the bound\n", steps[_i / 2].name,
               cpu ? "cpu" : "gpu", align, (unsigned long long) p.launches, 1e-6 * (double) p.bytes_peak,
               (double) p.bytes_peak / (double) p.bytes_live);
        ck_assert_msg((double) p.bytes_peak <= 1.05 * (double) p.bytes_live, "%s: %llu bytes for %llu alive",
                      steps[_i / 2].name, (unsigned long long) p.bytes_peak, (unsigned long long) p.bytes_live);
        ck_assert_uint_ge(p.bytes_peak, p.bytes_live);
    }
}
END_TEST

// A device whose largest buffer is small takes several, and says when one tensor is larger than that.
START_TEST(small_buffers_take_little_more)
{
    const clg_plan_info p = planned(1, true, 128, 64 << 20), whole = planned(1, true, 128, (uint64_t) 2 << 30);
    ck_assert_uint_eq(p.bytes_live, whole.bytes_live);
    ck_assert_msg((double) p.bytes_peak <= 1.25 * (double) p.bytes_live, "%llu bytes for %llu alive",
                  (unsigned long long) p.bytes_peak, (unsigned long long) p.bytes_live);
}
END_TEST

int main(void)
{
    setlocale(LC_ALL, "");
    Suite *s = suite_create("step_memory");
    TCase *c = tcase_create("steps");
    tcase_set_timeout(c, 0);
    tcase_add_loop_test(c, steps_are_near_the_bound, 0, 2 * STEPS);
    tcase_add_test(c, small_buffers_take_little_more);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
