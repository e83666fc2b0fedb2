// SPDX-License-Identifier: MIT
// Tiles of the direct convolutions of the CPU class: cl/conv_cpu.cl, cl/conv_dw_cpu.cl.
#include "ops/conv.h"

#include "ops/element.h"
#include "ops/tile.h"

#include <math.h>

enum { STRIP_BYTES = 192 << 10 }; // of the L2 cache, for input rows and for pixels
enum { VL = CLG__VL };            // lanes
enum { DW_MOST_APART = 16 << 20 }; // bytes of its sums over parts of the images
enum { PACK_CHANNELS = 8 };       // CHANNELS of cl/conv_pack.cl

const char *clg__conv_cpu_takes(const clg__kernel_call *c)
{
    if (!c->caps->cpu_class)
        return "for CPU-class devices";
    const size_t size = clg__acc_size(c->out_dtype[0]);
    if (size != 4 && size != 8)
        return "only what is computed in 32 or 64 bits";
    return clg__window_wide(c->params) ? "too many elements" : NULL;
}

clg__window clg__conv_mirrored(const clg__window *w)
{
    clg__window q = *w;
    q.c = w->o;
    q.o = w->c;
    for (int i = 0; i < CLG__SPATIAL; i++) {
        q.in[i] = w->out[i];
        q.out[i] = w->in[i];
        q.lo[i] = w->dilation[i] * (w->k[i] - 1) - w->lo[i];
    }
    return q;
}

uint64_t clg__conv_flops(const clg__window *w)
{
    return 2ull * (uint64_t) (w->n * w->o * clg__window_size(w->out)) *
           (uint64_t) (w->c / w->groups * clg__window_size(w->k));
}

void clg__conv_define_tile(clg__kplan *p, clg__launch *l, clg_dtype t, int mr, int nv, int64_t stride)
{
    clg__define_element(p, l, t);
    clg__define_mad(p, l, t, true);
    clg__kplan_define(p, l, "MR", "%d", mr);
    clg__kplan_define(p, l, "NV", "%d", nv);
    clg__kplan_define(p, l, "STRIDE", "%lld", (long long) stride);
}

// ---- forward and backward-data

typedef struct direct {
    int mr, nv;               // a tile: pixels of a row, vectors of outputs
    int64_t rows, cols;       // of pixels that a work-group makes
    int64_t channels, blocks; // of input at a time; of outputs by one work-group
    size_t strip, pixels, spare, taps; // bytes of local memory
    double cost;              // of one result of all outputs of a group
} direct;

const clg__param clg__conv_direct_params[CLG__CONV_DIRECT_PARAMS] = {
    { "pixels", "of a register tile", 1, 28, false },
    { "vectors", "of 16 outputs in a register tile", 1, 4, false },
    { "rows", "of results that a work-group makes", 1, 16, false },
    { "channels", "of input that a work-group holds", 1, 4096, false },
};
const clg__param clg__conv_direct_dw_params[CLG__CONV_DW_PARAMS] = {
    { "taps", "of a register tile", 1, 12, false },
    { "vectors", "of 16 outputs in a register tile", 1, 2, false },
};
enum { PIXELS, VECTORS, ROWS, CHANNELS, TAPS = 0 };

// Vector operations that a tap of one channel takes for `count` pixels side by side, of all outputs.
static double tile_cost(clg__tile t, int64_t count, int64_t outputs)
{
    return (double) clg__div_up(count, t.rows) * (double) clg__div_up(outputs, t.vectors * VL) *
           (t.rows * t.vectors + 0.1 * t.rows + t.vectors + 1);
}

