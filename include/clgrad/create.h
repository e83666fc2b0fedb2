// SPDX-License-Identifier: MIT
// Creation: sequences, grids, indices, windows; random draws; dropout. Included by ops.h, whose
// head says what all operations share; tensor.h has clg_full, clg_zeros, clg_ones and clg_arange.
#ifndef CLGRAD_CREATE_H
#define CLGRAD_CREATE_H

#include <clgrad/tensor.h>

CLG_BEGIN

// ---- like another tensor

// One number everywhere.
//
// a       any type and shape; its values are not read
// value   converted to a's type as of clg_scalar; a kernel argument
// result  type and shape of a
// grad    none
// errors  none of its own
CLG_API clg_tensor clg_full_like(clg_tensor a, double value);

// Zeros.
//
// a       any type and shape; its values are not read
// result  type and shape of a
// grad    none
// errors  none of its own
CLG_API clg_tensor clg_zeros_like(clg_tensor a);

// Ones.
//
// a       any type and shape; its values are not read
// result  type and shape of a
// grad    none
// errors  none of its own
CLG_API clg_tensor clg_ones_like(clg_tensor a);

// ---- sequences

// Numbers at even distances.
//
//   y[i] = start + i step in the first half, end - (steps - 1 - i) step in the second
//   step = (end - start) / (steps - 1)
//
// dev     the device
// t       any type. Integers are computed in F64 where the device has it, and cut off
// start, end   the first and the last element, exactly; kernel arguments
// steps   0 or more; 1: start alone
// result  [steps], type t
// grad    none
// errors  CLG_EINVAL    steps
CLG_API clg_tensor clg_linspace(clg_device dev, clg_dtype t, double start, double end,
                                int64_t steps);

// Numbers at even ratios.
//
//   y[i] = base^x[i], x of clg_linspace
//
// dev, t, start, end, steps   as of clg_linspace
// base    a number, PyTorch's default is 10
// result  [steps], type t
// grad    none
// errors  CLG_EINVAL    steps
CLG_API clg_tensor clg_logspace(clg_device dev, clg_dtype t, double start, double end,
                                int64_t steps, double base);

// Ones on the diagonal, else zeros.
//
// dev, t  the device, any type
// n, m    rows and columns, 0 or more
// result  [n,m], type t
// grad    none
// errors  CLG_EINVAL    n or m
CLG_API clg_tensor clg_eye(clg_device dev, clg_dtype t, int64_t n, int64_t m);

// Powers of numbers (Vandermonde's matrix).
//
//   y[i,k] = a[i]^(n - 1 - k); increasing: a[i]^k
//
// a       [M]           any type; BOOL becomes I64
// n       columns, 0 or more
// increasing   see above
// result  [M,n], type of a
// grad    a
// errors  CLG_ESHAPE    rank is not 1
//         CLG_EINVAL    n
CLG_API clg_tensor clg_vander(clg_tensor a, int64_t n, bool increasing);

// ---- grids and products

// Vectors as coordinates of a grid, each a view.
//
//   out[k][i0, i1, ...] = t[k][ik]; xy: i0 and i1 change places, as of columns and rows
//
// t       n vectors or 0-d tensors of one type, 1 to CLG_MAX_RANK of them
// xy      see above; NumPy's "xy", false is "ij"
// out     n tensors, poisons where it failed
// result  CLG_OK, or the error
// grad    each t: g, summed over the others
// errors  CLG_ESHAPE    a rank above 1, or too many
//         CLG_EDTYPE    types differ
//         CLG_EINVAL    n < 1
CLG_API clg_status clg_meshgrid_n(const clg_tensor *t, int n, bool xy, clg_tensor *out);

// All choices of one element of each: clg_cartesian_prod(a, b, c).
//
// t       n vectors or 0-d tensors of one type, 1 to CLG_MAX_RANK of them
// result  [product of sizes, n], the last vector's elements change first; of one vector itself
// grad    each t
// errors  as of clg_meshgrid_n
CLG_API clg_tensor clg_cartesian_prod_n(const clg_tensor *t, int n);
#define clg_cartesian_prod(...)                                                                    \
    clg_cartesian_prod_n((clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__))

// All choices of r elements, in the order of their places.
//
// a       [n]           any type
// r       0 or more
// with_replacement   may an element be chosen again?
// result  [choices, r]; [0] for r = 0
// grad    a
// errors  CLG_ESHAPE    rank is not 1, or there are more than 2^30 numbers
//         CLG_EINVAL    r is negative
//         CLG_ENOMEM, CLG_EDEVICE   as of clg_upload
CLG_API clg_tensor clg_combinations(clg_tensor a, int64_t r, bool with_replacement);

