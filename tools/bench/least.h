// SPDX-License-Identifier: MIT
// What a call needs at least beside its bytes: arithmetic, loads from places that nothing foretells, chains. Each
// count is that of the best method that is known for the whole result, so that no share of a roof is made to look good.
#ifndef CLG_BENCH_LEAST_H
#define CLG_BENCH_LEAST_H

#include "../cases.h"
#include "roof.h"

// in: the call's inputs, y: its result; gradient: what is computed is the gradient for in[0].
typedef struct least_call {
    const op_case *c;
    clg_tensor in[CASE_INPUTS], y;
    bool gradient;
} least_call;

// Adds to all of `to` but bytes. What it does not know needs nothing.
void least_of_call(const least_call *q, least *to);
// Bytes of in[0] that a call reads which takes a part of it: as the result is long, and where indices choose, the
// lines of 64 bytes that they touch.
double least_taken(const least_call *q);
#endif
