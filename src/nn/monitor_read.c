// SPDX-License-Identifier: MIT
// What a monitor has computed, read in one transfer and made rows.
#include "nn/fp.h"
#include "nn/monitor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void clg__slots_free(clg__slot *s, int n)
{
    for (int i = 0; i < n; i++)
        free(s[i].name);
    free(s);
}

void clg__rows_free(clg_monitor m)
{
    for (int i = 0; i < m->n_rows; i++)
        free(m->layer_name[i]);
    for (int i = 0; i < m->n_verdicts; i++)
        free((char *) (uintptr_t) m->verdict[i].text);
    free(m->layer_name);
    free(m->row);
    free(m->verdict);
    clg__slots_free(m->read, m->n_read);
    m->layer_name = NULL;
    m->row = NULL;
    m->verdict = NULL;
    m->read = NULL;
    m->n_rows = m->n_verdicts = m->n_read = 0;
}

// All numbers as double, or NULL: st says why. The caller frees them.
static double *numbers(clg_monitor m, clg_status *st)
{
    const size_t n = (size_t) ((m->n_slots - 1) / M_TOGETHER + 1) * (M_TOGETHER + 1) * M_STATS;
    double *all = malloc(n * sizeof *all);
    float *few = malloc(n * sizeof *few);
    const clg_scope scope = clg_scope_push(m->dev);
    const clg_tensor t = clg_var_value(m->var);
    const bool wide = t->dtype == CLG_F64;
    *st = !all || !few ? clg_fail(m->dev, CLG_ENOMEM, "monitor_read: out of host memory")
                       : clg_read(t, wide ? (void *) all : few, n * (wide ? sizeof *all : sizeof *few));
    for (size_t i = 0; i < n && *st >= 0 && !wide; i++)
        all[i] = (double) few[i];
    clg_scope_pop(scope);
    free(few);
    if (*st < 0) {
        free(all);
        return NULL;
    }
    return all;
}

static bool make_row(clg_monitor m, int i, const double *v)
{
    const clg__slot *s = &m->read[i];
    char *layer = malloc(s->layer + 1);
    if (!layer)
        return false;
    memcpy(layer, s->name, s->layer);
    layer[s->layer] = '\0';
    m->layer_name[i] = layer;
    m->row[i] = (clg_monitor_row) {
        .step = m->look, .layer = layer, .name = s->name, .kind = s->kind, .count = s->count, .norm = v[M_NORM],
        .mean = v[M_MEAN], .std = v[M_STD], .max_abs = v[M_MAX], .zeros = v[M_ZEROS],
        .saturated = !clg__saturates(s->activation) ? (double) NAN : strcmp(s->activation, "relu") == 0 ? v[M_ZEROS] : v[M_SATURATED], .nan = v[M_NAN], .inf = v[M_INF],
        .ratio = s->of_param >= 0 ? v[M_NORM] / m->row[s->of_param].norm : (double) NAN,
    };
    m->n_rows++;
    return true;
}

static clg_status make_rows(clg_monitor m, const double *v)
{
    clg__rows_free(m);
    m->read = m->slot;
    m->n_read = m->n_slots;
    m->slot = NULL;
    m->n_slots = 0;
    m->row = calloc((size_t) m->n_read, sizeof *m->row);
    m->layer_name = calloc((size_t) m->n_read, sizeof *m->layer_name);
    bool ok = m->row && m->layer_name;
    for (int i = 0; i < m->n_read && ok; i++)
        ok = make_row(m, i, v + (size_t) (i / M_TOGETHER * (M_TOGETHER + 1) + i % M_TOGETHER) * M_STATS);
    if (ok && clg__judge(m))
        return CLG_OK;
    clg__rows_free(m);
    return clg_fail(m->dev, CLG_ENOMEM, "monitor_read: out of host memory");
}

clg_status clg_monitor_read(clg_monitor m, const clg_monitor_row **rows, int *n)
{
    DEFAULT_FP;
    if (rows)
        *rows = NULL;
    if (n)
        *n = 0;
    if (!m)
        return CLG_EINVAL;
    if (!clg__object_alive(m))
        return clg__object_misuse(m->dev, "monitor_read: the monitor was destroyed");
    if (!clg_device_get_info(m->dev))
        return CLG_EINVAL;
    if (!n || m->open)
        return clg_fail(m->dev, CLG_EINVAL, "monitor_read: %s", n ? "a step was begun and not ended" : "n is NULL");
    if (!m->unread)
        return CLG_OK;
    clg_status st;
    double *v = numbers(m, &st);
    if (!v)
        return st;
    m->unread = false;
    // what a failed evaluation discarded has the numbers of an earlier step
    if (v[M_TOGETHER * M_STATS] == (double) (m->look % (1 << 20) + 1))
        st = make_rows(m, v);
    free(v);
    if (st >= 0 && m->slot == NULL) {
        *n = m->n_rows;
        if (rows)
            *rows = m->row;
    }
    return st;
}

const clg_monitor_verdict *clg_monitor_verdicts(clg_monitor m, int *n)
{
    const bool good = m && clg__object_alive(m);
    if (n)
        *n = good ? m->n_verdicts : 0;
    return good ? m->verdict : NULL;
}

const char *clg_monitor_kind_name(clg_monitor_kind kind)
{
    static const char *const names[] = { "output", "output_grad", "param", "param_grad", "update" };
    return (unsigned) kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}

const char *clg_finding_name(clg_finding f)
{
    static const char *const names[] = { "none", "not_finite", "exploding", "dead", "saturated", "vanishing", "fast",
                                         "slow", "plateau", "spike", "diverging" };
    return (unsigned) f < sizeof names / sizeof names[0] ? names[f] : "?";
}
