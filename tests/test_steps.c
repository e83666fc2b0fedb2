// SPDX-License-Identifier: MIT
// Random programs of several training steps: variables, a recurrent loop with shared weights, a random graph
// behind it, gradients, groups of assignments. Whatever is evaluated when, fused or not, beside another
// recorder or alone, the variables have the same bits at the end; and they are those of the reference.
// And keys: a graph that differs in one decision has a plan of its own.
//
//   CLGRAD_FUZZ_SEED=n   first seed (they are printed); CLGRAD_STEPS_ROUNDS=n  how many programs
#include "fuzz_graph.h"
#include "reference.h"
#include "testing.h"

enum { VARS = 5, STEPS = 3, HIDDEN = 6, BATCH = 3, MOST = HIDDEN * HIDDEN };

static clg_device unfused, second;

typedef struct program {
    clg_device d;
    uint64_t seed;
    clg_var v[VARS]; // input weights, recurrent weights, bias, a scale, a counter
    fuzz f;
    reference *r; // NULL: not asked for
} program;

typedef enum moment { EACH_STEP, AT_THE_END, IN_PIECES } moment;

typedef struct bits {
    float v[VARS][MOST];
} bits;

static int setting(const char *name, int usual)
{
    const char *v = getenv(name);
    return v ? atoi(v) : usual;
}

static void okay(const program *p, clg_status st)
{
    ck_assert_msg(st >= 0, "seed %llu: %s", (unsigned long long) p->seed, clg_error(p->d, st));
}

static const clg_shape *shapes(void)
{
    static clg_shape s[VARS];
    s[0] = s[1] = CLG_SHAPE(HIDDEN, HIDDEN);
    s[2] = CLG_SHAPE(HIDDEN);
    s[3] = CLG_SHAPE(1);
    s[4] = CLG_SCALAR;
    return s;
}

static void note(void *user, clg_tensor t, const double *v)
{
    reference_set(user, t, v);
}

static void begin(program *p, clg_device d, uint64_t seed, reference *r)
{
    uint64_t state = seed;
    p->r = r;
    p->d = d;
    p->seed = seed;
    for (int k = 0; k < VARS; k++) {
        float h[MOST];
        double numbers[MOST];
        for (int i = 0; i < MOST; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            h[i] = k == 4 ? 0 : (float) ((double) (int64_t) state * 0x1p-64);
            numbers[i] = (double) h[i];
        }
        clg_scope s = clg_scope_push(d);
        p->v[k] = clg_var_create(clg_upload(d, CLG_F32, shapes()[k], h));
        if (r)
            reference_set(r, clg_var_value(p->v[k]), numbers);
        clg_scope_pop(s);
    }
}

static void end(program *p)
{
    for (int k = 0; k < VARS; k++)
        clg_var_destroy(&p->v[k]);
}

// A loss that stays small, of a recurrent net and of what a random graph makes of its states.
static clg_tensor loss_of(program *p, clg_tensor *w)
{
    fuzz *f = &p->f;
    fuzz_start(f, p->d, p->seed, 0, false);
    f->real = CLG_F32;
    f->uploaded = p->r ? note : NULL;
    f->user = p->r;
    const int64_t length = 2 + fuzz_below(f, 4);
    clg_tensor h = clg_zeros(p->d, CLG_F32, CLG_SHAPE(BATCH, HIDDEN)), sum = NULL;
    for (int64_t t = 0; t < length; t++) {
        const clg_tensor x = fuzz_leaf(f, CLG_SHAPE(BATCH, HIDDEN));
        clg_tensor in = clg_add(clg_matmul(x, w[0]), clg_matmul(h, w[1]));
        h = clg_tanh(clg_add(in, w[2]));
        if (fuzz_below(f, 2))
            fuzz_take(f, h);
    }
    fuzz_take(f, clg_mul(h, w[3]));
    fuzz_grow(f, 5);
    for (int k = f->n - 1, n = 0; k >= 0 && n < 3; k--) {
        if (f->pool[k]->dtype != CLG_F32 || clg_numel(f->pool[k]->shape) == 0)
            continue;
        const clg_tensor part = clg_mean(clg_tanh(f->pool[k]), CLG_ALL, false);
        sum = sum ? clg_add(sum, part) : part;
        n++;
    }
    return clg_add(sum, clg_mean(clg_square(h), CLG_ALL, false));
}

