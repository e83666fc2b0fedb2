// SPDX-License-Identifier: MIT
// Twenty steps of training of nine networks against PyTorch's losses (data/curves.txt, made by curves_torch.py), in F32 by
// layers and in F64 by operations. CLGRAD_CURVES=1 prints the differences.
#include "curve_nets.h"
#include "testing.h"

enum { STEPS = 20, BATCHES = 4, NUMBERS = 2 * STEPS + 1 };

typedef struct curve {
    double wide[NUMBERS], far[NUMBERS]; // PyTorch's in F64, and how far from it roundings to F32 lead
    int n;
} curve;

static int numbers_of(char *at, double *v)
{
    int n = 0;
    for (char *end; n < NUMBERS; at = end) {
        v[n] = strtod(at, &end);
        if (end == at)
            break;
        n++;
    }
    return n;
}

static curve curve_of(const char *name)
{
    static char line[4096];
    curve c = { .n = 0 };
    const char *path = getenv("CLGRAD_CURVES_DATA");
    FILE *f = fopen(path ? path : "tests/data/curves.txt", "r");
    const size_t n = strlen(name);
    int lines = 0;
    ck_assert_msg(f != NULL, "CLGRAD_CURVES_DATA names data/curves.txt");
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, name, n) != 0 || line[n] != ' ')
            continue;
        const char kind = line[n + 1] == 'f' ? line[n + 2] : 0; // f64, f32, far
        c.n = kind == '3' ? c.n : numbers_of(line + n + 5, kind == '6' ? c.wide : c.far);
        lines++;
    }
    fclose(f);
    ck_assert_msg(lines == 3 && c.n > STEPS, "the data lacks %s", name);
    return c;
}

// F32: four times as far as roundings have led PyTorch until now (thirteen curves; where a number comes near a kink, far), and two roundings a step. F64: the same by
// what a rounding is there, 2^-29, eightfold, since sums have other orders and curves bend.
static void compare_curve(const char *name, clg_dtype t, const curve *c, const double *got, int per_step)
{
    double far = 0;
    for (int i = 0; i < c->n; i++) {
        const double want = c->wide[i], off = fabs(got[i] - want), size = fabs(want);
        const double step = 1 + i / per_step;
        far = fmax(far, c->far[i]);
        const double allowed = 4 * far + 0x1p-22 * step;
        const double bound = size * (t == CLG_F64 ? allowed * 0x1p-26 : allowed);
        if (getenv("CLGRAD_CURVES"))
            printf("%s %s %d: %.17g, PyTorch %.17g, off %.2e of %.2e\n", name, clg_dtype_name(t), i, got[i], want, off / size, bound / size);
        ck_assert_msg(off <= bound, "%s %s: loss %d is %.17g, PyTorch's %.17g; off by %.2e, allowed %.2e", name,
                      clg_dtype_name(t), i, got[i], want, off / size, bound / size);
    }
}

static model new_model(clg_dtype t)
{
    return (model) { .dev = dev, .t = t, .s = clg_store_create(dev, 1) };
}

static void end_model(model *m)
{
    clg_store_destroy(&m->s);
    for (int i = 0; i < m->n; i++)
        clg_var_destroy(&m->var[i]);
}

// After a first call that made the parameters, without training.
static void take_first_numbers(model *m)
{
    for (int i = 0; i < clg_store_count(m->s); i++) {
        const char *name;
        bool trainable;
        clg_var v = clg_store_at(m->s, i, &name, &trainable);
        if (trainable)
            ok(clg_var_assign(v, curve_first(m, name, clg_var_value(v)->shape)));
    }
}

static double number_of(clg_tensor t)
{
    clg_status st = t->status;
    ok(st);
    const double v = clg_item(t, &st);
    ok(st);
    return v;
}

static void step_of(const curve_net *net, clg_optim o, clg_tensor loss)
{
    clg_tensor *g;
    int n;
    if (net->most == 0) {
        ok(clg_optim_step(o, loss));
        return;
    }
    ok(clg_optim_grads(o, loss, &g, &n));
    ok(clg_clip_grad_norm(g, n, net->most)->status);
    ok(clg_optim_apply(o, g, n));
}

