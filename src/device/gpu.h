// SPDX-License-Identifier: MIT
// The OpenCL side of a device: context, queues, buffer pool, programs. Shared between recorders,
// locked, reference-counted. Nobody outside device/ sees an OpenCL type.
#ifndef CLG_DEVICE_GPU_H
#define CLG_DEVICE_GPU_H

#include "base/caps.h"
#include "base/err.h"
#include "base/str.h"
#include <clgrad/device.h>

typedef struct clg__gpu clg__gpu;
typedef struct clg__buf clg__buf;       // reference-counted device memory, from the pool
typedef struct clg__kernel clg__kernel; // one cl_kernel with its arguments; belongs to one plan

clg_status clg__gpu_open(clg__gpu **out, const struct clg_device_params *p, clg__err *e);
void clg__gpu_ref(clg__gpu *g);
void clg__gpu_unref(clg__gpu *g); // the last one waits and releases every OpenCL object
const clg__caps *clg__gpu_caps(const clg__gpu *g);
const clg_device_info *clg__gpu_info(const clg__gpu *g);
void clg__gpu_stats(clg__gpu *g, clg_device_stats *s); // fills the fields that device/ knows
clg_status clg__gpu_finish(clg__gpu *g, clg__err *e);
clg_status clg__gpu_flush(clg__gpu *g, clg__err *e);
// Waits where kernels that were enqueued are compiled only now: a process must not end meanwhile.
clg_status clg__gpu_settle(clg__gpu *g, clg__err *e);
// A failed command or a device that is gone is sticky: all later work fails with it.
clg_status clg__gpu_lost(clg__gpu *g, clg__err *e); // CLG_OK, or fills e
// After a call that failed: waits for what is queued and releases the pool. false: the device is lost.
bool clg__gpu_make_room(clg__gpu *g);
uint64_t clg__gpu_failures(clg__gpu *g); // calls that failed so far and may be tried again

// ---- buffers. bytes 0 is legal (a small real buffer stands for it).
// On an allocation failure: free the pool, try once more.
clg__buf *clg__buf_alloc(clg__gpu *g, size_t bytes, clg__err *e); // one reference; NULL on failure
void clg__buf_ref(clg__buf *b);
size_t clg__buf_bytes(const clg__buf *b);
uint64_t clg__buf_content(const clg__buf *b); // a number that no other content has: what is allocated is written once
uint64_t clg__gpu_contents(clg__gpu *g); // the greatest so far: they grow
// Memory that plans keep beside what they compute: a sixteenth of the device's, at most.
bool clg__gpu_may_keep(clg__gpu *g, size_t bytes); // counts them, if so
void clg__gpu_kept_less(clg__gpu *g, size_t bytes);
void clg__buf_unref(clg__buf *b); // NULL is fine. Back to the pool; safe while kernels still use it
void clg__gpu_trim(clg__gpu *g); // release what is pooled
void clg__gpu_evaluated(clg__gpu *g); // an evaluation is over: the pool's clock
// Copies before returning (the caller may free src).
clg_status clg__buf_write(clg__buf *b, size_t offset, const void *src, size_t bytes, clg__err *e);
// Waits for the last kernel that wrote b, not for the queue; then copies.
clg_status clg__buf_read(clg__buf *b, size_t offset, void *dst, size_t bytes, clg__err *e);

// ---- scratch: memory of a plan's temporaries, in an arena that it shares with other plans
typedef struct clg__scratch clg__scratch;
typedef struct clg__place_in {
    int part;             // one of several arenas, where the largest buffer of a device is too small
    size_t offset, bytes; // in it; offsets are multiples of clg__caps' base_align, bytes are not 0
} clg__place_in;
clg__scratch *clg__scratch_new(clg__gpu *g, const clg__place_in *place, int n, clg__err *e); // NULL on failure
void clg__scratch_free(clg__scratch *s); // NULL is fine
// Between the two, until all is enqueued, nobody else writes there. After begin a view may be another buffer:
// then generation is another number.
clg_status clg__scratch_begin(clg__scratch *s, clg__err *e);
void clg__scratch_end(clg__scratch *s); // NULL, and without begin, is fine
clg__buf *clg__scratch_view(clg__scratch *s, int i); // belongs to s; its references do not count
uint64_t clg__scratch_generation(const clg__scratch *s);

