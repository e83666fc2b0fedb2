// SPDX-License-Identifier: MIT
// Checkpoints: loading is strict, a failure changes nothing, and whatever is saved can be loaded.
#include "scratch.h"
#include "testing.h"

#include <unistd.h>

static char folder[] = "/tmp/clgrad_checkpoint_XXXXXX";

static double first_of(clg_store s, const char *name)
{
    clg_scope scope = clg_scope_push(dev);
    clg_tensor v = clg_reshape(clg_var_value(clg_store_find(s, name)), CLG_SHAPE(-1));
    const double x = clg_item(clg_slice(v, 0, 0, 1, 1), NULL);
    clg_scope_pop(scope);
    return x;
}

// The last message holds all the words.
static void says(const char *a, const char *b)
{
    const char *text = clg_error(dev, 0);
    ck_assert_msg(strstr(text, a) && strstr(text, b), "'%s' lacks '%s' or '%s'", text, a, b);
    clg_error_clear(dev);
}

static void path_of(char path[200], const char *name)
{
    snprintf(path, 200, "%s/%s", folder, name);
}

static clg_tensor head(clg_store s, const char *name)
{
    return clg_nn_linear(s, name, clg_ones(dev, CLG_F32, CLG_SHAPE(1, 3)), clg_nn_linear_params(.out = 2));
}

static double head_value(clg_store s, const char *name)
{
    return clg_item(clg_sum(head(s, name), CLG_ALL, false), NULL);
}

static clg_status step_and_run(clg_optim o, clg_tensor loss)
{
    const clg_status st = clg_optim_step(o, loss);
    return st < 0 ? st : clg_eval_assigned(dev);
}

static clg_status step_of_head(clg_store s, clg_optim o)
{
    clg_scope scope = clg_scope_push(dev);
    const clg_status st = step_and_run(o, clg_sum(head(s, "l"), CLG_ALL, false));
    clg_scope_pop(scope);
    return st;
}

// The sum of the squares of all parameters falls.
static clg_status step_of_all(clg_store s, clg_optim o)
{
    clg_scope scope = clg_scope_push(dev);
    clg_tensor sum = clg_zeros(dev, CLG_F32, CLG_SCALAR);
    for (int i = 0; i < clg_store_count(s); i++) {
        bool trainable;
        clg_tensor w = clg_var_value(clg_store_at(s, i, NULL, &trainable));
        if (trainable)
            sum = clg_add(sum, clg_sum(clg_mul(w, w), CLG_ALL, false));
    }
    const clg_status st = step_and_run(o, sum);
    clg_scope_pop(scope);
    return st;
}

// l.weight 1..6 and l.bias 1, 2; l of ones is 24; further tensors as PyTorch writes them.
static void write_file(const char *path, bool more)
{
    char error[600] = "";
    const int64_t batches = 7;
    const float w[6] = { 1, 2, 3, 4, 5, 6 }, b[2] = { 1, 2 };
    const clg_safetensor file[] = {
        { "l.weight", true, CLG_F32, CLG_SHAPE(2, 3), w, sizeof w },
        { "l.bias", true, CLG_F32, CLG_SHAPE(2), b, sizeof b },
        { "old.weight", true, CLG_F32, CLG_SHAPE(2), b, sizeof b },
        { "bn.num_batches_tracked", true, CLG_I64, CLG_SCALAR, &batches, sizeof batches },
    };
    ok(clg_safetensors_write(path, file, more ? 4 : 2, NULL, error, sizeof error));
}

