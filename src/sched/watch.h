// SPDX-License-Identifier: MIT
// Watching for results that are not finite (clg_device_watch).
//
// Beside the kernels of an evaluation, whose plan stays as it is, a kernel looks at what it assigned, many tensors at a
// time, and sets a flag on the device. The flag is read when the evaluation after it has been enqueued, so that the
// device never waits; until then the variables keep what they held before (clg_var_t.before). What was asked for is
// looked at on the host, which reads it sooner than the rest has run.
#ifndef CLG_SCHED_WATCH_H
#define CLG_SCHED_WATCH_H

#include "device/gpu.h"
#include "sched/work.h"

enum { CLG__WATCH_ON_HOST = 4096 }; // bytes of a result that is looked at on the host

// An evaluation that is watched.
typedef struct clg__watched {
    clg__node **nodes;   // all, in order, held so that they keep what they were computed from
    int n;
    clg__node **outputs; // what was asked for, then what was assigned; NULL: given, without numbers, or looked at already
    int n_outputs, n_asked;
    uint64_t contents;   // of buffers, when it began (clg__buf_content)
    clg__buf *flag;      // that the look at it sets; NULL: there was none
    bool at_once;        // the look is at what was asked for, too
} clg__watched;

// Of one recorder.
typedef struct clg__watch {
    clg__watched open;   // whose verdict was not told yet
    bool is_open, before; // before: its call has returned
    clg__kernel *look;
    clg__buf *flag[2];   // of evaluations in turns; zero as long as all was finite
    int next;
} clg__watch;

// Collects the work. false: w->err
bool clg__watch_begin(clg__watched *q, clg__work *w, int n_asked);
// After the run: enqueues the look at what was assigned, and at what was asked for where that is much. false: w->err
bool clg__watch_look(clg__watch *v, clg__watched *q, clg__work *w, bool read);
void clg__watched_free(clg__watched *q);
void clg__watch_forget_flags(clg__watch *v); // one was set: the next ones are others
void clg__watch_end(clg__watch *v);
bool clg__watch_asked(const clg__watch *v, const clg__node *n); // was it what the open evaluation was asked for?
bool clg__watch_waits(const clg__watch *v, const clg__node *n); // may it be something else that comes from it?
// Are these numbers finite? Others than floats are.
bool clg__all_finite(clg_dtype t, const void *data, int64_t n);

// Of an evaluation that ran, which is open: whatever can be told without waiting for more than was asked for, and all
// where nothing is assigned for good. Else it stays open. read: the caller reads what was asked for, and looks at it
clg_status clg__watch_tell(clg_device dev, bool read, bool for_good, clg__err *e);
// The verdict on the open evaluation; bad: that is known. When it was bad, variables hold what they held before, and what
// was assigned since is discarded.
clg_status clg__watch_settle(clg_device dev, bool bad);

// Of eval.c: by itself
clg_status clg__eval_for_watch(clg__node *n);

// Of blame.c: says in e which operation it was
void clg__blame(clg_device dev, const clg__watched *q, bool before, clg__err *e);
#endif
