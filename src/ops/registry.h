// SPDX-License-Identifier: MIT
// Each file's ops with kernels of their own, up to NULL.
#ifndef CLG_OPS_REGISTRY_H
#define CLG_OPS_REGISTRY_H

#include "graph/op.h"

extern const clg__op *const clg__matmul_ops[], *const clg__conv_ops[], *const clg__pool_ops[],
    *const clg__softmax_ops[], *const clg__gather_ops[], *const clg__scatter_ops[], *const clg__fold_ops[], *const clg__unpool_ops[],
    *const clg__scan_ops[], *const clg__sort_ops[], *const clg__topk_ops[], *const clg__search_ops[],
    *const clg__separable_ops[], *const clg__separable_bytes_ops[],
    *const clg__norm_ops[], *const clg__norm_slope_ops[], *const clg__ctc_ops[], *const clg__taps_ops[],
    *const clg__bilinear_ops[], *const clg__pair_ops[], *const clg__bag_ops[], *const clg__attention_ops[], *const clg__lu_ops[],
    *const clg__cholesky_ops[], *const clg__qr_ops[], *const clg__eigen_ops[], *const clg__poisson_ops[],
    *const clg__count_ops[], *const clg__resample_ops[];
#endif
