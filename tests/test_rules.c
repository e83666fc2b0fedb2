// SPDX-License-Identifier: MIT
// Optimizers of every rule against PyTorch's numbers (data/optim.txt), in every type; groups, parameters without
// a gradient, resumed runs, and what is refused.
#include "scratch.h"
#include "testing.h"

#include <stddef.h>
#include <unistd.h>

enum { ELEMENTS = 20, STEPS = 20, LINE = 4096 };
static char folder[] = "/tmp/clgrad_rules_XXXXXX";
static double weights[ELEMENTS], gradients[STEPS][ELEMENTS];

static void read_numbers(char *text, double *out)
{
    for (int i = 0; i < ELEMENTS; i++)
        out[i] = strtod(text, &text);
}

// ---- a case of the file

typedef struct golden_case {
    char name[32];
    clg_dtype type; // F64: the numbers serve F32 too
    clg_shape shape;
    bool third;
    struct clg_optim_params p;
    double after[2][ELEMENTS]; // 1 and 20 steps
} golden_case;

#define FIELD(kind, f) { #f, kind, offsetof(struct clg_optim_params, f) }
static const struct {
    const char *name;
    char kind;
    size_t at;
} fields[] = {
    FIELD('i', rule), FIELD('d', lr), FIELD('d', weight_decay), FIELD('d', beta1), FIELD('d', beta2), FIELD('d', eps),
    FIELD('d', momentum), FIELD('d', dampening), FIELD('d', alpha), FIELD('d', lr_decay), FIELD('d', initial),
    FIELD('d', momentum_decay), FIELD('i', ns_steps), FIELD('i', adjust), FIELD('b', nesterov),
    FIELD('b', no_nesterov), FIELD('b', maximize), FIELD('b', amsgrad), FIELD('b', centered), FIELD('b', decoupled),
    FIELD('b', master), FIELD('b', no_decay),
};

static void set_field(struct clg_optim_params *p, const char *name, double v)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char *to = (char *) p + fields[i].at;
        if (strcmp(fields[i].name, name) != 0)
            continue;
        if (fields[i].kind == 'd')
            memcpy(to, &v, sizeof v);
        else if (fields[i].kind == 'i')
            *(int *) (void *) to = (int) v;
        else
            *(bool *) to = v != 0;
        return;
    }
    ck_abort_msg("no field %s", name);
}

static void read_case(char *line, golden_case *c)
{
    char type[8], when[8];
    long rows, columns;
    int at = 0;
    memset(c, 0, sizeof *c);
    c->p.size = sizeof c->p;
    ck_assert_int_eq(sscanf(line, "case %31s %7s %ldx%ld %7s%n", c->name, type, &rows, &columns, when, &at), 5);
    c->type = strcmp(type, "f16") == 0 ? CLG_F16 : strcmp(type, "bf16") == 0 ? CLG_BF16 : CLG_F64;
    c->shape = CLG_SHAPE(rows, columns);
    c->third = strcmp(when, "third") == 0;
    for (char *word = strtok(line + at, " \n"); word; word = strtok(NULL, " \n")) {
        char *is = strchr(word, '=');
        ck_assert_ptr_nonnull(is);
        *is = '\0';
        set_field(&c->p, word, strtod(is + 1, NULL));
    }
}

static int read_cases(golden_case *out, int room)
{
    char line[LINE];
    int n = 0, steps = 0;
    FILE *f = fopen(getenv("CLGRAD_OPTIM"), "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "weights ", 8) == 0)
            read_numbers(line + 8, weights);
        else if (strncmp(line, "gradients ", 10) == 0)
            read_numbers(line + 10, gradients[steps++]);
        else if (strncmp(line, "case ", 5) == 0 && n < room)
            read_case(line, &out[n++]);
        else if (line[0] != '#')
            read_numbers(strchr(line, ' '), out[n - 1].after[line[0] == '2']);
    }
    fclose(f);
    ck_assert_int_eq(steps, STEPS);
    return n;
}

// ---- running one

static clg_tensor numbers(const double *v, clg_dtype t, clg_shape shape)
{
    float few[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++)
        few[i] = (float) v[i];
    return t == CLG_F64 ? clg_upload(dev, t, shape, v) : clg_cast(clg_upload(dev, CLG_F32, shape, few), t);
}

