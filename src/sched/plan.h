// SPDX-License-Identifier: MIT
// A plan: kernels with their arguments, and where everything lies. Made once per structure, replayed.
#ifndef CLG_SCHED_PLAN_H
#define CLG_SCHED_PLAN_H

#include "device/gpu.h"
#include "sched/work.h"

typedef struct clg__examples clg__examples; // of stand_in.c

typedef enum clg__place_kind { CLG__PLACE_LEAF, CLG__PLACE_RESULT, CLG__PLACE_TEMP } clg__place_kind;

// Memory of a value during one run.
typedef struct clg__place {
    clg__place_kind kind;
    int node_index; // LEAF
    size_t bytes; // RESULT, TEMP
    int from, until; // TEMP: launches during which it is alive
    int view;     // TEMP: of the plan's scratch
} clg__place;

typedef enum clg__bound_kind { CLG__BOUND_PLACE, CLG__BOUND_SCALAR, CLG__BOUND_SEED } clg__bound_kind;

// Numbers in which positions are: what else is in it, and the positions times something.
typedef struct clg__moving {
    int step, arg;   // argument of a step, a long
    int table, geo;  // step < 0: number of a geometry table
    int first, n;    // terms
    int64_t rest, set; // what it is now
} clg__moving;

#define CLG__UNBOUND UINT64_MAX // a generation that no views have
enum { CLG__KEPT_TEMPS = CLG__MAX_TEMPS };

// What launches of the plan make of one variable's value alone, such as weights in the order in which a convolution
// reads them: kept from run to run while the variable is the same. See kept.c.
typedef struct clg__kept {
    int leaf;            // place of the variable's value
    int position[2];     // where in its buffer it starts, 0: always there
    int temp[CLG__KEPT_TEMPS], n_temps; // places that are prepared
    clg__buf *buf[CLG__KEPT_TEMPS];     // NULL: they are in the arena, as all temporaries
    uint64_t content;    // of the last run
    int64_t start[2];
    int same;            // runs in a row in which that was the same
    bool valid;          // buf holds it
} clg__kept;

// An argument that is not set once for all.
typedef struct clg__bound {
    clg__bound_kind kind;
    int arg, index; // place, or graph node
    clg_dtype dtype;
} clg__bound;

typedef struct clg__step {
    clg__kernel *kernel;
    int dims;
    size_t grid[3], group[3];
    clg__bound *bound; // in every run
    int n_bound, cap_bound;
    clg__bound *fixed; // TEMP places: when the views are new
    int n_fixed, cap_fixed;
    int *writes; // RESULT places
    int n_writes, cap_writes;
    const clg__variant *variant; // of a kernel op, or NULL
    int kept;  // 1 + what it prepares, or 0
    clg__blas blas; // in place of a kernel where blas.used
    int blas_place[3];
    int profile_row; // of a product by CLBlast
} clg__step;

typedef struct clg__plan clg__plan;
struct clg__plan {
    clg__str key;
    uint64_t hash;
    clg__gpu *gpu;
    clg__step *steps;
    int n_steps, cap_steps;
    clg__place *places;
    int n_places, cap_places;
    clg__buf **geo;
    int n_geo, cap_geo;
    clg__positions positions; // as they were set last
    bool positions_unset;     // that failed
    clg__moving *moving;      // those of one table follow each other
    int n_moving, cap_moving;
    clg__term *terms;
    int n_terms, cap_terms;
    int *output_place;      // per output; -1: nothing to do
    int64_t *output_offset; // without its positions
    int (*output_position)[2];
    int n_outputs;
    clg__buf **bufs;        // of one run, per place; views of TEMPs for ever
    clg__scratch *scratch;  // NULL: no temporaries
    uint64_t bound_generation; // of the views that are arguments
    clg__kept *kept;
    int n_kept, cap_kept;
    clg__buf **written;     // of one launch, room for the most
    int most_writes;
    uint64_t bytes, flops;  // that a run moves, and computes
    uint64_t results, peak, live; // bytes: of results; with the arena; with the most alive at once, the bound
    int n_kernels;          // distinct ones
    bool stands_in;         // a variant that was built does the work of one that is faster
    int runs;               // counted then
    clg__plan *chain;       // of the cache's table
    clg__plan *newer, *older;
};

// ahead: what a driver compiles at first launches is compiled too. NULL: w->err
clg__plan *clg__plan_make(clg__work *w, clg__gpu *gpu, const clg__ahead *ahead);
// What a plan would take, without building anything. false: w->err
bool clg__plan_estimate(clg__work *w, clg_plan_info *info);
void clg__plan_free(clg__plan *p);
// ---- kept.c, around a run of the plan whose buffers are known
// The plan's last step makes a temporary of k.leaf alone, which the steps before may have begun. false: out of host memory
bool clg__kept_add(clg__plan *p, clg__kept k, int temp);
void clg__kept_begin(clg__plan *p, const clg__work *w);
void clg__kept_end(clg__plan *p, bool ok);
void clg__kept_free(clg__plan *p);
// Bind, enqueue, flush. Outputs of the work get their buffers. On failure nothing has changed.
clg_status clg__plan_run(clg__plan *p, clg__work *w);
#endif
