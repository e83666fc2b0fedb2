// SPDX-License-Identifier: MIT
// clgrad grad: which pixels of a picture matter for a class, by the gradient of the class's score (its logit).
#include "model.h"
#include "pictures.h"
#include "tool.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct grad_options {
    const char *model, *class, *method, *out, *device;
    long samples;
    double noise;
    bool invert, json;
} grad_options;

typedef enum method { GRADIENT, SMOOTHGRAD, INTEGRATED, METHODS } method;
static const char *const methods[METHODS] = { "gradient", "smoothgrad", "integrated" };
static const char *const method_words[METHODS] = {
    "gradient of its score", "mean gradient of its score at noisy copies", "gradients integrated from a black picture to this one"
};

enum { AT_ONCE = 8 }; // copies of the picture in an evaluation

typedef struct asked {
    const grad_options *o;
    model m;
    clg_device dev;
    method how;
    uint8_t *pixels;            // [size,size,channels]
    float *x, *gradient, *p;    // [AT_ONCE,channels,size,size] twice; [classes]
    double *sum, *heat;         // [channels,size,size], [size,size]
    int class, best;            // asked about, likeliest
    double change;              // of the class's logit from a black picture to this one
} asked;

static int64_t numbers(const asked *a)
{
    return (int64_t) a->m.form.channels * a->m.form.size * a->m.form.size;
}

static bool failed(const char *text)
{
    fprintf(stderr, "clgrad grad: %s\n", text);
    return false;
}

// ---- the class

static int find_class(const asked *a, const char *name)
{
    const model_form *f = &a->m.form;
    long k;
    for (int i = 0; i < f->classes; i++) {
        if (strcmp(f->names[i], name) == 0)
            return i;
    }
    for (int i = 0; i < f->classes; i++) {
        if (strcasecmp(f->names[i], name) == 0)
            return i;
    }
    return parse_int(name, 0, f->classes - 1, &k) ? (int) k : -1;
}

// The class that is asked about; by default the likeliest.
static bool choose_class(asked *a)
{
    char text[600];
    const model_form *f = &a->m.form;
    a->class = a->best;
    if (!a->o->class)
        return true;
    a->class = find_class(a, a->o->class);
    if (a->class >= 0)
        return true;
    snprintf(text, sizeof text, "the model has no class '%.200s': %d names, of which the first is '%.100s', or numbers from 0 to %d",
             a->o->class, f->classes, f->names[0], f->classes - 1);
    return failed(text);
}

// ---- scores and gradients

// Copies n of x to the device, asks for the class's scores and their gradients; adds those to a->sum.
static bool add_gradients(asked *a, const float *x, int n, float scores[AT_ONCE])
{
    const model_form *f = &a->m.form;
    const int64_t each = numbers(a);
    clg_scope scope = clg_scope_push(a->dev);
    clg_tensor pixels = clg_track(clg_upload(a->dev, CLG_F32, CLG_SHAPE(n, f->channels, f->size, f->size), x));
    clg_tensor score = clg_slice(model_logits(f, a->m.store, pixels), 1, a->class, a->class + 1, 1);
    clg_tensor out[2] = { score, clg_grad(clg_sum(score, CLG_AXES(0, 1), false), pixels) };
    clg_status st = clg_eval_n(out, 2);
    if (st >= 0)
        st = clg_read(out[0], scores, (size_t) n * sizeof *scores);
    if (st >= 0)
        st = clg_read(out[1], a->gradient, (size_t) (n * each) * sizeof *a->gradient);
    for (int64_t i = 0; i < n * each && st >= 0; i++)
        a->sum[i % each] += (double) a->gradient[i];
    if (st < 0)
        failed(clg_error(a->dev, CLG_OK));
    clg_scope_pop(scope);
    return st >= 0;
}

