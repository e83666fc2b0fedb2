// SPDX-License-Identifier: MIT
// Allocation with a live count.
#include "base/alloc.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

// In front of every block: its size, padded so that what follows stays aligned for any type.
typedef union header {
    size_t bytes;
    max_align_t align;
} header;

static atomic_size_t live;

void *clg__malloc(size_t bytes)
{
    if (bytes > SIZE_MAX - sizeof(header))
        return NULL;
    header *h = malloc(sizeof *h + bytes);
    if (!h)
        return NULL;
    h->bytes = bytes;
    atomic_fetch_add(&live, bytes);
    return h + 1;
}

void *clg__calloc(size_t count, size_t bytes)
{
    if (bytes && count > SIZE_MAX / bytes)
        return NULL;
    void *p = clg__malloc(count * bytes);
    if (p)
        memset(p, 0, count * bytes);
    return p;
}

void *clg__realloc(void *p, size_t bytes)
{
    if (!p)
        return clg__malloc(bytes);
    header *h = (header *) p - 1;
    const size_t old = h->bytes;
    if (bytes > SIZE_MAX - sizeof(header))
        return NULL;
    h = realloc(h, sizeof *h + bytes);
    if (!h)
        return NULL;
    h->bytes = bytes;
    atomic_fetch_add(&live, bytes);
    atomic_fetch_sub(&live, old);
    return h + 1;
}

void clg__free(void *p)
{
    if (!p)
        return;
    header *h = (header *) p - 1;
    atomic_fetch_sub(&live, h->bytes);
    free(h);
}

char *clg__strdup(const char *s)
{
    const size_t n = strlen(s) + 1;
    char *copy = clg__malloc(n);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

size_t clg__alloc_live(void)
{
    return atomic_load(&live);
}

int clg__grow(void **data, int *capacity, int need, size_t item)
{
    if (need <= *capacity)
        return 1;
    int to = *capacity ? *capacity : 8;
    while (to < need) {
        if (to > INT_MAX / 2)
            return 0;
        to *= 2;
    }
    void *p = clg__realloc(*data, (size_t) to * item);
    if (!p)
        return 0;
    *data = p;
    *capacity = to;
    return 1;
}
