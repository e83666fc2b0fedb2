// SPDX-License-Identifier: MIT
// Batches of ever other sizes: what they plan and compile, and that they give the bits of a device that saw no other
// size, whichever kernels stand in.
#include "testing.h"

enum { IN = 30, HIDDEN = 300, OUT = 10, MOST = 1000 };

typedef struct net {
    clg_device d;
    clg_store w;
    clg_optim o;
} net;

static float weights[2][HIDDEN * (IN + OUT)], biases[2][HIDDEN];

static void start(net *n)
{
    seed_state = 5;
    for (int i = 0; i < 2; i++) {
        fill(weights[i], HIDDEN * (IN + OUT));
        fill(biases[i], HIDDEN);
        for (int k = 0; k < HIDDEN * (IN + OUT); k++)
            weights[i][k] *= 0.1f;
    }
    ok(clg_device_open(&n->d, NULL));
    n->w = clg_store_create(n->d, 7);
    n->o = NULL;
}

static void finish(net *n)
{
    clg_optim_destroy(&n->o);
    clg_store_destroy(&n->w);
    clg_device_close(&n->d);
}

static clg_tensor output(net *n, clg_tensor x)
{
    x = clg_relu(clg_nn_linear(n->w, "a", x, clg_nn_linear_params(.out = HIDDEN)));
    return clg_nn_linear(n->w, "b", clg_tanh(x), clg_nn_linear_params(.out = OUT));
}

static clg_tensor input(net *n, int64_t batch, clg_tensor *labels)
{
    static float x[MOST * IN];
    static int64_t y[MOST];
    seed_state = 77 + (uint64_t) batch;
    fill(x, (size_t) (batch * IN));
    for (int64_t i = 0; i < batch; i++)
        y[i] = (i * 7 + batch) % OUT;
    if (labels)
        *labels = clg_upload(n->d, CLG_I64, CLG_SHAPE(batch), y);
    return clg_upload(n->d, CLG_F32, CLG_SHAPE(batch, IN), x);
}

// Weights are uploaded anew: inference has no variables, and its sums are made again in double.
static void infer(net *n, int64_t batch, float *to)
{
    clg_scope s = clg_scope_push(n->d);
    const clg_tensor w = clg_upload(n->d, CLG_F32, CLG_SHAPE(IN, HIDDEN), weights[0]),
                     v = clg_upload(n->d, CLG_F32, CLG_SHAPE(HIDDEN, OUT), weights[1]),
                     b = clg_upload(n->d, CLG_F32, CLG_SHAPE(HIDDEN), biases[0]),
                     c = clg_upload(n->d, CLG_F32, CLG_SHAPE(OUT), biases[1]);
    const clg_tensor h = clg_relu(clg_add(clg_matmul(input(n, batch, NULL), w), b));
    const clg_tensor y = clg_softmax(clg_add(clg_matmul(h, v), c), 1);
    ck_assert_msg(clg_read(y, to, (size_t) (batch * OUT) * sizeof *to) >= 0, "%s", clg_error(n->d, 0));
    clg_scope_pop(s);
}

static void compare_with_doubles(int64_t batch, const float *got)
{
    float x[IN];
    seed_state = 77 + (uint64_t) batch;
    for (int64_t r = 0; r < batch; r++) {
        double h[HIDDEN], want[OUT], sum = 0;
        fill(x, IN);
        for (int j = 0; j < HIDDEN; j++) {
            h[j] = (double) biases[0][j];
            for (int k = 0; k < IN; k++)
                h[j] += (double) x[k] * (double) weights[0][k * HIDDEN + j];
            h[j] = h[j] < 0 ? 0 : h[j];
        }
        for (int o = 0; o < OUT; o++) {
            want[o] = (double) biases[1][o];
            for (int j = 0; j < HIDDEN; j++)
                want[o] += h[j] * (double) weights[1][j * OUT + o];
            want[o] = exp(want[o]);
            sum += want[o];
        }
        for (int o = 0; o < OUT; o++)
            want[o] /= sum;
        same("softmax", got + r * OUT, want, OUT, 1e-4);
    }
}

static void train(net *n, int64_t batch, float *loss)
{
    clg_scope s = clg_scope_push(n->d);
    clg_tensor labels;
    const clg_tensor x = input(n, batch, &labels);
    const clg_tensor l = clg_cross_entropy(output(n, x), labels, NULL);
    if (!n->o)
        n->o = clg_sgd_create(n->w, clg_sgd_params(.lr = 0.1, .momentum = 0.9));
    ck_assert_msg(clg_optim_step(n->o, l) >= 0, "%s", clg_error(n->d, 0));
    ok(clg_read(l, loss, sizeof *loss));
    clg_scope_pop(s);
}