START_TEST(a_store_that_was_built_is_compared_at_once)
{
    char path[200];
    path_of(path, "pytorch.safetensors");
    write_file(path, true);
    clg_store t = clg_store_create(dev, 1);
    clg_store_param(t, "l.weight", CLG_SHAPE(2, 3), (clg_init) { CLG_INIT_CONSTANT, 9, 0 }, 0);
    clg_store_param(t, "l.bais", CLG_SHAPE(2), (clg_init) { 0 }, 0);
    for (int i = 0; i < 2; i++) { // what may be unexpected does not make what is missing fine
        ck_assert_int_eq(i ? clg_store_load_with(t, path, clg_load_params(.allow_unexpected = true))
                           : clg_store_load(t, path), CLG_EFORMAT);
        says("has no 'l.bais'; the nearest that it has is 'l.bias'", "pytorch.safetensors");
    }
    ck_assert_int_eq(clg_store_load_with(t, path, clg_load_params(.allow_missing = true)), CLG_EFORMAT);
    says("'old.weight'", "the store does not have");
    ck_assert_int_eq(clg_store_load_with(t, path, &(struct clg_load_params) { .size = 1 }), CLG_EINVAL);
    clg_error_clear(dev);
    clg_store_buffer(t, "bn.num_batches_tracked", CLG_I32, CLG_SCALAR, 0);
    ck_assert_int_eq(clg_store_load(t, path), CLG_EFORMAT);
    says("i64 scalar", "i32 scalar");
    ck_assert_int_eq(clg_store_count(t), 3);
    ck_assert_double_eq(first_of(t, "l.weight"), 9);
    ck_assert_ptr_null(clg_store_missing(t, 0));
    clg_store_destroy(&t);
    // said otherwise, it is taken, and listed
    t = clg_store_create(dev, 1);
    clg_store_param(t, "l.weight", CLG_SHAPE(2, 3), (clg_init) { CLG_INIT_CONSTANT, 9, 0 }, 0);
    clg_store_param(t, "l.gain", CLG_SHAPE(2), (clg_init) { CLG_INIT_CONSTANT, 5, 0 }, 0);
    ok(clg_store_load_with(t, path, clg_load_params(.allow_missing = true, .allow_unexpected = true)));
    ck_assert_double_eq(first_of(t, "l.weight"), 1);
    ck_assert_double_eq(first_of(t, "l.gain"), 5);
    ck_assert_str_eq(clg_store_missing(t, 0), "l.gain");
    ck_assert_ptr_null(clg_store_missing(t, 1));
    ck_assert_ptr_null(clg_store_missing(t, -1));
    int unexpected = 0;
    while (clg_store_unexpected(t, unexpected))
        unexpected++;
    ck_assert_int_eq(unexpected, 3);
    ok(clg_store_check(t));
    // what it holds but nobody asked for is saved again
    ok(clg_store_save(t, path, NULL));
    clg_store u = clg_store_create(dev, 1);
    ok(clg_store_load(u, path));
    ck_assert_int_eq(clg_store_count(u), 5);
    clg_store_destroy(&t);
    clg_store_destroy(&u);
}
END_TEST

START_TEST(a_store_that_is_built_later_is_compared_then)
{
    char path[200];
    path_of(path, "later.safetensors");
    write_file(path, false);
    clg_store s = clg_store_create(dev, 1);
    clg_optim o = clg_adam_create(s, NULL);
    clg_scope scope = clg_scope_push(dev);
    ok(clg_store_load(s, path));
    // a misspelt layer does not get random weights
    ck_assert_int_eq(head(s, "1")->status, CLG_EFORMAT);
    says("nn_linear '1'", "later.safetensors has no '1.weight'; the nearest that it has is 'l.weight'");
    ck_assert_int_eq(clg_store_count(s), 2);
    ck_assert_ptr_null(clg_store_param(s, "l.bia", CLG_SHAPE(2), (clg_init) { 0 }, 0));
    says("has no 'l.bia'", "'l.bias'");
    ck_assert_ptr_null(clg_store_buffer(s, "state.loss", CLG_F32, CLG_SCALAR, 0));
    clg_error_clear(dev);
    // nobody has asked for anything yet: neither a check nor a step passes
    ck_assert_int_eq(clg_store_check(s), CLG_EFORMAT);
    says("later.safetensors has 'l", "nobody asked for");
    ck_assert_str_eq(clg_store_unexpected(s, 1), "l.weight");
    ck_assert_int_eq(clg_optim_step(o, clg_ones(dev, CLG_F32, CLG_SCALAR)), CLG_EFORMAT);
    clg_error_clear(dev);
    // of the wrong shape: both are named, and the right one is still to be had
    ck_assert_int_eq(clg_nn_linear(s, "l", clg_ones(dev, CLG_F32, CLG_SHAPE(1, 4)),
                                   clg_nn_linear_params(.out = 2))->status, CLG_ESHAPE);
    says("f32 2x3 in ", "f32 2x4");
    ck_assert_double_eq(head_value(s, "l"), 24);
    ck_assert_ptr_null(clg_store_unexpected(s, 0));
    ok(clg_optim_step(o, clg_sum(head(s, "l"), CLG_ALL, false)));
    ok(clg_eval_assigned(dev));
    ok(head(s, "new")->status); // the network was whole: what comes now is new
    clg_scope_pop(scope);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
}
END_TEST

