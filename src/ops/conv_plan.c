// SPDX-License-Identifier: MIT
// Which convolution kernel, and with what tiles.
#include "ops/conv.h"

#include "ops/element.h"

enum { STRIP_BYTES = 192 << 10 }; // of the L2 cache, for input rows
enum { DW_MR = 12, DW_NV = 2 };    // tile of backward-weights: taps, vectors of outputs

static size_t up(int64_t a, int64_t b)
{
    return (size_t) ((a + b - 1) / b);
}

// The tile of a CPU kernel: pixels of a row times vectors of outputs; 28 accumulators.
static void tile_of(int64_t ow, int64_t o, int *mr, int *nv)
{
    const int64_t waste14 = (int64_t) up(ow, 14) * 14 - ow, waste7 = (int64_t) up(ow, 7) * 7 - ow;
    *mr = waste7 < waste14 && o > 32 ? 7 : 14;
    *nv = *mr == 7 ? 4 : 2;
}

typedef struct direct {
    int mr, nv, rows;
    size_t strip, pixels, taps; // bytes of local memory
} direct;

// What output rows and columns see of the padded image.
static int64_t seen(const clg__window *w, int i, int64_t outputs)
{
    return (outputs - 1) * w->stride[i] + (w->k[i] - 1) * w->dilation[i] + 1;
}

// Bytes of a strip of input, more than any local memory where they are too many.
static size_t strip_bytes(int64_t c, int64_t height, int64_t width)
{
    const double bytes = (double) c * (double) height * (double) width * 4;
    return bytes < 1e9 ? (size_t) bytes : (size_t) 1e9;
}

// Tiles for a convolution seen forward; false: a row of input does not fit the local memory.
static bool plan_direct(const clg__window *w, const clg__caps *caps, direct *d)
{
    tile_of(w->out[CLG__W], w->o, &d->mr, &d->nv);
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W];
    const int64_t width = seen(w, CLG__W, (int64_t) up(ow, d->mr) * d->mr);
    d->taps = (size_t) (w->c * clg__window_size(w->k)) * sizeof(int32_t);
    for (d->rows = oh < 16 ? (int) oh : 16; d->rows > 0; d->rows--) {
        d->strip = strip_bytes(w->c * w->k[CLG__D], seen(w, CLG__H, d->rows), width);
        d->pixels = (size_t) d->nv * (up(d->rows * ow, 16) * 16 + (size_t) d->mr) * 16 * 4;
        if (d->strip <= STRIP_BYTES && d->strip + d->pixels + d->taps <= caps->local_bytes)
            return true;
    }
    return false;
}

// Backward-data as a forward convolution of the cotangent.
static bool mirrored(const clg__window *w, clg__window *q)
{
    *q = *w;
    q->c = w->o;
    q->o = w->c;
    bool can = true;
    for (int i = 0; i < CLG__SPATIAL; i++) {
        q->in[i] = w->out[i];
        q->out[i] = w->in[i];
        q->lo[i] = w->dilation[i] * (w->k[i] - 1) - w->lo[i];
        can &= w->stride[i] == 1 && q->lo[i] >= 0;
    }
    return can;
}

static const char *common(const clg__kernel_call *c, const clg__window *w)
{
    if (!c->caps->cpu_class)
        return "for CPU-class devices";
    if (clg__dtype_of(c->out_dtype[0])->as != CLG_F32)
        return "only what is computed in f32";
    if (w->groups != 1)
        return "only one group";
    if (clg__window_wide(w))
        return "too many elements";
    return w->stride[CLG__H] != w->stride[CLG__W] ? "only equal strides" : NULL;
}

static const char *accepts_y(const clg__kernel_call *c)
{
    direct d;
    const char *why = common(c, c->params);
    return why ? why : plan_direct(c->params, c->caps, &d) ? NULL : "a row of input is too large";
}

static const char *accepts_dx(const clg__kernel_call *c)
{
    direct d;
    clg__window q;
    const char *why = common(c, c->params);
    if (why)
        return why;
    if (!mirrored(c->params, &q))
        return "only stride 1 and padding below the window";
    return plan_direct(&q, c->caps, &d) ? NULL : "a row of the cotangent is too large";
}

static uint64_t flops(const clg__window *w)
{
    return 2ull * (uint64_t) (w->n * w->o * clg__window_size(w->out)) *
           (uint64_t) (w->c / w->groups * clg__window_size(w->k));
}

static void define_tile(clg__kplan *p, clg__launch *l, int mr, int nv, int stride)
{
    clg__kplan_define(p, l, "MR", "%d", mr);
    clg__kplan_define(p, l, "NV", "%d", nv);
    clg__kplan_define(p, l, "STRIDE", "%d", stride);
}

