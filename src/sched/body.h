// SPDX-License-Identifier: MIT
// What a group computes, without the room that clg__body has to grow; and which bodies have one text.
#ifndef CLG_SCHED_BODY_H
#define CLG_SCHED_BODY_H

#include "base/caps.h"
#include "codegen/codegen.h"

typedef struct clg__compact_body {
    clg_shape shape;
    bool reduced[CLG_MAX_RANK];
    int n_operands, n_insns, n_per_element, n_outputs, n_reductions;
    clg__operand *operands;
    clg__insn *insns;
    clg__output *outputs;
    clg__reduction *reductions;
} clg__compact_body;

clg__compact_body *clg__body_compact(const clg__body *body); // one block: clg__free; NULL: out of memory
void clg__body_expand(const clg__compact_body *b, clg__body *body); // as codegen takes it

// Pointwise bodies of one text have one number. Bodies that differ in nothing but what they are bound to,
// as those of a loop's steps, are compared as bytes; only others have their text made.
typedef struct clg__texts clg__texts;
clg__texts *clg__texts_new(const clg__caps *caps);
void clg__texts_free(clg__texts *t);
// room: scratch. -1: there is nothing to launch. false: out of memory
bool clg__text_number(clg__texts *t, const clg__compact_body *b, clg__body *room, int *number);
#endif
