// SPDX-License-Identifier: MIT
// The store of named variables: made on first use, frozen, saved and loaded.
#include "nn/store.h"

#include "nn/fp.h"
#include <clgrad/grad.h>
#include <clgrad/io.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

clg_store clg_store_create(clg_device dev, uint64_t seed)
{
    clg_store s = calloc(1, sizeof *s);
    if (!s || !dev) {
        clg_fail(dev, s ? CLG_EINVAL : CLG_ENOMEM, "store_create: %s",
                 s ? "NULL device" : "out of host memory");
        free(s);
        return NULL;
    }
    s->dev = dev;
    s->seed = seed;
    s->training = true;
    return s;
}

static void drop_from(clg_store s, int first)
{
    s->claimed = s->claimed < first ? s->claimed : first;
    while (s->n > first) {
        struct entry *e = &s->entry[--s->n];
        clg_var_destroy(&e->var);
        free(e->name);
    }
}

void clg_store_destroy(clg_store *ps)
{
    if (!ps || !*ps)
        return;
    clg_store s = *ps;
    *ps = NULL;
    drop_from(s, 0);
    free(s->entry);
    free(s);
}

void clg_store_train(clg_store s, bool training)
{
    if (s)
        s->training = training;
}

bool clg_store_is_training(clg_store s)
{
    return s && s->training;
}

clg_device clg_store_device(clg_store s)
{
    return s ? s->dev : NULL;
}

int clg_store_count(clg_store s)
{
    return s ? s->n : 0;
}

clg_var clg_store_at(clg_store s, int i, const char **name, bool *trainable)
{
    if (!s || i < 0 || i >= s->n)
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

static struct entry *find(clg_store s, const char *name)
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
    const struct entry *e = s && name ? find(s, name) : NULL;
    return e ? e->var : NULL;
}

