// SPDX-License-Identifier: MIT
// Depthwise convolutions of the CPU class, whose lanes are pixels: cl/conv_depth.cl, cl/conv_depth_dw.cl. A group
// has one channel of input and at most MOST of output: with more of them cl/conv_cpu.cl fills its lanes. Backward-data of
// strides from 2 on has up to FEW channels of input, which fill no lanes there, and any number of output: transposed
// convolutions that make a picture, for one.
#include "ops/conv.h"

#include "ops/element.h"
#include "ops/tile.h"

#include <math.h>

enum { VL = CLG__VL, MOST = 4, FEW = 8 };
enum { STRIP_BYTES = 28 << 10, AREA_BYTES = 128 << 10 }; // of the L1 cache; of a block's scratch memory

// Images of one row have whatever stride their columns have.
static clg__window squared(const clg__window *w)
{
    clg__window q = *w;
    if (q.in[CLG__H] == 1 && q.out[CLG__H] == 1 && q.k[CLG__H] == 1 && q.lo[CLG__H] == 0) {
        q.stride[CLG__H] = q.stride[CLG__W];
        q.dilation[CLG__H] = 1;
    }
    return q;
}

const clg__param clg__conv_depth_params[CLG__CONV_DEPTH_PARAMS] = { { "rows", "of results made together", 1, 4, true } };
const clg__param clg__conv_depth_dw_params[] = { { "taps", "kept in registers", 1, 32, false } };

// Rows of results that are made together, of each phase. Of backward-weights they follow from the shape alone, since
// sums follow from them.
static int best_rows(const clg__window *w, int up, size_t size, bool dw)
{
    const int64_t window = w->k[CLG__H] * w->k[CLG__W];
    const int most = (dw || up > 1 || window > 30 ? 2 : 4) / (size > 4 ? 2 : 1);
    return w->out[CLG__H] < most * up ? 1 : most;
}

static int rows_of(const clg__kernel_call *c, const clg__window *w, int up, size_t size)
{
    int rows = best_rows(w, up, size, false);
    while (rows > 1 && rows * up * up > clg__vectors_fit(c->caps, size, 4))
        rows /= 2;
    return clg__param_or(c, 0, rows);
}

// apart: backward-data of strides from 2 on
static const char *takes(const clg__kernel_call *c, const clg__window *w, bool apart)
{
    const char *why = clg__conv_cpu_takes(c);
    if (why)
        return why;
    if (apart ? w->c / w->groups > FEW || w->o == 0 : w->c != w->groups || w->o / w->groups > MOST)
        return apart ? "only few channels of input in a group" : "only one channel of input in a group, and few of output";
    if (w->in[CLG__D] != 1 || w->out[CLG__D] != 1 || w->k[CLG__D] != 1 || w->lo[CLG__D] != 0)
        return "only images of two dimensions";
    if (w->k[CLG__W] > 24 || w->k[CLG__H] * w->k[CLG__W] > 64)
        return "only small windows";
    if ((w->k[CLG__H] - 1) * w->dilation[CLG__H] > 64 || (w->k[CLG__W] - 1) * w->dilation[CLG__W] > 64)
        return "only small dilations";
    return w->stride[CLG__H] != w->stride[CLG__W] ? "only equal strides" : NULL;
}

// A block of results, and its scratch memory in bytes.
typedef struct block {
    int64_t rows, cols;
    size_t strip, made;
} block;

