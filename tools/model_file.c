// SPDX-License-Identifier: MIT
// model.safetensors of `clgrad train`, read by other commands: its form is JSON in the metadata.
#include "model.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char model_key[] = "model";
enum { MOST_CLASSES = 100000 };

// ---- the form as text

static json_t *numbers(const double *v, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(a, json_real(v[i]));
    return a;
}

char *model_text(const model_form *f)
{
    json_t *names = json_array();
    for (int i = 0; i < f->classes; i++)
        json_array_append_new(names, json_string(f->names[i]));
    json_t *j = json_pack("{s:s, s:o, s:i, s:i, s:i, s:o, s:o, s:b}", "net", f->net->name, "classes", names,
                          "channels", f->channels, "size", f->size, "resize", f->resize, "mean",
                          numbers(f->mean, f->channels), "deviation", numbers(f->deviation, f->channels), "on_black",
                          f->on_black);
    char *text = json_dumps(j, JSON_REAL_PRECISION(17) | JSON_COMPACT);
    json_decref(j);
    return text;
}

void model_free_names(char **names, int n)
{
    for (int i = 0; i < n && names; i++)
        free(names[i]);
    free(names);
}

static bool read_numbers(const json_t *a, double *out, int n, double least)
{
    if (!json_is_array(a) || json_array_size(a) != (size_t) n)
        return false;
    for (int i = 0; i < n; i++) {
        const json_t *v = json_array_get(a, (size_t) i);
        out[i] = json_number_value(v);
        if (!json_is_number(v) || !(out[i] >= least && out[i] <= 1))
            return false;
    }
    return true;
}

static char **read_names(const json_t *a, int n)
{
    char **names = calloc((size_t) n, sizeof *names);
    for (int i = 0; i < n && names; i++) {
        const char *name = json_string_value(json_array_get(a, (size_t) i));
        names[i] = name ? strdup(name) : NULL;
        if (!names[i]) {
            model_free_names(names, n);
            return NULL;
        }
    }
    return names;
}

static bool fits(const model_form *f)
{
    return f->net && (f->channels == 1 || f->channels == 3) && f->classes >= 1 && f->classes <= MOST_CLASSES &&
           f->size >= 1 && f->resize >= f->size && f->resize <= 2 * MODEL_MOST && f->size <= MODEL_MOST &&
           !classifier_refuses(f->net, f->size);
}

bool model_of_text(const char *text, model_form *f, char ***names)
{
    const char *net = NULL;
    json_t *classes, *mean, *deviation;
    int black;
    json_t *j = json_loads(text, 0, NULL);
    memset(f, 0, sizeof *f);
    *names = NULL;
    bool ok = json_unpack(j, "{s:s, s:o, s:i, s:i, s:i, s:o, s:o, s:b}", "net", &net, "classes", &classes, "channels",
                          &f->channels, "size", &f->size, "resize", &f->resize, "mean", &mean, "deviation", &deviation,
                          "on_black", &black) == 0;
    if (ok) {
        f->net = classifier_find(net);
        f->classes = json_array_size(classes) <= MOST_CLASSES ? (int) json_array_size(classes) : 0;
        f->on_black = black;
        ok = fits(f) && read_numbers(mean, f->mean, f->channels, 0) &&
             read_numbers(deviation, f->deviation, f->channels, 1e-6) && (*names = read_names(classes, f->classes));
    }
    f->names = (const char *const *) *names;
    json_decref(j);
    return ok;
}

// ---- the file

// The parameters are made by use; what the file has beside them is the state of a run.
static clg_status build(const model_form *f, clg_store s, clg_device dev)
{
    clg_scope scope = clg_scope_push(dev);
    clg_tensor y = model_logits(f, s, clg_zeros(dev, CLG_U8, CLG_SHAPE(1, f->channels, f->size, f->size)));
    clg_status st = y->status;
    clg_scope_pop(scope);
    if (st >= 0 && !clg_store_buffer(s, "state.loss_sum", CLG_F32, CLG_SCALAR, 0))
        st = CLG_EFORMAT;
    return st < 0 ? st : clg_store_check(s);
}

bool model_open(model *m, const char *command, const char *path, clg_device dev)
{
    char error[1300];
    clg_safetensors f;
    *m = (model) { 0 };
    if (clg_safetensors_open(&f, path, error, sizeof error) < 0) {
        fprintf(stderr, "clgrad %s: %s\n", command, error);
        return false;
    }
    const char *text = clg_safetensors_metadata(f, model_key);
    const bool known = text && model_of_text(text, &m->form, &m->names);
    clg_safetensors_close(&f);
    if (!known) {
        fprintf(stderr, "clgrad %s: %s does not say which network it is of: no model of this version's clgrad train\n",
                command, path);
        return false;
    }
    m->store = clg_store_create(dev, 0);
    clg_store_train(m->store, false);
    if (m->store && clg_store_load(m->store, path) >= 0 && build(&m->form, m->store, dev) >= 0)
        return true;
    fprintf(stderr, "clgrad %s: %s: %s\n", command, path, clg_error(dev, CLG_OK));
    model_close(m);
    return false;
}

void model_close(model *m)
{
    clg_store_destroy(&m->store);
    model_free_names(m->names, m->form.classes);
    *m = (model) { 0 };
}

// ---- pictures

struct clg_image_loader_params model_loading(const model_form *f)
{
    return (struct clg_image_loader_params) {
        .size = sizeof(struct clg_image_loader_params), .mode = f->channels == 1 ? CLG_IMAGE_GRAY : CLG_IMAGE_RGB,
        .exif_orientation = true, .resize = f->resize, .height = f->size, .width = f->size
    };
}

bool model_read_picture(const model_form *f, const char *path, uint8_t *pixels, char *error, size_t error_size)
{
    struct clg_image_loader_params p = model_loading(f);
    clg_image_folder one;
    clg_image_loader l;
    clg_image_batch b = { 0 };
    p.batch = p.threads = p.ahead = 1;
    if (clg_image_folder_create(&one, &path, NULL, 1, (const char *const[]) { "" }, 1, error, error_size) < 0)
        return false;
    const bool opened = clg_image_loader_open(&l, one, &p, error, error_size) >= 0;
    if (opened && clg_image_loader_next(l, &b) >= 0 && b.n == 1)
        memcpy(pixels, b.pixels, (size_t) f->size * (size_t) f->size * (size_t) f->channels);
    else if (opened)
        clg_image_loader_failed(l, error, error_size);
    clg_image_loader_close(&l);
    clg_image_folder_close(&one);
    return b.n == 1;
}