static bool ask_probabilities(asked *a)
{
    const model_form *f = &a->m.form;
    clg_scope scope = clg_scope_push(a->dev);
    clg_tensor x = clg_upload(a->dev, CLG_F32, CLG_SHAPE(1, f->channels, f->size, f->size), a->x);
    clg_tensor p = clg_softmax(model_logits(f, a->m.store, x), 1);
    const clg_status st = clg_read(p, a->p, (size_t) f->classes * sizeof *a->p);
    clg_scope_pop(scope);
    if (st < 0)
        return failed(clg_error(a->dev, CLG_OK));
    for (int i = 1; i < f->classes; i++)
        a->best = a->p[i] > a->p[a->best] ? i : a->best;
    return isfinite(a->p[a->best]) || failed("the model's answer is not a number");
}

// Integrated gradients add up to this, but for the number of steps.
static bool ask_change(asked *a)
{
    const model_form *f = &a->m.form;
    const int64_t each = numbers(a);
    float scores[2], *both = calloc((size_t) (2 * each), sizeof *both);
    if (!both)
        return failed("out of memory");
    memcpy(both, a->x, (size_t) each * sizeof *both);
    clg_scope scope = clg_scope_push(a->dev);
    clg_tensor x = clg_upload(a->dev, CLG_F32, CLG_SHAPE(2, f->channels, f->size, f->size), both);
    const clg_status st =
        clg_read(clg_slice(model_logits(f, a->m.store, x), 1, a->class, a->class + 1, 1), scores, sizeof scores);
    clg_scope_pop(scope);
    free(both);
    a->change = st < 0 ? 0 : (double) scores[0] - (double) scores[1];
    return st >= 0 || failed(clg_error(a->dev, CLG_OK));
}

// Numbers of a normal distribution that follow from how many were drawn before alone.
//
// source  Box and Muller 1958; the counter is mixed as by Steele, Lea and Flood 2014
static double normal(uint64_t *at)
{
    double u[2];
    for (int i = 0; i < 2; i++) {
        uint64_t z = *at += 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        u[i] = ((double) ((z ^ z >> 31) >> 11) + 0.5) * 0x1p-53;
    }
    return sqrt(-2 * log(u[0])) * cos(2 * acos(-1) * u[1]);
}

// The mean gradient over copies: noisy ones, or on the way from black.
//
// source  Simonyan et al. 2014; Smilkov et al. 2017 (SmoothGrad); Sundararajan et al. 2017 (integrated gradients)
static bool ask_gradients(asked *a)
{
    const int64_t each = numbers(a);
    float scores[AT_ONCE], *copies = malloc((size_t) (AT_ONCE * each) * sizeof *copies);
    const long n = a->how == GRADIENT ? 1 : a->o->samples;
    uint64_t drawn = 1;
    bool ok = copies != NULL || failed("out of memory");
    for (long from = 0; from < n && ok; from += AT_ONCE) {
        const int m = n - from < AT_ONCE ? (int) (n - from) : AT_ONCE;
        for (int64_t i = 0; i < m * each; i++) {
            const double x = (double) a->x[i % each], way = ((double) (from + i / each) + 0.5) / (double) n;
            copies[i] = (float) (a->how == SMOOTHGRAD   ? x + 255 * a->o->noise * normal(&drawn)
                                 : a->how == INTEGRATED ? x * way
                                                        : x);
        }
        ok = add_gradients(a, copies, m, scores);
    }
    for (int64_t i = 0; i < each && ok; i++)
        a->sum[i] /= (double) n;
    for (int64_t i = 0; i < each && ok && a->how == INTEGRATED; i++)
        a->sum[i] *= (double) a->x[i];
    free(copies);
    return ok;
}

// The largest gradient of a pixel's channels; what its channels add to the score together.
static void make_heat(asked *a)
{
    const int64_t plane = (int64_t) a->m.form.size * a->m.form.size;
    for (int64_t i = 0; i < plane; i++) {
        a->heat[i] = 0;
        for (int c = 0; c < a->m.form.channels; c++) {
            const double v = a->sum[c * plane + i];
            a->heat[i] = a->how == INTEGRATED ? a->heat[i] + v : fmax(a->heat[i], fabs(v));
        }
    }
}

