// SPDX-License-Identifier: MIT
// Windows that slide over images of one to three dimensions: the one description that convolutions,
// pooling, unfold and fold share; what their callers say about it, its sizes, key and kernel arguments.
//
// Window i of a dimension covers places i*stride - lo + t*dilation, t = 0 .. k-1, of the image; places
// outside it are padding. Any padded image is at most CLG__WINDOW_MOST long in each dimension, so that
// places are of type int in kernels; numbers of elements may be larger (clg__window_wide).
#ifndef CLG_OPS_WINDOW_H
#define CLG_OPS_WINDOW_H

#include "graph/build.h"
#include <clgrad/ops.h>

enum { CLG__D, CLG__H, CLG__W, CLG__SPATIAL };
enum { CLG__WINDOW_MOST = 1 << 30 };

typedef struct clg__window {
    int nd; // dimensions as the caller sees them; what comes before them has size 1 and window 1
    int64_t n, c, o, groups; // images, their channels, channels of results; pooling: n planes
    int64_t in[CLG__SPATIAL], out[CLG__SPATIAL], k[CLG__SPATIAL];
    int64_t stride[CLG__SPATIAL], lo[CLG__SPATIAL], hi[CLG__SPATIAL], dilation[CLG__SPATIAL];
} clg__window;

// A number that a caller gives for all dimensions or for one (_d, _h, _w); 0: not given.
typedef struct clg__window_field {
    const char *name;
    int common, each[CLG__SPATIAL];
} clg__window_field;
#define CLG__WINDOW_FIELD(q, f) { #f, (q).f, { (q).f##_d, (q).f##_h, (q).f##_w } }

typedef struct clg__window_params {
    clg__window_field kernel; // no name: the window's k is known
    clg__window_field stride, padding, padding_end, dilation;
    bool stride_is_kernel;    // where none is given, else 1
    bool no_padding_end, same;
} clg__window_params;

// An image without dimensions; with those of x behind the first two.
clg__window clg__window_of(int nd, clg_tensor x);
// Functions below give NULL, or the poison of what is wrong.
// One number for each dimension: given, else none[]; at least `least`.
clg_tensor clg__window_numbers(const clg__call *c, int nd, const clg__window_field *f, int least,
                               const int64_t none[CLG__SPATIAL], int64_t out[CLG__SPATIAL]);
// k, stride, lo, hi and dilation.
clg_tensor clg__window_read(const clg__call *c, const clg__window_params *p, clg__window *w);
// out, from in and the rest; of a transposed convolution in, from out and the rest. The image itself is one of
// the inputs, or too large.
clg_tensor clg__window_fit(const clg__call *c, clg__window *w, bool ceil_mode);
clg_tensor clg__window_unfit(const clg__call *c, clg__window *w, const int64_t output_padding[CLG__SPATIAL]);

// An image without a batch, [C, sizes], becomes a batch of one; *single: it was one.
clg_tensor clg__window_single(const clg__call *c, int nd, clg_tensor *x, bool *single);
clg_tensor clg__window_result(clg_tensor y, clg_shape s, bool single); // of such an image, as shape s without its batch
// Are the dimensions of t from `from` on 1 to CLG__WINDOW_MOST?
clg_tensor clg__window_check(const clg__call *c, const char *name, clg_tensor t, int from);
int64_t clg__window_size(const int64_t v[CLG__SPATIAL]); // their product
// [a, b, sizes], with one size of 1 before those of one dimension when `flat`.
clg_shape clg__window_shape(const clg__window *w, bool flat, int64_t a, int64_t b,
                            const int64_t v[CLG__SPATIAL]);
const char *clg__window_text(int nd, const int64_t v[CLG__SPATIAL], char buf[80]); // "3x5"
// Does some number of elements or window places not fit an int?
bool clg__window_wide(const clg__window *w);
void clg__window_key(clg__key *k, const clg__window *w);
// The block of arguments WINDOW that kernel files name by WINDOW and pass on by WINDOW_NAMES (cl/window.clh);
// its numbers, and by define those of elements (INDEX), are int or, where they have to be, long. 3-D windows
// define ND.
void clg__window_args(clg__kplan *p, clg__launch *l, const clg__window *w);
#endif
