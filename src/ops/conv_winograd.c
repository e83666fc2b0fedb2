// SPDX-License-Identifier: MIT
// Convolutions by 3x3 windows of stride 1 with fewer products, CPU class: cl/conv_winograd.cl. Where this pays, and
// how the work is cut.
#include "ops/conv.h"

#include "ops/element.h"
#include "ops/tile.h"

enum { VL = CLG__VL, RESULTS = 4, PLACES = 6, POINTS = 36 }; // lanes; of a tile and dimension; of a tile
enum { SEG_MOST = 15 };             // tiles side by side: 62 pixels of 16 channels stay in the L1 cache
enum { SKEW = 5 * VL };             // keeps points out of one another's cache sets
enum { SOME_CHANNELS = 16 };        // of weights, transformed by a work-group
enum { WEIGHTS_MOST = 128 << 20 };  // bytes of transformed weights

typedef struct strips {
    int mr, nv;
    int64_t seg, parts, chunk, per;      // as in the kernel
    int64_t u_step, v_step, m_step;      // elements
    int64_t strip, spare;                // elements of local memory
} strips;

static int64_t up(int64_t a, int64_t b)
{
    return (int64_t) clg__div_up(a, b) * b;
}

// Costs are cycles of one core, measured: of a vector of 16 channels of a tile.
enum { INPUT = 420, OUTPUT = 300, WEIGHTS = 200 };
#define DIRECT_RATE 0.82 // products of the direct kernel in a cycle; of this one's tiles
#define TILE_RATE 0.88

const clg__param clg__conv_winograd_params[CLG__CONV_WINOGRAD_PARAMS] = {
    { "tiles", "of 4x4 results in a register tile", 1, 14, false },
    { "vectors", "of 16 outputs in a register tile", 1, 3, false },
    { "rows", "of tiles that a work-group makes", 1, 256, false },
    { "blocks", "of outputs that a work-group makes", 1, 64, false },
};
const clg__param clg__conv_winograd_dw_params[] = { { "channels", "of a register tile", 1, 8, true },
                                                    { "vectors", "of 16 outputs in a register tile", 1, 2, false } };
enum { TILES, VECTORS, ROWS, BLOCKS, CHANNELS = 0 };

// Of 32 registers of 64 bytes.
static void best_tile(int64_t outputs, strips *s)
{
    s->nv = outputs <= VL ? 1 : outputs > 2 * VL && outputs <= 3 * VL ? 3 : 2;
    s->mr = s->nv == 3 ? 9 : 14;
}

static void tile_of(const clg__kernel_call *c, int64_t outputs, strips *s)
{
    best_tile(outputs, s);
    const clg__tile fit = clg__tile_fit(c->caps, 4, (clg__tile) { s->mr, s->nv });
    s->mr = clg__param_or(c, TILES, fit.rows);
    s->nv = clg__param_or(c, VECTORS, fit.vectors);
}

static int64_t elements(const strips *s)
{
    return POINTS * (s->v_step + s->m_step) + s->strip + s->spare;
}

// The strips of one work-group, by a model of the costs; they have no influence on results. false: none fit.
static bool plan_strips(const clg__kernel_call *c, const clg__window *w, strips *best)
{
    const clg__caps *caps = c->caps;
    const int64_t cg = w->c / w->groups, og = w->o / w->groups, tiles_x = (int64_t) clg__div_up(w->out[CLG__W], RESULTS);
    const int64_t rows = w->n * (int64_t) clg__div_up(w->out[CLG__H], RESULTS), limit = (int64_t) caps->local_bytes / 4;
    const int64_t cached = (int64_t) caps->cache_bytes / 16 * 11 / 4; // elements that a work-group may hold
    strips s = { 0 };
    double least = 0;
    tile_of(c, og, &s);
    s.parts = (int64_t) clg__div_up(tiles_x, SEG_MOST);
    s.seg = (int64_t) clg__div_up(tiles_x, s.parts);
    const int64_t width = s.seg * RESULTS + 2, units = rows * s.parts, nr = s.nv * VL;
    const int64_t blocks = (int64_t) clg__div_up(og, nr), cores = caps->compute_units;
    const int64_t pixels = PLACES * width > RESULTS * RESULTS * s.seg ? PLACES * width : RESULTS * RESULTS * s.seg;
    s.strip = (pixels + VL) * VL;
    s.spare = VL * VL > 10 * width + 6 * VL ? VL * VL : 10 * width + 6 * VL;
    s.u_step = cg * nr + SKEW;
    const int64_t only = c->set[ROWS] < units ? c->set[ROWS] : units;
    for (s.chunk = only ? only : 1; s.chunk <= units && s.chunk * s.seg <= 256; s.chunk++) {
        const int64_t tiles = up(s.chunk * s.seg, s.mr);
        s.v_step = tiles * up(cg, VL) + SKEW;
        s.m_step = tiles * nr + SKEW;
        if (elements(&s) > limit || (least > 0 && elements(&s) > cached))
            break;
        for (s.per = c->set[BLOCKS] && c->set[BLOCKS] < blocks ? c->set[BLOCKS] : blocks;; s.per = (s.per + 1) / 2) {
            const int64_t splits = (int64_t) clg__div_up(blocks, s.per);
            const int64_t groups = (int64_t) clg__div_up(units, s.chunk) * splits * w->groups;
            const double read = 0.3 * POINTS * (double) (cg * nr) / VL; // weights, which come from far
            const double gemm = (double) (POINTS * cg * s.nv * tiles) / TILE_RATE + read;
            const double cost = (double) (s.chunk * s.seg) * ((double) clg__div_up(cg, VL) * INPUT +
                                                              (double) (s.per * s.nv) * OUTPUT) + (double) s.per * gemm;
            const double rounds = groups < 8 * cores ? (double) clg__div_up(groups, cores) : (double) groups / (double) cores;
            if (least == 0 || cost * rounds < least) {
                least = cost * rounds;
                *best = s;
            }
            if (s.per == 1 || c->set[BLOCKS])
                break;
        }
        if (only)
            break;
    }
    return least > 0;
}

