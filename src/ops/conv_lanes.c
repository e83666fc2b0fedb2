// SPDX-License-Identifier: MIT
// Convolutions with few outputs in a group, CPU class, whose lanes are pixels: cl/conv_lanes.cl, cl/conv_lanes_dw.cl.
// Backward-data, of stride 1, is one of the cotangent by turned weights.
#include "ops/conv.h"
#include "ops/element.h"

#include <math.h>

enum { VL = CLG__VL, STRIP_BYTES = 192 << 10, FEW = 8 }; // of the L2 cache; outputs of a group

static const char *takes(const clg__kernel_call *c, const clg__window *w)
{
    const char *why = clg__conv_cpu_takes(c);
    if (why)
        return why;
    if (w->in[CLG__D] != 1 || w->k[CLG__D] != 1 || w->out[CLG__D] != 1)
        return "only images";
    return w->o / w->groups > FEW || w->o == 0 || w->c == 0 ? "more than a few outputs in a group" : NULL;
}

// Taps whose places are a multiple of the stride apart see the same rows, those of their phase: every step-th tap.
static int64_t step_of(const clg__window *w, int i)
{
    int64_t a = w->stride[i], b = w->dilation[i];
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return w->stride[i] / a;
}

// Phases that a window's taps meet, and rows of one that n results see.
static int64_t phases(const clg__window *w)
{
    const int64_t h = step_of(w, CLG__H), v = step_of(w, CLG__W);
    return (h < w->k[CLG__H] ? h : w->k[CLG__H]) * (v < w->k[CLG__W] ? v : w->k[CLG__W]);
}

static int64_t seen(const clg__window *w, int i, int64_t n)
{
    const int64_t step = step_of(w, i);
    return n + (w->k[i] - 1) / step * (step * w->dilation[i] / w->stride[i]);
}

// What it takes to load a row of a phase: every third element and so on one by one.
static double row_cost(const clg__window *w, int64_t pitch)
{
    const int64_t stride = w->stride[CLG__W];
    return stride == 1 ? (double) (pitch / VL) : (double) clg__div_up(pitch, VL) * (stride == 2 ? 2 : 8);
}

// Several images at a time: one after another where a block is whole images, as many as there may be.
static int64_t more_images(const clg__window *w, int64_t rows, int64_t cols, int64_t images)
{
    return rows < w->out[CLG__H] || cols < w->out[CLG__W] || images >= w->n ? 0 : 2 * images < w->n ? 2 * images : w->n;
}

// ---- forward and backward-data

typedef struct lanes {
    int ob, nx;         // a register tile: outputs, vectors of pixels
    int64_t rows, cols; // of pixels that a work-group makes
    int64_t images;     // of which it makes these
    int64_t channels;   // that it holds at a time
    size_t strip, made, joined; // elements of local memory
    double cost;        // of a group, in vector operations
    bool fixed;         // nx is
} lanes;

