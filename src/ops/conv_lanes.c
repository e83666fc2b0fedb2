// SPDX-License-Identifier: MIT
// Convolutions of stride 1 with few outputs in a group, CPU class, whose lanes are pixels: cl/conv_lanes.cl,
// cl/conv_lanes_dw.cl. Backward-data is one of the cotangent by turned weights.
#include "ops/conv.h"
#include "ops/element.h"

#include <math.h>

enum { VL = CLG__VL, STRIP_BYTES = 192 << 10, FEW = 8 }; // of the L2 cache; outputs of a group

static const char *takes(const clg__kernel_call *c, const clg__window *w)
{
    const char *why = clg__conv_cpu_takes(c);
    if (why)
        return why;
    if (w->in[CLG__D] != 1 || w->k[CLG__D] != 1 || w->out[CLG__D] != 1 || w->stride[CLG__H] != 1 || w->stride[CLG__W] != 1)
        return "only images, and stride 1";
    return w->o / w->groups > FEW || w->o == 0 || w->c == 0 ? "more than a few outputs in a group" : NULL;
}

// ---- forward and backward-data

typedef struct lanes {
    int ob, nx;         // a register tile: outputs, vectors of pixels
    int64_t rows, cols; // of pixels that a work-group makes
    int64_t channels;   // that it holds at a time
    size_t strip, made, joined; // elements of local memory
} lanes;

static void tile_of(int64_t outputs, size_t size, lanes *d)
{
    d->ob = outputs <= 4 ? (int) outputs : 8;
    d->nx = (d->ob <= 3 ? 8 : d->ob == 4 ? 6 : 3) / (size > 4 ? 2 : 1);
}

static size_t up_to(int64_t n, int64_t of)
{
    return clg__div_up(n, of) * (size_t) of;
}

// Costs in vector operations of a work-group's rows and columns, infinite where they do not fit; local memory.
static double cost_of(const clg__window *w, const clg__caps *caps, size_t size, lanes *d)
{
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W], cg = w->c / w->groups, og = w->o / w->groups;
    const int64_t window = clg__window_size(w->k), tile = d->nx * VL;
    const int64_t pitch = d->cols + (w->k[CLG__W] - 1) * w->dilation[CLG__W];
    const int64_t height = d->rows + (w->k[CLG__H] - 1) * w->dilation[CLG__H];
    if ((double) d->channels * (double) height * (double) pitch * (double) size > STRIP_BYTES)
        return INFINITY;
    d->strip = (size_t) (d->channels * height * pitch + tile);
    d->made = (size_t) d->ob * up_to(d->rows * pitch, tile) + VL;
    d->joined = (size_t) (d->rows * d->cols + VL);
    if ((d->strip + d->made + d->joined) * size + (size_t) window * 4 > caps->local_bytes || d->made * size > STRIP_BYTES)
        return INFINITY;
    const double across = (double) clg__div_up(ow, d->cols), down = (double) clg__div_up(oh, d->rows);
    const double groups = across * down * (double) (w->n * w->groups);
    const double tiles = (double) clg__div_up((d->rows - 1) * pitch + d->cols, tile);
    const double again = (double) clg__div_up(cg, d->channels) * (2 * d->ob * d->nx + 10);
    const double products = tiles * ((double) (cg * window) * (d->ob * d->nx + 0.5 * d->nx + 2) + again);
    // of parts of rows each comes from elsewhere, and late
    const double row = (double) (pitch / VL) + (d->cols < ow ? 12 : 6);
    const double copies = ((double) (cg * height) + (double) (og * d->rows) * 2) * row * 4;
    return (products + copies + (double) window * 8 + 500) * across * down * (1 + 2 / groups);
}

// Rows, columns and channels that cost least, where the strips stay in the cache. They have no influence on results.
static bool plan_lanes(const clg__window *w, const clg__caps *caps, size_t size, lanes *best)
{
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W], cg = w->c / w->groups;
    lanes d = { 0 };
    double least = INFINITY;
    tile_of(w->o / w->groups, size, &d);
    for (d.channels = cg;; d.channels = (int64_t) clg__div_up(d.channels, 2)) {
        for (int64_t parts = 1; parts <= (ow + 31) / 32; parts += (parts + 1) / 2) {
            d.cols = (int64_t) clg__div_up(ow, parts);
            for (d.rows = 1; d.rows <= oh; d.rows++) {
                lanes now = d;
                const double cost = cost_of(w, caps, size, &now);
                if (cost == INFINITY)
                    break;
                if (cost < least) {
                    least = cost;
                    *best = now;
                }
            }
        }
        if (d.channels == 1)
            return least < INFINITY;
    }
}

