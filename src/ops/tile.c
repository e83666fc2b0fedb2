// SPDX-License-Identifier: MIT
// Register tiles by the target. No bit depends on them: each number of a tile is one chain of additions.
#include "ops/tile.h"

int clg__vector_registers(const clg__caps *c, size_t size)
{
    const int n = CLG__VL * (int) size / (4 * c->lanes);
    return n > 1 ? n : 1;
}

// Beside the sums: a row of vectors, and one for the number, which only AVX-512 takes from memory.
static int rows_beside(const clg__caps *c, int each, int vectors)
{
    return (c->registers - (c->lanes < CLG__VL) - vectors * each) / (vectors * each);
}

clg__tile clg__tile_fit(const clg__caps *c, size_t size, clg__tile best)
{
    enum { FEW = 4 }; // rows, below which loads bound
    const int each = clg__vector_registers(c, size);
    clg__tile t = best;
    while (t.vectors > 1 && rows_beside(c, each, t.vectors) < (best.rows < FEW ? best.rows : FEW))
        t.vectors--;
    const int rows = rows_beside(c, each, t.vectors);
    t.rows = rows < 1 ? 1 : rows < best.rows ? rows : best.rows;
    return t;
}

int clg__vectors_fit(const clg__caps *c, size_t size, int beside)
{
    const int n = (c->registers - beside) / clg__vector_registers(c, size);
    return n > 1 ? n : 1;
}
