// SPDX-License-Identifier: MIT
// OpenBLAS: products in f32 and f64; those with a vector by its matrix-vector function too, whichever is faster.
// The core type that fits is chosen before it is loaded (peers.c).
#include "peers.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// In the header of OpenBLAS, not in others' cblas.h.
char *openblas_get_config(void);
char *openblas_get_corename(void);
void openblas_set_num_threads(int n);

typedef struct product {
    gemm_shape g;
    bool f64, vector;
    const void *a, *b;
    void *c;
    int threads;
} product;

static void one(const product *p, int64_t at)
{
    const gemm_shape *g = &p->g;
    const int m = (int) g->m, k = (int) g->k, n = (int) g->n;
    const int lda = g->ta ? m : k, ldb = g->tb ? k : n;
    const size_t a = (size_t) at * (size_t) m * (size_t) k, b = (size_t) at * (size_t) k * (size_t) n,
                 c = (size_t) at * (size_t) m * (size_t) n;
    const CBLAS_TRANSPOSE ta = g->ta ? CblasTrans : CblasNoTrans, tb = g->tb ? CblasTrans : CblasNoTrans;
    if (p->vector) { // c = a x with n 1, or c^T = b^T x with m 1
        const bool left = n == 1;
        const CBLAS_TRANSPOSE t = left ? ta : g->tb ? CblasNoTrans : CblasTrans;
        const int rows = left ? (g->ta ? k : m) : (g->tb ? n : k), columns = left ? (g->ta ? m : k) : (g->tb ? k : n);
        const size_t mat = left ? a : b, vec = left ? b : a;
        const void *matrix = left ? p->a : p->b, *vector = left ? p->b : p->a;
        if (p->f64)
            cblas_dgemv(CblasRowMajor, t, rows, columns, 1, (const double *) matrix + mat, columns,
                        (const double *) vector + vec, 1, 0, (double *) p->c + c, 1);
        else
            cblas_sgemv(CblasRowMajor, t, rows, columns, 1, (const float *) matrix + mat, columns,
                        (const float *) vector + vec, 1, 0, (float *) p->c + c, 1);
    } else if (p->f64) {
        cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, (const double *) p->a + a, lda, (const double *) p->b + b, ldb,
                    0, (double *) p->c + c, n);
    } else {
        cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, (const float *) p->a + a, lda, (const float *) p->b + b, ldb,
                    0, (float *) p->c + c, n);
    }
}

static int run(void *state, int times)
{
    const product *p = state;
    for (int i = 0; i < times; i++) {
        for (int64_t at = 0; at < p->g.batch; at++)
            one(p, at);
    }
    return 0;
}

static double seconds(product *p)
{
    struct timespec a, b;
    run(p, 1);
    clock_gettime(CLOCK_MONOTONIC, &a);
    run(p, 3);
    clock_gettime(CLOCK_MONOTONIC, &b);
    return (double) (b.tv_sec - a.tv_sec) + 1e-9 * (double) (b.tv_nsec - a.tv_nsec);
}

static void end(void *state)
{
    product *p = state;
    free(p->c);
    free(p);
}

static void *begin(const peer_problem *problem)
{
    const shape_case *s = problem->s;
    const gemm_shape *g = &s->gemm;
    if (s->kind != SHAPE_GEMM || (s->type != CLG_F32 && s->type != CLG_F64) || g->heads > 0 || !problem->a ||
        !problem->b)
        return NULL;
    product *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (product) { .g = *g, .f64 = s->type == CLG_F64, .a = problem->a, .b = problem->b };
    p->c = calloc((size_t) (g->batch * g->m * g->n), p->f64 ? 8 : 4);
    if (!p->c) {
        end(p);
        return NULL;
    }
    openblas_set_num_threads(problem->threads);
    if (g->m == 1 || g->n == 1) {
        const double whole = seconds(p);
        p->vector = true;
        p->vector = seconds(p) < whole;
    }
    return p;
}

static bool result(void *state, void *to)
{
    const product *p = state;
    memcpy(to, p->c, (size_t) (p->g.batch * p->g.m * p->g.n) * (p->f64 ? 8 : 4));
    return true;
}

static void version(char *to, size_t size)
{
    const char *config = openblas_get_config(); // "OpenBLAS 0.3.21 ..."
    config += strcspn(config, " ");
    config += *config == ' ';
    snprintf(to, size, "%.*s, kernels for %s", (int) strcspn(config, " "), config, openblas_get_corename());
}

const peer peer_openblas = { "OpenBLAS", version, begin, run, result, end, "cpu" };
