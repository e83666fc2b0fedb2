// SPDX-License-Identifier: MIT
// Monitors: statistics against sums in double, which tensors get them, what they cost in plans and bits, and verdicts: made
// failures are found, healthy training is left alone. The watch of a loss is in test_loss_watch.c.
#include "testing.h"

static const clg_monitor_row *row_of(const clg_monitor_row *rows, int n, const char *name, clg_monitor_kind kind)
{
    for (int i = 0; i < n; i++) {
        if (rows[i].kind == kind && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    ck_abort_msg("no row %s of %s among %d", clg_monitor_kind_name(kind), name, n);
    return NULL;
}

static bool has_row(const clg_monitor_row *rows, int n, const char *name, clg_monitor_kind kind)
{
    for (int i = 0; i < n; i++) {
        if (rows[i].kind == kind && strcmp(rows[i].name, name) == 0)
            return true;
    }
    return false;
}

static void near(const char *what, double got, double want, double bound)
{
    if (isnan(want) ? isnan(got) : isinf(want) ? got == want : fabs(got - want) <= bound)
        return;
    ck_abort_msg("%s is %.9g, expected %.9g within %g (seed %llu)", what, got, want, bound, (unsigned long long) first_seed);
}

// The statistics of numbers, in double. middle, reach: of what is saturated; reach 0: zeros, below 0: nothing.
static void check_row(const clg_monitor_row *r, const double *v, int64_t n, double middle, double reach, double eps)
{
    double sum = 0, squares = 0, most = 0, zeros = 0, flat = 0, nans = 0, infs = 0, spread = 0, sizes = 0;
    for (int64_t i = 0; i < n; i++) {
        nans += isnan(v[i]) != 0;
        infs += isinf(v[i]) != 0;
        zeros += v[i] == 0;
        flat += reach > 0 ? fabs(v[i] - middle) > reach : v[i] == 0;
        sum += v[i];
        sizes += fabs(v[i]);
        most = fabs(v[i]) > most || isnan(v[i]) ? fabs(v[i]) : most;
    }
    const double mean = sum / (double) n, scale = most > 0 && isfinite(most) ? most : 1;
    for (int64_t i = 0; i < n; i++) {
        squares += v[i] / scale * (v[i] / scale);
        spread += (v[i] - mean) / scale * ((v[i] - mean) / scale);
    }
    const double norm = sqrt(squares) * scale, std = sqrt(spread / (double) n) * scale;
    const bool bad = nans + infs > 0;
    ck_assert_int_eq(r->count, n);
    near("nan", r->nan, nans, 0);
    near("inf", r->inf, infs, 0);
    near("norm", r->norm, nans > 0 ? (double) NAN : infs > 0 ? (double) INFINITY : norm, eps * norm);
    near("mean", r->mean, bad ? (double) NAN : mean, eps * sizes / (double) n);
    near("std", r->std, bad ? (double) NAN : std, eps * (std + sizes / (double) n));
    near("max_abs", r->max_abs, nans > 0 ? (double) NAN : most, eps * most);
    near("zeros", r->zeros, zeros / (double) n, 1e-6);
    near("saturated", r->saturated, reach < 0 ? (double) NAN : flat / (double) n, 1e-6);
}

// Numbers of one kind: 0 ordinary, 1 huge, 2 tiny, 3 far from 0, 4 many zeros, 5 a NaN, 6 infinities, 7 one number, 8 zeros
static void make(int kind, double *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const double u = rnd();
        v[i] = kind == 1 ? 1e36 * u : kind == 2 ? 1e-30 * u : kind == 3 ? 1000 + u : kind == 4 ? (u > 0.5 ? u : 0) :
               kind == 7 ? 3.25 : kind == 8 ? 0 : 2 * u;
    }
    if (kind == 5)
        v[n / 2] = (double) NAN;
    if (kind == 6)
        v[n - 1] = v[0] = -(double) INFINITY;
}

START_TEST(statistics_are_those_of_a_sum_in_double)
{
    static const int64_t sizes[] = { 1, 2, 7, 8, 9, 255, 2048, 2049, 5003, 40001 };
    const bool f64 = clg_device_get_info(dev)->fp64;
    clg_store s = clg_store_create(dev, 1);
    clg_monitor m = clg_monitor_create(s, clg_monitor_params(.every = 1));
    enum { MOST = 20, COUNT = 41000 };
    for (int round = 0; round < 5; round++) {
        const clg_dtype t = f64 ? (clg_dtype[]) { CLG_F32, CLG_F64, CLG_F16, CLG_BF16, CLG_F32 }[round] : CLG_F32;
        const double eps = t == CLG_F64 ? 1e-11 : 2e-6;
        double *host[MOST];
        int64_t count[MOST];
        const clg_scope scope = clg_scope_push(dev);
        ck_assert(clg_monitor_begin(m));
        for (int k = 0; k < MOST; k++) { // more than one kernel takes
            char name[20];
            const int kind = k % 9;
            const int64_t n = count[k] = sizes[(k * 7 + round) % 10];
            host[k] = malloc(COUNT * sizeof **host);
            float *few = malloc(COUNT * sizeof *few);
            make((t == CLG_F16) && (kind == 1 || kind == 2) ? 0 : kind, host[k], n + 1);
            for (int64_t i = 0; i <= n; i++)
                few[i] = (float) host[k][i];
            const bool wide = t == CLG_F64;
            clg_tensor x = clg_upload(dev, wide ? CLG_F64 : CLG_F32, CLG_SHAPE(n + 1), wide ? (void *) host[k] : few);
            x = clg_cast(clg_slice(x, 0, 1, n + 1, 1), t); // begins anywhere
            double *kept = read_all(x);
            memcpy(host[k], kept, (size_t) n * sizeof *kept);
            free(kept);
            free(few);
            snprintf(name, sizeof name, "t.%d", k);
            ok(clg_monitor_watch(m, name, n % 2 == 0 ? clg_transpose(clg_reshape(x, CLG_SHAPE(2, -1)), 0, 1) : x));
        }
        ok(clg_monitor_end(m));
        clg_scope_pop(scope);
        const clg_monitor_row *rows;
        int n;
        ok(clg_monitor_read(m, &rows, &n));
        ck_assert_int_eq(n, MOST);
        for (int k = 0; k < MOST; k++) {
            char name[20];
            snprintf(name, sizeof name, "t.%d", k);
            ck_assert_str_eq(rows[k].name, name);
            ck_assert_str_eq(rows[k].layer, "t");
            ck_assert_int_eq(rows[k].step, round);
            check_row(&rows[k], host[k], count[k], 0, -1, eps);
            free(host[k]);
        }
        ok(clg_monitor_read(m, &rows, &n)); // once
        ck_assert_int_eq(n, 0);
        ck_assert_ptr_null(rows);
    }
    clg_monitor_destroy(&m);
    clg_store_destroy(&s);
}
END_TEST

// A layer, its activation, its gradients and its updates have rows, with the numbers that the program itself can read.
START_TEST(a_step_has_its_rows)
{
    enum { N = 6, I = 5, O = 7 };
    float host[N * I];
    const double lr = 0.25;
    clg_store s = clg_store_create(dev, 5);
    clg_optim o = clg_sgd_create(s, clg_sgd_params(.lr = lr));
    clg_monitor m = clg_monitor_create(s, clg_monitor_params(.every = 2));
    for (int step = 0; step < 4; step++) {
        double *want[6];
        const clg_scope scope = clg_scope_push(dev);
        ck_assert_int_eq(clg_monitor_begin(m), step % 2 == 0);
        clg_tensor x = upload(CLG_SHAPE(N, I), host);
        clg_tensor a = clg_nn_linear(s, "block.fc", x, clg_nn_linear_params(.out = O)), y = clg_tanh(a);
        clg_tensor again = clg_relu(clg_nn_linear(s, "block.fc", x, clg_nn_linear_params(.out = O)));
        clg_tensor big = clg_mul_scalar(y, 3);
        ok(clg_monitor_watch(m, "mine", big));
        clg_tensor loss = clg_sum(clg_square(clg_add(big, again)), CLG_ALL, false), *g;
        clg_var w = clg_store_find(s, "block.fc.weight");
        clg_tensor before = clg_keep(clg_var_value(w));
        int n_grads, n;
        ok(clg_optim_grads(o, loss, &g, &n_grads));
        clg_tensor wrt[] = { a, y, big, clg_var_value(w) }, out[4];
        ok(clg_optim_apply(o, g, n_grads));
        ok(clg_monitor_end(m));
        ok(clg_grad_n(loss, wrt, 4, out));
        want[0] = read_all(a);
        want[1] = read_all(y);
        for (int k = 0; k < 4; k++)
            want[2 + k] = read_all(out[k]);
        double *old = read_all(before), *now = read_all(clg_var_value(w));
        const clg_monitor_row *rows;
        ok(clg_monitor_read(m, &rows, &n));
        if (step % 2 == 0) {
            ck_assert_int_eq(n, 2 * 4 + 3 * 2);
            check_row(row_of(rows, n, "block.fc", CLG_MONITOR_OUTPUT), want[0], N * O, 0, -1, 1e-5);
            check_row(row_of(rows, n, "block.fc.tanh", CLG_MONITOR_OUTPUT), want[1], N * O, 0, 0.97, 1e-5);
            ck_assert(has_row(rows, n, "block.fc.relu", CLG_MONITOR_OUTPUT_GRAD));
            check_row(row_of(rows, n, "block.fc", CLG_MONITOR_OUTPUT_GRAD), want[2], N * O, 0, -1, 1e-5);
            check_row(row_of(rows, n, "block.fc.tanh", CLG_MONITOR_OUTPUT_GRAD), want[3], N * O, 0, -1, 1e-5);
            check_row(row_of(rows, n, "mine", CLG_MONITOR_OUTPUT_GRAD), want[4], N * O, 0, -1, 1e-5);
            check_row(row_of(rows, n, "block.fc.weight", CLG_MONITOR_PARAM_GRAD), want[5], I * O, 0, -1, 1e-5);
            check_row(row_of(rows, n, "block.fc.weight", CLG_MONITOR_PARAM), old, I * O, 0, -1, 1e-5);
            const clg_monitor_row *u = row_of(rows, n, "block.fc.weight", CLG_MONITOR_UPDATE);
            double update[I * O];
            for (int i = 0; i < I * O; i++)
                update[i] = now[i] - old[i];
            check_row(u, update, I * O, 0, -1, 1e-3);
            near("ratio", u->ratio, u->norm / row_of(rows, n, "block.fc.weight", CLG_MONITOR_PARAM)->norm, 1e-12);
            near("lr times gradient", u->norm, lr * row_of(rows, n, "block.fc.weight", CLG_MONITOR_PARAM_GRAD)->norm,
                 2e-3 * u->norm); // the weights' own rounding
            ck_assert_str_eq(row_of(rows, n, "block.fc.tanh", CLG_MONITOR_OUTPUT)->layer, "block.fc");
            ck_assert_str_eq(u->layer, "block.fc");
        } else {
            ck_assert_int_eq(n, 0);
        }
        for (int k = 0; k < 6; k++)
            free(want[k]);
        free(old);
        free(now);
        clg_drop(&before);
        clg_scope_pop(scope);
    }
    clg_monitor_destroy(&m);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
}
END_TEST

// The same weights with a monitor, on steps that are looked at too; two plans; nothing stays.
START_TEST(nothing_else_changes)
{
    enum { N = 9, I = 12, STEPS = 12 };
    double *end[2];
    uint64_t misses[2];
    for (int on = 0; on < 2; on++) {
        float host[N * I];
        seed_state = first_seed;
        clg_store s = clg_store_create(dev, 3);
        clg_optim o = clg_adam_create(s, clg_adam_params(.lr = 0.05));
        clg_monitor m = on ? clg_monitor_create(s, clg_monitor_params(.every = 4)) : NULL;
        clg_device_stats before = clg_device_get_stats(dev);
        uint64_t nodes = 0;
        for (int step = 0; step < STEPS; step++) {
            if (step == 6)
                nodes = clg_device_get_stats(dev).nodes;
            const clg_scope scope = clg_scope_push(dev);
            clg_monitor_begin(m);
            clg_tensor x = upload(CLG_SHAPE(N, I), host);
            x = clg_sigmoid(clg_nn_linear(s, "one", x, clg_nn_linear_params(.out = 11)));
            clg_tensor loss = clg_mean(clg_square(clg_nn_linear(s, "two", x, clg_nn_linear_params(.out = 3))), CLG_ALL, false);
            ok(clg_optim_step(o, loss));
            ok(clg_monitor_end(m));
            ok(clg_eval(loss));
            clg_scope_pop(scope);
        }
        ck_assert_uint_eq(clg_device_get_stats(dev).nodes, nodes);
        misses[on] = clg_device_get_stats(dev).plan_misses - before.plan_misses;
        end[on] = read_all(clg_var_value(clg_store_find(s, "one.weight")));
        clg_monitor_destroy(&m);
        clg_optim_destroy(&o);
        clg_store_destroy(&s);
    }
    ck_assert_int_eq(memcmp(end[0], end[1], I * 11 * sizeof *end[0]), 0);
    ck_assert_uint_le(misses[1] - misses[0], 2); // those of a look, and of the variable's first value
    free(end[0]);
    free(end[1]);
}
END_TEST

// ---- verdicts

typedef enum act { RELU, SIGMOID, TANH } act;

typedef struct trial {
    int depth, width, steps;
    act act;
    double gain, bias, lr; // first weights: normal with deviation gain / sqrt(width)
    bool norm, adam, kaiming;
} trial;

static clg_tensor layers(clg_store s, const trial *t, clg_tensor x)
{
    const double std = t->gain / sqrt((double) t->width);
    for (int i = 0; i < t->depth; i++) {
        char name[20], norm[20];
        snprintf(name, sizeof name, "l%d", i);
        snprintf(norm, sizeof norm, "n%d", i);
        x = clg_nn_linear(s, name, x, clg_nn_linear_params(.out = t->width, .init = t->kaiming ?
                          (clg_init) { CLG_INIT_KAIMING_NORMAL, 0, 0 } : (clg_init) { CLG_INIT_NORMAL, 0, std }));
        x = t->bias != 0 ? clg_add_scalar(x, t->bias) : x;
        x = t->norm ? clg_nn_batch_norm1d(s, norm, x, NULL) : x;
        x = t->act == RELU ? clg_relu(x) : t->act == SIGMOID ? clg_sigmoid(x) : clg_tanh(x);
    }
    return clg_nn_linear(s, "out", x, clg_nn_linear_params(.out = 4));
}

static int found[CLG_FINDING_DIVERGING + 1];

static void look(clg_monitor m)
{
    int n;
    ok(clg_monitor_read(m, NULL, &n));
    const clg_monitor_verdict *v = clg_monitor_verdicts(m, &n);
    for (int i = 0; i < n; i++) {
        found[v[i].finding]++;
        ck_assert((v[i].finding == CLG_FINDING_NONE) == (v[i].text[0] == '\0'));
        if (v[i].finding != CLG_FINDING_NONE)
            ck_assert_msg(v[i].text[strlen(v[i].text) - 1] == '.', "%s", v[i].text);
    }
}

// Trains on classes that can be learnt; the loss at the end.
static double run_trial(const trial *t, int64_t every)
{
    enum { N = 32, I = 16 };
    float host[N * I];
    int64_t label[N];
    double last = 0;
    clg_store s = clg_store_create(dev, first_seed);
    clg_optim o = t->adam ? clg_adam_create(s, clg_adam_params(.lr = t->lr)) : clg_sgd_create(s, clg_sgd_params(.lr = t->lr));
    clg_monitor m = clg_monitor_create(s, clg_monitor_params(.every = every));
    memset(found, 0, sizeof found);
    for (int step = 0; step < t->steps; step++) {
        const clg_scope scope = clg_scope_push(dev);
        fill(host, N * I);
        for (int i = 0; i < N; i++)
            label[i] = (host[i * I] > 0) + 2 * (host[i * I + 1] + host[i * I + 2] > 0);
        clg_monitor_begin(m);
        clg_tensor y = layers(s, t, clg_upload(dev, CLG_F32, CLG_SHAPE(N, I), host));
        clg_tensor loss = clg_cross_entropy(y, clg_upload(dev, CLG_I64, CLG_SHAPE(N), label), NULL);
        ok(clg_optim_step(o, loss));
        ok(clg_monitor_end(m));
        last = clg_item(loss, NULL);
        clg_scope_pop(scope);
        look(m);
    }
    clg_monitor_destroy(&m);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    return last;
}

static int troubles(void)
{
    int n = 0;
    for (int f = CLG_FINDING_NOT_FINITE; f <= CLG_FINDING_DIVERGING; f++)
        n += found[f];
    return n;
}

START_TEST(made_failures_are_found)
{
    if (!in_turn(0, 4)) // some dozen kernels
        return;
    run_trial(&(trial) { .depth = 3, .width = 16, .steps = 1, .gain = 1.4, .bias = -9, .lr = 0.01 }, 1);
    ck_assert_int_ge(found[CLG_FINDING_DEAD], 1);
    run_trial(&(trial) { .depth = 10, .width = 16, .steps = 1, .gain = 4, .lr = 1e-6 }, 1);
    ck_assert_int_ge(found[CLG_FINDING_EXPLODING], 1);
    run_trial(&(trial) { .depth = 10, .width = 16, .steps = 1, .act = SIGMOID, .gain = 1, .lr = 0.01 }, 1);
    ck_assert_int_ge(found[CLG_FINDING_VANISHING], 1);
    run_trial(&(trial) { .depth = 2, .width = 16, .steps = 1, .act = TANH, .gain = 200, .lr = 1e-6 }, 1);
    ck_assert_int_ge(found[CLG_FINDING_SATURATED], 1);
    run_trial(&(trial) { .depth = 2, .width = 16, .steps = 3, .gain = 1.4, .lr = 1, .adam = true }, 1);
    ck_assert_int_ge(found[CLG_FINDING_FAST] + found[CLG_FINDING_DEAD], 1);
    run_trial(&(trial) { .depth = 2, .width = 16, .steps = 3, .gain = 1.4, .lr = 1e-7 }, 1);
    ck_assert_int_ge(found[CLG_FINDING_SLOW], 1);
}
END_TEST

START_TEST(healthy_training_is_left_alone)
{
    if (!in_turn(2, 4)) // some dozen kernels
        return;
    const double loss = run_trial(&(trial) { .depth = 4, .width = 32, .steps = 200, .kaiming = true, .lr = 0.003, .adam = true }, 20);
    ck_assert_msg(loss < 0.8, "loss %g", loss);
    ck_assert_int_gt(found[CLG_FINDING_NONE], 0);
    ck_assert_int_eq(troubles(), 0);
    run_trial(&(trial) { .depth = 12, .width = 32, .steps = 40, .kaiming = true, .norm = true, .lr = 0.003, .adam = true }, 10);
    ck_assert_int_eq(troubles(), 0);
}
END_TEST

// With a NaN the step is lost while the device is watched, and its rows with it; the next look is there again.
START_TEST(nan_is_told)
{
    clg_store s = clg_store_create(dev, 3);
    clg_optim o = clg_sgd_create(s, clg_sgd_params(.lr = 0.1));
    clg_monitor m = clg_monitor_create(s, clg_monitor_params(.every = 1));
    for (int step = 0; step < 4; step++) {
        float host[2 * 3] = { 1, 2, 3, 4, step % 2 == 1 ? NAN : 5, 6 };
        int n;
        clg_device_watch(dev, step == 1);
        const clg_scope scope = clg_scope_push(dev);
        clg_monitor_begin(m);
        clg_tensor x = clg_nn_linear(s, "fc", clg_upload(dev, CLG_F32, CLG_SHAPE(2, 3), host), clg_nn_linear_params(.out = 2));
        clg_tensor loss = clg_mean(x, CLG_ALL, false);
        ok(clg_optim_step(o, loss));
        ok(clg_monitor_end(m));
        ck_assert_int_eq(clg_eval(loss), step == 1 ? CLG_ENUMERIC : CLG_OK);
        clg_scope_pop(scope);
        clg_error_clear(dev);
        ok(clg_monitor_read(m, NULL, &n));
        ck_assert_int_eq(n, step == 1 ? 0 : 8);
        const clg_monitor_verdict *v = clg_monitor_verdicts(m, &n);
        ck_assert_int_eq(n, 1);
        ck_assert_int_eq(v[0].finding == CLG_FINDING_NOT_FINITE, step == 3);
    }
    clg_device_watch(dev, false);
    clg_monitor_destroy(&m);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
}
END_TEST

// ---- how it is used wrongly

static void misuse(clg_status st, const char *what)
{
    ck_assert_int_eq(st, CLG_EINVAL);
    ck_assert_msg(strstr(clg_error(dev, CLG_OK), what), "'%s' lacks '%s'", clg_error(dev, CLG_OK), what);
    clg_error_clear(dev);
}

START_TEST(misuse_is_refused)
{
    int n;
    const clg_device_stats before = clg_device_get_stats(dev);
    const clg_scope scope = clg_scope_push(dev);
    clg_store s = clg_store_create(dev, 1), t = clg_store_create(dev, 2);
    clg_monitor m = clg_monitor_create(s, NULL), none = NULL;
    ck_assert_ptr_null(clg_monitor_create(s, NULL));
    misuse(CLG_EINVAL, "has a monitor");
    ck_assert_ptr_null(clg_monitor_create(t, clg_monitor_params(.dead = -1)));
    misuse(CLG_EINVAL, "negative");
    misuse(clg_monitor_end(m), "no step was begun");
    clg_tensor x = clg_full(dev, CLG_F32, CLG_SHAPE(2, 3), 1);
    misuse(clg_monitor_watch(m, "x", x), "no step was begun");
    ck_assert(clg_monitor_begin(m));
    misuse(clg_monitor_watch(m, NULL, x), "name is NULL");
    ck_assert_int_eq(clg_monitor_watch(m, "x", clg_cast(x, CLG_I32)), CLG_EDTYPE);
    clg_error_clear(dev);
    misuse(clg_monitor_read(m, NULL, &n), "not ended");
    ok(clg_monitor_watch(m, "nothing", clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 3))));
    ok(clg_monitor_watch(m, "x", x));
    ck_assert(clg_monitor_begin(m)); // the step that was not ended is given up
    ok(clg_monitor_end(m));
    ok(clg_monitor_read(m, NULL, &n));
    ck_assert_int_eq(n, 0);
    // a store that ends in the middle of a step
    ck_assert(!clg_monitor_begin(m)); // step 1 of 100
    clg_monitor_destroy(&m);
    m = clg_monitor_create(s, NULL);
    ck_assert(clg_monitor_begin(m));
    ok(clg_nn_linear(s, "fc", x, clg_nn_linear_params(.out = 2))->status);
    clg_store_destroy(&s);
    misuse(clg_monitor_end(m), "store was destroyed");
    ck_assert(!clg_monitor_begin(m));
    clg_monitor_destroy(&m);
    clg_monitor_destroy(&m);
    ck_assert(!clg_monitor_begin(none));
    ok(clg_monitor_end(none));
    ck_assert_int_eq(clg_monitor_read(none, NULL, &n), CLG_EINVAL);
    ck_assert_ptr_null(clg_monitor_verdicts(none, &n));
    ck_assert_str_eq(clg_monitor_kind_name((clg_monitor_kind) 77), "?");
    ck_assert_str_eq(clg_finding_name((clg_finding) -1), "?");
    // a monitor that ends in the middle of a step, another device that is closed in the middle of one
    m = clg_monitor_create(t, NULL);
    ck_assert(clg_monitor_begin(m));
    clg_tensor y = clg_nn_linear(t, "fc", x, clg_nn_linear_params(.out = 2));
    clg_monitor_destroy(&m);
    clg_tensor g;
    ok(clg_grad_n(clg_sum(y, CLG_ALL, false), &y, 1, &g)); // no hook is left
    ok(clg_eval(clg_relu(y), g));
    clg_store_destroy(&t);
    clg_scope_pop(scope);
    clg_device other;
    ok(clg_device_open(&other, clg_device_params(.share = dev)));
    s = clg_store_create(other, 1);
    m = clg_monitor_create(s, NULL);
    ck_assert(clg_monitor_begin(m));
    ok(clg_monitor_watch(m, "x", clg_full(other, CLG_F32, CLG_SHAPE(3), 1)));
    clg_device_close(&other);
    ck_assert_int_eq(clg_monitor_end(m), CLG_EINVAL);
    ck_assert_int_eq(clg_monitor_read(m, NULL, &n), CLG_EINVAL);
    clg_monitor_destroy(&m);
    clg_store_destroy(&s);
    ck_assert_uint_eq(clg_device_get_stats(dev).handles, before.handles);
}
END_TEST

