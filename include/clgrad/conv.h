// SPDX-License-Identifier: MIT
// Windows that slide over images of one, two or three dimensions: convolutions and pooling. What
// ops.h says of every operation holds here too; shapes and numbers are PyTorch's.
#ifndef CLGRAD_CONV_H
#define CLGRAD_CONV_H

#include <clgrad/tensor.h>

CLG_BEGIN

// Numbers of every params struct below. Zero means PyTorch's default: stride 1 (pooling: the
// window), dilation 1, groups 1, padding 0. A field with _d (depth), _h (height) or _w (width, and
// the one dimension of 1-d images) of 0 takes the common one; padding of one dimension alone is
// padding_h without padding. Those of a dimension that is not there are refused, and negative ones.
// padding is on both sides; padding_end is that after the image where it differs, and with
// no_padding_end there is none where no padding_end_d, _h or _w says so.
//
// Padded images and windows with their dilation: at most 2^30 in each dimension.
//
// An image may come without its batch, [C,H,W] for [N,C,H,W]; the result and places then have none
// either. clg_unfold alone takes no such images: there the rank says how many dimensions they have.
struct clg_conv_params {
    size_t size;
    int stride, padding, dilation, groups;
    int stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
    int stride_d, padding_d, dilation_d;
    int padding_end, padding_end_d, padding_end_h, padding_end_w;
    bool no_padding_end;
    bool padding_same; // as much as keeps the size, a spare one after the image; with stride 1
    int output_padding, output_padding_d, output_padding_h, output_padding_w; // transposed only
};
#define clg_conv_params(...)                                                                       \
    (&(struct clg_conv_params) { .size = sizeof(struct clg_conv_params), __VA_ARGS__ })
#define clg_conv2d_params clg_conv_params // its name when there was one

// Convolution of 1-d images (cross-correlation, not flipped): clg_conv2d of images of height 1.
//
//   y[n,o,j] = bias[o] + sum_{c,v} w[o,c,v] * x[n, c + first(o), j*stride + v*dilation - padding]
//
// x       [N,C,W]       number (any type but BOOL; integers wrap); N may be 0
// w       [O,C/groups,KW]   type of x
// bias, p as of clg_conv2d
// result  [N,O,W']      type of x, W' as of clg_conv2d
// grad    x, w, bias
// errors  as of clg_conv2d, with ranks 3 and 2
CLG_API clg_tensor clg_conv1d(clg_tensor x, clg_tensor w, clg_tensor bias,
                              const struct clg_conv_params *p);

// 2-D convolution (cross-correlation, not flipped).
//
//   y[n,o,i,j] = bias[o] + sum_{c,u,v} w[o,c,u,v] * x[n, c + first(o), s(i,u), s(j,v)]
//   s(i,u) = i*stride + u*dilation - padding; 0 outside x
//   first(o) = C/groups * floor(o / (O/groups))
//
// x       [N,C,H,W]     number (any type but BOOL; integers wrap); N may be 0
// w       [O,C/groups,KH,KW]   type of x
// bias    [O]           type of x; may be NULL
// p       may be NULL: all defaults
// result  [N,O,H',W']   type of x,
//         H' = floor((H + padding + padding_end - dilation*(KH-1) - 1) / stride) + 1
// grad    x, w, bias
// errors  CLG_ESHAPE    rank of w not 4, of x not 4 or 3, channels differ, the window does not fit
//                       or is too large, an empty image or w, bias has not O elements
//         CLG_EDTYPE    types differ or are BOOL
//         CLG_EINVAL    a parameter is negative or of another op, padding_same with a padding or
//                       stride
// source  Dumoulin and Visin 2016, section 2
CLG_API clg_tensor clg_conv2d(clg_tensor x, clg_tensor w, clg_tensor bias,
                              const struct clg_conv_params *p);