static void assign(program *p, clg_tensor *w, clg_tensor *g)
{
    fuzz *f = &p->f;
    clg_tensor next[VARS];
    for (int k = 0; k < VARS - 1; k++)
        next[k] = clg_sub(w[k], clg_mul_scalar(clg_tanh(g[k]), 0.05));
    if (fuzz_below(f, 3) == 0) { // they change places
        const clg_tensor t = next[0];
        next[0] = next[1];
        next[1] = t;
    }
    next[4] = clg_add_scalar(w[4], 1);
    if (fuzz_below(f, 2)) {
        okay(p, clg_assign_n(p->v, next, VARS));
        return;
    }
    for (int k = 0; k < VARS; k++) // one group each, the counter twice
        okay(p, clg_var_assign(p->v[k], next[k]));
    okay(p, clg_var_assign(p->v[4], clg_add_scalar(clg_var_value(p->v[4]), 2)));
}

static void step(program *p, moment when, uint64_t turn)
{
    clg_tensor w[VARS], g[VARS];
    for (int k = 0; k < VARS; k++)
        w[k] = clg_var_value(p->v[k]);
    const clg_tensor loss = loss_of(p, w);
    okay(p, clg_vjp_n(loss, clg_ones(p->d, CLG_F32, loss->shape), w, VARS - 1, true, g));
    if (when == IN_PIECES) {
        fuzz *f = &p->f;
        const clg_tensor some = f->pool[(turn * 7 + p->seed) % (uint64_t) f->n];
        okay(p, turn % 2 ? clg_eval(some) : clg_eval_alone(some));
    }
    assign(p, w, g);
    if (when == EACH_STEP || (when == IN_PIECES && turn % 2 == 0))
        okay(p, clg_eval_assigned(p->d));
    if (when == IN_PIECES && turn % 2) {
        clg_status st;
        clg_item(loss, &st); // after the assignments: of the old values
        okay(p, st);
    }
}

static void read_bits(program *p, bits *b)
{
    memset(b, 0, sizeof *b);
    for (int k = 0; k < VARS; k++) {
        clg_scope s = clg_scope_push(p->d);
        okay(p, clg_read(clg_var_value(p->v[k]), b->v[k], (size_t) clg_numel(shapes()[k]) * 4));
        clg_scope_pop(s);
    }
}

static void run_program(clg_device d, uint64_t seed, moment when, bits *b, ref_value *want)
{
    static program p;
    reference *r = want ? reference_create(true) : NULL;
    begin(&p, d, seed, r);
    clg_scope s = clg_scope_push(d);
    for (uint64_t t = 0; t < STEPS; t++)
        step(&p, when, t);
    for (int k = 0; k < VARS && want; k++)
        want[k] = reference_copy(reference_of(r, clg_var_value(p.v[k])));
    reference_free(r);
    okay(&p, clg_eval_assigned(d));
    read_bits(&p, b);
    clg_scope_pop(s);
    end(&p);
}

// Two recorders of one device, a step of each in turn.
static void run_beside(uint64_t seed, bits *b)
{
    static program p[2];
    begin(&p[0], dev, seed, NULL);
    begin(&p[1], second, seed + 1, NULL);
    for (uint64_t t = 0; t < STEPS; t++) {
        for (int k = 0; k < 2; k++) {
            clg_scope s = clg_scope_push(p[k].d);
            step(&p[k], t % 2 ? IN_PIECES : EACH_STEP, t);
            clg_scope_pop(s);
        }
    }
    for (int k = 0; k < 2; k++) {
        okay(&p[k], clg_eval_assigned(p[k].d));
        if (k == 0)
            read_bits(&p[k], b);
        end(&p[k]);
    }
}

static void expect_same(uint64_t seed, const char *how, const bits *a, const bits *b)
{
    const bool mesa = strstr(clg_device_get_info(dev)->platform, "rusticl") != NULL;
    for (int k = 0; k < VARS; k++) {
        for (int i = 0; i < MOST; i++) {
            const float x = a->v[k][i], y = b->v[k][i];
            ck_assert_msg(memcmp(&x, &y, sizeof x) == 0 || (isnan(x) && isnan(y)) || (mesa && x == 0 && y == 0),
                          "seed %llu: variable %d, element %d is %.9g step by step, %.9g %s",
                          (unsigned long long) seed, k, i, (double) x, (double) y, how);
        }
    }
}

// A compiler that takes longer is asked less often.
static int rounds_here(void)
{
    return setting("CLGRAD_STEPS_ROUNDS", on_pocl() || everything() ? 4 : 2);
}

