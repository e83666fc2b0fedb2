// SPDX-License-Identifier: MIT
// Poisson draws (cl/poisson_cpu.cl, cl/poisson.cl): each element's from a state of 63 random bits.
#include "ops/element.h"
#include "ops/registry.h"
#include <clgrad/create.h>
#include <clgrad/ops.h>

static void key_poisson(const void *params, clg__key *k)
{
    clg__key_i64(k, *(const int64_t *) params);
}

static void plan_poisson(const clg__kernel_call *c, clg__kplan *p)
{
    const int64_t n = *(const int64_t *) c->params, groups = 4 * (int64_t) c->caps->compute_units, blocks = n / 256 + 1;
    const bool cpu = c->caps->cpu_class;
    if (n == 0)
        return;
    clg__launch *l = clg__kplan_kernel(p, cpu ? "poisson_cpu" : "poisson", "poisson");
    clg__define_element(p, l, c->in_dtype[0]);
    clg__arg_buffers(p, l, 2, 1);
    CLG__ARG_BLOCK(p, l, "POISSON", { "n", n, true });
    if (cpu)
        clg__kplan_grid(l, (size_t) (blocks < groups ? blocks : groups), 1, 1, 1, 1, 1);
    else
        clg__kplan_items(l, n);
}

static const clg__variant variants[] = { { "tries", NULL, plan_poisson, false } };
static const clg__op op_poisson = { .name = "poisson", .kind = CLG__KERNEL, .key = key_poisson,
                                    .params_bytes = sizeof(int64_t), .variants = variants, .n_variants = 1 };

const clg__op *const clg__poisson_ops[] = { &op_poisson, NULL };

clg_tensor clg_poisson(clg_tensor rate)
{
    clg__call c;
    if (!clg__call_begin(&c, "poisson", "rate", 1, &rate))
        return clg__call_poison(&c);
    if (!clg_dtype_is_float(rate->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    const int64_t n = clg_numel(rate->shape);
    const clg_tensor in[] = { rate, clg__random_bits(c.dev, &rate->shape) };
    if (!clg__call_begin(&c, "poisson", "rate state", 2, in))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_poisson, rate->dtype, &rate->shape, &n);
}
