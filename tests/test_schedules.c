// SPDX-License-Identifier: MIT
// Schedules: PyTorch's doubles after any number of steps (data/schedules.txt), states that resume; averages of weights.
#include "scratch.h"
#include "testing.h"

#include <unistd.h>

static char folder[] = "/tmp/clgrad_schedules_XXXXXX";

static clg_optim two_groups(clg_store s)
{
    clg_optim o = clg_optim_create(s, clg_optim_params(.rule = CLG_OPTIM_ADAM, .lr = 0.1));
    ck_assert_int_eq(clg_optim_group(o, "b*", clg_optim_params(.lr = 0.03)), 1);
    return o;
}

static double hyperbola(int64_t t, int group, void *user)
{
    (void) user;
    return group == 0 ? 1 / (1 + (double) t) : pow(.99, (double) t);
}

static double up_and_down(int64_t t, int group, void *user)
{
    (void) group;
    (void) user;
    return t % 2 ? .99 : 1.001;
}

static double metric_of(const char *name, long k)
{
    if (strcmp(name, "plateau") == 0)
        return 1 + (double) (k * 37 % 11) / (double) (k + 3);
    return k < 500 ? (double) k * .004 : NAN;
}

#define P(...) (*clg_schedule_params(__VA_ARGS__))
static const int64_t milestones[] = { 300, 3, 5, 5, 12, 20 };
typedef struct schedule_row {
    const char *name;
    int parts; // 0: one
    bool chained;
    struct clg_schedule_params p[3];
    int64_t at[2];
} schedule_row;

