// SPDX-License-Identifier: MIT
// What a group computes, without the room that clg__group has to grow; and which bodies have one text.
#ifndef CLG_SCHED_BODY_H
#define CLG_SCHED_BODY_H

#include "base/caps.h"
#include "codegen/codegen.h"

typedef struct clg__body {
    clg_shape shape;
    bool reduced[CLG_MAX_RANK];
    int n_operands, n_insns, n_body, n_outputs, n_reductions;
    clg__operand *operands;
    clg__insn *insns;
    clg__output *outputs;
    clg__reduction *reductions;
} clg__body;

clg__body *clg__body_new(const clg__group *g); // one block: clg__free; NULL: out of memory
void clg__body_open(const clg__body *b, clg__group *g); // as codegen takes it

// Pointwise bodies of one text have one number. Bodies that differ in nothing but what they are bound to,
// as those of a loop's steps, are compared as bytes; only others have their text made.
typedef struct clg__texts clg__texts;
clg__texts *clg__texts_new(const clg__caps *caps);
void clg__texts_free(clg__texts *t);
// room: scratch. -1: there is nothing to launch. false: out of memory
bool clg__text_number(clg__texts *t, const clg__body *b, clg__group *room, int *number);
#endif
