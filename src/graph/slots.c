// SPDX-License-Identifier: MIT
// Slots are cut from slabs and used again in the order of their ends. The slabs of closed devices are
// parked: the oldest goes when too much is.
#include "graph/slots.h"

#include "base/alloc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

enum { SLAB = 64, PARKED = 32 << 20, KINDS = 7 }; // slots; bytes; sizes of blocks

typedef union block {
    struct {
        union block *next; // of the parked ones
        size_t bytes;
    };
    max_align_t align;
} block;

struct clg__slot { // in front of an object
    clg__slab *slab;
    clg__slot *prev, *next; // of the dead
    bool alive;
};

struct clg__slab {
    clg__slab *prev, *next; // of the same slots
    clg__slab *earlier, *later; // of the idle ones
    int live, used;
    bool idle;
};

#define ROUND(n) (((n) + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t))

static atomic_long count;
static atomic_size_t total;
// By size, of which there are as many as kinds of objects; the oldest first.
static struct {
    pthread_mutex_t lock;
    struct {
        block *first, *last;
        size_t bytes; // of one
    } kind[KINDS];
    size_t bytes;
} parked = { .lock = PTHREAD_MUTEX_INITIALIZER };

static block *take_first(int k)
{
    block *b = parked.kind[k].first;
    parked.kind[k].first = b->next;
    if (!b->next)
        parked.kind[k].last = NULL;
    parked.bytes -= b->bytes;
    return b;
}

// The oldest parked one of this size where many are parked, so that opening and closing devices for ever
// neither grows nor lets go of memory that an old handle may still point to.
static block *take_parked(size_t bytes)
{
    block *b = NULL;
    pthread_mutex_lock(&parked.lock);
    for (int k = 0; k < KINDS && !b && parked.bytes > PARKED / 2; k++) {
        if (parked.kind[k].bytes == bytes && parked.kind[k].first)
            b = take_first(k);
    }
    pthread_mutex_unlock(&parked.lock);
    return b;
}

static void *block_new(size_t bytes)
{
    bytes += sizeof(block);
    block *b = take_parked(bytes);
    if (b)
        return b + 1;
    b = clg__malloc(bytes);
    if (!b)
        return NULL;
    b->next = NULL;
    b->bytes = bytes;
    atomic_fetch_add(&count, 1);
    atomic_fetch_add(&total, b->bytes);
    return b + 1;
}

static void block_free(block *b)
{
    atomic_fetch_sub(&count, 1);
    atomic_fetch_sub(&total, b->bytes);
    clg__free(b);
}