const clg__param clg__conv_lanes_params[CLG__CONV_LANES_PARAMS] = {
    { "channels", "of input that a work-group holds", 1, 4096, false },
    { "images", "of which it makes the results together", 1, 64, false },
};
enum { CHANNELS, IMAGES };

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
    const int64_t window = clg__window_size(w->k), pitch = seen(w, CLG__W, d->cols), height = seen(w, CLG__H, d->rows);
    const int64_t held = phases(w) * height * d->images; // rows of a channel
    if ((double) d->channels * (double) held * (double) pitch * (double) size > STRIP_BYTES)
        return INFINITY;
    // vectors of pixels, in tiles of equal size where much of the last one would be nobody's
    const int64_t vectors = (int64_t) clg__div_up(((d->images - 1) * height + d->rows - 1) * pitch + d->cols, VL);
    const int64_t tiles = (int64_t) clg__div_up(vectors, d->nx);
    if (tiles * d->nx * 8 > vectors * 9 && !d->fixed)
        d->nx = (int) clg__div_up(vectors, tiles);
    const int64_t tile = d->nx * VL;
    d->strip = (size_t) (d->channels * held * pitch + tile);
    d->made = (size_t) d->ob * up_to(d->images * height * pitch, tile) + VL;
    d->joined = (size_t) (d->rows * d->cols + VL);
    if ((d->strip + d->made + d->joined) * size + (size_t) window * 4 > caps->local_bytes || d->made * size > STRIP_BYTES)
        return INFINITY;
    const double across = (double) clg__div_up(ow, d->cols), down = (double) clg__div_up(oh, d->rows);
    const double parts = (double) clg__div_up(w->n, d->images), groups = across * down * parts * (double) w->groups;
    const double again = (double) clg__div_up(cg, d->channels) * (2 * d->ob * d->nx + 10);
    // of fewer sums than these each product waits for the one before
    const double sums = d->ob * d->nx < 8 ? 8 : d->ob * d->nx;
    const double products = (double) tiles * ((double) (cg * window) * (sums + 0.5 * d->nx + 2) + again);
    // of parts of rows each comes from elsewhere, and late
    const double late = d->cols < ow ? 12 : 6;
    const double copies = (double) (cg * held) * (row_cost(w, pitch) + late) * 4 +
                          (double) (og * d->rows * d->images) * ((double) (pitch / VL) + late) * 8;
    return (products + copies + (double) window * 8 + 500) * across * down * parts * (1 + 2 / groups);
}

// Rows, columns and channels that cost least, where the strips stay in the cache. They have no influence on results.
static bool search(const clg__kernel_call *c, const clg__window *w, int nx, lanes *best)
{
    const clg__caps *caps = c->caps;
    const size_t size = clg__acc_size(c->out_dtype[0]);
    const int only_channels = c->set[CHANNELS], only_images = c->set[IMAGES];
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W], cg = w->c / w->groups;
    lanes d = { 0 };
    double least = INFINITY;
    tile_of(w->o / w->groups, size, &d);
    d.fixed = nx > 0;
    d.nx = nx > 0 ? nx : d.nx;
    for (d.channels = only_channels && only_channels < cg ? only_channels : cg;;
         d.channels = (int64_t) clg__div_up(d.channels, 2)) {
        for (int64_t parts = 1; parts <= (ow + 31) / 32; parts += (parts + 1) / 2) {
            d.cols = (int64_t) clg__div_up(ow, parts);
            for (d.rows = 1, d.images = !only_images ? 1 : only_images < w->n ? only_images : w->n; d.images;) {
                lanes now = d;
                const double cost = cost_of(w, caps, size, &now);
                if (cost == INFINITY)
                    break;
                if (cost < least) {
                    least = now.cost = cost;
                    *best = now;
                }
                if (d.rows < oh)
                    d.rows++;
                else
                    d.images = only_images ? 0 : more_images(w, d.rows, d.cols, d.images);
            }
        }
        if (d.channels == 1 || only_channels)
            return least < INFINITY;
    }
}

// Texts know the tile: it is that of a usual batch, so that a smaller one, the last of an epoch, needs no other text.
enum { USUAL = 64 };

static bool plan_lanes(const clg__kernel_call *c, const clg__window *w, lanes *best)
{
    clg__window usual = *w;
    usual.n = USUAL;
    return search(c, &usual, 0, best) && search(c, w, best->nx, best);
}

static const char *accepts(const clg__kernel_call *c, const clg__window *w)
{
    lanes d = { 0 };
    const char *why = takes(c, w);
    if (why)
        return why;
    if (!plan_lanes(c, w, &d))
        return "a row does not fit the local memory";
    // with strides it takes long to load what few taps see
    const bool strided = w->stride[CLG__H] > 1 || w->stride[CLG__W] > 1;
    return strided && !c->forced && d.cost > clg__conv_direct_cost(c) ? "another kernel is faster" : NULL;
}

const char *clg__conv_lanes_accepts_y(const clg__kernel_call *c)
{
    return accepts(c, c->params);
}