// ---- programs
// A launch without its data: drivers that compile at a kernel's first launch are made to by one work-group on zeros.
typedef enum clg__trial_kind { CLG__TRIAL_VALUE, CLG__TRIAL_BUFFER, CLG__TRIAL_LOCAL } clg__trial_kind;
typedef struct clg__trial_arg {
    clg__trial_kind kind;
    size_t bytes;
    uint64_t value;   // VALUE, of 8 bytes at most, as it lies in memory
    const void *data; // BUFFER: what it holds; NULL: zeros
} clg__trial_arg;
typedef struct clg__trial {
    int dims;
    size_t groups[3], items[3];
    clg__trial_arg *args;
    int n_args; // 0: there is no trial
} clg__trial;

// What one kernel is built from: text in which NAME(entry) is not yet replaced.
typedef struct clg__source {
    const char *file;    // of cl/, or NULL
    const char *entry;
    const char *defines; // may be NULL
    const char *text;    // with file NULL
    clg__trial trial;
    clg__kernel *kernel; // result: a fresh kernel object, NULL on failure
} clg__source;

// Who builds ahead, and hears how far it is; called with the device locked.
typedef struct clg__ahead {
    void (*progress)(void *user, int done, int all); // kernels; may be NULL
    void *user;
} clg__ahead;
// Kernel variants, known by address, that this device could not build or launch; for all its recorders.
bool clg__gpu_is_struck(clg__gpu *g, const void *variant);
bool clg__gpu_strike(clg__gpu *g, const void *variant); // false: there are too many
void clg__gpu_unstrike(clg__gpu *g, const void *variant);
bool clg__gpu_has_built(clg__gpu *g, const clg__source *s); // its text, whatever asked for it
bool clg__gpu_has_compilers(const clg__gpu *g); // other processes may compile: sources come with their trials
// Find or build all; what is missing is compiled as one program, or as several by processes beside this one. On failure
// no kernel is returned. ahead: what a driver compiles at first launches too; NULL: it may do so then.
clg_status clg__gpu_build(clg__gpu *g, clg__source *sources, int n, const clg__ahead *ahead, clg__err *e);
void clg__kernel_free(clg__kernel *k);
const char *clg__kernel_name(const clg__kernel *k);
// Can this device run it in such groups, with arguments of so many bytes? A kernel of one dimension that
// requires no size (reqd_work_group_size) gets smaller groups, and more of them, where need be.
clg_status clg__kernel_fit(const clg__kernel *k, int dims, size_t groups[3], size_t items[3],
                           size_t argument_bytes, clg__err *e);
clg_status clg__kernel_set(clg__kernel *k, int arg, const void *value, size_t bytes, clg__err *e);
clg_status clg__kernel_local_fits(const clg__kernel *k, size_t bytes, clg__err *e); // so many more
clg_status clg__kernel_set_local(clg__kernel *k, int arg, size_t bytes, clg__err *e);
clg_status clg__kernel_set_buf(clg__kernel *k, int arg, clg__buf *b, clg__err *e); // skips if same
// Enqueue: `groups` work-groups of `items` work-items. `writes` are the buffers that it writes, whose
// readers shall wait for it (those that are read back: the caller passes only these).
clg_status clg__kernel_launch(clg__kernel *k, int dims, const size_t groups[3],
                              const size_t items[3], clg__buf *const *writes, int n_writes,
                              clg__err *e);

// ---- CLBlast: C = A * B for row-major matrices, offsets and leading dimensions in elements.
clg_status clg__gpu_blas_gemm(clg__gpu *g, clg_dtype t, bool ta, bool tb, size_t m, size_t n,
                              size_t k, clg__buf *a, size_t a_off, size_t lda, clg__buf *b,
                              size_t b_off, size_t ldb, clg__buf *c, size_t c_off, size_t ldc,
                              int profile_row, clg__err *e);

// ---- profile.c: times of kernels, of a device that was opened for it
bool clg__gpu_profiles(const clg__gpu *g);
// The row of such launches, with numbers of one; texts are copied, none is NULL. -1: they are not measured
int clg__gpu_profile_row(clg__gpu *g, const clg_kernel_profile *p);
void clg__kernel_profile_as(clg__kernel *k, int row);
clg_status clg__gpu_profile(clg__gpu *g, void (*each)(void *user, const clg_kernel_profile *row), void *user,
                            clg__err *e);
#endif
