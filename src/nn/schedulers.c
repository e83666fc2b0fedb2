// SPDX-License-Identifier: MIT
// Schedules that drive an optimizer's rates: PyTorch's recurrences, operation by operation, so that the same
// doubles come out after any number of steps.
#include "nn/fp.h"
#include "nn/optim.h"

#include <clgrad/schedule.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum role_of { ALONE, SEQUENCE, CHAIN } role_of;

struct clg_schedule_t {
    clg_optim o;
    role_of is;
    struct clg_schedule_params p;
    int64_t *milestones;
    clg_schedule *part;
    int n_parts, n_groups;
    double *base;              // initial rates of the groups
    int64_t t;                 // PyTorch's last_epoch
    int64_t cur, period;       // restarts
    int64_t bad, cool;         // plateau
    double best;
    bool owned;                // a part
};

static const double pi = 3.14159265358979323846;

static bool usable(clg_schedule s, const char *what)
{
    if (s && !clg__object_alive(s))
        clg__object_misuse(clg__object_alive(s->o) ? s->o->dev : NULL, "%s: the schedule was destroyed", what);
    return s && clg__object_alive(s) && clg__optim_usable(s->o, what);
}

static clg_status fail(clg_schedule s, const char *text)
{
    return clg_fail(s->o->dev, CLG_EINVAL, "schedule: %s", text);
}

static bool sets(const clg_schedule s, int g)
{
    return g < s->n_groups && g < s->o->n_groups && (!s->p.one_group || s->p.group == g);
}

// ---- one rate

static int64_t milestones_at(const clg_schedule s, int64_t t, bool before)
{
    int64_t n = 0;
    for (int i = 0; i < s->p.n_milestones; i++)
        n += before ? s->milestones[i] <= t : s->milestones[i] == t;
    return n;
}

static double anneal(const clg_schedule s, double from, double to, double share)
{
    if (s->p.linear)
        return (to - from) * share + from;
    return to + (from - to) / 2.0 * (cos(pi * share) + 1);
}

static void one_cycle(const clg_schedule s, clg__group *g, double *lr)
{
    const double total = (double) s->p.steps, low = s->p.max_lr / s->p.div, end = low / s->p.final_div;
    const double m[2] = { s->p.max_momentum, s->p.base_momentum };
    const double ends[3] = { s->p.pct * total - 1, s->p.three_phase ? 2 * s->p.pct * total - 2 : total - 1, total - 1 };
    const double rates[4] = { low, s->p.max_lr, s->p.three_phase ? low : end, end };
    const double momenta[4] = { m[0], m[1], m[0], m[0] };
    const int last = s->p.three_phase ? 2 : 1;
    double start = 0;
    for (int i = 0; i <= last; i++) {
        if ((double) s->t > ends[i] && i < last) {
            start = ends[i];
            continue;
        }
        const double share = ((double) s->t - start) / (ends[i] - start);
        *lr = anneal(s, rates[i], rates[i + 1], share);
        if (!s->p.no_cycle_momentum) // what has no beta1 has a momentum
            g->v[clg__rule_has(g->rule, N_BETA1) ? N_BETA1 : N_MOMENTUM] = anneal(s, momenta[i], momenta[i + 1], share);
        return;
    }
}

static double cosine(const clg_schedule s, double lr, double base, bool first)
{
    const int64_t t = s->t, period = s->p.steps, twice = 2 * period;
    const double least = s->p.min_lr, every = (double) period;
    if (first)
        return lr;
    if ((t - 1 - period) % twice == 0)
        return lr + (base - least) * (1 - cos(pi / every)) / 2;
    return (1 + cos(pi * (double) t / every)) / (1 + cos(pi * (double) (t - 1) / every)) * (lr - least) + least;
}

static double linear(const clg_schedule s, double lr, bool first)
{
    const double a = s->p.start_factor, b = s->p.end_factor, n = (double) s->p.steps;
    if (s->t == 0)
        return lr * a;
    if (first || s->t > s->p.steps)
        return lr;
    return lr * (1.0 + (b - a) / (n * a + (double) (s->t - 1) * (b - a)));
}

