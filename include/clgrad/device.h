// SPDX-License-Identifier: MIT
// Devices: list, open, close; what a device can do; errors; scopes; memory.
#ifndef CLGRAD_DEVICE_H
#define CLGRAD_DEVICE_H

#include <clgrad/base.h>

CLG_BEGIN

// A device with its recorder. Belongs to one thread at a time.
typedef struct clg_device_t *clg_device;

// A mark: everything recorded after it belongs to it until it is popped.
typedef struct clg_scope_t *clg_scope;

// What one OpenCL device is and can do. Strings live as long as the list or device they came from.
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
                         // platform's name; NULL: CLGRAD_DEVICE, else the best that works
    clg_device share;    // another recorder on the same OpenCL context, pool and programs
    uint64_t memory_cap; // bytes of device memory the pool may hold; 0: no cap
    bool profile;        // measure kernels with OpenCL events (costs time)
    char *error;         // where a failing open writes its message, may be NULL
    size_t error_size;
};
#define clg_device_params(...)                                                                     \
    (&(struct clg_device_params) { .size = sizeof(struct clg_device_params), __VA_ARGS__ })

// List every OpenCL device of every platform. `*out` points to `*count` entries.
//
// owns    release with clg_device_list_free; *out is NULL on failure
// errors  CLG_ENODEV (with a sentence that says what to install), CLG_ENOMEM, CLG_EDEVICE
// blocks  tests the candidates for being the default, once per process
CLG_API clg_status clg_device_list(clg_device_info **out, int *count, char *error,
                                   size_t error_size);
CLG_API void clg_device_list_free(clg_device_info **list);

// Open a device. p may be NULL: the environment's choice, else the best that passes a self-test.
//
// owns    close with clg_device_close; *out is NULL on failure
// errors  CLG_ENODEV, CLG_EINVAL (selection matches nothing), CLG_EDEVICE, CLG_ENOMEM
// blocks  yes, the first opening in a process starts the OpenCL platforms
CLG_API clg_status clg_device_open(clg_device *out, const struct clg_device_params *p);

// Close: releases every tensor, variable and scope of this recorder. Sets *dev to NULL, NULL is fine.
CLG_API void clg_device_close(clg_device *dev);

CLG_API const clg_device_info *clg_device_get_info(clg_device dev);

// Does the device compute with this element type?
CLG_API bool clg_device_has(clg_device dev, clg_dtype t);

// The message of the first error since the last clg_error_clear, else the text of `st`.
CLG_API const char *clg_error(clg_device dev, clg_status st);
// The status of that first error, CLG_OK when there was none.
CLG_API clg_status clg_error_status(clg_device dev);
CLG_API void clg_error_clear(clg_device dev);

// Report an error of code built on clgrad (layers, readers): keeps the message if it is the first.
// Returns st.
CLG_API clg_status clg_fail(clg_device dev, clg_status st, const char *format, ...)
    CLG_PRINTF(3, 4);

// Open a scope: handles made from here on are released by its pop. Scopes nest. NULL on ENOMEM.
// Popping a scope pops what was pushed after it as well. NULL is fine.
CLG_API clg_scope clg_scope_push_at(clg_device dev, const char *file, int line);
#define clg_scope_push(dev) clg_scope_push_at(dev, __FILE__, __LINE__)
CLG_API void clg_scope_pop(clg_scope s);

// Wait until everything enqueued has run.
//
// errors  CLG_EDEVICE
CLG_API clg_status clg_sync(clg_device dev);

// Counters of one device; bytes are device memory.
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
    uint64_t host_bytes;     // allocated by the library in this process
} clg_device_stats;
CLG_API clg_device_stats clg_device_get_stats(clg_device dev);

// Release pooled buffers and cached plans.
CLG_API void clg_device_trim(clg_device dev);

// Time of every kernel since the last call, for a device opened with .profile. Calls `each` once per
// kernel name with the number of launches and the seconds they took.
//
// errors  CLG_EINVAL when the device was opened without .profile
CLG_API clg_status clg_device_profile(clg_device dev,
                                      void (*each)(void *user, const char *kernel,
                                                   uint64_t launches, double seconds),
                                      void *user);

CLG_END
#endif
