// SPDX-License-Identifier: MIT
// The store of named variables: made on first use, claimed where a file brought them, frozen.
#include "nn/monitor.h"

#include "nn/fp.h"
#include <clgrad/grad.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

clg_store clg_store_create(clg_device dev, uint64_t seed)
{
    if (!clg_device_get_info(dev)) {
        clg__object_misuse(NULL, "store_create: the device %s", dev ? "was closed" : "is NULL");
        return NULL;
    }
    clg_store s = clg__object_new(sizeof *s);
    if (!s) {
        clg_fail(dev, CLG_ENOMEM, "store_create: out of host memory");
        return NULL;
    }
    s->dev = dev;
    s->seed = seed;
    s->training = true;
    return s;
}

clg_var clg__store_refuse(clg_store s, clg_status st, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(s->why, sizeof s->why, format, ap);
    va_end(ap);
    s->refused = st;
    if (!s->quiet)
        clg_fail(s->dev, st, "%s", s->why);
    return NULL;
}

// A variable that the application put there stays its own.
static void forget(struct entry *e)
{
    if (!e->borrowed)
        clg_var_destroy(&e->var);
    if (e->kept)
        clg_var_destroy(&e->kept);
    free(e->name);
}

void clg__store_drop(clg_store s, int first)
{
    s->claimed = s->claimed < first ? s->claimed : first;
    while (s->n > first) {
        struct entry *e = &s->entry[--s->n];
        forget(e);
    }
    s->changes++;
}

const char *clg__store_dead(clg_store s)
{
    return !s                              ? "the store is NULL"
           : !clg__object_alive(s)         ? "the store was destroyed"
           : !clg_device_get_info(s->dev)  ? "the store's device was closed"
                                           : NULL;
}

bool clg__store_usable(clg_store s, const char *what)
{
    const char *why = clg__store_dead(s);
    if (why && s)
        clg__object_misuse(s->dev, "%s: %s", what, why);
    return !why;
}

void clg_store_destroy(clg_store *ps)
{
    if (!ps || !*ps)
        return;
    clg_store s = *ps;
    *ps = NULL;
    if (!clg__object_alive(s)) {
        clg__object_misuse(s->dev, "store_destroy: the store was destroyed already");
        return;
    }
    clg__monitor_forget(s);
    clg__store_drop(s, 0);
    free(s->entry);
    free(s->file);
    s->entry = NULL;
    s->file = NULL;
    clg__object_end(s);
}

void clg_store_train(clg_store s, bool training)
{
    if (clg__store_usable(s, "store_train"))
        s->training = training;
}

bool clg_store_is_training(clg_store s)
{
    return clg__store_usable(s, "store_is_training") && s->training;
}

clg_device clg_store_device(clg_store s)
{
    return clg__store_usable(s, "store_device") ? s->dev : NULL;
}

int clg_store_count(clg_store s)
{
    return clg__store_usable(s, "store_count") ? s->n : 0;
}

clg_var clg_store_at(clg_store s, int i, const char **name, bool *trainable)
{
    if (!clg__store_usable(s, "store_at") || i < 0 || i >= s->n)
        return NULL;
    if (name)
        *name = s->entry[i].name;
    if (trainable)
        *trainable = s->entry[i].role == PARAMETER && !s->entry[i].frozen;
    return s->entry[i].var;
}

// Also where the numbers of a parameter come from, so that the order of creation is free.
static uint64_t name_hash(const char *name)
{
    uint64_t h = 1469598103934665603u; // FNV-1a
    for (; *name; name++)
        h = (h ^ (unsigned char) *name) * 1099511628211u;
    return h;
}

struct entry *clg__store_entry(clg_store s, const char *name)
{
    const uint64_t hash = name_hash(name);
    for (int i = 0; i < s->n; i++) {
        if (s->entry[i].hash == hash && strcmp(s->entry[i].name, name) == 0)
            return &s->entry[i];
    }
    return NULL;
}

clg_var clg_store_find(clg_store s, const char *name)
{
    const struct entry *e = clg__store_usable(s, "store_find") && name ? clg__store_entry(s, name) : NULL;
    return e ? e->var : NULL;
}

void clg_store_freeze(clg_store s, const char *prefix, bool frozen)
{
    const bool usable = clg__store_usable(s, "store_freeze");
    for (int i = 0; usable && prefix && i < s->n; i++) {
        if (strncmp(s->entry[i].name, prefix, strlen(prefix)) == 0) {
            s->changes += s->entry[i].frozen != frozen;
            s->entry[i].frozen = frozen;
            clg_var_freeze(s->entry[i].var, frozen);
        }
    }
}

static bool same_shape(clg_shape a, clg_shape b)
{
    return a.rank == b.rank && memcmp(a.dim, b.dim, (size_t) a.rank * sizeof a.dim[0]) == 0;
}

// Variables stand in the order in which they got their roles, loaded or not: a resumed run then
// records what the first one did, and runs the same kernels.
static clg_var claim(clg_store s, struct entry *e, role is)
{
    struct entry *to = &s->entry[s->claimed++], t = *e;
    *e = *to;
    *to = t;
    to->role = is;
    s->changes++;
    return to->var;
}

