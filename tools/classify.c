// SPDX-License-Identifier: MIT
// clgrad classify: asks a model of `clgrad train` what pictures show.
#include "model.h"
#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { DEEP = 32 };

typedef struct classify_options {
    const char *device;
    long top, batch;
    bool json, invert;
} classify_options;

// ---- which files

typedef struct paths {
    char **at;
    int64_t n, room;
} paths;

static bool add_path(paths *p, const char *folder, const char *name)
{
    const size_t n = strlen(folder) + strlen(name) + 2;
    if (p->n == p->room) {
        char **at = realloc(p->at, (size_t) (2 * p->room + 16) * sizeof *at);
        if (!at)
            return false;
        p->at = at;
        p->room = 2 * p->room + 16;
    }
    char *text = malloc(n);
    if (!text)
        return false;
    snprintf(text, n, "%s%s%s", folder, *folder && folder[strlen(folder) - 1] != '/' ? "/" : "", name);
    p->at[p->n++] = text;
    return true;
}

static void free_paths(paths *p)
{
    for (int64_t i = 0; i < p->n; i++)
        free(p->at[i]);
    free(p->at);
    *p = (paths) { 0 };
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static bool is_picture(const char *name)
{
    const char *end = strrchr(name, '.');
    return end && (strcasecmp(end, ".png") == 0 || strcasecmp(end, ".jpg") == 0 || strcasecmp(end, ".jpeg") == 0);
}

static bool failed(const char *path, const char *why)
{
    char text[1300];
    snprintf(text, sizeof text, "%s: %s", path, why);
    fprintf(stderr, "clgrad classify: %s\n", one_line(text));
    return false;
}

// The pictures in a folder and in those below, sorted.
static bool walk(paths *p, const char *path, int deep)
{
    paths here = { 0 };
    DIR *d = deep < DEEP ? opendir(path) : NULL;
    bool ok = d != NULL;
    if (!d)
        failed(path, deep < DEEP ? strerror(errno) : "folders are too deep, do links make a circle?");
    for (struct dirent *e; d && ok && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            ok = add_path(&here, path, e->d_name) || failed(path, "out of memory");
    }
    if (d)
        closedir(d);
    if (here.n)
        qsort(here.at, (size_t) here.n, sizeof *here.at, by_bytes);
    for (int64_t i = 0; i < here.n && ok; i++) {
        if (is_folder(here.at[i]))
            ok = walk(p, here.at[i], deep + 1);
        else if (is_picture(here.at[i]))
            ok = add_path(p, "", here.at[i]) || failed(path, "out of memory");
    }
    free_paths(&here);
    return ok;
}

static bool gather(paths *p, const char *const *words, int n)
{
    bool ok = true;
    for (int i = 0; i < n; i++) {
        const int64_t before = p->n;
        if (!is_folder(words[i]))
            ok = (add_path(p, "", words[i]) || failed(words[i], "out of memory")) && ok;
        else if (!walk(p, words[i], 0))
            ok = false;
        else if (p->n == before)
            ok = failed(words[i], "has no pictures (.png, .jpg, .jpeg)");
    }
    return ok;
}

// ---- what they show

typedef struct asking {
    const classify_options *o;
    model m;
    clg_device dev;
    const paths *files;
    int64_t told, bad, bright; // files so far; of them not readable, and with bright edges
    float *p;                  // [batch,classes]
    uint8_t *pixels;
} asking;

static json_t *json_name(const char *text)
{
    json_t *j = json_string(text);
    char copy[1300];
    if (j)
        return j;
    snprintf(copy, sizeof copy, "%s", text); // not UTF-8
    for (char *c = copy; *c; c++)
        *c = (unsigned char) *c < 128 ? *c : '?';
    return json_string(copy);
}

static void print_json(json_t *j)
{
    char *text = json_dumps(j, JSON_REAL_PRECISION(6) | JSON_COMPACT);
    printf("%s\n", text ? text : "null");
    free(text);
    json_decref(j);
}

// The files that no picture came from, up to this one.
static void tell_bad(asking *a, int64_t until)
{
    for (; a->told < until; a->told++, a->bad++) {
        char error[1300];
        clg_array pixels;
        const char *path = a->files->at[a->told];
        if (clg_image_open(&pixels, path, NULL, error, sizeof error) >= 0)
            snprintf(error, sizeof error, "%s: could not be read", path);
        clg_array_close(&pixels);
        if (a->o->json)
            print_json(json_pack("{s:o, s:o}", "file", json_name(path), "error", json_name(error)));
        fprintf(stderr, "clgrad classify: %s\n", one_line(error));
    }
}

static void tell(asking *a, const float *p)
{
    const int n = a->m.form.classes, top = a->o->top < n ? (int) a->o->top : n;
    const char *path = a->files->at[a->told++];
    char text[1300];
    int last = -1;
    json_t *list = a->o->json ? json_array() : NULL;
    snprintf(text, sizeof text, "%s", path);
    if (!list)
        printf("%s", one_line(text));
    for (int k = 0; k < top; k++) { // what comes next: less, or as much and further on
        int best = -1;
        for (int i = 0; i < n; i++) {
            const bool later = last < 0 || p[i] < p[last] || (p[i] == p[last] && i > last) || isnan(p[i]);
            if (later && i != last && (best < 0 || p[i] > p[best]))
                best = i;
        }
        if (best < 0)
            break;
        last = best;
        snprintf(text, sizeof text, "%s", a->m.form.names[best]);
        if (list)
            json_array_append_new(list, json_pack("{s:s, s:o}", "class", a->m.form.names[best], "probability",
                                                  isfinite(p[best]) ? json_real(p[best]) : json_null()));
        else
            printf("  %s %.1f %%", one_line(text), 100 * (double) p[best]);
    }
    if (list)
        print_json(json_pack("{s:o, s:o}", "file", json_name(path), "top", list));
    else
        printf("\n");
}

static bool bright_edge(const uint8_t *p, int side)
{
    int64_t sum = 0;
    for (int i = 0; i < side; i++)
        sum += p[i] + p[(side - 1) * side + i] + p[i * side] + p[i * side + side - 1];
    return sum > (int64_t) 4 * side * 255 / 2;
}

static bool ask(asking *a, const clg_image_batch *b)
{
    const model_form *f = &a->m.form;
    const size_t each = (size_t) f->size * (size_t) f->size * (size_t) f->channels;
    for (size_t i = 0; i < (size_t) b->n * each; i++)
        a->pixels[i] = a->o->invert ? 255 - b->pixels[i] : b->pixels[i];
    for (int64_t i = 0; i < b->n && f->on_black; i++)
        a->bright += bright_edge(a->pixels + (size_t) i * each, f->size);
    clg_scope scope = clg_scope_push(a->dev);
    clg_tensor x = clg_image_channels_first(clg_upload(a->dev, CLG_U8, b->shape, a->pixels));
    clg_tensor p = clg_softmax(model_logits(f, a->m.store, x), 1);
    const clg_status st = clg_read(p, a->p, (size_t) (b->n * f->classes) * sizeof *a->p);
    clg_scope_pop(scope);
    if (st < 0)
        fprintf(stderr, "clgrad classify: %s\n", clg_error(a->dev, CLG_OK));
    for (int64_t i = 0; i < b->n && st >= 0; i++) {
        tell_bad(a, b->samples[i]);
        tell(a, a->p + i * f->classes);
    }
    return st >= 0;
}

static bool ask_all(asking *a)
{
    char error[1300];
    clg_image_folder list = NULL;
    clg_image_loader l = NULL;
    clg_image_batch b = { 0 };
    const model_form *f = &a->m.form;
    struct clg_image_loader_params p = model_loading(f);
    p.batch = a->o->batch < a->files->n ? a->o->batch : a->files->n;
    a->p = malloc((size_t) (p.batch * f->classes) * sizeof *a->p);
    a->pixels = malloc((size_t) p.batch * (size_t) f->size * (size_t) f->size * (size_t) f->channels);
    bool ok = a->p && a->pixels;
    if (!ok)
        fprintf(stderr, "clgrad classify: out of memory\n");
    else if (clg_image_folder_create(&list, (const char *const *) a->files->at, NULL, a->files->n,
                                     (const char *const[]) { "" }, 1, error, sizeof error) < 0 ||
             clg_image_loader_open(&l, list, &p, error, sizeof error) < 0) {
        fprintf(stderr, "clgrad classify: %s\n", one_line(error));
        ok = false;
    }
    while (ok && clg_image_loader_next(l, &b) >= 0 && b.n > 0)
        ok = ask(a, &b) && flush_output("classify");
    if (ok)
        tell_bad(a, a->files->n);
    clg_image_loader_close(&l);
    clg_image_folder_close(&list);
    free(a->p);
    free(a->pixels);
    return ok;
}

static void say_how(const asking *a)
{
    const model_form *f = &a->m.form;
    fprintf(stderr, "%s of %d classes; pictures become %s%s, their shorter side %d pixels, and the middle of %d x %d is "
                    "looked at\n",
            f->net->name, f->classes, f->channels == 1 ? "gray" : "RGB", a->o->invert ? ", inverted" : "", f->resize,
            f->size, f->size);
}

static int classify(const classify_options *o, const char *const *words, int n)
{
    paths files = { 0 };
    asking a = { .o = o, .files = &files };
    bool ok = false;
    a.dev = open_device("classify", o->device, false);
    if (a.dev && model_open(&a.m, "classify", words[0], a.dev)) {
        ok = gather(&files, words + 1, n - 1);
        say_how(&a);
        ok = (files.n == 0 || ask_all(&a)) && ok && a.bad == 0;
        if (a.bright > 0)
            fprintf(stderr, "clgrad classify: %lld of %lld pictures have bright edges, and this model has learnt bright "
                            "things on black: %s\n",
                    (long long) a.bright, (long long) (files.n - a.bad),
                    o->invert ? "without --invert they would have dark ones" : "--invert turns them around");
    }
    model_close(&a.m);
    free_paths(&files);
    clg_device_close(&a.dev);
    return ok && flush_output("classify") ? EXIT_OK : EXIT_FAILED;
}

// ---- the command

static const classify_options normal = { .top = 3, .batch = 32 };
#define AT(member) offsetof(classify_options, member)
static const option options[] = {
    { "--top", OPTION_WHOLE, AT(top), "N", "how many classes to name", .lo = 1, .hi = 1e5 },
    { "--batch", OPTION_WHOLE, AT(batch), "N", "pictures at once", .lo = 1, .hi = 1e5 },
    { "--invert", OPTION_FLAG, AT(invert), NULL,
      "exchange dark and bright first: fashion-mnist, for one, has bright things on black" },
    OPTION_DEVICE(AT(device)),
    { "--json", OPTION_FLAG, AT(json), NULL, "print one JSON object per file" },
    { 0 },
};

static int run(void *o, const arguments *w)
{
    if (w->n < 2)
        return usage_error("classify", w->n == 0 ? "by which model? One that clgrad train has made: run/model.safetensors"
                                                 : "which pictures? Files, or folders of them");
    return classify(o, w->word, w->n);
}

const description classify_command = {
    .name = "classify",
    .summary = "say what pictures show",
    .usage = (const char *const[]) { "FILE PICTURE... [OPTION...]", NULL },
    .about = "Ask a network that clgrad train has trained what pictures show, and print the likeliest classes of each "
             "with their probabilities. Pictures are PNG or JPEG files of any size, or folders, which are searched.",
    .operands = (const help_row[]) { { "FILE", "the network, as clgrad train has saved it", NULL },
                                     { "PICTURE", "a PNG or JPEG file, or a folder", NULL }, { 0 } },
    .options = options,
    .normal = &normal,
    .size = sizeof normal,
    .notes = "Pictures become what the network was tested on: gray or RGB as it has learnt them, the shorter side resized, "
             "the middle cut out; a line on stderr says how. A file that cannot be read is named, the others are done, and "
             "the exit status is 1.",
    .examples = (const help_row[]) {
        { "clgrad classify run/model.safetensors holiday.jpg", NULL },
        { "clgrad classify run/model.safetensors photos --top 1 --json", "a folder" },
        { 0 },
    },
    .words = WORDS_ANY,
    .run = run,
};