static clg_var variable(clg_dtype t, clg_shape shape)
{
    clg_scope scope = clg_scope_push(dev);
    clg_var v = clg_var_create(numbers(weights, t, shape));
    clg_scope_pop(scope);
    ck_assert_ptr_nonnull(v);
    return v;
}

static double *values(clg_var v)
{
    clg_scope scope = clg_scope_push(dev);
    double *all = read_all(clg_var_value(v));
    clg_scope_pop(scope);
    return all;
}

// One step with the file's gradients, of n parameters of ELEMENTS each; without: a bit for each that has none.
static void step(clg_optim o, const clg_var *v, int n, int k, unsigned without)
{
    clg_tensor *g, loss = NULL, grads[4];
    int count;
    clg_scope scope = clg_scope_push(dev);
    for (int i = 0; i < n; i++) {
        clg_tensor w = clg_var_value(v[i]), sum = clg_cast(clg_sum(w, CLG_ALL, false), CLG_F32);
        loss = loss ? clg_add(loss, sum) : sum;
        grads[i] = without >> i & 1 ? NULL : numbers(gradients[k], w->dtype, w->shape);
    }
    ok(clg_optim_grads(o, loss, &g, &count));
    ck_assert_int_eq(count, n);
    ok(clg_optim_apply(o, grads, n));
    ok(clg_eval_assigned(dev));
    clg_scope_pop(scope);
}

static void expect_case(const golden_case *c, clg_dtype t)
{
    clg_store s = clg_store_create(dev, 1);
    clg_var v = variable(t, c->shape);
    ok(clg_store_put(s, "w", v));
    clg_optim o = clg_optim_create(s, &c->p);
    ck_assert_msg(o != NULL, "%s: %s", c->name, clg_error(dev, 0));
    // Of a step that is rounded to few bits the next one is made; f32's bounds are some units of the rate
    const double ulp = t == CLG_F64 ? 0x1p-52 : t == CLG_F32 ? 0x1p-23 : t == CLG_F16 ? 0x1p-10 : 0x1p-7;
    const double units = t == CLG_F64 || t == CLG_F32 ? 16 : 2;
    for (int k = 0; k < STEPS; k++) {
        step(o, &v, 1, k, c->third && k % 3 != 0);
        if (k != 0 && k != STEPS - 1)
            continue;
        double *got = values(v);
        const double *want = c->after[k > 0];
        for (int i = 0; i < ELEMENTS; i++) {
            const double bound = units * (k + 1) * ulp * (t == CLG_F16 || t == CLG_BF16 ? fabs(want[i]) / (k + 1) + ulp / 8
                                                                                        : fmax(fabs(want[i]), 0.25));
            ck_assert_msg(fabs(got[i] - want[i]) <= bound, "%s %s: step %d: w[%d] is %.9g, not %.9g: %.1f bounds", c->name,
                          clg_dtype_name(t), k + 1, i, got[i], want[i], fabs(got[i] - want[i]) / bound);
        }
        free(got);
    }
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    clg_var_destroy(&v);
}

static golden_case cases[64];
static int n_cases;

START_TEST(pytorchs_numbers)
{
    const bool wide = clg_device_get_info(dev)->fp64;
    for (int i = 0; i < n_cases; i++) {
        const golden_case *c = &cases[i];
        if (c->type != CLG_F64 && in_turn(i, 6))
            expect_case(c, c->type);
        if (c->type == CLG_F64 && in_turn(i, 16))
            expect_case(c, CLG_F32);
        if (c->type == CLG_F64 && wide && in_turn(i + 2, 32))
            expect_case(c, CLG_F64);
    }
}
END_TEST

static const golden_case *named(const char *name)
{
    for (int i = 0; i < n_cases; i++) {
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    }
    ck_abort_msg("no case %s", name);
    return NULL;
}

static void same_values(clg_var a, clg_var b)
{
    double *x = values(a), *y = values(b);
    for (int i = 0; i < ELEMENTS; i++)
        ck_assert_msg(x[i] == y[i], "[%d]: %.17g, not %.17g", i, x[i], y[i]);
    free(x);
    free(y);
}