// Convolution of 3-d images (cross-correlation, not flipped).
//
//   y[n,o,h,i,j] = bias[o] +
//       sum_{c,t,u,v} w[o,c,t,u,v] * x[n, c + first(o), s(h,t), s(i,u), s(j,v)]
//
// x       [N,C,D,H,W]   number (any type but BOOL; integers wrap); N may be 0
// w       [O,C/groups,KD,KH,KW]   type of x
// bias, p as of clg_conv2d
// result  [N,O,D',H',W']   type of x, sizes as of clg_conv2d
// grad    x, w, bias
// errors  as of clg_conv2d, with ranks 5 and 4
CLG_API clg_tensor clg_conv3d(clg_tensor x, clg_tensor w, clg_tensor bias,
                              const struct clg_conv_params *p);

// Transposed convolution of 1-d images: as clg_conv_transpose2d.
//
//   y[n,o,j*stride + v*dilation - padding] += x[n,c,j] * w[c,o,v], then + bias[o]
//
// x       [N,C,W]       number (any type but BOOL; integers wrap); N may be 0
// w       [C,O/groups,KW]   type of x
// bias, p as of clg_conv_transpose2d
// result  [N,O,W']      type of x
// grad    x, w, bias
// errors  as of clg_conv_transpose2d, with ranks 3 and 2
CLG_API clg_tensor clg_conv_transpose1d(clg_tensor x, clg_tensor w, clg_tensor bias,
                                        const struct clg_conv_params *p);

// Transposed convolution: what clg_conv2d gives its image as gradient, of a cotangent x.
//
//   y[n,o,s(i,u),s(j,v)] += x[n,c,i,j] * w[c,o,u,v] for every c of o's group, then + bias[o]
//   s(i,u) = i*stride + u*dilation - padding
//
// x       [N,C,H,W]     number (any type but BOOL; integers wrap); N may be 0
// w       [C,O/groups,KH,KW]   type of x
// bias    [O]           type of x; may be NULL
// p       may be NULL: all defaults. padding is cut off; output_padding is added after the image,
//         and less than stride or dilation
// result  [N,O,H',W']   type of x,
//         H' = (H-1)*stride - padding - padding_end + dilation*(KH-1) + output_padding + 1
// grad    x, w, bias
// errors  CLG_ESHAPE    rank of w not 4, of x not 4 or 3, channels differ, nothing is left or it is
//                       too large, an empty image or w, bias has not O elements
//         CLG_EDTYPE    types differ or are BOOL
//         CLG_EINVAL    a parameter is negative, output_padding too large, padding_same
// source  Dumoulin and Visin 2016, section 4
CLG_API clg_tensor clg_conv_transpose2d(clg_tensor x, clg_tensor w, clg_tensor bias,
                                        const struct clg_conv_params *p);

// Transposed convolution of 3-d images: as clg_conv_transpose2d.
//
//   y[n,o,s(h,t),s(i,u),s(j,v)] += x[n,c,h,i,j] * w[c,o,t,u,v], then + bias[o]
//
// x       [N,C,D,H,W]   number (any type but BOOL; integers wrap); N may be 0
// w       [C,O/groups,KD,KH,KW]   type of x
// bias, p as of clg_conv_transpose2d
// result  [N,O,D',H',W']   type of x
// grad    x, w, bias
// errors  as of clg_conv_transpose2d, with ranks 5 and 4
CLG_API clg_tensor clg_conv_transpose3d(clg_tensor x, clg_tensor w, clg_tensor bias,
                                        const struct clg_conv_params *p);

// ---- pooling

struct clg_pool_params {
    size_t size;
    int kernel, stride, padding, dilation; // dilation: of a maximum only
    int kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
    bool exclude_padding; // average: divide by the places inside (count_include_pad = false)
    bool ceil_mode;
    int divisor; // average: divide by this number, below 0 too; 0: by the number of places
    int kernel_d, stride_d, padding_d, dilation_d;
    int padding_end, padding_end_d, padding_end_h, padding_end_w;
    bool no_padding_end;
    // maximum: where the winners' places go, may be NULL: I64 of the result's shape, counted within
    // the image; -1 where a window sees padding alone
    clg_tensor *indices;
};
#define clg_pool_params(...)                                                                       \
    (&(struct clg_pool_params) { .size = sizeof(struct clg_pool_params), __VA_ARGS__ })
