// SPDX-License-Identifier: MIT
// index_select and its transpose index_add, over [outer][axis or n][inner].
#ifndef CLG_OPS_GATHER_H
#define CLG_OPS_GATHER_H

#include "graph/op.h"

typedef struct clg__gather {
    int64_t outer, axis, n, inner;
} clg__gather;

// A launch of cl/gather.cl or cl/gather_cpu.cl, with what every kernel of these files is told.
clg__launch *clg__gather_kernel(const clg__kernel_call *c, clg__kplan *p, const char *file, const char *entry);
void clg__gather_sizes(const clg__kernel_call *c, clg__kplan *p, clg__launch *l); // and a grid of items, gather.cl
void clg__gather_rows(clg__kplan *p, clg__launch *l, const clg__gather *s, int64_t width); // gather_cpu.cl
// Into how many blocks of columns rows are cut, at most so many; and how wide they are.
int64_t clg__gather_blocks(const clg__gather *s, int64_t most, int64_t *width);

// Zeros [outer,axis,inner], to which rows of g [outer,n,inner] are added where index [n] says.
clg_tensor clg__index_add(clg_tensor g, clg_tensor index, int64_t axis);

// ops/index_add.c: over the sorted list, in time that grows with indices and rows together.
const char *clg__index_add_accepts_cpu(const clg__kernel_call *c);
const char *clg__index_add_accepts_gpu(const clg__kernel_call *c);
void clg__index_add_plan(const clg__kernel_call *c, clg__kplan *p);
const char *clg__index_add_accepts_lines(const clg__kernel_call *c);
void clg__index_add_lines(const clg__kernel_call *c, clg__kplan *p);
#endif
