// SPDX-License-Identifier: MIT
// lines.h: what is recorded knows the call's file and line, and so do messages.
#include "testing.h"

#include <clgrad/lines.h>
#include <pthread.h>

// The message has "at tests/.../test_lines.c:LINE" for this line, and `first` before it.
static void names(const char *text, const char *first, int line)
{
    char place[64];
    snprintf(place, sizeof place, "test_lines.c:%d", line);
    const char *at = strstr(text, first);
    const char *found = at ? strstr(at, place) : NULL;
    ck_assert_msg(found && (found[strlen(place)] < '0' || found[strlen(place)] > '9'), "'%s' lacks %s at %s", text, first,
                  place);
}

// Evaluating t fails, by an operation of that line.
static void blames(clg_tensor t, const char *op, int line)
{
    clg_error_clear(dev);
    ck_assert_int_eq(clg_eval(t), CLG_ENUMERIC);
    names(clg_error(dev, CLG_OK), op, line);
    clg_error_clear(dev);
}

static clg_tensor twice(clg_tensor x)
{
    return clg_mul_scalar(x, 2);
}

START_TEST(forward)
{
    const float host[3] = { 1, 0, 4 };
    const clg_scope scope = clg_scope_push(dev);
    clg_device_watch(dev, true);
    clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(3), host);
    clg_tensor y = clg_log(x); const int log_line = __LINE__;
    clg_tensor z = clg_sum(clg_add_scalar(y, 1), CLG_ALL, false);
    blames(z, "the first by log at", log_line);
    // the arguments' calls do not move the call's own
    clg_tensor a = clg_div(twice(x), twice(twice(clg_sub_scalar(x, 4)))); const int div_line = __LINE__;
    blames(clg_mean(a, CLG_ALL, false), "the first by div at", div_line);
    // over several lines: where the outermost begins
    const int first_line = __LINE__ + 1;
    clg_tensor many = clg_add(clg_exp(clg_mul_scalar(x,
                                                     1000)),
                              x);
    clg_tensor ends = clg_sum(many, CLG_ALL, false);
    clg_error_clear(dev);
    ck_assert_int_eq(clg_eval(ends), CLG_ENUMERIC);
    bool found = false;
    for (int line = first_line; line < first_line + 3; line++) {
        char place[64];
        snprintf(place, sizeof place, "exp at %s:%d:", __FILE__, line);
        found |= strstr(clg_error(dev, CLG_OK), place) != NULL;
    }
    ck_assert_msg(found, "%s", clg_error(dev, CLG_OK));
    clg_error_clear(dev);
    // in a loop, the turn that is not finite
    int lines[3];
    for (int i = 0; i < 3; i++) {
        clg_tensor w = clg_slice(x, 0, i, i + 1, 1);
        clg_tensor u = i == 1 ? clg_reciprocal(w) : clg_sqrt(w); lines[i] = __LINE__;
        if (i == 1)
            blames(u, "reciprocal at", lines[i]);
        else
            ok(clg_eval(u));
    }
    // without a line: as before
    clg_tensor plain = (clg_log)(x);
    ck_assert_int_eq((clg_eval_n)(&plain, 1), CLG_ENUMERIC);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, CLG_OK), "log (scope of "));
    ck_assert_ptr_null(strstr(clg_error(dev, CLG_OK), "called at"));
    clg_error_clear(dev);
    clg_device_watch(dev, false);
    clg_scope_pop(scope);
    ck_assert_ptr_null(clg_set_place(NULL, 0).file);
}
END_TEST

static clg_tensor rooted(const clg_tensor *in, int n, void *user)
{
    clg_tensor y = clg_sqrt(in[0]); *(int *) user = __LINE__;
    (void) n;
    return clg_sin(y);
}