#define clg_pool2d_params clg_pool_params // its name when there was one

// Largest of each window of 1-d images: as clg_max_pool2d.
//
//   y[n,c,j] = max_v x[n, c, j*stride + v*dilation - padding]; NaN wins
//
// x       [N,C,W]       number (any type but BOOL)
// p       as of clg_max_pool2d
// result  [N,C,W']      type of x
// grad    x
// errors  as of clg_max_pool2d, with ranks 3 and 2
CLG_API clg_tensor clg_max_pool1d(clg_tensor x, const struct clg_pool_params *p);

// Largest of each window.
//
//   y[n,c,i,j] = max_{u,v} x[n, c, s(i,u), s(j,v)], s(i,u) = i*stride + u*dilation - padding
//
// x       [N,C,H,W]     number (any type but BOOL); NaN wins
// p       kernel is needed; padding at most half of it, never chosen. ceil_mode: H' rounds up, but
//         a window starts inside the image or its padding before
// result  [N,C,H',W']   type of x, H' as of clg_conv2d
// grad    x: g at the first largest element of each window, at the last NaN where there is one;
//         *indices: none
// errors  CLG_ESHAPE    rank not 4 or 3, an empty image, the window does not fit or is too large
//         CLG_EDTYPE    x is BOOL
//         CLG_EINVAL    no kernel, a parameter that is negative, too much padding, a divisor
//                       or exclude_padding
CLG_API clg_tensor clg_max_pool2d(clg_tensor x, const struct clg_pool_params *p);

// Largest of each window of 3-d images: as clg_max_pool2d.
//
//   y[n,c,h,i,j] = max_{t,u,v} x[n, c, s(h,t), s(i,u), s(j,v)]; NaN wins
//
// x       [N,C,D,H,W]   number (any type but BOOL)
// p       as of clg_max_pool2d
// result  [N,C,D',H',W']   type of x
// grad    x
// errors  as of clg_max_pool2d, with ranks 5 and 4
CLG_API clg_tensor clg_max_pool3d(clg_tensor x, const struct clg_pool_params *p);

// Mean of each window of 1-d images: as clg_avg_pool2d.
//
//   y[n,c,j] = 1/K sum_v x[n, c, j*stride + v - padding]
//
// x       [N,C,W]       number (any type but BOOL)
// p       as of clg_avg_pool2d
// result  [N,C,W']      type of x
// grad    x
// errors  as of clg_avg_pool2d, with ranks 3 and 2
CLG_API clg_tensor clg_avg_pool1d(clg_tensor x, const struct clg_pool_params *p);

// Mean of each window.
//
//   y[n,c,i,j] = 1/K sum_{u,v} x[n, c, i*stride + u - padding, j*stride + v - padding], K = KH*KW
//
// x, p    as of clg_max_pool2d, but no dilation. Padding counts as zeros; with exclude_padding K
//         counts the places inside alone; with a divisor it is K. Integers divide toward zero
//         (PyTorch has I64 alone)
// result  [N,C,H',W']   type of x
// grad    x
// errors  as of clg_max_pool2d; CLG_EINVAL for a dilation and indices, not for what averages have
CLG_API clg_tensor clg_avg_pool2d(clg_tensor x, const struct clg_pool_params *p);

// Mean of each window of 3-d images: as clg_avg_pool2d.
//
//   y[n,c,h,i,j] = 1/K sum_{t,u,v} x[n, c, h*stride + t - padding, ...], K = KD*KH*KW
//
// x       [N,C,D,H,W]   number (any type but BOOL)
// p       as of clg_avg_pool2d
// result  [N,C,D',H',W']   type of x
// grad    x
// errors  as of clg_avg_pool2d, with ranks 5 and 4
CLG_API clg_tensor clg_avg_pool3d(clg_tensor x, const struct clg_pool_params *p);

