// SPDX-License-Identifier: MIT
// The multiply-adds that this CPU can do: enough independent chains in registers, on every core at once.
#include "measure.h"

#include <pthread.h>
#include <time.h>

enum { CHAINS = 10, STEPS = 20000, MOST_THREADS = 256, REPEATS = 60, TRIES = 5 };

typedef double (*fma_loop)(double factor);

// Ten chains of one vector register each: a multiply-add takes about four cycles, and two start in each.
#define LOOP(name, bytes, type, attributes)                                                        \
    attributes static double name(double factor)                                                   \
    {                                                                                              \
        typedef type vec __attribute__((vector_size(bytes)));                                      \
        vec acc[CHAINS], f = { 0 }, sum = { 0 };                                                   \
        for (int i = 0; i < (int) (bytes / sizeof(type)); i++)                                     \
            f[i] = (type) factor;                                                                  \
        for (int k = 0; k < CHAINS; k++)                                                           \
            acc[k] = f + (type) k;                                                                 \
        for (int s = 0; s < STEPS; s++) {                                                          \
            for (int k = 0; k < CHAINS; k++)                                                       \
                acc[k] = acc[k] * f + f;                                                           \
        }                                                                                          \
        for (int k = 0; k < CHAINS; k++)                                                           \
            sum += acc[k];                                                                         \
        return (double) sum[0];                                                                    \
    }

#if defined(__GNUC__) && !defined(__clang__)
#define CONTRACT __attribute__((noinline, optimize("O3", "fp-contract=fast")))
#else
#define CONTRACT __attribute__((noinline))
#pragma STDC FP_CONTRACT ON
#endif

LOOP(plain32, 16, float, CONTRACT)
LOOP(plain64, 16, double, CONTRACT)
#if defined(__x86_64__)
LOOP(avx2_32, 32, float, CONTRACT __attribute__((target("avx2,fma"))))
LOOP(avx2_64, 32, double, CONTRACT __attribute__((target("avx2,fma"))))
LOOP(avx512_32, 64, float, CONTRACT __attribute__((target("avx512f"))))
LOOP(avx512_64, 64, double, CONTRACT __attribute__((target("avx512f"))))
#endif

static fma_loop chosen(bool f64, int *lanes)
{
    int bytes = 16;
    fma_loop loop = f64 ? plain64 : plain32;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) {
        bytes = 64;
        loop = f64 ? avx512_64 : avx512_32;
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        bytes = 32;
        loop = f64 ? avx2_64 : avx2_32;
    }
#endif
    *lanes = bytes / (f64 ? 8 : 4);
    return loop;
}

typedef struct job {
    fma_loop loop;
    int repeats;
    double result, seconds; // of processor time: who else runs here does not count
} job;

static void *one_thread(void *arg)
{
    job *j = arg;
    struct timespec a, b;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (int i = 0; i < j->repeats; i++)
        j->result += j->loop(0.25 + 1e-3 * i); // converges: no denormals, no infinities
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    j->seconds = (double) (b.tv_sec - a.tv_sec) + 1e-9 * (double) (b.tv_nsec - a.tv_nsec);
    return NULL;
}

double fma_peak(int threads, bool f64)
{
    int lanes;
    const fma_loop loop = chosen(f64, &lanes);
    double best = 0, sink = 0;
    threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
    for (int t = 0; t < TRIES; t++) {
        pthread_t id[MOST_THREADS];
        job jobs[MOST_THREADS];
        double rate = 0;
        int n = 0;
        for (; n < threads; n++) {
            jobs[n] = (job) { loop, REPEATS, 0, 0 };
            if (pthread_create(&id[n], NULL, one_thread, &jobs[n]) != 0)
                break;
        }
        for (int k = 0; k < n; k++) {
            pthread_join(id[k], NULL);
            sink += jobs[k].result;
            rate += 2.0 * CHAINS * STEPS * REPEATS * lanes / jobs[k].seconds;
        }
        best = rate > best && sink > 0 ? rate : best;
    }
    return best;
}
