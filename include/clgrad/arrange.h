// SPDX-License-Identifier: MIT
// Parts of tensors, and their elements in another order. What ops.h says of all operations holds.
// No memory moves for views (parts, diagonals, windows) before a kernel needs another order.
#ifndef CLGRAD_ARRANGE_H
#define CLGRAD_ARRANGE_H

#include <clgrad/ops.h>

CLG_BEGIN

// ---- parts

// Some elements along an axis: clg_slice that refuses what is not there.
//
// a       any type, rank 1 or more
// axis    may be negative
// start   may be negative; start and length within the dimension
// result  type of a; the axis has `length` elements
// grad    a: g at its places, else 0
// errors  CLG_ESHAPE    no such axis
//         CLG_EINVAL    beyond the dimension
CLG_API clg_tensor clg_narrow(clg_tensor a, int axis, int64_t start, int64_t length);

// One element along an axis, which goes.
//
// a       any type, rank 1 or more
// axis    may be negative
// index   may be negative
// result  type of a, one dimension less
// grad    a: g at its place, else 0
// errors  CLG_ESHAPE    no such axis
//         CLG_EINVAL    no such element
CLG_API clg_tensor clg_select(clg_tensor a, int axis, int64_t index);

// Parts of a size along an axis; the last one may be smaller.
//
// a       any type, rank 1 or more
// axis    may be negative
// size    1 or more; 0 for a dimension of none
// out     where the parts go, `room` at most
// result  how many parts there are, or a status below 0, when all of out is that poison
// grad    a: g of each part at its places
// errors  CLG_ESHAPE    no such axis
//         CLG_EINVAL    size
CLG_API int clg_split(clg_tensor a, int axis, int64_t size, clg_tensor *out, int room);

// Parts of given sizes along an axis, n of them, all of it together.
//
// a, axis as of clg_split
// sizes   n of them, 0 or more
// out     n tensors
// result  n, or a status below 0, when all of out is that poison
// grad    a: g of each part at its places
// errors  CLG_ESHAPE    no such axis
//         CLG_EINVAL    sizes do not add up to the dimension
CLG_API int clg_split_sizes(clg_tensor a, int axis, const int64_t *sizes, int n, clg_tensor *out);

// At most so many parts of one size along an axis; the last one may be smaller.
//
// a, axis, out, room   as of clg_split
// chunks  1 or more
// result  how many parts there are, or a status below 0, when all of out is that poison
// grad    a: g of each part at its places
// errors  CLG_ESHAPE    no such axis
//         CLG_EINVAL    chunks
CLG_API int clg_chunk(clg_tensor a, int axis, int chunks, clg_tensor *out, int room);

// Exactly so many parts along an axis; the first ones are one longer where it does not divide.
//
// a, axis, out, room   as of clg_split
// sections   1 or more
// result  sections, or a status below 0, when all of out is that poison
// grad    a: g of each part at its places
// errors  CLG_ESHAPE    no such axis
//         CLG_EINVAL    sections
CLG_API int clg_tensor_split(clg_tensor a, int axis, int sections, clg_tensor *out, int room);

// Parts along an axis, n + 1 of them: to the first place, from there to the second, ...
//
// a, axis as of clg_split
// ends    n places; negative ones count from the end. They are cut to the dimension
// out     n + 1 tensors
// result  n + 1, or a status below 0, when all of out is that poison
// grad    a: g of each part at its places
// errors  CLG_ESHAPE    no such axis
//         CLG_EINVAL    n below 0
CLG_API int clg_tensor_split_at(clg_tensor a, int axis, const int64_t *ends, int n,
                                clg_tensor *out);

// Equal parts of columns: along axis 1, of a vector along axis 0.
//
// a       any type, rank 1 or more
// sections   1 or more, a divisor of the dimension
// out, room  as of clg_split
// result  sections, or a status below 0, when all of out is that poison
// grad    a: g of each part at its places
// errors  CLG_ESHAPE    rank
//         CLG_EINVAL    sections
CLG_API int clg_hsplit(clg_tensor a, int sections, clg_tensor *out, int room);

// Equal parts of rows: along axis 0 of rank 2 or more.
//
// a, sections, out, room   as of clg_hsplit
// result  sections, or a status below 0, when all of out is that poison
// grad    a: g of each part at its places
// errors  as of clg_hsplit
CLG_API int clg_vsplit(clg_tensor a, int sections, clg_tensor *out, int room);

// Equal parts in depth: along axis 2 of rank 3 or more.
//
// a, sections, out, room   as of clg_hsplit
// result  sections, or a status below 0, when all of out is that poison
// grad    a: g of each part at its places
// errors  as of clg_hsplit
CLG_API int clg_dsplit(clg_tensor a, int sections, clg_tensor *out, int room);

