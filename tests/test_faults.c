// SPDX-License-Identifier: MIT
// Everything that can fail is made to fail, one call after another: host allocations (of the library, its
// readers and layers, through the linker's --wrap), and OpenCL calls (through fault_layer.c). After each
// fault: a status and a message or success, nothing leaked, variables as they were, and the same work
// succeeds. Ends at the first position where no fault fired.
#include "base/alloc.h"
#include "graph/node.h"
#include "nn/handle.h"
#include "sched/cache.h"
#include "alloc_faults.h"
#include "fault_work.h"
#include "checks.h"
#include "scratch.h"
#include <clgrad/clgrad.h>

#include <dlfcn.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/clgrad_faults_XXXXXX";
static char path[64];
static clg_device dev;

// Check allocates too: no fault may be armed when it reports.
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            countdown = 0;                                                                         \
            ck_abort_msg("%s", #condition);                                                        \
        }                                                                                          \
    } while (0)

// ---- what is done under faults; each cleans up behind itself

static clg_tensor ramp(clg_shape s)
{
    return clg_reshape(clg_arange(dev, CLG_F32, 0, (double) clg_numel(s), 1), s);
}

static clg_status record(void)
{
    clg_scope outer = clg_scope_push(dev), s = outer ? clg_scope_push(dev) : NULL;
    if (!s) {
        clg_scope_pop(outer);
        return CLG_ENOMEM;
    }
    clg_tensor x = ramp(CLG_SHAPE(2, 3, 8, 8)), w = ramp(CLG_SHAPE(4, 3, 3, 3));
    clg_tensor t[] = {
        clg_conv2d(x, w, NULL, clg_conv2d_params(.padding = 1)),
        clg_max_pool2d(x, clg_pool2d_params(.kernel = 2)),
        clg_softmax(clg_concat(1, x, clg_relu(x)), 3),
        clg_matmul(clg_flatten(x, 1, -1), clg_transpose(clg_flatten(x, 1, -1), 0, 1)),
        clg_pad(clg_flip(x, CLG_AXES(2)), CLG_SHAPE(0, 0, 1, 1), CLG_SHAPE(0, 0, 1, 1), 3),
        clg_dropout(clg_variance(x, CLG_AXES(0, 2), 1, true), 0.5),
        clg_escape(clg_label(clg_clamp(x, 0, 1), "clamped")),
    };
    clg_status st = CLG_OK;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
        st = t[i]->status < 0 ? t[i]->status : st;
    clg_scope_pop(outer);
    return st;
}

static clg_status evaluate(void)
{
    float got[4];
    clg_scope s = clg_scope_push(dev);
    if (!s)
        return CLG_ENOMEM;
    clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(2, 2), (float[]) { 1, 2, 3, 4 });
    clg_tensor y = clg_matmul(x, clg_add_scalar(clg_exp(x), 1)), m = clg_sum(y, CLG_ALL, false);
    clg_status st = clg_eval(m, clg_softmax(y, 1));
    if (st >= 0)
        st = clg_read(clg_sub(x, clg_transpose(x, 0, 1)), got, sizeof got);
    if (st >= 0)
        must(got[0] == 0 && got[1] == -1 && got[2] == 1 && got[3] == 0);
    for (int i = 0; i < 2 && st >= 0; i++) { // one plan for two places
        clg_tensor row = clg_slice(x, 0, i, i + 1, 1);
        st = clg_read(clg_pad(clg_neg(row), CLG_SHAPE(i, 0), CLG_SHAPE(1 - i, 0), 5), got, sizeof got);
        if (st >= 0)
            must(got[2 * i] == -1 - 2 * i && got[2 * i + 1] == -2 - 2 * i && got[2 - 2 * i] == 5);
    }
    if (st >= 0) {
        const double v = clg_item(m, &st);
        must(st < 0 ? isnan(v) : v > 10);
    }
    clg_scope_pop(s);
    return st;
}

static clg_var var[2];

