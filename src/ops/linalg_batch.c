// SPDX-License-Identifier: MIT
// Batches of matrices: what is checked, how they are seen by kernels, and how a launch goes through them.
#include "ops/element.h"
#include "ops/linalg.h"

enum {
    ITEMS = 64,
    GROUPS = 1024,
    LANES = 16,     // of the CPU class, as in cl/common.clh
    FEW = 4,        // matrices: fewer leave most lanes idle
    FEW_GPU = 4096, // a GPU wants more items than that
    LARGEST = 128   // side of what lanes take when they are forced to
};

clg_tensor clg__no_matrices(const clg__call *c, clg_tensor a, bool square)
{
    if (a->shape.rank < 2)
        return clg__call_fail(c, CLG_ESHAPE, "expected matrices, [..., rows, columns]");
    if (square && clg__rows(a) != clg__columns(a))
        return clg__call_fail(c, CLG_ESHAPE, "expected square matrices");
    if (a->dtype != CLG_F32 && a->dtype != CLG_F64)
        return clg__call_fail(c, CLG_EDTYPE, "only F32 and F64: cast first");
    if (clg__rows(a) > 32768 || clg__columns(a) > 32768)
        return clg__call_fail(c, CLG_ESHAPE, "more than 32768 rows or columns");
    return NULL;
}

clg_tensor clg__as_batch(clg_tensor a)
{
    clg_shape batch = clg__batch_of(a);
    return a->status < 0 ? a : clg_reshape(a, CLG_SHAPE(clg_numel(batch), clg__rows(a), clg__columns(a)));
}

clg_tensor clg__from_batch(clg_tensor y, clg_tensor of)
{
    clg_shape s = clg__batch_of(of);
    for (int d = 1; d < y->shape.rank; d++)
        s.dim[s.rank++] = y->shape.dim[d];
    return clg_reshape(y, s);
}

clg_shape clg__batch_of(clg_tensor a)
{
    clg_shape s = a->shape;
    s.rank = s.rank < 2 ? 0 : s.rank - 2;
    return s;
}

clg_tensor clg__with_batch(clg_tensor a, const clg_shape *batch)
{
    clg_shape s = *batch;
    if (a->status < 0)
        return a;
    s.dim[s.rank++] = clg__rows(a);
    s.dim[s.rank++] = clg__columns(a);
    return clg_expand(a, s);
}

clg__launch *clg__matrix_kernel(const clg__kernel_call *c, clg__kplan *p, const char *file)
{
    clg__launch *l = clg__kplan_kernel(p, file, file);
    clg__define_element(p, l, c->in_dtype[0]);
    clg__kplan_define(p, l, "ITEMS", "%d", c->caps->cpu_class ? 1 : clg__kplan_side(ITEMS, c->caps->max_work_group, false));
    return l;
}

int clg__matrix_groups(const clg__kernel_call *c, int64_t batch)
{
    const int64_t most = c->caps->cpu_class ? 8 * (int64_t) c->caps->compute_units : GROUPS;
    return (int) (batch < most ? batch : most);
}

void clg__matrix_grid(const clg__kernel_call *c, clg__launch *l, int64_t batch)
{
    const int items = c->caps->cpu_class ? 1 : clg__kplan_side(ITEMS, c->caps->max_work_group, false);
    clg__kplan_grid(l, (size_t) clg__matrix_groups(c, batch), 1, 1, (size_t) items, 1, 1);
}

static int lanes(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? LANES : clg__kplan_side(ITEMS, c->caps->max_work_group, false);
}

const char *clg__no_lanes(const clg__kernel_call *c, int64_t batch, int64_t side, int64_t most)
{
    if (side > (c->forced ? LARGEST : most))
        return "larger matrices";
    return !c->forced && batch < (c->caps->cpu_class ? FEW : FEW_GPU) ? "few matrices" : NULL;
}

clg__launch *clg__lanes_kernel(const clg__kernel_call *c, clg__kplan *p, const char *file)
{
    clg__launch *l = clg__kplan_kernel(p, file, file);
    clg__define_element(p, l, c->in_dtype[0]);
    clg__kplan_define(p, l, "MASK", "%s", c->in_dtype[0] == CLG_F64 ? "long" : "int");
    clg__kplan_define(p, l, "ITEMS", "%d", c->caps->cpu_class ? 1 : lanes(c));
    return l;
}

void clg__lanes_scratch(const clg__kernel_call *c, clg__kplan *p, clg__launch *l, int64_t batch, int64_t room)
{
    const int64_t lots = (batch + lanes(c) - 1) / lanes(c), most = c->caps->cpu_class ? 4 * (int64_t) c->caps->compute_units : GROUPS;
    const int64_t groups = lots < most ? lots : most;
    clg__arg_temp(p, l, clg__kplan_temp(p, (size_t) (groups * lanes(c) * room) * clg_dtype_size(c->in_dtype[0])));
    clg__kplan_grid(l, (size_t) groups, 1, 1, (size_t) (c->caps->cpu_class ? 1 : lanes(c)), 1, 1);
}
