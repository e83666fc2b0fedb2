// SPDX-License-Identifier: MIT
// Memory of what users hold handles to: nodes, scopes, variables, devices. It stays readable after the
// end of what it held, so that a dead handle is told from a live one, and is used again as late as
// memory allows.
#ifndef CLG_GRAPH_SLOTS_H
#define CLG_GRAPH_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct clg__slot clg__slot;
typedef struct clg__slab clg__slab;

// Objects of one size. Belongs to one thread at a time, as the device it is part of.
typedef struct clg__slots {
    size_t bytes;               // of one slot, with its head
    int wait;                   // an end waits for so many later ones before its slot is used again
    int live, dead;
    int unused;                 // slots of the newest slab that were never used
    clg__slot *oldest, *newest; // the dead, in the order of their ends
    clg__slab *slabs;           // the newest first
    clg__slab *idle, *last_idle; // those without a live slot, in the order in which they became so
} clg__slots;

void clg__slots_init(clg__slots *s, size_t bytes, int wait);
void *clg__slot_new(clg__slots *s); // not cleared; NULL: out of memory
void clg__slot_end(clg__slots *s, void *object);
bool clg__slot_alive(const void *object);
void clg__slots_park(clg__slots *s); // all of them end; readable until much more was parked

// A block of its own that can be parked (a device).
void *clg__block_new(size_t bytes); // cleared; NULL: out of memory
void clg__block_park(void *block);

// All blocks and slabs of this process, in use, idle or parked: nothing of them is a leak.
long clg__blocks(void);
size_t clg__blocks_bytes(void);
#endif
