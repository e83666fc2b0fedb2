// SPDX-License-Identifier: MIT
// Plans by structure: found again by comparing the whole key, least recently used goes first.
#ifndef CLG_SCHED_CACHE_H
#define CLG_SCHED_CACHE_H

#include "sched/choices.h"
#include "sched/plan.h"
#include "sched/watch.h"

enum { CLG__CACHE_BUCKETS = 256, CLG__CACHE_PLANS = 128 };

typedef struct clg__sched {
    clg__gpu *gpu;
    clg__plan *bucket[CLG__CACHE_BUCKETS];
    clg__plan *newest, *oldest;
    int n;
    clg__key key; // kept between evaluations for its memory
    uint64_t hits, misses;
    int misses_in_a_row; // negative: it was said already
    bool fuse;
    clg__choices choices; // of CLGRAD_VARIANT
    clg__examples *examples; // bodies that have kernels
    clg__watch watch;
} clg__sched;

clg__plan *clg__cache_find(clg__sched *s, const clg__key *k, uint64_t hash, const clg__work *w);
// Takes the plan over.
void clg__cache_add(clg__sched *s, clg__plan *p);
void clg__cache_remove(clg__sched *s, clg__plan *p);
void clg__cache_clear(clg__sched *s);
#endif