static bool is_matrix(const char *name, clg_shape shape, void *user)
{
    ++*(int *) user;
    return shape.rank == 2 && name[0] != 'e';
}

// Each group has the numbers of a case, and gives what that case gives alone.
START_TEST(groups_are_apart)
{
    const golden_case *c[3] = { named("adam"), named("sgd_momentum"), named("adamw") };
    static const char *const names[] = { "body.weight", "body.bias", "embed.bias" };
    clg_var v[3], alone[3];
    int asked = 0;
    clg_store s = clg_store_create(dev, 1);
    clg_optim o = clg_optim_create(s, &c[0]->p);
    ck_assert_int_eq(clg_optim_group(o, "*.bias", &c[1]->p), 1);
    ck_assert_int_eq(clg_optim_group(o, "e*d.*s", &c[2]->p), 2);
    ck_assert_int_eq(clg_optim_group_by(o, is_matrix, &asked, clg_optim_params(.lr = 0.5)), 3);
    ck_assert_int_eq(clg_optim_group_count(o), 4);
    clg_optim_group_set_lr(o, 3, 0.02); // Adam's numbers otherwise
    ck_assert_double_eq(clg_optim_group_lr(o, 1), 0.1);
    ck_assert_double_eq(clg_optim_group_lr(o, 3), 0.02);
    for (int i = 0; i < 3; i++) {
        v[i] = variable(CLG_F32, i == 0 ? CLG_SHAPE(4, 5) : CLG_SHAPE(20));
        alone[i] = variable(CLG_F32, i == 0 ? CLG_SHAPE(4, 5) : CLG_SHAPE(20));
        ok(clg_store_put(s, names[i], v[i]));
        clg_store t = clg_store_create(dev, 1);
        ok(clg_store_put(t, "w", alone[i]));
        clg_optim p = clg_optim_create(t, &c[i]->p);
        for (int k = 0; k < 3; k++)
            step(p, &alone[i], 1, k, 0);
        clg_optim_destroy(&p);
        clg_store_destroy(&t);
    }
    for (int k = 0; k < 3; k++)
        step(o, v, 3, k, 0);
    ck_assert_int_gt(asked, 0);
    for (int i = 0; i < 3; i++) {
        same_values(v[i], alone[i]);
        clg_var_destroy(&alone[i]);
    }
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    for (int i = 0; i < 3; i++)
        clg_var_destroy(&v[i]);
}
END_TEST

// A rate or another number that changes, or meets another, makes no plan and compiles nothing.
START_TEST(numbers_are_arguments)
{
    const double rates[] = { 0.02, 0.9, 0.1, 0.999, 1, 1e-3, 0, 1e-8, -1 };
    clg_store s = clg_store_create(dev, 1);
    clg_var v[2] = { variable(CLG_F32, CLG_SHAPE(4, 5)), variable(CLG_F32, CLG_SHAPE(20)) };
    ok(clg_store_put(s, "a", v[0]));
    ok(clg_store_put(s, "b", v[1]));
    clg_optim o = clg_optim_create(s, &named("adam")->p);
    ck_assert_int_eq(clg_optim_group(o, "b", clg_optim_params(.lr = 0.1)), 1);
    for (int k = 0; k < 2; k++)
        step(o, v, 2, k, 0);
    clg_device_stats before;
    before = clg_device_get_stats(dev);
    for (int k = 0; k < 9; k++) {
        clg_optim_group_set_lr(o, 1, rates[k]);
        clg_optim_group_set_lr(o, 0, rates[8 - k]);
        ok(clg_optim_group_set(o, 0, clg_optim_params(.beta1 = 0.9 - k * 0.1, .beta2 = 0.9, 
                                                         .eps = k + 1e-6)));
        step(o, v, 2, 2 + k, 0);
    }
    const clg_device_stats after = clg_device_get_stats(dev);
    ck_assert_int_eq(after.plan_misses, before.plan_misses);
    ck_assert_int_eq(after.programs_built, before.programs_built);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    for (int i = 0; i < 2; i++)
        clg_var_destroy(&v[i]);
}
END_TEST