START_TEST(training_does_not_depend_on_when_it_is_evaluated)
{
    static bits each, other;
    ref_value want[VARS];
    char what[80];
    const uint64_t first = (uint64_t) setting("CLGRAD_FUZZ_SEED", 1);
    const int rounds = rounds_here();
    printf("CLGRAD_FUZZ_SEED=%llu CLGRAD_STEPS_ROUNDS=%d\n", (unsigned long long) first, rounds);
    setenv("CLGRAD_FUSE", "0", 1);
    ok(clg_device_open(&unfused, clg_device_params(.share = dev)));
    unsetenv("CLGRAD_FUSE");
    ok(clg_device_open(&second, clg_device_params(.share = dev)));
    for (uint64_t seed = first; seed < first + (uint64_t) rounds; seed++) {
        run_program(dev, seed, EACH_STEP, &each, NULL);
        run_program(dev, seed, AT_THE_END, &other, want);
        expect_same(seed, "all at the end", &each, &other);
        for (int k = 0; k < VARS; k++) {
            snprintf(what, sizeof what, "seed %llu: variable %d", (unsigned long long) seed, k);
            reference_check(what, &want[k], other.v[k]);
            reference_drop(&want[k]);
        }
        run_program(dev, seed, IN_PIECES, &other, NULL);
        expect_same(seed, "in pieces", &each, &other);
        run_program(unfused, seed, EACH_STEP, &other, NULL);
        expect_same(seed, "unfused", &each, &other);
        run_beside(seed, &other);
        expect_same(seed, "beside another recorder", &each, &other);
    }
    clg_device_close(&second);
    clg_device_close(&unfused);
    reference_check_strict(0.05);
}
END_TEST

// ---- keys

static void record_small(fuzz *f, uint64_t seed, int mutate)
{
    fuzz_start(f, dev, seed, mutate, false);
    f->real = CLG_F32;
    fuzz_leaf(f, CLG_SHAPE(4, 6));
    fuzz_leaf(f, CLG_SHAPE(4, 1));
    const int leaves = f->draws;
    fuzz_grow(f, 4);
    if (mutate == 0)
        f->mutate = leaves; // for the caller: where decisions start
    f->out[f->n_out++] = f->pool[f->n - 1];
    if (f->n > 3)
        f->out[f->n_out++] = f->pool[f->n - 2];
}

static void check_small(fuzz *f, int mutation)
{
    char what[80];
    ref_value want[2];
    reference *r = reference_create(true);
    for (int k = 0; k < f->n_out; k++)
        want[k] = reference_copy(reference_of(r, f->out[k]));
    reference_free(r);
    ok(clg_eval_n(f->out, f->n_out));
    for (int k = 0; k < f->n_out; k++) {
        void *raw = calloc((size_t) want[k].n + 1, 8);
        ok(clg_read(f->out[k], raw, (size_t) want[k].n * clg_dtype_size(want[k].dtype)));
        snprintf(what, sizeof what, "seed %llu, decision %d changed, output %d", (unsigned long long) f->seed,
                 mutation, k);
        reference_check(what, &want[k], raw);
        free(raw);
        reference_drop(&want[k]);
    }
}

// A key that lacked a field would find the plan of the graph before, and give its numbers.
START_TEST(one_decision_more_is_another_plan)
{
    static fuzz f;
    const uint64_t first = (uint64_t) setting("CLGRAD_FUZZ_SEED", 1);
    const int rounds = rounds_here();
    uint64_t found = 0;
    for (uint64_t seed = first; seed < first + (uint64_t) rounds; seed++) {
        clg_scope s = clg_scope_push(dev);
        record_small(&f, seed, 0);
        const int from = f.mutate, to = f.draws;
        check_small(&f, 0);
        for (int m = from + 1; m <= to && m <= from + 8; m++) {
            const clg_device_stats a = clg_device_get_stats(dev);
            record_small(&f, seed, m);
            check_small(&f, m);
            found += clg_device_get_stats(dev).plan_hits - a.plan_hits;
        }
        clg_scope_pop(s);
    }
    printf("%llu plans found again\n", (unsigned long long) found);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("steps");
    TCase *c = tcase_create("programs");
    tcase_add_test(c, training_does_not_depend_on_when_it_is_evaluated);
    tcase_add_test(c, one_decision_more_is_another_plan);
    suite_add_tcase(s, c);
    return run_suite(s);
}