// A tile of at most 28 accumulators of 64 bytes, or 12 of 128; `count` pixels of a row lie side by side. One of the
// usual tiles, since each takes a kernel of its own, unless too much of it would be made for nobody.
static void tile_of(const clg__kernel_call *c, int64_t count, int64_t outputs, size_t size, direct *d)
{
    enum { SUMS = 28, WIDE_SUMS = 12, MOST_VECTORS = 4 };
    const int64_t waste28 = (int64_t) clg__div_up(count, 28) * 28 - count;
    const int64_t waste14 = (int64_t) clg__div_up(count, 14) * 14 - count;
    const int64_t waste7 = (int64_t) clg__div_up(count, 7) * 7 - count;
    d->nv = size > 4 || outputs <= VL ? 1 : waste7 < waste14 && outputs > 2 * VL ? 4 : 2;
    d->mr = size > 4 ? WIDE_SUMS : d->nv == 4 ? 7 : d->nv == 2 || waste14 < waste28 ? 14 : 28;
    clg__tile fit = clg__tile_fit(c->caps, size, (clg__tile) { d->mr, d->nv });
    double least = 0.95 * tile_cost(fit, count, outputs);
    for (int nv = 1; nv <= (size > 4 ? 1 : MOST_VECTORS); nv++) {
        for (int mr = (size > 4 ? WIDE_SUMS : SUMS) / nv; mr > 0; mr--) {
            const clg__tile t = clg__tile_fit(c->caps, size, (clg__tile) { mr, nv });
            const double cost = tile_cost(t, count, outputs);
            if (cost < least) {
                least = cost;
                fit = t;
            }
        }
    }
    d->mr = clg__param_or(c, PIXELS, fit.rows);
    d->nv = clg__param_or(c, VECTORS, fit.vectors);
}

// Rows or columns of input that n results see, in phases of `up`.
static double seen(const clg__window *w, int i, int64_t n, int64_t step, int64_t up)
{
    const double taps = (double) (w->k[i] - 1) * (double) w->dilation[i];
    return floor(((double) (n - 1) * (double) step + (double) up - 1 + taps) / (double) up) + 1;
}

// The cost of one result in vector operations, infinite where the tile does not fit; local memory that it takes.
static double cost_of(const clg__window *w, bool back, const clg__caps *caps, size_t size, direct *d)
{
    const int64_t uh = back ? w->stride[CLG__H] : 1, uw = back ? w->stride[CLG__W] : 1;
    const int64_t ih = back || w->k[CLG__H] == 1 ? 1 : w->stride[CLG__H], iw = back ? 1 : w->stride[CLG__W];
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W], cg = w->c / w->groups;
    const double blocks = (double) clg__div_up(w->o / w->groups, d->nv * VL);
    const double area = (double) d->rows * (double) d->cols;
    const double tiles = (double) clg__div_up((int64_t) clg__div_up(d->cols, uw), d->mr) * d->mr; // of a row and phase
    const double height = seen(w, CLG__H, d->rows, ih, uh);
    const double width = seen(w, CLG__W, (int64_t) tiles, iw, 1) + (uw > 1) +
                         (seen(w, CLG__W, 1, 1, uw) - seen(w, CLG__W, 1, 1, 1));
    const double window = (double) w->k[CLG__D] * (double) w->k[CLG__H] * (double) w->k[CLG__W];
    const double bytes = (double) size, channels = (double) (d->channels * w->k[CLG__D]);
    const double strip = (channels * height * width + VL) * bytes, pixels = d->nv * VL * (area + VL) * bytes;
    const double spare = (d->mr * d->nv > VL ? d->mr * d->nv : VL) * VL * bytes;
    const double taps = (double) d->channels * window * 4;
    if (strip + pixels + spare + taps > (double) caps->local_bytes ||
        window * 8 + VL * VL * bytes > (double) caps->local_bytes)
        return INFINITY; // of the kernel, or of the one that packs the weights
    d->strip = (size_t) strip;
    d->pixels = (size_t) pixels;
    d->spare = (size_t) spare;
    d->taps = (size_t) taps;
    const double sums = window / (double) (uh * uw) * (back ? 1 / (double) w->stride[CLG__D] : 1) * (double) cg;
    const double rows = (double) oh / ((double) clg__div_up(oh, d->rows) * (double) d->rows);
    const double products = sums * (d->mr * d->nv + 0.1 * d->mr + d->nv) * blocks / d->mr * tiles * (double) uw /
                            (double) d->cols * (0.7 + 0.3 / rows);
    const double copies = ((double) (cg * w->k[CLG__D]) * height * (width / VL + 3) * 4 + 200) * blocks /
                          (double) d->blocks;
    // weights that do not stay in the cache from one work-group to the next
    const double weights = (double) cg * window * d->nv, held = weights * VL * bytes * (double) d->blocks;
    const double far = held + strip + pixels > (double) caps->cache_bytes * 0.75 ? weights * blocks * 4 : 0;
    const double again = (double) (clg__div_up(cg, d->channels) - 1) * d->nv * 2 * blocks;
    const double groups = (double) clg__div_up(oh, d->rows) * (double) clg__div_up(ow, d->cols) *
                          (double) (w->n * w->out[CLG__D] * w->groups) *
                          (double) clg__div_up((int64_t) blocks, d->blocks);
    const double cost = products + (copies + far) / area + d->nv * 6.0 * blocks + again +
                        sums * (double) (uh * uw) * 2 * blocks / area;
    // beyond a part of the L2 cache everything is slower; of few work-groups some cores get none
    return cost * (strip > STRIP_BYTES || pixels > STRIP_BYTES ? 4 : 1) * (1 + 2 / groups);
}