// Power mean, without its division, of each window of 1-d images.
//
//   y = (sum of x^norm over the window)^(1/norm), as (K * mean)^(1/norm)
//
// x       [N,C,W]       float
// norm    above 0; no gradient. The power of a negative number may be NaN
// p       kernel is needed; stride; ceil_mode: a window that hangs over the end counts for K too
// result  [N,C,W']      type of x
// grad    x; 0 where all of a window is
// errors  CLG_ESHAPE    rank not 3 or 2, an empty image, the window does not fit or is too large
//         CLG_EDTYPE    x is not floating
//         CLG_EINVAL    norm, no kernel, a padding or divisor, a parameter that is negative
CLG_API clg_tensor clg_lp_pool1d(clg_tensor x, double norm, const struct clg_pool_params *p);

// Power mean, without its division, of each window of 2-d images.
//
//   y = (sum of x^norm over the window)^(1/norm), as (K * mean)^(1/norm)
//
// x       [N,C,H,W]     float
// norm    above 0; no gradient. The power of a negative number may be NaN
// p       kernel is needed; stride; ceil_mode: a window that hangs over the end counts for K too
// result  [N,C,H',W']   type of x
// grad    x; 0 where all of a window is
// errors  CLG_ESHAPE    rank not 4 or 3, an empty image, the window does not fit or is too large
//         CLG_EDTYPE    x is not floating
//         CLG_EINVAL    norm, no kernel, a padding or divisor, a parameter that is negative
CLG_API clg_tensor clg_lp_pool2d(clg_tensor x, double norm, const struct clg_pool_params *p);

// Power mean, without its division, of each window of 3-d images.
//
//   y = (sum of x^norm over the window)^(1/norm), as (K * mean)^(1/norm)
//
// x       [N,C,D,H,W]   float
// norm    above 0; no gradient. The power of a negative number may be NaN
// p       kernel is needed; stride; ceil_mode: a window that hangs over the end counts for K too
// result  [N,C,D',H',W'] type of x
// grad    x; 0 where all of a window is
// errors  CLG_ESHAPE    rank not 5 or 4, an empty image, the window does not fit or is too large
//         CLG_EDTYPE    x is not floating
//         CLG_EINVAL    norm, no kernel, a padding or divisor, a parameter that is negative
CLG_API clg_tensor clg_lp_pool3d(clg_tensor x, double norm, const struct clg_pool_params *p);

// ---- pooling to a given size

// Largest of each of a given number of windows of 1-d images.
//
//   window i of W' in an image of W: places floor(i W / W') to ceil((i+1) W / W') - 1
//
// x       [N,C,W]       number (any type but BOOL); NaN wins
// size    CLG_SHAPE(w): sizes of the result; -1: that of x
// indices where the winners' places go, may be NULL: I64 of the result's shape, within the image
// result  [N,C,W']      type of x
// grad    x: g at the first largest element of each window; *indices: none
// errors  CLG_ESHAPE    rank not 3 or 2, an empty image, size has not 1 dimensions or is below -1
//         CLG_EDTYPE    x is BOOL
CLG_API clg_tensor clg_adaptive_max_pool1d(clg_tensor x, clg_shape size,
                                            clg_tensor *indices);

// Largest of each of a given number of windows of 2-d images.
//
//   window i of W' in an image of W: places floor(i W / W') to ceil((i+1) W / W') - 1
//
// x       [N,C,H,W]     number (any type but BOOL); NaN wins
// size    CLG_SHAPE(h, w): sizes of the result; -1: that of x
// indices where the winners' places go, may be NULL: I64 of the result's shape, within the image
// result  [N,C,H',W']   type of x
// grad    x: g at the first largest element of each window; *indices: none
// errors  CLG_ESHAPE    rank not 4 or 3, an empty image, size has not 2 dimensions or is below -1
//         CLG_EDTYPE    x is BOOL
CLG_API clg_tensor clg_adaptive_max_pool2d(clg_tensor x, clg_shape size,
                                            clg_tensor *indices);