// v0 and v1 as one group, from gradients
static clg_status assign(void)
{
    clg_scope s = clg_scope_push(dev);
    if (!s)
        return CLG_ENOMEM;
    clg_tensor a = clg_var_value(var[0]), b = clg_var_value(var[1]), g[2];
    clg_tensor y = clg_sum(clg_mul(clg_mul(a, a), b), CLG_ALL, false);
    clg_status st = clg_grad_n(y, (clg_tensor[]) { a, b }, 2, g);
    if (st >= 0)
        st = clg_assign_n(var, (clg_tensor[]) { clg_add_scalar(clg_mul_scalar(g[0], 0), 7),
                                                clg_add_scalar(clg_mul_scalar(g[1], 0), 7) }, 2);
    if (st >= 0)
        st = clg_eval_assigned(dev);
    clg_scope_pop(s);
    return st;
}

static clg_status train(void)
{
    clg_scope s = clg_scope_push(dev);
    if (!s)
        return CLG_ENOMEM;
    clg_store w = clg_store_create(dev, 1);
    clg_optim o = w ? clg_adam_create(w, NULL) : NULL;
    clg_status st = o ? CLG_OK : clg_error_status(dev);
    if (o) {
        clg_tensor x = ramp(CLG_SHAPE(4, 3)), h = clg_nn_linear(w, "l", x, clg_nn_linear_params(.out = 2));
        st = clg_optim_step(o, clg_mean(clg_mul(h, h), CLG_ALL, false));
    }
    if (st >= 0)
        st = clg_eval_assigned(dev);
    if (st >= 0)
        st = clg_store_save(w, path, (const char *[]) { "step", "1", NULL });
    if (st >= 0)
        st = clg_store_load(w, path);
    clg_optim_destroy(&o);
    clg_store_destroy(&w);
    clg_scope_pop(s);
    return st;
}

static clg_status around(void)
{
    return around_a_step(dev);
}

static clg_status watched(void)
{
    return watched_steps(dev, var);
}

// Files alone; the text is checked here because no device holds it.
static clg_status files(void)
{
    char error[200] = "";
    const float v[6] = { 1, 2, 3, 4, 5, 6 };
    const clg_safetensor t[] = { { "b", true, CLG_F32, CLG_SHAPE(2, 3), v, sizeof v },
                                 { "a", true, CLG_F32, CLG_SHAPE(6), v, sizeof v } };
    clg_idx x = { 0 };
    clg_safetensors f = NULL;
    clg_status st = clg_idx_write(path, CLG_F32, CLG_SHAPE(2, 3), v, error, sizeof error);
    if (st >= 0)
        st = clg_idx_open(&x, path, error, sizeof error);
    if (st >= 0)
        st = clg_safetensors_write(path, t, 2, (const char *[]) { "k", "v", NULL }, error,
                                   sizeof error);
    if (st >= 0)
        st = clg_safetensors_open(&f, path, error, sizeof error);
    must(st >= 0 ? clg_safetensors_count(f) == 2 : error[0] != '\0');
    clg_idx_close(&x);
    clg_safetensors_close(&f);
    return st;
}

// A device of its own.
static clg_status open_and_close(void)
{
    char error[1100] = "";
    clg_device d;
    clg_status st = clg_device_open(&d, clg_device_params(.error = error, .error_size = sizeof error));
    if (st < 0) {
        must(!d);
        must(error[0]);
        return st;
    }
    clg_scope s = clg_scope_push(d);
    const float one = 1;
    st = clg_eval(clg_exp(clg_upload(d, CLG_F32, CLG_SHAPE(1), &one)));
    if (st < 0)
        must(clg_error_status(d) < 0 && clg_error(d, 0)[0]);
    clg_scope_pop(s);
    clg_device_close(&d);
    return st;
}

// ---- the loop over host allocations

static double value_of(clg_var v)
{
    clg_scope s = clg_scope_push(dev);
    clg_status st;
    const double x = clg_item(clg_mean(clg_var_value(v), CLG_ALL, false), &st);
    clg_scope_pop(s);
    ck_assert_msg(st >= 0, "%s", clg_error(dev, st));
    return x;
}