// A gradient of NULL is no step: weights, state and count stay, decay too. A gradient of zeros is a step.
START_TEST(without_a_gradient)
{
    clg_var v[2] = { variable(CLG_F32, CLG_SHAPE(4, 5)), variable(CLG_F32, CLG_SHAPE(4, 5)) }, alone = variable(CLG_F32, CLG_SHAPE(4, 5));
    const struct clg_optim_params *p = clg_optim_params(.rule = CLG_OPTIM_ADAMW, .lr = 0.1, .weight_decay = 0.5);
    clg_store s = clg_store_create(dev, 1), t = clg_store_create(dev, 1);
    ok(clg_store_put(s, "a", v[0]));
    ok(clg_store_put(s, "b", v[1]));
    ok(clg_store_put(t, "b", alone));
    clg_optim o = clg_optim_create(s, p), q = clg_optim_create(t, p);
    for (int k = 0; k < 6; k++) {
        const bool without = k == 0 || k == 2 || k == 3;
        step(o, v, 2, k, without ? 2 : 0);
        if (!without)
            step(q, &alone, 1, k, 0);
        if (k == 0)
            ck_assert_ptr_null(clg_store_find(s, "optim.m.b"));
    }
    same_values(v[1], alone);
    // the loss does not reach b
    for (int i = 0; i < 2; i++) {
        clg_scope scope = clg_scope_push(dev);
        double *before = values(v[1]), *after;
        clg_tensor loss = clg_sum(clg_var_value(v[0]), CLG_ALL, false);
        if (i)
            loss = clg_add(loss, clg_sum(clg_mul_scalar(clg_var_value(v[1]), 0), CLG_ALL, false));
        ok(clg_optim_step(o, loss));
        ok(clg_eval_assigned(dev));
        after = values(v[1]);
        ck_assert(i ? before[0] != after[0] : before[0] == after[0]);
        free(before);
        free(after);
        clg_scope_pop(scope);
    }
    clg_scope scope = clg_scope_push(dev);
    ck_assert_int_eq(clg_optim_step(o, clg_sum(clg_var_value(alone), CLG_ALL, false)), CLG_EGRAD);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "'a'"));
    clg_error_clear(dev);
    clg_scope_pop(scope);
    clg_optim_destroy(&o);
    clg_optim_destroy(&q);
    clg_store_destroy(&s);
    clg_store_destroy(&t);
    clg_var_destroy(&v[0]);
    clg_var_destroy(&v[1]);
    clg_var_destroy(&alone);
}
END_TEST

// Saved in the middle and loaded by another store, a run ends with the same bits; with steps left out too.
START_TEST(resumed_equals_uninterrupted)
{
    static const char *const names[] = { "adam_amsgrad", "rmsprop_all", "nadam", "adagrad_decay", "master_bf16", "radam", "adamax",
                                         "adadelta", "lion", "lamb", "muon", "sgd_momentum" };
    char path[200];
    snprintf(path, sizeof path, "%s/run.safetensors", folder);
    for (int r = 0; r < 12; r++) {
        const golden_case *c = named(names[r]);
        const clg_dtype t = c->type == CLG_F64 ? CLG_F32 : c->type;
        if (!in_turn(r, 12))
            continue;
        clg_var v[2], w[2];
        clg_store s = clg_store_create(dev, 1), l = clg_store_create(dev, 2);
        clg_optim o = clg_optim_create(s, &c->p), p = clg_optim_create(l, &c->p);
        for (int i = 0; i < 2; i++) {
            v[i] = variable(t, c->shape);
            w[i] = variable(t, c->shape);
            ok(clg_store_put(s, i ? "b" : "a", v[i]));
        }
        for (int k = 0; k < 4; k++)
            step(o, v, 2, k, k == 2 ? 2 : 0);
        ok(clg_store_save(s, path, NULL));
        ok(clg_store_load(l, path));
        for (int i = 0; i < 2; i++)
            ok(clg_store_put(l, i ? "b" : "a", w[i]));
        for (int k = 4; k < 8; k++) {
            step(o, v, 2, k, k == 5 ? 1 : 0);
            step(p, w, 2, k, k == 5 ? 1 : 0);
        }
        for (int i = 0; i < 2; i++)
            same_values(v[i], w[i]);
        ck_assert_int_eq(clg_store_count(s), clg_store_count(l));
        clg_optim_destroy(&o);
        clg_optim_destroy(&p);
        clg_store_destroy(&s);
        clg_store_destroy(&l);
        for (int i = 0; i < 2; i++) {
            clg_var_destroy(&v[i]);
            clg_var_destroy(&w[i]);
        }
    }
}
END_TEST

