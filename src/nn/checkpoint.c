// SPDX-License-Identifier: MIT
// Checkpoints: a store to a file and back, and the comparison of a file with what is asked for.
#include "nn/store.h"

#include <clgrad/io.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

clg_status clg_store_save(clg_store s, const char *path, const char *const *metadata)
{
    char error[600] = "";
    if (!clg__store_usable(s, "store_save"))
        return CLG_EINVAL;
    if (!path)
        return clg_fail(s->dev, CLG_EINVAL, "store_save: NULL path");
    clg_safetensor *t = calloc((size_t) s->n + 1, sizeof *t);
    clg_status st = t ? clg_eval_assigned(s->dev) : CLG_ENOMEM;
    clg_scope scope = clg_scope_push(s->dev);
    for (int i = 0; i < s->n && st >= 0; i++) {
        const struct entry *e = &s->entry[i];
        const size_t bytes = (size_t) clg_numel(e->shape) * clg_dtype_size(e->dtype);
        void *data = malloc(bytes + 1);
        t[i] = (clg_safetensor) { e->name, true, e->dtype, e->shape, data, bytes };
        st = data ? clg_read(clg_var_value(e->var), data, bytes) : CLG_ENOMEM;
    }
    clg_scope_pop(scope);
    if (st >= 0) {
        st = clg_safetensors_write(path, t, s->n, metadata, error, sizeof error);
        if (st < 0)
            clg_fail(s->dev, st, "store_save: %s", error);
    } else if (st == CLG_ENOMEM) {
        clg_fail(s->dev, st, "store_save: out of host memory");
    }
    for (int i = 0; t && i < s->n; i++)
        free((void *) (uintptr_t) t[i].data);
    free(t);
    return st;
}

// ---- what a file lacks, and what nobody asked for

enum { LISTED = 5, LIST_ROOM = 400 };

// "'a', 'b' and 7 more"
typedef struct list {
    char text[LIST_ROOM];
    size_t at;
    int n;
} list;

static void put(list *l, const char *name)
{
    if (l->n++ < LISTED && l->at < LIST_ROOM - 1)
        l->at += (size_t) snprintf(l->text + l->at, LIST_ROOM - l->at, "%s'%.60s'", l->at ? ", " : "",
                                   name);
}

static void end(list *l)
{
    if (l->n > LISTED && l->at < LIST_ROOM - 1)
        snprintf(l->text + l->at, LIST_ROOM - l->at, " and %d more", l->n - LISTED);
}

// Of "optim.<what>.<param>": the parameter, NULL where nothing stands for one; what: its bytes
static const char *state_of(const char *name, size_t *what)
{
    *what = strcspn(name + 6, ".");
    return name[6 + *what] == '.' ? name + 7 + *what : NULL;
}

static bool is_word(const char *word, const char *text, size_t n)
{
    return strncmp(word, text, n) == 0 && word[n] == '\0';
}

static bool is_listed(const char *const *states, const char *text, size_t n)
{
    for (int i = 0; states[i]; i++) {
        if (is_word(states[i], text, n))
            return true;
    }
    return false;
}

// State of a parameter that is there, frozen ones included, and of an optimizer of this kind?
static bool is_expected_state(clg_store s, const char *name, const clg__states *states)
{
    static const char *const of_all[] = { "step", "scale", "good_steps", "averages", NULL },
                      *const of_any[] = { "step", "average", NULL };
    size_t n;
    const char *param = state_of(name, &n);
    if (!param)
        return is_listed(of_all, name + 6, n);
    const struct entry *e = clg__store_entry(s, param);
    return e && e->role == PARAMETER &&
           (is_listed(of_any, name + 6, n) || is_listed(states->of(states->optimizer, param), name + 6, n));
}