static double polynomial(const clg_schedule s, double lr, bool first)
{
    const double n = (double) s->p.steps, t = (double) s->t;
    if (first || s->t > s->p.steps)
        return lr;
    return lr * pow((1.0 - t / n) / (1.0 - (t - 1) / n), s->p.power);
}

// first: PyTorch's initial step, which leaves most rates alone
static double rate_of(const clg_schedule s, int k, bool first)
{
    clg__group *g = &s->o->group[k];
    double lr = g->v[N_LR];
    const double base = s->base[k];
    switch (s->p.kind) {
    case CLG_SCHEDULE_LAMBDA:
        return base * s->p.factor_of(s->t, k, s->p.user);
    case CLG_SCHEDULE_MULTIPLICATIVE:
        return first ? lr : lr * s->p.factor_of(s->t, k, s->p.user);
    case CLG_SCHEDULE_STEP:
        return s->t == 0 || s->t % s->p.steps != 0 ? lr : lr * s->p.gamma;
    case CLG_SCHEDULE_MULTI_STEP:
        return milestones_at(s, s->t, false) == 0 ? lr : lr * pow(s->p.gamma, (double) milestones_at(s, s->t, false));
    case CLG_SCHEDULE_CONSTANT:
        return s->t == 0 ? lr * s->p.factor : s->t != s->p.steps ? lr : lr * (1.0 / s->p.factor);
    case CLG_SCHEDULE_LINEAR:
        return linear(s, lr, first);
    case CLG_SCHEDULE_EXPONENTIAL:
        return first ? lr : lr * s->p.gamma;
    case CLG_SCHEDULE_POLYNOMIAL:
        return polynomial(s, lr, first);
    case CLG_SCHEDULE_COSINE:
        return cosine(s, lr, base, first);
    case CLG_SCHEDULE_COSINE_RESTARTS:
        return s->p.min_lr + (base - s->p.min_lr) * (1 + cos(pi * (double) s->cur / (double) s->period)) / 2;
    default:
        one_cycle(s, g, &lr);
        return lr;
    }
}

// The rate of t = 0 in closed form, at which a part of a sequence begins.
static double rate_at_0(const clg_schedule s, int k)
{
    const double base = s->base[k];
    switch (s->p.kind) {
    case CLG_SCHEDULE_MULTI_STEP:
        return base * pow(s->p.gamma, (double) milestones_at(s, 0, true));
    case CLG_SCHEDULE_CONSTANT:
        return base * (s->p.factor + (double) (0 >= s->p.steps) * (1 - s->p.factor));
    case CLG_SCHEDULE_LINEAR:
        return base * (s->p.start_factor + (s->p.end_factor - s->p.start_factor) * 0 / (double) s->p.steps);
    case CLG_SCHEDULE_COSINE:
        return s->p.min_lr + (base - s->p.min_lr) * (1 + cos(0)) / 2;
    case CLG_SCHEDULE_STEP:
    case CLG_SCHEDULE_EXPONENTIAL:
    case CLG_SCHEDULE_POLYNOMIAL:
        return base;
    default:
        return rate_of(s, k, false);
    }
}

// ---- steps

static void set_rates(clg_schedule s, bool first)
{
    for (int k = 0; k < s->o->n_groups; k++) {
        if (sets(s, k))
            s->o->group[k].v[N_LR] = rate_of(s, k, first);
    }
}

static void begin(clg_schedule s)
{
    s->t = 0;
    s->cur = 0;
    if (s->p.kind != CLG_SCHEDULE_PLATEAU)
        set_rates(s, true);
}

static void advance_one(clg_schedule s)
{
    s->t++;
    if (s->p.kind == CLG_SCHEDULE_COSINE_RESTARTS && ++s->cur >= s->period) {
        s->cur %= s->period;
        s->period = s->period > INT64_MAX / s->p.times ? INT64_MAX : s->period * s->p.times;
    }
    set_rates(s, false);
}

static void begin_sequence(clg_schedule s)
{
    s->t = 0;
    for (int k = 0; k < s->o->n_groups; k++)
        s->o->group[k].v[N_LR] = isnan(s->o->group[k].first_lr) ? s->o->group[k].v[N_LR] : s->o->group[k].first_lr;
    int at = 0; // of a milestone of 0 too
    while (at < s->n_parts - 1 && s->milestones[at] <= 0)
        at++;
    begin(s->part[at]);
}