// Are there fewer operations, all in all, than the direct form has? Of sizes alone, since a result's bits must not
// depend on the machine, and of one image, since a last, smaller batch is to find its kernels.
static bool pays(const clg__window *w)
{
    strips s = { 0 };
    const int64_t cg = w->c / w->groups, og = w->o / w->groups;
    best_tile(og, &s);
    const double out = (double) up(og, s.nv * VL) / VL, in = (double) clg__div_up(cg, VL);
    const double tiles = (double) clg__div_up(w->out[CLG__H], RESULTS) * (double) clg__div_up(w->out[CLG__W], RESULTS);
    const double pixels = (double) w->out[CLG__H] * (double) w->out[CLG__W];
    const double direct = pixels * (9 * (double) cg * out / DIRECT_RATE + out * 8) + 16 * (double) cg * out;
    const double fast = tiles * (POINTS * (double) cg * out / TILE_RATE + in * INPUT + out * OUTPUT) +
                        (double) cg * out * WEIGHTS;
    return fast < 0.9 * direct;
}

// What any of the three has to be.
static const char *takes(const clg__kernel_call *c, const clg__window *w)
{
    const char *why = clg__conv_cpu_takes(c);
    if (why)
        return why;
    if (c->caps->strict)
        return "CLGRAD_PRECISION=strict";
    if (!clg_dtype_is_float(c->out_dtype[0]) || clg__acc_size(c->out_dtype[0]) != 4)
        return "only what is computed in f32";
    if (w->nd != 2 || w->k[CLG__H] != 3 || w->k[CLG__W] != 3 || w->stride[CLG__H] != 1 || w->stride[CLG__W] != 1 ||
        w->dilation[CLG__H] != 1 || w->dilation[CLG__W] != 1)
        return "only windows of 3x3 and stride 1";
    // what the error's bound rests on, see docs/architecture.md
    if (w->c / w->groups < VL)
        return "few channels";
    return w->n == 0 ? "empty" : NULL;
}

static const char *accepts(const clg__kernel_call *c, const clg__window *w)
{
    strips s;
    const char *why = takes(c, w);
    if (why)
        return why;
    if (!c->forced && !pays(w))
        return "the direct form is faster";
    const int64_t packs = w->groups * (int64_t) clg__div_up(w->o / w->groups, VL);
    if ((double) packs * VL * POINTS * 4 * (double) (w->c / w->groups) > WEIGHTS_MOST)
        return "too many weights";
    return plan_strips(c, w, &s) ? NULL : "a row of tiles does not fit the local memory";
}

const char *clg__conv_winograd_accepts_y(const clg__kernel_call *c)
{
    return accepts(c, c->params);
}

const char *clg__conv_winograd_accepts_dx(const clg__kernel_call *c)
{
    const clg__window q = clg__conv_mirrored(c->params);
    return accepts(c, &q);
}

