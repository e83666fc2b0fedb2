// SPDX-License-Identifier: MIT
// A ring of batches: threads take their images one by one, oldest batch first; the application takes whole batches.
// What is in a batch follows from seed, epoch and position alone, never from which thread was faster.
#include "io/sample.h"
#include "io/text.h"

#include "base/signals.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = INT32_MAX, MOST_THREADS = 256, MOST_AHEAD = 1024, FIRST_TRIES = 100 };

typedef struct slot {
    uint8_t *pixels;
    int64_t *samples, *labels;
    bool *good;
    int64_t n, taken, done, epoch, position;
    int64_t worst; // the image with the message: the last that failed; -1: none
    char text[CLG__SAMPLE_TEXT];
} slot;

struct clg_image_loader_t {
    clg_image_folder f;
    clg__sample_form form;
    slot *slots;
    int n_slots, head; // head: the batch that comes next
    bool out;          // the one before it belongs to the application
    int64_t *order, epoch, position; // of the batch that is planned next
    int64_t failed;
    char text[CLG__SAMPLE_TEXT];
    pthread_mutex_t lock;
    pthread_cond_t work, ready;
    pthread_t threads[MOST_THREADS];
    int n_threads;
    bool quit;
};

static size_t image_bytes(const clg_image_loader l)
{
    return (size_t) l->form.h * (size_t) l->form.w * (size_t) l->form.channels;
}

// ---- threads

static slot *find_work(clg_image_loader l)
{
    for (int i = 0; i < l->n_slots; i++) {
        slot *s = &l->slots[(l->head + i) % l->n_slots];
        if (s->taken < s->n)
            return s;
    }
    return NULL;
}

static void *work(void *arg)
{
    clg_image_loader l = arg;
    char text[CLG__SAMPLE_TEXT];
    pthread_mutex_lock(&l->lock);
    while (!l->quit) {
        slot *s = find_work(l);
        if (!s) {
            pthread_cond_wait(&l->work, &l->lock);
            continue;
        }
        const int64_t i = s->taken++, at = s->samples[i], epoch = s->epoch;
        pthread_mutex_unlock(&l->lock);
        int64_t h, w;
        const clg_status st = clg__sample_read(&l->form, clg_image_folder_path(l->f, at, NULL), epoch, at,
                                               s->pixels + (size_t) i * image_bytes(l), &h, &w, text, sizeof text);
        pthread_mutex_lock(&l->lock);
        s->good[i] = st >= 0;
        if (st < 0 && i > s->worst) {
            s->worst = i;
            memcpy(s->text, text, sizeof text);
        }
        if (++s->done == s->n)
            pthread_cond_signal(&l->ready);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

// ---- order

static void shuffle(clg_image_loader l)
{
    const int64_t n = clg_image_folder_count(l->f);
    for (int64_t i = 0; i < n; i++)
        l->order[i] = i;
    for (int64_t i = n - 1; i > 0 && l->form.p.shuffle; i--) {
        const int64_t k = clg__draw_below(l->form.p.seed, l->epoch, i, CLG__DRAW_ORDER, i + 1), t = l->order[i];
        l->order[i] = l->order[k];
        l->order[k] = t;
    }
}

// The next batch, or the empty one that ends an epoch.
static void plan(clg_image_loader l, slot *s)
{
    const int64_t count = clg_image_folder_count(l->f), left = count - l->position;
    int64_t n = left < l->form.p.batch ? left : l->form.p.batch;
    if (l->form.p.drop_last && n < l->form.p.batch)
        n = 0;
    s->n = n;
    s->taken = s->done = 0;
    s->worst = -1;
    s->epoch = l->epoch;
    for (int64_t i = 0; i < n; i++) {
        int label;
        s->samples[i] = l->order[l->position + i];
        clg_image_folder_path(l->f, s->samples[i], &label);
        s->labels[i] = label;
    }
    s->position = l->position + n;
    l->position += n;
    if (n == 0) {
        l->epoch++;
        l->position = 0;
        shuffle(l);
    }
}

// ---- opening

static const char *read_params(struct clg_image_loader_params *q, const struct clg_image_loader_params *p, int64_t count)
{
    const char *wrong = clg_params_read(q, sizeof *q, p);
    if (wrong)
        return wrong;
    const int64_t numbers[] = { q->batch, q->threads, q->ahead, q->resize, q->height, q->width, q->start_epoch, q->start,
                                q->max_pixels };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i] < 0 || numbers[i] > MOST)
            return "a number is below 0 or beyond 2^31";
    }
    if ((int) q->mode < CLG_IMAGE_UNCHANGED || q->mode > CLG_IMAGE_RGBA)
        return "there is no such mode";
    if ((q->height == 0) != (q->width == 0))
        return "height and width come together";
    if (q->random_resized_crop && !q->height)
        return "a random crop needs height and width";
    if (q->start > count)
        return "the start is behind the last image";
    if (!(q->least_area >= 0 && q->least_area <= 1))
        return "least_area is not within 0 and 1";
    q->least_area = q->least_area > 0 ? q->least_area : 0.08;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    q->mode = q->mode == CLG_IMAGE_UNCHANGED ? CLG_IMAGE_RGB : q->mode;
    q->batch = q->batch ? q->batch : 32;
    q->ahead = q->ahead ? q->ahead : 2;
    q->threads = q->threads ? q->threads : cores > 1 ? (int) cores : 1;
    q->threads = q->threads < MOST_THREADS ? q->threads : MOST_THREADS;
    return q->ahead > MOST_AHEAD ? "more than 1024 batches ahead" : NULL;
}