// Blocks of rows and columns; false: the smallest does not fit. `strips` input planes are held at a time.
static bool plan_block(const clg__window *w, const clg__caps *caps, size_t size, int r, int step, int up,
                       int64_t strips, block *best)
{
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W], row_unit = r * up, col_unit = VL * up;
    const int64_t rows_seen = ((row_unit - 1) * step + (w->k[CLG__H] - 1) * w->dilation[CLG__H]) / up + 2;
    const int64_t cols_seen = (up - 1 + (w->k[CLG__W] - 1) * w->dilation[CLG__W]) / up + 2;
    double least = INFINITY;
    for (int64_t cols = ow;; cols = (int64_t) clg__div_up((cols + 1) / 2, col_unit) * col_unit) {
        for (int64_t rows = oh;; rows = (int64_t) clg__div_up((rows + 1) / 2, row_unit) * row_unit) {
            const double height = (double) (((int64_t) clg__div_up(rows, row_unit) - 1) * r * step + rows_seen);
            const double pitch = (double) ((int64_t) (clg__div_up((int64_t) clg__div_up(cols, up), VL) * VL) +
                                           (int64_t) clg__div_up(cols_seen, step) + VL);
            const double strip = ((double) strips * height * step * pitch + VL) * (double) size;
            const double made = ((double) (clg__div_up(rows, row_unit) * (size_t) row_unit) *
                                     (double) (clg__div_up(cols, VL) * VL) + (double) (up > 2 ? up : 2) * VL) * (double) size;
            const double blocks = (double) (clg__div_up(oh, rows) * clg__div_up(ow, cols));
            const double planes = (double) (w->n * w->o);
            // elements that are copied for one result, and something for each row and block
            const double cost = ((double) strips * height * (pitch * step + 60) + 300) / (double) (rows * cols) *
                                (strip + made > STRIP_BYTES ? 1.2 : 1) * (1 + 4 / (blocks * planes));
            if (strip + made <= AREA_BYTES && strip + made <= (double) caps->local_bytes / 2 && cost < least) {
                least = cost;
                *best = (block) { rows, cols, (size_t) strip, (size_t) made };
            }
            if (rows <= row_unit)
                break;
        }
        if (cols <= col_unit)
            return least < INFINITY;
    }
}

static const char *accepts(const clg__kernel_call *c, const clg__window *seen, bool back)
{
    block b = { 0 };
    const clg__window w = squared(c->params);
    const int64_t stride = w.stride[CLG__W];
    const char *why = takes(c, &w, back && stride > 1);
    if (why)
        return why;
    if (stride > 4)
        return "only strides up to 4";
    // of images of few columns more lanes lie idle than of few channels
    const int64_t columns = (int64_t) clg__div_up(seen->out[CLG__W], stride), channels = w.c / w.groups;
    if (back && stride > 2 && !c->forced && 2 * channels * (int64_t) clg__div_up(columns, VL) > columns)
        return "another kernel is faster";
    const size_t size = clg__acc_size(c->out_dtype[0]);
    const int up = back ? (int) stride : 1;
    return plan_block(seen, c->caps, size, rows_of(c, seen, up, size), back ? 1 : (int) stride, up,
                      back ? w.o / w.groups : 1, &b) ? NULL : "the window does not fit the local memory";
}

const char *clg__conv_depth_accepts_y(const clg__kernel_call *c)
{
    const clg__window w = squared(c->params);
    return accepts(c, &w, false);
}

const char *clg__conv_depth_accepts_dx(const clg__kernel_call *c)
{
    const clg__window w = squared(c->params), q = clg__conv_mirrored(&w);
    return accepts(c, &q, true);
}

static void define_window(const clg__kernel_call *c, clg__kplan *p, clg__launch *l, const clg__window *w, int r,
                          int step, int up)
{
    clg__define_element(p, l, c->out_dtype[0]);
    clg__define_mad(p, l, c->out_dtype[0], true);
    clg__kplan_define(p, l, "TAPS_H", "%d", (int) w->k[CLG__H]);
    clg__kplan_define(p, l, "TAPS_W", "%d", (int) w->k[CLG__W]);
    // one tap has no distance: one text for all
    clg__kplan_define(p, l, "GAP_H", "%d", w->k[CLG__H] > 1 ? (int) w->dilation[CLG__H] : 1);
    clg__kplan_define(p, l, "GAP_W", "%d", w->k[CLG__W] > 1 ? (int) w->dilation[CLG__W] : 1);
    clg__kplan_define(p, l, "STRIDE", "%d", step);
    clg__kplan_define(p, l, "UP", "%d", up);
    clg__kplan_define(p, l, "ODD_H", "%d", (int) ((w->lo[CLG__H] % up + up) % up));
    clg__kplan_define(p, l, "ODD_W", "%d", (int) ((w->lo[CLG__W] % up + up) % up));
    clg__kplan_define(p, l, "R", "%d", r);
}