// ---- the picture

// "97.3 %"; what rounds to nothing is not called that.
static const char *percent(double p, char text[32])
{
    snprintf(text, 32, p > 0 && p < 0.0005 ? "under 0.1 %%" : "%.1f %%", 100 * p);
    return text;
}

static bool draw(const asked *a)
{
    char title[400], below[400], error[1300], first[32], second[32];
    int n;
    const model_form *f = &a->m.form;
    const char *name = f->names[a->class];
    if (a->class == a->best)
        snprintf(title, sizeof title, "%.150s, %s", name, percent((double) a->p[a->class], first));
    else
        snprintf(title, sizeof title, "%.150s, %s; the network says %.150s, %s", name, percent((double) a->p[a->class], first),
                 f->names[a->best], percent((double) a->p[a->best], second));
    n = snprintf(below, sizeof below, "what matters for '%.150s': %s", name, method_words[a->how]);
    if (a->how == INTEGRATED)
        snprintf(below + n, sizeof below - (size_t) n, ", which change its score by %+.3g", a->change);
    const saliency s = { f->size, f->size, f->channels, a->pixels, a->heat, a->how == INTEGRATED, title, below };
    return draw_saliency(a->o->out, &s, error, sizeof error) || failed(error);
}

static void print_json(const asked *a)
{
    const model_form *f = &a->m.form;
    json_t *j = json_pack("{s:s, s:i, s:f, s:s, s:f, s:s}", "class", f->names[a->class], "number", a->class, "probability",
                          (double) a->p[a->class], "likeliest", f->names[a->best], "likeliest_probability",
                          (double) a->p[a->best], "method", methods[a->how]);
    double sum = 0;
    for (int64_t i = 0; i < numbers(a) && a->how == INTEGRATED; i++)
        sum += a->sum[i];
    if (j && a->how == INTEGRATED)
        json_object_set_new(j, "sum", json_real(sum)), json_object_set_new(j, "score_change", json_real(a->change));
    char *text = json_dumps(j, JSON_REAL_PRECISION(6) | JSON_COMPACT);
    printf("%s\n", text ? text : "null");
    free(text);
    json_decref(j);
}

static bool read_picture(asked *a, const char *path)
{
    char error[1300];
    const model_form *f = &a->m.form;
    const int64_t each = numbers(a), plane = each / f->channels;
    if (!model_read_picture(f, path, a->pixels, error, sizeof error))
        return failed(error);
    for (int64_t i = 0; i < each; i++) {
        a->pixels[i] = a->o->invert ? 255 - a->pixels[i] : a->pixels[i];
        a->x[i % f->channels * plane + i / f->channels] = a->pixels[i];
    }
    return true;
}

static bool ask(asked *a, const char *path)
{
    const size_t each = (size_t) numbers(a);
    a->pixels = malloc(each);
    a->x = malloc(each * sizeof *a->x);
    a->gradient = malloc(AT_ONCE * each * sizeof *a->gradient);
    a->p = malloc((size_t) a->m.form.classes * sizeof *a->p);
    a->sum = calloc(each, sizeof *a->sum);
    a->heat = malloc(each * sizeof *a->heat);
    if (!a->pixels || !a->x || !a->gradient || !a->p || !a->sum || !a->heat)
        return failed("out of memory");
    if (!read_picture(a, path) || !ask_probabilities(a) || !choose_class(a) || !ask_gradients(a) ||
        (a->how == INTEGRATED && !ask_change(a)))
        return false;
    make_heat(a);
    if (!draw(a))
        return false;
    if (a->o->json)
        print_json(a);
    else
        printf("%s  %.1f %%  by %s of %d classes; written to %s\n", a->m.form.names[a->class], 100 * (double) a->p[a->class],
               a->m.form.net->name, a->m.form.classes, a->o->out);
    return true;
}

