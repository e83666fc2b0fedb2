// SPDX-License-Identifier: MIT
// The data set Fashion-MNIST: its files, and its batches in an order of their own in each epoch.
#include "fashion.h"
#include "training.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEST_BATCH = 500 };

typedef struct fashion {
    dataset set; // first
    clg_idx train_x, train_y, test_x, test_y;
    long seed, epoch; // of the order, -1: none yet
    int64_t *order, numbers[MOST_SAMPLES];
    int *truth;
    uint8_t *x, *y; // one batch
} fashion;

// ---- files

static bool open_one(clg_idx *x, const char *folder, const char *name)
{
    char path[1100], error[1300];
    snprintf(path, sizeof path, "%s/%s.gz", folder, name);
    if (access(path, F_OK) != 0)
        path[strlen(path) - 3] = '\0';
    if (access(path, F_OK) != 0) {
        fprintf(
            stderr,
            "clgrad train: %s[.gz] is not there. Install the data set (Debian, Ubuntu: apt install "
            "dataset-fashion-mnist) or name its folder with --data\n",
            path);
        return false;
    }
    if (clg_idx_open(x, path, error, sizeof error) >= 0)
        return true;
    fprintf(stderr, "clgrad train: %s\n", error);
    return false;
}

// What keeps two files from being pictures and their labels, or NULL.
static const char *misfit(const clg_idx *x, const clg_idx *y)
{
    if (x->dtype != CLG_U8 || x->shape.rank != 3 || x->shape.dim[1] != SIDE ||
        x->shape.dim[2] != SIDE)
        return "pictures are not 28 x 28 bytes";
    if (y->dtype != CLG_U8 || y->shape.rank != 1)
        return "labels are not a list of bytes";
    if (x->shape.dim[0] != y->shape.dim[0])
        return "there are not as many labels as pictures";
    if (x->shape.dim[0] < 1)
        return "there are no pictures";
    const uint8_t *labels = y->data;
    for (int64_t i = 0; i < y->shape.dim[0]; i++) {
        if (labels[i] >= CLASSES)
            return "a label is above 9";
    }
    return NULL;
}

static uint64_t hash_of(const fashion *d)
{
    const clg_idx *const files[] = { &d->train_x, &d->train_y, &d->test_x, &d->test_y };
    uint64_t h = 14695981039346656037u; // FNV-1a over words
    for (int i = 0; i < 4; i++) {
        const int64_t n = clg_numel(files[i]->shape);
        const unsigned char *p = files[i]->data;
        for (int64_t at = 0; at < n; at += 8) {
            uint64_t word = (uint64_t) i;
            memcpy(&word, p + at, n - at < 8 ? (size_t) (n - at) : 8);
            h = (h ^ word) * 1099511628211u;
            h ^= h >> 29;
        }
    }
    return h;
}

static void close_set(dataset *d)
{
    fashion *f = (fashion *) d;
    clg_idx_close(&f->train_x);
    clg_idx_close(&f->train_y);
    clg_idx_close(&f->test_x);
    clg_idx_close(&f->test_y);
    free(f->order);
    free(f->truth);
    free(f->x);
    free(f->y);
    free(f);
}

// ---- batches

// splitmix64
static uint64_t next_random(uint64_t *s)
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// Fisher and Yates; the remainder's bias is below 2^-40.
static void shuffle(fashion *f, long epoch)
{
    const int64_t n = f->set.train_n;
    uint64_t s = (uint64_t) f->seed * 0x100000001b3u + (uint64_t) epoch;
    for (int64_t i = 0; i < n; i++)
        f->order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = (int64_t) (next_random(&s) % (uint64_t) (i + 1)), t = f->order[i];
        f->order[i] = f->order[j];
        f->order[j] = t;
    }
    f->epoch = epoch;
}

