// SPDX-License-Identifier: MIT
// Optimizers: what they are made of, whose gradients a step takes, and the step as one atomic group of
// assignments. The update of a parameter is in rules.c. The step counter is a variable of the same group.
#include "nn/optim.h"

#include "nn/fp.h"

#include <clgrad/grad.h>

#include <stdlib.h>
#include <string.h>

// p: what the group is made of; wrong: what clg_params_read said
static clg_optim create(clg_store s, const char *what, const char *rule, const char *wrong,
                        const struct clg_optim_params *p)
{
    if (!clg__store_usable(s, what))
        return NULL;
    if (wrong) {
        clg_fail(s->dev, CLG_EINVAL, "%s: %s", what, wrong);
        return NULL;
    }
    clg__group g;
    if (!clg__group_read(s, rule, p, NULL, &g))
        return NULL;
    clg_optim o = clg__object_new(sizeof *o);
    clg__group *list = malloc(sizeof *list);
    if (!o || !list) {
        clg_fail(s->dev, CLG_ENOMEM, "%s: out of host memory", what);
        free(list);
        if (o)
            clg__object_end(o);
        return NULL;
    }
    *list = g;
    o->store = s;
    o->dev = s->dev;
    o->group = list;
    o->n_groups = 1;
    return o;
}

clg_optim clg_optim_create(clg_store s, const struct clg_optim_params *p)
{
    struct clg_optim_params q;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    return create(s, "optim_create", "optim_create", p ? wrong : "NULL params", &q);
}

clg_optim clg_sgd_create(clg_store s, const struct clg_sgd_params *p)
{
    struct clg_sgd_params q;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    return create(s, "sgd_create", "sgd", wrong,
                  clg_optim_params(.rule = CLG_OPTIM_SGD, .lr = q.lr, .no_lr = q.lr == 0, .momentum = q.momentum,
                                   .dampening = q.dampening, .weight_decay = q.weight_decay,
                                   .nesterov = q.nesterov));
}

static clg_optim adam(clg_store s, clg_optim_rule rule, const char *what, const struct clg_adam_params *p)
{
    struct clg_adam_params q;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    return create(s, what, clg__rule_name(rule), wrong,
                  clg_optim_params(.rule = rule, .lr = q.lr, .beta1 = q.beta1, .beta2 = q.beta2, .eps = q.eps,
                                   .weight_decay = q.weight_decay, .no_decay = q.no_decay, .no_lr = q.no_lr,
                                   .no_beta1 = q.no_beta1, .no_beta2 = q.no_beta2, .no_eps = q.no_eps));
}

clg_optim clg_adam_create(clg_store s, const struct clg_adam_params *p)
{
    return adam(s, CLG_OPTIM_ADAM, "adam_create", p);
}

clg_optim clg_adamw_create(clg_store s, const struct clg_adam_params *p)
{
    return adam(s, CLG_OPTIM_ADAMW, "adamw_create", p);
}

static void end_params(clg__param *p, int n)
{
    for (int i = 0; i < n; i++) {
        if (p[i].sum)
            clg_var_destroy(&p[i].sum);
    }
    free(p);
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
    for (int k = 0; k < o->n_groups; k++)
        clg__group_end(&o->group[k]);
    free(o->group);
    end_params(o->param, o->n);
    clg__scaler_forget(o);
    free(o->value);
    free(o->grad);
    o->n = o->n_groups = 0;
    clg__object_end(o);
}

bool clg__optim_usable(clg_optim o, const char *what)
{
    if (o && !clg__object_alive(o))
        clg__object_misuse(o->dev, "%s: the optimizer was destroyed", what);
    return o && clg__object_alive(o);
}

void clg_optim_set_lr(clg_optim o, double lr)
{
    const bool usable = clg__optim_usable(o, "optim_set_lr");
    for (int k = 0; usable && k < o->n_groups; k++)
        o->group[k].v[N_LR] = lr;
}

double clg_optim_lr(clg_optim o)
{
    return clg__optim_usable(o, "optim_lr") ? o->group[0].v[N_LR] : 0;
}

static bool reserve(clg_optim o, int n)
{
    if (n <= o->capacity)
        return true;
    clg_tensor *t = realloc(o->value, (size_t) n * sizeof *t);
    o->value = t ? t : o->value;
    clg_tensor *g = realloc(o->grad, (size_t) n * sizeof *g);
    o->grad = g ? g : o->grad;
    if (!t || !g)
        return false;
    o->capacity = n;
    return true;
}

static const char *const *states_of(void *optimizer, const char *name)
{
    clg_optim o = optimizer;
    const struct entry *e = clg__store_entry(o->store, name);
    const clg__group *g = &o->group[e ? clg__group_of(o, name, e->shape) : 0];
    const char *const *states = clg__group_states(g);
    if (!e || !clg__keeps_master(g, e->dtype))
        return states;
    int n = 0;
    for (; states[n]; n++)
        o->states[n] = states[n];
    o->states[n] = "master";
    o->states[n + 1] = NULL;
    return o->states;
}

