// SPDX-License-Identifier: MIT
// Optimizers: the update of all parameters is plain graph code with one text, which the scheduler
// runs in few launches. The step counter is a variable of the same atomic group.
#include "nn/fp.h"
#include "nn/store.h"

#include <clgrad/grad.h>
#include <clgrad/optim.h>

#include <math.h>
#include <stdlib.h>

typedef enum kind { SGD, ADAM, ADAMW } kind;

struct clg_optim_t {
    clg_store store;
    clg_device dev;
    kind kind;
    double lr, momentum, dampening, decay, beta1, beta2, eps;
    bool nesterov;
    clg_var *var; // trainable parameters of the step being recorded
    const char **name;
    clg_tensor *value, *grad;
    int n, capacity;
};

// wrong: what clg_params_read said
static clg_optim create(clg_store s, kind k, const char *wrong)
{
    static const char *const names[] = { "sgd_create", "adam_create", "adamw_create" };
    if (!clg__store_usable(s, names[k]))
        return NULL;
    if (wrong) {
        clg_fail(s->dev, CLG_EINVAL, "%s: %s", names[k], wrong);
        return NULL;
    }
    clg_optim o = clg__object_new(sizeof *o);
    if (!o) {
        clg_fail(s->dev, CLG_ENOMEM, "%s: out of host memory", names[k]);
        return NULL;
    }
    o->store = s;
    o->dev = s->dev;
    o->kind = k;
    return o;
}

typedef struct number_field {
    const char *name;
    double v, end; // 0 <= v < end
    bool none;     // a flag says that v is 0
} number_field;

// What a user gave is used or refused, never replaced.
static bool accept(clg_store s, const char *what, const number_field *f, int n)
{
    for (int i = 0; i < n; i++) {
        if (!(f[i].v >= 0 && f[i].v < f[i].end)) {
            clg_fail(clg_store_device(s), CLG_EINVAL, "%s: %s is %g, expected 0 or more and %s", what,
                     f[i].name, f[i].v, f[i].end > 1 ? "finite" : "below 1");
            return false;
        }
        if (f[i].none && f[i].v != 0) {
            clg_fail(clg_store_device(s), CLG_EINVAL, "%s: %s is %g, but a flag says that there is none",
                     what, f[i].name, f[i].v);
            return false;
        }
    }
    return true;
}

static bool accept_sgd(clg_store s, const struct clg_sgd_params *q)
{
    const number_field f[] = { { "lr", q->lr, INFINITY, false },
                               { "momentum", q->momentum, INFINITY, false },
                               { "weight_decay", q->weight_decay, INFINITY, false } };
    if (!isfinite(q->dampening)) {
        clg_fail(clg_store_device(s), CLG_EINVAL, "sgd: dampening is %g, expected a finite number",
                 q->dampening);
        return false;
    }
    if (!accept(s, "sgd", f, 3))
        return false;
    if (!q->nesterov || (q->momentum > 0 && q->dampening == 0))
        return true;
    clg_fail(clg_store_device(s), CLG_EINVAL,
             "sgd: nesterov with momentum %g and dampening %g, expected a momentum and no dampening",
             q->momentum, q->dampening);
    return false;
}

clg_optim clg_sgd_create(clg_store s, const struct clg_sgd_params *p)
{
    struct clg_sgd_params q;
    clg_optim o = create(s, SGD, clg_params_read(&q, sizeof q, p));
    if (o && !accept_sgd(s, &q))
        clg_optim_destroy(&o);
    if (o) {
        o->lr = q.lr;
        o->momentum = q.momentum;
        o->dampening = q.dampening;
        o->decay = q.weight_decay;
        o->nesterov = q.nesterov;
    }
    return o;
}

static double or_default(double v, bool none, double d)
{
    return v != 0 || none ? v : d;
}

static clg_optim adam(clg_store s, kind k, const struct clg_adam_params *p)
{
    DEFAULT_FP;
    struct clg_adam_params q;
    clg_optim o = create(s, k, clg_params_read(&q, sizeof q, p));
    p = &q;
    const number_field f[] = { { "lr", q.lr, INFINITY, q.no_lr },
                               { "beta1", q.beta1, 1, q.no_beta1 },
                               { "beta2", q.beta2, 1, q.no_beta2 },
                               { "eps", q.eps, INFINITY, q.no_eps },
                               { "weight_decay", q.weight_decay, INFINITY, q.no_decay } };
    if (o && !accept(s, k == ADAMW ? "adamw" : "adam", f, 5))
        clg_optim_destroy(&o);
    if (!o)
        return NULL;
    o->lr = or_default(p->lr, p->no_lr, 1e-3);
    o->beta1 = or_default(p->beta1, p->no_beta1, 0.9);
    o->beta2 = or_default(p->beta2, p->no_beta2, 0.999);
    o->eps = or_default(p->eps, p->no_eps, 1e-8);
    o->decay = or_default(p->weight_decay, p->no_decay || k == ADAM, 0.01);
    return o;
}

