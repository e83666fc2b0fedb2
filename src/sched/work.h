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
    int position;   // LEAF: its number, 0: none
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

// A number that may differ from run to run, of a node (its index in the evaluation): where a leaf starts in its buffer,
// or a view in what it shows (axis -1); where a view's window starts along an axis. See positions.c.
typedef struct clg__position {
    int node, axis;
    int64_t of;  // which tensor's: views of one have one number where they start together
    bool pinned; // its value is a guard
    int64_t modulus; // or the remainder by it; 0: not that
    int64_t now;
} clg__position;

// What must hold of it for the plan to serve: that it has a value, that of another node (other >= 0), or a remainder
// (modulus > 0).
typedef struct clg__guard {
    int node, axis, other;
    int64_t value, modulus;
} clg__guard;

typedef struct clg__positions {
    clg__position *all; // from 1 on
    int n, cap;
    clg__guard *guards;
    int n_guards, cap_guards;
    int *table, table_size; // of positions, by what they are
} clg__positions;

enum { CLG__MOST_STRUCK = 16 };

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
    bool own_variants; // no other variant of a kernel op stands in because it is built
    // made on a miss
    clg__use *at; // per node: what it is
    clg__value *values;
    int n_values, cap_values;
    clg__use *output_use;
    int *table, table_size; // of values by hash
    clg__use *src; // of the node that is lowered
    int cap_src;
    clg__key keys[2];   // of values that are compared
    clg__positions positions;
    // strike.c
    const clg__variant *unfit; // the device could not build or launch it, which is w->err
    const clg__variant *struck[CLG__MOST_STRUCK];
    int n_struck;
} clg__work;

bool clg__work_collect(clg__work *w);             // fills nodes
bool clg__work_key(const clg__work *w, clg__key *k); // canonical bytes of the whole evaluation
// Where the evaluation begins to differ from one that has this key and these guards, for people.
void clg__work_difference(const clg__work *w, const clg__str *key, const clg__positions *p, clg__str *out);
void clg__work_free(clg__work *w);

// ---- strike.c
bool clg__strike(clg__work *w); // what is unfit; false: that is no help
void clg__strikes_undo(clg__work *w);

// ---- positions.c. false: w->err
bool clg__position_of_leaf(clg__work *w, int node, int *out);
bool clg__position_access(clg__work *w, int node, int64_t of, clg__access *out); // of a view, with its positions
bool clg__position_pin(clg__work *w, int position); // its value decides something
// clg__access_compose. false: not affine, or w->err
bool clg__compose(clg__work *w, const clg__access *outer, const clg_shape *os, const clg__access *inner,
                  const clg_shape *ms, clg__access *out);
void clg__positions_free(clg__positions *p);
int clg__guard_failed(const clg__positions *p, clg__node *const *nodes); // the first; -1: all hold
bool clg__positions_update(clg__positions *p, clg__node *const *nodes); // values of this run; true: others than before
static inline bool clg__same_positions(const clg__access *a, const clg__access *b, int rank)
{
    bool same = a->at == b->at;
    for (int d = 0; d < rank && a->windowed; d++)
        same &= a->begins[d] == b->begins[d];
    return same;
}

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