static void set_vars(double v)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor t[2] = { clg_full(dev, CLG_F32, CLG_SHAPE(3), v), clg_full(dev, CLG_F32, CLG_SHAPE(3), v) };
    ck_assert_int_eq(clg_assign_n(var, t, 2), CLG_OK);
    ck_assert_msg(clg_eval_assigned(dev) >= 0, "%s", clg_error(dev, 0));
    clg_scope_pop(s);
}

typedef struct state {
    long blocks;
    clg_device_stats st;
} state;

static state now(void)
{
    state s = { 0 };
    if (dev) {
        clg_device_trim(dev);
        clg_sync(dev); // lets go of what uploads read
        s.st = clg_device_get_stats(dev);
    }
    s.blocks = held_blocks();
    return s;
}

static void same_state(const state *a, const char *what, long n)
{
    const state b = now();
#define SAME(field)                                                                                \
    ck_assert_msg(a->field == b.field, "%s, allocation %ld: " #field " was %lld, is %lld", what, n, \
                  (long long) a->field, (long long) b.field)
    SAME(st.nodes);
    SAME(st.handles);
    SAME(st.buffers_used);
    SAME(st.bytes_used);
    SAME(st.buffers_pooled);
    SAME(st.kernels);
    SAME(st.plans);
    SAME(st.programs);
    SAME(blocks);
#undef SAME
}

static void every_allocation(const char *what, clg_status (*run)(void), int from_there_on)
{
    long n = 1;
    sticky = from_there_on;
    for (int warm = 0; warm < 2; warm++) { // what grows once is not a leak
        if (dev)
            set_vars(1);
        const clg_status st = run();
        ck_assert_msg(st >= 0, "%s: %s", what, clg_error(dev, st));
        if (dev)
            value_of(var[0]);
    }
    if (dev)
        set_vars(1);
    const state before = now();
    for (; n < 20000; n++) {
        if (dev)
            clg_error_clear(dev);
        fired = 0;
        countdown = n;
        clg_status st = run();
        countdown = 0;
        if (!fired)
            break;
        if (st < 0 && dev && run != files && run != open_and_close)
            ck_assert_msg(clg_error_status(dev) < 0 && clg_error(dev, 0)[0],
                          "%s, allocation %ld: failed with %d and no message", what, n, st);
        if (dev) {
            clg_error_clear(dev);
            const double a = value_of(var[0]), b = value_of(var[1]);
            ck_assert_msg(a == b, "%s, allocation %ld: half an assignment: %g, %g", what, n, a, b);
            ck_assert_msg(st >= 0 || a == 1, "%s, allocation %ld: failed and changed", what, n);
        }
        if (dev && n % 16 == 0) { // the same work succeeds
            st = run();
            ck_assert_msg(st >= 0, "%s, after allocation %ld: %s", what, n, clg_error(dev, st));
        }
        if (dev)
            set_vars(1);
        same_state(&before, what, n);
    }
    ck_assert_msg(run() >= 0, "%s at last: %s", what, dev ? clg_error(dev, 0) : "");
    printf("%s: %ld allocations\n", what, n - 1);
}

static void open_device(void)
{
    char error[1100] = "";
    ck_assert_msg(clg_device_open(&dev, clg_device_params(.select = "0", .error = error,
                                                          .error_size = sizeof error)) >= 0,
                  "%s", error);
    clg_scope s = clg_scope_push(dev);
    for (int i = 0; i < 2; i++)
        var[i] = clg_var_create(clg_full(dev, CLG_F32, CLG_SHAPE(3), 1));
    ck_assert_msg(clg_eval_assigned(dev) >= 0, "%s", clg_error(dev, 0));
    clg_scope_pop(s);
}

static void close_device(void)
{
    clg_var_destroy(&var[0]);
    clg_var_destroy(&var[1]);
    clg_device_close(&dev);
}