static void advance(clg_schedule s)
{
    if (s->is == ALONE) {
        advance_one(s);
        return;
    }
    s->t++;
    if (s->is == CHAIN) {
        for (int i = 0; i < s->n_parts; i++)
            advance(s->part[i]);
        return;
    }
    int at = 0;
    while (at < s->n_parts - 1 && s->milestones[at] <= s->t)
        at++;
    clg_schedule part = s->part[at];
    if (at == 0 || s->milestones[at - 1] != s->t) {
        advance(part);
        return;
    }
    part->t = 0;
    for (int k = 0; k < s->o->n_groups; k++) {
        if (sets(part, k))
            s->o->group[k].v[N_LR] = rate_at_0(part, k);
    }
}

// Is there a further step for all that would take it?
static bool has_next(const clg_schedule s)
{
    bool good = s->p.kind != CLG_SCHEDULE_ONE_CYCLE || s->is != ALONE || s->t < s->p.steps;
    for (int i = 0; i < s->n_parts && s->is == CHAIN; i++)
        good &= has_next(s->part[i]);
    return good;
}

clg_status clg_schedule_step(clg_schedule s)
{
    if (!usable(s, "schedule_step"))
        return CLG_EINVAL;
    if (s->is == ALONE && s->p.kind == CLG_SCHEDULE_PLATEAU)
        return fail(s, "a plateau steps by clg_schedule_step_metric");
    if (!has_next(s))
        return fail(s, "one cycle has had all its steps");
    DEFAULT_FP;
    advance(s);
    return CLG_OK;
}

static bool is_better(const clg_schedule s, double a)
{
    const double by = s->p.threshold;
    if (s->p.higher)
        return s->p.absolute ? a > s->best + by : a > s->best * (by + 1.0);
    return s->p.absolute ? a < s->best - by : a < s->best * (1.0 - by);
}

clg_status clg_schedule_step_metric(clg_schedule s, double metric)
{
    if (!usable(s, "schedule_step_metric"))
        return CLG_EINVAL;
    if (s->is != ALONE || s->p.kind != CLG_SCHEDULE_PLATEAU)
        return fail(s, "only a plateau looks at a metric");
    DEFAULT_FP;
    s->t++;
    if (is_better(s, metric)) {
        s->best = metric;
        s->bad = 0;
    } else {
        s->bad++;
    }
    if (s->cool > 0) {
        s->cool--;
        s->bad = 0;
    }
    if (s->bad <= s->p.patience)
        return CLG_OK;
    for (int k = 0; k < s->o->n_groups; k++) {
        const double old = s->o->group[k].v[N_LR], less = old * s->p.factor;
        const double lr = s->p.min_lr > less ? s->p.min_lr : less;
        if (sets(s, k) && old - lr > s->p.eps)
            s->o->group[k].v[N_LR] = lr;
    }
    s->cool = s->p.cooldown;
    s->bad = 0;
    return CLG_OK;
}

// ---- making them

static double or_else(double v, bool none, double d)
{
    return v != 0 || none ? v : d;
}

static void fill_in(struct clg_schedule_params *p)
{
    const clg_schedule_kind k = p->kind;
    if (p->steps == 0 && (k == CLG_SCHEDULE_CONSTANT || k == CLG_SCHEDULE_LINEAR || k == CLG_SCHEDULE_POLYNOMIAL))
        p->steps = 5;
    if (k != CLG_SCHEDULE_EXPONENTIAL)
        p->gamma = or_else(p->gamma, false, 0.1);
    p->factor = or_else(p->factor, p->no_factor, k == CLG_SCHEDULE_PLATEAU ? 0.1 : 1.0 / 3);
    p->start_factor = or_else(p->start_factor, false, 1.0 / 3);
    p->end_factor = or_else(p->end_factor, p->no_end_factor, 1);
    p->power = or_else(p->power, false, 1);
    p->times = p->times ? p->times : 1;
    p->pct = or_else(p->pct, false, 0.3);
    p->div = or_else(p->div, false, 25);
    p->final_div = or_else(p->final_div, false, 1e4);
    p->base_momentum = or_else(p->base_momentum, false, 0.85);
    p->max_momentum = or_else(p->max_momentum, false, 0.95);
    p->patience = p->patience || p->no_patience ? p->patience : 10;
    p->threshold = or_else(p->threshold, p->no_threshold, 1e-4);
    p->eps = or_else(p->eps, p->no_eps, 1e-8);
}

