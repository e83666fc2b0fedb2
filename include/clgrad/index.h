// SPDX-License-Identifier: MIT
// Elements and rows by their numbers: gather, scatter, masks. What ops.h says of all operations
// holds.
//
// index   I32 or I64. Where several elements are sent to one place, it is by rising number of the
//         index: the same bits every time. An index is not read when it is recorded, so that one
//         out of range is no error: what is taken there is NaN, in integers 0, and what is sent
//         there is lost. "wraps": numbers below 0 count from the end
// type    what is put into a has a's type
#ifndef CLGRAD_INDEX_H
#define CLGRAD_INDEX_H

#include <clgrad/ops.h>

CLG_BEGIN

// ---- elements along an axis

// Elements along an axis, each by an index of its own.
//
//   y[i][j][k] = a[i][index[i][j][k]][k]    for axis 1
//
// a       any type and shape; a 0-d tensor counts as [1]
// axis    may be negative
// index   of a's rank; along other axes at most as long as a
// result  type of a, shape of index
// grad    a: g, added up where index repeats
// errors  CLG_EDTYPE    index is not I32 or I64
//         CLG_ESHAPE    ranks differ, no such axis, or index is longer than a
CLG_API clg_tensor clg_gather(clg_tensor a, int axis, clg_tensor index);

// A copy of a with elements of src along an axis, each at an index of its own.
//
//   y = a, then y[i][index[i][j][k]][k] = src[i][j][k]    for axis 1, by rising j
//
// a       any type and shape; a 0-d tensor counts as [1]
// axis    may be negative
// index   of a's rank, along other axes at most as long as a; src of index's size or longer
// result  type and shape of a
// grad    a: g, 0 where something was sent; src: g at its place, also where another one came later
// errors  CLG_EDTYPE    index is not I32 or I64, or the types of a and src differ
//         CLG_ESHAPE    ranks differ, no such axis, or index is too long
CLG_API clg_tensor clg_scatter(clg_tensor a, int axis, clg_tensor index, clg_tensor src);

// As clg_scatter, of one number.
//
// a, axis, index   as of clg_scatter
// value   converted to a's type as of clg_scalar
// result  type and shape of a
// grad    a: g, 0 where the number is
// errors  as of clg_scatter
CLG_API clg_tensor clg_scatter_value(clg_tensor a, int axis, clg_tensor index, double value);

// A copy of a with elements of src added along an axis, each at an index of its own.
//
//   y = a, then y[i][index[i][j][k]][k] += src[i][j][k]    for axis 1, by rising j
//
// a, axis, index, src   as of clg_scatter
// result  type and shape of a
// grad    a: g; src: g at its place
// errors  as of clg_scatter; CLG_EDTYPE    BOOL
CLG_API clg_tensor clg_scatter_add(clg_tensor a, int axis, clg_tensor index, clg_tensor src);

typedef enum clg_scatter_reduction {
    CLG_SCATTER_SUM, CLG_SCATTER_PROD, CLG_SCATTER_MEAN, CLG_SCATTER_AMAX, CLG_SCATTER_AMIN
} clg_scatter_reduction;

// What is sent to a place of a reduced to one number.
//
// a, axis, index, src   as of clg_scatter
// r       how; the mean of integers is floor(sum / count)
// include_self   a's own element takes part; false: only where nothing is sent is it a's
// result  type and shape of a; NaN wins in AMAX and AMIN
// grad    a, src; of AMAX and AMIN shared evenly among those that are the result
// errors  as of clg_scatter; CLG_EDTYPE    BOOL
//         CLG_EINVAL    no such reduction
CLG_API clg_tensor clg_scatter_reduce(clg_tensor a, int axis, clg_tensor index, clg_tensor src,
                                      clg_scatter_reduction r, bool include_self);

// Elements along an axis, each by an index of its own, where a and index broadcast.
//
// a       any type, rank 1 or more
// index   of a's rank; along other axes it and a broadcast; below 0 from the end, outside: NaN, 0
// axis    may be negative. Along all of a: clg_take
// result  type of a; along the axis as long as index
// grad    a: g, added up where index repeats
// errors  CLG_EDTYPE    index is not I32 or I64
//         CLG_ESHAPE    ranks differ, no such axis, or they do not broadcast
CLG_API clg_tensor clg_take_along_dim(clg_tensor a, clg_tensor index, int axis);

// ---- elements in all of a tensor

// Elements by their number in row-major order.
//
//   y[...] = flat a[index[...]]
//
// a       any type and shape
// index   any shape; wraps
// result  type of a, shape of index
// grad    a: g, added up where index repeats
// errors  CLG_EDTYPE    index is not I32 or I64
CLG_API clg_tensor clg_take(clg_tensor a, clg_tensor index);

