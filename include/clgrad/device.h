// SPDX-License-Identifier: MIT
// Devices: list, open, close; what a device can do; errors; scopes; memory.
#ifndef CLGRAD_DEVICE_H
#define CLGRAD_DEVICE_H

#include <clgrad/base.h>

CLG_BEGIN

// A device with its recorder. Belongs to one thread at a time; recorders that share a device may be
// used by different threads.
typedef struct clg_device_t *clg_device;

// A mark: everything recorded after it belongs to it until it is popped.
typedef struct clg_scope_t *clg_scope;

// What one OpenCL device is and can do. Strings live as long as the list or device they came from.
// fp64 is F64 arithmetic; fp16 and subgroups are for information.
typedef struct clg_device_info {
    const char *name, *vendor, *platform, *driver;
    const char *type;       // "gpu", "cpu", "accelerator"
    const char *passed_over; // why it is not the default, NULL where it could be
    bool is_default;
    bool fp64, fp16, unified_memory, subgroups;
    int compute_units;
    int max_work_group;
    uint64_t global_bytes, max_alloc_bytes, local_bytes;
} clg_device_info;

struct clg_device_params {
    size_t size;         // of this struct; clg_device_params() sets it
    const char *select;  // index ("1"), type ("gpu", "cpu"), or any part of the device's or
                         // platform's name in upper or lower case; NULL: CLGRAD_DEVICE, else the
                         // best that works
    clg_device share;    // another recorder on the same OpenCL context, pool and programs
    uint64_t memory_cap; // bytes of device memory, used and pooled together; 0: no cap
    bool profile;        // measure kernels with OpenCL events (costs time)
    char *error;         // where a failing open writes its message, may be NULL
    size_t error_size;
    const char *const *compiler; // a command that calls clg_compiler_main, ended by NULL:
                                 // such processes compile too. NULL: this one alone does
    int compilers;       // how many of them at once, at most 16; 0: one for each other core
};
#define clg_device_params(...)                                                                     \
    (&(struct clg_device_params) { .size = sizeof(struct clg_device_params), __VA_ARGS__ })

// List every OpenCL device of every platform, in the order that .select counts.
//
// out, count   *out points to *count entries
// error        where a failure writes its message, error_size bytes; may be NULL
// result  CLG_OK; one entry has is_default, unless no device passes the self-test
// owns    release with clg_device_list_free; *out is NULL on failure
// errors  CLG_ENODEV    there is none (the message says what to install)
//         CLG_ENOMEM; CLG_EINVAL for a NULL out or count
// blocks  starts the OpenCL platforms, and runs one small kernel on each candidate for being the
//         default until one works; one that has worked is not tested again in this process
CLG_API clg_status clg_device_list(clg_device_info **out, int *count, char *error,
                                   size_t error_size);

// Release a list and every string in it.
//
// list    its address; set to NULL. NULL and the address of NULL are fine
// errors  none
// blocks  no
CLG_API void clg_device_list_free(clg_device_info **list);

// Go through the kernels that operations may get, which CLGRAD_VARIANT chooses by name, as in
//
//     CLGRAD_VARIANT="matmul=cpu_packed:rows=4,vectors=2;conv2d=direct"
//
// each    called for every one: of which operation, its name, its parameters with their ranges
//         and meaning ("rows=1..8 of a register tile, groups=1..4096 work-groups", or "").
//         The texts live until it returns
// user    handed on
// errors  none; where host memory is short, parameters are left out
// blocks  no
CLG_API void clg_variant_list(void (*each)(void *user, const char *op, const char *variant,
                                           const char *params),
                              void *user);

// Open a device and start a recorder on it. A new recorder has the random seed 0 and one scope.
//
// out     the device
// p       may be NULL: CLGRAD_DEVICE, else the best device that passes a self-test (a GPU before a
//         CPU; what emulates a GPU in software never). With .share, .error alone counts beside it
// result  CLG_OK
// owns    close with clg_device_close; *out is NULL on failure
// errors  CLG_ENODEV    there is no device, or none passes
//         CLG_EINVAL    the selection matches nothing; CLGRAD_CLASS is neither cpu nor gpu, or
//                       another variable holds what it may not, such as a variant that there
//                       is not; p is refused by clg_params_read
//         CLG_EDEVICE   the driver refused a context or a queue
//         CLG_ENOMEM
// blocks  yes, the first opening in a process starts the OpenCL platforms
CLG_API clg_status clg_device_open(clg_device *out, const struct clg_device_params *p);