clg_optim clg_adam_create(clg_store s, const struct clg_adam_params *p)
{
    return adam(s, ADAM, p);
}

clg_optim clg_adamw_create(clg_store s, const struct clg_adam_params *p)
{
    return adam(s, ADAMW, p);
}

void clg_optim_destroy(clg_optim *po)
{
    if (!po || !*po)
        return;
    clg_optim o = *po;
    *po = NULL;
    if (!clg__object_alive(o)) {
        clg__object_misuse(o->dev, "optim_destroy: the optimizer was destroyed already");
        return;
    }
    free(o->var);
    free(o->name);
    free(o->value);
    free(o->grad);
    o->n = 0;
    clg__object_end(o);
}

static bool usable(clg_optim o, const char *what)
{
    if (o && !clg__object_alive(o))
        clg__object_misuse(o->dev, "%s: the optimizer was destroyed", what);
    return o && clg__object_alive(o);
}

void clg_optim_set_lr(clg_optim o, double lr)
{
    if (usable(o, "optim_set_lr"))
        o->lr = lr;
}

double clg_optim_lr(clg_optim o)
{
    return usable(o, "optim_lr") ? o->lr : 0;
}

static bool reserve(clg_optim o, int n)
{
    if (n <= o->capacity)
        return true;
    clg_var *v = realloc(o->var, (size_t) n * sizeof *v);
    o->var = v ? v : o->var;
    const char **s = realloc(o->name, (size_t) n * sizeof *s);
    o->name = s ? s : o->name;
    clg_tensor *t = realloc(o->value, (size_t) n * sizeof *t);
    o->value = t ? t : o->value;
    clg_tensor *g = realloc(o->grad, (size_t) n * sizeof *g);
    o->grad = g ? g : o->grad;
    if (!v || !s || !t || !g)
        return false;
    o->capacity = n;
    return true;
}

// clg_grad_n knows numbers, the user knows names.
static void name_unused(const char *what, clg_optim o, clg_device dev, clg_tensor loss)
{
    for (int i = 0; i < o->n; i++) {
        clg_tensor g;
        if (clg_grad_n(loss, &o->value[i], 1, &g) != CLG_EGRAD)
            continue;
        clg_error_clear(dev);
        clg_fail(dev, CLG_EGRAD,
                 "%s: the loss does not depend on '%.300s' (freeze what a step does not train)", what,
                 o->name[i]);
        return;
    }
}

// what: the function that was called
static clg_status grads_of(const char *what, clg_optim o, clg_tensor loss, clg_tensor **grads, int *n)
{
    if (!usable(o, what) || !clg__store_usable(o->store, what))
        return CLG_EINVAL;
    if (!loss)
        return clg__object_misuse(o->dev, "%s: loss is NULL", what);
    clg_tensor bad = clg_check_inputs(what, "loss", &loss, 1);
    if (bad)
        return bad->status;
    if (loss->dev != o->dev)
        return clg__object_misuse(o->dev, "%s: loss belongs to another device than the optimizer", what);
    if (clg_numel(loss->shape) != 1 || !clg_dtype_is_float(loss->dtype)) {
        char shape[128];
        return clg_fail(o->dev, clg_numel(loss->shape) != 1 ? CLG_EINVAL : CLG_EDTYPE,
                        "%s: the loss is %s %s, expected one floating element", what,
                        clg__store_shape(loss->shape, shape), clg_dtype_name(loss->dtype));
    }
    static const char *const states[2][4] = { { "momentum", "step" }, { "m", "v", "step" } };
    clg_device dev = clg_store_device(o->store);
    const int count = clg_store_count(o->store);
    const clg_status settled = clg__store_settle(o->store, states[o->kind != SGD]);
    if (settled < 0)
        return settled;
    if (!reserve(o, count + 1))
        return clg_fail(dev, CLG_ENOMEM, "optimizer: out of host memory");
    o->n = 0;
    for (int i = 0; i < count; i++) {
        bool trainable;
        clg_var v = clg_store_at(o->store, i, &o->name[o->n], &trainable);
        if (!trainable)
            continue;
        o->var[o->n] = v;
        o->value[o->n++] = clg_var_value(v);
    }
    if (o->n == 0)
        return clg_fail(dev, CLG_EINVAL, "%s: the store has no trainable parameters", what);
    if (grads)
        *grads = o->grad;
    if (n)
        *n = o->n;
    const bool clean = clg_error_status(dev) >= 0;
    const clg_status st = clg_grad_n(loss, o->value, o->n, o->grad);
    if (st == CLG_EGRAD && clean)
        name_unused(what, o, dev, loss);
    return st;
}