// What was added up of a parameter goes with it.
static void take_sum(clg__param *to, clg__param *from, int n)
{
    for (int i = 0; i < n; i++) {
        if (from[i].var != to->var)
            continue;
        to->sum = from[i].sum;
        to->summed = from[i].summed;
        from[i].sum = NULL;
    }
}

static clg_status list_anew(clg_optim o, const char *what)
{
    clg_store s = o->store;
    clg__param *list = calloc((size_t) s->n + 1, sizeof *list);
    if (!list || !reserve(o, s->n + 1)) {
        free(list);
        return clg_fail(o->dev, CLG_ENOMEM, "optimizer: out of host memory");
    }
    int n = 0;
    for (int i = 0; i < s->n; i++) {
        const struct entry *e = &s->entry[i];
        if (e->role != PARAMETER || e->frozen)
            continue;
        clg__param *p = &list[n++];
        *p = (clg__param) { .name = e->name, .var = e->var, .group = clg__group_of(o, e->name, e->shape) };
        if (o->group[p->group].rule == CLG_OPTIM_MUON && e->shape.rank != 2) {
            char shape[128];
            free(list);
            return clg_fail(o->dev, CLG_ESHAPE, "%s: muon updates matrices, '%.300s' is %s (clg_optim_group_by "
                            "gives it another rule)", what, e->name, clg__store_shape(e->shape, shape));
        }
    }
    for (int i = 0; i < n; i++)
        take_sum(&list[i], o->param, o->n);
    end_params(o->param, o->n);
    o->param = list;
    o->n = n;
    o->steps = o->scale = o->good_steps = NULL;
    o->seen = s->changes;
    o->known = true;
    return CLG_OK;
}

// The trainable parameters of now, with what was known of their states only if they are as they were.
clg_status clg__optim_params(clg_optim o, const char *what)
{
    clg_store s = o->store;
    if (s->averaged)
        return clg_fail(o->dev, CLG_EINVAL, "%s: the averages are in the place of the weights "
                        "(clg_store_use_average)", what);
    clg_status st = clg__store_settle(s, &(clg__states) { states_of, o });
    if (st >= 0 && (!o->known || o->seen != s->changes))
        st = list_anew(o, what);
    if (st < 0)
        return st;
    for (int i = 0; i < o->n; i++)
        o->value[i] = clg_var_value(o->param[i].var);
    if (o->n == 0)
        return clg_fail(o->dev, CLG_EINVAL, "%s: the store has no trainable parameters", what);
    return clg__scaler_states(o) ? CLG_OK : s->refused;
}

clg_status clg__optim_begin(clg_optim o, const char *what, clg_tensor loss)
{
    if (!clg__optim_usable(o, what) || !clg__store_usable(o->store, what))
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
    return clg__optim_params(o, what);
}

clg_status clg__optim_sweep(clg_optim o, const char *what, clg_tensor loss)
{
    const clg_status st = clg_grad_some_n(clg__scaled_loss(o, loss), o->value, o->n, o->grad);
    int some = 0;
    for (int i = 0; st >= 0 && i < o->n; i++)
        some += o->grad[i] != NULL;
    return st < 0 || some > 0 ? st
                              : clg_fail(o->dev, CLG_EGRAD, "%s: the loss does not depend on '%.300s', nor on any "
                                         "other trainable parameter", what, o->param[0].name);
}

// what: the function that was called
static clg_status grads_of(const char *what, clg_optim o, clg_tensor loss, clg_tensor **grads, int *n)
{
    clg_status st = clg__optim_begin(o, what, loss);
    if (st < 0)
        return st;
    if (grads)
        *grads = o->grad;
    if (n)
        *n = o->n;
    st = clg__optim_sweep(o, what, loss);
    if (st >= 0)
        clg__unscale(o, o->grad, o->n);
    return st;
}

clg_status clg_optim_grads(clg_optim o, clg_tensor loss, clg_tensor **grads, int *n)
{
    return grads_of("optim_grads", o, loss, grads, n);
}

// ---- one step

void clg__step_put(clg__step *s, clg_var v, clg_tensor t)
{
    clg_tensor old = clg_var_value(v);
    if (t->dtype != old->dtype)
        t = clg_cast(t, old->dtype);
    s->var[s->n] = v;
    s->to[s->n++] = s->take ? clg_where(s->take, t, old) : t;
}

clg_tensor clg__step_number(clg__step *s, int group, clg_dtype t, int id, double v)
{
    clg__slots *k = &s->slots[2 * group + (t == CLG_F64)];
    if (!k->slot[id])
        k->slot[id] = clg_scalar(s->dev, t, v);
    return k->slot[id];
}