// Places of a matrix on and below a diagonal, row by row.
//
// dev     the device
// rows, columns   0 or more, 2^29 elements at most
// offset  0: the diagonal, 1: the one above it
// result  [2,places] I64: rows and columns
// grad    none
// errors  CLG_EINVAL    rows or columns
//         CLG_ENOMEM, CLG_EDEVICE   as of clg_upload
CLG_API clg_tensor clg_tril_indices(clg_device dev, int64_t rows, int64_t columns, int64_t offset);

// Places of a matrix on and above a diagonal, row by row.
//
// dev, rows, columns, offset   as of clg_tril_indices
// result  [2,places] I64: rows and columns
// grad    none
// errors  as of clg_tril_indices
CLG_API clg_tensor clg_triu_indices(clg_device dev, int64_t rows, int64_t columns, int64_t offset);

// ---- windows of signal processing, made on the host and uploaded

// Window of cosines with two equal terms.
//
//   y = (1 - cos(2 pi i / last)) / 2, last = n - 1; periodic: n
//
// dev     the device
// t       a floating type
// n       0 or more; 1 gives a one
// periodic   for spectra (torch.hann_window's default); false: symmetric, for filters
// result  [n], type t; each element rounded once
// grad    none
// errors  CLG_EDTYPE    t is not floating
//         CLG_EINVAL    n
//         CLG_ENOMEM, CLG_EDEVICE   as of clg_upload
CLG_API clg_tensor clg_hann_window(clg_device dev, clg_dtype t, int64_t n, bool periodic);

// Window of cosines with two terms.
//
//   y = alpha - beta cos(2 pi i / last)
//
// dev, t, n, periodic   as of clg_hann_window
// alpha, beta   numbers, PyTorch's defaults are 0.54 and 0.46
// result  [n]
// grad    none
// errors  as of clg_hann_window
CLG_API clg_tensor clg_hamming_window(clg_device dev, clg_dtype t, int64_t n, bool periodic,
                                      double alpha, double beta);

// Window of cosines with three terms.
//
//   y = 0.42 - 0.5 cos(2 pi i / last) + 0.08 cos(4 pi i / last)
//
// dev, t, n, periodic   as of clg_hann_window
// result  [n]
// grad    none
// errors  as of clg_hann_window
CLG_API clg_tensor clg_blackman_window(clg_device dev, clg_dtype t, int64_t n, bool periodic);

// Window of cosines with four terms.
//
//   y = 0.3635819 - 0.4891775 cos(x) + 0.1365995 cos(2x) - 0.0106411 cos(3x), x = 2 pi i / last
//
// dev, t, n, periodic   as of clg_hann_window
// result  [n]
// grad    none
// errors  as of clg_hann_window
CLG_API clg_tensor clg_nuttall_window(clg_device dev, clg_dtype t, int64_t n, bool periodic);

// Window of cosines with two terms that add up to 1.
//
//   y = alpha - (1 - alpha) cos(2 pi i / last)
//
// dev, t, n, periodic   as of clg_hann_window
// alpha   a number, PyTorch's default is 0.54
// result  [n]
// grad    none
// errors  as of clg_hann_window
CLG_API clg_tensor clg_general_hamming_window(clg_device dev, clg_dtype t, int64_t n, bool periodic,
                                              double alpha);

// Window of cosines.
//
//   y = a[0] - a[1] cos(x) + a[2] cos(2x) - ..., x = 2 pi i / last
//
// dev, t, n, periodic   as of clg_hann_window
// a, terms   numbers, and how many
// result  [n]
// grad    none
// errors  as of clg_hann_window
//         CLG_EINVAL    no terms
CLG_API clg_tensor clg_general_cosine_window(clg_device dev, clg_dtype t, int64_t n, bool periodic,
                                             const double *a, int terms);

// Triangle.
//
//   y = 1 - abs(2 i / last - 1)
//
// dev, t, n, periodic   as of clg_hann_window
// result  [n]
// grad    none
// errors  as of clg_hann_window
CLG_API clg_tensor clg_bartlett_window(clg_device dev, clg_dtype t, int64_t n, bool periodic);

// Window of Kaiser.
//
//   y = I0(beta sqrt(1 - (2 i / last - 1)^2)) / I0(beta)
//
// dev, t, n, periodic   as of clg_hann_window
// beta    0 to 700, PyTorch's default is 12
// result  [n]
// grad    none
// errors  as of clg_hann_window
//         CLG_EINVAL    beta
CLG_API clg_tensor clg_kaiser_window(clg_device dev, clg_dtype t, int64_t n, bool periodic,
                                     double beta);

