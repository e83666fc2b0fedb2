// SPDX-License-Identifier: MIT
// Memory of temporaries: one arena for all plans, which stays from step to step, grows, shrinks, is split where
// buffers are small, is counted, and is not shared by threads that enqueue at once.
#include "device/internal.h"
#include "graph/node.h"

#include "testing.h"

#include <pthread.h>

static clg_device fresh(void)
{
    clg_device d = NULL;
    char error[1100];
    ck_assert_msg(clg_device_open(&d, clg_device_params(.error = error, .error_size = sizeof error)) >= 0, "%s", error);
    return d;
}

static clg_tensor noise(clg_device d, int n, uint64_t seed)
{
    clg_manual_seed(d, seed);
    clg_tensor x = clg_uniform(d, CLG_F32, CLG_SHAPE(n, n), -1, 1);
    ck_assert_int_ge(clg_eval(x), 0);
    return x;
}

// Temporaries of n x n: products of products, with scratch of their own, and a row of sums.
static clg_tensor work(clg_tensor x, int depth)
{
    clg_tensor y = x, sum = NULL;
    for (int i = 0; i < depth; i++) {
        y = clg_tanh(clg_matmul(y, clg_transpose(x, 0, 1)));
        clg_tensor s = clg_softmax(y, 1);
        sum = sum ? clg_add(clg_matmul(sum, s), y) : s;
    }
    return clg_sum(sum, CLG_AXES(1), false);
}

static void run(clg_device d, int n, int depth, uint64_t seed, float *out)
{
    clg_scope s = clg_scope_push(d);
    clg_tensor y = work(noise(d, n, seed), depth);
    ck_assert_msg(clg_read(y, out, (size_t) n * 4) >= 0, "%s", clg_error(d, 0));
    clg_scope_pop(s);
}

static double held(clg_device d)
{
    const clg_device_stats st = clg_device_get_stats(d);
    return 1e-6 * (double) (st.bytes_used + st.bytes_pooled);
}

START_TEST(a_replay_takes_from_the_pool_its_results_alone)
{
    clg_device d = fresh();
    clg_scope s = clg_scope_push(d);
    clg_tensor x = noise(d, 48, 3);
    clg_device_stats first = { 0 }, last;
    for (int i = 0; i < 40; i++) {
        clg_scope inner = clg_scope_push(d);
        ck_assert_int_ge(clg_eval(work(x, 3)), 0);
        clg_scope_pop(inner);
        if (i == 9)
            first = clg_device_get_stats(d);
    }
    last = clg_device_get_stats(d);
    ck_assert_uint_eq(last.allocations, first.allocations);
    ck_assert_uint_eq(last.pool_hits, first.pool_hits + 30);
    ck_assert_uint_eq(last.bytes_used, first.bytes_used);
    ck_assert_uint_eq(last.bytes_pooled, first.bytes_pooled);
    clg_scope_pop(s);
    clg_device_close(&d);
}
END_TEST

START_TEST(plans_of_any_size_take_turns)
{
    enum { SIZES = 5 };
    static const int size[SIZES] = { 16, 90, 40, 110, 70 };
    static float alone[SIZES][130], together[130];
    for (int k = 0; k < SIZES; k++) {
        clg_device d = fresh();
        run(d, size[k], 2 + k % 2, 7, alone[k]);
        clg_device_close(&d);
    }
    clg_device d = fresh();
    for (int i = 0; i < 28; i++) {
        const int k = (i * 3 + i / 7) % SIZES;
        run(d, size[k], 2 + k % 2, 7, together);
        ck_assert_msg(memcmp(together, alone[k], (size_t) size[k] * 4) == 0, "run %d, size %d", i, size[k]);
        if (i % 13 == 12)
            clg_device_trim(d);
    }
    clg_device_close(&d);
}
END_TEST

// Used counts what a plan needs; a small one leaves the rest to the pool.
START_TEST(the_peak_has_scratch_in_it)
{
    clg_device d = fresh();
    clg_scope s = clg_scope_push(d);
    clg_tensor x = noise(d, 300, 3), y = work(x, 3);
    clg_plan_info info;
    ck_assert_int_ge(clg_plan_n(d, &y, 1, &info), 0);
    ck_assert_uint_le(info.bytes_peak, info.bytes_live + info.bytes_live / 20);
    ck_assert_uint_gt(info.bytes_live, 3 * 300 * 300 * 4);
    const uint64_t before = clg_device_get_stats(d).bytes_used;
    ck_assert_int_ge(clg_eval(y), 0);
    const clg_device_stats st = clg_device_get_stats(d);
    ck_assert_uint_ge(st.bytes_peak - before, info.bytes_peak);
    ck_assert_uint_le(st.bytes_peak - before, info.bytes_peak + 4096); // of the result's class
    ck_assert_uint_le(st.bytes_used - before, 300 * 4 * 2 + 1024); // and the numbers of its kernels
    clg_scope_pop(s);
    clg_device_close(&d);
}
END_TEST

START_TEST(it_shrinks_when_it_is_not_used)
{
    static float out[800];
    clg_device d = fresh();
    run(d, 800, 1, 3, out);
    const double large = held(d);
    ck_assert_double_gt(large, 5);
    for (int i = 0; i < 40; i++)
        run(d, 20, 2, 3, out);
    ck_assert_msg(held(d) <= large / 2, "%.2f MB of %.2f are held", held(d), large);
    for (int i = 0; i < 280; i++) { // no temporaries at all
        clg_scope s = clg_scope_push(d);
        ck_assert_int_ge(clg_eval(clg_exp(clg_ones(d, CLG_F32, CLG_SHAPE(10)))), 0);
        clg_scope_pop(s);
    }
    ck_assert_msg(held(d) <= 0.2, "%.2f MB are held", held(d));
    run(d, 20, 2, 3, out);
    ck_assert_double_gt(held(d), 0);
    clg_device_trim(d);
    ck_assert_double_eq(held(d), 0);
    clg_device_close(&d);
}
END_TEST

