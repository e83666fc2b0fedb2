// SPDX-License-Identifier: MIT
// What losses have in common.
#ifndef CLG_OPS_LOSS_H
#define CLG_OPS_LOSS_H

#include "graph/build.h"
#include <clgrad/loss.h>

bool clg__is_reduction(clg_reduction r); // mean, sum or none
clg_tensor clg__reduced(clg_tensor x, clg_reduction r);
// Checks r and brings n tensors (NULL where there is none) to the type that the loss is computed in; *t: the type of
// its result. A poison, or NULL.
clg_tensor clg__loss_begin(const clg__call *c, clg_tensor *x, int n, clg_reduction r, clg_dtype *t);
// The loss of elements y: reduced, in type t, under c's name.
clg_tensor clg__loss_end(const clg__call *c, clg_tensor y, clg_reduction r, clg_dtype t);
// y[n,k,i] = x[n, label[n,k,i], i], 0 where that is none of the C classes. x [N,C,inner], label [N,K,inner] I32. Its
// derivative compares labels and does not scatter.
clg_tensor clg__pick(clg_tensor x, clg_tensor label);
// Class numbers as I32; what is no class stays none.
clg_tensor clg__class_of(clg_tensor target, int64_t classes);
// 0, 1, ... along dimension `at` of `rank`, I32.
clg_tensor clg__numbers(clg_device dev, int64_t n, int rank, int at);
// max(x, lo) with the derivative of x: PyTorch's clamp within no_grad.
clg_tensor clg__at_least(clg_tensor x, double lo);
// (1 - t) log(1 + e^x) + v t log(1 + e^-x); v may be NULL.
clg_tensor clg__logit_loss(clg_tensor x, clg_tensor t, clg_tensor v);
#endif
