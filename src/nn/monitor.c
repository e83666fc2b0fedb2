// SPDX-License-Identifier: MIT
// Monitors: which tensors of a step are looked at, and the assignment that their statistics become. Gradients come from
// hooks on the tensors, so that no sweep of our own is needed and any optimizer will do.
#include "nn/fp.h"
#include "nn/monitor.h"

#include <clgrad/autocast.h>
#include <clgrad/autograd.h>
#include <clgrad/grad.h>
#include <clgrad/observe.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool usable(clg_monitor m, const char *what)
{
    if (m && !clg__object_alive(m))
        clg__object_misuse(m->dev, "%s: the monitor was destroyed", what);
    return m && clg__object_alive(m);
}

clg_status clg__monitor_fail(clg_monitor m, clg_status st, const char *why)
{
    m->failed = m->failed < 0 ? m->failed : st;
    return why ? clg_fail(m->dev, st, "monitor: %s", why) : st;
}

static char *copied(const char *text, size_t n)
{
    char *to = malloc(n + 1);
    if (to) {
        memcpy(to, text, n);
        to[n] = '\0';
    }
    return to;
}

// ---- what statistics are recorded with: no gradients, no autocast, a layer of their own

typedef struct aside {
    clg_scope scope;
    bool grad;
    clg_autocast cast;
    const char *layer;
} aside;

static aside aside_begin(clg_device dev)
{
    return (aside) { clg_scope_push(dev), clg_set_grad_enabled(dev, false),
                     clg_autocast_set(dev, (clg_autocast) { .on = false }), clg_set_layer(dev, "monitor") };
}

static void aside_end(clg_device dev, aside a)
{
    clg_set_layer(dev, a.layer);
    clg_autocast_set(dev, a.cast);
    clg_set_grad_enabled(dev, a.grad);
    clg_scope_pop(a.scope);
}

// before: NULL, or what is subtracted
static clg_tensor kept_statistics(clg_monitor m, clg_tensor t, clg_tensor before, const char *activation)
{
    const aside a = aside_begin(m->dev);
    const clg_tensor y = before ? clg__statistics_update(t, before) : clg__statistics_part(t, activation);
    const clg_tensor kept = y->status < 0 ? NULL : clg_keep(y);
    if (y->status < 0)
        clg__monitor_fail(m, y->status, NULL);
    aside_end(m->dev, a);
    return kept;
}

// ---- taps

static bool is_open(clg_device dev)
{
    return clg_device_get_info(dev) != NULL;
}

static void let_go(clg__tap *t)
{
    if (t->t && t->hook >= 0 && is_open(t->m->dev))
        clg_remove_hook(t->t, t->hook);
    t->hook = -1;
    clg_drop(&t->t);
    clg_drop(&t->own);
    clg_drop(&t->grad);
    clg_drop(&t->update);
    free(t->name);
    free(t);
}

static void tensor_seen(clg_tensor y, const char *op, void *user);

static void close_step(clg_monitor m)
{
    for (int i = 0; i < m->n_taps; i++)
        let_go(m->tap[i]);
    m->n_taps = 0;
    free(m->last);
    m->last = NULL;
    if (m->looking && is_open(m->dev))
        clg_unobserve(m->dev, tensor_seen, m);
    m->open = m->looking = m->inside = false;
}

static clg_tensor gradient_seen(clg_tensor g, void *user)
{
    clg__tap *t = user;
    clg_drop(&t->grad);
    t->grad = kept_statistics(t->m, g, NULL, NULL);
    return NULL;
}

static bool is_tapped(clg_monitor m, const char *name, bool param)
{
    for (int i = 0; i < m->n_taps; i++) {
        if ((m->tap[i]->var != NULL) == param && strcmp(m->tap[i]->name, name) == 0)
            return true;
    }
    return false;
}