static void run(const clg__kernel_call *c, clg__kplan *p, const clg__window *w, bool back)
{
    strips s = { 0 };
    const clg_dtype t = c->out_dtype[0];
    plan_strips(c, w, &s);
    const int64_t cg = w->c / w->groups, nr = s.nv * VL, blocks = (int64_t) clg__div_up(w->o / w->groups, nr);
    const size_t packs = (size_t) (w->groups * blocks);
    const int packed = clg__kplan_temp(p, packs * (size_t) (cg * 9 * nr) * 4);
    const int weights = clg__kplan_temp(p, packs * (size_t) (POINTS * s.u_step) * 4);
    clg__conv_pack(c, p, w, back, s.nv, packed);
    clg__launch *l = clg__kplan_kernel(p, "conv_winograd_weights", "winograd_weights");
    clg__conv_define_tile(p, l, CLG_F32, 1, s.nv, 1);
    clg__arg_temp(p, l, packed);
    clg__arg_temp(p, l, weights);
    clg__arg_i32(p, l, (int32_t) cg);
    clg__arg_i32(p, l, SOME_CHANNELS);
    clg__arg_i32(p, l, (int32_t) s.u_step);
    clg__kplan_grid(l, packs, clg__div_up(cg, SOME_CHANNELS), 1, 1, 1, 1);
    l->prepares = 1 + 1;
    l = clg__kplan_kernel(p, "conv_winograd", "winograd");
    clg__conv_define_tile(p, l, t, s.mr, s.nv, 1);
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_temp(p, l, packed);
    clg__arg_temp(p, l, weights);
    clg__arg_out(p, l, 0);
    clg__arg_local(p, l, (size_t) (POINTS * s.v_step) * 4);
    clg__arg_local(p, l, (size_t) (POINTS * s.m_step) * 4);
    clg__arg_local(p, l, (size_t) s.strip * 4);
    clg__arg_local(p, l, (size_t) s.spare * 4);
    CLG__ARG_BLOCK(p, l, "STRIPS", { "seg", s.seg, false }, { "parts", s.parts, false }, { "chunk", s.chunk, false },
                   { "per", s.per, false }, { "u_step", s.u_step, false }, { "v_step", s.v_step, false },
                   { "m_step", s.m_step, false });
    clg__window_args(p, l, w);
    clg__arg_epilogue(p, l);
    clg__kplan_grid(l, clg__div_up(w->n * (int64_t) clg__div_up(w->out[CLG__H], RESULTS) * s.parts, s.chunk),
                    (size_t) w->groups * clg__div_up(blocks, s.per), 1, 1, 1, 1);
    p->flops += clg__conv_flops(c->params);
}

void clg__conv_winograd_y(const clg__kernel_call *c, clg__kplan *p)
{
    run(c, p, c->params, false);
}

void clg__conv_winograd_dx(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__window q = clg__conv_mirrored(c->params);
    run(c, p, &q, true);
}

// ---- backward-weights

enum { DW_MR = 8, DW_HELD = 28, COTANGENT = 330, GRADIENT = 500 };
enum { DW_CHUNKS = 8, DW_GROUPS = 16 };     // of tiles, at most, where there are fewer work-groups otherwise
enum { DW_IMAGES = 8 };                     // for which the choice is made, so that no batch changes it
#define DW_DIRECT_RATE 0.5

typedef struct dw_strips {
    int nv;
    int64_t seg, parts, held, ci, oi, v_step, z_step, strip;
    int64_t blocks, chunks; // pairs of channels and outputs
} dw_strips;

// Sizes follow from the shape alone: the order of sums must not depend on the machine.
static dw_strips dw_strips_of(const clg__window *w)
{
    dw_strips s = { .nv = w->o / w->groups <= VL ? 1 : 2 };
    const int64_t cg = w->c / w->groups, og = w->o / w->groups, tiles_x = (int64_t) clg__div_up(w->out[CLG__W], RESULTS);
    const int64_t units_y = (int64_t) clg__div_up(w->out[CLG__H], RESULTS), nr = s.nv * VL;
    s.parts = (int64_t) clg__div_up(tiles_x, SEG_MOST);
    s.seg = (int64_t) clg__div_up(tiles_x, s.parts);
    s.held = DW_HELD / s.seg > 1 ? DW_HELD / s.seg : 1;
    // about 32 channels and 64 outputs, as even as they come
    const int64_t c_blocks = cg > 40 ? (int64_t) clg__div_up(cg - 8, 2 * VL) : 1;
    const int64_t o_blocks = og > 6 * VL ? (int64_t) clg__div_up(og - 2 * VL, 4 * VL) : 1;
    s.ci = up((int64_t) clg__div_up(cg, c_blocks), DW_MR);
    s.oi = up((int64_t) clg__div_up(og, o_blocks), nr);
    s.v_step = s.held * s.seg * up(s.ci, VL) + SKEW;
    s.z_step = s.held * s.seg * s.oi + SKEW;
    s.strip = (PLACES * (s.seg * RESULTS + 2) + VL) * VL;
    s.blocks = w->groups * (int64_t) (clg__div_up(cg, s.ci) * clg__div_up(og, s.oi));
    const int64_t units = w->n * units_y * s.parts;
    for (s.chunks = 1; s.chunks < DW_CHUNKS && s.chunks * s.blocks < DW_GROUPS && s.chunks * s.held * 2 <= units;)
        s.chunks *= 2;
    return s;
}

