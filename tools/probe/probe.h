// SPDX-License-Identifier: MIT
// What the probes share. They speak OpenCL directly and know nothing of the library: they have to tell what a
// machine does where the library does not work, too.
#ifndef PROBE_H
#define PROBE_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { PROBE_OK = 0, PROBE_FAILED = 1, PROBE_NOT_HERE = 77 };

typedef struct probe {
    cl_platform_id platform;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue; // with profiling
    bool cpu, nvidia;
    json_t *out;       // what the probe found
    char message[2000]; // why it failed, or does not apply
} probe;

// All of these fill p->message on failure.
bool probe_open(probe *p);
void probe_close(probe *p);
bool probe_ok(probe *p, cl_int status, const char *what);
bool probe_says(probe *p, const char *format, ...) __attribute__((format(printf, 2, 3))); // gives false
cl_kernel probe_kernel(probe *p, const char *source, const char *options, const char *name);
cl_mem probe_buffer(probe *p, cl_mem_flags flags, size_t bytes, void *data);
// Seconds on the device; below 0 on failure.
double probe_run(probe *p, cl_kernel k, size_t items, size_t group);
bool probe_set(probe *p, cl_kernel k, int n, const size_t *bytes, const void *const *values);
double probe_median(double *t, int n);
double probe_now(void);
size_t probe_size(probe *p, cl_device_info what);
void probe_number(probe *p, const char *name, double value); // into p->out, 4 digits

// Runs a command for at most `limit` seconds. Gives its exit status, 128 + signal, or -1 when time ran
// out; output (both streams, the last `size` bytes) goes to `tail`.
int child_run(char *const argv[], double limit, char *tail, size_t size);

// The probes. Each gives PROBE_OK, PROBE_FAILED or PROBE_NOT_HERE.
int probe_list(probe *p, const char *arg);
int probe_caps(probe *p, const char *arg);
int probe_groups(probe *p, const char *arg);
int probe_launch(probe *p, const char *arg);
int probe_copy(probe *p, const char *arg);
int probe_transfer(probe *p, const char *arg);
int probe_alloc(probe *p, const char *arg);
int probe_local(probe *p, const char *arg);
int probe_fma(probe *p, const char *arg);
int probe_ptx(probe *p, const char *arg);
#endif
