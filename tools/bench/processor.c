// SPDX-License-Identifier: MIT
// Loops that keep one part of a core busy and nothing else, on every core at once.
#include "processor.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#ifdef __linux__
#include <sys/mman.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { CHAINS = 10, STEPS = 20000, MOST_THREADS = 256, TRIES = 5, HUGE_PAGE = 1 << 21 };

typedef struct job {
    double (*run)(const struct job *j, int k); // k: which repeat it is
    double (*loop)(double factor);
    const float *table;
    const uint32_t *places; // STEPS of them
    uint32_t mask;          // how many the table has, a power of two, less one
    int repeats, at;
    double result, seconds; // of processor time: who else runs here does not count
} job;

// Ten chains of one vector register each: a multiply-add takes about four cycles, and two start in each.
#define LOOP(name, bytes, type, chains, attributes)                                                \
    attributes static double name(double factor)                                                   \
    {                                                                                              \
        typedef type vec __attribute__((vector_size(bytes)));                                      \
        vec acc[chains], f = { 0 }, sum = { 0 };                                                   \
        for (int i = 0; i < (int) (bytes / sizeof(type)); i++)                                     \
            f[i] = (type) factor;                                                                  \
        for (int k = 0; k < chains; k++)                                                           \
            acc[k] = f + (type) k;                                                                 \
        for (int s = 0; s < STEPS; s++) {                                                          \
            for (int k = 0; k < chains; k++)                                                       \
                acc[k] = acc[k] * f + f;                                                           \
        }                                                                                          \
        for (int k = 0; k < chains; k++)                                                           \
            sum += acc[k];                                                                         \
        return (double) sum[0];                                                                    \
    }

#if defined(__GNUC__) && !defined(__clang__)
#define CONTRACT __attribute__((noinline, optimize("O3", "fp-contract=fast")))
#else
#define CONTRACT __attribute__((noinline))
#pragma STDC FP_CONTRACT ON
#endif

LOOP(plain32, 16, float, CHAINS, CONTRACT)
LOOP(plain64, 16, double, CHAINS, CONTRACT)
LOOP(one32, 16, float, 1, CONTRACT)

// Of 32-bit numbers in 64-bit places, as a compiler sees it; the high half is the next one's factor.
CONTRACT static double plain_products(double factor)
{
    uint64_t acc[CHAINS], sum = 0;
    const uint32_t f = 0xcd9e8d57u + (uint32_t) (factor * 1000);
    for (int k = 0; k < CHAINS; k++)
        acc[k] = 0x9e3779b97f4a7c15u * (unsigned) (k + 1);
    for (int s = 0; s < STEPS; s++) {
        for (int k = 0; k < CHAINS; k++)
            acc[k] = (uint64_t) (uint32_t) (acc[k] >> 32) * f + 0x100000001u;
    }
    for (int k = 0; k < CHAINS; k++)
        sum += acc[k];
    return 1 + (double) (sum & 0xff);
}

#if defined(__x86_64__)

