// SPDX-License-Identifier: MIT
// memcpy: as many bytes read and written together as the case moves, by one thread or by one a core, whichever is
// faster.
#include "peers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

enum { MOST = 64 };

typedef struct copier {
    char *from, *to;
    size_t bytes;
    int threads;
    pthread_t id[MOST];
    pthread_mutex_t lock;
    pthread_cond_t go, done;
    unsigned round;
    int left;
    bool stop;
} copier;

typedef struct helper {
    copier *c;
    int index;
} helper;

static void one_part(const copier *c, int index)
{
    const size_t from = c->bytes * (size_t) index / (size_t) c->threads & ~(size_t) 63;
    const size_t to = index + 1 == c->threads ? c->bytes
                                              : c->bytes * (size_t) (index + 1) / (size_t) c->threads & ~(size_t) 63;
    memcpy(c->to + from, c->from + from, to - from);
}

static void *help(void *arg)
{
    const helper h = *(helper *) arg;
    copier *c = h.c;
    free(arg);
    pthread_mutex_lock(&c->lock);
    for (unsigned seen = 0;;) {
        while (c->round == seen && !c->stop)
            pthread_cond_wait(&c->go, &c->lock);
        if (c->stop)
            break;
        seen = c->round;
        pthread_mutex_unlock(&c->lock);
        one_part(c, h.index);
        pthread_mutex_lock(&c->lock);
        if (--c->left == 0)
            pthread_cond_signal(&c->done);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static int run(void *state, int times)
{
    copier *c = state;
    for (int i = 0; i < times; i++) {
        if (c->threads > 1) {
            pthread_mutex_lock(&c->lock);
            c->left = c->threads - 1;
            c->round++;
            pthread_cond_broadcast(&c->go);
            pthread_mutex_unlock(&c->lock);
        }
        one_part(c, 0);
        __asm__ volatile("" : : "r"(c->to) : "memory");
        if (c->threads > 1) {
            pthread_mutex_lock(&c->lock);
            while (c->left > 0)
                pthread_cond_wait(&c->done, &c->lock);
            pthread_mutex_unlock(&c->lock);
        }
    }
    return 0;
}

static void stop(copier *c)
{
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_broadcast(&c->go);
    pthread_mutex_unlock(&c->lock);
    for (int i = 1; i < c->threads; i++)
        pthread_join(c->id[i], NULL);
    c->threads = 1;
    c->stop = false;
}

static void start(copier *c, int threads)
{
    c->threads = 1;
    for (int i = 1; i < threads && i < MOST; i++) {
        helper *h = malloc(sizeof *h);
        if (!h)
            break;
        *h = (helper) { c, i };
        c->round = 0;
        if (pthread_create(&c->id[i], NULL, help, h) != 0) {
            free(h);
            break;
        }
        c->threads++;
    }
}

static double seconds(copier *c)
{
    double best = 1e9;
    const int times = 1 + (int) (4e6 / (double) c->bytes);
    for (int i = 0; i < 4; i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        run(c, times);
        clock_gettime(CLOCK_MONOTONIC, &b);
        const double s = (double) (b.tv_sec - a.tv_sec) + 1e-9 * (double) (b.tv_nsec - a.tv_nsec);
        best = i > 0 && s < best ? s : best;
    }
    return best;
}

static void end(void *state)
{
    copier *c = state;
    stop(c);
    free(c->from);
    free(c->to);
    free(c);
}

static void *begin(const peer_problem *p)
{
    if (p->s->flops > 0 || p->bytes < 128)
        return NULL;
    copier *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->bytes = (size_t) (p->bytes / 2);
    const size_t whole = (c->bytes + 4095) / 4096 * 4096;
    c->from = aligned_alloc(4096, whole);
    c->to = aligned_alloc(4096, whole);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->go, NULL);
    pthread_cond_init(&c->done, NULL);
    c->threads = 1;
    if (!c->from || !c->to) {
        end(c);
        return NULL;
    }
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < c->bytes; i += 64) { // every page its own
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(c->from + i, &x, c->bytes - i < sizeof x ? c->bytes - i : sizeof x);
    }
    memset(c->to, 1, c->bytes);
    const double one = seconds(c);
    start(c, p->threads);
    if (c->threads > 1 && seconds(c) > one)
        stop(c);
    return c;
}

static void version(char *to, size_t size)
{
#ifdef __GLIBC__
    snprintf(to, size, "glibc %s", gnu_get_libc_version());
#else
    snprintf(to, size, "the C library's");
#endif
}

const peer peer_memcpy = { "memcpy", version, begin, run, NULL, end, "cpu" };