static bool train_batch(dataset *d, clg_device dev, long epoch, long k, picture_batch *out)
{
    fashion *f = (fashion *) d;
    const uint8_t *images = f->train_x.data, *labels = f->train_y.data;
    const int64_t from = k * d->batch, left = d->train_n - from, n = left < d->batch ? left : d->batch;
    if (f->epoch != epoch)
        shuffle(f, epoch);
    for (int64_t i = 0; i < n; i++) {
        memcpy(f->x + i * PIXELS, images + f->order[from + i] * PIXELS, PIXELS);
        f->y[i] = labels[f->order[from + i]];
    }
    *out = (picture_batch) { n, clg_upload(dev, CLG_U8, CLG_SHAPE(n, 1, SIDE, SIDE), f->x),
                             clg_upload(dev, CLG_U8, CLG_SHAPE(n), f->y) };
    return true;
}

static bool test_batch(dataset *d, clg_device dev, int64_t from, picture_batch *out)
{
    fashion *f = (fashion *) d;
    const uint8_t *images = f->test_x.data, *labels = f->test_y.data;
    const int64_t n = d->test_n - from < TEST_BATCH ? d->test_n - from : TEST_BATCH;
    *out = (picture_batch) { n, clg_upload(dev, CLG_U8, CLG_SHAPE(n, 1, SIDE, SIDE), images + from * PIXELS),
                             clg_upload(dev, CLG_U8, CLG_SHAPE(n), labels + from) };
    return true;
}

static bool prepare(dataset *d, training *t)
{
    fashion *f = (fashion *) d;
    const uint8_t *labels = f->test_y.data;
    f->seed = t->o.seed;
    f->epoch = -1;
    d->form = fashion_form;
    d->people = human_accuracy;
    d->train_n = f->train_x.shape.dim[0];
    d->test_n = f->test_x.shape.dim[0];
    d->batch = t->o.batch < d->train_n ? t->o.batch : d->train_n;
    d->truth = f->truth = calloc((size_t) d->test_n, sizeof *f->truth);
    f->order = malloc((size_t) d->train_n * sizeof *f->order);
    f->x = malloc((size_t) d->batch * PIXELS);
    f->y = malloc((size_t) d->batch);
    if (!f->truth || !f->order || !f->x || !f->y) {
        fprintf(stderr, "clgrad train: out of memory\n");
        return false;
    }
    for (int64_t i = 0; i < d->test_n; i++)
        f->truth[i] = labels[i];
    d->n_samples = d->test_n < MOST_SAMPLES ? (int) d->test_n : MOST_SAMPLES;
    for (int i = 0; i < d->n_samples; i++)
        f->numbers[i] = i;
    d->samples = f->test_x.data;
    d->sample_of = f->numbers;
    return true;
}

static const dataset_kind kind = { prepare, NULL, train_batch, test_batch, close_set };

dataset *fashion_open(const char *folder)
{
    fashion *f = calloc(1, sizeof *f);
    if (!f) {
        fprintf(stderr, "clgrad train: out of memory\n");
        return NULL;
    }
    f->set.kind = &kind;
    f->set.path = folder;
    f->set.has_tests = true;
    bool ok = open_one(&f->train_x, folder, "train-images-idx3-ubyte") &&
              open_one(&f->train_y, folder, "train-labels-idx1-ubyte") &&
              open_one(&f->test_x, folder, "t10k-images-idx3-ubyte") &&
              open_one(&f->test_y, folder, "t10k-labels-idx1-ubyte");
    for (int i = 0; i < 2 && ok; i++) {
        const char *bad = i ? misfit(&f->test_x, &f->test_y) : misfit(&f->train_x, &f->train_y);
        if (bad)
            fprintf(stderr, "clgrad train: the %s files in %s are not Fashion-MNIST: %s\n",
                    i ? "t10k" : "train", folder, bad);
        ok = !bad;
    }
    if (!ok) {
        close_set(&f->set);
        return NULL;
    }
    f->set.hash = hash_of(f);
    return &f->set;
}
