// SPDX-License-Identifier: MIT
// Which pictures a folder of classes holds, what they are like, and which of them are to be tested on.
#include "folder.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMED = 20 }; // files that are named of those that cannot be read

void folder_say(const char *format, ...)
{
    char text[2000];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    fprintf(stderr, "clgrad train: %s\n", one_line(text));
}

static bool no_memory(void)
{
    folder_say("out of memory");
    return false;
}

// ---- what lies on the disk

// A class may be called train too: its pictures lie right in it, those of a part in folders of their own.
static bool is_part(const char *path)
{
    char error[1300];
    clg_image_folder f;
    struct stat s;
    if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode))
        return false;
    const bool has_classes = clg_image_folder_open(&f, path, error, sizeof error) >= 0;
    clg_image_folder_close(&f);
    return has_classes || !strstr(error, "has no folders");
}

static bool open_listing(listing *l, const char *path)
{
    char error[1300];
    struct stat s;
    if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode)) {
        folder_say("%s: %s", path, strerror(errno ? errno : ENOTDIR));
        return false;
    }
    if (clg_image_folder_open(&l->all, path, error, sizeof error) < 0) {
        folder_say("%s", error);
        return false;
    }
    l->bad = calloc((size_t) clg_image_folder_count(l->all), sizeof *l->bad);
    return l->bad || no_memory();
}

static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *) p)[i]) * 1099511628211u; // FNV-1a
    return h;
}

// Names and sizes: what is inside of the files is not read for it.
static uint64_t hash_listing(uint64_t h, const listing *l, size_t root)
{
    for (int64_t i = 0; i < clg_image_folder_count(l->all); i++) {
        const char *path = clg_image_folder_path(l->all, i, NULL);
        struct stat s;
        const int64_t size = stat(path, &s) == 0 ? (int64_t) s.st_size : -1;
        h = hash_bytes(h, path + root, strlen(path + root) + 1);
        h = hash_bytes(h, &size, sizeof size);
    }
    return h;
}

static bool take_classes(folder *f)
{
    const int n = clg_image_folder_classes(f->here.all);
    if (n < 2) {
        folder_say("%s has one class alone, '%s': there is nothing to tell apart", f->set.path,
                   clg_image_folder_class(f->here.all, 0));
        return false;
    }
    f->names = calloc((size_t) n, sizeof *f->names);
    if (!f->names)
        return no_memory();
    for (int i = 0; i < n; i++) {
        f->names[i] = clg_image_folder_class(f->here.all, i);
        json_t *text = json_string(f->names[i]);
        json_decref(text);
        if (!text) {
            folder_say("%s: the name of the class '%s' is not UTF-8", f->set.path, f->names[i]);
            return false;
        }
    }
    f->set.form.classes = n;
    f->set.form.names = f->names;
    return true;
}

static bool match_classes(folder *f)
{
    const int n = clg_image_folder_classes(f->held.all);
    f->class_of_held = calloc((size_t) n, sizeof *f->class_of_held);
    if (!f->class_of_held)
        return no_memory();
    for (int i = 0; i < n; i++) {
        const char *name = clg_image_folder_class(f->held.all, i);
        int k = 0;
        while (k < f->set.form.classes && strcmp(f->names[k], name) != 0)
            k++;
        if (k == f->set.form.classes) {
            folder_say("%s: there are pictures of '%s' to be tested on and none to learn from", f->set.path, name);
            return false;
        }
        f->class_of_held[i] = k;
    }
    return true;
}

bool folder_list(folder *f)
{
    static const char *const held[] = { "val", "test" };
    char path[1100];
    snprintf(path, sizeof path, "%s/train", f->set.path);
    const bool parts = is_part(path);
    errno = 0;
    if (!open_listing(&f->here, parts ? path : f->set.path) || !take_classes(f))
        return false;
    for (int i = 0; i < 2 && parts && !f->held.all; i++) {
        struct stat s;
        snprintf(path, sizeof path, "%s/%s", f->set.path, held[i]);
        if (stat(path, &s) == 0 && (!open_listing(&f->held, path) || !match_classes(f)))
            return false;
    }
    const size_t root = strlen(f->set.path);
    f->set.hash = hash_listing(hash_listing(14695981039346656037u, &f->here, root), &f->held, root);
    f->set.has_tests = f->held.all != NULL;
    return true;
}

// ---- what the pictures are like

typedef struct look {
    double n, sum[3], squares[3];
    bool coloured;
} look;