#define MUL_256 _mm256_mul_epu32
#define MUL_512 _mm512_mul_epu32
// The same in a register: compilers make three products of one where they do not know that the rest is zero.
#define PRODUCTS(name, bits, features)                                                             \
    CONTRACT __attribute__((target(features))) static double name(double factor)                   \
    {                                                                                              \
        typedef uint64_t vec __attribute__((vector_size(bits / 8)));                               \
        vec acc[CHAINS], sum = { 0 }, f = { 0 };                                                   \
        f += 0xcd9e8d57u + (uint32_t) (factor * 1000);                                             \
        for (int k = 0; k < CHAINS; k++)                                                           \
            acc[k] = (vec) { 0 } + 0x9e3779b97f4a7c15u * (unsigned) (k + 1);                       \
        for (int s = 0; s < STEPS; s++) {                                                          \
            for (int k = 0; k < CHAINS; k++)                                                       \
                acc[k] = (vec) MUL_##bits((__m##bits##i) (acc[k] >> 32),                \
                                                     (__m##bits##i) f) + 0x100000001u;             \
        }                                                                                          \
        for (int k = 0; k < CHAINS; k++)                                                           \
            sum += acc[k];                                                                         \
        return 1 + (double) (sum[0] & 0xff);                                                       \
    }

LOOP(avx2_32, 32, float, CHAINS, CONTRACT __attribute__((target("avx2,fma"))))
LOOP(avx2_64, 32, double, CHAINS, CONTRACT __attribute__((target("avx2,fma"))))
LOOP(avx2_one, 32, float, 1, CONTRACT __attribute__((target("avx2,fma"))))
PRODUCTS(avx2_products, 256, "avx2")
LOOP(avx512_32, 64, float, CHAINS, CONTRACT __attribute__((target("avx512f"))))
LOOP(avx512_64, 64, double, CHAINS, CONTRACT __attribute__((target("avx512f"))))
PRODUCTS(avx512_products, 512, "avx512f")
#endif

// Bytes of a vector register: 64, 32 or, of any CPU, 16.
static int width(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        return 64;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return 32;
#endif
    return 16;
}

static uint32_t hash(uint32_t x)
{
    x = (x * 0x9e3779b1u ^ x >> 15) * 0x85ebca77u;
    return x ^ x >> 13;
}

static void *one_thread(void *arg)
{
    job *j = arg;
    struct timespec a, b;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (int i = 0; i < j->repeats; i++)
        j->result += j->run(j, i);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    j->seconds = (double) (b.tv_sec - a.tv_sec) + 1e-9 * (double) (b.tv_nsec - a.tv_nsec);
    return NULL;
}

// The most per second that all threads together did; `each`: of one repeat.
static double most(int threads, job what, double each)
{
    double best = 0, sink = 0;
    threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
    for (int t = 0; t < TRIES; t++) {
        pthread_t id[MOST_THREADS];
        job jobs[MOST_THREADS];
        double rate = 0;
        int n = 0;
        for (; n < threads; n++) {
            jobs[n] = what;
            jobs[n].at = n;
            if (pthread_create(&id[n], NULL, one_thread, &jobs[n]) != 0)
                break;
        }
        for (int k = 0; k < n; k++) {
            pthread_join(id[k], NULL);
            sink += jobs[k].result;
            rate += each * what.repeats / jobs[k].seconds;
        }
        best = rate > best && sink > 0 ? rate : best;
    }
    return best;
}

static double registers(const job *j, int k)
{
    return j->loop(0.25 + 1e-3 * k); // converges: no denormals, no infinities
}

double processor_fma(int threads, bool f64)
{
    const int bytes = width();
    double (*loop)(double) = f64 ? plain64 : plain32;
#if defined(__x86_64__)
    if (bytes > 16)
        loop = bytes == 64 ? (f64 ? avx512_64 : avx512_32) : f64 ? avx2_64 : avx2_32;
#endif
    return most(threads, (job) { registers, loop, .repeats = 60 }, 2.0 * CHAINS * STEPS * (bytes / (f64 ? 8 : 4)));
}

double processor_products(int threads)
{
    const int bytes = width();
    double (*loop)(double) = plain_products;
#if defined(__x86_64__)
    if (bytes > 16)
        loop = bytes == 64 ? avx512_products : avx2_products;
#endif
    return most(threads, (job) { registers, loop, .repeats = 30 }, 1.0 * CHAINS * STEPS * (bytes / 8));
}

double processor_latency(void)
{
    double (*loop)(double) = one32;
#if defined(__x86_64__)
    if (width() > 16)
        loop = avx2_one;
#endif
    const double rate = most(1, (job) { registers, loop, .repeats = 60 }, STEPS);
    return rate > 0 ? 1 / rate : 0;
}

// Places are hashes of their number, and others in each repeat: a load waits for no other.
static double loads(const job *j, int k)
{
    const float *table = j->table;
    const uint32_t turn = hash((uint32_t) (j->at * 1000 + k)) & j->mask;
    float sum[8] = { 0 };
    for (int s = 0; s < STEPS; s += 8) {
        for (int i = 0; i < 8; i++)
            sum[i] += table[j->places[s + i] ^ turn];
    }
    return (double) (sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7]);
}

double processor_loads(int threads, size_t bytes)
{
    uint32_t n = 1;
    while (2 * (size_t) n * sizeof(float) <= bytes)
        n *= 2;
    const size_t whole = (n * sizeof(float) + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    float *table = aligned_alloc(HUGE_PAGE, whole);
    uint32_t *places = malloc(STEPS * sizeof *places);
    double rate = 0;
#if defined(MADV_HUGEPAGE)
    if (table && whole > HUGE_PAGE)
        madvise(table, whole, MADV_HUGEPAGE);
#endif
    for (uint32_t i = 0; table && i < n; i++)
        table[i] = 1 + (float) (i % 7);
    for (uint32_t i = 0; places && i < STEPS; i++)
        places[i] = hash(i) & (n - 1);
    if (table && places)
        rate = most(threads, (job) { loads, NULL, table, places, n - 1, .repeats = 50 }, STEPS);
    free(table);
    free(places);
    return rate;
}