const char *clg__conv_lanes_accepts_dx(const clg__kernel_call *c)
{
    const clg__window q = clg__conv_mirrored(c->params);
    return q.stride[CLG__H] != 1 || q.stride[CLG__W] != 1 ? "only stride 1" : accepts(c, &q);
}

static void plan_tile(const clg__kernel_call *c, clg__kplan *p, const clg__window *w, bool back)
{
    const clg_dtype t = c->out_dtype[0];
    const size_t size = clg__acc_size(t);
    lanes d = { 0 };
    if (w->n == 0 || !plan_lanes(c, w, &d))
        return;
    clg__launch *l = clg__kplan_kernel(p, "conv_lanes", "conv_lanes");
    clg__conv_define_tile(p, l, t, 1, 1, w->stride[CLG__W]);
    clg__kplan_define(p, l, "OB", "%d", d.ob);
    clg__kplan_define(p, l, "NX", "%d", d.nx);
    clg__arg_buffers(p, l, 2, 1);
    clg__arg_local(p, l, d.strip * size);
    clg__arg_local(p, l, d.made * size);
    clg__arg_local(p, l, d.joined * size);
    clg__arg_local(p, l, (size_t) clg__window_size(w->k) * sizeof(int32_t));
    CLG__ARG_BLOCK(p, l, "PART", { "rows", d.rows, false }, { "cols", d.cols, false }, { "IB", d.images, false },
                   { "CB", d.channels, false }, { "back", back, false });
    clg__window_args(p, l, w);
    clg__arg_epilogue(p, l);
    clg__kplan_grid(l, clg__div_up(w->out[CLG__H], d.rows) * clg__div_up(w->out[CLG__W], d.cols),
                    clg__div_up(w->n, d.images), (size_t) w->groups, 1, 1, 1);
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
    int64_t rows, cols, images, channels; // that a work-group holds at a time
    size_t strip, gs, sums, taps; // elements of local memory
} lanes_dw;

// Costs in vector operations, infinite where it does not fit; local memory.
static double dw_cost(const clg__window *w, const clg__caps *caps, size_t size, lanes_dw *d)
{
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W], cg = w->c / w->groups, og = w->o / w->groups;
    const int64_t pitch = seen(w, CLG__W, d->cols), height = seen(w, CLG__H, d->rows);
    const int64_t held = phases(w) * height * d->images, all = d->channels * clg__window_size(w->k); // rows; taps
    const double strip = (double) d->channels * (double) held * (double) pitch + VL, bytes = (double) size;
    const double gs = (double) d->ob * ((double) (d->images * height) * (double) pitch + VL) + VL;
    const double sums = (double) d->ob * (double) all * VL;
    if (strip * bytes > STRIP_BYTES || gs * bytes > STRIP_BYTES || sums * bytes > STRIP_BYTES ||
        (strip + gs + sums) * bytes + (double) all * 4 > (double) caps->local_bytes)
        return INFINITY;
    d->strip = (size_t) strip;
    d->gs = (size_t) d->ob * up_to(d->images * height * pitch, VL) + VL;
    d->sums = (size_t) sums;
    d->taps = (size_t) all;
    const double vectors = (double) clg__div_up(((d->images - 1) * height + d->rows - 1) * pitch + d->cols, VL);
    const double tiles = (double) clg__div_up(all, d->tb), width = (double) (pitch / VL) + 10;
    const double products = tiles * (vectors * (d->ob * d->tb + 3) + d->ob * d->tb * 3 + 40) *
                            ((strip + gs) * bytes > 28 << 10 ? 1.3 : 1);
    const double copies = 2.5 * ((double) (d->channels * held) * (row_cost(w, pitch) + 10) +
                                 (double) (d->ob * d->rows * d->images) * width);
    const double units = (double) clg__div_up(oh, d->rows) * (double) clg__div_up(ow, d->cols) *
                         (double) clg__div_up(w->n, d->images);
    const double blocks = (double) clg__div_up(cg, d->channels);
    // of few work-groups some cores get none
    return (products + copies) * units * blocks *
           (1 + 2 / (units * blocks * (double) w->groups * (double) clg__div_up(og, d->ob)));
}