// A copy of a with elements by their number in row-major order.
//
//   y = a, then flat y[index[i]] = src[i], or += where accumulate
//
// a       any type and shape
// index   any shape; wraps
// src     as many elements as index, any shape
// result  type and shape of a
// grad    a: g, 0 where something was put; src: g at its place
// errors  CLG_EDTYPE    index is not I32 or I64, src has not a's type, or accumulate and BOOL
//         CLG_ESHAPE    src and index differ in number
CLG_API clg_tensor clg_put(clg_tensor a, clg_tensor index, clg_tensor src, bool accumulate);

// ---- rows along an axis: an index of rank 1, 0-d counts as [1]; see also clg_index_select

// A copy of a with rows added.
//
//   y = a, then y[..., index[i], ...] += alpha * src[..., i, ...]
//
// a       any type but BOOL; a 0-d tensor counts as [1]
// axis    may be negative
// index   [n]
// src     shape of a, with n along the axis
// alpha   a number
// result  type and shape of a
// grad    a: g; src: alpha g, chosen by index
// errors  CLG_EDTYPE    index is not I32 or I64, src has not a's type, or BOOL
//         CLG_ESHAPE    shapes do not fit, no such axis, or index has two dimensions or more
CLG_API clg_tensor clg_index_add(clg_tensor a, int axis, clg_tensor index, clg_tensor src,
                                 double alpha);

// A copy of a with rows in place of its own, the last one where index repeats.
//
//   y = a, then y[..., index[i], ...] = src[..., i, ...]
//
// a, axis, index, src   as of clg_index_add; any type
// result  type and shape of a
// grad    a: g, 0 in rows that were replaced; src: g, chosen by index
// errors  as of clg_index_add
CLG_API clg_tensor clg_index_copy(clg_tensor a, int axis, clg_tensor index, clg_tensor src);

// A copy of a with one number in rows of it.
//
// a, axis as of clg_index_add; any type
// index   [n]; wraps
// value   converted to a's type as of clg_scalar
// result  type and shape of a
// grad    a: g, 0 in those rows
// errors  as of clg_index_add
CLG_API clg_tensor clg_index_fill(clg_tensor a, int axis, clg_tensor index, double value);

// What is sent to a row of a reduced to one row; CLG_SCATTER_SUM is clg_index_add as well.
//
// a, axis, index, src   as of clg_index_add
// r, include_self       as of clg_scatter_reduce
// result  type and shape of a
// grad    a, src, as of clg_scatter_reduce
// errors  as of clg_index_add; CLG_EINVAL    no such reduction
CLG_API clg_tensor clg_index_reduce(clg_tensor a, int axis, clg_tensor index, clg_tensor src,
                                    clg_scatter_reduction r, bool include_self);

// ---- several index tensors

// Elements by several index tensors, as PyTorch's a[i, j]: clg_index(a, i, j).
//
//   y[..., l, ...] = a[..., i[l], j[l], ...]
//
// a       any type, rank n or more
// index   n tensors for a's first dimensions; they broadcast, and wrap. NULL: all of that
//         dimension. BOOL, of any rank: its true places, one dimension for each of its own (which
//         evaluates it)
// result  type of a. The index tensors' shape is where the indexed dimensions were, or in front
//         where others stand between them
// grad    a: g, added up where places repeat
// errors  CLG_EDTYPE    an index is not I32, I64 or BOOL
//         CLG_ESHAPE    more indices than dimensions, they do not broadcast, a BOOL one has not a's
//                       sizes, or the result has more than CLG_MAX_RANK dimensions
//         CLG_EINVAL    every index is NULL
//         those of clg_read where one is BOOL
CLG_API clg_tensor clg_index_n(clg_tensor a, const clg_tensor *index, int n);
#define clg_index(a, ...)                                                                          \
    clg_index_n(a, (clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__))

// A copy of a with values at several index tensors, the last one where places repeat; or added to
// it.
//
// a, index, n   as of clg_index_n
// values  broadcasts to the shape of clg_index_n's result
// accumulate    add them
// result  type and shape of a
// grad    a: g, without accumulate 0 where something was put; values: g, chosen by the index
// errors  as of clg_index_n; CLG_EDTYPE    values have not a's type, or accumulate and BOOL
CLG_API clg_tensor clg_index_put_n(clg_tensor a, const clg_tensor *index, int n, clg_tensor values,
                                   bool accumulate);

// ---- masks

// One number where a mask is true.
//
// a       any type and shape
// mask    BOOL; broadcasts with a
// value   converted to a's type as of clg_scalar
// result  type of a, the broadcast shape
// grad    a: g, 0 where the mask is true
// errors  CLG_EDTYPE    mask is not BOOL
//         CLG_ESHAPE    shapes do not broadcast
CLG_API clg_tensor clg_masked_fill(clg_tensor a, clg_tensor mask, double value);