// The first of a name counts, `layer` characters of which are the layer's; what has no elements has no statistics.
static clg_status tap(clg_monitor m, const char *name, size_t layer, const char *activation, clg_var v, clg_tensor t)
{
    if (clg_numel(t->shape) == 0 || is_tapped(m, name, v != NULL))
        return CLG_OK;
    if (m->n_taps == m->cap_taps) {
        clg__tap **list = realloc(m->tap, (size_t) (2 * m->cap_taps + 16) * sizeof *list);
        if (!list)
            return clg__monitor_fail(m, CLG_ENOMEM, "out of host memory");
        m->tap = list;
        m->cap_taps = 2 * m->cap_taps + 16;
    }
    clg__tap *p = malloc(sizeof *p);
    char *own = copied(name, strlen(name));
    if (!p || !own) {
        free(p);
        free(own);
        return clg__monitor_fail(m, CLG_ENOMEM, "out of host memory");
    }
    *p = (clg__tap) { .m = m, .name = own, .layer = layer, .activation = activation, .var = v, .hook = -1, .t = clg_keep(t) };
    m->tap[m->n_taps++] = p;
    p->own = kept_statistics(m, t, NULL, activation);
    const clg_status st = clg_register_hook(t, gradient_seen, p, &p->hook);
    return st < 0 ? clg__monitor_fail(m, st, NULL) : p->own ? CLG_OK : m->failed;
}

// The layer's part of a name: all of it where it has no point.
static size_t until_point(const char *name)
{
    const char *point = strrchr(name, '.');
    return point ? (size_t) (point - name) : strlen(name);
}

// Parameters that the store has got since; a layer makes its own before it uses them.
static void tap_params(clg_monitor m)
{
    const char *name;
    bool trainable;
    if (m->p.no_params)
        return;
    for (; m->seen < clg_store_count(m->store); m->seen++) {
        clg_var v = clg_store_at(m->store, m->seen, &name, &trainable);
        if (v && trainable)
            tap(m, name, until_point(name), NULL, v, clg_var_value(v));
    }
}

// ---- what layers and the device tell

static clg_monitor looking(clg_store s)
{
    return s->monitor && s->monitor->looking ? s->monitor : NULL;
}

void clg__monitor_enter(clg_store s)
{
    clg_monitor m = looking(s);
    if (m)
        m->inside = true;
}

void clg__monitor_output(clg_store s, const char *name, clg_tensor y)
{
    clg_monitor m = looking(s);
    if (!m)
        return;
    m->inside = false;
    if (y->status < 0)
        return;
    free(m->last);
    m->last = copied(name, strlen(name));
    const aside a = aside_begin(m->dev);
    tap_params(m);
    aside_end(m->dev, a);
    if (!m->p.no_outputs && clg_dtype_is_float(y->dtype))
        tap(m, name, strlen(name), NULL, NULL, y);
}

static void tensor_seen(clg_tensor y, const char *op, void *user)
{
    clg_monitor m = user;
    char name[600];
    const char *activation = m->last && !m->inside && clg_dtype_is_float(y->dtype) ? clg__activation(op) : NULL;
    if (!activation || m->p.no_outputs)
        return;
    const int n = snprintf(name, sizeof name, "%s.%s", m->last, activation);
    if (n > 0 && n < (int) sizeof name)
        tap(m, name, strlen(m->last), activation, NULL, y);
}

void clg__monitor_forget(clg_store s)
{
    clg_monitor m = s->monitor;
    s->monitor = NULL;
    if (!m)
        return;
    close_step(m);
    m->store = NULL;
}

// ---- the step

static const char *wrong_numbers(const struct clg_monitor_params *p)
{
    const double all[] = { p->vanishing, p->exploding, p->dead, p->saturated, p->slow, p->fast };
    bool good = p->every >= 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        good &= isfinite(all[i]) && all[i] >= 0;
    return good ? NULL : "a number is negative or not finite";
}

