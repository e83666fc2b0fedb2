// SPDX-License-Identifier: MIT
// Memory of temporaries. First in order of time, as an allocator would, which takes linear time. Where that is
// not near the bound and there are not too many, one after another at the lowest place that is free while it
// lives: largest first, longest first, and then orders in which what ended last comes earlier.
#include "sched/memory.h"

#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BY_ORDER = 2048 };      // spans
enum { MOST_STEPS = 1 << 20 };      // comparisons, a millisecond
enum { GOOD_PERCENT = 101 };        // of the bound: good enough

typedef struct problem {
    clg__span *span;
    int n, n_launches;
    size_t align, part;
} problem;

static size_t rounded(const problem *p, size_t bytes)
{
    return (bytes + p->align - 1) & ~(p->align - 1);
}

static size_t live_bytes(const problem *p, size_t *change)
{
    size_t now = 0, most = 0;
    memset(change, 0, ((size_t) p->n_launches + 1) * sizeof *change);
    for (int i = 0; i < p->n; i++) {
        change[p->span[i].from] += p->span[i].bytes; // differences wrap
        change[p->span[i].until + 1] -= p->span[i].bytes;
    }
    for (int l = 0; l < p->n_launches; l++) {
        now += change[l];
        most = now > most ? now : most;
    }
    return most;
}

// ---- in order of time: blocks in order of address, free ones in bins by size

enum { BINS = 4 * 64, LOOK = 32 };

typedef struct block {
    size_t offset, bytes;
    int before, after;     // neighbours in a part, -1
    int newer, older, bin; // free: in its bin; bin -1 when used
} block;

typedef struct heap {
    const problem *p;
    block *block;
    int n, spare; // spare: unused blocks, chained by `older`
    int first[BINS];
    size_t end; // of the parts so far
} heap;

// Four bins per doubling.
static int bin_of(size_t bytes)
{
    int high = 63 - __builtin_clzll((unsigned long long) bytes | 4);
    return 4 * high + (int) ((bytes >> (high - 2)) & 3);
}

static void unlist(heap *h, int k)
{
    block *b = &h->block[k];
    if (b->newer >= 0)
        h->block[b->newer].older = b->older;
    else
        h->first[b->bin] = b->older;
    if (b->older >= 0)
        h->block[b->older].newer = b->newer;
    b->bin = -1;
}

static void list(heap *h, int k)
{
    block *b = &h->block[k];
    b->bin = bin_of(b->bytes);
    b->newer = -1;
    b->older = h->first[b->bin];
    if (b->older >= 0)
        h->block[b->older].newer = k;
    h->first[b->bin] = k;
}

static int take_spare(heap *h)
{
    const int k = h->spare;
    if (k < 0)
        return h->n++;
    h->spare = h->block[k].older;
    return k;
}

static int new_part(heap *h)
{
    const int k = take_spare(h);
    h->block[k] = (block) { .offset = h->end, .bytes = h->p->part, .before = -1, .after = -1 };
    h->end += h->p->part;
    list(h, k);
    return k;
}

// The tightest of a few in its own bin, else the first of a larger one: all of those fit.
static int find(heap *h, size_t bytes)
{
    int best = -1, bin = bin_of(bytes), looks = 0;
    for (int k = h->first[bin]; k >= 0 && looks < LOOK; k = h->block[k].older, looks++) {
        if (h->block[k].bytes >= bytes && (best < 0 || h->block[k].bytes < h->block[best].bytes))
            best = k;
    }
    for (bin++; bin < BINS && best < 0; bin++)
        best = h->first[bin];
    return best >= 0 ? best : new_part(h);
}

static int allocate(heap *h, size_t bytes)
{
    const int k = find(h, bytes);
    unlist(h, k);
    if (h->block[k].bytes > bytes) {
        const int rest = take_spare(h), next = h->block[k].after;
        h->block[rest] = (block) { .offset = h->block[k].offset + bytes, .bytes = h->block[k].bytes - bytes,
                                   .before = k, .after = next };
        if (next >= 0)
            h->block[next].before = rest;
        h->block[k].bytes = bytes;
        h->block[k].after = rest;
        list(h, rest);
    }
    return k;
}

// Block b, which comes after a, becomes part of it.
static void join(heap *h, int a, int b)
{
    h->block[a].bytes += h->block[b].bytes;
    h->block[a].after = h->block[b].after;
    if (h->block[b].after >= 0)
        h->block[h->block[b].after].before = a;
    h->block[b].older = h->spare;
    h->spare = b;
}

static void give_back(heap *h, int k)
{
    const int before = h->block[k].before, after = h->block[k].after;
    if (after >= 0 && h->block[after].bin >= 0) {
        unlist(h, after);
        join(h, k, after);
    }
    if (before >= 0 && h->block[before].bin >= 0) {
        unlist(h, before);
        join(h, before, k);
        k = before;
    }
    list(h, k);
}

