// SPDX-License-Identifier: MIT
// The scheduler's own picture of what must be computed: views folded into accesses, equal nodes
// merged. Lives while a plan is made, then is dropped.
#ifndef CLG_SCHED_WORK_H
#define CLG_SCHED_WORK_H

#include "codegen/codegen.h"
#include "graph/node.h"

// Output `out` of a value, read through an access; outside of its window stands `fill`.
typedef struct clg__use {
    int value, out;
    clg__access access;
    double fill;
} clg__use;

typedef struct clg__value {
    const clg__op *op;
    clg_dtype dtype;
    clg_shape shape;
    int64_t numel;
    const clg__node *node; // its params, outputs, label
    int n_src;
    clg__use *src;
    int node_index; // graph node that is bound at run time (leaf, scalar, random), else -1
    int64_t offset; // LEAF: first element in its buffer
    bool is_result;          // must be in a buffer of its own when the plan has run
    unsigned result_outputs; // which of its outputs that is, by bits
    bool must_store;         // must be in a buffer
    bool stored;             // is in a buffer
    int uses;
    bool simplified; // reads something else than it was recorded to
    bool dead;       // nothing reads it any more
    int group;   // that computes it, -1: inlined where used
    int n_insns; // what computing it inline takes
    uint64_t hash;
} clg__value;

// Bindings are numbers: CLG__BINDING and CLG__EPILOGUE_BASE of sched/planner.h must fit an int.
enum { CLG__MAX_VALUES = 1 << 27 };

// One evaluation: the nodes in order, and what was asked for.
typedef struct clg__work {
    clg_device dev;
    clg__err *err;
    clg__node **nodes; // dependencies first
    int n_nodes, cap_nodes;
    clg__node **outputs; // asked for, then pending assignments; NULL entries allowed
    int n_outputs;
    // Values of variables that a later assignment of the same evaluation overwrites: they stay in memory as
    // long as something reads them, and are no results.
    clg__node **overwritten;
    int n_overwritten;
    bool fuse;
    // made on a miss
    clg__use *at; // per node: what it is
    clg__value *values;
    int n_values, cap_values;
    clg__use *output_use;
    int *table, table_size; // of values by hash
    clg__use *src; // of the node that is lowered
    int cap_src;
    clg__key keys[2];   // of values that are compared
} clg__work;

bool clg__work_collect(clg__work *w);             // fills nodes
bool clg__work_key(const clg__work *w, clg__key *k); // canonical bytes of the whole evaluation
void clg__work_free(clg__work *w);

static inline bool clg__is_generated(const clg__value *v)
{
    const clg__op_kind k = v->op->kind;
    return k == CLG__SCALAR || k == CLG__CONST || k == CLG__IOTA || k == CLG__RANDOM;
}

static inline bool clg__is_pointwise(const clg__value *v)
{
    return v->op->kind == CLG__POINTWISE || v->op->kind == CLG__CAST;
}
#endif