static const char *accepts(const clg__kernel_call *c, const clg__window *w)
{
    lanes d;
    const char *why = takes(c, w);
    return why ? why : plan_lanes(w, c->caps, clg__acc_size(c->out_dtype[0]), &d) ? NULL
                                                                                 : "a row does not fit the local memory";
}

const char *clg__conv_lanes_accepts_y(const clg__kernel_call *c)
{
    return accepts(c, c->params);
}

const char *clg__conv_lanes_accepts_dx(const clg__kernel_call *c)
{
    const clg__window q = clg__conv_mirrored(c->params);
    return accepts(c, &q);
}

static void plan_tile(const clg__kernel_call *c, clg__kplan *p, const clg__window *w, bool back)
{
    const clg_dtype t = c->out_dtype[0];
    const size_t size = clg__acc_size(t);
    lanes d = { 0 };
    if (w->n == 0 || !plan_lanes(w, c->caps, size, &d))
        return;
    clg__launch *l = clg__kplan_kernel(p, "conv_lanes", "conv_lanes");
    clg__conv_define_tile(p, l, t, 1, 1, 1);
    clg__kplan_define(p, l, "OB", "%d", d.ob);
    clg__kplan_define(p, l, "NX", "%d", d.nx);
    clg__arg_buffers(p, l, 2, 1);
    clg__arg_local(p, l, d.strip * size);
    clg__arg_local(p, l, d.made * size);
    clg__arg_local(p, l, d.joined * size);
    clg__arg_local(p, l, (size_t) clg__window_size(w->k) * sizeof(int32_t));
    CLG__ARG_BLOCK(p, l, "PART", { "rows", d.rows, false }, { "cols", d.cols, false }, { "CB", d.channels, false },
                   { "back", back, false });
    clg__window_args(p, l, w);
    clg__arg_epilogue(p, l);
    clg__kplan_grid(l, clg__div_up(w->out[CLG__H], d.rows) * clg__div_up(w->out[CLG__W], d.cols), (size_t) w->n,
                    (size_t) w->groups, 1, 1, 1);
    p->flops += clg__conv_flops(c->params);
}

void clg__conv_lanes_y(const clg__kernel_call *c, clg__kplan *p)
{
    plan_tile(c, p, c->params, false);
}

void clg__conv_lanes_dx(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__window q = clg__conv_mirrored(c->params);
    plan_tile(c, p, &q, true);
}

// ---- backward-weights

typedef struct lanes_dw {
    int ob, tb;         // a register tile: outputs, taps
    int64_t rows, cols, channels; // that a work-group holds at a time
    size_t strip, gs, sums, taps; // elements of local memory
} lanes_dw;