static void says(const char *words)
{
    ck_assert_msg(strstr(clg_error(dev, 0), words) != NULL, "'%s' lacks '%s'", clg_error(dev, 0), words);
    clg_error_clear(dev);
}

START_TEST(what_is_refused)
{
    const struct {
        struct clg_optim_params p;
        const char *words;
    } rows[] = {
        { { .rule = 0 }, "0 is no rule" },
        { { .rule = 13 }, "13 is no rule" },
        { { .rule = -1 }, "-1 is no rule" },
        { { .rule = CLG_OPTIM_RMSPROP, .lr = -1 }, "lr is -1" },
        { { .rule = CLG_OPTIM_RMSPROP, .alpha = 1 }, "alpha is 1" },
        { { .rule = CLG_OPTIM_RMSPROP, .beta1 = .9 }, "beta1 is 0.9, which rmsprop does not have" },
        { { .rule = CLG_OPTIM_ADAMAX, .beta2 = 1 }, "beta2 is 1" },
        { { .rule = CLG_OPTIM_NADAM, .eps = NAN }, "eps is nan" },
        { { .rule = CLG_OPTIM_LION, .weight_decay = INFINITY }, "weight_decay is inf" },
        { { .rule = CLG_OPTIM_LION, .eps = 1e-8 }, "eps is 1e-08, which lion does not have" },
        { { .rule = CLG_OPTIM_ADAGRAD, .initial = -1 }, "initial is -1" },
        { { .rule = CLG_OPTIM_SGD, .nesterov = true }, "nesterov with momentum 0" },
        { { .rule = CLG_OPTIM_SGD, .amsgrad = true }, "amsgrad is set, which sgd does not have" },
        { { .rule = CLG_OPTIM_SGD, .dampening = NAN }, "dampening is nan" },
        { { .rule = CLG_OPTIM_ADAM, .lr = 1, .no_lr = true }, "a flag says" },
        { { .rule = CLG_OPTIM_ADAM, .ns_steps = 3 }, "ns_steps is 3" },
        { { .rule = CLG_OPTIM_MUON, .ns_steps = 100 }, "ns_steps is 100" },
        { { .rule = CLG_OPTIM_MUON, .adjust = 3 }, "3 is no way" },
        { { .rule = CLG_OPTIM_MUON, .nesterov = true, .no_nesterov = true }, "nesterov is set" },
    };
    clg_store s = clg_store_create(dev, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct clg_optim_params p = rows[i].p;
        p.size = sizeof p;
        ck_assert_ptr_null(clg_optim_create(s, &p));
        says(rows[i].words);
    }
    ck_assert_ptr_null(clg_optim_create(s, NULL));
    says("NULL params");
    clg_var v = variable(CLG_F32, CLG_SHAPE(20)), whole;
    clg_scope scope = clg_scope_push(dev);
    whole = clg_var_create(clg_zeros(dev, CLG_I32, CLG_SHAPE(3)));
    ck_assert_int_eq(clg_store_put(s, "whole", whole), CLG_EDTYPE);
    says("'whole' is i32");
    ck_assert_int_eq(clg_store_put(s, "optim.m.w", v), CLG_EINVAL);
    says("optim.m.w");
#ifndef CLG_DEBUG // a trap
    ck_assert_int_lt(clg_store_put(s, "none", NULL), 0);
    clg_error_clear(dev);
#endif
    ok(clg_store_put(s, "w", v));
    ok(clg_store_put(s, "w", v));
    ck_assert_int_eq(clg_store_put(s, "w", whole), CLG_EDTYPE);
    clg_error_clear(dev);
    clg_tensor *g, loss = clg_sum(clg_var_value(v), CLG_ALL, false);
    int n;
    clg_optim o = clg_optim_create(s, clg_optim_params(.rule = CLG_OPTIM_MUON));
    ck_assert_int_eq(clg_optim_step(o, loss), CLG_ESHAPE);
    says("muon updates matrices, 'w' is 20");
    ck_assert_int_eq(clg_optim_group(o, NULL, clg_optim_params(.lr = 1)), CLG_EINVAL);
    ck_assert_int_eq(clg_optim_group_by(o, NULL, NULL, clg_optim_params(.lr = 1)), CLG_EINVAL);
    ck_assert_int_eq(clg_optim_group(o, "*", clg_optim_params(.lr = -1)), CLG_EINVAL);
    clg_error_clear(dev);
    ck_assert_int_eq(clg_optim_group_set(o, 1, clg_optim_params(.lr = 1)), CLG_EINVAL);
    says("there is no group 1");
    ck_assert_int_eq(clg_optim_group(o, "*", clg_optim_params(.rule = CLG_OPTIM_ADAM)), 1);
    ok(clg_optim_grads(o, loss, &g, &n));
    clg_tensor wrong[] = { clg_zeros(dev, CLG_F32, CLG_SHAPE(1)), clg_zeros(dev, CLG_I32, CLG_SHAPE(20)) };
    ck_assert_int_eq(clg_optim_apply(o, &wrong[0], 1), CLG_ESHAPE);
    says("the gradient of 'w' is 1");
    ck_assert_int_eq(clg_optim_apply(o, &wrong[1], 1), CLG_EDTYPE);
    clg_error_clear(dev);
    ck_assert_ptr_null(clg_store_find(s, "optim.step"));
    clg_scope_pop(scope);
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
    clg_var_destroy(&v);
    clg_var_destroy(&whole);
}
END_TEST