static void look_at(look *k, const uint8_t *rgb, int64_t pixels)
{
    int64_t sum[3] = { 0 }, squares[3] = { 0 };
    for (int64_t i = 0; i < pixels; i++, rgb += 3) {
        for (int c = 0; c < 3; c++) {
            sum[c] += rgb[c];
            squares[c] += rgb[c] * rgb[c];
        }
        k->coloured |= rgb[0] != rgb[1] || rgb[1] != rgb[2];
    }
    k->n += (double) pixels;
    for (int c = 0; c < 3; c++) {
        k->sum[c] += (double) sum[c] / 255;
        k->squares[c] += (double) squares[c] / (255 * 255);
    }
}

static bool look_through(const folder *f, listing *l, look *k, progress *bar)
{
    enum { AT_ONCE = 16 };
    char error[1300];
    const int64_t n = clg_image_folder_count(l->all);
    model_form form = f->set.form;
    clg_image_loader loader;
    clg_image_batch b;
    form.channels = 3;
    struct clg_image_loader_params p = model_loading(&form);
    p.batch = AT_ONCE;
    if (clg_image_loader_open(&loader, l->all, &p, error, sizeof error) < 0) {
        folder_say("%s", error);
        return false;
    }
    for (int64_t i = 0; i < n; i++)
        l->bad[i] = true;
    while (!interrupted() && clg_image_loader_next(loader, &b) >= 0 && b.n > 0) {
        progress_looking(bar, b.position, n);
        look_at(k, b.pixels, b.n * form.size * form.size);
        for (int64_t i = 0; i < b.n; i++)
            l->bad[b.samples[i]] = false;
    }
    clg_image_loader_close(&loader);
    progress_clear(bar);
    return !interrupted();
}

// Names those that cannot be read, and why.
static int64_t name_bad(const listing *l, int64_t before)
{
    int64_t bad = before;
    for (int64_t i = 0; i < clg_image_folder_count(l->all); i++) {
        char error[1300];
        clg_array a;
        const char *path = clg_image_folder_path(l->all, i, NULL);
        if (!l->bad[i] || bad++ >= NAMED)
            continue;
        if (clg_image_open(&a, path, clg_image_params(.exif_orientation = true), error, sizeof error) >= 0)
            snprintf(error, sizeof error, "%s could not be read", path);
        clg_array_close(&a);
        folder_say("%s", error);
    }
    return bad;
}

bool folder_look(folder *f, training *t)
{
    look k = { 0 };
    model_form *form = &f->set.form;
    if (!look_through(f, &f->here, &k, &t->bar) || (f->held.all && !look_through(f, &f->held, &k, &t->bar)))
        return false;
    const int64_t all = clg_image_folder_count(f->here.all) + clg_image_folder_count(f->held.all);
    const int64_t bad = name_bad(&f->held, name_bad(&f->here, 0));
    if (bad == all) {
        folder_say("none of the %lld pictures in %s can be read", (long long) all, f->set.path);
        return false;
    }
    if (bad > 0)
        folder_say("%lld of %lld pictures cannot be read and are left out", (long long) bad, (long long) all);
    form->channels = k.coloured ? 3 : 1;
    for (int c = 0; c < form->channels; c++) {
        form->mean[c] = k.sum[c] / k.n;
        form->deviation[c] = fmax(sqrt(fmax(k.squares[c] / k.n - form->mean[c] * form->mean[c], 0)), 0.01);
    }
    return true;
}

// ---- the same as text

static json_t *bad_of(const listing *l)
{
    json_t *a = json_array();
    for (int64_t i = 0; i < clg_image_folder_count(l->all); i++) {
        if (l->bad[i])
            json_array_append_new(a, json_integer(i));
    }
    return a;
}

char *folder_state(const dataset *d)
{
    const folder *f = (const folder *) d;
    char *form = model_text(&d->form);
    json_t *j = json_pack("{s:s, s:o, s:o}", "form", form ? form : "", "left_out", bad_of(&f->here), "left_out_of_tests",
                          bad_of(&f->held));
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    free(form);
    return text;
}

static bool recall_bad(listing *l, const json_t *a)
{
    const int64_t n = clg_image_folder_count(l->all);
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *v = json_array_get(a, i);
        if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) >= n)
            return false;
        l->bad[json_integer_value(v)] = true;
    }
    return json_is_array(a);
}