START_TEST(backward)
{
    const float host[2] = { 4, 0 };
    clg_tensor g;
    int line;
    const clg_scope scope = clg_scope_push(dev);
    clg_device_watch(dev, true);
    clg_tensor x = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(2), host));
    clg_tensor y = clg_sqrt(x); line = __LINE__; // fine at 0; its slope is not
    clg_tensor loss = clg_sum(twice(y), CLG_ALL, false);
    ok(clg_grad_n(loss, &x, 1, &g));
    ok(clg_eval(loss));
    blames(g, "in a gradient at", line);
    // computed again
    clg_tensor c = clg_checkpoint(rooted, &line, &x, 1);
    loss = clg_sum(c, CLG_ALL, false);
    ok(clg_grad_n(loss, &x, 1, &g));
    blames(g, "in a gradient at", line);
    clg_device_watch(dev, false);
    clg_scope_pop(scope);
}
END_TEST

// Errors name the call, poisons the one that went wrong.
START_TEST(errors)
{
    const clg_scope scope = clg_scope_push(dev);
    clg_tensor x = clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 3));
    clg_error_clear(dev);
    clg_tensor bad = clg_matmul(x, x); const int line = __LINE__;
    names(clg_error(dev, CLG_OK), "matmul at", line);
    clg_error_clear(dev);
    clg_tensor later = clg_relu(bad);
    names(clg_tensor_error(later), "matmul at", line);
    clg_error_clear(dev);
    const clg_status st = clg_read(x, NULL, 4); const int read_line = __LINE__;
    ck_assert_int_eq(st, CLG_EINVAL);
    names(clg_error(dev, CLG_OK), "read", read_line);
    clg_error_clear(dev);
    clg_var v = clg_var_create(x);
    ck_assert_int_lt(clg_var_assign(v, clg_zeros(dev, CLG_F32, CLG_SHAPE(2))), 0); const int assign_line = __LINE__;
    names(clg_error(dev, CLG_OK), "var_assign", assign_line);
    clg_error_clear(dev);
    // a function made of others
    clg_tensor norm = clg_layer_norm(x, CLG_SHAPE(4), NULL, NULL, NULL); const int norm_line = __LINE__;
    ck_assert_int_lt(norm->status, 0);
    names(clg_error(dev, CLG_OK), "layer_norm", norm_line);
    clg_error_clear(dev);
    clg_var_destroy(&v);
    clg_scope_pop(scope);
}
END_TEST

static void *other_thread(void *d)
{
    static char text[1024];
    clg_device mine = d;
    for (int i = 0; i < 100; i++) {
        const clg_scope scope = clg_scope_push(mine);
        clg_error_clear(mine);
        clg_add(clg_zeros(mine, CLG_F32, CLG_SHAPE(2)), clg_zeros(mine, CLG_F32, CLG_SHAPE(3)));
        if (!i)
            snprintf(text, sizeof text, "%s", clg_error(mine, CLG_OK));
        else if (strcmp(text, clg_error(mine, CLG_OK)) != 0)
            return NULL;
        clg_scope_pop(scope);
    }
    return text;
}

START_TEST(threads)
{
    clg_device other;
    pthread_t thread;
    void *text;
    int line = 0;
    ok(clg_device_open(&other, &(struct clg_device_params) { .size = sizeof(struct clg_device_params), .share = dev }));
    ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, other), 0);
    for (int i = 0; i < 100; i++) {
        const clg_scope scope = clg_scope_push(dev);
        clg_error_clear(dev);
        clg_mul(clg_zeros(dev, CLG_F32, CLG_SHAPE(2)), clg_zeros(dev, CLG_F32, CLG_SHAPE(3))); line = __LINE__;
        names(clg_error(dev, CLG_OK), "mul at", line);
        clg_scope_pop(scope);
    }
    clg_error_clear(dev);
    ck_assert_int_eq(pthread_join(thread, &text), 0);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "add at "));
    clg_device_close(&other);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lines");
    TCase *c = tcase_create("lines");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, forward);
    tcase_add_test(c, backward);
    tcase_add_test(c, errors);
    tcase_add_test(c, threads);
    suite_add_tcase(s, c);
    return run_suite(s);
}