// The first image that can be read says how large all are.
static clg_status find_size(clg_image_loader l, char *error, size_t size)
{
    clg_status st = CLG_EFORMAT, first = CLG_OK;
    char text[CLG__SAMPLE_TEXT];
    l->form.h = l->form.p.height;
    l->form.w = l->form.p.width;
    const int64_t n = clg_image_folder_count(l->f);
    for (int64_t i = 0; i < n && i < FIRST_TRIES && l->form.h == 0 && st < 0; i++) {
        st = clg__sample_read(&l->form, clg_image_folder_path(l->f, i, NULL), 0, i, NULL, &l->form.h, &l->form.w, text,
                              sizeof text);
        if (st < 0 && i == 0)
            first = clg__text(error, size, st, "%s", text);
    }
    return l->form.h ? CLG_OK : first;
}

static bool make_slot(clg_image_loader l, slot *s)
{
    const size_t n = (size_t) l->form.p.batch;
    if (image_bytes(l) > SIZE_MAX / 2 / n)
        return false;
    s->pixels = malloc(n * image_bytes(l));
    s->samples = malloc(n * sizeof *s->samples);
    s->labels = malloc(n * sizeof *s->labels);
    s->good = calloc(n, sizeof *s->good);
    return s->pixels && s->samples && s->labels && s->good;
}

static clg_status start(clg_image_loader l, char *error, size_t size)
{
    clg_status st = find_size(l, error, size);
    if (st < 0)
        return st;
    l->n_slots = l->form.p.ahead + 1;
    l->slots = calloc((size_t) l->n_slots, sizeof *l->slots);
    l->order = malloc((size_t) clg_image_folder_count(l->f) * sizeof *l->order);
    bool ok = l->slots && l->order;
    for (int i = 0; i < l->n_slots && ok; i++)
        ok = make_slot(l, &l->slots[i]);
    if (!ok)
        return clg__text(error, size, CLG_ENOMEM, "image loader: out of host memory for %d batches of %lld images",
                         l->n_slots, (long long) l->form.p.batch);
    l->epoch = l->form.p.start_epoch;
    l->position = l->form.p.start;
    shuffle(l);
    for (int i = 0; i < l->n_slots; i++)
        plan(l, &l->slots[i]);
    CLG__QUIET_THREADS;
    while (l->n_threads < l->form.p.threads && pthread_create(&l->threads[l->n_threads], NULL, work, l) == 0)
        l->n_threads++;
    return l->n_threads ? CLG_OK : clg__text(error, size, CLG_ENOMEM, "image loader: no thread can be started");
}