// Largest of each of a given number of windows of 3-d images.
//
//   window i of W' in an image of W: places floor(i W / W') to ceil((i+1) W / W') - 1
//
// x       [N,C,D,H,W]   number (any type but BOOL); NaN wins
// size    CLG_SHAPE(d, h, w): sizes of the result; -1: that of x
// indices where the winners' places go, may be NULL: I64 of the result's shape, within the image
// result  [N,C,D',H',W'] type of x
// grad    x: g at the first largest element of each window; *indices: none
// errors  CLG_ESHAPE    rank not 5 or 4, an empty image, size has not 3 dimensions or is below -1
//         CLG_EDTYPE    x is BOOL
CLG_API clg_tensor clg_adaptive_max_pool3d(clg_tensor x, clg_shape size,
                                            clg_tensor *indices);

// Mean of each of a given number of windows of 1-d images.
//
//   window i of W' in an image of W: places floor(i W / W') to ceil((i+1) W / W') - 1
//
// x       [N,C,W]       number (any type but BOOL); integers divide toward zero
// size    CLG_SHAPE(w): sizes of the result; -1: that of x
// result  [N,C,W']      type of x
// grad    x
// errors  CLG_ESHAPE    rank not 3 or 2, an empty image, size has not 1 dimensions or is below -1
//         CLG_EDTYPE    x is BOOL
CLG_API clg_tensor clg_adaptive_avg_pool1d(clg_tensor x, clg_shape size);

// Mean of each of a given number of windows of 2-d images.
//
//   window i of W' in an image of W: places floor(i W / W') to ceil((i+1) W / W') - 1
//
// x       [N,C,H,W]     number (any type but BOOL); integers divide toward zero
// size    CLG_SHAPE(h, w): sizes of the result; -1: that of x
// result  [N,C,H',W']   type of x
// grad    x
// errors  CLG_ESHAPE    rank not 4 or 3, an empty image, size has not 2 dimensions or is below -1
//         CLG_EDTYPE    x is BOOL
CLG_API clg_tensor clg_adaptive_avg_pool2d(clg_tensor x, clg_shape size);

// Mean of each of a given number of windows of 3-d images.
//
//   window i of W' in an image of W: places floor(i W / W') to ceil((i+1) W / W') - 1
//
// x       [N,C,D,H,W]   number (any type but BOOL); integers divide toward zero
// size    CLG_SHAPE(d, h, w): sizes of the result; -1: that of x
// result  [N,C,D',H',W'] type of x
// grad    x
// errors  CLG_ESHAPE    rank not 5 or 4, an empty image, size has not 3 dimensions or is below -1
//         CLG_EDTYPE    x is BOOL
CLG_API clg_tensor clg_adaptive_avg_pool3d(clg_tensor x, clg_shape size);

// ---- back from windows

// 1-d images of zeros but for pooled elements, at the places where they were largest.
//
//   y[n,c,indices[n,c,k]] = x[n,c,k]; of several elements for one place the last one
//
// x       [N,C,W]       any type
// indices shape of x    I64 or I32, as of clg_max_pool1d; of places outside the image: left out
// size    CLG_SHAPE(w), or CLG_SCALAR: (W-1)*stride - padding - padding_end + kernel
// p       as of clg_max_pool1d; read where size is CLG_SCALAR, else may be NULL
// result  [N,C,W']      type of x
// grad    x: g at its place, where it is the one that is there
// errors  CLG_ESHAPE    rank not 3 or 2, shapes differ, an empty image, size has not 1 dimensions,
//                       or an image of 2^31 elements
//         CLG_EDTYPE    indices are of another type
//         CLG_EINVAL    as of clg_max_pool1d
CLG_API clg_tensor clg_max_unpool1d(clg_tensor x, clg_tensor indices, clg_shape size,
                                    const struct clg_pool_params *p);

