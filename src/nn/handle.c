// SPDX-License-Identifier: MIT
// Memory of stores and optimizers; see src/graph/slots.h for what the graph does.
#include "nn/handle.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARKED = 128 };

typedef union head {
    struct {
        union head *next; // of the parked ones
        bool alive;
    };
    max_align_t align;
} head;

static struct {
    pthread_mutex_t lock;
    head *first, *last;
    long n;
} parked = { .lock = PTHREAD_MUTEX_INITIALIZER };

void *clg__object_new(size_t bytes)
{
    head *h = calloc(1, sizeof *h + bytes);
    if (!h)
        return NULL;
    h->alive = true;
    return h + 1;
}

void clg__object_end(void *object)
{
    head *h = (head *) object - 1, *old = NULL;
    h->alive = false;
    pthread_mutex_lock(&parked.lock);
    if (parked.last)
        parked.last->next = h;
    else
        parked.first = h;
    parked.last = h;
    if (++parked.n > PARKED) {
        old = parked.first;
        parked.first = old->next;
        parked.n--;
    }
    pthread_mutex_unlock(&parked.lock);
    free(old);
}

bool clg__object_alive(const void *object)
{
    return ((const head *) object - 1)->alive;
}

long clg__objects_parked(void)
{
    pthread_mutex_lock(&parked.lock);
    const long n = parked.n;
    pthread_mutex_unlock(&parked.lock);
    return n;
}

clg_status clg__object_misuse(clg_device dev, const char *format, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
#ifdef CLG_DEBUG
    fputs("clgrad: ", stderr);
    fputs(text, stderr);
    fputc('\n', stderr);
    __builtin_trap();
#endif
    return clg_fail(dev, CLG_EINVAL, "%s", text);
}