clg_tensor clg__step_count(clg__step *s, clg_var counter)
{
    clg_tensor t = clg_detach(clg_add(clg_var_value(counter), clg__step_number(s, 0, CLG_F32, CLG__ONE, 1)));
    clg__step_put(s, counter, t);
    return t;
}

// What was known of states that are no more.
static void forget_states(clg_optim o)
{
    for (int i = 0; i < o->n; i++) {
        clg__param *p = &o->param[i];
        memset(p->state, 0, sizeof p->state);
        p->master = p->own_steps = NULL;
    }
    o->steps = o->scale = o->good_steps = NULL;
    o->known = false;
}

static clg_status check_grads(clg_optim o, const clg_tensor *grads, int n)
{
    char a[128], b[128];
    if (!grads || n != o->n)
        return clg_fail(o->dev, CLG_EINVAL, "optim_apply: %d gradients for %d parameters", grads ? n : 0, o->n);
    for (int i = 0; i < n; i++) {
        const clg_tensor g = grads[i];
        clg_tensor bad = g ? clg_check_inputs("optim_apply", "grads[]", &g, 1) : NULL;
        if (bad)
            return bad->status;
        const clg_shape shape = o->value[i]->shape;
        if (g && !clg_dtype_is_float(g->dtype))
            return clg_fail(o->dev, CLG_EDTYPE, "optim_apply: the gradient of '%.300s' is %s, expected a floating type",
                            o->param[i].name, clg_dtype_name(g->dtype));
        if (g && (g->shape.rank != shape.rank ||
                  memcmp(g->shape.dim, shape.dim, (size_t) shape.rank * sizeof shape.dim[0]) != 0))
            return clg_fail(o->dev, CLG_ESHAPE, "optim_apply: the gradient of '%.300s' is %s, the parameter %s",
                            o->param[i].name, clg__store_shape(g->shape, a), clg__store_shape(shape, b));
    }
    return CLG_OK;
}

static bool record(clg__step *s)
{
    const clg_optim o = s->o;
    s->fresh = !o->steps && !clg__store_has_state(o->store, "step", NULL);
    if (!o->steps)
        o->steps = clg__store_state(o->store, "step", NULL, CLG_F32, CLG_SCALAR, 0, NULL);
    if (!o->steps || !s->var || !s->to || !s->slots)
        return false;
    s->before = clg_detach(clg_var_value(o->steps));
    s->t = clg__step_count(s, o->steps);
    bool ok = true;
    for (int i = 0; i < o->n && ok; i++)
        ok = o->grad[i] ? clg__step_one(s, i) : clg__step_none(s, i);
    return ok;
}

clg_status clg_optim_apply(clg_optim o, const clg_tensor *grads, int n)
{
    DEFAULT_FP;
    if (!clg__optim_usable(o, "optim_apply") || !clg__store_usable(o->store, "optim_apply"))
        return CLG_EINVAL;
    for (int i = 0; i < o->n; i++) // the scope in which the gradients were made may have ended
        o->value[i] = clg_var_value(o->param[i].var);
    const clg_status checked = check_grads(o, grads, n);
    if (checked < 0)
        return checked;
    for (int i = 0; i < n; i++)
        o->grad[i] = grads[i];
    const int claimed = o->store->claimed; // a step that fails leaves no state behind
    const unsigned changes = o->store->changes;
    o->store->refused = CLG_OK;
    clg__step s = { .o = o, .dev = o->dev };
    s.var = calloc(CLG__ASSIGNED * (size_t) n + 3, sizeof *s.var);
    s.to = calloc(CLG__ASSIGNED * (size_t) n + 3, sizeof *s.to);
    s.slots = calloc(2 * (size_t) o->n_groups, sizeof *s.slots);
    clg__scaler_step(&s, grads, n);
    const bool ok = record(&s);
    if (ok)
        clg__scaler_update(&s);
    clg_status st = ok ? clg_assign_n(s.var, s.to, s.n) : o->store->refused;
    if (!ok && st >= 0)
        st = clg_fail(s.dev, CLG_ENOMEM, "optimizer: out of host memory");
    if (st < 0) {
        clg__store_back(o->store, claimed);
        forget_states(o);
    } else if (o->seen == changes) {
        o->seen = o->store->changes; // by states of our own
    }
    free(s.var);
    free(s.to);
    free(s.slots);
    return st;
}

clg_status clg_optim_step(clg_optim o, clg_tensor loss)
{
    clg_tensor *g;
    int n;
    const clg_status st = grads_of("optim_step", o, loss, &g, &n);
    return st < 0 ? st : clg_optim_apply(o, g, n);
}