START_TEST(host_memory_of_files)
{
    every_allocation("files", files, 0);
    every_allocation("files", files, 1);
}
END_TEST

START_TEST(host_memory_of_opening)
{
    every_allocation("open", open_and_close, 0);
    every_allocation("open", open_and_close, 1);
}
END_TEST

static const struct {
    const char *name;
    clg_status (*run)(void);
} work[] = { { "record", record }, { "evaluate", evaluate }, { "assign", assign }, { "train", train }, { "watched", watched },
             { "around", around } };

START_TEST(host_memory_of_work)
{
    for (int all = 0; all < 2; all++) {
        const long before = held_blocks();
        open_device();
        every_allocation(work[_i].name, work[_i].run, all);
        close_device();
        ck_assert_uint_eq(clg__alloc_live() - clg__blocks_bytes(), 0);
        ck_assert_int_eq(held_blocks(), before);
    }
}
END_TEST

// ---- the loop over OpenCL calls

static long (*fault_arm)(long n, int sticky);
static long (*fault_fired)(const char **name);
static long (*fault_live)(void);
static long (*fault_bad)(void);
static void (*fault_only)(const char *names, int error);
static void (*fault_kernel)(const char *name, int build, int launch);

static int find_layer(void)
{
    const char *file = getenv("OPENCL_LAYERS");
    void *h = file ? dlopen(file, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (!h)
        return 0;
    // a function pointer through void * is POSIX, not C
    *(void **) &fault_arm = dlsym(h, "fault_arm");
    *(void **) &fault_fired = dlsym(h, "fault_fired");
    *(void **) &fault_live = dlsym(h, "fault_live");
    *(void **) &fault_bad = dlsym(h, "fault_bad");
    *(void **) &fault_only = dlsym(h, "fault_only");
    *(void **) &fault_kernel = dlsym(h, "fault_kernel");
    return fault_arm && fault_fired && fault_live && fault_bad && fault_only && fault_kernel;
}

static void check_after_cl_fault(const char *what, long n, const char *name, clg_status st)
{
    if (st >= 0)
        return;
    ck_assert_msg(clg_error_status(dev) < 0 && clg_error(dev, 0)[0],
                  "%s, call %ld (%s): failed with %d and no message", what, n, name, st);
    const bool lost = clg_sync(dev) < 0;
    clg_error_clear(dev);
    if (lost) { // sticky: everything fails alike, and says why
        ck_assert_int_eq(evaluate(), CLG_EDEVICE);
        ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "the device failed earlier"));
        return;
    }
    ck_assert_msg(value_of(var[0]) == 1 && value_of(var[1]) == 1, "%s, call %ld (%s): variables changed",
                  what, n, name);
    st = evaluate();
    ck_assert_msg(st >= 0, "%s, after call %ld (%s): %s", what, n, name, clg_error(dev, st));
}

static void every_call(const char *what, clg_status (*run)(void), int from_there_on)
{
    const char *name;
    long n = 1, failures = 0, tried = 0;
    const long before = held_blocks();
    // the long ones in steps, unless all is asked for
    const long step = getenv("CLGRAD_TEST_FULL") ? 1 : run == train ? 13 : run == watched ? 97 : 1;
    for (; n < 20000; n += step, tried++) {
        open_device();
        fault_arm(n, from_there_on);
        const clg_status st = run();
        const long hit = fault_fired(&name);
        fault_arm(0, 0);
        failures += st < 0;
        check_after_cl_fault(what, n, name, st);
        close_device();
        ck_assert_msg(fault_live() == 0 && fault_bad() == 0,
                      "%s, call %ld (%s): %ld references are left, %ld were wrong", what, n, name,
                      fault_live(), fault_bad());
        ck_assert_msg(clg__alloc_live() == clg__blocks_bytes() && held_blocks() == before,
                      "%s, call %ld (%s): %ld blocks are left",
                      what, n, name, held_blocks() - before);
        if (!hit) {
            ck_assert_int_ge(st, 0);
            break;
        }
    }
    printf("%s: %ld OpenCL calls made to fail, %ld faults reported\n", what, tried, failures);
    if (from_there_on) // one alone is mended by another try, where that can be
        ck_assert_int_gt(failures, tried / 3);
}