static uint64_t programs(const net *n)
{
    const clg_device_stats s = clg_device_get_stats(n->d);
    return s.programs_built + s.programs_cached;
}

static const int64_t sizes[] = { 128, 37, 1, 2, 3, 7, 16, 15, 127, 128, 129, 1000, 1, 96, 2 };
enum { SIZES = sizeof sizes / sizeof sizes[0], FEW = 5 };

static int n_sizes(void) // Mesa's compiler keeps nothing for the next device
{
    return on_pocl() ? SIZES : FEW;
}

// A batch of one takes the kernels of larger ones.
START_TEST(an_inference_of_another_size_compiles_little)
{
    TAKES_TURNS(2);
    net n;
    static float y[MOST * OUT], again[MOST * OUT];
    start(&n);
    infer(&n, 128, y);
    const uint64_t first = programs(&n);
    infer(&n, 1, y);
    infer(&n, 37, y);
    infer(&n, 96, y);
    infer(&n, 129, y);
    ck_assert_uint_eq(programs(&n), first);
    for (int i = 0; i < n_sizes(); i++)
        infer(&n, sizes[i], y);
    const clg_device_stats a = clg_device_get_stats(n.d);
    for (int i = 0; i < n_sizes(); i++) {
        net fresh;
        start(&fresh);
        infer(&n, sizes[i], y);
        infer(&fresh, sizes[i], again);
        ck_assert_msg(memcmp(y, again, (size_t) (sizes[i] * OUT) * sizeof *y) == 0, "a batch of %d has other bits",
                      (int) sizes[i]);
        compare_with_doubles(sizes[i], y);
        finish(&fresh);
    }
    const clg_device_stats b = clg_device_get_stats(n.d);
    ck_assert_uint_eq(a.plan_misses, b.plan_misses);
    ck_assert_uint_eq(a.programs_built + a.programs_cached, b.programs_built + b.programs_cached);
    finish(&n);
}
END_TEST

// What was compiled before does not change a bit of what is trained.
START_TEST(training_with_any_sizes_gives_the_same_bits)
{
    TAKES_TURNS(2);
    float loss[2][SIZES], ignored;
    for (int k = 0; k < 2; k++) {
        net n;
        start(&n);
        for (int i = n_sizes() - 1; i >= 0 && k; i--) { // of another store, so that the small sizes have their kernels first
            net before = { .d = n.d };
            before.w = clg_store_create(n.d, 8);
            train(&before, i % 2 ? sizes[i] : 1, &ignored);
            clg_optim_destroy(&before.o);
            clg_store_destroy(&before.w);
        }
        for (int i = 0; i < n_sizes(); i++)
            train(&n, sizes[i], &loss[k][i]);
        finish(&n);
    }
    for (int i = 0; i < n_sizes(); i++)
        ck_assert_msg(loss[0][i] == loss[1][i], "step %d, a batch of %d: %.9g, and after small ones %.9g", i,
                      (int) sizes[i], (double) loss[0][i], (double) loss[1][i]);
}
END_TEST

// A variant that stood in is replaced once the size stays.
START_TEST(a_size_that_stays_gets_its_own_kernels)
{
    TAKES_TURNS(2);
    net n;
    static float y[MOST * OUT], again[OUT];
    enum { MANY = 260 };
    start(&n);
    infer(&n, 128, y);
    infer(&n, 1, y);
    const clg_device_stats a = clg_device_get_stats(n.d);
    for (int i = 0; i < MANY; i++)
        infer(&n, 1, again);
    const clg_device_stats b = clg_device_get_stats(n.d);
    ck_assert_uint_le(b.plan_misses, a.plan_misses + 1);
    ck_assert_int_eq(memcmp(y, again, sizeof again), 0);
    for (int i = 0; i < MANY; i++)
        infer(&n, 1, again);
    ck_assert_uint_eq(clg_device_get_stats(n.d).plan_misses, b.plan_misses);
    ck_assert_int_eq(memcmp(y, again, sizeof again), 0);
    finish(&n);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sizes");
    TCase *c = tcase_create("sizes");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, an_inference_of_another_size_compiles_little);
    tcase_add_test(c, training_with_any_sizes_gives_the_same_bits);
    tcase_add_test(c, a_size_that_stays_gets_its_own_kernels);
    suite_add_tcase(s, c);
    return run_suite(s);
}