// 2-d images of zeros but for pooled elements, at the places where they were largest.
//
//   y[n,c,indices[n,c,k]] = x[n,c,k]; of several elements for one place the last one
//
// x       [N,C,H,W]     any type
// indices shape of x    I64 or I32, as of clg_max_pool2d; of places outside the image: left out
// size    CLG_SHAPE(h, w), or CLG_SCALAR: (W-1)*stride - padding - padding_end + kernel
// p       as of clg_max_pool2d; read where size is CLG_SCALAR, else may be NULL
// result  [N,C,H',W']   type of x
// grad    x: g at its place, where it is the one that is there
// errors  CLG_ESHAPE    rank not 4 or 3, shapes differ, an empty image, size has not 2 dimensions,
//                       or an image of 2^31 elements
//         CLG_EDTYPE    indices are of another type
//         CLG_EINVAL    as of clg_max_pool2d
CLG_API clg_tensor clg_max_unpool2d(clg_tensor x, clg_tensor indices, clg_shape size,
                                    const struct clg_pool_params *p);

// 3-d images of zeros but for pooled elements, at the places where they were largest.
//
//   y[n,c,indices[n,c,k]] = x[n,c,k]; of several elements for one place the last one
//
// x       [N,C,D,H,W]   any type
// indices shape of x    I64 or I32, as of clg_max_pool3d; of places outside the image: left out
// size    CLG_SHAPE(d, h, w), or CLG_SCALAR: (W-1)*stride - padding - padding_end + kernel
// p       as of clg_max_pool3d; read where size is CLG_SCALAR, else may be NULL
// result  [N,C,D',H',W'] type of x
// grad    x: g at its place, where it is the one that is there
// errors  CLG_ESHAPE    rank not 5 or 4, shapes differ, an empty image, size has not 3 dimensions,
//                       or an image of 2^31 elements
//         CLG_EDTYPE    indices are of another type
//         CLG_EINVAL    as of clg_max_pool3d
CLG_API clg_tensor clg_max_unpool3d(clg_tensor x, clg_tensor indices, clg_shape size,
                                    const struct clg_pool_params *p);

struct clg_fold_params {
    size_t size;
    int kernel, stride, padding, dilation; // stride: 0 is 1
    int kernel_d, stride_d, padding_d, dilation_d;
    int kernel_h, stride_h, padding_h, dilation_h;
    int kernel_w, stride_w, padding_w, dilation_w;
    int padding_end, padding_end_d, padding_end_h, padding_end_w;
    bool no_padding_end;
};
#define clg_fold_params(...)                                                                       \
    (&(struct clg_fold_params) { .size = sizeof(struct clg_fold_params), __VA_ARGS__ })

// What windows see, a column each.
//
//   y[n, (c*KH + u)*KW + v, i*W' + j] = x[n, c, i*stride + u*dilation - padding, ...]; 0 outside
//
// x       [N,C,W], [N,C,H,W] or [N,C,D,H,W]   any type (PyTorch has 2-d images of floats)
// p       kernel is needed
// result  [N,C*K,L]     type of x; K taps of a window, L windows, as many as clg_conv2d has results
// grad    x
// errors  CLG_ESHAPE    another rank, an empty image, the window does not fit or is too large
//         CLG_EINVAL    no kernel, a parameter is negative
CLG_API clg_tensor clg_unfold(clg_tensor x, const struct clg_fold_params *p);

// Columns added up to an image: the transpose of clg_unfold.
//
//   y[n, c, i*stride + u*dilation - padding, ...] += x[n, (c*KH + u)*KW + v, i*W' + j]
//
// x       [N,C*K,L]     number (any type but BOOL; integers wrap)
// size    CLG_SHAPE(w), CLG_SHAPE(h, w) or CLG_SHAPE(d, h, w): of the image
// p       kernel is needed
// result  [N,C] and size   type of x
// grad    x
// errors  CLG_ESHAPE    rank not 3 or 2, no such size, the window does not fit, x has not a
//                       multiple of K rows or not L columns
//         CLG_EDTYPE    x is BOOL
//         CLG_EINVAL    no kernel, a parameter is negative
CLG_API clg_tensor clg_fold(clg_tensor x, clg_shape size, const struct clg_fold_params *p);

CLG_END
#endif