START_TEST(opencl_calls_of_opening)
{
    const char *name;
    for (int all = 0; all < 2; all++) {
        for (long n = 1; n < 20000; n++) {
            fault_arm(n, all);
            const clg_status st = open_and_close();
            const long hit = fault_fired(&name);
            fault_arm(0, 0);
            ck_assert_msg(fault_live() == 0 && fault_bad() == 0, "open, call %ld (%s): %ld left", n,
                          name, fault_live());
            ck_assert_uint_eq(clg__alloc_live() - clg__blocks_bytes(), 0);
            if (hit)
                continue;
            ck_assert_int_ge(st, 0);
            printf("open: %ld OpenCL calls\n", n - 1);
            break;
        }
    }
}
END_TEST

START_TEST(opencl_calls_of_work)
{
    every_call(work[_i].name, work[_i].run, 0);
    every_call(work[_i].name, work[_i].run, 1);
}
END_TEST

// ---- calls that give the device work: harmless when they fail

enum { OUT_OF_RESOURCES = -5, WORK_GROUP_SIZE = -54, COMMAND_QUEUE = -36, BITS = 70 };
static const char *const enqueues = "clEnqueue clFlush clSetKernelArg";

// Uploads, kernels of each kind, draws, an update by gradients and reads, which give the same bits whenever.
static clg_status scenario(clg_device d, const clg_var *v, float got[BITS])
{
    float host[64];
    clg_scope s = clg_scope_push(d);
    if (!s)
        return CLG_ENOMEM;
    for (int i = 0; i < 64; i++)
        host[i] = (float) i / 64;
    clg_manual_seed(d, 5);
    clg_tensor x = clg_upload(d, CLG_F32, CLG_SHAPE(8, 8), host);
    clg_tensor a = clg_var_value(v[0]), b = clg_var_value(v[1]), g[2];
    clg_tensor y = clg_matmul(x, clg_uniform(d, CLG_F32, CLG_SHAPE(8, 8), -1, 1));
    clg_tensor loss = clg_add(clg_sum(clg_mul(y, y), CLG_ALL, false),
                              clg_sum(clg_mul(clg_mul(a, a), b), CLG_ALL, false));
    clg_status st = clg_grad_n(loss, (clg_tensor[]) { a, b }, 2, g);
    if (st >= 0)
        st = clg_assign_n(v, (clg_tensor[]) { clg_add(a, g[0]), clg_add(b, clg_mul_scalar(g[1], 2)) }, 2);
    if (st >= 0)
        st = clg_eval(loss, y);
    for (int i = 0; i < 2 && st >= 0; i++) { // one plan for two places
        clg_tensor half = clg_slice(y, 0, 4 * i, 4 * i + 4, 1);
        st = clg_read(clg_sub(clg_softmax(half, 1), clg_tanh(half)), got + 32 * i, 32 * sizeof *got);
    }
    for (int i = 0; i < 2 && st >= 0; i++)
        st = clg_read(clg_var_value(v[i]), got + 64 + 3 * i, 3 * sizeof *got);
    clg_scope_pop(s);
    return st;
}

static void expect(const char *what, long n, const char *name, const float *got, const float *want)
{
    ck_assert_msg(memcmp(got, want, BITS * sizeof *got) == 0, "%s, call %ld (%s): other bits", what, n, name);
}