static void run_direct(const clg__kernel_call *c, clg__kplan *p, const clg__window *w, bool flip)
{
    direct d;
    plan_direct(w, c->caps, &d);
    if (w->n == 0)
        return;
    const int nr = 16 * d.nv;
    const size_t blocks = up(w->o, nr), taps = (size_t) (w->c * clg__window_size(w->k));
    const int packed = clg__kplan_temp(p, blocks * taps * (size_t) nr * 4);
    clg__launch *l = clg__kplan_kernel(p, "conv_pack", "conv_pack");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__kplan_define(p, l, "NV", "%d", d.nv);
    clg__arg_in(p, l, 1);
    clg__arg_in_offset(p, l, 1);
    clg__arg_temp(p, l, packed);
    clg__arg_i32(p, l, flip);
    clg__window_args(p, l, w);
    clg__kplan_grid(l, blocks, (size_t) w->c, 1, 1, 1, 1);
    l = clg__kplan_kernel(p, "conv_cpu", "conv");
    clg__define_element(p, l, c->out_dtype[0]);
    define_tile(p, l, d.mr, d.nv, (int) w->stride[CLG__H]);
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_temp(p, l, packed);
    clg__arg_out(p, l, 0);
    clg__arg_local(p, l, d.strip);
    clg__arg_local(p, l, d.pixels);
    clg__arg_local(p, l, d.taps);
    clg__arg_i32(p, l, d.rows);
    clg__window_args(p, l, w);
    clg__arg_epilogue(p, l);
    clg__kplan_grid(l, up(w->out[CLG__H], d.rows), (size_t) (w->n * w->out[CLG__D]), blocks, 1, 1, 1);
    p->flops += flops(w);
}

static void plan_y_direct(const clg__kernel_call *c, clg__kplan *p)
{
    run_direct(c, p, c->params, false);
}

static void plan_dx_direct(const clg__kernel_call *c, clg__kplan *p)
{
    clg__window q;
    mirrored(c->params, &q);
    run_direct(c, p, &q, true);
}

// ---- backward-weights

typedef struct dw_tiles {
    int rows, cb;
    size_t strip, pixels;
} dw_tiles;

static bool plan_dw_tiles(const clg__window *w, const clg__caps *caps, dw_tiles *d)
{
    const int64_t oh = w->out[CLG__H], ow = w->out[CLG__W], width = seen(w, CLG__W, ow);
    for (int64_t rows = oh; rows > 0; rows = rows > 1 ? (rows + 1) / 2 : 0) {
        const size_t row = strip_bytes(1, seen(w, CLG__H, rows), width);
        d->rows = (int) rows;
        d->pixels = up(rows * ow, 16) * 16 * (DW_NV * 16) * 4;
        d->cb = row ? (int) (STRIP_BYTES / row) : 0;
        d->cb = d->cb > w->c * w->k[CLG__D] ? (int) (w->c * w->k[CLG__D]) : d->cb;
        d->strip = (size_t) d->cb * row;
        if (d->cb > 0 && d->pixels <= STRIP_BYTES && d->strip + d->pixels <= caps->local_bytes)
            return true;
    }
    return false;
}

static const char *accepts_dw(const clg__kernel_call *c)
{
    dw_tiles d;
    const char *why = common(c, c->params);
    return why ? why : plan_dw_tiles(c->params, c->caps, &d) ? NULL : "a row of input is too large";
}

static void plan_dw_direct(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__window *w = c->params;
    dw_tiles d;
    plan_dw_tiles(w, c->caps, &d);
    const size_t taps = (size_t) (w->c * clg__window_size(w->k));
    const size_t blocks = up(w->o, 16 * DW_NV), ob = blocks * (16 * DW_NV);
    const size_t c_blocks = up(w->c * w->k[CLG__D], d.cb);
    // A fixed number of chunks: the order of the sums must not depend on the machine.
    const size_t chunks = w->n >= 8 ? 8 : w->n > 0 ? (size_t) w->n : 1;
    const int partial = clg__kplan_temp(p, chunks * taps * ob * 4);
    clg__launch *l = clg__kplan_kernel(p, "conv_dw_cpu", "conv_dw");
    clg__define_element(p, l, c->out_dtype[0]);
    define_tile(p, l, DW_MR, DW_NV, (int) w->stride[CLG__H]);
    for (int i = 0; i < 2; i++) {
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
    }
    clg__arg_temp(p, l, partial);
    clg__arg_local(p, l, d.strip);
    clg__arg_local(p, l, d.pixels);
    clg__arg_i32(p, l, d.rows);
    clg__arg_i32(p, l, d.cb);
    clg__window_args(p, l, w);
    clg__kplan_grid(l, chunks, blocks, c_blocks, 1, 1, 1);
    l = clg__kplan_kernel(p, "conv_dw_sum", "conv_dw_sum");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__arg_temp(p, l, partial);
    clg__arg_out(p, l, 0);
    clg__arg_i32(p, l, (int32_t) taps);
    clg__arg_i32(p, l, (int32_t) w->o);
    clg__arg_i32(p, l, (int32_t) ob);
    clg__arg_i32(p, l, (int32_t) chunks);
    clg__kplan_grid(l, taps < 16 ? taps : 16, 1, 1, 1, 1, 1);
    p->flops += flops(w);
}

