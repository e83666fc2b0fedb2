// SPDX-License-Identifier: MIT
// Which convolution kernel; the one that takes all.
#include "ops/conv.h"

#include "ops/element.h"

size_t clg__div_up(int64_t a, int64_t b)
{
    return (size_t) ((a + b - 1) / b);
}

// ---- the general kernel, any class

static const char *accepts_gpu(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? "for GPU-class devices" : NULL;
}

static const clg__param gpu_params[] = { { "side", "of a work-group, 2 results an item and side", 1, 16, true } };

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
    const int side = clg__kplan_side(clg__param_or(c, 0, 16), c->caps->max_work_group, true);
    if (side < 16)
        clg__kplan_define(p, l, "SIDE", "%d", side);
    clg__kplan_grid(l, clg__div_up(n, 2 * side) * clg__div_up(m, 2 * side) * (size_t) (w->groups * parts), 1, 1,
                    (size_t) side, (size_t) side, 1);
    p->flops += clg__conv_flops(c->params);
    if (u != USE_DW)
        return;
    l = clg__kplan_kernel(p, "conv_gpu", "conv_sum");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__kplan_define(p, l, names[u], "1");
    clg__arg_temp(p, l, temp);
    clg__arg_out(p, l, 0);
    clg__arg_i64(p, l, size);
    clg__arg_i32(p, l, parts);
    clg__kplan_grid(l, clg__div_up(size, 64), 1, 1, 64, 1, 1);
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
    { "cpu_depthwise", clg__conv_depth_accepts_y, clg__conv_depth_y, true, clg__conv_depth_params, CLG__CONV_DEPTH_PARAMS },
    { "cpu_product", clg__conv_product_accepts, clg__conv_product_y, true },
    { "cpu_lanes", clg__conv_lanes_accepts_y, clg__conv_lanes_y, true, clg__conv_lanes_params, CLG__CONV_LANES_PARAMS },
    { "cpu_winograd", clg__conv_winograd_accepts_y, clg__conv_winograd_y, true, clg__conv_winograd_params,
      CLG__CONV_WINOGRAD_PARAMS },
    { "cpu_direct", clg__conv_direct_accepts_y, clg__conv_direct_y, true, clg__conv_direct_params, CLG__CONV_DIRECT_PARAMS },
    { "gpu_tiled", accepts_gpu, plan_y_general, true, gpu_params, 1 },
    { "general", NULL, plan_y_general, false, gpu_params, 1 },
};
const clg__variant clg__conv_dx_variants[] = {
    { "cpu_depthwise", clg__conv_depth_accepts_dx, clg__conv_depth_dx, true, clg__conv_depth_params, CLG__CONV_DEPTH_PARAMS },
    { "cpu_product", clg__conv_product_accepts, clg__conv_product_dx, true },
    { "cpu_lanes", clg__conv_lanes_accepts_dx, clg__conv_lanes_dx, true, clg__conv_lanes_params, CLG__CONV_LANES_PARAMS },
    { "cpu_winograd", clg__conv_winograd_accepts_dx, clg__conv_winograd_dx, true, clg__conv_winograd_params,
      CLG__CONV_WINOGRAD_PARAMS },
    { "cpu_direct", clg__conv_direct_accepts_dx, clg__conv_direct_dx, true, clg__conv_direct_params, CLG__CONV_DIRECT_PARAMS },
    { "gpu_tiled", accepts_gpu, plan_dx_general, true, gpu_params, 1 },
    { "general", NULL, plan_dx_general, false, gpu_params, 1 },
};
const clg__variant clg__conv_dw_variants[] = {
    { "cpu_depthwise", clg__conv_depth_accepts_dw, clg__conv_depth_dw, false, clg__conv_depth_dw_params, 1 },
    { "cpu_product", clg__conv_product_accepts, clg__conv_product_dw, false },
    { "cpu_lanes", clg__conv_lanes_accepts_dw, clg__conv_lanes_dw, false },
    { "cpu_winograd", clg__conv_winograd_accepts_dw, clg__conv_winograd_dw, false, clg__conv_winograd_dw_params, 2 },
    { "cpu_direct", clg__conv_direct_accepts_dw, clg__conv_direct_dw, false, clg__conv_direct_dw_params,
      CLG__CONV_DW_PARAMS },
    { "gpu_tiled", accepts_gpu, plan_dw_general, false, gpu_params, 1 },
    { "general", NULL, plan_dw_general, false, gpu_params, 1 },
};
