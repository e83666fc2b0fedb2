// SPDX-License-Identifier: MIT
// A plan in the making: values, groups of values that one kernel computes, launches of groups, and what the
// passes find out about them.
#ifndef CLG_SCHED_PLANNER_H
#define CLG_SCHED_PLANNER_H

#include "sched/body.h"
#include "sched/cost.h"
#include "sched/memory.h"
#include "sched/plan.h"

typedef enum clg__group_kind { CLG__GROUP_POINTWISE, CLG__GROUP_REDUCE, CLG__GROUP_KERNEL } clg__group_kind;

typedef struct clg__group {
    clg__group_kind kind;
    int results[CLG__BODY_OUTPUTS], n_results; // pointwise values (epilogues of the others)
    int reductions[CLG__BODY_REDUCTIONS], n_reductions; // REDUCE
    int kernel;      // KERNEL
    const clg__variant *variant; // KERNEL
    clg__access *place; // KERNEL: of its results, over the body's shape; NULL: in the kernel's own order
    int merged_into; // -1 while alive; itself: it never was
    int level;       // longest way from the inputs, before any merge; when launches are made, then
    int64_t rank;    // above those of all groups that it reads; kept so by merges
    int launch;      // number of the launch it is part of
    bool same_body;  // another group has the same text
    bool text_stays; // and one of them cannot go into a kernel op
    clg__compact_body *body; // what codegen gets; NULL for a kernel without an epilogue
    int *loads, n_loads; // values that it reads
    int refusals;    // of siblings that were to be merged
    // of walks
    uint32_t seen;
    int next;
} clg__group;

typedef struct clg__planner {
    clg__work *w;
    clg__cost cost;
    clg__group *groups;
    int n_groups, cap_groups;
    bool failed;    // out of memory
    clg__str *passes; // where the plan goes as text after each pass, or NULL
    void *emitter;  // of emit.c
    clg__body *emitted; // by the latest clg__emit
    clg__texts *texts;
    // made when all groups have a body: per value the groups that read it, which may have been merged since
    int *user_start, *user;
    int *stack;     // of walks, each group once
    uint32_t stamp;
    // launches in order: groups of one launch follow each other in `order`
    int *order, *launch_start, n_launches;
    // of the kernels that were described
    clg__plan *plan;
    clg__kplan *kp;   // per launch
    clg__kplan *spare; // per launch: the text of a smaller batch, or nothing
    int *place_of;    // per value, -1
    int *last_use;    // per value: launch
    int *scratch_of;  // per launch: place of its first scratch
    clg__span *spans; // of temporaries
    clg__place_in *views;
    int n_views;
    clg__source *sources;
    int n_sources, cap_sources;
    const clg__ahead *ahead; // NULL: the plan is run at once
} clg__planner;

// Output `out` of a value, as bodies are bound to it. What an epilogue reads and stores is told from a kernel's own
// inputs and outputs by the offset.
#define CLG__BINDING(value, out) ((value) * CLG__MAX_OUTPUTS + (out))
enum { CLG__EPILOGUE_BASE = 1 << 30 };

// Where emission stopped: this value must be stored first, or -1 (limits, or an access that cannot be).
typedef struct clg__emit_result {
    bool ok;
    int to_store;
} clg__emit_result;
clg__emit_result clg__emit(clg__planner *f, int group, clg__body *out);
void *clg__emitter_new(void);
// Until it works, storing what does not fit.
bool clg__emit_storing(clg__planner *f, int group, clg__body *out);

// ---- groups.c: the graph of groups
int clg__group_new(clg__planner *f, clg__group_kind kind); // -1: f->failed
void clg__group_drop(clg__planner *f, int k); // a new one that has neither body nor loads: it never was
bool clg__group_store(clg__planner *f, int value);        // a group of its own
bool clg__group_set_body(clg__planner *f, int k, const clg__body *body);
bool clg__group_set_loads(clg__planner *f, int k);
bool clg__groups_link(clg__planner *f);  // users, levels, ranks
bool clg__groups_levels(clg__planner *f); // of those alive
int clg__group_find(clg__planner *f, int k); // what k was merged into
// The group that makes what k loads i-th; -1: there is none.
int clg__group_dep(const clg__planner *f, int k, int i);
// Would one group of a and b need itself? Also where that is too much to find out.
bool clg__groups_cycle(clg__planner *f, int a, int b);
// b is part of a, which was NOT the case for the ranks: mends them.
void clg__groups_merged(clg__planner *f, int a, int b);
int64_t clg__group_numel(const clg__planner *f, int k); // of its results

// A value that a group makes.
static inline int clg__group_first(const clg__group *g)
{
    return g->kind == CLG__GROUP_KERNEL ? g->kernel : g->kind == CLG__GROUP_REDUCE ? g->reductions[0] : g->results[0];
}

