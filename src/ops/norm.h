// SPDX-License-Identifier: MIT
// What all normalisations are made of: statistics of groups of elements, and x normalised by them.
#ifndef CLG_OPS_NORM_H
#define CLG_OPS_NORM_H

#include "graph/build.h"

// How a tensor falls into groups with statistics of their own: it is seen as [outer, groups, inner], and a group is
// what has one index in the middle. Rows of a layer norm are [1, rows, n], channels of a batch [N, C, pixels].
typedef struct clg__norm {
    int64_t outer, groups, inner;
    double eps;
    bool centred;   // else the mean counts as 0: root mean square
    // weight and bias, where there are some, are one number for each group, or for each place of `inner`; else neither
    bool per_group, per_place;
} clg__norm;

// eps of a caller's params; false: it is refused, and *bad says so.
bool clg__norm_eps(const clg__call *c, double eps, bool no_eps, double usual, double *out, clg_tensor *bad);
// A weight or a bias of n elements: its rank is 1, or NULL. What is wrong with it, else NULL.
clg_tensor clg__norm_vector(const clg__call *c, const char *name, clg_tensor t, int64_t n, const char *of);
// (x - mean) / sqrt(var + eps) * weight + bias, of x's type and shape. weight and bias broadcast with x; each may be
// NULL. mean, var: where those of the groups go, [1, groups, 1] in the wide type, without a derivative; may be NULL.
clg_tensor clg__normalised(clg_tensor x, clg_tensor weight, clg_tensor bias, const clg__norm *p, clg_tensor *mean,
                           clg_tensor *var);
// x by statistics that are given and broadcast with it.
clg_tensor clg__normalised_by(clg_tensor x, clg_tensor mean, clg_tensor var, clg_tensor weight, clg_tensor bias,
                              double eps);
// Of x [outer, groups, inner], each [1, groups, 1] in the wide type: mean, what rounding left of it, variance and
// 1 / sqrt(variance + eps); not centred, the last two. Without derivatives. Where it has no kernel for p it is not to be
// called.
void clg__norm_stats(clg_tensor x, const clg__norm *p, clg_tensor out[4]);
bool clg__norm_has_stats(clg_tensor x, const clg__norm *p);
// rstd * (h - mean of h - xhat * mean of h * xhat), h = g w: x and g [1, groups, inner], w [inner] or NULL, the others
// statistics of x. Where it has no kernel for p it is not to be called.
clg_tensor clg__norm_slope(clg_tensor x, clg_tensor g, clg_tensor w, const clg__norm *p, clg_tensor mean, clg_tensor rest,
                           clg_tensor rstd);
bool clg__norm_has_slope(clg_tensor x, const clg__norm *p);
// [C] as [1,C,1,...], of this rank; NULL for NULL.
clg_tensor clg__per_channel(clg_tensor t, int rank);
#endif