// The elements for which a mask is true, in row-major order. The result's size is theirs: the mask
// is evaluated and read.
//
// a       any type and shape
// mask    BOOL; broadcasts with a
// result  type of a, one dimension
// grad    a: g at the chosen places, else 0
// errors  CLG_EDTYPE    mask is not BOOL
//         CLG_ESHAPE    shapes do not broadcast
//         those of clg_read
CLG_API clg_tensor clg_masked_select(clg_tensor a, clg_tensor mask);

// A copy of a with elements of src, one after another, where a mask is true. The mask is evaluated
// and read.
//
// a       any type and shape
// mask    BOOL; broadcasts with a
// src     as many elements as the mask has true ones, or more
// result  type of a, the broadcast shape
// grad    a: g, 0 where the mask is true; src: g at its places, else 0
// errors  CLG_EDTYPE    mask is not BOOL, or src has not a's type
//         CLG_ESHAPE    shapes do not broadcast, or src has too few elements
//         those of clg_read
CLG_API clg_tensor clg_masked_scatter(clg_tensor a, clg_tensor mask, clg_tensor src);

// Places of the elements that are not zero, in row-major order. The result's size is their number:
// a is evaluated and read.
//
// a       any type and shape
// result  [n,rank of a] I64
// grad    none
// errors  those of clg_read
CLG_API clg_tensor clg_nonzero(clg_tensor a);

// As clg_nonzero, by its other name.
//
// a       any type and shape
// result  [n,rank of a] I64
// grad    none
// errors  those of clg_read
CLG_API clg_tensor clg_argwhere(clg_tensor a);

// ---- tables of rows

struct clg_embedding_params {
    size_t size;
    int64_t padding_idx;      // with use_padding: this row gets no gradient; below 0 from the end
    bool use_padding;
    bool scale_grad_by_freq;  // a row's gradient is divided by how often it was taken
};
#define clg_embedding_params(...)                                                                  \
    (&(struct clg_embedding_params) { .size = sizeof(struct clg_embedding_params), __VA_ARGS__ })

// Rows of a table, PyTorch's embedding without max_norm.
//
//   y[...] = table[index[...]]
//
// table   [K,D]         any type
// index   any shape
// p       may be NULL
// result  type of table, shape of index and D
// grad    table: g, added up where index repeats
// errors  CLG_EDTYPE    index is not I32 or I64
//         CLG_ESHAPE    table has not rank 2, or the result more than CLG_MAX_RANK dimensions
//         CLG_EINVAL    padding_idx is no row
CLG_API clg_tensor clg_embedding(clg_tensor table, clg_tensor index,
                                 const struct clg_embedding_params *p);

typedef enum clg_bag_mode { CLG_BAG_MEAN, CLG_BAG_SUM, CLG_BAG_MAX } clg_bag_mode;

struct clg_embedding_bag_params {
    size_t size;
    clg_bag_mode mode;
    clg_tensor weight;        // for CLG_BAG_SUM: the index's shape, the table's type; NULL: 1
    int64_t padding_idx;      // with use_padding: this row takes no part; below 0 from the end
    bool use_padding;
    bool include_last_offset; // the last offset is where the last bag ends
    bool scale_grad_by_freq;  // a row's gradient is divided by how often it was taken
};
#define clg_embedding_bag_params(...)                                                              \
    (&(struct clg_embedding_bag_params) { .size = sizeof(struct clg_embedding_bag_params),         \
                                          __VA_ARGS__ })

// Rows of a table in bags, PyTorch's embedding_bag without max_norm.
//
//   y[b] = sum or mean of table[i], or the largest of each column, over the indices i of bag b;
//   0 for a bag of none
//
// table   [K,D]         float
// index   [B,L]         bag b is row b; or with offsets [n]
// offsets [B]           I32 or I64, rising: bag b begins at place offsets[b] and ends where the
//                       next begins; what stands before the first is in no bag. NULL with [B,L]
// p       may be NULL: means
// result  [B,D], type of table; computed in F32 for F16 and BF16
// grad    table: of the largest g where it is, the first of equal ones; weight
// errors  CLG_EDTYPE    index or offsets are not I32 or I64, or the table is not floating
//         CLG_ESHAPE    ranks, or shape and type of the weights
//         CLG_EINVAL    padding_idx is no row, mode, or weights of another mode than sum
CLG_API clg_tensor clg_embedding_bag(clg_tensor table, clg_tensor index, clg_tensor offsets,
                                     const struct clg_embedding_bag_params *p);

CLG_END
#endif
