// SPDX-License-Identifier: MIT
// What debug builds trap: NULL, foreign devices, use after the scope's end, drops without a keep, two threads
// in one device. On recorders without OpenCL, each bug in a process of its own. Where traps are not
// compiled in, the same calls poison or do nothing.
#include "graph/build.h"
#include "graph/node.h"
#include "checks.h"
#include <clgrad/clgrad.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

static const clg_device_info info = { .name = "none" };
static const clg__caps caps = { .compute_units = 1 };
static struct clg_device_t one, other;

static void none(void *buf)
{
    (void) buf;
}

static void begin(void)
{
    struct clg_device_t *const d[] = { &one, &other };
    for (int i = 0; i < 2; i++) {
        d[i]->info = &info;
        d[i]->caps = &caps;
        d[i]->buf_ref = d[i]->buf_unref = none;
        ck_assert_int_eq(clg__recorder_init(d[i]), CLG_OK);
    }
}

static void finish(void)
{
    clg__recorder_free(&one);
    clg__recorder_free(&other);
}

static clg_tensor number(clg_device d)
{
    return clg_scalar(d, CLG_F32, 1);
}

static void null_tensor(void)
{
    ck_assert_int_eq(clg_add(number(&one), NULL)->status, CLG_EINVAL);
}

static void null_device(void)
{
    ck_assert_int_lt(number(NULL)->status, 0);
}

static void null_variable(void)
{
    ck_assert_int_lt(clg_var_value(NULL)->status, 0);
}

static void null_scope_device(void)
{
    ck_assert_ptr_null(clg_scope_push(NULL));
}

static void foreign_device(void)
{
    ck_assert_int_eq(clg_add(number(&one), number(&other))->status, CLG_EINVAL);
}

static void foreign_assignment(void)
{
    clg_var v = clg_var_create(number(&one));
    ck_assert_int_eq(clg_var_assign(v, number(&other)), CLG_EINVAL);
}

static void drop_without_keep(void)
{
    clg_tensor t = number(&one);
    clg_drop(&t);
}

static void pop_of_the_outermost(void)
{
    clg_scope_pop(one.scope);
}

static void use_after_the_scope(void)
{
#ifdef CLG_DEBUG // undefined elsewhere
    clg_scope s = clg_scope_push(&one);
    clg_tensor t = number(&one);
    clg_scope_pop(s);
    clg_exp(t);
#endif
}

static void *from_another_thread(void *unused)
{
    number(&one);
    return unused;
}

static void overlap(void)
{
    pthread_t t;
    clg__enter(&one); // as if inside a long call
    ck_assert_int_eq(pthread_create(&t, NULL, from_another_thread, NULL), 0);
    pthread_join(t, NULL);
    clg__leave(&one);
}

// Nodes of other params would share a plan.
static void params_without_key(void)
{
    static const clg__op op = { .name = "keyless", .kind = CLG__KERNEL, .params_bytes = sizeof(int) };
    const int params = 1;
    clg__call c;
    clg_tensor t = number(&one);
    ck_assert(clg__call_begin(&c, "keyless", "a", 1, &t));
    ck_assert_int_eq(clg__call_node(&c, &op, CLG_F32, &CLG_SCALAR, &params)->status, CLG_OK);
}

static void (*const bugs[])(void) = { null_tensor, null_device, null_variable, null_scope_device,
                                      foreign_device, foreign_assignment, drop_without_keep,
                                      pop_of_the_outermost, use_after_the_scope, overlap,
                                      params_without_key };
enum { BUGS = (int) (sizeof bugs / sizeof bugs[0]) };

START_TEST(a_bug_of_the_caller)
{
    begin();
    bugs[_i]();
    finish();
}
END_TEST

START_TEST(correct_use_does_not_trap)
{
    begin();
    clg_scope s = clg_scope_push(&one);
    clg_tensor t = clg_keep(clg_add(number(&one), number(&one)));
    clg_scope_pop(s);
    for (int i = 0; i < 3000; i++) { // more than the graveyard holds
        s = clg_scope_push(&one);
        clg_exp(t);
        clg_scope_pop(s);
    }
    clg_drop(&t);
    clg_scope_pop(NULL);
    clg_drop(NULL);
    finish();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("traps");
    TCase *c = tcase_create("bugs");
    tcase_add_test(c, correct_use_does_not_trap);
#ifdef CLG_DEBUG
    tcase_add_loop_test_raise_signal(c, a_bug_of_the_caller, SIGILL, 0, BUGS);
#else
    tcase_add_loop_test(c, a_bug_of_the_caller, 0, BUGS);
#endif
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_FORK);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
