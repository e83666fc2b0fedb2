// SPDX-License-Identifier: MIT
// The batches of an epoch: pictures in an order that follows from the seed and the epoch alone.
#include "training.h"

#include <stdlib.h>
#include <string.h>

bool feed_open(feed *f, const dataset *d, long seed, long batch)
{
    const int64_t n = d->train_x.shape.dim[0];
    *f = (feed) { .d = d, .batch = batch < n ? batch : n, .seed = seed, .epoch = -1 };
    f->order = malloc((size_t) n * sizeof *f->order);
    f->x = malloc((size_t) f->batch * PIXELS);
    f->y = malloc((size_t) f->batch);
    return f->order && f->x && f->y;
}

void feed_close(feed *f)
{
    free(f->order);
    free(f->x);
    free(f->y);
    *f = (feed) { .epoch = -1 };
}

// splitmix64
static uint64_t next_random(uint64_t *s)
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// Fisher and Yates; the remainder's bias is below 2^-40.
static void shuffle(feed *f, long epoch)
{
    const int64_t n = f->d->train_x.shape.dim[0];
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

int64_t feed_batch(feed *f, long epoch, long k)
{
    const uint8_t *images = f->d->train_x.data, *labels = f->d->train_y.data;
    const int64_t from = k * f->batch, left = f->d->train_x.shape.dim[0] - from;
    const int64_t n = left < f->batch ? left : f->batch;
    if (f->epoch != epoch)
        shuffle(f, epoch);
    for (int64_t i = 0; i < n; i++) {
        memcpy(f->x + i * PIXELS, images + f->order[from + i] * PIXELS, PIXELS);
        f->y[i] = labels[f->order[from + i]];
    }
    return n;
}