// A moment without its companions, or without the steps that it had, would go on as half a state: a step of
// a wrong size that nobody would see. A parameter may have none at all: it was frozen.
static clg_status check_halves(clg_store s, const clg__states *states)
{
    const bool steps = clg__store_has_state(s, "step", NULL);
    for (int i = s->claimed; i < s->n && !s->allow_missing; i++) {
        const char *name = s->entry[i].name;
        size_t n;
        const char *param = clg__is_state(name) ? state_of(name, &n) : NULL;
        const char *const *own = param ? states->of(states->optimizer, param) : NULL;
        if (!own || !is_listed(own, name + 6, n))
            continue;
        const char *lacks = NULL;
        for (int j = 0; own[j] && !lacks; j++)
            lacks = clg__store_has_state(s, own[j], param) ? NULL : own[j];
        if (!lacks && steps)
            continue;
        clg__store_refuse(s, CLG_EFORMAT, "store: %.150s has '%.200s' and no 'optim.%s%s%.200s' (half an "
                          "optimizer's state)", s->file, name, steps ? lacks : "step", steps ? "." : "",
                          steps ? param : "");
        return CLG_EFORMAT;
    }
    return CLG_OK;
}

clg_status clg__store_settle(clg_store s, const clg__states *states)
{
    list l = { .n = 0 };
    clg__nearest best = { 0 };
    bool other = false; // optimizer's state
    if (!s->file)
        return CLG_OK;
    for (int i = s->claimed; i < s->n && !s->allow_unexpected; i++) {
        const char *name = s->entry[i].name;
        if (clg__is_state(name) ? !states || is_expected_state(s, name, states) : false)
            continue;
        other |= clg__is_state(name);
        put(&l, name);
        for (int k = 0; k < s->claimed && l.n == 1; k++) {
            if (s->entry[k].lacking)
                clg__near(&best, name, s->entry[k].name);
        }
    }
    end(&l);
    if (l.n > 0) {
        clg__store_refuse(s, CLG_EFORMAT, "store: %.150s has %s, which nobody asked for%s%s%s%s", s->file,
                          l.text, other ? " (state of another optimizer or parameter)" : "",
                          best.name ? "; the nearest that it lacks is '" : "",
                          best.name ? best.name : "", best.name ? "'" : "");
        return CLG_EFORMAT;
    }
    if (states && check_halves(s, states) < 0)
        return CLG_EFORMAT;
    free(s->file);
    s->file = NULL;
    return CLG_OK;
}

clg_status clg_store_check(clg_store s)
{
    return clg__store_usable(s, "store_check") ? clg__store_settle(s, NULL) : CLG_EINVAL;
}

const char *clg_store_missing(clg_store s, int i)
{
    const bool usable = clg__store_usable(s, "store_missing");
    for (int k = 0; usable && i >= 0 && k < s->n; k++) {
        if (s->entry[k].lacking && i-- == 0)
            return s->entry[k].name;
    }
    return NULL;
}

const char *clg_store_unexpected(clg_store s, int i)
{
    const bool usable = clg__store_usable(s, "store_unexpected");
    for (int k = usable ? s->claimed : 0; usable && i >= 0 && k < s->n; k++) {
        if (!clg__is_state(s->entry[k].name) && i-- == 0)
            return s->entry[k].name;
    }
    return NULL;
}

// ---- loading

// Every variable of the store, against the file.
static clg_status check_variables(clg_store s, clg_safetensors f, const char *path,
                                  const struct clg_load_params *p, bool *built)
{
    char a[128], b[128];
    list l = { .n = 0 };
    clg__nearest best = { 0 };
    for (int i = 0; i < s->n; i++) {
        const struct entry *e = &s->entry[i];
        const clg_safetensor *t = clg_safetensors_find(f, e->name);
        *built |= e->role == PARAMETER;
        if (t && (!t->known || t->dtype != e->dtype || t->shape.rank != e->shape.rank ||
                  memcmp(t->shape.dim, e->shape.dim, (size_t) t->shape.rank * sizeof t->shape.dim[0])))
            return clg_fail(s->dev, CLG_EFORMAT, "store_load: '%.200s' in %s is %s %s, not %s %s",
                            e->name, path, t->known ? clg_dtype_name(t->dtype) : "of another type",
                            clg__store_shape(t->shape, a), clg_dtype_name(e->dtype),
                            clg__store_shape(e->shape, b));
        if (t || p->allow_missing)
            continue;
        put(&l, e->name);
        for (int k = 0; l.n == 1 && k < clg_safetensors_count(f); k++) {
            const char *name = clg_safetensors_at(f, k)->name;
            if (!clg__store_entry(s, name))
                clg__near(&best, e->name, name);
        }
    }
    end(&l);
    if (l.n == 0)
        return CLG_OK;
    return clg_fail(s->dev, CLG_EFORMAT, "store_load: %s has no %s%s%s%s", path, l.text,
                    best.name ? "; the nearest that it has is '" : "", best.name ? best.name : "",
                    best.name ? "'" : "");
}