// ---- observers, and the names of operations

typedef struct seen {
    int n;
    char ops[100];
} seen;

static void note(clg_tensor y, const char *op, void *user)
{
    seen *s = user;
    s->n++;
    if (strlen(s->ops) + strlen(op) + 2 < sizeof s->ops)
        strcat(strcat(s->ops, op), " ");
    clg_neg(y); // is not seen itself
}

START_TEST(observers_see_what_is_recorded)
{
    seen a = { 0 }, b = { 0 };
    const clg_scope scope = clg_scope_push(dev);
    clg_tensor x = clg_track(clg_full(dev, CLG_F32, CLG_SHAPE(2), 1)), g;
    ok(clg_observe(dev, note, &a));
    ok(clg_observe(dev, note, &b));
    clg_tensor y = clg_exp(clg_relu(x));
    ok(clg_unobserve(dev, note, &b));
    ok(clg_grad_n(clg_sum(clg_tanh(y), CLG_ALL, false), &x, 1, &g)); // derivatives are not
    ok(clg_unobserve(dev, note, &a));
    clg_sin(y);
    ck_assert_msg(strstr(a.ops, "relu exp ") && strstr(a.ops, "tanh ") && !strstr(a.ops, "neg") && !strstr(a.ops, "sin"), "%s", a.ops);
    ck_assert_msg(strstr(b.ops, "relu exp ") && !strstr(b.ops, "tanh"), "%s", b.ops);
    misuse(clg_unobserve(dev, note, &a), "not observing");
    misuse(clg_observe(dev, NULL, NULL), "NULL");
    ck_assert_str_eq(clg_tensor_op(y), "exp");
    ck_assert_str_eq(clg_tensor_op(NULL), "");
    clg_scope_pop(scope);
}
END_TEST