const char *clg__conv_winograd_accepts_dw(const clg__kernel_call *c)
{
    const clg__window *w = c->params;
    const char *why = takes(c, w);
    if (why)
        return why;
    if (w->o / w->groups < VL)
        return "few outputs";
    const dw_strips s = dw_strips_of(w);
    const double cg = (double) (w->c / w->groups), og = (double) (w->o / w->groups), n = DW_IMAGES;
    const double in = (double) s.ci / VL, out = (double) s.oi / VL;
    const double blocks = (double) clg__div_up(w->c / w->groups, s.ci) * (double) clg__div_up(w->o / w->groups, s.oi);
    const double tiles = n * (double) (s.seg * s.parts) * (double) clg__div_up(w->out[CLG__H], RESULTS);
    const double fast = blocks * (tiles * (POINTS * (double) s.ci * out / 0.75 + in * INPUT + out * COTANGENT) +
                                  (double) s.ci * out * (GRADIENT + 36 * (double) s.chunks));
    const double direct = n * (double) (w->out[CLG__H] * w->out[CLG__W]) * 9 * cg * og / VL / DW_DIRECT_RATE;
    if (!c->forced && fast > 0.9 * direct)
        return "the direct form is faster";
    if ((double) (s.blocks * s.chunks * s.ci * s.oi) * POINTS * 4 > WEIGHTS_MOST)
        return "too many weights";
    return (POINTS * (s.v_step + s.z_step) + s.strip) * 4 <= (int64_t) c->caps->local_bytes
               ? NULL : "tiles do not fit the local memory";
}

void clg__conv_winograd_dw(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__window *w = c->params;
    const clg_dtype t = c->out_dtype[0];
    const dw_strips s = dw_strips_of(w);
    const size_t o_blocks = (size_t) w->groups * clg__div_up(w->o / w->groups, s.oi);
    const size_t c_blocks = clg__div_up(w->c / w->groups, s.ci);
    const clg__tile fit = clg__tile_fit(c->caps, 4, (clg__tile) { DW_MR, s.nv });
    const int rows = fit.rows >= 8 ? 8 : fit.rows >= 4 ? 4 : fit.rows >= 2 ? 2 : 1; // divides ci
    const int vectors = clg__param_or(c, VECTORS, fit.vectors);
    const int sums = clg__kplan_temp(p, (size_t) (s.chunks * s.blocks * s.ci * s.oi * POINTS) * 4);
    clg__launch *l = clg__kplan_kernel(p, "conv_winograd_dw", "winograd_dw");
    clg__conv_define_tile(p, l, t, clg__param_or(c, CHANNELS, rows), vectors < s.nv ? vectors : s.nv, 1);
    for (int i = 0; i < 2; i++) {
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
    }
    clg__arg_temp(p, l, sums);
    clg__arg_local(p, l, (size_t) (POINTS * s.v_step) * 4);
    clg__arg_local(p, l, (size_t) (POINTS * s.z_step) * 4);
    clg__arg_local(p, l, (size_t) s.strip * 4);
    CLG__ARG_BLOCK(p, l, "STRIPS", { "seg", s.seg, false }, { "parts", s.parts, false }, { "held", s.held, false },
                   { "ci", s.ci, false }, { "oi", s.oi, false }, { "v_step", s.v_step, false },
                   { "z_step", s.z_step, false });
    clg__window_args(p, l, w);
    clg__kplan_grid(l, (size_t) s.chunks, o_blocks, c_blocks, 1, 1, 1);
    l = clg__kplan_kernel(p, "conv_winograd_dw_sum", "winograd_dw_sum");
    clg__conv_define_tile(p, l, t, 1, 1, 1);
    clg__arg_temp(p, l, sums);
    for (int i = 0; i < 2; i++) {
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
    }
    clg__arg_out(p, l, 0);
    clg__arg_local(p, l, 9 * VL * VL * 4);
    clg__arg_local(p, l, POINTS * VL * 4);
    CLG__ARG_BLOCK(p, l, "SUMS", { "chunks", s.chunks, false }, { "ci", s.ci, false }, { "oi", s.oi, false });
    clg__window_args(p, l, w);
    clg__kplan_grid(l, 1, o_blocks, c_blocks, 1, 1, 1);
    p->flops += clg__conv_flops(c->params);
}
