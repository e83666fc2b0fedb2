// SPDX-License-Identifier: MIT
// A data set of folders: batches from the library's loader, which decodes ahead, augmented on the device. Which
// pictures there are, and which of them are to be tested on, is folder_list.c.
#include "folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct clg_image_loader_params loading(const folder *f, bool test)
{
    struct clg_image_loader_params p = model_loading(&f->set.form);
    p.batch = f->set.batch;
    if (!test) {
        p.height = p.width = f->load;
        p.least_area = augment_part(f->augment);
        p.random_resized_crop = p.least_area > 0;
        p.shuffle = true;
        p.seed = (uint64_t) f->seed;
    }
    return p;
}

// A picture that could be read when the run began and cannot be now: left out, the run would not be the same again.
static bool lost(clg_image_loader l)
{
    char text[1300];
    if (clg_image_loader_failed(l, text, sizeof text) == 0)
        snprintf(text, sizeof text, "a picture is missing");
    folder_say("%s, which it could when the run began; with it back, --resume goes on from the last save", text);
    return false;
}

static bool next(clg_image_loader l, clg_image_batch *b)
{
    return clg_image_loader_next(l, b) >= 0;
}

// ---- to learn from

// The loader stands where this batch begins: it goes there by itself, but in the first step of a run.
static bool seek(folder *f, long epoch, int64_t position)
{
    char error[1300];
    clg_image_batch b;
    if (f->loader && position == 0 && f->epoch == epoch - 1 && f->position == f->set.train_n) {
        if (!next(f->loader, &b) || b.n != 0)
            return lost(f->loader);
        f->epoch = (long) b.epoch;
        f->position = b.position;
    }
    if (f->loader && f->epoch == epoch && f->position == position)
        return true;
    struct clg_image_loader_params p = loading(f, false);
    p.start_epoch = epoch;
    p.start = position;
    clg_image_loader_close(&f->loader);
    if (clg_image_loader_open(&f->loader, f->train, &p, error, sizeof error) < 0) {
        folder_say("%s", error);
        return false;
    }
    f->epoch = epoch;
    f->position = position;
    return true;
}

// Batch norm has no statistics of one picture that has become one pixel: it is there twice then.
static void twice(folder *f, const clg_image_batch *b, clg_device dev, clg_tensor *x, clg_tensor *y, int64_t numbers[2])
{
    const size_t bytes = (size_t) (f->load * f->load * f->set.form.channels);
    const int64_t labels[2] = { b->labels[0], b->labels[0] };
    memcpy(f->two, b->pixels, bytes);
    memcpy(f->two + bytes, b->pixels, bytes);
    numbers[0] = numbers[1] = b->samples[0];
    *x = clg_upload(dev, CLG_U8, CLG_SHAPE(2, f->load, f->load, f->set.form.channels), f->two);
    *y = clg_upload(dev, CLG_I64, CLG_SHAPE(2), labels);
}

static bool train_batch(dataset *d, clg_device dev, long epoch, long k, picture_batch *out)
{
    folder *f = (folder *) d;
    const int64_t from = k * d->batch, left = d->train_n - from, n = left < d->batch ? left : d->batch;
    clg_image_batch b;
    int64_t numbers[2];
    if (!seek(f, epoch, from))
        return false;
    if (!next(f->loader, &b) || b.n != n || b.position != from + n)
        return lost(f->loader);
    f->epoch = (long) b.epoch;
    f->position = b.position;
    clg_draw_key key = { .seed = (uint64_t) f->seed, .epoch = epoch, .samples = b.samples };
    out->n = n;
    if (n == 1) {
        twice(f, &b, dev, &out->x, &out->y, numbers);
        key.samples = numbers;
    } else {
        out->x = clg_upload(dev, CLG_U8, b.shape, b.pixels);
        out->y = clg_upload(dev, CLG_I64, CLG_SHAPE(n), b.labels);
    }
    out->x = augment(f->augment, clg_image_channels_first(out->x), d->form.size, key);
    return true;
}

// ---- to be tested on

static void keep_samples(folder *f, const clg_image_batch *b, int64_t from)
{
    const size_t bytes = (size_t) f->set.form.size * (size_t) f->set.form.size * (size_t) f->set.form.channels;
    for (int i = 0; i < f->set.n_samples; i++) {
        const int64_t at = f->numbers[i] - from;
        if (at >= 0 && at < b->n)
            memcpy(f->samples + (size_t) i * bytes, b->pixels + (size_t) at * bytes, bytes);
    }
}

static bool test_batch(dataset *d, clg_device dev, int64_t from, picture_batch *out)
{
    folder *f = (folder *) d;
    char error[1300];
    clg_image_batch b;
    const int64_t n = d->test_n - from < d->batch ? d->test_n - from : d->batch;
    if (from == 0) {
        const struct clg_image_loader_params p = loading(f, true);
        clg_image_loader_close(&f->tester);
        if (clg_image_loader_open(&f->tester, f->test, &p, error, sizeof error) < 0) {
            folder_say("%s", error);
            return false;
        }
    }
    if (!next(f->tester, &b) || b.n != n || b.position != from + n)
        return lost(f->tester);
    keep_samples(f, &b, from);
    *out = (picture_batch) { n, clg_image_channels_first(clg_upload(dev, CLG_U8, b.shape, b.pixels)),
                             clg_upload(dev, CLG_I64, CLG_SHAPE(n), b.labels) };
    if (from + n == d->test_n)
        clg_image_loader_close(&f->tester);
    return true;
}

// ---- all of it

static bool make_room(folder *f)
{
    const dataset *d = &f->set;
    const size_t pixels = (size_t) d->form.size * (size_t) d->form.size * (size_t) d->form.channels;
    f->two = malloc(2 * (size_t) (f->load * f->load * d->form.channels));
    f->samples = calloc((size_t) d->n_samples + 1, pixels);
    return f->two && f->samples;
}

static bool prepare(dataset *d, training *t)
{
    folder *f = (folder *) d;
    const train_options *o = &t->o;
    f->seed = o->seed;
    f->augment = o->augment;
    d->form.net = classifier_find(o->net);
    d->form.size = (int) o->size;
    d->form.resize = f->load = augment_resize(o->augment, (int) o->size);
    d->people = NAN;
    if (!(t->data_state ? folder_recall(f, t->data_state) : folder_look(f, t)) || !folder_split(f, o->val))
        return false;
    d->batch = o->batch < d->train_n ? o->batch : d->train_n;
    d->n_samples = d->test_n < MOST_SAMPLES ? (int) d->test_n : MOST_SAMPLES;
    for (int i = 0; i < d->n_samples; i++)
        f->numbers[i] = i * d->test_n / d->n_samples;
    d->sample_of = f->numbers;
    if (!make_room(f)) {
        folder_say("out of memory");
        return false;
    }
    d->samples = f->samples;
    return true;
}

static void close_set(dataset *d)
{
    folder *f = (folder *) d;
    clg_image_loader_close(&f->loader);
    clg_image_loader_close(&f->tester);
    folder_free_lists(f);
    free(f->two);
    free(f->samples);
    free(f);
}

static const dataset_kind kind = { prepare, folder_state, train_batch, test_batch, close_set };

dataset *folder_open(const char *path)
{
    folder *f = calloc(1, sizeof *f);
    if (!f) {
        folder_say("out of memory");
        return NULL;
    }
    f->set.kind = &kind;
    f->set.path = path;
    if (folder_list(f))
        return &f->set;
    close_set(&f->set);
    return NULL;
}
