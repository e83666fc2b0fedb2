// SPDX-License-Identifier: MIT
// CLBlast: products in f32 and f64 on the OpenCL device that clgrad runs on, by its name; one call for a batch.
#define CL_TARGET_OPENCL_VERSION 120
#include "peers.h"

#include <CL/cl.h>
#include <clblast_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PLATFORMS = 16, MOST_DEVICES = 16 };

typedef struct product {
    gemm_shape g;
    bool f64;
    cl_context context;
    cl_command_queue queue;
    cl_mem a, b, c;
} product;

static cl_device_id find(const char *name)
{
    cl_platform_id platforms[MOST_PLATFORMS];
    cl_device_id devices[MOST_DEVICES];
    cl_uint np = 0, nd = 0;
    char text[512];
    if (clGetPlatformIDs(MOST_PLATFORMS, platforms, &np) != CL_SUCCESS)
        return NULL;
    for (cl_uint i = 0; i < np && i < MOST_PLATFORMS; i++) {
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, MOST_DEVICES, devices, &nd) != CL_SUCCESS)
            continue;
        for (cl_uint k = 0; k < nd && k < MOST_DEVICES; k++) {
            if (clGetDeviceInfo(devices[k], CL_DEVICE_NAME, sizeof text, text, NULL) == CL_SUCCESS &&
                strcmp(text, name) == 0)
                return devices[k];
        }
    }
    return NULL;
}

static int run(void *state, int times)
{
    product *p = state;
    const gemm_shape *g = &p->g;
    const size_t m = (size_t) g->m, k = (size_t) g->k, n = (size_t) g->n, batch = (size_t) g->batch;
    const CLBlastTranspose ta = g->ta ? CLBlastTransposeYes : CLBlastTransposeNo,
                           tb = g->tb ? CLBlastTransposeYes : CLBlastTransposeNo;
    const size_t lda = g->ta ? m : k, ldb = g->tb ? k : n;
    CLBlastStatusCode st = CLBlastSuccess;
    for (int i = 0; i < times && st == CLBlastSuccess; i++) {
        if (p->f64 && batch == 1)
            st = CLBlastDgemm(CLBlastLayoutRowMajor, ta, tb, m, n, k, 1, p->a, 0, lda, p->b, 0, ldb, 0, p->c, 0, n,
                              &p->queue, NULL);
        else if (p->f64)
            st = CLBlastDgemmStridedBatched(CLBlastLayoutRowMajor, ta, tb, m, n, k, 1, p->a, 0, lda, m * k, p->b, 0,
                                            ldb, k * n, 0, p->c, 0, n, m * n, batch, &p->queue, NULL);
        else if (batch == 1)
            st = CLBlastSgemm(CLBlastLayoutRowMajor, ta, tb, m, n, k, 1, p->a, 0, lda, p->b, 0, ldb, 0, p->c, 0, n,
                              &p->queue, NULL);
        else
            st = CLBlastSgemmStridedBatched(CLBlastLayoutRowMajor, ta, tb, m, n, k, 1, p->a, 0, lda, m * k, p->b, 0,
                                            ldb, k * n, 0, p->c, 0, n, m * n, batch, &p->queue, NULL);
    }
    return clFinish(p->queue) == CL_SUCCESS && st == CLBlastSuccess ? 0 : -1;
}

static void end(void *state)
{
    product *p = state;
    if (p->a)
        clReleaseMemObject(p->a);
    if (p->b)
        clReleaseMemObject(p->b);
    if (p->c)
        clReleaseMemObject(p->c);
    if (p->queue)
        clReleaseCommandQueue(p->queue);
    if (p->context)
        clReleaseContext(p->context);
    free(p);
}

static cl_mem filled(const product *p, size_t bytes, const void *from)
{
    return clCreateBuffer(p->context, CL_MEM_READ_WRITE | (from ? CL_MEM_COPY_HOST_PTR : 0), bytes,
                          (void *) (uintptr_t) from, NULL);
}

static void *begin(const peer_problem *problem)
{
    const shape_case *s = problem->s;
    const gemm_shape *g = &s->gemm;
    if (s->kind != SHAPE_GEMM || (s->type != CLG_F32 && s->type != CLG_F64) || g->heads > 0 || !problem->a ||
        !problem->b)
        return NULL;
    cl_device_id device = find(problem->device);
    product *p = device ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return NULL;
    p->g = *g;
    p->f64 = s->type == CLG_F64;
    const size_t size = (size_t) g->batch * (p->f64 ? 8 : 4), m = (size_t) g->m, k = (size_t) g->k, n = (size_t) g->n;
    p->context = clCreateContext(NULL, 1, &device, NULL, NULL, NULL);
    p->queue = p->context ? clCreateCommandQueue(p->context, device, 0, NULL) : NULL;
    if (p->queue) {
        p->a = filled(p, size * m * k, problem->a);
        p->b = filled(p, size * k * n, problem->b);
        p->c = filled(p, size * m * n, NULL);
    }
    if (p->a && p->b && p->c)
        return p;
    end(p);
    return NULL;
}

static bool result(void *state, void *to)
{
    const product *p = state;
    const size_t bytes = (size_t) (p->g.batch * p->g.m * p->g.n) * (p->f64 ? 8 : 4);
    return clEnqueueReadBuffer(p->queue, p->c, CL_TRUE, 0, bytes, to, 0, NULL, NULL) == CL_SUCCESS;
}

static void version(char *to, size_t size)
{
    snprintf(to, size, "by OpenCL"); // it does not tell its own
}

const peer peer_clblast = { "CLBlast", version, begin, run, result, end, "gpu" };