clg_monitor clg_monitor_create(clg_store s, const struct clg_monitor_params *given)
{
    struct clg_monitor_params p;
    if (!clg__store_usable(s, "monitor_create"))
        return NULL;
    const char *wrong = clg_params_read(&p, sizeof p, given);
    wrong = wrong ? wrong : s->monitor ? "the store has a monitor" : wrong_numbers(&p);
    clg_monitor m = wrong ? NULL : clg__object_new(sizeof *m);
    if (!m) {
        clg_fail(s->dev, wrong ? CLG_EINVAL : CLG_ENOMEM, "monitor_create: %s", wrong ? wrong : "out of host memory");
        return NULL;
    }
    p.every = p.every > 0 ? p.every : 100;
    p.vanishing = p.vanishing > 0 ? p.vanishing : 1e-3;
    p.exploding = p.exploding > 0 ? p.exploding : 1e3;
    p.dead = p.dead > 0 ? p.dead : 0.9;
    p.saturated = p.saturated > 0 ? p.saturated : 0.9;
    p.slow = p.slow > 0 ? p.slow : 1e-5;
    p.fast = p.fast > 0 ? p.fast : 0.1;
    m->store = s;
    m->dev = s->dev;
    m->p = p;
    s->monitor = m;
    return m;
}

void clg_monitor_destroy(clg_monitor *pm)
{
    if (!pm || !*pm)
        return;
    clg_monitor m = *pm;
    *pm = NULL;
    if (!usable(m, "monitor_destroy"))
        return;
    close_step(m);
    if (m->store && clg__object_alive(m->store))
        m->store->monitor = NULL;
    clg_var_destroy(&m->var);
    clg__slots_free(m->slot, m->n_slots);
    clg__rows_free(m);
    for (int i = 0; i < m->n_paces; i++)
        free(m->pace[i].name);
    free(m->pace);
    free(m->tap);
    clg__object_end(m);
}

bool clg_monitor_begin(clg_monitor m)
{
    if (!usable(m, "monitor_begin"))
        return false;
    if (m->open)
        close_step(m);
    if (!m->store || clg__store_dead(m->store))
        return false;
    m->open = true;
    m->failed = CLG_OK;
    m->looking = m->step % m->p.every == 0;
    if (!m->looking)
        return false;
    m->seen = 0;
    if (clg_observe(m->dev, tensor_seen, m) < 0) {
        m->looking = false;
        m->failed = CLG_ENOMEM;
        return false;
    }
    const aside a = aside_begin(m->dev);
    tap_params(m);
    aside_end(m->dev, a);
    return true;
}

clg_status clg_monitor_watch(clg_monitor m, const char *name, clg_tensor t)
{
    if (!usable(m, "monitor_watch"))
        return CLG_EINVAL;
    const clg_tensor bad = clg_check_inputs("monitor_watch", "t", &t, 1);
    if (bad)
        return bad->status;
    const char *wrong = !name ? "the name is NULL" : !m->open ? "no step was begun" :
                        t->dev != m->dev ? "t belongs to another device" : NULL;
    if (wrong)
        return clg_fail(m->dev, CLG_EINVAL, "monitor_watch: %s", wrong);
    if (!clg_dtype_is_float(t->dtype))
        return clg_fail(m->dev, CLG_EDTYPE, "monitor_watch: '%.100s' is %s, expected a floating type", name,
                        clg_dtype_name(t->dtype));
    return m->looking ? tap(m, name, until_point(name), clg__activation(clg_tensor_op(t)), NULL, t) : CLG_OK;
}

// The update of a parameter that was assigned in this step.
static void see_update(clg__tap *t)
{
    const clg_tensor now = clg_var_value(t->var);
    if (now != t->t && now->status >= 0)
        t->update = kept_statistics(t->m, now, t->t, NULL);
}