// ---- the general kernel, any class

static const char *accepts_gpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? "for GPU-class devices" : NULL;
}

typedef enum use { USE_Y, USE_DX, USE_DW } use;

static void plan_general(const clg__kernel_call *c, clg__kplan *p, use u)
{
    static const char *const names[] = { "CONV_Y", "CONV_DX", "CONV_DW" };
    const clg__window *w = c->params;
    const int64_t og = w->o / w->groups, cg = w->c / w->groups, window = clg__window_size(w->k);
    const int64_t pixels = w->n * clg__window_size(w->out);
    const int64_t m = u == USE_DX ? cg : og;
    const int64_t n = u == USE_Y ? pixels : u == USE_DX ? w->n * clg__window_size(w->in) : cg * window;
    int parts = 1;
    if (u == USE_DW && pixels > 2048)
        parts = pixels / 2048 > 32 ? 32 : (int) (pixels / 2048);
    if (n == 0 || m == 0)
        return;
    const int64_t size = w->o * cg * window;
    const int temp = u == USE_DW ? clg__kplan_temp(p, (size_t) (size * parts) *
                                                          clg__acc_size(c->out_dtype[0])) : 0;
    clg__launch *l = clg__kplan_kernel(p, "conv_gpu", "conv");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__define_mad(p, l, c->out_dtype[0], false);
    clg__kplan_define(p, l, names[u], "1");
    // forward: a is w; backward-data: a is w; backward-weights: a is the cotangent
    const int a = u == USE_DW ? 0 : 1;
    clg__arg_in(p, l, a);
    clg__arg_in_offset(p, l, a);
    clg__arg_in(p, l, 1 - a);
    clg__arg_in_offset(p, l, 1 - a);
    if (u == USE_DW)
        clg__arg_temp(p, l, temp);
    else
        clg__arg_out(p, l, 0);
    clg__arg_i32(p, l, parts);
    clg__window_args(p, l, w);
    if (u != USE_DW && !c->caps->cpu_class)
        clg__arg_epilogue(p, l);
    const int side = clg__kplan_side(16, c->caps->max_work_group, true);
    if (side < 16)
        clg__kplan_define(p, l, "SIDE", "%d", side);
    clg__kplan_grid(l, up(n, 2 * side) * up(m, 2 * side) * (size_t) (w->groups * parts), 1, 1, (size_t) side,
                    (size_t) side, 1);
    p->flops += flops(w);
    if (u != USE_DW)
        return;
    l = clg__kplan_kernel(p, "conv_gpu", "conv_sum");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__kplan_define(p, l, names[u], "1");
    clg__arg_temp(p, l, temp);
    clg__arg_out(p, l, 0);
    clg__arg_i64(p, l, size);
    clg__arg_i32(p, l, parts);
    clg__kplan_grid(l, up(size, 64), 1, 1, 64, 1, 1);
}

static void plan_y_general(const clg__kernel_call *c, clg__kplan *p)
{
    plan_general(c, p, USE_Y);
}

static void plan_dx_general(const clg__kernel_call *c, clg__kplan *p)
{
    plan_general(c, p, USE_DX);
}

static void plan_dw_general(const clg__kernel_call *c, clg__kplan *p)
{
    plan_general(c, p, USE_DW);
}

const clg__variant clg__conv_y_variants[] = {
    { "cpu_direct", accepts_y, plan_y_direct, true },
    { "gpu_tiled", accepts_gpu, plan_y_general, true },
    { "general", NULL, plan_y_general, false },
};
const clg__variant clg__conv_dx_variants[] = {
    { "cpu_direct", accepts_dx, plan_dx_direct, true },
    { "gpu_tiled", accepts_gpu, plan_dx_general, true },
    { "general", NULL, plan_dx_general, false },
};
const clg__variant clg__conv_dw_variants[] = {
    { "cpu_direct", accepts_dw, plan_dw_direct, false },
    { "gpu_tiled", accepts_gpu, plan_dw_general, false },
    { "general", NULL, plan_dw_general, false },
};