START_TEST(a_load_may_differ_where_that_is_said)
{
    char path[200];
    path_of(path, "differ.safetensors");
    write_file(path, true);
    clg_store s = clg_store_create(dev, 1);
    clg_optim o = clg_adam_create(s, NULL);
    clg_scope scope = clg_scope_push(dev);
    ok(clg_store_load(s, path));
    ck_assert_double_eq(head_value(s, "l"), 24);
    ck_assert_int_eq(clg_optim_step(o, clg_sum(head(s, "l"), CLG_ALL, false)), CLG_EFORMAT);
    says("'old.weight'", "'bn.num_batches_tracked'");
    ck_assert_int_eq(clg_store_check(s), CLG_EFORMAT);
    clg_error_clear(dev);
    ok(clg_store_load_with(s, path, clg_load_params(.allow_unexpected = true)));
    ok(clg_optim_step(o, clg_sum(head(s, "l"), CLG_ALL, false))); // what no layer asked for is not trained
    ok(clg_eval_assigned(dev));
    ck_assert_double_eq(first_of(s, "old.weight"), 1);
    clg_store_destroy(&s);
    clg_optim_destroy(&o);
    write_file(path, false);
    s = clg_store_create(dev, 1);
    o = clg_adam_create(s, NULL);
    ok(clg_store_load_with(s, path, clg_load_params(.allow_missing = true)));
    ok(head(s, "1")->status);
    ck_assert_str_eq(clg_store_missing(s, 1), "1.bias");
    ck_assert_int_eq(clg_store_check(s), CLG_EFORMAT);
    says("which nobody asked for", "nearest that it lacks is '1.bias'");
    clg_scope_pop(scope);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
}
END_TEST

// A resumed run gets its own optimizer's state, never another's or none by mistake.
START_TEST(optimizer_state_is_loaded_strictly)
{
    char path[200];
    path_of(path, "state.safetensors");
    clg_store s = clg_store_create(dev, 1);
    clg_optim o = clg_adam_create(s, NULL);
    ok(step_of_head(s, o));
    ok(clg_store_save(s, path, NULL));
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    for (int kind = 0; kind < 3; kind++) {
        s = clg_store_create(dev, 1);
        o = kind == 0 ? clg_sgd_create(s, clg_sgd_params(.lr = 1e-3, .momentum = 0.9))
            : kind == 1 ? clg_adamw_create(s, NULL) : clg_adam_create(s, NULL);
        ok(clg_store_load(s, path));
        ck_assert_ptr_null(clg_store_unexpected(s, 4)); // the weights alone
        const clg_status st = step_of_head(s, o);
        ck_assert_int_eq(st, kind == 0 ? CLG_EFORMAT : CLG_OK);
        if (kind == 0)
            says("'optim.", "state of another optimizer");
        // names of state are nobody else's
        ck_assert_ptr_null(clg_store_param(s, "optim.m.x", CLG_SHAPE(1), (clg_init) { 0 }, 0));
        says("optim.m.x", "state of optimizers");
        clg_optim_destroy(&o);
        clg_store_destroy(&s);
    }
}
END_TEST

// Of a parameter's state all or nothing is there.
START_TEST(half_an_optimizers_state_is_refused)
{
    static const char *const halves[] = { "optim.m.l.bias", "optim.v.l.weight", "optim.step", "optim.momentum.l.bias" };
    char path[200], error[600] = "";
    path_of(path, "half.safetensors");
    for (int row = 0; row < 16; row++) {
        const bool sgd = row / 4 % 2, built = row / 8;
        clg_safetensors f;
        clg_safetensor t[16];
        int n = 0;
        clg_store s = clg_store_create(dev, 1);
        clg_optim o = sgd ? clg_sgd_create(s, clg_sgd_params(.lr = 1e-3, .momentum = 0.9)) : clg_adam_create(s, NULL);
        ok(step_of_head(s, o));
        ok(clg_store_save(s, path, NULL));
        clg_optim_destroy(&o);
        clg_store_destroy(&s);
        ok(clg_safetensors_open(&f, path, error, sizeof error));
        for (int i = 0; i < clg_safetensors_count(f); i++) {
            if (strcmp(clg_safetensors_at(f, i)->name, halves[row % 4]) != 0)
                t[n++] = *clg_safetensors_at(f, i);
        }
        const bool half = n < clg_safetensors_count(f);
        ok(clg_safetensors_write(path, t, n, NULL, error, sizeof error));
        clg_safetensors_close(&f);
        s = clg_store_create(dev, 1);
        o = sgd ? clg_sgd_create(s, clg_sgd_params(.lr = 1e-3, .momentum = 0.9)) : clg_adam_create(s, NULL);
        if (built)
            head(s, "l");
        ok(clg_store_load(s, path));
        // SGD keeps one number an element: without it a parameter has no state
        const bool refused = half && (!sgd || row % 4 == 2);
        ck_assert_int_eq(step_of_head(s, o), refused ? CLG_EFORMAT : CLG_OK);
        if (refused)
            says(halves[row % 4], "half.safetensors has 'optim.");
        ok(clg_store_load_with(s, path, clg_load_params(.allow_missing = true)));
        ok(step_of_head(s, o));
        clg_optim_destroy(&o);
        clg_store_destroy(&s);
    }
}
END_TEST