// Every tensor of the file, against the store: one that has parameters is taken to be complete.
static clg_status check_tensors(clg_store s, clg_safetensors f, const char *path, bool complete)
{
    list l = { .n = 0 };
    for (int i = 0; i < clg_safetensors_count(f); i++) {
        const clg_safetensor *t = clg_safetensors_at(f, i);
        if (!t->known || !clg_device_has(s->dev, t->dtype))
            return clg_fail(s->dev, CLG_EDTYPE,
                            "store_load: '%.200s' in %s has a type that is not supported here", t->name,
                            path);
        if (complete && !clg__is_state(t->name) && !clg__store_entry(s, t->name))
            put(&l, t->name);
    }
    end(&l);
    return l.n == 0 ? CLG_OK
                    : clg_fail(s->dev, CLG_EFORMAT, "store_load: %s has %s, which the store does not have",
                               path, l.text);
}

// The tensors of the file become variables, or values of those that are there.
static clg_status take(clg_store s, clg_safetensors f)
{
    const int n = clg_safetensors_count(f);
    clg_tensor *t = calloc((size_t) n + 1, sizeof *t);
    clg_var *v = calloc((size_t) n + 1, sizeof *v);
    clg_status st = t && v ? CLG_OK : clg_fail(s->dev, CLG_ENOMEM, "store_load: out of host memory");
    int m = 0;
    for (int i = 0; i < n && st >= 0; i++) {
        const clg_safetensor *e = clg_safetensors_at(f, i);
        clg_tensor value = clg_upload(s->dev, e->dtype, e->shape, e->data);
        st = value->status;
        clg_var have = clg_store_find(s, e->name);
        if (st >= 0 && !have)
            st = clg__store_add(s, e->name, value, LOADED) ? CLG_OK : s->refused;
        else if (st >= 0) {
            v[m] = have;
            t[m++] = value;
        }
    }
    if (st >= 0)
        st = clg_assign_n(v, t, m);
    if (st >= 0)
        st = clg_eval_assigned(s->dev);
    free(t);
    free(v);
    return st;
}

clg_status clg_store_load_with(clg_store s, const char *path, const struct clg_load_params *params)
{
    char error[600] = "";
    clg_safetensors f;
    struct clg_load_params p;
    if (!clg__store_usable(s, "store_load"))
        return CLG_EINVAL;
    if (!path)
        return clg_fail(s->dev, CLG_EINVAL, "store_load: NULL path");
    const char *wrong = clg_params_read(&p, sizeof p, params);
    if (wrong)
        return clg_fail(s->dev, CLG_EINVAL, "store_load: %s", wrong);
    clg_status st = clg_safetensors_open(&f, path, error, sizeof error);
    if (st < 0)
        return clg_fail(s->dev, st, "store_load: %s", error);
    const int before = s->n;
    bool built = false;
    char *file = strdup(path);
    if (!file)
        st = clg_fail(s->dev, CLG_ENOMEM, "store_load: out of host memory");
    if (st >= 0)
        st = check_variables(s, f, path, &p, &built);
    if (st >= 0)
        st = check_tensors(s, f, path, built && !p.allow_unexpected);
    clg_scope scope = clg_scope_push(s->dev);
    if (st >= 0)
        st = take(s, f);
    clg_scope_pop(scope);
    if (st >= 0) {
        clg__store_forget_kept(s);
        for (int i = 0; i < s->n; i++)
            s->entry[i].lacking = !clg_safetensors_find(f, s->entry[i].name);
        free(s->file);
        s->file = file;
        s->allow_missing = p.allow_missing;
        s->allow_unexpected = p.allow_unexpected;
    } else {
        clg__store_drop(s, before);
        free(file);
    }
    clg_safetensors_close(&f);
    return st;
}

clg_status clg_store_load(clg_store s, const char *path)
{
    return clg_store_load_with(s, path, NULL);
}