// ---- the command

static const char *method_choice(int i)
{
    return i < METHODS ? methods[i] : NULL;
}

static bool is_png(const char *path)
{
    const char *end = strrchr(path, '.');
    return end && strcasecmp(end, ".png") == 0;
}

static int run(void *options, const arguments *w)
{
    asked a = { .o = options };
    bool ok = false;
    if (w->n != 1)
        return usage_error("grad", w->n == 0 ? "of which picture? A PNG or JPEG file" : "one picture at a time");
    if (!is_png(a.o->out))
        return usage_error("grad", "--out %s: the picture is a PNG file, whose name ends in .png", a.o->out);
    if (!a.o->model)
        return usage_error("grad", "--model FILE is needed: one that clgrad train has made, run/model.safetensors");
    while (a.how < METHODS && strcmp(methods[a.how], a.o->method) != 0)
        a.how++;
    if (!canvas_available())
        return failed("this build draws no pictures: it was made without cairo"), EXIT_FAILED;
    a.dev = open_device("grad", a.o->device, false);
    if (a.dev && model_open(&a.m, "grad", a.o->model, a.dev))
        ok = ask(&a, w->word[0]);
    model_close(&a.m);
    clg_device_close(&a.dev);
    free(a.pixels);
    free(a.x);
    free(a.gradient);
    free(a.p);
    free(a.sum);
    free(a.heat);
    return ok && flush_output("grad") ? EXIT_OK : EXIT_FAILED;
}

static const grad_options normal_options = { .method = "gradient", .out = "gradient.png", .samples = 32, .noise = 0.1 };
#define AT(member) offsetof(grad_options, member)
static const option options[] = {
    { "--model", OPTION_TEXT, AT(model), "FILE", "the network, as clgrad train has saved it" },
    { "--class", OPTION_TEXT, AT(class), "NAME", "the class, its name or number", .otherwise = "the likeliest" },
    { "--method", OPTION_ONE, AT(method), "M", "gradient, smoothgrad or integrated, see below", .choice = method_choice },
    { "--samples", OPTION_WHOLE, AT(samples), "N", "copies of smoothgrad, steps of integrated", .lo = 1, .hi = 1e5 },
    { "--noise", OPTION_REAL, AT(noise), "X", "of smoothgrad: standard deviation, 1 is from black to white", .lo = 0, .hi = 10 },
    { "--invert", OPTION_FLAG, AT(invert), NULL,
      "exchange dark and bright first: fashion-mnist, for one, has bright things on black" },
    { "--out", OPTION_TEXT, AT(out), "FILE", "the picture, PNG" },
    OPTION_DEVICE(AT(device)),
    { "--json", OPTION_FLAG, AT(json), NULL, "print class and probability as JSON" },
    { 0 },
};

const description grad_command = {
    .name = "grad",
    .summary = "show which pixels of a picture matter",
    .usage = (const char *const[]) { "PICTURE --model FILE [OPTION...]", NULL },
    .about = "Ask a network that clgrad train has trained which pixels of a picture matter for a class, and draw the "
             "picture, a heat map, and the one over the other, with the class and its probability.",
    .operands = (const help_row[]) { { "PICTURE", "a PNG or JPEG file", NULL }, { 0 } },
    .options = options,
    .normal = &normal_options,
    .size = sizeof normal_options,
    .notes = "gradient: how much the class's score changes with a pixel, up or down. smoothgrad: the mean of that over "
             "noisy copies of the picture, which is less grainy. integrated: what each pixel adds to the score (or takes from "
             "it) on the way from a black picture to this one; all pixels together are the difference of the two scores.",
    .examples = (const help_row[]) {
        { "clgrad grad boot.png --model run/model.safetensors", NULL },
        { "clgrad grad boot.png --model m.safetensors --class bag --method integrated", NULL },
        { 0 },
    },
    .words = WORDS_ANY,
    .run = run,
};