// Tiles for a convolution, seen forward or as a mirror; false: there are none that fit the local memory. How they
// are chosen has no influence on results.
static bool plan_direct(const clg__kernel_call *c, const clg__window *w, bool back, direct *best)
{
    const clg__caps *caps = c->caps;
    const size_t size = clg__acc_size(c->out_dtype[0]);
    const int only_rows = c->set[ROWS], only_channels = c->set[CHANNELS];
    const int64_t uw = back ? w->stride[CLG__W] : 1, oh = w->out[CLG__H], ow = w->out[CLG__W], cg = w->c / w->groups;
    direct d = { 0 };
    double least = INFINITY;
    tile_of(c, (int64_t) clg__div_up(ow, uw), w->o / w->groups, size, &d);
    const int64_t blocks = (int64_t) clg__div_up(w->o / w->groups, d.nv * VL), unit = d.mr * uw;
    for (d.channels = only_channels && only_channels < cg ? only_channels : cg;; d.channels = (d.channels + 1) / 2) {
        for (int64_t parts = 1;; parts += (parts + 1) / 2) {
            const int64_t share = (int64_t) clg__div_up((int64_t) clg__div_up(ow, parts), unit) * unit;
            d.cols = parts == 1 || share > ow ? ow : share;
            for (d.rows = only_rows && only_rows < oh ? only_rows : only_rows ? oh : 1; d.rows <= oh && d.rows <= 16; d.rows++) {
                for (d.blocks = 1;; d.blocks = 2 * d.blocks < blocks ? 2 * d.blocks : blocks) { // from one strip
                    direct now = d;
                    const double cost = cost_of(w, back, caps, size, &now);
                    if (cost < least) {
                        least = now.cost = cost;
                        *best = now;
                    }
                    if (d.blocks >= blocks || d.channels < cg)
                        break;
                }
                if (only_rows)
                    break;
            }
            if (share <= unit)
                break;
        }
        if (d.channels == 1 || only_channels || (least < INFINITY && best->strip <= STRIP_BYTES))
            return least < INFINITY;
    }
}

double clg__conv_direct_cost(const clg__kernel_call *c)
{
    const clg__window *w = c->params;
    direct d = { 0 };
    return plan_direct(c, w, false, &d) ? d.cost * (double) clg__window_size(w->out) * (double) w->n : INFINITY;
}

const char *clg__conv_direct_accepts_y(const clg__kernel_call *c)
{
    direct d = { 0 };
    const char *why = clg__conv_cpu_takes(c);
    if (why)
        return why;
    return plan_direct(c, c->params, false, &d)
               ? NULL : "the window does not fit the local memory";
}

const char *clg__conv_direct_accepts_dx(const clg__kernel_call *c)
{
    direct d = { 0 };
    const char *why = clg__conv_cpu_takes(c);
    if (why)
        return why;
    const clg__window q = clg__conv_mirrored(c->params);
    return plan_direct(c, &q, true, &d)
               ? NULL : "the window does not fit the local memory";
}

void clg__conv_pack(const clg__kernel_call *c, clg__kplan *p, const clg__window *w, bool back, int nv, int packed)
{
    const clg_dtype t = c->out_dtype[0];
    const size_t blocks = clg__div_up(w->o / w->groups, VL * nv), window = (size_t) clg__window_size(w->k);
    clg__launch *l = clg__kplan_kernel(p, "conv_pack", "conv_pack");
    clg__conv_define_tile(p, l, t, 1, nv, 1);
    clg__arg_in(p, l, 1);
    clg__arg_in_offset(p, l, 1);
    clg__arg_temp(p, l, packed);
    clg__arg_local(p, l, window * sizeof(int32_t));
    clg__arg_local(p, l, window * sizeof(int32_t));
    clg__arg_local(p, l, VL * VL * clg__acc_size(t));
    clg__arg_i32(p, l, back);
    clg__window_args(p, l, w);
    clg__kplan_grid(l, (size_t) w->groups * blocks, clg__div_up(w->c / w->groups, PACK_CHANNELS), 1, 1, 1, 1);
    l->prepares = 1 + 1;
}