static void run(const clg__kernel_call *c, clg__kplan *p, const clg__window *w, bool back)
{
    block b = { 0 };
    const size_t size = clg__acc_size(c->out_dtype[0]);
    const int up = back ? (int) w->stride[CLG__W] : 1, step = back ? 1 : (int) w->stride[CLG__W];
    const int r = rows_of(c, w, up, size);
    const int64_t sums = back ? w->c / w->groups : 1;
    plan_block(w, c->caps, size, r, step, up, sums, &b);
    if (w->n == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, "conv_depth", "conv_depth");
    define_window(c, p, l, w, r, step, up);
    clg__kplan_define(p, l, "SUMS", "%d", (int) sums);
    for (int i = 0; i < 2; i++) {
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
    }
    clg__arg_out(p, l, 0);
    clg__arg_local(p, l, b.strip);
    clg__arg_local(p, l, b.made);
    CLG__ARG_BLOCK(p, l, "PART", { "rows", b.rows, false }, { "cols", b.cols, false }, { "back", back, false });
    clg__window_args(p, l, w);
    clg__arg_epilogue(p, l);
    const size_t blocks = clg__div_up(w->out[CLG__H], b.rows) * clg__div_up(w->out[CLG__W], b.cols);
    const size_t units = (size_t) (w->n * w->o) * blocks;
    clg__kplan_grid(l, units < 256 ? units : 256, 1, 1, 1, 1, 1);
    p->flops += clg__conv_flops(c->params);
}

void clg__conv_depth_y(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__window w = squared(c->params);
    run(c, p, &w, false);
}

void clg__conv_depth_dx(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__window w = squared(c->params), q = clg__conv_mirrored(&w);
    run(c, p, &q, true);
}

// ---- backward-weights

const char *clg__conv_depth_accepts_dw(const clg__kernel_call *c)
{
    block b = { 0 };
    const clg__window w = squared(c->params);
    const char *why = takes(c, &w, false);
    if (why)
        return why;
    const size_t size = clg__acc_size(c->out_dtype[0]);
    if (w.stride[CLG__W] > 4)
        return "only strides up to 4";
    if (size > 4 && w.k[CLG__W] > 12)
        return "only small windows";
    return plan_block(&w, c->caps, size, best_rows(&w, 1, size, true), (int) w.stride[CLG__W], 1, 1, &b)
               ? NULL : "the window does not fit the local memory";
}

void clg__conv_depth_dw(const clg__kernel_call *c, clg__kplan *p)
{
    block b = { 0 };
    const clg__window w = squared(c->params);
    const size_t size = clg__acc_size(c->out_dtype[0]);
    const int r = best_rows(&w, 1, size, true), step = (int) w.stride[CLG__W];
    const int taps = (int) (w.k[CLG__H] * w.k[CLG__W]), registers = clg__param_or(c, 0, clg__vectors_fit(c->caps, size, 7));
    plan_block(&w, c->caps, size, r, step, 1, 1, &b);
    int band = (int) w.k[CLG__H];
    while (band > 1 && (w.k[CLG__H] % band || band * w.k[CLG__W] > registers))
        band--;
    // Of few channels images are divided too; not by the machine, since sums follow.
    const int64_t most = w.n < 8 ? w.n : 8, wanted = (int64_t) clg__div_up(32, w.o);
    const size_t chunks = (size_t) (wanted < most ? wanted : most > 0 ? most : 1);
    const size_t outputs = clg__div_up(w.o, VL) * VL;
    const int partial = clg__kplan_temp(p, chunks * (size_t) taps * outputs * size);
    clg__launch *l = clg__kplan_kernel(p, "conv_depth_dw", "conv_depth_dw");
    define_window(c, p, l, &w, r, step, 1);
    clg__kplan_define(p, l, "BAND", "%d", band);
    for (int i = 0; i < 2; i++) {
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
    }
    clg__arg_temp(p, l, partial);
    clg__arg_local(p, l, b.strip);
    clg__arg_local(p, l, b.made);
    clg__arg_local(p, l, (size_t) taps * VL * size);
    CLG__ARG_BLOCK(p, l, "PART", { "rows", b.rows, false }, { "cols", b.cols, false },
                   { "outputs", (int64_t) outputs, false });
    clg__window_args(p, l, &w);
    clg__kplan_grid(l, (size_t) w.o, chunks, 1, 1, 1, 1);
    clg__conv_dw_sum(p, c->out_dtype[0], partial, (int64_t) chunks, taps, 1, w.o, (int64_t) outputs);
    p->flops += clg__conv_flops(c->params);
}
