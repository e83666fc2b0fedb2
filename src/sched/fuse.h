// SPDX-License-Identifier: MIT
// Groups: which values one kernel computes together.
#ifndef CLG_SCHED_FUSE_H
#define CLG_SCHED_FUSE_H

#include "sched/ir.h"

typedef enum clg__grp_kind { CLG__GRP_POINTWISE, CLG__GRP_REDUCE, CLG__GRP_KERNEL } clg__grp_kind;

typedef struct clg__grp {
    clg__grp_kind kind;
    int roots[CLG__GROUP_OUTPUTS], n_roots;       // pointwise values (epilogues of the others)
    int reds[CLG__GROUP_REDUCTIONS], n_reds;      // REDUCE
    int kernel;                                   // KERNEL
    const clg__variant *variant;                  // KERNEL
    int merged_into; // -1 while alive
    int level;       // longest way from the inputs
    int launch;      // number of the launch it is part of
    bool twin;       // another group has the same text
    clg__group *text; // what codegen gets; NULL for a kernel without an epilogue
} clg__grp;

typedef struct clg__fusion {
    clg__work *w;
    clg__grp *g;
    int n, capacity;
    bool failed; // out of memory
    bool dirty;  // levels are older than the last merge
    // launches in order: groups of one launch follow each other in `order`
    int *order, *launch_start, n_launches;
} clg__fusion;

// A value's number in bindings; epilogue operands are told from a kernel's own inputs by the offset.
#define CLG__VALUE(ir, out) ((ir) * CLG__MAX_OUTPUTS + (out))
enum { CLG__EPILOGUE_BASE = 1 << 30 };

// Why emission stopped: culprit must be stored, or -1 (limits or an access that cannot be).
typedef struct clg__emit_result {
    bool ok;
    int culprit;
} clg__emit_result;
clg__emit_result clg__emit(clg__fusion *f, int group, clg__group *out);

bool clg__fuse(clg__fusion *f);
void clg__fusion_free(clg__fusion *f);
// What group k reads: load i of clg__group_n_loads is a value, or -1 where it is none in a buffer.
int clg__group_n_loads(const clg__fusion *f, int k);
int clg__group_load(const clg__fusion *f, int k, int i);
const clg__variant *clg__choose_variant(const clg__work *w, const clg__ir *v, bool log);
void clg__kernel_call_of(const clg__work *w, const clg__ir *v, clg__kernel_call *c, void **memory);
void clg__kernel_call_free(void *memory);
#endif