void *clg__block_new(size_t bytes)
{
    void *p = block_new(bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

void clg__block_park(void *p)
{
    block *b = (block *) p - 1, *old = NULL;
    int k = 0;
    pthread_mutex_lock(&parked.lock);
    while (k < KINDS - 1 && parked.kind[k].bytes && parked.kind[k].bytes != b->bytes)
        k++;
    parked.kind[k].bytes = b->bytes;
    b->next = NULL;
    if (parked.kind[k].last)
        parked.kind[k].last->next = b;
    else
        parked.kind[k].first = b;
    parked.kind[k].last = b;
    parked.bytes += b->bytes;
    while (parked.bytes > PARKED && parked.kind[k].first != b) { // after one large device
        block *go = take_first(k);
        go->next = old;
        old = go;
    }
    pthread_mutex_unlock(&parked.lock);
    while (old) {
        block *go = old;
        old = go->next;
        block_free(go);
    }
}

long clg__blocks(void)
{
    return atomic_load(&count);
}

size_t clg__blocks_bytes(void)
{
    return atomic_load(&total);
}

void clg__slots_init(clg__slots *s, size_t bytes, int wait)
{
    *s = (clg__slots) { .bytes = ROUND(sizeof(clg__slot)) + ROUND(bytes), .wait = wait };
}

static void *object(clg__slot *t)
{
    return (char *) t + ROUND(sizeof *t);
}

static clg__slot *slot_of(const void *object)
{
    return (clg__slot *) ((char *) (uintptr_t) object - ROUND(sizeof(clg__slot)));
}

static clg__slot *slot_at(const clg__slots *s, clg__slab *slab, int i)
{
    return (clg__slot *) ((char *) slab + ROUND(sizeof *slab) + (size_t) i * s->bytes);
}

static void leave_dead(clg__slots *s, clg__slot *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        s->oldest = t->next;
    if (t->next)
        t->next->prev = t->prev;
    else
        s->newest = t->prev;
    s->dead--;
}

static void leave_idle(clg__slots *s, clg__slab *slab)
{
    if (slab->earlier)
        slab->earlier->later = slab->later;
    else
        s->idle = slab->later;
    if (slab->later)
        slab->later->earlier = slab->earlier;
    else
        s->last_idle = slab->earlier;
    slab->idle = false;
}

static void become_idle(clg__slots *s, clg__slab *slab)
{
    slab->idle = true;
    slab->earlier = s->last_idle;
    slab->later = NULL;
    if (s->last_idle)
        s->last_idle->later = slab;
    else
        s->idle = slab;
    s->last_idle = slab;
}

static bool add_slab(clg__slots *s)
{
    clg__slab *slab = block_new(ROUND(sizeof *slab) + SLAB * s->bytes);
    if (!slab)
        return false;
    *slab = (clg__slab) { .next = s->slabs };
    if (s->slabs) {
        s->slabs->prev = slab;
        if (s->slabs->live == 0)
            become_idle(s, s->slabs);
    }
    s->slabs = slab;
    s->unused = SLAB;
    return true;
}

// After a graph that was much larger than what waits usually.
static void free_slab(clg__slots *s, clg__slab *slab)
{
    for (int i = 0; i < slab->used; i++)
        leave_dead(s, slot_at(s, slab, i));
    leave_idle(s, slab);
    slab->prev->next = slab->next; // the newest is never idle, see below
    if (slab->next)
        slab->next->prev = slab->prev;
    block_free((block *) slab - 1);
}

void *clg__slot_new(clg__slots *s)
{
    clg__slot *t;
    if (s->dead <= s->wait && s->unused == 0)
        add_slab(s);
    if (s->dead > s->wait || (s->unused == 0 && s->dead > 0)) {
        t = s->oldest;
        leave_dead(s, t);
        if (t->slab->idle)
            leave_idle(s, t->slab);
    } else if (s->unused > 0) {
        t = slot_at(s, s->slabs, s->slabs->used++);
        t->slab = s->slabs;
        s->unused--;
    } else {
        return NULL;
    }
    if (s->oldest) { // memory that was not touched for long: ask for it ahead of its use
        for (size_t at = 0; at < s->bytes && at < 512; at += 64)
            __builtin_prefetch((char *) s->oldest + at, 1);
    }
    t->alive = true;
    t->slab->live++;
    s->live++;
    return object(t);
}

void clg__slot_end(clg__slots *s, void *o)
{
    clg__slot *t = slot_of(o);
    clg__slab *slab = t->slab;
    t->alive = false;
    t->next = NULL;
    t->prev = s->newest;
    if (s->newest)
        s->newest->next = t;
    else
        s->oldest = t;
    s->newest = t;
    s->dead++;
    s->live--;
    if (--slab->live == 0 && slab != s->slabs)
        become_idle(s, slab);
    if (s->dead > 2 * s->wait && s->idle)
        free_slab(s, s->idle);
}

bool clg__slot_alive(const void *o)
{
    return slot_of(o)->alive;
}

void clg__slots_park(clg__slots *s)
{
    for (clg__slab *slab = s->slabs, *next; slab; slab = next) {
        next = slab->next;
        for (int i = 0; i < slab->used; i++)
            slot_at(s, slab, i)->alive = false;
        clg__block_park(slab);
    }
    *s = (clg__slots) { .bytes = s->bytes, .wait = s->wait };
}