static bool search_dw(const clg__window *w, const clg__caps *caps, size_t size, int tb, lanes_dw *best)
{
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W], cg = w->c / w->groups, og = w->o / w->groups;
    lanes_dw d = { .ob = og <= 4 ? (int) og : 4 };
    static const int most[] = { 0, 16, 10, 8, 6 };
    const int taps = most[d.ob] / (size > 4 ? 2 : 1);
    double least = INFINITY;
    for (d.channels = 1;; d.channels = 2 * d.channels < cg ? 2 * d.channels : cg) {
        const int64_t all = d.channels * clg__window_size(w->k);
        d.tb = (int) clg__div_up(all, (int64_t) clg__div_up(all, taps)); // tiles of equal size
        d.tb = tb ? tb : d.tb < taps / 2 ? taps / 2 : d.tb;
        for (d.cols = ow;; d.cols = (int64_t) clg__div_up(d.cols, 2)) {
            for (d.rows = 1, d.images = 1; d.images;) {
                lanes_dw now = d;
                const double cost = dw_cost(w, caps, size, &now);
                if (cost < least) {
                    least = cost;
                    *best = now;
                }
                if (d.rows < oh)
                    d.rows = 2 * d.rows < oh ? 2 * d.rows : oh;
                else
                    d.images = cost < INFINITY ? more_images(w, d.rows, d.cols, d.images) : 0;
            }
            if (d.cols <= VL)
                break;
        }
        if (d.channels >= cg)
            return least < INFINITY;
    }
}

static bool plan_lanes_dw(const clg__window *w, const clg__caps *caps, size_t size, lanes_dw *best)
{
    clg__window usual = *w;
    usual.n = USUAL;
    return search_dw(&usual, caps, size, 0, best) && search_dw(w, caps, size, best->tb, best);
}

const char *clg__conv_lanes_accepts_dw(const clg__kernel_call *c)
{
    lanes_dw d;
    const char *why = accepts(c, c->params); // as forward: what it loads is the same
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
    const size_t units = clg__div_up(w->n, d.images) * clg__div_up(w->out[CLG__H], d.rows) * clg__div_up(w->out[CLG__W], d.cols);
    // A number of chunks that follows from the shape: the order of the sums must not depend on the machine.
    size_t chunks = clg__div_up(GROUPS, (int64_t) (o_blocks * c_blocks));
    chunks = chunks > units ? units : chunks;
    chunks = chunks < 1 ? 1 : chunks;
    const size_t apart = up_to(og, VL), taps = (size_t) (cg * window);
    const int partial = clg__kplan_temp(p, chunks * taps * (size_t) w->groups * apart * size);
    clg__launch *l = clg__kplan_kernel(p, "conv_lanes_dw", "conv_lanes_dw");
    clg__conv_define_tile(p, l, t, 1, 1, w->stride[CLG__W]);
    clg__kplan_define(p, l, "OB", "%d", d.ob);
    clg__kplan_define(p, l, "TB", "%d", d.tb);
    clg__arg_buffers(p, l, 2, 0);
    clg__arg_temp(p, l, partial);
    clg__arg_local(p, l, d.strip * size);
    clg__arg_local(p, l, d.gs * size);
    clg__arg_local(p, l, d.sums * size);
    clg__arg_local(p, l, d.taps * sizeof(int32_t));
    CLG__ARG_BLOCK(p, l, "PART", { "rows", d.rows, false }, { "cols", d.cols, false }, { "IB", d.images, false },
                   { "CB", d.channels, false }, { "apart", (int64_t) apart, false });
    clg__window_args(p, l, w);
    clg__kplan_grid(l, chunks, o_blocks, c_blocks, 1, 1, 1);
    clg__conv_dw_sum(p, t, partial, (int64_t) chunks, (int64_t) taps, w->groups, og, (int64_t) apart);
    p->flops += clg__conv_flops(c->params);
}