// Every element along an axis, which goes.
//
// a, axis, out, room   as of clg_split
// result  how many there are, or a status below 0, when all of out is that poison
// grad    a: g of each at its place
// errors  CLG_ESHAPE    no such axis
CLG_API int clg_unbind(clg_tensor a, int axis, clg_tensor *out, int room);

// Windows along an axis, as PyTorch's a.unfold (clg_unfold is that of images, as PyTorch's
// nn.functional.unfold).
//
//   y[..., i, ..., k] = a[..., i * step + k, ...]
//
// a       any type, rank below CLG_MAX_RANK; a 0-d tensor counts as [1]
// axis    may be negative
// size    of a window, 0 to the dimension
// step    1 or more
// result  type of a; along the axis as many as fit, and a last dimension of `size`
// grad    a: g, added up where windows overlap
// errors  CLG_ESHAPE    no such axis
//         CLG_EINVAL    size or step
CLG_API clg_tensor clg_unfold_dim(clg_tensor a, int axis, int64_t size, int64_t step);

// ---- dimensions

// Dimensions go to other places, the others keep their order.
//
// a       any type and shape
// from, to   as many axes, each once, may be negative
// result  type of a
// grad    a: g, moved back
// errors  CLG_ESHAPE    an axis is out of range or doubled, or their numbers differ
CLG_API clg_tensor clg_movedim(clg_tensor a, clg_shape from, clg_shape to);

// A dimension becomes several.
//
// a       any type, rank 1 or more
// axis    may be negative
// shape   what it becomes; one size may be -1 and is inferred
// result  type of a
// grad    a: g, reshaped
// errors  CLG_ESHAPE    no such axis, elements differ, or more than CLG_MAX_RANK dimensions
CLG_API clg_tensor clg_unflatten(clg_tensor a, int axis, clg_shape shape);

// ---- another order

// Elements moved along axes; what leaves at one end enters at the other.
//
//   y[(i + shift) mod n] = a[i]
//
// a       any type and shape
// shifts  as many as axes; may be negative
// axes    may be negative and repeat; CLG_ALL: one shift of all elements in row-major order
// result  type and shape of a
// grad    a: g, rolled back
// errors  CLG_ESHAPE    an axis is out of range, or the numbers differ
CLG_API clg_tensor clg_roll(clg_tensor a, clg_shape shifts, clg_shape axes);

// A quarter turn, k times, from axis0 toward axis1.
//
// a       any type, rank 2 or more
// k       any; may be negative
// axis0, axis1   two axes, may be negative
// result  type of a
// grad    a: g, turned back
// errors  CLG_ESHAPE    no such axes
CLG_API clg_tensor clg_rot90(clg_tensor a, int k, int axis0, int axis1);

// Columns reversed: axis 1.
//
// a       any type, rank 2 or more
// result  type and shape of a
// grad    a: g, flipped
// errors  CLG_ESHAPE    rank
CLG_API clg_tensor clg_fliplr(clg_tensor a);

// Rows reversed: axis 0.
//
// a       any type, rank 1 or more
// result  type and shape of a
// grad    a: g, flipped
// errors  CLG_ESHAPE    rank
CLG_API clg_tensor clg_flipud(clg_tensor a);

// ---- repeated

// The whole tensor several times along each dimension.
//
// a       any type and shape
// times   for a's dimensions, and before those for further ones; 0 or more
// result  type of a
// grad    a: g, summed over the copies
// errors  CLG_ESHAPE    fewer numbers than dimensions
//         CLG_EINVAL    a number below 0
CLG_API clg_tensor clg_repeat(clg_tensor a, clg_shape times);

// As clg_repeat, but takes fewer numbers than dimensions: those in front are 1.
//
// a       any type and shape
// times   0 or more each
// result  type of a
// grad    a: g, summed over the copies
// errors  CLG_EINVAL    a number below 0
CLG_API clg_tensor clg_tile(clg_tensor a, clg_shape times);

// Each element along an axis several times, one after another.
//
// a       any type; a 0-d tensor counts as [1]
// times   0 or more
// axis    may be negative
// result  type of a
// grad    a: g, summed over the copies
// errors  CLG_ESHAPE    no such axis
//         CLG_EINVAL    times
CLG_API clg_tensor clg_repeat_interleave(clg_tensor a, int64_t times, int axis);