static bool add_slot(clg_monitor m, clg_tensor *list, const clg__tap *t, clg_monitor_kind kind, clg_tensor statistics)
{
    if (!statistics)
        return true;
    clg__slot *s = &m->slot[m->n_slots];
    *s = (clg__slot) { .name = copied(t->name, strlen(t->name)), .kind = kind, .count = clg_numel(t->t->shape),
                       .rank = t->t->shape.rank, .layer = t->layer, .activation = kind == CLG_MONITOR_OUTPUT ? t->activation : NULL,
                       .of_param = -1 };
    if (!s->name)
        return false;
    for (int i = m->n_slots - 1; kind == CLG_MONITOR_UPDATE && i >= 0 && s->of_param < 0; i--)
        s->of_param = m->slot[i].kind == CLG_MONITOR_PARAM ? i : -1;
    list[m->n_slots++] = statistics;
    return true;
}

// Fills the slots, and list with the statistics of each.
static bool list_slots(clg_monitor m, clg_tensor *list)
{
    bool ok = true;
    for (int params = 0; params < 2; params++) {
        for (int i = 0; i < m->n_taps && ok; i++) {
            const clg__tap *t = m->tap[i];
            if ((t->var != NULL) != params)
                continue;
            ok = add_slot(m, list, t, params ? CLG_MONITOR_PARAM : CLG_MONITOR_OUTPUT, t->own) &&
                 add_slot(m, list, t, params ? CLG_MONITOR_PARAM_GRAD : CLG_MONITOR_OUTPUT_GRAD, t->grad) &&
                 add_slot(m, list, t, CLG_MONITOR_UPDATE, t->update);
        }
    }
    return ok;
}

// One tensor of all statistics, some rows of which have the step, so that a reader knows whether it was computed.
static clg_status assign_all(clg_monitor m, clg_tensor *list)
{
    clg_dtype type = CLG_F32;
    for (int i = 0; i < m->n_slots; i++)
        type = list[i]->dtype == CLG_F64 ? CLG_F64 : type;
    for (int i = 0; i < m->n_slots; i++)
        list[i] = list[i]->dtype == type ? list[i] : clg_cast(list[i], type);
    const clg_tensor all = clg__statistics(list, m->n_slots, (double) (m->step % (1 << 20) + 1));
    if (all->status < 0)
        return all->status;
    const clg_tensor old = m->var ? clg_var_value(m->var) : NULL;
    if (!old || old->dtype != type || old->shape.dim[0] != all->shape.dim[0]) {
        clg_var_destroy(&m->var);
        m->var = clg_var_create(clg_zeros(m->dev, type, all->shape));
    }
    return m->var ? clg_var_assign(m->var, all) : CLG_ENOMEM;
}

static clg_status record(clg_monitor m)
{
    clg_status st = CLG_ENOMEM;
    const aside a = aside_begin(m->dev);
    for (int i = 0; i < m->n_taps; i++) {
        if (m->tap[i]->var)
            see_update(m->tap[i]);
    }
    clg__slots_free(m->slot, m->n_slots);
    m->n_slots = 0;
    m->slot = calloc((size_t) (3 * m->n_taps + 1), sizeof *m->slot);
    clg_tensor *list = calloc((size_t) (3 * m->n_taps + 1), sizeof *list);
    if (m->slot && list && list_slots(m, list))
        st = m->failed < 0 ? m->failed : m->n_slots == 0 ? CLG_OK : assign_all(m, list);
    else
        clg_fail(m->dev, st, "monitor_end: out of host memory");
    free(list);
    m->look = m->step;
    m->unread = st >= 0 && m->n_slots > 0;
    aside_end(m->dev, a);
    return st;
}

clg_status clg_monitor_end(clg_monitor m)
{
    if (!m)
        return CLG_OK;
    if (!usable(m, "monitor_end"))
        return CLG_EINVAL;
    const char *dead = m->store ? clg__store_dead(m->store) : "the store was destroyed";
    if (dead || !m->open)
        return clg_fail(is_open(m->dev) ? m->dev : NULL, CLG_EINVAL, "monitor_end: %s", dead ? dead : "no step was begun");
    const clg_status st = m->looking ? record(m) : m->failed;
    close_step(m);
    m->step++;
    return st;
}