// ends: per launch the first span that ends there, chained by `next`.
static size_t by_time(const problem *p, heap *h, int *ends, int *next, int *of)
{
    size_t total = 0;
    int at = 0;
    *h = (heap) { .p = p, .block = h->block, .spare = -1 };
    for (int i = 0; i < BINS; i++)
        h->first[i] = -1;
    for (int l = 0; l <= p->n_launches; l++)
        ends[l] = -1;
    for (int i = 0; i < p->n; i++) {
        next[i] = ends[p->span[i].until];
        ends[p->span[i].until] = i;
    }
    for (int l = 0; l < p->n_launches; l++) {
        for (; at < p->n && p->span[at].from == l; at++) {
            of[at] = allocate(h, rounded(p, p->span[at].bytes + (p->span[at].bytes == 0)));
            p->span[at].offset = h->block[of[at]].offset;
            if (p->span[at].offset + p->span[at].bytes > total)
                total = p->span[at].offset + p->span[at].bytes;
        }
        for (int i = ends[l]; i >= 0; i = next[i])
            give_back(h, of[i]);
    }
    return total;
}

// ---- in order of size

typedef struct placed {
    size_t offset, end;
    int from, until, span;
} placed;

// Largest first, of equal ones the longest.
static int larger(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    const int dx = x->until - x->from, dy = y->until - y->from;
    if (x->end != y->end)
        return x->end < y->end ? 1 : -1;
    return dx != dy ? (dx < dy ? 1 : -1) : x->span - y->span;
}

// Longest first, of equal ones the largest.
static int longer(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    const int dx = x->until - x->from, dy = y->until - y->from;
    if (dx != dy)
        return dx < dy ? 1 : -1;
    return x->end != y->end ? (x->end < y->end ? 1 : -1) : x->span - y->span;
}

// The lowest place that nothing takes while s lives.
static size_t lowest(const problem *p, const placed *done, int n, const placed *s, size_t bytes)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        const placed *d = &done[i];
        if (d->until < s->from || s->until < d->from || d->end <= at)
            continue;
        if (d->offset >= at + bytes)
            break;
        at = d->end;
        if (at % p->part + bytes > p->part)
            at += p->part - at % p->part;
    }
    return at;
}

// Places spans in this order; top: the position in it of what ends last.
static size_t in_order(const problem *p, const placed *order, placed *done, int *top)
{
    size_t total = 0;
    for (int i = 0; i < p->n; i++) {
        placed s = order[i];
        s.offset = lowest(p, done, i, &s, s.end);
        s.end += s.offset;
        int at = i;
        for (; at > 0 && done[at - 1].offset > s.offset; at--)
            done[at] = done[at - 1];
        done[at] = s;
        const size_t end = s.offset + p->span[s.span].bytes;
        if (end > total) {
            total = end;
            *top = i;
        }
    }
    return total;
}

// Both orders; then whatever ends last comes earlier, again and again, as long as it takes few steps.
static size_t by_order(const problem *p, size_t best, size_t good, placed *order, placed *done)
{
    int64_t steps = 0;
    for (int i = 0; i < p->n; i++)
        order[i] = (placed) { 0, rounded(p, p->span[i].bytes + (p->span[i].bytes == 0)), p->span[i].from,
                              p->span[i].until, i };
    for (int way = 0; way < 2; way++) {
        int top = 0;
        qsort(order, (size_t) p->n, sizeof *order, way ? longer : larger);
        for (int k = 0; best > good && (k == 0 || steps < MOST_STEPS); k++) {
            const size_t total = in_order(p, order, done, &top);
            steps += (int64_t) p->n * p->n / 4 + p->n;
            for (int i = 0; i < p->n && total < best; i++)
                p->span[done[i].span].offset = done[i].offset;
            best = total < best ? total : best;
            if (top == 0)
                break;
            const placed first = order[top];
            const int to = k % 2 ? top / 2 : 0;
            memmove(&order[to + 1], &order[to], (size_t) (top - to) * sizeof *order);
            order[to] = first;
        }
        steps = MOST_STEPS / 2 < steps ? steps : MOST_STEPS / 2; // half for each
    }
    return best;
}

size_t clg__memory_part(size_t part, size_t align)
{
    part = part ? part & ~(align - 1) : SIZE_MAX / 4 + 1;
    return part ? part : align;
}

bool clg__memory_place(clg__span *s, int n, int n_launches, size_t align, size_t part, size_t *total,
                       size_t *live)
{
    const problem p = { s, n, n_launches, align, clg__memory_part(part, align) };
    const size_t items = (size_t) n + 1, launches = (size_t) n_launches + 2;
    size_t *change = clg__malloc(launches * sizeof *change);
    int *ends = clg__malloc(launches * sizeof *ends), *next = clg__malloc(items * sizeof *next);
    int *of = clg__malloc(items * sizeof *of);
    heap *h = clg__calloc(1, sizeof *h);
    placed *order = clg__malloc(items * sizeof *order), *done = clg__malloc(items * sizeof *done);
    block *blocks = clg__malloc(3 * items * sizeof *blocks);
    const bool ok = change && ends && next && of && h && order && done && blocks;
    if (ok) {
        *live = live_bytes(&p, change);
        h->block = blocks;
        *total = by_time(&p, h, ends, next, of);
        if (n <= MOST_BY_ORDER)
            *total = by_order(&p, *total, *live / 100 * GOOD_PERCENT, order, done);
    }
    clg__free(change);
    clg__free(ends);
    clg__free(next);
    clg__free(of);
    clg__free(h);
    clg__free(order);
    clg__free(done);
    clg__free(blocks);
    return ok;
}