void clg__store_back(clg_store s, int claimed)
{
    while (s->claimed > claimed) {
        struct entry *e = &s->entry[--s->claimed];
        if (e->from_file) {
            e->role = LOADED;
            clg_var_freeze(e->var, e->frozen);
            continue;
        }
        forget(e);
        *e = s->entry[--s->n];
    }
    s->changes++;
}

// v: NULL: a new variable of this value
static clg_var add(clg_store s, const char *name, clg_tensor value, clg_var v, role is)
{
    if (value->status < 0)
        return clg__store_refuse(s, value->status, "store: '%.200s': %s", name,
                                 clg_tensor_error(value));
    const bool borrowed = v != NULL;
    if (s->n == s->capacity) {
        const int to = s->capacity ? 2 * s->capacity : 16;
        struct entry *e = realloc(s->entry, (size_t) to * sizeof *e);
        if (!e)
            return clg__store_refuse(s, CLG_ENOMEM, "store: out of host memory");
        s->entry = e;
        s->capacity = to;
    }
    char *copy = strdup(name);
    if (!borrowed && copy)
        v = clg_var_create(value);
    if (!v || !copy) {
        free(copy);
        return clg__store_refuse(s, CLG_ENOMEM, "store: out of host memory");
    }
    s->entry[s->n] = (struct entry) { .name = copy, .hash = name_hash(copy), .var = v,
                                      .from_file = is == LOADED, .dtype = value->dtype,
                                      .shape = value->shape, .borrowed = borrowed };
    if (is != LOADED)
        claim(s, &s->entry[s->n], is);
    s->n++;
    s->changes++;
    return v;
}

clg_var clg__store_add(clg_store s, const char *name, clg_tensor value, role is)
{
    return add(s, name, value, NULL, is);
}

const char *clg__store_shape(clg_shape s, char text[128])
{
    int n = 0;
    snprintf(text, 128, "scalar");
    for (int d = 0; d < s.rank && d < CLG_MAX_RANK && n < 100; d++)
        n += snprintf(text + n, (size_t) (128 - n), d ? "x%lld" : "%lld", (long long) s.dim[d]);
    return text;
}

static clg_var existing(clg_store s, struct entry *e, clg_dtype t, clg_shape shape, role is)
{
    static const char *const roles[] = { "loaded", "a parameter", "a buffer" };
    char a[128], b[128];
    if (e->dtype != t || !same_shape(e->shape, shape))
        return clg__store_refuse(s, CLG_ESHAPE, "store: '%.200s' is %s %s%s%.200s, asked for as %s %s",
                                 e->name, clg_dtype_name(e->dtype), clg__store_shape(e->shape, a),
                                 e->from_file && s->file ? " in " : "",
                                 e->from_file && s->file ? s->file : "", clg_dtype_name(t),
                                 clg__store_shape(shape, b));
    if (e->role != LOADED && e->role != is)
        return clg__store_refuse(s, CLG_EINVAL, "store: '%.200s' is %s, asked for as %s", e->name,
                                 roles[e->role], roles[is]);
    return e->role == LOADED ? claim(s, e, is) : e->var;
}

// May there be a variable of this name that the store does not have?
static bool may_be_new(clg_store s, const char *name)
{
    const char *wrong = clg__name_refused(name);
    if (!wrong && clg__is_state(name))
        wrong = "begins with \"optim.\", which names the state of optimizers";
    if (wrong) {
        clg__store_refuse(s, CLG_EINVAL, "store: '%.200s' %s", name, wrong);
        return false;
    }
    if (!s->file || s->allow_missing)
        return true;
    clg__nearest best = { 0 };
    for (int i = s->claimed; i < s->n; i++)
        clg__near(&best, name, s->entry[i].name);
    clg__store_refuse(s, CLG_EFORMAT, "store: %.200s has no '%.200s'%s%s%s", s->file, name,
                      best.name ? "; the nearest that it has is '" : "", best.name ? best.name : "",
                      best.name ? "'" : "");
    return false;
}

static bool begin(clg_store s, const char *name, const char *what)
{
    const bool usable = clg__store_usable(s, what);
    if (usable && !name)
        clg__store_refuse(s, CLG_EINVAL, "%s: NULL name", what);
    return usable && name;
}

// One that the loaded file lacks is remembered as such.
static clg_var add_new(clg_store s, const char *name, clg_tensor value, role is)
{
    clg_var v = clg__store_add(s, name, value, is);
    if (v && s->file)
        s->entry[s->claimed - 1].lacking = true;
    return v;
}

