// SPDX-License-Identifier: MIT
// The shapes that `clgrad bench` times, by families: shapes.txt, a line each (its head says how). What a peer
// (peers.h) needs to know of a case stands here too.
#ifndef CLG_BENCH_SHAPES_H
#define CLG_BENCH_SHAPES_H

#include <clgrad/base.h>

enum { SHAPE_NAME = 64, SHAPE_ERROR = 300, SHAPE_AXES = 3 };

typedef enum shape_kind { SHAPE_GEMM, SHAPE_CONV, SHAPE_CALL, SHAPE_OPTIM } shape_kind;
// Of a convolution its three directions; of a call the second one is the gradient for its first input.
typedef enum shape_part { PART_Y, PART_DX, PART_DW } shape_part;

// c = a b, each with m, k, n; ta: a lies as [k,m]
typedef struct gemm_shape {
    int64_t batch, m, k, n;
    bool ta, tb;
    int64_t heads; // above 0: the batch is as many heads of rows that lie [batch/heads, rows, heads, columns]
} gemm_shape;

// Axes from the outermost to the width; `axes` of them.
typedef struct conv_shape {
    int axes;
    int64_t n, c, o, groups;
    int64_t in[SHAPE_AXES], out[SHAPE_AXES];
    int window[SHAPE_AXES], stride[SHAPE_AXES], padding[SHAPE_AXES], dilation[SHAPE_AXES];
    bool transposed; // w is [c, o/groups, ...]
} conv_shape;

typedef struct shape_case {
    int family; // place in shape_families
    char name[SHAPE_NAME];
    int line;
    shape_kind kind;
    shape_part part;
    clg_dtype type;
    bool quick;
    gemm_shape gemm;
    conv_shape conv;
    int call;        // place in op_cases
    int taken;       // this input is read only as far as the result is long; -1: none
    bool linear;     // its gradient does not read the inputs
    char rule[12];   // of an optimizer
    int64_t elements, tensors;
    double flops, bytes; // of one run, the least possible; of calls they are known after work_begin
    double ops, loads, launches; // of calls, what the line says; as flops 0: nothing
} shape_case;

typedef struct shape_family {
    char name[SHAPE_NAME], what[SHAPE_ERROR];
} shape_family;

extern shape_case *shape_cases;
extern int shape_count;
extern shape_family *shape_families;
extern int shape_family_count;

// Reads the built-in lines, or the file that CLGRAD_SHAPES names; cases_open comes before. false: error says
// where and why.
bool shapes_open(char error[SHAPE_ERROR]);
void shapes_close(void);
int shapes_find_family(const char *name); // -1: there is none
#endif