// Each element along an axis as often as a tensor says, which is evaluated and read.
//
// a       any type; a 0-d tensor counts as [1]
// times   [n] or one number, I32 or I64, 0 or more each
// axis    may be negative
// result  type of a; along the axis the sum of times
// grad    a: g, summed over the copies
// errors  CLG_ESHAPE    no such axis, or times are not as many
//         CLG_EDTYPE    times are not I32 or I64
//         CLG_EINVAL    a number below 0
//         those of clg_read
CLG_API clg_tensor clg_repeat_interleave_each(clg_tensor a, clg_tensor times, int axis);

// ---- triangles and diagonals; diagonal k of a matrix: column - row = k

// Matrices with zeros above diagonal k.
//
// a       any type, rank 2 or more: [...,M,N]
// k       any
// result  type and shape of a; what is not kept is 0 whatever it was
// grad    a: g of what is kept, else 0
// errors  CLG_ESHAPE    rank
CLG_API clg_tensor clg_tril(clg_tensor a, int64_t k);

// Matrices with zeros below diagonal k.
//
// a, k    as of clg_tril
// result  type and shape of a
// grad    a: g of what is kept, else 0
// errors  CLG_ESHAPE    rank
CLG_API clg_tensor clg_triu(clg_tensor a, int64_t k);

// A diagonal of matrices, as a view.
//
// a       any type, rank 2 or more
// offset  which; may be outside
// axis0, axis1   rows and columns; may be negative
// result  type of a; without the two axes, and the diagonal last
// grad    a: g on the diagonal, else 0
// errors  CLG_ESHAPE    no such axes
CLG_API clg_tensor clg_diagonal(clg_tensor a, int64_t offset, int axis0, int axis1);

// Matrices with a diagonal, else zeros.
//
// a       any type, rank 1 or more; its last dimension, n, becomes the diagonal
// offset  which
// axis0, axis1   where rows and columns are in the result; may be negative
// result  type of a; n + abs(offset) rows and columns
// grad    a: g's diagonal
// errors  CLG_ESHAPE    no such axes
CLG_API clg_tensor clg_diag_embed(clg_tensor a, int64_t offset, int axis0, int axis1);

// The diagonal of a matrix, or a matrix with this diagonal.
//
// a       any type, rank 2 or 1
// k       which
// result  type of a, rank 1 or 2
// grad    a
// errors  CLG_ESHAPE    rank
CLG_API clg_tensor clg_diag(clg_tensor a, int64_t k);

// A matrix with all elements of a tensor on a diagonal.
//
// a       any type and shape
// k       which
// result  type of a, rank 2
// grad    a: g's diagonal
// errors  CLG_ESHAPE    the result is too large
CLG_API clg_tensor clg_diagflat(clg_tensor a, int64_t k);

// Tensors along the diagonal of a matrix of zeros: clg_block_diag(a, b).
//
// t       n >= 1 tensors of rank 0, 1 (a row) or 2; they take their common type
// result  the common type, rank 2
// grad    each t: its block of g
// errors  CLG_ESHAPE    rank
//         CLG_EINVAL    n < 1 (a poison without a device)
CLG_API clg_tensor clg_block_diag_n(const clg_tensor *t, int n);
#define clg_block_diag(...)                                                                        \
    clg_block_diag_n((clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__))

// ---- parts in place of others

// A copy of a with a diagonal that is src's.
//
// a, offset, axis0, axis1   as of clg_diagonal
// src     shape of that diagonal; takes a's type
// result  type and shape of a
// grad    a: g, 0 on the diagonal; src: g's diagonal
// errors  CLG_ESHAPE    no such axes, or the shape of src
CLG_API clg_tensor clg_diagonal_scatter(clg_tensor a, clg_tensor src, int64_t offset, int axis0,
                                        int axis1);

// A copy of a with a slice that is src's.
//
// a, axis, start, stop   as of clg_slice
// src     shape of that slice; takes a's type
// step    1 or more
// result  type and shape of a
// grad    a: g, 0 in the slice; src: g's slice
// errors  CLG_ESHAPE    no such axis, or the shape of src
//         CLG_EINVAL    step
CLG_API clg_tensor clg_slice_scatter(clg_tensor a, clg_tensor src, int axis, int64_t start,
                                     int64_t stop, int64_t step);

// A copy of a with one element along an axis that is src.
//
// a, axis, index   as of clg_select
// src     shape of that selection; takes a's type
// result  type and shape of a
// grad    a: g, 0 where src is; src: g's selection
// errors  CLG_ESHAPE    no such axis, or the shape of src
//         CLG_EINVAL    no such element
CLG_API clg_tensor clg_select_scatter(clg_tensor a, clg_tensor src, int axis, int64_t index);

CLG_END
#endif
