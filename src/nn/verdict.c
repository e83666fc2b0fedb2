// SPDX-License-Identifier: MIT
// What a monitor says of each layer. Gradients are compared along the depth of the network, since what a loss's own scale
// does to them is the same in all of it; weights' updates with the weights.
#include "nn/monitor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct judged {
    clg_finding finding;
    double value;
    char text[700];
} judged;

// ---- along the depth

typedef struct depth {
    clg_monitor_kind kind;   // of the gradients that are compared
    const clg_monitor_row *last; // the gradient of the last layer that has one
    const clg_monitor_row *first; // output
} depth;

static bool is_matrix(clg_monitor m, const clg_monitor_row *r)
{
    return m->read[r - m->row].rank >= 2;
}

static double root_mean_square(const clg_monitor_row *r)
{
    return r->norm / sqrt((double) r->count);
}

static depth look_along(clg_monitor m)
{
    depth d = { .kind = CLG_MONITOR_PARAM_GRAD };
    for (int i = 0; i < m->n_rows; i++)
        d.kind = m->row[i].kind == CLG_MONITOR_OUTPUT_GRAD ? CLG_MONITOR_OUTPUT_GRAD : d.kind;
    for (int i = 0; i < m->n_rows; i++) {
        const clg_monitor_row *r = &m->row[i];
        if (!isfinite(r->norm) || r->norm == 0)
            continue;
        if (r->kind == CLG_MONITOR_OUTPUT && !d.first)
            d.first = r;
        if (r->kind == d.kind && (d.kind == CLG_MONITOR_OUTPUT_GRAD || is_matrix(m, r)))
            d.last = r;
    }
    return d;
}

// ---- one row

static bool not_finite(const clg_monitor_row *r, judged *j)
{
    char nan[FIGURE], inf[FIGURE];
    if (!(r->nan + r->inf > 0))
        return false;
    j->finding = CLG_FINDING_NOT_FINITE;
    j->value = r->nan + r->inf;
    const bool gradient = r->kind == CLG_MONITOR_PARAM_GRAD || r->kind == CLG_MONITOR_OUTPUT_GRAD;
    snprintf(j->text, sizeof j->text,
             "%s of '%.200s' has %s NaN and %s infinite numbers of %lld; clg_device_watch (clgrad train --watch) names the "
             "operation that makes the first one%s.",
             clg_monitor_kind_name(r->kind), r->name, clg__figure(r->nan, nan), clg__figure(r->inf, inf),
             (long long) r->count, gradient ? "; where a loss is scaled for F16 such a step is left out and the scale lowered" : "");
    return true;
}

static bool exploding(clg_monitor m, const depth *d, const clg_monitor_row *r, judged *j)
{
    char a[FIGURE], b[FIGURE], c[FIGURE];
    const bool gradient = d->last && r->kind == d->kind && (d->kind == CLG_MONITOR_OUTPUT_GRAD || is_matrix(m, r));
    const double ratio = gradient                                    ? r->norm / d->last->norm
                         : d->first && r->kind == CLG_MONITOR_OUTPUT ? root_mean_square(r) / root_mean_square(d->first)
                                                                     : 0;
    if (!(ratio > m->p.exploding))
        return false;
    j->finding = CLG_FINDING_EXPLODING;
    j->value = ratio;
    if (gradient)
        snprintf(j->text, sizeof j->text,
                 "the gradient at '%.200s' has norm %s, %s times the %s at '%.200s': gradients explode on their way back; "
                 "smaller first weights (Kaiming, Xavier), a norm layer, or clg_clip_grad_norm.",
                 r->name, clg__figure(r->norm, a), clg__figure(ratio, b), clg__figure(d->last->norm, c), d->last->name);
    else
        snprintf(j->text, sizeof j->text,
                 "'%.200s' has root mean square %s, %s times the %s of '%.200s': values grow from layer to layer; smaller "
                 "first weights (Kaiming, Xavier) or a norm layer.",
                 r->name, clg__figure(root_mean_square(r), a), clg__figure(ratio, b),
                 clg__figure(root_mean_square(d->first), c), d->first->name);
    return true;
}

static bool vanishing(clg_monitor m, const depth *d, const clg_monitor_row *r, judged *j)
{
    char a[FIGURE], b[FIGURE], c[FIGURE];
    if (!d->last || r->kind != d->kind || (d->kind != CLG_MONITOR_OUTPUT_GRAD && !is_matrix(m, r)) ||
        !(r->norm / d->last->norm < m->p.vanishing))
        return false;
    j->finding = CLG_FINDING_VANISHING;
    j->value = r->norm / d->last->norm;
    if (r->norm == 0)
        snprintf(j->text, sizeof j->text,
                 "no gradient arrives at '%.200s' (0 beside the %s at '%.200s'): a layer behind it is dead, or "
                 "detached from the loss.",
                 r->name, clg__figure(d->last->norm, c), d->last->name);
    else
        snprintf(j->text, sizeof j->text,
                 "the gradient at '%.200s' has norm %s, %s of the %s at '%.200s': it vanishes on its way back; relu in place of "
                 "sigmoid or tanh, Kaiming's first weights, norm layers, or connections around layers.",
                 r->name, clg__figure(r->norm, a), clg__figure(j->value, b), clg__figure(d->last->norm, c), d->last->name);
    return true;
}

