// SPDX-License-Identifier: MIT
// What the files of device/ share: the OpenCL objects behind clg__gpu.
#ifndef CLG_DEVICE_INTERNAL_H
#define CLG_DEVICE_INTERNAL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "device/gpu.h"

#include <pthread.h>

// One OpenCL device as found; strings are owned.
typedef struct clg__found {
    cl_platform_id platform;
    cl_device_id id;
    clg_device_info info;
    cl_device_type cl_type;
    char *text[5]; // name, vendor, platform, driver, reason
    bool dedicated_local;
    int base_align, parameter_bytes, lanes;
    cl_context context; // of the self-test; NULL: none was made
    int rank; // of being the default, higher is better; below 0: never
} clg__found;

clg_status clg__find_devices(clg__found **out, int *n, clg__err *e);
void clg__found_free(clg__found *f, int n);
int clg__choose_device(clg__found *f, int n, const char *select, clg__err *e); // index, or -1
bool clg__is_pocl(const clg__found *f);
bool clg__compiles_late(const clg__found *f);
bool clg__self_test(clg__found *f, char *why, size_t size);
const char *clg__cl_error(cl_int code);

enum { CLG__CLASSES = 160 };
enum { CLG__POOL_FLOOR = 4 << 20 }; // bytes that are always worth keeping
typedef struct clg__arena clg__arena;

struct clg__buf {
    clg__gpu *gpu;
    cl_mem mem;
    uint64_t number;        // of this allocation, never used again: handles may be
    uint64_t content;       // of what it holds: another one when it is taken from the pool
    int refs;
    size_t bytes, capacity; // asked for, allocated
    cl_event written;       // last write that a reader may wait for
    int size_class;
    // in the pool: of the class, and of all by time
    clg__buf *next, *prev, *newer, *older;
    uint64_t idle_since;    // evaluation
};

// A host copy that a pending write still reads.
typedef struct clg__staging {
    cl_event done;
    size_t bytes;
    struct clg__staging *next;
    char data[];
} clg__staging;

// Kernel text that was built, found by its hash and compared: every kernel in it can be had.
typedef struct clg__built {
    char hash[40];
    char *text;
    size_t length;
    struct clg__program *program; // one reference
    uint64_t used;
    uint64_t key; // hash of the hash's text
    int next;     // of the same bucket, -1
    // as it was asked for, before files were put in place of their names
    char *asked;
    size_t asked_length;
    uint64_t asked_key;
    int asked_next;
} clg__built;
enum { CLG__MAX_BUILT = 4096, CLG__BUILT_BUCKETS = 4096 };

// What kernels of one description have taken.
typedef struct clg__timing {
    clg_kernel_profile is; // with numbers of one launch, and texts in `text`
    char *text;
    uint64_t launches;
    double seconds;
} clg__timing;

struct clg__gpu {
    int refs;
    pthread_mutex_t lock;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue, read_queue;
    clg__found *found; // one
    int number;        // of it among all devices
    char **compiler;   // command of a process that calls clg_compiler_main; NULL: none
    int compilers;     // how many at most; 0: all is compiled here
    clg__caps caps;
    char *identity;
    char options[256]; // of every build
    bool profile, driver_caches;
    uint64_t cap, n_allocated, n_contents;
    uint64_t kept_bytes; // prepared by plans, see sched/kept.c
    clg__buf *pool[CLG__CLASSES], *newest_idle, *oldest_idle;
    struct clg__arena *arenas;
    clg__scratch *scratches; // of all plans
    uint64_t evaluations, window_peak[2]; // bytes in use, of the current window and the one before
    uint64_t failures; // of calls that another try may mend
    clg__staging *staging;
    size_t staging_bytes;
    clg__built *built;
    int n_built, cap_built;
    int max_built;   // between builds
    int built_bucket[CLG__BUILT_BUCKETS]; // 1 + the first of each; 0: none
    int asked_bucket[CLG__BUILT_BUCKETS];
    int name_digits; // of the hash in names, at most 32
    uint64_t tick;
    char *cache_dir; // absolute; NULL: no disk cache
    char *cl_dir;    // absolute: kernel files are read from here; NULL: the built-in ones
    uint64_t cache_bytes; // that it may hold
    char *known_file; // of known.c, NULL: there is none
    clg_device_stats stats;
    pthread_mutex_t lost_lock; // taken last
    clg__err lost;
    clg__timing *timing;
    int n_timing, cap_timing;
    struct { cl_event event; int timing; } *events;
    int n_events, cap_events;
    bool own_declarations; // builds are tried without the driver's
    bool own_worked;       // and were done so
    bool only_own;         // what does not build so is an error then
    bool compiles_late; // at a kernel's first launch, in a thread of the driver
    bool compiling;     // such a launch was enqueued and not waited for
    const void *struck[32]; // variants
    int n_struck;
    uint64_t *launched; // kernels, with the sizes that they are compiled for
    int n_launched, cap_launched;
};