clg_status clg_image_loader_open(clg_image_loader *out, clg_image_folder f, const struct clg_image_loader_params *p,
                                 char *error, size_t error_size)
{
    struct clg_image_loader_params q;
    if (out)
        *out = NULL;
    const char *wrong = !out || !f ? "NULL" : read_params(&q, p, clg_image_folder_count(f));
    if (wrong)
        return clg__text(error, error_size, CLG_EINVAL, "image loader: %s", wrong);
    clg_image_loader l = calloc(1, sizeof *l);
    if (!l)
        return clg__text(error, error_size, CLG_ENOMEM, "image loader: out of host memory");
    l->f = f;
    l->form.p = q;
    l->form.channels = (int) q.mode;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    const clg_status st = start(l, error, error_size);
    if (st < 0)
        clg_image_loader_close(&l);
    *out = l;
    return st;
}

void clg_image_loader_close(clg_image_loader *address)
{
    if (!address || !*address)
        return;
    clg_image_loader l = *address;
    pthread_mutex_lock(&l->lock);
    l->quit = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->n_threads; i++)
        pthread_join(l->threads[i], NULL);
    for (int i = 0; i < l->n_slots && l->slots; i++) {
        free(l->slots[i].pixels);
        free(l->slots[i].samples);
        free(l->slots[i].labels);
        free(l->slots[i].good);
    }
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->ready);
    pthread_mutex_destroy(&l->lock);
    free(l->slots);
    free(l->order);
    free(l);
    *address = NULL;
}

// ---- batches

// Those that could be read, behind each other.
static int64_t pack(clg_image_loader l, slot *s)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->n; i++) {
        if (!s->good[i])
            continue;
        if (n != i) {
            memcpy(s->pixels + (size_t) n * image_bytes(l), s->pixels + (size_t) i * image_bytes(l), image_bytes(l));
            s->samples[n] = s->samples[i];
            s->labels[n] = s->labels[i];
        }
        n++;
    }
    if (s->worst >= 0)
        memcpy(l->text, s->text, sizeof l->text);
    l->failed += s->n - n;
    return n;
}

clg_status clg_image_loader_next(clg_image_loader l, clg_image_batch *out)
{
    if (out)
        memset(out, 0, sizeof *out);
    if (!l || !out)
        return CLG_EINVAL;
    pthread_mutex_lock(&l->lock);
    for (bool found = false; !found;) {
        if (l->out) { // what the application had is planned anew
            plan(l, &l->slots[(l->head + l->n_slots - 1) % l->n_slots]);
            pthread_cond_broadcast(&l->work);
        }
        slot *s = &l->slots[l->head];
        while (s->done < s->n)
            pthread_cond_wait(&l->ready, &l->lock);
        const int64_t n = pack(l, s);
        found = n > 0 || s->n == 0; // of a batch of which nothing could be read nothing is told
        *out = (clg_image_batch) { n, CLG_SHAPE(n, l->form.h, l->form.w, l->form.channels), s->pixels, s->labels,
                                   s->samples, s->epoch, s->position };
        if (s->n == 0) {
            out->epoch++;
            out->position = 0;
        }
        l->head = (l->head + 1) % l->n_slots;
        l->out = true;
    }
    pthread_mutex_unlock(&l->lock);
    return CLG_OK;
}

int64_t clg_image_loader_failed(clg_image_loader l, char *text, size_t size)
{
    if (text && size)
        text[0] = '\0';
    if (!l)
        return 0;
    if (text && size)
        clg__text(text, size, CLG_OK, "%s", l->text);
    return l->failed;
}