clg_status clg_optim_grads(clg_optim o, clg_tensor loss, clg_tensor **grads, int *n)
{
    return grads_of("optim_grads", o, loss, grads, n);
}

// ---- one step

// What follows from the number of steps that a parameter has had.
typedef struct clock {
    clg_tensor first;      // SGD: is this the first?
    clg_tensor lr1, root2; // Adam: lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
} clock;

enum { STEP_NUMBERS = 24 };

typedef struct step {
    clg_optim o;
    clg_device dev;
    clg_var *var;
    clg_tensor *to;
    int n;
    bool fresh; // no step has been made yet
    clock shared;
    clg_tensor lr, beta1, rest1, beta2, rest2, eps, decay, momentum, undamped;
    // numbers of this step
    double value[STEP_NUMBERS];
    clg_tensor number[STEP_NUMBERS];
    int n_numbers;
} step;

static clg_var state(step *s, int i, const char *what, clg_shape shape)
{
    return clg__store_state(s->o->store, what, s->o->name[i], shape);
}

static bool has_state(const step *s, int i, const char *what)
{
    return clg__store_has_state(s->o->store, what, s->o->name[i]);
}

static void put(step *s, clg_var v, clg_tensor t)
{
    s->var[s->n] = v;
    s->to[s->n++] = t;
}

// One tensor a value: updates that read different slots would not share a launch.
static clg_tensor number(step *s, double v)
{
    for (int i = 0; i < s->n_numbers; i++) {
        if (s->value[i] == v)
            return s->number[i];
    }
    clg_tensor t = clg_scalar(s->dev, CLG_F32, v);
    if (s->n_numbers < STEP_NUMBERS) {
        s->value[s->n_numbers] = v;
        s->number[s->n_numbers++] = t;
    }
    return t;
}

// 1 - beta^t without cancellation
static clg_tensor bias(step *s, clg_tensor t, double beta)
{
    return clg_neg(clg_expm1(clg_mul(t, number(s, log(beta)))));
}

// Counts a step and tells the time.
static clock tick(step *s, clg_var counter)
{
    clg_tensor t = clg_detach(clg_add(clg_var_value(counter), number(s, 1)));
    put(s, counter, t);
    if (s->o->kind == SGD)
        return (clock) { .first = clg_eq(t, number(s, 1)) };
    return (clock) { .lr1 = clg_div(s->lr, bias(s, t, s->o->beta1)),
                     .root2 = clg_rsqrt(bias(s, t, s->o->beta2)) };
}

// One counter serves all parameters that were there at the first step; one that comes later
// (thawed, or of a new layer) counts its own steps, or its bias correction would be that of an old
// one.
static bool clock_of(step *s, int i, bool known, clock *out)
{
    *out = s->shared;
    if ((known || s->fresh) && !has_state(s, i, "step"))
        return true;
    clg_var own = state(s, i, "step", CLG_SCALAR);
    if (own)
        *out = tick(s, own);
    return own != NULL;
}

static bool sgd_one(step *s, int i)
{
    const clg_optim o = s->o;
    clg_tensor w = o->value[i], g = o->grad[i];
    if (o->decay != 0)
        g = clg_add(g, clg_mul(w, s->decay));
    if (o->momentum != 0) {
        const bool known = has_state(s, i, "momentum");
        clg_var buf = state(s, i, "momentum", w->shape);
        clock at;
        if (!buf || !clock_of(s, i, known, &at))
            return false;
        // the first step takes the whole gradient, later ones 1 - dampening of it
        clg_tensor share = clg_where(at.first, number(s, 1), s->undamped);
        clg_tensor m = clg_add(clg_mul(clg_var_value(buf), s->momentum), clg_mul(g, share));
        put(s, buf, m);
        g = o->nesterov ? clg_add(g, clg_mul(m, s->momentum)) : m;
    }
    put(s, o->var[i], clg_sub(w, clg_mul(g, s->lr)));
    return true;
}

// The square of a gradient beyond 2^64 is infinite in f32, and would be the second moment for ever: the
// parameter would never move again, and nobody would know. Where both moments take the largest number
// whose square is finite instead, their ratio stays what it is. Infinite gradients stay to be seen.
static clg_tensor squarable(step *s, clg_tensor g)
{
    const double largest = 0x1.fffffep63;
    clg_tensor finite = clg_minimum(clg_maximum(g, number(s, -largest)), number(s, largest));
    return clg_where(clg_eq(clg_abs(g), number(s, INFINITY)), g, finite);
}