struct clg__kernel {
    clg__gpu *gpu;
    cl_kernel kernel;
    char name[96];
    size_t local_bytes;  // static and arguments
    size_t max_items;    // of a work-group, 0: unknown
    bool fixed_size;     // of its work-groups: reqd_work_group_size
    int n_args;
    uint64_t *bound;     // per argument: number of the buffer that is set already
    uint64_t id, launched; // hash of the name; of the last launch, with its sizes
    int timing;
};

void clg__staging_free(clg__gpu *g, clg__staging *list); // with the lock held, and all writes done
cl_int clg__finish(cl_command_queue q); // waits for all of it
cl_int clg__wait_all(clg__gpu *g); // the compute queue; lets go of what uploads read
bool clg__is_lost(cl_int rc); // the device, or a command that was queued: nothing can be tried again
// A call failed: CLG_ENOMEM or CLG_EDEVICE, "<format>: <code>"; what cannot be tried again is sticky. Any
// lock may be held but lost_lock.
clg_status clg__cl_fail(clg__gpu *g, clg__err *e, cl_int rc, const char *format, ...) CLG_PRINTF(4, 5);
// Of pool and arenas, with the lock held.
void clg__count_used(clg__gpu *g, size_t bytes);
bool clg__make_room_below_cap(clg__gpu *g, size_t bytes); // idle ones go; false: the cap is in the way
void clg__fail_memory(clg__gpu *g, clg__err *e, size_t bytes, cl_int rc); // rc CL_SUCCESS: the cap
void clg__arena_release_idle(clg__gpu *g);
void clg__arena_evaluated(clg__gpu *g, bool window, uint64_t idle); // a window's end; those idle for longer go
void clg__profile_note(clg__gpu *g, int row, cl_event event); // with the lock held; row -1: it is not measured
void clg__profile_free(clg__gpu *g);
void clg__reap(clg__gpu *g); // with the lock held: free host copies whose writes are done

bool clg__build_options(clg__gpu *g, clg__err *e);
// Text with the kernel files that it includes, `folder` NULL: the built-in ones. Compilers name lines as they are
// in the files; those of add_text are the caller's.
bool clg__add_file(clg__str *out, const char *folder, const char *name, clg__err *e);
bool clg__add_text(clg__str *out, const char *folder, const char *text, clg__err *e);
void clg__add_undefs(clg__str *out, const char *text); // of every macro in it
cl_program clg__compile(clg__gpu *g, const clg__str *source, const char *files, clg__err *e); // these are its names
double clg__seconds(void);
bool clg__small_grid(const size_t groups[3], const size_t items[3]);
// What a launch of a kernel of that name makes the driver compile.
uint64_t clg__launch_id(uint64_t kernel, const size_t items[3], bool small);
bool clg__was_launched(const clg__gpu *g, uint64_t id);
void clg__note_launched(clg__gpu *g, uint64_t id);
bool clg__trial_is_possible(const clg__gpu *g, const clg__trial *t);
void clg__trial_run(clg__gpu *g, cl_program p, const char *name, const clg__trial *t); // with the lock held
void clg__built_free(clg__gpu *g); // all that was built
void clg__cache_open(clg__gpu *g);
// A program from the disk cache, NULL when there is none that works.
// key is the hash of id, which is compared.
cl_program clg__cache_load(clg__gpu *g, const char *key, const clg__str *id);
void clg__cache_store(clg__gpu *g, const char *key, const clg__str *id, cl_program p);
void clg__workers_open(clg__gpu *g); // once the caches are
void clg__known_open(clg__gpu *g, const char *folder); // NULL: nothing is known
// Has a process compiled this program with all its kernels, so that the driver's cache has it?
bool clg__known_has(const clg__gpu *g, const clg__str *program);
void clg__known_add(const clg__gpu *g, const clg__str *program);
void clg__cache_prune(clg__gpu *g); // down to cache_bytes, those that were not used longest first
#endif
