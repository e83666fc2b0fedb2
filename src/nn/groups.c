// SPDX-License-Identifier: MIT
// Rules and their numbers, and the groups of parameters that have numbers of their own.
#include "nn/optim.h"

#include "nn/fp.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { RULES = CLG_OPTIM_MUON + 1 };

static const char *const names[RULES] = { "group",   "sgd",  "adam",  "adamw", "rmsprop", "adagrad", "adadelta",
                                          "adamax", "nadam", "radam", "lion",  "lamb",    "muon" };

// Defaults; NONE: the rule does not have it. Columns as clg__number.
#define NONE (-1)
static const double defaults[RULES][N_NUMBERS] = {
    //                    lr    decay beta1 beta2 eps    momentum dampening alpha lr_decay initial momentum_decay
    [CLG_OPTIM_SGD] =      { 1e-3, 0, NONE, NONE, NONE, 0, 0, NONE, NONE, NONE, NONE },
    [CLG_OPTIM_ADAM] =     { 1e-3, 0, .9, .999, 1e-8, NONE, NONE, NONE, NONE, NONE, NONE },
    [CLG_OPTIM_ADAMW] =    { 1e-3, .01, .9, .999, 1e-8, NONE, NONE, NONE, NONE, NONE, NONE },
    [CLG_OPTIM_RMSPROP] =  { .01, 0, NONE, NONE, 1e-8, 0, NONE, .99, NONE, NONE, NONE },
    [CLG_OPTIM_ADAGRAD] =  { .01, 0, NONE, NONE, 1e-10, NONE, NONE, NONE, 0, 0, NONE },
    [CLG_OPTIM_ADADELTA] = { 1, 0, NONE, NONE, 1e-6, NONE, NONE, .9, NONE, NONE, NONE },
    [CLG_OPTIM_ADAMAX] =   { 2e-3, 0, .9, .999, 1e-8, NONE, NONE, NONE, NONE, NONE, NONE },
    [CLG_OPTIM_NADAM] =    { 2e-3, 0, .9, .999, 1e-8, NONE, NONE, NONE, NONE, NONE, 4e-3 },
    [CLG_OPTIM_RADAM] =    { 1e-3, 0, .9, .999, 1e-8, NONE, NONE, NONE, NONE, NONE, NONE },
    [CLG_OPTIM_LION] =     { 1e-4, 0, .9, .99, NONE, NONE, NONE, NONE, NONE, NONE, NONE },
    [CLG_OPTIM_LAMB] =     { 1e-3, .01, .9, .999, 1e-6, NONE, NONE, NONE, NONE, NONE, NONE },
    [CLG_OPTIM_MUON] =     { 1e-3, .1, NONE, NONE, 1e-7, .95, NONE, NONE, NONE, NONE, NONE },
};

#define AT(f) offsetof(struct clg_optim_params, f)
static const struct number_row {
    const char *name;
    size_t at, none; // none: of the flag that says 0; 0: there is no such flag
    double end;      // below this
} numbers[N_NUMBERS] = {
    { "lr", AT(lr), AT(no_lr), INFINITY },
    { "weight_decay", AT(weight_decay), AT(no_decay), INFINITY },
    { "beta1", AT(beta1), AT(no_beta1), 1 },
    { "beta2", AT(beta2), AT(no_beta2), 1 },
    { "eps", AT(eps), AT(no_eps), INFINITY },
    { "momentum", AT(momentum), AT(no_momentum), INFINITY },
    { "dampening", AT(dampening), 0, INFINITY },
    { "alpha", AT(alpha), AT(no_alpha), 1 },
    { "lr_decay", AT(lr_decay), 0, INFINITY },
    { "initial", AT(initial), 0, INFINITY },
    { "momentum_decay", AT(momentum_decay), AT(no_momentum_decay), INFINITY },
};

// Flags, and the rules that have them.
#define BIT(rule) (1u << CLG_OPTIM_##rule)
static const struct flag_row {
    const char *name;
    size_t at, to;
    unsigned rules;
} flags[] = {
    { "nesterov", AT(nesterov), offsetof(clg__group, nesterov), BIT(SGD) | BIT(MUON) },
    { "maximize", AT(maximize), offsetof(clg__group, maximize), ~0u },
    { "amsgrad", AT(amsgrad), offsetof(clg__group, amsgrad), BIT(ADAM) | BIT(ADAMW) },
    { "centered", AT(centered), offsetof(clg__group, centered), BIT(RMSPROP) },
    { "decoupled", AT(decoupled), offsetof(clg__group, decoupled),
      BIT(ADAM) | BIT(ADAMW) | BIT(NADAM) | BIT(RADAM) | BIT(LION) | BIT(MUON) },
    { "master", AT(master), offsetof(clg__group, master), ~0u },
};

const char *clg__rule_name(clg_optim_rule r)
{
    return names[r];
}

bool clg__rule_has(clg_optim_rule r, clg__number k)
{
    return defaults[r][k] != NONE;
}

static bool flag_at(const void *p, size_t at)
{
    return *(const bool *) ((const char *) p + at);
}

