// SPDX-License-Identifier: MIT
// A convolution's kernels: of y, dx and dw, for images of two dimensions and of three.
#ifndef CLG_OPS_CONV_H
#define CLG_OPS_CONV_H

#include "ops/window.h"

enum { CLG__CONV_VARIANTS = 7, CLG__CONV_DIRECT_PARAMS = 4, CLG__CONV_DW_PARAMS = 2, CLG__CONV_WINOGRAD_PARAMS = 4,
       CLG__CONV_DEPTH_PARAMS = 1, CLG__CONV_LANES_PARAMS = 2 };
extern const clg__variant clg__conv_y_variants[], clg__conv_dx_variants[], clg__conv_dw_variants[];

// Kernels of the CPU class (conv_direct.c): lanes are output channels.
const char *clg__conv_direct_accepts_y(const clg__kernel_call *c);
const char *clg__conv_direct_accepts_dx(const clg__kernel_call *c);
const char *clg__conv_direct_accepts_dw(const clg__kernel_call *c);
void clg__conv_direct_y(const clg__kernel_call *c, clg__kplan *p);
void clg__conv_direct_dx(const clg__kernel_call *c, clg__kplan *p);
void clg__conv_direct_dw(const clg__kernel_call *c, clg__kplan *p);
extern const clg__param clg__conv_direct_params[], clg__conv_direct_dw_params[], clg__conv_winograd_params[],
    clg__conv_winograd_dw_params[], clg__conv_depth_params[], clg__conv_depth_dw_params[], clg__conv_lanes_params[];
// What forward costs a group, in vector operations: as conv_lanes.c has it.
double clg__conv_direct_cost(const clg__kernel_call *c);
// The second launch of both: adds up the chunks of `partial`, each [taps, groups, apart], of which o outputs count.
void clg__conv_dw_sum(clg__kplan *p, clg_dtype t, int partial, int64_t chunks, int64_t taps, int64_t groups, int64_t o,
                      int64_t apart);

// Weights in the order in which tiles of 16*nv outputs walk them, to scratch `packed` (cl/conv_pack.cl).
void clg__conv_pack(const clg__kernel_call *c, clg__kplan *p, const clg__window *w, bool back, int nv, int packed);
// Type and register tile: mr pixels of nv vectors of outputs.
void clg__conv_define_tile(clg__kplan *p, clg__launch *l, clg_dtype t, int mr, int nv, int64_t stride);

// Of 3x3 windows and stride 1, by fewer products (conv_winograd.c).
const char *clg__conv_winograd_accepts_y(const clg__kernel_call *c);
const char *clg__conv_winograd_accepts_dx(const clg__kernel_call *c);
const char *clg__conv_winograd_accepts_dw(const clg__kernel_call *c);
void clg__conv_winograd_y(const clg__kernel_call *c, clg__kplan *p);
void clg__conv_winograd_dx(const clg__kernel_call *c, clg__kplan *p);
void clg__conv_winograd_dw(const clg__kernel_call *c, clg__kplan *p);

// Of few outputs in a group (conv_lanes.c): lanes are pixels.
const char *clg__conv_lanes_accepts_y(const clg__kernel_call *c);
const char *clg__conv_lanes_accepts_dx(const clg__kernel_call *c);
const char *clg__conv_lanes_accepts_dw(const clg__kernel_call *c);
void clg__conv_lanes_y(const clg__kernel_call *c, clg__kplan *p);
void clg__conv_lanes_dx(const clg__kernel_call *c, clg__kplan *p);
void clg__conv_lanes_dw(const clg__kernel_call *c, clg__kplan *p);

// Of windows that do not overlap, as matrix products (conv_product.c).
const char *clg__conv_product_accepts(const clg__kernel_call *c);
void clg__conv_product_y(const clg__kernel_call *c, clg__kplan *p);
void clg__conv_product_dx(const clg__kernel_call *c, clg__kplan *p);
void clg__conv_product_dw(const clg__kernel_call *c, clg__kplan *p);

// Of depthwise ones (conv_depth.c): lanes are pixels.
const char *clg__conv_depth_accepts_y(const clg__kernel_call *c);
const char *clg__conv_depth_accepts_dx(const clg__kernel_call *c);
const char *clg__conv_depth_accepts_dw(const clg__kernel_call *c);
void clg__conv_depth_y(const clg__kernel_call *c, clg__kplan *p);
void clg__conv_depth_dx(const clg__kernel_call *c, clg__kplan *p);
void clg__conv_depth_dw(const clg__kernel_call *c, clg__kplan *p);

// What several plans ask.
size_t clg__div_up(int64_t a, int64_t b);
uint64_t clg__conv_flops(const clg__window *w);
// Backward-data as a convolution of the cotangent by turned weights, whose strides divide places instead.
clg__window clg__conv_mirrored(const clg__window *w);
// Why a kernel of the CPU class does not take these types and sizes, or NULL.
const char *clg__conv_cpu_takes(const clg__kernel_call *c);
#endif
