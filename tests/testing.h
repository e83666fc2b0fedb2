// SPDX-License-Identifier: MIT
// What the device tests share: one device per program, random data from a printed seed, comparison.
#ifndef CLG_TESTS_TESTING_H
#define CLG_TESTS_TESTING_H

#include "compare.h"
#include "host_state.h"

#include "checks.h"
#include <clgrad/clgrad.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static clg_device dev;
static uint64_t seed_state, first_seed;

// In [-1, 1)
static inline double rnd(void)
{
    seed_state = seed_state * 6364136223846793005u + 1442695040888963407u;
    return (double) (int64_t) seed_state * 0x1p-63;
}

static inline void fill(float *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        p[i] = (float) rnd();
}

static inline clg_tensor upload(clg_shape s, float *host)
{
    fill(host, clg_numel(s));
    return clg_upload(dev, CLG_F32, s, host);
}

// Each element within a part of its own size and of the size of what cancelled in it.
static inline void same_beside(const char *what, const float *got, const double *want, int64_t n,
                               double tolerance, double size)
{
    double *bound = malloc((size_t) (n + 1) * sizeof *bound);
    ck_assert_ptr_nonnull(bound);
    for (int64_t i = 0; i < n; i++)
        bound[i] = isfinite(want[i]) ? tolerance * (fabs(want[i]) + size) : 0;
    expect_within(what, CLG_F32, got, want, bound, n);
    free(bound);
}

static inline void same(const char *what, const float *got, const double *want, int64_t n,
                        double tolerance)
{
    same_beside(what, got, want, n, tolerance, 0);
}

static inline void ok(clg_status st)
{
    ck_assert_msg(st >= 0, "%s", clg_error(dev, st));
}

// All elements, in double where the device has it. The caller frees them.
static inline double *read_all(clg_tensor t)
{
    const int64_t n = clg_numel(t->shape);
    const bool wide = clg_device_get_info(dev)->fp64;
    double *out = calloc((size_t) n + 1, sizeof *out);
    float *few = calloc((size_t) n + 1, sizeof *few);
    ok(t->status);
    t = clg_cast(t, wide ? CLG_F64 : CLG_F32);
    ok(t->status);
    ok(wide ? clg_read(t, out, (size_t) n * sizeof *out) : clg_read(t, few, (size_t) n * sizeof *few));
    for (int64_t i = 0; i < n && !wide; i++)
        out[i] = (double) few[i];
    free(few);
    return out;
}

// PoCL, whatever the class of its kernels. What costs minutes of a compiler's time on each implementation is
// divided between them; CLGRAD_TEST_FULL=1, as in tools/check --all, leaves nothing out.
static inline bool on_pocl(void)
{
    return strstr(clg_device_get_info(dev)->platform, "Portable") != NULL;
}

static inline bool everything(void)
{
    return getenv("CLGRAD_TEST_FULL") != NULL;
}

// Of rounds that cost minutes of a compiler's time, one in `every`, and half of that on Mesa, whose compiler takes longest:
// the seed says which ones, the same for an hour, so that a run in another locale finds its kernels. With --all all of them.
static inline bool in_turn(int i, int every)
{
    return everything() || ((uint64_t) i + first_seed / 4096) % (uint64_t) (every * (on_pocl() ? 1 : 2)) == 0;
}

static inline int next_turn(void)
{
    static int n;
    return n++;
}

// At the head of a test: of those that say so, each run has one in `every`.
#define TAKES_TURNS(every)                                                                         \
    do {                                                                                           \
        if (!in_turn(next_turn(), every))                                                          \
            return;                                                                                \
    } while (0)

// PoCL with the kernels of GPUs: what is f32 there has been seen on Mesa's driver, which has no f64.
static inline bool only_wide(void)
{
    return on_pocl() && getenv("CLGRAD_CLASS") && !everything();
}

// Opens the device, runs the suite, closes; 77 where there is no device to test on.
static inline int run_suite(Suite *s)
{
    char error[1100] = "";
    seed_state = (uint64_t) time(NULL);
    if (getenv("CLGRAD_TEST_SEED"))
        seed_state = strtoull(getenv("CLGRAD_TEST_SEED"), NULL, 10);
    first_seed = seed_state;
    printf("CLGRAD_TEST_SEED=%llu\n", (unsigned long long) seed_state);
    if (!setlocale(LC_ALL, "") && getenv("LOCPATH")) {
        printf("there is no locale %s\n", getenv("LC_ALL"));
        return 1;
    }
    disturb(true);
    const clg_status st = clg_device_open(&dev, clg_device_params(.error = error, .error_size = sizeof error));
    disturb(false);
    if (st < 0) {
        printf("skipped: %s\n", error);
        return 77;
    }
    printf("device: %s\n", clg_device_get_info(dev)->name);
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    clg_device_close(&dev);
    return failed != 0;
}
#endif