// One call fails: another try gives the same bits. fresh: the plans are made anew.
static void one_enqueue_fails(const float *want, int fresh)
{
    static const int codes[] = { -4, OUT_OF_RESOURCES, -6, WORK_GROUP_SIZE };
    const char *name;
    float got[BITS];
    long n = 1;
    for (;; n++) {
        set_vars(1);
        if (fresh)
            clg_device_trim(dev);
        fault_only(enqueues, codes[n % 4]);
        fault_arm(n, 0);
        const clg_status st = scenario(dev, var, got);
        const long hit = fault_fired(&name);
        fault_only(NULL, 0);
        fault_arm(0, 0);
        ck_assert_msg(st >= 0, "once, call %ld (%s): %s", n, name, clg_error(dev, st));
        expect("once", n, name, got, want);
        if (!hit)
            break;
    }
    printf("%ld enqueues failed once\n", n - 1);
    ck_assert_int_gt(n, fresh ? 40 : 15);
}

// All fail from one on: an error, nothing changed, and the same work succeeds when they do.
static void enqueues_keep_failing(const float *want, int fresh)
{
    static const int codes[] = { -4, OUT_OF_RESOURCES, -6, WORK_GROUP_SIZE };
    const char *name;
    float got[BITS];
    for (long n = 1;; n++) {
        const int code = codes[n % 4];
        set_vars(1);
        if (fresh)
            clg_device_trim(dev);
        fault_only(code == WORK_GROUP_SIZE ? "clEnqueueNDRangeKernel" : enqueues, code);
        fault_arm(n, 1);
        clg_status st = scenario(dev, var, got);
        const long hit = fault_fired(&name);
        fault_only(NULL, 0);
        fault_arm(0, 0);
        if (!hit) {
            ck_assert_int_ge(st, 0);
            if (code == WORK_GROUP_SIZE) // there are fewer launches
                continue;
            break;
        }
        const clg_status wanted = code == WORK_GROUP_SIZE ? CLG_EDEVICE : CLG_ENOMEM;
        ck_assert_msg(st == wanted && clg_error_status(dev) == st, "always, call %ld (%s): %d, expected %d: %s",
                      n, name, st, wanted, clg_error(dev, st));
        if (code == WORK_GROUP_SIZE)
            ck_assert_msg(strstr(clg_error(dev, st), "launch of ") && strstr(clg_error(dev, st), " items") &&
                              strstr(clg_error(dev, st), "CL_INVALID_WORK_GROUP_SIZE"),
                          "%s", clg_error(dev, st));
        clg_error_clear(dev);
        ck_assert_msg(clg_sync(dev) >= 0, "always, call %ld (%s): %s", n, name, clg_error(dev, 0));
        // a read that fails comes after its evaluation, which holds
        const double a = value_of(var[0]), b = value_of(var[1]);
        ck_assert_msg((a == 1 && b == 1) || (a == 3 && b == 3), "always, call %ld (%s): variables are %g, %g", n,
                      name, a, b);
        set_vars(1);
        st = scenario(dev, var, got);
        ck_assert_msg(st >= 0, "after call %ld (%s): %s", n, name, clg_error(dev, st));
        expect("after", n, name, got, want);
    }
}

START_TEST(enqueues_that_fail_harm_nothing)
{
    float want[BITS];
    const long before = held_blocks();
    open_device();
    ck_assert_int_ge(scenario(dev, var, want), 0);
    ck_assert(want[64] == 3 && want[69] == 3);
    for (int fresh = 0; fresh < 2; fresh++) {
        one_enqueue_fails(want, fresh);
        enqueues_keep_failing(want, fresh);
    }
    close_device();
    ck_assert_int_eq(fault_live(), 0);
    ck_assert_int_eq(fault_bad(), 0);
    ck_assert_int_eq(held_blocks(), before);
}
END_TEST

// Reads of verdicts among them: what was never judged does not stand, and what was judged wrong is not blamed later.
START_TEST(verdicts_that_cannot_be_had)
{
    const char *name;
    long hit = 1, failures = 0;
    open_device();
    for (long n = 1; hit; n++) {
        fault_only("clEnqueueRead clEnqueueMap clFlush", OUT_OF_RESOURCES);
        fault_arm(n, 1);
        clg_status st = watched();
        hit = fault_fired(&name);
        fault_only(NULL, 0);
        fault_arm(0, 0);
        failures += st < 0;
        clg_error_clear(dev);
        ck_assert_msg(value_of(var[0]) == 1 && value_of(var[1]) == 1, "verdicts, call %ld (%s): variables changed", n, name);
        st = watched();
        ck_assert_msg(st >= 0, "verdicts, after call %ld (%s): %s", n, name, clg_error(dev, st));
    }
    ck_assert_int_gt(failures, 5);
    close_device();
}
END_TEST

