// SPDX-License-Identifier: MIT
// The plan cache.
#include "sched/cache.h"

#include <string.h>

static void unlink_use(clg__sched *s, clg__plan *p)
{
    if (p->newer)
        p->newer->older = p->older;
    else
        s->newest = p->older;
    if (p->older)
        p->older->newer = p->newer;
    else
        s->oldest = p->newer;
}

static void link_newest(clg__sched *s, clg__plan *p)
{
    p->newer = NULL;
    p->older = s->newest;
    if (s->newest)
        s->newest->newer = p;
    s->newest = p;
    if (!s->oldest)
        s->oldest = p;
}

void clg__cache_remove(clg__sched *s, clg__plan *p)
{
    clg__plan **at = &s->bucket[p->hash % CLG__CACHE_BUCKETS];
    while (*at != p)
        at = &(*at)->chain;
    *at = p->chain;
    unlink_use(s, p);
    s->n--;
    clg__plan_free(p);
}

clg__plan *clg__cache_find(clg__sched *s, const clg__key *k, uint64_t hash, const clg__work *w)
{
    for (clg__plan *p = s->bucket[hash % CLG__CACHE_BUCKETS]; p; p = p->chain) {
        if (p->hash == hash && p->key.length == k->bytes.length &&
            memcmp(p->key.text, k->bytes.text, p->key.length) == 0 && clg__guard_failed(&p->positions, w->nodes) < 0) {
            unlink_use(s, p);
            link_newest(s, p);
            return p;
        }
    }
    return NULL;
}

void clg__cache_add(clg__sched *s, clg__plan *p)
{
    while (s->n >= CLG__CACHE_PLANS)
        clg__cache_remove(s, s->oldest);
    p->chain = s->bucket[p->hash % CLG__CACHE_BUCKETS];
    s->bucket[p->hash % CLG__CACHE_BUCKETS] = p;
    link_newest(s, p);
    s->n++;
}

void clg__cache_clear(clg__sched *s)
{
    while (s->oldest)
        clg__cache_remove(s, s->oldest);
}