// NULL, or what is wrong
static const char *refused(const struct clg_schedule_params *p, clg_optim o)
{
    const clg_schedule_kind k = p->kind;
    const double all[] = { p->gamma, p->factor, p->start_factor, p->end_factor, p->power, p->min_lr, p->max_lr, p->pct,
                           p->div, p->final_div, p->base_momentum, p->max_momentum, p->threshold, p->eps };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!isfinite(all[i]))
            return "a number is not finite";
    }
    if ((int) k <= CLG_SCHEDULE_NONE || k > CLG_SCHEDULE_PLATEAU)
        return "there is no such kind";
    if (p->one_group && (p->group < 0 || p->group >= o->n_groups))
        return "there is no such group";
    const bool counts = k != CLG_SCHEDULE_LAMBDA && k != CLG_SCHEDULE_MULTIPLICATIVE && k != CLG_SCHEDULE_MULTI_STEP &&
                        k != CLG_SCHEDULE_EXPONENTIAL && k != CLG_SCHEDULE_PLATEAU;
    if (counts && (p->steps <= 0 || p->steps > INT64_MAX / 4))
        return "steps are missing or negative";
    if ((k == CLG_SCHEDULE_LAMBDA || k == CLG_SCHEDULE_MULTIPLICATIVE) && !p->factor_of)
        return "factor_of is NULL";
    if (k == CLG_SCHEDULE_MULTI_STEP && (p->n_milestones < 0 || (p->n_milestones > 0 && !p->milestones)))
        return "milestones are missing";
    if (k == CLG_SCHEDULE_EXPONENTIAL && p->gamma == 0)
        return "gamma is missing";
    if (k == CLG_SCHEDULE_CONSTANT && !(p->factor > 0 && p->factor <= 1))
        return "factor is not above 0 and at most 1";
    if (k == CLG_SCHEDULE_LINEAR &&
        !(p->start_factor > 0 && p->start_factor <= 1 && p->end_factor >= 0 && p->end_factor <= 1))
        return "start_factor is not above 0, or a factor is not from 0 to 1";
    if (k == CLG_SCHEDULE_COSINE_RESTARTS && p->times < 1)
        return "times is below 1";
    if (k == CLG_SCHEDULE_ONE_CYCLE && (p->max_lr == 0 || p->pct < 0 || p->pct > 1))
        return "max_lr is missing, or pct is not from 0 to 1";
    if (k == CLG_SCHEDULE_PLATEAU && p->factor >= 1)
        return "factor is not below 1";
    return NULL;
}

static clg_schedule new_schedule(clg_optim o, role_of is)
{
    clg_schedule s = clg__object_new(sizeof *s);
    if (!s)
        return NULL;
    s->o = o;
    s->is = is;
    s->n_groups = o->n_groups;
    s->base = calloc((size_t) o->n_groups, sizeof *s->base);
    return s;
}

static void end_schedule(clg_schedule s)
{
    for (int i = 0; i < s->n_parts; i++)
        end_schedule(s->part[i]);
    free(s->part);
    free(s->milestones);
    free(s->base);
    s->part = NULL;
    s->milestones = NULL;
    s->base = NULL;
    s->n_parts = 0;
    clg__object_end(s);
}

static bool copy_milestones(clg_schedule s, const int64_t *from, int n)
{
    s->milestones = malloc(((size_t) n + 1) * sizeof *from);
    if (s->milestones && n > 0)
        memcpy(s->milestones, from, (size_t) n * sizeof *from);
    return s->milestones && s->base;
}

