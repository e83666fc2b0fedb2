// SPDX-License-Identifier: MIT
// How kernels are described before any OpenCL object exists: source, arguments, grid. Written by
// kernel ops (ops/) and by the code generator (codegen/), read by the scheduler.
#ifndef CLG_BASE_KPLAN_H
#define CLG_BASE_KPLAN_H

#include "base/err.h"
#include "base/str.h"

typedef enum clg__arg_kind {
    CLG__ARG_IN,    // buffer of input `index`
    CLG__ARG_IN_OFFSET, // first element of that input in its buffer, as long
    CLG__ARG_OUT,   // buffer of output `index`; outputs start at element 0
    CLG__ARG_TEMP,  // scratch `index` of this plan
    CLG__ARG_GEO,   // this plan's geometry table (global const long *)
    CLG__ARG_SCALAR, // a run-time number: input `index` (a SCALAR node), typed by `dtype`
    CLG__ARG_SEED,  // two ulongs follow each other: seed, counter of input `index`, a RANDOM node
    CLG__ARG_I32, CLG__ARG_I64,
    CLG__ARG_OFFSET, // a long, `i` now, of which positions index and also are parts
    CLG__ARG_LOCAL, // `i` bytes of local memory
    CLG__ARG_EPILOGUE // where the epilogue's own arguments go: clg__codegen_epilogue puts them here
} clg__arg_kind;

typedef struct clg__arg {
    clg__arg_kind kind;
    clg_dtype dtype; // SCALAR
    int index, also;
    int64_t i;
} clg__arg;

// Number `geo` of the geometry table is something and `by` times a position, which may differ from run to run.
typedef struct clg__term {
    int geo, position;
    int64_t by;
} clg__term;

enum { CLG__MAX_ARGS = 160, CLG__MAX_LAUNCHES = 12, CLG__MAX_TEMPS = 8 };

// A matrix product by CLBlast in place of a kernel: C[m,n] = A[m,k] B[k,n], row-major; inputs 0 and 1,
// output 0 of the op. Offsets come on top of the inputs' own.
typedef struct clg__blas {
    bool used, ta, tb;
    clg_dtype dtype;
    size_t m, n, k, lda, ldb, ldc;
    int64_t a_offset, b_offset;
} clg__blas;

typedef struct clg__launch {
    const char *file;  // "conv_cpu": cl/conv_cpu.cl; NULL: `text` is the whole source
    const char *entry; // kernel's name in the file, written there as NAME(entry); static storage
    clg__str defines;  // "#define MR 6\n..." pasted before the body
    clg__str text;     // generated source, in which the kernel is called NAME(entry)
    clg__arg *args;
    int n_args, cap_args;
    int dims;
    size_t grid[3];    // work-groups
    size_t group[3];   // work-items per group; 1,1,1 in the CPU class
    // 1 + the input that it brings into another order, or 0: what its temporaries then hold follows from that input and
    // the plan alone, so that a later run whose input is the same can do without it (sched/kept.c)
    int prepares;
    clg__blas blas;    // .used: no kernel
} clg__launch;

typedef struct clg__kplan {
    clg__err err; // sticky: the functions below do nothing once it is set
    const char *variant; // for the log
    clg__launch launches[CLG__MAX_LAUNCHES];
    int n_launches;
    size_t temp_bytes[CLG__MAX_TEMPS];
    int n_temps;
    int64_t *geo; // geometry table, copied to the device with the plan
    int n_geo, cap_geo;
    clg__term *terms; // by rising geo
    int n_terms, cap_terms;
    uint64_t flops;        // what one run computes: set by variants
    uint64_t bytes, least; // what it moves, and the least that it would: sched/traffic.c
} clg__kplan;

void clg__kplan_init(clg__kplan *p);
void clg__kplan_free(clg__kplan *p);
int clg__kplan_temp(clg__kplan *p, size_t bytes);                             // index of the scratch
void clg__kplan_moves(clg__kplan *p, int geo, int position, int64_t by); // position 0, or by 0: it does not
clg__launch *clg__kplan_kernel(clg__kplan *p, const char *file, const char *entry); // never NULL
void clg__kplan_define(clg__kplan *p, clg__launch *l, const char *name, const char *format, ...)
    CLG_PRINTF(4, 5);
void clg__kplan_grid(clg__launch *l, size_t gx, size_t gy, size_t gz, size_t ix, size_t iy,
                     size_t iz); // work-groups, then work-items per group
void clg__kplan_items(clg__launch *l, int64_t n); // n work-items, and some that are too many, in groups of 64
// The largest power of two, at most `most`, of which a square (squared) or a row of items is a group that the
// device can run.
int clg__kplan_side(int most, int max_work_group, bool squared);
// Arguments in the kernel's order.
void clg__arg_in(clg__kplan *p, clg__launch *l, int input);
void clg__arg_in_offset(clg__kplan *p, clg__launch *l, int input);
void clg__arg_out(clg__kplan *p, clg__launch *l, int output);
void clg__arg_temp(clg__kplan *p, clg__launch *l, int temp);
// The first n_in inputs, each with its offset, then the first n_out outputs.
void clg__arg_buffers(clg__kplan *p, clg__launch *l, int n_in, int n_out);
void clg__arg_geo(clg__kplan *p, clg__launch *l);
void clg__arg_scalar(clg__kplan *p, clg__launch *l, int input, clg_dtype t);
void clg__arg_seed(clg__kplan *p, clg__launch *l, int input);
void clg__arg_i32(clg__kplan *p, clg__launch *l, int32_t v);
void clg__arg_i64(clg__kplan *p, clg__launch *l, int64_t v);
void clg__arg_offset(clg__kplan *p, clg__launch *l, int64_t v, int position, int also);
void clg__arg_local(clg__kplan *p, clg__launch *l, size_t bytes);
void clg__arg_epilogue(clg__kplan *p, clg__launch *l);
// Whole numbers bound by name, of type int or, when wide, long: BLOCK becomes their declarations in this order,
// "int H, long W", and BLOCK_NAMES "H, W", to be passed on. What a kernel file lists under #ifndef BLOCK is for a file
// read alone: a name that it uses and that is not among these does not compile.
typedef struct clg__named {
    const char *name;
    int64_t value;
    bool wide;
} clg__named;
void clg__arg_block(clg__kplan *p, clg__launch *l, const char *block, const clg__named *v, size_t n);
// The same in the geometry table: two arguments instead of one for each number, of which some drivers make copies at
// every launch. BLOCK becomes the two, BLOCK_READ the definitions of the names, for the top of the kernel.
void clg__arg_table(clg__kplan *p, clg__launch *l, const char *block, const clg__named *v, size_t n);
int clg__kplan_geo(clg__kplan *p, int64_t v); // appends to the geometry table; the place
#define CLG__ARG_TABLE(p, l, block, ...)                                                           \
    clg__arg_table(p, l, block, (const clg__named[]) { __VA_ARGS__ },                              \
                   sizeof((const clg__named[]) { __VA_ARGS__ }) / sizeof(clg__named))
#define CLG__ARG_BLOCK(p, l, block, ...)                                                           \
    clg__arg_block(p, l, block, (const clg__named[]) { __VA_ARGS__ },                              \
                   sizeof((const clg__named[]) { __VA_ARGS__ }) / sizeof(clg__named))
#endif