static bool flat(clg_monitor m, const clg_monitor_row *r, judged *j)
{
    char a[FIGURE];
    const char *activation = m->read[r - m->row].activation;
    const bool relu = activation && strcmp(activation, "relu") == 0;
    if (!activation || !clg__saturates(activation) || !(r->saturated > (relu ? m->p.dead : m->p.saturated)))
        return false;
    j->finding = relu ? CLG_FINDING_DEAD : CLG_FINDING_SATURATED;
    j->value = r->saturated;
    snprintf(j->text, sizeof j->text,
             relu ? "%s %% of '%.200s' are 0 and pass no gradient: the relu is dead; a smaller learning rate, leaky_relu, or "
                    "a norm layer before it."
                  : "%s %% of '%.200s' are where it is flat and pass hardly any gradient: smaller first weights, normalised "
                    "inputs, or a norm layer before it.",
             clg__figure(100 * r->saturated, a), r->name);
    return true;
}

// ---- updates

static clg__pace *pace_of(clg_monitor m, const char *name)
{
    for (int i = 0; i < m->n_paces; i++) {
        if (strcmp(m->pace[i].name, name) == 0)
            return &m->pace[i];
    }
    clg__pace *list = realloc(m->pace, (size_t) (m->n_paces + 1) * sizeof *list);
    m->pace = list ? list : m->pace;
    char *own = list ? malloc(strlen(name) + 1) : NULL;
    if (!own)
        return NULL;
    strcpy(own, name);
    list[m->n_paces] = (clg__pace) { .name = own };
    return &list[m->n_paces++];
}

// false: out of memory
static bool keep_pace(clg_monitor m, const clg_monitor_row *r)
{
    if (r->kind != CLG_MONITOR_UPDATE || !is_matrix(m, r) || !isfinite(r->ratio))
        return true;
    clg__pace *p = pace_of(m, r->name);
    if (!p)
        return false;
    p->largest = p->looks == 0 || r->ratio > p->largest ? r->ratio : p->largest;
    p->looks++;
    return true;
}

static bool pace(clg_monitor m, const clg_monitor_row *r, judged *j)
{
    char a[FIGURE];
    if (r->kind != CLG_MONITOR_UPDATE || !is_matrix(m, r) || !isfinite(r->ratio))
        return false;
    const clg__pace *p = pace_of(m, r->name);
    if (!p || p->looks < 2)
        return false;
    const bool fast = r->ratio > m->p.fast && p->before > m->p.fast;
    if (!fast && !(p->largest < m->p.slow))
        return false;
    j->finding = fast ? CLG_FINDING_FAST : CLG_FINDING_SLOW;
    j->value = r->ratio;
    snprintf(j->text, sizeof j->text,
             fast ? "a step changes '%.200s' by %s of its own norm: a smaller learning rate, or a warm-up."
                  : "a step changes '%.200s' by %s of its own norm, as little as ever: it hardly learns; a larger learning "
                    "rate, or look for a vanishing gradient.",
             r->name, clg__figure(r->ratio, a));
    return true;
}

static void end_pace(clg_monitor m)
{
    for (int i = 0; i < m->n_rows; i++) {
        const clg_monitor_row *r = &m->row[i];
        if (r->kind == CLG_MONITOR_UPDATE && is_matrix(m, r) && isfinite(r->ratio))
            pace_of(m, r->name)->before = r->ratio;
    }
}

// ---- a layer

static void judge_row(clg_monitor m, const depth *d, const clg_monitor_row *r, judged *j)
{
    judged now = { 0 };
    const bool found = not_finite(r, &now) || exploding(m, d, r, &now) || flat(m, r, &now) || vanishing(m, d, r, &now) ||
                       pace(m, r, &now);
    if (found && (j->finding == CLG_FINDING_NONE || now.finding < j->finding)) // they are in order
        *j = now;
}

static bool is_judged(clg_monitor m, const char *layer)
{
    for (int i = 0; i < m->n_verdicts; i++) {
        if (strcmp(m->verdict[i].layer, layer) == 0)
            return true;
    }
    return false;
}

bool clg__judge(clg_monitor m)
{
    const depth d = look_along(m);
    m->verdict = calloc((size_t) m->n_rows + 1, sizeof *m->verdict);
    bool ok = m->verdict != NULL;
    for (int i = 0; i < m->n_rows && ok; i++)
        ok = keep_pace(m, &m->row[i]);
    for (int i = 0; i < m->n_rows && ok; i++) {
        judged j = { 0 };
        if (is_judged(m, m->row[i].layer))
            continue;
        for (int k = i; k < m->n_rows; k++) {
            if (strcmp(m->row[k].layer, m->row[i].layer) == 0)
                judge_row(m, &d, &m->row[k], &j);
        }
        char *text = malloc(strlen(j.text) + 1);
        ok = text != NULL;
        if (ok)
            m->verdict[m->n_verdicts++] = (clg_monitor_verdict) { m->look, m->row[i].layer, j.finding, j.value,
                                                                  strcpy(text, j.text) };
    }
    if (ok)
        end_pace(m);
    return ok;
}
