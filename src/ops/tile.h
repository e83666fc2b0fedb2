// SPDX-License-Identifier: MIT
// How many of a kernel text's vectors fit the registers of a CPU.
#ifndef CLG_OPS_TILE_H
#define CLG_OPS_TILE_H

#include "base/caps.h"

// Sums that a loop over products keeps in registers: `rows` numbers, each times `vectors` vectors of 16.
typedef struct clg__tile {
    int rows, vectors;
} clg__tile;

// Registers that a text's vector of 16 elements of `size` bytes takes.
int clg__vector_registers(const clg__caps *c, size_t size);
// `best`, which is for 32 registers of 64 bytes, or what of it fits fewer or smaller ones.
clg__tile clg__tile_fit(const clg__caps *c, size_t size, clg__tile best);
// How many vectors stay in registers where `beside` registers are for something else.
int clg__vectors_fit(const clg__caps *c, size_t size, int beside);
#endif
