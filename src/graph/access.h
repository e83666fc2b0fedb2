// SPDX-License-Identifier: MIT
// How a tensor's elements lie in a buffer: offset, strides (any sign, 0 repeats) and a window outside
// of which a constant stands (padding). Pure arithmetic.
#ifndef CLG_GRAPH_ACCESS_H
#define CLG_GRAPH_ACCESS_H

#include <clgrad/base.h>

typedef struct clg__access {
    int64_t offset; // of element (0,...,0), in elements; may be outside where the window excludes it
    int64_t stride[CLG_MAX_RANK];
    int64_t lo[CLG_MAX_RANK], hi[CLG_MAX_RANK]; // lo <= i < hi is inside; set when windowed
    bool windowed;
    // Of the planner, else 0: numbers of positions (sched/work.h), which differ from run to run. Position `at` is a part
    // of the offset; along d the window starts at position begins[d], and moves what it shows with it.
    uint16_t at, begins[CLG_MAX_RANK];
} clg__access;

// Positions whose value decided something, so that another value might have another result; where modulus is not 0,
// only the remainder of the value did.
typedef struct clg__looked {
    int n;
    uint16_t position[CLG_MAX_RANK + 1];
    int64_t modulus[CLG_MAX_RANK + 1];
} clg__looked;

clg__access clg__access_contiguous(const clg_shape *s);
bool clg__access_is_contiguous(const clg__access *g, const clg_shape *s); // any offset, no window
void clg__access_permute(clg__access *g, const int *perm, int rank);
void clg__access_slice(clg__access *g, int axis, int64_t start, int64_t step, int64_t count);
// A dimension of size 1 repeated; keeps a window meaningful.
void clg__access_expand(clg__access *g, int axis, int64_t count);
void clg__access_flip(clg__access *g, int axis, int64_t dim);
// Pad needs the old shape; false when g is windowed already, or a margin times a stride does not fit
// (materialise first).
bool clg__access_pad(clg__access *g, const clg_shape *s, const int64_t *before, const int64_t *after);
// false: no strides describe it
bool clg__access_reshape(clg__access *g, const clg_shape *from, const clg_shape *to);
// The access `outer` (over shape os, into the contiguous elements of shape ms) of a tensor whose
// elements are accessed by `inner` (over ms): the one access over os. false: not affine.
bool clg__access_compose(const clg__access *outer, const clg_shape *os, const clg__access *inner,
                         const clg_shape *ms, clg__access *out, clg__looked *looked);
// Has the window along d a place that may move, whatever that is: some but not all of the dimension is inside?
static inline bool clg__access_moves(const clg__access *g, const clg_shape *s, int d)
{
    const int64_t length = g->hi[d] - g->lo[d];
    return g->windowed && length > 0 && length < s->dim[d];
}
#endif