static void run_direct(const clg__kernel_call *c, clg__kplan *p, const clg__window *w, bool back)
{
    direct d = { 0 };
    const clg_dtype t = c->out_dtype[0];
    plan_direct(c, w, back, &d);
    if (w->n == 0)
        return;
    const int nr = VL * d.nv;
    const size_t cg = (size_t) (w->c / w->groups), blocks = clg__div_up(w->o / w->groups, nr);
    const size_t packs = (size_t) w->groups * blocks;
    const size_t weights = packs * cg * (size_t) clg__window_size(w->k) * (size_t) nr;
    const int packed = clg__kplan_temp(p, weights * clg__acc_size(t));
    clg__conv_pack(c, p, w, back, d.nv, packed);
    clg__launch *l = clg__kplan_kernel(p, "conv_cpu", "conv");
    clg__conv_define_tile(p, l, t, d.mr, d.nv, back ? 1 : w->stride[CLG__W]);
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_temp(p, l, packed);
    clg__arg_out(p, l, 0);
    clg__arg_local(p, l, d.strip);
    clg__arg_local(p, l, d.pixels);
    clg__arg_local(p, l, d.spare);
    clg__arg_local(p, l, d.taps);
    CLG__ARG_BLOCK(p, l, "PART", { "rows", d.rows, false }, { "cols", d.cols, false }, { "per", d.blocks, false },
                   { "cb", d.channels, false }, { "back", back, false });
    clg__window_args(p, l, w);
    clg__arg_epilogue(p, l);
    clg__kplan_grid(l, clg__div_up(w->out[CLG__H], d.rows) * clg__div_up(w->out[CLG__W], d.cols),
                    (size_t) (w->n * w->out[CLG__D]), (size_t) w->groups * clg__div_up((int64_t) blocks, d.blocks),
                    1, 1, 1);
    p->flops += clg__conv_flops(c->params);
}

void clg__conv_direct_y(const clg__kernel_call *c, clg__kplan *p)
{
    run_direct(c, p, c->params, false);
}

void clg__conv_direct_dx(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__window q = clg__conv_mirrored(c->params);
    run_direct(c, p, &q, true);
}

// ---- backward-weights

// Rows and columns follow from the shape alone, since sums follow from them; so they are those of `best`, whatever fits
// the registers.
typedef struct dw_tiles {
    clg__tile best;
    int64_t rows, cols, planes;
    size_t strip, pixels;
} dw_tiles;

static bool plan_dw(const clg__window *w, const clg__caps *caps, size_t size, dw_tiles *d)
{
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W], planes = w->c / w->groups * w->k[CLG__D];
    d->best = (clg__tile) { 12, size > 4 || w->o / w->groups <= VL ? 1 : 2 };
    for (d->cols = ow;; d->cols = (d->cols + 1) / 2) {
        for (d->rows = oh; d->rows > 0; d->rows = d->rows > 1 ? (d->rows + 1) / 2 : 0) {
            const double plane = seen(w, CLG__H, d->rows, w->stride[CLG__H], 1) *
                                 seen(w, CLG__W, d->cols, w->stride[CLG__W], 1) * (double) size;
            const double pixels = ((double) (d->rows * d->cols) + VL) * d->best.vectors * VL * (double) size;
            const double fit = floor(STRIP_BYTES / plane);
            d->planes = fit > (double) planes ? planes : (int64_t) fit;
            if (d->planes == 0 || pixels > STRIP_BYTES)
                continue;
            d->strip = (size_t) ((double) d->planes * plane) + VL * size;
            d->pixels = (size_t) pixels;
            if (d->strip + d->pixels <= caps->local_bytes)
                return true;
        }
        if (d->cols == 1)
            return false;
    }
}

