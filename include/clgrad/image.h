// SPDX-License-Identifier: MIT
// Images: margins of their own elements, other sizes. What ops.h says of all operations holds.
#ifndef CLGRAD_IMAGE_H
#define CLGRAD_IMAGE_H

#include <clgrad/ops.h>

CLG_BEGIN

// ---- margins: of the last one to three dimensions. Elements below 0 cut some off

// A margin that mirrors what lies behind the edge: dcb|abcd|cba.
//
// a       any type, of as many dimensions as before, or more
// before, after   of rank 1 to 3: for the last dimensions of a; each smaller than its dimension
// result  type of a
// grad    a: g, added up at what is mirrored
// errors  CLG_ESHAPE    ranks, or a dimension that becomes empty
//         CLG_EINVAL    a margin is too large
CLG_API clg_tensor clg_pad_reflect(clg_tensor a, clg_shape before, clg_shape after);

// A margin of the outermost elements: aaa|abcd|ddd.
//
// a, before, after   as of clg_pad_reflect; margins of any size
// result  type of a
// grad    a: g, added up at the edges
// errors  CLG_ESHAPE    ranks, or a dimension that becomes empty
CLG_API clg_tensor clg_pad_replicate(clg_tensor a, clg_shape before, clg_shape after);

// A margin of what lies at the other end: bcd|abcd|abc.
//
// a, before, after   as of clg_pad_reflect; a margin is at most its dimension
// result  type of a
// grad    a: g, added up
// errors  CLG_ESHAPE    ranks, or a dimension that becomes empty
//         CLG_EINVAL    a margin is too large
CLG_API clg_tensor clg_pad_circular(clg_tensor a, clg_shape before, clg_shape after);

// ---- channels and pixels

// Channels become pixels: [..., C r^2, H, W] to [..., C, H r, W r].
//
// a       any type, rank 3 or more
// r       1 or more; r^2 divides the channels
// result  type of a
// grad    a: g, moved back
// errors  CLG_ESHAPE    rank, or channels
//         CLG_EINVAL    r
CLG_API clg_tensor clg_pixel_shuffle(clg_tensor a, int64_t r);

// Pixels become channels: [..., C, H r, W r] to [..., C r^2, H, W].
//
// a       any type, rank 3 or more
// r       1 or more; divides both sizes
// result  type of a
// grad    a: g, moved back
// errors  CLG_ESHAPE    rank, or sizes
//         CLG_EINVAL    r
CLG_API clg_tensor clg_pixel_unshuffle(clg_tensor a, int64_t r);

// Channels of groups take turns: [N, g c, ...] as [N, c g, ...].
//
// a       any type, rank 3 or more
// groups  a divisor of the channels
// result  type and shape of a
// grad    a: g, moved back
// errors  CLG_ESHAPE    rank, or channels
//         CLG_EINVAL    groups
CLG_API clg_tensor clg_channel_shuffle(clg_tensor a, int64_t groups);

// ---- other sizes

typedef enum clg_interpolate_mode {
    CLG_INTERPOLATE_NEAREST,       // as OpenCV's, which lies a little aside
    CLG_INTERPOLATE_NEAREST_EXACT, // as Pillow's
    CLG_INTERPOLATE_LINEAR,        // bilinear, trilinear
    CLG_INTERPOLATE_CUBIC,         // two dimensions
    CLG_INTERPOLATE_AREA           // the mean of what is covered
} clg_interpolate_mode;

struct clg_interpolate_params {
    size_t size;
    clg_interpolate_mode mode;
    double scale, scale_d, scale_h, scale_w; // of all dimensions, or of one, where no size is given
    bool align_corners; // LINEAR, CUBIC: corners' centers stay where they are
    bool antialias;     // LINEAR, CUBIC, of two dimensions: filters as wide as pixels of the result
    bool recompute_scale_factor; // coordinates follow from the sizes, not from the scale
};
#define clg_interpolate_params(...)                                                                \
    (&(struct clg_interpolate_params) { .size = sizeof(struct clg_interpolate_params),             \
                                        __VA_ARGS__ })

