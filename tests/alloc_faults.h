// SPDX-License-Identifier: MIT
// Host allocations that fail on demand, and how many blocks are alive, of all that is linked into the program.
#ifndef CLG_TESTS_ALLOC_FAULTS_H
#define CLG_TESTS_ALLOC_FAULTS_H

#include <stddef.h>

extern long countdown, blocks; // the countdown-th allocation from here fails, 0: none does; blocks alive
extern int fired, sticky;      // how many failed; 1: all after the first one do

// Without what waits so that dead handles are known, which is no leak.
long held_blocks(void);
// For jansson, which asserts where memory ends: its blocks are counted, never refused.
void *counted_malloc(size_t n);
void __wrap_free(void *p);
#endif