static bool plan_lanes_dw(const clg__window *w, const clg__caps *caps, size_t size, lanes_dw *best)
{
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W], cg = w->c / w->groups, og = w->o / w->groups;
    const int64_t window = clg__window_size(w->k);
    const int64_t more_h = (w->k[CLG__H] - 1) * w->dilation[CLG__H], more_w = (w->k[CLG__W] - 1) * w->dilation[CLG__W];
    lanes_dw d = { .ob = og <= 4 ? (int) og : 4 };
    static const int most[] = { 0, 16, 10, 8, 6 };
    const int taps = most[d.ob] / (size > 4 ? 2 : 1);
    double least = INFINITY;
    for (d.channels = 1;; d.channels = 2 * d.channels < cg ? 2 * d.channels : cg) {
        const int64_t all = d.channels * window;
        d.tb = (int) clg__div_up(all, (int64_t) clg__div_up(all, taps)); // tiles of equal size
        d.tb = d.tb < taps / 2 ? taps / 2 : d.tb;
        for (d.cols = ow;; d.cols = (int64_t) clg__div_up(d.cols, 2)) {
            for (d.rows = 1;; d.rows = 2 * d.rows < oh ? 2 * d.rows : oh) {
                const int64_t pitch = d.cols + more_w, height = d.rows + more_h;
                const double strip = (double) d.channels * (double) height * (double) pitch + VL;
                const double gs = (double) d.ob * ((double) d.rows * (double) pitch + VL), bytes = (double) size;
                const double sums = (double) d.ob * (double) all * VL;
                if (strip * bytes <= STRIP_BYTES && gs * bytes <= STRIP_BYTES && sums * bytes <= STRIP_BYTES &&
                    (strip + gs + sums) * bytes + (double) all * 4 <= (double) caps->local_bytes) {
                    const double vectors = (double) clg__div_up((d.rows - 1) * pitch + d.cols, VL);
                    const double tiles = (double) clg__div_up(all, d.tb), width = (double) (pitch / VL) + 10;
                    const double products = tiles * (vectors * (d.ob * d.tb + 3) + d.ob * d.tb * 3 + 40) *
                                            ((strip + gs) * bytes > 28 << 10 ? 1.3 : 1);
                    const double copies = 2.5 * ((double) (d.channels * height) + (double) (d.ob * d.rows)) * width;
                    const double cost = (products + copies) * (double) clg__div_up(oh, d.rows) *
                                        (double) clg__div_up(ow, d.cols) * (double) clg__div_up(cg, d.channels);
                    if (cost < least) {
                        least = cost;
                        *best = d;
                        best->strip = (size_t) strip;
                        best->gs = (size_t) d.ob * up_to(d.rows * pitch, VL);
                        best->sums = (size_t) sums;
                        best->taps = (size_t) all;
                    }
                }
                if (d.rows >= oh)
                    break;
            }
            if (d.cols <= VL)
                break;
        }
        if (d.channels >= cg)
            return least < INFINITY;
    }
}

const char *clg__conv_lanes_accepts_dw(const clg__kernel_call *c)
{
    lanes_dw d;
    const char *why = takes(c, c->params);
    return why ? why : plan_lanes_dw(c->params, c->caps, clg__acc_size(c->out_dtype[0]), &d)
               ? NULL : "a row does not fit the local memory";
}

void clg__conv_lanes_dw(const clg__kernel_call *c, clg__kplan *p)
{
    enum { GROUPS = 32 }; // work-groups that are wanted
    const clg__window *w = c->params;
    const clg_dtype t = c->out_dtype[0];
    const size_t size = clg__acc_size(t);
    const int64_t og = w->o / w->groups, cg = w->c / w->groups, window = clg__window_size(w->k);
    lanes_dw d = { 0 };
    if (!plan_lanes_dw(w, c->caps, size, &d))
        return;
    const size_t o_blocks = (size_t) w->groups * clg__div_up(og, d.ob), c_blocks = clg__div_up(cg, d.channels);
    const size_t units = (size_t) w->n * clg__div_up(w->out[CLG__H], d.rows) * clg__div_up(w->out[CLG__W], d.cols);
    // A number of chunks that follows from the shape: the order of the sums must not depend on the machine.
    size_t chunks = clg__div_up(GROUPS, (int64_t) (o_blocks * c_blocks));
    chunks = chunks > units ? units : chunks;
    chunks = chunks < 1 ? 1 : chunks;
    const size_t apart = up_to(og, VL), taps = (size_t) (cg * window);
    const int partial = clg__kplan_temp(p, chunks * taps * (size_t) w->groups * apart * size);
    clg__launch *l = clg__kplan_kernel(p, "conv_lanes_dw", "conv_lanes_dw");
    clg__conv_define_tile(p, l, t, 1, 1, 1);
    clg__kplan_define(p, l, "OB", "%d", d.ob);
    clg__kplan_define(p, l, "TB", "%d", d.tb);
    clg__arg_buffers(p, l, 2, 0);
    clg__arg_temp(p, l, partial);
    clg__arg_local(p, l, d.strip * size);
    clg__arg_local(p, l, d.gs * size);
    clg__arg_local(p, l, d.sums * size);
    clg__arg_local(p, l, d.taps * sizeof(int32_t));
    CLG__ARG_BLOCK(p, l, "PART", { "rows", d.rows, false }, { "cols", d.cols, false }, { "CB", d.channels, false },
                   { "apart", (int64_t) apart, false });
    clg__window_args(p, l, w);
    clg__kplan_grid(l, chunks, o_blocks, c_blocks, 1, 1, 1);
    clg__conv_dw_sum(p, t, partial, (int64_t) chunks, (int64_t) taps, w->groups, og, (int64_t) apart);
    p->flops += clg__conv_flops(c->params);
}