// The main function of a process that compiles kernels for another one:
//
//     if (argc == 2 && strcmp(argv[1], "--compile-kernels") == 0)
//         return clg_compiler_main();
//
// in a program that opens its devices with
//
//     .compiler = (const char *const[]) { "/proc/self/exe", "--compile-kernels", NULL }
//
// An OpenCL driver compiles one kernel at a time in a process. Where kernels are missing that take
// a second or more, the library then starts such processes, whose standard input says what to do,
// and waits for them; what they make goes through the cache on disk. Where they cannot be started,
// fail, or take too long, all is compiled in this process as before; the results are the same. They
// inherit the environment, but no open files and no ignored signals; this process gets SIGCHLD when
// they end. None is started without a cache (CLGRAD_CACHE_DIR, POCL_KERNEL_CACHE=0), for a program
// that they have compiled before, or with Mesa, which keeps what it compiles to itself.
// CLGRAD_COMPILERS=N counts in place of .compilers; 0: none.
//
// result  the exit status: 0 done, 1 failed, 2 there is no job on the standard input
// errors  none
// blocks  until all is compiled
CLG_API int clg_compiler_main(void);

// Close: ends every tensor, variable and scope of this recorder, kept or not. Stores and optimizers
// may be destroyed before or after; tensors and variables that are dropped or destroyed after do
// nothing. The OpenCL context goes with the last of the recorders that share it.
// A process may end without closing; what is enqueued then is lost. No other thread may be inside a
// call of the library at that moment: a driver that is compiling does not survive exit().
//
// dev     its address; set to NULL. NULL and the address of NULL are fine
// errors  none; one that is closed already is ignored (a trap with debug_traps)
// blocks  the last recorder waits for what is enqueued
CLG_API void clg_device_close(clg_device *dev);

// What the device is and can do.
//
// dev     the device
// result  lives as long as dev; NULL for NULL. is_default: it was chosen automatically
// errors  none
// blocks  no
CLG_API const clg_device_info *clg_device_get_info(clg_device dev);

// Does the device compute with this element type?
//
// dev     the device
// t       any number
// result  true for every clg_dtype, F64 only where the device has it; false for NULL
// errors  none
// blocks  no
CLG_API bool clg_device_has(clg_device dev, clg_dtype t);

// The message of the first error since the last clg_error_clear. clg_tensor_error gives that of one
// tensor.
//
// dev     the device, may be NULL
// st      the status to be explained; CLG_OK: of whatever came first
// result  the first message; where its status is not st, the newest message if that one's is; else
//         the text of st. Valid until the next error
// errors  none
// blocks  no
CLG_API const char *clg_error(clg_device dev, clg_status st);

// The status of that first error.
//
// dev     the device
// result  CLG_OK when there was none; CLG_EINVAL for NULL and a closed device
// errors  none
// blocks  no
CLG_API clg_status clg_error_status(clg_device dev);

// Forget it, so that the next error is the first.
//
// dev     the device; NULL is fine
// errors  none
// blocks  no
CLG_API void clg_error_clear(clg_device dev);

// Report an error of code built on clgrad (layers, readers): keeps the message if it is the first.
//
// dev     the device; NULL: nothing is kept
// st      below 0, else CLG_EINVAL is taken
// format  as of printf; the text is cut at about 1,000 bytes. NULL: the status's own text
// result  st
// errors  none of its own
// blocks  no
CLG_API clg_status clg_fail(clg_device dev, clg_status st, const char *format, ...)
    CLG_PRINTF(3, 4);

// Open a scope: handles made from here on belong to it and are released by its pop. Scopes nest.
// They hold handles, not memory: what other handles, variables or unevaluated tensors need stays.
//
// dev     the device
// file    of static storage, line: what messages name as the place
// result  the scope
// owns    end with clg_scope_pop; NULL on failure (a pop of NULL does nothing)
// errors  CLG_ENOMEM
// blocks  no
CLG_API clg_scope clg_scope_push_at(clg_device dev, const char *file, int line);
#define clg_scope_push(dev) clg_scope_push_at(dev, __FILE__, __LINE__)

// End a scope, and every scope that was pushed after it. Its handles must not be used any more, but
// for those kept (clg_keep) or handed to the parent (clg_escape): whoever does gets CLG_EINVAL and
// a message, unless some 16,000 tensors have ended since.
//
// s       the scope; NULL is fine, and so is one whose device was closed
// errors  CLG_EINVAL    published: it was popped already (a trap with debug_traps)
// blocks  no
CLG_API void clg_scope_pop(clg_scope s);

