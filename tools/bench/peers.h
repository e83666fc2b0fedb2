// SPDX-License-Identifier: MIT
// Libraries that `clgrad bench --compare` measures beside clgrad: a file each, peer_*.c, in a module of their own
// (-Dpeers=auto) that only --compare loads. Nothing else of clgrad knows them.
#ifndef CLG_BENCH_PEERS_H
#define CLG_BENCH_PEERS_H

#include "shapes.h"

// What a peer is asked to do. Arrays are as clgrad's inputs lie: for products a and b; for convolutions x and w,
// where the one that is computed is replaced by the cotangent.
typedef struct peer_problem {
    const shape_case *s;
    double bytes; // that the case moves; 0: it is bound by arithmetic
    const void *a, *b;
    int threads;
    const char *device, *type; // of clgrad's device: name, and "cpu" or "gpu"
} peer_problem;

typedef struct peer {
    const char *name;
    void (*version)(char *to, size_t size);
    void *(*begin)(const peer_problem *p); // NULL: it has nothing for this. Chooses its best form by trying
    int (*run)(void *state, int times);    // done when it returns; below 0: it failed
    bool (*result)(void *state, void *to); // the result as it lies plainly; NULL: it has none to show
    void (*end)(void *state);
    const char *only; // the type of device that it is fair to be compared on, NULL: any
} peer;

// The module's one symbol; ends with NULL.
const peer *const *bench_peers(void);
typedef const peer *const *(*bench_peers_function)(void);
#endif