// Bell.
//
//   y = exp(-((i - last / 2) / std)^2 / 2)
//
// dev, t, n, periodic   as of clg_hann_window
// std     above 0, PyTorch's default is 1
// result  [n]
// grad    none
// errors  as of clg_hann_window
//         CLG_EINVAL    std
CLG_API clg_tensor clg_gaussian_window(clg_device dev, clg_dtype t, int64_t n, bool periodic,
                                       double std);

// Half a wave.
//
//   y = sin(pi (i + 1/2) / (last + 1))
//
// dev, t, n, periodic   as of clg_hann_window
// result  [n]
// grad    none
// errors  as of clg_hann_window
CLG_API clg_tensor clg_cosine_window(clg_device dev, clg_dtype t, int64_t n, bool periodic);

// Decay on both sides.
//
//   y = exp(-abs(i - center) / tau)
//
// dev, t, n, periodic   as of clg_hann_window
// tau     above 0, PyTorch's default is 1
// center  a number; NaN: last / 2, which symmetric ones have
// result  [n]
// grad    none
// errors  as of clg_hann_window
//         CLG_EINVAL    tau, or a center of a symmetric one
CLG_API clg_tensor clg_exponential_window(clg_device dev, clg_dtype t, int64_t n, bool periodic,
                                          double tau, double center);

// ---- random draws: of clg_uniform and clg_normal (ops.h), and as those pure functions of (seed,
// counter, element)

// Integers of equal probability, but for 2^-63 of their number.
//
//   y[i] = lo + floor((hi - lo) x / 2^63)
//   x of 63 bits, of the words of clg_uniform's element i in F64
//
// dev, shape   device and shape
// t       any type but BOOL
// lo, hi  from lo to hi - 1: 1 to 2^62 of them; kernel arguments
// result  type t, shape `shape`; the same on every device
// grad    none
// errors  CLG_EDTYPE    t
//         CLG_EINVAL    lo and hi
CLG_API clg_tensor clg_randint(clg_device dev, clg_dtype t, clg_shape shape, int64_t lo,
                               int64_t hi);

// Exponential numbers.
//
//   y = -log(1 - u) / rate, u of clg_uniform
//
// dev, shape   device and shape
// t       a floating type
// rate    above 0
// result  type t, shape `shape`; equal between devices but for rounding
// grad    none
// errors  CLG_EDTYPE    t is not floating
//         CLG_EINVAL    rate
CLG_API clg_tensor clg_exponential(clg_device dev, clg_dtype t, clg_shape shape, double rate);

// Numbers whose logarithms are normal.
//
//   y = e^x, x of clg_normal
//
// dev, shape   device and shape
// t       a floating type
// mean, std   of the logarithm; std above 0
// result  type t, shape `shape`; equal between devices but for rounding
// grad    none
// errors  CLG_EDTYPE    t is not floating
//         CLG_EINVAL    std
CLG_API clg_tensor clg_log_normal(clg_device dev, clg_dtype t, clg_shape shape, double mean,
                                  double std);

// How many trials the first success takes: 1, 2, ...
//
//   y = max(1, ceil(log(1 - u) / log(1 - p))), u of clg_uniform
//
// dev, shape   device and shape
// t       any type but BOOL
// p       between 0 and 1
// result  type t, shape `shape`
// grad    none
// errors  CLG_EDTYPE    BOOL
//         CLG_EINVAL    p
CLG_API clg_tensor clg_geometric(clg_device dev, clg_dtype t, clg_shape shape, double p);

// Numbers of Cauchy's distribution.
//
//   y = median + sigma tan(pi (u - 1/2)), u of clg_uniform
//
// dev, shape   device and shape
// t       a floating type
// median, sigma   numbers; sigma above 0
// result  type t, shape `shape`; equal between devices but for rounding
// grad    none
// errors  CLG_EDTYPE    t is not floating
//         CLG_EINVAL    sigma
CLG_API clg_tensor clg_cauchy(clg_device dev, clg_dtype t, clg_shape shape, double median,
                              double sigma);

// Normal numbers between limits.
//
//   y = mean + std sqrt(2) erfinv(u), u even between the values of erf at the limits
//
// dev, shape   device and shape
// t       a floating type
// mean, std   of the distribution without limits; std above 0
// lo, hi  limits, may be infinite
// result  type t, shape `shape`; equal between devices but for rounding
// grad    none
// errors  CLG_EDTYPE    t is not floating
//         CLG_EINVAL    std, or lo is above hi
CLG_API clg_tensor clg_trunc_normal(clg_device dev, clg_dtype t, clg_shape shape, double mean,
                                    double std, double lo, double hi);