void clg_store_freeze(clg_store s, const char *prefix, bool frozen)
{
    for (int i = 0; s && prefix && i < s->n; i++) {
        if (strncmp(s->entry[i].name, prefix, strlen(prefix)) == 0) {
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
    return to->var;
}

static clg_var add(clg_store s, const char *name, clg_tensor value, role is)
{
    if (value->status < 0)
        return NULL;
    if (s->n == s->capacity) {
        const int to = s->capacity ? 2 * s->capacity : 16;
        struct entry *e = realloc(s->entry, (size_t) to * sizeof *e);
        if (!e) {
            clg_fail(s->dev, CLG_ENOMEM, "store: out of host memory");
            return NULL;
        }
        s->entry = e;
        s->capacity = to;
    }
    char *copy = strdup(name);
    clg_var v = copy ? clg_var_create(value) : NULL;
    if (!v) {
        clg_fail(s->dev, CLG_ENOMEM, "store: out of host memory");
        free(copy);
        return NULL;
    }
    s->entry[s->n] = (struct entry) { .name = copy, .hash = name_hash(copy), .var = v,
                                      .dtype = value->dtype, .shape = value->shape };
    if (is != LOADED)
        claim(s, &s->entry[s->n], is);
    s->n++;
    return v;
}

static clg_tensor initial(clg_store s, const char *name, clg_shape shape, clg_init in,
                          int64_t fan_in)
{
    DEFAULT_FP;
    uint64_t seed, counter;
    int64_t field = 1;
    for (int d = 2; d < shape.rank && d < CLG_MAX_RANK; d++)
        field *= shape.dim[d];
    const double fi = fan_in > 0 ? (double) fan_in
                                 : (double) ((shape.rank > 1 ? shape.dim[1] : 1) * field);
    const double fo = (double) ((shape.rank > 0 ? shape.dim[0] : 1) * field);
    const double root = sqrt(fi > 0 ? fi : 1);
    double bound = 1 / root, std = 0;
    clg_random_get_state(s->dev, &seed, &counter);
    clg_random_set_state(s->dev, s->seed, name_hash(name));
    clg_tensor t;
    switch (in.kind) {
    case CLG_INIT_KAIMING_UNIFORM:
        bound = sqrt(6.0) / root;
        break;
    case CLG_INIT_KAIMING_NORMAL:
        std = sqrt(2.0) / root;
        break;
    case CLG_INIT_XAVIER_UNIFORM:
        bound = sqrt(6 / (fi + fo));
        break;
    case CLG_INIT_XAVIER_NORMAL:
        std = sqrt(2 / (fi + fo));
        break;
    default:
        break;
    }
    if (in.kind == CLG_INIT_CONSTANT)
        t = clg_full(s->dev, CLG_F32, shape, in.a);
    else if (in.kind == CLG_INIT_UNIFORM)
        t = clg_uniform(s->dev, CLG_F32, shape, in.a, in.b);
    else if (in.kind == CLG_INIT_NORMAL)
        t = clg_normal(s->dev, CLG_F32, shape, in.a, in.b);
    else if (std > 0)
        t = clg_normal(s->dev, CLG_F32, shape, 0, std);
    else
        t = clg_uniform(s->dev, CLG_F32, shape, -bound, bound);
    clg_random_set_state(s->dev, seed, counter);
    return t;
}

// "32x1x3x3", "scalar"
static const char *shape_text(clg_shape s, char text[128])
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
    if (e->dtype != t || !same_shape(e->shape, shape)) {
        clg_fail(s->dev, CLG_ESHAPE, "store: '%s' is %s %s, asked for as %s %s", e->name,
                 clg_dtype_name(e->dtype), shape_text(e->shape, a), clg_dtype_name(t),
                 shape_text(shape, b));
        return NULL;
    }
    if (e->role != LOADED && e->role != is) {
        clg_fail(s->dev, CLG_EINVAL, "store: '%s' is %s, asked for as %s", e->name, roles[e->role],
                 roles[is]);
        return NULL;
    }
    return e->role == LOADED ? claim(s, e, is) : e->var;
}

clg_var clg_store_param(clg_store s, const char *name, clg_shape shape, clg_init init,
                        int64_t fan_in)
{
    if (!s || !name)
        return NULL;
    struct entry *e = find(s, name);
    return e ? existing(s, e, CLG_F32, shape, PARAMETER)
             : add(s, name, initial(s, name, shape, init, fan_in), PARAMETER);
}

clg_var clg_store_buffer(clg_store s, const char *name, clg_dtype t, clg_shape shape, double value)
{
    if (!s || !name)
        return NULL;
    struct entry *e = find(s, name);
    return e ? existing(s, e, t, shape, BUFFER)
             : add(s, name, clg_full(s->dev, t, shape, value), BUFFER);
}

// ---- checkpoints

clg_status clg_store_save(clg_store s, const char *path, const char *const *metadata)
{
    char error[600] = "";
    if (!s || !path)
        return CLG_EINVAL;
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

static clg_status check_file(clg_store s, clg_safetensors f, const char *path)
{
    char a[128], b[128];
    for (int i = 0; i < s->n; i++) {
        const struct entry *e = &s->entry[i];
        const clg_safetensor *t = clg_safetensors_find(f, e->name);
        if (!t)
            return clg_fail(s->dev, CLG_EFORMAT, "store_load: %s has no '%s'", path, e->name);
        if (!t->known || t->dtype != e->dtype || !same_shape(t->shape, e->shape))
            return clg_fail(s->dev, CLG_EFORMAT, "store_load: '%s' in %s is %s %s, not %s %s",
                            e->name, path, t->known ? clg_dtype_name(t->dtype) : "of another type",
                            shape_text(t->shape, a), clg_dtype_name(e->dtype),
                            shape_text(e->shape, b));
    }
    for (int i = 0; i < clg_safetensors_count(f); i++) {
        const clg_safetensor *t = clg_safetensors_at(f, i);
        if (!t->known || !clg_device_has(s->dev, t->dtype))
            return clg_fail(s->dev, CLG_EDTYPE,
                            "store_load: '%s' in %s has a type that is not supported here", t->name,
                            path);
    }
    return CLG_OK;
}

clg_status clg_store_load(clg_store s, const char *path)
{
    char error[600] = "";
    clg_safetensors f;
    if (!s || !path)
        return CLG_EINVAL;
    clg_status st = clg_safetensors_open(&f, path, error, sizeof error);
    if (st < 0)
        return clg_fail(s->dev, st, "store_load: %s", error);
    st = check_file(s, f, path);
    const int n = clg_safetensors_count(f), before = s->n;
    clg_scope scope = clg_scope_push(s->dev);
    clg_tensor *t = calloc((size_t) n + 1, sizeof *t);
    clg_var *v = calloc((size_t) n + 1, sizeof *v);
    if (st >= 0 && (!t || !v))
        st = clg_fail(s->dev, CLG_ENOMEM, "store_load: out of host memory");
    int m = 0;
    for (int i = 0; i < n && st >= 0; i++) {
        const clg_safetensor *e = clg_safetensors_at(f, i);
        clg_tensor value = clg_upload(s->dev, e->dtype, e->shape, e->data);
        st = value->status;
        clg_var have = clg_store_find(s, e->name);
        if (st >= 0 && !have)
            st = add(s, e->name, value, LOADED) ? CLG_OK : CLG_ENOMEM;
        else if (st >= 0) {
            v[m] = have;
            t[m++] = value;
        }
    }
    if (st >= 0)
        st = clg_assign_n(v, t, m);
    if (st >= 0)
        st = clg_eval_assigned(s->dev);
    if (st < 0)
        drop_from(s, before);
    clg_scope_pop(scope);
    free(t);
    free(v);
    clg_safetensors_close(&f);
    return st;
}