const char *clg__conv_direct_accepts_dw(const clg__kernel_call *c)
{
    dw_tiles d;
    const char *why = clg__conv_cpu_takes(c);
    return why ? why : plan_dw(c->params, c->caps, clg__acc_size(c->out_dtype[0]), &d)
               ? NULL : "the window does not fit the local memory";
}

void clg__conv_dw_sum(clg__kplan *p, clg_dtype t, int partial, int64_t chunks, int64_t taps, int64_t groups, int64_t o,
                      int64_t apart)
{
    clg__launch *l = clg__kplan_kernel(p, "conv_dw_sum", "conv_dw_sum");
    clg__define_element(p, l, t);
    clg__arg_temp(p, l, partial);
    clg__arg_out(p, l, 0);
    CLG__ARG_BLOCK(p, l, "PARTS", { "chunks", chunks, false }, { "taps", taps, false }, { "groups", groups, false },
                   { "O", o, false }, { "apart", apart, false });
    clg__kplan_grid(l, (size_t) (taps < 16 ? taps : 16), 1, 1, 1, 1, 1);
}

// Rows of a tile for `taps` that a work-group holds: fewer than `most` has, where the last tile would be made for nobody.
static int taps_of(clg__tile most, int64_t taps)
{
    int best = most.rows;
    double least = 0.95 * tile_cost(most, taps, 1);
    for (clg__tile t = most; t.rows > 0; t.rows--) {
        const double cost = tile_cost(t, taps, 1);
        if (cost < least) {
            least = cost;
            best = t.rows;
        }
    }
    return best;
}

void clg__conv_direct_dw(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__window *w = c->params;
    const clg_dtype t = c->out_dtype[0];
    dw_tiles d;
    plan_dw(w, c->caps, clg__acc_size(t), &d);
    const size_t taps = (size_t) (w->c / w->groups * clg__window_size(w->k));
    clg__tile fit = clg__tile_fit(c->caps, clg__acc_size(t), d.best);
    fit.rows = taps_of(fit, d.planes * clg__window_size(w->k) / w->k[CLG__D]);
    const int mr = clg__param_or(c, TAPS, fit.rows), nv = clg__param_or(c, VECTORS, fit.vectors);
    const size_t blocks = clg__div_up(w->o / w->groups, VL * nv), ob = blocks * VL * (size_t) nv;
    const size_t plane_blocks = clg__div_up(w->c / w->groups * w->k[CLG__D], d.planes);
    // A fixed number of chunks: the order of the sums must not depend on the machine. One chunk, where each would be
    // one image in one piece, adds up in the same order.
    const bool pieces = w->n > 8 || w->out[CLG__D] > 1 || d.rows < w->out[CLG__H] || d.cols < w->out[CLG__W];
    const bool one = w->n <= 1 || (!pieces && (size_t) w->groups * blocks * plane_blocks >= 16);
    const size_t apart = taps * (size_t) w->groups * ob * clg__acc_size(t);
    const size_t best_apart = apart / ob * clg__div_up(w->o / w->groups, VL * d.best.vectors) * VL * (size_t) d.best.vectors;
    size_t chunks = one ? 1 : w->n >= 8 ? 8 : (size_t) w->n;
    while (chunks > 1 && chunks * best_apart > DW_MOST_APART) // many weights are work enough for all cores
        chunks /= 2;
    const int partial = clg__kplan_temp(p, chunks * apart);
    clg__launch *l = clg__kplan_kernel(p, "conv_dw_cpu", "conv_dw");
    clg__conv_define_tile(p, l, t, mr, nv, w->stride[CLG__W]);
    for (int i = 0; i < 2; i++) {
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
    }
    clg__arg_temp(p, l, partial);
    clg__arg_local(p, l, d.strip);
    clg__arg_local(p, l, d.pixels);
    CLG__ARG_BLOCK(p, l, "PART", { "rows", d.rows, false }, { "cols", d.cols, false }, { "CB", d.planes, false });
    clg__window_args(p, l, w);
    clg__kplan_grid(l, chunks, (size_t) w->groups * blocks, plane_blocks, 1, 1, 1);
    clg__conv_dw_sum(p, t, partial, (int64_t) chunks, (int64_t) taps, w->groups, w->o / w->groups, (int64_t) ob);
    p->flops += clg__conv_flops(c->params);
}