START_TEST(a_device_that_is_gone_stays_gone)
{
    float got[BITS];
    const char *name;
    for (long n = 1; n < 60; n += 7) {
        open_device();
        fault_only(enqueues, COMMAND_QUEUE);
        fault_arm(n, 0);
        const clg_status st = scenario(dev, var, got);
        const long hit = fault_fired(&name);
        fault_only(NULL, 0);
        fault_arm(0, 0);
        // an argument is not refused in this way: only that it is not tried again counts here
        ck_assert_int_eq(st, hit ? CLG_EDEVICE : CLG_OK);
        clg_error_clear(dev);
        if (hit) {
            ck_assert_int_eq(scenario(dev, var, got), CLG_EDEVICE);
            ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "the device failed earlier"));
            ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "CL_INVALID_COMMAND_QUEUE"));
            ck_assert_int_eq(clg_sync(dev), CLG_EDEVICE);
        }
        close_device();
    }
}
END_TEST

typedef struct worker {
    clg_device d;
    clg_var v[2];
    int failures, wrong;
} worker;

static void *work_of_one(void *arg)
{
    worker *w = arg;
    float got[BITS];
    for (int i = 0; i < 30; i++) {
        const clg_status st = scenario(w->d, w->v, got);
        w->failures += st < 0;
        w->wrong += st < 0 && st != CLG_ENOMEM;
        clg_error_clear(w->d);
    }
    return NULL;
}

// Recorders share queue, pool and programs: the failure of one holds no lock that the other wants.
START_TEST(failures_of_one_recorder_do_not_stop_another)
{
    worker w[2] = { { 0 } };
    pthread_t thread[2];
    float got[BITS];
    open_device();
    w[0].d = dev;
    ck_assert_int_ge(clg_device_open(&w[1].d, clg_device_params(.share = dev)), 0);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++)
            w[i].v[k] = clg_var_create(clg_ones(w[i].d, CLG_F32, CLG_SHAPE(3)));
        ck_assert_int_ge(clg_eval_assigned(w[i].d), 0);
    }
    for (int round = 0; round < 3; round++) {
        fault_only(enqueues, OUT_OF_RESOURCES);
        fault_arm(60 + 17 * round, round != 1);
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(pthread_create(&thread[i], NULL, work_of_one, &w[i]), 0);
        for (int i = 0; i < 2; i++)
            pthread_join(thread[i], NULL);
        fault_only(NULL, 0);
        fault_arm(0, 0);
        if (round != 1)
            ck_assert(w[0].failures > 0 && w[1].failures > 0);
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(w[i].wrong, 0);
            ck_assert_msg(scenario(w[i].d, w[i].v, got) >= 0, "%s", clg_error(w[i].d, 0));
        }
    }
    for (int k = 0; k < 2; k++) {
        clg_var_destroy(&w[0].v[k]);
        clg_var_destroy(&w[1].v[k]);
    }
    clg_device_close(&w[1].d);
    close_device();
    ck_assert_int_eq(fault_live(), 0);
}
END_TEST

// ---- variants that a device cannot build or launch

static const char *variant_taken(clg_device d)
{
    const clg__plan *p = ((const clg__sched *) d->sched)->newest;
    return p && p->n_steps && p->steps[0].variant ? p->steps[0].variant->name : "";
}