// What a user gave is used or refused, never replaced.
static bool read_number(clg_store s, const char *what, const struct clg_optim_params *p, clg__number k,
                        const clg__group *base, clg__group *g)
{
    const struct number_row *row = &numbers[k];
    double v;
    memcpy(&v, (const char *) p + row->at, sizeof v);
    const bool none = row->none && flag_at(p, row->none), has = defaults[g->rule][k] != NONE;
    g->v[k] = !has ? 0 : v != 0 || none ? v : base ? base->v[k] : defaults[g->rule][k];
    if (!has && v != 0)
        clg_fail(s->dev, CLG_EINVAL, "%s: %s is %g, which %s does not have", what, row->name, v, names[g->rule]);
    else if (k == N_DAMPENING && !isfinite(v))
        clg_fail(s->dev, CLG_EINVAL, "%s: %s is %g, expected a finite number", what, row->name, v);
    else if (k != N_DAMPENING && !(v >= 0 && v < row->end))
        clg_fail(s->dev, CLG_EINVAL, "%s: %s is %g, expected 0 or more and %s", what, row->name, v,
                 row->end > 1 ? "finite" : "below 1");
    else if (none && v != 0)
        clg_fail(s->dev, CLG_EINVAL, "%s: %s is %g, but a flag says that there is none", what, row->name, v);
    else
        return true;
    return false;
}

static bool read_flags(clg_store s, const char *what, const struct clg_optim_params *p, const clg__group *base,
                       clg__group *g)
{
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const bool on = flag_at(p, flags[i].at);
        if (on && !(flags[i].rules >> g->rule & 1)) {
            clg_fail(s->dev, CLG_EINVAL, "%s: %s is set, which %s does not have", what, flags[i].name, names[g->rule]);
            return false;
        }
        *((bool *) ((char *) g + flags[i].to)) = on || (base && flag_at(base, flags[i].to));
    }
    if (g->rule == CLG_OPTIM_MUON && !base)
        g->nesterov = true;
    if (p->no_nesterov && p->nesterov) {
        clg_fail(s->dev, CLG_EINVAL, "%s: nesterov is set, but a flag says that there is none", what);
        return false;
    }
    g->nesterov &= !p->no_nesterov;
    return true;
}

static bool read_muon(clg_store s, const char *what, const struct clg_optim_params *p, const clg__group *base,
                      clg__group *g)
{
    const bool muon = g->rule == CLG_OPTIM_MUON;
    if (p->ns_steps < 0 || p->ns_steps > 99 || (p->ns_steps && !muon))
        clg_fail(s->dev, CLG_EINVAL, "%s: ns_steps is %d, expected %s", what, p->ns_steps,
                 muon ? "1 to 99" : "none but with muon");
    else if (p->adjust < CLG_MUON_ORIGINAL || p->adjust > CLG_MUON_SPECTRAL_UNCLAMPED || (p->adjust && !muon))
        clg_fail(s->dev, CLG_EINVAL, "%s: %d is no way to adjust the rate of %s", what, (int) p->adjust, names[g->rule]);
    else {
        g->ns_steps = p->ns_steps ? p->ns_steps : base ? base->ns_steps : 5;
        g->adjust = p->adjust ? p->adjust : base ? base->adjust : CLG_MUON_ORIGINAL;
        return true;
    }
    return false;
}

bool clg__group_read(clg_store s, const char *what, const struct clg_optim_params *p, const clg__group *base,
                     clg__group *out)
{
    DEFAULT_FP;
    clg__group g = { .first_lr = NAN, .rule = p->rule == CLG_OPTIM_SAME && base ? base->rule : p->rule };
    if ((int) g.rule <= CLG_OPTIM_SAME || (int) g.rule >= RULES) {
        clg_fail(s->dev, CLG_EINVAL, "%s: %d is no rule", what, (int) g.rule);
        return false;
    }
    if (p->rule != CLG_OPTIM_SAME)
        base = NULL;
    for (int k = 0; k < N_NUMBERS; k++) {
        if (!read_number(s, what, p, (clg__number) k, base, &g))
            return false;
    }
    if (!read_flags(s, what, p, base, &g) || !read_muon(s, what, p, base, &g))
        return false;
    if (g.rule == CLG_OPTIM_SGD && g.nesterov && (g.v[N_MOMENTUM] <= 0 || g.v[N_DAMPENING] != 0)) {
        clg_fail(s->dev, CLG_EINVAL,
                 "%s: nesterov with momentum %g and dampening %g, expected a momentum and no dampening", what,
                 g.v[N_MOMENTUM], g.v[N_DAMPENING]);
        return false;
    }
    g.decoupled |= g.rule == CLG_OPTIM_ADAMW || g.rule == CLG_OPTIM_LION || g.rule == CLG_OPTIM_MUON;
    *out = g;
    return true;
}

void clg__group_end(clg__group *g)
{
    free(g->names);
}