static clg_schedule make(const char *name, clg_optim o)
{
    const schedule_row rows[] = {
        { "lambda", .p = { P(CLG_SCHEDULE_LAMBDA, .factor_of = hyperbola) } },
        { "multiplicative", .p = { P(CLG_SCHEDULE_MULTIPLICATIVE, .factor_of = up_and_down) } },
        { "step", .p = { P(CLG_SCHEDULE_STEP, .steps = 7, .gamma = .9) } },
        { "multi_step", .p = { P(CLG_SCHEDULE_MULTI_STEP, .milestones = milestones, .n_milestones = 6, .gamma = .3) } },
        { "constant", .p = { P(CLG_SCHEDULE_CONSTANT, .steps = 4, .factor = .3) } },
        { "linear", .p = { P(CLG_SCHEDULE_LINEAR, .steps = 300, .start_factor = .1, .end_factor = .7) } },
        { "linear_plain", .p = { P(CLG_SCHEDULE_LINEAR) } },
        { "exponential", .p = { P(CLG_SCHEDULE_EXPONENTIAL, .gamma = .993) } },
        { "polynomial", .p = { P(CLG_SCHEDULE_POLYNOMIAL, .steps = 900, .power = .9) } },
        { "cosine", .p = { P(CLG_SCHEDULE_COSINE, .steps = 11, .min_lr = 1e-3) } },
        { "cosine_long", .p = { P(CLG_SCHEDULE_COSINE, .steps = 999) } },
        { "restarts", .p = { P(CLG_SCHEDULE_COSINE_RESTARTS, .steps = 5, .times = 2, .min_lr = 1e-4) } },
        { "restarts_plain", .p = { P(CLG_SCHEDULE_COSINE_RESTARTS, .steps = 13) } },
        { "one_cycle", .p = { P(CLG_SCHEDULE_ONE_CYCLE, .max_lr = .5, .steps = 1000) } },
        { "one_cycle_linear", .p = { P(CLG_SCHEDULE_ONE_CYCLE, .max_lr = .5, .steps = 24, .pct = .2, .linear = true,
                                       .three_phase = true, .div = 7, .final_div = 30, .base_momentum = .6) } },
        { "one_cycle_short", .p = { P(CLG_SCHEDULE_ONE_CYCLE, .max_lr = .5, .steps = 10, .no_cycle_momentum = true) } },
        { "chained", 3, true, { P(CLG_SCHEDULE_CONSTANT, .factor = .1, .steps = 2), P(CLG_SCHEDULE_EXPONENTIAL, .gamma = .99),
                                P(CLG_SCHEDULE_STEP, .steps = 50) } , { 0 } },
        { "sequential", 3, false, { P(CLG_SCHEDULE_LINEAR, .start_factor = .01, .steps = 10),
                                    P(CLG_SCHEDULE_COSINE, .steps = 90, .min_lr = 1e-5),
                                    P(CLG_SCHEDULE_EXPONENTIAL, .gamma = .999) }, { 10, 100 } },
        { "sequential_restarts", 3, false, { P(CLG_SCHEDULE_CONSTANT, .factor = .1, .steps = 3),
                                             P(CLG_SCHEDULE_COSINE_RESTARTS, .steps = 4, .times = 3),
                                             P(CLG_SCHEDULE_STEP, .steps = 3, .gamma = .5) }, { 5, 600 } },
        { "plateau", .p = { P(CLG_SCHEDULE_PLATEAU, .factor = .5, .patience = 3, .cooldown = 2, .min_lr = 1e-3) } },
        { "plateau_max", .p = { P(CLG_SCHEDULE_PLATEAU, .higher = true, .absolute = true, .threshold = .01, .patience = 1) } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        clg_schedule part[3];
        const int n = rows[i].parts ? rows[i].parts : 1;
        for (int k = 0; k < n; k++) {
            part[k] = clg_schedule_create(o, &rows[i].p[k]);
            ck_assert_msg(part[k] != NULL, "%s: %s", name, clg_error(dev, 0));
        }
        clg_schedule s = n == 1 ? part[0] : rows[i].chained ? clg_schedule_chained(part, n) : clg_schedule_sequential(part, n, rows[i].at);
        ck_assert_msg(s != NULL, "%s: %s", name, clg_error(dev, 0));
        return s;
    }
    ck_abort_msg("no schedule %s", name);
    return NULL;
}

static void go(clg_schedule s, const char *name, long k)
{
    if (strncmp(name, "plateau", 7) == 0)
        ok(clg_schedule_step_metric(s, metric_of(name, k)));
    else
        ok(clg_schedule_step(s));
}

typedef struct run {
    clg_store store;
    clg_optim o;
    clg_schedule s;
} run;

static run begin(const char *name)
{
    run r = { .store = clg_store_create(dev, 1) };
    r.o = two_groups(r.store);
    r.s = make(name, r.o);
    return r;
}

static void end(run *r)
{
    clg_schedule_destroy(&r->s);
    clg_optim_destroy(&r->o);
    clg_store_destroy(&r->store);
}

// Saved and loaded in another optimizer every so often, a run has the same rates.
START_TEST(pytorchs_rates)
{
    char line[200], name[40] = "", text[2000];
    int schedules = 0;
    long t = 0;
    run r = { 0 };
    FILE *f = fopen(getenv("CLGRAD_SCHEDULES"), "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#')
            continue;
        if (sscanf(line, "schedule %39s", name) == 1) {
            end(&r);
            r = begin(name);
            t = 0;
            schedules++;
            continue;
        }
        char *at = line;
        const long to = strtol(line, &at, 10);
        double want[3];
        for (int i = 0; i < 3; i++)
            want[i] = strtod(at, &at);
        for (; t < to; t++) {
            if (t % 7 == 3) {
                ck_assert_uint_le(clg_schedule_save(r.s, NULL, 0), sizeof text);
                ck_assert_uint_gt(clg_schedule_save(r.s, text, sizeof text), 0);
                run next = begin(name);
                ok(clg_schedule_load(next.s, text));
                end(&r);
                r = next;
            }
            go(r.s, name, t);
        }
        // behind three counts: rate, momentum and beta1 of group 0
        clg_schedule_save(r.s, text, sizeof text);
        uint64_t bits = 0;
        double beta1;
        for (int i = 80; i < 96; i++)
            bits = bits << 4 | (uint64_t) (text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
        memcpy(&beta1, &bits, sizeof beta1);
        ck_assert_msg(beta1 == want[2], "%s: beta1 of step %ld is %.17g, not %.17g", name, to, beta1, want[2]);
        const double got[2] = { clg_optim_group_lr(r.o, 0), clg_optim_group_lr(r.o, 1) };
        for (int i = 0; i < 2; i++)
            ck_assert_msg(got[i] == want[i], "%s: rate %d of step %ld is %.17g, not %.17g", name, i, to, got[i], want[i]);
    }
    fclose(f);
    end(&r);
    ck_assert_int_eq(schedules, 21);
}
END_TEST

static void says(const char *words)
{
    ck_assert_msg(strstr(clg_error(dev, 0), words) != NULL, "'%s' lacks '%s'", clg_error(dev, 0), words);
    clg_error_clear(dev);
}

START_TEST(what_is_refused)
{
    clg_store store = clg_store_create(dev, 1);
    clg_optim o = two_groups(store), other = two_groups(store);
    const struct {
        struct clg_schedule_params p;
        const char *words;
    } rows[] = {
        { P(CLG_SCHEDULE_NONE), "no such kind" }, { P(CLG_SCHEDULE_PLATEAU + 1), "no such kind" },
        { P(CLG_SCHEDULE_STEP), "steps are missing" }, { P(CLG_SCHEDULE_STEP, .steps = -3), "steps are missing" },
        { P(CLG_SCHEDULE_STEP, .steps = 3, .gamma = NAN), "not finite" }, { P(CLG_SCHEDULE_EXPONENTIAL), "gamma is missing" },
        { P(CLG_SCHEDULE_LAMBDA), "factor_of is NULL" }, { P(CLG_SCHEDULE_MULTI_STEP, .n_milestones = 2), "milestones" },
        { P(CLG_SCHEDULE_CONSTANT, .factor = 2), "factor" }, { P(CLG_SCHEDULE_LINEAR, .start_factor = -1), "start_factor" },
        { P(CLG_SCHEDULE_ONE_CYCLE, .steps = 3), "max_lr" }, { P(CLG_SCHEDULE_ONE_CYCLE, .steps = 3, .max_lr = 1, .pct = 2), "pct" },
        { P(CLG_SCHEDULE_PLATEAU, .factor = 1), "below 1" }, { P(CLG_SCHEDULE_COSINE, .steps = 4, .group = 2, .one_group = true), "group" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_ptr_null(clg_schedule_create(o, &rows[i].p));
        says(rows[i].words);
    }
    ck_assert_ptr_null(clg_schedule_create(o, NULL));
    says("NULL");
    ck_assert_double_eq(clg_optim_lr(o), 0.1);
    clg_schedule s[2] = { clg_schedule_create(o, clg_schedule_params(CLG_SCHEDULE_EXPONENTIAL, .gamma = .5, .group = 1, .one_group = true)),
                          clg_schedule_create(other, clg_schedule_params(CLG_SCHEDULE_PLATEAU)) };
    ok(clg_schedule_step(s[0]));
    ck_assert_double_eq(clg_optim_group_lr(o, 0), 0.1);
    ck_assert_double_eq(clg_optim_group_lr(o, 1), 0.015);
    ck_assert_int_eq(clg_schedule_step(s[1]), CLG_EINVAL);
    says("metric");
    ck_assert_int_eq(clg_schedule_step_metric(s[0], 1), CLG_EINVAL);
    says("only a plateau");
    ck_assert_ptr_null(clg_schedule_chained(s, 2));
    says("several optimizers");
    ck_assert_ptr_null(clg_schedule_chained((clg_schedule[]) { s[0], s[0] }, 2));
    says("two parts");
#ifndef CLG_DEBUG // a trap
    ck_assert_ptr_null(clg_schedule_chained(s, 0));
#endif
    char text[2000], longer[2001];
    const size_t n = clg_schedule_save(s[0], text, sizeof text);
    ck_assert_uint_eq(n, strlen(text) + 1);
    ck_assert_int_eq(clg_schedule_load(s[1], text), CLG_EFORMAT);
    snprintf(longer, sizeof longer, "%s0", text);
    ck_assert_int_eq(clg_schedule_load(s[0], longer), CLG_EFORMAT);
    ck_assert_int_eq(clg_schedule_load(s[0], ""), CLG_EFORMAT);
    text[20] = 'G';
    ck_assert_int_eq(clg_schedule_load(s[0], text), CLG_EFORMAT);
    ck_assert_int_eq(clg_schedule_load(s[0], NULL), CLG_EINVAL);
    ck_assert_double_eq(clg_optim_group_lr(o, 1), 0.015);
    ck_assert_int_eq(clg_schedule_step(NULL), CLG_EINVAL);
    ck_assert_uint_eq(clg_schedule_save(NULL, NULL, 0), 0);
    clg_error_clear(dev);
#ifndef CLG_DEBUG
    clg_schedule copy = s[0];
    clg_schedule_destroy(&s[0]);
    clg_schedule_destroy(&copy);
    says("destroyed already");
    clg_optim_destroy(&other);
    ck_assert_int_eq(clg_schedule_step_metric(s[1], 1), CLG_EINVAL);
    says("optimizer was destroyed");
#endif
    clg_schedule_destroy(&s[0]);
    clg_schedule_destroy(&s[1]);
    clg_optim_destroy(&o);
    clg_optim_destroy(&other);
    clg_store_destroy(&store);
}
END_TEST

// ---- averages

static double first_of(clg_store s, const char *name)
{
    clg_scope scope = clg_scope_push(dev);
    clg_tensor v = clg_reshape(clg_cast(clg_var_value(clg_store_find(s, name)), CLG_F32), CLG_SHAPE(-1));
    const double x = clg_item(clg_slice(v, 0, 0, 1, 1), NULL);
    clg_scope_pop(scope);
    return x;
}

static void set(clg_store s, const char *name, double v)
{
    clg_scope scope = clg_scope_push(dev);
    clg_tensor old = clg_var_value(clg_store_find(s, name));
    ok(clg_var_assign(clg_store_find(s, name), clg_full(dev, old->dtype, old->shape, v)));
    ok(clg_eval_assigned(dev));
    clg_scope_pop(scope);
}

START_TEST(averages)
{
    char path[200];
    snprintf(path, sizeof path, "%s/average.safetensors", folder);
    for (int equal = 0; equal < 2; equal++) {
        const struct clg_average_params *p = clg_average_params(.decay = 0.75, .equal = equal);
        clg_store s = clg_store_create(dev, 1), l = clg_store_create(dev, 1);
        clg_scope scope = clg_scope_push(dev);
        clg_var low = clg_var_create(clg_full(dev, CLG_BF16, CLG_SHAPE(3), 1));
        clg_scope_pop(scope);
        ok(clg_store_put(s, "low", low));
        ck_assert_ptr_nonnull(clg_store_param(s, "w", CLG_SHAPE(20), (clg_init) { CLG_INIT_CONSTANT, 1, 0 }, 0));
        clg_optim o = clg_optim_create(s, clg_optim_params(.rule = CLG_OPTIM_SGD));
        ck_assert_int_eq(clg_store_use_average(s, true), CLG_EINVAL);
        says("there are no averages");
        double mean = 1, sum = 0;
        for (int k = 0; k < 5; k++) {
            const double w = 1 + k * k;
            set(s, "w", w);
            set(s, "low", w);
            scope = clg_scope_push(dev);
            ok(clg_store_average(s, p));
            ok(clg_eval_assigned(dev));
            clg_scope_pop(scope);
            sum += w;
            mean = equal ? sum / (k + 1) : k == 0 ? w : 0.75 * mean + 0.25 * w;
            if (k == 2) { // the rest by a store that was loaded
                ok(clg_store_save(s, path, NULL));
                ok(clg_store_load(s, path));
            }
        }
        ck_assert_double_eq_tol(first_of(s, "optim.average.w"), mean, 1e-6);
        ck_assert_double_eq_tol(first_of(s, "optim.average.low"), mean, 1e-6);
        ok(clg_store_use_average(s, true));
        ok(clg_store_use_average(s, true));
        ck_assert_double_eq_tol(first_of(s, "w"), mean, 1e-6);
        ck_assert_double_eq_tol(first_of(s, "low"), mean, 4e-2);
        ck_assert_int_eq(clg_store_average(s, p), CLG_EINVAL);
        says("in use");
        scope = clg_scope_push(dev);
        ck_assert_int_eq(clg_optim_step(o, clg_sum(clg_var_value(clg_store_find(s, "w")), CLG_ALL, false)), CLG_EINVAL);
        says("averages are in the place");
        clg_scope_pop(scope);
        ok(clg_store_save(s, path, NULL));
        ok(clg_store_use_average(s, false));
        ck_assert_double_eq(first_of(s, "w"), 17);
        ck_assert_double_eq(first_of(s, "low"), 17);
        ck_assert_double_eq_tol(first_of(s, "optim.average.low"), mean, 1e-6);
        // a file that was saved meanwhile has the averages for weights, and they can be used after it was loaded
        ok(clg_store_load(l, path));
        ck_assert_ptr_nonnull(clg_store_param(l, "w", CLG_SHAPE(20), (clg_init) { 0 }, 0));
        ck_assert_double_eq_tol(first_of(l, "w"), mean, 1e-6);
        ok(clg_store_use_average(l, true));
        ck_assert_double_eq_tol(first_of(l, "w"), mean, 1e-6);
        clg_optim_destroy(&o);
        clg_store_destroy(&s);
        clg_store_destroy(&l);
        clg_var_destroy(&low);
    }
    clg_store s = clg_store_create(dev, 1);
    const double wrong[] = { -0.1, 1.1, NAN };
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(clg_store_average(s, clg_average_params(.decay = wrong[i])), CLG_EINVAL);
    clg_error_clear(dev);
    clg_store_destroy(&s);
}
END_TEST

int main(void)
{
    if (!scratch_made(folder) || !getenv("CLGRAD_SCHEDULES"))
        return 77;
    Suite *s = suite_create("schedules");
    TCase *c = tcase_create("rates");
    tcase_add_test(c, pytorchs_rates);
    tcase_add_test(c, what_is_refused);
    tcase_add_test(c, averages);
    suite_add_tcase(s, c);
    return run_suite(s);
}