// What clipping does with what is not a number, as its documentation has it.
START_TEST(clipping_of_what_is_not_finite)
{
    const float bad[2][3] = { { 1, NAN, 3 }, { 1, INFINITY, -3 } };
    const clg_scope scope = clg_scope_push(dev);
    for (int k = 0; k < 2; k++) {
        clg_tensor g[3] = { clg_upload(dev, CLG_F32, CLG_SHAPE(3), bad[k]), NULL, clg_full(dev, CLG_F32, CLG_SHAPE(2), 5) };
        clg_tensor v = g[0];
        const double norm = clg_item(clg_clip_grad_norm(g, 3, 1), NULL);
        double *a = read_all(g[0]), *b = read_all(g[2]);
        ck_assert(k == 0 ? isnan(norm) : isinf(norm));
        ck_assert(isnan(a[1]) && (k == 0 ? isnan(a[0]) && isnan(b[1]) : a[0] == 0 && b[1] == 0));
        ck_assert_ptr_null(g[1]);
        free(a);
        free(b);
        clg_clip_grad_value(&v, 1, 2);
        a = read_all(v);
        ck_assert(a[0] == 1 && (k == 0 ? isnan(a[1]) && a[2] == 2 : a[1] == 2 && a[2] == -2));
        free(a);
    }
    clg_scope_pop(scope);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor");
    TCase *c = tcase_create("monitor");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, statistics_are_those_of_a_sum_in_double);
    tcase_add_test(c, a_step_has_its_rows);
    tcase_add_test(c, nothing_else_changes);
    tcase_add_test(c, made_failures_are_found);
    tcase_add_test(c, healthy_training_is_left_alone);
    tcase_add_test(c, nan_is_told);
    tcase_add_test(c, misuse_is_refused);
    tcase_add_test(c, observers_see_what_is_recorded);
    tcase_add_test(c, clipping_of_what_is_not_finite);
    suite_add_tcase(s, c);
    return run_suite(s);
}