clg_schedule clg_schedule_create(clg_optim o, const struct clg_schedule_params *given)
{
    struct clg_schedule_params p;
    if (!clg__optim_usable(o, "schedule_create"))
        return NULL;
    DEFAULT_FP;
    const char *wrong = given ? clg_params_read(&p, sizeof p, given) : "NULL params";
    if (!wrong) {
        fill_in(&p);
        wrong = refused(&p, o);
    }
    if (wrong) {
        clg_fail(o->dev, CLG_EINVAL, "schedule_create: %s", wrong);
        return NULL;
    }
    clg_schedule s = new_schedule(o, ALONE);
    if (!s || !copy_milestones(s, p.milestones, p.kind == CLG_SCHEDULE_MULTI_STEP ? p.n_milestones : 0)) {
        clg_fail(o->dev, CLG_ENOMEM, "schedule_create: out of host memory");
        if (s)
            end_schedule(s);
        return NULL;
    }
    s->p = p;
    s->p.milestones = NULL;
    s->period = p.steps;
    s->best = p.higher ? -INFINITY : INFINITY;
    for (int k = 0; k < o->n_groups; k++) {
        clg__group *g = &o->group[k];
        if (p.kind == CLG_SCHEDULE_ONE_CYCLE && sets(s, k))
            g->first_lr = p.max_lr / p.div;
        else if (isnan(g->first_lr))
            g->first_lr = g->v[N_LR];
        s->base[k] = g->first_lr;
    }
    begin(s);
    return s;
}

// What the parts are refused for; NULL: nothing
static const char *parts_refused(clg_schedule *parts, int n, const int64_t *milestones, bool sequence)
{
    for (int i = 0; i < n; i++) {
        if (parts[i]->o != parts[0]->o)
            return "the parts belong to several optimizers";
        if (parts[i]->is == ALONE && parts[i]->p.kind == CLG_SCHEDULE_PLATEAU)
            return "a plateau is no part of others";
        if (sequence && parts[i]->is != ALONE)
            return "a part of a sequence is a schedule of its own";
        if (parts[i]->owned)
            return "a part belongs to another schedule";
        for (int k = 0; k < i; k++) {
            if (parts[k] == parts[i])
                return "a schedule is two parts";
        }
        if (sequence && i > 1 && milestones[i - 1] < milestones[i - 2])
            return "the milestones do not ascend";
    }
    return NULL;
}

static clg_schedule combine(const char *what, clg_schedule *parts, int n, const int64_t *milestones, role_of is)
{
    if (!parts || n < 1 || (is == SEQUENCE && n > 1 && !milestones)) {
        clg__object_misuse(NULL, "%s: NULL, or no parts", what);
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        if (!usable(parts[i], what))
            return NULL;
    }
    clg_optim o = parts[0]->o;
    const char *wrong = parts_refused(parts, n, milestones, is == SEQUENCE);
    if (wrong) {
        clg_fail(o->dev, CLG_EINVAL, "%s: %s", what, wrong);
        return NULL;
    }
    clg_schedule s = new_schedule(o, is);
    clg_schedule *list = malloc((size_t) n * sizeof *list);
    if (!s || !list || !copy_milestones(s, milestones, is == SEQUENCE ? n - 1 : 0)) {
        clg_fail(o->dev, CLG_ENOMEM, "%s: out of host memory", what);
        free(list);
        if (s)
            end_schedule(s);
        return NULL;
    }
    s->part = list;
    s->n_parts = n;
    for (int i = 0; i < n; i++) {
        list[i] = parts[i];
        list[i]->owned = true;
        parts[i] = NULL;
    }
    DEFAULT_FP;
    if (is == SEQUENCE)
        begin_sequence(s);
    return s;
}

clg_schedule clg_schedule_sequential(clg_schedule *parts, int n, const int64_t *milestones)
{
    return combine("schedule_sequential", parts, n, milestones, SEQUENCE);
}

clg_schedule clg_schedule_chained(clg_schedule *parts, int n)
{
    return combine("schedule_chained", parts, n, NULL, CHAIN);
}