// sqrt(v). A square below 2^-126 is lost, with a usual eps for no harm. Where eps is tiny the first
// moment tells how small v can be: by Cauchy and Schwarz, m^2 <= c^2 v with the c of these betas.
static clg_tensor root_of(step *s, clg_tensor v, clg_tensor m)
{
    const double b1 = s->o->beta1, b2 = s->o->beta2, rest = 1 - b1 * b1 / b2;
    clg_tensor root = clg_sqrt(v);
    if (s->o->eps >= 1e-12 || !(rest > 0 && b1 < 1 && b2 < 1))
        return root;
    const double c = (1 - b1) / sqrt(1 - b2) / sqrt(rest);
    return clg_maximum(root, clg_mul(clg_abs(m), number(s, 0.99 / c)));
}

static bool adam_one(step *s, int i)
{
    const clg_optim o = s->o;
    clg_tensor w = o->value[i], g = o->grad[i];
    const bool known = has_state(s, i, "m");
    clg_var mv = state(s, i, "m", w->shape), vv = state(s, i, "v", w->shape);
    clock at;
    if (!mv || !vv || !clock_of(s, i, known, &at))
        return false;
    if (o->kind == ADAM && o->decay != 0)
        g = clg_add(g, clg_mul(w, s->decay));
    if (o->kind == ADAMW && o->decay != 0)
        w = clg_sub(w, clg_mul(w, clg_mul(s->lr, s->decay)));
    g = squarable(s, g);
    clg_tensor m = clg_add(clg_mul(clg_var_value(mv), s->beta1), clg_mul(g, s->rest1));
    clg_tensor v = clg_add(clg_mul(clg_var_value(vv), s->beta2), clg_mul(clg_mul(g, g), s->rest2));
    clg_tensor down = clg_add(clg_mul(root_of(s, v, m), at.root2), s->eps);
    put(s, mv, m);
    put(s, vv, v);
    put(s, o->var[i], clg_sub(w, clg_mul(at.lr1, clg_div(m, down))));
    return true;
}

static void prepare(step *s)
{
    const clg_optim o = s->o;
    s->lr = number(s, o->lr);
    s->decay = number(s, o->decay);
    if (o->kind == SGD) {
        s->momentum = number(s, o->momentum);
        s->undamped = number(s, 1 - o->dampening);
        return;
    }
    s->beta1 = number(s, o->beta1);
    s->rest1 = number(s, 1 - o->beta1);
    s->beta2 = number(s, o->beta2);
    s->rest2 = number(s, 1 - o->beta2);
    s->eps = number(s, o->eps);
}

clg_status clg_optim_apply(clg_optim o, const clg_tensor *grads, int n)
{
    DEFAULT_FP;
    if (!usable(o, "optim_apply") || !clg__store_usable(o->store, "optim_apply"))
        return CLG_EINVAL;
    if (!grads || n != o->n)
        return clg_fail(o->dev, CLG_EINVAL, "optim_apply: %d gradients for %d parameters", grads ? n : 0,
                        o->n);
    clg_tensor bad = clg_check_inputs("optim_apply", "grads[]", grads, n);
    if (bad)
        return bad->status;
    for (int i = 0; i < n; i++) // the scope in which the gradients were made may have ended
        o->value[i] = clg_var_value(o->var[i]);
    step s = { .o = o, .dev = clg_store_device(o->store) };
    for (int i = 0; i < n; i++)
        o->grad[i] = grads[i];
    const int claimed = o->store->claimed; // a step that fails leaves no state behind
    o->store->refused = CLG_OK;
    s.fresh = !clg__store_has_state(o->store, "step", NULL);
    clg_var counter = clg__store_state(o->store, "step", NULL, CLG_SCALAR);
    s.var = calloc(4 * (size_t) n + 1, sizeof *s.var);
    s.to = calloc(4 * (size_t) n + 1, sizeof *s.to);
    bool ok = counter && s.var && s.to;
    if (ok) {
        prepare(&s);
        s.shared = tick(&s, counter);
        for (int i = 0; i < n && ok; i++)
            ok = o->kind == SGD ? sgd_one(&s, i) : adam_one(&s, i);
    }
    clg_status st = ok ? clg_assign_n(s.var, s.to, s.n) : o->store->refused;
    if (!ok && st >= 0)
        st = clg_fail(s.dev, CLG_ENOMEM, "optimizer: out of host memory");
    if (st < 0)
        clg__store_back(o->store, claimed);
    free(s.var);
    free(s.to);
    return st;
}

clg_status clg_optim_step(clg_optim o, clg_tensor loss)
{
    clg_tensor *g;
    int n;
    const clg_status st = grads_of("optim_step", o, loss, &g, &n);
    return st < 0 ? st : clg_optim_apply(o, g, n);
}
