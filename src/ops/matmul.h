// SPDX-License-Identifier: MIT
// A matrix product's node and its sizes, for the files that plan its kernels.
#ifndef CLG_OPS_MATMUL_H
#define CLG_OPS_MATMUL_H

#include "graph/build.h"
#include "ops/element.h"

// The node: a [batch.., M, K] with up to three batch dimensions, b [batch.., K, N], or [K, N] for all of them; any
// strides. Dimensions of the batch that are 1 in one operand are repeated. Those that params name are summed over, as
// part of K: 1 in the result.
enum { CLG__MATMUL_BATCH = 3, CLG__MATMUL_VARIANTS = 5, CLG__MATMUL_THIN_PARAMS = 1, CLG__MATMUL_CPU_PARAMS = 3 };

typedef struct clg__matmul_params {
    bool sum[CLG__MATMUL_BATCH];
    bool flat; // no node's: the columns of a batch, whose rows of A are the same, as those of one matrix; cpu_tile alone
} clg__matmul_params;

extern const clg__variant clg__matmul_variants[];

// The batch, in three dimensions: of the operands, and of the result.
typedef struct clg__matmul {
    int64_t all[CLG__MATMUL_BATCH], batch[CLG__MATMUL_BATCH], b, sums; // products: of batch, of what is summed over
    bool sum[CLG__MATMUL_BATCH];
    int m, n, k; // k of one matrix
    int flat;    // columns of one matrix, of all n; 0: n is of one
} clg__matmul;

// Dimension d of the batch of shape s, and of both operands'.
int64_t clg__matmul_dim(const clg_shape *s, int d);
int64_t clg__matmul_common_dim(const clg_shape *a, const clg_shape *b, int d);

clg__matmul clg__matmul_sizes(const clg__kernel_call *c);
bool clg__matmul_empty(const clg__matmul *s);
uint64_t clg__matmul_flops(const clg__matmul *s);
// Steps of input i along the batch dimensions, 0 where one matrix serves all, rows and columns.
void clg__matmul_strides(const clg__kernel_call *c, int i, int64_t to[CLG__MATMUL_BATCH + 2]);
// Steps of the result along the batch dimensions and rows; its columns are neighbours.
void clg__matmul_result(const clg__kernel_call *c, int64_t to[CLG__MATMUL_BATCH + 1]);
size_t clg__matmul_up(int64_t a, int64_t b); // a / b, rounded up

// Kernels of the CPU class (matmul_cpu.c).
const char *clg__matmul_accepts_thin(const clg__kernel_call *c);
const char *clg__matmul_accepts_tile(const clg__kernel_call *c);
const char *clg__matmul_accepts_packed(const clg__kernel_call *c);
void clg__matmul_thin(const clg__kernel_call *c, clg__kplan *p);
void clg__matmul_tile(const clg__kernel_call *c, clg__kplan *p);
void clg__matmul_packed(const clg__kernel_call *c, clg__kplan *p);
// Would its columns fill fewer vectors as those of one matrix, and can they? Then params may say so.
bool clg__matmul_better_flat(const clg__kernel_call *c);
void clg__matmul_cpu(const clg__kernel_call *c, clg__kplan *p); // the first of these that accepts
extern const clg__param clg__matmul_thin_params[], clg__matmul_tile_params[], clg__matmul_packed_params[];
#endif