void clg_schedule_destroy(clg_schedule *ps)
{
    if (!ps || !*ps)
        return;
    clg_schedule s = *ps;
    *ps = NULL;
    if (!clg__object_alive(s) || s->owned)
        clg__object_misuse(clg__object_alive(s->o) ? s->o->dev : NULL, "schedule_destroy: the schedule %s",
                           s->owned ? "is a part of another" : "was destroyed already");
    else
        end_schedule(s);
}

// ---- state as text: numbers by their bits, 16 hexadecimal digits each

typedef struct tape {
    char *text;     // where it is written, or NULL
    uint64_t *word; // where it is written, or read from, or NULL
    size_t n;
    bool writes; // to the words
} tape;

enum { DIGITS = 16 };

static void pass(tape *t, void *number)
{
    uint64_t bits;
    memcpy(&bits, number, sizeof bits);
    if (t->text)
        snprintf(t->text + t->n * DIGITS, DIGITS + 1, "%016llx", (unsigned long long) bits);
    if (t->word && t->writes)
        memcpy(&t->word[t->n], number, sizeof t->word[0]);
    else if (t->word)
        memcpy(number, &t->word[t->n], sizeof t->word[0]);
    t->n++;
}

// What has to be as it was when the state was written.
static bool pass_same(tape *t, int64_t is)
{
    int64_t was = is;
    pass(t, &was);
    return was == is;
}

static bool pass_schedule(tape *t, clg_schedule s)
{
    if (!pass_same(t, s->is) || !pass_same(t, s->p.kind) || !pass_same(t, s->n_parts) || !pass_same(t, s->p.steps))
        return false;
    pass(t, &s->t);
    pass(t, &s->cur);
    pass(t, &s->period);
    pass(t, &s->bad);
    pass(t, &s->cool);
    pass(t, &s->best);
    for (int k = 0; k < s->n_groups; k++)
        pass(t, &s->base[k]);
    for (int i = 0; i < s->n_parts; i++) {
        if (!pass_schedule(t, s->part[i]))
            return false;
    }
    return true;
}

static bool pass_all(tape *t, clg_schedule s)
{
    if (!pass_same(t, 1) || !pass_same(t, s->o->n_groups) || !pass_same(t, s->n_groups))
        return false;
    for (int k = 0; k < s->o->n_groups; k++) {
        clg__group *g = &s->o->group[k];
        pass(t, &g->v[N_LR]);
        pass(t, &g->v[N_MOMENTUM]);
        pass(t, &g->v[N_BETA1]);
        pass(t, &g->first_lr);
    }
    return pass_schedule(t, s);
}

size_t clg_schedule_save(clg_schedule s, char *text, size_t room)
{
    if (!s || !clg__object_alive(s) || !clg__object_alive(s->o))
        return 0;
    tape t = { .writes = true };
    pass_all(&t, s);
    const size_t need = t.n * DIGITS + 1;
    if (!text || room < need)
        return need;
    t = (tape) { .text = text };
    pass_all(&t, s);
    return need;
}

static bool read_words(const char *text, uint64_t *word, size_t n)
{
    for (size_t i = 0; i < n * DIGITS; i++) {
        const char c = text[i];
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        word[i / DIGITS] = word[i / DIGITS] << 4 | (uint64_t) digit;
    }
    return text[n * DIGITS] == '\0';
}

clg_status clg_schedule_load(clg_schedule s, const char *text)
{
    if (!usable(s, "schedule_load"))
        return CLG_EINVAL;
    if (!text)
        return fail(s, "NULL text");
    tape now = { .writes = true };
    pass_all(&now, s);
    const size_t n = now.n;
    now = (tape) { .word = calloc(2 * n, sizeof *now.word), .writes = true };
    if (!now.word)
        return clg_fail(s->o->dev, CLG_ENOMEM, "schedule_load: out of host memory");
    tape then = { .word = now.word + n };
    pass_all(&now, s);
    bool good = read_words(text, then.word, n);
    if (good && !pass_all(&then, s)) {
        now.n = 0;
        now.writes = false;
        pass_all(&now, s); // as it was
        good = false;
    }
    free(now.word);
    return good ? CLG_OK : clg_fail(s->o->dev, CLG_EFORMAT, "schedule_load: the text is no state of this schedule");
}
