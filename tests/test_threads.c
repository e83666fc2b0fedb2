// SPDX-License-Identifier: MIT
// Several recorders, each with its thread, over one device: its queue, buffers, programs and plans are
// shared. Run under ThreadSanitizer too.
#include "testing.h"

#include <pthread.h>

enum { N = 3 };

typedef struct job {
    clg_device d;
    int number;
    double result;
    char error[200];
} job;

static bool failed(job *j, clg_status st)
{
    if (st < 0)
        snprintf(j->error, sizeof j->error, "%s", clg_error(j->d, st));
    return st < 0;
}

static void run_all(void *(*work)(void *), job *j, bool shared)
{
    pthread_t t[N];
    for (int i = 0; i < N; i++) {
        j[i] = (job) { .number = i };
        ok(clg_device_open(&j[i].d, clg_device_params(.share = shared ? dev : NULL)));
    }
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, work, &j[i]), 0);
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < N; i++) {
        clg_device_close(&j[i].d);
        ck_assert_msg(j[i].error[0] == '\0', "thread %d: %s", i, j[i].error);
    }
}

// The same graphs in every thread: plans and programs are found or made at the same time.
static void *assignments(void *arg)
{
    job *j = arg;
    clg_scope s = clg_scope_push(j->d);
    clg_var v = clg_var_create(clg_zeros(j->d, CLG_F32, CLG_SHAPE(1000)));
    for (int i = 0; i < 60; i++) {
        clg_scope inner = clg_scope_push(j->d);
        clg_tensor x = clg_full(j->d, CLG_F32, CLG_SHAPE(1000), i);
        if (failed(j, clg_var_assign(v, clg_add(clg_var_value(v), x))) ||
            (i % 3 == 0 && failed(j, clg_eval_assigned(j->d))))
            break;
        if (i == 30)
            clg_device_trim(j->d);
        clg_scope_pop(inner);
    }
    clg_status st;
    j->result = clg_item(clg_mean(clg_var_value(v), CLG_ALL, false), &st);
    failed(j, st);
    clg_var_destroy(&v);
    clg_scope_pop(s);
    return NULL;
}

START_TEST(assignments_of_several_threads)
{
    job j[N];
    run_all(assignments, j, true);
    for (int i = 0; i < N; i++)
        ck_assert_double_eq_tol(j[i].result, 59 * 60 / 2, 1e-2);
}
END_TEST

// A network of its own in every thread, with its own sizes, so that plans differ and the pool is shared.
static void *training(void *arg)
{
    job *j = arg;
    clg_store w = clg_store_create(j->d, 7);
    clg_optim o = clg_adam_create(w, clg_adam_params(.lr = 0.01));
    for (int step = 0; step < 6; step++) {
        clg_scope s = clg_scope_push(j->d);
        clg_tensor x = clg_reshape(clg_arange(j->d, CLG_F32, -1, 1, 1.0 / 60), CLG_SHAPE(20, 6));
        clg_tensor h = clg_nn_linear(w, "a", x, clg_nn_linear_params(.out = 5 + j->number));
        h = clg_nn_linear(w, "b", clg_tanh(h), clg_nn_linear_params(.out = 1));
        clg_tensor loss = clg_mean(clg_square(clg_sub(h, clg_sum(x, CLG_AXES(1), true))), CLG_ALL, false);
        clg_status st = clg_optim_step(o, loss);
        if (!failed(j, st))
            j->result = clg_item(loss, &st);
        if (step % 2 == 0)
            failed(j, clg_eval_assigned(j->d));
        failed(j, st);
        clg_scope_pop(s);
    }
    clg_optim_destroy(&o);
    clg_store_destroy(&w);
    return NULL;
}

START_TEST(threads_train_as_if_alone)
{
    job together[N], alone[1];
    run_all(training, together, true);
    for (int i = 0; i < N; i++) {
        alone[0] = (job) { .number = i };
        ok(clg_device_open(&alone[0].d, clg_device_params(.share = dev)));
        training(&alone[0]);
        clg_device_close(&alone[0].d);
        ck_assert_msg(alone[0].error[0] == '\0', "%s", alone[0].error);
        ck_assert_msg(together[i].result == alone[0].result, "network %d: loss %.9g together, %.9g alone", i,
                      together[i].result, alone[0].result);
    }
}
END_TEST

// Devices opened apart at the same time, and closed while others work.
static void *short_lives(void *arg)
{
    job *j = arg;
    for (int i = 0; i < 4 && j->error[0] == '\0'; i++) {
        clg_device d;
        if (failed(j, clg_device_open(&d, clg_device_params(.share = i % 2 ? j->d : NULL))))
            break;
        clg_scope s = clg_scope_push(d);
        clg_status st;
        clg_tensor x = clg_upload(d, CLG_F32, CLG_SHAPE(3), (float[]) { 1, 2, (float) (3 + i) });
        j->result = clg_item(clg_sum(clg_mul(x, x), CLG_ALL, false), &st);
        if (st < 0)
            snprintf(j->error, sizeof j->error, "%s", clg_error(d, st));
        clg_scope_pop(s);
        clg_device_close(&d);
    }
    return NULL;
}

START_TEST(devices_come_and_go)
{
    job j[N];
    run_all(short_lives, j, true);
    for (int i = 0; i < N; i++)
        ck_assert_double_eq(j[i].result, 1 + 4 + 36);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("threads");
    TCase *c = tcase_create("shared");
    tcase_add_test(c, assignments_of_several_threads);
    tcase_add_test(c, threads_train_as_if_alone);
    tcase_add_test(c, devices_come_and_go);
    suite_add_tcase(s, c);
    return run_suite(s);
}
