// SPDX-License-Identifier: MIT
// Two neighbouring axes, each by a sparse matrix that follows from a rule: padding by an image's own elements, and
// interpolation. The transposed matrices are its derivative: a set closed under differentiation.
#ifndef CLG_OPS_SEPARABLE_H
#define CLG_OPS_SEPARABLE_H

#include "graph/build.h"

typedef enum clg__rule_kind { // which elements of `in` make one of `out`, and by which weights
    CLG__RULE_NONE, // the identity
    CLG__RULE_REFLECT, CLG__RULE_REPLICATE, CLG__RULE_CIRCULAR, // by pad elements before
    CLG__RULE_NEAREST, CLG__RULE_NEAREST_EXACT, CLG__RULE_LINEAR, CLG__RULE_CUBIC,
    CLG__RULE_LINEAR_SMOOTH, CLG__RULE_CUBIC_SMOOTH // antialiased
} clg__rule_kind;

typedef struct clg__rule {
    clg__rule_kind kind;
    bool transposed, align_corners;
    int64_t in, out; // before it is transposed
    int64_t pad;
    double scale; // of the output to the input, as a caller gives it; 0: by the sizes
} clg__rule;

// x [planes,H,W] with its last two axes by these rules: [planes,H',W'].
clg_tensor clg__separable(clg_tensor x, const clg__rule *down, const clg__rule *across);
// Every axis of the last n of x by its rule; x has n or more dimensions.
clg_tensor clg__separable_axes(clg_tensor x, const clg__rule *rules, int n);

// Bytes x [planes,H,W], by rules of interpolation that are not nearest (ops/separable_bytes.c): PyTorch's bytes.
clg_tensor clg__separable_bytes(clg_tensor x, const clg__rule *down, const clg__rule *across);

// ops/separable_rule.c. A matrix by rows: entries of row i are begins[i] to begins[i + 1].
typedef struct clg__sparse {
    int64_t rows, columns, n;
    int32_t *begins, *column;
    double *weight;
    bool copies; // rows have one entry each, of weight 1
} clg__sparse;
bool clg__rule_matrix(const clg__rule *r, bool in_double, clg__sparse *m); // false: out of host memory
void clg__sparse_free(clg__sparse *m);
#endif