static inline bool clg__group_alive(const clg__planner *f, int k)
{
    return f->groups[k].merged_into < 0;
}

// ---- merge.c, epilogue.c
// Compute group b inside group a, where that can be.
bool clg__groups_try_merge(clg__planner *f, int a, int b);
// Do what pointwise group b does at the end of kernel group a, where that can be.
bool clg__epilogue_merge(clg__planner *f, int a, int b);
// The level of the kernel group at whose end k could be; -1: there is none. from: the same of groups before k.
int clg__epilogue_level(clg__planner *f, int k, const int *from);
// [batch.., R, C], the output of a kernel op seen so.
clg_shape clg__epilogue_shape(const clg__value *kernel);
// Does the kernel group do nothing at its end but to store its value, maybe with other steps (to `access`, over the
// value's shape), which its op can?
bool clg__epilogue_is_store(const clg__planner *f, int group, clg__access *access);

// ---- bind.c
// The value that an argument means, in a generated kernel or in a kernel op's: as bodies are bound to it.
int clg__arg_value(const clg__planner *f, int group, const clg__arg *a);
int64_t clg__input_offset(const clg__planner *f, int group, int input); // of the first element, in its buffer
// trial.c: a launch without its data. false: out of memory
bool clg__trial_of(const clg__planner *f, int launch, const clg__launch *k, clg__trial *t);

// ---- traffic.c
void clg__traffic_of_launch(const clg__planner *f, int launch, clg__kplan *kp); // kp->bytes and least
uint64_t clg__traffic_least(const clg__work *w); // of simplified values; 0 where there is no memory for it

// ---- log.c
void clg__launch_ops(const clg__planner *f, int launch, clg__str *out);   // what it computes: "conv2d + add relu"
void clg__launch_shape(const clg__planner *f, int launch, clg__str *out); // over what, or of what result
const char *clg__launch_variant(const clg__planner *f, int launch);

// ---- profile.c: the row of the profile for kernel i of a launch
int clg__profile_row(const clg__planner *f, int launch, int i, const clg__step *s);

// ---- the passes, in order. false: w->err
typedef struct clg__pass {
    const char *name;
    bool (*run)(clg__planner *f);
} clg__pass;
typedef enum clg__pass_name {
    CLG__PASS_LOWER,     // lower.c: nodes to values
    CLG__PASS_SIMPLIFY,  // simplify.c: what changes no bit is not computed
    CLG__PASS_DECIDE,    // decide.c: which values are stored; a group for each
    CLG__PASS_MERGE,     // merge.c: groups that one kernel makes
    CLG__PASS_REGISTERS, // merge.c: results that nobody else reads stay in registers
    CLG__PASS_LAUNCHES,  // launches.c: order, and groups of one text
    CLG__PASS_DESCRIBE,  // describe.c: text and arguments of kernels
    CLG__PASS_MEMORY,    // places.c: where everything lies
    CLG__PASS_BUILD,     // build.c: kernels of the device, from here on
    CLG__PASS_BIND       // bind.c: steps of the plan, with their arguments
} clg__pass_name;
bool clg__pass_lower(clg__planner *f);
bool clg__pass_simplify(clg__planner *f);
bool clg__pass_decide(clg__planner *f);
bool clg__pass_merge(clg__planner *f);
bool clg__pass_registers(clg__planner *f);
bool clg__pass_launches(clg__planner *f);
bool clg__pass_describe(clg__planner *f);
bool clg__pass_memory(clg__planner *f);
bool clg__pass_build(clg__planner *f);
bool clg__pass_bind(clg__planner *f);

bool clg__planner_begin(clg__planner *f, clg__gpu *gpu); // f->w is set; gpu NULL: up to the memory pass
bool clg__planner_run(clg__planner *f, clg__pass_name last);
void clg__planner_end(clg__planner *f); // all but f->plan
bool clg__planner_oom(clg__planner *f); // false, and w->err says so
// The plan as text, as it is after a pass.
void clg__dump(const clg__planner *f, const char *pass, clg__str *s);
// What group k reads: load i of clg__group_n_loads is a value.
int clg__group_n_loads(const clg__planner *f, int k);
int clg__group_load(const clg__planner *f, int k, int i);
const clg__variant *clg__choose_variant(const clg__work *w, const clg__value *v, bool log);
// What is forced of a variant, for its `accepts` and `plan`.
void clg__kernel_call_set(const clg__work *w, const clg__op *op, const clg__variant *v, clg__kernel_call *c);
void clg__find_unfit(clg__planner *f); // strike.c: of a build that failed
void clg__kernel_call_of(const clg__work *w, const clg__value *v, clg__kernel_call *c, void **memory);
void clg__kernel_call_free(void *memory);
void clg__plan_log(const clg__plan *p, const clg__planner *f);
#endif