// Whatever name a parameter gets, a checkpoint gives it back.
START_TEST(hostile_names)
{
    static const struct {
        const char *name;
        bool fits;
    } rows[] = {
        { "", true }, { "w", true }, { "w.exp_avg", true }, { "m.w", true }, { "step", true }, { "optim", true },
        { "a/b\\c\"d", true }, { "\x01\n\t", true }, { "\xc3\xa9\xf0\x9f\x98\x80", true }, { "%s%n", true },
        { "__metadata__", false }, { "optim.step", false }, { "optim.m.w", false }, { "optim.", false },
        { "\xff", false }, { "\xed\xa0\x80", false }, { "\xc0\xaf", false }, { "a\xe2\x82", false },
    };
    char path[200], longest[3000];
    path_of(path, "names.safetensors");
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    clg_store s = clg_store_create(dev, 1), r = clg_store_create(dev, 2);
    clg_optim o = clg_adam_create(s, NULL), p = clg_adam_create(r, NULL);
    const clg_init one = { CLG_INIT_CONSTANT, 1, 0 };
    int made = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_msg((clg_store_param(s, rows[i].name, CLG_SHAPE(1), one, 0) != NULL) == rows[i].fits,
                      "'%s'", rows[i].name);
        if (!rows[i].fits)
            ck_assert_int_eq(clg_error_status(dev), CLG_EINVAL);
        clg_error_clear(dev);
        ck_assert(rows[i].fits || !clg_store_buffer(s, rows[i].name, CLG_F32, CLG_SHAPE(1), 0));
        clg_error_clear(dev);
        made += rows[i].fits;
    }
    ck_assert_ptr_nonnull(clg_store_param(s, longest, CLG_SHAPE(1), one, 0));
    ck_assert_int_eq(clg_store_count(s), made + 1);
    ck_assert_ptr_null(clg_store_param(s, NULL, CLG_SHAPE(1), one, 0));
    says("store_param", "NULL name");
    ck_assert_ptr_null(clg_store_buffer(s, NULL, CLG_F32, CLG_SHAPE(1), 0));
    says("store_buffer", "NULL name");
    ok(step_of_all(s, o));
    ok(clg_store_save(s, path, NULL));
    ok(clg_store_load(r, path));
    for (int i = 0; i <= made; i++) {
        const char *name;
        clg_store_at(s, i, &name, NULL);
        ck_assert_ptr_nonnull(clg_store_param(r, name, CLG_SHAPE(1), one, 0));
    }
    ok(step_of_all(s, o));
    ok(step_of_all(r, p));
    ck_assert_int_eq(clg_store_count(s), clg_store_count(r));
    for (int i = 0; i < clg_store_count(s); i++) {
        const char *name;
        clg_store_at(s, i, &name, NULL);
        ck_assert_double_eq(first_of(s, name), first_of(r, name));
    }
    clg_optim_destroy(&o);
    clg_optim_destroy(&p);
    clg_store_destroy(&s);
    clg_store_destroy(&r);
}
END_TEST

START_TEST(bad_checkpoints_change_nothing)
{
    char path[200];
    snprintf(path, sizeof path, "%s/other.safetensors", folder);
    clg_store a = clg_store_create(dev, 1), b = clg_store_create(dev, 1);
    clg_init one = { CLG_INIT_CONSTANT, 1, 0 }, two = { CLG_INIT_CONSTANT, 2, 0 };
    clg_store_param(a, "x", CLG_SHAPE(3), one, 0);
    clg_store_param(a, "y", CLG_SHAPE(2), one, 0);
    ok(clg_store_save(a, path, NULL));
    clg_var x = clg_store_param(b, "x", CLG_SHAPE(3), two, 0);
    clg_store_param(b, "y", CLG_SHAPE(5), two, 0);
    ck_assert_int_lt(clg_store_load(b, path), 0);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "'y'"));
    clg_error_clear(dev);
    clg_scope s = clg_scope_push(dev);
    ck_assert_double_eq(clg_item(clg_sum(clg_var_value(x), CLG_ALL, false), NULL), 6);
    clg_scope_pop(s);
    clg_store_destroy(&a);
    clg_store_destroy(&b);
}
END_TEST

int main(void)
{
    if (!scratch_made(folder))
        return 77;
    Suite *s = suite_create("checkpoint");
    TCase *c = tcase_create("load");
    tcase_add_test(c, a_store_that_was_built_is_compared_at_once);
    tcase_add_test(c, a_store_that_is_built_later_is_compared_then);
    tcase_add_test(c, a_load_may_differ_where_that_is_said);
    tcase_add_test(c, optimizer_state_is_loaded_strictly);
    tcase_add_test(c, half_an_optimizers_state_is_refused);
    tcase_add_test(c, hostile_names);
    tcase_add_test(c, bad_checkpoints_change_nothing);
    suite_add_tcase(s, c);
    return run_suite(s);
}