// The operation that makes the first numbers would refuse it too, in its own name.
static bool is_shape(clg_store s, const char *name, clg_shape shape)
{
    char text[128];
    clg_shape full = shape; // sizes beside a 0 have to be numbers too
    bool good = shape.rank >= 0 && shape.rank <= CLG_MAX_RANK;
    for (int d = 0; d < shape.rank && good; d++) {
        good = shape.dim[d] >= 0;
        full.dim[d] += shape.dim[d] == 0;
    }
    if (!good)
        clg__store_refuse(s, CLG_ESHAPE, "store: '%.200s' of rank %d and shape %s: no shape", name, shape.rank,
                          clg__store_shape(shape, text));
    else if (clg_numel(full) > INT64_MAX / 8)
        clg__store_refuse(s, CLG_ESHAPE, "store: '%.200s' of shape %s is too large", name,
                          clg__store_shape(shape, text));
    else
        return true;
    return false;
}

clg_var clg_store_param(clg_store s, const char *name, clg_shape shape, clg_init init,
                        int64_t fan_in)
{
    if (!begin(s, name, "store_param"))
        return NULL;
    const char *wrong = clg__init_wrong(shape, init);
    if (wrong)
        return clg__store_refuse(s, CLG_EINVAL, "store: '%.200s', init kind %d, a %s: %s", name, (int) init.kind,
                                 clg__figure(init.a, (char[FIGURE]) { 0 }), wrong);
    struct entry *e = clg__store_entry(s, name);
    if (e)
        return existing(s, e, CLG_F32, shape, PARAMETER);
    if (!may_be_new(s, name) || !is_shape(s, name, shape))
        return NULL;
    uint64_t seed, counter;
    clg_random_get_state(s->dev, &seed, &counter);
    clg_random_set_state(s->dev, s->seed, name_hash(name));
    const clg_tensor first = clg__init_value(s->dev, shape, init, fan_in);
    clg_random_set_state(s->dev, seed, counter);
    return add_new(s, name, first, PARAMETER);
}

clg_var clg_store_buffer(clg_store s, const char *name, clg_dtype t, clg_shape shape, double value)
{
    if (!begin(s, name, "store_buffer"))
        return NULL;
    struct entry *e = clg__store_entry(s, name);
    if (e)
        return existing(s, e, t, shape, BUFFER);
    if (!may_be_new(s, name) || !is_shape(s, name, shape))
        return NULL;
    return add_new(s, name, clg_full(s->dev, t, shape, value), BUFFER);
}

// A file brought numbers of this name: v takes them, and the entry v.
static clg_status take_over(clg_store s, struct entry *e, clg_var v, clg_tensor value)
{
    if (!existing(s, e, value->dtype, value->shape, PARAMETER))
        return s->refused;
    e = &s->entry[s->claimed - 1];
    const clg_status st = clg_var_assign(v, clg_var_value(e->var));
    if (st < 0)
        return st;
    clg_var_destroy(&e->var);
    e->var = v;
    e->borrowed = true;
    return CLG_OK;
}

clg_status clg_store_put(clg_store s, const char *name, clg_var v)
{
    if (!begin(s, name, "store_put"))
        return CLG_EINVAL;
    clg_tensor value = clg_var_value(v);
    if (value->status < 0)
        return clg_fail(s->dev, value->status, "store_put: '%.200s': %s", name, clg_tensor_error(value));
    if (value->dev != s->dev)
        return clg_fail(s->dev, CLG_EINVAL, "store_put: '%.200s' belongs to another device than the store", name);
    if (!clg_dtype_is_float(value->dtype))
        return clg_fail(s->dev, CLG_EDTYPE, "store_put: '%.200s' is %s, expected a floating type", name,
                        clg_dtype_name(value->dtype));
    struct entry *e = clg__store_entry(s, name);
    if (e && e->var == v)
        return CLG_OK;
    if (e && e->role != LOADED)
        return clg_fail(s->dev, CLG_EINVAL, "store_put: '%.200s' is another variable", name);
    if (e)
        return take_over(s, e, v, value);
    if (!may_be_new(s, name) || !add(s, name, value, v, PARAMETER))
        return s->refused;
    s->entry[s->claimed - 1].lacking = s->file != NULL;
    return CLG_OK;
}

static char *state_name(const char *what, const char *name)
{
    const size_t n = strlen(what) + (name ? strlen(name) : 0) + 10;
    char *full = malloc(n);
    if (full)
        snprintf(full, n, "optim.%s%s%s", what, name ? "." : "", name ? name : "");
    return full;
}

clg_var clg__store_state(clg_store s, const char *what, const char *name, clg_dtype t, clg_shape shape,
                         double value, clg_tensor first)
{
    char *full = state_name(what, name);
    if (!full)
        return clg__store_refuse(s, CLG_ENOMEM, "store: out of host memory");
    struct entry *e = clg__store_entry(s, full);
    clg_var v = e       ? existing(s, e, t, shape, BUFFER)
                : first ? clg__store_add(s, full, first, BUFFER)
                        : clg__store_add(s, full, clg_full(s->dev, t, shape, value), BUFFER);
    free(full);
    return v;
}

bool clg__store_has_state(clg_store s, const char *what, const char *name)
{
    char *full = state_name(what, name);
    const bool has = full && clg__store_entry(s, full);
    free(full);
    return has;
}