// Norms across gradients of several types, some of them missing.
START_TEST(clipping_by_norms)
{
    const double p[] = { 1, 2, INFINITY, 3 }, norm[] = { 4 * 3 + 9 * 4, sqrt(36 + 144), 4, cbrt(4 * 27 + 9 * 64) };
    for (int i = 0; i < 4; i++) {
        for (int low = 0; low < 2; low++) {
            clg_scope scope = clg_scope_push(dev);
            clg_tensor g[3] = { clg_full(dev, low ? CLG_F16 : CLG_F32, CLG_SHAPE(4), 3), NULL,
                                clg_full(dev, low ? CLG_BF16 : CLG_F32, CLG_SHAPE(3, 3), 4) };
            ck_assert_double_eq_tol(clg_item(clg_clip_grad_norm_p(g, 3, 2, p[i]), NULL), norm[i], 1e-5);
            ck_assert_ptr_null(g[1]);
            ck_assert_int_eq(g[2]->dtype, low ? CLG_BF16 : CLG_F32);
            for (int k = 0; k < 3; k += 2)
                ck_assert_double_eq_tol(clg_item(clg_mean(g[k], CLG_ALL, false), NULL), (k ? 4 : 3) * 2 / norm[i], low ? 2e-2 : 1e-5);
            clg_clip_grad_value(g, 3, 0.01);
            ck_assert_double_eq_tol(clg_item(clg_amax(g[0], CLG_ALL, false), NULL), 0.01, 1e-4);
            clg_scope_pop(scope);
        }
    }
}
END_TEST

int main(void)
{
    if (!scratch_made(folder) || !getenv("CLGRAD_OPTIM"))
        return 77;
    n_cases = read_cases(cases, 64);
    Suite *s = suite_create("rules");
    TCase *c = tcase_create("steps");
    tcase_add_test(c, pytorchs_numbers);
    tcase_add_test(c, groups_are_apart);
    tcase_add_test(c, numbers_are_arguments);
    tcase_add_test(c, without_a_gradient);
    tcase_add_test(c, resumed_equals_uninterrupted);
    tcase_add_test(c, clipping_by_norms);
    tcase_add_test(c, what_is_refused);
    suite_add_tcase(s, c);
    return run_suite(s);
}