bool folder_recall(folder *f, const char *state)
{
    json_t *j = json_loads(state, 0, NULL);
    const char *text = json_string_value(json_object_get(j, "form"));
    model_form form;
    char **names = NULL;
    const bool ok = text && model_of_text(text, &form, &names) && form.classes == f->set.form.classes &&
                    recall_bad(&f->here, json_object_get(j, "left_out")) &&
                    recall_bad(&f->held, json_object_get(j, "left_out_of_tests"));
    if (ok) {
        f->set.form.channels = form.channels;
        memcpy(f->set.form.mean, form.mean, sizeof form.mean);
        memcpy(f->set.form.deviation, form.deviation, sizeof form.deviation);
    } else {
        folder_say("the run does not say what its pictures are like; it was not written by this version of clgrad train");
    }
    if (names)
        model_free_names(names, form.classes);
    json_decref(j);
    return ok;
}

// ---- learnt from, and tested on

// splitmix64
static uint64_t next_random(uint64_t *s)
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

typedef struct part {
    const char **paths;
    int *labels;
    int64_t n;
} part;

static bool make_part(part *p, int64_t room)
{
    p->n = 0;
    p->paths = calloc((size_t) room + 1, sizeof *p->paths);
    p->labels = calloc((size_t) room + 1, sizeof *p->labels);
    return p->paths && p->labels;
}

static void add_to(part *p, const listing *l, int64_t i, const int *class_of)
{
    int label;
    p->paths[p->n] = clg_image_folder_path(l->all, i, &label);
    p->labels[p->n++] = class_of ? class_of[label] : label;
}

// Of n pictures of a class, how many are tested on: at least one of each side where there are two.
static int64_t share_of(int64_t n, double share)
{
    int64_t k = (int64_t) rint(share * (double) n);
    k = k < 1 && share > 0 ? 1 : k;
    return k > n - 1 ? n - 1 : k;
}

// Marks the pictures of one class that are tested on. order: room for the class.
static int64_t draw_class(const folder *f, int label, double share, int64_t *order, bool *tested)
{
    int64_t n = 0;
    uint64_t s = (uint64_t) f->seed * 0x100000001b3u + (uint64_t) label;
    for (int64_t i = 0; i < clg_image_folder_count(f->here.all); i++) {
        int is;
        clg_image_folder_path(f->here.all, i, &is);
        if (is == label && !f->here.bad[i])
            order[n++] = i;
    }
    for (int64_t i = 0; i < share_of(n, share); i++) {
        const int64_t k = i + (int64_t) (next_random(&s) % (uint64_t) (n - i)), t = order[k];
        order[k] = order[i];
        tested[t] = true;
    }
    return n;
}

static bool fill_parts(folder *f, double share, bool *tested, int64_t *order, part *train, part *test)
{
    const int64_t n = clg_image_folder_count(f->here.all);
    for (int c = 0; c < f->set.form.classes; c++) {
        if (draw_class(f, c, f->held.all ? 0 : share, order, tested) > 0)
            continue;
        folder_say("%s: none of the pictures of the class '%s' can be read", f->set.path, f->names[c]);
        return false;
    }
    for (int64_t i = 0; i < n; i++) {
        if (!f->here.bad[i])
            add_to(tested[i] ? test : train, &f->here, i, NULL);
    }
    for (int64_t i = 0; i < clg_image_folder_count(f->held.all); i++) {
        if (!f->held.bad[i])
            add_to(test, &f->held, i, f->class_of_held);
    }
    return true;
}

static bool make_list(const folder *f, clg_image_folder *out, const part *p)
{
    char error[200];
    if (p->n == 0 || clg_image_folder_create(out, p->paths, p->labels, p->n, f->names, f->set.form.classes, error,
                                             sizeof error) >= 0)
        return true;
    folder_say("%s", error);
    return false;
}

bool folder_split(folder *f, double share)
{
    const int64_t n = clg_image_folder_count(f->here.all), held = clg_image_folder_count(f->held.all);
    part train, test = { 0 };
    bool *tested = calloc((size_t) n, sizeof *tested);
    int64_t *order = calloc((size_t) n, sizeof *order);
    bool ok = make_part(&train, n) && make_part(&test, n + held) && tested && order;
    if (!ok)
        no_memory();
    ok = ok && fill_parts(f, share, tested, order, &train, &test) && make_list(f, &f->train, &train) &&
         make_list(f, &f->test, &test);
    f->set.train_n = train.n;
    f->set.test_n = test.n;
    f->set.truth = f->truth = test.labels;
    free(tested);
    free(order);
    free(train.paths);
    free(train.labels);
    free(test.paths);
    return ok;
}

void folder_free_lists(folder *f)
{
    clg_image_folder_close(&f->train);
    clg_image_folder_close(&f->test);
    clg_image_folder_close(&f->here.all);
    clg_image_folder_close(&f->held.all);
    free(f->here.bad);
    free(f->held.bad);
    free(f->class_of_held);
    free(f->names);
    free(f->truth);
}