// "*" in a pattern is any text.
static bool matches(const char *pattern, const char *text)
{
    const char *star = NULL, *from = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            from = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

int clg__group_of(clg_optim o, const char *name, clg_shape shape)
{
    for (int k = o->n_groups - 1; k > 0; k--) {
        const clg__group *g = &o->group[k];
        if (g->names ? matches(g->names, name) : g->takes(name, shape, g->user))
            return k;
    }
    return 0;
}

bool clg__keeps_master(const clg__group *g, clg_dtype t)
{
    return g->master && (t == CLG_F16 || t == CLG_BF16);
}

const char *const *clg__group_states(const clg__group *g)
{
    static const char *const none[] = { NULL }, *const momentum[] = { "momentum", NULL },
                      *const adam[] = { "m", "v", NULL }, *const ams[] = { "m", "v", "max_v", NULL },
                      *const rms[4][4] = { { "square_avg", NULL },
                                           { "square_avg", "momentum_buffer", NULL },
                                           { "square_avg", "grad_avg", NULL },
                                           { "square_avg", "grad_avg", "momentum_buffer", NULL } },
                      *const sum[] = { "sum", NULL }, *const delta[] = { "square_avg", "acc_delta", NULL },
                      *const inf[] = { "m", "exp_inf", NULL }, *const nadam[] = { "m", "v", "mu_product", NULL },
                      *const lion[] = { "m", NULL };
    static const char *const *const lists[RULES] = {
        none, momentum, adam, adam, NULL, sum, delta, inf, nadam, adam, lion, adam, momentum,
    };
    if (g->rule == CLG_OPTIM_RMSPROP)
        return rms[2 * g->centered + (g->v[N_MOMENTUM] > 0)];
    return g->amsgrad ? ams : lists[g->rule];
}

// ---- public

static int add_group(clg_optim o, const char *what, const struct clg_optim_params *p, clg__group g)
{
    struct clg_optim_params q;
    const char *wrong = clg_params_read(&q, sizeof q, p);
    const clg__group asked = g;
    if (wrong || !clg__group_read(o->store, what, &q, &o->group[0], &g)) {
        clg__group_end(&g);
        return wrong ? clg_fail(o->dev, CLG_EINVAL, "%s: %s", what, wrong) : CLG_EINVAL;
    }
    g.names = asked.names;
    g.takes = asked.takes;
    g.user = asked.user;
    clg__group *to = realloc(o->group, ((size_t) o->n_groups + 1) * sizeof *to);
    if (!to) {
        clg__group_end(&g);
        return clg_fail(o->dev, CLG_ENOMEM, "%s: out of host memory", what);
    }
    o->group = to;
    to[o->n_groups] = g;
    o->known = false;
    return o->n_groups++;
}

int clg_optim_group(clg_optim o, const char *pattern, const struct clg_optim_params *p)
{
    if (!clg__optim_usable(o, "optim_group") || !clg__store_usable(o->store, "optim_group"))
        return CLG_EINVAL;
    if (!pattern)
        return clg_fail(o->dev, CLG_EINVAL, "optim_group: NULL names");
    char *copy = strdup(pattern);
    if (!copy)
        return clg_fail(o->dev, CLG_ENOMEM, "optim_group: out of host memory");
    return add_group(o, "optim_group", p, (clg__group) { .names = copy });
}

int clg_optim_group_by(clg_optim o, bool (*takes)(const char *name, clg_shape shape, void *user), void *user,
                       const struct clg_optim_params *p)
{
    if (!clg__optim_usable(o, "optim_group_by") || !clg__store_usable(o->store, "optim_group_by"))
        return CLG_EINVAL;
    if (!takes)
        return clg_fail(o->dev, CLG_EINVAL, "optim_group_by: NULL function");
    return add_group(o, "optim_group_by", p, (clg__group) { .takes = takes, .user = user });
}

int clg_optim_group_count(clg_optim o)
{
    return clg__optim_usable(o, "optim_group_count") ? o->n_groups : 0;
}

clg_status clg_optim_group_set(clg_optim o, int k, const struct clg_optim_params *p)
{
    struct clg_optim_params q;
    clg__group g;
    if (!clg__optim_usable(o, "optim_group_set") || !clg__store_usable(o->store, "optim_group_set"))
        return CLG_EINVAL;
    if (k < 0 || k >= o->n_groups)
        return clg_fail(o->dev, CLG_EINVAL, "optim_group_set: there is no group %d, of %d", k, o->n_groups);
    const char *wrong = clg_params_read(&q, sizeof q, p);
    if (wrong)
        return clg_fail(o->dev, CLG_EINVAL, "optim_group_set: %s", wrong);
    q.rule = CLG_OPTIM_SAME;
    if (!clg__group_read(o->store, "optim_group_set", &q, &o->group[k], &g))
        return CLG_EINVAL;
    memcpy(o->group[k].v, g.v, sizeof g.v);
    return CLG_OK;
}

void clg_optim_group_set_lr(clg_optim o, int k, double lr)
{
    if (clg__optim_usable(o, "optim_group_set_lr") && k >= 0 && k < o->n_groups)
        o->group[k].v[N_LR] = lr;
}

double clg_optim_group_lr(clg_optim o, int k)
{
    return clg__optim_usable(o, "optim_group_lr") && k >= 0 && k < o->n_groups ? o->group[k].v[N_LR] : 0;
}
