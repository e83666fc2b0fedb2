// SPDX-License-Identifier: MIT
// The scheduler's own picture of what must be computed: views folded into accesses, equal nodes
// merged. Lives while a plan is made, then is dropped.
#ifndef CLG_SCHED_IR_H
#define CLG_SCHED_IR_H

#include "codegen/codegen.h"
#include "graph/node.h"

// An access: output `out` of value `ir`, read as geom says.
typedef struct clg__ref {
    int ir, out;
    clg__geom geom;
    double fill;
} clg__ref;

typedef struct clg__ir {
    const clg__op *op;
    clg_dtype dtype;
    clg_shape shape;
    int64_t numel;
    const clg__node *node; // its params, outputs, label
    int n_src;
    clg__ref *src;
    int order;   // graph node that is bound at run time (leaf, slot, random), else -1
    int64_t offset; // LEAF: first element in its buffer
    bool wanted; // must be in a buffer of its own when the plan has run
    unsigned asked; // which of its outputs that is, by bits
    bool need;   // must be in a buffer
    bool stored; // is in a buffer
    int uses;
    int group;   // that computes it, -1: inlined where used
    int n_insns; // what computing it inline takes
    uint64_t hash;
} clg__ir;

// Bindings are numbers: CLG__VALUE and CLG__EPILOGUE_BASE of sched/planner.h must fit an int.
enum { CLG__MAX_VALUES = 1 << 27 };

// One evaluation: the nodes in order, and what was asked for.
typedef struct clg__work {
    clg_device dev;
    clg__err *err;
    clg__node **order; // dependencies first
    int n_order, cap_order;
    clg__node **roots; // asked for, then pending assignments; NULL entries allowed
    int n_roots;
    // Values of variables that a later assignment of the same evaluation overwrites: they stay in memory as
    // long as something reads them, and are no results.
    clg__node **passed;
    int n_passed;
    bool fuse;
    // made on a miss
    clg__ref *at;      // per ordered node: what it is
    clg__ir *ir;
    int n_ir, cap_ir;
    clg__ref *root_ref; // per root
    int *table, table_size; // of values by hash
    clg__ref *src;      // of the node that is lowered
    int cap_src;
    clg__key keys[2];   // of values that are compared
} clg__work;

bool clg__work_collect(clg__work *w);             // fills order
bool clg__work_key(const clg__work *w, clg__key *k); // canonical bytes of the whole evaluation
void clg__work_free(clg__work *w);

static inline bool clg__is_virtual(const clg__ir *v)
{
    const clg__op_kind k = v->op->kind;
    return k == CLG__SCALAR_SLOT || k == CLG__CONST || k == CLG__IOTA || k == CLG__RANDOM;
}

static inline bool clg__is_pointwise(const clg__ir *v)
{
    return v->op->kind == CLG__POINTWISE || v->op->kind == CLG__CAST;
}
#endif