// What comes after it is taken, from then on and by all recorders, and gives the same bits. Where nothing is left, the
// error is that of the kernel, and the usual choice is taken when it works again.
START_TEST(variants_that_fail_are_struck)
{
    static const struct { int build, launch; clg_status status; } faults[] = {
        { -11, 0, CLG_EBUILD }, { 0, OUT_OF_RESOURCES, CLG_ENOMEM }, { 0, WORK_GROUP_SIZE, CLG_EDEVICE }
    };
    float want[3 * 70], got[3 * 70];
    const long before = held_blocks();
    open_device();
    if (!dev->caps->cpu_class) { // there is one variant
        close_device();
        return;
    }
    clg_device other;
    ck_assert_int_ge(clg_device_open(&other, clg_device_params(.share = dev)), 0);
    if (faults[_i].launch) { // that other has a plan of before
        ck_assert_int_ge(multiply(other, want), 0);
        ck_assert_str_eq(variant_taken(other), "cpu_thin");
    }
    fault_kernel("gemm", faults[_i].build, faults[_i].launch);
    ck_assert_int_eq(multiply(dev, got), faults[_i].status);
    clg_error_clear(dev);
    fault_kernel("gemm_thin", faults[_i].build, faults[_i].launch);
    for (int k = 0; k < 3; k++) {
        clg_device d = k == 1 ? other : dev;
        ck_assert_msg(multiply(d, got) >= 0, "%s", clg_error(d, 0));
        ck_assert_str_eq(variant_taken(d), "cpu_tile");
        if (k == 0 && !faults[_i].launch)
            memcpy(want, got, sizeof want);
        ck_assert_int_eq(memcmp(want, got, sizeof want), 0);
    }
    fault_kernel(NULL, 0, 0);
    ck_assert_int_ge(multiply(dev, got), 0);
    ck_assert_str_eq(variant_taken(dev), "cpu_tile"); // for as long as it is open
    clg_device_close(&other);
    close_device();
    open_device();
    fault_kernel("gemm", faults[_i].build, faults[_i].launch);
    ck_assert_int_eq(multiply(dev, got), faults[_i].status);
    fault_kernel(NULL, 0, 0);
    clg_error_clear(dev);
    ck_assert_int_ge(multiply(dev, got), 0);
    ck_assert_str_eq(variant_taken(dev), "cpu_thin");
    ck_assert_int_eq(memcmp(want, got, sizeof want), 0);
    close_device();
    ck_assert_int_eq(fault_live(), 0);
    ck_assert_int_eq(held_blocks(), before);
}
END_TEST

int main(int argc, char **argv)
{
    const bool calls = argc > 1 && strcmp(argv[1], "opencl") == 0;
    char error[1100] = "";
    clg_device_info *list;
    int count;
    json_set_alloc_funcs(counted_malloc, __wrap_free);
    if (!scratch_made(folder) || clg_device_list(&list, &count, error, sizeof error) < 0) {
        printf("skipped: %s\n", error);
        return 77;
    }
    clg_device_list_free(&list);
    if (calls && !find_layer()) {
        printf("skipped: the OpenCL loader has not loaded the layer of OPENCL_LAYERS\n");
        return 77;
    }
    snprintf(path, sizeof path, "%s/file", folder);
    Suite *s = suite_create("faults");
    TCase *c = tcase_create(calls ? "opencl" : "memory");
    if (calls) {
        tcase_add_test(c, opencl_calls_of_opening);
        tcase_add_test(c, enqueues_that_fail_harm_nothing);
        tcase_add_test(c, verdicts_that_cannot_be_had);
        tcase_add_test(c, a_device_that_is_gone_stays_gone);
        tcase_add_test(c, failures_of_one_recorder_do_not_stop_another);
        TCase *kernels = tcase_create("kernels");
        tcase_add_loop_test(kernels, variants_that_fail_are_struck, 0, 3);
        suite_add_tcase(s, kernels);
        tcase_add_loop_test(c, opencl_calls_of_work, 1, 5);
    } else {
        tcase_add_test(c, host_memory_of_files);
        tcase_add_test(c, host_memory_of_opening);
        tcase_add_loop_test(c, host_memory_of_work, 0, 6);
    }
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    unlink(path);
    rmdir(folder);
    return failed != 0;
}