// Wait until everything enqueued has run. Does not evaluate.
//
// dev     the device
// result  CLG_OK
// errors  CLG_EDEVICE   also when an earlier evaluation failed on the device: that stays
//         CLG_EINVAL    dev is NULL
// blocks  yes
CLG_API clg_status clg_sync(clg_device dev);

// Counters of one device; bytes are device memory. Recorders that share a device share all of them
// but plans, plan_hits, plan_misses, nodes and handles.
typedef struct clg_device_stats {
    uint64_t bytes_used;   // held by tensors, variables and plans now
    uint64_t bytes_pooled; // kept for reuse
    uint64_t bytes_peak;   // highest bytes_used
    uint64_t buffers_used, buffers_pooled;
    uint64_t allocations, pool_hits;
    uint64_t kernels, programs; // OpenCL objects alive
    uint64_t programs_built, programs_cached; // compiled, taken from the disk cache
    uint64_t launches, uploads, reads;
    uint64_t plans, plan_hits, plan_misses;
    uint64_t nodes, handles; // of the graph, alive
    uint64_t host_bytes;     // allocated by the library in this process, without what waits so that
                             // dead handles are known
} clg_device_stats;

// Read the counters.
//
// dev     the device
// result  the numbers now; zeros for NULL
// errors  none
// blocks  no
CLG_API clg_device_stats clg_device_get_stats(clg_device dev);

// Release pooled buffers and cached plans. Compiled kernels stay.
//
// dev     the device; NULL is fine
// errors  none
// blocks  no
CLG_API void clg_device_trim(clg_device dev);

// Watch for numbers that are not finite. While it is on, NaN or an infinity in what an evaluation
// was asked for, or in what it assigned to variables, is CLG_ENUMERIC; its assignments are undone,
// so that a training step that went wrong changes nothing, and what was asked for can still be
// read. The message names the first operation that made such a number out of finite ones, forward
// or backward: its layer (clg_set_layer), label (clg_label), the file and line of the call
// (lines.h; a gradient has those of the call that it is the gradient of), else where its scope was
// pushed, the place, and what it was computed from.
//
// What was asked for is judged before the call returns. What was assigned is judged by the next
// call that evaluates, by clg_sync, or by clg_read or clg_item of what it assigned, or of anything
// newer, whichever comes first, also when the watch is off by then: that call fails, what was
// assigned since is discarded too, and the message says "of the evaluation before". So no
// variable is ever read that holds such a number, and the device need not wait. Where the verdict
// cannot be had, for an error of the device, what was assigned is discarded as well. A program that
// ends with a step calls clg_sync before it closes. Tensors of a discarded step keep their numbers:
// record the next one from clg_var_value.
//
// A number that is given, uploaded or assigned as it is, is nobody's fault; one that vanishes on
// its way, as an infinity under a mask does in a softmax, is none of the results'.
//
// Costs one reading of what is assigned, by one kernel for 16 tensors, and until the verdict the
// memory of what variables held before; off, nothing. After a failure all of the evaluation is
// computed once more, an operation at a time: seconds, where kernels have to be compiled for that.
//
// dev     the device; NULL is fine
// on      whether
// result  whether it was on
// errors  none
// blocks  no
CLG_API bool clg_device_watch(clg_device dev, bool on);

// Launches of one kernel for one purpose.
typedef struct clg_kernel_profile {
    const char *kernel;  // its name
    const char *op;      // what it computes: an operation's name ("conv2d_dw"), or those that one
                         // kernel does ("mul sum"), with the work at its end behind a plus
    const char *variant; // which of the operation's kernels; "pointwise" or "reduce" where its text
                         // is made for it
    const char *layer;   // of clg_set_layer, when this was recorded or what it is the derivative
                         // of; "" for none
    const char *shape;   // of its result, of a reduction what is reduced
    uint64_t launches;
    double seconds;      // of all launches, as the next three
    double flops;        // of matrix products and convolutions, a multiply-add as two
    double bytes;        // moved: what it reads and writes, and scratch memory
    double bytes_least;  // inputs once and results once
    // Of an operation of several kernels the first has the last three numbers, others have zeros.
} clg_kernel_profile;

// Time of every kernel since the last call, for a device opened with .profile.
//
// dev     the device
// each    called once for every kernel and purpose that was launched; what it is given lives during
//         the call; it must not call clgrad. NULL: forget the times
// user    passed to each
// result  CLG_OK
// errors  CLG_EINVAL    the device was opened without .profile, or is NULL
// blocks  until the kernels have run
CLG_API clg_status clg_device_profile(clg_device dev,
                                      void (*each)(void *user, const clg_kernel_profile *row),
                                      void *user);

CLG_END
#endif
