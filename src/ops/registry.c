// SPDX-License-Identifier: MIT
// Which ops have kernels of their own: what CLGRAD_VARIANT may name, and what tests go through.
#include "ops/registry.h"

const clg__op *clg__kernel_op(int i)
{
    static const clg__op *const *const lists[] = { clg__matmul_ops, clg__conv_ops, clg__pool_ops, clg__softmax_ops,
                                                   clg__gather_ops, clg__scatter_ops, clg__separable_ops, clg__separable_bytes_ops, clg__fold_ops, clg__unpool_ops,
                                                   clg__norm_ops, clg__norm_slope_ops, clg__ctc_ops, clg__taps_ops, clg__bilinear_ops,
                                                   clg__scan_ops, clg__sort_ops, clg__topk_ops, clg__search_ops, clg__attention_ops, clg__pair_ops, clg__bag_ops,
                                                   clg__poisson_ops, clg__count_ops, clg__resample_ops, clg__lu_ops, clg__cholesky_ops, clg__qr_ops, clg__eigen_ops };
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
        for (const clg__op *const *op = lists[k]; *op; op++) {
            if (i-- == 0)
                return *op;
        }
    }
    return NULL;
}