// As on a device whose largest buffer holds two of the temporaries: the same bits, in several arenas.
START_TEST(small_buffers_make_several_arenas)
{
    enum { N = 120 };
    static float one[N], several[N];
    clg_device d = fresh();
    run(d, N, 4, 3, one);
    clg_device_close(&d);
    d = fresh();
    clg_scope s = clg_scope_push(d);
    clg_tensor x = noise(d, N, 3);
    ((clg__gpu *) d->gpu)->caps.max_alloc_bytes = (uint64_t) N * N * 4 * 5 / 2;
    for (int i = 0; i < 3; i++) {
        clg_scope inner = clg_scope_push(d);
        ck_assert_msg(clg_read(work(x, 4), several, sizeof several) >= 0, "%s", clg_error(d, 0));
        ck_assert_mem_eq(one, several, sizeof one);
        clg_scope_pop(inner);
    }
    ck_assert_uint_ge(clg_device_get_stats(d).buffers_pooled, 3);
    ((clg__gpu *) d->gpu)->caps.max_alloc_bytes = N * N * 4 - 4;
    ck_assert_int_eq(clg_eval(work(clg_add(x, x), 2)), CLG_ENOMEM);
    ck_assert_msg(strstr(clg_error(d, 0), "larger than the device allows"), "%s", clg_error(d, 0));
    clg_error_clear(d);
    clg_scope_pop(s);
    clg_device_close(&d);
}
END_TEST

// No memory below the cap: an error, and the plan runs when there is.
START_TEST(a_cap_that_is_too_small_harms_nothing)
{
    static float out[300], again[300];
    clg_device d = NULL;
    ck_assert_int_ge(clg_device_open(&d, clg_device_params(.memory_cap = 3 << 20)), 0);
    clg_scope s = clg_scope_push(d);
    clg_tensor x = noise(d, 300, 3), y = work(x, 3);
    clg_scope inner = clg_scope_push(d);
    ck_assert_int_ge(clg_eval(clg_full(d, CLG_F32, CLG_SHAPE(400000), 1)), 0);
    ck_assert_int_eq(clg_eval(y), CLG_ENOMEM);
    ck_assert_msg(strstr(clg_error(d, 0), "over the cap"), "%s", clg_error(d, 0));
    clg_error_clear(d);
    clg_scope_pop(inner);
    clg_device_trim(d);
    ck_assert_msg(clg_read(y, out, sizeof out) >= 0, "%s", clg_error(d, 0));
    clg_scope_pop(s);
    clg_device_close(&d);
    d = fresh();
    run(d, 300, 3, 3, again);
    ck_assert_mem_eq(out, again, sizeof out);
    clg_device_close(&d);
}
END_TEST

typedef struct worker {
    clg_device d;
    int n;
    bool ok;
    const float *want;
} worker;

static void *loop(void *p)
{
    worker *w = p;
    float out[200];
    w->ok = true;
    for (int i = 0; i < 20 && w->ok; i++) {
        clg_scope s = clg_scope_push(w->d);
        clg_manual_seed(w->d, 5);
        clg_tensor x = clg_uniform(w->d, CLG_F32, CLG_SHAPE(w->n, w->n), -1, 1);
        w->ok = clg_eval(x) >= 0 && clg_read(work(x, 3), out, (size_t) w->n * 4) >= 0 &&
                memcmp(out, w->want, (size_t) w->n * 4) == 0;
        clg_scope_pop(s);
    }
    return NULL;
}

START_TEST(threads_have_an_arena_each)
{
    enum { THREADS = 4 };
    static float want[THREADS][200];
    clg_device d = fresh();
    worker w[THREADS];
    pthread_t t[THREADS];
    for (int k = 0; k < THREADS; k++) {
        w[k] = (worker) { NULL, 20 + 20 * k, false, want[k] };
        run(d, w[k].n, 3, 5, want[k]);
        ck_assert_int_ge(clg_device_open(&w[k].d, clg_device_params(.share = d)), 0);
    }
    for (int k = 0; k < THREADS; k++)
        ck_assert_int_eq(pthread_create(&t[k], NULL, loop, &w[k]), 0);
    for (int k = 0; k < THREADS; k++) {
        pthread_join(t[k], NULL);
        ck_assert_msg(w[k].ok, "thread %d: %s", k, clg_error(w[k].d, 0));
        clg_device_close(&w[k].d);
    }
    clg_device_close(&d);
}
END_TEST

int main(void)
{
    // software that emulates a GPU would take minutes for products of megabytes
    const char *icd = getenv("OCL_ICD_VENDORS");
    const bool slow = icd && strstr(icd, "rusticl");
    Suite *s = suite_create("arena");
    TCase *c = tcase_create("arena");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, a_replay_takes_from_the_pool_its_results_alone);
    tcase_add_test(c, plans_of_any_size_take_turns);
    tcase_add_test(c, small_buffers_make_several_arenas);
    if (!slow) {
        tcase_add_test(c, the_peak_has_scratch_in_it);
        tcase_add_test(c, it_shrinks_when_it_is_not_used);
        tcase_add_test(c, a_cap_that_is_too_small_harms_nothing);
    }
    tcase_add_test(c, threads_have_an_arena_each);
    suite_add_tcase(s, c);
    return run_suite(s);
}