static void train(const curve_net *net, clg_dtype t)
{
    const curve c = curve_of(net->name);
    double got[NUMBERS];
    model m = new_model(t);
    clg_optim o = net->optim(m.s);
    ck_assert_int_eq(c.n, STEPS + 1);
    for (int i = -1; i <= STEPS; i++) {
        clg_scope scope = clg_scope_push(dev);
        clg_store_train(m.s, i >= 0 && i < STEPS);
        clg_tensor loss = net->loss(&m, i < 0 || i == STEPS ? 0 : i % BATCHES);
        ok(loss->status);
        if (i < 0)
            take_first_numbers(&m);
        else if (i < STEPS)
            step_of(net, o, loss);
        if (i >= 0)
            got[i] = number_of(loss);
        if (i < STEPS)
            ok(clg_eval_assigned(dev));
        clg_scope_pop(scope);
    }
    compare_curve(net->name, t, &c, got, 1);
    clg_optim_destroy(&o);
    end_model(&m);
}

// ---- two networks that train each other

static clg_tensor named(const model *m, const char *name, int batch, clg_shape shape)
{
    char full[32];
    snprintf(full, sizeof full, "%s%d", name, batch);
    return curve_uniform(m, full, shape);
}

static clg_tensor scored(clg_tensor y, double as)
{
    return clg_binary_cross_entropy_with_logits(y, clg_full(dev, y->dtype, y->shape, as), NULL, NULL, CLG_REDUCE_MEAN);
}

static void train_gan(clg_dtype t)
{
    const curve c = curve_of("dcgan");
    double got[NUMBERS];
    model g = new_model(t), d = new_model(t);
    const struct clg_adam_params *p = clg_adam_params(.lr = 0.002, .beta1 = 0.5);
    clg_optim og = clg_adam_create(g.s, p), od = clg_adam_create(d.s, p);
    ck_assert_int_eq(c.n, NUMBERS);
    for (int i = -1; i <= STEPS; i++) {
        clg_scope scope = clg_scope_push(dev);
        const int batch = i < 0 || i == STEPS ? 0 : i % BATCHES;
        clg_store_train(g.s, i >= 0 && i < STEPS);
        clg_store_train(d.s, i >= 0 && i < STEPS);
        const clg_tensor fake = curve_generator(&g, named(&g, "z", batch, CLG_SHAPE(8, 8, 1, 1)));
        if (i >= 0 && i < STEPS) {
            const clg_tensor real = scored(curve_discriminator(&d, named(&d, "x", batch, CLG_SHAPE(8, 1, 16, 16))), 1);
            const clg_tensor loss = clg_add(real, scored(curve_discriminator(&d, clg_detach(fake)), 0));
            ok(clg_optim_step(od, loss));
            if (i % 2) // half of the time all is evaluated together, in the end
                got[2 * i] = number_of(loss);
            const clg_tensor other = scored(curve_discriminator(&d, fake), 1);
            ok(clg_optim_step(og, other));
            got[2 * i + 1] = number_of(other);
            got[2 * i] = i % 2 ? got[2 * i] : number_of(loss);
        } else {
            const clg_tensor loss = scored(curve_discriminator(&d, fake), 1);
            if (i < 0) {
                take_first_numbers(&g);
                take_first_numbers(&d);
            } else {
                got[2 * i] = number_of(loss);
            }
        }
        if (i < STEPS)
            ok(clg_eval_assigned(dev));
        clg_scope_pop(scope);
    }
    compare_curve("dcgan", t, &c, got, 2);
    clg_optim_destroy(&og);
    clg_optim_destroy(&od);
    end_model(&g);
    end_model(&d);
}

// One of the networks, in one of the types; all with --all. CLGRAD_CURVE=NAME: that one.
START_TEST(losses_are_pytorch_s)
{
    const int n = 2 * (curve_net_count + 1);
    const char *only = getenv("CLGRAD_CURVE");
    for (int k = 0; k < n; k++) {
        const int i = k / 2;
        const clg_dtype t = k % 2 ? CLG_F64 : CLG_F32;
        const char *name = i < curve_net_count ? curve_nets[i].name : "dcgan";
        if ((only ? strcmp(only, name) != 0 : !in_turn(k, n)) || (t == CLG_F64 && !clg_device_get_info(dev)->fp64))
            continue;
        printf("%s %s\n", name, clg_dtype_name(t));
        if (i < curve_net_count)
            train(&curve_nets[i], t);
        else
            train_gan(t);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("curves");
    TCase *c = tcase_create("curves");
    tcase_set_timeout(c, 1200);
    tcase_add_test(c, losses_are_pytorch_s);
    suite_add_tcase(s, c);
    return run_suite(s);
}
