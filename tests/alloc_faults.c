// SPDX-License-Identifier: MIT
// malloc and its kin, which the linker's --wrap puts in their place.
#include "alloc_faults.h"

#include "graph/slots.h"
#include "nn/handle.h"

#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

long countdown, blocks;
int fired, sticky;

long held_blocks(void)
{
    return blocks - clg__blocks() - clg__objects_parked();
}

static int must_fail(void)
{
    if (countdown > 0 && --countdown == 0) {
        fired++;
        countdown = sticky;
        return 1;
    }
    return 0;
}

void *__wrap_malloc(size_t n)
{
    void *p = must_fail() ? NULL : __real_malloc(n);
    blocks += p != NULL;
    return p;
}

void *__wrap_calloc(size_t n, size_t m)
{
    void *p = must_fail() ? NULL : __real_calloc(n, m);
    blocks += p != NULL;
    return p;
}

void *__wrap_realloc(void *old, size_t n)
{
    void *p = must_fail() ? NULL : __real_realloc(old, n);
    blocks += p != NULL && old == NULL;
    return p;
}

void __wrap_free(void *p)
{
    blocks -= p != NULL;
    __real_free(p);
}

char *__wrap_strdup(const char *s)
{
    const size_t n = strlen(s) + 1;
    char *p = __wrap_malloc(n);
    return p ? memcpy(p, s, n) : NULL;
}

void *counted_malloc(size_t n)
{
    const long c = countdown;
    countdown = 0;
    void *p = __wrap_malloc(n);
    countdown = c;
    return p;
}