// Images of another size, as PyTorch's interpolate computes them.
//
//   y[n,c,i,j] = sum_k,l v[i,k] h[j,l] x[n,c,k,l], weights by mode and where pixels' centers lie
//
// x       [N,C,W], [N,C,H,W] or [N,C,D,H,W]   float; U8: computed in F32 and rounded
// size    of the result, as many as x has behind the channels; rank 0: floor(size of x * scale)
// p       may be NULL: nearest
// result  type of x
// grad    x
// errors  CLG_EDTYPE    x is neither floating nor U8
//         CLG_ESHAPE    rank, an empty image, or sizes below 1
//         CLG_EINVAL    both or neither of size and scale, no such mode, or options it has not
// source  Keys 1981 (cubic, a = -0.75; antialiased -0.5)
CLG_API clg_tensor clg_interpolate(clg_tensor x, clg_shape size,
                                   const struct clg_interpolate_params *p);

// One axis of each image of a batch by weights of its own: parts of images in other sizes, filters
// that differ from image to image.
//
//   y[n,..,o,..] = sum over k of weight[n,k,o] x[n,..,first[n,o] + k,..]
//
// x       float [N,...], rank 2 or more
// first   I32 [N,O]; moved to be within 0 and the size of the axis less K
// weight  type of x, [N,K,O], K from 1 to the size of the axis
// axis    of x, not the first; negative: from the end
// result  type of x, whose axis has O elements; computed in F32 for F16 and BF16
// grad    x, weight
// errors  CLG_EDTYPE    types
//         CLG_ESHAPE    ranks, sizes, axis
CLG_API clg_tensor clg_resample(clg_tensor x, clg_tensor first, clg_tensor weight, int axis);

// ---- where a grid says

// The grid of an affine map, for clg_grid_sample.
//
//   y[n,i,j] = theta[n] (x_j, y_i, 1), x and y the centers of an image's elements, from -1 to 1
//
// theta   float [N,2,3], or [N,3,4] for volumes
// size    of the image that is to be made: N,C,H,W or N,C,D,H,W
// align_corners   -1 and 1 are the centers of corners, not their outer edges
// result  type of theta, [N,H,W,2] or [N,D,H,W,3]
// grad    theta
// errors  CLG_EDTYPE    theta is not floating
//         CLG_ESHAPE    ranks or sizes
CLG_API clg_tensor clg_affine_grid(clg_tensor theta, clg_shape size, bool align_corners);

typedef enum clg_grid_mode { CLG_GRID_LINEAR, CLG_GRID_NEAREST, CLG_GRID_CUBIC } clg_grid_mode;
typedef enum clg_grid_padding {
    CLG_GRID_ZEROS,     // outside of the image is 0
    CLG_GRID_BORDER,    // the outermost elements
    CLG_GRID_REFLECTION // the image, mirrored
} clg_grid_padding;

struct clg_grid_sample_params {
    size_t size;
    clg_grid_mode mode;
    clg_grid_padding padding;
    bool align_corners; // -1 and 1 are the centers of corners, not their outer edges
};
#define clg_grid_sample_params(...)                                                                \
    (&(struct clg_grid_sample_params) { .size = sizeof(struct clg_grid_sample_params),             \
                                        __VA_ARGS__ })

// An image looked up at places of its own: y[n,c,i,j] is x[n,c] at grid[n,i,j], interpolated.
//
// x       float [N,C,H,W] or [N,C,D,H,W], not empty behind the channels
// grid    type of x, [N,H',W',2] or [N,D',H',W',3]: x, y and z from -1 to 1, over W, H and D
// p       may be NULL: linear, zeros
// result  type of x, [N,C,H',W'] or [N,C,D',H',W']; computed in F32 for F16 and BF16. Where a
//         place is NaN, as PyTorch's: NaN for linear in a plane of zeros, and for cubic; 0 in other
//         zeros; else as at the first element of a plane, the last of a volume
// grad    x; grid: 0 for nearest, and where padding has moved a place to an edge
// errors  CLG_EDTYPE    types differ, or are not floating
//         CLG_ESHAPE    ranks or sizes, an empty image
//         CLG_EINVAL    no such mode or padding, or cubic with volumes
CLG_API clg_tensor clg_grid_sample(clg_tensor x, clg_tensor grid,
                                   const struct clg_grid_sample_params *p);

CLG_END
#endif