// Numbers of classes by their weights.
//
// weights [N,K] or [K]  float, 0 or more, one above 0 in each row (values are not checked); of any
//                       sum
// samples how many of each row, 1 or more; without replacement at most K, and as many as have a
//         weight (others follow)
// replacement   may a class come again? Then each sample takes K random numbers
// result  [N,samples] or [samples], I64
// grad    none
// errors  CLG_EDTYPE    weights are not floating
//         CLG_ESHAPE    rank, or K is 0
//         CLG_EINVAL    samples
CLG_API clg_tensor clg_multinomial(clg_tensor weights, int64_t samples, bool replacement);

// How many come where so many come on average: of Poisson's distribution, exactly.
//
// rate    floating, 0 or more (values are not checked: below 0 or NaN makes NaN, infinity itself)
// result  type and shape of rate; equal between devices but for rounding
// grad    none
// errors  CLG_EDTYPE    rate is not floating
// source  Hoermann 1993, "The transformed rejection method for generating Poisson random variables"
CLG_API clg_tensor clg_poisson(clg_tensor rate);

// ---- dropout, as in training; layers decide when (clg_nn_dropout)

// Dropout, as in training; layers decide when (clg_nn_dropout).
//
//   y = a / (1 - p) with probability 1 - p, else 0
//
// a       float, any shape
// p       0 to 1; 0 gives a itself and takes no draw
// result  type and shape of a
// grad    a: g / (1 - p) where a was kept, else 0
// errors  CLG_EINVAL    p is outside 0 to 1
//         CLG_EDTYPE    a is not floating
// source  Srivastava and others 2014
CLG_API clg_tensor clg_dropout(clg_tensor a, double p);

// Dropout of whole channels.
//
//   as of clg_dropout, with one decision for each [n,c]
//
// a       [N,C,L] or [C,L]  float
// p       as of clg_dropout
// result  type and shape of a
// grad    a, where it was kept
// errors  as of clg_dropout
//         CLG_ESHAPE    rank
CLG_API clg_tensor clg_dropout1d(clg_tensor a, double p);

// Dropout of whole channels.
//
//   as of clg_dropout, with one decision for each [n,c]
//
// a       [N,C,...]     float, rank 2 or more; PyTorch, too, takes [N,C,L] as a batch
// p       as of clg_dropout
// result  type and shape of a
// grad    a, where it was kept
// errors  as of clg_dropout
//         CLG_ESHAPE    rank
CLG_API clg_tensor clg_dropout2d(clg_tensor a, double p);

// Dropout of whole channels.
//
//   as of clg_dropout, with one decision for each [n,c]
//
// a       [N,C,...], or of rank 4 [C,D,H,W]   float, rank 2 or more
// p       as of clg_dropout
// result  type and shape of a
// grad    a, where it was kept
// errors  as of clg_dropout
//         CLG_ESHAPE    rank
CLG_API clg_tensor clg_dropout3d(clg_tensor a, double p);

// Dropout of whole channels.
//
//   as of clg_dropout, with one decision for each [n,c]
//
// a       [N,C,...]     float, rank 2 or more
// p       as of clg_dropout
// result  type and shape of a
// grad    a, where it was kept
// errors  as of clg_dropout
//         CLG_ESHAPE    rank
CLG_API clg_tensor clg_feature_dropout(clg_tensor a, double p);

// Dropout that keeps mean and variance of what selu gives.
//
//   y = s (a + m p) with probability 1 - p, else s m (p - 1); p = 1: 0
//   m = 1.7580993408473766, s = 1 / sqrt((m^2 p + 1) (1 - p))
//
// a       float, any shape
// p       as of clg_dropout
// result  type and shape of a
// grad    a, where it was kept
// errors  as of clg_dropout
// source  Klambauer and others 2017
CLG_API clg_tensor clg_alpha_dropout(clg_tensor a, double p);

// The same of whole channels.
//
//   as of clg_alpha_dropout, with one decision for each [n,c]
//
// a       [N,C,...]     float, rank 2 or more
// p       as of clg_dropout
// result  type and shape of a
// grad    a, where it was kept
// errors  as of clg_dropout
//         CLG_ESHAPE    rank
CLG_API clg_tensor clg_feature_alpha_dropout(clg_tensor a, double p);

CLG_END
#endif
